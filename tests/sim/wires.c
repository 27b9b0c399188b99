/*
 * wires: the sinks, kafka.h's and fmagent.h's, each a line on which deliveries take their time. What
 * was taken arrives, in order, after the latency; then its answer comes, or is lost: the sink then
 * calls it a failure, though the other end has it. The other end remembers every sequence number
 * with a hash of its content, for ever.
 */
#include "tests/sim/sim.h"

#include "snmp/fmagent.h"

#include <stdio.h>
#include <stdlib.h>

#define QUEUE 64
#define ANSWER_WAIT (5 * FM_NS_PER_S)
#define Q_WINDOW 8

struct parcel {
	uint64_t seq, content;
	uint64_t gap_from;              /* a gap record: seq is its end; 0: none */
	int64_t due;
	bool there;                     /* and its answer is lost */
};

enum had { NOT_YET, MISSED, GIVEN };     /* MISSED: told that it is */

struct wire {
	struct sink sink;
	const char *name;
	unsigned fd;
	bool skips_logs;
	/* the process's end */
	struct parcel v[QUEUE];
	unsigned n;
	bool was_full;
	/* the world's */
	struct rng rng;
	int64_t away_until;
	uint8_t *has;                   /* enum had, by seq */
	size_t cap;
	uint64_t highest;
};

struct content {
	uint64_t *v;
	size_t cap;
};

struct kafka_sink {
	kafka_notice_f *notice;
	void *ctx;
	uint64_t q_id[Q_WINDOW], q_content[Q_WINDOW], q_acked;
	int64_t q_due;
	unsigned q_n;
};
struct fmagent {
	unsigned n;
};

struct weather weather;
static struct wire wire[MAX_WIRES];
static unsigned n_wires;
static struct content told, quarantined;
static uint64_t highest_quarantine;
static struct kafka_sink the_sink;
static struct fmagent the_agent;
static const char *const names[MAX_WIRES] = {"kafka", "snmp:noc-1", "snmp:noc-2"};

/* ---- the other end -------------------------------------------------------------------------- */

static bool
note_content(struct content *c, uint64_t id, uint64_t content)
{
	if (id >= c->cap) {
		const size_t cap = (id + 1) * 2;

		c->v = fm_realloc(c->v, cap * sizeof(*c->v));
		memset(c->v + c->cap, 0, (cap - c->cap) * sizeof(*c->v));
		c->cap = cap;
	}
	if (c->v[id] == 0)
		c->v[id] = content;
	return c->v[id] == content;
}

static void
note_has(struct wire *w, uint64_t from, uint64_t to, enum had how)
{
	if (to >= w->cap) {
		const size_t cap = (to + 1) * 2;

		w->has = fm_realloc(w->has, cap);
		memset(w->has + w->cap, 0, cap - w->cap);
		w->cap = cap;
	}
	for (uint64_t seq = from; seq <= to; seq++)
		if (w->has[seq] != GIVEN)
			w->has[seq] = how;
	if (to > w->highest)
		w->highest = to;
}

static void
arrive(struct wire *w, const struct parcel *p)
{
	note_has(w, p->gap_from != 0 ? p->gap_from : p->seq, p->seq,
		 p->gap_from != 0 ? MISSED : GIVEN);
	if (p->gap_from == 0 && !note_content(&told, p->seq, p->content))
		wrong("P3", "%s is given another content as %llu", w->name,
		      (unsigned long long)p->seq);
}

bool
wires_has(unsigned i, uint64_t seq)
{
	return seq < wire[i].cap && wire[i].has[seq];
}

bool
wires_was_given(unsigned i, uint64_t seq)
{
	return seq < wire[i].cap && wire[i].has[seq] == GIVEN;
}

bool
wires_has_quarantined(uint64_t id)
{
	return id < quarantined.cap && quarantined.v[id] != 0;
}

uint64_t
wires_content(uint64_t seq)
{
	return seq < told.cap ? told.v[seq] : 0;
}

uint64_t
wires_highest(void)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < n_wires; i++)
		most = wire[i].highest > most ? wire[i].highest : most;
	return most;
}

