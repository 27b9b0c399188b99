/*
 * relation: Suppresses and Causes.
 */
#include "cat_test.h"

#define TARGETS ALARM("700.001", "major") ALARM("700.007", "major") ALARM("700.008", "major") \
	ALARM("700.010", "major")

static void
gives(const char *text, unsigned number, unsigned count)
{
	struct loaded l = load_text(text);
	struct fm_buf b = {0};
	cr_expect_eq(count_findings(&l, number), count, "%u times F%u expected for\n%s\nnot\n%s",
		     count, number, text, findings_text(&l, &b));
	fm_buf_fini(&b);
	unload(&l);
}

Test(relation, all_of_its_keys_are_read)
{
	struct loaded l = load_clean(HOST_ALARM("200.004", "[critical, major]") RULE(
		"    Suppresses: {Alarms: [700.010, 700.001], Where: instance.host == host,\n"
		"      Window: [-30s, 5m], Grace: 10s, At_Least: critical}\n"
		"    Causes: {Alarms: 700.007, Where: instance.host == host}\n") TARGETS);
	const struct cat_record *rec = cat_find(l.cat, "200.004");
	cr_assert_eq(rec->n_rules, 0);
	cr_assert_eq(rec->n_relations, 2);
	const struct cat_relation *rel = rec->relations;
	cr_assert_eq(rel[0].effect, EFFECT_SUPPRESS);
	cr_assert_eq(rel[0].n_alarms, 2);
	cr_assert_str_eq(rel[0].alarms[0], "700.001");
	cr_assert_str_eq(rel[0].alarms[1], "700.010");
	cr_assert_eq(rel[0].where, WHERE_INSTANCE_HOST);
	cr_assert_eq(rel[0].before.ns, 30 * FM_NS_PER_S);
	cr_assert_eq(rel[0].after.ns, 300 * FM_NS_PER_S);
	cr_assert_eq(rel[0].grace.ns, 10 * FM_NS_PER_S);
	cr_assert_eq(rel[0].at_least, SEV_CRITICAL);
	cr_assert_eq(rel[1].effect, EFFECT_CAUSE);
	cr_assert_str_eq(rel[1].alarms[0], "700.007");
	cr_assert_eq(rel[1].at_least, SEV_NONE);
	unload(&l);
}

Test(relation, window_and_grace_have_defaults)
{
	struct loaded l = load_clean(HOST_ALARM("200.004", "critical") RULE(
		"    Suppresses: {Alarms: [700.001], Where: instance.host == host}\n"
		"    Causes: {Alarms: [700.007], Where: instance.host == host}\n") TARGETS);
	const struct cat_relation *rel = cat_find(l.cat, "200.004")->relations;
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(rel[i].before.ns, 60 * FM_NS_PER_S);
		cr_assert_eq(rel[i].after.ns, 330 * FM_NS_PER_S);
	}
	cr_assert_eq(rel[0].grace.ns, 60 * FM_NS_PER_S);
	cr_assert_eq(rel[1].grace.ns, 0);
	unload(&l);
}

Test(relation, what_outdates_has_no_window_and_no_grace)
{
	struct loaded l = load_clean(HOST_ALARM("200.004", "critical") RULE(
		"    Outdates: {Alarms: [700.001, 700.008], Where: instance.host == host}\n"
		"    Suppresses: {Alarms: [700.001], Where: instance.host == host}\n") TARGETS);
	const struct cat_relation *rel = cat_find(l.cat, "200.004")->relations;
	cr_assert_eq(rel[0].effect, EFFECT_SUPPRESS);
	cr_assert_eq(rel[1].effect, EFFECT_OUTDATE);
	cr_assert_eq(rel[1].n_alarms, 2);
	unload(&l);
	gives(HOST_ALARM("200.004", "critical") RULE(
		"    Outdates: {Alarms: [700.001], Where: instance.host == host, Window: [-1s, 1s]}\n")
		TARGETS, 409, 1);
	gives(HOST_ALARM("200.004", "critical") RULE(
		"    Outdates: {Alarms: [700.001], Where: instance.host == host, Grace: 1s}\n")
		TARGETS, 409, 1);
	gives(HOST_ALARM("200.004", "critical") RULE(
		"    Outdates:\n"
		"      - {Alarms: [700.001], Where: instance.host == host}\n"
		"      - {Alarms: [700.001], Where: instance.host == host}\n") TARGETS, 513, 1);
}

