/*
 * query: the language of "-q". A text is parsed once into typed terms; a term that could not be
 * answered as asked (an order on a text, a word that no severity has) is refused by name, never
 * ignored.
 */
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "ctl/ctl.h"

enum field_type { TYPE_TEXT, TYPE_SEVERITY, TYPE_KIND, TYPE_CAUSE, TYPE_TIME, TYPE_NUMBER,
	TYPE_BOOL, TYPE_STATE };

enum field { FIELD_ALARM_ID, FIELD_ENTITY, FIELD_ENTITY_TYPE, FIELD_SEVERITY, FIELD_TYPE,
	FIELD_CAUSE, FIELD_REASON, FIELD_UUID, FIELD_STATE, FIELD_TIMESTAMP, FIELD_SERVICE,
	FIELD_COUNT };

enum op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_HAS };

/* The two-character operators come before the ones they begin with. */
static const char *const op_names[] = {
	[OP_EQ] = "=", [OP_NE] = "!=", [OP_LE] = "<=", [OP_GE] = ">=", [OP_LT] = "<",
	[OP_GT] = ">", [OP_HAS] = "~",
};
static const enum op op_order[] = {OP_NE, OP_LE, OP_GE, OP_EQ, OP_LT, OP_GT, OP_HAS};

static const struct field_def {
	const char *name;
	enum field field;
	enum field_type type;
} fields[] = {
	{"alarm_id", FIELD_ALARM_ID, TYPE_TEXT},
	{"event_log_id", FIELD_ALARM_ID, TYPE_TEXT},            /* so named by the incumbent */
	{"entity_instance_id", FIELD_ENTITY, TYPE_TEXT},
	{"entity_type_id", FIELD_ENTITY_TYPE, TYPE_TEXT},
	{"severity", FIELD_SEVERITY, TYPE_SEVERITY},
	{"alarm_type", FIELD_TYPE, TYPE_KIND},
	{"probable_cause", FIELD_CAUSE, TYPE_CAUSE},
	{"reason_text", FIELD_REASON, TYPE_TEXT},
	{"uuid", FIELD_UUID, TYPE_TEXT},
	{"state", FIELD_STATE, TYPE_STATE},
	{"timestamp", FIELD_TIMESTAMP, TYPE_TIME},
	{"service_affecting", FIELD_SERVICE, TYPE_BOOL},
	{"count", FIELD_COUNT, TYPE_NUMBER},
};

enum alarm_state { STATE_ACTIVE, STATE_CLEARED, STATE_LOG };

/* Words for numbers: what a query may say and what the alarm's field is compared as. */
static const struct word {
	const char *word;
	int num;
} bool_words[] = {{"true", 1}, {"yes", 1}, {"1", 1}, {"false", 0}, {"no", 0}, {"0", 0}},
  state_words[] = {{"active", STATE_ACTIVE}, {"set", STATE_ACTIVE}, {"cleared", STATE_CLEARED},
		   {"clear", STATE_CLEARED}, {"log", STATE_LOG}};

struct term {
	const struct field_def *def;
	enum op op;
	char *text;             /* TYPE_TEXT */
	int64_t num;            /* the others */
};

struct ctl_query {
	struct term term[CTL_MAX_TERMS];
	unsigned n_terms;
};

/* What is asked: an alarm, with the two things that a history record says differently. */
struct subject {
	const struct alarm *al;
	struct fm_time at;
	enum alarm_state state;
};

/* ---- parsing ------------------------------------------------------------------------- */

static struct fm_str
trimmed(const char *p, size_t len)
{
	while (len > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	return (struct fm_str){p, (uint32_t)len};
}

static int
find_field(struct fm_str key, const struct field_def **ret, struct fm_err *err)
{
	for (size_t i = 0; i < FM_ARRAY_LEN(fields); i++) {
		if (!fm_str_is(key, fields[i].name))
			continue;
		*ret = &fields[i];
		return 0;
	}
	return fm_fail(err, -EINVAL, "query: unknown key \"%.*s\"", (int)key.len, key.p);
}

static int
find_op(const char *p, size_t len, enum op *ret, size_t *ret_len)
{
	for (size_t i = 0; i < FM_ARRAY_LEN(op_order); i++) {
		size_t n = strlen(op_names[op_order[i]]);

		if (n > len || memcmp(p, op_names[op_order[i]], n) != 0)
			continue;
		*ret = op_order[i];
		*ret_len = n;
		return 0;
	}
	return -ENOENT;
}

static bool
op_fits(enum field_type type, enum op op)
{
	switch (type) {
	case TYPE_TEXT:
		return op == OP_EQ || op == OP_NE || op == OP_HAS;
	case TYPE_SEVERITY:
	case TYPE_TIME:
	case TYPE_NUMBER:
		return op != OP_HAS;
	case TYPE_KIND:
	case TYPE_CAUSE:
	case TYPE_BOOL:
	case TYPE_STATE:
		return op == OP_EQ || op == OP_NE;
	}
	return false;
}

static bool
find_word(const struct word *words, size_t n, struct fm_str value, int64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i].word) != value.len ||
		    strncasecmp(words[i].word, value.p, value.len) != 0)
			continue;
		*ret = words[i].num;
		return true;
	}
	return false;
}

