/*
 * attempt: one live migration of one instance, from its first sign to its end.
 *
 *                 +------------ 3 libvirt's evidence, Nova heard: settle ------------+
 *                 |                                                                 v
 *   NONE --1--> OPEN --2 Nova's end, or libvirt's where Nova is silent--> CLOSED <--+
 *    ^            |                                                         |
 *    |            +-- 4 hard limit: overdue, stays open                     |
 *    +------------------------- 5 a newer start -----------------------------+
 *
 * Who decides (compute-events §5): whether it migrates, Nova's task state; whether it moved, Nova's
 * host, then the destination's "resumed"; how long the guest stopped, the source's job statistics.
 * A failed migration is silent on the source (libvirt-live §2.3), so the destination's end, QEMU's
 * status and Nova's rollback are each taken as evidence. Nothing closes on a timer alone but the
 * settle time, which only waits for the second witness of an end that one has reported.
 *
 * A closed attempt is never reopened: stragglers may add the downtime, nothing else.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

bool
attempt_is_open(const struct instance *inst)
{
	return inst->attempt != NULL && inst->attempt->phase == AT_OPEN;
}

bool
attempt_is_broken(const struct instance *inst)
{
	return attempt_is_open(inst) && (inst->attempt->flags & AT_F_BROKEN);
}

struct host *
attempt_failed_side(const struct attempt *at)
{
	return at->dst != NULL && host_is_failed(at->dst) ? at->dst : at->src;
}

static struct fact_values
attempt_values(struct instance *inst, const char *reason)
{
	struct fact_values v = inst_values(inst);

	v.host = inst->attempt->src != NULL ? inst->attempt->src : inst->owner;
	v.reason = reason;
	v.initiator = inst->attempt->initiator;
	return v;
}

/* ---- limits ------------------------------------------------------------------------------- */

/* Seconds; 0: no limit. Per GiB: Nova's data_gb, at least 2 (compute-events §2.4). */
int64_t
attempt_hard_limit_s(const struct correlator *corr, const struct instance *inst)
{
	const struct cat_limits *lim = cat_limits(corr->cat);
	const int64_t base = inst->limit_s >= 0 ? inst->limit_s : lim->hard_s;
	const int64_t mib = inst->memory_mb > 2048 ? inst->memory_mb : 2048;

	return lim->per_gib ? base * mib / 1024 : base;
}

int64_t
attempt_downtime_limit_ms(const struct correlator *corr, const struct instance *inst)
{
	return inst->downtime_limit_ms > 0 ? inst->downtime_limit_ms :
		cat_limits(corr->cat)->downtime_ms;
}

static void
arm_overdue(struct correlator *corr, struct instance *inst)
{
	struct attempt *at = inst->attempt;
	const int64_t limit = attempt_hard_limit_s(corr, inst);

	if (limit == 0 || (at->flags & (AT_F_START_UNKNOWN | AT_F_OVERDUE | AT_F_POSTCOPY)))
		dl_cancel(corr, &at->overdue);
	else
		dl_arm(corr, &at->overdue, DL_OVERDUE, inst,
		       fm_time_add(at->start, fm_span_s(limit)));
}

void
attempt_rearm(struct correlator *corr, struct instance *inst)
{
	if (!attempt_is_open(inst))
		return;
	arm_overdue(corr, inst);
	rules_rearm(corr, inst);
}

/* ---- 1 and 5: a start ------------------------------------------------------------------------ */

static void
attempt_reset(struct correlator *corr, struct attempt *at)
{
	const uint32_t no = at->no;

	dl_cancel(corr, &at->overdue);
	dl_cancel(corr, &at->settle);
	free(at->initiator);
	free(at->reason);
	memset(at, 0, sizeof(*at));
	at->no = no + 1;
}

/*
 * start: logical time, back-dated where the source tells how long it has been running. Only
 * called when none is open and the sign is not a straggler of the last one.
 */
struct attempt *
attempt_open(struct correlator *corr, struct instance *inst, struct fm_time start,
	     struct fm_time stamp, struct host *src, struct host *dst)
{
	struct attempt *at = inst->attempt;

