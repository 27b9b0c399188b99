/*
 * event_words: closed vocabularies (member names, event types, states) as hashed tables, so that
 * a record's members are recognised in one pass, each with one probe.
 *
 * Shared by the C decoders and the C++ shim. Thread: any; a table is immutable once built.
 */
#ifndef FM_EVENT_WORDS_PRIV_H
#define FM_EVENT_WORDS_PRIV_H

#include "base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Several words may have one id: spellings of the same thing. */
struct ev_word {
	const char *s;
	uint32_t len;
	int32_t id;
};
#define EV_WORD(text, number) {text, sizeof(text) - 1, number}

#define EV_WORD_SLOTS 256
struct ev_words {
	const struct ev_word *list;
	unsigned n;
	uint8_t slot[EV_WORD_SLOTS];    /* 1 + index in list; 0: free */
};

/* list is borrowed for the life of *ret; at most half as many words as slots. */
void ev_words_init(struct ev_words *ret, const struct ev_word *list, unsigned n);

static inline unsigned ev_word_hash(const char *s, size_t len)
{
	uint32_t mix = (uint32_t)len | (uint32_t)(uint8_t)s[0] << 8 |
		(uint32_t)(uint8_t)s[len / 2] << 16 | (uint32_t)(uint8_t)s[len - 1] << 24;

	return mix * 0x9e3779b1u >> 24;
}

/* Index of the word in its list, or -1. */
static inline int ev_words_find(const struct ev_words *t, const char *s, size_t len)
{
	if (len == 0)
		return -1;
	for (unsigned h = ev_word_hash(s, len); t->slot[h] != 0; h = (h + 1) % EV_WORD_SLOTS) {
		const struct ev_word *w = &t->list[t->slot[h] - 1];
		if (w->len == len && memcmp(w->s, s, len) == 0)
			return t->slot[h] - 1;
	}
	return -1;
}

/* Its id, or none when the text is absent or not a word of this vocabulary. */
static inline int ev_words_id(const struct ev_words *t, struct fm_str s, int none)
{
	int i = s.p != NULL ? ev_words_find(t, s.p, s.len) : -1;

	return i < 0 ? none : t->list[i].id;
}

#ifdef __cplusplus
}
#endif
#endif
