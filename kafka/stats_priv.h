/*
 * stats_priv: the few figures fmd needs from librdkafka's statistics. Private to this folder.
 */
#ifndef FM_KAFKA_STATS_PRIV_H
#define FM_KAFKA_STATS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats;

/* NULL when json is not what librdkafka writes. The caller frees. */
struct stats *stats_parse(const char *json, size_t len);
void stats_free(struct stats *st);

int64_t stats_ts_us(const struct stats *st);    /* librdkafka's own monotonic clock */
bool stats_any_up(const struct stats *st);      /* some broker's connection is usable */

/* false when no such broker is known. connects: connections made so far; fetches: asked so far. */
struct stats_broker {
	bool up;
	int64_t connects, fetches;
};
bool stats_broker(const struct stats *st, int32_t id, struct stats_broker *ret);

/* leader: -1 none. ls: end of what may be read, -1 not known. queued: waiting to be consumed. */
struct stats_part {
	int32_t leader;
	int64_t ls, queued;
};
bool stats_part(const struct stats *st, const char *topic, int32_t part, struct stats_part *ret);

/* Asked for by us and answered by a broker; and: it has at least one partition. */
bool stats_topic_known(const struct stats *st, const char *topic);
bool stats_topic_exists(const struct stats *st, const char *topic);

#endif
