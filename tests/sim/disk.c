/*
 * disk: SQLite's files in memory. A file is what the process sees (now) and what the disk holds
 * (disk): a write changes the first and marks its 512-byte sectors, a sync copies those over. When
 * the power goes, each marked sector survives or not, and so does a new length. The write during
 * which it goes is torn at any byte.
 *
 * Not modelled: a disk that lies about syncs, lost directory entries, misdirected writes.
 */
#include "tests/sim/sim.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECTOR 512
#define MAX_FILES 12

struct file {
	char *path;                     /* NULL: free */
	bool exists, watched;
	uint8_t *now, *disk;
	size_t size, disk_size, cap;
	size_t most;                    /* it ever was: beyond are zeros */
	uint8_t *dirty;                 /* of each sector */
	size_t n_dirty, lo, hi;         /* all of them are in lo .. hi-1 */
};

struct handle {
	sqlite3_file base;
	struct file *f;
};

static struct file files[MAX_FILES];
static char watched[128];
static uint64_t ops;
static enum fault planned;
static bool is_full, is_sick, power_pending;
static unsigned spare_writes;
static struct rng tear;
/* The write at hand, for one who wants to see it torn. */
static struct {
	struct file *f;
	const void *p;
	size_t n, at;
} writing;
void (*disk_on_op)(enum disk_op op, uint64_t number);
int64_t disk_sync_ns;

const char *const fault_name[FAULT_N] = {"none", "kill", "power", "full", "error"};
const char *const disk_op_name[DISK_N_OPS] = {"write", "sync", "truncate", "delete", "read"};

/* ---- files ---------------------------------------------------------------------------------- */

static size_t
sectors(size_t bytes)
{
	return (bytes + SECTOR - 1) / SECTOR;
}

static struct file *
find_file(const char *path, bool make)
{
	struct file *spare = NULL;

	for (unsigned i = 0; i < MAX_FILES; i++) {
		if (files[i].path != NULL && strcmp(files[i].path, path) == 0)
			return &files[i];
		if (files[i].path == NULL && spare == NULL)
			spare = &files[i];
	}
	if (!make)
		return NULL;
	fm_assert(spare != NULL);
	spare->path = fm_strdup(path);
	spare->watched = strncmp(path, watched, strlen(watched)) == 0;
	return spare;
}

static void
need(struct file *f, size_t size)
{
	size_t cap = f->cap != 0 ? f->cap : 1u << 20;

	if (size <= f->cap)
		return;
	while (cap < size)
		cap *= 2;
	f->now = fm_realloc(f->now, cap);
	f->disk = fm_realloc(f->disk, cap);
	f->dirty = fm_realloc(f->dirty, cap / SECTOR);
	memset(f->now + f->cap, 0, cap - f->cap);
	memset(f->disk + f->cap, 0, cap - f->cap);
	memset(f->dirty + f->cap / SECTOR, 0, (cap - f->cap) / SECTOR);
	f->cap = cap;
}

static void
mark(struct file *f, size_t from, size_t to)
{
	const size_t lo = from / SECTOR, hi = sectors(to);

	if (f->n_dirty == 0 || lo < f->lo)
		f->lo = lo;
	if (f->n_dirty == 0 || hi > f->hi)
		f->hi = hi;
	for (size_t s = lo; s < hi; s++) {
		f->n_dirty += !f->dirty[s];
		f->dirty[s] = 1;
	}
}

static void
put(struct file *f, const void *p, size_t n, size_t at)
{
	if (n == 0)
		return;
	need(f, at + n);
	/* A hole reads as zeros, also where something was before a truncation. */
	if (at > f->size)
		memset(f->now + f->size, 0, at - f->size);
	memcpy(f->now + at, p, n);
	mark(f, at, at + n);
	if (at + n > f->size)
		f->size = at + n;
	if (f->size > f->most)
		f->most = f->size;
}

static void
forget_dirty(struct file *f)
{
	if (f->n_dirty > 0)
		memset(f->dirty + f->lo, 0, f->hi - f->lo);
	f->n_dirty = f->lo = f->hi = 0;
}

static void
sync_file(struct file *f)
{
	for (size_t s = f->lo; s < f->hi; s++)
		if (f->dirty[s])
			memcpy(f->disk + s * SECTOR, f->now + s * SECTOR, SECTOR);
	forget_dirty(f);
	f->disk_size = f->size;
}

