/* LINK: dep_rdkafka */
/*
 * kafka_feed BROKERS: produces lines of "topic TAB milliseconds TAB value" from stdin with those
 * time stamps, which the console tools cannot; ends with 0 when every record is delivered.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long failed;

static void
on_report(rd_kafka_t *rk, const rd_kafka_message_t *msg, void *opaque)
{
	(void)rk;
	(void)opaque;
	failed += msg->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int
feed_line(rd_kafka_t *rk, char *line)
{
	char *ms = strchr(line, '\t'), *value = ms != NULL ? strchr(ms + 1, '\t') : NULL;
	rd_kafka_resp_err_t err;

	if (value == NULL)
		return -1;
	*ms++ = *value++ = '\0';
	value[strcspn(value, "\n")] = '\0';
	do {
		err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(line), RD_KAFKA_V_PARTITION(0),
					RD_KAFKA_V_VALUE(value, strlen(value)),
					RD_KAFKA_V_TIMESTAMP(strtoll(ms, NULL, 10)),
					RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
		rd_kafka_poll(rk, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
	} while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
	return err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

int
main(int argc, char **argv)
{
	char why[256], *line = NULL;
	size_t cap = 0;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *rk;

	if (argc != 2 || rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof(why)) ||
	    rd_kafka_conf_set(conf, "enable.idempotence", "true", why, sizeof(why)))
		return 2;
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (rk == NULL)
		return 1;
	while (getline(&line, &cap, stdin) > 0)
		failed += feed_line(rk, line) < 0;
	if (rd_kafka_flush(rk, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR)
		failed++;
	rd_kafka_destroy(rk);
	free(line);
	if (failed > 0)
		fprintf(stderr, "kafka_feed: %lu records were not delivered\n", failed);
	return failed > 0;
}
