/* utf8: what is well-formed, where to cut, what must not reach a terminal. */
#include "base/base.h"

#include <criterion/criterion.h>

static bool
valid(const char *s)
{
	return fm_utf8_valid(s, strlen(s));
}

Test(utf8_valid, takes_all_lengths_and_their_edges)
{
	cr_assert(valid(""));
	cr_assert(valid("plain text, longer than eight bytes"));
	cr_assert(valid("\x7f\xc2\x80\xdf\xbf"));
	cr_assert(valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
	cr_assert(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
	cr_assert(fm_utf8_valid("a\0b", 3));
}

Test(utf8_valid, refuses_what_rfc_3629_refuses)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff",
		"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2(\xac", "\xe2\x82(",
		"seven b\xff", "eight by\xff", "sixteen bytes...\xc3",
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++)
		cr_assert_not(valid(bad[i]), "case %zu", i);
}

static size_t
encode(uint32_t cp, char *s)
{
	if (cp < 0x80) {
		s[0] = (char)cp;
		return 1;
	}
	size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; cp >>= 6)
		s[i] = (char)(0x80 | (cp & 0x3f));
	s[0] = (char)(0xf00u >> n | cp);
	return n;
}

Test(utf8_decode, reads_every_code_point)
{
	for (uint32_t cp = 0; cp <= 0x110010; cp++) {
		char s[4];
		uint32_t got = 0;
		bool exists = cp <= 0x10ffff && !(cp >= 0xd800 && cp < 0xe000);
		size_t len = encode(cp, s), n = fm_utf8_decode(s, len, &got);
		cr_assert_eq(n, exists ? len : 0, "U+%x", cp);
		cr_assert(!exists || got == cp, "U+%x", cp);
		cr_assert_eq(fm_utf8_decode(s, len - 1, &got), 0, "U+%x cut", cp);
	}
}

Test(utf8_cut, ends_at_a_code_point)
{
	static const char s[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

	for (size_t max = 0; max < FM_ARRAY_LEN(want); max++)
		cr_assert_eq(fm_utf8_cut(s, 11, max), want[max], "max %zu", max);
}

Test(utf8_cut, gives_up_on_what_is_not_text)
{
	cr_assert_eq(fm_utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
	cr_assert_eq(fm_utf8_cut("\x80\x80\x80", 3, 1), 1);
}

static struct fm_buf b;

static void
end(void)
{
	fm_buf_fini(&b);
}

TestSuite(utf8_repair, .fini = end);
TestSuite(escape, .fini = end);

Test(utf8_repair, replaces_each_malformed_byte)
{
	fm_utf8_repair(&b, "ok \xff\xc3( \xe2\x82 \xe2\x82\xac", 13);
	cr_assert_str_eq(b.s, "ok \xef\xbf\xbd\xef\xbf\xbd( \xef\xbf\xbd\xef\xbf\xbd \xe2\x82\xac");
	cr_assert(fm_utf8_valid(b.s, b.len));
}

Test(utf8_repair, leaves_good_text_alone)
{
	fm_utf8_repair(&b, "gr\xc3\xbc\xc3\x9f", 6);
	cr_assert_str_eq(b.s, "gr\xc3\xbc\xc3\x9f");
	fm_buf_reset(&b);
	fm_utf8_repair(&b, "", 0);
	cr_assert_str_eq(b.s, "");
}

static void
escaped(const char *s, size_t len, const char *want)
{
	fm_buf_reset(&b);
	fm_escape(&b, s, len);
	cr_assert_str_eq(b.s, want);
}

Test(escape, leaves_text_alone)
{
	static const char text[] = "plain \xe2\x82\xac \xf0\x9f\x98\x80 \\";

	escaped(text, sizeof(text) - 1, text);
	escaped("", 0, "");
}

Test(escape, no_control_byte_gets_through)
{
	escaped("\x1b[31mred", 8, "\\u{1b}[31mred");
	escaped("a\nb\tc\0", 6, "a\\u{a}b\\u{9}c\\u{0}");
	escaped("\x7f\xc2\x9b", 3, "\\u{7f}\\u{9b}");
	for (int c = 0; c < 256; c++) {
		char s = (char)c;
		fm_buf_reset(&b);
		fm_escape(&b, &s, 1);
		cr_assert_eq(b.len == 1, c >= 0x20 && c < 0x7f, "byte %d", c);
	}
}

Test(escape, no_invisible_character_gets_through)
{
	for (uint32_t cp = 0x80; cp < 0xe1000; cp++) {
		bool hostile = cp <= 0x9f || cp == 0x61c || (cp >= 0x200b && cp <= 0x200f) ||
			       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x2064) ||
			       (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff ||
			       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe007f);
		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		char s[4];
		size_t n = encode(cp, s);
		fm_buf_reset(&b);
		fm_escape(&b, s, n);
		cr_assert_eq(b.s[0] == '\\', hostile, "U+%x", cp);
	}
}

Test(escape, malformed_bytes_are_shown_one_by_one)
{
	escaped("\xff\xe2\x82z", 4, "\\x{ff}\\x{e2}\\x{82}z");
}
