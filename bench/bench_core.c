/*
 * bench_core: events per second through the correlator, by number of instances it knows. The events
 * are decoded before the clock starts. Three mixes, each over random instances:
 *
 *   quiet    levels that say nothing new, the bulk of what a cloud sends
 *   usual    quiet, with 2 % that change state without an alarm and 0.1 % that make a transition
 *   busy     the same with 2.5 % transitions
 *
 * Then every tenth instance, on its own:
 *
 *   opening  begins to migrate: an attempt each, with its alarm and its deadlines
 *   moving   the usual mix while these are open, every fourth event about one of them
 *   closing  has moved
 *
 * and, of at most 100,000 instances:
 *
 *   failing  a disk error each, as of a storage that has gone: one alarm each, groups by the hundred
 *   healing  runs again
 *
 * BENCH_INSTANCES in the environment picks one size, BENCH_EVENTS the events per mix.
 *
 * LINK: fm_correlator fm_catload
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "correlator/correlator.h"

#define HOSTS 1000
#define TENTH 10                        /* of the instances migrate */
#define FAIL_MAX 100000
#define RATE_FLUSH 50000                /* events between two flushes, as the daemon does */

struct rng {
	uint64_t x;
};

static uint32_t
draw(struct rng *r, uint32_t n)
{
	r->x = r->x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((r->x >> 33) % n);
}

