/*
 * moves: how far a host is on its way to be empty. While an alarm stands that explains why instances
 * leave their host (it is locked, disabled or down), it counts those that have left and says of how
 * many: those and the ones that are still there (case 23 of compute-events §5).
 *
 * What is counted stands in the alarm's attributes and nowhere else, so a new occurrence begins
 * at nothing. A move notifies nobody: it is no change of what the alarm is about.
 */
#include "correlator/correlator_priv.h"

static bool
is_of_moving(const struct cat_record *rec)
{
	for (unsigned i = 0; rec != NULL && i < rec->n_rules; i++) {
		const enum fact_id fact = rec->rules[i].fact;

		if (fact == FACT_INSTANCE_MIGRATING || fact == FACT_INSTANCE_COLD_MIGRATING ||
		    fact == FACT_INSTANCE_EVACUATING)
			return true;
	}
	return false;
}

/* By the catalogue: it is set above the alarms of instances that move from its host. */
static bool
explains_moves(const struct correlator *corr, const struct corr_alarm *al)
{
	for (unsigned i = 0; al->rec != NULL && i < al->rec->n_relations; i++) {
		const struct cat_relation *rel = &al->rec->relations[i];

		if (rel->effect == EFFECT_OUTDATE || rel->where != WHERE_INSTANCE_HOST ||
		    al->a.severity < rel->at_least)
			continue;
		for (unsigned j = 0; j < rel->n_alarms; j++)
			if (is_of_moving(cat_find(corr->cat, rel->alarms[j])))
				return true;
	}
	return false;
}

int64_t
moves_told(const struct corr_alarm *al)
{
	const struct attr *a = al != NULL ? al_attr(al, fact_attr_name(ATTR_MOVED)) : NULL;

	return a != NULL ? a->num : 0;
}

static void
count(struct correlator *corr, struct corr_alarm *al, int64_t moved)
{
	struct transition tr = {.prev_mask = PREV_MOVED, .prev_moved = moves_told(al)};

	al_mark(corr, al, &(struct attr){.name = fact_attr_name(ATTR_MOVED), .num = moved});
	al_mark(corr, al, &(struct attr){.name = fact_attr_name(ATTR_GUESTS),
			.num = moved + al->host->guests});
	al_quiet_change(corr, al, rules_text(corr, al), &tr);
}

void
moves_left(struct correlator *corr, const struct host *h)
{
	struct corr_alarm *next;

	for (struct corr_alarm *al = h->alarms; al != NULL; al = next) {
		next = al->host_next;
		if (al->inst == NULL && explains_moves(corr, al))
			count(corr, al, moves_told(al) + 1);
	}
}
