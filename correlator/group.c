/*
 * group: N members entered a state, or N events came, within a time -> one alarm about what they
 * have in common: a host, a pair of hosts, an instance, a storage pool, or nothing but the rule.
 * For a state it stays until none of the members is in it any more, for events until it expires.
 *
 * A group lives as long as it has members that count or an alarm; it is known by a name made of its
 * rule and its key, which is also the name of its row.
 */
#include "correlator/refused_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMBERS "members"               /* an attribute of its alarm */
#define MEMBERS_NAMED 16u

/* ---- what a group is about ---------------------------------------------------------------- */

/* Lengths keep two names apart that hosts may choose freely. */
static void
add_host(struct fm_buf *b, const struct host *h)
{
	fm_buf_addf(b, "%u:%s", h->name_len, h->name);
}

/* Appends the key; false: the subject has not what the group goes by. */
static bool
add_key(const struct cat_rule *rule, const struct fact_values *v, struct fm_buf *b)
{
	char uuid[FM_UUID_STR];

	switch (rule->group.by) {
	case GROUP_HOST:
		if (v->inst->owner == NULL)
			return false;
		add_host(b, v->inst->owner);
		return true;
	case GROUP_HOST_PAIR:
		if (v->at == NULL || v->at->src == NULL || v->at->dst == NULL)
			return false;
		add_host(b, v->at->src);
		add_host(b, v->at->dst);
		return true;
	case GROUP_INSTANCE:
		fm_buf_adds(b, fm_uuid_format(&v->inst->uuid, uuid));
		return true;
	case GROUP_POOL:
		if (v->inst->pool == NULL)
			return false;
		fm_buf_adds(b, v->inst->pool);
		return true;
	case GROUP_ALL:
		return true;
	case GROUP_NONE:
	case GROUP_N:
		return false;
	}
	return false;
}

static struct host *
take_host(struct correlator *corr, const char **pp)
{
	char *end;
	const unsigned long n = strtoul(*pp, &end, 10);
	struct fm_str name = {end + 1, (uint32_t)n};

	if (*end != ':' || n == 0 || strlen(end + 1) < n)
		return NULL;
	*pp = end + 1 + n;
	return host_exact(corr, name);
}

/* The subject again from the key. */
static bool
take_key(struct correlator *corr, struct group *g, const char *key)
{
	switch (g->rule->group.by) {
	case GROUP_HOST:
		g->host = take_host(corr, &key);
		return g->host != NULL;
	case GROUP_HOST_PAIR:
		g->host = take_host(corr, &key);
		g->peer = g->host != NULL ? take_host(corr, &key) : NULL;
		return g->peer != NULL;
	case GROUP_INSTANCE:
		return fm_uuid_parse(key, strlen(key), &g->uuid);
	case GROUP_POOL:
		g->pool = fm_intern(&corr->names, key, strlen(key));
		return true;
	case GROUP_ALL:
		return true;
	case GROUP_NONE:
	case GROUP_N:
		return false;
	}
	return false;
}

static struct fact_values
values_of(const struct correlator *corr, const struct group *g)
{
	struct fact_values v = {.host = g->host, .peer = g->peer, .pool = g->pool,
		.count = (int64_t)g->n};

	if (g->rule->group.by != GROUP_INSTANCE)
		return v;
	v.inst = inst_find(corr, &g->uuid);
	v.host = v.inst != NULL ? v.inst->owner : NULL;
	return v;
}

/* ---- groups by name ----------------------------------------------------------------------- */

static void
add_prefix(struct fm_buf *b, const struct cat_rule *rule)
{
	fm_buf_reset(b);
	fm_buf_addf(b, "group|%s|%lld|", rule->record->id, (long long)rules_index(rule));
}

struct group *
group_find(const struct correlator *corr, const char *name)
{
	struct group *g;

	HASH_FIND_STR(corr->groups, name, g);
	return g;
}

