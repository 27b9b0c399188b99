/*
 * event_nova: Nova's notifications, versioned and legacy. The two differ in the names of types and
 * members and in how deep things lie; what comes out is the same.
 *
 * Members that Nova itself writes have to be of the right type. Members that users or foreign code
 * fill (names, metadata, image properties, the request context, legacy exceptions) count where
 * they are usable and are passed over where they are not: a tenant must not be able to have the
 * records of his instance refused.
 */
#include "events/event_nova_priv.h"

/* ---- type --------------------------------------------------------------------------------- */

static bool
has_prefix(struct fm_str s, const char *prefix, size_t n)
{
	return s.len >= n && memcmp(s.p, prefix, n) == 0;
}
#define HAS_PREFIX(s, prefix) has_prefix(s, prefix, sizeof(prefix) - 1)

/* Take ".start" and the like off the end of a type. */
static enum nova_phase
split_phase(struct fm_str *type)
{
	static const struct ev_word phases[] = {
		EV_WORD("start", PHASE_START), EV_WORD("end", PHASE_END),
		EV_WORD("error", PHASE_ERROR), EV_WORD("progress", PHASE_PROGRESS),
	};
	const char *dot = memrchr(type->p, '.', type->len);

	if (dot == NULL)
		return PHASE_NONE;
	size_t len = (size_t)(type->p + type->len - (dot + 1));
	for (unsigned i = 0; i < FM_ARRAY_LEN(phases); i++) {
		if (phases[i].len == len && memcmp(phases[i].s, dot + 1, len) == 0) {
			type->len = (uint32_t)(dot - type->p);
			return (enum nova_phase)phases[i].id;
		}
	}
	return PHASE_NONE;
}

/*
 * What the type says; false when it says nothing to us. Legacy types are "compute.instance.*" and
 * "compute.libvirt.*"; the scheduler's failures ("compute_task.*") have one name in both, and are
 * only ever sent as errors.
 */
static bool
classify(const struct nova_words *w, struct fm_str type, struct ev_nova *nova)
{
	bool legacy = !nova->versioned && HAS_PREFIX(type, "compute.");
	int action;

	if (legacy) {
		type.p += strlen("compute.");
		type.len -= (uint32_t)strlen("compute.");
	}
	nova->phase = split_phase(&type);
	action = ev_words_id(legacy ? &w->legacy : &w->versioned, type, NOVA_OTHER);
	if (!nova->versioned && !legacy) {
		nova->phase = PHASE_ERROR;
		if (action != NOVA_BUILD_INSTANCES && action != NOVA_MIGRATE_SERVER &&
		    action != NOVA_REBUILD_SERVER)
			return false;
	}
	nova->action = (enum nova_action)action;
	if (action == NOVA_OTHER)
		return HAS_PREFIX(type, "instance.");
	return !fm_str_is(type, "service");
}

/* ---- the envelope of every notification ---------------------------------------------------- */

/* "nova-compute:compute-0" (versioned), "compute.compute-0" (legacy) -> "compute-0" */
static struct fm_str
publisher_host(struct fm_str publisher, bool versioned)
{
	const char *sep = publisher.p != NULL
		? memchr(publisher.p, versioned ? ':' : '.', publisher.len) : NULL;

	if (sep == NULL)
		return publisher;
	return (struct fm_str){sep + 1, (uint32_t)(publisher.p + publisher.len - (sep + 1))};
}

static struct fm_str
either(struct fm_str a, struct fm_str b)
{
	return a.len > 0 ? a : b;
}

struct context {
	struct fm_str request_id, user, project, project_name;
};

/* The dict that comes over Kafka, or its members flattened as they come over RabbitMQ. */
static struct context
take_context(struct decoder *d)
{
	const struct evj_value *dict = evj_at(&d->top, T_CONTEXT);
	const struct evj_object *top = &d->top, *o = &d->part;

	if (dict->type != EVJ_OBJECT)
		return (struct context){
			.request_id = evj_text(top, T_CTX_REQUEST_ID),
			.user = either(evj_text(top, T_CTX_USER_ID), evj_text(top, T_CTX_USER)),
			.project = either(evj_text(top, T_CTX_PROJECT_ID),
					  either(evj_text(top, T_CTX_PROJECT),
						 evj_text(top, T_CTX_TENANT))),
			.project_name = evj_text(top, T_CTX_PROJECT_NAME),
		};
	evj_open(&d->part, dict, &d->nova.context, "_context.", d->err);
	if (d->part.rc < 0 && d->top.rc == 0)
		d->top.rc = d->part.rc;
	return (struct context){
		.request_id = evj_text(o, C_REQUEST_ID),
		.user = either(evj_text(o, C_USER_ID), evj_text(o, C_USER)),
		.project = either(evj_text(o, C_PROJECT_ID),
				  either(evj_text(o, C_PROJECT), evj_text(o, C_TENANT))),
		.project_name = evj_text(o, C_PROJECT_NAME),
	};
}

