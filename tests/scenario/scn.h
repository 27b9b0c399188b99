/*
 * scn: the scenario language. One step per line, "at TIME VERB …", times relative to the
 * scenario's zero; HACKING of a scenario is in README.md.
 */
#ifndef FM_TEST_SCN_H
#define FM_TEST_SCN_H

#include <stdio.h>

#include "offline/offline.h"

#define SCN_VERBS(X) X(NOVA, "nova") X(LIBVIRT, "libvirt") X(REQUEST, "request") \
	X(RECORD, "record") X(OPERATE, "operate") X(EXPECT, "expect") X(RESTART, "restart") \
	X(KILL, "kill") X(ALLOW, "allow") X(CATALOGUE, "catalogue") X(DEAF, "deaf") \
	X(MISSED, "missed") X(STEPPED, "stepped") X(WINDOW, "window") X(RELOAD, "reload")
enum scn_verb {
#define FM_X(id, name) SCN_##id,
	SCN_VERBS(FM_X)
#undef FM_X
	SCN_N_VERBS
};

#define SCN_MAX_WORDS OFFLINE_MAX_WORDS
struct scn_step {
	unsigned line;
	struct fm_span at;
	enum scn_verb verb;
	char *raw;                      /* what follows the verb */
	char *word[SCN_MAX_WORDS];      /* of it, quotes taken off */
	unsigned n_words;
};
struct scn {
	char *path;
	struct scn_step *step;
	unsigned n;
	struct fm_arena arena;
	struct record_maker *maker;     /* what the records have told so far */
};

/* Exits with a message that names file and line when the file is wrong. */
void scn_load(struct scn *s, const char *path);
void scn_fini(struct scn *s);
void scn_die(const struct scn *s, const struct scn_step *step, const char *fmt, ...)
	FM_PRINTF(3, 4) __attribute__((noreturn));
/* Forgets what the records have told so far. */
void scn_rewind(struct scn *s);

/* The value of option NAME= among the words from first on; otherwise def. */
const char *scn_opt(const struct scn_step *step, unsigned first, const char *name,
		    const char *def);
/* "vm=U7" as the entity of that instance, "instance=U7" spelled out. */
const char *scn_entity(struct scn *s, const char *word);
/* The text of the catalogue that it runs under, or of another file, with or without its windows. */
void scn_catalogue(const struct scn *s, struct fm_time base, bool windows, const char *other,
		   struct fm_buf *ret);
/* The JSON of a nova, libvirt, request or record step; base is the scenario's zero. */
char *scn_record(struct scn *s, const struct scn_step *step, struct fm_time base);

#endif
