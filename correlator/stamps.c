/*
 * stamps: when each source last spoke of each instance. Most records say nothing new, yet move a
 * stamp; a row of the store for each of those would be most of all that is written. So the stamps
 * of many instances stand together in one kept row, a page of them, and rows of instances are
 * written when something else about them changed.
 *
 * An instance gets the lowest free place with its first stamp and keeps it, also through a
 * restart, so which pages are written depends on the records alone.
 */
#include "correlator/correlator_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* Of this size a row fits one page of the database. */
#define PER_PAGE 120u

struct stamp_entry {
	struct fm_uuid uuid;            /* null: a free place */
	int64_t nova, run;
};

struct stamp_page {
	struct instance *inst[PER_PAGE];
	bool dirty;
	uint32_t next_dirty;            /* page number + 1 */
};

static struct stamp_page *
page_of(struct correlator *corr, uint32_t page)
{
	struct stamps *s = &corr->stamps;

	while (page >= s->n_pages) {
		s->page = fm_realloc(s->page, (s->n_pages + 1) * sizeof(struct stamp_page *));
		s->page[s->n_pages++] = fm_calloc(1, sizeof(struct stamp_page));
	}
	return s->page[page];
}

static void
set_dirty(struct correlator *corr, uint32_t page)
{
	struct stamp_page *p = page_of(corr, page);

	if (p->dirty)
		return;
	p->dirty = true;
	p->next_dirty = corr->stamps.dirty;
	corr->stamps.dirty = page + 1;
}

static void
put_at(struct correlator *corr, struct instance *inst, uint32_t place)
{
	page_of(corr, place / PER_PAGE)->inst[place % PER_PAGE] = inst;
	inst->stamp_place = place + 1;
}

static uint32_t
lowest_free(struct correlator *corr)
{
	uint32_t *place = &corr->stamps.free_from;

	while (page_of(corr, *place / PER_PAGE)->inst[*place % PER_PAGE] != NULL)
		++*place;
	return *place;
}

/* To be called after each change of a stamp. */
void
stamp_moved(struct correlator *corr, struct instance *inst)
{
	if (inst->stamp_place == 0)
		put_at(corr, inst, lowest_free(corr));
	set_dirty(corr, (inst->stamp_place - 1) / PER_PAGE);
}

void
stamp_drop(struct correlator *corr, struct instance *inst)
{
	const uint32_t place = inst->stamp_place - 1;

	if (inst->stamp_place == 0)
		return;
	page_of(corr, place / PER_PAGE)->inst[place % PER_PAGE] = NULL;
	set_dirty(corr, place / PER_PAGE);
	if (place < corr->stamps.free_from)
		corr->stamps.free_from = place;
}

static void
flush_page(const struct stamp_page *p, uint32_t page, row_sink_f *sink, void *ctx)
{
	struct stamp_entry body[PER_PAGE] = {0};
	char name[32];

	for (unsigned i = 0; i < PER_PAGE; i++) {
		const struct instance *inst = p->inst[i];

		if (inst != NULL)
			body[i] = (struct stamp_entry){inst->uuid, inst->nova_stamp.ns,
				inst->run_stamp.ns};
	}
	snprintf(name, sizeof(name), "stamps|%06u", page);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {
		.name = name, .num = page, .body = {body, sizeof(body)}}};
	sink(ctx, &row);
}

void
stamps_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	while (corr->stamps.dirty != 0) {
		const uint32_t page = corr->stamps.dirty - 1;
		struct stamp_page *p = corr->stamps.page[page];

		corr->stamps.dirty = p->next_dirty;
		p->dirty = false;
		flush_page(p, page, sink, ctx);
	}
}

void
stamps_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	for (uint32_t i = 0; i < corr->stamps.n_pages; i++)
		flush_page(corr->stamps.page[i], i, sink, ctx);
}

/* Kept rows come after those of the instances. */
void
stamps_restore(struct correlator *corr, const struct row_kept *row)
{
	const struct stamp_entry *body = row->body.p;
	const unsigned n = row->body.len / sizeof(*body);

	for (unsigned i = 0; i < n && i < PER_PAGE; i++) {
		struct stamp_entry e;
		struct instance *inst;

		memcpy(&e, body + i, sizeof(e));
		inst = fm_uuid_is_null(&e.uuid) ? NULL : inst_find(corr, &e.uuid);
		if (inst == NULL || inst->stamp_place != 0)
			continue;
		put_at(corr, inst, (uint32_t)row->num * PER_PAGE + i);
		inst->nova_stamp.ns = e.nova;
		inst->run_stamp.ns = e.run;
	}
}

void
stamps_free(struct correlator *corr)
{
	for (uint32_t i = 0; i < corr->stamps.n_pages; i++)
		free(corr->stamps.page[i]);
	free(corr->stamps.page);
	corr->stamps = (struct stamps){0};
}
