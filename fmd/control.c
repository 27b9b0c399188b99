/*
 * control: the control socket's server. Who may do what is decided by the peer's credentials at
 * connect; one request at a time a client; what a client has not read yet is bounded, and a
 * client that does not read is dropped, so a slow one harms nobody.
 */
#include "fmd/daemon_priv.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENT_MAX_PENDING (64u << 20)  /* bytes a client may leave unread */

struct client {
	uv_pipe_t pipe;
	struct daemon *d;
	struct client *next;
	uid_t uid;
	char user[64];
	bool may_read, may_write;
	bool watching, closing;
	uint64_t watch_id, watch_after;
	struct fm_buf in;
	char chunk[8192];
};
struct pending {
	uv_write_t req;
	struct fm_buf buf;
};

/* ---- who ------------------------------------------------------------------------------------------ */

static bool
in_group(uid_t uid, gid_t gid, const char *group)
{
	const struct group *gr = getgrnam(group);
	const struct passwd *pw = getpwuid(uid);

	if (gr == NULL)
		return false;
	if (gr->gr_gid == gid)
		return true;
	for (char **m = gr->gr_mem; pw != NULL && *m != NULL; m++)
		if (strcmp(*m, pw->pw_name) == 0)
			return true;
	return false;
}

static int
identify(struct client *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	const struct passwd *pw;
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -EACCES;
	c->uid = cred.uid;
	pw = getpwuid(cred.uid);
	if (pw != NULL)
		snprintf(c->user, sizeof(c->user), "%s", pw->pw_name);
	else
		snprintf(c->user, sizeof(c->user), "uid %u", (unsigned)cred.uid);
	c->may_write = cred.uid == 0 || cred.uid == geteuid() ||
		in_group(cred.uid, cred.gid, c->d->conf->write_group);
	c->may_read = c->may_write || in_group(cred.uid, cred.gid, c->d->conf->read_group);
	return 0;
}

/* ---- closing and writing ----------------------------------------------------------------------------- */

static void
on_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct client **pp = &c->d->clients;

	while (*pp != c)
		pp = &(*pp)->next;
	*pp = c->next;
	c->d->n_clients--;
	fm_buf_fini(&c->in);
	free(c);
}

static void
client_close(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->pipe, on_closed);
}

static void
on_written(uv_write_t *req, int status)
{
	struct pending *p = (struct pending *)req;
	struct client *c = req->handle->data;

	fm_buf_fini(&p->buf);
	free(p);
	if (status < 0)
		client_close(c);
}

/* Takes out's content. */
static void
client_send(struct client *c, struct fm_buf *out)
{
	struct pending *p;
	uv_buf_t buf;

	if (out->len == 0 || c->closing) {
		fm_buf_fini(out);
		return;
	}
	if (uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) + out->len >
	    CLIENT_MAX_PENDING) {
		log_line(LOG_WARNING, "control", "user=%s: reads too slowly, dropped", c->user);
		fm_buf_fini(out);
		client_close(c);
		return;
	}
	p = fm_calloc(1, sizeof(*p));
	p->buf = *out;
	*out = (struct fm_buf){0};
	buf = uv_buf_init(p->buf.s, (unsigned)p->buf.len);
	if (uv_write(&p->req, (uv_stream_t *)&c->pipe, &buf, 1, on_written) < 0) {
		fm_buf_fini(&p->buf);
		free(p);
		client_close(c);
	}
}

/* ---- requests ------------------------------------------------------------------------------------------- */

static void
answer(struct client *c, const struct ctl_request *rq)
{
	struct fm_buf out = {0};
	const bool writes = ctl_verb_writes(rq->verb);
	const struct verb_env env = {.d = c->d, .user = c->user, .out = &out,
		.watch_after = &c->watch_after, .watching = &c->watching};

	if (writes ? !c->may_write : !c->may_read) {
		log_line(LOG_WARNING, "control", "user=%s verb=%s: not permitted", c->user,
			 ctl_verb_name(rq->verb));
		ctl_reply_done(&out, rq->id, CTL_DENIED, writes ?
			       "not permitted: needs root or the group that may write" :
			       "not permitted: needs root or the group that may read");
	} else {
		c->watch_id = rq->id;
		verb_run(&env, rq);
	}
	client_send(c, &out);
}

