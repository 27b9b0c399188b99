/*
 * print: what is printed loads back to an equal catalogue.
 */
#include "cat_test.h"

#define SAME(field) cr_assert_eq(a->field, b->field, "%s " #field, id)

static void
same_string(const char *a, const char *b, const char *what)
{
	cr_assert_eq(a == NULL, b == NULL, "%s", what);
	if (a != NULL)
		cr_assert_str_eq(a, b, "%s", what);
}

static void
same_text(const struct cat_text *a, const struct cat_text *b, const char *id)
{
	same_string(a->source, b->source, id);
	SAME(n);
	for (unsigned i = 0; i < a->n; i++) {
		same_string(a->part[i].text, b->part[i].text, id);
		SAME(part[i].attr);
	}
}

static void
same_if(const struct cat_if *a, const struct cat_if *b, const char *id)
{
	cr_assert_eq(a->source == NULL, b->source == NULL, "%s", id);
	if (a->source != NULL)
		cr_assert_str_eq(a->source, b->source, "%s", id);
}

static void
same_rule(const struct cat_rule *a, const struct cat_rule *b, const char *id)
{
	SAME(fact);
	SAME(severity);
	SAME(hold_on.ns);
	SAME(hold_off.ns);
	SAME(hold_notice.ns);
	SAME(expire.ns);
	same_if(&a->when, &b->when, id);
	SAME(n_clears);
	for (unsigned i = 0; i < a->n_clears; i++) {
		SAME(clears[i].fact);
		same_if(&a->clears[i].when, &b->clears[i].when, id);
	}
	SAME(threshold.of);
	SAME(threshold.per);
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++) {
		SAME(threshold.given[i]);
		SAME(threshold.or_equal[i]);
		cr_assert(a->threshold.above[i] == b->threshold.above[i], "%s", id);
	}
	SAME(group.by);
	SAME(group.at_least);
	SAME(group.within.ns);
	SAME(flap.count);
	SAME(flap.within.ns);
	SAME(flap.quiet.ns);
	SAME(cause);
	SAME(text == NULL);
	SAME(n_steps);
	for (unsigned i = 0; i < a->n_steps; i++) {
		SAME(steps[i].after);
		SAME(steps[i].span.ns);
		SAME(steps[i].severity);
		SAME(steps[i].text == NULL);
		if (a->steps[i].text != NULL)
			same_text(a->steps[i].text, b->steps[i].text, id);
	}
}

static void
same_relation(const struct cat_relation *a, const struct cat_relation *b, const char *id)
{
	SAME(n_alarms);
	for (unsigned i = 0; i < a->n_alarms; i++)
		same_string(a->alarms[i], b->alarms[i], id);
	SAME(where);
	SAME(effect);
	SAME(before.ns);
	SAME(after.ns);
	SAME(grace.ns);
	SAME(at_least);
}

static void
same_example(const struct cat_example *a, const struct cat_example *b, const char *id)
{
	same_string(a->title, b->title, id);
	SAME(n_steps);
	for (unsigned i = 0; i < a->n_steps; i++)
		same_string(a->steps[i].text, b->steps[i].text, id);
}

static void
same_record(const struct cat_record *a, const struct cat_record *b)
{
	const char *id = a->id;
	same_string(a->id, b->id, id);
	SAME(is_log);
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++) {
		same_text(&a->text[i], &b->text[i], id);
		same_string(a->repair[i], b->repair[i], id);
		same_string(a->maintenance[i], b->maintenance[i], id);
		SAME(service_affecting[i]);
	}
	same_string(a->entity_form, b->entity_form, id);
	SAME(severities);
	SAME(severity);
	SAME(inhibits);
	SAME(type);
	SAME(cause);
	SAME(suppressible);
	SAME(mgmt_threshold);
	SAME(degrade_threshold);
	SAME(context);
	SAME(n_rules);
	for (unsigned i = 0; i < a->n_rules; i++)
		same_rule(&a->rules[i], &b->rules[i], id);
	SAME(n_relations);
	for (unsigned i = 0; i < a->n_relations; i++)
		same_relation(&a->relations[i], &b->relations[i], id);
	SAME(n_examples);
	for (unsigned i = 0; i < a->n_examples; i++)
		same_example(&a->examples[i], &b->examples[i], id);
}

