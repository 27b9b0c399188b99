/*
 * verify: is what is stored, and what the sinks were given, as if nothing had happened? Two oracles:
 * the store of a run without faults (verify_same), and a core that is told the very inputs that the
 * store claims to hold, in one go and without ever being kept and restored (verify_model).
 */
#include "tests/sim/sim.h"

#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the store as text ---------------------------------------------------------------------- */

/*
 * Left out: what tells how often a process was started or wrote (self, meta), whose numbers are of
 * the moment (the core's clock at the end), and the layout of the id cache, which is cut into chunks by when
 * it was written.
 */
static const char *const dump_sql[] = {
	"SELECT 'transition', seq, iif(prev_key < ?1, 0, prev_key), iif(prev_uuid < ?1, 0,"
		" prev_uuid), kind, notify, at, json FROM transition WHERE seq >= ?1 ORDER BY seq",
	"SELECT 'alarm', * FROM alarm ORDER BY alarm_id, entity",
	"SELECT 'instance', * FROM instance ORDER BY uuid",
	"SELECT 'host', * FROM host ORDER BY name",
	"SELECT 'deadline', * FROM deadline ORDER BY kind, subject",
	"SELECT 'kept', * FROM kept WHERE name <> 'now' ORDER BY name",
};
static const char *const dump_world_sql[] = {
	"SELECT 'position', * FROM position ORDER BY topic, part",
	"SELECT 'ledger', * FROM ledger ORDER BY topic, part",
	"SELECT 'quarantine', id, topic, part, record, at, reason, full_len FROM quarantine"
		" ORDER BY id",
	"SELECT 'audit', id, at, user, verb, args, result FROM audit ORDER BY id",
	"SELECT 'sink', * FROM sink ORDER BY name",
};

static sqlite3 *
open_db(const char *dir)
{
	char path[128];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/fmd.db", dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK || sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) !=
	    SQLITE_OK)
		wrong("store", "%s: %s", path, sqlite3_errmsg(db));
	return db;
}

static int64_t
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

static void
add_column(sqlite3_stmt *q, int i, struct fm_buf *ret)
{
	const uint8_t *p;

	fm_buf_adds(ret, i > 0 ? "|" : "");
	if (sqlite3_column_type(q, i) != SQLITE_BLOB) {
		const char *s = (const char *)sqlite3_column_text(q, i);

		fm_buf_adds(ret, s != NULL ? s : "NULL");
		return;
	}
	p = sqlite3_column_blob(q, i);
	for (int k = 0; k < sqlite3_column_bytes(q, i); k++) {
		static const char hex[] = "0123456789abcdef";

		fm_buf_add(ret, &hex[p[k] >> 4], 1);
		fm_buf_add(ret, &hex[p[k] & 15], 1);
	}
}

static void
dump_query(sqlite3 *db, const char *sql, int64_t first_seq, struct fm_buf *ret)
{
	sqlite3_stmt *q = NULL;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
		wrong("store", "%s: %s", sql, sqlite3_errmsg(db));
		return;
	}
	if (sqlite3_bind_parameter_count(q) > 0)
		sqlite3_bind_int64(q, 1, first_seq);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(q); i++)
			add_column(q, i, ret);
		fm_buf_adds(ret, "\n");
	}
	if (rc != SQLITE_DONE)
		wrong("store", "%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_finalize(q);
}

static void
dump(const char *dir, const char *const *sql, size_t n, int64_t first_seq, struct fm_buf *ret)
{
	sqlite3 *db = open_db(dir);

	fm_buf_adds(ret, "");
	for (size_t i = 0; i < n; i++)
		dump_query(db, sql[i], first_seq, ret);
	sqlite3_close(db);
}

/* What retention has deleted, the model still has. */
static int64_t
first_seq(const char *dir)
{
	sqlite3 *db = open_db(dir);
	const int64_t n = number(db, "SELECT min(seq) FROM transition");

	sqlite3_close(db);
	return n;
}

void
dump_store(const char *dir, struct fm_buf *ret)
{
	dump(dir, dump_sql, FM_ARRAY_LEN(dump_sql), 0, ret);
	dump(dir, dump_world_sql, FM_ARRAY_LEN(dump_world_sql), 0, ret);
}

bool
verify_same(const struct fm_buf *want, const struct fm_buf *got)
{
	size_t i = 0, line = 0, line_no = 1;

	if (want->len == got->len && memcmp(want->s, got->s, want->len) == 0)
		return true;
	while (want->s[i] != '\0' && want->s[i] == got->s[i]) {
		if (want->s[i] == '\n') {
			line = i + 1;
			line_no++;
		}
		i++;
	}
	wrong("P1", "row %zu of what is kept is\n  %.*s\nand should be\n  %.*s", line_no,
	      (int)strcspn(got->s + line, "\n"), got->s + line,
	      (int)strcspn(want->s + line, "\n"), want->s + line);
	return false;
}

