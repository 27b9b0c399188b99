/*
 * backup: when a copy of the database is made, a piece in each tick, and what is said when one had to
 * take the database's place (store/recover.c, ADR 0016). That is told once, in the first transaction
 * of the new stream; until then the copy itself says that it is one. The same of a state that was
 * removed under the last run, which frozen.c remembers.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* A mebibyte twice a second: a quarter of a gigabyte takes two minutes, and a tick a few ms. */
#define PAGES_A_TICK 256
#define FIRST_S 60

#define RESTORED_ID "990.010"
#define FAILED_ID "990.011"
#define DATABASE "service=fmd.storage=database"

static void
failed(struct daemon *d, const struct fm_err *err)
{
	char text[300];

	snprintf(text, sizeof(text), "No copy of the database could be made: %.200s", err->msg);
	log_often(d->log, LOG_UPKEEP, "backup: %s", err->msg);
	self_level(d, FAILED_ID, DATABASE, true, text);
}

static bool
has_room(const struct daemon *d, struct fm_err *err)
{
	struct store_stats s;
	const uint64_t is_free = hold_disk_free(d);

	store_get_stats(d->store, &s);
	if (is_free / 2 >= s.file_bytes)
		return true;
	(void)fm_fail(err, -ENOSPC, "%llu bytes are free, and a copy takes %llu",
		      (unsigned long long)is_free, (unsigned long long)s.file_bytes);
	return false;
}

static void
begin(struct daemon *d, int64_t now)
{
	struct fm_err err = {0};

	d->backup_due = now + d->conf->backup.ns;
	if (!has_room(d, &err) ||
	    store_backup_begin(d->store, STORE_BACKUP, clock_wall(), &err) < 0)
		failed(d, &err);
}

static void
go_on(struct daemon *d)
{
	struct fm_err err = {0};
	const int r = store_backup_step(d->store, PAGES_A_TICK, &err);

	if (r < 0)
		failed(d, &err);
	else if (r > 0)
		self_level(d, FAILED_ID, DATABASE, false, "");
}

/* Between cycles. A full disk has better use for its last blocks. */
void
backup_tick(struct daemon *d)
{
	const int64_t now = clock_mono_ns(), every = d->conf->backup.ns;

	if (every == 0 || d->in_txn)
		return;
	if (d->hold.on)
		store_backup_stop(d->store);
	else if (store_backup_running(d->store))
		go_on(d);
	else if (d->backup_due == 0)
		d->backup_due = now + (every < FIRST_S * FM_NS_PER_S ? every :
				       FIRST_S * FM_NS_PER_S);
	else if (now >= d->backup_due)
		begin(d, now);
}

/* ---- when a copy had to be taken --------------------------------------------------------------- */

static void
tell(struct daemon *d, const char *text)
{
	const struct fm_time at = fm_time_max(corr_now(d->corr), (struct fm_time){1});
	struct transition rebuilt = {
		.kind = TR_LIST_REBUILT, .at = at, .notify = true,
		.alarm = {.alarm_id = "", .entity = "", .reason_text = text,
			  .origin = ALARM_BY_SELF},
		.cause = {.kind = CAUSE_SELF, .event = "restored"},
	};

	log_line(LOG_ERROR, "store", "%s", text);
	engine_transition(d, &rebuilt);
	self_set(d, RESTORED_ID, DATABASE, true, text);
}

/* The directory was removed under the last run: to this one it looks like a first start. */
static void
tell_begun_anew(struct daemon *d)
{
	char text[400];

	snprintf(text, sizeof(text), "All that was stored is gone (%.250s): the list begins with nothing",
		 d->frozen.gone);
	tell(d, text);
}

static void
tell_copied(struct daemon *d, const char *copy_of)
{
	char text[400];

	snprintf(text, sizeof(text), "The list was made anew from a copy of %.*s: what Kafka has since "
		 "then is read again, commands given since then are lost",
		 (int)strcspn(copy_of, " "), copy_of);
	tell(d, text);
}

/* 0, or an error with its words in d->err. */
int
backup_tell_restored(struct daemon *d)
{
	FM_CLEANUP(fm_freep) char *copy_of = NULL;

	if (store_recovered(d->store) != NULL)
		log_line(LOG_ERROR, "store", "%s", store_recovered(d->store));
	if (d->frozen.gone[0] != '\0' && store_last_seq(d->store) == 0) {
		tell_begun_anew(d);
		return engine_commit(d);
	}
	if (store_meta(d->store, "copy_of", &copy_of) < 0 || copy_of[0] == '\0')
		return 0;
	tell_copied(d, copy_of);
	if (d->failed == 0)
		d->failed = store_put_meta(d->store, "copy_of", "", &d->err);
	return engine_commit(d);
}
