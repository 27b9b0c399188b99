/*
 * open: from a directory to a checked, migrated, locked store, and back. Every step either takes
 * the store one further or says which file is the matter; store_close accepts any of them.
 */
#include "store/store_priv.h"

#include "base/bug.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- directory, lock, file ------------------------------------------------------- */

/*
 * All the ways of not being let in are one to the caller. A file system that has become read-only is
 * none of them: that is what errors make of it, and a later start may find it mended.
 */
static int
code_of_errno(int no)
{
	return no == EPERM || no == ELOOP ? -EACCES : no == EROFS ? -EIO : -no;
}

static int
enter_dir(struct store *st, const char *dir, struct fm_err *err)
{
	if (!st->read_only && mkdir(dir, 0750) < 0 && errno != EEXIST)
		return fm_fail(err, code_of_errno(errno), "%s: cannot make the directory: %m", dir);
	/* SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path; those above dir are fine. */
	st->dir = realpath(dir, NULL);
	if (st->dir == NULL)
		return fm_fail(err, code_of_errno(errno), "%s: %m", dir);
	st->path = fm_asprintf("%s/fmd.db", st->dir);
	return 0;
}

static int
refuse_second(struct store *st, struct fm_err *err)
{
	char pid[32];
	ssize_t n = pread(st->lock_fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return fm_fail(err, -EBUSY, "%s: in use by another fmd (pid %s)", st->dir,
		       pid[0] != '\0' ? pid : "unknown");
}

static int
lock_dir(struct store *st, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *path = fm_asprintf("%s/lock", st->dir);

	st->lock_fd = open(path, (st->read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW,
			   0640);
	if (st->lock_fd < 0)
		return fm_fail(err, code_of_errno(errno), "%s: %m", path);
	if (flock(st->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse_second(st, err);
		return fm_fail(err, code_of_errno(errno), "%s: cannot lock: %m", path);
	}
	/* For people only: the lock is the flock, so a full disk may leave this empty. */
	if (!st->read_only && ftruncate(st->lock_fd, 0) == 0)
		(void)!dprintf(st->lock_fd, "%ld\n", (long)getpid());
	return 0;
}

/* SQLite would make it readable to all. */
static int
make_file(struct store *st, struct fm_err *err)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	int there = 0;

	/* To SQLite an empty file is none. */
	if (vfs->xAccess(vfs, st->path, SQLITE_ACCESS_EXISTS, &there) != SQLITE_OK)
		return fm_fail(err, -EIO, "%s: %m", st->path);
	const char *beside = there ? NULL : store_trace(st);

	if (beside != NULL)
		return fm_fail(err, -EUCLEAN, "%s: missing or empty beside %s", st->path, beside);

	int fd = open(st->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return fm_fail(err, code_of_errno(errno), "%s: %m", st->path);
	return 0;
}

/* ---- connection ------------------------------------------------------------------ */

static int
note_wal(void *ctx, sqlite3 *db, const char *name, int frames)
{
	struct store *st = ctx;

	(void)db;
	(void)name;
	st->wal_frames = (uint64_t)frames;
	return SQLITE_OK;
}

static int
connect_file(struct store *st, struct fm_err *err)
{
	int flags = (st->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
		SQLITE_OPEN_NOMUTEX;
#ifdef SQLITE_OPEN_NOFOLLOW
	flags |= SQLITE_OPEN_NOFOLLOW;
#endif
	/* SQLite's exclusive lock needs a file that can be written; ours is held anyway. */
	int rc = sqlite3_open_v2(st->path, &st->db, flags, st->read_only ? "unix-none" : NULL);

	if (st->db == NULL)
		return fm_fail(err, -ENOMEM, "%s: %s", st->path, sqlite3_errstr(rc));
	if (rc != SQLITE_OK)
		return store_sql_fail(st, "open", err);
	/* Without the right to write SQLite opens for reading. */
	if (!st->read_only && sqlite3_db_readonly(st->db, "main") != 0)
		return fm_fail(err, -EACCES, "%s: not writable", st->path);
	return 0;
}

/* What a start that fails half-way leaves, it leaves as it found it. */
static void
keep_wal_on_close(struct store *st, int on)
{
	sqlite3_db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on, NULL);
}

static void
restrict_sql(struct store *st)
{
	static const int on[] = {SQLITE_DBCONFIG_DEFENSIVE};
	static const int off[] = {
		SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
		SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_ENABLE_TRIGGER,
		SQLITE_DBCONFIG_ENABLE_VIEW,
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(on); i++)
		sqlite3_db_config(st->db, on[i], 1, NULL);
	for (size_t i = 0; i < FM_ARRAY_LEN(off); i++)
		sqlite3_db_config(st->db, off[i], 0, NULL);
	sqlite3_limit(st->db, SQLITE_LIMIT_ATTACHED, 0);
}

static int
require_wal(struct store *st, struct fm_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = store_prepare(st, "PRAGMA journal_mode", &stmt, err);

	if (r < 0)
		return r;
	const char *mode = sqlite3_step(stmt) == SQLITE_ROW
				   ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (mode == NULL || strcmp(mode, "wal") != 0)
		r = fm_fail(err, -EIO, "%s: cannot keep a write-ahead log here", st->path);
	sqlite3_finalize(stmt);
	return r;
}

/*
 * locking_mode comes before the first access, so that the WAL's index is in memory and not in a
 * file that others could map. secure_delete is on in Debian and would write every freed page;
 * cell_size_check costs little and finds damage where it is read. A cache of 32 MiB took about
 * a quarter off SQLite's CPU per transition against 8 MiB (100,000 alarms); 64 MiB took no more.
 */
static int
configure(struct store *st, struct fm_err *err)
{
	static const char *const pragmas[] = {
		"PRAGMA locking_mode = EXCLUSIVE",
		"PRAGMA mmap_size = 0",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA cell_size_check = ON",
		"PRAGMA secure_delete = OFF",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cache_size = -32768",
		"PRAGMA page_size = 4096",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA wal_autocheckpoint = 0",
		"PRAGMA journal_size_limit = 67108864",
	};

	keep_wal_on_close(st, 1);
	restrict_sql(st);
	for (size_t i = 0; i < FM_ARRAY_LEN(pragmas); i++) {
		int r = store_exec(st, pragmas[i], err);
		if (r < 0)
			return r;
	}
	if (FM_BUG(SYNC_NORMAL))
		(void)!store_exec(st, "PRAGMA synchronous = NORMAL", err);
	sqlite3_wal_hook(st->db, note_wal, st);
	return require_wal(st, err);
}

/* As it was left, with what its log has; a database of another version is not read. */
static int
configure_reading(struct store *st, struct fm_err *err)
{
	int64_t version = 0;
	int r;

	keep_wal_on_close(st, 1);
	restrict_sql(st);
	r = store_exec(st, "PRAGMA locking_mode = EXCLUSIVE", err);
	if (r == 0)
		r = store_schema_version(st, &version, err);
	if (r == 0 && version != STORE_SCHEMA)
		r = fm_fail(err, -EPROTO, "%s: of another version, and cannot be changed now", st->path);
	return r;
}

/* ---- identity -------------------------------------------------------------------- */

/* A random (version 4) UUID. */
static int
make_stream(struct store *st, struct fm_err *err)
{
	struct fm_uuid uuid;

	if (getrandom(uuid.b, sizeof(uuid.b), 0) != (ssize_t)sizeof(uuid.b))
		return fm_fail(err, -EIO, "getrandom: %m");
	uuid.b[6] = (uint8_t)((uuid.b[6] & 0x0f) | 0x40);
	uuid.b[8] = (uint8_t)((uuid.b[8] & 0x3f) | 0x80);
	fm_uuid_format(&uuid, st->stream);
	return store_put_self_blob(st, "stream", st->stream, FM_UUID_STR - 1, err);
}

/* From here on this store is in use: until it is closed, an end is a crash. */
static int
mark_in_use(struct store *st, const void *unused, struct fm_err *err)
{
	(void)unused;
	int r = store_put_self_int(st, "clean", 0, err);
	if (r == 0 && store_get_self_blob(st, "stream", st->stream, FM_UUID_STR - 1) < 0)
		r = make_stream(st, err);
	return r;
}

static int
mark_clean(struct store *st, const void *unused, struct fm_err *err)
{
	(void)unused;
	int r = st->chains.saved_seq != st->log.committed ? store_save_chains(st, NULL, err) : 0;
	return r < 0 ? r : store_put_self_int(st, "clean", 1, err);
}

/* quick_check reads all it checks, so it is for the starts that follow a crash. */
static int
check_unless_clean(struct store *st, struct fm_err *err)
{
	int64_t clean = 0;

	if (store_get_self_int(st, "clean", &clean) == 0 && clean == 1)
		return 0;
	return store_check(st, err);
}

static int
load_rows(struct store *st, struct fm_err *err)
{
	int r = store_read_ids(st, SQL_SPAN_TRANSITION, &st->log, err);

	if (r == 0)
		r = store_read_ids(st, SQL_SPAN_AUDIT, &st->audit, err);
	if (r == 0)
		r = store_read_ids(st, SQL_SPAN_QUARANTINE, &st->quarantine, err);
	store_note_backlog(st);
	return r == 0 ? store_load_chains(st, err) : r;
}

static int
load(struct store *st, struct fm_err *err)
{
	const int r = store_transact(st, mark_in_use, NULL, err);

	return r == 0 ? load_rows(st, err) : r;
}

static int
load_reading(struct store *st, struct fm_err *err)
{
	if (store_get_self_blob(st, "stream", st->stream, FM_UUID_STR - 1) < 0)
		return fm_fail(err, -EUCLEAN, "%s: has no stream", st->path);
	st->broken = -EIO;
	return load_rows(st, err);
}

static int
migrate(struct store *st, struct fm_err *err)
{
	return store_migrate(st, store_schema_steps(), STORE_SCHEMA, err);
}

/* ---- open and close -------------------------------------------------------------- */

/* Steps from the file on: they may be gone once more, with a copy in the file's place. */
static int
open_file(struct store *st, struct fm_err *err)
{
	static int (*const writing[])(struct store *, struct fm_err *) = {
		make_file, connect_file, configure, migrate, store_prepare_all,
		check_unless_clean, load, NULL,
	};
	static int (*const reading[])(struct store *, struct fm_err *) = {
		connect_file, configure_reading, store_prepare_all, load_reading, NULL,
	};
	int (*const *step)(struct store *, struct fm_err *) = st->read_only ? reading : writing;
	int r = 0;

	if (store_recovery_unfinished(st))
		return fm_fail(err, -EUCLEAN, "%s: a recovery was interrupted", st->path);
	for (; r == 0 && *step != NULL; step++)
		r = (*step)(st, err);
	return r;
}

static void
close_connection(struct store *st)
{
	if (st->db == NULL)
		return;
	store_backup_stop(st);
	store_rollback(st);
	if (st->broken != 0 || store_transact(st, mark_clean, NULL, NULL) < 0)
		keep_wal_on_close(st, 1);
	store_finalize_all(st);
	sqlite3_close(st->db);
	st->db = NULL;
}

static void
forget_file(struct store *st)
{
	close_connection(st);
	store_free_cycle(st);
	store_free_chains(st);
	memset(st->sql, 0, sizeof(st->sql));
	memset(st->put_row, 0, sizeof(st->put_row));
	memset(st->del_row, 0, sizeof(st->del_row));
	memset(st->each_row, 0, sizeof(st->each_row));
	memset(&st->chains, 0, sizeof(st->chains));
	st->broken = 0;
	st->wal_frames = 0;
}

static int
open_copy_instead(struct store *st, struct fm_err *err)
{
	struct fm_err why = *err;
	int r;

	st->broken = -EUCLEAN;          /* nothing of it is written at its close */
	forget_file(st);
	r = store_recover(st, st->opened_at, err);
	if (r < 0) {
		struct fm_err also = *err;

		return fm_fail(err, r, "%.200s; %.200s. What is there stays: see fmd(8), RECOVERY",
			       why.msg, also.msg);
	}
	st->recovered = fm_asprintf("%s; put aside, and a copy is in its place", why.msg);
	return open_file(st, err);
}

int
store_open(const struct store_options *opt, struct store **ret, struct fm_err *err)
{
	struct store *st = fm_calloc(1, sizeof(*st));

	st->lock_fd = -1;
	st->max_transitions = opt->max_transitions;
	st->max_age = opt->max_age;
	st->max_backlog = opt->max_backlog;
	st->opened_at = opt->now;
	st->read_only = opt->read_only;
	st->traces = opt->traces;
	int r = enter_dir(st, opt->dir, err);
	if (r == 0)
		r = lock_dir(st, err);
	if (r == 0)
		r = open_file(st, err);
	if (r == -EUCLEAN && !st->read_only)
		r = open_copy_instead(st, err);
	if (r < 0) {
		if (st->broken == 0)
			st->broken = r;
		store_close(st);
		return r;
	}
	keep_wal_on_close(st, 0);
	store_note_place(st);
	*ret = st;
	return 0;
}

const char *
store_recovered(const struct store *st)
{
	return st->recovered;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	close_connection(st);
	store_free_cycle(st);
	store_free_chains(st);
	if (st->lock_fd >= 0)
		close(st->lock_fd);
	free(st->recovered);
	free(st->dir);
	free(st->path);
	free(st);
}
