/*
 * words: a line as words. Blanks part them, what stands within double quotes stays together, and
 * the quotes go: name="No space left" is one word.
 */
#include "offline/offline_priv.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One word from p on; returns what follows it, NULL when a quote is left open. */
static const char *
take_word(const char *p, char *out)
{
	bool quoted = false;

	for (; *p != '\0' && (quoted || !is_blank(*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			*out++ = *p;
	}
	*out = '\0';
	return quoted ? NULL : p;
}

int
offline_split(struct fm_arena *arena, const char *line, struct offline_words *ret,
	      struct fm_err *err)
{
	*ret = (struct offline_words){0};
	for (const char *p = line;;) {
		while (is_blank(*p))
			p++;
		if (*p == '\0')
			return 0;
		if (ret->n == OFFLINE_MAX_WORDS)
			return fm_fail(err, -EINVAL, "more than %u words", OFFLINE_MAX_WORDS);
		ret->v[ret->n] = fm_arena_strndup(arena, p, strlen(p));
		p = take_word(p, ret->v[ret->n++]);
		if (p == NULL)
			return fm_fail(err, -EINVAL, "a double quote is not closed");
	}
}

const char *
words_opt(const struct offline_words *w, unsigned first, const char *name, const char *def)
{
	const size_t n = strlen(name);

	for (unsigned i = first; i < w->n; i++)
		if (strncmp(w->v[i], name, n) == 0 && w->v[i][n] == '=')
			return w->v[i] + n + 1;
	return def;
}
