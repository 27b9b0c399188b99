/*
 * whynot: why there is no such alarm, for a person who expected one. Looks at what is known now, in
 * the order in which the alarm would have come to be: catalogue, subject, fact, rule. Changes
 * nothing.
 */
#include "correlator/whynot_priv.h"

#include <stdio.h>

/* Two rules that fail for want of the same are one reason. */
void
whynot_tell(struct asking *q, const char *code, const char *fmt, ...)
{
	char text[sizeof(q->text)];
	va_list ap;

	va_start(ap, fmt);
	const int len = vsnprintf(text, sizeof(text), fmt, ap);

	va_end(ap);
	if (len >= (int)sizeof(text))
		text[fm_utf8_cut(text, sizeof(text) - 1, sizeof(text) - 2)] = '\0';
	if (strcmp(text, q->text) == 0)
		return;
	memcpy(q->text, text, sizeof(text));
	q->f(q->ctx, code, text);
}

/* ---- what is there ----------------------------------------------------------------------------- */

static void
tell_active(struct asking *q, const struct corr_alarm *al)
{
	const struct corr_alarm *by = al->masker;
	char at[FM_TIME_STR];

	whynot_tell(q, "active", "it is raised since %s, %s, and %s",
		    fm_time_format(al->a.raised_at, at), severity_name(al->a.severity),
		    al->a.announced ? "announced" : "not announced");
	if (by != NULL)
		whynot_tell(q, "masked", "%s %s masks it", by->a.alarm_id, by->a.entity);
	else if (al->a.status == SUPPR_PARENT)
		whynot_tell(q, "masked", "what masked it does so no more; it is announced after "
			    "its grace");
	else if (storm_is_held(al))
		whynot_tell(q, "held", "too much is announced at present (Storm): it is announced "
			    "when there is room");
	else if (al->a.status == SUPPR_HELD)
		whynot_tell(q, "held", "it waits for its cause until %s (Hold_Notice)",
			    fm_time_format(al->notice.node.due, at));
	else if (al->a.status == SUPPR_WINDOW)
		whynot_tell(q, "maintenance", "the maintenance window \"%s\" hides it",
			    al->a.window);
	else if (al->a.status != SUPPR_NONE)
		whynot_tell(q, "put-aside", "an operator has put it aside: %s",
			    suppression_status_name(al->a.status));
}

/* By the name as first heard; other spellings have been resolved in what alarms say. */
const struct host *
whynot_find_host(const struct asking *q, struct fm_str name)
{
	const struct host *h;

	for (h = q->corr->hosts; h != NULL; h = h->hh.next)
		if (h->name_len == name.len && memcmp(h->name, name.p, name.len) == 0)
			return h;
	return NULL;
}

const struct host *
whynot_host(struct asking *q)
{
	const struct fm_str name = entity_get(q->entity, "host");
	const struct host *h = name.p != NULL ? whynot_find_host(q, name) : NULL;

	if (name.p == NULL)
		whynot_tell(q, "entity", "the rule is about a host, and the entity has no host=");
	else if (h == NULL)
		whynot_tell(q, "unknown-subject", "no record has told of the host %.*s",
			    (int)name.len, name.p);
	return h;
}

struct instance *
whynot_instance(struct asking *q)
{
	const struct fm_str word = entity_get(q->entity, "instance");
	struct instance *inst = NULL;
	struct fm_uuid uuid;
	char at[FM_TIME_STR];

	if (word.p == NULL || !fm_uuid_parse(word.p, word.len, &uuid)) {
		whynot_tell(q, "entity", "the rule is about an instance, and the entity has no "
			    "instance=UUID");
		return NULL;
	}
	inst = inst_find(q->corr, &uuid);
	if (inst == NULL) {
		whynot_tell(q, "unknown-subject", "no record has told of this instance, or it was "
			    "deleted more than a day ago");
		return NULL;
	}
	if (inst->deleted_at.ns == 0)
		return inst;
	whynot_tell(q, "deleted", "the instance was deleted at %s",
		    fm_time_format(inst->deleted_at, at));
	return NULL;
}

/* ---- what was refused ----------------------------------------------------------------------------- */

/* The last time that the rule, or want of room, refused the entity's subject, as far as that is remembered. */
static const struct refused *
refused_of(struct asking *q, const struct cat_rule *rule)
{
	const struct fm_str word = entity_get(q->entity, "instance");
	const struct fm_str name = entity_get(q->entity, "host");
	const bool of_host = fact_subject_of(rule->fact) == SUBJECT_HOST;
	const struct host *h = of_host && name.p != NULL ? whynot_find_host(q, name) : NULL;
	const struct instance *inst = NULL;
	struct fm_uuid uuid;

	if (!of_host && word.p != NULL && fm_uuid_parse(word.p, word.len, &uuid))
		inst = inst_find(q->corr, &uuid);
	return inst != NULL || h != NULL ? refused_find(q->corr, rule, inst, h) : NULL;
}

