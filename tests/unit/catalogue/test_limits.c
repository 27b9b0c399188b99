/*
 * limits: how much of each thing a catalogue may have, and not one more. docs/LIMITS.md lists them.
 */
#include "cat_test.h"

static void
times(struct fm_buf *b, unsigned n, const char *first, const char *then)
{
	for (unsigned i = 0; i < n; i++)
		fm_buf_adds(b, i == 0 ? first : then);
}

static void
numbered(struct fm_buf *b, unsigned n, const char *before, const char *after)
{
	for (unsigned i = 0; i < n; i++)
		fm_buf_addf(b, "%s%u%s", before, i, after);
}

static void
put_flap(struct fm_buf *b, unsigned n)
{
	fm_buf_addf(b, ALARM("700.001", "major") RULE("    While: instance.failed\n    Flap: {Count: %u, "
		    "Within: 10m, Quiet: 15m}\n"), n);
}

static void
put_group(struct fm_buf *b, unsigned n)
{
	fm_buf_addf(b, HOST_ALARM("270.002", "major") RULE("    While: instance.failed\n    Group: {By: host, "
		    "At_Least: %u, Within: 1m}\n"), n);
}

static void
put_clears(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, ALARM("700.001", "major") RULE("    On: reboot.failed\n    Clear: ["));
	times(b, n, "reboot.done", ", reboot.done");
	fm_buf_adds(b, "]\n");
}

static void
put_depth(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, ALARM("700.001", "major") RULE("    On: reboot.failed\n    If: "));
	times(b, n, "(", "(");
	fm_buf_adds(b, "reason = a");
	times(b, n, ")", ")");
	fm_buf_adds(b, "\n");
}

static void
put_examples(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, ALARM("700.001", "major") RULE("    While: instance.failed\n") "  Examples:\n");
	numbered(b, n, "    e", ": [0s nova instance.pause.end state=paused]\n");
}

static void
put_example_steps(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, ALARM("700.001", "major") RULE("    While: instance.failed\n") "  Examples:\n    e:\n");
	numbered(b, n, "      - ", "s nova instance.pause.end state=paused\n");
}

/* Over several mappings and effects. */
static void
put_relations(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, ALARM("700.001", "major") HOST_ALARM("200.004", "major") RULE(""));
	for (unsigned i = 0; i < n; i++)
		fm_buf_addf(b, "%s      - {Alarms: [700.001], Where: below, Window: [-%us, %us]}\n",
			    i == 0 ? "    - Suppresses:\n" : i == n / 2 ? "    - Causes:\n" : "",
			    i + 1, n - i);
}

#define OF_WINDOWS ALARM("700.001", "major") "Maintenance:\n"
#define ONCE "    From: 2026-01-01\n    Until: 2026-01-02\n"

static void
put_windows(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, OF_WINDOWS);
	numbered(b, n, "  - Name: w", "\n    Alarms: all\n" ONCE);
}

static void
put_window_name(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, OF_WINDOWS "  - Name: ");
	times(b, n, "w", "w");
	fm_buf_adds(b, "\n    Alarms: all\n" ONCE);
}

static void
put_window_items(struct fm_buf *b, unsigned n)
{
	fm_buf_adds(b, OF_WINDOWS "  - Name: w\n    Alarms: all\n" ONCE "    Entities: [");
	numbered(b, n, "host=compute-", ", ");
	fm_buf_adds(b, "]\n");
}

static void
put_open(struct fm_buf *b, unsigned n)
{
	fm_buf_addf(b, OF_WINDOWS "  - Name: w\n    Alarms: all\n    Start: 2000-01-01\n    For: 1h\n"
		    "    Rule: FREQ=DAILY;COUNT=%u\n", n);
}

static const struct {
	const char *name;
	void (*put)(struct fm_buf *b, unsigned n);
	unsigned most, finding;
} limits[] = {
	{"CAT_MAX_FLAP", put_flap, CAT_MAX_FLAP, 428},
	{"CAT_MAX_GROUP", put_group, CAT_MAX_GROUP, 428},
	{"CAT_MAX_RELATIONS", put_relations, CAT_MAX_RELATIONS, 402},
	{"CAT_MAX_CLEARS", put_clears, CAT_MAX_CLEARS, 402},
	{"CAT_MAX_COND_DEPTH", put_depth, CAT_MAX_COND_DEPTH, 437},
	{"CAT_MAX_EXAMPLES", put_examples, CAT_MAX_EXAMPLES, 701},
	{"CAT_MAX_EXAMPLE_STEPS", put_example_steps, CAT_MAX_EXAMPLE_STEPS, 701},
	{"CAT_MAX_WINDOWS", put_windows, CAT_MAX_WINDOWS, 801},
	{"CAT_MAX_WINDOW_NAME", put_window_name, CAT_MAX_WINDOW_NAME, 804},
	{"CAT_MAX_WINDOW_ITEMS", put_window_items, CAT_MAX_WINDOW_ITEMS, 804},
	{"CAT_MAX_OPEN", put_open, CAT_MAX_OPEN, 811},
};

Test(limits, are_reached_and_not_passed)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(limits); i++) {
		struct fm_buf b = {0}, at = {0}, beyond = {0};

		limits[i].put(&b, limits[i].most);
		struct loaded l = load_text(b.s);
		cr_expect_null(finding(&l, limits[i].finding), "%s: %s", limits[i].name,
			       findings_text(&l, &at));
		cr_expect_eq(l.rc, 0, "%s: %s", limits[i].name, l.err.msg);
		unload(&l);
		fm_buf_reset(&b);
		limits[i].put(&b, limits[i].most + 1);
		l = load_text(b.s);
		cr_expect_not_null(finding(&l, limits[i].finding), "%s + 1: %s", limits[i].name,
				   findings_text(&l, &beyond));
		unload(&l);
		fm_buf_fini(&b);
		fm_buf_fini(&at);
		fm_buf_fini(&beyond);
	}
}