/* ---- sinks, positions, ledger ---------------------------------------------------------------- */

static void
verify_sinks(sqlite3 *db)
{
	const int64_t last = number(db, "SELECT max(seq) FROM transition");
	const int64_t ids = number(db, "SELECT max(id) FROM quarantine");
	sqlite3_stmt *q = NULL;

	for (unsigned i = 0; i < wires_count(); i++)
		for (int64_t seq = 1; seq <= last; seq++)
			if (!wires_has(i, (uint64_t)seq)) {
				wrong("P3", "%s never got %lld of %lld", wires_name(i),
				      (long long)seq, (long long)last);
				break;
			}
	for (int64_t id = 1; id <= ids; id++)
		if (!wires_has_quarantined((uint64_t)id)) {
			wrong("P3", "record %lld was never quarantined", (long long)id);
			break;
		}
	sqlite3_prepare_v2(db, "SELECT seq, json FROM transition ORDER BY seq", -1, &q, NULL);
	while (sqlite3_step(q) == SQLITE_ROW) {
		const uint64_t seq = (uint64_t)sqlite3_column_int64(q, 0);
		const uint64_t h = wires_content(seq);

		if (h != 0 && h != fm_hash64(sqlite3_column_text(q, 1),
					     (size_t)sqlite3_column_bytes(q, 1), 1))
			wrong("P3", "what is kept as %llu is not what the sinks were given",
			      (unsigned long long)seq);
	}
	sqlite3_finalize(q);
}

struct counted {
	int64_t n[LEDGER_N];
	int64_t next;
	uint32_t epoch;
};

/* Each record once, in order; what became of it, by the inputs. */
static void
count_inputs(struct counted *c)
{
	static const enum ledger_outcome of[] = {[CORR_APPLIED] = LEDGER_APPLIED,
		[CORR_NO_EFFECT] = LEDGER_NO_EFFECT, [CORR_DUPLICATE] = LEDGER_DUPLICATE,
		[CORR_LATE] = LEDGER_LATE};

	for (size_t i = 0; i < n_inputs; i++) {
		const struct input *in = &input[i];
		struct counted *k = &c[in->part];

		if (in->kind > IN_QUARANTINE)
			continue;
		if (in->epoch == k->epoch && in->offset < k->next)
			wrong("P1", "%s/%d offset %lld had its effect twice",
			      log_part[in->part].topic, log_part[in->part].no,
			      (long long)in->offset);
		k->next = in->offset + 1;
		k->epoch = in->epoch;
		k->n[in->kind == IN_PASS ? LEDGER_UNKNOWN : in->kind == IN_QUARANTINE ?
		     LEDGER_QUARANTINED : of[in->outcome]]++;
	}
}

static void
verify_ledger(sqlite3 *db)
{
	struct counted c[MAX_PARTS] = {{{0}, 0, 0}};
	sqlite3_stmt *q = NULL;
	const struct mark *m = inputs_mark();

	count_inputs(c);
	sqlite3_prepare_v2(db, "SELECT * FROM ledger", -1, &q, NULL);
	while (sqlite3_step(q) == SQLITE_ROW) {
		const unsigned p = broker_part_of((const char *)sqlite3_column_text(q, 0),
						  sqlite3_column_int(q, 1));
		int64_t sum = 0;

		for (int i = 0; i < LEDGER_N; i++) {
			const int64_t n = sqlite3_column_int64(q, 2 + i);

			sum += n;
			if (i == LEDGER_DUPLICATE ? n < c[p].n[i] : n != c[p].n[i])
				wrong("P1", "the ledger of %s/%d says %lld in column %d, which "
				      "were %lld", log_part[p].topic, log_part[p].no, (long long)n,
				      i, (long long)c[p].n[i]);
		}
		if (sum != (int64_t)m->handed[p])
			wrong("P1", "the ledger of %s/%d sums up to %lld of %llu records",
			      log_part[p].topic, log_part[p].no, (long long)sum,
			      (unsigned long long)m->handed[p]);
	}
	sqlite3_finalize(q);
}

void
verify_world(const char *dir)
{
	sqlite3 *db = open_db(dir);

	verify_sinks(db);
	verify_ledger(db);
	sqlite3_close(db);
}

/* ---- the model ------------------------------------------------------------------------------- */

struct model {
	struct store *st;
	struct correlator *corr;
	struct decoder *dec;
	struct fm_err err;
};

static void
take(void *ctx, struct transition *tr)
{
	struct model *m = ctx;

	fm_assert(store_put_transition(m->st, tr, &m->err) == 0);
}

static void
keep(void *ctx, const struct row *row)
{
	struct model *m = ctx;

	fm_assert(store_put_row(m->st, row, &m->err) == 0);
}

