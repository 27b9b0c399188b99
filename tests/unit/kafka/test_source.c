/* The source, against the embedded broker: order, positions, ends, and a broker that goes away. */
#include "tests/unit/kafka/rig.h"

#include <unistd.h>

#define T0 1700000000000LL

struct src_rig {
	struct rig rig;
	struct kafka_source *src;
	struct store_position pos[8];
	unsigned n_pos;
	struct kafka_lost lost;         /* the last one told */
	unsigned n_lost;
	bool leave;                     /* what is lost is left at once */
	bool held;                      /* partition 0 is, from its start */
};

static void
on_lost(void *ctx, const struct kafka_lost *lost)
{
	struct src_rig *r = ctx;
	r->lost = *lost;
	r->n_lost++;
	if (r->leave)
		cr_assert_eq(kafka_source_leave_lost(r->src, lost->topic, lost->partition), 0);
}

static bool
position(void *ctx, const char *topic, int32_t partition, struct store_position *ret)
{
	const struct src_rig *r = ctx;
	for (unsigned i = 0; i < r->n_pos; i++) {
		if (strcmp(r->pos[i].topic, topic) != 0 || r->pos[i].partition != partition)
			continue;
		*ret = r->pos[i];
		return true;
	}
	return false;
}

static bool
held(void *ctx, const char *topic, int32_t partition)
{
	const struct src_rig *r = ctx;
	(void)topic;
	return r->held && partition == 0;
}

static void
open_source_at(struct src_rig *r, const char *brokers, const char *const *topics, unsigned n,
	       enum kafka_start start, const struct kafka_setting *settings, unsigned n_settings)
{
	struct kafka_source_options opt = {
		.conf = {.brokers = brokers, .client_id = "t", .settings = settings,
			 .n_settings = n_settings},
		.topics = topics, .n_topics = n, .start = start, .position = position,
		.lost = on_lost, .held = held, .notice = rig_notice, .ctx = r,
	};
	struct fm_err err;
	cr_assert_eq(kafka_source_new(&opt, &r->src, &err), 0, "%s", err.msg);
}

static void
open_source(struct src_rig *r, const char *const *topics, unsigned n)
{
	open_source_at(r, kafka_broker_address(r->rig.broker), topics, n, KAFKA_EARLIEST, NULL, 0);
}

static void
stop(struct src_rig *r)
{
	kafka_source_free(r->src);
	rig_stop(&r->rig);
}

/* One turn of a main loop. Returns 1 with a record, 0 after having waited a moment. */
static int
turn(struct src_rig *r, struct kafka_record *rec)
{
	if (kafka_source_next(r->src, rec) == 1)
		return 1;
	rig_wait(kafka_source_fd(r->src));
	kafka_source_tick(r->src, rig_clock());
	return 0;
}

/* The next record's text, or "-" when the source has caught up first. */
static const char *
next_text(struct src_rig *r, struct kafka_record *rec)
{
	static char text[128];
	for (int i = 0; i < RIG_WAITS; i++) {
		if (turn(r, rec) == 1) {
			snprintf(text, sizeof(text), "%.*s", (int)rec->len, (const char *)rec->p);
			return text;
		}
		if (kafka_source_caught_up(r->src))
			return "-";
	}
	return "nothing in time";
}

#define assert_reads(r, rec, want) cr_assert_str_eq(next_text(r, rec), want)

static bool
wait_notice(struct src_rig *r, enum kafka_notice what)
{
	struct kafka_record rec;
	for (int i = 0; i < RIG_WAITS && r->rig.notices[what] == 0; i++)
		cr_assert_eq(turn(r, &rec), 0, "an unexpected record");
	return r->rig.notices[what] > 0;
}

static const char *const one_topic[] = {"in"};
static const char *const two_topics[] = {"in", "more"};

/* ---- order ------------------------------------------------------------------------------- */

#define MERGE_N 3000

