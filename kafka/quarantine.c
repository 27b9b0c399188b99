/*
 * quarantine: the window of records that could not be read, on their way to their topic. They have
 * no outbox behind them that would offer them again, so each is kept here until it is delivered
 * and goes through a failed producer and its successor unnoticed by the caller.
 */
#include "kafka/sink_priv.h"

#include <stdlib.h>

static struct q_slot *
slot(struct kafka_sink *ks, uint64_t i)
{
	return &ks->q_window[i % Q_WINDOW];
}

static void
slot_fini(struct q_slot *s)
{
	fm_freep(&s->q.topic);
	fm_freep(&s->q.reason);
	fm_freep(&s->q.body);
	memset(s, 0, sizeof(*s));
}

static void
slot_init(struct q_slot *s, const struct store_quarantine *q)
{
	s->ticket = (struct ticket){.kind = TICKET_QUARANTINE, .seq = q->id};
	s->q = *q;
	s->q.topic = fm_strdup(q->topic);
	s->q.reason = fm_strdup(q->reason != NULL ? q->reason : "");
	void *body = fm_malloc(q->len + 1);
	if (q->len > 0)
		memcpy(body, q->body, q->len);
	s->q.body = body;
}

int
kafka_sink_quarantine(struct kafka_sink *ks, const struct store_quarantine *q)
{
	if (ks->rk == NULL || ks->q_tail - ks->q_head == Q_WINDOW)
		return -EAGAIN;
	struct q_slot *s = slot(ks, ks->q_tail);
	slot_init(s, q);
	int r = message_quarantine(ks, &s->q, &s->ticket);
	if (r < 0) {
		slot_fini(s);
		return r;
	}
	ks->q_tail++;
	return 0;
}

static void
pop_done(struct kafka_sink *ks)
{
	while (ks->q_head < ks->q_tail && slot(ks, ks->q_head)->done) {
		struct q_slot *s = slot(ks, ks->q_head++);
		if (s->ticket.seq != 0)
			ks->q_acked = s->ticket.seq;
		slot_fini(s);
	}
}

static struct q_slot *
slot_of(struct ticket *t)
{
	return (struct q_slot *)(void *)t;      /* its first member */
}

void
quarantine_delivered(struct kafka_sink *ks, struct ticket *t)
{
	t->awaited--;
	slot_of(t)->done = true;
	pop_done(ks);
}

/*
 * Sent again a little later. A record that no broker would take is given up, or it would block
 * those behind it for ever; the store still has it.
 */
void
quarantine_failed(struct kafka_sink *ks, struct ticket *t, rd_kafka_resp_err_t code)
{
	if (code != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
		t->awaited--;
		return;
	}
	ks->notice(ks->ctx, KAFKA_WARNING, ks->out[OUT_QUARANTINE].name, -1,
		   "a quarantined record is too large for the topic and stays in the store only");
	quarantine_delivered(ks, t);
}

static void
send_again(struct kafka_sink *ks, struct q_slot *s)
{
	/* Forgotten by kafka_sink_quarantine_start: nobody asks for it any more. */
	if (s->ticket.seq == 0)
		s->done = true;
	if (s->done || s->ticket.awaited > 0)
		return;
	int r = message_quarantine(ks, &s->q, &s->ticket);
	(void)r;        /* no room: the next tick tries again */
}

void
quarantine_again(struct kafka_sink *ks)
{
	for (uint64_t i = ks->q_head; i < ks->q_tail; i++)
		send_again(ks, slot(ks, i));
	pop_done(ks);
}

void
quarantine_new_producer(struct kafka_sink *ks)
{
	for (uint64_t i = ks->q_head; i < ks->q_tail; i++)
		slot(ks, i)->ticket.awaited = 0;
	quarantine_again(ks);
}

void
kafka_sink_quarantine_start(struct kafka_sink *ks, uint64_t acked)
{
	ks->q_acked = acked;
	for (uint64_t i = ks->q_head; i < ks->q_tail; i++)
		slot(ks, i)->ticket.seq = 0;
}

void
quarantine_free(struct kafka_sink *ks)
{
	while (ks->q_head < ks->q_tail)
		slot_fini(slot(ks, ks->q_head++));
}

uint64_t
kafka_sink_quarantine_acked(const struct kafka_sink *ks)
{
	return ks->q_acked;
}
