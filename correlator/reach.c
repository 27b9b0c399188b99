/*
 * reach: who may be related to whom beyond its host and its instance. Active alarms stand here by their id,
 * in raise order, so that an alarm whose record names others everywhere (Where: all) is looked for among
 * those few, and finds what it names, without a walk through all that is active. Those that inhibit
 * stand in a list of their own; and each is found by its UUID.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

/* ---- kinds ------------------------------------------------------------------------------------ */

static struct alarm_kind *
kind_find(const struct correlator *corr, const char *alarm_id)
{
	struct alarm_kind *kind;

	HASH_FIND(hh, corr->kinds, alarm_id, strlen(alarm_id), kind);
	return kind;
}

static struct alarm_kind *
kind_get(struct correlator *corr, const char *alarm_id)
{
	struct alarm_kind *kind = kind_find(corr, alarm_id);

	if (kind != NULL)
		return kind;
	kind = fm_calloc(1, sizeof(*kind));
	kind->alarm_id = fm_strdup(alarm_id);
	HASH_ADD_KEYPTR(hh, corr->kinds, kind->alarm_id, strlen(kind->alarm_id), kind);
	return kind;
}

static void
kind_free(struct correlator *corr, struct alarm_kind *kind)
{
	HASH_DEL(corr->kinds, kind);
	free(kind->wide);
	free(kind->alarm_id);
	free(kind);
}

static void
drop_unused(struct correlator *corr, struct alarm_kind *kind)
{
	if (kind->head == NULL && kind->n_wide == 0)
		kind_free(corr, kind);
}

static unsigned
place_of(const struct alarm_kind *kind, const struct alarm_kind *wide)
{
	unsigned i = 0;

	while (i < kind->n_wide && kind->wide[i] != wide)
		i++;
	return i;
}

/* There is now an active alarm of the kind wide, or none any more. */
static void
set_wide(struct correlator *corr, const char *alarm_id, struct alarm_kind *wide, bool up)
{
	struct alarm_kind *kind = up ? kind_get(corr, alarm_id) : kind_find(corr, alarm_id);
	const unsigned i = kind != NULL ? place_of(kind, wide) : 0;

	if (kind == NULL || up == (i < kind->n_wide))
		return;                 /* named by two relations */
	if (up) {
		kind->wide = fm_realloc(kind->wide, (kind->n_wide + 1) * sizeof(*kind->wide));
		kind->wide[kind->n_wide++] = wide;
		return;
	}
	kind->wide[i] = kind->wide[--kind->n_wide];
	if (kind != wide)
		drop_unused(corr, kind);
}

/* Those that the alarms of one kind relate to is a matter of their record, which is the same for all. */
static void
set_targets(struct correlator *corr, const struct corr_alarm *al, bool up)
{
	for (unsigned i = 0; al->rec != NULL && i < al->rec->n_relations; i++) {
		const struct cat_relation *rel = &al->rec->relations[i];

		for (unsigned j = 0; rel->where == WHERE_ALL && j < rel->n_alarms; j++)
			set_wide(corr, rel->alarms[j], al->kind, up);
	}
}

static void
kind_add(struct correlator *corr, struct corr_alarm *al)
{
	struct alarm_kind *kind = al->kind = kind_get(corr, al->a.alarm_id);
	const bool first = kind->head == NULL;

	DL_APPEND2(kind->head, al, kind_prev, kind_next);
	kind->n++;
	if (first)
		set_targets(corr, al, true);
}

static void
kind_remove(struct correlator *corr, struct corr_alarm *al)
{
	struct alarm_kind *kind = al->kind;

	DL_DELETE2(kind->head, al, kind_prev, kind_next);
	if (--kind->n == 0)
		set_targets(corr, al, false);
	al->kind = NULL;
	drop_unused(corr, kind);
}

/* ---- by UUID ---------------------------------------------------------------------------------- */

static uint64_t
hash_of(const struct fm_uuid *uuid)
{
	return fm_hash64(uuid, sizeof(*uuid), 0);
}

struct corr_alarm *
reach_uuid(const struct correlator *corr, const struct fm_uuid *uuid)
{
	const uint64_t hash = hash_of(uuid);
	struct corr_alarm *al;
	size_t pos;

	for (al = fm_map_first(&corr->by_uuid, hash, &pos); al != NULL;
	     al = fm_map_next(&corr->by_uuid, hash, &pos))
		if (fm_uuid_eq(&al->a.uuid, uuid))
			return al;
	return NULL;
}

