#include "rig.h"

static void
expect_trap(enum transition_kind kind, enum severity sev, enum fmagent_trap trap)
{
	struct transition tr = rig_transition(kind, sev);
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 0);
	cr_assert_eq(n.trap, trap);
}

Test(notice, an_announcement_goes_out_under_its_severity)
{
	expect_trap(TR_RAISE, SEV_CRITICAL, FMAGENT_TRAP_CRITICAL);
	expect_trap(TR_CHANGE, SEV_MAJOR, FMAGENT_TRAP_MAJOR);
	expect_trap(TR_UNSUPPRESS, SEV_MINOR, FMAGENT_TRAP_MINOR);
	expect_trap(TR_UNSHELVE, SEV_MAJOR, FMAGENT_TRAP_MAJOR);
	expect_trap(TR_RAISE, SEV_WARNING, FMAGENT_TRAP_WARNING);
	expect_trap(TR_CLEAR, SEV_CRITICAL, FMAGENT_TRAP_CLEAR);
	expect_trap(TR_LOG, SEV_CRITICAL, FMAGENT_TRAP_MESSAGE);
}

Test(notice, kinds_without_a_word_in_the_mib_are_not_sent)
{
	static const enum transition_kind silent[] = {TR_ACK, TR_UNACK, TR_SHELVE,
		TR_SUPPRESS, TR_PURGE, TR_GAP, TR_LIST_REBUILT, TR_HEARTBEAT};
	struct fmagent_notice n;

	for (size_t i = 0; i < FM_ARRAY_LEN(silent); i++) {
		struct transition tr = rig_transition(silent[i], SEV_MAJOR);

		cr_assert_eq(rig_notice(&tr, &rig_all, &n), 1, "%s",
			     transition_kind_name(silent[i]));
	}
}

Test(notice, what_is_not_to_be_announced_is_not_sent)
{
	struct transition tr = rig_transition(TR_RAISE, SEV_CRITICAL);
	struct fmagent_notice n;

	tr.notify = false;
	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 1);
}

Test(notice, values_are_those_of_the_alarm)
{
	struct transition tr = rig_transition(TR_RAISE, SEV_MAJOR);
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 0);
	cr_assert_eq(n.seq, 77);
	cr_assert_eq(n.index, 41);
	cr_assert_str_eq(n.uuid, RIG_UUID);
	cr_assert_str_eq(n.alarm_id, "700.008");
	cr_assert_str_eq(n.entity, "tenant=t1.instance=i1");
	cr_assert_str_eq(n.reason, "Instance i1 is live migrating");
	cr_assert_str_eq(n.repair, "No action required");
	cr_assert_eq(n.severity, 3);
	cr_assert_eq(n.type, 3);
	cr_assert_eq(n.cause, 46);
	cr_assert_eq(n.service_affecting, 1);
	cr_assert_eq(n.suppressible, 0);
}

Test(notice, a_cause_beyond_the_mib_is_not_applicable)
{
	struct transition tr = rig_transition(TR_RAISE, SEV_MAJOR);
	struct fmagent_notice n;

	tr.alarm.cause = 77;
	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 0);
	cr_assert_eq(n.cause, 0);
}

Test(notice, a_log_is_about_no_row)
{
	struct transition tr = rig_transition(TR_LOG, SEV_CRITICAL);
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 0);
	cr_assert_eq(n.index, 0);
}

Test(notice, the_entity_gets_region_and_system_in_front)
{
	struct transition tr = rig_transition(TR_RAISE, SEV_MAJOR);
	struct fmagent_filter f = {.region = "RegionOne", .system = "cloud-7"};
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&tr, &f, &n), 0);
	cr_assert_str_eq(n.entity, "region=RegionOne.system=cloud-7.tenant=t1.instance=i1");
}

Test(notice, the_filter_keeps_lower_severities_and_their_clears_away)
{
	struct fmagent_filter f = {.min_severity = SEV_MAJOR};
	struct transition minor = rig_transition(TR_RAISE, SEV_MINOR);
	struct transition minor_clear = rig_transition(TR_CLEAR, SEV_MINOR);
	struct transition major_clear = rig_transition(TR_CLEAR, SEV_MAJOR);
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&minor, &f, &n), 1);
	cr_assert_eq(rig_notice(&minor_clear, &f, &n), 1);
	cr_assert_eq(rig_notice(&major_clear, &f, &n), 0);
}

