/*
 * columns: the tables of columns, what --columns and --sort make of them, and the text of a cell.
 */
#include "fm/columns_priv.h"

#include <stdlib.h>

#include "alarm/alarm.h"
#include "fm/suggest_priv.h"
#include "fm/text_priv.h"

/* Members of an alarm that only --columns and the property tables show. */
#define ALARM_DETAILS(prefix) \
	{"alarm_type", "Alarm Type", prefix "alarm_type", CELL_TEXT, 0}, \
	{"probable_cause", "Probable Cause", prefix "probable_cause", CELL_TEXT, 0}, \
	{"proposed_repair_action", "Proposed Repair Action", prefix "proposed_repair_action", \
	 CELL_TEXT, COL_WRAP}, \
	{"service_affecting", "Service Affecting", prefix "service_affecting", CELL_TEXT, 0}, \
	{"suppression", "Suppression", prefix "suppression", CELL_TEXT, 0}, \
	{"suppression_status", "Suppression Status", prefix "suppression_status", CELL_TEXT, 0}

#define ALARM_LIFE(prefix) \
	{"suppressed_by", "Suppressed By", prefix "suppressed_by", CELL_TEXT, 0}, \
	{"raised_at", "Raised", prefix "raised_at", CELL_TIME, 0}, \
	{"changed_at", "Changed", prefix "changed_at", CELL_TIME, 0}, \
	{"cleared_at", "Cleared", prefix "cleared_at", CELL_TIME, 0}, \
	{"count", "Count", prefix "count", CELL_NUMBER, 0}, \
	{"operator_state", "Operator State", prefix "operator_state", CELL_TEXT, 0}, \
	{"acked_by", "Acknowledged By", prefix "acked_by", CELL_TEXT, 0}, \
	{"shelved_until", "Shelved Until", prefix "shelved_until", CELL_TIME, 0}, \
	{"maintenance_window", "Maintenance Window", prefix "maintenance_window", CELL_TEXT, 0}, \
	{"root_cause", "Root Cause", prefix "root_cause", CELL_TEXT, 0}, \
	{"children", "Children", prefix "children", CELL_NUMBER, 0}, \
	{"attributes", "Attributes", prefix "attributes", CELL_TEXT, COL_WRAP}, \
	{"catalogue", "Catalogue", prefix "catalogue", CELL_TEXT, 0}

#define AFFECTING(prefix) \
	{"mgmt_affecting", "Management Affecting", prefix "mgmt_affecting", CELL_TEXT, 0}, \
	{"degrade_affecting", "Degrade Affecting", prefix "degrade_affecting", CELL_TEXT, 0}

const struct column alarm_columns[] = {
	{"uuid", "UUID", "uuid", CELL_TEXT, 0},
	{"alarm_id", "Alarm ID", "alarm_id", CELL_ALARM_ID, COL_DEFAULT},
	{"reason_text", "Reason Text", "reason_text", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"entity_instance_id", "Entity ID", "entity_instance_id", CELL_TEXT,
	 COL_DEFAULT | COL_WRAP},
	{"severity", "Severity", "severity", CELL_SEVERITY, COL_DEFAULT},
	{"timestamp", "Time Stamp", "changed_at", CELL_TIME, COL_DEFAULT | COL_NEWEST},
	AFFECTING(""),
	{"state", "State", "state", CELL_TEXT, 0},
	{"entity_type_id", "Entity Type ID", "entity_type_id", CELL_TEXT, 0},
	ALARM_DETAILS(""),
	ALARM_LIFE(""),
	{0},
};

const struct column alarm_properties[] = {
	{"uuid", "", "uuid", CELL_TEXT, 0},
	{"alarm_id", "", "alarm_id", CELL_TEXT, 0},
	{"alarm_state", "", "state", CELL_TEXT, 0},
	{"entity_type_id", "", "entity_type_id", CELL_TEXT, 0},
	{"entity_instance_id", "", "entity_instance_id", CELL_TEXT, 0},
	{"timestamp", "", "changed_at", CELL_TIME, 0},
	{"severity", "", "severity", CELL_SEVERITY, 0},
	{"reason_text", "", "reason_text", CELL_TEXT, 0},
	ALARM_DETAILS(""),
	AFFECTING(""),
	ALARM_LIFE(""),
	{0},
};

