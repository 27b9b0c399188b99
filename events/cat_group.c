/*
 * cat_group: keys that count: Group (so many members or events within a time) and Flap (so many
 * occurrences of one alarm within a time).
 */
#include "events/cat_load_priv.h"

#define DAY_S (24LL * 3600)

/* True when n is a mapping that has all keys. */
static bool
has_keys(struct load *ld, const struct node *n, const char *what, const char *const *keys,
	 unsigned n_keys)
{
	bool all = true;
	if (!cat_check_keys(ld, n, what, keys, n_keys))
		return false;
	for (unsigned i = 0; i < n_keys; i++) {
		if (node_get(n, keys[i]) != NULL)
			continue;
		cat_find_at(ld, FND_RULE_SHAPE, n, "%s needs %s", what, keys[i]);
		all = false;
	}
	return all;
}

static void
read_by(struct load *ld, const struct node *n, struct cat_group *group)
{
	for (unsigned i = GROUP_NONE + 1; i < GROUP_N; i++) {
		if (n->kind != NODE_SCALAR || strcmp(n->text, cat_group_words[i]) != 0)
			continue;
		group->by = (enum cat_group_by)i;
		return;
	}
	cat_find_at(ld, FND_RULE_SHAPE, n,
		    "Group can be By: host, host_pair, instance, pool or all");
}

void
cat_read_group(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	static const char *const keys[] = {"By", "At_Least", "Within"};
	struct cat_group *group = &rr->rule->group;
	group->by = GROUP_HOST;
	if (!has_keys(ld, n, "Group", keys, FM_ARRAY_LEN(keys)))
		return;
	read_by(ld, node_get(n, "By"), group);
	cat_read_count(ld, FND_NUMBER_RANGE, node_get(n, "At_Least"), "At_Least", 2,
		       CAT_MAX_GROUP, &group->at_least);
	cat_read_span(ld, FND_SPAN_RANGE, node_get(n, "Within"), "Within", fm_span_ms(1),
		      fm_span_s(DAY_S), &group->within);
}

void
cat_read_flap(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	static const char *const keys[] = {"Count", "Within", "Quiet"};
	struct cat_flap *flap = &rr->rule->flap;
	if (!has_keys(ld, n, "Flap", keys, FM_ARRAY_LEN(keys)))
		return;
	cat_read_count(ld, FND_NUMBER_RANGE, node_get(n, "Count"), "Count", 2, CAT_MAX_FLAP,
		       &flap->count);
	cat_read_span(ld, FND_SPAN_RANGE, node_get(n, "Within"), "Within", fm_span_s(1),
		      fm_span_s(DAY_S), &flap->within);
	cat_read_span(ld, FND_SPAN_RANGE, node_get(n, "Quiet"), "Quiet", fm_span_s(1),
		      fm_span_s(DAY_S), &flap->quiet);
}
