/*
 * world: what is there before a process starts and after it has ended, and how it lives. A process
 * is one call of daemon_run.
 */
#include "tests/sim/sim.h"

#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

struct sim sim;
static bool found_wrong;
static int first_fd;
static char last_end[512];              /* why fmd last ended by itself */
bool verbose;

/* ---- chance --------------------------------------------------------------------------------- */

uint32_t
draw(struct rng *r, uint32_t n)
{
	r->x = r->x * 6364136223846793005ULL + 1442695040888963407ULL;
	return n == 0 ? 0 : (uint32_t)((r->x >> 33) % n);
}

bool
chance(struct rng *r, uint32_t in_thousand)
{
	return draw(r, 1000) < in_thousand;
}

int64_t
draw_span(struct rng *r, int64_t mean)
{
	return mean / 1000 * (1 + draw(r, 1999)) + 1;
}

double
wall_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- words ---------------------------------------------------------------------------------- */

void
wrong(const char *promise, const char *fmt, ...)
{
	va_list ap;

	if (found_wrong)
		return;
	found_wrong = true;
	va_start(ap, fmt);
	printf("%s: ", promise);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
}

bool
is_wrong(void)
{
	return found_wrong;
}

void
forgive(void)
{
	found_wrong = false;
}

void
say(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	printf("%12.3f ", (double)sim_now() / 1e9);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

/* ---- log.c's part of daemon_priv.h ----------------------------------------------------------- */

void
log_set_level(enum log_level level)
{
	(void)level;
}

static void
say_line(const char *subsystem, const char *fmt, va_list ap)
{
	char text[600];

	vsnprintf(text, sizeof(text), fmt, ap);
	say("%s: %s", subsystem, text);
}

void
log_line(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	if (verbose)
		say_line(subsystem, fmt, ap);
	va_end(ap);
}

void
log_often(struct log_budget *budget, enum log_class class, const char *fmt, ...)
{
	va_list ap;

	(void)budget, (void)class;
	va_start(ap, fmt);
	if (verbose)
		say_line("often", fmt, ap);
	va_end(ap);
}

const char *
log_class_name(enum log_class class)
{
	(void)class;
	return "";
}

void
log_tick(struct log_budget *budget, bool last)
{
	(void)budget, (void)last;
}

/* ---- what fmd asks the system ------------------------------------------------------------------ */

ssize_t
getrandom(void *p, size_t n, unsigned flags)
{
	(void)flags;
	memset(p, 0x5a, n);
	return (ssize_t)n;
}

/* A forked world would share its parent's lock. */
int
flock(int fd, int operation)
{
	(void)fd, (void)operation;
	return 0;
}

int
statvfs(const char *path, struct statvfs *ret)
{
	(void)path;
	*ret = (struct statvfs){.f_bavail = disk_is_full() ? 0 : sim.free_bytes / 4096,
		.f_frsize = 4096};
	return 0;
}

/* ---- once ------------------------------------------------------------------------------------- */

static struct fmd_conf *
make_conf(const struct world_options *opt)
{
	static const char *const topics[] = {"libvirt.events", "versioned_notifications.info",
		"fm.requests"};
	struct fmd_conf *conf = conf_default();

	free(conf->state_dir);
	conf->state_dir = fm_strdup(sim.state);
	free(conf->catalogue);
	conf->catalogue = fm_asprintf("%s/events.yaml", sim.dir);
	for (unsigned i = 0; i < conf->n_inputs; i++)
		fm_freep(&conf->input[i].topic);
	conf->n_inputs = FM_ARRAY_LEN(topics);
	for (unsigned i = 0; i < conf->n_inputs; i++)
		conf->input[i] = (struct conf_input){.topic = fm_strdup(topics[i])};
	conf->start_latest = 0;
	conf->n_targets = opt->n_agents;
	conf->cycle_records = opt->cycle_records;
	conf->keep_transitions = opt->keep_transitions;
	conf->keep_backlog = opt->keep_backlog;
	conf->keep_age = (struct fm_span){0};
	conf->lost_stop = opt->lost_stop;
	conf->reserve = opt->reserve;
	conf->starts = 0;
	conf->bad_records = opt->bad_records;
	conf->backup = (struct fm_span){0};     /* its files are real ones, the disk here is not */
	conf->heartbeat = (struct fm_span){opt->heartbeat};
	return conf;
}

static void
remove_dir(void)
{
	static const char *const names[] = {"lock", "failure", "fmd.db", "reserve"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++)
		for (int k = 0; k < 2; k++) {
			char path[160];

			snprintf(path, sizeof(path), "%s/%s", k ? sim.state : sim.model, names[i]);
			unlink(path);
		}
	rmdir(sim.state);
	rmdir(sim.model);
}

static pid_t owner;

/* Read by each process, and then the catalogue is one that has been read before (inputs.c). */
static void
touch_catalogue(void)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/events.yaml", sim.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	fm_assert(fd >= 0);
	close(fd);
}

void
world_close(void)
{
	char path[80];

	if (getpid() != owner)
		return;
	snprintf(path, sizeof(path), "%s/events.yaml", sim.dir);
	unlink(path);
	remove_dir();
	rmdir(sim.dir);
}

