/*
 * event_envelope: the short way through an oslo envelope. oslo.messaging writes exactly
 * {"oslo.version": "2.0", "oslo.message": "<json as a string>"}, so the inner document can be
 * unescaped straight from the record, without parsing the outer one first (which costs more than
 * parsing the inner one does).
 *
 * Whatever differs from that shape in any way is left to the JSON library, which also words the
 * errors: this file only ever says "yes, and here it is" or "not mine". It does not check UTF-8:
 * unescaping puts only whole characters between the bytes, so malformed UTF-8 stays malformed and
 * is found when the inner document is parsed.
 */
#include "events/event_priv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct cursor {
	const char *p, *end;
};

static void
skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool
eat(struct cursor *c, const char *token, size_t n)
{
	skip_space(c);
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, token, n) != 0)
		return false;
	c->p += n;
	return true;
}
#define EAT(c, token) eat(c, token, sizeof(token) - 1)

static int
hex4(const struct cursor *c, const char *p)
{
	int value = 0;

	if (c->end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int ch = (unsigned char)p[i];
		int lower = ch | 0x20;
		if (ch >= '0' && ch <= '9')
			value = value << 4 | (ch - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (lower - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static char *
put_utf8(char *out, unsigned cp)
{
	if (cp < 0x80) {
		*out++ = (char)cp;
		return out;
	}
	if (cp < 0x800) {
		*out++ = (char)(0xc0 | cp >> 6);
	} else {
		if (cp < 0x10000) {
			*out++ = (char)(0xe0 | cp >> 12);
		} else {
			*out++ = (char)(0xf0 | cp >> 18);
			*out++ = (char)(0x80 | (cp >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (cp >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (cp & 0x3f));
	return out;
}

/* c is behind "\u". A surrogate without its other half is not a character. */
static bool
unescape_u(struct cursor *c, char **out)
{
	int hi = hex4(c, c->p), lo;

	if (hi < 0 || (hi >= 0xdc00 && hi <= 0xdfff))
		return false;
	c->p += 4;
	if (hi < 0xd800 || hi > 0xdbff) {
		*out = put_utf8(*out, (unsigned)hi);
		return true;
	}
	if (c->end - c->p < 6 || c->p[0] != '\\' || c->p[1] != 'u')
		return false;
	lo = hex4(c, c->p + 2);
	if (lo < 0xdc00 || lo > 0xdfff)
		return false;
	c->p += 6;
	*out = put_utf8(*out, 0x10000 + ((unsigned)(hi - 0xd800) << 10) + (unsigned)(lo - 0xdc00));
	return true;
}

/* c is at a backslash, and stays there when what follows is no escape. */
static bool
unescape_one(struct cursor *c, char **out)
{
	static const char plain[256] = {['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b',
					['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
	struct cursor next = *c;
	char ch;

	if (c->end - c->p < 2)
		return false;
	ch = c->p[1];
	next.p += 2;
	if (ch == 'u') {
		if (!unescape_u(&next, out))
			return false;
	} else {
		if (plain[(unsigned char)ch] == 0)
			return false;
		*(*out)++ = plain[(unsigned char)ch];
	}
	*c = next;
	return true;
}

#define BLOCK 64

/* One bit per byte of a block: quote, backslash or control character. */
static uint64_t
special_bytes(const char *p)
{
	uint64_t mask = 0;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);
	for (unsigned i = 0; i < BLOCK; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote),
							_mm_cmpeq_epi8(v, slash)),
					   _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
		mask |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << i;
	}
#else
	for (unsigned i = 0; i < BLOCK; i++)
		mask |= (uint64_t)(p[i] == '"' || p[i] == '\\' || (unsigned char)p[i] < 0x20) << i;
#endif
	return mask;
}

/* Copies up to 15 bytes too many, so both sides need that room. */
static inline char *
copy_run(char *out, const char *p, size_t n)
{
	size_t done = 0;

	do {
		memcpy(out + done, p + done, 16);
		done += 16;
	} while (done < n);
	return out + n;
}

/*
 * Unescape whole blocks while there are enough bytes behind them, all special bytes of a block
 * found at once: between two escapes of a nested document lie only some seven bytes, too few to
 * search for one after the other. Stops early at an unescaped quote (fine), a control character or
 * a bad escape (not), leaving c there.
 */
static char *
unescape_blocks(struct cursor *c, char *out)
{
	while (c->end - c->p >= 2 * BLOCK) {
		const char *block = c->p;
		uint64_t left = special_bytes(block);
		while (left != 0) {
			const char *at = block + __builtin_ctzll(left);
			out = copy_run(out, c->p, (size_t)(at - c->p));
			c->p = at;
			if (at[0] == '\\' && at[1] == '"') {
				*out++ = '"';
				c->p += 2;
			} else if (at[0] != '\\' || !unescape_one(c, &out)) {
				return out;
			}
			if (c->p >= block + BLOCK)
				break;
			left &= UINT64_MAX << (c->p - block);
		}
		if (c->p < block + BLOCK) {
			out = copy_run(out, c->p, (size_t)(block + BLOCK - c->p));
			c->p = block + BLOCK;
		}
	}
	return out;
}

/* Unescape up to the closing quote; NULL when there is none or something is wrong before it. */
static char *
unescape(struct cursor *c, char *out)
{
	out = unescape_blocks(c, out);
	while (c->p < c->end && *c->p != '"') {
		if ((unsigned char)*c->p < 0x20)
			return NULL;
		if (*c->p != '\\')
			*out++ = *c->p++;
		else if (!unescape_one(c, &out))
			return NULL;
	}
	return c->p < c->end ? out : NULL;
}

size_t
envelope_unwrap(const char *s, size_t len, char *out)
{
	struct cursor c = {s, s + len};
	const char *to;

	if (!EAT(&c, "{") || !EAT(&c, "\"oslo.version\"") || !EAT(&c, ":") || !EAT(&c, "\"2.0\"") ||
	    !EAT(&c, ",") || !EAT(&c, "\"oslo.message\"") || !EAT(&c, ":"))
		return 0;
	skip_space(&c);
	if (c.p == c.end || *c.p++ != '"')
		return 0;
	to = unescape(&c, out);
	if (to == NULL)
		return 0;
	c.p++;
	if (!EAT(&c, "}"))
		return 0;
	skip_space(&c);
	return c.p == c.end ? (size_t)(to - out) : 0;
}
