/*
 * err: filling in an error and dying on a broken invariant. Knows nothing about logging:
 * whoever decides what to do about an error also decides where its words go.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

int
fm_fail(struct fm_err *err, int code, const char *fmt, ...)
{
	if (err == NULL)
		return code;

	/* Formatted apart, because err->msg itself is often an argument when a cause is wrapped. */
	char msg[sizeof(err->msg)];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;

	/* What was cut off may be half a character: give up the last one rather than look. */
	size_t len = (size_t)n;
	if (len >= sizeof(msg))
		len = fm_utf8_cut(msg, sizeof(msg) - 1, sizeof(msg) - 2);
	memcpy(err->msg, msg, len);
	err->msg[len] = '\0';
	err->code = code;
	return code;
}

void
fm_assert_failed(const char *expr, const char *file, int line, const char *func)
{
	char where[16];
	snprintf(where, sizeof(where), ":%d: ", line);
	fputs(file, stderr);
	fputs(where, stderr);
	fputs(func, stderr);
	fputs(": assertion failed: ", stderr);
	fputs(expr, stderr);
	fputs("\n", stderr);
	abort();
}
