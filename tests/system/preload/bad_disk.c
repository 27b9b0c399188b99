/*
 * Preloaded into fmd by tests: while the file that FMD_TEST_DISK names has a byte '1', no sync of its
 * database succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
is_bad(int fd)
{
	const char *path = getenv("FMD_TEST_DISK");
	const int f = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char link[64], name[4096], c = '0';
	ssize_t n;

	if (f >= 0) {
		(void)!read(f, &c, 1);
		close(f);
	}
	if (c != '1')
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	return strstr(name, "/fmd.db") != NULL;
}

static int
sync_by(long call, int fd)
{
	if (!is_bad(fd))
		return (int)syscall(call, fd);
	errno = EIO;
	return -1;
}

__attribute__((visibility("default"))) int
fsync(int fd)
{
	return sync_by(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int
fdatasync(int fd)
{
	return sync_by(SYS_fdatasync, fd);
}
