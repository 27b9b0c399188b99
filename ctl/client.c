/*
 * client: one connection to fmd's control socket, blocking. It knows lines and where a row stands
 * in one; what a row says is its user's to read.
 */
#include <inttypes.h>
#include <jansson.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/ctl.h"

#define READ_SIZE 65536
/* A row and what stands around it in its line. */
#define MAX_REPLY_LINE (CTL_MAX_ROW + 64)

struct ctl_client {
	int fd;
	char *path;
	uint64_t id;            /* of the last request */
	struct fm_buf in;       /* received; [start, len) is not yet used */
	size_t start;
	size_t searched;        /* no newline before this */
	bool ended;             /* the server has closed its side */
};

/* The kernel said no before fmd could: the socket's own group tells who would be let in. */
static int
forbidden(const char *path, struct fm_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fm_fail(err, -EACCES, "cannot reach fmd at %s: a directory on the way may not "
			       "be entered", path);
	const struct group *gr = getgrgid(st.st_gid);

	if (gr == NULL || st.st_gid == 0)
		return fm_fail(err, -EACCES, "cannot reach fmd at %s: only root and fmd's own user may "
			       "connect", path);
	return fm_fail(err, -EACCES, "cannot reach fmd at %s: only root and members of the group %s "
		       "may connect; whoever gives commands needs that group too (fm(1), PERMISSIONS)",
		       path, gr->gr_name);
}

static int
unreachable(const char *path, int code, struct fm_err *err)
{
	if (code == -EACCES)
		return forbidden(path, err);
	if (code == -ENOENT || code == -ECONNREFUSED)
		return fm_fail(err, code, "cannot reach fmd at %s: no fmd listens there", path);
	errno = -code;
	return fm_fail(err, code, "cannot reach fmd at %s: %m", path);
}

static int
no_answer(const char *path, struct fm_err *err)
{
	return fm_fail(err, -ETIMEDOUT, "fmd at %s does not answer", path);
}

/*
 * connect waits while the listener's queue is full, which poll does not report for this kind of
 * socket. The limit for sending is the one that the kernel takes for it.
 */
