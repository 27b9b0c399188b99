/*
 * spoil: an input partition with too many records that cannot be read is paused. A few bad records
 * are put aside one by one; a producer that has changed its format would drain the whole topic into
 * quarantine, and it could be read after the next release.
 *
 *              more than limits.bad_records of the last 1,000 are bad
 *     WATCHED -------------------------------------------------------> PAUSED, 990.014
 *        ^                                                                |  fm input-resume
 *        |  1,000 records with no more bad ones than that                 v
 *        +------------------------------------------------------------ RESUMED: whatever comes
 *
 * The one record that was too many stays unread, and so does all behind it. State and position are of
 * one transaction; the window of the last records is not kept, a start begins a new one.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define PAUSED_ID "990.014"

static const char *const state_name[] = {
	[SPOIL_WATCHED] = "", [SPOIL_PAUSED] = "paused", [SPOIL_RESUMED] = "resumed",
};

static void
make_entity(const struct part *p, char ret[SPOIL_ENTITY])
{
	snprintf(ret, SPOIL_ENTITY, "service=fmd.topic=%.200s.partition=%d", p->topic, p->partition);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static char *
meta_name(const struct part *p)
{
	return fm_asprintf("spoil/%s/%d", p->topic, p->partition);
}

void
spoil_restore(struct daemon *d, struct part *p)
{
	FM_CLEANUP(fm_freep) char *name = meta_name(p), *value = NULL;

	if (store_meta(d->store, name, &value) < 0)
		return;
	for (unsigned i = 0; i < FM_ARRAY_LEN(state_name); i++)
		if (strcmp(state_name[i], value) == 0)
			p->spoil.state = (enum spoil_state)i;
}

int
spoil_keep(struct daemon *d, struct part *p)
{
	FM_CLEANUP(fm_freep) char *name = p->spoil.dirty ? meta_name(p) : NULL;

	p->spoil.dirty = false;
	return name == NULL ? 0 :
		store_put_meta(d->store, name, state_name[p->spoil.state], &d->err);
}

static void
enter(struct part *p, enum spoil_state state)
{
	p->spoil = (struct spoil){.state = state, .dirty = true};
	p->dirty = true;
}

/* ---- the window ------------------------------------------------------------------------------- */

static void
note(struct spoil *s, bool bad)
{
	uint64_t *word = &s->was_bad[s->at / 64];
	const uint64_t bit = UINT64_C(1) << s->at % 64;

	if (s->n < SPOIL_WINDOW)
		s->n++;
	else if ((*word & bit) != 0)
		s->n_bad--;
	*word = bad ? *word | bit : *word & ~bit;
	s->n_bad += bad;
	s->at = (s->at + 1) % SPOIL_WINDOW;
}

/* Another bad one: one too many? What leaves the window to make room for it no longer counts. */
static bool
is_too_much(const struct daemon *d, const struct spoil *s)
{
	const bool leaves = s->n == SPOIL_WINDOW &&
		(s->was_bad[s->at / 64] & UINT64_C(1) << s->at % 64) != 0;

	return s->state == SPOIL_WATCHED && d->conf->bad_records > 0 &&
		s->n_bad - leaves >= d->conf->bad_records;
}

static void
pause_part(struct daemon *d, struct part *p, int64_t offset, const char *why)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	char entity[SPOIL_ENTITY];

	fm_buf_addf(&text, "%s, partition %d: %llu of the last %u records could not be read, nor can "
		    "that at offset %lld (%s); it is paused there, see fm input-resume", p->topic,
		    p->partition, (unsigned long long)p->spoil.n_bad, p->spoil.n, (long long)offset,
		    why);
	make_entity(p, entity);
	enter(p, SPOIL_PAUSED);
	self_set(d, PAUSED_ID, entity, true, text.s);
	log_line(LOG_ERROR, "kafka", "%s", text.s);
	(void)kafka_source_hold(d->source, p->topic, p->partition);
	input_update_deaf(d);
}

bool
spoil_pauses(struct daemon *d, struct part *p, int64_t offset, const char *why)
{
	if (!is_too_much(d, &p->spoil))
		return false;
	pause_part(d, p, offset, why);
	return true;
}

void
spoil_note(struct daemon *d, struct part *p, bool bad)
{
	struct spoil *s = &p->spoil;

	note(s, bad);
	if (s->state == SPOIL_RESUMED && s->n == SPOIL_WINDOW && s->n_bad <= d->conf->bad_records)
		enter(p, SPOIL_WATCHED);
}

/* ---- the way out ------------------------------------------------------------------------------- */

struct fm_time
spoil_since(const struct daemon *d, const struct part *p)
{
	char entity[SPOIL_ENTITY];

	make_entity(p, entity);
	const struct alarm *al = corr_find_alarm(d->corr, PAUSED_ID, entity);

	return al != NULL && !al->cleared ? al->changed_at : corr_now(d->corr);
}

void
spoil_resume(struct daemon *d, struct part *p)
{
	char entity[SPOIL_ENTITY];

	make_entity(p, entity);
	enter(p, SPOIL_RESUMED);
	self_level(d, PAUSED_ID, entity, false, "");
}

/* What an operator deletes while it holds comes back; what the store brought back with it goes. */
void
spoil_tick(struct daemon *d, const struct part *p)
{
	char entity[SPOIL_ENTITY];

	make_entity(p, entity);
	self_level(d, PAUSED_ID, entity, p->spoil.state == SPOIL_PAUSED,
		   "Too many records could not be read: reading is paused, see fm input-resume");
}
