/*
 * verbs_log: the verbs that read the transitions, the quarantine and the figures.
 */
#include "fmd/verbs_priv.h"

#include "alarm/alarm_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_EVENTS 1000u

/* ---- transitions ------------------------------------------------------------------------------------------- */

static bool
is_wanted(const struct verb_call *call, const struct stored_transition *tr)
{
	const bool is_log = tr->kind == TR_LOG;

	if (tr->kind == TR_HEARTBEAT)
		return false;           /* for programs on the topic; nothing happened */
	if ((call->alarms || call->logs) && !(is_log ? call->logs : call->alarms))
		return false;
	return (tr->notify || call->suppressed) &&
		ctl_query_matches_json(call->query, tr->json, tr->len);
}

/* What "explain" puts behind the members of a transition: how far each sink is with it. */
struct delivery {
	json_t *sinks;
	uint64_t seq;
};

static void
add_delivery(void *ctx, const struct sink_stats *s)
{
	const struct delivery *d = ctx;

	json_array_append_new(d->sinks, json_pack("{s:s, s:s}", "name", s->name, "delivery",
						  s->acked >= d->seq ? "done" : "pending"));
}

/* The first one told of its occurrence. */
static bool
begins_story(struct verb_call *call, const struct stored_transition *tr)
{
	const bool known = call->n > 0 && fm_uuid_eq(&call->told, &tr->uuid);

	call->told = tr->uuid;
	return !known;
}

#define EXPLAIN_MEMBERS 256

struct members {
	json_t *first;
	json_int_t n;
};

/* A row has its limit, a group has none. */
static void
add_member(void *ctx, const struct fm_uuid *instance, const char *name, struct fm_time since)
{
	struct members *members = ctx;
	char uuid[FM_UUID_STR], time[FM_TIME_STR];

	if (++members->n > EXPLAIN_MEMBERS)
		return;
	json_array_append_new(members->first, json_pack("{s:s, s:s?, s:s}", "instance",
					     fm_uuid_format(instance, uuid), "name", name, "since",
					     fm_time_format(since, time)));
}

/* Who is in the group now, if it is a group's alarm, and active. */
static void
add_members(const struct verb_call *call, const struct stored_transition *tr, json_t *more)
{
	struct members members = {.first = json_array()};

	corr_each_member(call->d->corr, &tr->uuid, add_member, &members);
	if (members.n > 0) {
		json_object_set(more, "members", members.first);
		json_object_set_new(more, "members_total", json_integer(members.n));
	}
	json_decref(members.first);
}

static void
explained_row(struct verb_call *call, const struct stored_transition *tr)
{
	struct delivery d = {.sinks = json_array(), .seq = tr->seq};
	const bool begins = begins_story(call, tr);

	outbox_each(call->d->outbox, add_delivery, &d);
	/* An occurrence begins with its raise, a log is all of itself; else retention took it. */
	json_t *more = json_pack("{s:b, s:o}", "truncated", begins && tr->kind != TR_RAISE &&
				 tr->kind != TR_LOG, "sinks", d.sinks);
	if (begins)
		add_members(call, tr, more);
	char *text = json_dumps(more, JSON_COMPACT);
	struct fm_buf row = {0};

	/* The one object's end and the other's beginning become a comma. */
	fm_buf_add(&row, tr->json, tr->len - 1);
	fm_buf_add(&row, ",", 1);
	fm_buf_adds(&row, text + 1);
	ctl_reply_row(call->out, call->rq.id, row.s, row.len);
	fm_buf_fini(&row);
	free(text);
	json_decref(more);
}

static bool
event_one(void *ctx, const struct stored_transition *tr)
{
	struct verb_call *call = ctx;

	call->at.after_seq = tr->seq;
	if (is_wanted(call, tr)) {
		if (call->rq.verb == CTL_VERB_EXPLAIN)
			explained_row(call, tr);
		else
			ctl_reply_row(call->out, call->rq.id, tr->json, tr->len);
		call->n++;
	}
	return verb_piece_goes_on(call);
}