/* ---- While --------------------------------------------------------------------------------------- */

static void
tell_slot(struct asking *q, const struct slot *slot, const char *fact)
{
	char since[FM_TIME_STR], due[FM_TIME_STR];

	fm_time_format(slot->since, since);
	switch (slot->phase) {
	case SLOT_PENDING:
		whynot_tell(q, "hold-on", "%s holds since %s and has to hold until %s (Hold_On)",
			    fact, since, fm_time_format(slot->timer.node.due, due));
		return;
	case SLOT_CLOSED:
		whynot_tell(q, "closed", "an operator cleared it; it stays clear until %s, which "
			    "holds since %s, has ended", fact, since);
		return;
	case SLOT_RAISED:
	case SLOT_LEAVING:
		if (slot->al != NULL)
			whynot_tell(q, "other-entity", "%s holds since %s, and its alarm is on %s",
				    fact, since, slot->al->a.entity);
		return;
	case SLOT_IDLE:                 /* does not hold: only its changes are remembered */
		return;
	}
}

/* What If says, as much of it as one reads. */
int
whynot_shown(const char *source)
{
	return (int)fm_utf8_cut(source, strlen(source), 400);
}

/* Of several rules on the state one applies. */
static const struct slot *
instead_of(const struct slot *slot, const struct cat_rule *rule)
{
	while (slot != NULL && (slot->rule == rule || slot->rule->record != rule->record ||
				slot->rule->fact != rule->fact || slot->phase == SLOT_IDLE))
		slot = slot->next;
	return slot;
}

/* The state began at since, as far as that is known. */
static void
tell_held_fact(struct asking *q, const struct cat_rule *rule, const struct slot *slot,
	       struct fm_time since)
{
	const struct refused *r = refused_of(q, rule);
	const struct slot *other = instead_of(slot, rule);
	char at[FM_TIME_STR];

	while (slot != NULL && slot->rule != rule)
		slot = slot->next;
	if (other != NULL)
		whynot_tell(q, "other-rule", "%s holds, and the rule of line %u applies to it "
			    "instead of that of line %u", fact_name(rule->fact),
			    (unsigned)other->rule->line, (unsigned)rule->line);
	else if (slot != NULL && slot->phase != SLOT_IDLE)
		tell_slot(q, slot, fact_name(rule->fact));
	else if (r != NULL && r->why == REFUSED_FULL && r->at.ns >= since.ns)
		whynot_tell(q, "full", "%s holds, but at %s the list of alarms was full (Max_Alarms); it "
			    "stays without alarm until it has ended", fact_name(rule->fact),
			    fm_time_format(r->at, at));
	else if (rule->when.root != NULL)
		whynot_tell(q, "condition", "%s holds, but when it began, If said no: %.*s "
			    "(catalogue line %u)", fact_name(rule->fact),
			    whynot_shown(rule->when.source), rule->when.source,
			    (unsigned)rule->when.line);
	else
		whynot_tell(q, "not-entered", "%s holds, but it began when the list of alarms was full "
			    "(Max_Alarms) or the catalogue without the rule: which is not "
			    "remembered", fact_name(rule->fact));
}

/* These can hold whatever the instance's state is. */
static bool
is_beside_the_state(enum fact_id fact)
{
	return fact == FACT_INSTANCE_AGENT_LOST || fact == FACT_INSTANCE_IO_ERROR ||
		fact == FACT_INSTANCE_SPLIT;
}

static void
while_instance(struct asking *q, const struct cat_rule *rule)
{
	const struct instance *inst = whynot_instance(q);
	const char *fact = fact_name(rule->fact);
	char at[FM_TIME_STR];

	if (inst == NULL)
		return;
	if (inst_holds(inst, rule->fact))
		tell_held_fact(q, rule, inst->slots, is_beside_the_state(rule->fact) ?
			       (struct fm_time){0} : inst->state_since);
	else if (is_beside_the_state(rule->fact))
		whynot_tell(q, "no-state", "%s does not hold (catalogue line %u)", fact,
			    (unsigned)rule->line);
	else if (inst->main >= 0)
		whynot_tell(q, "other-state", "%s does not hold (catalogue line %u): the "
			    "instance's state is %s since %s", fact, (unsigned)rule->line,
			    fact_name((enum fact_id)inst->main),
			    fm_time_format(inst->state_since, at));
	else
		whynot_tell(q, "no-state", "%s does not hold (catalogue line %u): the instance is "
			    "in no state that alarms are about", fact, (unsigned)rule->line);
}

static void
while_host(struct asking *q, const struct cat_rule *rule)
{
	const struct host *h = whynot_host(q);

	if (h == NULL)
		return;
	if (host_holds(h, rule->fact))
		tell_held_fact(q, rule, h->slots, (struct fm_time){0});
	else
		whynot_tell(q, "no-state", "%s does not hold (catalogue line %u)",
			    fact_name(rule->fact), (unsigned)rule->line);
}

