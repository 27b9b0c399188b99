/*
 * lookup_priv: topic metadata, and the ends of logs, without blocking the main thread. Private to
 * this folder.
 *
 * rd_kafka_metadata() and rd_kafka_query_watermark_offsets() wait for a broker and librdkafka 2.0.2
 * has no asynchronous form, so one thread does nothing but call them. It shares an eventfd for
 * questions and one atomic slot for each kind of question and answer; see docs/adr/0007.
 *
 * The same thread nudges: before 2.2.0, a broker's thread that found its queues full looks again
 * only after up to a second, however soon they are empty, unless a request passes through it.
 */
#ifndef FM_KAFKA_LOOKUP_PRIV_H
#define FM_KAFKA_LOOKUP_PRIV_H

#include "base/base.h"

#include <librdkafka/rdkafka.h>

struct lookup;

struct lookup_answer {
	rd_kafka_resp_err_t code;               /* md is NULL unless 0 */
	const struct rd_kafka_metadata *md;     /* of the topics with a local handle */
};

/* The first offset of a log, and the one after its last; only where code is 0. */
struct lookup_extent {
	const char *topic;                      /* borrowed: outlives the look-up */
	int32_t partition;
	rd_kafka_resp_err_t code;
	int64_t low, high;
};
struct lookup_extents {
	unsigned n;
	struct lookup_extent v[];
};

/* wake_fd, an eventfd, is written when an answer is there. rk must outlive the look-up. */
int lookup_new(rd_kafka_t *rk, int wake_fd, struct lookup **ret, struct fm_err *err) FM_MUST_USE;
void lookup_free(struct lookup *lk);    /* waits at most for a call's time-out (a second) */
void lookup_ask(struct lookup *lk);
/* NULL when there is none; lookup_answer_free frees. */
struct lookup_answer *lookup_take(struct lookup *lk);
void lookup_answer_free(struct lookup_answer *a);
/* Takes x over. Answered by lookup_take_extents with the same x; a newer question replaces it. */
void lookup_ask_extents(struct lookup *lk, struct lookup_extents *x);
struct lookup_extents *lookup_take_extents(struct lookup *lk);  /* NULL when there is none; free */
/* Has the thread of that partition's leader look at its queues now. topic outlives the look-up. */
void lookup_nudge(struct lookup *lk, const char *topic, int32_t partition);

#endif
