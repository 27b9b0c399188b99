/*
 * explain: the history of one alarm as a story: what it is now, then each thing that happened to
 * it, because of what, and how far each sink is with telling it. Everything told is in fmd's rows, the
 * fm.transition/1 records and what "explain" adds to them; nothing is guessed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fm/session_priv.h"
#include "fm/table_priv.h"
#include "fm/text_priv.h"
#include "fm/verbs_priv.h"

struct story {
	const struct options *opt;
	struct look look;
	json_t *rows;           /* array, as they came */
};

/* ---- small pieces ------------------------------------------------------------------------ */

static void
add_text(struct fm_buf *b, const json_t *row, const char *path)
{
	const char *text = row_text(row, path);

	text_safe(b, text, strlen(text));
}

static void
add_colored(struct fm_buf *b, const struct look *look, const char *color, const char *text)
{
	bool on = look->color && *color != '\0';

	fm_buf_adds(b, on ? color : "");
	text_safe(b, text, strlen(text));
	fm_buf_adds(b, on ? COLOR_END : "");
}

static void
add_severity(struct fm_buf *b, const struct look *look, const char *word)
{
	add_colored(b, look, severity_color(word), word);
}

/* The indentation of what is said about a change, and the width of its labels. */
#define INDENT 4
#define LABEL 11
#define MOST_MEMBERS 20         /* of a group, for people */

/* "    because    …", long values continued under their beginning. Takes the value. */
static void
print_said(const struct look *look, const char *label, struct fm_buf *value)
{
	struct fm_buf lines = {0};
	unsigned left = INDENT + LABEL;
	unsigned width = look->width > left + 20 ? look->width - left : 0;
	bool first = true;

	text_wrap(&lines, value->s != NULL ? value->s : "", width > 0 ? width : UINT32_MAX);
	for (const char *p = lines.s; *p != '\0'; p += *p == '\n') {
		size_t len = strcspn(p, "\n");

		printf("%*s%-*s%.*s\n", INDENT, "", LABEL, first ? label : "", (int)len, p);
		first = false;
		p += len;
	}
	fm_buf_fini(&lines);
	fm_buf_fini(value);
}

/* ---- one change ---------------------------------------------------------------------------- */

static void
add_record(struct fm_buf *b, const json_t *cause)
{
	fm_buf_adds(b, "record ");
	add_text(b, cause, "topic");
	fm_buf_addf(b, " partition %lld offset %lld",
		    (long long)json_integer_value(row_value(cause, "partition")),
		    (long long)json_integer_value(row_value(cause, "offset")));
}

static void
add_event(struct fm_buf *b, const json_t *cause)
{
	const char *time = row_text(cause, "event_time");

	add_text(b, cause, "event");
	if (*time != '\0') {
		fm_buf_adds(b, " of ");
		text_time(b, time, TIME_MS);
	}
}

/* What set it off: an event and its record, a deadline, a person, another alarm. */
static void
add_because(struct fm_buf *b, const json_t *cause)
{
	if (*row_text(cause, "deadline") != '\0') {
		fm_buf_adds(b, "the deadline ");
		add_text(b, cause, "deadline");
		fm_buf_adds(b, " fell due");
	} else if (*row_text(cause, "command") != '\0') {
		fm_buf_adds(b, "the command ");
		add_text(b, cause, "command");
		fm_buf_adds(b, " by ");
		add_text(b, cause, "user");
	} else if (*row_text(cause, "event") != '\0') {
		add_event(b, cause);
	} else {
		add_text(b, cause, "kind");
	}
	if (*row_text(cause, "topic") != '\0') {
		fm_buf_adds(b, ", ");
		add_record(b, cause);
	}
}

static void
print_rule(const struct look *look, const json_t *row)
{
	struct fm_buf b = {0};
	json_int_t line = json_integer_value(row_value(row, "cause.rule_line"));

	if (*row_text(row, "cause.rule") == '\0')
		return;
	add_text(&b, row, "cause.rule");
	if (line > 0)
		fm_buf_addf(&b, " (catalogue line %lld)", (long long)line);
	print_said(look, "rule", &b);
}