/* 2 topics x 3 partitions; many equal stamps, long stretches in which one partition is silent. */
static void
fill_merge_log(struct rig *rig)
{
	unsigned x = 12345;
	for (int i = 0; i < MERGE_N; i++) {
		char text[32];
		x = x * 1103515245u + 12345u;
		unsigned slot = i % 1000 < 300 ? 0 : x >> 16;
		snprintf(text, sizeof(text), "r%d", i);
		rig_produce(rig, two_topics[slot % 2], (int32_t)(slot / 2 % 3), T0 + i / 4, text);
	}
	rig_flush(rig);
}

static uint64_t
read_merge_log(struct src_rig *r, const struct kafka_setting *settings, unsigned n)
{
	uint64_t h = 0;
	unsigned records = 0;
	struct kafka_record rec, prev = {0};
	open_source_at(r, kafka_broker_address(r->rig.broker), two_topics, 2, KAFKA_EARLIEST, settings, n);
	for (int i = 0; i < RIG_WAITS && !kafka_source_caught_up(r->src);) {
		if (turn(r, &rec) == 0) {
			i++;
			continue;
		}
		cr_assert_geq(rec.ts.ns, prev.ts.ns);
		if (rec.ts.ns == prev.ts.ns)
			cr_assert(rec.topic_no > prev.topic_no || (rec.topic_no == prev.topic_no &&
				  (rec.partition > prev.partition || (rec.partition ==
				   prev.partition && rec.offset > prev.offset))));
		prev = rec;
		h = fm_hash64(rec.p, rec.len, h);
		records++;
	}
	cr_assert_eq(records, MERGE_N);
	kafka_source_free(r->src);
	r->src = NULL;
	return h;
}

Test(source, a_backlog_comes_in_the_same_order_whatever_the_queue_sizes)
{
	static const char *const sizes[] = {"1", "7", "100", "1000", "20000"};
	static const char *const fetch[] = {"500", "2000", "10000", "1048576"};
	struct src_rig r = {0};
	rig_start(&r.rig, two_topics, 2, 3);
	fill_merge_log(&r.rig);

	uint64_t first = 0;
	for (int i = 0; i < 20; i++) {
		struct kafka_setting s[] = {
			{"queued.min.messages", sizes[i % 5]},
			{"fetch.message.max.bytes", fetch[i % 4]},
			{"fetch.wait.max.ms", "20"},
		};
		uint64_t h = read_merge_log(&r, s, 3);
		if (i == 0)
			first = h;
		cr_assert_eq(h, first, "run %d", i);
	}
	stop(&r);
}

Test(source, live_records_are_handed_out_as_they_come)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, two_topics, 2, 3);
	open_source(&r, two_topics, 2);
	assert_reads(&r, &rec, "-");

	for (int i = 0; i < 20; i++) {
		char text[16];
		snprintf(text, sizeof(text), "n%d", i);
		/* Older than what was read before: live order is the order of arrival. */
		rig_produce(&r.rig, two_topics[i % 2], i % 3, T0 - i * 1000, text);
		rig_flush(&r.rig);
		for (int k = 0; k < RIG_WAITS && turn(&r, &rec) == 0; k++)
			;
		cr_assert_eq(rec.len, strlen(text));
		cr_assert_arr_eq(rec.p, text, rec.len);
	}
	stop(&r);
}

Test(source, a_record_carries_its_place_time_and_a_tombstone_no_bytes)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, two_topics, 2, 2);
	rig_produce(&r.rig, "more", 1, T0 + 5, "x");
	rig_produce(&r.rig, "more", 1, T0 + 6, NULL);
	rig_flush(&r.rig);
	open_source(&r, two_topics, 2);

	assert_reads(&r, &rec, "x");
	cr_assert_str_eq(rec.topic, "more");
	cr_assert_eq(rec.topic_no, 1);
	cr_assert_eq(rec.partition, 1);
	cr_assert_eq(rec.offset, 0);
	cr_assert_eq(rec.ts.ns, (T0 + 5) * FM_NS_PER_MS);
	assert_reads(&r, &rec, "");
	cr_assert_null(rec.p);
	cr_assert_eq(rec.offset, 1);
	stop(&r);
}

/* ---- positions --------------------------------------------------------------------------- */

