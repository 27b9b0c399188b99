/*
 * backlog: what a sink that stayed away too long has yet to get, by alarm instead of by transition.
 * The log is a run without holes that is cut at its old end; what a cut takes from a reader goes
 * through here, one transition after the other, and only the newest of each occurrence stays:
 *
 *   - two rows an occurrence at most: the newest announcement (what makes a trap: raise, change,
 *     clear, unsuppress, unshelve) and the newest of the others, so that an acknowledgement does
 *     not hide that the alarm was raised
 *   - none of an occurrence that began and was purged behind every reader's cursor
 *   - no logs: they are no state
 *
 * So it is bounded by the alarms there were when the reader went and the alarms there are now, not
 * by how long it stays away. Rows keep their sequence number and their bytes.
 */
#include "store/store_priv.h"

static bool
is_announcement(const struct stored_transition *tr)
{
	return tr->notify && (tr->kind == TR_RAISE || tr->kind == TR_CHANGE ||
			      tr->kind == TR_CLEAR || tr->kind == TR_UNSUPPRESS ||
			      tr->kind == TR_UNSHELVE);
}

static void
bind_occurrence(sqlite3_stmt *stmt, const struct stored_transition *tr)
{
	sqlite3_bind_text(stmt, 1, tr->alarm_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, tr->entity, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, tr->uuid.b, sizeof(tr->uuid.b), SQLITE_STATIC);
}

/* An occurrence whose raise did not come by is known to the reader from before: begin 0. */
static int
keep(struct store *st, const struct stored_transition *tr, struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_PUT_BACKLOG];

	bind_occurrence(stmt, tr);
	sqlite3_bind_int(stmt, 4, is_announcement(tr));
	sqlite3_bind_int64(stmt, 5, tr->kind == TR_RAISE ? (sqlite3_int64)tr->seq : 0);
	sqlite3_bind_int64(stmt, 6, (sqlite3_int64)tr->seq);
	sqlite3_bind_int(stmt, 7, (int)tr->kind);
	sqlite3_bind_int(stmt, 8, tr->notify);
	sqlite3_bind_int64(stmt, 9, tr->at.ns);
	sqlite3_bind_int64(stmt, 10, (sqlite3_int64)tr->alarm_len);
	sqlite3_bind_text(stmt, 11, tr->json, (int)tr->len, SQLITE_STATIC);
	return store_run(st, stmt, err);
}

/* Occurrences that began after what every reader behind seq has had. */
static int
drop(struct store *st, enum store_stmt which, const struct stored_transition *tr, uint64_t had,
     struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[which];

	bind_occurrence(stmt, tr);
	sqlite3_bind_int64(stmt, 4, (sqlite3_int64)had);
	return store_run(st, stmt, err);
}

/* The cursor of the foremost of the readers that have not had seq. */
static uint64_t
foremost_behind(const struct store_readers *rd, uint64_t seq)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < rd->n; i++)
		if (rd->acked[i] < seq && rd->acked[i] > most)
			most = rd->acked[i];
	return most;
}

struct keeper {
	struct store *st;
	const struct store_readers *rd;
	struct fm_err *err;
	int result;
};

static bool
take(void *ctx, const struct stored_transition *tr)
{
	struct keeper *k = ctx;
	uint64_t had = foremost_behind(k->rd, tr->seq);
	int r = 0;

	if (tr->kind == TR_LOG || fm_uuid_is_null(&tr->uuid))
		return true;
	/* A new occurrence takes the key over: its forerunner will not be purged any more. */
	if (tr->kind == TR_RAISE)
		r = drop(k->st, SQL_DROP_OTHERS, tr, had, k->err);
	else if (tr->kind == TR_PURGE)
		r = drop(k->st, SQL_DROP_OCCURRENCE, tr, had, k->err);
	if (r == 0 && (tr->kind != TR_PURGE || sqlite3_changes(k->st->db) == 0))
		r = keep(k->st, tr, k->err);
	k->result = r;
	return r == 0;
}

int
store_backlog_take(struct store *st, const struct store_readers *rd, uint64_t from, uint64_t to,
		   struct fm_err *err)
{
	struct keeper k = {.st = st, .rd = rd, .err = err};
	const struct store_query q = {.kind = -1, .after_seq = from - 1,
		.limit = (unsigned)(to - from + 1)};
	int r = store_transitions(st, &q, take, &k, err);

	return r < 0 ? r : k.result;
}

int
store_backlog(struct store *st, uint64_t after, unsigned limit, store_transition_f *f, void *ctx,
	      struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_EACH_BACKLOG];

	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)after);
	sqlite3_bind_int64(stmt, 2, limit == 0 ? -1 : (sqlite3_int64)limit);
	int r = store_emit(st, stmt, f, ctx, err);
	return r < 0 ? r : 0;
}
