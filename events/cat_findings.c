/*
 * cat_findings: collecting, ordering and printing what the check of a catalogue found. Knows the
 * table of kinds; nothing about catalogues.
 */
#include "events/cat_load_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define QUOTE_MAX 60
#define TEXT_MAX 400

#define NAME_ERROR "error"
#define NAME_WARNING "warning"
#define NAME_NOTE "note"
static const struct cat_finding_kind kinds[FND_N] = {
#define FINDING(number, level, id, meaning) [FND_##id] = {number, NAME_##level, meaning},
#include "events/cat_findings.def"
};

static const enum finding_level levels[FND_N] = {
#define FINDING(number, level, id, meaning) [FND_##id] = LEVEL_##level,
#include "events/cat_findings.def"
};

unsigned
cat_finding_kinds(void)
{
	return FND_N;
}

const struct cat_finding_kind *
cat_finding_kind_at(unsigned i)
{
	fm_assert(i < FND_N);
	return &kinds[i];
}

void
cat_findings_init(struct cat_findings *f)
{
	*f = (struct cat_findings){0};
	fm_arena_init(&f->arena);
}

void
cat_findings_fini(struct cat_findings *f)
{
	free(f->v);
	fm_arena_fini(&f->arena);
	*f = (struct cat_findings){0};
}

static enum finding_kind
kind_of(unsigned number)
{
	unsigned i = 0;
	while (i < FND_N && kinds[i].number != number)
		i++;
	fm_assert(i < FND_N);
	return (enum finding_kind)i;
}

const char *
cat_finding_level(const struct cat_finding *f)
{
	return kinds[kind_of(f->number)].level;
}

int
cat_finding_print(const struct cat_finding *f, const char *file, struct fm_buf *ret)
{
	size_t before = ret->len;
	fm_buf_adds(ret, file);
	if (f->line != 0)
		fm_buf_addf(ret, ":%u:%u", (unsigned)f->line, (unsigned)f->column);
	fm_buf_addf(ret, ": %s F%u: ", cat_finding_level(f), f->number);
	if (f->id != NULL)
		fm_buf_addf(ret, "%s: ", f->id);
	fm_buf_adds(ret, f->text);
	return (int)(ret->len - before);
}

const char *
cat_quote(struct load *ld, struct fm_str s)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	size_t cut = s.len != 0 ? fm_utf8_cut(s.p, s.len, QUOTE_MAX) : 0;
	fm_buf_adds(&b, "\"");
	fm_escape(&b, s.p, cut);
	fm_buf_adds(&b, cut < s.len ? "…\"" : "\"");
	return fm_arena_strndup(&ld->tmp, b.s, b.len);
}

static void
append(struct cat_findings *f, enum finding_kind kind, struct cat_place at, const char *text)
{
	/* Doubling: the capacity is the next power of two. */
	if ((f->n & (f->n - 1)) == 0)
		f->v = fm_realloc(f->v, (f->n == 0 ? 1 : f->n * 2) * sizeof(f->v[0]));
	f->v[f->n++] = (struct cat_finding){
		.number = kinds[kind].number,
		.error = levels[kind] == LEVEL_ERROR,
		.line = at.line,
		.column = at.column,
		.id = at.id != NULL ? fm_arena_strndup(&f->arena, at.id, strlen(at.id)) : NULL,
		.text = fm_arena_strndup(&f->arena, text, strlen(text)),
	};
}

/* Counts a finding; false when there are too many of its sort to list it. */
static bool
count(struct load *ld, enum finding_kind kind)
{
	if (kind == FND_FILE_SIZE || kind == FND_DEPTH || kind == FND_NODES)
		ld->too_big = true;
	unsigned n = levels[kind] == LEVEL_ERROR ? ++ld->findings->n_errors : ++ld->n_others;
	if (n == CAT_MAX_FINDINGS + 1)
		append(ld->findings, FND_MORE, (struct cat_place){NULL, UINT32_MAX, 0},
		       levels[kind] == LEVEL_ERROR ?
		       "more errors were found than are listed here" :
		       "more warnings and notes were found than are listed here");
	return n <= CAT_MAX_FINDINGS;
}

static void append_v(struct cat_findings *f, enum finding_kind kind, struct cat_place at,
		     const char *fmt, va_list ap) FM_PRINTF(4, 0);

static void
append_v(struct cat_findings *f, enum finding_kind kind, struct cat_place at, const char *fmt,
	 va_list ap)
{
	char text[TEXT_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	fm_assert(n >= 0);
	if ((size_t)n >= sizeof(text))
		text[fm_utf8_cut(text, sizeof(text) - 1, sizeof(text) - 5)] = '\0';
	append(f, kind, at, text);
}

void
cat_findings_add(struct cat_findings *f, unsigned number, struct cat_place at, const char *fmt, ...)
{
	enum finding_kind kind = kind_of(number);
	va_list ap;
	f->n_errors += levels[kind] == LEVEL_ERROR;
	va_start(ap, fmt);
	append_v(f, kind, at, fmt, ap);
	va_end(ap);
}

static void find_v(struct load *ld, enum finding_kind kind, uint32_t line, uint32_t column,
		   const char *fmt, va_list ap) FM_PRINTF(5, 0);

static void
find_v(struct load *ld, enum finding_kind kind, uint32_t line, uint32_t column, const char *fmt,
       va_list ap)
{
	if (count(ld, kind))
		append_v(ld->findings, kind, (struct cat_place){ld->id, line, column}, fmt, ap);
}

void
cat_find_line(struct load *ld, enum finding_kind kind, uint32_t line, uint32_t column,
	      const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	find_v(ld, kind, line, column, fmt, ap);
	va_end(ap);
}

void
cat_find_at(struct load *ld, enum finding_kind kind, const struct node *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	find_v(ld, kind, at != NULL ? at->line : 0, at != NULL ? at->column : 0, fmt, ap);
	va_end(ap);
}

static int
by_place(const void *a, const void *b)
{
	const struct cat_finding *x = a, *y = b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->text, y->text);
}

void
cat_findings_sort(struct cat_findings *f)
{
	if (f->n == 0)
		return;
	qsort(f->v, f->n, sizeof(f->v[0]), by_place);
	/* What closes the list belongs to no line. */
	for (unsigned i = f->n; i > 0 && f->v[i - 1].line == UINT32_MAX; i--)
		f->v[i - 1].line = 0;
}
