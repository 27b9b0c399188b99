/*
 * cat_limits: the top-level block Limits. A table of keys, their defaults and ranges; the defaults
 * are those of compute-events §2 (180 s and 800 s of StarlingX, 500 ms of Nova).
 */
#include "events/cat_load_priv.h"

#define DAY_S (24LL * 3600)

enum unit { SECONDS, MILLISECONDS, SPAN, COUNT };

/* Where a limit lies in struct cat_limits, its default, least and greatest value in its unit. */
static const struct limit {
	const char *name;
	enum unit unit;
	size_t offset;
	int64_t usual, min, max;
} limits[] = {
#define AT(field) offsetof(struct cat_limits, field)
	{"Soft", SECONDS, AT(soft_s), 180, 0, 7 * DAY_S},
	{"Hard", SECONDS, AT(hard_s), 800, 0, 7 * DAY_S},
	{"Min", SECONDS, AT(min_s), 120, 0, 7 * DAY_S},
	{"Max", SECONDS, AT(max_s), 800, 1, 7 * DAY_S},
	{"Unknown", SECONDS, AT(unknown_s), 960, 1, 30 * DAY_S},
	{"Downtime", MILLISECONDS, AT(downtime_ms), 500, 1, 3600 * 1000},
	{"Downtime_Min", MILLISECONDS, AT(downtime_min_ms), 100, 0, 3600 * 1000},
	{"Settle", SPAN, AT(settle), 60 * FM_NS_PER_S, 0, 3600 * FM_NS_PER_S},
	{"Keep_Cleared", SPAN, AT(keep_cleared), 3600 * FM_NS_PER_S, 0, 365 * DAY_S * FM_NS_PER_S},
	{"Max_Cleared", COUNT, AT(max_cleared), 20000, 0, 10000000},
	{"Max_Alarms", COUNT, AT(max_alarms), 200000, 1, 10000000},
	{"Storm", COUNT, AT(storm), 1000, 0, 10000000},
	{"Storm_Window", SPAN, AT(storm_window), 10 * FM_NS_PER_S, FM_NS_PER_S,
	 3600 * FM_NS_PER_S},
	{"Storm_Pass", COUNT, AT(storm_pass), 10, 0, 10000000},
#undef AT
};

static int64_t
unit_ns(enum unit unit)
{
	switch (unit) {
	case SECONDS:
		return FM_NS_PER_S;
	case MILLISECONDS:
		return FM_NS_PER_MS;
	case SPAN:
	case COUNT:
		return 1;
	}
	return 1;
}

static void
put(struct cat_limits *lim, const struct limit *l, int64_t value)
{
	char *at = (char *)lim + l->offset;
	struct fm_span span = {value};
	unsigned number = (unsigned)value;
	switch (l->unit) {
	case SECONDS:
	case MILLISECONDS:
		memcpy(at, &value, sizeof(value));
		break;
	case SPAN:
		memcpy(at, &span, sizeof(span));
		break;
	case COUNT:
		memcpy(at, &number, sizeof(number));
		break;
	}
}

void
cat_limits_default(struct cat_limits *lim)
{
	*lim = (struct cat_limits){0};
	for (unsigned i = 0; i < FM_ARRAY_LEN(limits); i++)
		put(lim, &limits[i], limits[i].usual);
}

static void
read_count(struct load *ld, const struct limit *l, const struct node *n)
{
	unsigned value;
	if (cat_read_count(ld, FND_LIMIT_VALUE, n, l->name, (unsigned)l->min, (unsigned)l->max,
			   &value))
		put(&ld->cat->limits, l, value);
}

static void
read_span(struct load *ld, const struct limit *l, const struct node *n)
{
	int64_t unit = unit_ns(l->unit);
	struct fm_span min = {l->min * unit}, max = {l->max * unit}, span;
	if (!cat_read_span(ld, FND_LIMIT_VALUE, n, l->name, min, max, &span))
		return;
	if (span.ns % unit != 0)
		cat_find_at(ld, FND_LIMIT_VALUE, n, "%s must be whole %s", l->name,
			    l->unit == SECONDS ? "seconds" : "milliseconds");
	put(&ld->cat->limits, l, span.ns / unit);
}

