/*
 * rule: the Correlation block: what is read and where the edges are.
 */
#include "cat_test.h"

#define MIGRATING ALARM("700.008", "[warning, minor, major, critical]")

static const struct cat_rule *
only_rule(const struct loaded *l, const char *id)
{
	const struct cat_record *rec = cat_find(l->cat, id);
	cr_assert_not_null(rec);
	cr_assert_eq(rec->n_rules, 1);
	return &rec->rules[0];
}

static void
gives(const char *text, unsigned number)
{
	struct loaded l = load_text(text);
	struct fm_buf b = {0};
	cr_expect_not_null(finding(&l, number), "F%u expected for\n%s\nnot\n%s", number, text,
			   findings_text(&l, &b));
	fm_buf_fini(&b);
	unload(&l);
}

#define FAILED(lines) ALARM("700.001", "[warning, major]") \
	RULE("    While: instance.failed\n    Severity: warning\n" lines)
#define FAULT(lines) ALARM("700.001", "[warning, minor]") RULE("    On: instance.downtime\n" lines)

Test(rule, a_state_rule_has_all_its_times_and_steps)
{
	struct loaded l = load_clean(MIGRATING RULE(
		"    While: instance.migrating\n"
		"    Severity: warning\n"
		"    Hold_On: 10s\n"
		"    Hold_Off: 5s\n"
		"    Hold_Notice: 12s\n"
		"    Escalate:\n"
		"      - {After: migration.limit.soft, Severity: minor}\n"
		"      - {After: migration.limit.hard, Severity: major,\n"
		"         Text: \"limit <limit_s>\"}\n"
		"      - {After: migration.limit.unknown, Text: lost}\n"
		"      - {After: 30m, Severity: critical}\n"));
	const struct cat_rule *rule = only_rule(&l, "700.008");
	cr_assert_eq(rule->fact, FACT_INSTANCE_MIGRATING);
	cr_assert_eq(rule->severity, SEV_WARNING);
	cr_assert_eq(rule->hold_on.ns, 10 * FM_NS_PER_S);
	cr_assert_eq(rule->hold_off.ns, 5 * FM_NS_PER_S);
	cr_assert_eq(rule->hold_notice.ns, 12 * FM_NS_PER_S);
	cr_assert_eq(rule->expire.ns, 0);
	cr_assert_eq(rule->threshold.of, -1);
	cr_assert_eq(rule->group.by, GROUP_NONE);
	cr_assert_eq(rule->record, cat_find(l.cat, "700.008"));
	cr_assert_eq(rule->line, 17);
	cr_assert_eq(rule->column, 5);

	cr_assert_eq(rule->n_steps, 4);
	cr_assert_eq(rule->steps[0].after, AFTER_SOFT_LIMIT);
	cr_assert_eq(rule->steps[0].severity, SEV_MINOR);
	cr_assert_null(rule->steps[0].text);
	cr_assert_eq(rule->steps[1].after, AFTER_HARD_LIMIT);
	cr_assert_eq(rule->steps[1].text->part[1].attr, ATTR_LIMIT_S);
	cr_assert_eq(rule->steps[2].after, AFTER_UNKNOWN_LIMIT);
	cr_assert_eq(rule->steps[2].severity, SEV_NONE);
	cr_assert_eq(rule->steps[3].after, AFTER_SPAN);
	cr_assert_eq(rule->steps[3].span.ns, 1800 * FM_NS_PER_S);
	cr_assert_eq(rule->steps[3].line, 27);
	unload(&l);
}

Test(rule, an_event_rule_has_threshold_and_expiry)
{
	struct loaded l = load_clean(MIGRATING RULE(
		"    On: instance.downtime\n"
		"    Threshold: {Of: downtime_ms, Per: downtime_limit_ms, Warning: \"> 1\",\n"
		"      Minor: \">= 2.5\", Major: \">10\"}\n"
		"    Expire: 1h\n"));
	const struct cat_rule *rule = only_rule(&l, "700.008");
	const struct cat_threshold *th = &rule->threshold;
	cr_assert_eq(rule->fact, FACT_INSTANCE_DOWNTIME);
	cr_assert_eq(rule->severity, SEV_WARNING);
	cr_assert_eq(rule->expire.ns, 3600 * FM_NS_PER_S);
	cr_assert_eq(th->of, ATTR_DOWNTIME_MS);
	cr_assert_eq(th->per, ATTR_DOWNTIME_LIMIT_MS);
	cr_assert(th->given[SEV_WARNING] && th->given[SEV_MINOR] && th->given[SEV_MAJOR]);
	cr_assert_not(th->given[SEV_CRITICAL] || th->given[SEV_NONE]);
	cr_assert(th->above[SEV_WARNING] == 1.0 && th->above[SEV_MINOR] == 2.5 &&
		  th->above[SEV_MAJOR] == 10.0);
	cr_assert(th->or_equal[SEV_MINOR]);
	cr_assert_not(th->or_equal[SEV_WARNING]);
	unload(&l);
}

