/*
 * self: fmd's own troubles as alarms 990.xxx, in the same catalogue, list, traps and topics as all
 * others (P9). Most are levels: twice a second the condition is looked at and compared with the
 * alarm that the core holds, which survives restarts. So an alarm of the last run whose cause has
 * gone is cleared, and what an operator clears while its cause stays comes back.
 *
 *   001  records in quarantine         cleared after self.quiet without one
 *   002  no broker                     for 10 s; cleared by one that answers
 *   003  disk nearly full              below self.disk_free; cleared a quarter above it
 *        the last run could not write  cleared after self.late
 *   004  a sink does not keep up       what was committed self.late ago is not delivered
 *   005  a catalogue refused           engine_reload; cleared by one that loads
 *   006  records of a host are missing for self.late; cleared when they come after all, or when the
 *                                      bridge has told the state of all its domains anew
 *   007  alarm table full              cleared below nine tenths
 *   008  records vanished from a topic  input.c
 *   009  a sink was left behind        cleared when it has had the gaps and the state after them
 *   010, 011  the database was replaced by a copy, no copy can be made: backup.c
 *   012  the clock was set             steady.c
 *   013  a record ended fmd again and again: careful.c
 *   014  a partition is paused for its bad records: spoil.c
 *   020  a storm of announcements      the core's own: correlator/storm.c
 *
 * And the heartbeat, which is no alarm.
 */
#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A broker that restarts is not worth an alarm; one that stays away is. */
#define UNREACHABLE_S 10
/* Looking at every host is not for every tick. */
#define HOSTS_EVERY_S 2

#define QUARANTINE "service=fmd.topic=quarantine"
#define INPUT "service=fmd.input=kafka"
#define CATALOGUE "service=fmd.catalogue=events"
#define TABLE "service=fmd.table=alarms"

/*
 * In logical time, so that an alarm of ours does not carry time past a backlog. A new store that
 * has read nothing yet knows no time but the record's at hand, or else the wall clock's.
 */
static struct fm_time
self_time(const struct daemon *d)
{
	const struct fm_time at = engine_time(d);

	if (at.ns != 0)
		return at;
	return d->record_ts.ns != 0 ? d->record_ts : d->steady.time;
}

static void
set(struct daemon *d, const char *id, const char *entity, bool on, const char *text)
{
	if (d->stopping || d->hold.dry)
		return;                 /* the last commit has been made, the source may be gone */
	corr_self(d->corr, self_time(d), id, entity, on, SEV_NONE, text, engine_transition, d);
}

void
self_set(struct daemon *d, const char *id, const char *entity, bool on, const char *text)
{
	set(d, id, entity, on, text);
}

static bool
is_active(const struct daemon *d, const char *id, const char *entity)
{
	const struct alarm *al = corr_find_alarm(d->corr, id, entity);

	return al != NULL && !al->cleared;
}

/* A level: says something only when it differs from what stands. */
void
self_level(struct daemon *d, const char *id, const char *entity, bool on, const char *text)
{
	if (is_active(d, id, entity) != on)
		set(d, id, entity, on, text);
}

/* ---- 001: quarantine ---------------------------------------------------------------------------- */

/* Each one counts, as everywhere when an alarm is set again. */
void
self_quarantined(struct daemon *d)
{
	d->self.quarantine_quiet = fm_time_add(d->steady.time, d->conf->quiet);
	set(d, "990.001", QUARANTINE, true, "Input records could not be read and were "
	    "quarantined; see fm quarantine-list");
}

static void
quarantine_tick(struct daemon *d, struct fm_time now)
{
	struct self *s = &d->self;

	if (s->quarantine_quiet.ns == 0 || now.ns < s->quarantine_quiet.ns)
		return;
	s->quarantine_quiet.ns = 0;
	self_level(d, "990.001", QUARANTINE, false, "");
}

/* ---- 002: brokers ------------------------------------------------------------------------------- */