const struct column event_columns[] = {
	{"uuid", "UUID", "alarm.uuid", CELL_TEXT, 0},
	{"timestamp", "Time Stamp", "time", CELL_TIME, COL_DEFAULT},
	{"state", "State", "kind", CELL_STATE, COL_DEFAULT},
	{"event_log_id", "Event Log ID", "alarm.alarm_id", CELL_ALARM_ID, COL_DEFAULT},
	{"reason_text", "Reason Text", "alarm.reason_text", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"entity_instance_id", "Entity Instance ID", "alarm.entity_instance_id", CELL_TEXT,
	 COL_DEFAULT | COL_WRAP},
	{"severity", "Severity", "alarm.severity", CELL_SEVERITY, COL_DEFAULT},
	{"seq", "Sequence", "seq", CELL_NUMBER, 0},
	{"entity_type_id", "Entity Type ID", "alarm.entity_type_id", CELL_TEXT, 0},
	ALARM_DETAILS("alarm."),
	AFFECTING("alarm."),
	ALARM_LIFE("alarm."),
	{0},
};

const struct column event_properties[] = {
	{"uuid", "", "alarm.uuid", CELL_TEXT, 0},
	{"event_log_id", "", "alarm.alarm_id", CELL_TEXT, 0},
	{"state", "", "kind", CELL_STATE, 0},
	{"entity_type_id", "", "alarm.entity_type_id", CELL_TEXT, 0},
	{"entity_instance_id", "", "alarm.entity_instance_id", CELL_TEXT, 0},
	{"timestamp", "", "time", CELL_TIME, 0},
	{"severity", "", "alarm.severity", CELL_SEVERITY, 0},
	{"reason_text", "", "alarm.reason_text", CELL_TEXT, 0},
	{"event_log_type", "", "alarm.alarm_type", CELL_TEXT, 0},
	{"probable_cause", "", "alarm.probable_cause", CELL_TEXT, 0},
	{"proposed_repair_action", "", "alarm.proposed_repair_action", CELL_TEXT, 0},
	{"service_affecting", "", "alarm.service_affecting", CELL_TEXT, 0},
	{"suppression", "", "alarm.suppression", CELL_TEXT, 0},
	{"suppression_status", "", "alarm.suppression_status", CELL_TEXT, 0},
	{"seq", "", "seq", CELL_NUMBER, 0},
	{"stream", "", "stream", CELL_TEXT, 0},
	{"kind", "", "kind", CELL_TEXT, 0},
	{"previous", "", "previous", CELL_TEXT, 0},
	{"cause", "", "cause", CELL_TEXT, 0},
	ALARM_LIFE("alarm."),
	{0},
};

const struct column history_columns[] = {
	{"timestamp", "Time Stamp", "time", CELL_TIME, COL_DEFAULT},
	{"seq", "Sequence", "seq", CELL_NUMBER, COL_DEFAULT},
	{"kind", "Change", "kind", CELL_TEXT, COL_DEFAULT},
	{"severity", "Severity", "alarm.severity", CELL_SEVERITY, COL_DEFAULT},
	{"reason_text", "Reason Text", "alarm.reason_text", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"cause", "Because Of", "cause", CELL_CAUSE, COL_DEFAULT | COL_WRAP},
	{"user", "User", "cause.user", CELL_TEXT, 0},
	{"rule", "Rule", "cause.rule", CELL_TEXT, COL_WRAP},
	{"uuid", "UUID", "alarm.uuid", CELL_TEXT, 0},
	{"alarm_id", "Alarm ID", "alarm.alarm_id", CELL_ALARM_ID, 0},
	{"entity_instance_id", "Entity ID", "alarm.entity_instance_id", CELL_TEXT, COL_WRAP},
	ALARM_DETAILS("alarm."),
	AFFECTING("alarm."),
	ALARM_LIFE("alarm."),
	{0},
};

