/*
 * stats: reads the JSON that librdkafka hands out every second. Knows its member names only;
 * what the figures mean is decided by source and sink.
 */
#include "kafka/stats_priv.h"

#include "base/base.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct stats {
	json_t *root, *brokers, *topics;
};

struct stats *
stats_parse(const char *json, size_t len)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	struct stats *st = fm_calloc(1, sizeof(*st));
	st->root = root;
	st->brokers = json_object_get(root, "brokers");
	st->topics = json_object_get(root, "topics");
	return st;
}

void
stats_free(struct stats *st)
{
	if (st == NULL)
		return;
	json_decref(st->root);
	free(st);
}

static int64_t
member_int(const json_t *o, const char *name, int64_t missing)
{
	const json_t *v = json_object_get(o, name);
	return json_is_integer(v) ? json_integer_value(v) : missing;
}

int64_t
stats_ts_us(const struct stats *st)
{
	return member_int(st->root, "ts", 0);
}

static bool
broker_up(const json_t *broker)
{
	const char *state = json_string_value(json_object_get(broker, "state"));
	return state != NULL && (strcmp(state, "UP") == 0 || strcmp(state, "UPDATE") == 0);
}

bool
stats_any_up(const struct stats *st)
{
	const char *name;
	json_t *broker;
	json_object_foreach(st->brokers, name, broker)
		if (broker_up(broker))
			return true;
	return false;
}

bool
stats_broker(const struct stats *st, int32_t id, struct stats_broker *ret)
{
	const char *name;
	json_t *broker;
	json_object_foreach(st->brokers, name, broker) {
		if (member_int(broker, "nodeid", -1) != id)
			continue;
		*ret = (struct stats_broker){
			.up = broker_up(broker),
			.connects = member_int(broker, "connects", 0),
			.fetches = member_int(json_object_get(broker, "req"), "Fetch", 0),
		};
		return true;
	}
	return false;
}

static const json_t *
topic_parts(const struct stats *st, const char *topic)
{
	return json_object_get(json_object_get(st->topics, topic), "partitions");
}

bool
stats_part(const struct stats *st, const char *topic, int32_t part, struct stats_part *ret)
{
	char no[16];
	snprintf(no, sizeof(no), "%d", part);
	const json_t *p = json_object_get(topic_parts(st, topic), no);
	if (p == NULL)
		return false;
	*ret = (struct stats_part){
		.leader = (int32_t)member_int(p, "leader", -1),
		.ls = member_int(p, "ls_offset", -1),
		.queued = member_int(p, "fetchq_cnt", 0),
	};
	return true;
}

bool
stats_topic_exists(const struct stats *st, const char *topic)
{
	return json_object_get(topic_parts(st, topic), "0") != NULL;
}

bool
stats_topic_known(const struct stats *st, const char *topic)
{
	const json_t *t = json_object_get(st->topics, topic);
	return t != NULL && (stats_topic_exists(st, topic) || member_int(t, "metadata_age", 0) > 0);
}
