/* The sink, against the embedded broker and an outbox that only remembers what it was told. */
#include "tests/unit/kafka/rig.h"

#include <unistd.h>

#define ALARMS "fm.alarms"
#define TRANSITIONS "fm.transitions"
#define QUARANTINE "fm.quarantine"

static const char *const out_topics[] = {ALARMS, TRANSITIONS, QUARANTINE};

struct outbox {
	uint64_t acked;
	unsigned ready, failed;
	char why[128];
};

void
outbox_acked(struct sink *s, uint64_t seq)
{
	cr_assert_gt(seq, s->outbox->acked, "acks only grow");
	s->outbox->acked = seq;
}

void
outbox_ready(struct sink *s)
{
	s->outbox->ready++;
}

void
outbox_failed(struct sink *s, struct fm_time now, const char *why)
{
	(void)now;
	s->outbox->failed++;
	snprintf(s->outbox->why, sizeof(s->outbox->why), "%s", why);
	s->ops->reset(s);
}

struct sink_rig {
	struct rig rig;
	struct outbox ob;
	struct kafka_sink *ks;
	struct sink *sink;
};

static void
open_sink(struct sink_rig *r, const struct kafka_setting *settings, unsigned n)
{
	if (r->rig.broker == NULL)
		rig_start(&r->rig, out_topics, 3, 1);
	struct kafka_sink_options opt = {
		.conf = {.brokers = kafka_broker_address(r->rig.broker), .client_id = "t",
			 .settings = settings, .n_settings = n},
		.alarms_topic = ALARMS, .transitions_topic = TRANSITIONS,
		.quarantine_topic = QUARANTINE, .stream = "s1", .source = "fmd/h/s1",
		.notice = rig_notice, .ctx = &r->rig,
	};
	struct fm_err err;
	cr_assert_eq(kafka_sink_new(&opt, &r->ks, &err), 0, "%s", err.msg);
	r->sink = kafka_sink_as_sink(r->ks);
	r->sink->outbox = &r->ob;
}

static void
stop(struct sink_rig *r)
{
	r->sink->ops->close(r->sink);
	rig_stop(&r->rig);
}

static int
offer(struct sink_rig *r, uint64_t seq, enum transition_kind kind)
{
	char json[128];
	int n = snprintf(json, sizeof(json), "{\"seq\":%d,\"alarm\":{\"n\":%d}}", (int)seq, (int)seq);
	struct stored_transition tr = {
		.seq = seq, .kind = kind, .at = {1700000000LL * FM_NS_PER_S}, .alarm_id = "700.001",
		.entity = "instance=i1", .json = json, .len = (size_t)n,
		.alarm_len = strlen(strstr(json, "{\"n\"")) - 1,
	};
	return r->sink->ops->offer(r->sink, &tr);
}

#define POLL_UNTIL(r, cond) \
	do { \
		for (int i_ = 0; i_ < RIG_WAITS && !(cond); i_++) { \
			rig_wait(kafka_sink_fd((r)->ks)); \
			kafka_sink_poll((r)->ks, rig_clock()); \
		} \
		cr_assert(cond); \
	} while (0)

/* Reads one topic from its beginning with a client that is not fmd's. */
struct reader {
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
};

