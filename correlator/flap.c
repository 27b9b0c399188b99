/*
 * flap: a state that comes and goes. A slot whose rule has Flap counts its raises; from so many within
 * so long on its alarm stays, marked, until the state has not changed for the quiet time.
 */
#include "correlator/refused_priv.h"

#include <stdlib.h>

void
flap_free(struct correlator *corr, struct slot *slot)
{
	if (slot->flap == NULL)
		return;
	dl_cancel(corr, &slot->flap->timer);
	fm_freep(&slot->flap);
}

/* Always a new row: what it carries has changed even when the due time has not. */
static void
flap_arm(struct correlator *corr, struct slot *slot)
{
	const struct cat_flap *rule = &slot->rule->flap;
	struct flap *flap = slot->flap;

	dl_cancel(corr, &flap->timer);
	dl_arm(corr, &flap->timer, DL_FLAP, slot,
	       fm_time_add(corr->now, flap->on ? rule->quiet : rule->within));
}

void
flap_count(struct correlator *corr, struct slot *slot)
{
	const struct cat_flap *rule = &slot->rule->flap;
	struct flap *flap = slot->flap;
	unsigned kept = 0;

	if (rule->count == 0)
		return;
	if (flap == NULL)
		flap = slot->flap = fm_calloc(1, sizeof(*flap));
	for (unsigned i = flap->n == CAT_MAX_FLAP; i < flap->n; i++)
		if (corr->now.ns - flap->at_ns[i] <= rule->within.ns)
			flap->at_ns[kept++] = flap->at_ns[i];
	flap->at_ns[kept++] = corr->now.ns;
	flap->n = kept;
	flap->on = flap->n >= rule->count;
	flap->gone = false;
	flap_arm(corr, slot);
}

bool
flap_is_on(const struct slot *slot)
{
	return slot->flap != NULL && slot->flap->on;
}

/* Its fact does not hold right now. */
bool
flap_is_gone(const struct slot *slot)
{
	return flap_is_on(slot) && slot->flap->gone;
}

void
flap_mark(struct correlator *corr, const struct slot *slot, struct alarm_spec *spec)
{
	char within[FM_SPAN_STR];

	if (!flap_is_on(slot))
		return;
	fm_buf_addf(&corr->text, "; it comes and goes: %u times within %s", slot->flap->n,
		    fm_span_format(slot->rule->flap.within, within));
	spec->text = corr->text.s;
	if (spec->n_attrs < FM_ALARM_MAX_ATTRS)
		spec->attrs[spec->n_attrs++] = (struct attr){
			.name = fact_attr_name(ATTR_FLAPPING), .num = slot->flap->n};
}

/* The fact came or went once more: the last state is remembered and the quiet time starts anew. */
void
flap_turn(struct correlator *corr, struct slot *slot, bool gone)
{
	slot->flap->gone = gone;
	if (!gone)
		slot->al->a.count++;
	al_dirty(corr, slot->al);
	flap_arm(corr, slot);
}

void
flap_to_text(const struct slot *slot, struct fm_buf *b)
{
	const struct flap *flap = slot->flap;

	fm_buf_addf(b, "%d %d", flap->on, flap->gone);
	for (unsigned i = 0; i < flap->n; i++)
		fm_buf_addf(b, " %lld", (long long)flap->at_ns[i]);
}

void
flap_restore(struct slot *slot, const char *text)
{
	struct flap *flap = slot->flap = fm_calloc(1, sizeof(*flap));
	char *p;

	flap->on = strtol(text, &p, 10) != 0;
	flap->gone = strtol(p, &p, 10) != 0;
	while (*p == ' ' && flap->n < CAT_MAX_FLAP)
		flap->at_ns[flap->n++] = strtoll(p, &p, 10);
}
