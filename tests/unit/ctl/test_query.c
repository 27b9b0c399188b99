/* The query language: which alarms a query takes, and what it refuses to be. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "alarm/alarm_json.h"
#include "ctl/ctl.h"

/* The alarm that every query below is asked of. */
static struct alarm
sample(void)
{
	struct alarm al = {
		.alarm_id = "700.008",
		.entity_type_id = "tenant.instance",
		.entity = "tenant=a.instance=b",
		.severity = SEV_MAJOR,
		.reason_text = "Instance vm-1 is live migrating; a::b",
		.type = 4,
		.cause = 50,
		.service_affecting = true,
		.count = 3,
		.status = SUPPR_NONE,
	};

	cr_assert(fm_uuid_parse("0a1b2c3d-0000-5000-8000-000000000008", 36, &al.uuid));
	cr_assert_eq(fm_time_parse("2026-11-23T10:15:08Z", 20, &al.raised_at), 0);
	cr_assert_eq(fm_time_parse("2026-11-23T10:18:08Z", 20, &al.changed_at), 0);
	return al;
}

struct question {
	char text[100];
	bool matches;
};

ParameterizedTestParameters(query, takes_the_alarms_it_describes)
{
	static struct question questions[] = {
		{"alarm_id=700.008", true}, {"alarm_id=700.00", false}, {"alarm_id!=700.00", true},
		{"alarm_id!=700.008", false}, {"alarm_id~700", true}, {"alarm_id~800", false},
		{"event_log_id=700.008", true},
		{"entity_instance_id=tenant=a.instance=b", true},
		{"entity_instance_id~instance=b", true}, {"entity_instance_id~host=", false},
		{"entity_type_id=tenant.instance", true},
		{"severity=major", true}, {"severity!=major", false}, {"severity<major", false},
		{"severity<=major", true}, {"severity>minor", true}, {"severity>=critical", false},
		{"severity<critical", true}, {"severity>=major", true}, {"severity>major", false},
		{"alarm_type=equipment", true}, {"alarm_type!=equipment", false},
		{"probable_cause=threshold-crossed", true}, {"probable_cause!=fire-detected", true},
		{"reason_text~live migrating", true}, {"reason_text=live", false},
		{"reason_text~a::b", true},
		{"uuid=0a1b2c3d-0000-5000-8000-000000000008", true}, {"uuid~5000", true},
		{"uuid!=0a1b2c3d-0000-5000-8000-000000000008", false},
		{"state=active", true}, {"state=cleared", false}, {"state!=cleared", true},
		{"state=set", true}, {"state=log", false},
		{"timestamp=2026-11-23T10:18:08Z", true}, {"timestamp>2026-11-23T10:18:07Z", true},
		{"timestamp>=2026-11-23T11:18:08+01:00", true},
		{"timestamp<2026-11-23T10:18:08Z", false}, {"timestamp<=2026-11-23 10:18:08", true},
		{"service_affecting=true", true}, {"service_affecting=False", false},
		{"service_affecting!=no", true},
		{"count=3", true}, {"count>2", true}, {"count<3", false}, {"count<=3", true},
		{"count>=4", false}, {"count!=3", false},
		/* all the terms must hold; blanks and empty terms mean nothing */
		{"severity=major;count=3", true}, {"severity=major;count=4", false},
		{" severity = major ;; count > 2 ; ", true},
		/* the incumbent's types are taken and dropped */
		{"severity=string::major", true}, {"count>integer::2", true},
		{"timestamp>datetime::2026-11-23T10:18:07Z", true},
		{"reason_text=string::", false},
	};

	return cr_make_param_array(struct question, questions, FM_ARRAY_LEN(questions));
}

ParameterizedTest(struct question *question, query, takes_the_alarms_it_describes)
{
	struct alarm al = sample();
	struct ctl_query *q;
	struct fm_err err = {0};

	cr_assert_eq(ctl_query_parse(question->text, &q, &err), 0, "%s: %s", question->text,
		     err.msg);
	cr_assert_eq(ctl_query_matches(q, &al), question->matches, "%s", question->text);

	size_t len;
	char *json = alarm_to_json(&al, &len);
	cr_assert_eq(ctl_query_matches_json(q, json, len), question->matches, "JSON: %s",
		     question->text);
	free(json);
	ctl_query_free(q);
}

struct refusal {
	char text[100];
	char names[50];
};