	if (at == NULL)
		at = inst->attempt = fm_calloc(1, sizeof(*at));
	attempt_reset(corr, at);
	at->phase = AT_OPEN;
	at->src = src;
	at->dst = dst;
	at->start = start.ns != 0 ? start : corr->now;
	at->start_stamp = stamp;
	if (start.ns == 0)
		at->flags |= AT_F_START_UNKNOWN;
	if (inst->run == RUN_PAUSED || inst->vm_state == VM_PAUSED)
		inst->flags |= INST_F_PAUSED_BY_USER;
	else
		inst->flags &= (uint16_t)~INST_F_PAUSED_BY_USER;
	corr->stats.open_attempts++;
	inst_dirty(corr, inst);
	arm_overdue(corr, inst);
	inst_decide(corr, inst, at->start);
	const struct fact_values v = attempt_values(inst, NULL);

	rules_event(corr, FACT_MIGRATION_STARTED, &v);
	return at;
}

void
attempt_hosts(struct correlator *corr, struct instance *inst, struct host *src, struct host *dst)
{
	struct attempt *at = inst->attempt;

	if (at == NULL || at->phase != AT_OPEN)
		return;
	if (at->src == NULL && src != NULL && src != at->dst) {
		at->src = src;
		inst_dirty(corr, inst);
	}
	if (at->dst == NULL && dst != NULL && dst != at->src) {
		at->dst = dst;
		inst_dirty(corr, inst);
	}
}

/* ---- 2: an end -------------------------------------------------------------------------------- */

struct standstill {
	int64_t ms;                     /* of the switch */
	char method;
	int64_t iterations;             /* 0: not known */
};

/*
 * Each attempt tells at most one downtime: the first by a method that can be relied on. To that of the
 * switch comes what the guest stood still at the source before it, paused inside the migration.
 */
static void
tell_downtime(struct correlator *corr, struct instance *inst, const struct standstill *still)
{
	struct attempt *at = inst->attempt;

	if (at->flags & AT_F_DOWNTIME_TOLD)
		return;
	at->flags |= AT_F_DOWNTIME_TOLD;
	at->downtime_ms = still->ms + at->paused_ms;
	at->method = still->method;
	inst_dirty(corr, inst);
	struct fact_values v = attempt_values(inst, NULL);

	v.iterations = still->iterations;
	rules_event(corr, FACT_INSTANCE_DOWNTIME, &v);
}

static void
after_close(struct correlator *corr, struct instance *inst)
{
	struct attempt *at = inst->attempt;

	/* Source's own clock on both ends: exact (method E of compute-events §4.5). */
	if ((at->flags & AT_F_RESUMED_SRC) && at->suspended.ns != 0 &&
	    at->resumed.ns > at->suspended.ns && !(inst->flags & INST_F_PAUSED_BY_USER))
		tell_downtime(corr, inst, &(struct standstill){
			(at->resumed.ns - at->suspended.ns) / FM_NS_PER_MS, 'E', 0});
}

/* The alarm of the host that took it along: the destination's, for who goes on has the source. */
static const struct corr_alarm *
failed_host_of(const struct attempt *at)
{
	const struct corr_alarm *al = at->dst != NULL ? host_failure(at->dst) : NULL;

	return al == NULL && at->src != NULL ? host_failure(at->src) : al;
}

static void
tell_end(struct correlator *corr, struct instance *inst, enum attempt_outcome outcome,
	 const char *reason)
{
	struct fact_values v = attempt_values(inst, reason);

	if (outcome == AT_FAILED)
		v.root = failed_host_of(inst->attempt);

	switch (outcome) {
	case AT_DONE:
		rules_event(corr, FACT_MIGRATION_DONE, &v);
		return;
	case AT_CANCELLED:
		rules_event(corr, FACT_MIGRATION_CANCELLED, &v);
		return;
	case AT_FAILED:
		rules_event(corr, FACT_MIGRATION_FAILED, &v);
		return;
	case AT_SUPERSEDED:
		return;         /* what superseded it tells its own story */
	}
}

