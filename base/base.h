/*
 * base: what every folder stands on: errors, instants and spans, memory, strings,
 * UUIDs, hashing, a deadline heap. Pure: no system call but memory allocation, no clock.
 *
 * Thread: any; nothing here is shared unless the caller shares it.
 */
#ifndef FM_BASE_H
#define FM_BASE_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FM_MUST_USE __attribute__((warn_unused_result))
#define FM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define FM_CLEANUP(fn) __attribute__((cleanup(fn)))
#define FM_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---- errors ----------------------------------------------------------------------- */

/* Caller-owned, never allocated. The code says what to do, the text says it to a person. */
struct fm_err {
	int code;               /* negative errno */
	char msg[512];
};

/*
 * Fill err (may be NULL) and return code, so that "return fm_fail(err, -EINVAL, …)" reads well.
 * %m in fmt prints the text of errno at the call.
 */
int fm_fail(struct fm_err *err, int code, const char *fmt, ...) FM_PRINTF(3, 4);

/* Always on. What cannot happen is asserted; input from outside never is. */
#define fm_assert(expr) \
	((expr) ? (void)0 : fm_assert_failed(#expr, __FILE__, __LINE__, __func__))
void fm_assert_failed(const char *expr, const char *file, int line, const char *func)
	__attribute__((noreturn));

/* ---- time ------------------------------------------------------------------------- */

#define FM_NS_PER_US 1000LL
#define FM_NS_PER_MS 1000000LL
#define FM_NS_PER_S 1000000000LL

/* An instant: nanoseconds since 1970-01-01T00:00:00Z. 0 means "not known". */
struct fm_time {
	int64_t ns;
};

/* A duration. Kept a type of its own so that the two are never mixed up. */
struct fm_span {
	int64_t ns;
};

static inline struct fm_span fm_span_s(int64_t s) { return (struct fm_span){s * FM_NS_PER_S}; }
static inline struct fm_span fm_span_ms(int64_t ms) { return (struct fm_span){ms * FM_NS_PER_MS}; }
static inline struct fm_time fm_time_add(struct fm_time t, struct fm_span d)
{
	return (struct fm_time){t.ns + d.ns};
}
static inline struct fm_time fm_time_sub(struct fm_time t, struct fm_span d)
{
	return (struct fm_time){t.ns - d.ns};
}
static inline struct fm_span fm_time_diff(struct fm_time a, struct fm_time b)
{
	return (struct fm_span){a.ns - b.ns};
}
static inline bool fm_time_before(struct fm_time a, struct fm_time b) { return a.ns < b.ns; }
static inline struct fm_time fm_time_max(struct fm_time a, struct fm_time b)
{
	return a.ns > b.ns ? a : b;
}

#define FM_TIME_STR 32
/* RFC 3339, UTC, microseconds: "2026-11-23T10:15:42.118023Z". Returns buf. */
char *fm_time_format(struct fm_time t, char buf[FM_TIME_STR]);
/*
 * Reads RFC 3339 with any offset and up to nine fraction digits, and the form of
 * oslo.messaging ("2026-11-22 10:15:42.118023", a naive UTC; Nova also puts a "T" there). A leap
 * second is the first instant of the next minute. -EINVAL when it is neither, or lies outside
 * 1970..2262.
 */
int fm_time_parse(const char *s, size_t len, struct fm_time *ret) FM_MUST_USE;
/*
 * Reads a span as people write it: "500ms", "180s", "15m", "1h", "7d" (also "us" and "ns"), a bare
 * number is seconds, a leading minus is allowed. -EINVAL otherwise or when out of range (100
 * years).
 */
int fm_span_parse(const char *s, size_t len, struct fm_span *ret) FM_MUST_USE;
#define FM_SPAN_STR 32
/* The shortest exact form fm_span_parse reads back: "500ms", "180s" prints "3m". Returns buf. */
char *fm_span_format(struct fm_span d, char buf[FM_SPAN_STR]);

/* ---- memory ----------------------------------------------------------------------- */

/* These abort when memory is exhausted; sizes from outside are bounded before they get here. */
void *fm_malloc(size_t n) __attribute__((malloc));
void *fm_calloc(size_t n, size_t size) __attribute__((malloc));
void *fm_realloc(void *p, size_t n) FM_MUST_USE;
char *fm_strdup(const char *s) FM_MUST_USE;
char *fm_strndup(const char *s, size_t n) FM_MUST_USE;
char *fm_asprintf(const char *fmt, ...) FM_PRINTF(1, 2) FM_MUST_USE;
/* For FM_CLEANUP: frees what a char * (or any pointer) variable points to. */
void fm_freep(void *pp);
/* Take the value out of *pp, leaving NULL: for returning what FM_CLEANUP would free. */
#define FM_STEAL(p) ({ __typeof__(p) fm_stolen_ = (p); (p) = NULL; fm_stolen_; })

/* Memory freed all at once. Blocks are kept by fm_arena_reset for the next use. */
struct fm_arena {
	struct fm_arena_block *head, *cur;
	size_t used;            /* in cur */
	size_t total;           /* bytes handed out since the last reset */
};
void fm_arena_init(struct fm_arena *a);
void fm_arena_fini(struct fm_arena *a);
void fm_arena_reset(struct fm_arena *a);
void *fm_arena_alloc(struct fm_arena *a, size_t n);     /* zeroed, 16-byte aligned */
char *fm_arena_strndup(struct fm_arena *a, const char *s, size_t n);
char *fm_arena_printf(struct fm_arena *a, const char *fmt, ...) FM_PRINTF(2, 3);

/* Zeroed memory to be released with free(): huge pages are asked for when it is that large. */
void *fm_big_calloc(size_t n, size_t size) __attribute__((malloc));

/* Objects of one size (a multiple of 8), all freed by fm_pool_fini. */
struct fm_pool {
	size_t size;
	void *returned;         /* the first one; each begins with the next */
	char *fresh;            /* of the last chunk */
	size_t left;            /* fresh ones */
	struct fm_pool_chunk *chunks;
	size_t chunk;           /* bytes of the next one */
};
void fm_pool_init(struct fm_pool *pool, size_t size);
void fm_pool_fini(struct fm_pool *pool);
void *fm_pool_get(struct fm_pool *pool);                /* zeroed, aligned for pointers */
void fm_pool_put(struct fm_pool *pool, void *p);

/* ---- strings ---------------------------------------------------------------------- */

/* A borrowed piece of text, not NUL-terminated. p == NULL means absent. */
struct fm_str {
	const char *p;
	uint32_t len;
};
#define FM_STR(lit) ((struct fm_str){"" lit, sizeof(lit) - 1})
static inline struct fm_str fm_str_of(const char *s)
{
	return (struct fm_str){s, s != NULL ? (uint32_t)strlen(s) : 0};
}
static inline bool fm_str_eq(struct fm_str a, struct fm_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
/* Two texts, each of which may be NULL. */
static inline bool fm_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}
static inline bool fm_str_is(struct fm_str a, const char *lit)
{
	return a.p != NULL && strlen(lit) == a.len && memcmp(a.p, lit, a.len) == 0;
}

/* A growing string. s is always NUL-terminated after the first append. */
struct fm_buf {
	char *s;
	size_t len, cap;
};
void fm_buf_fini(struct fm_buf *b);
void fm_buf_reset(struct fm_buf *b);
void fm_buf_reserve(struct fm_buf *b, size_t n);        /* room for n more bytes */
void fm_buf_add(struct fm_buf *b, const void *p, size_t n);
void fm_buf_adds(struct fm_buf *b, const char *s);
void fm_buf_addf(struct fm_buf *b, const char *fmt, ...) FM_PRINTF(2, 3);

/* The first of many by name, and how many more: "a, b and 3 more". */
struct fm_list {
	struct fm_buf b;
	unsigned n, most;               /* given; how many of them are named */
};
void fm_list_add(struct fm_list *l, const char *s);
/* The whole text, once all are given. */
const char *fm_list_end(struct fm_list *l);
void fm_list_fini(struct fm_list *l);

/* Strings to stable pointers: equal text gives the same pointer until fm_intern_fini. */
struct fm_intern {
	struct fm_intern_entry **slots;
	size_t n, cap;
};
void fm_intern_init(struct fm_intern *in);
void fm_intern_fini(struct fm_intern *in);
const char *fm_intern(struct fm_intern *in, const char *s, size_t len);

/* Edits between two words of at most FM_NEAR_MAX bytes; case, and "-" for "_", are none. */
#define FM_NEAR_MAX 48
unsigned fm_near(struct fm_str a, struct fm_str b);

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool fm_utf8_valid(const char *s, size_t len);
/*
 * The code point s begins with. Returns its length in bytes; 0 when len is 0 or s does not begin
 * with a well-formed one.
 */
size_t fm_utf8_decode(const char *s, size_t len, uint32_t *ret);
/* Append s to b with every malformed byte replaced by U+FFFD: bad text never loses a record. */
void fm_utf8_repair(struct fm_buf *b, const char *s, size_t len);
/* The longest prefix of at most max bytes that ends at a code point. */
size_t fm_utf8_cut(const char *s, size_t len, size_t max);
/*
 * What controls a terminal, or the order of what it shows, or is not seen: C0 (tab and newline too),
 * DEL, C1, bidi controls (U+061C, U+200E/F, U+202A..E, U+2066..9), zero-width (U+200B..D,
 * U+2060..4, U+FEFF), line separators (U+2028/9), annotation and tags (U+FFF9..B, U+E0000..7F).
 */
bool fm_utf8_is_hostile(uint32_t cp);
/*
 * Append s to b so that a terminal or a log line cannot be controlled by it: what is hostile comes
 * out as "\u{1b}", malformed bytes as "\x{ff}". CWE-150, CWE-117.
 */
void fm_escape(struct fm_buf *b, const char *s, size_t len);

/* ---- UUID and hash ---------------------------------------------------------------- */

struct fm_uuid {
	uint8_t b[16];
};
#define FM_UUID_STR 37
bool fm_uuid_parse(const char *s, size_t len, struct fm_uuid *ret);     /* 36 characters */
char *fm_uuid_format(const struct fm_uuid *u, char buf[FM_UUID_STR]);   /* lower case */
static inline bool fm_uuid_eq(const struct fm_uuid *a, const struct fm_uuid *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}
static inline bool fm_uuid_is_null(const struct fm_uuid *u)
{
	static const struct fm_uuid zero = {{0}};
	return fm_uuid_eq(u, &zero);
}

/* 64 bits, not cryptographic, the same on every machine: may be stored. */
uint64_t fm_hash64(const void *p, size_t len, uint64_t seed);

/* ---- map -------------------------------------------------------------------------- */

/*
 * Objects by a hash of their key. Equal hashes do happen: the caller compares keys, walking with
 * fm_map_first and fm_map_next (pos is theirs); no put or remove during a walk.
 */
struct fm_map_slot {
	uint64_t hash;
	void *p;                /* NULL: empty */
};
struct fm_map {
	struct fm_map_slot *v;
	size_t n, cap;          /* cap: 0 or a power of two */
};
void fm_map_fini(struct fm_map *m);
void fm_map_put(struct fm_map *m, uint64_t hash, void *p);
void fm_map_remove(struct fm_map *m, uint64_t hash, const void *p);      /* must be there */
static inline void *fm_map_from(const struct fm_map *m, uint64_t hash, size_t i, size_t *pos)
{
	for (; m->v[i].p != NULL; i = (i + 1) & (m->cap - 1)) {
		if (m->v[i].hash == hash) {
			*pos = i;
			return m->v[i].p;
		}
	}
	return NULL;
}
static inline void *fm_map_first(const struct fm_map *m, uint64_t hash, size_t *pos)
{
	return m->cap != 0 ? fm_map_from(m, hash, hash & (m->cap - 1), pos) : NULL;
}
static inline void *fm_map_next(const struct fm_map *m, uint64_t hash, size_t *pos)
{
	return fm_map_from(m, hash, (*pos + 1) & (m->cap - 1), pos);
}

/* ---- deadline heap ---------------------------------------------------------------- */

/*
 * An intrusive binary min-heap ordered by (due, order), so equal deadlines fire in the order
 * in which they were armed. A node knows its place: removal and re-arming cost log n.
 */
struct fm_heap_node {
	struct fm_time due;
	uint64_t order;
	size_t pos;             /* 1-based; 0 = not in a heap */
};
struct fm_heap {
	struct fm_heap_node **v;
	size_t n, cap;
};
void fm_heap_fini(struct fm_heap *h);
void fm_heap_put(struct fm_heap *h, struct fm_heap_node *node);  /* inserts or re-places */
void fm_heap_remove(struct fm_heap *h, struct fm_heap_node *node);
struct fm_heap_node *fm_heap_min(const struct fm_heap *h);       /* NULL when empty */

#ifdef __cplusplus
}
#endif
#endif
