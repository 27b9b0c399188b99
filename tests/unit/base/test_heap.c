/* heap: deadlines in the order in which they fall due. */
#include "base/base.h"

#include <criterion/criterion.h>

#define N 500

static struct fm_heap h;
static struct fm_heap_node nodes[N];

static void
end(void)
{
	fm_heap_fini(&h);
}

TestSuite(heap, .fini = end);

/* Small on purpose: many deadlines are equal, so that the order decides. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static void
put(size_t i, int64_t due, uint64_t order)
{
	nodes[i].due.ns = due;
	nodes[i].order = order;
	fm_heap_put(&h, &nodes[i]);
}

static void
drained_in_order(size_t n)
{
	const struct fm_heap_node *before = NULL;
	for (size_t i = 0; i < n; i++) {
		struct fm_heap_node *min = fm_heap_min(&h);
		cr_assert_not_null(min);
		if (before != NULL)
			cr_assert(before->due.ns < min->due.ns ||
				  (before->due.ns == min->due.ns && before->order < min->order));
		fm_heap_remove(&h, min);
		cr_assert_eq(min->pos, 0);
		before = min;
	}
	cr_assert_null(fm_heap_min(&h));
}

Test(heap, is_empty_at_first)
{
	cr_assert_null(fm_heap_min(&h));
}

Test(heap, equal_deadlines_come_in_the_order_of_arming)
{
	put(0, 10, 2);
	put(1, 10, 1);
	put(2, 5, 3);
	cr_assert_eq(fm_heap_min(&h), &nodes[2]);
	fm_heap_remove(&h, &nodes[2]);
	cr_assert_eq(fm_heap_min(&h), &nodes[1]);
	drained_in_order(2);
}

Test(heap, a_node_is_placed_anew_when_it_is_put_again)
{
	put(0, 10, 1);
	put(1, 20, 2);
	put(0, 30, 3);
	cr_assert_eq(h.n, 2);
	cr_assert_eq(fm_heap_min(&h), &nodes[1]);
	put(0, 1, 4);
	cr_assert_eq(fm_heap_min(&h), &nodes[0]);
}

Test(heap, removing_what_is_not_in_it_does_nothing)
{
	put(0, 10, 1);
	fm_heap_remove(&h, &nodes[1]);
	cr_assert_eq(h.n, 1);
}

Test(heap, keeps_order_through_any_mixture_of_operations)
{
	uint32_t state = 1;
	uint64_t order = 0;
	size_t in = 0;
	for (int step = 0; step < 20000; step++) {
		size_t i = next_random(&state) % N;
		bool present = nodes[i].pos != 0;
		if (next_random(&state) % 3 == 0) {
			fm_heap_remove(&h, &nodes[i]);
			in -= present;
		} else {
			put(i, next_random(&state) % 50, ++order);
			in += !present;
		}
		cr_assert_eq(h.n, in);
		for (size_t k = 1; step % 1000 == 0 && k <= h.n; k++)
			cr_assert_eq(h.v[k - 1]->pos, k);
	}
	drained_in_order(in);
}
