/*
 * cat_step: what changes a rule's severity: Threshold (by a measured value) and Escalate (by time).
 */
#include "events/cat_load_priv.h"

#define DAY_S (24LL * 3600)
#define MAX_WHOLE_DIGITS 12
#define MAX_FRACTION_DIGITS 3

/* ---- Threshold --------------------------------------------------------------------------- */

/* "12.5": few enough digits that printing and reading again give the same double. */
static bool
parse_number(const char *s, double *ret)
{
	double whole = 0, fraction = 0, scale = 1;
	unsigned n = 0, m = 0;
	for (; *s >= '0' && *s <= '9'; s++, n++)
		whole = whole * 10 + (*s - '0');
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, m++) {
			fraction = fraction * 10 + (*s - '0');
			scale *= 10;
		}
		if (m == 0)
			return false;
	}
	if (*s != '\0' || n == 0 || n > MAX_WHOLE_DIGITS || m > MAX_FRACTION_DIGITS)
		return false;
	*ret = (whole * scale + fraction) / scale;
	return true;
}

static bool
parse_bound(const char *s, bool *ret_or_equal, double *ret)
{
	if (*s++ != '>')
		return false;
	bool or_equal = *s == '=';
	s += or_equal;
	while (*s == ' ')
		s++;
	if (!parse_number(s, ret))
		return false;
	*ret_or_equal = or_equal;
	return true;
}

static void
read_bound(struct load *ld, const struct rule_reading *rr, const struct node *key,
	   enum severity sev)
{
	struct cat_threshold *th = &rr->rule->threshold;
	const struct node *n = key->value;
	if (!cat_want_listed(ld, rr->rec, key, sev))
		return;
	if (n->kind != NODE_SCALAR || !parse_bound(n->text, &th->or_equal[sev], &th->above[sev])) {
		cat_find_at(ld, FND_BOUND, n, "%s must be \"> number\" or \">= number\", quoted",
			    key->text);
		return;
	}
	th->given[sev] = true;
}

static int
read_attribute(struct load *ld, const struct node *n, const char *field)
{
	if (!cat_want_text(ld, FND_UNKNOWN_ATTRIBUTE, n, field))
		return -1;
	int attr = fact_attr_parse(n->text, n->len);
	if (attr < 0)
		cat_find_at(ld, FND_UNKNOWN_ATTRIBUTE, n, "%s is not an attribute%s",
			    cat_quote(ld, node_str(n)), cat_suggest_attr(ld, node_str(n)));
	else if (!fact_attr_is_int((enum fact_attr)attr))
		cat_find_at(ld, FND_TEXT_ATTRIBUTE, n, "%s is a text; a threshold needs a number",
			    fact_attr_name((enum fact_attr)attr));
	return attr;
}

static int
read_measure(struct load *ld, const struct rule_reading *rr, const struct node *n,
	     const char *field)
{
	int attr = read_attribute(ld, n, field);
	if (attr >= 0 && fact_attr_is_int((enum fact_attr)attr) &&
	    !cat_fact_carries(rr->rule->fact, (enum fact_attr)attr))
		cat_find_at(ld, FND_NEVER_MEASURED, n,
			    "%s never carries %s: this rule would never do anything",
			    fact_name(rr->rule->fact), n->text);
	return attr;
}

static void
check_bounds(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	const struct cat_threshold *th = &rr->rule->threshold;
	unsigned below = SEV_NONE;
	for (unsigned sev = SEV_WARNING; sev < FM_N_SEVERITIES; sev++) {
		if (!th->given[sev])
			continue;
		if (below != SEV_NONE &&
		    (th->above[sev] < th->above[below] ||
		     (th->above[sev] <= th->above[below] &&
		      (th->or_equal[sev] || !th->or_equal[below]))))
			cat_find_at(ld, FND_BOUND_ORDER, n,
				    "%s is reached no later than %s: raise its number",
				    severity_name((enum severity)sev),
				    severity_name((enum severity)below));
		below = sev;
	}
}

