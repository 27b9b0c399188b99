/*
 * store: the durable truth. One SQLite connection, one writer (DESIGN §9): WAL-reset bug of
 * SQLite 3.40.1 needs two connections, so there is never a second one, and nobody but fmd
 * opens the file.
 *
 * A cycle is one transaction: store_begin, any number of puts, store_commit. Nothing is visible
 * to the outside before store_commit has returned 0 (P2, P5).
 *
 * Thread: main. Errors: -ENOSPC (full: rolled back, may be retried with the same puts), -EIO
 * (never retry: exit and recover), -EBUSY (a second fmd holds the directory), -EPROTO (written
 * by a newer fmd), -EACCES/-ENOENT (directory), -EUCLEAN (the file is damaged), -ESTALE (the file has
 * been removed or replaced: never retry).
 */
#ifndef FM_STORE_H
#define FM_STORE_H

#include "alarm/rows.h"

struct store;
struct stored_transition;

struct store_options {
	const char *dir;                /* state directory; made (0750) when its parent exists */
	uint64_t max_transitions;       /* retention by count, 0: no limit */
	struct fm_span max_age;         /* retention by age, 0: no limit */
	uint64_t max_backlog;           /* what retention keeps for slow readers, 0: no limit */
	struct fm_time now;             /* for the names and marks of what is put aside */
	bool read_only;                 /* not a byte is written, and what would be is refused */
	/* Files that the caller makes in dir once it has a store, up to a NULL. NULL: none. */
	const char *const *traces;
};

/*
 * Locks dir (flock on dir/lock, and SQLite's exclusive lock), opens dir/fmd.db, checks, migrates.
 * -EBUSY names the directory and the pid in its lock file, -EPROTO both schema versions.
 *
 * SQLite's quick_check runs unless the last store_close was a clean one: it reads what it checks,
 * and 100,000 alarms must be back within a second. After a crash it covers the whole file up to 256
 * MiB, and beyond that the state without the log, whose newest part is always read.
 *
 * A damaged file, or one that is missing or empty beside a backup or one of traces, is put aside and
 * the newest whole backup takes its place: store_recovered. Without one the answer is -EUCLEAN and all
 * stays as it was.
 */
int store_open(const struct store_options *opt, struct store **ret, struct fm_err *err) FM_MUST_USE;
/* NULL is accepted; an open transaction is rolled back. Never carry a store over a fork. */
void store_close(struct store *st);

/* What was damaged and where it is now, in words; NULL: nothing was. */
const char *store_recovered(const struct store *st);

/* Identity of this store's sequence: a UUID made when the database was made (the "epoch"). */
const char *store_stream(const struct store *st);
uint64_t store_last_seq(const struct store *st);        /* committed; 0: none yet */
uint64_t store_oldest_seq(const struct store *st);      /* of the transitions still kept; 0: none */

/*
 * ---- write: one cycle ----------------------------------------------------------------
 *
 * A put that fails rolls the cycle back; the puts after it and store_commit return its error
 * again, so that checking store_commit alone is safe. Strings are borrowed for the call.
 */

int store_begin(struct store *st, struct fm_err *err) FM_MUST_USE;
int store_put_row(struct store *st, const struct row *row, struct fm_err *err) FM_MUST_USE;

/* Gives the transition its seq (last + 1), renders it to JSON once and keeps it. */
int store_put_transition(struct store *st, struct transition *tr, struct fm_err *err) FM_MUST_USE;

struct store_position {
	const char *topic;
	int32_t partition;
	int64_t next_offset;
	uint64_t last_hash;             /* of the record next_offset - 1 */
	struct fm_time last_ts;         /* its broker time */
};
int store_put_position(struct store *st, const struct store_position *pos, struct fm_err *err)
	FM_MUST_USE;

/* Every record read ends in exactly one of these. */
#define LEDGER_OUTCOMES(X) X(APPLIED, "applied") X(NO_EFFECT, "no_effect") \
	X(DUPLICATE, "duplicate") X(LATE, "late") X(UNKNOWN, "unknown_type") \
	X(QUARANTINED, "quarantined")
