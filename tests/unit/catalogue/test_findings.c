/*
 * findings: every kind of finding has a file that provokes it, is what docs/CATALOG.md says it is,
 * and is told at the right place.
 */
#include "cat_test.h"

#define FREE_ALARM "\"100.001\":\n  Type: Alarm\n"

/*
 * One file for each number; those that take a large file are in test_yaml.c, 605 is below, and those
 * that play examples are in tests/unit/offline.
 */
static const struct {
	unsigned number;
	const char *text;
} provoked[] = {
	{101, "a: [b\n"},
	{102, NULL},
	{103, "a: [[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]\n"},
	{104, NULL},
	{105, "a: &x b\n"},
	{106, "a: !x b\n"},
	{107, "---\na: b\n---\nc: d\n"},
	{108, "%YAML 1.1\n---\na: b\n"},
	{109, "- 100.001\n"},
	{110, "? [a]\n: b\n"},
	{111, ALARM("100.001", "major") "  Type: Alarm\n"},
	{112, "a: \x80\n"},
	{113, "a: \"\\e\"\n"},
	{114, "limits:\n  Soft: 3m\n"},
	{115, NULL},
	{116, "# 100.105: retired\n" ALARM("100.001", "major")},

	{201, ALARM("100.001", "major") ALARM("100.001", "major")},
	{202, ALARM("100.1", "major")},
	{203, "\"100.001\": Alarm\n"},
	{204, ALARM("100.001", "major") "  Colour: red\n"},
	{205, "\"100.001\":\n  Type: Alert\n"},
	{206, FREE_ALARM},
	{207, LOG("100.001", "major") "  Suppression: True\n"},
	{208, ALARM("100.001", "fatal")},
	{209, FREE_ALARM "  Alarm_Type: broken\n"},
	{210, FREE_ALARM "  Probable_Cause: gremlins\n"},
	{211, FREE_ALARM "  Suppression: maybe\n"},
	{212, FREE_ALARM "  Management_Affecting_Severity: often\n"},
	{213, FREE_ALARM "  Context: anywhere\n"},
	{214, FREE_ALARM "  Severity: {a: b}\n"},
	{215, FREE_ALARM "  Severity: major\n  Description: {severe: x}\n"},
	{216, FREE_ALARM "  Severity: [major, minor]\n  Description: {major: x}\n"},
	{217, FREE_ALARM "  Severity: major\n  Description: {major: x, minor: y}\n"},
	{218, FREE_ALARM "  Description: [a, b]\n  Entity_Instance_ID: [a=b, c=d, e=f]\n"},
	{219, ALARM("100.001", "[major, minor, major]")},
	{220, NULL},
	{221, FREE_ALARM "  Degrade_Affecting_Severity: warning\n"},
	{222, FREE_ALARM "  Severity: major\n  Description: {major: }\n"},

	{301, "100.010:\n" FIELDS_OF("major", INSTANCE)},
	{302, ALARM("100.002", "major") ALARM("100.001", "major")},
	{303, FREE_ALARM "  Description: |-\n    a\n    OR\n    b\n"},
	{304, FREE_ALARM "  Description: |-\n    a\n    or\n    b\n"},
	{305, FREE_ALARM "  Description: [a, b]\n  Entity_Instance_ID: a=b OR c=d OR e=f\n"},
	{306, FREE_ALARM "  Description: a\n    b\n"},
	{307, FREE_ALARM "  Description: \"a\n    b\"\n"},
	{308, FREE_ALARM "  Description: |-\n    Instance a is lost\n    Instance a is found\n"},
	{309, FREE_ALARM "  Maintenance_Action: None\n"},
	{310, FREE_ALARM "  Severity: [major]\n"},
	{311, FREE_ALARM "  Alarm_Type: [other, equipment]\n"},
	{312, FREE_ALARM "  Entity_Instance_ID: host=<h>.ntp\n"},
	{313, FREE_ALARM "  Entity_Instance_ID: host=<h>,port=<p>\n"},
	{314, FREE_ALARM "  Entity_Instance_ID: host=<a|b>\n"},
	{315, FREE_ALARM "  Entity_Instance_ID: host=<h> port=<p>\n"},
	{316, FREE_ALARM "  Entity_Instance_ID: \"host=<h>[.port=<p>]\"\n"},
	{317, FREE_ALARM "  Entity_Instance_ID: itenant=<t>\n"},
	{318, FREE_ALARM "  Description: a \"b\n"},
	{319, FREE_ALARM "  Description: a <b <c>\n"},
	{320, FREE_ALARM "  Description: Inance <a> failed\n"},
	{321, FREE_ALARM "  Description: See |prod-long|\n"},
	{322, NULL},
	{323, "100.001: # a comment\n" FIELDS_OF("major", INSTANCE)},
	{324, FREE_ALARM "  Description: Host failed\n  Entity_Instance_ID: " INSTANCE "\n"},
	{325, FREE_ALARM "  Description: See <colour>\n"},
	{326, FREE_ALARM "  Description: threshold x%\n"},
	{327, FREE_ALARM "  Severity: major\n  Entity_Instance_ID: {major: a=b}\n"},

	{401, ALARM("700.001", "major") RULE("    While: instance.failed\n    Hold: 1s\n")},
	{402, ALARM("700.001", "major") RULE("    instance.failed\n")},
	{403, ALARM("700.001", "major") RULE("    While: instance.broken\n")},
	{404, ALARM("700.001", "major") RULE("    While: instance.fault\n")},
	{405, ALARM("700.001", "major") RULE("    On: instance.failed\n    Expire: 1h\n")},
	{406, ALARM("700.001", "major")
		RULE("    While: instance.failed\n    On: instance.fault\n")},
	{407, ALARM("700.001", "major") RULE("    Hold_On: 1s\n")},
	{408, LOG("700.101", "major") RULE("    On: instance.fault\n    Hold_Notice: 1s\n")},
	{409, ALARM("700.001", "major") RULE("    While: instance.failed\n    Expire: 1h\n")},
	{410, ALARM("700.001", "[major, minor]") RULE("    While: instance.failed\n")},
	{411, ALARM("700.001", "major") RULE("    While: instance.failed\n    Hold_On: 2d\n")},
	{412, "\"700.001\":\n  Description: Instance <colour>\n"
		RULE("    While: instance.failed\n")},
	{413, HOST_ALARM("270.001", "major")
		RULE("    - While: host.down\n") "\"270.002\":\n  Type: Alarm\n  Severity: major\n"
		"  Description: <instance_name> on <host_name>\n"
		"  Entity_Instance_ID: host=<h>\n" RULE("    While: host.down\n")},
	{414, ALARM("700.001", "major")
		RULE("    On: instance.downtime\n    Threshold: {Of: time, Major: \"> 1\"}\n")},
	{415, ALARM("700.001", "major")
		RULE("    On: instance.downtime\n    Threshold: {Of: reason, Major: \"> 1\"}\n")},
	{416, ALARM("700.001", "major")
		RULE("    On: instance.downtime\n"
		     "    Threshold: {Of: downtime_ms, Major: \"1\"}\n")},
	{417, ALARM("700.001", "[minor, major]")
		RULE("    On: instance.downtime\n"
		     "    Threshold: {Of: downtime_ms, Minor: \"> 2\", Major: \"> 1\"}\n")},
	{418, ALARM("700.001", "[minor, major]")
		RULE("    While: instance.failed\n    Severity: minor\n    Escalate:\n"
		     "      - {After: 2m, Text: a}\n      - {After: 1m, Severity: major}\n")},
	{419, ALARM("700.001", "[minor, major]")
		RULE("    While: instance.failed\n    Severity: major\n"
		     "    Escalate: {After: 2m, Severity: minor}\n")},
	{420, ALARM("700.001", "major")
		RULE("    While: instance.failed\n    Escalate: {After: 2m}\n")},
	{421, ALARM("700.001", "major") RULE("    While: instance.failed\n"
		"    Escalate: {After: migration.limit.soft, Text: a}\n")},
	{422, ALARM("700.001", "major") RULE("    On: instance.fault\n")},
	{423, "\"700.001\":\n" FIELDS_OF("major", "host=<h>.port=<p>")
		RULE("    While: instance.failed\n")},
	{424, HOST_ALARM("270.001", "major") RULE("    While: host.down\n"
		"    Group: {By: host, At_Least: 3, Within: 10s}\n")},
	{425, "\"700.001\":\n  Type: Alarm\n" RULE("    While: instance.failed\n")},
	{426, ALARM("700.001", "major")
		RULE("    - While: instance.failed\n    - While: instance.failed\n")},
	{427, ALARM("700.001", "major") RULE("")},
	{428, HOST_ALARM("270.001", "major") RULE("    While: instance.failed\n"
		"    Group: {By: host, At_Least: 1, Within: 10s}\n")},

#define ESCALATES(keys, after) ALARM("700.001", "[minor, major]") \
		RULE("    While: instance.migrating\n    Severity: minor\n" keys \
		     "    Escalate: {After: " after ", Severity: major}\n")
#define ON(fact, keys) ALARM("700.001", "major") RULE("    On: " fact "\n" keys)
	{429, HOST_ALARM("270.001", "major") RULE("    While: instance.failed\n    Hold_On: 1m\n"
		"    Group: {By: host, At_Least: 3, Within: 10s}\n")},
	{430, "Limits: {Soft: 0s, Hard: 0s}\n" ESCALATES("", "migration.limit.hard")},
	{431, ESCALATES("    Hold_On: 5m\n", "2m")},
	{432, ON("instance.fault", "    Hold_Notice: 1m\n    Expire: 30s\n")},
	{433, ON("reboot.done", "    Threshold: {Of: downtime_ms, Major: \"> 1\"}\n")},
	{434, ON("instance.downtime",
		 "    Threshold: {Of: downtime_ms, Per: downtime_ms, Major: \"> 1\"}\n")},
	{435, ALARM("700.001", "major") RULE("    While: instance.failed\n")
	      ALARM("700.401", "major") RULE("    While: instance.failed\n")},
	{436, ON("instance.fault", "    Expire: 1h\n    If: reason is gone\n")},
	{437, ON("instance.fault", "    Expire: 1h\n    If: (((((((((reason = a)))))))))\n")},
	{438, ON("instance.fault", "    Expire: 1h\n    If: limit_s > soon\n")},
	{439, ON("instance.fault", "    Expire: 1h\n    If: downtime_ms > 1s\n")},
	{440, ON("instance.fault", "    Clear: host.memory_failed\n")},
	{441, ON("instance.fault", "    Clear: instance.fault\n")},
	{442, ON("instance.fault", "    Expire: 1h\n    If: 'reason = \"\"'\n")},
	{443, ON("migration.done", "    Expire: 1h\n    If: source_host != destination\n")},
	{444, ALARM("700.001", "major") RULE("    While: instance.failed\n"
		"    Group: {By: instance, At_Least: 2, Within: 10s}\n")},
	{445, ALARM("700.001", "major") RULE("    While: instance.failed\n    Hold_On: 20s\n"
		"    Flap: {Count: 3, Within: 10s, Quiet: 1m}\n")},
	{446, ON("reboot.failed", "    If: reason ~ a\n    Expire: 1h\n"
		 "    Clear: {On: reboot.failed, If: reason ~ a}\n")},
	{447, ALARM("700.001", "major") RULE("    Suppresses: []\n")},
	{448, HOST_ALARM("700.001", "major") RULE("    While: instance.failed\n")},
	{449, ON("reboot.failed", "    Clear: reboot.done\n")},

#define SUPPRESSES(id, where) RULE("    Suppresses: {Alarms: [" id "], Where: " where "}\n")
	{501, HOST_ALARM("200.001", "major") SUPPRESSES("700.001", "host == host")},
	{502, HOST_ALARM("200.001", "major") SUPPRESSES("200.001", "host == host")},
	{503, HOST_ALARM("200.001", "major") SUPPRESSES("200.002", "host == host")
	      HOST_ALARM("200.002", "major") SUPPRESSES("200.001", "host == host")},
	{504, HOST_ALARM("200.001", "major") SUPPRESSES("700.101", "instance.host == host")
	      LOG("700.101", "major")},
	{505, HOST_ALARM("200.001", "major") SUPPRESSES("200.002", "host == host")
	      "\"200.002\":\n  Type: Alarm\n  Entity_Instance_ID: host=<h>\n"
	      "  Suppression: False\n"},
	{506, HOST_ALARM("200.001", "major") SUPPRESSES("200.002", "nearby")},
	{507, HOST_ALARM("200.001", "major")
		RULE("    Causes: {Alarms: [200.002], Where: below, Window: [1s, 2s]}\n")},
	{508, HOST_ALARM("200.001", "major")
		RULE("    Causes: {Alarms: [200.002], Where: below, At_Least: critical}\n")},
	{509, ALARM("700.001", "major") SUPPRESSES("700.002", "host == host")},
	{510, HOST_ALARM("200.001", "major") SUPPRESSES("200.002", "instance.host == host")
	      HOST_ALARM("200.002", "major")},
	{511, HOST_ALARM("200.001", "major") SUPPRESSES("200.002, 200.002", "host == host")
	      HOST_ALARM("200.002", "major")},
#define RELATES(key, more) \
	"    " key ": {Alarms: [200.002], Where: host == host" more "}\n"
	{512, HOST_ALARM("200.001", "major") RULE(RELATES("Causes", ", Window: [0s, 0s]"))
	      HOST_ALARM("200.002", "major")},
	{513, HOST_ALARM("200.001", "major")
		RULE("    - " "Causes: {Alarms: [200.002], Where: host == host}\n"
		     "    - " "Causes: {Alarms: [200.002], Where: host == host, Window: [-1s, 1s]}\n")
	      HOST_ALARM("200.002", "major")},
	{514, HOST_ALARM("200.001", "major") RULE(RELATES("Suppresses", "") RELATES("Causes", ""))
	      HOST_ALARM("200.002", "major")},
	{515, HOST_ALARM("200.001", "major") RULE(RELATES("Causes", ""))
	      HOST_ALARM("200.002", "major")
		RULE("    Causes: {Alarms: [200.001], Where: host == host}\n")},
	{516, HOST_ALARM("200.001", "[minor, major]")
		RULE("    While: host.down\n    Severity: minor\n"
		     RELATES("Causes", ", At_Least: major"))
	      HOST_ALARM("200.002", "major")},

	{601, "Limits:\n  Softer: 1m\n"},
	{602, "Limits:\n  Soft: soon\n"},
	{603, "Limits:\n  Soft: 900s\n"},
	{604, "Limits:\n  Hard: 900s\n"},
	{605, NULL},

	{701, ALARM("100.001", "major") "  Examples: [0s nothing]\n"},
	{702, NULL},
	{703, NULL},
	{704, NULL},
	{705, NULL},
	{706, NULL},

#define WINDOW(lines) ALARM("700.001", "major") LOG("700.101", "major") \
	"Maintenance:\n  - Name: w\n" lines
#define ONCE "    From: 2026-01-01\n    Until: 2026-01-02\n"
	{801, "Maintenance: never\n"},
	{802, WINDOW("    Alarm: all\n" ONCE)},
	{803, WINDOW("    Alarms: all\n    From: 2026-01-01\n")},
	{804, WINDOW("    Alarms: all\n    From: yesterday\n    Until: 2026-01-02\n")},
	{805, WINDOW("    Alarms: all\n    Zone: Europe/Berlen\n" ONCE)},
	{806, WINDOW("    Alarms: all\n    From: 2026-01-02\n    Until: 2026-01-02\n")},
	{807, WINDOW("    Alarms: all\n    Start: 2026-01-01\n    For: 1h\n    Rule: weekly\n")},
	{808, WINDOW("    Alarms: all\n    Start: 2026-01-01\n    For: 1h\n"
		     "    Rule: FREQ=DAILY;UNTIL=20251231\n")},
	{809, WINDOW("    Alarms: [700.0001]\n" ONCE)},
	{810, WINDOW("    Alarms: [700.101]\n" ONCE)},
	{811, WINDOW("    Alarms: all\n    Start: 2000-01-01\n    For: 1h\n    Every: {At: '01:00'}\n")},
	{812, WINDOW("    Alarms: all\n" ONCE "  - Name: w\n    Alarms: all\n" ONCE)},
	{813, WINDOW("    Alarms: all\n    Entities: [compute-1]\n" ONCE)},
	{814, WINDOW("    Alarms: all\n    Start: 2026-01-01\n    For: 2d\n"
		     "    Rule: FREQ=DAILY;COUNT=9\n")},
};

