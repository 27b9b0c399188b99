/* hash: stable, spread out, and sensitive to every byte. */
#include "base/base.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* Stored values depend on these: a change of the function is a change of the stored format. */
Test(hash, is_the_same_for_ever)
{
	cr_assert_eq(fm_hash64("", 0, 0), 0x8400e2d12e6df9ceULL);
	cr_assert_eq(fm_hash64("a", 1, 0), 0xf405c416b2e4a8d8ULL);
	cr_assert_eq(fm_hash64("700.008", 7, 0), 0xa9bebe5f3b1a8a7fULL);
	cr_assert_eq(fm_hash64("0123456789abcdef", 16, 1), 0x797296e396a8da6cULL);
	cr_assert_eq(fm_hash64("0123456789abcdef0123456789abcdef0", 33, 0), 0x54ae09bbe86f2f1aULL);
}

Test(hash, does_not_depend_on_alignment_or_what_lies_around)
{
	char room[80];
	for (size_t len = 0; len <= 40; len++) {
		char key[40];
		memset(key, 'k', sizeof(key));
		uint64_t want = fm_hash64(key, len, 3);
		for (size_t shift = 0; shift < 16; shift++) {
			memset(room, (int)shift, sizeof(room));
			memcpy(room + shift, key, len);
			cr_assert_eq(fm_hash64(room + shift, len, 3), want);
		}
	}
}

Test(hash, every_bit_of_every_length_and_the_seed_matter)
{
	uint8_t key[40] = {0};
	for (size_t len = 0; len <= sizeof(key); len++) {
		uint64_t want = fm_hash64(key, len, 0);
		cr_assert_neq(fm_hash64(key, len, 1), want);
		if (len > 0)
			cr_assert_neq(fm_hash64(key, len - 1, 0), want);
		for (size_t bit = 0; bit < len * 8; bit++) {
			key[bit / 8] ^= (uint8_t)(1u << bit % 8);
			uint64_t other = fm_hash64(key, len, 0);
			cr_assert_neq(other, want, "length %zu bit %zu", len, bit);
			int flipped = __builtin_popcountll(other ^ want);
			cr_assert(flipped >= 10 && flipped <= 54, "length %zu bit %zu: %d", len,
				  bit, flipped);
			key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

Test(hash, counting_keys_do_not_collide_and_fill_buckets_evenly)
{
	enum { N = 1 << 16, BUCKETS = 256 };
	uint64_t *hashes = fm_calloc(N, sizeof(*hashes));
	unsigned low[BUCKETS] = {0}, high[BUCKETS] = {0};
	for (uint32_t i = 0; i < N; i++) {
		uint8_t key[16] = {0};
		memcpy(key + 12, &i, sizeof(i));
		hashes[i] = fm_hash64(key, sizeof(key), 0);
		low[hashes[i] % BUCKETS]++;
		high[hashes[i] >> 56]++;
	}
	qsort(hashes, N, sizeof(*hashes), by_value);
	for (size_t i = 1; i < N; i++)
		cr_assert_neq(hashes[i], hashes[i - 1]);
	for (size_t i = 0; i < BUCKETS; i++) {
		cr_assert(low[i] > 160 && low[i] < 352, "low bucket %zu: %u", i, low[i]);
		cr_assert(high[i] > 160 && high[i] < 352, "high bucket %zu: %u", i, high[i]);
	}
	free(hashes);
}
