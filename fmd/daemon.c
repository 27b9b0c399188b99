/*
 * daemon: start order and stop order. Up: state, catalogue, core, sinks, source, control socket;
 * each step says what went wrong and ends the start. Down: intake first, then what is left is
 * committed and offered, then the sinks, the store last.
 */
#include "base/file.h"
#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define TRIM_ROWS 1000
#define TRIM_MS 50
#define GIVE_BACK_S 10
#define GIVE_BACK_BYTES (4u << 20)      /* less is not worth the look */

void
tell_manager(const char *state)
{
#ifdef HAVE_SYSTEMD
	(void)sd_notify(0, state);
#else
	(void)state;
#endif
}

/* ---- opening ------------------------------------------------------------------------------------- */

static int
read_catalogue(const struct daemon *d, struct cat_findings *findings, struct catalogue **ret,
	       struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	const char *path = d->conf->catalogue;
	/* The demo takes the catalogue of the source tree, whoever owns that. */
	int r = fm_file_read(path, d->demo ? FM_FILE_ANY : FM_FILE_CONFIG, CAT_MAX_FILE + 1, &text,
			     err);

	return r < 0 ? r : cat_load_buf(path, text.s != NULL ? text.s : "", text.len, findings, ret,
					err);
}

/* Errors are logged, warnings and notes are for "fmd -n". */
int
catalogue_open(const struct daemon *d, struct catalogue **ret, struct fm_err *err)
{
	struct cat_findings findings;
	struct fm_buf line = {0};
	int r;

	cat_findings_init(&findings);
	r = read_catalogue(d, &findings, ret, err);
	for (unsigned i = 0; i < findings.n; i++) {
		if (!findings.v[i].error)
			continue;
		fm_buf_reset(&line);
		(void)cat_finding_print(&findings.v[i], d->conf->catalogue, &line);
		log_line(LOG_ERROR, "catalogue", "%s", line.s);
	}
	fm_buf_fini(&line);
	cat_findings_fini(&findings);
	return r;
}

static void
forget_broker(const struct daemon *d)
{
	FM_CLEANUP(fm_freep) char *path = fm_asprintf("%s/broker", d->conf->state_dir);

	(void)unlink(path);
}

static int
open_state(struct daemon *d, struct fm_err *err)
{
	/* Each is made when the store is open, so none of them is there at a first start. */
	static const char *const traces[] = {"failure", "at-hand", "reserve", NULL};
	const struct store_options opt = {.dir = d->conf->state_dir,
		.max_transitions = d->conf->keep_transitions, .max_age = d->conf->keep_age,
		.max_backlog = d->conf->keep_backlog, .now = clock_wall(),
		.read_only = d->hold.frozen, .traces = traces};
	const struct decoder_options dec = {.max_record = d->conf->record,
		.max_depth = (unsigned)d->conf->depth};
	int r = store_open(&opt, &d->store, err);

	if (r == -ENOSPC) {
		hold_release(d);
		r = store_open(&opt, &d->store, err);
	}
	if (r < 0)
		return r;
	if (d->demo)
		forget_broker(d);       /* of one that was killed; who waits for the file waits for ours */
	self_open_failure_note(d);
	r = catalogue_open(d, &d->cat, err);
	if (r < 0)
		return r;
	d->corr = corr_new(d->cat);
	d->decoder = decoder_new(&dec);
	r = engine_restore(d, err);
	if (r == 0 && d->hold.frozen)
		frozen_tell(d);
	return r;
}

static int
write_text(const char *dir, const char *name, const char *text, struct fm_err *err)
{
	char *path = fm_asprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	int r = 0;

	if (f == NULL || fprintf(f, "%s\n", text) < 0)
		r = fm_fail(err, -errno, "%s: %m", path);
	if (f != NULL)
		fclose(f);
	free(path);
	return r;
}

/* The demo's broker has one partition a topic: any client may produce to the printed address. */
static int
open_broker(struct daemon *d, struct fm_err *err)
{
	const char *topics[CONF_MAX_LIST + 3];
	unsigned n = 0;
	int r;

	for (unsigned i = 0; i < d->conf->n_inputs; i++)
		topics[n++] = d->conf->input[i].topic;
	topics[n++] = d->conf->out_alarms;
	topics[n++] = d->conf->out_transitions;
	topics[n++] = d->conf->out_quarantine;
	r = kafka_broker_new(topics, n, 1, &d->broker, err);
	if (r < 0)
		return r;
	free(d->conf->brokers);
	d->conf->brokers = fm_strdup(kafka_broker_address(d->broker));
	log_line(LOG_NOTICE, "demo", "embedded broker at %s, state in %s", d->conf->brokers,
		 d->conf->state_dir);
	return write_text(d->conf->state_dir, "broker", d->conf->brokers, err);
}

