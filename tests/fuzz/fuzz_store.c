/*
 * fuzz_store: the database with bytes changed, or cut short, as fmd may find it after damage. A start
 * refuses it and says why, or takes it and can read all of it, go on and start again.
 *
 * The input is a list of changes to an image that is made once: where (2 bytes of page and place
 * each) and what (1 byte); a first byte of 255 cuts the file instead.
 *
 * LINK: fm_store fm_correlator fm_catload
 */
#include "correlator/correlator.h"
#include "store/store.h"
#include "tests/fuzz/shipped.h"
#include "tests/fuzz/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAGE 4096u

static struct fm_buf image;

static void
put_row(void *ctx, const struct row *row)
{
	struct fm_err err;

	fm_assert(store_put_row(ctx, row, &err) == 0);
}

static void
put_transition(void *ctx, struct transition *tr)
{
	struct fm_err err;

	fm_assert(store_put_transition(ctx, tr, &err) == 0);
}

static struct store *
open_store(struct fm_err *err)
{
	const struct store_options opt = {.dir = feed_directory(), .max_transitions = 100,
		.max_backlog = 50};
	struct store *st = NULL;

	return store_open(&opt, &st, err) == 0 ? st : NULL;
}

/* A history of a few hosts and instances, the same in every process but for the stream's name. */
static void
fill(struct store *st)
{
	uint8_t bytes[600];
	struct correlator *corr = corr_new(shipped_catalogue());
	struct fm_time at = {STORY_START};
	struct fm_err err;
	struct event ev;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((i * 2654435761u) >> 13);
	struct feed f = {bytes, sizeof(bytes)};

	fm_assert(store_begin(st, &err) == 0);
	for (uint64_t i = 0; f.n > 0; i++) {
		at = fm_time_add(at, fm_span_ms(700));
		story_event(&f, at, i, &ev);
		(void)corr_apply(corr, &ev, put_transition, st);
	}
	corr_flush(corr, put_row, st);
	const struct store_position pos = {.topic = "t", .next_offset = 7};
	const struct store_ledger l = {.topic = "t", .n = {7}};
	struct store_quarantine q = {.topic = "t", .reason = "r", .body = "x", .len = 1};
	const struct store_audit a = {.at = at, .user = "u", .verb = "v", .args = "{}", .result = "ok"};

	fm_assert(store_put_position(st, &pos, &err) == 0 && store_put_ledger(st, &l, &err) == 0);
	fm_assert(store_put_quarantine(st, &q, &err) == 0 && store_put_audit(st, &a, &err) == 0);
	fm_assert(store_put_cursor(st, "journal", 3, &err) == 0);
	fm_assert(store_put_meta(st, "catalogue", "00", &err) == 0);
	fm_assert(store_commit(st, &err) == 0);
	corr_free(corr);
}

static void
make_image(void)
{
	struct fm_err err = {0};
	struct store *st = open_store(&err);
	char chunk[PAGE];
	size_t n;

	fm_assert(st != NULL);
	fill(st);
	store_close(st);
	char *path = fm_asprintf("%s/fmd.db", feed_directory());
	FILE *file = fopen(path, "re");

	fm_assert(file != NULL);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fm_buf_add(&image, chunk, n);
	fclose(file);
	free(path);
}

static void
write_damaged(struct feed *f)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	const uint32_t pages = (uint32_t)(image.len / PAGE);

	fm_buf_add(&b, image.s, image.len);
	if (f->n > 0 && f->p[0] == 255) {
		(void)feed_byte(f);
		b.len = (size_t)draw(f, pages + 1) * PAGE + draw(f, 2) * 100;
		b.len = b.len < image.len ? b.len : image.len;
	}
	while (f->n >= 5) {
		const size_t at = (size_t)draw(f, pages > 256 ? pages : 257) % pages * PAGE +
			draw(f, PAGE);

		if (at < b.len)
			b.s[at] = (char)feed_byte(f);
	}
	char *wal = fm_asprintf("%s/fmd.db-wal", feed_directory());

	(void)unlink(wal);
	free(wal);
	free(feed_file("fmd.db", b.s, b.len));
}

/* ---- a start ---------------------------------------------------------------------------------------- */

struct start {
	struct correlator *corr;
	bool whole;
};

static void
restore(void *ctx, const struct row *row)
{
	struct start *s = ctx;

	s->whole = s->whole && corr_may_restore(row);
	if (s->whole)
		corr_restore(s->corr, row);
}

static void
see_position(void *ctx, const struct store_position *pos)
{
	*(size_t *)ctx += strlen(pos->topic);
}

static void
see_ledger(void *ctx, const struct store_ledger *l)
{
	*(size_t *)ctx += strlen(l->topic);
}

static bool
see_transition(void *ctx, const struct stored_transition *tr)
{
	*(size_t *)ctx += strlen(tr->alarm_id) + strlen(tr->entity) + strlen(tr->json);
	return true;
}

static bool
see_quarantine(void *ctx, const struct store_quarantine *q)
{
	*(size_t *)ctx += strlen(q->topic) + strlen(q->reason) + q->len;
	return true;
}

static void
read_all(struct store *st)
{
	const struct store_query all = {.kind = -1}, one = {.kind = -1, .alarm_id = "200.004",
		.entity = "host=compute-0"};
	struct fm_err err;
	size_t total = 0;

	(void)!store_each_position(st, see_position, &total, &err);
	(void)!store_each_ledger(st, see_ledger, &total, &err);
	(void)!store_transitions(st, &all, see_transition, &total, &err);
	(void)!store_transitions(st, &one, see_transition, &total, &err);
	(void)!store_backlog(st, 0, 10, see_transition, &total, &err);
	(void)!store_quarantined(st, 0, false, 10, see_quarantine, &total, &err);
	(void)store_cursor(st, "journal");
}

static void
go_on(struct store *st, struct correlator *corr)
{
	struct fm_err err;
	struct transition tr = {.kind = TR_HEARTBEAT, .at = {STORY_START},
		.alarm = {.alarm_id = "", .entity = "", .reason_text = ""}};
	const struct store_readers rd = {.acked = NULL};

	if (store_begin(st, &err) < 0)
		return;
	(void)!store_put_transition(st, &tr, &err);
	(void)corr;
	if (store_commit(st, &err) < 0)
		return;
	(void)store_trim(st, (struct fm_time){STORY_START}, &rd, 100, &err);
	(void)store_checkpoint(st, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	struct fm_err err = {0};

	if (image.len == 0)
		make_image();
	write_damaged(&f);
	struct store *st = open_store(&err);

	if (st == NULL) {
		fm_assert(err.code < 0 && err.msg[0] != '\0');
		return 0;
	}
	struct start s = {corr_new(shipped_catalogue()), true};
	const int r = store_each_row(st, restore, &s, &err);

	read_all(st);
	if (r == 0 && s.whole) {
		corr_restored(s.corr, (struct fm_time){STORY_START});
		go_on(st, s.corr);
	}
	corr_free(s.corr);
	store_close(st);
	return 0;
}
