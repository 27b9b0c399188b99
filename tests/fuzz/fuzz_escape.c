/*
 * The way to a terminal, a CSV file and a JSON reader: no control byte and nothing malformed ever
 * leaves, wrapping loses nothing but blanks, and JSON keeps its meaning.
 */
// LINK: fm_fm dep_jansson
#include "fm/text_priv.h"

#include <jansson.h>
#include <locale.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
assert_harmless(const char *s, size_t len)
{
	uint32_t cp = 0;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = fm_utf8_decode(s + i, len - i, &cp);
		fm_assert(n > 0);
		fm_assert(cp >= 0x20 && (cp < 0x7f || cp > 0x9f));
		fm_assert(!(cp >= 0x200b && cp <= 0x200f) && !(cp >= 0x2028 && cp <= 0x202e));
		fm_assert(!(cp >= 0x2060 && cp <= 0x2069) && cp != 0xfeff && cp != 0x61c);
	}
}

/* What is left of text when blanks and line ends are taken out. */
static char *
squeezed(const char *s)
{
	char *out = fm_strdup(s), *to = out;

	for (const char *p = s; *p != '\0'; p++)
		if (*p != ' ' && *p != '\n')
			*to++ = *p;
	*to = '\0';
	return out;
}

static void
check_wrap(const char *safe, unsigned width)
{
	struct fm_buf lines = {0};
	unsigned n = text_wrap(&lines, safe, width), seen = 1;

	for (const char *p = lines.s; (p = strchr(p, '\n')) != NULL; p++)
		seen++;
	fm_assert(seen == n);
	for (const char *p = lines.s; *p != '\0'; p += *p == '\n') {
		size_t len = strcspn(p, "\n");

		fm_assert(width < 2 || text_width(p, len) <= width);
		p += len;
	}
	char *was = squeezed(safe), *is = squeezed(lines.s);
	fm_assert(strcmp(was, is) == 0);
	free(was);
	free(is);
	fm_buf_fini(&lines);
}

static void
check_json(const char *text, size_t len)
{
	json_t *was = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	struct fm_buf tame = {0};

	if (was == NULL)
		return;
	text_json(&tame, text, len);
	assert_harmless(tame.s, tame.len);
	json_t *is = json_loadb(tame.s, tame.len, JSON_ALLOW_NUL, NULL);
	fm_assert(is != NULL && json_equal(was, is));
	json_decref(was);
	json_decref(is);
	fm_buf_fini(&tame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct fm_buf safe = {0}, csv = {0}, time = {0};

	setlocale(LC_CTYPE, "C.UTF-8");
	fm_buf_adds(&safe, "");
	text_safe(&safe, text, size);
	assert_harmless(safe.s, safe.len);
	check_wrap(safe.s, size > 0 ? data[0] % 40 + 1u : 10);
	text_csv(&csv, safe.s, CSV_GUARDED);
	assert_harmless(csv.s != NULL ? csv.s : "", csv.len);
	fm_assert(csv.len == 0 || strchr("=+-@", csv.s[0]) == NULL);
	text_time(&time, safe.s, TIME_MS);
	assert_harmless(time.s, time.len);
	check_json(text, size);
	fm_buf_fini(&safe);
	fm_buf_fini(&csv);
	fm_buf_fini(&time);
	return 0;
}
