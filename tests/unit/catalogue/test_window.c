/*
 * window: when maintenance windows are open, by the clocks of the zones they name; what is refused.
 * Expected instants come from another reader of the zones' database (Python's zoneinfo).
 */
#include "cat_test.h"

#define ALARMS ALARM("700.001", "major") HOST_ALARM("200.001", "major") LOG("700.101", "major")
#define WINDOW(lines) ALARMS "Maintenance:\n  - Name: w\n    Alarms: all\n" lines

static struct fm_time
at(const char *text)
{
	struct fm_time t;
	cr_assert_eq(fm_time_parse(text, strlen(text), &t), 0, "%s", text);
	return t;
}

static void
same_time(struct fm_time t, const char *want, const char *what)
{
	char text[FM_TIME_STR];
	cr_assert_eq(t.ns, at(want).ns, "%s: %s, not %s", what, fm_time_format(t, text), want);
}

/* The first openings of a window of one hour. */
static void
opens(const char *lines, const char *const *begins, unsigned n)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	const struct cat_window *w;
	fm_buf_addf(&text, "%s%s    For: 1h\n", WINDOW(""), lines);
	struct loaded l = load_good(text.s);
	cr_assert_eq(cat_windows(l.cat, &w), 1);
	cr_assert_geq(w->n, n, "%u", w->n);
	for (unsigned i = 0; i < n; i++) {
		same_time(w->at[i].begin, begins[i], lines);
		cr_assert_eq(w->at[i].end.ns - w->at[i].begin.ns, 3600 * FM_NS_PER_S);
	}
	unload(&l);
}
#define OPENS(lines, ...) \
	opens(lines, (const char *const []){__VA_ARGS__}, \
	      FM_ARRAY_LEN(((const char *const []){__VA_ARGS__})))

/* RFC 5545 §3.3.5: what the clock skips is read with the offset before the gap. */
Test(window, keeps_its_local_time_when_clocks_go_forward)
{
	OPENS("    Start: 2026-03-22 02:30\n    Every: {Days: [sun]}\n    Zone: Europe/Berlin\n",
	      "2026-03-22T01:30:00Z", "2026-03-29T01:30:00Z", "2026-04-05T00:30:00Z");
}

/* Of a time that the clock shows twice it is the first. */
Test(window, keeps_its_local_time_when_clocks_go_back)
{
	OPENS("    Start: 2026-10-18 02:30\n    Rule: FREQ=WEEKLY\n    Zone: Europe/Berlin\n",
	      "2026-10-18T00:30:00Z", "2026-10-25T00:30:00Z", "2026-11-01T01:30:00Z");
}

/* Half an hour of daylight saving, in the south. */
Test(window, knows_other_changes_of_clocks)
{
	OPENS("    Start: 2026-04-04 01:45\n    Rule: FREQ=DAILY\n    Zone: Australia/Lord_Howe\n",
	      "2026-04-03T14:45:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z");
	OPENS("    Start: 2026-10-03 02:15\n    Rule: FREQ=DAILY\n    Zone: Australia/Lord_Howe\n",
	      "2026-10-02T15:45:00Z", "2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z");
}

Test(window, is_the_same_all_the_year_where_clocks_never_change)
{
	OPENS("    Start: 2026-02-01\n    Every: {Days: [sunday], At: 02:30}\n    Zone: Asia/Tokyo\n",
	      "2026-01-31T17:30:00Z", "2026-02-07T17:30:00Z");
	OPENS("    Start: 2026-03-28 23:00\n    Rule: FREQ=DAILY\n",
	      "2026-03-28T23:00:00Z", "2026-03-29T23:00:00Z", "2026-03-30T23:00:00Z");
}

Test(window, recurs_by_the_rules_of_calendars)
{
	OPENS("    Start: 2026-01-01\n    Every: {Days: [mon, Thu], At: '22:00'}\n",
	      "2026-01-01T22:00:00Z", "2026-01-05T22:00:00Z", "2026-01-08T22:00:00Z");
	OPENS("    Start: 2026-01-01 22:00\n    Rule: FREQ=MONTHLY;BYDAY=2TU\n",
	      "2026-01-13T22:00:00Z", "2026-02-10T22:00:00Z");
	OPENS("    Start: 2026-01-31 22:00\n    Rule: FREQ=MONTHLY;BYMONTHDAY=-1;INTERVAL=2\n",
	      "2026-01-31T22:00:00Z", "2026-03-31T22:00:00Z", "2026-05-31T22:00:00Z");
}

