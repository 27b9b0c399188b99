/* LINK: fm_store */
#include "store_rig.h"

#include <fcntl.h>
#include <sys/stat.h>

#define AT ((struct fm_time){1795777200 * FM_NS_PER_S})

static bool
is_there(const struct store_rig *rig, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
	return access(path, F_OK) == 0;
}

static void
move(const struct store_rig *rig, const char *from, const char *to)
{
	char a[160], b[160];

	snprintf(a, sizeof(a), "%s/%s", rig->dir, from);
	snprintf(b, sizeof(b), "%s/%s", rig->dir, to);
	cr_assert_eq(rename(a, b), 0, "%s", from);
}

static void
copy(const struct store_rig *rig, const char *from, const char *to)
{
	static char content[4 << 20];
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", rig->dir, from);
	FILE *f = fopen(path, "re");
	cr_assert_not_null(f);
	const size_t n = fread(content, 1, sizeof(content), f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/%s", rig->dir, to);
	f = fopen(path, "we");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(content, 1, n, f), n);
	fclose(f);
}

/* In the middle, which a start after a crash reads. */
static void
damage(const struct store_rig *rig, const char *name)
{
	char path[160], junk[4096];
	struct stat s;

	memset(junk, 0xa5, sizeof(junk));
	snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
	cr_assert_eq(stat(path, &s), 0);
	int fd = open(path, O_WRONLY);
	for (off_t page = 2; page < s.st_size / 4096; page += 3)
		cr_assert_eq(pwrite(fd, junk, sizeof(junk), page * 4096), 4096);
	close(fd);
}

/* All is in the file, which is then damaged. */
static void
end_damaged(struct store_rig *rig)
{
	cr_assert_eq(sqlite3_wal_checkpoint_v2(rig->st->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					       NULL), SQLITE_OK);
	rig->st->broken = -EIO;
	rig_close(rig);
	damage(rig, "fmd.db");
}

static unsigned
count_evidence(const struct store_rig *rig)
{
	DIR *d = opendir(rig->dir);
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(d)) != NULL; )
		n += strncmp(e->d_name, "fmd.db.corrupt-", 15) == 0 &&
			strstr(e->d_name, "-wal") == NULL;
	closedir(d);
	return n;
}

static void
back_up(struct store_rig *rig)
{
	MUST(store_backup_now(rig->st, STORE_BACKUP, AT, &err));
}

/* 1..40 are in the copy, 41..60 came later; the end is a crash. */
static void
copy_then_write(struct store_rig *rig)
{
	rig_open(rig);
	rig_raise(rig, 1, 40);
	back_up(rig);
	rig_raise(rig, 41, 60);
	MUST(store_checkpoint_now(rig->st, &err));
	rig_raise(rig, 61, 70);         /* in the WAL */
}

static void
expect_the_copy(struct store_rig *rig, uint64_t last)
{
	char *copy_of = NULL;

	cr_expect_eq(store_last_seq(rig->st), last);
	cr_assert_eq(store_meta(rig->st, "copy_of", &copy_of), 0);
	cr_expect_eq(strncmp(copy_of, "2026-11-27T", 11), 0, "%s", copy_of);
	free(copy_of);
	rig_raise(rig, 100, 101);
	cr_expect_eq(store_last_seq(rig->st), last + 2);
}

Test(backup, has_what_was_written_while_it_was_made)
{
	struct store_rig rig = rig_unopened();
	char stream[FM_UUID_STR];
	unsigned steps = 0;
	int r = 0;

	rig_open(&rig);
	rig_raise(&rig, 1, 300);
	memcpy(stream, store_stream(rig.st), sizeof(stream));
	MUST(store_backup_begin(rig.st, STORE_BACKUP, AT, &err));
	for (; r == 0; steps++) {
		struct fm_err err = {0};

		cr_expect(store_backup_running(rig.st));
		rig_raise(&rig, 301 + steps, 301 + steps);
		r = store_backup_step(rig.st, 8, &err);
		cr_assert_geq(r, 0, "%s", err.msg);
	}
	cr_expect_gt(steps, 5);
	cr_expect_not(store_backup_running(rig.st));
	cr_expect_not(is_there(&rig, "fmd.backup.part"));
	cr_expect_str_eq(store_stream(rig.st), stream);
	rig_close(&rig);

	move(&rig, STORE_BACKUP, "fmd.db");
	rig_open(&rig);
	cr_expect_null(store_recovered(rig.st));
	cr_expect_str_neq(store_stream(rig.st), stream);
	expect_the_copy(&rig, 300 + steps);
	rig_fini(&rig);
}

