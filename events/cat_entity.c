/*
 * cat_entity: entity forms, "tenant=<tenant-uuid>.instance=<instance-uuid>". Matching is by keys;
 * what stands between <> is for people.
 */
#include "events/cat_load_priv.h"

/* The end of the segment: a dot outside <>. */
static uint32_t
segment_length(struct fm_str s)
{
	unsigned depth = 0;
	for (uint32_t i = 0; i < s.len; i++) {
		if (s.p[i] == '<')
			depth++;
		else if (s.p[i] == '>' && depth != 0)
			depth--;
		else if (s.p[i] == '.' && depth == 0)
			return i;
	}
	return s.len;
}

bool
cat_next_segment(struct fm_str *rest, struct fm_str *ret_key, struct fm_str *ret_value)
{
	if (rest->len == 0)
		return false;
	uint32_t n = segment_length(*rest);
	struct fm_str seg = {rest->p, n};
	uint32_t skip = n < rest->len ? n + 1 : n;
	*rest = (struct fm_str){rest->p + skip, rest->len - skip};

	const char *eq = memchr(seg.p, '=', seg.len);
	uint32_t key_len = eq != NULL ? (uint32_t)(eq - seg.p) : 0;
	*ret_key = (struct fm_str){seg.p, key_len};
	*ret_value = eq != NULL ? (struct fm_str){eq + 1, seg.len - key_len - 1} : seg;
	return true;
}

bool
cat_form_has_key(const char *form, const char *key)
{
	struct fm_str rest = fm_str_of(form), k, v;
	while (cat_next_segment(&rest, &k, &v))
		if (fm_str_is(k, key))
			return true;
	return false;
}

/* The keys that a path can have whose values the rule's subject knows. */
static unsigned
fillable(const struct cat_rule *rule, const char *keys[3])
{
	const enum cat_group_by by = rule->group.by;
	unsigned n = 0;
	if (by == GROUP_ALL)
		return 0;
	if (by == GROUP_POOL) {
		keys[n++] = "pool";
		return n;
	}
	keys[n++] = "host";
	if (by == GROUP_HOST_PAIR)
		keys[n++] = "destination";
	if (fact_subject_of(rule->fact) == SUBJECT_INSTANCE &&
	    (by == GROUP_NONE || by == GROUP_INSTANCE)) {
		keys[n++] = "tenant";
		keys[n++] = "instance";
	}
	return n;
}

static bool
is_among(struct fm_str key, const char *const *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fm_str_is(key, keys[i]))
			return true;
	return false;
}

void
cat_check_form(struct load *ld, const struct node *at, const char *form,
	       const struct cat_rule *rule)
{
	const char *keys[3];
	const unsigned n = fillable(rule, keys);
	struct fm_str rest = fm_str_of(form), key, value;
	FM_CLEANUP(fm_buf_fini) struct fm_buf has = {0};
	fm_buf_adds(&has, n == 0 ? "no such key" : keys[0]);
	for (unsigned i = 1; i < n; i++)
		fm_buf_addf(&has, "%s%s", i + 1 < n ? ", " : " and ", keys[i]);
	while (cat_next_segment(&rest, &key, &value)) {
		if (key.len == 0)
			cat_find_at(ld, FND_ENTITY_FORM, at, "%s in the entity is not key=value",
				    cat_quote(ld, value));
		else if (memchr(value.p, '<', value.len) != NULL && !is_among(key, keys, n))
			cat_find_at(ld, FND_ENTITY_FORM, at,
				    "%s in the entity cannot be filled in: the rule's subject has "
				    "%s%s", cat_quote(ld, key), has.s, cat_suggest(ld, key, keys, n));
	}
}