static void
produce_abc(struct rig *rig)
{
	rig_produce(rig, "in", 0, T0, "a");
	rig_produce(rig, "in", 0, T0 + 1, "b");
	rig_produce(rig, "in", 0, T0 + 2, "c");
	rig_flush(rig);
}

static struct store_position
after_b(void)
{
	return (struct store_position){
		.topic = "in", .next_offset = 2,
		.last_hash = kafka_record_hash("b", 1, (struct fm_time){(T0 + 1) * FM_NS_PER_MS}),
	};
}

Test(source, it_goes_on_at_the_stored_position)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	produce_abc(&r.rig);
	open_source(&r, one_topic, 1);

	assert_reads(&r, &rec, "c");
	cr_assert_eq(rec.offset, 2);
	assert_reads(&r, &rec, "-");
	cr_assert_eq(r.rig.notices[KAFKA_POSITION_LOST], 0);
	stop(&r);
}

Test(source, a_position_at_the_very_end_is_good)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	r.pos[0].next_offset = 3;
	r.pos[0].last_hash = kafka_record_hash("c", 1, (struct fm_time){(T0 + 2) * FM_NS_PER_MS});
	rig_start(&r.rig, one_topic, 1, 1);
	produce_abc(&r.rig);
	open_source(&r, one_topic, 1);

	assert_reads(&r, &rec, "-");
	cr_assert_eq(r.rig.notices[KAFKA_POSITION_LOST], 0);
	stop(&r);
}

static void
assert_lost_but_others_go_on(struct src_rig *r)
{
	struct kafka_record rec;
	r->leave = true;
	rig_start(&r->rig, one_topic, 1, 2);
	produce_abc(&r->rig);
	rig_produce(&r->rig, "in", 1, T0, "other");
	rig_flush(&r->rig);
	open_source(r, one_topic, 1);

	cr_assert_str_eq(next_text(r, &rec), "other");
	cr_assert_str_eq(next_text(r, &rec), "-");
	cr_assert_eq(r->rig.notices[KAFKA_POSITION_LOST], 1);
	cr_assert_str_eq(r->rig.last_topic, "in");
	cr_assert_eq(r->rig.last_partition, 0);
	cr_assert_eq(r->n_lost, 1);
	cr_assert_eq(r->lost.wanted, r->pos[0].next_offset);
	cr_assert_eq(r->lost.low, 0);
	cr_assert_eq(r->lost.high, 3);
	cr_assert(r->lost.anew);
}

Test(source, a_position_beyond_the_end_stops_only_that_partition)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	r.pos[0].next_offset = 1000;
	assert_lost_but_others_go_on(&r);
	stop(&r);
}

Test(source, a_position_beyond_the_end_without_hash_is_found_as_well)
{
	struct src_rig r = {.pos = {{.topic = "in", .next_offset = 1000}}, .n_pos = 1};
	assert_lost_but_others_go_on(&r);
	stop(&r);
}

Test(source, a_log_that_ends_right_before_the_position_was_cut_short)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	r.pos[0].next_offset = 4;
	assert_lost_but_others_go_on(&r);
	stop(&r);
}

Test(source, another_record_before_the_position_means_another_topic)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	r.pos[0].last_hash ^= 4;
	assert_lost_but_others_go_on(&r);
	stop(&r);
}

static enum kafka_input
state_of(struct src_rig *r, int32_t partition)
{
	enum kafka_input state;
	cr_assert_eq(kafka_source_state(r->src, "in", partition, &state), 0);
	return state;
}

