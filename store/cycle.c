/*
 * cycle: one transaction from store_begin to store_commit. Knows the order of a cycle and how to
 * take it back; what a row looks like is rows.c's.
 *
 *            begin          commit ok / rollback
 *     NONE ---------> OPEN ----------------------> NONE
 *                      | a put fails: rolled back at once, so that no later put of the
 *                      v same cycle can slip into a transaction of its own
 *                    FAILED --- commit (returns that failure) / rollback ---> NONE
 */
#include "store/store_priv.h"

#include "alarm/alarm_json.h"
#include "base/bug.h"

#include <stdlib.h>

/* Of a cycle's texts, for the next; a host that takes all its guests with it needs more, once. */
#define KEPT_BYTES (4u << 20)

/* ---- ids ------------------------------------------------------------------------- */

static uint64_t
next_id(struct ids *ids)
{
	ids->last++;
	if (ids->first == 0)
		ids->first = ids->last;
	return ids->last;
}

static void
undo_ids(struct ids *ids)
{
	if (FM_BUG(SEQ_GAP))
		return;
	ids->last = ids->committed;
	if (ids->first > ids->last)
		ids->first = 0;
}

/* ---- the cycle's transitions ----------------------------------------------------- */

static void
forget_transitions(struct cycle *c)
{
	c->n = 0;
	if (c->arena.total <= KEPT_BYTES)
		fm_arena_reset(&c->arena);
	else
		fm_arena_fini(&c->arena);
}

void
store_free_cycle(struct store *st)
{
	struct cycle *c = &st->cycle;

	forget_transitions(c);
	fm_arena_fini(&c->arena);
	fm_buf_fini(&c->json);
	free(c->v);
	free(c->undo);
	*c = (struct cycle){0};
}

static struct stored_transition *
add_transition(struct cycle *c)
{
	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 64 : c->cap * 2;
		c->v = fm_realloc(c->v, c->cap * sizeof(c->v[0]));
		c->undo = fm_realloc(c->undo, c->cap * sizeof(c->undo[0]));
	}
	return &c->v[c->n++];
}

static const char *
keep_text(struct cycle *c, const char *s)
{
	return s == NULL ? "" : fm_arena_strndup(&c->arena, s, strlen(s));
}

/* ---- begin, commit, rollback ----------------------------------------------------- */

static void
undo_cycle(struct store *st)
{
	struct cycle *c = &st->cycle;

	/* SQLite rolls back by itself after some errors. */
	if (!sqlite3_get_autocommit(st->db)) {
		sqlite3_step(st->sql[SQL_ROLLBACK]);
		sqlite3_reset(st->sql[SQL_ROLLBACK]);
	}
	for (unsigned i = FM_BUG(CHAIN_UNDO) ? 0 : c->n; i > 0; i--)
		store_chain_undo(st, &c->undo[i - 1]);
	undo_ids(&st->log);
	undo_ids(&st->audit);
	undo_ids(&st->quarantine);
	forget_transitions(c);
	c->rows = 0;
}

int
store_begin(struct store *st, struct fm_err *err)
{
	fm_assert(st->cycle.state == CYCLE_NONE);
	if (st->broken != 0)
		return fm_fail(err, st->broken, "%s: failed before; exit and recover", st->path);

	forget_transitions(&st->cycle);
	int r = store_run(st, st->sql[SQL_BEGIN], err);
	if (r == 0)
		st->cycle.state = CYCLE_OPEN;
	return r;
}

static void
settle(struct store *st)
{
	st->log.committed = st->log.last;
	st->audit.committed = st->audit.last;
	st->quarantine.committed = st->quarantine.last;
	st->commits++;
	st->transitions += st->cycle.n;
	st->rows += st->cycle.rows;
	st->cycle.rows = 0;
}

static int
repeat_failure(const struct store *st, struct fm_err *err)
{
	if (err != NULL)
		*err = st->cycle.failure;
	return st->cycle.failure.code;
}

int
store_commit(struct store *st, struct fm_err *err)
{
	enum cycle_state state = st->cycle.state;

	fm_assert(state != CYCLE_NONE);
	st->cycle.state = CYCLE_NONE;
	if (state == CYCLE_FAILED)
		return repeat_failure(st, err);

	int r = store_in_place(st, err);
	if (r == 0)
		r = store_run(st, st->sql[SQL_COMMIT], err);
	if (r < 0) {
		undo_cycle(st);
		return r;
	}
	settle(st);
	/* The commit stands whatever becomes of this; an error that matters sticks to the store. */
	if (store_wal_bytes(st) >= STORE_WAL_FULL)
		(void)!store_checkpoint_now(st, NULL);
	return 0;
}

void
store_rollback(struct store *st)
{
	if (st->cycle.state == CYCLE_OPEN)
		undo_cycle(st);
	st->cycle.state = CYCLE_NONE;
}

int
store_transact(struct store *st, store_act_f *fn, const void *arg, struct fm_err *err)
{
	fm_assert(st->cycle.state == CYCLE_NONE);
	int r = store_run(st, st->sql[SQL_BEGIN], err);

	if (r < 0)
		return r;
	r = fn(st, arg, err);
	if (r == 0)
		r = store_run(st, st->sql[SQL_COMMIT], err);
	if (r < 0 && !sqlite3_get_autocommit(st->db)) {
		sqlite3_step(st->sql[SQL_ROLLBACK]);
		sqlite3_reset(st->sql[SQL_ROLLBACK]);
	}
	return r;
}

const struct stored_transition *
store_committed(const struct store *st, unsigned i)
{
	if (st->cycle.state != CYCLE_NONE && !FM_BUG(OFFER_FIRST))
		return NULL;
	return i < st->cycle.n ? &st->cycle.v[i] : NULL;
}

