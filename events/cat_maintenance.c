/*
 * cat_maintenance: the top-level block Maintenance: a list of windows. Reads them, has cat_window.c
 * work out when they are open, and looks whether there is something to cover.
 */
#include "events/cat_load_priv.h"

static const char *const keys[] = {"Name", "Alarms", "Entities", "Logs", "From", "Until", "Start",
	"For", "Rule", "Every", "Zone"};
static const char *const every_keys[] = {"Days", "At"};

static bool
known_keys(struct load *ld, const struct node *map, const char *what, const char *const *words,
	   unsigned n)
{
	bool ok = true;
	for (const struct node *key = map->first; key != NULL; key = key->next) {
		unsigned i = 0;
		while (i < n && strcmp(key->text, words[i]) != 0)
			i++;
		if (i < n)
			continue;
		cat_find_at(ld, FND_WINDOW_KEY, key, "%s is not a key of %s%s",
			    cat_quote(ld, node_str(key)), what,
			    cat_suggest(ld, node_str(key), words, n));
		ok = false;
	}
	return ok;
}

/* ---- whom -------------------------------------------------------------------------------- */

static const char *const *
read_list(struct load *ld, const struct node *n, const char *what, unsigned *ret_n)
{
	unsigned count = n->kind == NODE_LIST ? n->n : 1, i = 0;
	const char **v = fm_arena_alloc(&ld->cat->arena, (count + 1) * sizeof(v[0]));
	if (n->kind == NODE_MAP || count == 0 || count > CAT_MAX_WINDOW_ITEMS) {
		cat_find_at(ld, FND_WINDOW_VALUE, n, "%s must be a list of 1 to %u", what,
			    CAT_MAX_WINDOW_ITEMS);
		return NULL;
	}
	for (const struct node *item = cat_first_of(n); item != NULL; item = cat_next_of(n, item)) {
		if (!cat_want_text(ld, FND_WINDOW_VALUE, item, what))
			return NULL;
		v[i++] = cat_keep(ld, node_str(item));
	}
	cat_window_sort(v, &i);
	*ret_n = i;
	return v;
}

/* The id of the catalogue that was probably meant: by its zero, else by its letters. */
static const char *
suggest_id(struct load *ld, const char *id)
{
	const char *zero = cat_suggest_id(ld, fm_str_of(id));
	const char **ids;
	if (*zero != '\0')
		return zero;
	ids = fm_arena_alloc(&ld->tmp, (ld->cat->n + 1) * sizeof(ids[0]));
	for (unsigned i = 0; i < ld->cat->n; i++)
		ids[i] = ld->cat->records[i].id;
	return cat_suggest(ld, fm_str_of(id), ids, ld->cat->n);
}

static void
read_alarms(struct load *ld, const struct node *n, struct cat_window *w)
{
	if (n->kind == NODE_SCALAR && strcmp(n->text, "all") == 0)
		return;
	w->alarms = read_list(ld, n, "Alarms", &w->n_alarms);
	for (unsigned i = 0; w->alarms != NULL && i < w->n_alarms; i++)
		if (cat_find(ld->cat, w->alarms[i]) == NULL)
			cat_find_at(ld, FND_WINDOW_ID, n, "%s is not in this catalogue%s",
				    cat_quote(ld, fm_str_of(w->alarms[i])),
				    suggest_id(ld, w->alarms[i]));
}

static void
read_entities(struct load *ld, const struct node *n, struct cat_window *w)
{
	struct entity_segment seg[FM_MAX_SEGMENTS];
	w->entities = read_list(ld, n, "Entities", &w->n_entities);
	for (unsigned i = 0; w->entities != NULL && i < w->n_entities; i++)
		if (entity_parse(w->entities[i], strlen(w->entities[i]), seg) < 0 ||
		    seg[0].key.len == 0)
			cat_find_at(ld, FND_WINDOW_ENTITY, n, "%s is no path such as host=compute-1",
				    cat_quote(ld, fm_str_of(w->entities[i])));
}

