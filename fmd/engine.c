/*
 * engine: the cycle. Drain (bounded by count and time) -> decode -> correlate -> one transaction
 * -> only then publish (DESIGN §9). A cycle that changed nothing writes nothing; positions
 * without effect are written lazily, with what changed softly, in one transaction as always.
 *
 * Time is logical: while a backlog is read it is the records' broker time, monotone and never
 * beyond the wall clock; when every partition is caught up it follows the wall clock (DESIGN §6).
 */
#include "fmd/daemon_priv.h"

#include "base/bug.h"
#include "events/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEMO_PAUSE_S 4
/* More than any turn of the loop takes, less than what the source calls a stall. */
#define ENGINE_STALL_MS 1500

/* Crash-only: what was not committed is read again by the next start. */
void
engine_fail(struct daemon *d, int code, const char *what)
{
	if (code == -ENOSPC && hold_begin(d))
		return;
	log_line(LOG_ERROR, "store", "%s: %s; ending%s", what, d->err.msg,
		 code == -ESTALE ? "" : ", to go on from the last commit");
	self_note_failure(d, d->err.msg);
	d->exit_code = code == -EBUSY ? FMD_EXIT_LOCKED : FMD_EXIT_IO;
	d->failed = code;
	d->stopping = true;
	uv_stop(&d->loop);
}

static bool
begin_txn(struct daemon *d)
{
	int r;

	if (d->failed != 0 || d->in_txn)
		return d->in_txn;
	r = d->hold.dry ? fm_fail(&d->err, -ENOSPC, "the disk is full") :
		store_begin(d->store, &d->err);
	if (r < 0)
		d->failed = r;
	d->in_txn = r == 0;
	return d->in_txn;
}

void
engine_transition(void *ctx, struct transition *tr)
{
	struct daemon *d = ctx;
	int r;

	if (!begin_txn(d))
		return;
	d->transitions++;
	r = store_put_transition(d->store, tr, &d->err);
	if (r < 0)
		d->failed = r;
}

/* ---- positions -------------------------------------------------------------------------------- */

struct part *
engine_find_part(const struct daemon *d, const char *topic, int32_t partition)
{
	for (unsigned i = 0; i < d->n_parts; i++)
		if (d->part[i].partition == partition && strcmp(d->part[i].topic, topic) == 0)
			return &d->part[i];
	return NULL;
}

struct part *
engine_part(struct daemon *d, const char *topic, int32_t partition)
{
	struct part *p = engine_find_part(d, topic, partition);

	if (p != NULL)
		return p;
	d->part = fm_realloc(d->part, (d->n_parts + 1) * sizeof(*d->part));
	d->part[d->n_parts] = (struct part){.topic = fm_strdup(topic), .partition = partition,
		.next_offset = -1, .lost_from = -1};
	return &d->part[d->n_parts++];
}

bool
engine_position(void *ctx, const char *topic, int32_t partition, struct store_position *ret)
{
	struct daemon *d = ctx;
	const struct part *p = engine_part(d, topic, partition);

	if (p->next_offset < 0)
		return false;
	*ret = (struct store_position){.topic = p->topic, .partition = partition,
		.next_offset = p->next_offset, .last_hash = p->last_hash, .last_ts = p->last_ts};
	return true;
}

bool
engine_held(void *ctx, const char *topic, int32_t partition)
{
	const struct part *p = engine_find_part(ctx, topic, partition);

	return p != NULL && p->spoil.state == SPOIL_PAUSED;
}

void
engine_note_lazy(struct daemon *d)
{
	if (d->lazy_due.ns == 0)
		d->lazy_due.ns = clock_mono_ns() + ENGINE_LAZY_MS * FM_NS_PER_MS;
}

static void
put_parts(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_parts && d->failed == 0; i++) {
		struct part *p = &d->part[i];
		struct store_ledger l = {.topic = p->topic, .partition = p->partition};

		if (!p->dirty)
			continue;
		const struct store_position pos = {.topic = p->topic, .partition = p->partition,
			.next_offset = p->next_offset, .last_hash = p->last_hash,
			.last_ts = p->last_ts};

		memcpy(l.n, p->ledger, sizeof(l.n));
		d->failed = store_put_position(d->store, &pos, &d->err);
		if (d->failed == 0)
			d->failed = store_put_ledger(d->store, &l, &d->err);
		if (d->failed == 0)
			d->failed = spoil_keep(d, p);
		p->dirty = false;
		p->kept = true;
	}
}