static void
read_mode(struct load *ld, const struct node *n)
{
	if (n->kind == NODE_SCALAR && strcmp(n->text, "per-gib") == 0)
		ld->cat->limits.per_gib = true;
	else if (n->kind != NODE_SCALAR || strcmp(n->text, "total") != 0)
		cat_find_at(ld, FND_LIMIT_VALUE, n, "Mode must be total or per-gib");
}

static void
read_key(struct load *ld, const struct node *key)
{
	const char *names[FM_ARRAY_LEN(limits) + 1];
	for (unsigned i = 0; i < FM_ARRAY_LEN(limits); i++) {
		names[i] = limits[i].name;
		if (strcmp(key->text, names[i]) != 0)
			continue;
		if (limits[i].unit == COUNT)
			read_count(ld, &limits[i], key->value);
		else
			read_span(ld, &limits[i], key->value);
		return;
	}
	names[FM_ARRAY_LEN(limits)] = "Mode";
	if (strcmp(key->text, "Mode") == 0)
		read_mode(ld, key->value);
	else
		cat_find_at(ld, FND_UNKNOWN_LIMIT, key, "%s is not a key of Limits%s",
			    cat_quote(ld, node_str(key)),
			    cat_suggest(ld, node_str(key), names, FM_ARRAY_LEN(names)));
}

static void
check_order(struct load *ld, const struct node *n, const struct cat_limits *lim)
{
	if (lim->min_s > lim->max_s)
		cat_find_at(ld, FND_LIMIT_ORDER, n, "Min is above Max");
	if (lim->hard_s != 0 && lim->soft_s >= lim->hard_s)
		cat_find_at(ld, FND_LIMIT_ORDER, n, "Soft is not below Hard");
	if (lim->unknown_s <= lim->hard_s)
		cat_find_at(ld, FND_LIMIT_ORDER, n, "Unknown is not above Hard");
	if (lim->downtime_min_ms > lim->downtime_ms)
		cat_find_at(ld, FND_LIMIT_ORDER, n, "Downtime_Min is above Downtime");
	if (lim->hard_s != 0 && (lim->hard_s < lim->min_s || lim->hard_s > lim->max_s))
		cat_find_at(ld, FND_LIMIT_OUTSIDE, n,
			    "Hard lies outside Min..Max: instances with and without a limit of "
			    "their own are judged by different ranges");
}

void
cat_read_limits(struct load *ld, const struct node *n)
{
	if (n->kind != NODE_MAP) {
		cat_find_at(ld, FND_LIMIT_VALUE, n,
			    "Limits must be a mapping such as {Hard: 800s}");
		return;
	}
	ld->cat->limits.line = n->line;
	ld->cat->limits.column = n->column;
	for (const struct node *key = n->first; key != NULL; key = key->next)
		read_key(ld, key);
	check_order(ld, n, &ld->cat->limits);
}

/* ---- against fmd.yaml -------------------------------------------------------------------- */

void
cat_check_retention(const struct catalogue *cat, struct fm_span keep, struct cat_findings *ret)
{
	const unsigned number = 605;
	char kept[FM_SPAN_STR], span[FM_SPAN_STR];
	if (keep.ns == 0)
		return;
	fm_span_format(keep, kept);
	if (cat->limits.keep_cleared.ns > keep.ns)
		cat_findings_add(ret, number,
				 (struct cat_place){NULL, cat->limits.line, cat->limits.column},
				 "Keep_Cleared is %s, but history goes back %s only: shorten it or "
				 "raise retention.age", fm_span_format(cat->limits.keep_cleared, span),
				 kept);
	for (unsigned i = 0; i < cat->n; i++) {
		const struct cat_record *rec = &cat->records[i];
		for (unsigned j = 0; j < rec->n_rules; j++) {
			const struct cat_rule *rule = &rec->rules[j];
			if (rule->expire.ns > keep.ns)
				cat_findings_add(ret, number,
						 (struct cat_place){rec->id, rule->line,
								    rule->column},
						 "Expire is %s: when the alarm ends, its raise has "
						 "left the history (%s)",
						 fm_span_format(rule->expire, span), kept);
		}
	}
	cat_findings_sort(ret);
}
