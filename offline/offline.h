/*
 * offline: what can be done with a catalogue and records without a running daemon: make records
 * from a line of words, play the examples of a catalogue, check it, replay a capture, and compare
 * what two catalogues make of it. The decoder and the core are the daemon's own.
 *
 * Thread: any, one object per thread. No clock: time is that of the examples and records.
 */
#ifndef FM_OFFLINE_H
#define FM_OFFLINE_H

#include "correlator/correlator.h"

/* ---- records from words (record.c) ---------------------------------------------------------- */

/* A line as words; what stands within double quotes is one, the quotes go. */
#define OFFLINE_MAX_WORDS 48
struct offline_words {
	char *v[OFFLINE_MAX_WORDS];
	unsigned n;
};
/* Words live in the arena. -EINVAL: too many, or a quote is not closed. */
int offline_split(struct fm_arena *arena, const char *line, struct offline_words *ret,
		  struct fm_err *err) FM_MUST_USE;

/*
 * nova TYPE name=value…                a Nova notification, versioned, in its envelope
 * libvirt HOST EVENT [WORDS] name=value…       a record of the libvirt bridge on HOST
 * request OP ALARM_ID ENTITY name=value…       a fault request (clear_all: no ALARM_ID)
 *
 * docs/CATALOG.md lists the names. U1 … U99 stand for UUIDs, vm=U1 for the entity of that instance.
 */
enum offline_form { OFFLINE_NOVA, OFFLINE_LIBVIRT, OFFLINE_REQUEST };

/* Remembers what the records made so far have told: tenants, sequence numbers. */
struct record_maker;
/* What records are about that do not say so themselves; NULL: nothing. Borrowed. */
struct record_maker *record_maker_new(const char *usual_uuid, const char *usual_host);
void record_maker_free(struct record_maker *mk);
/* words: those behind "nova", "libvirt" or "request". The caller frees *ret. */
int record_make(struct record_maker *mk, enum offline_form form, const struct offline_words *words,
		struct fm_time at, char **ret, struct fm_err *err) FM_MUST_USE;
/* "vm=U7" as the entity of that instance, other text as it is; lives in the maker. */
const char *record_entity(struct record_maker *mk, const char *word);

/* ---- checking a catalogue (check.c, example.c) ----------------------------------------------- */

struct offline_checked {
	unsigned examples, failed;
};
/*
 * Loads a catalogue, compares its times with the retention (0: for ever) and plays its examples.
 * Returns 0, -EINVAL or -E2BIG when errors were found, or what reading the file gave; err names
 * the first. *ret_cat, which may be NULL, is written when the catalogue can be loaded, whatever its
 * examples do.
 */
int offline_check(const char *path, struct fm_span retention, struct cat_findings *findings,
		  struct offline_checked *ret, struct catalogue **ret_cat, struct fm_err *err)
	FM_MUST_USE;
/* The examples alone. */
void offline_play(const struct catalogue *cat, struct cat_findings *findings,
		  struct offline_checked *ret);

#endif
