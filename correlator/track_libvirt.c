/*
 * track_libvirt: what one libvirt record says about an instance and its host. What an event means
 * depends on the part its host plays for the instance: owner, source or destination of the
 * open migration, or a stranger (compute-events §4.4, libvirt-live §2).
 *
 * The destination's "stopped" of a copy that never ran is no instance failure; RESUMED/MIGRATED
 * means "moved" on the destination and "rolled back" on the source; a polled downtime is only
 * an estimate; job-completed also comes for saves and dumps.
 */
#include "correlator/correlator_priv.h"

/* virDomainEventIOErrorAction: the guest goes on */
#define IO_ERROR_NONE 0
#define IO_ERROR_REPORT 2

enum role { ROLE_OWNER = 1, ROLE_SOURCE = 2, ROLE_DEST = 4, ROLE_STRANGER = 8 };

struct lv_input {
	struct correlator *corr;
	const struct event *ev;
	struct instance *inst;
	struct host *host;
	enum role role;
};

/* Of a straggler: the record is older than the end of the attempt that it speaks of. */
static bool
is_straggler(const struct instance *inst, struct fm_time stamp)
{
	return inst->attempt != NULL && inst->attempt->phase == AT_CLOSED &&
		stamp.ns != 0 && stamp.ns <= inst->attempt->end_stamp.ns;
}

static enum role
role_of(const struct instance *inst, const struct host *host)
{
	const struct attempt *at = inst->attempt;

	if (attempt_is_open(inst)) {
		if (at->dst == host)
			return ROLE_DEST;
		if (at->src == host || at->src == NULL)
			return ROLE_SOURCE;
	}
	if (inst->owner == NULL || inst->owner == host)
		return ROLE_OWNER;
	return ROLE_STRANGER;
}

static enum corr_outcome
outcome_of(const struct correlator *corr)
{
	return corr->effect ? CORR_APPLIED : CORR_NO_EFFECT;
}

/* ---- levels of the owner --------------------------------------------------------------------- */

static void
set_run(struct lv_input *in, enum lv_run run)
{
	struct instance *inst = in->inst;

	if (inst->owner == NULL)
		inst_set_owner(in->corr, inst, in->host);
	inst->run_stamp = in->ev->stamp;
	stamp_moved(in->corr, inst);
	if (run == RUN_PAUSED)
		attempt_paused(in->corr, inst, in->ev->stamp);
	else if (in->role != ROLE_DEST)         /* another clock, and after the switch */
		attempt_pause_over(in->corr, inst, in->ev->stamp);
	if (run == RUN_RUNNING && in->role != ROLE_DEST)
		attempt_runs(in->corr, inst);
	if (inst->run != run) {
		inst->run = (uint8_t)run;
		inst_dirty(in->corr, inst);
	}
	if (run == RUN_RUNNING && (inst->flags & INST_F_IO_ERROR)) {
		inst->flags &= (uint16_t)~INST_F_IO_ERROR;
		inst_dirty(in->corr, inst);
	}
	inst_decide(in->corr, inst, in->corr->now);
}

static void
die(struct lv_input *in, const char *why, enum lv_run run)
{
	if (!(in->inst->flags & INST_F_CRASHED)) {
		in->inst->flags |= INST_F_CRASHED;
		inst_set_text(in->corr, &in->inst->fault, fm_str_of(why));
		inst_dirty(in->corr, in->inst);
	}
	set_run(in, run);
}

static void
booted(struct lv_input *in)
{
	if (in->inst->flags & INST_F_CRASHED) {
		in->inst->flags &= (uint16_t)~INST_F_CRASHED;
		inst_dirty(in->corr, in->inst);
	}
	set_run(in, RUN_RUNNING);
}

/*
 * A guest that its watchdog had paused stands there whole, and somebody has let it go on: no longer
 * failed. Of one that died "resumed" says nothing, it comes before "started" (libvirt-live §2.5).
 */
static void
running(struct lv_input *in)
{
	struct instance *inst = in->inst;

	if ((inst->flags & INST_F_CRASHED) && inst->run == RUN_PAUSED) {
		inst->flags &= (uint16_t)~INST_F_CRASHED;
		inst_dirty(in->corr, inst);
	}
	set_run(in, RUN_RUNNING);
}

