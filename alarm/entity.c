/*
 * entity: entity instance paths. One scanner finds where segments end; everything else asks it,
 * so that no two functions can disagree about what a segment is.
 */
#include "alarm/alarm.h"

static inline bool
begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool
continues_name(char c)
{
	return begins_name(c) || (c >= '0' && c <= '9') || c == '-';
}

/* The length of the "name" when s begins with "name=", else 0. */
static size_t
key_length(const char *s, size_t len)
{
	if (len == 0 || !begins_name(s[0]))
		return 0;
	size_t i = 1;
	while (i < len && continues_name(s[i]))
		i++;
	return i < len && s[i] == '=' ? i : 0;
}

/*
 * Reads the segment that s begins with. Returns the bytes it takes, the dot after it included.
 */
static size_t
next_segment(const char *s, size_t len, struct entity_segment *ret)
{
	size_t key = key_length(s, len), value = key != 0 ? key + 1 : 0, end = value;
	while (end < len && !(s[end] == '.' && key_length(s + end + 1, len - end - 1) != 0))
		end++;
	ret->key = (struct fm_str){s, (uint32_t)key};
	ret->value = (struct fm_str){s + value, (uint32_t)(end - value)};
	return end < len ? end + 1 : end;
}

static bool
has_control_byte(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

int
entity_parse(const char *s, size_t len, struct entity_segment seg[FM_MAX_SEGMENTS])
{
	if (len == 0 || len > FM_MAX_ENTITY || has_control_byte(s, len))
		return -EINVAL;

	int n = 0;
	for (size_t at = 0; at < len; n++) {
		if (n == FM_MAX_SEGMENTS)
			return -EINVAL;
		at += next_segment(s + at, len - at, &seg[n]);
	}
	return n;
}

/*
 * Where a segment begins depends only on the text after the dot, so the segments of a are the
 * first segments of b exactly when a's text is followed in b by the beginning of a segment.
 */
bool
entity_covers(const char *a, const char *b)
{
	size_t len = strlen(a);
	if (len == 0 || strncmp(a, b, len) != 0)
		return false;
	const char *rest = b + len;
	return rest[0] == '\0' || (rest[0] == '.' && key_length(rest + 1, strlen(rest + 1)) != 0);
}

struct fm_str
entity_get(const char *entity, const char *key)
{
	size_t len = strlen(entity);
	struct entity_segment seg;
	for (size_t at = 0; at < len;) {
		at += next_segment(entity + at, len - at, &seg);
		if (seg.key.len != 0 && fm_str_is(seg.key, key))
			return seg.value;
	}
	return (struct fm_str){NULL, 0};
}

/* A segment without a key is its own type: "cinder_io_monitor". */
void
entity_type(const char *entity, struct fm_buf *ret)
{
	size_t len = strlen(entity);
	struct entity_segment seg;
	for (size_t at = 0; at < len;) {
		if (at != 0)
			fm_buf_add(ret, ".", 1);
		at += next_segment(entity + at, len - at, &seg);
		struct fm_str word = seg.key.len != 0 ? seg.key : seg.value;
		fm_buf_add(ret, word.p, word.len);
	}
}
