/*
 * feed: an input as a source of choices, for targets whose inputs are not texts, and a file for
 * targets that read files. What is used up draws 0, so that every input is a whole story.
 */
#ifndef FM_FUZZ_FEED_H
#define FM_FUZZ_FEED_H

#include "base/base.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct feed {
	const uint8_t *p;
	size_t n;
};

static inline uint32_t
feed_byte(struct feed *f)
{
	if (f->n == 0)
		return 0;
	f->n--;
	return *f->p++;
}

/* 0..n-1; n up to 65536 */
static inline uint32_t
draw(struct feed *f, uint32_t n)
{
	uint32_t v = feed_byte(f);

	if (n > 256)
		v = v << 8 | feed_byte(f);
	return v % n;
}

static inline int64_t
draw_int64(struct feed *f)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | feed_byte(f);
	return (int64_t)v;
}

/* Up to max bytes of the input as a text, which ends at a NUL; to be freed. */
static inline char *
draw_text(struct feed *f, uint32_t max)
{
	size_t n = draw(f, max + 1);
	char *s;

	if (n > f->n)
		n = f->n;
	s = fm_strndup((const char *)f->p, n);
	f->p += n;
	f->n -= n;
	return s;
}

/* ---- files -------------------------------------------------------------------------------- */

static char feed_dir[] = "/tmp/fmd-fuzz-XXXXXX";

static void
feed_remove_dir(void)
{
	static const char *const files[] = {"fmd.db", "fmd.db-wal", "lock", "engine", "engine.new",
		"in", "again"};

	for (size_t i = 0; i < FM_ARRAY_LEN(files); i++) {
		char *path = fm_asprintf("%s/%s", feed_dir, files[i]);

		(void)unlink(path);
		free(path);
	}
	(void)rmdir(feed_dir);
}

/* A directory of this process, gone when it ends. */
static inline const char *
feed_directory(void)
{
	static bool made;

	if (!made) {
		fm_assert(mkdtemp(feed_dir) != NULL);
		fm_assert(atexit(feed_remove_dir) == 0);
		made = true;
	}
	return feed_dir;
}

/* The path of a file there with that content, to be freed. */
static inline char *
feed_file(const char *name, const void *p, size_t len)
{
	char *path = fm_asprintf("%s/%s", feed_directory(), name);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fm_assert(fd >= 0);
	fm_assert(write(fd, p, len) == (ssize_t)len);
	close(fd);
	return path;
}

#endif
