/*
 * fuzz_event: the decoder, with jansson as the second opinion.
 *
 * What the decoder takes, jansson takes too and reads alike, but for two things that it refuses:
 * integers from 2^63 to 2^64 - 1 in members nobody reads, and NUL characters in names. What the
 * decoder refuses as malformed, jansson refuses. A record that is taken is also taken, and means
 * the same, inside an oslo envelope. Strings are bounded, UTF-8 and without NUL.
 *
 * LINK: fm_events dep_jansson
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "events/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_str(struct fm_str s)
{
	fm_assert(s.len <= FM_MAX_STRING);
	fm_assert(s.p != NULL || s.len == 0);
	if (s.p != NULL)
		fm_assert(fm_utf8_valid(s.p, s.len) && memchr(s.p, 0, s.len) == NULL);
}

/* s is what jansson has at this member: absent, null and (where loose) other types are no text. */
static void
same(struct fm_str s, const json_t *o, const char *name, bool loose)
{
	const json_t *v = json_object_get(o, name);

	check_str(s);
	if (!json_is_string(v)) {
		fm_assert(s.p == NULL);
		fm_assert(loose || v == NULL || json_is_null(v));
		return;
	}
	if (s.p == NULL) {
		fm_assert(loose && strlen(json_string_value(v)) != json_string_length(v));
		return;
	}
	size_t cut = fm_utf8_cut(json_string_value(v), json_string_length(v), FM_MAX_STRING);
	fm_assert(s.len == cut && memcmp(s.p, json_string_value(v), cut) == 0);
}

static void
same_num(int64_t num, const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	if (v != NULL && !json_is_null(v))
		fm_assert(json_is_integer(v) && json_integer_value(v) == num);
}

static void
check_nova(const struct event *ev, const json_t *top)
{
	const struct ev_nova *nova = &ev->u.nova;
	const json_t *p = json_object_get(top, "payload");

	if (json_is_object(json_object_get(p, "nova_object.data")))
		p = json_object_get(p, "nova_object.data");
	same(nova->message_id, top, "message_id", false);
	if (nova->action == NOVA_COMPUTE_EXCEPTION || nova->action == NOVA_LIBVIRT_CONNECT)
		return;
	if (nova->action == NOVA_SERVICE) {
		same(nova->host, p, "host", false);
		same(nova->binary, p, "binary", false);
		return;
	}
	fm_assert(ev->has_instance);
	same(nova->tenant, p, "tenant_id", false);
	if (nova->action == NOVA_BUILD_INSTANCES || nova->action == NOVA_MIGRATE_SERVER ||
	    nova->action == NOVA_REBUILD_SERVER)
		return;
	same(nova->host, p, "host", false);
	same(nova->node, p, "node", false);
	same(nova->instance_name, p, "display_name", true);
	check_str(nova->image);
	check_str(nova->flavor);
	check_str(nova->exception);
	check_str(nova->fault);
	check_str(nova->request_id);
	check_str(nova->tenant_name);
	check_str(nova->publisher_host);
}

static void
check_libvirt(const struct event *ev, const json_t *top)
{
	const struct ev_libvirt *lv = &ev->u.lv;

	same(ev->host, top, "host", false);
	same(lv->boot, top, "boot", false);
	same_num((int64_t)lv->seq, top, "seq");
	same_num(lv->mono_ns, top, "mono_ns");
	fm_assert(lv->kind < LV_N_KINDS);
	if (lv->kind == LV_EVENT || lv->kind == LV_SNAPSHOT || lv->kind == LV_JOB ||
	    lv->kind == LV_QMP) {
		fm_assert(ev->has_instance);
		same(lv->domain, top, "domain", false);
	}
	if (lv->kind != LV_EVENT)
		return;
	fm_assert(lv->event < LVE_N);
	same_num(lv->event, top, "event_id");
	if (lv->event == LVE_LIFECYCLE) {
		fm_assert(lv->lifecycle >= 0 && lv->lifecycle <= LVL_CRASHED && lv->detail >= 0);
		same_num(lv->lifecycle, top, "lifecycle_code");
		same_num(lv->detail, top, "detail_code");
	}
	if (lv->event == LVE_JOB_COMPLETED && lv->downtime != EV_ABSENT)
		same_num(lv->downtime, json_object_get(top, "params"), "downtime");
	fm_assert(lv->time_elapsed == EV_ABSENT ||
		  (lv->time_elapsed >= 0 && lv->time_elapsed <= EV_MAX_MS));
}

