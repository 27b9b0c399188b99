/*
 * outbox: one cursor a sink over the transition log. Knows order, retry and back-off; what a
 * delivery is, only the sink knows. Sinks share nothing but the log, so none waits for another.
 *
 *     acked <= taken <= offered <= last committed
 *
 * offered: the last that the sink took or passed over; taken: the last that it took and will ack;
 * acked: everything up to here is delivered. What it passes over counts as delivered as soon as
 * nothing before it is in flight.
 *
 * May be offered?   blocked (-EAGAIN) until outbox_ready   waiting (any failure) until its back-off
 */
#include "notify/notify_priv.h"

#include "alarm/alarm_json.h"
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Offers to one sink in one pump: bounded, so that a backlog of one does not hold up the loop, and
 * more than a cycle commits in a storm (ENGINE_TRANSITIONS), or who takes all that it is offered
 * would fall behind.
 */
#define OFFERS_A_PUMP 1024u

struct slot {
	/* immutable */
	struct outbox *ob;
	struct sink *sink;
	struct slot *next;
	/* changed by offers and acks */
	uint64_t acked, taken, offered;
	bool blocked;
	struct backoff backoff;
	uint64_t epoch;                 /* counts resets, to notice one during an offer */
	/* figures */
	uint64_t delivered, refused, resets;
	char last_error[512];
};

struct outbox {
	struct store *st;
	struct ring ring;
	struct slot *slots;             /* in the order they were added */
	unsigned n_slots;
	uint64_t *acked;                /* for outbox_readers */
};

struct outbox *
outbox_new(struct store *st)
{
	struct outbox *ob = fm_calloc(1, sizeof(*ob));

	ob->st = st;
	ring_init(&ob->ring, OUTBOX_RING_BYTES);
	return ob;
}

void
outbox_free(struct outbox *ob)
{
	struct slot *next;

	if (ob == NULL)
		return;
	for (struct slot *s = ob->slots; s != NULL; s = next) {
		next = s->next;
		s->sink->ops->close(s->sink);
		free(s);
	}
	ring_fini(&ob->ring);
	free(ob->acked);
	free(ob);
}

/* ---- cursors --------------------------------------------------------------------- */

static uint64_t
before_oldest(struct store *st)
{
	uint64_t oldest = store_oldest_seq(st);

	return oldest > 0 ? oldest - 1 : 0;
}

/* A cursor beyond the log is of another store's log: it means nothing here but "up to date". */
static uint64_t
first_cursor(struct store *st, const char *name, bool from_now)
{
	uint64_t acked, last = store_last_seq(st);

	if (store_find_cursor(st, name, &acked) < 0)
		return from_now ? last : before_oldest(st);
	return acked < last ? acked : last;
}

void
outbox_add(struct outbox *ob, struct sink *sink, bool from_now)
{
	struct slot *s = fm_calloc(1, sizeof(*s)), **end = &ob->slots;

	s->ob = ob;
	s->sink = sink;
	s->acked = s->taken = s->offered = first_cursor(ob->st, sink->name, from_now);
	sink->outbox = ob;
	sink->slot = s;
	while (*end != NULL)
		end = &(*end)->next;
	*end = s;
	ob->acked = fm_realloc(ob->acked, ++ob->n_slots * sizeof(*ob->acked));
}

/* The database is the one who knows: after a rollback a cursor is still to be stored. */
static bool
cursor_moved(const struct slot *s)
{
	uint64_t stored;

	return store_find_cursor(s->ob->st, s->sink->name, &stored) < 0 || stored != s->acked;
}

bool
outbox_dirty(const struct outbox *ob)
{
	for (const struct slot *s = ob->slots; s != NULL; s = s->next) {
		if (cursor_moved(s))
			return true;
	}
	return false;
}

int
outbox_store_cursors(struct outbox *ob, struct fm_err *err)
{
	for (struct slot *s = ob->slots; s != NULL; s = s->next) {
		if (!cursor_moved(s))
			continue;
		int r = store_put_cursor(ob->st, s->sink->name,
				     FM_BUG(CURSOR_AHEAD) ? s->offered : s->acked, err);
		if (r < 0)
			return r;
	}
	return 0;
}