Test(source, a_lost_partition_goes_on_at_the_offset_it_is_given)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	struct kafka_lost lost;
	enum kafka_input state;
	r.pos[0].next_offset = 1000;
	assert_lost_but_others_go_on(&r);

	cr_assert_eq(state_of(&r, 0), KAFKA_INPUT_LOST);
	cr_assert_eq(state_of(&r, 1), KAFKA_INPUT_READING);
	cr_assert_eq(kafka_source_state(r.src, "in", 2, &state), -ENOENT);
	cr_assert_eq(kafka_source_find_lost(r.src, "in", 1, &lost), -ENOENT);
	cr_assert_eq(kafka_source_find_lost(r.src, "in", 0, &lost), 0);
	cr_assert_eq(lost.wanted, 1000);
	cr_assert_eq(kafka_source_resume_lost(r.src, "in", 1, 0), -ENOENT);
	cr_assert_eq(kafka_source_resume_lost(r.src, "in", 0, 1), 0);
	assert_reads(&r, &rec, "b");
	assert_reads(&r, &rec, "c");
	assert_reads(&r, &rec, "-");
	cr_assert_eq(state_of(&r, 0), KAFKA_INPUT_READING);
	cr_assert_eq(kafka_source_find_lost(r.src, "in", 0, &lost), -ENOENT);
	stop(&r);
}

/* With the record at hand, which comes again; b stands in for what the caller has stored. */
Test(source, a_held_partition_goes_on_where_it_was_stored)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	struct kafka_lost lost;
	rig_start(&r.rig, one_topic, 1, 2);
	produce_abc(&r.rig);
	rig_produce(&r.rig, "in", 1, T0 + 9, "other");
	rig_produce(&r.rig, "in", 0, T0 + 3, "d");
	rig_flush(&r.rig);
	open_source(&r, one_topic, 1);
	assert_reads(&r, &rec, "c");

	cr_assert_eq(kafka_source_hold(r.src, "in", 0), 0);
	assert_reads(&r, &rec, "other");
	assert_reads(&r, &rec, "-");
	cr_assert_eq(state_of(&r, 0), KAFKA_INPUT_HELD);
	for (int i = 0; i < RIG_WAITS && kafka_source_find_lost(r.src, "in", 0, &lost) < 0; i++)
		cr_assert_eq(turn(&r, &rec), 0);
	cr_assert_eq(kafka_source_find_lost(r.src, "in", 0, &lost), 0);
	cr_assert_eq(lost.wanted, 2);
	cr_assert_eq(lost.low, 0);
	cr_assert_eq(lost.high, 4);
	cr_assert_not(lost.anew);
	cr_assert_eq(r.n_lost, 0);

	cr_assert_eq(kafka_source_release(r.src, "in", 1), -ENOENT);
	cr_assert_eq(kafka_source_release(r.src, "in", 0), 0);
	assert_reads(&r, &rec, "c");
	assert_reads(&r, &rec, "d");
	assert_reads(&r, &rec, "-");
	cr_assert_eq(kafka_source_release(r.src, "in", 0), -ENOENT);
	stop(&r);
}

Test(source, a_partition_may_be_held_from_the_start)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1, .held = true};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 2);
	produce_abc(&r.rig);
	open_source(&r, one_topic, 1);
	assert_reads(&r, &rec, "-");
	cr_assert_eq(state_of(&r, 0), KAFKA_INPUT_HELD);
	r.held = false;
	cr_assert_eq(kafka_source_release(r.src, "in", 0), 0);
	assert_reads(&r, &rec, "c");
	stop(&r);
}

Test(source, the_ends_of_a_lost_partition_are_kept_fresh)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	struct kafka_lost lost = {0};
	r.pos[0].next_offset = 1000;
	assert_lost_but_others_go_on(&r);

	rig_produce(&r.rig, "in", 0, T0 + 9, "d");
	rig_flush(&r.rig);
	for (int i = 0; i < RIG_WAITS && lost.high != 4; i++) {
		cr_assert_eq(turn(&r, &rec), 0);
		cr_assert_eq(kafka_source_find_lost(r.src, "in", 0, &lost), 0);
	}
	cr_assert_eq(lost.high, 4);
	cr_assert_eq(r.n_lost, 1, "told once");
	stop(&r);
}

