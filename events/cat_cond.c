/*
 * cat_cond: "If", a condition over what a fact carries. It is read once, into a small tree that
 * cannot fail any more:
 *
 *   any  := all {"or" all}        all := one {"and" one}
 *   one  := "not" one | "(" any ")" | ATTRIBUTE OPERATOR VALUE
 *
 * Both its length and its depth are bounded, so whoever walks it may recurse.
 */
#include "events/cat_load_priv.h"

#define NS_PER_MS 1000000LL
#define MAX_DIGITS 15

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_OP, TOKEN_OPEN, TOKEN_CLOSE,
	TOKEN_BAD };
struct token {
	enum token_kind kind;
	struct fm_str s;                /* of a quoted one: what is between the quotes */
	uint32_t at;                    /* offset in the text */
	enum cat_cond_op op;
};

struct cond_reading {
	struct load *ld;
	const struct node *node;
	enum fact_id fact;
	uint32_t next;                  /* offset behind tok */
	struct token tok;
	unsigned n, depth;
	bool failed;                    /* the first thing that cannot be read ends it */
};

typedef const struct cat_cond *read_f(struct cond_reading *cr);
static read_f read_any, read_one;

/* ---- words ------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum cat_cond_op op;
} operators[] = {               /* longer ones before those that they begin with */
	{"!=", COND_NE}, {"<=", COND_LE}, {">=", COND_GE}, {"==", COND_EQ}, {"=", COND_EQ},
	{"<", COND_LT}, {">", COND_GT}, {"~", COND_HAS},
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool
is_word(char c)
{
	return c != '\0' && !is_blank(c) && strchr("()'\"=!<>~", c) == NULL;
}

static void
read_operator(struct cond_reading *cr)
{
	const char *p = cr->node->text + cr->tok.at;
	for (unsigned i = 0; i < FM_ARRAY_LEN(operators); i++) {
		const size_t len = strlen(operators[i].text);
		if (strncmp(p, operators[i].text, len) != 0)
			continue;
		cr->tok.kind = TOKEN_OP;
		cr->tok.op = operators[i].op;
		cr->tok.s.len = (uint32_t)len;
		return;
	}
	cr->tok.kind = TOKEN_BAD;
	cr->tok.s.len = 1;
}

static void
read_quoted(struct cond_reading *cr)
{
	const char *begin = cr->node->text + cr->tok.at, *end = strchr(begin + 1, *begin);
	cr->tok.kind = end != NULL ? TOKEN_QUOTED : TOKEN_BAD;
	cr->tok.s = (struct fm_str){begin + 1,
		(uint32_t)(end != NULL ? (size_t)(end - begin) - 1 : strlen(begin + 1))};
	cr->next = cr->tok.at + cr->tok.s.len + 1 + (end != NULL);
}

static void
advance(struct cond_reading *cr)
{
	const char *s = cr->node->text;
	while (is_blank(s[cr->next]))
		cr->next++;
	const char c = s[cr->next];
	cr->tok = (struct token){.kind = TOKEN_END, .s = {s + cr->next, 0}, .at = cr->next};
	if (c == '\'' || c == '"') {
		read_quoted(cr);
		return;
	}
	if (c == '(' || c == ')') {
		cr->tok.kind = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
		cr->tok.s.len = 1;
	} else if (is_word(c)) {
		cr->tok.kind = TOKEN_WORD;
		while (is_word(s[cr->next + cr->tok.s.len]))
			cr->tok.s.len++;
	} else if (c != '\0') {
		read_operator(cr);
	}
	cr->next += cr->tok.s.len;
}

static bool
at_word(const struct cond_reading *cr, const char *word)
{
	return cr->tok.kind == TOKEN_WORD && fm_str_is(cr->tok.s, word);
}

static bool
at_keyword(const struct cond_reading *cr)
{
	return at_word(cr, "and") || at_word(cr, "or") || at_word(cr, "not");
}

/* ---- what is wrong ----------------------------------------------------------------------- */

/* Where the text stands as written, the column in the file; folded, that of its beginning. */
static uint32_t
column_of(const struct cond_reading *cr, uint32_t at)
{
	const struct node *n = cr->node;
	if (n->style == STYLE_BLOCK || n->line != n->end_line)
		return n->column;
	return n->column + at + (n->style == STYLE_QUOTED);
}

