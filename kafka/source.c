/*
 * source: one stream out of many partitions. The record with the smallest broker time among the
 * partitions' next ones is handed out, and a partition that has more but delivers nothing makes
 * the others wait: so the order of a backlog does not depend on the timing of fetches. Partitions
 * read to their end never make anybody wait, so the same rule serves live records at once.
 *
 * Why not two modes, and what far-future stamps do: docs/adr/0001.
 */
#include "kafka/conf_priv.h"
#include "kafka/source_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EXCUSE_AFTER_S 5
#define STALL_S 3
#define PEEK_EVERY 8            /* records */
#define MAX_EVENTS 64           /* librdkafka's own, served in one go */

void
source_notice(struct kafka_source *src, enum kafka_notice what, const char *topic, int32_t part,
	      const char *fmt, ...)
{
	if (src->notice == NULL)
		return;
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	src->notice(src->ctx, what, topic, part, text);
}

uint64_t
kafka_record_hash(const void *p, size_t len, struct fm_time ts)
{
	uint64_t h = fm_hash64(p, len, (uint64_t)ts.ns);
	return h != 0 ? h : 1;          /* 0 stands for "no hash" */
}

/* ---- events of the client ---------------------------------------------------------------- */

static void
on_error_event(struct kafka_source *src, rd_kafka_event_t *ev)
{
	const char *text = rd_kafka_event_error_string(ev);
	const rd_kafka_resp_err_t error = rd_kafka_event_error(ev);
	switch ((int)error) {
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		reach_on_all_down(src, text);
		break;
	case RD_KAFKA_RESP_ERR__FATAL:
		source_notice(src, KAFKA_FATAL, NULL, -1, "%s", text);
		break;
	default:
		source_notice(src, conf_error_kind(error, text), NULL, -1, "%s", text);
		break;
	}
}

static void
on_log_event(struct kafka_source *src, rd_kafka_event_t *ev)
{
	const char *fac, *text;
	int level;
	if (rd_kafka_event_log(ev, &fac, &text, &level) == 0)
		source_notice(src, KAFKA_INFO, NULL, -1, "%s: %s", fac, text);
}

static void
on_event(struct kafka_source *src, rd_kafka_event_t *ev)
{
	const char *json;
	switch (rd_kafka_event_type(ev)) {
	case RD_KAFKA_EVENT_STATS:
		json = rd_kafka_event_stats(ev);
		reach_on_stats(src, json, strlen(json));
		break;
	case RD_KAFKA_EVENT_ERROR:
		on_error_event(src, ev);
		break;
	case RD_KAFKA_EVENT_LOG:
		on_log_event(src, ev);
		break;
	}
}

static void
serve(struct kafka_source *src)
{
	for (int i = 0; i < MAX_EVENTS; i++) {
		rd_kafka_event_t *ev = rd_kafka_queue_poll(src->events, 0);
		if (ev == NULL)
			break;
		on_event(src, ev);
		rd_kafka_event_destroy(ev);
	}
	struct lookup_answer *a = lookup_take(src->lookup);
	if (a != NULL)
		topics_on_answer(src, a);
	lookup_answer_free(a);
	struct lookup_extents *x = lookup_take_extents(src->lookup);
	if (x != NULL)
		lost_on_answer(src, x);
	free(x);
}

/* ---- merge ------------------------------------------------------------------------------- */

static struct part *
part_of(struct fm_heap_node *node)
{
	return (struct part *)(void *)((char *)node - offsetof(struct part, node));
}

static void
fill_waiting(struct kafka_source *src)
{
	for (unsigned i = 0; src->n_waiting > 0 && i < src->n_parts; i++)
		if (src->parts[i]->waits)
			part_fill(src->parts[i]);
}

static void
fill_all(struct kafka_source *src)
{
	for (unsigned i = 0; i < src->n_parts; i++)
		if (src->parts[i]->head == NULL)
			part_fill(src->parts[i]);
}

/*
 * Now and then a look at one partition that was read to its end, so that its new records do not
 * wait behind another's long backlog.
 */
static void
peek_one(struct kafka_source *src)
{
	if (src->n_parts == 0 || src->n_records % PEEK_EVERY != 0)
		return;
	struct part *p = src->parts[src->peek++ % src->n_parts];
	if (p->head == NULL && !p->waits && rd_kafka_queue_length(p->q) > 0)
		part_fill(p);
}

static bool
ready(struct kafka_source *src)
{
	if (src->heads.n == 0)
		fill_all(src);
	else if (src->n_waiting > 0)
		fill_waiting(src);
	return src->heads.n > 0 && src->n_waiting == 0;
}

