/*
 * time: instants and spans as text and back. Calendar arithmetic is done on day numbers (the
 * proleptic Gregorian calendar, eras of 400 years); no time zone database, no locale, no clock.
 */
#include "base/base.h"

#include <stdio.h>

#define S_PER_DAY 86400
#define DAYS_PER_ERA 146097             /* 400 years */
#define EPOCH_FROM_ERA 719468           /* days from 0000-03-01 to 1970-01-01 */
#define LAST_SECOND (INT64_MAX / FM_NS_PER_S - 1)
#define LONGEST_SPAN (36525LL * S_PER_DAY * FM_NS_PER_S)

/* Years begin in March here, so that the leap day is the last day of its year. */
static int64_t
days_from_civil(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned era = y / 400, year_of_era = y % 400;
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return (int64_t)era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_ERA;
}

struct civil {
	unsigned year, month, day;
};

static struct civil
civil_from_days(int64_t days)
{
	/* An instant lies within 1677..2262, so the day counted from 0000-03-01 is positive. */
	unsigned n = (unsigned)(days + EPOCH_FROM_ERA);
	unsigned era = n / DAYS_PER_ERA, day_of_era = n % DAYS_PER_ERA;
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
				day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era -
			       (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned m = (5 * day_of_year + 2) / 153;

	struct civil c;
	c.day = day_of_year - (153 * m + 2) / 5 + 1;
	c.month = m < 10 ? m + 3 : m - 9;
	c.year = era * 400 + year_of_era + (c.month <= 2);
	return c;
}

static char *
put_digits(char *p, unsigned value, unsigned width, char after)
{
	for (unsigned i = width; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	p[width] = after;
	return p + width + 1;
}

char *
fm_time_format(struct fm_time t, char buf[FM_TIME_STR])
{
	int64_t s = t.ns / FM_NS_PER_S, ns = t.ns % FM_NS_PER_S;
	if (ns < 0) {
		ns += FM_NS_PER_S;
		s--;
	}
	int64_t days = s / S_PER_DAY, second = s % S_PER_DAY;
	if (second < 0) {
		second += S_PER_DAY;
		days--;
	}
	struct civil c = civil_from_days(days);

	char *p = put_digits(buf, c.year, 4, '-');
	p = put_digits(p, c.month, 2, '-');
	p = put_digits(p, c.day, 2, 'T');
	p = put_digits(p, (unsigned)(second / 3600), 2, ':');
	p = put_digits(p, (unsigned)(second / 60 % 60), 2, ':');
	p = put_digits(p, (unsigned)(second % 60), 2, '.');
	p = put_digits(p, (unsigned)(ns / FM_NS_PER_US), 6, 'Z');
	*p = '\0';
	return buf;
}

/* Adds up digits and remembers whether each of them was one, so that one test serves for all. */
struct digits {
	unsigned bad;
};

static inline unsigned
two(struct digits *d, const char *p)
{
	unsigned tens = (unsigned)(uint8_t)p[0] - '0', ones = (unsigned)(uint8_t)p[1] - '0';
	d->bad |= (tens > 9) | (ones > 9);
	return tens * 10 + ones;
}

static bool
day_exists(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t last[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (month < 1 || month > 12 || day < 1)
		return false;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return day <= (month == 2 && leap ? 29u : last[month - 1]);
}

#define DATE_AND_TIME_LEN 19            /* "2026-11-23T10:15:42" */

static bool
parse_date_and_time(const char *s, int64_t *ret_s)
{
	if (s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':')
		return false;
	if (s[10] != 'T' && s[10] != ' ' && s[10] != 't')
		return false;

	struct digits d = {0};
	unsigned year = two(&d, s) * 100 + two(&d, s + 2);
	unsigned month = two(&d, s + 5), day = two(&d, s + 8);
	unsigned hour = two(&d, s + 11), minute = two(&d, s + 14), second = two(&d, s + 17);
	if (d.bad || year < 1969 || !day_exists(year, month, day))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;

	*ret_s = days_from_civil(year, month, day) * S_PER_DAY + hour * 3600 + minute * 60 + second;
	return true;
}

/* Reads ".118023" at *s. Absence is fine; a point without digits or with more than nine is not. */
static bool
parse_fraction(const char **s, const char *end, int64_t *ret_ns)
{
	int64_t ns = 0, unit = FM_NS_PER_S;
	if (*s < end && **s == '.') {
		const char *p = *s + 1;
		for (; p < end && *p >= '0' && *p <= '9'; p++) {
			unit /= 10;
			if (unit == 0)
				return false;
			ns += (*p - '0') * unit;
		}
		if (p == *s + 1)
			return false;
		*s = p;
	}
	*ret_ns = ns;
	return true;
}

/* Reads "Z", "+01:00" or nothing, which oslo.messaging means as UTC. */
static bool
parse_offset(const char *s, size_t len, int64_t *ret_s)
{
	if (len == 0 || (len == 1 && (s[0] == 'Z' || s[0] == 'z'))) {
		*ret_s = 0;
		return true;
	}
	if (len != 6 || s[3] != ':' || (s[0] != '+' && s[0] != '-'))
		return false;

	struct digits d = {0};
	unsigned hours = two(&d, s + 1), minutes = two(&d, s + 4);
	if (d.bad || hours > 23 || minutes > 59)
		return false;
	int64_t offset = hours * 3600 + minutes * 60;
	*ret_s = s[0] == '-' ? -offset : offset;
	return true;
}

int
fm_time_parse(const char *s, size_t len, struct fm_time *ret)
{
	int64_t seconds, ns, offset;
	if (len < DATE_AND_TIME_LEN || !parse_date_and_time(s, &seconds))
		return -EINVAL;

	const char *end = s + len, *rest = s + DATE_AND_TIME_LEN;
	if (!parse_fraction(&rest, end, &ns))
		return -EINVAL;
	if (!parse_offset(rest, (size_t)(end - rest), &offset))
		return -EINVAL;
	seconds -= offset;
	if (seconds < 0 || seconds > LAST_SECOND)
		return -EINVAL;

	ret->ns = seconds * FM_NS_PER_S + ns;
	return 0;
}

/* Largest first: the first that divides a span exactly gives its shortest form. */
static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{"d", S_PER_DAY * FM_NS_PER_S}, {"h", 3600 * FM_NS_PER_S}, {"m", 60 * FM_NS_PER_S},
	{"s", FM_NS_PER_S}, {"ms", FM_NS_PER_MS}, {"us", FM_NS_PER_US}, {"ns", 1},
};

static int64_t
unit_ns(const char *s, size_t len)
{
	if (len == 0)
		return FM_NS_PER_S;
	for (size_t i = 0; i < FM_ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, s, len) == 0)
			return units[i].ns;
	return 0;
}

int
fm_span_parse(const char *s, size_t len, struct fm_span *ret)
{
	bool negative = len > 0 && s[0] == '-';
	size_t first = negative ? 1 : 0, i = first;
	int64_t number = 0;
	for (; i < len && s[i] >= '0' && s[i] <= '9'; i++) {
		if (number > LONGEST_SPAN / 10)
			return -EINVAL;
		number = number * 10 + (s[i] - '0');
	}
	int64_t unit = unit_ns(s + i, len - i);
	if (i == first || unit == 0 || number > LONGEST_SPAN / unit)
		return -EINVAL;

	ret->ns = negative ? -(number * unit) : number * unit;
	return 0;
}

char *
fm_span_format(struct fm_span d, char buf[FM_SPAN_STR])
{
	if (d.ns == 0) {
		snprintf(buf, FM_SPAN_STR, "0s");
		return buf;
	}
	size_t i = 0;
	while (d.ns % units[i].ns != 0)
		i++;
	snprintf(buf, FM_SPAN_STR, "%lld%s", (long long)(d.ns / units[i].ns), units[i].name);
	return buf;
}