/* Of this thread's processor time: a busy neighbour does not count. */
static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Resident, as what is only reserved costs nothing. */
static size_t
used_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	malloc_trim(0);
	if (f == NULL || fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

struct bench {
	struct correlator *corr;
	struct fm_time at;
	char host[HOSTS][16];
	uint64_t seq[HOSTS];
	uint64_t transitions, rows;
	unsigned instances;
};

static void
count_transition(void *ctx, struct transition *tr)
{
	struct bench *b = ctx;

	b->transitions += tr->kind != TR_PURGE;
}

static void
count_row(void *ctx, const struct row *row)
{
	struct bench *b = ctx;

	(void)row;
	b->rows++;
}

static void
set_instance(struct event *ev, uint32_t n)
{
	const uint64_t mixed = fm_hash64(&n, sizeof(n), 1);

	memcpy(ev->instance.b, &mixed, sizeof(mixed));
	memcpy(ev->instance.b + 8, &n, sizeof(n));
	ev->has_instance = true;
}

static void
make_nova(struct bench *b, struct event *ev, uint32_t inst, enum vm_state state)
{
	*ev = (struct event){.origin = ORIGIN_NOVA, .name = FM_STR("instance.update"),
		.host = fm_str_of(b->host[inst % HOSTS]), .pos = {.topic = "bench"}};
	set_instance(ev, inst);
	ev->u.nova = (struct ev_nova){.action = NOVA_UPDATE, .versioned = true,
		.tenant = FM_STR("6f70656e737461636b20342065766572"),
		.instance_name = FM_STR("some-server"), .publisher_host = ev->host,
		.host = ev->host, .node = ev->host, .vm_state = state, .task = TASK_NONE,
		.power = POWER_RUNNING, .memory_mb = 2048, .disk_gb = 0,
		.meta_timeout = EV_ABSENT, .flavor_timeout = EV_ABSENT,
		.image_timeout = EV_ABSENT, .meta_downtime = EV_ABSENT,
		.flavor_downtime = EV_ABSENT, .image_downtime = EV_ABSENT};
}

static void
make_libvirt(struct bench *b, struct event *ev, uint32_t inst, int lifecycle, int detail)
{
	*ev = (struct event){.origin = ORIGIN_LIBVIRT, .name = FM_STR("lifecycle"),
		.host = fm_str_of(b->host[inst % HOSTS]), .pos = {.topic = "bench"}};
	set_instance(ev, inst);
	ev->u.lv = (struct ev_libvirt){.kind = LV_EVENT, .event = LVE_LIFECYCLE,
		.seq = ++b->seq[inst % HOSTS], .boot = FM_STR("3aefc364-148c-4429-af46-1a130bd06e68"),
		.domain = FM_STR("instance-00000001"), .lifecycle = lifecycle, .detail = detail,
		.operation = EV_ABSENT, .state = -1, .status = -1};
}

/* One of each ten, of every host. */
static uint32_t
mover(uint32_t i)
{
	return i * TENTH + i / (HOSTS / TENTH) % TENTH;
}

static void
make_opening(struct bench *b, struct event *ev, uint32_t i)
{
	const uint32_t inst = mover(i);

	make_nova(b, ev, inst, VM_ACTIVE);
	ev->name = FM_STR("instance.live_migration_pre.start");
	ev->u.nova.action = NOVA_LIVE_MIGRATION_PRE;
	ev->u.nova.phase = PHASE_START;
	ev->u.nova.task = TASK_MIGRATING;
	ev->u.nova.publisher_host = fm_str_of(b->host[(inst + 1) % HOSTS]);
}

static void
make_closing(struct bench *b, struct event *ev, uint32_t i)
{
	make_opening(b, ev, i);
	ev->name = FM_STR("instance.live_migration_post_dest.end");
	ev->u.nova.action = NOVA_LIVE_MIGRATION_POST_DEST;
	ev->u.nova.phase = PHASE_END;
	ev->u.nova.task = TASK_NONE;
	ev->host = ev->u.nova.host = ev->u.nova.node = ev->u.nova.publisher_host;
}

static void
make_failing(struct bench *b, struct event *ev, uint32_t i)
{
	make_libvirt(b, ev, i, LVL_SUSPENDED, LVD_SUSPENDED_IOERROR);
}

static void
make_healing(struct bench *b, struct event *ev, uint32_t i)
{
	make_libvirt(b, ev, i, LVL_RESUMED, LVD_RESUMED_UNPAUSED);
}

static void
apply(struct bench *b, struct event *ev)
{
	b->at.ns += 2000;
	ev->at = ev->stamp = b->at;
	corr_apply(b->corr, ev, count_transition, b);
}

/* Every instance is told once: what a start costs, and the state that the rest runs on. */
static void
fill(struct bench *b)
{
	struct event ev;

	for (uint32_t i = 0; i < b->instances; i++) {
		make_nova(b, &ev, i, VM_ACTIVE);
		apply(b, &ev);
		if (i % RATE_FLUSH == 0)
			corr_flush(b->corr, count_row, b);
	}
	corr_flush(b->corr, count_row, b);
}

/* Few enough to stay in the cache: fmd has just decoded the one it applies. */
#define BATCH 500
struct mix {
	const char *name;
	unsigned change, transition;    /* per 10,000 */
	bool moving;
};

/* A transition comes with its opposite later: half of them stop an instance, half start it. */
static void
make_batch(struct bench *b, struct event *ev, const struct mix *mix, struct rng *r)
{
	for (unsigned i = 0; i < BATCH; i++) {
		const uint32_t inst = draw(r, b->instances), p = draw(r, 10000);

		if (mix->moving && i % 4 == 0) {
			make_libvirt(b, &ev[i], mover(inst / TENTH), -1, -1);
			ev[i].u.lv.event = LVE_MIGRATION_ITERATION;
			ev[i].u.lv.iteration = p % 30;
		} else if (p < mix->transition)
			make_nova(b, &ev[i], inst, p % 2 ? VM_STOPPED : VM_ACTIVE);
		else if (p < mix->transition + mix->change)
			make_libvirt(b, &ev[i], inst, p % 2 ? LVL_SUSPENDED : LVL_RESUMED, 0);
		else if (p % 2)
			make_nova(b, &ev[i], inst, VM_UNKNOWN);
		else
			make_libvirt(b, &ev[i], inst, LVL_DEFINED, 1);
	}
}

static void
report(const struct bench *b, const char *name, double seconds, uint64_t events,
       double bytes, bool json)
{
	const double rate = (double)events / seconds, ns = seconds * 1e9 / (double)events;

	if (json)
		printf("{\"instances\":%u,\"mix\":\"%s\",\"events_per_s\":%.0f,\"ns_per_event\":%.1f,"
		       "\"transitions\":%llu,\"bytes_per_instance\":%.0f}\n", b->instances,
		       name, rate, ns, (unsigned long long)b->transitions, bytes);
	else
		printf("%10u  %-7s %12.0f %9.1f %12llu %10.0f\n", b->instances, name, rate, ns,
		       (unsigned long long)b->transitions, bytes);
	fflush(stdout);
}

static void
run_mix(struct bench *b, const struct mix *mix, uint64_t events, double bytes, bool json)
{
	struct event *ev = fm_calloc(BATCH, sizeof(*ev));
	struct rng r = {mix->transition + b->instances};
	double seconds = 0;

	b->transitions = 0;
	for (uint64_t done = 0; done < events; done += BATCH) {
		make_batch(b, ev, mix, &r);
		const double start = now_s();

		for (unsigned i = 0; i < BATCH; i++)
			apply(b, &ev[i]);
		if (done % RATE_FLUSH < BATCH)
			corr_flush(b->corr, count_row, b);
		seconds += now_s() - start;
	}
	report(b, mix->name, seconds, events, bytes, json);
	free(ev);
}

typedef void make_f(struct bench *b, struct event *ev, uint32_t i);

/* Makes and applies one event for each of n. */
static void
run_each(struct bench *b, const char *name, make_f *make, uint32_t n, double bytes, bool json)
{
	struct event *ev = fm_calloc(BATCH, sizeof(*ev));
	double seconds = 0;

	b->transitions = 0;
	for (uint32_t done = 0, some; done < n; done += some) {
		some = n - done < BATCH ? n - done : BATCH;
		for (uint32_t i = 0; i < some; i++)
			make(b, &ev[i], done + i);
		const double start = now_s();

		for (uint32_t i = 0; i < some; i++)
			apply(b, &ev[i]);
		if (done % RATE_FLUSH < BATCH)
			corr_flush(b->corr, count_row, b);
		seconds += now_s() - start;
	}
	report(b, name, seconds, n, bytes, json);
	free(ev);
}

static void
run_size(const struct catalogue *cat, unsigned instances, uint64_t events, bool json)
{
	static const struct mix mixes[] = {
		{"quiet", 0, 0, false}, {"usual", 200, 10, false}, {"busy", 200, 250, false},
	}, moving = {"moving", 200, 10, true};
	struct bench *b = fm_calloc(1, sizeof(*b));
	const size_t before = used_bytes();
	const uint32_t some = instances < FAIL_MAX ? instances : FAIL_MAX;

	b->instances = instances;
	b->corr = corr_new(cat);
	b->at.ns = 1767225600LL * FM_NS_PER_S;
	for (unsigned i = 0; i < HOSTS; i++)
		snprintf(b->host[i], sizeof(b->host[i]), "compute-%u", i);
	fill(b);
	const double bytes = (double)(used_bytes() - before) / instances;

	for (unsigned i = 0; i < FM_ARRAY_LEN(mixes); i++)
		run_mix(b, &mixes[i], events, bytes, json);
	run_each(b, "opening", make_opening, instances / TENTH, bytes, json);
	run_mix(b, &moving, events, bytes, json);
	run_each(b, "closing", make_closing, instances / TENTH, bytes, json);
	run_each(b, "failing", make_failing, some, bytes, json);
	run_each(b, "healing", make_healing, some, bytes, json);
	corr_free(b->corr);
	free(b);
}

int
main(int argc, char **argv)
{
	static const unsigned sizes[] = {10000, 100000, 1000000};
	const bool json = argc > 1 && strcmp(argv[argc - 1], "--json") == 0;
	const char *path = argc - json > 1 ? argv[1] : "events.yaml";
	const char *only = getenv("BENCH_INSTANCES"), *events = getenv("BENCH_EVENTS");
	const uint64_t n = events != NULL ? strtoull(events, NULL, 10) : 2000000;
	struct catalogue *cat;
	struct fm_err err;

	if (cat_load(path, NULL, &cat, &err) < 0) {
		fprintf(stderr, "%s\nusage: bench_core [CATALOGUE] [--json]\n", err.msg);
		return 1;
	}
	if (!json)
		printf("%10s  %-7s %12s %9s %12s %10s\n", "instances", "mix", "events/s",
		       "ns/event", "transitions", "bytes/inst");
	for (unsigned i = 0; i < FM_ARRAY_LEN(sizes); i++)
		if (only == NULL || strtoul(only, NULL, 10) == sizes[i])
			run_size(cat, sizes[i], n, json);
	cat_free(cat);
	return 0;
}
