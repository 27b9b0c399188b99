/* The catalogue that is shipped, loaded once, whole or with limits that a short story reaches. */
#ifndef FM_FUZZ_SHIPPED_H
#define FM_FUZZ_SHIPPED_H

#include "events/catalogue.h"

#include <stdio.h>
#include <stdlib.h>

static inline void
shipped_text(struct fm_buf *ret)
{
	const char *source = getenv("FMD_SOURCE");
	char *path = fm_asprintf("%s/events.yaml", source != NULL ? source : "."), chunk[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	fm_assert(f != NULL);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		fm_buf_add(ret, chunk, n);
	fclose(f);
	free(path);
}

/* Puts to in place of from, which is as long or longer and is there. */
static inline void
shipped_edit(struct fm_buf *b, const char *from, const char *to)
{
	char *at = strstr(b->s, from);

	fm_assert(at != NULL && strlen(to) <= strlen(from));
	memset(at, ' ', strlen(from));
	memcpy(at, to, strlen(to));
}

static inline struct catalogue *
shipped_load(const struct fm_buf *text)
{
	struct catalogue *cat = NULL;
	struct fm_err err;

	fm_assert(cat_load_buf("shipped", text->s, text->len, NULL, &cat, &err) == 0);
	return cat;
}

static inline const struct catalogue *
shipped_catalogue(void)
{
	static struct catalogue *cat;
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};

	if (cat == NULL) {
		shipped_text(&text);
		cat = shipped_load(&text);
	}
	return cat;
}

#endif
