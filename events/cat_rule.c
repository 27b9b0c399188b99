/*
 * cat_rule: the Correlation block of one record: when fmd itself sets it. Reads each mapping, then
 * checks what belongs together: fact, severity, texts, entity form.
 */
#include "events/cat_load_priv.h"

#include <stdlib.h>

/* ---- the fact ---------------------------------------------------------------------------- */

static bool
read_fact(struct load *ld, const struct rule_reading *rr)
{
	const struct node *w = node_get(rr->node, "While");
	const struct node *n = w != NULL ? w : node_get(rr->node, "On");
	enum fact_id fact;
	if (!cat_want_text(ld, FND_UNKNOWN_FACT, n, w != NULL ? "While" : "On"))
		return false;
	if (!fact_parse(n->text, n->len, &fact)) {
		cat_find_at(ld, FND_UNKNOWN_FACT, n, "%s is not a fact%s",
			    cat_quote(ld, node_str(n)), cat_suggest_fact(ld, node_str(n)));
		return false;
	}
	if (w != NULL && !fact_is_state(fact))
		cat_find_at(ld, FND_WHILE_EVENT, n, "%s is an event; write On: %s", n->text,
			    n->text);
	if (w == NULL && fact_is_state(fact))
		cat_find_at(ld, FND_ON_STATE, n, "%s is a state; write While: %s", n->text,
			    n->text);
	rr->rule->fact = fact;
	return true;
}

/* ---- what the fact makes possible -------------------------------------------------------- */

/* Only live migrations have a source and a destination. */
static bool
has_host_pair(enum fact_id fact)
{
	return fact == FACT_INSTANCE_DOWNTIME || fact == FACT_INSTANCE_MIGRATING ||
		(fact >= FACT_MIGRATION_STARTED && fact <= FACT_MIGRATION_DONE);
}

/* Why a placeholder can never be filled; NULL: it can. */
static const char *
why_never_filled(struct load *ld, const struct cat_rule *rule, enum fact_attr attr)
{
	if (cat_rule_fills(rule, attr))
		return NULL;
	if (attr == ATTR_FLAPPING)
		return "is no placeholder: the text of an alarm that flaps says so by itself";
	if (attr == ATTR_COUNT)
		return "is known to a Group only";
	if (rule->group.by != GROUP_NONE)
		return fm_arena_printf(&ld->tmp, "is never filled in: it is not what a Group by %s shares",
				       cat_group_words[rule->group.by]);
	return fm_arena_printf(&ld->tmp, "is never filled in: %s does not carry it",
			       fact_name(rule->fact));
}

static void
check_part(struct load *ld, const struct cat_rule *rule, const struct node *at,
	   const struct cat_text_part *part)
{
	struct fm_str s = fm_str_of(part->text);
	const char *why = part->attr >= 0 ?
		why_never_filled(ld, rule, (enum fact_attr)part->attr) : NULL;
	if (why != NULL)
		cat_find_at(ld, FND_NEVER_FILLED, at, "%s %s", cat_quote(ld, s), why);
	else if (cat_part_is_unknown(part))
		cat_find_at(ld, FND_UNKNOWN_PLACEHOLDER, at, "%s is not an attribute%s",
			    cat_quote(ld, s),
			    cat_suggest_attr(ld, (struct fm_str){s.p + 1, s.len - 2}));
}

static void
check_text(struct load *ld, const struct cat_rule *rule, const struct node *at,
	   const struct cat_text *text)
{
	for (unsigned i = 0; i < text->n; i++)
		check_part(ld, rule, at, &text->part[i]);
}

static void
check_texts(struct load *ld, const struct rule_reading *rr)
{
	const struct node *description = node_get(rr->record, "Description");
	const struct node *escalate = node_get(rr->node, "Escalate");
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		if (rr->rule->text == NULL && rr->rec->text[i].source != NULL)
			check_text(ld, rr->rule, description, &rr->rec->text[i]);
	if (rr->rule->text != NULL)
		check_text(ld, rr->rule, node_get(rr->node, "Text"), rr->rule->text);
	const struct node *item = escalate != NULL ? cat_first_of(escalate) : NULL;
	for (unsigned i = 0; i < rr->rule->n_steps; i++, item = cat_next_of(escalate, item))
		if (rr->rule->steps[i].text != NULL)
			check_text(ld, rr->rule, node_get(item, "Text"), rr->rule->steps[i].text);
}

