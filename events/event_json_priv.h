/*
 * event_json: one JSON document, parsed by simdjson, read through a small C interface
 * (docs/adr/0006-simdjson.md). event_json.cc is the shim; event_take.c reads members with the
 * type checks and error words that all decoders share.
 *
 * What counts as JSON: RFC 8259 in full, the parts nobody reads included. Integers beyond 64 bits
 * and reals beyond a double are refused.
 *
 * Thread: one per document. Ownership: values and text live until the next evj_parse.
 */
#ifndef FM_EVENT_JSON_PRIV_H
#define FM_EVENT_JSON_PRIV_H

#include "base/base.h"
#include "events/event_words_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that must be readable behind the text given to evj_parse, the first of them 0. */
#define EVJ_PADDING 64

enum evj_type {
	EVJ_ABSENT = 0,
	EVJ_NULL,
	EVJ_FALSE,
	EVJ_TRUE,
	EVJ_INT,                /* fits int64_t */
	EVJ_NUMBER,             /* any other number */
	EVJ_STRING,
	EVJ_ARRAY,
	EVJ_OBJECT,
};

struct evj_value {
	enum evj_type type;
	union {
		int64_t num;
		struct fm_str str;      /* unescaped, followed by a NUL */
		uint64_t ref[2];        /* array, object: opaque */
	} u;
};

struct evj_doc;
struct evj_doc *evj_new(size_t max_len, unsigned max_depth);
void evj_free(struct evj_doc *doc);

/*
 * Parse text, which is an object. Returns 0, -EBADMSG with the place of the fault, or -E2BIG
 * (deeper than max_depth; an empty innermost array or object does not count). len is at most the
 * max_len of evj_new.
 */
int evj_parse(struct evj_doc *doc, const char *text, size_t len, struct evj_value *ret,
	      struct fm_err *err) FM_MUST_USE;

/*
 * The members of one object that a vocabulary knows, by index in it. names, path, and err are set
 * by whoever opens it; path goes before a member's name in error texts. Reading is sticky: the
 * first wrong member sets rc (and err), later reads go on harmlessly, and the decoder looks at rc
 * once at its end.
 */
#define EVJ_MAX_MEMBERS 96
struct evj_object {
	const struct ev_words *names;
	const char *path;
	struct fm_err *err;
	int rc;
	uint64_t seen[(EVJ_MAX_MEMBERS + 63) / 64];
	struct evj_value at[EVJ_MAX_MEMBERS];   /* valid where seen */
};

/* Shim: fills seen and at from v, an EVJ_OBJECT. Index of a member given twice, or -1. */
int evj_scan(const struct evj_value *v, struct evj_object *ret);
/* Shim: the first max elements of v, an EVJ_ARRAY. Returns how many. */
unsigned evj_items(const struct evj_value *v, struct evj_value *ret, unsigned max);

/* ---- event_fault.c --------------------------------------------------------------------- */

/* Offset of what is wrong in a document that was refused; text as for evj_parse. */
size_t evj_fault(const char *text, size_t len, unsigned max_depth);
/* Offset of the first byte that is not UTF-8. */
size_t evj_utf8_fault(const char *text, size_t len);

/* ---- event_take.c ---------------------------------------------------------------------- */

/*
 * Open v with a vocabulary. Anything but an object (null and absent too) gives an object without
 * members. A member of the vocabulary given twice is refused: readers disagree on which counts.
 */
void evj_open(struct evj_object *ret, const struct evj_value *v, const struct ev_words *names,
	      const char *path, struct fm_err *err);
/* Set rc to -EBADMSG with "member <path><name>: <what>", unless it is set. */
void evj_wrong(struct evj_object *o, unsigned id, const char *what);

static inline bool evj_has(const struct evj_object *o, unsigned id)
{
	return (o->seen[id / 64] >> id % 64 & 1) != 0;
}
/* The member, or one of type EVJ_ABSENT. */
const struct evj_value *evj_at(const struct evj_object *o, unsigned id);

/* Absent and null alike: .p NULL, EV_ABSENT, -1, 0. Another type than the asked one is wrong. */
struct fm_str evj_str(struct evj_object *o, unsigned id);
int64_t evj_int(struct evj_object *o, unsigned id);
int evj_bool(struct evj_object *o, unsigned id);
struct fm_time evj_time(struct evj_object *o, unsigned id);
/* False when absent or null. */
bool evj_uuid(struct evj_object *o, unsigned id, struct fm_uuid *ret);
/* For members that people type freely: text when it is usable text, otherwise .p NULL. */
struct fm_str evj_text(const struct evj_object *o, unsigned id);
/* Likewise: a number, or text that is one, from 0 to INT32_MAX; otherwise EV_ABSENT. */
int64_t evj_setting(const struct evj_value *v);

#ifdef __cplusplus
}
#endif
#endif