Test(rule, a_group_counts_the_instances_of_a_host)
{
	struct loaded l = load_clean(HOST_ALARM("270.302", "major") RULE(
		"    While: instance.failed\n"
		"    Group: {By: host, At_Least: 3, Within: 10s}\n"));
	const struct cat_group *group = &only_rule(&l, "270.302")->group;
	cr_assert_eq(group->by, GROUP_HOST);
	cr_assert_eq(group->at_least, 3);
	cr_assert_eq(group->within.ns, 10 * FM_NS_PER_S);
	unload(&l);
}

Test(rule, a_group_of_events_is_about_what_they_share)
{
	static const struct { const char *by, *form; enum cat_group_by want; } cases[] = {
		{"host", "host=<h>", GROUP_HOST},
		{"host_pair", "host=<h>.destination=<d>", GROUP_HOST_PAIR},
		{"instance", "tenant=<t>.instance=<i>", GROUP_INSTANCE},
		{"pool", "pool=<p>", GROUP_POOL}, {"all", "service=scheduler", GROUP_ALL},
	};
	char text[1024];

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "\"270.309\":\n  Type: Alarm\n  Severity: minor\n"
			 "  Description: Too many\n  Entity_Instance_ID: %s\n" RULE(
			 "    On: instance.downtime\n    Expire: 1h\n"
			 "    Group: {By: %s, At_Least: 3, Within: 1h}\n"), cases[i].form, cases[i].by);
		struct loaded l = load_text(text);
		cr_assert_eq(l.rc, 0, "%s", cases[i].by);
		cr_assert_eq(only_rule(&l, "270.309")->group.by, cases[i].want);
		unload(&l);
	}
	gives(HOST_ALARM("270.309", "minor") RULE("    On: pause.done\n    Expire: 1h\n"
		"    Group: {By: host_pair, At_Least: 3, Within: 1h}\n"), 424);
	gives(HOST_ALARM("270.309", "minor") RULE("    On: pause.done\n    Expire: 1h\n"
		"    Group: {By: rack, At_Least: 3, Within: 1h}\n"), 402);
}

Test(rule, flap_counts_occurrences_within_a_time)
{
	struct loaded l = load_clean(ALARM("700.001", "critical") RULE(
		"    While: instance.failed\n"
		"    Flap: {Count: 3, Within: 10m, Quiet: 15m}\n"));
	const struct cat_flap *flap = &only_rule(&l, "700.001")->flap;
	cr_assert_eq(flap->count, 3);
	cr_assert_eq(flap->within.ns, 600 * FM_NS_PER_S);
	cr_assert_eq(flap->quiet.ns, 900 * FM_NS_PER_S);
	unload(&l);
	gives(FAILED("    Flap: {Count: 1, Within: 10m, Quiet: 15m}\n"), 428);
	gives(FAILED("    Flap: {Count: 3, Within: 10m}\n"), 402);
}

Test(rule, a_rule_may_have_a_text_and_a_cause_of_its_own)
{
	struct loaded l = load_clean(ALARM("700.001", "critical") RULE(
		"    While: instance.unscheduled\n    Text: No host\n"
		"    Probable_Cause: underlying-resource-unavailable\n"));
	const struct cat_rule *rule = only_rule(&l, "700.001");
	cr_assert_str_eq(rule->text->source, "No host");
	cr_assert_eq(rule->cause, 55);
	unload(&l);
	gives(FAILED("    Probable_Cause: bad-luck\n"), 210);
	gives(FAILED("    Text: <count> of them\n"), 413);
	gives(FAILED("    Text: <moved> of <guests>\n"), 413);
}

