/*
 * lifecycle: alarms by key and what happens to them. Identity is (alarm_id, entity); each
 * occurrence has a UUID that its clear repeats. Setting what is set already counts and says
 * nothing; a changed severity or text is a change that carries both values (DESIGN §7.4).
 *
 *   (none) --set--> active --change--> active --clear--> cleared --purge--> (none)
 *                     ^                                     |
 *                     +------- set: a new occurrence -------+
 */
#include "correlator/refused_priv.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- lists ------------------------------------------------------------------------------------ */

static void
list_add(struct alarm_list *l, struct corr_alarm *al)
{
	al->next = NULL;
	al->prev = l->tail;
	if (l->tail != NULL)
		l->tail->next = al;
	else
		l->head = al;
	l->tail = al;
	l->n++;
}

/* Cleared at the same instant: by id, so that the order can be had again from the rows. */
static void
cleared_add(struct alarm_list *l, struct corr_alarm *al)
{
	struct corr_alarm *after = l->tail;

	while (after != NULL && after->a.cleared_at.ns == al->a.cleared_at.ns &&
	       after->a.id > al->a.id)
		after = after->prev;
	if (after == l->tail) {
		list_add(l, al);
		return;
	}
	al->prev = after;
	al->next = after != NULL ? after->next : l->head;
	al->next->prev = al;
	if (after != NULL)
		after->next = al;
	else
		l->head = al;
	l->n++;
}

static void
list_remove(struct alarm_list *l, struct corr_alarm *al)
{
	if (al->prev != NULL)
		al->prev->next = al->next;
	else
		l->head = al->next;
	if (al->next != NULL)
		al->next->prev = al->prev;
	else
		l->tail = al->prev;
	al->next = al->prev = NULL;
	l->n--;
}

void
al_link_host(struct corr_alarm *al)
{
	if (al->host == NULL)
		return;
	al->host_next = NULL;
	al->host_prev = al->host->alarms_tail;
	if (al->host_prev != NULL)
		al->host_prev->host_next = al;
	else
		al->host->alarms = al;
	al->host->alarms_tail = al;
}

void
al_link_inst(struct corr_alarm *al, struct instance *inst)
{
	struct corr_alarm **pp = al->inst != NULL ? &al->inst->alarms : NULL;

	if (pp != NULL) {
		while (*pp != al)
			pp = &(*pp)->inst_next;
		*pp = al->inst_next;
	}
	al->inst = inst;
	al->inst_next = NULL;
	if (inst == NULL)
		return;
	pp = &inst->alarms;
	while (*pp != NULL && (*pp)->a.id < al->a.id)
		pp = &(*pp)->inst_next;
	al->inst_next = *pp;
	*pp = al;
}

static void
host_list_remove(struct corr_alarm *al)
{
	if (al->host == NULL)
		return;
	if (al->host_prev != NULL)
		al->host_prev->host_next = al->host_next;
	else
		al->host->alarms = al->host_next;
	if (al->host_next != NULL)
		al->host_next->host_prev = al->host_prev;
	else
		al->host->alarms_tail = al->host_prev;
	al->host_next = al->host_prev = NULL;
}

void
al_dirty(struct correlator *corr, struct corr_alarm *al)
{
	corr->hard = true;
	if (al->dirty)
		return;
	al->dirty = true;
	DL_PREPEND2(corr->dirty_alarm, al, prev_dirty, next_dirty);
}

/* ---- by key ------------------------------------------------------------------------------------- */

struct corr_alarm *
al_find(const struct correlator *corr, const char *alarm_id, const char *entity)
{
	char key[FM_MAX_ALARM_ID + FM_MAX_ENTITY + 2];
	const int n = snprintf(key, sizeof(key), "%s|%s", alarm_id, entity);
	struct corr_alarm *al;

	HASH_FIND(hh, corr->alarms, key, (size_t)n, al);
	return al;
}

bool
al_is_of_another(const struct correlator *corr, const struct alarm_spec *spec,
		 const struct slot *slot)
{
	const struct corr_alarm *al = al_find(corr, spec->alarm_id, spec->entity);

	if (al == NULL || al->a.cleared)
		return false;
	return al->group != NULL || (al->slot != NULL && (al->slot->inst != slot->inst ||
							  al->slot->host != slot->host));
}

