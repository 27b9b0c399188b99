/*
 * Input that is gone for good, met while other partitions have more to tell: what was missed has to be
 * accounted for before any of it is applied, or its time makes migrations overdue whose ends were
 * among what is missing (P8). The whole daemon on a simulated broker, see tests/sim.
 *
 * LINK: fm_sim
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fmd/daemon_priv.h"
#include "tests/sim/sim.h"

#define S FM_NS_PER_S
#define MIGRATION "aaaaaaaa-0000-4000-8000-000000000001"
#define OTHER "aaaaaaaa-0000-4000-8000-000000000002"

static void
notify(unsigned part, int64_t at, const char *type, const char *uuid, const char *task)
{
	char time[FM_TIME_STR];
	char *text = fm_asprintf(
		"{\"message_id\":\"%08x-0000-4000-8000-000000000000\",\"publisher_id\":"
		"\"nova-compute:compute-0\",\"event_type\":\"%s\",\"priority\":\"INFO\","
		"\"timestamp\":\"%s\",\"payload\":{\"nova_object.name\":\"InstanceActionPayload\","
		"\"nova_object.namespace\":\"nova\",\"nova_object.version\":\"1.9\","
		"\"nova_object.data\":{\"uuid\":\"%s\",\"tenant_id\":\"t\",\"display_name\":\"vm\","
		"\"host\":\"compute-0\",\"node\":\"compute-0\",\"state\":\"active\","
		"\"task_state\":%s,\"power_state\":\"running\",\"fault\":null}}}",
		(unsigned)(at / S), type, fm_time_format(sim_wall(at), time), uuid, task);

	broker_put(part, text, strlen(text), at, at);
	free(text);
}

static enum severity found;
static int64_t end_at;

static bool
look(void)
{
	const struct alarm *al;

	if (sim_now() < end_at || !world_is_quiet())
		return false;
	al = corr_find_alarm(sim.d->corr, "700.008", "tenant=t.instance=" MIGRATION);
	found = al != NULL && !al->cleared ? al->severity : SEV_NONE;
	return true;
}

static void
live_until(int64_t at)
{
	sim.end = end_at = at;
	sim.may_end = look;
	cr_assert(world_live());
	cr_assert(!is_wrong());
}

/* The seed gives Nova's topic two partitions. */
static void
begin(unsigned *ret_a, unsigned *ret_b)
{
	const char *source = getenv("FMD_SOURCE");
	struct world_options world = {.cycle_records = 100};
	unsigned n = 0, part[MAX_PARTS];

	world_open(source != NULL ? source : ".");
	while (n < 2) {
		world.seed++;
		world_format(&world);
		n = 0;
		for (unsigned i = 0; i < n_log_parts; i++)
			if (log_part[i].topic_no == 1)
				part[n++] = i;
	}
	inputs_format(false);
	*ret_a = part[0];
	*ret_b = part[1];
}

Test(lost_input, is_accounted_for_before_what_others_tell_of_later)
{
	unsigned a, b;

	begin(&a, &b);
	notify(a, 10 * S, "instance.live_migration_pre.start", MIGRATION, "\"migrating\"");
	live_until(20 * S);
	cr_assert_eq(found, SEV_WARNING);
	/* While fmd is away: the end, which is deleted unread, and an hour's worth of others. */
	notify(a, 60 * S, "instance.live_migration_post_dest.end", MIGRATION, "null");
	for (int64_t at = 100; at <= 3600; at += 100)
		notify(b, at * S, "instance.update", OTHER, "null");
	sim_sleep_until(3700 * S);
	broker_note_arrivals();
	broker_cut(a, SIZE_MAX);
	live_until(3720 * S);
	world_close();
	cr_assert_eq(found, SEV_WARNING, "it is %s", severity_name(found));
}
