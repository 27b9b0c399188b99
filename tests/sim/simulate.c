/*
 * simulate: one world a seed. The seed draws what happens, how the network and the disk behave, which
 * sorts of trouble there are at all and how often, and fmd's settings.
 *
 *   phase 1   trouble; whatever happens, nothing false is kept or told (inputs.c, wires.c)
 *   phase 2   trouble ends; within ten minutes and the longest back-off all is read, kept and
 *             delivered, and what is kept is what a core that was never interrupted would have
 *
 * Each seed has a process of its own: what a dead fmd leaves lying goes with it.
 */
#include "tests/sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define S FM_NS_PER_S
#define MOST_STARTS 4000
#define WALL_LIMIT_S 400

#define TROUBLES(X) X(KILL, "kill") X(POWER, "power") X(ERROR, "error") X(FULL, "full") \
	X(TERM, "term") X(BROKER, "broker") X(SINK, "sink") X(CLOCK, "clock") \
	X(RELOAD, "reload") X(SLOW, "slow") X(WEATHER, "weather") X(LOW, "low")
enum trouble {
#define FM_X(id, name) T_##id,
	TROUBLES(FM_X)
#undef FM_X
	T_N
};
static const char *const trouble_name[] = {
#define FM_X(id, name) name,
	TROUBLES(FM_X)
#undef FM_X
};

/* What a seed's process tells its parent. */
struct outcome {
	bool done, wrong;
	uint64_t hash, starts, deaths, records, commands, gaps;
	int64_t ns;
	uint64_t trouble[T_N];
};
static struct outcome *outcome;         /* shared */

static struct rng fate;
static uint32_t kinds;                  /* of trouble, as bits */
static int64_t mean_trouble, next_trouble, calm;
static int64_t full_until, slow_until, low_until, resume_at;
static int64_t usual_sync, retention;
static unsigned ops_left;               /* until the fault that is planned */
static enum fault next_fault;

/* ---- trouble -------------------------------------------------------------------------------- */

static void
on_op(enum disk_op op, uint64_t number)
{
	if (next_fault == FAULT_NONE || ops_left-- > 0)
		return;
	if (next_fault == FAULT_FULL && op != DISK_WRITE) {
		ops_left = 0;
		return;
	}
	say("%s at operation %llu, a %s", fault_name[next_fault], (unsigned long long)number,
	    disk_op_name[op]);
	disk_plan(next_fault, fate.x);
	if (next_fault == FAULT_FULL)
		full_until = sim_now() + draw_span(&fate, 200 * S);
	next_fault = FAULT_NONE;
}

static void
plan_fault(enum fault f)
{
	next_fault = f;
	ops_left = draw(&fate, 60);
}

static void
draw_weather(void)
{
	weather = (struct weather){.latency_ms = 1 + draw(&fate, draw(&fate, 2) ? 20 : 2000),
		.lost = draw(&fate, 2) ? draw(&fate, 40) : 0,
		.twice = draw(&fate, 2) ? draw(&fate, 40) : 0,
		.refused = draw(&fate, 3) ? 0 : draw(&fate, 20), .window = 1 + draw(&fate, 60)};
}

static void
reload(void)
{
	catalogue_now = (int)draw(&fate, 3) - 1;
	sim_signal(SIGHUP);
}

static void
step_clock(void)
{
	static const int64_t most[] = {2, 60, 3600, 86400};
	const int64_t by = draw_span(&fate, most[draw(&fate, 4)] * S / 2);

	sim_step_clock((struct fm_span){draw(&fate, 2) ? by : -by});
}

