/*
 * The two tables of WRS-ALARM-MIB as a tree: from an object identifier to a column of a row and
 * back, in the order of SNMP (RFC 3416 §4.2.2). Every instance is objects.table.1.column.index.
 * Of messages it knows nothing.
 */
#include "snmp/fmagent_table_priv.h"

#include <stdlib.h>

/* wrsAlarmObjects */
static const uint32_t objects[] = {1, 3, 6, 1, 4, 1, 731, 1, 1, 1, 1};
#define N_OBJECTS FM_ARRAY_LEN(objects)
#define N_ENTRY (N_OBJECTS + 2)
#define N_INSTANCE (N_ENTRY + 2)

enum { ALARMS, EVENTS };
static const struct table {
	uint32_t arc;
	unsigned first, last;           /* columns that can be read; 1 is the index */
} tables[FMAGENT_N_TABLES] = {[ALARMS] = {1, 2, 12}, [EVENTS] = {4, 2, 13}};

int
fmagent_oid_cmp(const struct fmagent_oid *a, const struct fmagent_oid *b)
{
	unsigned n = a->n < b->n ? a->n : b->n;

	for (unsigned i = 0; i < n; i++)
		if (a->arc[i] != b->arc[i])
			return a->arc[i] < b->arc[i] ? -1 : 1;
	return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

void
fmagent_mib_root(unsigned table, struct fmagent_oid *ret)
{
	memcpy(ret->arc, objects, sizeof(objects));
	ret->arc[N_OBJECTS] = tables[table].arc;
	ret->n = N_OBJECTS + 1;
	ret->include = false;
}

static void
entry_of(unsigned table, struct fmagent_oid *ret)
{
	fmagent_mib_root(table, ret);
	ret->arc[ret->n++] = 1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static size_t
n_rows(const struct fmagent_view *view, unsigned table)
{
	if (view == NULL)
		return 0;
	return table == ALARMS ? view->n_alarms : view->n_events;
}

static uint32_t
index_at(const struct fmagent_view *view, unsigned table, size_t row)
{
	return table == ALARMS ? view->alarms[row]->index : view->events[row]->index;
}

/* The first row with at least this index; n_rows when there is none. */
static size_t
row_from(const struct fmagent_view *view, unsigned table, uint64_t index)
{
	size_t lo = 0, hi = n_rows(view, table);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (index_at(view, table, mid) < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- names ----------------------------------------------------------------------------------- */

enum fmagent_found
fmagent_mib_get(const struct fmagent_view *view, const struct fmagent_oid *name,
		struct fmagent_place *ret)
{
	struct fmagent_oid entry;

	for (unsigned t = 0; t < FMAGENT_N_TABLES; t++) {
		entry_of(t, &entry);
		if (name->n <= N_ENTRY ||
		    memcmp(name->arc, entry.arc, N_ENTRY * sizeof(name->arc[0])) != 0 ||
		    name->arc[N_ENTRY] < tables[t].first || name->arc[N_ENTRY] > tables[t].last)
			continue;
		if (name->n != N_INSTANCE)
			return FMAGENT_NO_INSTANCE;
		size_t row = row_from(view, t, name->arc[N_ENTRY + 1]);

		if (row == n_rows(view, t) || index_at(view, t, row) != name->arc[N_ENTRY + 1])
			return FMAGENT_NO_INSTANCE;
		*ret = (struct fmagent_place){t, name->arc[N_ENTRY], row};
		return FMAGENT_FOUND;
	}
	return FMAGENT_NO_OBJECT;
}

/* start lies at or below the entry and names a column. */
static bool
seek(const struct fmagent_view *view, unsigned t, const struct fmagent_oid *start,
     struct fmagent_place *ret)
{
	uint32_t col = start->arc[N_ENTRY];
	size_t row = 0;

	if (col > tables[t].last)
		return false;
	if (col < tables[t].first) {
		col = tables[t].first;
	} else if (start->n > N_ENTRY + 1) {
		bool itself = start->n == N_INSTANCE && start->include;

		row = row_from(view, t, (uint64_t)start->arc[N_ENTRY + 1] + (itself ? 0 : 1));
	}
	if (row == n_rows(view, t)) {
		row = 0;
		col++;
	}
	*ret = (struct fmagent_place){t, col, row};
	return col <= tables[t].last;
}

enum fmagent_found
fmagent_mib_next(const struct fmagent_view *view, const struct fmagent_oid *start,
		 struct fmagent_place *ret)
{
	struct fmagent_oid entry, head = *start;

	if (head.n > N_ENTRY)
		head.n = N_ENTRY;
	for (unsigned t = 0; t < FMAGENT_N_TABLES; t++) {
		if (n_rows(view, t) == 0)
			continue;
		entry_of(t, &entry);
		int cmp = fmagent_oid_cmp(&head, &entry);

		if (cmp > 0)
			continue;
		*ret = (struct fmagent_place){t, tables[t].first, 0};
		if (cmp < 0 || start->n == N_ENTRY || seek(view, t, start, ret))
			return FMAGENT_FOUND;
	}
	return FMAGENT_END;
}

void
fmagent_mib_name(const struct fmagent_view *view, const struct fmagent_place *at,
		 struct fmagent_oid *ret)
{
	entry_of(at->table, ret);
	ret->arc[ret->n++] = at->col;
	ret->arc[ret->n++] = index_at(view, at->table, at->row);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Columns 2 and up are the fields in their order; alarms have no state. */
static enum fmagent_field
field_of(const struct fmagent_place *at)
{
	unsigned f = at->col - 2;

	return (enum fmagent_field)(at->table == ALARMS && f >= FMAGENT_STATE ? f + 1 : f);
}

void
fmagent_reader_set(struct fmagent_reader *rd, const struct fmagent_view *view)
{
	fm_freep(&rd->event);
	rd->view = view;
}

static const struct fmagent_row *
event_row(struct fmagent_reader *rd, const struct fmagent_event *ev)
{
	if (rd->event != NULL && rd->event_index == ev->index)
		return rd->event;
	fm_freep(&rd->event);
	rd->event = fmagent_row_of_event(&ev->tr, &rd->names);
	rd->event_index = ev->index;
	return rd->event;
}

void
fmagent_mib_value(struct fmagent_reader *rd, const struct fmagent_place *at,
		  struct fmagent_value *ret)
{
	const struct fmagent_row *row = at->table == ALARMS ? rd->view->alarms[at->row] :
		event_row(rd, rd->view->events[at->row]);

	/* We wrote the body and can read it; were it otherwise, text of no length is true to type. */
	*ret = row != NULL ? row->v[field_of(at)] : (struct fmagent_value){.text = ""};
}
