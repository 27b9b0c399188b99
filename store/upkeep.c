/*
 * upkeep: what is done between cycles so that they stay short: moving the WAL into the database,
 * saving the chains, trimming what is older than the retention.
 */
#include "store/store_priv.h"

#include "base/bug.h"

/* ---- WAL ------------------------------------------------------------------------- */

/* As SQLite's file format has it: a header, and one before each page. */
#define WAL_HEADER 32
#define WAL_FRAME (4096 + 24)

uint64_t
store_wal_bytes(const struct store *st)
{
	return st->wal_frames == 0 ? 0 : WAL_HEADER + st->wal_frames * WAL_FRAME;
}

/* PASSIVE is enough: nobody else reads, so all frames move and the next commit starts over. */
int
store_checkpoint_now(struct store *st, struct fm_err *err)
{
	int r = 0, in_wal = 0, moved = 0;

	if (store_chains_stale(st)) {
		r = store_transact(st, store_save_chains, NULL, err);
		if (r < 0)
			return r;
		st->chains.saved_seq = st->log.committed;
	}
	if (sqlite3_wal_checkpoint_v2(st->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &moved) !=
	    SQLITE_OK)
		return store_sql_fail(st, "checkpoint", err);
	if (moved == in_wal)
		st->wal_frames = 0;
	return 0;
}

int
store_checkpoint(struct store *st, struct fm_err *err)
{
	fm_assert(st->cycle.state == CYCLE_NONE);
	if (st->broken != 0)
		return fm_fail(err, st->broken, "%s: failed before; exit and recover", st->path);
	return store_wal_bytes(st) < STORE_WAL_IDLE ? 0 : store_checkpoint_now(st, err);
}

/* ---- retention ------------------------------------------------------------------- */

/* The newest of each log to delete; 0: nothing. */
struct cuts {
	uint64_t log, audit, quarantine, backlog;
	const struct store_readers *rd;
};

/* Leaves keep of the newest; never the newest itself, for ids are counted on from it. */
static uint64_t
cut_by_count(const struct ids *ids, uint64_t keep)
{
	return keep != 0 && ids_count(ids) > keep ? ids->last - keep : 0;
}

/* Reads on from the oldest while they are too old, at most limit. */
static int
cut_by_age(struct store *st, struct fm_time oldest_kept, unsigned limit, uint64_t *ret,
	   struct fm_err *err)
{
	sqlite3_stmt *stmt = st->sql[SQL_AGE_TRANSITION];
	uint64_t cut = 0;
	int step;

	sqlite3_bind_int64(stmt, 1, limit);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (sqlite3_column_int64(stmt, 1) >= oldest_kept.ns)
			break;
		cut = (uint64_t)sqlite3_column_int64(stmt, 0);
	}
	int r = step == SQLITE_DONE || step == SQLITE_ROW ? 0
							  : store_sql_fail(st, "transition", err);
	sqlite3_reset(stmt);
	if (r == 0)
		*ret = cut;
	return r;
}

static uint64_t
at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Hold a cut to a bounded number of rows, and to nothing when it is below the oldest. */
static uint64_t
bound_cut(uint64_t cut, const struct ids *ids, unsigned limit)
{
	if (ids->first == 0 || cut < ids->first)
		return 0;
	return at_most(at_most(cut, ids->last - 1), ids->first + limit - 1);
}

static uint64_t
slowest(const struct store_readers *rd)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < rd->n; i++)
		least = at_most(least, rd->acked[i]);
	return least;
}

/* Retention waits for readers, but only so long. */
static uint64_t
floor_of(const struct store *st, const struct store_readers *rd)
{
	uint64_t waits = FM_BUG(TRIM_UNREAD) ? UINT64_MAX : slowest(rd);
	uint64_t most = cut_by_count(&st->log, st->max_backlog);

	return waits > most ? waits : most;
}

static int
find_cuts(struct store *st, struct fm_time now, const struct store_readers *rd, unsigned limit,
	  struct cuts *ret, struct fm_err *err)
{
	uint64_t by_age = 0;
	uint64_t by_count = cut_by_count(&st->log, st->max_transitions);
	int r = 0;

