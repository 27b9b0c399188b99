/*
 * Control frames from both sides: a request that is taken obeys its verb's table; a query that is
 * taken answers every alarm without harm; the client survives whatever a server sends.
 */
// LINK: fm_ctl fm_alarm_json
#include "ctl/ctl.h"

#include <stdlib.h>

#include "alarm/alarm_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_request(const char *text, size_t len)
{
	struct ctl_request rq;
	struct fm_err err;

	(void)ctl_request_id(text, len);
	if (ctl_request_parse(text, len, &rq, &err) < 0) {
		fm_assert(err.code == -EINVAL && err.msg[0] != '\0');
		return;
	}
	fm_assert(len <= CTL_MAX_LINE && rq.verb < CTL_N_VERBS && rq.n_args <= CTL_MAX_ARGS);
	fm_assert(ctl_request_id(text, len) == rq.id);
	for (unsigned i = 0; i < rq.n_args; i++) {
		fm_assert(ctl_verb_takes(rq.verb, rq.arg[i].name));
		fm_assert(rq.arg[i].text == NULL || strlen(rq.arg[i].text) <= CTL_MAX_TEXT);
	}
	ctl_request_fini(&rq);
}

static void
check_query(const char *text)
{
	struct alarm al = {.alarm_id = "100.1", .entity = "host=a", .reason_text = text,
			   .severity = SEV_MAJOR, .changed_at = {1}, .count = 1};
	struct ctl_query *q;
	struct fm_err err;
	size_t len;

	if (ctl_query_parse(text, &q, &err) < 0) {
		fm_assert(err.code == -EINVAL);
		return;
	}
	char *json = alarm_to_json(&al, &len);
	bool matches = ctl_query_matches(q, &al);

	/* The JSON form holds a repaired text and microseconds: only exact ones must agree. */
	if (fm_utf8_valid(text, strlen(text)) && strstr(text, "timestamp") == NULL)
		fm_assert(ctl_query_matches_json(q, json, len) == matches);
	(void)ctl_query_matches_json(q, text, strlen(text));
	free(json);
	ctl_query_free(q);
}

/* An error text that quotes the input must give one line that a client reads back. */
static void
check_done(const char *text)
{
	struct fm_buf line = {0};

	ctl_reply_done(&line, 1, CTL_FAILED, text);
	fm_assert(memchr(line.s, '\n', line.len) == line.s + line.len - 1);
	fm_assert(fm_utf8_valid(line.s, line.len));
	fm_buf_fini(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fm_strndup((const char *)data, size);

	check_request((const char *)data, size);
	check_query(text);
	check_done(text);
	free(text);
	return 0;
}