/* ---- severity ---------------------------------------------------------------------------- */

static enum severity
least_of(unsigned mask)
{
	for (unsigned sev = SEV_WARNING; sev < FM_N_SEVERITIES; sev++)
		if (mask & 1u << sev)
			return (enum severity)sev;
	return SEV_NONE;
}

static void
check_severity(struct load *ld, const struct rule_reading *rr)
{
	const struct node *given = node_get(rr->node, "Severity");
	const struct node *threshold = node_get(rr->node, "Threshold");
	unsigned mask = rr->rec->severities, bounds = 0;
	for (unsigned sev = SEV_WARNING; sev < FM_N_SEVERITIES; sev++)
		bounds |= (unsigned)rr->rule->threshold.given[sev] << sev;
	if (threshold != NULL && given != NULL)
		cat_find_at(ld, FND_RULE_SEVERITY, given,
			    "Threshold decides the severity; remove Severity");
	if (threshold != NULL)
		rr->rule->severity = least_of(bounds);
	else if (given == NULL && (mask & (mask - 1)) == 0)
		rr->rule->severity = least_of(mask);
	else if (given == NULL)
		cat_find_at(ld, FND_RULE_SEVERITY, rr->node, rr->form == FORM_LOG ?
			    "the record lists several severities; list one or add Threshold" :
			    "the record lists several severities; say which with Severity");
}

/* ---- one mapping ------------------------------------------------------------------------- */

static void
check_fields(struct load *ld, const struct rule_reading *rr)
{
	const struct node *entity = node_get(rr->record, "Entity_Instance_ID");
	if (rr->rec->severities == 0)
		cat_find_at(ld, FND_RULE_FIELD, rr->node, "a rule needs the record's Severity");
	if (cat_text_for(rr->rec, SEV_NONE)->source[0] == '\0')
		cat_find_at(ld, FND_RULE_FIELD, rr->node, "a rule needs the record's Description");
	if (rr->rec->entity_form == NULL || rr->rec->entity_form[0] == '\0')
		cat_find_at(ld, FND_RULE_FIELD, rr->node,
			    "a rule needs the record's Entity_Instance_ID");
	else
		cat_check_form(ld, entity, rr->rec->entity_form, rr->rule);
}

/* A group's alarm is up while it has members: nothing but the announcement waits for a time. */
static void
check_group(struct load *ld, const struct rule_reading *rr)
{
	static const char *const timed[] = {"Hold_On", "Hold_Off", "Escalate"};
	const struct cat_rule *rule = rr->rule;
	if (rule->group.by == GROUP_NONE)
		return;
	if (fact_subject_of(rule->fact) != SUBJECT_INSTANCE)
		cat_find_at(ld, FND_GROUP_FACT, node_get(rr->node, "Group"),
			    "%s is about hosts; Group counts instances", fact_name(rule->fact));
	else if (rule->group.by == GROUP_HOST_PAIR && !has_host_pair(rule->fact))
		cat_find_at(ld, FND_GROUP_FACT, node_get(rr->node, "Group"),
			    "%s has no source and destination", fact_name(rule->fact));
	for (unsigned i = 0; i < FM_ARRAY_LEN(timed); i++)
		if (node_get(rr->node, timed[i]) != NULL)
			cat_find_at(ld, FND_GROUP_TIME, node_get(rr->node, timed[i]),
				    "%s has no effect beside Group; remove it", timed[i]);
}

/* Both keep an alarm beyond the end of its state, and members of a group are counted otherwise. */
static void
check_flap(struct load *ld, const struct rule_reading *rr)
{
	static const char *const others[] = {"Group", "Hold_Off"};
	for (unsigned i = 0; rr->rule->flap.count != 0 && i < FM_ARRAY_LEN(others); i++)
		if (node_get(rr->node, others[i]) != NULL)
			cat_find_at(ld, FND_KEY_NOT_FOR, node_get(rr->node, "Flap"),
				    "Flap and %s exclude each other", others[i]);
}

