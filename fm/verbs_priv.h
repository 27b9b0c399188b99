/*
 * verbs: what fm can be asked to do. One table gives the dispatch, the usage and the options each
 * verb takes.
 */
#ifndef FM_VERBS_PRIV_H
#define FM_VERBS_PRIV_H

#include <jansson.h>

#include "ctl/ctl.h"
#include "fm/columns_priv.h"
#include "fm/options_priv.h"

/* What stands behind the verb on the command line. */
enum subject {
	SUBJECT_NONE,
	SUBJECT_UUID,
	SUBJECT_KEY,            /* ALARM_ID ENTITY */
	SUBJECT_UUID_OR_KEY,
	SUBJECT_UUID_OR_SEQ,
	SUBJECT_WINDOW,         /* NAME */
	SUBJECT_INPUT,          /* TOPIC PARTITION [earliest|latest] */
	SUBJECT_RECORDS,        /* a file of records */
	SUBJECT_WHAT_IF,        /* what, and its own words */
	SUBJECT_VERB,           /* none or one */
	SUBJECT_FILE,           /* none or one; offline */
	SUBJECT_CAPTURE,        /* one; offline */
};

struct verb;
typedef enum ctl_code run_f(const struct verb *verb, const struct options *opt);

struct verb {
	const char *name;
	run_f *run;
	enum ctl_verb ctl;
	const struct column *columns;
	enum subject subject;
	uint64_t takes;         /* options, beside OPTIONS_ALWAYS */
	const char *doc;
};

extern const struct verb verbs[];
extern const unsigned n_verbs;

/* The questions of "what-if"; each has the name it is asked by, "what-if event". */
extern const struct verb what_ifs[];
extern const unsigned n_what_ifs;

/*
 * Puts the records of a file ("-": standard input) into args. -EINVAL: they are none; else it
 * cannot be read.
 */
int what_if_records(const char *path, json_t *args, struct fm_err *err) FM_MUST_USE;

/* The options that say what a maintenance window covers, and when it is open. -EINVAL. */
int window_args(const struct options *opt, json_t *args, struct fm_err *err) FM_MUST_USE;
void put_text(json_t *args, const char *name, const char *value);

/* NULL when there is none of that name. */
const struct verb *verb_find(const char *name);
const char *subject_usage(enum subject subject);

/*
 * The request's arguments from the options and the words. -EINVAL: err says which is wrong; else
 * it names a file that cannot be read.
 */
int verb_args(const struct verb *verb, const struct options *opt, json_t **ret, struct fm_err *err)
	FM_MUST_USE;

/* Says what is wrong and how the verb is used. */
enum ctl_code usage_error(const struct verb *verb, const char *text);

/* The same for what verb_args has refused with r. */
enum ctl_code args_error(const struct verb *verb, int r, const char *text);

run_f run_list, run_show, run_command, run_watch, run_explain, run_help, run_what_if;
/* The exit code for what a file gave: 0 or a negative errno. */
enum ctl_code code_of(int r);
/* An object over several lines, safe for a terminal; takes the reference. */
void print_indented(json_t *o);
/* These ask nobody. */
run_f run_catalog_check, run_replay;
/* Says so, with the verb that was meant if one is near. */
enum ctl_code unknown_verb(const char *name);

#endif
