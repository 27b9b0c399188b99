/*
 * event_nova_priv: members of Nova's payloads, versioned and legacy in one vocabulary, and of the
 * objects in them. "nova_object.data" is in each: it is where a versioned object keeps the rest.
 */
#ifndef FM_EVENT_NOVA_PRIV_H
#define FM_EVENT_NOVA_PRIV_H

#include "events/event_priv.h"

#define NOVA_DATA "nova_object.data"

#define NOVA_PAYLOAD(X) X(DATA, NOVA_DATA) \
	X(UUID, "uuid") X(INSTANCE_ID, "instance_id") X(INSTANCE_UUID, "instance_uuid") \
	X(TENANT_ID, "tenant_id") X(DISPLAY_NAME, "display_name") \
	X(OLD_DISPLAY_NAME, "old_display_name") X(HOST, "host") X(NODE, "node") \
	X(STATE, "state") X(TASK_STATE, "task_state") X(STATE_DESCRIPTION, "state_description") \
	X(POWER_STATE, "power_state") X(STATE_UPDATE, "state_update") X(OLD_STATE, "old_state") \
	X(OLD_TASK_STATE, "old_task_state") X(NEW_TASK_STATE, "new_task_state") \
	X(FLAVOR, "flavor") X(INSTANCE_TYPE, "instance_type") \
	X(NEW_FLAVOR, "new_flavor") X(NEW_INSTANCE_TYPE, "new_instance_type") \
	X(MEMORY_MB, "memory_mb") X(DISK_GB, "disk_gb") X(ROOT_GB, "root_gb") \
	X(EPHEMERAL_GB, "ephemeral_gb") X(METADATA, "metadata") X(IMAGE_META, "image_meta") X(IMAGE_UUID, "image_uuid") \
	X(IMAGE_REF_URL, "image_ref_url") X(FAULT, "fault") X(REASON, "reason") \
	X(EXCEPTION, "exception") X(EXCEPTION_MESSAGE, "exception_message") \
	X(MESSAGE, "message") X(AUDIT_PERIOD, "audit_period") \
	X(AUDIT_BEGINNING, "audit_period_beginning") X(REQUEST_ID, "request_id") \
	X(INITIATOR_USER, "action_initiator_user") \
	X(INITIATOR_PROJECT, "action_initiator_project") X(BINARY, "binary") \
	X(DISABLED, "disabled") X(DISABLED_REASON, "disabled_reason") \
	X(FORCED_DOWN, "forced_down") X(LAST_SEEN_UP, "last_seen_up")
#define NOVA_FLAVOR(X) X(DATA, NOVA_DATA) X(NAME, "name") X(MEMORY_MB, "memory_mb") \
	X(ROOT_GB, "root_gb") X(EPHEMERAL_GB, "ephemeral_gb") X(SWAP, "swap") \
	X(EXTRA_SPECS, "extra_specs")
#define NOVA_FAULT(X) X(DATA, NOVA_DATA) X(EXCEPTION, "exception") \
	X(MESSAGE, "exception_message")
#define NOVA_STATE_UPDATE(X) X(DATA, NOVA_DATA) X(OLD_STATE, "old_state") X(STATE, "state") \
	X(OLD_TASK_STATE, "old_task_state") X(NEW_TASK_STATE, "new_task_state")
#define NOVA_CONTEXT(X) X(REQUEST_ID, "request_id") X(USER_ID, "user_id") X(USER, "user") \
	X(PROJECT_ID, "project_id") X(PROJECT, "project") X(TENANT, "tenant") \
	X(PROJECT_NAME, "project_name")
/* Instance metadata, extra specs, image properties; key and value: one item of a legacy list */
#define NOVA_SPECS(X) X(TIMEOUT, "hw:wrs:live_migration_timeout") \
	X(TIMEOUT_IMAGE, "hw_wrs_live_migration_timeout") \
	X(DOWNTIME, "hw:wrs:live_migration_max_downtime") \
	X(DOWNTIME_IMAGE, "hw_wrs_live_migration_max_downtime") \
	X(BASE_IMAGE_REF, "base_image_ref") X(KEY, "key") X(VALUE, "value")

enum {
#define FM_X(id, name) P_##id,
	NOVA_PAYLOAD(FM_X)
#undef FM_X
};
enum {
#define FM_X(id, name) F_##id,
	NOVA_FLAVOR(FM_X)
#undef FM_X
};
enum {
#define FM_X(id, name) X_##id,
	NOVA_FAULT(FM_X)
#undef FM_X
};
enum {
#define FM_X(id, name) U_##id,
	NOVA_STATE_UPDATE(FM_X)
#undef FM_X
};
enum {
#define FM_X(id, name) C_##id,
	NOVA_CONTEXT(FM_X)
#undef FM_X
};
enum {
#define FM_X(id, name) S_##id,
	NOVA_SPECS(FM_X)
#undef FM_X
};

#endif