static void
drop_current(struct kafka_source *src)
{
	struct part *p = src->current;
	if (p == NULL)
		return;
	src->current = NULL;
	part_advance(p);
}

static int
hand_out(struct kafka_source *src, struct kafka_record *ret)
{
	struct part *p = part_of(fm_heap_min(&src->heads));
	const rd_kafka_message_t *m = p->head;

	src->current = p;
	src->n_records++;
	src->n_bytes += m->len;
	*ret = (struct kafka_record){
		.topic = p->topic->name, .topic_no = p->topic->no, .partition = p->no,
		.offset = m->offset, .ts = p->node.due, .p = m->payload, .len = m->len,
	};
	return 1;
}

int
kafka_source_next(struct kafka_source *src, struct kafka_record *ret)
{
	drop_current(src);
	if (!src->paused) {
		peek_one(src);
		if (ready(src))
			return hand_out(src, ret);
	}
	/* Cleared before the last look: what arrives after it makes the descriptor readable. */
	uint64_t n;
	ssize_t r = read(src->fd, &n, sizeof(n));
	(void)r;
	serve(src);
	return !src->paused && ready(src) ? hand_out(src, ret) : 0;
}

/* ---- life -------------------------------------------------------------------------------- */

static int
start(struct kafka_source *src, const struct kafka_source_options *opt, struct fm_err *err)
{
	rd_kafka_conf_t *conf;
	int r = conf_build(&opt->conf, CONF_CONSUMER, &conf, err);
	if (r == 0)
		r = client_new(conf, CONF_CONSUMER, &src->rk, err);
	if (r < 0)
		return r;
	src->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (src->fd < 0)
		return fm_fail(err, -errno, "kafka: eventfd: %m");
	static const uint64_t one = 1;
	src->events = rd_kafka_queue_get_consumer(src->rk);
	rd_kafka_queue_io_event_enable(src->events, src->fd, &one, sizeof(one));
	r = topics_new(src, opt, err);
	if (r == 0)
		r = lookup_new(src->rk, src->fd, &src->lookup, err);
	if (r == 0)
		lookup_ask(src->lookup);
	return r;
}

int
kafka_source_new(const struct kafka_source_options *opt, struct kafka_source **ret,
		 struct fm_err *err)
{
	struct kafka_source *src = fm_calloc(1, sizeof(*src));
	src->fd = -1;
	src->position = opt->position;
	src->notice = opt->notice;
	src->lost = opt->lost;
	src->held = opt->held;
	src->ctx = opt->ctx;
	src->start = opt->start;
	src->nudges = !conf_has_queue_backoff();
	int r = start(src, opt, err);
	if (r < 0) {
		kafka_source_free(src);
		return r;
	}
	*ret = src;
	return 0;
}

