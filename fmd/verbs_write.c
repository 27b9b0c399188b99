/*
 * verbs_write: the verbs that change something. They go through the core and are answered only
 * after the commit that makes them durable (P5), with an audit row in the same transaction.
 */
#include "fmd/verbs_priv.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

bool
verb_settle(struct verb_call *call, int result, const struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf args = {0};

	ctl_request_args(&call->rq, CTL_MAX_TEXT, &args);
	const struct store_audit audit = {.at = clock_wall(), .user = call->user,
		.uid = call->who->uid, .role = call->who->role,
		.verb = ctl_verb_name(call->rq.verb), .args = args.s,
		.result = result == 0 ? "done" : err->msg};

	call->audited = true;
	if (engine_end(call->d, &audit) == 0 || FM_BUG(ANSWER_FIRST))
		return true;
	/* While it is held by a full disk, too, another error ends it. */
	verb_done(call, CTL_FAILED, call->d->hold.on && !call->d->stopping ? hold_reason(call->d) :
		  "the change could not be stored");
	return false;
}

void
verb_answer(struct verb_call *call, int result, const struct fm_err *err)
{
	verb_done(call, result == 0 ? CTL_OK : result == -ENOENT ? CTL_NOT_FOUND : CTL_FAILED,
		  result == 0 ? NULL : err->msg);
}

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
	verb_done(call, CTL_USAGE, "for: from a second to 30 days");
	return false;
}

void
verb_operate(struct verb_call *call, enum corr_command_kind kind)
{
	struct daemon *d = call->d;
	struct corr_command cmd = {.kind = kind, .user = call->user,
		.verb = ctl_verb_name(call->rq.verb),
		.alarm_id = ctl_arg_text(&call->rq, "alarm_id"),
		.entity = ctl_arg_text(&call->rq, "entity")};
	struct fm_err err = {0};
	struct fm_uuid uuid;
	int r;

	if (cmd.alarm_id == NULL || cmd.entity == NULL) {
		if (!verb_uuid_arg(call, &uuid))
			return;
		cmd.uuid = &uuid;
	}
	cmd.at = engine_time(d);
	if (kind == CORR_CMD_SHELVE && !shelf_time(call, &cmd))
		return;
	engine_begin(d);
	r = corr_operate(d->corr, &cmd, engine_transition, d, &err);
	if (verb_settle(call, r, &err))
		verb_answer(call, r, &err);
}

/* Where: "earliest" or "latest" of what the partition has now. */
void
verb_resume(struct verb_call *call)
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
		verb_done(call, CTL_USAGE, "at is earliest or latest");
		return;
	}
	engine_begin(d);
	r = input_resume(d, &rq, &err);
	if (verb_settle(call, r, &err))
		verb_answer(call, r, &err);
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
		verb_row(call, json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "uuid",
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

void
verb_event_suppress_list(struct verb_call *call)
{
	const bool all = ctl_arg_num(&call->rq, "include_unsuppressed", 0) != 0;
	struct others o = {call, call->d->cat};

	for (unsigned i = 0; i < cat_count(o.cat); i++)
		if (!cat_at(o.cat, i)->is_log)
			suppression_row(call, cat_at(o.cat, i)->id, all);
	corr_each_suppressed_id(call->d->corr, other_row, &o);
	verb_done(call, CTL_OK, NULL);
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
operate_ids(struct verb_call *call, enum corr_command_kind kind, const struct id_list *ids)
{
	struct fm_err err = {0};

	engine_begin(call->d);
	const int r = change_ids(call, kind, ids, &err);

	if (!verb_settle(call, r, &err))
		return;
	for (unsigned i = 0; r == 0 && i < ids->n; i++)
		suppression_row(call, ids->id[i], true);
	verb_answer(call, r, &err);
}

void
verb_event_suppress(struct verb_call *call, enum corr_command_kind kind)
{
	const char *text = ctl_arg_text(&call->rq, "alarm_id");
	struct id_list ids = {.n = 0};
	struct fm_err err = {0};

	if (read_ids(text, &ids, &err) < 0)
		verb_done(call, CTL_USAGE, err.msg);
	else
		operate_ids(call, kind, &ids);
	free(ids.id);
}

static void
add_id(void *ctx, const char *alarm_id)
{
	id_add(ctx, alarm_id, strlen(alarm_id));
}

void
verb_unsuppress_all(struct verb_call *call)
{
	struct id_list ids = {.n = 0};

	corr_each_suppressed_id(call->d->corr, add_id, &ids);
	operate_ids(call, CORR_CMD_UNSUPPRESS, &ids);
	free(ids.id);
}

static void
shelf_row(void *ctx, const char *alarm_id, const char *entity, struct fm_time until,
	  const char *user)
{
	const struct verb_call *call = ctx;
	const struct alarm *al = corr_find_alarm(call->d->corr, alarm_id, entity);
	char time[FM_TIME_STR];

	verb_row(call, json_pack("{s:s, s:s, s:s, s:s, s:b}", "alarm_id", alarm_id,
		"entity_instance_id", entity, "shelved_until", fm_time_format(until, time), "user",
		user, "active", al != NULL && !al->cleared));
}

void
verb_shelf_list(struct verb_call *call)
{
	corr_each_shelf(call->d->corr, shelf_row, call);
	verb_done(call, CTL_OK, NULL);
}
