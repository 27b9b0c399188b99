/*
 * self: fmd's own troubles as alarms 990.xxx, in the same catalogue, list, traps and topics as all
 * others (P9).
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>

#define QUARANTINE_QUIET_MIN 10
/* A broker that restarts is not worth an alarm; one that stays away is. */
#define UNREACHABLE_S 10

/*
 * In logical time, so that an alarm of ours does not carry time past a backlog. A new store that
 * has read nothing yet knows no time but the record's at hand, or else the wall clock's.
 */
static void
set(struct daemon *d, const char *id, const char *entity, bool on, const char *text)
{
	struct fm_time at = engine_time(d);

	if (at.ns == 0)
		at = d->record_ts.ns != 0 ? d->record_ts : clock_wall();
	corr_self(d->corr, at, id, entity, on, SEV_NONE, text, engine_transition, d);
}

void
self_set(struct daemon *d, const char *id, const char *entity, bool on, const char *text)
{
	set(d, id, entity, on, text);
}

/* Set at the first bad record, cleared after ten minutes without one. */
void
self_quarantined(struct daemon *d)
{
	char text[128];

	d->quarantine_quiet = fm_time_add(clock_wall(), fm_span_s(QUARANTINE_QUIET_MIN * 60));
	snprintf(text, sizeof(text), "Input records could not be read and were quarantined; "
		 "see fm quarantine-list");
	set(d, "990.001", "service=fmd.topic=quarantine", true, text);
}

static void
unreachable_tick(struct daemon *d)
{
	const int64_t away = clock_mono_ns() - d->unreachable_since;

	if (!d->unreachable || d->unreachable_told || away < UNREACHABLE_S * FM_NS_PER_S)
		return;
	d->unreachable_told = true;
	set(d, "990.002", "service=fmd.input=kafka", true, "No Kafka broker can be reached");
}

void
self_tick(struct daemon *d, struct fm_time now)
{
	unreachable_tick(d);
	if (d->quarantine_quiet.ns == 0 || now.ns < d->quarantine_quiet.ns)
		return;
	d->quarantine_quiet.ns = 0;
	set(d, "990.001", "service=fmd.topic=quarantine", false, "");
}

static void
reachable(struct daemon *d, bool on, const char *text)
{
	if (d->unreachable == !on)
		return;
	d->unreachable = !on;
	d->unreachable_since = clock_mono_ns();
	if (!on) {
		log_line(LOG_WARNING, "kafka", "no broker can be reached, waiting: %s", text);
		return;
	}
	log_line(LOG_NOTICE, "kafka", "%s", text);
	d->unreachable_told = false;
	set(d, "990.002", "service=fmd.input=kafka", false, "");
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
		log_line(d->unreachable ? LOG_DEBUG : LOG_WARNING, "kafka", "%s", text);
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
