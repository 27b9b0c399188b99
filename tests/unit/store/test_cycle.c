/* cycle: whole or not at all. */
#include "tests/unit/store/store_rig.h"

#include <sched.h>
#include <sys/mount.h>

Test(cycle, numbers_transitions_without_gap_over_cycles_and_restarts)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	cr_expect_eq(store_last_seq(rig.st), 0);
	cr_expect_eq(store_oldest_seq(rig.st), 0);
	rig_raise(&rig, 1, 3);
	rig_raise(&rig, 4, 4);
	cr_expect_eq(store_last_seq(rig.st), 4);
	rig_close(&rig);
	rig_open(&rig);
	rig_raise(&rig, 5, 6);
	cr_expect_eq(store_last_seq(rig.st), 6);
	cr_expect_eq(store_oldest_seq(rig.st), 1);
	rig_fini(&rig);
}

Test(cycle, shows_nothing_before_the_commit)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	rig_raise(&rig, 1, 2);
	MUST(store_begin(rig.st, &err));
	cr_expect_eq(rig_put(&rig, 3, TR_RAISE), 3);
	cr_expect_eq(store_last_seq(rig.st), 2);
	cr_expect_eq(rig_query(&rig, (struct store_query){.kind = -1}).n, 2);
	cr_expect_null(store_committed(rig.st, 0));
	store_rollback(rig.st);
	rig_fini(&rig);
}

Test(cycle, gives_a_number_again_after_a_rollback)
{
	struct store_rig rig = rig_unopened();
	struct store_quarantine q = {.topic = "t", .reason = "r"};

	rig_open(&rig);
	MUST(store_begin(rig.st, &err));
	rig_put(&rig, 1, TR_RAISE);
	MUST(store_put_quarantine(rig.st, &q, &err));
	store_rollback(rig.st);
	cr_expect_eq(store_last_seq(rig.st), 0);
	cr_expect_eq(store_quarantine_count(rig.st), 0);
	rig_raise(&rig, 2, 2);
	cr_expect_eq(store_last_seq(rig.st), 1);
	cr_expect_eq(rig_query(&rig, (struct store_query){.kind = -1, .alarm_id = "200.004",
		.entity = "host=compute-1"}).n, 0);
	cr_expect_eq(rig_query(&rig, (struct store_query){.kind = -1, .alarm_id = "200.004",
		.entity = "host=compute-2"}).n, 1);
	rig_fini(&rig);
}

static bool
expect_equal(void *ctx, const struct stored_transition *tr)
{
	struct store *st = ctx;
	const struct stored_transition *kept = store_committed(st, (unsigned)tr->seq - 1);

	cr_assert_not_null(kept);
	cr_expect_eq(kept->seq, tr->seq);
	cr_expect_eq(kept->kind, tr->kind);
	cr_expect_eq(kept->notify, tr->notify);
	cr_expect_eq(kept->at.ns, tr->at.ns);
	cr_expect_str_eq(kept->alarm_id, tr->alarm_id);
	cr_expect_str_eq(kept->entity, tr->entity);
	cr_expect(fm_uuid_eq(&kept->uuid, &tr->uuid));
	cr_expect_eq(kept->len, tr->len);
	cr_expect_eq(kept->alarm_len, tr->alarm_len);
	cr_expect_str_eq(kept->json, tr->json);
	cr_expect_eq(strlen(tr->json), tr->len);
	cr_expect_eq(tr->json[tr->len - 1 - tr->alarm_len], '{');
	return true;
}

Test(cycle, hands_out_what_it_committed_as_it_would_be_read_back)
{
	struct store_rig rig = rig_unopened();
	struct transition beat = {.kind = TR_HEARTBEAT};
	struct store_query all = {.kind = -1};

	rig_open(&rig);
	MUST(store_begin(rig.st, &err));
	rig_put(&rig, 1, TR_RAISE);
	MUST(store_put_transition(rig.st, &beat, &err));
	for (uint64_t n = 3; n <= 200; n++)
		rig_put(&rig, n, TR_CLEAR);
	MUST(store_commit(rig.st, &err));
	MUST(store_transitions(rig.st, &all, expect_equal, rig.st, &err));
	cr_expect_not_null(store_committed(rig.st, 199));
	cr_expect_null(store_committed(rig.st, 200));
	MUST(store_begin(rig.st, &err));
	MUST(store_commit(rig.st, &err));
	cr_expect_null(store_committed(rig.st, 0));
	rig_fini(&rig);
}

