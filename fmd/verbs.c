/*
 * verbs: what each verb of the control protocol does. Reads come from the core's memory (alarms)
 * or the store (transitions, quarantine); writes go through the core and are answered only after
 * the commit that makes them durable (P5), with an audit row in the same transaction.
 *
 * Answers that may be long are made in pieces: a piece ends when it is long enough or enough rows
 * have been looked at, and the call remembers where the next one begins. A row is as its alarm was
 * when its piece was made.
 */
#include "fmd/daemon_priv.h"

#include "alarm/alarm_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_EVENTS 1000u

/* A piece of an answer: so many bytes, or so many rows looked at for them. */
#define PIECE_BYTES (64u << 10)
#define PIECE_ROWS 500u

struct verb_call {
	struct daemon *d;
	const char *user;
	struct ctl_request rq;
	struct fm_buf *out;             /* of the piece at hand */
	unsigned looked;                /* rows, for it */
	enum verb_state state;
	bool began;
	struct ctl_query *query;
	uint64_t limit, n;              /* 0: no limit; rows given */
	bool suppressed, alarms, logs;
	/* where the next piece begins */
	struct store_query at;
	struct fm_uuid uuid;            /* of at */
	uint64_t quarantine_id;
	bool in_cleared;                /* the last alarm given: */
	struct fm_time cleared_at;
	uint64_t alarm_no;
};

static void
done(struct verb_call *call, enum ctl_code code, const char *error)
{
	ctl_reply_done(call->out, call->rq.id, code, error);
	call->state = VERB_DONE;
}

static void
row_json(const struct verb_call *call, json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT);

	if (text != NULL)
		ctl_reply_row(call->out, call->rq.id, text, strlen(text));
	free(text);
	json_decref(row);
}

/* After each row looked at. False: the piece is full, or the answer has all it may. */
static bool
piece_goes_on(struct verb_call *call)
{
	if (call->limit != 0 && call->n == call->limit)
		return false;
	return ++call->looked < PIECE_ROWS && call->out->len < PIECE_BYTES;
}

/* When the source has nothing more for this piece: is it the last one? */
static bool
is_last(const struct verb_call *call)
{
	return (call->limit != 0 && call->n == call->limit) ||
		(call->looked < PIECE_ROWS && call->out->len < PIECE_BYTES);
}

/* False: the query is wrong and has been answered. */
static bool
take_query(struct verb_call *call)
{
	const char *text = ctl_arg_text(&call->rq, "query");
	struct fm_err err = {0};

	call->limit = ctl_arg_num(&call->rq, "limit", 0);
	call->suppressed = ctl_arg_num(&call->rq, "include_suppressed", 0) != 0;
	if (text == NULL || ctl_query_parse(text, &call->query, &err) == 0)
		return true;
	done(call, CTL_USAGE, err.msg);
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
	return piece_goes_on(call);
}

static void
alarm_list(struct verb_call *call)
{
	if (!call->began && !take_query(call))
		return;
	corr_each_alarm(call->d->corr, ctl_arg_num(&call->rq, "cleared", 0) != 0, list_one, call);
	if (is_last(call))
		done(call, CTL_OK, NULL);
}

static bool
uuid_arg(struct verb_call *call, struct fm_uuid *ret)
{
	const char *text = ctl_arg_text(&call->rq, "uuid");

	if (text != NULL && fm_uuid_parse(text, strlen(text), ret))
		return true;
	done(call, CTL_USAGE, "not a UUID");
	return false;
}

static void
alarm_show(struct verb_call *call)
{
	const struct alarm *al;
	struct fm_uuid uuid;

	if (!uuid_arg(call, &uuid))
		return;
	al = corr_find_uuid(call->d->corr, &uuid);
	if (al == NULL) {
		done(call, CTL_NOT_FOUND, "no alarm with this UUID");
		return;
	}
	alarm_row(call, al);
	done(call, CTL_OK, NULL);
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

	if (!take_query(call))
		return;
	corr_each_alarm(call->d->corr, false, count_one, ctx);
	row_json(call, json_pack("{s:I, s:I, s:I, s:I, s:s}", "critical",
		(json_int_t)n[SEV_CRITICAL], "major", (json_int_t)n[SEV_MAJOR], "minor",
		(json_int_t)n[SEV_MINOR], "warnings", (json_int_t)n[SEV_WARNING], "status",
		n[SEV_CRITICAL] > 0 ? "critical" : n[SEV_MAJOR] + n[SEV_MINOR] > 0 ? "degraded" :
		"OK"));
	done(call, CTL_OK, NULL);
}