static void
take_envelope(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct evj_object *top = &d->top, *p = &d->payload;
	struct context ctx = take_context(d);

	nova->message_id = evj_str(top, T_MESSAGE_ID);
	const struct fm_str publisher = evj_str(top, T_PUBLISHER_ID);
	nova->publisher_host = publisher_host(publisher, nova->versioned);
	nova->from_compute = nova->versioned ? HAS_PREFIX(publisher, "nova-compute:") :
		HAS_PREFIX(publisher, "compute.");
	nova->request_id = either(ctx.request_id, evj_text(p, P_REQUEST_ID));
	nova->initiator_user = either(evj_str(p, P_INITIATOR_USER), ctx.user);
	nova->initiator_project = either(evj_str(p, P_INITIATOR_PROJECT), ctx.project);
	nova->tenant = evj_str(p, P_TENANT_ID);
	/* the context's project is the requester's, who may be another than the owner */
	if (nova->tenant.len > 0 && fm_str_eq(nova->tenant, ctx.project))
		nova->tenant_name = ctx.project_name;
	d->ev.stamp = evj_time(top, T_TIMESTAMP);
	if (nova->message_id.len > 0)
		d->ev.id_hash = fm_hash64(nova->message_id.p, nova->message_id.len, 0);
}

/* ---- states -------------------------------------------------------------------------------- */

static enum vm_state
take_vm_state(struct decoder *d, struct evj_object *o, unsigned id)
{
	return (enum vm_state)ev_words_id(&d->nova.vm, evj_str(o, id), VM_UNKNOWN);
}

static enum task_state
take_task(struct decoder *d, struct evj_object *o, unsigned id)
{
	struct fm_str s = evj_str(o, id);

	if (s.p == NULL)
		return evj_at(o, id)->type == EVJ_NULL ? TASK_NONE : TASK_UNKNOWN;
	/* the legacy form writes "no task" as an empty string */
	return s.len == 0 ? TASK_NONE
		: (enum task_state)ev_words_id(&d->nova.task, s, TASK_OTHER);
}

static enum power_state
take_power(struct decoder *d, struct evj_object *o)
{
	static const enum power_state by_number[] = {
		[0] = POWER_NOSTATE, [1] = POWER_RUNNING, [3] = POWER_PAUSED,
		[4] = POWER_SHUTDOWN, [6] = POWER_CRASHED, [7] = POWER_SUSPENDED,
	};
	const struct evj_value *v = evj_at(o, P_POWER_STATE);

	if (v->type == EVJ_INT)
		return v->u.num >= 0 && v->u.num < (int64_t)FM_ARRAY_LEN(by_number)
			? by_number[v->u.num] : POWER_UNKNOWN;
	return (enum power_state)ev_words_id(&d->nova.power, evj_str(o, P_POWER_STATE),
					     POWER_UNKNOWN);
}

/* ---- nested objects ------------------------------------------------------------------------- */

/*
 * Open an object inside a versioned payload and what lies under its nova_object.data, a member that
 * every vocabulary has first. path names it in errors.
 */
static struct evj_object *
open_part(struct decoder *d, unsigned id, const struct ev_words *words, const char *path)
{
	const struct evj_value *v = evj_at(&d->payload, id);

	if (v->type != EVJ_OBJECT && v->type != EVJ_NULL && v->type != EVJ_ABSENT)
		evj_wrong(&d->payload, id, "not an object");
	evj_open(&d->part, v, words, path, d->err);
	if (d->part.rc == 0 && evj_at(&d->part, 0)->type == EVJ_OBJECT) {
		struct evj_value data = d->part.at[0];
		evj_open(&d->part, &data, words, path, d->err);
	}
	return &d->part;
}

/* What was wrong in a part is wrong with the payload. */
static void
close_part(struct decoder *d)
{
	if (d->payload.rc == 0)
		d->payload.rc = d->part.rc;
}

struct limits {
	int64_t timeout, downtime;
};

static int64_t
setting(const struct evj_object *o, unsigned colons, unsigned underscores)
{
	int64_t num = evj_setting(evj_at(o, colons));

	return num != EV_ABSENT ? num : evj_setting(evj_at(o, underscores));
}

