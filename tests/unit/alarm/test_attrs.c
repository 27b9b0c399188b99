/* attrs: attributes as one line of text and back. */
#include "alarm/rows.h"

#include <criterion/criterion.h>

static struct fm_buf line;
static struct fm_arena arena;
static struct attr got[FM_ALARM_MAX_ATTRS];

static void
start(void)
{
	fm_arena_init(&arena);
}

static void
end(void)
{
	fm_arena_fini(&arena);
	fm_buf_fini(&line);
}

TestSuite(attrs, .init = start, .fini = end);

Test(attrs, one_line_of_numbers_and_texts)
{
	const struct attr attrs[] = {
		{"downtime_ms", NULL, 1300}, {"source_host", "compute-0", 0}, {"delta", NULL, -5},
	};

	attrs_encode(attrs, 3, &line);
	cr_assert_str_eq(line.s, "downtime_ms#1300\x1fsource_host=compute-0\x1f" "delta#-5");
	cr_assert_eq(attrs_decode(line.s, &arena, got, FM_ARRAY_LEN(got)), 3);
	cr_assert_str_eq(got[0].name, "downtime_ms");
	cr_assert_null(got[0].text);
	cr_assert_eq(got[0].num, 1300);
	cr_assert_str_eq(got[1].name, "source_host");
	cr_assert_str_eq(got[1].text, "compute-0");
	cr_assert_eq(got[2].num, -5);
}

Test(attrs, any_text_and_any_number_come_back)
{
	static const char *const texts[] = {
		"", "=", "#1", "a=b#c", "\x1f", "\\", "\\s", "\\\\\x1f\\", "n\x1fo=p",
		"gr\xc3\xbcn", "\xff\n",
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(texts); i++) {
		const struct attr attrs[] = {
			{"t", texts[i], 0}, {"low", NULL, INT64_MIN}, {"high", NULL, INT64_MAX},
		};
		fm_buf_reset(&line);
		attrs_encode(attrs, 3, &line);
		cr_assert_eq(attrs_decode(line.s, &arena, got, FM_ARRAY_LEN(got)), 3);
		cr_assert_str_eq(got[0].text, texts[i]);
		cr_assert_eq(got[1].num, INT64_MIN);
		cr_assert_eq(got[2].num, INT64_MAX);
	}
}

Test(attrs, nothing_is_nothing)
{
	cr_assert_eq(attrs_decode(NULL, &arena, got, FM_ARRAY_LEN(got)), 0);
	cr_assert_eq(attrs_decode("", &arena, got, FM_ARRAY_LEN(got)), 0);
}

Test(attrs, never_more_than_there_is_room_for)
{
	cr_assert_eq(attrs_decode("a#1\x1f" "b#2\x1f" "c#3", &arena, got, 2), 2);
	cr_assert_str_eq(got[1].name, "b");
}

Test(attrs, an_item_that_is_neither_is_left_out)
{
	const char *damaged = "a#1\x1fjunk\x1f\x1f" "b=x\\";

	cr_assert_eq(attrs_decode(damaged, &arena, got, FM_ARRAY_LEN(got)), 2);
	cr_assert_str_eq(got[1].name, "b");
	cr_assert_str_eq(got[1].text, "x\\");
}