/* ---- writes --------------------------------------------------------------------------------------------- */

/* A shelf is for a time that somebody remembers; what is to stay hidden is a matter of the catalogue. */
#define MAX_SHELF_S (30u * 86400u)

/* By the clock on the operator's wall, which the core's time does not run ahead of. */
static bool
shelf_time(struct verb_call *call, struct corr_command *cmd)
{
	const uint64_t s = ctl_arg_num(&call->rq, "for", 0);

	cmd->until = fm_time_add(clock_wall(), fm_span_s(s <= MAX_SHELF_S ? (int64_t)s : 0));
	if (s > 0 && s <= MAX_SHELF_S)
		return true;
	done(call, CTL_USAGE, "for: from a second to 30 days");
	return false;
}

static void
operate(struct verb_call *call, enum corr_command_kind kind)
{
	struct daemon *d = call->d;
	struct corr_command cmd = {.kind = kind, .user = call->user,
		.verb = ctl_verb_name(call->rq.verb),
		.alarm_id = ctl_arg_text(&call->rq, "alarm_id"),
		.entity = ctl_arg_text(&call->rq, "entity")};
	struct fm_err err = {0};
	struct fm_uuid uuid;
	char args[1200], until[FM_TIME_STR];
	int r;

	if (cmd.alarm_id == NULL || cmd.entity == NULL) {
		if (!uuid_arg(call, &uuid))
			return;
		cmd.uuid = &uuid;
	}
	cmd.at = engine_time(d);
	if (kind == CORR_CMD_SHELVE && !shelf_time(call, &cmd))
		return;
	engine_begin(d);
	r = corr_operate(d->corr, &cmd, engine_transition, d, &err);
	snprintf(args, sizeof(args), "%s %s%s%s", cmd.uuid == NULL ? cmd.alarm_id :
		 ctl_arg_text(&call->rq, "uuid"), cmd.uuid == NULL ? cmd.entity : "",
		 kind == CORR_CMD_SHELVE ? " until " : "",
		 kind == CORR_CMD_SHELVE ? fm_time_format(cmd.until, until) : "");
	const struct store_audit audit = {.at = clock_wall(), .user = cmd.user, .verb = cmd.verb,
		.args = args, .result = r == 0 ? "done" : err.msg};

	if (engine_end(d, &audit) < 0)
		done(call, CTL_FAILED, "the change could not be stored");
	else
		done(call, r == 0 ? CTL_OK : r == -ENOENT ? CTL_NOT_FOUND : CTL_FAILED,
		     r == 0 ? NULL : err.msg);
}

/* Where: "earliest" or "latest" of what the partition has now. */
static void
resume(struct verb_call *call)
{
	struct daemon *d = call->d;
	const char *at = ctl_arg_text(&call->rq, "at");
	const uint64_t partition = ctl_arg_num(&call->rq, "partition", 0);
	const struct input_request rq = {.topic = ctl_arg_text(&call->rq, "topic"),
		.user = call->user, .latest = at != NULL && strcmp(at, "latest") == 0,
		.partition = partition <= INT32_MAX ? (int32_t)partition : -1};
	struct fm_err err = {0};
	int r;

	if (at != NULL && !rq.latest && strcmp(at, "earliest") != 0) {
		done(call, CTL_USAGE, "at is earliest or latest");
		return;
	}
	engine_begin(d);
	r = input_resume(d, &rq, &err);
	FM_CLEANUP(fm_freep) char *args = fm_asprintf("%s %llu %s", rq.topic,
		(unsigned long long)partition, rq.latest ? "latest" : "earliest");
	const struct store_audit audit = {.at = clock_wall(), .user = rq.user,
		.verb = ctl_verb_name(call->rq.verb), .args = args,
		.result = r == 0 ? "done" : err.msg};

	if (engine_end(d, &audit) < 0)
		done(call, CTL_FAILED, "the change could not be stored");
	else
		done(call, r == 0 ? CTL_OK : r == -ENOENT ? CTL_NOT_FOUND : CTL_FAILED,
		     r == 0 ? NULL : err.msg);
}