/* A text that did not change is not repeated: the headline has it. */
static void
print_text(const struct look *look, const json_t *row, bool first)
{
	struct fm_buf b = {0};

	if (!first && row_value(row, "previous.reason_text") == NULL)
		return;
	add_text(&b, row, "alarm.reason_text");
	print_said(look, "text", &b);
}

static void
print_parent(const struct look *look, const json_t *row)
{
	struct fm_buf b = {0};
	const char *path = *row_text(row, "cause.parent") != '\0' ? "cause.parent"
								  : "alarm.suppressed_by";

	if (*row_text(row, path) == '\0')
		path = "alarm.root_cause";
	if (*row_text(row, path) == '\0')
		return;
	fm_buf_adds(&b, "alarm ");
	add_text(&b, row, path);
	print_said(look, "parent", &b);
}

/* Behind a status: the maintenance window, if that is why. */
static void
add_window(struct fm_buf *b, const json_t *row, const char *path)
{
	if (*row_text(row, path) == '\0')
		return;
	fm_buf_adds(b, " \"");
	add_text(b, row, path);
	fm_buf_adds(b, "\"");
}

static bool
is_suppressed(const json_t *row)
{
	const char *status = row_text(row, "alarm.suppression_status");

	return *status != '\0' && strcmp(status, suppression_status_name(SUPPR_NONE)) != 0;
}

static void
print_announced(const struct look *look, const json_t *row)
{
	struct fm_buf b = {0};

	if (json_is_true(row_value(row, "notify"))) {
		fm_buf_adds(&b, "yes");
	} else if (is_suppressed(row)) {
		fm_buf_adds(&b, "no: ");
		add_text(&b, row, "alarm.suppression_status");
		add_window(&b, row, "alarm.maintenance_window");
	} else {
		fm_buf_adds(&b, "no");
	}
	print_said(look, "announced", &b);
}

/* "snmp:noc-a, snmp:noc-b": those of which it is so; nothing when there is none. */
static void
add_sinks(struct fm_buf *b, const json_t *sinks, const char *delivery)
{
	const size_t n = json_array_size(sinks);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const json_t *sink = json_array_get(sinks, i);

		if (strcmp(row_text(sink, "delivery"), delivery) != 0)
			continue;
		fm_buf_adds(b, any ? ", " : b->len > 0 ? "; " : "");
		if (!any)
			fm_buf_addf(b, "%s: ", delivery);
		add_text(b, sink, "name");
		any = true;
	}
}

static void
print_sinks(const struct look *look, const json_t *row)
{
	const json_t *sinks = row_value(row, "sinks");
	struct fm_buf b = {0};

	if (json_array_size(sinks) == 0)
		return;
	add_sinks(&b, sinks, "done");
	add_sinks(&b, sinks, "pending");
	print_said(look, "sinks", &b);
}

/* Who they were at the raise: kept in the alarm, for when the group is no more. */
static void
print_members_then(const struct look *look, const json_t *row)
{
	struct fm_buf b = {0};

	if (*row_text(row, "alarm.attributes.members") == '\0')
		return;
	add_text(&b, row, "alarm.attributes.members");
	print_said(look, "members", &b);
}

/* "severity warning -> minor" where it changed, else the severity alone. */
static void
add_change(struct fm_buf *b, const struct look *look, const json_t *row)
{
	const char *was = row_text(row, "previous.severity");
	const char *status = row_text(row, "previous.suppression_status");

	fm_buf_adds(b, "severity ");
	if (*was != '\0') {
		add_severity(b, look, was);
		fm_buf_adds(b, " -> ");
	}
	add_severity(b, look, row_text(row, "alarm.severity"));
	if (*status != '\0') {
		fm_buf_adds(b, ", ");
		text_safe(b, status, strlen(status));
		add_window(b, row, "previous.maintenance_window");
		fm_buf_adds(b, " -> ");
		add_text(b, row, "alarm.suppression_status");
		add_window(b, row, "alarm.maintenance_window");
	}
	if (row_value(row, "alarm.attributes.stale_since") != NULL) {
		fm_buf_adds(b, ", may be out of date since ");
		add_text(b, row, "alarm.attributes.stale_since");
	} else if (*row_text(row, "previous.stale_since") != '\0') {
		fm_buf_adds(b, ", up to date again");
	}
}