/* name: group|<id>|<index>|<key>; NULL when the catalogue has no such rule any more. */
struct group *
group_named(struct correlator *corr, const char *name)
{
	const char *id = name + strlen("group|"), *bar = strchr(id, '|'), *key;
	char alarm_id[FM_MAX_ALARM_ID + 1];
	const struct cat_rule *rule;
	struct group *g = group_find(corr, name);

	if (g != NULL || bar == NULL || (size_t)(bar - id) > FM_MAX_ALARM_ID ||
	    (key = strchr(bar + 1, '|')) == NULL)
		return g;
	snprintf(alarm_id, sizeof(alarm_id), "%.*s", (int)(bar - id), id);
	rule = rules_find(corr, alarm_id, strtol(bar + 1, NULL, 10));
	if (rule == NULL || rule->group.by == GROUP_NONE)
		return NULL;
	g = fm_calloc(1, sizeof(*g));
	g->rule = rule;
	g->members = &corr->members;
	if (!take_key(corr, g, key + 1)) {
		free(g);
		return NULL;
	}
	g->name = fm_strdup(name);
	HASH_ADD_KEYPTR(hh, corr->groups, g->name, strlen(g->name), g);
	return g;
}

bool
group_name(const struct cat_rule *rule, const struct fact_values *v, struct fm_buf *ret)
{
	add_prefix(ret, rule);
	return add_key(rule, v, ret);
}

/* The group that the subject belongs to; NULL: none, or none yet when it is not to be made. */
static struct group *
group_of(struct correlator *corr, const struct cat_rule *rule, const struct fact_values *v,
	 bool make)
{
	struct fm_buf b = {0};
	struct group *g = NULL;

	if (group_name(rule, v, &b))
		g = make ? group_named(corr, b.s) : group_find(corr, b.s);
	fm_buf_fini(&b);
	return g;
}

static int
by_name(const struct group *a, const struct group *b)
{
	return strcmp(a->name, b->name);
}

static void
group_dirty(struct correlator *corr, struct group *g)
{
	corr->hard = true;
	if (g->dirty)
		return;
	g->dirty = true;
	DL_PREPEND2(corr->dirty_group, g, prev_dirty, next_dirty);
}

/* Which alarm is its, by a row of its own: the entity need not be that of the form by now. */
static void
alarm_row_name(const struct group *g, struct fm_buf *ret)
{
	fm_buf_reset(ret);
	fm_buf_addf(ret, "%s%s", GROUP_ALARM_NAME, g->name);
}

static void
forget_alarm(struct correlator *corr, const struct group *g)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	alarm_row_name(g, &name);
	forget(corr, ROW_KEPT, name.s, NULL);
}

static void
group_free(struct correlator *corr, struct group *g)
{
	if (g->dirty)
		DL_DELETE2(corr->dirty_group, g, prev_dirty, next_dirty);
	dl_cancel(corr, &g->fade);
	member_drop_all(corr, g, true);
	if (g->al != NULL)
		g->al->group = NULL;
	HASH_DEL(corr->groups, g);
	free(g->name);
	free(g);
}

static void
group_end(struct correlator *corr, struct group *g)
{
	member_drop_all(corr, g, false);
	if (g->al == NULL && g->most > 0)
		missed_add(corr, g);
	group_free(corr, g);
}

void
group_free_all(struct correlator *corr)
{
	struct group *g, *tmp;

	HASH_ITER(hh, corr->groups, g, tmp)
		group_free(corr, g);
}

/* ---- members -------------------------------------------------------------------------------- */

/* Its alarm is there until all that its clear does to others is done. */
static bool
is_up(const struct group *g)
{
	return g->al != NULL && !g->al->a.cleared;
}

struct corr_alarm *
group_alarm(const struct group *g)
{
	return is_up(g) ? g->al : NULL;
}

void
group_cleared(struct correlator *corr, struct corr_alarm *al)
{
	struct group *g = al->group;

	if (g == NULL)
		return;
	forget_alarm(corr, g);
	g->al = NULL;
	al->group = NULL;
	g->most = 0;
	if (g->n == 0)
		group_end(corr, g);
}

/* Members of a state stay while its alarm is up: it ends with the last of them. */
static bool
may_fade(const struct group *g)
{
	return !fact_is_state(g->rule->fact) || !is_up(g);
}

