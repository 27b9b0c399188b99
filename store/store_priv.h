/*
 * store_priv: what the files of store/ share. One struct store owns the connection, every
 * prepared statement and the state of the open cycle; open.c makes and ends it.
 */
#ifndef FM_STORE_PRIV_H
#define FM_STORE_PRIV_H

#include "store/store.h"

#include <sqlite3.h>

/* Goes up with every change of the tables; schema.c holds the way from each older one. */
#define STORE_SCHEMA 6

/* Idle time moves the WAL into the database from here on; below it two fsyncs are not worth it. */
#define STORE_WAL_IDLE (1u << 20)
/* A commit does it itself when the WAL has grown to this, idle or not. */
#define STORE_WAL_FULL (64u << 20)
/* Quarantine and audit keep this many of the newest. */
#define STORE_QUARANTINE_KEPT 10000u
#define STORE_AUDIT_KEPT 100000u

/* ---- statements (sql.c) ---------------------------------------------------------- */

#define TRANSITION_COLUMNS "seq, kind, notify, at, alarm_id, entity, uuid, json, alarm_len"
/* ?1 lowest and ?2 highest seq; the others are NULL when they do not matter. */
#define TRANSITION_FILTER \
	" seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR alarm_id = ?3) AND (?4 IS NULL OR entity = ?4)" \
	" AND (?5 IS NULL OR uuid = ?5) AND (?6 IS NULL OR kind = ?6)" \
	" AND (?7 IS NULL OR at >= ?7) AND (?8 IS NULL OR at <= ?8)"
#define LEDGER_COLUMN(id, name) ", " name
#define LEDGER_PARAM(id, name) ", ?"
#define AUDIT_COLUMNS "id, at, user, verb, args, result, uid, role"
#define QUARANTINE_COLUMNS "id, topic, part, record, at, reason, body, full_len"

