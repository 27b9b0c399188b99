/*
 * facts: names of facts and attributes.
 */
#include "cat_test.h"

Test(facts, every_fact_is_found_by_its_name)
{
	for (unsigned i = 0; i < FACT_N; i++) {
		enum fact_id fact = FACT_N;
		const char *name = fact_name((enum fact_id)i);
		cr_assert(fact_parse(name, strlen(name), &fact), "%s", name);
		cr_assert_eq(fact, i, "%s", name);
	}
}

Test(facts, states_come_before_events)
{
	cr_assert(fact_is_state(FACT_INSTANCE_STOPPED));
	cr_assert(fact_is_state(FACT_HOST_UNSEEN));
	cr_assert_not(fact_is_state(FACT_MIGRATION_STARTED));
	cr_assert_not(fact_is_state(FACT_RESIZE_REVERTED));
}

Test(facts, a_fact_has_a_subject)
{
	cr_assert_eq(fact_subject_of(FACT_INSTANCE_MIGRATING), SUBJECT_INSTANCE);
	cr_assert_eq(fact_subject_of(FACT_HOST_DOWN), SUBJECT_HOST);
	cr_assert_eq(fact_subject_of(FACT_INSTANCE_DOWNTIME), SUBJECT_INSTANCE);
}

Test(facts, a_prefix_of_a_name_is_no_name)
{
	enum fact_id fact = FACT_N;
	cr_assert_not(fact_parse("instance.migratin", 17, &fact));
	cr_assert_not(fact_parse("instance.migrating2", 19, &fact));
	cr_assert_not(fact_parse("", 0, &fact));
	cr_assert_eq(fact, FACT_N);
}

Test(facts, every_attribute_is_found_by_its_name)
{
	for (unsigned i = 0; i < ATTR_N; i++) {
		const char *name = fact_attr_name((enum fact_attr)i);
		cr_assert_eq(fact_attr_parse(name, strlen(name)), (int)i, "%s", name);
	}
}

Test(facts, attribute_names_ignore_case_and_hyphens)
{
	cr_assert_eq(fact_attr_parse("Tenant-UUID", 11), ATTR_TENANT_UUID);
	cr_assert_eq(fact_attr_parse("instance-uuid", 13), ATTR_INSTANCE_UUID);
	cr_assert_eq(fact_attr_parse("instance uuid", 13), -1);
}

Test(facts, the_spellings_of_the_incumbent_are_aliases)
{
	cr_assert_eq(fact_attr_parse("hostname", 8), ATTR_HOST_NAME);
	cr_assert_eq(fact_attr_parse("from_host_name", 14), ATTR_SOURCE_HOST);
	cr_assert_eq(fact_attr_parse("reason_text", 11), ATTR_REASON);
	cr_assert_eq(fact_attr_parse("nobody", 6), -1);
}

Test(facts, only_numbers_are_int)
{
	cr_assert(fact_attr_is_int(ATTR_DOWNTIME_MS));
	cr_assert(fact_attr_is_int(ATTR_COUNT));
	cr_assert_not(fact_attr_is_int(ATTR_HOST_NAME));
}

Test(facts, what_lies_outside_has_no_name)
{
	cr_assert_str_eq(fact_name(FACT_N), "");
	cr_assert_str_eq(fact_attr_name(ATTR_N), "");
}