struct kafka_conf
kafka_conf_of(const struct fmd_conf *conf)
{
	return (struct kafka_conf){.brokers = conf->brokers, .client_id = "fmd",
		.settings = conf->setting, .n_settings = conf->n_settings};
}

static bool
show_alarm(void *ctx, const struct alarm *al)
{
	fmagent_show_alarm(ctx, al);
	return true;
}

static bool
show_event(void *ctx, const struct stored_transition *tr)
{
	fmagent_show_event(ctx, tr);
	return true;
}

struct fmagent_options
agent_options(const struct fmd_conf *conf)
{
	return (struct fmagent_options){.state_dir = conf->state_dir,
		.engine_id = conf->engine_id, .targets = conf->target,
		.n_targets = conf->n_targets, .region = conf->region, .system = conf->system,
		.agentx = conf->agentx, .history = (unsigned)conf->history};
}

/* Targets become sinks; the tables begin with what is known. */
static int
open_agent(struct daemon *d, struct fm_err *err)
{
	const struct fmd_conf *c = d->conf;
	const struct fmagent_options opt = agent_options(c);
	const uint64_t last = store_last_seq(d->store);
	/* Room for those that get no row; what is too old anyway is not read. */
	const struct store_query newest = {.kind = -1,
		.after_seq = last > 4 * c->history ? last - 4 * c->history : 0};
	int r;

	if (c->n_targets == 0 && c->agentx == NULL)
		return 0;
	r = fmagent_new(&opt, &d->agent, err);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < fmagent_n_sinks(d->agent); i++)
		outbox_add(d->outbox, fmagent_sink(d->agent, i), true);
	if (c->agentx == NULL)
		return 0;
	corr_each_alarm(d->corr, false, show_alarm, d->agent);
	r = store_transitions(d->store, &newest, show_event, d->agent, err);
	fmagent_publish(d->agent);
	return r;
}

static int
open_recorder(struct daemon *d, struct fm_err *err)
{
	char *mark = NULL;
	int r;

	(void)!store_meta(d->store, "recorded", &mark);
	r = recorder_open(d->conf->capture, mark, d->conf->capture_size, &d->recorder, err);
	free(mark);
	return r;
}

