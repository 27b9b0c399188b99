/*
 * rules: facts -> wanted alarms, by the catalogue. A "While" rule keeps a slot as long as its fact
 * holds (the slot's diagram is in correlator_priv.h); an "On" rule makes an alarm with an expiry,
 * or a log.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

/* ---- slots ---------------------------------------------------------------------------------- */

static struct slot **
slots_of(struct instance *inst, struct host *host)
{
	return inst != NULL ? &inst->slots : &host->slots;
}

struct slot *
slot_new(struct correlator *corr, const struct cat_rule *rule, struct instance *inst,
	 struct host *host, struct fm_time since)
{
	struct slot *slot = fm_calloc(1, sizeof(*slot)), **pp = slots_of(inst, host);

	(void)corr;
	slot->rule = rule;
	slot->inst = inst;
	slot->host = inst != NULL ? NULL : host;
	slot->since = since;
	while (*pp != NULL)
		pp = &(*pp)->next;
	*pp = slot;
	return slot;
}

void
slot_free(struct correlator *corr, struct slot *slot)
{
	struct slot **pp = slots_of(slot->inst, slot->host);

	while (*pp != slot)
		pp = &(*pp)->next;
	*pp = slot->next;
	dl_cancel(corr, &slot->timer);
	dl_cancel(corr, &slot->next_step);
	if (slot->al != NULL)
		slot->al->slot = NULL;
	if (slot->phase == SLOT_CLOSED)
		keep_closed(corr, slot, false);
	free(slot);
}

static struct slot *
slot_find(struct instance *inst, struct host *host, const struct cat_rule *rule)
{
	struct slot *slot = *slots_of(inst, host);

	while (slot != NULL && slot->rule != rule)
		slot = slot->next;
	return slot;
}

static struct fact_values
slot_values(const struct slot *slot)
{
	struct fact_values v;

	if (slot->inst == NULL)
		return (struct fact_values){.host = slot->host, .count = EV_ABSENT};
	v = inst_values(slot->inst);
	v.reason = slot->inst->fault;
	return v;
}

/* ---- building alarms ------------------------------------------------------------------------- */

static enum severity
severity_by_threshold(const struct correlator *corr, const struct cat_rule *rule,
		      const struct fact_values *v)
{
	const struct cat_threshold *th = &rule->threshold;
	int64_t of, per = 1;

	if (th->of < 0)
		return rule->severity;
	of = value_int(corr, v, th->of);
	if (th->per >= 0)
		per = value_int(corr, v, th->per);
	if (of == EV_ABSENT || per == EV_ABSENT || per <= 0)
		return SEV_NONE;
	const double x = (double)of / (double)per;

	for (int sev = SEV_CRITICAL; sev > SEV_NONE; sev--)
		if (th->given[sev] && (x > th->above[sev] ||
				       (th->or_equal[sev] && x >= th->above[sev])))
			return (enum severity)sev;
	return SEV_NONE;
}

/* Entity and text lie in the correlator's scratch buffers until the next call. */
static bool
spec_from_rule(struct correlator *corr, const struct cat_rule *rule, enum severity sev,
	       const struct cat_text *text, const struct fact_values *v, struct alarm_spec *ret)
{
	*ret = (struct alarm_spec){.rule = rule, .inst = v->inst, .host = v->host,
		.raised_at = corr->now};
	spec_from_record(ret, rule->record, sev);
	if (!text_entity(rule->record->entity_form, v, &corr->scratch))
		return false;
	text_render(text != NULL ? text : cat_text_for(rule->record, sev), v, corr, &corr->text);
	ret->entity = corr->scratch.s;
	ret->text = corr->text.s;
	ret->n_attrs = fact_attrs(corr, rule->fact, v, ret->attrs);
	return true;
}

static void
slot_raise(struct correlator *corr, struct slot *slot)
{
	const struct fact_values v = slot_values(slot);
	struct alarm_spec spec;

	if (!spec_from_rule(corr, slot->rule, slot->rule->severity, NULL, &v, &spec))
		return;
	spec.raised_at = slot->since;
	slot->phase = SLOT_RAISED;
	slot->al = al_set(corr, &spec);
	if (slot->al != NULL) {
		slot->al->slot = slot;
		rules_arm_step(corr, slot);
	}
}