struct corr_alarm *
al_alloc(struct correlator *corr, const char *alarm_id, const char *entity)
{
	struct corr_alarm *al = fm_calloc(1, sizeof(*al));

	al->key = fm_asprintf("%s|%s", alarm_id, entity);
	al->a.alarm_id = fm_strdup(alarm_id);
	al->a.entity = fm_strdup(entity);
	HASH_ADD_KEYPTR(hh, corr->alarms, al->key, strlen(al->key), al);
	return al;
}

static void
free_text(const char *const *p)
{
	free((void *)(uintptr_t)*p);
}

static void
copy_attrs(struct corr_alarm *al, const struct attr *attrs, unsigned n)
{
	al->a.n_attrs = n;
	for (unsigned i = 0; i < n; i++)
		al->a.attrs[i] = (struct attr){
			.name = fm_strdup(attrs[i].name),
			.text = attrs[i].text != NULL ? fm_strdup(attrs[i].text) : NULL,
			.num = attrs[i].num,
		};
}

static void
free_attrs(struct corr_alarm *al)
{
	for (unsigned i = 0; i < al->a.n_attrs; i++) {
		free_text(&al->a.attrs[i].name);
		free_text(&al->a.attrs[i].text);
	}
	al->a.n_attrs = 0;
}

static void
free_content(struct corr_alarm *al)
{
	free_text(&al->a.reason_text);
	free_text(&al->a.repair);
	free_text(&al->a.entity_type_id);
	free_text(&al->a.acked_by);
	free_text(&al->a.window);
	free_attrs(al);
}

void
al_free(struct correlator *corr, struct corr_alarm *al)
{
	if (al->dirty)
		DL_DELETE2(corr->dirty_alarm, al, prev_dirty, next_dirty);
	dl_cancel(corr, &al->notice);
	dl_cancel(corr, &al->expire);
	dl_cancel(corr, &al->grace);
	rel_unlink(corr, al);
	rel_forget(al);
	al_link_inst(al, NULL);
	if (al->a.cleared)
		list_remove(&corr->cleared, al);
	else {
		list_remove(&corr->active, al);
		host_list_remove(al);
	}
	if (al->slot != NULL)
		al->slot->al = NULL;
	if (al->group != NULL)
		al->group->al = NULL;
	HASH_DEL(corr->alarms, al);
	free_content(al);
	free_text(&al->a.alarm_id);
	free_text(&al->a.entity);
	free(al->key);
	free(al);
}

void
al_link_active(struct correlator *corr, struct corr_alarm *al)
{
	list_add(al->a.cleared ? &corr->cleared : &corr->active, al);
	if (al->a.cleared)
		return;
	al_link_host(al);
	reach_link(corr, al);
}

/* ---- transitions ---------------------------------------------------------------------------------- */

void
al_emit(struct correlator *corr, struct corr_alarm *al, enum transition_kind kind,
	struct transition *tr)
{
	char rule[96];

	tr->kind = kind;
	tr->at = corr->now;
	tr->alarm = al->a;
	tr->cause = corr->cause;
	tr->cause.catalogue = cat_hash(corr->cat);
	if (al->rule != NULL) {
		snprintf(rule, sizeof(rule), "%s %s %s", al->rule->record->id,
			 fact_is_state(al->rule->fact) ? "While" : "On", fact_name(al->rule->fact));
		tr->cause.rule = rule;
		tr->cause.rule_line = al->rule->line;
	}
	if (al->a.status == SUPPR_PARENT)
		tr->cause.parent = al->a.suppressed_by;
	corr->effect = true;
	corr->hard = true;
	corr->stats.transitions++;
	if (tr->notify)
		storm_told(corr, al);
	if (corr->sink != NULL)
		corr->sink(corr->sink_ctx, tr);
}

void
spec_from_record(struct alarm_spec *spec, const struct cat_record *rec, enum severity sev)
{
	spec->rec = rec;
	spec->alarm_id = rec->id;
	spec->severity = sev;
	spec->repair = cat_repair_for(rec, sev);
	spec->type = rec->type;
	spec->cause = rec->cause;
	spec->service_affecting = cat_service_affecting_for(rec, sev);
	spec->suppressible = rec->suppressible;
	spec->inhibits = rec->inhibits;
}

static void
copy_content(struct corr_alarm *al, const struct alarm_spec *spec)
{
	struct fm_buf type = {0};

	free_content(al);
	if (spec->entity_type != NULL)
		fm_buf_adds(&type, spec->entity_type);
	else
		entity_type(spec->entity, &type);
	al->a.entity_type_id = type.s;
	al->a.reason_text = fm_strdup(spec->text);
	al->a.repair = spec->repair != NULL ? fm_strdup(spec->repair) : NULL;
	al->a.acked_by = al->a.window = NULL;
	copy_attrs(al, spec->attrs, spec->n_attrs);
}

