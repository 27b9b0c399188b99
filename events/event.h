/*
 * event: a Kafka record's bytes -> one normalised value. Three forms (INTERFACES §3): Nova
 * notifications (versioned or legacy, oslo envelope or bare), libvirt records, fault requests.
 *
 * The decoder says what a record says, nothing more: it keeps no state between records, judges
 * nothing and reads no clock. Member names and event types: Nova's notification samples and
 * nova/rpc.py, libvirt-domain.h 9.0 (where name and number disagree the number wins).
 *
 * JSON is taken strictly (RFC 8259, all of a record, no trailing text); a member that we read must
 * not be given twice. Which form a record has is decided by the first of these members that is
 * there: oslo.message, event_type, kind, op. null is as good as absent. What else each form must
 * have: Nova a payload, with the instance's UUID for types about an instance (or the host for
 * service.*); libvirt a host, with the domain's UUID for event, snapshot, job and qmp; a request
 * an alarm_id (but for clear_all) and an entity_instance_id.
 *
 * Thread: any, one decoder per thread. Ownership: strings of an event live in the decoder until
 * its next call.
 */
#ifndef FM_EVENT_H
#define FM_EVENT_H

#include "alarm/alarm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FM_MAX_RECORD 65536             /* bytes, the default of limits.record */
#define FM_MAX_DEPTH 32                 /* nested arrays and objects, each JSON layer */
#define FM_MAX_HOST 255                 /* bytes of a host's name, as Nova keeps them; longer is none */
#define FM_MAX_STRING 4096      /* of a member we read; longer ones are cut at a code point */

enum event_origin { ORIGIN_NOVA, ORIGIN_LIBVIRT, ORIGIN_REQUEST };

/* ---- Nova ------------------------------------------------------------------------------ */

/* action enum, versioned name (after "instance." unless dotted), legacy name (after "compute.") */
#define NOVA_ACTIONS(X) \
	X(LIVE_MIGRATION_PRE, "instance.live_migration_pre", "instance.live_migration.pre") \
	X(LIVE_MIGRATION_POST, "instance.live_migration_post", "instance.live_migration._post") \
	X(LIVE_MIGRATION_POST_DEST, "instance.live_migration_post_dest", \
	  "instance.live_migration.post.dest") \
	X(LIVE_MIGRATION_ROLLBACK, "instance.live_migration_rollback", \
	  "instance.live_migration._rollback") \
	X(LIVE_MIGRATION_ROLLBACK_DEST, "instance.live_migration_rollback_dest", \
	  "instance.live_migration.rollback.dest") \
	X(LIVE_MIGRATION_ABORT, "instance.live_migration_abort", "instance.live.migration.abort") \
	X(LIVE_MIGRATION_FORCE_COMPLETE, "instance.live_migration_force_complete", \
	  "instance.live.migration.force.complete") \
	X(EVACUATE, "instance.evacuate", "instance.evacuate") \
	X(REBUILD_SCHEDULED, "instance.rebuild_scheduled", "instance.rebuild.scheduled") \
	X(REBUILD, "instance.rebuild", "instance.rebuild") \
	X(RESIZE_PREP, "instance.resize_prep", "instance.resize.prep") \
	X(RESIZE, "instance.resize", "instance.resize") \
	X(RESIZE_FINISH, "instance.resize_finish", "instance.finish_resize") \
	X(RESIZE_CONFIRM, "instance.resize_confirm", "instance.resize.confirm") \
	X(RESIZE_REVERT, "instance.resize_revert", "instance.resize.revert") \
	X(PAUSE, "instance.pause", "instance.pause") \
	X(UNPAUSE, "instance.unpause", "instance.unpause") \
	X(SUSPEND, "instance.suspend", "instance.suspend") \
	X(RESUME, "instance.resume", "instance.resume") \
	X(POWER_OFF, "instance.power_off", "instance.power_off") \
	X(POWER_ON, "instance.power_on", "instance.power_on") \
	X(REBOOT, "instance.reboot", "instance.reboot") \
	X(SHUTDOWN, "instance.shutdown", "instance.shutdown") \
	X(DELETE, "instance.delete", "instance.delete") \
	X(SOFT_DELETE, "instance.soft_delete", "instance.soft_delete") \
	X(RESTORE, "instance.restore", "instance.restore") \
	X(CREATE, "instance.create", "instance.create") \
	X(RESCUE, "instance.rescue", "instance.rescue") \
	X(UNRESCUE, "instance.unrescue", "instance.unrescue") \
	X(SHELVE, "instance.shelve", "instance.shelve") \
	X(SHELVE_OFFLOAD, "instance.shelve_offload", "instance.shelve_offload") \
	X(UNSHELVE, "instance.unshelve", "instance.unshelve") \
	X(SNAPSHOT, "instance.snapshot", "instance.snapshot") \
	X(TRIGGER_CRASH_DUMP, "instance.trigger_crash_dump", "instance.trigger_crash_dump") \
	X(VOLUME_ATTACH, "instance.volume_attach", "instance.volume.attach") \
	X(VOLUME_DETACH, "instance.volume_detach", "instance.volume.detach") \
	X(UPDATE, "instance.update", "instance.update") \
	X(EXISTS, "instance.exists", "instance.exists") \
	X(BUILD_INSTANCES, "compute_task.build_instances", "") \
	X(MIGRATE_SERVER, "compute_task.migrate_server", "") \
	X(REBUILD_SERVER, "compute_task.rebuild_server", "") \
	X(SERVICE, "service", "") \
	X(COMPUTE_EXCEPTION, "compute.exception", "") \
	X(LIBVIRT_CONNECT, "libvirt.connect", "libvirt")
