/* verbs_priv: the verbs table as the request parser reads it. */
#ifndef FM_CTL_VERBS_PRIV_H
#define FM_CTL_VERBS_PRIV_H

#include "ctl/ctl.h"

/* One argument a verb takes, parsed from "name:type[!]" of CTL_VERBS. */
struct arg_spec {
	struct fm_str name;
	char type;              /* 's', 't', 'u' or 'b' */
	bool needed;
};

/*
 * Walks the arguments of a verb: *cursor starts as NULL and is this function's own between
 * calls. False when there are no more.
 */
bool verb_next_arg(enum ctl_verb v, const char **cursor, struct arg_spec *ret);

#endif
