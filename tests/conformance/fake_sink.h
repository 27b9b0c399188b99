/*
 * fake_sink: a sink that does as it is told, for tests of the outbox: takes, refuses, passes over,
 * acks at once or when asked. What it delivered outlives it.
 */
#ifndef FAKE_SINK_H
#define FAKE_SINK_H

#include "notify/notify.h"

#include <stdlib.h>

#define FAKE_MAX 20000

/* The far side: what has arrived, in order of arrival. */
struct fake_world {
	uint64_t seq[FAKE_MAX];
	uint64_t hash[FAKE_MAX];        /* of the record's bytes */
	enum transition_kind kind[FAKE_MAX];
	size_t n;
};

struct fake_sink {
	struct sink sink;               /* first */
	struct fake_world *world;
	/* the script */
	int answer;                     /* to an offer: 0, -EAGAIN or another error */
	uint64_t skip;                  /* passes over every multiple of this; 0: none */
	size_t room;                    /* in flight at most */
	bool ack_at_once;
	/* what has happened */
	uint64_t in_flight[FAKE_MAX];
	size_t n_in_flight;
	unsigned offers, flushes, resets;
	bool *closed;                   /* where to note the close; may be NULL */
};

static inline int
fake_offer(struct sink *sink, const struct stored_transition *tr)
{
	struct fake_sink *f = (struct fake_sink *)sink;

	f->offers++;
	if (f->answer != 0)
		return f->answer;
	if (f->skip != 0 && tr->seq % f->skip == 0)
		return 1;
	if (f->n_in_flight >= f->room)
		return -EAGAIN;
	fm_assert(f->world->n < FAKE_MAX);
	f->world->seq[f->world->n] = tr->seq;
	f->world->kind[f->world->n] = tr->kind;
	f->world->hash[f->world->n++] = fm_hash64(tr->json, tr->len, 0);
	if (f->ack_at_once)
		outbox_acked(sink, tr->seq);
	else
		f->in_flight[f->n_in_flight++] = tr->seq;
	return 0;
}

static inline void
fake_flush(struct sink *sink, struct fm_time now)
{
	(void)now;
	((struct fake_sink *)sink)->flushes++;
}

static inline void
fake_reset(struct sink *sink)
{
	struct fake_sink *f = (struct fake_sink *)sink;

	f->resets++;
	f->n_in_flight = 0;
}

static inline void
fake_close(struct sink *sink)
{
	struct fake_sink *f = (struct fake_sink *)sink;

	if (f->closed != NULL)
		*f->closed = true;
	free(f);
}

static inline struct fake_sink *
fake_sink_new(const char *name, struct fake_world *world)
{
	static const struct sink_ops ops = {
		.offer = fake_offer, .flush = fake_flush, .reset = fake_reset, .close = fake_close,
	};
	struct fake_sink *f = fm_calloc(1, sizeof(*f));

	f->sink.ops = &ops;
	f->sink.name = name;
	f->world = world;
	f->room = 100;
	return f;
}

/* The far side confirms all that is in flight, in one ack. */
static inline void
fake_confirm(struct fake_sink *f)
{
	if (f->n_in_flight == 0)
		return;
	uint64_t last = f->in_flight[f->n_in_flight - 1];
	f->n_in_flight = 0;
	outbox_acked(&f->sink, last);
	outbox_ready(&f->sink);
}

#endif