static int
connect_within(int fd, const struct sockaddr_un *addr, struct fm_span timeout)
{
	const int64_t us = (timeout.ns + 999) / 1000;   /* 0 would be no limit */
	const struct timeval limit = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
	int r;

	if (timeout.ns > 0)
		fm_assert(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
	do
		r = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

int
ctl_connect(const char *path, struct fm_span timeout, struct ctl_client **ret, struct fm_err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(addr.sun_path))
		return fm_fail(err, -ENAMETOOLONG, "cannot reach fmd: a socket's path has 1 to %zu "
			       "bytes, this one has %zu", sizeof(addr.sun_path) - 1, len);
	memcpy(addr.sun_path, path, len + 1);

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return unreachable(path, -errno, err);
	int code = connect_within(fd, &addr, timeout);
	if (code < 0) {
		close(fd);
		return code == -ETIMEDOUT ? no_answer(path, err) : unreachable(path, code, err);
	}

	struct ctl_client *c = fm_calloc(1, sizeof(*c));
	c->fd = fd;
	c->path = fm_strdup(path);
	*ret = c;
	return 0;
}

void
ctl_close(struct ctl_client *c)
{
	if (c == NULL)
		return;
	close(c->fd);
	fm_buf_fini(&c->in);
	free(c->path);
	free(c);
}

static int
lost(const struct ctl_client *c, struct fm_err *err)
{
	return fm_fail(err, -ECONNRESET, "lost the connection to fmd at %s", c->path);
}

static bool
readable(const struct ctl_client *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	char byte;

	return poll(&p, 1, 0) > 0 && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static int
send_all(struct ctl_client *c, const char *p, size_t len, struct fm_err *err)
{
	while (len > 0) {
		ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* A server that turns clients away has said why before it closed. */
		if (n < 0 && readable(c))
			return 0;
		if (n < 0)
			return errno == EAGAIN ? no_answer(c->path, err) : lost(c, err);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
ctl_send(struct ctl_client *c, enum ctl_verb verb, const char *args_json, struct fm_err *err)
{
	struct fm_buf line = {0};

	c->id++;
	fm_buf_addf(&line, "{\"id\":%" PRIu64 ",\"verb\":\"%s\",\"args\":%s}\n", c->id,
		    ctl_verb_name(verb), args_json);
	int r = line.len > CTL_MAX_LINE
		? fm_fail(err, -EINVAL, "request longer than %d bytes", CTL_MAX_LINE)
		: send_all(c, line.s, line.len, err);
	fm_buf_fini(&line);
	return r;
}

/* The next whole line, without its newline, when one has been received. */
static bool
take_line(struct ctl_client *c, const char **ret, size_t *ret_len)
{
	if (c->in.len == c->searched)
		return false;
	const char *from = c->in.s + c->searched;
	const char *nl = memchr(from, '\n', c->in.len - c->searched);
	if (nl == NULL) {
		c->searched = c->in.len;
		return false;
	}
	*ret = c->in.s + c->start;
	*ret_len = (size_t)(nl - *ret);
	c->start = c->searched = (size_t)(nl + 1 - c->in.s);
	return true;
}

static bool
has_line(const struct ctl_client *c)
{
	return c->in.len > c->searched &&
	       memchr(c->in.s + c->searched, '\n', c->in.len - c->searched) != NULL;
}

/* Moves what is not yet used to the front; the rows handed out before are gone by contract. */
static void
compact(struct ctl_client *c)
{
	if (c->start == 0)
		return;
	memmove(c->in.s, c->in.s + c->start, c->in.len - c->start);
	c->in.len -= c->start;
	c->searched -= c->start;
	c->start = 0;
}

/* Blocks for some bytes. 0 also at the end of the stream: then ended is set. */
static int
receive(struct ctl_client *c, struct fm_err *err)
{
	char chunk[READ_SIZE];
	ssize_t n;

	compact(c);
	if (c->in.len > MAX_REPLY_LINE)
		return fm_fail(err, -EPROTO, "fmd at %s sent a line longer than %u bytes", c->path,
			       MAX_REPLY_LINE);
	do
		n = recv(c->fd, chunk, sizeof(chunk), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return lost(c, err);
	if (n == 0)
		c->ended = true;
	fm_buf_add(&c->in, chunk, (size_t)n);
	return 0;
}

int
ctl_wait(struct ctl_client *c, int other_fd, struct fm_span timeout, struct fm_err *err)
{
	int ms = timeout.ns > 0 ? (int)(timeout.ns / FM_NS_PER_MS) : -1;

	while (!has_line(c) && !c->ended) {
		struct pollfd fds[2] = {
			{.fd = c->fd, .events = POLLIN}, {.fd = other_fd, .events = POLLIN},
		};
		int n = poll(fds, 2, ms);

		if (n < 0 && errno != EINTR)
			return fm_fail(err, -errno, "waiting for fmd: %m");
		if (n == 0)
			return no_answer(c->path, err);
		if (n > 0 && fds[1].revents != 0)
			return 0;
		int r = n > 0 ? receive(c, err) : 0;
		if (r < 0)
			return r;
	}
	return 1;
}

static int
not_protocol(const struct ctl_client *c, struct fm_err *err)
{
	return fm_fail(err, -EPROTO, "what answers at %s does not speak fmd's protocol", c->path);
}

static int
read_done(struct ctl_client *c, const json_t *doc, enum ctl_code *ret_code, struct fm_err *err)
{
	const json_t *code = json_object_get(doc, "code");
	json_int_t id = json_integer_value(json_object_get(doc, "id"));
	const char *text = json_string_value(json_object_get(doc, "error"));

	/* A server that could not read the id answers with 0. */
	if (!json_is_true(json_object_get(doc, "done")) || !json_is_integer(code) ||
	    json_integer_value(code) < CTL_OK || json_integer_value(code) > CTL_UNREACHABLE ||
	    (id != (json_int_t)c->id && id != 0))
		return not_protocol(c, err);
	*ret_code = (enum ctl_code)json_integer_value(code);
	if (err != NULL)
		err->msg[0] = '\0';
	if (text != NULL)
		(void)fm_fail(err, 0, "%s", text);
	return 0;
}

static bool
find_row(const struct ctl_client *c, const char *line, size_t len, const char **ret_row,
	 size_t *ret_len)
{
	char head[64];
	size_t n = (size_t)snprintf(head, sizeof(head), "{\"id\":%" PRIu64 ",\"row\":", c->id);

	if (len < n + 3 || memcmp(line, head, n) != 0 || line[n] != '{' || line[len - 1] != '}' ||
	    line[len - 2] != '}')
		return false;
	*ret_row = line + n;
	*ret_len = len - n - 1;
	return true;
}

int
ctl_next(struct ctl_client *c, const char **ret_row, size_t *ret_len, enum ctl_code *ret_code,
	 struct fm_err *err)
{
	const char *line;
	size_t len;

	while (!take_line(c, &line, &len)) {
		int r = c->ended ? lost(c, err) : receive(c, err);
		if (r < 0)
			return r;
	}
	if (find_row(c, line, len, ret_row, ret_len))
		return 1;

	json_t *doc = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	int r = doc != NULL ? read_done(c, doc, ret_code, err) : not_protocol(c, err);
	json_decref(doc);
	return r;
}
