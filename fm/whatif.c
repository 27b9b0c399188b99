/*
 * whatif: "fm what-if": three questions to a copy of what fmd knows, under one name. Each is a verb of
 * the protocol of its own, and its answer a list.
 */
#include "fm/verbs_priv.h"

static const struct verb questions[] = {
	{"event", run_list, CTL_VERB_WHAT_IF_EVENT, what_if_event_columns, SUBJECT_RECORDS, BIT(FOR), ""},
	{"shelf", run_list, CTL_VERB_WHAT_IF_SHELF, what_if_alarm_columns, SUBJECT_KEY, BIT(FOR), ""},
	{"window", run_list, CTL_VERB_WHAT_IF_WINDOW, what_if_alarm_columns, SUBJECT_WINDOW,
	 BIT(ALARM_ID) | BIT(ENTITY) | BIT(LOGS) | BIT(FROM) | BIT(UNTIL) | BIT(START) | BIT(FOR) |
	 BIT(RULE) | BIT(DAYS) | BIT(AT) | BIT(ZONE), ""},
};

/* Options that this verb takes for another question than the one asked. */
static uint64_t
of_others(const struct verb *question)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < FM_ARRAY_LEN(questions); i++)
		all |= questions[i].takes;
	return all & ~question->takes;
}

enum ctl_code
run_what_if(const struct verb *verb, const struct options *opt)
{
	const char *what = opt->n_words > 1 ? opt->word[1] : "";
	struct options rest = *opt;
	unsigned i = 0;

	while (i < FM_ARRAY_LEN(questions) && strcmp(questions[i].name, what) != 0)
		i++;
	if (i == FM_ARRAY_LEN(questions))
		return usage_error(verb, "event, shelf or window?");
	if (opt->given & of_others(&questions[i]))
		return usage_error(verb, "an option that does not go with this question");
	struct verb question = questions[i];

	question.name = verb->name;
	rest.n_words--;
	for (unsigned j = 1; j < rest.n_words; j++)
		rest.word[j] = opt->word[j + 1];
	return run_list(&question, &rest);
}
