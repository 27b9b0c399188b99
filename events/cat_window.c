/*
 * cat_window: when a maintenance window is open: once (From, Until) or recurring (Start, For and a
 * Rule or Days and At), on the clock of a Zone. From texts to instants; the calendar itself is
 * cat_calendar.c's. Used for windows of the catalogue and of operators alike.
 *
 * For is time that passes: an hour that begins before a change of the clock is still an hour.
 */
#include "events/cat_load_priv.h"

#include "events/cat_calendar_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const cat_window_words[WINDOW_N_PARTS] = {
	[WINDOW_FROM] = "From", [WINDOW_UNTIL] = "Until", [WINDOW_START] = "Start",
	[WINDOW_FOR] = "For", [WINDOW_RULE] = "Rule", [WINDOW_DAYS] = "Days", [WINDOW_AT] = "At",
	[WINDOW_ZONE] = "Zone",
};

static const char *const operator_words[WINDOW_N_PARTS] = {
	[WINDOW_FROM] = "from", [WINDOW_UNTIL] = "until", [WINDOW_START] = "start",
	[WINDOW_FOR] = "for", [WINDOW_RULE] = "rule", [WINDOW_DAYS] = "days", [WINDOW_AT] = "at",
	[WINDOW_ZONE] = "zone",
};

#define MIN_FOR_S 1
#define MAX_FOR_S (31LL * 86400)

static bool wrong_with(struct cat_window_wrong *wrong, enum finding_kind kind,
		       enum cat_window_part part, const char *fmt, ...) FM_PRINTF(4, 5);

/* Returns false, for the caller to return. */
static bool
wrong_with(struct cat_window_wrong *wrong, enum finding_kind kind, enum cat_window_part part,
	   const char *fmt, ...)
{
	va_list ap;

	wrong->kind = kind;
	wrong->part = part;
	va_start(ap, fmt);
	vsnprintf(wrong->text, sizeof(wrong->text), fmt, ap);
	va_end(ap);
	return false;
}

/* What whoever has written it calls a part. */
static const char *
word(const struct cat_window_wrong *wrong, enum cat_window_part part)
{
	return (wrong->of_operator ? operator_words : cat_window_words)[part];
}

static const char *
how_it_recurs(const struct cat_window_wrong *wrong)
{
	return wrong->of_operator ? "days and at" : "Every";
}

/* ---- single values ----------------------------------------------------------------------- */

static bool
has_offset(const char *s)
{
	return strlen(s) > 10 && strpbrk(s + 10, "Zz+-") != NULL;
}

/* "2026-03-29", "2026-03-29 02:30", "… 02:30:00": what a clock shows, as if it were UTC. */
static bool
read_face(const char *s, int64_t *ret_s, bool *ret_is_day)
{
	char text[40];
	struct fm_time t;
	const size_t len = strlen(s);
	const char *rest = len == 10 ? " 00:00:00" : len == 16 ? ":00" : "";

	if (has_offset(s) || len > 19 || len < 10)
		return false;
	snprintf(text, sizeof(text), "%s%s", s, rest);
	if (fm_time_parse(text, strlen(text), &t) < 0)
		return false;
	*ret_s = t.ns / FM_NS_PER_S;
	*ret_is_day = len == 10;
	return true;
}

/* From and Until: on the zone's clock, or with an offset of their own. */
static bool
read_instant(const struct cat_window *w, enum cat_window_part part, struct cat_zone *zone,
	     struct fm_time *ret, struct cat_window_wrong *wrong)
{
	const char *s = w->part[part];
	int64_t face;
	bool is_day;

	if (has_offset(s) && fm_time_parse(s, strlen(s), ret) == 0)
		return true;
	if (!read_face(s, &face, &is_day))
		return wrong_with(wrong, FND_WINDOW_VALUE, part, "%s must be a time such as "
				  "\"2026-03-29 02:30\" or 2026-03-29T02:30:00Z",
				  word(wrong, part));
	ret->ns = cat_zone_utc(zone, face) * FM_NS_PER_S;
	return true;
}

static bool
read_for(const struct cat_window *w, struct fm_span *ret, struct cat_window_wrong *wrong)
{
	const char *s = w->part[WINDOW_FOR];

	if (fm_span_parse(s, strlen(s), ret) < 0 || ret->ns < fm_span_s(MIN_FOR_S).ns ||
	    ret->ns > fm_span_s(MAX_FOR_S).ns)
		return wrong_with(wrong, FND_WINDOW_VALUE, WINDOW_FOR,
				  "%s must be a time from 1s to 31d, such as 4h",
				  word(wrong, WINDOW_FOR));
	return true;
}