/* By the first key of its form; instances are covered by the host they are on too. */
static bool
may_be_below(const struct cat_record *rec, const char *path)
{
	struct entity_segment of, first;
	struct entity_segment seg[FM_MAX_SEGMENTS];
	struct fm_str form = fm_str_of(rec->entity_form);
	if (form.p == NULL || !cat_next_segment(&form, &of.key, &of.value) ||
	    entity_parse(path, strlen(path), seg) < 0)
		return true;
	first = seg[0];
	if (fm_str_eq(of.key, first.key))
		return true;
	return fm_str_is(first.key, "host") && cat_form_has_key(rec->entity_form, "instance");
}

static bool
covers_record(const struct cat_window *w, const struct cat_record *rec)
{
	bool named = w->n_alarms == 0;
	for (unsigned i = 0; i < w->n_alarms && !named; i++)
		named = strcmp(w->alarms[i], rec->id) == 0;
	if (!named || (rec->is_log && !w->logs))
		return false;
	for (unsigned i = 0; i < w->n_entities; i++)
		if (may_be_below(rec, w->entities[i]))
			return true;
	return w->n_entities == 0;
}

static void
check_cover(struct load *ld, const struct node *n, const struct cat_window *w)
{
	for (unsigned i = 0; i < ld->cat->n; i++)
		if (covers_record(w, &ld->cat->records[i]))
			return;
	cat_find_at(ld, FND_WINDOW_NOTHING, n, "%s covers nothing that this catalogue has%s",
		    cat_quote(ld, fm_str_of(w->name)),
		    w->logs ? "" : " (logs only with Logs: True)");
}

/* ---- when -------------------------------------------------------------------------------- */

/* A list is kept as words joined by commas. */
static const char *
joined(struct load *ld, const struct node *n)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	if (n->kind != NODE_LIST)
		return cat_keep(ld, node_str(n));
	for (const struct node *item = n->first; item != NULL; item = item->next)
		fm_buf_addf(&b, "%s%s", b.len > 0 ? "," : "",
			    item->kind == NODE_SCALAR ? item->text : "?");
	return cat_keep(ld, fm_str_of(b.s != NULL ? b.s : ""));
}

static void
read_part(struct load *ld, const struct node *map, enum cat_window_part part,
	  const struct node *place[WINDOW_N_PARTS], struct cat_window *w)
{
	const struct node *n = node_get(map, cat_window_words[part]);
	if (n == NULL)
		return;
	place[part] = n;
	if (n->kind == NODE_SCALAR || (part == WINDOW_DAYS && n->kind == NODE_LIST))
		w->part[part] = joined(ld, n);
	else
		cat_find_at(ld, FND_WINDOW_VALUE, n, "%s must be a single value",
			    cat_window_words[part]);
}

static void
read_when(struct load *ld, const struct node *map, struct cat_window *w)
{
	const struct node *place[WINDOW_N_PARTS] = {NULL}, *every = node_get(map, "Every");
	struct cat_window_found found;
	struct cat_window_wrong wrong = {.of_operator = false};
	const unsigned before = ld->findings->n_errors;
	for (unsigned p = 0; p < WINDOW_N_PARTS; p++)
		if (p != WINDOW_DAYS && p != WINDOW_AT)
			read_part(ld, map, (enum cat_window_part)p, place, w);
	if (every != NULL && (every->kind != NODE_MAP || every->n == 0))
		cat_find_at(ld, FND_WINDOW_VALUE, every,
			    "Every must be a mapping such as {Days: [sat, sun], At: 22:00}");
	else if (every != NULL && known_keys(ld, every, "Every", every_keys,
					     FM_ARRAY_LEN(every_keys))) {
		read_part(ld, every, WINDOW_DAYS, place, w);
		read_part(ld, every, WINDOW_AT, place, w);
	}
	if (ld->findings->n_errors != before)
		return;
	if (!cat_window_times(w, (struct fm_time){0}, CAT_MAX_OPEN, &ld->cat->arena, &found,
			      &wrong)) {
		const bool whole = wrong.part == WINDOW_N_PARTS || place[wrong.part] == NULL;
		cat_find_at(ld, wrong.kind, whole ? map : place[wrong.part], "%s", wrong.text);
		return;
	}
	if (found.more)
		cat_find_at(ld, FND_WINDOW_BOUND, place[WINDOW_START],
			    "only the first %u times are worked out: move Start", CAT_MAX_OPEN);
	if (found.overlap)
		cat_find_at(ld, FND_WINDOW_OVERLAP, place[WINDOW_FOR],
			    "it opens again before For is over, and stays open");
}