/*
 * SERVICE covers service.create/update/delete, LIBVIRT_CONNECT libvirt.connect.error and the
 * legacy compute.libvirt.error. Every other instance.* type Nova has (interface_*, lock, tags,
 * share_*, …) decodes as NOVA_OTHER with its instance, state and host.
 */
enum nova_action {
	NOVA_OTHER = 0,
#define FM_X(id, versioned, legacy) NOVA_##id,
	NOVA_ACTIONS(FM_X)
#undef FM_X
	NOVA_N_ACTIONS
};

enum nova_phase { PHASE_NONE, PHASE_START, PHASE_END, PHASE_ERROR, PHASE_PROGRESS };

/* nova/compute/vm_states.py, task_states.py (grouped), power_state.py */
#define VM_STATES(X) X(ACTIVE, "active") X(BUILDING, "building") X(PAUSED, "paused") \
	X(SUSPENDED, "suspended") X(STOPPED, "stopped") X(RESCUED, "rescued") \
	X(RESIZED, "resized") X(SOFT_DELETED, "soft-delete") X(DELETED, "deleted") \
	X(ERROR, "error") X(SHELVED, "shelved") X(SHELVED_OFFLOADED, "shelved_offloaded")
enum vm_state {
	VM_UNKNOWN = 0,
#define FM_X(id, name) VM_##id,
	VM_STATES(FM_X)
#undef FM_X
	VM_N
};

enum task_state {
	TASK_UNKNOWN = 0,       /* the record does not say */
	TASK_NONE,              /* it says null */
	TASK_MIGRATING,
	TASK_REBOOTING,         /* reboot_*, rebooting* */
	TASK_REBUILDING,        /* rebuilding, rebuild_block_device_mapping, rebuild_spawning */
	TASK_RESIZING,          /* resize_prep … resize_finish */
	TASK_RESIZE_REVERTING,
	TASK_RESIZE_CONFIRMING,
	TASK_PAUSING, TASK_UNPAUSING, TASK_SUSPENDING, TASK_RESUMING,
	TASK_POWERING_OFF, TASK_POWERING_ON,
	TASK_DELETING,          /* deleting, soft-deleting */
	TASK_SPAWNING,          /* scheduling, block_device_mapping, networking, spawning */
	TASK_OTHER,
};

