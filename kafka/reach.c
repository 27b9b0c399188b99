/*
 * reach: are the brokers being heard? Silence of a partition means "nothing happened" only while
 * its leader answers fetches, and time may pass only then (P8). An end that was reported once says
 * nothing after a reconnect, so the proof is taken from the statistics: two fetches asked on one
 * connection mean that the first was answered. A bounded loss of contact (DEAF_US) goes unnoticed.
 */
#include "kafka/source_priv.h"
#include "kafka/stats_priv.h"

#include <stdio.h>

#define DEAF_US 3000000
#define UNHEARD_SAMPLES 3

static void
announce(struct kafka_source *src, const char *why)
{
	enum announced say = src->reachable ? SAID_REACHABLE : SAID_UNREACHABLE;
	if (src->announced == say)
		return;
	src->announced = say;
	source_notice(src, src->reachable ? KAFKA_REACHABLE : KAFKA_UNREACHABLE, NULL, -1, "%s", why);
}

/* The first active partition whose leader is not heard. */
static const struct part *
first_unheard(const struct kafka_source *src)
{
	for (unsigned i = 0; i < src->n_parts; i++)
		if (part_active(src->parts[i]) && !src->parts[i]->heard)
			return src->parts[i];
	return NULL;
}

static bool
any_active(const struct kafka_source *src)
{
	for (unsigned i = 0; i < src->n_parts; i++)
		if (part_active(src->parts[i]))
			return true;
	return false;
}

static void
judge(struct kafka_source *src)
{
	const struct part *deaf = first_unheard(src);
	src->reachable = src->met && deaf == NULL && (src->any_up || any_active(src));
	if (src->reachable) {
		src->unheard_samples = 0;
		announce(src, "all partitions are being read");
	}
}

void
reach_on_heard(struct part *p)
{
	p->heard_us = p->src->stats_us;
	/* After a loss of contact what is still queued proves nothing; the statistics will. */
	if (p->heard || p->src->announced == SAID_UNREACHABLE)
		return;
	p->heard = true;
	judge(p->src);
}

void
reach_on_all_down(struct kafka_source *src, const char *why)
{
	reach_forget(src);
	src->any_up = false;
	announce(src, why);
}

void
reach_forget(struct kafka_source *src)
{
	src->reachable = false;
	for (unsigned i = 0; i < src->n_parts; i++) {
		src->parts[i]->heard = false;
		src->parts[i]->fetches = -1;
	}
}

/* Compares with the sample before; a new leader or connection starts over. */
static bool
answered(struct part *p, const struct stats_broker *b, const struct stats_part *s)
{
	bool same = p->fetches >= 0 && p->connects == b->connects && b->fetches >= p->fetches;
	bool advanced = same && b->fetches - p->fetches >= 2;
	if (!same || advanced) {
		p->fetches = b->fetches;
		p->connects = b->connects;
	}
	/* A full queue is not fetched for: what it holds has been heard. */
	return advanced || (same && s->queued > 0);
}

static void
on_part(struct part *p, const struct stats *st)
{
	struct stats_part s;
	struct stats_broker b;
	if (!stats_part(st, p->topic->name, p->no, &s) || !stats_broker(st, s.leader, &b) || !b.up) {
		p->heard = false;
		p->fetches = -1;
		return;
	}
	if (answered(p, &b, &s)) {
		p->heard = true;
		p->heard_us = p->src->stats_us;
	} else if (p->src->stats_us - p->heard_us > DEAF_US) {
		p->heard = false;
	}
	/* More was written than the end that was reported. */
	if (p->at_end && s.ls > p->next) {
		p->at_end = false;
		part_recount(p);
	}
}

void
reach_on_stats(struct kafka_source *src, const char *json, size_t len)
{
	struct stats *st = stats_parse(json, len);
	if (st == NULL)
		return;
	src->stats_us = stats_ts_us(st);
	src->any_up = stats_any_up(st);
	for (unsigned i = 0; i < src->n_parts; i++)
		on_part(src->parts[i], st);
	stats_free(st);

	judge(src);
	if (src->reachable || ++src->unheard_samples < UNHEARD_SAMPLES)
		return;
	const struct part *deaf = first_unheard(src);
	char why[256] = "no broker answers";
	if (deaf != NULL)
		snprintf(why, sizeof(why), "the leader of %s/%d is not heard", deaf->topic->name,
			 deaf->no);
	announce(src, why);
}