Test(notice, an_alarm_that_falls_below_the_filter_is_cleared_there)
{
	struct fmagent_filter f = {.min_severity = SEV_MAJOR};
	struct transition tr = rig_transition(TR_CHANGE, SEV_MINOR);
	struct fmagent_notice n;

	tr.prev_mask = PREV_SEVERITY;
	tr.prev_severity = SEV_CRITICAL;
	cr_assert_eq(rig_notice(&tr, &f, &n), 0);
	cr_assert_eq(n.trap, FMAGENT_TRAP_CLEAR);

	tr.prev_severity = SEV_WARNING;
	cr_assert_eq(rig_notice(&tr, &f, &n), 1);
}

/* It fell while it was hidden: the change itself was not announced. */
Test(notice, an_alarm_that_fell_below_the_filter_while_hidden_is_cleared_there)
{
	static const enum transition_kind kinds[] = {TR_UNSUPPRESS, TR_UNSHELVE, TR_CLEAR};
	struct fmagent_filter f = {.min_severity = SEV_MAJOR};
	struct fmagent_notice n;

	for (unsigned i = 0; i < FM_ARRAY_LEN(kinds); i++) {
		struct transition tr = rig_transition(kinds[i], SEV_MINOR);

		cr_assert_eq(rig_notice(&tr, &f, &n), 1);
		tr.prev_mask = PREV_SEVERITY;
		tr.prev_severity = SEV_MAJOR;
		cr_assert_eq(rig_notice(&tr, &f, &n), 0);
		cr_assert_eq(n.trap, FMAGENT_TRAP_CLEAR);
	}
}

Test(notice, logs_are_sent_only_where_wanted)
{
	struct fmagent_filter f = {.logs = false};
	struct transition tr = rig_transition(TR_LOG, SEV_CRITICAL);
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&tr, &f, &n), 1);
}

Test(notice, a_damaged_body_is_an_error_and_not_a_silence)
{
	struct transition tr = rig_transition(TR_RAISE, SEV_MAJOR);
	struct stored_transition st = rig_stored(&tr);
	struct fmagent_notice n;

	st.len -= 2;
	cr_assert_eq(fmagent_notice_make(&st, &rig_all, &n), -EBADMSG);
	free((void *)(uintptr_t)st.json);
}

Test(notice, date_and_time_is_eleven_octets_of_utc)
{
	uint8_t date[FMAGENT_DATE_LEN];
	/* 2026-11-24, 10:15:42.7, +0:0 */
	static const uint8_t want[] = {0x07, 0xea, 11, 24, 10, 15, 42, 7, '+', 0, 0};

	fmagent_date(RIG_TIME, date);
	cr_assert_arr_eq(date, want, sizeof(want));
}

Test(notice, a_late_announcement_carries_the_time_of_the_raise)
{
	struct transition tr = rig_transition(TR_UNSUPPRESS, SEV_MAJOR);
	struct fmagent_notice n;
	uint8_t raised[FMAGENT_DATE_LEN];

	tr.at = fm_time_add(RIG_TIME, fm_span_s(600));
	fmagent_date(RIG_TIME, raised);
	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 0);
	cr_assert_arr_eq(n.date, raised, sizeof(raised));
}

Test(notice, long_text_is_cut_at_a_code_point_and_marked)
{
	char out[16];

	fmagent_copy_text(out, sizeof(out), "fifteen octets!", 15);
	cr_assert_str_eq(out, "fifteen octets!");
	/* The umlaut's two octets would be the twelfth and the thirteenth. */
	fmagent_copy_text(out, sizeof(out), "elf Zeichen\xc3\xbc und mehr", 23);
	cr_assert_str_eq(out, "elf Zeichen...");
}

Test(notice, row_indices_stay_within_31_bits)
{
	cr_assert_eq(fmagent_row_index(1), 1);
	cr_assert_eq(fmagent_row_index(2147483647ULL), 2147483647u);
	cr_assert_eq(fmagent_row_index(2147483648ULL), 1);
	cr_assert_eq(fmagent_row_index(UINT64_MAX) >= 1, true);
}
