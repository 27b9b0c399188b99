/*
 * control: the control socket's server. Who may do what is decided by the peer's credentials at
 * connect. One request at a time a client, and beside it one watch.
 *
 * Answers are made piece by piece, the next one when the client has read most of what it was
 * given: what waits for a client is bounded whatever the answer's length and the client's speed.
 * A watcher that falls behind is no different: its position is a sequence number, and the store
 * has what lies between. One piece is made in each turn of the loop, so many or slow clients hold
 * up neither the records nor each other.
 */
#include "fmd/daemon_priv.h"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Unread bytes beyond which a client gets no further piece; a piece is about as long. */
#define CLIENT_WINDOW (64u << 10)
/* Those who may write get in when limits.clients is used up: someone has to look into it. */
#define CLIENT_RESERVE 8u
/* The part of limits.clients that one user gets who may only look: one in so many. */
#define CLIENT_SHARE 4u
#define MAX_PEER_GROUPS 256

struct client {
	uv_pipe_t pipe;
	struct daemon *d;
	struct client *next;
	uid_t uid;
	char user[64];
	struct caller who;              /* the same, for the trail */
	bool may_read, may_write;
	bool counted;                   /* against limits.clients */
	bool closing;
	bool ended;                     /* nothing more is asked: closed when all is written */
	struct verb_call *answer;       /* under way; NULL: none */
	struct verb_call *watch;
	bool caught_up;                 /* watch: waits for a commit */
	uint64_t served;                /* when, in pieces */
	struct fm_buf in;
	char chunk[8192];
};
struct pending {
	uv_write_t req;
	struct fm_buf buf;
};

/* ---- who ------------------------------------------------------------------------------------------ */

/* The groups that the peer's process had when it connected; the group file may know more. */
struct peer {
	struct ucred cred;
	gid_t gid[MAX_PEER_GROUPS];
	unsigned n_gids;
	char user[64];
	bool named;                     /* user is its name, not its number */
};

static int
peer_of(int fd, struct peer *ret)
{
	socklen_t len = sizeof(ret->cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ret->cred, &len) < 0)
		return -EACCES;
	len = sizeof(ret->gid);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret->gid, &len) == 0)
		ret->n_gids = len / (unsigned)sizeof(gid_t);

	const struct passwd *pw = getpwuid(ret->cred.uid);

	ret->named = pw != NULL;
	if (pw != NULL)
		snprintf(ret->user, sizeof(ret->user), "%s", pw->pw_name);
	else
		snprintf(ret->user, sizeof(ret->user), "uid %u", (unsigned)ret->cred.uid);
	return 0;
}

static bool
in_group(const struct peer *peer, const char *group)
{
	const struct group *gr = getgrnam(group);

	if (gr == NULL)
		return false;
	if (gr->gr_gid == peer->cred.gid)
		return true;
	for (unsigned i = 0; i < peer->n_gids; i++)
		if (peer->gid[i] == gr->gr_gid)
			return true;
	for (char **m = gr->gr_mem; peer->named && *m != NULL; m++)
		if (strcmp(*m, peer->user) == 0)
			return true;
	return false;
}

static int
identify(struct client *c)
{
	struct peer peer = {0};
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0 || peer_of(fd, &peer) < 0)
		return -EACCES;
	c->uid = peer.cred.uid;
	memcpy(c->user, peer.user, sizeof(c->user));
	c->may_write = c->uid == 0 || c->uid == geteuid() ||
		in_group(&peer, c->d->conf->write_group);
	c->may_read = c->may_write || in_group(&peer, c->d->conf->read_group);
	c->who = (struct caller){.name = c->user, .uid = c->uid,
		.role = c->may_write ? "admin" : c->may_read ? "reader" : "none"};
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
	c->d->n_clients -= c->counted;
	verb_end(c->answer);
	verb_end(c->watch);
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

static size_t
unread(const struct client *c)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe);
}

static void
close_when_done(struct client *c)
{
	if (c->ended && c->answer == NULL && c->watch == NULL && unread(c) == 0)
		client_close(c);
}