uint64_t
outbox_floor(const struct outbox *ob)
{
	uint64_t floor = UINT64_MAX;

	for (const struct slot *s = ob->slots; s != NULL; s = s->next)
		floor = s->acked < floor ? s->acked : floor;
	return floor;
}

struct store_readers
outbox_readers(struct outbox *ob)
{
	unsigned n = 0;

	for (const struct slot *s = ob->slots; s != NULL; s = s->next)
		ob->acked[n++] = s->acked;
	return (struct store_readers){ob->acked, n};
}

void
outbox_committed(struct outbox *ob, const struct stored_transition *tr)
{
	if (ob->slots != NULL)
		ring_push(&ob->ring, tr);
}

/* ---- failures -------------------------------------------------------------------- */

static void
start_over(struct slot *s)
{
	if (!FM_BUG(RETRY_LOST))
		s->offered = s->taken = s->acked;
	s->blocked = false;
	s->resets++;
	s->epoch++;
	s->sink->ops->reset(s->sink);
}

static void
fail(struct slot *s, struct fm_time now, const char *why)
{
	s->refused++;
	snprintf(s->last_error, sizeof(s->last_error), "%s", why);
	backoff_failed(&s->backoff, s->sink->name, now);
}

void
outbox_failed(struct sink *sink, struct fm_time now, const char *why)
{
	struct slot *s = sink->slot;

	fail(s, now, why);
	start_over(s);
}

void
outbox_ready(struct sink *sink)
{
	struct slot *s = sink->slot;

	s->blocked = FM_BUG(READY_LOST);
}

/* ---- acks ------------------------------------------------------------------------ */

static void
advance(struct slot *s, uint64_t seq)
{
	s->delivered += seq - s->acked;
	s->acked = seq;
}

/* With nothing in flight any more, what was passed over behind it is delivered too. */
static void
count_passed(struct slot *s)
{
	if (s->taken <= s->acked && s->acked < s->offered)
		advance(s, s->offered);
}

/* A sink may ack late, what it was offered before it started over. */
void
outbox_acked(struct sink *sink, uint64_t seq)
{
	struct slot *s = sink->slot;

	fm_assert(seq <= store_last_seq(s->ob->st));
	if (seq <= s->acked)
		return;
	advance(s, seq);
	if (s->offered < seq)
		s->offered = seq;
	count_passed(s);
	backoff_succeeded(&s->backoff);
	s->last_error[0] = '\0';
}

/* ---- offers ---------------------------------------------------------------------- */

struct pump {
	struct slot *slot;
	struct fm_time now;
	unsigned left;                  /* offers */
	bool stopped;                   /* the sink takes no more for now */
};

static bool
may_offer(const struct slot *s, struct fm_time now)
{
	return !s->blocked && !backoff_waiting(&s->backoff, now);
}

static bool
refuse(struct pump *p, int code)
{
	struct slot *s = p->slot;

	const char *why = strerrordesc_np(-code);

	if (code == -EAGAIN)
		s->blocked = true;      /* no failure: it has all that it can hold */
	else
		fail(s, p->now, why != NULL ? why : "refused");
	return false;
}

/* Returns whether the next one may be offered. tr's strings are not looked at after the offer. */
static bool
offer(struct pump *p, const struct stored_transition *tr)
{
	struct slot *s = p->slot;
	uint64_t epoch = s->epoch, seq = tr->seq, offered = s->offered, taken = s->taken;

	fm_assert(seq > offered);
	p->left--;
	/* An ack within the call finds it offered and taken. */
	s->offered = s->taken = seq;
	int r = s->sink->ops->offer(s->sink, tr);
	if (s->epoch != epoch)
		return false;
	if (r == 0) {
		s->backoff.until = (struct fm_time){0};
		return p->left > 0 && may_offer(s, p->now);
	}
	s->offered = r > 0 ? seq : offered;
	s->taken = taken;
	count_passed(s);
	return r > 0 ? p->left > 0 : refuse(p, r);
}

/*
 * What a sink has missed for good is said in its place in the order: a gap, with the sequence
 * number of the last one missed and the time of next, the one after it, so that it is the same when
 * it is offered again. It is not in the log; who reads the log sees where that begins.
 */