/* ---- one record -------------------------------------------------------------------------------- */

static void
quarantine(struct daemon *d, const struct kafka_record *rec, const char *reason)
{
	struct store_quarantine q = {.topic = rec->topic, .partition = rec->partition,
		.offset = rec->offset, .at = rec->ts, .reason = reason, .body = rec->p,
		.full_len = rec->len};

	q.len = (uint32_t)(rec->len < FM_MAX_QUARANTINE_BODY ? rec->len : FM_MAX_QUARANTINE_BODY);
	log_often(d->log, LOG_QUARANTINED, "topic=%s partition=%d offset=%lld: %s; quarantined",
		  rec->topic, rec->partition, (long long)rec->offset, reason);
	if (!begin_txn(d))
		return;
	d->failed = store_put_quarantine(d->store, &q, &d->err);
	if (FM_BUG(LEDGER_TWICE))
		engine_part(d, rec->topic, rec->partition)->ledger[LEDGER_QUARANTINED]++;
	FAILPOINT(d, QUARANTINE_KEPT);
	self_quarantined(d);
}

static bool
format_allows(const struct daemon *d, const struct kafka_record *rec, const struct event *ev)
{
	switch (d->conf->input[rec->topic_no].format) {
	case FORMAT_AUTO:
		return true;
	case FORMAT_NOVA:
		return ev->origin == ORIGIN_NOVA;
	case FORMAT_LIBVIRT:
		return ev->origin == ORIGIN_LIBVIRT;
	case FORMAT_REQUEST:
		return ev->origin == ORIGIN_REQUEST;
	}
	return true;
}

static enum ledger_outcome
outcome_of(enum corr_outcome o)
{
	switch (o) {
	case CORR_APPLIED:
		return LEDGER_APPLIED;
	case CORR_NO_EFFECT:
		return LEDGER_NO_EFFECT;
	case CORR_DUPLICATE:
		return LEDGER_DUPLICATE;
	case CORR_LATE:
		return LEDGER_LATE;
	}
	return LEDGER_NO_EFFECT;
}

/* As event_decode. */
static int
decode(const struct daemon *d, const struct kafka_record *rec, struct event *ret, struct fm_err *err)
{
	int r;

	if (rec->p == NULL)
		return fm_fail(err, -EBADMSG, "a record without a value");
	r = event_decode(d->decoder, rec->p, rec->len, ret, err);
	if (r == 0 && !format_allows(d, rec, ret))
		return fm_fail(err, -EBADMSG, "not of the format configured for this topic");
	return r;
}

/* When that pauses the partition, it was not read, and what is returned means nothing. */
static enum ledger_outcome
apply(struct daemon *d, struct part *p, const struct kafka_record *rec, struct fm_time wall)
{
	const struct fm_time at = rec->ts.ns < wall.ns ? rec->ts : wall;
	struct event ev;
	struct fm_err err = {0};
	const int r = decode(d, rec, &ev, &err);

	if (r < 0 && spoil_pauses(d, p, rec->offset, err.msg))
		return LEDGER_QUARANTINED;
	spoil_note(d, p, r < 0);
	if (d->recorder != NULL)
		recorder_put(d->recorder, rec, fm_time_max(corr_now(d->corr), at));
	if (r < 0) {
		quarantine(d, rec, err.msg);
		return LEDGER_QUARANTINED;
	}
	ev.pos = (struct record_pos){rec->topic, rec->topic_no, rec->partition, rec->offset};
	ev.at = at;
	if (r > 0) {
		corr_pass(d->corr, &ev, engine_transition, d);
		return LEDGER_UNKNOWN;
	}
	return outcome_of(corr_apply(d->corr, &ev, engine_transition, d));
}

