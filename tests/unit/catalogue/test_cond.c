/*
 * cond: how an If is read, where its bounds are, and where what is wrong with it is told.
 */
#include "cat_test.h"

#define ON(fact, keys) ALARM("700.001", "major") RULE("    On: " fact "\n    Expire: 1h\n" keys)
#define CANCELLED(cond) ON("migration.cancelled", "    If: " cond "\n")

static void
show(const struct cat_cond *c, struct fm_buf *b)
{
	static const char *const words[] = {"=", "!=", "<", "<=", ">", ">=", "~", "and", "or", "not"};
	fm_buf_addf(b, "(%s", words[c->op]);
	if (c->attr >= 0)
		fm_buf_addf(b, " %s", fact_attr_name((enum fact_attr)c->attr));
	if (c->text != NULL)
		fm_buf_addf(b, " '%s'", c->text);
	else if (c->other >= 0)
		fm_buf_addf(b, " %s", fact_attr_name((enum fact_attr)c->other));
	else if (c->attr >= 0)
		fm_buf_addf(b, " %lld", (long long)c->num);
	const struct cat_cond *const side[] = {c->left, c->right};
	for (unsigned i = 0; i < 2; i++) {
		if (side[i] == NULL)
			continue;
		fm_buf_adds(b, " ");
		show(side[i], b);
	}
	fm_buf_adds(b, ")");
}

static void
reads(const char *record, const char *expected)
{
	struct loaded l = load_clean(record);
	struct fm_buf b = {0};
	show(cat_find(l.cat, "700.001")->rules[0].when.root, &b);
	cr_expect_str_eq(b.s, expected);
	fm_buf_fini(&b);
	unload(&l);
}

/* The line of If in CANCELLED is 19, its value begins in column 9. */
static void
tells(const char *record, unsigned number, uint32_t column, const char *words, bool error)
{
	struct loaded l = load_text(record);
	const struct cat_finding *f = finding(&l, number);
	struct fm_buf b = {0};
	cr_assert_not_null(f, "F%u expected for\n%s\nnot\n%s", number, record, findings_text(&l, &b));
	cr_expect_eq(f->line, 19, "%u", f->line);
	cr_expect_eq(f->column, column, "%u for %s", f->column, record);
	cr_expect_not_null(strstr(f->text, words), "%s", f->text);
	cr_expect_eq(f->error, error);
	fm_buf_fini(&b);
	unload(&l);
}

static void
wrong(const char *record, unsigned number, uint32_t column, const char *words)
{
	tells(record, number, column, words, true);
}

static void
warns(const char *record, unsigned number, uint32_t column, const char *words)
{
	tells(record, number, column, words, false);
}

Test(cond, and_binds_more_than_or_and_not_most)
{
	reads(CANCELLED("reason = a or reason = b and reason != c"),
	      "(or (= reason 'a') (and (= reason 'b') (!= reason 'c')))");
	reads(CANCELLED("not reason = a and reason = b"),
	      "(and (not (= reason 'a')) (= reason 'b'))");
	reads(CANCELLED("not (reason = a or not not reason ~ b)"),
	      "(not (or (= reason 'a') (not (not (~ reason 'b')))))");
	reads(CANCELLED("((attempt==1)or(attempt<2))and(attempt<=3)"),
	      "(and (or (= attempt 1) (< attempt 2)) (<= attempt 3))");
	reads(CANCELLED("attempt > -4 and attempt >= 5 or attempt != 6"),
	      "(or (and (> attempt -4) (>= attempt 5)) (!= attempt 6))");
}

Test(cond, times_count_in_the_unit_of_the_attribute)
{
	reads(CANCELLED("downtime_ms >= 1500ms and elapsed_s < 2m and limit_s = 90"),
	      "(and (and (>= downtime_ms 1500) (< elapsed_s 120)) (= limit_s 90))");
	wrong(CANCELLED("elapsed_s > 1500ms"), 438, 21, "a time that is a multiple of its unit");
	wrong(CANCELLED("attempt > 2s"), 438, 19, "attempt is a number; compare it with a whole number,");
	wrong(CANCELLED("attempt = 1.5"), 438, 19, "whole number");
	wrong(CANCELLED("attempt = '1'"), 438, 19, "whole number");
	wrong(CANCELLED("attempt = 1234567890123456"), 438, 19, "whole number");
	wrong(CANCELLED("attempt ~ 1"), 438, 19, "~ looks into texts");
}

Test(cond, words_may_be_quoted_and_must_be_when_they_mean_something)
{
	reads(CANCELLED("reason = compute-0.example:8080/x"), "(= reason 'compute-0.example:8080/x')");
	reads(CANCELLED("reason = \"it's (not) over\""), "(= reason 'it's (not) over')");
	reads(CANCELLED("'reason ~ \"and\" or reason != \"\"'"), "(or (~ reason 'and') (!= reason ''))");
	reads(CANCELLED("reason = \"true\" or host = 7"), "(or (= reason 'true') (= host_name '7'))");
	reads(CANCELLED("|-\n      Reason-Text = a\n      and reason = b"),
	      "(and (= reason 'a') (= reason 'b'))");
	wrong(CANCELLED("reason = true"), 438, 18, "neither true nor false");
	wrong(CANCELLED("reason < a"), 438, 18, "it has =, != and ~, but not \"<\"");
}