/* UNTIL is an instant, whatever the clock shows then. */
Test(window, ends_with_its_rule)
{
	static const struct { const char *rule; unsigned n; } rules[] = {
		{"FREQ=DAILY;COUNT=3", 3},
		{"FREQ=DAILY;UNTIL=20260106T043000Z", 5}, {"FREQ=DAILY;UNTIL=20260106T042959Z", 4},
		{"FREQ=DAILY;UNTIL=20260105T233000", 5}, {"FREQ=DAILY;UNTIL=20260105T232959", 4},
		{"FREQ=DAILY;UNTIL=20260105", 5},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(rules); i++) {
		FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
		const struct cat_window *w;
		fm_buf_addf(&text, "%s    Rule: %s\n    Zone: America/New_York\n",
			    WINDOW("    Start: 2026-01-01 23:30\n    For: 1h\n"), rules[i].rule);
		struct loaded l = load_good(text.s);
		cr_assert_eq(cat_windows(l.cat, &w), 1);
		cr_expect_eq(w->n, rules[i].n, "%s: %u", rules[i].rule, w->n);
		unload(&l);
	}
}

Test(window, is_open_from_its_begin_until_before_its_end)
{
	const struct cat_window *w;
	struct fm_time next;
	struct loaded l = load_good(WINDOW("    From: 2026-03-29 02:30\n"
					   "    Until: 2026-03-29T04:00:00+02:00\n"
					   "    Zone: Europe/Berlin\n"));
	cr_assert_eq(cat_windows(l.cat, &w), 1);
	cr_expect_not(cat_window_open(w, at("2026-03-29T01:29:59.999Z")));
	cr_expect(cat_window_open(w, at("2026-03-29T01:30:00Z")));
	cr_expect(cat_window_open(w, at("2026-03-29T01:59:59.999Z")));
	cr_expect_not(cat_window_open(w, at("2026-03-29T02:00:00Z")));
	cr_assert(cat_window_next(w, at("2026-01-01T00:00:00Z"), &next));
	same_time(next, "2026-03-29T01:30:00Z", "it opens");
	cr_assert(cat_window_next(w, next, &next));
	same_time(next, "2026-03-29T02:00:00Z", "it closes");
	cr_expect_not(cat_window_next(w, next, &next));
	unload(&l);
}

/* Longer than the time to the next opening: it stays open. */
Test(window, joins_times_that_overlap)
{
	const struct cat_window *w;
	struct loaded l = load_text(WINDOW("    Start: 2026-01-01 23:30\n    For: 30h\n"
					   "    Rule: FREQ=DAILY;COUNT=3\n"));
	cr_assert_not_null(finding(&l, 814));
	cr_assert_eq(cat_windows(l.cat, &w), 1);
	cr_assert_eq(w->n, 1);
	same_time(w->at[0].begin, "2026-01-01T23:30:00Z", "begin");
	same_time(w->at[0].end, "2026-01-05T05:30:00Z", "end");
	unload(&l);
}

static uint64_t
hash_of(const char *text)
{
	struct loaded l = load_good(text);
	const uint64_t hash = cat_hash(l.cat);
	unload(&l);
	return hash;
}

/* The file says it, and so does the zones' database, which may change without the file. */
Test(window, is_part_of_the_catalogues_hash)
{
	const char *text = WINDOW("    From: 2026-01-01 00:00\n    Until: 2026-01-02 00:00\n");
	struct loaded l = load_good(text);
	cr_expect_neq(cat_hash(l.cat), fm_hash64(text, strlen(text), 0));
	unload(&l);
	cr_expect_neq(hash_of(text), hash_of(ALARMS));
	cr_expect_eq(hash_of(ALARMS), fm_hash64(ALARMS, strlen(ALARMS), 0));
}

/* ---- what is refused ---------------------------------------------------------------------- */

Test(window, refuses_an_unknown_zone_at_its_place_and_suggests_one)
{
	struct loaded l = load_text(WINDOW("    Start: 2026-01-01\n    Every: {At: 22:00}\n"
					   "    For: 1h\n    Zone: Europe/Berlen\n"));
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	const struct cat_finding *f = finding(&l, 805);
	cr_assert_not_null(f);
	cat_finding_print(f, "events.yaml", &b);
	cr_assert_not_null(strstr(b.s, "error F805: this system knows no such time zone; "
				  "did you mean \"Europe/Berlin\"?"), "%s", b.s);
	cr_expect_eq(f->column, 11);
	cr_expect_eq(l.rc, -EINVAL);
	unload(&l);
}