static bool
offer_gap(struct pump *p, uint64_t to, struct fm_time next)
{
	char text[96];
	size_t len, alarm_len;

	snprintf(text, sizeof(text), "Transitions %llu to %llu are no longer kept",
		 (unsigned long long)p->slot->offered + 1, (unsigned long long)to);
	struct transition gap = {
		.seq = to, .kind = TR_GAP, .at = next, .notify = true,
		.alarm = {.alarm_id = "", .entity = "", .reason_text = text,
			  .origin = ALARM_BY_SELF},
		.cause = {.kind = CAUSE_SELF, .event = "retention"},
	};
	FM_CLEANUP(fm_freep) char *json = transition_to_json(&gap, store_stream(p->slot->ob->st),
							     &len, &alarm_len);
	struct stored_transition tr = {
		.seq = to, .kind = TR_GAP, .notify = true, .at = next, .alarm_id = "",
		.entity = "", .json = json, .len = len, .alarm_len = alarm_len,
	};
	return offer(p, &tr);
}

/* From the backlog or the log; what lies between the last one offered and this is missing. */
static bool
offer_stored(void *ctx, const struct stored_transition *tr)
{
	struct pump *p = ctx;
	bool gap = tr->seq > p->slot->offered + 1 && !FM_BUG(GAP_SILENT);

	p->stopped = (gap && !offer_gap(p, tr->seq - 1, tr->at)) || !offer(p, tr);
	return !p->stopped;
}

static void
pump_store(struct pump *p)
{
	struct slot *s = p->slot;
	struct store *st = s->ob->st;
	struct fm_err err;
	int r = 0;

	if (s->offered < before_oldest(st))
		r = store_backlog(st, s->offered, p->left, offer_stored, p, &err);
	if (r == 0 && !p->stopped) {
		struct store_query q = {.kind = -1, .after_seq = s->offered, .limit = p->left};
		r = store_transitions(st, &q, offer_stored, p, &err);
	}
	if (r < 0)
		fail(s, p->now, err.msg);
}

static bool
behind(const struct slot *s)
{
	return s->offered < store_last_seq(s->ob->st);
}

static void
pump_slot(struct slot *s, struct fm_time now)
{
	struct pump p = {.slot = s, .now = now, .left = OFFERS_A_PUMP};
	const struct stored_transition *tr = NULL;
	bool more = true;

	while (more && behind(s) && (tr = ring_find(&s->ob->ring, s->offered + 1)) != NULL)
		more = offer(&p, tr);
	if (more && behind(s))
		pump_store(&p);
	if (p.left < OFFERS_A_PUMP && s->sink->ops->flush != NULL)
		s->sink->ops->flush(s->sink, now);
}

bool
outbox_pump(struct outbox *ob, struct fm_time now)
{
	bool more = false;

	for (struct slot *s = ob->slots; s != NULL; s = s->next) {
		if (may_offer(s, now) && behind(s))
			pump_slot(s, now);
		more |= may_offer(s, now) && behind(s);
	}
	ring_drop_to(&ob->ring, outbox_floor(ob));
	return more;
}

bool
outbox_next_retry(const struct outbox *ob, struct fm_time *ret)
{
	struct fm_time first = {0};

	for (const struct slot *s = ob->slots; s != NULL; s = s->next) {
		struct fm_time until = s->backoff.until;
		if (until.ns == 0 || s->blocked || !behind(s))
			continue;
		if (first.ns == 0 || fm_time_before(until, first))
			first = until;
	}
	if (first.ns != 0)
		*ret = first;
	return first.ns != 0;
}

/* ---- figures --------------------------------------------------------------------- */

void
outbox_each(const struct outbox *ob, sink_stats_f *f, void *ctx)
{
	for (const struct slot *s = ob->slots; s != NULL; s = s->next) {
		const struct sink_ops *ops = s->sink->ops;
		struct sink_stats stats = {
			.name = s->sink->name,
			.state = ops->state != NULL ? ops->state(s->sink) : NULL,
			.acked = s->acked,
			.offered = s->offered,
			.last_seq = store_last_seq(ob->st),
			.delivered = s->delivered,
			.refused = s->refused,
			.resets = s->resets,
			.left_behind = s->acked < before_oldest(ob->st),
			.last_error = s->last_error[0] != '\0' ? s->last_error : NULL,
		};
		f(ctx, &stats);
	}
}
