/*
 * LINK: fm_notify fm_store
 *
 * The sinks of notify/ and a scripted one through the suite for all sinks.
 */
#include "tests/conformance/fake_sink.h"
#include "tests/conformance/sink_suite.h"

#include <fcntl.h>

/* ---- a scripted sink, which keeps what it took in flight until it settles -------- */

static void *
fake_subject_world(const char *dir)
{
	(void)dir;
	return fm_calloc(1, sizeof(struct fake_world));
}

static struct sink *
fake_subject_sink(void *world)
{
	return &fake_sink_new("fake", world)->sink;
}

static void
fake_subject_settle(void *world, struct sink *sink)
{
	struct fake_sink *f = (struct fake_sink *)sink;

	(void)world;
	if (f->answer == 0)
		fake_confirm(f);
}

static bool
fake_subject_weather(void *world, struct sink *sink, enum weather weather)
{
	static const int answers[] = {
		[WEATHER_FAIR] = 0, [WEATHER_FULL] = -EAGAIN, [WEATHER_BROKEN] = -ECONNREFUSED,
	};

	(void)world;
	((struct fake_sink *)sink)->answer = answers[weather];
	outbox_ready(sink);
	return true;
}

static size_t
fake_subject_arrived(void *world, struct arrival *ret, size_t max)
{
	const struct fake_world *w = world;

	cr_assert_leq(w->n, max);
	for (size_t i = 0; i < w->n; i++)
		ret[i] = (struct arrival){w->seq[i], w->hash[i]};
	return w->n;
}

static const struct sink_subject fake_subject = {
	fake_subject_world, free, fake_subject_sink, fake_subject_settle, fake_subject_weather,
	fake_subject_arrived,
};
SINK_SUITE(fake_sink, fake_subject)

/* ---- lines, however they got here ------------------------------------------------ */

/* What a crash tore is a line that does not end as a record does. */
static size_t
read_lines(FILE *f, struct arrival *ret, size_t max)
{
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, f)) > 0) {
		const char *seq = strstr(line, "\"seq\":");
		if (len < 3 || line[len - 2] != '}' || line[0] != '{' || seq == NULL)
			continue;
		cr_assert_lt(n, max);
		ret[n++] = (struct arrival){strtoull(seq + strlen("\"seq\":"), NULL, 10),
					    fm_hash64(line, (size_t)len - 1, 0)};
	}
	free(line);
	return n;
}

/* ---- the journal to a file ------------------------------------------------------- */

struct file_world {
	char path[128];
	int fd;
};

static void *
file_world_new(const char *dir)
{
	struct file_world *w = fm_calloc(1, sizeof(*w));

	snprintf(w->path, sizeof(w->path), "%s/journal", dir);
	w->fd = open(w->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	cr_assert_geq(w->fd, 0);
	return w;
}

static void
file_world_free(void *world)
{
	struct file_world *w = world;

	close(w->fd);
	free(w);
}

static struct sink *
file_sink(void *world)
{
	return journal_sink_new(((struct file_world *)world)->fd);
}

static void
file_settle(void *world, struct sink *sink)
{
	(void)world;
	(void)sink;
}

/* A full disk below the same descriptor. */
static bool
file_weather(void *world, struct sink *sink, enum weather weather)
{
	struct file_world *w = world;
	const char *path = weather == WEATHER_BROKEN ? "/dev/full" : w->path;

	(void)sink;
	if (weather == WEATHER_FULL)
		return false;
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
	cr_assert_eq(dup2(fd, w->fd), w->fd);
	close(fd);
	return true;
}

static size_t
file_arrived(void *world, struct arrival *ret, size_t max)
{
	FILE *f = fopen(((struct file_world *)world)->path, "re");
	size_t n = read_lines(f, ret, max);

	fclose(f);
	return n;
}

static const struct sink_subject file_subject = {
	file_world_new, file_world_free, file_sink, file_settle, file_weather, file_arrived,
};
SINK_SUITE(journal_to_file, file_subject)

/* ---- the journal to a pipe, whose reader may pause ------------------------------- */

struct pipe_world {
	FILE *read_so_far;
	int fd[2];                      /* a new pipe for each sink, as after a restart */
	bool paused;
};

static void *
pipe_world_new(const char *dir)
{
	struct pipe_world *w = fm_calloc(1, sizeof(*w));
	char path[128];

	snprintf(path, sizeof(path), "%s/received", dir);
	w->read_so_far = fopen(path, "we+");
	cr_assert_not_null(w->read_so_far);
	w->fd[0] = w->fd[1] = -1;
	return w;
}

static void
pipe_read(struct pipe_world *w)
{
	char buf[4096];
	ssize_t n;

	while (w->fd[0] >= 0 && (n = read(w->fd[0], buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, w->read_so_far);
}

static void
pipe_hang_up(struct pipe_world *w)
{
	pipe_read(w);
	if (w->fd[0] < 0)
		return;
	close(w->fd[0]);
	close(w->fd[1]);
	fputc('\n', w->read_so_far);
}

static void
pipe_world_free(void *world)
{
	struct pipe_world *w = world;

	pipe_hang_up(w);
	fclose(w->read_so_far);
	free(w);
}

static struct sink *
pipe_sink(void *world)
{
	struct pipe_world *w = world;

	pipe_hang_up(w);
	cr_assert_eq(pipe2(w->fd, O_NONBLOCK | O_CLOEXEC), 0);
	cr_assert_gt(fcntl(w->fd[1], F_SETPIPE_SZ, 4096), 0);
	return journal_sink_new(w->fd[1]);
}

static void
pipe_settle(void *world, struct sink *sink)
{
	(void)sink;
	if (!((struct pipe_world *)world)->paused)
		pipe_read(world);
}

static bool
pipe_weather(void *world, struct sink *sink, enum weather weather)
{
	(void)sink;
	((struct pipe_world *)world)->paused = weather == WEATHER_FULL;
	return weather != WEATHER_BROKEN;
}

static size_t
pipe_arrived(void *world, struct arrival *ret, size_t max)
{
	struct pipe_world *w = world;

	pipe_read(w);
	fflush(w->read_so_far);
	rewind(w->read_so_far);
	return read_lines(w->read_so_far, ret, max);
}

static const struct sink_subject pipe_subject = {
	pipe_world_new, pipe_world_free, pipe_sink, pipe_settle, pipe_weather, pipe_arrived,
};
SINK_SUITE(journal_to_pipe, pipe_subject)
