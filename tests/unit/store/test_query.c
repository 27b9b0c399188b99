/* query, chain, trim: finding transitions, and letting go of old ones. */
#include "tests/unit/store/store_rig.h"

/* Five alarms raised, changed, cleared in turn: seq 1..15, alarm of seq s is (s - 1) % 5 + 1. */
static struct store_rig
three_rounds(void)
{
	static const enum transition_kind kinds[] = {TR_RAISE, TR_CHANGE, TR_CLEAR};
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	for (size_t k = 0; k < FM_ARRAY_LEN(kinds); k++) {
		MUST(store_begin(rig.st, &err));
		for (uint64_t n = 1; n <= 5; n++)
			rig_put(&rig, n, kinds[k]);
		MUST(store_commit(rig.st, &err));
	}
	return rig;
}

static void
expect_seqs(struct store_rig *rig, struct store_query q, const char *want)
{
	struct rig_seqs seqs = rig_query(rig, q);
	char text[512] = "";

	for (size_t i = 0; i < seqs.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%llu",
			 i > 0 ? " " : "", (unsigned long long)seqs.v[i]);
	cr_expect_str_eq(text, want);
}

#define Q(...) (struct store_query){.kind = -1, __VA_ARGS__}
#define KEY(n) .alarm_id = "200.004", .entity = "host=compute-" #n

Test(query, pages_through_the_log_both_ways)
{
	struct store_rig rig = three_rounds();

	expect_seqs(&rig, Q(.limit = 3), "1 2 3");
	expect_seqs(&rig, Q(.after_seq = 3, .limit = 3), "4 5 6");
	expect_seqs(&rig, Q(.after_seq = 13), "14 15");
	expect_seqs(&rig, Q(.after_seq = 15), "");
	expect_seqs(&rig, Q(.after_seq = UINT64_MAX), "");
	expect_seqs(&rig, Q(.reverse = true, .limit = 3), "15 14 13");
	expect_seqs(&rig, Q(.reverse = true, .after_seq = 3), "2 1");
	expect_seqs(&rig, Q(.reverse = true, .after_seq = 1), "");
	expect_seqs(&rig, Q(.reverse = true, .after_seq = UINT64_MAX, .limit = 1), "15");
	rig_fini(&rig);
}

static void
expect_by_alarm(struct store_rig *rig)
{
	char entity[64];
	struct transition tr = rig_transition(entity, 2, TR_RAISE);
	struct fm_uuid unknown = {.b = {1}};

	expect_seqs(rig, Q(KEY(4)), "4 9 14");
	expect_seqs(rig, Q(KEY(4), .limit = 2), "4 9");
	expect_seqs(rig, Q(KEY(4), .reverse = true), "14 9 4");
	expect_seqs(rig, Q(KEY(4), .reverse = true, .limit = 2), "14 9");
	expect_seqs(rig, Q(KEY(4), .after_seq = 4), "9 14");
	expect_seqs(rig, Q(KEY(4), .after_seq = 14, .reverse = true), "9 4");
	expect_seqs(rig, Q(KEY(6)), "");
	expect_seqs(rig, Q(.uuid = &tr.alarm.uuid), "2 7 12");
	expect_seqs(rig, Q(.uuid = &tr.alarm.uuid, .reverse = true, .limit = 1), "12");
	expect_seqs(rig, Q(.uuid = &tr.alarm.uuid, KEY(3)), "");
	expect_seqs(rig, Q(.uuid = &unknown), "");
}

Test(query, finds_one_alarm_and_one_occurrence)
{
	struct store_rig rig = three_rounds();

	expect_by_alarm(&rig);
	rig_fini(&rig);
}

Test(query, finds_them_again_after_a_clean_end)
{
	struct store_rig rig = three_rounds();

	rig_close(&rig);
	rig_open(&rig);
	cr_expect_eq(rig.st->chains.saved_seq, 15);
	expect_by_alarm(&rig);
	rig_fini(&rig);
}

