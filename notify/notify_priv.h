/*
 * notify_priv: what the files of notify/ share: the ring of recent transitions.
 */
#ifndef FM_NOTIFY_PRIV_H
#define FM_NOTIFY_PRIV_H

#include "notify/notify.h"

/* ---- ring.c ---------------------------------------------------------------------- */

struct ring_item {
	struct stored_transition tr;    /* its strings are in the same allocation */
	size_t bytes;
};

/* A run of transitions without holes: item i has seq first + i. */
struct ring {
	struct ring_item **v;           /* circular */
	size_t head, n, cap;
	uint64_t first;                 /* of the oldest item, when n > 0 */
	size_t bytes, max_bytes;
};

void ring_init(struct ring *r, size_t max_bytes);
void ring_fini(struct ring *r);
/* Copies tr. Drops the oldest to stay within max_bytes, and all of them when tr does not follow. */
void ring_push(struct ring *r, const struct stored_transition *tr);
/* NULL when seq is not in the ring. Valid until the next push or drop. */
const struct stored_transition *ring_find(const struct ring *r, uint64_t seq);
void ring_drop_to(struct ring *r, uint64_t seq);        /* seq itself included */

/* ---- backoff.c ------------------------------------------------------------------- */

/* Waiting longer after every failure in a row, each sink at moments of its own. */
struct backoff {
	unsigned failures;              /* since the last success */
	struct fm_time until;           /* 0: not waiting */
};

#define BACKOFF_FIRST_S 1
#define BACKOFF_MOST_S 300

void backoff_failed(struct backoff *b, const char *name, struct fm_time now);
void backoff_succeeded(struct backoff *b);
/* True while it is too early. Also false when the clock went back past what was ever meant. */
bool backoff_waiting(const struct backoff *b, struct fm_time now);

#endif
