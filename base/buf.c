/*
 * buf: a string that grows. Doubling keeps appending linear; the length is never read back from
 * the text, so bytes of any value may be added.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

#define SMALLEST 64

void
fm_buf_fini(struct fm_buf *b)
{
	free(b->s);
	*b = (struct fm_buf){0};
}

void
fm_buf_reset(struct fm_buf *b)
{
	b->len = 0;
	if (b->s != NULL)
		b->s[0] = '\0';
}

/* Makes room for n more bytes and the terminating NUL. */
static void
reserve(struct fm_buf *b, size_t n)
{
	fm_assert(n < SIZE_MAX / 2 - b->len);
	if (b->cap - b->len > n)
		return;
	size_t cap = b->cap != 0 ? b->cap : SMALLEST;
	while (cap - b->len <= n)
		cap *= 2;
	b->s = fm_realloc(b->s, cap);
	b->cap = cap;
}

void
fm_buf_reserve(struct fm_buf *b, size_t n)
{
	reserve(b, n);
}

void
fm_buf_add(struct fm_buf *b, const void *p, size_t n)
{
	reserve(b, n);
	if (n != 0)
		memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void
fm_buf_adds(struct fm_buf *b, const char *s)
{
	fm_buf_add(b, s, strlen(s));
}

void
fm_buf_addf(struct fm_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	fm_assert(n >= 0);

	reserve(b, (size_t)n);
	vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

/* ---- the first of many ------------------------------------------------------------------------ */

void
fm_list_add(struct fm_list *l, const char *s)
{
	if (l->n++ >= l->most)
		return;
	if (l->n > 1)
		fm_buf_adds(&l->b, ", ");
	fm_buf_adds(&l->b, s);
}

const char *
fm_list_end(struct fm_list *l)
{
	if (l->n > l->most)
		fm_buf_addf(&l->b, " and %u more", l->n - l->most);
	return l->b.s != NULL ? l->b.s : "";
}

void
fm_list_fini(struct fm_list *l)
{
	fm_buf_fini(&l->b);
	l->n = 0;
}
