/*
 * cat_carries: which attributes a fact can have a value for: what If and Threshold may ask of it, and
 * what a text may name. A text may name a little more, for it is written again while the alarm is up.
 */
#include "events/cat_load_priv.h"

static const struct {
	enum fact_attr attr;
	enum fact_id first, last;
} carried[] = {
	{ATTR_SOURCE_HOST, FACT_INSTANCE_MIGRATING, FACT_INSTANCE_MIGRATING},
	{ATTR_SOURCE_HOST, FACT_MIGRATION_STARTED, FACT_INSTANCE_DOWNTIME},
	{ATTR_DESTINATION_HOST, FACT_INSTANCE_MIGRATING, FACT_INSTANCE_MIGRATING},
	{ATTR_DESTINATION_HOST, FACT_MIGRATION_STARTED, FACT_INSTANCE_DOWNTIME},
	{ATTR_ATTEMPT, FACT_INSTANCE_MIGRATING, FACT_INSTANCE_MIGRATING},
	{ATTR_ATTEMPT, FACT_MIGRATION_STARTED, FACT_INSTANCE_DOWNTIME},
	{ATTR_ELAPSED_S, FACT_MIGRATION_STARTED, FACT_INSTANCE_DOWNTIME},
	{ATTR_DOWNTIME_MS, FACT_MIGRATION_CANCELLED, FACT_INSTANCE_DOWNTIME},
	{ATTR_METHOD, FACT_MIGRATION_CANCELLED, FACT_INSTANCE_DOWNTIME},
	{ATTR_PAUSED_MS, FACT_MIGRATION_CANCELLED, FACT_INSTANCE_DOWNTIME},
	{ATTR_POSTCOPY, FACT_MIGRATION_CANCELLED, FACT_INSTANCE_DOWNTIME},
	{ATTR_MEMORY_ITERATION, FACT_INSTANCE_DOWNTIME, FACT_INSTANCE_DOWNTIME},
	{ATTR_REASON, FACT_INSTANCE_FAILED, FACT_INSTANCE_FAILED},
	{ATTR_REASON, FACT_INSTANCE_IO_ERROR, FACT_INSTANCE_UNSCHEDULED},
	{ATTR_REASON, FACT_HOST_DOWN, FACT_HOST_DOWN},
	{ATTR_REASON, FACT_HOST_UNSEEN, FACT_HOST_UNSEEN},
	{ATTR_MOVED, FACT_HOST_DOWN, FACT_HOST_DISABLED},
	{ATTR_GUESTS, FACT_HOST_DOWN, FACT_HOST_DISABLED},
	{ATTR_REASON, FACT_MIGRATION_STARTED, FACT_INSTANCE_DELETED},
	{ATTR_REASON, FACT_PAUSE_REQUESTED, FACT_RESIZE_REVERT_STARTED},
	{ATTR_REASON, FACT_RESIZE_REVERTED, FACT_RESIZE_REVERTED},
	{ATTR_INITIATOR, FACT_MIGRATION_REQUESTED, FACT_INSTANCE_DOWNTIME},
	{ATTR_INITIATOR, FACT_INSTANCE_CREATED, FACT_INSTANCE_DELETED},
	{ATTR_INITIATOR, FACT_PAUSE_REQUESTED, FACT_RESIZE_REVERT_STARTED},
	{ATTR_INITIATOR, FACT_RESIZE_REVERTED, FACT_RESIZE_REVERTED},
	{ATTR_OLD_NAME, FACT_INSTANCE_RENAMED, FACT_INSTANCE_RENAMED},
	{ATTR_POOL, FACT_INSTANCE_IO_ERROR, FACT_INSTANCE_IO_ERROR},
};

bool
cat_fact_carries(enum fact_id fact, enum fact_attr attr)
{
	static const bool of_instances[ATTR_N] = {
		[ATTR_INSTANCE_NAME] = true, [ATTR_INSTANCE_UUID] = true,
		[ATTR_TENANT_NAME] = true, [ATTR_TENANT_UUID] = true,
		[ATTR_LIMIT_S] = true, [ATTR_DOWNTIME_LIMIT_MS] = true,
	};
	if (attr == ATTR_HOST_NAME)
		return true;
	if (of_instances[attr])
		return fact_subject_of(fact) == SUBJECT_INSTANCE;
	for (unsigned i = 0; i < FM_ARRAY_LEN(carried); i++)
		if (carried[i].attr == attr && fact >= carried[i].first && fact <= carried[i].last)
			return true;
	return false;
}

/* Of the attributes that If and Threshold may not ask of it. */
static bool
text_fills(enum fact_id fact, enum fact_attr attr)
{
	const bool of_instance = fact_subject_of(fact) == SUBJECT_INSTANCE;
	switch ((unsigned)attr) {
	case ATTR_SOURCE_HOST:          /* without a migration: where the instance is */
	case ATTR_POOL:                 /* of the last disk error */
		return of_instance;
	case ATTR_MOVED:
	case ATTR_GUESTS:
		return !of_instance;
	case ATTR_ELAPSED_S:
	case ATTR_POSTCOPY:
		return cat_fact_carries(fact, ATTR_ATTEMPT);
	case ATTR_PAUSED_MS:
		return fact == FACT_INSTANCE_MIGRATING;
	}
	return false;
}

/* The members are many: a group speaks of what they share. */
static bool
group_fills(enum cat_group_by by, enum fact_attr attr)
{
	static const bool shared[GROUP_N][ATTR_N] = {
		[GROUP_HOST] = {[ATTR_HOST_NAME] = true, [ATTR_MOVED] = true, [ATTR_GUESTS] = true},
		[GROUP_HOST_PAIR] = {[ATTR_HOST_NAME] = true, [ATTR_SOURCE_HOST] = true,
			[ATTR_DESTINATION_HOST] = true},
		[GROUP_INSTANCE] = {[ATTR_INSTANCE_NAME] = true, [ATTR_INSTANCE_UUID] = true,
			[ATTR_TENANT_NAME] = true, [ATTR_TENANT_UUID] = true,
			[ATTR_LIMIT_S] = true, [ATTR_DOWNTIME_LIMIT_MS] = true,
			[ATTR_HOST_NAME] = true, [ATTR_SOURCE_HOST] = true, [ATTR_POOL] = true},
		[GROUP_POOL] = {[ATTR_POOL] = true},
	};
	return attr == ATTR_COUNT || shared[by][attr];
}

bool
cat_rule_fills(const struct cat_rule *rule, enum fact_attr attr)
{
	if (rule->group.by != GROUP_NONE)
		return group_fills(rule->group.by, attr);
	return cat_fact_carries(rule->fact, attr) || text_fills(rule->fact, attr);
}
