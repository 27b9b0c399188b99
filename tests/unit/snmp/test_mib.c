#include "table_rig.h"

#define WRS 1, 3, 6, 1, 4, 1, 731, 1, 1, 1, 1
#define OID(...) ((struct fmagent_oid){.arc = {__VA_ARGS__}, \
	.n = FM_ARRAY_LEN(((const uint32_t[]){__VA_ARGS__}))})

struct rig {
	struct fmagent_replica rep;
	struct fmagent_view *view;
};

/* Alarms 2, 3 and 2^31-1; events 5 and 6. */
static struct rig
rig_new(void)
{
	struct rig r;

	fmagent_replica_init(&r.rep, 2);
	rig_show_alarm(&r.rep, 2);
	rig_show_alarm(&r.rep, 3);
	rig_show_alarm(&r.rep, INT32_MAX);
	rig_show_event(&r.rep, 5);
	rig_show_event(&r.rep, 6);
	r.view = rig_view(&r.rep, NULL);
	return r;
}

static void
expect_next(const struct rig *r, struct fmagent_oid start, struct fmagent_oid want)
{
	struct fmagent_place at;
	struct fmagent_oid name;

	cr_assert_eq(fmagent_mib_next(r->view, &start, &at), FMAGENT_FOUND);
	fmagent_mib_name(r->view, &at, &name);
	cr_assert_eq(fmagent_oid_cmp(&name, &want), 0, "%u.%u", name.arc[13], name.arc[14]);
}

static struct fmagent_oid
including(struct fmagent_oid oid)
{
	oid.include = true;
	return oid;
}

Test(mib, finds_an_instance_by_its_exact_name_only)
{
	struct rig r = rig_new();
	struct fmagent_place at;
	const struct {
		struct fmagent_oid name;
		enum fmagent_found want;
	} cases[] = {
		{OID(WRS, 1, 1, 2, 3), FMAGENT_FOUND},
		{OID(WRS, 1, 1, 12, INT32_MAX), FMAGENT_FOUND},
		{OID(WRS, 4, 1, 13, 6), FMAGENT_FOUND},
		{OID(WRS, 1, 1, 2, 4), FMAGENT_NO_INSTANCE},
		{OID(WRS, 1, 1, 2), FMAGENT_NO_INSTANCE},
		{OID(WRS, 1, 1, 2, 3, 0), FMAGENT_NO_INSTANCE},
		{OID(WRS, 4, 1, 2, 2), FMAGENT_NO_INSTANCE},
		{OID(WRS, 1, 1, 1, 3), FMAGENT_NO_OBJECT},
		{OID(WRS, 1, 1, 13, 3), FMAGENT_NO_OBJECT},
		{OID(WRS, 1, 2, 2, 3), FMAGENT_NO_OBJECT},
		{OID(WRS, 2, 1, 2, 3), FMAGENT_NO_OBJECT},
		{OID(WRS, 1, 1), FMAGENT_NO_OBJECT},
		{OID(1, 3), FMAGENT_NO_OBJECT},
		{{.n = 0}, FMAGENT_NO_OBJECT},
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(cases); i++)
		cr_assert_eq(fmagent_mib_get(r.view, &cases[i].name, &at), cases[i].want,
			     "case %zu", i);
	fmagent_replica_fini(&r.rep, r.view);
}

Test(mib, goes_on_behind_any_name)
{
	struct rig r = rig_new();
	const struct fmagent_oid first = OID(WRS, 1, 1, 2, 2), event = OID(WRS, 4, 1, 2, 5);

	expect_next(&r, (struct fmagent_oid){.n = 0}, first);
	expect_next(&r, OID(1, 3, 6), first);
	expect_next(&r, OID(WRS, 1), first);
	expect_next(&r, OID(WRS, 1, 1), first);
	expect_next(&r, OID(WRS, 1, 1, 0, 77), first);
	expect_next(&r, OID(WRS, 1, 1, 1, 3), first);
	expect_next(&r, OID(WRS, 1, 1, 2), first);
	expect_next(&r, OID(WRS, 1, 1, 2, 0), first);
	expect_next(&r, OID(WRS, 1, 1, 2, 1, 9, 9), first);
	expect_next(&r, OID(WRS, 1, 0, 5), first);
	expect_next(&r, OID(WRS, 1, 1, 2, 2), OID(WRS, 1, 1, 2, 3));
	expect_next(&r, OID(WRS, 1, 1, 2, 2, 0), OID(WRS, 1, 1, 2, 3));
	expect_next(&r, OID(WRS, 1, 1, 2, 4), OID(WRS, 1, 1, 2, INT32_MAX));
	expect_next(&r, OID(WRS, 1, 1, 2, INT32_MAX), OID(WRS, 1, 1, 3, 2));
	expect_next(&r, OID(WRS, 1, 1, 2, UINT32_MAX), OID(WRS, 1, 1, 3, 2));
	expect_next(&r, OID(WRS, 1, 1, 12, INT32_MAX), event);
	expect_next(&r, OID(WRS, 1, 1, 13), event);
	expect_next(&r, OID(WRS, 1, 2), event);
	expect_next(&r, OID(WRS, 3, 1, 2, 5), event);
	expect_next(&r, OID(WRS, 4), event);
	fmagent_replica_fini(&r.rep, r.view);
}

