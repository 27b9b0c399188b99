/* alarm_json: the form that the outside reads, checked with an independent reading of the text. */
#include "alarm/alarm_json.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

static struct alarm
sample(void)
{
	struct alarm al = {
		.id = 17,
		.alarm_id = "700.301",
		.entity_type_id = "tenant.instance",
		.entity = "tenant=t.instance=i",
		.severity = SEV_MAJOR,
		.reason_text = "Instance \"web\" was stopped \xe2\x82\xac",
		.type = 3,
		.cause = 77,
		.service_affecting = true,
		.suppressible = true,
		.mgmt_threshold = SEV_WARNING,
		.raised_at = {1795428942118023000},
		.changed_at = {1795428942118023000},
		.count = 2,
		.attrs = {{"downtime_ms", NULL, 1300}, {"source_host", "compute-0", 0}},
		.n_attrs = 2,
		.catalogue = 0xabc,
	};
	memset(al.uuid.b, 0x11, sizeof(al.uuid.b));
	return al;
}

static struct transition
raise(void)
{
	return (struct transition){
		.seq = 5,
		.kind = TR_RAISE,
		.at = {1795428942118023000},
		.notify = true,
		.alarm = sample(),
		.cause = {.kind = CAUSE_RECORD, .topic = "libvirt.events", .partition = 0,
			  .offset = 42, .event = "lifecycle", .rule = "700.301 On x",
			  .rule_line = 9},
	};
}

static char *text;
static size_t len, alarm_len;
static json_t *doc;

static void
end(void)
{
	json_decref(doc);
	free(text);
}

TestSuite(alarm_json, .fini = end);
TestSuite(transition_json, .fini = end);

static void
print_transition(const struct transition *tr)
{
	end();
	text = transition_to_json(tr, "s1", &len, &alarm_len);
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(doc);
	cr_assert_eq(strlen(text), len);
}

static void
print_alarm(const struct alarm *al)
{
	end();
	text = alarm_to_json(al, &len);
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(doc);
}

static const char *
word(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	return s != NULL ? s : "(no text)";
}

static void
is_null(const json_t *o, const char *name)
{
	cr_assert(json_is_null(json_object_get(o, name)), "%s", name);
}

Test(alarm_json, is_the_contract_to_the_byte)
{
	struct alarm al = sample();

	print_alarm(&al);
	cr_assert_str_eq(text,
		"{\"uuid\":\"11111111-1111-1111-1111-111111111111\",\"id\":17,"
		"\"alarm_id\":\"700.301\",\"entity_type_id\":\"tenant.instance\","
		"\"entity_instance_id\":\"tenant=t.instance=i\",\"state\":\"active\","
		"\"severity\":\"major\","
		"\"reason_text\":\"Instance \\\"web\\\" was stopped \xe2\x82\xac\","
		"\"alarm_type\":\"processing-error\",\"probable_cause\":\"certificate-expiration\","
		"\"proposed_repair_action\":null,\"service_affecting\":true,\"suppression\":true,"
		"\"suppression_status\":\"unsuppressed\",\"suppressed_by\":null,"
		"\"mgmt_affecting\":true,\"degrade_affecting\":false,"
		"\"raised_at\":\"2026-11-23T10:15:42.118023Z\","
		"\"changed_at\":\"2026-11-23T10:15:42.118023Z\",\"cleared_at\":null,\"count\":2,"
		"\"operator_state\":\"none\",\"acked_by\":null,\"shelved_until\":null,"
		"\"maintenance_window\":null,"
		"\"root_cause\":null,\"children\":0,"
		"\"attributes\":{\"downtime_ms\":1300,\"source_host\":\"compute-0\"},"
		"\"catalogue\":\"0000000000000abc\"}");
}

Test(alarm_json, has_every_state_of_its_life)
{
	struct alarm al = sample();
	al.cleared = true;
	al.cleared_at = (struct fm_time){1795428943000000000};
	al.oper = OPER_ACKED;
	al.acked_by = "ops";
	al.status = SUPPR_PARENT;
	al.suppressed_by.b[15] = 1;
	al.root_cause.b[15] = 2;
	al.children = 3;
	al.shelved_until = (struct fm_time){1795428944000000000};

	print_alarm(&al);
	cr_assert_str_eq(word(doc, "state"), "cleared");
	cr_assert_str_eq(word(doc, "severity"), "major");
	cr_assert_str_eq(word(doc, "cleared_at"), "2026-11-23T10:15:43.000000Z");
	cr_assert_str_eq(word(doc, "operator_state"), "acknowledged");
	cr_assert_str_eq(word(doc, "acked_by"), "ops");
	cr_assert_str_eq(word(doc, "suppression_status"), "masked");
	cr_assert_str_eq(word(doc, "suppressed_by"), "00000000-0000-0000-0000-000000000001");
	cr_assert_str_eq(word(doc, "root_cause"), "00000000-0000-0000-0000-000000000002");
	cr_assert_eq(json_integer_value(json_object_get(doc, "children")), 3);
	cr_assert_str_eq(word(doc, "shelved_until"), "2026-11-23T10:15:44.000000Z");
	al.status = SUPPR_WINDOW;
	al.window = "patch \"night\"";
	print_alarm(&al);
	cr_assert_str_eq(word(doc, "suppression_status"), "maintenance");
	cr_assert_str_eq(word(doc, "maintenance_window"), "patch \"night\"");
}

