/*
 * event_libvirt: libvirt event records (INTERFACES §3), one per callback of a bridge on a compute
 * host. Numbers are libvirt's own (libvirt-domain.h 9.0); a name is read only where the number is
 * missing. Kinds, events and codes that libvirt may have grown since are unknown, not wrong.
 */
#include "events/event_libvirt_priv.h"

/* ---- codes -------------------------------------------------------------------------------- */

/*
 * A coded value: the number beside the name, else a number in the name's place, else the name.
 * CODE_NONE: the record has neither; CODE_UNKNOWN: it has one that means nothing to us.
 */
enum { CODE_NONE = -1, CODE_UNKNOWN = -2 };
#define MAX_CODE 255

static int32_t
take_code(struct evj_object *top, unsigned code_id, unsigned name_id, const struct ev_words *words)
{
	int64_t num = evj_int(top, code_id);

	if (num == EV_ABSENT && evj_at(top, name_id)->type == EVJ_INT)
		num = evj_at(top, name_id)->u.num;
	if (num != EV_ABSENT)
		return num >= 0 && num <= MAX_CODE ? (int32_t)num : CODE_UNKNOWN;
	struct fm_str name = evj_str(top, name_id);
	if (name.p == NULL)
		return CODE_NONE;
	return ev_words_id(words, name, CODE_UNKNOWN);
}

/* ---- members ------------------------------------------------------------------------------ */

static void
clear_event(struct ev_libvirt *lv)
{
	*lv = (struct ev_libvirt){
		.lifecycle = -1, .detail = -1, .state = -1, .reason = -1, .action = -1,
		.status = -1, .type = -1, .operation = EV_ABSENT, .job_type = EV_ABSENT,
		.time_elapsed = EV_ABSENT, .downtime = EV_ABSENT, .downtime_net = EV_ABSENT,
		.memory_iteration = EV_ABSENT, .postcopy_requests = EV_ABSENT, .count = EV_ABSENT,
		.iteration = EV_ABSENT, .close = LVC_UNKNOWN,
	};
}

static uint64_t
take_counter(struct evj_object *top, unsigned id)
{
	int64_t num = evj_int(top, id);

	if (num == EV_ABSENT)
		return 0;
	if (num < 0)
		evj_wrong(top, id, "negative");
	return (uint64_t)num;
}

/* What every record has: who says it, when, and where it stands in his sequence. */
static void
take_source(struct decoder *d)
{
	struct evj_object *top = &d->top;
	struct ev_libvirt *lv = &d->ev.u.lv;
	int64_t mono = evj_int(top, T_MONO_NS);

	lv->seq = take_counter(top, T_SEQ);
	lv->conn = take_counter(top, T_CONN);
	lv->boot = evj_str(top, T_BOOT);
	lv->host_uuid = evj_str(top, T_HOST_UUID);
	lv->mono_ns = mono != EV_ABSENT ? mono : 0;
	d->ev.host = evj_str(top, T_HOST);
	if (d->ev.host.len == 0)
		evj_wrong(top, T_HOST, "missing");
	else if (d->ev.host.len > FM_MAX_HOST)
		evj_wrong(top, T_HOST, "longer than 255 bytes");
	d->ev.stamp = evj_time(top, T_TS);
}

static void
take_domain(struct decoder *d)
{
	struct evj_object *top = &d->top;
	struct ev_libvirt *lv = &d->ev.u.lv;

	d->ev.has_instance = evj_uuid(top, T_UUID, &d->ev.instance);
	if (!d->ev.has_instance)
		evj_wrong(top, T_UUID, "missing");
	lv->domain = evj_str(top, T_DOMAIN);
	lv->tenant = evj_str(top, T_TENANT);
	lv->instance_name = evj_str(top, T_INSTANCE_NAME);
}

