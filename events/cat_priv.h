/*
 * cat_priv: the catalogue as it lies in memory, shared by the pure queries and the loader.
 */
#ifndef CAT_PRIV_H
#define CAT_PRIV_H

#include "events/catalogue.h"

struct catalogue {
	struct fm_arena arena;          /* everything below lives here, the struct itself apart */
	struct cat_record *records;     /* by id order */
	unsigned n;
	struct cat_limits limits;
	struct cat_window *windows;     /* in the order of the file */
	unsigned n_windows;
	uint64_t hash;
	const struct cat_rule **rules_on[FACT_N];       /* in id order */
	unsigned n_rules_on[FACT_N];
	struct cat_clearing *clears_on[FACT_N];         /* in id order */
	unsigned n_clears_on[FACT_N];
};

#endif