Test(relation, suppressions_of_all_mappings_come_before_causes)
{
	struct loaded l = load_clean(HOST_ALARM("200.004", "critical") RULE(
		"    - Causes: {Alarms: [700.007], Where: instance.host == host}\n"
		"    - While: host.down\n"
		"      Suppresses:\n"
		"        - {Alarms: [700.001], Where: instance.host == host}\n"
		"        - {Alarms: [700.008], Where: instance.host == host}\n"
		"    - Suppresses: {Alarms: [700.010], Where: instance.host == host}\n") TARGETS);
	const struct cat_record *rec = cat_find(l.cat, "200.004");
	static const char *const want[] = {"700.001", "700.008", "700.010", "700.007"};
	cr_assert_eq(rec->n_rules, 1);
	cr_assert_eq(rec->n_relations, 4);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_str_eq(rec->relations[i].alarms[0], want[i]);
		cr_assert_eq(rec->relations[i].effect == EFFECT_SUPPRESS, i < 3);
	}
	unload(&l);
}

Test(relation, the_three_wheres_are_known)
{
	struct loaded l = load_good(HOST_ALARM("200.004", "critical") RULE(
		"    Causes:\n"
		"      - {Alarms: [700.001], Where: instance.host == host}\n"
		"      - {Alarms: [200.005], Where: host == host}\n"
		"      - {Alarms: [200.005], Where: below}\n")
		HOST_ALARM("200.005", "major") TARGETS);
	const struct cat_relation *rel = cat_find(l.cat, "200.004")->relations;
	cr_assert_eq(rel[0].where, WHERE_INSTANCE_HOST);
	cr_assert_eq(rel[1].where, WHERE_HOST);
	cr_assert_eq(rel[2].where, WHERE_BELOW);
	unload(&l);
}

Test(relation, members_need_a_group_and_all_needs_nothing)
{
	struct loaded l = load_good("\"270.311\":\n  Type: Alarm\n  Severity: major\n"
		"  Description: Too many\n  Entity_Instance_ID: service=scheduler\n" RULE(
		"    While: instance.failed\n    Group: {By: all, At_Least: 3, Within: 60s}\n"
		"    Suppresses:\n"
		"      - {Alarms: [700.001], Where: members}\n"
		"      - {Alarms: [700.001], Where: all, Window: [-1s, 1s]}\n") TARGETS);
	const struct cat_relation *rel = cat_find(l.cat, "270.311")->relations;
	cr_assert_eq(rel[0].where, WHERE_MEMBERS);
	cr_assert_eq(rel[1].where, WHERE_ALL);
	unload(&l);
	gives(HOST_ALARM("200.004", "critical") RULE(
		"    Causes: {Alarms: [700.001], Where: members}\n") TARGETS, 509, 1);
}

#define SUPPRESS(ids, where) RULE("    Suppresses: {Alarms: [" ids "], Where: " where "}\n")

Test(relation, a_long_circle_is_found_once)
{
	gives(HOST_ALARM("200.001", "major") SUPPRESS("200.002", "host == host")
	      HOST_ALARM("200.002", "major") SUPPRESS("200.003", "host == host")
	      HOST_ALARM("200.003", "major") SUPPRESS("200.001", "host == host"), 503, 1);
}

Test(relation, a_diamond_is_no_circle)
{
	gives(HOST_ALARM("200.001", "major") SUPPRESS("200.002, 200.003", "host == host")
	      HOST_ALARM("200.002", "major") SUPPRESS("200.004", "host == host")
	      HOST_ALARM("200.003", "major") SUPPRESS("200.004", "host == host")
	      HOST_ALARM("200.004", "major"), 503, 0);
}

Test(relation, a_circle_of_different_wheres_hides_all_the_same)
{
	gives(HOST_ALARM("200.001", "major") SUPPRESS("200.002", "host == host")
	      HOST_ALARM("200.002", "major") SUPPRESS("200.001", "all"), 503, 1);
}

Test(relation, alarms_of_instances_are_of_a_host_without_naming_it)
{
	gives(HOST_ALARM("200.001", "major") SUPPRESS("700.001", "host == host") TARGETS, 510, 0);
	gives(HOST_ALARM("200.001", "major") SUPPRESS("400.001", "host == host")
	      "\"400.001\":\n" FIELDS_OF("major", "service=<s>"), 510, 1);
}

#define CAUSE(ids, where) RULE("    Causes: {Alarms: [" ids "], Where: " where "}\n")

Test(relation, each_may_not_be_the_root_cause_of_the_other)
{
	struct loaded l = load_text(
		HOST_ALARM("200.001", "major") SUPPRESS("200.002", "host == host")
		HOST_ALARM("200.002", "major") CAUSE("200.001", "below"));
	cr_assert_eq(count_findings(&l, 503), 0);
	cr_assert_eq(count_findings(&l, 515), 1);
	cr_assert_str_eq(finding(&l, 515)->text,
			 "alarms suppress or cause each other: 200.001 by 200.002 by 200.001");
	unload(&l);
	gives(HOST_ALARM("200.001", "major") CAUSE("200.002", "host == host")
	      HOST_ALARM("200.002", "major") CAUSE("200.003", "all")
	      HOST_ALARM("200.003", "major") CAUSE("200.001", "below"), 515, 1);
}

