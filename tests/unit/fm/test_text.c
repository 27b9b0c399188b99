/* What reaches a terminal, a CSV file and a JSON reader. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "fm/text_priv.h"

static struct fm_buf out;

static void
start(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	fm_buf_adds(&out, "");
}

static void
end(void)
{
	fm_buf_fini(&out);
}

TestSuite(text, .init = start, .fini = end);

static const char *
safe(const char *s)
{
	fm_buf_reset(&out);
	fm_buf_adds(&out, "");
	text_safe(&out, s, strlen(s));
	return out.s;
}

static const char *
wrapped(const char *s, unsigned width)
{
	fm_buf_reset(&out);
	text_wrap(&out, s, width);
	return out.s;
}

static const char *
csv(const char *s)
{
	fm_buf_reset(&out);
	fm_buf_adds(&out, "");
	text_csv(&out, s, CSV_GUARDED);
	return out.s;
}

static const char *
json(const char *s)
{
	fm_buf_reset(&out);
	text_json(&out, s, strlen(s));
	return out.s;
}

Test(text, ordinary_text_of_any_script_stays)
{
	cr_assert_str_eq(safe("100% of /dev/sda1"), "100% of /dev/sda1");
	cr_assert_str_eq(safe("Größe 日本 العربية 🙂"), "Größe 日本 العربية 🙂");
	cr_assert_str_eq(safe("%n%s \\u{1b}"), "%n%s \\u{1b}");
}

Test(text, what_controls_or_hides_is_shown_by_its_number)
{
	cr_assert_str_eq(safe("a\x1b[31mb\r\n\tc\x7f"), "a\\u{1b}[31mb\\u{d}\\u{a}\\u{9}c\\u{7f}");
	cr_assert_str_eq(safe("\xc2\x9b"), "\\u{9b}", "C1");
	cr_assert_str_eq(safe("\xe2\x80\xae"), "\\u{202e}", "bidi override");
	cr_assert_str_eq(safe("\xd8\x9c"), "\\u{61c}", "Arabic letter mark");
	cr_assert_str_eq(safe("\xc2\xad"), "\\u{ad}", "soft hyphen");
	cr_assert_str_eq(safe("\xf3\xa0\x81\x81\xff"), "\\u{e0041}\\x{ff}", "a tag, and no UTF-8");
	cr_assert_str_eq(safe("\xcd\xb8"), "\\u{378}", "not assigned");
}

Test(text, escaping_appends)
{
	fm_buf_adds(&out, "x\xd8\x9c");
	text_safe(&out, "\xd8\x9cy", 3);
	cr_assert_str_eq(out.s, "x\xd8\x9c\\u{61c}y", "and leaves what was there");
}

Test(text, width_counts_columns_of_the_terminal)
{
	cr_assert_eq(text_width("abc", 3), 3);
	cr_assert_eq(text_width("日本", 6), 4);
	cr_assert_eq(text_width("e\xcc\x81", 3), 1, "a combining accent");
	cr_assert_eq(text_width("\033[1;31mred\033[0m", 14), 3);
	cr_assert_eq(text_width("\033[", 2), 1, "an unfinished sequence is not one");
}

Test(text, breaks_between_words)
{
	cr_assert_str_eq(wrapped("one two three", 7), "one two\nthree");
	cr_assert_str_eq(wrapped("one two three", 8), "one two\nthree");
	cr_assert_str_eq(wrapped("one   two", 5), "one\ntwo", "blanks at a break vanish");
	cr_assert_str_eq(wrapped("short", 10), "short");
	cr_assert_str_eq(wrapped("", 10), "");
}

Test(text, breaks_a_long_word_after_a_mark_and_else_anywhere)
{
	cr_assert_str_eq(wrapped("tenant=abc.instance=def", 12), "tenant=abc.\ninstance=def");
	cr_assert_str_eq(wrapped("abcdefghij", 4), "abcd\nefgh\nij");
	cr_assert_str_eq(wrapped("日本日本日", 5), "日本\n日本\n日");
	cr_assert_str_eq(wrapped("日本", 1), "日\n本", "there is always progress");
}

Test(text, no_line_is_wider_than_asked)
{
	static const char sample[] = "Instance vm-1 owned by 日本 is live-migrating from "
				     "host=compute-0.example.org to host=compute-1.example.org now";

	for (unsigned width = 2; width < 80; width++) {
		fm_buf_reset(&out);
		unsigned lines = text_wrap(&out, sample, width), seen = 0;

		for (const char *p = out.s; *p != '\0'; p += *p == '\n') {
			size_t len = strcspn(p, "\n");

			cr_assert_leq(text_width(p, len), width);
			seen++;
			p += len;
		}
		cr_assert_eq(seen, lines);
	}
}

Test(text, csv_quotes_what_needs_it)
{
	cr_assert_str_eq(csv("plain text"), "plain text");
	cr_assert_str_eq(csv("a,b"), "\"a,b\"");
	cr_assert_str_eq(csv("say \"hi\""), "\"say \"\"hi\"\"\"");
	cr_assert_str_eq(csv("two\nlines"), "\"two\nlines\"");
	cr_assert_str_eq(csv(""), "");
}

Test(text, csv_keeps_formulas_from_being_evaluated)
{
	cr_assert_str_eq(csv("=1+2"), "'=1+2");
	cr_assert_str_eq(csv("@SUM(A1)"), "'@SUM(A1)");
	cr_assert_str_eq(csv("+1,2"), "\"'+1,2\"");
	cr_assert_str_eq(csv("-1"), "'-1");
	fm_buf_reset(&out);
	text_csv(&out, "-1", CSV_PLAIN);
	cr_assert_str_eq(out.s, "-1");
}

Test(text, json_keeps_its_meaning_and_loses_its_sting)
{
	static const char sting[] = "{\"a\":\"\xe2\x80\xae<b>\xc2\x9b\x7f\xf3\xa0\x81\x81 ü日\\n\"}";
	const char *tame = json(sting);

	cr_assert_str_eq(tame, "{\"a\":\"\\u202e\\u003cb>\\u009b\\u007f\\udb40\\udc41 ü日\\n\"}");
	json_t *was = json_loads(sting, 0, NULL), *is = json_loads(tame, 0, NULL);
	cr_assert(json_equal(was, is));
	json_decref(was);
	json_decref(is);
}

Test(text, json_stays_on_its_line)
{
	cr_assert_str_eq(json("{\"a\":\n\t1}"), "{\"a\":  1}");
	cr_assert_str_eq(json(""), "");
}

Test(text, time_is_local_with_its_zone)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	text_time(&out, "2026-11-23T10:15:42.118023Z", TIME_S);
	cr_assert_str_eq(out.s, "2026-11-23 11:15:42+01:00");
	fm_buf_reset(&out);
	text_time(&out, "2026-07-01T23:15:42.118923Z", TIME_MS);
	cr_assert_str_eq(out.s, "2026-07-02 01:15:42.118+02:00");
}

Test(text, what_is_no_time_is_escaped_and_shown)
{
	text_time(&out, "soon\x1b", TIME_S);
	cr_assert_str_eq(out.s, "soon\\u{1b}");
}