Test(cycle, finds_an_alarm_s_past_after_a_rollback_of_its_next)
{
	struct store_rig rig = rig_unopened();
	struct store_query q = {.kind = -1, .alarm_id = "200.004", .entity = "host=compute-1"};

	rig_open(&rig);
	rig_raise(&rig, 1, 1);
	MUST(store_begin(rig.st, &err));
	rig_put(&rig, 1, TR_CHANGE);
	rig_put(&rig, 1, TR_CLEAR);
	store_rollback(rig.st);
	cr_expect_eq(rig_query(&rig, q).n, 1);
	rig_raise(&rig, 2, 3);
	cr_expect_eq(rig_query(&rig, q).n, 1);
	rig_fini(&rig);
}

/* ---- the small tables ------------------------------------------------------------ */

static void
expect_position(void *ctx, const struct store_position *pos)
{
	cr_expect_str_eq(pos->topic, "topic");
	cr_expect_eq(pos->partition, 3);
	cr_expect_eq(pos->next_offset, 77);
	cr_expect_eq(pos->last_hash, UINT64_MAX);
	cr_expect_eq(pos->last_ts.ns, 5);
	(*(int *)ctx)++;
}

static void
expect_ledger(void *ctx, const struct store_ledger *l)
{
	cr_expect_str_eq(l->topic, "topic");
	for (int i = 0; i < LEDGER_N; i++)
		cr_expect_eq(l->n[i], 10u + (unsigned)i);
	(*(int *)ctx)++;
}

static bool
expect_quarantine(void *ctx, const struct store_quarantine *q)
{
	(*(int *)ctx)++;
	cr_expect_eq(q->offset, 70000);
	cr_expect_eq(q->len, FM_MAX_QUARANTINE_BODY);
	cr_expect_eq(q->full_len, 70000);
	cr_expect_eq(((const char *)q->body)[q->len - 1], 'b');
	cr_expect_str_eq(q->reason, "not JSON");
	return true;
}

static bool
expect_audit(void *ctx, const struct store_audit *a)
{
	(*(int *)ctx)++;
	cr_expect_eq(a->at.ns, 9);
	cr_expect_eq(a->uid, 0);
	cr_expect_str_eq(a->user, "root");
	cr_expect_str_eq(a->role, "admin");
	cr_expect_str_eq(a->verb, "alarm-ack");
	cr_expect_str_eq(a->args, "{}");
	cr_expect_str_eq(a->result, "done");
	return true;
}

static bool
first_id(void *ctx, const struct store_audit *a)
{
	*(uint64_t *)ctx = a->id;
	return false;
}

Test(cycle, gives_the_trail_newest_first_and_before_an_id)
{
	struct store_rig rig = rig_unopened();
	struct store_audit audit = {.user = "u", .role = "none", .verb = "v", .args = "{}",
				    .result = "r"};
	uint64_t id = 0;

	rig_open(&rig);
	MUST(store_begin(rig.st, &err));
	for (int i = 0; i < 3; i++)
		MUST(store_put_audit(rig.st, &audit, &err));
	MUST(store_commit(rig.st, &err));
	MUST(store_audited(rig.st, 0, first_id, &id, &err));
	cr_expect_eq(id, 3);
	MUST(store_audited(rig.st, 3, first_id, &id, &err));
	cr_expect_eq(id, 2);
	id = 0;
	MUST(store_audited(rig.st, 1, first_id, &id, &err));
	cr_expect_eq(id, 0);
	rig_fini(&rig);
}

