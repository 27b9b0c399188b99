/*
 * ring: the recently committed transitions, kept once for all sinks, so that one which keeps up
 * costs no read of the database. Bounded in bytes; who falls behind it reads the store.
 */
#include "notify/notify_priv.h"

#include <stdlib.h>

void
ring_init(struct ring *r, size_t max_bytes)
{
	*r = (struct ring){.max_bytes = max_bytes};
}

static struct ring_item **
slot(const struct ring *r, size_t i)
{
	return &r->v[(r->head + i) % r->cap];
}

static void
drop_oldest(struct ring *r)
{
	struct ring_item *item = *slot(r, 0);

	r->bytes -= item->bytes;
	free(item);
	r->head = (r->head + 1) % r->cap;
	r->n--;
	r->first++;
}

static void
drop_all(struct ring *r)
{
	while (r->n > 0)
		drop_oldest(r);
}

void
ring_fini(struct ring *r)
{
	drop_all(r);
	free(r->v);
	*r = (struct ring){0};
}

/* One allocation for the item and its three strings. */
static struct ring_item *
copy(const struct stored_transition *tr)
{
	size_t id_len = strlen(tr->alarm_id) + 1, entity_len = strlen(tr->entity) + 1;
	size_t bytes = sizeof(struct ring_item) + id_len + entity_len + tr->len + 1;
	struct ring_item *item = fm_malloc(bytes);
	char *p = (char *)(item + 1);

	item->tr = *tr;
	item->bytes = bytes;
	item->tr.alarm_id = memcpy(p, tr->alarm_id, id_len);
	item->tr.entity = memcpy(p + id_len, tr->entity, entity_len);
	item->tr.json = memcpy(p + id_len + entity_len, tr->json, tr->len);
	p[bytes - sizeof(*item) - 1] = '\0';
	return item;
}

static void
grow(struct ring *r)
{
	size_t cap = r->cap == 0 ? 256 : r->cap * 2;
	struct ring_item **v = fm_malloc(cap * sizeof(v[0]));

	for (size_t i = 0; i < r->n; i++)
		v[i] = *slot(r, i);
	free(r->v);
	r->v = v;
	r->head = 0;
	r->cap = cap;
}

void
ring_push(struct ring *r, const struct stored_transition *tr)
{
	if (r->n > 0 && tr->seq != r->first + r->n)
		drop_all(r);
	if (r->n == r->cap)
		grow(r);
	if (r->n == 0)
		r->first = tr->seq;
	struct ring_item *item = copy(tr);
	*slot(r, r->n++) = item;
	r->bytes += item->bytes;
	while (r->bytes > r->max_bytes)
		drop_oldest(r);
}

const struct stored_transition *
ring_find(const struct ring *r, uint64_t seq)
{
	if (r->n == 0 || seq < r->first || seq - r->first >= r->n)
		return NULL;
	return &(*slot(r, seq - r->first))->tr;
}

void
ring_drop_to(struct ring *r, uint64_t seq)
{
	while (r->n > 0 && r->first <= seq)
		drop_oldest(r);
}
