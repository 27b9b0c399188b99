/*
 * correlator: the way in. Sets up each input (time, cause, sink), hands it to the tracker or the
 * life cycle, and says what became of it.
 */
#include "correlator/refused_priv.h"

#include <stdlib.h>

struct correlator *
corr_new(const struct catalogue *cat)
{
	struct correlator *corr = fm_calloc(1, sizeof(*corr));

	corr->cat = cat;
	corr->next_order = 1;
	fm_intern_init(&corr->names);
	fm_pool_init(&corr->instance_pool, sizeof(struct instance));
	window_relink(corr);
	return corr;
}

static void
free_host(struct correlator *corr, struct host *h)
{
	while (h->slots != NULL)
		slot_free(corr, h->slots);
	snapshot_free(h);
	free(h->aliases);
	free(h->host_uuid);
	free(h->boot);
	free(h->win);
	free(h);
}

static void
free_names(struct host_alias **names)
{
	struct host_alias *a, *tmp;

	HASH_ITER(hh, *names, a, tmp) {
		HASH_DEL(*names, a);
		free(a);
	}
}

void
corr_free(struct correlator *corr)
{
	struct host *h, *htmp;

	if (corr == NULL)
		return;
	reach_free(corr);
	while (corr->active.head != NULL)
		al_free(corr, corr->active.head);
	while (corr->cleared.head != NULL)
		al_free(corr, corr->cleared.head);
	inst_free_all(corr);
	group_free_all(corr);
	HASH_ITER(hh, corr->hosts, h, htmp) {
		HASH_DEL(corr->hosts, h);
		free_host(corr, h);
	}
	free_names(&corr->aliases);
	free_names(&corr->shorts);
	dl_cancel(corr, &corr->purge);
	dl_cancel(corr, &corr->boundary);
	storm_free(corr);
	shelf_free_all(corr);
	window_free_all(corr);
	refused_free(corr);
	while (corr->forgotten != NULL) {
		struct forgotten *f = corr->forgotten;

		corr->forgotten = f->next;
		free(f->k1);
		free(f->k2);
		free(f);
	}
	ids_free(corr);
	stamps_free(corr);
	fm_heap_fini(&corr->heap);
	fm_intern_fini(&corr->names);
	fm_arena_fini(&corr->rows);
	fm_buf_fini(&corr->scratch);
	fm_buf_fini(&corr->text);
	fm_buf_fini(&corr->closed);
	fm_buf_fini(&corr->event_name);
	free(corr);
}

static void
begin(struct correlator *corr, struct fm_time at, transition_sink_f *sink, void *ctx)
{
	corr->sink = sink;
	corr->sink_ctx = ctx;
	window_begin(corr, at);
	dl_fire_until(corr, at);
	corr->now = fm_time_max(corr->now, at);
	corr->effect = false;
}

void
corr_advance(struct correlator *corr, struct fm_time now, transition_sink_f *sink, void *ctx)
{
	begin(corr, now, sink, ctx);
}

static void
record_cause(struct correlator *corr, const struct event *ev)
{
	fm_buf_reset(&corr->event_name);
	fm_buf_add(&corr->event_name, ev->name.p, ev->name.len);
	corr->cause = (struct transition_cause){
		.kind = CAUSE_RECORD, .topic = ev->pos.topic, .partition = ev->pos.partition,
		.offset = ev->pos.offset, .event = corr->event_name.s, .event_time = ev->stamp,
	};
}

static enum corr_outcome
dispatch(struct correlator *corr, const struct event *ev)
{
	if (ev->id_hash != 0 && ids_seen(corr, ev->id_hash))
		return CORR_DUPLICATE;
	switch (ev->origin) {
	case ORIGIN_NOVA:
		return track_nova(corr, ev);
	case ORIGIN_LIBVIRT:
		return track_libvirt(corr, ev);
	case ORIGIN_REQUEST:
		return request_apply(corr, ev);
	}
	return CORR_NO_EFFECT;
}