static void
fill(struct correlator *corr, struct corr_alarm *al, const struct alarm_spec *spec)
{
	copy_content(al, spec);
	al->rec = spec->rec;
	al->rule = spec->rule;
	al->host = spec->host;
	al->a.id = ++corr->next_alarm_id;
	al->a.uuid = alarm_uuid(spec->alarm_id, spec->entity, spec->raised_at, al->a.id);
	al->a.cleared = false;
	al->a.severity = spec->severity;
	al->a.type = spec->type;
	al->a.cause = spec->cause;
	al->a.service_affecting = spec->service_affecting;
	al->a.suppressible = spec->suppressible;
	al->a.inhibits = spec->inhibits;
	al->a.mgmt_threshold = spec->rec != NULL ? spec->rec->mgmt_threshold : SEV_WARNING;
	al->a.degrade_threshold = spec->rec != NULL ? spec->rec->degrade_threshold : SEV_NONE;
	al->a.raised_at = spec->raised_at;
	al->a.changed_at = corr->now;
	al->a.cleared_at = (struct fm_time){0};
	al->a.count = 1;
	al->a.oper = OPER_NONE;
	al->a.status = SUPPR_NONE;
	al->a.suppressed_by = al->a.root_cause = (struct fm_uuid){0};
	al->a.children = 0;
	al->a.shelved_until = (struct fm_time){0};
	al->a.announced = al->a.untold = false;
	al->a.told = SEV_NONE;
	al->a.catalogue = cat_hash(corr->cat);
	al->a.origin = (uint8_t)spec->origin;
}

/* As its rule says, from now on. */
void
al_arm_expire(struct correlator *corr, struct corr_alarm *al)
{
	if (al->rule != NULL && al->rule->expire.ns > 0)
		dl_arm(corr, &al->expire, DL_EXPIRE, al,
		       fm_time_add(corr->now, al->rule->expire));
}

static void
raise(struct correlator *corr, struct corr_alarm *al, const struct alarm_spec *spec)
{
	struct transition tr = {0};

	al_link_inst(al, NULL);         /* its place there is that of its id */
	fill(corr, al, spec);
	al_link_inst(al, spec->inst);
	al_link_active(corr, al);
	corr->meta_dirty = true;
	rel_raised(corr, al);
	al->a.announced = al->a.status == SUPPR_NONE;
	al->a.told = al->a.announced ? al->a.severity : SEV_NONE;
	tr.notify = al->a.announced;
	al_dirty(corr, al);
	al_emit(corr, al, TR_RAISE, &tr);
	al_arm_expire(corr, al);
	rel_spread(corr, al);
}

/* Set again by another rule of its record: what ends it is said there from now on. */
static void
follow_rule(struct correlator *corr, struct corr_alarm *al, const struct alarm_spec *spec)
{
	if (spec->rule == NULL || al->rule == NULL || al->rule == spec->rule || al->slot != NULL ||
	    al->group != NULL)
		return;
	al->rule = spec->rule;
	dl_cancel(corr, &al->expire);
}

static void
advise(struct corr_alarm *al, const char *repair, bool service_affecting)
{
	al->a.service_affecting = service_affecting;
	if (fm_same(al->a.repair, repair))
		return;
	free_text(&al->a.repair);
	al->a.repair = repair != NULL ? fm_strdup(repair) : NULL;
}

/* What the record says for a severity, before al_change makes it that. */
void
al_set_advice(struct corr_alarm *al, const struct cat_record *rec, enum severity sev)
{
	advise(al, cat_repair_for(rec, sev), cat_service_affecting_for(rec, sev));
}

/* An event does not say that a state has changed. */
static bool
only_counts(const struct corr_alarm *al, const struct alarm_spec *spec)
{
	return spec->keep_existing ||
		(al->slot != NULL && spec->rule != NULL && !fact_is_state(spec->rule->fact));
}

static void
renew(struct correlator *corr, struct corr_alarm *al, const struct alarm_spec *spec)
{
	al->a.type = spec->type;
	al->a.cause = spec->cause;
	advise(al, spec->repair, spec->service_affecting);
	for (unsigned i = 0; i < spec->n_attrs; i++)
		al_mark(corr, al, &spec->attrs[i]);
	al_change(corr, al, spec->severity, spec->text);
}