static void
complain(struct cond_reading *cr, enum finding_kind kind, const struct token *tok, const char *text)
{
	cat_find_line(cr->ld, kind, cr->node->line, column_of(cr, tok->at), "%s", text);
}

static const struct cat_cond *
give_up(struct cond_reading *cr, enum finding_kind kind, const char *text)
{
	if (!cr->failed)
		complain(cr, kind, &cr->tok, text);
	cr->failed = true;
	return NULL;
}

static bool
at_open_quote(const struct cond_reading *cr)
{
	const char c = cr->node->text[cr->tok.at];
	return cr->tok.kind == TOKEN_BAD && (c == '\'' || c == '"');
}

static const struct cat_cond *
want(struct cond_reading *cr, const char *what)
{
	if (at_open_quote(cr))
		return give_up(cr, FND_COND_SYNTAX,
			       fm_arena_printf(&cr->ld->tmp, "the quote before %s is not closed",
					       cat_quote(cr->ld, cr->tok.s)));
	return give_up(cr, FND_COND_SYNTAX, cr->tok.kind == TOKEN_END ?
		       fm_arena_printf(&cr->ld->tmp, "If ends where %s should stand", what) :
		       fm_arena_printf(&cr->ld->tmp, "%s in If, where %s should stand",
				       cat_quote(cr->ld, cr->tok.s), what));
}

/* ---- one comparison ---------------------------------------------------------------------- */