/* ---- puts ------------------------------------------------------------------------ */

static int
may_put(const struct store *st, struct fm_err *err)
{
	fm_assert(st->cycle.state != CYCLE_NONE);
	return st->cycle.state == CYCLE_OPEN ? 0 : repeat_failure(st, err);
}

/* Every put ends here. r is its result, and its words are in the cycle's failure. */
static int
end_put(struct store *st, int r, struct fm_err *err)
{
	if (r == 0) {
		st->cycle.rows++;
		return 0;
	}
	undo_cycle(st);
	st->cycle.state = CYCLE_FAILED;
	return repeat_failure(st, err);
}

static int
put(struct store *st, sqlite3_stmt *stmt, struct fm_err *err)
{
	return end_put(st, store_run(st, stmt, &st->cycle.failure), err);
}

int
store_put_row(struct store *st, const struct row *row, struct fm_err *err)
{
	int r = may_put(st, err);

	if (r < 0)
		return r;
	return end_put(st, store_write_row(st, row, &st->cycle.failure), err);
}

static void
bind_transition(sqlite3_stmt *stmt, const struct stored_transition *t,
		const struct chain_undo *link)
{
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)t->seq);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)link->prev_key);
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)link->prev_uuid);
	sqlite3_bind_int(stmt, 4, (int)t->kind);
	sqlite3_bind_int(stmt, 5, t->notify);
	sqlite3_bind_int64(stmt, 6, t->at.ns);
	sqlite3_bind_int64(stmt, 7, (sqlite3_int64)t->alarm_len);
	sqlite3_bind_text(stmt, 8, t->alarm_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 9, t->entity, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 10, t->uuid.b, sizeof(t->uuid.b), SQLITE_STATIC);
	sqlite3_bind_text64(stmt, 11, t->json, t->len, SQLITE_STATIC, SQLITE_UTF8);
}

int
store_put_transition(struct store *st, struct transition *tr, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	struct cycle *c = &st->cycle;
	size_t alarm_len = 0;
	tr->seq = next_id(&st->log);
	fm_buf_reset(&c->json);
	transition_add_json(&c->json, tr, st->stream, &alarm_len);
	struct stored_transition *t = add_transition(c);
	*t = (struct stored_transition){
		.seq = tr->seq, .kind = tr->kind, .notify = tr->notify, .at = tr->at,
		.alarm_id = keep_text(c, tr->alarm.alarm_id),
		.entity = keep_text(c, tr->alarm.entity),
		.uuid = tr->alarm.uuid,
		.json = fm_arena_strndup(&c->arena, c->json.s, c->json.len),
		.len = c->json.len, .alarm_len = alarm_len,
	};
	struct chain_undo *link = &c->undo[c->n - 1];
	*link = store_chain_add(st, t->seq, t->alarm_id, t->entity, &t->uuid);
	bind_transition(st->sql[SQL_PUT_TRANSITION], t, link);
	return put(st, st->sql[SQL_PUT_TRANSITION], err);
}

int
store_put_position(struct store *st, const struct store_position *pos, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	sqlite3_stmt *stmt = st->sql[SQL_PUT_POSITION];
	sqlite3_bind_text(stmt, 1, pos->topic, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, pos->partition);
	sqlite3_bind_int64(stmt, 3, pos->next_offset);
	sqlite3_bind_int64(stmt, 4, (sqlite3_int64)pos->last_hash);
	sqlite3_bind_int64(stmt, 5, pos->last_ts.ns);
	return put(st, stmt, err);
}

int
store_put_ledger(struct store *st, const struct store_ledger *l, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	sqlite3_stmt *stmt = st->sql[SQL_PUT_LEDGER];
	sqlite3_bind_text(stmt, 1, l->topic, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, l->partition);
	for (int i = 0; i < LEDGER_N; i++)
		sqlite3_bind_int64(stmt, 3 + i, (sqlite3_int64)l->n[i]);
	return put(st, stmt, err);
}

int
store_put_quarantine(struct store *st, struct store_quarantine *q, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	sqlite3_stmt *stmt = st->sql[SQL_PUT_QUARANTINE];
	uint32_t len = q->len < FM_MAX_QUARANTINE_BODY ? q->len : FM_MAX_QUARANTINE_BODY;
	q->id = next_id(&st->quarantine);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)q->id);
	sqlite3_bind_text(stmt, 2, q->topic, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 3, q->partition);
	sqlite3_bind_int64(stmt, 4, q->offset);
	sqlite3_bind_int64(stmt, 5, q->at.ns);
	sqlite3_bind_text(stmt, 6, q->reason, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 7, q->body, len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)q->full_len);
	return put(st, stmt, err);
}

int
store_put_audit(struct store *st, const struct store_audit *a, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	sqlite3_stmt *stmt = st->sql[SQL_PUT_AUDIT];
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)next_id(&st->audit));
	sqlite3_bind_int64(stmt, 2, a->at.ns);
	sqlite3_bind_text(stmt, 3, a->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, a->verb, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 5, a->args, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 6, a->result, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 7, (sqlite3_int64)a->uid);
	sqlite3_bind_text(stmt, 8, a->role, -1, SQLITE_STATIC);
	return put(st, stmt, err);
}

int
store_put_cursor(struct store *st, const char *sink, uint64_t acked, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	sqlite3_stmt *stmt = st->sql[SQL_PUT_CURSOR];
	sqlite3_bind_text(stmt, 1, sink, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)acked);
	return put(st, stmt, err);
}

int
store_put_meta(struct store *st, const char *name, const char *value, struct fm_err *err)
{
	int r = may_put(st, err);
	if (r < 0)
		return r;

	sqlite3_stmt *stmt = st->sql[SQL_PUT_META];
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
	return put(st, stmt, err);
}
