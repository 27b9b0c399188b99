/*
 * scn_record: steps to the JSON that Nova, a libvirt bridge or a fault producer would send. Words and
 * names are those of the examples in a catalogue, but that a record is about what it says alone.
 */
#include "scn.h"

/* What the runner itself reads of a step. */
static bool
is_for_runner(const char *word)
{
	return strncmp(word, "outcome=", 8) == 0 || strncmp(word, "partition=", 10) == 0;
}

static enum offline_form
form_of(const struct scn *s, const struct scn_step *step)
{
	if (step->verb == SCN_NOVA)
		return OFFLINE_NOVA;
	if (step->verb == SCN_LIBVIRT)
		return OFFLINE_LIBVIRT;
	if (step->verb != SCN_REQUEST)
		scn_die(s, step, "no record");
	return OFFLINE_REQUEST;
}

char *
scn_record(struct scn *s, const struct scn_step *step, struct fm_time base)
{
	struct offline_words words = {0};
	struct fm_err err;
	char *text = NULL;

	if (step->verb == SCN_RECORD)
		return fm_strdup(step->raw);
	for (unsigned i = 0; i < step->n_words; i++)
		if (!is_for_runner(step->word[i]))
			words.v[words.n++] = step->word[i];
	if (record_make(s->maker, form_of(s, step), &words, fm_time_add(base, step->at), &text,
			&err) < 0)
		scn_die(s, step, "%s", err.msg);
	return text;
}
