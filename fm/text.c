/*
 * text: escaping, measuring and wrapping for terminals, CSV and JSON. Widths are those of the
 * C library's tables, as libsmartcols counts them, so that the two agree.
 */
#include "fm/text_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

/*
 * What fm_escape lets through because a log may carry it, but what a terminal hides, shows as it
 * likes, or lets change the order of what stands around it.
 */
static bool
is_visible(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0xad, 0xad},           /* soft hyphen */
		{0x180e, 0x180e},       /* Mongolian vowel separator */
		{0xe0080, 0xe0fff},     /* variation selectors */
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(hidden); i++) {
		if (cp >= hidden[i].first && cp <= hidden[i].last)
			return false;
	}
	return iswprint((wint_t)cp);
}

static bool
is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] >= 0x80)
			return false;
	}
	return true;
}

void
text_safe(struct fm_buf *b, const char *s, size_t len)
{
	size_t from = b->len;

	fm_escape(b, s, len);
	if (b->len == from || is_ascii(b->s + from, b->len - from))
		return;

	char *escaped = fm_strndup(b->s + from, b->len - from);
	size_t n = b->len - from;
	b->len = from;
	for (size_t i = 0; i < n;) {
		uint32_t cp = 0;
		size_t step = fm_utf8_decode(escaped + i, n - i, &cp);

		fm_assert(step > 0);
		if (is_visible(cp))
			fm_buf_add(b, escaped + i, step);
		else
			fm_buf_addf(b, "\\u{%x}", cp);
		i += step;
	}
	free(escaped);
}

/* ---- width and wrapping -------------------------------------------------------------- */

/* Length of the colour sequence that p begins with: ESC [ … m. 0: none. */
static size_t
color_length(const char *p, const char *end)
{
	if (end - p < 3 || p[0] != '\033' || p[1] != '[')
		return 0;
	const char *m = memchr(p, 'm', (size_t)(end - p));
	return m != NULL ? (size_t)(m + 1 - p) : 0;
}

static unsigned
char_width(const char *p, const char *end, size_t *ret_len)
{
	uint32_t cp = 0;

	*ret_len = fm_utf8_decode(p, (size_t)(end - p), &cp);
	if (*ret_len == 0) {
		*ret_len = 1;
		return 1;
	}
	int w = wcwidth((wchar_t)cp);
	return w > 0 ? (unsigned)w : 0;
}

unsigned
text_width(const char *s, size_t len)
{
	const char *end = s + len;
	unsigned width = 0;
	size_t n;

	for (const char *p = s; p < end; p += n) {
		n = color_length(p, end);
		if (n == 0)
			width += char_width(p, end, &n);
	}
	return width;
}

/* Where the line that starts at s ends, and (*ret_next) where the next one starts. */
static const char *
line_end(const char *s, const char *end, unsigned width, const char **ret_next)
{
	const char *blank = NULL, *mark = NULL, *p = s;
	size_t n = 1;

	for (unsigned used = 0; p < end; p += n) {
		unsigned w = char_width(p, end, &n);

		if (*p == ' ')
			blank = p;
		if (used + w > width)
			break;
		used += w;
		if (strchr("./,;:=-_", *p) != NULL)
			mark = p + 1;
	}
	*ret_next = end;
	if (p == end)
		return end;
	if (blank != NULL) {
		*ret_next = blank + strspn(blank, " ");
		while (blank > s && blank[-1] == ' ')
			blank--;
		return blank;
	}
	*ret_next = mark != NULL ? mark : p;
	/* A character wider than the line goes out alone: there must be progress. */
	if (*ret_next == s)
		*ret_next = s + n;
	return *ret_next;
}

unsigned
text_wrap(struct fm_buf *b, const char *s, unsigned width)
{
	const char *end = s + strlen(s), *next;
	unsigned lines = 0;

	do {
		const char *stop = line_end(s, end, width, &next);

		fm_buf_adds(b, lines > 0 ? "\n" : "");
		fm_buf_add(b, s, (size_t)(stop - s));
		lines++;
		s = next;
	} while (s < end);
	return lines;
}

/* ---- CSV and JSON -------------------------------------------------------------------- */

void
text_csv(struct fm_buf *b, const char *s, enum csv_guard guard)
{
	bool formula = guard == CSV_GUARDED && s[0] != '\0' && strchr("=+-@", s[0]) != NULL;
	bool quoted = strpbrk(s, "\",\r\n") != NULL;

	fm_buf_adds(b, quoted ? "\"" : "");
	fm_buf_adds(b, formula ? "'" : "");
	for (const char *p = s; *p != '\0';) {
		size_t n = strcspn(p, "\"");

		fm_buf_add(b, p, n);
		p += n;
		if (*p == '"') {
			fm_buf_adds(b, "\"\"");
			p++;
		}
	}
	fm_buf_adds(b, quoted ? "\"" : "");
}

/* Only inside strings can such characters stand in valid JSON, so an escape is always right. */
static void
add_json_char(struct fm_buf *b, const char *p, size_t len, uint32_t cp)
{
	struct fm_buf safe = {0};

	text_safe(&safe, p, len);
	if (cp != '<' && safe.len == len && memcmp(safe.s, p, len) == 0)
		fm_buf_add(b, p, len);
	else if (cp < 0x10000)
		fm_buf_addf(b, "\\u%04x", cp);
	else
		fm_buf_addf(b, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
			    0xdc00 + ((cp - 0x10000) & 0x3ff));
	fm_buf_fini(&safe);
}

void
text_json(struct fm_buf *b, const char *json, size_t len)
{
	size_t plain = 0;

	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)json[i];

		if (c >= 0x20 && c < 0x7f && c != '<') {
			i++;
			continue;
		}
		uint32_t cp = 0;
		size_t n = fm_utf8_decode(json + i, len - i, &cp);

		fm_assert(n > 0);
		fm_buf_add(b, json + plain, i - plain);
		/* Between the tokens JSON allows blanks; on one line a blank is as good. */
		if (c < 0x20)
			fm_buf_add(b, " ", 1);
		else
			add_json_char(b, json + i, n, cp);
		i += n;
		plain = i;
	}
	fm_buf_add(b, json + plain, len - plain);
}

/* ---- time and complaints ------------------------------------------------------------- */

void
text_time(struct fm_buf *b, const char *rfc3339, enum time_digits digits)
{
	struct fm_time t;
	struct tm tm;
	char date[32], zone[8];

	if (fm_time_parse(rfc3339, strlen(rfc3339), &t) < 0) {
		text_safe(b, rfc3339, strlen(rfc3339));
		return;
	}
	time_t s = (time_t)(t.ns / FM_NS_PER_S);
	localtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	fm_buf_adds(b, date);
	if (digits == TIME_MS)
		fm_buf_addf(b, ".%03d", (int)(t.ns % FM_NS_PER_S / FM_NS_PER_MS));
	fm_buf_addf(b, "%.3s:%s", zone, zone + 3);
}

void
complain(const char *fmt, ...)
{
	struct fm_buf text = {0}, safe = {0};
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_safe(&safe, line, strlen(line));
	fm_buf_addf(&text, "fm: %s\n", safe.s != NULL ? safe.s : "");
	fputs(text.s, stderr);
	fm_buf_fini(&safe);
	fm_buf_fini(&text);
}
