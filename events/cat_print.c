/*
 * cat_print: a catalogue as canonical YAML, which loads back to an equal one. Defaults are written
 * out, alternatives that were not used are not, except in texts.
 */
#include "events/cat_load_priv.h"

#include <strings.h>

/* ---- scalars ----------------------------------------------------------------------------- */

/* Plain where no YAML reader can take it for anything but this text. */
static bool
is_plain(const char *s)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y",
		"n", "none"};
	if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')))
		return false;
	for (unsigned i = 0; i < FM_ARRAY_LEN(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	for (const char *p = s; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || strchr(" ._-<>=()/", *p) != NULL) ||
		    (*p == ' ' && p[1] == '\0'))
			return false;
	return true;
}

/* A block keeps lines readable, where YAML can give them back exactly. */
static bool
is_block(const char *s)
{
	if (strchr(s, '\n') == NULL || *s == ' ' || *s == '\n' || *s == '\t')
		return false;
	for (const char *p = s; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (c >= 0x80 || c == '\t' || (c == '\n' && (p[1] == '\0' || p[-1] == ' ')))
			return false;
	}
	return s[strlen(s) - 1] != ' ';
}

/* What a reader of the file sees as it is: no controls, marks, bidirectional or line breaks. */
static bool
is_visible(uint32_t cp)
{
	static const struct { uint32_t from, to; } hidden[] = {
		{0, 0x1f}, {0x7f, 0x9f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff0, 0xffff},
	};
	for (unsigned i = 0; i < FM_ARRAY_LEN(hidden); i++)
		if (cp >= hidden[i].from && cp <= hidden[i].to)
			return false;
	return true;
}

static void
put_escaped(struct fm_buf *b, const char *s)
{
	size_t len = strlen(s), n;
	uint32_t cp;
	fm_buf_adds(b, "\"");
	for (size_t i = 0; i < len; i += n) {
		n = fm_utf8_decode(s + i, len - i, &cp);
		fm_assert(n != 0);
		if (cp == '"' || cp == '\\')
			fm_buf_addf(b, "\\%c", (char)cp);
		else if (cp == '\n')
			fm_buf_adds(b, "\\n");
		else if (cp == '\t')
			fm_buf_adds(b, "\\t");
		else if (is_visible(cp))
			fm_buf_add(b, s + i, n);
		else
			fm_buf_addf(b, "\\U%08X", (unsigned)cp);
	}
	fm_buf_adds(b, "\"");
}

static void
indent(struct fm_buf *b, unsigned depth)
{
	fm_buf_addf(b, "%*s", (int)(depth * 4), "");
}

/* The value behind "key:", which stands at depth. */
static void
put_text(struct fm_buf *b, unsigned depth, const char *s)
{
	if (is_plain(s)) {
		fm_buf_addf(b, " %s\n", s);
	} else if (!is_block(s)) {
		fm_buf_adds(b, " ");
		put_escaped(b, s);
		fm_buf_adds(b, "\n");
	} else {
		fm_buf_adds(b, " |-\n");
		for (const char *end; s != NULL; s = end != NULL ? end + 1 : NULL) {
			end = strchr(s, '\n');
			size_t len = end != NULL ? (size_t)(end - s) : strlen(s);
			if (len != 0)
				indent(b, depth + 1);
			fm_buf_add(b, s, len);
			fm_buf_adds(b, "\n");
		}
	}
}

static void
put_key(struct fm_buf *b, unsigned depth, const char *key)
{
	indent(b, depth);
	fm_buf_addf(b, "%s:", key);
}

static void
put_pair(struct fm_buf *b, unsigned depth, const char *key, const char *value)
{
	put_key(b, depth, key);
	put_text(b, depth, value);
}

static void
put_span(struct fm_buf *b, unsigned depth, const char *key, struct fm_span span)
{
	char text[FM_SPAN_STR];
	put_key(b, depth, key);
	fm_buf_addf(b, " %s\n", fm_span_format(span, text));
}

