/*
 * whynot: each reason for an alarm that is not there, after the records that lead to it.
 */
#include "core_rig.h"

#define UUID "9e3779b9-5ce0-4a10-8000-000000000001"
#define VM "tenant=t1.instance=" UUID
#define HOST "host=compute-0"

static const char catalogue[] =
	ALARM("700.001", "critical") RULE("    While: instance.failed\n    Hold_Notice: 12s\n")
	ALARM("700.002", "critical") RULE("    While: instance.paused\n    Hold_On: 10s\n")
	ALARM("700.003", "critical")
	LOG("700.101", "major") RULE("    On: instance.fault\n")
	ALARM("700.004", "critical") RULE("    While: instance.split_brain\n")
	ALARM("700.005", "critical")
	RULE("    - {While: instance.failed, Severity: critical}\n"
	     "    - {While: instance.unscheduled, Severity: critical}\n")
	ALARM("700.301", "major") RULE("    On: instance.downtime\n    Expire: 1h\n"
	     "    Threshold: {Of: downtime_ms, Per: downtime_limit_ms, Major: \"> 1\"}\n")
	ALARM("700.006", "major")
	RULE("    On: reboot.failed\n    If: reason ~ 'timed out'\n    Clear: reboot.done\n")
	ALARM("700.007", "major") RULE("    While: instance.paused\n    If: host_name = other\n")
	ALARM("700.302", "major") RULE("    On: instance.downtime\n    If: downtime_ms > 1s\n"
	     "    Expire: 1h\n")
	HOST_ALARM("270.004", "major") RULE("    On: host.memory_error\n    Expire: 1h\n"
	     "    If: host_name != compute-0\n")
	HOST_ALARM("270.001", "major") RULE("    While: host.disabled\n")
	HOST_ALARM("270.003", "major") RULE("    While: host.unseen\n    Hold_On: 10s\n")
	"\"270.002\":\n  Type: Alarm\n  Severity: major\n  Description: <count> failed\n"
	"  Entity_Instance_ID: host=<host_name>\n"
	RULE("    While: instance.failed\n    Group: {By: host, At_Least: 3, Within: 10s}\n")
	"\"270.005\":\n  Type: Alarm\n  Severity: major\n  Description: <count> timed out\n"
	"  Entity_Instance_ID: host=<host_name>\n"
	RULE("    On: rebuild.failed\n    If: reason ~ 'timed out'\n    Expire: 1h\n"
	     "    Group: {By: host, At_Least: 2, Within: 1m}\n")
	"\"270.006\":\n  Type: Alarm\n  Severity: major\n  Description: <count> of <pool>\n"
	"  Entity_Instance_ID: pool=<pool>\n"
	RULE("    While: instance.io_error\n    Group: {By: pool, At_Least: 2, Within: 1m}\n")
	"\"270.007\":\n  Type: Alarm\n  Severity: major\n  Description: <count> migrate\n"
	"  Entity_Instance_ID: host=<source_host>.destination=<destination_host>\n"
	RULE("    While: instance.migrating\n    Group: {By: host_pair, At_Least: 2, Within: 1m}\n"
	     "    If: not instance_name = test\n")
	ALARM("700.008", "[minor, major]")
	RULE("    - {While: instance.suspended, If: host_name = compute-0, Severity: major, Hold_On: 10s}\n"
	     "    - {While: instance.suspended, Severity: minor}\n")
	HOST_ALARM("200.004", "major")
	RULE("    Suppresses: {Alarms: [700.001], Where: instance.host == host}\n");

struct core {
	struct loaded l;
	struct core_rig rig;
	struct fm_buf reasons, texts;
};

static void
ignore(void *ctx, struct transition *tr)
{
	(void)ctx;
	(void)tr;
}

static struct core
begin_with(const char *text)
{
	struct core c = {.l = load_good(text)};

	c.rig = rig_begin(c.l.cat, "compute-0");
	corr_advance(c.rig.corr, c.rig.now, ignore, NULL);
	return c;
}

