/*
 * cat_clear: "Clear", the events that end what an "On" has raised.
 */
#include "events/cat_load_priv.h"

static const char *
subject_word(enum fact_id fact)
{
	return fact_subject_of(fact) == SUBJECT_HOST ? "a host" : "an instance";
}

static bool
read_clear_fact(struct load *ld, const struct cat_rule *rule, const struct node *n,
		enum fact_id *ret)
{
	if (!cat_want_text(ld, FND_UNKNOWN_FACT, n, "Clear"))
		return false;
	if (!fact_parse(n->text, n->len, ret)) {
		cat_find_at(ld, FND_UNKNOWN_FACT, n, "%s is not a fact%s",
			    cat_quote(ld, node_str(n)), cat_suggest_fact(ld, node_str(n)));
		return false;
	}
	if (fact_is_state(*ret))
		cat_find_at(ld, FND_CLEAR_FACT, n, "%s is a state; Clear takes events", n->text);
	else if (fact_subject_of(*ret) != fact_subject_of(rule->fact))
		cat_find_at(ld, FND_CLEAR_FACT, n,
			    "%s is about %s and %s about %s: it cannot clear it", n->text,
			    subject_word(*ret), fact_name(rule->fact), subject_word(rule->fact));
	return true;
}

static void
read_clear(struct load *ld, const struct cat_rule *rule, const struct node *n,
	   struct cat_clear *ret)
{
	static const char *const keys[] = {"On", "If"};
	const struct node *on = n, *cond = NULL;
	if (n->kind == NODE_MAP) {
		cat_check_keys(ld, n, "Clear", keys, FM_ARRAY_LEN(keys));
		on = node_get(n, "On");
		cond = node_get(n, "If");
	}
	if (on == NULL) {
		cat_find_at(ld, FND_RULE_SHAPE, n, "Clear needs On: the event that clears");
		return;
	}
	if (!read_clear_fact(ld, rule, on, &ret->fact))
		return;
	if (cond != NULL)
		cat_read_if(ld, ret->fact, cond, &ret->when);
	else if (ret->fact == rule->fact)
		cat_find_at(ld, FND_CLEAR_SELF, n,
			    "%s raises this alarm; an If has to say which of them clears it",
			    on->text);
}

void
cat_read_clear(struct load *ld, struct cat_rule *rule, const struct node *n)
{
	const unsigned count = n->kind == NODE_LIST ? n->n : 1;
	if (count == 0 || count > CAT_MAX_CLEARS) {
		cat_find_at(ld, FND_RULE_SHAPE, n, "Clear must be one to %u events",
			    CAT_MAX_CLEARS);
		return;
	}
	struct cat_clear *clears = fm_arena_alloc(&ld->cat->arena, count * sizeof(clears[0]));
	unsigned i = 0;
	for (const struct node *item = cat_first_of(n); item != NULL; item = cat_next_of(n, item))
		read_clear(ld, rule, item, &clears[i++]);
	rule->clears = clears;
	rule->n_clears = count;
}