enum ledger_outcome {
#define FM_X(id, name) LEDGER_##id,
	LEDGER_OUTCOMES(FM_X)
#undef FM_X
	LEDGER_N
};
const char *ledger_outcome_name(enum ledger_outcome o);
struct store_ledger {
	const char *topic;
	int32_t partition;
	uint64_t n[LEDGER_N];           /* totals since the store was made */
};
int store_put_ledger(struct store *st, const struct store_ledger *l, struct fm_err *err)
	FM_MUST_USE;

struct store_quarantine {
	uint64_t id;                    /* given by the store */
	const char *topic;
	int32_t partition;
	int64_t offset;
	struct fm_time at;
	const char *reason;
	const void *body;               /* the first FM_MAX_QUARANTINE_BODY bytes */
	uint32_t len;                   /* kept */
	uint64_t full_len;              /* of the record */
};
#define FM_MAX_QUARANTINE_BODY 65536
int store_put_quarantine(struct store *st, struct store_quarantine *q, struct fm_err *err)
	FM_MUST_USE;

/* Who did what, with which result; in the same transaction as its effect. */
struct store_audit {
	uint64_t id;                    /* given by the store */
	struct fm_time at;
	const char *user, *role, *verb, *args, *result;
	uint64_t uid;
};
int store_put_audit(struct store *st, const struct store_audit *a, struct fm_err *err) FM_MUST_USE;

/* A sink's cursor: everything up to acked has been delivered. */
int store_put_cursor(struct store *st, const char *sink, uint64_t acked, struct fm_err *err)
	FM_MUST_USE;
/* The core's clock and the catalogue in use. */
int store_put_meta(struct store *st, const char *name, const char *value, struct fm_err *err)
	FM_MUST_USE;

/*
 * On failure the transaction has been rolled back and last_seq is as before store_begin. What would
 * be lost with this process is not committed: see store_in_place.
 */
int store_commit(struct store *st, struct fm_err *err) FM_MUST_USE;
void store_rollback(struct store *st);
/* Whether a start would find the files that are written to: 0, or -ESTALE with the path. */
int store_in_place(struct store *st, struct fm_err *err) FM_MUST_USE;
/*
 * The i-th transition (from 0) of the cycle committed last, oldest first; NULL past the end, while
 * a cycle is open or after one that failed. Valid until the next store_begin.
 */
const struct stored_transition *store_committed(const struct store *st, unsigned i);

/* Who reads the log: for each everything up to acked has been delivered. */
struct store_readers {
	const uint64_t *acked;
	unsigned n;
};

/*
 * Deletes transitions beyond the retention, a bounded number (limit) a call. Its own transaction.
 * Returns the number deleted or an error. What a reader has yet to get stays, up to max_backlog
 * transitions behind the newest; beyond that only the newest state of each alarm is kept for it
 * (store_backlog). The newest transition stays whatever its age: the sequence is counted on from
 * it. Quarantine and audit are held to their newest 10,000 and 100,000 in passing.
 */
int store_trim(struct store *st, struct fm_time now, const struct store_readers *rd,
	       unsigned limit, struct fm_err *err);
/*
 * Moves WAL content into the database; called when idle so that commits need not. Does nothing
 * below 1 MiB. Never called, commits do it themselves at 64 MiB.
 */
int store_checkpoint(struct store *st, struct fm_err *err);

/*
 * A copy of all that is committed when it ends, as DIR/name; the one before it becomes name.1. Steps
 * come between cycles, each a bounded number of pages; 1: it is done, 0: another one is needed. An
 * error ends it, and what there was stays. now is what the copy says of itself in store_meta
 * "copy_of", before the stream it was made of; who opens a copy gets a new stream.
 */
#define STORE_BACKUP "fmd.backup"
int store_backup_begin(struct store *st, const char *name, struct fm_time now, struct fm_err *err)
	FM_MUST_USE;
int store_backup_step(struct store *st, int pages, struct fm_err *err) FM_MUST_USE;
bool store_backup_running(const struct store *st);
void store_backup_stop(struct store *st);

