/*
 * chain: finds the transitions of one alarm, or of one occurrence, without an index.
 *
 * An index over random hashes dirties a page of its own for every transition: measured, a third of
 * the cost of storing one. Instead each transition names the one before it in its hash slot, and
 * the newest of each slot stands in memory (2 x 512 KiB). A walk backwards from there meets every
 * transition of the key, and a few of others: with a million kept, 15 per walk.
 *
 * The heads are saved now and then in a transaction; what was committed after the last save is
 * read once at the start, which also proves that its sequence has no hole.
 */
#include "store/store_priv.h"

#include <endian.h>
#include <stdlib.h>

#define NO_SLOT UINT32_MAX
#define HEADS_BYTES (CHAIN_SLOTS * sizeof(uint64_t))
/* Transitions between two saves: a start reads at most this many. */
#define SAVE_EVERY 20000u

/* ---- slots ----------------------------------------------------------------------- */

static uint32_t
key_slot(const struct chains *ch, const char *alarm_id, const char *entity)
{
	uint64_t h = fm_hash64(alarm_id, strlen(alarm_id), ch->seed);

	return (uint32_t)(fm_hash64(entity, strlen(entity), h) % CHAIN_SLOTS);
}

/* Heartbeats and gaps have no occurrence: a chain of them would only be long. */
static uint32_t
uuid_slot(const struct chains *ch, const struct fm_uuid *uuid)
{
	if (fm_uuid_is_null(uuid))
		return NO_SLOT;
	return (uint32_t)(fm_hash64(uuid->b, sizeof(uuid->b), ch->seed) % CHAIN_SLOTS);
}

struct chain_undo
store_chain_add(struct store *st, uint64_t seq, const char *alarm_id, const char *entity,
		const struct fm_uuid *uuid)
{
	struct chains *ch = &st->chains;
	struct chain_undo undo = {
		.key_slot = key_slot(ch, alarm_id, entity),
		.uuid_slot = uuid_slot(ch, uuid),
	};

	undo.prev_key = ch->key[undo.key_slot];
	ch->key[undo.key_slot] = seq;
	if (undo.uuid_slot != NO_SLOT) {
		undo.prev_uuid = ch->uuid[undo.uuid_slot];
		ch->uuid[undo.uuid_slot] = seq;
	}
	return undo;
}

void
store_chain_undo(struct store *st, const struct chain_undo *undo)
{
	st->chains.key[undo->key_slot] = undo->prev_key;
	if (undo->uuid_slot != NO_SLOT)
		st->chains.uuid[undo->uuid_slot] = undo->prev_uuid;
}

uint64_t
store_chain_key(const struct store *st, const char *alarm_id, const char *entity)
{
	return st->chains.key[key_slot(&st->chains, alarm_id, entity)];
}

uint64_t
store_chain_uuid(const struct store *st, const struct fm_uuid *uuid)
{
	uint32_t slot = uuid_slot(&st->chains, uuid);

	return slot == NO_SLOT ? 0 : st->chains.uuid[slot];
}

/* ---- save and load --------------------------------------------------------------- */

bool
store_chains_stale(const struct store *st)
{
	return st->log.committed - st->chains.saved_seq >= SAVE_EVERY;
}

static int
save_heads(struct store *st, const char *name, const uint64_t *heads, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) uint64_t *le = fm_malloc(HEADS_BYTES);

	for (uint32_t i = 0; i < CHAIN_SLOTS; i++)
		le[i] = htole64(heads[i]);
	return store_put_self_blob(st, name, le, HEADS_BYTES, err);
}

int
store_save_chains(struct store *st, const void *unused, struct fm_err *err)
{
	(void)unused;
	int r = save_heads(st, "chain.key", st->chains.key, err);
	if (r == 0)
		r = save_heads(st, "chain.uuid", st->chains.uuid, err);
	if (r == 0)
		r = store_put_self_int(st, "chain.seq", (int64_t)st->log.committed, err);
	return r;
}

static bool
load_heads(struct store *st, const char *name, uint64_t *heads)
{
	if (store_get_self_blob(st, name, heads, HEADS_BYTES) < 0)
		return false;
	for (uint32_t i = 0; i < CHAIN_SLOTS; i++)
		heads[i] = le64toh(heads[i]);
	return true;
}

/* Without a saved copy everything kept is read. */
static void
load_saved(struct store *st)
{
	struct chains *ch = &st->chains;
	int64_t seq = 0;

	if (store_get_self_int(st, "chain.seq", &seq) == 0 && (uint64_t)seq <= st->log.last &&
	    load_heads(st, "chain.key", ch->key) && load_heads(st, "chain.uuid", ch->uuid)) {
		ch->saved_seq = (uint64_t)seq;
		return;
	}
	memset(ch->key, 0, HEADS_BYTES);
	memset(ch->uuid, 0, HEADS_BYTES);
	ch->saved_seq = 0;
}

/* Links to what has been trimmed away are all alike. */
static bool
same_link(const struct store *st, uint64_t a, uint64_t b)
{
	return a == b || (a < st->log.first && b < st->log.first);
}

static int
add_stored(struct store *st, sqlite3_stmt *stmt, uint64_t expected, struct fm_err *err)
{
	const char *alarm_id = (const char *)sqlite3_column_text(stmt, 1);
	const char *entity = (const char *)sqlite3_column_text(stmt, 2);
	struct fm_uuid uuid;

	if ((uint64_t)sqlite3_column_int64(stmt, 0) != expected)
		return store_damaged(st, expected, "is missing", err);
	if (alarm_id == NULL || entity == NULL || sqlite3_column_bytes(stmt, 3) != sizeof(uuid.b))
		return store_damaged(st, expected, "is malformed", err);
	memcpy(uuid.b, sqlite3_column_blob(stmt, 3), sizeof(uuid.b));
	struct chain_undo link = store_chain_add(st, expected, alarm_id, entity, &uuid);
	if (!same_link(st, link.prev_key, (uint64_t)sqlite3_column_int64(stmt, 4)) ||
	    !same_link(st, link.prev_uuid, (uint64_t)sqlite3_column_int64(stmt, 5)))
		return store_damaged(st, expected, "is not linked to the one before it", err);
	return 0;
}

int
store_load_chains(struct store *st, struct fm_err *err)
{
	struct chains *ch = &st->chains;
	sqlite3_stmt *stmt = st->sql[SQL_CHAIN_TAIL];
	int r = 0, step = SQLITE_DONE;

	/* Links are as slots were when they were written: by the stream before any restore. */
	char first[FM_UUID_STR];
	memcpy(first, st->stream, sizeof(first));
	(void)store_get_self_blob(st, "chain.of", first, FM_UUID_STR - 1);
	ch->seed = fm_hash64(first, strlen(first), 0);
	ch->key = fm_malloc(HEADS_BYTES);
	ch->uuid = fm_malloc(HEADS_BYTES);
	load_saved(st);

	uint64_t seq = ch->saved_seq + 1;
	if (seq < st->log.first)
		seq = st->log.first;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)ch->saved_seq);
	while (r == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW)
		r = add_stored(st, stmt, seq++, err);
	if (r == 0 && step != SQLITE_DONE)
		r = store_sql_fail(st, "transition", err);
	sqlite3_reset(stmt);
	return r;
}

void
store_free_chains(struct store *st)
{
	free(st->chains.key);
	free(st->chains.uuid);
}
