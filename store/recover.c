/*
 * recover: a damaged database is put aside, never deleted, and the newest whole copy takes its place
 * (ADR 0016). Every step may be the last one of this process:
 *
 *     copy the backup to fmd.db.new (by another name until it is whole)
 *     link fmd.db to fmd.db.corrupt-TIME     then its WAL goes there too: it must not meet another file
 *     rename fmd.db.new to fmd.db
 *
 * An fmd.db.new that a start finds means that the last steps are to be done yet.
 */
#include "store/store_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVIDENCE "fmd.db.corrupt-"
#define EVIDENCE_KEPT 2
#define EVIDENCE_MAX 1000
#define CHUNK ((size_t)1 << 16)

static const char *const backups[] = {STORE_BACKUP, STORE_BACKUP ".1"};

static char *
in_dir(const struct store *st, const char *name)
{
	return fm_asprintf("%s/%s", st->dir, name);
}

static bool
exists(const struct store *st, const char *name)
{
	FM_CLEANUP(fm_freep) char *path = in_dir(st, name);

	return access(path, F_OK) == 0;
}

/* A directory of that name is somebody else's. */
static bool
is_file(const struct store *st, const char *name)
{
	FM_CLEANUP(fm_freep) char *path = in_dir(st, name);
	struct stat file;

	return lstat(path, &file) == 0 && S_ISREG(file.st_mode);
}

const char *
store_trace(const struct store *st)
{
	for (size_t i = 0; i < FM_ARRAY_LEN(backups); i++)
		if (exists(st, backups[i]))
			return backups[i];
	for (const char *const *name = st->traces; name != NULL && *name != NULL; name++)
		if (is_file(st, *name))
			return *name;
	return NULL;
}

bool
store_recovery_unfinished(const struct store *st)
{
	return exists(st, "fmd.db.new");
}

static void
sync_dir(const struct store *st)
{
	const int fd = open(st->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!fsync(fd);
	close(fd);
}

/* ---- evidence ---------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names sort by time; a WAL goes with its database. */
static void
prune_evidence(const struct store *st)
{
	char *name[EVIDENCE_MAX];
	unsigned n = 0;
	DIR *dir = opendir(st->dir);
	const struct dirent *e;

	while (dir != NULL && n < EVIDENCE_MAX && (e = readdir(dir)) != NULL)
		if (strncmp(e->d_name, EVIDENCE, strlen(EVIDENCE)) == 0 &&
		    strstr(e->d_name, "-wal") == NULL)
			name[n++] = fm_strdup(e->d_name);
	if (dir != NULL)
		closedir(dir);
	qsort(name, n, sizeof(name[0]), by_name);
	for (unsigned i = 0; i < n; i++) {
		FM_CLEANUP(fm_freep) char *path = in_dir(st, name[i]);
		FM_CLEANUP(fm_freep) char *wal = fm_asprintf("%s-wal", path);

		if (i + EVIDENCE_KEPT < n) {
			(void)unlink(path);
			(void)unlink(wal);
		}
		free(name[i]);
	}
}

/* What is there already was put there by an earlier try. */
static int
put_aside(const struct store *st, struct fm_time now, struct fm_err *err)
{
	char time[FM_TIME_STR];
	FM_CLEANUP(fm_freep) char *to = fm_asprintf("%s/" EVIDENCE "%s", st->dir,
						    fm_time_format(now, time));
	FM_CLEANUP(fm_freep) char *wal = fm_asprintf("%s-wal", st->path);
	FM_CLEANUP(fm_freep) char *wal_to = fm_asprintf("%s-wal", to);

	if (link(st->path, to) < 0 && errno != ENOENT && errno != EEXIST)
		return fm_fail(err, -EIO, "%s: %m", to);
	if (rename(wal, wal_to) < 0 && errno != ENOENT)
		return fm_fail(err, -EIO, "%s: %m", wal_to);
	return 0;
}

/* ---- the copy ---------------------------------------------------------------------------------- */

/* By a connection of its own, which is closed before the file is anybody's database. */
static bool
is_whole(const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	bool whole = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
		SQLITE_OK;

	whole = whole && sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) ==
		SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
		strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return whole;
}

static int
copy_bytes(int from, int to)
{
	FM_CLEANUP(fm_freep) char *chunk = fm_malloc(CHUNK);
	ssize_t n;

	while ((n = read(from, chunk, CHUNK)) > 0)
		for (ssize_t done = 0, k; done < n; done += k) {
			k = write(to, chunk + done, (size_t)(n - done));
			if (k < 0)
				return -errno;
		}
	return n < 0 || fsync(to) < 0 ? -errno : 0;
}

static int
copy_file(const char *from, const char *to, struct fm_err *err)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	int r = in < 0 || out < 0 ? -errno : copy_bytes(in, out);

	if (r < 0)
		r = fm_fail(err, r == -ENOSPC ? r : -EIO, "%s: %s", to, strerrordesc_np(-r));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return r;
}

static int
prepare_new(const struct store *st, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *part = in_dir(st, "fmd.db.part");
	FM_CLEANUP(fm_freep) char *new = in_dir(st, "fmd.db.new");

	for (size_t i = 0; i < FM_ARRAY_LEN(backups); i++) {
		FM_CLEANUP(fm_freep) char *from = in_dir(st, backups[i]);

		if (access(from, F_OK) < 0 || !is_whole(from))
			continue;
		const int r = copy_file(from, part, err);

		if (r < 0)
			return r;
		if (rename(part, new) < 0)
			return fm_fail(err, -EIO, "%s: %m", new);
		sync_dir(st);
		return 0;
	}
	return fm_fail(err, -EUCLEAN, "there is no whole copy (fmd.backup)");
}

int
store_recover(struct store *st, struct fm_time now, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *new = in_dir(st, "fmd.db.new");
	int r = store_recovery_unfinished(st) ? 0 : prepare_new(st, err);

	if (r == 0)
		r = put_aside(st, now, err);
	if (r < 0)
		return r;
	sync_dir(st);
	if (rename(new, st->path) < 0)
		return fm_fail(err, -EIO, "%s: %m", st->path);
	sync_dir(st);
	prune_evidence(st);
	return 0;
}