void
cat_read_threshold(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	static const char *const keys[] = {"Of", "Per", "Warning", "Minor", "Major", "Critical"};
	if (!cat_check_keys(ld, n, "Threshold", keys, FM_ARRAY_LEN(keys)))
		return;
	const struct node *of = node_get(n, "Of"), *per = node_get(n, "Per");
	struct cat_threshold *th = &rr->rule->threshold;
	if (of == NULL)
		cat_find_at(ld, FND_RULE_SHAPE, n, "Threshold needs Of: the attribute to compare");
	else
		th->of = read_measure(ld, rr, of, "Of");
	if (per != NULL)
		th->per = read_measure(ld, rr, per, "Per");
	if (th->of >= 0 && th->of == th->per)
		cat_find_at(ld, FND_OF_ITSELF, per, "%s divided by itself is always 1",
			    fact_attr_name((enum fact_attr)th->of));
	bool bounded = false;
	for (const struct node *key = n->first; key != NULL; key = key->next) {
		for (unsigned i = 2; i < FM_ARRAY_LEN(keys); i++) {
			if (strcmp(key->text, keys[i]) != 0)
				continue;
			bounded = true;
			read_bound(ld, rr, key, (enum severity)(SEV_WARNING + i - 2));
		}
	}
	if (!bounded)
		cat_find_at(ld, FND_BOUND, n,
			    "Threshold needs at least one of Warning, Minor, Major, Critical");
	check_bounds(ld, rr, n);
}

/* ---- Escalate ---------------------------------------------------------------------------- */

static void
read_after(struct load *ld, const struct rule_reading *rr, const struct node *n,
	   struct cat_step *step)
{
	if (!cat_want_text(ld, FND_SPAN_RANGE, n, "After"))
		return;
	for (unsigned i = AFTER_SOFT_LIMIT; i < N_AFTER_WORDS; i++) {
		if (strcmp(n->text, cat_after_words[i]) != 0)
			continue;
		step->after = (enum cat_after)i;
		if (rr->rule->fact != FACT_INSTANCE_MIGRATING)
			cat_find_at(ld, FND_STEP_LIMIT, n,
				    "only While: instance.migrating has migration limits");
		return;
	}
	if (strncmp(n->text, "migration", 9) == 0)
		cat_find_at(ld, FND_SPAN_RANGE, n, "%s is not a limit%s",
			    cat_quote(ld, node_str(n)),
			    cat_suggest(ld, node_str(n), cat_after_words, N_AFTER_WORDS));
	else
		cat_read_span(ld, FND_SPAN_RANGE, n, "After", fm_span_s(1), fm_span_s(7 * DAY_S),
			      &step->span);
}

static void
read_step(struct load *ld, const struct rule_reading *rr, const struct node *n,
	  struct cat_step *step)
{
	static const char *const keys[] = {"After", "Severity", "Text"};
	step->line = n->line;
	if (!cat_check_keys(ld, n, "an Escalate step", keys, FM_ARRAY_LEN(keys)))
		return;
	const struct node *after = node_get(n, "After"), *sev = node_get(n, "Severity");
	const struct node *text = node_get(n, "Text");
	if (after == NULL)
		cat_find_at(ld, FND_RULE_SHAPE, n, "an Escalate step needs After");
	else
		read_after(ld, rr, after, step);
	if (sev != NULL && cat_read_severity(ld, sev, &step->severity))
		cat_want_listed(ld, rr->rec, sev, step->severity);
	if (text != NULL && cat_want_text(ld, FND_RULE_SHAPE, text, "Text")) {
		struct cat_text *t = fm_arena_alloc(&ld->cat->arena, sizeof(*t));
		if (text->len > FM_MAX_TEXT)
			cat_find_at(ld, FND_TEXT_LENGTH, text, "Text is longer than %u bytes",
				    FM_MAX_TEXT);
		cat_text_make(ld, node_str(text), t);
		step->text = t;
	}
	if (sev == NULL && text == NULL)
		cat_find_at(ld, FND_STEP_EMPTY, n,
			    "the step changes nothing; add Severity or Text");
}

