/*
 * file: opening, examining and reading. Knows nothing about what is in a file.
 */
#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int
check_owner(const struct stat *st, const char *path, struct fm_err *err)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	return fm_fail(err, -EACCES, "%s: owned by uid %u, must be root's or that of the user fmd"
		       " runs as", path, (unsigned)st->st_uid);
}

static bool
group_may_read(const struct stat *st)
{
	return st->st_uid == 0 && (st->st_gid == 0 || st->st_gid == getegid());
}

static int
check_mode(const struct stat *st, enum fm_trust trust, const char *path, struct fm_err *err)
{
	const unsigned mode = st->st_mode & 07777;

	if (trust == FM_FILE_CONFIG)
		return (mode & 022) == 0 ? 0 : fm_fail(err, -EACCES, "%s: mode %04o lets others"
			" than its owner write it, must be 0644 or less", path, mode);
	if ((mode & (group_may_read(st) ? 037u : 077u)) == 0)
		return 0;
	return fm_fail(err, -EACCES, "%s: mode %04o lets others read or write the secret, must be"
		       " 0600 or less, or 0640 of root and fmd's group", path, mode);
}

static int
check(int fd, enum fm_trust trust, const char *path, struct fm_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	if (!S_ISREG(st.st_mode))
		return fm_fail(err, -EINVAL, "%s: not a regular file", path);
	if (trust == FM_FILE_ANY)
		return 0;
	int r = check_owner(&st, path, err);
	return r < 0 ? r : check_mode(&st, trust, path, err);
}

static int
open_checked(const char *path, enum fm_trust trust, int *ret, struct fm_err *err)
{
	/* O_NONBLOCK: a pipe with the name of the file must not hold up the start. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		      (trust == FM_FILE_ANY ? 0 : O_NOFOLLOW));
	if (fd < 0 && errno == ELOOP && trust != FM_FILE_ANY)
		return fm_fail(err, -EACCES, "%s: a symbolic link, must be a regular file", path);
	if (fd < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	int r = check(fd, trust, path, err);
	if (r < 0)
		close(fd);
	else
		*ret = fd;
	return r;
}

static ssize_t
read_some(int fd, void *buf, size_t cap)
{
	ssize_t n;

	do
		n = read(fd, buf, cap);
	while (n < 0 && errno == EINTR);
	return n;
}

int
fm_file_read(const char *path, enum fm_trust trust, size_t max, struct fm_buf *ret,
	     struct fm_err *err)
{
	FM_CLEANUP(closep) int fd = -1;
	char chunk[16384];
	ssize_t n = 0;
	int r = open_checked(path, trust, &fd, err);

	if (r < 0)
		return r;
	for (size_t left = max; left > 0; left -= (size_t)n) {
		n = read_some(fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk));
		if (n <= 0)
			break;
		fm_buf_add(ret, chunk, (size_t)n);
	}
	return n < 0 ? fm_fail(err, -errno, "%s: %m", path) : 0;
}

int
fm_file_check(const char *path, enum fm_trust trust, struct fm_err *err)
{
	FM_CLEANUP(closep) int fd = -1;

	return open_checked(path, trust, &fd, err);
}

/*
 * From now on the process holds a secret: nobody but root gets an image of it, be it a core dump
 * (RLIMIT_CORE says nothing to a core_pattern that is a pipe) or through /proc and ptrace.
 */
static void
close_memory(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

int
fm_file_read_secret(const char *path, char *buf, size_t cap, struct fm_err *err)
{
	FM_CLEANUP(closep) int fd = -1;
	size_t len = 0;
	ssize_t n = 0;
	fm_assert(cap > 0 && cap <= FM_MAX_SECRET);
	close_memory();
	int r = open_checked(path, FM_FILE_SECRET, &fd, err);

	if (r < 0)
		return r;
	while (len < cap && (n = read_some(fd, buf + len, cap - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	if (len == cap)
		return fm_fail(err, -EFBIG, "%s: longer than %zu octets", path, cap - 1);
	buf[len] = '\0';
	return (int)len;
}
