/* buf: a growing string. */
#include "base/base.h"

#include <criterion/criterion.h>

static struct fm_buf b;

static void
end(void)
{
	fm_buf_fini(&b);
}

TestSuite(buf, .fini = end);

Test(buf, appends_and_stays_terminated)
{
	fm_buf_adds(&b, "host=");
	fm_buf_add(&b, "compute-0xx", 9);
	fm_buf_addf(&b, ".%s=%d", "port", 7);
	cr_assert_str_eq(b.s, "host=compute-0.port=7");
	cr_assert_eq(b.len, strlen(b.s));
}

Test(buf, adding_nothing_makes_the_empty_string)
{
	fm_buf_add(&b, NULL, 0);
	cr_assert_str_eq(b.s, "");
}

Test(buf, keeps_bytes_of_any_value)
{
	fm_buf_add(&b, "a\0b", 3);
	cr_assert_eq(b.len, 3);
	cr_assert_arr_eq(b.s, "a\0b", 4);
}

Test(buf, grows_at_every_length)
{
	for (unsigned i = 0; i < 5000; i++) {
		fm_buf_addf(&b, "%c", 'a' + (int)(i % 26));
		cr_assert_eq(b.len, i + 1);
		cr_assert_eq(b.s[i + 1], '\0');
	}
	for (unsigned i = 0; i < 5000; i++)
		cr_assert_eq(b.s[i], 'a' + (int)(i % 26));
}

Test(buf, reset_empties_and_keeps_the_memory)
{
	fm_buf_reset(&b);
	fm_buf_adds(&b, "some text");
	char *before = b.s;
	fm_buf_reset(&b);

	cr_assert_eq(b.len, 0);
	cr_assert_str_eq(b.s, "");
	fm_buf_adds(&b, "more");
	cr_assert_eq(b.s, before);
}

Test(list, names_the_first_and_counts_the_rest)
{
	struct fm_list l = {.most = 2};

	cr_assert_str_eq(fm_list_end(&l), "");
	fm_list_add(&l, "a");
	fm_list_add(&l, "b");
	cr_assert_str_eq(fm_list_end(&l), "a, b");
	fm_list_add(&l, "c");
	cr_assert_eq(l.n, 3);
	cr_assert_str_eq(fm_list_end(&l), "a, b and 1 more");
	fm_list_fini(&l);
}

Test(same, takes_what_is_missing_for_itself_only)
{
	const char one[] = "x", other[] = "x";

	cr_assert(fm_same(one, other));
	cr_assert(fm_same(NULL, NULL));
	cr_assert_not(fm_same(one, NULL));
	cr_assert_not(fm_same(NULL, other));
	cr_assert_not(fm_same(one, "y"));
}
