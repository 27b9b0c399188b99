/*
 * sink_priv: the parts of the sink. Private to this folder.
 *
 * sink.c owns the producer and the window of transitions, message.c knows what a record looks
 * like on the wire, quarantine.c has the second, smaller window.
 */
#ifndef FM_KAFKA_SINK_PRIV_H
#define FM_KAFKA_SINK_PRIV_H

#include "kafka/kafka.h"

#include <librdkafka/rdkafka.h>

#define WINDOW 8192             /* transitions in flight; a power of two */
#define WINDOW_BYTES (32u << 20)
#define Q_WINDOW 64             /* quarantined records in flight, each kept until delivered */

/* What a delivery report points back to. */
enum ticket_kind { TICKET_TRANSITION, TICKET_QUARANTINE };
struct ticket {
	enum ticket_kind kind;
	uint64_t seq;                   /* or the quarantine id; 0: nothing to acknowledge */
	uint32_t bytes;
	uint8_t awaited;                /* delivery reports still to come */
};

struct q_slot {
	struct ticket ticket;           /* first: reports point to it */
	bool done;
	struct store_quarantine q;      /* owns its strings and body */
};

struct out_topic {
	char *name;
	bool missing;
};
enum { OUT_ALARMS, OUT_TRANSITIONS, OUT_QUARANTINE, OUT_N };

struct kafka_sink {
	struct sink sink;               /* first: what the outbox holds */
	/* immutable */
	char *stream, *source;
	kafka_notice_f *notice;
	void *ctx;
	int fd;
	struct out_topic out[OUT_N];
	rd_kafka_conf_t *conf;          /* each producer is made from a copy */
	/* the producer; replaced when it failed */
	rd_kafka_t *rk;
	rd_kafka_queue_t *events;
	bool failed;
	char why[256];
	/* the window: tickets head .. tail-1, in the order offered */
	struct ticket window[WINDOW];
	uint64_t head, tail;
	uint64_t bytes;
	bool was_full;
	/* the quarantine's */
	struct q_slot q_window[Q_WINDOW];
	uint64_t q_head, q_tail, q_acked;
	struct fm_time q_again_at;
	/* the brokers, as last announced */
	bool said_up, said_down;
	unsigned down_samples;
};

/* message.c: 0 or -EAGAIN (the client's queue is full) or another negative errno. */
int message_transition(struct kafka_sink *ks, const struct stored_transition *tr,
		       struct ticket *t);
int message_alarm(struct kafka_sink *ks, const struct stored_transition *tr, struct ticket *t);
int message_quarantine(struct kafka_sink *ks, const struct store_quarantine *q, struct ticket *t);
/* False for kinds that say nothing about one alarm's state. */
bool message_changes_alarm(const struct stored_transition *tr);

/* quarantine.c */
void quarantine_delivered(struct kafka_sink *ks, struct ticket *t);
void quarantine_failed(struct kafka_sink *ks, struct ticket *t, rd_kafka_resp_err_t code);
void quarantine_again(struct kafka_sink *ks);           /* what failed, from time to time */
void quarantine_new_producer(struct kafka_sink *ks);    /* no report will come from the old one */
void quarantine_free(struct kafka_sink *ks);

#endif
