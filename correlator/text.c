/*
 * text: the values behind placeholders, thresholds and attributes, and the rendering of texts and
 * entity paths. Which attributes travel with an alarm is a table by fact.
 */
#include "correlator/correlator_priv.h"

#include <stdio.h>

int64_t
value_int(const struct correlator *corr, const struct fact_values *v, int attr)
{
	switch (attr) {
	case ATTR_DOWNTIME_MS:
		return v->at != NULL && v->at->method != 0 ? v->at->downtime_ms : EV_ABSENT;
	case ATTR_DOWNTIME_LIMIT_MS:
		return v->inst != NULL ? attempt_downtime_limit_ms(corr, v->inst) : EV_ABSENT;
	case ATTR_LIMIT_S:
		return v->inst != NULL ? attempt_hard_limit_s(corr, v->inst) : EV_ABSENT;
	case ATTR_ELAPSED_S:
		if (v->at == NULL || (v->at->flags & AT_F_START_UNKNOWN))
			return EV_ABSENT;
		return (corr->now.ns - v->at->start.ns) / FM_NS_PER_S;
	case ATTR_ATTEMPT:
		return v->at != NULL ? (int64_t)v->at->no : EV_ABSENT;
	case ATTR_PAUSED_MS:
		return v->at != NULL && v->at->paused_ms > 0 ? v->at->paused_ms : EV_ABSENT;
	case ATTR_MEMORY_ITERATION:
		return v->iterations > 0 ? v->iterations : EV_ABSENT;
	case ATTR_POSTCOPY:
		return v->at != NULL ? (v->at->flags & AT_F_POSTCOPY) != 0 : EV_ABSENT;
	case ATTR_COUNT:
		return v->count;
	case ATTR_MOVED:
		return v->inst == NULL && v->host != NULL ? v->moved : EV_ABSENT;
	case ATTR_GUESTS:
		return v->inst == NULL && v->host != NULL ? v->moved + v->host->guests : EV_ABSENT;
	}
	return EV_ABSENT;
}

static const char *
method_text(const struct attempt *at)
{
	static const char *const text[] = {"A", "B", "C", "D", "E"};

	return at != NULL && at->method >= 'A' && at->method <= 'E' ? text[at->method - 'A'] : NULL;
}

const char *
value_text(const struct fact_values *v, int attr, char buf[FM_UUID_STR])
{
	switch (attr) {
	case ATTR_INSTANCE_NAME:
		return v->inst != NULL ? v->inst->name : NULL;
	case ATTR_INSTANCE_UUID:
		return v->inst != NULL ? fm_uuid_format(&v->inst->uuid, buf) : NULL;
	case ATTR_TENANT_NAME:
		if (v->inst == NULL)
			return NULL;
		return v->inst->tenant_name != NULL ? v->inst->tenant_name : v->inst->tenant;
	case ATTR_TENANT_UUID:
		return v->inst != NULL ? v->inst->tenant : NULL;
	case ATTR_HOST_NAME:
		return v->host != NULL ? v->host->name : NULL;
	case ATTR_SOURCE_HOST:
		if (v->peer != NULL)
			return v->host->name;
		if (v->at == NULL)
			return v->host != NULL ? v->host->name : NULL;
		return v->at->src != NULL ? v->at->src->name : NULL;
	case ATTR_DESTINATION_HOST:
		if (v->peer != NULL)
			return v->peer->name;
		return v->at != NULL && v->at->dst != NULL ? v->at->dst->name : NULL;
	case ATTR_POOL:
		return v->pool != NULL ? v->pool : v->inst != NULL ? v->inst->pool : NULL;
	case ATTR_REASON:
		return v->reason;
	case ATTR_INITIATOR:
		return v->initiator;
	case ATTR_METHOD:
		return method_text(v->at);
	case ATTR_OLD_NAME:
		return v->old_name;
	}
	return NULL;
}

static void
add_value(const struct correlator *corr, const struct fact_values *v, int attr, struct fm_buf *b)
{
	char buf[FM_UUID_STR];

	if (fact_attr_is_int((enum fact_attr)attr)) {
		const int64_t n = value_int(corr, v, attr);

		if (n == EV_ABSENT)
			fm_buf_adds(b, "unknown");
		else
			fm_buf_addf(b, "%lld", (long long)n);
		return;
	}
	const char *s = value_text(v, attr, buf);

	if (s != NULL && s[0] != '\0')
		fm_buf_adds(b, s);
	else if (attr == ATTR_INITIATOR)
		fm_buf_adds(b, b->len == 0 ? "Somebody" : "somebody");
	else if (attr != ATTR_REASON)
		fm_buf_adds(b, "unknown");
}

/* A trailing "; reason: " without a reason is dropped. */
static void
trim_reason(struct fm_buf *b)
{
	static const char tail[] = "; reason: ";
	const size_t n = sizeof(tail) - 1;

	if (b->len >= n && memcmp(b->s + b->len - n, tail, n) == 0) {
		b->len -= n;
		b->s[b->len] = '\0';
	}
}

