/*
 * part: one partition. Where it starts, whether the log there is still the one that was read
 * before, and its next record. Knows nothing about other partitions; the merge is source.c's.
 *
 * Each partition has its own librdkafka queue, so a partition that is ahead is not fetched
 * further than its queue's bound while the others catch up.
 */
#include "kafka/source_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOOK_EVERY 2048u        /* records taken between two looks at the queue's length */

static const uint64_t one = 1;

struct part *
part_new(struct kafka_source *src, struct topic *t, int32_t no)
{
	struct part *p = fm_calloc(1, sizeof(*p));
	p->src = src;
	p->topic = t;
	p->no = no;
	p->fetches = -1;
	p->node.order = (uint64_t)(uint32_t)t->no << 32 | (uint32_t)no;
	return p;
}

/*
 * What is queued refers to the partition, and the partition owns the queue: librdkafka 2.0.2 does
 * not end while errors of a vanished topic lie there.
 */
static void
close_queue(struct part *p)
{
	if (p->q == NULL)
		return;
	rd_kafka_message_t *m;
	while ((m = rd_kafka_consume_queue(p->q, 0)) != NULL)
		rd_kafka_message_destroy(m);
	rd_kafka_queue_io_event_enable(p->q, -1, NULL, 0);
	rd_kafka_queue_destroy(p->q);
	p->q = NULL;
}

/*
 * To be called before each start: stopping forwards the queue elsewhere, and a topic that was
 * made anew has new queues.
 */
static void
open_queue(struct part *p)
{
	close_queue(p);
	p->q = rd_kafka_queue_get_partition(p->src->rk, p->topic->name, p->no);
	rd_kafka_queue_forward(p->q, NULL);
	rd_kafka_queue_io_event_enable(p->q, p->src->fd, &one, sizeof(one));
	p->n_queued = p->most_queued = 0;
}

void
part_free(struct part *p)
{
	if (p == NULL)
		return;
	if (p->head != NULL)
		rd_kafka_message_destroy(p->head);
	close_queue(p);
	free(p);
}

bool
part_active(const struct part *p)
{
	return p->state != PART_LOST && p->state != PART_HELD && !p->topic->missing;
}

bool
part_undecided(const struct part *p)
{
	return p->state == PART_LOST && !p->left && !p->topic->missing;
}

void
part_recount(struct part *p)
{
	bool waits = (part_active(p) || part_undecided(p)) && p->head == NULL && !p->at_end &&
		!p->excused;
	if (waits != p->waits)
		p->src->n_waiting += waits ? 1 : -1U;
	p->waits = waits;
	if (!waits)
		p->waiting_since = (struct fm_time){0};
}

static void
drop_head(struct part *p)
{
	if (p->head == NULL)
		return;
	fm_heap_remove(&p->src->heads, &p->node);
	rd_kafka_message_destroy(p->head);
	p->head = NULL;
}

/* ---- assignment -------------------------------------------------------------------------- */

static void
warn_error(struct part *p, rd_kafka_error_t *error)
{
	if (error == NULL)
		return;
	source_notice(p->src, KAFKA_WARNING, p->topic->name, p->no, "%s",
		      rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
}

static bool
assigned(struct part *p)
{
	rd_kafka_topic_partition_list_t *all = NULL;
	if (rd_kafka_assignment(p->src->rk, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	bool found = rd_kafka_topic_partition_list_find(all, p->topic->name, p->no) != NULL;
	rd_kafka_topic_partition_list_destroy(all);
	return found;
}

/* Fetching stops and what is queued is forgotten. */
static void
unassign(struct part *p)
{
	drop_head(p);
	p->at_end = false;
	if (!assigned(p))
		return;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, p->topic->name, p->no);
	warn_error(p, rd_kafka_incremental_unassign(p->src->rk, list));
	rd_kafka_topic_partition_list_destroy(list);
}

static void
assign(struct part *p, int64_t offset)
{
	unassign(p);
	open_queue(p);

	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, p->topic->name, p->no)->offset = offset;
	warn_error(p, rd_kafka_incremental_assign(p->src->rk, list));
	rd_kafka_topic_partition_list_destroy(list);
	part_recount(p);
}

void
part_stop(struct part *p)
{
	unassign(p);
	part_recount(p);
}

void
part_hold(struct part *p)
{
	struct store_position pos;

	p->state = PART_HELD;
	p->told = p->excused = p->start_wanted = false;
	p->next = p->src->position != NULL &&
		p->src->position(p->src->ctx, p->topic->name, p->no, &pos) ? pos.next_offset : 0;
	p->src->extents_asked_at = (struct fm_time){0};
	if (p->q == NULL)
		open_queue(p);
	part_stop(p);
}

static void
lose(struct part *p, bool anew, const char *why)
{
	p->state = PART_LOST;
	p->anew = anew;
	p->left = p->told = p->excused = false;
	p->src->extents_asked_at = (struct fm_time){0};
	part_stop(p);
	source_notice(p->src, KAFKA_POSITION_LOST, p->topic->name, p->no,
		      "cannot go on at offset %" PRId64 ": %s", p->next, why);
}

void
part_start_at(struct part *p, enum kafka_start start)
{
	p->state = PART_READING;
	p->next = -1;
	p->from = start;
	p->excused = false;
	p->start_wanted = start == KAFKA_LATEST;
	assign(p, start == KAFKA_LATEST ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING);
}

void
part_start_offset(struct part *p, int64_t offset)
{
	p->state = PART_READING;
	p->next = offset;
	p->excused = p->start_wanted = false;
	assign(p, offset);
}

void
part_start(struct part *p, enum kafka_start start)
{
	struct store_position pos;
	if (p->src->held != NULL && p->src->held(p->src->ctx, p->topic->name, p->no)) {
		part_hold(p);
		return;
	}
	if (p->src->position == NULL ||
	    !p->src->position(p->src->ctx, p->topic->name, p->no, &pos)) {
		part_start_at(p, start);
		return;
	}
	if (pos.last_hash == 0 || pos.next_offset <= 0) {
		part_start_offset(p, pos.next_offset);
		return;
	}
	p->state = PART_PROBING;
	p->next = pos.next_offset;
	p->want_hash = pos.last_hash;
	p->excused = false;
	assign(p, pos.next_offset - 1);
}

void
part_recheck(struct part *p)
{
	struct store_position pos;
	if (p->state == PART_READING && !p->topic->missing && p->src->position != NULL &&
	    p->src->position(p->src->ctx, p->topic->name, p->no, &pos) && pos.last_hash != 0)
		part_start(p, p->src->start);
}

/* ---- records ----------------------------------------------------------------------------- */

static struct fm_time
message_time(const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(m, &type);
	if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms <= 0 || ms > INT64_MAX / FM_NS_PER_MS)
		return (struct fm_time){0};
	return (struct fm_time){ms * FM_NS_PER_MS};
}

