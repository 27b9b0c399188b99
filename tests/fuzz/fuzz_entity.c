/*
 * Entity paths: what is accepted is partitioned without loss, and the functions that read a path
 * agree with the one that parses it.
 */
// LINK: fm_alarm
#include "alarm/alarm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_segments(const char *text, const struct entity_segment *seg, int n)
{
	const char *at = text;
	for (int i = 0; i < n; i++) {
		fm_assert(i == 0 || *at++ == '.');
		fm_assert(seg[i].key.p == at);
		at += seg[i].key.len;
		fm_assert(seg[i].key.len == 0 || *at++ == '=');
		fm_assert(seg[i].value.p == at);
		at += seg[i].value.len;
	}
}

/* Every prefix covers the path exactly when it ends where a segment does. */
static void
check_covers(const char *text, size_t len, const struct entity_segment *seg, int n)
{
	char *prefix = fm_strndup(text, len);
	for (size_t cut = len; cut > 0; cut--) {
		prefix[cut] = '\0';
		bool at_end = false;
		for (int i = 0; i < n; i++)
			at_end |= seg[i].value.p + seg[i].value.len == text + cut;
		fm_assert(entity_covers(prefix, text) == at_end);
	}
	free(prefix);
}

static void
check_get(const char *text, const struct entity_segment *seg, int n)
{
	for (int i = 0; i < n; i++) {
		if (seg[i].key.len == 0)
			continue;
		char *key = fm_strndup(seg[i].key.p, seg[i].key.len);
		struct fm_str got = entity_get(text, key);
		fm_assert(got.p != NULL && got.p <= seg[i].value.p);
		free(key);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entity_segment seg[FM_MAX_SEGMENTS];
	char *text = fm_strndup((const char *)data, size);
	int n = entity_parse(text, size, seg);
	fm_assert(n == -EINVAL || (n >= 1 && n <= FM_MAX_SEGMENTS));
	if (n > 0) {
		check_segments(text, seg, n);
		fm_assert(seg[n - 1].value.p + seg[n - 1].value.len <= text + size);
		check_covers(text, size, seg, n);
		check_get(text, seg, n);
		struct fm_buf type = {0};
		entity_type(text, &type);
		fm_assert(type.len <= size);
		fm_buf_fini(&type);
	}
	free(text);
	return 0;
}
