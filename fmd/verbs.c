/*
 * verbs: what each verb of the control protocol does: which one, and the alarms. Reads come from
 * the core's memory (alarms) or the store (verbs_log.c); writes are verbs_write.c's.
 *
 * Answers that may be long are made in pieces: a piece ends when it is long enough or enough rows
 * have been looked at, and the call remembers where the next one begins. A row is as its alarm was
 * when its piece was made.
 */
#include "fmd/verbs_priv.h"

#include "alarm/alarm_json.h"

#include <stdlib.h>

/* A piece of an answer: so many bytes, or so many rows looked at for them. */
#define PIECE_BYTES (64u << 10)
#define PIECE_ROWS 500u

void
verb_done(struct verb_call *call, enum ctl_code code, const char *error)
{
	if (ctl_verb_writes(call->rq.verb) && !call->audited)
		audit_refused(call->d, call->who, &call->rq, error != NULL ? error : "done");
	call->audited = true;
	ctl_reply_done(call->out, call->rq.id, code, error);
	call->state = VERB_DONE;
}

void
verb_row(const struct verb_call *call, json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT);

	if (text != NULL)
		ctl_reply_row(call->out, call->rq.id, text, strlen(text));
	free(text);
	json_decref(row);
}

/* After each row looked at. False: the piece is full, or the answer has all it may. */
bool
verb_piece_goes_on(struct verb_call *call)
{
	if (call->limit != 0 && call->n == call->limit)
		return false;
	return ++call->looked < PIECE_ROWS && call->out->len < PIECE_BYTES;
}

/* When the source has nothing more for this piece: is it the last one? */
bool
verb_is_last(const struct verb_call *call)
{
	return (call->limit != 0 && call->n == call->limit) ||
		(call->looked < PIECE_ROWS && call->out->len < PIECE_BYTES);
}

/* False: the query is wrong and has been answered. */
bool
verb_take_query(struct verb_call *call)
{
	const char *text = ctl_arg_text(&call->rq, "query");
	struct fm_err err = {0};

	call->limit = ctl_arg_num(&call->rq, "limit", 0);
	call->suppressed = ctl_arg_num(&call->rq, "include_suppressed", 0) != 0;
	if (text == NULL || ctl_query_parse(text, &call->query, &err) == 0)
		return true;
	verb_done(call, CTL_USAGE, err.msg);
	return false;
}

/* ---- alarms --------------------------------------------------------------------------------------- */

static void
alarm_row(const struct verb_call *call, const struct alarm *al)
{
	size_t len;
	char *text = alarm_to_json(al, &len);

	ctl_reply_row(call->out, call->rq.id, text, len);
	free(text);
}

/* Held alarms are shown: they are news, only not yet announced. */
static bool
is_hidden(const struct alarm *al)
{
	return al->status != SUPPR_NONE && al->status != SUPPR_HELD;
}

/* Active alarms come by number, then cleared ones by the time of their clear. */
static bool
was_given(const struct verb_call *call, const struct alarm *al)
{
	if (al->cleared != call->in_cleared)
		return call->in_cleared;
	if (al->cleared && al->cleared_at.ns != call->cleared_at.ns)
		return al->cleared_at.ns < call->cleared_at.ns;
	return al->id <= call->alarm_no;
}

static bool
list_one(void *ctx, const struct alarm *al)
{
	struct verb_call *call = ctx;

	if (was_given(call, al))
		return true;
	call->in_cleared = al->cleared;
	call->cleared_at = al->cleared_at;
	call->alarm_no = al->id;
	if ((!is_hidden(al) || call->suppressed) && ctl_query_matches(call->query, al)) {
		alarm_row(call, al);
		call->n++;
	}
	return verb_piece_goes_on(call);
}

static void
alarm_list(struct verb_call *call)
{
	if (!call->began && !verb_take_query(call))
		return;
	corr_each_alarm(call->d->corr, ctl_arg_num(&call->rq, "cleared", 0) != 0, list_one, call);
	if (verb_is_last(call))
		verb_done(call, CTL_OK, NULL);
}

bool
verb_uuid_arg(struct verb_call *call, struct fm_uuid *ret)
{
	const char *text = ctl_arg_text(&call->rq, "uuid");

	if (text != NULL && fm_uuid_parse(text, strlen(text), ret))
		return true;
	verb_done(call, CTL_USAGE, "not a UUID");
	return false;
}

static void
alarm_show(struct verb_call *call)
{
	const struct alarm *al;
	struct fm_uuid uuid;

	if (!verb_uuid_arg(call, &uuid))
		return;
	al = corr_find_uuid(call->d->corr, &uuid);
	if (al == NULL) {
		verb_done(call, CTL_NOT_FOUND, "no alarm with this UUID");
		return;
	}
	alarm_row(call, al);
	verb_done(call, CTL_OK, NULL);
}

static bool
count_one(void *ctx, const struct alarm *al)
{
	uint64_t *n = ((void **)ctx)[0];
	const struct verb_call *call = ((void **)ctx)[1];

	if ((!is_hidden(al) || call->suppressed) && ctl_query_matches(call->query, al))
		n[al->severity]++;
	return true;
}

