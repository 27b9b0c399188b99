/*
 * backup: copies of the database beside it, made page by page between cycles by sqlite3_backup on the
 * one connection (ADR 0002, 0016), so that what is written meanwhile is in the copy too. Knows
 * nothing of how one is put to use: recover.c.
 *
 *     DIR/fmd.backup.part  under way      DIR/fmd.backup  the last one      DIR/fmd.backup.1  before it
 *
 * A copy has no stream: whoever opens it gives it a new one, for the old one has gone on since, and
 * its numbers must not come again with other contents.
 */
#include "store/store_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int
fail_copy(struct store *st, const char *what, struct fm_err *err)
{
	sqlite3 *db = st->copy.db;
	const int code = sqlite3_errcode(db);
	const int no = sqlite3_system_errno(db);
	const int r = code == SQLITE_FULL || no == ENOSPC || no == EDQUOT ? -ENOSPC : -EIO;

	return fm_fail(err, r, "%s: %s: %s", st->copy.part, what, sqlite3_errmsg(db));
}

static void
forget_part(const char *part)
{
	FM_CLEANUP(fm_freep) char *journal = fm_asprintf("%s-journal", part);
	FM_CLEANUP(fm_freep) char *wal = fm_asprintf("%s-wal", part);

	(void)unlink(part);
	(void)unlink(journal);
	(void)unlink(wal);
}

/* Of the source nothing is left behind; the file goes when it is not whole. */
void
store_backup_stop(struct store *st)
{
	struct copy *c = &st->copy;

	if (c->part == NULL)
		return;
	if (c->job != NULL)
		(void)sqlite3_backup_finish(c->job);
	(void)sqlite3_close(c->db);
	forget_part(c->part);
	if (c->fd >= 0)
		close(c->fd);
	free(c->part);
	free(c->name);
	*c = (struct copy){.fd = -1};
}

bool
store_backup_running(const struct store *st)
{
	return st->copy.part != NULL;
}

static int
open_copy(struct store *st, struct fm_err *err)
{
	struct copy *c = &st->copy;

	c->fd = open(c->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (c->fd < 0)
		return fm_fail(err, errno == ENOSPC ? -ENOSPC : -EIO, "%s: %m", c->part);
	if (sqlite3_open_v2(c->part, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return fail_copy(st, "open", err);
	c->job = sqlite3_backup_init(c->db, "main", st->db, "main");
	return c->job == NULL ? fail_copy(st, "copy", err) : 0;
}

int
store_backup_begin(struct store *st, const char *name, struct fm_time now, struct fm_err *err)
{
	struct copy *c = &st->copy;

	fm_assert(st->cycle.state == CYCLE_NONE && c->part == NULL);
	*c = (struct copy){.fd = -1, .at = now, .name = fm_asprintf("%s/%s", st->dir, name),
		.part = fm_asprintf("%s/fmd.backup.part", st->dir)};
	forget_part(c->part);
	const int r = open_copy(st, err);

	if (r < 0)
		store_backup_stop(st);
	return r;
}

/* ---- the end of it ------------------------------------------------------------------------------- */

/*
 * WAL mode is a mark in the file, copied with the rest: the edits go without. The chains' slots
 * depend on the first stream there was (chain.c).
 */
static int
mark_copy(struct store *st, struct fm_err *err)
{
	char time[FM_TIME_STR], *sql;
	int r = 0;

	sql = sqlite3_mprintf(
		"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN;"
		"INSERT OR IGNORE INTO self SELECT 'chain.of', value FROM self WHERE name = 'stream';"
		"REPLACE INTO meta SELECT 'copy_of', '%q ' || value FROM self WHERE name = 'stream';"
		"DELETE FROM self WHERE name = 'stream';"
		"REPLACE INTO self VALUES('clean', 0);"
		"COMMIT", fm_time_format(st->copy.at, time));
	if (sqlite3_exec(st->copy.db, sql, NULL, NULL, NULL) != SQLITE_OK)
		r = fail_copy(st, "mark", err);
	sqlite3_free(sql);
	return r;
}

/* The file's content first, then its name: SQLite has not synced what it did not write itself. */
static int
name_copy(struct store *st, struct fm_err *err)
{
	struct copy *c = &st->copy;
	FM_CLEANUP(fm_freep) char *older = fm_asprintf("%s.1", c->name);
	int fd;

	if (fsync(c->fd) < 0)
		return fm_fail(err, -EIO, "%s: %m", c->part);
	if (rename(c->name, older) < 0 && errno != ENOENT)
		return fm_fail(err, -EIO, "%s: %m", older);
	if (rename(c->part, c->name) < 0)
		return fm_fail(err, -EIO, "%s: %m", c->name);
	fd = open(st->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!fsync(fd);
		close(fd);
	}
	return 0;
}

static int
end_copy(struct store *st, struct fm_err *err)
{
	int r = 0;

	if (sqlite3_backup_finish(st->copy.job) != SQLITE_OK)
		r = fail_copy(st, "copy", err);
	st->copy.job = NULL;
	if (r == 0)
		r = mark_copy(st, err);
	if (r == 0 && sqlite3_close(st->copy.db) != SQLITE_OK)
		r = fail_copy(st, "close", err);
	else if (r == 0)
		st->copy.db = NULL;
	if (r == 0)
		r = name_copy(st, err);
	store_backup_stop(st);
	return r;
}

int
store_backup_step(struct store *st, int pages, struct fm_err *err)
{
	fm_assert(st->cycle.state == CYCLE_NONE && st->copy.job != NULL);
	const int rc = sqlite3_backup_step(st->copy.job, pages);

	if (rc == SQLITE_DONE) {
		const int r = end_copy(st, err);

		return r < 0 ? r : 1;
	}
	if (rc == SQLITE_OK) {
		/* Begun now, so that the last one is short. */
		(void)!sync_file_range(st->copy.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		return 0;
	}
	/* The connection of the copy has the words only after the end. */
	(void)sqlite3_backup_finish(st->copy.job);
	st->copy.job = NULL;
	const int r = fail_copy(st, "copy", err);

	store_backup_stop(st);
	return r;
}

int
store_backup_now(struct store *st, const char *name, struct fm_time now, struct fm_err *err)
{
	int r = store_backup_begin(st, name, now, err);

	while (r == 0)
		r = store_backup_step(st, -1, err);
	return r < 0 ? r : 0;
}
