/* The client's side of a connection, against a server played by the test itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"

struct rig {
	char dir[64], path[80];
	int listener, server;
	struct ctl_client *client;
	struct fm_err err;
	const char *row;
	size_t len;
	enum ctl_code code;
};

static struct rig
rig_new(void)
{
	struct rig rig = {.code = CTL_UNREACHABLE};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	strcpy(rig.dir, "/tmp/fm-test-client-XXXXXX");
	cr_assert_not_null(mkdtemp(rig.dir));
	snprintf(rig.path, sizeof(rig.path), "%s/s", rig.dir);
	strcpy(addr.sun_path, rig.path);
	rig.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(rig.listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(rig.listener, 1), 0);
	cr_assert_eq(ctl_connect(rig.path, fm_span_s(0), &rig.client, &rig.err), 0, "%s", rig.err.msg);
	rig.server = accept(rig.listener, NULL, NULL);
	cr_assert_geq(rig.server, 0);
	cr_assert_eq(ctl_send(rig.client, CTL_VERB_STATS, "{}", &rig.err), 0);
	return rig;
}

static void
rig_free(struct rig *rig)
{
	ctl_close(rig->client);
	close(rig->server);
	close(rig->listener);
	unlink(rig->path);
	rmdir(rig->dir);
}

static void
answer(struct rig *rig, const char *text)
{
	cr_assert_eq(write(rig->server, text, strlen(text)), (ssize_t)strlen(text));
}

static void
hang_up(struct rig *rig)
{
	cr_assert_eq(shutdown(rig->server, SHUT_WR), 0);
}

static int
next(struct rig *rig)
{
	return ctl_next(rig->client, &rig->row, &rig->len, &rig->code, &rig->err);
}

#define assert_row(rig, text) \
	do { \
		cr_assert_eq(next(rig), 1, "%s", (rig)->err.msg); \
		cr_assert_eq((rig)->len, strlen(text)); \
		cr_assert_eq(memcmp((rig)->row, text, (rig)->len), 0); \
	} while (0)

Test(client, sends_a_line_that_the_request_parser_takes)
{
	struct rig rig = rig_new();
	struct ctl_request rq;
	char line[200];

	ssize_t n = read(rig.server, line, sizeof(line));
	cr_assert_gt(n, 0);
	cr_assert_eq(line[n - 1], '\n');
	cr_assert_eq(ctl_request_parse(line, (size_t)n, &rq, NULL), 0);
	cr_assert_eq(rq.verb, CTL_VERB_STATS);
	cr_assert_eq(rq.id, 1);
	ctl_request_fini(&rq);
	rig_free(&rig);
}

Test(client, reads_the_rows_and_the_end_that_the_server_writes)
{
	struct rig rig = rig_new();
	struct fm_buf out = {0};

	ctl_reply_row(&out, 1, "{\"a\":1}", 7);
	ctl_reply_row(&out, 1, "{}", 2);
	ctl_reply_done(&out, 1, CTL_OK, NULL);
	answer(&rig, out.s);
	assert_row(&rig, "{\"a\":1}");
	assert_row(&rig, "{}");
	cr_assert_eq(next(&rig), 0);
	cr_assert_eq(rig.code, CTL_OK);
	cr_assert_str_eq(rig.err.msg, "");
	fm_buf_fini(&out);
	rig_free(&rig);
}

Test(client, joins_a_line_that_comes_in_pieces)
{
	struct rig rig = rig_new();

	answer(&rig, "{\"id\":1,\"row\":{\"a\"");
	cr_assert_eq(ctl_wait(rig.client, -1, fm_span_ms(1), &rig.err), -ETIMEDOUT);
	answer(&rig, ":1}}\n{\"id\":1,\"ro");
	cr_assert_eq(ctl_wait(rig.client, -1, fm_span_s(10), &rig.err), 1);
	assert_row(&rig, "{\"a\":1}");
	answer(&rig, "w\":{}}\n");
	assert_row(&rig, "{}");
	rig_free(&rig);
}

Test(client, gives_the_servers_code_and_reason)
{
	struct rig rig = rig_new();

	answer(&rig, "{\"id\":1,\"done\":true,\"code\":3,\"error\":\"no such alarm\"}\n");
	cr_assert_eq(next(&rig), 0);
	cr_assert_eq(rig.code, CTL_NOT_FOUND);
	cr_assert_str_eq(rig.err.msg, "no such alarm");
	rig_free(&rig);
}

Test(client, takes_an_end_for_a_request_whose_id_the_server_could_not_read)
{
	struct rig rig = rig_new();

	answer(&rig, "{\"id\":0,\"done\":true,\"code\":2}\n");
	cr_assert_eq(next(&rig), 0);
	cr_assert_eq(rig.code, CTL_USAGE);
	rig_free(&rig);
}

Test(client, a_connection_that_ends_in_the_middle_is_lost)
{
	struct rig rig = rig_new();

	answer(&rig, "{\"id\":1,\"row\":{}}\n{\"id\":1,\"row\"");
	hang_up(&rig);
	assert_row(&rig, "{}");
	cr_assert_eq(next(&rig), -ECONNRESET);
	cr_assert_not_null(strstr(rig.err.msg, rig.path));
	cr_assert_eq(next(&rig), -ECONNRESET, "and stays lost");
	rig_free(&rig);
}

Test(client, what_is_not_the_protocol_is_refused)
{
	static const char *const lines[] = {
		"HTTP/1.1 400 Bad Request\n", "\n", "[]\n", "{}\n",
		"{\"id\":2,\"row\":{}}\n",                              /* another request's */
		"{\"id\":1,\"row\":[]}\n", "{\"id\":1,\"row\":{}\n",
		"{\"id\":1,\"row\":{\"a\":1}\n",
		"{\"id\":1,\"done\":false,\"code\":0}\n", "{\"id\":1,\"done\":true}\n",
		"{\"id\":1,\"done\":true,\"code\":6}\n", "{\"id\":1,\"done\":true,\"code\":-1}\n",
		"{\"id\":2,\"done\":true,\"code\":0}\n",
		"{\"id\":1,\"done\":true,\"code\":0,\"code\":1}\n",
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(lines); i++) {
		struct rig rig = rig_new();

		answer(&rig, lines[i]);
		cr_assert_eq(next(&rig), -EPROTO, "%s", lines[i]);
		rig_free(&rig);
	}
}