static struct limits
limits_of(const struct evj_object *o)
{
	return (struct limits){
		.timeout = setting(o, S_TIMEOUT, S_TIMEOUT_IMAGE),
		.downtime = setting(o, S_DOWNTIME, S_DOWNTIME_IMAGE),
	};
}

/* Legacy metadata as a list of {"key":…, "value":…}; the first item of a name counts. */
#define MAX_METADATA 128
static struct limits
limits_of_list(struct decoder *d, const struct evj_value *list)
{
	struct limits got = {EV_ABSENT, EV_ABSENT};
	struct evj_value item[MAX_METADATA];
	unsigned n = evj_items(list, item, MAX_METADATA);

	for (unsigned i = 0; i < n; i++) {
		struct fm_str key;
		evj_open(&d->part, &item[i], &d->nova.specs, "payload.metadata.", d->err);
		close_part(d);
		key = evj_text(&d->part, S_KEY);
		int64_t *to = fm_str_is(key, "hw:wrs:live_migration_timeout") ||
			fm_str_is(key, "hw_wrs_live_migration_timeout") ? &got.timeout
			: fm_str_is(key, "hw:wrs:live_migration_max_downtime") ||
			fm_str_is(key, "hw_wrs_live_migration_max_downtime") ? &got.downtime : NULL;
		if (to != NULL && *to == EV_ABSENT)
			*to = evj_setting(evj_at(&d->part, S_VALUE));
	}
	return got;
}

static void
take_metadata(struct decoder *d)
{
	const struct evj_value *v = evj_at(&d->payload, P_METADATA);
	struct ev_nova *nova = &d->ev.u.nova;
	struct limits got;

	if (v->type == EVJ_ARRAY) {
		got = limits_of_list(d, v);
	} else {
		evj_open(&d->part, v, &d->nova.specs, "payload.metadata.", d->err);
		close_part(d);
		got = limits_of(&d->part);
	}
	nova->meta_timeout = got.timeout;
	nova->meta_downtime = got.downtime;
}

static void
take_flavor(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct evj_object *o = open_part(d, P_FLAVOR, &d->nova.flavor,
					 "payload.nova_object.data.flavor.nova_object.data.");
	const struct evj_value specs = *evj_at(o, F_EXTRA_SPECS);
	int64_t root, ephemeral, swap;
	struct limits got;

	nova->flavor = evj_str(o, F_NAME);
	nova->memory_mb = evj_int(o, F_MEMORY_MB);
	root = evj_int(o, F_ROOT_GB);
	ephemeral = evj_int(o, F_EPHEMERAL_GB);
	swap = evj_int(o, F_SWAP);
	close_part(d);
	if (root != EV_ABSENT && ephemeral != EV_ABSENT &&
	    __builtin_add_overflow(root, ephemeral, &nova->disk_gb))
		nova->disk_gb = EV_ABSENT;
	/* without an image the root disk is a volume */
	nova->has_local_disk = (nova->image.len > 0 && root > 0) || ephemeral > 0 || swap > 0;
	evj_open(&d->part, &specs, &d->nova.specs,
		 "payload.nova_object.data.flavor.nova_object.data.extra_specs.", d->err);
	close_part(d);
	got = limits_of(&d->part);
	nova->flavor_timeout = got.timeout;
	nova->flavor_downtime = got.downtime;
}

/* The legacy form has the flavor's members in the payload. */
static void
take_flat_flavor(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct evj_object *p = &d->payload;
	int64_t root = evj_int(p, P_ROOT_GB), ephemeral = evj_int(p, P_EPHEMERAL_GB);

	nova->flavor = evj_str(p, P_INSTANCE_TYPE);
	nova->memory_mb = evj_int(p, P_MEMORY_MB);
	nova->disk_gb = evj_int(p, P_DISK_GB);
	nova->has_local_disk = (nova->image.len > 0 && root > 0) || ephemeral > 0;
}

/* resize_prep.*: the flavor it is to have; the same as its own makes it a cold migration. */
static void
take_new_flavor(struct decoder *d)
{
	struct evj_object *o;

	if (!d->ev.u.nova.versioned) {
		d->ev.u.nova.new_flavor = evj_str(&d->payload, P_NEW_INSTANCE_TYPE);
		return;
	}
	o = open_part(d, P_NEW_FLAVOR, &d->nova.flavor,
		      "payload.nova_object.data.new_flavor.nova_object.data.");
	d->ev.u.nova.new_flavor = evj_str(o, F_NAME);
	close_part(d);
}

