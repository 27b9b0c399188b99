/*
 * broker: kafka.h's source over logs in memory. What it keeps of the real one: records of all
 * partitions in the order of their times, positions given by the caller and compared by hash, lost
 * positions, "caught up" only when all is read and the broker is heard.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

#define MAX_TOPICS 4
struct reading {
	int64_t next;
	uint64_t want_hash;             /* not compared yet; 0: nothing to compare */
	bool lost, told, left;
	bool held;                      /* by fmd; then lost and left, too */
};

struct kafka_source {
	struct kafka_source_options opt;
	struct reading part[MAX_PARTS];
	int64_t ready;                  /* connected from then on */
	bool said_away, stirred;        /* stirred: woken since it is heard */
	uint64_t records;
};

struct log_part log_part[MAX_PARTS];
unsigned n_log_parts;
static size_t arrived[MAX_PARTS];       /* told to the process */
static int64_t away_until;
int64_t broker_connect_ns;
static struct kafka_source *source;     /* the process's */

/* ---- the world's side ----------------------------------------------------------------------- */

static void
empty_part(struct log_part *lp)
{
	for (size_t i = 0; i < lp->n; i++)
		free(lp->v[i].p);
	free(lp->v);
	lp->v = NULL;
	lp->n = lp->cap = lp->low = 0;
}

void
broker_format(const char *const *topics, const unsigned *partitions, unsigned n_topics)
{
	for (unsigned i = 0; i < n_log_parts; i++)
		empty_part(&log_part[i]);
	n_log_parts = 0;
	for (unsigned t = 0; t < n_topics; t++)
		for (unsigned p = 0; p < partitions[t]; p++) {
			fm_assert(n_log_parts < MAX_PARTS);
			log_part[n_log_parts++] = (struct log_part){.topic = topics[t],
				.topic_no = (int)t, .no = (int)p, .next = -1};
		}
	memset(arrived, 0, sizeof(arrived));
	away_until = 0;
	source = NULL;
}

void
broker_put(unsigned part, const char *text, size_t len, int64_t made, int64_t arrives)
{
	struct log_part *lp = &log_part[part];

	if (lp->n == lp->cap) {
		lp->cap = lp->cap > 0 ? 2 * lp->cap : 64;
		lp->v = fm_realloc(lp->v, lp->cap * sizeof(*lp->v));
	}
	if (lp->n > 0 && arrives < lp->v[lp->n - 1].arrives)
		arrives = lp->v[lp->n - 1].arrives;
	lp->v[lp->n++] = (struct log_record){.p = text != NULL ? fm_strndup(text, len) : NULL,
		.len = len, .made = made, .arrives = arrives};
}

void
broker_away_until(int64_t until)
{
	away_until = until;
	if (source != NULL)
		source->stirred = false;
}

bool
broker_is_away(void)
{
	return sim_now() < away_until;
}

static bool
is_heard(const struct kafka_source *src)
{
	return sim_now() >= src->ready && !broker_is_away();
}

/* Offset after the last record that has arrived. Producers wait for the broker as fmd does. */
static size_t
high_of(unsigned part)
{
	const struct log_part *lp = &log_part[part];
	size_t lo = arrived[part], n = lp->n;

	if (broker_is_away())
		return lo;
	while (lo < n && lp->v[lo].arrives <= sim_now())
		lo++;
	return lo;
}

void
broker_note_arrivals(void)
{
	for (unsigned i = 0; i < n_log_parts; i++)
		arrived[i] = high_of(i);
	if (source != NULL)
		source->stirred = is_heard(source);
}

int64_t
broker_next_arrival(void)
{
	int64_t first = SIM_NEVER;

	for (unsigned i = 0; i < n_log_parts; i++)
		if (arrived[i] < log_part[i].n && log_part[i].v[arrived[i]].arrives < first)
			first = log_part[i].v[arrived[i]].arrives;
	if (source != NULL && !source->stirred && source->ready < first)
		first = source->ready;
	return first != SIM_NEVER && first < away_until ? away_until : first;
}

void
broker_cut(unsigned part, size_t low)
{
	struct log_part *lp = &log_part[part];

	lp->low = low < arrived[part] ? low : arrived[part];
}

void
broker_save(struct crate *s)
{
	crate_put(s, log_part, sizeof(log_part));
	crate_put(s, arrived, sizeof(arrived));
	crate_put(s, &away_until, sizeof(away_until));
	crate_put(s, &source, sizeof(source));
}

void
broker_restore(struct crate *s)
{
	crate_take(s, log_part, sizeof(log_part));
	crate_take(s, arrived, sizeof(arrived));
	crate_take(s, &away_until, sizeof(away_until));
	crate_take(s, &source, sizeof(source));
}

unsigned
broker_part_of(const char *topic, int32_t partition)
{
	for (unsigned i = 0; i < n_log_parts; i++)
		if (log_part[i].no == partition && strcmp(log_part[i].topic, topic) == 0)
			return i;
	fm_assert(!"a partition of ours");
	return 0;
}

