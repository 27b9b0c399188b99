/*
 * watch: a line for each change as it comes. It ends with Ctrl-C; when the connection ends
 * instead, it says where to resume and fails: to reconnect silently would hide what was missed.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fm/session_priv.h"
#include "fm/table_priv.h"
#include "fm/text_priv.h"
#include "fm/verbs_priv.h"

struct watch {
	const struct options *opt;
	struct look look;
	bool know_seq;          /* seq says where to resume */
	uint64_t seq;
};

static void
add_text(struct fm_buf *line, const json_t *row, const char *path)
{
	const char *text = row_text(row, path);

	text_safe(line, text, strlen(text));
}

/* Padded to the width of the longest word a column has, so that lines align. */
static void
add_padded(struct fm_buf *line, const json_t *row, const char *path, unsigned width,
	   const char *color)
{
	struct fm_buf text = {0};

	fm_buf_adds(&text, "");
	add_text(&text, row, path);
	unsigned used = text_width(text.s, text.len);
	fm_buf_addf(line, "%s%s%s%*s", color, text.s, *color != '\0' ? COLOR_END : "",
		    (int)(2 + (used < width ? width - used : 0)), "");
	fm_buf_fini(&text);
}

static void
print_text(const struct watch *w, const json_t *row)
{
	struct fm_buf line = {0};
	const char *color = w->look.color ? severity_color(row_text(row, "alarm.severity")) : "";

	text_time(&line, row_text(row, "time"), TIME_MS);
	fm_buf_addf(&line, "  %8" PRIu64 "  ", w->seq);
	add_padded(&line, row, "kind", 10, "");
	add_padded(&line, row, "alarm.severity", 8, color);
	add_padded(&line, row, "alarm.alarm_id", 7, "");
	add_text(&line, row, "alarm.entity_instance_id");
	fm_buf_adds(&line, "  ");
	add_text(&line, row, "alarm.reason_text");
	printf("%s\n", line.s);
	fm_buf_fini(&line);
}

/* False when stdout takes no more: there is nobody to watch for. */
static bool
on_transition(void *ctx, const char *text, size_t len, const json_t *row)
{
	struct watch *w = ctx;
	json_int_t seq = json_integer_value(row_value(row, "seq"));

	if (w->know_seq && seq > 0 && (uint64_t)seq > w->seq + 1)
		complain("watch: changes %" PRIu64 " to %" PRIu64 " are no longer kept", w->seq + 1,
			 (uint64_t)seq - 1);
	w->know_seq = true;
	w->seq = seq > 0 ? (uint64_t)seq : 0;
	if (w->opt->given & BIT(JSON)) {
		struct fm_buf safe = {0};

		text_json(&safe, text, len);
		printf("%s\n", safe.s);
		fm_buf_fini(&safe);
	} else {
		print_text(w, row);
	}
	return fflush(stdout) == 0;
}

/* Ctrl-C as something to read instead of something that interrupts. */
static int
open_interrupt(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	fm_assert(fd >= 0);
	return fd;
}

static void
say_lost(const struct watch *w, const struct fm_err *err)
{
	const char *why = err->msg[0] != '\0' ? err->msg : "fmd ended the answer";

	if (w->know_seq)
		complain("watch: %s; resume with: fm watch --after %" PRIu64, why, w->seq);
	else
		complain("watch: %s; no change had been seen", why);
}

enum ctl_code
run_watch(const struct verb *verb, const struct options *opt)
{
	struct watch w = {
		.opt = opt,
		.look = look_of(opt),
		.know_seq = opt->given & BIT(AFTER),
		.seq = opt->after,
	};
	struct follow fl = {.f = on_transition, .ctx = &w};
	json_t *args;
	struct fm_err err;

	if (verb_args(verb, opt, &args, &err) < 0)
		return usage_error(verb, err.msg);
	fl.stop_fd = open_interrupt();
	enum ctl_code code = session_follow(opt, verb->ctl, args, &fl);
	close(fl.stop_fd);
	if (fl.lost)
		say_lost(&w, &fl.err);
	return code;
}
