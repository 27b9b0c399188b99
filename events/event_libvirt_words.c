/*
 * event_libvirt_words: libvirt's constants in lower case, numbered as in its enums
 * (libvirt-domain.h 9.0, libvirt-common.h), and QEMU's words for monitor events.
 */
#include "events/event_libvirt_priv.h"

static const struct ev_word kinds[] = {
#define FM_X(id, name) EV_WORD(name, LV_##id),
	LV_KINDS(FM_X)
#undef FM_X
};
static const struct ev_word events[] = {
#define FM_X(id, num, name) EV_WORD(name, num),
	LV_EVENTS(FM_X)
#undef FM_X
};
static const struct ev_word lifecycles[] = {
	EV_WORD("defined", LVL_DEFINED), EV_WORD("undefined", LVL_UNDEFINED),
	EV_WORD("started", LVL_STARTED), EV_WORD("suspended", LVL_SUSPENDED),
	EV_WORD("resumed", LVL_RESUMED), EV_WORD("stopped", LVL_STOPPED),
	EV_WORD("shutdown", LVL_SHUTDOWN), EV_WORD("pmsuspended", LVL_PMSUSPENDED),
	EV_WORD("crashed", LVL_CRASHED),
};
static const struct ev_word defined[] = {
	EV_WORD("added", 0), EV_WORD("updated", 1), EV_WORD("renamed", 2),
	EV_WORD("from-snapshot", 3),
};
static const struct ev_word undefined[] = {EV_WORD("removed", 0), EV_WORD("renamed", 1)};
static const struct ev_word started[] = {
	EV_WORD("booted", LVD_STARTED_BOOTED), EV_WORD("migrated", LVD_STARTED_MIGRATED),
	EV_WORD("restored", LVD_STARTED_RESTORED), EV_WORD("from-snapshot", 3),
	EV_WORD("wakeup", 4),
};
static const struct ev_word suspended[] = {
	EV_WORD("paused", LVD_SUSPENDED_PAUSED), EV_WORD("migrated", LVD_SUSPENDED_MIGRATED),
	EV_WORD("ioerror", LVD_SUSPENDED_IOERROR), EV_WORD("watchdog", LVD_SUSPENDED_WATCHDOG),
	EV_WORD("restored", 4), EV_WORD("from-snapshot", 5),
	EV_WORD("api-error", LVD_SUSPENDED_API_ERROR), EV_WORD("postcopy", LVD_SUSPENDED_POSTCOPY),
	EV_WORD("postcopy-failed", LVD_SUSPENDED_POSTCOPY_FAILED),
};
static const struct ev_word resumed[] = {
	EV_WORD("unpaused", LVD_RESUMED_UNPAUSED), EV_WORD("migrated", LVD_RESUMED_MIGRATED),
	EV_WORD("from-snapshot", 2), EV_WORD("postcopy", LVD_RESUMED_POSTCOPY),
	EV_WORD("postcopy-failed", LVD_RESUMED_POSTCOPY_FAILED),
};
static const struct ev_word stopped[] = {
	EV_WORD("shutdown", LVD_STOPPED_SHUTDOWN), EV_WORD("destroyed", LVD_STOPPED_DESTROYED),
	EV_WORD("crashed", LVD_STOPPED_CRASHED), EV_WORD("migrated", LVD_STOPPED_MIGRATED),
	EV_WORD("saved", LVD_STOPPED_SAVED), EV_WORD("failed", LVD_STOPPED_FAILED),
	EV_WORD("from-snapshot", LVD_STOPPED_FROM_SNAPSHOT),
};
static const struct ev_word shutdown_details[] = {
	EV_WORD("finished", 0), EV_WORD("guest", 1), EV_WORD("host", 2),
};
static const struct ev_word pmsuspended[] = {EV_WORD("memory", 0), EV_WORD("disk", 1)};
static const struct ev_word crashed[] = {EV_WORD("panicked", 0), EV_WORD("crashloaded", 1)};
static const struct {
	const struct ev_word *list;
	unsigned n;
} details[] = {
#define DETAILS(list) {list, FM_ARRAY_LEN(list)}
	[LVL_DEFINED] = DETAILS(defined), [LVL_UNDEFINED] = DETAILS(undefined),
	[LVL_STARTED] = DETAILS(started), [LVL_SUSPENDED] = DETAILS(suspended),
	[LVL_RESUMED] = DETAILS(resumed), [LVL_STOPPED] = DETAILS(stopped),
	[LVL_SHUTDOWN] = DETAILS(shutdown_details), [LVL_PMSUSPENDED] = DETAILS(pmsuspended),
	[LVL_CRASHED] = DETAILS(crashed),
#undef DETAILS
};
/* Both with a hyphen, as the record format has it, and with libvirt's own underscore. */
static const struct ev_word operations[] = {
	EV_WORD("unknown", LVJ_OP_UNKNOWN), EV_WORD("start", LVJ_OP_START),
	EV_WORD("save", LVJ_OP_SAVE), EV_WORD("restore", LVJ_OP_RESTORE),
	EV_WORD("migration-in", LVJ_OP_MIGRATION_IN), EV_WORD("migration_in", LVJ_OP_MIGRATION_IN),
	EV_WORD("migration-out", LVJ_OP_MIGRATION_OUT),
	EV_WORD("migration_out", LVJ_OP_MIGRATION_OUT), EV_WORD("snapshot", LVJ_OP_SNAPSHOT),
	EV_WORD("snapshot-revert", LVJ_OP_SNAPSHOT_REVERT),
	EV_WORD("snapshot_revert", LVJ_OP_SNAPSHOT_REVERT), EV_WORD("dump", LVJ_OP_DUMP),
	EV_WORD("backup", LVJ_OP_BACKUP), EV_WORD("snapshot-delete", 10),
	EV_WORD("snapshot_delete", 10),
};
static const struct ev_word states[] = {
	EV_WORD("nostate", LVS_NOSTATE), EV_WORD("running", LVS_RUNNING),
	EV_WORD("blocked", LVS_BLOCKED), EV_WORD("paused", LVS_PAUSED),
	EV_WORD("shutdown", LVS_SHUTDOWN), EV_WORD("shutoff", LVS_SHUTOFF),
	EV_WORD("crashed", LVS_CRASHED), EV_WORD("pmsuspended", LVS_PMSUSPENDED),
};
static const struct ev_word closes[] = {
	EV_WORD("error", LVC_ERROR), EV_WORD("eof", LVC_EOF), EV_WORD("keepalive", LVC_KEEPALIVE),
	EV_WORD("client", LVC_CLIENT),
};
static const struct ev_word watchdog_actions[] = {
	EV_WORD("none", 0), EV_WORD("pause", 1), EV_WORD("reset", 2), EV_WORD("poweroff", 3),
	EV_WORD("shutdown", 4), EV_WORD("debug", 5), EV_WORD("inject-nmi", 6),
};
/* QEMU's own words for the same three actions included. */
static const struct ev_word io_actions[] = {
	EV_WORD("none", 0), EV_WORD("pause", 1), EV_WORD("report", 2), EV_WORD("ignore", 0),
	EV_WORD("stop", 1),
};
static const struct ev_word block_types[] = {
	EV_WORD("unknown", 0), EV_WORD("pull", 1), EV_WORD("copy", 2), EV_WORD("commit", 3),
	EV_WORD("active-commit", 4), EV_WORD("backup", 5),
};
static const struct ev_word block_statuses[] = {
	EV_WORD("completed", 0), EV_WORD("failed", 1), EV_WORD("canceled", 2), EV_WORD("ready", 3),
};
static const struct ev_word agent_states[] = {
	EV_WORD("connected", 1), EV_WORD("disconnected", 2),
};
static const struct ev_word agent_reasons[] = {
	EV_WORD("unknown", 0), EV_WORD("domain-started", 1), EV_WORD("channel", 2),
};
static const struct ev_word memory_recipients[] = {
	EV_WORD("hypervisor", 0), EV_WORD("guest", 1),
};
static const struct ev_word memory_actions[] = {
	EV_WORD("ignore", 0), EV_WORD("inject", 1), EV_WORD("fatal", 2), EV_WORD("reset", 3),
};
static const struct ev_word qmp_events[] = {
	EV_WORD("STOP", QMP_STOP), EV_WORD("RESUME", QMP_RESUME),
	EV_WORD("MIGRATION", QMP_MIGRATION_OTHER), EV_WORD("BLOCK_IO_ERROR", QMP_BLOCK_IO_ERROR),
	EV_WORD("MIGRATION_PASS", QMP_MIGRATION_PASS),
};
static const struct ev_word migration_statuses[] = {
	EV_WORD("setup", QMP_MIGRATION_SETUP), EV_WORD("active", QMP_MIGRATION_ACTIVE),
	EV_WORD("pre-switchover", QMP_MIGRATION_PRE_SWITCHOVER),
	EV_WORD("device", QMP_MIGRATION_DEVICE),
	EV_WORD("postcopy-active", QMP_MIGRATION_POSTCOPY_ACTIVE),
	EV_WORD("postcopy-paused", QMP_MIGRATION_POSTCOPY_PAUSED),
	EV_WORD("completed", QMP_MIGRATION_COMPLETED), EV_WORD("failed", QMP_MIGRATION_FAILED),
	EV_WORD("cancelling", QMP_MIGRATION_CANCELLING),
	EV_WORD("cancelled", QMP_MIGRATION_CANCELLED),
};