/* Words of the format: never quoted. */
static void
put_word(struct fm_buf *b, unsigned depth, const char *key, const char *word)
{
	put_key(b, depth, key);
	fm_buf_addf(b, " %s\n", word);
}

static void
put_bool(struct fm_buf *b, unsigned depth, const char *key, bool v)
{
	put_word(b, depth, key, v ? "True" : "False");
}

/* ---- records ----------------------------------------------------------------------------- */

/* v[SEV_NONE] alone, or a dictionary by severity, the worst first. Nothing: "key:". */
static void
put_by_severity(struct fm_buf *b, const char *key, const char *const v[FM_N_SEVERITIES])
{
	if (v[SEV_NONE] != NULL) {
		put_pair(b, 1, key, v[SEV_NONE]);
		return;
	}
	put_key(b, 1, key);
	fm_buf_adds(b, "\n");
	for (unsigned sev = FM_N_SEVERITIES; sev-- > SEV_WARNING;)
		if (v[sev] != NULL)
			put_pair(b, 2, severity_name((enum severity)sev), v[sev]);
}

static void
put_description(struct fm_buf *b, const struct cat_record *rec)
{
	const char *v[FM_N_SEVERITIES];
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		v[i] = rec->text[i].source;
	put_by_severity(b, "Description", v);
}

static void
put_severities(struct fm_buf *b, const struct cat_record *rec)
{
	bool several = (rec->severities & (rec->severities - 1)) != 0;
	const char *before = several ? " [" : " ";
	put_key(b, 1, "Severity");
	for (unsigned sev = FM_N_SEVERITIES; sev-- > SEV_WARNING;) {
		if (!cat_lists_severity(rec, (enum severity)sev))
			continue;
		fm_buf_addf(b, "%s%s", before, severity_name((enum severity)sev));
		before = ", ";
	}
	fm_buf_adds(b, several ? "]\n" : "\n");
}

static void
put_service_affecting(struct fm_buf *b, const struct cat_record *rec)
{
	bool same = true;
	for (unsigned i = 1; i < FM_N_SEVERITIES; i++)
		same &= rec->service_affecting[i] == rec->service_affecting[SEV_NONE];
	if (same) {
		put_bool(b, 1, "Service_Affecting", rec->service_affecting[SEV_NONE]);
		return;
	}
	put_key(b, 1, "Service_Affecting");
	fm_buf_adds(b, "\n");
	for (unsigned sev = FM_N_SEVERITIES; sev-- > SEV_WARNING;)
		if (rec->service_affecting[sev] || cat_lists_severity(rec, (enum severity)sev))
			put_bool(b, 2, severity_name((enum severity)sev),
				 rec->service_affecting[sev]);
}

static const char *
level_word(enum severity sev)
{
	return sev == SEV_NONE ? "none" : severity_name(sev);
}

/* ---- rules ------------------------------------------------------------------------------- */

static void
put_threshold(struct fm_buf *b, unsigned depth, const struct cat_threshold *th)
{
	put_key(b, depth, "Threshold");
	fm_buf_adds(b, "\n");
	put_word(b, depth + 1, "Of", fact_attr_name((enum fact_attr)th->of));
	if (th->per >= 0)
		put_word(b, depth + 1, "Per", fact_attr_name((enum fact_attr)th->per));
	for (unsigned sev = SEV_WARNING; sev < FM_N_SEVERITIES; sev++) {
		if (!th->given[sev])
			continue;
		put_key(b, depth + 1, cat_bound_words[sev]);
		fm_buf_addf(b, " \"%s %.15g\"\n", th->or_equal[sev] ? ">=" : ">", th->above[sev]);
	}
}

/* Items of a list: the first key stands behind "- ", the others below it. */
static void
put_steps(struct fm_buf *b, unsigned depth, const struct cat_rule *rule)
{
	put_key(b, depth, "Escalate");
	fm_buf_adds(b, "\n");
	for (unsigned i = 0; i < rule->n_steps; i++) {
		const struct cat_step *step = &rule->steps[i];
		char span[FM_SPAN_STR];
		indent(b, depth + 1);
		fm_buf_addf(b, "-   After: %s\n", step->after == AFTER_SPAN ?
			    fm_span_format(step->span, span) : cat_after_words[step->after]);
		if (step->severity != SEV_NONE)
			put_word(b, depth + 2, "Severity", severity_name(step->severity));
		if (step->text != NULL)
			put_pair(b, depth + 2, "Text", step->text->source);
	}
}