static void
print_change(const struct look *look, const json_t *row, bool first)
{
	struct fm_buf head = {0}, because = {0}, kind = {0};

	text_time(&head, row_text(row, "time"), TIME_MS);
	fm_buf_adds(&head, "  ");
	add_text(&kind, row, "kind");
	add_colored(&head, look, COLOR_BOLD, kind.s != NULL ? kind.s : "");
	fm_buf_adds(&head, "  ");
	add_change(&head, look, row);
	printf("\n%s  (sequence %lld)\n", head.s,
	       (long long)json_integer_value(row_value(row, "seq")));
	fm_buf_fini(&head);
	fm_buf_fini(&kind);

	print_text(look, row, first);
	add_because(&because, row_value(row, "cause"));
	print_said(look, "because", &because);
	print_rule(look, row);
	if (first)
		print_members_then(look, row);
	print_parent(look, row);
	print_announced(look, row);
	print_sinks(look, row);
}

/* ---- one occurrence ------------------------------------------------------------------------ */

static void
print_state(const struct look *look, const json_t *row)
{
	struct fm_buf b = {0};
	const char *by = row_text(row, "alarm.acked_by");
	json_int_t count = json_integer_value(row_value(row, "alarm.count"));

	add_text(&b, row, "alarm.state");
	fm_buf_adds(&b, ", ");
	add_severity(&b, look, row_text(row, "alarm.severity"));
	if (is_suppressed(row)) {
		fm_buf_adds(&b, ", ");
		add_text(&b, row, "alarm.suppression_status");
		add_window(&b, row, "alarm.maintenance_window");
	}
	if (*by != '\0') {
		fm_buf_adds(&b, ", acknowledged by ");
		add_text(&b, row, "alarm.acked_by");
	}
	if (count > 1)
		fm_buf_addf(&b, ", set %lld times", (long long)count);
	fm_buf_adds(&b, ", uuid ");
	add_text(&b, row, "alarm.uuid");
	printf("%s\n", b.s);
	fm_buf_fini(&b);
}

/* Headline: the alarm as its last kept change left it. */
static void
print_headline(const struct look *look, const json_t *row)
{
	struct fm_buf name = {0}, text = {0};

	add_colored(&name, look, COLOR_BOLD, row_text(row, "alarm.alarm_id"));
	fm_buf_adds(&name, "  ");
	add_text(&name, row, "alarm.entity_instance_id");
	add_text(&text, row, "alarm.reason_text");
	printf("%s\n%s\n", name.s, text.s != NULL ? text.s : "");
	fm_buf_fini(&name);
	fm_buf_fini(&text);
	print_state(look, row);
}

static void
print_truncation(const json_t *first)
{
	struct fm_buf time = {0};

	if (!json_is_true(row_value(first, "truncated")))
		return;
	text_time(&time, row_text(first, "time"), TIME_MS);
	printf("\n(history before %s is no longer kept)\n", time.s);
	fm_buf_fini(&time);
}

/* Of a group's alarm that is active; its first row has them. */
static void
print_members(const struct look *look, const json_t *first)
{
	const json_t *members = row_value(first, "members");
	const size_t listed = json_array_size(members);
	const size_t shown = listed < MOST_MEMBERS ? listed : MOST_MEMBERS;
	const size_t total = (size_t)json_integer_value(row_value(first, "members_total"));
	const size_t n = total > listed ? total : listed;

	if (n == 0)
		return;
	printf("\n%zu in the group at present:\n", n);
	for (size_t i = 0; i < shown; i++) {
		const json_t *m = json_array_get(members, i);
		struct fm_buf b = {0};

		add_text(&b, m, "instance");
		fm_buf_adds(&b, *row_text(m, "name") != '\0' ? " " : "");
		add_text(&b, m, "name");
		fm_buf_adds(&b, " since ");
		text_time(&b, row_text(m, "since"), TIME_MS);
		print_said(look, "member", &b);
	}
	if (shown < n)
		printf("%*sand %zu more; --json has %s\n", INDENT + LABEL, "", n - shown,
		       listed < n ? "more of them" : "them all");
}