static void
unreachable_tick(struct daemon *d)
{
	const int64_t away = clock_mono_ns() - d->self.unreachable_since;
	char text[256];

	if (!d->self.unreachable || away < UNREACHABLE_S * FM_NS_PER_S)
		return;
	snprintf(text, sizeof(text), "No Kafka broker can be reached%s%s",
		 d->self.refusal[0] != '\0' ? ": " : "", d->self.refusal);
	self_level(d, "990.002", INPUT, true, text);
}

/* The first reason stays while it lasts: those of each try differ in addresses and times only. */
static void
refused(struct daemon *d, const char *text)
{
	const char *end = strstr(text, " (after ");
	const size_t len = end != NULL ? (size_t)(end - text) : strlen(text);

	log_often(d->log, LOG_CLIENT, "%s", text);
	if (d->self.refusal[0] == '\0')
		snprintf(d->self.refusal, sizeof(d->self.refusal), "%.*s",
			 (int)fm_utf8_cut(text, len, sizeof(d->self.refusal) - 1), text);
}

static void
reachable(struct daemon *d, bool on, const char *text)
{
	const bool was = !d->self.unreachable;

	d->self.unreachable = !on;
	if (on) {
		d->self.refusal[0] = '\0';
		self_level(d, "990.002", INPUT, false, "");
	}
	if (was == on)
		return;
	d->self.unreachable_since = clock_mono_ns();
	if (on)
		log_line(LOG_NOTICE, "kafka", "%s", text);
	else
		log_line(LOG_WARNING, "kafka", "no broker can be reached, waiting: %s", text);
}

/* ---- 003: storage ------------------------------------------------------------------------------- */

/*
 * When the store fails nothing can be committed, so what happened is written over the blanks of a
 * file that was made when there was room. The next start finds it there.
 */
void
self_open_failure_note(struct daemon *d)
{
	char *path = fm_asprintf("%s/failure", d->conf->state_dir);
	char note[SELF_NOTE];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	ssize_t n = fd >= 0 ? pread(fd, note, sizeof(note), 0) : 0;

	free(path);
	while (n > 0 && note[n - 1] == ' ')
		n--;
	if (n > 0) {
		memcpy(d->self.failure, note, (size_t)n);
		d->self.failure[n] = '\0';
		d->self.failure_until = clock_mono_ns() + d->conf->late.ns;
	}
	d->self.failure_fd = fd;
	if (n <= 0)
		self_note_failure(d, "");
}

/* Nothing can be done when this fails too: it is said in the log as well. */
void
self_note_failure(struct daemon *d, const char *text)
{
	char note[SELF_NOTE];
	const size_t len = strlen(text) < sizeof(note) ? strlen(text) : sizeof(note);

	memset(note, ' ', sizeof(note));
	memcpy(note, text, len);
	if (d->self.failure_fd >= 0)
		(void)!pwrite(d->self.failure_fd, note, sizeof(note), 0);
}

#define HELD "The disk is full: fmd reads no input until there is room"

/* The words of low do not follow the figure, those of a hold are another matter. */
static void
storage_level(struct daemon *d, bool on, const char *text)
{
	const struct alarm *al = corr_find_alarm(d->corr, "990.003", SELF_STORAGE);
	const bool stands = is_active(d, "990.003", SELF_STORAGE);

	if (on != stands || (on && (strcmp(text, HELD) == 0) != (strcmp(al->reason_text, HELD) == 0)))
		set(d, "990.003", SELF_STORAGE, on, text);
}

static void
storage_tick(struct daemon *d)
{
	const uint64_t is_free = hold_disk_free(d), least = d->conf->disk_free;
	const bool stands = is_active(d, "990.003", SELF_STORAGE);
	const bool low = is_free < (stands ? least + least / 4 : least);
	char text[SELF_NOTE + 64];

	if (d->hold.on) {
		storage_level(d, true, HELD);
		return;
	}
	if (d->self.failure[0] != '\0' && clock_mono_ns() < d->self.failure_until) {
		snprintf(text, sizeof(text), "fmd ended because it could not store its state: %s",
			 d->self.failure);
		storage_level(d, true, text);
		return;
	}
	if (d->self.failure[0] != '\0')
		self_note_failure(d, "");
	d->self.failure[0] = '\0';
	snprintf(text, sizeof(text), "Only %llu MiB are free where fmd stores its state",
		 (unsigned long long)(is_free >> 20));
	storage_level(d, low, text);
}

