/*
 * intern: one copy of each text, found by open addressing. Entries are never moved or removed, so
 * a pointer handed out stays good until fm_intern_fini.
 */
#include "base/base.h"

#include <stdlib.h>

#define SMALLEST 64

struct fm_intern_entry {
	uint64_t hash;
	size_t len;
	char text[];
};

void
fm_intern_init(struct fm_intern *in)
{
	*in = (struct fm_intern){0};
}

void
fm_intern_fini(struct fm_intern *in)
{
	for (size_t i = 0; i < in->cap; i++)
		free(in->slots[i]);
	free(in->slots);
	*in = (struct fm_intern){0};
}

/* The slot that holds this text, or the empty one where it belongs. cap is a power of two. */
static struct fm_intern_entry **
find_slot(const struct fm_intern *in, const char *s, size_t len, uint64_t hash)
{
	size_t i = hash & (in->cap - 1);
	for (;;) {
		const struct fm_intern_entry *entry = in->slots[i];
		if (entry == NULL)
			break;
		if (entry->hash == hash && entry->len == len &&
		    (len == 0 || memcmp(entry->text, s, len) == 0))
			break;
		i = (i + 1) & (in->cap - 1);
	}
	return &in->slots[i];
}

static void
grow(struct fm_intern *in)
{
	struct fm_intern old = *in;
	in->cap = old.cap != 0 ? old.cap * 2 : SMALLEST;
	in->slots = fm_calloc(in->cap, sizeof(struct fm_intern_entry *));
	for (size_t i = 0; i < old.cap; i++) {
		struct fm_intern_entry *entry = old.slots[i];
		if (entry != NULL)
			*find_slot(in, entry->text, entry->len, entry->hash) = entry;
	}
	free(old.slots);
}

const char *
fm_intern(struct fm_intern *in, const char *s, size_t len)
{
	/* At most half full, so that a chain of collisions stays short. */
	if (in->n * 2 >= in->cap)
		grow(in);

	uint64_t hash = fm_hash64(s, len, 0);
	struct fm_intern_entry **slot = find_slot(in, s, len, hash);
	if (*slot != NULL)
		return (*slot)->text;

	struct fm_intern_entry *entry = fm_malloc(sizeof(*entry) + len + 1);
	entry->hash = hash;
	entry->len = len;
	if (len != 0)
		memcpy(entry->text, s, len);
	entry->text[len] = '\0';
	*slot = entry;
	in->n++;
	return entry->text;
}
