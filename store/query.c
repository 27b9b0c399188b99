/*
 * query: reading what is kept, for the start, the sinks and the operators. Never shows what an
 * open cycle has put but not committed of the log.
 */
#include "store/store_priv.h"

#include "base/bug.h"

#include <stdlib.h>

/* ---- positions, ledger, quarantine ----------------------------------------------- */

int
store_each_position(struct store *st, store_position_f *f, void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_EACH_POSITION];
	int step;

	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_position pos = {
			.topic = (const char *)sqlite3_column_text(stmt, 0),
			.partition = sqlite3_column_int(stmt, 1),
			.next_offset = sqlite3_column_int64(stmt, 2),
			.last_hash = (uint64_t)sqlite3_column_int64(stmt, 3),
			.last_ts = {sqlite3_column_int64(stmt, 4)},
		};
		f(ctx, &pos);
	}
	int r = step == SQLITE_DONE ? 0 : store_sql_fail(st, "position", err);
	sqlite3_reset(stmt);
	return r;
}

int
store_each_ledger(struct store *st, store_ledger_f *f, void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_EACH_LEDGER];
	int step;

	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_ledger l = {
			.topic = (const char *)sqlite3_column_text(stmt, 0),
			.partition = sqlite3_column_int(stmt, 1),
		};
		for (int i = 0; i < LEDGER_N; i++)
			l.n[i] = (uint64_t)sqlite3_column_int64(stmt, 2 + i);
		f(ctx, &l);
	}
	int r = step == SQLITE_DONE ? 0 : store_sql_fail(st, "ledger", err);
	sqlite3_reset(stmt);
	return r;
}

const char *
ledger_outcome_name(enum ledger_outcome o)
{
	static const char *const names[LEDGER_N] = {
#define FM_X(id, name) name,
		LEDGER_OUTCOMES(FM_X)
#undef FM_X
	};

	fm_assert((unsigned)o < LEDGER_N);
	return names[o];
}

static struct store_quarantine
read_quarantine(sqlite3_stmt *stmt)
{
	return (struct store_quarantine){
		.id = (uint64_t)sqlite3_column_int64(stmt, 0),
		.topic = (const char *)sqlite3_column_text(stmt, 1),
		.partition = sqlite3_column_int(stmt, 2),
		.offset = sqlite3_column_int64(stmt, 3),
		.at = {sqlite3_column_int64(stmt, 4)},
		.reason = (const char *)sqlite3_column_text(stmt, 5),
		.body = sqlite3_column_blob(stmt, 6),
		.len = (uint32_t)sqlite3_column_bytes(stmt, 6),
		.full_len = (uint64_t)sqlite3_column_int64(stmt, 7),
	};
}

int
store_quarantined(struct store *st, uint64_t after, bool reverse, unsigned limit,
		  store_quarantine_f *f, void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[reverse ? SQL_QUARANTINE_DOWN : SQL_QUARANTINE_UP];
	uint64_t from = reverse && after == 0 ? INT64_MAX : after;
	int step;

	sqlite3_bind_int64(stmt, 1, from > INT64_MAX ? INT64_MAX : (sqlite3_int64)from);
	sqlite3_bind_int64(stmt, 2, limit == 0 ? -1 : (sqlite3_int64)limit);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_quarantine q = read_quarantine(stmt);
		if (!f(ctx, &q))
			break;
	}
	int r = step == SQLITE_DONE || step == SQLITE_ROW ? 0
							  : store_sql_fail(st, "quarantine", err);
	sqlite3_reset(stmt);
	return r;
}

uint64_t
store_quarantine_count(const struct store *st)
{
	return ids_count(&st->quarantine);
}

uint64_t
store_quarantine_last(const struct store *st)
{
	return st->quarantine.last;
}

