/*
 * verbs_whatif: what would happen if: records that might come, a shelf or a maintenance window that
 * might be. A copy of the core, made of the rows that a restart would read, is asked; it is thrown
 * away with the answer. The core itself, the store and the sinks take no part.
 *
 * Making the copy takes time on the main thread that grows with what is known, so there is a limit
 * (limits.what_if) beyond which it is refused.
 */
#include "fmd/verbs_priv.h"

#include "alarm/alarm_json.h"
#include "events/event.h"

#include <stdio.h>
#include <stdlib.h>

/* Rows of one kind in an answer; the last row has the whole numbers. */
#define MAX_ROWS 1000u
#define MAX_RECORDS 1000u
#define MAX_AHEAD_S (30 * 86400)

struct what_if {
	struct verb_call *call;
	struct correlator *copy;
	json_t *rows;
	unsigned line;                  /* of the record at work; 0: time that passes */
	uint64_t order;                 /* deadlines armed before have smaller numbers */
	unsigned records, transitions, deadlines;
};

static bool
may_add(const struct what_if *w, unsigned n)
{
	(void)w;
	return n < MAX_ROWS;
}

/* ---- the copy ------------------------------------------------------------------------------------- */

static bool
begin(struct verb_call *call, struct what_if *ret)
{
	struct daemon *d = call->d;
	struct corr_stats st;
	FM_CLEANUP(fm_freep) char *why = NULL;

	corr_get_stats(d->corr, &st);
	if (st.instances + st.cleared + corr_active(d->corr) > d->conf->what_if) {
		why = fm_asprintf("there are %llu instances and alarms, and limits.what_if is %llu",
				  (unsigned long long)(st.instances + st.cleared +
						       corr_active(d->corr)),
				  (unsigned long long)d->conf->what_if);
		verb_done(call, CTL_FAILED, why);
		return false;
	}
	*ret = (struct what_if){.call = call, .copy = corr_copy(d->corr), .rows = json_array()};
	return true;
}

static void
put(const struct what_if *w, json_t *row)
{
	fm_assert(json_array_append_new(w->rows, row) == 0);
}

/* The rows are given piece by piece. */
static void
finish(struct what_if *w, json_t *summary)
{
	put(w, summary);
	w->call->result = w->rows;
	corr_free(w->copy);
}

static void
refuse(struct what_if *w, enum ctl_code code, const char *why)
{
	verb_done(w->call, code, why);
	json_decref(w->rows);
	corr_free(w->copy);
}

/* True: there was a result, and its next rows have been given. */
static bool
go_on(struct verb_call *call)
{
	if (call->result == NULL)
		return false;
	while (call->given < json_array_size(call->result)) {
		verb_row(call, json_incref(json_array_get(call->result, call->given++)));
		if (!verb_piece_goes_on(call))
			return true;
	}
	verb_done(call, CTL_OK, NULL);
	return true;
}

/* ---- records ---------------------------------------------------------------------------------------- */

/* A transition as it would be stored, but for what the store gives it. */
static void
on_transition(void *ctx, struct transition *tr)
{
	struct what_if *w = ctx;
	size_t len, alarm_len;
	char *text;
	json_t *row;

	if (!may_add(w, w->transitions++))
		return;
	text = transition_to_json(tr, "", &len, &alarm_len);
	row = json_loadb(text, len, 0, NULL);
	free(text);
	fm_assert(row != NULL);
	json_object_del(row, "schema");
	json_object_del(row, "stream");
	json_object_del(row, "seq");
	json_object_set_new(row, "what", json_string("transition"));
	json_object_set_new(row, "line", w->line != 0 ? json_integer(w->line) : json_null());
	json_object_set_new(row, "text", json_string(tr->alarm.reason_text));
	put(w, row);
}

static void
on_deadline(void *ctx, const char *kind, const char *subject, struct fm_time due, uint64_t order)
{
	struct what_if *w = ctx;
	char time[FM_TIME_STR];

	if (order < w->order || !may_add(w, w->deadlines++))
		return;
	put(w, json_pack("{s:s, s:n, s:s, s:s, s:s}", "what", "deadline", "line", "kind", kind, "time",
			 fm_time_format(due, time), "text", subject));
}

