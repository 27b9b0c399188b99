/*
 * correlator: the pure core. Events, commands and the passage of time go in; transitions and
 * rows to keep come out. No clock, no I/O, no logging, no threads, no global state: a struct
 * correlator is one shard (DESIGN §11).
 *
 * Rules that callers rely on (each is a property test):
 *  1. Output depends on the sequence of inputs only. A deadline fires at its due time, in (due,
 *     arming) order, before the input that carries time past it.
 *  2. Time never goes back: an earlier "at" counts as the latest seen.
 *  3. No failure inside apply and advance: memory exhaustion aborts, bad input was refused by the
 *     decoder. Only operator commands and unknown requests can be refused.
 *  4. Restore: for any cut, run-flush-restore-run gives what run gives.
 *
 * Thread: one at a time (main). Ownership: what a sink is given is borrowed for the call.
 */
#ifndef FM_CORRELATOR_H
#define FM_CORRELATOR_H

#include "alarm/rows.h"
#include "events/catalogue.h"
#include "events/event.h"

struct correlator;

typedef void transition_sink_f(void *ctx, struct transition *tr);

/* cat is borrowed and must outlive the correlator or the next corr_swap_catalogue. */
struct correlator *corr_new(const struct catalogue *cat);
void corr_free(struct correlator *corr);

/* What became of a record: exactly one, for the ledger. */
enum corr_outcome { CORR_APPLIED, CORR_NO_EFFECT, CORR_DUPLICATE, CORR_LATE };

/* Fires every deadline due at or before now and sets the core's time to now. */
void corr_advance(struct correlator *corr, struct fm_time now, transition_sink_f *sink, void *ctx);
/* ev->at and ev->pos are set by the caller. Advances to ev->at first. */
enum corr_outcome corr_apply(struct correlator *corr, const struct event *ev,
			     transition_sink_f *sink, void *ctx);

/*
 * A record of a type that the decoder does not know (it returned 1): advances as corr_apply does, and
 * takes its place in its host's sequence, so that it is not called lost.
 */
void corr_pass(struct correlator *corr, const struct event *ev, transition_sink_f *sink, void *ctx);

enum corr_command_kind { CORR_CMD_CLEAR, CORR_CMD_ACK, CORR_CMD_UNACK, CORR_CMD_SHELVE,
	CORR_CMD_UNSHELVE, CORR_CMD_SUPPRESS, CORR_CMD_UNSUPPRESS, CORR_CMD_WINDOW_ADD,
	CORR_CMD_WINDOW_DELETE };
/*
 * SHELVE hides an active alarm, and its key for all that happens to it, until a time; shelving again
 * moves the time. UNSHELVE also takes the shelf of an alarm that has been cleared meanwhile.
 * SUPPRESS and UNSUPPRESS are about all alarms of an id of the catalogue (only alarm_id is read).
 * WINDOW_ADD adds a maintenance window, which is copied and goes when it has closed for the last time;
 * WINDOW_DELETE ends it before. Those of the catalogue only go with it.
 */
struct corr_command {
	enum corr_command_kind kind;
	struct fm_time at;
	const char *user;
	const char *verb;               /* for the cause: "alarm-delete" */
	const struct fm_uuid *uuid;     /* the alarm, by uuid … */
	const char *alarm_id, *entity;  /* … or by key */
	struct fm_time until;           /* SHELVE: after at */
	const struct cat_window *window;        /* WINDOW_ADD */
	const char *name;               /* WINDOW_DELETE */
};
/*
 * -ENOENT: no such active alarm, shelf, id or window; -EALREADY: nothing to change; -EEXIST: there is a
 * window of that name; -ENOSPC: too many windows; -EINVAL: until.
 */
int corr_operate(struct correlator *corr, const struct corr_command *cmd,
		 transition_sink_f *sink, void *ctx, struct fm_err *err) FM_MUST_USE;

/*
 * fmd's own alarms (990.xxx and the like): set with that text, or clear. Ordinary alarms in
 * every other respect. severity SEV_NONE: the record's.
 */
void corr_self(struct correlator *corr, struct fm_time at, const char *alarm_id, const char *entity,
	       bool set, enum severity severity, const char *text, transition_sink_f *sink,
	       void *ctx);

/*
 * Input that is not heard (P8). While deaf, what falls due because nothing was heard (escalations,
 * migration limits) waits; new records are judged as ever. Not kept: to be said again after a
 * restart. corr_missed: records of so long a time are gone for good; these deadlines and those of
 * hold-on run that much longer.
 */
void corr_set_deaf(struct correlator *corr, bool on);
void corr_missed(struct correlator *corr, struct fm_span missed);

/*
 * The clock that "now" follows was set forward by so much without so much time having passed: every
 * deadline but those of shelves and windows, which are meant by the clock, comes that much later, so
 * that it lasts as long as ever. To be called before the first input by the new clock.
 */
void corr_stepped(struct correlator *corr, struct fm_span by);

/* The next catalogue: rules are linked anew, alarms of vanished records stay and can be cleared. */
void corr_swap_catalogue(struct correlator *corr, const struct catalogue *cat, struct fm_time now,
			 transition_sink_f *sink, void *ctx);

