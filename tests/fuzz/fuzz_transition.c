/*
 * fuzz_transition: an alarm and a transition with any bytes in their texts, in their JSON form (with
 * jansson as the second opinion) and as what a manager is sent. The JSON is one line, valid, UTF-8,
 * and gives back what went in; no notification is larger than one that is never fragmented.
 *
 * LINK: fm_snmp fm_alarm_json dep_jansson dep_netsnmp
 */
#include <jansson.h>

#include "alarm/alarm_json.h"
#include "snmp/fmagent_net_priv.h"
#include "tests/fuzz/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is around the varbinds of a v2c message with the longest community there may be. */
#define AROUND 320

struct texts {
	char *v[16];
	unsigned n;
};

static const char *
text(struct feed *f, struct texts *t, uint32_t max)
{
	fm_assert(t->n < FM_ARRAY_LEN(t->v));
	return t->v[t->n++] = draw_text(f, max);
}

static void
draw_alarm(struct feed *f, struct texts *t, struct alarm *al)
{
	*al = (struct alarm){.id = (uint64_t)draw_int64(f), .severity = (enum severity)draw(f, 5),
		.type = (int)draw(f, 14) - 1, .cause = (int)draw(f, 90) - 1,
		.cleared = draw(f, 2), .service_affecting = draw(f, 2),
		.suppressible = draw(f, 2), .mgmt_threshold = (enum severity)draw(f, 5),
		.degrade_threshold = (enum severity)draw(f, 5),
		.raised_at.ns = draw_int64(f) & INT64_MAX, .changed_at.ns = draw(f, 65536),
		.cleared_at.ns = draw_int64(f) & INT64_MAX, .count = draw(f, 65536),
		.oper = (enum operator_state)draw(f, 2),
		.status = (enum suppression_status)draw(f, 6), .children = draw(f, 256),
		.n_attrs = draw(f, 5), .catalogue = (uint64_t)draw_int64(f)};
	memset(al->uuid.b, (int)draw(f, 256), sizeof(al->uuid.b));
	memset(al->suppressed_by.b, (int)draw(f, 256), sizeof(al->uuid.b));
	al->alarm_id = text(f, t, FM_MAX_ALARM_ID);
	al->entity = text(f, t, FM_MAX_ENTITY);
	al->entity_type_id = draw(f, 2) ? text(f, t, 300) : NULL;
	al->reason_text = text(f, t, FM_MAX_TEXT);
	al->repair = draw(f, 2) ? text(f, t, FM_MAX_TEXT) : NULL;
	al->acked_by = draw(f, 2) ? text(f, t, 100) : NULL;
	for (unsigned i = 0; i < al->n_attrs; i++)
		al->attrs[i] = (struct attr){.name = text(f, t, 20), .num = draw_int64(f)};
	if (al->n_attrs > 0 && draw(f, 2))
		al->attrs[0].text = text(f, t, 300);
}

static void
draw_transition(struct feed *f, struct texts *t, struct transition *tr)
{
	*tr = (struct transition){.seq = draw(f, 65536),
		.kind = (enum transition_kind)draw(f, TR_N_KINDS),
		.at.ns = draw_int64(f) & INT64_MAX, .notify = draw(f, 8) != 0,
		.prev_mask = draw(f, 32), .prev_severity = (enum severity)draw(f, 5),
		.prev_status = (enum suppression_status)draw(f, 5),
		.cause = {.kind = (enum cause_kind)draw(f, 5), .partition = (int32_t)draw(f, 65536),
			.offset = draw_int64(f), .rule_line = draw(f, 65536)}};
	tr->prev_text = text(f, t, FM_MAX_TEXT);
	tr->cause.topic = draw(f, 2) ? text(f, t, 255) : NULL;
	tr->cause.event = draw(f, 2) ? text(f, t, 100) : NULL;
	tr->cause.user = draw(f, 2) ? text(f, t, 100) : NULL;
	draw_alarm(f, t, &tr->alarm);
}

/* The member is the text, its malformed bytes put right; null for NULL. */
static void
same(const json_t *o, const char *name, const char *s)
{
	const json_t *v = json_object_get(o, name);
	FM_CLEANUP(fm_buf_fini) struct fm_buf want = {0};

	if (s == NULL) {
		fm_assert(json_is_null(v));
		return;
	}
	fm_buf_adds(&want, "");
	fm_utf8_repair(&want, s, strlen(s));
	fm_assert(json_is_string(v) && json_string_length(v) == want.len);
	fm_assert(memcmp(json_string_value(v), want.s, want.len) == 0);
}

