/*
 * recorder: what is applied, as it is applied, into a file of "fm replay" (log.capture). Order of
 * arrival and the time that the core had reached stand in no topic; with them a replay makes the very
 * transitions that this daemon made.
 *
 * How long the file is stands in each transaction, and a start cuts off what is beyond: records that
 * were applied and not committed are read again, perhaps in another order and at another time.
 */
#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "offline/offline.h"

#define BUFFER (256u << 10)

struct recorder {
	FILE *f;
	char *path;
	uint64_t size, kept, most;      /* bytes; kept: as of the last commit */
	struct fm_buf line;
};

/* The length by the last commit, when it was this file. -1: none. */
static int64_t
length_by(const char *mark, const char *path)
{
	char *end;
	const long long size = mark != NULL ? strtoll(mark, &end, 10) : -1;

	return mark != NULL && *end == ' ' && strcmp(end + 1, path) == 0 ? size : -1;
}

static int
open_at(const char *path, int64_t size, int *ret, struct fm_err *err)
{
	/* It holds names of customers: for its owner alone. */
	const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	if (fstat(fd, &st) < 0)
		r = fm_fail(err, -errno, "%s: %m", path);
	else if (st.st_size > 0 && size < 0)
		r = fm_fail(err, -EEXIST, "%s: not a recording of this state directory; move it away or "
			    "name another (log.capture)", path);
	else if (st.st_size > size && size >= 0 && ftruncate(fd, size) < 0)
		r = fm_fail(err, -errno, "%s: %m", path);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

int
recorder_open(const char *path, const char *mark, uint64_t most, struct recorder **ret,
	      struct fm_err *err)
{
	const int64_t size = length_by(mark, path);
	struct recorder *rc;
	int fd = -1, r = open_at(path, size, &fd, err);

	if (r < 0)
		return r;
	rc = fm_calloc(1, sizeof(*rc));
	rc->f = fdopen(fd, "a");
	fm_assert(rc->f != NULL);
	(void)setvbuf(rc->f, NULL, _IOFBF, BUFFER);
	rc->path = fm_strdup(path);
	rc->size = rc->kept = (uint64_t)lseek(fd, 0, SEEK_END);
	rc->most = most;
	*ret = rc;
	return 0;
}

void
recorder_close(struct recorder *rc)
{
	if (rc == NULL)
		return;
	if (rc->f != NULL)
		fclose(rc->f);
	free(rc->path);
	fm_buf_fini(&rc->line);
	free(rc);
}

/* A recording with a hole is worse than one that ends, and neither may hold up the daemon. */
static void
end_recording(struct recorder *rc, const char *why)
{
	log_line(LOG_WARNING, "capture", "%s: %s; nothing more is recorded", rc->path, why);
	fclose(rc->f);
	rc->f = NULL;
}

void
recorder_put(struct recorder *rc, const struct kafka_record *rec, struct fm_time now)
{
	const struct offline_record out = {.topic = rec->topic, .partition = rec->partition,
		.offset = rec->offset, .ts = rec->ts, .now = now, .p = rec->p, .len = rec->len};

	if (rc->f == NULL)
		return;
	fm_buf_reset(&rc->line);
	capture_put(&rc->line, &out);
	if (rc->size + rc->line.len > rc->most) {
		end_recording(rc, "as large as log.capture_size allows");
		return;
	}
	rc->size += rc->line.len;
	if (fwrite(rc->line.s, 1, rc->line.len, rc->f) != rc->line.len)
		end_recording(rc, strerror(errno));
}

const char *
recorder_mark(struct recorder *rc)
{
	if (rc->f != NULL && fflush(rc->f) != 0)
		end_recording(rc, strerror(errno));
	fm_buf_reset(&rc->line);
	fm_buf_addf(&rc->line, "%llu %s", (unsigned long long)rc->size, rc->path);
	return rc->line.s;
}

void
recorder_kept(struct recorder *rc)
{
	rc->kept = rc->size;
}

/* What is still in the buffer is not wanted either. */
void
recorder_rewind(struct recorder *rc)
{
	if (rc->f == NULL)
		return;
	__fpurge(rc->f);
	if (ftruncate(fileno(rc->f), (off_t)rc->kept) < 0)
		end_recording(rc, strerror(errno));
	rc->size = rc->kept;
}
