/* time: instants and spans as text and back. */
#include "base/base.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static int64_t
parsed(const char *s)
{
	struct fm_time t = {-1};
	cr_assert_eq(fm_time_parse(s, strlen(s), &t), 0, "%s", s);
	return t.ns;
}

static void
refused(const char *s)
{
	struct fm_time t = {-7};
	cr_assert_eq(fm_time_parse(s, strlen(s), &t), -EINVAL, "%s", s);
	cr_assert_eq(t.ns, -7, "written on failure: %s", s);
}

Test(time_parse, reads_rfc_3339)
{
	cr_assert_eq(parsed("1970-01-01T00:00:00Z"), 0);
	cr_assert_eq(parsed("2026-11-23T10:15:42.118023Z"), 1795428942118023000);
	cr_assert_eq(parsed("2026-11-23t10:15:42z"), 1795428942000000000);
	cr_assert_eq(parsed("2026-11-23T10:15:42.123456789Z"), 1795428942123456789);
	cr_assert_eq(parsed("2026-11-23T10:15:42.5Z"), 1795428942500000000);
}

Test(time_parse, reads_any_offset)
{
	cr_assert_eq(parsed("2026-11-23T12:15:42+02:00"), parsed("2026-11-23T10:15:42Z"));
	cr_assert_eq(parsed("2026-11-22T22:45:42-11:30"), parsed("2026-11-23T10:15:42Z"));
	cr_assert_eq(parsed("1970-01-01T01:00:00+01:00"), 0);
	cr_assert_eq(parsed("1969-12-31T23:00:00-01:00"), 0);
	cr_assert_eq(parsed("2026-11-23 10:15:42+00:00"), parsed("2026-11-23T10:15:42Z"));
}

Test(time_parse, reads_a_naive_time_as_utc)
{
	cr_assert_eq(parsed("2026-11-22 10:15:42.118023"), parsed("2026-11-22T10:15:42.118023Z"));
	cr_assert_eq(parsed("2026-11-22T10:15:42"), parsed("2026-11-22T10:15:42Z"));
}

