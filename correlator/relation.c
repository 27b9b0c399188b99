/*
 * relation: parents, suppression, and what may be out of date. Suppressed is derived: an alarm is
 * suppressed while an active suppressor covers it, so late children, repeated sets and two suppressors
 * all come out right. When the cause comes late, children already announced get a notice of their new
 * parent; they are not cleared and raised again. When the last suppressor has gone, they resurface
 * after its grace (DESIGN §7.3).
 *
 * What an alarm outdates (nobody hears the host any more) carries since when in an attribute, and
 * loses it when the last such alarm goes. Nothing else of it changes: it is neither cleared nor hidden
 * for want of news (ADR 0022).
 *
 * What an operator has put aside (shelf.c) covers all of it: such an alarm keeps its parent, and its
 * status is derived anew when it is taken out again.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

static bool
in_window(const struct cat_relation *rel, const struct alarm *parent, const struct alarm *child)
{
	if (rel->effect == EFFECT_OUTDATE)
		return child->raised_at.ns <= parent->raised_at.ns;
	const int64_t d = child->raised_at.ns - parent->raised_at.ns;

	return d >= -rel->before.ns && d <= rel->after.ns;
}

static bool
is_where(enum cat_where where, const struct corr_alarm *parent, const struct corr_alarm *child)
{
	switch (where) {
	case WHERE_INSTANCE_HOST:
		return child->inst != NULL && child->host == parent->host;
	case WHERE_HOST:
		return child->host != NULL && child->host == parent->host;
	case WHERE_BELOW:
		return entity_covers(parent->a.entity, child->a.entity);
	case WHERE_ALL:
		return true;
	case WHERE_MEMBERS:
		return child->inst != NULL && parent->group != NULL &&
			group_has(parent->group, &child->inst->uuid);
	}
	return false;
}

/* As it would be with that severity of the parent. */
static bool
may_relate(const struct cat_relation *rel, enum severity sev, const struct corr_alarm *parent,
	   const struct corr_alarm *child)
{
	return parent != child && sev >= rel->at_least && in_window(rel, &parent->a, &child->a) &&
		reach_names(rel, child->a.alarm_id);
}

static bool
related(const struct cat_relation *rel, enum severity sev, const struct corr_alarm *parent,
	const struct corr_alarm *child)
{
	return may_relate(rel, sev, parent, child) && is_where(rel->where, parent, child);
}

static const struct cat_relation *
relation_at(const struct corr_alarm *parent, enum severity sev, const struct corr_alarm *child,
	    enum cat_effect effect)
{
	for (unsigned i = 0; parent->rec != NULL && i < parent->rec->n_relations; i++) {
		const struct cat_relation *rel = &parent->rec->relations[i];

		if (rel->effect == effect && related(rel, sev, parent, child))
			return rel;
	}
	return NULL;
}

static const struct cat_relation *
relation_of(const struct corr_alarm *parent, const struct corr_alarm *child,
	    enum cat_effect effect)
{
	return relation_at(parent, parent->a.severity, child, effect);
}

static bool
has(const struct corr_alarm *al, const struct reach_ask *ask)
{
	for (unsigned i = 0; al->rec != NULL && i < al->rec->n_relations; i++)
		if ((ask->effects >> al->rec->relations[i].effect & 1) != 0 &&
		    (ask->wheres >> al->rec->relations[i].where & 1) != 0)
			return true;
	return false;
}

/* near: what is found by its host or instance; wide, members: what is not. */
static const struct reach_ask all_near = {.effects = ~0u, .wheres = 1u << WHERE_INSTANCE_HOST |
		1u << WHERE_HOST | 1u << WHERE_BELOW},
	all_wide = {.effects = ~0u, .wheres = 1u << WHERE_ALL},
	all_members = {.effects = ~0u, .wheres = 1u << WHERE_MEMBERS},
	outdated = {.effects = 1u << EFFECT_OUTDATE, .wheres = ~0u},
	outdated_far = {.effects = 1u << EFFECT_OUTDATE,
		.wheres = 1u << WHERE_ALL | 1u << WHERE_MEMBERS};

/* ---- ties ----------------------------------------------------------------------------------------- */

