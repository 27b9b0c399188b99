/*
 * place: whether the files that SQLite has open are the ones that the next start will find. SQLite
 * writes on into a file that has been removed, and all of it is gone with the process.
 */
#include "store/store_priv.h"

#include <sys/stat.h>

static struct place
look(const char *path)
{
	struct stat file;

	return stat(path, &file) < 0 ? (struct place){0} :
		(struct place){.dev = file.st_dev, .ino = file.st_ino};
}

/* SQLite may have its files elsewhere than in the file system, as in the simulation. */
static int
compare(const char *path, const struct place *was, struct fm_err *err)
{
	const struct place is = look(path);

	if (was->ino == 0 || (is.dev == was->dev && is.ino == was->ino))
		return 0;
	return fm_fail(err, -ESTALE, is.ino == 0 ? "%s: removed while in use" :
		       "%s: another file has taken its place while it was in use", path);
}

/* The write-ahead log is there from the first commit on, and stays the same file until the close. */
void
store_note_place(struct store *st)
{
	FM_CLEANUP(fm_freep) char *wal = fm_asprintf("%s-wal", st->path);

	st->file = look(st->path);
	st->wal = look(wal);
}

int
store_in_place(struct store *st, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *wal = fm_asprintf("%s-wal", st->path);
	int r;

	if (st->read_only)
		return 0;
	r = compare(st->path, &st->file, err);
	if (r == 0)
		r = compare(wal, &st->wal, err);
	if (r < 0)
		st->broken = r;
	return r;
}