bool corr_next_deadline(const struct correlator *corr, struct fm_time *ret_due);
struct fm_time corr_now(const struct correlator *corr);
uint64_t corr_active(const struct correlator *corr);    /* alarms, suppressed ones included */

/* ---- keeping ---------------------------------------------------------------------------- */

/*
 * True when something has changed that must be in the same transaction as the input positions.
 * Soft changes (sequence windows, the id cache, clock estimates) do not count: they are handed
 * over with the next flush, and until then a restart re-reads the records that made them.
 */
bool corr_dirty(const struct correlator *corr);
/* Hands over every changed row once and forgets that it changed. */
void corr_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
/* False for a row that no core has written: the store is damaged. */
bool corr_may_restore(const struct row *row);
/* One kept row that may be, at the start, kinds in the order of FM_ROW_KINDS. */
void corr_restore(struct correlator *corr, const struct row *row);
/* After the last row: links what rows refer to. now: as kept; 0 for a new store. */
void corr_restored(struct correlator *corr, struct fm_time now);

/*
 * Every row there is, in the order of FM_ROW_KINDS, whether kept or not; nothing is forgotten. A copy is
 * made of them as a restart makes a core, to be asked what would happen; the core takes no part in it.
 * What it costs grows with what is known.
 */
void corr_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx);
struct correlator *corr_copy(const struct correlator *corr);

/* Deadlines armed from now on have at least this number. */
uint64_t corr_order(const struct correlator *corr);
/* In the order in which they fall due. subject: an alarm, instance, host or group as rows name it. */
typedef void corr_deadline_f(void *ctx, const char *kind, const char *subject, struct fm_time due,
			     uint64_t order);
void corr_each_deadline(const struct correlator *corr, corr_deadline_f *f, void *ctx);

/* ---- looking ------------------------------------------------------------------------------ */

/* Return false to stop. Active alarms by id (raise order); with cleared, those not yet purged too. */
typedef bool alarm_visit_f(void *ctx, const struct alarm *al);
void corr_each_alarm(const struct correlator *corr, bool cleared, alarm_visit_f *f, void *ctx);
/* NULL when there is none; borrowed until the next input. */
const struct alarm *corr_find_alarm(const struct correlator *corr, const char *alarm_id,
				    const char *entity);
const struct alarm *corr_find_uuid(const struct correlator *corr, const struct fm_uuid *uuid);

typedef void shelf_visit_f(void *ctx, const char *alarm_id, const char *entity, struct fm_time until,
			   const char *user);
void corr_each_shelf(const struct correlator *corr, shelf_visit_f *f, void *ctx);
/* Those of the catalogue first; user NULL for them. open_now: it covers its alarms. */
typedef void window_visit_f(void *ctx, const struct cat_window *w, const char *user, bool open_now);
void corr_each_window(const struct correlator *corr, window_visit_f *f, void *ctx);

/* Whether an operator has suppressed the id; *ret_user is borrowed until the next input. */
bool corr_suppressed_id(const struct correlator *corr, const char *alarm_id,
			struct fm_time *ret_since, const char **ret_user);
/* An alarm of the catalogue, an active alarm's, or one that is suppressed. */
bool corr_knows_id(const struct correlator *corr, const char *alarm_id);
/* f must not give commands. */
typedef void id_visit_f(void *ctx, const char *alarm_id);
void corr_each_suppressed_id(const struct correlator *corr, id_visit_f *f, void *ctx);

/*
 * Why there is no such alarm: one call for each reason, from what is known now. code is a word of
 * a fixed list (docs/CONTROL.md), text a sentence for a person.
 */
typedef void corr_reason_f(void *ctx, const char *code, const char *text);
void corr_why_not(const struct correlator *corr, const char *alarm_id, const char *entity,
		  corr_reason_f *f, void *ctx);

/* Who is in the group whose active alarm that is, in the order of their entry; name may be NULL. */
typedef void corr_member_f(void *ctx, const struct fm_uuid *instance, const char *name,
			   struct fm_time since);
void corr_each_member(const struct correlator *corr, const struct fm_uuid *alarm, corr_member_f *f,
		      void *ctx);

/* In no order. */
struct corr_host {
	const char *name;
	struct fm_time last_heard;      /* from its libvirt bridge; 0: never */
	uint64_t lost;                  /* records missing by number, and no whole snapshot since */
	struct fm_time lost_since;      /* 0: since before the start */
};
typedef void host_visit_f(void *ctx, const struct corr_host *host);
void corr_each_host(const struct correlator *corr, host_visit_f *f, void *ctx);

struct corr_stats {
	uint64_t active[FM_N_SEVERITIES], suppressed, cleared;
	uint64_t instances, hosts, open_attempts, deadlines;
	uint64_t events, applied, no_effect, duplicate, late, transitions;
	uint64_t lost_upstream;         /* libvirt records missing by sequence number */
	uint64_t refused;               /* requests refused: unknown id, table full */
};
void corr_get_stats(const struct correlator *corr, struct corr_stats *ret);

#endif
