/*
 * core_rig: a core with a catalogue of the test's own, fed with records as the steps of examples write
 * them (docs/CATALOG.md), at a time that the test sets.
 */
#ifndef CORE_RIG_H
#define CORE_RIG_H

#include "../catalogue/cat_test.h"
#include "offline/offline.h"

struct core_rig {
	struct correlator *corr;
	struct decoder *dec;
	struct record_maker *mk;
	struct fm_arena arena;
	struct fm_time now;
};

/* The records are of instance U1 on host, unless they say others. */
static inline struct core_rig
rig_begin(const struct catalogue *cat, const char *host)
{
	struct core_rig r = {.corr = corr_new(cat), .dec = decoder_new(NULL),
		.mk = record_maker_new("U1", host), .now = {1767225600 * FM_NS_PER_S}};

	fm_arena_init(&r.arena);
	return r;
}

static inline void
rig_end(struct core_rig *r)
{
	corr_free(r->corr);
	decoder_free(r->dec);
	record_maker_free(r->mk);
	fm_arena_fini(&r->arena);
}

static inline void
rig_feed(struct core_rig *r, enum offline_form form, const char *line, transition_sink_f *sink,
	 void *ctx)
{
	struct offline_words words;
	struct fm_err err;
	struct event ev;
	char *text = NULL;

	cr_assert_eq(offline_split(&r->arena, line, &words, &err), 0);
	cr_assert_eq(record_make(r->mk, form, &words, r->now, &text, &err), 0, "%s", err.msg);
	cr_assert_eq(event_decode(r->dec, text, strlen(text), &ev, &err), 0, "%s", err.msg);
	ev.at = r->now;
	ev.pos = (struct record_pos){.topic = "t"};
	(void)corr_apply(r->corr, &ev, sink, ctx);
	free(text);
}

#endif
