/*
 * record: the fields of StarlingX's format, in every form they may take.
 */
#include "cat_test.h"

#define HEAD "\"100.001\":\n  Type: Alarm\n"

static const struct cat_record *
only_record(const struct loaded *l)
{
	cr_assert_eq(cat_count(l->cat), 1);
	return cat_at(l->cat, 0);
}

Test(record, an_id_is_text)
{
	struct loaded l = load_good("700.010:\n" FIELDS_OF("major", INSTANCE)
				    "700.01:\n" FIELDS_OF("minor", INSTANCE));
	cr_assert_eq(cat_count(l.cat), 2);
	cr_assert_eq(cat_find(l.cat, "700.010")->severity, SEV_MAJOR);
	cr_assert_eq(cat_find(l.cat, "700.01")->severity, SEV_MINOR);
	cr_assert_null(cat_find(l.cat, "700.0100"));
	unload(&l);
}

Test(record, records_are_found_and_listed_by_id)
{
	struct loaded l = load_good(ALARM("300.001", "major") ALARM("100.001", "major")
				    ALARM("200.001", "major"));
	cr_assert_str_eq(cat_at(l.cat, 0)->id, "100.001");
	cr_assert_str_eq(cat_at(l.cat, 1)->id, "200.001");
	cr_assert_str_eq(cat_at(l.cat, 2)->id, "300.001");
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(cat_find(l.cat, cat_at(l.cat, i)->id), cat_at(l.cat, i));
	cr_assert_null(cat_find(l.cat, ""));
	cr_assert_null(cat_find(l.cat, "999.999"));
	unload(&l);
}

Test(record, plain_fields_are_taken_as_they_are)
{
	struct loaded l = load_clean(ALARM("100.001", "major"));
	const struct cat_record *rec = only_record(&l);
	cr_assert_not(rec->is_log);
	cr_assert_eq(rec->severities, 1u << SEV_MAJOR);
	cr_assert_eq(rec->severity, SEV_MAJOR);
	cr_assert_str_eq(rec->entity_form, INSTANCE);
	cr_assert_str_eq(cat_repair_for(rec, SEV_MAJOR), "Repair it");
	cr_assert_null(rec->maintenance[SEV_NONE]);
	cr_assert_not(rec->inhibits);
	cr_assert_str_eq(alarm_type_name(rec->type), "processing-error");
	cr_assert_str_eq(probable_cause_name(rec->cause), "software-error");
	cr_assert(cat_service_affecting_for(rec, SEV_MAJOR));
	cr_assert(cat_service_affecting_for(rec, SEV_NONE));
	cr_assert(rec->suppressible);
	cr_assert_eq(rec->mgmt_threshold, SEV_WARNING);
	cr_assert_eq(rec->degrade_threshold, SEV_NONE);
	cr_assert_eq(rec->context, CONTEXT_OPENSTACK);
	cr_assert_eq(rec->line, 1);
	cr_assert_eq(rec->n_rules, 0);
	cr_assert_eq(rec->n_relations, 0);
	unload(&l);
}

Test(record, a_log_has_no_alarm_fields)
{
	struct loaded l = load_clean(LOG("100.001", "critical"));
	const struct cat_record *rec = only_record(&l);
	cr_assert(rec->is_log);
	cr_assert_not(rec->suppressible);
	cr_assert_eq(rec->mgmt_threshold, SEV_NONE);
	unload(&l);
}

Test(record, the_severity_is_the_worst_listed)
{
	struct loaded l = load_clean(ALARM("100.001", "[minor, critical, warning]"));
	const struct cat_record *rec = only_record(&l);
	cr_assert_eq(rec->severities, 1u << SEV_MINOR | 1u << SEV_CRITICAL | 1u << SEV_WARNING);
	cr_assert_eq(rec->severity, SEV_CRITICAL);
	unload(&l);
}

Test(record, texts_by_severity_fall_back_to_any)
{
	struct loaded l = load_good(HEAD "  Severity: [major, minor]\n"
				    "  Description: {major: big, minor: small}\n");
	const struct cat_record *rec = only_record(&l);
	cr_assert_str_eq(cat_text_for(rec, SEV_MAJOR)->source, "big");
	cr_assert_str_eq(cat_text_for(rec, SEV_MINOR)->source, "small");
	cr_assert_str_eq(cat_text_for(rec, SEV_CRITICAL)->source, "small");
	cr_assert_str_eq(cat_text_for(rec, SEV_NONE)->source, "small");
	unload(&l);
}

