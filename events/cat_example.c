/*
 * cat_example: the block Examples of a record: stories that say what it is for, each a list of
 * steps. Only the shape is read here; offline/example.c knows what steps mean and plays them.
 */
#include "events/cat_load_priv.h"

#define TITLE_MAX 100           /* bytes: any way of printing it stays a simple key of YAML */

static const char *
read_steps(struct load *ld, const struct node *list, struct cat_example *ex)
{
	if (list->kind != NODE_LIST || list->n == 0)
		return "an example is a list of steps such as [0s nova instance.pause.end, …]";
	if (list->n > CAT_MAX_EXAMPLE_STEPS)
		return "an example has at most 64 steps";
	struct cat_example_step *steps =
		fm_arena_alloc(&ld->cat->arena, list->n * sizeof(steps[0]));
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		if (n->kind != NODE_SCALAR || node_is_null(n))
			return "a step is one line of text; quote it when it holds \": \"";
		steps[ex->n_steps++] = (struct cat_example_step){
			.text = cat_keep(ld, node_str(n)), .line = n->line, .column = n->column,
		};
	}
	ex->steps = steps;
	return NULL;
}

void
cat_read_examples(struct load *ld, struct reading *rd, const struct node *n)
{
	if (n->kind != NODE_MAP || n->n == 0 || n->n > CAT_MAX_EXAMPLES) {
		cat_find_at(ld, FND_EXAMPLE_SHAPE, n,
			    "Examples must be a mapping of at most %u titles to lists of steps",
			    CAT_MAX_EXAMPLES);
		return;
	}
	struct cat_example *v = fm_arena_alloc(&ld->cat->arena, n->n * sizeof(v[0]));
	unsigned i = 0;
	for (const struct node *key = n->first; key != NULL; key = key->next, i++) {
		v[i] = (struct cat_example){
			.title = cat_keep(ld, node_str(key)), .line = key->line,
			.column = key->column,
		};
		if (key->len > TITLE_MAX)
			cat_find_at(ld, FND_EXAMPLE_SHAPE, key, "a title has at most %u bytes",
				    TITLE_MAX);
		const char *wrong = read_steps(ld, key->value, &v[i]);
		if (wrong != NULL)
			cat_find_at(ld, FND_EXAMPLE_SHAPE, key->value, "%s", wrong);
	}
	rd->rec->examples = v;
	rd->rec->n_examples = i;
}
