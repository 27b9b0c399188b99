/*
 * restore: the way back from rows. Rows come in the order of FM_ROW_KINDS and by key, so hosts are
 * made by whoever names them first, and order that matters (raise order, arming order) is put
 * right from the numbers in the rows when the last one has come.
 */
#include "correlator/correlator_priv.h"

#include "base/bug.h"

#include <stdlib.h>

static struct host *
host_named(struct correlator *corr, const char *name)
{
	return name != NULL ? host_exact(corr, fm_str_of(name)) : NULL;
}

static char *
dup(const char *s)
{
	return s != NULL ? fm_strdup(s) : NULL;
}

/* Only a damaged store has two rows for one object: the last one counts. */
static void
put(char **field, const char *s)
{
	free(*field);
	*field = dup(s);
}

static void
restore_attempt(struct correlator *corr, struct instance *inst, const struct row_instance *r)
{
	struct attempt *at;

	if (inst->attempt != NULL)
		attempt_free(corr, inst);
	at = inst->attempt = fm_calloc(1, sizeof(*at));
	at->no = (uint32_t)r->at_no;
	at->phase = (enum attempt_phase)r->at_phase;
	at->flags = (unsigned)r->at_flags;
	at->src = host_named(corr, r->at_src);
	at->dst = host_named(corr, r->at_dst);
	at->start.ns = r->at_start;
	at->start_stamp.ns = r->at_start_stamp;
	at->end.ns = r->at_end;
	at->end_stamp.ns = r->at_end_stamp;
	at->suspended.ns = r->at_suspended;
	at->resumed.ns = r->at_resumed;
	at->downtime_ms = r->at_downtime_ms;
	at->method = (char)r->at_method;
	at->paused_at.ns = r->at_paused_at;
	at->paused_ms = r->at_paused_ms;
	at->initiator = dup(r->at_initiator);
	at->reason = dup(r->at_reason);
	if (at->phase == AT_OPEN)
		corr->stats.open_attempts++;
}

/* Kept by name, so that the order of facts.def means nothing. One that is gone holds no more. */
static int8_t
fact_named(const char *name)
{
	enum fact_id fact;

	if (name == NULL || !fact_parse(name, strlen(name), &fact) || !fact_is_state(fact))
		return -1;
	return (int8_t)fact;
}

static void
restore_instance(struct correlator *corr, const struct row_instance *r)
{
	struct instance *inst;
	struct fm_uuid uuid;

	if (!fm_uuid_parse(r->uuid, strlen(r->uuid), &uuid))
		return;
	inst = inst_get(corr, &uuid);
	put(&inst->name, r->name);
	if (r->tenant != NULL)
		inst->tenant = fm_intern(&corr->names, r->tenant, strlen(r->tenant));
	if (r->tenant_name != NULL)
		inst->tenant_name = fm_intern(&corr->names, r->tenant_name, strlen(r->tenant_name));
	inst_put_on(inst, NULL);        /* a damaged store may have it twice */
	inst->deleted_at.ns = r->deleted_at;
	inst_put_on(inst, host_named(corr, r->owner));
	inst->vm_state = (uint8_t)r->vm_state;
	inst->task = (uint8_t)r->task;
	inst->power = (uint8_t)r->power;
	inst->run = (uint8_t)r->lv_state;
	inst->op = (uint8_t)r->op;
	inst->flags = (uint16_t)r->flags;
	inst->state_since.ns = r->state_since;
	inst->limit_s = (int32_t)r->limit_s;
	inst->downtime_limit_ms = (int32_t)r->downtime_limit_ms;
	inst->memory_mb = (int32_t)r->memory_mb;
	put(&inst->fault, r->fault);
	inst->main = fact_named(r->main_fact);
	inst->held_facts = (uint8_t)r->held_facts;
	if (r->recent.len > 0 && r->recent.len <= INST_TWINS * sizeof(struct twin)) {
		free(inst->twins);
		inst->twins = fm_calloc(INST_TWINS, sizeof(*inst->twins));
		memcpy(inst->twins, r->recent.p, r->recent.len);
		inst->n_twins = (uint8_t)(r->recent.len / sizeof(struct twin));
	}
	if (r->at_no > 0)
		restore_attempt(corr, inst, r);
}