Test(findings, every_kind_can_be_provoked)
{
	cr_assert_eq(FM_ARRAY_LEN(provoked), cat_finding_kinds());
	for (unsigned i = 0; i < FM_ARRAY_LEN(provoked); i++) {
		struct fm_buf b = {0};
		cr_assert_eq(provoked[i].number, cat_finding_kind_at(i)->number);
		if (provoked[i].text == NULL)
			continue;
		struct loaded l = load_text(provoked[i].text);
		const struct cat_finding *f = finding(&l, provoked[i].number);
		cr_assert_not_null(f, "F%u expected, not %s", provoked[i].number,
				   findings_text(&l, &b));
		cr_assert_eq(f->error, strcmp(cat_finding_kind_at(i)->level, "error") == 0,
			     "F%u", f->number);
		cr_assert_eq(l.rc != 0, l.findings.n_errors != 0);
		fm_buf_fini(&b);
		unload(&l);
	}
}

Test(findings, records_to_start_from_have_none)
{
	struct loaded l = load_clean(ALARM("100.001", "major") HOST_ALARM("100.002", "major")
				     LOG("100.003", "[major, minor]"));
	unload(&l);
}

Test(findings, a_text_too_long_to_keep_is_an_error_and_a_long_one_a_note)
{
	static char text[6000];
	for (unsigned len = 254; len <= 4097; len += len == 254 ? 1 : len == 255 ? 3841 : 1) {
		int n = snprintf(text, sizeof(text), FREE_ALARM "  Description: %0*d\n",
				 (int)len, 1);
		struct loaded l = load_bytes(text, (size_t)n);
		cr_assert_eq(finding(&l, 322) != NULL, len > 254 && len <= 4096, "%u", len);
		cr_assert_eq(finding(&l, 220) != NULL, len > 4096, "%u", len);
		unload(&l);
	}
}