Test(query, finds_them_again_after_a_crash)
{
	struct store_rig rig = three_rounds();

	rig.st->broken = -EIO;          /* ends as a crash does: nothing more is written */
	rig_close(&rig);
	rig_open(&rig);
	cr_expect_eq(rig.st->chains.saved_seq, 0);
	expect_by_alarm(&rig);
	rig_fini(&rig);
}

Test(query, finds_them_when_part_was_saved_before_a_crash)
{
	struct store_rig rig = three_rounds();

	rig_close(&rig);
	rig_open(&rig);
	rig_raise(&rig, 4, 4);
	rig.st->broken = -EIO;
	rig_close(&rig);
	rig_open(&rig);
	cr_expect_eq(rig.st->chains.saved_seq, 15);
	expect_seqs(&rig, Q(KEY(4)), "4 9 14 16");
	rig_fini(&rig);
}

Test(query, tells_alarms_that_share_a_slot_apart)
{
	struct store_rig rig = rig_unopened();
	uint64_t n = 2, head;

	rig_open(&rig);
	rig_raise(&rig, 1, 1);
	/* The first other alarm whose slot is that of alarm 1. */
	for (char entity[64];; n++) {
		snprintf(entity, sizeof(entity), "host=compute-%llu", (unsigned long long)n);
		if ((head = store_chain_key(rig.st, "200.004", entity)) == 1)
			break;
	}
	rig_raise(&rig, n, n);
	rig_raise(&rig, 1, 1);
	expect_seqs(&rig, Q(KEY(1)), "1 3");
	rig_fini(&rig);
}

Test(query, filters_by_kind_and_time)
{
	struct store_rig rig = three_rounds();

	expect_seqs(&rig, (struct store_query){.kind = TR_CHANGE}, "6 7 8 9 10");
	expect_seqs(&rig, (struct store_query){.kind = TR_CLEAR, KEY(4)}, "14");
	expect_seqs(&rig, Q(.since = {4 * FM_NS_PER_S}), "4 5 9 10 14 15");
	expect_seqs(&rig, Q(.until = {1 * FM_NS_PER_S}), "1 6 11");
	expect_seqs(&rig, Q(.since = {2 * FM_NS_PER_S}, .until = {2 * FM_NS_PER_S}), "2 7 12");
	expect_seqs(&rig, Q(.entity = "host=compute-3"), "3 8 13");
	expect_seqs(&rig, Q(.alarm_id = "200.005"), "");
	rig_fini(&rig);
}

Test(query, stops_when_told_and_may_be_asked_again)
{
	struct store_rig rig = three_rounds();
	struct store_query q = Q(.limit = 0), by_key = Q(KEY(4));
	struct rig_seqs seqs = {.stop_at = 2};

	MUST(store_transitions(rig.st, &q, rig_take_seq, &seqs, &err));
	cr_expect_eq(seqs.n, 2);
	seqs = (struct rig_seqs){.stop_at = 2};
	MUST(store_transitions(rig.st, &by_key, rig_take_seq, &seqs, &err));
	cr_expect_eq(seqs.n, 2);
	cr_expect_eq(rig_query(&rig, q).n, 15);
	rig_fini(&rig);
}

/* ---- trim ------------------------------------------------------------------------ */

static int
trim(struct store_rig *rig, int64_t now_s, uint64_t floor, unsigned limit)
{
	struct fm_err why = {0};
	int r = store_trim(rig->st, (struct fm_time){now_s * FM_NS_PER_S},
			   &(struct store_readers){&floor, 1}, limit, &why);

	cr_expect_geq(r, 0, "%s", why.msg);
	return r;
}