#define STORE_STATEMENTS(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(PUT_SELF, "REPLACE INTO self(name, value) VALUES(?1, ?2)") \
	X(GET_SELF, "SELECT value FROM self WHERE name = ?1") \
	X(PUT_META, "REPLACE INTO meta(name, value) VALUES(?1, ?2)") \
	X(GET_META, "SELECT value FROM meta WHERE name = ?1") \
	X(PUT_CURSOR, "REPLACE INTO sink(name, acked) VALUES(?1, ?2)") \
	X(GET_CURSOR, "SELECT acked FROM sink WHERE name = ?1") \
	X(PUT_POSITION, "REPLACE INTO position(topic, part, next_offset, last_hash, last_ts)" \
	  " VALUES(?1, ?2, ?3, ?4, ?5)") \
	X(EACH_POSITION, "SELECT topic, part, next_offset, last_hash, last_ts FROM position" \
	  " ORDER BY topic, part") \
	X(PUT_LEDGER, "REPLACE INTO ledger(topic, part" LEDGER_OUTCOMES(LEDGER_COLUMN) ")" \
	  " VALUES(?, ?" LEDGER_OUTCOMES(LEDGER_PARAM) ")") \
	X(EACH_LEDGER, "SELECT topic, part" LEDGER_OUTCOMES(LEDGER_COLUMN) " FROM ledger" \
	  " ORDER BY topic, part") \
	X(PUT_AUDIT, "INSERT INTO audit(" AUDIT_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(AUDIT_DOWN, "SELECT " AUDIT_COLUMNS " FROM audit WHERE id < ?1 ORDER BY id DESC") \
	X(SPAN_AUDIT, "SELECT (SELECT min(id) FROM audit), (SELECT max(id) FROM audit)") \
	X(TRIM_AUDIT, "DELETE FROM audit WHERE id <= ?1") \
	X(PUT_QUARANTINE, "INSERT INTO quarantine(" QUARANTINE_COLUMNS ")" \
	  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(SPAN_QUARANTINE, "SELECT (SELECT min(id) FROM quarantine)," \
	  " (SELECT max(id) FROM quarantine)") \
	X(TRIM_QUARANTINE, "DELETE FROM quarantine WHERE id <= ?1") \
	X(QUARANTINE_UP, "SELECT " QUARANTINE_COLUMNS " FROM quarantine WHERE id > ?1" \
	  " ORDER BY id LIMIT ?2") \
	X(QUARANTINE_DOWN, "SELECT " QUARANTINE_COLUMNS " FROM quarantine WHERE id < ?1" \
	  " ORDER BY id DESC LIMIT ?2") \
	X(PUT_TRANSITION, "INSERT INTO transition(seq, prev_key, prev_uuid, kind, notify, at," \
	  " alarm_len, alarm_id, entity, uuid, json)" \
	  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)") \
	X(SPAN_TRANSITION, "SELECT (SELECT min(seq) FROM transition)," \
	  " (SELECT max(seq) FROM transition)") \
	X(TRIM_TRANSITION, "DELETE FROM transition WHERE seq <= ?1") \
	X(AGE_TRANSITION, "SELECT seq, at FROM transition ORDER BY seq LIMIT ?1") \
	X(GET_TRANSITION, "SELECT " TRANSITION_COLUMNS " FROM transition WHERE seq = ?1") \
	X(TRANSITION_UP, "SELECT " TRANSITION_COLUMNS " FROM transition WHERE" TRANSITION_FILTER \
	  " ORDER BY seq LIMIT ?9") \
	X(TRANSITION_DOWN, "SELECT " TRANSITION_COLUMNS " FROM transition WHERE" \
	  TRANSITION_FILTER " ORDER BY seq DESC LIMIT ?9") \
	X(CHAIN_STEP, "SELECT prev_key, prev_uuid," TRANSITION_FILTER " FROM transition" \
	  " WHERE seq = ?9") \
	X(CHAIN_TAIL, "SELECT seq, alarm_id, entity, uuid, prev_key, prev_uuid FROM transition" \
	  " WHERE seq > ?1 ORDER BY seq") \
	X(PUT_BACKLOG, "INSERT INTO backlog(alarm_id, entity, uuid, announced, begin, seq, kind," \
	  " notify, at, alarm_len, json) VALUES(?1, ?2, ?3, ?4, coalesce((SELECT max(begin)" \
	  " FROM backlog WHERE alarm_id = ?1 AND entity = ?2 AND uuid = ?3), ?5)," \
	  " ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET seq = excluded.seq," \
	  " kind = excluded.kind, notify = excluded.notify, at = excluded.at," \
	  " alarm_len = excluded.alarm_len, json = excluded.json") \
	X(DROP_OCCURRENCE, "DELETE FROM backlog WHERE alarm_id = ?1 AND entity = ?2 AND uuid = ?3" \
	  " AND begin > ?4") \
	X(DROP_OTHERS, "DELETE FROM backlog WHERE alarm_id = ?1 AND entity = ?2 AND uuid <> ?3" \
	  " AND begin > ?4") \
	X(TRIM_BACKLOG, "DELETE FROM backlog WHERE seq <= ?1") \
	X(EACH_BACKLOG, "SELECT " TRANSITION_COLUMNS " FROM backlog WHERE seq > ?1" \
	  " ORDER BY seq LIMIT ?2") \
	X(FIRST_BACKLOG, "SELECT min(seq) FROM backlog") \
	X(COUNT_BACKLOG, "SELECT count(*) FROM backlog") \
	X(PAGE_COUNT, "PRAGMA page_count")

enum store_stmt {
#define FM_X(id, sql) SQL_##id,
	STORE_STATEMENTS(FM_X)
#undef FM_X
	SQL_N
};

/* ---- the cycle ------------------------------------------------------------------- */

enum cycle_state {
	CYCLE_NONE,
	CYCLE_OPEN,
	CYCLE_FAILED,           /* rolled back by a failed put; waits for commit or rollback */
};

/* The transitions of the open or the last committed cycle, kept for store_committed. */
struct cycle {
	enum cycle_state state;
	struct fm_err failure;          /* of the put that failed */
	struct fm_arena arena;          /* the texts of v */
	struct fm_buf json;             /* where each is written */
	struct stored_transition *v;
	struct chain_undo *undo;        /* v[i]'s effect on the chains */
	unsigned n, cap;
	uint64_t rows;                  /* put in this cycle */
};

/* ---- chains (chain.c) ------------------------------------------------------------ */

#define CHAIN_SLOTS 65536u

/* For every hash slot the newest seq in it; each transition names the one before it. */
struct chains {
	uint64_t seed;
	uint64_t saved_seq;             /* the copy in the database covers up to this */
	uint64_t *key, *uuid;           /* CHAIN_SLOTS each */
};

struct chain_undo {
	uint32_t key_slot, uuid_slot;
	uint64_t prev_key, prev_uuid;
};

/* Keys of a table that grows at one end and is trimmed at the other, so they have no holes. */
struct ids {
	uint64_t first;                 /* oldest kept; 0: the table is empty */
	uint64_t last;                  /* newest, the open cycle's included */
	uint64_t committed;             /* newest that is durable */
};

/* The copy that is being made. */
struct copy {
	char *part, *name;              /* part NULL: none is */
	int fd;
	sqlite3 *db;
	sqlite3_backup *job;
	struct fm_time at;
};

/* Which file lies at a path; ino 0: none. */
struct place {
	uint64_t dev, ino;
};

struct store {
	/* immutable once open */
	char *dir, *path;
	int lock_fd;
	sqlite3 *db;
	char stream[FM_UUID_STR];
	uint64_t max_transitions, max_backlog;
	struct fm_span max_age;
	struct fm_time opened_at;
	char *recovered;                /* see store_recovered */
	const char *const *traces;      /* as in store_options */
	struct place file, wal;         /* not read_only */
	sqlite3_stmt *sql[SQL_N];
	sqlite3_stmt *put_row[ROW_N_KINDS], *del_row[ROW_N_KINDS], *each_row[ROW_N_KINDS];

	/* changed by cycles */
	bool read_only;
	int broken;                     /* -EIO, -ESTALE or -EUCLEAN once seen: nothing works after it */
	struct cycle cycle;
	struct ids log, audit, quarantine;
	struct copy copy;
	uint64_t backlog_first;         /* lowest seq in the backlog; 0: it is empty */
	struct chains chains;
	uint64_t wal_frames;
	uint64_t commits, transitions, rows;
};

static inline uint64_t
ids_count(const struct ids *ids)
{
	return ids->first == 0 ? 0 : ids->last - ids->first + 1;
}

/* ---- sql.c ----------------------------------------------------------------------- */

/*
 * Turn the connection's last failure into an error code; what says which act failed. -EIO and
 * -EUCLEAN stick: see store.broken.
 */
int store_sql_fail(struct store *st, const char *what, struct fm_err *err);
/* What SQLite cannot see: a transition that is not as the store writes them. */
int store_damaged(struct store *st, uint64_t seq, const char *what, struct fm_err *err);
int store_prepare(struct store *st, const char *sql, sqlite3_stmt **ret, struct fm_err *err)
	FM_MUST_USE;
int store_prepare_all(struct store *st, struct fm_err *err) FM_MUST_USE;
void store_finalize_all(struct store *st);
/* Run a bound statement that gives no rows, and make it ready for the next use. */
int store_run(struct store *st, sqlite3_stmt *stmt, struct fm_err *err) FM_MUST_USE;
int store_exec(struct store *st, const char *sql, struct fm_err *err) FM_MUST_USE;
/* Reads the smallest and the largest key of a table. */
int store_read_ids(struct store *st, enum store_stmt which, struct ids *ret, struct fm_err *err)
	FM_MUST_USE;

/* ---- schema.c -------------------------------------------------------------------- */

/* One step forward: what turns version - 1 into version. A list ends with version 0. */
struct schema_step {
	int version;
	const char *sql;
};
/* Make an empty file's tables, or apply the steps it lacks. -EPROTO: it is newer than target. */
int store_migrate(struct store *st, const struct schema_step *steps, int target,
		  struct fm_err *err) FM_MUST_USE;
int store_schema_version(struct store *st, int64_t *ret, struct fm_err *err) FM_MUST_USE;
/* The steps this fmd knows; the last one leads to STORE_SCHEMA. */
const struct schema_step *store_schema_steps(void);
/* SQLite's own check, of everything or (in a large file) of the state without the log. */
int store_check(struct store *st, struct fm_err *err) FM_MUST_USE;

/* ---- rows.c ---------------------------------------------------------------------- */

void store_row_ddl(enum row_kind kind, struct fm_buf *ret);
const char *store_row_table(enum row_kind kind);
int store_prepare_rows(struct store *st, struct fm_err *err) FM_MUST_USE;
/* Put or delete, inside a transaction. */
int store_write_row(struct store *st, const struct row *row, struct fm_err *err) FM_MUST_USE;

/* ---- cycle.c --------------------------------------------------------------------- */

/* Begin and commit around fn, for upkeep that is a transaction of its own. */
typedef int store_act_f(struct store *st, const void *arg, struct fm_err *err);
int store_transact(struct store *st, store_act_f *fn, const void *arg, struct fm_err *err)
	FM_MUST_USE;
void store_free_cycle(struct store *st);

/* ---- place.c --------------------------------------------------------------------- */

void store_note_place(struct store *st);

/* ---- backup.c, recover.c --------------------------------------------------------- */

/* All at once, for a step of the schema. */
int store_backup_now(struct store *st, const char *name, struct fm_time now, struct fm_err *err)
	FM_MUST_USE;
/* A name in dir that is there only when there was a store: of a copy or of traces. NULL: none. */
const char *store_trace(const struct store *st);
bool store_recovery_unfinished(const struct store *st);
/* The connection is closed, the lock held. */
int store_recover(struct store *st, struct fm_time now, struct fm_err *err) FM_MUST_USE;

/* ---- chain.c --------------------------------------------------------------------- */

int store_load_chains(struct store *st, struct fm_err *err) FM_MUST_USE;
/* Part of an open transaction. */
int store_save_chains(struct store *st, const void *unused, struct fm_err *err) FM_MUST_USE;
bool store_chains_stale(const struct store *st);
void store_free_chains(struct store *st);
struct chain_undo store_chain_add(struct store *st, uint64_t seq, const char *alarm_id,
				  const char *entity, const struct fm_uuid *uuid);
void store_chain_undo(struct store *st, const struct chain_undo *undo);
/* The newest seq that may be this alarm's or this occurrence's; 0: there is none. */
uint64_t store_chain_key(const struct store *st, const char *alarm_id, const char *entity);
uint64_t store_chain_uuid(const struct store *st, const struct fm_uuid *uuid);

/* ---- self.c ---------------------------------------------------------------------- */

/* Facts of the store about itself. A value's type is whatever was put. */
int store_put_self_int(struct store *st, const char *name, int64_t v, struct fm_err *err)
	FM_MUST_USE;
int store_get_self_int(struct store *st, const char *name, int64_t *ret);
int store_put_self_blob(struct store *st, const char *name, const void *p, size_t len,
			struct fm_err *err) FM_MUST_USE;
/* Copies exactly len bytes; -ENOENT when there is no such value of that length. */
int store_get_self_blob(struct store *st, const char *name, void *ret, size_t len);

/* ---- query.c --------------------------------------------------------------------- */

/* Rows of a statement to f until it wants no more. Returns 1 when f stopped it, 0 at the end. */
int store_emit(struct store *st, sqlite3_stmt *stmt, store_transition_f *f, void *ctx,
	       struct fm_err *err) FM_MUST_USE;

/* ---- backlog.c ------------------------------------------------------------------- */

/* Part of an open transaction: what readers have yet to get of from..to, before it is deleted. */
int store_backlog_take(struct store *st, const struct store_readers *rd, uint64_t from, uint64_t to,
		       struct fm_err *err) FM_MUST_USE;

/* ---- upkeep.c -------------------------------------------------------------------- */

/* After open and whenever the backlog has changed. */
void store_note_backlog(struct store *st);
int store_checkpoint_now(struct store *st, struct fm_err *err) FM_MUST_USE;
uint64_t store_wal_bytes(const struct store *st);

#endif