Test(record, a_list_as_long_as_the_severities_goes_with_them)
{
	struct loaded l = load_good(HEAD "  Severity: [major, minor]\n"
				    "  Description: [big, small]\n"
				    "  Proposed_Repair_Action: [run, walk]\n");
	const struct cat_record *rec = only_record(&l);
	cr_assert_str_eq(cat_text_for(rec, SEV_MAJOR)->source, "big");
	cr_assert_str_eq(cat_text_for(rec, SEV_MINOR)->source, "small");
	cr_assert_str_eq(cat_repair_for(rec, SEV_MAJOR), "run");
	cr_assert_str_eq(cat_repair_for(rec, SEV_MINOR), "walk");
	cr_assert_null(cat_repair_for(rec, SEV_WARNING));
	unload(&l);
}

Test(record, a_list_of_another_length_holds_alternatives)
{
	struct loaded l = load_good(HEAD "  Severity: major\n  Description: [one <reason>, two]\n");
	const struct cat_text *text = cat_text_for(only_record(&l), SEV_MAJOR);
	cr_assert_str_eq(text->source, "one <reason>\nOR\ntwo");
	cr_assert_eq(text->n, 2);
	cr_assert_str_eq(text->part[0].text, "one ");
	cr_assert_eq(text->part[1].attr, ATTR_REASON);
	unload(&l);
}

Test(record, a_record_without_text_has_an_empty_one)
{
	struct loaded l = load_good(HEAD);
	const struct cat_record *rec = only_record(&l);
	cr_assert_str_eq(cat_text_for(rec, SEV_MAJOR)->source, "");
	cr_assert_eq(cat_text_for(rec, SEV_MAJOR)->n, 0);
	cr_assert_null(cat_repair_for(rec, SEV_MAJOR));
	cr_assert_null(rec->entity_form);
	cr_assert_eq(rec->severity, SEV_NONE);
	cr_assert_eq(rec->cause, FM_CAUSE_UNKNOWN);
	cr_assert_eq(rec->context, CONTEXT_NONE);
	unload(&l);
}

Test(record, the_entity_is_the_first_alternative)
{
	static const char *const forms[] = {
		"  Entity_Instance_ID: |-\n    host=<h>\n    OR\n    host=<h>.port=<p>\n",
		"  Entity_Instance_ID:\n    host=<h>\n    OR\n    host=<h>.port=<p>\n",
		"  Entity_Instance_ID: [host=<h>, host=<h>.port=<p>]\n",
		"  Entity_Instance_ID:\n    major: host=<h>\n    minor: host=<h>.port=<p>\n",
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(forms); i++) {
		char text[512];
		snprintf(text, sizeof(text), HEAD "  Severity: [major, minor]\n%s", forms[i]);
		struct loaded l = load_good(text);
		cr_assert_str_eq(only_record(&l)->entity_form, "host=<h>", "%s", forms[i]);
		unload(&l);
	}
}

Test(record, service_affecting_by_severity_is_false_for_what_it_leaves_out)
{
	struct loaded l = load_good(HEAD "  Severity: [critical, major, minor]\n"
				    "  Service_Affecting: {critical: True, minor: False}\n");
	const struct cat_record *rec = only_record(&l);
	cr_assert(cat_service_affecting_for(rec, SEV_CRITICAL));
	cr_assert_not(cat_service_affecting_for(rec, SEV_MAJOR));
	cr_assert_not(cat_service_affecting_for(rec, SEV_MINOR));
	cr_assert_eq(count_findings(&l, 216), 1);
	unload(&l);
}

Test(record, words_that_mean_nothing_are_nothing)
{
	struct loaded l = load_good(HEAD "  Severity: [major, minor]\n"
				    "  Maintenance_Action: {major: none, minor: degrade}\n"
				    "  Proposed_Repair_Action: None\n");
	const struct cat_record *rec = only_record(&l);
	cr_assert_null(rec->maintenance[SEV_MAJOR]);
	cr_assert_str_eq(rec->maintenance[SEV_MINOR], "degrade");
	cr_assert_null(cat_repair_for(rec, SEV_MAJOR));
	cr_assert_eq(count_findings(&l, 309), 2);
	unload(&l);
}

Test(record, of_a_list_of_words_the_first_counts)
{
	struct loaded l = load_good(HEAD "  Alarm_Type: [communication, equipment]\n"
				    "  Probable_Cause: [threshold-crossed, unknown]\n");
	const struct cat_record *rec = only_record(&l);
	cr_assert_str_eq(alarm_type_name(rec->type), "communication");
	cr_assert_str_eq(probable_cause_name(rec->cause), "threshold-crossed");
	unload(&l);
}

