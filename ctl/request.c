/*
 * request: one line from a client, checked against the verbs table before anybody acts on it.
 * Nothing is guessed: an unknown member, an unknown argument or a wrong type refuses the line.
 */
#include <jansson.h>
#include <stdlib.h>

#include "ctl/verbs_priv.h"

/* Nesting is bounded before the JSON library, which recurses, sees the text. */
static bool
nested_too_deep(const char *line, size_t len)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = line[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > CTL_MAX_DEPTH)
			return true;
	}
	return false;
}

static int
load(const char *line, size_t len, json_t **ret, struct fm_err *err)
{
	json_error_t jerr;

	if (len > CTL_MAX_LINE)
		return fm_fail(err, -EINVAL, "request longer than %d bytes", CTL_MAX_LINE);
	if (nested_too_deep(line, len))
		return fm_fail(err, -EINVAL, "request nested deeper than %d", CTL_MAX_DEPTH);

	json_t *doc = json_loadb(line, len, JSON_REJECT_DUPLICATES, &jerr);
	if (doc == NULL && json_error_code(&jerr) == json_error_null_character)
		return fm_fail(err, -EINVAL, "request: a text has a NUL (\\u0000)");
	if (doc == NULL)
		return fm_fail(err, -EINVAL, "request is not JSON: %s", jerr.text);
	if (!json_is_object(doc)) {
		json_decref(doc);
		return fm_fail(err, -EINVAL, "request is not an object");
	}
	*ret = doc;
	return 0;
}

static int
check_members(json_t *doc, struct fm_err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(doc, name, value) {
		if (strcmp(name, "id") != 0 && strcmp(name, "verb") != 0 &&
		    strcmp(name, "args") != 0)
			return fm_fail(err, -EINVAL, "%s: unknown member", name);
	}
	json_t *id = json_object_get(doc, "id");
	if (!json_is_integer(id) || json_integer_value(id) < 0)
		return fm_fail(err, -EINVAL, "id: a number from 0 is needed");
	if (!json_is_string(json_object_get(doc, "verb")))
		return fm_fail(err, -EINVAL, "verb: a text is needed");
	json_t *args = json_object_get(doc, "args");
	if (args != NULL && !json_is_object(args))
		return fm_fail(err, -EINVAL, "args: an object is needed");
	return 0;
}

static int
read_value(const struct arg_spec *spec, const json_t *value, struct ctl_arg *ret,
	   struct fm_err *err)
{
	const int most = spec->type == 't' ? CTL_MAX_RECORDS : CTL_MAX_TEXT;

	switch (spec->type) {
	case 's':
	case 't':
		if (!json_is_string(value))
			return fm_fail(err, -EINVAL, "args.%s: a text is needed", ret->name);
		if (json_string_length(value) > (size_t)most)
			return fm_fail(err, -EINVAL, "args.%s: longer than %d bytes", ret->name,
				       most);
		ret->text = json_string_value(value);
		return 0;
	case 'u':
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return fm_fail(err, -EINVAL, "args.%s: a number from 0 is needed",
				       ret->name);
		ret->num = (uint64_t)json_integer_value(value);
		return 0;
	case 'b':
		if (!json_is_boolean(value))
			return fm_fail(err, -EINVAL, "args.%s: true or false is needed", ret->name);
		ret->num = json_is_true(value);
		return 0;
	}
	fm_assert(!"argument type in CTL_VERBS");
	return -EINVAL;
}

static int
find_spec(enum ctl_verb verb, const char *name, struct arg_spec *ret, struct fm_err *err)
{
	const char *cursor = NULL;

	while (verb_next_arg(verb, &cursor, ret)) {
		if (fm_str_is(ret->name, name))
			return 0;
	}
	return fm_fail(err, -EINVAL, "args.%s: %s has no such argument", name, ctl_verb_name(verb));
}

