/*
 * uuid: the text form of RFC 4122 and back. Parsing is on the path of every record, so it is one
 * table look-up per digit and one test at the end.
 */
#include "base/base.h"

#define BAD 0x80

/* Hexadecimal digit to value; entries that are 0 here are not digits, except for '0' itself. */
static const uint8_t digit_value[256] = {
	['1'] = 1, ['2'] = 2, ['3'] = 3, ['4'] = 4, ['5'] = 5, ['6'] = 6, ['7'] = 7, ['8'] = 8,
	['9'] = 9, ['a'] = 10, ['b'] = 11, ['c'] = 12, ['d'] = 13, ['e'] = 14, ['f'] = 15,
	['A'] = 10, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['E'] = 14, ['F'] = 15,
};

/* Where the two digits of each byte begin. */
static const uint8_t digit_at[16] = {
	0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34,
};

static inline unsigned
hex(char c)
{
	unsigned v = digit_value[(uint8_t)c];
	return v != 0 || c == '0' ? v : BAD;
}

bool
fm_uuid_parse(const char *s, size_t len, struct fm_uuid *ret)
{
	if (len != FM_UUID_STR - 1 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-')
		return false;

	struct fm_uuid u;
	unsigned seen = 0;
	for (unsigned i = 0; i < sizeof(u.b); i++) {
		unsigned high = hex(s[digit_at[i]]), low = hex(s[digit_at[i] + 1]);
		seen |= high | low;
		u.b[i] = (uint8_t)(high << 4 | low);
	}
	if (seen & BAD)
		return false;
	*ret = u;
	return true;
}

char *
fm_uuid_format(const struct fm_uuid *u, char buf[FM_UUID_STR])
{
	static const char digits[] = "0123456789abcdef";
	buf[8] = buf[13] = buf[18] = buf[23] = '-';
	buf[FM_UUID_STR - 1] = '\0';
	for (unsigned i = 0; i < sizeof(u->b); i++) {
		buf[digit_at[i]] = digits[u->b[i] >> 4];
		buf[digit_at[i] + 1] = digits[u->b[i] & 15];
	}
	return buf;
}