Test(findings, the_line_for_people_has_place_level_number_and_id)
{
	struct loaded l = load_text(ALARM("700.001", "major") RULE("    Whale: instance.failed\n"));
	struct fm_buf b = {0};
	const struct cat_finding *f = finding(&l, 401);
	cr_assert_not_null(f);
	int n = cat_finding_print(f, "my.yaml", &b);
	cr_assert_str_eq(b.s, "my.yaml:17:5: error F401: 700.001: \"Whale\" is not a key of "
			 "Correlation; did you mean \"While\"?");
	cr_assert_eq((size_t)n, b.len);
	fm_buf_fini(&b);
	unload(&l);
}

Test(findings, come_in_the_order_of_the_file)
{
	struct loaded l = load_text(
		HOST_ALARM("200.002", "fatal") SUPPRESSES("200.009", "host == host")
		HOST_ALARM("200.001", "major") "  Colour: red\n");
	for (unsigned i = 1; i < l.findings.n; i++)
		cr_assert_leq(l.findings.v[i - 1].line, l.findings.v[i].line);
	cr_assert_eq(l.findings.n_errors, 3);
	cr_assert(strstr(l.err.msg, "test.yaml:5:13: error F208: 200.002: ") == l.err.msg, "%s",
		  l.err.msg);
	cr_assert(strstr(l.err.msg, "(and 2 more)") != NULL, "%s", l.err.msg);
	unload(&l);
}