/* A file is read for how it ends; of a pipe fmd is to be no reader. */
static int
open_journal(const char *path)
{
	struct stat st;
	const int mode = stat(path, &st) == 0 && !S_ISREG(st.st_mode) ? O_WRONLY : O_RDWR;

	return open(path, mode | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static int
open_sinks(struct daemon *d, struct fm_err *err)
{
	char host[256] = "localhost";
	int r;

	(void)gethostname(host, sizeof(host) - 1);
	d->source_name = fm_asprintf("fmd/%s/%s", host, store_stream(d->store));
	const struct kafka_sink_options out = {.conf = kafka_conf_of(d->conf),
		.alarms_topic = d->conf->out_alarms, .transitions_topic = d->conf->out_transitions,
		.quarantine_topic = d->conf->out_quarantine, .stream = store_stream(d->store),
		.source = d->source_name, .notice = self_notice, .ctx = d};

	r = kafka_sink_new(&out, &d->ksink, err);
	if (r < 0)
		return r;
	d->outbox = outbox_new(d->store);
	outbox_add(d->outbox, kafka_sink_as_sink(d->ksink), false);
	if (d->conf->journal != NULL) {
		d->journal_fd = open_journal(d->conf->journal);
		if (d->journal_fd < 0)
			return fm_fail(err, -errno, "log.journal: %s: %m", d->conf->journal);
		outbox_add(d->outbox, journal_sink_new(d->journal_fd), false);
	}
	if (d->conf->capture != NULL && !d->hold.frozen) {
		r = open_recorder(d, err);
		if (r < 0)
			return r;
	}
	return open_agent(d, err);
}

static int
open_source(struct daemon *d, struct fm_err *err)
{
	struct kafka_source_options opt = {.conf = kafka_conf_of(d->conf), .topics = d->topics,
		.n_topics = d->conf->n_inputs,
		.start = d->conf->start_latest ? KAFKA_LATEST : KAFKA_EARLIEST,
		.position = engine_position, .lost = input_lost, .held = engine_held,
		.notice = self_notice, .ctx = d};
	const char *doubt;

	for (unsigned i = 0; i < d->conf->n_inputs; i++)
		d->topics[i] = d->conf->input[i].topic;
	for (unsigned i = 0; (doubt = kafka_conf_doubt(&opt.conf, i)) != NULL; i++)
		log_line(LOG_WARNING, "kafka", "%s", doubt);
	d->source_opened = clock_mono_ns();
	return kafka_source_new(&opt, &d->source, err);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static void
on_source(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	engine_cycle(poll->data);
}

static void
on_sink(uv_poll_t *poll, int status, int events)
{
	struct daemon *d = poll->data;

	(void)status;
	(void)events;
	kafka_sink_poll(d->ksink, d->steady.time);
	engine_cycle(d);
}

static void
on_agent(uv_poll_t *poll, int status, int events)
{
	struct daemon *d = poll->data;
	char news[FMAGENT_MAX_NEWS];

	(void)status;
	(void)events;
	fmagent_poll(d->agent, d->steady.time);
	while (fmagent_news(d->agent, news))
		log_line(LOG_NOTICE, "snmp", "%s", news);
	engine_cycle(d);
}

/*
 * Half a second without a commit: nobody waits for the disk now. Otherwise the log is moved when it
 * is full, for what moves it makes the notifications of that moment late.
 */
static bool
is_quiet(struct daemon *d)
{
	const bool quiet = d->commits == d->commits_at_tick;

	d->commits_at_tick = d->commits;
	return quiet && !d->more;
}

/* As fast as transitions can come in, but never long at a time. */
static void
trim(struct daemon *d)
{
	const struct store_readers rd = outbox_readers(d->outbox);
	const int64_t until = clock_mono_ns() + TRIM_MS * FM_NS_PER_MS;
	struct fm_err err = {0};
	int n;

	do
		n = store_trim(d->store, d->steady.time, &rd, TRIM_ROWS, &err);
	while (n == TRIM_ROWS && clock_mono_ns() < until);
	if (n < 0)
		log_often(d->log, LOG_UPKEEP, "retention: %s", err.msg);
}

/* What a start or a backlog took lies between what stays, and the C library keeps it unless asked. */
static void
give_memory_back(struct daemon *d)
{
	const int64_t now = clock_mono_ns();
	size_t unused;

	if (now < d->give_back_due)
		return;
	d->give_back_due = now + GIVE_BACK_S * FM_NS_PER_S;
	unused = mallinfo2().fordblks;
	if (unused >= d->given_back + GIVE_BACK_BYTES)
		malloc_trim(0);
	else if (unused >= d->given_back)
		return;
	d->given_back = unused;         /* it counts as unused though the kernel has it */
}

static void
on_tick(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	struct fm_err err = {0};
	const struct fm_time now = engine_look(d);

	control_tick(d);
	frozen_tick(d);
	if (d->hold.frozen) {
		kafka_sink_poll(d->ksink, now);
		input_tick(d, now);
		tell_manager("WATCHDOG=1");
		return;
	}
	if (store_in_place(d->store, &d->err) < 0) {
		engine_fail(d, -ESTALE, "state");
		return;
	}
	hold_tick(d);
	if (d->source != NULL)
		kafka_source_tick(d->source, now);
	kafka_sink_poll(d->ksink, now);
	self_tick(d, now);
	steady_tick(d);
	input_tick(d, now);
	if (d->agent != NULL)
		fmagent_publish(d->agent);
	engine_cycle(d);
	if (d->failed != 0)
		return;
	if (is_quiet(d)) {
		if (store_checkpoint(d->store, &err) < 0)
			log_often(d->log, LOG_UPKEEP, "checkpoint: %s", err.msg);
		give_memory_back(d);
	}
	FAILPOINT(d, LOG_MOVED);
	trim(d);
	FAILPOINT(d, TRIMMED);
	backup_tick(d);
	audit_tick(d, false);
	tell_manager("WATCHDOG=1");
}

static void
on_end(uv_signal_t *sig, int number)
{
	struct daemon *d = sig->data;

	log_line(LOG_NOTICE, "fmd", "%s: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
	d->stopping = true;
	uv_stop(&d->loop);
}

static void
on_reload(uv_signal_t *sig, int number)
{
	(void)number;
	engine_reload(sig->data);
}

static void
watch_fd(struct daemon *d, uv_poll_t *poll, int fd, uv_poll_cb cb)
{
	uv_poll_init(&d->loop, poll, fd);
	poll->data = d;
	uv_poll_start(poll, UV_READABLE, cb);
}

static void
watch_source(struct daemon *d)
{
	d->poll_source = fm_calloc(1, sizeof(*d->poll_source));
	watch_fd(d, d->poll_source, kafka_source_fd(d->source), on_source);
}

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

int
daemon_open_source(struct daemon *d, struct fm_err *err)
{
	const int r = open_source(d, err);

	if (r == 0)
		watch_source(d);
	return r;
}

void
daemon_close_source(struct daemon *d)
{
	if (d->poll_source != NULL)
		uv_close((uv_handle_t *)d->poll_source, free_handle);
	d->poll_source = NULL;
	kafka_source_free(d->source);
	d->source = NULL;
}

static void
watch_signal(struct daemon *d, uv_signal_t *sig, int number, uv_signal_cb cb)
{
	uv_signal_init(&d->loop, sig);
	sig->data = d;
	uv_signal_start(sig, cb, number);
}

void
daemon_hold_signals(bool on)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void
loop_start(struct daemon *d)
{
	uv_timer_init(&d->loop, &d->tick);
	uv_timer_init(&d->loop, &d->wake);
	uv_idle_init(&d->loop, &d->busy);
	d->tick.data = d->wake.data = d->busy.data = d;
	uv_timer_start(&d->tick, on_tick, 200, 500);
	if (d->source != NULL)
		watch_source(d);
	watch_fd(d, &d->poll_sink, kafka_sink_fd(d->ksink), on_sink);
	if (d->agent != NULL)
		watch_fd(d, &d->poll_agent, fmagent_fd(d->agent), on_agent);
	watch_signal(d, &d->sig_term, SIGTERM, on_end);
	watch_signal(d, &d->sig_int, SIGINT, on_end);
	watch_signal(d, &d->sig_hup, SIGHUP, on_reload);
	daemon_hold_signals(false);
	engine_arm(d);
}

static void
close_handle(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void
last_commit(struct daemon *d)
{
	if (d->failed != 0 || d->source == NULL)
		return;
	audit_tick(d, true);
	engine_begin(d);
	(void)engine_end(d, NULL);
	FAILPOINT(d, STOP_COMMITTED);
	kafka_sink_poll(d->ksink, d->steady.time);
}

static void
shut_down(struct daemon *d, bool loop)
{
	struct fm_err err;

	tell_manager("STOPPING=1");
	if (loop) {
		control_stop(d);
		last_commit(d);
		daemon_close_source(d);
	}
	uv_walk(&d->loop, close_handle, NULL);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	careful_stop(d);
	kafka_source_free(d->source);
	outbox_free(d->outbox);
	fmagent_free(d->agent);
	if (d->broker != NULL)
		forget_broker(d);
	kafka_broker_free(d->broker);
	corr_free(d->corr);
	cat_free(d->cat);
	decoder_free(d->decoder);
	if (d->store != NULL) {
		store_rollback(d->store);       /* of a start that failed within one */
		(void)!store_checkpoint(d->store, &err);
	}
	store_close(d->store);
	recorder_close(d->recorder);
	if (d->journal_fd >= 0)
		close(d->journal_fd);
	if (d->self.failure_fd >= 0)
		close(d->self.failure_fd);
	log_tick(d->log, true);
	for (unsigned i = 0; i < d->n_parts; i++)
		free(d->part[i].topic);
	free(d->part);
	free(d->source_name);
	uv_loop_close(&d->loop);
}

static int
open_all(struct daemon *d, struct fm_err *err)
{
	int r = open_state(d, err);

	FAILPOINT(d, START_RESTORED);
	if (r == 0 && !d->hold.frozen)
		hold_start(d);
	if (r == 0 && d->demo)
		r = open_broker(d, err);
	if (r == 0)
		r = open_sinks(d, err);
	if (r == 0)
		r = engine_start(d, err);
	if (r == 0 && !d->hold.frozen)
		r = open_source(d, err);
	if (r == 0)
		r = control_start(d, err);
	return r;
}

/* Returns the exit code, or a negative errno when it did not start. */
int
daemon_run(struct fmd_conf *conf, bool demo, struct fm_err *err)
{
	struct daemon *d = fm_calloc(1, sizeof(*d));
	int r;

	d->conf = conf;
	d->demo = demo;
	d->journal_fd = d->self.failure_fd = -1;
#ifdef FMD_FAILPOINTS
	failpoint_init(&d->failpoint);
#endif
	log_set_level((enum log_level)conf->log_level);
	(void)signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&d->loop);
	frozen_decide(d);
	r = open_all(d, err);
	if (r == 0) {
		self_start(d);
		loop_start(d);
		FAILPOINT(d, START_OPENED);
		log_line(LOG_NOTICE, "fmd", "version=%s stream=%s seq=%llu records=%u socket=%s",
			 FMD_VERSION, store_stream(d->store),
			 (unsigned long long)store_last_seq(d->store), cat_count(d->cat),
			 conf->socket);
		tell_manager("READY=1");
		uv_run(&d->loop, UV_RUN_DEFAULT);
		r = d->exit_code;
	}
	shut_down(d, r >= 0);
	if (r == 0 && (d->failed == -EIO || d->failed == -ESTALE))
		r = FMD_EXIT_IO;                /* by the last commit */
	if ((r < 0 ? r : d->failed) == -EIO)
		frozen_count(d);
	else if (d->failed == -ESTALE)
		frozen_note_gone(d);
	free(d);
	return r;
}
