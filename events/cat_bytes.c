/*
 * cat_bytes: a look at the bytes of a catalogue before libyaml sees them: encoding, directives
 * (libyaml searches their list from the start for each new one), and the two things that only
 * comments can tell.
 */
#include "events/cat_load_priv.h"

uint32_t
cat_line_of(const char *s, size_t offset)
{
	uint32_t line = 1;
	for (size_t i = 0; i < offset; i++)
		line += s[i] == '\n';
	return line;
}

/* The bytes of one line; moves *at behind it. Lines end where YAML 1.1 ends them. */
static struct fm_str
next_line(const char *s, size_t len, size_t *at)
{
	size_t i = *at;
	while (i < len && s[i] != '\n' && s[i] != '\r' &&
	       !(len - i >= 2 && memcmp(s + i, "\xc2\x85", 2) == 0) &&
	       !(len - i >= 3 && (memcmp(s + i, "\xe2\x80\xa8", 3) == 0 ||
				  memcmp(s + i, "\xe2\x80\xa9", 3) == 0)))
		i++;
	struct fm_str line = {s + *at, (uint32_t)(i - *at)};
	if (i < len)
		i += s[i] == '\n' || s[i] == '\r' ? 1 : s[i] == '\xc2' ? 2 : 3;
	*at = i;
	return line;
}

/* The length of an id (with its quotes, if any) at the start of s, its colon included; 0: none. */
static size_t
id_at(struct fm_str s)
{
	size_t i = 0, quote = s.len != 0 && (s.p[0] == '"' || s.p[0] == '\'');
	static const char form[] = "ddd.ddd";
	for (i = quote; i - quote < 7; i++) {
		if (i >= s.len)
			return 0;
		if (form[i - quote] == '.' ? s.p[i] != '.' : s.p[i] < '0' || s.p[i] > '9')
			return 0;
	}
	i += quote;
	return i < s.len && s.p[i] == ':' ? i + 1 : 0;
}

static struct fm_str
skip_blanks(struct fm_str s)
{
	while (s.len != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct fm_str){s.p + 1, s.len - 1};
	return s;
}

/*
 * "# 100.105: …" is what a record looks like when it was taken out. With nothing behind the colon
 * it is the example in the header of StarlingX's file.
 */
static void
look_at_comments(struct load *ld, struct fm_str line, uint32_t number)
{
	bool comment = line.len != 0 && line.p[0] == '#';
	if (comment)
		line = skip_blanks((struct fm_str){line.p + 1, line.len - 1});
	size_t id = id_at(line);
	struct fm_str rest = skip_blanks((struct fm_str){line.p + id, (uint32_t)(line.len - id)});
	if (id == 0 || rest.len == 0)
		return;
	if (comment)
		cat_find_line(ld, FND_RETIRED, number, 1,
			      "a record is commented out here; give its id to no other");
	else if (rest.p[0] == '#')
		cat_find_line(ld, FND_COMMENT_AFTER_ID, number, 1,
			      "a comment follows the id; some line-based tools do not expect it");
}

static bool
look_at_lines(struct load *ld)
{
	uint32_t number = 1;
	for (size_t at = 0; at < ld->len; number++) {
		struct fm_str line = next_line(ld->bytes, ld->len, &at);
		if (number == 1 && line.len >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
			line = (struct fm_str){line.p + 3, line.len - 3};
		if (line.len != 0 && line.p[0] == '%') {
			cat_find_line(ld, FND_DIRECTIVE, number, 1,
				      "a line begins with %%: YAML directives are not accepted");
			return false;
		}
		look_at_comments(ld, line, number);
	}
	return true;
}

bool
cat_look_at_bytes(struct load *ld)
{
	if (!fm_utf8_valid(ld->bytes, ld->len)) {
		size_t at = 0, end = 0;
		while (end < ld->len && fm_utf8_valid(ld->bytes + at, end - at)) {
			at = end;
			next_line(ld->bytes, ld->len, &end);
		}
		cat_find_line(ld, FND_NOT_UTF8, cat_line_of(ld->bytes, at), 1,
			      "this line is not UTF-8; save the file as UTF-8");
		return false;
	}
	return look_at_lines(ld);
}