/* Relations form no circle (F503), but requests can make alarms that inhibit each other. */
static bool
is_hidden_below(const struct corr_alarm *al, const struct corr_alarm *above)
{
	for (al = al->masker; al != NULL; al = al->masker)
		if (al == above)
			return true;
	return false;
}

static bool
inhibited_by(const struct corr_alarm *parent, const struct corr_alarm *child)
{
	return parent->a.inhibits && child->a.suppressible && parent != child &&
		entity_covers(parent->a.entity, child->a.entity) &&
		!is_hidden_below(parent, child);
}

static bool
suppresses(const struct corr_alarm *parent, const struct corr_alarm *child)
{
	return inhibited_by(parent, child) || (child->a.suppressible &&
		relation_of(parent, child, EFFECT_SUPPRESS) != NULL &&
		!is_hidden_below(parent, child));
}

static bool
causes(const struct corr_alarm *parent, const struct corr_alarm *child)
{
	return relation_of(parent, child, EFFECT_CAUSE) != NULL;
}

static bool
outdates(const struct corr_alarm *parent, const struct corr_alarm *child)
{
	return relation_of(parent, child, EFFECT_OUTDATE) != NULL;
}

/* The oldest alarm with this tie that is related to all, or to the members of its group. */
static struct corr_alarm *
far_parent(const struct correlator *corr, const struct corr_alarm *child, tie_f *tie)
{
	struct corr_alarm *oldest = reach_parent(child, tie), *p;
	const struct membership *in = NULL;
	unsigned n = 0;

	if (child->inst != NULL)
		n = member_groups(corr, &child->inst->uuid, &in);
	for (unsigned i = 0; i < n; i++) {
		p = group_alarm(in[i].group);
		if (p != NULL && (oldest == NULL || p->a.id < oldest->a.id) && tie(p, child))
			oldest = p;
	}
	return oldest;
}

/*
 * Host relations first, they are few. Another one of its instance may be of another host, when it is on
 * its way.
 */
static struct corr_alarm *
parent_of(const struct correlator *corr, const struct corr_alarm *child, tie_f *tie)
{
	for (struct corr_alarm *p = child->host != NULL ? child->host->alarms : NULL; p != NULL;
	     p = p->host_next)
		if (tie(p, child))
			return p;
	for (struct slot *s = child->inst != NULL ? child->inst->slots : NULL; s != NULL;
	     s = s->next)
		if (s->al != NULL && tie(s->al, child))
			return s->al;
	return far_parent(corr, child, tie);
}

struct corr_alarm *
rel_suppressor(const struct correlator *corr, const struct corr_alarm *child)
{
	struct corr_alarm *const parent = parent_of(corr, child, suppresses);

	if (parent != NULL)
		return parent;
	for (struct corr_alarm *p = corr->inhibitors; p != NULL; p = p->inh_next)
		if (inhibited_by(p, child))
			return p;
	return NULL;
}

/* Child is among the causes of al; what is longer than any chain goes in a circle. */
static bool
is_caused_by(const struct correlator *corr, const struct corr_alarm *al,
	     const struct corr_alarm *child)
{
	for (uint64_t i = 0; al != NULL && i <= corr->active.n; i++) {
		if (al == child)
			return true;
		al = reach_uuid(corr, &al->a.root_cause);
	}
	return al != NULL;
}

/* What caused its parent keeps the cause that it has, or has none. */
static void
adopt(struct correlator *corr, struct corr_alarm *parent, struct corr_alarm *child)
{
	if (fm_uuid_eq(&child->a.root_cause, &parent->a.uuid) ||
	    is_caused_by(corr, parent, child))
		return;
	child->a.root_cause = parent->a.uuid;
	parent->a.children++;
	al_dirty(corr, parent);
	al_dirty(corr, child);
}

/* ---- at the raise --------------------------------------------------------------------------------- */

/* What hides an alarm, or that nothing does. */
struct place {
	enum suppression_status status;
	struct corr_alarm *by;
	struct fm_time until;
	const char *window;
};

/*
 * What an operator has said about it: the shelf is nearer to the alarm than the id, and the id than a
 * window.
 */
