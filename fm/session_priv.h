/* session: one request to fmd and its answer. */
#ifndef FM_SESSION_PRIV_H
#define FM_SESSION_PRIV_H

#include <jansson.h>

#include "ctl/ctl.h"
#include "fm/options_priv.h"

/* A row as text and parsed; both are borrowed for the call. False: no more rows are wanted. */
typedef bool row_f(void *ctx, const char *text, size_t len, const json_t *row);

/*
 * Sends the request and hands every row to f. args is an object and is freed. Says on stderr
 * what went wrong, and returns fm's exit code.
 */
enum ctl_code session_ask(const struct options *opt, enum ctl_verb verb, json_t *args, row_f *f,
			  void *ctx);

/*
 * The same for an endless answer. It ends with CTL_OK when stop_fd becomes readable or f
 * wants no more. When the
 * connection or the answer ends by itself, lost is set, err says how, and nothing has been
 * printed: only the caller knows where to resume.
 */
struct follow {
	int stop_fd;
	row_f *f;
	void *ctx;
	/* results */
	bool lost;
	struct fm_err err;
};
enum ctl_code session_follow(const struct options *opt, enum ctl_verb verb, json_t *args,
			     struct follow *fl);

#endif
