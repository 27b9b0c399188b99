/*
 * cat_rule_keys: which keys a mapping under Correlation may have, depending on what it is about,
 * and how each is read. What the keys mean together is checked in cat_rule.c.
 */
#include "events/cat_load_priv.h"

#define DAY_S (24LL * 3600)

const struct node *
cat_first_of(const struct node *n)
{
	return n->kind == NODE_LIST ? n->first : n;
}

const struct node *
cat_next_of(const struct node *list, const struct node *item)
{
	return list->kind == NODE_LIST ? item->next : NULL;
}

bool
cat_check_keys(struct load *ld, const struct node *n, const char *what, const char *const *keys,
	       unsigned n_keys)
{
	if (n->kind != NODE_MAP) {
		cat_find_at(ld, FND_RULE_SHAPE, n, "%s must be a mapping such as {%s: …}", what,
			    keys[0]);
		return false;
	}
	for (const struct node *key = n->first; key != NULL; key = key->next) {
		unsigned i = 0;
		while (i < n_keys && strcmp(keys[i], key->text) != 0)
			i++;
		if (i == n_keys)
			cat_find_at(ld, FND_UNKNOWN_KEY, key, "%s is not a key of %s%s",
				    cat_quote(ld, node_str(key)), what,
				    cat_suggest(ld, node_str(key), keys, n_keys));
	}
	return true;
}

bool
cat_want_listed(struct load *ld, const struct cat_record *rec, const struct node *n,
		enum severity sev)
{
	if (cat_lists_severity(rec, sev))
		return true;
	cat_find_at(ld, FND_RULE_SEVERITY, n, "%s is not in the record's Severity; add it there",
		    severity_name(sev));
	return false;
}

/* ---- one reader for each key ------------------------------------------------------------- */

static void
read_severity(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	enum severity sev;
	if (cat_read_severity(ld, n, &sev) && cat_want_listed(ld, rr->rec, n, sev))
		rr->rule->severity = sev;
}

static void
read_hold_on(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	cat_read_span(ld, FND_SPAN_RANGE, n, "Hold_On", fm_span_s(0), fm_span_s(DAY_S),
		      &rr->rule->hold_on);
}

static void
read_hold_off(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	cat_read_span(ld, FND_SPAN_RANGE, n, "Hold_Off", fm_span_s(0), fm_span_s(DAY_S),
		      &rr->rule->hold_off);
}

static void
read_hold_notice(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	cat_read_span(ld, FND_SPAN_RANGE, n, "Hold_Notice", fm_span_s(0), fm_span_s(3600),
		      &rr->rule->hold_notice);
}

static void
read_expire(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	cat_read_span(ld, FND_SPAN_RANGE, n, "Expire", fm_span_s(1), fm_span_s(30 * DAY_S),
		      &rr->rule->expire);
}

static void
read_cause(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	if (cat_want_text(ld, FND_BAD_CAUSE, n, "Probable_Cause") &&
	    !probable_cause_parse(n->text, n->len, &rr->rule->cause))
		cat_find_at(ld, FND_BAD_CAUSE, n, "%s is not a probable cause",
			    cat_quote(ld, node_str(n)));
}

static void
read_text(struct load *ld, const struct rule_reading *rr, const struct node *n)
{
	struct cat_text *t = fm_arena_alloc(&ld->cat->arena, sizeof(*t));
	if (!cat_want_text(ld, FND_RULE_SHAPE, n, "Text"))
		return;
	if (n->len > FM_MAX_TEXT)
		cat_find_at(ld, FND_TEXT_LENGTH, n, "Text is longer than %u bytes", FM_MAX_TEXT);
	cat_text_make(ld, node_str(n), t);
	rr->rule->text = t;
}

/* ---- the table --------------------------------------------------------------------------- */

/*
 * Suppresses, Causes and Outdates are read for the record as a whole, While and On before the others, If and
 * Clear behind them, when the fact is known.
 */
static const struct rule_key {
	const char *name;
	unsigned forms;
	void (*read)(struct load *ld, const struct rule_reading *rr, const struct node *n);
} rule_keys[] = {
	{"While", FORM_WHILE, NULL},
	{"On", FORM_ON | FORM_LOG, NULL},
	{"If", FORM_WHILE | FORM_ON | FORM_LOG, NULL},
	{"Clear", FORM_ON, NULL},
	{"Severity", FORM_WHILE | FORM_ON, read_severity},
	{"Threshold", FORM_ON | FORM_LOG, cat_read_threshold},
	{"Hold_On", FORM_WHILE, read_hold_on},
	{"Hold_Off", FORM_WHILE, read_hold_off},
	{"Hold_Notice", FORM_WHILE | FORM_ON, read_hold_notice},
	{"Expire", FORM_ON, read_expire},
	{"Group", FORM_WHILE | FORM_ON, cat_read_group},
	{"Flap", FORM_WHILE, cat_read_flap},
	{"Probable_Cause", FORM_WHILE | FORM_ON, read_cause},
	{"Text", FORM_WHILE | FORM_ON, read_text},
	{"Escalate", FORM_WHILE, cat_read_steps},
	{"Suppresses", FORM_NONE | FORM_WHILE | FORM_ON, NULL},
	{"Causes", FORM_NONE | FORM_WHILE | FORM_ON, NULL},
	{"Outdates", FORM_NONE | FORM_WHILE | FORM_ON, NULL},
};
#define N_KEYS FM_ARRAY_LEN(rule_keys)

static void
report_misplaced(struct load *ld, const struct rule_reading *rr, const struct node *key)
{
	switch (rr->form) {
	case FORM_NONE:
		cat_find_at(ld, FND_NO_TRIGGER, key, "%s needs a While or an On beside it",
			    key->text);
		break;
	case FORM_WHILE:
		cat_find_at(ld, FND_KEY_NOT_FOR, key, "%s goes with On, not with While", key->text);
		break;
	case FORM_ON:
		cat_find_at(ld, FND_KEY_NOT_FOR, key, "%s goes with While, not with On", key->text);
		break;
	case FORM_LOG:
		cat_find_at(ld, FND_LOG_RULE, key, "%s is for alarms; a log has On, If and Threshold",
			    key->text);
		break;
	}
}

static void
read_key(struct load *ld, const struct rule_reading *rr, const struct node *key)
{
	const char *names[N_KEYS];
	for (unsigned i = 0; i < N_KEYS; i++) {
		names[i] = rule_keys[i].name;
		if (strcmp(key->text, names[i]) != 0)
			continue;
		if ((rule_keys[i].forms & rr->form) == 0)
			report_misplaced(ld, rr, key);
		else if (rule_keys[i].read != NULL)
			rule_keys[i].read(ld, rr, key->value);
		return;
	}
	cat_find_at(ld, FND_UNKNOWN_KEY, key, "%s is not a key of Correlation%s",
		    cat_quote(ld, node_str(key)), cat_suggest(ld, node_str(key), names, N_KEYS));
}

void
cat_read_rule_keys(struct load *ld, const struct rule_reading *rr)
{
	/* A key that is there twice is an error already; the checks look at the first. */
	for (const struct node *key = rr->node->first; key != NULL; key = key->next)
		if (node_get(rr->node, key->text) == key->value)
			read_key(ld, rr, key);
}