static struct place
put_aside(const struct correlator *corr, const struct corr_alarm *al)
{
	const struct shelf *s = shelf_find(corr, al->key);
	const struct window *w;

	if (s != NULL)
		return (struct place){.status = SUPPR_SHELVED, .until = s->timer.node.due};
	if (muted_find(corr, al->a.alarm_id) != NULL)
		return (struct place){.status = SUPPR_OPERATOR};
	w = window_over(corr, al);
	return w != NULL ? (struct place){.status = SUPPR_WINDOW, .window = w->w->name} :
		(struct place){0};
}

static bool
is_at(const struct corr_alarm *al, const struct place *p)
{
	return al->a.status == p->status && al->a.shelved_until.ns == p->until.ns &&
		fm_same(al->a.window, p->window);
}

static bool
is_aside(const struct corr_alarm *al)
{
	return al->a.status == SUPPR_SHELVED || al->a.status == SUPPR_OPERATOR ||
		al->a.status == SUPPR_WINDOW;
}

static void
unhide(struct corr_alarm *al)
{
	if (al->masker != NULL)
		DL_DELETE2(al->masker->masked, al, masked_prev, masked_next);
	al->masker = NULL;
}

/* by NULL: nobody hides it. A grace that it waits for is of a suppressor that is no more. */
static void
hide_below(struct correlator *corr, struct corr_alarm *by, struct corr_alarm *al)
{
	unhide(al);
	if (by != NULL)
		dl_cancel(corr, &al->grace);
	al->a.suppressed_by = by != NULL ? by->a.uuid : (struct fm_uuid){0};
	al->masker = by;
	if (by != NULL)
		DL_APPEND2(by->masked, al, masked_prev, masked_next);
}

void
rel_raised(struct correlator *corr, struct corr_alarm *al)
{
	const struct place aside = put_aside(corr, al);
	struct corr_alarm *parent = rel_suppressor(corr, al), *cause;

	if (parent != NULL)
		adopt(corr, parent, al);
	cause = parent == NULL ? parent_of(corr, al, causes) : NULL;
	if (cause != NULL)
		adopt(corr, cause, al);
	if (aside.status != SUPPR_NONE) {
		al->a.status = aside.status;
		al->a.shelved_until = aside.until;
		al->a.window = aside.window != NULL ? fm_strdup(aside.window) : NULL;
	} else if (parent != NULL) {
		al->a.status = SUPPR_PARENT;
		hide_below(corr, parent, al);
	} else if (al->rule != NULL && al->rule->hold_notice.ns > 0) {
		al->a.status = SUPPR_HELD;
		dl_arm(corr, &al->notice, DL_NOTICE, al,
		       fm_time_add(corr->now, al->rule->hold_notice));
	} else if (storm_holds(corr, al)) {
		al->a.status = SUPPR_HELD;
	}
}

/* kind is told, with the status and whether the outside is to hear of it. */
static void
tell_status(struct correlator *corr, struct corr_alarm *al, const struct place *p,
	    enum transition_kind kind)
{
	struct transition tr = {.prev_mask = PREV_STATUS, .prev_status = al->a.status,
		.prev_suppressed_by = al->a.suppressed_by, .prev_window = al->a.window};
	static const struct fm_uuid nobody;
	const bool show = p->status == SUPPR_NONE;
	const bool moved = p->status == SUPPR_WINDOW && al->a.status == SUPPR_WINDOW;

	if (!fm_uuid_eq(p->by != NULL ? &p->by->a.uuid : &nobody, &al->a.suppressed_by))
		tr.prev_mask |= PREV_SUPPRESSOR;
	if (!fm_same(p->window, al->a.window))
		tr.prev_mask |= PREV_WINDOW;
	al->a.status = p->status;
	hide_below(corr, p->by, al);
	al->a.shelved_until = p->until;
	al->a.window = p->window != NULL ? fm_strdup(p->window) : NULL;
	al->a.changed_at = corr->now;
	/*
	 * Shown: told unless told before as it is now. Hidden: told to those who know of it. Taken
	 * out of one place and still hidden by another: nobody is told, least of all as of a raise.
	 */
	tr.notify = show ? !al->a.announced || al->a.untold
			 : al->a.announced && !moved && (kind == TR_SHELVE || kind == TR_SUPPRESS);
	if (show)
		al_since_told(al, &tr);
	if (show && tr.notify)
		al->a.told = al->a.severity;
	al->a.announced = al->a.announced || show;
	al->a.untold = al->a.untold && !show;
	al_dirty(corr, al);
	al_emit(corr, al, kind, &tr);
	free((void *)(uintptr_t)tr.prev_window);
}