/* Image properties travel in the legacy form only; its image is a reference or a URL. */
static void
take_image(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct fm_str url = evj_text(&d->payload, P_IMAGE_REF_URL);
	const char *slash = url.p != NULL ? memrchr(url.p, '/', url.len) : NULL;
	struct limits got;

	if (slash != NULL)
		url = (struct fm_str){slash + 1, (uint32_t)(url.p + url.len - (slash + 1))};
	evj_open(&d->part, evj_at(&d->payload, P_IMAGE_META), &d->nova.specs,
		 "payload.image_meta.", d->err);
	close_part(d);
	got = limits_of(&d->part);
	nova->image_timeout = got.timeout;
	nova->image_downtime = got.downtime;
	nova->image = either(evj_str(&d->payload, P_IMAGE_UUID),
			     either(evj_text(&d->part, S_BASE_IMAGE_REF), url));
}

static void
take_fault(struct decoder *d, unsigned id, const char *path)
{
	struct evj_object *o = open_part(d, id, &d->nova.fault, path);

	d->ev.u.nova.exception = evj_str(o, X_EXCEPTION);
	d->ev.u.nova.fault = evj_str(o, X_MESSAGE);
	close_part(d);
}

/* Legacy: exception is a class name or, from StarlingX' Nova, the reason in words. */
static void
take_flat_fault(struct decoder *d)
{
	const struct evj_object *p = &d->payload;
	struct ev_nova *nova = &d->ev.u.nova;

	nova->exception = evj_text(p, P_EXCEPTION);
	nova->fault = either(evj_text(p, P_MESSAGE), either(evj_text(p, P_REASON),
							    nova->exception));
}

/* ---- instances ------------------------------------------------------------------------------ */

/* instance.update: from what to what. Where it says nothing new, the payload's own state holds. */
static void
take_state_update(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct evj_object *o = open_part(d, P_STATE_UPDATE, &d->nova.update,
					 "payload.nova_object.data.state_update.nova_object.data.");
	enum vm_state state = take_vm_state(d, o, U_STATE);
	enum task_state task = take_task(d, o, U_NEW_TASK_STATE);

	nova->old_vm_state = take_vm_state(d, o, U_OLD_STATE);
	nova->old_task = take_task(d, o, U_OLD_TASK_STATE);
	if (state != VM_UNKNOWN)
		nova->vm_state = state;
	if (task != TASK_UNKNOWN)
		nova->task = task;
	close_part(d);
}

static void
take_flat_state_update(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	enum task_state task = take_task(d, &d->payload, P_NEW_TASK_STATE);

	nova->old_vm_state = take_vm_state(d, &d->payload, P_OLD_STATE);
	nova->old_task = take_task(d, &d->payload, P_OLD_TASK_STATE);
	if (task != TASK_UNKNOWN)
		nova->task = task;
}

static void
take_instance_id(struct decoder *d, unsigned first, unsigned second)
{
	struct evj_object *p = &d->payload;

	d->ev.has_instance = evj_uuid(p, first, &d->ev.instance) ||
		evj_uuid(p, second, &d->ev.instance) ||
		evj_uuid(p, P_INSTANCE_UUID, &d->ev.instance);
	if (!d->ev.has_instance)
		evj_wrong(p, first, "missing");
}

static void
take_host(struct decoder *d)
{
	d->ev.u.nova.host = d->ev.host = evj_str(&d->payload, P_HOST);
	d->ev.u.nova.node = evj_str(&d->payload, P_NODE);
}

static void
take_versioned_instance(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;

	take_instance_id(d, P_UUID, P_INSTANCE_ID);
	nova->task = take_task(d, &d->payload, P_TASK_STATE);
	nova->audit_period = evj_at(&d->payload, P_AUDIT_PERIOD)->type == EVJ_OBJECT;
	take_flavor(d);
	take_fault(d, P_FAULT, "payload.nova_object.data.fault.nova_object.data.");
	if (nova->action == NOVA_UPDATE)
		take_state_update(d);
}

static void
take_legacy_instance(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;

	take_instance_id(d, P_INSTANCE_ID, P_UUID);
	nova->task = take_task(d, &d->payload, P_STATE_DESCRIPTION);
	nova->audit_period = evj_text(&d->payload, P_AUDIT_BEGINNING).len > 0;
	take_flat_flavor(d);
	take_flat_fault(d);
	if (nova->action == NOVA_UPDATE)
		take_flat_state_update(d);
}