/* ---- suppressed ids -------------------------------------------------------------------------------------- */

static void
suppression_row(const struct verb_call *call, const char *alarm_id, bool all)
{
	const struct fm_uuid uuid = alarm_uuid(alarm_id, "event_suppression", (struct fm_time){0}, 0);
	char id[FM_UUID_STR], time[FM_TIME_STR];
	const char *user = NULL;
	struct fm_time since = {0};
	const bool is = corr_suppressed_id(call->d->corr, alarm_id, &since, &user);

	if (is || all)
		row_json(call, json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "uuid",
			fm_uuid_format(&uuid, id), "alarm_id", alarm_id, "status",
			suppression_status_name(is ? SUPPR_OPERATOR : SUPPR_NONE), "since",
			is ? fm_time_format(since, time) : NULL, "user", user));
}

/* Some may not be in the catalogue: they stand at the end. */
struct others {
	const struct verb_call *call;
	const struct catalogue *cat;
};

static void
other_row(void *ctx, const char *alarm_id)
{
	const struct others *o = ctx;

	if (cat_find(o->cat, alarm_id) == NULL)
		suppression_row(o->call, alarm_id, false);
}

static void
event_suppress_list(struct verb_call *call)
{
	const bool all = ctl_arg_num(&call->rq, "include_unsuppressed", 0) != 0;
	struct others o = {call, call->d->cat};

	for (unsigned i = 0; i < cat_count(o.cat); i++)
		if (!cat_at(o.cat, i)->is_log)
			suppression_row(call, cat_at(o.cat, i)->id, all);
	corr_each_suppressed_id(call->d->corr, other_row, &o);
	done(call, CTL_OK, NULL);
}

struct id_list {
	char (*id)[FM_MAX_ALARM_ID + 1];
	unsigned n;
};

static void
id_add(struct id_list *ids, const char *id, size_t len)
{
	ids->id = fm_realloc(ids->id, (ids->n + 1) * sizeof(ids->id[0]));
	memcpy(ids->id[ids->n], id, len);
	ids->id[ids->n++][len] = '\0';
}

/* "100.101,100.103": all of them or none. */
static int
read_ids(const char *text, struct id_list *ret, struct fm_err *err)
{
	for (const char *p = text; ; p++) {
		const size_t len = strcspn(p, ",");

		if (len == 0 || len > FM_MAX_ALARM_ID)
			return fm_fail(err, -EINVAL, "alarm_id: one or more ids, joined by commas");
		id_add(ret, p, len);
		p += len;
		if (*p == '\0')
			return 0;
	}
}

/*
 * In one transaction. An id that is as it is to be already is no error, so that a script may repeat
 * itself; one that nobody knows is, before anything is changed.
 */
static int
change_ids(struct verb_call *call, enum corr_command_kind kind, const struct id_list *ids,
	   struct fm_err *err)
{
	struct daemon *d = call->d;
	int r = 0;

	for (unsigned i = 0; i < ids->n && r == 0; i++)
		if (!corr_knows_id(d->corr, ids->id[i]))
			r = fm_fail(err, -ENOENT, "there is no alarm %s, neither in the catalogue nor "
				    "active", ids->id[i]);
	for (unsigned i = 0; i < ids->n && r == 0; i++) {
		const struct corr_command cmd = {.kind = kind, .at = engine_time(d),
			.user = call->user, .verb = ctl_verb_name(call->rq.verb),
			.alarm_id = ids->id[i]};

		r = corr_operate(d->corr, &cmd, engine_transition, d, err);
		r = r == -EALREADY ? 0 : r;
	}
	return r;
}

