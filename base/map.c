/*
 * map: objects by a 64-bit hash in one open-addressed array, so that a look-up touches one line of
 * it and the object itself, however many there are. Linear probing; removal moves what follows
 * back, so there are no tombstones. Grows by doubling, never shrinks.
 */
#include "base/base.h"

#include <stdlib.h>

#define SMALLEST 64

void
fm_map_fini(struct fm_map *m)
{
	free(m->v);
	*m = (struct fm_map){0};
}

static void
place(struct fm_map *m, uint64_t hash, void *p)
{
	size_t i = hash & (m->cap - 1);

	while (m->v[i].p != NULL)
		i = (i + 1) & (m->cap - 1);
	m->v[i] = (struct fm_map_slot){hash, p};
}

static void
grow(struct fm_map *m)
{
	struct fm_map_slot *old = m->v;
	const size_t n = m->cap;

	m->cap = n != 0 ? n * 2 : SMALLEST;
	m->v = fm_big_calloc(m->cap, sizeof(*m->v));
	for (size_t i = 0; i < n; i++)
		if (old[i].p != NULL)
			place(m, old[i].hash, old[i].p);
	free(old);
}

void
fm_map_put(struct fm_map *m, uint64_t hash, void *p)
{
	fm_assert(p != NULL);
	if ((m->n + 1) * 4 > m->cap * 3)
		grow(m);
	place(m, hash, p);
	m->n++;
}

/* Whether what is at home in slot "home" may not move to the hole before slot i. */
static bool
stays(size_t home, size_t hole, size_t i, size_t mask)
{
	return ((i - home) & mask) < ((i - hole) & mask);
}

void
fm_map_remove(struct fm_map *m, uint64_t hash, const void *p)
{
	const size_t mask = m->cap - 1;
	size_t hole = hash & mask;

	fm_assert(m->cap != 0);
	while (m->v[hole].p != p) {
		fm_assert(m->v[hole].p != NULL);
		hole = (hole + 1) & mask;
	}
	for (size_t i = (hole + 1) & mask; m->v[i].p != NULL; i = (i + 1) & mask) {
		if (stays(m->v[i].hash & mask, hole, i, mask))
			continue;
		m->v[hole] = m->v[i];
		hole = i;
	}
	m->v[hole].p = NULL;
	m->n--;
}
