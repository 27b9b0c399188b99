/*
 * loop: libuv and the clock, as far as fmd uses them, in virtual time. uv_run is the simulation: it
 * takes what is due next in the process or in the world around it, sets the clock there and calls.
 *
 * In quiet times timers come late, by up to sim.stretch, as on a machine that is busy with something
 * else: nothing fmd decides may depend on when it is woken.
 */
#include "tests/sim/sim.h"

#include "fmd/daemon_priv.h"

#include <signal.h>

#define MAX_HANDLES 16
#define BEGIN_S INT64_C(1767225600)     /* 2026 */
#define STEPS_AT_ONCE 100000
#define END_WITHIN (1200 * FM_NS_PER_S) /* twice the longest back-off */

enum what { W_NONE, W_TIMER, W_IDLE, W_POLL, W_SIGNAL };
struct watched {
	enum what what;
	uv_handle_t *h;
	bool on;
	int64_t due, repeat;
	int fd, number;
	uv_timer_cb on_timer;
	uv_idle_cb on_idle;
	uv_poll_cb on_poll;
	uv_signal_cb on_signal;
};

static struct watched handles[MAX_HANDLES];
static bool stop;
static int64_t now, wall_off, last_news;
static unsigned still;                  /* calls since time last moved */

/* ---- clock ---------------------------------------------------------------------------------- */

int64_t
sim_now(void)
{
	return now;
}

void
loop_format(void)
{
	loop_close_all();
	now = wall_off = last_news = 0;
	still = 0;
}

void
loop_save(struct crate *s)
{
	crate_put(s, handles, sizeof(handles));
	crate_put(s, &stop, sizeof(stop));
	crate_put(s, &now, sizeof(now));
	crate_put(s, &wall_off, sizeof(wall_off));
	crate_put(s, &last_news, sizeof(last_news));
}

void
loop_restore(struct crate *s)
{
	crate_take(s, handles, sizeof(handles));
	crate_take(s, &stop, sizeof(stop));
	crate_take(s, &now, sizeof(now));
	crate_take(s, &wall_off, sizeof(wall_off));
	crate_take(s, &last_news, sizeof(last_news));
	still = 0;
}

void
sim_sleep_until(int64_t at)
{
	if (at > now) {
		now = at;
		still = 0;
	}
}

struct fm_time
sim_wall(int64_t at)
{
	return (struct fm_time){BEGIN_S * FM_NS_PER_S + at};
}

void
sim_step_clock(struct fm_span by)
{
	wall_off += by.ns;
}

struct fm_time
clock_wall(void)
{
	return (struct fm_time){sim_wall(now).ns + wall_off};
}

/* Nothing suspends it. */
int64_t
clock_boot_ns(void)
{
	return clock_mono_ns();
}

int64_t
clock_mono_ns(void)
{
	return now + FM_NS_PER_S;       /* 0 means "not set" to fmd */
}

/* ---- handles -------------------------------------------------------------------------------- */

static struct watched *
handle_of(const void *h)
{
	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what != W_NONE && handles[i].h == h)
			return &handles[i];
	fm_assert(!"a handle that was initialised");
	return NULL;
}

static struct watched *
add(void *h, enum what what)
{
	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what == W_NONE) {
			handles[i] = (struct watched){.what = what, .h = h};
			return &handles[i];
		}
	fm_assert(!"room for a handle");
	return NULL;
}

void
loop_close_all(void)
{
	memset(handles, 0, sizeof(handles));
}

int
uv_loop_init(uv_loop_t *loop)
{
	(void)loop;
	loop_close_all();
	stop = false;
	last_news = now;
	return 0;
}

int
uv_loop_close(uv_loop_t *loop)
{
	(void)loop;
	return 0;
}

int
uv_timer_init(uv_loop_t *loop, uv_timer_t *t)
{
	(void)loop;
	add(t, W_TIMER);
	return 0;
}

int
uv_timer_start(uv_timer_t *t, uv_timer_cb cb, uint64_t ms, uint64_t repeat)
{
	struct watched *w = handle_of(t);

	w->on = true;
	w->on_timer = cb;
	w->due = now + (int64_t)ms * FM_NS_PER_MS;
	w->repeat = (int64_t)repeat * FM_NS_PER_MS;
	return 0;
}

int
uv_idle_init(uv_loop_t *loop, uv_idle_t *i)
{
	(void)loop;
	add(i, W_IDLE);
	return 0;
}

int
uv_idle_start(uv_idle_t *i, uv_idle_cb cb)
{
	struct watched *w = handle_of(i);

	w->on = true;
	w->on_idle = cb;
	return 0;
}

int
uv_idle_stop(uv_idle_t *i)
{
	handle_of(i)->on = false;
	return 0;
}

int
uv_poll_init(uv_loop_t *loop, uv_poll_t *p, int fd)
{
	(void)loop;
	add(p, W_POLL)->fd = fd;
	return 0;
}

int
uv_poll_start(uv_poll_t *p, int events, uv_poll_cb cb)
{
	struct watched *w = handle_of(p);

	(void)events;
	w->on = true;
	w->on_poll = cb;
	return 0;
}