Test(findings, quote_the_file_without_its_control_characters)
{
	struct loaded l = load_text("\"\xe2\x80\xae" "evil\": x\n");
	cr_assert_not_null(finding(&l, 114));
	cr_assert_null(strstr(finding(&l, 114)->text, "\xe2\x80\xae"));
	unload(&l);
}

Test(findings, of_an_earlier_load_do_not_spoil_the_next)
{
	struct cat_findings f;
	struct catalogue *cat = NULL;
	struct fm_err err;
	cat_findings_init(&f);
	cr_assert_eq(cat_load_buf("a", "x: y\n", 5, &f, &cat, &err), -EINVAL);
	cr_assert_eq(cat_load_buf("b", ALARM("100.001", "major"), strlen(ALARM("100.001", "major")),
				  &f, &cat, &err), 0);
	cr_assert_eq(f.n, 0);
	cat_free(cat);
	cat_findings_fini(&f);
}

Test(findings, are_optional)
{
	struct catalogue *cat = NULL;
	struct fm_err err;
	cr_assert_eq(cat_load_buf("a", "x: y\n", 5, NULL, &cat, &err), -EINVAL);
	cr_assert_null(cat);
	cr_assert(strstr(err.msg, "a:1:1: error F114: ") == err.msg, "%s", err.msg);
}