/* ---- 004, 009: sinks ---------------------------------------------------------------------------- */

/*
 * A mark is set at the newest transition; when the sink has had that, at what is the newest then. So
 * the age of a mark that is not reached is how late the sink is, at least.
 */
static void
late_tick(struct daemon *d, struct sink_mark *mark, const struct sink_stats *s, const char *entity)
{
	const int64_t now = clock_mono_ns();
	const bool in_time = mark->at != 0 && now - mark->at < d->conf->late.ns;
	char text[400];

	if (mark->at != 0 && s->acked < mark->seq) {
		snprintf(text, sizeof(text), "%.100s has not had %llu transitions, the oldest for "
			 "more than %lld s: %.150s", s->name,
			 (unsigned long long)(s->last_seq - s->acked),
			 (long long)((now - mark->at) / FM_NS_PER_S),
			 s->last_error != NULL ? s->last_error : s->state != NULL ? s->state : "");
		if (!in_time)
			self_level(d, "990.004", entity, true, text);
		return;
	}
	if (in_time || s->acked == s->last_seq)
		self_level(d, "990.004", entity, false, "");
	mark->seq = s->last_seq;
	mark->at = now;
}

struct sink_visit {
	struct daemon *d;
	unsigned i;
};

/* Before it is late enough for an alarm; that the broker is away is said elsewhere. */
static void
log_failing(struct daemon *d, struct sink_mark *mark, const struct sink_stats *s)
{
	const bool failing = s->last_error != NULL;

	if (failing == mark->failing)
		return;
	mark->failing = failing;
	if (failing)
		log_often(d->log, LOG_SINK, "%s: %s; it is tried again", s->name, s->last_error);
	else
		log_often(d->log, LOG_SINK, "%s: delivers again", s->name);
}

static void
look_at_sink(void *ctx, const struct sink_stats *s)
{
	struct sink_visit *v = ctx;
	struct sink_mark *mark = &v->d->self.mark[v->i++];
	char entity[160], text[256];

	fm_assert(v->i <= FM_ARRAY_LEN(v->d->self.mark));
	snprintf(entity, sizeof(entity), "service=fmd.sink=%.120s", s->name);
	log_failing(v->d, mark, s);
	late_tick(v->d, mark, s, entity);
	snprintf(text, sizeof(text), "%.120s was away too long: it gets the newest of each alarm, "
		 "and gaps in place of the rest", s->name);
	self_level(v->d, "990.009", entity, s->left_behind, text);
}

/* ---- 006: hosts --------------------------------------------------------------------------------- */

/* Another partition may still bring what is missing; what was missing before the start is lost. */
static void
look_at_host(void *ctx, const struct corr_host *h)
{
	struct daemon *d = ctx;
	const struct fm_time now = engine_time(d);
	char entity[FM_MAX_ENTITY], text[200];

	if (h->last_heard.ns == 0 || (int)sizeof(entity) <=
	    snprintf(entity, sizeof(entity), "host=%s", h->name))
		return;
	snprintf(text, sizeof(text), "%llu libvirt events of %.100s were lost on their way",
		 (unsigned long long)h->lost, h->name);
	if (h->lost == 0)
		self_level(d, "990.006", entity, false, "");
	else if (h->lost_since.ns == 0 || now.ns - h->lost_since.ns >= d->conf->late.ns)
		self_level(d, "990.006", entity, true, text);
}

static void
hosts_tick(struct daemon *d)
{
	const int64_t now = clock_mono_ns();

	if (now < d->self.look_at_hosts)
		return;
	d->self.look_at_hosts = now + HOSTS_EVERY_S * FM_NS_PER_S;
	corr_each_host(d->corr, look_at_host, d);
}

/* ---- 007: alarm table --------------------------------------------------------------------------- */

