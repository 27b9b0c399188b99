/*
 * silence: no timeout out of a time in which nobody listened (P8). While part of the input is not
 * read, a deadline that says "nothing was heard for so long" waits; when reading goes on behind what
 * is missing, such deadlines run that much longer.
 *
 * A migration of which libvirt alone tells waits too while either host's libvirtd does not report: it
 * may have ended. The list that comes with the next connect says whether it has.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

#define PUT_OFF_S 60

/*
 * A fact that may have ended unheard must not make things worse by its age alone. Its first raise
 * (hold-on) is not withheld for as long as a partition may stand still, only by a known absence.
 */
static bool
rests_on_silence(enum deadline_kind kind)
{
	return kind == DL_STEP || kind == DL_OVERDUE;
}

/* Of whose migration it speaks; NULL: of none. */
static const struct instance *
migrating_of(const struct deadline *dl)
{
	if (dl->kind == DL_OVERDUE)
		return dl->owner;
	const struct slot *slot = dl->owner;

	return slot->rule->fact == FACT_INSTANCE_MIGRATING ? slot->inst : NULL;
}

static bool
is_unseen(const struct host *h)
{
	return h != NULL && (h->flags & HOST_F_UNSEEN);
}

static bool
is_out_of_sight(const struct deadline *dl)
{
	const struct instance *inst = migrating_of(dl);

	return inst != NULL && attempt_is_open(inst) && !(inst->attempt->flags & AT_F_NOVA) &&
		(is_unseen(inst->attempt->src) || is_unseen(inst->attempt->dst));
}

/* By whole minutes from where it was, so that it does not matter when fmd looks. */
bool
dl_put_off(struct correlator *corr, struct deadline *dl, struct fm_time now)
{
	const int64_t step = fm_span_s(PUT_OFF_S).ns;
	const int64_t late = fm_time_diff(now, dl->node.due).ns;

	if (!rests_on_silence(dl->kind) || (!corr->deaf && !is_out_of_sight(dl)))
		return false;
	dl_arm(corr, dl, dl->kind, dl->owner,
	       fm_time_add(dl->node.due, (struct fm_span){(late / step + 1) * step}));
	return true;
}

void
corr_set_deaf(struct correlator *corr, bool on)
{
	corr->deaf = on;
}

/* Later steps count from the same moment, so it moves along. */
static void
move_slot(struct correlator *corr, struct slot *slot, struct fm_span by)
{
	slot->since = fm_time_add(slot->since, by);
	if (slot->al != NULL)
		al_dirty(corr, slot->al);
}

static bool
is_of_silence(enum deadline_kind kind)
{
	return rests_on_silence(kind) || kind == DL_HOLD_ON;
}

static bool
is_a_span(enum deadline_kind kind)
{
	return kind != DL_SHELF && kind != DL_WINDOW;
}

static void
put_off(struct correlator *corr, bool (*moves)(enum deadline_kind), struct fm_span by)
{
	const size_t n = corr->heap.n;
	struct fm_heap_node **node;

	if (by.ns <= 0)
		return;
	/* Moved in the order in which they would fire: equal ones keep it, after a restart too. */
	node = dl_in_order(corr);
	for (size_t i = 0; i < n; i++) {
		struct deadline *dl = (struct deadline *)node[i];

		if (!moves(dl->kind))
			continue;
		dl_arm(corr, dl, dl->kind, dl->owner, fm_time_add(dl->node.due, by));
		if (dl->kind == DL_HOLD_ON || dl->kind == DL_STEP)
			move_slot(corr, dl->owner, by);
	}
	free(node);
}

void
corr_missed(struct correlator *corr, struct fm_span missed)
{
	put_off(corr, is_of_silence, missed);
}

void
corr_stepped(struct correlator *corr, struct fm_span by)
{
	put_off(corr, is_a_span, by);
}
