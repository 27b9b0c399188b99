/*
 * verbs: the table, and how words and options become a request.
 */
#include "fm/verbs_priv.h"

#include <stdio.h>

#include "fm/text_priv.h"

#define LIST_OPTIONS (BIT(LIMIT) | BIT(SORT) | BIT(COLUMNS) | BIT(JSON) | BIT(CSV) | \
		      BIT(QUERY) | BIT(NO_HEADER) | BIT(NOWRAP))
#define ALARM_LIST_OPTIONS (LIST_OPTIONS | BIT(UUID) | BIT(INCLUDE_SUPPRESS) | \
			    BIT(MGMT_AFFECTING) | BIT(DEGRADE_AFFECTING))
#define EVENT_LIST_OPTIONS (LIST_OPTIONS | BIT(UUID) | BIT(INCLUDE_SUPPRESS) | \
			    BIT(ALARMS) | BIT(LOGS))
#define WINDOW_OPTIONS (BIT(ALARM_ID) | BIT(ENTITY) | BIT(LOGS) | BIT(FROM) | BIT(UNTIL) | \
			BIT(START) | BIT(FOR) | BIT(RULE) | BIT(DAYS) | BIT(AT) | BIT(ZONE))
#define SHOW_OPTIONS (BIT(JSON) | BIT(NO_HEADER) | BIT(NOWRAP))