/* Open a nested object; null and absent have no members, anything else is wrong. */
static struct evj_object *
open_part(struct decoder *d, unsigned id, const struct ev_words *words, const char *path)
{
	const struct evj_value *v = evj_at(&d->top, id);

	if (v->type != EVJ_OBJECT && v->type != EVJ_NULL && v->type != EVJ_ABSENT)
		evj_wrong(&d->top, id, "not an object");
	evj_open(&d->part, v, words, path, d->err);
	return &d->part;
}

/* How long something took. More than can be is not known: nobody adds it to a time. */
static int64_t
take_ms(struct evj_object *o, unsigned id)
{
	const int64_t ms = evj_int(o, id);

	return ms >= 0 && ms <= EV_MAX_MS ? ms : EV_ABSENT;
}

/* Statistics of a job. params.operation is libvirt's number, operation beside it a name. */
static int
take_job(struct decoder *d)
{
	struct evj_object *o = open_part(d, T_PARAMS, &d->lv.params, "params.");
	struct ev_libvirt *lv = &d->ev.u.lv;

	lv->operation = evj_int(o, P_OPERATION);
	lv->time_elapsed = take_ms(o, P_TIME_ELAPSED);
	lv->downtime = take_ms(o, P_DOWNTIME);
	lv->downtime_net = take_ms(o, P_DOWNTIME_NET);
	lv->memory_iteration = evj_int(o, P_MEMORY_ITERATION);
	lv->postcopy_requests = evj_int(o, P_POSTCOPY_REQUESTS);
	lv->job_type = evj_int(&d->top, T_JOB_TYPE);
	if (o->rc < 0 || lv->operation != EV_ABSENT)
		return o->rc;
	const struct evj_value *v = evj_at(&d->top, T_OPERATION);
	if (v->type == EVJ_INT)
		lv->operation = v->u.num;
	else
		lv->operation = ev_words_id(&d->lv.operation, evj_str(&d->top, T_OPERATION), -1);
	if (lv->operation < 0)
		lv->operation = EV_ABSENT;
	return 0;
}

static int
take_lifecycle(struct decoder *d)
{
	struct evj_object *top = &d->top;
	struct ev_libvirt *lv = &d->ev.u.lv;

	lv->lifecycle = take_code(top, T_LIFECYCLE_CODE, T_LIFECYCLE, &d->lv.lifecycle);
	if (lv->lifecycle == CODE_NONE)
		evj_wrong(top, T_LIFECYCLE_CODE, "missing");
	if (top->rc < 0)
		return top->rc;
	if (lv->lifecycle < 0 || lv->lifecycle > LVL_CRASHED)
		return 1;
	lv->detail = take_code(top, T_DETAIL_CODE, T_DETAIL, &d->lv.detail[lv->lifecycle]);
	if (lv->detail == CODE_NONE)
		evj_wrong(top, T_DETAIL_CODE, "missing");
	return top->rc == 0 && lv->detail == CODE_UNKNOWN ? 1 : top->rc;
}

/* io-error, io-error-reason, block-job, block-job-2: on which disk of the guest, and which file */
static void
take_disk(struct decoder *d)
{
	struct ev_libvirt *lv = &d->ev.u.lv;

	lv->src = evj_str(&d->top, T_SRC);
	lv->device = evj_str(&d->top, evj_has(&d->top, T_DISK) ? T_DISK : T_DEVICE);
}

static int
take_iteration(struct decoder *d)
{
	d->ev.u.lv.iteration = evj_int(&d->top, T_ITERATION);
	return 0;
}

static int
take_watchdog(struct decoder *d)
{
	d->ev.u.lv.action = take_code(&d->top, T_ACTION_CODE, T_ACTION, &d->lv.watchdog);
	return 0;
}

static int
take_io_error(struct decoder *d)
{
	take_disk(d);
	d->ev.u.lv.io_reason = evj_str(&d->top, T_REASON);
	d->ev.u.lv.action = take_code(&d->top, T_ACTION_CODE, T_ACTION, &d->lv.io_action);
	return 0;
}

static int
take_block_job(struct decoder *d)
{
	take_disk(d);
	d->ev.u.lv.type = take_code(&d->top, T_TYPE_CODE, T_TYPE, &d->lv.block_type);
	d->ev.u.lv.status = take_code(&d->top, T_STATUS_CODE, T_STATUS, &d->lv.block_status);
	return 0;
}

