/*
 * whatif: "fm what-if": three questions to a copy of what fmd knows, under one name. Each is a verb of
 * the protocol of its own, and its answer a list.
 */
#include "fm/verbs_priv.h"

#define WHAT_IF "what-if "

const struct verb what_ifs[] = {
	{WHAT_IF "event", run_list, CTL_VERB_WHAT_IF_EVENT, what_if_event_columns, SUBJECT_RECORDS, BIT(FOR), ""},
	{WHAT_IF "shelf", run_list, CTL_VERB_WHAT_IF_SHELF, what_if_alarm_columns, SUBJECT_KEY, BIT(FOR), ""},
	{WHAT_IF "window", run_list, CTL_VERB_WHAT_IF_WINDOW, what_if_alarm_columns, SUBJECT_WINDOW,
	 BIT(ALARM_ID) | BIT(ENTITY) | BIT(LOGS) | BIT(FROM) | BIT(UNTIL) | BIT(START) | BIT(FOR) |
	 BIT(RULE) | BIT(DAYS) | BIT(AT) | BIT(ZONE), ""},
};
const unsigned n_what_ifs = FM_ARRAY_LEN(what_ifs);

/* Options that this verb takes for another question than the one asked. */
static uint64_t
of_others(const struct verb *question)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < n_what_ifs; i++)
		all |= what_ifs[i].takes;
	return all & ~question->takes;
}

enum ctl_code
run_what_if(const struct verb *verb, const struct options *opt)
{
	const char *what = opt->n_words > 1 ? opt->word[1] : "";
	struct options rest = *opt;
	unsigned i = 0;

	while (i < n_what_ifs && strcmp(what_ifs[i].name + strlen(WHAT_IF), what) != 0)
		i++;
	if (i == n_what_ifs)
		return usage_error(verb, "event, shelf or window?");
	if (opt->given & of_others(&what_ifs[i]))
		return usage_error(&what_ifs[i], "an option that does not go with this question");
	rest.n_words--;
	for (unsigned j = 1; j < rest.n_words; j++)
		rest.word[j] = opt->word[j + 1];
	return run_list(&what_ifs[i], &rest);
}
