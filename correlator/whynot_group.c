/*
 * whynot_group: why a group has no alarm: who counts, who does not and why, and the most there were at
 * once lately, when the group has already fallen apart.
 */
#include "correlator/whynot_priv.h"

#include <stdio.h>

#define NAMED 5u                        /* instances in a sentence */

/* A subject that the group would take: only what it goes by is filled in. */
struct likeness {
	struct instance inst;
	struct attempt at;
	struct fact_values v;
	struct fm_buf pool, where, group;       /* where: " on compute-0"; group: its name */
};

/* ---- which group ------------------------------------------------------------------------------ */

static bool
find_pair(struct asking *q, struct likeness *l)
{
	const struct fm_str name = entity_get(q->entity, "destination");
	const struct host *dst = name.p != NULL ? whynot_find_host(q, name) : NULL;
	const struct host *src = whynot_host(q);

	if (src == NULL)
		return false;
	if (dst == NULL) {
		whynot_tell(q, name.p == NULL ? "entity" : "unknown-subject", name.p == NULL ?
			    "the rule is about a pair of hosts, and the entity has no destination=" :
			    "no record has told of the destination");
		return false;
	}
	l->at.src = (struct host *)(uintptr_t)src;
	l->at.dst = (struct host *)(uintptr_t)dst;
	fm_buf_addf(&l->where, " from %s to %s", src->name, dst->name);
	return true;
}

static bool
find_pool(struct asking *q, struct likeness *l)
{
	const struct fm_str name = entity_get(q->entity, "pool");

	if (name.p == NULL) {
		whynot_tell(q, "entity", "the rule is about a storage pool, and the entity has no pool=");
		return false;
	}
	fm_buf_add(&l->pool, name.p, name.len);
	l->inst.pool = l->pool.s;
	fm_buf_addf(&l->where, " in the pool %s", l->pool.s);
	return true;
}

static bool
find_host(struct asking *q, struct likeness *l)
{
	const struct host *h = whynot_host(q);

	if (h == NULL)
		return false;
	l->inst.owner = (struct host *)(uintptr_t)h;
	fm_buf_addf(&l->where, " on %s", h->name);
	return true;
}

static bool
find_instance(struct asking *q, struct likeness *l)
{
	const struct instance *inst = whynot_instance(q);

	if (inst == NULL)
		return false;
	l->inst.uuid = inst->uuid;
	fm_buf_adds(&l->where, " of this instance");
	return true;
}

/* False: the reason has been told. */
static bool
find_group(struct asking *q, const struct cat_rule *rule, struct likeness *l)
{
	bool found = false;

	*l = (struct likeness){.v = {.inst = &l->inst, .at = &l->at, .count = EV_ABSENT}};
	fm_buf_adds(&l->where, "");
	switch (rule->group.by) {
	case GROUP_HOST: found = find_host(q, l); break;
	case GROUP_HOST_PAIR: found = find_pair(q, l); break;
	case GROUP_INSTANCE: found = find_instance(q, l); break;
	case GROUP_POOL: found = find_pool(q, l); break;
	case GROUP_ALL: found = true; break;
	case GROUP_NONE:
	case GROUP_N: break;
	}
	return found && group_name(rule, &l->v, &l->group);
}

/* ---- who counts -------------------------------------------------------------------------------- */

static void
add_one(struct fm_list *l, const struct fm_uuid *uuid, struct fm_time since)
{
	char id[FM_UUID_STR], time[FM_TIME_STR], text[FM_UUID_STR + FM_TIME_STR + sizeof(" since ")];

	fm_uuid_format(uuid, id);
	if (since.ns != 0)
		snprintf(text, sizeof(text), "%s since %s", id, fm_time_format(since, time));
	fm_list_add(l, since.ns != 0 ? text : id);
}

static void
tell_count(struct asking *q, const struct cat_rule *rule, const struct likeness *l,
	   const struct group *g)
{
	char within[FM_SPAN_STR];
	struct fm_list who = {.most = NAMED};
	const struct group_page *page;
	const struct group_member *m;

	if (g != NULL)
		EACH_MEMBER(g, page, m)
			add_one(&who, &m->uuid, (struct fm_time){m->at_ns});
	whynot_tell(q, "group", "%u of %s%s %s at present, %u are needed within %s (catalogue line %u)"
		    "%s%s", who.n, fact_name(rule->fact), l->where.s, who.n == 1 ? "counts" : "count",
		    rule->group.at_least, fm_span_format(rule->group.within, within),
		    (unsigned)rule->line, who.n > 0 ? ": " : "", fm_list_end(&who));
	fm_list_fini(&who);
}

/* It was raised once, or is on something else than was asked for. */
static void
tell_alarm(struct asking *q, const struct cat_rule *rule, const struct group *g)
{
	const struct corr_alarm *al = g != NULL ? group_alarm(g) : NULL;

	if (al != NULL)
		whynot_tell(q, "other-entity", "its alarm is on %s", al->a.entity);
	else if (g != NULL && g->n >= rule->group.at_least)
		whynot_tell(q, "closed", "these are enough, but their alarm was cleared or refused; the "
			    "next one raises it again");
}

/* ---- who does not -------------------------------------------------------------------------------- */

