/*
 * pool: many objects of one size, in chunks that grow up to the size of a huge page and ask for
 * one. With a hundred thousand objects and more, met in random order, a look-up otherwise waits
 * for the page tables as long as for the object: huge pages took a quarter to a third off the
 * correlator's time per event. The same holds for large arrays: fm_big_calloc.
 *
 * Objects never move. Under AddressSanitizer each is an allocation of its own, so that it sees use
 * after return.
 */
#include "base/base.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (2u << 20)
#define FIRST_CHUNK (16u << 10)

#ifdef __SANITIZE_ADDRESS__
#define POOLED false
#else
#define POOLED true
#endif

struct fm_pool_chunk {
	struct fm_pool_chunk *next;
};

void *
fm_big_calloc(size_t n, size_t size)
{
	const size_t bytes = n * size, whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	void *p;

	fm_assert(size == 0 || n <= SIZE_MAX / 2 / size);
	if (bytes < HUGE_PAGE)
		return fm_calloc(n, size);
	p = aligned_alloc(HUGE_PAGE, whole);
	if (p == NULL)
		return fm_calloc(n, size);
	(void)madvise(p, whole, MADV_HUGEPAGE);         /* a hint; without it all is as it was */
	return memset(p, 0, bytes);
}

void
fm_pool_init(struct fm_pool *pool, size_t size)
{
	*pool = (struct fm_pool){.size = size, .chunk = FIRST_CHUNK};
	fm_assert(size >= sizeof(void *) && size % sizeof(void *) == 0);
	fm_assert(size <= FIRST_CHUNK - sizeof(struct fm_pool_chunk));
}

void
fm_pool_fini(struct fm_pool *pool)
{
	while (pool->chunks != NULL) {
		struct fm_pool_chunk *c = pool->chunks;

		pool->chunks = c->next;
		free(c);
	}
	*pool = (struct fm_pool){0};
}

static void
add_chunk(struct fm_pool *pool)
{
	struct fm_pool_chunk *c = fm_big_calloc(1, pool->chunk);

	c->next = pool->chunks;
	pool->chunks = c;
	pool->fresh = (char *)(c + 1);
	pool->left = (pool->chunk - sizeof(*c)) / pool->size;
	if (pool->chunk < HUGE_PAGE)
		pool->chunk *= 2;
}

void *
fm_pool_get(struct fm_pool *pool)
{
	void *p = pool->returned;

	if (!POOLED)
		return fm_calloc(1, pool->size);
	if (p != NULL) {
		memcpy(&pool->returned, p, sizeof(pool->returned));
		return memset(p, 0, pool->size);
	}
	if (pool->left == 0)
		add_chunk(pool);
	p = pool->fresh;
	pool->fresh += pool->size;
	pool->left--;
	return p;
}

void
fm_pool_put(struct fm_pool *pool, void *p)
{
	if (!POOLED) {
		free(p);
		return;
	}
	memcpy(p, &pool->returned, sizeof(pool->returned));
	pool->returned = p;
}
