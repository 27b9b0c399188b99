/* ring and back-off: the two small machines below the outbox. */
#include "notify/notify_priv.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void
push(struct ring *r, uint64_t seq)
{
	char json[32];

	snprintf(json, sizeof(json), "{\"seq\":%llu}", (unsigned long long)seq);
	ring_push(r, &(struct stored_transition){.seq = seq, .alarm_id = "1.1", .entity = "a=b",
						 .json = json, .len = strlen(json)});
}

Test(ring, keeps_copies_under_their_numbers)
{
	struct ring r;

	ring_init(&r, 1 << 20);
	for (uint64_t seq = 5; seq < 1005; seq++)
		push(&r, seq);
	cr_expect_null(ring_find(&r, 4));
	cr_expect_str_eq(ring_find(&r, 5)->json, "{\"seq\":5}");
	cr_expect_str_eq(ring_find(&r, 1004)->json, "{\"seq\":1004}");
	cr_expect_str_eq(ring_find(&r, 700)->entity, "a=b");
	cr_expect_str_eq(ring_find(&r, 700)->alarm_id, "1.1");
	cr_expect_null(ring_find(&r, 1005));
	ring_fini(&r);
}

Test(ring, drops_the_oldest_to_keep_its_bound)
{
	struct ring r;

	ring_init(&r, 2000);
	for (uint64_t seq = 1; seq <= 500; seq++) {
		push(&r, seq);
		cr_assert_leq(r.bytes, 2000);
	}
	cr_expect_null(ring_find(&r, 1));
	cr_expect_not_null(ring_find(&r, 500));
	cr_expect_not_null(ring_find(&r, r.first));
	cr_expect_eq(r.first + r.n - 1, 500);
	ring_fini(&r);
}

Test(ring, takes_one_that_is_larger_than_itself_as_gone)
{
	struct ring r;

	ring_init(&r, 10);
	push(&r, 1);
	cr_expect_null(ring_find(&r, 1));
	cr_expect_eq(r.bytes, 0);
	push(&r, 2);
	cr_expect_null(ring_find(&r, 2));
	ring_fini(&r);
}

Test(ring, starts_over_at_a_hole)
{
	struct ring r;

	ring_init(&r, 1 << 20);
	push(&r, 1);
	push(&r, 2);
	push(&r, 9);
	cr_expect_null(ring_find(&r, 2));
	cr_expect_not_null(ring_find(&r, 9));
	ring_fini(&r);
}

Test(ring, lets_go_of_what_all_have)
{
	struct ring r;

	ring_init(&r, 1 << 20);
	for (uint64_t seq = 1; seq <= 10; seq++)
		push(&r, seq);
	ring_drop_to(&r, 4);
	cr_expect_null(ring_find(&r, 4));
	cr_expect_not_null(ring_find(&r, 5));
	ring_drop_to(&r, UINT64_MAX);
	cr_expect_eq(r.n, 0);
	push(&r, 11);
	cr_expect_not_null(ring_find(&r, 11));
	ring_fini(&r);
}

/* ---- back-off -------------------------------------------------------------------- */

static int64_t
nth_wait(const char *name, unsigned n)
{
	struct backoff b = {0};
	struct fm_time now = {1000 * FM_NS_PER_S};

	for (unsigned i = 0; i < n; i++)
		backoff_failed(&b, name, now);
	return fm_time_diff(b.until, now).ns;
}

Test(backoff, doubles_from_one_second_to_five_minutes_each_a_quarter_longer_at_most)
{
	for (unsigned n = 1; n <= 200; n++) {
		int64_t base = (n < 10 ? 1LL << (n - 1) : 512) * FM_NS_PER_S;
		int64_t most = 300 * FM_NS_PER_S;
		cr_expect_geq(nth_wait("kafka", n), base < most ? base : most, "%u", n);
		base += base / 4;
		cr_expect_leq(nth_wait("kafka", n), base < most ? base : most, "%u", n);
	}
}

Test(backoff, is_the_same_every_time_and_another_for_every_sink)
{
	cr_expect_eq(nth_wait("kafka", 4), nth_wait("kafka", 4));
	cr_expect_neq(nth_wait("kafka", 4), nth_wait("journal", 4));
}

Test(backoff, ends_at_its_time_after_a_success_or_when_the_clock_goes_back)
{
	struct backoff b = {0};
	struct fm_time now = {1000 * FM_NS_PER_S};

	cr_expect_not(backoff_waiting(&b, now));
	backoff_failed(&b, "kafka", now);
	cr_expect(backoff_waiting(&b, now));
	cr_expect_not(backoff_waiting(&b, b.until));
	cr_expect_not(backoff_waiting(&b, (struct fm_time){1}));
	backoff_succeeded(&b);
	cr_expect_not(backoff_waiting(&b, now));
	cr_expect_eq(b.failures, 0);
}