static void
request_line(struct client *c, const char *line, size_t len)
{
	struct ctl_request rq;
	struct fm_err err = {0};
	struct fm_buf out = {0};

	if (ctl_request_parse(line, len, &rq, &err) < 0) {
		ctl_reply_done(&out, ctl_request_id(line, len), CTL_USAGE, err.msg);
		client_send(c, &out);
		return;
	}
	answer(c, &rq);
	ctl_request_fini(&rq);
}

static void
take_lines(struct client *c)
{
	size_t from = 0;
	const char *nl;

	while (!c->closing && from < c->in.len &&
	       (nl = memchr(c->in.s + from, '\n', c->in.len - from)) != NULL) {
		request_line(c, c->in.s + from, (size_t)(nl - c->in.s) - from);
		from = (size_t)(nl - c->in.s) + 1;
	}
	memmove(c->in.s, c->in.s + from, c->in.len - from);
	c->in.len -= from;
	if (c->in.len <= CTL_MAX_LINE)
		return;
	struct fm_buf out = {0};

	ctl_reply_done(&out, 0, CTL_USAGE, "the request is longer than 64 KiB");
	client_send(c, &out);
	client_close(c);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	if (n < 0) {
		client_close(c);
		return;
	}
	fm_buf_add(&c->in, buf->base, (size_t)n);
	take_lines(c);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct daemon *d = listener->data;
	struct client *c;

	if (status < 0)
		return;
	c = fm_calloc(1, sizeof(*c));
	c->d = d;
	uv_pipe_init(&d->loop, &c->pipe, 0);
	c->pipe.data = c;
	c->next = d->clients;
	d->clients = c;
	d->n_clients++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 || identify(c) < 0 ||
	    d->n_clients > d->conf->clients) {
		client_close(c);
		return;
	}
	uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
}

/* ---- watchers ---------------------------------------------------------------------------------------------- */

void
control_transition(struct daemon *d, const struct stored_transition *tr)
{
	for (struct client *c = d->clients; c != NULL; c = c->next) {
		struct fm_buf out = {0};

		if (!c->watching || c->closing || tr->seq <= c->watch_after)
			continue;
		ctl_reply_row(&out, c->watch_id, tr->json, tr->len);
		c->watch_after = tr->seq;
		client_send(c, &out);
	}
}

/* ---- start and stop ------------------------------------------------------------------------------------------ */

/* A socket file that nobody answers on is left over from a kill; one that answers is another fmd. */
static int
remove_stale(const char *path, struct fm_err *err)
{
	struct ctl_client *c = NULL;
	struct fm_err ignored;
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fm_fail(err, -EEXIST, "%s: exists and is not a socket", path);
	if (ctl_connect(path, &c, &ignored) == 0) {
		ctl_close(c);
		return fm_fail(err, -EADDRINUSE, "%s: another fmd answers on this socket", path);
	}
	if (unlink(path) < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	return 0;
}

int
control_start(struct daemon *d, struct fm_err *err)
{
	const char *path = d->conf->socket;
	mode_t old;
	int r = remove_stale(path, err);

	if (r < 0)
		return r;
	uv_pipe_init(&d->loop, &d->listener, 0);
	d->listener.data = d;
	old = umask(0117);
	r = uv_pipe_bind(&d->listener, path);
	umask(old);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&d->listener, 64, on_connection);
	if (r < 0)
		return fm_fail(err, r, "%s: %s", path, uv_strerror(r));
	/* Readers need to connect at all; what they may do is decided by who they are. */
	const struct group *gr = getgrnam(d->conf->read_group);

	if (gr != NULL && chown(path, (uid_t)-1, gr->gr_gid) < 0)
		log_line(LOG_WARNING, "control", "%s: group %s cannot be set", path,
			 d->conf->read_group);
	return 0;
}

void
control_stop(struct daemon *d)
{
	for (struct client *c = d->clients; c != NULL; c = c->next)
		client_close(c);
	if (d->listener.data != NULL && !uv_is_closing((uv_handle_t *)&d->listener))
		uv_close((uv_handle_t *)&d->listener, NULL);
}