static void
operate_ids(struct verb_call *call, enum corr_command_kind kind, const struct id_list *ids,
	    const char *args)
{
	struct fm_err err = {0};

	engine_begin(call->d);
	const int r = change_ids(call, kind, ids, &err);
	const struct store_audit audit = {.at = clock_wall(), .user = call->user,
		.verb = ctl_verb_name(call->rq.verb), .args = args,
		.result = r == 0 ? "done" : err.msg};

	if (engine_end(call->d, &audit) < 0) {
		done(call, CTL_FAILED, "the change could not be stored");
		return;
	}
	for (unsigned i = 0; r == 0 && i < ids->n; i++)
		suppression_row(call, ids->id[i], true);
	done(call, r == 0 ? CTL_OK : CTL_NOT_FOUND, r == 0 ? NULL : err.msg);
}

static void
event_suppress(struct verb_call *call, enum corr_command_kind kind)
{
	const char *text = ctl_arg_text(&call->rq, "alarm_id");
	struct id_list ids = {.n = 0};
	struct fm_err err = {0};

	if (read_ids(text, &ids, &err) < 0)
		done(call, CTL_USAGE, err.msg);
	else
		operate_ids(call, kind, &ids, text);
	free(ids.id);
}

static void
add_id(void *ctx, const char *alarm_id)
{
	id_add(ctx, alarm_id, strlen(alarm_id));
}

static void
unsuppress_all(struct verb_call *call)
{
	struct id_list ids = {.n = 0};

	corr_each_suppressed_id(call->d->corr, add_id, &ids);
	operate_ids(call, CORR_CMD_UNSUPPRESS, &ids, "");
	free(ids.id);
}

static void
shelf_row(void *ctx, const char *alarm_id, const char *entity, struct fm_time until,
	  const char *user)
{
	const struct verb_call *call = ctx;
	const struct alarm *al = corr_find_alarm(call->d->corr, alarm_id, entity);
	char time[FM_TIME_STR];

	row_json(call, json_pack("{s:s, s:s, s:s, s:s, s:b}", "alarm_id", alarm_id,
		"entity_instance_id", entity, "shelved_until", fm_time_format(until, time), "user",
		user, "active", al != NULL && !al->cleared));
}

static void
shelf_list(struct verb_call *call)
{
	corr_each_shelf(call->d->corr, shelf_row, call);
	done(call, CTL_OK, NULL);
}

/* ---- transitions ------------------------------------------------------------------------------------------- */

static bool
is_wanted(const struct verb_call *call, const struct stored_transition *tr)
{
	const bool is_log = tr->kind == TR_LOG;

	if ((call->alarms || call->logs) && !(is_log ? call->logs : call->alarms))
		return false;
	return (tr->notify || call->suppressed) &&
		ctl_query_matches_json(call->query, tr->json, tr->len);
}

static bool
event_one(void *ctx, const struct stored_transition *tr)
{
	struct verb_call *call = ctx;

	call->at.after_seq = tr->seq;
	if (is_wanted(call, tr)) {
		ctl_reply_row(call->out, call->rq.id, tr->json, tr->len);
		call->n++;
	}
	return piece_goes_on(call);
}

/* The next piece from the store. True: it was the last. */
static bool
read_events(struct verb_call *call)
{
	struct fm_err err = {0};

	if (store_transitions(call->d->store, &call->at, event_one, call, &err) < 0)
		done(call, CTL_FAILED, err.msg);
	return call->state != VERB_DONE && is_last(call);
}

static void
event_list(struct verb_call *call)
{
	if (!call->began) {
		if (!take_query(call))
			return;
		call->limit = call->limit != 0 ? call->limit : DEFAULT_EVENTS;
		call->alarms = ctl_arg_num(&call->rq, "alarms", 0) != 0;
		call->logs = ctl_arg_num(&call->rq, "logs", 0) != 0;
		call->at = (struct store_query){.reverse = true, .kind = -1};
	}
	if (read_events(call))
		done(call, CTL_OK, NULL);
}

