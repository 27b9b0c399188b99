/*
 * cat_load: from a file to a frozen catalogue: read -> tree -> limits -> records -> rules ->
 * relations -> windows -> index. Every step reports what it finds and goes on, so that one run shows all;
 * only when there is no tree at all does the load end early.
 */
#include "base/file.h"
#include "events/cat_load_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the top level ----------------------------------------------------------------------- */

static bool
is_id(const struct node *key)
{
	if (key->len == 0 || key->len > FM_MAX_ALARM_ID || key->text[0] < '0' || key->text[0] > '9')
		return false;
	for (uint32_t i = 0; i < key->len; i++) {
		char c = key->text[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '.' || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static bool
is_record(struct load *ld, const struct node *key)
{
	static const char *const words[] = {"Limits", "Maintenance"};
	for (unsigned i = 0; i < FM_ARRAY_LEN(words); i++)
		if (strcmp(key->text, words[i]) == 0)
			return false;
	if (!is_id(key)) {
		cat_find_at(ld, FND_UNKNOWN_TOP, key, "%s is neither an alarm id nor Limits nor Maintenance%s",
			    cat_quote(ld, node_str(key)),
			    cat_suggest(ld, node_str(key), words, FM_ARRAY_LEN(words)));
		return false;
	}
	if (key->value->kind == NODE_MAP)
		return true;
	cat_find_at(ld, FND_RECORD_SHAPE, key, "%s must be a mapping of fields",
		    cat_quote(ld, node_str(key)));
	return false;
}

static int
by_id(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
	int order = strcmp(x->text, y->text);
	return order != 0 ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* The keys of all records by id; of two with one id (reported already) the first. */
static const struct node **
sort_records(struct load *ld, const struct node *root, unsigned *ret_n)
{
	const struct node **keys = fm_arena_alloc(&ld->tmp, (root->n + 1) * sizeof(keys[0]));
	const struct node *previous = NULL;
	unsigned n = 0, kept = 0;
	for (const struct node *key = root->first; key != NULL; key = key->next) {
		if (!is_record(ld, key))
			continue;
		cat_shape_id(ld, key, previous);
		previous = key;
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(keys[0]), by_id);
	for (unsigned i = 0; i < n; i++)
		if (kept == 0 || strcmp(keys[kept - 1]->text, keys[i]->text) != 0)
			keys[kept++] = keys[i];
	*ret_n = kept;
	return keys;
}

static void
read_records(struct load *ld, const struct node *root)
{
	struct catalogue *cat = ld->cat;
	const struct node **keys = sort_records(ld, root, &cat->n);
	cat->records = fm_arena_alloc(&cat->arena, (cat->n + 1) * sizeof(cat->records[0]));
	for (unsigned i = 0; i < cat->n; i++) {
		struct reading rd = {
			.rec = &cat->records[i], .node = keys[i]->value, .key = keys[i],
		};
		cat->records[i].id = ld->id = cat_keep(ld, node_str(keys[i]));
		cat_read_record(ld, &rd);
	}
	for (unsigned i = 0; i < cat->n; i++) {
		ld->id = cat->records[i].id;
		cat_read_rules(ld, &cat->records[i], keys[i]->value);
	}
	ld->id = NULL;
}

/* ---- freezing ---------------------------------------------------------------------------- */

static void
index_rules(struct catalogue *cat)
{
	unsigned n[FACT_N] = {0};
	for (unsigned i = 0; i < cat->n; i++)
		for (unsigned j = 0; j < cat->records[i].n_rules; j++)
			n[cat->records[i].rules[j].fact]++;
	for (unsigned f = 0; f < FACT_N; f++)
		cat->rules_on[f] = fm_arena_alloc(&cat->arena,
						  (n[f] + 1) * sizeof(cat->rules_on[f][0]));
	for (unsigned i = 0; i < cat->n; i++) {
		for (unsigned j = 0; j < cat->records[i].n_rules; j++) {
			const struct cat_rule *rule = &cat->records[i].rules[j];
			cat->rules_on[rule->fact][cat->n_rules_on[rule->fact]++] = rule;
		}
	}
}

static void
index_clears(struct catalogue *cat)
{
	unsigned total = 1;
	for (unsigned i = 0; i < cat->n; i++)
		for (unsigned j = 0; j < cat->records[i].n_rules; j++)
			total += cat->records[i].rules[j].n_clears;
	struct cat_clearing *all = fm_arena_alloc(&cat->arena, total * sizeof(all[0]));
	for (unsigned f = 0; f < FACT_N; f++) {
		cat->clears_on[f] = all;
		for (unsigned i = 0; i < cat->n; i++)
			for (unsigned j = 0; j < cat->records[i].n_rules; j++) {
				const struct cat_rule *rule = &cat->records[i].rules[j];
				for (unsigned k = 0; k < rule->n_clears; k++)
					if (rule->clears[k].fact == (enum fact_id)f)
						*all++ = (struct cat_clearing){rule, &rule->clears[k]};
			}
		cat->n_clears_on[f] = (unsigned)(all - cat->clears_on[f]);
	}
}

static void
load(struct load *ld)
{
	if (ld->len > CAT_MAX_FILE) {
		cat_find_at(ld, FND_FILE_SIZE, NULL, "the file is larger than %u bytes",
			    CAT_MAX_FILE);
		return;
	}
	const struct node *root = cat_yaml_read(ld);
	if (root == NULL)
		return;
	const struct node *limits = node_get(root, "Limits");
	cat_limits_default(&ld->cat->limits);
	if (limits != NULL)
		cat_read_limits(ld, limits);
	read_records(ld, root);
	cat_check_relations(ld);
	index_rules(ld->cat);
	index_clears(ld->cat);
	cat_check_twins(ld);
	ld->cat->hash = fm_hash64(ld->bytes, ld->len, 0);
	const struct node *windows = node_get(root, "Maintenance");
	if (windows != NULL)
		cat_read_windows(ld, windows);
	for (unsigned i = 0; i < ld->cat->n_windows; i++) {
		const struct cat_window *w = &ld->cat->windows[i];
		ld->cat->hash = fm_hash64(w->at, w->n * sizeof(w->at[0]), ld->cat->hash);
	}
}

static struct catalogue *
new_catalogue(void)
{
	struct catalogue *cat = fm_calloc(1, sizeof(*cat));
	fm_arena_init(&cat->arena);
	return cat;
}

void
cat_free(struct catalogue *cat)
{
	if (cat == NULL)
		return;
	fm_arena_fini(&cat->arena);
	free(cat);
}

/* Puts the first error into err, with the number of the others. */
static int
refuse(const struct load *ld, struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	const struct cat_findings *f = ld->findings;
	unsigned i = 0;
	while (i + 1 < f->n && !f->v[i].error)
		i++;
	cat_finding_print(&f->v[i], ld->name, &b);
	if (f->n_errors > 1)
		fm_buf_addf(&b, " (and %u more)", f->n_errors - 1);
	return fm_fail(err, ld->too_big ? -E2BIG : -EINVAL, "%s", b.s);
}

static int
load_into(struct load *ld, struct catalogue **ret, struct fm_err *err)
{
	ld->cat = new_catalogue();
	fm_arena_init(&ld->tmp);
	load(ld);
	fm_arena_fini(&ld->tmp);
	cat_findings_sort(ld->findings);
	if (ld->findings->n_errors == 0) {
		*ret = ld->cat;
		return 0;
	}
	cat_free(ld->cat);
	return refuse(ld, err);
}

int
cat_load_buf(const char *name, const char *text, size_t len, struct cat_findings *findings,
	     struct catalogue **ret, struct fm_err *err)
{
	struct cat_findings own;
	cat_findings_init(&own);
	/* What an earlier load left would be taken for errors of this one. */
	if (findings != NULL) {
		cat_findings_fini(findings);
		cat_findings_init(findings);
	}
	struct load ld = {
		.name = name, .bytes = text, .len = len,
		.findings = findings != NULL ? findings : &own,
	};
	int rc = load_into(&ld, ret, err);
	cat_findings_fini(&own);
	return rc;
}

/* ---- the file ---------------------------------------------------------------------------- */

int
cat_load(const char *path, struct cat_findings *findings, struct catalogue **ret,
	 struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	/* One byte more than is allowed tells a file that is too large, even one that grows. */
	int rc = fm_file_read(path, FM_FILE_ANY, CAT_MAX_FILE + 1, &b, err);
	if (rc != 0)
		return rc;
	return cat_load_buf(path, b.s != NULL ? b.s : "", b.len, findings, ret, err);
}