static bool
belongs(const struct cat_rule *rule, struct instance *inst, const struct likeness *l)
{
	const struct fact_values v = inst_values(inst);
	struct fm_buf name = {0};
	const bool same = group_name(rule, &v, &name) && strcmp(name.s, l->group.s) == 0;

	fm_buf_fini(&name);
	return same;
}

/* In the state, and no members. */
static void
tell_left_out(struct asking *q, const struct cat_rule *rule, const struct likeness *l,
	      const struct group *g)
{
	struct fm_list refused = {.most = NAMED}, early = {.most = NAMED};
	const struct fm_map *m = &q->corr->instances;
	char within[FM_SPAN_STR];

	/* As they lie: putting a million into an order would hold up the daemon. */
	for (size_t i = 0; i < m->cap; i++) {
		struct instance *inst = m->v[i].p;

		if (inst == NULL || !inst_holds(inst, rule->fact) || !belongs(rule, inst, l) ||
		    (g != NULL && group_has(g, &inst->uuid)))
			continue;
		const struct fact_values v = rules_values(rule, inst, NULL);
		const bool is_main = inst->main == (int)rule->fact;

		add_one(cond_holds(q->corr, &rule->when, &v) ? &early : &refused, &inst->uuid,
			is_main ? inst->state_since : (struct fm_time){0});
	}
	if (refused.n > 0)
		whynot_tell(q, "condition", "%u in this state %s not count, for If says no: %.*s "
			    "(catalogue line %u): %s", refused.n, refused.n == 1 ? "does" : "do",
			    whynot_shown(rule->when.source), rule->when.source,
			    (unsigned)rule->when.line, fm_list_end(&refused));
	if (early.n > 0)
		whynot_tell(q, "group-early", "%u in this state %s not count any more or never did: not "
			    "within %s of each other, or from before this rule: %s", early.n,
			    early.n == 1 ? "does" : "do",
			    fm_span_format(rule->group.within, within), fm_list_end(&early));
	fm_list_fini(&refused);
	fm_list_fini(&early);
}

static void
tell_refusal(struct asking *q, const struct cat_rule *rule, const struct refused *r)
{
	char uuid[FM_UUID_STR], at[FM_TIME_STR];

	fm_uuid_format(&r->uuid, uuid);
	fm_time_format(r->at, at);
	switch (r->why) {
	case REFUSED_IF:
		whynot_tell(q, "condition", "%s of %s at %s did not count: If said no: %.*s (catalogue "
			    "line %u)", fact_name(rule->fact), uuid, at,
			    whynot_shown(rule->when.source), rule->when.source,
			    (unsigned)rule->when.line);
		return;
	case REFUSED_THRESHOLD:
		whynot_tell(q, "below", "%s of %s at %s did not count: below every bound of Threshold "
			    "(catalogue line %u)", fact_name(rule->fact), uuid, at,
			    (unsigned)rule->line);
		return;
	case REFUSED_KEY:
		whynot_tell(q, "group-unknown", "%s of %s at %s did not count: no record had told what "
			    "it shares with others (By)", fact_name(rule->fact), uuid, at);
		return;
	case REFUSED_FULL:
		whynot_tell(q, "full", "%s of %s at %s made them enough, but the list of alarms "
			    "was full (Max_Alarms)", fact_name(rule->fact), uuid, at);
		return;
	case N_REFUSALS:
		return;
	}
}

/* The last of each sort that might have been a member. */
static void
tell_refusals(struct asking *q, const struct cat_rule *rule, const struct likeness *l)
{
	const struct refused *r;
	bool told[N_REFUSALS] = {false};

	for (uint64_t i = 0; (r = refused_at(q->corr, i)) != NULL; i++) {
		struct instance *inst = r->rule == rule ? inst_find(q->corr, &r->uuid) : NULL;

		if (inst == NULL || told[r->why] ||
		    (r->why != REFUSED_KEY && !belongs(rule, inst, l)))
			continue;
		told[r->why] = true;
		tell_refusal(q, rule, r);
	}
}

/* ---- what there was ------------------------------------------------------------------------------ */

static void
tell_most(struct asking *q, const struct cat_rule *rule, const struct likeness *l,
	  const struct group *g)
{
	const struct near_miss *m = missed_find(q->corr, rule, l->group.s);
	unsigned most = g != NULL ? g->most : 0;
	struct fm_time when = g != NULL ? g->most_at : (struct fm_time){0};
	char at[FM_TIME_STR];

	if (m != NULL && m->most > most) {
		most = m->most;
		when = m->at;
	}
	if (most > (g != NULL ? g->n : 0))
		whynot_tell(q, "group-most", "the most that counted at once lately were %u, at %s", most,
			    fm_time_format(when, at));
}

void
whynot_group(struct asking *q, const struct cat_rule *rule)
{
	struct likeness l;

	if (find_group(q, rule, &l)) {
		const struct group *g = group_find(q->corr, l.group.s);

		tell_count(q, rule, &l, g);
		tell_alarm(q, rule, g);
		if (fact_is_state(rule->fact))
			tell_left_out(q, rule, &l, g);
		tell_refusals(q, rule, &l);
		tell_most(q, rule, &l, g);
	}
	fm_buf_fini(&l.pool);
	fm_buf_fini(&l.where);
	fm_buf_fini(&l.group);
}
