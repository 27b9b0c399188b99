/*
 * cat_text: texts with placeholders and alternatives. A text may hold several alternatives with a
 * line "OR" between them; what a rule uses is the first, split once into literals and attributes.
 */
#include "events/cat_load_priv.h"

const char *
cat_keep(struct load *ld, struct fm_str s)
{
	return fm_arena_strndup(&ld->cat->arena, s.p, s.len);
}

/* ---- alternatives ------------------------------------------------------------------------ */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\n';
}

static struct fm_str
trim(struct fm_str s)
{
	while (s.len != 0 && is_space(s.p[0]))
		s = (struct fm_str){s.p + 1, s.len - 1};
	while (s.len != 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* True when the two bytes at i stand alone on their line, or (by words) between white space. */
static bool
stands_alone(struct fm_str s, uint32_t i, enum alternative_mode mode)
{
	uint32_t end = i + 2;
	if (mode == BY_WORDS)
		return i > 0 && is_space(s.p[i - 1]) && end < s.len && is_space(s.p[end]);
	while (i > 0 && is_blank(s.p[i - 1]))
		i--;
	while (end < s.len && is_blank(s.p[end]))
		end++;
	return i > 0 && s.p[i - 1] == '\n' && end < s.len && s.p[end] == '\n';
}

static bool
is_separator(struct fm_str s, uint32_t i, enum alternative_mode mode, bool *lower)
{
	bool upper_or = memcmp(s.p + i, "OR", 2) == 0, lower_or = memcmp(s.p + i, "or", 2) == 0;
	if ((!upper_or && !lower_or) || !stands_alone(s, i, mode))
		return false;
	*lower |= lower_or;
	return true;
}

bool
cat_next_alternative(struct fm_str *rest, enum alternative_mode mode, struct fm_str *ret,
		     bool *lower)
{
	if (rest->len == 0)
		return false;
	for (uint32_t i = 1; i + 2 < rest->len; i++) {
		if (!is_separator(*rest, i, mode, lower))
			continue;
		*ret = trim((struct fm_str){rest->p, i});
		*rest = (struct fm_str){rest->p + i + 2, rest->len - i - 2};
		return true;
	}
	*ret = trim(*rest);
	*rest = (struct fm_str){rest->p + rest->len, 0};
	return true;
}

unsigned
cat_count_alternatives(struct fm_str s, enum alternative_mode mode, bool *lower)
{
	unsigned n = 0;
	struct fm_str one;
	while (cat_next_alternative(&s, mode, &one, lower))
		n++;
	return n;
}

/* ---- placeholders ------------------------------------------------------------------------ */

static bool
in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == ' ';
}

/* "<" letter, letters, digits, "_", "-", blanks, ">": what people write for "fill this in". */
size_t
cat_placeholder(struct fm_str s)
{
	if (s.len < 3 || s.p[0] != '<' || !in_name(s.p[1]) || s.p[1] == ' ')
		return 0;
	uint32_t i = 1;
	while (i < s.len && in_name(s.p[i]))
		i++;
	return i < s.len && s.p[i] == '>' ? i + 1 : 0;
}

/* The part that s begins with: a placeholder, or the literal text up to the next one. */
static uint32_t
part_length(struct fm_str s)
{
	uint32_t n = (uint32_t)cat_placeholder(s);
	if (n != 0)
		return n;
	for (n = 1; n < s.len; n++)
		if (cat_placeholder((struct fm_str){s.p + n, s.len - n}) != 0)
			break;
	return n;
}

static int
part_attr(struct fm_str part)
{
	return cat_placeholder(part) == part.len ? fact_attr_parse(part.p + 1, part.len - 2) : -1;
}

static struct fm_str
cut(struct fm_str s, uint32_t n)
{
	return (struct fm_str){s.p + n, s.len - n};
}

static const struct cat_text_part *
split(struct load *ld, struct fm_str s, unsigned *ret_n)
{
	unsigned n = 0;
	for (struct fm_str rest = s; rest.len != 0; rest = cut(rest, part_length(rest)))
		n++;
	struct cat_text_part *parts = fm_arena_alloc(&ld->cat->arena, (n + 1) * sizeof(parts[0]));
	unsigned i = 0;
	for (struct fm_str rest = s; rest.len != 0; rest = cut(rest, part_length(rest))) {
		struct fm_str part = {rest.p, part_length(rest)};
		parts[i++] = (struct cat_text_part){cat_keep(ld, part), part_attr(part)};
	}
	*ret_n = n;
	return parts;
}

void
cat_text_make(struct load *ld, struct fm_str source, struct cat_text *ret)
{
	bool lower = false;
	struct fm_str rest = source, first = {"", 0};
	cat_next_alternative(&rest, BY_LINES, &first, &lower);
	ret->source = cat_keep(ld, source);
	ret->part = split(ld, first, &ret->n);
}

bool
cat_part_is_unknown(const struct cat_text_part *part)
{
	struct fm_str s = fm_str_of(part->text);
	return part->attr < 0 && s.len != 0 && cat_placeholder(s) == s.len;
}