const struct verb verbs[] = {
	{"alarm-list", run_list, CTL_VERB_ALARM_LIST, alarm_columns, SUBJECT_NONE,
	 ALARM_LIST_OPTIONS, "the active alarms, newest first"},
	{"alarm-show", run_show, CTL_VERB_ALARM_SHOW, alarm_properties, SUBJECT_UUID,
	 SHOW_OPTIONS, "everything about one alarm"},
	{"alarm-delete", run_command, CTL_VERB_ALARM_DELETE, NULL, SUBJECT_UUID, BIT(YES),
	 "clear an alarm that nothing else will clear"},
	{"alarm-clear", run_command, CTL_VERB_ALARM_CLEAR, NULL, SUBJECT_KEY, 0,
	 "clear an alarm by its id and entity"},
	{"alarm-ack", run_command, CTL_VERB_ALARM_ACK, NULL, SUBJECT_UUID, 0,
	 "acknowledge an alarm"},
	{"alarm-unack", run_command, CTL_VERB_ALARM_UNACK, NULL, SUBJECT_UUID, 0,
	 "take an acknowledgement back"},
	{"alarm-shelve", run_command, CTL_VERB_ALARM_SHELVE, NULL, SUBJECT_UUID_OR_KEY, BIT(FOR),
	 "put an alarm aside for a time, whatever it does meanwhile"},
	{"alarm-unshelve", run_command, CTL_VERB_ALARM_UNSHELVE, NULL, SUBJECT_UUID_OR_KEY, 0,
	 "take an alarm from the shelf before its time"},
	{"shelf-list", run_list, CTL_VERB_SHELF_LIST, shelf_columns, SUBJECT_NONE, LIST_OPTIONS,
	 "what is on the shelf, until when, by whom"},
	{"window-add", run_list, CTL_VERB_WINDOW_ADD, window_columns, SUBJECT_WINDOW,
	 LIST_OPTIONS | WINDOW_OPTIONS, "keep alarms quiet for maintenance, once or recurring"},
	{"window-delete", run_command, CTL_VERB_WINDOW_DELETE, NULL, SUBJECT_WINDOW, 0,
	 "end a maintenance window, and announce what it hid"},
	{"window-list", run_list, CTL_VERB_WINDOW_LIST, window_columns, SUBJECT_NONE, LIST_OPTIONS,
	 "the maintenance windows, of the catalogue and of operators"},
	{"alarm-summary", run_list, CTL_VERB_ALARM_SUMMARY, summary_columns, SUBJECT_NONE,
	 LIST_OPTIONS | BIT(INCLUDE_SUPPRESS),
	 "the number of active alarms of each severity"},
	{"alarm-history", run_list, CTL_VERB_ALARM_HISTORY, history_columns, SUBJECT_UUID_OR_KEY,
	 LIST_OPTIONS | BIT(UUID), "what happened to one alarm"},
	{"event-list", run_list, CTL_VERB_EVENT_LIST, event_columns, SUBJECT_NONE,
	 EVENT_LIST_OPTIONS, "alarm changes and logs, newest first"},
	{"event-show", run_show, CTL_VERB_EVENT_SHOW, event_properties, SUBJECT_UUID_OR_SEQ,
	 SHOW_OPTIONS, "everything about one alarm change or log"},
	{"event-suppress", run_list, CTL_VERB_EVENT_SUPPRESS, suppress_columns, SUBJECT_NONE,
	 LIST_OPTIONS | BIT(ALARM_ID) | BIT(UUID) | BIT(YES),
	 "suppress all alarms of some alarm ids"},
	{"event-unsuppress", run_list, CTL_VERB_EVENT_UNSUPPRESS, suppress_columns, SUBJECT_NONE,
	 LIST_OPTIONS | BIT(ALARM_ID) | BIT(UUID) | BIT(YES), "take the suppression back"},
	{"event-unsuppress-all", run_list, CTL_VERB_EVENT_UNSUPPRESS_ALL, suppress_columns,
	 SUBJECT_NONE, LIST_OPTIONS | BIT(UUID) | BIT(YES), "take all suppressions back"},
	{"event-suppress-list", run_list, CTL_VERB_EVENT_SUPPRESS_LIST, suppress_columns,
	 SUBJECT_NONE, LIST_OPTIONS | BIT(UUID) | BIT(INCLUDE_UNSUPPRESSED),
	 "the suppressed alarm ids"},
	{"explain", run_explain, CTL_VERB_EXPLAIN, NULL, SUBJECT_UUID_OR_KEY,
	 BIT(JSON) | BIT(WHY_NOT),
	 "why an alarm is as it is"},
	{"what-if", run_what_if, CTL_N_VERBS, NULL, SUBJECT_WHAT_IF,
	 LIST_OPTIONS | WINDOW_OPTIONS | BIT(UUID),
	 "what records, a shelf or a window would do; changes nothing"},
	{"watch", run_watch, CTL_VERB_WATCH, NULL, SUBJECT_NONE,
	 BIT(AFTER) | BIT(JSON), "alarm changes and logs as they come; ends with Ctrl-C"},
	{"stats", run_list, CTL_VERB_STATS, stats_columns, SUBJECT_NONE, LIST_OPTIONS,
	 "figures of the daemon at work"},
	{"sink-list", run_list, CTL_VERB_SINK_LIST, sink_columns, SUBJECT_NONE, LIST_OPTIONS,
	 "who is told of alarms, and how far each has got"},
	{"ledger", run_list, CTL_VERB_LEDGER, ledger_columns, SUBJECT_NONE, LIST_OPTIONS,
	 "what became of every record read"},
	{"input-resume", run_command, CTL_VERB_INPUT_RESUME, NULL, SUBJECT_INPUT, 0,
	 "read on where records vanished and reading stopped"},
	{"quarantine-list", run_list, CTL_VERB_QUARANTINE_LIST, quarantine_columns, SUBJECT_NONE,
	 LIST_OPTIONS, "records that could not be read, newest first"},
	{"audit-list", run_list, CTL_VERB_AUDIT_LIST, audit_columns, SUBJECT_NONE,
	 LIST_OPTIONS, "commands given and refused, newest first"},
	{"version", run_show, CTL_VERB_VERSION, version_properties, SUBJECT_NONE, SHOW_OPTIONS,
	 "the daemon's version, libraries and stream"},
	{"catalog-check", run_catalog_check, CTL_N_VERBS, NULL, SUBJECT_FILE,
	 BIT(JSON) | BIT(RETENTION),
	 "what is wrong with a catalogue, and whether its examples hold; needs no fmd"},
	{"replay", run_replay, CTL_N_VERBS, NULL, SUBJECT_CAPTURE,
	 BIT(JSON) | BIT(CATALOG) | BIT(DIFF) | BIT(UNTIL) | BIT(NO_HEADER) | BIT(NOWRAP),
	 "recorded events under a catalogue, or the difference of two; needs no fmd"},
	{"help", run_help, CTL_N_VERBS, NULL, SUBJECT_VERB, 0, "this list, or the use of one verb"},
};
const unsigned n_verbs = FM_ARRAY_LEN(verbs);