static bool
parse_whole(struct fm_str s, int64_t *ret)
{
	const bool minus = s.len > 1 && s.p[0] == '-';
	int64_t v = 0;
	if (s.len - minus > MAX_DIGITS)
		return false;
	for (uint32_t i = minus; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*ret = minus ? -v : v;
	return true;
}

/* What one of an attribute is, by the end of its name; 0: no time. */
static int64_t
unit_ns(enum fact_attr attr)
{
	const struct fm_str name = fm_str_of(fact_attr_name(attr));
	if (name.len > 3 && strcmp(name.p + name.len - 3, "_ms") == 0)
		return NS_PER_MS;
	return name.len > 2 && strcmp(name.p + name.len - 2, "_s") == 0 ? FM_NS_PER_S : 0;
}

/* A bare number counts in the attribute's own unit; a time such as 500ms is converted. */
static bool
read_number(struct cond_reading *cr, struct cat_cond *c)
{
	const int64_t unit = unit_ns((enum fact_attr)c->attr);
	struct fm_span span;
	if (cr->tok.kind == TOKEN_WORD && parse_whole(cr->tok.s, &c->num))
		return true;
	if (cr->tok.kind != TOKEN_WORD || unit == 0 ||
	    fm_span_parse(cr->tok.s.p, cr->tok.s.len, &span) != 0 || span.ns % unit != 0)
		return false;
	c->num = span.ns / unit;
	return true;
}

static bool
check_number_operator(struct cond_reading *cr, const struct cat_cond *c, const char *name)
{
	if (c->op != COND_HAS)
		return true;
	complain(cr, FND_COND_TYPE, &cr->tok,
		 fm_arena_printf(&cr->ld->tmp, "%s is a number; ~ looks into texts", name));
	return false;
}

static void
read_number_value(struct cond_reading *cr, struct cat_cond *c, const char *name)
{
	const char *more = unit_ns((enum fact_attr)c->attr) != 0 ?
		" or a time that is a multiple of its unit" : "";
	if (check_number_operator(cr, c, name) && !read_number(cr, c))
		complain(cr, FND_COND_TYPE, &cr->tok,
			 fm_arena_printf(&cr->ld->tmp,
					 "%s is a number; compare it with a whole number%s, not %s",
					 name, more, cat_quote(cr->ld, cr->tok.s)));
}

static bool
check_text_operator(struct cond_reading *cr, const struct cat_cond *c, const char *name,
		    const char *op)
{
	if (c->op == COND_EQ || c->op == COND_NE || c->op == COND_HAS)
		return true;
	complain(cr, FND_COND_TYPE, &cr->tok,
		 fm_arena_printf(&cr->ld->tmp, "%s is a text; it has =, != and ~, but not %s", name,
				 op));
	return false;
}

static void
read_text_value(struct cond_reading *cr, struct cat_cond *c, const char *name, const char *op)
{
	if (!check_text_operator(cr, c, name, op))
		;
	else if (at_word(cr, "true") || at_word(cr, "false"))
		complain(cr, FND_COND_TYPE, &cr->tok,
			 fm_arena_printf(&cr->ld->tmp, "%s is a text and neither true nor false; "
					 "quote the word if it is meant as one", name));
	else if (cr->tok.s.len == 0 && c->op == COND_EQ)
		complain(cr, FND_COND_ALWAYS, &cr->tok,
			 fm_arena_printf(&cr->ld->tmp, "an empty %s compares with nothing, so this is "
					 "never true; write: not %s != \"\"", name, name));
	c->text = cat_keep(cr->ld, cr->tok.s);
}

/* It may have been meant as the attribute, as it would be on the left. */
static void
check_spelling(struct cond_reading *cr)
{
	const int meant = cr->tok.kind == TOKEN_WORD ?
		fact_attr_parse(cr->tok.s.p, cr->tok.s.len) : -1;
	if (meant >= 0)
		complain(cr, FND_COND_SPELLING, &cr->tok,
			 fm_arena_printf(&cr->ld->tmp, "%s is taken as a word; write %s, or quote it",
					 cat_quote(cr->ld, cr->tok.s),
					 fact_attr_name((enum fact_attr)meant)));
}

static void
check_carried(struct cond_reading *cr, enum fact_attr attr)
{
	if (!cat_fact_carries(cr->fact, attr))
		complain(cr, FND_COND_NEVER, &cr->tok,
			 fm_arena_printf(&cr->ld->tmp, "%s never carries %s: the comparison would "
					 "never be true", fact_name(cr->fact), fact_attr_name(attr)));
	else if (attr == ATTR_MOVED && fact_is_state(cr->fact))
		complain(cr, FND_COND_ALWAYS, &cr->tok,
			 fm_arena_printf(&cr->ld->tmp, "moved is 0 when %s begins, which is when If is "
					 "asked", fact_name(cr->fact)));
}

static int
read_attribute(struct cond_reading *cr)
{
	struct load *ld = cr->ld;
	const int attr = fact_attr_parse(cr->tok.s.p, cr->tok.s.len);
	if (attr < 0)
		complain(cr, FND_UNKNOWN_ATTRIBUTE, &cr->tok,
			 fm_arena_printf(&ld->tmp, "%s is not an attribute%s",
					 cat_quote(ld, cr->tok.s),
					 cat_suggest_attr(ld, cr->tok.s)));
	else
		check_carried(cr, (enum fact_attr)attr);
	return attr;
}

/* An attribute to compare with: by its very name, not in quotes. Other spellings of it are values. */
static bool
read_other(struct cond_reading *cr, struct cat_cond *c)
{
	for (int a = 0; cr->tok.kind == TOKEN_WORD && a < ATTR_N; a++)
		if (fm_str_is(cr->tok.s, fact_attr_name((enum fact_attr)a)))
			c->other = a;
	return c->other >= 0;
}

static void
check_pair(struct cond_reading *cr, const struct cat_cond *c, const char *name, const char *op)
{
	const enum fact_attr a = (enum fact_attr)c->attr, b = (enum fact_attr)c->other;
	const char *other = fact_attr_name(b), *wrong = NULL;
	if (a == b)
		wrong = fm_arena_printf(&cr->ld->tmp, "%s is compared with itself", name);
	else if (fact_attr_is_int(a) != fact_attr_is_int(b))
		wrong = fm_arena_printf(&cr->ld->tmp, "%s is a %s and %s a %s; quote the word if no "
					"attribute is meant", name,
					fact_attr_is_int(a) ? "number" : "text", other,
					fact_attr_is_int(b) ? "number" : "text");
	else if (unit_ns(a) != unit_ns(b))
		wrong = fm_arena_printf(&cr->ld->tmp, "%s and %s are not of the same unit", name,
					other);
	if (wrong != NULL)
		complain(cr, FND_COND_TYPE, &cr->tok, wrong);
	else if (fact_attr_is_int(a) ? check_number_operator(cr, c, name) :
		 check_text_operator(cr, c, name, op))
		check_carried(cr, b);
}

static struct cat_cond *
new_cond(struct cond_reading *cr, enum cat_cond_op op)
{
	struct cat_cond *c = fm_arena_alloc(&cr->ld->cat->arena, sizeof(*c));
	*c = (struct cat_cond){.op = op, .attr = -1, .other = -1};
	return c;
}

static const struct cat_cond *
read_comparison(struct cond_reading *cr)
{
	if (cr->tok.kind != TOKEN_WORD || at_keyword(cr))
		return want(cr, "an attribute");
	if (++cr->n > CAT_MAX_COMPARISONS)
		return give_up(cr, FND_COND_SIZE, "an If has at most 32 comparisons");
	struct cat_cond *c = new_cond(cr, COND_EQ);
	c->attr = read_attribute(cr);
	advance(cr);
	if (cr->tok.kind != TOKEN_OP)
		return want(cr, "=, !=, <, <=, >, >= or ~");
	c->op = cr->tok.op;
	const char *op = cat_quote(cr->ld, cr->tok.s);
	advance(cr);
	if ((cr->tok.kind != TOKEN_WORD && cr->tok.kind != TOKEN_QUOTED) || at_keyword(cr))
		return want(cr, "a value");
	const char *name = fact_attr_name((enum fact_attr)c->attr);
	if (c->attr >= 0 && read_other(cr, c))
		check_pair(cr, c, name, op);
	else if (c->attr >= 0 && fact_attr_is_int((enum fact_attr)c->attr))
		read_number_value(cr, c, name);
	else if (c->attr >= 0) {
		check_spelling(cr);
		read_text_value(cr, c, name, op);
	}
	advance(cr);
	return c;
}

/* ---- and, or, not ------------------------------------------------------------------------ */

static const struct cat_cond *
read_nested(struct cond_reading *cr)
{
	const bool open = cr->tok.kind == TOKEN_OPEN;
	if (++cr->depth > CAT_MAX_COND_DEPTH)
		return give_up(cr, FND_COND_SIZE, "an If nests ( ) and not at most 8 deep");
	advance(cr);
	if (open) {
		const struct cat_cond *inner = read_any(cr);
		if (inner == NULL)
			return NULL;
		if (cr->tok.kind != TOKEN_CLOSE)
			return want(cr, ")");
		advance(cr);
		cr->depth--;
		return inner;
	}
	struct cat_cond *c = new_cond(cr, COND_NOT);
	c->left = read_one(cr);
	cr->depth--;
	return c->left != NULL ? c : NULL;
}

static const struct cat_cond *
read_one(struct cond_reading *cr)
{
	return cr->tok.kind == TOKEN_OPEN || at_word(cr, "not") ? read_nested(cr) :
		read_comparison(cr);
}

static const struct cat_cond *
read_chain(struct cond_reading *cr, const char *word, enum cat_cond_op op, read_f *read_part)
{
	const struct cat_cond *left = read_part(cr);
	while (left != NULL && at_word(cr, word)) {
		struct cat_cond *c = new_cond(cr, op);
		advance(cr);
		c->left = left;
		c->right = read_part(cr);
		left = c->right != NULL ? c : NULL;
	}
	return left;
}

static const struct cat_cond *
read_all(struct cond_reading *cr)
{
	return read_chain(cr, "and", COND_AND, read_one);
}

static const struct cat_cond *
read_any(struct cond_reading *cr)
{
	return read_chain(cr, "or", COND_OR, read_all);
}

void
cat_read_if(struct load *ld, enum fact_id fact, const struct node *n, struct cat_if *ret)
{
	struct cond_reading cr = {.ld = ld, .node = n, .fact = fact};
	if (!cat_want_text(ld, FND_RULE_SHAPE, n, "If"))
		return;
	if (n->len > FM_MAX_TEXT) {
		cat_find_at(ld, FND_TEXT_LENGTH, n, "If is longer than %u bytes", FM_MAX_TEXT);
		return;
	}
	advance(&cr);
	const struct cat_cond *root = read_any(&cr);
	if (root != NULL && cr.tok.kind != TOKEN_END)
		root = want(&cr, "and, or or the end");
	if (root != NULL)
		*ret = (struct cat_if){cat_keep(ld, node_str(n)), root, n->line};
}

/* ---- the same ---------------------------------------------------------------------------- */

static bool
same_cond(const struct cat_cond *a, const struct cat_cond *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->op == b->op && a->attr == b->attr && a->other == b->other && a->num == b->num &&
	       fm_same(a->text, b->text) && same_cond(a->left, b->left) &&
	       same_cond(a->right, b->right);
}

bool
cat_same_if(const struct cat_if *a, const struct cat_if *b)
{
	return same_cond(a->root, b->root);
}
