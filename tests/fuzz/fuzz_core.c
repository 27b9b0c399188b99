/*
 * fuzz_core: the core's promises as the oracle, over any history (story.h). It is run twice, plain
 * and with restarts through rows, flushes and wake-ups in between, and both tell the same. At every
 * step of both:
 *
 *   raise and clear alternate for each key, and what happens to an alarm happens while it is active
 *   every event has one outcome; time never goes back; no deadline is left behind
 *   what is suppressed by an alarm is so by one that is active, or for the grace after it; what
 *   nothing suppresses has been announced
 *   texts are bounded, and fit to be shown once escaped
 *
 * LINK: fm_correlator fm_catload fm_alarm_json
 */
#include "correlator/correlator_priv.h"

#include "alarm/alarm_json.h"
#include "tests/fuzz/shipped.h"
#include "tests/fuzz/story.h"
#include "tests/scenario/rows_copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 120
#define MAX_KEYS 512

struct run {
	const struct catalogue *cat;
	struct correlator *corr;
	struct rows_copy rows;
	struct fm_buf out;
	bool disturbed;                 /* restarts, flushes and wake-ups are done, not passed over */
	char *key[MAX_KEYS];            /* active */
	unsigned n_keys;
	struct fm_time last;
	uint64_t events;
};

/* ---- catalogues ------------------------------------------------------------------------------- */

static const struct catalogue *
narrow_catalogue(void)
{
	static struct catalogue *cat;
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};

	if (cat == NULL) {
		shipped_text(&text);
		shipped_edit(&text, "Max_Cleared: 20000", "Max_Cleared: 2");
		shipped_edit(&text, "Max_Alarms: 200000", "Max_Alarms: 5");
		shipped_edit(&text, "Storm: 1000", "Storm: 3");
		shipped_edit(&text, "Storm_Pass: 10", "Storm_Pass: 1");
		cat = shipped_load(&text);
	}
	return cat;
}

static const struct catalogue *
catalogue_no(uint32_t i)
{
	return i == 0 ? shipped_catalogue() : narrow_catalogue();
}

/* ---- what is told ------------------------------------------------------------------------------- */

static unsigned
find_key(const struct run *run, const char *key)
{
	unsigned i = 0;

	while (i < run->n_keys && strcmp(run->key[i], key) != 0)
		i++;
	return i;
}

static void
follow(struct run *run, const struct transition *tr)
{
	char *key = fm_asprintf("%s|%s", tr->alarm.alarm_id, tr->alarm.entity);
	const unsigned i = find_key(run, key);

	if (tr->kind == TR_RAISE) {
		fm_assert(i == run->n_keys && run->n_keys < MAX_KEYS);
		run->key[run->n_keys++] = FM_STEAL(key);
	} else if (tr->kind == TR_PURGE) {
		fm_assert(i == run->n_keys);
	} else if (tr->kind != TR_LOG) {
		fm_assert(i < run->n_keys);
		if (tr->kind == TR_CLEAR) {
			free(run->key[i]);
			run->key[i] = run->key[--run->n_keys];
		}
	}
	free(key);
}

static void
check_text(const char *s, size_t max)
{
	fm_assert(s != NULL && strlen(s) <= max && fm_utf8_valid(s, strlen(s)));
}

static void
take(void *ctx, struct transition *tr)
{
	struct run *run = ctx;
	size_t len, alarm_len;

	fm_assert(tr->at.ns >= run->last.ns);
	run->last = tr->at;
	check_text(tr->alarm.alarm_id, FM_MAX_ALARM_ID);
	check_text(tr->alarm.entity, FM_MAX_ENTITY);
	check_text(tr->alarm.reason_text, FM_MAX_TEXT);
	/* Cleared or shown: as it was announced before, or is now. */
	fm_assert(!tr->notify || tr->alarm.announced || tr->kind == TR_LOG);
	follow(run, tr);
	char *json = transition_to_json(tr, "fuzz", &len, &alarm_len);

	fm_buf_add(&run->out, json, len);
	fm_buf_add(&run->out, "\n", 1);
	free(json);
}

/* ---- what holds after each step -------------------------------------------------------------------- */

static void
check_alarm(const struct corr_alarm *al)
{
	const struct alarm *a = &al->a;

	fm_assert(!a->cleared && a->severity >= SEV_WARNING && a->severity <= SEV_CRITICAL);
	fm_assert((a->status == SUPPR_PARENT) == !fm_uuid_is_null(&a->suppressed_by));
	fm_assert(a->status != SUPPR_NONE || a->announced);
	fm_assert((a->status == SUPPR_WINDOW) == (a->window != NULL));
	fm_assert((a->status == SUPPR_SHELVED) == (a->shelved_until.ns != 0));
	fm_assert(a->count >= 1 && !fm_uuid_is_null(&a->uuid));
}

