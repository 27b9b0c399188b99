/*
 * shipped: events.yaml as we ship it.
 */
#include "cat_test.h"

static struct loaded file;

static void
load_file(void)
{
	char path[512];
	source_path("events.yaml", path, sizeof(path));
	if (access(path, R_OK) != 0)
		cr_skip_test("no %s", path);
	cat_findings_init(&file.findings);
	file.rc = cat_load(path, &file.findings, &file.cat, &file.err);
}

static void
unload_file(void)
{
	unload(&file);
}

TestSuite(shipped, .init = load_file, .fini = unload_file);

Test(shipped, loads_without_errors)
{
	struct fm_buf b = {0};
	cr_assert_eq(file.rc, 0, "%s", findings_text(&file, &b));
	fm_buf_fini(&b);
}

Test(shipped, no_rule_has_a_warning)
{
	for (unsigned i = 0; i < file.findings.n; i++) {
		const struct cat_finding *f = &file.findings.v[i];
		cr_expect_lt(f->number, 400, "line %u: F%u %s", (unsigned)f->line, f->number,
			     f->text);
	}
}

Test(shipped, watches_instances_and_hosts)
{
	const struct cat_rule *const *rules = NULL;
	cr_expect_gt(cat_rules_on(file.cat, FACT_INSTANCE_FAILED, &rules), 0);
	cr_expect_gt(cat_rules_on(file.cat, FACT_INSTANCE_MIGRATING, &rules), 0);
	cr_expect_gt(cat_rules_on(file.cat, FACT_INSTANCE_DOWNTIME, &rules), 0);
	cr_expect_gt(cat_rules_on(file.cat, FACT_HOST_DOWN, &rules), 0);
}

/* What they say is played by tests/unit/offline. */
Test(shipped, shows_by_an_example_what_each_rule_is_for)
{
	for (unsigned i = 0; i < cat_count(file.cat); i++) {
		const struct cat_record *rec = cat_at(file.cat, i);
		if (rec->n_rules != 0 || rec->n_relations != 0)
			cr_expect_gt(rec->n_examples, 0, "%s has a Correlation and no example",
				     rec->id);
	}
}

/* StarlingX's users keep their ids, and what is an alarm there is one here. */
Test(shipped, keeps_every_id_of_the_incumbent)
{
	char path[512];
	struct catalogue *theirs = NULL;
	struct fm_err err;
	shared_path("data/starlingx-events.yaml", path, sizeof(path));
	if (access(path, R_OK) != 0)
		cr_skip_test("no %s (set FMD_SHARED)", path);
	cr_assert_eq(cat_load(path, NULL, &theirs, &err), 0, "%s", err.msg);
	for (unsigned i = 0; i < cat_count(theirs); i++) {
		const struct cat_record *want = cat_at(theirs, i);
		const struct cat_record *rec = cat_find(file.cat, want->id);
		cr_expect_not_null(rec, "%s is missing", want->id);
		if (rec != NULL)
			cr_expect_eq(rec->is_log, want->is_log, "%s", want->id);
	}
	cat_free(theirs);
}