/* The next piece from the store. True: it was the last. */
static bool
read_events(struct verb_call *call)
{
	struct fm_err err = {0};

	if (store_transitions(call->d->store, &call->at, event_one, call, &err) < 0)
		verb_done(call, CTL_FAILED, err.msg);
	return call->state != VERB_DONE && verb_is_last(call);
}

void
verb_event_list(struct verb_call *call)
{
	if (!call->began) {
		if (!verb_take_query(call))
			return;
		call->limit = call->limit != 0 ? call->limit : DEFAULT_EVENTS;
		call->alarms = ctl_arg_num(&call->rq, "alarms", 0) != 0;
		call->logs = ctl_arg_num(&call->rq, "logs", 0) != 0;
		call->at = (struct store_query){.reverse = true, .kind = -1};
	}
	if (read_events(call))
		verb_done(call, CTL_OK, NULL);
}

void
verb_event_show(struct verb_call *call)
{
	const uint64_t seq = ctl_arg_num(&call->rq, "seq", UINT64_MAX);
	const bool by_seq = seq != UINT64_MAX;          /* more than JSON's numbers have here */

	call->at = (struct store_query){.kind = -1, .after_seq = by_seq && seq > 0 ? seq - 1 : 0};
	call->suppressed = true;
	call->limit = 1;
	if (!by_seq && !verb_uuid_arg(call, &call->uuid))
		return;
	if (!by_seq)
		call->at.uuid = &call->uuid;
	if (by_seq && (seq == 0 || seq > store_last_seq(call->d->store) ||
		       seq < store_oldest_seq(call->d->store)))
		verb_done(call, CTL_NOT_FOUND, "no such event");
	else if (read_events(call))
		verb_done(call, call->n > 0 ? CTL_OK : CTL_NOT_FOUND,
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
		verb_done(call, CTL_USAGE, "alarm_id and entity need each other");
		return false;
	}
	call->at.uuid = &call->uuid;
	return verb_uuid_arg(call, &call->uuid);
}

void
verb_history(struct verb_call *call)
{
	if (!call->began && !begin_history(call))
		return;
	if (read_events(call))
		verb_done(call, call->n > 0 ? CTL_OK : CTL_NOT_FOUND,
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
	verb_done(call, CTL_NOT_FOUND, why);
	return false;
}

/* What is kept after the given seq, then everything new as it is committed. */
void
verb_watch(struct verb_call *call)
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
	verb_row(call, json_pack("{s:s, s:s, s:I, s:s}", "section", section, "name", name, "value",
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

/* What each input partition does and how far it has got; since when, the ledger tells. */
static void
stats_input(const struct verb_call *call)
{
	const struct daemon *d = call->d;
	char name[300], unit[64];

	for (unsigned i = 0; i < d->n_parts; i++) {
		const struct part *p = &d->part[i];

		snprintf(name, sizeof(name), "%.255s/%d", p->topic, p->partition);
		snprintf(unit, sizeof(unit), "next offset, %s", input_state_name(p));
		figure(call, "input", name, p->next_offset > 0 ? (uint64_t)p->next_offset : 0,
		       unit);
	}
}

static uint64_t
quarantined_ever(const struct daemon *d)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < d->n_parts; i++)
		n += d->part[i].ledger[LEDGER_QUARANTINED];
	return n;
}

void
verb_stats(struct verb_call *call)
{
	const struct daemon *d = call->d;
	struct kafka_source_stats k = {0};
	struct fmagent_stats a;
	struct store_stats s;

	stats_core(call);
	if (d->source != NULL)
		kafka_source_get_stats(d->source, &k);
	figure(call, "time", "all input heard once", d->steady.lived, "");
	figure(call, "time", "ahead of the clock", d->steady.ahead > 0 ?
	       (uint64_t)(d->steady.ahead / FM_NS_PER_S) : 0, "s");
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
	figure(call, "store", "quarantined ever", quarantined_ever(d), "");
	figure(call, "store", "backlog of slow sinks", s.backlog, "");
	figure(call, "store", "held by a full disk", d->hold.on && !d->hold.frozen, "");
	figure(call, "store", "frozen by errors", d->hold.frozen, "");
	if (d->agent != NULL) {
		fmagent_get_stats(d->agent, &a);
		figure(call, "snmp", "notifications sent", a.sent, "");
		figure(call, "snmp", "tables served", a.tables_served, "");
		figure(call, "snmp", "table requests", a.table_requests, "");
	}
	figure(call, "control", "clients", d->n_clients, "");
	figure(call, "control", "unread", control_unread(d), "bytes");
	for (unsigned i = 0; i < LOG_N_CLASSES; i++)
		figure(call, "log lines held back", log_class_name((enum log_class)i),
		       d->log[i].held_ever, "");
	verb_done(call, CTL_OK, NULL);
}

static void
sink_row(void *ctx, const struct sink_stats *s)
{
	verb_row(ctx, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?}", "name", s->name, "state",
		s->state != NULL ? s->state : "", "acked", (json_int_t)s->acked, "last_seq",
		(json_int_t)s->last_seq, "lag", (json_int_t)(s->last_seq - s->acked), "delivered",
		(json_int_t)s->delivered, "refused", (json_int_t)s->refused, "last_error",
		s->last_error));
}

