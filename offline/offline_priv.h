/* offline_priv: what the files of this folder share. */
#ifndef OFFLINE_PRIV_H
#define OFFLINE_PRIV_H

#include "offline/offline.h"

/* The value of option NAME= among the words from first on; otherwise def. */
const char *words_opt(const struct offline_words *w, unsigned first, const char *name,
		      const char *def);

#endif