static enum ledger_outcome
apply_with_care(struct daemon *d, struct part *p, const struct kafka_record *rec,
		struct fm_time wall)
{
	enum ledger_outcome o;

	careful_take(d, rec);
	FAILPOINT(d, RECORD_AT_HAND);
	o = apply(d, p, rec, wall);
	careful_taken(d);
	return o;
}

static enum ledger_outcome
skip(struct daemon *d, const struct kafka_record *rec)
{
	quarantine(d, rec, "fmd ended again and again with it at hand; not read");
	careful_skipped(d, rec);
	return LEDGER_QUARANTINED;
}

static void
take(struct daemon *d, const struct kafka_record *rec, struct fm_time wall)
{
	struct part *p = engine_part(d, rec->topic, rec->partition);
	enum ledger_outcome o;

	d->record_ts = rec->ts;
	if (d->demo)
		d->record_mono = clock_mono_ns();
	if (rec->offset < p->next_offset)
		return;                 /* read before: its effect is in the store */
	if (input_read_before(p, rec)) {
		p->ledger[LEDGER_DUPLICATE]++;
		p->next_offset = rec->offset + 1;
		p->dirty = true;
		return;
	}
	o = careful_skips(d, rec) ? skip(d, rec) : apply_with_care(d, p, rec, wall);
	if (p->spoil.state == SPOIL_PAUSED)
		return;
	p->ledger[o]++;
	p->next_offset = rec->offset + 1;
	p->lost_from = -1;
	if (!FM_BUG(HASH_STALE) || store_quarantine_last(d->store) == d->quarantine_offered)
		p->last_hash = kafka_record_hash(rec->p, rec->len, rec->ts);
	p->last_ts = rec->ts;
	p->dirty = true;
}

/* True when it stopped at a bound, so that more may wait. */
static bool
drain(struct daemon *d)
{
	const struct fm_time wall = d->steady.time;
	const int64_t until = clock_mono_ns() + (int64_t)d->conf->cycle_ms * FM_NS_PER_MS;
	struct kafka_record rec;
	uint64_t n = 0;

	if (d->source == NULL)
		return false;
	while (d->failed == 0 && kafka_source_next(d->source, &rec) > 0) {
		/* What was missed counts before the time of this record makes anything overdue. */
		input_settle(d);
		take(d, &rec, wall);
		if (++n >= d->conf->cycle_records || careful_one_by_one(d) || d->transitions >= ENGINE_TRANSITIONS ||
		    ((n & 63) == 0 && clock_mono_ns() >= until)) {
			engine_note_lazy(d);
			return true;
		}
	}
	if (n > 0)
		engine_note_lazy(d);
	return false;
}

/* ---- commit and publish --------------------------------------------------------------------------- */

static void
put_row(void *ctx, const struct row *row)
{
	struct daemon *d = ctx;

	if (d->failed == 0)
		d->failed = store_put_row(d->store, row, &d->err);
}

static void
publish(struct daemon *d)
{
	const struct stored_transition *tr;

	for (unsigned i = 0; (tr = store_committed(d->store, i)) != NULL; i++) {
		outbox_committed(d->outbox, tr);
		if (d->agent != NULL)
			fmagent_committed(d->agent, tr, corr_find_alarm(d->corr, tr->alarm_id,
									tr->entity));
		FAILPOINT(d, PUBLISH_FIRST);
	}
	control_committed(d);
}

