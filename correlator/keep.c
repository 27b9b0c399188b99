/*
 * keep: state to rows. What is written is what a restart needs to go on as if it had not
 * happened: instances with their attempt, hosts, alarms with their rule slot, deadlines with
 * their arming order, and named odds and ends.
 */
#include "correlator/correlator_priv.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- rows to delete --------------------------------------------------------------------------- */

void
forget(struct correlator *corr, enum row_kind kind, const char *k1, const char *k2)
{
	struct forgotten *f = fm_calloc(1, sizeof(*f));

	f->kind = kind;
	f->k1 = k1 != NULL ? fm_strdup(k1) : NULL;
	f->k2 = k2 != NULL ? fm_strdup(k2) : NULL;
	f->next = corr->forgotten;
	corr->forgotten = f;
	corr->hard = true;
}

static void
slot_subject(const struct slot *slot, struct fm_buf *b)
{
	char uuid[FM_UUID_STR];

	fm_buf_reset(b);
	fm_buf_addf(b, "%s|%s|%lld",
		    slot->inst != NULL ? fm_uuid_format(&slot->inst->uuid, uuid) : slot->host->name,
		    slot->rule->record->id, (long long)rules_index(slot->rule));
}

static void
deadline_subject(const struct deadline *dl, struct fm_buf *b)
{
	char uuid[FM_UUID_STR];

	fm_buf_reset(b);
	fm_buf_adds(b, "");
	switch (dl->kind) {
	case DL_HOLD_ON:
	case DL_HOLD_OFF:
	case DL_STEP:
	case DL_FLAP:
		slot_subject(dl->owner, b);
		return;
	case DL_NOTICE:
	case DL_EXPIRE:
	case DL_GRACE:
		fm_buf_adds(b, ((const struct corr_alarm *)dl->owner)->key);
		return;
	case DL_OVERDUE:
	case DL_SETTLE:
	case DL_TOMBSTONE:
		fm_buf_adds(b, fm_uuid_format(&((const struct instance *)dl->owner)->uuid, uuid));
		return;
	case DL_SHELF:
		fm_buf_adds(b, ((const struct shelf *)dl->owner)->key);
		return;
	case DL_FADE:
		fm_buf_adds(b, ((const struct group *)dl->owner)->name);
		return;
	case DL_PURGE:
	case DL_WINDOW:
	case DL_STORM:
	case DL_N_KINDS:
		return;
	}
}

void
forget_deadline(struct correlator *corr, const struct deadline *dl)
{
	struct fm_buf b = {0};

	deadline_subject(dl, &b);
	forget(corr, ROW_DEADLINE, b.s, NULL);
	corr->forgotten->dl = dl->kind;
	fm_buf_fini(&b);
}

/* Takes line out of the names of newly closed slots: it opened again before it was kept. */
static void
unlist_closed(struct correlator *corr, const char *line, size_t len)
{
	struct fm_buf *b = &corr->closed;
	char *p = b->s != NULL ? strstr(b->s, line) : NULL;

	if (p == NULL)
		return;
	memmove(p, p + len, b->len - (size_t)(p - b->s) - len + 1);
	b->len -= len;
}

/* The fact that an operator has closed a slot whose fact still holds. */
void
keep_closed(struct correlator *corr, const struct slot *slot, bool closed)
{
	struct fm_buf b = {0}, name = {0};

	slot_subject(slot, &b);
	fm_buf_addf(&name, "closed|%s", b.s);
	if (!closed)
		forget(corr, ROW_KEPT, name.s, NULL);
	fm_buf_adds(&name, "\n");
	if (closed)
		fm_buf_add(&corr->closed, name.s, name.len);
	else
		unlist_closed(corr, name.s, name.len);
	fm_buf_fini(&b);
	fm_buf_fini(&name);
	corr->hard = true;
}