void
text_render(const struct cat_text *text, const struct fact_values *v,
	    const struct correlator *corr, struct fm_buf *ret)
{
	fm_buf_reset(ret);
	fm_buf_adds(ret, "");
	for (unsigned i = 0; i < text->n; i++) {
		if (text->part[i].attr < 0)
			fm_buf_adds(ret, text->part[i].text);
		else
			add_value(corr, v, text->part[i].attr, ret);
	}
	trim_reason(ret);
	if (ret->len > FM_MAX_TEXT) {
		ret->len = fm_utf8_cut(ret->s, ret->len, FM_MAX_TEXT);
		ret->s[ret->len] = '\0';
	}
}

static const char *
segment_value(const struct fact_values *v, struct fm_str key, char buf[FM_UUID_STR])
{
	if (fm_str_is(key, "instance"))
		return value_text(v, ATTR_INSTANCE_UUID, buf);
	if (fm_str_is(key, "tenant"))
		return value_text(v, ATTR_TENANT_UUID, buf);
	if (fm_str_is(key, "host"))
		return value_text(v, ATTR_HOST_NAME, buf);
	if (fm_str_is(key, "destination"))
		return value_text(v, ATTR_DESTINATION_HOST, buf);
	if (fm_str_is(key, "pool"))
		return value_text(v, ATTR_POOL, buf);
	return NULL;
}

/*
 * Builds the path by the keys of the form: values of tenant, instance and host come from the
 * subject, others stay as the form has them. A tenant that nobody has told is left out.
 */
bool
text_entity(const char *form, const struct fact_values *v, struct fm_buf *ret)
{
	struct entity_segment seg[FM_MAX_SEGMENTS];
	const int n = entity_parse(form, strlen(form), seg);
	char buf[FM_UUID_STR];

	fm_buf_reset(ret);
	for (int i = 0; i < n; i++) {
		const char *value = segment_value(v, seg[i].key, buf);
		const bool open = seg[i].value.len > 0 && seg[i].value.p[0] == '<';

		if (value == NULL && open)
			continue;
		fm_buf_addf(ret, "%s%.*s=", ret->len > 0 ? "." : "", (int)seg[i].key.len,
			    seg[i].key.p);
		if (value != NULL)
			fm_buf_adds(ret, value);
		else
			fm_buf_add(ret, seg[i].value.p, seg[i].value.len);
	}
	return ret->len > 0;
}

#define MAX_OF_FACT 9
static const struct {
	enum fact_id first, last;
	int attr[MAX_OF_FACT];
} attr_table[] = {
	{FACT_INSTANCE_MIGRATING, FACT_INSTANCE_MIGRATING,
	 {ATTR_SOURCE_HOST, ATTR_DESTINATION_HOST, ATTR_LIMIT_S, ATTR_ATTEMPT, -1}},
	{FACT_INSTANCE_DOWNTIME, FACT_INSTANCE_DOWNTIME,
	 {ATTR_DOWNTIME_MS, ATTR_DOWNTIME_LIMIT_MS, ATTR_METHOD, ATTR_SOURCE_HOST,
	  ATTR_DESTINATION_HOST, ATTR_ATTEMPT, ATTR_PAUSED_MS, ATTR_MEMORY_ITERATION,
	  ATTR_POSTCOPY}},
	{FACT_MIGRATION_REQUESTED, FACT_MIGRATION_DONE,
	 {ATTR_SOURCE_HOST, ATTR_DESTINATION_HOST, ATTR_LIMIT_S, ATTR_ELAPSED_S, ATTR_REASON,
	  ATTR_ATTEMPT, -1}},
	{FACT_INSTANCE_IO_ERROR, FACT_INSTANCE_IO_ERROR,
	 {ATTR_HOST_NAME, ATTR_REASON, ATTR_POOL, -1}},
	{FACT_INSTANCE_STOPPED, FACT_INSTANCE_UNSCHEDULED, {ATTR_HOST_NAME, ATTR_REASON, -1}},
	{FACT_HOST_DOWN, FACT_HOST_DISABLED, {ATTR_REASON, ATTR_MOVED, ATTR_GUESTS, -1}},
	{FACT_HOST_UNSEEN, FACT_HOST_UNSEEN, {ATTR_REASON, -1}},
	{FACT_INSTANCE_ENABLED, FACT_RESIZE_REVERTED, {ATTR_HOST_NAME, ATTR_REASON, -1}},
};

/* Text values are borrowed from v. */
unsigned
fact_attrs(const struct correlator *corr, enum fact_id fact, const struct fact_values *v,
	   struct attr ret[FM_ALARM_MAX_ATTRS])
{
	char buf[FM_UUID_STR];
	unsigned n = 0, row = 0;

	while (row < FM_ARRAY_LEN(attr_table) &&
	       (fact < attr_table[row].first || fact > attr_table[row].last))
		row++;
	if (row == FM_ARRAY_LEN(attr_table))
		return 0;
	for (unsigned i = 0; i < MAX_OF_FACT && attr_table[row].attr[i] >= 0; i++) {
		const int a = attr_table[row].attr[i];
		struct attr out = {.name = fact_attr_name((enum fact_attr)a)};

		if (fact_attr_is_int((enum fact_attr)a))
			out.num = value_int(corr, v, a);
		else
			out.text = value_text(v, a, buf);
		if (out.text != NULL ? out.text[0] != '\0' : out.num != EV_ABSENT &&
		    fact_attr_is_int((enum fact_attr)a))
			ret[n++] = out;
	}
	return n;
}
