/*
 * rig: an embedded broker, a plain producer and consumer on its other side, and a list of the
 * notices that fmd's side gave. Waiting is always for an event, with a bound.
 */
#ifndef TESTS_KAFKA_RIG_H
#define TESTS_KAFKA_RIG_H

#include "kafka/kafka.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RIG_WAITS 3000          /* of 10 ms each: a bound, never reached by a test that passes */
#define RIG_UNUSED __attribute__((unused))

struct rig {
	struct kafka_broker *broker;
	rd_kafka_t *producer;
	unsigned notices[KAFKA_FATAL + 1];
	/* of the last notice about a lost position or a missing topic */
	char last_topic[64], last_text[512];
	int32_t last_partition;
};

static RIG_UNUSED void
rig_notice(void *ctx, enum kafka_notice what, const char *topic, int32_t part, const char *text)
{
	struct rig *rig = ctx;
	if (getenv("RIG_TRACE") != NULL)
		fprintf(stderr, "notice %d %s/%d %s\n", what, topic != NULL ? topic : "-", part, text);
	rig->notices[what]++;
	if (what != KAFKA_POSITION_LOST && what != KAFKA_TOPIC_MISSING)
		return;
	snprintf(rig->last_topic, sizeof(rig->last_topic), "%s", topic != NULL ? topic : "");
	snprintf(rig->last_text, sizeof(rig->last_text), "%s", text);
	rig->last_partition = part;
}

static RIG_UNUSED struct fm_time
rig_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct fm_time){ts.tv_sec * FM_NS_PER_S + ts.tv_nsec};
}

static RIG_UNUSED void
rig_start(struct rig *rig, const char *const *topics, unsigned n, int partitions)
{
	struct fm_err err;
	cr_assert_eq(kafka_broker_new(topics, n, partitions, &rig->broker, &err), 0, "%s", err.msg);
}

static RIG_UNUSED rd_kafka_t *
rig_client(struct rig *rig, rd_kafka_type_t type)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", kafka_broker_address(rig->broker), why, sizeof(why));
	rd_kafka_conf_set(conf, "linger.ms", "0", why, sizeof(why));
	rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", why, sizeof(why));
	rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why));
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
	cr_assert_not_null(rk, "%s", why);
	return rk;
}

/* p NULL: a tombstone. Durable once rig_flush has returned. */
static RIG_UNUSED void
rig_produce(struct rig *rig, const char *topic, int32_t part, int64_t ms, const char *p)
{
	if (rig->producer == NULL)
		rig->producer = rig_client(rig, RD_KAFKA_PRODUCER);
	size_t len = p != NULL ? strlen(p) : 0;
	rd_kafka_resp_err_t code = rd_kafka_producev(rig->producer, RD_KAFKA_V_TOPIC(topic),
		RD_KAFKA_V_PARTITION(part), RD_KAFKA_V_TIMESTAMP(ms),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)p, len),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	cr_assert_eq(code, 0, "%s", rd_kafka_err2str(code));
}

static RIG_UNUSED void
rig_flush(struct rig *rig)
{
	cr_assert_eq(rd_kafka_flush(rig->producer, 30000), 0);
}

static RIG_UNUSED void
rig_stop(struct rig *rig)
{
	if (rig->producer != NULL)
		rd_kafka_destroy(rig->producer);
	kafka_broker_free(rig->broker);
}

/* Waits for fd, at most 10 ms. */
static RIG_UNUSED void
rig_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	poll(&p, 1, 10);
}

#endif
