/* mem: allocation that cannot fail. */
#include "base/base.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(mem, no_bytes_is_still_an_allocation)
{
	FM_CLEANUP(fm_freep) void *a = fm_malloc(0);
	FM_CLEANUP(fm_freep) void *b = fm_calloc(0, 8);
	FM_CLEANUP(fm_freep) void *c = fm_realloc(NULL, 0);

	cr_assert(a != NULL && b != NULL && c != NULL);
}

Test(mem, strings_are_copied)
{
	FM_CLEANUP(fm_freep) char *whole = fm_strdup("compute-0");
	FM_CLEANUP(fm_freep) char *part = fm_strndup("compute-0", 4);
	FM_CLEANUP(fm_freep) char *none = fm_strndup(NULL, 0);
	FM_CLEANUP(fm_freep) char *printed = fm_asprintf("%s/%05d", "stream", 42);

	cr_assert_str_eq(whole, "compute-0");
	cr_assert_str_eq(part, "comp");
	cr_assert_str_eq(none, "");
	cr_assert_str_eq(printed, "stream/00042");
}

Test(mem, freep_clears_the_variable)
{
	char *p = fm_strdup("x");

	fm_freep(&p);
	cr_assert_null(p);
	fm_freep(&p);
}

static char *
make(const char *s)
{
	FM_CLEANUP(fm_freep) char *p = fm_strdup(s);
	return FM_STEAL(p);
}

Test(mem, steal_takes_a_value_out_of_the_hands_of_cleanup)
{
	char *p = make("kept");

	cr_assert_str_eq(p, "kept");
	free(p);
}