static void
flush_forgotten(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	while (corr->forgotten != NULL) {
		struct forgotten *f = corr->forgotten;
		struct row row = {.kind = f->kind, .deleted = true};

		if (f->kind == ROW_INSTANCE) {
			row.u.instance.uuid = f->k1;
		} else if (f->kind == ROW_ALARM) {
			row.u.alarm.alarm_id = f->k1;
			row.u.alarm.entity = f->k2;
		} else if (f->kind == ROW_DEADLINE) {
			row.u.deadline.kind = f->dl;
			row.u.deadline.subject = f->k1;
		} else if (f->kind == ROW_KEPT) {
			row.u.kept.name = f->k1;
		}
		if (!FM_BUG(ROWS_STAY) || f->kind != ROW_DEADLINE)
			sink(ctx, &row);
		corr->forgotten = f->next;
		free(f->k1);
		free(f->k2);
		free(f);
	}
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void
attempt_row(const struct attempt *at, struct row_instance *r)
{
	r->at_no = at->no;
	r->at_phase = at->phase;
	r->at_flags = at->flags;
	r->at_src = at->src != NULL ? at->src->name : NULL;
	r->at_dst = at->dst != NULL ? at->dst->name : NULL;
	r->at_start = at->start.ns;
	r->at_start_stamp = at->start_stamp.ns;
	r->at_end = at->end.ns;
	r->at_end_stamp = at->end_stamp.ns;
	r->at_suspended = at->suspended.ns;
	r->at_resumed = at->resumed.ns;
	r->at_downtime_ms = at->downtime_ms;
	r->at_method = at->method;
	r->at_paused_at = at->paused_at.ns;
	r->at_paused_ms = at->paused_ms;
	r->at_initiator = at->initiator;
	r->at_reason = at->reason;
}

/* Few have one, so it is no column of all. */
static void
pool_name(const struct instance *inst, char name[FM_UUID_STR + 8])
{
	char uuid[FM_UUID_STR];

	snprintf(name, FM_UUID_STR + 8, "pool|%s", fm_uuid_format(&inst->uuid, uuid));
}

void
keep_no_pool(struct correlator *corr, const struct instance *inst)
{
	char name[FM_UUID_STR + 8];

	pool_name(inst, name);
	forget(corr, ROW_KEPT, name, NULL);
}

static void
flush_pool(const struct instance *inst, row_sink_f *sink, void *ctx)
{
	char name[FM_UUID_STR + 8];

	pool_name(inst, name);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = name,
		.body = {inst->pool, (uint32_t)strlen(inst->pool)}}};

	sink(ctx, &row);
}

static void
put_instance(const struct instance *inst, row_sink_f *sink, void *ctx)
{
	struct row row = {.kind = ROW_INSTANCE};
	struct row_instance *r = &row.u.instance;
	char uuid[FM_UUID_STR];

	r->uuid = fm_uuid_format(&inst->uuid, uuid);
	r->name = inst->name;
	r->tenant = inst->tenant;
	r->tenant_name = inst->tenant_name;
	r->owner = inst->owner != NULL ? inst->owner->name : NULL;
	r->vm_state = inst->vm_state;
	r->task = inst->task;
	r->power = inst->power;
	r->lv_state = inst->run;
	r->op = inst->op;
	r->flags = inst->flags;
	r->state_since = inst->state_since.ns;
	r->deleted_at = inst->deleted_at.ns;
	r->limit_s = inst->limit_s;
	r->downtime_limit_ms = inst->downtime_limit_ms;
	r->memory_mb = inst->memory_mb;
	r->fault = inst->fault;
	r->main_fact = inst->main >= 0 ? fact_name((enum fact_id)inst->main) : NULL;
	r->held_facts = inst->held_facts;
	r->recent = (struct fm_blob){inst->twins,
		(uint32_t)(inst->n_twins * sizeof(struct twin))};
	if (inst->attempt != NULL)
		attempt_row(inst->attempt, r);
	sink(ctx, &row);
	if (inst->pool != NULL)
		flush_pool(inst, sink, ctx);
}

static void
flush_snapshot(const struct host *h, row_sink_f *sink, void *ctx)
{
	struct row row = {.kind = ROW_KEPT};
	struct fm_buf name = {0}, body = {0};

	snapshot_to_row(h, &name, &body, &row.u.kept);
	sink(ctx, &row);
	fm_buf_fini(&body);
	fm_buf_fini(&name);
}

static void
put_host(const struct host *h, row_sink_f *sink, void *ctx)
{
	const struct row row = {.kind = ROW_HOST, .u.host = {
		.name = h->name, .host_uuid = h->host_uuid, .aliases = h->aliases,
		.flags = h->flags, .changed_at = h->changed_at.ns, .last_heard = h->last_heard.ns,
		.clock_offset_ns = h->clock_offset_ns, .clock_samples = h->clock_samples,
		.boot = h->boot, .seq_base = h->seq_base, .seq_max = h->seq_max,
		.seq_count = h->seq_count,
		.windows = {h->win, (uint32_t)(h->n_win * sizeof(*h->win))},
		.seq_healed = h->seq_healed, .link_lost_at = h->link_lost_at.ns,
		.nova_seen = h->nova_seen.ns}};

	sink(ctx, &row);
}

