/*
 * cat_words: reading single values (severities, booleans, spans, counts) and suggesting what a
 * misspelt word may have meant.
 */
#include "events/cat_load_priv.h"

const char *const cat_severity_words[N_SEVERITY_WORDS] = {"critical", "major", "minor", "warning"};

const char *const cat_bound_words[FM_N_SEVERITIES] = {
	[SEV_NONE] = "",
	[SEV_WARNING] = "Warning",
	[SEV_MINOR] = "Minor",
	[SEV_MAJOR] = "Major",
	[SEV_CRITICAL] = "Critical",
};

const char *const cat_context_words[CONTEXT_N] = {
#define FM_X(id, name) [CONTEXT_##id] = name,
	CAT_CONTEXTS(FM_X)
#undef FM_X
};

const char *const cat_after_words[N_AFTER_WORDS] = {
	[AFTER_SPAN] = "",
	[AFTER_SOFT_LIMIT] = "migration.limit.soft",
	[AFTER_HARD_LIMIT] = "migration.limit.hard",
	[AFTER_UNKNOWN_LIMIT] = "migration.limit.unknown",
	[AFTER_POSTCOPY] = "migration.postcopy",
};

const char *const cat_where_words[N_WHERE_WORDS] = {
	[WHERE_INSTANCE_HOST] = "instance.host == host",
	[WHERE_HOST] = "host == host",
	[WHERE_BELOW] = "below",
	[WHERE_ALL] = "all",
	[WHERE_MEMBERS] = "members",
};

const char *const cat_effect_words[N_EFFECTS] = {
	[EFFECT_SUPPRESS] = "Suppresses",
	[EFFECT_CAUSE] = "Causes",
	[EFFECT_OUTDATE] = "Outdates",
};

const char *const cat_group_words[GROUP_N] = {
	[GROUP_NONE] = "",
#define FM_X(id, name) [GROUP_##id] = (name),
	CAT_GROUPS(FM_X)
#undef FM_X
};

/* ---- suggestions ------------------------------------------------------------------------- */

/* The nearest word so far; a word is near when at most a third of it (but one letter) differs. */
struct nearest {
	struct fm_str s;
	const char *word;
	unsigned distance;
};

/* Nothing is near when the finding would not be listed anyway. */
static struct nearest
nearest_to(const struct load *ld, struct fm_str s)
{
	bool listed = ld->findings->n_errors < CAT_MAX_FINDINGS;
	return (struct nearest){s, NULL, listed ? (s.len < 3 ? 3 : s.len) / 3 + 1 : 0};
}

static void
consider(struct nearest *near, const char *word)
{
	struct fm_str w = fm_str_of(word);
	uint32_t apart = w.len > near->s.len ? w.len - near->s.len : near->s.len - w.len;
	if (near->s.len > FM_NEAR_MAX || w.len > FM_NEAR_MAX || apart >= near->distance)
		return;
	unsigned d = fm_near(near->s, w);
	if (d < near->distance) {
		near->distance = d;
		near->word = word;
	}
}

const char *
cat_nearest(struct fm_str s, const char *const *words, unsigned n)
{
	struct nearest near = {s, NULL, (s.len < 3 ? 3 : s.len) / 3 + 1};
	for (unsigned i = 0; i < n; i++)
		consider(&near, words[i]);
	return near.word;
}

static const char *
suggestion(struct load *ld, const struct nearest *near)
{
	if (near->word == NULL)
		return "";
	return fm_arena_printf(&ld->tmp, "; did you mean \"%s\"?", near->word);
}

const char *
cat_suggest(struct load *ld, struct fm_str s, const char *const *words, unsigned n)
{
	struct nearest near = nearest_to(ld, s);
	for (unsigned i = 0; i < n; i++)
		consider(&near, words[i]);
	return suggestion(ld, &near);
}

const char *
cat_suggest_fact(struct load *ld, struct fm_str s)
{
	struct nearest near = nearest_to(ld, s);
	for (unsigned i = 0; i < FACT_N; i++)
		consider(&near, fact_name((enum fact_id)i));
	return suggestion(ld, &near);
}

const char *
cat_suggest_attr(struct load *ld, struct fm_str s)
{
	struct nearest near = nearest_to(ld, s);
	for (unsigned i = 0; i < ATTR_N; i++)
		consider(&near, fact_attr_name((enum fact_attr)i));
	return suggestion(ld, &near);
}

