/* The verbs table: names, roles, arguments. */
#include <criterion/criterion.h>

#include "ctl/ctl.h"

Test(verbs, every_name_reads_back_as_its_verb)
{
	for (unsigned i = 0; i < CTL_N_VERBS; i++) {
		const char *name = ctl_verb_name((enum ctl_verb)i);
		enum ctl_verb verb;

		cr_assert(ctl_verb_parse(name, strlen(name), &verb), "%s", name);
		cr_assert_eq(verb, i);
	}
}

Test(verbs, a_prefix_or_an_extension_of_a_name_is_no_verb)
{
	enum ctl_verb verb = CTL_N_VERBS;

	cr_assert_not(ctl_verb_parse("alarm-lis", 9, &verb));
	cr_assert_not(ctl_verb_parse("alarm-lists", 11, &verb));
	cr_assert_not(ctl_verb_parse("", 0, &verb));
	cr_assert_eq(verb, CTL_N_VERBS, "not written on failure");
}

Test(verbs, only_what_changes_something_needs_the_write_role)
{
	static const enum ctl_verb writing[] = {CTL_VERB_ALARM_DELETE, CTL_VERB_ALARM_CLEAR,
						CTL_VERB_ALARM_ACK, CTL_VERB_ALARM_UNACK,
						CTL_VERB_ALARM_SHELVE, CTL_VERB_ALARM_UNSHELVE,
						CTL_VERB_WINDOW_ADD, CTL_VERB_WINDOW_DELETE,
						CTL_VERB_EVENT_SUPPRESS,
						CTL_VERB_EVENT_UNSUPPRESS,
						CTL_VERB_EVENT_UNSUPPRESS_ALL,
						CTL_VERB_INPUT_RESUME};
	unsigned n = 0;

	for (unsigned i = 0; i < CTL_N_VERBS; i++)
		n += ctl_verb_writes((enum ctl_verb)i);
	for (size_t i = 0; i < FM_ARRAY_LEN(writing); i++)
		cr_assert(ctl_verb_writes(writing[i]), "%s", ctl_verb_name(writing[i]));
	cr_assert_eq(n, FM_ARRAY_LEN(writing));
}

Test(verbs, a_verb_takes_its_own_arguments_only)
{
	cr_assert(ctl_verb_takes(CTL_VERB_EVENT_LIST, "include_suppressed"));
	cr_assert(ctl_verb_takes(CTL_VERB_ALARM_CLEAR, "entity"));
	cr_assert_not(ctl_verb_takes(CTL_VERB_ALARM_CLEAR, "uuid"));
	cr_assert_not(ctl_verb_takes(CTL_VERB_STATS, "limit"));
}