static int64_t
alarm_flags(const struct alarm *a)
{
	return (a->service_affecting ? ROW_ALARM_SERVICE_AFFECTING : 0) |
		(a->suppressible ? ROW_ALARM_SUPPRESSIBLE : 0) |
		(a->inhibits ? ROW_ALARM_INHIBITS : 0) |
		(a->announced ? ROW_ALARM_ANNOUNCED : 0) |
		(a->untold ? ROW_ALARM_UNTOLD : 0) |
		((int64_t)a->told << ROW_ALARM_TOLD_SHIFT);
}

static void
put_alarm(const struct corr_alarm *al, row_sink_f *sink, void *ctx)
{
	const struct alarm *a = &al->a;
	char uuid[FM_UUID_STR], by[FM_UUID_STR], root[FM_UUID_STR], inst[FM_UUID_STR];
	struct fm_buf attrs = {0};

	attrs_encode(a->attrs, a->n_attrs, &attrs);
	const struct row row = {.kind = ROW_ALARM, .u.alarm = {
		.alarm_id = a->alarm_id, .entity = a->entity, .id = a->id,
		.uuid = fm_uuid_format(&a->uuid, uuid), .entity_type_id = a->entity_type_id,
		.cleared = a->cleared, .severity = a->severity, .reason_text = a->reason_text,
		.type = a->type, .cause = a->cause, .repair = a->repair, .flags = alarm_flags(a),
		.mgmt_threshold = a->mgmt_threshold, .degrade_threshold = a->degrade_threshold,
		.raised_at = a->raised_at.ns, .changed_at = a->changed_at.ns,
		.cleared_at = a->cleared_at.ns, .count = a->count, .oper = a->oper,
		.acked_by = a->acked_by, .status = a->status,
		.suppressed_by = fm_uuid_format(&a->suppressed_by, by),
		.root_cause = fm_uuid_format(&a->root_cause, root), .children = a->children,
		.shelved_until = a->shelved_until.ns, .attrs = attrs.s, .catalogue = a->catalogue,
		.origin = a->origin, .host = al->host != NULL ? al->host->name : NULL,
		.instance = al->inst != NULL ? fm_uuid_format(&al->inst->uuid, inst) : NULL,
		.rule = rules_index(al->rule), .step = al->slot != NULL ? al->slot->step : 0,
		.slot = al->slot != NULL ? al->slot->since.ns : 0,
		.maintenance = a->window}};

	sink(ctx, &row);
	fm_buf_fini(&attrs);
}

/* What the owner is made of that has no other row to be restored from. */
static const char *
deadline_detail(const struct deadline *dl, struct fm_buf *b)
{
	fm_buf_reset(b);
	if (dl->kind == DL_HOLD_ON || dl->kind == DL_HOLD_OFF)
		fm_buf_addf(b, "%lld", (long long)((const struct slot *)dl->owner)->since.ns);
	else if (dl->kind == DL_FLAP)
		flap_to_text(dl->owner, b);
	else
		return dl->kind == DL_SHELF ? ((const struct shelf *)dl->owner)->user : NULL;
	return b->s;
}

static void
put_deadline(const struct deadline *dl, struct fm_buf *b, struct fm_buf *detail, row_sink_f *sink,
	     void *ctx)
{
	deadline_subject(dl, b);
	const struct row row = {.kind = ROW_DEADLINE, .u.deadline = {
		.kind = dl->kind, .subject = b->s, .due = dl->node.due.ns,
		.order_no = dl->node.order, .detail = deadline_detail(dl, detail)}};

	sink(ctx, &row);
}

static void
flush_deadlines(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	struct fm_buf b = {0}, detail = {0};

	while (corr->dirty_dl != NULL) {
		struct deadline *dl = corr->dirty_dl;

		put_deadline(dl, &b, &detail, sink, ctx);
		corr->dirty_dl = dl->next_dirty;
		dl->next_dirty = dl->prev_dirty = NULL;
		dl->dirty = false;
		dl->kept = true;
	}
	fm_buf_fini(&detail);
	fm_buf_fini(&b);
}

static void
put_number(const char *name, uint64_t n, row_sink_f *sink, void *ctx)
{
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = name, .num = (int64_t)n}};

	sink(ctx, &row);
}

static void
put_numbers(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	put_number("next_alarm_id", corr->next_alarm_id, sink, ctx);
	put_number("next_order", corr->next_order, sink, ctx);
	put_number("lost_upstream", corr->stats.lost_upstream, sink, ctx);
	put_number("now", (uint64_t)corr->now.ns, sink, ctx);
	put_number("ids_n", corr->ring_n, sink, ctx);
}

static void
flush_kept(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	group_flush(corr, sink, ctx);
	for (char *p = corr->closed.s, *nl; p != NULL && (nl = strchr(p, '\n')) != NULL; p = nl + 1) {
		*nl = '\0';
		put_number(p, 1, sink, ctx);
	}
	fm_buf_reset(&corr->closed);
	muted_flush(corr, sink, ctx);
	window_flush(corr, sink, ctx);
	storm_flush(corr, sink, ctx);
	put_numbers(corr, sink, ctx);
	ids_flush(corr, sink, ctx);
	stamps_flush(corr, sink, ctx);
}