/* "22:00": seconds of the day. */
static bool
read_at(const char *s, int64_t *ret_s)
{
	char text[40];
	bool is_day;
	const size_t len = strlen(s);

	if (len != 5 && len != 8)
		return false;
	snprintf(text, sizeof(text), "1970-01-01 %s", s);
	return read_face(text, ret_s, &is_day);
}

static bool
read_start(const struct cat_window *w, int64_t *ret_s, struct cat_window_wrong *wrong)
{
	int64_t at = 0;
	bool is_day;

	if (!read_face(w->part[WINDOW_START], ret_s, &is_day))
		return wrong_with(wrong, FND_WINDOW_VALUE, WINDOW_START,
				  "%s must be a time on the zone's clock such as \"2026-03-29 02:30\", "
				  "or a day", word(wrong, WINDOW_START));
	if (w->part[WINDOW_AT] == NULL)
		return true;
	if (!read_at(w->part[WINDOW_AT], &at))
		return wrong_with(wrong, FND_WINDOW_VALUE, WINDOW_AT, "%s must be a time such as 22:00",
				  word(wrong, WINDOW_AT));
	if (!is_day)
		return wrong_with(wrong, FND_WINDOW_FORM, WINDOW_AT,
				  "%s has a time already: with %s it is a day",
				  word(wrong, WINDOW_START), word(wrong, WINDOW_AT));
	*ret_s += at;
	return true;
}

/* ---- the rule ---------------------------------------------------------------------------- */

static const char *const day_names[] = {"monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", "sunday"};
static const char *const day_codes[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

/* "mon" and "monday" alike, in any case. */
static int
day_of(const char *s, size_t len)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(day_names); i++) {
		const size_t full = strlen(day_names[i]);
		size_t same = 0;

		while (same < len && same < full && (s[same] | 0x20) == day_names[i][same])
			same++;
		if (same == len && (len == 3 || len == full))
			return (int)i;
	}
	return -1;
}

static bool
rule_of_days(const struct cat_window *w, struct fm_buf *b, struct cat_window_wrong *wrong)
{
	const char *s = w->part[WINDOW_DAYS];
	const char *comma = ";BYDAY=";

	if (s == NULL) {
		fm_buf_adds(b, "FREQ=DAILY");
		return true;
	}
	fm_buf_adds(b, "FREQ=WEEKLY");
	for (const char *p = s; ; p++) {
		const size_t len = strcspn(p, ",");
		const int day = day_of(p, len);

		if (day < 0)
			return wrong_with(wrong, FND_WINDOW_VALUE, WINDOW_DAYS,
					  "%s must be days such as mon or saturday",
					  word(wrong, WINDOW_DAYS));
		fm_buf_addf(b, "%s%s", comma, day_codes[day]);
		comma = ",";
		p += len;
		if (*p == '\0')
			return true;
	}
}

/* ---- occurrences ------------------------------------------------------------------------- */

struct collecting {
	struct cat_interval *v;
	unsigned n, max;
	struct fm_time now;
	struct fm_span length;
	struct cat_window_found *found;
};

static bool
collect(void *ctx, int64_t at_s)
{
	struct collecting *c = ctx;
	const struct fm_time begin = {at_s * FM_NS_PER_S}, end = fm_time_add(begin, c->length);
	struct cat_interval *last = c->n > 0 ? &c->v[c->n - 1] : NULL;

	if (end.ns <= c->now.ns)
		return true;
	if (last != NULL && begin.ns <= last->end.ns) {
		c->found->overlap |= begin.ns < last->end.ns;
		last->end = end;
		return true;
	}
	if (c->n == c->max) {
		c->found->more = true;
		return false;
	}
	c->v[c->n++] = (struct cat_interval){begin, end};
	return true;
}

static bool
recurring(struct cat_window *w, struct cat_zone *zone, struct collecting *c,
	  struct cat_window_wrong *wrong)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf rule = {0};
	int64_t start;
	const char *not;

	if (!read_start(w, &start, wrong) || !read_for(w, &c->length, wrong))
		return false;
	if (w->part[WINDOW_RULE] != NULL)
		fm_buf_adds(&rule, w->part[WINDOW_RULE]);
	else if (!rule_of_days(w, &rule, wrong))
		return false;
	not = cat_rule_each(rule.s, zone, start, collect, c);
	return not == NULL || wrong_with(wrong, FND_WINDOW_RULE, WINDOW_RULE, "%s", not);
}

