/*
 * schema: the tables, the way to them from older versions, and SQLite's check of them. Forward
 * only: a file written by a newer fmd is refused, so that nothing it knew is lost.
 *
 * A new file gets the tables as they are now (alarm/rows.h included) in one go; steps are only for
 * files that exist.
 */
#include "store/store_priv.h"

#include <stdio.h>

/*
 * transition is written far more often than it is searched, so it has no index but its seq: the
 * transitions of one alarm or occurrence are linked by prev_key and prev_uuid (chain.c). The body
 * is last, so that reading what comes before it need not touch it.
 */
#define BACKLOG_DDL \
	"CREATE TABLE backlog(alarm_id TEXT, entity TEXT, uuid BLOB, announced INTEGER," \
	" begin INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL," \
	" notify INTEGER NOT NULL, at INTEGER NOT NULL, alarm_len INTEGER NOT NULL," \
	" json TEXT NOT NULL, PRIMARY KEY(alarm_id, entity, uuid, announced));" \
	"CREATE UNIQUE INDEX backlog_seq ON backlog(seq);"

static const char fixed_tables[] =
	"CREATE TABLE self(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
	"CREATE TABLE sink(name TEXT PRIMARY KEY, acked INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE position(topic TEXT, part INTEGER, next_offset INTEGER NOT NULL,"
	" last_hash INTEGER NOT NULL, last_ts INTEGER NOT NULL, PRIMARY KEY(topic, part))"
	" WITHOUT ROWID;"
#define FM_X(id, name) name " INTEGER NOT NULL, "
	"CREATE TABLE ledger(topic TEXT, part INTEGER, " LEDGER_OUTCOMES(FM_X)
	"PRIMARY KEY(topic, part)) WITHOUT ROWID;"
#undef FM_X
	"CREATE TABLE quarantine(id INTEGER PRIMARY KEY, topic TEXT, part INTEGER, record INTEGER,"
	" at INTEGER, reason TEXT, full_len INTEGER, body BLOB);"
	"CREATE TABLE audit(id INTEGER PRIMARY KEY, at INTEGER, user TEXT, verb TEXT, args TEXT,"
	" result TEXT, uid INTEGER NOT NULL DEFAULT 4294967295, role TEXT);"
	"CREATE TABLE transition(seq INTEGER PRIMARY KEY, prev_key INTEGER NOT NULL,"
	" prev_uuid INTEGER NOT NULL, kind INTEGER NOT NULL, notify INTEGER NOT NULL,"
	" at INTEGER NOT NULL, alarm_len INTEGER NOT NULL, alarm_id TEXT NOT NULL,"
	" entity TEXT NOT NULL, uuid BLOB NOT NULL, json TEXT NOT NULL);"
	BACKLOG_DDL;

/* What the state needs to be whole for; the log is left out when the file is large. */
static const char *const state_tables[] = {"self", "meta", "sink", "position", "ledger",
	"backlog"};

/* The largest file that is checked whole: about a second from a cold disk. */
#define CHECK_WHOLE_BYTES (256u << 20)

/* What the numbers of main_fact meant while they were kept: their order in facts.def then. */
#define MAIN_FACTS_1(X) \
	X(0, "stopped") X(1, "failed") X(2, "paused") X(3, "suspended") X(4, "rebooting") \
	X(5, "rebuilding") X(6, "evacuating") X(7, "migrating") X(8, "cold_migrating") \
	X(9, "cold_migrated") X(10, "cold_migrate_reverting") X(11, "resizing") X(12, "resized") \
	X(13, "resize_reverting") X(17, "unscheduled")

static const char to_2[] =
	BACKLOG_DDL
	"ALTER TABLE host ADD COLUMN seq_healed INTEGER;"
	"DELETE FROM kept WHERE name LIKE 'snapshot|%';"        /* have another head now */
#define FM_X(n, name) " WHEN " #n " THEN 'instance." name "'"
	"UPDATE instance SET main_fact = CASE main_fact" MAIN_FACTS_1(FM_X) " END;";
#undef FM_X

/* The user of older rows has no number that is known: that of nobody, (uid_t)-1. */
static const char to_3[] =
	"ALTER TABLE audit ADD COLUMN uid INTEGER NOT NULL DEFAULT 4294967295;"
	"ALTER TABLE audit ADD COLUMN role TEXT;";

static const char to_4[] = "ALTER TABLE alarm ADD COLUMN maintenance TEXT;";