Test(window, refuses_names_that_lead_out_of_the_zones_database)
{
	static const char *const names[] = {"../../etc/passwd", "/etc/localtime", "Europe/../UTC"};
	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
		fm_buf_addf(&text, "%s    Zone: %s\n", WINDOW("    Start: 2026-01-01\n"
			    "    Every: {At: 22:00}\n    For: 1h\n"), names[i]);
		struct loaded l = load_text(text.s);
		cr_expect_not_null(finding(&l, 805), "%s", names[i]);
		unload(&l);
	}
}

/* Rules that recur by the hour, or that would be searched for without an end. */
Test(window, refuses_rules_that_it_has_no_use_for)
{
	static const char *const rules[] = {
		"FREQ=HOURLY", "FREQ=SECONDLY;BYMONTH=2", "FREQ=DAILY;BYHOUR=3,4", "FREQ=DAILY;FOO=1",
		"FREQ=YEARLY;BYWEEKNO=3", "FREQ=YEARLY;BYYEARDAY=3", "RRULE:FREQ=DAILY", "freq=daily",
		"FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=2;BYDAY=MO", "BYDAY=MO", "every day",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=6MO",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=10", "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2",
		"FREQ=MONTHLY;BYDAY=5MO;BYSETPOS=5", "FREQ=DAILY;BYDAY=5MO",
		"FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=5MO", "FREQ=DAILY;BYSETPOS=2",
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(rules); i++) {
		FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
		fm_buf_addf(&text, "%s    Rule: %s\n",
			    WINDOW("    Start: 2026-01-01 22:00\n    For: 1h\n"), rules[i]);
		struct loaded l = load_text(text.s);
		cr_expect_not_null(finding(&l, 807), "%s", rules[i]);
		unload(&l);
	}
}

Test(window, refuses_forms_that_say_too_little_or_too_much)
{
	static const char *const lines[] = {
		"    From: 2026-01-01\n", "    For: 1h\n", "    Start: 2026-01-01\n    For: 1h\n",
		"    From: 2026-01-01\n    Until: 2026-01-02\n    For: 1h\n",
		"    Start: 2026-01-01\n    For: 1h\n    Rule: FREQ=DAILY\n    Every: {At: 22:00}\n",
		"    Start: 2026-01-01 22:00\n    For: 1h\n    Every: {At: 22:00}\n",
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(lines); i++) {
		FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
		fm_buf_addf(&text, "%s%s", WINDOW(""), lines[i]);
		struct loaded l = load_text(text.s);
		cr_expect_not_null(finding(&l, 803), "%s", lines[i]);
		unload(&l);
	}
}

/* ---- those of operators ---------------------------------------------------------------------- */

static int
make(const struct cat_window_text *text, const char *now, unsigned max, struct cat_window *ret,
     bool *ret_more, struct fm_arena *arena)
{
	struct fm_err err;
	return cat_window_make(text, at(now), max, arena, ret, ret_more, &err);
}

Test(window, from_texts_is_worked_out_from_now_on)
{
	const struct cat_window_text text = {.name = "nights", .alarms = "700.001,200.001,700.001",
		.entities = "host=compute-1", .part = {
			[WINDOW_START] = "2020-01-01", [WINDOW_AT] = "22:00", [WINDOW_FOR] = "4h",
			[WINDOW_DAYS] = "mon,tue,wed,thu,fri,sat,sun", [WINDOW_ZONE] = "UTC"}};
	struct fm_arena arena;
	struct cat_window w;
	bool more;
	fm_arena_init(&arena);
	cr_assert_eq(make(&text, "2026-11-27T01:00:00Z", 5, &w, &more, &arena), 0);
	cr_expect_eq(w.n, 5);
	cr_expect(more);
	cr_expect_eq(w.n_alarms, 2);
	cr_expect_str_eq(w.alarms[0], "200.001");
	same_time(w.at[0].begin, "2026-11-26T22:00:00Z", "the one that is open");
	same_time(w.at[4].begin, "2026-11-30T22:00:00Z", "the last");
	fm_arena_fini(&arena);
}

