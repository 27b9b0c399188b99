/*
 * starlingx: the incumbent's catalogue loads unchanged, and each of its oddities is told.
 */
#include "cat_test.h"

static struct loaded file;

static void
load_file(void)
{
	char path[512];
	shared_path("data/starlingx-events.yaml", path, sizeof(path));
	if (access(path, R_OK) != 0)
		cr_skip_test("no %s (set FMD_SHARED)", path);
	cat_findings_init(&file.findings);
	file.rc = cat_load(path, &file.findings, &file.cat, &file.err);
	cr_assert_eq(file.rc, 0, "%s", file.err.msg);
}

static void
unload_file(void)
{
	unload(&file);
}

TestSuite(starlingx, .init = load_file, .fini = unload_file);

Test(starlingx, all_records_are_there)
{
	unsigned logs = 0;
	for (unsigned i = 0; i < cat_count(file.cat); i++)
		logs += cat_at(file.cat, i)->is_log;
	cr_assert_eq(cat_count(file.cat), 331);
	cr_assert_eq(logs, 196);
	cr_assert_eq(file.findings.n_errors, 0);
}

Test(starlingx, every_record_has_what_an_alarm_needs)
{
	for (unsigned i = 0; i < cat_count(file.cat); i++) {
		const struct cat_record *rec = cat_at(file.cat, i);
		cr_expect_neq(rec->severity, SEV_NONE, "%s", rec->id);
		cr_expect_not_null(rec->entity_form, "%s", rec->id);
		cr_expect_gt(cat_text_for(rec, rec->severity)->n, 0, "%s", rec->id);
	}
}

/* Numbers of starlingx-fm §2.3: the odd shapes of this very file. */
Test(starlingx, every_odd_shape_is_told)
{
	static const struct { unsigned number, count; } shapes[] = {
		{116, 3},       /* records commented out */
		{206, 1},       /* 800.002 without repair text */
		{216, 5},       /* dictionaries that leave out a severity */
		{222, 1},       /* 200.006: minor without value */
		{301, 32},      /* ids that end in zero */
		{302, 4},       /* out of order */
		{303, 33},      /* 24 descriptions, 9 entities */
		{304, 3},       /* 401.x: "or" */
		{306, 3},       /* folded plain texts */
		{307, 11},      /* folded quoted texts */
		{308, 1},       /* 700.001 */
		{309, 12},      /* 9 none, 3 None */
		{310, 4},       /* lists of one */
		{311, 1},       /* 800.002: eleven types */
		{313, 4}, {314, 2}, {315, 1}, {317, 1},
		{318, 3}, {319, 2}, {320, 1}, {321, 2}, {323, 1}, {327, 1},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(shapes); i++)
		cr_expect_eq(count_findings(&file, shapes[i].number), shapes[i].count,
			     "F%u: %u", shapes[i].number,
			     count_findings(&file, shapes[i].number));
	cr_assert_geq(count_findings(&file, 312), 5);
	cr_assert_geq(count_findings(&file, 322), 12);
	cr_assert_geq(count_findings(&file, 324), 4);
}

static bool
told(unsigned number, const char *id)
{
	for (unsigned i = 0; i < file.findings.n; i++)
		if (file.findings.v[i].number == number && file.findings.v[i].id != NULL &&
		    strcmp(file.findings.v[i].id, id) == 0)
			return true;
	return false;
}

Test(starlingx, oddities_are_told_of_the_right_records)
{
	cr_expect(told(311, "800.002"));
	cr_expect(told(312, "700.017"));
	cr_expect(told(312, "800.100"));
	cr_expect(told(313, "300.016"));
	cr_expect(told(314, "280.002"));
	cr_expect(told(315, "800.002"));
	cr_expect(told(317, "700.013"));
	cr_expect(told(318, "200.005"));
	cr_expect(told(319, "700.109"));
	cr_expect(told(319, "500.500"));
	cr_expect(told(320, "700.108"));
	cr_expect(told(321, "100.105"));
	cr_expect(told(324, "270.101"));
	cr_expect_not(told(324, "700.001"));
}

Test(starlingx, findings_have_places)
{
	for (unsigned i = 0; i < file.findings.n; i++) {
		cr_expect_gt(file.findings.v[i].line, 0);
		cr_expect_gt(file.findings.v[i].column, 0);
	}
}

Test(starlingx, trailing_zeros_survive)
{
	cr_assert_not_null(cat_find(file.cat, "700.010"));
	cr_assert_null(cat_find(file.cat, "700.01"));
	cr_assert_neq(cat_find(file.cat, "200.010"), cat_find(file.cat, "200.001"));
}

Test(starlingx, forms_by_severity_are_kept_apart)
{
	const struct cat_record *ntp = cat_find(file.cat, "100.114");
	cr_assert_str_eq(ntp->entity_form, "host=<hostname>.ntp");
	cr_assert_str_neq(cat_text_for(ntp, SEV_MAJOR)->source,
			  cat_text_for(ntp, SEV_MINOR)->source);

	const struct cat_record *process = cat_find(file.cat, "200.006");
	cr_assert(cat_service_affecting_for(process, SEV_CRITICAL));
	cr_assert_not(cat_service_affecting_for(process, SEV_MINOR));
	cr_assert_str_eq(process->maintenance[SEV_MAJOR], "degrade");
	cr_assert_null(process->maintenance[SEV_MINOR]);
	cr_assert(cat_find(file.cat, "200.001")->inhibits);
}
