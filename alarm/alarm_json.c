/*
 * alarm_json: the one JSON form of alarms and transitions (INTERFACES §4). Members are listed in
 * the order in which they are printed; jansson keeps that order. What does not apply is null, so
 * that every record has the same members.
 *
 * This runs for every transition on the main thread, so texts are checked once here and handed to
 * jansson's unchecked setters.
 */
#include "alarm/alarm_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* Numbers from 2^63 up do not fit JSON integers; the counters here never get there. */
static void
put_number(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new_nocheck(o, name, json_integer((json_int_t)n));
}

static void
put_bool(json_t *o, const char *name, bool value)
{
	json_object_set_new_nocheck(o, name, json_boolean(value));
}

/* A word of ours: well-formed without looking. */
static void
put_word(json_t *o, const char *name, const char *word)
{
	json_object_set_new_nocheck(o, name, json_string_nocheck(word));
}

/* Text from outside; NULL prints null. Malformed bytes become U+FFFD, as a record is worth more. */
static json_t *
text_value(const char *s)
{
	if (s == NULL)
		return json_null();
	size_t len = strlen(s);
	if (fm_utf8_valid(s, len))
		return json_stringn_nocheck(s, len);

	struct fm_buf repaired = {0};
	fm_utf8_repair(&repaired, s, len);
	json_t *value = json_stringn_nocheck(repaired.s, repaired.len);
	fm_buf_fini(&repaired);
	return value;
}

static void
put_text(json_t *o, const char *name, const char *s)
{
	json_object_set_new_nocheck(o, name, text_value(s));
}

static void
put_time(json_t *o, const char *name, struct fm_time t)
{
	char buf[FM_TIME_STR];
	json_object_set_new_nocheck(o, name,
				    t.ns == 0 ? json_null()
					      : json_string_nocheck(fm_time_format(t, buf)));
}

static void
put_uuid(json_t *o, const char *name, const struct fm_uuid *u)
{
	char buf[FM_UUID_STR];
	json_object_set_new_nocheck(o, name,
				    fm_uuid_is_null(u)
					    ? json_null()
					    : json_string_nocheck(fm_uuid_format(u, buf)));
}

/* A hash is an identity, not a quantity: text keeps all its bits in every reader. */
static void
put_hash(json_t *o, const char *name, uint64_t hash)
{
	char buf[17];
	snprintf(buf, sizeof(buf), "%016" PRIx64, hash);
	json_object_set_new_nocheck(o, name, hash == 0 ? json_null() : json_string_nocheck(buf));
}

/* Names may come from a stored row, so here the setter checks: it leaves out a malformed one. */
static json_t *
attributes_object(const struct alarm *al)
{
	json_t *o = json_object();
	fm_assert(al->n_attrs <= FM_ALARM_MAX_ATTRS);
	for (unsigned i = 0; i < al->n_attrs; i++) {
		const struct attr *at = &al->attrs[i];
		json_object_set_new(o, at->name, at->text != NULL ? text_value(at->text)
								  : json_integer(at->num));
	}
	return o;
}

static void
put_identity(json_t *o, const struct alarm *al, const char *state)
{
	put_uuid(o, "uuid", &al->uuid);
	put_number(o, "id", al->id);
	put_text(o, "alarm_id", al->alarm_id);
	put_text(o, "entity_type_id", al->entity_type_id);
	put_text(o, "entity_instance_id", al->entity);
	put_word(o, "state", state);
}

static void
put_description(json_t *o, const struct alarm *al)
{
	put_word(o, "severity", severity_name(al->severity));
	put_text(o, "reason_text", al->reason_text);
	put_word(o, "alarm_type", alarm_type_name(al->type));
	put_word(o, "probable_cause", probable_cause_name(al->cause));
	put_text(o, "proposed_repair_action", al->repair);
	put_bool(o, "service_affecting", al->service_affecting);
	put_bool(o, "suppression", al->suppressible);
	put_word(o, "suppression_status", suppression_status_name(al->status));
	put_uuid(o, "suppressed_by", &al->suppressed_by);
	put_bool(o, "mgmt_affecting", alarm_mgmt_affecting(al));
	put_bool(o, "degrade_affecting", alarm_degrade_affecting(al));
}

