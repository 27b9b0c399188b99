/*
 * input: what fmd's input partitions are doing, and what is done about one whose position is lost
 * (kafka.h): reading goes on where the log now begins, or stops until an operator says where. Both
 * are alarm 990.008, which nothing but an operator clears, for nobody else knows what is missing.
 *
 * The new position and the alarm are of one transaction. A kill before it finds the same loss again,
 * one after it does not find it any more.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define LOST_ID "990.008"
#define ENTITY_SIZE 300
#define STARTING_S 30

const char *
input_state_name(const struct part *p)
{
	switch (p->state) {
	case INPUT_UNUSED:
		return "not read";
	case INPUT_STARTING:
		return "starting";
	case INPUT_HELD:
		return "held";
	case INPUT_WAITING:
		return "waiting";
	case INPUT_READING:
		return "reading";
	case INPUT_LOST:
		return "lost";
	case INPUT_PAUSED:
		return "paused";
	}
	return "";
}

/* ---- records read before --------------------------------------------------------------------- */

/*
 * After a position was lost to a log made anew or cut short there is no hash to compare, but the
 * time of the last record read is kept: what is not newer was read then. A log that was only cut
 * short, or came from elsewhere by mirroring, is so not applied a second time.
 */
bool
input_read_before(const struct part *p, const struct kafka_record *rec)
{
	return p->last_hash == 0 && p->last_ts.ns != 0 && rec->ts.ns != 0 &&
		rec->ts.ns <= p->last_ts.ns;
}

/* Not when a stamp from the future would hide what is new. */
static bool
may_repeat(const struct part *p, const struct kafka_lost *lost, int64_t offset)
{
	return lost->anew && offset < lost->high && p->last_ts.ns <= clock_wall().ns;
}

static void
move_to(struct daemon *d, struct part *p, const struct kafka_lost *lost, int64_t offset)
{
	if (!may_repeat(p, lost, offset))
		p->last_ts = (struct fm_time){0};
	if (lost->anew)
		p->lost_from = -1;
	else if (p->lost_from < 0)
		p->lost_from = lost->wanted;
	p->next_offset = offset;
	p->last_hash = 0;
	p->dirty = true;
	(void)kafka_source_resume_lost(d->source, p->topic, p->partition, offset);
}

/* ---- what is missing ----------------------------------------------------------------------------- */

/* The words stay the same while the loss does: after a restart they are no news. */
static void
describe(const struct part *p, const struct kafka_lost *lost, struct fm_buf *ret)
{
	const int64_t from = p->lost_from >= 0 ? p->lost_from : lost->wanted;

	fm_buf_addf(ret, "%s, partition %d: ", p->topic, p->partition);
	if (lost->anew)
		fm_buf_addf(ret, "the topic was made anew or cut short, what followed offset %lld is "
			    "lost", (long long)lost->wanted - 1);
	else if (lost->low - 1 == from)
		fm_buf_addf(ret, "offset %lld was deleted unread", (long long)from);
	else
		fm_buf_addf(ret, "offsets %lld to %lld were deleted unread", (long long)from,
			    (long long)lost->low - 1);
}

static void
say_onward(const struct part *p, const struct kafka_lost *lost, int64_t offset, struct fm_buf *ret)
{
	char time[FM_TIME_STR];

	fm_buf_addf(ret, "; reading goes on at offset %lld", (long long)offset);
	if (may_repeat(p, lost, offset) && p->last_ts.ns != 0)
		fm_buf_addf(ret, ", where what is not newer than %s was read before",
			    fm_time_format(p->last_ts, time));
}

/* NULL: not active. */
static const struct alarm *
find_alarm(const struct daemon *d, const struct part *p, char entity[ENTITY_SIZE])
{
	const struct alarm *al;

	snprintf(entity, ENTITY_SIZE, "service=fmd.topic=%.200s.partition=%d", p->topic,
		 p->partition);
	al = corr_find_alarm(d->corr, LOST_ID, entity);
	return al != NULL && !al->cleared ? al : NULL;
}

/* An alarm that is active with the same text already is not news. */
static void
raise_lost(struct daemon *d, const struct part *p, const char *text)
{
	char entity[ENTITY_SIZE];
	const struct alarm *al = find_alarm(d, p, entity);

	if (al == NULL || strcmp(al->reason_text, text) != 0)
		self_set(d, LOST_ID, entity, true, text);
}

