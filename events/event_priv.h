/*
 * event_priv: what the decoder's files share. event.c owns a record's bytes and finds its form;
 * event_nova.c, event_libvirt.c and event_request.c each read one form from the opened top object.
 */
#ifndef FM_EVENT_PRIV_H
#define FM_EVENT_PRIV_H

#include "events/event.h"
#include "events/event_json_priv.h"

/* Members at the top of all forms, so that one pass over a record finds its form and its values. */
#define EV_TOP(X) \
	X(OSLO_VERSION, "oslo.version") X(OSLO_MESSAGE, "oslo.message") \
	X(MESSAGE_ID, "message_id") X(PUBLISHER_ID, "publisher_id") X(EVENT_TYPE, "event_type") \
	X(PAYLOAD, "payload") X(TIMESTAMP, "timestamp") X(CONTEXT, "_context") \
	X(CTX_REQUEST_ID, "_context_request_id") X(CTX_USER_ID, "_context_user_id") \
	X(CTX_USER, "_context_user") X(CTX_PROJECT_ID, "_context_project_id") \
	X(CTX_PROJECT, "_context_project") X(CTX_TENANT, "_context_tenant") \
	X(CTX_PROJECT_NAME, "_context_project_name") \
	X(KIND, "kind") X(SEQ, "seq") X(BOOT, "boot") X(CONN, "conn") X(TS, "ts") \
	X(MONO_NS, "mono_ns") X(HOST, "host") X(HOST_UUID, "host_uuid") X(EVENT_ID, "event_id") \
	X(EVENT, "event") X(DOMAIN, "domain") X(UUID, "uuid") X(LIFECYCLE, "lifecycle") \
	X(LIFECYCLE_CODE, "lifecycle_code") X(DETAIL, "detail") X(DETAIL_CODE, "detail_code") \
	X(TENANT, "tenant") X(INSTANCE_NAME, "instance_name") X(OPERATION, "operation") \
	X(PARAMS, "params") X(JOB_TYPE, "job_type") X(STATE, "state") X(STATE_CODE, "state_code") \
	X(REASON, "reason") X(REASON_CODE, "reason_code") X(COUNT, "count") \
	X(QEMU_SEC, "qemu_sec") X(QEMU_USEC, "qemu_usec") X(DATA, "data") \
	X(ITERATION, "iteration") X(DEVICE, "device") X(DISK, "disk") X(SRC, "src") \
	X(ACTION, "action") X(ACTION_CODE, "action_code") X(STATUS, "status") \
	X(STATUS_CODE, "status_code") X(TYPE, "type") X(TYPE_CODE, "type_code") \
	X(RECIPIENT, "recipient") X(RECIPIENT_CODE, "recipient_code") \
	X(OP, "op") X(ALARM_ID, "alarm_id") X(ENTITY, "entity_instance_id") \
	X(ENTITY_TYPE, "entity_type_id") X(SEVERITY, "severity") X(REASON_TEXT, "reason_text") \
	X(ALARM_TYPE, "alarm_type") X(CAUSE, "probable_cause") \
	X(REPAIR, "proposed_repair_action") X(SERVICE_AFFECTING, "service_affecting") \
	X(SUPPRESSION, "suppression") X(INHIBIT, "inhibit_alarms") \
	X(KEEP_EXISTING, "keep_existing_alarm") X(REQUEST_ID, "request_id")
enum {
#define FM_X(id, name) T_##id,
	EV_TOP(FM_X)
#undef FM_X
	T_N
};

struct nova_words {
	struct ev_words versioned, legacy;      /* event types without their phase */
	struct ev_words payload, flavor, fault, update, context, specs;
	struct ev_words vm, task, power;
};

struct lv_words {
	struct ev_words kind, event, lifecycle, detail[LVL_CRASHED + 1];
	struct ev_words operation, state, close, qmp, migration;
	struct ev_words watchdog, io_action, block_type, block_status, agent_state, agent_reason;
	struct ev_words memory_recipient, memory_action;
	struct ev_words params, data;           /* members */
};

struct request_words {
	struct ev_words op;
};

struct decoder {
	/* immutable after decoder_new */
	size_t max_record;
	struct ev_words top_words;
	struct nova_words nova;
	struct lv_words lv;
	struct request_words rq;
	/* of the current record */
	char *text;                     /* max_record + EVJ_PADDING bytes */
	struct evj_doc *doc;
	struct fm_err *err;
	struct evj_object top, payload, part;
	struct event ev;
};

void nova_words_init(struct nova_words *w);
void lv_words_init(struct lv_words *w);
void request_words_init(struct request_words *w);
/* "lifecycle" */
struct fm_str lv_event_name(enum lv_event event);

/*
 * Read d->top into d->ev, of which origin, name and the union member are the form's to set; the
 * rest comes in zeroed. Returns as event_decode does.
 */
int nova_decode(struct decoder *d);
int lv_decode(struct decoder *d);
int request_decode(struct decoder *d);

/*
 * If the record is an oslo envelope written the way oslo.messaging does, put the inner message,
 * unescaped, into out (room for len + EVJ_PADDING bytes) and return its length. Otherwise,
 * well-formed or not, 0.
 */
size_t envelope_unwrap(const char *s, size_t len, char *out);

#endif
