/*
 * request: what StarlingX producers ask through their client library. Missing members come from
 * the catalogue; "clear" is exact, "clear_all" covers an entity's subtree by segments and
 * makes one transition an alarm; keep_existing leaves an active alarm as it is, truthfully.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

static char *
text_of(struct fm_str s)
{
	return s.p != NULL ? fm_strndup(s.p, s.len) : NULL;
}

static struct instance *
instance_of(const struct correlator *corr, const char *entity)
{
	const struct fm_str s = entity_get(entity, "instance");
	struct fm_uuid uuid;

	return s.p != NULL && fm_uuid_parse(s.p, s.len, &uuid) ? inst_find(corr, &uuid) : NULL;
}

static struct host *
host_of(struct correlator *corr, const char *entity, const struct instance *inst)
{
	const struct fm_str s = entity_get(entity, "host");

	if (s.p != NULL)
		return host_get(corr, s);
	return inst != NULL ? inst->owner : NULL;
}

static void
overrule(struct alarm_spec *spec, const struct ev_request *rq)
{
	if (rq->alarm_type >= 0)
		spec->type = rq->alarm_type;
	if (rq->cause >= 0)
		spec->cause = rq->cause;
	if (rq->service_affecting >= 0)
		spec->service_affecting = rq->service_affecting;
	if (rq->suppression >= 0)
		spec->suppressible = rq->suppression;
	if (rq->inhibit >= 0)
		spec->inhibits = rq->inhibit;
	spec->keep_existing = rq->keep_existing == 1;
}

/* There is always a text: without one nobody could tell what is wrong. */
static const char *
text_without(struct correlator *corr, const struct alarm_spec *spec, enum severity sev)
{
	const struct fact_values v = {.inst = spec->inst, .host = spec->host, .count = EV_ABSENT};

	fm_buf_reset(&corr->text);
	if (spec->rec != NULL)
		text_render(cat_text_for(spec->rec, sev), &v, corr, &corr->text);
	if (corr->text.len == 0)
		fm_buf_addf(&corr->text, "Set by request without a text; the catalogue has none for %s",
			    spec->alarm_id);
	return corr->text.s;
}

/*
 * An id that the catalogue does not know is kept, not refused: the incumbent's producers may
 * be newer than its catalogue. It then has what the request gives and neutral values else. What the
 * catalogue has as a log is written as one, whichever was asked for: it has no end.
 */
static void
set_or_log(struct correlator *corr, const struct event *ev, const char *id, const char *entity)
{
	const struct ev_request *rq = &ev->u.rq;
	const struct cat_record *rec = cat_find(corr->cat, id);
	char *text = text_of(rq->reason_text), *repair = text_of(rq->repair);
	char *type = text_of(rq->entity_type_id);
	struct alarm_spec spec = {.alarm_id = id, .suppressible = true, .cause = FM_CAUSE_UNKNOWN,
		.severity = SEV_WARNING};
	enum severity sev = rq->severity >= 0 ? (enum severity)rq->severity :
		rec != NULL ? rec->severity : SEV_WARNING;

	if (rec != NULL)
		spec_from_record(&spec, rec, sev);
	spec.severity = sev;
	spec.origin = ALARM_BY_REQUEST;
	spec.entity = entity;
	spec.entity_type = type;
	spec.inst = instance_of(corr, entity);
	spec.host = host_of(corr, entity, spec.inst);
	/* The producer's own time, unless it lies in the future of what we have seen. */
	spec.raised_at = ev->stamp.ns != 0 && ev->stamp.ns <= corr->now.ns ? ev->stamp : corr->now;
	spec.text = text != NULL && text[0] != '\0' ? text : text_without(corr, &spec, sev);
	if (repair != NULL)
		spec.repair = repair;
	overrule(&spec, rq);
	if (rq->op == REQ_LOG || (rec != NULL && rec->is_log))
		al_log(corr, &spec);
	else
		(void)al_set(corr, &spec);
	free(text);
	free(repair);
	free(type);
}

static void
clear_one(struct correlator *corr, struct corr_alarm *al)
{
	rules_closed(corr, al);
	al_clear(corr, al);
}

static void
clear_below(struct correlator *corr, const char *id, const char *entity)
{
	struct corr_alarm *al = corr->active.head, *next;

	for (; al != NULL; al = next) {
		next = al->next;
		if (entity_covers(entity, al->a.entity) &&
		    (id == NULL || strcmp(id, al->a.alarm_id) == 0))
			clear_one(corr, al);
	}
}

enum corr_outcome
request_apply(struct correlator *corr, const struct event *ev)
{
	const struct ev_request *rq = &ev->u.rq;
	char *id = text_of(rq->alarm_id), *entity = text_of(rq->entity);
	struct corr_alarm *al;

	switch (rq->op) {
	case REQ_SET:
	case REQ_LOG:
		set_or_log(corr, ev, id, entity);
		break;
	case REQ_CLEAR:
		al = al_find(corr, id, entity);
		if (al != NULL && !al->a.cleared)
			clear_one(corr, al);
		break;
	case REQ_CLEAR_ALL:
		clear_below(corr, id, entity);
		break;
	}
	free(id);
	free(entity);
	return corr->effect ? CORR_APPLIED : CORR_NO_EFFECT;
}
