/* pool: objects that stay where they are, zeroed each time. */
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/base.h"

#define N 50000
struct thing {
	uint64_t a, b, c;
};

Test(pool, objects_are_zeroed_apart_and_do_not_move)
{
	struct fm_pool pool;
	static struct thing *v[N];

	fm_pool_init(&pool, sizeof(struct thing));
	for (uint64_t i = 0; i < N; i++) {
		v[i] = fm_pool_get(&pool);
		cr_assert(v[i]->a == 0 && v[i]->b == 0 && v[i]->c == 0);
		cr_assert_eq((uintptr_t)v[i] % sizeof(void *), 0);
		*v[i] = (struct thing){i + 1, i + 1, i + 1};
	}
	for (uint64_t i = 0; i < N; i++)
		cr_assert(v[i]->a == i + 1 && v[i]->b == i + 1 && v[i]->c == i + 1);
	for (uint64_t i = 0; i < N; i++)
		fm_pool_put(&pool, v[i]);
	fm_pool_fini(&pool);
}

Test(pool, what_is_put_back_is_given_out_again_and_zeroed)
{
	struct fm_pool pool;
	struct thing *kept;

	fm_pool_init(&pool, sizeof(struct thing));
	kept = fm_pool_get(&pool);
	kept->a = 7;
	for (int i = 0; i < 1000; i++) {
		struct thing *x = fm_pool_get(&pool), *y = fm_pool_get(&pool);

		cr_assert(x != y && x != kept && y != kept);
		cr_assert(x->a == 0 && x->b == 0 && y->a == 0 && y->b == 0);
		x->a = x->b = y->a = y->b = UINT64_MAX;
		fm_pool_put(&pool, x);
		fm_pool_put(&pool, y);
	}
	cr_assert_eq(kept->a, 7);
	fm_pool_put(&pool, kept);
	fm_pool_fini(&pool);
}

Test(pool, big_memory_is_zeroed_and_freed_like_any)
{
	for (size_t n = 1; n <= 3u << 20; n = n * 3 + 1) {
		unsigned char *p = fm_big_calloc(n, 2);

		cr_assert(p[0] == 0 && p[n] == 0 && p[2 * n - 1] == 0);
		memset(p, 1, 2 * n);
		free(p);
	}
}
