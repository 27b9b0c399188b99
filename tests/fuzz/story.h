/*
 * story: bytes as a history for the core: decoded events of every kind, operators' commands, fmd's
 * own alarms, deafness, lost time, other catalogues. Nothing here is likely; everything is possible.
 */
#ifndef FM_FUZZ_STORY_H
#define FM_FUZZ_STORY_H

#include "correlator/correlator.h"
#include "tests/fuzz/feed.h"

#define STORY_START (1767225600 * FM_NS_PER_S)

static inline struct fm_str
story_pick(struct feed *f, const char *const *v, uint32_t n)
{
	const uint32_t i = draw(f, n + 1);

	return i < n ? fm_str_of(v[i]) : (struct fm_str){0};
}
#define PICK(f, ...) story_pick(f, (const char *const[]){__VA_ARGS__}, \
	FM_ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static inline struct fm_str
story_host(struct feed *f)
{
	return PICK(f, "compute-0", "compute-1", "compute-1.example.org");
}

/* Mostly absent, now and then a limit that counts, rarely nonsense. */
static inline int64_t
story_number(struct feed *f)
{
	static const int64_t v[] = {EV_ABSENT, EV_ABSENT, EV_ABSENT, EV_ABSENT, 0, 1, 60, 150, 200,
		600, 5000, INT32_MAX, EV_MAX_MS, 1 << 20, 7, 90000};

	return v[draw(f, FM_ARRAY_LEN(v))];
}

static inline void
story_nova(struct feed *f, struct event *ev)
{
	struct ev_nova *nova = &ev->u.nova;

	ev->origin = ORIGIN_NOVA;
	ev->name = FM_STR("nova");
	*nova = (struct ev_nova){.action = (enum nova_action)draw(f, NOVA_N_ACTIONS),
		.phase = (enum nova_phase)draw(f, PHASE_PROGRESS + 1),
		.vm_state = (enum vm_state)draw(f, VM_N), .task = (enum task_state)draw(f, TASK_OTHER + 1)};
	const uint32_t bits = draw(f, 256);

	nova->power = (enum power_state)(bits & 7 ? (bits & 7) - 1 : 0);
	nova->versioned = bits & 8;
	nova->audit_period = bits & 16;
	nova->disabled = bits & 32;
	nova->forced_down = bits & 64;
	nova->has_local_disk = bits & 128;
	nova->host = story_host(f);
	nova->publisher_host = nova->node = nova->host;
	nova->tenant = FM_STR("t1");
	nova->instance_name = PICK(f, "vm", "vm\x1b[31m", "vm\n2");
	nova->memory_mb = nova->disk_gb = nova->meta_timeout = nova->flavor_timeout =
		nova->image_timeout = nova->meta_downtime = nova->flavor_downtime =
		nova->image_downtime = EV_ABSENT;
	if (bits & 1) {
		nova->meta_timeout = story_number(f);
		nova->flavor_downtime = story_number(f);
		nova->memory_mb = story_number(f);
		nova->image_timeout = draw(f, 8) == 0 ? draw_int64(f) : EV_ABSENT;
		nova->exception = PICK(f, "NoValidHost", "X");
		nova->fault = nova->exception;
		nova->publisher_host = story_host(f);
		nova->old_vm_state = (enum vm_state)draw(f, VM_N);
		nova->old_task = (enum task_state)draw(f, TASK_OTHER + 1);
		nova->initiator_user = FM_STR("u");
		nova->disabled_reason = PICK(f, "AUTO: ", "maintenance");
	}
	nova->binary = FM_STR("nova-compute");
	ev->host = nova->host;
	ev->has_instance = nova->action != NOVA_SERVICE && nova->action != NOVA_COMPUTE_EXCEPTION &&
		nova->action != NOVA_LIBVIRT_CONNECT;
}