/* ---- On ------------------------------------------------------------------------------------------- */

static void
tell_refused(struct asking *q, const struct cat_rule *rule, const struct refused *r)
{
	char at[FM_TIME_STR];

	fm_time_format(r->at, at);
	if (r->why == REFUSED_THRESHOLD)
		whynot_tell(q, "below", "%s happened at %s, below every bound of Threshold "
			    "(catalogue line %u)", fact_name(rule->fact), at, (unsigned)rule->line);
	else if (r->why == REFUSED_FULL)
		whynot_tell(q, "full", "%s happened at %s, and the list of alarms was full (Max_Alarms)",
			    fact_name(rule->fact), at);
	else
		whynot_tell(q, "condition", "%s happened at %s, and If said no: %.*s (catalogue "
			    "line %u)", fact_name(rule->fact), at, whynot_shown(rule->when.source),
			    rule->when.source, (unsigned)rule->when.line);
}

/* The one event that leaves something behind: what was measured of the last migration. */
static void
tell_downtime(struct asking *q, const struct cat_rule *rule)
{
	struct instance *inst = whynot_instance(q);
	const struct attempt *at = inst != NULL ? inst->attempt : NULL;
	const unsigned line = (unsigned)rule->line;

	if (inst == NULL)
		return;
	const struct fact_values v = inst_values(inst);

	if (at == NULL)
		whynot_tell(q, "not-seen", "no live migration of this instance is known "
			    "(catalogue line %u)", line);
	else if (!(at->flags & AT_F_DOWNTIME_TOLD))
		whynot_tell(q, "not-seen", "nobody told in a way that can be relied on how long "
			    "it stood still in its last live migration (catalogue line %u)", line);
	else if (rules_severity(q->corr, rule, &v) == SEV_NONE)
		whynot_tell(q, "below", "it stood still for %lld ms in its last live migration, "
			    "the limit is %lld ms: below every bound of Threshold (catalogue line "
			    "%u)", (long long)at->downtime_ms,
			    (long long)attempt_downtime_limit_ms(q->corr, inst), line);
	else
		whynot_tell(q, "event", "it comes when a live migration ends; the last one had "
			    "its alarm");
}

static void
tell_event(struct asking *q, const struct cat_rule *rule)
{
	const struct refused *r = refused_of(q, rule);

	if (rule->fact == FACT_INSTANCE_DOWNTIME && (r == NULL || r->why == REFUSED_THRESHOLD))
		tell_downtime(q, rule);
	else if (r != NULL)
		tell_refused(q, rule, r);
	else
		whynot_tell(q, "event", "it comes when %s happens%s (catalogue line %u)",
			    fact_name(rule->fact),
			    rule->when.root != NULL || rule->threshold.of >= 0 ?
			    ", and its If and Threshold agree; that they refused one is not "
			    "remembered" : "", (unsigned)rule->line);
}

/* ---- the way in ------------------------------------------------------------------------------------ */

static void
tell_rule(struct asking *q, const struct cat_rule *rule)
{
	if (rule->group.by != GROUP_NONE)
		whynot_group(q, rule);
	else if (!fact_is_state(rule->fact))
		tell_event(q, rule);
	else if (fact_subject_of(rule->fact) == SUBJECT_HOST)
		while_host(q, rule);
	else
		while_instance(q, rule);
}

void
corr_why_not(const struct correlator *corr, const char *alarm_id, const char *entity,
	     corr_reason_f *f, void *ctx)
{
	struct asking q = {.corr = corr, .rec = cat_find(corr->cat, alarm_id),
		.entity = entity, .f = f, .ctx = ctx};
	const struct corr_alarm *al = al_find(corr, alarm_id, entity);
	char at[FM_TIME_STR];

	if (al != NULL && !al->a.cleared) {
		tell_active(&q, al);
		return;
	}
	if (al != NULL)
		whynot_tell(&q, "cleared", "it was cleared at %s",
			    fm_time_format(al->a.cleared_at, at));
	if (q.rec == NULL) {
		whynot_tell(&q, "unknown-id", "%s is not in the catalogue", alarm_id);
		return;
	}
	if (q.rec->n_rules == 0)
		whynot_tell(&q, "no-rule", "no rule raises it: it comes by fault requests only");
	for (unsigned i = 0; i < q.rec->n_rules; i++)
		tell_rule(&q, &q.rec->rules[i]);
	if (muted_find(corr, alarm_id) != NULL)
		whynot_tell(&q, "put-aside", "and an operator has suppressed %s: it would not be "
			    "announced", alarm_id);
	if (corr->active.n >= cat_limits(corr->cat)->max_alarms)
		whynot_tell(&q, "full", "the list of alarms is full (Max_Alarms)");
	if (corr->deaf)
		whynot_tell(&q, "deaf", "part of the input is not read at present");
}
