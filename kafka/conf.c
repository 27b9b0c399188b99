/*
 * conf: settings of the two clients. Knows which librdkafka settings carry fmd's promises (and so
 * belong to fmd), and nothing about records; what is safe is secure.c's.
 */
#include "kafka/conf_priv.h"

#include <stdio.h>

#define MAX_CLIENT_ID 128       /* librdkafka before 2.5.0 crashes on very long ones */
#define QUEUE_BACKOFF_IN 0x02020000

struct preset {
	const char *key, *value;
};

static const struct preset both_presets[] = {
	{"log.queue", "true"},
	{"socket.nagle.disable", "true"},
	{"socket.keepalive.enable", "true"},
	{"socket.timeout.ms", "10000"},
	{"reconnect.backoff.ms", "100"},
	{"reconnect.backoff.max.ms", "2000"},
	{"statistics.interval.ms", "1000"},
};

/*
 * The store's position is the only one, so nothing is committed, stored or reset behind its back;
 * queues are bounded per partition, which is all the back-pressure there is.
 */
static const struct preset consumer_presets[] = {
	{"enable.auto.commit", "false"},
	{"enable.auto.offset.store", "false"},
	{"auto.offset.reset", "error"},
	{"enable.partition.eof", "true"},
	{"check.crcs", "true"},
	{"isolation.level", "read_committed"},
	{"allow.auto.create.topics", "false"},
	{"queued.min.messages", "100000"},
	{"queued.max.messages.kbytes", "4096"},         /* twice that in memory */
	{"fetch.message.max.bytes", "1048576"},
	{"fetch.max.bytes", "8388608"},
	{"receive.message.max.bytes", "16777216"},
	{"fetch.wait.max.ms", "100"},                   /* also how soon an end is reported */
	{"fetch.error.backoff.ms", "200"},
	{"topic.metadata.refresh.interval.ms", "60000"},
};

/*
 * A topic that is not there yet is waited for (propagation), because every expired message would
 * mean sending the whole window again. The partitioner is the Java client's, so that a key lies
 * in the same partition whoever wrote it.
 */
static const struct preset producer_presets[] = {
	{"enable.idempotence", "true"},
	{"acks", "all"},
	{"message.timeout.ms", "86400000"},
	{"queue.buffering.max.ms", "5"},
	{"queue.buffering.max.messages", "50000"},
	{"queue.buffering.max.kbytes", "131072"},
	{"topic.metadata.propagation.max.ms", "2100000"},       /* in us it must fit an int */
	{"partitioner", "murmur2_random"},
};

/* Keys that fmd must own, each with why. A trailing dot or underscore matches by prefix. */
static const struct preset owned[] = {
	{"bootstrap.servers", "use kafka.brokers"},
	{"metadata.broker.list", "use kafka.brokers"},
	{"client.id", "fmd gives it"},
	{"group.", "fmd assigns partitions itself"},
	{"partition.assignment.strategy", "fmd assigns partitions itself"},
	{"enable.auto.", "positions live in the store"},
	{"auto.commit.", "positions live in the store"},
	{"auto.offset.reset", "a lost position must be seen, not skipped"},
	{"offset.store.", "positions live in the store"},
	{"enable.partition.eof", "logical time needs it"},
	{"statistics.interval.ms", "reachability needs it"},
	{"isolation.level", "aborted records must not be applied"},
	{"check.crcs", "damaged records must not be applied"},
	{"allow.auto.create.topics", "reading must not create topics"},
	{"enable.idempotence", "retries would duplicate"},
	{"enable.gapless.guarantee", "the outbox gives the order"},
	{"acks", "an ack must mean replicated"},
	{"request.required.acks", "an ack must mean replicated"},
	{"transactional.id", "fmd does not use transactions"},
	{"delivery.report.only.error", "the outbox needs every report"},
	{"queue.buffering.max.messages", "the window of the sink must fit"},
	{"queue.buffering.max.kbytes", "the window of the sink must fit"},
	{"dr_", "fmd sets it"},
	{"log.queue", "fmd sets it"},
	{"test.mock.", "use fmd --demo"},
};

