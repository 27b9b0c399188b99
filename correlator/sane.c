/*
 * sane: whether a row can have been written by fmd. A page that was damaged on the disk may still be
 * a page to SQLite, with other values in it; what depends on these values being in range need not
 * ask again. What a row says otherwise is believed, sources' own stamps above all: they may be anything.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

/* Logical times, far enough from the ends for every span that is added or taken off. */
#define LAST_TIME (250LL * 366 * 24 * 3600 * FM_NS_PER_S)
#define FIRST_TIME (-LAST_TIME)

/* Of stamps: twelve million instances. */
#define LAST_PAGE 100000

struct bound {
	enum row_kind kind;
	size_t at;
	int64_t min, max;
};
#define FM_B(id, column, min, max) {ROW_##id, offsetof(struct row, u.column), (min), (max)}

static const struct bound bounds[] = {
	FM_B(INSTANCE, instance.vm_state, 0, VM_N - 1),
	FM_B(INSTANCE, instance.task, 0, TASK_OTHER),
	FM_B(INSTANCE, instance.power, 0, POWER_SUSPENDED),
	FM_B(INSTANCE, instance.lv_state, 0, RUN_PMSUSPENDED),
	FM_B(INSTANCE, instance.op, 0, OP_RESIZE_REVERT),
	FM_B(INSTANCE, instance.flags, 0, UINT16_MAX),
	FM_B(INSTANCE, instance.state_since, FIRST_TIME, LAST_TIME),
	FM_B(INSTANCE, instance.deleted_at, FIRST_TIME, LAST_TIME),
	FM_B(INSTANCE, instance.limit_s, INT32_MIN, INT32_MAX),
	FM_B(INSTANCE, instance.downtime_limit_ms, INT32_MIN, INT32_MAX),
	FM_B(INSTANCE, instance.memory_mb, INT32_MIN, INT32_MAX),
	FM_B(INSTANCE, instance.held_facts, 0, UINT8_MAX),
	FM_B(INSTANCE, instance.at_no, 0, UINT32_MAX),
	FM_B(INSTANCE, instance.at_phase, AT_NONE, AT_CLOSED),
	FM_B(INSTANCE, instance.at_flags, 0, UINT32_MAX),
	FM_B(INSTANCE, instance.at_start, FIRST_TIME, LAST_TIME),
	FM_B(INSTANCE, instance.at_end, FIRST_TIME, LAST_TIME),
	FM_B(INSTANCE, instance.at_method, 0, 'E'),
	FM_B(INSTANCE, instance.at_paused_at, FIRST_TIME, LAST_TIME),
	FM_B(INSTANCE, instance.at_paused_ms, 0, LAST_TIME / FM_NS_PER_MS),
	FM_B(HOST, host.flags, 0, UINT32_MAX),
	FM_B(HOST, host.changed_at, FIRST_TIME, LAST_TIME),
	FM_B(HOST, host.last_heard, FIRST_TIME, LAST_TIME),
	FM_B(HOST, host.link_lost_at, FIRST_TIME, LAST_TIME),
	FM_B(HOST, host.nova_seen, FIRST_TIME, LAST_TIME),
	FM_B(HOST, host.clock_samples, 0, UINT32_MAX),
	FM_B(ALARM, alarm.cleared, 0, 1),
	FM_B(ALARM, alarm.severity, SEV_WARNING, SEV_CRITICAL),
	FM_B(ALARM, alarm.type, INT32_MIN, INT32_MAX),
	FM_B(ALARM, alarm.cause, INT32_MIN, INT32_MAX),
	FM_B(ALARM, alarm.mgmt_threshold, SEV_NONE, SEV_CRITICAL),
	FM_B(ALARM, alarm.degrade_threshold, SEV_NONE, SEV_CRITICAL),
	FM_B(ALARM, alarm.raised_at, FIRST_TIME, LAST_TIME),
	FM_B(ALARM, alarm.changed_at, FIRST_TIME, LAST_TIME),
	FM_B(ALARM, alarm.cleared_at, FIRST_TIME, LAST_TIME),
	FM_B(ALARM, alarm.shelved_until, FIRST_TIME, LAST_TIME),
	FM_B(ALARM, alarm.oper, OPER_NONE, OPER_ACKED),
	FM_B(ALARM, alarm.status, SUPPR_NONE, SUPPR_WINDOW),
	FM_B(ALARM, alarm.children, 0, UINT32_MAX),
	FM_B(ALARM, alarm.origin, ALARM_BY_RULE, ALARM_BY_SELF),
	FM_B(ALARM, alarm.step, 0, CAT_MAX_STEPS),
	FM_B(ALARM, alarm.slot, FIRST_TIME, LAST_TIME),
	FM_B(DEADLINE, deadline.kind, 0, DL_N_KINDS - 1),
	FM_B(DEADLINE, deadline.due, FIRST_TIME, LAST_TIME),
};

static bool
in_bounds(const struct row *row)
{
	for (size_t i = 0; i < FM_ARRAY_LEN(bounds); i++) {
		int64_t v;

		if (bounds[i].kind != row->kind)
			continue;
		memcpy(&v, (const char *)row + bounds[i].at, sizeof(v));
		if (v < bounds[i].min || v > bounds[i].max)
			return false;
	}
	return true;
}

/* A name that other rows and the output use. */
static bool
is_name(const char *s, size_t max)
{
	return s != NULL && *s != '\0' && strlen(s) <= max && fm_utf8_valid(s, strlen(s));
}

/* Its detail is times, or the user of a shelf. */
static bool
is_deadline(const struct row_deadline *r)
{
	const char *p = r->kind != DL_SHELF ? r->detail : NULL;

	while (p != NULL && *p != '\0') {
		char *end;
		const long long v = strtoll(p, &end, 10);

		if (end == p || v < FIRST_TIME || v > LAST_TIME)
			return false;
		p = end;
	}
	return r->subject != NULL;
}

/* Numbers that are times, or say how much there is. */
static bool
is_kept(const struct row_kept *r)
{
	if (r->name == NULL)
		return false;
	if (strcmp(r->name, "now") == 0)
		return r->num >= 0 && r->num <= LAST_TIME;
	if (strncmp(r->name, "stamps|", 7) == 0)
		return r->num >= 0 && r->num < LAST_PAGE;
	return true;
}

bool
corr_may_restore(const struct row *row)
{
	switch (row->kind) {
	case ROW_INSTANCE:
		if (row->u.instance.uuid == NULL)
			return false;
		break;
	case ROW_HOST:
		if (!is_name(row->u.host.name, FM_MAX_STRING))
			return false;
		break;
	case ROW_ALARM:
		if (!is_name(row->u.alarm.alarm_id, FM_MAX_ALARM_ID) ||
		    !is_name(row->u.alarm.entity, FM_MAX_ENTITY))
			return false;
		break;
	case ROW_DEADLINE:
		if (!is_deadline(&row->u.deadline))
			return false;
		break;
	case ROW_KEPT:
		return is_kept(&row->u.kept);
	case ROW_N_KINDS:
		return false;
	}
	return in_bounds(row);
}
