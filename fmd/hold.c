/*
 * hold: what is done while the disk is full (ADR 0015).
 *
 *               a write finds the disk full                      the same again
 *     READING ------------------------------> HELD, from reserve ---------------> HELD, dry
 *        ^                                        |        ^                          |
 *        |   room for the reserve and as much     |        +--------------------------+
 *        +----------------------------------------+           a small write succeeds
 *
 * Held: no input is read, and the core is as the store is, made anew from it as by a start, so that
 * nothing that was not stored is known, told or built upon. The reserve is a file made when there
 * was room; given up, it lets 990.003, commands and the sinks' cursors be stored. Dry: nothing is
 * begun that would have to be stored. Answers to "fm" go on all the time.
 */
#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TRY_S 5

/* What is free, or as much as can be when nobody knows. */
uint64_t
hold_disk_free(const struct daemon *d)
{
	struct statvfs fs;

	return statvfs(d->conf->state_dir, &fs) < 0 ? UINT64_MAX :
		(uint64_t)fs.f_bavail * fs.f_frsize;
}

/* ---- the reserve ----------------------------------------------------------------------------------- */

static char *
reserve_path(const struct daemon *d)
{
	return fm_asprintf("%s/reserve", d->conf->state_dir);
}

/* Blocks, not a hole: what is promised has to be there. */
static int
allocate(const char *path, off_t size)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) < 0 || fallocate(fd, 0, 0, size) < 0)
		r = -errno;
	close(fd);
	if (r < 0)
		(void)unlink(path);
	return r;
}

/* Only when as much again stays free: else the next write would give it up again. 0 or an errno. */
static int
take_reserve(struct daemon *d)
{
	const uint64_t size = d->conf->reserve;
	FM_CLEANUP(fm_freep) char *path = reserve_path(d);
	int r = 0;

	if (size == 0 || d->hold.reserved)
		return 0;
	r = hold_disk_free(d) / 2 < size ? -ENOSPC : allocate(path, (off_t)size);
	d->hold.reserved = r == 0;
	return r;
}

void
hold_release(struct daemon *d)
{
	FM_CLEANUP(fm_freep) char *path = reserve_path(d);

	(void)unlink(path);
	d->hold.reserved = false;
}

void
hold_start(struct daemon *d)
{
	const int r = take_reserve(d);

	if (r < 0)
		log_line(LOG_WARNING, "store", "%s/reserve: no reserve of %llu bytes (self.reserve): %s",
			 d->conf->state_dir, (unsigned long long)d->conf->reserve,
			 strerrordesc_np(-r));
}

/* ---- the hold -------------------------------------------------------------------------------------- */

/* False: nothing is running that could go on. */
bool
hold_begin(struct daemon *d)
{
	if (d->stopping || (!d->hold.on && d->source == NULL))
		return false;
	if (!d->hold.on)
		log_line(LOG_ERROR, "store", "%s; no input is read until there is room", d->err.msg);
	else if (!d->hold.dry)
		log_line(LOG_ERROR, "store", "%s; the reserve is used up", d->err.msg);
	d->hold.dry = d->hold.on || !d->hold.reserved;
	d->hold.on = true;
	d->hold.next_try = clock_mono_ns() + TRY_S * FM_NS_PER_S;
	daemon_close_source(d);
	hold_release(d);
	tell_manager("STATUS=The disk is full: no input is read");
	return engine_start_over(d) == 0;
}

const char *
hold_reason(const struct daemon *d)
{
	return d->hold.frozen ? "nothing was changed: the disk gives errors, and fmd is frozen" :
		"nothing was changed: the disk is full";
}

/* Whether a little can be stored. */
static bool
probe(struct daemon *d)
{
	int r = store_begin(d->store, &d->err);

	if (r == 0)
		r = store_put_meta(d->store, "probe", "", &d->err);
	if (r == 0)
		r = store_commit(d->store, &d->err);
	else
		store_rollback(d->store);
	if (r < 0 && r != -ENOSPC)
		engine_fail(d, r, "commit");
	return r == 0;
}

static void
end_hold(struct daemon *d)
{
	struct fm_err err = {0};

	d->hold.on = false;
	if (engine_catch_up_catalogue(d) < 0) {
		engine_fail(d, d->failed, "commit");
		return;
	}
	if (daemon_open_source(d, &err) < 0) {          /* as it was opened before */
		d->err = err;
		engine_fail(d, -EIO, "input");
		return;
	}
	log_line(LOG_NOTICE, "store", "there is room again: reading goes on where it was");
	tell_manager("STATUS=");
}

void
hold_tick(struct daemon *d)
{
	const int64_t now = clock_mono_ns();

	if (d->stopping || now < d->hold.next_try ||
	    (!d->hold.on && (d->hold.reserved || d->conf->reserve == 0)))
		return;
	d->hold.next_try = now + TRY_S * FM_NS_PER_S;
	if (d->hold.dry && probe(d))
		d->hold.dry = false;
	if (!d->hold.dry && !d->stopping && take_reserve(d) == 0 && d->hold.on)
		end_hold(d);
}
