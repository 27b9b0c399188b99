/*
 * scn_file: reads a scenario into steps; knows words and options, not what the verbs mean.
 */
#include "scn.h"

#include <ctype.h>
#include <stdlib.h>

void
scn_die(const struct scn *s, const struct scn_step *step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s:%u: ", s->path, step != NULL ? step->line : 0);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static char *
next_word(struct scn *s, char **pp)
{
	char *p = *pp, *out, *w;

	while (isspace((unsigned char)*p))
		p++;
	if (*p == '\0' || (*p == '#' && p > *pp)) {
		*pp = p + strlen(p);
		return NULL;
	}
	w = out = fm_arena_strndup(&s->arena, p, strlen(p));
	for (bool quoted = false; *p != '\0' && (quoted || !isspace((unsigned char)*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			*out++ = *p;
	}
	*out = '\0';
	*pp = p;
	return w;
}

static enum scn_verb
verb_of(const struct scn *s, const struct scn_step *step, const char *word)
{
	static const char *const name[] = {
#define FM_X(id, text) text,
		SCN_VERBS(FM_X)
#undef FM_X
	};

	for (unsigned i = 0; i < SCN_N_VERBS; i++)
		if (strcmp(name[i], word) == 0)
			return (enum scn_verb)i;
	scn_die(s, step, "unknown verb \"%s\"", word);
}

static void
parse_line(struct scn *s, char *p, struct scn_step *step)
{
	const struct fm_span before = s->n > 0 ? s->step[s->n - 1].at : (struct fm_span){0};
	char *w = next_word(s, &p);

	step->at = before;
	if (strcmp(w, "at") == 0) {
		w = next_word(s, &p);
		if (w == NULL || fm_span_parse(w, strlen(w), &step->at) < 0)
			scn_die(s, step, "\"at\" without a time");
		if (step->at.ns < before.ns)
			scn_die(s, step, "time goes back");
		w = next_word(s, &p);
	}
	if (w == NULL)
		scn_die(s, step, "nothing to do");
	step->verb = verb_of(s, step, w);
	while (isspace((unsigned char)*p))
		p++;
	step->raw = fm_arena_strndup(&s->arena, p, strlen(p));
	while (step->verb != SCN_RECORD && (w = next_word(s, &p)) != NULL) {
		if (step->n_words == SCN_MAX_WORDS)
			scn_die(s, step, "too many words");
		step->word[step->n_words++] = w;
	}
}

void
scn_load(struct scn *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	memset(s, 0, sizeof(*s));
	fm_arena_init(&s->arena);
	scn_rewind(s);
	s->path = fm_strdup(path);
	if (f == NULL)
		scn_die(s, NULL, "cannot be opened");
	for (unsigned no = 1; (len = getline(&line, &cap, f)) >= 0; no++) {
		struct scn_step step = {.line = no};

		while (len > 0 && isspace((unsigned char)line[len - 1]))
			line[--len] = '\0';
		if (line[strspn(line, " \t")] == '\0' || line[strspn(line, " \t")] == '#')
			continue;
		parse_line(s, line, &step);
		s->step = fm_realloc(s->step, (s->n + 1) * sizeof(step));
		s->step[s->n++] = step;
	}
	free(line);
	fclose(f);
}

void
scn_rewind(struct scn *s)
{
	record_maker_free(s->maker);
	s->maker = record_maker_new(NULL, NULL);
}

void
scn_fini(struct scn *s)
{
	record_maker_free(s->maker);
	free(s->step);
	free(s->path);
	fm_arena_fini(&s->arena);
}

const char *
scn_opt(const struct scn_step *step, unsigned first, const char *name, const char *def)
{
	const size_t n = strlen(name);

	for (unsigned i = first; i < step->n_words; i++)
		if (strncmp(step->word[i], name, n) == 0 && step->word[i][n] == '=')
			return step->word[i] + n + 1;
	return def;
}

const char *
scn_entity(struct scn *s, const char *word)
{
	return record_entity(s->maker, word);
}