Test(record, a_context_of_our_own_is_known)
{
	struct loaded l = load_good(HEAD "  Context: fmd\n");
	cr_assert_eq(only_record(&l)->context, CONTEXT_FMD);
	unload(&l);
}

Test(record, limits_have_defaults_and_can_be_set)
{
	struct loaded l = load_good(HEAD);
	const struct cat_limits *lim = cat_limits(l.cat);
	cr_assert_eq(lim->soft_s, 180);
	cr_assert_eq(lim->hard_s, 800);
	cr_assert_eq(lim->min_s, 120);
	cr_assert_eq(lim->max_s, 800);
	cr_assert_not(lim->per_gib);
	cr_assert_eq(lim->unknown_s, 960);
	cr_assert_eq(lim->downtime_ms, 500);
	cr_assert_eq(lim->downtime_min_ms, 100);
	cr_assert_eq(lim->settle.ns, 60 * FM_NS_PER_S);
	cr_assert_eq(lim->keep_cleared.ns, 3600 * FM_NS_PER_S);
	cr_assert_eq(lim->max_cleared, 20000);
	cr_assert_eq(lim->max_alarms, 200000);
	cr_assert_eq(lim->storm, 1000);
	cr_assert_eq(lim->storm_window.ns, 10 * FM_NS_PER_S);
	cr_assert_eq(lim->storm_pass, 10);
	unload(&l);

	l = load_good("Limits: {Soft: 0, Hard: 10m, Mode: per-gib, Downtime: 1s, Settle: 5s,\n"
		      "  Max_Cleared: 0, Max_Alarms: 1}\n" HEAD);
	lim = cat_limits(l.cat);
	cr_assert_eq(lim->soft_s, 0);
	cr_assert_eq(lim->hard_s, 600);
	cr_assert(lim->per_gib);
	cr_assert_eq(lim->downtime_ms, 1000);
	cr_assert_eq(lim->settle.ns, 5 * FM_NS_PER_S);
	cr_assert_eq(lim->max_cleared, 0);
	cr_assert_eq(lim->max_alarms, 1);
	unload(&l);
}

Test(record, limits_out_of_range_are_refused_at_the_edge)
{
	static const struct { const char *text; bool ok; } cases[] = {
		{"Limits: {Max_Alarms: 0}\n" HEAD, false},
		{"Limits: {Max_Alarms: 10000000}\n" HEAD, true},
		{"Limits: {Max_Alarms: 10000001}\n" HEAD, false},
		{"Limits: {Max_Alarms: -1}\n" HEAD, false},
		{"Limits: {Max_Alarms: 99999999999999999999}\n" HEAD, false},
		{"Limits: {Max_Cleared: 10000000}\n" HEAD, true},
		{"Limits: {Max_Cleared: 10000001}\n" HEAD, false},
		{"Limits: {Storm: 0, Storm_Pass: 0}\n" HEAD, true},
		{"Limits: {Storm: 10000000, Storm_Pass: 10000000}\n" HEAD, true},
		{"Limits: {Storm: 10000001}\n" HEAD, false},
		{"Limits: {Storm_Pass: 10000001}\n" HEAD, false},
		{"Limits: {Storm_Window: 999ms}\n" HEAD, false},
		{"Limits: {Storm_Window: 1s}\n" HEAD, true},
		{"Limits: {Storm_Window: 1h}\n" HEAD, true},
		{"Limits: {Storm_Window: 3600001ms}\n" HEAD, false},
		{"Limits: {Soft: 1500ms}\n" HEAD, false},
		{"Limits: {Downtime: 0}\n" HEAD, false},
		{"Limits: {Downtime: 100ms}\n" HEAD, true},
		{"Limits: {Downtime: 99ms}\n" HEAD, false},
		{"Limits: {Unknown: 800s}\n" HEAD, false},
		{"Limits: {Mode: sometimes}\n" HEAD, false},
		{"Limits: 7\n" HEAD, false},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		struct loaded l = load_text(cases[i].text);
		cr_expect_eq(l.rc == 0, cases[i].ok, "%s", cases[i].text);
		unload(&l);
	}
}

Test(record, the_hash_is_that_of_the_bytes)
{
	struct loaded a = load_good(HEAD), b = load_good(HEAD), c = load_good(HEAD "# x\n");
	cr_assert_eq(cat_hash(a.cat), cat_hash(b.cat));
	cr_assert_neq(cat_hash(a.cat), cat_hash(c.cat));
	cr_assert_eq(cat_hash(a.cat), fm_hash64(HEAD, strlen(HEAD), 0));
	unload(&a);
	unload(&b);
	unload(&c);
}