/* What lies just inside of the new rules must not be blamed. */
Test(findings, of_reach_are_not_told_of_what_can_be_reached)
{
	struct loaded l = load_clean(
		ESCALATES("    Hold_On: 1m\n", "2m")
		"\"700.002\":\n" FIELDS_OF("major", INSTANCE)
			RULE("    On: reboot.done\n    Hold_Notice: 30s\n    Expire: 1m\n"
			     "    Threshold: {Of: downtime_limit_ms, Major: \"> 1\"}\n")
		"\"700.003\":\n" FIELDS_OF("major", INSTANCE)
			RULE("    While: instance.failed\n")
		"\"700.004\":\n" FIELDS_OF("major", INSTANCE ".host=<host_name>")
			RULE("    While: instance.failed\n"));
	unload(&l);
	l = load_clean(HOST_ALARM("200.001", "[minor, major]")
		       RULE("    - While: host.down\n      Severity: minor\n"
			    "      Escalate: {After: 1m, Severity: major}\n"
			    "      Causes: {Alarms: [200.002], Where: host == host, At_Least: major}\n"
			    "    - Causes: {Alarms: [200.002], Where: host == host}\n")
		       HOST_ALARM("200.002", "major"));
	unload(&l);
}

Test(findings, of_retention_compare_with_the_history_that_is_kept)
{
	struct loaded l = load_clean("Limits: {Keep_Cleared: 2h}\n"
				     ON("instance.fault", "    Expire: 3h\n"));
	cat_check_retention(l.cat, fm_span_s(0), &l.findings);
	cat_check_retention(l.cat, fm_span_s(3 * 3600), &l.findings);
	cr_assert_eq(l.findings.n, 0);
	cat_check_retention(l.cat, fm_span_s(3600), &l.findings);
	cr_assert_eq(count_findings(&l, 605), 2);
	cr_assert_eq(l.findings.v[0].line, 1);
	cr_assert_eq(l.findings.v[1].line, 18);
	cr_assert_str_eq(l.findings.v[1].id, "700.001");
	cr_assert_eq(l.findings.n_errors, 0);
	unload(&l);
}

/* Spellings: what was meant is offered when it is near, and only then. */
Test(findings, suggest_what_was_probably_meant)
{
	static const struct { const char *text, *want; unsigned number; } cases[] = {
		{ALARM("700.001", "major") RULE("    While: instance.migratin\n"),
		 "did you mean \"instance.migrating\"", 403},
		{ALARM("700.001", "majr"), "did you mean \"major\"", 208},
		{ALARM("700.001", "major") RULE("    Whlie: instance.failed\n"),
		 "did you mean \"While\"", 401},
		{FREE_ALARM "  Servrity: major\n", "did you mean \"Severity\"", 204},
		{FREE_ALARM "  corelation: {}\n", "did you mean \"Correlation\"", 204},
		{"Limit: {}\n", "did you mean \"Limits\"", 114},
		{"Limits: {downtime: 1s}\n", "did you mean \"Downtime\"", 601},
		{"\"700.001\":\n  Type: Alarm\n  Severity: major\n  Description: On <hostnam>\n"
		 "  Entity_Instance_ID: " INSTANCE "\n" RULE("    While: instance.failed\n"),
		 "did you mean \"host_name\"", 412},
		{ON("instance.downtime", "    Threshold: {Of: downtime_s, Major: \"> 1\"}\n"),
		 "did you mean \"downtime_ms\"", 414},
		{"\"700.001\":\n" FIELDS_OF("major", "tenat=<t>.instance=<u>")
		 RULE("    While: instance.failed\n"), "did you mean \"tenant\"", 423},
		{HOST_ALARM("200.001", "major") SUPPRESSES("700.01", "instance.host == host")
		 ALARM("700.010", "major"), "did you mean \"700.010\"", 501},
		{HOST_ALARM("200.001", "major") SUPPRESSES("200.002", "instance.host = host"),
		 "did you mean \"instance.host == host\"", 506},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		struct loaded l = load_text(cases[i].text);
		const struct cat_finding *f = finding(&l, cases[i].number);
		cr_assert_not_null(f, "F%u", cases[i].number);
		cr_assert_not_null(strstr(f->text, cases[i].want), "%s", f->text);
		unload(&l);
	}
	struct loaded l = load_text(ALARM("700.001", "major") RULE("    Xyzzy: 1\n"));
	cr_assert_null(strstr(finding(&l, 401)->text, "did you mean"));
	unload(&l);
}