static void
take_instance(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct evj_object *p = &d->payload;

	take_host(d);
	nova->instance_name = evj_text(p, P_DISPLAY_NAME);
	nova->old_instance_name = evj_text(p, P_OLD_DISPLAY_NAME);
	nova->vm_state = take_vm_state(d, p, P_STATE);
	nova->power = take_power(d, p);
	take_image(d);
	take_metadata(d);
	if (nova->versioned)
		take_versioned_instance(d);
	else
		take_legacy_instance(d);
	if (nova->action == NOVA_RESIZE_PREP)
		take_new_flavor(d);
}

/* ---- the other types ------------------------------------------------------------------------- */

static void
take_compute_task(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;

	take_instance_id(d, P_INSTANCE_UUID, P_INSTANCE_ID);
	nova->vm_state = take_vm_state(d, &d->payload, P_STATE);
	if (nova->versioned)
		take_fault(d, P_REASON, "payload.nova_object.data.reason.nova_object.data.");
	else
		take_flat_fault(d);
}

/* A service's uuid is its own, not an instance's. */
static void
take_service(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct evj_object *p = &d->payload;

	take_host(d);
	if (nova->host.len == 0)
		evj_wrong(p, P_HOST, "missing");
	nova->binary = evj_str(p, P_BINARY);
	nova->disabled_reason = evj_str(p, P_DISABLED_REASON);
	nova->disabled = evj_bool(p, P_DISABLED) == 1;
	nova->forced_down = evj_bool(p, P_FORCED_DOWN) == 1;
	nova->last_seen_up = evj_time(p, P_LAST_SEEN_UP);
}

static void
take_compute_exception(struct decoder *d)
{
	d->ev.u.nova.exception = evj_str(&d->payload, P_EXCEPTION);
	d->ev.u.nova.fault = evj_str(&d->payload, P_EXCEPTION_MESSAGE);
}

/* The payload has only an address: the host is the one that says so. */
static void
take_libvirt_connect(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;

	nova->host = d->ev.host = nova->publisher_host;
	if (nova->versioned)
		take_fault(d, P_REASON, "payload.nova_object.data.reason.nova_object.data.");
	else
		take_flat_fault(d);
}

/* ---- entry ------------------------------------------------------------------------------ */

static void
clear_event(struct ev_nova *nova)
{
	*nova = (struct ev_nova){
		.memory_mb = EV_ABSENT, .disk_gb = EV_ABSENT, .meta_timeout = EV_ABSENT,
		.flavor_timeout = EV_ABSENT, .image_timeout = EV_ABSENT,
		.meta_downtime = EV_ABSENT, .flavor_downtime = EV_ABSENT,
		.image_downtime = EV_ABSENT,
	};
}

static int
open_payload(struct decoder *d)
{
	const struct evj_value *v = evj_at(&d->top, T_PAYLOAD);

	if (v->type != EVJ_OBJECT)
		return fm_fail(d->err, -EBADMSG, "member payload: not an object");
	evj_open(&d->payload, v, &d->nova.payload, "payload.", d->err);
	if (d->payload.rc < 0 || evj_at(&d->payload, P_DATA)->type != EVJ_OBJECT)
		return d->payload.rc;
	struct evj_value data = d->payload.at[P_DATA];
	evj_open(&d->payload, &data, &d->nova.payload, "payload.nova_object.data.", d->err);
	d->ev.u.nova.versioned = true;
	return d->payload.rc;
}

typedef void take_f(struct decoder *d);

/* All others are about an instance. */
static take_f *const by_action[NOVA_N_ACTIONS] = {
	[NOVA_BUILD_INSTANCES] = take_compute_task,
	[NOVA_MIGRATE_SERVER] = take_compute_task,
	[NOVA_REBUILD_SERVER] = take_compute_task,
	[NOVA_SERVICE] = take_service,
	[NOVA_COMPUTE_EXCEPTION] = take_compute_exception,
	[NOVA_LIBVIRT_CONNECT] = take_libvirt_connect,
};

int
nova_decode(struct decoder *d)
{
	struct ev_nova *nova = &d->ev.u.nova;
	struct fm_str type = evj_str(&d->top, T_EVENT_TYPE);
	int rc;

	if (type.len == 0)
		evj_wrong(&d->top, T_EVENT_TYPE, "missing");
	if (d->top.rc < 0)
		return d->top.rc;
	d->ev.origin = ORIGIN_NOVA;
	d->ev.name = type;
	clear_event(nova);
	rc = open_payload(d);
	if (rc < 0)
		return rc;
	if (!classify(&d->nova, type, nova))
		return 1;
	take_envelope(d);
	if (by_action[nova->action] != NULL)
		by_action[nova->action](d);
	else
		take_instance(d);
	return d->top.rc < 0 ? d->top.rc : d->payload.rc;
}
