/*
 * cat_relation: what an alarm does to others: Suppresses keeps them from being announced, Causes
 * gives them a parent, Outdates says that they may no longer be true. Targets are checked once all
 * records are known.
 */
#include "events/cat_load_priv.h"

#include <stdlib.h>

#define DAY_S (24LL * 3600)

/* What holds when Window or Grace is not given: a host failure and its instances. */
#define DEFAULT_BEFORE_S 60
#define DEFAULT_AFTER_S 330
#define DEFAULT_GRACE_S 60

/* ---- reading ----------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted and without doubles. */
static void
read_ids(struct load *ld, const struct node *n, struct cat_relation *rel)
{
	unsigned count = n->kind == NODE_LIST ? n->n : 1, kept = 0;
	const char **ids = fm_arena_alloc(&ld->cat->arena, (count + 1) * sizeof(ids[0]));
	unsigned i = 0;
	for (const struct node *item = cat_first_of(n); item != NULL; item = cat_next_of(n, item))
		if (cat_want_text(ld, FND_RULE_SHAPE, item, "an alarm id"))
			ids[i++] = cat_keep(ld, node_str(item));
	qsort(ids, i, sizeof(ids[0]), by_name);
	for (unsigned j = 0; j < i; j++) {
		if (kept != 0 && strcmp(ids[kept - 1], ids[j]) == 0)
			cat_find_at(ld, FND_REPEATED_ID, n, "%s is there twice",
				    cat_quote(ld, fm_str_of(ids[j])));
		else
			ids[kept++] = ids[j];
	}
	if (n->kind == NODE_LIST && n->n == 0)
		cat_find_at(ld, FND_RULE_SHAPE, n, "Alarms is an empty list");
	rel->alarms = ids;
	rel->n_alarms = kept;
}

static void
read_where(struct load *ld, const struct node *n, struct cat_relation *rel)
{
	for (unsigned i = 0; i < N_WHERE_WORDS; i++) {
		if (n->kind == NODE_SCALAR && strcmp(n->text, cat_where_words[i]) == 0) {
			rel->where = (enum cat_where)i;
			return;
		}
	}
	cat_find_at(ld, FND_BAD_WHERE, n,
		    "Where must be \"instance.host == host\", \"host == host\", \"below\", "
		    "\"members\" or \"all\"%s",
		    n->kind == NODE_SCALAR ?
		    cat_suggest(ld, node_str(n), cat_where_words, N_WHERE_WORDS) : "");
}

static void
read_window(struct load *ld, const struct node *n, struct cat_relation *rel)
{
	struct fm_span from, to, day = fm_span_s(DAY_S), back = fm_span_s(-DAY_S);
	if (rel->effect == EFFECT_OUTDATE) {
		cat_find_at(ld, FND_KEY_NOT_FOR, n,
			    "Window does not go with Outdates: all that came before may be old");
		return;
	}
	if (n->kind != NODE_LIST || n->n != 2) {
		cat_find_at(ld, FND_BAD_WINDOW, n, "Window must be two times such as [-60s, 330s]");
		return;
	}
	if (!cat_read_span(ld, FND_BAD_WINDOW, n->first, "Window", back, fm_span_s(0), &from) ||
	    !cat_read_span(ld, FND_BAD_WINDOW, n->last, "Window", fm_span_s(0), day, &to))
		return;
	rel->before.ns = -from.ns;
	rel->after = to;
	if (from.ns == 0 && to.ns == 0)
		cat_find_at(ld, FND_NO_WINDOW, n,
			    "only alarms raised in the very same instant lie in this Window");
}

static void
read_at_least(struct load *ld, const struct cat_record *rec, const struct node *n,
	      struct cat_relation *rel)
{
	if (!cat_read_severity(ld, n, &rel->at_least))
		return;
	if (rel->at_least > rec->severity)
		cat_find_at(ld, FND_AT_LEAST, n, "this alarm never gets worse than %s",
			    severity_name(rec->severity));
}

static void
read_grace(struct load *ld, const struct node *n, struct cat_relation *rel)
{
	if (rel->effect != EFFECT_SUPPRESS)
		cat_find_at(ld, FND_KEY_NOT_FOR, n, "Grace goes with Suppresses, not with %s",
			    cat_effect_words[rel->effect]);
	else
		cat_read_span(ld, FND_SPAN_RANGE, n, "Grace", fm_span_s(0), fm_span_s(DAY_S),
			      &rel->grace);
}

