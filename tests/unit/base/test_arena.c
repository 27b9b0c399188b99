/* arena: memory freed all at once. */
#include "base/base.h"

#include <criterion/criterion.h>

static struct fm_arena a;

static void
start(void)
{
	fm_arena_init(&a);
}

static void
end(void)
{
	fm_arena_fini(&a);
}

TestSuite(arena, .init = start, .fini = end);

Test(arena, memory_is_zeroed_and_aligned_even_when_used_again)
{
	for (int round = 0; round < 3; round++) {
		for (size_t n = 1; n < 600; n += 7) {
			uint8_t *p = fm_arena_alloc(&a, n);
			cr_assert_eq((uintptr_t)p % 16, 0);
			for (size_t i = 0; i < n; i++)
				cr_assert_eq(p[i], 0);
			memset(p, 0xa5, n);
		}
		fm_arena_reset(&a);
	}
}

Test(arena, pieces_do_not_overlap)
{
	char *p[2000];
	for (size_t i = 0; i < FM_ARRAY_LEN(p); i++)
		p[i] = fm_arena_printf(&a, "%zu:%0*d", i, (int)(i % 90) + 1, 7);
	for (size_t i = 0; i < FM_ARRAY_LEN(p); i++) {
		FM_CLEANUP(fm_freep) char *want = fm_asprintf("%zu:%0*d", i, (int)(i % 90) + 1, 7);
		cr_assert_str_eq(p[i], want);
	}
}

Test(arena, a_piece_may_be_larger_than_any_block)
{
	char *small = fm_arena_strndup(&a, "before", 6);
	char *large = fm_arena_alloc(&a, 3 << 20);
	char *after = fm_arena_strndup(&a, "after!", 5);

	memset(large, 'x', 3 << 20);
	cr_assert_str_eq(small, "before");
	cr_assert_str_eq(after, "after");
}

Test(arena, a_copy_of_nothing_is_the_empty_string)
{
	cr_assert_str_eq(fm_arena_strndup(&a, NULL, 0), "");
}

Test(arena, total_counts_since_the_last_reset)
{
	fm_arena_alloc(&a, 100);
	cr_assert(a.total >= 100 && a.total < 200);
	fm_arena_reset(&a);
	cr_assert_eq(a.total, 0);
}

static size_t
fill(bool large_first)
{
	if (large_first)
		fm_arena_alloc(&a, 100000);
	for (int i = 0; i < 1000; i++)
		fm_arena_alloc(&a, 100);
	if (!large_first)
		fm_arena_alloc(&a, 100000);
	return a.total;
}

/* Walks the blocks by asking for what is left in each: the same memory must come again. */
Test(arena, blocks_are_kept_for_the_next_use)
{
	void *first = fm_arena_alloc(&a, 50);
	fill(false);
	fm_arena_reset(&a);

	cr_assert_eq(fm_arena_alloc(&a, 50), first);
	void *large = fm_arena_alloc(&a, 100000);
	for (int i = 0; i < 50; i++) {
		fm_arena_reset(&a);
		fm_arena_alloc(&a, 50);
		cr_assert_eq(fm_arena_alloc(&a, 100000), large);
		fill(i % 2 == 0);
	}
}
