/*
 * diff: what two catalogues make of the same records. Both timelines are ordered by alarm, entity
 * and time and walked side by side. UUIDs differ between the two, so a parent is compared by its
 * alarm id and entity.
 */
#include "offline/diff_priv.h"

#include <stdio.h>
#include <stdlib.h>

const char *
offline_change_name(enum offline_change_kind kind)
{
	static const char *const names[] = {
#define FM_X(id, name) [CHANGE_##id] = name,
		OFFLINE_CHANGES(FM_X)
#undef FM_X
	};

	return names[kind];
}

/* ---- order -------------------------------------------------------------------------------------- */

static int
compare_keys(const struct occurrence *a, const struct occurrence *b)
{
	const int r = strcmp(a->alarm_id, b->alarm_id);

	return r != 0 ? r : strcmp(a->entity, b->entity);
}

static int
by_key_and_time(const void *va, const void *vb)
{
	const struct occurrence *a = va, *b = vb;
	const int r = compare_keys(a, b);

	if (r != 0)
		return r;
	if (a->came.ns != b->came.ns)
		return a->came.ns < b->came.ns ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int
by_uuid(const void *a, const void *b)
{
	return memcmp(((const struct occurrence *)a)->uuid.b, ((const struct occurrence *)b)->uuid.b,
		      sizeof(struct fm_uuid));
}

static void
close_gaps(struct timeline *tl)
{
	size_t kept = 0;

	for (size_t i = 0; i < tl->n; i++)
		if (tl->v[i].alarm_id != NULL)
			tl->v[kept++] = tl->v[i];
	tl->n = kept;
}

/* ---- parents ------------------------------------------------------------------------------------ */

struct side {
	struct timeline *tl;
	struct occurrence *index;       /* a copy by UUID */
};

static struct side
side_of(struct timeline *tl)
{
	struct side s = {.tl = tl};

	close_gaps(tl);
	s.index = fm_malloc((tl->n + 1) * sizeof(*s.index));
	if (tl->n > 0) {
		memcpy(s.index, tl->v, tl->n * sizeof(*s.index));
		qsort(s.index, tl->n, sizeof(*s.index), by_uuid);
		qsort(tl->v, tl->n, sizeof(*tl->v), by_key_and_time);
	}
	return s;
}

/* "200.004 host=compute-0", or "" without a parent. */
static void
parent_name(const struct side *s, const struct occurrence *occ, struct fm_buf *ret)
{
	const struct occurrence key = {.uuid = occ->parent}, *p = NULL;

	fm_buf_reset(ret);
	fm_buf_adds(ret, "");
	if (!fm_uuid_is_null(&occ->parent) && s->tl->n > 0)
		p = bsearch(&key, s->index, s->tl->n, sizeof(key), by_uuid);
	if (p != NULL)
		fm_buf_addf(ret, "%s %s", p->alarm_id, p->entity);
}

/* ---- comparing ------------------------------------------------------------------------------------ */

struct diff {
	struct side was, is;
	offline_change_f *f;
	void *ctx;
	struct fm_buf parent_was, parent_is;
};

static void
tell(struct diff *d, enum offline_change_kind kind, const struct occurrence *occ, const char *was,
     const char *is)
{
	const struct offline_change c = {.kind = kind, .alarm_id = occ->alarm_id,
		.entity = occ->entity, .at = occ->came, .was = was, .is = is};

	d->f(d->ctx, &c);
}

static const char *
time_text(struct fm_time t, char buf[FM_TIME_STR])
{
	if (t.ns == 0)
		return "";
	return fm_time_format(t, buf);
}

static void
compare_times(struct diff *d, const struct occurrence *a, struct fm_time was, struct fm_time is,
	      const enum offline_change_kind kinds[4])
{
	char wb[FM_TIME_STR], ib[FM_TIME_STR];
	unsigned i = was.ns == 0 ? 2 : is.ns == 0 ? 3 : is.ns < was.ns ? 0 : 1;

	if (was.ns != is.ns)
		tell(d, kinds[i], a, time_text(was, wb), time_text(is, ib));
}

static void
compare(struct diff *d, const struct occurrence *a, const struct occurrence *b)
{
	/* earlier, later, only after, only before */
	static const enum offline_change_kind told[4] = {CHANGE_EARLIER, CHANGE_LATER, CHANGE_TOLD,
		CHANGE_HIDDEN};
	static const enum offline_change_kind ended[4] = {CHANGE_ENDS_EARLIER, CHANGE_ENDS_LATER,
		CHANGE_ENDS_EARLIER, CHANGE_ENDS_LATER};

	if (a->worst != b->worst)
		tell(d, CHANGE_SEVERITY, a, severity_name(a->worst), severity_name(b->worst));
	compare_times(d, a, a->told, b->told, told);
	if (!a->is_log)
		compare_times(d, a, a->ended, b->ended, ended);
	parent_name(&d->was, a, &d->parent_was);
	parent_name(&d->is, b, &d->parent_is);
	if (strcmp(d->parent_was.s, d->parent_is.s) != 0)
		tell(d, CHANGE_PARENT, a, d->parent_was.s, d->parent_is.s);
}

static void
alone(struct diff *d, const struct occurrence *occ, enum offline_change_kind kind)
{
	const char *sev = severity_name(occ->worst);

	tell(d, kind, occ, kind == CHANGE_APPEARS ? "" : sev, kind == CHANGE_APPEARS ? sev : "");
}

/* True when a is over before b comes; what never ended is not over. */
static bool
is_before(const struct occurrence *a, const struct occurrence *b)
{
	if (a->is_log || b->is_log)
		return a->came.ns < b->came.ns;
	return a->ended.ns != 0 && a->ended.ns < b->came.ns;
}

/* Below zero: a stands alone; above: b does; zero: they are the same. */
static int
order(const struct occurrence *a, const struct occurrence *b)
{
	const int r = compare_keys(a, b);

	if (r != 0)
		return r;
	return is_before(a, b) ? -1 : is_before(b, a);
}

void
offline_diff(struct timeline *was, struct timeline *is, offline_change_f *f, void *ctx)
{
	struct diff d = {.was = side_of(was), .is = side_of(is), .f = f, .ctx = ctx};
	const struct occurrence *a = was->v, *b = is->v;
	const struct occurrence *a_end = a + was->n, *b_end = b + is->n;

	while (a < a_end || b < b_end) {
		const int r = a == a_end ? 1 : b == b_end ? -1 : order(a, b);

		if (r == 0)
			compare(&d, a, b);
		else
			alone(&d, r < 0 ? a : b, r < 0 ? CHANGE_VANISHES : CHANGE_APPEARS);
		a += r <= 0;
		b += r >= 0;
	}
	free(d.was.index);
	free(d.is.index);
	fm_buf_fini(&d.parent_was);
	fm_buf_fini(&d.parent_is);
}
