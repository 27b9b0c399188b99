/* "Did you mean". */
#include <criterion/criterion.h>
#include <string.h>

#include "fm/suggest_priv.h"

static const char *const verbs[] = {"alarm-list", "alarm-show", "event-list", "watch", "version",
				    "stats"};

static const char *
near(const char *s)
{
	return suggest(s, strlen(s), verbs, sizeof(verbs) / sizeof(verbs[0]));
}

Test(suggest, finds_a_word_with_a_letter_missing_added_or_wrong)
{
	cr_assert_str_eq(near("alarm-lst"), "alarm-list");
	cr_assert_str_eq(near("alarm-liist"), "alarm-list");
	cr_assert_str_eq(near("alarm-lisd"), "alarm-list");
	cr_assert_str_eq(near("wacth"), "watch", "swapped letters are one mistake");
	cr_assert_str_eq(near("alarm_show"), "alarm-show");
}

Test(suggest, finds_the_only_word_that_begins_so)
{
	cr_assert_str_eq(near("v"), "version");
	cr_assert_str_eq(near("ev"), "event-list");
}

Test(suggest, is_silent_when_nothing_is_near)
{
	cr_assert_null(near("frobnicate"));
	cr_assert_null(near(""));
	cr_assert_null(near("xyz"));
	cr_assert_null(near("a-word-that-is-much-longer-than-any-verb-could-ever-be"));
}
