/*
 * timeline: what became of each alarm in one replay, from its transitions. An alarm's number counts
 * occurrences and logs, so it is the index.
 */
#include "offline/diff_priv.h"

#include <stdlib.h>

struct timeline *
timeline_new(void)
{
	struct timeline *tl = fm_calloc(1, sizeof(*tl));

	fm_intern_init(&tl->names);
	return tl;
}

void
timeline_free(struct timeline *tl)
{
	if (tl == NULL)
		return;
	fm_intern_fini(&tl->names);
	free(tl->v);
	free(tl);
}

static struct occurrence *
get(struct timeline *tl, uint64_t id)
{
	if (id >= tl->cap) {
		const size_t cap = id < 512 ? 1024 : (size_t)id * 2;

		tl->v = fm_realloc(tl->v, cap * sizeof(*tl->v));
		memset(tl->v + tl->cap, 0, (cap - tl->cap) * sizeof(*tl->v));
		tl->cap = cap;
	}
	tl->n = id >= tl->n ? (size_t)id + 1 : tl->n;
	return &tl->v[id];
}

static const char *
name(struct timeline *tl, const char *s)
{
	return fm_intern(&tl->names, s, strlen(s));
}

void
timeline_take(void *ctx, struct transition *tr)
{
	struct timeline *tl = ctx;
	const struct alarm *al = &tr->alarm;
	struct occurrence *occ = get(tl, al->id);

	if (tr->kind == TR_PURGE)
		return;
	if (occ->alarm_id == NULL) {
		occ->alarm_id = name(tl, al->alarm_id);
		occ->entity = name(tl, al->entity);
		occ->id = al->id;
		occ->uuid = al->uuid;
		occ->came = tr->at;
		occ->is_log = tr->kind == TR_LOG;
	}
	if (al->severity > occ->worst)
		occ->worst = al->severity;
	if (tr->notify && occ->told.ns == 0 && tr->kind != TR_CLEAR)
		occ->told = tr->at;
	if (tr->kind == TR_CLEAR || tr->kind == TR_LOG)
		occ->ended = tr->at;
	if (!fm_uuid_is_null(&al->root_cause))
		occ->parent = al->root_cause;
}