static int
take_agent(struct decoder *d)
{
	d->ev.u.lv.status = take_code(&d->top, T_STATE_CODE, T_STATE, &d->lv.agent_state);
	d->ev.u.lv.type = take_code(&d->top, T_REASON_CODE, T_REASON, &d->lv.agent_reason);
	return 0;
}

static int
take_memory_failure(struct decoder *d)
{
	d->ev.u.lv.type = take_code(&d->top, T_RECIPIENT_CODE, T_RECIPIENT,
				    &d->lv.memory_recipient);
	d->ev.u.lv.action = take_code(&d->top, T_ACTION_CODE, T_ACTION, &d->lv.memory_action);
	return 0;
}

typedef int take_f(struct decoder *d);

/* Events that are not here carry nothing that we read but their domain. */
static take_f *const by_event[LVE_N] = {
	[LVE_LIFECYCLE] = take_lifecycle,
	[LVE_WATCHDOG] = take_watchdog,
	[LVE_IO_ERROR] = take_io_error,
	[LVE_IO_ERROR_REASON] = take_io_error,
	[LVE_BLOCK_JOB] = take_block_job,
	[LVE_BLOCK_JOB_2] = take_block_job,
	[LVE_AGENT_LIFECYCLE] = take_agent,
	[LVE_MIGRATION_ITERATION] = take_iteration,
	[LVE_JOB_COMPLETED] = take_job,
	[LVE_MEMORY_FAILURE] = take_memory_failure,
};

/* A code beyond what libvirt 9.0 has makes the whole record one that we do not understand. */
static bool
is_understood(const struct ev_libvirt *lv)
{
	return lv->action != CODE_UNKNOWN && lv->status != CODE_UNKNOWN &&
		lv->type != CODE_UNKNOWN && lv->state != CODE_UNKNOWN &&
		lv->state <= LVS_PMSUSPENDED && lv->reason != CODE_UNKNOWN;
}

static int
take_event(struct decoder *d)
{
	struct evj_object *top = &d->top;
	int32_t id = take_code(top, T_EVENT_ID, T_EVENT, &d->lv.event);
	int rc = 0;

	if (id == CODE_NONE)
		evj_wrong(top, T_EVENT_ID, "missing");
	if (top->rc < 0)
		return top->rc;
	if (id < 0 || id >= LVE_N) {
		struct fm_str verbatim = evj_text(top, T_EVENT);
		if (verbatim.p != NULL)
			d->ev.name = verbatim;
		return 1;
	}
	d->ev.u.lv.event = (enum lv_event)id;
	d->ev.name = lv_event_name((enum lv_event)id);
	take_domain(d);
	if (by_event[id] != NULL)
		rc = by_event[id](d);
	return rc == 0 && !is_understood(&d->ev.u.lv) ? 1 : rc;
}

/* A snapshot of one domain or a poll of its job: the same members. */
static int
take_state(struct decoder *d)
{
	struct ev_libvirt *lv = &d->ev.u.lv;
	int64_t reason = evj_int(&d->top, T_REASON_CODE);
	int rc;

	take_domain(d);
	lv->state = take_code(&d->top, T_STATE_CODE, T_STATE, &d->lv.state);
	if (reason == EV_ABSENT && evj_at(&d->top, T_REASON)->type == EVJ_INT)
		reason = evj_at(&d->top, T_REASON)->u.num;
	if (reason != EV_ABSENT)
		lv->reason = reason >= 0 && reason <= MAX_CODE ? (int32_t)reason : CODE_UNKNOWN;
	rc = take_job(d);
	return rc == 0 && !is_understood(lv) ? 1 : rc;
}

static int
take_close(struct decoder *d)
{
	int32_t code = take_code(&d->top, T_REASON_CODE, T_REASON, &d->lv.close);

	if (code >= LVC_ERROR && code <= LVC_CLIENT)
		d->ev.u.lv.close = (enum lv_close)code;
	return 0;
}