static struct reader
reader_open(struct sink_rig *r, const char *topic)
{
	struct reader rd = {.rk = rig_client(&r->rig, RD_KAFKA_CONSUMER)};
	rd.topic = rd_kafka_topic_new(rd.rk, topic, NULL);
	cr_assert_eq(rd_kafka_consume_start(rd.topic, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
	return rd;
}

static rd_kafka_message_t *
reader_next(struct reader *rd)
{
	for (int i = 0; i < RIG_WAITS / 10; i++) {
		rd_kafka_message_t *m = rd_kafka_consume(rd->topic, 0, 100);
		if (m != NULL && m->err == 0)
			return m;
		if (m != NULL)
			rd_kafka_message_destroy(m);
	}
	cr_assert_fail("no record in time");
	return NULL;
}

static void
reader_close(struct reader *rd)
{
	rd_kafka_consume_stop(rd->topic, 0);
	rd_kafka_topic_destroy(rd->topic);
	rd_kafka_destroy(rd->rk);
}

static void
assert_header(const rd_kafka_message_t *m, const char *name, const char *want)
{
	rd_kafka_headers_t *h;
	const void *v;
	size_t len;
	cr_assert_eq(rd_kafka_message_headers(m, &h), 0);
	cr_assert_eq(rd_kafka_header_get_last(h, name, &v, &len), 0, "no header %s", name);
	cr_assert_eq(len, strlen(want), "%s is %.*s", name, (int)len, (const char *)v);
	cr_assert_arr_eq(v, want, len);
}

static void
assert_next(struct reader *rd, const char *key, const char *value, const char *type, const char *id)
{
	rd_kafka_message_t *m = reader_next(rd);
	cr_assert_eq(m->key_len, strlen(key), "key %.*s", (int)m->key_len, (const char *)m->key);
	cr_assert_arr_eq(m->key, key, m->key_len);
	if (value == NULL) {
		cr_assert_null(m->payload);
	} else {
		cr_assert_eq(m->len, strlen(value), "value %.*s", (int)m->len, (char *)m->payload);
		cr_assert_arr_eq(m->payload, value, m->len);
	}
	assert_header(m, "ce_type", type);
	assert_header(m, "ce_id", id);
	rd_kafka_message_destroy(m);
}

/* ---- form -------------------------------------------------------------------------------- */

Test(sink, a_transition_goes_to_both_topics_and_a_purge_is_a_tombstone)
{
	static const char key[] = "700.001|instance=i1";
	struct sink_rig r = {0};
	open_sink(&r, NULL, 0);
	cr_assert_eq(offer(&r, 1, TR_RAISE), 0);
	cr_assert_eq(offer(&r, 2, TR_HEARTBEAT), 0);
	cr_assert_eq(offer(&r, 3, TR_LOG), 0);
	cr_assert_eq(offer(&r, 4, TR_PURGE), 0);
	POLL_UNTIL(&r, r.ob.acked == 4);

	struct reader rd = reader_open(&r, TRANSITIONS);
	assert_next(&rd, key, "{\"seq\":1,\"alarm\":{\"n\":1}}", "fm.transition.raise", "s1/1");
	assert_next(&rd, key, "{\"seq\":2,\"alarm\":{\"n\":2}}", "fm.transition.heartbeat", "s1/2");
	assert_next(&rd, key, "{\"seq\":3,\"alarm\":{\"n\":3}}", "fm.transition.log", "s1/3");
	assert_next(&rd, key, "{\"seq\":4,\"alarm\":{\"n\":4}}", "fm.transition.purge", "s1/4");
	reader_close(&rd);
	rd = reader_open(&r, ALARMS);
	assert_next(&rd, key, "{\"n\":1}", "fm.alarm.raise", "s1/1");
	assert_next(&rd, key, NULL, "fm.alarm.purge", "s1/4");
	reader_close(&rd);
	stop(&r);
}

Test(sink, headers_follow_the_cloudevents_binding)
{
	struct sink_rig r = {0};
	open_sink(&r, NULL, 0);
	cr_assert_eq(offer(&r, 7, TR_CLEAR), 0);
	POLL_UNTIL(&r, r.ob.acked == 7);

	struct reader rd = reader_open(&r, ALARMS);
	rd_kafka_message_t *m = reader_next(&rd);
	assert_header(m, "ce_specversion", "1.0");
	assert_header(m, "ce_source", "fmd/h/s1");
	assert_header(m, "ce_subject", "700.001|instance=i1");
	assert_header(m, "ce_time", "2023-11-14T22:13:20.000000Z");
	assert_header(m, "content-type", "application/json");
	rd_kafka_message_destroy(m);
	reader_close(&rd);
	stop(&r);
}

/* ---- delivery ---------------------------------------------------------------------------- */

Test(sink, a_full_window_refuses_and_says_when_there_is_room)
{
	struct sink_rig r = {0};
	uint64_t seq = 0;
	int code = 0;
	rig_start(&r.rig, out_topics, 3, 1);
	kafka_broker_set_up(r.rig.broker, false);
	open_sink(&r, NULL, 0);
	while ((code = offer(&r, seq + 1, TR_RAISE)) == 0)
		seq++;
	cr_assert_eq(code, -EAGAIN);
	cr_assert_geq(seq, 1000);
	cr_assert_lt(seq, 20000);
	cr_assert_eq(r.ob.ready, 0);

	kafka_broker_set_up(r.rig.broker, true);
	POLL_UNTIL(&r, r.ob.acked == seq);
	cr_assert_eq(r.ob.ready, 1);
	cr_assert_eq(r.ob.failed, 0);
	cr_assert_eq(offer(&r, seq + 1, TR_RAISE), 0);
	POLL_UNTIL(&r, r.ob.acked == seq + 1);
	stop(&r);
}

Test(sink, a_broker_that_goes_and_comes_loses_nothing)
{
	struct sink_rig r = {0};
	open_sink(&r, NULL, 0);
	cr_assert_eq(offer(&r, 1, TR_RAISE), 0);
	POLL_UNTIL(&r, r.ob.acked == 1);

	kafka_broker_set_up(r.rig.broker, false);
	for (uint64_t seq = 2; seq <= 200; seq++)
		cr_assert_eq(offer(&r, seq, TR_LOG), 0);
	POLL_UNTIL(&r, r.rig.notices[KAFKA_UNREACHABLE] == 1);
	cr_assert_str_eq(r.sink->ops->state(r.sink), "no broker reachable");
	cr_assert_eq(r.ob.acked, 1);

	kafka_broker_set_up(r.rig.broker, true);
	POLL_UNTIL(&r, r.ob.acked == 200);
	cr_assert_str_eq(r.sink->ops->state(r.sink), "connected");
	stop(&r);
}

Test(sink, after_a_failed_delivery_it_starts_over_behind_the_acked_one)
{
	static const struct kafka_setting hurry = {"message.timeout.ms", "3000"};
	struct sink_rig r = {0};
	open_sink(&r, &hurry, 1);
	cr_assert_eq(offer(&r, 1, TR_LOG), 0);
	POLL_UNTIL(&r, r.ob.acked == 1);

	kafka_broker_set_up(r.rig.broker, false);
	cr_assert_eq(offer(&r, 2, TR_LOG), 0);
	cr_assert_eq(offer(&r, 3, TR_LOG), 0);
	POLL_UNTIL(&r, r.ob.failed > 0);
	cr_assert_eq(r.ob.acked, 1);
	cr_assert_neq(r.ob.why[0], '\0');

	kafka_broker_set_up(r.rig.broker, true);
	for (int i = 0; i < RIG_WAITS && r.ob.acked < 3; i++) {
		unsigned failed = r.ob.failed;
		cr_assert_eq(offer(&r, 2, TR_LOG), 0);
		cr_assert_eq(offer(&r, 3, TR_LOG), 0);
		POLL_UNTIL(&r, r.ob.failed > failed || r.ob.acked == 3);
	}
	cr_assert_eq(r.ob.acked, 3);
	stop(&r);
}

Test(sink, reset_forgets_what_is_in_flight)
{
	struct sink_rig r = {0};
	rig_start(&r.rig, out_topics, 3, 1);
	kafka_broker_set_up(r.rig.broker, false);
	open_sink(&r, NULL, 0);
	for (uint64_t seq = 1; seq <= 50; seq++)
		cr_assert_eq(offer(&r, seq, TR_LOG), 0);
	r.sink->ops->reset(r.sink);
	kafka_broker_set_up(r.rig.broker, true);
	cr_assert_eq(offer(&r, 1, TR_LOG), 0);
	POLL_UNTIL(&r, r.ob.acked == 1);

	struct reader rd = reader_open(&r, TRANSITIONS);
	assert_next(&rd, "700.001|instance=i1", "{\"seq\":1,\"alarm\":{\"n\":1}}", "fm.transition.log",
		    "s1/1");
	int64_t low, high;
	cr_assert_eq(rd_kafka_query_watermark_offsets(rd.rk, TRANSITIONS, 0, &low, &high, 10000), 0);
	cr_assert_eq(high, 1, "what was forgotten was delivered");
	reader_close(&rd);
	stop(&r);
}

Test(sink, a_missing_topic_is_waited_for_and_nothing_is_lost)
{
	struct sink_rig r = {0};
	rig_start(&r.rig, out_topics, 3, 1);
	kafka_broker_hide_topic(r.rig.broker, ALARMS, true);
	open_sink(&r, NULL, 0);
	for (uint64_t seq = 1; seq <= 20; seq++)
		cr_assert_eq(offer(&r, seq, TR_RAISE), 0);
	POLL_UNTIL(&r, r.rig.notices[KAFKA_TOPIC_MISSING] == 1);
	cr_assert_str_eq(r.rig.last_topic, ALARMS);
	cr_assert_eq(r.ob.acked, 0);
	cr_assert_str_eq(r.sink->ops->state(r.sink), "waiting for a topic");

	kafka_broker_hide_topic(r.rig.broker, ALARMS, false);
	POLL_UNTIL(&r, r.ob.acked == 20);
	POLL_UNTIL(&r, r.rig.notices[KAFKA_TOPIC_FOUND] == 1);
	cr_assert_eq(r.ob.failed, 0);
	stop(&r);
}

Test(sink, close_waits_for_what_is_in_flight)
{
	struct sink_rig r = {0};
	open_sink(&r, NULL, 0);
	for (uint64_t seq = 1; seq <= 500; seq++)
		cr_assert_eq(offer(&r, seq, TR_LOG), 0);
	r.sink->ops->close(r.sink);
	cr_assert_eq(r.ob.acked, 500);
	rig_stop(&r.rig);
}

/* ---- quarantine -------------------------------------------------------------------------- */

static int
quarantine(struct sink_rig *r, uint64_t id)
{
	struct store_quarantine q = {
		.id = id, .topic = "in", .partition = 2, .offset = 40 + (int64_t)id,
		.at = {1700000000LL * FM_NS_PER_S}, .reason = "not JSON", .body = "\0\xff", .len = 2,
		.full_len = 99,
	};
	return kafka_sink_quarantine(r->ks, &q);
}

Test(sink, a_quarantined_record_keeps_its_bytes_and_says_where_it_came_from)
{
	struct sink_rig r = {0};
	open_sink(&r, NULL, 0);
	kafka_sink_quarantine_start(r.ks, 3);
	cr_assert_eq(kafka_sink_quarantine_acked(r.ks), 3);
	cr_assert_eq(quarantine(&r, 4), 0);
	cr_assert_eq(quarantine(&r, 5), 0);
	POLL_UNTIL(&r, kafka_sink_quarantine_acked(r.ks) == 5);

	struct reader rd = reader_open(&r, QUARANTINE);
	rd_kafka_message_t *m = reader_next(&rd);
	cr_assert_eq(m->len, 2);
	cr_assert_arr_eq(m->payload, "\0\xff", 2);
	assert_header(m, "ce_type", "fm.quarantine");
	assert_header(m, "ce_id", "s1/quarantine/4");
	assert_header(m, "fm_topic", "in");
	assert_header(m, "fm_partition", "2");
	assert_header(m, "fm_offset", "44");
	assert_header(m, "fm_length", "99");
	assert_header(m, "fm_reason", "not JSON");
	rd_kafka_message_destroy(m);
	reader_close(&rd);
	stop(&r);
}

Test(sink, the_quarantine_window_is_bounded_and_survives_a_new_producer)
{
	struct sink_rig r = {0};
	uint64_t id = 0;
	rig_start(&r.rig, out_topics, 3, 1);
	kafka_broker_set_up(r.rig.broker, false);
	open_sink(&r, NULL, 0);
	while (quarantine(&r, id + 1) == 0 && id < 1000)
		id++;
	cr_assert_eq(id, 64);
	cr_assert_eq(offer(&r, 1, TR_LOG), 0);
	r.sink->ops->reset(r.sink);             /* a new producer */

	kafka_broker_set_up(r.rig.broker, true);
	POLL_UNTIL(&r, kafka_sink_quarantine_acked(r.ks) == id);
	stop(&r);
}

Test(sink, quarantine_start_forgets_what_was_taken)
{
	struct sink_rig r = {0};
	rig_start(&r.rig, out_topics, 3, 1);
	kafka_broker_set_up(r.rig.broker, false);
	open_sink(&r, NULL, 0);
	cr_assert_eq(quarantine(&r, 1), 0);
	kafka_sink_quarantine_start(r.ks, 0);
	kafka_broker_set_up(r.rig.broker, true);
	cr_assert_eq(quarantine(&r, 1), 0);
	cr_assert_eq(quarantine(&r, 2), 0);
	POLL_UNTIL(&r, kafka_sink_quarantine_acked(r.ks) == 2);
	stop(&r);
}
