/*
 * cat_record: the fields of one record in StarlingX's format. What is odd but usable is a warning
 * or a note; what cannot be understood is an error.
 */
#include "events/cat_load_priv.h"

/* ---- severities -------------------------------------------------------------------------- */

static void
add_severity(struct load *ld, struct reading *rd, const struct node *n)
{
	enum severity sev;
	if (!cat_read_severity(ld, n, &sev))
		return;
	if (cat_lists_severity(rd->rec, sev)) {
		cat_find_at(ld, FND_REPEATED_SEVERITY, n, "%s is listed twice",
			    severity_name(sev));
		return;
	}
	rd->rec->severities |= 1u << sev;
	rd->listed[rd->n_listed++] = sev;
	if (sev > rd->rec->severity)
		rd->rec->severity = sev;
}

static void
read_severities(struct load *ld, struct reading *rd, const struct node *n)
{
	if (n->kind == NODE_MAP) {
		cat_find_at(ld, FND_FIELD_SHAPE, n, "Severity must be one severity or a list");
		return;
	}
	if (n->kind == NODE_SCALAR) {
		add_severity(ld, rd, n);
		return;
	}
	rd->severity_is_list = true;
	if (n->n == 0)
		cat_find_at(ld, FND_MISSING_FIELD, n, "Severity is an empty list");
	if (n->n == 1)
		cat_find_at(ld, FND_ONE_ITEM_LIST, n, "Severity is a list of one item");
	for (const struct node *item = n->first; item != NULL; item = item->next)
		add_severity(ld, rd, item);
}

/* ---- texts ------------------------------------------------------------------------------- */

static bool
fits(struct load *ld, const struct node *n, const char *field, uint32_t len, uint32_t max)
{
	if (len <= max)
		return true;
	cat_find_at(ld, FND_TEXT_LENGTH, n, "%s is %u bytes long, at most %u can be kept", field,
		    (unsigned)len, (unsigned)max);
	return false;
}

/* A list that is not by severity holds alternatives: written as one text with "OR" between. */
static const struct node *
join_alternatives(struct load *ld, const struct node *list)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	for (const struct node *item = list->first; item != NULL; item = item->next) {
		if (item != list->first)
			fm_buf_adds(&b, "\nOR\n");
		if (item->kind == NODE_SCALAR)
			fm_buf_add(&b, item->text, item->len);
	}
	struct node *joined = fm_arena_alloc(&ld->tmp, sizeof(*joined));
	*joined = *list->first;
	joined->style = STYLE_BLOCK;
	joined->text = fm_arena_strndup(&ld->tmp, b.s, b.len);
	joined->len = (uint32_t)b.len;
	return joined;
}

static void
read_description_text(struct load *ld, struct reading *rd, enum severity sev,
		      const struct node *n)
{
	if (!fits(ld, n, "Description", n->len, FM_MAX_TEXT))
		return;
	bool lower = false;
	unsigned alternatives = cat_count_alternatives(node_str(n), BY_LINES, &lower);
	if (alternatives > 1)
		cat_find_at(ld, FND_ALTERNATIVES, n, "Description has %u alternatives",
			    alternatives);
	if (lower)
		cat_find_at(ld, FND_ALTERNATIVES_CASE, n,
			    "alternatives of Description are separated by \"or\"; write \"OR\"");
	if (alternatives > rd->n_text_alternatives)
		rd->n_text_alternatives = alternatives;
	cat_shape_text(ld, n, "Description");
	cat_text_make(ld, node_str(n), &rd->rec->text[sev]);
}

static void
read_description(struct load *ld, struct reading *rd, const struct node *n)
{
	const struct node *v[FM_N_SEVERITIES];
	cat_spread(ld, rd, "Description", n, v);
	if (n->kind == NODE_LIST && n->n > 1 && v[SEV_NONE] != NULL)
		v[SEV_NONE] = join_alternatives(ld, n);
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		if (v[i] != NULL)
			read_description_text(ld, rd, (enum severity)i, v[i]);
}

