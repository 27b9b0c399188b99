/*
 * log: one line a message on stderr, which the journal takes as it is: with the syslog priority
 * prefix when stderr is the journal (sd-daemon(3)), with a time stamp otherwise.
 *
 * Messages that input or a library can cause by the thousand belong to a class. Of each class a few
 * are said in an interval, the others are counted, and the interval ends with a line that says how
 * many there were.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_S 60

static const struct {
	enum log_level level;
	const char *subsystem, *what;
	unsigned burst;                 /* said in full in one interval */
} classes[LOG_N_CLASSES] = {
	[LOG_QUARANTINED] = {LOG_WARNING, "decode", "records quarantined", 1},
	[LOG_CLIENT] = {LOG_WARNING, "kafka", "warnings of the Kafka client", 5},
	[LOG_UPKEEP] = {LOG_WARNING, "store", "failures of checkpoint or retention", 1},
	[LOG_SINK] = {LOG_WARNING, "sink", "troubles of sinks", 10},
	[LOG_REFUSED] = {LOG_WARNING, "control", "clients or commands refused", 5},
};

static enum log_level log_level = LOG_INFO;

void
log_set_level(enum log_level level)
{
	log_level = level;
}

static void
log_text(enum log_level level, const char *subsystem, const char *text)
{
	static const char *const name[] = {"error", "warning", "notice", "info", "debug"};
	char time[FM_TIME_STR];
	struct fm_buf line = {0};

	if (level > log_level)
		return;
	if (getenv("JOURNAL_STREAM") != NULL)
		fm_buf_addf(&line, "<%d>", (int)level + 3);
	else
		fm_buf_addf(&line, "%s %s ", fm_time_format(clock_wall(), time), name[level]);
	fm_buf_addf(&line, "%s: ", subsystem);
	fm_escape(&line, text, strlen(text));
	fm_buf_adds(&line, "\n");
	fputs(line.s, stderr);
	fm_buf_fini(&line);
}

void
log_line(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_text(level, subsystem, text);
}

void
log_often(struct log_budget *budget, enum log_class class, const char *fmt, ...)
{
	struct log_budget *b = &budget[class];
	char text[1024];
	va_list ap;

	if (b->since == 0)
		b->since = clock_mono_ns();
	if (b->said == classes[class].burst) {
		b->held++;
		b->held_ever++;
		return;
	}
	b->said++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_text(classes[class].level, classes[class].subsystem, text);
}

const char *
log_class_name(enum log_class class)
{
	return classes[class].what;
}

/* After a summary the next interval begins with nothing left to say: a flood stays one line. */
static void
end_interval(struct log_budget *b, enum log_class class, int64_t now)
{
	const uint64_t held = b->held, ever = b->held_ever;
	const long long seconds = (now - b->since) / FM_NS_PER_S;

	*b = (struct log_budget){.held_ever = ever};
	if (held == 0)
		return;
	log_line(classes[class].level, classes[class].subsystem, "%llu more %s in %lld s",
		 (unsigned long long)held, classes[class].what, seconds);
	b->since = now;
	b->said = classes[class].burst;
}

void
log_tick(struct log_budget *budget, bool last)
{
	const int64_t now = clock_mono_ns();

	for (unsigned i = 0; i < LOG_N_CLASSES; i++)
		if (budget[i].since != 0 &&
		    (last || now - budget[i].since >= INTERVAL_S * FM_NS_PER_S))
			end_interval(&budget[i], (enum log_class)i, now);
}
