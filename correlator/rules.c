/*
 * rules: facts -> wanted alarms, by the catalogue. A "While" rule keeps a slot as long as its fact
 * holds (the slot's diagram is in correlator_priv.h); an "On" rule makes an alarm with an expiry,
 * or a log. Of a record's states that hold at once one has the slot, the others wait as facts of the
 * tracker: heir_of finds them when it ends.
 */
#include "correlator/refused_priv.h"

#include <stdlib.h>

/* ---- slots ---------------------------------------------------------------------------------- */

static struct slot **
slots_of(struct instance *inst, struct host *host)
{
	return inst != NULL ? &inst->slots : &host->slots;
}

static bool
comes_before(const struct cat_rule *a, const struct cat_rule *b)
{
	const int c = strcmp(a->record->id, b->record->id);

	return c != 0 ? c < 0 : rules_index(a) < rules_index(b);
}

/* In the order of the catalogue, which a restart keeps. */
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
	while (*pp != NULL && comes_before((*pp)->rule, rule))
		pp = &(*pp)->next;
	slot->next = *pp;
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
	flap_free(corr, slot);
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

struct fact_values
rules_values(const struct cat_rule *rule, struct instance *inst, struct host *host)
{
	struct fact_values v;

	if (inst == NULL)
		return (struct fact_values){.host = host, .count = EV_ABSENT,
			.reason = host_reason(host, rule->fact)};
	v = inst_values(inst);
	v.reason = cat_fact_carries(rule->fact, ATTR_REASON) ? inst->fault : NULL;
	if (rule->fact != FACT_INSTANCE_MIGRATING)
		v.at = NULL;            /* no concern of the last live migration */
	return v;
}

static struct fact_values
slot_values(const struct slot *slot)
{
	struct fact_values v = rules_values(slot->rule, slot->inst, slot->host);

	v.moved = moves_told(slot->al);
	return v;
}

/* ---- building alarms ------------------------------------------------------------------------- */