Test(client, a_row_longer_than_the_limit_is_refused)
{
	struct rig rig = rig_new();
	pid_t pid = fork();

	if (pid == 0) {
		char chunk[4096];

		ctl_close(rig.client);
		memset(chunk, 'x', sizeof(chunk));
		while (send(rig.server, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	cr_assert_eq(next(&rig), -EPROTO);
	cr_assert_not_null(strstr(rig.err.msg, "longer than"));
	rig_free(&rig);
	waitpid(pid, NULL, 0);
}

Test(client, waiting_ends_when_the_other_descriptor_is_readable)
{
	struct rig rig = rig_new();
	int pipes[2];

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(write(pipes[1], "x", 1), 1);
	cr_assert_eq(ctl_wait(rig.client, pipes[0], fm_span_s(0), &rig.err), 0);
	close(pipes[0]);
	close(pipes[1]);
	rig_free(&rig);
}

Test(client, waiting_ends_when_the_server_hangs_up)
{
	struct rig rig = rig_new();

	hang_up(&rig);
	cr_assert_eq(ctl_wait(rig.client, -1, fm_span_s(0), &rig.err), 1);
	cr_assert_eq(next(&rig), -ECONNRESET);
	rig_free(&rig);
}

Test(client, a_missing_socket_is_named)
{
	struct ctl_client *c = NULL;
	struct fm_err err;

	cr_assert_eq(ctl_connect("/nonexistent/fmd.sock", fm_span_s(0), &c, &err), -ENOENT);
	cr_assert_not_null(strstr(err.msg, "/nonexistent/fmd.sock"));
	cr_assert_null(c);
	ctl_close(c);
}

Test(client, a_socket_without_a_server_refuses)
{
	struct rig rig = rig_new();
	struct ctl_client *c;

	close(rig.listener);
	cr_assert_eq(ctl_connect(rig.path, fm_span_s(0), &c, &rig.err), -ECONNREFUSED);
	rig_free(&rig);
}

/* As many as the listener takes without anybody accepting them. */
static unsigned
fill_backlog(const struct rig *rig, int fd[], unsigned max)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	unsigned n = 0;

	strcpy(addr.sun_path, rig->path);
	for (; n < max; n++) {
		fd[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fd[n], (struct sockaddr *)&addr, sizeof(addr)) < 0)
			break;
	}
	cr_assert_lt(n, max);
	cr_assert_eq(errno, EAGAIN);
	return n + 1;
}

Test(client, a_server_that_accepts_nobody_is_given_up, .timeout = 60)
{
	struct rig rig = rig_new();
	struct ctl_client *c = NULL;
	int fd[16];
	const unsigned n = fill_backlog(&rig, fd, FM_ARRAY_LEN(fd));

	cr_assert_eq(ctl_connect(rig.path, fm_span_ms(20), &c, &rig.err), -ETIMEDOUT);
	cr_assert_not_null(strstr(rig.err.msg, rig.path), "%s", rig.err.msg);
	cr_assert_not_null(strstr(rig.err.msg, "does not answer"), "%s", rig.err.msg);
	cr_assert_null(c);
	for (unsigned i = 0; i < n; i++)
		close(fd[i]);
	rig_free(&rig);
}

Test(client, a_server_that_reads_nothing_is_given_up, .timeout = 60)
{
	struct rig rig = rig_new();
	struct ctl_client *c = NULL;
	char *args = malloc(CTL_MAX_LINE - 100);
	int r = 0;

	cr_assert_not_null(args);
	memset(args, ' ', CTL_MAX_LINE - 101);
	args[CTL_MAX_LINE - 101] = '\0';
	cr_assert_eq(ctl_connect(rig.path, fm_span_ms(20), &c, &rig.err), 0, "%s", rig.err.msg);
	/* the kernel holds some of them */
	for (unsigned i = 0; i < 1000 && r == 0; i++)
		r = ctl_send(c, CTL_VERB_STATS, args, &rig.err);
	cr_assert_eq(r, -ETIMEDOUT);
	cr_assert_not_null(strstr(rig.err.msg, "does not answer"), "%s", rig.err.msg);
	free(args);
	ctl_close(c);
	rig_free(&rig);
}

Test(client, a_path_longer_than_a_socket_has_is_refused)
{
	char path[200];
	struct ctl_client *c;
	struct fm_err err;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(ctl_connect(path, fm_span_s(0), &c, &err), -ENAMETOOLONG);
	cr_assert_eq(ctl_connect("", fm_span_s(0), &c, &err), -ENAMETOOLONG);
}

Test(client, a_request_longer_than_a_line_is_not_sent)
{
	struct rig rig = rig_new();
	char *args = malloc(CTL_MAX_LINE + 1);

	cr_assert_not_null(args);
	memset(args, ' ', CTL_MAX_LINE);
	args[CTL_MAX_LINE] = '\0';
	cr_assert_eq(ctl_send(rig.client, CTL_VERB_STATS, args, &rig.err), -EINVAL);
	free(args);
	rig_free(&rig);
}
