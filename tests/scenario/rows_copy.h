/*
 * rows_copy: a store in memory, for tests. Takes what corr_flush hands over, keeps the last row
 * of each key, and gives them back by kind, as a real store does; among each other in an order that
 * differs from one restart to the next, since nothing may rest on it.
 */
#ifndef FM_TEST_ROWS_COPY_H
#define FM_TEST_ROWS_COPY_H

#include <stdio.h>
#include <stdlib.h>

#include "correlator/correlator.h"

struct kept_row {
	char *key;
	struct row row;
};
struct rows_copy {
	struct kept_row *v;
	size_t n, cap;
	unsigned restarts;
};

static inline const char *
rows_copy_text(const char *s)
{
	return s != NULL ? fm_strdup(s) : NULL;
}

static inline struct fm_blob
rows_copy_blob(struct fm_blob b)
{
	void *p = fm_malloc(b.len + 1);

	if (b.len > 0)
		memcpy(p, b.p, b.len);
	return (struct fm_blob){p, b.len};
}

static inline void
rows_copy_drop(const void *p)
{
	free((void *)(uintptr_t)p);
}

#define ROWS_DUP_U64(f) (void)0
#define ROWS_DUP_I64(f) (void)0
#define ROWS_DUP_TEXT(f) (f) = rows_copy_text(f)
#define ROWS_DUP_BLOB(f) (f) = rows_copy_blob(f)
#define ROWS_FREE_U64(f) (void)0
#define ROWS_FREE_I64(f) (void)0
#define ROWS_FREE_TEXT(f) rows_copy_drop(f)
#define ROWS_FREE_BLOB(f) rows_copy_drop((f).p)

static inline void
rows_copy_own(struct row *row)
{
	switch (row->kind) {
#define FM_ROWS_COL(kind, name) ROWS_DUP_##kind(r->name);
	case ROW_INSTANCE: { struct row_instance *r = &row->u.instance;
		FM_ROW_INSTANCE(FM_ROWS_COL) return; }
	case ROW_HOST: { struct row_host *r = &row->u.host; FM_ROW_HOST(FM_ROWS_COL) return; }
	case ROW_ALARM: { struct row_alarm *r = &row->u.alarm; FM_ROW_ALARM(FM_ROWS_COL) return; }
	case ROW_DEADLINE: { struct row_deadline *r = &row->u.deadline;
		FM_ROW_DEADLINE(FM_ROWS_COL) return; }
	case ROW_KEPT: { struct row_kept *r = &row->u.kept; FM_ROW_KEPT(FM_ROWS_COL) return; }
#undef FM_ROWS_COL
	case ROW_N_KINDS: return;
	}
}

static inline void
rows_copy_free_row(struct row *row)
{
	switch (row->kind) {
#define FM_ROWS_COL(kind, name) ROWS_FREE_##kind(r->name);
	case ROW_INSTANCE: { struct row_instance *r = &row->u.instance;
		FM_ROW_INSTANCE(FM_ROWS_COL) return; }
	case ROW_HOST: { struct row_host *r = &row->u.host; FM_ROW_HOST(FM_ROWS_COL) return; }
	case ROW_ALARM: { struct row_alarm *r = &row->u.alarm; FM_ROW_ALARM(FM_ROWS_COL) return; }
	case ROW_DEADLINE: { struct row_deadline *r = &row->u.deadline;
		FM_ROW_DEADLINE(FM_ROWS_COL) return; }
	case ROW_KEPT: { struct row_kept *r = &row->u.kept; FM_ROW_KEPT(FM_ROWS_COL) return; }
#undef FM_ROWS_COL
	case ROW_N_KINDS: return;
	}
}

static inline char *
rows_copy_key(const struct row *row)
{
	switch (row->kind) {
	case ROW_INSTANCE: return fm_asprintf("0|%s", row->u.instance.uuid);
	case ROW_HOST: return fm_asprintf("1|%s", row->u.host.name);
	case ROW_ALARM: return fm_asprintf("2|%s|%s", row->u.alarm.alarm_id, row->u.alarm.entity);
	case ROW_DEADLINE: return fm_asprintf("3|%03d|%s", (int)row->u.deadline.kind,
					      row->u.deadline.subject);
	case ROW_KEPT: return fm_asprintf("4|%s", row->u.kept.name);
	case ROW_N_KINDS: break;
	}
	abort();
}

/* The place of key, or where it would be. */
static inline size_t
rows_copy_place(const struct rows_copy *s, const char *key)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;

		if (strcmp(s->v[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static inline void
rows_copy_remove(struct rows_copy *s, size_t i)
{
	free(s->v[i].key);
	rows_copy_free_row(&s->v[i].row);
	memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof(s->v[0]));
	s->n--;
}

/* A row_sink_f. */
static inline void
rows_copy_put(void *ctx, const struct row *row)
{
	struct rows_copy *s = ctx;
	char *key = rows_copy_key(row);

	/* A start may refuse it no more than the core may write what a start refuses. */
	fm_assert(row->deleted || corr_may_restore(row));
	const size_t i = rows_copy_place(s, key);

	if (i < s->n && strcmp(s->v[i].key, key) == 0)
		rows_copy_remove(s, i);
	if (row->deleted) {
		free(key);
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 64;
		s->v = fm_realloc(s->v, s->cap * sizeof(s->v[0]));
	}
	memmove(&s->v[i + 1], &s->v[i], (s->n - i) * sizeof(s->v[0]));
	s->n++;
	s->v[i] = (struct kept_row){key, *row};
	rows_copy_own(&s->v[i].row);
}

static inline void
rows_copy_fini(struct rows_copy *s)
{
	while (s->n > 0)
		rows_copy_remove(s, s->n - 1);
	free(s->v);
	*s = (struct rows_copy){0};
}

/* What a restart does: flush, and a new correlator from what has been kept so far. */
static inline struct correlator *
rows_copy_restart(struct rows_copy *s, struct correlator *corr, const struct catalogue *cat)
{
	struct correlator *next = corr_new(cat);
	const struct fm_time now = corr_now(corr);

	corr_flush(corr, rows_copy_put, s);
	corr_free(corr);
	for (int kind = 0; kind < ROW_N_KINDS; kind++)
		for (size_t i = 0; i < s->n; i++) {
			const size_t at = s->restarts % 2 == 0 ? i : s->n - 1 - i;

			if ((int)s->v[at].row.kind == kind)
				corr_restore(next, &s->v[at].row);
		}
	s->restarts++;
	corr_restored(next, now);
	return next;
}

#endif
