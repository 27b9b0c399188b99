/*
 * Recorded libvirt streams, with the Nova notifications that belong to them. However the two are
 * interleaved, within what the ways to a consumer allow: records of one bridge about one domain keep
 * their order, those of different bridges, domains and of Nova do not; any may come twice; those that
 * only accompany may be missing. The alarms are the same in the end, and a migration is raised once.
 * Skipped when the recordings are not there.
 *
 * Not here, but in test_recordings.c or the decoder's tests: 90 to 92 have no compute host, 93 is many
 * operations on one guest in half a minute.
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
#define SEEDS 40                /* of migrations; of what is none: */
#define FEW_SEEDS 6
#define MAX_GUESTS 8
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
	unsigned guest;                 /* MAX_GUESTS: of none */
	bool accompanies;               /* what it tells is told by another, too */
	size_t order;
};
struct guest {                          /* by libvirt */
	char uuid[FM_UUID_STR];
	struct fm_time first, booted;   /* told of, by any record; ran */
	struct fm_time start, end;      /* of its migration; the end of all others too */
};
struct story {
	struct item *v;
	size_t n;
	struct guest guest[MAX_GUESTS]; /* in the order in which they are read */
	unsigned n_guests;
	struct record_maker *maker;     /* one, so that no message id comes twice */
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

/* NULL: the record is about none. */
static struct guest *
guest_of(struct story *st, const char *text, struct fm_time at)
{
	const char *uuid = strstr(text, "\"uuid\":\"");
	struct guest *g = st->guest;

	if (uuid == NULL)
		return NULL;
	uuid += strlen("\"uuid\":\"");
	while (g < st->guest + st->n_guests && strncmp(g->uuid, uuid, FM_UUID_STR - 1) != 0)
		g++;
	if (g == st->guest + st->n_guests) {
		cr_assert_lt(st->n_guests++, MAX_GUESTS);
		snprintf(g->uuid, sizeof(g->uuid), "%.36s", uuid);
		g->first = at;
	}
	g->first = g->first.ns < at.ns ? g->first : at;
	return g;
}

static void
note_times(struct guest *g, const char *text, struct fm_time at)
{
	const bool started = says(text, "\"lifecycle\":\"started\"");

	if (started && says(text, "\"detail\":\"migrated\""))
		g->start = at;
	if (started && says(text, "\"detail\":\"booted\"") && g->booted.ns == 0)
		g->booted = at;
	if (says(text, "\"lifecycle\":\"stopped\""))
		g->end = at;
}

static void
add_recorded(struct story *st, const char *text)
{
	const char *ts = strstr(text, "\"ts\":\"");
	const bool src = says(text, "\"host\":\"" SRC "\"");
	struct guest *g;
	struct fm_time at;
	struct item *it;

	if (ts == NULL)
		return;
	ts += strlen("\"ts\":\"");
	cr_assert_eq(fm_time_parse(ts, strcspn(ts, "\""), &at), 0);
	g = guest_of(st, text, at);
	it = add(st, text, at, g == NULL ? src ? SORT_SRC_HOST : SORT_DST_HOST :
		 src ? SORT_SRC : SORT_DST);
	it->guest = g != NULL ? (unsigned)(g - st->guest) : MAX_GUESTS;
	it->accompanies = is_only_company(text);
	if (g != NULL)
		note_times(g, text, at);
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

/*
 * What Nova tells of a guest; ms before or after its migration's start (S), its end (E), or since it was
 * booted (B).
 */
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

#define CREATED \
	{'B', -500, "instance.create.start host=" SRC " state=building task=spawning power=nostate", \
		true}, \
	{'B', 300, "instance.create.end host=" SRC, false}
/* Nova finds out fifteen seconds after libvirt has told, and stops it, asked by nobody (§3.5). */
#define FOUND_OFF \
	{'E', 16000, "instance.power_off.start host=" SRC " task=powering-off", true}, \
	{'E', 17000, "instance.power_off.end host=" SRC " state=stopped power=shutdown", false}
#define PAUSES(a, b) \
	{'B', a, "instance.pause.start host=" SRC " task=pausing", true}, \
	{'B', b, "instance.pause.end host=" SRC " state=paused power=paused", false}
#define UNPAUSES(a, b) \
	{'B', a, "instance.unpause.start host=" SRC " state=paused power=paused task=unpausing", \
		true}, \
	{'B', b, "instance.unpause.end host=" SRC, false}
#define DELETED \
	{'E', -300, "instance.delete.start host=" SRC " task=deleting", true}, \
	{'E', 400, "instance.shutdown.end host=" SRC " task=deleting power=shutdown", true}, \
	{'E', 900, "instance.delete.end host=" SRC " state=deleted power=nostate", false}
static const struct told arrives_paused[] = {
	CREATED,
	{'S', -1500, "instance.pause.start host=" SRC " task=pausing", true},
	{'S', -480, "instance.pause.end host=" SRC " state=paused power=paused", false},
	{'S', -300, "instance.live_migration_pre.start host=" SRC " publisher=" DST
		" state=paused power=paused task=migrating", false},
	{'E', 10, "instance.live_migration_post.start host=" SRC
		" state=paused power=paused task=migrating", true},
	{'E', 60, "instance.live_migration_post_dest.end host=" DST " state=paused power=paused",
		false},
	{'E', 80, "instance.live_migration_post.end host=" SRC
		" state=paused power=paused task=migrating", true},
	{'E', 90, "instance.unpause.start host=" DST " state=paused power=paused task=unpausing",
		true},
	{'E', 160, "instance.unpause.end host=" DST, false},
	{0},
};
static const struct told runs[] = {CREATED, {0}};
static const struct told lives[] = {
	CREATED, PAUSES(2000, 2100), UNPAUSES(5000, 5100), PAUSES(6050, 6110), UNPAUSES(6130, 6200),
	DELETED, {0},
};
static const struct told killed[] = {           /* twice, and started again; then it ends by itself */
	CREATED,
	{'B', 5000, "instance.reboot.start host=" SRC " task=reboot_started_hard", true},
	{'B', 5800, "instance.reboot.end host=" SRC, false},
	{'B', 9700, "instance.reboot.start host=" SRC " task=reboot_started_hard", true},
	{'B', 10300, "instance.reboot.end host=" SRC, false},
	FOUND_OFF, {0},
};
static const struct told goes_off[] = {CREATED, FOUND_OFF, {0}};
static const struct told is_stopped[] = {
	CREATED,
	{'E', -400, "instance.power_off.start host=" SRC " task=powering-off initiator=ann", true},
	{'E', 500, "instance.power_off.end host=" SRC " state=stopped power=shutdown initiator=ann",
		false},
	{0},
};
static const struct told is_deleted[] = {CREATED, DELETED, {0}};
/* Its compute service has a link of its own to libvirtd: it takes no instances until that is back. */
static const struct told loses_libvirtd[] = {
	CREATED,
	{'B', 22700, "service.update host=" SRC " disabled=1 last_seen=-3s", false},
	{'B', 43000, "service.update host=" SRC " last_seen=-3s", false},
	{0},
};
static const struct told is_saved[] = {         /* managedsave, then "start"; dumped in the end */
	CREATED,
	{'B', 4500, "instance.suspend.start host=" SRC " task=suspending", true},
	{'B', 4900, "instance.suspend.end host=" SRC " state=suspended power=shutdown", false},
	{'B', 4950, "instance.resume.start host=" SRC " state=suspended power=shutdown task=resuming",
		true},
	{'B', 5600, "instance.resume.end host=" SRC, false},
	FOUND_OFF, {0},
};
static const struct told is_copied[] = {
	CREATED,
	{'B', 20000, "instance.snapshot.start host=" SRC " task=image_snapshot", true},
	{'B', 28000, "instance.snapshot.end host=" SRC, true},
	DELETED, {0},
};
static const struct told gets_a_disk[] = {
	CREATED,
	{'B', 12000, "instance.volume_attach.start host=" SRC, true},
	{'B', 12500, "instance.volume_attach.end host=" SRC, true},
	{'B', 14200, "instance.volume_detach.start host=" SRC, true},
	{'B', 17500, "instance.volume_detach.end host=" SRC, true},
	{0},
};
static const struct told cannot_start[] = {
	{'B', 100, "instance.create.start host=" SRC " state=building task=spawning power=nostate",
		true},
	{'B', 900, "instance.create.error host=" SRC " state=error power=nostate fault=\"no disk\"",
		false},
	{0},
};
static const struct told is_paused[] = {CREATED, PAUSES(42400, 42600), {0}};
static const struct told is_paused_twice[] = {
	CREATED, PAUSES(3000, 3050), UNPAUSES(3055, 3100), PAUSES(6050, 6200), UNPAUSES(56200, 56350),
	{0},
};

static struct fm_time
time_of(const struct guest *g, const struct told *told)
{
	const struct fm_time from = told->from == 'S' ? g->start : told->from == 'E' ? g->end :
		g->booted.ns != 0 ? g->booted : g->first;

	return fm_time_add(from, fm_span_ms(told->ms));
}

static void
add_told(struct story *st, unsigned guest, const struct told *told)
{
	for (; told->words != NULL; told++) {
		const struct fm_time at = time_of(&st->guest[guest], told);
		struct offline_words words;
		struct fm_arena arena;
		struct fm_err err;
		char *text, *line = fm_asprintf("%s uuid=%s", told->words, st->guest[guest].uuid);

		fm_arena_init(&arena);
		cr_assert_eq(offline_split(&arena, line, &words, &err), 0, "%s", err.msg);
		cr_assert_eq(record_make(st->maker, OFFLINE_NOVA, &words, at, &text, &err), 0,
			     "%s", err.msg);
		struct item *it = add(st, text, at, SORT_NOVA);

		it->accompanies = told->accompanies;
		it->guest = guest;
		free(text);
		free(line);
		fm_arena_fini(&arena);
	}
}

/*
 * What Nova tells of each guest, the last of those given for all others. In the end these alarms
 * of the family 700.00x are active. start_ms: when libvirt tells no start of a migration that
 * Nova begins, since it was booted.
 *
 * Of some there is nothing to tell but that the instance was created: Nova takes no notice of a guest
 * that libvirt pauses or resets by itself (24, 25, most of 23, compute-events §3.5), and what was done
 * by virsh to see how fast a bridge is has nothing like it in Nova (35, 36).
 */
static const struct {
	const char *name;
	unsigned raised;                /* times 700.008 */
	const struct told *told[MAX_GUESTS];
	const char *in_the_end;
	int start_ms;
} stories[] = {
	{"01", 1, {arrives}, "", 0}, {"03", 1, {arrives}, "", 0}, {"03b", 1, {arrives}, "", 0},
	{"04", 1, {aborted}, "", 0}, {"05", 1, {arrives}, "", 0},
	{"06a", 1, {taken_back}, "", 3800}, {"06b", 1, {taken_back, runs}, "", 4500},
	{"06c", 1, {taken_back}, "", 3800}, {"06d", 1, {arrives}, "", 0},
	{"06e", 1, {taken_back}, "", 16700},
	{"07", 1, {taken_back}, "", 0}, {"07b", 1, {dies}, "700.001", 0},
	{"09", 1, {taken_back}, "", 0}, {"10", 1, {taken_back}, "", 0},
	{"11", 1, {arrives}, "", 0}, {"12", 1, {arrives}, "", 0},
	{"13", 1, {arrives}, "", 0}, {"13d", 1, {arrives}, "", 0}, {"14", 1, {arrives}, "", 0},
	{"15", 1, {arrives}, "", 0}, {"17", 5, {arrives}, "", 0},
	{"18", 1, {arrives_paused}, "", 0}, {"21m", 1, {taken_back}, "", 0},
	{"20", 0, {lives}, "", 0}, {"21", 0, {killed}, "700.004", 0},
	{"22", 0, {goes_off, runs}, "700.001 700.001", 0},
	{"23", 0, {runs, goes_off, runs, runs, runs, goes_off}, "700.001 700.004", 0},
	{"24", 0, {runs}, "", 0}, {"25", 0, {runs}, "?", 0},
	{"27", 0, {is_stopped, goes_off, is_stopped, is_deleted}, "700.004 700.004 700.004", 0},
	{"29", 0, {loses_libvirtd}, "", 0}, {"30", 0, {is_copied}, "", 0},
	{"32", 0, {is_saved}, "700.001", 0}, {"33", 0, {gets_a_disk}, "", 0},
	{"34", 0, {cannot_start}, "700.001 700.001 700.001", 0},
	{"35", 0, {runs}, "", 0}, {"36", 0, {runs}, "", 0}, {"37", 0, {is_paused}, "700.002", 0},
	{"39", 0, {is_paused_twice}, "", 0},
};

static bool
load_story(struct story *st, unsigned i)
{
	const struct told *told = NULL;

	if (!read_recording(st, stories[i].name))
		return false;
	st->maker = record_maker_new(NULL, SRC);
	for (unsigned k = 0; k < st->n_guests; k++) {
		struct guest *g = &st->guest[k];

		if (g->start.ns == 0 && stories[i].start_ms == 0 && stories[i].raised > 0)
			continue;       /* a bystander, in the list of a host */
		if (g->start.ns == 0)
			g->start = fm_time_add(g->booted.ns != 0 ? g->booted : g->first,
					       fm_span_ms(stories[i].start_ms));
		if (g->end.ns == 0)     /* nobody tells of an end: of 09, or there is none */
			g->end = fm_time_add(g->start, stories[i].start_ms != 0 ?
					     fm_span_ms(700) : fm_span_s(10));
		told = stories[i].told[k] != NULL ? stories[i].told[k] : told;
		add_told(st, k, told);
	}
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
	struct fm_time last[MAX_GUESTS + 1][SORT_N] = {{{0}}};
	size_t n = 0;

	qsort(st->v, st->n, sizeof(*st->v), by_making);
	for (size_t i = 0; i < st->n; i++) {
		struct item it = st->v[i];
		const uint32_t late = it.sort == SORT_NOVA ? way->nova_ms : way->lv_ms;

		if (way->gaps && it.accompanies && draw(r, 2) == 0)
			continue;
		it.comes = fm_time_add(it.made, fm_span_ms(late + draw(r, way->spread_ms + 1)));
		if (it.sort != SORT_NOVA)
			it.comes = last[it.guest][it.sort] =
				fm_time_max(it.comes, last[it.guest][it.sort]);
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

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Which of two came first is not what is compared. */
static void
sort_lines(struct fm_buf *b)
{
	char *copy = fm_strdup(b->s), *save = NULL, *line[64];
	unsigned n = 0;

	for (char *p = strtok_r(copy, "\n", &save); p != NULL; p = strtok_r(NULL, "\n", &save)) {
		cr_assert_lt(n, FM_ARRAY_LEN(line));
		line[n++] = p;
	}
	qsort(line, n, sizeof(line[0]), by_text);
	fm_buf_reset(b);
	fm_buf_adds(b, "");
	for (unsigned i = 0; i < n; i++)
		fm_buf_addf(b, "%s\n", line[i]);
	free(copy);
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
	sort_lines(&ret->alarms);
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

typedef void check_f(unsigned i, uint64_t seed, const struct result *plain,
		     const struct result *res);

static void
play_story(const struct catalogue *cat, struct story *st, unsigned i, const struct way *way,
	   uint64_t seeds, check_f *check)
{
	static const struct way in_order = {0};
	struct rng none = {0};
	struct result plain;
	size_t n;
	struct item *v = send(st, &in_order, &none, &n);

	receive(cat, v, n, &plain);
	free(v);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct rng r = {seed * 1000 + i};
		struct result res;

		v = send(st, way, &r, &n);
		receive(cat, v, n, &res);
		free(v);
		check(i, seed, &plain, &res);
		drop_result(&res);
	}
	drop_result(&plain);
}

/* Plays each story in one way, so many times, and hands what came of it to check. */
static void
each(const struct way *way, bool many, check_f *check)
{
	struct catalogue *cat = load();
	unsigned played = 0;

	for (unsigned i = 0; i < FM_ARRAY_LEN(stories); i++) {
		struct story st;

		if (!load_story(&st, i))
			continue;
		play_story(cat, &st, i, way, !many ? 1 : stories[i].raised > 0 ? SEEDS : FEW_SEEDS,
			   check);
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
	cr_assert_eq(res->raised, stories[i].raised, "%s, seed %llu: 700.008 raised %u times:\n%s",
		     stories[i].name, (unsigned long long)seed, res->raised, res->told.s);
}

static unsigned
times(const char *text, const char *id)
{
	unsigned n = 0;

	for (; (text = strstr(text, id)) != NULL; text++)
		n++;
	return n;
}

static void
as_it_should(unsigned i, uint64_t seed, const struct result *plain, const struct result *res)
{
	same_and_once(i, seed, plain, res);
	for (unsigned k = 1; k <= 9; k++) {
		char id[16];

		snprintf(id, sizeof(id), "700.00%u", k);
		cr_expect_eq(times(stories[i].in_the_end, id), times(res->alarms.s, id), "%s: %s",
			     stories[i].name, res->alarms.s);
	}
}

/* ---- properties ------------------------------------------------------------------------------------ */

Test(recorded, comes_out_right_in_order)
{
	each(&(struct way){0}, false, as_it_should);
}

Test(recorded, nova_may_be_seconds_ahead)
{
	each(&(struct way){.lv_ms = 4000}, false, as_it_should);
}

Test(recorded, libvirt_may_be_seconds_ahead)
{
	each(&(struct way){.nova_ms = 4000}, false, as_it_should);
}

Test(recorded, nova_may_come_half_a_minute_late)
{
	each(&(struct way){.nova_ms = 30000}, false, same_alarms);
}

Test(recorded, order_within_the_bounds_does_not_matter)
{
	each(&(struct way){.spread_ms = 2000}, true, same_and_once);
}

Test(recorded, repetition_does_not_matter)
{
	each(&(struct way){.spread_ms = 2000, .twice = true}, true, same_and_once);
}

Test(recorded, what_only_accompanies_may_be_missing)
{
	each(&(struct way){.spread_ms = 2000, .twice = true, .gaps = true}, true, same_and_once);
}
