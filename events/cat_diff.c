/*
 * cat_diff: what differs between two catalogues, by their canonical forms: the order of the file, its
 * comments and its way of writing make no difference.
 */
#include "events/cat_load_priv.h"

#define NAMED 10u

struct list {
	struct fm_buf b;
	unsigned n;
};

static void
name_one(struct list *l, const char *id, const char *what)
{
	if (l->n++ >= NAMED)
		return;
	fm_buf_addf(&l->b, "%s%s", l->n > 1 ? ", " : "", id);
	if (what != NULL)
		fm_buf_addf(&l->b, " (%s)", what);
}

static void
end_list(struct list *l, const char *word, struct fm_buf *ret)
{
	if (l->n > 0)
		fm_buf_addf(ret, "%s%s: %s", ret->len > 0 ? "; " : "", word, l->b.s);
	if (l->n > NAMED)
		fm_buf_addf(ret, " and %u more", l->n - NAMED);
	fm_buf_fini(&l->b);
}

static bool
same_buf(const struct fm_buf *a, const struct fm_buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
}

static bool
same_part(const struct cat_record *a, const struct cat_record *b, enum cat_part part)
{
	struct fm_buf was = {0}, is = {0};
	cat_print_part(a, part, &was);
	cat_print_part(b, part, &is);
	const bool same = same_buf(&was, &is);
	fm_buf_fini(&was);
	fm_buf_fini(&is);
	return same;
}

static void
compare(const struct cat_record *was, const struct cat_record *is, struct list *changed)
{
	static const char *const word[PART_N] = {"fields", "rules", "examples"};
	struct fm_buf what = {0};
	for (unsigned part = 0; part < PART_N; part++) {
		if (same_part(was, is, (enum cat_part)part))
			continue;
		fm_buf_addf(&what, "%s%s", what.len > 0 ? ", " : "", word[part]);
		if (part == PART_RULES && was->n_rules != is->n_rules)
			fm_buf_addf(&what, " %u -> %u", was->n_rules, is->n_rules);
	}
	if (what.len > 0)
		name_one(changed, is->id, what.s);
	fm_buf_fini(&what);
}

static void
compare_records(const struct catalogue *was, const struct catalogue *is, struct fm_buf *ret)
{
	struct list added = {0}, gone = {0}, changed = {0};
	unsigned i = 0, k = 0;
	while (i < was->n || k < is->n) {
		const int c = i == was->n ? 1 : k == is->n ? -1 :
			strcmp(was->records[i].id, is->records[k].id);
		if (c == 0)
			compare(&was->records[i], &is->records[k], &changed);
		else if (c < 0)
			name_one(&gone, was->records[i].id, NULL);
		else
			name_one(&added, is->records[k].id, NULL);
		i += c <= 0;
		k += c >= 0;
	}
	end_list(&added, "new", ret);
	end_list(&gone, "gone", ret);
	end_list(&changed, "changed", ret);
}

void
cat_diff(const struct catalogue *was, const struct catalogue *is, struct fm_buf *ret)
{
	struct fm_buf a = {0}, b = {0};
	compare_records(was, is, ret);
	cat_print_limits(&was->limits, &a);
	cat_print_limits(&is->limits, &b);
	if (!same_buf(&a, &b))
		fm_buf_addf(ret, "%sLimits differ", ret->len > 0 ? "; " : "");
	fm_buf_reset(&a);
	fm_buf_reset(&b);
	cat_print_windows(was, &a);
	cat_print_windows(is, &b);
	if (!same_buf(&a, &b))
		fm_buf_addf(ret, "%sMaintenance differs", ret->len > 0 ? "; " : "");
	if (ret->len == 0)
		fm_buf_adds(ret, "nothing differs");
	fm_buf_fini(&a);
	fm_buf_fini(&b);
}