/* The state changes first, then its logs: the order in which the incumbent writes them. */
void
attempt_close(struct correlator *corr, struct instance *inst, enum attempt_outcome outcome,
	      struct fm_time stamp, const char *reason)
{
	struct attempt *at = inst->attempt;
	char *why = reason != NULL ? fm_strdup(reason) : NULL;

	fm_assert(at != NULL && at->phase == AT_OPEN);
	at->phase = AT_CLOSED;
	at->end = corr->now;
	at->end_stamp = stamp;
	dl_cancel(corr, &at->overdue);
	dl_cancel(corr, &at->settle);
	corr->stats.open_attempts--;
	inst_dirty(corr, inst);
	if (inst->task == TASK_MIGRATING)
		inst->task = TASK_NONE;
	inst_decide(corr, inst, corr->now);
	tell_end(corr, inst, outcome, why);
	after_close(corr, inst);
	free(why);
}

static int64_t
elapsed_s(const struct correlator *corr, const struct attempt *at)
{
	return (corr->now.ns - at->start.ns) / FM_NS_PER_S;
}

static const char *
name_of(const struct host *h)
{
	return h != NULL ? h->name : "";
}

/* Whether it was the destination that failed, and not somebody who wanted the end. */
static bool
dest_failed(const struct attempt *at)
{
	if (at->dst != NULL && host_is_failed(at->dst))
		return true;
	return (at->flags & AT_F_QMP_FAILED) && !(at->flags & AT_F_QMP_CANCELLED);
}

/*
 * Cases 3, 8 and 9 of compute-events §5, in the order in which one excludes the other. That the
 * copy on the destination ended proves nothing: it ends so when somebody aborts too, and only QEMU
 * at the source or an alarm of the host can tell the two apart (ADR 0013).
 */
void
attempt_rolled_back(struct correlator *corr, struct instance *inst, struct fm_time stamp,
		    struct fm_str told)
{
	struct attempt *at = inst->attempt;
	const int64_t limit = attempt_hard_limit_s(corr, inst);
	enum attempt_outcome outcome = AT_CANCELLED;
	struct fm_buf b = {0};

	if (told.p != NULL && told.len > 0) {
		fm_buf_add(&b, told.p, told.len);
	} else if (at->flags & AT_F_ABORT) {
		fm_buf_adds(&b, "cancelled");
		if (at->initiator != NULL)
			fm_buf_addf(&b, " by %s", at->initiator);
	} else if (limit > 0 && !(at->flags & AT_F_START_UNKNOWN) && elapsed_s(corr, at) >= limit) {
		fm_buf_addf(&b, "timeout after %lld s", (long long)elapsed_s(corr, at));
	} else if (dest_failed(at)) {
		outcome = AT_FAILED;
		fm_buf_addf(&b, "destination %s failed", name_of(at->dst));
	} else if ((at->flags & AT_F_DEST_DIED) && !(at->flags & AT_F_QMP_CANCELLED)) {
		fm_buf_addf(&b, "its copy on %s ended before it ran", name_of(at->dst));
	} else {
		fm_buf_adds(&b, "cancelled");
	}
	attempt_close(corr, inst, outcome, stamp, b.s);
	fm_buf_fini(&b);
}

void
attempt_lost(struct correlator *corr, struct instance *inst, enum attempt_outcome outcome,
	     struct fm_time stamp, const char *why)
{
	if (inst->attempt->flags & AT_F_NOVA)
		inst->attempt->flags |= AT_F_NOVA_DUE;
	inst->flags |= INST_F_CRASHED;
	inst_set_text(corr, &inst->fault, fm_str_of(why));
	attempt_close(corr, inst, outcome, stamp, why);
}

/* Broken: the guest stands still with its memory on two hosts, until the link is back. */
void
attempt_broken(struct correlator *corr, struct instance *inst, bool broken)
{
	struct attempt *at = inst->attempt;

	if (!attempt_is_open(inst) || ((at->flags & AT_F_BROKEN) != 0) == broken)
		return;
	at->flags ^= AT_F_BROKEN;
	if (broken)
		inst_set_text(corr, &inst->fault, FM_STR("post-copy migration lost its link"));
	inst_dirty(corr, inst);
	inst_decide(corr, inst, corr->now);
}

