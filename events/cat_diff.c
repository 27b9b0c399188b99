/*
 * cat_diff: what differs between two catalogues, by their canonical forms: the order of the file, its
 * comments and its way of writing make no difference.
 */
#include "events/cat_load_priv.h"

#include <stdlib.h>

#define NAMED 10u

static void
put_list(struct fm_list *l, const char *word, struct fm_buf *ret)
{
	if (l->n > 0)
		fm_buf_addf(ret, "%s%s: %s", ret->len > 0 ? "; " : "", word, fm_list_end(l));
	fm_list_fini(l);
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
compare(const struct cat_record *was, const struct cat_record *is, struct fm_list *changed)
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
	if (what.len > 0) {
		char *text = fm_asprintf("%s (%s)", is->id, what.s);
		fm_list_add(changed, text);
		free(text);
	}
	fm_buf_fini(&what);
}

static void
compare_records(const struct catalogue *was, const struct catalogue *is, struct fm_buf *ret)
{
	struct fm_list added = {.most = NAMED}, gone = {.most = NAMED}, changed = {.most = NAMED};
	unsigned i = 0, k = 0;
	while (i < was->n || k < is->n) {
		const int c = i == was->n ? 1 : k == is->n ? -1 :
			strcmp(was->records[i].id, is->records[k].id);
		if (c == 0)
			compare(&was->records[i], &is->records[k], &changed);
		else if (c < 0)
			fm_list_add(&gone, was->records[i].id);
		else
			fm_list_add(&added, is->records[k].id);
		i += c <= 0;
		k += c >= 0;
	}
	put_list(&added, "new", ret);
	put_list(&gone, "gone", ret);
	put_list(&changed, "changed", ret);
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