/* Kept apart from libvirt's own domain states, which have other numbers. */
enum power_state { POWER_UNKNOWN = 0, POWER_NOSTATE, POWER_RUNNING, POWER_PAUSED, POWER_SHUTDOWN,
	POWER_CRASHED, POWER_SUSPENDED };

#define EV_ABSENT INT64_MIN             /* a number the record does not carry */
#define EV_MAX_MS (10LL * 366 * 24 * 3600 * 1000)       /* durations beyond it count as absent */

struct ev_nova {
	enum nova_action action;
	enum nova_phase phase;
	bool versioned;
	struct fm_str message_id, publisher_host, request_id;
	bool from_compute;                      /* sent by nova-compute, of that host */
	struct fm_str tenant, tenant_name;      /* name: when the request was the owner's own */
	struct fm_str instance_name, old_instance_name;
	/* of the payload; service.*: the service's; LIBVIRT_CONNECT: the publisher's */
	struct fm_str host, node;
	enum vm_state vm_state, old_vm_state;   /* old_*: instance.update only */
	enum task_state task, old_task;
	enum power_state power;
	int64_t memory_mb, disk_gb;             /* flavor; disk = root + ephemeral */
	bool has_local_disk;                    /* false: no local disk, or not known */
	/* hw:wrs:live_migration_timeout / _max_downtime and the like, EV_ABSENT when not given */
	int64_t meta_timeout, flavor_timeout, image_timeout;            /* seconds */
	int64_t meta_downtime, flavor_downtime, image_downtime;         /* milliseconds */
	struct fm_str exception, fault;         /* class name; message */
	struct fm_str initiator_user, initiator_project;
	struct fm_str image, flavor;            /* image uuid, flavor name */
	struct fm_str new_flavor;               /* resize_prep.*: name of the one to come */
	bool audit_period;                      /* instance.exists/update of a periodic audit */
	/* service.* only */
	struct fm_str binary, disabled_reason;
	bool disabled, forced_down;
	struct fm_time last_seen_up;
};

/* ---- libvirt --------------------------------------------------------------------------- */

#define LV_KINDS(X) X(EVENT, "event") X(CONNECT, "connect") X(SNAPSHOT, "snapshot") \
	X(SNAPSHOT_END, "snapshot-end") X(CLOSE, "close") X(CONNECT_FAILED, "connect-failed") \
	X(DISCONNECT, "disconnect") X(JOB, "job") X(QMP, "qmp") X(HEARTBEAT, "heartbeat") \
	X(GAP, "gap")
enum lv_kind {
#define FM_X(id, name) LV_##id,
	LV_KINDS(FM_X)
#undef FM_X
	LV_N_KINDS
};

/* virDomainEventID: number = position (libvirt-domain.h 9.0, 5751-5790) */
#define LV_EVENTS(X) X(LIFECYCLE, 0, "lifecycle") X(REBOOT, 1, "reboot") \
	X(RTC_CHANGE, 2, "rtc-change") X(WATCHDOG, 3, "watchdog") X(IO_ERROR, 4, "io-error") \
	X(GRAPHICS, 5, "graphics") X(IO_ERROR_REASON, 6, "io-error-reason") \
	X(CONTROL_ERROR, 7, "control-error") X(BLOCK_JOB, 8, "block-job") \
	X(DISK_CHANGE, 9, "disk-change") X(TRAY_CHANGE, 10, "tray-change") \
	X(PMWAKEUP, 11, "pmwakeup") X(PMSUSPEND, 12, "pmsuspend") \
	X(BALLOON_CHANGE, 13, "balloon-change") X(PMSUSPEND_DISK, 14, "pmsuspend-disk") \
	X(DEVICE_REMOVED, 15, "device-removed") X(BLOCK_JOB_2, 16, "block-job-2") \
	X(TUNABLE, 17, "tunable") X(AGENT_LIFECYCLE, 18, "agent-lifecycle") \
	X(DEVICE_ADDED, 19, "device-added") X(MIGRATION_ITERATION, 20, "migration-iteration") \
	X(JOB_COMPLETED, 21, "job-completed") \
	X(DEVICE_REMOVAL_FAILED, 22, "device-removal-failed") X(METADATA_CHANGE, 23, "metadata-change") X(BLOCK_THRESHOLD, 24, "block-threshold") \
	X(MEMORY_FAILURE, 25, "memory-failure") \
	X(MEMORY_DEVICE_SIZE_CHANGE, 26, "memory-device-size-change")
