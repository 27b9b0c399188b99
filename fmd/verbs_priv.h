/*
 * verbs: one call of a verb of the control protocol, on the main thread. Private to the verbs.
 */
#ifndef FMD_VERBS_PRIV_H
#define FMD_VERBS_PRIV_H

#include "fmd/daemon_priv.h"

#include <jansson.h>

struct verb_call {
	struct daemon *d;
	const struct caller *who;
	const char *user;               /* its name */
	struct ctl_request rq;
	bool audited;                   /* a writing one: its row is written, or in its transaction */
	struct fm_buf *out;             /* of the piece at hand */
	unsigned looked;                /* rows, for it */
	enum verb_state state;
	bool began;
	struct ctl_query *query;
	uint64_t limit, n;              /* 0: no limit; rows given */
	bool suppressed, alarms, logs;
	/* where the next piece begins */
	struct store_query at;
	struct fm_uuid uuid;            /* of at */
	uint64_t quarantine_id, audit_id;
	bool in_cleared;                /* the last alarm given: */
	struct fm_time cleared_at;
	uint64_t alarm_no;
	json_t *result;                 /* what-if: all rows; NULL: none yet */
	size_t given;                   /* of them */
	struct fm_uuid told;            /* explain: the occurrence that the last row was of */
};

/* Ends the answer. error may be NULL. */
void verb_done(struct verb_call *call, enum ctl_code code, const char *error);
/* One row of it; takes row. */
void verb_row(const struct verb_call *call, json_t *row);
/* False: the query or the UUID is wrong and has been answered. */
bool verb_take_query(struct verb_call *call);
bool verb_uuid_arg(struct verb_call *call, struct fm_uuid *ret);
/* After each row looked at. False: the piece is full, or the answer has all it may. */
bool verb_piece_goes_on(struct verb_call *call);
/* When the source has nothing more for this piece: is it the last one? */
bool verb_is_last(const struct verb_call *call);

/* With the audit row, in one transaction. True: it is durable; else it has been answered. */
bool verb_settle(struct verb_call *call, int result, const struct fm_err *err);
/* The end of an answer to a command. */
void verb_answer(struct verb_call *call, int result, const struct fm_err *err);

/* verbs_window.c */
void verb_window_add(struct verb_call *call);
void verb_window_delete(struct verb_call *call);
void verb_window_list(struct verb_call *call);
/* The window that the arguments describe. -EINVAL: they do not; -ENOENT: no such alarm. */
int verb_window_of(const struct verb_call *call, struct fm_time now, struct fm_arena *arena,
		   struct cat_window *ret, struct fm_err *err) FM_MUST_USE;

/* verbs_whatif.c */
void verb_what_if_event(struct verb_call *call);
void verb_what_if_shelf(struct verb_call *call);
void verb_what_if_window(struct verb_call *call);

/* verbs_write.c */
void verb_operate(struct verb_call *call, enum corr_command_kind kind);
void verb_event_suppress(struct verb_call *call, enum corr_command_kind kind);
void verb_resume(struct verb_call *call);
void verb_event_suppress_list(struct verb_call *call);
void verb_unsuppress_all(struct verb_call *call);
void verb_shelf_list(struct verb_call *call);

/* verbs_log.c */
void verb_event_list(struct verb_call *call);
void verb_event_show(struct verb_call *call);
void verb_history(struct verb_call *call);
void verb_watch(struct verb_call *call);
void verb_stats(struct verb_call *call);
void verb_sink_list(struct verb_call *call);
void verb_ledger(struct verb_call *call);
void verb_quarantine_list(struct verb_call *call);
void verb_audit_list(struct verb_call *call);
void verb_version(struct verb_call *call);

#endif
