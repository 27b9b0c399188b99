/*
 * group: who counts in a group, however many they are, and what of it is written and read again.
 */
#include "core_rig.h"
#include "tests/scenario/rows_copy.h"

#define MANY 300u
#define PAGE_BYTES (32u * 24u)
#define NAME "100.001|0|7:host-01"      /* of the group of this host */
#define EVENTS HOST_ALARM("100.001", "major") \
	RULE("    On: reboot.failed\n    Group: {By: host, At_Least: 3, Within: 1h}\n    Expire: 10m\n")
#define RECORD HOST_ALARM("100.001", "major") \
	RULE("    While: instance.failed\n    Group: {By: host, At_Least: 3, Within: 1h}\n")

struct core {
	struct loaded l;
	struct core_rig rig;
	struct fm_buf told;
	struct rows_copy rows;
	size_t bytes;                   /* of groups' rows, written by the last flush */
};

static void
take(void *ctx, struct transition *tr)
{
	struct core *c = ctx;

	fm_buf_addf(&c->told, "%s ", transition_kind_name(tr->kind));
}

static struct core
begin_with(const char *record)
{
	struct core c = {.l = load_good(record)};

	c.rig = rig_begin(c.l.cat, "host-01");
	fm_buf_adds(&c.told, "");
	return c;
}

static struct core
begin(void)
{
	return begin_with(RECORD);
}

static void
end(struct core *c)
{
	rig_end(&c->rig);
	fm_buf_fini(&c->told);
	rows_copy_fini(&c->rows);
	unload(&c->l);
}

static void
notify(struct core *c, unsigned n, const char *type, const char *state)
{
	char *line = fm_asprintf("%s uuid=00000000-0000-4000-8000-%012u state=%s", type, n, state);

	c->rig.now = fm_time_add(c->rig.now, fm_span_ms(1));
	rig_feed(&c->rig, OFFLINE_NOVA, line, take, c);
	free(line);
}

static void
nova(struct core *c, unsigned n, const char *state)
{
	notify(c, n, "instance.update", state);
}

static void
told(struct core *c, const char *expected)
{
	cr_assert_str_eq(c->told.s, expected, "%s", c->told.s);
	fm_buf_reset(&c->told);
	fm_buf_adds(&c->told, "");
}

static void
restart(struct core *c)
{
	c->rig.corr = rows_copy_restart(&c->rows, c->rig.corr, c->l.cat);
}

static void
put(void *ctx, const struct row *row)
{
	struct core *c = ctx;

	if (row->kind == ROW_KEPT && !row->deleted && strncmp(row->u.kept.name, "group", 5) == 0)
		c->bytes += row->u.kept.body.len;
	rows_copy_put(&c->rows, row);
}

static void
flush(struct core *c)
{
	c->bytes = 0;
	corr_flush(c->rig.corr, put, c);
}

static void
count_member(void *ctx, const struct fm_uuid *uuid, const char *name, struct fm_time since)
{
	(void)uuid, (void)name, (void)since;
	++*(unsigned *)ctx;
}

static unsigned
members(const struct core *c)
{
	const struct alarm *al = corr_find_alarm(c->rig.corr, "100.001", "host=host-01");
	unsigned n = 0;

	corr_each_member(c->rig.corr, &al->uuid, count_member, &n);
	return n;
}

/* Leaving in another order than they came, and some that come again. */
static void
all_but_one_leave(struct core *c)
{
	for (unsigned i = 1; i < MANY; i++) {
		const unsigned n = 1 + (i * 7) % MANY;

		nova(c, n, "active");
		if (i % 5 == 0) {
			nova(c, n, "error");
			nova(c, n, "active");
		}
		if (i % 50 == 0)
			restart(c);
	}
}

