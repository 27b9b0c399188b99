/*
 * track_nova: what one Nova notification says. Every notification carries levels (vm_state,
 * task_state, host), which are applied when the notification is not older than the last one
 * applied; a few carry an edge that has a meaning of its own, in the table below
 * (compute-events §3.2, §3.3, §5).
 */
#include "correlator/correlator_priv.h"

struct nova_input {
	struct correlator *corr;
	const struct event *ev;
	const struct ev_nova *nova;
	struct instance *inst;
	struct host *host;
	uint8_t old_task;               /* what the instance was at before this */
};

static void
tell(struct nova_input *in, enum fact_id fact)
{
	struct fact_values v = inst_values(in->inst);
	char *reason = in->nova->fault.p != NULL ?
		fm_strndup(in->nova->fault.p, in->nova->fault.len) : NULL;

	char *initiator = in->nova->initiator_user.p != NULL ?
		fm_strndup(in->nova->initiator_user.p, in->nova->initiator_user.len) : NULL;

	if (fact < FACT_MIGRATION_REQUESTED || fact > FACT_MIGRATION_DONE)
		v.at = NULL;            /* no concern of the last live migration */
	v.reason = reason;
	v.initiator = initiator;
	rules_event(in->corr, fact, &v);
	fm_freep(&reason);
	fm_freep(&initiator);
}

/* ---- live migration -------------------------------------------------------------------------- */

static bool
is_straggler(const struct nova_input *in)
{
	const struct attempt *at = in->inst->attempt;

	return at != NULL && at->phase == AT_CLOSED && in->ev->stamp.ns <= at->end_stamp.ns;
}

static struct host *
publisher(struct nova_input *in)
{
	return host_get(in->corr, in->nova->publisher_host);
}

static void
nova_owns(struct nova_input *in)
{
	struct attempt *at = in->inst->attempt;

	if (attempt_is_open(in->inst) && !(at->flags & AT_F_NOVA)) {
		at->flags |= AT_F_NOVA;
		inst_dirty(in->corr, in->inst);
	}
}

/* The attempt that the request begins does not exist yet; the last one is not meant. */
static void
tell_request(struct nova_input *in)
{
	struct fact_values v = inst_values(in->inst);
	char *initiator = in->nova->initiator_user.p != NULL ?
		fm_strndup(in->nova->initiator_user.p, in->nova->initiator_user.len) : NULL;

	v.at = NULL;
	v.initiator = initiator;
	rules_event(in->corr, FACT_MIGRATION_REQUESTED, &v);
	fm_freep(&initiator);
}

/* Only these are sent at the start; of what any other shows, the start was missed (case 22). */
static bool
tells_start(const struct ev_nova *nova)
{
	return nova->action == NOVA_LIVE_MIGRATION_PRE ||
		(nova->action == NOVA_UPDATE && nova->old_task != TASK_MIGRATING);
}

/* libvirt has ended it, and Nova still shows it: that is no new one. */
static bool
is_still_shown(const struct nova_input *in)
{
	const struct attempt *at = in->inst->attempt;

	return at != NULL && at->phase == AT_CLOSED && (at->flags & AT_F_NOVA_DUE) &&
		!tells_start(in->nova);
}

static void
migration_begins(struct nova_input *in, struct host *dst)
{
	const struct fm_time start = tells_start(in->nova) ? in->ev->at : (struct fm_time){0};
	struct instance *inst = in->inst;

	if (is_straggler(in) || is_still_shown(in))
		return;
	if (!attempt_is_open(inst) && in->nova->action == NOVA_UPDATE &&
	    in->nova->old_task == TASK_NONE)
		tell_request(in);       /* its task is set before any host acts */
	if (!attempt_is_open(inst))
		attempt_open(in->corr, inst, start, in->ev->stamp, in->host, dst);
	attempt_hosts(in->corr, inst, in->host, dst);
	nova_owns(in);
}

/* Only the notifications before the copy come from the destination; no other names it. */
static struct host *
destination(struct nova_input *in)
{
	struct host *dst = in->nova->action == NOVA_LIVE_MIGRATION_PRE ? publisher(in) : NULL;

	return dst != in->host ? dst : NULL;
}