enum lv_event {
#define FM_X(id, num, name) LVE_##id = num,
	LV_EVENTS(FM_X)
#undef FM_X
	LVE_N
};

enum lv_lifecycle { LVL_DEFINED = 0, LVL_UNDEFINED, LVL_STARTED, LVL_SUSPENDED, LVL_RESUMED,
	LVL_STOPPED, LVL_SHUTDOWN, LVL_PMSUSPENDED, LVL_CRASHED };
/* Details used by name; all others stay numbers. (virDomainEvent*DetailType) */
enum { LVD_STARTED_BOOTED = 0, LVD_STARTED_MIGRATED = 1, LVD_STARTED_RESTORED = 2,
	LVD_SUSPENDED_PAUSED = 0, LVD_SUSPENDED_MIGRATED = 1, LVD_SUSPENDED_IOERROR = 2,
	LVD_SUSPENDED_WATCHDOG = 3, LVD_SUSPENDED_API_ERROR = 6,
	LVD_SUSPENDED_POSTCOPY = 7, LVD_SUSPENDED_POSTCOPY_FAILED = 8,
	LVD_RESUMED_UNPAUSED = 0, LVD_RESUMED_MIGRATED = 1, LVD_RESUMED_POSTCOPY = 3,
	LVD_RESUMED_POSTCOPY_FAILED = 4,
	LVD_STOPPED_SHUTDOWN = 0, LVD_STOPPED_DESTROYED = 1, LVD_STOPPED_CRASHED = 2,
	LVD_STOPPED_MIGRATED = 3, LVD_STOPPED_SAVED = 4, LVD_STOPPED_FAILED = 5,
	LVD_STOPPED_FROM_SNAPSHOT = 6 };
/* virDomainState, in snapshots and job polls */
enum { LVS_NOSTATE = 0, LVS_RUNNING = 1, LVS_BLOCKED = 2, LVS_PAUSED = 3, LVS_SHUTDOWN = 4,
	LVS_SHUTOFF = 5, LVS_CRASHED = 6, LVS_PMSUSPENDED = 7 };
/* virDomainJobOperation */
enum { LVJ_OP_UNKNOWN = 0, LVJ_OP_START = 1, LVJ_OP_SAVE = 2, LVJ_OP_RESTORE = 3,
	LVJ_OP_MIGRATION_IN = 4, LVJ_OP_MIGRATION_OUT = 5, LVJ_OP_SNAPSHOT = 6,
	LVJ_OP_SNAPSHOT_REVERT = 7, LVJ_OP_DUMP = 8, LVJ_OP_BACKUP = 9 };
enum lv_close { LVC_ERROR = 0, LVC_EOF = 1, LVC_KEEPALIVE = 2, LVC_CLIENT = 3, LVC_UNKNOWN = 4 };
/* QEMU's MIGRATION status (qapi/migration.json) and the other monitor events we use */
enum lv_qmp { QMP_OTHER = 0, QMP_STOP, QMP_RESUME, QMP_MIGRATION_SETUP, QMP_MIGRATION_ACTIVE,
	QMP_MIGRATION_PRE_SWITCHOVER, QMP_MIGRATION_DEVICE, QMP_MIGRATION_POSTCOPY_ACTIVE,
	QMP_MIGRATION_POSTCOPY_PAUSED, QMP_MIGRATION_COMPLETED, QMP_MIGRATION_FAILED,
	QMP_MIGRATION_CANCELLING, QMP_MIGRATION_CANCELLED, QMP_MIGRATION_OTHER,
	QMP_BLOCK_IO_ERROR, QMP_MIGRATION_PASS };

