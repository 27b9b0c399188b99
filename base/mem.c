/*
 * mem: allocation that cannot fail. A daemon that ran out of memory has nothing sensible left to
 * do; its state is in the store and the service manager starts it again.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

static void *
or_die(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
fm_malloc(size_t n)
{
	return or_die(malloc(n != 0 ? n : 1));
}

void *
fm_calloc(size_t n, size_t size)
{
	return or_die(n != 0 && size != 0 ? calloc(n, size) : calloc(1, 1));
}

void *
fm_realloc(void *p, size_t n)
{
	return or_die(realloc(p, n != 0 ? n : 1));
}

char *
fm_strdup(const char *s)
{
	return fm_strndup(s, strlen(s));
}

/* Takes exactly n bytes: callers cut text themselves, and n may count bytes of a larger buffer. */
char *
fm_strndup(const char *s, size_t n)
{
	char *copy = fm_malloc(n + 1);
	if (n != 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
fm_asprintf(const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	fm_assert(n >= 0);

	char *s = fm_malloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

void
fm_freep(void *pp)
{
	void *p;
	memcpy(&p, pp, sizeof(p));
	free(p);
	memset(pp, 0, sizeof(p));
}