const struct verb *
verb_find(const char *name)
{
	for (unsigned i = 0; i < n_verbs; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

const char *
subject_usage(enum subject subject)
{
	switch (subject) {
	case SUBJECT_NONE:
		return "";
	case SUBJECT_UUID:
		return " UUID";
	case SUBJECT_KEY:
		return " ALARM_ID ENTITY";
	case SUBJECT_UUID_OR_KEY:
		return " UUID | ALARM_ID ENTITY";
	case SUBJECT_UUID_OR_SEQ:
		return " UUID | SEQ";
	case SUBJECT_WINDOW:
		return " NAME";
	case SUBJECT_INPUT:
		return " TOPIC PARTITION [earliest|latest]";
	case SUBJECT_RECORDS:
		return " FILE";
	case SUBJECT_WHAT_IF:
		return " event FILE | shelf ALARM_ID ENTITY | window NAME";
	case SUBJECT_VERB:
		return " [VERB]";
	case SUBJECT_FILE:
		return " [FILE]";
	case SUBJECT_CAPTURE:
		return " CAPTURE";
	}
	return "";
}

enum ctl_code
usage_error(const struct verb *verb, const char *text)
{
	complain("%s: %s", verb->name, text);
	complain("usage: fm %s%s", verb->name, subject_usage(verb->subject));
	return CTL_USAGE;
}

enum ctl_code
args_error(const struct verb *verb, int r, const char *text)
{
	if (r == -EINVAL)
		return usage_error(verb, text);
	complain("%s: %s", verb->name, text);
	return code_of(r);
}

/* ---- the request ----------------------------------------------------------------------- */

void
put_text(json_t *args, const char *name, const char *value)
{
	/* options_parse has checked that all of the command line is UTF-8. */
	fm_assert(json_object_set_new(args, name, json_string(value)) == 0);
}

static int
put_uuid(json_t *args, const char *word, struct fm_err *err)
{
	struct fm_uuid uuid;
	char text[FM_UUID_STR];

	if (!fm_uuid_parse(word, strlen(word), &uuid))
		return fm_fail(err, -EINVAL, "%s is no UUID", word);
	put_text(args, "uuid", fm_uuid_format(&uuid, text));
	return 0;
}

static int
put_key(json_t *args, const struct options *opt, struct fm_err *err)
{
	if (opt->word[1][0] == '\0' || opt->word[2][0] == '\0')
		return fm_fail(err, -EINVAL, "an alarm id and an entity are never empty");
	put_text(args, "alarm_id", opt->word[1]);
	put_text(args, "entity", opt->word[2]);
	return 0;
}

static int
put_input(json_t *args, const struct options *opt, struct fm_err *err)
{
	const unsigned n = opt->n_words - 1;
	uint64_t partition;

	if (n < 2 || n > 3)
		return fm_fail(err, -EINVAL, "a topic and a partition are needed");
	if (!parse_number(opt->word[2], &partition) || partition > INT32_MAX)
		return fm_fail(err, -EINVAL, "%s is no partition's number", opt->word[2]);
	if (n == 3 && strcmp(opt->word[3], "earliest") != 0 && strcmp(opt->word[3], "latest") != 0)
		return fm_fail(err, -EINVAL, "%s is neither earliest nor latest", opt->word[3]);
	put_text(args, "topic", opt->word[1]);
	json_object_set_new(args, "partition", json_integer((json_int_t)partition));
	if (n == 3)
		put_text(args, "at", opt->word[3]);
	return 0;
}

static int
put_subject(const struct verb *verb, const struct options *opt, json_t *args, struct fm_err *err)
{
	unsigned n = opt->n_words - 1;
	uint64_t seq;

	switch (verb->subject) {
	case SUBJECT_NONE:
		return n == 0 ? 0 : fm_fail(err, -EINVAL, "unexpected: %s", opt->word[1]);
	case SUBJECT_UUID:
		return n == 1 ? put_uuid(args, opt->word[1], err)
			      : fm_fail(err, -EINVAL, "one UUID is needed");
	case SUBJECT_KEY:
		return n == 2 ? put_key(args, opt, err)
			      : fm_fail(err, -EINVAL, "an alarm id and an entity are needed");
	case SUBJECT_UUID_OR_KEY:
		if (n == 2)
			return put_key(args, opt, err);
		return n == 1 ? put_uuid(args, opt->word[1], err)
			      : fm_fail(err, -EINVAL, "a UUID, or an alarm id and an entity, "
					"are needed");
	case SUBJECT_UUID_OR_SEQ:
		if (n != 1)
			return fm_fail(err, -EINVAL, "one UUID or sequence number is needed");
		if (!parse_number(opt->word[1], &seq))
			return put_uuid(args, opt->word[1], err);
		json_object_set_new(args, "seq", json_integer((json_int_t)seq));
		return 0;
	case SUBJECT_WINDOW:
		if (n != 1 || opt->word[1][0] == '\0')
			return fm_fail(err, -EINVAL, "the name of one window is needed");
		put_text(args, "name", opt->word[1]);
		return 0;
	case SUBJECT_INPUT:
		return put_input(args, opt, err);
	case SUBJECT_RECORDS:
		return n == 1 ? what_if_records(opt->word[1], args, err)
			      : fm_fail(err, -EINVAL, "one file of records is needed");
	case SUBJECT_WHAT_IF:
	case SUBJECT_VERB:
	case SUBJECT_FILE:
		return n <= 1 ? 0 : fm_fail(err, -EINVAL, "unexpected: %s", opt->word[2]);
	case SUBJECT_CAPTURE:
		return n == 1 ? 0 : fm_fail(err, -EINVAL, "one capture is needed");
	}
	return 0;
}

/*
 * The query is checked here too: a mistake in it is wrong usage, not a failure of fmd's. Where fmd
 * takes none, list.c selects the rows.
 */
static int
put_query(json_t *args, const char *query, struct fm_err *err)
{
	struct ctl_query *q;
	int r = ctl_query_parse(query, &q, err);

	if (r < 0)
		return r;
	ctl_query_free(q);
	put_text(args, "query", query);
	return 0;
}

static int
put_options(enum ctl_verb verb, const struct options *opt, json_t *args, struct fm_err *err)
{
	uint64_t alarms_and_logs = opt->given & (BIT(ALARMS) | BIT(LOGS));

	/*
	 * Of history fmd gives the newest up to the limit. The active alarms come whole, in the
	 * order of their raise: which of them are first is known when all are here. The same holds
	 * where the rows are selected here.
	 */
	bool selected_here = opt->query != NULL && !ctl_verb_takes(verb, "query");

	if (ctl_verb_takes(verb, "zone"))
		return window_args(opt, args, err);
	if (selected_here && ctl_verb_takes(verb, "limit"))
		json_object_set_new(args, "limit", json_integer(0));    /* all of them */
	else if (opt->limit > 0 && verb != CTL_VERB_ALARM_LIST && ctl_verb_takes(verb, "limit"))
		json_object_set_new(args, "limit", json_integer((json_int_t)opt->limit));
	if (opt->given & BIT(INCLUDE_SUPPRESS))
		json_object_set_new(args, "include_suppressed", json_true());
	/* Both together mean neither: everything. */
	if (alarms_and_logs == BIT(ALARMS))
		json_object_set_new(args, "alarms", json_true());
	if (alarms_and_logs == BIT(LOGS))
		json_object_set_new(args, "logs", json_true());
	if (opt->given & BIT(INCLUDE_UNSUPPRESSED))
		json_object_set_new(args, "include_unsuppressed", json_true());
	if ((verb == CTL_VERB_ALARM_SHELVE || verb == CTL_VERB_WHAT_IF_SHELF) && !(opt->given & BIT(FOR)))
		return fm_fail(err, -EINVAL, "--for TIME is needed: 30m, 8h, 2d");
	if (opt->given & BIT(FOR))
		json_object_set_new(args, "for", json_integer(opt->for_time.ns / FM_NS_PER_S));
	if ((verb == CTL_VERB_EVENT_SUPPRESS || verb == CTL_VERB_EVENT_UNSUPPRESS) &&
	    opt->alarm_id == NULL)
		return fm_fail(err, -EINVAL, "--alarm_id A,B is needed");
	if (opt->alarm_id != NULL)
		put_text(args, "alarm_id", opt->alarm_id);
	if (opt->given & BIT(AFTER))
		json_object_set_new(args, "after", json_integer((json_int_t)opt->after));
	return opt->query != NULL && !selected_here ? put_query(args, opt->query, err) : 0;
}

/* What fmd would refuse, said before it is asked; records have a bound of their own. */
static int
check_lengths(json_t *args, struct fm_err *err)
{
	const char *name;
	const json_t *value;

	json_object_foreach(args, name, value) {
		if (json_string_length(value) > CTL_MAX_TEXT && strcmp(name, "records") != 0)
			return fm_fail(err, -EINVAL, "%s: longer than %d bytes", name, CTL_MAX_TEXT);
	}
	return 0;
}

int
verb_args(const struct verb *verb, const struct options *opt, json_t **ret, struct fm_err *err)
{
	json_t *args = json_object();
	int r = put_subject(verb, opt, args, err);

	if (r == 0)
		r = put_options(verb->ctl, opt, args, err);
	if (r == 0)
		r = check_lengths(args, err);
	if (r < 0) {
		json_decref(args);
		return r;
	}
	*ret = args;
	return 0;
}
