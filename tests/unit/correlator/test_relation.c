/*
 * relation: what an older store, or another catalogue than the one it was written with, says of who hides
 * whom.
 */
#include "../catalogue/cat_test.h"
#include "correlator/correlator.h"

static const char catalogue[] = HOST_ALARM("200.001", "major") HOST_ALARM("200.002", "major")
	HOST_ALARM("200.003", "major");

#define UUID(n) "9e3779b9-5ce0-4a10-8000-00000000000" #n
#define NOW ((struct fm_time){1767225600 * FM_NS_PER_S})

struct heard {
	unsigned n;
	struct alarm al[4];
};

static void
hear(void *ctx, struct transition *tr)
{
	struct heard *h = ctx;

	cr_assert_eq(tr->kind, TR_UNSUPPRESS);
	cr_assert(tr->notify);
	cr_assert_lt(h->n, FM_ARRAY_LEN(h->al));
	h->al[h->n++] = tr->alarm;
}

/* Masked by the one with the UUID by, and caused by it. */
static void
put(struct correlator *corr, const char *id, uint64_t n, const char *uuid, const char *by)
{
	struct row row = {.kind = ROW_ALARM, .u.alarm = {.alarm_id = id, .entity = "host=compute-0",
		.id = n, .uuid = uuid, .severity = SEV_MAJOR, .status = SUPPR_PARENT,
		.suppressed_by = by, .root_cause = by, .host = "compute-0", .rule = -1,
		.flags = ROW_ALARM_SUPPRESSIBLE, .count = 1, .raised_at = NOW.ns}};

	cr_assert(corr_may_restore(&row));
	corr_restore(corr, &row);
}

static struct heard
restored(const char *by1, const char *by2, const char *by3)
{
	struct loaded l = load_good(catalogue);
	struct correlator *corr = corr_new(l.cat);
	struct heard h = {0};

	put(corr, "200.001", 1, UUID(1), by1);
	put(corr, "200.002", 2, UUID(2), by2);
	put(corr, "200.003", 3, UUID(3), by3);
	corr_restored(corr, NOW);
	corr_advance(corr, (struct fm_time){NOW.ns + 1}, hear, &h);
	corr_free(corr);
	unload(&l);
	return h;
}

Test(relation, of_those_that_hide_each_other_in_an_older_store_one_is_announced)
{
	const struct heard h = restored(UUID(2), UUID(3), UUID(1));

	cr_assert_eq(h.n, 1);
	cr_assert_eq(h.al[0].id, 3);
	cr_assert_eq(h.al[0].status, SUPPR_NONE);
}

Test(relation, what_is_hidden_by_nothing_that_is_there_is_announced)
{
	const struct heard h = restored(UUID(7), UUID(1), UUID(3));

	cr_assert_eq(h.n, 2);
	cr_assert_eq(h.al[0].id, 1);
	cr_assert_eq(h.al[1].id, 3);
}