static void pre(struct nova_input *in) { migration_begins(in, destination(in)); }

static void
migration_moved(struct nova_input *in)
{
	if (in->nova->task != TASK_NONE && in->nova->task != TASK_UNKNOWN)
		return;
	inst_set_owner(in->corr, in->inst, in->host);
	if (!attempt_is_open(in->inst))
		return;
	if (in->inst->attempt->dst == NULL)
		in->inst->attempt->dst = in->host;
	attempt_close(in->corr, in->inst, AT_DONE, in->ev->stamp, NULL);
}

static void
rollback_start(struct nova_input *in)
{
	struct attempt *at = in->inst->attempt;

	if (!attempt_is_open(in->inst) || is_straggler(in))
		return;
	nova_owns(in);
	at->flags |= AT_F_ROLLBACK;
	inst_set_text(in->corr, &at->reason,
		      in->nova->fault.p != NULL ? in->nova->fault : in->nova->exception);
	inst_dirty(in->corr, in->inst);
}

static void
rollback_end(struct nova_input *in)
{
	if (!attempt_is_open(in->inst))
		return;
	inst_set_owner(in->corr, in->inst, in->host);
	attempt_rolled_back(in->corr, in->inst, in->ev->stamp,
			    fm_str_of(in->inst->attempt->reason));
}

static void
abort_asked(struct nova_input *in)
{
	struct attempt *at = in->inst->attempt;

	if (!attempt_is_open(in->inst))
		return;
	nova_owns(in);
	at->flags |= AT_F_ABORT;
	inst_set_text(in->corr, &at->initiator, in->nova->initiator_user);
	inst_dirty(in->corr, in->inst);
}

static void
force_asked(struct nova_input *in)
{
	if (!attempt_is_open(in->inst))
		return;
	nova_owns(in);
	attempt_evidence(in->corr, in->inst, AT_F_FORCED, in->ev->stamp);
}

/* Task "migrating" opens, any other closes: Nova is the authority on whether it migrates. */
static void
level_of_migration(struct nova_input *in)
{
	struct instance *inst = in->inst;
	struct attempt *at = inst->attempt;
	const bool error = inst->vm_state == VM_ERROR;

	if (in->nova->task == TASK_MIGRATING) {
		migration_begins(in, destination(in));
		return;
	}
	if (in->nova->task == TASK_NONE && at != NULL && (at->flags & AT_F_NOVA_DUE)) {
		at->flags &= ~AT_F_NOVA_DUE;
		inst_dirty(in->corr, inst);
	}
	if (in->nova->task != TASK_NONE || !attempt_is_open(inst) || !(at->flags & AT_F_NOVA) ||
	    in->ev->stamp.ns <= at->start_stamp.ns)
		return;
	if (error)
		attempt_close(in->corr, inst, AT_FAILED, in->ev->stamp, inst->fault);
	else if (in->host != NULL && (in->host == at->dst ||
				      (at->src != NULL && in->host != at->src)))
		migration_moved(in);
	else
		attempt_rolled_back(in->corr, inst, in->ev->stamp, fm_str_of(at->reason));
}

/* ---- other operations ------------------------------------------------------------------------- */

static void
set_op(struct nova_input *in, enum inst_op op)
{
	if (in->inst->op == op)
		return;
	in->inst->op = (uint8_t)op;
	inst_dirty(in->corr, in->inst);
}

static void evacuate(struct nova_input *in) { tell(in, FACT_EVACUATE_REQUESTED); }

static void
rebuild_asked(struct nova_input *in)
{
	if (in->inst->op != OP_EVACUATE)
		tell(in, FACT_REBUILD_REQUESTED);
}

static void
rebuild_start(struct nova_input *in)
{
	tell(in, in->inst->op == OP_EVACUATE ? FACT_EVACUATE_STARTED : FACT_REBUILD_STARTED);
}

