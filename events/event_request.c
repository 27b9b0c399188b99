/*
 * event_request: fault requests, what producers of alarms ask for (INTERFACES §3). Knows the
 * words; what is missing comes from the catalogue, which it does not know.
 */
#include "events/event_priv.h"

#define REQUEST_OPS(X) X(SET, "set") X(CLEAR, "clear") X(CLEAR_ALL, "clear_all") X(LOG, "log")
static const struct ev_word ops[] = {
#define FM_X(id, name) EV_WORD(name, REQ_##id),
	REQUEST_OPS(FM_X)
#undef FM_X
};

void
request_words_init(struct request_words *w)
{
	ev_words_init(&w->op, ops, FM_ARRAY_LEN(ops));
}

/* Printable ASCII without the bar, which separates id and entity in an alarm's key. */
static bool
is_alarm_id(struct fm_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '|')
			return false;
	return s.len > 0 && s.len <= FM_MAX_ALARM_ID;
}

static bool
is_entity(struct fm_str s)
{
	struct entity_segment seg[FM_MAX_SEGMENTS];

	return s.len <= FM_MAX_ENTITY && entity_parse(s.p, s.len, seg) > 0;
}

/* An alarm is (id, entity); clear_all covers every id below an entity when none is given. */
static void
take_identity(struct evj_object *top, struct ev_request *rq)
{
	rq->alarm_id = evj_str(top, T_ALARM_ID);
	rq->entity = evj_str(top, T_ENTITY);
	if (rq->alarm_id.p == NULL && rq->op != REQ_CLEAR_ALL)
		evj_wrong(top, T_ALARM_ID, "missing");
	if (rq->alarm_id.p != NULL && !is_alarm_id(rq->alarm_id))
		evj_wrong(top, T_ALARM_ID, "not an alarm id (1 to 15 printable characters, no |)");
	if (rq->entity.p == NULL)
		evj_wrong(top, T_ENTITY, "missing");
	else if (!is_entity(rq->entity))
		evj_wrong(top, T_ENTITY, "not an entity path (1 to 1024 bytes, 16 segments, "
			  "no control characters)");
}

static void
take_words(struct evj_object *top, struct ev_request *rq)
{
	struct fm_str severity = evj_str(top, T_SEVERITY);
	struct fm_str type = evj_str(top, T_ALARM_TYPE);
	struct fm_str cause = evj_str(top, T_CAUSE);
	enum severity sev;

	rq->severity = rq->alarm_type = rq->cause = -1;
	if (severity.p != NULL) {
		if (severity_parse(severity.p, severity.len, &sev))
			rq->severity = (int)sev;
		else
			evj_wrong(top, T_SEVERITY, "not a severity");
	}
	if (type.p != NULL && !alarm_type_parse(type.p, type.len, &rq->alarm_type))
		evj_wrong(top, T_ALARM_TYPE, "not an alarm type");
	if (cause.p != NULL && !probable_cause_parse(cause.p, cause.len, &rq->cause))
		evj_wrong(top, T_CAUSE, "not a probable cause");
}

int
request_decode(struct decoder *d)
{
	struct evj_object *top = &d->top;
	struct ev_request *rq = &d->ev.u.rq;
	struct fm_str op = evj_str(top, T_OP);
	int id = ev_words_id(&d->rq.op, op, -1);

	if (top->rc == 0 && op.p == NULL)
		evj_wrong(top, T_OP, "missing");
	if (top->rc < 0)
		return top->rc;
	d->ev.origin = ORIGIN_REQUEST;
	d->ev.name = op;
	*rq = (struct ev_request){0};
	if (id < 0)
		return 1;
	rq->op = (enum request_op)id;
	take_identity(top, rq);
	take_words(top, rq);
	rq->entity_type_id = evj_str(top, T_ENTITY_TYPE);
	rq->reason_text = evj_str(top, T_REASON_TEXT);
	rq->repair = evj_str(top, T_REPAIR);
	rq->service_affecting = evj_bool(top, T_SERVICE_AFFECTING);
	rq->suppression = evj_bool(top, T_SUPPRESSION);
	rq->inhibit = evj_bool(top, T_INHIBIT);
	rq->keep_existing = evj_bool(top, T_KEEP_EXISTING);
	rq->request_id = evj_str(top, T_REQUEST_ID);
	d->ev.stamp = evj_time(top, T_TIMESTAMP);
	if (rq->request_id.len > 0)
		d->ev.id_hash = fm_hash64(rq->request_id.p, rq->request_id.len, 0);
	return top->rc;
}