static void
check_end(struct load *ld, const struct rule_reading *rr)
{
	const struct cat_rule *rule = rr->rule;
	if (rr->form != FORM_ON)
		return;
	const bool expires = node_get(rr->node, "Expire") != NULL;
	if (!expires && node_get(rr->node, "Clear") == NULL)
		cat_find_at(ld, FND_NO_CLEAR, rr->node, "nothing in this rule ends the alarm; add %s",
			    rule->group.by != GROUP_NONE ? "Expire" : "Clear or Expire");
	else if (expires && rule->expire.ns != 0 && rule->expire.ns <= rule->hold_notice.ns)
		cat_find_at(ld, FND_NEVER_TOLD, node_get(rr->node, "Expire"),
			    "it ends before Hold_Notice is over, so nobody is ever told");
}

static void
read_conditions(struct load *ld, const struct rule_reading *rr)
{
	const struct node *cond = node_get(rr->node, "If"), *clear = node_get(rr->node, "Clear");
	if (cond != NULL)
		cat_read_if(ld, rr->rule->fact, cond, &rr->rule->when);
	if (clear == NULL || rr->form != FORM_ON)
		return;
	if (rr->rule->group.by != GROUP_NONE)
		cat_find_at(ld, FND_KEY_NOT_FOR, clear,
			    "Clear and Group exclude each other: what many did, one does not undo");
	else
		cat_read_clear(ld, rr->rule, clear);
}

static void
check_rule(struct load *ld, const struct rule_reading *rr)
{
	read_conditions(ld, rr);
	check_severity(ld, rr);
	check_fields(ld, rr);
	check_texts(ld, rr);
	cat_check_steps(ld, rr);
	check_group(ld, rr);
	check_end(ld, rr);
	check_flap(ld, rr);
	cat_check_sense(ld, rr);
}

static enum rule_form
form_of(struct load *ld, const struct cat_record *rec, const struct node *n)
{
	bool has_while = node_get(n, "While") != NULL, has_on = node_get(n, "On") != NULL;
	if (has_while && has_on)
		cat_find_at(ld, FND_WHILE_AND_ON, n, "While and On exclude each other");
	if (rec->is_log)
		return FORM_LOG;
	return has_while ? FORM_WHILE : has_on ? FORM_ON : FORM_NONE;
}

/* Returns true when rule was filled in: the mapping has a fact. */
static bool
read_mapping(struct load *ld, struct rule_reading *rr)
{
	rr->form = form_of(ld, rr->rec, rr->node);
	*rr->rule = (struct cat_rule){
		.threshold = {.of = -1, .per = -1},
		.cause = -1,
		.line = rr->node->line,
		.column = rr->node->column,
		.record = rr->rec,
	};
	bool has_fact = rr->form != FORM_NONE && (rr->form != FORM_LOG ||
						  node_get(rr->node, "On") != NULL) &&
			read_fact(ld, rr);
	if (rr->form == FORM_LOG && node_get(rr->node, "On") == NULL)
		cat_find_at(ld, FND_LOG_RULE, rr->node, "a log needs On: the event to be logged");
	cat_read_rule_keys(ld, rr);
	if (rr->form != FORM_LOG)
		cat_check_targets(ld, rr);
	if (has_fact)
		check_rule(ld, rr);
	return has_fact;
}

/* Of several rules on a fact the first one applies whose If holds. */
static const char *
why_shadowed(const struct cat_rule *earlier, const struct cat_rule *rule)
{
	if (earlier->group.by != GROUP_NONE || rule->group.by != GROUP_NONE)
		return "and one of them has Group, which has to be alone";
	if (earlier->when.root == NULL)
		return "and has no If: this one never applies";
	return cat_same_if(&earlier->when, &rule->when) ? "under the same If: this one never applies" :
		NULL;
}

static void
check_shadowed(struct load *ld, const struct cat_rule *rules, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		const char *why = NULL;
		unsigned k = 0;
		for (; why == NULL && k < i; k++)
			why = rules[k].fact == rules[i].fact ? why_shadowed(&rules[k], &rules[i]) :
				NULL;
		if (why != NULL)
			cat_find_line(ld, FND_SHADOWED, rules[i].line, rules[i].column,
				      "the rule of line %u is about %s already, %s",
				      (unsigned)rules[k - 1].line, fact_name(rules[i].fact), why);
	}
}

