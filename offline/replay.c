/*
 * replay: a capture through the decoder and the core, as the daemon reads a backlog: time is that
 * of the records, or what the recording daemon said it was, and what cannot be decoded is counted and
 * passed over.
 */
#include "offline/offline_priv.h"

struct replay {
	struct correlator *corr;
	struct decoder *dec;
	transition_sink_f *sink;
	void *ctx;
	struct replay_stats *stats;
};

static void
number(void *ctx, struct transition *tr)
{
	struct replay *rp = ctx;

	tr->seq = ++rp->stats->transitions;
	rp->sink(rp->ctx, tr);
}

static void
apply(struct replay *rp, const struct offline_record *rec)
{
	struct replay_stats *st = rp->stats;
	struct fm_err err;
	struct event ev;
	/* Too large, malformed, not there: the daemon would quarantine it. */
	const int r = rec->p != NULL ? event_decode(rp->dec, rec->p, rec->len, &ev, &err) :
		-EBADMSG;

	if (r < 0) {
		st->quarantined++;
		return;
	}
	ev.at = rec->ts;
	if (rec->now.ns != 0) {
		corr_advance(rp->corr, rec->now, number, rp);
		if (fm_time_before(rec->now, rec->ts))
			ev.at = rec->now;       /* from the future of that daemon's clock */
	}
	ev.pos = (struct record_pos){.topic = rec->topic, .partition = rec->partition,
		.offset = rec->offset};
	if (r > 0) {
		st->unknown++;
		corr_pass(rp->corr, &ev, number, rp);
		return;
	}
	switch (corr_apply(rp->corr, &ev, number, rp)) {
	case CORR_APPLIED:
		st->applied++;
		break;
	case CORR_NO_EFFECT:
		st->no_effect++;
		break;
	case CORR_DUPLICATE:
		st->duplicate++;
		break;
	case CORR_LATE:
		st->late++;
		break;
	}
}

static int
run(struct replay *rp, struct capture *cap, struct fm_err *err)
{
	struct replay_stats *st = rp->stats;
	struct offline_record rec;
	int r;

	while ((r = capture_next(cap, &rec, err)) > 0) {
		if (st->records++ == 0)
			st->first = rec.ts;
		st->backwards += rec.now.ns == 0 && fm_time_before(rec.ts, st->last);
		st->last = fm_time_max(st->last, rec.ts);
		apply(rp, &rec);
	}
	return r;
}

int
offline_replay(const char *capture, const struct catalogue *cat, struct replay_until until,
	       transition_sink_f *sink, void *ctx, struct replay_stats *ret, struct fm_err *err)
{
	struct replay rp = {.sink = sink, .ctx = ctx, .stats = ret};
	struct capture *cap = NULL;
	int r = capture_open(capture, &cap, err);

	*ret = (struct replay_stats){0};
	if (r < 0)
		return r;
	rp.dec = decoder_new(NULL);
	rp.corr = corr_new(cat);
	r = run(&rp, cap, err);
	if (r == 0)
		corr_advance(rp.corr, fm_time_max(until.at, fm_time_add(ret->last, until.after)),
			     number, &rp);
	corr_free(rp.corr);
	decoder_free(rp.dec);
	capture_close(cap);
	return r;
}