static void
read_relation(struct load *ld, const struct cat_record *rec, const struct node *n,
	      enum cat_effect effect, struct cat_relation *rel)
{
	static const char *const keys[] = {"Alarms", "Where", "Window", "Grace", "At_Least"};
	const char *what = cat_effect_words[effect];
	*rel = (struct cat_relation){
		.effect = effect,
		.before = fm_span_s(DEFAULT_BEFORE_S),
		.after = fm_span_s(DEFAULT_AFTER_S),
		.grace = fm_span_s(effect == EFFECT_SUPPRESS ? DEFAULT_GRACE_S : 0),
		.line = n->line,
		.column = n->column,
	};
	if (!cat_check_keys(ld, n, what, keys, FM_ARRAY_LEN(keys)))
		return;
	const struct node *alarms = node_get(n, "Alarms"), *where = node_get(n, "Where");
	const struct node *window = node_get(n, "Window"), *grace = node_get(n, "Grace");
	const struct node *least = node_get(n, "At_Least");
	if (alarms == NULL || where == NULL)
		cat_find_at(ld, FND_RULE_SHAPE, n, "%s needs Alarms and Where", what);
	if (alarms != NULL)
		read_ids(ld, alarms, rel);
	if (where != NULL)
		read_where(ld, where, rel);
	if (window != NULL)
		read_window(ld, window, rel);
	if (grace != NULL)
		read_grace(ld, grace, rel);
	if (least != NULL)
		read_at_least(ld, rec, least, rel);
}

/* Relations are read as long as there is room. */
struct relations {
	struct cat_relation *v;         /* NULL: they are counted */
	unsigned n, max;
};

/* Reads one key of all mappings. */
static void
read_key(struct load *ld, const struct cat_record *rec, const struct node *correlation,
	 enum cat_effect effect, struct relations *ret)
{
	for (const struct node *map = cat_first_of(correlation); map != NULL;
	     map = cat_next_of(correlation, map)) {
		const struct node *n = map->kind == NODE_MAP ?
			node_get(map, cat_effect_words[effect]) : NULL;
		const struct node *item = n != NULL ? cat_first_of(n) : NULL;
		for (; item != NULL; item = cat_next_of(n, item), ret->n++) {
			if (ret->v != NULL && ret->n < ret->max)
				read_relation(ld, rec, item, effect, &ret->v[ret->n]);
			else if (ret->v != NULL && ret->n == ret->max)
				cat_find_at(ld, FND_RULE_SHAPE, item, "a record has at most %u "
					    "relations", CAT_MAX_RELATIONS);
		}
	}
}

static void
read_all(struct load *ld, const struct cat_record *rec, const struct node *correlation,
	 struct relations *ret)
{
	for (unsigned effect = 0; effect < N_EFFECTS; effect++)
		read_key(ld, rec, correlation, (enum cat_effect)effect, ret);
}

void
cat_read_relations(struct load *ld, struct cat_record *rec, const struct node *correlation)
{
	struct relations r = {0};
	read_all(ld, rec, correlation, &r);
	if (r.n == 0 || rec->is_log)
		return;
	r.max = r.n < CAT_MAX_RELATIONS ? r.n : CAT_MAX_RELATIONS;
	r.v = fm_arena_alloc(&ld->cat->arena, r.max * sizeof(r.v[0]));
	r.n = 0;
	read_all(ld, rec, correlation, &r);
	rec->relations = r.v;
	rec->n_relations = r.max;
}

/* ---- targets ----------------------------------------------------------------------------- */

static bool
may_match(const struct cat_record *target, enum cat_where where)
{
	const char *form = target->entity_form != NULL ? target->entity_form : "";
	switch (where) {
	case WHERE_INSTANCE_HOST:
		return cat_form_has_key(form, "instance");
	case WHERE_HOST:                /* an instance's alarm is of the host it was raised on */
		return cat_form_has_key(form, "host") || cat_form_has_key(form, "instance");
	case WHERE_BELOW:
	case WHERE_ALL:
		return true;
	case WHERE_MEMBERS:
		return cat_form_has_key(form, "instance");
	}
	return true;
}

