/*
 * shelf: what operators have put aside. A shelf hides one alarm key until its time is up, whatever
 * happens to the alarm meanwhile: one that flaps is why it was shelved (RFC 8632 §4.6, ISA-18.2).
 * A suppressed alarm id hides every alarm of that id until it is taken back (StarlingX
 * event-suppress). Neither changes what is known: alarms are raised, counted and cleared as ever,
 * only not announced; relation.c derives their status from what is kept here.
 *
 * A shelf is kept as its deadline, with the user as the detail; a suppressed id as a named piece.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

struct shelf *
shelf_find(const struct correlator *corr, const char *key)
{
	struct shelf *s;

	HASH_FIND_STR(corr->shelves, key, s);
	return s;
}

struct muted_id *
muted_find(const struct correlator *corr, const char *alarm_id)
{
	struct muted_id *m;

	HASH_FIND_STR(corr->muted, alarm_id, m);
	return m;
}

static struct shelf *
shelf_get(struct correlator *corr, const char *key, const char *user)
{
	struct shelf *s = shelf_find(corr, key);

	if (s == NULL) {
		s = fm_calloc(1, sizeof(*s));
		s->key = fm_strdup(key);
		HASH_ADD_KEYPTR(hh, corr->shelves, s->key, strlen(s->key), s);
	}
	free(s->user);
	s->user = fm_strdup(user);
	return s;
}

static void
shelf_free(struct correlator *corr, struct shelf *s)
{
	dl_cancel(corr, &s->timer);
	HASH_DEL(corr->shelves, s);
	free(s->key);
	free(s->user);
	free(s);
}

/* ---- shelves ----------------------------------------------------------------------------- */

static struct corr_alarm *
active_of(const struct correlator *corr, const char *key)
{
	struct corr_alarm *al;

	HASH_FIND_STR(corr->alarms, key, al);
	return al != NULL && !al->a.cleared ? al : NULL;
}

void
shelf_put(struct correlator *corr, struct corr_alarm *al, struct fm_time until, const char *user)
{
	struct shelf *s = shelf_get(corr, al->key, user);

	/* Armed anew even for the same instant: the row carries the user. */
	dl_cancel(corr, &s->timer);
	dl_arm(corr, &s->timer, DL_SHELF, s, until);
	rel_review(corr, al, TR_SHELVE);
}

void
shelf_take(struct correlator *corr, struct shelf *s)
{
	struct corr_alarm *al = active_of(corr, s->key);

	shelf_free(corr, s);
	if (al != NULL)
		rel_review(corr, al, TR_UNSHELVE);
}

void
shelf_due(struct correlator *corr, struct shelf *s)
{
	shelf_take(corr, s);
}

void
shelf_restore(struct correlator *corr, const struct row_deadline *r)
{
	struct shelf *s = shelf_get(corr, r->subject, r->detail != NULL ? r->detail : "");

	s->timer = (struct deadline){.kind = DL_SHELF, .owner = s, .kept = true,
		.node = {.due = {r->due}, .order = r->order_no}};
	fm_heap_put(&corr->heap, &s->timer.node);
}

/* ---- suppressed ids -------------------------------------------------------------------------- */

static void
review_all(struct correlator *corr, const char *alarm_id, enum transition_kind kind)
{
	for (struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		if (strcmp(al->a.alarm_id, alarm_id) == 0)
			rel_review(corr, al, kind);
}

static struct muted_id *
muted_add(struct correlator *corr, const char *alarm_id, const char *user, struct fm_time since)
{
	struct muted_id *m = fm_calloc(1, sizeof(*m));

	m->alarm_id = fm_strdup(alarm_id);
	m->user = fm_strdup(user);
	m->since = since;
	HASH_ADD_KEYPTR(hh, corr->muted, m->alarm_id, strlen(m->alarm_id), m);
	return m;
}

void
muted_put(struct correlator *corr, const char *alarm_id, const char *user)
{
	muted_add(corr, alarm_id, user, corr->now)->dirty = true;
	corr->hard = true;
	review_all(corr, alarm_id, TR_SUPPRESS);
}

static void
muted_free(struct correlator *corr, struct muted_id *m)
{
	HASH_DEL(corr->muted, m);
	free(m->alarm_id);
	free(m->user);
	free(m);
}

void
muted_take(struct correlator *corr, struct muted_id *m)
{
	struct fm_buf name = {0};
	char *alarm_id = fm_strdup(m->alarm_id);

	fm_buf_addf(&name, MUTED_NAME "%s", alarm_id);
	forget(corr, ROW_KEPT, name.s, NULL);
	muted_free(corr, m);
	review_all(corr, alarm_id, TR_UNSUPPRESS);
	fm_buf_fini(&name);
	free(alarm_id);
}

static void
put_muted(const struct muted_id *m, row_sink_f *sink, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	fm_buf_addf(&name, MUTED_NAME "%s", m->alarm_id);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = name.s,
		.num = m->since.ns, .body = {m->user, (uint32_t)strlen(m->user)}}};

	sink(ctx, &row);
}

void
muted_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	for (struct muted_id *m = corr->muted; m != NULL; m = m->hh.next) {
		if (m->dirty)
			put_muted(m, sink, ctx);
		m->dirty = false;
	}
}

void
muted_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	for (const struct muted_id *m = corr->muted; m != NULL; m = m->hh.next)
		put_muted(m, sink, ctx);
}

void
muted_restore(struct correlator *corr, const struct row_kept *r)
{
	char *user = fm_strndup(r->body.len > 0 ? r->body.p : "", r->body.len);

	(void)muted_add(corr, r->name + strlen(MUTED_NAME), user, (struct fm_time){r->num});
	free(user);
}

void
shelf_free_all(struct correlator *corr)
{
	while (corr->shelves != NULL)
		shelf_free(corr, corr->shelves);
	while (corr->muted != NULL)
		muted_free(corr, corr->muted);
}

/* ---- looking ------------------------------------------------------------------------------------ */

void
corr_each_shelf(const struct correlator *corr, shelf_visit_f *f, void *ctx)
{
	for (const struct shelf *s = corr->shelves; s != NULL; s = s->hh.next) {
		const char *bar = strchr(s->key, '|');
		char *alarm_id = fm_strndup(s->key, (size_t)(bar - s->key));

		f(ctx, alarm_id, bar + 1, s->timer.node.due, s->user);
		free(alarm_id);
	}
}

bool
corr_suppressed_id(const struct correlator *corr, const char *alarm_id, struct fm_time *ret_since,
		   const char **ret_user)
{
	const struct muted_id *m = muted_find(corr, alarm_id);

	if (m == NULL)
		return false;
	*ret_since = m->since;
	*ret_user = m->user;
	return true;
}

void
corr_each_suppressed_id(const struct correlator *corr, id_visit_f *f, void *ctx)
{
	for (const struct muted_id *m = corr->muted; m != NULL; m = m->hh.next)
		f(ctx, m->alarm_id);
}
