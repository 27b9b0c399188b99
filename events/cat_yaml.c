/*
 * cat_yaml: YAML bytes to a tree of nodes, within limits. The only file that knows libyaml.
 *
 * libyaml 0.2.5 has no limit on nesting and its scanner is quadratic in it, so the parser is asked
 * for one event after the other and left at the first one that goes too deep: the scanner never
 * runs more than one line (at most 1024 characters) ahead of the events. What happens before the
 * first event is settled in cat_bytes.c. Why not the document API:
 * docs/adr/0005-catalogue-rules.md.
 */
#include "events/cat_load_priv.h"

#include <stdlib.h>
#include <yaml.h>

struct builder {
	struct load *ld;
	struct node *stack[CAT_MAX_DEPTH];      /* open lists and mappings */
	struct node *key[CAT_MAX_DEPTH];        /* read, its value still to come */
	unsigned depth;
	unsigned n_nodes;
	struct node *root;
	bool failed, done;
};

/* ---- the tree ---------------------------------------------------------------------------- */

static void
fail_at(struct builder *b, enum finding_kind kind, yaml_mark_t mark, const char *text)
{
	cat_find_line(b->ld, kind, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, "%s", text);
	b->failed = true;
}

static void
append(struct node *parent, struct node *child)
{
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->n++;
}

/* Puts a node where the parser stands: root, item, key or value. */
static void
attach(struct builder *b, struct node *n, yaml_mark_t mark)
{
	if (b->depth == 0) {
		b->root = n;
		return;
	}
	struct node *parent = b->stack[b->depth - 1], **key = &b->key[b->depth - 1];
	if (parent->kind == NODE_LIST) {
		append(parent, n);
	} else if (*key != NULL) {
		(*key)->value = n;
		*key = NULL;
	} else if (n->kind == NODE_SCALAR) {
		append(parent, n);
		*key = n;
	} else {
		fail_at(b, FND_KEY_NOT_TEXT, mark, "a key must be a single text");
	}
}

static struct node *
new_node(struct builder *b, enum node_kind kind, const yaml_event_t *ev, const yaml_char_t *anchor,
	 const yaml_char_t *tag)
{
	if (anchor != NULL) {
		fail_at(b, FND_ANCHOR, ev->start_mark, "YAML anchors are not accepted; repeat it");
		return NULL;
	}
	if (tag != NULL) {
		fail_at(b, FND_TAG, ev->start_mark,
			"YAML tags are not accepted; quote a text that begins with !");
		return NULL;
	}
	if (++b->n_nodes > CAT_MAX_NODES) {
		fail_at(b, FND_NODES, ev->start_mark, "more than 400000 values in the file");
		return NULL;
	}
	struct node *n = fm_arena_alloc(&b->ld->tmp, sizeof(*n));
	n->kind = kind;
	n->line = (uint32_t)ev->start_mark.line + 1;
	n->column = (uint32_t)ev->start_mark.column + 1;
	n->end_line = (uint32_t)ev->end_mark.line + 1;
	return n;
}

/* Control characters could forge log lines and steer terminals; YAML escapes can make them. */
static bool
has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			return true;
		if (c == 0xc2 && (unsigned char)s[i + 1] >= 0x80 && (unsigned char)s[i + 1] < 0xa0)
			return true;
	}
	return false;
}

static enum node_style
style_of(yaml_scalar_style_t style)
{
	if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
		return STYLE_BLOCK;
	return style == YAML_PLAIN_SCALAR_STYLE ? STYLE_PLAIN : STYLE_QUOTED;
}