static void
same_limits(const struct cat_limits *a, const struct cat_limits *b)
{
	const char *id = "Limits";
	SAME(soft_s);
	SAME(hard_s);
	SAME(min_s);
	SAME(max_s);
	SAME(per_gib);
	SAME(unknown_s);
	SAME(downtime_ms);
	SAME(downtime_min_ms);
	SAME(settle.ns);
	SAME(keep_cleared.ns);
	SAME(max_cleared);
	SAME(max_alarms);
}

static void
same_window(const struct cat_window *a, const struct cat_window *b)
{
	const char *id = a->name;
	same_string(a->name, b->name, id);
	SAME(n_alarms);
	for (unsigned i = 0; i < a->n_alarms; i++)
		same_string(a->alarms[i], b->alarms[i], id);
	SAME(n_entities);
	for (unsigned i = 0; i < a->n_entities; i++)
		same_string(a->entities[i], b->entities[i], id);
	SAME(logs);
	SAME(n);
	for (unsigned i = 0; i < a->n; i++) {
		SAME(at[i].begin.ns);
		SAME(at[i].end.ns);
	}
}

static void
same_windows(const struct catalogue *a, const struct catalogue *b)
{
	const struct cat_window *x, *y;
	const unsigned n = cat_windows(a, &x);
	cr_assert_eq(n, cat_windows(b, &y));
	for (unsigned i = 0; i < n; i++)
		same_window(&x[i], &y[i]);
}

static void
comes_back(const struct catalogue *cat)
{
	struct fm_buf first = {0}, second = {0};
	cat_print(cat, &first);
	struct loaded l = load_text(first.s);
	cr_assert_eq(l.rc, 0, "%s\n%s", l.err.msg, first.s);
	same_limits(cat_limits(cat), cat_limits(l.cat));
	cr_assert_eq(cat_count(cat), cat_count(l.cat));
	for (unsigned i = 0; i < cat_count(cat); i++)
		same_record(cat_at(cat, i), cat_at(l.cat, i));
	same_windows(cat, l.cat);
	cat_print(l.cat, &second);
	cr_assert_str_eq(first.s, second.s);
	fm_buf_fini(&first);
	fm_buf_fini(&second);
	unload(&l);
}

static void
file_comes_back(const char *path)
{
	struct catalogue *cat = NULL;
	struct fm_err err;
	if (access(path, R_OK) != 0)
		cr_skip_test("no %s", path);
	cr_assert_eq(cat_load(path, NULL, &cat, &err), 0, "%s", err.msg);
	comes_back(cat);
	cat_free(cat);
}

static void
text_comes_back(const char *text)
{
	struct loaded l = load_good(text);
	comes_back(l.cat);
	unload(&l);
}

Test(print, the_shipped_catalogue_comes_back)
{
	char path[512];
	source_path("events.yaml", path, sizeof(path));
	file_comes_back(path);
}

Test(print, the_catalogue_of_starlingx_comes_back)
{
	char path[512];
	shared_path("data/starlingx-events.yaml", path, sizeof(path));
	file_comes_back(path);
}

Test(print, limits_come_back)
{
	text_comes_back("Limits: {Soft: 0, Hard: 0, Min: 0, Max: 1s, Mode: per-gib, Unknown: 1s,\n"
			"  Downtime: 1501ms, Downtime_Min: 0, Settle: 1ms, Keep_Cleared: 0,\n"
			"  Max_Cleared: 0, Max_Alarms: 1, Storm: 7, Storm_Window: 1500ms,\n"
			"  Storm_Pass: 0}\n" ALARM("100.001", "major"));
}