	if (st->max_age.ns != 0)
		r = cut_by_age(st, fm_time_sub(now, st->max_age), limit, &by_age, err);
	if (r < 0)
		return r;
	uint64_t log = by_age > by_count ? by_age : by_count;
	uint64_t audit = cut_by_count(&st->audit, STORE_AUDIT_KEPT);
	uint64_t quarantine = cut_by_count(&st->quarantine, STORE_QUARANTINE_KEPT);
	uint64_t had = slowest(rd);
	*ret = (struct cuts){
		.rd = rd,
		.backlog = st->backlog_first != 0 && st->backlog_first <= had ? had : 0,
		.log = bound_cut(at_most(log, floor_of(st, rd)), &st->log, limit),
		.audit = bound_cut(audit, &st->audit, limit),
		.quarantine = bound_cut(quarantine, &st->quarantine, limit),
	};
	return 0;
}

static int
delete_up_to(struct store *st, enum store_stmt which, uint64_t cut, struct fm_err *err)
{
	if (cut == 0)
		return 0;
	sqlite3_bind_int64(st->sql[which], 1, (sqlite3_int64)at_most(cut, INT64_MAX));
	return store_run(st, st->sql[which], err);
}

/* Before a cut deletes what a reader has not had. */
static int
save_backlog(struct store *st, const struct cuts *cuts, struct fm_err *err)
{
	uint64_t had = slowest(cuts->rd);

	if (cuts->log <= had || FM_BUG(TRIM_UNREAD))
		return 0;
	return store_backlog_take(st, cuts->rd, had < st->log.first ? st->log.first : had + 1,
				  cuts->log, err);
}

static int
delete_cuts(struct store *st, const void *arg, struct fm_err *err)
{
	const struct cuts *cuts = arg;
	int r = save_backlog(st, cuts, err);

	if (r == 0)
		r = delete_up_to(st, SQL_TRIM_TRANSITION, cuts->log, err);
	if (r == 0)
		r = delete_up_to(st, SQL_TRIM_BACKLOG, cuts->backlog, err);
	if (r == 0)
		r = delete_up_to(st, SQL_TRIM_AUDIT, cuts->audit, err);
	if (r == 0)
		r = delete_up_to(st, SQL_TRIM_QUARANTINE, cuts->quarantine, err);
	return r;
}

/* Returns how many ids the cut took. */
static uint64_t
apply_cut(struct ids *ids, uint64_t cut)
{
	uint64_t n = cut == 0 ? 0 : cut - ids->first + 1;

	ids->first += n;
	return n;
}

static uint64_t
read_figure(const struct store *st, enum store_stmt which)
{
	sqlite3_stmt *stmt = st->sql[which];
	uint64_t n = 0;

	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return n;
}

void
store_note_backlog(struct store *st)
{
	st->backlog_first = read_figure(st, SQL_FIRST_BACKLOG);
}

int
store_trim(struct store *st, struct fm_time now, const struct store_readers *rd, unsigned limit,
	   struct fm_err *err)
{
	struct cuts cuts;

	fm_assert(st->cycle.state == CYCLE_NONE);
	if (st->broken != 0)
		return fm_fail(err, st->broken, "%s: failed before; exit and recover", st->path);
	limit = (unsigned)at_most(limit, INT32_MAX);
	int r = limit == 0 ? 0 : find_cuts(st, now, rd, limit, &cuts, err);
	if (r < 0 || limit == 0 ||
	    (cuts.log | cuts.audit | cuts.quarantine | cuts.backlog) == 0)
		return r;
	r = store_transact(st, delete_cuts, &cuts, err);
	if (r < 0)
		return r;
	store_note_backlog(st);
	apply_cut(&st->audit, cuts.audit);
	apply_cut(&st->quarantine, cuts.quarantine);
	return (int)apply_cut(&st->log, cuts.log);
}

/* ---- figures --------------------------------------------------------------------- */

void
store_get_stats(const struct store *st, struct store_stats *ret)
{
	*ret = (struct store_stats){
		.commits = st->commits,
		.transitions = st->transitions,
		.rows = st->rows,
		.file_bytes = read_figure(st, SQL_PAGE_COUNT) * 4096,
		.wal_bytes = store_wal_bytes(st),
		.backlog = st->backlog_first == 0 ? 0 : read_figure(st, SQL_COUNT_BACKLOG),
	};
}
