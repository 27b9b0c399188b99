/*
 * cat_shape: the oddities of texts, entities and ids that StarlingX's file has and that its own
 * checks let pass. Nothing here changes what is loaded.
 */
#include "events/cat_load_priv.h"

#define STARLINGX_TEXT 254      /* bytes, of the records on its wire */
#define LIKENESS 12             /* bytes two lines begin alike with, to look like alternatives */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* ---- texts ------------------------------------------------------------------------------- */

static void
check_folding(struct load *ld, const struct node *n, const char *field)
{
	if (n->end_line == n->line || n->style == STYLE_BLOCK)
		return;
	if (n->style == STYLE_PLAIN)
		cat_find_at(ld, FND_FOLDED_PLAIN, n,
			    "%s runs over several lines without |-: they become one line", field);
	else
		cat_find_at(ld, FND_FOLDED_QUOTED, n,
			    "%s is quoted over several lines: they become one line", field);
}

/* A line of s without its indentation; moves *at behind it. */
static struct fm_str
line_at(struct fm_str s, uint32_t *at)
{
	uint32_t i = *at;
	while (i < s.len && s.p[i] == ' ')
		i++;
	const char *end = memchr(s.p + i, '\n', s.len - i);
	uint32_t stop = end != NULL ? (uint32_t)(end - s.p) : s.len;
	*at = stop + 1;
	return (struct fm_str){s.p + i, stop - i};
}

static bool
lines_alike(struct fm_str s)
{
	struct fm_str previous = {NULL, 0};
	for (uint32_t at = 0; at < s.len;) {
		struct fm_str line = line_at(s, &at);
		if (line.len >= LIKENESS && previous.len >= LIKENESS &&
		    memcmp(line.p, previous.p, LIKENESS) == 0)
			return true;
		previous = line;
	}
	return false;
}

/* Depth of brackets at the end; a placeholder opens with "<" and a letter. */
static bool
is_balanced(struct fm_str s)
{
	int square = 0, round = 0, angle = 0;
	for (uint32_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		square += c == '[' ? 1 : c == ']' ? -1 : 0;
		round += c == '(' ? 1 : c == ')' ? -1 : 0;
		if (c == '<' && i + 1 < s.len && is_letter(s.p[i + 1]))
			angle++;
		else if (c == '>' && angle > 0)
			angle--;
	}
	/* "1)" and "a)" count items. */
	return square == 0 && round <= 0 && angle == 0;
}

static bool
has_odd_quotes(struct fm_str s)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < s.len; i++)
		n += s.p[i] == '"';
	return n % 2 != 0;
}

/* "|prod-long|" */
static bool
has_macro(struct fm_str s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		uint32_t j = i + 1;
		if (s.p[i] != '|')
			continue;
		while (j < s.len && is_word(s.p[j]))
			j++;
		if (j > i + 2 && j < s.len && s.p[j] == '|')
			return true;
	}
	return false;
}

/* "threshold x%" */
static bool
has_percent(struct fm_str s)
{
	for (uint32_t i = 0; i + 1 < s.len; i++)
		if (s.p[i] >= 'x' && s.p[i] <= 'z' && s.p[i + 1] == '%' &&
		    (i == 0 || !is_word(s.p[i - 1])))
			return true;
	return false;
}

/* Known misspellings, as whole words. */
static const struct {
	const char *wrong, *right;
} typos[] = {
	{"Inance", "Instance"},
	{"itenant", "tenant"},
};

static void
check_typos(struct load *ld, const struct node *n, const char *field)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(typos); i++) {
		const char *at = strstr(n->text, typos[i].wrong);
		if (at == NULL || is_word(at[strlen(typos[i].wrong)]) ||
		    (at > n->text && is_word(at[-1])))
			continue;
		cat_find_at(ld, FND_TEXT_TYPO, n, "%s: \"%s\" is probably \"%s\"", field,
			    typos[i].wrong, typos[i].right);
	}
}

void
cat_shape_text(struct load *ld, const struct node *n, const char *field)
{
	struct fm_str s = node_str(n);
	check_folding(ld, n, field);
	check_typos(ld, n, field);
	if (lines_alike(s))
		cat_find_at(ld, FND_LINES_NO_OR, n,
			    "lines of %s begin alike; put a line OR between alternatives", field);
	if (has_odd_quotes(s))
		cat_find_at(ld, FND_STRAY_QUOTE, n, "%s has a double quote too many", field);
	if (!is_balanced(s))
		cat_find_at(ld, FND_UNBALANCED, n, "brackets of %s do not match", field);
	if (has_macro(s))
		cat_find_at(ld, FND_DOC_MACRO, n,
			    "%s has a |macro| that only StarlingX's documentation fills", field);
	if (has_percent(s))
		cat_find_at(ld, FND_PERCENT_PLACEHOLDER, n,
			    "%s has x%% or the like: nobody fills it", field);
	if (n->len > STARLINGX_TEXT)
		cat_find_at(ld, FND_LONG_TEXT, n,
			    "%s is %u bytes long; StarlingX cuts at %u", field, (unsigned)n->len,
			    STARLINGX_TEXT);
}

/* ---- entities ---------------------------------------------------------------------------- */

