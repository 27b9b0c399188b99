/*
 * sink_suite: what every sink has to do, whatever it delivers to. A folder with a sink describes it
 * in a struct sink_subject and runs all of it with
 *
 *     SINK_SUITE(kafka, kafka_subject)
 *
 * Promises checked: in order without a hole (a repetition goes back and comes up to where it was
 * step by step), every transition at least once, each repetition byte for byte the same, after a
 * restart on from the stored cursor, through refusals and failures, closed with work in flight; and
 * after retention has overtaken it the newest of each alarm, with gaps that cover all the others.
 */
#ifndef SINK_SUITE_H
#define SINK_SUITE_H

#include "notify/notify.h"
#include "tests/unit/store/store_rig.h"

/* One delivery as the far side saw it. */
struct arrival {
	uint64_t seq;
	uint64_t hash;                  /* fm_hash64(record, len, 0); 0: the far side cannot tell */
};

enum weather {
	WEATHER_FAIR,
	WEATHER_FULL,                   /* no room for now */
	WEATHER_BROKEN,                 /* deliveries fail */
};

struct sink_subject {
	/* The far side, empty and in fair weather. It outlives the sinks. */
	void *(*world_new)(const char *dir);
	void (*world_free)(void *world);
	/* A new sink on it, as after a restart; the name is always the same. */
	struct sink *(*sink_new)(void *world);
	/* Let time pass: what is in flight gets there and is acked, if the weather allows. */
	void (*settle)(void *world, struct sink *sink);
	/* False when this kind of weather cannot happen to it. */
	bool (*set_weather)(void *world, struct sink *sink, enum weather weather);
	/* All that arrived since world_new, in order. Returns how many. */
	size_t (*arrived)(void *world, struct arrival *ret, size_t max);
};

#define SUITE_MAX_ARRIVALS 8192

struct suite {
	const struct sink_subject *subject;
	void *world;
	struct store_rig store;
	struct outbox *ob;
	struct sink *sink;
	struct fm_time now;
};

/* ---- fixture --------------------------------------------------------------------- */

static inline void
suite_start_sink(struct suite *s)
{
	s->ob = outbox_new(s->store.st);
	s->sink = s->subject->sink_new(s->world);
	outbox_add(s->ob, s->sink, false);
}

static inline struct suite
suite_new(const struct sink_subject *subject)
{
	struct suite s = {.subject = subject, .store = rig_unopened(), .now = {FM_NS_PER_S}};

	rig_open(&s.store);
	s.world = subject->world_new(s.store.dir);
	suite_start_sink(&s);
	return s;
}

static inline void
suite_end(struct suite *s)
{
	outbox_free(s->ob);
	s->subject->world_free(s->world);
	rig_fini(&s->store);
}

/* Ends without another word, as far as a test in one process can, and comes back. */
static inline void
suite_restart(struct suite *s)
{
	outbox_free(s->ob);
	s->store.st->broken = -EIO;
	rig_close(&s->store);
	rig_open(&s->store);
	suite_start_sink(s);
}

static inline void
suite_commit(struct suite *s, unsigned n)
{
	MUST(store_begin(s->store.st, &err));
	for (unsigned i = 0; i < n; i++)
		rig_put(&s->store, i, TR_RAISE);
	MUST(outbox_store_cursors(s->ob, &err));
	MUST(store_commit(s->store.st, &err));
	for (unsigned i = 0; store_committed(s->store.st, i) != NULL; i++)
		outbox_committed(s->ob, store_committed(s->store.st, i));
}

static inline void
suite_pump(struct suite *s)
{
	while (outbox_pump(s->ob, s->now))
		;
}

/* Pump and settle, over back-offs, until all is acked. */
static inline void
suite_deliver(struct suite *s)
{
	for (int i = 0; i < 2000 && outbox_floor(s->ob) != store_last_seq(s->store.st); i++) {
		(void)outbox_next_retry(s->ob, &s->now);
		suite_pump(s);
		s->subject->settle(s->world, s->sink);
	}
	cr_assert_eq(outbox_floor(s->ob), store_last_seq(s->store.st), "acked up to %llu of %llu",
		     (unsigned long long)outbox_floor(s->ob),
		     (unsigned long long)store_last_seq(s->store.st));
}

/* ---- what must have come of it --------------------------------------------------- */

static inline bool
suite_note_hash(void *ctx, const struct stored_transition *tr)
{
	((uint64_t *)ctx)[tr->seq] = fm_hash64(tr->json, tr->len, 0);
	return true;
}