static struct core
begin(void)
{
	return begin_with(catalogue);
}

static void
end(struct core *c)
{
	rig_end(&c->rig);
	fm_buf_fini(&c->reasons);
	fm_buf_fini(&c->texts);
	unload(&c->l);
}

static void
feed(struct core *c, enum offline_form form, const char *line)
{
	rig_feed(&c->rig, form, line, ignore, NULL);
}

static void
nova(struct core *c, const char *line)
{
	feed(c, OFFLINE_NOVA, line);
}

static void
wait_for(struct core *c, int64_t s)
{
	c->rig.now = fm_time_add(c->rig.now, fm_span_s(s));
	corr_advance(c->rig.corr, c->rig.now, ignore, NULL);
}

static void
collect(void *ctx, const char *code, const char *text)
{
	struct core *c = ctx;

	fm_buf_addf(&c->reasons, "%s%s", c->reasons.len > 0 ? " " : "", code);
	fm_buf_addf(&c->texts, "%s\n", text);
}

static void
because(struct core *c, const char *id, const char *entity, const char *reasons, const char *words)
{
	fm_buf_reset(&c->reasons);
	fm_buf_reset(&c->texts);
	corr_why_not(c->rig.corr, id, entity, collect, c);
	cr_assert_str_eq(c->reasons.s, reasons, "%s", c->texts.s);
	cr_assert_not_null(strstr(c->texts.s, words), "%s", c->texts.s);
}

Test(whynot, begins_with_what_the_catalogue_says)
{
	struct core c = begin();

	because(&c, "999.999", VM, "unknown-id", "999.999 is not in the catalogue");
	because(&c, "700.003", VM, "no-rule", "by fault requests only");
	because(&c, "700.101", VM, "event", "when instance.fault happens");
	end(&c);
}

Test(whynot, knows_of_whom_no_record_has_told)
{
	struct core c = begin();

	because(&c, "700.002", VM, "unknown-subject", "no record");
	because(&c, "270.001", HOST, "unknown-subject", "the host compute-0");
	because(&c, "700.002", HOST, "entity", "instance=UUID");
	because(&c, "270.001", "instance=" UUID, "entity", "host=");
	end(&c);
}

Test(whynot, names_the_state_that_holds_instead)
{
	struct core c = begin();

	nova(&c, "instance.update");
	because(&c, "700.002", VM, "no-state", "instance.paused does not hold");
	nova(&c, "instance.update state=error");
	because(&c, "700.002", VM, "other-state", "is instance.failed since 2026-01-01T00:00:00");
	because(&c, "270.001", HOST, "no-state", "host.disabled does not hold");
	because(&c, "270.002", HOST, "group", "1 of instance.failed on compute-0 counts at present, "
		"3 are needed within 10s");
	end(&c);
}

Test(whynot, says_how_long_it_has_to_hold)
{
	struct core c = begin();

	nova(&c, "instance.pause.end state=paused");
	because(&c, "700.002", VM, "hold-on", "has to hold until 2026-01-01T00:00:10");
	wait_for(&c, 10);
	because(&c, "700.002", VM, "active", "since 2026-01-01T00:00:00.000000Z, critical, and announced");
	because(&c, "700.002", "instance=" UUID, "other-entity", VM);
	end(&c);
}

Test(whynot, remembers_that_an_operator_has_cleared_it)
{
	struct core c = begin();
	struct corr_command cmd = {.kind = CORR_CMD_CLEAR, .user = "ann", .verb = "alarm-clear",
		.alarm_id = "700.002", .entity = VM};
	struct fm_err err;

	nova(&c, "instance.pause.end state=paused");
	wait_for(&c, 20);
	cmd.at = c.rig.now;
	cr_assert_eq(corr_operate(c.rig.corr, &cmd, ignore, NULL, &err), 0, "%s", err.msg);
	because(&c, "700.002", VM, "cleared closed", "an operator cleared it");
	end(&c);
}

