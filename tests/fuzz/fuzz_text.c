/*
 * The small readers of base and alarm on the same bytes: what they accept reads back from what they
 * print, and what they repair or escape is fit to be shown.
 */
// LINK: fm_alarm
#include "alarm/rows.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_time(const char *s, size_t len)
{
	struct fm_time t, again;
	char buf[FM_TIME_STR];
	if (fm_time_parse(s, len, &t) < 0)
		return;
	fm_assert(t.ns >= 0);
	fm_time_format(t, buf);
	fm_assert(fm_time_parse(buf, strlen(buf), &again) == 0);
	fm_assert(again.ns == t.ns / 1000 * 1000);
}

static void
check_span(const char *s, size_t len)
{
	struct fm_span d, again;
	char buf[FM_SPAN_STR];
	if (fm_span_parse(s, len, &d) < 0)
		return;
	fm_span_format(d, buf);
	fm_assert(fm_span_parse(buf, strlen(buf), &again) == 0);
	fm_assert(again.ns == d.ns);
}

static void
check_uuid(const char *s, size_t len)
{
	struct fm_uuid u, again;
	char buf[FM_UUID_STR];
	if (!fm_uuid_parse(s, len, &u))
		return;
	fm_assert(fm_uuid_parse(fm_uuid_format(&u, buf), FM_UUID_STR - 1, &again));
	fm_assert(fm_uuid_eq(&u, &again));
}

static void
check_utf8(const char *s, size_t len)
{
	struct fm_buf b = {0};
	fm_utf8_repair(&b, s, len);
	fm_assert(fm_utf8_valid(b.s, b.len));
	fm_assert(!fm_utf8_valid(s, len) || b.len == len);
	fm_buf_reset(&b);
	fm_escape(&b, s, len);
	fm_assert(fm_utf8_valid(b.s, b.len));
	for (size_t i = 0; i < b.len; i++)
		fm_assert((uint8_t)b.s[i] >= 0x20 && b.s[i] != 0x7f);
	fm_buf_fini(&b);

	bool valid = fm_utf8_valid(s, len);
	for (size_t max = 0; max <= len && max <= 64; max++) {
		size_t cut = fm_utf8_cut(s, len, max);
		fm_assert(cut <= max);
		fm_assert(!valid || (fm_utf8_valid(s, cut) && max - cut < 4));
	}
}

/* Whatever a damaged row holds, what was read from it is kept exactly from then on. */
static void
check_attrs(const char *s)
{
	struct fm_arena arena;
	struct attr first[FM_ALARM_MAX_ATTRS], second[FM_ALARM_MAX_ATTRS];
	struct fm_buf line = {0};
	fm_arena_init(&arena);
	unsigned n = attrs_decode(s, &arena, first, FM_ALARM_MAX_ATTRS);
	attrs_encode(first, n, &line);
	fm_assert(attrs_decode(line.s, &arena, second, FM_ALARM_MAX_ATTRS) == n);
	for (unsigned i = 0; i < n; i++) {
		fm_assert(strcmp(first[i].name, second[i].name) == 0);
		fm_assert((first[i].text == NULL) == (second[i].text == NULL));
		fm_assert(first[i].text == NULL || strcmp(first[i].text, second[i].text) == 0);
		fm_assert(first[i].num == second[i].num);
	}
	fm_buf_fini(&line);
	fm_arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fm_strndup((const char *)data, size);
	check_time(text, size);
	check_span(text, size);
	check_uuid(text, size);
	check_utf8(text, size);
	check_attrs(text);
	free(text);
	return 0;
}
