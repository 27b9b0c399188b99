/*
 * enumerate: one history, stopped at every operation on the disk in every way there is. The history
 * runs once undisturbed. Then again: before each operation the world is saved, and a process that
 * died there, by a kill or with the power, is followed by one that starts anew and finishes the
 * history; then the world is restored and the operation done. Where the disk is full or fails, a
 * history of its own runs up to there. What has been kept in the end must be what the undisturbed
 * run has kept, row by row. What fmd says about itself is left out, for it tells of the fault.
 */
#include "tests/sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_STARTS 12
#define HEAL_AFTER (3 * FM_NS_PER_S)
#define MOST_FAILED 10

struct options {
	uint64_t first, seeds, points;
	unsigned shard, shards, records;
	/* one point only */
	uint64_t op;
	int fault, kind;
};

static struct options opt = {.first = 1, .seeds = 1, .shards = 1, .records = 45, .fault = -1};
static struct fm_buf want;
static uint64_t points, failed_points, seed_now, of_fault[FAULT_N];
static int64_t full_since;
static struct crate begin, before;
static char point[160];                 /* at work */
static size_t point_len;

/* An operation that fails: the skip-th of its kind before that number. */
struct trouble {
	enum fault fault;
	enum disk_op op;
	uint64_t number;
	unsigned skip;
};
static struct trouble *trouble;
static size_t n_troubles, at_trouble;
static unsigned seen;

/* ---- one history ---------------------------------------------------------------------------- */

/* Commands are tried in their order. */
static int
by_time(const void *a, const void *b)
{
	const struct command *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void
make_world(uint64_t seed)
{
	struct rng r = {seed * 77 + 5};
	struct story_options story = {.seed = seed, .records = opt.records, .hosts = 4,
		.guests = 5, .latency = 20 * FM_NS_PER_MS, .mean_gap = 400 * FM_NS_PER_MS,
		.pause = 40 * FM_NS_PER_S, .pauses = 60, .poison = 60,
		.slow = 300};
	const struct world_options world = {.seed = seed, .n_agents = 1,
		.cycle_records = 1 + draw(&r, 6)};
	int64_t last;

	world_format(&world);
	inputs_format(true);
	broker_connect_ns = 0;
	sim.stretch = 100 * FM_NS_PER_S;
	last = story_tell(&story);
	for (unsigned i = 0; i < 6; i++)
		commands_add(sim_now() + (int64_t)draw(&r, 1000) * ((last - sim_now()) / 1000) +
			     333 * FM_NS_PER_US, draw(&r, 1u << 30));
	qsort(command, n_commands, sizeof(*command), by_time);
	sim.end = last + 1500 * FM_NS_PER_S;
}

static int64_t
heal_next(void)
{
	return disk_is_full() ? full_since + HEAL_AFTER : SIM_NEVER;
}

static void
finish(void)
{
	while (!world_live() && !is_wrong()) {
		if (sim.starts > MAX_STARTS)
			wrong("liveness", "%d starts, and no end", MAX_STARTS);
		/* Space comes back when a start has failed for want of it. */
		if (sim.failures > 1)
			disk_heal();
	}
}

static bool
same(const struct fm_buf *a, const struct fm_buf *b)
{
	return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

/* Where time has passed without writes, commands came later: then only the model can tell. */
static void
compare(bool may_be_later)
{
	struct fm_buf got = {0};

	if (is_wrong())
		return;
	verify_world(sim.state);
	dump_store(sim.state, &got);
	if (may_be_later && !same(&want, &got))
		verify_model(sim.state);
	else
		(void)verify_same(&want, &got);
	fm_buf_fini(&got);
}

/* ---- points --------------------------------------------------------------------------------- */

static bool
applies(enum fault f, enum disk_op op)
{
	switch (op) {
	case DISK_WRITE:
		return f != FAULT_NONE;
	case DISK_SYNC:
	case DISK_TRUNCATE:
	case DISK_DELETE:
		return f != FAULT_NONE && f != FAULT_FULL;
	case DISK_READ:
		return f == FAULT_ERROR;
	case DISK_N_OPS:
		break;
	}
	return false;
}

/* Noted while the history runs, tried when it is over. */
static void
note_trouble(enum fault f, enum disk_op op, uint64_t number)
{
	unsigned skip = 0;

	for (size_t i = n_troubles; i > 0 && trouble[i - 1].number == number; i--)
		skip += trouble[i - 1].op == op && trouble[i - 1].fault == f;
	trouble = fm_realloc(trouble, (n_troubles + 1) * sizeof(*trouble));
	trouble[n_troubles++] = (struct trouble){f, op, number, skip};
}

static void
name_point(enum fault f, enum disk_op op, uint64_t number)
{
	point_len = (size_t)snprintf(point, sizeof(point), "FAILED: --first %llu --records %u --op "
				     "%llu --fault %s --kind %s\n", (unsigned long long)seed_now,
				     opt.records, (unsigned long long)number, fault_name[f],
				     disk_op_name[op]);
}

static void
end_point(enum fault f)
{
	compare(f == FAULT_FULL);
	points++;
	of_fault[f]++;
	if (!is_wrong())
		return;
	failed_points++;
	fputs(point, stdout);
	forgive();
}

/* Another process takes over here; then it is as if it had never been. */
static void
try_death(enum fault f, enum disk_op op, uint64_t number)
{
	name_point(f, op, number);
	disk_plan(FAULT_NONE, number * 31 + seed_now);
	disk_die(f);
	world_process_ended();
	finish();
	end_point(f);
	world_restore(&before);
}

static bool
is_mine(uint64_t number)
{
	return number % opt.shards == opt.shard && failed_points < MOST_FAILED &&
		(opt.points == 0 || points < opt.points);
}

/* Each number is in one shard, with the reads before it. */
static void
on_op(enum disk_op op, uint64_t number)
{
	if (!is_mine(number) || (opt.fault >= 0 && (opt.op != number || opt.kind != (int)op)))
		return;
	disk_on_op = NULL;
	if (op != DISK_READ)
		world_save(&before);
	for (int f = FAULT_KILL; f <= FAULT_POWER; f++)
		if (applies((enum fault)f, op) && (opt.fault < 0 || opt.fault == f))
			try_death((enum fault)f, op, number);
	for (int f = FAULT_FULL; f <= FAULT_ERROR; f++)
		if (applies((enum fault)f, op) && (opt.fault < 0 || opt.fault == f))
			note_trouble((enum fault)f, op, number);
	disk_on_op = on_op;
}

static void
on_trouble(enum disk_op op, uint64_t number)
{
	const struct trouble *t = &trouble[at_trouble];

	if (number != t->number || op != t->op || ++seen <= t->skip)
		return;
	disk_on_op = NULL;
	full_since = sim_now();
	sim.more_next = heal_next;
	sim.more_act = disk_heal;
	disk_plan(t->fault, number * 31 + seed_now);
}

static void
try_troubles(void)
{
	for (at_trouble = 0; at_trouble < n_troubles && failed_points < MOST_FAILED; at_trouble++) {
		const struct trouble *t = &trouble[at_trouble];

		world_restore(&begin);
		name_point(t->fault, t->op, t->number);
		seen = 0;
		disk_on_op = on_trouble;
		finish();
		disk_on_op = NULL;
		end_point(t->fault);
	}
	n_troubles = 0;
}

/* ---- all ------------------------------------------------------------------------------------ */

static void
run_seed(uint64_t seed)
{
	seed_now = seed;
	make_world(seed);
	world_save(&begin);
	disk_on_op = NULL;
	finish();
	fm_buf_reset(&want);
	dump_store(sim.state, &want);
	compare(false);
	verify_model(sim.state);
	if (is_wrong() || sim.starts != 1) {
		printf("FAILED: the undisturbed run of seed %llu\n", (unsigned long long)seed);
		failed_points++;
		return;
	}
	world_restore(&begin);
	disk_on_op = on_op;
	finish();
	disk_on_op = NULL;
	compare(false);
	try_troubles();
	failed_points += is_wrong();
}

/* What a crash of the process itself leaves to be read. */
static void
on_crash(int number)
{
	(void)!write(1, point, point_len);
	signal(number, SIG_DFL);
	raise(number);
}

static double
cpu_seconds(void)
{
	struct rusage self;

	getrusage(RUSAGE_SELF, &self);
	return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec) +
		(double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
}

static int
index_of(const char *const *words, int n, const char *s)
{
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], s) == 0)
			return i;
	return -1;
}

