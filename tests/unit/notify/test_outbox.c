/* outbox: cursors, order, refusals, and what is remembered. */
#include "notify/notify.h"
#include "tests/conformance/fake_sink.h"
#include "tests/unit/store/store_rig.h"

struct rig {
	struct store_rig store;
	struct outbox *ob;
	struct fake_world *world;
	struct fm_time now;
};

static struct rig
rig_new(void)
{
	struct rig rig = {.store = rig_unopened(), .now = {1000 * FM_NS_PER_S}};

	rig_open(&rig.store);
	rig.ob = outbox_new(rig.store.st);
	rig.world = fm_calloc(1, sizeof(*rig.world));
	return rig;
}

static void
rig_end(struct rig *rig)
{
	outbox_free(rig->ob);
	free(rig->world);
	rig_fini(&rig->store);
}

/* As the engine does: one cycle, then what it committed to the outbox. */
static void
commit(struct rig *rig, unsigned n)
{
	static uint64_t alarm;

	MUST(store_begin(rig->store.st, &err));
	for (unsigned i = 0; i < n; i++)
		rig_put(&rig->store, ++alarm, TR_RAISE);
	MUST(outbox_store_cursors(rig->ob, &err));
	MUST(store_commit(rig->store.st, &err));
	const struct stored_transition *tr;
	for (unsigned i = 0; (tr = store_committed(rig->store.st, i)) != NULL; i++)
		outbox_committed(rig->ob, tr);
}

static void
pump_all(struct rig *rig)
{
	while (outbox_pump(rig->ob, rig->now))
		;
}

static void
restart(struct rig *rig)
{
	outbox_free(rig->ob);
	rig_close(&rig->store);
	rig_open(&rig->store);
	rig->ob = outbox_new(rig->store.st);
}

static void
expect_arrived(struct rig *rig, uint64_t from, uint64_t to)
{
	cr_assert_eq(rig->world->n, to - from + 1, "%zu arrived", rig->world->n);
	for (size_t i = 0; i < rig->world->n; i++)
		cr_assert_eq(rig->world->seq[i], from + i);
	rig->world->n = 0;
}

static struct fake_sink *
add(struct rig *rig, const char *name, bool from_now)
{
	struct fake_sink *f = fake_sink_new(name, rig->world);

	f->room = FAKE_MAX;
	f->ack_at_once = true;
	outbox_add(rig->ob, &f->sink, from_now);
	return f;
}

Test(outbox, starts_a_new_sink_with_the_oldest_or_from_now)
{
	struct rig rig = rig_new();

	commit(&rig, 5);
	add(&rig, "old", false);
	pump_all(&rig);
	expect_arrived(&rig, 1, 5);
	add(&rig, "new", true);
	pump_all(&rig);
	cr_expect_eq(rig.world->n, 0);
	rig_end(&rig);
}

Test(outbox, resumes_a_sink_at_its_stored_cursor)
{
	struct rig rig = rig_new();

	add(&rig, "s", false);
	commit(&rig, 5);
	pump_all(&rig);
	rig.world->n = 0;
	cr_expect(outbox_dirty(rig.ob));
	commit(&rig, 3);
	cr_expect_not(outbox_dirty(rig.ob));
	restart(&rig);
	add(&rig, "s", false);
	pump_all(&rig);
	expect_arrived(&rig, 6, 8);
	rig_end(&rig);
}

Test(outbox, remembers_that_a_sink_is_known_before_it_has_had_anything)
{
	struct rig rig = rig_new();

	add(&rig, "s", true)->answer = -EIO;
	cr_expect(outbox_dirty(rig.ob));
	commit(&rig, 3);
	restart(&rig);
	add(&rig, "s", true);
	pump_all(&rig);
	expect_arrived(&rig, 1, 3);
	rig_end(&rig);
}

Test(outbox, still_wants_a_cursor_stored_that_was_rolled_back)
{
	struct rig rig = rig_new();

	add(&rig, "s", false);
	commit(&rig, 1);
	pump_all(&rig);
	MUST(store_begin(rig.store.st, &err));
	MUST(outbox_store_cursors(rig.ob, &err));
	cr_expect_not(outbox_dirty(rig.ob));
	store_rollback(rig.store.st);
	cr_expect(outbox_dirty(rig.ob));
	rig_end(&rig);
}

Test(outbox, takes_a_cursor_of_another_log_as_up_to_date)
{
	struct rig rig = rig_new();

	commit(&rig, 3);
	MUST(store_begin(rig.store.st, &err));
	MUST(store_put_cursor(rig.store.st, "s", 999, &err));
	MUST(store_commit(rig.store.st, &err));
	add(&rig, "s", false);
	pump_all(&rig);
	cr_expect_eq(rig.world->n, 0);
	commit(&rig, 1);
	pump_all(&rig);
	expect_arrived(&rig, 4, 4);
	rig_end(&rig);
}