static void
have(enum trouble t)
{
	outcome->trouble[t]++;
	say("trouble: %s", trouble_name[t]);
	switch (t) {
	case T_KILL: plan_fault(FAULT_KILL); return;
	case T_POWER: plan_fault(FAULT_POWER); return;
	case T_ERROR: plan_fault(FAULT_ERROR); return;
	case T_FULL: plan_fault(FAULT_FULL); return;
	case T_TERM: sim_signal(SIGTERM); return;
	case T_BROKER: broker_away_until(sim_now() + draw_span(&fate, 600 * S)); return;
	case T_SINK:
		wires_away_until(draw(&fate, wires_count()), sim_now() + draw_span(&fate, 2400 * S));
		return;
	case T_CLOCK: step_clock(); return;
	case T_RELOAD: reload(); return;
	case T_SLOW:
		disk_sync_ns = draw_span(&fate, 2 * S);
		slow_until = sim_now() + draw_span(&fate, 60 * S);
		return;
	case T_WEATHER: draw_weather(); return;
	case T_LOW:
		sim.free_bytes = 1 << 20;
		low_until = sim_now() + draw_span(&fate, 300 * S);
		return;
	case T_N: return;
	}
}

static void
some_trouble(void)
{
	unsigned t = draw(&fate, T_N);

	next_trouble = sim_now() + draw_span(&fate, mean_trouble);
	for (unsigned i = 0; i < T_N; i++, t = (t + 1) % T_N)
		if (kinds & (1u << t)) {
			have((enum trouble)t);
			return;
		}
}

static void
be_calm(void)
{
	say("trouble is over");
	if (kinds & (1u << T_CLOCK))
		sim_step_clock((struct fm_span){-draw_span(&fate, 86400 * S)});
	kinds = 0;
	next_trouble = SIM_NEVER;
	next_fault = FAULT_NONE;
	full_until = slow_until = low_until = sim_now();
	broker_away_until(0);
	for (unsigned i = 0; i < wires_count(); i++)
		wires_away_until(i, 0);
	weather = (struct weather){.latency_ms = 20, .window = 32};
	if (catalogue_now < 0)
		catalogue_now = 0;
	calm = SIM_NEVER;
}

/* ---- when ----------------------------------------------------------------------------------- */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
more_next(void)
{
	int64_t next = least(next_trouble, calm);

	next = least(next, broker_left_part() >= 0 ? resume_at : SIM_NEVER);
	next = least(next, disk_is_full() ? full_until : SIM_NEVER);
	return least(next, least(slow_until, low_until));
}

static void
more_act(void)
{
	const int64_t now = sim_now();

	if (disk_is_full() && full_until <= now)
		disk_heal();
	if (slow_until <= now) {
		disk_sync_ns = usual_sync;
		slow_until = SIM_NEVER;
	}
	if (low_until <= now) {
		sim.free_bytes = UINT64_C(1) << 40;
		low_until = SIM_NEVER;
	}
	if (calm <= now)
		be_calm();
	if (next_trouble <= now)
		some_trouble();
	if (broker_left_part() >= 0 && resume_at <= now) {
		resume_at = now + draw_span(&fate, 300 * S);
		commands_resume(broker_left_part());
	}
}

/* ---- the world ------------------------------------------------------------------------------- */

static void
make_world(uint64_t seed)
{
	struct rng r = {seed * 1000003 + 17};
	const bool trims = chance(&r, 300);
	const struct world_options world = {.seed = seed, .n_agents = draw(&r, 3),
		.cycle_records = 1 + draw(&r, draw(&r, 2) ? 10 : 500),
		.keep_transitions = trims ? 20 + draw(&r, 100) : 0,
		.keep_backlog = trims ? 10 + draw(&r, 40) : 0, .lost_stop = draw(&r, 2),
		.reserve = draw(&r, 2) ? 4096 : 0,
		.heartbeat = draw(&r, 2) ? 300 * S : 0,
		.away_refuses = fm_hash64(&seed, sizeof(seed), 1) % 3 == 0,
		.bad_records = fm_hash64(&seed, sizeof(seed), 2) % 4};
	struct story_options story = {.seed = seed, .records = 1500 + draw(&r, 9000), .hosts = 6,
		.guests = 8 + draw(&r, 40), .latency = (int64_t)draw(&r, 300) * FM_NS_PER_MS,
		.jitter = draw(&r, 2) ? (int64_t)draw(&r, 3000) * FM_NS_PER_MS : 0,
		.mean_gap = draw_span(&r, draw(&r, 2) ? S / 4 : 3 * S),
		.pause = draw_span(&r, 1800 * S), .pauses = 2, .slow = 10 + draw(&r, 60),
		.poison = draw(&r, 10), .huge = draw(&r, 2)};

	world_format(&world);
	inputs_format(false);
	fate = r;
	broker_connect_ns = (int64_t)draw(&r, 3000) * FM_NS_PER_MS;
	disk_sync_ns = usual_sync = (int64_t)draw(&r, 20) * FM_NS_PER_MS;
	retention = draw(&r, 200);
	sim.stretch = 1 + draw_span(&r, 10 * S);
	calm = story_tell(&story) + 10 * S;
	sim.end = calm + 600 * S;
	outcome->records = story.records;
	outcome->commands = draw(&r, 100);
	for (unsigned i = 0; i < outcome->commands; i++)
		commands_add(calm / ((int64_t)outcome->commands + 1) * (i + 1), draw(&r, 1u << 30));
}