static const char to_5[] =
	"ALTER TABLE host ADD COLUMN link_lost_at INTEGER;"
	"ALTER TABLE host ADD COLUMN nova_seen INTEGER;";

static const char to_6[] =
	"ALTER TABLE instance ADD COLUMN at_paused_at INTEGER;"
	"ALTER TABLE instance ADD COLUMN at_paused_ms INTEGER;";

const struct schema_step *
store_schema_steps(void)
{
	static const struct schema_step steps[] = {{2, to_2}, {3, to_3}, {4, to_4},
		{5, to_5}, {6, to_6}, {0, NULL}};

	return steps;
}

static int
create_tables(struct store *st, struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf sql = {0};

	fm_buf_adds(&sql, fixed_tables);
	for (int kind = 0; kind < ROW_N_KINDS; kind++)
		store_row_ddl((enum row_kind)kind, &sql);
	return store_exec(st, sql.s, err);
}

/* One number from one pragma. */
static int
read_number(struct store *st, const char *sql, int64_t *ret, struct fm_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = store_prepare(st, sql, &stmt, err);

	if (r < 0)
		return r;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	else
		r = store_sql_fail(st, sql, err);
	sqlite3_finalize(stmt);
	return r;
}

/* One transaction: the tables (sql NULL: all of them, new) and the version they have then. */
static int
take_step(struct store *st, const char *sql, int version, struct fm_err *err)
{
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", version);
	int r = store_exec(st, "BEGIN IMMEDIATE", err);
	if (r == 0)
		r = sql != NULL ? store_exec(st, sql, err) : create_tables(st, err);
	if (r == 0)
		r = store_exec(st, pragma, err);
	if (r == 0)
		r = store_exec(st, "COMMIT", err);
	if (r < 0 && !sqlite3_get_autocommit(st->db))
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int
store_schema_version(struct store *st, int64_t *ret, struct fm_err *err)
{
	return read_number(st, "PRAGMA user_version", ret, err);
}

int
store_migrate(struct store *st, const struct schema_step *steps, int target, struct fm_err *err)
{
	int64_t version = 0;
	int r = read_number(st, "PRAGMA user_version", &version, err);

	if (r < 0)
		return r;
	if (version > target)
		return fm_fail(err, -EPROTO,
			       "%s: written by a newer fmd: its schema is version %lld, this fmd "
			       "knows up to %d", st->path, (long long)version, target);
	if (version == 0)
		return take_step(st, NULL, target, err);
	if (version < target) {
		char name[32];

		snprintf(name, sizeof(name), "fmd.db.v%d", (int)version);
		r = store_backup_now(st, name, st->opened_at, err);
		if (r < 0)
			return r;
	}
	for (const struct schema_step *s = steps; s->version != 0; s++) {
		if (s->version <= version)
			continue;
		r = take_step(st, s->sql, s->version, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- check ----------------------------------------------------------------------- */

/* table NULL: the whole file. */
static int
quick_check(struct store *st, const char *table, struct fm_err *err)
{
	char sql[64];
	sqlite3_stmt *stmt = NULL;

	snprintf(sql, sizeof(sql), "PRAGMA quick_check(%s)", table != NULL ? table : "1");
	int r = store_prepare(st, sql, &stmt, err);
	if (r < 0)
		return r;
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		r = store_sql_fail(st, "quick_check", err);
	} else {
		const char *verdict = (const char *)sqlite3_column_text(stmt, 0);
		if (verdict == NULL || strcmp(verdict, "ok") != 0) {
			st->broken = -EUCLEAN;
			r = fm_fail(err, -EUCLEAN, "%s: damaged: %s", st->path,
				    verdict != NULL ? verdict : "no verdict");
		}
	}
	sqlite3_finalize(stmt);
	return r;
}

static int
check_state(struct store *st, struct fm_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < FM_ARRAY_LEN(state_tables); i++)
		r = quick_check(st, state_tables[i], err);
	for (int kind = 0; r == 0 && kind < ROW_N_KINDS; kind++)
		r = quick_check(st, store_row_table((enum row_kind)kind), err);
	return r;
}

int
store_check(struct store *st, struct fm_err *err)
{
	int64_t pages = 0, page_size = 0;
	int r = read_number(st, "PRAGMA page_count", &pages, err);

	if (r == 0)
		r = read_number(st, "PRAGMA page_size", &page_size, err);
	if (r < 0)
		return r;
	return pages * page_size <= CHECK_WHOLE_BYTES ? quick_check(st, NULL, err)
						      : check_state(st, err);
}
