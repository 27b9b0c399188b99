/* err: filling in an error, and dying loudly. */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

Test(err, fail_returns_the_code_and_keeps_code_and_words)
{
	struct fm_err err = {0};

	cr_assert_eq(fm_fail(&err, -ENOENT, "%s: line %d", "file", 3), -ENOENT);
	cr_assert_eq(err.code, -ENOENT);
	cr_assert_str_eq(err.msg, "file: line 3");
}

Test(err, nobody_need_ask_for_the_words)
{
	cr_assert_eq(fm_fail(NULL, -EIO, "unread"), -EIO);
}

Test(err, the_text_of_errno_is_available)
{
	struct fm_err err;

	errno = ENOSPC;
	fm_fail(&err, -errno, "write: %m");
	cr_assert_eq(err.code, -ENOSPC);
	cr_assert_str_eq(err.msg, "write: No space left on device");
}

Test(err, an_error_may_wrap_its_own_text)
{
	struct fm_err err;

	fm_fail(&err, -EINVAL, "bad word");
	fm_fail(&err, err.code, "line 7: %s", err.msg);
	cr_assert_str_eq(err.msg, "line 7: bad word");
}

Test(err, long_text_is_cut_at_a_character)
{
	struct fm_err err;
	char text[1200] = {0};

	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		fm_fail(&err, -EINVAL, "%s", text);
		cr_assert(fm_utf8_valid(err.msg, strlen(err.msg)), "shift %zu", shift);
		cr_assert_gt(strlen(err.msg), sizeof(err.msg) - 8);
	}
}

Test(err, a_broken_invariant_aborts, .signal = SIGABRT)
{
	fclose(stderr);
	fm_assert(1 + 1 == 3);
}
