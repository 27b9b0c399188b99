/*
 * rows: the correlator's rows, from the lists in alarm/rows.h alone: their tables, their
 * statements, binding and reading. Knows no kind of row by itself.
 *
 * The tables have an integer rowid and an index over the key. WITHOUT ROWID would save that
 * index, but keeps whole rows in the inner pages: with rows of 800 bytes and random keys, inserts
 * took twice the CPU.
 */
#include "store/store_priv.h"

struct column {
	const char *name;
	const char *type;
};

#define SQL_TYPE_U64 "INTEGER"
#define SQL_TYPE_I64 "INTEGER"
#define SQL_TYPE_TEXT "TEXT"
#define SQL_TYPE_BLOB "BLOB"

#define FM_COLUMN(kind, name) {#name, SQL_TYPE_##kind},
#define FM_X(id, name) static const struct column columns_##name[] = {FM_ROW_##id(FM_COLUMN)};
FM_ROW_KINDS(FM_X)
#undef FM_X

static const struct table {
	const char *name;
	const struct column *columns;
	int n, keys;
} tables[ROW_N_KINDS] = {
#define FM_X(id, name) {#name, columns_##name, (int)FM_ARRAY_LEN(columns_##name), \
			FM_ROW_KEYS_##id},
	FM_ROW_KINDS(FM_X)
#undef FM_X
};

/* ---- SQL text -------------------------------------------------------------------- */

static void
add_names(const struct table *t, int n, struct fm_buf *ret)
{
	for (int i = 0; i < n; i++)
		fm_buf_addf(ret, "%s%s", i > 0 ? ", " : "", t->columns[i].name);
}

const char *
store_row_table(enum row_kind kind)
{
	return tables[kind].name;
}

void
store_row_ddl(enum row_kind kind, struct fm_buf *ret)
{
	const struct table *t = &tables[kind];

	fm_buf_addf(ret, "CREATE TABLE %s(", t->name);
	for (int i = 0; i < t->n; i++)
		fm_buf_addf(ret, "%s %s%s, ", t->columns[i].name, t->columns[i].type,
			    i < t->keys ? " NOT NULL" : "");
	fm_buf_adds(ret, "PRIMARY KEY(");
	add_names(t, t->keys, ret);
	fm_buf_adds(ret, "));");
}

/* An upsert, not REPLACE: it changes the row in place and leaves the key's index alone. */
static void
put_sql(const struct table *t, struct fm_buf *ret)
{
	fm_buf_addf(ret, "INSERT INTO %s(", t->name);
	add_names(t, t->n, ret);
	fm_buf_adds(ret, ") VALUES(");
	for (int i = 0; i < t->n; i++)
		fm_buf_addf(ret, "%s?%d", i > 0 ? ", " : "", i + 1);
	fm_buf_adds(ret, ") ON CONFLICT(");
	add_names(t, t->keys, ret);
	fm_buf_adds(ret, ") DO UPDATE SET ");
	for (int i = t->keys; i < t->n; i++)
		fm_buf_addf(ret, "%s%s = ?%d", i > t->keys ? ", " : "", t->columns[i].name, i + 1);
}

static void
delete_sql(const struct table *t, struct fm_buf *ret)
{
	fm_buf_addf(ret, "DELETE FROM %s WHERE ", t->name);
	for (int i = 0; i < t->keys; i++)
		fm_buf_addf(ret, "%s%s = ?%d", i > 0 ? " AND " : "", t->columns[i].name, i + 1);
}

/* As they lie: in the order of their keys each would be looked up through the index. */
static void
each_sql(const struct table *t, struct fm_buf *ret)
{
	fm_buf_adds(ret, "SELECT ");
	add_names(t, t->n, ret);
	fm_buf_addf(ret, " FROM %s", t->name);
}

typedef void sql_f(const struct table *t, struct fm_buf *ret);

static int
prepare_row(struct store *st, const struct table *t, sql_f *text, sqlite3_stmt **ret,
	    struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf sql = {0};

	text(t, &sql);
	return store_prepare(st, sql.s, ret, err);
}