Test(mib, gives_the_start_of_a_range_itself_when_it_is_included)
{
	struct rig r = rig_new();

	expect_next(&r, including(OID(WRS, 1, 1, 2, 3)), OID(WRS, 1, 1, 2, 3));
	expect_next(&r, including(OID(WRS, 1, 1, 2, 1)), OID(WRS, 1, 1, 2, 2));
	expect_next(&r, including(OID(WRS, 1, 1, 2, 3, 1)), OID(WRS, 1, 1, 2, INT32_MAX));
	fmagent_replica_fini(&r.rep, r.view);
}

static void
expect_end(const struct fmagent_view *view, struct fmagent_oid start)
{
	struct fmagent_place at;

	cr_assert_eq(fmagent_mib_next(view, &start, &at), FMAGENT_END);
}

Test(mib, ends_behind_the_last_instance_and_has_nothing_without_rows)
{
	struct rig r = rig_new();
	struct fmagent_view empty = {.gen = 1};

	expect_end(r.view, OID(WRS, 4, 1, 13, 6));
	expect_end(r.view, OID(WRS, 4, 1, 14));
	expect_end(r.view, OID(WRS, 5));
	expect_end(r.view, OID(2));
	expect_end(&empty, (struct fmagent_oid){.n = 0});
	expect_end(NULL, (struct fmagent_oid){.n = 0});
	fmagent_replica_fini(&r.rep, r.view);
}

Test(mib, a_walk_visits_every_column_of_every_row_once_and_in_order)
{
	struct rig r = rig_new();
	struct fmagent_oid name = {.n = 0}, before;
	struct fmagent_place at;
	unsigned n = 0;

	while (fmagent_mib_next(r.view, &name, &at) == FMAGENT_FOUND) {
		before = name;
		fmagent_mib_name(r.view, &at, &name);
		cr_assert_lt(fmagent_oid_cmp(&before, &name), 0);
		n++;
	}
	cr_assert_eq(n, 3 * 11 + 2 * 12);
	fmagent_replica_fini(&r.rep, r.view);
}

static void
expect_value(struct fmagent_reader *rd, struct fmagent_oid name, const char *text, int32_t num)
{
	struct fmagent_place at;
	struct fmagent_value v;

	cr_assert_eq(fmagent_mib_get(rd->view, &name, &at), FMAGENT_FOUND);
	fmagent_mib_value(rd, &at, &v);
	cr_assert_eq(v.text != NULL, text != NULL, "column %u", at.col);
	if (text == NULL) {
		cr_assert_eq(v.num, num, "column %u", at.col);
		return;
	}
	cr_assert_eq(v.len, strlen(text), "column %u", at.col);
	cr_assert_arr_eq(v.text, text, v.len);
}

Test(mib, columns_have_the_values_and_types_of_the_module)
{
	struct rig r = rig_new();
	struct fmagent_reader rd = {.names = {.region = "R", .system = "S"}};
	const struct {
		const char *text;
		int32_t num;
	} want[] = {
		{RIG_UUID, 0}, {"700.008", 0}, {NULL, 1}, {"tenant=t1.instance=i1", 0},
		{"\x07\xea\x0b\x18\x0a\x0f\x2a\x07+\0\0", 0}, {NULL, 3},
		{"Instance i1 is live migrating", 0}, {NULL, 3}, {NULL, 46},
		{"No action required", 0}, {NULL, 1}, {NULL, 0},
	};
	unsigned col = 2;

	fmagent_reader_set(&rd, r.view);
	for (unsigned i = 0; i < FM_ARRAY_LEN(want); i++) {
		if (i == 2 || i == 4)
			continue;       /* state: alarms have none; dates hold zeros */
		if (i == 5)
			col++;
		expect_value(&rd, OID(WRS, 1, 1, col, 2), want[i].text, want[i].num);
		col++;
	}
	expect_value(&rd, OID(WRS, 4, 1, 4, 6), NULL, 1);
	expect_value(&rd, OID(WRS, 4, 1, 5, 6), "region=R.system=S.tenant=t1.instance=i1", 0);
	expect_value(&rd, OID(WRS, 4, 1, 7, 6), NULL, 3);
	expect_value(&rd, OID(WRS, 4, 1, 7, 5), NULL, 2);
	expect_value(&rd, OID(WRS, 4, 1, 13, 5), NULL, 0);
	fmagent_reader_set(&rd, NULL);
	fmagent_replica_fini(&r.rep, r.view);
}

Test(mib, the_date_of_an_alarm_is_that_of_its_raise)
{
	struct rig r = rig_new();
	struct fmagent_reader rd = {0};
	struct fmagent_place at;
	struct fmagent_value v;
	uint8_t want[FMAGENT_DATE_LEN];
	struct fmagent_oid name = OID(WRS, 1, 1, 5, 3);

	fmagent_date(RIG_TIME, want);
	fmagent_reader_set(&rd, r.view);
	cr_assert_eq(fmagent_mib_get(r.view, &name, &at), FMAGENT_FOUND);
	fmagent_mib_value(&rd, &at, &v);
	cr_assert_eq(v.len, sizeof(want));
	cr_assert_arr_eq(v.text, want, sizeof(want));
	fmagent_replica_fini(&r.rep, r.view);
}

Test(mib, texts_are_whole_where_notifications_cut_them)
{
	struct fmagent_replica rep;
	struct transition tr = rig_nth(1);
	char *text = fm_calloc(1, 3001);

	fmagent_replica_init(&rep, 0);
	memset(text, 'x', 3000);
	tr.alarm.reason_text = text;
	fmagent_replica_alarm(&rep, &tr.alarm, &rig_names);
	struct fmagent_view *view = rig_view(&rep, NULL);

	cr_assert_eq(view->alarms[0]->v[FMAGENT_REASON].len, 3000);
	free(text);
	fmagent_replica_fini(&rep, view);
}