int
store_audited(struct store *st, uint64_t before, store_audit_f *f, void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_AUDIT_DOWN];
	int step;

	sqlite3_bind_int64(stmt, 1, before == 0 || before > INT64_MAX ? INT64_MAX
								      : (sqlite3_int64)before);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct store_audit a = {
			.id = (uint64_t)sqlite3_column_int64(stmt, 0),
			.at = {sqlite3_column_int64(stmt, 1)},
			.user = (const char *)sqlite3_column_text(stmt, 2),
			.verb = (const char *)sqlite3_column_text(stmt, 3),
			.args = (const char *)sqlite3_column_text(stmt, 4),
			.result = (const char *)sqlite3_column_text(stmt, 5),
			.uid = (uint64_t)sqlite3_column_int64(stmt, 6),
			.role = (const char *)sqlite3_column_text(stmt, 7),
		};
		if (!f(ctx, &a))
			break;
	}
	int r = step == SQLITE_DONE || step == SQLITE_ROW ? 0 : store_sql_fail(st, "audit", err);
	sqlite3_reset(stmt);
	return r;
}

/* ---- transitions ----------------------------------------------------------------- */

const char *
store_stream(const struct store *st)
{
	return st->stream;
}

uint64_t
store_last_seq(const struct store *st)
{
	return FM_BUG(OFFER_FIRST) ? st->log.last : st->log.committed;
}

uint64_t
store_oldest_seq(const struct store *st)
{
	return st->log.first <= st->log.committed ? st->log.first : 0;
}

/* The sequence numbers a query can meet at all; lo > hi: none. */
struct seq_range {
	uint64_t lo, hi;
};

static struct seq_range
range_of(const struct store *st, const struct store_query *q)
{
	struct seq_range range = {st->log.first, st->log.committed};

	if (q->reverse && q->after_seq != 0 && q->after_seq <= range.hi)
		range.hi = q->after_seq - 1;
	if (!q->reverse && q->after_seq >= range.hi)
		range.lo = range.hi + 1;
	else if (!q->reverse && q->after_seq >= range.lo)
		range.lo = q->after_seq + 1;
	return range;
}

static void
bind_time(sqlite3_stmt *stmt, int i, struct fm_time t)
{
	if (t.ns == 0)
		sqlite3_bind_null(stmt, i);
	else
		sqlite3_bind_int64(stmt, i, t.ns);
}

/* The parameters of TRANSITION_FILTER. */
static void
bind_filter(sqlite3_stmt *stmt, const struct store_query *q, struct seq_range range)
{
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)range.lo);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)range.hi);
	sqlite3_bind_text(stmt, 3, q->alarm_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, q->entity, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 5, q->uuid, sizeof(q->uuid->b), SQLITE_STATIC);
	if (q->kind < 0)
		sqlite3_bind_null(stmt, 6);
	else
		sqlite3_bind_int(stmt, 6, q->kind);
	bind_time(stmt, 7, q->since);
	bind_time(stmt, 8, q->until);
}

static struct stored_transition
read_transition(sqlite3_stmt *stmt)
{
	struct stored_transition t = {
		.seq = (uint64_t)sqlite3_column_int64(stmt, 0),
		.kind = (enum transition_kind)sqlite3_column_int(stmt, 1),
		.notify = sqlite3_column_int(stmt, 2) != 0,
		.at = {sqlite3_column_int64(stmt, 3)},
		.alarm_id = (const char *)sqlite3_column_text(stmt, 4),
		.entity = (const char *)sqlite3_column_text(stmt, 5),
		.json = (const char *)sqlite3_column_text(stmt, 7),
		.len = (size_t)sqlite3_column_bytes(stmt, 7),
		.alarm_len = (size_t)sqlite3_column_int64(stmt, 8),
	};

	if (sqlite3_column_bytes(stmt, 6) == sizeof(t.uuid.b))
		memcpy(t.uuid.b, sqlite3_column_blob(stmt, 6), sizeof(t.uuid.b));
	return t;
}

int
store_emit(struct store *st, sqlite3_stmt *stmt, store_transition_f *f, void *ctx,
	   struct fm_err *err)
{
	int step, r = 0;

	while (r == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct stored_transition t = read_transition(stmt);
		r = f(ctx, &t) ? 0 : 1;
	}
	if (r == 0 && step != SQLITE_DONE)
		r = store_sql_fail(st, "transition", err);
	sqlite3_reset(stmt);
	return r;
}