static void
check_alarm(const json_t *o, const struct alarm *al)
{
	same(o, "alarm_id", al->alarm_id);
	same(o, "entity_instance_id", al->entity);
	same(o, "entity_type_id", al->entity_type_id);
	same(o, "reason_text", al->reason_text);
	same(o, "proposed_repair_action", al->repair);
	same(o, "acked_by", al->acked_by);
	fm_assert(json_is_object(json_object_get(o, "attributes")));
	fm_assert(json_object_size(o) == 29);
}

static void
check_json(const struct transition *tr, const char *s, size_t len, size_t alarm_len)
{
	fm_assert(strlen(s) == len && strchr(s, '\n') == NULL && fm_utf8_valid(s, len));
	for (size_t i = 0; i < len; i++)
		fm_assert((unsigned char)s[i] >= 0x20);
	/* Ids from 2^63 up are no integers to jansson; the counters never get there. */
	const size_t flags = JSON_REJECT_DUPLICATES | (tr->alarm.id >> 63 ? JSON_DECODE_INT_AS_REAL : 0);
	json_t *all = json_loadb(s, len, flags, NULL);
	json_t *part = json_loadb(s + len - 1 - alarm_len, alarm_len, flags, NULL);

	fm_assert(all != NULL && part != NULL);
	fm_assert(json_equal(json_object_get(all, "alarm"), part));
	check_alarm(part, &tr->alarm);
	if (tr->cause.topic != NULL)
		same(json_object_get(all, "cause"), "topic", tr->cause.topic);
	if (tr->prev_mask & PREV_TEXT)
		same(json_object_get(all, "previous"), "reason_text", tr->prev_text);
	json_decref(part);
	json_decref(all);
}

static void
check_text(const char *s, size_t max)
{
	fm_assert(strlen(s) <= max && fm_utf8_valid(s, strlen(s)));
}

static void
check_size(struct fmagent_notice *n)
{
	const size_t most = FMAGENT_MAX_MESSAGE - AROUND;
	size_t size = 4096, len = size, offset = 0;
	u_char *buf = fm_malloc(size);

	fmagent_wrs_fit(n, most);
	netsnmp_pdu *pdu = fmagent_wrs_pdu(n, false, UINT32_MAX);

	fm_assert(pdu != NULL);
	fm_assert(snmp_pdu_realloc_rbuild(&buf, &len, &offset, pdu) == 1);
	/* The counted size is never below the encoded one but for the PDU's own head. */
	fm_assert(offset <= fmagent_wrs_size(n) + 20);
	fm_assert(fmagent_wrs_size(n) <= most);
	snmp_free_pdu(pdu);
	free(buf);
}

static void
check_notice(const struct transition *tr, const char *s, size_t len)
{
	const struct stored_transition st = {.seq = tr->seq, .kind = tr->kind,
		.notify = tr->notify, .at = tr->at, .alarm_id = tr->alarm.alarm_id,
		.entity = tr->alarm.entity, .uuid = tr->alarm.uuid, .json = s, .len = len};
	const struct fmagent_filter f = {.logs = true, .region = "r", .system = "s"};
	struct fmagent_notice n;

	if (fmagent_notice_make(&st, &f, &n) != 0)
		return;
	check_text(n.reason, FMAGENT_MAX_TEXT);
	check_text(n.repair, FMAGENT_MAX_TEXT);
	fm_assert(strlen(n.entity) <= FMAGENT_MAX_TEXT && strlen(n.alarm_id) <= FMAGENT_MAX_ID);
	check_size(&n);
}

/* The body of an outbox row as it may be read back from a damaged disk. */
static void
check_any_body(const uint8_t *data, size_t size)
{
	struct transition tr = {.kind = TR_RAISE, .notify = true,
		.alarm = {.alarm_id = "200.004", .entity = "host=a"}};

	check_notice(&tr, (const char *)data, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	struct texts t = {.n = 0};
	struct transition tr;
	size_t len, alarm_len;

	if (size > 0 && data[0] == '{')
		check_any_body(data, size);
	draw_transition(&f, &t, &tr);
	char *s = transition_to_json(&tr, "stream-1", &len, &alarm_len);

	check_json(&tr, s, len, alarm_len);
	check_notice(&tr, s, len);
	free(s);
	while (t.n > 0)
		free(t.v[--t.n]);
	return 0;
}