/* QEMU's own clock stamps its events, to the microsecond and whenever they get here. */
static void
take_qemu_stamp(struct decoder *d)
{
	int64_t sec = evj_int(&d->top, T_QEMU_SEC), usec = evj_int(&d->top, T_QEMU_USEC);

	if (sec == EV_ABSENT || sec == 0)
		return;
	if (sec < 0 || sec >= INT64_MAX / FM_NS_PER_S) {
		evj_wrong(&d->top, T_QEMU_SEC, "not a time");
		return;
	}
	if (usec != EV_ABSENT && (usec < 0 || usec > 999999)) {
		evj_wrong(&d->top, T_QEMU_USEC, "not 0 to 999999");
		return;
	}
	d->ev.stamp.ns = sec * FM_NS_PER_S + (usec != EV_ABSENT ? usec : 0) * FM_NS_PER_US;
}

static int
take_qmp(struct decoder *d)
{
	struct evj_object *o = open_part(d, T_DATA, &d->lv.data, "data.");
	struct ev_libvirt *lv = &d->ev.u.lv;

	d->ev.name = evj_str(&d->top, T_EVENT);
	if (d->ev.name.len == 0)
		evj_wrong(&d->top, T_EVENT, "missing");
	take_domain(d);
	take_qemu_stamp(d);
	lv->qmp = (enum lv_qmp)ev_words_id(&d->lv.qmp, d->ev.name, QMP_OTHER);
	if (lv->qmp == QMP_MIGRATION_OTHER)
		lv->qmp = (enum lv_qmp)ev_words_id(&d->lv.migration, evj_str(o, Q_STATUS),
						   QMP_MIGRATION_OTHER);
	if (lv->qmp == QMP_MIGRATION_PASS)
		lv->iteration = evj_int(o, Q_PASS);
	if (lv->qmp == QMP_BLOCK_IO_ERROR) {
		lv->device = evj_str(o, Q_DEVICE);
		lv->action = ev_words_id(&d->lv.io_action, evj_str(o, Q_ACTION), -1);
		/* libvirt's word for it, so that both ways of hearing the fact read alike */
		lv->io_reason = evj_bool(o, Q_NOSPACE) == 1 ? FM_STR("enospc")
			: evj_str(o, Q_REASON);
	}
	return o->rc;
}

static int
take_count(struct decoder *d)
{
	d->ev.u.lv.count = evj_int(&d->top, T_COUNT);
	return 0;
}

/* Kinds that are not here say all they have to say by being sent. */
static take_f *const by_kind[LV_N_KINDS] = {
	[LV_EVENT] = take_event,
	[LV_SNAPSHOT] = take_state,
	[LV_SNAPSHOT_END] = take_count,
	[LV_CLOSE] = take_close,
	[LV_JOB] = take_state,
	[LV_QMP] = take_qmp,
	[LV_GAP] = take_count,
};

/* Whatever it says, it has a number in its host's sequence; unless that cannot be read either. */
static int
take_unknown(struct decoder *d)
{
	take_source(d);
	if (d->top.rc < 0) {
		clear_event(&d->ev.u.lv);
		d->ev.host = (struct fm_str){0};
	}
	return 1;
}

int
lv_decode(struct decoder *d)
{
	struct evj_object *top = &d->top;
	struct fm_str kind = evj_str(top, T_KIND);
	int id = ev_words_id(&d->lv.kind, kind, -1), rc = 0;

	if (kind.p == NULL)
		evj_wrong(top, T_KIND, "missing");
	if (top->rc < 0)
		return top->rc;
	d->ev.origin = ORIGIN_LIBVIRT;
	d->ev.name = kind;
	clear_event(&d->ev.u.lv);
	if (id < 0)
		return take_unknown(d);
	d->ev.u.lv.kind = (enum lv_kind)id;
	take_source(d);
	if (by_kind[id] != NULL)
		rc = by_kind[id](d);
	return top->rc < 0 ? top->rc : rc;
}