static void
read_options(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *v = argv[i + 1];

		if (strcmp(argv[i], "--first") == 0)
			opt.first = strtoull(v, NULL, 10);
		else if (strcmp(argv[i], "--seeds") == 0)
			opt.seeds = strtoull(v, NULL, 10);
		else if (strcmp(argv[i], "--points") == 0)
			opt.points = strtoull(v, NULL, 10);
		else if (strcmp(argv[i], "--records") == 0)
			opt.records = (unsigned)strtoul(v, NULL, 10);
		else if (strcmp(argv[i], "--shard") == 0)
			sscanf(v, "%u/%u", &opt.shard, &opt.shards);
		else if (strcmp(argv[i], "--op") == 0)
			opt.op = strtoull(v, NULL, 10);
		else if (strcmp(argv[i], "--fault") == 0)
			opt.fault = index_of(fault_name, FAULT_N, v);
		else if (strcmp(argv[i], "--kind") == 0)
			opt.kind = index_of(disk_op_name, DISK_N_OPS, v);
	}
	fm_assert(opt.shards > 0);
	opt.shard %= opt.shards;
}

int
enumerate_main(int argc, char **argv)
{
	const double since = wall_seconds();
	uint64_t seed;

	read_options(argc, argv);
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	for (seed = opt.first; failed_points == 0 &&
	     (opt.points > 0 ? points < opt.points : seed < opt.first + opt.seeds); seed++)
		run_seed(seed);
	printf("%llu points (kill %llu, power %llu, full %llu, error %llu) of %llu histories, "
	       "%llu failed, %.0f a second, %.0f a second of CPU\n", (unsigned long long)points,
	       (unsigned long long)of_fault[FAULT_KILL], (unsigned long long)of_fault[FAULT_POWER],
	       (unsigned long long)of_fault[FAULT_FULL], (unsigned long long)of_fault[FAULT_ERROR],
	       (unsigned long long)(seed - opt.first), (unsigned long long)failed_points,
	       (double)points / (wall_seconds() - since), (double)points / cpu_seconds());
	return failed_points > 0;
}
