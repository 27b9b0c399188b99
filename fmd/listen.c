/*
 * listen: the file of the control socket. It may go while fmd is running: removed by somebody, or with
 * its directory, or taken over by another fmd that was given the same path. So in each tick it is
 * looked at by device and inode, made again when it is not ours any more, and left alone at the end
 * when it is another's. libuv knows its sockets by their path only, and would remove whatever is there.
 */
#include "fmd/daemon_priv.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64
#define TRY_S 5                         /* while another one has the path, or there is no directory */

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	fm_assert(strlen(path) < sizeof(un.sun_path));          /* conf.c */
	memcpy(un.sun_path, path, strlen(path) + 1);
	return un;
}

/* 0, or why it cannot be connected to now. Without waiting: nobody says how long somebody stands still. */
static int
try_connect(const char *path)
{
	const struct sockaddr_un un = address(path);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* A socket file that nobody answers on is left over from a kill; one that answers is another fmd. */
static int
remove_stale(const char *path, struct fm_err *err)
{
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fm_fail(err, -EEXIST, "%s: exists and is not a socket", path);
	r = try_connect(path);
	if (r == 0)
		return fm_fail(err, -EADDRINUSE, "%s: another fmd answers on this socket", path);
	if (r == -EAGAIN)
		return fm_fail(err, -EADDRINUSE, "%s: somebody listens on this socket, and does not "
			       "answer", path);
	if (unlink(path) < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	return 0;
}

/*
 * The kernel lets only members of the socket's group connect: whoever may write must be in it too.
 * Said at the start, since those whom it keeps out never reach us to be told.
 */
static void
give_to_group(const struct daemon *d, const char *path)
{
	const char *readers = d->conf->read_group, *writers = d->conf->write_group;
	const struct group *gr = getgrnam(readers);

	if (d->demo)
		return;
	if (gr == NULL)
		log_line(LOG_WARNING, "control", "group %s (control.read_group) does not exist: only "
			 "root and fmd's own user can connect", readers);
	else if (chown(path, (uid_t)-1, gr->gr_gid) < 0)
		log_line(LOG_WARNING, "control", "%s cannot be given to group %s (%m; is fmd's user "
			 "a member?): only root and fmd's own user can connect", path, readers);
	if (getgrnam(writers) == NULL)
		log_line(LOG_NOTICE, "control", "group %s (control.write_group) does not exist: only "
			 "root and fmd's own user can give commands", writers);
}

/* The directory is what is missing, and it is named. */
static int
bind_failed(const char *path, struct fm_err *err)
{
	const int no = errno;
	const char *slash = strrchr(path, '/');

	if (no == ENOENT && slash != NULL && slash != path)
		return fm_fail(err, -no, "%.*s: No such file or directory, and control.socket is to be in "
			       "it", (int)(slash - path), path);
	return fm_fail(err, -no, "%s: %s", path, strerrordesc_np(no));
}

static int
bind_socket(const char *path, int *ret, struct fm_err *err)
{
	const struct sockaddr_un un = address(path);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t old;
	int r;

	if (fd < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	old = umask(0117);
	r = bind(fd, (const struct sockaddr *)&un, sizeof(un));
	umask(old);
	if (r < 0) {
		r = bind_failed(path, err);
		close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void
close_listener(struct daemon *d)
{
	if (d->listen.pipe != NULL)
		uv_close((uv_handle_t *)d->listen.pipe, free_handle);
	d->listen.pipe = NULL;
}

static bool
is_ours(const struct daemon *d)
{
	struct stat st;

	return d->listen.pipe != NULL && lstat(d->conf->socket, &st) == 0 &&
		st.st_dev == d->listen.dev && st.st_ino == d->listen.ino;
}

int
listen_start(struct daemon *d, struct fm_err *err)
{
	const char *path = d->conf->socket;
	struct stat st = {0};
	int fd = -1, r = remove_stale(path, err);

	if (r == 0)
		r = bind_socket(path, &fd, err);
	if (r < 0)
		return r;
	(void)lstat(path, &st);
	d->listen.dev = st.st_dev;
	d->listen.ino = st.st_ino;
	d->listen.pipe = fm_calloc(1, sizeof(*d->listen.pipe));
	uv_pipe_init(&d->loop, d->listen.pipe, 0);
	d->listen.pipe->data = d;
	r = uv_pipe_open(d->listen.pipe, fd);
	if (r == 0)
		r = uv_listen((uv_stream_t *)d->listen.pipe, BACKLOG, control_connected);
	if (r < 0) {
		listen_stop(d);
		return fm_fail(err, r, "%s: %s", path, uv_strerror(r));
	}
	give_to_group(d, path);
	return 0;
}

void
listen_stop(struct daemon *d)
{
	if (is_ours(d))
		(void)unlink(d->conf->socket);
	close_listener(d);
}

/* Those who are connected stay so. */
void
listen_tick(struct daemon *d)
{
	const int64_t now = clock_mono_ns();
	struct fm_err err = {0};

	if (is_ours(d) || now < d->listen.next_try)
		return;
	d->listen.next_try = now + TRY_S * FM_NS_PER_S;
	close_listener(d);
	if (listen_start(d, &err) == 0) {
		d->listen.next_try = 0;
		log_line(LOG_WARNING, "control", "%s: was removed or replaced, and is made anew",
			 d->conf->socket);
	} else if (!d->listen.told) {
		log_line(LOG_ERROR, "control", "%s: was removed or replaced, and nobody can connect: %s",
			 d->conf->socket, err.msg);
	}
	d->listen.told = d->listen.pipe == NULL;
}