bool
conf_key_matches(const char *pattern, const char *key)
{
	size_t n = strlen(pattern);
	bool prefix = pattern[n - 1] == '.' || pattern[n - 1] == '_';
	return prefix ? strncmp(pattern, key, n) == 0 : strcmp(pattern, key) == 0;
}

static int
refuse_owned(const char *key, struct fm_err *err)
{
	for (size_t i = 0; i < FM_ARRAY_LEN(owned); i++)
		if (conf_key_matches(owned[i].key, key))
			return fm_fail(err, -EINVAL, "librdkafka: %s cannot be set: %s", key,
				       owned[i].value);
	return 0;
}

/* The library's texts may have lines; ours are one. */
static const char *
one_line(char *why)
{
	size_t n = strlen(why);

	while (n > 0 && (why[n - 1] == '\n' || why[n - 1] == ' '))
		why[--n] = '\0';
	for (char *p = why; *p != '\0'; p++)
		*p = *p == '\n' ? ' ' : *p;
	return why;
}

static int
set_one(rd_kafka_conf_t *conf, const char *key, const char *value, struct fm_err *err)
{
	char why[256];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	return fm_fail(err, -EINVAL, "librdkafka: %s: %s", key, one_line(why));
}

static int
set_theirs(rd_kafka_conf_t *conf, const struct kafka_setting *s, struct fm_err *err)
{
	size_t n = strlen(s->key), suffix = strlen(CONF_FILE_SUFFIX);
	if (n > suffix && strcmp(s->key + n - suffix, CONF_FILE_SUFFIX) == 0) {
		char key[64];
		if (n - suffix < sizeof(key)) {
			memcpy(key, s->key, n - suffix);
			key[n - suffix] = '\0';
			if (conf_is_secret(key))
				return conf_set_secret(conf, key, s->value, err);
		}
		return fm_fail(err, -EINVAL, "librdkafka: %s: only secrets come from a file", s->key);
	}
	int r = refuse_owned(s->key, err);
	if (r == 0)
		r = conf_check_safe(s->key, s->value, err);
	return r < 0 ? r : set_one(conf, s->key, s->value, err);
}

int
kafka_setting_check(const struct kafka_setting *s, struct fm_err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	int r = set_theirs(conf, s, err);
	rd_kafka_conf_destroy(conf);
	return r;
}

