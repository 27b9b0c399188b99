/*
 * deadline: arming, cancelling and firing. Knows the order in which deadlines fire and which of
 * them the store must hear about; what a deadline means is its owner's business.
 */
#include "correlator/correlator_priv.h"

#include "base/bug.h"

#include <stdlib.h>

const char *
dl_name(enum deadline_kind kind)
{
	static const char *const name[] = {
#define FM_X(id, text) [DL_##id] = text,
		DEADLINES(FM_X)
#undef FM_X
	};

	return name[kind];
}

static void
dirty_add(struct correlator *corr, struct deadline *dl)
{
	if (dl->dirty)
		return;
	dl->dirty = true;
	dl->prev_dirty = NULL;
	dl->next_dirty = corr->dirty_dl;
	if (corr->dirty_dl != NULL)
		corr->dirty_dl->prev_dirty = dl;
	corr->dirty_dl = dl;
}

static void
dirty_remove(struct correlator *corr, struct deadline *dl)
{
	if (!dl->dirty)
		return;
	if (dl->prev_dirty != NULL)
		dl->prev_dirty->next_dirty = dl->next_dirty;
	else
		corr->dirty_dl = dl->next_dirty;
	if (dl->next_dirty != NULL)
		dl->next_dirty->prev_dirty = dl->prev_dirty;
	dl->dirty = false;
	dl->next_dirty = dl->prev_dirty = NULL;
}

/* A due time that has passed is not moved: it fires with the next advance, stamped with it. */
void
dl_arm(struct correlator *corr, struct deadline *dl, enum deadline_kind kind, void *owner,
       struct fm_time due)
{
	if (dl_armed(dl) && dl->node.due.ns == due.ns && dl->kind == kind)
		return;
	if (dl->kept && dl->kind != kind)
		forget_deadline(corr, dl);
	dl->kind = kind;
	dl->owner = owner;
	dl->node.due = due;
	dl->node.order = corr->next_order++;
	fm_heap_put(&corr->heap, &dl->node);
	dirty_add(corr, dl);
	corr->hard = true;
}

void
dl_cancel(struct correlator *corr, struct deadline *dl)
{
	if (dl_armed(dl))
		fm_heap_remove(&corr->heap, &dl->node);
	dirty_remove(corr, dl);
	if (dl->kept) {
		forget_deadline(corr, dl);
		dl->kept = false;
		corr->hard = true;
	}
}

static void
fire(struct correlator *corr, struct deadline *dl)
{
	switch (dl->kind) {
	case DL_HOLD_ON:
		rules_hold_on(corr, dl->owner);
		return;
	case DL_HOLD_OFF:
		rules_hold_off(corr, dl->owner);
		return;
	case DL_STEP:
		rules_step(corr, dl->owner);
		return;
	case DL_NOTICE:
		rel_notice(corr, dl->owner);
		return;
	case DL_EXPIRE:
		al_expire(corr, dl->owner);
		return;
	case DL_GRACE:
		rel_grace(corr, dl->owner);
		return;
	case DL_OVERDUE:
		attempt_overdue(corr, dl->owner);
		return;
	case DL_SETTLE:
		attempt_settle(corr, dl->owner);
		return;
	case DL_TOMBSTONE:
		inst_free(corr, dl->owner);
		return;
	case DL_PURGE:
		al_purge_due(corr);
		return;
	case DL_SHELF:
		shelf_due(corr, dl->owner);
		return;
	case DL_FLAP:
		rules_quiet(corr, dl->owner);
		return;
	case DL_FADE:
		group_fade(corr, dl->owner);
		return;
	case DL_WINDOW:
		window_due(corr);
		return;
	case DL_STORM:
		storm_tick(corr);
		return;
	case DL_N_KINDS:
		break;
	}
	fm_assert(!"a deadline of an unknown kind");
}

/*
 * Each deadline fires with the core's time at its due time, so what it causes (other deadlines
 * among it) depends on the due times alone, never on when the caller woke up.
 */
void
dl_fire_until(struct correlator *corr, struct fm_time now)
{
	struct fm_heap_node *node;

	while ((node = fm_heap_min(&corr->heap)) != NULL && node->due.ns <= now.ns) {
		struct deadline *dl = (struct deadline *)node;

		if (dl_put_off(corr, dl, now))
			continue;
		corr->now = fm_time_max(corr->now, FM_BUG(WAKE_TIME) ? now : node->due);
		corr->cause = (struct transition_cause){
			.kind = CAUSE_DEADLINE, .event = dl_name(dl->kind),
			.event_time = node->due,
		};
		dl_cancel(corr, dl);
		fire(corr, dl);
	}
}

static int
by_due(const void *a, const void *b)
{
	const struct fm_heap_node *x = *(struct fm_heap_node *const *)a;
	const struct fm_heap_node *y = *(struct fm_heap_node *const *)b;

	if (x->due.ns != y->due.ns)
		return x->due.ns < y->due.ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct fm_heap_node **
dl_in_order(const struct correlator *corr)
{
	const size_t n = corr->heap.n;
	struct fm_heap_node **v = fm_calloc(n + 1, sizeof(struct fm_heap_node *));

	if (n > 0)
		memcpy(v, corr->heap.v, n * sizeof(struct fm_heap_node *));
	qsort(v, n, sizeof(struct fm_heap_node *), by_due);
	return v;
}
