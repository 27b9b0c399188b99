/*
 * rows: what the correlator asks the store to keep, as flat values. Each kind of row is one
 * X-macro list; the struct, the SQL schema, the binding and the reading all come from it
 * (store/ includes the lists again), so the two sides cannot drift apart.
 *
 * Column kinds: U64, I64 (INTEGER), TEXT (const char *, NULL allowed), BLOB (struct fm_blob).
 * The first FM_ROW_KEYS_* columns are the primary key.
 *
 * Ownership: strings and blobs are borrowed for the call that hands the row over.
 * Thread: any.
 */
#ifndef FM_ROWS_H
#define FM_ROWS_H

#include "alarm/alarm.h"

struct fm_blob {
	const void *p;
	uint32_t len;
};

#define FM_CTYPE_U64 uint64_t
#define FM_CTYPE_I64 int64_t
#define FM_CTYPE_TEXT const char *
#define FM_CTYPE_BLOB struct fm_blob

/* One virtual machine and its (at most one) open or last migration attempt. Times in ns. */
#define FM_ROW_INSTANCE(X) \
	X(TEXT, uuid) X(TEXT, name) X(TEXT, tenant) X(TEXT, tenant_name) X(TEXT, owner) \
	X(I64, vm_state) X(I64, task) X(I64, power) X(I64, lv_state) X(I64, op) X(I64, flags) \
	X(I64, state_since) X(I64, deleted_at) \
	X(I64, limit_s) X(I64, downtime_limit_ms) X(I64, memory_mb) X(TEXT, fault) \
	X(I64, at_no) X(I64, at_phase) X(I64, at_flags) X(TEXT, at_src) X(TEXT, at_dst) \
	X(I64, at_start) X(I64, at_start_stamp) X(I64, at_end) X(I64, at_end_stamp) \
	X(I64, at_suspended) X(I64, at_resumed) X(I64, at_downtime_ms) X(I64, at_method) \
	X(TEXT, at_initiator) X(TEXT, at_reason) X(BLOB, recent) \
	X(TEXT, main_fact) X(I64, held_facts) X(I64, at_paused_at) X(I64, at_paused_ms)
#define FM_ROW_KEYS_INSTANCE 1

/* One compute host. windows: anti-replay state of its bridge's sequence numbers. */
#define FM_ROW_HOST(X) \
	X(TEXT, name) X(TEXT, host_uuid) X(TEXT, aliases) X(I64, flags) X(I64, changed_at) \
	X(I64, last_heard) X(I64, clock_offset_ns) X(I64, clock_samples) X(TEXT, boot) \
	X(U64, seq_base) X(U64, seq_max) X(U64, seq_count) X(BLOB, windows) \
	X(U64, seq_healed) X(I64, link_lost_at) X(I64, nova_seen)
#define FM_ROW_KEYS_HOST 1

/* One alarm, active or cleared but not yet purged. extra: rule slot state of the correlator. */
#define FM_ROW_ALARM(X) \
	X(TEXT, alarm_id) X(TEXT, entity) X(U64, id) X(TEXT, uuid) X(TEXT, entity_type_id) \
	X(I64, cleared) X(I64, severity) X(TEXT, reason_text) X(I64, type) X(I64, cause) \
	X(TEXT, repair) X(I64, flags) X(I64, mgmt_threshold) X(I64, degrade_threshold) \
	X(I64, raised_at) X(I64, changed_at) X(I64, cleared_at) X(U64, count) X(I64, oper) \
	X(TEXT, acked_by) X(I64, status) X(TEXT, suppressed_by) X(TEXT, root_cause) \
	X(I64, children) X(I64, shelved_until) X(TEXT, attrs) X(U64, catalogue) X(I64, origin) \
	X(TEXT, host) X(TEXT, instance) X(I64, rule) X(I64, step) X(I64, slot) X(TEXT, maintenance)
#define FM_ROW_KEYS_ALARM 2

/* A deadline: kind and subject name it, order_no breaks ties by arming order. */
#define FM_ROW_DEADLINE(X) \
	X(I64, kind) X(TEXT, subject) X(I64, due) X(U64, order_no) X(TEXT, detail)
#define FM_ROW_KEYS_DEADLINE 2

/* Named pieces of correlator state: counters, pages of groups' members, chunks of the id cache, pages of
 * instances' stamps, operators' maintenance windows. */
#define FM_ROW_KEPT(X) X(TEXT, name) X(I64, num) X(BLOB, body)
#define FM_ROW_KEYS_KEPT 1

#define FM_ROW_KINDS(X) X(INSTANCE, instance) X(HOST, host) X(ALARM, alarm) \
	X(DEADLINE, deadline) X(KEPT, kept)

#define FM_FIELD(kind, name) FM_CTYPE_##kind name;
struct row_instance { FM_ROW_INSTANCE(FM_FIELD) };
struct row_host { FM_ROW_HOST(FM_FIELD) };
struct row_alarm { FM_ROW_ALARM(FM_FIELD) };
struct row_deadline { FM_ROW_DEADLINE(FM_FIELD) };
struct row_kept { FM_ROW_KEPT(FM_FIELD) };
#undef FM_FIELD

enum row_kind {
#define FM_X(id, name) ROW_##id,
	FM_ROW_KINDS(FM_X)
#undef FM_X
	ROW_N_KINDS
};

/* A row to keep (or, with deleted set, to forget: only the key columns count). */
struct row {
	enum row_kind kind;
	bool deleted;
	union {
		struct row_instance instance;
		struct row_host host;
		struct row_alarm alarm;
		struct row_deadline deadline;
		struct row_kept kept;
	} u;
};
typedef void row_sink_f(void *ctx, const struct row *row);

/* Bits of row_alarm.flags. */
#define ROW_ALARM_SERVICE_AFFECTING 1
#define ROW_ALARM_SUPPRESSIBLE 2
#define ROW_ALARM_INHIBITS 4
#define ROW_ALARM_ANNOUNCED 8
#define ROW_ALARM_UNTOLD 16
#define ROW_ALARM_TOLD_SHIFT 5          /* three bits: the severity told last */
#define ROW_ALARM_TOLD_MASK 7

/*
 * Attributes as one line of text, appended to ret, and back:
 * "downtime_ms#1300\x1fsource_host=compute-0". NULL reads as no attributes.
 * attrs_decode borrows names and text from a copy of s that it puts into arena.
 */
void attrs_encode(const struct attr *attrs, unsigned n, struct fm_buf *ret);
unsigned attrs_decode(const char *s, struct fm_arena *arena, struct attr *ret, unsigned max);

#endif
