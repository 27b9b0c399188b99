/*
 * steady: the wall clock without its steps, for what waits. Time goes on as CLOCK_BOOTTIME does, which
 * nobody sets and which counts a suspend; the wall clock is only followed.
 *
 *     wall - ours      what is done
 *     0 .. 2 s         taken over: that is how NTP corrects
 *     behind us        ours goes slower by a tenth until they meet: never back, nothing fires early
 *     > 2 s ahead      a step. When all input is heard, every deadline is moved along by it, so that
 *                      what it waits for is as long as ever; until then ours goes on without it
 *
 * Before all input has been heard once in this run, a step is taken over: what is being waited for is
 * in a backlog then, and a machine that has just booted may have its clock set (ADR 0001).
 *
 * A step is told by 990.012, for a while or for as long as ours is ahead.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>

#define STEP_NS (2 * FM_NS_PER_S)
#define CLOCK_ID "990.012"
#define CLOCK "service=fmd.clock=system"

void
steady_start(struct daemon *d)
{
	d->steady = (struct steady){.boot = clock_boot_ns(),
		.time = fm_time_max(clock_wall(), corr_now(d->corr))};
}

static void
tell(struct daemon *d, const char *how, int64_t by)
{
	char text[200];

	snprintf(text, sizeof(text), "The clock was set %s by %lld s; what fmd waits for takes as long "
		 "as before", how, (long long)((by + FM_NS_PER_S / 2) / FM_NS_PER_S));
	log_line(LOG_WARNING, "clock", "%s", text);
	d->steady.quiet_at = clock_mono_ns() + d->conf->quiet.ns;
	self_set(d, CLOCK_ID, CLOCK, true, text);
}

static void
step_forward(struct daemon *d, struct fm_time wall, bool heard)
{
	struct steady *s = &d->steady;
	const int64_t by = wall.ns - s->time.ns;

	if (s->lived && !heard)
		return;
	if (s->lived)
		corr_stepped(d->corr, (struct fm_span){by});
	s->time = wall;
	if (s->lived)
		tell(d, "forward", by);
}

static void
fall_back(struct daemon *d, struct fm_time wall, int64_t elapsed)
{
	struct steady *s = &d->steady;
	const int64_t ahead = s->time.ns - wall.ns;

	s->time = fm_time_max(wall, (struct fm_time){s->time.ns - elapsed / 10});
	if (ahead > STEP_NS && s->ahead <= STEP_NS)
		tell(d, "back", ahead - (s->ahead > 0 ? s->ahead : 0));
	s->ahead = ahead;
}

/* Since the last look. */
struct fm_span
steady_gap(const struct daemon *d)
{
	return (struct fm_span){clock_boot_ns() - d->steady.boot};
}

/* Not while nothing can be stored: what it does to deadlines would be lost. */
void
steady_look(struct daemon *d, bool heard)
{
	struct steady *s = &d->steady;
	const int64_t boot = clock_boot_ns(), elapsed = boot - s->boot;
	const struct fm_time wall = clock_wall();

	if (d->hold.dry)
		return;
	s->boot = boot;
	s->time.ns += elapsed;
	s->lived |= heard;
	if (wall.ns - s->time.ns > STEP_NS) {
		step_forward(d, wall, heard);
	} else if (wall.ns >= s->time.ns) {
		s->time = wall;
		s->ahead = 0;
	} else {
		fall_back(d, wall, elapsed);
	}
}

void
steady_tick(struct daemon *d)
{
	struct steady *s = &d->steady;

	if (s->quiet_at == 0)           /* what the last run saw */
		s->quiet_at = clock_mono_ns() + d->conf->quiet.ns;
	if (s->ahead <= STEP_NS && clock_mono_ns() >= s->quiet_at)
		self_level(d, CLOCK_ID, CLOCK, false, "");
}
