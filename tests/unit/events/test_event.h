/*
 * test_event: one decoder per test and short ways to feed it.
 */
#ifndef FM_TEST_EVENT_H
#define FM_TEST_EVENT_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "events/event.h"

struct rig {
	struct decoder *d;
	struct event ev;
	struct fm_err err;
};

static inline struct rig
rig_new(void)
{
	return (struct rig){.d = decoder_new(NULL)};
}

static inline void
rig_fini(struct rig *rig)
{
	decoder_free(rig->d);
}
#define RIG FM_CLEANUP(rig_fini) struct rig rig = rig_new()

static inline int
decode(struct rig *rig, const char *text)
{
	rig->err.msg[0] = '\0';
	return event_decode(rig->d, text, strlen(text), &rig->ev, &rig->err);
}

/* Decode must succeed; the message of a failure is the decoder's. */
static inline const struct event *
decoded(struct rig *rig, const char *text)
{
	int rc = decode(rig, text);

	cr_assert_eq(rc, 0, "rc %d (%s) of %s", rc, rig->err.msg, text);
	return &rig->ev;
}

static inline void
refused(struct rig *rig, int code, const char *words, const char *text)
{
	int rc = decode(rig, text);

	cr_assert_eq(rc, code, "rc %d (%s) of %s", rc, rig->err.msg, text);
	cr_assert_not_null(strstr(rig->err.msg, words), "\"%s\" is not in \"%s\"", words,
			   rig->err.msg);
}

#define assert_str(str, lit) \
	cr_assert(fm_str_is(str, lit), "\"%.*s\" is not \"%s\"", (int)(str).len, \
		  (str).p != NULL ? (str).p : "", lit)

/* Path below the directory of shared recordings, or NULL (and the test skips). */
static inline char *
shared_path(const char *below)
{
	const char *dir = getenv("FMD_SHARED");

	return fm_asprintf("%s/%s", dir != NULL ? dir : "../shared", below);
}

#endif