/* What one form has; each oddity is told once per record. */
struct oddities {
	struct fm_str no_key;
	bool space, comma, pipe, bracket;
	unsigned typo;                  /* index + 1 */
};

static void
look_at_bytes(struct fm_str form, struct oddities *odd)
{
	unsigned depth = 0;
	for (uint32_t i = 0; i < form.len; i++) {
		char c = form.p[i];
		depth += c == '<';
		depth -= c == '>' && depth != 0;
		odd->comma |= c == ',';
		odd->pipe |= c == '|';
		odd->bracket |= strchr("[]{}", c) != NULL;
		odd->space |= depth == 0 && (c == ' ' || c == '\n' || c == '\t');
	}
}

static void
look_at_segments(struct fm_str form, struct oddities *odd)
{
	struct fm_str key, value;
	while (cat_next_segment(&form, &key, &value)) {
		if (key.len == 0 && odd->no_key.p == NULL)
			odd->no_key = value;
		for (unsigned i = 0; i < FM_ARRAY_LEN(typos); i++)
			if (fm_str_is(key, typos[i].wrong))
				odd->typo = i + 1;
	}
}

void
cat_shape_entity(struct load *ld, const struct node *n)
{
	struct oddities odd = {0};
	struct fm_str rest = node_str(n), form;
	bool lower = false;
	while (cat_next_alternative(&rest, BY_WORDS, &form, &lower)) {
		look_at_bytes(form, &odd);
		look_at_segments(form, &odd);
	}
	check_folding(ld, n, "Entity_Instance_ID");
	if (odd.no_key.p != NULL)
		cat_find_at(ld, FND_ENTITY_NO_KEY, n, "%s in the entity is not key=value",
			    cat_quote(ld, odd.no_key));
	if (odd.comma)
		cat_find_at(ld, FND_ENTITY_COMMA, n, "a comma in the entity; use a dot");
	if (odd.pipe)
		cat_find_at(ld, FND_ENTITY_PIPE, n, "a pipe in the entity; list the forms instead");
	if (odd.space)
		cat_find_at(ld, FND_ENTITY_SPACE, n, "white space in the entity; use a dot");
	if (odd.bracket)
		cat_find_at(ld, FND_ENTITY_BRACKET, n, "a bracket in the entity");
	if (odd.typo != 0)
		cat_find_at(ld, FND_ENTITY_TYPO, n, "entity key \"%s\" is probably \"%s\"",
			    typos[odd.typo - 1].wrong, typos[odd.typo - 1].right);
}

/* ---- records ----------------------------------------------------------------------------- */

static void
check_placeholders(struct load *ld, const struct reading *rd)
{
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++) {
		const struct cat_text *text = &rd->rec->text[i];
		for (unsigned j = 0; j < text->n; j++) {
			if (!cat_part_is_unknown(&text->part[j]))
				continue;
			cat_find_at(ld, FND_OTHER_PLACEHOLDER, rd->key,
				    "%s stays as written: fmd has no such attribute",
				    cat_quote(ld, fm_str_of(text->part[j].text)));
			return;
		}
	}
}

static bool
speaks_of_instance(const struct cat_record *rec)
{
	for (unsigned i = 0; i < FM_N_SEVERITIES; i++)
		if (rec->text[i].source != NULL &&
		    strcasestr(rec->text[i].source, "instance") != NULL)
			return true;
	return false;
}

void
cat_shape_record(struct load *ld, const struct reading *rd)
{
	const struct cat_record *rec = rd->rec;
	if (rd->n_text_alternatives > 1 && rd->n_entity_alternatives > 1 &&
	    rd->n_text_alternatives != rd->n_entity_alternatives)
		cat_find_at(ld, FND_ALTERNATIVES_COUNT, rd->key,
			    "Description has %u alternatives, Entity_Instance_ID %u",
			    rd->n_text_alternatives, rd->n_entity_alternatives);
	if (rec->entity_form != NULL && cat_form_has_key(rec->entity_form, "tenant") &&
	    cat_form_has_key(rec->entity_form, "instance") && !speaks_of_instance(rec))
		cat_find_at(ld, FND_ENTITY_MISMATCH, rd->key,
			    "the entity is an instance, but the text does not speak of one");
	if (node_get(rd->node, "Correlation") == NULL)
		check_placeholders(ld, rd);
}

static bool
is_usual_id(const char *id)
{
	static const char form[] = "ddd.ddd";
	for (unsigned i = 0; i < sizeof(form); i++)
		if (form[i] == 'd' ? id[i] < '0' || id[i] > '9' : id[i] != form[i])
			return false;
	return true;
}

void
cat_shape_id(struct load *ld, const struct node *key, const struct node *previous)
{
	if (!is_usual_id(key->text))
		cat_find_at(ld, FND_ID_SHAPE, key, "id %s is not of the form NNN.NNN",
			    cat_quote(ld, node_str(key)));
	if (key->style == STYLE_PLAIN && key->text[key->len - 1] == '0')
		cat_find_at(ld, FND_FLOAT_ID, key,
			    "other YAML readers take %s for a number and drop the zero; quote it",
			    cat_quote(ld, node_str(key)));
	if (previous != NULL && strcmp(key->text, previous->text) < 0)
		cat_find_at(ld, FND_ORDER, key, "stands behind %s",
			    cat_quote(ld, node_str(previous)));
}
