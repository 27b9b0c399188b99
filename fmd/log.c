/*
 * log: one line a message on stderr, which the journal takes as it is: with the syslog priority
 * prefix when stderr is the journal (sd-daemon(3)), with a time stamp otherwise.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

static enum log_level log_level = LOG_INFO;

void
log_set_level(enum log_level level)
{
	log_level = level;
}

void
log_line(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	static const char *const name[] = {"error", "warning", "notice", "info", "debug"};
	char text[1024], time[FM_TIME_STR];
	struct fm_buf line = {0};
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
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
