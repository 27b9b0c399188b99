/*
 * alarm: the nouns. Severity, type, cause, entity path, alarm, transition, cause of a
 * transition. Values only; who decides is correlator/, who keeps is store/.
 *
 * Words and numbers of severity, alarm type and probable cause are those of StarlingX FM
 * (fmAPI.h, constants.py), so that its users' scripts and MIB values keep their meaning; the
 * life cycle follows RFC 8632: "cleared" is a flag beside the severity, the last severity
 * survives the clear, and resource, operator and administrator states are independent.
 *
 * Thread: any (pure). Strings in these structs are borrowed unless a function says otherwise.
 */
#ifndef FM_ALARM_H
#define FM_ALARM_H

#include "base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- words (alarm/words.def) ------------------------------------------------------- */

/*
 * Printers give the first word of their list for a number out of range; parsers take exactly the
 * words that are printed.
 */

/* Larger is worse. Numbers as in StarlingX and WRS-ALARM-MIB (0 is "not-applicable" there). */
enum severity {
	SEV_NONE = 0,
	SEV_WARNING = 1,
	SEV_MINOR = 2,
	SEV_MAJOR = 3,
	SEV_CRITICAL = 4,
};
#define FM_N_SEVERITIES 5

const char *severity_name(enum severity sev);           /* "critical"; SEV_NONE: "not-applicable" */
bool severity_parse(const char *s, size_t len, enum severity *ret);

/* X.733 event types with StarlingX's numbers, 0..10. */
const char *alarm_type_name(int type);                  /* "processing-error" */
bool alarm_type_parse(const char *s, size_t len, int *ret);

/* 0..77 as StarlingX; FM_CAUSE_UNKNOWN stands for its word "unknown", which has no number. */
#define FM_CAUSE_UNKNOWN 78
const char *probable_cause_name(int cause);
bool probable_cause_parse(const char *s, size_t len, int *ret);
/* The number WRS-ALARM-MIB can carry (0..74): 75 and above become 0, not-applicable. */
int probable_cause_wrs(int cause);

/* ---- entity path -------------------------------------------------------------------- */

#define FM_MAX_ALARM_ID 15
#define FM_MAX_ENTITY 1024
#define FM_MAX_TEXT 4096
#define FM_ALARM_MAX_ATTRS 12

/*
 * An entity instance is a path of key=value segments joined by dots: "tenant=a.instance=b". A
 * value may hold dots itself (an FQDN): a new segment starts only where a dot is followed by
 * "name=". Words without "=" (some catalogue entries have them) form one segment without key.
 */
struct entity_segment {
	struct fm_str key;      /* len 0: no key */
	struct fm_str value;
};
#define FM_MAX_SEGMENTS 16
/* Returns the number of segments, or -EINVAL (empty, control bytes, too long, too many). */
int entity_parse(const char *s, size_t len, struct entity_segment seg[FM_MAX_SEGMENTS]);
/* True when a is b or an ancestor of b, by whole segments: host=c-1 never covers host=c-10. */
bool entity_covers(const char *a, const char *b);
/* The value of the first segment with this key; .p NULL when there is none. */
struct fm_str entity_get(const char *entity, const char *key);
/*
 * Appends to ret "tenant.instance" for "tenant=a.instance=b", the entity type StarlingX writes; a
 * segment without key stands for itself.
 */
void entity_type(const char *entity, struct fm_buf *ret);

/* ---- attributes --------------------------------------------------------------------- */

/* A typed value that travels with an alarm: downtime_ms=1300, source_host="compute-0". */
struct attr {
	const char *name;
	const char *text;       /* NULL: the value is num */
	int64_t num;
};

/* ---- alarm -------------------------------------------------------------------------- */

enum operator_state { OPER_NONE = 0, OPER_ACKED = 1 };

/* Why an active alarm is not announced; derived, never set by hand (DESIGN §7.3). */
enum suppression_status {
	SUPPR_NONE = 0,         /* announced */
	SUPPR_HELD = 1,         /* waiting for its cause to show before it is announced */
	SUPPR_PARENT = 2,       /* a suppressor or inhibitor covers it: suppressed_by */
	SUPPR_SHELVED = 3,
	SUPPR_OPERATOR = 4,     /* its alarm id is suppressed by an operator */
	SUPPR_WINDOW = 5,       /* a maintenance window covers it: window */
};
/*
 * "unsuppressed", "held", "masked" (by a parent), "shelved", "suppressed" (by an operator),
 * "maintenance" (by a window)
 */
const char *suppression_status_name(enum suppression_status s);
/* "none", "acknowledged" */
const char *operator_state_name(enum operator_state s);