/* Time must not go on over what is missing before somebody has decided how. */
Test(source, nothing_is_caught_up_before_a_lost_partition_has_been_decided_on)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	r.pos[0].next_offset = 1000;
	rig_start(&r.rig, one_topic, 1, 2);
	produce_abc(&r.rig);
	open_source(&r, one_topic, 1);

	for (int i = 0; i < RIG_WAITS && r.n_lost == 0; i++)
		cr_assert_eq(turn(&r, &rec), 0);
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(turn(&r, &rec), 0);
		cr_assert_not(kafka_source_caught_up(r.src));
	}
	cr_assert_eq(kafka_source_resume_lost(r.src, "in", 0, 3), 0);
	assert_reads(&r, &rec, "-");
	stop(&r);
}

/* The embedded broker keeps 5 MB a partition: what comes on top pushes out the oldest. */
static void
push_out_the_oldest(struct rig *rig)
{
	static char big[200001];
	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < 60; i++) {
		rig_produce(rig, "in", 0, T0 + 100 + i, big);
		rig_flush(rig);
	}
}

Test(source, deleted_records_are_told_from_a_log_made_anew)
{
	struct src_rig r = {.pos = {after_b()}, .n_pos = 1};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	produce_abc(&r.rig);
	push_out_the_oldest(&r.rig);
	open_source(&r, one_topic, 1);

	for (int i = 0; i < RIG_WAITS && r.n_lost == 0; i++)
		cr_assert_eq(turn(&r, &rec), 0);
	cr_assert_eq(r.lost.wanted, 2);
	cr_assert_gt(r.lost.low, 3);
	cr_assert_eq(r.lost.high, 63);
	cr_assert_not(r.lost.anew);
	cr_assert_eq(kafka_source_resume_lost(r.src, "in", 0, r.lost.low), 0);
	cr_assert_eq(next_text(&r, &rec)[0], 'x');
	cr_assert_eq(rec.offset, r.lost.low);
	stop(&r);
}

Test(source, a_first_start_where_the_head_was_deleted_loses_nothing)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	produce_abc(&r.rig);
	push_out_the_oldest(&r.rig);
	open_source(&r, one_topic, 1);

	cr_assert_eq(next_text(&r, &rec)[0], 'x');
	cr_assert_gt(rec.offset, 3);
	cr_assert_eq(r.n_lost, 0);
	cr_assert_eq(r.rig.notices[KAFKA_POSITION_LOST], 0);
	stop(&r);
}

Test(source, a_first_start_that_retention_outruns_is_made_again)
{
	static const enum kafka_start starts[] = {KAFKA_EARLIEST, KAFKA_LATEST};
	for (unsigned i = 0; i < 2; i++) {
		struct src_rig r = {0};
		struct kafka_record rec;
		rig_start(&r.rig, one_topic, 1, 1);
		produce_abc(&r.rig);
		kafka_broker_outrun_fetch(r.rig.broker);
		open_source_at(&r, kafka_broker_address(r.rig.broker), one_topic, 1, starts[i], NULL, 0);

		if (starts[i] == KAFKA_EARLIEST) {
			assert_reads(&r, &rec, "a");
			assert_reads(&r, &rec, "b");
			assert_reads(&r, &rec, "c");
		}
		assert_reads(&r, &rec, "-");
		cr_assert_eq(r.n_lost, 0);
		cr_assert_eq(r.rig.notices[KAFKA_POSITION_LOST], 0);
		stop(&r);
	}
}

static void
note_start(void *ctx, const char *topic, int32_t partition, int64_t next_offset)
{
	cr_assert_str_eq(topic, "in");
	((int64_t *)ctx)[partition] = next_offset;
}

Test(source, latest_begins_at_the_end_and_says_where_that_is)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	int64_t starts[2] = {-1, -1};
	rig_start(&r.rig, one_topic, 1, 2);
	produce_abc(&r.rig);
	open_source_at(&r, kafka_broker_address(r.rig.broker), one_topic, 1, KAFKA_LATEST, NULL, 0);

	assert_reads(&r, &rec, "-");
	kafka_source_take_starts(r.src, note_start, starts);
	cr_assert_eq(starts[0], 3);
	cr_assert_eq(starts[1], 0);
	starts[0] = -1;
	kafka_source_take_starts(r.src, note_start, starts);
	cr_assert_eq(starts[0], -1, "told once");

	rig_produce(&r.rig, "in", 0, T0, "d");
	rig_flush(&r.rig);
	for (int i = 0; i < RIG_WAITS && turn(&r, &rec) == 0; i++)
		;
	cr_assert_eq(rec.offset, 3);
	stop(&r);
}

