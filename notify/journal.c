/*
 * journal: the sink that writes lines. Knows write(2) and nothing of what is written: the record is
 * one line as it comes, since JSON escapes a newline within a text.
 *
 * A line that fits only in part is refused. Into a pipe it goes on where it stopped when the outbox
 * offers it again; in a file what there is of it is cut off, as is at a start what a crash has left. To a
 * file, lines are written as they come and acked together after one fdatasync.
 */
#include "notify/notify.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct journal {
	struct sink sink;               /* first */
	/* immutable */
	int fd;
	bool file;                      /* has a disk below it to wait for */
	/* changed by offers */
	bool torn;                      /* begin with a newline: the last line may have no end */
	bool stuck;                     /* the last write to the file failed */
	size_t done;                    /* bytes of the line that is being written */
	uint64_t written;               /* whole lines up to here */
};

/* What was written of a line. It stays, and is gone on with, when the file cannot be cut. */
static void
take_back(struct journal *j)
{
	struct stat file;

	if (j->file && j->done > 0 && fstat(j->fd, &file) == 0 && file.st_size >= (off_t)j->done &&
	    ftruncate(j->fd, file.st_size - (off_t)j->done) == 0)
		j->done = 0;
}

/* Write line and newline from done on. Returns 0, or -EBUSY when there is no room for all. */
static int
write_line(struct journal *j, const char *line, size_t len)
{
	while (j->done <= len) {
		struct iovec iov[2] = {
			{(void *)(uintptr_t)(line + j->done), len - j->done},
			{(void *)(uintptr_t)"\n", 1},
		};
		ssize_t n = writev(j->fd, iov, 2);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -EBUSY : -errno;
		if (n == 0)
			return -EIO;
		j->done += (size_t)n;
	}
	j->done = 0;
	return 0;
}

/*
 * Nobody tells the outbox when a pipe has room, so that is a failure with a back-off to it, not
 * -EAGAIN.
 */
static int
journal_offer(struct sink *sink, const struct stored_transition *tr)
{
	struct journal *j = (struct journal *)sink;
	int r = j->torn ? write_line(j, "", 0) : 0;

	if (r < 0)
		return r;
	j->torn = false;
	r = write_line(j, tr->json, tr->len);
	j->stuck = r < 0;
	if (r == 0)
		j->written = tr->seq;
	else
		take_back(j);
	return r;
}

static void
journal_flush(struct sink *sink, struct fm_time now)
{
	struct journal *j = (struct journal *)sink;

	if (j->written == 0)
		return;
	if (j->file && fdatasync(j->fd) < 0) {
		outbox_failed(sink, now, "fdatasync failed");
		return;
	}
	uint64_t seq = j->written;
	j->written = 0;
	outbox_acked(sink, seq);
}

/* The same lines come again; half a line is ended where it is. */
static void
journal_reset(struct sink *sink)
{
	struct journal *j = (struct journal *)sink;

	j->written = 0;
	take_back(j);
	if (j->done > 0)
		j->torn = true;
	j->done = 0;
}

static void
journal_close(struct sink *sink)
{
	free(sink);
}

static const char *
journal_state(struct sink *sink)
{
	const struct journal *j = (const struct journal *)sink;

	if (j->file)
		return j->stuck ? "waiting for the disk" : "writing";
	return j->done > 0 ? "waiting for the reader" : "writing";
}

/* Where its last line begins; -1: it may not be read. */
static off_t
last_line(int fd, off_t size)
{
	char chunk[4096];

	while (size > 0) {
		const size_t n = size < (off_t)sizeof(chunk) ? (size_t)size : sizeof(chunk);
		const char *nl;

		if (pread(fd, chunk, n, size - (off_t)n) != (ssize_t)n)
			return -1;
		nl = memrchr(chunk, '\n', n);
		if (nl != NULL)
			return size - (off_t)n + (nl - chunk) + 1;
		size -= (off_t)n;
	}
	return 0;
}

/*
 * A file that does not end in a newline was being written when its writer died, and the line comes
 * again: it is cut off, if it looks like one of ours. Otherwise, or when it may not be read, the line is
 * ended: an empty one does less harm than two records in one.
 */
static bool
ends_torn(int fd, off_t size)
{
	const off_t at = last_line(fd, size);
	char first;

	if (at == size)
		return false;
	return at < 0 || pread(fd, &first, 1, at) != 1 || first != '{' || ftruncate(fd, at) < 0;
}

struct sink *
journal_sink_new(int fd)
{
	static const struct sink_ops ops = {
		.offer = journal_offer, .flush = journal_flush, .reset = journal_reset,
		.close = journal_close, .state = journal_state,
	};
	struct journal *j = fm_calloc(1, sizeof(*j));
	struct stat file;

	j->sink.ops = &ops;
	j->sink.name = "journal";
	j->fd = fd;
	if (fstat(fd, &file) == 0) {
		j->file = S_ISREG(file.st_mode);
		j->torn = j->file && ends_torn(fd, file.st_size);
	}
	return &j->sink;
}
