/*
 * cat_calendar: from a wall clock's times in some zone to instants. The only user of libical, which
 * evaluates recurrence rules (RFC 5545 §3.3.10) and reads the system's database of time zones.
 *
 * What libical 3.0 does not do as the RFC says is done here: a local time that a clock skips is taken
 * with the offset before the gap, one that it shows twice is the first (§3.3.5), and UNTIL is an
 * instant. It knows changes of zones one by one up to the end of 2037 and guesses behind that, so
 * nothing recurs beyond. Some rules that never occur keep it busy for seconds, so the parts of a rule
 * that could do so are refused before it is asked.
 */
#include "events/cat_calendar_priv.h"

#include <libical/ical.h>
#include <stdlib.h>

#define DAY_S (24LL * 3600)
#define LAST_DAY (CAT_WINDOW_HORIZON_S / DAY_S)
#define NOT_KNOWN INT32_MAX
#define ZONE_MAX 64

/* ---- zones ------------------------------------------------------------------------------- */

struct cat_zone {
	icaltimezone *z;
	int32_t at_midnight[LAST_DAY + 4];      /* offset at 00:00 UTC, by day since 1970 */
};

/* A name is a path below the database to libical. */
static bool
is_zone_name(const char *s)
{
	if (*s == '\0' || *s == '/' || strlen(s) > ZONE_MAX || strstr(s, "..") != NULL)
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr("_+-/", *s) != NULL))
			return false;
	return true;
}

const char *
cat_zone_near(const char *name)
{
	icalarray *all = icaltimezone_get_builtin_timezones();
	const char *const *words;
	const char **v = fm_calloc(all->num_elements + 1, sizeof(v[0])), *near;

	for (size_t i = 0; i < all->num_elements; i++)
		v[i] = icaltimezone_get_location(icalarray_element_at(all, i));
	words = v;
	near = cat_nearest(fm_str_of(name), words, (unsigned)all->num_elements);
	free(v);
	return near;
}

struct cat_zone *
cat_zone_open(const char *name)
{
	icaltimezone *z = is_zone_name(name) ? icaltimezone_get_builtin_timezone(name) : NULL;
	struct cat_zone *zone;

	if (z == NULL)
		return NULL;
	zone = fm_malloc(sizeof(*zone));
	zone->z = z;
	for (unsigned i = 0; i < FM_ARRAY_LEN(zone->at_midnight); i++)
		zone->at_midnight[i] = NOT_KNOWN;
	return zone;
}

void
cat_zone_free(struct cat_zone *zone)
{
	free(zone);
}

static int64_t
offset_at(const struct cat_zone *zone, int64_t utc_s)
{
	struct icaltimetype t = icaltime_from_timet_with_zone((time_t)utc_s, 0, NULL);
	int is_daylight;

	return icaltimezone_get_utc_offset_of_utc_time(zone->z, &t, &is_daylight);
}

static int32_t
offset_of_day(struct cat_zone *zone, int64_t day)
{
	int32_t *o;

	day = day < 0 ? 0 : day > LAST_DAY + 3 ? LAST_DAY + 3 : day;
	o = &zone->at_midnight[day];
	if (*o == NOT_KNOWN)
		*o = (int32_t)offset_at(zone, day * DAY_S);
	return *o;
}

/*
 * Seconds since 1970 on that clock's face to seconds since 1970. Where the offset is the same a day
 * before and after, it is that one; no zone changes twice within two days.
 */
int64_t
cat_zone_utc(struct cat_zone *zone, int64_t local_s)
{
	const int64_t day = local_s / DAY_S;
	const int64_t before = offset_of_day(zone, day - 1), after = offset_of_day(zone, day + 2);
	const int64_t first = local_s - (before > after ? before : after);

	if (before == after)
		return local_s - before;
	/* The clock is put back: the larger offset ends, and its reading of the time comes first. */
	if (before > after)
		return offset_at(zone, first) == before ? first : local_s - after;
	/* It is put forward: what it skips is read with the offset before. */
	return offset_at(zone, first) == after ? first : local_s - before;
}

/* ---- rules ------------------------------------------------------------------------------- */

static bool
is_set(const short *by)
{
	return by[0] != ICAL_RECURRENCE_ARRAY_MAX;
}