Test(whynot, tells_why_one_that_is_there_is_not_announced)
{
	struct core c = begin();

	nova(&c, "instance.update state=error");
	because(&c, "700.001", VM, "active held", "until 2026-01-01T00:00:12");
	feed(&c, OFFLINE_REQUEST, "set 200.004 host=compute-0");
	because(&c, "700.001", VM, "active masked", "200.004 host=compute-0 masks it");
	end(&c);
}

Test(whynot, tells_one_reason_once)
{
	struct core c = begin();

	because(&c, "700.005", HOST, "entity", "instance=UUID");
	end(&c);
}

Test(whynot, knows_every_way_in_which_a_state_holds)
{
	struct core c = begin();

	nova(&c, "libvirt.connect.error publisher=compute-0 fault=no");
	because(&c, "270.003", HOST, "hold-on", "host.unseen holds since");
	nova(&c, "instance.update");
	because(&c, "700.004", VM, "no-state", "instance.split_brain does not hold (catalogue line ");
	feed(&c, OFFLINE_LIBVIRT, "compute-0 lifecycle started booted");
	feed(&c, OFFLINE_LIBVIRT, "compute-1 lifecycle started booted");
	because(&c, "700.004", VM, "active", "is raised since");
	end(&c);
}

Test(whynot, knows_what_was_measured_of_a_migration)
{
	struct core c = begin();

	feed(&c, OFFLINE_LIBVIRT, "compute-0 lifecycle started booted tenant=t1");
	because(&c, "700.301", VM, "not-seen", "no live migration of this instance is known");
	feed(&c, OFFLINE_LIBVIRT, "compute-1 lifecycle started migrated");
	because(&c, "700.301", VM, "not-seen", "nobody told");
	feed(&c, OFFLINE_LIBVIRT, "compute-0 job-completed operation=5 downtime_net=499");
	because(&c, "700.302", VM, "condition", "and If said no: downtime_ms > 1s");
	because(&c, "700.301", VM, "below", "it stood still for 499 ms in its last live migration, "
		"the limit is 500 ms");
	end(&c);
}

Test(whynot, tells_an_event_that_was_refused_from_one_that_was_not_seen)
{
	struct core c = begin();

	nova(&c, "instance.update");
	nova(&c, "instance.update uuid=U2");
	because(&c, "700.006", VM, "event", "when reboot.failed happens, and its If");
	nova(&c, "instance.reboot.error uuid=U2 fault=no");
	because(&c, "700.006", VM, "event", "when reboot.failed happens, and its If");
	wait_for(&c, 5);
	nova(&c, "instance.reboot.error fault=no");
	because(&c, "700.006", VM, "condition", "reboot.failed happened at 2026-01-01T00:00:05.000000Z, "
		"and If said no: reason ~ 'timed out' (catalogue line ");
	nova(&c, "instance.reboot.error fault=\"it timed out\"");
	because(&c, "700.006", VM, "active", "is raised since");
	nova(&c, "instance.pause.end state=paused");
	because(&c, "700.007", VM, "condition", "instance.paused holds, but when it began, If said no: "
		"host_name = other (catalogue line ");
	feed(&c, OFFLINE_LIBVIRT, "compute-0 memory-failure guest inject");
	because(&c, "270.004", HOST, "condition", "host.memory_error happened at");
	end(&c);
}

Test(whynot, remembers_the_last_1024_refusals_and_none_of_another_catalogue)
{
	struct core c = begin();

	nova(&c, "instance.reboot.error fault=no");
	for (int i = 0; i < 1023; i++) {
		wait_for(&c, 5);
		nova(&c, "instance.reboot.error uuid=U2 fault=no");
	}
	because(&c, "700.006", VM, "condition", "happened at 2026-01-01T00:00:00");
	wait_for(&c, 5);
	nova(&c, "instance.reboot.error uuid=U2 fault=no");
	because(&c, "700.006", VM, "event", "when reboot.failed happens");
	corr_swap_catalogue(c.rig.corr, c.l.cat, c.rig.now, ignore, NULL);
	because(&c, "700.006", "tenant=t1.instance=" UUID, "event", "when reboot.failed happens");
	end(&c);
}