static void
put_clears(struct fm_buf *b, unsigned depth, const struct cat_rule *rule)
{
	put_key(b, depth, "Clear");
	fm_buf_adds(b, "\n");
	for (unsigned i = 0; i < rule->n_clears; i++) {
		const struct cat_clear *clear = &rule->clears[i];
		indent(b, depth + 1);
		fm_buf_addf(b, "-   On: %s\n", fact_name(clear->fact));
		if (clear->when.source != NULL)
			put_pair(b, depth + 2, "If", clear->when.source);
	}
}

static void
put_group(struct fm_buf *b, unsigned depth, const struct cat_group *group)
{
	char within[FM_SPAN_STR];
	put_key(b, depth, "Group");
	fm_buf_addf(b, " {By: %s, At_Least: %u, Within: %s}\n", cat_group_words[group->by],
		    group->at_least, fm_span_format(group->within, within));
}

static void
put_flap(struct fm_buf *b, unsigned depth, const struct cat_flap *flap)
{
	char within[FM_SPAN_STR], quiet[FM_SPAN_STR];
	put_key(b, depth, "Flap");
	fm_buf_addf(b, " {Count: %u, Within: %s, Quiet: %s}\n", flap->count,
		    fm_span_format(flap->within, within), fm_span_format(flap->quiet, quiet));
}

static void
put_rule(struct fm_buf *b, unsigned depth, const struct cat_rule *rule)
{
	const struct { const char *key; struct fm_span span; } spans[] = {
		{"Hold_On", rule->hold_on}, {"Hold_Off", rule->hold_off},
		{"Hold_Notice", rule->hold_notice}, {"Expire", rule->expire},
	};
	put_word(b, depth, fact_is_state(rule->fact) ? "While" : "On", fact_name(rule->fact));
	if (rule->when.source != NULL)
		put_pair(b, depth, "If", rule->when.source);
	if (rule->n_clears != 0)
		put_clears(b, depth, rule);
	if (rule->threshold.of >= 0)
		put_threshold(b, depth, &rule->threshold);
	else if (!rule->record->is_log)
		put_word(b, depth, "Severity", severity_name(rule->severity));
	for (unsigned i = 0; i < FM_ARRAY_LEN(spans); i++)
		if (spans[i].span.ns != 0)
			put_span(b, depth, spans[i].key, spans[i].span);
	if (rule->group.by != GROUP_NONE)
		put_group(b, depth, &rule->group);
	if (rule->flap.count != 0)
		put_flap(b, depth, &rule->flap);
	if (rule->cause >= 0)
		put_word(b, depth, "Probable_Cause", probable_cause_name(rule->cause));
	if (rule->text != NULL)
		put_pair(b, depth, "Text", rule->text->source);
	if (rule->n_steps != 0)
		put_steps(b, depth, rule);
}

static void
put_relation(struct fm_buf *b, unsigned depth, const struct cat_relation *rel)
{
	char before[FM_SPAN_STR], after[FM_SPAN_STR];
	indent(b, depth);
	fm_buf_adds(b, "-   Alarms: [");
	for (unsigned i = 0; i < rel->n_alarms; i++)
		fm_buf_addf(b, "%s\"%s\"", i != 0 ? ", " : "", rel->alarms[i]);
	fm_buf_adds(b, "]\n");
	put_word(b, depth + 1, "Where", cat_where_words[rel->where]);
	if (rel->effect != EFFECT_OUTDATE) {
		put_key(b, depth + 1, "Window");
		fm_buf_addf(b, " [%s, %s]\n",
			    fm_span_format((struct fm_span){-rel->before.ns}, before),
			    fm_span_format(rel->after, after));
	}
	if (rel->effect == EFFECT_SUPPRESS)
		put_span(b, depth + 1, "Grace", rel->grace);
	if (rel->at_least != SEV_NONE)
		put_word(b, depth + 1, "At_Least", severity_name(rel->at_least));
}