Test(rule, post_copy_is_the_last_step)
{
	struct loaded l = load_clean(ALARM("700.008", "[warning, major]") RULE(
		"    While: instance.migrating\n    Severity: warning\n    Escalate:\n"
		"      - {After: migration.limit.hard, Severity: major}\n"
		"      - {After: migration.postcopy, Severity: major}\n"));
	cr_assert_eq(only_rule(&l, "700.008")->steps[1].after, AFTER_POSTCOPY);
	unload(&l);
	gives(ALARM("700.008", "[warning, major]") RULE(
		"    While: instance.migrating\n    Severity: warning\n    Escalate:\n"
		"      - {After: migration.postcopy, Severity: major}\n"
		"      - {After: 2h, Text: Long}\n"), 418);
}

Test(rule, a_log_has_the_severity_of_its_record)
{
	struct loaded l = load_clean(LOG("700.156", "critical") RULE("    On: migration.done\n"));
	const struct cat_rule *rule = only_rule(&l, "700.156");
	cr_assert_eq(rule->severity, SEV_CRITICAL);
	unload(&l);
	gives(LOG("700.156", "[major, minor]") RULE("    On: migration.done\n"), 410);
	gives(LOG("700.156", "major") RULE("    On: migration.done\n    Severity: major\n"), 408);
	gives(LOG("700.156", "major") RULE("    While: instance.failed\n"), 408);
	gives(LOG("700.156", "major") RULE("    Causes: {Alarms: [1.1], Where: below}\n"), 408);
}

Test(rule, a_log_may_choose_its_severity_by_a_threshold)
{
	struct loaded l = load_clean(LOG("700.156", "[major, minor]") RULE(
		"    On: instance.downtime\n"
		"    Threshold: {Of: downtime_ms, Minor: \"> 1\", Major: \"> 2\"}\n"));
	cr_assert_eq(only_rule(&l, "700.156")->severity, SEV_MINOR);
	unload(&l);
}

Test(rule, several_rules_of_a_record_keep_their_order)
{
	struct loaded l = load_clean(ALARM("700.001", "major") RULE(
		"    - While: instance.failed\n"
		"    - While: instance.io_error\n"
		"      Hold_On: 1s\n"));
	const struct cat_record *rec = cat_find(l.cat, "700.001");
	cr_assert_eq(rec->n_rules, 2);
	cr_assert_eq(rec->rules[0].fact, FACT_INSTANCE_FAILED);
	cr_assert_eq(rec->rules[1].fact, FACT_INSTANCE_IO_ERROR);
	cr_assert_eq(rec->rules[1].hold_on.ns, FM_NS_PER_S);
	unload(&l);
}

Test(rule, rules_are_found_by_fact_in_the_order_of_ids)
{
	struct loaded l = load_good(
		ALARM("700.002", "major") RULE("    While: instance.failed\n")
		ALARM("700.001", "major") RULE("    While: instance.failed\n")
		LOG("700.101", "major") RULE("    On: instance.fault\n"));
	const struct cat_rule *const *rules = NULL;
	cr_assert_eq(cat_rules_on(l.cat, FACT_INSTANCE_FAILED, &rules), 2);
	cr_assert_str_eq(rules[0]->record->id, "700.001");
	cr_assert_str_eq(rules[1]->record->id, "700.002");
	cr_assert_eq(cat_rules_on(l.cat, FACT_INSTANCE_FAULT, &rules), 1);
	cr_assert_eq(cat_rules_on(l.cat, FACT_HOST_DOWN, &rules), 0);
	unload(&l);
}


Test(rule, times_are_accepted_up_to_their_edges)
{
	static const struct { const char *text; bool ok; } cases[] = {
		{FAILED("    Hold_On: 0\n"), true},
		{FAILED("    Hold_On: 1d\n"), true},
		{FAILED("    Hold_On: 86401s\n"), false},
		{FAILED("    Hold_On: -1s\n"), false},
		{FAILED("    Hold_On: soon\n"), false},
		{FAILED("    Hold_On: [1s]\n"), false},
		{FAILED("    Hold_On:\n"), false},
		{FAILED("    Hold_Off: 1d\n"), true},
		{FAILED("    Hold_Off: 25h\n"), false},
		{FAILED("    Hold_Notice: 1h\n"), true},
		{FAILED("    Hold_Notice: 61m\n"), false},
		{FAILED("    Escalate: {After: 1s, Severity: major}\n"), true},
		{FAILED("    Escalate: {After: 7d, Severity: major}\n"), true},
		{FAILED("    Escalate: {After: 8d, Severity: major}\n"), false},
		{FAILED("    Escalate: {After: 0, Severity: major}\n"), false},
		{FAILED("    Escalate: {Severity: major}\n"), false},
		{FAILED("    Escalate: []\n"), false},
		{FAILED("    Escalate: soon\n"), false},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		struct loaded l = load_text(cases[i].text);
		cr_expect_eq(l.rc == 0, cases[i].ok, "%s", cases[i].text);
		unload(&l);
	}
}


