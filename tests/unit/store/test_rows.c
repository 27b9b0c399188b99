/* rows: every kind of row, by the lists of alarm/rows.h alone. */
#include "tests/unit/store/store_rig.h"

/* ---- values that differ by column and by variant --------------------------------- */

enum variant { EMPTY, SMALL, LARGE, N_VARIANTS };

static const char long_text[] = "a text of some length with \"quotes\", \n newlines and \xc3\xa4";
static const unsigned char bytes[] = {0, 1, 2, 0, 255, 0};

static uint64_t
sample_U64(enum variant v, int i)
{
	return v == EMPTY ? 0 : v == SMALL ? (uint64_t)i + 1 : UINT64_MAX - (uint64_t)i;
}

static int64_t
sample_I64(enum variant v, int i)
{
	return v == EMPTY ? 0 : v == SMALL ? -(int64_t)i - 1 : INT64_MIN + i;
}

static const char *
sample_TEXT(enum variant v, int i)
{
	return v == EMPTY ? NULL : v == SMALL ? &"0123456789"[i % 10] : &long_text[i % 20];
}

static struct fm_blob
sample_BLOB(enum variant v, int i)
{
	return v == EMPTY ? (struct fm_blob){NULL, 0}
			  : (struct fm_blob){bytes, (uint32_t)(i % (int)sizeof(bytes)) + 1};
}

static bool
same_U64(uint64_t a, uint64_t b)
{
	return a == b;
}

static bool
same_I64(int64_t a, int64_t b)
{
	return a == b;
}

static bool
same_TEXT(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_BLOB(struct fm_blob a, struct fm_blob b)
{
	return a.len == b.len && (a.len == 0 ? b.p == NULL : memcmp(a.p, b.p, a.len) == 0);
}

/* Keys are never NULL: the first columns take the SMALL form when the rest is EMPTY. */
#define FM_FILL(kind, name) \
	r->name = sample_##kind(v == EMPTY && i < keys ? SMALL : v, i); \
	i++;
#define FM_SAME(kind, name) \
	cr_expect(same_##kind(a->name, b->name), #name " differs");
#define FM_X(id, tag) \
	static void fill_##tag(struct row_##tag *r, enum variant v) \
	{ \
		int i = 0; \
		const int keys = FM_ROW_KEYS_##id; \
		FM_ROW_##id(FM_FILL) \
	} \
	static void expect_same_##tag(const struct row_##tag *a, const struct row_##tag *b) \
	{ \
		FM_ROW_##id(FM_SAME) \
	}
FM_ROW_KINDS(FM_X)
#undef FM_X

static struct row
sample_row(enum row_kind kind, enum variant v)
{
	struct row row = {.kind = kind};

	switch (kind) {
#define FM_X(id, tag) \
	case ROW_##id: \
		fill_##tag(&row.u.tag, v); \
		break;
	FM_ROW_KINDS(FM_X)
#undef FM_X
	case ROW_N_KINDS:
		break;
	}
	return row;
}

struct expectation {
	enum variant v;
	int seen[ROW_N_KINDS];
	int last_kind;
};

static void
expect_row(void *ctx, const struct row *row)
{
	struct expectation *e = ctx;
	struct row want = sample_row(row->kind, e->v);

	cr_expect_geq((int)row->kind, e->last_kind, "kinds come in their order");
	e->last_kind = (int)row->kind;
	e->seen[row->kind]++;
	switch (row->kind) {
#define FM_X(id, tag) \
	case ROW_##id: \
		expect_same_##tag(&want.u.tag, &row->u.tag); \
		break;
	FM_ROW_KINDS(FM_X)
#undef FM_X
	case ROW_N_KINDS:
		break;
	}
}

static void
put_all(struct store_rig *rig, enum variant v, bool deleted)
{
	MUST(store_begin(rig->st, &err));
	for (int kind = 0; kind < ROW_N_KINDS; kind++) {
		struct row row = sample_row((enum row_kind)kind, v);
		row.deleted = deleted;
		MUST(store_put_row(rig->st, &row, &err));
	}
	MUST(store_commit(rig->st, &err));
}

static void
expect_all(struct store_rig *rig, enum variant v, int each)
{
	struct expectation e = {.v = v};

	MUST(store_each_row(rig->st, expect_row, &e, &err));
	for (int kind = 0; kind < ROW_N_KINDS; kind++)
		cr_expect_eq(e.seen[kind], each, "kind %d seen %d times", kind, e.seen[kind]);
}

Test(rows, come_back_as_they_were_put_in_every_column)
{
	for (int v = 0; v < N_VARIANTS; v++) {
		struct store_rig rig = rig_unopened();

		rig_open(&rig);
		put_all(&rig, (enum variant)v, false);
		expect_all(&rig, (enum variant)v, 1);
		rig_close(&rig);
		rig_open(&rig);
		expect_all(&rig, (enum variant)v, 1);
		rig_fini(&rig);
	}
}

Test(rows, are_replaced_by_key_and_forgotten_by_key)
{
	struct store_rig rig = rig_unopened();

	rig_open(&rig);
	/* EMPTY and SMALL share their keys. */
	put_all(&rig, EMPTY, false);
	put_all(&rig, SMALL, false);
	expect_all(&rig, SMALL, 1);
	put_all(&rig, EMPTY, true);
	expect_all(&rig, SMALL, 0);
	rig_fini(&rig);
}

static void
take_name(void *ctx, const struct row *row)
{
	fm_buf_adds(ctx, row->u.kept.name);
}

Test(rows, take_text_from_outside_as_text)
{
	static const char hostile[] = "x'); DROP TABLE kept; --\x01\xff";
	struct store_rig rig = rig_unopened();
	struct row row = {.kind = ROW_KEPT, .u.kept = {.name = hostile}};
	struct fm_buf seen = {0};

	rig_open(&rig);
	MUST(store_begin(rig.st, &err));
	MUST(store_put_row(rig.st, &row, &err));
	MUST(store_commit(rig.st, &err));
	MUST(store_each_row(rig.st, take_name, &seen, &err));
	cr_expect_str_eq(seen.s, hostile);
	fm_buf_fini(&seen);
	rig_fini(&rig);
}
