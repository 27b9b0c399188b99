/* Terms over columns: what each kind of column can be asked, and what is refused by name. */
#include <criterion/criterion.h>

#include "ctl/ctl.h"
#include "fm/filter_priv.h"

static const struct column columns[] = {
	{"name", "", "name", CELL_TEXT, 0}, {"n", "", "figures.n", CELL_NUMBER, 0},
	{"at", "", "at", CELL_TIME, 0}, {"severity", "", "severity", CELL_SEVERITY, 0}, {0},
};

static bool
passes(const char *query, const char *row_json)
{
	struct filter *f = NULL;
	struct fm_err err = {0};
	json_t *row = json_loads(row_json, 0, NULL);

	cr_assert_not_null(row);
	cr_assert_eq(filter_parse(columns, query, &f, &err), 0, "%s", err.msg);
	bool r = filter_passes(f, row);
	filter_free(f);
	json_decref(row);
	return r;
}

static const char row[] = "{\"name\":\"kafka\",\"figures\":{\"n\":7},"
	"\"at\":\"2026-11-23T10:00:00.000000Z\",\"severity\":\"major\",\"ok\":true}";

Test(filter, texts_are_equal_different_or_contained)
{
	cr_assert(passes("name=kafka", row));
	cr_assert_not(passes("name=kaf", row));
	cr_assert(passes("name~kaf", row));
	cr_assert(passes("name!=kaf", row));
	cr_assert(passes("name=", "{}"));
}

Test(filter, numbers_times_and_severities_have_an_order)
{
	cr_assert(passes("n>6;n>=7;n<=7;n<8;n=7;n!=8", row));
	cr_assert_not(passes("n>7", row));
	cr_assert(passes("at>=2026-11-23T11:00:00+01:00", row));
	cr_assert_not(passes("at>2026-11-23T10:00:00Z", row));
	cr_assert(passes("severity>minor;severity<critical", row));
}

Test(filter, all_terms_must_hold)
{
	cr_assert(passes("name=kafka ; n = 7", row));
	cr_assert_not(passes("name=kafka;n=8", row));
}

Test(filter, what_a_row_does_not_have_is_different_and_in_no_order)
{
	cr_assert(passes("n!=7", "{}"));
	cr_assert_not(passes("n<7", "{}"));
	cr_assert_not(passes("n>=0", "{\"figures\":{\"n\":null}}"));
}

Test(filter, none_passes_everything)
{
	cr_assert(filter_passes(NULL, NULL));
}

static const char *const refused[][2] = {
	{"colour=red", "unknown key \"colour\"; there are name, n, at, severity"},
	{"n", "n: one of"}, {"n~7", "n cannot be asked with ~"}, {"name<a", "cannot be asked with <"},
	{"n=seven", "\"seven\" is no value"}, {"n=nan", "no value"}, {"at=soon", "no value"},
	{"severity>=awful", "no value"}, {"", "empty"}, {" ; ", "empty"},
};

Test(filter, what_cannot_be_answered_is_refused_by_name)
{
	for (size_t i = 0; i < FM_ARRAY_LEN(refused); i++) {
		struct filter *f = NULL;
		struct fm_err err = {0};

		cr_assert_eq(filter_parse(columns, refused[i][0], &f, &err), -EINVAL);
		cr_assert_not_null(strstr(err.msg, refused[i][1]), "%s: %s", refused[i][0], err.msg);
	}
}

Test(filter, may_have_its_limit_of_terms_but_no_more)
{
	struct filter *f = NULL;
	struct fm_err err = {0};
	struct fm_buf text = {0};

	for (int i = 0; i < CTL_MAX_TERMS; i++)
		fm_buf_adds(&text, "n=7;");
	cr_assert_eq(filter_parse(columns, text.s, &f, &err), 0, "%s", err.msg);
	filter_free(f);
	fm_buf_adds(&text, "n=7");
	cr_assert_eq(filter_parse(columns, text.s, &f, &err), -EINVAL);
	fm_buf_fini(&text);
}