static inline void
story_libvirt(struct feed *f, struct event *ev)
{
	struct ev_libvirt *lv = &ev->u.lv;

	ev->origin = ORIGIN_LIBVIRT;
	ev->name = FM_STR("libvirt");
	ev->host = story_host(f);
	if (ev->host.p == NULL)
		ev->host = FM_STR("compute-0");
	*lv = (struct ev_libvirt){.kind = (enum lv_kind)draw(f, LV_N_KINDS), .lifecycle = -1,
		.detail = -1, .operation = EV_ABSENT, .job_type = EV_ABSENT,
		.time_elapsed = EV_ABSENT, .downtime = EV_ABSENT, .downtime_net = EV_ABSENT,
		.memory_iteration = EV_ABSENT, .postcopy_requests = EV_ABSENT, .iteration = EV_ABSENT,
		.count = EV_ABSENT, .state = -1, .reason = -1, .action = -1, .status = -1,
		.type = -1, .close = LVC_UNKNOWN, .boot = PICK(f, "boot-1"),
		.domain = FM_STR("instance-1"), .seq = 1 + draw(f, 256), .conn = draw(f, 2)};
	lv->event = (enum lv_event)(draw(f, 3) ? LVE_LIFECYCLE : draw(f, LVE_N));
	if (lv->boot.p == NULL)
		lv->boot = FM_STR("boot-2");
	if (lv->kind == LV_EVENT && lv->event == LVE_LIFECYCLE) {
		lv->lifecycle = (int32_t)draw(f, LVL_CRASHED + 1);
		lv->detail = (int32_t)draw(f, 10);
	} else if (draw(f, 2)) {
		lv->qmp = (enum lv_qmp)draw(f, QMP_MIGRATION_PASS + 1);
		lv->state = (int32_t)draw(f, 9) - 1;
		lv->reason = (int32_t)draw(f, 12);
		lv->status = lv->type = lv->action = (int32_t)draw(f, 5);
		lv->operation = draw(f, 10);
		lv->job_type = draw(f, 6);
		lv->downtime = story_number(f);
		lv->downtime_net = story_number(f);
		lv->time_elapsed = story_number(f);
		lv->postcopy_requests = story_number(f);
		lv->count = draw(f, 5);
		lv->close = (enum lv_close)draw(f, 5);
		lv->device = PICK(f, "vda");
		lv->src = PICK(f, "/pool/a", "rbd:vms/x");
		lv->io_reason = PICK(f, "enospc");
	}
	ev->has_instance = lv->kind == LV_EVENT || lv->kind == LV_SNAPSHOT || lv->kind == LV_JOB ||
		lv->kind == LV_QMP;
}

static inline void
story_request(struct feed *f, struct event *ev)
{
	struct ev_request *rq = &ev->u.rq;

	ev->origin = ORIGIN_REQUEST;
	ev->name = FM_STR("request");
	ev->has_instance = false;
	*rq = (struct ev_request){.op = (enum request_op)draw(f, 4),
		.alarm_id = PICK(f, "200.004", "100.101", "100.103", "700.001", "270.001", "999.1",
				 "400.005", "100.119"),
		.entity = PICK(f, "host=compute-0", "host=compute-1", "host=compute-1.x=y",
			       "tenant=t1.instance=i", "word"),
		.reason_text = PICK(f, "a", "b"), .severity = (int)draw(f, 5),
		.alarm_type = (int)draw(f, 12) - 1, .cause = -1};
	const uint32_t bits = draw(f, 256);

	rq->severity = rq->severity == 0 ? -1 : rq->severity;
	rq->service_affecting = bits & 1 ? 1 : -1;
	rq->suppression = bits & 2 ? (bits & 4) != 0 : -1;
	rq->inhibit = bits & 8 ? (bits & 16) != 0 : -1;
	rq->keep_existing = bits & 32 ? 1 : -1;
	if (rq->alarm_id.p == NULL && rq->op != REQ_CLEAR_ALL)
		rq->alarm_id = FM_STR("200.004");
	if (rq->entity.p == NULL)
		rq->entity = FM_STR("host=compute-0");
	if (rq->reason_text.p == NULL)
		rq->reason_text = FM_STR("c");
}

static inline struct fm_span
story_step(struct feed *f)
{
	static const int64_t ms[] = {0, 0, 1, 20, 500, 1000, 3000, 11000, 61000, 181000, 330000,
		801000, 3601000, 86400000, 5, 100};

	return fm_span_ms(ms[draw(f, FM_ARRAY_LEN(ms))]);
}

static inline void
story_event(struct feed *f, struct fm_time at, uint64_t no, struct event *ev)
{
	const uint32_t kind = draw(f, 8), who = draw(f, 16);

	*ev = (struct event){.at = at, .stamp = at,
		.pos = {.topic = "story", .offset = (int64_t)no}};
	if (kind < 4)
		story_nova(f, ev);
	else if (kind < 7)
		story_libvirt(f, ev);
	else
		story_request(f, ev);
	memset(ev->instance.b, 7, sizeof(ev->instance.b));
	ev->instance.b[15] = (uint8_t)(who & 3);
	ev->stamp = fm_time_sub(at, fm_span_ms(who & 4 ? 3000 : 5));
	if (kind == 6 && draw(f, 4) == 0)
		ev->stamp.ns = draw(f, 2) ? 0 : INT64_MAX - 1;
	ev->id_hash = who & 8 && ev->origin != ORIGIN_LIBVIRT ? 1 + who : 0;
}

#endif
