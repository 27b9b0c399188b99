/*
 * diff: what is said of two catalogues.
 */
#include "cat_test.h"

static void
differ(const char *was, const char *is, const char *expected)
{
	struct loaded a = load_text(was), b = load_text(is);
	struct fm_buf text = {0};
	cr_assert_not_null(a.cat, "%s", was);
	cr_assert_not_null(b.cat, "%s", is);
	cat_diff(a.cat, b.cat, &text);
	cr_expect_str_eq(text.s, expected, "%s", text.s);
	fm_buf_fini(&text);
	unload(&a);
	unload(&b);
}

#define FAILED ALARM("700.001", "major") RULE("    While: instance.failed\n")

Test(diff, the_same_written_otherwise_does_not_differ)
{
	differ(FAILED, FAILED, "nothing differs");
	differ(FAILED ALARM("700.002", "minor"),
	       "# a comment\n" ALARM("700.002", "minor") ALARM("700.001", "[major]")
	       RULE("    {While: instance.failed}\n"), "nothing differs");
}

Test(diff, records_are_new_or_gone)
{
	differ(FAILED, FAILED ALARM("700.002", "minor") ALARM("700.003", "minor"),
	       "new: 700.002, 700.003");
	differ(ALARM("100.001", "minor") FAILED, FAILED ALARM("700.002", "minor"),
	       "new: 700.002; gone: 100.001");
}

Test(diff, a_record_that_changed_says_in_what)
{
	differ(FAILED, ALARM("700.001", "major") RULE("    While: instance.paused\n"),
	       "changed: 700.001 (rules)");
	differ(FAILED, ALARM("700.001", "major"), "changed: 700.001 (rules 1 -> 0)");
	differ(FAILED, ALARM("700.001", "major") "  Correlation: {While: instance.failed}\n"
	       "  Examples: {none: [1s nothing]}\n", "changed: 700.001 (examples)");
	differ(FAILED, ALARM("700.001", "minor") RULE("    While: instance.failed\n    Hold_On: 1s\n"),
	       "changed: 700.001 (fields, rules)");
}

Test(diff, limits_and_windows_count_too)
{
	differ(FAILED, "Limits: {Hard: 700s}\n" FAILED, "Limits differ");
	differ(FAILED, "Maintenance:\n  - {Name: w, Alarms: all, From: '2030-01-01T00:00:00Z',"
	       " Until: '2030-01-02T00:00:00Z'}\n" FAILED, "Maintenance differs");
}

Test(diff, it_is_bounded)
{
	struct fm_buf many = {0};
	fm_buf_adds(&many, FAILED);
	for (unsigned i = 10; i < 35; i++)
		fm_buf_addf(&many, "\"700.0%u\":\n" FIELDS_OF("minor", INSTANCE), i);
	differ(FAILED, many.s, "new: 700.010, 700.011, 700.012, 700.013, 700.014, 700.015, 700.016, "
	       "700.017, 700.018, 700.019 and 15 more");
	fm_buf_fini(&many);
}