static void
tell_record(struct model *m, const struct input *in)
{
	const struct log_part *lp = &log_part[in->part];
	const struct log_record *rec = &lp->v[in->offset];
	struct event ev;
	const int r = event_decode(m->dec, rec->p, rec->len, &ev, &m->err);

	fm_assert(r == (in->kind == IN_PASS));
	ev.pos = (struct record_pos){lp->topic, lp->topic_no, lp->no, in->offset};
	ev.at = in->at;
	if (r > 0)
		corr_pass(m->corr, &ev, take, m);
	else if (corr_apply(m->corr, &ev, take, m) != in->outcome)
		wrong("P1", "%s/%d offset %lld had another outcome", lp->topic, lp->no,
		      (long long)in->offset);
}

static void
tell_command(struct model *m, const struct input *in)
{
	const struct corr_command cmd = {.kind = (enum corr_command_kind)in->what, .at = in->at,
		.user = in->user, .verb = in->verb, .uuid = in->set ? &in->uuid : NULL,
		.alarm_id = in->id, .entity = in->entity, .until = in->until};

	(void)!corr_operate(m->corr, &cmd, take, m, &m->err);
}

static void
tell_beat(struct model *m, const struct input *in)
{
	struct transition beat = {.kind = TR_HEARTBEAT, .at = in->at,
		.alarm = {.alarm_id = "", .entity = "", .reason_text = in->text,
			  .origin = ALARM_BY_SELF},
		.cause = {.kind = CAUSE_SELF, .event = "heartbeat"}};

	take(m, &beat);
}

static void
tell(struct model *m, const struct input *in)
{
	switch (in->kind) {
	case IN_RECORD:
	case IN_PASS:
		tell_record(m, in);
		return;
	case IN_QUARANTINE:
		return;
	case IN_ADVANCE:
		corr_advance(m->corr, in->at, take, m);
		return;
	case IN_COMMAND:
		tell_command(m, in);
		return;
	case IN_SELF:
		corr_self(m->corr, in->at, in->id, in->entity, in->set, (enum severity)in->what,
			  in->text, take, m);
		return;
	case IN_STEPPED:
		corr_stepped(m->corr, in->span);
		return;
	case IN_MISSED:
		corr_missed(m->corr, in->span);
		return;
	case IN_DEAF:
		corr_set_deaf(m->corr, in->set);
		return;
	case IN_SWAP:
		corr_swap_catalogue(m->corr, catalogues[in->what], in->at, take, m);
		return;
	case IN_BEAT:
		tell_beat(m, in);
		return;
	}
}

/* Whatever a sink has missed: of each alarm that is active it has been given the newest. */
static void
verify_told(void)
{
	sqlite3 *db = open_db(sim.model);
	sqlite3_stmt *q = NULL;
	char sql[300];

	snprintf(sql, sizeof(sql), "SELECT max(t.seq), a.alarm_id, a.entity FROM alarm a JOIN "
		 "transition t ON t.alarm_id = a.alarm_id AND t.entity = a.entity WHERE "
		 "a.cleared = 0 AND t.kind <> %d GROUP BY a.alarm_id, a.entity", (int)TR_LOG);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		wrong("store", "%s", sqlite3_errmsg(db));
	while (q != NULL && sqlite3_step(q) == SQLITE_ROW)
		for (unsigned i = 0; i < wires_count(); i++)
			if (!wires_was_given(i, (uint64_t)sqlite3_column_int64(q, 0)))
				wrong("P3", "%s does not know the state of %s %s (%lld)",
				      wires_name(i), sqlite3_column_text(q, 1),
				      sqlite3_column_text(q, 2),
				      (long long)sqlite3_column_int64(q, 0));
	sqlite3_finalize(q);
	sqlite3_close(db);
}

void
verify_model(const char *dir)
{
	const struct store_options opt = {.dir = sim.model};
	struct fm_buf want = {0}, got = {0};
	struct model m = {0};
	int64_t first;

	disk_empty_others();
	inputs_pause(true);
	fm_assert(store_open(&opt, &m.st, &m.err) == 0);
	m.corr = corr_new(catalogues[0]);
	m.dec = decoder_new(NULL);
	fm_assert(store_begin(m.st, &m.err) == 0);
	for (size_t i = 0; i < n_inputs && !is_wrong(); i++)
		tell(&m, &input[i]);
	corr_flush(m.corr, keep, &m);
	fm_assert(store_commit(m.st, &m.err) == 0);
	store_close(m.st);
	corr_free(m.corr);
	decoder_free(m.dec);
	inputs_pause(false);
	first = first_seq(dir);
	dump(sim.model, dump_sql, FM_ARRAY_LEN(dump_sql), first, &want);
	dump(dir, dump_sql, FM_ARRAY_LEN(dump_sql), first, &got);
	(void)verify_same(&want, &got);
	verify_told();
	fm_buf_fini(&want);
	fm_buf_fini(&got);
}
