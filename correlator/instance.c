/*
 * instance: virtual machines by UUID and the one decision about them: which of the facts hold.
 * The decision is a pure function of the instance's present state, taken anew after every change,
 * so lost, repeated and reordered edges heal (compute-events §1.2, §1.3).
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

#define CACHE_LINE 64

/* Seeded by nothing: the order of the index never reaches output. */
static uint64_t
uuid_hash(const struct fm_uuid *uuid)
{
	return fm_hash64(uuid->b, sizeof(uuid->b), 0);
}

struct instance *
inst_find(const struct correlator *corr, const struct fm_uuid *uuid)
{
	const uint64_t hash = uuid_hash(uuid);
	struct instance *inst;
	size_t pos;

	for (inst = fm_map_first(&corr->instances, hash, &pos); inst != NULL;
	     inst = fm_map_next(&corr->instances, hash, &pos))
		if (fm_uuid_eq(&inst->uuid, uuid))
			break;
	return inst;
}

/*
 * A record's instance is wanted a little later, and with many of them its slot and its lines come
 * from memory: asked for now, they come while time, cause and host are seen to.
 */
void
inst_expect(struct correlator *corr, const struct fm_uuid *uuid)
{
	corr->expected = uuid_hash(uuid);
	if (corr->instances.cap != 0)
		__builtin_prefetch(&corr->instances.v[corr->expected & (corr->instances.cap - 1)]);
}

void
inst_fetch(const struct correlator *corr)
{
	size_t pos;
	const char *p = fm_map_first(&corr->instances, corr->expected, &pos);

	for (size_t at = 0; p != NULL && at < sizeof(struct instance); at += CACHE_LINE)
		__builtin_prefetch(p + at);
}

static int
by_uuid(const void *a, const void *b)
{
	const struct instance *x = *(struct instance *const *)a;
	const struct instance *y = *(struct instance *const *)b;

	return memcmp(x->uuid.b, y->uuid.b, sizeof(x->uuid.b));
}

struct instance **
inst_all(const struct correlator *corr, size_t *ret_n)
{
	struct instance **v = fm_calloc(corr->instances.n + 1, sizeof(struct instance *));
	size_t n = 0;

	for (size_t i = 0; i < corr->instances.cap; i++)
		if (corr->instances.v[i].p != NULL)
			v[n++] = corr->instances.v[i].p;
	qsort(v, n, sizeof(struct instance *), by_uuid);
	*ret_n = n;
	return v;
}

struct instance *
inst_get(struct correlator *corr, const struct fm_uuid *uuid)
{
	struct instance *inst = inst_find(corr, uuid);

	if (inst != NULL) {
		__builtin_prefetch(inst->name);         /* the caller compares it */
		return inst;
	}
	inst = fm_pool_get(&corr->instance_pool);
	inst->uuid = *uuid;
	inst->main = -1;
	inst->limit_s = inst->downtime_limit_ms = -1;
	inst->state_since = corr->now;
	fm_map_put(&corr->instances, uuid_hash(uuid), inst);
	corr->stats.instances++;
	inst_dirty(corr, inst);
	return inst;
}

void
inst_soft(struct correlator *corr, struct instance *inst)
{
	if (inst->dirty || inst->soft)
		return;
	inst->soft = true;
	inst->next_dirty = corr->dirty_inst;
	corr->dirty_inst = inst;
}

void
inst_dirty(struct correlator *corr, struct instance *inst)
{
	inst_soft(corr, inst);
	inst->dirty = true;
	corr->hard = true;
	corr->effect = true;
}

void
inst_put_on(struct instance *inst, struct host *host)
{
	const bool counts = inst->deleted_at.ns == 0;

	if (inst->owner != NULL && counts)
		inst->owner->guests--;
	inst->owner = host;
	if (host != NULL && counts)
		host->guests++;
}