/* The guest runs anew, so it is no longer crashed; libvirt will say so of its new host. */
static void
runs_anew(struct nova_input *in)
{
	in->inst->flags &= (uint16_t)~(INST_F_CRASHED | INST_F_IO_ERROR | INST_F_NO_HOST);
	in->inst->run = RUN_UNKNOWN;
	inst_dirty(in->corr, in->inst);
}

static void
rebuild_end(struct nova_input *in)
{
	const bool evacuated = in->inst->op == OP_EVACUATE;

	inst_set_owner(in->corr, in->inst, in->host);
	set_op(in, OP_NONE);
	runs_anew(in);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, evacuated ? FACT_EVACUATE_DONE : FACT_REBUILD_DONE);
}

static void
rebuild_error(struct nova_input *in)
{
	const bool evacuated = in->inst->op == OP_EVACUATE;

	set_op(in, OP_NONE);
	in->inst->vm_state = VM_ERROR;
	inst_dirty(in->corr, in->inst);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, evacuated ? FACT_EVACUATE_FAILED : FACT_REBUILD_FAILED);
}

static bool
same_flavor(const struct nova_input *in)
{
	return in->nova->new_flavor.p != NULL &&
		fm_str_eq(in->nova->new_flavor, in->nova->flavor);
}

static void
no_valid_host(struct nova_input *in)
{
	in->inst->vm_state = VM_ERROR;
	in->inst->flags |= INST_F_NO_HOST;
	inst_dirty(in->corr, in->inst);
}

/* Which operation a task stands for has to be known before what it shows is decided. */
static void
learn_op(struct nova_input *in)
{
	const struct ev_nova *nova = in->nova;

	if (nova->action == NOVA_EVACUATE)
		set_op(in, OP_EVACUATE);
	else if (nova->action == NOVA_RESIZE_PREP)
		set_op(in, same_flavor(in) ? OP_COLD_MIGRATE : OP_RESIZE);
	else if (nova->action == NOVA_RESIZE_REVERT && nova->phase == PHASE_START)
		set_op(in, in->inst->op == OP_COLD_MIGRATE ? OP_COLD_REVERT : OP_RESIZE_REVERT);
	else if (nova->action == NOVA_BUILD_INSTANCES && nova->phase == PHASE_ERROR)
		no_valid_host(in);
}

/* A cold migration is a resize to the same flavor, on the wire the whole way. */
static void
tell_either(struct nova_input *in, enum fact_id resize, enum fact_id cold)
{
	tell(in, in->inst->op == OP_COLD_MIGRATE || in->inst->op == OP_COLD_REVERT ? cold : resize);
}

static void
resize_asked(struct nova_input *in)
{
	tell_either(in, FACT_RESIZE_REQUESTED, FACT_COLD_MIGRATE_REQUESTED);
}

static void
resize_start(struct nova_input *in)
{
	tell_either(in, FACT_RESIZE_STARTED, FACT_COLD_MIGRATE_STARTED);
}

static void
resize_error(struct nova_input *in)
{
	tell_either(in, FACT_RESIZE_FAILED, FACT_COLD_MIGRATE_FAILED);
}

static void
resize_finished(struct nova_input *in)
{
	inst_set_owner(in->corr, in->inst, in->host);
	tell_either(in, FACT_RESIZE_DONE, FACT_COLD_MIGRATE_DONE);
}

static void
confirm_asked(struct nova_input *in)
{
	tell_either(in, FACT_RESIZE_CONFIRM_REQUESTED, FACT_COLD_CONFIRM_REQUESTED);
}

static void
resize_confirmed(struct nova_input *in)
{
	const bool cold = in->inst->op == OP_COLD_MIGRATE;

	set_op(in, OP_NONE);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, cold ? FACT_COLD_CONFIRMED : FACT_RESIZE_CONFIRMED);
}

static void
revert_start(struct nova_input *in)
{
	tell_either(in, FACT_RESIZE_REVERT_STARTED, FACT_COLD_REVERT_STARTED);
}

static void
revert_end(struct nova_input *in)
{
	const bool cold = in->inst->op == OP_COLD_REVERT;

	set_op(in, OP_NONE);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, cold ? FACT_COLD_REVERTED : FACT_RESIZE_REVERTED);
}