static void
restore_host(struct correlator *corr, const struct row_host *r)
{
	struct host *h = host_named(corr, r->name);

	if (h == NULL)
		return;
	put(&h->host_uuid, r->host_uuid);
	put(&h->aliases, r->aliases);
	host_index_aliases(corr, h);
	h->flags = (unsigned)r->flags;
	h->changed_at.ns = r->changed_at;
	h->last_heard.ns = r->last_heard;
	h->clock_offset_ns = r->clock_offset_ns;
	h->clock_samples = (uint32_t)r->clock_samples;
	put(&h->boot, r->boot);
	h->seq_base = r->seq_base;
	h->seq_max = r->seq_max;
	h->seq_count = r->seq_count;
	h->seq_healed = r->seq_healed;
	h->link_lost_at.ns = r->link_lost_at;
	h->nova_seen.ns = r->nova_seen;
	fm_freep(&h->win);
	h->n_win = r->windows.len / (uint32_t)sizeof(*h->win);
	if (h->n_win > 0) {
		h->win = fm_calloc(h->n_win, sizeof(*h->win));
		memcpy(h->win, r->windows.p, h->n_win * sizeof(*h->win));
	}
}

static struct fm_uuid
uuid_of(const char *s)
{
	struct fm_uuid u = {0};

	if (s != NULL && !fm_uuid_parse(s, strlen(s), &u))
		u = (struct fm_uuid){0};
	return u;
}

static void
restore_values(struct alarm *a, const struct row_alarm *r)
{
	a->id = r->id;
	a->uuid = uuid_of(r->uuid);
	a->entity_type_id = dup(r->entity_type_id);
	a->cleared = r->cleared;
	a->severity = (enum severity)r->severity;
	a->reason_text = fm_strdup(r->reason_text != NULL ? r->reason_text : "");
	a->type = (int)r->type;
	a->cause = (int)r->cause;
	a->repair = dup(r->repair);
	a->service_affecting = r->flags & ROW_ALARM_SERVICE_AFFECTING;
	a->suppressible = r->flags & ROW_ALARM_SUPPRESSIBLE;
	a->inhibits = r->flags & ROW_ALARM_INHIBITS;
	a->announced = r->flags & ROW_ALARM_ANNOUNCED;
	a->untold = r->flags & ROW_ALARM_UNTOLD;
	a->told = (enum severity)(r->flags >> ROW_ALARM_TOLD_SHIFT & ROW_ALARM_TOLD_MASK);
	a->mgmt_threshold = (enum severity)r->mgmt_threshold;
	a->degrade_threshold = (enum severity)r->degrade_threshold;
	a->raised_at.ns = r->raised_at;
	a->changed_at.ns = r->changed_at;
	a->cleared_at.ns = r->cleared_at;
	a->count = r->count;
	a->oper = (enum operator_state)r->oper;
	a->acked_by = dup(r->acked_by);
	a->status = (enum suppression_status)r->status;
	a->suppressed_by = uuid_of(r->suppressed_by);
	a->root_cause = uuid_of(r->root_cause);
	a->children = (uint32_t)r->children;
	a->shelved_until.ns = r->shelved_until;
	a->window = dup(r->maintenance);
	a->catalogue = r->catalogue;
	a->origin = (uint8_t)r->origin;
}

static void
restore_attrs(struct correlator *corr, struct alarm *a, const char *text)
{
	fm_arena_reset(&corr->rows);
	a->n_attrs = text != NULL ? attrs_decode(text, &corr->rows, a->attrs, FM_ALARM_MAX_ATTRS) : 0;
	for (unsigned i = 0; i < a->n_attrs; i++) {
		a->attrs[i].name = fm_strdup(a->attrs[i].name);
		a->attrs[i].text = dup(a->attrs[i].text);
	}
}

