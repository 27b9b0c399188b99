/*
 * refused: what rules have lately refused, for those who ask why there is no alarm: events whose If or
 * Threshold said no, what could not be a member of a group, and groups that never had enough. The last
 * ones are remembered, all rules and subjects together; nothing else depends on them, so they are not
 * kept over a restart.
 */
#include "correlator/refused_priv.h"

#include <stdlib.h>

void
refused_add(struct correlator *corr, const struct cat_rule *rule, const struct fact_values *v,
	    enum refusal why)
{
	if (corr->refused == NULL)
		corr->refused = fm_calloc(REFUSED_MAX, sizeof(*corr->refused));
	struct refused *r = &corr->refused[corr->n_refused++ % REFUSED_MAX];

	*r = (struct refused){.rule = rule, .at = corr->now, .why = why};
	if (fact_subject_of(rule->fact) == SUBJECT_HOST)
		r->host = v->host;
	else
		r->uuid = v->inst->uuid;
}

const struct refused *
refused_at(const struct correlator *corr, uint64_t i)
{
	const uint64_t n = corr->n_refused < REFUSED_MAX ? corr->n_refused : REFUSED_MAX;

	return i < n ? &corr->refused[(corr->n_refused - 1 - i) % REFUSED_MAX] : NULL;
}

const struct refused *
refused_find(const struct correlator *corr, const struct cat_rule *rule,
	     const struct instance *inst, const struct host *host)
{
	const struct refused *r;

	for (uint64_t i = 0; (r = refused_at(corr, i)) != NULL; i++)
		if (r->rule == rule && (host != NULL ? r->host == host :
					fm_uuid_eq(&r->uuid, &inst->uuid)))
			return r;
	return NULL;
}

void
missed_add(struct correlator *corr, const struct group *g)
{
	if (corr->missed == NULL)
		corr->missed = fm_calloc(REFUSED_MAX, sizeof(*corr->missed));
	struct near_miss *m = &corr->missed[corr->n_missed++ % REFUSED_MAX];

	free(m->group);
	*m = (struct near_miss){g->rule, fm_strdup(g->name), g->most, g->most_at};
}

const struct near_miss *
missed_find(const struct correlator *corr, const struct cat_rule *rule, const char *group)
{
	const uint64_t n = corr->n_missed < REFUSED_MAX ? corr->n_missed : REFUSED_MAX;

	for (uint64_t i = 1; i <= n; i++) {
		const struct near_miss *m = &corr->missed[(corr->n_missed - i) % REFUSED_MAX];

		if (m->rule == rule && strcmp(m->group, group) == 0)
			return m;
	}
	return NULL;
}

void
refused_free(struct correlator *corr)
{
	for (unsigned i = 0; corr->missed != NULL && i < REFUSED_MAX; i++)
		free(corr->missed[i].group);
	fm_freep(&corr->refused);
	fm_freep(&corr->missed);
	corr->n_refused = corr->n_missed = 0;
}
