/*
 * sane: rows at the edge of what the core writes, and beyond it.
 */
#include <criterion/criterion.h>

#include "correlator/correlator.h"

static const struct row good_alarm = {.kind = ROW_ALARM, .u.alarm = {.alarm_id = "200.004",
	.entity = "host=compute-0", .severity = SEV_CRITICAL, .status = SUPPR_OPERATOR,
	.origin = ALARM_BY_SELF, .step = CAT_MAX_STEPS}};

static bool
alarm_with(size_t column, int64_t value)
{
	struct row row = good_alarm;

	memcpy((char *)&row.u.alarm + column, &value, sizeof(value));
	return corr_may_restore(&row);
}
#define COLUMN(name) offsetof(struct row_alarm, name)

Test(sane, a_number_at_its_bound_is_taken_and_one_beyond_it_is_not)
{
	static const struct { size_t column; int64_t least, most; } cases[] = {
		{COLUMN(severity), SEV_WARNING, SEV_CRITICAL}, {COLUMN(cleared), 0, 1},
		{COLUMN(status), SUPPR_NONE, SUPPR_WINDOW}, {COLUMN(oper), OPER_NONE, OPER_ACKED},
		{COLUMN(step), 0, CAT_MAX_STEPS}, {COLUMN(origin), ALARM_BY_RULE, ALARM_BY_SELF},
		{COLUMN(children), 0, UINT32_MAX},
	};

	cr_assert(corr_may_restore(&good_alarm));
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		cr_assert(alarm_with(cases[i].column, cases[i].least), "%u", i);
		cr_assert(alarm_with(cases[i].column, cases[i].most), "%u", i);
		cr_assert_not(alarm_with(cases[i].column, cases[i].least - 1), "%u", i);
		cr_assert_not(alarm_with(cases[i].column, cases[i].most + 1), "%u", i);
	}
}

Test(sane, a_key_is_there_and_of_a_length)
{
	char entity[FM_MAX_ENTITY + 2];
	struct row row = good_alarm;

	memset(entity, 'e', sizeof(entity));
	entity[FM_MAX_ENTITY] = '\0';
	row.u.alarm.entity = entity;
	cr_assert(corr_may_restore(&row));
	entity[FM_MAX_ENTITY] = 'e';
	entity[FM_MAX_ENTITY + 1] = '\0';
	cr_assert_not(corr_may_restore(&row));
	row.u.alarm.entity = NULL;
	cr_assert_not(corr_may_restore(&row));
	row = good_alarm;
	row.u.alarm.alarm_id = "1234567890.12345";
	cr_assert_not(corr_may_restore(&row));
	row.u.alarm.alarm_id = "123456789.12345";
	cr_assert(corr_may_restore(&row));
	row.u.alarm.alarm_id = "\xff";
	cr_assert_not(corr_may_restore(&row));
}

Test(sane, sources_may_have_said_anything)
{
	const struct row row = {.kind = ROW_INSTANCE, .u.instance = {.uuid = "u",
		.at_start_stamp = INT64_MAX, .at_end_stamp = INT64_MIN, .at_resumed = INT64_MAX}};

	cr_assert(corr_may_restore(&row));
}

Test(sane, what_a_deadline_carries_is_times)
{
	struct row row = {.kind = ROW_DEADLINE, .u.deadline = {.subject = "s", .detail = "1 1 12"}};

	cr_assert(corr_may_restore(&row));
	row.u.deadline.detail = "9223372036854775807";
	cr_assert_not(corr_may_restore(&row));
	row.u.deadline.detail = "soon";
	cr_assert_not(corr_may_restore(&row));
	row.u.deadline.detail = NULL;
	cr_assert(corr_may_restore(&row));
	row.u.deadline.kind = 99;
	cr_assert_not(corr_may_restore(&row));
}