static int
commit(struct daemon *d, const struct store_audit *audit)
{
	if (!begin_txn(d))
		return d->failed;
	FAILPOINT(d, COMMIT_BEGUN);
	if (FM_BUG(POSITION_FIRST)) {
		put_parts(d);
		d->failed = store_commit(d->store, &d->err);
		if (d->failed == 0)
			d->failed = store_begin(d->store, &d->err);
	}
	corr_flush(d->corr, put_row, d);
	FAILPOINT(d, COMMIT_ROWS);
	put_parts(d);
	FAILPOINT(d, COMMIT_POSITIONS);
	if (d->failed == 0 && d->recorder != NULL)
		d->failed = store_put_meta(d->store, "recorded", recorder_mark(d->recorder), &d->err);
	if (d->failed == 0 && audit != NULL)
		d->failed = store_put_audit(d->store, audit, &d->err);
	if (d->failed == 0)
		d->failed = outbox_store_cursors(d->outbox, &d->err);
	if (d->failed == 0)
		d->failed = store_put_cursor(d->store, "kafka.quarantine",
					     kafka_sink_quarantine_acked(d->ksink), &d->err);
	FAILPOINT(d, COMMIT_CURSORS);
	if (FM_BUG(OFFER_FIRST) && d->failed == 0) {
		publish(d);
		(void)outbox_pump(d->outbox, clock_wall());
	}
	if (d->failed == 0)
		d->failed = store_commit(d->store, &d->err);
	else
		store_rollback(d->store);
	d->in_txn = false;
	d->commits++;
	d->transitions = 0;
	d->lazy_due.ns = 0;
	FAILPOINT(d, COMMIT_DONE);
	if (d->failed == 0 && d->recorder != NULL)
		recorder_kept(d->recorder);
	if (d->failed == 0)
		publish(d);
	return d->failed;
}

int
engine_commit(struct daemon *d)
{
	return commit(d, NULL);
}

static bool
must_commit(const struct daemon *d)
{
	if (d->hold.dry)
		return d->in_txn;
	if (d->in_txn || corr_dirty(d->corr))
		return true;
	return d->lazy_due.ns != 0 && clock_mono_ns() >= d->lazy_due.ns;
}

static bool
caught_up(const struct daemon *d)
{
	return d->source != NULL && kafka_source_caught_up(d->source);
}

struct fm_time
engine_look(struct daemon *d)
{
	const struct fm_span gap = steady_gap(d);

	/* After a suspend no time passes before the source has noticed it, whoever comes first. */
	if (d->source != NULL && gap.ns > ENGINE_STALL_MS * FM_NS_PER_MS)
		kafka_source_tick(d->source, fm_time_add(d->steady.time, gap));
	steady_look(d, caught_up(d));
	return d->steady.time;
}

/* The demo's story is told in the past: its time goes on only when the telling pauses. */
static bool
follows_clock(const struct daemon *d)
{
	if (d->demo && (d->record_mono == 0 ||
			clock_mono_ns() - d->record_mono < DEMO_PAUSE_S * FM_NS_PER_S))
		return false;
	return caught_up(d);
}

struct fm_time
engine_time(const struct daemon *d)
{
	const struct fm_time now = corr_now(d->corr);
	const struct fm_time wall = fm_time_sub(d->steady.time, fm_span_ms(ENGINE_LATENESS_MS));

	return follows_clock(d) || FM_BUG(LATE_TIME) ? fm_time_max(now, wall) : now;
}

/* A new partition that began at its end is remembered at once, or a restart would skip records. */
static void
note_start(void *ctx, const char *topic, int32_t partition, int64_t next_offset)
{
	struct daemon *d = ctx;
	struct part *p = engine_part(d, topic, partition);

	if (p->next_offset >= 0)
		return;
	p->next_offset = next_offset;
	p->dirty = true;
	engine_note_lazy(d);
}

static bool
offer_one(void *ctx, const struct store_quarantine *q)
{
	struct daemon *d = ctx;

	if (kafka_sink_quarantine(d->ksink, q) < 0)
		return false;
	d->quarantine_offered = q->id;
	return true;
}

static void
offer_quarantine(struct daemon *d)
{
	struct fm_err err;

	if (store_quarantine_last(d->store) > d->quarantine_offered)
		(void)!store_quarantined(d->store, d->quarantine_offered, false, 64, offer_one, d,
					 &err);
}