static void
table_tick(struct daemon *d)
{
	const uint64_t n = corr_active(d->corr), most = cat_limits(d->cat)->max_alarms;
	const bool stands = is_active(d, "990.007", TABLE);
	char text[128];

	snprintf(text, sizeof(text), "%llu alarms are active; further warning and minor ones are "
		 "refused", (unsigned long long)n);
	self_level(d, "990.007", TABLE, n >= (stands ? most - most / 10 : most), text);
}

/* ---- all ---------------------------------------------------------------------------------------- */

/* What the last run left behind: the catalogue loaded, and quarantine is quiet until it is not. */
void
self_start(struct daemon *d)
{
	self_level(d, "990.005", CATALOGUE, false, "");
	if (is_active(d, "990.001", QUARANTINE))
		d->self.quarantine_quiet = fm_time_add(d->steady.time, d->conf->quiet);
}

/* ---- heartbeat ---------------------------------------------------------------------------------- */

/*
 * A reader that hears nothing cannot tell a quiet cloud from a dead fmd, nor whether it has missed
 * the end of the stream: this has the stream's next number, through the log and the sinks as all
 * others, so it also says that both work (P10).
 */
static void
heartbeat_tick(struct daemon *d)
{
	const int64_t now = clock_mono_ns();
	char text[64];
	struct corr_stats s;

	if (d->self.last_beat == 0)
		d->self.last_beat = now;
	if (d->stopping || d->hold.dry || d->conf->heartbeat.ns == 0 ||
	    now - d->self.last_beat < d->conf->heartbeat.ns)
		return;
	d->self.last_beat = now;
	corr_get_stats(d->corr, &s);
	snprintf(text, sizeof(text), "%llu alarms are active", (unsigned long long)
		 (s.active[SEV_CRITICAL] + s.active[SEV_MAJOR] + s.active[SEV_MINOR] +
		  s.active[SEV_WARNING]));
	struct transition beat = {
		.kind = TR_HEARTBEAT, .at = self_time(d),
		.alarm = {.alarm_id = "", .entity = "", .reason_text = text,
			  .origin = ALARM_BY_SELF},
		.cause = {.kind = CAUSE_SELF, .event = "heartbeat"},
	};
	engine_transition(d, &beat);
}

void
self_tick(struct daemon *d, struct fm_time now)
{
	struct sink_visit v = {.d = d};

	quarantine_tick(d, now);
	unreachable_tick(d);
	storage_tick(d);
	outbox_each(d->outbox, look_at_sink, &v);
	hosts_tick(d);
	table_tick(d);
	heartbeat_tick(d);
	log_tick(d->log, false);
}

void
self_notice(void *ctx, enum kafka_notice what, const char *topic, int32_t partition,
	    const char *text)
{
	struct daemon *d = ctx;

	switch (what) {
	case KAFKA_INFO:
		log_line(LOG_DEBUG, "kafka", "%s", text);
		return;
	case KAFKA_WARNING:             /* said once already while nobody is there */
		if (d->self.unreachable)
			log_line(LOG_DEBUG, "kafka", "%s", text);
		else
			log_often(d->log, LOG_CLIENT, "%s", text);
		return;
	case KAFKA_REFUSED:
		refused(d, text);
		return;
	case KAFKA_UNREACHABLE:
		reachable(d, false, text);
		return;
	case KAFKA_REACHABLE:
		reachable(d, true, text);
		return;
	case KAFKA_TOPIC_MISSING:
		log_line(LOG_WARNING, "kafka", "topic %s does not exist, waiting: %s", topic, text);
		return;
	case KAFKA_TOPIC_FOUND:
		log_line(LOG_NOTICE, "kafka", "topic %s: %s", topic, text);
		return;
	case KAFKA_POSITION_LOST:       /* the alarm comes with what is there instead: input.c */
		log_line(LOG_ERROR, "kafka", "topic=%s partition=%d: %s", topic, partition, text);
		return;
	case KAFKA_FATAL:
		log_line(LOG_ERROR, "kafka", "%s", text);
		return;
	}
}