/* ---- escalation ------------------------------------------------------------------------------ */

/* False: this step has no limit to wait for. */
static bool
step_due(const struct correlator *corr, const struct slot *slot, const struct cat_step *step,
	 struct fm_time *ret)
{
	const struct cat_limits *lim = cat_limits(corr->cat);
	const struct attempt *at = slot->inst != NULL ? slot->inst->attempt : NULL;
	const int64_t hard = slot->inst != NULL ? attempt_hard_limit_s(corr, slot->inst) : 0;
	struct fm_span after = step->span;

	if (step->after != AFTER_SPAN) {
		int64_t s = hard;

		if (hard == 0 || at == NULL || (at->flags & (AT_F_START_UNKNOWN | AT_F_POSTCOPY)))
			return false;
		if (step->after == AFTER_SOFT_LIMIT)
			s = lim->soft_s < hard ? lim->soft_s : hard;
		else if (step->after == AFTER_UNKNOWN_LIMIT)
			s = 2 * hard > lim->unknown_s ? 2 * hard : lim->unknown_s;
		after = fm_span_s(s);
	}
	*ret = fm_time_add(slot->since, after);
	return true;
}

/* The soft limit says nothing where it is off, or the hard one comes no later. */
static bool
is_moot(const struct correlator *corr, const struct slot *slot, const struct cat_step *step)
{
	const int64_t hard = slot->inst != NULL ? attempt_hard_limit_s(corr, slot->inst) : 0;
	const int64_t soft = cat_limits(corr->cat)->soft_s;

	return step->after == AFTER_SOFT_LIMIT && (soft == 0 || (hard > 0 && hard <= soft));
}

void
rules_arm_step(struct correlator *corr, struct slot *slot)
{
	struct fm_time due;

	while (slot->step < slot->rule->n_steps &&
	       is_moot(corr, slot, &slot->rule->steps[slot->step])) {
		slot->step++;
		if (slot->al != NULL)
			al_dirty(corr, slot->al);
	}
	if (slot->step < slot->rule->n_steps &&
	    step_due(corr, slot, &slot->rule->steps[slot->step], &due))
		dl_arm(corr, &slot->next_step, DL_STEP, slot, due);
	else
		dl_cancel(corr, &slot->next_step);
}

void
rules_step(struct correlator *corr, struct slot *slot)
{
	const struct cat_step *step = &slot->rule->steps[slot->step];
	const struct fact_values v = slot_values(slot);
	enum severity sev;

	slot->step++;
	if (slot->al != NULL) {
		sev = step->severity != SEV_NONE ? step->severity : slot->al->a.severity;
		text_render(step->text != NULL ? step->text :
			    cat_text_for(slot->rule->record, sev), &v, corr, &corr->text);
		al_change(corr, slot->al, sev,
			  step->text != NULL ? corr->text.s : slot->al->a.reason_text);
		al_dirty(corr, slot->al);
	}
	rules_arm_step(corr, slot);
}

void
rules_rearm(struct correlator *corr, struct instance *inst)
{
	for (struct slot *slot = inst->slots; slot != NULL; slot = slot->next)
		if (slot->phase == SLOT_RAISED)
			rules_arm_step(corr, slot);
}

/* ---- facts --------------------------------------------------------------------------------------- */

static void
enter_rule(struct correlator *corr, const struct cat_rule *rule, struct instance *inst,
	   struct host *host, struct fm_time since)
{
	struct slot *slot = slot_find(inst, host, rule);

	if (slot != NULL) {                     /* arrow 9 */
		if (slot->phase == SLOT_LEAVING) {
			dl_cancel(corr, &slot->timer);
			slot->phase = SLOT_RAISED;
			al_dirty(corr, slot->al);
		}
		return;
	}
	slot = slot_new(corr, rule, inst, host, since);
	const struct fm_time due = fm_time_add(since, rule->hold_on);