void
engine_cycle(struct daemon *d)
{
	bool more;

	if (d->stopping || d->hold.frozen)
		return;
	(void)engine_look(d);
	more = drain(d);
	FAILPOINT(d, CYCLE_DRAINED);
	if (d->source != NULL)
		kafka_source_take_starts(d->source, note_start, d);
	if (d->failed == 0)
		input_settle(d);
	/* What falls due waits too while nothing can be stored: it would only be undone again. */
	if (d->failed == 0 && !more && !d->hold.dry)
		corr_advance(d->corr, engine_time(d), engine_transition, d);
	FAILPOINT(d, CYCLE_ADVANCED);
	if (d->failed == 0 && must_commit(d))
		(void)commit(d, NULL);
	careful_done(d);
	if (d->failed != 0) {
		engine_fail(d, d->failed, "commit");
		engine_arm(d);
		return;
	}
	offer_quarantine(d);
	if (outbox_pump(d->outbox, d->steady.time))
		more = true;
	FAILPOINT(d, CYCLE_PUMPED);
	if (!d->hold.dry && outbox_dirty(d->outbox))
		engine_note_lazy(d);
	d->more = more;
	engine_arm(d);
}

static void
on_busy(uv_idle_t *idle)
{
	engine_cycle(idle->data);
}

static void
on_wake(uv_timer_t *timer)
{
	engine_cycle(timer->data);
}

/*
 * When to run again without being told: at once while work is left, else at the earliest of the
 * next deadline (live only), the lazy write and a sink's back-off. Not within the same turn of the
 * loop, which libuv would never leave for the descriptors and the other timers.
 */
void
engine_arm(struct daemon *d)
{
	struct fm_time due, wall = d->steady.time;
	int64_t ms = 1000;

	if (d->more && !d->stopping) {
		uv_idle_start(&d->busy, on_busy);
		return;
	}
	uv_idle_stop(&d->busy);
	if (follows_clock(d) && corr_next_deadline(d->corr, &due)) {
		const int64_t in = (due.ns - wall.ns) / FM_NS_PER_MS + ENGINE_LATENESS_MS + 1;

		ms = in < ms ? in : ms;
	}
	if (d->lazy_due.ns != 0) {
		const int64_t in = (d->lazy_due.ns - clock_mono_ns()) / FM_NS_PER_MS + 1;

		ms = in < ms ? in : ms;
	}
	if (outbox_next_retry(d->outbox, &due)) {
		const int64_t in = (due.ns - wall.ns) / FM_NS_PER_MS + 1;

		ms = in < ms ? in : ms;
	}
	uv_timer_start(&d->wake, on_wake, (uint64_t)(ms > 0 ? ms : 1), 0);
}

/* ---- commands --------------------------------------------------------------------------------------- */

void
engine_begin(struct daemon *d)
{
	(void)engine_look(d);
	corr_advance(d->corr, engine_time(d), engine_transition, d);
}

int
engine_end(struct daemon *d, const struct store_audit *audit)
{
	int r;

	FAILPOINT(d, COMMAND_APPLIED);
	r = commit(d, audit);
	FAILPOINT(d, COMMAND_DONE);
	if (r < 0)
		engine_fail(d, r, "commit");
	else
		(void)outbox_pump(d->outbox, d->steady.time);
	engine_arm(d);
	return r;
}

/* ---- start ---------------------------------------------------------------------------------------------- */

static void
restore_row(void *ctx, const struct row *row)
{
	struct daemon *d = ctx;

	if (d->failed == 0 && !corr_may_restore(row))
		d->failed = fm_fail(&d->err, -EUCLEAN, "%s/fmd.db: damaged: a row of kind %d has a "
				    "value that fmd does not write", d->conf->state_dir, row->kind);
	if (d->failed == 0)
		corr_restore(d->corr, row);
}

static void
restore_position(void *ctx, const struct store_position *pos)
{
	struct part *p = engine_part(ctx, pos->topic, pos->partition);

	p->next_offset = pos->next_offset;
	p->last_hash = pos->last_hash;
	p->last_ts = pos->last_ts;
	p->kept = true;
}

static void
restore_ledger(void *ctx, const struct store_ledger *l)
{
	memcpy(engine_part(ctx, l->topic, l->partition)->ledger, l->n, sizeof(l->n));
}

