/*
 * alarm_json: the one JSON form of alarms and transitions (INTERFACES §4). Members are written in
 * the order in which they stand here. What does not apply is null, so that every record has the
 * same members.
 *
 * This runs for every transition on the main thread, so the text is written at once and not made
 * of objects first: jansson took a third of a transition's CPU time. The tests hold every byte
 * against jansson's, but for the escapes of what controls a terminal.
 */
#include "alarm/alarm_json.h"

/* Most transitions fit, so most are written without moving. */
#define USUAL_SIZE 2048

/* A member's name with all that is around it; the comma is left out after a brace. */
#define M(name) ",\"" name "\":"

static void
put_member(struct fm_buf *b, const char *member)
{
	fm_buf_adds(b, b->s[b->len - 1] == '{' ? member + 1 : member);
}

static void
put_digits(struct fm_buf *b, uint64_t n, bool negative)
{
	char buf[24], *end = buf + sizeof(buf), *p = end;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	if (negative)
		*--p = '-';
	fm_buf_add(b, p, (size_t)(end - p));
}

static void
put_integer(struct fm_buf *b, int64_t n)
{
	put_digits(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, n < 0);
}

/* Numbers from 2^63 up do not fit the integers of many readers; the counters never get there. */
static void
put_number(struct fm_buf *b, const char *member, uint64_t n)
{
	put_member(b, member);
	put_digits(b, n, false);
}

static void
put_bool(struct fm_buf *b, const char *member, bool value)
{
	put_member(b, member);
	fm_buf_adds(b, value ? "true" : "false");
}

static void
put_quoted(struct fm_buf *b, const char *s, size_t len)
{
	fm_buf_add(b, "\"", 1);
	fm_buf_add(b, s, len);
	fm_buf_add(b, "\"", 1);
}

/* A word of ours: nothing in it has to be escaped. */
static void
put_word(struct fm_buf *b, const char *member, const char *word)
{
	put_member(b, member);
	put_quoted(b, word, strlen(word));
}