int
store_prepare_rows(struct store *st, struct fm_err *err)
{
	for (int i = 0; i < ROW_N_KINDS; i++) {
		const struct table *t = &tables[i];
		int r = prepare_row(st, t, put_sql, &st->put_row[i], err);
		if (r == 0)
			r = prepare_row(st, t, delete_sql, &st->del_row[i], err);
		if (r == 0)
			r = prepare_row(st, t, each_sql, &st->each_row[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- binding --------------------------------------------------------------------- */

#define BIND_U64(stmt, i, v) sqlite3_bind_int64(stmt, i, (sqlite3_int64)(v))
#define BIND_I64(stmt, i, v) sqlite3_bind_int64(stmt, i, v)
#define BIND_TEXT(stmt, i, v) sqlite3_bind_text(stmt, i, v, -1, SQLITE_STATIC)
#define BIND_BLOB(stmt, i, v) sqlite3_bind_blob64(stmt, i, (v).p, (v).len, SQLITE_STATIC)

/* The first n columns: all of them for a put, the key for a delete. */
#define FM_BIND(kind, name) \
	if (i < n) \
		BIND_##kind(stmt, ++i, r->name);
#define FM_X(id, name) \
	static void bind_##name(sqlite3_stmt *stmt, const struct row_##name *r, int n) \
	{ \
		int i = 0; \
		FM_ROW_##id(FM_BIND) \
	}
FM_ROW_KINDS(FM_X)
#undef FM_X

static void
bind_row(sqlite3_stmt *stmt, const struct row *row)
{
	const struct table *t = &tables[row->kind];
	int n = row->deleted ? t->keys : t->n;

	switch (row->kind) {
#define FM_X(id, name) \
	case ROW_##id: \
		bind_##name(stmt, &row->u.name, n); \
		break;
	FM_ROW_KINDS(FM_X)
#undef FM_X
	case ROW_N_KINDS:
		break;
	}
}

int
store_write_row(struct store *st, const struct row *row, struct fm_err *err)
{
	fm_assert((unsigned)row->kind < ROW_N_KINDS);
	sqlite3_stmt *stmt = row->deleted ? st->del_row[row->kind] : st->put_row[row->kind];

	bind_row(stmt, row);
	return store_run(st, stmt, err);
}

/* ---- reading --------------------------------------------------------------------- */

#define READ_U64(stmt, i) (uint64_t)sqlite3_column_int64(stmt, i)
#define READ_I64(stmt, i) sqlite3_column_int64(stmt, i)
#define READ_TEXT(stmt, i) (const char *)sqlite3_column_text(stmt, i)
#define READ_BLOB(stmt, i) read_blob(stmt, i)

static struct fm_blob
read_blob(sqlite3_stmt *stmt, int i)
{
	const void *p = sqlite3_column_blob(stmt, i);

	return (struct fm_blob){p, (uint32_t)sqlite3_column_bytes(stmt, i)};
}

#define FM_READ(kind, name) r->name = READ_##kind(stmt, i++);
#define FM_X(id, name) \
	static void read_##name(sqlite3_stmt *stmt, struct row_##name *r) \
	{ \
		int i = 0; \
		FM_ROW_##id(FM_READ) \
	}
FM_ROW_KINDS(FM_X)
#undef FM_X

static void
read_row(sqlite3_stmt *stmt, enum row_kind kind, struct row *ret)
{
	*ret = (struct row){.kind = kind};
	switch (kind) {
#define FM_X(id, name) \
	case ROW_##id: \
		read_##name(stmt, &ret->u.name); \
		break;
	FM_ROW_KINDS(FM_X)
#undef FM_X
	case ROW_N_KINDS:
		break;
	}
}

static int
each_of_kind(struct store *st, enum row_kind kind, row_sink_f *sink, void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->each_row[kind];
	int step;

	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct row row;
		read_row(stmt, kind, &row);
		sink(ctx, &row);
	}
	int r = step == SQLITE_DONE ? 0 : store_sql_fail(st, tables[kind].name, err);
	sqlite3_reset(stmt);
	return r;
}

int
store_each_row(struct store *st, row_sink_f *sink, void *ctx, struct fm_err *err)
{
	for (int kind = 0; kind < ROW_N_KINDS; kind++) {
		int r = each_of_kind(st, (enum row_kind)kind, sink, ctx, err);
		if (r < 0)
			return r;
	}
	return 0;
}