void
kafka_source_free(struct kafka_source *src)
{
	if (src == NULL)
		return;
	lookup_free(src->lookup);
	for (unsigned i = 0; i < src->n_parts; i++)
		part_stop(src->parts[i]);
	/* Every message, queue and topic before the client, or destroying it would wait for them. */
	topics_free(src);
	fm_heap_fini(&src->heads);
	if (src->events != NULL) {
		rd_kafka_queue_io_event_enable(src->events, -1, NULL, 0);
		rd_kafka_queue_destroy(src->events);
	}
	/* Nothing is committed and no group was joined: there is nothing to say goodbye to. */
	if (src->rk != NULL)
		rd_kafka_destroy_flags(src->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	if (src->fd >= 0)
		close(src->fd);
	free(src);
}

int
kafka_source_fd(const struct kafka_source *src)
{
	return src->fd;
}

/* ---- housekeeping ------------------------------------------------------------------------ */

static void
excuse(struct part *p, struct fm_time now)
{
	if (p->waiting_since.ns == 0)
		p->waiting_since = now;
	if (fm_time_diff(now, p->waiting_since).ns < fm_span_s(EXCUSE_AFTER_S).ns)
		return;
	p->excused = true;
	part_recount(p);
	source_notice(p->src, KAFKA_WARNING, p->topic->name, p->no, "delivers nothing for %d s while"
		      " others do: going on without it, records may come out of order", EXCUSE_AFTER_S);
}

/* A partition that cannot deliver must not hold back the rest for ever. */
static void
excuse_waiting(struct kafka_source *src, struct fm_time now)
{
	fill_waiting(src);
	if (src->heads.n == 0 || src->n_waiting == 0 || src->paused)
		return;
	for (unsigned i = 0; i < src->n_parts; i++)
		if (src->parts[i]->waits)
			excuse(src->parts[i], now);
}

/*
 * After standing still (a stopped process, a paused machine) nothing known about silence holds, and
 * a topic may have been made anew unseen.
 */
static void
notice_stall(struct kafka_source *src, struct fm_time now)
{
	int64_t gone = fm_time_diff(now, src->ticked_at).ns;
	bool stalled = src->ticked_at.ns != 0 && (gone < 0 || gone > fm_span_s(STALL_S).ns);
	src->ticked_at = now;
	if (!stalled)
		return;
	reach_forget(src);
	for (unsigned i = 0; i < src->n_parts; i++) {
		src->parts[i]->waiting_since = (struct fm_time){0};
		part_recheck(src->parts[i]);
	}
}

void
kafka_source_tick(struct kafka_source *src, struct fm_time now)
{
	/* A partition may be started anew below, which must not pull a record from under anybody. */
	drop_current(src);
	notice_stall(src, now);
	serve(src);
	topics_tick(src, now);
	lost_tick(src, now);
	excuse_waiting(src, now);
}

bool
kafka_source_caught_up(const struct kafka_source *src)
{
	if (!src->reachable || src->paused)
		return false;
	for (unsigned i = 0; i < src->n_parts; i++) {
		const struct part *p = src->parts[i];
		if (part_undecided(p))
			return false;
		if (part_active(p) && (!p->at_end || p->head != NULL || !p->heard ||
				       rd_kafka_queue_length(p->q) > 0))
			return false;
	}
	return true;
}

void
kafka_source_pause(struct kafka_source *src, bool on)
{
	static const uint64_t one = 1;
	src->paused = on;
	/* What arrived meanwhile was read off the descriptor: make the caller look again. */
	ssize_t r = on ? 0 : write(src->fd, &one, sizeof(one));
	(void)r;
}

int
kafka_source_state(const struct kafka_source *src, const char *topic, int32_t partition,
		   enum kafka_input *ret)
{
	const struct part *p = source_find_part(src, topic, partition);
	if (p == NULL)
		return -ENOENT;
	if (p->state == PART_LOST)
		*ret = KAFKA_INPUT_LOST;
	else if (p->state == PART_HELD)
		*ret = KAFKA_INPUT_HELD;
	else if (p->state == PART_PROBING || p->topic->missing || !p->heard)
		*ret = KAFKA_INPUT_WAITING;
	else
		*ret = KAFKA_INPUT_READING;
	return 0;
}

int
kafka_source_hold(struct kafka_source *src, const char *topic, int32_t partition)
{
	struct part *p = source_find_part(src, topic, partition);
	if (p == NULL || p->state == PART_LOST)
		return -ENOENT;
	drop_current(src);
	part_hold(p);
	return 0;
}

int
kafka_source_release(struct kafka_source *src, const char *topic, int32_t partition)
{
	struct part *p = source_find_part(src, topic, partition);
	if (p == NULL || p->state != PART_HELD)
		return -ENOENT;
	part_start(p, src->start);
	return 0;
}

void
kafka_source_take_starts(struct kafka_source *src, kafka_start_f *f, void *ctx)
{
	for (unsigned i = 0; i < src->n_parts; i++) {
		struct part *p = src->parts[i];
		if (!p->start_wanted || p->next < 0)
			continue;
		p->start_wanted = false;
		f(ctx, p->topic->name, p->no, p->head != NULL ? p->head->offset : p->next);
	}
}

/* -1 when the end of some partition is not known. */
static int64_t
lag_of(const struct kafka_source *src, const struct part *p)
{
	int64_t low, high, next = p->head != NULL && p != src->current ? p->head->offset : p->next;
	if (rd_kafka_get_watermark_offsets(src->rk, p->topic->name, p->no, &low, &high) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR || high < 0 || next < 0)
		return -1;
	return high > next ? high - next : 0;
}

void
kafka_source_get_stats(const struct kafka_source *src, struct kafka_source_stats *ret)
{
	struct kafka_source_stats s = {
		.records = src->n_records, .bytes = src->n_bytes, .partitions = src->n_parts,
		.reachable = src->reachable,
	};
	for (unsigned i = 0; i < src->n_topics; i++)
		s.missing_topics += src->topics[i].missing;
	for (unsigned i = 0; i < src->n_parts; i++) {
		const struct part *p = src->parts[i];
		s.caught_up += p->at_end && p->head == NULL;
		s.lost += p->state == PART_LOST;
		if (!part_active(p) || s.lag < 0)
			continue;
		int64_t lag = lag_of(src, p);
		s.lag = lag < 0 ? -1 : s.lag + lag;
	}
	*ret = s;
}