static const char *
apply(struct what_if *w, struct event *ev, int decoded)
{
	if (decoded > 0) {
		corr_pass(w->copy, ev, on_transition, w);
		return "unknown-type";
	}
	switch (corr_apply(w->copy, ev, on_transition, w)) {
	case CORR_APPLIED:
		return "applied";
	case CORR_NO_EFFECT:
		return "no-effect";
	case CORR_DUPLICATE:
		return "duplicate";
	case CORR_LATE:
		return "late";
	}
	return "";
}

/* The row stands before those of what it causes. */
static int
one_record(struct what_if *w, struct decoder *dec, const char *text, size_t len, struct fm_err *err)
{
	struct event ev;
	struct fm_err why;
	json_t *row;
	const int r = event_decode(dec, text, len, &ev, &why);

	if (r < 0)
		return fm_fail(err, -EINVAL, "line %u: %s", w->line, why.msg);
	ev.at = engine_time(w->call->d);
	ev.pos = (struct record_pos){.topic = "what-if", .offset = w->line - 1};
	row = json_pack("{s:s, s:i, s:n, s:n, s:s}", "what", "record", "line", (int)w->line, "kind",
			"time", "text", "");
	put(w, row);
	json_object_set_new(row, "kind", json_string(apply(w, &ev, r)));
	w->records++;
	return 0;
}

static int
each_record(struct what_if *w, const char *text, struct fm_err *err)
{
	struct decoder *dec = decoder_new(NULL);
	int r = 0;

	for (const char *p = text; *p != '\0' && r == 0;) {
		const size_t len = strcspn(p, "\n");

		w->line++;
		if (w->records == MAX_RECORDS)
			r = fm_fail(err, -EINVAL, "more than %u records", MAX_RECORDS);
		else if (len > 0)
			r = one_record(w, dec, p, len, err);
		p += len + (p[len] == '\n');
	}
	decoder_free(dec);
	if (r == 0 && w->records == 0)
		r = fm_fail(err, -EINVAL, "no records");
	return r;
}

void
verb_what_if_event(struct verb_call *call)
{
	const uint64_t ahead = ctl_arg_num(&call->rq, "for", 0);
	struct what_if w;
	struct fm_err err = {0};

	if (go_on(call))
		return;
	if (ahead > MAX_AHEAD_S) {
		verb_done(call, CTL_USAGE, "for: at most 30 days");
		return;
	}
	if (!begin(call, &w))
		return;
	/* What is due by now is no answer to the question. */
	corr_advance(w.copy, engine_time(call->d), NULL, NULL);
	w.order = corr_order(w.copy);
	if (each_record(&w, ctl_arg_text(&call->rq, "records"), &err) < 0) {
		refuse(&w, CTL_USAGE, err.msg);
		return;
	}
	corr_each_deadline(w.copy, on_deadline, &w);
	w.line = 0;
	if (ahead > 0)
		corr_advance(w.copy, fm_time_add(corr_now(w.copy), fm_span_s((int64_t)ahead)),
			     on_transition, &w);
	FM_CLEANUP(fm_freep) char *text = fm_asprintf("%u records, %u changes, %u deadlines", w.records,
		w.transitions, w.deadlines);

	finish(&w, json_pack("{s:s, s:n, s:n, s:n, s:s, s:i, s:i, s:i}", "what", "summary", "line",
			     "kind", "time", "text", text, "records", (int)w.records, "changes",
			     (int)w.transitions, "deadlines", (int)w.deadlines));
	(void)go_on(call);
}

/* ---- shelves and windows ------------------------------------------------------------------------------ */

/* The statuses before, in the order of the raises: a command changes them and nothing else. */
struct statuses {
	enum suppression_status *v;
	size_t n, cap;
};

static bool
note(void *ctx, const struct alarm *al)
{
	struct statuses *s = ctx;

	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 256;
		s->v = fm_realloc(s->v, s->cap * sizeof(s->v[0]));
	}
	s->v[s->n++] = al->status;
	return true;
}

struct comparing {
	struct what_if *w;
	const struct statuses *was;
	size_t at;
	unsigned n[3];
};
enum effect { EFFECT_HIDDEN, EFFECT_STAYS, EFFECT_ALREADY };
static const char *const effect_words[] = {"hidden", "stays", "already hidden"};

