/*
 * storm: more announcements in a window of time than a person or a manager can take (docs/adr/0020).
 * Then the alarm 990.020 says so, once, and of the warning and minor alarms only a few of each id are
 * announced in a window; the others are in the list as held and are announced, oldest first, as the
 * rate leaves room again. Major and critical alarms, clears and logs are told as ever.
 *
 *            1 more than Storm in a window
 *   calm ------------------------------------> storm --+
 *     ^                                        | ^     | 2 every window: so many held ones are let
 *     +----------------------------------------+ +-----+   out as the last one left room for
 *            3 less than half in the last window, and none is held
 *
 * Windows are fixed pieces of logical time, so what is held depends on the inputs alone. What fmd says
 * of itself is neither counted nor held.
 */
#include "correlator/correlator_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define STORM_ID "990.020"
#define STORM_ENTITY "service=fmd.storm=announcements"

struct storm_class {
	UT_hash_handle hh;
	char *alarm_id;                 /* "": all that the catalogue does not have */
	uint64_t n;                     /* warning and minor, announced in this window */
};

static const struct cat_limits *
limits(const struct correlator *corr)
{
	return cat_limits(corr->cat);
}

static void
drop_classes(struct storm *st)
{
	struct storm_class *c, *tmp;

	HASH_ITER(hh, st->classes, c, tmp) {
		HASH_DEL(st->classes, c);
		free(c->alarm_id);
		free(c);
	}
}

static struct storm_class *
class_of(struct storm *st, const char *alarm_id)
{
	struct storm_class *c;

	HASH_FIND_STR(st->classes, alarm_id, c);
	if (c != NULL)
		return c;
	c = fm_calloc(1, sizeof(*c));
	c->alarm_id = fm_strdup(alarm_id);
	HASH_ADD_KEYPTR(hh, st->classes, c->alarm_id, strlen(c->alarm_id), c);
	return c;
}

/* To the window of now. */
static void
roll(struct correlator *corr)
{
	struct storm *st = &corr->storm;
	const int64_t window = corr->now.ns / limits(corr)->storm_window.ns;

	st->dirty = true;
	if (window == st->window)
		return;
	st->last = window == st->window + 1 ? st->n : 0;
	st->window = window;
	st->n = 0;
	drop_classes(st);
}

static void
count(struct correlator *corr)
{
	struct storm *st = &corr->storm;

	roll(corr);
	st->n++;
	if (st->on || st->n <= limits(corr)->storm)
		return;
	st->on = true;
	drop_classes(st);
	dl_arm(corr, &st->tick, DL_STORM, corr, corr->now);
}

void
storm_told(struct correlator *corr, const struct corr_alarm *al)
{
	if (limits(corr)->storm != 0 && al->a.origin != ALARM_BY_SELF && !corr->storm.letting_out)
		count(corr);
}

bool
storm_holds(struct correlator *corr, const struct corr_alarm *al)
{
	struct storm_class *c;

	if (!corr->storm.on || limits(corr)->storm == 0 || corr->storm.letting_out ||
	    al->a.severity >= SEV_MAJOR || al->a.origin == ALARM_BY_SELF || al->a.announced)
		return false;
	roll(corr);
	c = class_of(&corr->storm, al->rec != NULL ? al->a.alarm_id : "");
	if (c->n < limits(corr)->storm_pass) {
		c->n++;
		return false;
	}
	corr->storm.n++;
	return true;
}

bool
storm_is_held(const struct corr_alarm *al)
{
	return al->a.status == SUPPR_HELD && !dl_armed(&al->notice);
}

/* ---- every window ------------------------------------------------------------------------------- */

/* Returns how many are held after it. */
static uint64_t
let_out(struct correlator *corr, uint64_t room)
{
	struct corr_alarm *al, *next;
	uint64_t left = 0;

	corr->storm.letting_out = true;
	for (al = corr->active.head; al != NULL; al = next) {
		next = al->next;
		if (!storm_is_held(al))
			continue;
		if (room > 0)
			rel_show(corr, al);
		else
			left++;
		room -= room > 0;
	}
	corr->storm.letting_out = false;
	return left;
}

