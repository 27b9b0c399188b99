/*
 * arena: memory that lives as long as one unit of work. Blocks form a list; those up to cur hold
 * handed-out memory, those after it are spare from an earlier, larger use.
 */
#include "base/base.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define ALIGNMENT 16
#define FIRST_BLOCK 4096
#define LARGEST_STEP (1u << 20)

struct fm_arena_block {
	struct fm_arena_block *next;
	size_t cap;             /* of data */
	alignas(ALIGNMENT) char data[];
};

void
fm_arena_init(struct fm_arena *a)
{
	*a = (struct fm_arena){0};
}

void
fm_arena_fini(struct fm_arena *a)
{
	struct fm_arena_block *next;
	for (struct fm_arena_block *block = a->head; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	*a = (struct fm_arena){0};
}

void
fm_arena_reset(struct fm_arena *a)
{
	a->cur = a->head;
	a->used = 0;
	a->total = 0;
}

/* Takes a spare block of at least n bytes out of the list: spares are used before new ones. */
static struct fm_arena_block *
take_spare(struct fm_arena *a, size_t n)
{
	if (a->cur == NULL)
		return NULL;
	for (struct fm_arena_block **link = &a->cur->next; *link != NULL; link = &(*link)->next) {
		struct fm_arena_block *block = *link;
		if (block->cap >= n) {
			*link = block->next;
			return block;
		}
	}
	return NULL;
}

/* Blocks double up to a step, so that many small arenas stay small and big ones need few blocks. */
static struct fm_arena_block *
new_block(const struct fm_arena *a, size_t n)
{
	size_t cap = a->cur == NULL ? FIRST_BLOCK : a->cur->cap * 2;
	if (cap > LARGEST_STEP)
		cap = LARGEST_STEP;
	if (cap < n)
		cap = n;
	struct fm_arena_block *block = fm_malloc(sizeof(*block) + cap);
	block->cap = cap;
	return block;
}

static void
next_block(struct fm_arena *a, size_t n)
{
	struct fm_arena_block *block = take_spare(a, n);
	if (block == NULL)
		block = new_block(a, n);

	struct fm_arena_block **link = a->cur != NULL ? &a->cur->next : &a->head;
	block->next = *link;
	*link = block;
	a->cur = block;
	a->used = 0;
}

static char *
take(struct fm_arena *a, size_t n)
{
	fm_assert(n <= SIZE_MAX - ALIGNMENT);
	n = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (a->cur == NULL || a->cur->cap - a->used < n)
		next_block(a, n);

	char *p = a->cur->data + a->used;
	a->used += n;
	a->total += n;
	return p;
}

void *
fm_arena_alloc(struct fm_arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

char *
fm_arena_strndup(struct fm_arena *a, const char *s, size_t n)
{
	char *copy = take(a, n + 1);
	if (n != 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
fm_arena_printf(struct fm_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	fm_assert(n >= 0);

	char *s = take(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}