static void
alarm_summary(struct verb_call *call)
{
	uint64_t n[FM_N_SEVERITIES] = {0};
	void *ctx[] = {n, call};

	if (!verb_take_query(call))
		return;
	corr_each_alarm(call->d->corr, false, count_one, ctx);
	verb_row(call, json_pack("{s:I, s:I, s:I, s:I, s:s}", "critical",
		(json_int_t)n[SEV_CRITICAL], "major", (json_int_t)n[SEV_MAJOR], "minor",
		(json_int_t)n[SEV_MINOR], "warnings", (json_int_t)n[SEV_WARNING], "status",
		n[SEV_CRITICAL] > 0 ? "critical" : n[SEV_MAJOR] + n[SEV_MINOR] > 0 ? "degraded" :
		"OK"));
	verb_done(call, CTL_OK, NULL);
}

/* ---- what is not there ---------------------------------------------------------------------------------- */

static void
reason_row(void *ctx, const char *code, const char *text)
{
	verb_row(ctx, json_pack("{s:s, s:s}", "reason", code, "text", text));
}

static void
why_not(struct verb_call *call)
{
	corr_why_not(call->d->corr, ctl_arg_text(&call->rq, "alarm_id"),
		     ctl_arg_text(&call->rq, "entity"), reason_row, call);
	verb_done(call, CTL_OK, NULL);
}

static void
next_piece(struct verb_call *call)
{
	switch (call->rq.verb) {
	case CTL_VERB_ALARM_LIST: alarm_list(call); break;
	case CTL_VERB_ALARM_SHOW: alarm_show(call); break;
	case CTL_VERB_ALARM_DELETE:
	case CTL_VERB_ALARM_CLEAR: verb_operate(call, CORR_CMD_CLEAR); break;
	case CTL_VERB_ALARM_ACK: verb_operate(call, CORR_CMD_ACK); break;
	case CTL_VERB_ALARM_UNACK: verb_operate(call, CORR_CMD_UNACK); break;
	case CTL_VERB_ALARM_SHELVE: verb_operate(call, CORR_CMD_SHELVE); break;
	case CTL_VERB_ALARM_UNSHELVE: verb_operate(call, CORR_CMD_UNSHELVE); break;
	case CTL_VERB_SHELF_LIST: verb_shelf_list(call); break;
	case CTL_VERB_WINDOW_ADD: verb_window_add(call); break;
	case CTL_VERB_WINDOW_DELETE: verb_window_delete(call); break;
	case CTL_VERB_WINDOW_LIST: verb_window_list(call); break;
	case CTL_VERB_ALARM_SUMMARY: alarm_summary(call); break;
	case CTL_VERB_EVENT_SUPPRESS: verb_event_suppress(call, CORR_CMD_SUPPRESS); break;
	case CTL_VERB_EVENT_UNSUPPRESS: verb_event_suppress(call, CORR_CMD_UNSUPPRESS); break;
	case CTL_VERB_EVENT_UNSUPPRESS_ALL: verb_unsuppress_all(call); break;
	case CTL_VERB_EVENT_SUPPRESS_LIST: verb_event_suppress_list(call); break;
	case CTL_VERB_ALARM_HISTORY:
	case CTL_VERB_EXPLAIN: verb_history(call); break;
	case CTL_VERB_EVENT_LIST: verb_event_list(call); break;
	case CTL_VERB_EVENT_SHOW: verb_event_show(call); break;
	case CTL_VERB_WHY_NOT: why_not(call); break;
	case CTL_VERB_WHAT_IF_EVENT: verb_what_if_event(call); break;
	case CTL_VERB_WHAT_IF_SHELF: verb_what_if_shelf(call); break;
	case CTL_VERB_WHAT_IF_WINDOW: verb_what_if_window(call); break;
	case CTL_VERB_WATCH: verb_watch(call); break;
	case CTL_VERB_STATS: verb_stats(call); break;
	case CTL_VERB_QUARANTINE_LIST: verb_quarantine_list(call); break;
	case CTL_VERB_AUDIT_LIST: verb_audit_list(call); break;
	case CTL_VERB_SINK_LIST: verb_sink_list(call); break;
	case CTL_VERB_LEDGER: verb_ledger(call); break;
	case CTL_VERB_INPUT_RESUME: verb_resume(call); break;
	case CTL_VERB_VERSION: verb_version(call); break;
	case CTL_N_VERBS: break;
	}
}

struct verb_call *
verb_begin(struct daemon *d, const struct caller *who, struct ctl_request *rq)
{
	struct verb_call *call = fm_calloc(1, sizeof(*call));

	call->d = d;
	call->who = who;
	call->user = who->name;
	call->rq = *rq;
	*rq = (struct ctl_request){0};
	return call;
}

enum verb_state
verb_go_on(struct verb_call *call, struct fm_buf *out)
{
	call->out = out;
	call->looked = 0;
	call->state = VERB_GOES_ON;
	if (call->d->hold.dry && ctl_verb_writes(call->rq.verb))
		verb_done(call, CTL_FAILED, hold_reason(call->d));
	else
		next_piece(call);
	call->began = true;
	return call->state;
}

void
verb_end(struct verb_call *call)
{
	if (call == NULL)
		return;
	ctl_query_free(call->query);
	json_decref(call->result);
	ctl_request_fini(&call->rq);
	free(call);
}