Test(whynot, remembers_that_its_id_is_suppressed)
{
	struct core c = begin();
	struct corr_command cmd = {.kind = CORR_CMD_SUPPRESS, .user = "ann",
		.verb = "event-suppress", .alarm_id = "700.002", .at = c.rig.now};
	struct fm_err err;

	nova(&c, "instance.update");
	cr_assert_eq(corr_operate(c.rig.corr, &cmd, ignore, NULL, &err), 0, "%s", err.msg);
	because(&c, "700.002", VM, "no-state put-aside", "an operator has suppressed 700.002");
	end(&c);
}

Test(whynot, knows_the_deleted)
{
	struct core c = begin();

	nova(&c, "instance.update");
	nova(&c, "instance.delete.end state=deleted");
	because(&c, "700.002", VM, "deleted", "deleted at 2026-01-01");
	end(&c);
}

/* ---- groups ------------------------------------------------------------------------------------ */

Test(whynot, tells_who_counts_in_a_group_and_who_came_too_early)
{
	struct core c = begin();

	nova(&c, "instance.update state=error uuid=U1");
	nova(&c, "instance.update state=error uuid=U2");
	nova(&c, "instance.update state=error uuid=U9 host=compute-1");
	because(&c, "270.002", HOST, "group", "2 of instance.failed on compute-0 count at present");
	wait_for(&c, 20);
	nova(&c, "instance.update state=error uuid=U3");
	because(&c, "270.002", HOST, "group group-early group-most",
		"2 in this state do not count any more or never did: not within 10s of each other");
	cr_assert_not_null(strstr(c.texts.s, "1 of instance.failed on compute-0 counts"));
	nova(&c, "instance.update state=error uuid=U4");
	nova(&c, "instance.update state=error uuid=U5");
	because(&c, "270.002", HOST, "active", "it is raised");
	end(&c);
}

Test(whynot, remembers_how_many_there_were_when_the_group_has_fallen_apart)
{
	struct core c = begin();

	nova(&c, "instance.update state=error uuid=U1");
	nova(&c, "instance.update state=error uuid=U2");
	nova(&c, "instance.update state=active uuid=U1");
	because(&c, "270.002", HOST, "group group-most", "counted at once lately were 2, at 2026-01-01T00:00:00");
	nova(&c, "instance.update state=active uuid=U2");
	wait_for(&c, 3600);
	because(&c, "270.002", HOST, "group group-most", "counted at once lately were 2, at 2026-01-01T00:00:00");
	because(&c, "270.002", "host=compute-7", "unknown-subject", "compute-7");
	end(&c);
}

Test(whynot, names_the_clause_that_kept_an_event_out_of_a_group)
{
	struct core c = begin();

	nova(&c, "instance.rebuild.error uuid=U1 fault=\"it timed out\"");
	nova(&c, "instance.rebuild.error uuid=U2 fault=\"no such disk\"");
	because(&c, "270.005", HOST, "group condition", "did not count: If said no: reason ~ 'timed out'");
	nova(&c, "instance.rebuild.error uuid=U3 fault=\"no such disk\" host=compute-1");
	because(&c, "270.005", "host=compute-1", "group condition", "0 of rebuild.failed on compute-1");
	end(&c);
}

Test(whynot, tells_of_members_that_have_not_what_the_group_goes_by)
{
	struct core c = begin();

	nova(&c, "instance.update uuid=U1");
	feed(&c, OFFLINE_LIBVIRT, "compute-0 lifecycle suspended ioerror uuid=U1");
	because(&c, "270.006", "pool=p1", "group group-unknown",
		"did not count: no record had told what it shares with others");
	because(&c, "270.006", HOST, "entity", "the entity has no pool=");
	end(&c);
}