Test(cycle, keeps_positions_ledgers_cursors_meta_and_quarantine)
{
	static char body[70000];
	struct store_rig rig = rig_unopened();
	struct store_position pos = {"topic", 3, 76, 1, {1}};
	struct store_ledger l = {.topic = "topic", .partition = 3};
	struct store_quarantine q = {.topic = "topic", .partition = 3, .offset = 70000,
				     .reason = "not JSON", .body = body, .len = sizeof(body),
				     .full_len = sizeof(body)};
	struct store_audit audit = {.at = {9}, .user = "root", .uid = 0, .role = "admin",
				    .verb = "alarm-ack", .args = "{}", .result = "done"};
	int seen = 0;
	char *value = NULL;
	uint64_t acked = 99;

	memset(body, 'b', sizeof(body));
	for (unsigned i = 0; i < LEDGER_N; i++)
		l.n[i] = 10 + i;
	rig_open(&rig);
	cr_expect_eq(store_find_cursor(rig.st, "kafka", &acked), -ENOENT);
	MUST(store_begin(rig.st, &err));
	MUST(store_put_position(rig.st, &pos, &err));
	pos = (struct store_position){"topic", 3, 77, UINT64_MAX, {5}};
	MUST(store_put_position(rig.st, &pos, &err));
	MUST(store_put_ledger(rig.st, &l, &err));
	MUST(store_put_quarantine(rig.st, &q, &err));
	MUST(store_put_audit(rig.st, &audit, &err));
	MUST(store_put_cursor(rig.st, "kafka", 0, &err));
	MUST(store_put_cursor(rig.st, "journal", 42, &err));
	MUST(store_put_meta(rig.st, "clock", "17", &err));
	MUST(store_commit(rig.st, &err));
	rig_close(&rig);
	rig_open(&rig);
	MUST(store_each_position(rig.st, expect_position, &seen, &err));
	MUST(store_each_ledger(rig.st, expect_ledger, &seen, &err));
	MUST(store_quarantined(rig.st, 0, false, 0, expect_quarantine, &seen, &err));
	MUST(store_quarantined(rig.st, 0, true, 1, expect_quarantine, &seen, &err));
	MUST(store_quarantined(rig.st, 1, true, 0, expect_quarantine, &seen, &err));
	MUST(store_audited(rig.st, 0, expect_audit, &seen, &err));
	cr_expect_eq(seen, 5);
	cr_expect_eq(store_quarantine_count(rig.st), 1);
	cr_expect_eq(store_cursor(rig.st, "journal"), 42);
	MUST(store_find_cursor(rig.st, "kafka", &acked));
	cr_expect_eq(acked, 0);
	MUST(store_meta(rig.st, "clock", &value));
	cr_expect_str_eq(value, "17");
	free(value);
	cr_expect_eq(store_meta(rig.st, "none", &value), -ENOENT);
	rig_fini(&rig);
}

Test(cycle, counts_what_it_wrote)
{
	struct store_rig rig = rig_unopened();
	struct store_stats stats;

	rig_open(&rig);
	rig_raise(&rig, 1, 5);
	rig_raise(&rig, 6, 6);
	store_get_stats(rig.st, &stats);
	cr_expect_eq(stats.commits, 2);
	cr_expect_eq(stats.transitions, 6);
	cr_expect_eq(stats.rows, 6);
	cr_expect_gt(stats.file_bytes, 0);
	cr_expect_gt(stats.wal_bytes, 0);
	MUST(store_checkpoint_now(rig.st, &err));
	store_get_stats(rig.st, &stats);
	cr_expect_eq(stats.wal_bytes, 0);
	rig_fini(&rig);
}

/* ---- full disk ------------------------------------------------------------------- */

/* Raises until there is no room. Returns how many alarms were raised by whole cycles. */
static uint64_t
fill_up(struct store_rig *rig)
{
	struct fm_err why = {0};
	char entity[64];
	int r = 0;

	for (uint64_t n = 1;; n += 10) {
		MUST(store_begin(rig->st, &err));
		for (uint64_t i = n; r == 0 && i < n + 10; i++) {
			struct transition tr = rig_transition(entity, i, TR_RAISE);
			r = store_put_transition(rig->st, &tr, &why);
		}
		if (r == 0) {
			r = store_commit(rig->st, &why);
		} else {
			/* What comes after the failure meets the same and changes nothing. */
			struct transition tr = rig_transition(entity, n, TR_RAISE);
			cr_expect_eq(store_put_transition(rig->st, &tr, &why), r);
			cr_expect_eq(store_commit(rig->st, &why), r);
		}
		if (r < 0) {
			cr_expect_eq(r, -ENOSPC, "%d %s", r, why.msg);
			return n - 1;
		}
	}
}

static void
expect_state(struct store_rig *rig, uint64_t n)
{
	struct rig_seqs seqs = rig_query(rig, (struct store_query){.kind = -1});

	cr_expect_eq(store_last_seq(rig->st), n);
	cr_expect_eq(seqs.n, n);
	for (size_t i = 0; i < seqs.n; i++)
		cr_expect_eq(seqs.v[i], i + 1);
}