Test(rule, bounds_are_numbers_with_a_sign_before_them)
{
	static const struct { const char *bounds; bool ok; } cases[] = {
		{"Warning: \"> 0\"", true}, {"Warning: \">0.001\"", true},
		{"Warning: \"> 999999999999\"", true}, {"Warning: \"> 9999999999999\"", false},
		{"Warning: \"> 0.0001\"", false}, {"Warning: \"> 1.\"", false},
		{"Warning: \"> .5\"", false}, {"Warning: \"> 1e3\"", false},
		{"Warning: \"> nan\"", false}, {"Warning: \"> -1\"", false},
		{"Warning: \"< 1\"", false}, {"Warning: \"=> 1\"", false},
		{"Warning: \"> 1 \"", false}, {"Warning: \">\"", false}, {"Warning: 5", false},
		{"Warning: \"> 1\", Minor: \"> 1\"", false},
		{"Warning: \">= 1\", Minor: \"> 1\"", true},
		{"Warning: \"> 1\", Minor: \">= 1\"", false},
		{"Warning: \">= 1\", Minor: \">= 1\"", false},
		{"Major: \"> 1\"", false},
		{"Per: downtime_limit_ms", false},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		char text[2048];
		snprintf(text, sizeof(text), FAULT("    Expire: 1h\n"
			 "    Threshold: {Of: downtime_ms, %s}\n"), cases[i].bounds);
		struct loaded l = load_text(text);
		cr_expect_eq(l.rc == 0, cases[i].ok, "%s", cases[i].bounds);
		unload(&l);
	}
}

Test(rule, keys_that_do_not_go_together_are_refused)
{
	gives(FAULT("    Hold_On: 1s\n"), 409);
	gives(FAULT("    Escalate: {After: 1m, Severity: minor}\n"), 409);
	gives(FAILED("    Flap: {Count: 3, Within: 10m, Quiet: 15m}\n    Hold_Off: 1s\n"), 409);
	gives(FAULT("    Flap: {Count: 3, Within: 10m, Quiet: 15m}\n"), 409);
	gives(FAILED("    Threshold: {Of: elapsed_s, Major: \"> 1\"}\n"), 409);
	gives(FAULT("    Severity: minor\n    Threshold: {Of: downtime_ms, Minor: \"> 1\"}\n"),
	      410);
	gives(ALARM("700.001", "major") RULE("    Escalate: {After: 1m, Severity: major}\n"), 407);
}

Test(rule, a_group_needs_all_of_its_keys)
{
	gives(HOST_ALARM("270.1", "major") RULE("    While: instance.failed\n"
		"    Group: {At_Least: 3, Within: 10s}\n"), 402);
	gives(HOST_ALARM("270.1", "major") RULE("    While: instance.failed\n"
		"    Group: {By: tenant, At_Least: 3, Within: 10s}\n"), 402);
	gives(HOST_ALARM("270.1", "major") RULE("    While: instance.failed\n"
		"    Group: {By: host, At_Least: 257, Within: 10s}\n"), 428);
	gives(HOST_ALARM("270.1", "major") RULE("    While: instance.failed\n"
		"    Group: host\n"), 402);
	gives(HOST_ALARM("270.1", "major") RULE("    While: instance.failed\n"
		"    Group: {By: host, At_Least: 3, Within: 10s, Of: x}\n"), 401);
}

Test(rule, severities_must_be_listed_by_the_record)
{
	gives(ALARM("700.001", "major") RULE("    While: instance.failed\n    Severity: minor\n"),
	      410);
	gives(FAILED("    Escalate: {After: 1m, Severity: critical}\n"), 410);
	gives(FAULT("    Threshold: {Of: downtime_ms, Critical: \"> 1\"}\n"), 410);
}

Test(rule, a_step_may_repeat_no_severity_and_no_limit)
{
	gives(FAILED("    Escalate: {After: 1m, Severity: warning}\n"), 419);
	gives(MIGRATING RULE("    While: instance.migrating\n    Severity: warning\n    Escalate:\n"
		"      - {After: migration.limit.hard, Severity: minor}\n"
		"      - {After: migration.limit.soft, Severity: major}\n"), 418);
	gives(MIGRATING RULE("    While: instance.migrating\n    Severity: warning\n    Escalate:\n"
		"      - {After: migration.limit.hard, Severity: minor}\n"
		"      - {After: 10m, Severity: major}\n"), 418);
	gives(MIGRATING RULE("    While: instance.migrating\n    Severity: warning\n"
		"    Escalate: {After: migration.limit.firm, Severity: minor}\n"), 411);
}