Test(cond, what_cannot_be_read_is_told_where_it_stands)
{
	wrong(CANCELLED("reason = a and"), 436, 23, "If ends where an attribute should stand");
	wrong(CANCELLED("reason = and"), 436, 18, "where a value should stand");
	wrong(CANCELLED("reason"), 436, 15, "ends where =, !=");
	wrong(CANCELLED("reason = a reason = b"), 436, 20, "where and, or or the end should stand");
	wrong(CANCELLED("(reason = a"), 436, 20, "ends where ) should stand");
	wrong(CANCELLED("reason = a)"), 436, 19, "\")\"");
	wrong(CANCELLED("reason = 'a b"), 436, 18, "the quote before \"a b\" is not closed");
	wrong(CANCELLED("\"reason ~ 'a b\""), 436, 19, "the quote before \"a b\" is not closed");
	wrong(CANCELLED("reason ! a"), 436, 16, "\"!\"");
	wrong(CANCELLED("\"not\""), 436, 13, "ends where an attribute");
	wrong(CANCELLED("[a, b]"), 402, 9, "If must be a single value");
}

Test(cond, attributes_are_those_of_the_fact)
{
	wrong(CANCELLED("reason = a or atempt > 1"), 414, 23, "did you mean \"attempt\"?");
	wrong(CANCELLED("'old_instance_name = x'"), 439, 10, "migration.cancelled never carries");
	wrong(ON("host.memory_error", "    If: instance_name = a\n"), 439, 9, "host.memory_error never");
	wrong(ON("migration.cancelled", "    If: count > 1\n"), 439, 9, "never carries count");
}

Test(cond, two_attributes_are_compared_when_they_are_of_a_kind)
{
	reads(CANCELLED("downtime_ms > downtime_limit_ms and not elapsed_s <= limit_s"),
	      "(and (> downtime_ms downtime_limit_ms) (not (<= elapsed_s limit_s)))");
	reads(CANCELLED("source_host != destination_host or reason ~ host_name"),
	      "(or (!= source_host destination_host) (~ reason host_name))");
	/* Only by its very name, and not in quotes. */
	reads(CANCELLED("reason = 'initiator' or reason = 'Initiator' or reason = \"source\""),
	      "(or (or (= reason 'initiator') (= reason 'Initiator')) (= reason 'source'))");
	warns(CANCELLED("source_host != destination"), 443, 24,
	      "\"destination\" is taken as a word; write destination_host");
	warns(CANCELLED("reason = Initiator"), 443, 18, "write initiator, or quote");
	wrong(CANCELLED("downtime_ms > reason"), 438, 23, "downtime_ms is a number and reason a text");
	wrong(CANCELLED("reason = attempt"), 438, 18, "reason is a text and attempt a number; quote");
	wrong(CANCELLED("elapsed_s > downtime_ms"), 438, 21, "not of the same unit");
	wrong(CANCELLED("reason = reason"), 438, 18, "compared with itself");
	wrong(CANCELLED("reason < initiator"), 438, 18, "it has =, != and ~");
	wrong(CANCELLED("attempt ~ count"), 438, 19, "~ looks into texts");
	wrong(CANCELLED("reason = pool"), 439, 18, "migration.cancelled never carries pool");
}

Test(cond, a_comparison_that_is_always_the_same_is_a_warning)
{
#define DISABLED(cond) HOST_ALARM("270.001", "major") \
	"  Maintenance_Action:\n  Inhibit_Alarms: False\n" RULE("    While: host.disabled\n    Hold_On: 1m\n    If: " cond "\n")
	warns(CANCELLED("'reason = \"\"'"), 442, 19, "never true; write: not reason != \"\"");
	warns(CANCELLED("'attempt > 1 and not reason == \"\"'"), 442, 40, "never true");
	warns(DISABLED("moved >= 1"), 442, 9, "moved is 0 when host.disabled begins");
	struct loaded l = load_text(DISABLED("guests > 5"));
	cr_assert_null(finding(&l, 442));
	unload(&l);
}

/* n comparisons, joined. */
static void
long_one(unsigned n, struct fm_buf *b)
{
	fm_buf_reset(b);
	fm_buf_adds(b, CANCELLED("attempt = 1"));
	b->len--;
	for (unsigned i = 1; i < n; i++)
		fm_buf_adds(b, " or attempt = 1");
	fm_buf_adds(b, "\n");
}

