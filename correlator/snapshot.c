/*
 * snapshot: after each connect a bridge lists the guests of its host and ends with their number.
 * Whoever we believe to be on that host and is not in the list has ended meanwhile. The list's end
 * need not come last, as its records lie in other partitions: the number says when it is whole. A
 * list that stays incomplete (a record was lost) proves nothing and is dropped with the next.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

#define SNAPSHOT_MAX 4096u      /* guests of one host */

struct snapshot_head {
	uint64_t conn;
	int64_t began_ns;               /* the bridge's time; what is newer is not in the list */
	int64_t want;                   /* how many there are; -1: not told yet */
	uint64_t missing;               /* of the host's records, when it began */
};
struct snapshot {
	struct snapshot_head head;
	uint32_t n, cap;
	struct fm_uuid *uuid;
};

static void
changed(struct correlator *corr, struct host *h)
{
	h->snapshot_dirty = true;
	host_dirty(corr, h);
}

static void
row_name(const struct host *h, struct fm_buf *ret)
{
	fm_buf_reset(ret);
	fm_buf_addf(ret, "snapshot|%s", h->name);
}

void
snapshot_free(struct host *h)
{
	if (h->snapshot != NULL)
		free(h->snapshot->uuid);
	fm_freep(&h->snapshot);
}

static void
drop(struct correlator *corr, struct host *h)
{
	struct fm_buf name = {0};

	if (h->snapshot == NULL)
		return;
	snapshot_free(h);
	h->snapshot_dirty = false;
	row_name(h, &name);
	forget(corr, ROW_KEPT, name.s, NULL);
	fm_buf_fini(&name);
}

void
snapshot_begin(struct correlator *corr, struct host *h, const struct event *ev)
{
	drop(corr, h);
	h->snapshot = fm_calloc(1, sizeof(*h->snapshot));
	h->snapshot->head.conn = ev->u.lv.conn;
	h->snapshot->head.began_ns = ev->stamp.ns;
	h->snapshot->head.want = -1;
	h->snapshot->head.missing = host_missing(h);
	changed(corr, h);
}

/* Records of another connection than the one that was announced are a list of their own. */
static struct snapshot *
of_this(struct correlator *corr, struct host *h, const struct event *ev)
{
	if (h->snapshot == NULL || h->snapshot->head.conn != ev->u.lv.conn)
		snapshot_begin(corr, h, ev);
	return h->snapshot;
}

static bool
is_listed(const struct snapshot *snap, const struct fm_uuid *uuid)
{
	for (uint32_t i = 0; i < snap->n; i++)
		if (fm_uuid_eq(&snap->uuid[i], uuid))
			return true;
	return false;
}

static bool
is_second_copy(const struct instance *inst, const struct host *h)
{
	struct fm_buf b = {0};
	bool is;

	if (!(inst->flags & INST_F_SPLIT) || inst->fault == NULL)
		return false;
	split_text(h, &b);
	is = strcmp(inst->fault, b.s) == 0;
	fm_buf_fini(&b);
	return is;
}

/* Believed to be here since before the list was made. */
static bool
should_be_listed(const struct instance *inst, const struct host *h, const struct snapshot *snap)
{
	const struct attempt *at = inst->attempt;

	if (inst->deleted_at.ns != 0)
		return false;
	if (attempt_is_open(inst) && at->dst == h && !(at->flags & AT_F_MOVED))
		return at->start_stamp.ns < snap->head.began_ns;
	if (inst->owner == h)
		return inst->run_stamp.ns < snap->head.began_ns &&
			(inst->run == RUN_RUNNING || inst->run == RUN_PAUSED);
	return is_second_copy(inst, h);
}

/* In the order of UUIDs, whatever that of the index is. */
static int
by_uuid(const void *a, const void *b)
{
	const struct instance *x = *(struct instance *const *)a;
	const struct instance *y = *(struct instance *const *)b;

	return memcmp(x->uuid.b, y->uuid.b, sizeof(x->uuid.b));
}

static struct instance **
missing(const struct correlator *corr, const struct host *h, size_t *ret_n)
{
	const struct snapshot *snap = h->snapshot;
	struct instance **v = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < corr->instances.cap; i++) {
		struct instance *inst = corr->instances.v[i].p;

		if (inst == NULL || !should_be_listed(inst, h, snap) ||
		    is_listed(snap, &inst->uuid))
			continue;
		if (n == cap) {
			cap = cap > 0 ? 2 * cap : 16;
			v = fm_realloc(v, cap * sizeof(struct instance *));
		}
		v[n++] = inst;
	}
	if (n > 0)
		qsort(v, n, sizeof(struct instance *), by_uuid);
	*ret_n = n;
	return v;
}

static void
compare(struct correlator *corr, struct host *h, const struct event *ev)
{
	const struct snapshot *snap = h->snapshot;
	struct instance **inst;
	size_t n;

	if (snap->head.want < 0 || snap->n < snap->head.want)
		return;
	inst = missing(corr, h, &n);
	host_told_all(corr, h, snap->head.missing);
	drop(corr, h);
	for (size_t i = 0; i < n; i++)
		lv_vanished(corr, inst[i], h, ev);
	free(inst);
}

void
snapshot_saw(struct correlator *corr, struct host *h, const struct event *ev)
{
	struct snapshot *snap = of_this(corr, h, ev);

	if (snap->n == SNAPSHOT_MAX || is_listed(snap, &ev->instance))
		return;
	if (snap->n == snap->cap) {
		snap->cap = snap->cap > 0 ? 2 * snap->cap : 32;
		snap->uuid = fm_realloc(snap->uuid, snap->cap * sizeof(*snap->uuid));
	}
	snap->uuid[snap->n++] = ev->instance;
	changed(corr, h);
	compare(corr, h, ev);
}

void
snapshot_end(struct correlator *corr, struct host *h, const struct event *ev)
{
	if (ev->u.lv.count == EV_ABSENT || ev->u.lv.count < 0)
		return;
	of_this(corr, h, ev)->head.want = ev->u.lv.count;
	changed(corr, h);
	compare(corr, h, ev);
}

/* ---- rows ------------------------------------------------------------------------------------- */

void
snapshot_to_row(const struct host *h, struct fm_buf *name, struct fm_buf *body,
		struct row_kept *ret)
{
	const struct snapshot *snap = h->snapshot;

	row_name(h, name);
	fm_buf_reset(body);
	fm_buf_add(body, (const char *)&snap->head, sizeof(snap->head));
	if (snap->n > 0)
		fm_buf_add(body, (const char *)snap->uuid, snap->n * sizeof(*snap->uuid));
	*ret = (struct row_kept){.name = name->s, .num = snap->n,
		.body = {body->s, (uint32_t)body->len}};
}

void
snapshot_restore(struct correlator *corr, const struct row_kept *row)
{
	struct host *h = host_exact(corr, fm_str_of(row->name + strlen("snapshot|")));
	struct snapshot *snap;

	if (row->body.len < sizeof(snap->head))
		return;
	snap = h->snapshot = fm_calloc(1, sizeof(*snap));
	memcpy(&snap->head, row->body.p, sizeof(snap->head));
	snap->n = snap->cap = (row->body.len - (uint32_t)sizeof(snap->head)) /
		(uint32_t)sizeof(*snap->uuid);
	if (snap->n == 0)
		return;
	snap->uuid = fm_calloc(snap->n, sizeof(*snap->uuid));
	memcpy(snap->uuid, (const char *)row->body.p + sizeof(snap->head),
	       snap->n * sizeof(*snap->uuid));
}