	if (rule->hold_on.ns > 0 && due.ns > corr->now.ns) {
		slot->phase = SLOT_PENDING;
		dl_arm(corr, &slot->timer, DL_HOLD_ON, slot, due);
	} else {
		slot_raise(corr, slot);
	}
}

static void
leave_rule(struct correlator *corr, struct slot *slot)
{
	struct corr_alarm *al = slot->al;

	if (slot->phase == SLOT_RAISED && slot->rule->hold_off.ns > 0) {
		slot->phase = SLOT_LEAVING;
		dl_arm(corr, &slot->timer, DL_HOLD_OFF, slot,
		       fm_time_add(corr->now, slot->rule->hold_off));
		return;
	}
	if (slot->phase == SLOT_LEAVING)
		return;
	slot_free(corr, slot);
	if (al != NULL)
		al_clear(corr, al);
}

void
rules_enter(struct correlator *corr, enum fact_id fact, struct instance *inst, struct host *host,
	    struct fm_time since)
{
	const struct cat_rule *const *rule;
	const unsigned n = cat_rules_on(corr->cat, fact, &rule);

	for (unsigned i = 0; i < n; i++) {
		if (rule[i]->group.by_host)
			group_enter(corr, rule[i], inst);
		else
			enter_rule(corr, rule[i], inst, host, since);
	}
}

void
rules_leave(struct correlator *corr, enum fact_id fact, struct instance *inst, struct host *host)
{
	const struct cat_rule *const *rule;
	const unsigned n = cat_rules_on(corr->cat, fact, &rule);

	for (unsigned i = 0; i < n; i++) {
		struct slot *slot = slot_find(inst, host, rule[i]);

		if (slot != NULL)
			leave_rule(corr, slot);
		if (rule[i]->group.by_host)
			group_leave(corr, rule[i], inst);
	}
}

void
rules_hold_on(struct correlator *corr, struct slot *slot)
{
	slot_raise(corr, slot);
}

void
rules_hold_off(struct correlator *corr, struct slot *slot)
{
	struct corr_alarm *al = slot->al;

	slot_free(corr, slot);
	if (al != NULL)
		al_clear(corr, al);
}

/* An operator cleared the alarm while its fact holds: it stays closed until the fact ends. */
void
rules_closed(struct correlator *corr, struct corr_alarm *al)
{
	struct slot *slot = al->slot;

	if (slot == NULL)
		return;
	dl_cancel(corr, &slot->timer);
	dl_cancel(corr, &slot->next_step);
	if (slot->phase == SLOT_LEAVING) {
		slot_free(corr, slot);
		return;
	}
	slot->phase = SLOT_CLOSED;
	slot->al = NULL;
	al->slot = NULL;
	keep_closed(corr, slot, true);
}

void
rules_event(struct correlator *corr, enum fact_id fact, const struct fact_values *v)
{
	const struct cat_rule *const *rule;
	const unsigned n = cat_rules_on(corr->cat, fact, &rule);

	corr->effect = corr->effect || n > 0;
	for (unsigned i = 0; i < n; i++) {
		const enum severity sev = severity_by_threshold(corr, rule[i], v);
		struct alarm_spec spec;

		if (sev == SEV_NONE || !spec_from_rule(corr, rule[i], sev, NULL, v, &spec))
			continue;
		if (rule[i]->record->is_log)
			al_log(corr, &spec);
		else
			(void)al_set(corr, &spec);
	}
}

/* ---- rules by number, for the store ---------------------------------------------------------- */

const struct cat_rule *
rules_find(const struct correlator *corr, const char *alarm_id, int64_t index)
{
	const struct cat_record *rec = cat_find(corr->cat, alarm_id);

	return rec != NULL && index >= 0 && index < (int64_t)rec->n_rules ? &rec->rules[index] :
		NULL;
}

int64_t
rules_index(const struct cat_rule *rule)
{
	return rule != NULL ? rule - rule->record->rules : -1;
}