static bool
is_told(const struct correlator *corr)
{
	const struct corr_alarm *al = al_find(corr, STORM_ID, STORM_ENTITY);

	return al != NULL && !al->a.cleared;
}

static void
tell(struct correlator *corr)
{
	char within[FM_SPAN_STR], text[256];

	snprintf(text, sizeof(text), "More than %u announcements within %s: further warning and minor "
		 "alarms are listed as held and announced when there is room", limits(corr)->storm,
		 fm_span_format(limits(corr)->storm_window, within));
	self_alarm(corr, STORM_ID, STORM_ENTITY, SEV_NONE, text);
}

static void
next_tick(struct correlator *corr)
{
	struct storm *st = &corr->storm;

	dl_arm(corr, &st->tick, DL_STORM, corr,
	       (struct fm_time){(st->window + 1) * limits(corr)->storm_window.ns});
}

void
storm_tick(struct correlator *corr)
{
	struct storm *st = &corr->storm;
	const uint64_t most = limits(corr)->storm;
	uint64_t room, left;

	roll(corr);
	if (!is_told(corr) && most > 0) {
		tell(corr);
		next_tick(corr);
		return;
	}
	room = most == 0 ? UINT64_MAX : most > st->last ? most - st->last : 0;
	left = let_out(corr, room);
	if (left > 0 || (most > 0 && st->last >= most - most / 2)) {
		next_tick(corr);
		return;
	}
	st->on = false;
	drop_classes(st);
	if (is_told(corr))
		al_clear(corr, al_find(corr, STORM_ID, STORM_ENTITY));
}

/* ---- rows ----------------------------------------------------------------------------------------- */

/* "<window> <n> <last>", and a line "<n> <alarm id>" for each class. */
static void
put(const struct storm *st, row_sink_f *sink, void *ctx)
{
	struct fm_buf b = {0};

	fm_buf_addf(&b, "%lld %llu %llu\n", (long long)st->window, (unsigned long long)st->n,
		    (unsigned long long)st->last);
	for (const struct storm_class *c = st->classes; c != NULL; c = c->hh.next)
		fm_buf_addf(&b, "%llu %s\n", (unsigned long long)c->n, c->alarm_id);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = STORM_NAME, .num = st->on,
		.body = {b.s, (uint32_t)b.len}}};

	sink(ctx, &row);
	fm_buf_fini(&b);
}

void
storm_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	if (corr->storm.dirty)
		put(&corr->storm, sink, ctx);
	corr->storm.dirty = false;
}

void
storm_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	if (corr->storm.window != 0)
		put(&corr->storm, sink, ctx);
}

static void
restore_classes(struct storm *st, char *line)
{
	char *end;

	for (; line != NULL && *line != '\0'; line = end) {
		char *id;
		const uint64_t n = strtoull(line, &id, 10);

		end = strchr(line, '\n');
		if (end == NULL || *id != ' ')
			return;
		*end++ = '\0';
		class_of(st, id + 1)->n = n;
	}
}

void
storm_restore(struct correlator *corr, const struct row_kept *r)
{
	struct storm *st = &corr->storm;
	FM_CLEANUP(fm_freep) char *text = r->body.p != NULL ?
		fm_strndup(r->body.p, r->body.len) : fm_strdup("");
	char *p;

	st->on = r->num != 0;
	st->window = strtoll(text, &p, 10);
	st->n = strtoull(p, &p, 10);
	st->last = strtoull(p, &p, 10);
	if (st->window < 0 || st->window > INT64_MAX / FM_NS_PER_S)
		st->window = 0;         /* no such number was kept */
	if (st->on && *p == '\n')
		restore_classes(st, p + 1);
}

void
storm_free(struct correlator *corr)
{
	drop_classes(&corr->storm);
	dl_cancel(corr, &corr->storm.tick);
}