static struct corr_alarm *
set_again(struct correlator *corr, struct corr_alarm *al, const struct alarm_spec *spec)
{
	al->a.count++;
	if (!FM_BUG(ALARM_CLEAN))
		al_dirty(corr, al);
	corr->effect = true;
	follow_rule(corr, al, spec);
	if (!only_counts(al, spec))
		renew(corr, al, spec);
	/* What ends it is said by the rule that it is of; a producer ends its own. */
	if (al->rule == spec->rule)
		al_arm_expire(corr, al);
	return al;
}

/* For those who ask why there is no alarm; a group that is of no instance has none to be found by. */
static void
refuse(struct correlator *corr, const struct alarm_spec *spec)
{
	const struct fact_values v = {.inst = spec->inst, .host = spec->host};

	corr->stats.refused++;
	if (spec->rule != NULL && (fact_subject_of(spec->rule->fact) == SUBJECT_HOST ?
				   v.host != NULL : v.inst != NULL))
		refused_add(corr, spec->rule, &v, REFUSED_FULL);
}

/* NULL when the table is full: the alarm is refused and counted, never another one evicted. */
struct corr_alarm *
al_set(struct correlator *corr, const struct alarm_spec *spec)
{
	struct corr_alarm *al = al_find(corr, spec->alarm_id, spec->entity);

	if (al != NULL && !al->a.cleared)
		return set_again(corr, al, spec);
	if (corr->active.n >= cat_limits(corr->cat)->max_alarms &&
	    spec->severity < SEV_MAJOR) {
		refuse(corr, spec);
		return NULL;
	}
	if (al != NULL)
		list_remove(&corr->cleared, al);
	else
		al = al_alloc(corr, spec->alarm_id, spec->entity);
	raise(corr, al, spec);
	return al;
}

void
al_change(struct correlator *corr, struct corr_alarm *al, enum severity sev, const char *text)
{
	struct transition tr = {.prev_severity = al->a.severity, .prev_text = al->a.reason_text};
	const char *old = NULL;

	if (sev != al->a.severity)
		tr.prev_mask |= PREV_SEVERITY;
	if (strcmp(text, al->a.reason_text) != 0)
		tr.prev_mask |= PREV_TEXT;
	if (tr.prev_mask == 0)
		return;
	if (tr.prev_mask & PREV_TEXT) {
		old = al->a.reason_text;
		al->a.reason_text = fm_strdup(text);
	}
	al->a.severity = sev;
	al->a.changed_at = corr->now;
	tr.notify = al->a.announced && al->a.status == SUPPR_NONE;
	al->a.untold = al->a.announced && !tr.notify;
	if (tr.notify)
		al->a.told = sev;
	al_dirty(corr, al);
	al_emit(corr, al, TR_CHANGE, &tr);
	free_text(&old);
	if (sev >= SEV_MAJOR && storm_is_held(al))
		rel_show(corr, al);     /* it is not held for what it has become */
	if (tr.prev_mask & PREV_SEVERITY)
		rel_severity(corr, al, tr.prev_severity);
}

void
al_quiet_change(struct correlator *corr, struct corr_alarm *al, const char *text,
		struct transition *tr)
{
	const char *old = NULL;

	if (text != NULL && strcmp(text, al->a.reason_text) != 0) {
		tr->prev_mask |= PREV_TEXT;
		tr->prev_text = old = al->a.reason_text;
		al->a.reason_text = fm_strdup(text);
	}
	al_dirty(corr, al);
	al_emit(corr, al, TR_CHANGE, tr);
	free_text(&old);
}

static unsigned
attr_place(const struct corr_alarm *al, const char *name)
{
	unsigned i = 0;

	while (i < al->a.n_attrs && strcmp(al->a.attrs[i].name, name) != 0)
		i++;
	return i;
}

const struct attr *
al_attr(const struct corr_alarm *al, const char *name)
{
	const unsigned i = attr_place(al, name);

	return i < al->a.n_attrs ? &al->a.attrs[i] : NULL;
}

void
al_mark(struct correlator *corr, struct corr_alarm *al, const struct attr *attr)
{
	const unsigned i = attr_place(al, attr->name);
	struct attr *a = &al->a.attrs[i];

	if (i == FM_ALARM_MAX_ATTRS)
		return;
	if (i == al->a.n_attrs) {
		*a = (struct attr){.name = fm_strdup(attr->name)};
		al->a.n_attrs++;
	}
	free_text(&a->text);
	a->text = attr->text != NULL ? fm_strdup(attr->text) : NULL;
	a->num = attr->num;
	al_dirty(corr, al);
}