static void
check_request(const struct event *ev, const json_t *top)
{
	const struct ev_request *rq = &ev->u.rq;

	same(rq->alarm_id, top, "alarm_id", false);
	same(rq->entity, top, "entity_instance_id", false);
	same(rq->reason_text, top, "reason_text", false);
	same(rq->repair, top, "proposed_repair_action", false);
	same(rq->entity_type_id, top, "entity_type_id", false);
	fm_assert(rq->severity >= -1 && rq->severity < FM_N_SEVERITIES);
}

/* The innermost document, as jansson reads it; NULL when it refuses. */
static json_t *
load(const char *data, size_t size, json_error_t *error)
{
	json_t *top = json_loadb(data, size, JSON_ALLOW_NUL, error), *inner;
	const json_t *message = json_object_get(top, "oslo.message");

	if (!json_is_string(message))
		return top;
	inner = json_loadb(json_string_value(message), json_string_length(message),
			   JSON_ALLOW_NUL, error);
	json_decref(top);
	return inner;
}

static bool
excused(const json_error_t *error)
{
	return json_error_code(error) == json_error_numeric_overflow ||
		json_error_code(error) == json_error_null_byte_in_key;
}

static void
check_taken(const struct event *ev, int rc, const char *data, size_t size)
{
	json_error_t error;
	json_t *top = load(data, size, &error);

	if (top == NULL) {
		fm_assert(excused(&error));
		return;
	}
	fm_assert(json_is_object(top));
	check_str(ev->name);
	if (rc == 0 && ev->origin == ORIGIN_NOVA)
		check_nova(ev, top);
	if (rc == 0 && ev->origin == ORIGIN_LIBVIRT)
		check_libvirt(ev, top);
	if (rc == 0 && ev->origin == ORIGIN_REQUEST)
		check_request(ev, top);
	json_decref(top);
}

/* Refused for what it says, not for how it is written: "member …", "none of …", "not an object" */
static bool
is_malformed(const struct fm_err *err)
{
	return strstr(err->msg, "byte ") != NULL && strstr(err->msg, "not an object") == NULL &&
		strstr(err->msg, "nothing there") == NULL && strncmp(err->msg, "member", 6) != 0;
}

static void
check_refused(int rc, const struct fm_err *err, const char *data, size_t size)
{
	json_error_t error;
	json_t *top;

	fm_assert(rc == -EBADMSG || rc == -E2BIG);
	fm_assert(err->code == rc && err->msg[0] != '\0');
	/* jansson passes over a NUL byte between values */
	if (rc != -EBADMSG || !is_malformed(err) || memchr(data, 0, size) != NULL)
		return;
	top = load(data, size, &error);
	fm_assert(top == NULL);
}

static void
check_wrapped(struct decoder *d, const struct event *bare, int rc, const char *data, size_t size)
{
	struct event ev = {0};
	struct fm_err err;
	struct fm_buf b = {0};

	fm_buf_adds(&b, "{\"oslo.version\": \"2.0\", \"oslo.message\": \"");
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '"' || data[i] == '\\')
			fm_buf_addf(&b, "\\%c", data[i]);
		else if ((unsigned char)data[i] < 0x20)
			fm_buf_addf(&b, "\\u%04x", (unsigned char)data[i]);
		else
			fm_buf_add(&b, &data[i], 1);
	}
	fm_buf_adds(&b, "\"}");
	if (b.len <= FM_MAX_RECORD) {
		fm_assert(event_decode(d, b.s, b.len, &ev, &err) == rc);
		fm_assert(ev.origin == bare->origin && fm_str_eq(ev.name, bare->name));
		fm_assert(fm_str_eq(ev.host, bare->host) && ev.stamp.ns == bare->stamp.ns);
		fm_assert(ev.id_hash == bare->id_hash);
		fm_assert(ev.has_instance == bare->has_instance);
		fm_assert(fm_uuid_eq(&ev.instance, &bare->instance));
	}
	fm_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* kept: a decoder is reused in earnest, so what one record leaves must not harm the next */
	static struct decoder *first, *second;
	const char *text = (const char *)data;
	struct event ev = {0};
	struct fm_err err = {0};
	int rc;

	if (first == NULL) {
		first = decoder_new(NULL);
		second = decoder_new(NULL);
	}
	rc = event_decode(first, text, size, &ev, &err);
	if (rc < 0) {
		check_refused(rc, &err, text, size);
		return 0;
	}
	check_taken(&ev, rc, text, size);
	if (memmem(text, size, "oslo", 4) == NULL && memmem(text, size, "\\", 1) == NULL)
		check_wrapped(second, &ev, rc, text, size);
	return 0;
}
