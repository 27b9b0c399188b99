/*
 * A bounded queue between exactly two threads. The producer alone moves head, the consumer alone
 * moves tail; both only grow and wrap with the type, so full and empty differ without a spare
 * slot. It knows nothing of what it carries and wakes nobody.
 */
#include "snmp/fmagent_priv.h"

void
fmagent_ring_init(struct fmagent_ring *r, size_t elem, uint32_t cap)
{
	fm_assert(cap > 0 && (cap & (cap - 1)) == 0);
	r->mem = fm_calloc(cap, elem);
	r->elem = elem;
	r->cap = cap;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
}

void
fmagent_ring_fini(struct fmagent_ring *r)
{
	fm_freep(&r->mem);
}

static void *
at(struct fmagent_ring *r, uint32_t pos)
{
	return r->mem + r->elem * (pos & (r->cap - 1));
}

void *
fmagent_ring_slot(struct fmagent_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return head - tail == r->cap ? NULL : at(r, head);
}

void
fmagent_ring_push(struct fmagent_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

void *
fmagent_ring_peek(struct fmagent_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return head == tail ? NULL : at(r, tail);
}

void
fmagent_ring_pop(struct fmagent_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}