static void paused(struct lv_input *in) { set_run(in, RUN_PAUSED); }
static void off(struct lv_input *in) { set_run(in, RUN_OFF); }
static void pm_suspended(struct lv_input *in) { set_run(in, RUN_PMSUSPENDED); }
static void nothing(struct lv_input *in) { (void)in; }

/* Its watchdog stopped it because the guest no longer worked. */
static void
hung(struct lv_input *in)
{
	die(in, "its watchdog stopped it", RUN_PAUSED);
}

static void
io_paused(struct lv_input *in)
{
	if (!(in->inst->flags & INST_F_IO_ERROR)) {
		in->inst->flags |= INST_F_IO_ERROR;
		inst_dirty(in->corr, in->inst);
	}
	in->inst->run_stamp = in->ev->stamp;
	stamp_moved(in->corr, in->inst);
	attempt_paused(in->corr, in->inst, in->ev->stamp);
	inst_decide(in->corr, in->inst, in->corr->now);
}

/* Nova ends instances by killing them: only a death that nobody asked for is one. */
static void
died(struct lv_input *in)
{
	const uint8_t task = in->inst->task;

	if (task == TASK_POWERING_OFF || task == TASK_DELETING || task == TASK_REBOOTING ||
	    task == TASK_REBUILDING || task == TASK_SUSPENDING || task == TASK_RESIZING ||
	    in->inst->vm_state == VM_STOPPED) {
		off(in);
		return;
	}
	die(in, "the guest died", RUN_CRASHED);
}

/* ---- a migration's events -------------------------------------------------------------------- */

static void
incoming(struct lv_input *in)
{
	struct instance *inst = in->inst;
	struct host *src = inst->owner != in->host ? inst->owner : NULL;

	if (attempt_is_open(inst)) {
		attempt_hosts(in->corr, inst, src, in->host);
		return;
	}
	attempt_open(in->corr, inst, in->ev->at, in->ev->stamp, src, in->host);
}

static void
source_stops(struct lv_input *in)
{
	struct attempt *at = in->inst->attempt;

	if (!attempt_is_open(in->inst) || at->suspended.ns != 0)
		return;
	attempt_pause_over(in->corr, in->inst, in->ev->stamp);
	at->suspended = in->ev->stamp;
	attempt_hosts(in->corr, in->inst, in->host, NULL);
	inst_dirty(in->corr, in->inst);
}

static void
dest_runs(struct lv_input *in)
{
	struct attempt *at = in->inst->attempt;

	if (at->resumed.ns == 0)        /* after post-copy it has been running since then */
		at->resumed = in->ev->stamp;
	inst_set_owner(in->corr, in->inst, in->host);
	in->inst->run = RUN_RUNNING;
	inst_dirty(in->corr, in->inst);
	attempt_evidence(in->corr, in->inst, AT_F_MOVED, in->ev->stamp);
}

/* A guest that was paused before arrives paused: no "resumed" will come (libvirt-live §2.1). */
static void
dest_paused(struct lv_input *in)
{
	inst_set_owner(in->corr, in->inst, in->host);
	in->inst->run = RUN_PAUSED;
	inst_dirty(in->corr, in->inst);
	attempt_evidence(in->corr, in->inst, AT_F_MOVED, in->ev->stamp);
}

/* It arrived paused and was let go before Nova has told that it arrived. */
static void
dest_goes_on(struct lv_input *in)
{
	if (in->inst->attempt->flags & AT_F_MOVED)
		running(in);
}

/* The start was missed; that it runs where it did not run before says where it is. */
static void
moved_unseen(struct lv_input *in)
{
	inst_set_owner(in->corr, in->inst, in->host);
	running(in);
}

static void
source_runs_again(struct lv_input *in)
{
	struct attempt *at = in->inst->attempt;

	if (at == NULL || at->phase != AT_OPEN) {
		running(in);
		return;
	}
	at->resumed = in->ev->stamp;
	inst_dirty(in->corr, in->inst);
	attempt_hosts(in->corr, in->inst, in->host, NULL);
	attempt_evidence(in->corr, in->inst, AT_F_RESUMED_SRC, in->ev->stamp);
}

