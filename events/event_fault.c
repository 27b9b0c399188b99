/*
 * event_fault: where a document that the JSON library has refused is wrong. The library's DOM says
 * what is wrong but not where, and its On-Demand reader, which would say where, crashes on some
 * malformed documents ("[[" in 3.0.1). Only ever used on refused documents, to word the error: it
 * decides nothing.
 */
#include "events/event_json_priv.h"

#include <math.h>
#include <stdlib.h>

struct scan {
	const char *s;
	size_t at, len;         /* at is at the fault when a scan_ function returns false */
};

static int
peek(const struct scan *sc)
{
	return sc->at < sc->len ? (unsigned char)sc->s[sc->at] : -1;
}

static int
skip_space(struct scan *sc)
{
	while (peek(sc) == ' ' || peek(sc) == '\t' || peek(sc) == '\n' || peek(sc) == '\r')
		sc->at++;
	return peek(sc);
}

/* The four hexadecimal digits at p, or -1. */
static long
unit(const struct scan *sc, size_t p)
{
	char digits[5] = "";

	if (sc->len - p < 4 || p > sc->len)
		return -1;
	memcpy(digits, sc->s + p, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

/* Length of the escape sequence at sc->at, 0 when it is none. */
static size_t
escape_length(const struct scan *sc)
{
	size_t p = sc->at;
	long hi, lo;

	if (sc->len - p < 2)
		return 0;
	if (sc->s[p + 1] != 'u')
		return memchr("\"\\/bfnrt", sc->s[p + 1], 8) != NULL ? 2 : 0;
	hi = unit(sc, p + 2);
	if (hi < 0 || (hi >= 0xdc00 && hi <= 0xdfff))
		return 0;
	if (hi < 0xd800 || hi > 0xdbff)
		return 6;
	if (sc->len - p < 12 || sc->s[p + 6] != '\\' || sc->s[p + 7] != 'u')
		return 0;
	lo = unit(sc, p + 8);
	return lo >= 0xdc00 && lo <= 0xdfff ? 12 : 0;
}

static bool
scan_string(struct scan *sc)
{
	size_t open = sc->at;

	if (peek(sc) != '"')
		return false;
	sc->at++;
	for (int c; (c = peek(sc)) != '"';) {
		size_t n = c == '\\' ? escape_length(sc) : 1;
		if (c < 0)
			sc->at = open;
		if (c < 0x20 || n == 0)
			return false;
		sc->at += n;
	}
	sc->at++;
	return true;
}

static size_t
scan_digits(struct scan *sc)
{
	size_t start = sc->at;

	while (peek(sc) >= '0' && peek(sc) <= '9')
		sc->at++;
	return sc->at - start;
}

/* Grammar, and a value that a 64-bit integer or a double can hold. */
static bool
is_number(struct scan *sc)
{
	const char *start = sc->s + sc->at;
	bool real = false;

	if (peek(sc) == '-')
		sc->at++;
	if (peek(sc) == '0')
		sc->at++;
	else if (scan_digits(sc) == 0)
		return false;
	if (peek(sc) == '.') {
		real = true;
		sc->at++;
		if (scan_digits(sc) == 0)
			return false;
	}
	if (peek(sc) == 'e' || peek(sc) == 'E') {
		real = true;
		sc->at++;
		if (peek(sc) == '+' || peek(sc) == '-')
			sc->at++;
		if (scan_digits(sc) == 0)
			return false;
	}
	if (real)
		return isfinite(strtod(start, NULL));
	errno = 0;
	if (*start == '-')
		(void)strtoll(start, NULL, 10);
	else
		(void)strtoull(start, NULL, 10);
	return errno == 0;
}

/* A number, true, false or null, and then something that may follow it. */
static bool
scan_plain(struct scan *sc)
{
	static const struct ev_word words[] = {
		EV_WORD("true", 0), EV_WORD("false", 0), EV_WORD("null", 0),
	};
	size_t start = sc->at;
	bool good = false;

	for (unsigned i = 0; i < FM_ARRAY_LEN(words) && !good; i++) {
		good = sc->len - start >= words[i].len &&
			memcmp(sc->s + start, words[i].s, words[i].len) == 0;
		if (good)
			sc->at += words[i].len;
	}
	if (!good)
		good = is_number(sc);
	if (good && (sc->at == sc->len || memchr(" \t\r\n,]}:", sc->s[sc->at], 8) != NULL))
		return true;
	sc->at = start;
	return false;
}

static bool scan_value(struct scan *sc, unsigned depth);

static bool
scan_member(struct scan *sc, unsigned depth)
{
	skip_space(sc);
	if (!scan_string(sc) || skip_space(sc) != ':')
		return false;
	sc->at++;
	return scan_value(sc, depth);
}

/* An object or an array, by its closing bracket. */
static bool
scan_container(struct scan *sc, int closing, unsigned depth)
{
	sc->at++;
	if (skip_space(sc) == closing) {
		sc->at++;
		return true;
	}
	for (;;) {
		bool good = closing == '}' ? scan_member(sc, depth) : scan_value(sc, depth);
		if (!good)
			return false;
		int c = skip_space(sc);
		if (c != closing && c != ',')
			return false;
		sc->at++;
		if (c == closing)
			return true;
	}
}

static bool
scan_value(struct scan *sc, unsigned depth)
{
	int c = skip_space(sc);

	if (depth == 0)
		return false;
	if (c == '{')
		return scan_container(sc, '}', depth - 1);
	if (c == '[')
		return scan_container(sc, ']', depth - 1);
	return c == '"' ? scan_string(sc) : scan_plain(sc);
}

size_t
evj_fault(const char *text, size_t len, unsigned max_depth)
{
	struct scan sc = {.s = text, .len = len};

	if (scan_value(&sc, max_depth + 1))
		skip_space(&sc);
	return sc.at;
}

size_t
evj_utf8_fault(const char *text, size_t len)
{
	size_t good = 0;

	for (size_t n = 1; good + n <= len && n <= 4; n++) {
		if (fm_utf8_valid(text + good, n)) {
			good += n;
			n = 0;
		}
	}
	return good;
}