Test(time_parse, a_leap_second_is_the_next_minute)
{
	cr_assert_eq(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
}

Test(time_parse, refuses_what_is_neither)
{
	static const char *const bad[] = {
		"", "2026", "2026-11-23", "2026-11-23T10:15", "2026-11-23T10:15:4",
		"2026-11-23T10:15:42.", "2026-11-23T10:15:42.Z", "2026-11-23T10:15:42.1234567890Z",
		"2026-11-23T10:15:42 Z", "2026-11-23T10:15:42Zx", "2026-11-23T10:15:42+0200",
		"2026-11-23T10:15:42+2:00", "2026-11-23T10:15:42+24:00",
		"2026-11-23T10:15:42+02:60",
		"2026-11-23_10:15:42", "2026/11/23T10:15:42Z", "2026-11-23T10.15.42Z",
		"2026-1a-23T10:15:42Z", "-026-11-23T10:15:42Z", "2026-11-23T 9:15:42Z",
		"2026-11-23T10:15:42+0a:00", "2026-11-23T10:15:42+\xff\xff:00",
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++)
		refused(bad[i]);
}

Test(time_parse, refuses_days_and_hours_that_do_not_exist)
{
	static const char *const bad[] = {
		"2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++)
		refused(bad[i]);
	parsed("2024-02-29T00:00:00Z");
	parsed("2000-02-29T00:00:00Z");
}

Test(time_parse, stays_within_what_64_bits_of_nanoseconds_hold)
{
	refused("1969-12-31T23:59:59Z");
	refused("1970-01-01T00:00:00+00:01");
	refused("0000-01-01T00:00:00Z");
	parsed("2262-04-11T23:47:15.999999999Z");
	refused("2262-04-11T23:47:16Z");
	refused("9999-12-31T23:59:59Z");
}

Test(time_parse, agrees_with_the_c_library_on_every_day)
{
	for (int64_t day = 0; day < 106751; day++) {
		time_t s = (time_t)(day * 86400 + day % 86400);
		struct tm tm;
		char text[64];
		gmtime_r(&s, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		cr_assert_eq(parsed(text), (int64_t)s * FM_NS_PER_S, "%s", text);
	}
}

Test(time_format, prints_microseconds_in_utc)
{
	char buf[FM_TIME_STR];

	cr_assert_str_eq(fm_time_format((struct fm_time){1795428942118023999}, buf),
			 "2026-11-23T10:15:42.118023Z");
	cr_assert_str_eq(fm_time_format((struct fm_time){0}, buf), "1970-01-01T00:00:00.000000Z");
}

Test(time_format, survives_the_ends_of_the_range)
{
	char buf[FM_TIME_STR];

	cr_assert_str_eq(fm_time_format((struct fm_time){INT64_MAX}, buf),
			 "2262-04-11T23:47:16.854775Z");
	cr_assert_str_eq(fm_time_format((struct fm_time){INT64_MIN}, buf),
			 "1677-09-21T00:12:43.145224Z");
	cr_assert_str_eq(fm_time_format((struct fm_time){-1}, buf), "1969-12-31T23:59:59.999999Z");
}

Test(time_format, is_read_back_to_the_microsecond)
{
	char buf[FM_TIME_STR];
	const int64_t step = 7777777777777777;
	for (int64_t ns = 0; ns < INT64_MAX - 2 * step; ns += step) {
		fm_time_format((struct fm_time){ns}, buf);
		cr_assert_eq(parsed(buf), ns / 1000 * 1000, "%s", buf);
	}
}

static int64_t
span(const char *s)
{
	struct fm_span d = {-1};
	cr_assert_eq(fm_span_parse(s, strlen(s), &d), 0, "%s", s);
	return d.ns;
}

Test(span_parse, reads_spans_as_people_write_them)
{
	cr_assert_eq(span("500ms"), 500 * FM_NS_PER_MS);
	cr_assert_eq(span("180s"), 180 * FM_NS_PER_S);
	cr_assert_eq(span("180"), 180 * FM_NS_PER_S);
	cr_assert_eq(span("15m"), 900 * FM_NS_PER_S);
	cr_assert_eq(span("1h"), 3600 * FM_NS_PER_S);
	cr_assert_eq(span("7d"), 7 * 86400 * FM_NS_PER_S);
	cr_assert_eq(span("-60s"), -60 * FM_NS_PER_S);
	cr_assert_eq(span("0"), 0);
	cr_assert_eq(span("250us"), 250000);
	cr_assert_eq(span("36525d"), 36525LL * 86400 * FM_NS_PER_S);
}

Test(span_parse, refuses_the_rest)
{
	static const char *const bad[] = {
		"", "-", "s", "ms", "--1s", "+1s", " 1s", "1s ", "1 s", "1.5s", "1S", "1w",
		"1min", "0x10",
		"36526d", "3155760001s", "99999999999999999999", "9223372036854775808ns", "1h30m",
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++) {
		struct fm_span d = {-7};
		cr_assert_eq(fm_span_parse(bad[i], strlen(bad[i]), &d), -EINVAL, "%s", bad[i]);
		cr_assert_eq(d.ns, -7, "%s", bad[i]);
	}
}

Test(span_format, prints_the_shortest_exact_form)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"}, {500 * FM_NS_PER_MS, "500ms"}, {180 * FM_NS_PER_S, "3m"},
		{90 * FM_NS_PER_S, "90s"}, {3600 * FM_NS_PER_S, "1h"}, {-60 * FM_NS_PER_S, "-1m"},
		{7 * 86400 * FM_NS_PER_S, "7d"}, {36 * 3600 * FM_NS_PER_S, "36h"}, {1500, "1500ns"},
		{1500000, "1500us"},
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(cases); i++) {
		char buf[FM_SPAN_STR];
		fm_span_format((struct fm_span){cases[i].ns}, buf);
		cr_assert_str_eq(buf, cases[i].text);
		cr_assert_eq(span(buf), cases[i].ns);
	}
}

Test(span_format, any_span_fits)
{
	char buf[FM_SPAN_STR];
	cr_assert_str_eq(fm_span_format((struct fm_span){INT64_MIN}, buf),
			 "-9223372036854775808ns");
}
