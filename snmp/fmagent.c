/*
 * The main thread's side: starting and ending the agent, the sinks that the outbox drives, and the
 * reports of the snmp thread. A target takes at most a window of transitions; each is reported
 * once, delivered or failed. A generation number disowns what was taken: the snmp thread drops
 * what carries an old one, main ignores reports that do.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "snmp/fmagent_table_priv.h"

/* How long all sinks together wait for answers when the daemon ends. */
#define CLOSE_WAIT_NS (500 * FM_NS_PER_MS)

static struct fmagent_dest *
dest_of(struct sink *s)
{
	return (struct fmagent_dest *)s;
}

/* ---- reports --------------------------------------------------------------------------------- */

/*
 * From here on what was taken is not ours any more. Reports of it are thrown away; the snmp thread
 * may have one more in hand, which its generation gives away.
 */
static void
disown(struct fmagent_dest *d)
{
	atomic_fetch_add_explicit(&d->gen, 1, memory_order_release);
	d->taken = 0;
	while (fmagent_ring_peek(&d->out) != NULL)
		fmagent_ring_pop(&d->out);
	fmagent_signal(d->ag->wake_fd);
}

static bool
is_current(const struct fmagent_dest *d, const struct fmagent_report *r)
{
	return r->gen == atomic_load_explicit(&d->gen, memory_order_relaxed);
}

static void
take_reports(struct fmagent_dest *d, struct fm_time now)
{
	const struct fmagent_report *r;
	struct fmagent_report failure = {0};
	uint64_t acked = 0;

	for (; (r = fmagent_ring_peek(&d->out)) != NULL; fmagent_ring_pop(&d->out)) {
		if (!is_current(d, r))
			continue;
		d->taken--;
		if (r->failed)
			failure = *r;
		else
			acked = r->seq;
	}
	if (acked != 0)
		outbox_acked(&d->sink, acked);
	if (failure.failed && is_current(d, &failure)) {
		disown(d);
		outbox_failed(&d->sink, now, failure.why);
	}
	if (d->starved && d->taken < FMAGENT_WINDOW && fmagent_ring_slot(&d->in) != NULL) {
		d->starved = false;
		outbox_ready(&d->sink);
	}
}

/* ---- the sink -------------------------------------------------------------------------------- */

static int
dest_offer(struct sink *s, const struct stored_transition *tr)
{
	struct fmagent_dest *d = dest_of(s);
	struct fmagent_notice *n = d->taken < FMAGENT_WINDOW ? fmagent_ring_slot(&d->in) : NULL;

	if (n == NULL) {
		d->starved = true;
		return -EAGAIN;
	}
	int rc = fmagent_notice_make(tr, &d->filter, n);
	if (rc != 0)
		return rc;
	fmagent_wrs_fit(n, d->conf.max_varbinds);
	n->gen = atomic_load_explicit(&d->gen, memory_order_relaxed);
	fmagent_ring_push(&d->in);
	d->taken++;
	fmagent_signal(d->ag->wake_fd);
	return 0;
}

static void
dest_reset(struct sink *s)
{
	disown(dest_of(s));
}

/*
 * What is not answered in time is offered again by the next process. Only this sink's reports are
 * taken: of the others the outbox may have closed some already.
 */
static void
dest_close(struct sink *s)
{
	struct fmagent_dest *d = dest_of(s);
	struct pollfd pfd = {.fd = d->ag->done_fd, .events = POLLIN};
	int64_t now = fmagent_monotonic();
	uint64_t n;

	if (d->ag->close_by == 0)
		d->ag->close_by = now + CLOSE_WAIT_NS;
	for (; d->taken > 0 && now < d->ag->close_by; now = fmagent_monotonic()) {
		const struct fmagent_report *r;

		(void)poll(&pfd, 1, (int)((d->ag->close_by - now) / FM_NS_PER_MS) + 1);
		(void)!read(d->ag->done_fd, &n, sizeof(n));
		for (; (r = fmagent_ring_peek(&d->out)) != NULL; fmagent_ring_pop(&d->out)) {
			if (!is_current(d, r))
				continue;
			d->taken = r->failed ? 0 : d->taken - 1;
			if (!r->failed)
				outbox_acked(s, r->seq);
		}
	}
	disown(d);
}

