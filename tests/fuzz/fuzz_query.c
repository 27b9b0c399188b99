/*
 * fuzz_query: the language of "-q". The first byte picks an alarm, the rest is the query. What is
 * taken answers alike for the alarm and for its JSON form, and means the same when it is parsed again;
 * what is refused says why in one printable line.
 *
 * LINK: fm_ctl fm_alarm_json
 */
#include "alarm/alarm_json.h"
#include "ctl/ctl.h"
#include "tests/fuzz/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct alarm alarms[] = {
	{.id = 1, .alarm_id = "200.004", .entity = "host=compute-1", .entity_type_id = "host",
	 .reason_text = "compute-1 is down", .repair = "", .severity = SEV_CRITICAL, .type = 3,
	 .cause = 46, .raised_at = {1767225600000000000}, .changed_at = {1767225600000000000},
	 .count = 1, .service_affecting = true},
	{.id = 2, .alarm_id = "700.008", .entity = "tenant=t.instance=i",
	 .entity_type_id = "tenant.instance", .reason_text = "a=b;c!=d~e", .severity = SEV_WARNING,
	 .cause = FM_CAUSE_UNKNOWN, .raised_at = {1000}, .changed_at = {2000}, .count = 7,
	 .cleared = true, .cleared_at = {2000}},
	{.id = INT64_MAX, .alarm_id = "", .entity = "", .reason_text = "", .count = INT64_MAX},
};

static void
check_refusal(const struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf safe = {0};

	fm_assert(err->code == -EINVAL && err->msg[0] != '\0');
	fm_escape(&safe, err->msg, strlen(err->msg));
	for (size_t i = 0; i < safe.len; i++)
		fm_assert((unsigned char)safe.s[i] >= 0x20 && safe.s[i] != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	const struct alarm *al = &alarms[draw(&f, FM_ARRAY_LEN(alarms))];
	FM_CLEANUP(fm_freep) char *text = fm_strndup((const char *)f.p, f.n);
	struct ctl_query *q, *again;
	struct fm_err err = {0};
	size_t len;

	if (ctl_query_parse(text, &q, &err) < 0) {
		check_refusal(&err);
		return 0;
	}
	char *json = alarm_to_json(al, &len);
	const bool matches = ctl_query_matches(q, al);

	fm_assert(ctl_query_matches_json(q, json, len) == matches);
	(void)ctl_query_matches_json(q, text, strlen(text));
	fm_assert(ctl_query_parse(text, &again, &err) == 0);
	fm_assert(ctl_query_matches(again, al) == matches);
	ctl_query_free(again);
	ctl_query_free(q);
	free(json);
	return 0;
}
