/*
 * notify: the outbox. Every sink is a cursor over the transition log plus a few operations; the
 * outbox owns order, retry, back-off and lag, a sink only delivers (DESIGN §10). Nothing is
 * offered before it is committed.
 *
 * Thread: main.
 */
#ifndef FM_NOTIFY_H
#define FM_NOTIFY_H

#include "store/store.h"

struct sink;

struct sink_ops {
	/*
	 * Take one transition for delivery. Returns 0 (taken; its ack will follow), 1 (not for
	 * this sink: counts as delivered), -EAGAIN (full: offer the same again after
	 * outbox_ready) or another negative errno (offer again after the back-off). tr is
	 * borrowed for the call.
	 */
	int (*offer)(struct sink *s, const struct stored_transition *tr);
	/* The offers of one pump are over: send what was gathered. May be NULL. */
	void (*flush)(struct sink *s, struct fm_time now);
	/* What was taken and not acked is forgotten; offers start over after the acked one. */
	void (*reset)(struct sink *s);
	void (*close)(struct sink *s);          /* waits a bounded time for work in flight */
	/* A few words for "fm stats" ("connected", "retrying after timeout"); may be NULL. */
	const char *(*state)(struct sink *s);
};

/* Implementations embed this first; name is unique and stays the same over restarts. */
struct sink {
	const struct sink_ops *ops;
	const char *name;               /* "kafka", "journal", "snmp:noc-1" */
	struct outbox *outbox;          /* set by outbox_add */
	void *slot;                     /* the outbox's own */
};

struct outbox;
struct outbox *outbox_new(struct store *st);
void outbox_free(struct outbox *ob);    /* closes the sinks */

/*
 * Takes the sink over; its name must be new to this outbox. A sink seen for the first time starts
 * after the last transition kept when from_now, else with the oldest kept. One that was left behind
 * by retention (store_trim) is offered the newest transition of each alarm from the store's backlog,
 * and in the place of those between, a gap.
 */
void outbox_add(struct outbox *ob, struct sink *s, bool from_now);

/*
 * Called after a commit with the transitions it made, oldest first (they need not be read back).
 * After a start, or when a sink has fallen behind the ones in memory, they come from the store.
 */
#define OUTBOX_RING_BYTES (16u << 20)   /* in memory, for all sinks together */
void outbox_committed(struct outbox *ob, const struct stored_transition *tr);

/*
 * Offers what can be offered, bounded a call, never while a cycle is open. now: for back-off, which
 * is 1 s at first, doubles up to 5 minutes and ends with the next ack. Returns true
 * when more waits.
 */
bool outbox_pump(struct outbox *ob, struct fm_time now);
/* When to pump again for a back-off's sake; false: no back-off is running. */
bool outbox_next_retry(const struct outbox *ob, struct fm_time *ret);

/* From sinks, main thread only: everything up to seq is delivered / room again / start over. */
void outbox_acked(struct sink *s, uint64_t seq);
void outbox_ready(struct sink *s);
void outbox_failed(struct sink *s, struct fm_time now, const char *why);

/* Cursors that moved since the last call go into the open transaction. Returns 0 or an error. */
int outbox_store_cursors(struct outbox *ob, struct fm_err *err) FM_MUST_USE;
bool outbox_dirty(const struct outbox *ob);
/* The lowest acked seq over the sinks. UINT64_MAX without sinks. */
uint64_t outbox_floor(const struct outbox *ob);
/* For retention: the cursors of all sinks. Borrowed until the next call. */
struct store_readers outbox_readers(struct outbox *ob);

struct sink_stats {
	const char *name, *state;
	uint64_t acked, offered, last_seq;      /* lag = last_seq - acked */
	uint64_t delivered, resets;
	uint64_t refused;               /* failures; that it is full for now is none */
	bool left_behind;               /* has yet to get what retention has coalesced */
	const char *last_error;                 /* since its last delivery; NULL: none */
};
typedef void sink_stats_f(void *ctx, const struct sink_stats *s);
void outbox_each(const struct outbox *ob, sink_stats_f *f, void *ctx);

/*
 * The journal sink: one JSON line a transition to fd, in order. fd stays the caller's, who closes
 * it after outbox_free; it may be a file, opened for appending, and for reading too, or a pipe, blocking
 * or not. In a file a line counts as delivered when it is on the disk, and half a line, by a crash or a
 * full disk, is cut off; when the file may not be read it is ended before the next.
 */
struct sink *journal_sink_new(int fd);

#endif