Test(window, from_texts_refuses_what_is_over_or_malformed)
{
	const struct cat_window_text good = {.name = "w", .alarms = "all",
		.part = {[WINDOW_FROM] = "2026-01-01", [WINDOW_UNTIL] = "2026-01-02"}};
	struct cat_window_text text;
	struct fm_arena arena;
	struct cat_window w;
	bool more;
	fm_arena_init(&arena);
	cr_expect_eq(make(&good, "2026-01-01T12:00:00Z", 9, &w, &more, &arena), 0);
	cr_expect_eq(make(&good, "2026-01-02T00:00:00Z", 9, &w, &more, &arena), -EINVAL);
	text = good;
	text.name = "a\nb";
	cr_expect_eq(make(&text, "2026-01-01T12:00:00Z", 9, &w, &more, &arena), -EINVAL);
	text = good;
	text.alarms = "700.001,,700.002";
	cr_expect_eq(make(&text, "2026-01-01T12:00:00Z", 9, &w, &more, &arena), -EINVAL);
	text = good;
	text.entities = "host=a,\x01";
	cr_expect_eq(make(&text, "2026-01-01T12:00:00Z", 9, &w, &more, &arena), -EINVAL);
	fm_arena_fini(&arena);
}

/* Whoever gives a command knows its arguments, and not the keys of the catalogue. */
Test(window, from_texts_is_refused_in_the_words_of_the_command)
{
	static const struct {
		const char *alarms, *part[WINDOW_N_PARTS], *said;
	} cases[] = {
		{"all,700.001", {[WINDOW_FROM] = "2026-01-01", [WINDOW_UNTIL] = "2026-01-02"},
		 "alarms: \"all\" stands alone"},
		{"all", {NULL}, "a window has from and until, or start, for and rule or days and at"},
		{"all", {[WINDOW_FROM] = "2026-01-01"}, "a window that is once has from and until"},
		{"all", {[WINDOW_FROM] = "2026-01-02", [WINDOW_UNTIL] = "2026-01-01"},
		 "until is not after from"},
		{"all", {[WINDOW_FROM] = "soon", [WINDOW_UNTIL] = "2026-01-01"},
		 "from must be a time such as \"2026-03-29 02:30\" or 2026-03-29T02:30:00Z"},
		{"all", {[WINDOW_FROM] = "2026-01-01", [WINDOW_UNTIL] = "2026-01-02",
			 [WINDOW_FOR] = "1h"}, "for does not go with from and until"},
		{"all", {[WINDOW_START] = "2026-01-01", [WINDOW_FOR] = "1h"},
		 "how does it recur? rule or days and at is needed"},
		{"all", {[WINDOW_START] = "2026-01-01", [WINDOW_FOR] = "1h", [WINDOW_DAYS] = "sat",
			 [WINDOW_RULE] = "FREQ=DAILY"}, "rule and days and at both say how it recurs"},
		{"all", {[WINDOW_START] = "2026-01-01", [WINDOW_FOR] = "1h", [WINDOW_DAYS] = "noday"},
		 "days must be days such as mon or saturday"},
		{"all", {[WINDOW_START] = "2026-01-01", [WINDOW_FOR] = "1h", [WINDOW_AT] = "late"},
		 "at must be a time such as 22:00"},
		{"all", {[WINDOW_START] = "2026-01-01 10:00", [WINDOW_FOR] = "1h", [WINDOW_AT] = "10:00"},
		 "start has a time already: with at it is a day"},
		{"all", {[WINDOW_START] = "soon", [WINDOW_FOR] = "1h", [WINDOW_AT] = "10:00"},
		 "start must be a time on the zone's clock such as \"2026-03-29 02:30\", or a day"},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		struct cat_window_text text = {.name = "w", .alarms = cases[i].alarms};
		struct fm_err err = {0};
		struct fm_arena arena;
		struct cat_window w;
		bool more;
		fm_arena_init(&arena);
		memcpy(text.part, cases[i].part, sizeof(text.part));
		cr_expect_eq(cat_window_make(&text, at("2025-01-01T00:00:00Z"), 9, &arena, &w, &more,
					     &err), -EINVAL);
		cr_expect_str_eq(err.msg, cases[i].said);
		fm_arena_fini(&arena);
	}
}
