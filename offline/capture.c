/*
 * capture: records in a file of JSON lines. A reader of its own, because a million lines have to
 * pass in seconds: it walks over a line once and unescapes the payload alone. What it does not
 * need it skips without looking closer; the payload is the decoder's to judge.
 */
#include "offline/offline_priv.h"

#include <stdio.h>
#include <stdlib.h>

struct capture {
	FILE *f;
	char *path;
	unsigned long line_no;
	char *line;
	size_t cap;
	struct fm_buf payload, key;
	struct fm_intern topics;
};

int
capture_open(const char *path, struct capture **ret, struct fm_err *err)
{
	const bool std = strcmp(path, "-") == 0;
	FILE *f = std ? stdin : fopen(path, "re");

	if (f == NULL)
		return fm_fail(err, -errno, "%s: %m", path);
	struct capture *cap = fm_calloc(1, sizeof(*cap));

	cap->f = f;
	cap->path = fm_strdup(std ? "standard input" : path);
	fm_intern_init(&cap->topics);
	*ret = cap;
	return 0;
}

void
capture_close(struct capture *cap)
{
	if (cap == NULL)
		return;
	if (cap->f != stdin)
		fclose(cap->f);
	free(cap->path);
	free(cap->line);
	fm_buf_fini(&cap->payload);
	fm_buf_fini(&cap->key);
	fm_intern_fini(&cap->topics);
	free(cap);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static const char *
blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

static int
hex4(const char *p)
{
	int v = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static void
put_code_point(struct fm_buf *b, uint32_t cp)
{
	char s[4];
	unsigned n = 0;

	if (cp < 0x80) {
		s[n++] = (char)cp;
	} else if (cp < 0x800) {
		s[n++] = (char)(0xc0 | cp >> 6);
		s[n++] = (char)(0x80 | (cp & 0x3f));
	} else if (cp < 0x10000) {
		s[n++] = (char)(0xe0 | cp >> 12);
		s[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (cp & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | cp >> 18);
		s[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (cp & 0x3f));
	}
	fm_buf_add(b, s, n);
}

/* Behind "\u"; surrogates come in pairs. NULL: not well-formed. */
static const char *
unicode(const char *p, struct fm_buf *b)
{
	const int high = hex4(p);

	if (high < 0)
		return NULL;
	p += 4;
	if (high < 0xd800 || high > 0xdfff) {
		put_code_point(b, (uint32_t)high);
		return p;
	}
	const int low = high < 0xdc00 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : -1;

	if (low < 0xdc00 || low > 0xdfff)
		return NULL;
	put_code_point(b, 0x10000 + (((uint32_t)high & 0x3ff) << 10 | ((uint32_t)low & 0x3ff)));
	return p + 6;
}

static const char *
escape(const char *p, struct fm_buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = *p != '\0' ? strchr(from, *p) : NULL;

	if (*p == 'u')
		return unicode(p + 1, b);
	if (at == NULL)
		return NULL;
	fm_buf_add(b, &to[at - from], 1);
	return p + 1;
}

/* Behind the opening quote; returns what follows the closing one. */
static const char *
string(const char *p, struct fm_buf *b)
{
	fm_buf_reset(b);
	fm_buf_adds(b, "");
	while (p != NULL) {
		const size_t n = strcspn(p, "\"\\");

		fm_buf_add(b, p, n);
		p += n;
		if (*p == '"')
			return p + 1;
		p = *p == '\\' ? escape(p + 1, b) : NULL;
	}
	return NULL;
}

static const char *
skip_string(const char *p)
{
	for (;;) {
		p += strcspn(p, "\"\\");
		if (*p == '"')
			return p + 1;
		if (*p == '\0' || p[1] == '\0')
			return NULL;
		p += 2;
	}
}

/* Any value, brackets counted and not matched. */
static const char *
skip_value(const char *p)
{
	unsigned depth = 0;

	do {
		p += strspn(p, " \t\r\n:");
		if (*p == '"') {
			p = skip_string(p + 1);
			if (p == NULL)
				return NULL;
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if ((*p == '}' || *p == ']') && depth > 0) {
			depth--;
			p++;
		} else if (*p == ',' && depth > 0) {
			p++;
		} else {
			const size_t n = strcspn(p, ",]} \t\r\n");

			if (n == 0)
				return NULL;
			p += n;
		}
		p = blanks(p);
	} while (depth > 0);
	return p;
}

static const char *
integer(const char *p, int64_t *ret)
{
	const bool minus = *p == '-';
	int64_t v = 0;

	p += minus;
	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
			return NULL;
	*ret = minus ? -v : v;
	return *p == '.' || *p == 'e' || *p == 'E' ? NULL : p;
}

/* ---- base64 (RFC 4648 §4) --------------------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
put_base64(struct fm_buf *b, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		const size_t n = len - i < 3 ? len - i : 3;
		const uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			(n > 2 ? p[i + 2] : 0);
		const char s[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63],
			n > 1 ? alphabet[v >> 6 & 63] : '=', n > 2 ? alphabet[v & 63] : '='};

		fm_buf_add(b, s, 4);
	}
}

/* In place. False: not base64. */
static bool
from_base64(struct fm_buf *b)
{
	uint8_t *out = (uint8_t *)b->s;
	uint32_t v = 0;
	size_t n = 0, len = b->len;

	if (len % 4 != 0)
		return false;
	for (unsigned pad = 0; pad < 2 && len > 0 && b->s[len - 1] == '='; pad++)
		len--;
	for (size_t i = 0; i < len; i++) {
		const char *at = b->s[i] != '\0' ? strchr(alphabet, b->s[i]) : NULL;

		if (at == NULL)
			return false;
		v = v << 6 | (uint32_t)(at - alphabet);
		if (i % 4 != 0)
			out[n++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
	}
	b->len = n;
	return true;
}

/* ---- a line ------------------------------------------------------------------------------------ */

enum { HAS_TOPIC = 1, HAS_PARTITION = 2, HAS_OFFSET = 4, HAS_TS = 8, HAS_PAYLOAD = 16 };
#define HAS_ALL 31u

struct line {
	struct offline_record *rec;
	unsigned has;
	int64_t partition, ts_ms;
};

static const char *
payload(struct capture *cap, const char *p, struct line *ln, bool base64)
{
	ln->has |= HAS_PAYLOAD;
	if (strncmp(p, "null", 4) == 0) {
		ln->rec->p = NULL;
		ln->rec->len = 0;
		return p + 4;
	}
	p = *p == '"' ? string(p + 1, &cap->payload) : NULL;
	if (p != NULL && base64 && !from_base64(&cap->payload))
		return NULL;
	ln->rec->p = cap->payload.s;
	ln->rec->len = cap->payload.len;
	return p;
}

/* p stands at the value of the member that cap->key names. */
static const char *
member(struct capture *cap, const char *p, struct line *ln)
{
	const struct fm_str key = {cap->key.s, (uint32_t)cap->key.len};

	if (fm_str_is(key, "payload"))
		return payload(cap, p, ln, false);
	if (fm_str_is(key, "payload_base64"))
		return payload(cap, p, ln, true);
	if (fm_str_is(key, "partition")) {
		ln->has |= HAS_PARTITION;
		return integer(p, &ln->partition);
	}
	if (fm_str_is(key, "offset")) {
		ln->has |= HAS_OFFSET;
		return integer(p, &ln->rec->offset);
	}
	if (fm_str_is(key, "ts")) {
		ln->has |= HAS_TS;
		return integer(p, &ln->ts_ms);
	}
	if (fm_str_is(key, "now_ns"))
		return integer(p, &ln->rec->now.ns);
	if (!fm_str_is(key, "topic"))
		return skip_value(p);
	ln->has |= HAS_TOPIC;
	p = *p == '"' ? string(p + 1, &cap->key) : NULL;
	ln->rec->topic = fm_intern(&cap->topics, cap->key.s, cap->key.len);
	return p;
}

/* NULL: not an object of such members. */
static const char *
members(struct capture *cap, const char *p, struct line *ln)
{
	p = blanks(p);
	if (*p != '{')
		return NULL;
	do {
		p = blanks(p + 1);
		p = *p == '"' ? string(p + 1, &cap->key) : NULL;
		p = p != NULL ? blanks(p) : NULL;
		if (p == NULL || *p != ':')
			return NULL;
		p = member(cap, blanks(p + 1), ln);
		p = p != NULL ? blanks(p) : NULL;
	} while (p != NULL && *p == ',');
	return p != NULL && *p == '}' && *blanks(p + 1) == '\0' ? p : NULL;
}

static int
parse(struct capture *cap, struct offline_record *ret, struct fm_err *err)
{
	struct line ln = {.rec = ret};

	*ret = (struct offline_record){0};
	if (members(cap, cap->line, &ln) == NULL)
		return fm_fail(err, -EBADMSG, "%s:%lu: not a JSON object of a record", cap->path,
			       cap->line_no);
	if (ln.has != HAS_ALL)
		return fm_fail(err, -EBADMSG, "%s:%lu: a record has topic, partition, offset, ts and "
			       "payload or payload_base64", cap->path, cap->line_no);
	if (ln.partition < 0 || ln.partition > INT32_MAX || ln.ts_ms < 0 ||
	    ln.ts_ms > INT64_MAX / FM_NS_PER_MS || ret->now.ns < 0)
		return fm_fail(err, -EBADMSG, "%s:%lu: partition, ts or now_ns is out of range",
			       cap->path, cap->line_no);
	ret->partition = (int32_t)ln.partition;
	ret->ts.ns = ln.ts_ms * FM_NS_PER_MS;
	return 1;
}

int
capture_next(struct capture *cap, struct offline_record *ret, struct fm_err *err)
{
	ssize_t n;

	do {
		errno = 0;
		n = getline(&cap->line, &cap->cap, cap->f);
		cap->line_no++;
		if (n < 0)
			return ferror(cap->f) ? fm_fail(err, -EIO, "%s: %m", cap->path) : 0;
		/* A NUL would hide what follows it. */
		if (strlen(cap->line) != (size_t)n)
			return fm_fail(err, -EBADMSG, "%s:%lu: a NUL byte", cap->path,
				       cap->line_no);
	} while (*blanks(cap->line) == '\0');
	return parse(cap, ret, err);
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void
put_string(struct fm_buf *b, const char *s, size_t len)
{
	size_t plain = 0;

	fm_buf_adds(b, "\"");
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		fm_buf_add(b, s + plain, i - plain);
		if (c >= 0x20)
			fm_buf_addf(b, "\\%c", (char)c);
		else
			fm_buf_addf(b, "\\u%04x", (unsigned)c);
		plain = i + 1;
	}
	fm_buf_add(b, s + plain, len - plain);
	fm_buf_adds(b, "\"");
}

void
capture_put(struct fm_buf *b, const struct offline_record *rec)
{
	fm_buf_adds(b, "{\"topic\":");
	put_string(b, rec->topic, strlen(rec->topic));
	fm_buf_addf(b, ",\"partition\":%d,\"offset\":%lld,\"ts\":%lld,", (int)rec->partition,
		    (long long)rec->offset, (long long)(rec->ts.ns / FM_NS_PER_MS));
	if (rec->now.ns != 0)
		fm_buf_addf(b, "\"now_ns\":%lld,", (long long)rec->now.ns);
	if (rec->p == NULL) {
		fm_buf_adds(b, "\"payload\":null");
	} else if (fm_utf8_valid(rec->p, rec->len)) {
		fm_buf_adds(b, "\"payload\":");
		put_string(b, rec->p, rec->len);
	} else {
		fm_buf_adds(b, "\"payload_base64\":\"");
		put_base64(b, rec->p, rec->len);
		fm_buf_adds(b, "\"");
	}
	fm_buf_adds(b, "}\n");
}