/* Those that others have set, such as that it flaps, stay. */
void
al_set_attrs(struct correlator *corr, struct corr_alarm *al, const struct fact_values *v,
	     enum fact_id fact)
{
	struct attr attrs[FM_ALARM_MAX_ATTRS];
	const unsigned n = fact_attrs(corr, fact, v, attrs);

	for (unsigned i = 0; i < n; i++)
		al_mark(corr, al, &attrs[i]);
}

void
al_unmark(struct correlator *corr, struct corr_alarm *al, const char *attr)
{
	const unsigned i = attr_place(al, attr);
	struct attr *a = al->a.attrs;

	if (i == al->a.n_attrs)
		return;
	free_text(&a[i].name);
	free_text(&a[i].text);
	memmove(&a[i], &a[i + 1], (--al->a.n_attrs - i) * sizeof(*a));
	al_dirty(corr, al);
}

/* A sink that filters by severity has to know what it was told, to take it back. */
void
al_since_told(const struct corr_alarm *al, struct transition *tr)
{
	if (!al->a.announced || al->a.told == SEV_NONE || al->a.told == al->a.severity)
		return;
	tr->prev_mask |= PREV_SEVERITY;
	tr->prev_severity = al->a.told;
}

void
al_clear(struct correlator *corr, struct corr_alarm *al)
{
	struct transition tr = {.notify = al->a.announced};

	fm_assert(!al->a.cleared);
	if (al->slot != NULL)
		rules_closed(corr, al);
	al_since_told(al, &tr);
	rel_fresh(corr, al);
	dl_cancel(corr, &al->notice);
	dl_cancel(corr, &al->expire);
	dl_cancel(corr, &al->grace);
	al->a.cleared = true;
	al->a.cleared_at = al->a.changed_at = corr->now;
	al_dirty(corr, al);
	al_emit(corr, al, TR_CLEAR, &tr);
	list_remove(&corr->active, al);
	host_list_remove(al);
	rel_unlink(corr, al);
	cleared_add(&corr->cleared, al);
	rel_cleared(corr, al);
	group_cleared(corr, al);        /* only now: its children are found by its members */
	al_purge_due(corr);
}

void
al_log(struct correlator *corr, const struct alarm_spec *spec)
{
	struct corr_alarm *al = fm_calloc(1, sizeof(*al));
	struct transition tr = {0};
	const struct window *w;

	al->a.alarm_id = fm_strdup(spec->alarm_id);
	al->a.entity = fm_strdup(spec->entity);
	fill(corr, al, spec);
	al->a.root_cause = spec->root_cause;
	al->inst = spec->inst;
	corr->meta_dirty = true;
	w = window_over_log(corr, al);
	if (w != NULL) {
		al->a.status = SUPPR_WINDOW;
		al->a.window = fm_strdup(w->w->name);
	}
	al->a.announced = tr.notify = w == NULL;
	al_emit(corr, al, TR_LOG, &tr);
	free_content(al);
	free_text(&al->a.alarm_id);
	free_text(&al->a.entity);
	free(al);
}

void
al_expire(struct correlator *corr, struct corr_alarm *al)
{
	al_clear(corr, al);
}

/* ---- purge -------------------------------------------------------------------------------------- */

static void
purge(struct correlator *corr, struct corr_alarm *al)
{
	struct transition tr = {0};

	al_emit(corr, al, TR_PURGE, &tr);
	forget(corr, ROW_ALARM, al->a.alarm_id, al->a.entity);
	al_free(corr, al);
}

/* The oldest cleared go when their time is up, or when there are too many. */
void
al_purge_due(struct correlator *corr)
{
	const struct cat_limits *lim = cat_limits(corr->cat);
	struct corr_alarm *al;

	while ((al = corr->cleared.head) != NULL) {
		const struct fm_time due = fm_time_add(al->a.cleared_at, lim->keep_cleared);

		if (due.ns > corr->now.ns && corr->cleared.n <= lim->max_cleared) {
			dl_arm(corr, &corr->purge, DL_PURGE, corr, due);
			return;
		}
		purge(corr, al);
	}
	dl_cancel(corr, &corr->purge);
}