static void
event_show(struct verb_call *call)
{
	const uint64_t seq = ctl_arg_num(&call->rq, "seq", 0);

	call->at = (struct store_query){.kind = -1, .after_seq = seq > 0 ? seq - 1 : 0};
	call->suppressed = true;
	call->limit = 1;
	if (seq == 0 && !uuid_arg(call, &call->uuid))
		return;
	if (seq == 0)
		call->at.uuid = &call->uuid;
	if (seq != 0 && (seq > store_last_seq(call->d->store) ||
			 seq < store_oldest_seq(call->d->store)))
		done(call, CTL_NOT_FOUND, "no such event");
	else if (read_events(call))
		done(call, call->n > 0 ? CTL_OK : CTL_NOT_FOUND,
		     call->n > 0 ? NULL : "no such event");
}

/* By occurrence (uuid), or by key over all occurrences. */
static bool
begin_history(struct verb_call *call)
{
	call->at = (struct store_query){.kind = -1, .alarm_id = ctl_arg_text(&call->rq, "alarm_id"),
		.entity = ctl_arg_text(&call->rq, "entity")};
	call->suppressed = true;
	call->limit = ctl_arg_num(&call->rq, "limit", 0);
	if (call->at.alarm_id != NULL && call->at.entity != NULL)
		return true;
	if (call->at.alarm_id != NULL || call->at.entity != NULL) {
		done(call, CTL_USAGE, "alarm_id and entity need each other");
		return false;
	}
	call->at.uuid = &call->uuid;
	return uuid_arg(call, &call->uuid);
}

static void
history(struct verb_call *call)
{
	if (!call->began && !begin_history(call))
		return;
	if (read_events(call))
		done(call, call->n > 0 ? CTL_OK : CTL_NOT_FOUND,
		     call->n > 0 ? NULL : "nothing is kept of such an alarm");
}

static bool
begin_watch(struct verb_call *call)
{
	const uint64_t last = store_last_seq(call->d->store);
	const uint64_t after = ctl_arg_num(&call->rq, "after", last);
	char why[160];

	call->at = (struct store_query){.kind = -1, .after_seq = after};
	call->suppressed = true;
	if (after <= last)
		return true;
	snprintf(why, sizeof(why), "after %llu: the last transition is %llu; the number is of "
		 "another store (stream %s now)", (unsigned long long)after,
		 (unsigned long long)last, store_stream(call->d->store));
	done(call, CTL_NOT_FOUND, why);
	return false;
}

/* What is kept after the given seq, then everything new as it is committed. */
static void
watch(struct verb_call *call)
{
	if (!call->began && !begin_watch(call))
		return;
	call->state = read_events(call) ? VERB_WAITS : call->state;
}

/* ---- figures ------------------------------------------------------------------------------------------------- */

static void
figure(const struct verb_call *call, const char *section, const char *name, uint64_t value,
       const char *unit)
{
	row_json(call, json_pack("{s:s, s:s, s:I, s:s}", "section", section, "name", name, "value",
				 (json_int_t)value, "unit", unit));
}

static void
stats_core(const struct verb_call *call)
{
	struct corr_stats s;

	corr_get_stats(call->d->corr, &s);
	figure(call, "alarms", "critical", s.active[SEV_CRITICAL], "");
	figure(call, "alarms", "major", s.active[SEV_MAJOR], "");
	figure(call, "alarms", "minor", s.active[SEV_MINOR], "");
	figure(call, "alarms", "warning", s.active[SEV_WARNING], "");
	figure(call, "alarms", "suppressed", s.suppressed, "");
	figure(call, "alarms", "cleared, kept", s.cleared, "");
	figure(call, "tracker", "instances", s.instances, "");
	figure(call, "tracker", "hosts", s.hosts, "");
	figure(call, "tracker", "open migrations", s.open_attempts, "");
	figure(call, "tracker", "deadlines", s.deadlines, "");
	figure(call, "events", "read since start", s.events, "");
	figure(call, "events", "applied", s.applied, "");
	figure(call, "events", "no effect", s.no_effect, "");
	figure(call, "events", "duplicate", s.duplicate, "");
	figure(call, "events", "late", s.late, "");
	figure(call, "events", "lost upstream", s.lost_upstream, "");
	figure(call, "events", "requests refused", s.refused, "");
}