static bool
is_readable(struct load *ld, const struct node *item)
{
	if (item->kind == NODE_SCALAR && !node_is_null(item))
		cat_find_at(ld, FND_RULE_SHAPE, item,
			    "Correlation must be a mapping or a list of mappings");
	else if (item->kind == NODE_LIST && item->n != 0)
		cat_find_at(ld, FND_RULE_SHAPE, item, "a list within a list");
	else if (item->n == 0)
		cat_find_at(ld, FND_RULE_EMPTY, item, "there is nothing in this Correlation");
	else
		return true;
	return false;
}

static unsigned
read_mappings(struct load *ld, struct rule_reading *rr, const struct node *n,
	      struct cat_rule *rules)
{
	unsigned n_rules = 0;
	for (const struct node *item = cat_first_of(n); item != NULL; item = cat_next_of(n, item)) {
		rr->node = item;
		rr->rule = &rules[n_rules];
		if (is_readable(ld, item))
			n_rules += read_mapping(ld, rr);
	}
	return n_rules;
}

/* ---- rules of different records ---------------------------------------------------------- */

static bool
may_have_twin(const struct cat_rule *rule)
{
	return !rule->record->is_log && rule->when.root == NULL && rule->threshold.of < 0 &&
	       rule->record->entity_form != NULL;
}

/* Twins are equal. One that waits longer than the other says something else: that it lasts. */
static int
compare_twins(const struct cat_rule *a, const struct cat_rule *b)
{
	const int form = strcmp(a->record->entity_form, b->record->entity_form);
	if (form != 0)
		return form;
	if (a->group.by != b->group.by)
		return a->group.by < b->group.by ? -1 : 1;
	return a->hold_on.ns < b->hold_on.ns ? -1 : a->hold_on.ns > b->hold_on.ns;
}

/* Twins stand together, in the order in which they are in the list. */
static int
by_twin(const void *x, const void *y)
{
	const struct cat_rule *const *a = *(const struct cat_rule *const *const *)x;
	const struct cat_rule *const *b = *(const struct cat_rule *const *const *)y;
	const int c = compare_twins(*a, *b);
	return c != 0 ? c : a < b ? -1 : a > b;
}

static void
check_twins_on(struct load *ld, enum fact_id fact)
{
	const struct cat_rule *const *rule = ld->cat->rules_on[fact];
	const struct cat_rule *const **v =
		fm_arena_alloc(&ld->tmp, (ld->cat->n_rules_on[fact] + 1) * sizeof(v[0]));
	unsigned n = 0;
	for (unsigned i = 0; i < ld->cat->n_rules_on[fact]; i++)
		if (may_have_twin(rule[i]))
			v[n++] = &rule[i];
	qsort(v, n, sizeof(v[0]), by_twin);
	for (unsigned i = 1; i < n; i++) {
		const struct cat_rule *a = *v[i - 1], *b = *v[i];
		if (a->record == b->record || compare_twins(a, b) != 0)
			continue;
		ld->id = b->record->id;
		cat_find_line(ld, FND_TWINS, b->line, b->column,
			      "%s is about %s of the same entity too: both are raised",
			      a->record->id, fact_name(fact));
	}
	ld->id = NULL;
}

void
cat_check_twins(struct load *ld)
{
	for (unsigned f = 0; f < FACT_N; f++)
		check_twins_on(ld, (enum fact_id)f);
}

void
cat_read_rules(struct load *ld, struct cat_record *rec, const struct node *record)
{
	const struct node *n = node_get(record, "Correlation");
	if (n == NULL)
		return;
	unsigned count = n->kind == NODE_LIST ? n->n : 1;
	if (count == 0)
		is_readable(ld, n);
	if (count > CAT_MAX_MAPPINGS) {
		cat_find_at(ld, FND_RULE_SHAPE, n, "Correlation has more than %u mappings",
			    CAT_MAX_MAPPINGS);
		return;
	}
	struct cat_rule *rules = fm_arena_alloc(&ld->cat->arena, (count + 1) * sizeof(rules[0]));
	struct rule_reading rr = {.rec = rec, .record = record};
	rec->n_rules = read_mappings(ld, &rr, n, rules);
	rec->rules = rules;
	check_shadowed(ld, rules, rec->n_rules);
	cat_read_relations(ld, rec, n);
}