static void
put_relations(struct fm_buf *b, unsigned depth, const struct cat_record *rec,
	      enum cat_effect effect)
{
	bool first = true;
	for (unsigned i = 0; i < rec->n_relations; i++) {
		if (rec->relations[i].effect != effect)
			continue;
		if (first) {
			put_key(b, depth, cat_effect_words[effect]);
			fm_buf_adds(b, "\n");
		}
		first = false;
		put_relation(b, depth + 1, &rec->relations[i]);
	}
}

/* A mapping; with several rules a list, whose first item has the relations of the record. */
static void
put_correlation(struct fm_buf *b, const struct cat_record *rec)
{
	unsigned depth = rec->n_rules > 1 ? 3 : 2;
	if (rec->n_rules == 0 && rec->n_relations == 0)
		return;
	put_key(b, 1, "Correlation");
	fm_buf_adds(b, "\n");
	for (unsigned i = 0; i == 0 || i < rec->n_rules; i++) {
		if (depth == 3) {
			indent(b, 2);
			fm_buf_adds(b, "-\n");
		}
		if (i < rec->n_rules)
			put_rule(b, depth, &rec->rules[i]);
		if (i != 0)
			continue;
		for (unsigned effect = 0; effect < N_EFFECTS; effect++)
			put_relations(b, depth, rec, (enum cat_effect)effect);
	}
}

static void
put_examples(struct fm_buf *b, const struct cat_record *rec)
{
	if (rec->n_examples == 0)
		return;
	put_key(b, 1, "Examples");
	fm_buf_adds(b, "\n");
	for (unsigned i = 0; i < rec->n_examples; i++) {
		const struct cat_example *ex = &rec->examples[i];
		indent(b, 2);
		put_escaped(b, ex->title);
		fm_buf_adds(b, ":\n");
		for (unsigned j = 0; j < ex->n_steps; j++) {
			indent(b, 3);
			fm_buf_adds(b, "-");
			put_text(b, 3, ex->steps[j].text);
		}
	}
}

/* ---- the whole --------------------------------------------------------------------------- */

static void
put_actions(struct fm_buf *b, const struct cat_record *rec)
{
	put_by_severity(b, "Proposed_Repair_Action", rec->repair);
	put_by_severity(b, "Maintenance_Action", rec->maintenance);
	put_bool(b, 1, "Inhibit_Alarms", rec->inhibits);
}

static void
put_levels(struct fm_buf *b, const struct cat_record *rec)
{
	put_bool(b, 1, "Suppression", rec->suppressible);
	put_word(b, 1, "Management_Affecting_Severity", level_word(rec->mgmt_threshold));
	put_word(b, 1, "Degrade_Affecting_Severity", level_word(rec->degrade_threshold));
}

/* In the order of StarlingX's file. */
static void
put_fields(struct fm_buf *b, const struct cat_record *rec)
{
	put_word(b, 1, "Type", rec->is_log ? "Log" : "Alarm");
	put_description(b, rec);
	if (rec->entity_form != NULL)
		put_pair(b, 1, "Entity_Instance_ID", rec->entity_form);
	if (rec->severities != 0)
		put_severities(b, rec);
	if (!rec->is_log)
		put_actions(b, rec);
	put_word(b, 1, "Alarm_Type", alarm_type_name(rec->type));
	put_word(b, 1, "Probable_Cause", probable_cause_name(rec->cause));
	put_service_affecting(b, rec);
	if (!rec->is_log)
		put_levels(b, rec);
	put_word(b, 1, "Context", cat_context_words[rec->context]);
}

void
cat_print_part(const struct cat_record *rec, enum cat_part part, struct fm_buf *ret)
{
	switch (part) {
	case PART_FIELDS: put_fields(ret, rec); return;
	case PART_RULES: put_correlation(ret, rec); return;
	case PART_EXAMPLES: put_examples(ret, rec); return;
	case PART_N: return;
	}
}

