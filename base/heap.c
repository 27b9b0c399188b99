/*
 * heap: deadlines in the order in which they fall due. Nodes belong to the caller and know their
 * place, so that one can be moved or taken out without a search.
 */
#include "base/base.h"

#include <stdlib.h>

#define SMALLEST 64

static bool
earlier(const struct fm_heap_node *a, const struct fm_heap_node *b)
{
	if (a->due.ns != b->due.ns)
		return a->due.ns < b->due.ns;
	return a->order < b->order;
}

static void
place(struct fm_heap *h, struct fm_heap_node *node, size_t pos)
{
	h->v[pos - 1] = node;
	node->pos = pos;
}

static void
sift_up(struct fm_heap *h, struct fm_heap_node *node)
{
	size_t pos = node->pos;
	while (pos > 1 && earlier(node, h->v[pos / 2 - 1])) {
		place(h, h->v[pos / 2 - 1], pos);
		pos /= 2;
	}
	place(h, node, pos);
}

static void
sift_down(struct fm_heap *h, struct fm_heap_node *node)
{
	size_t pos = node->pos;
	while (pos * 2 <= h->n) {
		size_t child = pos * 2;
		if (child < h->n && earlier(h->v[child], h->v[child - 1]))
			child++;
		if (!earlier(h->v[child - 1], node))
			break;
		place(h, h->v[child - 1], pos);
		pos = child;
	}
	place(h, node, pos);
}

void
fm_heap_fini(struct fm_heap *h)
{
	free(h->v);
	*h = (struct fm_heap){0};
}

void
fm_heap_put(struct fm_heap *h, struct fm_heap_node *node)
{
	if (node->pos == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap != 0 ? h->cap * 2 : SMALLEST;
			h->v = fm_realloc(h->v, h->cap * sizeof(struct fm_heap_node *));
		}
		place(h, node, ++h->n);
	}
	fm_assert(node->pos <= h->n && h->v[node->pos - 1] == node);
	sift_up(h, node);
	sift_down(h, node);
}

void
fm_heap_remove(struct fm_heap *h, struct fm_heap_node *node)
{
	if (node->pos == 0)
		return;
	fm_assert(node->pos <= h->n && h->v[node->pos - 1] == node);

	struct fm_heap_node *last = h->v[--h->n];
	if (last != node) {
		place(h, last, node->pos);
		sift_up(h, last);
		sift_down(h, last);
	}
	node->pos = 0;
}

struct fm_heap_node *
fm_heap_min(const struct fm_heap *h)
{
	return h->n != 0 ? h->v[0] : NULL;
}