/* Some seeds have no trouble, most have some sorts of it: so fmd also gets to recover. */
static void
draw_trouble(void)
{
	kinds = draw(&fate, 10) == 0 ? 0 : draw(&fate, 1u << T_N);
	mean_trouble = draw_span(&fate, 1200 * S);
	next_trouble = kinds != 0 ? draw_span(&fate, mean_trouble) : SIM_NEVER;
	full_until = slow_until = low_until = SIM_NEVER;
	resume_at = 0;
	next_fault = FAULT_NONE;
	draw_weather();
	disk_on_op = on_op;
	sim.more_next = more_next;
	sim.more_act = more_act;
}

/* While nobody reads, the log's retention may go over what was not read. */
static void
rest(void)
{
	const bool long_one = calm != SIM_NEVER && chance(&fate, 50);
	const int64_t until = least(sim_now() + draw_span(&fate, long_one ? 1800 * S : 5 * S),
				    calm != SIM_NEVER ? calm + S : SIM_NEVER);

	if (catalogue_now < 0 && draw(&fate, 2))
		catalogue_now = 0;      /* somebody has looked why it does not start */
	while (more_next() < until) {
		sim_sleep_until(more_next());
		more_act();
	}
	sim_sleep_until(until);
	broker_note_arrivals();
	if (calm == SIM_NEVER || !chance(&fate, (uint32_t)retention))
		return;
	broker_cut(draw(&fate, n_log_parts), SIZE_MAX);
}

static void
run_seed(uint64_t seed)
{
	struct fm_buf text = {0};

	make_world(seed);
	draw_trouble();
	while (!(world_live() && sim_now() >= sim.end) && !is_wrong()) {
		if (sim.starts > MOST_STARTS)
			wrong("liveness", "%d starts, and no end; the last error: %s", MOST_STARTS,
			      world_last_end());
		rest();
	}
	disk_on_op = NULL;
	if (!is_wrong())
		verify_world(sim.state);
	if (!is_wrong())
		verify_model(sim.state);
	if (!is_wrong())
		dump_store(sim.state, &text);
	outcome->hash = fm_hash64(text.s, text.len, (uint64_t)sim_now());
	outcome->ns = sim_now();
	outcome->starts = sim.starts;
	outcome->deaths = sim.deaths;
	outcome->wrong = is_wrong();
	outcome->done = true;
}

/* ---- all -------------------------------------------------------------------------------------- */

struct options {
	uint64_t first, seeds, seed;
	double hours;
	unsigned shard, shards;
	const char *kept;
};
static struct options opt = {.first = 1, .shards = 1};
static struct outcome total;
static uint64_t failed, seeds_run, twice;