void
cat_read_steps(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	if (n->kind == NODE_SCALAR || n->n == 0) {
		cat_find_at(ld, FND_RULE_SHAPE, n, "Escalate must be a list of steps");
		return;
	}
	unsigned count = n->kind == NODE_LIST ? n->n : 1;
	if (count > CAT_MAX_STEPS) {
		cat_find_at(ld, FND_RULE_SHAPE, n, "Escalate has more than %u steps",
			    CAT_MAX_STEPS);
		return;
	}
	struct cat_step *steps = fm_arena_alloc(&ld->cat->arena, count * sizeof(steps[0]));
	unsigned i = 0;
	for (const struct node *item = cat_first_of(n); item != NULL; item = cat_next_of(n, item))
		read_step(ld, rr, item, &steps[i++]);
	rr->rule->steps = steps;
	rr->rule->n_steps = count;
}

/* When a step comes by the configured limits, for comparing; 0: its limit is off. */
static int64_t
usual_ns(const struct cat_limits *lim, const struct cat_step *step)
{
	int64_t unknown_s = 2 * lim->hard_s > lim->unknown_s ? 2 * lim->hard_s : lim->unknown_s;
	/* Without a hard limit a migration has none. */
	if (step->after != AFTER_SPAN && lim->hard_s == 0)
		return 0;
	switch (step->after) {
	case AFTER_SPAN:
		return step->span.ns;
	case AFTER_SOFT_LIMIT:
		return fm_span_s(lim->soft_s).ns;
	case AFTER_HARD_LIMIT:
		return fm_span_s(lim->hard_s).ns;
	case AFTER_UNKNOWN_LIMIT:
		return fm_span_s(unknown_s).ns;
	case AFTER_POSTCOPY:
		return 0;
	}
	return 0;
}

static const struct node *
step_node(const struct rule_reading *rr, unsigned i)
{
	const struct node *list = node_get(rr->node, "Escalate"), *item = cat_first_of(list);
	while (i-- > 0)
		item = cat_next_of(list, item);
	return item;
}

/*
 * A step that comes at once hides the severity before it; one without a limit never comes. A time of
 * 0 is one that could not be read.
 */
static void
check_reach(struct load *ld, const struct rule_reading *rr, const struct cat_step *step,
	    const struct node *at)
{
	const int64_t due_ns = usual_ns(&ld->cat->limits, step);
	if (due_ns != 0 && due_ns <= rr->rule->hold_on.ns)
		cat_find_at(ld, FND_STEP_AT_RAISE, at,
			    "the alarm is raised after Hold_On, when this step is due already%s",
			    step->after != AFTER_SPAN ? " by the usual limits" : "");
	else if (step->after != AFTER_SPAN && step->after != AFTER_POSTCOPY && due_ns == 0)
		cat_find_at(ld, FND_LIMIT_OFF, at,
			    "Limits switches %s off: only instances with a limit of their own get "
			    "here", cat_after_words[step->after]);
}

void
cat_check_steps(struct load *ld, const struct rule_reading *rr)
{
	const struct cat_rule *rule = rr->rule;
	enum severity sev = rule->severity;
	enum cat_after named = AFTER_SPAN;
	int64_t before = 0;
	for (unsigned i = 0; i < rule->n_steps; i++) {
		const struct cat_step *step = &rule->steps[i];
		int64_t at = usual_ns(&ld->cat->limits, step);
		check_reach(ld, rr, step, step_node(rr, i));
		if ((at != 0 && at <= before) ||
		    (step->after != AFTER_SPAN && step->after <= named))
			cat_find_at(ld, FND_STEP_ORDER, step_node(rr, i),
				    "this step does not come after the one before it");
		if (step->after == AFTER_POSTCOPY && i + 1 != rule->n_steps)
			cat_find_at(ld, FND_STEP_ORDER, step_node(rr, i),
				    "post-copy may come at any time; make it the last step");
		/* It may come before the others: then it is the worst, else it changes nothing. */
		if (step->severity != SEV_NONE && step->severity <= sev &&
		    step->after != AFTER_POSTCOPY)
			cat_find_at(ld, FND_STEP_SEVERITY, step_node(rr, i),
				    "%s is not worse than %s, which holds before this step",
				    severity_name(step->severity), severity_name(sev));
		if (step->severity != SEV_NONE)
			sev = step->severity;
		if (step->after != AFTER_SPAN)
			named = step->after;
		before = at != 0 ? at : before;
	}
}
