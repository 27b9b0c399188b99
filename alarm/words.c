/*
 * words: numbers to words and back, for every list in words.def and the kinds of transition.
 */
#include "alarm/alarm.h"
#include "alarm/words.def"

/* Above the last probable cause that WRS-ALARM-MIB enumerates. */
#define WRS_CAUSES_END 75

#define WORD_AT(number, word) [number] = FM_STR(word),
static const struct fm_str severities[] = {SEVERITIES(WORD_AT)};
static const struct fm_str alarm_types[] = {ALARM_TYPES(WORD_AT)};
static const struct fm_str probable_causes[] = {PROBABLE_CAUSES(WORD_AT)};
static const struct fm_str suppression_statuses[] = {SUPPRESSION_STATUSES(WORD_AT)};
static const struct fm_str operator_states[] = {OPERATOR_STATES(WORD_AT)};
static const struct fm_str cause_kinds[] = {CAUSE_KINDS(WORD_AT)};
#undef WORD_AT

#define KIND_AT(id, word) [TR_##id] = FM_STR(word),
static const struct fm_str transition_kinds[] = {TRANSITION_KINDS(KIND_AT)};
#undef KIND_AT

_Static_assert(FM_ARRAY_LEN(severities) == FM_N_SEVERITIES, "a severity without a word");
_Static_assert(FM_ARRAY_LEN(probable_causes) == FM_CAUSE_UNKNOWN + 1, "a cause without a word");
_Static_assert(FM_ARRAY_LEN(transition_kinds) == TR_N_KINDS, "a kind without a word");

/* Numbers come from stored rows too, so one out of range prints the list's first word. */
static const char *
name_in(const struct fm_str *words, size_t n, unsigned number)
{
	return words[number < n ? number : 0].p;
}

static bool
find_in(const struct fm_str *words, size_t n, const char *s, size_t len, unsigned *ret)
{
	for (unsigned i = 0; i < n; i++)
		if (words[i].len == len && memcmp(words[i].p, s, len) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

#define NAME_IN(words, number) name_in(words, FM_ARRAY_LEN(words), (unsigned)(number))
#define FIND_IN(words, s, len, ret) find_in(words, FM_ARRAY_LEN(words), s, len, ret)

const char *
severity_name(enum severity sev)
{
	return NAME_IN(severities, sev);
}

bool
severity_parse(const char *s, size_t len, enum severity *ret)
{
	unsigned number;
	if (!FIND_IN(severities, s, len, &number))
		return false;
	*ret = (enum severity)number;
	return true;
}

const char *
alarm_type_name(int type)
{
	return NAME_IN(alarm_types, type);
}

bool
alarm_type_parse(const char *s, size_t len, int *ret)
{
	unsigned number;
	if (!FIND_IN(alarm_types, s, len, &number))
		return false;
	*ret = (int)number;
	return true;
}

const char *
probable_cause_name(int cause)
{
	return NAME_IN(probable_causes, cause);
}

bool
probable_cause_parse(const char *s, size_t len, int *ret)
{
	unsigned number;
	if (!FIND_IN(probable_causes, s, len, &number))
		return false;
	*ret = (int)number;
	return true;
}

int
probable_cause_wrs(int cause)
{
	return cause >= 0 && cause < WRS_CAUSES_END ? cause : 0;
}

const char *
suppression_status_name(enum suppression_status s)
{
	return NAME_IN(suppression_statuses, s);
}

const char *
operator_state_name(enum operator_state s)
{
	return NAME_IN(operator_states, s);
}

const char *
cause_kind_name(enum cause_kind kind)
{
	return NAME_IN(cause_kinds, kind);
}

const char *
transition_kind_name(enum transition_kind kind)
{
	return NAME_IN(transition_kinds, kind);
}

bool
transition_kind_parse(const char *s, size_t len, enum transition_kind *ret)
{
	unsigned number;
	if (!FIND_IN(transition_kinds, s, len, &number))
		return false;
	*ret = (enum transition_kind)number;
	return true;
}
