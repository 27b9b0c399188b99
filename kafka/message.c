/*
 * message: the form of what fmd produces (INTERFACES: CloudEvents 1.0 Kafka binding, binary mode).
 * Bytes depend on the transition alone, so a duplicate is identical to its first copy.
 *
 * rd_kafka_producev() and never produceva(), which crashes in librdkafka 2.0.2 when the partition
 * is unknown.
 */
#include "kafka/sink_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_HEADERS 16

static void
add_header(rd_kafka_headers_t *h, const char *name, const char *value)
{
	rd_kafka_header_add(h, name, -1, value, -1);
}

static rd_kafka_headers_t *
cloud_event(const struct kafka_sink *ks, const char *id, const char *type, const char *kind,
	    const char *subject, struct fm_time at, const char *content_type)
{
	char full_type[64], when[FM_TIME_STR];
	snprintf(full_type, sizeof(full_type), "%s%s", type, kind);

	rd_kafka_headers_t *h = rd_kafka_headers_new(MAX_HEADERS);
	add_header(h, "ce_specversion", "1.0");
	add_header(h, "ce_id", id);
	add_header(h, "ce_source", ks->source);
	add_header(h, "ce_type", full_type);
	add_header(h, "ce_subject", subject);
	add_header(h, "ce_time", fm_time_format(at, when));
	add_header(h, "content-type", content_type);
	return h;
}

struct wire {
	const char *topic, *key;
	const void *value;              /* NULL: a tombstone */
	size_t len;
};

static int
produce(struct kafka_sink *ks, const struct wire *w, rd_kafka_headers_t *headers,
	struct ticket *t)
{
	rd_kafka_resp_err_t code = rd_kafka_producev(ks->rk,
		RD_KAFKA_V_TOPIC(w->topic),
		RD_KAFKA_V_KEY((void *)(uintptr_t)w->key, strlen(w->key)),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)w->value, w->len),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_HEADERS(headers),
		RD_KAFKA_V_OPAQUE(t),
		RD_KAFKA_V_END);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
		t->awaited++;
		return 0;
	}
	rd_kafka_headers_destroy(headers);
	return code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? -EAGAIN : -EIO;
}

/*
 * By its own record: after a copy has taken the database's place, what is left of the old stream is
 * still told as the old stream's.
 */
static const char *
stream_of(const struct kafka_sink *ks, const struct stored_transition *tr, char ret[FM_UUID_STR])
{
	static const char member[] = "\"stream\":\"";
	const size_t head = tr->len < 128 ? tr->len : 128;
	const char *at = memmem(tr->json, head, member, sizeof(member) - 1);

	if (at == NULL || head - (size_t)(at - tr->json) < sizeof(member) - 1 + FM_UUID_STR)
		return ks->stream;
	memcpy(ret, at + sizeof(member) - 1, FM_UUID_STR - 1);
	ret[FM_UUID_STR - 1] = '\0';
	return ret;
}

static int
produce_transition(struct kafka_sink *ks, const struct stored_transition *tr, const char *type,
		   struct wire *w, struct ticket *t)
{
	char id[96], stream[FM_UUID_STR];
	char *key = fm_asprintf("%s|%s", tr->alarm_id != NULL ? tr->alarm_id : "",
				tr->entity != NULL ? tr->entity : "");
	snprintf(id, sizeof(id), "%s/%llu", stream_of(ks, tr, stream),
		 (unsigned long long)tr->seq);
	w->key = key;
	rd_kafka_headers_t *h = cloud_event(ks, id, type, transition_kind_name(tr->kind), key, tr->at,
					    "application/json");
	int r = produce(ks, w, h, t);
	free(key);
	return r;
}

int
message_transition(struct kafka_sink *ks, const struct stored_transition *tr, struct ticket *t)
{
	struct wire w = {.topic = ks->out[OUT_TRANSITIONS].name, .value = tr->json, .len = tr->len};
	return produce_transition(ks, tr, "fm.transition.", &w, t);
}

int
message_alarm(struct kafka_sink *ks, const struct stored_transition *tr, struct ticket *t)
{
	struct wire w = {.topic = ks->out[OUT_ALARMS].name};
	if (tr->kind != TR_PURGE) {
		/* The alarm is the record's last member: its text ends before the last brace. */
		fm_assert(tr->len > tr->alarm_len);
		w.value = tr->json + (tr->len - 1 - tr->alarm_len);
		w.len = tr->alarm_len;
	}
	return produce_transition(ks, tr, "fm.alarm.", &w, t);
}

bool
message_changes_alarm(const struct stored_transition *tr)
{
	switch (tr->kind) {
	case TR_RAISE:
	case TR_CHANGE:
	case TR_CLEAR:
	case TR_ACK:
	case TR_UNACK:
	case TR_SHELVE:
	case TR_UNSHELVE:
	case TR_SUPPRESS:
	case TR_UNSUPPRESS:
	case TR_PURGE:
		return true;
	case TR_LOG:
	case TR_GAP:
	case TR_LIST_REBUILT:
	case TR_HEARTBEAT:
	case TR_N_KINDS:
		return false;
	}
	return false;
}

int
message_quarantine(struct kafka_sink *ks, const struct store_quarantine *q, struct ticket *t)
{
	char id[96], number[32];
	char *key = fm_asprintf("%s/%d/%lld", q->topic, q->partition, (long long)q->offset);
	snprintf(id, sizeof(id), "%s/quarantine/%llu", ks->stream, (unsigned long long)q->id);
	rd_kafka_headers_t *h = cloud_event(ks, id, "fm.quarantine", "", key, q->at,
					    "application/octet-stream");
	add_header(h, "fm_topic", q->topic);
	snprintf(number, sizeof(number), "%d", q->partition);
	add_header(h, "fm_partition", number);
	snprintf(number, sizeof(number), "%lld", (long long)q->offset);
	add_header(h, "fm_offset", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)q->full_len);
	add_header(h, "fm_length", number);
	add_header(h, "fm_reason", q->reason != NULL ? q->reason : "");

	struct wire w = {.topic = ks->out[OUT_QUARANTINE].name, .key = key,
			 .value = q->body != NULL ? q->body : "", .len = q->len};
	int r = produce(ks, &w, h, t);
	free(key);
	return r;
}
