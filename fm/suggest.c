/*
 * suggest: the nearest of some words by edits, or the only one that begins with what was typed.
 */
#include "fm/suggest_priv.h"
#include "base/base.h"

#include <stdbool.h>
#include <string.h>

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

	if (best != NULL || len == 0 || len > FM_NEAR_MAX)
		return best;
	for (size_t i = 0; i < n; i++) {
		size_t word_len = strlen(words[i]);

		if (word_len > FM_NEAR_MAX)
			continue;
		unsigned dist = fm_near((struct fm_str){s, (uint32_t)len}, fm_str_of(words[i]));
		if (dist >= best_distance)
			continue;
		best_distance = dist;
		best = words[i];
	}
	return best;
}
