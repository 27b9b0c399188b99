/*
 * attrs: attributes as one line of text for a stored row, and back. "#" marks a number and "=" a
 * text; items are parted by the unit separator. A text may hold any byte: the separator and the
 * backslash are escaped.
 */
#include "alarm/rows.h"

#include <stdlib.h>

#define SEPARATOR '\x1f'
#define ESCAPED_SEPARATOR 's'

static void
add_escaped(struct fm_buf *ret, const char *s)
{
	for (;;) {
		size_t run = strcspn(s, "\\\x1f");
		fm_buf_add(ret, s, run);
		s += run;
		if (*s == '\0')
			return;
		char pair[2] = {'\\', *s == SEPARATOR ? ESCAPED_SEPARATOR : '\\'};
		fm_buf_add(ret, pair, sizeof(pair));
		s++;
	}
}

void
attrs_encode(const struct attr *attrs, unsigned n, struct fm_buf *ret)
{
	for (unsigned i = 0; i < n; i++) {
		if (i != 0)
			fm_buf_adds(ret, "\x1f");
		fm_buf_adds(ret, attrs[i].name);
		if (attrs[i].text == NULL) {
			fm_buf_addf(ret, "#%lld", (long long)attrs[i].num);
		} else {
			fm_buf_adds(ret, "=");
			add_escaped(ret, attrs[i].text);
		}
	}
}

static void
unescape(char *s)
{
	char *to = s;
	for (const char *from = s; *from != '\0'; from++) {
		char c = *from;
		if (c == '\\' && from[1] != '\0')
			c = *++from == ESCAPED_SEPARATOR ? SEPARATOR : *from;
		*to++ = c;
	}
	*to = '\0';
}

/* Splits "name=text" or "name#number" in place. False for an item that is neither. */
static bool
decode_item(char *item, struct attr *ret)
{
	char *mark = item + strcspn(item, "#=");
	if (*mark == '\0')
		return false;

	bool is_text = *mark == '=';
	*mark = '\0';
	if (is_text)
		unescape(mark + 1);
	*ret = (struct attr){
		.name = item,
		.text = is_text ? mark + 1 : NULL,
		.num = is_text ? 0 : strtoll(mark + 1, NULL, 10),
	};
	return true;
}

unsigned
attrs_decode(const char *s, struct fm_arena *arena, struct attr *ret, unsigned max)
{
	if (s == NULL || *s == '\0')
		return 0;

	unsigned n = 0;
	char *next = fm_arena_strndup(arena, s, strlen(s));
	while (next != NULL && n < max) {
		char *item = next;
		next = strchr(item, SEPARATOR);
		if (next != NULL)
			*next++ = '\0';
		n += decode_item(item, &ret[n]);
	}
	return n;
}
