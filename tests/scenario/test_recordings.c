/*
 * Every recorded libvirt stream of real migrations and failures, merged over both hosts by time,
 * through the decoder and the core: what a NOC wants to see of each. Skipped when the recordings
 * are not there.
 */
#include <criterion/criterion.h>
#include <glob.h>

#include "events/event.h"
#include "rows_copy.h"

struct line {
	char *text;
	const char *ts;
	size_t order;                   /* of reading: ties keep a file's order */
};
struct rec {
	struct line *line;
	size_t n;
	struct catalogue *cat;
	struct correlator *corr;
	struct rows_copy rows;
	bool restarts;
	char *log;                      /* "raise 700.008 warning\n…" */
	struct fm_buf buf, texts;
	struct fm_time zero;
};

static void
read_lines(struct rec *r, const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&text, &cap, f)) > 0) {
		const char *ts = strstr(text, "\"ts\":\"");

		if (ts == NULL)
			continue;
		r->line = fm_realloc(r->line, (r->n + 1) * sizeof(*r->line));
		r->line[r->n] = (struct line){.text = fm_strdup(text), .order = r->n};
		r->line[r->n].ts = r->line[r->n].text + (ts - text) + strlen("\"ts\":\"");
		r->n++;
	}
	free(text);
	fclose(f);
}

static int
by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	const int c = strncmp(x->ts, y->ts, strlen("2026-11-22T19:39:37.389753Z"));

	return c != 0 ? c : x->order < y->order ? -1 : 1;
}

