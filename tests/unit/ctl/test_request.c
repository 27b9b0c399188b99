/* One line from a client: what is read from it, and every way of being refused. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"

static int
parse(const char *line, struct ctl_request *ret, struct fm_err *err)
{
	return ctl_request_parse(line, strlen(line), ret, err);
}

Test(request, gives_id_verb_and_arguments_of_each_type)
{
	struct ctl_request rq;
	struct fm_err err;

	cr_assert_eq(parse("{\"id\":7,\"verb\":\"alarm-list\",\"args\":{"
			   "\"query\":\"severity>=major\",\"limit\":20,"
			   "\"include_suppressed\":true,\"cleared\":false}}", &rq, &err), 0);
	cr_assert_eq(rq.id, 7);
	cr_assert_eq(rq.verb, CTL_VERB_ALARM_LIST);
	cr_assert_str_eq(ctl_arg_text(&rq, "query"), "severity>=major");
	cr_assert_eq(ctl_arg_num(&rq, "limit", 5), 20);
	cr_assert_eq(ctl_arg_num(&rq, "include_suppressed", 0), 1);
	cr_assert_eq(ctl_arg_num(&rq, "cleared", 1), 0);
	ctl_request_fini(&rq);
}

static void
expect_args(const char *line, size_t max, const char *expected)
{
	struct ctl_request rq;
	struct fm_err err = {0};
	struct fm_buf b = {0};

	cr_assert_eq(parse(line, &rq, &err), 0, "%s", err.msg);
	ctl_request_args(&rq, max, &b);
	cr_assert_str_eq(b.s, expected);
	fm_buf_fini(&b);
	ctl_request_fini(&rq);
}

Test(request, gives_its_arguments_back_as_an_object_of_bounded_size)
{
	static const char line[] = "{\"id\":7,\"verb\":\"alarm-shelve\",\"args\":{"
		"\"alarm_id\":\"a\\n\\u00e9\\u00e9\",\"for\":60}}";

	expect_args(line, 6, "{\"alarm_id\":\"a\\n\u00e9\u00e9\",\"for\":60}");
	expect_args(line, 5, "{\"alarm_id\":\"a\\n\u00e9\u2026\",\"for\":60}");
	expect_args("{\"id\":1,\"verb\":\"event-unsuppress-all\"}", 5, "{}");
}

Test(request, absent_arguments_give_null_and_the_default)
{
	struct ctl_request rq;

	cr_assert_eq(parse("{\"id\":1,\"verb\":\"alarm-list\"}", &rq, NULL), 0);
	cr_assert_null(ctl_arg_text(&rq, "query"));
	cr_assert_eq(ctl_arg_num(&rq, "limit", 42), 42);
	ctl_request_fini(&rq);
}

Test(request, the_newline_of_its_line_may_stay)
{
	struct ctl_request rq;

	cr_assert_eq(parse("{\"id\":1,\"verb\":\"stats\",\"args\":{}}\r\n", &rq, NULL), 0);
	ctl_request_fini(&rq);
}

struct refusal {
	char line[160];
	char names[60];         /* what the message must name */
};

ParameterizedTestParameters(request, is_refused_by_name)
{
	static struct refusal refusals[] = {
		{"", "not JSON"},
		{"{\"id\":1,", "not JSON"},
		{"[1]", "not an object"},
		{"{\"id\":1,\"verb\":\"stats\"}{}", "not JSON"},
		{"{\"id\":1,\"id\":2,\"verb\":\"stats\"}", "not JSON"},
		{"{\"verb\":\"stats\"}", "id"},
		{"{\"id\":-1,\"verb\":\"stats\"}", "id"},
		{"{\"id\":\"1\",\"verb\":\"stats\"}", "id"},
		{"{\"id\":1.5,\"verb\":\"stats\"}", "id"},
		{"{\"id\":1}", "verb"},
		{"{\"id\":1,\"verb\":3}", "verb"},
		{"{\"id\":1,\"verb\":\"alarm-lst\"}", "verb alarm-lst is not known"},
		{"{\"id\":1,\"verb\":\"stats\",\"extra\":1}", "extra: unknown member"},
		{"{\"id\":1,\"verb\":\"stats\",\"args\":[]}", "args"},
		{"{\"id\":1,\"verb\":\"stats\",\"args\":{\"limit\":1}}",
		 "args.limit: stats has no"},
		{"{\"id\":1,\"verb\":\"alarm-show\",\"args\":{}}",
		 "args.uuid: alarm-show needs it"},
		{"{\"id\":1,\"verb\":\"alarm-show\"}", "args.uuid: alarm-show needs it"},
		{"{\"id\":1,\"verb\":\"alarm-clear\",\"args\":{\"alarm_id\":\"1.2\"}}",
		 "args.entity"},
		{"{\"id\":1,\"verb\":\"alarm-show\",\"args\":{\"uuid\":5}}", "args.uuid: a text"},
		{"{\"id\":1,\"verb\":\"alarm-list\",\"args\":{\"limit\":\"5\"}}",
		 "args.limit: a number"},
		{"{\"id\":1,\"verb\":\"alarm-list\",\"args\":{\"limit\":-5}}",
		 "args.limit: a number"},
		{"{\"id\":1,\"verb\":\"alarm-list\",\"args\":{\"cleared\":1}}",
		 "args.cleared: true"},
		{"{\"id\":1,\"verb\":\"alarm-list\",\"args\":{\"query\":null}}",
		 "args.query: a text"},
		{"{\"id\":1,\"verb\":\"alarm-list\",\"args\":{\"query\":[\"x\"]}}", "deeper"},
		{"{\"id\":1,\"verb\":\"alarm-show\",\"args\":{\"uuid\":\"a\\u0000b\"}}",
		 "request: a text has a NUL (\\u0000)"},
		{"{\"id\":99999999999999999999,\"verb\":\"stats\"}", "not JSON"},
		{"{\"id\":1,\"verb\":\"st\xff\"}", "not JSON"},
	};

	return cr_make_param_array(struct refusal, refusals, FM_ARRAY_LEN(refusals));
}