Test(rule, a_limit_that_is_off_does_not_upset_the_order)
{
	struct loaded l = load_good("Limits: {Soft: 0}\n" MIGRATING RULE(
		"    While: instance.migrating\n    Severity: warning\n    Escalate:\n"
		"      - {After: migration.limit.soft, Severity: minor}\n"
		"      - {After: migration.limit.hard, Severity: major}\n"));
	cr_assert_eq(l.findings.n, 1, "F430 alone");
	unload(&l);
}

Test(rule, a_key_that_is_there_twice_counts_once)
{
	gives(FAILED("    Escalate: {After: 1m, Severity: major}\n    Escalate:\n"
		     "      - {After: 2m, Severity: warning}\n      - {After: 1m, Text: <colour>}\n"),
	      111);
}

Test(rule, more_steps_or_mappings_than_anybody_needs_are_refused)
{
	struct fm_buf b = {0};
	fm_buf_adds(&b, FAILED("    Escalate:\n"));
	for (unsigned i = 1; i <= CAT_MAX_STEPS; i++)
		fm_buf_addf(&b, "    - {After: %us, Text: a}\n", i);
	struct loaded l = load_good(b.s);
	unload(&l);
	fm_buf_adds(&b, "    - {After: 1h, Text: a}\n");
	gives(b.s, 402);
	fm_buf_reset(&b);
	fm_buf_adds(&b, ALARM("700.001", "major") RULE(""));
	for (unsigned i = 0; i <= CAT_MAX_MAPPINGS; i++)
		fm_buf_adds(&b, "    - While: instance.failed\n");
	gives(b.s, 402);
	fm_buf_fini(&b);
}

#define FORM(entity, fact) "\"700.001\":\n" FIELDS_OF("major", entity) RULE("    While: " fact "\n")

Test(rule, an_entity_is_built_from_what_the_subject_has)
{
	static const struct { const char *text; bool ok; } cases[] = {
		{FORM("tenant=<t>.instance=<anything at all>", "instance.failed"), true},
		{FORM("host=<h>.instance=<i>", "instance.failed"), true},
		{FORM("host=<h>.services=compute", "instance.failed"), true},
		{FORM("host=<name.or.address>.instance=<i>", "instance.failed"), true},
		{FORM("itenant=<t>.instance=<i>", "instance.failed"), false},
		{FORM("server-group<g>", "instance.failed"), false},
		{FORM("tenant=<t>.port=<p>", "instance.failed"), false},
		{FORM("", "instance.failed"), false},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		struct loaded l = load_text(cases[i].text);
		cr_expect_eq(l.rc == 0, cases[i].ok, "%s", cases[i].text);
		unload(&l);
	}
}

Test(rule, a_host_has_no_instance_to_name)
{
	gives(FORM(INSTANCE, "host.down"), 423);
	gives("\"270.302\":\n" FIELDS_OF("major", INSTANCE) RULE("    While: instance.failed\n"
		"    Group: {By: host, At_Least: 3, Within: 10s}\n"), 423);
	gives(FORM("host=<h>", "host.down"), 413);
	gives("\"700.001\":\n  Type: Alarm\n  Severity: major\n  Entity_Instance_ID: " INSTANCE "\n"
	      "  Description: <count> instances\n" RULE("    While: instance.failed\n"), 413);
}

/* A record that has the placeholder in its text, with a rule on the fact. */
static bool
is_filled(const char *fact, const char *keys, const char *form, const char *placeholder)
{
	char text[1024];
	snprintf(text, sizeof(text), "\"700.001\":\n  Type: Alarm\n  Severity: major\n"
		 "  Description: It is <%s>\n  Entity_Instance_ID: %s\n"
		 RULE("    %s: %s\n%s"), placeholder, form,
		 keys[0] != '\0' ? "On" : "While", fact, keys);
	struct loaded l = load_text(text);
	const bool filled = finding(&l, 413) == NULL;
	cr_assert_eq(l.rc, 0, "%s", l.err.msg);
	unload(&l);
	return filled;
}