static bool
read_recording(struct rec *r, const char *name)
{
	const char *dir = getenv("FMD_SHARED");
	char *pattern = fm_asprintf("%s/data/libvirt-events/%s*.jsonl",
				    dir != NULL ? dir : "../shared", name);
	glob_t g = {0};

	if (glob(pattern, 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			if (strstr(g.gl_pathv[i], ".actions.") == NULL)
				read_lines(r, g.gl_pathv[i]);
	globfree(&g);
	free(pattern);
	if (r->n > 0)
		qsort(r->line, r->n, sizeof(*r->line), by_time);
	return r->n > 0;
}

static void
take(void *ctx, struct transition *tr)
{
	struct rec *r = ctx;

	fm_buf_addf(&r->buf, "%s %s %s\n", transition_kind_name(tr->kind), tr->alarm.alarm_id,
		    severity_name(tr->alarm.severity));
	fm_buf_addf(&r->texts, "%6lld ms %s %s %s: %s\n",
		    (long long)((tr->at.ns - r->zero.ns) / FM_NS_PER_MS),
		    transition_kind_name(tr->kind), tr->alarm.alarm_id, tr->alarm.entity,
		    tr->alarm.reason_text);
}

static void
feed(struct rec *r, struct decoder *dec, const struct line *line, int64_t offset)
{
	struct event ev;
	struct fm_err err;
	const int rc = event_decode(dec, line->text, strlen(line->text), &ev, &err);

	cr_assert(rc >= 0, "%s: %s", err.msg, line->text);
	if (rc == 1)
		return;
	cr_assert_eq(fm_time_parse(line->ts, strcspn(line->ts, "\""), &ev.at), 0);
	if (r->zero.ns == 0)
		r->zero = ev.at;
	ev.pos = (struct record_pos){.topic = "libvirt.events", .offset = offset};
	corr_apply(r->corr, &ev, take, r);
	if (r->restarts)
		r->corr = rows_copy_restart(&r->rows, r->corr, r->cat);
}

/* Plays a recording but for the lines that hold a text, and the given seconds of silence after it. */
static void
play_lines(struct rec *r, const char *name, int64_t silence_s, bool restarts, const char *without)
{
	const char *source = getenv("FMD_SOURCE");
	char *path = fm_asprintf("%s/events.yaml", source != NULL ? source : ".");
	struct decoder *dec = decoder_new(NULL);
	struct fm_err err = {0};

	memset(r, 0, sizeof(*r));
	r->restarts = restarts;
	if (!read_recording(r, name))
		cr_skip_test("recording %s is not there", name);
	cr_assert_eq(cat_load(path, NULL, &r->cat, &err), 0, "%s", err.msg);
	r->corr = corr_new(r->cat);
	fm_buf_adds(&r->buf, "");
	fm_buf_adds(&r->texts, "");
	for (size_t i = 0; i < r->n; i++)
		if (without == NULL || strstr(r->line[i].text, without) == NULL)
			feed(r, dec, &r->line[i], (int64_t)i);
	corr_advance(r->corr, fm_time_add(corr_now(r->corr), fm_span_s(silence_s)), take, r);
	r->log = r->buf.s;
	decoder_free(dec);
	free(path);
}

static void
play(struct rec *r, const char *name, int64_t silence_s, bool restarts)
{
	play_lines(r, name, silence_s, restarts, NULL);
}

static void
play_without(struct rec *r, const char *name, int64_t silence_s, const char *text)
{
	play_lines(r, name, silence_s, false, text);
}

static void
rec_fini(struct rec *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->line[i].text);
	free(r->line);
	corr_free(r->corr);
	cat_free(r->cat);
	rows_copy_fini(&r->rows);
	fm_buf_fini(&r->buf);
	fm_buf_fini(&r->texts);
}
#define PLAY(name, silence) \
	FM_CLEANUP(rec_fini) struct rec r; \
	play(&r, name, silence, false)

static unsigned
times(const struct rec *r, const char *what)
{
	const size_t n = strlen(what);
	unsigned found = 0;

	for (const char *p = r->log; (p = strstr(p, what)) != NULL; p += n)
		found += p == r->log || p[-1] == '\n';
	return found;
}
#define HAS(n, what) \
	cr_expect_eq(times(&r, what), (unsigned)(n), "%u times %s:\n%s", times(&r, what), what, \
		     r.texts.s)

Test(recordings, a_clean_migration_is_raised_and_cleared)
{
	PLAY("01-", 3000);
	HAS(1, "raise 700.008 warning");
	HAS(1, "clear 700.008");
	HAS(1, "log 700.152");
	HAS(1, "log 700.156");
	HAS(0, "raise 700.301");
	HAS(0, "raise 700.001");
	HAS(0, "change 700.008");
}

Test(recordings, a_slow_one_escalates_at_the_soft_limit)
{
	PLAY("03-", 60);
	HAS(1, "change 700.008 minor");
	HAS(1, "clear 700.008");
	HAS(0, "change 700.008 major");
	HAS(0, "raise 700.301");
}

Test(recordings, a_bridge_that_restarts_in_the_middle_starts_nothing_anew)
{
	PLAY("03b-", 60);
	HAS(1, "raise 700.008");
	HAS(1, "change 700.008 minor");
	HAS(1, "clear 700.008");
	HAS(1, "raise 700.301 major");
}

Test(recordings, an_abort_is_taken_back_not_failed)
{
	PLAY("04-", 100);
	HAS(1, "raise 700.008");
	HAS(1, "clear 700.008");
	HAS(1, "log 700.154");
	HAS(0, "log 700.155");
	HAS(0, "raise 700.001");
	HAS(0, "raise 700.301");
}

Test(recordings, a_forced_one_stands_still_for_long)
{
	PLAY("05-", 60);
	HAS(1, "raise 700.301 major");
	cr_expect_not_null(strstr(r.texts.s, "stood still for 397"), "%s", r.texts.s);
	HAS(0, "raise 700.002");
	HAS(1, "clear 700.008");
}

Test(recordings, refused_before_the_start_is_invisible)
{
	PLAY("06a-", 60);
	HAS(0, "raise 700.008");
	HAS(0, "raise 700.001");
}

Test(recordings, a_dead_destination_does_not_harm_the_instance)
{
	PLAY("07-", 100);
	HAS(1, "clear 700.008");
	HAS(1, "log 700.155");
	cr_expect_not_null(strstr(r.texts.s, "destination compute-1 failed"), "%s", r.texts.s);
	HAS(0, "raise 700.001");
}

/* Without the records of QEMU nobody can tell this from an abort, so neither is claimed. */
Test(recordings, a_dead_destination_is_not_accused_without_proof)
{
	FM_CLEANUP(rec_fini) struct rec r;

	play_without(&r, "07-", 100, "\"kind\":\"qmp\"");
	HAS(1, "clear 700.008");
	HAS(1, "log 700.154");
	HAS(0, "log 700.155");
	HAS(0, "raise 700.001");
}

Test(recordings, a_dead_source_is_a_failed_instance)
{
	PLAY("07b-", 100);
	HAS(1, "clear 700.008");
	HAS(1, "raise 700.001 critical");
	HAS(0, "clear 700.001");
}

Test(recordings, a_killed_libvirtd_of_the_destination_is_settled)
{
	PLAY("09-", 100);
	HAS(1, "raise 700.008");
	HAS(1, "clear 700.008");
	HAS(0, "raise 700.001");
}

/* The list after the reconnect has no such guest: that ends it, without any word of QEMU. */
Test(recordings, a_vanished_copy_ends_the_migration)
{
	FM_CLEANUP(rec_fini) struct rec r;

	play_without(&r, "09-", 0, "\"kind\":\"qmp\"");
	HAS(1, "raise 700.008");
	HAS(1, "clear 700.008");
	HAS(1, "log 700.154");
	HAS(0, "raise 700.001");
}

Test(recordings, a_restarted_libvirtd_of_the_source_fails_no_instance)
{
	PLAY("10-", 100);
	HAS(1, "raise 700.008");
	HAS(1, "clear 700.008");
	HAS(0, "raise 700.001");
	HAS(0, "raise 700.004");
}

Test(recordings, post_copy_is_short)
{
	PLAY("11-", 100);
	HAS(1, "raise 700.008");
	HAS(1, "change 700.008 major");
	HAS(1, "clear 700.008");
	HAS(0, "raise 700.301");
	HAS(0, "raise 700.001");
}

Test(recordings, broken_post_copy_recovers)
{
	PLAY("12-", 100);
	HAS(1, "raise 700.008");
	HAS(1, "clear 700.008");
	HAS(1, "change 700.008 major");
	HAS(1, "raise 700.001 critical");
	HAS(1, "clear 700.001");
	HAS(1, "log 700.156");
	HAS(0, "raise 700.301");
}

Test(recordings, a_downtime_of_three_seconds_is_minor)
{
	PLAY("13-", 100);
	HAS(1, "raise 700.301 minor");
	HAS(1, "log 700.156");
}

Test(recordings, a_downtime_of_370_ms_is_none)
{
	PLAY("13d-", 100);
	HAS(0, "raise 700.301");
	HAS(1, "log 700.156");
}

Test(recordings, five_at_once_are_five)
{
	PLAY("17-", 100);
	HAS(5, "raise 700.008 warning");
	HAS(5, "clear 700.008");
	HAS(5, "log 700.156");
	HAS(0, "raise 700.301");
}

Test(recordings, a_guest_paused_by_its_user_has_no_downtime)
{
	PLAY("18-", 100);
	HAS(0, "raise 700.301");
	HAS(1, "clear 700.008");
}

Test(recordings, kill_9_fails_the_instance_an_orderly_end_does_not)
{
	PLAY("21-", 100);
	HAS(0, "raise 700.008");
	cr_expect(times(&r, "raise 700.001 critical") >= 1, "%s", r.texts.s);
}

Test(recordings, a_dead_client_takes_the_migration_back)
{
	PLAY("21m-", 100);
	HAS(1, "raise 700.008");
	HAS(1, "clear 700.008");
	HAS(1, "log 700.154");
	HAS(0, "raise 700.001");
}

Test(recordings, a_guest_panic_fails_the_instance)
{
	PLAY("22-", 100);
	cr_expect(times(&r, "raise 700.001 critical") >= 1, "%s", r.texts.s);
	HAS(0, "raise 700.008");
	/* the one whose policy is to restart runs again at once */
	HAS(1, "clear 700.001");
}

Test(recordings, a_full_disk_pauses_the_instance)
{
	PLAY("24-", 100);
	cr_expect(times(&r, "raise 700.302 critical") >= 1, "%s", r.texts.s);
	HAS(0, "raise 700.301");
}

Test(recordings, saving_and_dumping_is_no_migration)
{
	PLAY("32-", 100);
	HAS(0, "raise 700.008");
	HAS(0, "raise 700.301");
	HAS(0, "log 700.156");
}

Test(recordings, a_hung_libvirtd_is_a_host_that_cannot_be_watched)
{
	PLAY("29-", 100);
	HAS(1, "raise 270.303");
	HAS(1, "clear 270.303");
	HAS(0, "raise 700.001");
}

Test(recordings, refused_by_the_destination_is_invisible)
{
	static const char *const names[] = {"06b-", "06c-"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		PLAY(names[i], 2000);
		HAS(0, "raise");
	}
}

/* The source alone was asked while it tried; nobody told of an end, so none is made up. */
Test(recordings, a_poll_alone_proves_a_start_and_no_end)
{
	PLAY("06e-", 2000);
	HAS(1, "raise 700.008 warning");
	HAS(0, "clear 700.008");
	HAS(0, "raise 700.001");
}

Test(recordings, other_ways_to_migrate_are_migrations)
{
	static const char *const names[] = {"06d-", "14-", "15-"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		PLAY(names[i], 100);
		HAS(1, "raise 700.008 warning");
		HAS(1, "clear 700.008");
		HAS(1, "log 700.156");
		HAS(0, "raise 700.001");
	}
}

/* There, back, and there again, which is aborted: the source's end comes two seconds late each time. */
Test(recordings, there_and_back_are_two)
{
	PLAY("93-", 100);
	HAS(3, "raise 700.008 warning");
	HAS(3, "clear 700.008");
	HAS(2, "log 700.156");
	HAS(1, "log 700.154");
	HAS(0, "raise 700.304");
	cr_expect_null(strstr(r.texts.s, "arrived on unknown"), "%s", r.texts.s);
}

Test(recordings, a_stop_that_was_asked_for_is_no_failure)
{
	static const struct {
		const char *name;
		unsigned n;
	} stopped[] = {{"20-", 1}, {"27-", 4}, {"30-", 1}, {"92-", 1}};

	for (unsigned i = 0; i < FM_ARRAY_LEN(stopped); i++) {
		PLAY(stopped[i].name, 100);
		HAS(stopped[i].n, "raise 700.004 critical");
		HAS(0, "raise 700.001");
	}
}

/* The test driver says nothing but the life cycle: a crash and what it was started for again. */
Test(recordings, a_driver_that_tells_little_is_enough)
{
	PLAY("90-", 100);
	HAS(1, "raise 700.001 critical");
	HAS(1, "clear 700.001");
	HAS(3, "raise 700.004 critical");
}

Test(recordings, a_watchdog_that_stops_or_pauses_is_a_failure)
{
	PLAY("23-", 100);
	HAS(2, "raise 700.001 critical");
	HAS(1, "raise 700.004 critical");
}

Test(recordings, storage_that_is_lost_pauses_the_instance)
{
	PLAY("25-", 100);
	HAS(1, "raise 700.302 critical");
	HAS(0, "raise 700.001");
}

Test(recordings, what_is_no_trouble_raises_nothing)
{
	static const char *const names[] = {"33-", "34-", "35-", "36-", "91-"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		PLAY(names[i], 100);
		cr_expect_null(strstr(r.log, "raise"), "%s: %s", names[i], r.texts.s);
	}
}

Test(recordings, a_pause_that_lasts_is_one_though_the_bridge_was_away)
{
	PLAY("37-", 100);
	HAS(1, "raise 700.002 critical");
	HAS(0, "raise 700.001");
}

Test(recordings, a_lost_link_to_libvirtd_harms_no_instance)
{
	PLAY("39-", 100);
	HAS(1, "raise 270.303 major");
	HAS(1, "clear 270.303");
	HAS(1, "raise 700.002 critical");
	HAS(1, "clear 700.002");
	HAS(0, "raise 700.001");
}

/* Whatever the recording: a restart after every record changes nothing. */
Test(recordings, a_restart_after_every_record_changes_nothing)
{
	static const char *const names[] = {"01-", "03b-", "04-", "07b-", "09-", "10-", "11-",
		"12-", "13-", "17-", "18-", "21m-", "24-", "29-", "35-", "21-", "22-", "23-", "27-", "32-", "33-",
		"39-", "93-"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		FM_CLEANUP(rec_fini) struct rec plain;
		FM_CLEANUP(rec_fini) struct rec restarted;

		play(&plain, names[i], 4000, false);
		play(&restarted, names[i], 4000, true);
		cr_expect_str_eq(plain.texts.s, restarted.texts.s, "%s", names[i]);
	}
}