Test(cond, it_is_bounded)
{
	struct fm_buf b = {0};
	long_one(CAT_MAX_COMPARISONS, &b);
	struct loaded l = load_clean(b.s);
	unload(&l);
	long_one(CAT_MAX_COMPARISONS + 1, &b);
	wrong(b.s, 437, 9 + 15 * CAT_MAX_COMPARISONS, "at most 32 comparisons");
	fm_buf_fini(&b);
	reads(CANCELLED("((((((((reason = a))))))))"), "(= reason 'a')");
	wrong(CANCELLED("(((((((((reason = a)))))))))"), 437, 17, "at most 8 deep");
	wrong(CANCELLED("(((not not not not not not reason = a)))"), 437, 32, "at most 8 deep");
	reads(CANCELLED("(reason = a) and (reason = a) and (reason = a) and (reason = a) and (not "
			"reason = a)"),
	      "(and (and (and (and (= reason 'a') (= reason 'a')) (= reason 'a')) (= reason 'a')) "
	      "(not (= reason 'a')))");
}

Test(cond, a_log_and_a_state_may_have_one_and_make_no_twins)
{
	struct loaded l = load_clean(
		ALARM("700.001", "major") RULE("    While: instance.failed\n    If: reason ~ a\n")
		ALARM("700.002", "major") RULE("    While: instance.failed\n    If: reason ~ b\n")
		LOG("700.101", "major") RULE("    On: instance.fault\n    If: reason ~ c\n"));
	cr_assert_str_eq(cat_find(l.cat, "700.101")->rules[0].when.source, "reason ~ c");
	cr_assert_eq(cat_find(l.cat, "700.101")->rules[0].when.line, 48);
	unload(&l);
}

Test(clear, is_one_event_or_several_with_conditions_of_their_own)
{
	struct loaded l = load_clean(ALARM("700.001", "major") RULE("    On: instance.fault\n"
		"    Clear:\n      - instance.enabled\n"
		"      - {On: instance.fault, If: reason = over}\n    Expire: 1h\n")
		ALARM("700.002", "major") RULE("    On: reboot.failed\n    Clear: instance.enabled\n"
		"    Expire: 1h\n"));
	const struct cat_clearing *c;
	cr_assert_eq(cat_clears_on(l.cat, FACT_INSTANCE_ENABLED, &c), 2);
	cr_assert_str_eq(c[0].rule->record->id, "700.001");
	cr_assert_str_eq(c[1].rule->record->id, "700.002");
	cr_assert_null(c[0].clear->when.root);
	cr_assert_eq(cat_clears_on(l.cat, FACT_INSTANCE_FAULT, &c), 1);
	cr_assert_str_eq(c[0].clear->when.source, "reason = over");
	cr_assert_eq(cat_clears_on(l.cat, FACT_REBOOT_FAILED, &c), 0);
	unload(&l);
}

#define CLEAR(keys) ALARM("700.001", "major") RULE("    On: instance.fault\n" keys)

Test(clear, wants_events_of_the_same_kind_of_subject)
{
	static const struct { const char *text; unsigned number; const char *words; } v[] = {
		{CLEAR("    Clear: instance.enable\n"), 403, "did you mean \"instance.enabled\"?"},
		{CLEAR("    Clear: instance.failed\n"), 440, "is a state; Clear takes events"},
		{CLEAR("    Clear: [instance.enabled, host.memory_error]\n"), 440, "about a host"},
		{CLEAR("    Clear: {On: instance.fault}\n"), 441, "an If has to say which"},
		{CLEAR("    Clear: {If: reason = a}\n"), 402, "Clear needs On"},
		{CLEAR("    Clear: {On: instance.enabled, Of: a}\n"), 401, "\"Of\" is not a key of Clear"},
		{CLEAR("    Clear: {On: instance.enabled, If: downtime_ms > 1}\n"), 439, "enabled never"},
		{CLEAR("    Clear: []\n"), 402, "one to 16 events"},
		{ALARM("700.001", "major") RULE("    While: instance.failed\n"
			"    Clear: instance.enabled\n"), 409, "goes with On"},
		{LOG("700.001", "major") RULE("    On: instance.fault\n    Clear: instance.enabled\n"), 408,
		 "a log has On, If and Threshold"},
		{HOST_ALARM("270.001", "major") RULE("    On: instance.fault\n    Expire: 1h\n"
			"    Group: {By: host, At_Least: 2, Within: 1m}\n    Clear: instance.enabled\n"), 409,
		 "Clear and Group exclude each other"},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(v); i++) {
		struct loaded l = load_text(v[i].text);
		struct fm_buf b = {0};
		const struct cat_finding *f = finding(&l, v[i].number);
		cr_assert_not_null(f, "F%u: %s", v[i].number, findings_text(&l, &b));
		cr_expect_not_null(strstr(f->text, v[i].words), "%s", f->text);
		fm_buf_fini(&b);
		unload(&l);
	}
}