uint64_t
wires_highest_quarantine(void)
{
	return highest_quarantine;
}

unsigned
wires_count(void)
{
	return n_wires;
}

const char *
wires_name(unsigned i)
{
	return wire[i].name;
}

void
wires_format(unsigned n_agents)
{
	for (unsigned i = 0; i < MAX_WIRES; i++) {
		free(wire[i].has);
		wire[i] = (struct wire){.name = names[i], .rng = {i + 1}, .skips_logs = i == 1,
			.fd = i == 0 ? SIM_FD_SINK : SIM_FD_AGENT};
	}
	n_wires = 1 + n_agents;
	free(told.v);
	free(quarantined.v);
	told = quarantined = (struct content){0};
	highest_quarantine = 0;
}

void
wires_away_until(unsigned i, int64_t until)
{
	wire[i].away_until = until;
}

static void
save_content(struct crate *s, const struct content *c)
{
	crate_put(s, &c->cap, sizeof(c->cap));
	crate_put(s, c->v, c->cap * sizeof(*c->v));
}

static void
restore_content(struct crate *s, struct content *c)
{
	crate_take(s, &c->cap, sizeof(c->cap));
	c->v = fm_realloc(c->v, c->cap * sizeof(*c->v) + 1);
	crate_take(s, c->v, c->cap * sizeof(*c->v));
}

void
wires_save(struct crate *s)
{
	for (unsigned i = 0; i < n_wires; i++) {
		crate_put(s, &wire[i], sizeof(wire[i]));
		crate_put(s, wire[i].has, wire[i].cap);
	}
	save_content(s, &told);
	save_content(s, &quarantined);
	crate_put(s, &highest_quarantine, sizeof(highest_quarantine));
	crate_put(s, &the_sink, sizeof(the_sink));
	crate_put(s, &weather, sizeof(weather));
}

void
wires_restore(struct crate *s)
{
	for (unsigned i = 0; i < n_wires; i++) {
		uint8_t *has = wire[i].has;

		crate_take(s, &wire[i], sizeof(wire[i]));
		wire[i].has = fm_realloc(has, wire[i].cap + 1);
		crate_take(s, wire[i].has, wire[i].cap);
	}
	restore_content(s, &told);
	restore_content(s, &quarantined);
	crate_take(s, &highest_quarantine, sizeof(highest_quarantine));
	crate_take(s, &the_sink, sizeof(the_sink));
	crate_take(s, &weather, sizeof(weather));
}

/* What had been sent may arrive after its sender's death, up to some point. */
void
wires_process_ended(void)
{
	for (unsigned i = 0; i < n_wires; i++) {
		struct wire *w = &wire[i];
		const unsigned sent = w->n > 0 && sim_now() >= w->away_until
			? draw(&w->rng, w->n + 1) : 0;

		for (unsigned k = 0; k < sent; k++)
			arrive(w, &w->v[k]);
		w->n = 0;
		w->was_full = false;
	}
	the_sink = (struct kafka_sink){0};
}

bool
wires_idle(void)
{
	for (unsigned i = 0; i < n_wires; i++)
		if (wire[i].n > 0)
			return false;
	return the_sink.q_n == 0;
}

int64_t
wires_next(unsigned *ret_fd)
{
	int64_t first = SIM_NEVER;

	for (unsigned i = 0; i < n_wires; i++) {
		const struct wire *w = &wire[i];
		const int64_t due = w->n == 0 ? SIM_NEVER :
			w->v[0].due > w->away_until ? w->v[0].due : w->away_until;

		if (due < first) {
			first = due;
			*ret_fd = w->fd;
		}
	}
	const int64_t q_due = the_sink.q_n == 0 ? SIM_NEVER :
		the_sink.q_due > wire[0].away_until ? the_sink.q_due : wire[0].away_until;

	if (q_due < first) {
		first = q_due;
		*ret_fd = SIM_FD_SINK;
	}
	return first;
}

/* ---- the outbox's operations ---------------------------------------------------------------- */

static struct wire *
of_sink(struct sink *s)
{
	return (struct wire *)(void *)s;
}