Test(rule, a_placeholder_is_one_that_the_fact_fills)
{
#define EVENT "    Expire: 1h\n"
#define GROUP_BY(by) EVENT "    Group: {By: " by ", At_Least: 2, Within: 1h}\n"
	static const struct { const char *fact, *keys, *form, *filled, *never; } cases[] = {
		{"reboot.failed", EVENT, INSTANCE, "instance_name tenant host reason initiator limit_s pool",
		 "downtime_ms old_instance_name method elapsed_s attempt destination_host flapping count"},
		{"instance.downtime", EVENT, INSTANCE, "downtime_ms method attempt elapsed_s postcopy",
		 "old_instance_name moved"},
		{"instance.renamed", EVENT, INSTANCE, "old_instance_name source_host", "reason initiator"},
		{"instance.migrating", "", INSTANCE,
		 "elapsed_s postcopy paused_ms attempt destination_host limit_s", "initiator flapping"},
		{"instance.failed", "", INSTANCE, "reason source_host", "initiator attempt elapsed_s"},
		{"host.down", "", "host=<h>", "reason moved guests host_name", "initiator source_host pool"},
		{"host.disabled", "", "host=<h>", "moved", "reason"},
		{"migration.done", GROUP_BY("host"), "host=<h>", "count host_name moved",
		 "reason initiator elapsed_s flapping instance_name source_host attempt"},
		{"migration.done", GROUP_BY("host_pair"), "host=<h>.destination=<d>",
		 "count host_name source_host destination_host", "reason pool moved"},
		{"migration.done", GROUP_BY("instance"), INSTANCE, "count instance_name host_name limit_s",
		 "downtime_ms destination_host reason moved"},
		{"instance.fault", GROUP_BY("pool"), "pool=<p>", "count pool", "host_name reason"},
		{"instance.fault", GROUP_BY("all"), "service=x", "count", "host_name pool initiator"},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		for (unsigned never = 0; never < 2; never++) {
			char names[160];
			snprintf(names, sizeof(names), "%s", never ? cases[i].never : cases[i].filled);
			char *save = NULL;
			for (char *name = strtok_r(names, " ", &save); name != NULL;
			     name = strtok_r(NULL, " ", &save))
				cr_expect_eq(is_filled(cases[i].fact, cases[i].keys, cases[i].form, name),
					     !never, "<%s> of %s%s", name, cases[i].fact, cases[i].keys);
		}
	}
}

Test(rule, texts_of_steps_are_checked_too)
{
	gives(FAILED("    Escalate: {After: 1m, Text: see <colour>}\n"), 412);
	gives(FAILED("    Escalate: {After: 1m, Text: }\n"), 402);
}

Test(rule, unknown_placeholders_offer_the_attribute_meant)
{
	struct loaded l = load_text("\"700.001\":\n  Type: Alarm\n  Severity: major\n"
				    "  Description: <hostnam>\n  Entity_Instance_ID: host=<h>\n"
				    RULE("    While: instance.failed\n"));
	const struct cat_finding *f = finding(&l, 412);
	cr_assert_not_null(f);
	cr_assert_not_null(strstr(f->text, "did you mean \"host_name\""), "%s", f->text);
	cr_assert_eq(f->line, 4);
	unload(&l);
}

Test(rule, keys_are_text_even_where_yaml_has_other_ideas)
{
	/* "On" and "No" are booleans for readers of YAML 1.1. */
	struct loaded l = load_good(LOG("700.156", "critical") RULE("    On: migration.done\n"));
	cr_assert_eq(cat_find(l.cat, "700.156")->n_rules, 1);
	unload(&l);
}

Test(rule, twins_are_found_whatever_stands_between_them)
{
	struct loaded l = load_text(
		ALARM("700.001", "major") RULE("    While: instance.failed\n")
		HOST_ALARM("700.002", "major") RULE("    While: instance.failed\n"
			"    Group: {By: host, At_Least: 3, Within: 10s}\n")
		ALARM("700.003", "major") RULE("    While: instance.failed\n    Hold_On: 10s\n")
		ALARM("700.004", "major") RULE("    While: instance.failed\n")
		ALARM("700.005", "major") RULE("    While: instance.failed\n"));
	cr_assert_eq(count_findings(&l, 435), 2);
	cr_assert_str_eq(finding(&l, 435)->id, "700.004");
	cr_assert_str_eq(finding(&l, 435)->text,
			 "700.001 is about instance.failed of the same entity too: both are raised");
	unload(&l);
}