/* ---- topics and brokers that are not there ----------------------------------------------- */

Test(source, a_missing_topic_is_told_once_and_read_from_its_start_when_it_comes)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, two_topics, 2, 2);
	kafka_broker_hide_topic(r.rig.broker, "more", true);
	open_source_at(&r, kafka_broker_address(r.rig.broker), two_topics, 2, KAFKA_LATEST, NULL, 0);

	cr_assert(wait_notice(&r, KAFKA_TOPIC_MISSING));
	cr_assert_str_eq(r.rig.last_topic, "more");
	assert_reads(&r, &rec, "-");            /* it does not hold time back */

	kafka_broker_hide_topic(r.rig.broker, "more", false);
	rig_produce(&r.rig, "more", 1, T0, "early");
	rig_flush(&r.rig);
	for (int i = 0; i < RIG_WAITS && turn(&r, &rec) == 0; i++)
		;
	cr_assert_eq(rec.offset, 0);
	cr_assert_eq(r.rig.notices[KAFKA_TOPIC_MISSING], 1);
	cr_assert_eq(r.rig.notices[KAFKA_TOPIC_FOUND], 1);
	stop(&r);
}

Test(source, a_topic_that_vanishes_no_longer_holds_time_back)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	struct kafka_source_stats st;
	rig_start(&r.rig, two_topics, 2, 1);
	open_source(&r, two_topics, 2);
	assert_reads(&r, &rec, "-");

	kafka_broker_hide_topic(r.rig.broker, "more", true);
	struct fm_time now = rig_clock();
	for (int i = 0; i < RIG_WAITS && r.rig.notices[KAFKA_TOPIC_MISSING] == 0; i++) {
		rig_wait(kafka_source_fd(r.src));
		now = fm_time_add(now, fm_span_ms(500));        /* look-ups are half a minute apart */
		kafka_source_tick(r.src, now);
		cr_assert_eq(kafka_source_next(r.src, &rec), 0);
	}
	cr_assert_str_eq(r.rig.last_topic, "more");
	kafka_source_get_stats(r.src, &st);
	cr_assert_eq(st.missing_topics, 1);
	for (int i = 0; i < RIG_WAITS && !kafka_source_caught_up(r.src); i++)
		cr_assert_eq(turn(&r, &rec), 0);
	cr_assert(kafka_source_caught_up(r.src));
	stop(&r);
}

Test(source, a_broker_that_is_not_there_is_waited_for)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	produce_abc(&r.rig);
	kafka_broker_set_up(r.rig.broker, false);
	open_source(&r, one_topic, 1);

	cr_assert(wait_notice(&r, KAFKA_UNREACHABLE));
	cr_assert_not(kafka_source_caught_up(r.src));
	kafka_broker_set_up(r.rig.broker, true);
	assert_reads(&r, &rec, "a");
	assert_reads(&r, &rec, "b");
	assert_reads(&r, &rec, "c");
	assert_reads(&r, &rec, "-");
	cr_assert_eq(r.rig.notices[KAFKA_REACHABLE], 1);
	stop(&r);
}

Test(source, caught_up_ends_with_the_broker_and_comes_back_only_when_it_is_heard)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	struct kafka_source_stats st;
	rig_start(&r.rig, one_topic, 1, 3);
	produce_abc(&r.rig);
	open_source(&r, one_topic, 1);
	assert_reads(&r, &rec, "a");
	assert_reads(&r, &rec, "b");
	assert_reads(&r, &rec, "c");
	assert_reads(&r, &rec, "-");

	kafka_broker_set_up(r.rig.broker, false);
	cr_assert(wait_notice(&r, KAFKA_UNREACHABLE));
	cr_assert_not(kafka_source_caught_up(r.src));
	kafka_source_get_stats(r.src, &st);
	cr_assert_not(st.reachable);

	/* Nothing new was written: no end is reported again, the fetches themselves must tell. */
	kafka_broker_set_up(r.rig.broker, true);
	assert_reads(&r, &rec, "-");
	cr_assert_eq(r.rig.notices[KAFKA_REACHABLE], 2);
	kafka_source_get_stats(r.src, &st);
	cr_assert(st.reachable);
	cr_assert_eq(st.lag, 0);
	cr_assert_eq(st.caught_up, 3);
	cr_assert_eq(st.records, 3);
	stop(&r);
}

