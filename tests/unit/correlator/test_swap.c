/*
 * swap: what becomes of alarms whose rules stand elsewhere in the next catalogue, or not at all.
 */
#include "core_rig.h"

struct core {
	struct loaded l[2];
	struct core_rig rig;
	struct fm_buf told;
};

static void
take(void *ctx, struct transition *tr)
{
	struct core *c = ctx;

	fm_buf_addf(&c->told, "%s%s %s", c->told.len > 0 ? ", " : "", transition_kind_name(tr->kind),
		    severity_name(tr->alarm.severity));
}

static struct core
begin(const char *first, const char *next)
{
	struct core c = {.l = {load_good(first), load_good(next)}};

	c.rig = rig_begin(c.l[0].cat, "compute-0");
	fm_buf_adds(&c.told, "");
	return c;
}

static void
end(struct core *c)
{
	rig_end(&c->rig);
	fm_buf_fini(&c->told);
	unload(&c->l[0]);
	unload(&c->l[1]);
}

static void
nova(struct core *c, const char *line)
{
	c->rig.now = fm_time_add(c->rig.now, fm_span_s(1));
	rig_feed(&c->rig, OFFLINE_NOVA, line, take, c);
}

static void
swap(struct core *c)
{
	corr_swap_catalogue(c->rig.corr, c->l[1].cat, c->rig.now, take, c);
}

static void
told(struct core *c, const char *expected)
{
	cr_assert_str_eq(c->told.s, expected, "%s", c->told.s);
	fm_buf_reset(&c->told);
	fm_buf_adds(&c->told, "");
}

#define ON(cond, severity, clear) \
	"    - {On: reboot.failed, If: " cond ", Severity: " severity ", Clear: " clear "}\n"
#define WHILE(cond, severity) \
	"    - {While: instance.paused, If: " cond ", Severity: " severity "}\n"
#define RECORD(rules) ALARM("700.001", "[minor, major, critical]") RULE(rules)
#define DISK ON("reason ~ disk", "major", "reboot.done")
#define HUNG ON("reason ~ hung", "minor", "start.done")

Test(swap, the_alarm_of_an_event_keeps_its_rule_wherever_that_stands)
{
	struct core c = begin(RECORD(DISK HUNG), RECORD(WHILE("instance_name = a", "critical") HUNG DISK));

	nova(&c, "instance.reboot.error fault=\"no disk\"");
	told(&c, "raise major");
	swap(&c);
	nova(&c, "instance.power_on.end");
	told(&c, "");
	nova(&c, "instance.reboot.end");
	told(&c, "clear major");
	end(&c);
}

Test(swap, the_alarm_of_an_event_without_its_rule_stays)
{
	struct core c = begin(RECORD(DISK HUNG), RECORD(HUNG));

	nova(&c, "instance.reboot.error fault=\"no disk\"");
	swap(&c);
	nova(&c, "instance.power_on.end");
	nova(&c, "instance.reboot.end");
	told(&c, "raise major");
	end(&c);
}

Test(swap, a_state_is_judged_anew_when_its_rule_has_moved)
{
	struct core c = begin(RECORD(WHILE("host_name = compute-0", "major") WHILE("host_name ~ compute", "minor")),
			      RECORD(WHILE("host_name ~ compute", "minor") WHILE("host_name ~ 0", "major")));

	nova(&c, "instance.update state=paused");
	told(&c, "raise major");
	swap(&c);
	told(&c, "clear major, raise minor");
	nova(&c, "instance.update state=active");
	told(&c, "clear minor");
	end(&c);
}

Test(swap, what_is_the_same_goes_on)
{
	struct core c = begin(RECORD(WHILE("host_name = compute-0", "major") WHILE("host_name ~ compute", "minor") DISK),
			      RECORD(WHILE("host_name = compute-0", "major") WHILE("host_name ~ compute", "critical") DISK));

	nova(&c, "instance.update state=paused");
	told(&c, "raise major");
	swap(&c);
	told(&c, "");
	nova(&c, "instance.update state=active");
	told(&c, "clear major");
	end(&c);
}
