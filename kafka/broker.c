/*
 * broker: the embedded one. A client handle that talks to nobody carries librdkafka's mock
 * cluster, which serves any Kafka client over TCP from a thread of its own.
 */
#include "kafka/kafka.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

#define BROKER_ID 1
#define API_FETCH 1             /* of the protocol */

struct kafka_broker {
	rd_kafka_t *rk;
	rd_kafka_mock_cluster_t *cluster;
};

/* The carrier's log would only say that it has no brokers. */
static void
log_nothing(const rd_kafka_t *rk, int level, const char *fac, const char *buf)
{
	(void)rk, (void)level, (void)fac, (void)buf;
}

static int
start(struct kafka_broker *b, struct fm_err *err)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(conf, log_nothing);
	b->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (b->rk == NULL) {
		rd_kafka_conf_destroy(conf);
		return fm_fail(err, -EIO, "embedded broker: %s", why);
	}
	b->cluster = rd_kafka_mock_cluster_new(b->rk, 1);
	if (b->cluster == NULL)
		return fm_fail(err, -EIO, "embedded broker: cannot listen on 127.0.0.1");
	return 0;
}

int
kafka_broker_new(const char *const *topics, unsigned n_topics, int partitions,
		 struct kafka_broker **ret, struct fm_err *err)
{
	struct kafka_broker *b = fm_calloc(1, sizeof(*b));
	int r = start(b, err);
	for (unsigned i = 0; r == 0 && i < n_topics; i++)
		r = kafka_broker_add_topic(b, topics[i], partitions, err);
	if (r < 0) {
		kafka_broker_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void
kafka_broker_free(struct kafka_broker *b)
{
	if (b == NULL)
		return;
	if (b->cluster != NULL)
		rd_kafka_mock_cluster_destroy(b->cluster);
	if (b->rk != NULL)
		rd_kafka_destroy(b->rk);
	free(b);
}

const char *
kafka_broker_address(const struct kafka_broker *b)
{
	return rd_kafka_mock_cluster_bootstraps(b->cluster);
}

int
kafka_broker_add_topic(struct kafka_broker *b, const char *topic, int partitions,
		       struct fm_err *err)
{
	rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(b->cluster, topic, partitions, 1);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return fm_fail(err, -EIO, "embedded broker: topic \"%s\": %s", topic,
			       rd_kafka_err2str(code));
	return 0;
}

void
kafka_broker_set_up(struct kafka_broker *b, bool up)
{
	if (up)
		rd_kafka_mock_broker_set_up(b->cluster, BROKER_ID);
	else
		rd_kafka_mock_broker_set_down(b->cluster, BROKER_ID);
}

void
kafka_broker_hide_topic(struct kafka_broker *b, const char *topic, bool hidden)
{
	rd_kafka_mock_topic_set_error(b->cluster, topic, hidden ?
				      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART :
				      RD_KAFKA_RESP_ERR_NO_ERROR);
}

void
kafka_broker_outrun_fetch(struct kafka_broker *b)
{
	rd_kafka_mock_push_request_errors(b->cluster, API_FETCH, 1,
					  RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
}
