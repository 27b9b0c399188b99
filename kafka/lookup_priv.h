/*
 * lookup_priv: topic metadata without blocking the main thread. Private to this folder.
 *
 * rd_kafka_metadata() waits for a broker and librdkafka 2.0.2 has no asynchronous form, so one
 * thread does nothing but call it. It shares an eventfd for questions and one atomic slot for the
 * answer; see docs/adr/0007.
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

/* wake_fd, an eventfd, is written when an answer is there. rk must outlive the look-up. */
int lookup_new(rd_kafka_t *rk, int wake_fd, struct lookup **ret, struct fm_err *err) FM_MUST_USE;
void lookup_free(struct lookup *lk);    /* waits at most one look-up's time-out (a second) */
void lookup_ask(struct lookup *lk);
/* NULL when there is none; lookup_answer_free frees. */
struct lookup_answer *lookup_take(struct lookup *lk);
void lookup_answer_free(struct lookup_answer *a);

#endif