/* Everything in the log has arrived, as promised. Returns how many arrivals that took. */
static inline size_t
suite_expect_all(struct suite *s)
{
	static struct arrival arrivals[SUITE_MAX_ARRIVALS];
	static uint64_t hashes[SUITE_MAX_ARRIVALS];
	struct store_query all = {.kind = -1};
	uint64_t highest = 0, before = 0;

	MUST(store_transitions(s->store.st, &all, suite_note_hash, hashes, &err));
	size_t n = s->subject->arrived(s->world, arrivals, SUITE_MAX_ARRIVALS);
	for (size_t i = 0; i < n; i++) {
		uint64_t seq = arrivals[i].seq;
		cr_assert_leq(seq, before + 1, "%llu follows %llu", (unsigned long long)seq,
			      (unsigned long long)before);
		if (arrivals[i].hash != 0)
			cr_assert_eq(arrivals[i].hash, hashes[seq], "%llu is not as stored",
				     (unsigned long long)seq);
		before = seq;
		highest = seq > highest ? seq : highest;
	}
	cr_assert_eq(highest, store_last_seq(s->store.st));
	return n;
}

/* ---- the suite ------------------------------------------------------------------- */

static inline void
suite_in_order(struct suite *s)
{
	for (int i = 0; i < 5; i++) {
		suite_commit(s, 37);
		suite_deliver(s);
	}
	cr_expect_eq(suite_expect_all(s), 5 * 37, "nothing failed, so nothing comes twice");
}

static inline void
suite_backlog(struct suite *s)
{
	suite_commit(s, 1000);
	suite_restart(s);
	suite_deliver(s);
	suite_expect_all(s);
}

static inline void
suite_kill_without_acks(struct suite *s)
{
	suite_commit(s, 50);
	suite_pump(s);
	suite_restart(s);
	suite_commit(s, 50);
	suite_deliver(s);
	suite_expect_all(s);
}

static inline void
suite_kill_after_cursor(struct suite *s)
{
	suite_commit(s, 50);
	suite_deliver(s);
	suite_commit(s, 10);            /* stores the cursor 50 */
	suite_restart(s);
	suite_deliver(s);
	cr_expect_leq(suite_expect_all(s), 60, "what was acked and stored does not come again");
}

static inline void
suite_repeated_kills(struct suite *s)
{
	for (unsigned i = 0; i < 10; i++) {
		suite_commit(s, 7 + i);
		suite_pump(s);
		if (i % 3 == 0)
			s->subject->settle(s->world, s->sink);
		suite_restart(s);
	}
	suite_deliver(s);
	suite_expect_all(s);
}

static inline void
suite_failure_in_flight(struct suite *s)
{
	suite_commit(s, 50);
	suite_pump(s);
	outbox_failed(s->sink, s->now, "connection lost");
	suite_commit(s, 5);
	suite_deliver(s);
	suite_expect_all(s);
}

static inline void
suite_bad_weather(struct suite *s, enum weather weather)
{
	if (!s->subject->set_weather(s->world, s->sink, weather))
		cr_skip_test("this sink cannot meet that");
	for (int i = 0; i < 5; i++) {
		suite_commit(s, 40);
		(void)outbox_next_retry(s->ob, &s->now);
		suite_pump(s);
		s->subject->settle(s->world, s->sink);
	}
	cr_expect_lt(outbox_floor(s->ob), store_last_seq(s->store.st));
	s->subject->set_weather(s->world, s->sink, WEATHER_FAIR);
	suite_deliver(s);
	suite_expect_all(s);
}

static inline void
suite_room_again(struct suite *s)
{
	suite_bad_weather(s, WEATHER_FULL);
}

static inline void
suite_errors(struct suite *s)
{
	suite_bad_weather(s, WEATHER_BROKEN);
}

static inline void
suite_backs_off(struct suite *s)
{
	struct fm_time retry, last = s->now;

	if (!s->subject->set_weather(s->world, s->sink, WEATHER_BROKEN))
		cr_skip_test("this sink cannot meet that");
	suite_commit(s, 3);
	for (int i = 0; i < 20; i++) {
		suite_pump(s);
		s->subject->settle(s->world, s->sink);
		cr_assert(outbox_next_retry(s->ob, &retry));
		int64_t wait = fm_time_diff(retry, s->now).ns;
		cr_expect_geq(wait, FM_NS_PER_S);
		cr_expect_leq(wait, 300 * FM_NS_PER_S);
		s->now = retry;
	}
	cr_expect_geq(fm_time_diff(s->now, last).ns, 1000 * FM_NS_PER_S);
	s->subject->set_weather(s->world, s->sink, WEATHER_FAIR);
	suite_deliver(s);
	suite_expect_all(s);
}