bool
broker_all_read(void)
{
	for (unsigned i = 0; i < n_log_parts; i++)
		if (source == NULL || source->part[i].lost ||
		    source->part[i].next != (int64_t)log_part[i].n)
			return false;
	return true;
}

void
broker_process_ended(void)
{
	source = NULL;
}

int
broker_left_part(void)
{
	for (unsigned i = 0; source != NULL && i < n_log_parts; i++)
		if (source->part[i].lost && source->part[i].left)
			return (int)i;
	return -1;
}

/* ---- kafka.h -------------------------------------------------------------------------------- */

uint64_t
kafka_record_hash(const void *p, size_t len, struct fm_time ts)
{
	const uint64_t h = fm_hash64(p, len, (uint64_t)ts.ns);

	return h != 0 ? h : 1;
}

static struct fm_time
stamp_of(const struct log_record *rec)
{
	return (struct fm_time){sim_wall(rec->made).ns / FM_NS_PER_MS * FM_NS_PER_MS};
}

/* Where fmd has kept nothing it begins anew, with what there is by now: then it has had nothing yet. */
static void
check_position(unsigned i, bool known, const struct store_position *pos)
{
	const struct mark *m = inputs_mark();
	const int64_t want = m->next[i] > 0 ? m->next[i] : 0;

	if (known ? pos->next_offset != want : m->handed[i] > 0)
		wrong("P2", "%s/%d goes on at %lld, but the state is that after %lld",
		      log_part[i].topic, log_part[i].no,
		      (long long)(known ? pos->next_offset : 0), (long long)want);
}

static void
begin_at(struct kafka_source *src, unsigned i, const struct store_position *pos)
{
	src->part[i] = (struct reading){.next = pos != NULL ? pos->next_offset :
		(int64_t)log_part[i].low, .want_hash = pos != NULL ? pos->last_hash : 0};
	log_part[i].next = src->part[i].next;
}

static void
hold(struct reading *r)
{
	r->held = r->lost = r->told = r->left = true;
}

int
kafka_source_new(const struct kafka_source_options *opt, struct kafka_source **ret,
		 struct fm_err *err)
{
	struct kafka_source *src = fm_calloc(1, sizeof(*src));

	(void)err;
	src->opt = *opt;
	src->ready = sim_now() + broker_connect_ns;
	broker_note_arrivals();
	for (unsigned i = 0; i < n_log_parts; i++) {
		struct store_position pos;
		const bool known = opt->position(opt->ctx, log_part[i].topic, log_part[i].no, &pos);

		check_position(i, known, &pos);
		begin_at(src, i, known ? &pos : NULL);
		if (opt->held(opt->ctx, log_part[i].topic, log_part[i].no))
			hold(&src->part[i]);
	}
	*ret = source = src;
	return 0;
}

void
kafka_source_free(struct kafka_source *src)
{
	free(src);
	if (source == src)
		source = NULL;
}

int
kafka_source_fd(const struct kafka_source *src)
{
	(void)src;
	return SIM_FD_SOURCE;
}

static struct kafka_lost
lost_of(const struct kafka_source *src, unsigned i)
{
	return (struct kafka_lost){.topic = log_part[i].topic, .partition = log_part[i].no,
		.wanted = src->part[i].next, .low = (int64_t)log_part[i].low,
		.high = (int64_t)arrived[i]};
}

/* Logs are cut here, but never made anew: a position that says so is wrong. */
static void
look_for_loss(struct kafka_source *src, unsigned i)
{
	struct reading *r = &src->part[i];
	const struct log_part *lp = &log_part[i];
	const size_t before = (size_t)r->next - 1;

	if (r->lost)
		return;
	if (r->next > (int64_t)arrived[i] ||
	    (r->want_hash != 0 && before >= lp->low &&
	     kafka_record_hash(lp->v[before].p, lp->v[before].len, stamp_of(&lp->v[before])) !=
	     r->want_hash))
		wrong("P1", "%s/%d: the record before position %lld is not the one that is kept",
		      lp->topic, lp->no, (long long)r->next);
	r->lost = r->next < (int64_t)lp->low;
	r->want_hash = 0;
	if (r->lost)
		say("%s/%d has lost its position %lld", lp->topic, lp->no, (long long)r->next);
}

static void
tell_losses(struct kafka_source *src)
{
	for (unsigned i = 0; i < n_log_parts; i++) {
		look_for_loss(src, i);
		if (!src->part[i].lost || src->part[i].told)
			continue;
		const struct kafka_lost lost = lost_of(src, i);

		src->part[i].told = true;
		src->opt.lost(src->opt.ctx, &lost);
	}
}

int
kafka_source_next(struct kafka_source *src, struct kafka_record *ret)
{
	const struct log_record *best = NULL;
	unsigned of = 0;

	if (!is_heard(src))
		return 0;
	tell_losses(src);
	for (unsigned i = 0; i < n_log_parts; i++) {
		const struct reading *r = &src->part[i];

		if (r->lost || r->next >= (int64_t)arrived[i])
			continue;
		if (best == NULL || log_part[i].v[r->next].made < best->made) {
			best = &log_part[i].v[r->next];
			of = i;
		}
	}
	if (best == NULL)
		return 0;
	*ret = (struct kafka_record){.topic = log_part[of].topic,
		.topic_no = log_part[of].topic_no, .partition = log_part[of].no,
		.offset = src->part[of].next++, .ts = stamp_of(best), .p = best->p,
		.len = best->len};
	log_part[of].next = src->part[of].next;
	log_part[of].handed++;
	src->records++;
	return 1;
}

