/* Fault requests. */
#include "test_event.h"

#define SET(members) "{\"op\":\"set\",\"alarm_id\":\"200.004\"," \
	"\"entity_instance_id\":\"host=compute-1\"" members "}"

Test(event_request, a_set_with_every_member_is_read)
{
	const struct ev_request *rq;
	RIG;

	decoded(&rig, SET(",\"entity_type_id\":\"host\",\"severity\":\"critical\","
			  "\"reason_text\":\"it \\\"failed\\\"\","
			  "\"alarm_type\":\"operational-violation\","
			  "\"probable_cause\":\"software-error\","
			  "\"proposed_repair_action\":\"reset it\",\"service_affecting\":true,"
			  "\"suppression\":false,\"inhibit_alarms\":true,"
			  "\"keep_existing_alarm\":false,"
			  "\"timestamp\":\"2026-11-22T10:15:42.118023Z\",\"request_id\":\"r-1\""));
	rq = &rig.ev.u.rq;
	cr_assert_eq(rig.ev.origin, ORIGIN_REQUEST);
	assert_str(rig.ev.name, "set");
	cr_assert_eq(rq->op, REQ_SET);
	assert_str(rq->alarm_id, "200.004");
	assert_str(rq->entity, "host=compute-1");
	assert_str(rq->entity_type_id, "host");
	assert_str(rq->reason_text, "it \"failed\"");
	assert_str(rq->repair, "reset it");
	assert_str(rq->request_id, "r-1");
	cr_assert_eq(rq->severity, SEV_CRITICAL);
	cr_assert_str_eq(alarm_type_name(rq->alarm_type), "operational-violation");
	cr_assert_str_eq(probable_cause_name(rq->cause), "software-error");
	cr_assert_eq(rq->service_affecting, 1);
	cr_assert_eq(rq->suppression, 0);
	cr_assert_eq(rq->inhibit, 1);
	cr_assert_eq(rq->keep_existing, 0);
	cr_assert_eq(rig.ev.stamp.ns, 1795342542118023000);
	cr_assert_eq(rig.ev.id_hash, fm_hash64("r-1", 3, 0));
	cr_assert_not(rig.ev.has_instance);
}

Test(event_request, what_is_not_given_is_left_to_the_catalogue)
{
	const struct ev_request *rq;
	RIG;

	decoded(&rig, SET(",\"severity\":null"));
	rq = &rig.ev.u.rq;
	cr_assert_eq(rq->severity, -1);
	cr_assert_eq(rq->alarm_type, -1);
	cr_assert_eq(rq->cause, -1);
	cr_assert_eq(rq->service_affecting, -1);
	cr_assert_eq(rq->suppression, -1);
	cr_assert_eq(rq->inhibit, -1);
	cr_assert_eq(rq->keep_existing, -1);
	cr_assert_null(rq->reason_text.p);
	cr_assert_eq(rig.ev.stamp.ns, 0);
	cr_assert_eq(rig.ev.id_hash, 0);
}

Test(event_request, each_operation_is_read)
{
	static const struct {
		const char *word;
		enum request_op op;
	} ops[] = {{"set", REQ_SET}, {"clear", REQ_CLEAR}, {"clear_all", REQ_CLEAR_ALL},
		   {"log", REQ_LOG}};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(ops); i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			"{\"op\":\"%s\",\"alarm_id\":\"1\",\"entity_instance_id\":\"a=b\"}",
			ops[i].word);
		cr_assert_eq(decoded(&rig, text)->u.rq.op, ops[i].op);
	}
}

Test(event_request, an_unknown_operation_is_reported_as_unknown_not_as_malformed)
{
	RIG;

	cr_assert_eq(decode(&rig, "{\"op\":\"frobnicate\"}"), 1);
	cr_assert_eq(rig.ev.origin, ORIGIN_REQUEST);
	assert_str(rig.ev.name, "frobnicate");
	refused(&rig, -EBADMSG, "member op: not a string", "{\"op\":1}");
	refused(&rig, -EBADMSG, "member op: missing", "{\"op\":null}");
}

