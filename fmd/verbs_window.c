/*
 * verbs_window: the verbs about maintenance windows. When a window is open is worked out here, before
 * the core sees it; the catalogue's windows come with it.
 */
#include "fmd/verbs_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* As long ahead as a daily window reaches in three years. */
#define MAX_OPEN 1000u

static void
add_texts(struct fm_buf *b, const char *const *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fm_buf_addf(b, "%s%s", i > 0 ? "," : "", v[i]);
}

/* "2026-12-05 22:00 to 2026-12-06 04:00", "FREQ=DAILY from 2026-01-03 22:00 for 4h" */
static void
add_when(struct fm_buf *b, const struct cat_window *w)
{
	const char *const *p = w->part;

	if (p[WINDOW_FROM] != NULL) {
		fm_buf_addf(b, "%s to %s", p[WINDOW_FROM], p[WINDOW_UNTIL]);
		return;
	}
	if (p[WINDOW_RULE] != NULL)
		fm_buf_adds(b, p[WINDOW_RULE]);
	else
		fm_buf_addf(b, "every %s", p[WINDOW_DAYS] != NULL ? p[WINDOW_DAYS] : "day");
	if (p[WINDOW_AT] != NULL)
		fm_buf_addf(b, " at %s", p[WINDOW_AT]);
	fm_buf_addf(b, " from %s for %s", p[WINDOW_START], p[WINDOW_FOR]);
}

static void
window_row(void *ctx, const struct cat_window *w, const char *user, bool open_now)
{
	const struct verb_call *call = ctx;
	FM_CLEANUP(fm_buf_fini) struct fm_buf alarms = {0};
	FM_CLEANUP(fm_buf_fini) struct fm_buf entities = {0};
	FM_CLEANUP(fm_buf_fini) struct fm_buf when = {0};
	struct fm_time next;
	char time[FM_TIME_STR];
	const bool changes = cat_window_next(w, corr_now(call->d->corr), &next);

	add_texts(&alarms, w->alarms, w->n_alarms);
	add_texts(&entities, w->entities, w->n_entities);
	add_when(&when, w);
	verb_row(call, json_pack("{s:s, s:s?, s:b, s:s?, s:s, s:s, s:b, s:s, s:s}",
		"name", w->name, "user", user, "open", open_now,
		"changes_at", changes ? fm_time_format(next, time) : NULL,
		"alarms", alarms.s != NULL ? alarms.s : "all",
		"entities", entities.s != NULL ? entities.s : "all", "logs", w->logs,
		"when", when.s, "zone", w->part[WINDOW_ZONE] != NULL ? w->part[WINDOW_ZONE] : "UTC"));
}

void
verb_window_list(struct verb_call *call)
{
	corr_each_window(call->d->corr, window_row, call);
	verb_done(call, CTL_OK, NULL);
}

/* ---- a window out of a request ------------------------------------------------------------------ */

/* With nothing but a length it begins now. */
static void
from_now(struct cat_window_text *text, uint64_t s, struct fm_time now, char from[FM_TIME_STR],
	 char until[FM_TIME_STR])
{
	text->part[WINDOW_FROM] = fm_time_format(now, from);
	text->part[WINDOW_UNTIL] = fm_time_format(fm_time_add(now, fm_span_s((int64_t)s)), until);
	text->part[WINDOW_FOR] = text->part[WINDOW_ZONE] = NULL;
}

static bool
begins_now(const struct cat_window_text *text)
{
	for (unsigned i = 0; i < WINDOW_N_PARTS; i++)
		if (i != WINDOW_FOR && i != WINDOW_ZONE && text->part[i] != NULL)
			return false;
	return text->part[WINDOW_FOR] != NULL;
}

static const char *
near_id(const struct catalogue *cat, const char *id)
{
	const unsigned n = cat_count(cat);
	const char **ids = fm_calloc(n + 1, sizeof(ids[0])), *near;

	for (unsigned i = 0; i < n; i++)
		ids[i] = cat_at(cat, i)->id;
	near = cat_nearest(fm_str_of(id), ids, n);
	free(ids);
	return near;
}