static void
restore_slot(struct correlator *corr, struct corr_alarm *al, const struct row_alarm *r)
{
	const bool subject = al->inst != NULL || al->host != NULL;

	if (al->a.cleared || al->rule == NULL || !subject || !fact_is_state(al->rule->fact))
		return;
	if (al->rule->group.by != GROUP_NONE)
		return;                 /* linked when its group comes */
	for (al->slot = al->inst != NULL ? al->inst->slots : al->host->slots; al->slot != NULL;
	     al->slot = al->slot->next)
		if (al->slot->rule == al->rule)
			break;
	if (al->slot != NULL) {
		al->slot = NULL;        /* only a damaged store has two for one slot */
		return;
	}
	al->slot = slot_new(corr, al->rule, al->inst, al->inst != NULL ? NULL : al->host,
			    (struct fm_time){r->slot});
	al->slot->phase = SLOT_RAISED;
	al->slot->al = al;
	al->slot->step = (unsigned)r->step;
}

static void
restore_alarm(struct correlator *corr, const struct row_alarm *r)
{
	struct corr_alarm *al = al_alloc(corr, r->alarm_id, r->entity);
	const struct fm_uuid inst = uuid_of(r->instance);

	restore_values(&al->a, r);
	restore_attrs(corr, &al->a, r->attrs);
	al->rec = cat_find(corr->cat, r->alarm_id);
	al->rule = rules_find(corr, r->alarm_id, r->rule);
	al_link_inst(al, r->instance != NULL ? inst_find(corr, &inst) : NULL);
	al->host = host_named(corr, r->host);
	al_link_active(corr, al);
	restore_slot(corr, al, r);
}

/* subject: "<uuid or host>|<alarm id>|<rule index>" */
static struct slot *
slot_of(struct correlator *corr, const char *subject, struct fm_time since, bool make)
{
	const char *last = strrchr(subject, '|'), *mid = last;
	char id[FM_MAX_ALARM_ID + 1] = "";
	const struct cat_rule *rule;
	struct instance *inst = NULL;
	struct host *host = NULL;
	struct fm_uuid uuid;
	struct slot *slot;

	while (mid != NULL && mid > subject && mid[-1] != '|')
		mid--;
	if (last == NULL || mid == subject || (size_t)(last - mid) > FM_MAX_ALARM_ID)
		return NULL;
	memcpy(id, mid, (size_t)(last - mid));
	rule = rules_find(corr, id, strtol(last + 1, NULL, 10));
	const size_t len = (size_t)(mid - 1 - subject);

	if (rule == NULL)
		return NULL;
	if (fact_subject_of(rule->fact) == SUBJECT_HOST)        /* whose name may be a UUID */
		host = host_exact(corr, (struct fm_str){subject, (uint32_t)len});
	else if (fm_uuid_parse(subject, len, &uuid))
		inst = inst_find(corr, &uuid);
	if (inst == NULL && host == NULL)
		return NULL;
	for (slot = inst != NULL ? inst->slots : host->slots; slot != NULL; slot = slot->next)
		if (slot->rule == rule)
			return slot;
	return make ? slot_new(corr, rule, inst, host, since) : NULL;
}

static void
arm(struct correlator *corr, struct deadline *dl, void *owner, const struct row_deadline *r)
{
	dl->kind = (enum deadline_kind)r->kind;
	dl->owner = owner;
	dl->kept = true;
	dl->node.due.ns = r->due;
	dl->node.order = r->order_no;
	fm_heap_put(&corr->heap, &dl->node);
}

static void
restore_slot_deadline(struct correlator *corr, const struct row_deadline *r)
{
	const struct fm_time since = {r->detail != NULL ? strtoll(r->detail, NULL, 10) : 0};
	struct slot *slot = slot_of(corr, r->subject, since, r->kind == DL_HOLD_ON);

	if (slot == NULL)
		return;
	if (r->kind == DL_HOLD_ON)
		slot->phase = SLOT_PENDING;
	else if (r->kind == DL_HOLD_OFF)
		slot->phase = SLOT_LEAVING;
	arm(corr, r->kind == DL_STEP ? &slot->next_step : &slot->timer, slot, r);
}

/* Without an alarm or a hold-on of its own, the slot only counts. */
static void
restore_flap(struct correlator *corr, const struct row_deadline *r)
{
	const struct fm_time since = {0};
	struct slot *slot = slot_of(corr, r->subject, since, false);

	if (slot == NULL) {
		slot = slot_of(corr, r->subject, since, true);
		if (slot == NULL)
			return;
		slot->phase = SLOT_IDLE;
	}
	flap_restore(slot, r->detail != NULL ? r->detail : "");
	arm(corr, &slot->flap->timer, slot, r);
}

