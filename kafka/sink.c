/*
 * sink: the producer behind the outbox. Knows delivery, not order or retry: those are the
 * outbox's. A report of failure means "unknown", never "not sent", so after one the producer is
 * thrown away with all it holds and everything since the last acknowledged transition is offered
 * again; readers drop duplicates by ce_id.
 */
#include "kafka/conf_priv.h"
#include "kafka/sink_priv.h"
#include "kafka/stats_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_EVENTS 64
#define Q_AGAIN_S 5
#define DOWN_SAMPLES 3
#define CLOSE_WAIT_MS 100
#define CLOSE_WAITS 30

static const uint64_t one = 1;

static void
no_notice(void *ctx, enum kafka_notice what, const char *topic, int32_t part, const char *text)
{
	(void)ctx, (void)what, (void)topic, (void)part, (void)text;
}

/* ---- producer ---------------------------------------------------------------------------- */

static int
producer_open(struct kafka_sink *ks, struct fm_err *err)
{
	int r = client_new(rd_kafka_conf_dup(ks->conf), CONF_PRODUCER, &ks->rk, err);
	if (r < 0)
		return r;
	ks->events = rd_kafka_queue_get_main(ks->rk);
	rd_kafka_queue_io_event_enable(ks->events, ks->fd, &one, sizeof(one));
	return 0;
}

static void
producer_close(struct kafka_sink *ks)
{
	if (ks->rk == NULL)
		return;
	rd_kafka_purge(ks->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
		       RD_KAFKA_PURGE_F_NON_BLOCKING);
	rd_kafka_queue_io_event_enable(ks->events, -1, NULL, 0);
	rd_kafka_queue_destroy(ks->events);
	rd_kafka_destroy(ks->rk);
	ks->rk = NULL;
	ks->events = NULL;
}

static void
forget_window(struct kafka_sink *ks)
{
	ks->head = ks->tail;
	ks->bytes = 0;
}

/* Should no new producer come up now, the next poll tries again. */
static void
start_over(struct kafka_sink *ks)
{
	producer_close(ks);
	forget_window(ks);
	ks->failed = false;
	struct fm_err err;
	if (producer_open(ks, &err) == 0)
		quarantine_new_producer(ks);
	else
		ks->notice(ks->ctx, KAFKA_WARNING, NULL, -1, err.msg);
}

static void
fail(struct kafka_sink *ks, const char *why)
{
	if (!ks->failed)
		snprintf(ks->why, sizeof(ks->why), "%s", why);
	ks->failed = true;
}

/* ---- delivery reports -------------------------------------------------------------------- */

static struct ticket *
window_slot(struct kafka_sink *ks, uint64_t i)
{
	return &ks->window[i % WINDOW];
}

/* Everything up to the first one still awaited is delivered. */
static void
pop_delivered(struct kafka_sink *ks)
{
	uint64_t acked = 0;
	while (ks->head < ks->tail && window_slot(ks, ks->head)->awaited == 0) {
		const struct ticket *t = window_slot(ks, ks->head++);
		ks->bytes -= t->bytes;
		if (t->seq != 0)
			acked = t->seq;
	}
	if (acked != 0)
		outbox_acked(&ks->sink, acked);
	if (ks->was_full && ks->tail - ks->head < WINDOW / 2 && ks->bytes < WINDOW_BYTES / 2) {
		ks->was_full = false;
		outbox_ready(&ks->sink);
	}
}

static void
say_up(struct kafka_sink *ks)
{
	ks->down_samples = 0;
	ks->said_down = false;
	if (!ks->said_up)
		ks->notice(ks->ctx, KAFKA_REACHABLE, NULL, -1, "a broker takes records");
	ks->said_up = true;
}

static void
say_down(struct kafka_sink *ks, const char *why)
{
	ks->said_up = false;
	if (!ks->said_down)
		ks->notice(ks->ctx, KAFKA_UNREACHABLE, NULL, -1, why);
	ks->said_down = true;
}

static void
on_report(struct kafka_sink *ks, const rd_kafka_message_t *m)
{
	struct ticket *t = m->_private;
	bool ok = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (ok)
		say_up(ks);
	switch (t->kind) {
	case TICKET_TRANSITION:
		if (ok)
			t->awaited--;
		else
			fail(ks, rd_kafka_err2str(m->err));
		break;
	case TICKET_QUARANTINE:
		if (ok)
			quarantine_delivered(ks, t);
		else
			quarantine_failed(ks, t, m->err);
		break;
	}
}