static void
lose(struct file *f, uint32_t survive)
{
	const size_t most = f->size > f->disk_size ? f->size : f->disk_size;

	for (size_t s = f->lo; s < f->hi; s++)
		if (f->dirty[s] && chance(&tear, survive))
			memcpy(f->disk + s * SECTOR, f->now + s * SECTOR, SECTOR);
	if (f->size != f->disk_size && chance(&tear, survive))
		f->disk_size = f->size;
	forget_dirty(f);
	if (f->cap > 0) {
		memset(f->disk + f->disk_size, 0, sectors(most) * SECTOR - f->disk_size);
		memcpy(f->now, f->disk, sectors(most) * SECTOR);
	}
	f->size = f->disk_size;
}

/* ---- faults --------------------------------------------------------------------------------- */

void
disk_plan(enum fault f, uint64_t seed)
{
	planned = f;
	tear.x = seed;
}

void
disk_heal(void)
{
	is_full = is_sick = false;
}

bool
disk_is_full(void)
{
	return is_full;
}

uint64_t
disk_ops(void)
{
	return ops;
}

void
disk_watch(const char *dir)
{
	snprintf(watched, sizeof(watched), "%s/", dir);
}

void
disk_lose_power(void)
{
	static const uint32_t survive[] = {0, 500, 900};
	const uint32_t p = survive[draw(&tear, FM_ARRAY_LEN(survive))];

	for (unsigned i = 0; i < MAX_FILES; i++)
		if (files[i].path != NULL && files[i].watched)
			lose(&files[i], p);
}

void
disk_process_ended(void)
{
	is_sick = false;
	if (power_pending)
		disk_lose_power();
	power_pending = false;
}

bool
disk_log_synced(void)
{
	for (unsigned i = 0; i < MAX_FILES; i++)
		if (files[i].path != NULL && files[i].watched && files[i].n_dirty > 0 &&
		    strstr(files[i].path, "-wal") != NULL)
			return false;
	return true;
}

/* What fmd keeps in reserve gives room for so many writes once it is given up. */
static bool
spare(void)
{
	char path[140];

	if (spare_writes == 0)
		return false;
	snprintf(path, sizeof(path), "%sreserve", watched);
	if (access(path, F_OK) == 0)
		return false;
	spare_writes--;
	return true;
}

static enum fault
fault_of(const struct file *f, enum disk_op op)
{
	enum fault now;

	if (!f->watched || !sim.alive)
		return FAULT_NONE;
	if (op != DISK_READ)
		ops++;
	if (disk_on_op != NULL)
		disk_on_op(op, ops);
	now = planned;
	planned = FAULT_NONE;
	if (now == FAULT_FULL) {
		is_full = true;
		spare_writes = draw(&tear, 400);
	}
	if (now == FAULT_ERROR) {
		power_pending = true;
		is_sick = draw(&tear, 2);
	}
	if (now == FAULT_KILL || now == FAULT_POWER || now == FAULT_ERROR)
		return now;
	if (is_sick)
		return FAULT_ERROR;
	return is_full && op == DISK_WRITE && !spare() ? FAULT_FULL : FAULT_NONE;
}

void
disk_die(enum fault f)
{
	if (writing.f != NULL)
		put(writing.f, writing.p, draw(&tear, (uint32_t)writing.n + 1), writing.at);
	if (f == FAULT_POWER)
		disk_lose_power();
}

static void
die(enum fault f)
{
	if (f == FAULT_POWER)
		disk_lose_power();
	world_die();
}

/* ---- SQLite's operations -------------------------------------------------------------------- */

static struct file *
file_of(sqlite3_file *h)
{
	return ((struct handle *)(void *)h)->f;
}

static int
x_close(sqlite3_file *h)
{
	(void)h;
	return SQLITE_OK;
}

static int
x_read(sqlite3_file *h, void *p, int n, sqlite3_int64 at)
{
	struct file *f = file_of(h);
	const size_t from = (size_t)at, len = (size_t)n;
	const enum fault fault = fault_of(f, DISK_READ);

	if (fault == FAULT_ERROR)
		return SQLITE_IOERR_READ;
	if (fault != FAULT_NONE)
		die(fault);
	if (from + len <= f->size) {
		memcpy(p, f->now + from, len);
		return SQLITE_OK;
	}
	memset(p, 0, len);
	if (from < f->size)
		memcpy(p, f->now + from, f->size - from);
	return SQLITE_IOERR_SHORT_READ;
}