static void
take_scalar(struct builder *b, const yaml_event_t *ev)
{
	struct node *n = new_node(b, NODE_SCALAR, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (n == NULL)
		return;
	const char *text = (const char *)ev->data.scalar.value;
	n->len = (uint32_t)ev->data.scalar.length;
	if (has_control(text, n->len)) {
		fail_at(b, FND_CONTROL, ev->start_mark, "a text holds a control character");
		return;
	}
	n->style = style_of(ev->data.scalar.style);
	n->text = fm_arena_strndup(&b->ld->tmp, text, n->len);
	attach(b, n, ev->start_mark);
}

static void
open_collection(struct builder *b, const yaml_event_t *ev, struct node *n)
{
	if (n == NULL)
		return;
	if (b->depth == CAT_MAX_DEPTH) {
		fail_at(b, FND_DEPTH, ev->start_mark, "nested deeper than 16 levels");
		return;
	}
	attach(b, n, ev->start_mark);
	b->stack[b->depth] = n;
	b->key[b->depth] = NULL;
	b->depth++;
}

static int
by_text(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
	int order = strcmp(x->text, y->text);
	if (order != 0)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* Sorting keeps this cheap for mappings of any size. */
static void
check_duplicates(struct builder *b, const struct node *map)
{
	if (map->n < 2)
		return;
	const struct node **keys = fm_malloc(map->n * sizeof(keys[0]));
	unsigned n = 0;
	for (const struct node *key = map->first; key != NULL; key = key->next)
		keys[n++] = key;
	qsort(keys, n, sizeof(keys[0]), by_text);
	for (unsigned i = 1; i < n; i++) {
		if (strcmp(keys[i - 1]->text, keys[i]->text) != 0)
			continue;
		cat_find_at(b->ld, b->depth == 0 ? FND_DUPLICATE_ID : FND_DUPLICATE_KEY, keys[i],
			    "%s is already there at line %u; remove one of them",
			    cat_quote(b->ld, node_str(keys[i])), (unsigned)keys[i - 1]->line);
	}
	free(keys);
}

static void
close_collection(struct builder *b)
{
	const struct node *n = b->stack[--b->depth];
	if (n->kind == NODE_MAP)
		check_duplicates(b, n);
}

static void
take_document(struct builder *b, const yaml_event_t *ev)
{
	if (b->root != NULL)
		fail_at(b, FND_DOCUMENTS, ev->start_mark,
			"a second YAML document begins here; use one file for each");
}

static void
take(struct builder *b, const yaml_event_t *ev)
{
	struct node *n;
	switch (ev->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	case YAML_STREAM_END_EVENT:
		b->done = true;
		break;
	case YAML_DOCUMENT_START_EVENT:
		take_document(b, ev);
		break;
	case YAML_ALIAS_EVENT:
		fail_at(b, FND_ANCHOR, ev->start_mark, "YAML aliases are not accepted; repeat it");
		break;
	case YAML_SCALAR_EVENT:
		take_scalar(b, ev);
		break;
	case YAML_SEQUENCE_START_EVENT:
		n = new_node(b, NODE_LIST, ev, ev->data.sequence_start.anchor,
			     ev->data.sequence_start.tag);
		open_collection(b, ev, n);
		break;
	case YAML_MAPPING_START_EVENT:
		n = new_node(b, NODE_MAP, ev, ev->data.mapping_start.anchor,
			     ev->data.mapping_start.tag);
		open_collection(b, ev, n);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_collection(b);
		break;
	}
}

static void
syntax_error(struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
	if (parser->error == YAML_READER_ERROR) {
		cat_find_line(b->ld, FND_YAML_SYNTAX,
			      cat_line_of(b->ld->bytes, parser->problem_offset < b->ld->len ?
				      parser->problem_offset : b->ld->len), 1, "%s", problem);
	} else {
		cat_find_line(b->ld, FND_YAML_SYNTAX, (uint32_t)parser->problem_mark.line + 1,
			      (uint32_t)parser->problem_mark.column + 1, "%s%s%s",
			      parser->context != NULL ? parser->context : "",
			      parser->context != NULL ? ": " : "", problem);
	}
	b->failed = true;
}

static void
build(struct builder *b, yaml_parser_t *parser)
{
	while (!b->done && !b->failed) {
		yaml_event_t ev;
		if (!yaml_parser_parse(parser, &ev)) {
			syntax_error(b, parser);
			return;
		}
		take(b, &ev);
		yaml_event_delete(&ev);
	}
}

struct node *
cat_yaml_read(struct load *ld)
{
	if (!cat_look_at_bytes(ld))
		return NULL;
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		cat_find_at(ld, FND_YAML_SYNTAX, NULL, "the YAML parser cannot start");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)ld->bytes, ld->len);

	struct builder b = {.ld = ld};
	build(&b, &parser);
	yaml_parser_delete(&parser);
	if (b.failed)
		return NULL;
	if (b.root == NULL || b.root->kind != NODE_MAP) {
		cat_find_at(ld, FND_NOT_A_MAPPING, b.root,
			    "the file must be a mapping of alarm ids to records");
		return NULL;
	}
	return b.root;
}

/* ---- reading the tree -------------------------------------------------------------------- */

const struct node *
node_get(const struct node *map, const char *key)
{
	for (const struct node *n = map->first; n != NULL; n = n->next)
		if (strcmp(n->text, key) == 0)
			return n->value;
	return NULL;
}

bool
node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->style == STYLE_PLAIN &&
	       (n->len == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0 ||
		strcmp(n->text, "Null") == 0 || strcmp(n->text, "NULL") == 0);
}