ParameterizedTest(struct refusal *refusal, request, is_refused_by_name)
{
	struct ctl_request rq = {.id = 77};
	struct fm_err err = {0};

	cr_assert_eq(parse(refusal->line, &rq, &err), -EINVAL, "%s", refusal->line);
	cr_assert_not_null(strstr(err.msg, refusal->names), "%s: %s", refusal->line, err.msg);
	cr_assert_eq(rq.id, 77, "nothing is written on failure");
}

/* A request whose query has n bytes. */
static char *
with_query(size_t n)
{
	char *text = malloc(n + 100);

	cr_assert_not_null(text);
	int at = sprintf(text, "{\"id\":1,\"verb\":\"alarm-list\",\"args\":{\"query\":\"");
	memset(text + at, 'x', n);
	strcpy(text + at + n, "\"}}");
	return text;
}

Test(request, a_text_argument_may_have_its_limit_but_no_more)
{
	struct ctl_request rq;
	struct fm_err err;
	char *fits = with_query(CTL_MAX_TEXT), *over = with_query(CTL_MAX_TEXT + 1);

	cr_assert_eq(parse(fits, &rq, &err), 0, "%s", err.msg);
	ctl_request_fini(&rq);
	cr_assert_eq(parse(over, &rq, &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "args.query: longer"));
	free(fits);
	free(over);
}

Test(request, records_have_a_bound_of_their_own)
{
	struct ctl_request rq;
	struct fm_err err;
	const size_t n = CTL_MAX_RECORDS;
	struct fm_buf b = {0};

	fm_buf_adds(&b, "{\"id\":1,\"verb\":\"what-if-event\",\"args\":{\"records\":\"");
	for (size_t i = 0; i < n; i++)
		fm_buf_adds(&b, "\\n");         /* the longest that a byte of JSON becomes */
	const size_t len = b.len;
	fm_buf_adds(&b, "\"}}");
	cr_assert_eq(parse(b.s, &rq, &err), 0, "%s", err.msg);
	cr_assert_eq(strlen(ctl_arg_text(&rq, "records")), n);
	ctl_request_fini(&rq);
	b.s[len] = '\0';
	b.len = len;
	fm_buf_adds(&b, "x\"}}");
	cr_assert_eq(parse(b.s, &rq, &err), -EINVAL);
	cr_assert_str_eq(err.msg, "args.records: longer than 65536 bytes");
	fm_buf_fini(&b);
}

Test(request, a_line_beyond_its_limit_is_refused_unread)
{
	struct ctl_request rq;
	struct fm_err err;
	char *line = malloc(CTL_MAX_LINE + 1);

	cr_assert_not_null(line);
	memset(line, ' ', CTL_MAX_LINE + 1);
	memcpy(line, "{\"id\":1,\"verb\":\"stats\"}", 23);
	cr_assert_eq(ctl_request_parse(line, CTL_MAX_LINE, &rq, &err), 0, "%s", err.msg);
	ctl_request_fini(&rq);
	cr_assert_eq(ctl_request_parse(line, CTL_MAX_LINE + 1, &rq, &err), -EINVAL);
	free(line);
}

Test(request, has_an_edge_in_depth_and_in_arguments)
{
	struct ctl_request rq;
	struct fm_err err;
	struct fm_buf b = {0};

	cr_assert_eq(parse("{\"id\":1,\"verb\":\"stats\",\"args\":{\"x\":[]}}", &rq, &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "nested deeper than 2"));
	cr_assert_eq(parse("{\"id\":1,\"verb\":\"stats\",\"args\":{}}", &rq, &err), 0, "%s", err.msg);
	ctl_request_fini(&rq);
	for (unsigned most = CTL_MAX_ARGS; most <= CTL_MAX_ARGS + 1; most++) {
		fm_buf_reset(&b);
		fm_buf_adds(&b, "{\"id\":1,\"verb\":\"stats\",\"args\":{");
		for (unsigned i = 0; i < most; i++)
			fm_buf_addf(&b, "%s\"a%u\":1", i > 0 ? "," : "", i);
		fm_buf_adds(&b, "}}");
		cr_assert_eq(parse(b.s, &rq, &err), -EINVAL);
		cr_assert_eq(strstr(err.msg, "more than 16") != NULL, most > CTL_MAX_ARGS, "%s", err.msg);
	}
	fm_buf_fini(&b);
}

Test(request, brackets_inside_texts_do_not_count_as_nesting)
{
	struct ctl_request rq;

	cr_assert_eq(parse("{\"id\":1,\"verb\":\"alarm-list\","
			   "\"args\":{\"query\":\"a=[{\\\"[{\"}}", &rq, NULL), 0);
	cr_assert_str_eq(ctl_arg_text(&rq, "query"), "a=[{\"[{");
	ctl_request_fini(&rq);
}

Test(request, a_refused_line_still_shows_its_id)
{
	static const char known[] = "{\"id\":12,\"verb\":\"nonsense\"}", broken[] = "{\"id\":12";

	cr_assert_eq(ctl_request_id(known, strlen(known)), 12);
	cr_assert_eq(ctl_request_id(broken, strlen(broken)), 0);
	cr_assert_eq(ctl_request_id("{\"id\":-4}", 9), 0);
	cr_assert_eq(ctl_request_id("[]", 2), 0);
}
