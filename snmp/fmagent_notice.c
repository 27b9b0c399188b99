/*
 * From a stored transition to what a target is told in the wrs profile: which notification, with
 * which values, or that it is none of this target's business. Pure; main thread. How the values
 * become varbinds is fmagent_wrs.c.
 *
 *   raise, change, shown again    wrsAlarmCritical .. wrsAlarmWarning, by severity
 *   clear                         wrsAlarmClear
 *   from a severity the target wants to one it does not, by a change, or while it was hidden and is
 *   shown again or cleared now: wrsAlarmClear, because a clear that follows some day would not pass the
 *   filter and the alarm would stand there for ever
 *   log                           wrsAlarmMessage
 *   all others                    nothing: the MIB has no words for them. An alarm that is
 *   suppressed after it was announced (re-parenting) stays as it is until its own clear
 */
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "snmp/fmagent_priv.h"

void
fmagent_date(struct fm_time t, uint8_t ret[FMAGENT_DATE_LEN])
{
	time_t sec = (time_t)(t.ns / FM_NS_PER_S);
	struct tm tm;
	fm_assert(gmtime_r(&sec, &tm) != NULL);
	unsigned year = (unsigned)tm.tm_year + 1900u;

	const uint8_t date[FMAGENT_DATE_LEN] = {
		(uint8_t)(year >> 8), (uint8_t)year, (uint8_t)(tm.tm_mon + 1),
		(uint8_t)tm.tm_mday, (uint8_t)tm.tm_hour, (uint8_t)tm.tm_min,
		(uint8_t)tm.tm_sec, (uint8_t)(t.ns % FM_NS_PER_S / (100 * FM_NS_PER_MS)),
		'+', 0, 0,
	};
	memcpy(ret, date, sizeof(date));
}

void
fmagent_copy_text(char *ret, size_t cap, const char *s, size_t len)
{
	static const char mark[] = "...";
	bool whole = len < cap;
	size_t n = whole ? len : fm_utf8_cut(s, len, cap - sizeof(mark));

	memcpy(ret, s, n);
	memcpy(ret + n, mark, whole ? 0 : sizeof(mark) - 1);
	ret[whole ? n : n + sizeof(mark) - 1] = '\0';
}

uint32_t
fmagent_row_index(uint64_t id)
{
	return id == 0 ? 1 : (uint32_t)((id - 1) % INT32_MAX) + 1;
}

/* ---- reading the JSON form -------------------------------------------------------------- */

static const char *
text_of(const json_t *obj, const char *name)
{
	const char *s = json_string_value(json_object_get(obj, name));

	return s != NULL ? s : "";
}

static enum severity
severity_of(const json_t *obj, enum severity missing)
{
	const char *s = text_of(obj, "severity");
	enum severity sev;

	return severity_parse(s, strlen(s), &sev) ? sev : missing;
}

static struct fm_time
time_of(const json_t *al, const char *name, struct fm_time missing)
{
	const char *s = text_of(al, name);
	struct fm_time t;

	return fm_time_parse(s, strlen(s), &t) == 0 ? t : missing;
}

int32_t
fmagent_type_wrs(int type)
{
	return type >= 0 && type <= 10 ? type : 0;
}

static int32_t
type_of(const json_t *al)
{
	const char *s = text_of(al, "alarm_type");
	int type;

	return alarm_type_parse(s, strlen(s), &type) ? fmagent_type_wrs(type) : 0;
}

static int32_t
cause_of(const json_t *al)
{
	const char *s = text_of(al, "probable_cause");
	int cause;

	return probable_cause_parse(s, strlen(s), &cause) ? probable_cause_wrs(cause) : 0;
}

/* ---- which notification ------------------------------------------------------------------ */

static enum fmagent_trap
trap_of(enum severity sev)
{
	switch (sev) {
	case SEV_CRITICAL:
		return FMAGENT_TRAP_CRITICAL;
	case SEV_MAJOR:
		return FMAGENT_TRAP_MAJOR;
	case SEV_MINOR:
		return FMAGENT_TRAP_MINOR;
	case SEV_WARNING:
	case SEV_NONE:
		break;
	}
	return FMAGENT_TRAP_WARNING;
}

/*
 * What is announced, and which time of the alarm is its own: a late announcement carries the time of
 * the raise.
 */
static const struct {
	bool is_announced;
	const char *time;               /* member; NULL: the transition's */
} kinds[TR_N_KINDS] = {
	[TR_RAISE] = {true, "raised_at"}, [TR_UNSUPPRESS] = {true, "raised_at"},
	[TR_UNSHELVE] = {true, "raised_at"}, [TR_CHANGE] = {true, "changed_at"},
	[TR_CLEAR] = {true, "cleared_at"}, [TR_LOG] = {true, NULL},
};

