/* near: distance of words in edits. */
#include "base/base.h"

#include <criterion/criterion.h>

static unsigned
apart(const char *a, const char *b)
{
	return fm_near(fm_str_of(a), fm_str_of(b));
}

Test(near, counts_what_was_typed_wrong)
{
	cr_assert_eq(apart("", ""), 0);
	cr_assert_eq(apart("While", ""), 5);
	cr_assert_eq(apart("Whale", "While"), 1);
	cr_assert_eq(apart("Whil", "While"), 1);
	cr_assert_eq(apart("Whhile", "While"), 1);
	cr_assert_eq(apart("severity", "priority"), 4);
}

Test(near, takes_a_swap_of_neighbours_for_one)
{
	cr_assert_eq(apart("Whlie", "While"), 1);
	cr_assert_eq(apart("hWile", "While"), 1);
	cr_assert_eq(apart("ca", "abc"), 3);
}

Test(near, does_not_care_for_case_and_hyphens)
{
	cr_assert_eq(apart("HOST-name", "host_name"), 0);
}

Test(near, takes_words_up_to_its_bound)
{
	char a[FM_NEAR_MAX + 1], b[FM_NEAR_MAX + 1];

	memset(a, 'a', FM_NEAR_MAX);
	memset(b, 'b', FM_NEAR_MAX);
	a[FM_NEAR_MAX] = b[FM_NEAR_MAX] = '\0';
	cr_assert_eq(apart(a, b), FM_NEAR_MAX);
}