static void pause_asked(struct nova_input *in) { tell(in, FACT_PAUSE_REQUESTED); }
static void unpause_asked(struct nova_input *in) { tell(in, FACT_UNPAUSE_REQUESTED); }
static void suspend_asked(struct nova_input *in) { tell(in, FACT_SUSPEND_REQUESTED); }
static void resume_asked(struct nova_input *in) { tell(in, FACT_RESUME_REQUESTED); }
static void start_asked(struct nova_input *in) { tell(in, FACT_START_REQUESTED); }
static void stop_asked(struct nova_input *in) { tell(in, FACT_STOP_REQUESTED); }
static void pause_end(struct nova_input *in) { tell(in, FACT_PAUSE_DONE); }
static void suspend_end(struct nova_input *in) { tell(in, FACT_SUSPEND_DONE); }

/* Nova stops a dead instance by itself, and then nobody is named: it stays failed (case 27). */
static void
power_off_end(struct nova_input *in)
{
	if (in->nova->initiator_user.p != NULL && (in->inst->flags & INST_F_CRASHED)) {
		in->inst->flags &= (uint16_t)~INST_F_CRASHED;
		inst_dirty(in->corr, in->inst);
		inst_decide(in->corr, in->inst, in->corr->now);
	}
	tell(in, FACT_STOP_DONE);
}
static void reboot_start(struct nova_input *in) { tell(in, FACT_REBOOT_STARTED); }
static void reboot_error(struct nova_input *in) { tell(in, FACT_REBOOT_FAILED); }
static void create_error(struct nova_input *in) { tell(in, FACT_INSTANCE_CREATE_FAILED); }
static void create_end(struct nova_input *in) { tell(in, FACT_INSTANCE_CREATED); }
static void delete_start(struct nova_input *in) { tell(in, FACT_INSTANCE_DELETING); }

/* libvirt's "paused" of before is void: Nova has had it run again. */
static void
unpause_end(struct nova_input *in)
{
	in->inst->run = RUN_UNKNOWN;
	in->inst->power = POWER_UNKNOWN;
	inst_dirty(in->corr, in->inst);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, FACT_UNPAUSE_DONE);
}

static void
resume_end(struct nova_input *in)
{
	in->inst->run = RUN_UNKNOWN;
	inst_dirty(in->corr, in->inst);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, FACT_RESUME_DONE);
}

static void
power_on_end(struct nova_input *in)
{
	runs_anew(in);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, FACT_START_DONE);
}

static void
reboot_end(struct nova_input *in)
{
	runs_anew(in);
	inst_decide(in->corr, in->inst, in->corr->now);
	tell(in, FACT_REBOOT_DONE);
}

static void
delete_end(struct nova_input *in)
{
	inst_delete(in->corr, in->inst);
	tell(in, FACT_INSTANCE_DELETED);
}

/* Live and cold migrations and resizes are refused alike; the task tells which it was. */
static void
migrate_refused(struct nova_input *in)
{
	if (in->old_task == TASK_RESIZING)
		tell_either(in, FACT_RESIZE_REJECTED, FACT_COLD_MIGRATE_REJECTED);
	else
		tell(in, FACT_MIGRATION_REJECTED);
}

/* Nova gives the old name only when it has changed; a repeated one is no news. */
static void
renamed(struct nova_input *in)
{
	const struct fm_str was = in->nova->old_instance_name;
	struct fact_values v = inst_values(in->inst);

	if (was.len == 0 || fm_str_eq(was, in->nova->instance_name))
		return;
	char *old = fm_strndup(was.p, was.len);

	v.old_name = old;
	rules_event(in->corr, FACT_INSTANCE_RENAMED, &v);
	fm_freep(&old);
}

/* ---- the table --------------------------------------------------------------------------------- */