int
uv_signal_init(uv_loop_t *loop, uv_signal_t *s)
{
	(void)loop;
	add(s, W_SIGNAL);
	return 0;
}

int
uv_signal_start(uv_signal_t *s, uv_signal_cb cb, int number)
{
	struct watched *w = handle_of(s);

	w->on = true;
	w->number = number;
	w->on_signal = cb;
	return 0;
}

void
uv_stop(uv_loop_t *loop)
{
	(void)loop;
	stop = true;
}

void
uv_walk(uv_loop_t *loop, uv_walk_cb cb, void *ctx)
{
	(void)loop;
	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what != W_NONE)
			cb(handles[i].h, ctx);
}

int
uv_is_closing(const uv_handle_t *h)
{
	(void)h;
	return 0;
}

void
uv_close(uv_handle_t *h, uv_close_cb cb)
{
	handle_of(h)->what = W_NONE;
	if (cb != NULL)
		cb(h);
}

/* ---- what happens next ---------------------------------------------------------------------- */

static void
poll_fd(int fd)
{
	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what == W_POLL && handles[i].on && handles[i].fd == fd) {
			handles[i].on_poll((uv_poll_t *)handles[i].h, 0, UV_READABLE);
			return;
		}
}

void
sim_signal(int number)
{
	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what == W_SIGNAL && handles[i].number == number) {
			handles[i].on_signal((uv_signal_t *)handles[i].h, number);
			return;
		}
}

static struct watched *
next_timer(void)
{
	struct watched *first = NULL;

	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what == W_TIMER && handles[i].on &&
		    (first == NULL || handles[i].due < first->due))
			first = &handles[i];
	return first;
}

static bool
run_idle(void)
{
	bool ran = false;

	for (unsigned i = 0; i < MAX_HANDLES && !stop; i++)
		if (handles[i].what == W_IDLE && handles[i].on) {
			handles[i].on_idle((uv_idle_t *)handles[i].h);
			ran = true;
		}
	return ran;
}

/* The world's next event, and what to do about it. */
enum source { S_NONE, S_ARRIVAL, S_WIRE, S_COMMAND, S_MORE, S_END };
static int64_t
next_news(enum source *ret, unsigned *ret_fd)
{
	const int64_t due[] = {SIM_NEVER, broker_next_arrival(), wires_next(ret_fd),
		commands_next(), sim.more_next != NULL ? sim.more_next() : SIM_NEVER,
		now < sim.end ? sim.end : SIM_NEVER};
	unsigned first = S_NONE;

	for (unsigned i = 1; i < FM_ARRAY_LEN(due); i++)
		if (due[i] < due[first])
			first = i;
	*ret = (enum source)first;
	return due[first];
}

static void
act(enum source s, unsigned fd)
{
	last_news = now;
	switch (s) {
	case S_NONE:
	case S_END:
		break;
	case S_ARRIVAL:
		broker_note_arrivals();
		poll_fd(SIM_FD_SOURCE);
		break;
	case S_WIRE:
		poll_fd((int)fd);
		break;
	case S_COMMAND:
		commands_act();
		break;
	case S_MORE:
		sim.more_act();
		break;
	}
}

/* How late a timer may be: the longer nothing has happened, the more. */
static int64_t
lateness(void)
{
	const int64_t quiet = now - last_news;

	if (quiet < 3 * FM_NS_PER_S)
		return 0;
	return quiet / 4 < sim.stretch ? quiet / 4 : sim.stretch;
}

static void
run_timer(struct watched *w)
{
	w->on = w->repeat > 0;
	w->due = now + w->repeat;
	w->on_timer((uv_timer_t *)w->h);
}

static void
step(void)
{
	enum source s;
	unsigned fd = 0;
	struct watched *timer;
	int64_t news, at;

	if (++still > STEPS_AT_ONCE)
		wrong("liveness", "%u steps without any time", still);
	if (sim.end > 0 && now > sim.end + END_WITHIN)
		wrong("liveness", "%d s after the end of trouble it still waits for %s",
		      (int)(END_WITHIN / FM_NS_PER_S), world_waits_for());
	if (run_idle() || stop)
		return;
	news = next_news(&s, &fd);
	timer = next_timer();
	at = timer != NULL ? timer->due + lateness() : SIM_NEVER;
	fm_assert(news != SIM_NEVER || at != SIM_NEVER);
	sim_sleep_until(news <= at ? news : at);
	if (news <= at)
		act(s, fd);
	else
		run_timer(timer);
	/* The one that decides when it is over: by SIGTERM, as an operator would. */
	if (!stop && now >= sim.end && sim.may_end != NULL && sim.may_end())
		sim_signal(SIGTERM);
}

static bool
is_empty(void)
{
	for (unsigned i = 0; i < MAX_HANDLES; i++)
		if (handles[i].what != W_NONE)
			return false;
	return true;
}

/* As libuv's, it returns when nothing is open. */
int
uv_run(uv_loop_t *loop, uv_run_mode mode)
{
	(void)loop, (void)mode;
	while (!stop && !is_wrong() && !is_empty())
		step();
	return 0;
}