static void
drop_old(struct correlator *corr, struct group *g)
{
	while (g->n > 0 && corr->now.ns - g->pages->m[0].at_ns > g->rule->group.within.ns)
		member_drop_oldest(corr, g);
}

static void
arm_fade(struct correlator *corr, struct group *g)
{
	if (g->n > 0 && may_fade(g))
		dl_arm(corr, &g->fade, DL_FADE, g, (struct fm_time){
			g->pages->m[0].at_ns + g->rule->group.within.ns + 1});
	else
		dl_cancel(corr, &g->fade);
}

void
group_fade(struct correlator *corr, struct group *g)
{
	drop_old(corr, g);
	if (g->n == 0 && !is_up(g))
		group_end(corr, g);
	else
		arm_fade(corr, g);
}

/* true: it is a member that was not one before. */
static bool
add_member(struct correlator *corr, struct group *g, const struct fm_uuid *uuid, struct fm_time at)
{
	const bool was = group_has(g, uuid);

	if (fact_is_state(g->rule->fact) && was)
		return false;
	/* Of events in a storm the last ones decide: no rule asks for more. */
	if (!fact_is_state(g->rule->fact) && g->n == CAT_MAX_GROUP)
		member_drop_oldest(corr, g);
	member_add(corr, g, uuid, at);
	if (g->n >= g->most) {
		g->most = g->n;
		g->most_at = corr->now;
	}
	return !was;
}

/* Who they are when it is raised, as far as an attribute should be long. */
static void
add_members(const struct group *g, struct fm_buf *ret)
{
	const struct group_page *page;
	const struct group_member *m;
	char uuid[FM_UUID_STR];
	unsigned n = 0;

	EACH_MEMBER(g, page, m) {
		if (n++ == MEMBERS_NAMED) {
			fm_buf_addf(ret, " and %u more", g->n - MEMBERS_NAMED);
			return;
		}
		fm_buf_adds(ret, n > 1 ? " " : "");
		fm_buf_adds(ret, fm_uuid_format(&m->uuid, uuid));
	}
}

/*
 * The alarm of a slot, or of another group, is left to that one, which ends it. What a producer had set
 * becomes the group's, as its row will say.
 */
static void
take_alarm(struct correlator *corr, struct group *g, struct corr_alarm *al)
{
	if (al->slot != NULL || al->group != NULL)
		return;
	al->rule = g->rule;
	al->group = g;
	g->al = al;
	g->most = 0;
	al_arm_expire(corr, al);
	al_dirty(corr, al);
	group_dirty(corr, g);
}

static void
group_raise(struct correlator *corr, struct group *g, enum severity sev)
{
	const struct fact_values v = values_of(corr, g);
	struct fm_buf members = {0};
	struct alarm_spec spec;

	if (!spec_from_rule(corr, g->rule, sev, g->rule->text, &v, &spec))
		return;
	add_members(g, &members);
	if (is_up(g))
		spec.entity = g->al->a.entity;  /* it was raised before the tenant was told, or the form */
	spec.keep_existing = true;      /* what comes on top is counted, not told */
	spec.attrs[0] = (struct attr){.name = fact_attr_name(ATTR_COUNT), .num = v.count};
	spec.attrs[1] = (struct attr){.name = MEMBERS, .text = members.s};
	spec.n_attrs = 2;
	struct corr_alarm *al = al_set(corr, &spec);

	if (al != NULL)
		take_alarm(corr, g, al);
	fm_buf_fini(&members);
}

static void
join(struct correlator *corr, struct group *g, const struct fm_uuid *uuid, struct fm_time at,
     enum severity sev)
{
	const bool was_up = is_up(g);
	bool added;

	if (may_fade(g))
		drop_old(corr, g);
	added = add_member(corr, g, uuid, at);
	if (was_up ? !fact_is_state(g->rule->fact) : g->n >= g->rule->group.at_least)
		group_raise(corr, g, sev);
	if (is_up(g) && !was_up)
		rel_spread_members(corr, g->al);
	else if (is_up(g) && added)
		rel_spread_member(corr, g->al, uuid);
	arm_fade(corr, g);
}