static void
check_state(struct run *run)
{
	const struct correlator *corr = run->corr;
	struct corr_stats s;
	struct fm_time due;
	uint64_t n = 0;

	for (const struct corr_alarm *al = corr->active.head; al != NULL; al = al->next, n++) {
		check_alarm(al);
		if (al->a.status == SUPPR_PARENT && !dl_armed(&al->grace))
			fm_assert(rel_suppressor(corr, al) != NULL);
	}
	fm_assert(n == corr->active.n && n == run->n_keys);
	corr_get_stats(corr, &s);
	fm_assert(s.applied + s.no_effect + s.duplicate + s.late == s.events);
	fm_assert(corr->cleared.n <= cat_limits(run->cat)->max_cleared);
	fm_assert(!corr_next_deadline(corr, &due) || due.ns > 0);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static const struct corr_alarm *
some_alarm(struct feed *f, const struct correlator *corr)
{
	const struct corr_alarm *al = corr->active.head;

	for (uint32_t skip = draw(f, 8); al != NULL && al->next != NULL && skip > 0; skip--)
		al = al->next;
	return al;
}

static void
command(struct run *run, struct feed *f, struct fm_time at)
{
	static const char *const ids[] = {"700.001", "100.101", "700.008", "200.004"};
	struct corr_command cmd = {.kind = (enum corr_command_kind)draw(f, CORR_CMD_UNSUPPRESS + 1),
		.at = at, .user = "operator", .verb = "command"};
	struct fm_err err;

	corr_advance(run->corr, at, take, run);
	const struct corr_alarm *al = some_alarm(f, run->corr);

	cmd.alarm_id = ids[draw(f, FM_ARRAY_LEN(ids))];
	cmd.entity = "host=compute-0";
	cmd.until = fm_time_add(at, story_step(f));
	if (al != NULL)
		cmd.uuid = &al->a.uuid;
	(void)!corr_operate(run->corr, &cmd, take, run, &err);
}

static void
own_alarm(struct run *run, struct feed *f, struct fm_time at)
{
	const struct fm_str id = PICK(f, "990.001", "990.002", "990.006");

	corr_self(run->corr, at, id.p != NULL ? id.p : "990.007", "host=compute-1", draw(f, 2),
		  (enum severity)draw(f, 5), "of fmd", take, run);
}

static void
swap(struct run *run, struct feed *f, struct fm_time at)
{
	run->cat = catalogue_no(draw(f, 2));
	corr_swap_catalogue(run->corr, run->cat, at, take, run);
}

static void
missed(struct run *run, struct feed *f, struct fm_time at)
{
	corr_advance(run->corr, at, take, run);
	corr_missed(run->corr, story_step(f));
}

/* What must change nothing. */
static void
disturb(struct run *run, struct feed *f, struct fm_time at)
{
	const uint32_t how = draw(f, 3);

	if (!run->disturbed)
		return;
	if (how == 0)
		run->corr = rows_copy_restart(&run->rows, run->corr, run->cat);
	else if (how == 1)
		corr_flush(run->corr, rows_copy_put, &run->rows);
	else
		corr_advance(run->corr, at, take, run);
}

static void
event(struct run *run, struct feed *f, struct fm_time at)
{
	struct event ev;

	story_event(f, at, run->events++, &ev);
	(void)corr_apply(run->corr, &ev, take, run);
}

static void
step(struct run *run, struct feed *f, struct fm_time at)
{
	const uint32_t what = draw(f, 32);

	if (what < 22)
		event(run, f, at);
	else if (what < 25)
		command(run, f, at);
	else if (what == 25)
		own_alarm(run, f, at);
	else if (what == 26)
		swap(run, f, at);
	else if (what == 27)
		missed(run, f, at);
	else
		disturb(run, f, at);
}

static void
tell(struct feed f, struct run *run, bool disturbed)
{
	struct fm_time at = {STORY_START};

	*run = (struct run){.cat = catalogue_no(draw(&f, 2)), .disturbed = disturbed};
	run->corr = corr_new(run->cat);
	fm_buf_adds(&run->out, "");
	for (unsigned i = 0; f.n > 0 && i < MAX_STEPS; i++) {
		at = fm_time_add(at, story_step(&f));
		step(run, &f, at);
		check_state(run);
	}
	corr_advance(run->corr, fm_time_add(at, fm_span_s(7200)), take, run);
	check_state(run);
}

static void
run_fini(struct run *run)
{
	corr_free(run->corr);
	rows_copy_fini(&run->rows);
	fm_buf_fini(&run->out);
	while (run->n_keys > 0)
		free(run->key[--run->n_keys]);
}

static void
same(const char *plain, const char *disturbed)
{
	size_t i = 0, line = 0;

	while (plain[i] != '\0' && plain[i] == disturbed[i])
		if (plain[i++] == '\n')
			line = i;
	if (plain[i] == disturbed[i])
		return;
	fprintf(stderr, "%.*s\nis with restarts and the like\n%.*s\n",
		(int)strcspn(plain + line, "\n"), plain + line,
		(int)strcspn(disturbed + line, "\n"), disturbed + line);
	fm_assert(plain[i] == disturbed[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run plain, disturbed;

	tell((struct feed){data, size}, &plain, false);
	tell((struct feed){data, size}, &disturbed, true);
	same(plain.out.s, disturbed.out.s);
	run_fini(&disturbed);
	run_fini(&plain);
	return 0;
}