Test(backup, finds_each_alarm_s_past_after_it_and_after_one_of_it)
{
	struct store_rig rig = rig_unopened();
	const struct fm_uuid uuid = alarm_uuid("200.004", "host=compute-7", (struct fm_time){1}, 1);
	const struct store_query q = {.kind = -1, .uuid = &uuid};

	rig_open(&rig);
	for (int round = 1; round <= 3; round++) {
		rig_raise(&rig, 1, 20);
		back_up(&rig);
		end_damaged(&rig);
		rig_open(&rig);
		cr_expect_eq(rig_query(&rig, q).n, (size_t)round);
	}
	rig_fini(&rig);
}

Test(recovery, puts_a_damaged_file_aside_and_the_copy_in_its_place)
{
	struct store_rig rig = rig_unopened();

	rig_crash(&rig, copy_then_write);
	damage(&rig, "fmd.db");
	rig_open(&rig);
	cr_assert_not_null(store_recovered(rig.st));
	cr_expect_not_null(strstr(store_recovered(rig.st), "fmd.db"));
	expect_the_copy(&rig, 40);
	cr_expect_eq(count_evidence(&rig), 1);
	cr_expect(is_there(&rig, STORE_BACKUP));
	rig_close(&rig);
	rig_open(&rig);                 /* once */
	cr_expect_null(store_recovered(rig.st));
	cr_expect_eq(store_last_seq(rig.st), 42);
	rig_fini(&rig);
}

Test(recovery, takes_the_copy_before_when_the_last_one_is_damaged_too)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	rig_raise(&rig, 1, 30);
	back_up(&rig);
	rig_raise(&rig, 31, 50);
	back_up(&rig);
	end_damaged(&rig);
	damage(&rig, STORE_BACKUP);
	rig_open(&rig);
	expect_the_copy(&rig, 30);
	rig_fini(&rig);
}

Test(recovery, without_a_whole_copy_leaves_all_as_it_was)
{
	struct store_rig rig = rig_unopened();
	struct store *st = NULL;
	struct fm_err why = {0};

	rig_crash(&rig, copy_then_write);
	damage(&rig, "fmd.db");
	damage(&rig, STORE_BACKUP);
	rig.opt.dir = rig.dir;
	cr_expect_eq(store_open(&rig.opt, &st, &why), -EUCLEAN);
	cr_expect_not_null(strstr(why.msg, "no whole copy"), "%s", why.msg);
	cr_expect_eq(count_evidence(&rig), 0);
	cr_expect(is_there(&rig, "fmd.db") && is_there(&rig, "fmd.db-wal"));
	cr_expect_not(is_there(&rig, "fmd.db.new") || is_there(&rig, "fmd.db.part"));
	rig_fini(&rig);
}

Test(recovery, never_begins_with_nothing_beside_a_copy)
{
	struct store_rig rig = rig_unopened();

	for (int empty = 0; empty <= 1; empty++) {
		rig_open(&rig);
		if (empty == 0)
			rig_raise(&rig, 1, 40);
		back_up(&rig);
		rig_close(&rig);
		move(&rig, "fmd.db", "gone");
		if (empty == 1)
			copy(&rig, "lock", "fmd.db");
		char path[160];
		snprintf(path, sizeof(path), "%s/fmd.db", rig.dir);
		cr_assert(empty == 0 || truncate(path, 0) == 0);
		rig_open(&rig);
		cr_expect_not_null(store_recovered(rig.st));
		cr_expect_eq(store_last_seq(rig.st), 40);
		rig_close(&rig);
	}
	rig_fini(&rig);
}

