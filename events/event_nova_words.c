/*
 * event_nova_words: Nova's words. Event types (nova/rpc.py, the notification samples), states
 * (nova/compute/vm_states.py, task_states.py, power_state.py), members of payloads.
 */
#include "events/event_nova_priv.h"

/* The three names of service.* have no phase in common, so they stand in for "service". */
static const struct ev_word versioned_types[] = {
#define FM_X(id, versioned, legacy) EV_WORD(versioned, NOVA_##id),
	NOVA_ACTIONS(FM_X)
#undef FM_X
	EV_WORD("service.create", NOVA_SERVICE), EV_WORD("service.update", NOVA_SERVICE),
	EV_WORD("service.delete", NOVA_SERVICE),
};
static const struct ev_word legacy_types[] = {
#define FM_X(id, versioned, legacy) EV_WORD(legacy, NOVA_##id),
	NOVA_ACTIONS(FM_X)
#undef FM_X
};

static const struct ev_word vm_states[] = {
#define FM_X(id, name) EV_WORD(name, VM_##id),
	VM_STATES(FM_X)
#undef FM_X
};
static const struct ev_word task_states[] = {
	EV_WORD("migrating", TASK_MIGRATING),
	EV_WORD("rebooting", TASK_REBOOTING), EV_WORD("reboot_pending", TASK_REBOOTING),
	EV_WORD("reboot_started", TASK_REBOOTING), EV_WORD("rebooting_hard", TASK_REBOOTING),
	EV_WORD("reboot_pending_hard", TASK_REBOOTING),
	EV_WORD("reboot_started_hard", TASK_REBOOTING),
	EV_WORD("rebuilding", TASK_REBUILDING),
	EV_WORD("rebuild_block_device_mapping", TASK_REBUILDING),
	EV_WORD("rebuild_spawning", TASK_REBUILDING),
	EV_WORD("resize_prep", TASK_RESIZING), EV_WORD("resize_migrating", TASK_RESIZING),
	EV_WORD("resize_migrated", TASK_RESIZING), EV_WORD("resize_finish", TASK_RESIZING),
	EV_WORD("resize_reverting", TASK_RESIZE_REVERTING),
	EV_WORD("resize_confirming", TASK_RESIZE_CONFIRMING),
	EV_WORD("pausing", TASK_PAUSING), EV_WORD("unpausing", TASK_UNPAUSING),
	EV_WORD("suspending", TASK_SUSPENDING), EV_WORD("resuming", TASK_RESUMING),
	EV_WORD("powering-off", TASK_POWERING_OFF), EV_WORD("powering-on", TASK_POWERING_ON),
	EV_WORD("deleting", TASK_DELETING), EV_WORD("soft-deleting", TASK_DELETING),
	EV_WORD("scheduling", TASK_SPAWNING), EV_WORD("block_device_mapping", TASK_SPAWNING),
	EV_WORD("networking", TASK_SPAWNING), EV_WORD("spawning", TASK_SPAWNING),
};
/* "pending" is what Nova's notifications call no state. */
static const struct ev_word power_states[] = {
	EV_WORD("pending", POWER_NOSTATE), EV_WORD("nostate", POWER_NOSTATE),
	EV_WORD("running", POWER_RUNNING), EV_WORD("paused", POWER_PAUSED),
	EV_WORD("shutdown", POWER_SHUTDOWN), EV_WORD("crashed", POWER_CRASHED),
	EV_WORD("suspended", POWER_SUSPENDED),
};

static const struct ev_word payload_members[] = {
#define FM_X(id, name) EV_WORD(name, P_##id),
	NOVA_PAYLOAD(FM_X)
#undef FM_X
};
static const struct ev_word flavor_members[] = {
#define FM_X(id, name) EV_WORD(name, F_##id),
	NOVA_FLAVOR(FM_X)
#undef FM_X
};
static const struct ev_word fault_members[] = {
#define FM_X(id, name) EV_WORD(name, X_##id),
	NOVA_FAULT(FM_X)
#undef FM_X
};
static const struct ev_word update_members[] = {
#define FM_X(id, name) EV_WORD(name, U_##id),
	NOVA_STATE_UPDATE(FM_X)
#undef FM_X
};
static const struct ev_word context_members[] = {
#define FM_X(id, name) EV_WORD(name, C_##id),
	NOVA_CONTEXT(FM_X)
#undef FM_X
};
static const struct ev_word spec_members[] = {
#define FM_X(id, name) EV_WORD(name, S_##id),
	NOVA_SPECS(FM_X)
#undef FM_X
};

void
nova_words_init(struct nova_words *w)
{
#define INIT(field, list) ev_words_init(&w->field, list, FM_ARRAY_LEN(list))
	INIT(versioned, versioned_types);
	INIT(legacy, legacy_types);
	INIT(vm, vm_states);
	INIT(task, task_states);
	INIT(power, power_states);
	INIT(payload, payload_members);
	INIT(flavor, flavor_members);
	INIT(fault, fault_members);
	INIT(update, update_members);
	INIT(context, context_members);
	INIT(specs, spec_members);
#undef INIT
}

const char *
nova_action_name(enum nova_action a)
{
	return a > NOVA_OTHER && a < NOVA_N_ACTIONS ? versioned_types[a - 1].s : "other";
}

const char *
vm_state_name(enum vm_state s)
{
	return s > VM_UNKNOWN && s < VM_N ? vm_states[s - 1].s : "unknown";
}