/* Rules that changed while fmd was down are applied as a reload would. */
int
engine_catch_up_catalogue(struct daemon *d)
{
	char hash[32], *was = NULL;
	int r = 0;

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)cat_hash(d->cat));
	if (store_meta(d->store, "catalogue", &was) == 0 && strcmp(was, hash) == 0) {
		free(was);
		return 0;
	}
	free(was);
	corr_swap_catalogue(d->corr, d->cat, corr_now(d->corr), engine_transition, d);
	if (begin_txn(d))
		r = store_put_meta(d->store, "catalogue", hash, &d->err);
	return r < 0 ? r : commit(d, NULL);
}

int
engine_restore(struct daemon *d, struct fm_err *err)
{
	int r = store_each_row(d->store, restore_row, d, err);

	if (r == 0 && d->failed != 0)
		return fm_fail(err, d->failed, "%s", d->err.msg);
	if (r == 0)
		r = store_each_position(d->store, restore_position, d, err);
	if (r == 0)
		r = store_each_ledger(d->store, restore_ledger, d, err);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < d->n_parts; i++)
		spoil_restore(d, &d->part[i]);
	corr_restored(d->corr, (struct fm_time){0});
	input_update_deaf(d);
	return 0;
}

int
engine_start_over(struct daemon *d)
{
	store_rollback(d->store);
	if (FM_BUG(HOLD_KEEPS_CORE)) {
		d->in_txn = false;
		return d->failed = 0;
	}
	if (d->recorder != NULL)
		recorder_rewind(d->recorder);
	corr_free(d->corr);
	d->corr = corr_new(d->cat);
	for (unsigned i = 0; i < d->n_parts; i++)
		d->part[i] = (struct part){.topic = d->part[i].topic,
			.partition = d->part[i].partition, .next_offset = -1, .lost_from = -1};
	d->in_txn = d->lost_new = d->more = false;
	d->transitions = 0;
	d->lazy_due.ns = 0;
	d->failed = 0;
	return engine_restore(d, &d->err);
}

/* Called when the sinks are there. */
int
engine_start(struct daemon *d, struct fm_err *err)
{
	steady_start(d);
	if (d->hold.frozen)
		return 0;
	careful_start(d);
	int r = backup_tell_restored(d);

	if (r == 0)
		r = engine_catch_up_catalogue(d);
	if (d->demo)
		input_forget(d);
	d->quarantine_offered = FM_BUG(QUARANTINE_SKIPPED) ? store_quarantine_count(d->store) :
		store_cursor(d->store, "kafka.quarantine");
	kafka_sink_quarantine_start(d->ksink, d->quarantine_offered);
	return r < 0 ? fm_fail(err, r, "%s", d->err.msg) : 0;
}

/* SIGHUP: a bad file changes nothing and says why. */
void
engine_reload(struct daemon *d)
{
	struct catalogue *cat = NULL, *old = d->cat;
	struct fm_buf diff = {0};
	struct fm_err err = {0};
	char hash[32];

	if (d->hold.frozen) {
		frozen_end(d);
		return;
	}
	if (d->hold.dry) {
		log_line(LOG_ERROR, "catalogue", "not reloaded while the disk is full");
		return;
	}
	if (catalogue_open(d, &cat, &err) < 0) {
		log_line(LOG_ERROR, "catalogue", "kept the old one: %s", err.msg);
		corr_self(d->corr, engine_time(d), "990.005", "service=fmd.catalogue=events", true,
			  SEV_NONE, err.msg, engine_transition, d);
		(void)engine_end(d, NULL);
		return;
	}
	corr_swap_catalogue(d->corr, cat, engine_time(d), engine_transition, d);
	FAILPOINT(d, RELOAD_SWAPPED);
	corr_self(d->corr, engine_time(d), "990.005", "service=fmd.catalogue=events", false, SEV_NONE, "",
		  engine_transition, d);
	d->cat = cat;
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)cat_hash(cat));
	if (begin_txn(d))
		d->failed = store_put_meta(d->store, "catalogue", hash, &d->err);
	(void)engine_end(d, NULL);
	cat_diff(old, cat, &diff);
	log_line(LOG_NOTICE, "catalogue", "reloaded: %u records (%u before); %s", cat_count(cat),
		 cat_count(old), diff.s);
	fm_buf_fini(&diff);
	cat_free(old);
}
