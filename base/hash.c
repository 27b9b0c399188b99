/*
 * hash: 64 bits by multiplying and folding, 16 bytes per step. Every load is little-endian, so the
 * value is the same on every machine and may be stored. Not meant to resist an adversary who
 * chooses keys: tables that hold keys from outside are bounded instead.
 */
#include "base/base.h"

#include <endian.h>

/* Odd, irregular constants: the fractional parts of the golden ratio and of square roots. */
#define K0 0x9e3779b97f4a7c15ULL
#define K1 0xbb67ae8584caa73bULL
#define K2 0xa54ff53a5f1d36f1ULL

static inline uint64_t
load8(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t
load4(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to 16 bytes as two words that together see every byte. */
static inline void
load_short(const uint8_t *p, size_t len, uint64_t *a, uint64_t *b)
{
	if (len >= 8) {
		*a = load8(p);
		*b = load8(p + len - 8);
	} else if (len >= 4) {
		*a = load4(p);
		*b = load4(p + len - 4);
	} else if (len > 0) {
		*a = (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1];
		*b = 0;
	} else {
		*a = 0;
		*b = 0;
	}
}

uint64_t
fm_hash64(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	size_t left = len;
	uint64_t a, b;

	seed ^= fold(seed ^ K0, K1);
	for (; left > 16; left -= 16, p += 16)
		seed = fold(load8(p) ^ K1, load8(p + 8) ^ seed);
	load_short(p, left, &a, &b);
	return fold(K2 ^ len, fold(a ^ K1, b ^ seed) ^ K0);
}
