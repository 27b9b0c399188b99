/* open: who may have the directory, what is in it, and what is refused. */
#include "tests/unit/store/store_rig.h"

#include <fcntl.h>
#include <sys/stat.h>

static int
try_open(const char *dir, struct fm_err *why)
{
	struct store_options opt = {.dir = dir};
	struct store *st = NULL;
	int r = store_open(&opt, &st, why);

	store_close(st);
	return r;
}

static mode_t
mode_of(const char *dir, const char *name)
{
	char path[128];
	struct stat s;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	cr_assert_eq(stat(path, &s), 0);
	return s.st_mode & 07777;
}

Test(open, makes_the_directory_and_keeps_it_from_others)
{
	struct store_rig rig = rig_unopened();
	char parent[sizeof(rig.dir)];

	umask(0);
	memcpy(parent, rig.dir, sizeof(parent));
	strcat(rig.dir, "/state");
	rig_open(&rig);
	cr_expect_eq(mode_of(rig.dir, "."), 0750);
	cr_expect_eq(mode_of(rig.dir, "fmd.db"), 0640);
	cr_expect_eq(mode_of(rig.dir, "fmd.db-wal"), 0640);
	cr_expect_eq(mode_of(rig.dir, "lock"), 0640);
	rig_fini(&rig);
	rmdir(parent);
}

Test(open, has_no_parent_to_make_the_directory_in)
{
	struct fm_err why;

	cr_expect_eq(try_open("/nonexistent/fmd/state", &why), -ENOENT);
	cr_expect(strstr(why.msg, "/nonexistent/fmd/state") != NULL, "%s", why.msg);
}

Test(open, keeps_its_stream_and_shares_it_with_no_other_store)
{
	struct store_rig a = rig_unopened(), b = rig_unopened();
	char first[FM_UUID_STR];
	struct fm_uuid uuid;

	rig_open(&a);
	rig_open(&b);
	memcpy(first, store_stream(a.st), sizeof(first));
	cr_expect(fm_uuid_parse(first, strlen(first), &uuid));
	cr_expect_str_neq(first, store_stream(b.st));
	rig_close(&a);
	rig_open(&a);
	cr_expect_str_eq(first, store_stream(a.st));
	rig_fini(&a);
	rig_fini(&b);
}

Test(open, refuses_a_second_one_and_names_the_first)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;
	char pid[32];

	rig_open(&rig);
	snprintf(pid, sizeof(pid), "pid %ld)", (long)getpid());
	cr_expect_eq(try_open(rig.dir, &why), -EBUSY);
	cr_expect(strstr(why.msg, rig.dir) != NULL, "%s", why.msg);
	cr_expect(strstr(why.msg, pid) != NULL, "%s", why.msg);
	rig_close(&rig);
	cr_expect_eq(try_open(rig.dir, &why), 0);
	rig_fini(&rig);
}

static void
expect_busy(struct store_rig *rig)
{
	struct fm_err why;

	/* A fork shares the lock; a store opened anew in another process does not. */
	_exit(try_open(rig->dir, &why) == -EBUSY ? 0 : 1);
}

Test(open, refuses_a_second_process)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	rig_crash(&rig, expect_busy);
	rig_fini(&rig);
}

Test(open, follows_no_link_to_another_file)
{
	struct store_rig rig = rig_unopened();
	char path[128];
	struct fm_err why;

	snprintf(path, sizeof(path), "%s/fmd.db", rig.dir);
	cr_assert_eq(symlink("elsewhere", path), 0);
	cr_expect_eq(try_open(rig.dir, &why), -EACCES, "%s", why.msg);
	cr_assert_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/lock", rig.dir);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("elsewhere", path), 0);
	cr_expect_eq(try_open(rig.dir, &why), -EACCES);
	snprintf(path, sizeof(path), "%s/elsewhere", rig.dir);
	cr_expect_eq(access(path, F_OK), -1);
	rig_fini(&rig);
}

static void
expect_no_access(struct store_rig *rig)
{
	struct fm_err why = {0};

	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		_exit(2);
	int r = try_open(rig->dir, &why);
	_exit(r == -EACCES && strstr(why.msg, rig->dir) != NULL ? 0 : 1);
}

Test(open, says_which_directory_it_may_not_write)
{
	struct store_rig rig = rig_unopened();

	cr_assert_eq(chmod(rig.dir, 0555), 0);
	rig_crash(&rig, expect_no_access);
	rig_fini(&rig);
}