void
verb_sink_list(struct verb_call *call)
{
	outbox_each(call->d->outbox, sink_row, call);
	verb_done(call, CTL_OK, NULL);
}

void
verb_ledger(struct verb_call *call)
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
		verb_row(call, row);
	}
	verb_done(call, CTL_OK, NULL);
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
	verb_row(ctx, json_pack("{s:I, s:s, s:i, s:I, s:s, s:s, s:I, s:s}", "id",
		(json_int_t)q->id, "topic", q->topic, "partition", (int)q->partition, "offset",
		(json_int_t)q->offset, "time", fm_time_format(q->at, time), "reason", q->reason,
		"length", (json_int_t)q->full_len, "excerpt", excerpt.s != NULL ? excerpt.s : ""));
	fm_buf_fini(&excerpt);
	return verb_piece_goes_on(call);
}

void
verb_quarantine_list(struct verb_call *call)
{
	struct fm_err err = {0};

	call->limit = ctl_arg_num(&call->rq, "limit", 100);
	if (store_quarantined(call->d->store, call->quarantine_id, true, 0, quarantine_row, call,
			      &err) < 0)
		verb_done(call, CTL_FAILED, err.msg);
	else if (verb_is_last(call))
		verb_done(call, CTL_OK, NULL);
}

static bool
audit_row(void *ctx, const struct store_audit *a)
{
	struct verb_call *call = ctx;
	json_t *args = json_loads(a->args, 0, NULL);
	char time[FM_TIME_STR];

	call->audit_id = a->id;
	call->n++;
	/* Older versions kept the arguments as words. */
	verb_row(ctx, json_pack("{s:I, s:s, s:s, s:I, s:s?, s:s, s:o, s:s}", "id",
		(json_int_t)a->id, "time", fm_time_format(a->at, time), "user", a->user, "uid",
		(json_int_t)a->uid, "role", a->role, "verb", a->verb, "args",
		json_is_object(args) ? json_incref(args) : json_pack("{s:s}", "words", a->args),
		"result", a->result));
	json_decref(args);
	return verb_piece_goes_on(call);
}

void
verb_audit_list(struct verb_call *call)
{
	struct fm_err err = {0};

	call->limit = ctl_arg_num(&call->rq, "limit", 100);
	if (store_audited(call->d->store, call->audit_id, audit_row, call, &err) < 0)
		verb_done(call, CTL_FAILED, err.msg);
	else if (verb_is_last(call))
		verb_done(call, CTL_OK, NULL);
}

void
verb_version(struct verb_call *call)
{
	verb_row(call, json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "version", FMD_VERSION,
		"librdkafka", kafka_library_version(), "sqlite", store_library_version(), "schema",
		FM_SCHEMA_TRANSITION, "stream", store_stream(call->d->store), "pid",
		(int)getpid()));
	verb_done(call, CTL_OK, NULL);
}
