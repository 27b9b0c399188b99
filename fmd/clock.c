/* clock: the only file that reads clocks; everything else gets time as an argument. */
#include "fmd/daemon_priv.h"

#include <time.h>

struct fm_time
clock_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct fm_time){ts.tv_sec * FM_NS_PER_S + ts.tv_nsec};
}

/* As monotonic, but a suspend counts. */
int64_t
clock_boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * FM_NS_PER_S + ts.tv_nsec;
}

int64_t
clock_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * FM_NS_PER_S + ts.tv_nsec;
}
