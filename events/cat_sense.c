/*
 * cat_sense: rules that can be read, but whose effect nobody can have meant: they wait for what never
 * comes, undo what they do, or end an alarm for the wrong one. What a single key allows is checked
 * where it is read.
 */
#include "events/cat_load_priv.h"

/* Of a state each instance counts once. */
static void
check_group(struct load *ld, const struct rule_reading *rr)
{
	if (rr->form == FORM_WHILE && rr->rule->group.by == GROUP_INSTANCE)
		cat_find_at(ld, FND_GROUP_OF_ONE, node_get(rr->node, "Group"),
			    "with While an instance counts once, and By: instance groups no others "
			    "with it: there are never %u", rr->rule->group.at_least);
}

/* From one occurrence to the next it takes at least Hold_On. */
static void
check_flap(struct load *ld, const struct rule_reading *rr)
{
	const struct cat_rule *rule = rr->rule;
	if (rule->flap.count != 0 &&
	    (int64_t)(rule->flap.count - 1) * rule->hold_on.ns > rule->flap.within.ns)
		cat_find_at(ld, FND_FLAP_NEVER, node_get(rr->node, "Flap"),
			    "each occurrence takes Hold_On, so %u of them never come within this time",
			    rule->flap.count);
}

/* With Threshold an event may clear and not raise. */
static void
check_clears(struct load *ld, const struct rule_reading *rr)
{
	const struct cat_rule *rule = rr->rule;
	for (unsigned i = 0; i < rule->n_clears; i++) {
		const struct cat_clear *c = &rule->clears[i];
		if (c->fact == rule->fact && c->when.root != NULL && rule->threshold.of < 0 &&
		    cat_same_if(&c->when, &rule->when))
			cat_find_at(ld, FND_CLEAR_SAME, node_get(rr->node, "Clear"),
				    "%s clears this alarm and raises it anew, each time: the If is "
				    "the rule's own", fact_name(c->fact));
	}
}

/* It may be meant so. */
static void
check_end(struct load *ld, const struct rule_reading *rr)
{
	const struct cat_rule *rule = rr->rule;
	bool ends = rule->n_clears == 0 || node_get(rr->node, "Expire") != NULL;
	for (unsigned i = 0; i < rule->n_clears; i++)
		ends |= rule->clears[i].fact == FACT_INSTANCE_DELETED ||
			rule->clears[i].fact == FACT_INSTANCE_DELETING;
	if (!ends)
		cat_find_at(ld, FND_CLEAR_MAYBE, node_get(rr->node, "Clear"),
			    "there is no Expire: the alarm stays until one of these comes%s",
			    fact_subject_of(rule->fact) == SUBJECT_INSTANCE ?
			    " or the instance is deleted" : "");
}

static void
check_sharing(struct load *ld, const struct rule_reading *rr)
{
	const char *form = rr->rec->entity_form;
	const bool of_host = fact_subject_of(rr->rule->fact) == SUBJECT_HOST;
	if (rr->form == FORM_WHILE && rr->rule->group.by == GROUP_NONE && form != NULL &&
	    !cat_form_has_key(form, of_host ? "host" : "instance"))
		cat_find_at(ld, FND_SHARED_STATE, node_get(rr->record, "Entity_Instance_ID"),
			    "all %s that are in %s share this alarm, and the first that leaves the state "
			    "ends it: name them in the entity by %s=%s", of_host ? "hosts" : "instances",
			    fact_name(rr->rule->fact), of_host ? "host" : "instance",
			    of_host ? "" : ", or count them with Group");
}

void
cat_check_sense(struct load *ld, const struct rule_reading *rr)
{
	check_group(ld, rr);
	check_flap(ld, rr);
	check_clears(ld, rr);
	check_end(ld, rr);
	check_sharing(ld, rr);
}

void
cat_check_targets(struct load *ld, const struct rule_reading *rr)
{
	for (unsigned i = 0; i < N_EFFECTS; i++) {
		const struct node *n = node_get(rr->node, cat_effect_words[i]);
		if (n != NULL && n->kind == NODE_LIST && n->n == 0)
			cat_find_at(ld, FND_RELATION_EMPTY, n, "%s names no alarms; remove it",
				    cat_effect_words[i]);
	}
}