Test(alarm_json, no_text_can_lose_the_record)
{
	struct alarm al = sample();
	al.reason_text = "bad \xff\xc3 \x01 \"\\ text";
	al.attrs[1].text = "\xed\xa0\x80";
	al.attrs[0].name = "\xff";

	print_alarm(&al);
	cr_assert_str_eq(word(doc, "reason_text"),
			 "bad \xef\xbf\xbd\xef\xbf\xbd \x01 \"\\ text");
	json_t *attributes = json_object_get(doc, "attributes");
	cr_assert_eq(json_object_size(attributes), 1);
	cr_assert_str_eq(word(attributes, "source_host"),
			 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

Test(alarm_json, an_empty_alarm_has_every_member)
{
	struct alarm al = {0}, full = sample();

	print_alarm(&full);
	size_t members = json_object_size(doc);
	print_alarm(&al);
	cr_assert_eq(json_object_size(doc), members);
	is_null(doc, "uuid");
	is_null(doc, "alarm_id");
	is_null(doc, "raised_at");
	is_null(doc, "catalogue");
}

Test(transition_json, members_come_in_their_order)
{
	static const char *const want[] = {
		"schema", "stream", "seq", "kind", "time", "notify", "previous", "cause", "alarm",
	};
	struct transition tr = raise();
	const char *name;
	json_t *value;
	size_t i = 0;

	print_transition(&tr);
	json_object_foreach(doc, name, value)
		cr_assert_str_eq(name, want[i++]);
	cr_assert_eq(i, FM_ARRAY_LEN(want));
	cr_assert_str_eq(word(doc, "schema"), "fm.transition/1");
	cr_assert_str_eq(word(doc, "stream"), "s1");
	cr_assert_str_eq(word(doc, "kind"), "raise");
	cr_assert_eq(json_integer_value(json_object_get(doc, "seq")), 5);
	cr_assert_str_eq(word(doc, "time"), "2026-11-23T10:15:42.118023Z");
	is_null(doc, "previous");
}

static void
ends_with_its_alarm(const struct transition *tr)
{
	print_transition(tr);
	char *alarm_text = json_dumps(json_object_get(doc, "alarm"), JSON_COMPACT);
	cr_assert_eq(alarm_len, strlen(alarm_text));
	cr_assert_eq(memcmp(text + len - 1 - alarm_len, alarm_text, alarm_len), 0);
	cr_assert_eq(text[len - 1], '}');
	free(alarm_text);
}

Test(transition_json, ends_with_the_alarms_own_json)
{
	struct transition tr = raise();

	ends_with_its_alarm(&tr);
	char *alone = alarm_to_json(&tr.alarm, &len);
	cr_assert_eq(len, alarm_len);
	free(alone);
}

Test(transition_json, no_text_can_pass_for_the_alarm)
{
	struct transition tr = raise();
	tr.cause.rule = ",\"alarm\":{";
	tr.prev_mask = PREV_TEXT;
	tr.prev_text = "x\",\"alarm\":{\"";
	tr.alarm.attrs[1].name = "alarm";

	ends_with_its_alarm(&tr);
	cr_assert_str_eq(word(json_object_get(doc, "cause"), "rule"), ",\"alarm\":{");
}

Test(transition_json, previous_holds_only_what_changed)
{
	struct transition tr = raise();
	tr.kind = TR_CHANGE;
	tr.prev_mask = PREV_SEVERITY;
	tr.prev_severity = SEV_MINOR;
	tr.prev_text = "unused";

	print_transition(&tr);
	json_t *previous = json_object_get(doc, "previous");
	cr_assert_eq(json_object_size(previous), 1);
	cr_assert_str_eq(word(previous, "severity"), "minor");

	tr.prev_mask = PREV_TEXT | PREV_STATUS;
	tr.prev_status = SUPPR_HELD;
	print_transition(&tr);
	previous = json_object_get(doc, "previous");
	cr_assert_eq(json_object_size(previous), 2);
	cr_assert_str_eq(word(previous, "reason_text"), "unused");
	cr_assert_str_eq(word(previous, "suppression_status"), "held");

	tr.prev_mask = 0;
	print_transition(&tr);
	is_null(doc, "previous");
}

Test(transition_json, previous_names_the_parent_that_changed)
{
	struct transition tr = raise();
	char uuid[FM_UUID_STR];

	tr.prev_mask = PREV_PARENT | PREV_SUPPRESSOR | PREV_WINDOW | PREV_STALE | PREV_MOVED;
	tr.prev_root_cause = tr.alarm.uuid;
	tr.prev_window = "patch night";
	tr.prev_stale = "2026-11-24T02:48:57.526000Z";
	tr.prev_moved = 6;
	print_transition(&tr);
	json_t *previous = json_object_get(doc, "previous");
	cr_assert_eq(json_object_size(previous), 5);
	cr_assert_eq(json_integer_value(json_object_get(previous, "moved")), 6);
	cr_assert_str_eq(word(previous, "stale_since"), "2026-11-24T02:48:57.526000Z");
	cr_assert_str_eq(word(previous, "maintenance_window"), "patch night");
	cr_assert_str_eq(word(previous, "root_cause"), fm_uuid_format(&tr.alarm.uuid, uuid));
	is_null(previous, "suppressed_by");
}

Test(transition_json, a_record_is_named_by_its_place)
{
	struct transition tr = raise();

	print_transition(&tr);
	json_t *cause = json_object_get(doc, "cause");
	cr_assert_str_eq(word(cause, "kind"), "record");
	cr_assert_str_eq(word(cause, "topic"), "libvirt.events");
	cr_assert(json_is_integer(json_object_get(cause, "partition")));
	cr_assert_eq(json_integer_value(json_object_get(cause, "offset")), 42);
	cr_assert_str_eq(word(cause, "event"), "lifecycle");
	cr_assert_eq(json_integer_value(json_object_get(cause, "rule_line")), 9);
	cr_assert_null(json_object_get(cause, "user"));
}

Test(transition_json, a_command_is_named_by_verb_and_user)
{
	struct transition tr = raise();
	tr.cause = (struct transition_cause){
		.kind = CAUSE_COMMAND, .event = "alarm-ack", .user = "ops",
	};

	print_transition(&tr);
	json_t *cause = json_object_get(doc, "cause");
	cr_assert_eq(json_object_size(cause), 3);
	cr_assert_str_eq(word(cause, "kind"), "command");
	cr_assert_str_eq(word(cause, "command"), "alarm-ack");
	cr_assert_str_eq(word(cause, "user"), "ops");
}

Test(transition_json, a_relation_names_its_parent)
{
	struct transition tr = raise();
	tr.cause = (struct transition_cause){.kind = CAUSE_RELATION, .catalogue = 1};
	tr.cause.parent.b[15] = 9;

	print_transition(&tr);
	json_t *cause = json_object_get(doc, "cause");
	cr_assert_str_eq(word(cause, "parent"), "00000000-0000-0000-0000-000000000009");
	cr_assert_str_eq(word(cause, "catalogue"), "0000000000000001");
}

Test(transition_json, the_state_of_a_log_is_log)
{
	struct transition tr = raise();
	tr.kind = TR_LOG;

	print_transition(&tr);
	cr_assert_str_eq(word(json_object_get(doc, "alarm"), "state"), "log");
}

Test(transition_json, what_is_not_announced_says_so)
{
	struct transition tr = raise();
	tr.notify = false;

	print_transition(&tr);
	cr_assert(json_is_false(json_object_get(doc, "notify")));
}

/* ---- every byte, beside jansson ------------------------------------------------------- */

static uint64_t
draw(uint64_t *x, uint64_t n)
{
	*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*x >> 33) % n;
}

/* Up to 40 bytes: any, or pieces that a writer of JSON may get wrong. */
static char *
any_text(uint64_t *x)
{
	static const char *const piece[] = {"\"", "\\", "/", "\b\f\n\r\t", "\x01\x1f\x7f", "plain ",
		"\xe2\x82\xac", "\xe2\x80\xa8", "\xc2\x9b", "\xf3\xa0\x81\x81", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xff", "\",\"alarm\":{"};
	struct fm_buf b = {0};

	fm_buf_adds(&b, "");
	for (uint64_t n = draw(x, 5); n > 0; n--) {
		if (draw(x, 2) == 0)
			fm_buf_adds(&b, piece[draw(x, FM_ARRAY_LEN(piece))]);
		for (uint64_t k = draw(x, 4); k > 0; k--)
			fm_buf_add(&b, (char[]){(char)(1 + draw(x, 255))}, 1);
	}
	return b.s;
}

static const char *
text_or_null(uint64_t *x, char *kept[], unsigned *n)
{
	if (draw(x, 4) == 0)
		return NULL;
	return kept[(*n)++] = any_text(x);
}

static void
check_text(const json_t *o, const char *member, const char *s)
{
	const json_t *got = json_object_get(o, member);
	struct fm_buf want = {0};

	if (s == NULL) {
		cr_assert(json_is_null(got), "%s", member);
		return;
	}
	fm_buf_adds(&want, "");
	fm_utf8_repair(&want, s, strlen(s));
	cr_assert_str_eq(json_string_value(got), want.s, "%s", member);
	fm_buf_fini(&want);
}

/* Takes text: what jansson leaves as it is and a terminal would not. */
static char *
tamed(char *from)
{
	struct fm_buf b = {0};
	size_t n;

	for (const char *p = from; *p != '\0'; p += n) {
		uint32_t cp = 0;

		n = fm_utf8_decode(p, strlen(p), &cp);
		if (!fm_utf8_is_hostile(cp))
			fm_buf_add(&b, p, n);
		else if (cp < 0x10000)
			fm_buf_addf(&b, "\\u%04X", cp);
		else
			fm_buf_addf(&b, "\\u%04X\\u%04X", 0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
	}
	free(from);
	return b.s;
}

Test(transition_json, leaves_nothing_in_it_that_controls_a_terminal)
{
	static const char hostile[] = "\x7f \xc2\x9b \xe2\x80\xae \xe2\x80\xa8 \xd8\x9c \xf3\xa0\x81\x81 "
		"\xe2\x82\xac";
	struct transition tr = raise();

	tr.alarm.reason_text = hostile;
	print_transition(&tr);
	cr_assert_not_null(strstr(text, "\"\\u007F \\u009B \\u202E \\u2028 \\u061C \\uDB40\\uDC41 "
				  "\xe2\x82\xac\""), "%s", text);
	check_text(json_object_get(doc, "alarm"), "reason_text", hostile);
}

/*
 * What jansson reads it prints as it was, so every escape, number and comma is jansson's own, but for
 * the escapes above.
 */
Test(transition_json, is_what_jansson_prints_to_the_byte)
{
	uint64_t x = 1;

	for (int round = 0; round < 3000; round++) {
		char *kept[24] = {0};
		unsigned n = 0;
		struct transition tr = raise();

		tr.seq = draw(&x, 1u << 31) << draw(&x, 32);
		tr.alarm.reason_text = text_or_null(&x, kept, &n);
		tr.alarm.repair = text_or_null(&x, kept, &n);
		tr.alarm.acked_by = text_or_null(&x, kept, &n);
		tr.cause.user = text_or_null(&x, kept, &n);
		tr.cause.offset = (int64_t)(draw(&x, 1u << 31) << draw(&x, 32)) * (draw(&x, 2) ? 1 : -1);
		tr.alarm.n_attrs = (unsigned)draw(&x, 5);
		for (unsigned i = 0; i < tr.alarm.n_attrs; i++) {
			const char *name = kept[n++] = any_text(&x);

			tr.alarm.attrs[i] = (struct attr){name, text_or_null(&x, kept, &n),
				(int64_t)(draw(&x, 1u << 31) << 32) * (draw(&x, 2) ? 1 : -1)};
		}
		print_transition(&tr);
		char *again = tamed(json_dumps(doc, JSON_COMPACT));

		cr_assert_str_eq(text, again);
		free(again);
		const json_t *al = json_object_get(doc, "alarm");
		check_text(al, "reason_text", tr.alarm.reason_text);
		check_text(al, "proposed_repair_action", tr.alarm.repair);
		check_text(al, "acked_by", tr.alarm.acked_by);
		cr_assert_eq(json_integer_value(json_object_get(json_object_get(doc, "cause"), "offset")),
			     tr.cause.offset);
		while (n > 0)
			free(kept[--n]);
	}
}

Test(alarm_json, of_equal_attribute_names_the_last_counts)
{
	struct alarm al = sample();

	al.attrs[0] = (struct attr){"a", "first", 0};
	al.attrs[1] = (struct attr){"b", NULL, -5};
	al.attrs[2] = (struct attr){"a", NULL, INT64_MIN};
	al.attrs[3] = (struct attr){"\xff", "malformed", 0};
	al.n_attrs = 4;
	print_alarm(&al);
	cr_assert_not_null(strstr(text, "\"attributes\":{\"a\":-9223372036854775808,\"b\":-5}"));
}
