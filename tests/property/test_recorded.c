/*
 * Recorded libvirt streams of real migrations, with the Nova notifications that belong to them. However
 * the two are interleaved, within what the ways to a consumer allow: records of one bridge about one
 * domain keep their order, those of different bridges and of Nova do not; any may come twice; those that
 * only accompany may be missing. The alarms are the same in the end, and a migration is raised once.
 * Skipped when the recordings are not there.
 *
 * LINK: fm_correlator fm_catload fm_events fm_alarm_json fm_offline
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "alarm/alarm.h"
#include "offline/offline.h"

#define SRC "compute-0"
#define DST "compute-1"
#define SEEDS 40
#define SILENCE_S 300

struct rng {
	uint64_t x;
};

static uint32_t
draw(struct rng *r, uint32_t n)
{
	r->x = r->x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((r->x >> 33) % n);
}

enum sort { SORT_NOVA, SORT_SRC, SORT_DST, SORT_SRC_HOST, SORT_DST_HOST, SORT_N };
struct item {
	char *text;
	struct fm_time made, comes;
	enum sort sort;
	bool accompanies;               /* what it tells is told by another, too */
	size_t order;
};
struct story {
	struct item *v;
	size_t n;
	char uuid[FM_UUID_STR];
	struct fm_time start, end;      /* of the migration, by libvirt */
	struct record_maker *maker;
};

/* ---- what happened ---------------------------------------------------------------------------- */

static struct item *
add(struct story *st, const char *text, struct fm_time made, enum sort sort)
{
	st->v = fm_realloc(st->v, (st->n + 1) * sizeof(*st->v));
	st->v[st->n] = (struct item){.text = fm_strdup(text), .made = made, .sort = sort,
		.order = st->n};
	return &st->v[st->n++];
}

