/*
 * group: N members of one host entered a state within a time -> one alarm on the host. It stays
 * until none of the members is in the state any more.
 */
#include "correlator/correlator_priv.h"

#include <stdio.h>
#include <stdlib.h>

struct group *
group_get(struct correlator *corr, const struct cat_rule *rule, struct host *host)
{
	struct group *g = host->groups;

	(void)corr;
	while (g != NULL && g->rule != rule)
		g = g->next;
	if (g != NULL)
		return g;
	g = fm_calloc(1, sizeof(*g));
	g->rule = rule;
	g->host = host;
	g->next = host->groups;
	host->groups = g;
	return g;
}

static void
group_dirty(struct correlator *corr, struct group *g)
{
	corr->hard = true;
	if (g->dirty)
		return;
	g->dirty = true;
	g->next_dirty = corr->dirty_group;
	corr->dirty_group = g;
}

/* While no alarm is up, members whose entry is too long ago no longer count. */
static void
drop_old(struct correlator *corr, struct group *g)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->n; i++)
		if (corr->now.ns - g->m[i].at_ns <= g->rule->group.within.ns)
			g->m[kept++] = g->m[i];
	g->n = kept;
}

static void
add_member(struct group *g, const struct fm_uuid *uuid, struct fm_time at)
{
	for (unsigned i = 0; i < g->n; i++)
		if (fm_uuid_eq(&g->m[i].uuid, uuid))
			return;
	if (g->n == GROUP_MAX_MEMBERS)
		return;
	if (g->m == NULL)
		g->m = fm_calloc(GROUP_MAX_MEMBERS, sizeof(*g->m));
	g->m[g->n++] = (struct group_member){*uuid, at.ns};
}

static void
group_raise(struct correlator *corr, struct group *g)
{
	const struct fact_values v = {.host = g->host, .count = (int64_t)g->n};
	const struct cat_record *rec = g->rule->record;
	struct alarm_spec spec = {.rule = g->rule, .host = g->host, .raised_at = corr->now};

	spec_from_record(&spec, rec, g->rule->severity);
	if (!text_entity(rec->entity_form, &v, &corr->scratch))
		return;
	text_render(cat_text_for(rec, g->rule->severity), &v, corr, &corr->text);
	spec.entity = corr->scratch.s;
	spec.text = corr->text.s;
	spec.attrs[0] = (struct attr){.name = fact_attr_name(ATTR_COUNT), .num = v.count};
	spec.n_attrs = 1;
	g->al = al_set(corr, &spec);
	if (g->al != NULL)
		g->al->group = g;
}

void
group_enter(struct correlator *corr, const struct cat_rule *rule, struct instance *inst)
{
	struct group *g;

	if (inst->owner == NULL)
		return;
	g = group_get(corr, rule, inst->owner);
	if (g->al == NULL || g->al->a.cleared)
		drop_old(corr, g);
	add_member(g, &inst->uuid, corr->now);
	group_dirty(corr, g);
	if (g->n >= rule->group.at_least && (g->al == NULL || g->al->a.cleared))
		group_raise(corr, g);
}

static void
remove_member(struct correlator *corr, struct group *g, const struct fm_uuid *uuid)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (!fm_uuid_eq(&g->m[i].uuid, uuid))
			continue;
		memmove(&g->m[i], &g->m[i + 1], (g->n - i - 1) * sizeof(*g->m));
		g->n--;
		group_dirty(corr, g);
		return;
	}
}

/* The member may have moved to another host since: every host's group of the rule is asked. */
void
group_leave(struct correlator *corr, const struct cat_rule *rule, struct instance *inst)
{
	struct host *h, *tmp;

	HASH_ITER(hh, corr->hosts, h, tmp) {
		for (struct group *g = h->groups; g != NULL; g = g->next) {
			if (g->rule != rule || g->n == 0)
				continue;
			remove_member(corr, g, &inst->uuid);
			if (g->n == 0 && g->al != NULL && !g->al->a.cleared)
				al_clear(corr, g->al);
			if (g->n == 0)
				g->al = NULL;
		}
	}
}

void
group_to_row(const struct group *g, struct fm_buf *name, struct row_kept *ret)
{
	fm_buf_reset(name);
	fm_buf_addf(name, "group|%s|%lld|%s", g->rule->record->id,
		    (long long)rules_index(g->rule), g->host->name);
	*ret = (struct row_kept){.name = name->s, .num = g->n,
		.body = {g->m, (uint32_t)(g->n * sizeof(*g->m))}};
}

/* name: group|<id>|<index>|<host>. A rule that the catalogue no longer has is dropped. */
void
group_restore(struct correlator *corr, const struct row_kept *row)
{
	const char *id = row->name + strlen("group|"), *bar = strchr(id, '|'), *host;
	char alarm_id[FM_MAX_ALARM_ID + 1];
	const struct cat_rule *rule;
	struct group *g;

	if (bar == NULL || (size_t)(bar - id) > FM_MAX_ALARM_ID ||
	    (host = strchr(bar + 1, '|')) == NULL)
		return;
	snprintf(alarm_id, sizeof(alarm_id), "%.*s", (int)(bar - id), id);
	rule = rules_find(corr, alarm_id, strtol(bar + 1, NULL, 10));
	if (rule == NULL || !rule->group.by_host)
		return;
	g = group_get(corr, rule, host_exact(corr, fm_str_of(host + 1)));
	g->n = row->body.len / sizeof(*g->m);
	if (g->n > GROUP_MAX_MEMBERS)
		g->n = GROUP_MAX_MEMBERS;
	if (g->n > 0) {
		g->m = fm_calloc(GROUP_MAX_MEMBERS, sizeof(*g->m));
		memcpy(g->m, row->body.p, g->n * sizeof(*g->m));
	}
}

void
group_drop(struct correlator *corr, struct group **pp)
{
	struct group *g = *pp, **dp = &corr->dirty_group;
	struct fm_buf name = {0};
	struct row_kept row;

	while (g->dirty && *dp != g)
		dp = &(*dp)->next_dirty;
	if (g->dirty)
		*dp = g->next_dirty;
	group_to_row(g, &name, &row);
	forget(corr, ROW_KEPT, row.name, NULL);
	if (g->al != NULL) {
		g->al->group = NULL;
		if (!g->al->a.cleared)
			al_clear(corr, g->al);
	}
	*pp = g->next;
	free(g->m);
	free(g);
	fm_buf_fini(&name);
}

void
group_free_all(struct host *h)
{
	while (h->groups != NULL) {
		struct group *g = h->groups;

		h->groups = g->next;
		free(g->m);
		free(g);
	}
}