static int
x_write(sqlite3_file *h, const void *p, int n, sqlite3_int64 at)
{
	struct file *f = file_of(h);
	const size_t to = (size_t)at, len = (size_t)n;
	enum fault fault;

	writing.f = f;
	writing.p = p;
	writing.n = len;
	writing.at = to;
	fault = fault_of(f, DISK_WRITE);
	writing.f = NULL;
	if (fault == FAULT_FULL)
		return SQLITE_FULL;
	put(f, p, fault == FAULT_NONE ? len : draw(&tear, (uint32_t)len + 1), to);
	if (fault == FAULT_ERROR)
		return SQLITE_IOERR_WRITE;
	if (fault != FAULT_NONE)
		die(fault);
	return SQLITE_OK;
}

static void
empty(struct file *f)
{
	forget_dirty(f);
	if (f->most > 0) {
		memset(f->now, 0, f->most);
		memset(f->disk, 0, f->most);
	}
	f->size = f->disk_size = f->most = 0;
	f->exists = false;
}

static void
truncate_to(struct file *f, size_t size)
{
	if (size >= f->size)
		return;
	memset(f->now + size, 0, f->size - size);
	mark(f, size, f->size);
	f->size = size;
}

static int
x_truncate(sqlite3_file *h, sqlite3_int64 size)
{
	struct file *f = file_of(h);
	const enum fault fault = fault_of(f, DISK_TRUNCATE);

	if (fault == FAULT_ERROR)
		return SQLITE_IOERR_TRUNCATE;
	if (fault == FAULT_NONE || draw(&tear, 2))
		truncate_to(f, (size_t)size);
	if (fault != FAULT_NONE)
		die(fault);
	return SQLITE_OK;
}

/* As ext4, XFS and Btrfs: after a failed one the pages count as clean, and are not written. */
static int
x_sync(sqlite3_file *h, int flags)
{
	struct file *f = file_of(h);
	const enum fault fault = fault_of(f, DISK_SYNC);

	(void)flags;
	if (f->watched && sim.alive)
		sim_sleep_until(sim_now() + disk_sync_ns);
	if (fault == FAULT_ERROR) {
		forget_dirty(f);
		return SQLITE_IOERR_FSYNC;
	}
	if (fault != FAULT_NONE && draw(&tear, 2))
		die(fault);
	sync_file(f);
	if (fault != FAULT_NONE)
		die(fault);
	return SQLITE_OK;
}

static int
x_size(sqlite3_file *h, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)file_of(h)->size;
	return SQLITE_OK;
}

static int
x_lock(sqlite3_file *h, int level)
{
	(void)h, (void)level;
	return SQLITE_OK;
}

static int
x_check_lock(sqlite3_file *h, int *ret)
{
	(void)h;
	*ret = 0;
	return SQLITE_OK;
}

static int
x_control(sqlite3_file *h, int op, void *arg)
{
	(void)h, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

/* Both as SQLite's own for Unix has them. */
static int
x_sector_size(sqlite3_file *h)
{
	(void)h;
	return 4096;
}

static int
x_characteristics(sqlite3_file *h)
{
	(void)h;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 1: no shared memory, so the write-ahead log needs the exclusive lock, as in fmd. */
static const sqlite3_io_methods methods = {
	.iVersion = 1, .xClose = x_close, .xRead = x_read, .xWrite = x_write,
	.xTruncate = x_truncate, .xSync = x_sync, .xFileSize = x_size, .xLock = x_lock,
	.xUnlock = x_lock, .xCheckReservedLock = x_check_lock, .xFileControl = x_control,
	.xSectorSize = x_sector_size, .xDeviceCharacteristics = x_characteristics,
};

static int
x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *h, int flags, int *ret_flags)
{
	struct handle *handle = (struct handle *)(void *)h;

	(void)vfs;
	fm_assert(name != NULL);        /* temp_store = MEMORY: no files without a name */
	handle->f = find_file(name, true);
	handle->f->exists = true;
	handle->base.pMethods = &methods;
	if (ret_flags != NULL)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int
x_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	struct file *f = find_file(name, false);
	enum fault fault;

	(void)vfs, (void)sync_dir;
	if (f == NULL || !f->exists)
		return SQLITE_IOERR_DELETE_NOENT;
	fault = fault_of(f, DISK_DELETE);
	if (fault == FAULT_ERROR)
		return SQLITE_IOERR_DELETE;
	if (fault == FAULT_NONE || draw(&tear, 2))
		empty(f);
	if (fault != FAULT_NONE)
		die(fault);
	return SQLITE_OK;
}

static int
x_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	const struct file *f = find_file(name, false);

	(void)vfs;
	*ret = f != NULL && f->exists && (flags != SQLITE_ACCESS_EXISTS || f->size > 0);
	return SQLITE_OK;
}

