/*
 * member: who is in which group. What the alarm of a group does to alarms of its members is looked for
 * here, from the member, and not among all groups or all alarms: all of them may be many.
 *
 * The members of a group lie in pages, in the order of their entry, and each page is one row: one of a
 * hundred thousand that joins or leaves writes one page.
 */
#include "correlator/correlator_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- from the instance ------------------------------------------------------------------------ */

static struct member *
find(struct member *members, const struct fm_uuid *uuid)
{
	struct member *m;

	HASH_FIND(hh, members, uuid, sizeof(*uuid), m);
	return m;
}

static struct membership *
find_in(const struct member *m, const struct group *g)
{
	for (unsigned i = 0; m != NULL && i < m->n; i++)
		if (m->in[i].group == g)
			return &m->in[i];
	return NULL;
}

unsigned
member_groups(const struct correlator *corr, const struct fm_uuid *uuid,
	      const struct membership **ret)
{
	const struct member *m = find(corr->members, uuid);

	if (m == NULL)
		return 0;
	*ret = m->in;
	return m->n;
}

bool
group_has(const struct group *g, const struct fm_uuid *uuid)
{
	return find_in(find(*g->members, uuid), g) != NULL;
}

/* Events count as often as they come. */
static void
joined(struct correlator *corr, struct group_page *page, const struct fm_uuid *uuid)
{
	struct member *m = find(corr->members, uuid);
	struct membership *in = find_in(m, page->group);

	if (m == NULL) {
		m = fm_calloc(1, sizeof(*m));
		m->uuid = *uuid;
		HASH_ADD(hh, corr->members, uuid, sizeof(m->uuid), m);
	}
	if (in == NULL) {
		m->in = fm_realloc(m->in, (m->n + 1) * sizeof(*m->in));
		in = &m->in[m->n++];
		*in = (struct membership){.group = page->group};
	}
	in->page = page;
	in->n++;
}

static void
left(struct correlator *corr, const struct group *g, const struct fm_uuid *uuid)
{
	struct member *m = find(corr->members, uuid);
	struct membership *in = find_in(m, g);

	if (in == NULL || --in->n > 0)
		return;
	*in = m->in[--m->n];
	if (m->n > 0)
		return;
	HASH_DEL(corr->members, m);
	free(m->in);
	free(m);
}

/* ---- pages -------------------------------------------------------------------------------------- */

/* Ten digits, so that rows come back in their order. */
static void
row_name(const struct group_page *page, struct fm_buf *ret)
{
	fm_buf_reset(ret);
	fm_buf_addf(ret, "%s%010llu|%s", GROUP_PAGE_NAME, (unsigned long long)page->no,
		    page->group->name);
}

static void
page_dirty(struct correlator *corr, struct group_page *page)
{
	corr->hard = true;
	if (page->dirty)
		return;
	page->dirty = true;
	DL_PREPEND2(corr->dirty_page, page, prev_dirty, next_dirty);
}

static void
page_clean(struct correlator *corr, struct group_page *page)
{
	if (page->dirty)
		DL_DELETE2(corr->dirty_page, page, prev_dirty, next_dirty);
	page->dirty = false;
}

static void
page_free(struct correlator *corr, struct group_page *page)
{
	page_clean(corr, page);
	DL_DELETE(page->group->pages, page);
	free(page);
}

static void
page_forget(struct correlator *corr, const struct group_page *page)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	row_name(page, &name);
	forget(corr, ROW_KEPT, name.s, NULL);
}

static void
page_drop(struct correlator *corr, struct group_page *page)
{
	page_forget(corr, page);
	page_free(corr, page);
}

static struct group_page *
last_page(struct group *g)
{
	struct group_page *last = g->pages != NULL ? g->pages->prev : NULL, *page;

	if (last != NULL && last->n < GROUP_PAGE)
		return last;
	page = fm_calloc(1, sizeof(*page));
	page->group = g;
	page->no = last != NULL ? last->no + 1 : 0;
	DL_APPEND(g->pages, page);
	return page;
}