static void
on_reports(struct kafka_sink *ks, rd_kafka_event_t *ev)
{
	const rd_kafka_message_t *m;
	while ((m = rd_kafka_event_message_next(ev)) != NULL)
		on_report(ks, m);
}

/* ---- other events ------------------------------------------------------------------------ */

static void
on_topic_stats(struct kafka_sink *ks, struct out_topic *t, const struct stats *st)
{
	bool exists = stats_topic_exists(st, t->name);
	if (exists && t->missing)
		ks->notice(ks->ctx, KAFKA_TOPIC_FOUND, t->name, -1, "records are delivered again");
	else if (!exists && !t->missing)
		ks->notice(ks->ctx, KAFKA_TOPIC_MISSING, t->name, -1, "records are kept until it is made");
	t->missing = !exists;
}

/* A topic is looked up only once something was produced to it. */
static void
on_stats(struct kafka_sink *ks, const char *json)
{
	struct stats *st = stats_parse(json, strlen(json));
	if (st == NULL)
		return;
	bool up = stats_any_up(st);
	for (int i = 0; up && i < OUT_N; i++)
		if (stats_topic_known(st, ks->out[i].name))
			on_topic_stats(ks, &ks->out[i], st);
	stats_free(st);
	if (up)
		say_up(ks);
	else if (++ks->down_samples >= DOWN_SAMPLES)
		say_down(ks, "no broker answers");
}

static void
on_error(struct kafka_sink *ks, rd_kafka_event_t *ev)
{
	const char *text = rd_kafka_event_error_string(ev);
	const rd_kafka_resp_err_t error = rd_kafka_event_error(ev);
	switch ((int)error) {
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		say_down(ks, text);
		break;
	case RD_KAFKA_RESP_ERR__FATAL:
		ks->notice(ks->ctx, KAFKA_FATAL, NULL, -1, text);
		fail(ks, text);
		break;
	default:
		ks->notice(ks->ctx, conf_error_kind(error, text), NULL, -1, text);
		break;
	}
}

static void
on_log(struct kafka_sink *ks, rd_kafka_event_t *ev)
{
	const char *fac, *text;
	int level;
	if (rd_kafka_event_log(ev, &fac, &text, &level) == 0)
		ks->notice(ks->ctx, KAFKA_INFO, NULL, -1, text);
}

static void
on_event(struct kafka_sink *ks, rd_kafka_event_t *ev)
{
	switch (rd_kafka_event_type(ev)) {
	case RD_KAFKA_EVENT_DR:
		on_reports(ks, ev);
		break;
	case RD_KAFKA_EVENT_STATS:
		on_stats(ks, rd_kafka_event_stats(ev));
		break;
	case RD_KAFKA_EVENT_ERROR:
		on_error(ks, ev);
		break;
	case RD_KAFKA_EVENT_LOG:
		on_log(ks, ev);
		break;
	}
}

/* Returns false when nothing came within wait_ms. */
static bool
serve_one(struct kafka_sink *ks, int wait_ms)
{
	rd_kafka_event_t *ev = rd_kafka_queue_poll(ks->events, wait_ms);
	if (ev == NULL)
		return false;
	on_event(ks, ev);
	rd_kafka_event_destroy(ev);
	return true;
}

/*
 * When the bound is reached the descriptor is made readable again, since what is left in a
 * non-empty queue would not do so.
 */
static void
serve(struct kafka_sink *ks)
{
	uint64_t n;
	ssize_t r = read(ks->fd, &n, sizeof(n));
	for (int i = 0; i < MAX_EVENTS; i++)
		if (!serve_one(ks, 0))
			return;
	r = write(ks->fd, &one, sizeof(one));
	(void)r;
}

void
kafka_sink_poll(struct kafka_sink *ks, struct fm_time now)
{
	if (ks->rk == NULL)
		start_over(ks);
	if (ks->rk == NULL)
		return;
	serve(ks);
	pop_delivered(ks);
	if (ks->failed) {
		start_over(ks);
		outbox_failed(&ks->sink, now, ks->why);
	}
	if (fm_time_before(now, ks->q_again_at) || ks->rk == NULL)
		return;
	ks->q_again_at = fm_time_add(now, fm_span_s(Q_AGAIN_S));
	quarantine_again(ks);
}

