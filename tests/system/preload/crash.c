/*
 * Preloaded into fmd by tests: while the file that FMD_TEST_CRASH names has a byte '1', a thread of
 * librdkafka that is given bytes by a broker reads from nowhere.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile char *volatile nowhere;

/* The sanitizers would make an orderly end of it. */
__attribute__((no_sanitize_address, no_sanitize_undefined, noinline)) static void
read_from_nowhere(void)
{
	(void)*nowhere;
}

static void
crash_if_told(void)
{
	const char *path = getenv("FMD_TEST_CRASH");
	const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char name[16] = "", c = '0';

	if (fd < 0)
		return;
	(void)!read(fd, &c, 1);
	close(fd);
	(void)prctl(PR_GET_NAME, name);
	if (c == '1' && strncmp(name, "rdk:", 4) == 0)
		read_from_nowhere();
}

__attribute__((visibility("default"))) ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	const ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);

	if (n > 0)
		crash_if_told();
	return n;
}

__attribute__((visibility("default"))) ssize_t
recv(int fd, void *p, size_t size, int flags)
{
	const ssize_t n = syscall(SYS_recvfrom, fd, p, size, flags, NULL, NULL);

	if (n > 0)
		crash_if_told();
	return n;
}