/* ---- docs/CATALOG.md -------------------------------------------------------------------- */

static void
wants(const char *doc, const char *row)
{
	cr_expect_not_null(strstr(doc, row), "docs/CATALOG.md lacks: %s", row);
}

Test(docs, list_every_finding)
{
	char path[512], row[512];
	source_path("docs/CATALOG.md", path, sizeof(path));
	struct fm_buf doc = read_whole(path);
	for (unsigned i = 0; i < cat_finding_kinds(); i++) {
		const struct cat_finding_kind *kind = cat_finding_kind_at(i);
		snprintf(row, sizeof(row), "| F%u | %s | ", kind->number, kind->level);
		wants(doc.s, row);
		/* A pipe inside a table is written "\|". */
		if (strchr(kind->meaning, '|') == NULL) {
			snprintf(row, sizeof(row), "| F%u | %s | %s | ", kind->number, kind->level,
				 kind->meaning);
			wants(doc.s, row);
		}
	}
	unsigned rows = 0;
	for (const char *at = doc.s; (at = strstr(at, "\n| F")) != NULL; at += 4)
		rows += at[4] >= '1' && at[4] <= '9';
	cr_assert_eq(rows, cat_finding_kinds(), "docs/CATALOG.md has findings that do not exist");
	fm_buf_fini(&doc);
}

Test(docs, list_every_fact_and_attribute)
{
	char path[512], row[128];
	source_path("docs/CATALOG.md", path, sizeof(path));
	struct fm_buf doc = read_whole(path);
	for (unsigned i = 0; i < FACT_N; i++) {
		enum fact_id fact = (enum fact_id)i;
		snprintf(row, sizeof(row), "| `%s` | %s | %s |", fact_name(fact),
			 fact_is_state(fact) ? "state" : "event",
			 fact_subject_of(fact) == SUBJECT_HOST ? "host" : "instance");
		wants(doc.s, row);
	}
	for (unsigned i = 0; i < ATTR_N; i++) {
		enum fact_attr attr = (enum fact_attr)i;
		snprintf(row, sizeof(row), "| `%s` | %s |", fact_attr_name(attr),
			 fact_attr_is_int(attr) ? "number" : "text");
		wants(doc.s, row);
	}
#define FACT_ALIAS(name, id) \
	snprintf(row, sizeof(row), "`%s`", name); \
	wants(doc.s, row);
#include "events/facts.def"
	fm_buf_fini(&doc);
}

/* fmt with name in the place of "%s". */
static void
put_name(char *text, size_t size, const char *fmt, const char *name)
{
	const char *hole = strstr(fmt, "%s");
	snprintf(text, size, "%.*s%s%s", (int)(hole - fmt), fmt, name, hole + 2);
}

/*
 * Puts every name of the first column of the table behind heading into the file that fmt makes of
 * it; none may provoke the finding for unknown names.
 */
static unsigned
try_names(const char *heading, const char *fmt, unsigned unknown)
{
	char path[512], name[64], text[512];
	unsigned n = 0;
	source_path("docs/CATALOG.md", path, sizeof(path));
	struct fm_buf doc = read_whole(path);
	const char *at = strstr(doc.s, heading);
	cr_assert_not_null(at, "%s", heading);
	for (at = strstr(at, "\n|---"); (at = strchr(at + 1, '\n')) != NULL; n++) {
		if (sscanf(at, "\n| `%63[^`]`", name) != 1)
			break;
		put_name(text, sizeof(text), fmt, name);
		struct loaded l = load_text(text);
		cr_expect_null(finding(&l, unknown), "%s", text);
		unload(&l);
	}
	fm_buf_fini(&doc);
	return n;
}