static const char *
dest_state(struct sink *s)
{
	int phase = atomic_load_explicit(&dest_of(s)->phase, memory_order_relaxed);

	switch ((enum fmagent_phase)phase) {
	case FMAGENT_CLOSED:
		return "no session";
	case FMAGENT_DISCOVERING:
		return "discovering the receiver's engine";
	case FMAGENT_READY:
		return "ready";
	case FMAGENT_WAITING:
		return "waiting for a response";
	}
	return "unknown";
}

static const struct sink_ops dest_ops = {
	.offer = dest_offer,
	.reset = dest_reset,
	.close = dest_close,
	.state = dest_state,
};

/* ---- start ----------------------------------------------------------------------------------- */

static char *
copy_or_null(const char *s)
{
	return s != NULL && s[0] != '\0' ? fm_strdup(s) : NULL;
}

static int
dest_init(struct fmagent_dest *d, struct fmagent *ag, const struct fmagent_target *src,
	  struct fm_err *err)
{
	d->ag = ag;
	d->sink_name = fm_asprintf("snmp:%s", src->name);
	d->sink = (struct sink){.ops = &dest_ops, .name = d->sink_name};
	d->filter = (struct fmagent_filter){.min_severity = src->min_severity, .logs = src->logs,
		.region = ag->region, .system = ag->system};
	/* Twice the window: what was disowned may still lie there. */
	fmagent_ring_init(&d->in, sizeof(struct fmagent_notice), 2 * FMAGENT_WINDOW);
	fmagent_ring_init(&d->out, sizeof(struct fmagent_report), 2 * FMAGENT_WINDOW);
	return fmagent_conf_init(&d->conf, src, err);
}