static void
put_life(json_t *o, const struct alarm *al)
{
	put_time(o, "raised_at", al->raised_at);
	put_time(o, "changed_at", al->changed_at);
	put_time(o, "cleared_at", al->cleared_at);
	put_number(o, "count", al->count);
	put_word(o, "operator_state", operator_state_name(al->oper));
	put_text(o, "acked_by", al->acked_by);
	put_time(o, "shelved_until", al->shelved_until);
	put_uuid(o, "root_cause", &al->root_cause);
	put_number(o, "children", al->children);
}

static json_t *
alarm_object(const struct alarm *al, const char *state)
{
	json_t *o = json_object();
	put_identity(o, al, state);
	put_description(o, al);
	put_life(o, al);
	json_object_set_new_nocheck(o, "attributes", attributes_object(al));
	put_hash(o, "catalogue", al->catalogue);
	return o;
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
static json_t *
previous_object(const struct transition *tr)
{
	if ((tr->prev_mask & (PREV_SEVERITY | PREV_TEXT | PREV_STATUS)) == 0)
		return json_null();

	json_t *o = json_object();
	if (tr->prev_mask & PREV_SEVERITY)
		put_word(o, "severity", severity_name(tr->prev_severity));
	if (tr->prev_mask & PREV_TEXT)
		put_text(o, "reason_text", tr->prev_text);
	if (tr->prev_mask & PREV_STATUS)
		put_word(o, "suppression_status", suppression_status_name(tr->prev_status));
	return o;
}

/* The record behind a cause. A relation has one when a record led to it, a command never. */
static void
put_record(json_t *o, const struct transition_cause *cause)
{
	if (cause->topic == NULL)
		return;
	put_text(o, "topic", cause->topic);
	json_object_set_new_nocheck(o, "partition", json_integer(cause->partition));
	json_object_set_new_nocheck(o, "offset", json_integer(cause->offset));
}

/* "event" is named for what it is in each kind: an event type, a deadline or a verb. */
static const char *
event_member(enum cause_kind kind)
{
	switch (kind) {
	case CAUSE_DEADLINE:
		return "deadline";
	case CAUSE_COMMAND:
		return "command";
	case CAUSE_RECORD:
	case CAUSE_RELATION:
	case CAUSE_SELF:
		return "event";
	}
	return "event";
}

static json_t *
cause_object(const struct transition_cause *cause)
{
	json_t *o = json_object();
	put_word(o, "kind", cause_kind_name(cause->kind));
	put_record(o, cause);
	if (cause->event != NULL)
		put_text(o, event_member(cause->kind), cause->event);
	if (cause->event_time.ns != 0)
		put_time(o, "event_time", cause->event_time);
	if (cause->user != NULL)
		put_text(o, "user", cause->user);
	if (cause->rule != NULL)
		put_text(o, "rule", cause->rule);
	if (cause->rule_line != 0)
		put_number(o, "rule_line", cause->rule_line);
	if (!fm_uuid_is_null(&cause->parent))
		put_uuid(o, "parent", &cause->parent);
	if (cause->catalogue != 0)
		put_hash(o, "catalogue", cause->catalogue);
	return o;
}

/* Frees o. jansson can fail only for want of memory here: every value is one it can print. */
static char *
print_object(json_t *o, size_t *ret_len)
{
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	fm_assert(text != NULL);
	*ret_len = strlen(text);
	return text;
}

char *
alarm_to_json(const struct alarm *al, size_t *ret_len)
{
	return print_object(alarm_object(al, alarm_state(al)), ret_len);
}

char *
transition_to_json(const struct transition *tr, const char *stream, size_t *ret_len,
		   size_t *ret_alarm_len)
{
	static const char before_alarm[] = ",\"alarm\":{";
	json_t *o = json_object();
	put_word(o, "schema", FM_SCHEMA_TRANSITION);
	put_text(o, "stream", stream);
	put_number(o, "seq", tr->seq);
	put_word(o, "kind", transition_kind_name(tr->kind));
	put_time(o, "time", tr->at);
	put_bool(o, "notify", tr->notify);
	json_object_set_new_nocheck(o, "previous", previous_object(tr));
	json_object_set_new_nocheck(o, "cause", cause_object(&tr->cause));
	json_object_set_new_nocheck(o, "alarm", alarm_object(&tr->alarm, state_word(tr)));
	char *text = print_object(o, ret_len);

	/* Inside a string a backslash precedes a quote, so this is found nowhere else first. */
	const char *mark = strstr(text, before_alarm);
	fm_assert(mark != NULL);
	const char *alarm_text = mark + sizeof(before_alarm) - 2;
	*ret_alarm_len = *ret_len - 1 - (size_t)(alarm_text - text);
	return text;
}