static bool
once(struct cat_window *w, struct cat_zone *zone, struct collecting *c,
     struct cat_window_wrong *wrong)
{
	struct fm_time from, until;

	if (!read_instant(w, WINDOW_FROM, zone, &from, wrong) ||
	    !read_instant(w, WINDOW_UNTIL, zone, &until, wrong))
		return false;
	if (until.ns <= from.ns)
		return wrong_with(wrong, FND_WINDOW_ORDER, WINDOW_UNTIL,
				  "%s is not after %s", word(wrong, WINDOW_UNTIL),
				  word(wrong, WINDOW_FROM));
	c->length = fm_time_diff(until, from);
	if (until.ns > c->now.ns)
		c->v[c->n++] = (struct cat_interval){from, until};
	return true;
}

/* ---- the form ---------------------------------------------------------------------------- */

/* Which parts each of the two forms has, must have or cannot have. */
static bool
check_form(const struct cat_window *w, bool *ret_once, struct cat_window_wrong *wrong)
{
	const bool is_once = w->part[WINDOW_FROM] != NULL || w->part[WINDOW_UNTIL] != NULL;
	const enum cat_window_part a = is_once ? WINDOW_FROM : WINDOW_START;
	const enum cat_window_part b = is_once ? WINDOW_UNTIL : WINDOW_FOR;

	*ret_once = is_once;
	if (is_once && (w->part[a] == NULL || w->part[b] == NULL))
		return wrong_with(wrong, FND_WINDOW_FORM, WINDOW_N_PARTS,
				  "a window that is once has %s and %s", word(wrong, a), word(wrong, b));
	if (w->part[a] == NULL || w->part[b] == NULL)
		return wrong_with(wrong, FND_WINDOW_FORM, WINDOW_N_PARTS,
				  "a window has %s and %s, or %s, %s and %s or %s",
				  word(wrong, WINDOW_FROM), word(wrong, WINDOW_UNTIL), word(wrong, a),
				  word(wrong, b), word(wrong, WINDOW_RULE), how_it_recurs(wrong));
	for (enum cat_window_part p = WINDOW_START; is_once && p <= WINDOW_AT; p++)
		if (w->part[p] != NULL)
			return wrong_with(wrong, FND_WINDOW_FORM, p, "%s does not go with %s and %s",
					  word(wrong, p), word(wrong, a), word(wrong, b));
	if (is_once)
		return true;
	if (w->part[WINDOW_RULE] != NULL &&
	    (w->part[WINDOW_DAYS] != NULL || w->part[WINDOW_AT] != NULL))
		return wrong_with(wrong, FND_WINDOW_FORM, WINDOW_RULE,
				  "%s and %s both say how it recurs", word(wrong, WINDOW_RULE),
				  how_it_recurs(wrong));
	if (w->part[WINDOW_RULE] == NULL && w->part[WINDOW_DAYS] == NULL &&
	    w->part[WINDOW_AT] == NULL)
		return wrong_with(wrong, FND_WINDOW_FORM, WINDOW_START,
				  "how does it recur? %s or %s is needed", word(wrong, WINDOW_RULE),
				  how_it_recurs(wrong));
	return true;
}

static struct cat_zone *
open_zone(const struct cat_window *w, struct cat_window_wrong *wrong)
{
	const char *name = w->part[WINDOW_ZONE] != NULL ? w->part[WINDOW_ZONE] : "UTC";
	struct cat_zone *zone = cat_zone_open(name);
	const char *near = zone == NULL ? cat_zone_near(name) : NULL;

	if (zone == NULL)
		(void)wrong_with(wrong, FND_WINDOW_ZONE, WINDOW_ZONE, near != NULL ?
				 "this system knows no such time zone; did you mean \"%s\"?" :
				 "this system knows no such time zone%s", near != NULL ? near : "");
	return zone;
}

bool
cat_window_times(struct cat_window *w, struct fm_time now, unsigned max, struct fm_arena *arena,
		 struct cat_window_found *ret, struct cat_window_wrong *wrong)
{
	struct collecting c = {.max = max, .now = now, .found = ret};
	struct cat_zone *zone;
	bool is_once, ok;