/* Since when a partition stands still is what its alarm says: fmd may have been restarted. */
static struct fm_time
stopped_since(const struct daemon *d, const struct part *p)
{
	char entity[ENTITY_SIZE];

	if (p->spoil.state == SPOIL_PAUSED)
		return spoil_since(d, p);
	const struct alarm *al = find_alarm(d, p, entity);

	return al != NULL ? al->changed_at : corr_now(d->corr);
}

/*
 * From that moment to now is time that was not listened to. Counted once, however many partitions
 * have missed it. The demo's time has nothing to do with the clock's.
 */
static void
account_missed(struct daemon *d, struct fm_time from)
{
	const struct fm_time wall = d->steady.time;

	if (d->demo || from.ns == 0)
		return;
	from = fm_time_max(from, d->missed_until);
	if (from.ns >= wall.ns)
		return;
	corr_missed(d->corr, fm_time_diff(wall, from));
	d->missed_until = wall;
}

void
input_update_deaf(struct daemon *d)
{
	bool deaf = false;

	for (unsigned i = 0; i < d->n_parts; i++)
		deaf |= d->part[i].stopped || d->part[i].spoil.state == SPOIL_PAUSED;
	corr_set_deaf(d->corr, deaf);
}

/* ---- what is done about it ------------------------------------------------------------------------- */

/* Called while the source is at work: only noted, the cycle goes on from there. */
void
input_lost(void *ctx, const struct kafka_lost *lost)
{
	struct daemon *d = ctx;
	struct part *p = engine_part(d, lost->topic, lost->partition);

	p->lost = *lost;
	p->lost_new = true;
	d->lost_new = true;
}

static void
settle(struct daemon *d, struct part *p)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};

	describe(p, &p->lost, &text);
	if (d->conf->lost_stop) {
		fm_buf_adds(&text, "; reading has stopped, see fm input-resume");
		raise_lost(d, p, text.s);
		p->stopped = true;
		(void)kafka_source_leave_lost(d->source, p->topic, p->partition);
	} else {
		say_onward(p, &p->lost, p->lost.low, &text);
		account_missed(d, corr_now(d->corr));
		raise_lost(d, p, text.s);
		move_to(d, p, &p->lost, p->lost.low);
	}
	log_line(LOG_ERROR, "kafka", "%s", text.s);
}

void
input_settle(struct daemon *d)
{
	if (!d->lost_new)
		return;
	d->lost_new = false;
	for (unsigned i = 0; i < d->n_parts; i++) {
		if (!d->part[i].lost_new)
			continue;
		d->part[i].lost_new = false;
		settle(d, &d->part[i]);
		engine_note_lazy(d);
	}
	input_update_deaf(d);
}

static enum input_state
state_now(const struct daemon *d, const struct part *p)
{
	enum kafka_input k;

	if (d->source == NULL)
		return INPUT_HELD;
	if (kafka_source_state(d->source, p->topic, p->partition, &k) < 0)
		return INPUT_UNUSED;
	switch (k) {
	case KAFKA_INPUT_READING:
		return INPUT_READING;
	case KAFKA_INPUT_WAITING:
		return INPUT_WAITING;
	case KAFKA_INPUT_LOST:          /* for a moment only, unless it stays so */
		return p->stopped ? INPUT_LOST : INPUT_WAITING;
	case KAFKA_INPUT_HELD:
		return INPUT_PAUSED;
	}
	return INPUT_UNUSED;
}

/* Behind all there is. What lies before was skipped, and stays missing: 990.008. */
static int
skip_paused(struct daemon *d, struct part *p, struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	struct kafka_lost lost;
	const int r = kafka_source_find_lost(d->source, p->topic, p->partition, &lost);

	if (r == -ENOENT)
		return fm_fail(err, -EAGAIN, "this partition is not being read");
	if (r < 0)
		return fm_fail(err, r, "no broker has said yet what this partition has now");
	fm_buf_addf(&text, "%s, partition %d: offsets %lld to %lld were skipped by command", p->topic,
		    p->partition, (long long)p->next_offset, (long long)lost.high - 1);
	say_onward(p, &lost, lost.high, &text);
	raise_lost(d, p, text.s);
	move_to(d, p, &lost, lost.high);
	return 0;
}

