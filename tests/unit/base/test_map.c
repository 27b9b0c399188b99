/* map: found by hash, told apart by the caller, removed without a trace. */
#include <criterion/criterion.h>

#include "base/base.h"

#define N 5000

static bool
holds(const struct fm_map *m, uint64_t hash, const void *p)
{
	size_t pos;
	unsigned times = 0;

	for (void *q = fm_map_first(m, hash, &pos); q != NULL; q = fm_map_next(m, hash, &pos))
		times += q == p;
	cr_assert_leq(times, 1u, "met twice");
	return times == 1;
}

Test(map, an_empty_map_finds_nothing)
{
	struct fm_map m = {0};

	cr_assert_not(holds(&m, 0, &m));
	fm_map_fini(&m);
}

Test(map, every_one_of_equal_hashes_is_met)
{
	struct fm_map m = {0};
	int v[100];

	for (int i = 0; i < 100; i++)
		fm_map_put(&m, 7, &v[i]);
	for (int i = 0; i < 100; i++)
		cr_assert(holds(&m, 7, &v[i]));
	cr_assert_not(holds(&m, 8, &v[0]));
	fm_map_fini(&m);
}

/* Few bits of hash, all at the end of the array: long runs that wrap around. */
static uint64_t
crowded(int i)
{
	return UINT64_MAX - (uint64_t)(i % 37);
}

static uint64_t
spread(int i)
{
	return fm_hash64(&i, sizeof(i), 0);
}

static void
churn(uint64_t (*hash)(int), int n)
{
	struct fm_map m = {0};
	static int v[N];
	static bool in[N];
	uint64_t x = 1;

	memset(in, 0, sizeof(in));
	for (int round = 0; round < n * 8; round++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		const int i = (int)((x >> 33) % (uint64_t)n);

		if (in[i])
			fm_map_remove(&m, hash(i), &v[i]);
		else
			fm_map_put(&m, hash(i), &v[i]);
		in[i] = !in[i];
	}
	size_t count = 0;
	for (int i = 0; i < n; i++) {
		cr_assert_eq(holds(&m, hash(i), &v[i]), in[i], "object %d", i);
		count += in[i];
	}
	cr_assert_eq(m.n, count);
	fm_map_fini(&m);
}

Test(map, holds_what_was_put_and_not_removed_however_they_mix)
{
	churn(spread, N);
}

Test(map, removal_keeps_runs_that_wrap_around_whole)
{
	churn(crowded, 150);
}