static bool
compare(void *ctx, const struct alarm *al)
{
	struct comparing *c = ctx;
	const enum suppression_status was = c->was->v[c->at++];
	const enum effect e = was != SUPPR_NONE && was != SUPPR_HELD ? EFFECT_ALREADY :
		al->status == SUPPR_NONE || al->status == SUPPR_HELD ? EFFECT_STAYS : EFFECT_HIDDEN;
	char uuid[FM_UUID_STR];

	if (!may_add(c->w, c->n[e]++))
		return true;
	put(c->w, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "what", "alarm", "effect",
		effect_words[e], "uuid", fm_uuid_format(&al->uuid, uuid), "alarm_id", al->alarm_id,
		"entity_instance_id", al->entity, "severity", severity_name(al->severity),
		"status", suppression_status_name(was), "becomes",
		suppression_status_name(al->status), "text", al->reason_text));
	return true;
}

/* What the command, given at once, would do to each active alarm. */
static void
try_command(struct verb_call *call, struct what_if *w, struct corr_command *cmd, const char *prefix)
{
	struct statuses was = {0};
	struct comparing c = {.w = w, .was = &was};
	struct fm_err err = {0};
	int r;

	cmd->user = call->user;
	cmd->verb = ctl_verb_name(call->rq.verb);
	corr_each_alarm(w->copy, false, note, &was);
	r = corr_operate(w->copy, cmd, NULL, NULL, &err);
	if (r == 0)
		corr_each_alarm(w->copy, false, compare, &c);
	free(was.v);
	if (r < 0) {
		refuse(w, r == -ENOENT ? CTL_NOT_FOUND : CTL_FAILED, err.msg);
		return;
	}
	FM_CLEANUP(fm_freep) char *text = fm_asprintf(
		"%s%u would be hidden, %u stay, %u are hidden already", prefix, c.n[EFFECT_HIDDEN],
		c.n[EFFECT_STAYS], c.n[EFFECT_ALREADY]);

	finish(w, json_pack("{s:s, s:s, s:i, s:i, s:i}", "what", "summary", "text", text, "hidden",
			    (int)c.n[EFFECT_HIDDEN], "stays", (int)c.n[EFFECT_STAYS],
			    "already_hidden", (int)c.n[EFFECT_ALREADY]));
	(void)go_on(call);
}

void
verb_what_if_shelf(struct verb_call *call)
{
	const uint64_t s = ctl_arg_num(&call->rq, "for", 0);
	struct corr_command cmd = {.kind = CORR_CMD_SHELVE,
		.alarm_id = ctl_arg_text(&call->rq, "alarm_id"),
		.entity = ctl_arg_text(&call->rq, "entity")};
	struct what_if w;

	if (go_on(call))
		return;
	if (s == 0 || s > MAX_AHEAD_S) {
		verb_done(call, CTL_USAGE, "for: from a second to 30 days");
		return;
	}
	if (!begin(call, &w))
		return;
	corr_advance(w.copy, engine_time(call->d), NULL, NULL);
	cmd.at = corr_now(w.copy);
	cmd.until = fm_time_add(cmd.at, fm_span_s((int64_t)s));
	try_command(call, &w, &cmd, "");
}

/* Whenever it would open: it is asked as if it did now. */
void
verb_what_if_window(struct verb_call *call)
{
	struct corr_command cmd = {.kind = CORR_CMD_WINDOW_ADD};
	struct cat_interval now;
	struct cat_window window;
	struct fm_arena arena;
	struct fm_err err = {0};
	struct what_if w;
	char prefix[80], time[FM_TIME_STR];
	int r;

	if (go_on(call))
		return;
	fm_arena_init(&arena);
	r = verb_window_of(call, engine_time(call->d), &arena, &window, &err);
	if (r < 0) {
		verb_done(call, r == -ENOENT ? CTL_NOT_FOUND : CTL_USAGE, err.msg);
	} else if (begin(call, &w)) {
		corr_advance(w.copy, engine_time(call->d), NULL, NULL);
		snprintf(prefix, sizeof(prefix), "it opens at %s; as of now, ",
			 fm_time_format(window.at[0].begin, time));
		cmd.at = corr_now(w.copy);
		now = (struct cat_interval){cmd.at, fm_time_add(cmd.at, fm_span_s(1))};
		window.at = &now;
		window.n = 1;
		cmd.window = &window;
		try_command(call, &w, &cmd, prefix);
	}
	fm_arena_fini(&arena);
}