static int
scan(struct store *st, const struct store_query *q, struct seq_range range, store_transition_f *f,
     void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[q->reverse ? SQL_TRANSITION_DOWN : SQL_TRANSITION_UP];

	bind_filter(stmt, q, range);
	sqlite3_bind_int64(stmt, 9, q->limit == 0 ? -1 : (sqlite3_int64)q->limit);
	int r = store_emit(st, stmt, f, ctx, err);
	return r < 0 ? r : 0;
}

/* ---- along a chain --------------------------------------------------------------- */

struct seq_list {
	uint64_t *v;
	size_t n, cap;
};

static void
list_add(struct seq_list *list, uint64_t seq)
{
	if (list->n == list->cap) {
		list->cap = list->cap == 0 ? 64 : list->cap * 2;
		list->v = fm_realloc(list->v, list->cap * sizeof(list->v[0]));
	}
	list->v[list->n++] = seq;
}

/* One link: whether seq passes the filter, and the seq before it. */
static int
chain_step(struct store *st, uint64_t seq, int link, bool *ret_match, uint64_t *ret_prev,
	   struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_CHAIN_STEP];
	int r = 0;

	sqlite3_bind_int64(stmt, 9, (sqlite3_int64)seq);
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW) {
		*ret_prev = (uint64_t)sqlite3_column_int64(stmt, link);
		*ret_match = sqlite3_column_int(stmt, 2) != 0;
	} else if (step == SQLITE_DONE) {
		r = store_damaged(st, seq, "is missing", err);
	} else {
		r = store_sql_fail(st, "transition", err);
	}
	sqlite3_reset(stmt);
	if (r == 0 && *ret_prev >= seq)
		r = store_damaged(st, seq, "follows a later one", err);
	return r;
}

/* The matches of a chain, newest first. */
static int
collect(struct store *st, const struct store_query *q, struct seq_range range, uint64_t seq,
	struct seq_list *ret, struct fm_err *err)
{
	int link = q->uuid != NULL ? 1 : 0;
	int r = 0;

	bind_filter(st->sql[SQL_CHAIN_STEP], q, range);
	while (r == 0 && seq != 0 && seq >= range.lo) {
		bool match = false;
		uint64_t prev = 0;
		r = chain_step(st, seq, link, &match, &prev, err);
		if (match)
			list_add(ret, seq);
		if (q->reverse && q->limit != 0 && ret->n == q->limit)
			break;
		seq = prev;
	}
	return r;
}

static int
emit_list(struct store *st, const struct store_query *q, const struct seq_list *list,
	  store_transition_f *f, void *ctx, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_GET_TRANSITION];
	size_t n = q->limit != 0 && q->limit < list->n ? q->limit : list->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		uint64_t seq = list->v[q->reverse ? i : list->n - 1 - i];
		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
		r = store_emit(st, stmt, f, ctx, err);
	}
	return r < 0 ? r : 0;
}

static int
walk(struct store *st, const struct store_query *q, struct seq_range range, uint64_t head,
     store_transition_f *f, void *ctx, struct fm_err *err)
{
	struct seq_list list = {0};
	int r = collect(st, q, range, head, &list, err);

	if (r == 0)
		r = emit_list(st, q, &list, f, ctx, err);
	free(list.v);
	return r;
}

int
store_transitions(struct store *st, const struct store_query *q, store_transition_f *f, void *ctx,
		  struct fm_err *err)
{
	struct seq_range range = range_of(st, q);

	if (range.lo == 0 || range.lo > range.hi)
		return 0;
	if (q->uuid != NULL && !fm_uuid_is_null(q->uuid))
		return walk(st, q, range, store_chain_uuid(st, q->uuid), f, ctx, err);
	if (q->uuid == NULL && q->alarm_id != NULL && q->entity != NULL)
		return walk(st, q, range, store_chain_key(st, q->alarm_id, q->entity), f, ctx, err);
	return scan(st, q, range, f, ctx, err);
}