static const struct {
	enum nova_action action;
	enum nova_phase phase;
	void (*act)(struct nova_input *in);
} edge_table[] = {
	{NOVA_LIVE_MIGRATION_PRE, PHASE_START, pre},
	{NOVA_LIVE_MIGRATION_PRE, PHASE_END, pre},
	{NOVA_LIVE_MIGRATION_POST_DEST, PHASE_END, migration_moved},
	{NOVA_LIVE_MIGRATION_ROLLBACK, PHASE_START, rollback_start},
	{NOVA_LIVE_MIGRATION_ROLLBACK, PHASE_END, rollback_end},
	{NOVA_LIVE_MIGRATION_ABORT, PHASE_START, abort_asked},
	{NOVA_LIVE_MIGRATION_ABORT, PHASE_END, abort_asked},
	{NOVA_LIVE_MIGRATION_FORCE_COMPLETE, PHASE_START, force_asked},
	{NOVA_EVACUATE, PHASE_NONE, evacuate},
	{NOVA_REBUILD_SCHEDULED, PHASE_NONE, rebuild_asked},
	{NOVA_REBUILD, PHASE_START, rebuild_start},
	{NOVA_REBUILD, PHASE_END, rebuild_end},
	{NOVA_REBUILD, PHASE_ERROR, rebuild_error},
	{NOVA_REBUILD_SERVER, PHASE_ERROR, rebuild_error},
	{NOVA_RESIZE_PREP, PHASE_START, resize_asked},
	{NOVA_RESIZE, PHASE_START, resize_start},
	{NOVA_RESIZE, PHASE_ERROR, resize_error},
	{NOVA_RESIZE_FINISH, PHASE_END, resize_finished},
	{NOVA_RESIZE_CONFIRM, PHASE_START, confirm_asked},
	{NOVA_RESIZE_CONFIRM, PHASE_END, resize_confirmed},
	{NOVA_RESIZE_REVERT, PHASE_START, revert_start},
	{NOVA_RESIZE_REVERT, PHASE_END, revert_end},
	{NOVA_PAUSE, PHASE_START, pause_asked},
	{NOVA_PAUSE, PHASE_END, pause_end},
	{NOVA_UNPAUSE, PHASE_START, unpause_asked},
	{NOVA_UNPAUSE, PHASE_END, unpause_end},
	{NOVA_SUSPEND, PHASE_START, suspend_asked},
	{NOVA_SUSPEND, PHASE_END, suspend_end},
	{NOVA_RESUME, PHASE_START, resume_asked},
	{NOVA_RESUME, PHASE_END, resume_end},
	{NOVA_POWER_OFF, PHASE_START, stop_asked},
	{NOVA_POWER_OFF, PHASE_END, power_off_end},
	{NOVA_POWER_ON, PHASE_START, start_asked},
	{NOVA_POWER_ON, PHASE_END, power_on_end},
	{NOVA_REBOOT, PHASE_START, reboot_start},
	{NOVA_REBOOT, PHASE_END, reboot_end},
	{NOVA_REBOOT, PHASE_ERROR, reboot_error},
	{NOVA_CREATE, PHASE_END, create_end},
	{NOVA_CREATE, PHASE_ERROR, create_error},
	{NOVA_DELETE, PHASE_START, delete_start},
	{NOVA_DELETE, PHASE_END, delete_end},
	{NOVA_MIGRATE_SERVER, PHASE_ERROR, migrate_refused},
	{NOVA_UPDATE, PHASE_NONE, renamed},
};

static void
apply_edge(struct nova_input *in)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(edge_table); i++)
		if (edge_table[i].action == in->nova->action &&
		    edge_table[i].phase == in->nova->phase)
			edge_table[i].act(in);
}

/* ---- levels -------------------------------------------------------------------------------------- */

static void
set8(struct nova_input *in, uint8_t *field, unsigned value)
{
	if (value == 0 || *field == value)
		return;
	*field = (uint8_t)value;
	inst_dirty(in->corr, in->inst);
}