/* ---- read ------------------------------------------------------------------------ */

/* Everything kept, kinds in the order of FM_ROW_KINDS, each as it lies on the disk. For the start. */
int store_each_row(struct store *st, row_sink_f *sink, void *ctx, struct fm_err *err) FM_MUST_USE;

typedef void store_position_f(void *ctx, const struct store_position *pos);
int store_each_position(struct store *st, store_position_f *f, void *ctx, struct fm_err *err)
	FM_MUST_USE;
typedef void store_ledger_f(void *ctx, const struct store_ledger *l);
int store_each_ledger(struct store *st, store_ledger_f *f, void *ctx, struct fm_err *err)
	FM_MUST_USE;
/* 0 when the sink has no cursor yet. */
uint64_t store_cursor(struct store *st, const char *sink);
/* Tells a sink that has none (-ENOENT) from one that stands at 0. */
int store_find_cursor(struct store *st, const char *sink, uint64_t *ret) FM_MUST_USE;
/* Caller frees *ret; -ENOENT when not set. */
int store_meta(struct store *st, const char *name, char **ret);

/* A kept transition. Strings are borrowed until the next step or the callback's return. */
struct stored_transition {
	uint64_t seq;
	enum transition_kind kind;
	bool notify;
	struct fm_time at;
	const char *alarm_id, *entity;
	struct fm_uuid uuid;            /* of the occurrence */
	const char *json;               /* the fm.transition/1 record */
	size_t len;
	size_t alarm_len;               /* the alarm's JSON is json[len-1-alarm_len .. len-1) */
};
/* Return false to stop. */
typedef bool store_transition_f(void *ctx, const struct stored_transition *st);

struct store_query {
	uint64_t after_seq;             /* rows with a larger seq; with reverse: a smaller one */
	bool reverse;                   /* newest first; after_seq 0: from the end */
	const char *alarm_id;           /* NULL: any */
	const char *entity;             /* exact; NULL: any */
	const struct fm_uuid *uuid;     /* of the occurrence or of a log; NULL: any */
	int kind;                       /* enum transition_kind, or -1 */
	struct fm_time since, until;    /* both included; 0: open */
	unsigned limit;                 /* 0: all */
};
/*
 * Cheap for a uuid, for alarm_id with entity, and for the ends of the log; anything else reads on
 * until limit matches are found. f must not call the store.
 */
int store_transitions(struct store *st, const struct store_query *q, store_transition_f *f,
		      void *ctx, struct fm_err *err) FM_MUST_USE;

/*
 * What is kept for readers of the transitions before store_oldest_seq: of each alarm the newest, in
 * order of their seq, those above after. Between them are holes. f must not call the store.
 */
int store_backlog(struct store *st, uint64_t after, unsigned limit, store_transition_f *f,
		  void *ctx, struct fm_err *err) FM_MUST_USE;

/* Ids above after; with reverse those below it, newest first (after 0: from the end). */
typedef bool store_quarantine_f(void *ctx, const struct store_quarantine *q);
int store_quarantined(struct store *st, uint64_t after, bool reverse, unsigned limit,
		      store_quarantine_f *f, void *ctx, struct fm_err *err) FM_MUST_USE;
uint64_t store_quarantine_count(const struct store *st);       /* kept */
/* The highest id ever given, the open cycle's included; 0: none yet. */
uint64_t store_quarantine_last(const struct store *st);

/* Newest first, those before an id (0: all), until f returns false. Rows of older versions have no
 * role (NULL). */
typedef bool store_audit_f(void *ctx, const struct store_audit *a);
int store_audited(struct store *st, uint64_t before, store_audit_f *f, void *ctx,
		  struct fm_err *err) FM_MUST_USE;

/* Figures for "fm stats"; commits, transitions and rows since store_open. */
struct store_stats {
	uint64_t commits, transitions, rows;
	uint64_t file_bytes, wal_bytes;
	uint64_t backlog;               /* rows kept for readers that were left behind */
};
void store_get_stats(const struct store *st, struct store_stats *ret);
const char *store_library_version(void);

#endif