/*
 * The state of inst has held for longer, and the catalogue is another one. For a rule that was there
 * before, its group has seen it enter, and knows whether it still counts. For a new one it counts from
 * when it entered, which is kept of its main state only.
 */
static bool
counts_again(const struct correlator *corr, const struct cat_rule *rule, const struct instance *inst)
{
	return rule_is_new(corr, rule) && inst->main == (int)rule->fact &&
		corr->now.ns - inst->state_since.ns <= rule->group.within.ns;
}

void
group_enter(struct correlator *corr, const struct cat_rule *rule, struct instance *inst)
{
	const struct fact_values v = inst_values(inst);
	const bool again = corr->prev_cat != NULL;

	if (again && !counts_again(corr, rule, inst))
		return;
	struct group *g = group_of(corr, rule, &v, true);

	if (g != NULL)
		join(corr, g, &inst->uuid, again ? inst->state_since : corr->now, rule->severity);
	else
		refused_add(corr, rule, &v, REFUSED_KEY);
}

void
group_event(struct correlator *corr, const struct cat_rule *rule, const struct fact_values *v,
	    enum severity sev)
{
	struct group *g = group_of(corr, rule, v, true);

	if (g != NULL)
		join(corr, g, &v->inst->uuid, corr->now, sev);
	else
		refused_add(corr, rule, v, REFUSED_KEY);
}

/*
 * It need not be the one of its present host. Who has moved while its state held may have joined two:
 * then the one with the lesser name, for the order in which they were made is not kept.
 */
static struct group *
group_joined(struct correlator *corr, const struct cat_rule *rule, struct instance *inst)
{
	const struct fact_values v = inst_values(inst);
	struct group *const own = group_of(corr, rule, &v, false), *joined = NULL;
	const struct membership *in = NULL;
	const unsigned n = member_groups(corr, &inst->uuid, &in);

	for (unsigned i = 0; i < n; i++) {
		struct group *g = in[i].group;

		if (g == own)
			return own;
		if (g->rule == rule && (joined == NULL || by_name(g, joined) < 0))
			joined = g;
	}
	return joined;
}

void
group_leave(struct correlator *corr, const struct cat_rule *rule, struct instance *inst)
{
	struct group *g = group_joined(corr, rule, inst);

	if (g == NULL)
		return;
	if (g->n == 1 && is_up(g))
		al_clear(corr, g->al);          /* while its last member can be told from others */
	member_remove(corr, g, &inst->uuid);
	if (g->n == 0)
		group_end(corr, g);
	else
		arm_fade(corr, g);
}

/* ---- who they are ---------------------------------------------------------------------------- */

void
corr_each_member(const struct correlator *corr, const struct fm_uuid *alarm, corr_member_f *f,
		 void *ctx)
{
	const struct corr_alarm *al = reach_uuid(corr, alarm);
	const struct group *g = al != NULL ? al->group : NULL;
	const struct group_page *page;
	const struct group_member *m;

	if (g == NULL)
		return;
	EACH_MEMBER(g, page, m) {
		const struct instance *inst = inst_find(corr, &m->uuid);

		f(ctx, &m->uuid, inst != NULL ? inst->name : NULL, (struct fm_time){m->at_ns});
	}
}

/* ---- another catalogue ---------------------------------------------------------------------- */

/* Its rule stands elsewhere in its record, and the place is part of its name and of those of its rows. */
static void
rename_group(struct correlator *corr, struct group *g)
{
	const char *key = strchr(strchr(g->name + strlen("group|"), '|') + 1, '|') + 1;
	struct fm_buf name = {0};

	if (g->al != NULL)
		forget_alarm(corr, g);
	member_forget_rows(corr, g);
	dl_cancel(corr, &g->fade);
	HASH_DEL(corr->groups, g);
	add_prefix(&name, g->rule);
	fm_buf_adds(&name, key);
	free(g->name);
	g->name = name.s;
	HASH_ADD_KEYPTR(hh, corr->groups, g->name, strlen(g->name), g);
	group_dirty(corr, g);
	arm_fade(corr, g);
}