Test(outbox, offers_a_bounded_number_a_pump_and_says_that_more_waits)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	commit(&rig, 2500);
	cr_expect(outbox_pump(rig.ob, rig.now));
	cr_expect_eq(f->offers, 1024);
	cr_expect_eq(f->flushes, 1);
	pump_all(&rig);
	expect_arrived(&rig, 1, 2500);
	cr_expect_not(outbox_pump(rig.ob, rig.now));
	cr_expect_eq(f->flushes, 3);
	rig_end(&rig);
}

/* Each of these is 5 KiB, so that the ring cannot hold them all. */
static void
commit_large(struct rig *rig, unsigned n)
{
	static char text[FM_MAX_TEXT];

	memset(text, 'x', sizeof(text) - 1);
	MUST(store_begin(rig->store.st, &err));
	for (unsigned i = 0; i < n; i++) {
		char entity[64];
		struct transition tr = rig_transition(entity, i, TR_RAISE);
		tr.alarm.reason_text = text;
		MUST(store_put_transition(rig->store.st, &tr, &err));
	}
	MUST(store_commit(rig->store.st, &err));
	for (unsigned i = 0; store_committed(rig->store.st, i) != NULL; i++)
		outbox_committed(rig->ob, store_committed(rig->store.st, i));
}

Test(outbox, reads_from_the_store_what_no_longer_fits_in_memory)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "slow", false);

	f->answer = -EAGAIN;
	for (int i = 0; i < 6; i++)
		commit_large(&rig, 1000);
	pump_all(&rig);
	f->answer = 0;
	outbox_ready(&f->sink);
	pump_all(&rig);
	expect_arrived(&rig, 1, 6000);
	rig_end(&rig);
}

Test(outbox, lets_a_dead_sink_stall_nobody)
{
	struct rig rig = rig_new();
	struct fake_sink *dead, *full;

	dead = add(&rig, "dead", false);
	full = add(&rig, "full", false);
	add(&rig, "well", false);
	dead->answer = -ECONNREFUSED;
	full->answer = -EAGAIN;
	for (int i = 0; i < 10; i++) {
		commit(&rig, 10);
		cr_expect_not(outbox_pump(rig.ob, rig.now));
	}
	expect_arrived(&rig, 1, 100);
	cr_expect_eq(dead->offers, 1);
	cr_expect_eq(full->offers, 1);
	cr_expect_eq(outbox_floor(rig.ob), 0);
	rig_end(&rig);
}

Test(outbox, offers_the_refused_one_again_when_its_back_off_is_over)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);
	struct fm_time retry;

	cr_expect_not(outbox_next_retry(rig.ob, &retry));
	f->answer = -EIO;
	commit(&rig, 3);
	pump_all(&rig);
	cr_assert(outbox_next_retry(rig.ob, &retry));
	cr_expect_geq(fm_time_diff(retry, rig.now).ns, FM_NS_PER_S);
	f->answer = 0;
	rig.now = (struct fm_time){retry.ns - 1};
	pump_all(&rig);
	cr_expect_eq(rig.world->n, 0);
	rig.now = retry;
	pump_all(&rig);
	expect_arrived(&rig, 1, 3);
	cr_expect_not(outbox_next_retry(rig.ob, &retry));
	rig_end(&rig);
}

Test(outbox, counts_what_was_passed_over_once_nothing_before_it_is_in_flight)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	f->ack_at_once = false;
	f->skip = 2;
	commit(&rig, 4);
	pump_all(&rig);
	cr_expect_eq(outbox_floor(rig.ob), 0);
	outbox_acked(&f->sink, 1);
	cr_expect_eq(outbox_floor(rig.ob), 1);
	outbox_acked(&f->sink, 3);
	cr_expect_eq(outbox_floor(rig.ob), 4);
	f->skip = 1;
	commit(&rig, 2);
	pump_all(&rig);
	cr_expect_eq(outbox_floor(rig.ob), 6);
	rig_end(&rig);
}

Test(outbox, starts_a_failed_sink_over_after_what_it_acked)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	f->ack_at_once = false;
	commit(&rig, 6);
	pump_all(&rig);
	expect_arrived(&rig, 1, 6);
	outbox_acked(&f->sink, 2);
	outbox_failed(&f->sink, rig.now, "connection lost");
	cr_expect_eq(f->resets, 1);
	cr_assert(outbox_next_retry(rig.ob, &rig.now));
	pump_all(&rig);
	expect_arrived(&rig, 3, 6);
	rig_end(&rig);
}

Test(outbox, believes_an_ack_that_comes_after_a_reset)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	f->ack_at_once = false;
	commit(&rig, 6);
	pump_all(&rig);
	rig.world->n = 0;
	outbox_failed(&f->sink, rig.now, "timeout");
	outbox_acked(&f->sink, 5);
	cr_expect_eq(outbox_floor(rig.ob), 5);
	pump_all(&rig);
	expect_arrived(&rig, 6, 6);
	rig_end(&rig);
}