Test(recovery, never_begins_with_nothing_beside_a_trace_of_its_caller)
{
	static const char *const traces[] = {"failure", "reserve", NULL};
	struct store_rig rig = rig_unopened();
	struct store *st = NULL;
	struct fm_err why = {0};

	rig.opt.traces = traces;
	char path[160];
	snprintf(path, sizeof(path), "%s/failure", rig.dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	rig_open(&rig);                 /* the first start; what it did not make is no trace */
	rig_close(&rig);
	move(&rig, "fmd.db", "reserve");
	cr_expect_eq(store_open(&rig.opt, &st, &why), -EUCLEAN);
	cr_expect_not_null(strstr(why.msg, "missing or empty beside reserve"), "%s", why.msg);
	cr_expect_not(is_there(&rig, "fmd.db"));
	move(&rig, "reserve", "fmd.db");
	rig_open(&rig);
	rig_fini(&rig);
}

/* Each state that a crash on the way can leave. */
Test(recovery, goes_on_where_it_was_interrupted)
{
	static const char *const done[] = {"new", "new,link", "new,link,wal", "part"};

	for (size_t i = 0; i < FM_ARRAY_LEN(done); i++) {
		struct store_rig rig = rig_unopened();

		rig_crash(&rig, copy_then_write);
		damage(&rig, "fmd.db");
		copy(&rig, STORE_BACKUP, strcmp(done[i], "part") == 0 ? "fmd.db.part" : "fmd.db.new");
		if (strstr(done[i], "link") != NULL)
			copy(&rig, "fmd.db", "fmd.db.corrupt-2026-11-27T00:00:00Z");
		if (strstr(done[i], "wal") != NULL)
			move(&rig, "fmd.db-wal", "fmd.db.corrupt-2026-11-27T00:00:00Z-wal");
		rig_open(&rig);
		expect_the_copy(&rig, 40);
		cr_expect_geq(count_evidence(&rig), 1);
		cr_expect_not(is_there(&rig, "fmd.db.new"));
		rig_fini(&rig);
	}
}

Test(recovery, keeps_the_evidence_of_the_last_two)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	rig_raise(&rig, 1, 40);
	back_up(&rig);
	for (int day = 1; day <= 4; day++) {
		end_damaged(&rig);
		rig.opt.now = (struct fm_time){day * 86400 * FM_NS_PER_S};
		rig_open(&rig);
	}
	cr_expect_eq(count_evidence(&rig), 2);
	cr_expect(is_there(&rig, "fmd.db.corrupt-1970-01-05T00:00:00.000Z") ||
		  is_there(&rig, "fmd.db.corrupt-1970-01-05T00:00:00.000000Z"));
	rig_fini(&rig);
}

Test(backup, that_cannot_be_written_leaves_the_last_one)
{
	struct store_rig rig = rig_unopened();
	struct fm_err why = {0};
	char path[160];

	rig_open(&rig);
	rig_raise(&rig, 1, 40);
	back_up(&rig);
	snprintf(path, sizeof(path), "%s/fmd.backup.part", rig.dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_lt(store_backup_begin(rig.st, STORE_BACKUP, AT, &why), 0);
	cr_expect_not(store_backup_running(rig.st));
	cr_expect(is_there(&rig, STORE_BACKUP));
	rig_raise(&rig, 41, 42);
	rmdir(path);
	back_up(&rig);
	rig_fini(&rig);
}

/* The way back, one version each. */
static const char *const back_from[] = {
	[2] = "DROP TABLE backlog; ALTER TABLE host DROP COLUMN seq_healed",
	[3] = "ALTER TABLE audit DROP COLUMN uid; ALTER TABLE audit DROP COLUMN role",
	[4] = "ALTER TABLE alarm DROP COLUMN maintenance",
	[5] = "ALTER TABLE host DROP COLUMN link_lost_at; ALTER TABLE host DROP COLUMN nova_seen",
	[6] = "ALTER TABLE instance DROP COLUMN at_paused_at;"
	      "ALTER TABLE instance DROP COLUMN at_paused_ms",
};

Test(backup, is_made_before_the_tables_of_any_version_change)
{
	cr_assert_eq(FM_ARRAY_LEN(back_from), STORE_SCHEMA + 1, "say how to undo the new step");
	for (int version = 1; version < STORE_SCHEMA; version++) {
		struct store_rig rig = rig_unopened();
		char name[32], sql[64];

		rig.opt.now = AT;
		rig_open(&rig);
		rig_raise(&rig, 1, 40);
		for (int v = STORE_SCHEMA; v > version; v--)
			MUST(store_exec(rig.st, back_from[v], &err));
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
		MUST(store_exec(rig.st, sql, &err));
		rig_close(&rig);
		rig_open(&rig);
		cr_expect_eq(store_last_seq(rig.st), 40);
		rig_raise(&rig, 41, 42);
		rig_close(&rig);
		snprintf(name, sizeof(name), "fmd.db.v%d", version);
		move(&rig, name, "fmd.db");
		rig_open(&rig);
		expect_the_copy(&rig, 40);
		rig_fini(&rig);
	}
}