/* The first alternative of the first form written. */
static void
read_entity_text(struct load *ld, struct reading *rd, const struct node *n)
{
	bool lower = false;
	struct fm_str rest = node_str(n), form;
	unsigned alternatives = cat_count_alternatives(rest, BY_WORDS, &lower);
	if (alternatives > 1)
		cat_find_at(ld, FND_ALTERNATIVES, n, "Entity_Instance_ID has %u alternatives",
			    alternatives);
	if (alternatives > rd->n_entity_alternatives)
		rd->n_entity_alternatives = alternatives;
	cat_shape_entity(ld, n);
	if (rd->rec->entity_form == NULL && cat_next_alternative(&rest, BY_WORDS, &form, &lower) &&
	    form.len != 0 && fits(ld, n, "Entity_Instance_ID", form.len, FM_MAX_ENTITY))
		rd->rec->entity_form = cat_keep(ld, form);
}

static void
read_entity(struct load *ld, struct reading *rd, const struct node *n)
{
	const struct node *v[FM_N_SEVERITIES];
	if (n->kind == NODE_LIST && n->n > 1) {
		cat_find_at(ld, FND_ALTERNATIVES, n, "Entity_Instance_ID has %u alternatives",
			    (unsigned)n->n);
		rd->n_entity_alternatives = n->n;
	}
	if (n->kind == NODE_MAP)
		cat_find_at(ld, FND_ENTITY_BY_SEVERITY, n,
			    "Entity_Instance_ID is split by severity; the first is used");
	cat_spread(ld, rd, "Entity_Instance_ID", n, v);
	if (n->kind == NODE_SCALAR) {
		read_entity_text(ld, rd, n);
		return;
	}
	for (const struct node *item = n->first; item != NULL; item = item->next) {
		const struct node *value = n->kind == NODE_MAP ? item->value : item;
		if (value->kind == NODE_SCALAR && !node_is_null(value))
			read_entity_text(ld, rd, value);
	}
}

/* Repair and maintenance actions: free text, with words that stand for nothing. */
static void
read_action(struct load *ld, struct reading *rd, const struct node *n, const char *field,
	    const char *ret[FM_N_SEVERITIES])
{
	const struct node *v[FM_N_SEVERITIES];
	cat_spread(ld, rd, field, n, v);
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++) {
		if (v[i] == NULL || !fits(ld, v[i], field, v[i]->len, FM_MAX_TEXT))
			continue;
		if (cat_is_null_word(node_str(v[i]))) {
			cat_find_at(ld, FND_NULL_WORD, v[i], "%s: %s means nothing; leave it empty",
				    field, cat_quote(ld, node_str(v[i])));
			continue;
		}
		cat_shape_text(ld, v[i], field);
		ret[i] = cat_keep(ld, node_str(v[i]));
	}
}

static void
read_repair(struct load *ld, struct reading *rd, const struct node *n)
{
	read_action(ld, rd, n, "Proposed_Repair_Action", rd->rec->repair);
}

static void
read_maintenance(struct load *ld, struct reading *rd, const struct node *n)
{
	read_action(ld, rd, n, "Maintenance_Action", rd->rec->maintenance);
}

/* ---- words ------------------------------------------------------------------------------- */

