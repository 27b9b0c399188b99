/* uuid: text and back. */
#include "base/base.h"

#include <criterion/criterion.h>

static const char text[] = "0123456f-89ab-4cde-8f01-23456789abcd";

Test(uuid, is_read_and_printed_in_lower_case)
{
	struct fm_uuid u, upper;
	char buf[FM_UUID_STR];

	cr_assert(fm_uuid_parse(text, 36, &u));
	cr_assert_eq(u.b[0], 0x01);
	cr_assert_eq(u.b[15], 0xcd);
	cr_assert_str_eq(fm_uuid_format(&u, buf), text);
	cr_assert(fm_uuid_parse("0123456F-89AB-4CDE-8F01-23456789ABCD", 36, &upper));
	cr_assert(fm_uuid_eq(&u, &upper));
}

Test(uuid, every_digit_position_reads_every_digit)
{
	for (size_t at = 0; at < 36; at++) {
		for (size_t digit = 0; digit < 16; digit++) {
			char in[] = "00000000-0000-0000-0000-000000000000", out[FM_UUID_STR];
			if (in[at] == '-')
				continue;
			in[at] = "0123456789abcdef"[digit];
			struct fm_uuid u;
			cr_assert(fm_uuid_parse(in, 36, &u));
			cr_assert_str_eq(fm_uuid_format(&u, out), in);
		}
	}
}

Test(uuid, any_wrong_byte_is_refused)
{
	for (size_t at = 0; at < 36; at++) {
		for (int c = 0; c < 256; c++) {
			char in[37];
			memcpy(in, text, sizeof(in));
			in[at] = (char)c;
			bool digit = strchr("0123456789abcdefABCDEF", c) != NULL && c != 0;
			bool fits = text[at] == '-' ? c == '-' : digit;
			struct fm_uuid u;
			memset(&u, 0x5a, sizeof(u));
			cr_assert_eq(fm_uuid_parse(in, 36, &u), fits, "byte %d at %zu", c, at);
			if (!fits)
				cr_assert_eq(u.b[0], 0x5a);
		}
	}
}

Test(uuid, any_other_length_is_refused)
{
	struct fm_uuid u;

	cr_assert_not(fm_uuid_parse(text, 35, &u));
	cr_assert_not(fm_uuid_parse("0123456f-89ab-4cde-8f01-23456789abcde", 37, &u));
	cr_assert_not(fm_uuid_parse("0123456f89ab4cde8f0123456789abcd", 32, &u));
	cr_assert_not(fm_uuid_parse("", 0, &u));
}

Test(uuid, null_is_all_zero)
{
	struct fm_uuid u = {0};

	cr_assert(fm_uuid_is_null(&u));
	u.b[15] = 1;
	cr_assert_not(fm_uuid_is_null(&u));
}