/* Ids differ from each other in one digit, so only a lost or added zero is a likely slip. */
const char *
cat_suggest_id(struct load *ld, struct fm_str s)
{
	char id[FM_MAX_ALARM_ID + 2];
	if (s.len == 0 || s.len > FM_MAX_ALARM_ID)
		return "";
	memcpy(id, s.p, s.len);
	memcpy(id + s.len, "0", 2);
	if (cat_find(ld->cat, id) == NULL)
		return "";
	return fm_arena_printf(&ld->tmp, "; did you mean \"%s\"? Quote it to keep the zero", id);
}

bool
cat_is_null_word(struct fm_str s)
{
	return fm_str_is(s, "none") || fm_str_is(s, "None") || fm_str_is(s, "NONE") ||
	       fm_str_is(s, "n/a") || fm_str_is(s, "N/A");
}

/* ---- values ------------------------------------------------------------------------------ */

bool
cat_want_text(struct load *ld, enum finding_kind kind, const struct node *n, const char *field)
{
	if (n->kind == NODE_SCALAR && !node_is_null(n))
		return true;
	cat_find_at(ld, kind, n, "%s must be a single value%s", field,
		    n->kind == NODE_SCALAR ? ", it is empty" : ", not a list or mapping");
	return false;
}

bool
cat_read_severity(struct load *ld, const struct node *n, enum severity *ret)
{
	enum severity sev;
	if (!cat_want_text(ld, FND_BAD_SEVERITY, n, "a severity"))
		return false;
	if (severity_parse(n->text, n->len, &sev) && sev != SEV_NONE) {
		*ret = sev;
		return true;
	}
	cat_find_at(ld, FND_BAD_SEVERITY, n,
		    "%s is not a severity (critical, major, minor, warning)%s",
		    cat_quote(ld, node_str(n)),
		    cat_suggest(ld, node_str(n), cat_severity_words, N_SEVERITY_WORDS));
	return false;
}

/* The words of YAML 1.1 that StarlingX's reader takes. */
bool
cat_read_bool(struct load *ld, const struct node *n, const char *field, bool *ret)
{
	static const char *const yes[] = {"True", "true", "TRUE", "Yes", "yes", "YES", "On", "on"};
	static const char *const no[] = {"False", "false", "FALSE", "No", "no", "NO", "Off", "off"};
	if (!cat_want_text(ld, FND_BAD_BOOL, n, field))
		return false;
	for (unsigned i = 0; i < FM_ARRAY_LEN(yes); i++) {
		if (fm_str_is(node_str(n), yes[i]) || fm_str_is(node_str(n), no[i])) {
			*ret = fm_str_is(node_str(n), yes[i]);
			return true;
		}
	}
	cat_find_at(ld, FND_BAD_BOOL, n, "%s must be True or False, not %s", field,
		    cat_quote(ld, node_str(n)));
	return false;
}

bool
cat_read_span(struct load *ld, enum finding_kind kind, const struct node *n, const char *field,
	      struct fm_span min, struct fm_span max, struct fm_span *ret)
{
	struct fm_span d;
	char low[FM_SPAN_STR], high[FM_SPAN_STR];
	if (!cat_want_text(ld, kind, n, field))
		return false;
	if (fm_span_parse(n->text, n->len, &d) != 0) {
		cat_find_at(ld, kind, n, "%s: %s is not a time such as 500ms, 30s, 15m or 1h",
			    field, cat_quote(ld, node_str(n)));
		return false;
	}
	if (d.ns < min.ns || d.ns > max.ns) {
		cat_find_at(ld, kind, n, "%s must lie within %s and %s", field,
			    fm_span_format(min, low), fm_span_format(max, high));
		return false;
	}
	*ret = d;
	return true;
}

bool
cat_read_count(struct load *ld, enum finding_kind kind, const struct node *n, const char *field,
	       unsigned min, unsigned max, unsigned *ret)
{
	if (!cat_want_text(ld, kind, n, field))
		return false;
	uint64_t v = 0;
	bool ok = n->len <= 9;
	for (uint32_t i = 0; i < n->len && ok; i++) {
		ok = n->text[i] >= '0' && n->text[i] <= '9';
		v = v * 10 + (uint64_t)(n->text[i] - '0');
	}
	if (!ok || v < min || v > max) {
		cat_find_at(ld, kind, n, "%s must be a whole number within %u and %u, not %s",
			    field, min, max, cat_quote(ld, node_str(n)));
		return false;
	}
	*ret = (unsigned)v;
	return true;
}