static void
print_occurrence(const struct story *story, size_t from, size_t to)
{
	const struct look *look = &story->look;

	print_headline(look, json_array_get(story->rows, to - 1));
	print_members(look, json_array_get(story->rows, from));
	print_truncation(json_array_get(story->rows, from));
	for (size_t i = from; i < to; i++)
		print_change(look, json_array_get(story->rows, i), i == from);
}

static const char *
uuid_at(const struct story *story, size_t i)
{
	return row_text(json_array_get(story->rows, i), "alarm.uuid");
}

static void
print_story(const struct story *story)
{
	size_t n = json_array_size(story->rows), to;

	for (size_t from = 0; from < n; from = to) {
		to = from + 1;
		while (to < n && strcmp(uuid_at(story, to), uuid_at(story, from)) == 0)
			to++;
		if (from > 0)
			putchar('\n');
		print_occurrence(story, from, to);
	}
}

/* ---- the verb ------------------------------------------------------------------------------ */

static void
print_json(const json_t *rows)
{
	size_t n = json_array_size(rows);

	for (size_t i = 0; i < n; i++) {
		struct fm_buf safe = {0};
		char *json = json_dumps(json_array_get(rows, i), JSON_COMPACT);

		fm_assert(json != NULL);
		text_json(&safe, json, strlen(json));
		printf("%s%s", i > 0 ? ",\n" : "[\n", safe.s);
		free(json);
		fm_buf_fini(&safe);
	}
	fputs(n > 0 ? "\n]\n" : "[]\n", stdout);
}

static bool
on_transition(void *ctx, const char *text, size_t len, const json_t *row)
{
	struct story *story = ctx;

	(void)text;
	(void)len;
	json_array_append_new(story->rows, json_deep_copy(row));
	return true;
}

/* ---- why not ----------------------------------------------------------------------------- */

static bool
on_reason(void *ctx, const char *text, size_t len, const json_t *row)
{
	struct story *story = ctx;
	struct fm_buf line = {0};

	(void)text;
	(void)len;
	if (story->opt->given & BIT(JSON)) {
		json_array_append_new(story->rows, json_deep_copy(row));
		return true;
	}
	add_text(&line, row, "text");
	printf("%s\n", line.s);
	fm_buf_fini(&line);
	return true;
}

static enum ctl_code
run_why_not(const struct verb *verb, struct story *story)
{
	const struct verb question = {.name = verb->name, .ctl = CTL_VERB_WHY_NOT,
		.subject = SUBJECT_KEY};
	const struct options *opt = story->opt;
	struct fm_err err;
	json_t *args;

	if (opt->n_words != 3)
		return usage_error(verb, "--why-not needs an alarm id and an entity");
	if (verb_args(&question, opt, &args, &err) < 0)
		return usage_error(verb, err.msg);
	story->rows = json_array();
	enum ctl_code code = session_ask(opt, CTL_VERB_WHY_NOT, args, on_reason, story);
	if (code == CTL_OK && opt->given & BIT(JSON))
		print_json(story->rows);
	json_decref(story->rows);
	return code;
}

enum ctl_code
run_explain(const struct verb *verb, const struct options *opt)
{
	struct story story = {.opt = opt, .look = look_of(opt)};
	json_t *args;
	struct fm_err err;

	if (opt->given & BIT(WHY_NOT))
		return run_why_not(verb, &story);
	if (verb_args(verb, opt, &args, &err) < 0)
		return usage_error(verb, err.msg);
	story.rows = json_array();
	enum ctl_code code = session_ask(opt, verb->ctl, args, on_transition, &story);
	if (code == CTL_OK && json_array_size(story.rows) == 0) {
		complain("explain: nothing is known of it");
		code = CTL_NOT_FOUND;
	} else if (code == CTL_OK && opt->given & BIT(JSON)) {
		print_json(story.rows);
	} else if (code == CTL_OK) {
		print_story(&story);
	}
	json_decref(story.rows);
	return code;
}