static void
put_escape(struct fm_buf *b, unsigned char c)
{
	static const char shorts[][2] = {
		{'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'},
		{'\t', 't'},
	};
	static const char hex[] = "0123456789ABCDEF";

	for (unsigned i = 0; i < FM_ARRAY_LEN(shorts); i++) {
		if ((unsigned char)shorts[i][0] == c) {
			fm_buf_add(b, (char[]){'\\', shorts[i][1]}, 2);
			return;
		}
	}
	fm_buf_add(b, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* RFC 8259 §7: beyond U+FFFF as a pair of surrogates. */
static void
put_code_point(struct fm_buf *b, uint32_t cp)
{
	if (cp < 0x10000)
		fm_buf_addf(b, "\\u%04X", cp);
	else
		fm_buf_addf(b, "\\u%04X\\u%04X", 0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
}

/* For the byte at i, which may need it; what stands between *done and i goes before the escape. */
static void
put_if_escaped(struct fm_buf *b, const char *s, size_t len, size_t i, size_t *done)
{
	const unsigned char c = (unsigned char)s[i];
	const bool must = c < ' ' || c == '"' || c == '\\';
	uint32_t cp = c;
	const size_t n = c < 0x80 ? 1 : fm_utf8_decode(s + i, len - i, &cp);

	/* Inside of a code point there is nothing to decode. */
	if (n == 0 || (!must && !fm_utf8_is_hostile(cp)))
		return;
	fm_buf_add(b, s + *done, i - *done);
	if (must)
		put_escape(b, c);
	else
		put_code_point(b, cp);
	*done = i + n;
}

/*
 * Well-formed text: what may not stand in a string as it is, is escaped, and what would control the
 * terminal of somebody who looks at the journal or a topic.
 */
static void
put_string(struct fm_buf *b, const char *s, size_t len)
{
	size_t done = 0;

	fm_buf_add(b, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c < ' ' || c == '"' || c == '\\' || c >= 0x7f)
			put_if_escaped(b, s, len, i, &done);
	}
	fm_buf_add(b, s + done, len - done);
	fm_buf_add(b, "\"", 1);
}

/* Text from outside; NULL prints null. Malformed bytes become U+FFFD, as a record is worth more. */
static void
put_value(struct fm_buf *b, const char *s)
{
	if (s == NULL) {
		fm_buf_adds(b, "null");
		return;
	}
	const size_t len = strlen(s);
	if (fm_utf8_valid(s, len)) {
		put_string(b, s, len);
		return;
	}
	struct fm_buf repaired = {0};
	fm_utf8_repair(&repaired, s, len);
	put_string(b, repaired.s, repaired.len);
	fm_buf_fini(&repaired);
}

static void
put_text(struct fm_buf *b, const char *member, const char *s)
{
	put_member(b, member);
	put_value(b, s);
}

/* Ours, or null. */
static void
put_optional(struct fm_buf *b, const char *member, bool is_null, const char *s)
{
	put_member(b, member);
	if (is_null)
		fm_buf_adds(b, "null");
	else
		put_quoted(b, s, strlen(s));
}

static void
put_time(struct fm_buf *b, const char *member, struct fm_time t)
{
	char buf[FM_TIME_STR];

	put_optional(b, member, t.ns == 0, fm_time_format(t, buf));
}

static void
put_uuid(struct fm_buf *b, const char *member, const struct fm_uuid *u)
{
	char buf[FM_UUID_STR];

	put_optional(b, member, fm_uuid_is_null(u), fm_uuid_format(u, buf));
}

/* A hash is an identity, not a quantity: text keeps all its bits in every reader. */
static void
put_hash(struct fm_buf *b, const char *member, uint64_t hash)
{
	static const char hex[] = "0123456789abcdef";
	char buf[17] = "";

	for (unsigned i = 0; i < 16; i++)
		buf[i] = hex[hash >> (60 - 4 * i) & 15];
	put_optional(b, member, hash == 0, buf);
}

/* The last of equal names gives the value, in the place of the first. */
static const struct attr *
attribute_at(const struct alarm *al, unsigned i)
{
	const struct attr *at = &al->attrs[i];

	for (unsigned k = 0; k < i; k++)
		if (strcmp(al->attrs[k].name, at->name) == 0)
			return NULL;
	for (unsigned k = i + 1; k < al->n_attrs; k++)
		if (strcmp(al->attrs[k].name, at->name) == 0)
			at = &al->attrs[k];
	return at;
}

/* Names may come from a stored row: a malformed one is left out. */
static void
put_attribute(struct fm_buf *b, const struct attr *at)
{
	const size_t len = strlen(at->name);

	if (!fm_utf8_valid(at->name, len))
		return;
	if (b->s[b->len - 1] != '{')
		fm_buf_add(b, ",", 1);
	put_string(b, at->name, len);
	fm_buf_add(b, ":", 1);
	if (at->text != NULL)
		put_value(b, at->text);
	else
		put_integer(b, at->num);
}

static void
put_attributes(struct fm_buf *b, const char *member, const struct alarm *al)
{
	fm_assert(al->n_attrs <= FM_ALARM_MAX_ATTRS);
	put_member(b, member);
	fm_buf_add(b, "{", 1);
	for (unsigned i = 0; i < al->n_attrs; i++) {
		const struct attr *at = attribute_at(al, i);

		if (at != NULL)
			put_attribute(b, at);
	}
	fm_buf_add(b, "}", 1);
}

static void
put_identity(struct fm_buf *b, const struct alarm *al, const char *state)
{
	put_uuid(b, M("uuid"), &al->uuid);
	put_number(b, M("id"), al->id);
	put_text(b, M("alarm_id"), al->alarm_id);
	put_text(b, M("entity_type_id"), al->entity_type_id);
	put_text(b, M("entity_instance_id"), al->entity);
	put_word(b, M("state"), state);
}

static void
put_description(struct fm_buf *b, const struct alarm *al)
{
	put_word(b, M("severity"), severity_name(al->severity));
	put_text(b, M("reason_text"), al->reason_text);
	put_word(b, M("alarm_type"), alarm_type_name(al->type));
	put_word(b, M("probable_cause"), probable_cause_name(al->cause));
	put_text(b, M("proposed_repair_action"), al->repair);
	put_bool(b, M("service_affecting"), al->service_affecting);
	put_bool(b, M("suppression"), al->suppressible);
	put_word(b, M("suppression_status"), suppression_status_name(al->status));
	put_uuid(b, M("suppressed_by"), &al->suppressed_by);
	put_bool(b, M("mgmt_affecting"), alarm_mgmt_affecting(al));
	put_bool(b, M("degrade_affecting"), alarm_degrade_affecting(al));
}

static void
put_life(struct fm_buf *b, const struct alarm *al)
{
	put_time(b, M("raised_at"), al->raised_at);
	put_time(b, M("changed_at"), al->changed_at);
	put_time(b, M("cleared_at"), al->cleared_at);
	put_number(b, M("count"), al->count);
	put_word(b, M("operator_state"), operator_state_name(al->oper));
	put_text(b, M("acked_by"), al->acked_by);
	put_time(b, M("shelved_until"), al->shelved_until);
	put_text(b, M("maintenance_window"), al->window);
	put_uuid(b, M("root_cause"), &al->root_cause);
	put_number(b, M("children"), al->children);
}

static void
put_alarm(struct fm_buf *b, const struct alarm *al, const char *state)
{
	fm_buf_add(b, "{", 1);
	put_identity(b, al, state);
	put_description(b, al);
	put_life(b, al);
	put_attributes(b, M("attributes"), al);
	put_hash(b, M("catalogue"), al->catalogue);
	fm_buf_add(b, "}", 1);
}

static const char *
alarm_state(const struct alarm *al)
{
	return al->cleared ? "cleared" : "active";
}

/* A log is no alarm and has no life of its own. */
static const char *
state_word(const struct transition *tr)
{
	return tr->kind == TR_LOG ? "log" : alarm_state(&tr->alarm);
}

/* Only what changed; null when nothing did. */
static void
put_previous(struct fm_buf *b, const char *member, const struct transition *tr)
{
	put_member(b, member);
	if (tr->prev_mask == 0) {
		fm_buf_adds(b, "null");
		return;
	}
	fm_buf_add(b, "{", 1);
	if (tr->prev_mask & PREV_SEVERITY)
		put_word(b, M("severity"), severity_name(tr->prev_severity));
	if (tr->prev_mask & PREV_TEXT)
		put_text(b, M("reason_text"), tr->prev_text);
	if (tr->prev_mask & PREV_STATUS)
		put_word(b, M("suppression_status"), suppression_status_name(tr->prev_status));
	if (tr->prev_mask & PREV_PARENT)
		put_uuid(b, M("root_cause"), &tr->prev_root_cause);
	if (tr->prev_mask & PREV_SUPPRESSOR)
		put_uuid(b, M("suppressed_by"), &tr->prev_suppressed_by);
	if (tr->prev_mask & PREV_WINDOW)
		put_text(b, M("maintenance_window"), tr->prev_window);
	if (tr->prev_mask & PREV_STALE)
		put_text(b, M("stale_since"), tr->prev_stale);
	if (tr->prev_mask & PREV_MOVED)
		put_number(b, M("moved"), (uint64_t)tr->prev_moved);
	fm_buf_add(b, "}", 1);
}

/* The record behind a cause. A relation has one when a record led to it, a command never. */
static void
put_record(struct fm_buf *b, const struct transition_cause *cause)
{
	if (cause->topic == NULL)
		return;
	put_text(b, M("topic"), cause->topic);
	put_member(b, M("partition"));
	put_integer(b, cause->partition);
	put_member(b, M("offset"));
	put_integer(b, cause->offset);
}

/* "event" is named for what it is in each kind: an event type, a deadline or a verb. */
static const char *
event_member(enum cause_kind kind)
{
	switch (kind) {
	case CAUSE_DEADLINE:
		return M("deadline");
	case CAUSE_COMMAND:
		return M("command");
	case CAUSE_RECORD:
	case CAUSE_RELATION:
	case CAUSE_SELF:
		return M("event");
	}
	return M("event");
}

static void
put_cause(struct fm_buf *b, const char *member, const struct transition_cause *cause)
{
	put_member(b, member);
	fm_buf_add(b, "{", 1);
	put_word(b, M("kind"), cause_kind_name(cause->kind));
	put_record(b, cause);
	if (cause->event != NULL)
		put_text(b, event_member(cause->kind), cause->event);
	if (cause->event_time.ns != 0)
		put_time(b, M("event_time"), cause->event_time);
	if (cause->user != NULL)
		put_text(b, M("user"), cause->user);
	if (cause->rule != NULL)
		put_text(b, M("rule"), cause->rule);
	if (cause->rule_line != 0)
		put_number(b, M("rule_line"), cause->rule_line);
	if (!fm_uuid_is_null(&cause->parent))
		put_uuid(b, M("parent"), &cause->parent);
	if (cause->catalogue != 0)
		put_hash(b, M("catalogue"), cause->catalogue);
	fm_buf_add(b, "}", 1);
}

/* Thousands may be kept until they are delivered: what was reserved too much is given back. */
static char *
finish(struct fm_buf *b, size_t *ret_len)
{
	*ret_len = b->len;
	return fm_realloc(b->s, b->len + 1);
}

char *
alarm_to_json(const struct alarm *al, size_t *ret_len)
{
	struct fm_buf b = {0};

	fm_buf_reserve(&b, USUAL_SIZE);
	put_alarm(&b, al, alarm_state(al));
	return finish(&b, ret_len);
}

void
transition_add_json(struct fm_buf *b, const struct transition *tr, const char *stream,
		    size_t *ret_alarm_len)
{
	size_t before;

	fm_buf_reserve(b, USUAL_SIZE);
	fm_buf_add(b, "{", 1);
	put_word(b, M("schema"), FM_SCHEMA_TRANSITION);
	put_text(b, M("stream"), stream);
	put_number(b, M("seq"), tr->seq);
	put_word(b, M("kind"), transition_kind_name(tr->kind));
	put_time(b, M("time"), tr->at);
	put_bool(b, M("notify"), tr->notify);
	put_previous(b, M("previous"), tr);
	put_cause(b, M("cause"), &tr->cause);
	put_member(b, M("alarm"));

	before = b->len;
	put_alarm(b, &tr->alarm, state_word(tr));
	*ret_alarm_len = b->len - before;
	fm_buf_add(b, "}", 1);
}

char *
transition_to_json(const struct transition *tr, const char *stream, size_t *ret_len,
		   size_t *ret_alarm_len)
{
	struct fm_buf b = {0};

	transition_add_json(&b, tr, stream, ret_alarm_len);
	return finish(&b, ret_len);
}
