/*
 * topics: which topics and partitions there are. A topic that is missing is waited for; one that
 * vanishes no longer holds time back; one that comes back is started from the stored position.
 */
#include "kafka/source_priv.h"

#include <stdlib.h>

#define ASK_AGAIN_S 3           /* while something is missing */
#define ASK_IDLE_S 30           /* for new partitions */
#define MISSES_TO_BELIEVE 2     /* one answer of a broker that is just starting is no proof */

int
topics_new(struct kafka_source *src, const struct kafka_source_options *opt, struct fm_err *err)
{
	src->topics = fm_calloc(opt->n_topics, sizeof(*src->topics));
	for (unsigned i = 0; i < opt->n_topics; i++) {
		struct topic *t = &src->topics[i];
		t->handle = rd_kafka_topic_new(src->rk, opt->topics[i], NULL);
		if (t->handle == NULL)
			return fm_fail(err, -EINVAL, "kafka: topic \"%s\": %s", opt->topics[i],
				       rd_kafka_err2str(rd_kafka_last_error()));
		t->name = fm_strdup(opt->topics[i]);
		t->no = (int32_t)i;
		src->n_topics++;
	}
	return 0;
}

void
topics_free(struct kafka_source *src)
{
	for (unsigned i = 0; i < src->n_parts; i++)
		part_free(src->parts[i]);
	free(src->parts);
	for (unsigned i = 0; i < src->n_topics; i++) {
		free(src->topics[i].parts);
		free(src->topics[i].name);
		rd_kafka_topic_destroy(src->topics[i].handle);
	}
	free(src->topics);
}

static struct topic *
find(struct kafka_source *src, const char *name)
{
	for (unsigned i = 0; i < src->n_topics; i++)
		if (strcmp(src->topics[i].name, name) == 0)
			return &src->topics[i];
	return NULL;
}

static void
on_missing(struct kafka_source *src, struct topic *t, rd_kafka_resp_err_t code)
{
	t->misses++;
	if (t->missing || (t->n_parts > 0 && t->misses < MISSES_TO_BELIEVE))
		return;
	t->missing = true;
	for (int i = 0; i < t->n_parts; i++)
		part_stop(t->parts[i]);
	source_notice(src, KAFKA_TOPIC_MISSING, t->name, -1, "%s", rd_kafka_err2str(code));
}

static void
add_part(struct kafka_source *src, struct topic *t)
{
	struct part *p = part_new(src, t, t->n_parts);
	t->parts = fm_realloc(t->parts, (size_t)(t->n_parts + 1) * sizeof(struct part *));
	t->parts[t->n_parts++] = p;
	src->parts = fm_realloc(src->parts, (size_t)(src->n_parts + 1) * sizeof(struct part *));
	src->parts[src->n_parts++] = p;
}

/*
 * What appears while fmd runs is read from its beginning, whatever "start" says: it was written
 * after fmd had begun to listen.
 */
static void
on_found(struct kafka_source *src, struct topic *t, int n_parts)
{
	enum kafka_start start = src->met ? KAFKA_EARLIEST : src->start;
	bool back = t->missing;
	int known = t->n_parts;

	t->misses = 0;
	t->missing = false;
	for (int i = 0; back && i < known; i++)
		part_start(t->parts[i], start);
	while (t->n_parts < n_parts) {
		add_part(src, t);
		part_start(t->parts[t->n_parts - 1], start);
	}
	if (back)
		source_notice(src, KAFKA_TOPIC_FOUND, t->name, -1, "%d partitions", n_parts);
	else if (src->met && n_parts > known)
		source_notice(src, KAFKA_INFO, t->name, -1, "now has %d partitions", n_parts);
}

static void
on_topic(struct kafka_source *src, const struct rd_kafka_metadata_topic *m)
{
	struct topic *t = find(src, m->topic);
	if (t == NULL)
		return;
	switch ((int)m->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		if (m->partition_cnt > 0)
			on_found(src, t, m->partition_cnt);
		break;
	case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
		break;          /* just being made: the next look-up will have it */
	default:
		on_missing(src, t, m->err);
		break;
	}
}

void
topics_on_answer(struct kafka_source *src, const struct lookup_answer *a)
{
	if (a->code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	for (int i = 0; i < a->md->topic_cnt; i++)
		on_topic(src, &a->md->topics[i]);
	src->met = true;
}

static bool
complete(const struct kafka_source *src)
{
	for (unsigned i = 0; i < src->n_topics; i++)
		if (src->topics[i].misses > 0 || src->topics[i].n_parts == 0)
			return false;
	return src->met;
}

void
topics_tick(struct kafka_source *src, struct fm_time now)
{
	struct fm_span wait = fm_span_s(complete(src) ? ASK_IDLE_S : ASK_AGAIN_S);
	if (src->asked_at.ns != 0 && fm_time_before(now, fm_time_add(src->asked_at, wait)) &&
	    !fm_time_before(now, src->asked_at))
		return;
	src->asked_at = now;
	lookup_ask(src->lookup);
}