void
inst_set_owner(struct correlator *corr, struct instance *inst, struct host *host)
{
	const struct host *left = inst->owner;

	if (host == NULL || left == host)
		return;
	inst_put_on(inst, host);
	inst->run_stamp.ns = 0;         /* of another clock */
	stamp_moved(corr, inst);
	inst->run = RUN_UNKNOWN;        /* what the last host's libvirt said holds no longer */
	inst_dirty(corr, inst);
	if (left != NULL)
		moves_left(corr, left);
}

void
inst_set_text(struct correlator *corr, char **field, struct fm_str value)
{
	(void)corr;
	if (value.p == NULL || (*field != NULL && strncmp(*field, value.p, value.len) == 0 &&
				(*field)[value.len] == '\0'))
		return;
	free(*field);
	*field = fm_strndup(value.p, value.len);
}

struct fact_values
inst_values(struct instance *inst)
{
	return (struct fact_values){
		.inst = inst, .host = inst->owner, .at = inst->attempt, .count = EV_ABSENT,
	};
}

bool
inst_is_migrating(const struct instance *inst)
{
	return inst->attempt != NULL && inst->attempt->phase == AT_OPEN;
}

/* ---- the decision ------------------------------------------------------------------------- */

static bool
is_stopped(const struct instance *inst)
{
	if (inst->flags & INST_F_CRASHED)
		return false;           /* it died: Nova's later "stopped" is no downgrade */
	if (inst->flags & INST_F_NOVA)
		return inst->vm_state == VM_STOPPED;
	return inst->run == RUN_OFF;
}

static bool
is_failed(const struct instance *inst)
{
	return inst->vm_state == VM_ERROR || (inst->flags & INST_F_CRASHED) != 0 ||
		attempt_is_broken(inst);
}

static bool
is_paused(const struct instance *inst)
{
	return inst->vm_state == VM_PAUSED || inst->power == POWER_PAUSED ||
		inst->run == RUN_PAUSED;
}

static bool
is_suspended(const struct instance *inst)
{
	return inst->vm_state == VM_SUSPENDED ||
		(!(inst->flags & INST_F_NOVA) && inst->run == RUN_PMSUSPENDED);
}

static int
resize_fact(const struct instance *inst)
{
	const bool resized = inst->vm_state == VM_RESIZED;

	if (inst->task == TASK_RESIZE_REVERTING)
		return inst->op == OP_COLD_REVERT || inst->op == OP_COLD_MIGRATE ?
			FACT_INSTANCE_COLD_REVERTING : FACT_INSTANCE_RESIZE_REVERTING;
	if (inst->task == TASK_RESIZING)
		return inst->op == OP_COLD_MIGRATE ? FACT_INSTANCE_COLD_MIGRATING :
			FACT_INSTANCE_RESIZING;
	if (resized)
		return inst->op == OP_COLD_MIGRATE ? FACT_INSTANCE_COLD_MIGRATED :
			FACT_INSTANCE_RESIZED;
	return -1;
}

/*
 * The incumbent's precedence, stopped before failed before paused …, with two differences
 * (compute-events §1.3): an instance that is being evacuated shows that and not its failure, and
 * a pause inside a live migration is part of the migration.
 */
static int
failure(const struct instance *inst)
{
	return inst->flags & INST_F_NO_HOST ? FACT_INSTANCE_UNSCHEDULED : FACT_INSTANCE_FAILED;
}

static int
main_fact(const struct instance *inst)
{
	const bool migrating = inst_is_migrating(inst);

	if (inst->deleted_at.ns != 0 || inst->task == TASK_DELETING)
		return inst->deleted_at.ns != 0 ? -1 : inst->main;
	if (inst->op == OP_EVACUATE && inst->task == TASK_REBUILDING)
		return FACT_INSTANCE_EVACUATING;
	if (is_stopped(inst))
		return FACT_INSTANCE_STOPPED;
	if (is_failed(inst))
		return failure(inst);
	if (is_paused(inst) && !migrating)
		return FACT_INSTANCE_PAUSED;
	if (is_suspended(inst))
		return FACT_INSTANCE_SUSPENDED;
	if (inst->task == TASK_REBOOTING)
		return FACT_INSTANCE_REBOOTING;
	if (inst->task == TASK_REBUILDING)
		return FACT_INSTANCE_REBUILDING;
	if (migrating)
		return FACT_INSTANCE_MIGRATING;
	return resize_fact(inst);
}

