/*
 * How the tables get from main to the snmp thread without a lock. Main keeps rows that never
 * change, sorted, and now and then copies the array of pointers into a view:
 *
 *   publish:  next <- view of generation g   (one that was not taken yet is freed by main)
 *   take:     cur  <- next; in_use <- g      (the older one is freed by the snmp thread)
 *   a row that left the table before g was made is freed by main once in_use >= g
 *
 * So a row in a view is there as long as the view is. Views are made at most as often as publish
 * is called, and cost main one copy of pointers, whatever changed in between.
 */
#include "snmp/fmagent_table_priv.h"

#include <stdlib.h>

void
fmagent_replica_init(struct fmagent_replica *rep, size_t max_events)
{
	*rep = (struct fmagent_replica){.max_events = max_events, .dirty = true};
	rep->events = fm_calloc(max_events + 1, sizeof(struct fmagent_event *));
	atomic_init(&rep->next, NULL);
	atomic_init(&rep->in_use, 0);
}

void
fmagent_replica_fini(struct fmagent_replica *rep, struct fmagent_view *view)
{
	free(atomic_exchange_explicit(&rep->next, NULL, memory_order_acquire));
	free(view);
	for (size_t i = 0; i < rep->n_alarms; i++)
		free(rep->alarms[i]);
	for (size_t i = 0; i < rep->n_events; i++)
		free(rep->events[(rep->first_event + i) % rep->max_events]);
	for (size_t i = 0; i < rep->n_dead; i++)
		free(rep->dead[i].mem);
	fm_freep(&rep->alarms);
	fm_freep(&rep->events);
	fm_freep(&rep->dead);
}

/* ---- main: what the tables hold -------------------------------------------------------------- */

/* A row that no view has yet goes at once. */
static void
retire(struct fmagent_replica *rep, void *mem, uint64_t born)
{
	if (born > rep->gen) {
		free(mem);
		return;
	}
	if (rep->n_dead == rep->cap_dead) {
		rep->cap_dead = rep->cap_dead > 0 ? 2 * rep->cap_dead : 64;
		rep->dead = fm_realloc(rep->dead, rep->cap_dead * sizeof(*rep->dead));
	}
	rep->dead[rep->n_dead++] = (struct fmagent_dead){.gen = rep->gen + 1, .mem = mem};
}

static void
bury(struct fmagent_replica *rep)
{
	uint64_t in_use = atomic_load_explicit(&rep->in_use, memory_order_acquire);
	size_t n = 0;

	while (n < rep->n_dead && rep->dead[n].gen <= in_use)
		free(rep->dead[n++].mem);
	if (n == 0)
		return;
	rep->n_dead -= n;
	memmove(rep->dead, rep->dead + n, rep->n_dead * sizeof(*rep->dead));
}