/* What is that far behind the newest has to be kept for those that are slow. */
static void
check_gap(const struct wire *w, uint64_t to)
{
	if (sim.keep_backlog == 0 || to + sim.keep_backlog > inputs_synced_seq())
		wrong("P3", "%s is told of a gap up to %llu of %llu, where %llu should be kept",
		      w->name, (unsigned long long)to, (unsigned long long)inputs_synced_seq(),
		      (unsigned long long)sim.keep_backlog);
}

/* "Transitions 5 to 9 are no longer kept" */
static uint64_t
gap_begin(const struct stored_transition *tr)
{
	const char *text = memmem(tr->json, tr->len, "Transitions ", 12);

	fm_assert(text != NULL);
	return strtoull(text + 12, NULL, 10);
}

static int
w_offer(struct sink *s, const struct stored_transition *tr)
{
	struct wire *w = of_sink(s);

	if (tr->seq > inputs_synced_seq())
		wrong("P5", "%s is offered %llu before it is durable", w->name,
		      (unsigned long long)tr->seq);
	if (tr->kind == TR_GAP)
		check_gap(w, tr->seq);
	if (sim.away_refuses && w->fd == SIM_FD_AGENT && sim_now() < w->away_until)
		return -EHOSTUNREACH;
	if (w->skips_logs && tr->kind == TR_LOG) {
		note_has(w, tr->seq, tr->seq, GIVEN);
		return 1;
	}
	if (w->n >= weather.window || w->n == QUEUE) {
		w->was_full = true;
		return -EAGAIN;
	}
	if (chance(&w->rng, weather.refused))
		return -ECONNREFUSED;
	w->v[w->n++] = (struct parcel){.seq = tr->seq, .content = fm_hash64(tr->json, tr->len, 1),
		.gap_from = tr->kind == TR_GAP ? gap_begin(tr) : 0,
		.due = sim_now() + draw_span(&w->rng, weather.latency_ms * FM_NS_PER_MS)};
	return 0;
}

static void
w_reset(struct sink *s)
{
	of_sink(s)->n = 0;
	of_sink(s)->was_full = false;
}

/* As the real ones: an orderly end waits for what is on its way. */
static void
w_close(struct sink *s)
{
	struct wire *w = of_sink(s);

	for (unsigned i = 0; i < w->n && sim_now() >= w->away_until; i++)
		arrive(w, &w->v[i]);
	w->n = 0;
}

static const char *
w_state(struct sink *s)
{
	return sim_now() < of_sink(s)->away_until ? "away" : "connected";
}

static const struct sink_ops ops = {.offer = w_offer, .reset = w_reset, .close = w_close,
	.state = w_state};

static void
drop_first(struct wire *w)
{
	memmove(w->v, w->v + 1, --w->n * sizeof(w->v[0]));
}

/* Returns false when the sink has started over. */
static bool
deliver_first(struct wire *w, struct fm_time now)
{
	const struct parcel p = w->v[0];

	if (p.there) {
		outbox_failed(&w->sink, now, "no answer");
		return false;
	}
	arrive(w, &p);
	if (chance(&w->rng, weather.twice))
		arrive(w, &p);
	if (chance(&w->rng, weather.lost)) {
		w->v[0].there = true;
		w->v[0].due = sim_now() + ANSWER_WAIT;
		return false;
	}
	drop_first(w);
	outbox_acked(&w->sink, p.seq);
	if (w->was_full && w->n < weather.window) {
		w->was_full = false;
		outbox_ready(&w->sink);
	}
	return true;
}

static void
w_poll(struct wire *w, struct fm_time now)
{
	while (w->n > 0 && w->v[0].due <= sim_now() && sim_now() >= w->away_until)
		if (!deliver_first(w, now))
			return;
}

/* ---- kafka.h's sink ------------------------------------------------------------------------- */

int
kafka_sink_new(const struct kafka_sink_options *opt, struct kafka_sink **ret, struct fm_err *err)
{
	(void)err;
	the_sink = (struct kafka_sink){.notice = opt->notice, .ctx = opt->ctx};
	*ret = &the_sink;
	return 0;
}

