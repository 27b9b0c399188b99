/*
 * example: the steps of an example are played as the daemon would, and what is wrong is told at
 * its place.
 */
#include "../catalogue/cat_test.h"
#include "offline/offline.h"

#define PAUSED ALARM("700.002", "critical") \
	RULE("    While: instance.paused\n    Hold_On: 10s\n")
/* PAUSED has 17 lines; the first step stands in line 21. */
#define EXAMPLE(steps) "  Examples:\n    a story:\n" steps
#define STEP(text) "      - " text "\n"

struct played {
	struct loaded l;
	struct offline_checked checked;
};

static struct played
play(const char *text)
{
	struct played p = {.l = load_good(text)};
	offline_play(p.l.cat, &p.l.findings, &p.checked);
	return p;
}

static void
holds(const char *text)
{
	struct fm_buf b = {0};
	struct played p = play(text);
	cr_assert_eq(p.l.findings.n_errors, 0, "%s", findings_text(&p.l, &b));
	cr_assert_eq(p.checked.failed, 0);
	cr_assert_gt(p.checked.examples, 0);
	fm_buf_fini(&b);
	unload(&p.l);
}

static void
fails(const char *text, unsigned number, uint32_t line, const char *words)
{
	struct fm_buf b = {0};
	struct played p = play(text);
	const struct cat_finding *f = finding(&p.l, number);
	cr_assert_not_null(f, "F%u: %s", number, findings_text(&p.l, &b));
	cr_assert_eq(f->line, line, "%u: %s", (unsigned)f->line, f->text);
	cr_assert_gt(f->column, 4);
	cr_assert_not_null(f->id);
	cr_assert_not_null(strstr(f->text, words), "%s", f->text);
	cr_assert_eq(f->error, number != 706);
	cr_assert_eq(p.checked.failed, 1);
	fm_buf_fini(&b);
	unload(&p.l);
}

Test(example, holds_when_all_comes_as_its_steps_say)
{
	holds(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("10s raise critical vm=U1 text~\"vm-1 has\" unsuppressed")
			     STEP("80s nova instance.unpause.end") STEP("80s clear")));
}

Test(example, may_say_that_nothing_comes)
{
	holds(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("9s nova instance.unpause.end") STEP("1h nothing")));
}

Test(example, takes_records_of_libvirt_and_requests_and_plain_json)
{
	holds(HOST_ALARM("270.001", "major") RULE("    While: host.unseen\n")
	      EXAMPLE(STEP("0s libvirt compute-0 connect") STEP("1s libvirt compute-0 close reason=error")
		      STEP("1s raise major host=compute-0")));
	holds(HOST_ALARM("270.001", "major")
	      EXAMPLE(STEP("0s request set 270.001 host=h reason_text=\"no way\"")
		      STEP("0s raise major text~\"no way\" host=h")
		      STEP("'1s record {\"op\": \"clear\", \"alarm_id\": \"270.001\","
			   " \"entity_instance_id\": \"host=h\"}'") STEP("1s clear")));
}

Test(example, looks_at_other_alarms_only_when_it_names_them)
{
#define FAILED_AND_PAUSED PAUSED EXAMPLE( \
	STEP("0s nova instance.update state=error") "%s" \
	STEP("0s nova instance.pause.end state=paused") STEP("10s raise critical")) \
	ALARM("700.001", "major") RULE("    While: instance.failed\n")
	char text[4096];
	snprintf(text, sizeof(text), FAILED_AND_PAUSED, "");
	holds(text);
	snprintf(text, sizeof(text), FAILED_AND_PAUSED,
		 STEP("0s raise 700.001 major"));
	fails(text, 704, 24, "0s clear 700.001");
}

Test(example, that_turns_out_otherwise_is_told_with_what_comes)
{
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("9s raise critical")), 704, 22, "this does not happen");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("10s raise major")), 704, 22,
	      "not so: major; next comes: 10s raise 700.002 tenant=t1.instance=");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused") STEP("10s nothing")),
	      704, 22, "something happens");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("20s nova instance.unpause.end")), 704, 22, "before this record");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("10s raise attr.host_name=compute-1")), 704, 22, "compute-1");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("10s raise") STEP("11s nova instance.unpause.end")), 704, 23,
	      "more happens than the steps expect; next comes: 11s clear");
}

