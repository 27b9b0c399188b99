/*
 * sql: statements and what their failures mean. Knows SQLite's result codes and the errno behind
 * them; does not know what any statement is for.
 */
#include "store/store_priv.h"

static const char *const statements[SQL_N] = {
#define FM_X(id, sql) sql,
	STORE_STATEMENTS(FM_X)
#undef FM_X
};

/* A disk quota looks like any write error to SQLite; for us it is a full disk. */
static int
code_of_io_error(sqlite3 *db)
{
	int no = sqlite3_system_errno(db);
	return no == ENOSPC || no == EDQUOT ? -ENOSPC : -EIO;
}

static int
code_of(sqlite3 *db)
{
	switch (sqlite3_errcode(db)) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_ERROR:
		return -EPROTO;
	default:
		return code_of_io_error(db);
	}
}

int
store_sql_fail(struct store *st, const char *what, struct fm_err *err)
{
	int code = code_of(st->db);

	if (code == -EIO || code == -EUCLEAN)
		st->broken = code;
	return fm_fail(err, code, "%s: %s: %s", st->path, what, sqlite3_errmsg(st->db));
}

int
store_damaged(struct store *st, uint64_t seq, const char *what, struct fm_err *err)
{
	st->broken = -EUCLEAN;
	return fm_fail(err, -EUCLEAN, "%s: damaged: transition %llu %s", st->path,
		       (unsigned long long)seq, what);
}

int
store_prepare(struct store *st, const char *sql, sqlite3_stmt **ret, struct fm_err *err)
{
	if (sqlite3_prepare_v3(st->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return store_sql_fail(st, "prepare", err);
	return 0;
}

int
store_prepare_all(struct store *st, struct fm_err *err)
{
	for (int i = 0; i < SQL_N; i++) {
		int r = store_prepare(st, statements[i], &st->sql[i], err);
		if (r < 0)
			return r;
	}
	return store_prepare_rows(st, err);
}

void
store_finalize_all(struct store *st)
{
	for (int i = 0; i < SQL_N; i++)
		sqlite3_finalize(st->sql[i]);
	for (int i = 0; i < ROW_N_KINDS; i++) {
		sqlite3_finalize(st->put_row[i]);
		sqlite3_finalize(st->del_row[i]);
		sqlite3_finalize(st->each_row[i]);
	}
}

int
store_run(struct store *st, sqlite3_stmt *stmt, struct fm_err *err)
{
	int r = 0;

	if (sqlite3_step(stmt) != SQLITE_DONE)
		r = store_sql_fail(st, "write", err);
	sqlite3_reset(stmt);
	return r;
}

int
store_exec(struct store *st, const char *sql, struct fm_err *err)
{
	if (sqlite3_exec(st->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_sql_fail(st, sql, err);
	return 0;
}

int
store_read_ids(struct store *st, enum store_stmt which, struct ids *ret, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[which];
	int r = 0;

	if (sqlite3_step(stmt) == SQLITE_ROW) {
		ret->first = (uint64_t)sqlite3_column_int64(stmt, 0);
		ret->last = ret->committed = (uint64_t)sqlite3_column_int64(stmt, 1);
	} else {
		r = store_sql_fail(st, "read", err);
	}
	sqlite3_reset(stmt);
	return r;
}

const char *
store_library_version(void)
{
	return sqlite3_libversion();
}