/* One word of an enumeration, or a list of them of which the first counts. */
static void
read_word(struct load *ld, struct reading *rd, const struct node *n, const char *field,
	  enum finding_kind kind, bool parse(const char *, size_t, int *), int *ret)
{
	bool first = true;
	if (n->kind == NODE_MAP) {
		cat_find_at(ld, FND_FIELD_SHAPE, n, "%s must be one word or a list", field);
		return;
	}
	if (n->kind == NODE_LIST) {
		cat_check_list_length(ld, rd, field, n);
		if (n->n > 1)
			cat_find_at(ld, FND_WORD_LIST, n, "%s has %u words; the first is used",
				    field, (unsigned)n->n);
	}
	for (const struct node *w = n->kind == NODE_LIST ? n->first : n; w != NULL; w = w->next) {
		int value;
		if (!cat_want_text(ld, kind, w, field))
			continue;
		if (!parse(w->text, w->len, &value))
			cat_find_at(ld, kind, w, "%s is not a word of %s",
				    cat_quote(ld, node_str(w)), field);
		else if (first)
			*ret = value;
		first = false;
		if (n->kind != NODE_LIST)
			break;
	}
}

static void
read_type(struct load *ld, struct reading *rd, const struct node *n)
{
	read_word(ld, rd, n, "Alarm_Type", FND_BAD_TYPE, alarm_type_parse, &rd->rec->type);
}

static void
read_cause(struct load *ld, struct reading *rd, const struct node *n)
{
	read_word(ld, rd, n, "Probable_Cause", FND_BAD_CAUSE, probable_cause_parse,
		  &rd->rec->cause);
}

static void
read_inhibit(struct load *ld, struct reading *rd, const struct node *n)
{
	cat_read_bool(ld, n, "Inhibit_Alarms", &rd->rec->inhibits);
}

static void
read_suppression(struct load *ld, struct reading *rd, const struct node *n)
{
	cat_read_bool(ld, n, "Suppression", &rd->rec->suppressible);
}

static void
read_service(struct load *ld, struct reading *rd, const struct node *n)
{
	const struct node *v[FM_N_SEVERITIES];
	cat_spread(ld, rd, "Service_Affecting", n, v);
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		if (v[i] != NULL)
			cat_read_bool(ld, v[i], "Service_Affecting",
				      &rd->rec->service_affecting[i]);
	if (v[SEV_NONE] == NULL)
		return;
	for (unsigned i = 1; i < FM_N_SEVERITIES; i++)
		rd->rec->service_affecting[i] = rd->rec->service_affecting[SEV_NONE];
}

static void
read_level(struct load *ld, const struct node *n, const char *field, enum severity *ret)
{
	static const char *const words[] = {"none", "critical", "major", "minor", "warning"};
	if (!cat_want_text(ld, FND_BAD_LEVEL, n, field))
		return;
	if (cat_is_null_word(node_str(n)))
		*ret = SEV_NONE;
	else if (!severity_parse(n->text, n->len, ret))
		cat_find_at(ld, FND_BAD_LEVEL, n, "%s must be none or a severity, not %s%s", field,
			    cat_quote(ld, node_str(n)),
			    cat_suggest(ld, node_str(n), words, FM_ARRAY_LEN(words)));
}

static void
read_management(struct load *ld, struct reading *rd, const struct node *n)
{
	read_level(ld, n, "Management_Affecting_Severity", &rd->rec->mgmt_threshold);
}

static void
read_degrade(struct load *ld, struct reading *rd, const struct node *n)
{
	read_level(ld, n, "Degrade_Affecting_Severity", &rd->rec->degrade_threshold);
	if (rd->rec->degrade_threshold == SEV_WARNING)
		cat_find_at(ld, FND_DEGRADE_WARNING, n,
			    "a warning does not degrade a host in StarlingX; use minor or worse");
}

static void
read_context(struct load *ld, struct reading *rd, const struct node *n)
{
	for (unsigned i = 0; i < CONTEXT_N; i++) {
		if (n->kind == NODE_SCALAR && strcmp(n->text, cat_context_words[i]) == 0) {
			rd->rec->context = (enum cat_context)i;
			return;
		}
	}
	cat_find_at(ld, FND_BAD_CONTEXT, n,
		    "Context must be none, starlingx, openstack or fmd; taken as none%s",
		    n->kind == NODE_SCALAR ?
		    cat_suggest(ld, node_str(n), cat_context_words, CONTEXT_N) : "");
}