void
corr_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	flush_forgotten(corr, sink, ctx);
	while (corr->dirty_host != NULL) {
		struct host *h = corr->dirty_host;

		corr->dirty_host = h->next_dirty;
		if (h->dirty || !FM_BUG(SOFT_LOST))
			put_host(h, sink, ctx);
		if (h->snapshot != NULL && h->snapshot_dirty)
			flush_snapshot(h, sink, ctx);
		h->snapshot_dirty = h->dirty = h->soft = false;
	}
	while (corr->dirty_inst != NULL) {
		struct instance *inst = corr->dirty_inst;

		corr->dirty_inst = inst->next_dirty;
		put_instance(inst, sink, ctx);
		inst->dirty = inst->soft = false;
	}
	while (corr->dirty_alarm != NULL) {
		struct corr_alarm *al = corr->dirty_alarm;

		DL_DELETE2(corr->dirty_alarm, al, prev_dirty, next_dirty);
		put_alarm(al, sink, ctx);
		al->dirty = false;
	}
	flush_deadlines(corr, sink, ctx);
	flush_kept(corr, sink, ctx);
	corr->hard = corr->meta_dirty = false;
}

/* ---- a copy -------------------------------------------------------------------------------------- */

/* Slots that an operator has closed have a row by their name alone. */
static void
put_closed(const struct slot *slot, struct fm_buf *b, row_sink_f *sink, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	for (; slot != NULL; slot = slot->next) {
		if (slot->phase != SLOT_CLOSED)
			continue;
		slot_subject(slot, b);
		fm_buf_reset(&name);
		fm_buf_addf(&name, "closed|%s", b->s);
		put_number(name.s, 1, sink, ctx);
	}
}

static void
each_subject(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	const struct fm_map *m = &corr->instances;

	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].p != NULL)
			put_instance(m->v[i].p, sink, ctx);
	for (const struct host *h = corr->hosts; h != NULL; h = h->hh.next)
		put_host(h, sink, ctx);
}

static void
each_kept(const struct correlator *corr, struct fm_buf *b, row_sink_f *sink, void *ctx)
{
	const struct fm_map *m = &corr->instances;

	for (const struct group *g = corr->groups; g != NULL; g = g->hh.next)
		group_each_row(g, sink, ctx);
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].p != NULL)
			put_closed(((const struct instance *)m->v[i].p)->slots, b, sink, ctx);
	for (const struct host *h = corr->hosts; h != NULL; h = h->hh.next) {
		put_closed(h->slots, b, sink, ctx);
		if (h->snapshot != NULL)
			flush_snapshot(h, sink, ctx);
	}
	muted_each_row(corr, sink, ctx);
	window_each_row(corr, sink, ctx);
	storm_each_row(corr, sink, ctx);
	put_numbers(corr, sink, ctx);
	ids_each_row(corr, sink, ctx);
	stamps_each_row(corr, sink, ctx);
}

void
corr_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	FM_CLEANUP(fm_buf_fini) struct fm_buf detail = {0};

	each_subject(corr, sink, ctx);
	for (const struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		put_alarm(al, sink, ctx);
	for (const struct corr_alarm *al = corr->cleared.head; al != NULL; al = al->next)
		put_alarm(al, sink, ctx);
	for (size_t i = 0; i < corr->heap.n; i++)
		put_deadline((const struct deadline *)corr->heap.v[i], &b, &detail, sink, ctx);
	each_kept(corr, &b, sink, ctx);
}

static void
restore_one(void *ctx, const struct row *row)
{
	corr_restore(ctx, row);
}

struct correlator *
corr_copy(const struct correlator *corr)
{
	struct correlator *copy = corr_new(corr->cat);

	corr_each_row(corr, restore_one, copy);
	corr_restored(copy, corr->now);
	corr_set_deaf(copy, corr->deaf);
	return copy;
}

uint64_t
corr_order(const struct correlator *corr)
{
	return corr->next_order;
}

void
corr_each_deadline(const struct correlator *corr, corr_deadline_f *f, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	const size_t n = corr->heap.n;
	struct fm_heap_node **v = dl_in_order(corr);

	for (size_t i = 0; i < n; i++) {
		const struct deadline *dl = (const struct deadline *)v[i];

		deadline_subject(dl, &b);
		f(ctx, dl_name(dl->kind), b.s, dl->node.due, dl->node.order);
	}
	free(v);
}
