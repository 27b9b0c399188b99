/*
 * help: written from the tables of verbs and options, so that it cannot be out of date.
 */
#include <stdio.h>

#include "fm/suggest_priv.h"
#include "fm/text_priv.h"
#include "fm/verbs_priv.h"

static void
print_options(uint64_t which)
{
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		const struct option_def *def = &option_defs[i];
		char letter[8] = "    ", spelling[64];

		if (!(which & UINT64_C(1) << i))
			continue;
		if (def->letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", def->letter);
		snprintf(spelling, sizeof(spelling), "%s--%s%s%s", letter, def->name,
			 def->arg != NULL ? " " : "", def->arg != NULL ? def->arg : "");
		printf("  %-26s  %s\n", spelling, def->doc);
	}
}

static void
print_verbs(void)
{
	fputs("usage: fm [OPTION…] VERB [ARGUMENT…] [OPTION…]\n\n"
	      "Asks fmd, the fault manager, about alarms and changes them.\n\n", stdout);
	for (unsigned i = 0; i < n_verbs; i++)
		printf("  %-20s  %s\n", verbs[i].name, verbs[i].doc);
	fputs("\nWith every verb:\n", stdout);
	print_options(OPTIONS_ALWAYS);
	fputs("\n\"fm help VERB\" shows the options of a verb.\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not permitted,\n"
	      "5 cannot reach fmd.\n", stdout);
}

static void
print_columns(const char *of, const struct column *columns)
{
	struct fm_buf names = {0}, lines = {0};

	for (const struct column *col = columns; col->key != NULL; col++)
		fm_buf_addf(&names, "%s%s", col == columns ? "" : " ", col->key);
	text_wrap(&lines, names.s, 76);
	printf("\nColumns%s%s:\n", *of != '\0' ? " of " : "", of);
	for (const char *p = lines.s; *p != '\0'; p += *p == '\n') {
		size_t len = strcspn(p, "\n");

		printf("  %.*s\n", (int)len, p);
		p += len;
	}
	fm_buf_fini(&names);
	fm_buf_fini(&lines);
}

static void
print_verb(const struct verb *verb)
{
	printf("usage: fm %s%s%s\n\n%s\n", verb->name, subject_usage(verb->subject),
	       verb->takes != 0 ? " [OPTION…]" : "", verb->doc);
	if (verb->takes != 0) {
		fputs("\nOptions:\n", stdout);
		print_options(verb->takes);
	}
	if (verb->columns != NULL && verb->takes & BIT(COLUMNS))
		print_columns("", verb->columns);
	for (unsigned i = 0; verb->run == run_what_if && i < n_what_ifs; i++)
		print_columns(what_ifs[i].name, what_ifs[i].columns);
	fputs("\nWith every verb:\n", stdout);
	print_options(OPTIONS_ALWAYS);
}

enum ctl_code
unknown_verb(const char *name)
{
	const char *names[48];

	fm_assert(n_verbs <= FM_ARRAY_LEN(names));
	for (unsigned i = 0; i < n_verbs; i++)
		names[i] = verbs[i].name;
	const char *near = suggest(name, strlen(name), names, n_verbs);
	if (near != NULL)
		complain("unknown verb %s; did you mean %s?", name, near);
	else
		complain("unknown verb %s; \"fm help\" lists the verbs", name);
	return CTL_USAGE;
}

/* "fm help [VERB]", "fm --help" and "fm VERB --help". */
enum ctl_code
run_help(const struct verb *verb, const struct options *opt)
{
	const char *about = NULL;

	if (verb != NULL && verb->subject != SUBJECT_VERB)
		about = verb->name;
	else if (opt->n_words > 1)
		about = opt->word[1];
	if (about == NULL) {
		print_verbs();
		return CTL_OK;
	}
	verb = verb_find(about);
	if (verb == NULL)
		return unknown_verb(about);
	print_verb(verb);
	return CTL_OK;
}