static const struct ev_word params_members[] = {
#define FM_X(id, name) EV_WORD(name, P_##id),
	LV_PARAMS(FM_X)
#undef FM_X
};
static const struct ev_word data_members[] = {
#define FM_X(id, name) EV_WORD(name, Q_##id),
	LV_DATA(FM_X)
#undef FM_X
};

void
lv_words_init(struct lv_words *w)
{
#define INIT(field, list) ev_words_init(&w->field, list, FM_ARRAY_LEN(list))
	INIT(kind, kinds);
	INIT(event, events);
	INIT(lifecycle, lifecycles);
	for (unsigned i = 0; i < FM_ARRAY_LEN(details); i++)
		ev_words_init(&w->detail[i], details[i].list, details[i].n);
	INIT(operation, operations);
	INIT(state, states);
	INIT(close, closes);
	INIT(qmp, qmp_events);
	INIT(migration, migration_statuses);
	INIT(watchdog, watchdog_actions);
	INIT(io_action, io_actions);
	INIT(block_type, block_types);
	INIT(block_status, block_statuses);
	INIT(agent_state, agent_states);
	INIT(agent_reason, agent_reasons);
	INIT(memory_recipient, memory_recipients);
	INIT(memory_action, memory_actions);
	INIT(params, params_members);
	INIT(data, data_members);
#undef INIT
}

struct fm_str
lv_event_name(enum lv_event event)
{
	return (struct fm_str){events[event].s, events[event].len};
}