static bool
says(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

static bool
is_only_company(const char *text)
{
	static const char *const words[] = {"\"migration-iteration\"", "\"kind\":\"qmp\"",
		"\"kind\":\"job\"", "\"control-error\"", "\"kind\":\"heartbeat\""};

	for (unsigned i = 0; i < FM_ARRAY_LEN(words); i++)
		if (says(text, words[i]))
			return true;
	return false;
}

static void
add_recorded(struct story *st, const char *text)
{
	const char *ts = strstr(text, "\"ts\":\""), *uuid = strstr(text, "\"uuid\":\"");
	const bool src = says(text, "\"host\":\"" SRC "\"");
	struct fm_time at;
	struct item *it;

	if (ts == NULL)
		return;
	ts += strlen("\"ts\":\"");
	cr_assert_eq(fm_time_parse(ts, strcspn(ts, "\""), &at), 0);
	it = add(st, text, at, uuid == NULL ? src ? SORT_SRC_HOST : SORT_DST_HOST :
		 src ? SORT_SRC : SORT_DST);
	it->accompanies = is_only_company(text);
	if (uuid != NULL && says(text, "\"lifecycle\":\"started\"") &&
	    says(text, "\"detail\":\"migrated\"")) {
		st->start = at;
		snprintf(st->uuid, sizeof(st->uuid), "%.36s", uuid + strlen("\"uuid\":\""));
	}
	if (says(text, "\"lifecycle\":\"stopped\""))
		st->end = at;
}

static bool
read_recording(struct story *st, const char *name)
{
	const char *dir = getenv("FMD_SHARED");
	char *pattern = fm_asprintf("%s/data/libvirt-events/%s-*compute-*.jsonl",
				    dir != NULL ? dir : "../shared", name), *line = NULL;
	size_t cap = 0;
	glob_t g = {0};

	memset(st, 0, sizeof(*st));
	if (glob(pattern, 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++) {
			FILE *f = fopen(g.gl_pathv[i], "re");

			while (getline(&line, &cap, f) > 0)
				add_recorded(st, line);
			fclose(f);
		}
	globfree(&g);
	free(line);
	free(pattern);
	return st->n > 0;
}

/* What Nova tells of it, by its outcome; ms before or after the migration's start (S) or end (E). */
struct told {
	char from;
	int ms;
	const char *words;
	bool accompanies;
};
#define BEGINS \
	{'S', -3000, "instance.update host=" SRC, false}, \
	{'S', -800, "instance.live_migration_pre.start host=" SRC " publisher=" DST \
		" task=migrating", false}, \
	{'S', -300, "instance.live_migration_pre.end host=" SRC " publisher=" DST \
		" task=migrating", true}
#define ROLLS_BACK \
	{'E', 500, "instance.live_migration_rollback.start host=" SRC " task=migrating", true}, \
	{'E', 900, "instance.live_migration_rollback_dest.start host=" SRC " publisher=" DST \
		" task=migrating", true}, \
	{'E', 1200, "instance.live_migration_rollback_dest.end host=" SRC " publisher=" DST \
		" task=migrating", true}, \
	{'E', 1500, "instance.live_migration_rollback.end host=" SRC, false}
static const struct told arrives[] = {
	BEGINS,
	{'E', 200, "instance.live_migration_post.start host=" SRC " task=migrating", true},
	{'E', 400, "instance.live_migration_post_dest.start host=" SRC " publisher=" DST
		" task=migrating", true},
	{'E', 900, "instance.live_migration_post_dest.end host=" DST, false},
	{'E', 1200, "instance.live_migration_post.end host=" SRC " task=migrating", true},
	{0},
};
static const struct told aborted[] = {
	BEGINS,
	{'E', -300, "instance.live_migration_abort.start host=" SRC
		" task=migrating initiator=ann", true},
	{'E', -200, "instance.live_migration_abort.end host=" SRC
		" task=migrating initiator=ann", true},
	ROLLS_BACK, {0},
};
static const struct told taken_back[] = {BEGINS, ROLLS_BACK, {0}};
static const struct told dies[] = {
	BEGINS, ROLLS_BACK,
	{'E', 16000, "instance.power_off.start host=" SRC " task=powering-off", true},
	{'E', 17000, "instance.power_off.end host=" SRC " state=stopped power=shutdown", false},
	{0},
};

static void
add_told(struct story *st, const struct told *told)
{
	st->maker = record_maker_new(st->uuid, SRC);
	for (; told->words != NULL; told++) {
		const struct fm_time at = fm_time_add(told->from == 'S' ? st->start : st->end,
						      fm_span_ms(told->ms));
		struct offline_words words;
		struct fm_arena arena;
		struct fm_err err;
		char *text;

		fm_arena_init(&arena);
		cr_assert_eq(offline_split(&arena, told->words, &words, &err), 0, "%s", err.msg);
		cr_assert_eq(record_make(st->maker, OFFLINE_NOVA, &words, at, &text, &err), 0,
			     "%s", err.msg);
		add(st, text, at, SORT_NOVA)->accompanies = told->accompanies;
		free(text);
		fm_arena_fini(&arena);
	}
}

static const struct {
	const char *name;
	const struct told *told;
	const char *in_the_end;         /* an alarm that is active then; NULL: none of 700.00x */
} stories[] = {
	{"01", arrives, NULL}, {"04", aborted, NULL}, {"05", arrives, NULL},
	{"07", taken_back, NULL}, {"07b", dies, "700.001"}, {"09", taken_back, NULL},
	{"06d", arrives, NULL}, {"10", taken_back, NULL}, {"11", arrives, NULL},
	{"12", arrives, NULL}, {"13", arrives, NULL}, {"13d", arrives, NULL},
	{"14", arrives, NULL}, {"15", arrives, NULL}, {"21m", taken_back, NULL},
};

static bool
load_story(struct story *st, unsigned i)
{
	if (!read_recording(st, stories[i].name))
		return false;
	if (st->end.ns == 0)            /* 09: nobody tells of the end */
		st->end = fm_time_add(st->start, fm_span_s(10));
	add_told(st, stories[i].told);
	return true;
}

static void
drop_story(struct story *st)
{
	for (size_t i = 0; i < st->n; i++)
		free(st->v[i].text);
	free(st->v);
	record_maker_free(st->maker);
}

/* ---- how it comes ------------------------------------------------------------------------------- */

struct way {
	uint32_t nova_ms, lv_ms;        /* everything of these is so late */
	uint32_t spread_ms;             /* and each up to this much more */
	bool twice, gaps;
};

static int
by_arrival(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->comes.ns != y->comes.ns)
		return x->comes.ns < y->comes.ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int
by_making(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->made.ns != y->made.ns)
		return x->made.ns < y->made.ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The items in the order in which they come; to be freed, the texts are the story's. */
static struct item *
send(struct story *st, const struct way *way, struct rng *r, size_t *ret_n)
{
	struct item *out = fm_calloc(2 * st->n, sizeof(*out));
	struct fm_time last[SORT_N] = {{0}};
	size_t n = 0;

	qsort(st->v, st->n, sizeof(*st->v), by_making);
	for (size_t i = 0; i < st->n; i++) {
		struct item it = st->v[i];
		const uint32_t late = it.sort == SORT_NOVA ? way->nova_ms : way->lv_ms;

		if (way->gaps && it.accompanies && draw(r, 2) == 0)
			continue;
		it.comes = fm_time_add(it.made, fm_span_ms(late + draw(r, way->spread_ms + 1)));
		if (it.sort != SORT_NOVA)
			it.comes = last[it.sort] = fm_time_max(it.comes, last[it.sort]);
		it.order = n;
		out[n++] = it;
		if (way->twice && draw(r, 4) == 0) {
			it.comes = fm_time_add(it.comes, fm_span_ms(draw(r, 5000)));
			it.order = n;
			out[n++] = it;
		}
	}
	qsort(out, n, sizeof(*out), by_arrival);
	*ret_n = n;
	return out;
}

struct result {
	struct fm_buf alarms, told;
	unsigned raised;                /* 700.008 */
};

static void
take(void *ctx, struct transition *tr)
{
	struct result *res = ctx;

	fm_buf_addf(&res->told, "%s %s\n", transition_kind_name(tr->kind), tr->alarm.alarm_id);
	res->raised += tr->kind == TR_RAISE && strcmp(tr->alarm.alarm_id, "700.008") == 0;
}

static bool
add_alarm(void *ctx, const struct alarm *al)
{
	struct result *res = ctx;

	/* the tenant is in the entity when it was known at the raise, and that Nova alone tells */
	const char *entity = strncmp(al->entity, "tenant=t1.", 10) == 0 ? al->entity + 10 : al->entity;

	fm_buf_addf(&res->alarms, "%s %s %s\n", al->alarm_id, entity, severity_name(al->severity));
	return true;
}

static void
receive(const struct catalogue *cat, const struct item *v, size_t n, struct result *ret)
{
	struct correlator *corr = corr_new(cat);
	struct decoder *dec = decoder_new(NULL);

	memset(ret, 0, sizeof(*ret));
	fm_buf_adds(&ret->alarms, "");
	fm_buf_adds(&ret->told, "");
	for (size_t i = 0; i < n; i++) {
		struct fm_err err;
		struct event ev;
		const int rc = event_decode(dec, v[i].text, strlen(v[i].text), &ev, &err);

		cr_assert(rc >= 0, "%s: %s", err.msg, v[i].text);
		if (rc == 1)
			continue;
		ev.at = v[i].comes;
		ev.pos = (struct record_pos){.topic = v[i].sort == SORT_NOVA ? "nova" : "libvirt",
			.offset = (int64_t)i};
		corr_apply(corr, &ev, take, ret);
	}
	corr_advance(corr, fm_time_add(corr_now(corr), fm_span_s(SILENCE_S)), take, ret);
	corr_each_alarm(corr, false, add_alarm, ret);
	decoder_free(dec);
	corr_free(corr);
}

static void
drop_result(struct result *res)
{
	fm_buf_fini(&res->alarms);
	fm_buf_fini(&res->told);
}

static struct catalogue *
load(void)
{
	const char *source = getenv("FMD_SOURCE");
	char *path = fm_asprintf("%s/events.yaml", source != NULL ? source : ".");
	struct catalogue *cat;
	struct fm_err err;

	cr_assert_eq(cat_load(path, NULL, &cat, &err), 0, "%s", err.msg);
	free(path);
	return cat;
}

/* Plays each story in one way, and hands what came of it to check. */
static void
each(const struct way *way, uint64_t seed,
     void (*check)(unsigned i, uint64_t seed, const struct result *plain, const struct result *res))
{
	static const struct way in_order = {0};
	struct catalogue *cat = load();
	unsigned played = 0;

	for (unsigned i = 0; i < FM_ARRAY_LEN(stories); i++) {
		struct rng r = {seed * 1000 + i};
		struct result plain, res;
		struct story st;
		struct item *v;
		size_t n;

		if (!load_story(&st, i))
			continue;
		v = send(&st, &in_order, &r, &n);
		receive(cat, v, n, &plain);
		free(v);
		v = send(&st, way, &r, &n);
		receive(cat, v, n, &res);
		free(v);
		check(i, seed, &plain, &res);
		drop_result(&plain);
		drop_result(&res);
		drop_story(&st);
		played++;
	}
	cat_free(cat);
	if (played == 0)
		cr_skip_test("no recordings");
}

static void
same_alarms(unsigned i, uint64_t seed, const struct result *plain, const struct result *res)
{
	cr_assert_str_eq(plain->alarms.s, res->alarms.s, "%s, seed %llu:\n%snot\n%s", stories[i].name,
			 (unsigned long long)seed, res->alarms.s, plain->alarms.s);
}

static void
same_and_once(unsigned i, uint64_t seed, const struct result *plain, const struct result *res)
{
	same_alarms(i, seed, plain, res);
	cr_assert_eq(res->raised, 1, "%s, seed %llu: 700.008 raised %u times:\n%s", stories[i].name,
		     (unsigned long long)seed, res->raised, res->told.s);
}

static void
as_it_should(unsigned i, uint64_t seed, const struct result *plain, const struct result *res)
{
	const char *want = stories[i].in_the_end;

	same_and_once(i, seed, plain, res);
	cr_assert(want != NULL ? says(res->alarms.s, want) : !says(res->alarms.s, "700.00"),
		  "%s: %s", stories[i].name, res->alarms.s);
}

/* ---- properties ------------------------------------------------------------------------------------ */

Test(recorded, comes_out_right_in_order)
{
	each(&(struct way){0}, 1, as_it_should);
}

Test(recorded, nova_may_be_seconds_ahead)
{
	each(&(struct way){.lv_ms = 4000}, 1, as_it_should);
}

Test(recorded, libvirt_may_be_seconds_ahead)
{
	each(&(struct way){.nova_ms = 4000}, 1, as_it_should);
}

Test(recorded, nova_may_come_half_a_minute_late)
{
	each(&(struct way){.nova_ms = 30000}, 1, same_alarms);
}

Test(recorded, order_within_the_bounds_does_not_matter)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		each(&(struct way){.spread_ms = 2000}, seed, same_and_once);
}

Test(recorded, repetition_does_not_matter)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		each(&(struct way){.spread_ms = 2000, .twice = true}, seed, same_and_once);
}

Test(recorded, what_only_accompanies_may_be_missing)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		each(&(struct way){.spread_ms = 2000, .twice = true, .gaps = true}, seed,
		     same_and_once);
}