/* ---- the outbox's operations ------------------------------------------------------------- */

static struct kafka_sink *
of_sink(struct sink *s)
{
	return (struct kafka_sink *)(void *)s;  /* its first member */
}

static int
hand_over(struct kafka_sink *ks, const struct stored_transition *tr, struct ticket *t)
{
	int r = message_transition(ks, tr, t);
	if (r == 0 && message_changes_alarm(tr))
		r = message_alarm(ks, tr, t);
	return r;
}

static int
ks_offer(struct sink *s, const struct stored_transition *tr)
{
	struct kafka_sink *ks = of_sink(s);
	if (ks->rk == NULL || ks->failed || ks->tail - ks->head == WINDOW ||
	    ks->bytes >= WINDOW_BYTES) {
		ks->was_full = true;
		return -EAGAIN;
	}
	struct ticket *t = window_slot(ks, ks->tail);
	*t = (struct ticket){
		.kind = TICKET_TRANSITION, .seq = tr->seq, .bytes = (uint32_t)(tr->len * 2),
	};
	int r = hand_over(ks, tr, t);
	if (r < 0)
		t->seq = 0;
	/* When only the first of two went out, its report still needs its ticket. */
	if (r == 0 || t->awaited > 0) {
		ks->tail++;
		ks->bytes += t->bytes;
	}
	if (r == -EAGAIN)
		ks->was_full = true;
	return r;
}

static void
ks_reset(struct sink *s)
{
	struct kafka_sink *ks = of_sink(s);
	if (ks->head != ks->tail || ks->failed)
		start_over(ks);
}

static void
sink_free(struct kafka_sink *ks)
{
	producer_close(ks);
	quarantine_free(ks);
	if (ks->conf != NULL)
		rd_kafka_conf_destroy(ks->conf);
	for (int i = 0; i < OUT_N; i++)
		free(ks->out[i].name);
	free(ks->stream);
	free(ks->source);
	if (ks->fd >= 0)
		close(ks->fd);
	free(ks);
}

static void
ks_close(struct sink *s)
{
	struct kafka_sink *ks = of_sink(s);
	for (int waits = 0; ks->rk != NULL && !ks->failed && waits < CLOSE_WAITS &&
	     rd_kafka_outq_len(ks->rk) > 0;)
		waits += !serve_one(ks, CLOSE_WAIT_MS);
	if (ks->sink.outbox != NULL)
		pop_delivered(ks);
	sink_free(ks);
}

static const char *
ks_state(struct sink *s)
{
	const struct kafka_sink *ks = of_sink(s);
	for (int i = 0; i < OUT_N; i++)
		if (ks->out[i].missing)
			return "waiting for a topic";
	if (ks->said_down)
		return "no broker reachable";
	return ks->said_up ? "connected" : "connecting";
}

static const struct sink_ops ops = {
	.offer = ks_offer, .reset = ks_reset, .close = ks_close, .state = ks_state,
};

/* ---- life -------------------------------------------------------------------------------- */

int
kafka_sink_new(const struct kafka_sink_options *opt, struct kafka_sink **ret, struct fm_err *err)
{
	struct kafka_sink *ks = fm_calloc(1, sizeof(*ks));
	ks->sink.ops = &ops;
	ks->sink.name = "kafka";
	ks->stream = fm_strdup(opt->stream);
	ks->source = fm_strdup(opt->source);
	ks->notice = opt->notice != NULL ? opt->notice : no_notice;
	ks->ctx = opt->ctx;
	ks->out[OUT_ALARMS].name = fm_strdup(opt->alarms_topic);
	ks->out[OUT_TRANSITIONS].name = fm_strdup(opt->transitions_topic);
	ks->out[OUT_QUARANTINE].name = fm_strdup(opt->quarantine_topic);
	ks->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	int r = ks->fd < 0 ? fm_fail(err, -errno, "kafka: eventfd: %m") : 0;
	if (r == 0)
		r = conf_build(&opt->conf, CONF_PRODUCER, &ks->conf, err);
	if (r == 0)
		r = producer_open(ks, err);
	if (r < 0) {
		sink_free(ks);
		return r;
	}
	*ret = ks;
	return 0;
}

int
kafka_sink_fd(const struct kafka_sink *ks)
{
	return ks->fd;
}

struct sink *
kafka_sink_as_sink(struct kafka_sink *ks)
{
	return &ks->sink;
}