Test(group, has_as_many_members_as_there_are)
{
	struct core c = begin();

	for (unsigned i = 1; i <= MANY; i++)
		nova(&c, i, "error");
	told(&c, "raise ");
	cr_assert_eq(members(&c), MANY);
	restart(&c);
	cr_assert_eq(members(&c), MANY);
	all_but_one_leave(&c);
	told(&c, "");
	cr_assert_eq(members(&c), 1);
	nova(&c, 1, "active");
	told(&c, "clear ");
	flush(&c);
	for (size_t i = 0; i < c.rows.n; i++)
		cr_assert_neq(strncmp(c.rows.v[i].key, "4|group", 7), 0, "%s", c.rows.v[i].key);
	end(&c);
}

/* A storm of events is as long as it likes; the group is not. */
Test(group, of_events_keeps_as_many_as_a_rule_may_ask_for)
{
	struct core c = begin_with(EVENTS);

	for (unsigned i = 1; i <= MANY; i++)
		notify(&c, i, "instance.reboot.error", "active");
	told(&c, "raise ");
	cr_assert_eq(members(&c), CAT_MAX_GROUP);
	cr_assert_eq(corr_find_alarm(c.rig.corr, "100.001", "host=host-01")->count, MANY - 2);
	restart(&c);
	cr_assert_eq(members(&c), CAT_MAX_GROUP);
	end(&c);
}

Test(group, writes_a_page_for_one_that_joins_or_leaves)
{
	struct core c = begin();

	for (unsigned i = 1; i <= MANY; i++)
		nova(&c, i, "error");
	flush(&c);
	cr_assert_gt(c.bytes, MANY * sizeof(struct fm_uuid));
	nova(&c, MANY + 1, "error");
	flush(&c);
	cr_assert(c.bytes > 0 && c.bytes <= PAGE_BYTES, "%zu", c.bytes);
	nova(&c, MANY / 2, "active");
	flush(&c);
	cr_assert(c.bytes > 0 && c.bytes <= PAGE_BYTES, "%zu", c.bytes);
	end(&c);
}

/* Makes of the rows of a group what earlier versions had: one row with all of it. */
static void
make_old(struct core *c)
{
	static const char *const name[] = {"group-page|0000000000|group|" NAME,
		"group-alarm|group|" NAME};
	struct fm_blob body = {0};

	for (size_t i = 0; i < c->rows.n; i++)
		if (c->rows.v[i].row.kind == ROW_KEPT &&
		    strcmp(c->rows.v[i].row.u.kept.name, name[0]) == 0)
			body = rows_copy_blob(c->rows.v[i].row.u.kept.body);
	cr_assert_eq(body.len, 3 * (sizeof(struct fm_uuid) + sizeof(int64_t)));
	for (unsigned i = 0; i < 2; i++)
		rows_copy_put(&c->rows, &(struct row){.kind = ROW_KEPT, .deleted = true,
			.u.kept.name = name[i]});
	rows_copy_put(&c->rows, &(struct row){.kind = ROW_KEPT,
		.u.kept = {.name = "group|" NAME, .num = 3, .body = body}});
	rows_copy_drop(body.p);
}

static bool
has_row(const struct core *c, const char *key)
{
	const size_t i = rows_copy_place(&c->rows, key);

	return i < c->rows.n && strcmp(c->rows.v[i].key, key) == 0;
}

Test(group, of_an_earlier_version_is_taken_over)
{
	struct core c = begin();

	for (unsigned i = 1; i <= 3; i++)
		nova(&c, i, "error");
	told(&c, "raise ");
	flush(&c);
	make_old(&c);
	cr_assert(has_row(&c, "4|group|" NAME));
	restart(&c);
	cr_assert_eq(members(&c), 3);
	restart(&c);
	cr_assert_not(has_row(&c, "4|group|" NAME));
	cr_assert(has_row(&c, "4|group-alarm|group|" NAME));
	cr_assert_eq(members(&c), 3);
	for (unsigned i = 1; i <= 3; i++)
		nova(&c, i, "active");
	told(&c, "clear ");
	end(&c);
}
