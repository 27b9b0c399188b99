/*
 * near: how far apart two words are, for "did you mean".
 */
#include "base/base.h"

static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: a swap of neighbours, the commonest slip of all, is one edit. */
unsigned
fm_near(struct fm_str a, struct fm_str b)
{
	unsigned d[FM_NEAR_MAX + 1][FM_NEAR_MAX + 1];

	fm_assert(a.len <= FM_NEAR_MAX && b.len <= FM_NEAR_MAX);
	for (unsigned i = 0; i <= a.len; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= b.len; j++)
		d[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++)
		for (unsigned j = 1; j <= b.len; j++) {
			const char x = fold(a.p[i - 1]), y = fold(b.p[j - 1]);

			d[i][j] = least(d[i - 1][j - 1] + (x != y),
					least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && x == fold(b.p[j - 2]) && y == fold(a.p[i - 2]))
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[a.len][b.len];
}