Test(source, after_fmd_stood_still_caught_up_has_to_be_earned_again)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	open_source(&r, one_topic, 1);
	assert_reads(&r, &rec, "-");

	struct fm_time later = fm_time_add(rig_clock(), fm_span_s(60));
	kafka_source_tick(r.src, later);
	cr_assert_not(kafka_source_caught_up(r.src));
	for (int i = 0; i < RIG_WAITS && !kafka_source_caught_up(r.src); i++) {
		rig_wait(kafka_source_fd(r.src));
		kafka_source_tick(r.src, later);
		cr_assert_eq(kafka_source_next(r.src, &rec), 0);
	}
	cr_assert(kafka_source_caught_up(r.src));
	stop(&r);
}

Test(source, after_fmd_stood_still_the_log_is_compared_again)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	produce_abc(&r.rig);
	open_source(&r, one_topic, 1);
	assert_reads(&r, &rec, "a");
	assert_reads(&r, &rec, "b");

	/* c is queued; it is fetched again and handed out once. */
	r.pos[0] = after_b();
	r.n_pos = 1;
	kafka_source_tick(r.src, fm_time_add(rig_clock(), fm_span_s(60)));
	assert_reads(&r, &rec, "c");
	cr_assert_eq(rec.offset, 2);
	assert_reads(&r, &rec, "-");
	cr_assert_eq(r.n_lost, 0);

	r.pos[0].last_hash ^= 4;
	kafka_source_tick(r.src, fm_time_add(rig_clock(), fm_span_s(120)));
	for (int i = 0; i < RIG_WAITS && r.n_lost == 0; i++)
		cr_assert_eq(turn(&r, &rec), 0);
	cr_assert_eq(r.n_lost, 1);
	cr_assert(r.lost.anew);
	stop(&r);
}

Test(source, paused_it_hands_out_nothing_and_afterwards_everything)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	rig_start(&r.rig, one_topic, 1, 1);
	open_source(&r, one_topic, 1);
	assert_reads(&r, &rec, "-");

	kafka_source_pause(r.src, true);
	produce_abc(&r.rig);
	for (int i = 0; i < 30; i++)
		cr_assert_eq(turn(&r, &rec), 0);
	cr_assert_not(kafka_source_caught_up(r.src));
	kafka_source_pause(r.src, false);
	assert_reads(&r, &rec, "a");
	assert_reads(&r, &rec, "b");
	assert_reads(&r, &rec, "c");
	assert_reads(&r, &rec, "-");
	stop(&r);
}

/* ---- cost -------------------------------------------------------------------------------- */

static double
seconds(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

Test(source, without_a_broker_nothing_blocks)
{
	struct src_rig r = {0};
	struct kafka_record rec;
	double worst = 0;
	rig_start(&r.rig, one_topic, 1, 1);
	kafka_broker_set_up(r.rig.broker, false);
	open_source(&r, one_topic, 1);
	for (int i = 0; i < 300; i++) {
		double cpu = seconds(CLOCK_MONOTONIC);
		cr_assert_eq(kafka_source_next(r.src, &rec), 0);
		kafka_source_tick(r.src, rig_clock());
		cpu = seconds(CLOCK_MONOTONIC) - cpu;
		worst = cpu > worst ? cpu : worst;
		rig_wait(kafka_source_fd(r.src));
	}
	cr_log_info("longest turn: %.3f ms", worst * 1000);
	/* A look-up waits a second for a broker: that it happens elsewhere is what is shown here. */
	cr_assert_lt(worst, 0.5);
	stop(&r);
}