static int
resume_paused(struct daemon *d, struct part *p, const struct input_request *rq, struct fm_err *err)
{
	const struct fm_time since = stopped_since(d, p);
	int r = 0;

	if (state_now(d, p) == INPUT_UNUSED)
		return fm_fail(err, -EAGAIN, "this partition is not being read");
	if (rq->latest)
		r = skip_paused(d, p, err);
	if (r < 0)
		return r;
	account_missed(d, since);
	spoil_resume(d, p);
	(void)kafka_source_release(d->source, p->topic, p->partition);
	input_update_deaf(d);
	log_line(LOG_NOTICE, "kafka", "%s, partition %d: no longer paused, reading goes on at offset "
		 "%lld (by %s)", p->topic, p->partition, (long long)p->next_offset, rq->user);
	return 0;
}

int
input_resume(struct daemon *d, const struct input_request *rq, struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	struct kafka_lost lost;
	struct part *p = engine_find_part(d, rq->topic, rq->partition);
	int64_t offset;
	int r;

	if (p == NULL)
		return fm_fail(err, -ENOENT, "no such input partition");
	if (d->source == NULL)
		return fm_fail(err, -EAGAIN, "no input is read while the disk is full");
	if (p->spoil.state == SPOIL_PAUSED)
		return resume_paused(d, p, rq, err);
	r = kafka_source_find_lost(d->source, p->topic, p->partition, &lost);
	/* Looked at now: the last tick may be older than the source. */
	if (r == -ENOENT && state_now(d, p) == INPUT_UNUSED)
		return fm_fail(err, -EAGAIN, "this partition is not being read");
	if (r == -ENOENT)
		return fm_fail(err, -EALREADY, "this partition has not lost its position");
	if (r < 0)
		return fm_fail(err, r, "no broker has said yet what this partition has now");
	offset = rq->latest ? lost.high : lost.low;
	describe(p, &lost, &text);
	if (offset > lost.low)
		fm_buf_addf(&text, ", offsets %lld to %lld were skipped by command",
			    (long long)lost.low, (long long)lost.high - 1);
	say_onward(p, &lost, offset, &text);
	account_missed(d, stopped_since(d, p));
	raise_lost(d, p, text.s);
	move_to(d, p, &lost, offset);
	p->stopped = p->lost_new = false;
	input_update_deaf(d);
	log_line(LOG_NOTICE, "kafka", "%s (by %s)", text.s, rq->user);
	return 0;
}

/* ---- looking -------------------------------------------------------------------------------------- */

static bool
is_input(const struct daemon *d, const struct part *p)
{
	for (unsigned i = 0; i < d->conf->n_inputs; i++)
		if (strcmp(d->conf->input[i].topic, p->topic) == 0)
			return true;
	return false;
}

/* No broker has said anything of it yet, and it is too early to say that this is why it waits. */
static bool
is_starting(const struct daemon *d, const struct part *p, enum input_state state)
{
	return (state == INPUT_WAITING || (state == INPUT_UNUSED && is_input(d, p))) && !p->heard &&
		!d->self.unreachable &&
		clock_mono_ns() - d->source_opened < STARTING_S * FM_NS_PER_S;
}

void
input_tick(struct daemon *d, struct fm_time now)
{
	for (unsigned i = 0; i < d->n_parts; i++) {
		struct part *p = &d->part[i];
		enum input_state state = state_now(d, p);

		p->heard = d->source != NULL && (p->heard || state == INPUT_READING);
		/* The topic was away and is back as it was. */
		if (state == INPUT_READING && p->stopped) {
			p->stopped = false;
			input_update_deaf(d);
		}
		if (state != INPUT_UNUSED)
			spoil_tick(d, p);
		if (is_starting(d, p, state))
			state = INPUT_STARTING;
		if (state == p->state && p->since.ns != 0)
			continue;
		p->state = state;
		p->since = state == INPUT_LOST || state == INPUT_PAUSED ?
			stopped_since(d, p) : now;
	}
}

/*
 * The demo's broker is as new as the process, and so are its logs: where an older one's were read
 * to says nothing about them.
 */
void
input_forget(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_parts; i++) {
		struct part *p = &d->part[i];

		p->next_offset = 0;
		p->last_hash = 0;
		p->last_ts = (struct fm_time){0};
		p->dirty = true;
	}
	engine_note_lazy(d);
}