Test(open, says_which_file_it_may_not_write)
{
	struct store_rig rig = rig_unopened();
	char path[128];

	rig_open(&rig);
	rig_close(&rig);
	snprintf(path, sizeof(path), "%s/fmd.db", rig.dir);
	cr_assert_eq(chmod(path, 0444), 0);
	cr_assert_eq(chmod(rig.dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/lock", rig.dir);
	cr_assert_eq(chmod(path, 0666), 0);
	rig_crash(&rig, expect_no_access);
	rig_fini(&rig);
}

/* ---- versions -------------------------------------------------------------------- */

static void
set_version(struct store_rig *rig, int version)
{
	char sql[64];

	rig_open(rig);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	MUST(store_exec(rig->st, sql, &err));
	rig_close(rig);
}

Test(open, refuses_a_newer_schema_and_names_both)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	set_version(&rig, 4711);
	cr_expect_eq(try_open(rig.dir, &why), -EPROTO);
	cr_expect(strstr(why.msg, "4711") != NULL, "%s", why.msg);
	cr_expect(strstr(why.msg, "up to 6") != NULL, "%s", why.msg);
	rig_fini(&rig);
}

static int
count_columns(struct store *st, const char *sql)
{
	sqlite3_stmt *stmt;
	int n;

	if (sqlite3_prepare_v2(st->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return -1;
	n = sqlite3_column_count(stmt);
	sqlite3_finalize(stmt);
	return n;
}

Test(migrate, takes_only_the_steps_that_are_lacking_in_order)
{
	static const struct schema_step steps[] = {
		{STORE_SCHEMA, "CREATE TABLE never(a)"},
		{STORE_SCHEMA + 1, "CREATE TABLE step(a)"},
		{STORE_SCHEMA + 2, "ALTER TABLE step ADD COLUMN b"},
		{0, NULL},
	};
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_open(&rig);
	MUST(store_migrate(rig.st, steps, STORE_SCHEMA + 2, &err));
	cr_expect_eq(count_columns(rig.st, "SELECT * FROM step"), 2);
	cr_expect_eq(count_columns(rig.st, "SELECT * FROM never"), -1);
	MUST(store_migrate(rig.st, steps, STORE_SCHEMA + 2, &err));
	cr_expect_eq(store_migrate(rig.st, steps, STORE_SCHEMA + 1, &why), -EPROTO);
	rig_fini(&rig);
}

Test(migrate, leaves_the_version_before_a_step_that_fails)
{
	static const struct schema_step bad[] = {
		{STORE_SCHEMA + 1, "CREATE TABLE half(a); CREATE TABLE half(a)"}, {0, NULL},
	};
	static const struct schema_step good[] = {
		{STORE_SCHEMA + 1, "CREATE TABLE half(a)"}, {0, NULL},
	};
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_open(&rig);
	cr_expect_lt(store_migrate(rig.st, bad, STORE_SCHEMA + 1, &why), 0);
	cr_expect_eq(count_columns(rig.st, "SELECT * FROM half"), -1);
	MUST(store_migrate(rig.st, good, STORE_SCHEMA + 1, &err));
	rig_fini(&rig);
}

static void
expect_main_fact(void *ctx, const struct row *row)
{
	const char *const *expected = ctx;

	if (row->kind != ROW_INSTANCE)
		return;
	if (*expected == NULL)
		cr_expect_null(row->u.instance.main_fact);
	else
		cr_expect_str_eq(row->u.instance.main_fact, *expected);
}

#define UNDO_5_6 "ALTER TABLE host DROP COLUMN link_lost_at; ALTER TABLE host DROP COLUMN nova_seen;" \
	"ALTER TABLE instance DROP COLUMN at_paused_at;" \
	"ALTER TABLE instance DROP COLUMN at_paused_ms;"

/* What the order of events/facts.def was then; what it is now does not matter. */
Test(migrate, turns_the_facts_numbers_of_version_1_into_names)
{
	static const struct { int number; const char *name; } was[] = {
		{-1, NULL}, {0, "instance.stopped"}, {2, "instance.paused"},
		{7, "instance.migrating"}, {13, "instance.resize_reverting"},
		{17, "instance.unscheduled"},
	};
	struct store_rig rig = rig_unopened();
	char sql[512];

	for (size_t i = 0; i < FM_ARRAY_LEN(was); i++) {
		rig_open(&rig);
		snprintf(sql, sizeof(sql), "DROP TABLE backlog; PRAGMA user_version = 1;"
			 "ALTER TABLE host DROP COLUMN seq_healed; DELETE FROM instance;"
			 "ALTER TABLE audit DROP COLUMN uid; ALTER TABLE audit DROP COLUMN role;"
			 "ALTER TABLE alarm DROP COLUMN maintenance;" UNDO_5_6
			 "INSERT INTO instance(uuid, main_fact) VALUES('u', %d)", was[i].number);
		MUST(store_exec(rig.st, sql, &err));
		rig_close(&rig);
		rig_open(&rig);
		MUST(store_each_row(rig.st, expect_main_fact, (void *)(uintptr_t)&was[i].name,
				    &err));
		rig_close(&rig);
	}
	rig_fini(&rig);
}

static bool
expect_old_audit(void *ctx, const struct store_audit *a)
{
	(*(int *)ctx)++;
	cr_expect_str_eq(a->user, "ann");
	cr_expect_eq(a->uid, UINT32_MAX);
	cr_expect_null(a->role);
	return true;
}

Test(migrate, keeps_the_trail_of_version_2)
{
	struct store_rig rig = rig_unopened();
	int seen = 0;

	rig_open(&rig);
	MUST(store_exec(rig.st, "ALTER TABLE audit DROP COLUMN uid;" UNDO_5_6
			"ALTER TABLE alarm DROP COLUMN maintenance;"
			"ALTER TABLE audit DROP COLUMN role; PRAGMA user_version = 2;"
			"INSERT INTO audit(at, user, verb, args, result)"
			" VALUES(1, 'ann', 'alarm-ack', 'x', 'done')", &err));
	rig_close(&rig);
	rig_open(&rig);
	MUST(store_audited(rig.st, 0, expect_old_audit, &seen, &err));
	cr_expect_eq(seen, 1);
	rig_fini(&rig);
}

/* ---- damage ---------------------------------------------------------------------- */

/* Leaves everything in the database file, nothing in the WAL, and no mark of a clean end. */
static void
write_and_crash(struct store_rig *rig)
{
	rig_open(rig);
	rig_raise(rig, 1, 200);
	cr_assert_eq(sqlite3_wal_checkpoint_v2(rig->st->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					       NULL), SQLITE_OK);
}

static void
flip(const char *dir, off_t at, size_t len)
{
	char path[128];
	unsigned char byte;

	snprintf(path, sizeof(path), "%s/fmd.db", dir);
	int fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0);
	for (size_t i = 0; i < len; i++) {
		cr_assert_eq(pread(fd, &byte, 1, at + (off_t)i), 1);
		byte ^= 0xff;
		cr_assert_eq(pwrite(fd, &byte, 1, at + (off_t)i), 1);
	}
	close(fd);
}

static off_t
pages_of(const char *dir)
{
	char path[128];
	struct stat s;

	snprintf(path, sizeof(path), "%s/fmd.db", dir);
	cr_assert_eq(stat(path, &s), 0);
	return s.st_size / 4096;
}

Test(damage, of_the_header_is_found)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_crash(&rig, write_and_crash);
	flip(rig.dir, 0, 16);
	cr_expect_eq(try_open(rig.dir, &why), -EUCLEAN);
	cr_expect(strstr(why.msg, "fmd.db") != NULL, "%s", why.msg);
	rig_fini(&rig);
}

Test(damage, of_any_page_is_found_after_a_crash)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_crash(&rig, write_and_crash);
	off_t pages = pages_of(rig.dir);
	cr_assert_gt(pages, 20);
	for (off_t page = 1; page < pages; page += 7) {
		flip(rig.dir, page * 4096, 64);
		cr_expect_eq(try_open(rig.dir, &why), -EUCLEAN, "page %ld", (long)page);
		flip(rig.dir, page * 4096, 64);
	}
	cr_expect_eq(try_open(rig.dir, &why), 0);
	rig_fini(&rig);
}