Test(full, database_rolls_back_and_goes_on_when_there_is_room)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	MUST(store_exec(rig.st, "PRAGMA max_page_count = 120", &err));
	uint64_t n = fill_up(&rig);
	cr_assert_gt(n, 0);
	expect_state(&rig, n);
	MUST(store_exec(rig.st, "PRAGMA max_page_count = 100000", &err));
	rig_raise(&rig, n + 1, n + 10);
	expect_state(&rig, n + 10);
	rig_close(&rig);
	rig_open(&rig);
	expect_state(&rig, n + 10);
	rig_fini(&rig);
}

static void
fill_small_disk(struct store_rig *rig)
{
	char path[128];

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", rig->dir, "tmpfs", 0, "size=6m") < 0)
		_exit(77);
	rig_open(rig);
	snprintf(path, sizeof(path), "%s/ballast", rig->dir);
	FILE *ballast = fopen(path, "we");
	cr_assert(ballast != NULL && fseek(ballast, 2 << 20, SEEK_SET) == 0);
	for (int i = 0; i < 2 << 20; i++)
		fputc('x', ballast);
	rewind(ballast);
	for (int i = 0; i < 2 << 20; i++)
		fputc('x', ballast);
	fclose(ballast);
	uint64_t n = fill_up(rig);
	expect_state(rig, n);
	cr_assert_eq(unlink(path), 0);
	rig_raise(rig, n + 1, n + 10);
	expect_state(rig, n + 10);
	rig_close(rig);
	rig_open(rig);
	expect_state(rig, n + 10);
	rig_close(rig);
}

Test(full, disk_rolls_back_and_goes_on_when_there_is_room)
{
	struct store_rig rig = rig_unopened();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fill_small_disk(&rig);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	rig_fini(&rig);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		cr_skip_test("mounting a tmpfs is not permitted here");
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(broken, store_commits_nothing_to_files_that_are_gone)
{
	static const char *const name[] = {"fmd.db", "fmd.db-wal"};

	for (int i = 0; i < 2; i++) {
		struct store_rig rig = rig_unopened();
		struct fm_err why = {0};
		char path[160];

		rig_open(&rig);
		rig_raise(&rig, 1, 1);
		MUST(store_in_place(rig.st, &err));
		snprintf(path, sizeof(path), "%s/%s", rig.dir, name[i]);
		MUST(store_begin(rig.st, &err));
		cr_expect_eq(rig_put(&rig, 2, TR_RAISE), 2);
		cr_assert_eq(unlink(path), 0);
		cr_expect_eq(store_commit(rig.st, &why), -ESTALE);
		cr_expect_not_null(strstr(why.msg, path), "%s", why.msg);
		cr_expect_eq(store_last_seq(rig.st), 1);
		cr_expect_eq(store_begin(rig.st, &why), -ESTALE);
		cr_expect_eq(store_in_place(rig.st, &why), -ESTALE);
		rig_close(&rig);
		cr_expect_neq(access(path, F_OK), 0);
		rig_fini(&rig);
	}
}

Test(broken, store_does_not_go_on_beside_a_file_that_has_taken_its_place)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why = {0};
	char path[160], other[160];

	rig_open(&rig);
	snprintf(path, sizeof(path), "%s/fmd.db", rig.dir);
	snprintf(other, sizeof(other), "%s/lock", rig.dir);
	cr_assert_eq(rename(other, path), 0);
	cr_expect_eq(store_in_place(rig.st, &why), -ESTALE);
	cr_expect_not_null(strstr(why.msg, "another file has taken its place"), "%s", why.msg);
	rig_fini(&rig);
}

Test(broken, store_does_nothing_more)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_open(&rig);
	rig_raise(&rig, 1, 1);
	rig.st->broken = -EIO;
	cr_expect_eq(store_begin(rig.st, &why), -EIO);
	cr_expect_eq(store_trim(rig.st, (struct fm_time){1}, &(struct store_readers){0}, 1, &why), -EIO);
	cr_expect_eq(store_checkpoint(rig.st, &why), -EIO);
	rig_close(&rig);
	rig_open(&rig);
	cr_expect_eq(store_last_seq(rig.st), 1);
	rig_fini(&rig);
}
