/*
 * fuzz_restore: rows as a damaged store may give them back, each column what the core wrote or any
 * value at all. A core takes the row or says that it cannot have written it; it then goes on through
 * events, time, commands, another catalogue and a restart of its own without harm.
 *
 * The first half of the input is a history (story.h) whose rows are kept, the second half says what
 * becomes of them.
 *
 * LINK: fm_correlator fm_catload fm_alarm_json
 */
#include "alarm/alarm_json.h"
#include "tests/fuzz/shipped.h"
#include "tests/fuzz/story.h"
#include "tests/scenario/rows_copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_EVENTS 40

static void
ignore(void *ctx, struct transition *tr)
{
	size_t *total = ctx, len, alarm_len;
	char *json = transition_to_json(tr, "fuzz", &len, &alarm_len);

	*total += len;
	free(json);
}

static struct fm_time
live(struct correlator *corr, struct feed *f, struct fm_time at)
{
	size_t total = 0;
	struct event ev;

	for (unsigned i = 0; f->n > 0 && i < MAX_EVENTS; i++) {
		at = fm_time_add(at, story_step(f));
		story_event(f, at, i, &ev);
		(void)corr_apply(corr, &ev, ignore, &total);
	}
	return at;
}

/* ---- damage ----------------------------------------------------------------------------------- */

/* One column in eight becomes something else. */
static bool
spared(struct feed *f)
{
	return f->n == 0 || draw(f, 8) != 0;
}

static int64_t
other_number(struct feed *f, int64_t was)
{
	static const int64_t v[] = {0, 1, -1, 2, 7, 63, 255, 256, 65535, INT32_MAX, INT32_MIN,
		INT64_MAX, INT64_MIN};
	const uint32_t i = draw(f, FM_ARRAY_LEN(v) + 2);

	return i < FM_ARRAY_LEN(v) ? v[i] : i == FM_ARRAY_LEN(v) ? draw_int64(f) :
		(int64_t)((uint64_t)was ^ UINT64_C(1) << draw(f, 64));
}

static const char *
other_text(struct feed *f, const char *was)
{
	static const char *const v[] = {"", "|", "x", "compute-0", "compute-1", "host=compute-0",
		"200.004", "07070707-0707-0707-0707-070707070701", "ids|0", "group|", "stamps|0",
		"snapshot|compute-0", "pool|", "closed|", "muted|", "now", "instance.failed",
		"\xff\xfe", "a#1\x1f_=2", "1 1 5 6 7"};
	const uint32_t i = draw(f, FM_ARRAY_LEN(v) + 3);

	rows_copy_drop(was);
	if (i < FM_ARRAY_LEN(v))
		return fm_strdup(v[i]);
	return i == FM_ARRAY_LEN(v) ? NULL : draw_text(f, 300);
}

static struct fm_blob
other_blob(struct feed *f, struct fm_blob was)
{
	const uint32_t len = draw(f, 3) == 0 ? draw(f, 5000) : was.len;
	uint8_t *p = fm_calloc(1, len + 1u);

	if (was.len > 0)
		memcpy(p, was.p, was.len < len ? was.len : len);
	for (uint32_t n = draw(f, 8); n > 0 && len > 0; n--)
		p[draw(f, len < 65536 ? len : 65536)] = (uint8_t)feed_byte(f);
	rows_copy_drop(was.p);
	return (struct fm_blob){p, len};
}

#define DAMAGE_U64(v) if (!spared(f)) (v) = (uint64_t)other_number(f, (int64_t)(v));
#define DAMAGE_I64(v) if (!spared(f)) (v) = other_number(f, (v));
#define DAMAGE_TEXT(v) if (!spared(f)) (v) = other_text(f, (v));
#define DAMAGE_BLOB(v) if (!spared(f)) (v) = other_blob(f, (v));

static void
damage(struct feed *f, struct row *row)
{
	switch (row->kind) {
#define FM_X_COLUMN(kind, name) DAMAGE_##kind(r->name)
#define FM_X(id, kind_name) \
	case ROW_##id: { \
		struct row_##kind_name *r = &row->u.kind_name; \
		FM_ROW_##id(FM_X_COLUMN) \
		return; \
	}
	FM_ROW_KINDS(FM_X)
#undef FM_X
#undef FM_X_COLUMN
	case ROW_N_KINDS:
		return;
	}
}

/* Sums up what the row says, so that it is read. */
static void
read_row(void *ctx, const struct row *row)
{
	char *key = rows_copy_key(row);

	*(size_t *)ctx += strlen(key);
	free(key);
}

/* ---- a start -------------------------------------------------------------------------------------- */

static void
start(struct feed *f, struct rows_copy *rows, const struct catalogue *cat, struct fm_time at)
{
	struct correlator *corr = corr_new(cat);
	size_t total = 0;
	bool whole = true;

	for (size_t i = 0; i < rows->n; i++) {
		damage(f, &rows->v[i].row);
		whole = corr_may_restore(&rows->v[i].row) && whole;
	}
	/* A start that finds a row which fmd cannot have written ends there. */
	for (size_t i = 0; whole && i < rows->n; i++)
		corr_restore(corr, &rows->v[i].row);
	corr_restored(corr, at);
	at = live(corr, f, at);
	corr_advance(corr, fm_time_add(at, fm_span_s(90000)), ignore, &total);
	corr_swap_catalogue(corr, cat, at, ignore, &total);
	struct corr_stats s;

	corr_get_stats(corr, &s);
	corr_flush(corr, read_row, &total);
	corr_free(corr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed story = {data, size / 2}, rest = {data + size / 2, size - size / 2};
	struct correlator *corr = corr_new(shipped_catalogue());
	struct rows_copy rows = {.n = 0};
	const struct fm_time at = live(corr, &story, (struct fm_time){STORY_START});

	corr_flush(corr, rows_copy_put, &rows);
	corr_free(corr);
	start(&rest, &rows, shipped_catalogue(), at);
	rows_copy_fini(&rows);
	return 0;
}
