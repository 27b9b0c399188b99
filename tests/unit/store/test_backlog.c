/* backlog: what is kept for readers that retention has overtaken, and that it is bounded. */
#include "tests/unit/store/store_rig.h"

/* Retention and patience of almost nothing: a trim takes all but the newest. */
static struct store_rig
small_rig(void)
{
	struct store_rig rig = rig_unopened();

	rig.opt.max_transitions = 1;
	rig.opt.max_backlog = 1;
	rig_open(&rig);
	return rig;
}

/* Occurrence no of the alarm n. */
static uint64_t
put(struct store_rig *rig, uint64_t n, uint64_t no, enum transition_kind kind, bool notify)
{
	char entity[64];
	struct transition tr = rig_transition(entity, n, kind);

	tr.notify = notify;
	tr.alarm.uuid = alarm_uuid(tr.alarm.alarm_id, entity, (struct fm_time){1}, no);
	MUST(store_begin(rig->st, &err));
	MUST(store_put_transition(rig->st, &tr, &err));
	MUST(store_commit(rig->st, &err));
	return tr.seq;
}

static void
trim(struct store_rig *rig, const uint64_t *acked, unsigned n)
{
	const struct store_readers rd = {acked, n};
	struct fm_err why = {0};
	int r;

	while ((r = store_trim(rig->st, (struct fm_time){1}, &rd, 2, &why)) > 0)
		;
	cr_assert_eq(r, 0, "%s", why.msg);
}

static struct rig_seqs
backlog(struct store_rig *rig, uint64_t after)
{
	struct rig_seqs seqs = {.n = 0};

	MUST(store_backlog(rig->st, after, 0, rig_take_seq, &seqs, &err));
	return seqs;
}

static void
expect_backlog(struct store_rig *rig, const uint64_t *seq, size_t n)
{
	struct rig_seqs seqs = backlog(rig, 0);
	struct store_stats stats;

	cr_assert_eq(seqs.n, n, "%zu kept", seqs.n);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(seqs.v[i], seq[i], "%zu: %llu", i, (unsigned long long)seqs.v[i]);
	store_get_stats(rig->st, &stats);
	cr_expect_eq(stats.backlog, n);
}
#define EXPECT_BACKLOG(rig, ...) \
	expect_backlog((rig), (const uint64_t[]){__VA_ARGS__}, \
		       sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

Test(backlog, waits_for_a_reader_up_to_its_limit)
{
	struct store_rig rig = rig_unopened();

	rig.opt.max_transitions = 1;
	rig.opt.max_backlog = 10;
	rig_open(&rig);
	rig_raise(&rig, 1, 10);
	trim(&rig, (const uint64_t[]){0}, 1);
	cr_expect_eq(store_oldest_seq(rig.st), 1);
	cr_expect_eq(backlog(&rig, 0).n, 0);
	rig_raise(&rig, 11, 13);
	trim(&rig, (const uint64_t[]){0}, 1);
	cr_expect_eq(store_oldest_seq(rig.st), 4);
	EXPECT_BACKLOG(&rig, 1, 2, 3);
	rig_fini(&rig);
}

Test(backlog, is_not_kept_for_readers_that_have_had_it)
{
	struct store_rig rig = small_rig();

	rig_raise(&rig, 1, 5);
	trim(&rig, (const uint64_t[]){2, 5}, 2);
	EXPECT_BACKLOG(&rig, 3, 4);
	trim(&rig, (const uint64_t[]){3, 5}, 2);
	EXPECT_BACKLOG(&rig, 4);
	trim(&rig, (const uint64_t[]){5, 5}, 2);
	cr_expect_eq(backlog(&rig, 0).n, 0);
	rig_fini(&rig);
}

Test(backlog, keeps_the_newest_announcement_and_the_newest_of_the_others)
{
	struct store_rig rig = small_rig();

	put(&rig, 1, 1, TR_RAISE, true);
	put(&rig, 1, 1, TR_CHANGE, true);
	put(&rig, 1, 1, TR_CHANGE, true);       /* 3: stays */
	put(&rig, 1, 1, TR_ACK, true);
	put(&rig, 1, 1, TR_UNACK, true);        /* 5: stays */
	put(&rig, 2, 1, TR_LOG, true);
	put(&rig, 9, 1, TR_RAISE, true);
	trim(&rig, (const uint64_t[]){0}, 1);
	EXPECT_BACKLOG(&rig, 3, 5);
	cr_expect_eq(backlog(&rig, 3).n, 1);
	rig_fini(&rig);
}

Test(backlog, tells_the_clear_of_what_the_reader_knows_and_nothing_of_what_came_and_went)
{
	struct store_rig rig = small_rig();

	put(&rig, 1, 1, TR_RAISE, true);        /* had */
	put(&rig, 2, 1, TR_RAISE, true);
	put(&rig, 1, 1, TR_CLEAR, true);        /* 3 */
	put(&rig, 2, 1, TR_CLEAR, true);
	put(&rig, 1, 1, TR_PURGE, false);       /* 5 */
	put(&rig, 2, 1, TR_PURGE, false);
	put(&rig, 9, 1, TR_RAISE, true);
	trim(&rig, (const uint64_t[]){1}, 1);
	EXPECT_BACKLOG(&rig, 3, 5);
	rig_fini(&rig);
}

Test(backlog, keeps_an_end_for_any_reader_that_saw_the_begin)
{
	struct store_rig rig = small_rig();

	put(&rig, 2, 1, TR_RAISE, true);
	put(&rig, 1, 1, TR_RAISE, true);        /* had by the second reader only */
	put(&rig, 1, 1, TR_CLEAR, true);        /* 3 */
	put(&rig, 1, 1, TR_PURGE, false);       /* 4 */
	put(&rig, 9, 1, TR_RAISE, true);
	trim(&rig, (const uint64_t[]){0, 2}, 2);
	EXPECT_BACKLOG(&rig, 1, 3, 4);
	rig_fini(&rig);
}

Test(backlog, is_bounded_however_often_an_alarm_comes_and_goes)
{
	struct store_rig rig = small_rig();

	put(&rig, 1, 1, TR_RAISE, true);        /* had */
	for (uint64_t no = 2; no < 100; no++) {
		put(&rig, 1, no - 1, TR_CLEAR, true);
		put(&rig, 1, no, TR_RAISE, true);
	}
	trim(&rig, (const uint64_t[]){1}, 1);
	EXPECT_BACKLOG(&rig, 2, 196);           /* the end of the first, the last but one's */
	rig_fini(&rig);
}

Test(backlog, survives_a_crash)
{
	struct store_rig rig = small_rig();

	rig_raise(&rig, 1, 5);
	trim(&rig, (const uint64_t[]){2}, 1);
	rig.st->broken = -EIO;
	rig_close(&rig);
	rig_open(&rig);
	EXPECT_BACKLOG(&rig, 3, 4);
	trim(&rig, (const uint64_t[]){5}, 1);
	cr_expect_eq(backlog(&rig, 0).n, 0);
	rig_fini(&rig);
}