Test(print, rules_and_relations_come_back)
{
	text_comes_back(
		"Limits: {Mode: per-gib}\n"
		ALARM("700.008", "[warning, minor, major, critical]") RULE(
		"    - While: instance.migrating\n      Severity: warning\n      Hold_On: 1500ms\n"
		"      Hold_Off: 1m\n      Hold_Notice: 1s\n      Escalate:\n"
		"      - {After: migration.limit.soft, Severity: minor}\n"
		"      - {After: migration.limit.hard, Text: \"a: <limit_s> # b\"}\n"
		"      - {After: migration.limit.unknown, Severity: major, Text: \"a\\nOR\\nb\"}\n"
		"      - {After: 1h, Severity: critical}\n"
		"    - On: instance.downtime\n      Expire: 1h\n      If: 'method = \"A\"'\n"
		"      Clear: [instance.fault, {On: instance.downtime, If: downtime_ms < 1s}]\n"
		"      Threshold: {Of: downtime_ms, Per: downtime_limit_ms, Minor: \"> 0.001\",\n"
		"        Major: \">= 999999999999.999\"}\n"
		"      Causes: {Alarms: [270.302], Where: below}\n")
		ALARM("700.009", "major") RULE(
		"    - While: instance.failed\n"
		"    - While: instance.paused\n      Suppresses: {Alarms: [700.008],\n        Where: below,"
		"        Window: [0, 0], Grace: 0, At_Least: major}\n"
		"      Outdates: {Alarms: [700.008], Where: below, At_Least: major}\n")
		HOST_ALARM("270.302", "major") RULE(
		"    While: instance.failed\n    Group: {By: host, At_Least: 3, Within: 1ms}\n")
		LOG("700.156", "major") RULE("    On: migration.done\n"));
}

Test(print, examples_come_back)
{
	text_comes_back(ALARM("700.001", "major") RULE("    While: instance.failed\n")
			"  Examples:\n    told by Nova:\n"
			"      - 0s nova instance.update state=error fault=\"no space\"\n"
			"      - '0s raise major text~\"no: space\"'\n"
			"    \"two\\nlines: \u202e\":\n      - |-\n        0s record\n        {}\n");
}

Test(print, texts_that_yaml_could_misread_come_back)
{
	static const char *const texts[] = {
		"\"\"", "\" \"", "\"null\"", "\"~\"", "\"true\"", "\"no\"", "\"12\"", "\"- a\"",
		"\"a: b\"", "\"a # b\"", "\"#\"", "\"&a\"", "\"*a\"", "\"!a\"", "\"%a\"", "\"@a\"",
		"\"[a\"", "\"{a\"", "\"a\\tb\"", "\"\\ta\"", "\"a\\n\"", "\"\\na\"", "\"a\\n\\nb\"",
		"\"a\\n b\"", "\" a\\nb\"", "\"a \\nb\"", "\"a\\n%b\"", "\"a\\\\b\\\"c\"",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "\"\\L\"", "\"\\uFEFF\"", "\"\\u202e\"",
		"\"a\\L\\nb\"", "\"<b> 'c'\"", "\"a \"", "\"---\"", "\"...\"", "\"a\\n---\\nb\"",
		"\"a  b\"", "\"\\uFFFE\"", "\"\\U000E0001\"",
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++) {
		char text[256];
		snprintf(text, sizeof(text), "\"100.001\":\n  Type: Alarm\n  Description: %s\n"
			 "  Proposed_Repair_Action: %s\n  Entity_Instance_ID: %s\n",
			 texts[i], texts[i], texts[i]);
		text_comes_back(text);
	}
}

Test(print, forms_by_severity_come_back)
{
	text_comes_back("\"100.001\":\n  Type: Alarm\n  Severity: [critical, major, minor]\n"
			"  Description: {critical: a, major: b, warning: c}\n"
			"  Proposed_Repair_Action: [x, y, z]\n"
			"  Maintenance_Action: {critical: degrade, major: none}\n"
			"  Service_Affecting: {critical: True, major: False}\n"
			"\"100.002\":\n  Type: Alarm\n  Service_Affecting: {critical: True}\n"
			"\"100.003\":\n  Type: Log\n  Description: [a, b, c]\n");
}

Test(print, maintenance_windows_come_back)
{
	text_comes_back(ALARM("700.001", "major") HOST_ALARM("200.001", "major") "Maintenance:\n"
		"  - Name: 'once: #1'\n    Alarms: all\n    Logs: True\n"
		"    From: 2026-03-29 02:30\n    Until: 2026-03-29T04:00:00Z\n    Zone: Europe/Berlin\n"
		"  - Name: nights\n    Alarms: [700.001, \"200.001\"]\n    Start: 2026-01-01\n"
		"    Entities: [host=compute-1, host=compute-2]\n    For: 4h\n"
		"    Every: {Days: [sat, sun], At: '22:00'}\n"
		"  - Name: months\n    Alarms: [700.001]\n    Start: 2026-01-01 22:00\n    For: 4h\n"
		"    Rule: FREQ=MONTHLY;BYDAY=2TU\n");
}