Test(whynot, knows_pairs_of_hosts)
{
	static const char pair[] = "host=compute-0.destination=compute-1";
	struct core c = begin();

	nova(&c, "instance.live_migration_pre.start uuid=U1 publisher=compute-1 task=migrating");
	nova(&c, "instance.live_migration_pre.start uuid=U2 publisher=compute-1 task=migrating name=test");
	because(&c, "270.007", pair, "group condition",
		"1 in this state does not count, for If says no: not instance_name = test");
	cr_assert_not_null(strstr(c.texts.s, "1 of instance.migrating from compute-0 to compute-1"));
	because(&c, "270.007", HOST, "entity", "no destination=");
	because(&c, "270.007", "host=compute-0.destination=x", "unknown-subject", "destination");
	end(&c);
}

Test(whynot, tells_which_of_a_records_rules_applies)
{
	struct core c = begin();

	nova(&c, "instance.update state=suspended");
	because(&c, "700.008", VM, "hold-on other-rule", "and the rule of line");
	wait_for(&c, 10);
	because(&c, "700.008", VM, "active", "major");
	end(&c);
}

/* Two bytes a letter, from an even and an odd place. */
Test(whynot, long_names_are_cut_between_letters)
{
	for (unsigned odd = 0; odd < 2; odd++) {
		struct core c = begin();
		struct fm_buf entity = {0};

		fm_buf_adds(&entity, odd ? "host=x" : "host=");
		for (unsigned i = 0; i < 900; i++)
			fm_buf_adds(&entity, "\xc3\xa9");
		because(&c, "270.001", entity.s, "unknown-subject", "no record has told of the host");
		cr_assert_gt(c.texts.len, 1500);
		cr_assert(fm_utf8_valid(c.texts.s, c.texts.len));
		fm_buf_fini(&entity);
		end(&c);
	}
}

#define NO_ROOM "Limits:\n  Max_Alarms: 1\n" HOST_ALARM("200.004", "major") \
	RULE("    While: host.disabled\n") \
	ALARM("700.002", "minor") RULE("    While: instance.paused\n") \
	ALARM("700.006", "minor") RULE("    On: reboot.failed\n    Expire: 1h\n") \
	"\"700.009\":\n" FIELDS_OF("minor", INSTANCE) RULE("    On: rebuild.failed\n    Expire: 1h\n" \
		"    Group: {By: instance, At_Least: 2, Within: 1m}\n")

Test(whynot, remembers_that_there_was_no_room_for_a_state)
{
	struct core c = begin_with(NO_ROOM);

	nova(&c, "service.update disabled=1");
	nova(&c, "instance.pause.end state=paused");
	because(&c, "700.002", VM, "full full", "instance.paused holds, but at 2026-01-01T00:00:00.000000Z "
		"the list of alarms was full (Max_Alarms); it stays without alarm until it has ended");
	wait_for(&c, 1);
	nova(&c, "service.update disabled=0");
	because(&c, "700.002", VM, "full", "it stays without alarm");
	nova(&c, "instance.unpause.end");
	because(&c, "700.002", VM, "no-state", "does not hold");
	nova(&c, "instance.pause.end state=paused");
	because(&c, "700.002", VM, "active", "it is raised since 2026-01-01T00:00:01");
	end(&c);
}

Test(whynot, remembers_that_there_was_no_room_for_an_event)
{
	struct core c = begin_with(NO_ROOM);

	nova(&c, "service.update disabled=1");
	nova(&c, "instance.reboot.error fault=a");
	nova(&c, "instance.rebuild.error fault=a");
	nova(&c, "instance.rebuild.error fault=b");
	because(&c, "700.006", VM, "full full", "reboot.failed happened at 2026-01-01T00:00:00.000000Z, and "
		"the list of alarms was full");
	because(&c, "700.009", VM, "group closed full full", "made them enough, but the list");
	end(&c);
}