static bool
read_number(struct fm_str value, int64_t *ret)
{
	int64_t num = 0;

	for (uint32_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9' ||
		    __builtin_mul_overflow(num, 10, &num) ||
		    __builtin_add_overflow(num, value.p[i] - '0', &num))
			return false;
	}
	*ret = num;
	return value.len > 0;
}

static bool
read_value(enum field_type type, struct fm_str value, struct term *t)
{
	enum severity sev;
	struct fm_time time;
	int num;

	switch (type) {
	case TYPE_TEXT:
		t->text = fm_strndup(value.p, value.len);
		return true;
	case TYPE_SEVERITY:
		if (!severity_parse(value.p, value.len, &sev))
			return false;
		t->num = sev;
		return true;
	case TYPE_KIND:
		if (!alarm_type_parse(value.p, value.len, &num))
			return false;
		t->num = num;
		return true;
	case TYPE_CAUSE:
		if (!probable_cause_parse(value.p, value.len, &num))
			return false;
		t->num = num;
		return true;
	case TYPE_TIME:
		if (fm_time_parse(value.p, value.len, &time) < 0)
			return false;
		t->num = time.ns;
		return true;
	case TYPE_NUMBER:
		return read_number(value, &t->num);
	case TYPE_BOOL:
		return find_word(bool_words, FM_ARRAY_LEN(bool_words), value, &t->num);
	case TYPE_STATE:
		return find_word(state_words, FM_ARRAY_LEN(state_words), value, &t->num);
	}
	return false;
}

/*
 * The incumbent's clients may write the type before the value. Ours is known by the key, so
 * the word is taken and dropped; "::" inside any other value stays.
 */
static struct fm_str
without_type(struct fm_str value)
{
	static const char *const types[] = {"string", "integer", "float", "datetime", "boolean"};

	for (size_t i = 0; i < FM_ARRAY_LEN(types); i++) {
		size_t n = strlen(types[i]);

		if (value.len >= n + 2 && memcmp(value.p, types[i], n) == 0 &&
		    memcmp(value.p + n, "::", 2) == 0)
			return (struct fm_str){value.p + n + 2, value.len - (uint32_t)n - 2};
	}
	return value;
}

static int
parse_term(const char *p, size_t len, struct ctl_query *q, struct fm_err *err)
{
	size_t key_len = 0, op_len;
	struct term t = {0};

	while (key_len < len && strchr("=!<>~", p[key_len]) == NULL)
		key_len++;
	struct fm_str key = trimmed(p, key_len);
	int r = find_field(key, &t.def, err);
	if (r < 0)
		return r;
	if (find_op(p + key_len, len - key_len, &t.op, &op_len) < 0)
		return fm_fail(err, -EINVAL, "query: %s: one of = != < <= > >= ~ must follow",
			       t.def->name);
	if (!op_fits(t.def->type, t.op))
		return fm_fail(err, -EINVAL, "query: %s cannot be asked with %s", t.def->name,
			       op_names[t.op]);
	struct fm_str value = trimmed(p + key_len + op_len, len - key_len - op_len);
	value = without_type(value);
	if (!read_value(t.def->type, value, &t))
		return fm_fail(err, -EINVAL, "query: %s: \"%.*s\" is no value of it", t.def->name,
			       (int)value.len, value.p);
	q->term[q->n_terms++] = t;
	return 0;
}

static int
parse_terms(const char *text, struct ctl_query *q, struct fm_err *err)
{
	for (const char *p = text; *p != '\0'; p += *p == ';') {
		size_t len = strcspn(p, ";");

		if (trimmed(p, len).len > 0) {
			if (q->n_terms == CTL_MAX_TERMS)
				return fm_fail(err, -EINVAL, "query: more than %d terms",
					       CTL_MAX_TERMS);
			int r = parse_term(p, len, q, err);
			if (r < 0)
				return r;
		}
		p += len;
	}
	if (q->n_terms == 0)
		return fm_fail(err, -EINVAL, "query: empty");
	return 0;
}

int
ctl_query_parse(const char *text, struct ctl_query **ret, struct fm_err *err)
{
	struct ctl_query *q = fm_calloc(1, sizeof(*q));
	int r = parse_terms(text, q, err);

	if (r < 0) {
		ctl_query_free(q);
		return r;
	}
	*ret = q;
	return 0;
}

void
ctl_query_free(struct ctl_query *q)
{
	if (q == NULL)
		return;
	for (unsigned i = 0; i < q->n_terms; i++)
		free(q->term[i].text);
	free(q);
}

/* ---- matching ------------------------------------------------------------------------ */

static const char *
text_of(const struct alarm *al, enum field field, char uuid[FM_UUID_STR])
{
	const char *s = NULL;

	if (field == FIELD_ALARM_ID)
		s = al->alarm_id;
	else if (field == FIELD_ENTITY)
		s = al->entity;
	else if (field == FIELD_ENTITY_TYPE)
		s = al->entity_type_id;
	else if (field == FIELD_REASON)
		s = al->reason_text;
	else if (field == FIELD_UUID)
		s = fm_uuid_format(&al->uuid, uuid);
	return s != NULL ? s : "";
}