void
split_text(const struct host *h, struct fm_buf *ret)
{
	fm_buf_reset(ret);
	fm_buf_addf(ret, "a second copy runs on %s", h->name);
}

/*
 * A copy starts on a host that does not own the instance. When the owner runs none it has moved
 * there; when it does, and no operation explains a second one, two copies write to one disk.
 */
static void
started_elsewhere(struct lv_input *in)
{
	struct instance *inst = in->inst;
	struct fm_buf b = {0};
	const bool busy = attempt_is_open(inst) || inst->op != OP_NONE ||
		(inst->task != TASK_NONE && inst->task != TASK_UNKNOWN);

	if (!(inst->flags & INST_F_NOVA) && inst->run != RUN_RUNNING && inst->run != RUN_PAUSED) {
		inst_set_owner(in->corr, inst, in->host);
		booted(in);
		return;
	}
	if (busy || inst->run != RUN_RUNNING || host_is_failed(inst->owner) ||
	    (inst->flags & INST_F_SPLIT))
		return;
	inst->flags |= INST_F_SPLIT;
	split_text(in->host, &b);
	inst_set_text(in->corr, &inst->fault, fm_str_of(b.s));
	fm_buf_fini(&b);
	inst_dirty(in->corr, inst);
	inst_decide(in->corr, inst, in->corr->now);
}

static void
ended_elsewhere(struct lv_input *in)
{
	if (!(in->inst->flags & INST_F_SPLIT))
		return;
	in->inst->flags &= (uint16_t)~INST_F_SPLIT;
	inst_dirty(in->corr, in->inst);
	inst_decide(in->corr, in->inst, in->corr->now);
}

static void
source_left(struct lv_input *in)
{
	if (attempt_is_open(in->inst))
		attempt_evidence(in->corr, in->inst, AT_F_MOVED, in->ev->stamp);
}

static void
dest_ended(struct lv_input *in)
{
	unsigned flags = AT_F_DEST_DIED;

	if (in->inst->attempt->flags & AT_F_MOVED) {
		died(in);
		return;
	}
	if (in->inst->attempt->flags & AT_F_POSTCOPY) {
		attempt_lost(in->corr, in->inst, AT_FAILED, in->ev->stamp,
			     "the destination ended it during post-copy");
		return;
	}
	/* libvirt itself took the copy down, for example because its client has gone */
	if (in->ev->u.lv.detail == LVD_STOPPED_DESTROYED)
		flags |= AT_F_QMP_CANCELLED;
	attempt_evidence(in->corr, in->inst, flags, in->ev->stamp);
}

static void
source_died(struct lv_input *in)
{
	if (in->inst->attempt->flags & AT_F_MOVED)
		return;                 /* the copy that was left behind */
	in->inst->run = RUN_CRASHED;
	if (in->inst->attempt->flags & AT_F_POSTCOPY)
		attempt_lost(in->corr, in->inst, AT_FAILED, in->ev->stamp,
			     "the source ended during post-copy");
	else
		attempt_lost(in->corr, in->inst, AT_SUPERSEDED, in->ev->stamp, "the guest died");
}

static void
postcopy(struct lv_input *in)
{
	attempt_evidence(in->corr, in->inst, AT_F_POSTCOPY, in->ev->stamp);
	if (in->role == ROLE_SOURCE) {
		source_stops(in);
	} else {
		attempt_broken(in->corr, in->inst, false);      /* again: the link is back */
		if (in->inst->attempt->resumed.ns == 0)
			in->inst->attempt->resumed = in->ev->stamp;
	}
	inst_dirty(in->corr, in->inst);
}

