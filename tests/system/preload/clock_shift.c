/*
 * Preloaded into fmd by tests: moves its clocks while it runs, as somebody who sets the wall clock
 * does, or a suspend. FMD_TEST_CLOCK names a file of two 64-bit numbers, in nanoseconds: what the wall
 * clock is ahead, and what CLOCK_BOOTTIME is. CLOCK_MONOTONIC, which neither moves, stays.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void
map(void)
{
	const char *path = getenv("FMD_TEST_CLOCK");
	const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, 2 * sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (p == MAP_FAILED)
		abort();
	shift = p;
	close(fd);
}

__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *ts)
{
	const int r = (int)syscall(SYS_clock_gettime, id, ts);
	int64_t ns;

	if (r != 0 || shift == NULL)
		return r;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ns = shift[0];
	else if (id == CLOCK_BOOTTIME)
		ns = shift[1];
	else
		return 0;
	ns += ts->tv_sec * 1000000000 + ts->tv_nsec;
	ts->tv_sec = ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}
