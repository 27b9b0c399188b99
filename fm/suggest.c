/*
 * suggest: the nearest of some words by edits (insert, delete, replace, swap of neighbours), or
 * the only one that begins with what was typed.
 */
#include "fm/suggest_priv.h"

#include <stdbool.h>
#include <string.h>

#define MAX_WORD 40

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment distance; both words are at most MAX_WORD long. */
static unsigned
distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned d[MAX_WORD + 1][MAX_WORD + 1];

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				       a[i - 2] == b[j - 1];
			if (swapped && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[na][nb];
}

static const char *
only_prefixed(const char *s, size_t len, const char *const words[], size_t n)
{
	const char *found = NULL;

	for (size_t i = 0; i < n && len > 0; i++) {
		if (strncmp(s, words[i], len) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = words[i];
	}
	return found;
}

const char *
suggest(const char *s, size_t len, const char *const words[], size_t n)
{
	const char *best = only_prefixed(s, len, words, n);
	/* A third of the letters may be wrong, and one always. */
	unsigned best_distance = len < 6 ? 2 : (unsigned)len / 3 + 1;

	if (best != NULL || len == 0 || len > MAX_WORD)
		return best;
	for (size_t i = 0; i < n; i++) {
		size_t word_len = strlen(words[i]);

		if (word_len > MAX_WORD)
			continue;
		unsigned dist = distance(s, len, words[i], word_len);
		if (dist >= best_distance)
			continue;
		best_distance = dist;
		best = words[i];
	}
	return best;
}