static void
follow(struct correlator *corr, struct group *g, const struct cat_rule *rule)
{
	const bool moved = rules_index(rule) != rules_index(g->rule);

	g->rule = rule;
	if (moved)
		rename_group(corr, g);
}

static void
lose_rule(struct correlator *corr, struct group *g)
{
	const bool ends_with_it = is_up(g) && g->n == 0;

	if (is_up(g))
		al_clear(corr, g->al);
	if (!ends_with_it)
		group_end(corr, g);
}

/* What has no rule any more ends as if its members had left; in an order that a restart keeps. */
void
group_relink_all(struct correlator *corr,
		 const struct cat_rule *(*moved)(const struct correlator *corr,
						 const struct cat_rule *rule))
{
	struct group *g, **all = fm_calloc(HASH_COUNT(corr->groups) + 1, sizeof(struct group *));
	size_t n = 0;

	HASH_SORT(corr->groups, by_name);
	for (g = corr->groups; g != NULL; g = g->hh.next)
		all[n++] = g;
	for (size_t i = 0; i < n; i++) {
		const struct cat_rule *rule = moved(corr, all[i]->rule);

		if (rule != NULL)
			follow(corr, all[i], rule);
		else
			lose_rule(corr, all[i]);
	}
	free(all);
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void
alarm_row(const struct group *g, row_sink_f *sink, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	alarm_row_name(g, &name);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = name.s,
		.num = (int64_t)g->al->a.id,
		.body = {g->al->a.entity, (uint32_t)strlen(g->al->a.entity)}}};

	sink(ctx, &row);
}

void
group_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	while (corr->dirty_group != NULL) {
		struct group *g = corr->dirty_group;

		if (g->al != NULL)
			alarm_row(g, sink, ctx);
		DL_DELETE2(corr->dirty_group, g, prev_dirty, next_dirty);
		g->dirty = false;
	}
	member_flush(corr, sink, ctx);
}

void
group_each_row(const struct group *g, row_sink_f *sink, void *ctx)
{
	if (g->al != NULL)
		alarm_row(g, sink, ctx);
	member_each_row(g, sink, ctx);
}

/* Not what has happened but what was: nothing is to be written for it. */
static void
link_alarm(struct group *g, struct corr_alarm *al)
{
	if (al == NULL || al->a.cleared || al->rule != g->rule || al->group != NULL || g->al != NULL)
		return;
	al->group = g;
	g->al = al;
}

void
group_restore_alarm(struct correlator *corr, const struct row_kept *row)
{
	struct group *g = group_named(corr, row->name + strlen(GROUP_ALARM_NAME));
	struct corr_alarm *al;

	if (g == NULL)
		return;
	fm_buf_reset(&corr->scratch);
	fm_buf_add(&corr->scratch, row->body.p, row->body.len);
	al = al_find(corr, g->rule->record->id, corr->scratch.s);
	if (al != NULL && al->a.id == (uint64_t)row->num)
		link_alarm(g, al);
}

/* Earlier versions had one row of all members, and the alarm was the one that the form gave. */
void
group_restore(struct correlator *corr, const struct row_kept *row)
{
	struct group *g = group_named(corr, row->name);
	struct group_member m;

	if (g == NULL)
		return;
	for (uint32_t at = 0; row->body.len - at >= sizeof(m); at += sizeof(m)) {
		memcpy(&m, (const char *)row->body.p + at, sizeof(m));
		if (!fact_is_state(g->rule->fact) || !group_has(g, &m.uuid))
			member_add(corr, g, &m.uuid, (struct fm_time){m.at_ns});
	}
	forget(corr, ROW_KEPT, row->name, NULL);
	const struct fact_values v = values_of(corr, g);

	if (text_entity(g->rule->record->entity_form, &v, &corr->scratch))
		link_alarm(g, al_find(corr, g->rule->record->id, corr->scratch.s));
	group_dirty(corr, g);
}