static void
restore_fade(struct correlator *corr, const struct row_deadline *r)
{
	struct group *g = group_named(corr, r->subject);

	if (g != NULL)
		arm(corr, &g->fade, g, r);
}

static void
restore_pool(struct correlator *corr, const struct row_kept *r)
{
	const struct fm_uuid uuid = uuid_of(r->name + strlen("pool|"));
	struct instance *inst = inst_find(corr, &uuid);

	if (inst != NULL)
		inst->pool = fm_intern(&corr->names, r->body.p, r->body.len);
}

static void
restore_alarm_deadline(struct correlator *corr, const struct row_deadline *r)
{
	struct corr_alarm *al;

	HASH_FIND_STR(corr->alarms, r->subject, al);
	if (al == NULL)
		return;
	arm(corr, r->kind == DL_NOTICE ? &al->notice : r->kind == DL_EXPIRE ? &al->expire :
	    &al->grace, al, r);
}

static void
restore_instance_deadline(struct correlator *corr, const struct row_deadline *r)
{
	const struct fm_uuid uuid = uuid_of(r->subject);
	struct instance *inst = inst_find(corr, &uuid);

	if (inst == NULL)
		return;
	if (r->kind == DL_TOMBSTONE) {
		inst->tombstone = fm_calloc(1, sizeof(*inst->tombstone));
		arm(corr, inst->tombstone, inst, r);
	} else if (inst->attempt != NULL) {
		arm(corr, r->kind == DL_OVERDUE ? &inst->attempt->overdue : &inst->attempt->settle,
		    inst, r);
	}
}

static void
restore_deadline(struct correlator *corr, const struct row_deadline *r)
{
	if ((FM_BUG(LOST_DEADLINE) && r->kind == DL_STEP) || (FM_BUG(SHELF_LOST) && r->kind == DL_SHELF))
		return;
	switch ((enum deadline_kind)r->kind) {
	case DL_HOLD_ON:
	case DL_HOLD_OFF:
	case DL_STEP:
		restore_slot_deadline(corr, r);
		return;
	case DL_NOTICE:
	case DL_EXPIRE:
	case DL_GRACE:
		restore_alarm_deadline(corr, r);
		return;
	case DL_OVERDUE:
	case DL_SETTLE:
	case DL_TOMBSTONE:
		restore_instance_deadline(corr, r);
		return;
	case DL_FLAP:
		restore_flap(corr, r);
		return;
	case DL_FADE:
		restore_fade(corr, r);
		return;
	case DL_PURGE:
		arm(corr, &corr->purge, corr, r);
		return;
	case DL_STORM:
		arm(corr, &corr->storm.tick, corr, r);
		return;
	case DL_SHELF:
		shelf_restore(corr, r);
		return;
	case DL_WINDOW:
		arm(corr, &corr->boundary, corr, r);
		return;
	case DL_N_KINDS:
		return;
	}
}