enum corr_outcome
corr_apply(struct correlator *corr, const struct event *ev, transition_sink_f *sink, void *ctx)
{
	enum corr_outcome outcome;

	if (ev->has_instance)
		inst_expect(corr, &ev->instance);
	begin(corr, ev->at, sink, ctx);
	record_cause(corr, ev);
	if (ev->has_instance)
		inst_fetch(corr);
	outcome = dispatch(corr, ev);
	corr->stats.events++;
	corr->stats.applied += outcome == CORR_APPLIED;
	corr->stats.no_effect += outcome == CORR_NO_EFFECT;
	corr->stats.duplicate += outcome == CORR_DUPLICATE;
	corr->stats.late += outcome == CORR_LATE;
	return outcome;
}

void
corr_pass(struct correlator *corr, const struct event *ev, transition_sink_f *sink, void *ctx)
{
	struct host *h;

	begin(corr, ev->at, sink, ctx);
	record_cause(corr, ev);
	h = ev->origin == ORIGIN_LIBVIRT ? host_get(corr, ev->host) : NULL;
	if (h != NULL)
		(void)host_heard(corr, h, ev);
}

/* ---- commands -------------------------------------------------------------------------------------- */

static struct corr_alarm *
find_for(struct correlator *corr, const struct corr_command *cmd)
{
	struct corr_alarm *al;

	if (cmd->uuid != NULL)
		return reach_uuid(corr, cmd->uuid);
	al = al_find(corr, cmd->alarm_id, cmd->entity);
	return al != NULL && !al->a.cleared ? al : NULL;
}

static void
acknowledge(struct correlator *corr, struct corr_alarm *al, const char *user, bool on)
{
	struct transition tr = {.notify = al->a.announced && al->a.status == SUPPR_NONE};

	free((void *)(uintptr_t)al->a.acked_by);
	al->a.oper = on ? OPER_ACKED : OPER_NONE;
	al->a.acked_by = on ? fm_strdup(user) : NULL;
	al_dirty(corr, al);
	al_emit(corr, al, on ? TR_ACK : TR_UNACK, &tr);
}

static int
unshelve(struct correlator *corr, const struct corr_command *cmd, struct fm_err *err)
{
	const struct alarm *al = cmd->uuid != NULL ? corr_find_uuid(corr, cmd->uuid) : NULL;
	const char *alarm_id = al != NULL ? al->alarm_id : cmd->alarm_id;
	const char *entity = al != NULL ? al->entity : cmd->entity;
	struct shelf *s = NULL;

	if (alarm_id != NULL && entity != NULL) {
		char *key = fm_asprintf("%s|%s", alarm_id, entity);

		s = shelf_find(corr, key);
		free(key);
	}
	if (s == NULL)
		return fm_fail(err, -ENOENT, "no such alarm is shelved");
	shelf_take(corr, s);
	return 0;
}