static void
check_target(struct load *ld, const struct cat_record *rec, const struct cat_relation *rel,
	     const char *id)
{
	const struct cat_record *target = cat_find(ld->cat, id);
	const char *quoted = cat_quote(ld, fm_str_of(id));
	if (target == NULL)
		cat_find_line(ld, FND_UNKNOWN_ID, rel->line, rel->column,
			      "%s is not in this catalogue%s", quoted,
			      cat_suggest_id(ld, fm_str_of(id)));
	else if (target == rec)
		cat_find_line(ld, FND_SELF_RELATION, rel->line, rel->column,
			      "%s is this alarm itself", quoted);
	else if (target->is_log)
		cat_find_line(ld, FND_RELATED_LOG, rel->line, rel->column,
			      "%s is a log; only alarms can have a parent", quoted);
	else if (rel->effect == EFFECT_SUPPRESS && !target->suppressible)
		cat_find_line(ld, FND_NOT_SUPPRESSIBLE, rel->line, rel->column,
			      "%s has Suppression: False, so it should not be hidden", quoted);
	if (target != NULL && !may_match(target, rel->where))
		cat_find_line(ld, FND_WHERE_TARGET, rel->line, rel->column,
			      "the entity of %s does not fit \"%s\"", quoted,
			      cat_where_words[rel->where]);
}

static bool
has_group(const struct cat_record *rec)
{
	for (unsigned i = 0; i < rec->n_rules; i++)
		if (rec->rules[i].group.by != GROUP_NONE)
			return true;
	return false;
}

/* Whatever b says about an id of both, a has said before. */
static bool
precedes(const struct cat_relation *a, const struct cat_relation *b)
{
	if ((a->effect == EFFECT_OUTDATE) != (b->effect == EFFECT_OUTDATE))
		return false;
	return a->where == b->where && a->before.ns >= b->before.ns &&
	       a->after.ns >= b->after.ns && a->at_least <= b->at_least;
}

/* The ids of both are sorted. */
static void
tell_preceded(struct load *ld, const struct cat_relation *a, const struct cat_relation *b)
{
	const bool same = a->effect == b->effect;
	for (unsigned i = 0, j = 0; i < a->n_alarms && j < b->n_alarms;) {
		const int c = strcmp(a->alarms[i], b->alarms[j]);
		if (c == 0)
			cat_find_line(ld, same ? FND_SHADOWED_RELATION : FND_CAUSE_SUPPRESSED,
				      b->line, b->column, "%s: the one at line %u decides%s",
				      b->alarms[j], (unsigned)a->line, same ? "" :
				      ", Suppresses makes it the parent too");
		i += c <= 0;
		j += c >= 0;
	}
}

/*
 * Suppresses come first in rec->relations, so that one walk back finds both sorts. What it costs is bounded
 * by CAT_MAX_RELATIONS: each id of the file is looked at once for each other relation of its record.
 */
static void
check_preceded(struct load *ld, const struct cat_record *rec, const struct cat_relation *rel)
{
	for (const struct cat_relation *a = rec->relations; a < rel; a++)
		if (precedes(a, rel))
			tell_preceded(ld, a, rel);
}

/* The worst that fmd itself makes of the alarm; SEV_NONE: it never raises it. */
static enum severity
worst_by_rules(const struct cat_record *rec)
{
	enum severity worst = SEV_NONE;
	for (unsigned i = 0; i < rec->n_rules; i++) {
		const struct cat_rule *rule = &rec->rules[i];
		enum severity sev = rule->severity;
		for (unsigned j = 0; j < rule->n_steps; j++)
			sev = rule->steps[j].severity > sev ? rule->steps[j].severity : sev;
		for (unsigned j = SEV_WARNING; rule->threshold.of >= 0 && j < FM_N_SEVERITIES; j++)
			sev = rule->threshold.given[j] && j > sev ? (enum severity)j : sev;
		worst = sev > worst ? sev : worst;
	}
	return worst;
}

static void
check_record(struct load *ld, const struct cat_record *rec)
{
	enum severity worst = worst_by_rules(rec);
	for (unsigned i = 0; i < rec->n_relations; i++) {
		const struct cat_relation *rel = &rec->relations[i];
		check_preceded(ld, rec, rel);
		if (worst != SEV_NONE && rel->at_least > worst && rel->at_least <= rec->severity)
			cat_find_line(ld, FND_NEVER_SO_BAD, rel->line, rel->column,
				      "the rules of this record never make it worse than %s",
				      severity_name(worst));
		if ((rel->where == WHERE_INSTANCE_HOST || rel->where == WHERE_HOST) &&
		    (rec->entity_form == NULL || !cat_form_has_key(rec->entity_form, "host")))
			cat_find_line(ld, FND_WHERE_SOURCE, rel->line, rel->column,
				      "\"%s\" needs a host= in this record's Entity_Instance_ID",
				      cat_where_words[rel->where]);
		if (rel->where == WHERE_MEMBERS && !has_group(rec))
			cat_find_line(ld, FND_WHERE_SOURCE, rel->line, rel->column,
				      "\"members\" needs a rule with Group in this record");
		for (unsigned j = 0; j < rel->n_alarms; j++)
			check_target(ld, rec, rel, rel->alarms[j]);
	}
}

