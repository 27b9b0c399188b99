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

static bool
may_fill(struct fm_str key, bool instance)
{
	if (fm_str_is(key, "host"))
		return true;
	return instance && (fm_str_is(key, "tenant") || fm_str_is(key, "instance"));
}

void
cat_check_form(struct load *ld, const struct node *at, const char *form, bool instance)
{
	static const char *const of_instance[] = {"tenant", "instance", "host"};
	static const char *const of_host[] = {"host"};
	struct fm_str rest = fm_str_of(form), key, value;
	while (cat_next_segment(&rest, &key, &value)) {
		if (key.len == 0) {
			cat_find_at(ld, FND_ENTITY_FORM, at, "%s in the entity is not key=value",
				    cat_quote(ld, value));
		} else if (memchr(value.p, '<', value.len) != NULL && !may_fill(key, instance)) {
			cat_find_at(ld, FND_ENTITY_FORM, at,
				    "%s in the entity cannot be filled in: the rule's subject %s%s",
				    cat_quote(ld, key), instance ?
				    "has tenant, instance and host" : "has host only",
				    cat_suggest(ld, key, instance ? of_instance : of_host,
						instance ? 3 : 1));
		}
	}
}
