/*
 * event: the public face of the decoder. Copies a record into padded memory, takes an oslo
 * envelope off, finds the form and hands over to the file that reads it. Knows the forms, not
 * what is in them.
 *
 * The form is decided by the first of these members that is there: oslo.message (an envelope),
 * event_type (Nova), kind (libvirt), op (a request).
 */
#include "events/event_priv.h"

#include <stdlib.h>

static const struct ev_word top_members[] = {
#define FM_X(id, name) EV_WORD(name, T_##id),
	EV_TOP(FM_X)
#undef FM_X
};

struct decoder *
decoder_new(const struct decoder_options *opt)
{
	struct decoder *d = fm_calloc(1, sizeof(*d));
	unsigned depth = opt != NULL && opt->max_depth != 0 ? opt->max_depth : FM_MAX_DEPTH;

	d->max_record = opt != NULL && opt->max_record != 0 ? opt->max_record : FM_MAX_RECORD;
	d->text = fm_calloc(1, d->max_record + EVJ_PADDING);
	d->doc = evj_new(d->max_record, depth);
	ev_words_init(&d->top_words, top_members, T_N);
	nova_words_init(&d->nova);
	lv_words_init(&d->lv);
	request_words_init(&d->rq);
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	evj_free(d->doc);
	free(d->text);
	free(d);
}

/* Open the document in d->text. layer goes before the place in error texts. */
static int
open_text(struct decoder *d, size_t len, const char *layer)
{
	struct evj_value root;
	struct fm_err inner;
	int rc;

	d->text[len] = '\0';
	rc = evj_parse(d->doc, d->text, len, &root, &inner);
	if (rc < 0)
		return fm_fail(d->err, rc, "%s%s", layer, inner.msg);
	evj_open(&d->top, &root, &d->top_words, layer[0] != '\0' ? "oslo.message." : "", d->err);
	return d->top.rc;
}

/* The long way through an envelope: both layers as JSON. d->top is the outer one. */
static int
open_message(struct decoder *d)
{
	const struct evj_value *message = evj_at(&d->top, T_OSLO_MESSAGE);
	struct fm_str version = evj_str(&d->top, T_OSLO_VERSION);

	if (d->top.rc < 0)
		return d->top.rc;
	if (!fm_str_is(version, "2.0"))
		return fm_fail(d->err, -EBADMSG, "member oslo.version: not \"2.0\"");
	if (message->type != EVJ_STRING)
		return fm_fail(d->err, -EBADMSG, "member oslo.message: not a string");
	/* no longer than the record, since unescaping never lengthens */
	size_t len = message->u.str.len;
	memcpy(d->text, message->u.str.p, len);
	return open_text(d, len, "in oslo.message, ");
}

static int
open_record(struct decoder *d, const void *buf, size_t len)
{
	size_t inner = envelope_unwrap(buf, len, d->text);
	int rc;

	if (inner != 0)
		return open_text(d, inner, "in oslo.message, ");
	memcpy(d->text, buf, len);
	rc = open_text(d, len, "");
	if (rc < 0 || !evj_has(&d->top, T_OSLO_MESSAGE))
		return rc;
	return open_message(d);
}

static int
decode_form(struct decoder *d)
{
	if (evj_has(&d->top, T_EVENT_TYPE))
		return nova_decode(d);
	if (evj_has(&d->top, T_KIND))
		return lv_decode(d);
	if (evj_has(&d->top, T_OP))
		return request_decode(d);
	return fm_fail(d->err, -EBADMSG, "none of the three forms: "
		       "no member event_type, kind or op");
}

/* What the decoder says goes to ret; what the shell says (pos, at) stays. */
static void
hand_over(const struct event *ev, struct event *ret)
{
	ret->origin = ev->origin;
	ret->stamp = ev->stamp;
	ret->name = ev->name;
	ret->id_hash = ev->id_hash;
	ret->has_instance = ev->has_instance;
	ret->instance = ev->instance;
	ret->host = ev->host;
	switch (ev->origin) {
	case ORIGIN_NOVA:
		ret->u.nova = ev->u.nova;
		break;
	case ORIGIN_LIBVIRT:
		ret->u.lv = ev->u.lv;
		break;
	case ORIGIN_REQUEST:
		ret->u.rq = ev->u.rq;
		break;
	}
}

int
event_decode(struct decoder *d, const void *buf, size_t len, struct event *ret,
	     struct fm_err *err)
{
	int rc;

	if (len > d->max_record)
		return fm_fail(err, -E2BIG, "%zu bytes, at most %zu", len, d->max_record);
	if (len == 0)
		return fm_fail(err, -EBADMSG, "byte 0: nothing there");
	d->err = err;
	d->ev.stamp = (struct fm_time){0};
	d->ev.name = d->ev.host = (struct fm_str){0};
	d->ev.id_hash = 0;
	d->ev.has_instance = false;
	d->ev.instance = (struct fm_uuid){{0}};
	rc = open_record(d, buf, len);
	if (rc == 0)
		rc = decode_form(d);
	if (rc >= 0)
		hand_over(&d->ev, ret);
	return rc;
}