static int
x_full_path(sqlite3_vfs *vfs, const char *name, int n, char *ret)
{
	(void)vfs;
	sqlite3_snprintf(n, ret, "%s", name);
	return SQLITE_OK;
}

static int
x_random(sqlite3_vfs *vfs, int n, char *ret)
{
	static struct rng salt = {7};

	(void)vfs;
	for (int i = 0; i < n; i++)
		ret[i] = (char)draw(&salt, 256);
	return n;
}

static int
x_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int
x_time(sqlite3_vfs *vfs, double *ret)
{
	(void)vfs;
	*ret = 2460676.5;
	return SQLITE_OK;
}

static int
x_last_error(sqlite3_vfs *vfs, int n, char *ret)
{
	(void)vfs, (void)n, (void)ret;
	return 0;
}

void
disk_install(void)
{
	static sqlite3_vfs vfs = {
		.iVersion = 1, .szOsFile = sizeof(struct handle), .mxPathname = 512,
		.zName = "sim", .xOpen = x_open, .xDelete = x_delete, .xAccess = x_access,
		.xFullPathname = x_full_path, .xRandomness = x_random, .xSleep = x_sleep,
		.xCurrentTime = x_time, .xGetLastError = x_last_error,
	};

	fm_assert(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}

void
disk_format(void)
{
	for (unsigned i = 0; i < MAX_FILES; i++) {
		struct file *f = &files[i];

		free(f->path);
		empty(f);
		*f = (struct file){.now = f->now, .disk = f->disk, .dirty = f->dirty, .cap = f->cap};
	}
	ops = 0;
	planned = FAULT_NONE;
	is_full = is_sick = power_pending = false;
	disk_sync_ns = 0;
}

void
disk_empty_others(void)
{
	for (unsigned i = 0; i < MAX_FILES; i++)
		if (files[i].path != NULL && !files[i].watched)
			empty(&files[i]);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

void
disk_save(struct crate *s)
{
	for (unsigned i = 0; i < MAX_FILES; i++) {
		const struct file *f = &files[i];

		crate_put(s, f, sizeof(*f));
		if (f->path == NULL || !f->watched)
			continue;
		crate_put(s, f->now, f->most);
		crate_put(s, f->disk, f->most);
		crate_put(s, f->dirty, sectors(f->most));
	}
	crate_put(s, &ops, sizeof(ops));
	crate_put(s, &writing, sizeof(writing));
}

static void
restore_file(struct file *f, struct crate *s)
{
	struct file was = *f, is;

	crate_take(s, &is, sizeof(is));
	if (is.path == NULL && was.path != NULL && was.watched)
		empty(f);               /* made since then */
	if (is.path == NULL || !is.watched)
		return;
	*f = is;
	f->now = was.now;
	f->disk = was.disk;
	f->dirty = was.dirty;
	f->cap = was.cap;
	crate_take(s, f->now, is.most);
	crate_take(s, f->disk, is.most);
	crate_take(s, f->dirty, sectors(is.most));
	if (was.most > is.most) {
		memset(f->now + is.most, 0, was.most - is.most);
		memset(f->disk + is.most, 0, was.most - is.most);
		memset(f->dirty + sectors(is.most), 0, sectors(was.most) - sectors(is.most));
	}
}

void
disk_restore(struct crate *s)
{
	for (unsigned i = 0; i < MAX_FILES; i++)
		restore_file(&files[i], s);
	crate_take(s, &ops, sizeof(ops));
	crate_take(s, &writing, sizeof(writing));
	planned = FAULT_NONE;
	is_full = is_sick = power_pending = false;
}

uint64_t
disk_hash(void)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < MAX_FILES; i++)
		if (files[i].path != NULL && files[i].watched)
			h = fm_hash64(files[i].now, files[i].size, h);
	return h;
}