void
world_open(const char *source)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(sim.dir, sizeof(sim.dir), "%s/fmd-sim-XXXXXX", base);
	fm_assert(mkdtemp(sim.dir) != NULL);
	snprintf(sim.state, sizeof(sim.state), "%s/state", sim.dir);
	snprintf(sim.model, sizeof(sim.model), "%s/model", sim.dir);
	first_fd = dup(0);
	fm_assert(first_fd >= 0);
	close(first_fd);
	owner = getpid();
	atexit(world_close);
	disk_install();
	disk_watch(sim.state);
	catalogues_load(source);
	touch_catalogue();
}

static void
close_files(void)
{
	(void)close_range((unsigned)first_fd, ~0u, 0);
}

/* ---- one world --------------------------------------------------------------------------------- */

void
world_format(const struct world_options *opt)
{
	static const char *const topics[] = {"libvirt.events", "versioned_notifications.info",
		"fm.requests"};
	struct rng r = {opt->seed};
	const unsigned partitions[] = {1 + draw(&r, 3), 1 + draw(&r, 2), 1 + draw(&r, 2)};

	remove_dir();
	loop_format();
	disk_format();
	broker_format(topics, partitions, FM_ARRAY_LEN(topics));
	wires_format(opt->n_agents);
	commands_format();
	weather = (struct weather){.latency_ms = 5, .window = 16};
	conf_free(sim.conf);
	sim.conf = make_conf(opt);
	sim.free_bytes = UINT64_C(1) << 40;
	sim.end = 0;
	sim.keep_backlog = opt->keep_backlog;
	sim.away_refuses = opt->away_refuses;
	sim.starts = sim.deaths = sim.failures = 0;
	sim.more_next = NULL;
	sim.more_act = NULL;
	sim.may_end = world_is_quiet;
	found_wrong = false;
}

static const char *
in_state(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", sim.state, name);
	return path;
}

void
crate_put(struct crate *s, const void *p, size_t n)
{
	if (n > 0)
		fm_buf_add(&s->b, p, n);
}

void
crate_take(struct crate *s, void *p, size_t n)
{
	fm_assert(s->at + n <= s->b.len);
	if (n > 0)
		memcpy(p, s->b.s + s->at, n);
	s->at += n;
}

/* These are real files (fmd/daemon.c, traces), and what is there came of a life after the snapshot. */
static void
forget_traces(void)
{
	static const char *const names[] = {"failure", "reserve"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++)
		if (!sim.has_traces)
			(void)unlink(in_state(names[i]));
}

void
world_save(struct crate *s)
{
	sim.has_traces = access(in_state("failure"), F_OK) == 0;
	fm_buf_reset(&s->b);
	crate_put(s, &sim, sizeof(sim));
	disk_save(s);
	loop_save(s);
	broker_save(s);
	wires_save(s);
	inputs_save(s);
	commands_save(s);
}

void
world_restore(struct crate *s)
{
	s->at = 0;
	crate_take(s, &sim, sizeof(sim));
	disk_restore(s);
	loop_restore(s);
	broker_restore(s);
	wires_restore(s);
	inputs_restore(s);
	commands_restore(s);
	fm_assert(s->at == s->b.len);
	forget_traces();
}

void
world_started(struct daemon *d)
{
	sim.d = d;
}

void
world_die(void)
{
	longjmp(sim.life, 1);
}

/* NULL: nothing is left to do. */
const char *
world_waits_for(void)
{
	const struct daemon *d = sim.d;

	if (d == NULL)
		return "a start";
	if (d->hold.on)
		return "room on the disk";
	if (commands_next() != SIM_NEVER)
		return "a command";
	if (!broker_all_read())
		return "records";
	if (d->more || d->lazy_due.ns != 0)
		return "the cycle";
	if (!wires_idle() || outbox_floor(d->outbox) != store_last_seq(d->store))
		return "a sink";
	if (store_quarantine_count(d->store) != kafka_sink_quarantine_acked(d->ksink))
		return "the quarantine's sink";
	return NULL;
}

bool
world_is_quiet(void)
{
	return world_waits_for() == NULL;
}

void
world_process_ended(void)
{
	sim.alive = false;
	sim.d = NULL;
	loop_close_all();
	broker_process_ended();
	wires_process_ended();
	disk_process_ended();
}

const char *
world_last_end(void)
{
	return last_end[0] != '\0' ? last_end : "it never did by itself";
}

bool
world_live(void)
{
	struct fm_err err = {0};
	volatile int r = -1;

	sim.alive = true;
	sim.starts++;
	if (setjmp(sim.life) == 0) {
		r = daemon_run(sim.conf, false, &err);
		if (r != 0) {
			sim.failures++;
			say("fmd ended with %d: %s", r, err.msg);
			snprintf(last_end, sizeof(last_end), "%s", err.msg);
		}
	} else {
		sim.deaths++;
		close_files();
		say("fmd died");
	}
	world_process_ended();
	return r == 0;
}