Test(example, with_a_step_that_cannot_be_read_says_what_was_meant)
{
	fails(PAUSED EXAMPLE(STEP("0s nov instance.pause.end")), 702, 21, "did you mean nova?");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end sate=paused")), 702, 21,
	      "did you mean state=?");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")
			     STEP("10s raise critcal")), 702, 22, "did you mean critical?");
	fails(PAUSED EXAMPLE(STEP("soon nothing")), 702, 21, "soon is not a time");
	fails(PAUSED EXAMPLE(STEP("0s")), 702, 21, "a step is a time");
	fails(PAUSED EXAMPLE(STEP("0s nova a=\"b")), 702, 21, "quote is not closed");
	fails(PAUSED EXAMPLE(STEP("0s nova")), 702, 21, "nothing behind");
	fails(PAUSED EXAMPLE(STEP("0s libvirt h")), 702, 21, "libvirt HOST EVENT");
	fails(PAUSED EXAMPLE(STEP("0s libvirt h lifecicle")), 702, 21, "lifecicle");
	fails(PAUSED EXAMPLE(STEP("0s request set 700.001")), 702, 21, "request OP");
	fails(PAUSED EXAMPLE(STEP("0s nova instance.update stamp=x")), 702, 21, "stamp=x");
}

Test(example, takes_no_word_that_means_nothing)
{
#define STEP_OF(text) PAUSED EXAMPLE(STEP(text) STEP("1h nothing"))
	fails(STEP_OF("0s nova instance.pause.end statepaused"), 702, 21, "statepaused is no name=value");
	fails(STEP_OF("0s nova instance.pause.end state=active bogus"), 702, 21, "bogus");
	fails(STEP_OF("0s nothing foo"), 702, 21, "nothing stands alone, without foo");
	fails(STEP_OF("0s libvirt h heartbeat twice"), 702, 21, "twice");
	fails(STEP_OF("0s libvirt h lifecycle stopped failed again"), 702, 21, "again");
	fails(STEP_OF("0s libvirt h lifecycle uuid=U1 stopped failed"), 702, 21, "stopped");
	fails(STEP_OF("0s request clear 700.002 vm=U1 now"), 702, 21, "now");
	fails(STEP_OF("0s request clear_all vm=U1 now"), 702, 21, "now");
	holds(STEP_OF("0s libvirt h lifecycle stopped failed uuid=U1"));
	holds(STEP_OF("0s libvirt h watchdog pause uuid=U1"));
	holds(STEP_OF("0s request clear_all vm=U1"));
}

Test(example, that_waits_for_an_id_that_is_not_there_says_so)
{
	fails(PAUSED EXAMPLE(STEP("0s raise 700.003")), 704, 21,
	      "this does not happen; the catalogue has no 700.003");
	holds(PAUSED EXAMPLE(STEP("0s request set 700.003 host=h severity=major")
			     STEP("0s raise 700.003 major")));
}

Test(example, that_goes_back_in_time_is_refused)
{
	fails(PAUSED EXAMPLE(STEP("10s nothing") STEP("9s nothing")), 703, 22, "before the step");
}

Test(example, with_a_record_that_the_decoder_refuses_says_why)
{
	fails(PAUSED EXAMPLE(STEP("0s record {}")), 705, 21, "cannot be decoded");
	fails(PAUSED EXAMPLE(STEP("0s nova keypair.create.end")), 705, 21, "keypair.create.end");
}

Test(example, that_expects_nothing_is_a_warning)
{
	fails(PAUSED EXAMPLE(STEP("0s nova instance.pause.end state=paused")), 706, 20,
	      "expects nothing");
}

Test(example, of_the_shipped_catalogue_holds)
{
	char path[512];
	struct fm_buf b = {0};
	struct loaded l = {0};
	struct offline_checked checked;
	source_path("events.yaml", path, sizeof(path));
	cat_findings_init(&l.findings);
	l.rc = offline_check(path, fm_span_s(0), &l.findings, &checked, &l.cat, &l.err);
	cr_assert_eq(l.rc, 0, "%s", findings_text(&l, &b));
	cr_assert_gt(checked.examples, 60);
	cr_assert_eq(checked.failed, 0);
	fm_buf_fini(&b);
	unload(&l);
}

Test(example, shows_that_a_soft_limit_of_zero_is_never)
{
	holds("Limits: {Soft: 0}\n" ALARM("700.008", "[warning, minor, major]")
	      RULE("    While: instance.migrating\n    Severity: warning\n    Escalate:\n"
		   "      - {After: migration.limit.soft, Severity: minor}\n"
		   "      - {After: migration.limit.hard, Severity: major}\n")
	      EXAMPLE(STEP("0s nova instance.live_migration_pre.start task=migrating")
		      STEP("0s raise warning") STEP("799s nothing") STEP("800s change major")));
}
