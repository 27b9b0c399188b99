/* intern: equal text, equal pointer. */
#include "base/base.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct fm_intern in;

static void
start(void)
{
	fm_intern_init(&in);
}

static void
end(void)
{
	fm_intern_fini(&in);
}

TestSuite(intern, .init = start, .fini = end);

Test(intern, equal_text_is_one_pointer)
{
	char copy[] = "700.008";
	const char *first = fm_intern(&in, "700.008", 7);

	cr_assert_eq(fm_intern(&in, copy, 7), first);
	cr_assert_str_eq(first, "700.008");
	cr_assert_eq(in.n, 1);
}

Test(intern, a_part_is_another_text)
{
	cr_assert_neq(fm_intern(&in, "700.0081", 7), fm_intern(&in, "700.0081", 8));
	cr_assert_str_eq(fm_intern(&in, "700.0081", 7), "700.008");
	cr_assert_str_eq(fm_intern(&in, "", 0), "");
	cr_assert_eq(fm_intern(&in, NULL, 0), fm_intern(&in, "", 0));
	cr_assert_neq(fm_intern(&in, "a\0b", 3), fm_intern(&in, "a\0c", 3));
}

Test(intern, pointers_stay_good_while_the_table_grows)
{
	const char *seen[10000];
	char text[32];
	for (size_t i = 0; i < FM_ARRAY_LEN(seen); i++)
		seen[i] = fm_intern(&in, text, (size_t)snprintf(text, sizeof(text), "k%zu", i));
	cr_assert_eq(in.n, FM_ARRAY_LEN(seen));
	for (size_t i = 0; i < FM_ARRAY_LEN(seen); i++) {
		size_t len = (size_t)snprintf(text, sizeof(text), "k%zu", i);
		cr_assert_eq(fm_intern(&in, text, len), seen[i]);
		cr_assert_str_eq(seen[i], text);
	}
}
