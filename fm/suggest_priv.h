/* suggest: "did you mean". */
#ifndef FM_SUGGEST_PRIV_H
#define FM_SUGGEST_PRIV_H

#include <stddef.h>

/* The one of n words that a person who typed s most likely meant; NULL when none is near. */
const char *suggest(const char *s, size_t len, const char *const words[], size_t n);

#endif
