/* words: the numbers and words of StarlingX, both ways. */
#include "alarm/alarm.h"

#include <criterion/criterion.h>

Test(words, severities_read_back)
{
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++) {
		enum severity sev = SEV_NONE;
		const char *word = severity_name((enum severity)i);
		cr_assert(severity_parse(word, strlen(word), &sev));
		cr_assert_eq((unsigned)sev, i);
	}
	cr_assert_str_eq(severity_name(SEV_CRITICAL), "critical");
	cr_assert_str_eq(severity_name(SEV_NONE), "not-applicable");
}

Test(words, alarm_types_read_back)
{
	for (int i = 0; i <= 10; i++) {
		int type = -1;
		const char *word = alarm_type_name(i);
		cr_assert(alarm_type_parse(word, strlen(word), &type));
		cr_assert_eq(type, i);
	}
	cr_assert_str_eq(alarm_type_name(3), "processing-error");
	cr_assert_str_eq(alarm_type_name(10), "time-domain-violation");
}

Test(words, probable_causes_read_back)
{
	for (int i = 0; i <= FM_CAUSE_UNKNOWN; i++) {
		int cause = -1;
		const char *word = probable_cause_name(i);
		cr_assert(probable_cause_parse(word, strlen(word), &cause));
		cr_assert_eq(cause, i, "%s", word);
	}
	cr_assert_str_eq(probable_cause_name(16), "excessive-vibration");
	cr_assert_str_eq(probable_cause_name(65), "unspecified-reason");
	cr_assert_str_eq(probable_cause_name(74), "out-of-hours-activity");
	cr_assert_str_eq(probable_cause_name(77), "certificate-expiration");
	cr_assert_str_eq(probable_cause_name(FM_CAUSE_UNKNOWN), "unknown");
}

Test(words, a_number_out_of_range_prints_the_first_word)
{
	cr_assert_str_eq(alarm_type_name(11), "other");
	cr_assert_str_eq(alarm_type_name(-1), "other");
	cr_assert_str_eq(probable_cause_name(79), "not-applicable");
	cr_assert_str_eq(probable_cause_name(-1), "not-applicable");
}

Test(words, parsers_take_whole_words_only)
{
	enum severity sev = SEV_MAJOR;
	int number = -7;

	cr_assert_not(severity_parse("criticals", 9, &sev));
	cr_assert_not(severity_parse("critica", 7, &sev));
	cr_assert_not(severity_parse("Critical", 8, &sev));
	cr_assert_not(severity_parse("", 0, &sev));
	cr_assert_eq(sev, SEV_MAJOR);
	cr_assert_not(alarm_type_parse("deployment-in-progress", 22, &number));
	cr_assert_not(probable_cause_parse("unknow", 6, &number));
	cr_assert_eq(number, -7);
	cr_assert(severity_parse("critical, major", 8, &sev));
	cr_assert_eq(sev, SEV_CRITICAL);
}

Test(words, the_mib_carries_causes_up_to_74)
{
	cr_assert_eq(probable_cause_wrs(0), 0);
	cr_assert_eq(probable_cause_wrs(74), 74);
	cr_assert_eq(probable_cause_wrs(75), 0);
	cr_assert_eq(probable_cause_wrs(FM_CAUSE_UNKNOWN), 0);
	cr_assert_eq(probable_cause_wrs(-1), 0);
}

Test(words, transition_kinds_read_back)
{
	for (unsigned i = 0; i < TR_N_KINDS; i++) {
		enum transition_kind kind = TR_N_KINDS;
		const char *word = transition_kind_name((enum transition_kind)i);
		cr_assert(transition_kind_parse(word, strlen(word), &kind));
		cr_assert_eq((unsigned)kind, i);
	}
	enum transition_kind kind = TR_GAP;
	cr_assert_not(transition_kind_parse("set", 3, &kind));
	cr_assert_eq(kind, TR_GAP);
	cr_assert_str_eq(transition_kind_name(TR_LIST_REBUILT), "list-rebuilt");
}

Test(words, states_have_words)
{
	cr_assert_str_eq(suppression_status_name(SUPPR_NONE), "unsuppressed");
	cr_assert_str_eq(suppression_status_name(SUPPR_PARENT), "masked");
	cr_assert_str_eq(suppression_status_name(SUPPR_OPERATOR), "suppressed");
	cr_assert_str_eq(operator_state_name(OPER_ACKED), "acknowledged");
	cr_assert_str_eq(cause_kind_name(CAUSE_RELATION), "relation");
}

Test(words, affecting_is_a_threshold_on_severity)
{
	struct alarm al = {.severity = SEV_MAJOR, .mgmt_threshold = SEV_MAJOR};

	cr_assert(alarm_mgmt_affecting(&al));
	cr_assert_not(alarm_degrade_affecting(&al));
	al.degrade_threshold = SEV_CRITICAL;
	cr_assert_not(alarm_degrade_affecting(&al));
	al.severity = SEV_CRITICAL;
	cr_assert(alarm_degrade_affecting(&al));
}
