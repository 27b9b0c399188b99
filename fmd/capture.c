/*
 * capture: "fmd --capture": the input topics, or a part of them by time, into a file that "fm
 * replay" reads. The records come through the same source as the daemon's, so they stand in the
 * order in which it would read them. It keeps no position and changes nothing.
 */
#include "fmd/capture_priv.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "offline/offline.h"

#define SILENCE_S 30            /* without a record or a broker: give up */
#define WAIT_MS 200
#define TICK_EVERY 1024         /* records */
#define BUFFER (256u << 10)

struct capturing {
	const struct capture_options *opt;
	struct kafka_source *src;
	FILE *f;
	struct fm_buf line;
	int64_t heard_ns;               /* monotonic; of the last record, or of the start */
	uint64_t n, skipped;
	bool ended;                     /* a record behind "to" */
	struct fm_err err;              /* what the source will not recover from; code 0: nothing */
};

static bool
from_the_start(void *ctx, const char *topic, int32_t partition, struct store_position *ret)
{
	(void)ctx;
	(void)topic;
	(void)partition;
	(void)ret;
	return false;
}

static void
on_notice(void *ctx, enum kafka_notice what, const char *topic, int32_t partition, const char *text)
{
	struct capturing *c = ctx;

	log_line(what == KAFKA_INFO ? LOG_DEBUG : LOG_WARNING, "kafka", "%s%s%s",
		 topic != NULL ? topic : "", topic != NULL ? ": " : "", text);
	if (what == KAFKA_FATAL)
		(void)fm_fail(&c->err, -EIO, "partition %d: %s", partition, text);
}

static void
take(struct capturing *c, const struct kafka_record *rec)
{
	const struct offline_record out = {.topic = rec->topic, .partition = rec->partition,
		.offset = rec->offset, .ts = rec->ts, .p = rec->p, .len = rec->len};

	if (fm_time_before(rec->ts, c->opt->from)) {
		c->skipped++;
		return;
	}
	/* The earliest of all partitions is behind it, so everything that is left is. */
	if (c->opt->to.ns != 0 && fm_time_before(c->opt->to, rec->ts)) {
		c->ended = true;
		return;
	}
	fm_buf_reset(&c->line);
	capture_put(&c->line, &out);
	if (fwrite(c->line.s, 1, c->line.len, c->f) != c->line.len)
		(void)fm_fail(&c->err, -errno, "%s: %m", c->opt->path);
	c->n++;
}

static bool
is_done(const struct capturing *c)
{
	struct kafka_source_stats st;

	kafka_source_get_stats(c->src, &st);
	return st.reachable && kafka_source_caught_up(c->src) &&
		(st.partitions > 0 || st.missing_topics == c->opt->n_topics);
}

static int
loop(struct capturing *c)
{
	struct pollfd pfd = {.fd = kafka_source_fd(c->src), .events = POLLIN};
	struct kafka_record rec;

	c->heard_ns = clock_mono_ns();
	while (!c->ended && c->err.code == 0) {
		const bool got = kafka_source_next(c->src, &rec) > 0;

		if (got) {
			take(c, &rec);
			c->heard_ns = clock_mono_ns();
		}
		if (got && (c->n + c->skipped) % TICK_EVERY != 0)
			continue;
		kafka_source_tick(c->src, clock_wall());
		if (got)
			continue;
		if (is_done(c))
			break;
		if (clock_mono_ns() - c->heard_ns > SILENCE_S * FM_NS_PER_S)
			return fm_fail(&c->err, -ETIMEDOUT, "nothing was heard from %s for %u s",
				       c->opt->conf.brokers, SILENCE_S);
		(void)poll(&pfd, 1, WAIT_MS);
	}
	return c->err.code;
}

static FILE *
open_output(const char *path)
{
	/* What was recorded may hold names of customers: for its owner alone. */
	const int fd = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) :
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (f != NULL)
		(void)setvbuf(f, NULL, _IOFBF, BUFFER);
	else if (fd >= 0)
		close(fd);
	return f;
}

int
capture_run(const struct capture_options *opt, struct fm_err *err)
{
	struct capturing c = {.opt = opt};
	const struct kafka_source_options source = {.conf = opt->conf, .topics = opt->topics,
		.n_topics = opt->n_topics, .start = KAFKA_EARLIEST, .position = from_the_start,
		.notice = on_notice, .ctx = &c};
	int r;

	c.f = open_output(opt->path);
	if (c.f == NULL)
		return fm_fail(err, -errno, "%s: %m", opt->path);
	r = kafka_source_new(&source, &c.src, &c.err);
	if (r == 0)
		r = loop(&c);
	if (fclose(c.f) != 0 && r == 0)
		r = fm_fail(&c.err, -errno, "%s: %m", opt->path);
	kafka_source_free(c.src);
	fm_buf_fini(&c.line);
	if (r < 0)
		return fm_fail(err, r, "%s", c.err.msg);
	fprintf(stderr, "fmd: %llu records captured\n", (unsigned long long)c.n);
	return 0;
}
