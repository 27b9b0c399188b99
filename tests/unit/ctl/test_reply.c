/* The lines a server answers with. */
#include <criterion/criterion.h>

#include "ctl/ctl.h"

Test(reply, a_row_is_put_in_as_it_is)
{
	struct fm_buf out = {0};

	ctl_reply_row(&out, 18446744073709551615u, "{\"a\": \"<&\"}garbage", 11);
	cr_assert_str_eq(out.s, "{\"id\":18446744073709551615,\"row\":{\"a\": \"<&\"}}\n");
	fm_buf_fini(&out);
}

Test(reply, lines_are_appended)
{
	struct fm_buf out = {0};

	ctl_reply_row(&out, 1, "{}", 2);
	ctl_reply_done(&out, 1, CTL_OK, NULL);
	cr_assert_str_eq(out.s, "{\"id\":1,\"row\":{}}\n{\"id\":1,\"done\":true,\"code\":0}\n");
	fm_buf_fini(&out);
}

Test(reply, an_error_text_can_neither_end_the_line_nor_break_the_json)
{
	struct fm_buf out = {0};

	ctl_reply_done(&out, 3, CTL_USAGE, "bad \"x\"\n\x1b[31m\xff");
	cr_assert_str_eq(out.s, "{\"id\":3,\"done\":true,\"code\":2,\"error\":"
			 "\"bad \\\"x\\\"\\\\u{a}\\\\u{1b}[31m\\\\x{ff}\"}\n");
	fm_buf_fini(&out);
}

Test(reply, an_empty_error_is_still_an_error_text)
{
	struct fm_buf out = {0};

	ctl_reply_done(&out, 3, CTL_FAILED, "");
	cr_assert_str_eq(out.s, "{\"id\":3,\"done\":true,\"code\":1,\"error\":\"\"}\n");
	fm_buf_fini(&out);
}