static void
learn_names(struct nova_input *in)
{
	const struct ev_nova *nova = in->nova;
	struct instance *inst = in->inst;
	struct fm_intern *names = &in->corr->names;
	const char *tenant = nova->tenant.p != NULL ?
		fm_intern(names, nova->tenant.p, nova->tenant.len) : inst->tenant;
	const char *tenant_name = nova->tenant_name.p != NULL ?
		fm_intern(names, nova->tenant_name.p, nova->tenant_name.len) : inst->tenant_name;
	const char *name = inst->name;

	inst_set_text(in->corr, &inst->name, nova->instance_name);
	if (tenant == inst->tenant && tenant_name == inst->tenant_name && name == inst->name)
		return;
	inst->tenant = tenant;
	inst->tenant_name = tenant_name;
	inst_dirty(in->corr, inst);
}

static void
learn_limits(struct nova_input *in)
{
	const struct cat_limits *lim = cat_limits(in->corr->cat);
	struct instance *inst = in->inst;
	const int32_t limit = limit_timeout(lim, in->nova);
	const int32_t downtime = limit_downtime(lim, in->nova);
	const int32_t memory = in->nova->memory_mb != EV_ABSENT ?
		(int32_t)in->nova->memory_mb : inst->memory_mb;

	if (limit == inst->limit_s && downtime == inst->downtime_limit_ms &&
	    memory == inst->memory_mb)
		return;
	inst->limit_s = limit;
	inst->downtime_limit_ms = downtime;
	inst->memory_mb = memory;
	inst_dirty(in->corr, inst);
	attempt_rearm(in->corr, inst);
}

/* While it migrates and the destination already runs it, only an end mark moves it back. */
static bool
host_is_owner(const struct nova_input *in)
{
	const struct attempt *at = in->inst->attempt;

	return !attempt_is_open(in->inst) || !(at->flags & AT_F_MOVED);
}

static void
apply_levels(struct nova_input *in)
{
	const struct ev_nova *nova = in->nova;
	struct instance *inst = in->inst;

	if (inst->nova_stamp.ns != in->ev->stamp.ns) {
		inst->nova_stamp = in->ev->stamp;
		stamp_moved(in->corr, inst);
	}
	if (!(inst->flags & INST_F_NOVA)) {
		inst->flags |= INST_F_NOVA;
		inst_dirty(in->corr, inst);
	}
	learn_names(in);
	if (nova->memory_mb != EV_ABSENT || nova->versioned)
		learn_limits(in);
	if (nova->fault.p != NULL || nova->exception.p != NULL)
		inst_set_text(in->corr, &inst->fault,
			      nova->fault.p != NULL ? nova->fault : nova->exception);
	set8(in, &inst->vm_state, nova->vm_state);
	/* What ended in an error is no longer under way, though Nova still shows its task. */
	set8(in, &inst->task, nova->phase == PHASE_ERROR ? TASK_NONE : nova->task);
	set8(in, &inst->power, nova->power);
	if (nova->power == POWER_CRASHED && !(inst->flags & INST_F_CRASHED)) {
		inst->flags |= INST_F_CRASHED;
		inst_dirty(in->corr, inst);
	}
	if (host_is_owner(in))
		inst_set_owner(in->corr, inst, in->host);
}

static enum corr_outcome
service(struct correlator *corr, const struct event *ev)
{
	const struct ev_nova *nova = &ev->u.nova;
	struct host *h;

	if (!fm_str_is(nova->binary, "nova-compute"))
		return CORR_NO_EFFECT;
	h = host_get(corr, nova->host.p != NULL ? nova->host : ev->host);
	if (h == NULL)
		return CORR_NO_EFFECT;
	host_set_flag(corr, h, HOST_F_DOWN, nova->forced_down);
	host_set_flag(corr, h, HOST_F_DISABLED, nova->disabled);
	host_nova_seen(corr, h, ev);
	return corr->effect ? CORR_APPLIED : CORR_NO_EFFECT;
}

/* Nova on this host cannot see its instances; they run on. A sign of life of libvirtd ends it. */
static enum corr_outcome
libvirt_unreachable(struct correlator *corr, const struct event *ev)
{
	struct host *h = host_get(corr, ev->u.nova.host.p != NULL ? ev->u.nova.host : ev->host);

	if (h == NULL)
		return CORR_NO_EFFECT;
	host_set_flag(corr, h, HOST_F_NOVA_BLIND, true);
	return corr->effect ? CORR_APPLIED : CORR_NO_EFFECT;
}