static bool
has_day(const struct icalrecurrencetype *r)
{
	static const short days_of[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	for (unsigned i = 0; r->by_month[i] != ICAL_RECURRENCE_ARRAY_MAX; i++) {
		const unsigned month = (unsigned)r->by_month[i] - 1;

		for (unsigned j = 0; r->by_month_day[j] != ICAL_RECURRENCE_ARRAY_MAX; j++)
			if (month < FM_ARRAY_LEN(days_of) &&
			    abs(r->by_month_day[j]) <= days_of[month])
				return true;
	}
	return false;
}

/* "2TU" rather than "TU". */
static bool
has_numbered_day(const struct icalrecurrencetype *r)
{
	for (unsigned i = 0; r->by_day[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
		if (icalrecurrencetype_day_position(r->by_day[i]) != 0)
			return true;
	return false;
}

static bool
counts_too_far(const struct icalrecurrencetype *r)
{
	for (unsigned i = 0; r->by_set_pos[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
		if (abs(r->by_set_pos[i]) > 5)
			return true;
	for (unsigned i = 0; r->by_day[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
		if (abs(icalrecurrencetype_day_position(r->by_day[i])) > 5)
			return true;
	return false;
}

/* What a window has no use for, and what libical would search for until the year 20000. */
static const char *
not_taken(const struct icalrecurrencetype *r)
{
	const bool filtered = is_set(r->by_day) || is_set(r->by_month_day) || is_set(r->by_month);

	if (r->freq == ICAL_NO_RECURRENCE)
		return "not a rule such as FREQ=WEEKLY;BYDAY=SA,SU";
	if (r->freq < ICAL_DAILY_RECURRENCE)
		return "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY";
	if (is_set(r->by_second) || is_set(r->by_minute) || is_set(r->by_hour) ||
	    is_set(r->by_year_day) || is_set(r->by_week_no) || r->rscale != NULL)
		return "beside FREQ it may have INTERVAL, COUNT, UNTIL, WKST, BYDAY, BYMONTHDAY, "
			"BYMONTH and BYSETPOS";
	if (counts_too_far(r))
		return "BYSETPOS and the numbers of BYDAY go from -5 to 5";
	if (has_numbered_day(r) && r->freq < ICAL_MONTHLY_RECURRENCE)
		return "days with numbers (2TU) go with FREQ=MONTHLY and YEARLY";
	if (has_numbered_day(r) && is_set(r->by_month_day))
		return "days with numbers (2TU) do not go with BYMONTHDAY";
	if (is_set(r->by_set_pos) && (is_set(r->by_month_day) || has_numbered_day(r) ||
				      r->freq < ICAL_MONTHLY_RECURRENCE))
		return "BYSETPOS goes with FREQ=MONTHLY and YEARLY, and with BYDAY without numbers";
	if (r->freq == ICAL_DAILY_RECURRENCE && r->interval > 1 && filtered)
		return "INTERVAL does not go with the BY parts of FREQ=DAILY: take FREQ=WEEKLY or MONTHLY";
	if (is_set(r->by_month) && is_set(r->by_month_day) && !has_day(r))
		return "no such month has such a day";
	return NULL;
}

static struct icaltimetype
face(int64_t local_s)
{
	return icaltime_from_timet_with_zone((time_t)local_s, 0, NULL);
}

/* UNTIL may be an instant or a day, which libical would compare with the clock's face. */
static int64_t
take_until(struct icalrecurrencetype *r, struct cat_zone *zone)
{
	const struct icaltimetype t = r->until;
	const int64_t s = (int64_t)icaltime_as_timet(t);

	r->until = icaltime_null_time();
	if (icaltime_is_null_time(t))
		return INT64_MAX;
	if (icaltime_is_utc(t))
		return s;
	return t.is_date ? cat_zone_utc(zone, s + DAY_S) - 1 : cat_zone_utc(zone, s);
}

const char *
cat_rule_each(const char *rule, struct cat_zone *zone, int64_t start_s, cat_occurrence_f *f,
	      void *ctx)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=;,+-";
	struct icalrecurrencetype r = icalrecurrencetype_from_string(
		rule[strspn(rule, letters)] == '\0' ? rule : "");
	const char *wrong = not_taken(&r);
	icalrecur_iterator *it;
	int64_t until;

	if (wrong != NULL)
		return wrong;
	until = take_until(&r, zone);
	it = icalrecur_iterator_new(r, face(start_s));
	if (it == NULL)
		return NULL;
	for (;;) {
		const struct icaltimetype t = icalrecur_iterator_next(it);
		const int64_t at = icaltime_is_null_time(t) ? INT64_MAX :
			cat_zone_utc(zone, (int64_t)icaltime_as_timet(t));

		if (at > until || at >= CAT_WINDOW_HORIZON_S || !f(ctx, at))
			break;
	}
	icalrecur_iterator_free(it);
	return NULL;
}
