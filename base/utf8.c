/*
 * utf8: what is well-formed, where text may be cut, and what must not reach a terminal raw.
 */
#include "base/base.h"

/* Continuation bytes are 10xxxxxx. */
static inline bool
is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* The length a lead byte announces; 0 for bytes that never begin a code point (RFC 3629 §4). */
static inline size_t
lead_length(uint8_t c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return 2;
	if (c < 0xf0)
		return 3;
	return c < 0xf5 ? 4 : 0;
}

/* Overlong forms, surrogates and what lies beyond U+10FFFF all show in the first two bytes. */
static inline bool
second_fits(uint8_t lead, uint8_t second)
{
	switch (lead) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second < 0xa0;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second < 0x90;
	default:
		return true;
	}
}

size_t
fm_utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	if (len == 0)
		return 0;
	uint8_t lead = (uint8_t)s[0];
	size_t n = lead_length(lead);
	if (n == 0 || n > len)
		return 0;
	if (n == 1) {
		*ret = lead;
		return 1;
	}

	uint32_t cp = lead & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		uint8_t c = (uint8_t)s[i];
		if (!is_tail(c))
			return 0;
		cp = cp << 6 | (c & 0x3f);
	}
	if (!second_fits(lead, (uint8_t)s[1]))
		return 0;
	*ret = cp;
	return n;
}

/* The length of the ASCII text that s begins with, in steps of eight: nearly all text is ASCII. */
static size_t
ascii_run(const char *s, size_t len)
{
	size_t i = 0;
	for (; len - i >= 8; i += 8) {
		uint64_t v;
		memcpy(&v, s + i, sizeof(v));
		if (v & 0x8080808080808080ULL)
			break;
	}
	while (i < len && (uint8_t)s[i] < 0x80)
		i++;
	return i;
}

/* The length of the well-formed text that s begins with. */
static size_t
valid_run(const char *s, size_t len)
{
	size_t i = ascii_run(s, len), n;
	uint32_t cp;
	while (i < len && (n = fm_utf8_decode(s + i, len - i, &cp)) != 0)
		i += n;
	return i;
}

bool
fm_utf8_valid(const char *s, size_t len)
{
	return valid_run(s, len) == len;
}

size_t
fm_utf8_cut(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	/* No code point has more than three tail bytes; more than that is not UTF-8 anyway. */
	size_t cut = max;
	while (cut > 0 && max - cut < 3 && is_tail((uint8_t)s[cut]))
		cut--;
	return is_tail((uint8_t)s[cut]) ? max : cut;
}

void
fm_utf8_repair(struct fm_buf *b, const char *s, size_t len)
{
	size_t i = 0;
	for (;;) {
		size_t run = valid_run(s + i, len - i);
		fm_buf_add(b, s + i, run);
		i += run;
		if (i == len)
			return;
		fm_buf_adds(b, "\xef\xbf\xbd");
		i++;
	}
}

bool
fm_utf8_is_hostile(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c}, {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x2064}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
		{0xe0000, 0xe007f},
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(ranges) && cp >= ranges[i].first; i++)
		if (cp <= ranges[i].last)
			return true;
	return false;
}

/* The length of the text that s begins with and that needs no escaping. */
static size_t
harmless_run(const char *s, size_t len)
{
	size_t i = 0, n;
	uint32_t cp;
	while (i < len && (n = fm_utf8_decode(s + i, len - i, &cp)) != 0 && !fm_utf8_is_hostile(cp))
		i += n;
	return i;
}

void
fm_escape(struct fm_buf *b, const char *s, size_t len)
{
	size_t i = 0;
	for (;;) {
		size_t run = harmless_run(s + i, len - i);
		fm_buf_add(b, s + i, run);
		i += run;
		if (i == len)
			return;

		uint32_t cp;
		size_t n = fm_utf8_decode(s + i, len - i, &cp);
		if (n != 0)
			fm_buf_addf(b, "\\u{%x}", cp);
		else
			fm_buf_addf(b, "\\x{%02x}", (uint8_t)s[i]);
		i += n != 0 ? n : 1;
	}
}