/* ---- 3: libvirt's evidence ---------------------------------------------------------------------- */

static void
close_by_evidence(struct correlator *corr, struct instance *inst, struct fm_time stamp)
{
	struct attempt *at = inst->attempt;

	if (at->flags & AT_F_NOVA)
		at->flags |= AT_F_NOVA_DUE;
	if (at->flags & AT_F_MOVED) {
		inst_set_owner(corr, inst, at->dst);
		attempt_close(corr, inst, AT_DONE, stamp, NULL);
	} else if (at->src != NULL && host_is_failed(at->src) &&
		   !(at->flags & AT_F_RESUMED_SRC)) {
		attempt_lost(corr, inst, AT_SUPERSEDED, stamp,
			     "its host failed while it was moving");
	} else {
		attempt_rolled_back(corr, inst, stamp, (struct fm_str){0});
	}
}

/* QEMU at the source tells why, where its events are read, within a second (libvirt-live §2.4). */
#define QEMU_WORD_S 3

/* A cancelled job alone may still be one step before "moved": the destination decides. */
static bool
is_decided(const struct attempt *at)
{
	const unsigned source = AT_F_QMP_CANCELLED | AT_F_QMP_FAILED | AT_F_RESUMED_SRC;

	return (at->flags & AT_F_MOVED) || ((at->flags & AT_F_DEST_DIED) && (at->flags & source));
}

void
attempt_evidence(struct correlator *corr, struct instance *inst, unsigned flag,
		 struct fm_time stamp)
{
	struct attempt *at = inst->attempt;
	const unsigned ends = AT_F_MOVED | AT_F_DEST_DIED | AT_F_QMP_CANCELLED | AT_F_QMP_FAILED |
		AT_F_RESUMED_SRC;

	if (!attempt_is_open(inst))
		return;
	if ((at->flags & flag) != flag) {
		at->flags |= flag;
		inst_dirty(corr, inst);
	}
	if (flag == AT_F_POSTCOPY) {
		attempt_rearm(corr, inst);      /* it can no longer be aborted: no limit applies */
		return;
	}
	if (!(flag & ends))
		return;
	at->end_stamp = fm_time_max(at->end_stamp, stamp);
	const bool nova = at->flags & AT_F_NOVA;

	if ((flag == AT_F_DEST_DIED && at->src != NULL && host_is_failed(at->src)) ||
	    (!nova && is_decided(at)))
		close_by_evidence(corr, inst, stamp);
	else if (!nova && flag == AT_F_DEST_DIED)
		dl_arm(corr, &at->settle, DL_SETTLE, inst,
		       fm_time_add(corr->now, fm_span_s(QEMU_WORD_S)));
	else if (!dl_armed(&at->settle))
		dl_arm(corr, &at->settle, DL_SETTLE, inst,
		       fm_time_add(corr->now, cat_limits(corr->cat)->settle));
}

/* The other witness stayed silent for the settle time: the evidence stands. */
void
attempt_settle(struct correlator *corr, struct instance *inst)
{
	if (attempt_is_open(inst))
		close_by_evidence(corr, inst, inst->attempt->end_stamp);
}

/* ---- 4: overdue ------------------------------------------------------------------------------- */

void
attempt_overdue(struct correlator *corr, struct instance *inst)
{
	struct attempt *at = inst->attempt;

	if (!attempt_is_open(inst))
		return;
	at->flags |= AT_F_OVERDUE;
	inst_dirty(corr, inst);
	const struct fact_values v = attempt_values(inst, "timeout");

	rules_event(corr, FACT_MIGRATION_FAILED, &v);
}

/* ---- downtime ---------------------------------------------------------------------------------- */

/* Stands still at the source, though not for the switch; told again it stands still since before. */
void
attempt_paused(struct correlator *corr, struct instance *inst, struct fm_time stamp)
{
	struct attempt *at = inst->attempt;

	if (!attempt_is_open(inst) || at->paused_at.ns != 0 || at->suspended.ns != 0 ||
	    (at->flags & AT_F_MOVED) || (inst->flags & INST_F_PAUSED_BY_USER))
		return;
	if (stamp.ns < at->start_stamp.ns)      /* it comes late: it was so before it moved */
		inst->flags |= INST_F_PAUSED_BY_USER;
	else
		at->paused_at = stamp;
	inst_dirty(corr, inst);
}