Test(relation, a_circle_of_suppressions_is_told_as_that_alone)
{
	gives(HOST_ALARM("200.001", "major") SUPPRESS("200.002", "host == host")
	      HOST_ALARM("200.002", "major") SUPPRESS("200.001", "host == host"), 515, 0);
}

Test(relation, a_chain_of_any_length_is_walked_without_recursion)
{
	struct fm_buf b = {0};
	for (unsigned i = 0; i < 20000; i++)
		fm_buf_addf(&b, "%06u:\n  Type: Alarm\n  Entity_Instance_ID: host=<h>\n"
			    "  Correlation: {Suppresses: {Alarms: [%06u], Where: below}}\n", i,
			    (i + 1) % 20000);
	struct loaded l = load_bytes(b.s, b.len);
	cr_assert_eq(count_findings(&l, 503), 1);
	unload(&l);
	fm_buf_fini(&b);
}

Test(relation, the_finding_names_the_circle)
{
	struct loaded l = load_text(
		HOST_ALARM("200.001", "major") SUPPRESS("200.002", "host == host")
		HOST_ALARM("200.002", "major") SUPPRESS("200.001", "host == host"));
	cr_assert_not_null(finding(&l, 503));
	cr_assert_str_eq(finding(&l, 503)->text,
			 "alarms suppress each other: 200.001 by 200.002 by 200.001");
	unload(&l);
}

Test(relation, windows_must_hold_the_moment_itself)
{
	static const struct { const char *window; bool ok; } cases[] = {
		{"[-60s, 330s]", true}, {"[0, 0]", true}, {"[-1d, 1d]", true}, {"[-2d, 0]", false},
		{"[0, 25h]", false}, {"[1s, 2s]", false}, {"[-2s, -1s]", false}, {"60s", false},
		{"[60s]", false}, {"[-1s, 0, 1s]", false}, {"[a, b]", false},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		struct fm_buf b = {0};
		fm_buf_addf(&b, "%s    Causes: {Alarms: [700.001], Where: below, Window: %s}\n%s",
			    HOST_ALARM("200.004", "major") RULE(""), cases[i].window, TARGETS);
		struct loaded l = load_text(b.s);
		cr_expect_eq(l.rc == 0, cases[i].ok, "%s", cases[i].window);
		unload(&l);
		fm_buf_fini(&b);
	}
}

Test(relation, a_cause_has_no_grace)
{
	gives(HOST_ALARM("200.004", "major")
	      RULE("    Causes: {Alarms: [700.001], Where: below, Grace: 1s}\n") TARGETS, 409, 1);
}

Test(relation, needs_alarms_and_where)
{
	gives(HOST_ALARM("200.004", "major") RULE("    Causes: {Where: below}\n"), 402, 1);
	gives(HOST_ALARM("200.004", "major") RULE("    Causes: {Alarms: [200.004]}\n"), 402, 1);
	gives(HOST_ALARM("200.004", "major") RULE("    Causes: {Alarms: [], Where: below}\n"),
	      402, 1);
	gives(HOST_ALARM("200.004", "major") RULE("    Causes: 200.004\n"), 402, 1);
	gives(HOST_ALARM("200.004", "major")
	      RULE("    Causes: {Alarms: [200.004], Were: below}\n"), 401, 1);
}

Test(relation, of_more_than_there_is_room_for_the_first_too_many_is_named)
{
	struct fm_buf b = {0};
	fm_buf_adds(&b, HOST_ALARM("200.004", "major") RULE("    - Causes:\n"));
	for (unsigned i = 0; i < CAT_MAX_RELATIONS + 2; i++)
		fm_buf_addf(&b, "      - {Alarms: [700.001], Where: below, Window: [-%us, %us]}\n",
			    i + 1, 1000 - i);
	fm_buf_adds(&b, TARGETS);
	struct loaded l = load_text(b.s);
	cr_assert_eq(count_findings(&l, 402), 1);
	cr_assert_str_eq(finding(&l, 402)->text, "a record has at most 64 relations");
	cr_assert_eq(finding(&l, 402)->line, 16 + CAT_MAX_RELATIONS);
	cr_assert_eq(finding(&l, 402)->column, 9);
	unload(&l);
	fm_buf_fini(&b);
}

Test(relation, one_that_precedes_in_part_is_told_for_that_part)
{
	struct loaded l = load_text(HOST_ALARM("200.004", "critical") RULE(
		"    Suppresses:\n"
		"      - {Alarms: [700.001, 700.007, 700.010], Where: below}\n"
		"      - {Alarms: [700.007, 700.008, 700.010], Where: below}\n") TARGETS);
	cr_assert_eq(count_findings(&l, 513), 2);
	cr_assert_str_eq(finding(&l, 513)->text, "700.007: the one at line 16 decides");
	unload(&l);
}