/* What each input partition does, since when, and how far it has got. */
static void
stats_input(const struct verb_call *call)
{
	const struct daemon *d = call->d;
	char name[300], unit[64], since[FM_TIME_STR];

	for (unsigned i = 0; i < d->n_parts; i++) {
		const struct part *p = &d->part[i];

		snprintf(name, sizeof(name), "%.255s/%d", p->topic, p->partition);
		snprintf(unit, sizeof(unit), "next offset; %s since %s", input_state_name(p),
			 p->since.ns != 0 ? fm_time_format(p->since, since) : "the start");
		figure(call, "input", name, p->next_offset > 0 ? (uint64_t)p->next_offset : 0,
		       unit);
	}
}

static void
stats(struct verb_call *call)
{
	const struct daemon *d = call->d;
	struct kafka_source_stats k;
	struct store_stats s;

	stats_core(call);
	kafka_source_get_stats(d->source, &k);
	figure(call, "kafka", "reachable", k.reachable, "");
	figure(call, "kafka", "records", k.records, "");
	figure(call, "kafka", "bytes", k.bytes, "bytes");
	figure(call, "kafka", "partitions", k.partitions, "");
	figure(call, "kafka", "partitions caught up", k.caught_up, "");
	figure(call, "kafka", "partitions lost", k.lost, "");
	figure(call, "kafka", "missing topics", k.missing_topics, "");
	stats_input(call);
	store_get_stats(d->store, &s);
	figure(call, "store", "last sequence", store_last_seq(d->store), "");
	figure(call, "store", "oldest sequence", store_oldest_seq(d->store), "");
	figure(call, "store", "commits", s.commits, "");
	figure(call, "store", "rows written", s.rows, "");
	figure(call, "store", "file size", s.file_bytes, "bytes");
	figure(call, "store", "log size", s.wal_bytes, "bytes");
	figure(call, "store", "quarantined", store_quarantine_count(d->store), "");
	figure(call, "control", "clients", d->n_clients, "");
	figure(call, "control", "unread", control_unread(d), "bytes");
	done(call, CTL_OK, NULL);
}

static void
sink_row(void *ctx, const struct sink_stats *s)
{
	row_json(ctx, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?}", "name", s->name, "state",
		s->state != NULL ? s->state : "", "acked", (json_int_t)s->acked, "last_seq",
		(json_int_t)s->last_seq, "lag", (json_int_t)(s->last_seq - s->acked), "delivered",
		(json_int_t)s->delivered, "refused", (json_int_t)s->refused, "last_error",
		s->last_error));
}

static void
sink_list(struct verb_call *call)
{
	outbox_each(call->d->outbox, sink_row, call);
	done(call, CTL_OK, NULL);
}

static void
ledger(struct verb_call *call)
{
	const struct daemon *d = call->d;

	for (unsigned i = 0; i < d->n_parts; i++) {
		json_t *row = json_pack("{s:s, s:i}", "topic", d->part[i].topic, "partition",
					(int)d->part[i].partition);
		char since[FM_TIME_STR];
		uint64_t read = 0;

		for (unsigned o = 0; o < LEDGER_N; o++)
			read += d->part[i].ledger[o];
		json_object_set_new(row, "state", json_string(input_state_name(&d->part[i])));
		json_object_set_new(row, "since", d->part[i].since.ns == 0 ? json_null() :
				    json_string(fm_time_format(d->part[i].since, since)));
		json_object_set_new(row, "read", json_integer((json_int_t)read));
		for (unsigned o = 0; o < LEDGER_N; o++)
			json_object_set_new(row, ledger_outcome_name((enum ledger_outcome)o),
					    json_integer((json_int_t)d->part[i].ledger[o]));
		row_json(call, row);
	}
	done(call, CTL_OK, NULL);
}