static inline void
suite_close_in_flight(struct suite *s)
{
	suite_commit(s, 50);
	(void)outbox_pump(s->ob, s->now);
	outbox_free(s->ob);
	suite_start_sink(s);
	suite_deliver(s);
	suite_expect_all(s);
}

/*
 * From had on each arrival is the next transition as it was committed, or a gap up to its own
 * number; a repetition goes back. Returns how many numbers arrived as transitions.
 */
static inline uint64_t
suite_account(struct suite *s, size_t had, const uint64_t *hashes)
{
	static struct arrival arrivals[SUITE_MAX_ARRIVALS];
	size_t n = s->subject->arrived(s->world, arrivals, SUITE_MAX_ARRIVALS);
	uint64_t highest = had > 0 ? arrivals[had - 1].seq : 0, whole = 0;

	for (size_t i = had; i < n; i++) {
		const struct arrival *a = &arrivals[i];
		if (a->seq <= highest)
			continue;
		if (a->seq > highest + 1)
			cr_expect_neq(a->hash, hashes[a->seq], "%llu follows %llu",
				      (unsigned long long)a->seq, (unsigned long long)highest);
		whole += a->hash == hashes[a->seq];
		highest = a->seq;
	}
	cr_expect_eq(highest, store_last_seq(s->store.st));
	return whole;
}

/* 40 alarms are set 30 times while the sink is away, and retention does not wait for it. */
static inline void
suite_left_behind(struct suite *s)
{
	static struct arrival arrivals[SUITE_MAX_ARRIVALS];
	static uint64_t hashes[SUITE_MAX_ARRIVALS];
	const struct store_query all = {.kind = -1};

	suite_commit(s, 20);
	suite_deliver(s);
	if (!s->subject->set_weather(s->world, s->sink, WEATHER_BROKEN) &&
	    !s->subject->set_weather(s->world, s->sink, WEATHER_FULL))
		cr_skip_test("this sink cannot be away");
	size_t had = s->subject->arrived(s->world, arrivals, SUITE_MAX_ARRIVALS);
	for (int i = 0; i < 30; i++) {
		suite_commit(s, 40);
		(void)outbox_next_retry(s->ob, &s->now);
		suite_pump(s);
		s->subject->settle(s->world, s->sink);
	}
	MUST(store_transitions(s->store.st, &all, suite_note_hash, hashes, &err));
	s->store.st->max_transitions = s->store.st->max_backlog = 10;
	const struct store_readers rd = outbox_readers(s->ob);
	while (store_trim(s->store.st, s->now, &rd, 100, NULL) > 0)
		;
	cr_assert_gt(store_oldest_seq(s->store.st), rd.acked[0] + 1);
	suite_restart(s);
	s->subject->set_weather(s->world, s->sink, WEATHER_FAIR);
	suite_deliver(s);
	uint64_t whole = suite_account(s, had, hashes);
	cr_expect_geq(whole, 40, "the newest of each alarm");
	cr_expect_lt(whole, 30 * 40);
}

#define SINK_SUITE(name, subject_) \
	static void run_##name(void (*body)(struct suite *s)) \
	{ \
		struct suite s = suite_new(&(subject_)); \
		body(&s); \
		suite_end(&s); \
	} \
	SINK_SUITE_CASES_OF(name)
#define SINK_SUITE_CASE_OF(name, body, title) \
	Test(name, title) \
	{ \
		run_##name(suite_##body); \
	}
#define SINK_SUITE_CASES_OF(name) \
	SINK_SUITE_CASE_OF(name, in_order, delivers_in_order_and_once) \
	SINK_SUITE_CASE_OF(name, backlog, works_off_a_backlog_from_the_store) \
	SINK_SUITE_CASE_OF(name, kill_without_acks, resumes_after_a_kill_with_nothing_acked) \
	SINK_SUITE_CASE_OF(name, kill_after_cursor, resumes_after_a_kill_at_its_stored_cursor) \
	SINK_SUITE_CASE_OF(name, repeated_kills, loses_nothing_in_many_kills) \
	SINK_SUITE_CASE_OF(name, failure_in_flight, starts_over_after_a_failure) \
	SINK_SUITE_CASE_OF(name, room_again, waits_for_room) \
	SINK_SUITE_CASE_OF(name, errors, outlasts_errors) \
	SINK_SUITE_CASE_OF(name, backs_off, tries_less_and_less_often) \
	SINK_SUITE_CASE_OF(name, left_behind, gets_the_newest_of_each_alarm_when_left_behind) \
	SINK_SUITE_CASE_OF(name, close_in_flight, closes_with_work_in_flight)

#endif