static int
init_dests(struct fmagent *ag, const struct fmagent_options *opt, struct fm_err *err)
{
	for (unsigned i = 0; i < opt->n_targets; i++) {
		ag->n_dests = i + 1;
		int rc = dest_init(&ag->dests[i], ag, &opt->targets[i], err);

		for (unsigned j = 0; rc == 0 && j < i; j++)
			rc = fmagent_conf_conflict(&ag->dests[j].conf, &ag->dests[i].conf, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
start_thread(struct fmagent *ag, struct fm_err *err)
{
	sigset_t all, old;

	ag->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ag->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ag->wake_fd < 0 || ag->done_fd < 0)
		return fm_fail(err, -errno, "eventfd for the snmp thread: %m");
	ag->started = fmagent_monotonic();
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&ag->thread, NULL, fmagent_thread, ag);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return fm_fail(err, -rc, "snmp thread: %s", strerror(rc));
	ag->thread_up = true;
	pthread_setname_np(ag->thread, "fmd-snmp");
	return 0;
}

static void
init_tables(struct fmagent *ag, const char *path, unsigned history)
{
	ag->master = fm_calloc(1, sizeof(*ag->master));
	ag->replica = fm_calloc(1, sizeof(*ag->replica));
	fmagent_master_init(ag->master, path);
	fmagent_replica_init(ag->replica, history);
	ag->names = ag->master->rd.names = (struct fmagent_filter){.region = ag->region,
		.system = ag->system};
}

static int
start(struct fmagent *ag, const struct fmagent_options *opt, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *dir = fm_asprintf("%s/snmp", opt->state_dir);

	int rc = fmagent_engine_boot(dir, opt->engine_id, &ag->engine, err);
	if (rc < 0)
		return rc;
	fmagent_lib_up(dir, &ag->engine);
	ag->lib_up = true;
	rc = init_dests(ag, opt, err);
	return rc < 0 ? rc : start_thread(ag, err);
}

int
fmagent_new(const struct fmagent_options *opt, struct fmagent **ret, struct fm_err *err)
{
	const char *path = NULL;
	int rc = fmagent_check(opt, err);
	if (rc == 0 && opt->agentx != NULL)
		rc = fmagent_master_path(opt->agentx, &path, err);
	if (rc < 0)
		return rc;

	struct fmagent *ag = fm_calloc(1, sizeof(*ag));
	ag->wake_fd = ag->done_fd = -1;
	ag->dests = fm_calloc(opt->n_targets + 1, sizeof(*ag->dests));
	ag->region = copy_or_null(opt->region);
	ag->system = copy_or_null(opt->system);
	init_tables(ag, path, opt->history);
	rc = start(ag, opt, err);
	if (rc < 0) {
		fmagent_free(ag);
		return rc;
	}
	*ret = ag;
	return 0;
}

/* ---- end ------------------------------------------------------------------------------------- */

static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
fmagent_free(struct fmagent *ag)
{
	if (ag == NULL)
		return;
	if (ag->thread_up) {
		atomic_store_explicit(&ag->stop, true, memory_order_release);
		fmagent_signal(ag->wake_fd);
		pthread_join(ag->thread, NULL);
	}
	if (ag->lib_up)
		fmagent_lib_down();
	for (unsigned i = 0; i < ag->n_dests; i++) {
		fmagent_conf_fini(&ag->dests[i].conf);
		fmagent_ring_fini(&ag->dests[i].in);
		fmagent_ring_fini(&ag->dests[i].out);
		fm_freep(&ag->dests[i].sink_name);
	}
	fmagent_replica_fini(ag->replica, ag->master->view);
	fmagent_master_fini(ag->master);
	fm_freep(&ag->replica);
	fm_freep(&ag->master);
	close_fd(ag->wake_fd);
	close_fd(ag->done_fd);
	fm_freep(&ag->dests);
	fm_freep(&ag->region);
	fm_freep(&ag->system);
	fm_freep(&ag);
}

/* ---- the rest of the public face ------------------------------------------------------------ */

unsigned
fmagent_n_sinks(const struct fmagent *ag)
{
	return ag->n_dests;
}

struct sink *
fmagent_sink(struct fmagent *ag, unsigned i)
{
	fm_assert(i < ag->n_dests);
	return &ag->dests[i].sink;
}

int
fmagent_fd(const struct fmagent *ag)
{
	return ag->done_fd;
}

void
fmagent_poll(struct fmagent *ag, struct fm_time now)
{
	uint64_t n;

	/* Read first: a report that comes later makes the descriptor readable again. */
	(void)!read(ag->done_fd, &n, sizeof(n));
	for (unsigned i = 0; i < ag->n_dests; i++)
		take_reports(&ag->dests[i], now);
}

/* ---- tables ---------------------------------------------------------------------------------- */

void
fmagent_show_alarm(struct fmagent *ag, const struct alarm *al)
{
	if (ag->master->path != NULL)
		fmagent_replica_alarm(ag->replica, al, &ag->names);
}

void
fmagent_show_event(struct fmagent *ag, const struct stored_transition *tr)
{
	if (ag->master->path != NULL)
		fmagent_replica_event(ag->replica, tr);
}

void
fmagent_committed(struct fmagent *ag, const struct stored_transition *tr, const struct alarm *al)
{
	if (ag->master->path == NULL)
		return;
	fmagent_replica_event(ag->replica, tr);
	if (al != NULL && fm_uuid_eq(&al->uuid, &tr->uuid))
		fmagent_replica_alarm(ag->replica, al, &ag->names);
	else if (tr->kind == TR_CLEAR)
		fmagent_replica_remove(ag->replica, fmagent_alarm_number(tr));
}

void
fmagent_publish(struct fmagent *ag)
{
	if (ag->master->path != NULL && fmagent_replica_publish(ag->replica))
		fmagent_signal(ag->wake_fd);
}

bool
fmagent_news(struct fmagent *ag, char ret[FMAGENT_MAX_NEWS])
{
	const struct fmagent_news *news = fmagent_ring_peek(&ag->master->news);

	if (news == NULL)
		return false;
	memcpy(ret, news->text, FMAGENT_MAX_NEWS);
	fmagent_ring_pop(&ag->master->news);
	return true;
}

static uint64_t
load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
fmagent_get_stats(const struct fmagent *ag, struct fmagent_stats *ret)
{
	*ret = (struct fmagent_stats){
		.sent = load(&ag->sent),
		.acked = load(&ag->acked),
		.timeouts = load(&ag->timeouts),
		.errors = load(&ag->errors),
		.engine_boots = ag->engine.boots,
		.table_requests = load(&ag->master->requests),
		.tables_served = atomic_load_explicit(&ag->master->phase, memory_order_relaxed)
			== FMAGENT_MASTER_SERVING,
	};
}