static bool
quarantine_row(void *ctx, const struct store_quarantine *q)
{
	struct verb_call *call = ctx;
	struct fm_buf excerpt = {0};
	char time[FM_TIME_STR];

	call->quarantine_id = q->id;
	call->n++;
	fm_escape(&excerpt, q->body != NULL ? q->body : "", q->len < 120 ? q->len : 120);
	row_json(ctx, json_pack("{s:I, s:s, s:i, s:I, s:s, s:s, s:I, s:s}", "id",
		(json_int_t)q->id, "topic", q->topic, "partition", (int)q->partition, "offset",
		(json_int_t)q->offset, "time", fm_time_format(q->at, time), "reason", q->reason,
		"length", (json_int_t)q->full_len, "excerpt", excerpt.s != NULL ? excerpt.s : ""));
	fm_buf_fini(&excerpt);
	return piece_goes_on(call);
}

static void
quarantine_list(struct verb_call *call)
{
	struct fm_err err = {0};

	call->limit = ctl_arg_num(&call->rq, "limit", 100);
	if (store_quarantined(call->d->store, call->quarantine_id, true, 0, quarantine_row, call,
			      &err) < 0)
		done(call, CTL_FAILED, err.msg);
	else if (is_last(call))
		done(call, CTL_OK, NULL);
}

static void
version(struct verb_call *call)
{
	row_json(call, json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "version", FMD_VERSION,
		"librdkafka", kafka_library_version(), "sqlite", store_library_version(), "schema",
		FM_SCHEMA_TRANSITION, "stream", store_stream(call->d->store), "pid",
		(int)getpid()));
	done(call, CTL_OK, NULL);
}

static void
next_piece(struct verb_call *call)
{
	switch (call->rq.verb) {
	case CTL_VERB_ALARM_LIST: alarm_list(call); break;
	case CTL_VERB_ALARM_SHOW: alarm_show(call); break;
	case CTL_VERB_ALARM_DELETE:
	case CTL_VERB_ALARM_CLEAR: operate(call, CORR_CMD_CLEAR); break;
	case CTL_VERB_ALARM_ACK: operate(call, CORR_CMD_ACK); break;
	case CTL_VERB_ALARM_UNACK: operate(call, CORR_CMD_UNACK); break;
	case CTL_VERB_ALARM_SHELVE: operate(call, CORR_CMD_SHELVE); break;
	case CTL_VERB_ALARM_UNSHELVE: operate(call, CORR_CMD_UNSHELVE); break;
	case CTL_VERB_SHELF_LIST: shelf_list(call); break;
	case CTL_VERB_ALARM_SUMMARY: alarm_summary(call); break;
	case CTL_VERB_EVENT_SUPPRESS: event_suppress(call, CORR_CMD_SUPPRESS); break;
	case CTL_VERB_EVENT_UNSUPPRESS: event_suppress(call, CORR_CMD_UNSUPPRESS); break;
	case CTL_VERB_EVENT_UNSUPPRESS_ALL: unsuppress_all(call); break;
	case CTL_VERB_EVENT_SUPPRESS_LIST: event_suppress_list(call); break;
	case CTL_VERB_ALARM_HISTORY:
	case CTL_VERB_EXPLAIN: history(call); break;
	case CTL_VERB_EVENT_LIST: event_list(call); break;
	case CTL_VERB_EVENT_SHOW: event_show(call); break;
	case CTL_VERB_WATCH: watch(call); break;
	case CTL_VERB_STATS: stats(call); break;
	case CTL_VERB_QUARANTINE_LIST: quarantine_list(call); break;
	case CTL_VERB_SINK_LIST: sink_list(call); break;
	case CTL_VERB_LEDGER: ledger(call); break;
	case CTL_VERB_INPUT_RESUME: resume(call); break;
	case CTL_VERB_VERSION: version(call); break;
	case CTL_N_VERBS: break;
	}
}

struct verb_call *
verb_begin(struct daemon *d, const char *user, struct ctl_request *rq)
{
	struct verb_call *call = fm_calloc(1, sizeof(*call));

	call->d = d;
	call->user = user;
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
	ctl_request_fini(&call->rq);
	free(call);
}