static int
set_presets(rd_kafka_conf_t *conf, const struct preset *v, size_t n, struct fm_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = set_one(conf, v[i].key, v[i].value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
set_role(rd_kafka_conf_t *conf, enum conf_role role, const char *client_id, struct fm_err *err)
{
	int events = RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS;
	if (role == CONF_PRODUCER) {
		rd_kafka_conf_set_events(conf, events | RD_KAFKA_EVENT_DR);
		return set_presets(conf, producer_presets, FM_ARRAY_LEN(producer_presets), err);
	}
	rd_kafka_conf_set_events(conf, events);
	/* librdkafka wants a group for explicit assignment; nothing is ever committed to it. */
	int r = set_one(conf, "group.id", client_id, err);
	if (r < 0)
		return r;
	r = set_presets(conf, consumer_presets, FM_ARRAY_LEN(consumer_presets), err);
	if (r < 0 || !conf_has_queue_backoff())
		return r;
	return set_one(conf, "fetch.queue.backoff.ms", "5", err);
}

static bool
is_port(const char *s, size_t len)
{
	unsigned port = 0;

	while (len > 0 && s[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || i == 5)
			return false;
		port = port * 10 + (unsigned)(s[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

/*
 * "host", "host:port", "[v6]:port", a protocol and "://" before it. An address of version 6 without
 * brackets has no port. The library reads a port as a number of 16 bits, whatever it says.
 */
static bool
has_good_port(const char *s, size_t len)
{
	const char *scheme = memmem(s, len, "://", 3);
	const char *host = scheme != NULL ? scheme + 3 : s;
	const char *path = scheme != NULL ? memchr(host, '/', len - (size_t)(host - s)) : NULL;
	const char *end = path != NULL ? path : s + len;
	const char *first = memchr(host, ':', (size_t)(end - host));
	const char *last = memrchr(host, ':', (size_t)(end - host));

	if (last == NULL || (first != last && last[-1] != ']'))
		return true;
	return is_port(last + 1, (size_t)(end - last - 1));
}

int
kafka_brokers_check(const char *brokers, struct fm_err *err)
{
	bool any = false;

	for (const char *p = brokers; *p != '\0'; p += *p == ',') {
		p += strspn(p, " ");
		const size_t len = strcspn(p, ",");

		if (!has_good_port(p, len))
			return fm_fail(err, -EINVAL, "%.*s: a port is a number from 1 to 65535",
				       (int)(len < 200 ? len : 200), p);
		any |= len > 0;
		p += len;
	}
	return any ? 0 : fm_fail(err, -EINVAL, "names no broker: HOST:PORT, several joined by commas");
}

static int
fill(rd_kafka_conf_t *rk_conf, const struct kafka_conf *conf, enum conf_role role,
     struct fm_err *err)
{
	const char *id = conf->client_id != NULL && conf->client_id[0] != '\0' ?
		conf->client_id : "fmd";
	if (conf->brokers == NULL || conf->brokers[0] == '\0')
		return fm_fail(err, -EINVAL, "kafka: no brokers given");
	if (strlen(id) > MAX_CLIENT_ID)
		return fm_fail(err, -EINVAL, "kafka: client id is longer than %d", MAX_CLIENT_ID);

	struct fm_err cause = {0};
	if (kafka_brokers_check(conf->brokers, &cause) < 0)
		return fm_fail(err, -EINVAL, "kafka: %s", cause.msg);
	int r = conf_check_login(conf, err);
	if (r == 0)
		r = set_one(rk_conf, "bootstrap.servers", conf->brokers, err);
	if (r == 0)
		r = set_one(rk_conf, "client.id", id, err);
	if (r == 0)
		r = set_presets(rk_conf, both_presets, FM_ARRAY_LEN(both_presets), err);
	if (r == 0)
		r = set_role(rk_conf, role, id, err);
	for (unsigned i = 0; r == 0 && i < conf->n_settings; i++)
		r = set_theirs(rk_conf, &conf->settings[i], err);
	return r;
}

int
conf_build(const struct kafka_conf *conf, enum conf_role role, rd_kafka_conf_t **ret,
	   struct fm_err *err)
{
	rd_kafka_conf_t *rk_conf = rd_kafka_conf_new();
	int r = fill(rk_conf, conf, role, err);
	if (r < 0) {
		rd_kafka_conf_destroy(rk_conf);
		return r;
	}
	*ret = rk_conf;
	return 0;
}

int
client_new(rd_kafka_conf_t *conf, enum conf_role role, rd_kafka_t **ret, struct fm_err *err)
{
	char why[256];
	rd_kafka_t *rk = rd_kafka_new(role == CONF_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
				      conf, why, sizeof(why));
	if (rk == NULL) {
		rd_kafka_conf_destroy(conf);
		return fm_fail(err, -EINVAL, "librdkafka: %s", one_line(why));
	}
	if (role == CONF_CONSUMER)
		rd_kafka_poll_set_consumer(rk);
	rd_kafka_set_log_queue(rk, NULL);
	*ret = rk;
	return 0;
}

bool
conf_has_queue_backoff(void)
{
	return rd_kafka_version() >= QUEUE_BACKOFF_IN;
}

const char *
kafka_library_version(void)
{
	return rd_kafka_version_str();
}

int
kafka_conf_check(const struct kafka_conf *conf, struct fm_err *err)
{
	static const enum conf_role roles[] = {CONF_CONSUMER, CONF_PRODUCER};
	rd_kafka_conf_t *rk_conf;
	rd_kafka_t *rk;

	for (unsigned i = 0; i < FM_ARRAY_LEN(roles); i++) {
		int r = conf_build(conf, roles[i], &rk_conf, err);

		if (r < 0)
			return r;
		/* Without an address it connects to nobody, and reads its certificates all the same. */
		rd_kafka_conf_set(rk_conf, "bootstrap.servers", NULL, NULL, 0);
		r = client_new(rk_conf, roles[i], &rk, err);
		if (r < 0)
			return r;
		rd_kafka_destroy(rk);
	}
	return 0;
}