static void
set_status(struct correlator *corr, struct corr_alarm *al, enum suppression_status status,
	   struct corr_alarm *by)
{
	struct place p = {.status = status, .by = by};

	if (status == SUPPR_NONE && storm_holds(corr, al))
		p.status = status = SUPPR_HELD;
	if (al->a.status == status &&
	    (by == NULL || fm_uuid_eq(&by->a.uuid, &al->a.suppressed_by))) {
		if (by != NULL)
			hide_below(corr, by, al);       /* again, within its grace */
		return;
	}
	tell_status(corr, al, &p, status == SUPPR_NONE ? TR_UNSUPPRESS : TR_SUPPRESS);
}

void
rel_show(struct correlator *corr, struct corr_alarm *al)
{
	const struct place p = {.status = SUPPR_NONE};

	tell_status(corr, al, &p, TR_UNSUPPRESS);
}

void
rel_review(struct correlator *corr, struct corr_alarm *al, enum transition_kind kind)
{
	struct place p = put_aside(corr, al);
	struct corr_alarm *parent;

	if (p.status == SUPPR_NONE && !is_aside(al))
		return;
	if (p.status == SUPPR_NONE) {
		parent = rel_suppressor(corr, al);
		p.status = parent != NULL ? SUPPR_PARENT :
			dl_armed(&al->notice) || storm_holds(corr, al) ? SUPPR_HELD : SUPPR_NONE;
		p.by = parent;
	} else if (is_at(al, &p)) {
		return;
	}
	tell_status(corr, al, &p, kind);
}

/* ---- to others ------------------------------------------------------------------------------------- */

static bool
is_masked(const struct corr_alarm *al)
{
	return al->a.status == SUPPR_PARENT && !dl_armed(&al->grace);
}

/* ---- out of date ---------------------------------------------------------------------------------- */

#define STALE_SINCE "stale_since"

/* Nobody is notified: it is no change of what the alarm is about. */
static void
tell_stale(struct correlator *corr, struct corr_alarm *al, const struct corr_alarm *by,
	   const char *was)
{
	const struct transition_cause before = corr->cause;
	struct transition tr = {.prev_mask = PREV_STALE, .prev_stale = was};

	corr->cause.kind = CAUSE_RELATION;
	corr->cause.parent = by->a.uuid;
	al_emit(corr, al, TR_CHANGE, &tr);
	corr->cause = before;
}

static void
outdate(struct correlator *corr, const struct corr_alarm *by, struct corr_alarm *al)
{
	char since[FM_TIME_STR];

	if (!outdates(by, al) || al_attr(al, STALE_SINCE) != NULL)
		return;
	fm_time_format(by->a.raised_at, since);
	al_mark(corr, al, &(struct attr){.name = STALE_SINCE, .text = since});
	tell_stale(corr, al, by, NULL);
}

/* by has gone. */
static void
refresh(struct correlator *corr, const struct corr_alarm *by, struct corr_alarm *al)
{
	const struct attr *mark = al_attr(al, STALE_SINCE);

	if (mark == NULL || parent_of(corr, al, outdates) != NULL)
		return;
	char *was = fm_strdup(mark->text);

	al_unmark(corr, al, STALE_SINCE);
	tell_stale(corr, al, by, was);
	free(was);
}

static void
refresh_others(struct correlator *corr, const struct corr_alarm *by)
{
	struct corr_alarm *c, **far;
	size_t n;

	if (!has(by, &outdated))
		return;
	for (c = by->host != NULL ? by->host->alarms : NULL; c != NULL; c = c->host_next)
		refresh(corr, by, c);
	for (c = by->inst != NULL ? by->inst->alarms : NULL; c != NULL; c = c->inst_next)
		if (!c->a.cleared)
			refresh(corr, by, c);
	far = reach_children(corr, by, &outdated_far, &n);
	for (size_t i = 0; i < n; i++)
		refresh(corr, by, far[i]);
	free(far);
}

