/*
 * lost: partitions that cannot go on where they were, or are held. Finds out what their logs have now,
 * tells the caller once, and keeps the figures fresh for whoever decides later. Decides nothing itself.
 */
#include "kafka/source_priv.h"

#include <stdlib.h>

#define ASK_AGAIN_S 3

struct part *
source_find_part(const struct kafka_source *src, const char *topic, int32_t no)
{
	for (unsigned i = 0; i < src->n_parts; i++)
		if (src->parts[i]->no == no && strcmp(src->parts[i]->topic->name, topic) == 0)
			return src->parts[i];
	return NULL;
}

static bool
stands_still(const struct part *p)
{
	return p->state == PART_LOST || p->state == PART_HELD;
}

static bool
is_measured(const struct part *p)
{
	return stands_still(p) && !p->topic->missing;
}

void
lost_tick(struct kafka_source *src, struct fm_time now)
{
	struct fm_time due = fm_time_add(src->extents_asked_at, fm_span_s(ASK_AGAIN_S));
	unsigned n = 0;

	if (src->extents_asked_at.ns != 0 && fm_time_before(now, due) &&
	    !fm_time_before(now, src->extents_asked_at))
		return;
	for (unsigned i = 0; i < src->n_parts; i++)
		n += is_measured(src->parts[i]);
	if (n == 0)
		return;
	struct lookup_extents *x = fm_calloc(1, sizeof(*x) + n * sizeof(x->v[0]));
	for (unsigned i = 0; i < src->n_parts; i++)
		if (is_measured(src->parts[i]))
			x->v[x->n++] = (struct lookup_extent){
				.topic = src->parts[i]->topic->name, .partition = src->parts[i]->no};
	src->extents_asked_at = now;
	lookup_ask_extents(src->lookup, x);
}

static struct kafka_lost
describe(const struct part *p)
{
	return (struct kafka_lost){
		.topic = p->topic->name, .partition = p->no, .wanted = p->next, .low = p->low,
		.high = p->high, .anew = p->state == PART_LOST && (p->anew || p->low <= p->next),
	};
}

void
lost_on_answer(struct kafka_source *src, const struct lookup_extents *x)
{
	for (unsigned i = 0; i < x->n; i++) {
		const struct lookup_extent *e = &x->v[i];
		struct part *p = source_find_part(src, e->topic, e->partition);
		if (p == NULL || !is_measured(p) || e->code != RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		p->low = e->low;
		p->high = e->high;
		const bool news = !p->told && p->state == PART_LOST;
		p->told = true;
		if (!news)
			continue;
		struct kafka_lost lost = describe(p);
		if (src->lost != NULL)
			src->lost(src->ctx, &lost);
	}
}

int
kafka_source_find_lost(const struct kafka_source *src, const char *topic, int32_t partition,
		       struct kafka_lost *ret)
{
	const struct part *p = source_find_part(src, topic, partition);
	if (p == NULL || !stands_still(p))
		return -ENOENT;
	if (!p->told || p->topic->missing)
		return -EAGAIN;
	*ret = describe(p);
	return 0;
}

int
kafka_source_resume_lost(struct kafka_source *src, const char *topic, int32_t partition,
			 int64_t offset)
{
	struct part *p = source_find_part(src, topic, partition);
	if (p == NULL || !stands_still(p))
		return -ENOENT;
	part_start_offset(p, offset);
	return 0;
}

int
kafka_source_leave_lost(struct kafka_source *src, const char *topic, int32_t partition)
{
	struct part *p = source_find_part(src, topic, partition);
	if (p == NULL || p->state != PART_LOST)
		return -ENOENT;
	p->left = true;
	part_recount(p);
	return 0;
}