static int
read_args(json_t *args, struct ctl_request *rq, struct fm_err *err)
{
	const char *name;
	json_t *value;

	if (json_object_size(args) > CTL_MAX_ARGS)
		return fm_fail(err, -EINVAL, "args: more than %d", CTL_MAX_ARGS);
	json_object_foreach(args, name, value) {
		struct arg_spec spec;
		struct ctl_arg *arg = &rq->arg[rq->n_args];
		int r = find_spec(rq->verb, name, &spec, err);

		if (r < 0)
			return r;
		arg->name = name;
		r = read_value(&spec, value, arg, err);
		if (r < 0)
			return r;
		rq->n_args++;
	}
	return 0;
}

static const struct ctl_arg *
find_arg(const struct ctl_request *rq, struct fm_str name)
{
	for (unsigned i = 0; i < rq->n_args; i++) {
		if (fm_str_is(name, rq->arg[i].name))
			return &rq->arg[i];
	}
	return NULL;
}

static int
check_needed(const struct ctl_request *rq, struct fm_err *err)
{
	const char *cursor = NULL;
	struct arg_spec spec;

	while (verb_next_arg(rq->verb, &cursor, &spec)) {
		if (spec.needed && find_arg(rq, spec.name) == NULL)
			return fm_fail(err, -EINVAL, "args.%.*s: %s needs it", (int)spec.name.len,
				       spec.name.p, ctl_verb_name(rq->verb));
	}
	return 0;
}

static int
read_request(json_t *doc, struct ctl_request *rq, struct fm_err *err)
{
	int r = check_members(doc, err);
	if (r < 0)
		return r;

	const json_t *verb = json_object_get(doc, "verb");
	rq->id = (uint64_t)json_integer_value(json_object_get(doc, "id"));
	if (!ctl_verb_parse(json_string_value(verb), json_string_length(verb), &rq->verb))
		return fm_fail(err, -EINVAL, "verb %s is not known", json_string_value(verb));
	r = read_args(json_object_get(doc, "args"), rq, err);
	return r < 0 ? r : check_needed(rq, err);
}

int
ctl_request_parse(const char *line, size_t len, struct ctl_request *ret, struct fm_err *err)
{
	json_t *doc;
	int r = load(line, len, &doc, err);
	if (r < 0)
		return r;

	struct ctl_request rq = {.doc = doc};
	r = read_request(doc, &rq, err);
	if (r < 0) {
		json_decref(doc);
		return r;
	}
	*ret = rq;
	return 0;
}

void
ctl_request_fini(struct ctl_request *rq)
{
	json_decref(rq->doc);
	*rq = (struct ctl_request){0};
}

uint64_t
ctl_request_id(const char *line, size_t len)
{
	json_t *doc;

	if (load(line, len, &doc, NULL) < 0)
		return 0;
	/* json_integer_value is 0 for what is no number. */
	json_int_t id = json_integer_value(json_object_get(doc, "id"));
	json_decref(doc);
	return id > 0 ? (uint64_t)id : 0;
}

static json_t *
cut_text(const char *text, size_t max)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	const size_t len = strlen(text), cut = fm_utf8_cut(text, len, max);

	fm_buf_add(&b, text, cut);
	fm_buf_adds(&b, cut < len ? "\xe2\x80\xa6" : "");
	return json_string(b.s);
}

void
ctl_request_args(const struct ctl_request *rq, size_t max_text, struct fm_buf *ret)
{
	const json_t *args = json_object_get(rq->doc, "args");
	json_t *all = json_object();

	for (unsigned i = 0; i < rq->n_args; i++) {
		json_t *value = json_object_get(args, rq->arg[i].name);

		value = json_is_string(value) ? cut_text(json_string_value(value), max_text)
					      : json_incref(value);
		json_object_set_new(all, rq->arg[i].name, value);
	}
	char *text = json_dumps(all, JSON_COMPACT);

	fm_buf_adds(ret, text);
	free(text);
	json_decref(all);
}

const char *
ctl_arg_text(const struct ctl_request *rq, const char *name)
{
	const struct ctl_arg *arg = find_arg(rq, fm_str_of(name));

	return arg != NULL ? arg->text : NULL;
}

uint64_t
ctl_arg_num(const struct ctl_request *rq, const char *name, uint64_t otherwise)
{
	const struct ctl_arg *arg = find_arg(rq, fm_str_of(name));

	return arg != NULL ? arg->num : otherwise;
}