/* With logs, ids of logs count too. */
static int
check_ids(const struct daemon *d, const struct cat_window *w, struct fm_err *err)
{
	for (unsigned i = 0; i < w->n_alarms; i++) {
		const struct cat_record *rec = cat_find(d->cat, w->alarms[i]);
		const char *near;

		if (corr_knows_id(d->corr, w->alarms[i]) || (rec != NULL && w->logs))
			continue;
		if (rec != NULL)
			return fm_fail(err, -ENOENT, "%s is a log, and logs are not covered",
				       w->alarms[i]);
		near = near_id(d->cat, w->alarms[i]);
		return fm_fail(err, -ENOENT, "there is no alarm %s, neither in the catalogue nor "
			       "active%s%s%s", w->alarms[i], near != NULL ? "; did you mean " : "",
			       near != NULL ? near : "", near != NULL ? "?" : "");
	}
	return 0;
}

int
verb_window_of(const struct verb_call *call, struct fm_time now, struct fm_arena *arena,
	       struct cat_window *ret, struct fm_err *err)
{
	static const char *const args[WINDOW_N_PARTS] = {[WINDOW_FROM] = "from",
		[WINDOW_UNTIL] = "until", [WINDOW_START] = "start", [WINDOW_RULE] = "rule",
		[WINDOW_DAYS] = "days", [WINDOW_AT] = "at", [WINDOW_ZONE] = "zone"};
	struct cat_window_text text = {.name = ctl_arg_text(&call->rq, "name"),
		.alarms = ctl_arg_text(&call->rq, "alarms"),
		.entities = ctl_arg_text(&call->rq, "entities"),
		.logs = ctl_arg_num(&call->rq, "logs", 0) != 0};
	const uint64_t length = ctl_arg_num(&call->rq, "for", 0);
	char span[FM_SPAN_STR], from[FM_TIME_STR], until[FM_TIME_STR];
	bool more;
	int r;

	for (unsigned i = 0; i < WINDOW_N_PARTS; i++)
		if (args[i] != NULL)
			text.part[i] = ctl_arg_text(&call->rq, args[i]);
	if (length > 31 * 86400)
		return fm_fail(err, -EINVAL, "for: at most 31 days");
	if (length > 0)
		text.part[WINDOW_FOR] = fm_span_format(fm_span_s((int64_t)length), span);
	if (begins_now(&text))
		from_now(&text, length, now, from, until);
	r = cat_window_make(&text, now, MAX_OPEN, arena, ret, &more, err);
	return r < 0 ? r : check_ids(call->d, ret, err);
}

/* ---- commands ------------------------------------------------------------------------------------ */

static void
operate(struct verb_call *call, struct corr_command *cmd)
{
	struct daemon *d = call->d;
	struct fm_err err = {0};
	int r;

	cmd->at = engine_time(d);
	cmd->user = call->user;
	cmd->verb = ctl_verb_name(call->rq.verb);
	engine_begin(d);
	r = corr_operate(d->corr, cmd, engine_transition, d, &err);
	if (!verb_settle(call, r, &err))
		return;
	if (r == 0 && cmd->kind == CORR_CMD_WINDOW_ADD)
		window_row(call, cmd->window, call->user,
			   cat_window_open(cmd->window, corr_now(d->corr)));
	verb_answer(call, r, &err);
}

void
verb_window_add(struct verb_call *call)
{
	struct cat_window window;
	struct fm_arena arena;
	struct fm_err err = {0};
	int r;

	fm_arena_init(&arena);
	r = verb_window_of(call, engine_time(call->d), &arena, &window, &err);
	if (r < 0)
		verb_done(call, r == -ENOENT ? CTL_NOT_FOUND : CTL_USAGE, err.msg);
	else
		operate(call, &(struct corr_command){.kind = CORR_CMD_WINDOW_ADD,
			.window = &window});
	fm_arena_fini(&arena);
}

void
verb_window_delete(struct verb_call *call)
{
	operate(call, &(struct corr_command){.kind = CORR_CMD_WINDOW_DELETE,
		.name = ctl_arg_text(&call->rq, "name")});
}
