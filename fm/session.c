/*
 * session: asking fmd, and turning what goes wrong into fm's exit codes.
 */
#include "fm/session_priv.h"

#include <stdlib.h>

#include "fm/text_priv.h"

struct session {
	struct ctl_client *client;
	struct fm_span timeout;
	int stop_fd;
	row_f *f;
	void *ctx;
};

/* -EINVAL: a request that is longer than any may be. */
static enum ctl_code
code_of(int r)
{
	if (r == -EINVAL)
		return CTL_USAGE;
	return r == -EACCES || r == -EPERM ? CTL_DENIED : CTL_UNREACHABLE;
}

enum step { STEP_DONE, STEP_ROW, STEP_STOPPED };

static int
give_row(const struct session *s, const char *text, size_t len, struct fm_err *err)
{
	json_t *row = json_loadb(text, len, JSON_ALLOW_NUL, NULL);

	if (row == NULL)
		return fm_fail(err, -EPROTO, "fmd sent a row that is not JSON");
	bool more = s->f(s->ctx, text, len, row);
	json_decref(row);
	return more ? STEP_ROW : STEP_STOPPED;
}

/* Returns an enum step (*ret_code with STEP_DONE), or a negative errno with err. */
static int
step(const struct session *s, enum ctl_code *ret_code, struct fm_err *err)
{
	const char *row;
	size_t len;

	int r = ctl_wait(s->client, s->stop_fd, s->timeout, err);
	if (r <= 0)
		return r < 0 ? r : STEP_STOPPED;
	r = ctl_next(s->client, &row, &len, ret_code, err);
	if (r <= 0)
		return r < 0 ? r : STEP_DONE;
	return give_row(s, row, len, err);
}

static int
start(const struct options *opt, enum ctl_verb verb, json_t *args, struct ctl_client **ret,
      struct fm_err *err)
{
	char *args_json = json_dumps(args, JSON_COMPACT);
	struct ctl_client *client = NULL;

	fm_assert(args_json != NULL);
	json_decref(args);
	int r = ctl_connect(opt->socket, opt->timeout, &client, err);
	if (r == 0)
		r = ctl_send(client, verb, args_json, err);
	free(args_json);
	if (r < 0) {
		ctl_close(client);
		return r;
	}
	*ret = client;
	return 0;
}

static enum ctl_code
refused(enum ctl_verb verb, enum ctl_code code, const struct fm_err *err)
{
	complain("%s: %s", ctl_verb_name(verb), err->msg[0] != '\0' ? err->msg : "refused");
	return code;
}

enum ctl_code
session_ask(const struct options *opt, enum ctl_verb verb, json_t *args, row_f *f, void *ctx)
{
	struct session s = {.timeout = opt->timeout, .stop_fd = -1, .f = f, .ctx = ctx};
	enum ctl_code code = CTL_OK;
	struct fm_err err;

	int r = start(opt, verb, args, &s.client, &err);
	if (r < 0)
		return refused(verb, code_of(r), &err);
	do
		r = step(&s, &code, &err);
	while (r == STEP_ROW);
	ctl_close(s.client);
	if (r < 0)
		code = code_of(r);
	return code != CTL_OK ? refused(verb, code, &err) : CTL_OK;
}

enum ctl_code
session_follow(const struct options *opt, enum ctl_verb verb, json_t *args, struct follow *fl)
{
	struct session s = {.stop_fd = fl->stop_fd, .f = fl->f, .ctx = fl->ctx};
	enum ctl_code code = CTL_OK;
	bool began = false;

	int r = start(opt, verb, args, &s.client, &fl->err);
	if (r < 0)
		return refused(verb, code_of(r), &fl->err);
	while ((r = step(&s, &code, &fl->err)) == STEP_ROW)
		began = true;
	ctl_close(s.client);
	if (r == STEP_STOPPED)
		return CTL_OK;
	if (r == STEP_DONE && code != CTL_OK && !began)
		return refused(verb, code, &fl->err);
	fl->lost = true;
	return CTL_UNREACHABLE;
}