struct alarm {
	uint64_t id;            /* counts per stream, never reused; the SNMP row index */
	struct fm_uuid uuid;    /* one per occurrence: raise and clear carry the same */
	const char *alarm_id;
	const char *entity_type_id;
	const char *entity;     /* entity_instance_id */
	bool cleared;
	enum severity severity; /* survives the clear */
	const char *reason_text;
	int type, cause;
	const char *repair;
	bool service_affecting;
	bool suppressible;      /* StarlingX "suppression": may be masked by a higher alarm */
	bool inhibits;          /* masks suppressible alarms below its entity */
	enum severity mgmt_threshold, degrade_threshold;   /* SEV_NONE: never affecting */
	struct fm_time raised_at, changed_at, cleared_at;
	uint64_t count;         /* sets of the same content, the first included */
	enum operator_state oper;
	const char *acked_by;
	enum suppression_status status;
	struct fm_uuid suppressed_by;   /* uuid of the alarm; null otherwise */
	struct fm_uuid root_cause;      /* uuid of the parent alarm; null: none */
	uint32_t children;              /* alarms whose root_cause this is */
	struct fm_time shelved_until;   /* 0: not shelved */
	const char *window;             /* name of the maintenance window; NULL: none hides it */
	bool announced;                 /* the outside has been told of this occurrence */
	bool untold;                    /* … but not of a change that came while it was hidden */
	enum severity told;             /* the severity it was told last; SEV_NONE: none, or not known */
	struct attr attrs[FM_ALARM_MAX_ATTRS];
	unsigned n_attrs;
	uint64_t catalogue;             /* hash of the catalogue it was raised under */
	uint8_t origin;                 /* enum alarm_origin */
};

enum alarm_origin { ALARM_BY_RULE = 0, ALARM_BY_REQUEST = 1, ALARM_BY_SELF = 2 };

static inline bool alarm_mgmt_affecting(const struct alarm *al)
{
	return al->mgmt_threshold != SEV_NONE && al->severity >= al->mgmt_threshold;
}
static inline bool alarm_degrade_affecting(const struct alarm *al)
{
	return al->degrade_threshold != SEV_NONE && al->severity >= al->degrade_threshold;
}

/*
 * Version 5 UUID (RFC 4122 §4.3) over alarm id, entity, raise time and occurrence number:
 * the same records give the same UUIDs, so a replay is byte-identical.
 */
struct fm_uuid alarm_uuid(const char *alarm_id, const char *entity, struct fm_time raised_at,
			  uint64_t occurrence);

/* ---- transition --------------------------------------------------------------------- */

#define TRANSITION_KINDS(X) \
	X(RAISE, "raise") X(CHANGE, "change") X(CLEAR, "clear") X(ACK, "ack") X(UNACK, "unack") \
	X(SHELVE, "shelve") X(UNSHELVE, "unshelve") X(SUPPRESS, "suppress") \
	X(UNSUPPRESS, "unsuppress") X(PURGE, "purge") X(LOG, "log") X(GAP, "gap") \
	X(LIST_REBUILT, "list-rebuilt") X(HEARTBEAT, "heartbeat")

enum transition_kind {
#define FM_X(id, name) TR_##id,
	TRANSITION_KINDS(FM_X)
#undef FM_X
	TR_N_KINDS
};
const char *transition_kind_name(enum transition_kind kind);
bool transition_kind_parse(const char *s, size_t len, enum transition_kind *ret);

/* What made a transition happen; enough for "fm explain" to point at it. */
enum cause_kind {
	CAUSE_RECORD = 0,       /* a record: topic, partition, offset, event type, its own time */
	CAUSE_DEADLINE = 1,     /* a deadline that fell due: which one */
	CAUSE_COMMAND = 2,      /* an operator: verb and user */
	CAUSE_RELATION = 3,     /* another alarm: parent */
	CAUSE_SELF = 4,         /* fmd itself */
};
const char *cause_kind_name(enum cause_kind kind);

struct transition_cause {
	enum cause_kind kind;
	const char *topic;      /* record (also the record behind a relation) */
	int32_t partition;
	int64_t offset;
	const char *event;      /* record: event type; deadline: its name; command: verb */
	struct fm_time event_time;
	const char *user;       /* command */
	const char *rule;       /* "700.008 While instance.migrating" */
	uint32_t rule_line;     /* in the catalogue, 0: none */
	struct fm_uuid parent;  /* relation, or the suppressor */
	uint64_t catalogue;     /* hash */
};

#define PREV_SEVERITY 1u
#define PREV_TEXT 2u
#define PREV_STATUS 4u
#define PREV_PARENT 8u          /* root_cause */
#define PREV_SUPPRESSOR 16u
#define PREV_WINDOW 32u
#define PREV_STALE 64u          /* attribute stale_since: came or went */
#define PREV_MOVED 128u         /* attribute moved */

struct transition {
	uint64_t seq;           /* given when it is stored; no gap, no reuse (P4) */
	enum transition_kind kind;
	struct fm_time at;      /* logical time: the due time for a deadline */
	bool notify;            /* to be announced; false for what is held or suppressed */
	struct alarm alarm;     /* as it is afterwards; for a log: the log's fields */
	/* Which of the following changed; of a clear and of what is shown again: since it was told. */
	unsigned prev_mask;
	enum severity prev_severity;
	const char *prev_text;
	enum suppression_status prev_status;
	struct fm_uuid prev_root_cause, prev_suppressed_by;
	const char *prev_window;
	const char *prev_stale;         /* NULL: it was up to date */
	int64_t prev_moved;
	struct transition_cause cause;
};

#ifdef __cplusplus
}
#endif
#endif