bool
fmagent_is_announcement(enum transition_kind kind)
{
	return kind < TR_N_KINDS && kinds[kind].is_announced;
}

/* False: the target does not want it. */
static bool
choose(enum transition_kind kind, const json_t *body, enum severity sev,
       const struct fmagent_filter *f, enum fmagent_trap *ret)
{
	bool wanted = sev >= f->min_severity;
	enum severity before = severity_of(json_object_get(body, "previous"), sev);

	if (kind == TR_LOG) {
		*ret = FMAGENT_TRAP_MESSAGE;
		return wanted && f->logs;
	}
	if (!wanted) {
		*ret = FMAGENT_TRAP_CLEAR;
		return before >= f->min_severity;
	}
	*ret = kind == TR_CLEAR ? FMAGENT_TRAP_CLEAR : trap_of(sev);
	return wanted;
}

/* ---- the values -------------------------------------------------------------------------- */

static struct fm_time
when(const struct stored_transition *tr, const json_t *al)
{
	const char *member = kinds[tr->kind].time;

	return member != NULL ? time_of(al, member, tr->at) : tr->at;
}

void
fmagent_entity(struct fm_buf *ret, const char *entity, const struct fmagent_filter *f)
{
	if (f->region != NULL)
		fm_buf_addf(ret, "region=%s.", f->region);
	if (f->system != NULL)
		fm_buf_addf(ret, "system=%s.", f->system);
	fm_buf_adds(ret, entity);
}

bool
fmagent_values_json(const struct stored_transition *tr, const struct json_t *al,
		    struct fmagent_values *ret)
{
	if (!json_is_object(al))
		return false;
	*ret = (struct fmagent_values){
		.uuid = tr->uuid, .alarm_id = tr->alarm_id, .entity = tr->entity,
		.reason = text_of(al, "reason_text"),
		.repair = text_of(al, "proposed_repair_action"), .at = when(tr, al),
		.severity = (int32_t)severity_of(al, SEV_NONE), .type = type_of(al),
		.cause = cause_of(al),
		.service_affecting = json_is_true(json_object_get(al, "service_affecting")),
		.suppressible = json_is_true(json_object_get(al, "suppression")),
	};
	return true;
}

static void
fill(struct fmagent_notice *n, const struct stored_transition *tr, const json_t *al,
     const struct fmagent_filter *f)
{
	struct fmagent_values v;
	struct fm_buf entity = {0};
	size_t id_len = strlen(tr->alarm_id);

	fm_assert(fmagent_values_json(tr, al, &v));
	n->seq = tr->seq;
	/* A message is about no row, and 0 is the number of none. */
	n->index = n->trap == FMAGENT_TRAP_MESSAGE ? 0 :
		fmagent_row_index((uint64_t)json_integer_value(json_object_get(al, "id")));
	fm_uuid_format(&v.uuid, n->uuid);
	/* No mark here: the id is a key, and all of ours fit. */
	snprintf(n->alarm_id, sizeof(n->alarm_id), "%.*s",
		 (int)fm_utf8_cut(v.alarm_id, id_len, FMAGENT_MAX_ID), v.alarm_id);
	fmagent_entity(&entity, v.entity, f);
	fmagent_copy_text(n->entity, sizeof(n->entity), entity.s, entity.len);
	fm_buf_fini(&entity);
	fmagent_copy_text(n->reason, sizeof(n->reason), v.reason, strlen(v.reason));
	fmagent_copy_text(n->repair, sizeof(n->repair), v.repair, strlen(v.repair));
	fmagent_date(v.at, n->date);
	n->severity = v.severity;
	n->type = v.type;
	n->cause = v.cause;
	n->service_affecting = v.service_affecting;
	n->suppressible = v.suppressible;
}

int
fmagent_notice_make(const struct stored_transition *tr, const struct fmagent_filter *f,
		    struct fmagent_notice *ret)
{
	if (!tr->notify || !fmagent_is_announcement(tr->kind))
		return 1;

	json_t *body = json_loadb(tr->json, tr->len, 0, NULL);
	const json_t *al = json_object_get(body, "alarm");
	int rc = json_is_object(al) ? 0 : -EBADMSG;
	enum fmagent_trap trap;

	if (rc == 0 && !choose(tr->kind, body, severity_of(al, SEV_NONE), f, &trap))
		rc = 1;
	if (rc == 0) {
		memset(ret, 0, sizeof(*ret));
		ret->trap = trap;
		fill(ret, tr, al, f);
	}
	json_decref(body);
	return rc;
}