static uint64_t
message_hash(const rd_kafka_message_t *m)
{
	return kafka_record_hash(m->payload, m->len, message_time(m));
}

/* The record before the first wanted one: is it the one that was read then? */
static void
probe(struct part *p, const rd_kafka_message_t *m)
{
	if (m->offset < p->next - 1)
		return;
	if (m->offset > p->next - 1)
		lose(p, true, "the record before it is no longer there");
	else if (message_hash(m) != p->want_hash)
		lose(p, true, "the record before it is another one than was read: the topic was made"
		     " anew or cut short");
	else
		p->state = PART_READING;
}

static void
on_end(struct part *p, int64_t end)
{
	reach_on_heard(p);
	if (p->state == PART_PROBING && end < p->next) {
		lose(p, true, "the log ends before it");
		return;
	}
	if (p->next < end)
		p->next = end;
	p->at_end = true;
}

/* What was asked for is not there. */
static void
on_out_of_range(struct part *p, const char *why)
{
	if (p->state == PART_PROBING)
		part_start_offset(p, p->next);
	else if (p->next < 0)
		part_start_at(p, p->from);
	else
		lose(p, false, why);
}

static void
on_error(struct part *p, const rd_kafka_message_t *m)
{
	switch ((int)m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		on_end(p, m->offset);
		break;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		on_out_of_range(p, rd_kafka_message_errstr(m));
		break;
	default:
		source_notice(p->src, KAFKA_WARNING, p->topic->name, p->no, "%s",
			      rd_kafka_message_errstr(m));
		break;
	}
}

/* Takes m over. */
static void
take(struct part *p, rd_kafka_message_t *m)
{
	if (p->state == PART_LOST || p->state == PART_HELD)
		;                       /* asked for before it was */
	else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		on_error(p, m);
	else if (p->state == PART_PROBING)
		probe(p, m);
	else if (p->state == PART_READING && m->offset >= p->next) {
		if (!p->heard)
			reach_on_heard(p);
		p->head = m;
		p->next = m->offset + 1;
		p->at_end = false;
		p->excused = false;
		p->node.due = message_time(m);
		fm_heap_put(&p->src->heads, &p->node);
		return;
	}
	rd_kafka_message_destroy(m);
}

/*
 * An end is reported only by a fetch that brought nothing. Under steady load that may never
 * come, so the end of the last answer counts as well.
 */
static bool
read_to_known_end(const struct part *p)
{
	int64_t low, high;
	return p->state == PART_READING && p->next >= 0 &&
	       rd_kafka_get_watermark_offsets(p->src->rk, p->topic->name, p->no, &low, &high) ==
		       RD_KAFKA_RESP_ERR_NO_ERROR && high == p->next;
}

/*
 * A queue that was fuller and is half empty now, with more to come: librdkafka may sleep since it
 * was full (lookup_priv.h).
 */
static void
nudge(struct part *p, size_t queued)
{
	int64_t low, high;
	if (queued > p->most_queued)
		p->most_queued = queued;
	if (!p->src->nudges || queued >= p->most_queued / 2)
		return;
	p->most_queued = queued;
	if (rd_kafka_get_watermark_offsets(p->src->rk, p->topic->name, p->no, &low, &high) ==
	    RD_KAFKA_RESP_ERR_NO_ERROR && high > p->next + (int64_t)queued)
		lookup_nudge(p->src->lookup, p->topic->name, p->no);
}

/* Consuming from an empty queue costs a system call, asking for its length a lock. */
static bool
has_queued(struct part *p)
{
	if (p->n_queued == 0) {
		const size_t queued = rd_kafka_queue_length(p->q);
		nudge(p, queued);
		p->n_queued = queued < LOOK_EVERY ? queued : LOOK_EVERY;
	}
	return p->n_queued > 0;
}

void
part_fill(struct part *p)
{
	while (p->head == NULL && has_queued(p)) {
		rd_kafka_message_t *m = rd_kafka_consume_queue(p->q, 0);
		if (m == NULL) {
			p->n_queued = 0;        /* what was there was out of date */
			break;
		}
		p->n_queued--;
		take(p, m);
	}
	if (p->head == NULL && p->node.pos != 0)
		fm_heap_remove(&p->src->heads, &p->node);
	if (p->head == NULL && !p->at_end && read_to_known_end(p))
		p->at_end = true;
	part_recount(p);
}

/* Its place in the heap is kept: moving it there is cheaper than taking it out and in again. */
void
part_advance(struct part *p)
{
	if (p->head == NULL)
		return;
	rd_kafka_message_destroy(p->head);
	p->head = NULL;
	part_fill(p);
}