/* Where index is, or where it would go. */
static size_t
place_of(const struct fmagent_replica *rep, uint32_t index)
{
	size_t lo = 0, hi = rep->n_alarms;

	/* Numbers grow: most are new, and come behind the last. */
	if (hi > 0 && rep->alarms[hi - 1]->index < index)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (rep->alarms[mid]->index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
insert(struct fmagent_replica *rep, size_t at, struct fmagent_row *row)
{
	if (rep->n_alarms == rep->cap_alarms) {
		rep->cap_alarms = rep->cap_alarms > 0 ? 2 * rep->cap_alarms : 64;
		rep->alarms = fm_realloc(rep->alarms, rep->cap_alarms * sizeof(*rep->alarms));
	}
	memmove(rep->alarms + at + 1, rep->alarms + at,
		(rep->n_alarms - at) * sizeof(*rep->alarms));
	rep->alarms[at] = row;
	rep->n_alarms++;
}

/* As "fm alarm-list" shows them: held ones are news, only not yet announced. */
static bool
is_shown(const struct alarm *al)
{
	return !al->cleared && (al->status == SUPPR_NONE || al->status == SUPPR_HELD);
}

static bool
has(const struct fmagent_replica *rep, size_t at, uint32_t index)
{
	return at < rep->n_alarms && rep->alarms[at]->index == index;
}

void
fmagent_replica_remove(struct fmagent_replica *rep, uint64_t id)
{
	size_t at = place_of(rep, fmagent_row_index(id));

	if (!has(rep, at, fmagent_row_index(id)))
		return;
	rep->dirty = true;
	retire(rep, rep->alarms[at], rep->alarms[at]->born);
	rep->n_alarms--;
	memmove(rep->alarms + at, rep->alarms + at + 1,
		(rep->n_alarms - at) * sizeof(*rep->alarms));
}

void
fmagent_replica_alarm(struct fmagent_replica *rep, const struct alarm *al,
		      const struct fmagent_filter *f)
{
	if (!is_shown(al)) {
		fmagent_replica_remove(rep, al->id);
		return;
	}
	struct fmagent_row *row = fmagent_row_of_alarm(al, f);
	size_t at = place_of(rep, row->index);

	row->born = rep->gen + 1;
	rep->dirty = true;
	if (!has(rep, at, row->index)) {
		insert(rep, at, row);
		return;
	}
	retire(rep, rep->alarms[at], rep->alarms[at]->born);
	rep->alarms[at] = row;
}

static struct fmagent_event *
event_new(const struct stored_transition *tr)
{
	size_t id_len = strlen(tr->alarm_id) + 1, entity_len = strlen(tr->entity) + 1;
	struct fmagent_event *ev = fm_malloc(sizeof(*ev) + id_len + entity_len + tr->len);
	char *mem = ev->mem;

	*ev = (struct fmagent_event){.index = fmagent_row_index(tr->seq), .tr = *tr};
	ev->tr.alarm_id = memcpy(mem, tr->alarm_id, id_len);
	ev->tr.entity = memcpy(mem + id_len, tr->entity, entity_len);
	ev->tr.json = memcpy(mem + id_len + entity_len, tr->json, tr->len);
	return ev;
}

void
fmagent_replica_event(struct fmagent_replica *rep, const struct stored_transition *tr)
{
	struct fmagent_event *ev;
	size_t at;

	if (rep->max_events == 0 || !fmagent_is_event(tr))
		return;
	ev = event_new(tr);
	ev->born = rep->gen + 1;
	rep->dirty = true;
	at = (rep->first_event + rep->n_events) % rep->max_events;
	if (rep->n_events == rep->max_events) {
		retire(rep, rep->events[at], rep->events[at]->born);
		rep->first_event = (rep->first_event + 1) % rep->max_events;
	} else {
		rep->n_events++;
	}
	rep->events[at] = ev;
}

/* ---- handing over ---------------------------------------------------------------------------- */

/* The ring is in order of sequence; where the row numbers begin anew, the lower ones go first. */
static void
copy_events(const struct fmagent_replica *rep, void **ret)
{
	size_t lowest = 0;

	for (size_t i = 1; i < rep->n_events; i++)
		if (rep->events[(rep->first_event + i) % rep->max_events]->index <
		    rep->events[(rep->first_event + lowest) % rep->max_events]->index)
			lowest = i;
	for (size_t i = 0; i < rep->n_events; i++)
		ret[i] = rep->events[(rep->first_event + (lowest + i) % rep->n_events)
			% rep->max_events];
}

bool
fmagent_replica_publish(struct fmagent_replica *rep)
{
	bury(rep);
	if (!rep->dirty)
		return false;

	struct fmagent_view *view = fm_malloc(sizeof(*view) +
		(rep->n_alarms + rep->n_events) * sizeof(view->mem[0]));
	if (rep->n_alarms > 0)
		memcpy(view->mem, rep->alarms, rep->n_alarms * sizeof(view->mem[0]));
	copy_events(rep, view->mem + rep->n_alarms);
	view->gen = ++rep->gen;
	view->n_alarms = rep->n_alarms;
	view->n_events = rep->n_events;
	view->alarms = (const void *)view->mem;
	view->events = (const void *)(view->mem + rep->n_alarms);
	rep->dirty = false;
	free(atomic_exchange_explicit(&rep->next, view, memory_order_acq_rel));
	return true;
}

struct fmagent_view *
fmagent_replica_take(struct fmagent_replica *rep, struct fmagent_view *cur)
{
	struct fmagent_view *view = NULL;

	if (atomic_load_explicit(&rep->next, memory_order_relaxed) != NULL)
		view = atomic_exchange_explicit(&rep->next, NULL, memory_order_acq_rel);
	if (view == NULL)
		return cur;
	free(cur);
	atomic_store_explicit(&rep->in_use, view->gen, memory_order_release);
	return view;
}