static void on_turn(uv_idle_t *idle);

static void
want_turn(struct daemon *d)
{
	uv_idle_start(&d->answering, on_turn);
}

static void
on_written(uv_write_t *req, int status)
{
	struct pending *p = (struct pending *)req;
	struct client *c = req->handle->data;

	fm_buf_fini(&p->buf);
	free(p);
	if (status < 0) {
		client_close(c);
		return;
	}
	close_when_done(c);
	want_turn(c->d);
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

static void
client_refuse(struct client *c, uint64_t id, enum ctl_code code, const char *why)
{
	struct fm_buf out = {0};

	ctl_reply_done(&out, id, code, why);
	client_send(c, &out);
}

/* ---- requests ------------------------------------------------------------------------------------------- */

static bool
permitted(struct client *c, const struct ctl_request *rq)
{
	const bool writes = ctl_verb_writes(rq->verb);
	const struct fmd_conf *conf = c->d->conf;
	char why[200];

	if (writes ? c->may_write : c->may_read)
		return true;
	log_often(c->d->log, LOG_REFUSED, "user=%s verb=%s: not permitted", c->user,
		  ctl_verb_name(rq->verb));
	if (writes)
		snprintf(why, sizeof(why), "not permitted to %s: needs root or the group %s",
			 c->user, conf->write_group);
	else
		snprintf(why, sizeof(why), "not permitted to %s: needs root or the group %s or %s",
			 c->user, conf->read_group, conf->write_group);
	if (writes)
		audit_refused(c->d, &c->who, rq, "not permitted");
	client_refuse(c, rq->id, CTL_DENIED, why);
	return false;
}

/* Takes rq's content. */
static void
request(struct client *c, struct ctl_request *rq)
{
	const bool watches = rq->verb == CTL_VERB_WATCH;

	if (!permitted(c, rq)) {
		ctl_request_fini(rq);
	} else if (watches && c->watch != NULL) {
		client_refuse(c, rq->id, CTL_USAGE, "this connection is watching already");
		ctl_request_fini(rq);
	} else {
		*(watches ? &c->watch : &c->answer) = verb_begin(c->d, &c->who, rq);
		c->caught_up = c->caught_up && !watches;
		want_turn(c->d);
	}
}

static void
request_line(struct client *c, const char *line, size_t len)
{
	struct ctl_request rq;
	struct fm_err err = {0};

	if (ctl_request_parse(line, len, &rq, &err) < 0)
		client_refuse(c, ctl_request_id(line, len), CTL_USAGE, err.msg);
	else
		request(c, &rq);
}

/* Up to the first request whose answer takes its time; the others wait in c->in. */
static void
take_lines(struct client *c)
{
	size_t from = 0;
	const char *nl;

	while (!c->closing && c->answer == NULL && from < c->in.len &&
	       (nl = memchr(c->in.s + from, '\n', c->in.len - from)) != NULL) {
		request_line(c, c->in.s + from, (size_t)(nl - c->in.s) - from);
		from = (size_t)(nl - c->in.s) + 1;
	}
	memmove(c->in.s, c->in.s + from, c->in.len - from);
	c->in.len -= from;
	if (c->answer != NULL || c->in.len <= CTL_MAX_LINE)
		return;
	client_refuse(c, 0, CTL_USAGE, "the request is longer than any may be");
	c->ended = true;
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init(c->chunk, sizeof(c->chunk));
}

/* Whether it has gone, or only has nothing more to ask ("nc -N"). */
static bool
peer_gone(const struct client *c)
{
	uv_os_fd_t fd;

	if (uv_fileno((const uv_handle_t *)&c->pipe, &fd) < 0)
		return true;
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	if (n < 0) {
		uv_read_stop(stream);
		c->ended = true;
		if (n != UV_EOF || peer_gone(c))
			client_close(c);
		else
			close_when_done(c);
		return;
	}
	fm_buf_add(&c->in, buf->base, (size_t)n);
	take_lines(c);
	if (c->answer != NULL || c->ended)
		uv_read_stop(stream);
}

/* ---- turns ---------------------------------------------------------------------------------------------- */

static bool
has_work(const struct client *c)
{
	return !c->closing && unread(c) < CLIENT_WINDOW &&
		(c->answer != NULL || (c->watch != NULL && !c->caught_up));
}

static void
answered(struct client *c)
{
	verb_end(c->answer);
	c->answer = NULL;
	take_lines(c);
	if (c->answer == NULL && !c->ended && !c->closing)
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	close_when_done(c);
}

static void
watch_more(struct client *c)
{
	struct fm_buf out = {0};
	const enum verb_state state = verb_go_on(c->watch, &out);

	client_send(c, &out);
	c->caught_up = state == VERB_WAITS;
	if (state != VERB_DONE)
		return;
	verb_end(c->watch);
	c->watch = NULL;
	close_when_done(c);
}

static void
serve(struct client *c)
{
	struct fm_buf out = {0};

	c->served = ++c->d->pieces;
	if (c->watch != NULL && !c->caught_up)
		watch_more(c);
	if (c->answer == NULL)
		return;
	const enum verb_state state = verb_go_on(c->answer, &out);

	client_send(c, &out);
	if (state == VERB_DONE)
		answered(c);
}

/* The client with work that has waited longest gets a piece. */
static void
on_turn(uv_idle_t *idle)
{
	const struct daemon *d = idle->data;
	struct client *first = NULL;

	for (struct client *c = d->clients; c != NULL; c = c->next)
		if (has_work(c) && (first == NULL || c->served < first->served))
			first = c;
	if (first != NULL)
		serve(first);
	else
		uv_idle_stop(idle);
}

void
control_committed(struct daemon *d)
{
	for (struct client *c = d->clients; c != NULL; c = c->next) {
		if (c->watch == NULL)
			continue;
		c->caught_up = false;
		want_turn(d);
	}
}

uint64_t
control_unread(const struct daemon *d)
{
	uint64_t sum = 0;

	for (const struct client *c = d->clients; c != NULL; c = c->next)
		sum += unread(c);
	return sum;
}

/* ---- connections --------------------------------------------------------------------------------------- */

static unsigned
connections_of(const struct daemon *d, uid_t uid)
{
	unsigned n = 0;

	for (const struct client *c = d->clients; c != NULL; c = c->next)
		n += c->counted && c->uid == uid;
	return n;
}

/* Those who may only look get a part each, so that none of them keeps out the others. */
static bool
has_room(const struct client *c)
{
	const struct daemon *d = c->d;
	const uint64_t all = d->conf->clients, share = all < CLIENT_SHARE ? 1 : all / CLIENT_SHARE;

	if (c->may_write)
		return d->n_clients < all + CLIENT_RESERVE;
	return d->n_clients < all && connections_of(d, c->uid) < share;
}

void
control_connected(uv_stream_t *listener, int status)
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
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 || identify(c) < 0) {
		client_close(c);
		return;
	}
	if (!has_room(c)) {
		log_often(d->log, LOG_REFUSED, "user=%s: turned away, limits.clients (%llu) are "
			  "connected", c->user, (unsigned long long)d->conf->clients);
		client_refuse(c, 0, CTL_FAILED, "too many clients are connected (limits.clients); "
			      "try again");
		c->ended = true;
		close_when_done(c);
		return;
	}
	c->counted = true;
	d->n_clients++;
	uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
}

/* ---- start and stop ------------------------------------------------------------------------------------------ */

int
control_start(struct daemon *d, struct fm_err *err)
{
	uv_idle_init(&d->loop, &d->answering);
	d->answering.data = d;
	return listen_start(d, err);
}

void
control_tick(struct daemon *d)
{
	listen_tick(d);
}

void
control_stop(struct daemon *d)
{
	for (struct client *c = d->clients; c != NULL; c = c->next)
		client_close(c);
	listen_stop(d);
}