/* ---- cycles ------------------------------------------------------------------------------ */

/*
 * Depth-first over what suppresses, or over what suppresses or causes, whatever the Where: two that reach
 * each other by different ones hide each other just the same. The stack is a list of its own: a long chain
 * in a hostile file must not become deep recursion.
 */
struct walk {
	struct load *ld;
	enum cat_effect upto;           /* the last effect that is followed */
	struct visit {
		enum { NEW, OPEN, DONE } state;
		unsigned parent;        /* index; its own: the start */
		unsigned rel, alarm;    /* where to go on */
		unsigned depth, n_suppress;     /* steps from the start, and how many suppress */
	} *v;
};

/* The next record that this one suppresses or causes; NULL: no more. */
static const struct cat_record *
next_victim(const struct walk *w, const struct cat_record *rec, struct visit *at)
{
	for (; at->rel < rec->n_relations; at->rel++, at->alarm = 0) {
		const struct cat_relation *rel = &rec->relations[at->rel];
		if (rel->effect > w->upto)
			continue;
		while (at->alarm < rel->n_alarms) {
			const struct cat_record *next =
				cat_find(w->ld->cat, rel->alarms[at->alarm++]);
			if (next != NULL && next != rec)
				return next;
		}
	}
	return NULL;
}

/* from leads to to, and to is on the way that led to from. */
static void
report_cycle(const struct walk *w, unsigned from, unsigned to)
{
	const struct cat_record *records = w->ld->cat->records;
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	const struct visit *x = &w->v[from], *y = &w->v[to];
	const unsigned steps = x->depth - y->depth + 1, n_suppress = x->n_suppress -
		y->n_suppress + (records[from].relations[x->rel].effect == EFFECT_SUPPRESS);
	const bool suppress = n_suppress == steps;
	unsigned shown = 0;
	if (suppress && w->upto != EFFECT_SUPPRESS)
		return;                 /* has been told */
	fm_buf_adds(&b, records[to].id);
	for (unsigned i = from; i != to && shown < 8; i = w->v[i].parent, shown++)
		fm_buf_addf(&b, " by %s", records[i].id);
	fm_buf_addf(&b, shown == 8 ? " … by %s" : " by %s", records[to].id);
	w->ld->id = records[from].id;
	cat_find_line(w->ld, suppress ? FND_CYCLE : FND_CAUSE_CYCLE, records[from].line, 1,
		      "alarms %s each other: %s", suppress ? "suppress" :
		      n_suppress == 0 ? "cause" : "suppress or cause", b.s);
	w->ld->id = NULL;
}

static void
walk_from(struct walk *w, unsigned start)
{
	const struct cat_record *records = w->ld->cat->records;
	unsigned at = start;
	w->v[at] = (struct visit){.state = OPEN, .parent = start};
	for (;;) {
		const struct cat_record *next = next_victim(w, &records[at], &w->v[at]);
		if (next == NULL) {
			w->v[at].state = DONE;
			if (at == start)
				return;
			at = w->v[at].parent;
			continue;
		}
		unsigned to = (unsigned)(next - records);
		if (w->v[to].state == OPEN) {
			report_cycle(w, at, to);
		} else if (w->v[to].state == NEW) {
			w->v[to] = (struct visit){.state = OPEN, .parent = at,
				.depth = w->v[at].depth + 1, .n_suppress = w->v[at].n_suppress +
				(records[at].relations[w->v[at].rel].effect == EFFECT_SUPPRESS)};
			at = to;
		}
	}
}

static void
check_cycles(struct load *ld, enum cat_effect upto)
{
	struct walk w = {ld, upto, fm_arena_alloc(&ld->tmp, (ld->cat->n + 1) * sizeof(w.v[0]))};
	for (unsigned i = 0; i < ld->cat->n; i++)
		if (w.v[i].state == NEW && ld->cat->records[i].n_relations != 0)
			walk_from(&w, i);
}

void
cat_check_relations(struct load *ld)
{
	for (unsigned i = 0; i < ld->cat->n; i++) {
		ld->id = ld->cat->records[i].id;
		check_record(ld, &ld->cat->records[i]);
	}
	ld->id = NULL;
	check_cycles(ld, EFFECT_SUPPRESS);
	check_cycles(ld, EFFECT_CAUSE);
}