Test(event_request, only_clear_all_may_do_without_an_alarm_id)
{
	RIG;

	decoded(&rig, "{\"op\":\"clear_all\",\"entity_instance_id\":\"host=c-1\"}");
	cr_assert_null(rig.ev.u.rq.alarm_id.p);
	refused(&rig, -EBADMSG, "member alarm_id: missing",
		"{\"op\":\"clear\",\"entity_instance_id\":\"host=c-1\"}");
	refused(&rig, -EBADMSG, "member entity_instance_id: missing",
		"{\"op\":\"clear_all\",\"alarm_id\":\"200.004\"}");
}

Test(event_request, wrong_members_are_refused_by_name)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{SET(",\"severity\":\"awful\""), "member severity: not a severity"},
		{SET(",\"severity\":3"), "member severity: not a string"},
		{SET(",\"alarm_type\":\"x\""), "member alarm_type: not an alarm type"},
		{SET(",\"probable_cause\":\"x\""), "member probable_cause: not a probable cause"},
		{SET(",\"service_affecting\":\"true\""), "member service_affecting: neither"},
		{SET(",\"suppression\":1"), "member suppression: neither"},
		{SET(",\"inhibit_alarms\":\"\""), "member inhibit_alarms: neither"},
		{SET(",\"keep_existing_alarm\":[]"), "member keep_existing_alarm: neither"},
		{SET(",\"timestamp\":\"yesterday\""), "member timestamp: not a time"},
		{SET(",\"reason_text\":{}"), "member reason_text: not a string"},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++)
		refused(&rig, -EBADMSG, cases[i].words, cases[i].text);
}

static int
try_identity(struct rig *rig, const char *id, size_t id_len, size_t entity_len)
{
	struct fm_buf b = {0};
	int rc;

	fm_buf_addf(&b, "{\"op\":\"set\",\"alarm_id\":\"%.*s\",\"entity_instance_id\":\"h=",
		    (int)id_len, id);
	for (size_t i = 2; i < entity_len; i++)
		fm_buf_adds(&b, "x");
	fm_buf_adds(&b, "\"}");
	rc = decode(rig, b.s);
	fm_buf_fini(&b);
	return rc;
}

Test(event_request, identities_are_bounded)
{
	static const char digits[] = "1234567890123456";
	RIG;

	cr_assert_eq(try_identity(&rig, digits, FM_MAX_ALARM_ID, 10), 0);
	cr_assert_eq(try_identity(&rig, digits, FM_MAX_ALARM_ID + 1, 10), -EBADMSG);
	cr_assert_eq(try_identity(&rig, digits, 0, 10), -EBADMSG);
	cr_assert_eq(try_identity(&rig, digits, 7, FM_MAX_ENTITY), 0);
	cr_assert_eq(try_identity(&rig, digits, 7, FM_MAX_ENTITY + 1), -EBADMSG);
	cr_assert_eq(try_identity(&rig, digits, 7, 5000), -EBADMSG);
}

Test(event_request, identities_hold_no_control_bytes)
{
	RIG;

	refused(&rig, -EBADMSG, "member entity_instance_id: not an entity path",
		"{\"op\":\"set\",\"alarm_id\":\"1\",\"entity_instance_id\":\"a=\\u001b[2J\"}");
	refused(&rig, -EBADMSG, "member entity_instance_id: not an entity path",
		"{\"op\":\"set\",\"alarm_id\":\"1\",\"entity_instance_id\":\"\"}");
	refused(&rig, -EBADMSG, "member alarm_id: not an alarm id",
		"{\"op\":\"set\",\"alarm_id\":\"1\\n\",\"entity_instance_id\":\"a=b\"}");
	refused(&rig, -EBADMSG, "member alarm_id: not an alarm id",
		"{\"op\":\"set\",\"alarm_id\":\"1|2\",\"entity_instance_id\":\"a=b\"}");
}