void
kafka_source_tick(struct kafka_source *src, struct fm_time now)
{
	(void)now;
	if (broker_is_away() != src->said_away) {
		src->said_away = broker_is_away();
		src->opt.notice(src->opt.ctx, src->said_away ? KAFKA_UNREACHABLE : KAFKA_REACHABLE,
				NULL, -1, "the broker of the simulation");
	}
	if (is_heard(src))
		tell_losses(src);
}

bool
kafka_source_caught_up(const struct kafka_source *src)
{
	if (!is_heard(src))
		return false;
	for (unsigned i = 0; i < n_log_parts; i++) {
		const struct reading *r = &src->part[i];

		if (r->lost ? !r->left : r->next < (int64_t)arrived[i] || r->want_hash != 0)
			return false;
	}
	return true;
}

bool
broker_heard_to_end(void)
{
	return source != NULL && kafka_source_caught_up(source);
}

void
kafka_source_take_starts(struct kafka_source *src, kafka_start_f *f, void *ctx)
{
	(void)src, (void)f, (void)ctx;  /* fmd.yaml says earliest */
}

/* ---- lost positions ------------------------------------------------------------------------- */

int
kafka_source_state(const struct kafka_source *src, const char *topic, int32_t partition,
		   enum kafka_input *ret)
{
	const struct reading *r = &src->part[broker_part_of(topic, partition)];

	*ret = r->held ? KAFKA_INPUT_HELD : r->lost ? KAFKA_INPUT_LOST : is_heard(src) ? KAFKA_INPUT_READING :
		KAFKA_INPUT_WAITING;
	return 0;
}

int
kafka_source_find_lost(const struct kafka_source *src, const char *topic, int32_t partition,
		       struct kafka_lost *ret)
{
	const unsigned i = broker_part_of(topic, partition);

	if (!src->part[i].lost)
		return -ENOENT;
	if (!is_heard(src))
		return -EAGAIN;
	*ret = lost_of(src, i);
	return 0;
}

int
kafka_source_resume_lost(struct kafka_source *src, const char *topic, int32_t partition,
			 int64_t offset)
{
	const unsigned i = broker_part_of(topic, partition);

	if (!src->part[i].lost)
		return -ENOENT;
	src->part[i] = (struct reading){.next = offset};
	log_part[i].next = offset;
	return 0;
}

int
kafka_source_leave_lost(struct kafka_source *src, const char *topic, int32_t partition)
{
	struct reading *r = &src->part[broker_part_of(topic, partition)];

	if (!r->lost)
		return -ENOENT;
	r->left = true;
	return 0;
}

/* The record at hand has not been read after all. */
int
kafka_source_hold(struct kafka_source *src, const char *topic, int32_t partition)
{
	const unsigned i = broker_part_of(topic, partition);

	src->part[i].next--;
	log_part[i].next = src->part[i].next;
	log_part[i].handed--;
	hold(&src->part[i]);
	return 0;
}

int
kafka_source_release(struct kafka_source *src, const char *topic, int32_t partition)
{
	const unsigned i = broker_part_of(topic, partition);
	struct store_position pos;

	if (!src->part[i].held)
		return -ENOENT;
	begin_at(src, i, src->opt.position(src->opt.ctx, topic, partition, &pos) ? &pos : NULL);
	return 0;
}

void
kafka_source_get_stats(const struct kafka_source *src, struct kafka_source_stats *ret)
{
	*ret = (struct kafka_source_stats){.records = src->records, .partitions = n_log_parts,
		.reachable = is_heard(src), .lag = -1};
}

const char *
kafka_library_version(void)
{
	return "simulated";
}

int
kafka_conf_check(const struct kafka_conf *conf, struct fm_err *err)
{
	(void)conf, (void)err;
	return 0;
}

int
kafka_brokers_check(const char *brokers, struct fm_err *err)
{
	(void)brokers;
	(void)err;
	return 0;
}

int
kafka_setting_check(const struct kafka_setting *st, struct fm_err *err)
{
	(void)st, (void)err;
	return 0;
}

const char *
kafka_conf_doubt(const struct kafka_conf *conf, unsigned i)
{
	(void)conf, (void)i;
	return NULL;
}

/* ---- the demo's broker: not simulated ------------------------------------------------------- */

int
kafka_broker_new(const char *const *topics, unsigned n_topics, int partitions,
		 struct kafka_broker **ret, struct fm_err *err)
{
	(void)topics, (void)n_topics, (void)partitions, (void)ret;
	return fm_fail(err, -ENOTSUP, "the simulation has no demo");
}

const char *
kafka_broker_address(const struct kafka_broker *b)
{
	(void)b;
	return "";
}

void
kafka_broker_free(struct kafka_broker *b)
{
	(void)b;
}