static void
restore_kept(struct correlator *corr, const struct row_kept *r)
{
	struct slot *slot;

	if (strncmp(r->name, "ids|", 4) == 0) {
		if (!FM_BUG(DEDUPE_FORGOTTEN))
			ids_restore(corr, r);
	} else if (strncmp(r->name, "stamps|", 7) == 0) {
		stamps_restore(corr, r);
	} else if (strncmp(r->name, "group|", 6) == 0) {
		group_restore(corr, r);
	} else if (strncmp(r->name, GROUP_ALARM_NAME, strlen(GROUP_ALARM_NAME)) == 0) {
		group_restore_alarm(corr, r);
	} else if (strncmp(r->name, GROUP_PAGE_NAME, strlen(GROUP_PAGE_NAME)) == 0) {
		member_restore(corr, r);
	} else if (strncmp(r->name, "pool|", 5) == 0) {
		restore_pool(corr, r);
	} else if (strncmp(r->name, "snapshot|", 9) == 0) {
		snapshot_restore(corr, r);
	} else if (strncmp(r->name, "closed|", 7) == 0) {
		slot = slot_of(corr, r->name + 7, corr->now, true);
		if (slot != NULL)
			slot->phase = SLOT_CLOSED;
	} else if (strncmp(r->name, MUTED_NAME, strlen(MUTED_NAME)) == 0) {
		muted_restore(corr, r);
	} else if (strncmp(r->name, WINDOW_NAME, strlen(WINDOW_NAME)) == 0) {
		window_restore(corr, r);
	} else if (strcmp(r->name, STORM_NAME) == 0) {
		storm_restore(corr, r);
	} else if (strcmp(r->name, "next_alarm_id") == 0) {
		corr->next_alarm_id = (uint64_t)r->num;
	} else if (strcmp(r->name, "next_order") == 0) {
		corr->next_order = FM_BUG(ORDER_FORGOTTEN) ? 1 : (uint64_t)r->num;
	} else if (strcmp(r->name, "lost_upstream") == 0) {
		corr->stats.lost_upstream = (uint64_t)r->num;
	} else if (strcmp(r->name, "now") == 0) {
		corr->now.ns = FM_BUG(CLOCK_FORGOTTEN) ? 0 : r->num;
	} else if (strcmp(r->name, "ids_n") == 0) {
		corr->ring_n = corr->ring_flushed = (uint64_t)r->num;
	}
}

void
corr_restore(struct correlator *corr, const struct row *row)
{
	switch (row->kind) {
	case ROW_INSTANCE:
		restore_instance(corr, &row->u.instance);
		return;
	case ROW_HOST:
		restore_host(corr, &row->u.host);
		return;
	case ROW_ALARM:
		restore_alarm(corr, &row->u.alarm);
		return;
	case ROW_DEADLINE:
		restore_deadline(corr, &row->u.deadline);
		return;
	case ROW_KEPT:
		restore_kept(corr, &row->u.kept);
		return;
	case ROW_N_KINDS:
		return;
	}
}

/* ---- after the last row ------------------------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	const struct corr_alarm *x = *(struct corr_alarm *const *)a;
	const struct corr_alarm *y = *(struct corr_alarm *const *)b;
	const int64_t tx = x->a.cleared ? x->a.cleared_at.ns : 0;
	const int64_t ty = y->a.cleared ? y->a.cleared_at.ns : 0;

	if (tx != ty)
		return tx < ty ? -1 : 1;
	return x->a.id < y->a.id ? -1 : x->a.id > y->a.id;
}

/* Lists were filled in key order; raise order (and clear order) is what output is made in. */
static void
sort_list(struct alarm_list *l)
{
	struct corr_alarm **v, *al, *prev = NULL;
	size_t n = 0;

	if (l->n < 2)
		return;
	v = fm_calloc(l->n, sizeof(*v));
	for (al = l->head; al != NULL; al = al->next)
		v[n++] = al;
	qsort(v, n, sizeof(*v), by_id);
	for (size_t i = 0; i < n; i++) {
		v[i]->prev = prev;
		v[i]->next = i + 1 < n ? v[i + 1] : NULL;
		prev = v[i];
	}
	l->head = v[0];
	l->tail = v[n - 1];
	free(v);
}

static void
relink_hosts(struct correlator *corr)
{
	struct host *h, *tmp;

	HASH_ITER(hh, corr->hosts, h, tmp)
		h->alarms = h->alarms_tail = NULL;
	for (struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		al_link_host(al);
}

void
corr_clean(struct correlator *corr)
{
	while (corr->dirty_inst != NULL) {
		struct instance *inst = corr->dirty_inst;

		corr->dirty_inst = inst->next_dirty;
		inst->dirty = inst->soft = false;
	}
	while (corr->dirty_host != NULL) {
		struct host *h = corr->dirty_host;

		corr->dirty_host = h->next_dirty;
		h->dirty = h->soft = false;
	}
	corr->hard = corr->meta_dirty = corr->effect = false;
}

void
corr_restored(struct correlator *corr, struct fm_time now)
{
	sort_list(&corr->active);
	sort_list(&corr->cleared);
	relink_hosts(corr);
	rel_restored(corr);
	corr->now = fm_time_max(corr->now, now);
	window_restored(corr);
	fm_arena_fini(&corr->rows);
	corr_clean(corr);
}