const struct column summary_columns[] = {
	{"critical", "Critical Alarms", "critical", CELL_NUMBER, COL_DEFAULT},
	{"major", "Major Alarms", "major", CELL_NUMBER, COL_DEFAULT},
	{"minor", "Minor Alarms", "minor", CELL_NUMBER, COL_DEFAULT},
	{"warnings", "Warnings", "warnings", CELL_NUMBER, COL_DEFAULT},
	{"status", "Status", "status", CELL_TEXT, 0},
	{0},
};

const struct column stats_columns[] = {
	{"section", "Section", "section", CELL_TEXT, COL_DEFAULT | COL_GROUP},
	{"name", "Name", "name", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"value", "Value", "value", CELL_NUMBER, COL_DEFAULT},
	{"unit", "Unit", "unit", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{0},
};

const struct column sink_columns[] = {
	{"name", "Sink", "name", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"state", "State", "state", CELL_TEXT, COL_DEFAULT},
	{"acked", "Acked", "acked", CELL_NUMBER, COL_DEFAULT},
	{"last_seq", "Last Seq", "last_seq", CELL_NUMBER, COL_DEFAULT},
	{"lag", "Lag", "lag", CELL_NUMBER, COL_DEFAULT},
	{"delivered", "Delivered", "delivered", CELL_NUMBER, COL_DEFAULT},
	{"refused", "Refused", "refused", CELL_NUMBER, COL_DEFAULT},
	{"last_error", "Last Error", "last_error", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{0},
};

const struct column ledger_columns[] = {
	{"topic", "Topic", "topic", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"partition", "Part", "partition", CELL_NUMBER, COL_DEFAULT},
	{"state", "State", "state", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"since", "Since", "since", CELL_TIME, 0},
	{"read", "Read", "read", CELL_NUMBER, COL_DEFAULT},
	{"applied", "Applied", "applied", CELL_NUMBER, COL_DEFAULT},
	{"no_effect", "No Effect", "no_effect", CELL_NUMBER, COL_DEFAULT},
	{"duplicate", "Duplicate", "duplicate", CELL_NUMBER, COL_DEFAULT},
	{"late", "Late", "late", CELL_NUMBER, COL_DEFAULT},
	{"unknown_type", "Unknown", "unknown_type", CELL_NUMBER, COL_DEFAULT},
	{"quarantined", "Quarantined", "quarantined", CELL_NUMBER, COL_DEFAULT},
	{0},
};

const struct column quarantine_columns[] = {
	{"id", "ID", "id", CELL_NUMBER, COL_DEFAULT},
	{"time", "Time Stamp", "time", CELL_TIME, COL_DEFAULT},
	{"topic", "Topic", "topic", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"partition", "Partition", "partition", CELL_NUMBER, COL_DEFAULT},
	{"offset", "Offset", "offset", CELL_NUMBER, COL_DEFAULT},
	{"reason", "Reason", "reason", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"length", "Length", "length", CELL_NUMBER, COL_DEFAULT},
	{"excerpt", "Excerpt", "excerpt", CELL_TEXT, COL_WRAP},
	{0},
};

const struct column audit_columns[] = {
	{"id", "ID", "id", CELL_NUMBER, COL_DEFAULT},
	{"time", "Time Stamp", "time", CELL_TIME, COL_DEFAULT},
	{"user", "User", "user", CELL_TEXT, COL_DEFAULT},
	{"uid", "User ID", "uid", CELL_NUMBER, 0},
	{"role", "Role", "role", CELL_TEXT, 0},
	{"verb", "Command", "verb", CELL_TEXT, COL_DEFAULT},
	{"args", "Arguments", "args", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"result", "Result", "result", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{0},
};

const struct column shelf_columns[] = {
	{"alarm_id", "Alarm ID", "alarm_id", CELL_TEXT, COL_DEFAULT},
	{"entity_instance_id", "Entity ID", "entity_instance_id", CELL_TEXT,
	 COL_DEFAULT | COL_WRAP},
	{"shelved_until", "Shelved Until", "shelved_until", CELL_TIME, COL_DEFAULT},
	{"user", "User", "user", CELL_TEXT, COL_DEFAULT},
	{"active", "Active", "active", CELL_TEXT, COL_DEFAULT},
	{0},
};

const struct column window_columns[] = {
	{"name", "Name", "name", CELL_TEXT, COL_DEFAULT},
	{"open", "Open", "open", CELL_TEXT, COL_DEFAULT},
	{"changes_at", "Changes At", "changes_at", CELL_TIME, COL_DEFAULT},
	{"alarms", "Alarms", "alarms", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"entities", "Entities", "entities", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"logs", "Logs", "logs", CELL_TEXT, 0},
	{"when", "When", "when", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"zone", "Zone", "zone", CELL_TEXT, COL_DEFAULT},
	{"user", "User", "user", CELL_TEXT, 0},
	{0},
};

/* One row for each record, and for each change and deadline that it would make. */
const struct column what_if_event_columns[] = {
	{"line", "Line", "line", CELL_TEXT, COL_DEFAULT},
	{"what", "What", "what", CELL_TEXT, COL_DEFAULT},
	{"kind", "Kind", "kind", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"timestamp", "Time Stamp", "time", CELL_TIME, COL_DEFAULT},
	{"alarm_id", "Alarm ID", "alarm.alarm_id", CELL_TEXT, COL_DEFAULT},
	{"entity_instance_id", "Entity ID", "alarm.entity_instance_id", CELL_TEXT,
	 COL_DEFAULT | COL_WRAP},
	{"severity", "Severity", "alarm.severity", CELL_SEVERITY, COL_DEFAULT},
	{"notify", "Announced", "notify", CELL_TEXT, 0},
	{"status", "Status", "alarm.suppression_status", CELL_TEXT, COL_DEFAULT},
	{"uuid", "UUID", "alarm.uuid", CELL_TEXT, 0},
	{"text", "Text", "text", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{0},
};

const struct column what_if_alarm_columns[] = {
	{"effect", "Effect", "effect", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{"alarm_id", "Alarm ID", "alarm_id", CELL_TEXT, COL_DEFAULT},
	{"entity_instance_id", "Entity ID", "entity_instance_id", CELL_TEXT,
	 COL_DEFAULT | COL_WRAP},
	{"severity", "Severity", "severity", CELL_SEVERITY, COL_DEFAULT},
	{"status", "Status", "status", CELL_TEXT, COL_DEFAULT},
	{"becomes", "Becomes", "becomes", CELL_TEXT, COL_DEFAULT},
	{"uuid", "UUID", "uuid", CELL_TEXT, 0},
	{"text", "Text", "text", CELL_TEXT, COL_DEFAULT | COL_WRAP},
	{0},
};

/* The default columns are the incumbent's. */
const struct column suppress_columns[] = {
	{"uuid", "UUID", "uuid", CELL_TEXT, 0},
	{"alarm_id", "Event ID", "alarm_id", CELL_TEXT, COL_DEFAULT},
	{"status", "Status", "status", CELL_TEXT, COL_DEFAULT},
	{"since", "Since", "since", CELL_TIME, 0},
	{"user", "User", "user", CELL_TEXT, 0},
	{0},
};

const struct column version_properties[] = {
	{"version", "", "version", CELL_TEXT, 0},
	{"librdkafka", "", "librdkafka", CELL_TEXT, 0},
	{"sqlite", "", "sqlite", CELL_TEXT, 0},
	{"schema", "", "schema", CELL_TEXT, 0},
	{"stream", "", "stream", CELL_TEXT, 0},
	{"pid", "", "pid", CELL_NUMBER, 0},
	{0},
};

/* ---- selection ----------------------------------------------------------------------- */

static int
find_column(const struct column *all, const char *option, const char *key, size_t len,
	    const struct column **ret, struct fm_err *err)
{
	const char *keys[MAX_COLUMNS] = {NULL};
	size_t n = 0;

	for (const struct column *col = all; col->key != NULL; col++) {
		if (strlen(col->key) == len && memcmp(col->key, key, len) == 0) {
			*ret = col;
			return 0;
		}
		fm_assert(n < MAX_COLUMNS);
		keys[n++] = col->key;
	}
	struct fm_buf hint = {0};
	const char *near = suggest(key, len, keys, n);
	if (near != NULL)
		fm_buf_addf(&hint, "did you mean %s?", near);
	for (size_t i = 0; i < n && near == NULL; i++)
		fm_buf_addf(&hint, "%s%s", i > 0 ? ", " : "there are ", keys[i]);
	int r = fm_fail(err, -EINVAL, "%s: no column %.*s; %s", option, (int)len, key, hint.s);
	fm_buf_fini(&hint);
	return r;
}

static int
select_named(const struct column *all, const char *names, struct selection *sel,
	     struct fm_err *err)
{
	for (const char *p = names; ; p++) {
		size_t len = strcspn(p, ",");

		if (sel->n == MAX_COLUMNS)
			return fm_fail(err, -EINVAL, "--columns: more than %d", MAX_COLUMNS);
		int r = find_column(all, "--columns", p, len, &sel->col[sel->n], err);
		if (r < 0)
			return r;
		sel->n++;
		p += len;
		if (*p == '\0')
			return 0;
	}
}

static void
insert_column(const struct column *all, const char *key, unsigned at, struct selection *sel)
{
	const struct column *col = all;

	while (strcmp(col->key, key) != 0)
		col++;
	memmove(&sel->col[at + 1], &sel->col[at], (sel->n - at) * sizeof(sel->col[0]));
	sel->col[at] = col;
	sel->n++;
}

/* The flags insert at fixed places, one after the other: so does the incumbent, gaps and all. */
static void
select_default(const struct column *all, const struct options *opt, struct selection *sel)
{
	for (const struct column *col = all; col->key != NULL; col++) {
		if (col->flags & COL_DEFAULT)
			sel->col[sel->n++] = col;
	}
	if (opt->given & BIT(UUID))
		insert_column(all, "uuid", 0, sel);
	if (opt->given & BIT(MGMT_AFFECTING))
		insert_column(all, "mgmt_affecting", 4, sel);
	if (opt->given & BIT(DEGRADE_AFFECTING))
		insert_column(all, "degrade_affecting", 5, sel);
}

static int
select_sort(const struct column *all, const char *text, struct selection *sel, struct fm_err *err)
{
	size_t len = strcspn(text, ":");
	const char *order = text + len;

	if (strcmp(order, ":desc") == 0)
		sel->descending = true;
	else if (*order != '\0' && strcmp(order, ":asc") != 0)
		return fm_fail(err, -EINVAL, "--sort: \"%s\" is not :asc or :desc", order);
	return find_column(all, "--sort", text, len, &sel->sort, err);
}

static void
select_newest(const struct column *all, struct selection *sel)
{
	for (const struct column *col = all; col->key != NULL; col++) {
		if (col->flags & COL_NEWEST)
			sel->sort = col;
	}
	sel->descending = sel->sort != NULL;
}

int
columns_select(const struct column *all, const struct options *opt, struct selection *ret,
	       struct fm_err *err)
{
	struct selection sel = {.n = 0};
	int r = 0;

	if (opt->columns != NULL)
		r = select_named(all, opt->columns, &sel, err);
	else
		select_default(all, opt, &sel);
	if (opt->sort == NULL)
		select_newest(all, &sel);
	else if (r == 0)
		r = select_sort(all, opt->sort, &sel, err);
	if (r < 0)
		return r;
	*ret = sel;
	return 0;
}

/* ---- cells --------------------------------------------------------------------------- */

const json_t *
row_value(const json_t *row, const char *path)
{
	const json_t *value = row;

	while (*path != '\0' && value != NULL) {
		char name[64];
		size_t len = strcspn(path, ".");

		fm_assert(len < sizeof(name));
		memcpy(name, path, len);
		name[len] = '\0';
		value = json_object_get(value, name);
		path += len + (path[len] == '.');
	}
	return value;
}

const char *
row_text(const json_t *row, const char *path)
{
	const char *s = json_string_value(row_value(row, path));

	return s != NULL ? s : "";
}

static void
add_value(struct fm_buf *b, const json_t *value, enum cell_form form)
{
	if (value == NULL || json_is_null(value))
		return;
	if (json_is_string(value)) {
		text_safe(b, json_string_value(value), json_string_length(value));
		return;
	}
	if (json_is_boolean(value) && form != FORM_CSV) {
		fm_buf_adds(b, json_is_true(value) ? "True" : "False");
		return;
	}
	char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
	fm_assert(json != NULL);
	text_safe(b, json, strlen(json));
	free(json);
}

/*
 * The status stands beside the id, in the same object. An alarm that is held is news that waits
 * for its announcement, not one that somebody or something has suppressed.
 */
static bool
is_suppressed(const json_t *row, const char *id_path)
{
	const char *dot = strrchr(id_path, '.');
	const char *status = row_text(row, dot != NULL ? "alarm.suppression_status"
						      : "suppression_status");

	return *status != '\0' && strcmp(status, suppression_status_name(SUPPR_NONE)) != 0 &&
	       strcmp(status, suppression_status_name(SUPPR_HELD)) != 0;
}

/* "instance.pause.end", "deadline migration.soft", "alarm-ack by operator", "alarm <uuid>". */
static void
add_cause(struct fm_buf *b, const json_t *cause)
{
	const char *deadline = row_text(cause, "deadline"), *command = row_text(cause, "command");
	const char *event = row_text(cause, "event"), *parent = row_text(cause, "parent");
	struct fm_buf words = {0};

	if (*deadline != '\0')
		fm_buf_addf(&words, "deadline %s", deadline);
	else if (*command != '\0')
		fm_buf_addf(&words, "%s by %s", command, row_text(cause, "user"));
	else if (*event != '\0')
		fm_buf_adds(&words, event);
	else if (*parent != '\0')
		fm_buf_addf(&words, "alarm %s", parent);
	else
		fm_buf_adds(&words, row_text(cause, "kind"));
	text_safe(b, words.s, words.len);
	fm_buf_fini(&words);
}

void
cell_text(struct fm_buf *b, const struct column *col, const json_t *row, enum cell_form form)
{
	const char *text = row_text(row, col->path);
	bool mark = col->kind == CELL_ALARM_ID && form != FORM_CSV && is_suppressed(row, col->path);

	if (col->kind == CELL_TIME && form != FORM_CSV && *text != '\0') {
		text_time(b, text, form == FORM_TABLE ? TIME_S : TIME_MS);
		return;
	}
	if (col->kind == CELL_STATE && strcmp(text, transition_kind_name(TR_RAISE)) == 0) {
		fm_buf_adds(b, "set");
		return;
	}
	if (col->kind == CELL_CAUSE && form != FORM_CSV) {
		add_cause(b, row_value(row, col->path));
		return;
	}
	fm_buf_adds(b, mark ? "S(" : "");
	add_value(b, row_value(row, col->path), form);
	fm_buf_adds(b, mark ? ")" : "");
}

unsigned
severity_weight(const char *word)
{
	enum severity sev;

	return severity_parse(word, strlen(word), &sev) ? (unsigned)sev : 0;
}

void
cell_sort_key(const struct column *col, const json_t *row, struct sort_key *ret)
{
	*ret = (struct sort_key){0};
	if (col->kind == CELL_SEVERITY)
		ret->num = severity_weight(row_text(row, col->path));
	else if (col->kind == CELL_NUMBER)
		ret->num = json_number_value(row_value(row, col->path));
	else
		ret->text = fm_strdup(row_text(row, col->path));
}

int
sort_key_compare(const struct sort_key *a, const struct sort_key *b)
{
	if (a->num != b->num)
		return a->num < b->num ? -1 : 1;
	if (a->text == NULL || b->text == NULL)
		return 0;
	return strcmp(a->text, b->text);
}
