/*
 * show: the verbs about one thing, as properties and values; and the commands, which change
 * something and say nothing when it is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fm/session_priv.h"
#include "fm/table_priv.h"
#include "fm/text_priv.h"
#include "fm/verbs_priv.h"

struct show {
	const struct verb *verb;
	const struct options *opt;
	bool seen;
};

static void
print_json(const char *text, size_t len)
{
	struct fm_buf safe = {0};

	text_json(&safe, text, len);
	printf("%s\n", safe.s);
	fm_buf_fini(&safe);
}

static void
print_properties(const struct show *show, const json_t *row)
{
	static const struct table_column cols[] = {
		{.heading = "Property"},
		{.heading = "Value", .flex = FLEX_WRAP, .severity = true},
	};
	struct look look = look_of(show->opt);
	struct table *t = table_new(cols, FM_ARRAY_LEN(cols));

	for (const struct column *col = show->verb->columns; col->key != NULL; col++) {
		struct fm_buf name = {0}, value = {0};

		fm_buf_adds(&name, col->key);
		fm_buf_adds(&value, "");
		cell_text(&value, col, row, FORM_PROPERTY);
		table_add(t, (char *const[]){name.s, value.s});
		fm_buf_fini(&name);
		fm_buf_fini(&value);
	}
	table_print(t, &look, show->opt->given & BIT(NO_HEADER) ? HEADER_NONE : HEADER_SHOWN,
		    ROWS_TOGETHER);
	table_free(t);
}

static bool
on_show(void *ctx, const char *text, size_t len, const json_t *row)
{
	struct show *show = ctx;

	if (show->seen)
		return true;
	show->seen = true;
	if (show->opt->given & BIT(JSON))
		print_json(text, len);
	else
		print_properties(show, row);
	return true;
}

enum ctl_code
run_show(const struct verb *verb, const struct options *opt)
{
	struct show show = {.verb = verb, .opt = opt};
	json_t *args;
	struct fm_err err;

	if (verb_args(verb, opt, &args, &err) < 0)
		return usage_error(verb, err.msg);
	enum ctl_code code = session_ask(opt, verb->ctl, args, on_show, &show);
	if (code == CTL_OK && !show.seen) {
		complain("%s: fmd gave no answer", verb->name);
		return CTL_FAILED;
	}
	return code;
}

/* ---- commands ------------------------------------------------------------------------- */

static bool
ignore_row(void *ctx, const char *text, size_t len, const json_t *row)
{
	(void)ctx;
	(void)text;
	(void)len;
	(void)row;
	return true;
}

/* Only a person is asked: a script without --yes means what it says. */
static bool
confirmed(const struct verb *verb, const struct options *opt)
{
	struct fm_buf what = {0};
	char answer[16] = "";

	if (verb->ctl != CTL_VERB_ALARM_DELETE || opt->given & BIT(YES) || !isatty(STDIN_FILENO))
		return true;
	text_safe(&what, opt->word[1], strlen(opt->word[1]));
	fprintf(stderr, "Delete alarm %s? [y/N] ", what.s);
	fm_buf_fini(&what);
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	complain("%s: not confirmed, nothing done", verb->name);
	return false;
}

enum ctl_code
run_command(const struct verb *verb, const struct options *opt)
{
	json_t *args;
	struct fm_err err;

	if (verb_args(verb, opt, &args, &err) < 0)
		return usage_error(verb, err.msg);
	if (!confirmed(verb, opt)) {
		json_decref(args);
		return CTL_FAILED;
	}
	return session_ask(opt, verb->ctl, args, ignore_row, NULL);
}