Test(trim, keeps_the_newest_by_count_and_a_bounded_number_a_call)
{
	struct store_rig rig = rig_unopened();

	rig.opt.max_transitions = 10;
	rig_open(&rig);
	rig_raise(&rig, 1, 30);
	cr_expect_eq(trim(&rig, 100, UINT64_MAX, 8), 8);
	cr_expect_eq(store_oldest_seq(rig.st), 9);
	cr_expect_eq(trim(&rig, 100, UINT64_MAX, 100), 12);
	cr_expect_eq(trim(&rig, 100, UINT64_MAX, 100), 0);
	expect_seqs(&rig, Q(.limit = 2), "21 22");
	expect_seqs(&rig, Q(KEY(5)), "");
	expect_seqs(&rig, Q(KEY(25)), "25");
	rig_fini(&rig);
}

Test(trim, never_passes_the_slowest_sink)
{
	struct store_rig rig = rig_unopened();

	rig.opt.max_transitions = 1;
	rig.opt.max_age = fm_span_s(1);
	rig_open(&rig);
	rig_raise(&rig, 1, 30);
	cr_expect_eq(trim(&rig, 1000, 0, 100), 0);
	cr_expect_eq(trim(&rig, 1000, 4, 100), 4);
	cr_expect_eq(trim(&rig, 1000, 4, 100), 0);
	cr_expect_eq(store_oldest_seq(rig.st), 5);
	rig_fini(&rig);
}

Test(trim, lets_go_of_what_is_too_old)
{
	struct store_rig rig = rig_unopened();

	rig.opt.max_age = fm_span_s(10);
	rig_open(&rig);
	rig_raise(&rig, 1, 30);
	cr_expect_eq(trim(&rig, 15, UINT64_MAX, 100), 4);
	cr_expect_eq(store_oldest_seq(rig.st), 5);
	rig_fini(&rig);
}

Test(trim, keeps_the_last_number_when_all_is_too_old)
{
	struct store_rig rig = rig_unopened();

	rig.opt.max_age = fm_span_s(1);
	rig_open(&rig);
	rig_raise(&rig, 1, 30);
	cr_expect_eq(trim(&rig, 1000, UINT64_MAX, 100), 29);
	rig_close(&rig);
	rig_open(&rig);
	cr_expect_eq(store_last_seq(rig.st), 30);
	rig_raise(&rig, 31, 31);
	cr_expect_eq(store_last_seq(rig.st), 31);
	rig_fini(&rig);
}

Test(trim, leaves_a_log_that_opens_after_a_crash)
{
	struct store_rig rig = three_rounds();

	rig.st->max_transitions = 4;
	cr_expect_eq(trim(&rig, 1, UINT64_MAX, 100), 11);
	rig.st->broken = -EIO;
	rig_close(&rig);
	rig_open(&rig);
	expect_seqs(&rig, Q(.limit = 0), "12 13 14 15");
	expect_seqs(&rig, Q(KEY(4)), "14");
	rig_fini(&rig);
}

Test(trim, holds_the_quarantine_to_its_newest)
{
	struct store_rig rig = rig_unopened();
	struct store_quarantine q = {.topic = "t", .reason = "r", .body = "x", .len = 1};

	rig_open(&rig);
	MUST(store_begin(rig.st, &err));
	for (unsigned i = 0; i < STORE_QUARANTINE_KEPT + 5; i++)
		MUST(store_put_quarantine(rig.st, &q, &err));
	MUST(store_commit(rig.st, &err));
	cr_expect_eq(trim(&rig, 1, 0, 100), 0);
	cr_expect_eq(store_quarantine_count(rig.st), STORE_QUARANTINE_KEPT);
	rig_close(&rig);
	rig_open(&rig);
	cr_expect_eq(store_quarantine_last(rig.st), STORE_QUARANTINE_KEPT + 5);
	MUST(store_begin(rig.st, &err));
	MUST(store_put_quarantine(rig.st, &q, &err));
	cr_expect_eq(store_quarantine_last(rig.st), STORE_QUARANTINE_KEPT + 6);
	store_rollback(rig.st);
	cr_expect_eq(store_quarantine_last(rig.st), STORE_QUARANTINE_KEPT + 5);
	rig_fini(&rig);
}