/* ---- the block --------------------------------------------------------------------------- */

static bool
read_name(struct load *ld, const struct node *map, struct cat_window *w)
{
	const struct node *n = node_get(map, "Name");
	w->name = "";
	if (n == NULL)
		cat_find_at(ld, FND_WINDOW_FORM, map, "a window has a Name");
	else if (n->kind != NODE_SCALAR || n->len == 0 || n->len > CAT_MAX_WINDOW_NAME ||
		 strchr(n->text, '\n') != NULL || strchr(n->text, '\t') != NULL)
		cat_find_at(ld, FND_WINDOW_VALUE, n, "Name must be a line of 1 to %u bytes",
			    CAT_MAX_WINDOW_NAME);
	else
		w->name = cat_keep(ld, node_str(n));
	for (unsigned i = 0; i < ld->cat->n_windows; i++)
		if (*w->name != '\0' && strcmp(ld->cat->windows[i].name, w->name) == 0)
			cat_find_at(ld, FND_WINDOW_NAME, n, "the window at line %u has this name",
				    (unsigned)ld->cat->windows[i].line);
	return *w->name != '\0';
}

static void
read_window(struct load *ld, const struct node *map)
{
	struct cat_window *w = &ld->cat->windows[ld->cat->n_windows];
	*w = (struct cat_window){.line = map->line, .column = map->column};
	if (map->kind != NODE_MAP) {
		cat_find_at(ld, FND_WINDOW_SHAPE, map, "a window is a mapping such as "
			    "{Name: …, Alarms: all, From: …, Until: …}");
		return;
	}
	const unsigned before = ld->findings->n_errors;
	const struct node *alarms = node_get(map, "Alarms"), *logs = node_get(map, "Logs");
	const struct node *entities = node_get(map, "Entities");
	known_keys(ld, map, "a maintenance window", keys, FM_ARRAY_LEN(keys));
	const bool named = read_name(ld, map, w);
	if (alarms == NULL)
		cat_find_at(ld, FND_WINDOW_FORM, map, "Alarms is needed: a list of ids, or all");
	else
		read_alarms(ld, alarms, w);
	if (entities != NULL)
		read_entities(ld, entities, w);
	if (logs != NULL)
		cat_read_bool(ld, logs, "Logs", &w->logs);
	read_when(ld, map, w);
	if (ld->findings->n_errors == before)
		check_cover(ld, map, w);
	if (named)
		ld->cat->n_windows++;
}

void
cat_read_windows(struct load *ld, const struct node *n)
{
	if (n->kind != NODE_LIST || n->n == 0 || n->n > CAT_MAX_WINDOWS) {
		cat_find_at(ld, FND_WINDOW_SHAPE, n, "Maintenance must be a list of 1 to %u windows",
			    CAT_MAX_WINDOWS);
		return;
	}
	ld->cat->windows = fm_arena_alloc(&ld->cat->arena, (n->n + 1) * sizeof(ld->cat->windows[0]));
	for (const struct node *item = n->first; item != NULL; item = item->next)
		read_window(ld, item);
}