enum severity
rules_severity(const struct correlator *corr, const struct cat_rule *rule,
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

bool
spec_from_rule(struct correlator *corr, const struct cat_rule *rule, enum severity sev,
	       const struct cat_text *text, const struct fact_values *v, struct alarm_spec *ret)
{
	*ret = (struct alarm_spec){.rule = rule, .inst = v->inst, .host = v->host,
		.raised_at = corr->now};
	spec_from_record(ret, rule->record, sev);
	if (rule->cause >= 0)
		ret->cause = rule->cause;
	if (!text_entity(rule->record->entity_form, v, &corr->scratch))
		return false;
	text_render(text != NULL ? text : cat_text_for(rule->record, sev), v, corr, &corr->text);
	ret->text = corr->text.s;
	ret->entity = corr->scratch.s;
	if (v->root != NULL)
		ret->root_cause = v->root->a.uuid;
	ret->n_attrs = fact_attrs(corr, rule->fact, v, ret->attrs);
	return true;
}

/* ---- raising --------------------------------------------------------------------------------- */

/* Kept for what it has counted; what it does next is its timer's. */
static void
slot_idle(struct correlator *corr, struct slot *slot)
{
	dl_cancel(corr, &slot->timer);
	dl_cancel(corr, &slot->next_step);
	slot->phase = SLOT_IDLE;
}

/* No alarm came of it, so nothing is left of it that a restart would not have. */
static void
slot_refused(struct correlator *corr, struct slot *slot)
{
	if (slot->flap != NULL)
		slot_idle(corr, slot);
	else
		slot_free(corr, slot);
}

/*
 * An alarm is one slot's: where the entity does not tell subjects apart, the first one's, and it ends
 * with that one's fact. What a producer had set becomes the slot's, as its row will say.
 */
static bool
slot_takes(const struct slot *slot, struct corr_alarm *al)
{
	if (al->slot != NULL || al->group != NULL ||
	    (slot->inst == NULL && al->host != slot->host))
		return false;
	al->rule = slot->rule;
	al_link_inst(al, slot->inst);
	return true;
}

/*
 * A record has one alarm for a subject, whichever of its states hold. It goes on as that of slot when
 * the other's state has ended and its alarm has not, or is less severe. Returns the alarm, NULL: none
 * is up.
 */
static struct corr_alarm *
take_over(struct correlator *corr, struct slot *slot)
{
	struct slot *other = *slots_of(slot->inst, slot->host), *next;
	struct corr_alarm *al = NULL;

	for (; other != NULL; other = next) {
		next = other->next;
		if (other == slot || other->rule->record != slot->rule->record || other->al == NULL)
			continue;
		al = other->al;
		al_unmark(corr, al, fact_attr_name(ATTR_FLAPPING));
		slot_free(corr, other);
	}
	return al;
}

/* Another state of the record holds, and its alarm is no less severe: it tells. */
static bool
is_outdone(const struct slot *slot, enum severity sev)
{
	const struct slot *other = *slots_of(slot->inst, slot->host);

	for (; other != NULL; other = other->next)
		if (other != slot && other->rule->record == slot->rule->record &&
		    other->phase == SLOT_RAISED && !flap_is_gone(other) &&
		    other->al->a.severity >= sev)
			return true;
	return false;
}

static void
slot_raise(struct correlator *corr, struct slot *slot)
{
	const struct fact_values v = slot_values(slot);
	struct corr_alarm *al, *was;
	struct alarm_spec spec;
	bool takes;
	const bool again = corr->prev_cat != NULL;      /* a reload, which is no occurrence */

	if (!again || slot->flap == NULL)
		flap_count(corr, slot);
	if (is_outdone(slot, slot->rule->severity) ||
	    !spec_from_rule(corr, slot->rule, slot->rule->severity, slot->rule->text, &v, &spec) ||
	    (again && al_is_of_another(corr, &spec, slot))) {
		slot_refused(corr, slot);
		return;
	}
	flap_mark(corr, slot, &spec);
	if (slot->inst != NULL && attempt_is_broken(slot->inst))
		spec.host = attempt_failed_side(slot->inst->attempt);
	spec.raised_at = slot->since;
	was = take_over(corr, slot);
	slot->phase = SLOT_RAISED;
	al = al_set(corr, &spec);
	takes = al != NULL && slot_takes(slot, al);
	if (was != NULL && was != al)
		al_clear(corr, was);    /* its entity is no longer what it was */
	if (!takes) {
		slot_refused(corr, slot);
		return;
	}
	slot->al = al;
	al->slot = slot;
	rules_arm_step(corr, slot);
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

	if (step->after == AFTER_POSTCOPY)
		return false;
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

/* Post-copy comes when it comes; the steps it precedes are void, no limit applies any more. */
static bool
skip_to_postcopy(struct slot *slot)
{
	const struct cat_rule *rule = slot->rule;
	const unsigned last = rule->n_steps - 1;

	if (slot->step >= rule->n_steps || rule->steps[last].after != AFTER_POSTCOPY ||
	    slot->inst == NULL || !attempt_is_open(slot->inst) ||
	    !(slot->inst->attempt->flags & AT_F_POSTCOPY))
		return false;
	slot->step = last;
	return true;
}

void
rules_arm_step(struct correlator *corr, struct slot *slot)
{
	struct fm_time due;

	if (slot->phase == SLOT_LEAVING || flap_is_gone(slot)) {
		dl_cancel(corr, &slot->next_step);      /* armed anew when the state is back */
		return;
	}
	if (skip_to_postcopy(slot)) {
		dl_cancel(corr, &slot->next_step);
		rules_step(corr, slot);
		return;
	}
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

/* What a step makes the text; NULL: it stays. */
static const struct cat_text *
text_of_step(const struct slot *slot, const struct cat_step *step, enum severity sev)
{
	const struct cat_record *rec = slot->rule->record;
	const struct cat_text *text = cat_text_for(rec, sev);

	if (step->text != NULL)
		return step->text;
	if (slot->rule->text != NULL || flap_is_on(slot) ||
	    text == cat_text_for(rec, slot->al->a.severity))
		return NULL;
	return text;
}

static void
escalate(struct correlator *corr, struct slot *slot, const struct cat_step *step)
{
	const struct fact_values v = slot_values(slot);
	struct corr_alarm *al = slot->al;
	const enum severity sev = step->severity > al->a.severity ? step->severity : al->a.severity;
	const struct cat_text *text = text_of_step(slot, step, sev);

	if (text != NULL)
		text_render(text, &v, corr, &corr->text);
	al_set_attrs(corr, al, &v, slot->rule->fact);
	if (sev != al->a.severity)
		al_set_advice(al, slot->rule->record, sev);
	al_change(corr, al, sev, text != NULL ? corr->text.s : al->a.reason_text);
	al_dirty(corr, al);
}

void
rules_step(struct correlator *corr, struct slot *slot)
{
	if (slot->step >= slot->rule->n_steps)
		return;                 /* another catalogue's rule has fewer */
	const struct cat_step *step = &slot->rule->steps[slot->step++];

	if (slot->al != NULL)
		escalate(corr, slot, step);
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
enter_again(struct correlator *corr, struct slot *slot)
{
	if (slot->phase == SLOT_LEAVING) {      /* arrow 9 */
		dl_cancel(corr, &slot->timer);
		slot->phase = SLOT_RAISED;
		al_dirty(corr, slot->al);
		rules_arm_step(corr, slot);
	} else if (slot->phase == SLOT_RAISED && flap_is_gone(slot)) {
		flap_turn(corr, slot, false);
		rules_arm_step(corr, slot);
	}
}

static struct slot *
slot_begun(struct correlator *corr, const struct cat_rule *rule, struct instance *inst,
	   struct host *host, struct fm_time since)
{
	struct slot *slot = slot_find(inst, host, rule);

	if (slot == NULL)
		slot = slot_new(corr, rule, inst, host, since);
	slot->since = since;
	slot->step = 0;
	return slot;
}

static void
enter_rule(struct correlator *corr, const struct cat_rule *rule, struct instance *inst,
	   struct host *host, struct fm_time since)
{
	const struct fm_time due = fm_time_add(since, rule->hold_on);
	struct slot *slot = slot_find(inst, host, rule);

	if (slot != NULL && slot->phase != SLOT_IDLE) {
		enter_again(corr, slot);
		return;
	}
	slot = slot_begun(corr, rule, inst, host, since);
	if (rule->hold_on.ns > 0 && due.ns > corr->now.ns) {
		slot->phase = SLOT_PENDING;
		dl_arm(corr, &slot->timer, DL_HOLD_ON, slot, due);
	} else {
		slot_raise(corr, slot);
	}
}

static bool
holds(const struct slot *slot, enum fact_id fact)
{
	return slot->inst != NULL ? inst_holds(slot->inst, fact) : host_holds(slot->host, fact);
}

/* Of a record's rules on one fact the first that applies. */
static bool
applies(const struct correlator *corr, const struct slot *slot, const struct cat_rule *rule)
{
	const struct fact_values v = rules_values(rule, slot->inst, slot->host);
	const struct cat_rule *r = rule->record->rules;

	while (r < rule && (r->fact != rule->fact || !cond_holds(corr, &r->when, &v)))
		r++;
	return r == rule && cond_holds(corr, &rule->when, &v);
}

/* The rule on another state of the record that holds, the most severe one; NULL: none does. */
static const struct cat_rule *
heir_of(const struct correlator *corr, const struct slot *slot)
{
	const struct cat_record *rec = slot->rule->record;
	const struct cat_rule *heir = NULL;

	for (unsigned i = 0; i < rec->n_rules; i++) {
		const struct cat_rule *rule = &rec->rules[i];
		const struct slot *has = slot_find(slot->inst, slot->host, rule);

		if (rule->fact != slot->rule->fact && fact_is_state(rule->fact) &&
		    rule->group.by == GROUP_NONE && holds(slot, rule->fact) &&
		    (has == NULL || has->phase == SLOT_IDLE) && applies(corr, slot, rule) &&
		    (heir == NULL || rule->severity > heir->severity))
			heir = rule;
	}
	return heir;
}

/* Its state has ended. Its alarm ends too, unless another state of the record holds: then it is that one's. */
static void
slot_end(struct correlator *corr, struct slot *slot)
{
	struct corr_alarm *al = slot->al;
	const struct cat_rule *heir = al != NULL ? heir_of(corr, slot) : NULL;
	struct instance *inst = slot->inst;
	struct host *host = slot->host;

	if (al != NULL) {
		al->slot = NULL;
		slot->al = NULL;
	}
	if (slot->flap != NULL && !flap_is_on(slot) && slot->phase != SLOT_LEAVING &&
	    slot->phase != SLOT_CLOSED)
		slot_idle(corr, slot);
	else
		slot_free(corr, slot);
	if (heir != NULL)
		slot_raise(corr, slot_begun(corr, heir, inst, host, corr->now));
	if (al != NULL && al->slot == NULL)
		al_clear(corr, al);
}

static void
leave_rule(struct correlator *corr, struct slot *slot)
{
	if (slot->phase == SLOT_RAISED && slot->rule->hold_off.ns > 0) {
		slot->phase = SLOT_LEAVING;
		dl_arm(corr, &slot->timer, DL_HOLD_OFF, slot,
		       fm_time_add(corr->now, slot->rule->hold_off));
		rules_arm_step(corr, slot);
		return;
	}
	if (slot->phase == SLOT_LEAVING || slot->phase == SLOT_IDLE)
		return;
	if (slot->phase == SLOT_RAISED && flap_is_on(slot)) {
		if (!slot->flap->gone)
			flap_turn(corr, slot, true);
		rules_arm_step(corr, slot);
		return;
	}
	slot_end(corr, slot);
}

static void
flap_over(struct correlator *corr, struct slot *slot)
{
	const struct fact_values v = slot_values(slot);
	struct corr_alarm *al = slot->al;
	const enum severity sev = al->a.severity;

	if (slot->flap->gone) {
		slot_end(corr, slot);
		return;
	}
	flap_free(corr, slot);
	text_render(slot->rule->text != NULL ? slot->rule->text :
		    cat_text_for(slot->rule->record, sev), &v, corr, &corr->text);
	al_unmark(corr, al, fact_attr_name(ATTR_FLAPPING));
	al_change(corr, al, sev, corr->text.s);
}

/* Nothing has changed for as long as the rule asks, or the last occurrence is too old to count. */
void
rules_quiet(struct correlator *corr, struct slot *slot)
{
	if (flap_is_on(slot) && slot->phase == SLOT_RAISED)
		flap_over(corr, slot);
	else if (slot->phase == SLOT_IDLE)
		slot_free(corr, slot);
	else
		flap_free(corr, slot);
}

/* Its rule applies until its state has ended, whatever the If of others would say by now. */
static bool
is_chosen(const struct slot *slot)
{
	return slot != NULL && (slot->phase == SLOT_PENDING || slot->phase == SLOT_CLOSED ||
				(slot->phase == SLOT_RAISED && !flap_is_gone(slot)));
}

/* Which of a record's rules on the fact applies; NULL: none. */
static const struct cat_rule *
choose(const struct correlator *corr, const struct cat_rule *const *rule, unsigned n,
       struct instance *inst, struct host *host)
{
	const struct fact_values v = rules_values(rule[0], inst, host);

	for (unsigned i = 0; n > 1 && i < n; i++)
		if (is_chosen(slot_find(inst, host, rule[i])))
			return rule[i];
	return cond_first(corr, rule, n, &v);
}

void
rules_enter(struct correlator *corr, enum fact_id fact, struct instance *inst, struct host *host,
	    struct fm_time since)
{
	const struct cat_rule *const *rule;
	const unsigned n = cat_rules_on(corr->cat, fact, &rule);

	for (unsigned i = 0, end; i < n; i = end) {
		const struct cat_rule *chosen;

		end = cond_alternatives(rule, n, i);
		chosen = choose(corr, &rule[i], end - i, inst, host);
		if (chosen == NULL)
			continue;
		if (chosen->group.by != GROUP_NONE)
			group_enter(corr, chosen, inst);
		else
			enter_rule(corr, chosen, inst, host, since);
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
		if (rule[i]->group.by != GROUP_NONE)
			group_leave(corr, rule[i], inst);
	}
}

/* What an escalation has made of the text stays. */
const char *
rules_text(struct correlator *corr, const struct corr_alarm *al)
{
	const struct slot *slot = al->slot;

	if (slot == NULL || slot->phase != SLOT_RAISED || slot->step > 0 || flap_is_on(slot))
		return NULL;
	const struct fact_values v = slot_values(slot);

	text_render(slot->rule->text != NULL ? slot->rule->text :
		    cat_text_for(slot->rule->record, al->a.severity), &v, corr, &corr->text);
	return corr->text.s;
}

static void
tell_reason(struct correlator *corr, const struct slot *slot)
{
	struct corr_alarm *al = slot->al;
	const struct fact_values v = slot_values(slot);

	if (al == NULL)
		return;
	al_set_attrs(corr, al, &v, slot->rule->fact);
	const char *text = rules_text(corr, al);

	if (text != NULL)
		al_change(corr, al, al->a.severity, text);
}

void
rules_reason(struct correlator *corr, enum fact_id fact, struct host *host)
{
	const struct cat_rule *const *rule;
	const unsigned n = cat_rules_on(corr->cat, fact, &rule);

	for (unsigned i = 0; i < n; i++) {
		struct slot *slot = slot_find(NULL, host, rule[i]);

		if (slot != NULL)
			tell_reason(corr, slot);
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
	slot_end(corr, slot);
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
	if (slot->phase == SLOT_LEAVING || flap_is_gone(slot)) {
		slot_free(corr, slot);
		return;
	}
	flap_free(corr, slot);
	slot->phase = SLOT_CLOSED;
	slot->al = NULL;
	al->slot = NULL;
	keep_closed(corr, slot, true);
}

/* ---- events ---------------------------------------------------------------------------------------- */

/* What the rule has raised for the entity that the event is about; NULL: nothing that is up. */
static struct corr_alarm *
raised_for(struct correlator *corr, const struct cat_rule *rule, const struct fact_values *v)
{
	struct corr_alarm *al;

	if (!text_entity(rule->record->entity_form, v, &corr->scratch))
		return NULL;
	al = al_find(corr, rule->record->id, corr->scratch.s);
	return al != NULL && !al->a.cleared && al->rule == rule ? al : NULL;
}

/* Before anybody had told the tenant its entity went without it. */
static struct corr_alarm *
raised_without_tenant(struct correlator *corr, const struct cat_rule *rule,
		      const struct fact_values *v)
{
	if (v->inst == NULL || v->inst->tenant == NULL)
		return NULL;
	struct instance inst = *v->inst;
	struct fact_values before = *v;

	inst.tenant = NULL;
	before.inst = &inst;
	return raised_for(corr, rule, &before);
}

static void
clear_by_event(struct correlator *corr, enum fact_id fact, const struct fact_values *v)
{
	const struct cat_clearing *c;
	const unsigned n = cat_clears_on(corr->cat, fact, &c);

	for (unsigned i = 0; i < n; i++) {
		struct corr_alarm *al;

		if (!cond_holds(corr, &c[i].clear->when, v))
			continue;
		al = raised_for(corr, c[i].rule, v);
		if (al == NULL)
			al = raised_without_tenant(corr, c[i].rule, v);
		if (al != NULL)
			al_clear(corr, al);
	}
}

static void
apply_event(struct correlator *corr, const struct cat_rule *rule, const struct fact_values *v)
{
	const enum severity sev = rules_severity(corr, rule, v);
	struct alarm_spec spec;

	if (sev == SEV_NONE)
		refused_add(corr, rule, v, REFUSED_THRESHOLD);
	else if (rule->group.by != GROUP_NONE)
		group_event(corr, rule, v, sev);
	else if (!spec_from_rule(corr, rule, sev, rule->text, v, &spec))
		return;
	else if (rule->record->is_log)
		al_log(corr, &spec);
	else
		(void)al_set(corr, &spec);
}

void
rules_event(struct correlator *corr, enum fact_id fact, const struct fact_values *v)
{
	const struct cat_rule *const *rule;
	const unsigned n = cat_rules_on(corr->cat, fact, &rule);

	corr->effect = corr->effect || n > 0;
	clear_by_event(corr, fact, v);
	for (unsigned i = 0, end; i < n; i = end) {
		end = cond_alternatives(rule, n, i);
		const struct cat_rule *chosen = cond_first(corr, &rule[i], end - i, v);

		if (chosen != NULL)
			apply_event(corr, chosen, v);
		for (unsigned k = i; chosen == NULL && k < end; k++)
			refused_add(corr, rule[k], v, REFUSED_IF);
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