void
member_add(struct correlator *corr, struct group *g, const struct fm_uuid *uuid, struct fm_time at)
{
	struct group_page *page = last_page(g);

	page->m[page->n++] = (struct group_member){*uuid, at.ns};
	g->n++;
	joined(corr, page, uuid);
	page_dirty(corr, page);
}

static void
take_out(struct correlator *corr, struct group_page *page, unsigned i)
{
	const struct fm_uuid uuid = page->m[i].uuid;

	memmove(&page->m[i], &page->m[i + 1], (page->n - i - 1) * sizeof(page->m[0]));
	page->n--;
	page->group->n--;
	left(corr, page->group, &uuid);
	page_dirty(corr, page);
	if (page->n == 0)
		page_drop(corr, page);
}

void
member_drop_oldest(struct correlator *corr, struct group *g)
{
	take_out(corr, g->pages, 0);
}

void
member_remove(struct correlator *corr, struct group *g, const struct fm_uuid *uuid)
{
	const struct membership *in = find_in(find(corr->members, uuid), g);
	struct group_page *page = in != NULL ? in->page : NULL;

	for (unsigned i = 0; page != NULL && i < page->n; i++) {
		if (!fm_uuid_eq(&page->m[i].uuid, uuid))
			continue;
		take_out(corr, page, i);
		return;
	}
}

/* keep: their rows stay, as the shard ends and not the group. */
void
member_drop_all(struct correlator *corr, struct group *g, bool keep)
{
	struct group_page *page;

	while ((page = g->pages) != NULL) {
		for (unsigned i = 0; i < page->n; i++)
			left(corr, g, &page->m[i].uuid);
		if (keep)
			page_free(corr, page);
		else
			page_drop(corr, page);
	}
	g->n = 0;
}

void
member_forget_rows(struct correlator *corr, struct group *g)
{
	for (struct group_page *page = g->pages; page != NULL; page = page->next) {
		page_forget(corr, page);
		page_dirty(corr, page);
	}
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void
page_row(const struct group_page *page, row_sink_f *sink, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	row_name(page, &name);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = name.s, .num = page->n,
		.body = {page->m, (uint32_t)(page->n * sizeof(page->m[0]))}}};

	sink(ctx, &row);
}

void
member_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	while (corr->dirty_page != NULL) {
		struct group_page *page = corr->dirty_page;

		page_row(page, sink, ctx);
		page_clean(corr, page);
	}
}

void
member_each_row(const struct group *g, row_sink_f *sink, void *ctx)
{
	for (const struct group_page *page = g->pages; page != NULL; page = page->next)
		page_row(page, sink, ctx);
}

/* In its place among those that have come. NULL: only a damaged store has it twice. */
static struct group_page *
page_at(struct group *g, uint64_t no)
{
	struct group_page *page, *before = g->pages != NULL ? g->pages->prev : NULL;

	while (before != NULL && before->no > no)
		before = before != g->pages ? before->prev : NULL;
	if (before != NULL && before->no == no)
		return NULL;
	page = fm_calloc(1, sizeof(*page));
	page->group = g;
	page->no = no;
	if (before != NULL)
		DL_APPEND_ELEM(g->pages, before, page);
	else
		DL_PREPEND(g->pages, page);
	return page;
}

void
member_restore(struct correlator *corr, const struct row_kept *row)
{
	char *name;
	const uint64_t no = strtoull(row->name + strlen(GROUP_PAGE_NAME), &name, 10);
	struct group *g = *name == '|' && no < UINT32_MAX ? group_named(corr, name + 1) : NULL;
	struct group_page *page = g != NULL ? page_at(g, no) : NULL;
	struct group_member m;

	if (page == NULL)
		return;
	for (uint32_t at = 0; row->body.len - at >= sizeof(m) && page->n < GROUP_PAGE; at += sizeof(m)) {
		memcpy(&m, (const char *)row->body.p + at, sizeof(m));
		if (fact_is_state(g->rule->fact) && group_has(g, &m.uuid))
			continue;       /* another damage */
		page->m[page->n++] = m;
		g->n++;
		joined(corr, page, &m.uuid);
	}
	if (page->n == 0)
		page_free(corr, page);
}