static void
postcopy_failed(struct lv_input *in)
{
	attempt_evidence(in->corr, in->inst, AT_F_POSTCOPY, in->ev->stamp);
	attempt_broken(in->corr, in->inst, true);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define ANY (-1)
#define OWN (ROLE_OWNER | ROLE_SOURCE)
#define ALL (OWN | ROLE_DEST | ROLE_STRANGER)

/* First match wins; what no line names changes nothing. */
static const struct {
	int8_t lifecycle, detail;
	uint8_t roles;
	bool level;             /* a level of the owner: older than the last one means late */
	void (*act)(struct lv_input *in);
} lifecycle_table[] = {
	{LVL_STARTED, LVD_STARTED_MIGRATED, ALL, false, incoming},
	{LVL_STARTED, ANY, OWN, true, booted},
	{LVL_STARTED, ANY, ROLE_STRANGER, false, started_elsewhere},
	{LVL_SUSPENDED, LVD_SUSPENDED_MIGRATED, OWN, false, source_stops},
	{LVL_SUSPENDED, LVD_SUSPENDED_POSTCOPY, ROLE_SOURCE | ROLE_DEST, false, postcopy},
	{LVL_SUSPENDED, LVD_SUSPENDED_POSTCOPY_FAILED, ROLE_SOURCE | ROLE_DEST, false,
	 postcopy_failed},
	{LVL_SUSPENDED, LVD_SUSPENDED_POSTCOPY_FAILED, ALL, false, nothing},
	{LVL_SUSPENDED, LVD_SUSPENDED_WATCHDOG, OWN, true, hung},
	{LVL_SUSPENDED, LVD_SUSPENDED_IOERROR, OWN, true, io_paused},
	{LVL_SUSPENDED, LVD_SUSPENDED_PAUSED, ROLE_DEST, false, dest_paused},
	{LVL_SUSPENDED, ANY, OWN, true, paused},
	{LVL_RESUMED, LVD_RESUMED_MIGRATED, ROLE_DEST, false, dest_runs},
	{LVL_RESUMED, LVD_RESUMED_MIGRATED, OWN, false, source_runs_again},
	{LVL_RESUMED, LVD_RESUMED_MIGRATED, ROLE_STRANGER, false, moved_unseen},
	{LVL_RESUMED, LVD_RESUMED_POSTCOPY, ROLE_SOURCE | ROLE_DEST, false, postcopy},
	{LVL_RESUMED, LVD_RESUMED_POSTCOPY_FAILED, ROLE_SOURCE | ROLE_DEST, false,
	 postcopy_failed},
	{LVL_RESUMED, LVD_RESUMED_POSTCOPY_FAILED, ALL, false, nothing},
	{LVL_RESUMED, ANY, OWN, true, running},
	{LVL_RESUMED, ANY, ROLE_DEST, true, dest_goes_on},
	{LVL_STOPPED, LVD_STOPPED_MIGRATED, OWN, false, source_left},
	/* it left from there before; its way back has begun */
	{LVL_STOPPED, LVD_STOPPED_MIGRATED, ROLE_DEST, false, nothing},
	{LVL_STOPPED, ANY, ROLE_DEST, false, dest_ended},
	{LVL_STOPPED, LVD_STOPPED_FAILED, ROLE_SOURCE, false, source_died},
	{LVL_STOPPED, LVD_STOPPED_CRASHED, ROLE_SOURCE, false, source_died},
	{LVL_STOPPED, LVD_STOPPED_FAILED, ROLE_OWNER, true, died},
	{LVL_STOPPED, LVD_STOPPED_CRASHED, ROLE_OWNER, true, died},
	{LVL_STOPPED, ANY, OWN, true, off},
	{LVL_STOPPED, ANY, ROLE_STRANGER, false, ended_elsewhere},
	{LVL_CRASHED, ANY, OWN, true, died},
	{LVL_PMSUSPENDED, ANY, OWN, true, pm_suspended},
};

static enum corr_outcome
lifecycle(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	const bool late = in->ev->stamp.ns != 0 && in->ev->stamp.ns < in->inst->run_stamp.ns;

	for (unsigned i = 0; i < FM_ARRAY_LEN(lifecycle_table); i++) {
		if (lifecycle_table[i].lifecycle != lv->lifecycle ||
		    (lifecycle_table[i].detail != ANY && lifecycle_table[i].detail != lv->detail) ||
		    !(lifecycle_table[i].roles & in->role))
			continue;
		if (lifecycle_table[i].level ? late : is_straggler(in->inst, in->ev->stamp))
			return CORR_LATE;
		lifecycle_table[i].act(in);
		return outcome_of(in->corr);
	}
	return CORR_NO_EFFECT;
}

/* ---- jobs -------------------------------------------------------------------------------------- */

/*
 * Whether a job is the last attempt's. By time, when it began before that one ended.
 * By place, when the guest has not been back since: libvirt tells the source's end up to seconds
 * after the guest runs at the destination (recordings 12 and 93), which a short job did not last.
 */
static bool
is_of_last(const struct lv_input *in, struct fm_time began)
{
	const struct attempt *at = in->inst->attempt;

	return at != NULL && (began.ns <= at->end_stamp.ns ||
			      (in->role == ROLE_STRANGER && at->src == in->host));
}

/* The attempt it belongs to is the open one, the last one, or one whose start we never saw. */
static void
job_completed(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	struct instance *inst = in->inst;
	const int64_t elapsed = lv->time_elapsed != EV_ABSENT ? lv->time_elapsed : 0;
	const struct fm_time began = fm_time_sub(in->ev->stamp, fm_span_ms(elapsed));

	if (in->role == ROLE_DEST)
		return;                 /* of the way there; this is the way back */
	if (!attempt_is_open(inst) && !is_of_last(in, began))
		attempt_open(in->corr, inst, fm_time_sub(in->ev->at, fm_span_ms(elapsed)), began,
			     in->host, NULL);
	if (attempt_is_open(inst)) {
		attempt_hosts(in->corr, inst, in->host, NULL);
		attempt_evidence(in->corr, inst, AT_F_MOVED, in->ev->stamp);
	}
	attempt_job_completed(in->corr, inst, in->ev);
}

/* A poll or snapshot of a running migration: its start is known even if nobody told of it. */
static void
job_running(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	const bool known = lv->time_elapsed != EV_ABSENT;
	const struct fm_span elapsed = fm_span_ms(known ? lv->time_elapsed : 0);
	const struct fm_time began = fm_time_sub(in->ev->stamp, elapsed);
	struct instance *inst = in->inst;

	if (lv->job_type == 0 || (lv->job_type != EV_ABSENT && lv->job_type >= 3))
		return;                 /* none, or one that has ended */
	if (attempt_is_open(inst)) {
		attempt_hosts(in->corr, inst, in->host, NULL);
		return;
	}
	if (is_of_last(in, began))
		return;
	attempt_open(in->corr, inst,
		     known ? fm_time_sub(in->ev->at, elapsed) : (struct fm_time){0}, began,
		     in->host, NULL);
}

static void
snapshot(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;

	snapshot_saw(in->corr, in->host, in->ev);
	if (lv->operation == LVJ_OP_MIGRATION_OUT)
		job_running(in);
	if (in->role == ROLE_STRANGER && lv->state == LVS_RUNNING)
		started_elsewhere(in);
	if (in->role == ROLE_STRANGER || in->role == ROLE_DEST || inst_is_migrating(in->inst))
		return;
	switch (lv->state) {
	case LVS_RUNNING:
	case LVS_BLOCKED:
		booted(in);
		return;
	case LVS_PAUSED:
		paused(in);
		return;
	case LVS_CRASHED:
		died(in);
		return;
	case LVS_SHUTOFF:
		off(in);
		return;
	case LVS_PMSUSPENDED:
		pm_suspended(in);
		return;
	}
}

/*
 * It is not in the list of its host any more, and nobody told of its end: that was while libvirtd
 * did not report. How it ended is not known, so it is not called a crash (libvirt-live §3.7).
 */
void
lv_vanished(struct correlator *corr, struct instance *inst, struct host *h,
	    const struct event *ev)
{
	struct lv_input in = {.corr = corr, .ev = ev, .inst = inst, .host = h};

	in.role = role_of(inst, h);
	if (in.role == ROLE_DEST && !(inst->attempt->flags & AT_F_MOVED))
		attempt_evidence(corr, inst, AT_F_DEST_DIED, ev->stamp);
	else if (in.role == ROLE_OWNER && inst->run != RUN_CRASHED)
		off(&in);
	else if (in.role == ROLE_STRANGER)
		ended_elsewhere(&in);
}

/* What the guest will stop for; its pause follows. One that failed, or runs twice, has its own. */
static void
io_fault(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	struct instance *inst = in->inst;

	if (lv->action == IO_ERROR_NONE || lv->action == IO_ERROR_REPORT || lv->io_reason.len == 0 ||
	    (inst->flags & INST_F_SPLIT) || inst->main == FACT_INSTANCE_FAILED ||
	    inst->main == FACT_INSTANCE_UNSCHEDULED)
		return;
	inst_set_text(in->corr, &inst->fault, lv->io_reason);
	inst_dirty(in->corr, inst);
}

/* Which path it was tells which storage: what several instances have in common of theirs. */
static void
io_reason(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	struct fm_str pool = lv->src;
	struct fm_uuid uuid;

	if (!(in->role & OWN))
		return;
	io_fault(in);
	if (pool.p == NULL)
		return;
	for (unsigned i = 0; i < 2; i++) {
		while (pool.len > 0 && pool.p[pool.len - 1] != '/')
			pool.len--;
		while (pool.len > 1 && pool.p[pool.len - 1] == '/')
			pool.len--;
		/* …/instances/<uuid>/disk: the directory of one instance is not shared */
		const uint32_t n = FM_UUID_STR - 1;

		if (pool.len <= n || !fm_uuid_parse(pool.p + pool.len - n, n, &uuid))
			break;
	}
	if (pool.len == 0)
		return;
	const char *name = fm_intern(&in->corr->names, pool.p, pool.len);

	if (in->inst->pool == name)
		return;
	in->inst->pool = name;
	inst_dirty(in->corr, in->inst);
}

/* Of the host's memory, though libvirt tells it of the guest that was hit. */
static void
memory_failure(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	const struct fact_values v = {.inst = in->inst, .host = in->host, .count = EV_ABSENT};
	const bool fatal = lv->action == 2 || lv->action == 3;

	rules_event(in->corr, fatal ? FACT_HOST_MEMORY_FAILED : FACT_HOST_MEMORY_ERROR, &v);
}

static void
qmp(struct lv_input *in)
{
	if (in->role != ROLE_SOURCE)
		return;                 /* the destination's "failed" says nothing of why */
	if (in->ev->u.lv.qmp == QMP_MIGRATION_FAILED)
		attempt_evidence(in->corr, in->inst, AT_F_QMP_FAILED, in->ev->stamp);
	else if (in->ev->u.lv.qmp == QMP_MIGRATION_CANCELLED)
		attempt_evidence(in->corr, in->inst, AT_F_QMP_CANCELLED, in->ev->stamp);
}

/* virConnectDomainEventAgentLifecycle: 1 connected, 2 disconnected; reason 2 channel. */
static void
agent(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	const bool lost = lv->status == 2 && lv->type == 2;

	if (!(in->role & OWN) || ((in->inst->flags & INST_F_AGENT_LOST) != 0) == lost ||
	    (lv->status != 1 && !lost))
		return;
	in->inst->flags ^= INST_F_AGENT_LOST;
	inst_dirty(in->corr, in->inst);
	inst_decide(in->corr, in->inst, in->corr->now);
	const struct fact_values v = inst_values(in->inst);

	rules_event(in->corr, lost ? FACT_AGENT_DISCONNECTED : FACT_AGENT_CONNECTED, &v);
}

static enum corr_outcome
domain_event(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;

	if (lv->event == LVE_LIFECYCLE)
		return lifecycle(in);
	if (lv->event == LVE_JOB_COMPLETED && lv->operation == LVJ_OP_MIGRATION_OUT)
		job_completed(in);
	else if (lv->event == LVE_AGENT_LIFECYCLE)
		agent(in);
	else if (lv->event == LVE_IO_ERROR_REASON || lv->event == LVE_IO_ERROR)
		io_reason(in);
	else if (lv->event == LVE_MEMORY_FAILURE)
		memory_failure(in);
	else if (lv->event == LVE_REBOOT && (in->role & OWN) &&
		 (in->inst->flags & INST_F_CRASHED))
		booted(in);             /* on_crash restart: reset, not started again */
	return outcome_of(in->corr);
}

static void
learn_names(struct lv_input *in)
{
	const struct ev_libvirt *lv = &in->ev->u.lv;
	struct instance *inst = in->inst;

	if (inst->tenant == NULL && lv->tenant.p != NULL) {
		inst->tenant = fm_intern(&in->corr->names, lv->tenant.p, lv->tenant.len);
		inst_dirty(in->corr, inst);
	}
	if (inst->name == NULL || lv->instance_name.p != NULL) {
		const char *was = inst->name;

		inst_set_text(in->corr, &inst->name,
			      lv->instance_name.p != NULL ? lv->instance_name : lv->domain);
		if (was != inst->name)
			inst_dirty(in->corr, inst);
	}
}

static enum corr_outcome
host_record(struct correlator *corr, struct host *h, const struct event *ev)
{
	const struct ev_libvirt *lv = &ev->u.lv;

	switch (lv->kind) {
	case LV_CONNECT:
		host_set_flag(corr, h, HOST_F_UNSEEN | HOST_F_LINK_LOST, false);
		snapshot_begin(corr, h, ev);
		break;
	case LV_SNAPSHOT_END:
		snapshot_end(corr, h, ev);
		break;
	case LV_CLOSE:
		if (lv->close != LVC_CLIENT)
			host_set_flag(corr, h, HOST_F_UNSEEN, true);
		if (lv->close == LVC_KEEPALIVE)
			host_link_lost(corr, h);
		break;
	case LV_CONNECT_FAILED:
		host_set_flag(corr, h, HOST_F_UNSEEN, true);
		break;
	case LV_GAP:
		if (lv->count > 0)
			host_lost(corr, h, (uint64_t)lv->count);
		break;
	case LV_EVENT:
	case LV_SNAPSHOT:
	case LV_DISCONNECT:
	case LV_JOB:
	case LV_QMP:
	case LV_HEARTBEAT:
	case LV_N_KINDS:
		break;
	}
	return outcome_of(corr);
}

/* Only these make an instance known; a poll or an I/O event of a stranger does not. */
static bool
makes_known(const struct ev_libvirt *lv)
{
	return lv->kind == LV_SNAPSHOT || (lv->kind == LV_JOB &&
		lv->operation == LVJ_OP_MIGRATION_OUT) ||
		(lv->kind == LV_EVENT && (lv->event == LVE_LIFECYCLE ||
		 lv->event == LVE_JOB_COMPLETED || lv->event == LVE_AGENT_LIFECYCLE));
}

/* Of what the bridge can only say while it is connected. */
static bool
sees_libvirtd(const struct ev_libvirt *lv)
{
	return lv->kind == LV_CONNECT || lv->kind == LV_EVENT || lv->kind == LV_SNAPSHOT ||
		lv->kind == LV_SNAPSHOT_END || lv->kind == LV_JOB;
}

enum corr_outcome
track_libvirt(struct correlator *corr, const struct event *ev)
{
	const struct ev_libvirt *lv = &ev->u.lv;
	struct lv_input in = {.corr = corr, .ev = ev};

	in.host = host_get(corr, ev->host);
	if (in.host != NULL && !host_heard(corr, in.host, ev))
		return CORR_DUPLICATE;
	if (in.host != NULL && (in.host->flags & HOST_F_NOVA_BLIND) && sees_libvirtd(lv))
		host_set_flag(corr, in.host, HOST_F_NOVA_BLIND, false);
	if (in.host == NULL || !ev->has_instance)
		return in.host != NULL ? host_record(corr, in.host, ev) : CORR_NO_EFFECT;
	in.inst = inst_find(corr, &ev->instance);
	if (in.inst == NULL && !makes_known(lv))
		return CORR_NO_EFFECT;
	if (in.inst == NULL)
		in.inst = inst_get(corr, &ev->instance);
	if (in.inst->deleted_at.ns != 0)
		return CORR_LATE;
	learn_names(&in);
	in.role = role_of(in.inst, in.host);
	if (lv->kind == LV_EVENT)
		return domain_event(&in);
	if (lv->kind == LV_JOB && lv->operation == LVJ_OP_MIGRATION_OUT)
		job_running(&in);
	else if (lv->kind == LV_SNAPSHOT)
		snapshot(&in);
	else if (lv->kind == LV_QMP)
		qmp(&in);
	return outcome_of(corr);
}
