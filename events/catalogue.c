/*
 * catalogue: queries on a loaded catalogue. Pure: no allocation, no file, no YAML; how a
 * catalogue comes to be is in cat_load.c.
 */
#include "events/cat_priv.h"

static const struct cat_text_part no_part[] = {{"", -1}};
static const struct cat_text no_text = {"", no_part, 0};

const struct cat_record *
cat_find(const struct catalogue *cat, const char *id)
{
	size_t low = 0, high = cat->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(id, cat->records[mid].id);
		if (order == 0)
			return &cat->records[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct cat_limits *
cat_limits(const struct catalogue *cat)
{
	return &cat->limits;
}

uint64_t
cat_hash(const struct catalogue *cat)
{
	return cat->hash;
}

unsigned
cat_count(const struct catalogue *cat)
{
	return cat->n;
}

const struct cat_record *
cat_at(const struct catalogue *cat, unsigned i)
{
	fm_assert(i < cat->n);
	return &cat->records[i];
}

unsigned
cat_rules_on(const struct catalogue *cat, enum fact_id fact, const struct cat_rule *const **ret)
{
	fm_assert((unsigned)fact < FACT_N);
	*ret = cat->rules_on[fact];
	return cat->n_rules_on[fact];
}

unsigned
cat_clears_on(const struct catalogue *cat, enum fact_id fact, const struct cat_clearing **ret)
{
	fm_assert((unsigned)fact < FACT_N);
	*ret = cat->clears_on[fact];
	return cat->n_clears_on[fact];
}

const struct cat_text *
cat_text_for(const struct cat_record *rec, enum severity sev)
{
	if (rec->text[sev].source != NULL)
		return &rec->text[sev];
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		if (rec->text[i].source != NULL)
			return &rec->text[i];
	return &no_text;
}

const char *
cat_repair_for(const struct cat_record *rec, enum severity sev)
{
	return rec->repair[sev] != NULL ? rec->repair[sev] : rec->repair[SEV_NONE];
}

bool
cat_service_affecting_for(const struct cat_record *rec, enum severity sev)
{
	return rec->service_affecting[sev];
}

/* ---- windows ----------------------------------------------------------------------------- */

unsigned
cat_windows(const struct catalogue *cat, const struct cat_window **ret)
{
	*ret = cat->windows;
	return cat->n_windows;
}

/* The first interval that ends after t; n when there is none. */
static unsigned
not_over(const struct cat_window *w, struct fm_time t)
{
	unsigned low = 0, high = w->n;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (w->at[mid].end.ns > t.ns)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

bool
cat_window_open(const struct cat_window *w, struct fm_time t)
{
	unsigned i = not_over(w, t);
	return i < w->n && w->at[i].begin.ns <= t.ns;
}

bool
cat_window_next(const struct cat_window *w, struct fm_time t, struct fm_time *ret)
{
	unsigned i = not_over(w, t);
	if (i == w->n)
		return false;
	*ret = w->at[i].begin.ns > t.ns ? w->at[i].begin : w->at[i].end;
	return true;
}