/* What Nova's compute service has done to an instance it did through libvirtd. */
static void
compute_lives(struct nova_input *in)
{
	struct host *h = publisher(in);

	if (h == NULL)
		return;
	if ((h->flags & HOST_F_NOVA_BLIND) && in->nova->phase == PHASE_END)
		host_set_flag(in->corr, h, HOST_F_NOVA_BLIND, false);
	if (in->nova->from_compute)
		host_nova_lives(in->corr, h, in->ev->stamp);
}

/* Terminal marks count even when they are overtaken by later-stamped levels (case 18). */
static bool
is_terminal(const struct ev_nova *nova)
{
	return nova->phase == PHASE_END &&
		(nova->action == NOVA_LIVE_MIGRATION_POST_DEST ||
		 nova->action == NOVA_LIVE_MIGRATION_ROLLBACK || nova->action == NOVA_DELETE);
}

/*
 * Marks along a migration show the levels of its course, the last of them even after its end:
 * Nova sends post.end after post_dest.end, and cleans up the destination in its own time.
 */
static bool
is_mark(const struct ev_nova *nova)
{
	if (nova->action == NOVA_LIVE_MIGRATION_POST_DEST ||
	    nova->action == NOVA_LIVE_MIGRATION_ROLLBACK)
		return nova->phase != PHASE_END;
	return nova->action == NOVA_LIVE_MIGRATION_POST ||
		nova->action == NOVA_LIVE_MIGRATION_ABORT ||
		nova->action == NOVA_LIVE_MIGRATION_FORCE_COMPLETE ||
		nova->action == NOVA_LIVE_MIGRATION_ROLLBACK_DEST;
}

/*
 * A mark without an open attempt is a tail of the last one, unless it comes long after: then it is
 * the first sign of a migration whose start was missed. Those that come last never are.
 */
static bool
is_overtaken(const struct nova_input *in)
{
	const struct attempt *at = in->inst->attempt;
	const struct fm_span settle = cat_limits(in->corr->cat)->settle;

	if (!is_mark(in->nova) || attempt_is_open(in->inst))
		return false;
	return in->nova->phase != PHASE_START ||
		in->nova->action == NOVA_LIVE_MIGRATION_ROLLBACK_DEST ||
		(at != NULL && in->ev->stamp.ns <= fm_time_add(at->end_stamp, settle).ns);
}

static bool
is_level_only(const struct ev_nova *nova)
{
	return nova->action == NOVA_UPDATE || nova->action == NOVA_EXISTS ||
		nova->action == NOVA_OTHER;
}

enum corr_outcome
track_nova(struct correlator *corr, const struct event *ev)
{
	struct nova_input in = {.corr = corr, .ev = ev, .nova = &ev->u.nova};
	bool late;

	if (in.nova->action == NOVA_SERVICE)
		return service(corr, ev);
	if (in.nova->action == NOVA_LIBVIRT_CONNECT)
		return libvirt_unreachable(corr, ev);
	if (!ev->has_instance)
		return CORR_NO_EFFECT;
	in.inst = inst_get(corr, &ev->instance);
	if (in.inst->deleted_at.ns != 0)
		return CORR_LATE;
	if (!is_level_only(in.nova) && twin_seen(corr, in.inst, ev))
		return CORR_DUPLICATE;
	in.host = host_get(corr, ev->host);
	compute_lives(&in);
	if (is_overtaken(&in))
		return CORR_LATE;
	late = ev->stamp.ns != 0 && ev->stamp.ns < in.inst->nova_stamp.ns;
	if (late && !is_terminal(in.nova) && is_level_only(in.nova))
		return CORR_LATE;
	in.old_task = in.inst->task;
	if (!late)
		apply_levels(&in);
	learn_op(&in);
	if (!is_terminal(in.nova))
		level_of_migration(&in);
	inst_decide(corr, in.inst, corr->now);
	apply_edge(&in);
	inst_decide(corr, in.inst, corr->now);
	return corr->effect ? CORR_APPLIED : late ? CORR_LATE : CORR_NO_EFFECT;
}
