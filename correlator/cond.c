/*
 * cond: whether an If holds.
 */
#include "correlator/correlator_priv.h"

static bool
number_holds(const struct cat_cond *c, int64_t n)
{
	switch (c->op) {
	case COND_EQ:
		return n == c->num;
	case COND_NE:
		return n != c->num;
	case COND_LT:
		return n < c->num;
	case COND_LE:
		return n <= c->num;
	case COND_GT:
		return n > c->num;
	case COND_GE:
		return n >= c->num;
	case COND_HAS:
	case COND_AND:
	case COND_OR:
	case COND_NOT:
		return false;
	}
	return false;
}

/* What is not known compares with nothing: not even "!=" is true. */
static bool
compare(const struct correlator *corr, const struct cat_cond *c, const struct fact_values *v)
{
	char buf[FM_UUID_STR];

	if (fact_attr_is_int((enum fact_attr)c->attr)) {
		const int64_t n = value_int(corr, v, c->attr);

		return n != EV_ABSENT && number_holds(c, n);
	}
	const char *s = value_text(v, c->attr, buf);

	if (s == NULL || s[0] == '\0')
		return false;
	if (c->op == COND_HAS)
		return strstr(s, c->text) != NULL;
	return (strcmp(s, c->text) == 0) == (c->op == COND_EQ);
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