static int64_t
num_of(const struct subject *sub, enum field field)
{
	switch (field) {
	case FIELD_SEVERITY:
		return sub->al->severity;
	case FIELD_TYPE:
		return sub->al->type;
	case FIELD_CAUSE:
		return sub->al->cause;
	case FIELD_STATE:
		return sub->state;
	case FIELD_TIMESTAMP:
		return sub->at.ns;
	case FIELD_SERVICE:
		return sub->al->service_affecting;
	case FIELD_COUNT:
		return (int64_t)sub->al->count;
	case FIELD_ALARM_ID:
	case FIELD_ENTITY:
	case FIELD_ENTITY_TYPE:
	case FIELD_REASON:
	case FIELD_UUID:
		break;
	}
	return 0;
}

static bool
term_matches(const struct term *t, const struct subject *sub)
{
	char uuid[FM_UUID_STR];
	int64_t num;

	if (t->def->type == TYPE_TEXT) {
		const char *s = text_of(sub->al, t->def->field, uuid);

		if (t->op == OP_HAS)
			return strstr(s, t->text) != NULL;
		return (strcmp(s, t->text) == 0) == (t->op == OP_EQ);
	}
	num = num_of(sub, t->def->field);
	switch (t->op) {
	case OP_EQ:
		return num == t->num;
	case OP_NE:
		return num != t->num;
	case OP_LE:
		return num <= t->num;
	case OP_GE:
		return num >= t->num;
	case OP_LT:
		return num < t->num;
	case OP_GT:
		return num > t->num;
	case OP_HAS:
		break;          /* op_fits leaves it to texts */
	}
	return false;
}

static bool
subject_matches(const struct ctl_query *q, const struct subject *sub)
{
	for (unsigned i = 0; i < q->n_terms; i++) {
		if (!term_matches(&q->term[i], sub))
			return false;
	}
	return true;
}

bool
ctl_query_matches(const struct ctl_query *q, const struct alarm *al)
{
	struct subject sub = {
		.al = al,
		.at = al->changed_at,
		.state = al->cleared ? STATE_CLEARED : STATE_ACTIVE,
	};

	return q == NULL || subject_matches(q, &sub);
}

/* ---- the JSON form ------------------------------------------------------------------- */

static struct fm_str
member(const json_t *obj, const char *name)
{
	const json_t *value = json_object_get(obj, name);

	if (!json_is_string(value))
		return (struct fm_str){"", 0};
	return (struct fm_str){json_string_value(value), (uint32_t)json_string_length(value)};
}

/* Only what a query can ask for. Words that do not parse leave the field at zero. */
static void
read_alarm(const json_t *js, struct alarm *ret)
{
	struct fm_str s;

	ret->alarm_id = member(js, "alarm_id").p;
	ret->entity = member(js, "entity_instance_id").p;
	ret->entity_type_id = member(js, "entity_type_id").p;
	ret->reason_text = member(js, "reason_text").p;
	s = member(js, "uuid");
	(void)fm_uuid_parse(s.p, s.len, &ret->uuid);
	s = member(js, "severity");
	(void)severity_parse(s.p, s.len, &ret->severity);
	s = member(js, "alarm_type");
	(void)alarm_type_parse(s.p, s.len, &ret->type);
	s = member(js, "probable_cause");
	(void)probable_cause_parse(s.p, s.len, &ret->cause);
	s = member(js, "state");
	ret->cleared = fm_str_is(s, "cleared");
	ret->service_affecting = json_is_true(json_object_get(js, "service_affecting"));
	json_int_t count = json_integer_value(json_object_get(js, "count"));
	ret->count = count > 0 ? (uint64_t)count : 0;
}

static bool
json_matches(const struct ctl_query *q, const json_t *doc)
{
	struct alarm al = {0};
	const json_t *inner = json_object_get(doc, "alarm");
	struct subject sub = {.al = &al};
	struct fm_str at = inner != NULL ? member(doc, "time") : member(doc, "changed_at");

	read_alarm(inner != NULL ? inner : doc, &al);
	/* A time that does not parse stays 0: older than everything. */
	if (fm_time_parse(at.p, at.len, &sub.at) < 0)
		sub.at = (struct fm_time){0};
	sub.state = al.cleared ? STATE_CLEARED : STATE_ACTIVE;
	if (fm_str_is(member(inner != NULL ? inner : doc, "state"), "log"))
		sub.state = STATE_LOG;
	return subject_matches(q, &sub);
}

bool
ctl_query_matches_json(const struct ctl_query *q, const char *json, size_t len)
{
	if (q == NULL)
		return true;
	json_t *doc = json_loadb(json, len, 0, NULL);
	if (doc == NULL)
		return false;
	bool matches = json_is_object(doc) && json_matches(q, doc);
	json_decref(doc);
	return matches;
}