ParameterizedTestParameters(query, is_refused_by_name)
{
	static struct refusal refusals[] = {
		{"", "empty"}, {" ; ", "empty"},
		{"colour=red", "unknown key \"colour\""}, {"=x", "unknown key"},
		{"severity", "severity: one of"}, {"severity!major", "severity: one of"},
		{"severity=sever", "severity: \"sever\""},
		{"severity~major", "severity cannot be asked with ~"},
		{"reason_text<x", "reason_text cannot be asked with <"},
		{"alarm_id>=1", "alarm_id cannot be asked with >="},
		{"uuid<1", "uuid cannot"}, {"state>active", "state cannot"},
		{"alarm_type<equipment", "alarm_type cannot"},
		{"probable_cause~x", "probable_cause cannot"},
		{"service_affecting>1", "service_affecting cannot"},
		{"alarm_type=nonsense", "alarm_type: \"nonsense\""},
		{"probable_cause=nonsense", "probable_cause: \"nonsense\""},
		{"timestamp=yesterday", "timestamp: \"yesterday\""},
		{"count=-1", "count: \"-1\""}, {"count=", "count: \"\""},
		{"count=9999999999999999999", "count:"}, {"state=open", "state: \"open\""},
		{"service_affecting=maybe", "service_affecting: \"maybe\""},
		{"severity=major;colour=red", "colour"},
	};

	return cr_make_param_array(struct refusal, refusals, FM_ARRAY_LEN(refusals));
}

ParameterizedTest(struct refusal *refusal, query, is_refused_by_name)
{
	struct ctl_query *q = NULL;
	struct fm_err err = {0};

	cr_assert_eq(ctl_query_parse(refusal->text, &q, &err), -EINVAL, "%s", refusal->text);
	cr_assert_not_null(strstr(err.msg, refusal->names), "%s: %s", refusal->text, err.msg);
	cr_assert_null(q, "not written on failure");
}

Test(query, may_have_its_limit_of_terms_but_no_more)
{
	struct fm_buf text = {0};
	struct ctl_query *q;
	struct fm_err err;

	for (unsigned i = 0; i < CTL_MAX_TERMS; i++)
		fm_buf_adds(&text, "count>0;");
	cr_assert_eq(ctl_query_parse(text.s, &q, &err), 0, "%s", err.msg);
	ctl_query_free(q);
	fm_buf_adds(&text, "count>0");
	cr_assert_eq(ctl_query_parse(text.s, &q, &err), -EINVAL);
	fm_buf_fini(&text);
}

Test(query, none_takes_everything)
{
	struct alarm al = {0};

	cr_assert(ctl_query_matches(NULL, &al));
	cr_assert(ctl_query_matches_json(NULL, "nonsense", 8));
	ctl_query_free(NULL);
}

Test(query, an_alarm_without_texts_has_empty_ones)
{
	struct alarm al = {0};
	struct ctl_query *q;

	cr_assert_eq(ctl_query_parse("alarm_id=;entity_instance_id!=x;reason_text=", &q, NULL), 0);
	cr_assert(ctl_query_matches(q, &al));
	ctl_query_free(q);
}

static bool
record_matches(const char *text, const struct transition *tr)
{
	struct ctl_query *q;
	size_t len, alarm_len;
	char *json = transition_to_json(tr, "stream", &len, &alarm_len);

	cr_assert_eq(ctl_query_parse(text, &q, NULL), 0);
	bool matches = ctl_query_matches_json(q, json, len);
	ctl_query_free(q);
	free(json);
	return matches;
}

Test(query, of_a_history_record_means_its_alarm_but_its_own_time)
{
	struct transition tr = {.seq = 5, .kind = TR_CHANGE, .alarm = sample()};

	cr_assert_eq(fm_time_parse("2026-11-23T12:00:00Z", 20, &tr.at), 0);
	cr_assert(record_matches("alarm_id=700.008;severity=major;state=active", &tr));
	cr_assert(record_matches("timestamp=2026-11-23T12:00:00Z", &tr));
	cr_assert_not(record_matches("timestamp<2026-11-23T12:00:00Z", &tr));
}

Test(query, of_a_log_finds_the_state_log)
{
	struct transition tr = {.seq = 5, .kind = TR_LOG, .at = {1}, .alarm = sample()};

	cr_assert(record_matches("state=log", &tr));
	cr_assert_not(record_matches("state=active", &tr));
}

Test(query, what_is_no_json_matches_nothing)
{
	struct ctl_query *q;

	cr_assert_eq(ctl_query_parse("count>=0", &q, NULL), 0);
	cr_assert_not(ctl_query_matches_json(q, "nonsense", 8));
	cr_assert_not(ctl_query_matches_json(q, "[]", 2));
	cr_assert(ctl_query_matches_json(q, "{}", 2));
	ctl_query_free(q);
}
