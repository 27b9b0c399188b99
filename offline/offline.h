/*
 * offline: what can be done with a catalogue and records without a running daemon: make records
 * from a line of words, play the examples of a catalogue, check it, replay a capture, and compare
 * what two catalogues make of it. The decoder and the core are the daemon's own.
 *
 * Thread: any, one object per thread. No clock: time is that of the examples and records.
 */
#ifndef FM_OFFLINE_H
#define FM_OFFLINE_H

#include "correlator/correlator.h"

/* ---- records from words (record.c) ---------------------------------------------------------- */

/* A line as words; what stands within double quotes is one, the quotes go. */
#define OFFLINE_MAX_WORDS 48
struct offline_words {
	char *v[OFFLINE_MAX_WORDS];
	unsigned n;
};
/* Words live in the arena. -EINVAL: too many, or a quote is not closed. */
int offline_split(struct fm_arena *arena, const char *line, struct offline_words *ret,
		  struct fm_err *err) FM_MUST_USE;

/*
 * nova TYPE name=value…                a Nova notification, versioned, in its envelope
 * libvirt HOST EVENT [WORDS] name=value…       a record of the libvirt bridge on HOST
 * request OP ALARM_ID ENTITY name=value…       a fault request (clear_all: no ALARM_ID)
 *
 * docs/CATALOG.md lists the names. U1 … U99 stand for UUIDs, vm=U1 for the entity of that instance.
 */
enum offline_form { OFFLINE_NOVA, OFFLINE_LIBVIRT, OFFLINE_REQUEST };

/* Remembers what the records made so far have told: tenants, sequence numbers. */
struct record_maker;
/* What records are about that do not say so themselves; NULL: nothing. Borrowed. */
struct record_maker *record_maker_new(const char *usual_uuid, const char *usual_host);
void record_maker_free(struct record_maker *mk);
/* words: those behind "nova", "libvirt" or "request". The caller frees *ret. */
int record_make(struct record_maker *mk, enum offline_form form, const struct offline_words *words,
		struct fm_time at, char **ret, struct fm_err *err) FM_MUST_USE;
/* "vm=U7" as the entity of that instance, other text as it is; lives in the maker. */
const char *record_entity(struct record_maker *mk, const char *word);

/* ---- checking a catalogue (check.c, example.c) ----------------------------------------------- */

struct offline_checked {
	unsigned examples, failed;
};
/*
 * Loads a catalogue, compares its times with the retention (0: for ever) and plays its examples.
 * Returns 0, -EINVAL or -E2BIG when errors were found, or what reading the file gave; err names
 * the first. *ret_cat, which may be NULL, is written when the catalogue can be loaded, whatever its
 * examples do.
 */
int offline_check(const char *path, struct fm_span retention, struct cat_findings *findings,
		  struct offline_checked *ret, struct catalogue **ret_cat, struct fm_err *err)
	FM_MUST_USE;
/* "events.yaml: 0 errors, 1 warning, 2 notes; 3 of 3 examples hold" */
void offline_summary(const char *path, const struct cat_findings *findings,
		     const struct offline_checked *checked, struct fm_buf *ret);
unsigned offline_count(const struct cat_findings *findings, const char *level);
/* The examples alone. */
void offline_play(const struct catalogue *cat, struct cat_findings *findings,
		  struct offline_checked *ret);

/* ---- captures (capture.c) --------------------------------------------------------------------- */

/*
 * A capture is a file of records, one JSON object a line, in the order in which fmd is to read
 * them:
 *
 *   {"topic":"t","partition":0,"offset":17,"ts":1767225600000,"payload":"{\"kind\":…}"}
 *
 * ts: the broker's time in milliseconds. A value that is not UTF-8 stands in "payload_base64", a
 * tombstone has "payload":null. Other members are ignored, so that what "kcat -J" prints is a
 * capture too.
 */
struct offline_record {
	const char *topic;              /* stable until the capture is closed */
	int32_t partition;
	int64_t offset;
	struct fm_time ts;
	struct fm_time now;             /* what time it was for the daemon that took it; 0: not said */
	const void *p;                  /* NULL: a tombstone */
	size_t len;
};
struct capture;
/* "-": standard input. */
int capture_open(const char *path, struct capture **ret, struct fm_err *err) FM_MUST_USE;
/* 1: *ret is borrowed until the next call. 0: the end. -EBADMSG: err names file and line. */
int capture_next(struct capture *cap, struct offline_record *ret, struct fm_err *err) FM_MUST_USE;
void capture_close(struct capture *cap);
/* Appends a line, with its newline. */
void capture_put(struct fm_buf *b, const struct offline_record *rec);

/* ---- replay (replay.c) ------------------------------------------------------------------------ */

struct replay_stats {
	uint64_t records;
	uint64_t applied, no_effect, duplicate, late, unknown, quarantined;
	uint64_t transitions;
	uint64_t backwards;             /* records with an earlier time than one before them */
	struct fm_time first, last;     /* of the records */
};
/* Deadlines fire up to the later of the two; never before the last record. */
struct replay_until {
	struct fm_time at;
	struct fm_span after;           /* behind the last record */
};
/*
 * Runs a capture through decoder and core. Transitions are numbered from 1. What is not in a
 * capture, commands of operators and what fmd says of itself, does not happen.
 */
int offline_replay(const char *capture, const struct catalogue *cat, struct replay_until until,
		   transition_sink_f *sink, void *ctx, struct replay_stats *ret,
		   struct fm_err *err) FM_MUST_USE;

/* ---- differences (timeline.c, diff.c) ---------------------------------------------------------- */

/* What became of each alarm and log in one replay; a transition_sink_f fills it. */
struct timeline;
struct timeline *timeline_new(void);
void timeline_free(struct timeline *tl);
transition_sink_f timeline_take;        /* ctx: struct timeline * */

#define OFFLINE_CHANGES(X) X(APPEARS, "appears") X(VANISHES, "vanishes") X(SEVERITY, "severity") \
	X(EARLIER, "earlier") X(LATER, "later") X(TOLD, "announced") X(HIDDEN, "hidden") \
	X(ENDS_EARLIER, "ends-earlier") X(ENDS_LATER, "ends-later") X(PARENT, "parent")
enum offline_change_kind {
#define FM_X(id, name) CHANGE_##id,
	OFFLINE_CHANGES(FM_X)
#undef FM_X
	CHANGE_N
};
const char *offline_change_name(enum offline_change_kind kind);

/* was and is: severities, times or alarms ("200.004 host=h"); "" for what is not there. */
struct offline_change {
	enum offline_change_kind kind;
	const char *alarm_id, *entity;
	struct fm_time at;              /* when it came, before; for what appears, after */
	const char *was, *is;
};
typedef void offline_change_f(void *ctx, const struct offline_change *change);
/*
 * By alarm id, entity and time. Two occurrences of one alarm are the same when they overlap in
 * time, two logs when they have the same time.
 */
void offline_diff(struct timeline *was, struct timeline *is, offline_change_f *f, void *ctx);

#endif