static uint64_t
hash_file(const char *dir)
{
	static unsigned char content[4 << 20];
	char path[128];

	snprintf(path, sizeof(path), "%s/fmd.db", dir);
	FILE *f = fopen(path, "re");
	cr_assert_not_null(f);
	size_t len = fread(content, 1, sizeof(content), f);
	fclose(f);
	return fm_hash64(content, len, 0);
}

Test(damage, leaves_the_file_as_it_was_for_recovery)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_crash(&rig, write_and_crash);
	flip(rig.dir, 5 * 4096, 64);
	uint64_t before = hash_file(rig.dir);
	cr_assert_eq(try_open(rig.dir, &why), -EUCLEAN);
	cr_expect_eq(before, hash_file(rig.dir));
	rig_fini(&rig);
}

Test(damage, is_not_looked_for_after_a_clean_end)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_open(&rig);
	rig_raise(&rig, 1, 200);
	rig_close(&rig);
	/* The oldest transitions: nothing at the start reads them. */
	flip(rig.dir, (pages_of(rig.dir) / 2) * 4096, 64);
	cr_expect_eq(try_open(rig.dir, &why), 0);
	rig_fini(&rig);
}

Test(damage, of_the_sequence_is_found)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why;

	rig_open(&rig);
	rig_raise(&rig, 1, 10);
	MUST(store_exec(rig.st, "DELETE FROM transition WHERE seq = 7", &err));
	rig.st->broken = -EIO;          /* no clean end */
	rig_close(&rig);
	cr_expect_eq(try_open(rig.dir, &why), -EUCLEAN);
	cr_expect(strstr(why.msg, "transition 7 is missing") != NULL, "%s", why.msg);
	rig_fini(&rig);
}
