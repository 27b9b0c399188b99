/*
 * whatif: "fm what-if": three questions to a copy of what fmd knows, under one name. Each is a verb of
 * the protocol of its own, and its answer a list.
 */
#include <stdio.h>

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

/* ---- records -------------------------------------------------------------------------------- */

/* As much as a request may hold, and a byte more to tell. */
static int
read_records(const char *path, char *buf, size_t *ret_len, struct fm_err *err)
{
	const bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	int code;

	if (f == NULL)
		return fm_fail(err, -errno, "%s: %m", path);
	errno = 0;
	*ret_len = fread(buf, 1, CTL_MAX_RECORDS + 1, f);
	code = ferror(f) ? -errno : 0;
	if (!standard)
		fclose(f);
	errno = -code;
	return code < 0 ? fm_fail(err, code, "%s: %m", path) : 0;
}

/* JSON has no other controls; each of them would take six bytes of the request, and a NUL end it. */
static int
check_controls(const char *path, const char *text, size_t len, struct fm_err *err)
{
	unsigned line = 1;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 && memchr("\t\r\n", text[i], 3) == NULL)
			return fm_fail(err, -EINVAL, "%s:%u: no text: byte 0x%02x", path, line,
				       (unsigned)(unsigned char)text[i]);
		line += text[i] == '\n';
	}
	return 0;
}

int
what_if_records(const char *path, json_t *args, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *text = fm_malloc(CTL_MAX_RECORDS + 1);
	size_t len = 0;
	int r = read_records(path, text, &len, err);

	if (r == 0 && len > CTL_MAX_RECORDS)
		r = fm_fail(err, -EINVAL, "%s: more than %d bytes", path, CTL_MAX_RECORDS);
	if (r == 0)
		r = check_controls(path, text, len, err);
	if (r < 0)
		return r;
	json_t *records = json_stringn(text, len);
	if (records == NULL)
		return fm_fail(err, -EINVAL, "%s: not UTF-8", path);
	json_object_set_new(args, "records", records);
	return 0;
}

/* ---- the verb ------------------------------------------------------------------------------- */

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
