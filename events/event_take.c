/*
 * event_take: reading members with type checks, limits and one wording of errors. Knows no
 * member's meaning.
 */
#include "events/event.h"
#include "events/event_json_priv.h"

void
evj_open(struct evj_object *ret, const struct evj_value *v, const struct ev_words *names,
	 const char *path, struct fm_err *err)
{
	fm_assert(names->n <= EVJ_MAX_MEMBERS);
	ret->names = names;
	ret->path = path;
	ret->err = err;
	ret->rc = 0;
	memset(ret->seen, 0, sizeof(ret->seen));
	if (v->type != EVJ_OBJECT)
		return;
	int twice = evj_scan(v, ret);
	if (twice >= 0)
		evj_wrong(ret, (unsigned)twice, "given twice");
}

void
evj_wrong(struct evj_object *o, unsigned id, const char *what)
{
	if (o->rc == 0)
		o->rc = fm_fail(o->err, -EBADMSG, "member %s%s: %s", o->path,
				o->names->list[id].s, what);
}

const struct evj_value *
evj_at(const struct evj_object *o, unsigned id)
{
	static const struct evj_value absent;

	return evj_has(o, id) ? &o->at[id] : &absent;
}

static bool
is_absent(const struct evj_value *v)
{
	return v->type == EVJ_ABSENT || v->type == EVJ_NULL;
}

/* A NUL would end the text for every reader in C: two different names could become one. */
static bool
has_nul(struct fm_str s)
{
	return memchr(s.p, 0, s.len) != NULL;
}

static struct fm_str
cut(struct fm_str s)
{
	if (s.len > FM_MAX_STRING)
		s.len = (uint32_t)fm_utf8_cut(s.p, s.len, FM_MAX_STRING);
	return s;
}

struct fm_str
evj_str(struct evj_object *o, unsigned id)
{
	const struct evj_value *v = evj_at(o, id);

	if (is_absent(v))
		return (struct fm_str){0};
	if (v->type != EVJ_STRING) {
		evj_wrong(o, id, "not a string");
		return (struct fm_str){0};
	}
	if (has_nul(v->u.str)) {
		evj_wrong(o, id, "holds a NUL");
		return (struct fm_str){0};
	}
	return cut(v->u.str);
}

int64_t
evj_int(struct evj_object *o, unsigned id)
{
	const struct evj_value *v = evj_at(o, id);

	if (is_absent(v))
		return EV_ABSENT;
	/* INT64_MIN means absent, so it cannot be a value */
	if (v->type != EVJ_INT || v->u.num == EV_ABSENT) {
		evj_wrong(o, id, "not a 64-bit integer");
		return EV_ABSENT;
	}
	return v->u.num;
}

int
evj_bool(struct evj_object *o, unsigned id)
{
	const struct evj_value *v = evj_at(o, id);

	if (is_absent(v))
		return -1;
	if (v->type != EVJ_TRUE && v->type != EVJ_FALSE) {
		evj_wrong(o, id, "neither true nor false");
		return -1;
	}
	return v->type == EVJ_TRUE;
}

struct fm_time
evj_time(struct evj_object *o, unsigned id)
{
	struct fm_str s = evj_str(o, id);
	struct fm_time t = {0};

	if (s.p != NULL && fm_time_parse(s.p, s.len, &t) < 0) {
		evj_wrong(o, id, "not a time");
		return (struct fm_time){0};
	}
	return t;
}

bool
evj_uuid(struct evj_object *o, unsigned id, struct fm_uuid *ret)
{
	struct fm_str s = evj_str(o, id);

	if (s.p == NULL)
		return false;
	if (!fm_uuid_parse(s.p, s.len, ret)) {
		evj_wrong(o, id, "not a UUID");
		return false;
	}
	return true;
}

struct fm_str
evj_text(const struct evj_object *o, unsigned id)
{
	const struct evj_value *v = evj_at(o, id);

	if (v->type != EVJ_STRING || has_nul(v->u.str))
		return (struct fm_str){0};
	return cut(v->u.str);
}

int64_t
evj_setting(const struct evj_value *v)
{
	int64_t num = 0;

	if (v->type == EVJ_INT)
		return v->u.num >= 0 && v->u.num <= INT32_MAX ? v->u.num : EV_ABSENT;
	if (v->type != EVJ_STRING || v->u.str.len == 0 || v->u.str.len > 10)
		return EV_ABSENT;
	for (uint32_t i = 0; i < v->u.str.len; i++) {
		unsigned digit = (unsigned)((unsigned char)v->u.str.p[i] - '0');
		if (digit > 9)
			return EV_ABSENT;
		num = num * 10 + digit;
	}
	return num <= INT32_MAX ? num : EV_ABSENT;
}
