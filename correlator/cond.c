/*
 * cond: whether an If holds, and which of a record's rules on one fact applies: the first whose If does.
 */
#include "correlator/correlator_priv.h"

static bool
number_holds(enum cat_cond_op op, int64_t n, int64_t with)
{
	switch (op) {
	case COND_EQ:
		return n == with;
	case COND_NE:
		return n != with;
	case COND_LT:
		return n < with;
	case COND_LE:
		return n <= with;
	case COND_GT:
		return n > with;
	case COND_GE:
		return n >= with;
	case COND_HAS:
	case COND_AND:
	case COND_OR:
	case COND_NOT:
		return false;
	}
	return false;
}

static bool
text_holds(enum cat_cond_op op, const char *s, const char *with)
{
	if (op == COND_HAS)
		return strstr(s, with) != NULL;
	return (strcmp(s, with) == 0) == (op == COND_EQ);
}

/* What is not known compares with nothing: not even "!=" is true. */
static bool
compare(const struct correlator *corr, const struct cat_cond *c, const struct fact_values *v)
{
	char buf[FM_UUID_STR], other_buf[FM_UUID_STR];

	if (fact_attr_is_int((enum fact_attr)c->attr)) {
		const int64_t n = value_int(corr, v, c->attr);
		const int64_t with = c->other >= 0 ? value_int(corr, v, c->other) : c->num;

		return n != EV_ABSENT && with != EV_ABSENT && number_holds(c->op, n, with);
	}
	const char *s = value_text(v, c->attr, buf);
	const char *with = c->other >= 0 ? value_text(v, c->other, other_buf) : c->text;

	return s != NULL && s[0] != '\0' && with != NULL && (c->other < 0 || with[0] != '\0') &&
		text_holds(c->op, s, with);
}

static bool
holds(const struct correlator *corr, const struct cat_cond *c, const struct fact_values *v)
{
	if (c->op == COND_AND)
		return holds(corr, c->left, v) && holds(corr, c->right, v);
	if (c->op == COND_OR)
		return holds(corr, c->left, v) || holds(corr, c->right, v);
	if (c->op == COND_NOT)
		return !holds(corr, c->left, v);
	return compare(corr, c, v);
}

bool
cond_holds(const struct correlator *corr, const struct cat_if *when, const struct fact_values *v)
{
	return when->root == NULL || holds(corr, when->root, v);
}

/* ---- several rules --------------------------------------------------------------------------- */

unsigned
cond_alternatives(const struct cat_rule *const *rule, unsigned n, unsigned first)
{
	unsigned end = first + 1;

	while (end < n && rule[end]->record == rule[first]->record)
		end++;
	return end;
}

const struct cat_rule *
cond_first(const struct correlator *corr, const struct cat_rule *const *rule, unsigned n,
	   const struct fact_values *v)
{
	for (unsigned i = 0; i < n; i++)
		if (cond_holds(corr, &rule[i]->when, v))
			return rule[i];
	return NULL;
}
