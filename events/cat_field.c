/*
 * cat_field: the three forms a field of StarlingX's format may take: one value, a list whose items
 * describe variants, a dictionary by severity.
 */
#include "events/cat_load_priv.h"

bool
cat_lists_severity(const struct cat_record *rec, enum severity sev)
{
	return (rec->severities & 1u << sev) != 0;
}

/* StarlingX's header: several lists in one record have the same length, item n for variant n. */
void
cat_check_list_length(struct load *ld, struct reading *rd, const char *field,
		      const struct node *n)
{
	if (n->n == 1)
		cat_find_at(ld, FND_ONE_ITEM_LIST, n, "%s is a list of one item", field);
	if (rd->list_len == 0)
		rd->list_len = n->n;
	else if (rd->list_len != n->n)
		cat_find_at(ld, FND_LIST_LENGTHS, n,
			    "%s has %u items, another list of this record has %u", field,
			    (unsigned)n->n, rd->list_len);
}

static bool
is_value(struct load *ld, const char *field, const struct node *n)
{
	if (n->kind == NODE_SCALAR)
		return true;
	cat_find_at(ld, FND_FIELD_SHAPE, n, "%s is nested too far: one value belongs here", field);
	return false;
}

static void
spread_list(struct load *ld, struct reading *rd, const char *field, const struct node *n,
	    const struct node *v[FM_N_SEVERITIES])
{
	if (n->n == 0) {
		cat_find_at(ld, FND_MISSING_FIELD, n, "%s is an empty list", field);
		return;
	}
	cat_check_list_length(ld, rd, field, n);
	bool by_severity = rd->severity_is_list && n->n == rd->n_listed && n->n > 1;
	unsigned i = 0;
	for (const struct node *item = n->first; item != NULL; item = item->next, i++) {
		if (!is_value(ld, field, item))
			return;
		if (by_severity)
			v[rd->listed[i]] = item;
		else if (i == 0)
			v[SEV_NONE] = item;
	}
}

/* The severity a dictionary's key names; SEV_NONE: reported. */
static enum severity
dict_key(struct load *ld, const struct reading *rd, const char *field, const struct node *key)
{
	enum severity sev;
	if (!severity_parse(key->text, key->len, &sev) || sev == SEV_NONE) {
		cat_find_at(ld, FND_DICT_KEY, key, "%s can be split by severity only, not by %s%s",
			    field, cat_quote(ld, node_str(key)),
			    cat_suggest(ld, node_str(key), cat_severity_words, N_SEVERITY_WORDS));
		return SEV_NONE;
	}
	if (!cat_lists_severity(rd->rec, sev))
		cat_find_at(ld, FND_DICT_EXTRA, key,
			    "%s names %s, which is not in the record's Severity", field,
			    severity_name(sev));
	return sev;
}

static void
spread_dict(struct load *ld, const struct reading *rd, const char *field, const struct node *n,
	    const struct node *v[FM_N_SEVERITIES])
{
	unsigned seen = 0;
	for (const struct node *key = n->first; key != NULL; key = key->next) {
		enum severity sev = dict_key(ld, rd, field, key);
		if (sev == SEV_NONE || !is_value(ld, field, key->value))
			continue;
		seen |= 1u << sev;
		if (node_is_null(key->value))
			cat_find_at(ld, FND_DICT_NULL, key, "%s says nothing for %s", field,
				    severity_name(sev));
		else
			v[sev] = key->value;
	}
	for (unsigned i = 0; i < rd->n_listed; i++)
		if ((seen & 1u << rd->listed[i]) == 0)
			cat_find_at(ld, FND_DICT_GAP, n, "%s leaves out %s", field,
				    severity_name(rd->listed[i]));
}

void
cat_spread(struct load *ld, struct reading *rd, const char *field, const struct node *n,
	   const struct node *v[FM_N_SEVERITIES])
{
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		v[i] = NULL;
	switch (n->kind) {
	case NODE_SCALAR:
		v[SEV_NONE] = n;
		break;
	case NODE_LIST:
		spread_list(ld, rd, field, n, v);
		break;
	case NODE_MAP:
		spread_dict(ld, rd, field, n, v);
		break;
	}
}