static void
trim(struct rig *rig)
{
	const struct store_readers rd = outbox_readers(rig->ob);

	rig->store.st->max_transitions = rig->store.st->max_backlog = 5;
	while (store_trim(rig->store.st, rig->now, &rd, 100, NULL) > 0)
		;
}

static void
note_left_behind(void *ctx, const struct sink_stats *s)
{
	*(bool *)ctx |= s->left_behind;
}

static bool
is_left_behind(struct rig *rig)
{
	bool left = false;

	outbox_each(rig->ob, note_left_behind, &left);
	return left;
}

/* One alarm that changes all the time, and one raised in between. */
static void
commit_story(struct rig *rig)
{
	MUST(store_begin(rig->store.st, &err));
	for (int i = 1; i <= 20; i++)
		rig_put(&rig->store, i == 7 ? 7000 : 6000, i == 1 || i == 7 ? TR_RAISE : TR_CHANGE);
	MUST(store_commit(rig->store.st, &err));
}

Test(outbox, gives_a_sink_that_was_left_behind_the_current_state_and_says_what_is_missing)
{
	static const uint64_t seq[] = {6, 7, 14, 15, 16, 17, 18, 19, 20};
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	f->answer = -EIO;
	commit_story(&rig);
	pump_all(&rig);
	trim(&rig);
	cr_expect(is_left_behind(&rig));
	f->answer = 0;
	cr_assert(outbox_next_retry(rig.ob, &rig.now));
	pump_all(&rig);
	cr_assert_eq(rig.world->n, FM_ARRAY_LEN(seq), "%zu", rig.world->n);
	for (size_t i = 0; i < FM_ARRAY_LEN(seq); i++) {
		cr_expect_eq(rig.world->seq[i], seq[i]);
		cr_expect_eq(rig.world->kind[i] == TR_GAP, i == 0 || i == 2);
	}
	cr_expect_not(is_left_behind(&rig));
	rig_end(&rig);
}

Test(outbox, tells_of_a_gap_again_in_the_same_bytes)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	f->answer = -EIO;
	f->ack_at_once = false;
	commit_story(&rig);
	pump_all(&rig);
	trim(&rig);
	f->answer = 0;
	cr_assert(outbox_next_retry(rig.ob, &rig.now));
	pump_all(&rig);
	const size_t n = rig.world->n;
	outbox_failed(&f->sink, rig.now, "connection lost");
	cr_assert(outbox_next_retry(rig.ob, &rig.now));
	pump_all(&rig);
	cr_assert_eq(rig.world->n, 2 * n);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(rig.world->hash[i], rig.world->hash[n + i], "%zu", i);
	rig_end(&rig);
}

static void
expect_figures(void *ctx, const struct sink_stats *s)
{
	(void)ctx;
	cr_expect_str_eq(s->name, "s");
	cr_expect_eq(s->acked, 2);
	cr_expect_eq(s->offered, 2);
	cr_expect_eq(s->last_seq, 4);
	cr_expect_eq(s->delivered, 2);
	cr_expect_eq(s->refused, 2);
	cr_expect_eq(s->resets, 1);
	cr_expect_str_eq(s->last_error, "Permission denied");
}

Test(outbox, gives_figures_of_each_sink)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);

	commit(&rig, 2);
	pump_all(&rig);
	outbox_failed(&f->sink, rig.now, "timeout");
	rig.now.ns += 10 * FM_NS_PER_S;
	f->answer = -EACCES;
	commit(&rig, 2);
	pump_all(&rig);
	outbox_each(rig.ob, expect_figures, NULL);
	rig_end(&rig);
}

static void
expect_healthy(void *ctx, const struct sink_stats *s)
{
	cr_expect_eq(s->refused, *(const uint64_t *)ctx);
	cr_expect_null(s->last_error);
}

Test(outbox, takes_a_full_sink_for_no_failure_and_forgets_one_that_is_over)
{
	struct rig rig = rig_new();
	struct fake_sink *f = add(&rig, "s", false);
	uint64_t failures = 0;

	f->answer = -EAGAIN;
	commit(&rig, 2);
	pump_all(&rig);
	outbox_each(rig.ob, expect_healthy, &failures);
	f->answer = -ENOSPC;
	outbox_ready(&f->sink);
	pump_all(&rig);
	cr_assert(outbox_next_retry(rig.ob, &rig.now));
	f->answer = 0;
	pump_all(&rig);
	failures = 1;
	outbox_each(rig.ob, expect_healthy, &failures);
	rig_end(&rig);
}

Test(outbox, closes_its_sinks_and_has_no_floor_without_them)
{
	struct rig rig = rig_new();
	bool closed = false;

	cr_expect_eq(outbox_floor(rig.ob), UINT64_MAX);
	cr_expect_not(outbox_dirty(rig.ob));
	add(&rig, "s", false)->closed = &closed;
	outbox_free(rig.ob);
	cr_expect(closed);
	rig.ob = NULL;
	rig_end(&rig);
}
