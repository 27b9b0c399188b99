/*
 * dedupe: which records have been seen before. Three means, from the general to the special: the
 * last 65,536 message ids; the last few Nova notifications of an instance (a cloud that sends
 * both formats tells everything twice, with different ids); per bridge and partition a window
 * over libvirt sequence numbers (host.c).
 *
 * All three change softly: until the next flush a restart reads the same records again and so
 * rebuilds them.
 */
#include "correlator/correlator_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define RING (ID_CACHE_CHUNK * ID_CACHE_CHUNKS)

static bool
in_ring(const struct correlator *corr, uint64_t hash)
{
	size_t pos;

	return fm_map_first(&corr->ids, hash, &pos) != NULL;
}

static void
ring_put(struct correlator *corr, uint64_t slot, uint64_t hash)
{
	uint64_t *e = &corr->ring[slot];

	if (*e != 0)
		fm_map_remove(&corr->ids, *e, e);
	*e = hash;
	if (hash != 0)
		fm_map_put(&corr->ids, hash, e);
}

static void
ring_alloc(struct correlator *corr)
{
	if (corr->ring == NULL)
		corr->ring = fm_calloc(RING, sizeof(*corr->ring));
}

bool
ids_seen(struct correlator *corr, uint64_t hash)
{
	ring_alloc(corr);
	if (in_ring(corr, hash))
		return true;
	ring_put(corr, corr->ring_n++ % RING, hash);
	return false;
}

void
ids_restore(struct correlator *corr, const struct row_kept *row)
{
	const unsigned chunk = (unsigned)row->num % ID_CACHE_CHUNKS;
	const uint64_t *hash = row->body.p;
	const unsigned n = row->body.len / sizeof(*hash);

	ring_alloc(corr);
	for (unsigned i = 0; i < n && i < ID_CACHE_CHUNK; i++) {
		uint64_t h;

		memcpy(&h, hash + i, sizeof(h));
		if (h != 0 && !in_ring(corr, h))
			ring_put(corr, (uint64_t)chunk * ID_CACHE_CHUNK + i, h);
	}
}

static void
flush_chunk(const struct correlator *corr, unsigned chunk, row_sink_f *sink, void *ctx)
{
	const uint64_t *first = corr->ring + (size_t)chunk * ID_CACHE_CHUNK;
	char name[32];

	snprintf(name, sizeof(name), "ids|%03u", chunk);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {
		.name = name, .num = chunk, .body = {first, ID_CACHE_CHUNK * sizeof(*first)}}};
	sink(ctx, &row);
}

/* Only the chunks that were written since the last flush, one page each. */
void
ids_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	if (corr->ring_n == corr->ring_flushed)
		return;
	const uint64_t first = corr->ring_flushed / ID_CACHE_CHUNK;
	const uint64_t last = (corr->ring_n - 1) / ID_CACHE_CHUNK;
	const uint64_t n = last - first + 1 > ID_CACHE_CHUNKS ? ID_CACHE_CHUNKS : last - first + 1;

	for (uint64_t i = 0; i < n; i++)
		flush_chunk(corr, (unsigned)((last - i) % ID_CACHE_CHUNKS), sink, ctx);
	corr->ring_flushed = corr->ring_n;
}

void
ids_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	const uint64_t used = (corr->ring_n + ID_CACHE_CHUNK - 1) / ID_CACHE_CHUNK;

	for (unsigned i = 0; corr->ring != NULL && i < used && i < ID_CACHE_CHUNKS; i++)
		flush_chunk(corr, i, sink, ctx);
}

void
ids_free(struct correlator *corr)
{
	fm_map_fini(&corr->ids);
	free(corr->ring);
}

/*
 * True for the other half of a versioned/legacy pair: same action and phase within two seconds.
 * Only the pair is dropped; the first half has told everything.
 */
bool
twin_seen(struct correlator *corr, struct instance *inst, const struct event *ev)
{
	const struct twin new = {
		.stamp_ms = ev->stamp.ns / FM_NS_PER_MS,
		.action = (uint16_t)ev->u.nova.action,
		.phase = (uint8_t)((unsigned)ev->u.nova.phase | (ev->u.nova.versioned ? 64u : 0)),
	};

	if (inst->twins == NULL)
		inst->twins = fm_calloc(INST_TWINS, sizeof(*inst->twins));
	for (unsigned i = 0; i < inst->n_twins; i++) {
		struct twin *t = &inst->twins[i];
		const int64_t apart = t->stamp_ms - new.stamp_ms;

		if (t->action == new.action && t->phase == (new.phase ^ 64u) &&
		    apart <= TWIN_WINDOW_MS && apart >= -TWIN_WINDOW_MS) {
			t->phase = 0xff;        /* a pair is complete: it matches no third one */
			inst_soft(corr, inst);
			return true;
		}
	}
	memmove(inst->twins + 1, inst->twins, (INST_TWINS - 1) * sizeof(new));
	inst->twins[0] = new;
	if (inst->n_twins < INST_TWINS)
		inst->n_twins++;
	inst_soft(corr, inst);
	return false;
}