struct ev_libvirt {
	enum lv_kind kind;
	enum lv_event event;            /* kind EVENT */
	uint64_t seq, conn;
	struct fm_str boot;             /* of the bridge process */
	struct fm_str host_uuid;
	struct fm_str domain;           /* libvirt's name */
	int64_t mono_ns;
	int32_t lifecycle, detail;      /* LIFECYCLE; -1 otherwise */
	struct fm_str tenant, instance_name;
	/* params of job-completed, job and snapshot; EV_ABSENT when not there */
	int64_t operation, job_type, time_elapsed, downtime, downtime_net, memory_iteration,
		postcopy_requests;
	int32_t state, reason;          /* snapshot, job: virDomainState and its reason; -1 */
	int64_t count;                  /* snapshot-end; gap: records lost */
	enum lv_close close;            /* close */
	enum lv_qmp qmp;                /* qmp; stamp of the event is then QEMU's own */
	int64_t iteration;              /* migration-iteration, MIGRATION_PASS */
	/* io-error*, block-job*, BLOCK_IO_ERROR: device or disk, path, reason ("enospc") */
	struct fm_str device, src, io_reason;
	int32_t action;                 /* io-error*, watchdog, memory-failure; -1 */
	int32_t status;                 /* block-job*: status; agent-lifecycle: state; -1 */
	int32_t type;           /* block-job*: type; agent: reason; memory-failure: recipient */
};

/* ---- fault request --------------------------------------------------------------------- */

enum request_op { REQ_SET, REQ_CLEAR, REQ_CLEAR_ALL, REQ_LOG };
struct ev_request {
	enum request_op op;
	struct fm_str alarm_id, entity, entity_type_id, reason_text, repair, request_id;
	int severity, alarm_type, cause;        /* -1: from the catalogue */
	int service_affecting, suppression, inhibit, keep_existing;   /* -1: not given, 0, 1 */
};

/* ---- event ------------------------------------------------------------------------------ */

/* Where a record came from; filled by the shell, not by the decoder. */
struct record_pos {
	const char *topic;              /* stable for the life of the process */
	int32_t topic_no;               /* small number of the topic */
	int32_t partition;
	int64_t offset;
};

struct event {
	enum event_origin origin;
	struct record_pos pos;
	struct fm_time at;              /* logical time (broker's), set by the shell */
	struct fm_time stamp;           /* the source's own time; 0 when the record has none */
	struct fm_str name;     /* verbatim type: "instance.pause.end", "lifecycle", "set" */
	uint64_t id_hash;               /* of message_id or request_id; 0: none */
	bool has_instance;
	struct fm_uuid instance;
	struct fm_str host;             /* libvirt: the bridge's; Nova: payload host */
	union {
		struct ev_nova nova;
		struct ev_libvirt lv;
		struct ev_request rq;
	} u;
};

struct decoder;
struct decoder_options {
	size_t max_record;              /* 0: FM_MAX_RECORD */
	unsigned max_depth;             /* 0: FM_MAX_DEPTH */
};
struct decoder *decoder_new(const struct decoder_options *opt);
void decoder_free(struct decoder *d);

/*
 * Decode one record into *ret (pos and at untouched). Returns
 *   0         decoded
 *   1         well-formed, but of a type or kind we do not know: ret->origin and name are set, for
 *             libvirt also stamp, host, boot and seq (host empty where they cannot be read)
 *   -EBADMSG  not valid JSON, not UTF-8, or not an object, or a needed member is missing or wrong
 *   -E2BIG    beyond a limit (size, depth)
 * err says what and where ("member payload.nova_object.data.uuid: not a UUID", "byte 17: …").
 */
int event_decode(struct decoder *d, const void *buf, size_t len, struct event *ret,
		 struct fm_err *err) FM_MUST_USE;

const char *nova_action_name(enum nova_action a);       /* "instance.live_migration_pre" */
const char *vm_state_name(enum vm_state s);

#ifdef __cplusplus
}
#endif
#endif