Test(docs, name_fields_and_keys_as_they_are)
{
	cr_assert_eq(try_names("| Field | In logs |", "\"1.1\": {%s: x}\n", 204), 16);
	cr_assert_eq(try_names("| Key | With |", "\"1.1\": {Correlation: {%s: x}}\n", 401), 18);
	cr_assert_eq(try_names("| Key | Default | Meaning |",
			       "\"1.1\": {Correlation: {Suppresses: {%s: x}}}\n", 401), 5);
	cr_assert_eq(try_names("| Key | Form | Meaning |", "Maintenance: [{%s: x}]\n", 802), 11);
	cr_assert_eq(try_names("| Key | Default | Range |", "Limits: {%s: x}\n", 601), 15);
}

/* What a catalogue of defaults prints is what the page says. */
Test(docs, state_the_default_limits)
{
	char path[512], row[128];
	source_path("docs/CATALOG.md", path, sizeof(path));
	struct fm_buf doc = read_whole(path), b = {0};
	struct loaded l = load_good(ALARM("100.001", "major"));
	cat_print(l.cat, &b);
	char *save = NULL;
	strtok_r(b.s, "\n", &save);
	for (char *line; (line = strtok_r(NULL, "\n", &save)) != NULL && line[0] == ' ';) {
		char key[32], value[32];
		cr_assert_eq(sscanf(line, " %31[^:]: %31s", key, value), 2, "%s", line);
		snprintf(row, sizeof(row), "| `%s` | %s |", key, value);
		wants(doc.s, row);
	}
	fm_buf_fini(&b);
	fm_buf_fini(&doc);
	unload(&l);
}

static void
expect_finding(unsigned number, bool there, const char *text)
{
	struct loaded l = load_text(text);
	struct fm_buf b = {0};
	cr_expect_eq(finding(&l, number) != NULL, there, "F%u in\n%s\n%s", number, text,
		     findings_text(&l, &b));
	fm_buf_fini(&b);
	unload(&l);
}

Test(findings, a_rule_that_an_earlier_one_leaves_nothing_to_do)
{
#define TWO(first, second) ALARM("700.001", "major") RULE("    - {While: instance.failed" first "}\n" \
		"    - While: instance.paused\n    - {While: instance.failed" second "}\n")
	expect_finding(426, true, TWO("", ", If: reason = a"));
	expect_finding(426, true, TWO(", If: reason = a", ", If: 'reason==\"a\"'"));
	expect_finding(426, true, TWO(", If: reason = a and host_name = b",
				      ", If: (reason = a) and (host_name = b)"));
	expect_finding(426, false, TWO(", If: reason = a", ", If: reason ~ a"));
	expect_finding(426, false, TWO(", If: reason = a", ", If: reason = initiator"));
	expect_finding(426, false, TWO(", If: reason = a", ""));
	expect_finding(426, true, HOST_ALARM("270.001", "major")
		RULE("    - {While: instance.failed, If: reason = a}\n    - While: instance.failed\n"
		     "      Group: {By: host, At_Least: 3, Within: 10s}\n"));
}

Test(findings, a_threshold_asks_for_what_its_event_carries)
{
#define MEASURES(fact, keys) ON(fact, "    Expire: 1h\n    Threshold: {" keys ", Major: \"> 1\"}\n")
	expect_finding(433, false, MEASURES("instance.downtime", "Of: downtime_ms, Per: downtime_limit_ms"));
	expect_finding(433, false, MEASURES("reboot.done", "Of: limit_s"));
	expect_finding(433, true, MEASURES("migration.started", "Of: downtime_ms"));
	expect_finding(433, true, MEASURES("instance.downtime", "Of: elapsed_s, Per: flapping"));
	expect_finding(433, true, MEASURES("host.memory_error", "Of: limit_s"));
}

/* What F444 to F449 have to leave alone, beside what they are for. */
Test(findings, of_rules_without_effect_are_told_of_those_only)
{
#define WHILE(keys) ALARM("700.001", "major") RULE("    While: instance.failed\n" keys)
#define AGAIN(keys) ON("reboot.failed", "    If: reason ~ a\n" keys)
	expect_finding(444, false, ON("instance.fault", "    Expire: 1h\n"
		"    Group: {By: instance, At_Least: 2, Within: 10s}\n"));
	expect_finding(445, true, WHILE("    Hold_On: 6s\n    Flap: {Count: 3, Within: 10s, Quiet: 1m}\n"));
	expect_finding(445, false, WHILE("    Hold_On: 5s\n    Flap: {Count: 3, Within: 10s, Quiet: 1m}\n"));
	expect_finding(445, false, WHILE("    Flap: {Count: 16, Within: 1s, Quiet: 1m}\n"));
	expect_finding(446, true, AGAIN("    Expire: 1h\n    Clear:\n      - reboot.done\n"
		"      - {On: reboot.failed, If: reason ~ 'a'}\n"));
	expect_finding(446, false, AGAIN("    Expire: 1h\n    Clear: {On: reboot.failed, If: not reason ~ a}\n"));
	expect_finding(446, false, AGAIN("    Expire: 1h\n    Clear: {On: reboot.done, If: reason ~ a}\n"));
	expect_finding(446, false, AGAIN("    Expire: 1h\n    Clear: {On: reboot.failed, If: reason ~ a}\n"
		"    Threshold: {Of: limit_s, Major: \"> 1\"}\n"));
	expect_finding(447, true, WHILE("    Causes: []\n"));
	expect_finding(447, true, WHILE("    Outdates: []\n"));
	expect_finding(447, false, HOST_ALARM("200.001", "major") SUPPRESSES("200.002", "host == host")
		       HOST_ALARM("200.002", "major"));
}