/* What it was before the migration counts no longer: it runs, so the switch can be measured. */
void
attempt_runs(struct correlator *corr, struct instance *inst)
{
	if (!attempt_is_open(inst) || !(inst->flags & INST_F_PAUSED_BY_USER))
		return;
	inst->flags &= (uint16_t)~INST_F_PAUSED_BY_USER;
	inst_dirty(corr, inst);
}

/* It runs again, or stands still for the switch from now on; both by the source's clock. */
void
attempt_pause_over(struct correlator *corr, struct instance *inst, struct fm_time stamp)
{
	struct attempt *at = inst->attempt;

	if (!attempt_is_open(inst) || at->paused_at.ns == 0)
		return;
	if (stamp.ns > at->paused_at.ns)
		at->paused_ms += (stamp.ns - at->paused_at.ns) / FM_NS_PER_MS;
	at->paused_at.ns = 0;
	inst_dirty(corr, inst);
}

/*
 * Method C, the gap between two hosts' events, only when what is known of their clocks leaves
 * no doubt about which side of the limit the value is on.
 */
static bool
by_events(struct correlator *corr, struct instance *inst, int64_t *ret_ms)
{
	const struct attempt *at = inst->attempt;
	const int64_t limit = attempt_downtime_limit_ms(corr, inst) - at->paused_ms;
	int64_t diff, ms;

	if (at->suspended.ns == 0 || at->resumed.ns == 0 || (at->flags & AT_F_RESUMED_SRC) ||
	    !host_clock_diff(at->dst, at->src, &diff))
		return false;
	ms = (at->resumed.ns - at->suspended.ns + diff) / FM_NS_PER_MS;
	if (ms < 0 || llabs(ms - limit) <= llabs(diff) / FM_NS_PER_MS)
		return false;
	*ret_ms = ms;
	return true;
}

/*
 * The source's statistics: net of the hand-over (B) where libvirt could work it out, else the
 * plain number (A) when the two clocks are known to agree, else the events (C). A guest that was
 * paused before the switch and still is has no downtime worth the name (libvirt-live §2.1).
 */
void
attempt_job_completed(struct correlator *corr, struct instance *inst, const struct event *ev)
{
	const struct ev_libvirt *lv = &ev->u.lv;
	struct attempt *at = inst->attempt;
	struct standstill still = {0};
	int64_t diff;

	if ((inst->flags & INST_F_PAUSED_BY_USER) || at->paused_at.ns != 0)
		return;
	if (lv->postcopy_requests != EV_ABSENT && lv->postcopy_requests > 0)
		at->flags |= AT_F_POSTCOPY;     /* its events may have been lost */
	if (lv->memory_iteration != EV_ABSENT)
		still.iterations = lv->memory_iteration;
	if ((at->flags & AT_F_POSTCOPY) && by_events(corr, inst, &still.ms)) {
		still.method = 'C';             /* statistics under-report post-copy */
	} else if (lv->downtime_net != EV_ABSENT) {
		still.ms = lv->downtime_net;
		still.method = 'B';
	} else if (lv->downtime != EV_ABSENT && host_clock_diff(at->src, at->dst, &diff) &&
		   llabs(diff) <= 100 * FM_NS_PER_MS) {
		still.ms = lv->downtime;
		still.method = 'A';
	} else if (by_events(corr, inst, &still.ms)) {
		still.method = 'C';
	}
	if (still.method != 0)
		tell_downtime(corr, inst, &still);
}

void
attempt_free(struct correlator *corr, struct instance *inst)
{
	struct attempt *at = inst->attempt;

	if (at == NULL)
		return;
	if (at->phase == AT_OPEN)
		corr->stats.open_attempts--;
	dl_cancel(corr, &at->overdue);
	dl_cancel(corr, &at->settle);
	free(at->initiator);
	free(at->reason);
	free(at);
	inst->attempt = NULL;
}