static void
put_record(struct fm_buf *b, const struct cat_record *rec)
{
	fm_buf_addf(b, "\n\"%s\":\n", rec->id);
	for (unsigned part = 0; part < PART_N; part++)
		cat_print_part(rec, (enum cat_part)part, b);
}

void
cat_print_limits(const struct cat_limits *lim, struct fm_buf *b)
{
	fm_buf_adds(b, "Limits:\n");
	put_span(b, 1, "Soft", fm_span_s(lim->soft_s));
	put_span(b, 1, "Hard", fm_span_s(lim->hard_s));
	put_span(b, 1, "Min", fm_span_s(lim->min_s));
	put_span(b, 1, "Max", fm_span_s(lim->max_s));
	put_word(b, 1, "Mode", lim->per_gib ? "per-gib" : "total");
	put_span(b, 1, "Unknown", fm_span_s(lim->unknown_s));
	put_span(b, 1, "Downtime", fm_span_ms(lim->downtime_ms));
	put_span(b, 1, "Downtime_Min", fm_span_ms(lim->downtime_min_ms));
	put_span(b, 1, "Settle", lim->settle);
	put_span(b, 1, "Keep_Cleared", lim->keep_cleared);
	put_key(b, 1, "Max_Cleared");
	fm_buf_addf(b, " %u\n", lim->max_cleared);
	put_key(b, 1, "Max_Alarms");
	fm_buf_addf(b, " %u\n", lim->max_alarms);
	put_key(b, 1, "Storm");
	fm_buf_addf(b, " %u\n", lim->storm);
	put_span(b, 1, "Storm_Window", lim->storm_window);
	put_key(b, 1, "Storm_Pass");
	fm_buf_addf(b, " %u\n", lim->storm_pass);
}

static void
put_list(struct fm_buf *b, const char *key, const char *const *v, unsigned n)
{
	put_key(b, 2, key);
	fm_buf_adds(b, "\n");
	for (unsigned i = 0; i < n; i++) {
		indent(b, 3);
		fm_buf_adds(b, "-");
		put_text(b, 3, v[i]);
	}
}

/* Days are kept as words joined by commas. */
static void
put_every(struct fm_buf *b, const struct cat_window *w)
{
	put_key(b, 2, "Every");
	fm_buf_adds(b, "\n");
	if (w->part[WINDOW_DAYS] != NULL) {
		put_key(b, 3, "Days");
		fm_buf_addf(b, " [%s]\n", w->part[WINDOW_DAYS]);
	}
	if (w->part[WINDOW_AT] != NULL)
		put_pair(b, 3, "At", w->part[WINDOW_AT]);
}

static void
put_window(struct fm_buf *b, const struct cat_window *w)
{
	fm_buf_adds(b, "    -\n");
	put_pair(b, 2, "Name", w->name);
	if (w->n_alarms == 0)
		put_word(b, 2, "Alarms", "all");
	else
		put_list(b, "Alarms", w->alarms, w->n_alarms);
	if (w->n_entities > 0)
		put_list(b, "Entities", w->entities, w->n_entities);
	put_bool(b, 2, "Logs", w->logs);
	for (unsigned p = 0; p < WINDOW_N_PARTS; p++)
		if (w->part[p] != NULL && p != WINDOW_DAYS && p != WINDOW_AT)
			put_pair(b, 2, cat_window_words[p], w->part[p]);
	if (w->part[WINDOW_DAYS] != NULL || w->part[WINDOW_AT] != NULL)
		put_every(b, w);
}

void
cat_print_windows(const struct catalogue *cat, struct fm_buf *ret)
{
	if (cat->n_windows > 0)
		fm_buf_adds(ret, "\nMaintenance:\n");
	for (unsigned i = 0; i < cat->n_windows; i++)
		put_window(ret, &cat->windows[i]);
}

void
cat_print(const struct catalogue *cat, struct fm_buf *ret)
{
	cat_print_limits(&cat->limits, ret);
	for (unsigned i = 0; i < cat->n; i++)
		put_record(ret, &cat->records[i]);
	cat_print_windows(cat, ret);
}