int
kafka_sink_fd(const struct kafka_sink *ks)
{
	(void)ks;
	return SIM_FD_SINK;
}

struct sink *
kafka_sink_as_sink(struct kafka_sink *ks)
{
	(void)ks;
	wire[0].sink = (struct sink){.ops = &ops, .name = wire[0].name};
	return &wire[0].sink;
}

static void
deliver_quarantined(struct kafka_sink *ks)
{
	for (unsigned i = 0; i < ks->q_n; i++) {
		if (!note_content(&quarantined, ks->q_id[i], ks->q_content[i]))
			wrong("P3", "another record is quarantined as %llu",
			      (unsigned long long)ks->q_id[i]);
		if (ks->q_id[i] > highest_quarantine)
			highest_quarantine = ks->q_id[i];
	}
	ks->q_acked = ks->q_id[ks->q_n - 1];
	ks->q_n = 0;
}

void
kafka_sink_poll(struct kafka_sink *ks, struct fm_time now)
{
	w_poll(&wire[0], now);
	if (ks->q_n > 0 && ks->q_due <= sim_now() && sim_now() >= wire[0].away_until)
		deliver_quarantined(ks);
}

int
kafka_sink_quarantine(struct kafka_sink *ks, const struct store_quarantine *q)
{
	if (q->id > inputs_synced_quarantine())
		wrong("P5", "record %llu is quarantined before that is durable",
		      (unsigned long long)q->id);
	if (ks->q_n == Q_WINDOW)
		return -EAGAIN;
	if (ks->q_n == 0)
		ks->q_due = sim_now() + (int64_t)weather.latency_ms * FM_NS_PER_MS;
	ks->q_id[ks->q_n] = q->id;
	ks->q_content[ks->q_n++] = fm_hash64(q->body, q->len, (uint64_t)q->offset + 1);
	return 0;
}

uint64_t
kafka_sink_quarantine_acked(const struct kafka_sink *ks)
{
	return ks->q_acked;
}

void
kafka_sink_quarantine_start(struct kafka_sink *ks, uint64_t acked)
{
	ks->q_acked = acked;
}

/* ---- fmagent.h ------------------------------------------------------------------------------ */

int
fmagent_new(const struct fmagent_options *opt, struct fmagent **ret, struct fm_err *err)
{
	(void)err;
	the_agent.n = opt->n_targets;
	*ret = &the_agent;
	return 0;
}

unsigned
fmagent_n_sinks(const struct fmagent *ag)
{
	return ag->n;
}

struct sink *
fmagent_sink(struct fmagent *ag, unsigned i)
{
	(void)ag;
	wire[1 + i].sink = (struct sink){.ops = &ops, .name = wire[1 + i].name};
	return &wire[1 + i].sink;
}

int
fmagent_fd(const struct fmagent *ag)
{
	(void)ag;
	return SIM_FD_AGENT;
}

void
fmagent_poll(struct fmagent *ag, struct fm_time now)
{
	for (unsigned i = 0; i < ag->n; i++)
		w_poll(&wire[1 + i], now);
}

bool
fmagent_news(struct fmagent *ag, char ret[FMAGENT_MAX_NEWS])
{
	(void)ag, (void)ret;
	return false;
}

void
fmagent_show_alarm(struct fmagent *ag, const struct alarm *al)
{
	(void)ag, (void)al;
}

void
fmagent_show_event(struct fmagent *ag, const struct stored_transition *tr)
{
	(void)ag, (void)tr;
}

void
fmagent_committed(struct fmagent *ag, const struct stored_transition *tr, const struct alarm *al)
{
	(void)ag, (void)tr, (void)al;
}

void
fmagent_publish(struct fmagent *ag)
{
	(void)ag;
}

void
fmagent_free(struct fmagent *ag)
{
	(void)ag;
}

void
fmagent_get_stats(const struct fmagent *ag, struct fmagent_stats *ret)
{
	(void)ag;
	*ret = (struct fmagent_stats){0};
}