void
rel_fresh(struct correlator *corr, struct corr_alarm *al)
{
	al_unmark(corr, al, STALE_SINCE);
}

/* ---- to others, again ------------------------------------------------------------------------------ */

/* Who is masked stays where it is: the second suppressor is its parent only when the first ends. */
static void
take_under(struct correlator *corr, struct corr_alarm *parent, struct corr_alarm *child)
{
	const struct transition_cause was = corr->cause;
	struct transition tr = {.prev_mask = PREV_PARENT,
		.prev_root_cause = child->a.root_cause};

	corr->cause.kind = CAUSE_RELATION;
	corr->cause.parent = parent->a.uuid;
	if (suppresses(parent, child)) {
		if (!is_masked(child)) {
			adopt(corr, parent, child);
			dl_cancel(corr, &child->notice);
			if (is_aside(child))
				al_dirty(corr, child);
			else
				set_status(corr, child, SUPPR_PARENT, parent);
		}
	} else if (causes(parent, child) && fm_uuid_is_null(&child->a.root_cause) &&
		   !is_caused_by(corr, parent, child)) {
		adopt(corr, parent, child);
		tr.notify = child->a.announced && child->a.status == SUPPR_NONE;
		al_emit(corr, child, TR_CHANGE, &tr);
	}
	corr->cause = was;
	outdate(corr, parent, child);
}

void
rel_spread_member(struct correlator *corr, struct corr_alarm *al, const struct fm_uuid *uuid)
{
	const struct instance *inst = has(al, &all_members) ? inst_find(corr, uuid) : NULL;

	for (struct corr_alarm *c = inst != NULL ? inst->alarms : NULL; c != NULL;
	     c = c->inst_next)
		if (c != al && !c->a.cleared)
			take_under(corr, al, c);
}

void
rel_spread_members(struct correlator *corr, struct corr_alarm *al)
{
	const struct group_page *page;
	const struct group_member *m;

	if (al->group == NULL || !has(al, &all_members))
		return;
	EACH_MEMBER(al->group, page, m)
		rel_spread_member(corr, al, &m->uuid);
}

static void
spread_far(struct correlator *corr, struct corr_alarm *al)
{
	struct corr_alarm **far, *next;
	size_t n;

	for (struct corr_alarm *c = al->a.inhibits ? corr->active.head : NULL; c != NULL; c = next) {
		next = c->next;
		if (c != al)
			take_under(corr, al, c);
	}
	if (al->a.inhibits)
		return;                 /* those were all */
	far = reach_children(corr, al, &all_wide, &n);
	for (size_t i = 0; i < n; i++)
		if (far[i] != al)
			take_under(corr, al, far[i]);
	free(far);
}

static void
spread_near(struct correlator *corr, struct corr_alarm *al)
{
	struct corr_alarm *next;

	for (struct corr_alarm *c = al->host != NULL ? al->host->alarms : NULL; c != NULL; c = next) {
		next = c->host_next;
		if (c != al)
			take_under(corr, al, c);
	}
	/* its instance's others may be of another host, when it is on its way */
	for (struct slot *s = al->inst != NULL ? al->inst->slots : NULL; s != NULL; s = s->next)
		if (s->al != NULL && s->al != al && s->al->host != al->host)
			take_under(corr, al, s->al);
}

void
rel_spread(struct correlator *corr, struct corr_alarm *al)
{
	if (al->a.cleared)
		return;
	if (has(al, &all_near))
		spread_near(corr, al);
	rel_spread_members(corr, al);
	spread_far(corr, al);
}

/*
 * Of the relation by which it hid the child, with the severity that it then had. Whose instance has left
 * the group since was a member then.
 */
static struct fm_span
grace_of(const struct corr_alarm *parent, enum severity sev, const struct corr_alarm *child)
{
	const struct cat_relation *rel = relation_at(parent, sev, child, EFFECT_SUPPRESS);

	for (unsigned i = 0; rel == NULL && parent->rec != NULL && i < parent->rec->n_relations; i++)
		if (parent->rec->relations[i].effect == EFFECT_SUPPRESS &&
		    parent->rec->relations[i].where == WHERE_MEMBERS &&
		    may_relate(&parent->rec->relations[i], sev, parent, child))
			rel = &parent->rec->relations[i];
	return rel != NULL ? rel->grace : (struct fm_span){0};
}