/* Producers may set alarms that the catalogue does not have. */
bool
corr_knows_id(const struct correlator *corr, const char *alarm_id)
{
	const struct cat_record *rec = cat_find(corr->cat, alarm_id);

	if (muted_find(corr, alarm_id) != NULL)
		return true;
	if (rec != NULL)
		return !rec->is_log;
	for (const struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		if (strcmp(al->a.alarm_id, alarm_id) == 0)
			return true;
	return false;
}

static int
suppress_id(struct correlator *corr, const struct corr_command *cmd, struct fm_err *err)
{
	struct muted_id *m = muted_find(corr, cmd->alarm_id);

	if (cmd->kind == CORR_CMD_UNSUPPRESS && m != NULL) {
		muted_take(corr, m);
		return 0;
	}
	if (!corr_knows_id(corr, cmd->alarm_id))
		return fm_fail(err, -ENOENT, "there is no alarm %s, neither in the catalogue nor "
			       "active", cmd->alarm_id);
	if ((m != NULL) == (cmd->kind == CORR_CMD_SUPPRESS))
		return fm_fail(err, -EALREADY, "%s is %s suppressed", cmd->alarm_id,
			       m != NULL ? "already" : "not");
	muted_put(corr, cmd->alarm_id, cmd->user);
	return 0;
}

int
corr_operate(struct correlator *corr, const struct corr_command *cmd, transition_sink_f *sink,
	     void *ctx, struct fm_err *err)
{
	struct corr_alarm *al;

	begin(corr, cmd->at, sink, ctx);
	corr->cause = (struct transition_cause){.kind = CAUSE_COMMAND, .event = cmd->verb,
		.user = cmd->user};
	if (cmd->kind == CORR_CMD_UNSHELVE)
		return unshelve(corr, cmd, err);
	if (cmd->kind == CORR_CMD_SUPPRESS || cmd->kind == CORR_CMD_UNSUPPRESS)
		return suppress_id(corr, cmd, err);
	if (cmd->kind == CORR_CMD_WINDOW_ADD || cmd->kind == CORR_CMD_WINDOW_DELETE)
		return window_operate(corr, cmd, err);
	al = find_for(corr, cmd);
	if (al == NULL)
		return fm_fail(err, -ENOENT, "no such active alarm");
	switch (cmd->kind) {
	case CORR_CMD_CLEAR:
		rules_closed(corr, al);
		al_clear(corr, al);
		return 0;
	case CORR_CMD_ACK:
	case CORR_CMD_UNACK:
		if ((al->a.oper == OPER_ACKED) == (cmd->kind == CORR_CMD_ACK))
			return fm_fail(err, -EALREADY, "the alarm is %s acknowledged",
				       al->a.oper == OPER_ACKED ? "already" : "not");
		acknowledge(corr, al, cmd->user, cmd->kind == CORR_CMD_ACK);
		return 0;
	case CORR_CMD_SHELVE:
		if (cmd->until.ns <= corr->now.ns)
			return fm_fail(err, -EINVAL, "the shelf would end before it begins");
		shelf_put(corr, al, cmd->until, cmd->user);
		return 0;
	case CORR_CMD_UNSHELVE:
	case CORR_CMD_SUPPRESS:
	case CORR_CMD_UNSUPPRESS:
	case CORR_CMD_WINDOW_ADD:
	case CORR_CMD_WINDOW_DELETE:
		break;          /* done above: they need no active alarm */
	}
	return fm_fail(err, -EINVAL, "unknown command");
}

void
self_alarm(struct correlator *corr, const char *alarm_id, const char *entity, enum severity severity,
	   const char *text)
{
	const struct cat_record *rec = cat_find(corr->cat, alarm_id);
	struct alarm_spec spec = {.alarm_id = alarm_id, .cause = FM_CAUSE_UNKNOWN,
		.severity = SEV_MAJOR};
	const struct fm_str host = entity_get(entity, "host");

	if (rec != NULL)
		spec_from_record(&spec, rec, severity != SEV_NONE ? severity : rec->severity);
	if (severity != SEV_NONE)
		spec.severity = severity;
	spec.origin = ALARM_BY_SELF;
	spec.entity = entity;
	spec.text = text;
	spec.raised_at = corr->now;
	spec.host = host.p != NULL ? host_get(corr, host) : NULL;
	(void)al_set(corr, &spec);
}

void
corr_self(struct correlator *corr, struct fm_time at, const char *alarm_id, const char *entity,
	  bool set, enum severity severity, const char *text, transition_sink_f *sink, void *ctx)
{
	begin(corr, at, sink, ctx);
	corr->cause = (struct transition_cause){.kind = CAUSE_SELF, .event = "self"};
	if (set) {
		self_alarm(corr, alarm_id, entity, severity, text);
		return;
	}
	struct corr_alarm *al = al_find(corr, alarm_id, entity);

	if (al != NULL && !al->a.cleared)
		al_clear(corr, al);
}

/* ---- catalogue ------------------------------------------------------------------------------------- */

static bool
is_alone(const struct cat_rule *rule)
{
	const struct cat_record *rec = rule->record;
	unsigned n = 0;

	for (unsigned i = 0; i < rec->n_rules; i++)
		n += rec->rules[i].fact == rule->fact;
	return n == 1;
}

/* One of several on the same fact is known by its If. */
static bool
are_same(const struct cat_rule *a, const struct cat_rule *b)
{
	return a->fact == b->fact && a->group.by == b->group.by &&
		((is_alone(a) && is_alone(b)) || fm_same(a->when.source, b->when.source));
}

/* In its old place, for that is how the rows of slots name it. */
static const struct cat_rule *
same_rule(const struct correlator *corr, const struct cat_rule *rule)
{
	const struct cat_record *rec = cat_find(corr->next_cat, rule->record->id);
	const int64_t index = rules_index(rule);

	if (rec == NULL || index >= (int64_t)rec->n_rules || !are_same(&rec->rules[index], rule))
		return NULL;
	return &rec->rules[index];
}

/* Wherever it stands there. */
static const struct cat_rule *
rule_anywhere(const struct catalogue *cat, const struct cat_rule *rule)
{
	const struct cat_record *rec = cat_find(cat, rule->record->id);

	for (unsigned i = 0; rec != NULL && i < rec->n_rules; i++)
		if (are_same(&rec->rules[i], rule))
			return &rec->rules[i];
	return NULL;
}

static const struct cat_rule *
moved_rule(const struct correlator *corr, const struct cat_rule *rule)
{
	return rule_anywhere(corr->next_cat, rule);
}

/* A rule that is gone is gone from the kept row, too: a later catalogue may have one in its place. */
static void
relink_rule(struct correlator *corr, struct corr_alarm *al)
{
	const struct cat_rule *was = al->rule;

	al->rec = cat_find(corr->next_cat, al->a.alarm_id);
	if (was == NULL)
		return;
	al->rule = al->slot != NULL ? al->slot->rule : al->group != NULL ? al->group->rule :
		moved_rule(corr, was);
	if (rules_index(al->rule) != rules_index(was))
		al_dirty(corr, al);
}

/* Every slot goes; the facts that hold are entered anew, alarms whose rule stays are kept. */
static void
relink_alarms(struct correlator *corr)
{
	struct corr_alarm *al;

	for (al = corr->active.head; al != NULL; al = al->next)
		relink_rule(corr, al);
	reach_relink(corr);
	for (al = corr->cleared.head; al != NULL; al = al->next)
		relink_rule(corr, al);
}

/* A slot whose rule is gone ends as if its fact had ended. */
static void
relink_slots(struct correlator *corr, struct slot *slot)
{
	while (slot != NULL) {
		struct slot *next = slot->next;
		const struct cat_rule *rule = same_rule(corr, slot->rule);
		struct corr_alarm *al = slot->al;

		if (rule != NULL) {
			slot->rule = rule;
			if (slot->flap != NULL && rule->flap.count == 0)
				rules_quiet(corr, slot);        /* it counts no more */
		} else {
			slot_free(corr, slot);
			if (al != NULL)
				al_clear(corr, al);
		}
		slot = next;
	}
}

bool
rule_is_new(const struct correlator *corr, const struct cat_rule *rule)
{
	return rule_anywhere(corr->prev_cat, rule) == NULL;
}

/* Who has been in its state for longer comes first. */
static int
by_since(const void *a, const void *b)
{
	const struct instance *x = *(struct instance *const *)a;
	const struct instance *y = *(struct instance *const *)b;

	if (x->state_since.ns != y->state_since.ns)
		return x->state_since.ns < y->state_since.ns ? -1 : 1;
	return memcmp(x->uuid.b, y->uuid.b, sizeof(x->uuid.b));
}

static void
enter_missing(struct correlator *corr, struct instance *inst)
{
	if (inst->main >= 0)
		rules_enter(corr, (enum fact_id)inst->main, inst, NULL, inst->state_since);
	inst_enter_held(corr, inst);
	rules_rearm(corr, inst);
}

static int
by_host_name(const struct host *a, const struct host *b)
{
	return strcmp(a->name, b->name);
}

/* In an order that a restart keeps. */
void
corr_swap_catalogue(struct correlator *corr, const struct catalogue *cat, struct fm_time now,
		    transition_sink_f *sink, void *ctx)
{
	struct instance **inst;
	struct host *h, *htmp;
	size_t n;

	begin(corr, now, sink, ctx);
	corr->cause = (struct transition_cause){.kind = CAUSE_SELF, .event = "catalogue"};
	corr->next_cat = cat;
	inst = inst_all(corr, &n);
	for (size_t i = 0; i < n; i++)
		relink_slots(corr, inst[i]->slots);
	HASH_SORT(corr->hosts, by_host_name);
	HASH_ITER(hh, corr->hosts, h, htmp)
		relink_slots(corr, h->slots);
	group_relink_all(corr, moved_rule);
	relink_alarms(corr);
	corr->prev_cat = corr->cat;
	corr->cat = cat;
	refused_free(corr);             /* their rules are the old ones */
	window_relink(corr);
	qsort(inst, n, sizeof(struct instance *), by_since);
	for (size_t i = 0; i < n; i++)
		enter_missing(corr, inst[i]);
	HASH_ITER(hh, corr->hosts, h, htmp)
		host_enter_held(corr, h);
	corr->prev_cat = NULL;
	al_purge_due(corr);
	free(inst);
	corr->hard = true;
}

/* ---- looking ----------------------------------------------------------------------------------------- */

bool
corr_next_deadline(const struct correlator *corr, struct fm_time *ret_due)
{
	const struct fm_heap_node *node = fm_heap_min(&corr->heap);

	if (node == NULL)
		return false;
	*ret_due = node->due;
	return true;
}

struct fm_time
corr_now(const struct correlator *corr)
{
	return corr->now;
}

bool
corr_dirty(const struct correlator *corr)
{
	return corr->hard;
}

void
corr_each_alarm(const struct correlator *corr, bool cleared, alarm_visit_f *f, void *ctx)
{
	for (const struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		if (!f(ctx, &al->a))
			return;
	for (const struct corr_alarm *al = cleared ? corr->cleared.head : NULL; al != NULL;
	     al = al->next)
		if (!f(ctx, &al->a))
			return;
}

const struct alarm *
corr_find_alarm(const struct correlator *corr, const char *alarm_id, const char *entity)
{
	const struct corr_alarm *al = al_find(corr, alarm_id, entity);

	return al != NULL ? &al->a : NULL;
}

const struct alarm *
corr_find_uuid(const struct correlator *corr, const struct fm_uuid *uuid)
{
	const struct corr_alarm *al = reach_uuid(corr, uuid);

	for (al = al != NULL ? al : corr->cleared.head; al != NULL; al = al->next)
		if (fm_uuid_eq(&al->a.uuid, uuid))
			return &al->a;
	return NULL;
}

uint64_t
corr_active(const struct correlator *corr)
{
	return corr->active.n;
}

void
corr_get_stats(const struct correlator *corr, struct corr_stats *ret)
{
	*ret = corr->stats;
	for (const struct corr_alarm *al = corr->active.head; al != NULL; al = al->next) {
		ret->active[al->a.severity]++;
		ret->suppressed += al->a.status != SUPPR_NONE;
	}
	ret->cleared = corr->cleared.n;
	ret->deadlines = corr->heap.n;
}
