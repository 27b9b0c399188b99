/*
 * fuzz_capture: any bytes as the file of "fm replay". What is read is written and read back as the
 * same records; a replay ends, counts every record once and numbers its transitions.
 *
 * LINK: fm_offline
 */
#include "offline/offline.h"
#include "tests/fuzz/feed.h"
#include "tests/fuzz/shipped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same(const struct offline_record *a, const struct offline_record *b)
{
	return strcmp(a->topic, b->topic) == 0 && a->partition == b->partition &&
		a->offset == b->offset && a->ts.ns == b->ts.ns && a->len == b->len &&
		(a->p == NULL) == (b->p == NULL) &&
		(a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

/* Line by line, because the file may end in an error. */
static void
check_written(const struct offline_record *rec)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf line = {0};
	struct offline_record again;
	struct capture *cap;
	struct fm_err err;

	capture_put(&line, rec);
	fm_assert(memchr(line.s, '\n', line.len) == line.s + line.len - 1);
	FM_CLEANUP(fm_freep) char *path = feed_file("again", line.s, line.len);

	fm_assert(capture_open(path, &cap, &err) == 0);
	fm_assert(capture_next(cap, &again, &err) == 1);
	fm_assert(same(rec, &again));
	fm_assert(capture_next(cap, &again, &err) == 0);
	capture_close(cap);
}

static int
read_all(const char *path, uint64_t *ret_n)
{
	struct offline_record rec;
	struct capture *cap;
	struct fm_err err = {0};
	int r;

	*ret_n = 0;
	fm_assert(capture_open(path, &cap, &err) == 0);
	while ((r = capture_next(cap, &rec, &err)) > 0) {
		/* Whoever wrote a topic's name in anything but UTF-8 wrote no JSON. */
		if ((*ret_n)++ < 4 && fm_utf8_valid(rec.topic, strlen(rec.topic)))
			check_written(&rec);
	}
	fm_assert(r == 0 || (r == -EBADMSG && err.msg[0] != '\0'));
	capture_close(cap);
	return r;
}

static void
count(void *ctx, struct transition *tr)
{
	uint64_t *n = ctx;

	fm_assert(tr->seq == ++*n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FM_CLEANUP(fm_freep) char *path = feed_file("in", data, size);
	const struct replay_until until = {.after = fm_span_s(3600)};
	struct replay_stats st;
	struct fm_err err;
	uint64_t records, told = 0;
	const int r = read_all(path, &records);

	fm_assert(offline_replay(path, shipped_catalogue(), until, count, &told, &st, &err) == r);
	fm_assert(st.records == records && st.transitions == told);
	fm_assert(st.applied + st.no_effect + st.duplicate + st.late + st.unknown +
		  st.quarantined == records);
	return 0;
}