Test(findings, a_state_wants_an_alarm_of_its_own_for_each_that_is_in_it)
{
#define SHARED(form, rule) "\"700.001\":\n" FIELDS_OF("major", form) RULE(rule)
#define OF_GROUP "    Group: {By: host, At_Least: 2, Within: 10s}\n"
	expect_finding(448, true, SHARED("host=<h>", "    While: instance.failed\n"));
	expect_finding(448, true, SHARED("tenant=<t>", "    While: instance.failed\n"));
	expect_finding(448, true, SHARED("service=x", "    While: host.down\n"));
	expect_finding(448, false, SHARED("host=<h>", "    While: host.down\n"));
	expect_finding(448, false, SHARED("instance=<i>", "    While: instance.failed\n"));
	expect_finding(448, false, SHARED("host=<h>", "    While: instance.failed\n" OF_GROUP));
	expect_finding(448, false, SHARED("host=<h>", "    On: instance.fault\n    Expire: 1h\n"));
}

static void
expect_words(unsigned number, const char *words, const char *text)
{
	struct loaded l = load_text(text);
	struct fm_buf b = {0};
	const struct cat_finding *f = finding(&l, number);
	cr_assert_not_null(f, "F%u in\n%s\n%s", number, text, findings_text(&l, &b));
	cr_expect_not_null(strstr(f->text, words), "%s", f->text);
	fm_buf_fini(&b);
	unload(&l);
}

Test(findings, of_a_clear_say_that_nothing_else_ends_the_alarm)
{
	expect_finding(449, true, ON("reboot.failed", "    Clear: [reboot.done, start.done]\n"));
	expect_finding(449, false, ON("reboot.failed", "    Clear: reboot.done\n    Expire: 7d\n"));
	expect_finding(449, false, ON("reboot.failed", "    Clear: [reboot.done, instance.deleted]\n"));
	expect_words(449, "until one of these comes or the instance is deleted",
		     ON("reboot.failed", "    Clear: reboot.done\n"));
	expect_finding(449, true, HOST_ALARM("270.001", "major")
		       RULE("    On: host.memory_failed\n    Clear: host.memory_error\n"));
	expect_finding(449, false, ON("reboot.failed", ""));
}

Test(findings, of_a_missing_end_advise_what_the_rule_may_have)
{
	expect_words(422, "add Clear or Expire", ON("reboot.failed", ""));
	expect_words(422, "add Expire", HOST_ALARM("270.001", "major") RULE("    On: reboot.failed\n"
		"    Group: {By: host, At_Least: 2, Within: 1h}\n"));
}

Test(findings, of_a_step_at_the_raise_know_the_limits)
{
	expect_finding(431, true, ESCALATES("    Hold_On: 1h\n", "migration.limit.soft"));
	expect_finding(431, true, ESCALATES("    Hold_On: 3m\n", "migration.limit.soft"));
	expect_finding(431, false, ESCALATES("    Hold_On: 179s\n", "migration.limit.soft"));
	expect_finding(431, false, ESCALATES("    Hold_On: 1h\n", "migration.postcopy"));
	expect_finding(431, false, "Limits: {Soft: 0s, Hard: 0s}\n"
		       ESCALATES("    Hold_On: 1h\n", "migration.limit.hard"));
}

Test(findings, of_a_step_that_cannot_be_read_are_told_once)
{
#define STEPS(list) ALARM("700.001", "[minor, major]") \
		RULE("    While: instance.failed\n    Severity: minor\n    Escalate: " list "\n")
	expect_finding(402, true, STEPS("[{After: 1m, Severity: major}, x]"));
	expect_finding(431, false, STEPS("[{After: 1m, Severity: major}, x]"));
	expect_finding(418, false, STEPS("[x, {After: 1m, Severity: major}]"));
	expect_finding(431, false, STEPS("{After: soon, Severity: major}"));
	expect_finding(431, false, STEPS("{Severity: major}"));
}

Test(findings, of_one_mistake_are_one)
{
	expect_finding(416, false, ON("instance.downtime",
		"    Expire: 1h\n    Threshold: {Of: downtime_ms, Minor: \"> 1\"}\n"));
	expect_finding(416, true, ON("instance.downtime", "    Expire: 1h\n    Threshold: {Of: downtime_ms}\n"));
	expect_finding(447, false, LOG("700.101", "major") RULE("    On: reboot.failed\n    Causes: []\n"));
}