	*ret = (struct cat_window_found){0};
	if (!check_form(w, &is_once, wrong))
		return false;
	zone = open_zone(w, wrong);
	if (zone == NULL)
		return false;
	c.v = fm_calloc(max, sizeof(c.v[0]));
	ok = is_once ? once(w, zone, &c, wrong) : recurring(w, zone, &c, wrong);
	if (ok && c.n == 0)
		ok = wrong_with(wrong, FND_WINDOW_NEVER, is_once ? WINDOW_UNTIL : WINDOW_START,
				now.ns > 0 ? "it is over already" : "it never occurs (before 2038)");
	if (ok) {
		struct cat_interval *v = fm_arena_alloc(arena, c.n * sizeof(v[0]));

		memcpy(v, c.v, c.n * sizeof(v[0]));
		w->at = v;
		w->n = c.n;
	}
	free(c.v);
	cat_zone_free(zone);
	return ok;
}

/* ---- from texts --------------------------------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool
cat_window_sort(const char **v, unsigned *n)
{
	unsigned kept = 0;

	qsort(v, *n, sizeof(v[0]), by_text);
	for (unsigned i = 0; i < *n; i++)
		if (kept == 0 || strcmp(v[kept - 1], v[i]) != 0)
			v[kept++] = v[i];
	const bool doubles = kept < *n;

	*n = kept;
	return doubles;
}

/* "a,b"; NULL: an item is empty, or there are too many. */
static const char *const *
split(const char *s, struct fm_arena *arena, unsigned *ret_n)
{
	const char **v = fm_arena_alloc(arena, CAT_MAX_WINDOW_ITEMS * sizeof(v[0]));
	unsigned n = 0;

	for (const char *p = s; ; p++) {
		const size_t len = strcspn(p, ",");

		if (len == 0 || n == CAT_MAX_WINDOW_ITEMS)
			return NULL;
		v[n++] = fm_arena_strndup(arena, p, len);
		p += len;
		if (*p == '\0')
			break;
	}
	cat_window_sort(v, &n);
	*ret_n = n;
	return v;
}

static bool
is_name(const char *s)
{
	const size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return len > 0 && len <= CAT_MAX_WINDOW_NAME;
}

static int
take_scope(const struct cat_window_text *text, struct fm_arena *arena, struct cat_window *w,
	   struct fm_err *err)
{
	struct entity_segment seg[FM_MAX_SEGMENTS];

	if (!is_name(text->name))
		return fm_fail(err, -EINVAL, "name: 1 to %u bytes, no control characters",
			       CAT_MAX_WINDOW_NAME);
	if (strcmp(text->alarms, "all") != 0)
		w->alarms = split(text->alarms, arena, &w->n_alarms);
	if (w->alarms == NULL && strcmp(text->alarms, "all") != 0)
		return fm_fail(err, -EINVAL, "alarms: \"all\", or ids joined by commas");
	for (unsigned i = 0; i < w->n_alarms; i++)
		if (strcmp(w->alarms[i], "all") == 0)
			return fm_fail(err, -EINVAL, "alarms: \"all\" stands alone");
	if (text->entities != NULL)
		w->entities = split(text->entities, arena, &w->n_entities);
	if (w->entities == NULL && text->entities != NULL)
		return fm_fail(err, -EINVAL, "entities: paths joined by commas");
	for (unsigned i = 0; i < w->n_entities; i++)
		if (entity_parse(w->entities[i], strlen(w->entities[i]), seg) < 0)
			return fm_fail(err, -EINVAL, "entities: %s is no path such as host=compute-1",
				       w->entities[i]);
	return 0;
}

int
cat_window_make(const struct cat_window_text *text, struct fm_time now, unsigned max,
		struct fm_arena *arena, struct cat_window *ret, bool *ret_more, struct fm_err *err)
{
	struct cat_window w = {.logs = text->logs};
	struct cat_window_found found;
	struct cat_window_wrong wrong = {.of_operator = true};
	const int r = take_scope(text, arena, &w, err);

	if (r < 0)
		return r;
	w.name = fm_arena_strndup(arena, text->name, strlen(text->name));
	for (unsigned i = 0; i < WINDOW_N_PARTS; i++)
		if (text->part[i] != NULL)
			w.part[i] = fm_arena_strndup(arena, text->part[i], strlen(text->part[i]));
	if (!cat_window_times(&w, now, max, arena, &found, &wrong))
		return fm_fail(err, -EINVAL, "%s", wrong.text);
	*ret = w;
	*ret_more = found.more;
	return 0;
}
