/*
 * facts: the names of facts and attributes, from facts.def. Pure tables.
 */
#include "events/catalogue.h"

static const struct {
	const char *name;
	enum fact_subject subject;
} facts[FACT_N] = {
#define FACT_STATE(id, name, subject) [FACT_##id] = {name, SUBJECT_##subject},
#define FACT_EVENT(id, name, subject) [FACT_##id] = {name, SUBJECT_##subject},
#include "events/facts.def"
};

enum attr_kind { KIND_TEXT, KIND_INT };
static const struct {
	const char *name;
	enum attr_kind kind;
} attrs[ATTR_N] = {
#define FACT_ATTR(id, name, kind) [ATTR_##id] = {name, KIND_##kind},
#include "events/facts.def"
};

static const struct {
	const char *name;
	enum fact_attr attr;
} aliases[] = {
#define FACT_ALIAS(name, id) {name, ATTR_##id},
#include "events/facts.def"
};

const char *
fact_name(enum fact_id f)
{
	return (unsigned)f < FACT_N ? facts[f].name : "";
}

bool
fact_is_state(enum fact_id f)
{
	return f < FACT_N_STATES;
}

enum fact_subject
fact_subject_of(enum fact_id f)
{
	fm_assert((unsigned)f < FACT_N);
	return facts[f].subject;
}

const char *
fact_attr_name(enum fact_attr a)
{
	return (unsigned)a < ATTR_N ? attrs[a].name : "";
}

bool
fact_attr_is_int(enum fact_attr a)
{
	return (unsigned)a < ATTR_N && attrs[a].kind == KIND_INT;
}

bool
fact_parse(const char *s, size_t len, enum fact_id *ret)
{
	for (unsigned i = 0; i < FACT_N; i++) {
		if (strlen(facts[i].name) == len && memcmp(facts[i].name, s, len) == 0) {
			*ret = (enum fact_id)i;
			return true;
		}
	}
	return false;
}

/* Lower case, "-" as "_": "<Host-Name>" and "<host_name>" are one. */
static bool
same_name(const char *name, const char *s, size_t len)
{
	if (strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		else if (c == '-')
			c = '_';
		if (c != name[i])
			return false;
	}
	return true;
}

int
fact_attr_parse(const char *s, size_t len)
{
	for (unsigned i = 0; i < ATTR_N; i++)
		if (same_name(attrs[i].name, s, len))
			return (int)i;
	for (unsigned i = 0; i < FM_ARRAY_LEN(aliases); i++)
		if (same_name(aliases[i].name, s, len))
			return (int)aliases[i].attr;
	return -1;
}