/* ---- the record -------------------------------------------------------------------------- */

/* In the order in which they are read: lists by severity need the severities. */
static const struct field {
	const char *name;
	bool alarm_only, may_be_empty;
	void (*read)(struct load *ld, struct reading *rd, const struct node *n);
} fields[] = {
	{"Severity", false, false, read_severities},
	{"Description", false, false, read_description},
	{"Entity_Instance_ID", false, false, read_entity},
	{"Proposed_Repair_Action", true, false, read_repair},
	{"Maintenance_Action", true, true, read_maintenance},
	{"Inhibit_Alarms", true, true, read_inhibit},
	{"Alarm_Type", false, false, read_type},
	{"Probable_Cause", false, false, read_cause},
	{"Service_Affecting", false, false, read_service},
	{"Suppression", true, false, read_suppression},
	{"Management_Affecting_Severity", true, false, read_management},
	{"Degrade_Affecting_Severity", true, false, read_degrade},
	{"Context", false, true, read_context},
	{"Examples", false, true, cat_read_examples},
};
#define N_FIELDS FM_ARRAY_LEN(fields)

static const struct field *
field_of(const char *name)
{
	for (unsigned i = 0; i < N_FIELDS; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static void
check_field_names(struct load *ld, const struct reading *rd)
{
	const char *names[N_FIELDS + 2] = {"Type", "Correlation"};
	for (unsigned i = 0; i < N_FIELDS; i++)
		names[i + 2] = fields[i].name;
	for (const struct node *key = rd->node->first; key != NULL; key = key->next) {
		const struct field *f = field_of(key->text);
		if (f != NULL && f->alarm_only && rd->rec->is_log)
			cat_find_at(ld, FND_ALARM_FIELD, key, "%s is for alarms; this is a log",
				    f->name);
		if (f != NULL || strcmp(key->text, "Type") == 0 ||
		    strcmp(key->text, "Correlation") == 0)
			continue;
		cat_find_at(ld, FND_UNKNOWN_FIELD, key, "%s is not a field of a record%s",
			    cat_quote(ld, node_str(key)),
			    cat_suggest(ld, node_str(key), names, FM_ARRAY_LEN(names)));
	}
}

static void
read_kind(struct load *ld, struct reading *rd)
{
	const struct node *n = node_get(rd->node, "Type");
	if (n != NULL && n->kind == NODE_SCALAR) {
		rd->rec->is_log = strcmp(n->text, "Log") == 0;
		if (rd->rec->is_log || strcmp(n->text, "Alarm") == 0)
			return;
	}
	cat_find_at(ld, FND_NO_TYPE, n != NULL ? n : rd->key, "Type must be Alarm or Log");
}

static void
read_field(struct load *ld, struct reading *rd, const struct field *f)
{
	const struct node *n = node_get(rd->node, f->name);
	if (rd->rec->is_log && f->alarm_only)
		return;
	if (n == NULL && f->read == read_context)
		cat_find_at(ld, FND_BAD_CONTEXT, rd->key, "Context is missing; taken as none");
	else if (n == NULL && !f->may_be_empty)
		cat_find_at(ld, FND_MISSING_FIELD, rd->key, "%s is missing", f->name);
	else if (n != NULL && (!node_is_null(n) || f->read == read_context))
		f->read(ld, rd, n);
	else if (!f->may_be_empty)
		cat_find_at(ld, FND_MISSING_FIELD, n, "%s is empty", f->name);
}

void
cat_read_record(struct load *ld, struct reading *rd)
{
	rd->rec->line = rd->key->line;
	rd->rec->cause = FM_CAUSE_UNKNOWN;
	read_kind(ld, rd);
	check_field_names(ld, rd);
	for (unsigned i = 0; i < N_FIELDS; i++)
		read_field(ld, rd, &fields[i]);
	cat_shape_record(ld, rd);
}
