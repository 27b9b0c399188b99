/*
 * scn_catalogue: the catalogue that a scenario runs under: the shipped one or its own, and behind it
 * the maintenance windows of its "window" steps. Their times are relative to the scenario's zero, so
 * every runner has to make the text anew, and all have to make the same one.
 */
#include "scn.h"

#include <stdlib.h>

static void
read_file(const struct scn *s, const char *path, struct fm_buf *ret)
{
	FILE *f = fopen(path, "re");
	char chunk[65536];
	size_t n;

	if (f == NULL)
		scn_die(s, NULL, "%s cannot be opened", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		fm_buf_add(ret, chunk, n);
	fclose(f);
}

static void
put_time(const struct scn *s, const struct scn_step *step, const char *name, const char *key,
	 struct fm_time base, struct fm_buf *b)
{
	const char *text = scn_opt(step, 1, name, NULL);
	struct fm_span at;
	char time[FM_TIME_STR];

	if (text == NULL)
		return;
	if (fm_span_parse(text, strlen(text), &at) < 0)
		scn_die(s, step, "%s=SPAN", name);
	/* On the clock of UTC, to the second. */
	fm_time_format(fm_time_add(base, at), time);
	fm_buf_addf(b, "    %s: %.10s %.8s\n", key, time, time + 11);
}

static void
put_text(const struct scn_step *step, const char *name, const char *fmt, struct fm_buf *b)
{
	const char *text = scn_opt(step, 1, name, NULL);

	if (text != NULL)
		fm_buf_addf(b, "    %s: %s%s%s\n", fmt, strchr(text, ',') != NULL ? "[" : "", text,
			    strchr(text, ',') != NULL ? "]" : "");
}

static void
put_window(const struct scn *s, const struct scn_step *step, struct fm_time base, struct fm_buf *b)
{
	if (step->n_words < 2)
		scn_die(s, step, "window NAME alarms=… from=SPAN until=SPAN");
	fm_buf_addf(b, "  - Name: %s\n", step->word[0]);
	put_text(step, "alarms", "Alarms", b);
	put_text(step, "entities", "Entities", b);
	put_text(step, "for", "For", b);
	put_text(step, "rule", "Rule", b);
	if (scn_opt(step, 1, "logs", NULL) != NULL)
		fm_buf_adds(b, "    Logs: True\n");
	put_time(s, step, "from", "From", base, b);
	put_time(s, step, "until", "Until", base, b);
	put_time(s, step, "start", "Start", base, b);
}

void
scn_catalogue(const struct scn *s, struct fm_time base, bool windows, const char *other,
	      struct fm_buf *ret)
{
	const char *source = getenv("FMD_SOURCE") != NULL ? getenv("FMD_SOURCE") : ".";
	char *path = fm_asprintf("%s/events.yaml", source);
	bool any = false;

	for (unsigned i = 0; i < s->n; i++)
		if (s->step[i].verb == SCN_CATALOGUE) {
			free(path);
			path = fm_asprintf("%s/tests/scenario/%s", source,
					   other != NULL ? other : s->step[i].raw);
		}
	read_file(s, path, ret);
	free(path);
	for (unsigned i = 0; windows && i < s->n; i++) {
		if (s->step[i].verb != SCN_WINDOW)
			continue;
		fm_buf_adds(ret, any ? "" : "\nMaintenance:\n");
		put_window(s, &s->step[i], base, ret);
		any = true;
	}
}