/* Facts that hold beside the main one. */
static const struct { unsigned held; enum fact_id fact; } held_fact[] = {
	{HELD_MIGRATING, FACT_INSTANCE_MIGRATING}, {HELD_AGENT_LOST, FACT_INSTANCE_AGENT_LOST},
	{HELD_IO_ERROR, FACT_INSTANCE_IO_ERROR}, {HELD_SPLIT, FACT_INSTANCE_SPLIT},
};

/*
 * A migration is the context of a failure that comes before its end: its alarm stays, so that what
 * it explains can be seen below the worse one.
 */
static unsigned
held_now(const struct instance *inst)
{
	const bool failed = inst->main == FACT_INSTANCE_FAILED;

	if (inst->deleted_at.ns != 0)
		return 0;
	return (failed && attempt_is_open(inst) ? HELD_MIGRATING : 0) |
		(inst->flags & INST_F_AGENT_LOST ? HELD_AGENT_LOST : 0) |
		(inst->flags & INST_F_IO_ERROR ? HELD_IO_ERROR : 0) |
		(inst->flags & INST_F_SPLIT ? HELD_SPLIT : 0);
}

static void
decide_held(struct correlator *corr, struct instance *inst, unsigned now)
{
	const unsigned changed = inst->held_facts ^ now;

	inst->held_facts = (uint8_t)now;
	for (unsigned i = 0; changed != 0 && i < FM_ARRAY_LEN(held_fact); i++) {
		if (!(changed & held_fact[i].held))
			continue;
		if (now & held_fact[i].held)
			rules_enter(corr, held_fact[i].fact, inst, NULL, corr->now);
		else
			rules_leave(corr, held_fact[i].fact, inst, NULL);
	}
}

bool
inst_holds(const struct instance *inst, enum fact_id fact)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(held_fact); i++)
		if (held_fact[i].fact == fact && (inst->held_facts & held_fact[i].held))
			return true;
	return inst->main == (int)fact;
}

void
inst_enter_held(struct correlator *corr, struct instance *inst)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(held_fact); i++)
		if (inst->held_facts & held_fact[i].held)
			rules_enter(corr, held_fact[i].fact, inst, NULL, corr->now);
}

static void
failure_events(struct correlator *corr, struct instance *inst, int was, int is)
{
	struct fact_values v = inst_values(inst);

	v.reason = inst->fault;
	if (is == FACT_INSTANCE_FAILED || is == FACT_INSTANCE_UNSCHEDULED)
		rules_event(corr, FACT_INSTANCE_FAULT, &v);
	else if ((was == FACT_INSTANCE_FAILED || was == FACT_INSTANCE_UNSCHEDULED) && is == -1 &&
		 inst->deleted_at.ns == 0)
		rules_event(corr, FACT_INSTANCE_ENABLED, &v);
}

/* The migration's slot passes between the main fact and the one beside a failure as it is. */
static void
change_main(struct correlator *corr, struct instance *inst, int is, struct fm_time since)
{
	const int was = inst->main;

	inst->main = (int8_t)is;
	const bool keeps = was == FACT_INSTANCE_MIGRATING && (held_now(inst) & HELD_MIGRATING);
	const bool kept = is == FACT_INSTANCE_MIGRATING && (inst->held_facts & HELD_MIGRATING);

	if (keeps)
		inst->held_facts |= HELD_MIGRATING;
	else if (was >= 0)
		rules_leave(corr, (enum fact_id)was, inst, NULL);
	if (kept)
		inst->held_facts &= (uint8_t)~HELD_MIGRATING;
	else if (is >= 0)
		rules_enter(corr, (enum fact_id)is, inst, NULL, since);
}

static bool
has_fault(const struct instance *inst)
{
	return inst->main == FACT_INSTANCE_FAILED || inst->main == FACT_INSTANCE_UNSCHEDULED ||
		(inst->held_facts & (HELD_IO_ERROR | HELD_SPLIT));
}