/* ---- in and out ------------------------------------------------------------------------------- */

void
reach_link(struct correlator *corr, struct corr_alarm *al)
{
	kind_add(corr, al);
	fm_map_put(&corr->by_uuid, hash_of(&al->a.uuid), al);
	if (al->a.inhibits)
		DL_APPEND2(corr->inhibitors, al, inh_prev, inh_next);
}

void
reach_unlink(struct correlator *corr, struct corr_alarm *al)
{
	if (al->kind == NULL)
		return;
	kind_remove(corr, al);
	fm_map_remove(&corr->by_uuid, hash_of(&al->a.uuid), al);
	if (al->a.inhibits)
		DL_DELETE2(corr->inhibitors, al, inh_prev, inh_next);
}

void
reach_relink(struct correlator *corr)
{
	reach_free(corr);
	for (struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		reach_link(corr, al);
}

void
reach_free(struct correlator *corr)
{
	struct alarm_kind *kind, *tmp;

	HASH_ITER(hh, corr->kinds, kind, tmp) {
		for (struct corr_alarm *al = kind->head; al != NULL; al = al->kind_next)
			al->kind = NULL;
		kind_free(corr, kind);
	}
	fm_map_fini(&corr->by_uuid);
	corr->by_uuid = (struct fm_map){0};
	corr->inhibitors = NULL;
}

/* ---- who names whom --------------------------------------------------------------------------- */

static int
compare_id(const void *key, const void *elem)
{
	return strcmp(key, *(const char *const *)elem);
}

bool
reach_names(const struct cat_relation *rel, const char *alarm_id)
{
	return bsearch(alarm_id, rel->alarms, rel->n_alarms, sizeof(rel->alarms[0]),
		       compare_id) != NULL;
}

struct corr_alarm *
reach_parent(const struct corr_alarm *child, tie_f *tie)
{
	struct corr_alarm *oldest = NULL, *p;

	for (unsigned i = 0; i < child->kind->n_wide; i++)
		for (p = child->kind->wide[i]->head;
		     p != NULL && (oldest == NULL || p->a.id < oldest->a.id); p = p->kind_next)
			if (tie(p, child))
				oldest = p;
	return oldest;
}

int
reach_by_id(const void *a, const void *b)
{
	const struct corr_alarm *x = *(struct corr_alarm *const *)a;
	const struct corr_alarm *y = *(struct corr_alarm *const *)b;

	return x->a.id < y->a.id ? -1 : x->a.id > y->a.id;
}

static bool
is_asked(const struct cat_relation *rel, const struct reach_ask *ask)
{
	return (ask->effects >> rel->effect & 1) != 0 && (ask->wheres >> rel->where & 1) != 0;
}

/* Once, however many relations name it. */
static bool
is_first(const struct corr_alarm *al, const struct reach_ask *ask, unsigned i, const char *id)
{
	for (unsigned k = 0; k < i; k++)
		if (is_asked(&al->rec->relations[k], ask) &&
		    reach_names(&al->rec->relations[k], id))
			return false;
	return true;
}

struct corr_alarm **
reach_children(const struct correlator *corr, const struct corr_alarm *al,
	       const struct reach_ask *ask, size_t *ret_n)
{
	struct corr_alarm **v = NULL;
	size_t n = 0, lists = 0;

	for (unsigned i = 0; al->rec != NULL && i < al->rec->n_relations; i++) {
		const struct cat_relation *rel = &al->rec->relations[i];

		for (unsigned j = 0; is_asked(rel, ask) && j < rel->n_alarms; j++) {
			const struct alarm_kind *kind = kind_find(corr, rel->alarms[j]);

			if (kind == NULL || kind->n == 0 ||
			    !is_first(al, ask, i, rel->alarms[j]))
				continue;
			v = fm_realloc(v, (n + kind->n) * sizeof(struct corr_alarm *));
			for (struct corr_alarm *c = kind->head; c != NULL; c = c->kind_next)
				v[n++] = c;
			lists++;
		}
	}
	if (lists > 1)
		qsort(v, n, sizeof(struct corr_alarm *), reach_by_id);
	*ret_n = n;
	return v;
}
