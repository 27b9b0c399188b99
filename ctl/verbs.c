/*
 * verbs: the table of CTL_VERBS, read by name and by argument. What a verb does is not known
 * here: that is the server's.
 */
#include "ctl/verbs_priv.h"

struct verb_def {
	const char *name;
	bool writes;
	const char *args;
};

static const struct verb_def verbs[CTL_N_VERBS] = {
#define FM_X(id, name, write, args) [CTL_VERB_##id] = {name, write, args},
	CTL_VERBS(FM_X)
#undef FM_X
};

const char *
ctl_verb_name(enum ctl_verb v)
{
	fm_assert(v < CTL_N_VERBS);
	return verbs[v].name;
}

bool
ctl_verb_writes(enum ctl_verb v)
{
	fm_assert(v < CTL_N_VERBS);
	return verbs[v].writes;
}

bool
ctl_verb_parse(const char *s, size_t len, enum ctl_verb *ret)
{
	struct fm_str word = {s, (uint32_t)len};

	for (unsigned i = 0; i < CTL_N_VERBS; i++) {
		if (!fm_str_is(word, verbs[i].name))
			continue;
		*ret = (enum ctl_verb)i;
		return true;
	}
	return false;
}

bool
verb_next_arg(enum ctl_verb v, const char **cursor, struct arg_spec *ret)
{
	const char *p = *cursor != NULL ? *cursor : verbs[v].args;

	p += strspn(p, " ");
	if (*p == '\0')
		return false;

	const char *colon = strchr(p, ':');
	fm_assert(colon != NULL);
	*ret = (struct arg_spec){
		.name = {p, (uint32_t)(colon - p)},
		.type = colon[1],
		.needed = colon[2] == '!',
	};
	*cursor = colon + 2 + (ret->needed ? 1 : 0);
	return true;
}

bool
ctl_verb_takes(enum ctl_verb v, const char *arg)
{
	const char *cursor = NULL;
	struct arg_spec spec;

	while (verb_next_arg(v, &cursor, &spec)) {
		if (fm_str_is(spec.name, arg))
			return true;
	}
	return false;
}
