/*
 * refused_priv: what rules have lately refused, for those who ask why there is no alarm (refused.c).
 */
#ifndef REFUSED_PRIV_H
#define REFUSED_PRIV_H

#include "correlator/correlator_priv.h"

#define REFUSED_MAX 1024u               /* remembered of each sort */
/*
 * KEY: the group has no such thing in common with others (its host, its pool is not known). FULL: the rule
 * agreed, but there was no room for one more alarm that is not major.
 */
enum refusal { REFUSED_IF, REFUSED_THRESHOLD, REFUSED_KEY, REFUSED_FULL, N_REFUSALS };
struct refused {
	const struct cat_rule *rule;
	struct fm_uuid uuid;            /* of the instance, or */
	const struct host *host;
	struct fm_time at;
	enum refusal why;
};
/* A group that ended and never had an alarm. */
struct near_miss {
	const struct cat_rule *rule;
	char *group;                    /* its name */
	unsigned most;                  /* members at once */
	struct fm_time at;
};

void refused_add(struct correlator *corr, const struct cat_rule *rule,
		 const struct fact_values *v, enum refusal why);
/* The last one of this subject; NULL: none is remembered. */
const struct refused *refused_find(const struct correlator *corr, const struct cat_rule *rule,
				   const struct instance *inst, const struct host *host);
/* The one that is i from the last; NULL: no more are remembered. */
const struct refused *refused_at(const struct correlator *corr, uint64_t i);
void missed_add(struct correlator *corr, const struct group *g);
/* The last one of that group; NULL: none is remembered. */
const struct near_miss *missed_find(const struct correlator *corr, const struct cat_rule *rule,
				    const char *group);
/* Forgets all. */
void refused_free(struct correlator *corr);

#endif