void
inst_decide(struct correlator *corr, struct instance *inst, struct fm_time since)
{
	const int was = inst->main, is = main_fact(inst);
	const bool had = has_fault(inst);

	if (is != was) {
		inst->state_since = since.ns > corr->now.ns ? corr->now : since;
		inst_dirty(corr, inst);
		change_main(corr, inst, is, inst->state_since);
		failure_events(corr, inst, was, is);
	}
	decide_held(corr, inst, held_now(inst));
	if (had && !has_fault(inst)) {
		fm_freep(&inst->fault);         /* of what has ended */
		inst_dirty(corr, inst);
	}
}

/* ---- end of life ---------------------------------------------------------------------------- */

static struct corr_alarm *
first_of_event(const struct instance *inst)
{
	struct corr_alarm *first = NULL;

	for (struct corr_alarm *al = inst->alarms; al != NULL; al = al->inst_next)
		if (!al->a.cleared && al->rule != NULL && al->rule->group.by == GROUP_NONE &&
		    !fact_is_state(al->rule->fact) && (first == NULL || al->a.id < first->a.id))
			first = al;
	return first;
}

/* What events have raised of it ends with it: no Expire and no Clear would say more. */
static void
clear_events(struct correlator *corr, struct instance *inst)
{
	struct corr_alarm *al;

	while ((al = first_of_event(inst)) != NULL)
		al_clear(corr, al);
}

/* Its alarms go; the instance stays as a tombstone so that stragglers raise nothing. */
void
inst_delete(struct correlator *corr, struct instance *inst)
{
	if (inst->deleted_at.ns != 0)
		return;
	if (inst_is_migrating(inst))
		attempt_close(corr, inst, AT_SUPERSEDED, inst->nova_stamp, NULL);
	if (inst->owner != NULL)
		inst->owner->guests--;
	inst->deleted_at = corr->now;
	inst->task = TASK_NONE;
	inst_dirty(corr, inst);
	inst_decide(corr, inst, corr->now);
	clear_events(corr, inst);
	inst->tombstone = fm_calloc(1, sizeof(*inst->tombstone));
	dl_arm(corr, inst->tombstone, DL_TOMBSTONE, inst,
	       fm_time_add(corr->now, (struct fm_span){TOMBSTONE_LIFE}));
}

static void
unlink_dirty(struct correlator *corr, struct instance *inst)
{
	struct instance **pp = &corr->dirty_inst;

	if (!inst->dirty && !inst->soft)
		return;
	while (*pp != inst)
		pp = &(*pp)->next_dirty;
	*pp = inst->next_dirty;
}

void
inst_free(struct correlator *corr, struct instance *inst)
{
	char uuid[FM_UUID_STR];

	inst_put_on(inst, NULL);
	unlink_dirty(corr, inst);
	while (inst->alarms != NULL)
		al_link_inst(inst->alarms, NULL);
	forget(corr, ROW_INSTANCE, fm_uuid_format(&inst->uuid, uuid), NULL);
	if (inst->pool != NULL)
		keep_no_pool(corr, inst);
	while (inst->slots != NULL)
		slot_free(corr, inst->slots);
	attempt_free(corr, inst);
	if (inst->tombstone != NULL)
		dl_cancel(corr, inst->tombstone);
	stamp_drop(corr, inst);
	fm_map_remove(&corr->instances, uuid_hash(&inst->uuid), inst);
	corr->stats.instances--;
	free(inst->tombstone);
	free(inst->twins);
	free(inst->name);
	free(inst->fault);
	fm_pool_put(&corr->instance_pool, inst);
}

void
inst_free_all(struct correlator *corr)
{
	struct instance **v;
	size_t n;

	corr_clean(corr);       /* or each would be looked for among those that changed */
	v = inst_all(corr, &n);
	for (size_t i = 0; i < n; i++)
		inst_free(corr, v[i]);
	free(v);
	fm_map_fini(&corr->instances);
	fm_pool_fini(&corr->instance_pool);
}
