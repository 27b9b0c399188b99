/*
 * event_words: building the hashed tables. Which words there are is known to the decoders.
 */
#include "events/event_words_priv.h"

void
ev_words_init(struct ev_words *ret, const struct ev_word *list, unsigned n)
{
	fm_assert(n <= EV_WORD_SLOTS / 2);
	*ret = (struct ev_words){.list = list, .n = n};
	for (unsigned i = 0; i < n; i++) {
		if (list[i].len == 0)
			continue;
		fm_assert(ev_words_find(ret, list[i].s, list[i].len) < 0);
		unsigned h = ev_word_hash(list[i].s, list[i].len);
		while (ret->slot[h] != 0)
			h = (h + 1) % EV_WORD_SLOTS;
		ret->slot[h] = (uint8_t)(i + 1);
	}
}
