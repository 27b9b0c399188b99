/*
 * catalog: the verb that checks a catalogue. Findings go to standard output, one a line, as
 * compilers write them; what sums them up goes to standard error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fm/text_priv.h"
#include "fm/verbs_priv.h"
#include "offline/offline.h"

enum ctl_code
code_of(int r)
{
	if (r >= 0)
		return CTL_OK;
	if (r == -ENOENT || r == -ENOTDIR)
		return CTL_NOT_FOUND;
	return r == -EACCES || r == -EPERM ? CTL_DENIED : CTL_FAILED;
}

void
print_indented(json_t *o)
{
	char *text = json_dumps(o, JSON_INDENT(2));
	struct fm_buf safe = {0};

	fm_assert(text != NULL);
	/* Line by line: the line breaks between members are no text. */
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		text_json(&safe, line, strlen(line));
		fm_buf_adds(&safe, "\n");
	}
	fputs(safe.s, stdout);
	fm_buf_fini(&safe);
	free(text);
	json_decref(o);
}

static json_t *
finding_json(const struct cat_finding *f)
{
	char number[16];

	snprintf(number, sizeof(number), "F%u", f->number);
	return json_pack("{s:s, s:s, s:i, s:i, s:s?, s:s}", "number", number, "level",
			 cat_finding_level(f), "line", (int)f->line, "column", (int)f->column,
			 "alarm_id", f->id, "text", f->text);
}

static void
print_json(const char *path, const struct cat_findings *f, const struct offline_checked *checked)
{
	json_t *list = json_array(), *o;

	for (unsigned i = 0; i < f->n; i++)
		json_array_append_new(list, finding_json(&f->v[i]));
	o = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:o}", "file", path, "errors",
		      (int)f->n_errors, "warnings", (int)offline_count(f, "warning"), "notes",
		      (int)offline_count(f, "note"), "examples", (int)checked->examples,
		      "examples_failed", (int)checked->failed, "findings", list);
	print_indented(o);
}

static void
print_lines(const char *path, const struct cat_findings *f, const struct offline_checked *checked)
{
	struct fm_buf line = {0}, safe = {0};

	for (unsigned i = 0; i < f->n; i++) {
		fm_buf_reset(&line);
		fm_buf_reset(&safe);
		(void)cat_finding_print(&f->v[i], path, &line);
		text_safe(&safe, line.s, line.len);
		printf("%s\n", safe.s);
	}
	(void)fflush(stdout);
	fm_buf_reset(&line);
	offline_summary(path, f, checked, &line);
	complain("%s", line.s);
	fm_buf_fini(&line);
	fm_buf_fini(&safe);
}

enum ctl_code
run_catalog_check(const struct verb *verb, const struct options *opt)
{
	const char *path = opt->n_words > 1 ? opt->word[1] : FM_CATALOGUE;
	struct offline_checked checked = {0};
	struct cat_findings findings;
	struct fm_err err = {0};
	int r;

	if (opt->n_words > 2)
		return usage_error(verb, "one file at a time");
	cat_findings_init(&findings);
	r = offline_check(path, opt->retention, &findings, &checked, NULL, &err);
	if (r < 0 && findings.n == 0)
		complain("%s", err.msg);
	else if (opt->given & BIT(JSON))
		print_json(path, &findings, &checked);
	else
		print_lines(path, &findings, &checked);
	cat_findings_fini(&findings);
	return code_of(r);
}