static void
in_process(uint64_t seed)
{
	int status;
	pid_t pid;

	*outcome = (struct outcome){0};
	fflush(stdout);
	pid = fork();
	fm_assert(pid >= 0);
	if (pid == 0) {
		alarm(WALL_LIMIT_S);
		run_seed(seed);
		fflush(stdout);
		_exit(0);
	}
	fm_assert(waitpid(pid, &status, 0) == pid);
	if (outcome->done && !outcome->wrong)
		return;
	printf("FAILED: simulate --seed %llu", (unsigned long long)seed);
	if (WIFSIGNALED(status))
		printf(" (signal %d)", WTERMSIG(status));
	printf("\n");
	failed++;
}

/* One in fifty runs twice: a seed that does not say all proves nothing. */
static void
try_seed(uint64_t seed)
{
	uint64_t hash;

	in_process(seed);
	seeds_run++;
	total.ns += outcome->ns;
	total.starts += outcome->starts;
	total.deaths += outcome->deaths;
	total.records += outcome->records;
	total.commands += outcome->commands;
	for (unsigned i = 0; i < T_N; i++)
		total.trouble[i] += outcome->trouble[i];
	hash = outcome->hash;
	if (seed % 50 != 0 || failed > 0)
		return;
	in_process(seed);
	twice++;
	if (outcome->hash == hash)
		return;
	printf("FAILED: simulate --seed %llu came out differently the second time\n",
	       (unsigned long long)seed);
	failed++;
}

/* Seeds that once failed, one a line; what follows it on the line is for people. */
static void
try_kept(void)
{
	char line[200];
	unsigned n = 0;
	FILE *f = opt.kept != NULL ? fopen(opt.kept, "re") : NULL;

	if (opt.kept != NULL && f == NULL) {
		printf("FAILED: %s cannot be read\n", opt.kept);
		failed++;
	}
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (*line >= '0' && *line <= '9' && n++ % opt.shards == opt.shard)
			try_seed(strtoull(line, NULL, 10));
	if (f != NULL)
		fclose(f);
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
		else if (strcmp(argv[i], "--seed") == 0)
			opt.seed = strtoull(v, NULL, 10);
		else if (strcmp(argv[i], "--hours") == 0)
			opt.hours = strtod(v, NULL);
		else if (strcmp(argv[i], "--kept") == 0)
			opt.kept = v;
		else if (strcmp(argv[i], "--shard") == 0)
			sscanf(v, "%u/%u", &opt.shard, &opt.shards);
	}
	fm_assert(opt.shards > 0);
	opt.shard %= opt.shards;
}

static double
hours(void)
{
	return (double)total.ns / 3600e9;
}

static void
report(double seconds)
{
	printf("%.0f hours of %llu worlds, %llu starts, %llu deaths, %llu records (%.2f a second), "
	       "%llu commands; %llu worlds twice; %llu failed; %.0f hours a second\n", hours(),
	       (unsigned long long)seeds_run, (unsigned long long)total.starts,
	       (unsigned long long)total.deaths, (unsigned long long)total.records,
	       (double)total.records * 1e9 / (double)(total.ns > 0 ? total.ns : 1),
	       (unsigned long long)total.commands, (unsigned long long)twice,
	       (unsigned long long)failed, hours() / seconds);
	for (unsigned i = 0; i < T_N; i++)
		printf("%s%s %llu", i > 0 ? ", " : "trouble: ", trouble_name[i],
		       (unsigned long long)total.trouble[i]);
	printf("\n");
}

int
simulate_main(int argc, char **argv)
{
	double begin;

	read_options(argc, argv);
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	fm_assert(outcome != MAP_FAILED);
	begin = wall_seconds();
	if (opt.seed != 0) {
		in_process(opt.seed);
		printf("%.1f hours, %llu starts, %llu deaths, state %016llx\n",
		       (double)outcome->ns / 3600e9, (unsigned long long)outcome->starts,
		       (unsigned long long)outcome->deaths, (unsigned long long)outcome->hash);
		return failed > 0;
	}
	try_kept();
	for (uint64_t seed = opt.first; failed < 10 &&
	     (opt.hours > 0 ? hours() < opt.hours : seed < opt.first + opt.seeds); seed++)
		if (seed % opt.shards == opt.shard)
			try_seed(seed);
	report(wall_seconds() - begin);
	return failed > 0;
}
