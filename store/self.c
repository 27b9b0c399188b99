/*
 * self: what the store remembers about itself and about its users, by name: its own facts (table
 * self), the callers' (meta) and the cursors of sinks.
 */
#include "store/store_priv.h"

/* Steps a lookup by name; true when there is a row, which stays until the statement is reset. */
static bool
find(sqlite3_stmt *stmt, const char *name)
{
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	return sqlite3_step(stmt) == SQLITE_ROW;
}

int
store_put_self_int(struct store *st, const char *name, int64_t v, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_PUT_SELF];

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, v);
	return store_run(st, stmt, err);
}

int
store_get_self_int(struct store *st, const char *name, int64_t *ret)
{
	sqlite3_stmt *stmt = st->sql[SQL_GET_SELF];
	bool found = find(stmt, name);

	if (found)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return found ? 0 : -ENOENT;
}

int
store_put_self_blob(struct store *st, const char *name, const void *p, size_t len,
		    struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_PUT_SELF];

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 2, p, len, SQLITE_STATIC);
	return store_run(st, stmt, err);
}

int
store_get_self_blob(struct store *st, const char *name, void *ret, size_t len)
{
	sqlite3_stmt *stmt = st->sql[SQL_GET_SELF];
	bool found = find(stmt, name) && (size_t)sqlite3_column_bytes(stmt, 0) == len;

	if (found)
		memcpy(ret, sqlite3_column_blob(stmt, 0), len);
	sqlite3_reset(stmt);
	return found ? 0 : -ENOENT;
}

int
store_meta(struct store *st, const char *name, char **ret)
{
	sqlite3_stmt *stmt = st->sql[SQL_GET_META];
	bool found = find(stmt, name);

	if (found) {
		const char *value = (const char *)sqlite3_column_text(stmt, 0);
		*ret = fm_strdup(value != NULL ? value : "");
	}
	sqlite3_reset(stmt);
	return found ? 0 : -ENOENT;
}

int
store_find_cursor(struct store *st, const char *sink, uint64_t *ret)
{
	sqlite3_stmt *stmt = st->sql[SQL_GET_CURSOR];
	bool found = find(stmt, sink);

	if (found)
		*ret = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return found ? 0 : -ENOENT;
}

uint64_t
store_cursor(struct store *st, const char *sink)
{
	uint64_t acked = 0;

	return store_find_cursor(st, sink, &acked) == 0 ? acked : 0;
}