/* Another suppressor takes over at once; without one it resurfaces after the grace. */
static void
release(struct correlator *corr, struct corr_alarm *parent, enum severity was,
	struct corr_alarm *child)
{
	const struct transition_cause before = corr->cause;
	struct corr_alarm *other = rel_suppressor(corr, child);
	const struct fm_span grace = grace_of(parent, was, child);

	corr->cause.kind = CAUSE_RELATION;
	corr->cause.parent = parent->a.uuid;
	if (other != NULL) {
		adopt(corr, other, child);
		set_status(corr, child, SUPPR_PARENT, other);
	} else if (grace.ns > 0) {
		unhide(child);
		dl_arm(corr, &child->grace, DL_GRACE, child, fm_time_add(corr->now, grace));
	} else {
		set_status(corr, child, SUPPR_NONE, NULL);
	}
	corr->cause = before;
}

/* In raise order, whenever it began to hide them. */
static struct corr_alarm **
hidden_by(const struct corr_alarm *al, size_t *ret_n)
{
	struct corr_alarm **v = NULL, *c;
	size_t n = 0;

	DL_COUNT2(al->masked, c, n, masked_next);
	if (n > 0)
		v = fm_malloc(n * sizeof(struct corr_alarm *));
	n = 0;
	for (c = al->masked; c != NULL; c = c->masked_next)
		v[n++] = c;
	if (n > 1)
		qsort(v, n, sizeof(struct corr_alarm *), reach_by_id);
	*ret_n = n;
	return v;
}

static bool
hides_still(const struct corr_alarm *al, enum severity was, const struct corr_alarm *child)
{
	return !al->a.cleared && (suppresses(al, child) ||
		relation_at(al, was, child, EFFECT_SUPPRESS) == NULL);
}

static void
release_all(struct correlator *corr, struct corr_alarm *al, enum severity was)
{
	size_t n;
	struct corr_alarm **v = hidden_by(al, &n);

	for (size_t i = 0; i < n; i++)
		if (!hides_still(al, was, v[i]))
			release(corr, al, was, v[i]);
	free(v);
}

/* A relation may ask for a severity. */
void
rel_severity(struct correlator *corr, struct corr_alarm *al, enum severity was)
{
	if (al->a.severity > was) {
		rel_spread(corr, al);
		return;
	}
	refresh_others(corr, al);
	release_all(corr, al, was);
}

void
rel_cleared(struct correlator *corr, struct corr_alarm *al)
{
	refresh_others(corr, al);
	release_all(corr, al, al->a.severity);
}

void
rel_notice(struct correlator *corr, struct corr_alarm *al)
{
	if (al->a.status == SUPPR_HELD)
		set_status(corr, al, SUPPR_NONE, NULL);
}

void
rel_grace(struct correlator *corr, struct corr_alarm *al)
{
	if (al->a.status == SUPPR_PARENT)
		set_status(corr, al, SUPPR_NONE, NULL);
}

/* ---- in and out ----------------------------------------------------------------------------------- */

void
rel_unlink(struct correlator *corr, struct corr_alarm *al)
{
	reach_unlink(corr, al);
	unhide(al);
}

void
rel_forget(struct corr_alarm *al)
{
	while (al->masked != NULL)
		unhide(al->masked);
}

/* What nobody hides that is announced: a store of another version may have it. It is, at the next moment. */
static void
restore_hidden(struct correlator *corr, struct corr_alarm *al)
{
	struct corr_alarm *const by = reach_uuid(corr, &al->a.suppressed_by);

	if (al->a.status != SUPPR_PARENT || dl_armed(&al->grace))
		return;
	if (by != NULL && by != al && !is_hidden_below(by, al))
		hide_below(corr, by, al);
	else
		dl_arm(corr, &al->grace, DL_GRACE, al, corr->now);
}

void
rel_restored(struct correlator *corr)
{
	reach_relink(corr);
	for (struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		restore_hidden(corr, al);
}
