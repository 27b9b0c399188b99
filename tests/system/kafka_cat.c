/* LINK: fm_kafka */
/*
 * kafka_cat: kafka/ by itself, for tests against a real Kafka. One line of JSON-free text per
 * happening on stdout, commands on stdin; ends with stdin.
 *
 *   kafka_cat read BROKERS START TOPIC...     START: earliest|latest
 *     in:  at TOPIC PARTITION NEXT_OFFSET HASH  (before "go": a stored position)
 *          go | status | resume TOPIC PARTITION earliest|latest
 *     out: record TOPIC PARTITION OFFSET MS HASH TEXT | notice N TOPIC PARTITION TEXT
 *          lost TOPIC PARTITION WANTED LOW HIGH anew|deleted
 *          caught-up 0|1 (when it changes) | status 0|1 (the same, when asked)
 *          slowest US                         (the longest turn, when it ends)
 *   kafka_cat write BROKERS
 *     in:  KIND ALARM_ID ENTITY TEXT          (a transition; sequence numbers count from 1)
 *     out: acked SEQ | failed TEXT | notice …
 */
#include "kafka/kafka.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MAX_POSITIONS 64
#define MAX_PENDING 100000

struct command {
	char *words[5];
	int n;
};

struct lines {
	char buf[1 << 16];
	size_t len;
	bool ended;
};

static struct fm_time
now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct fm_time){ts.tv_sec * FM_NS_PER_S + ts.tv_nsec};
}

static void
notice(void *ctx, enum kafka_notice what, const char *topic, int32_t part, const char *text)
{
	(void)ctx;
	printf("notice %d %s %d %s\n", what, topic != NULL ? topic : "-", part, text);
}

/* Waits for stdin or fd; stdin is read without blocking. */
static void
wait_for(struct lines *in, int fd, int ms)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
			      {.fd = in->ended ? -1 : STDIN_FILENO, .events = POLLIN}};
	fflush(stdout);
	if (poll(p, 2, ms) <= 0 || (p[1].revents & (POLLIN | POLLHUP)) == 0 ||
	    in->len == sizeof(in->buf))
		return;
	ssize_t n = read(STDIN_FILENO, in->buf + in->len, sizeof(in->buf) - in->len);
	if (n > 0)
		in->len += (size_t)n;
	else if (n == 0)
		in->ended = true;
}

/* Splits off one line, its last word taking the rest. Free words[0]. */
static bool
next_command(struct lines *in, struct command *c)
{
	char *nl = memchr(in->buf, '\n', in->len), *save = NULL;
	if (nl == NULL)
		return false;
	size_t n = (size_t)(nl - in->buf);
	char *line = fm_strndup(in->buf, n);
	memmove(in->buf, nl + 1, in->len - n - 1);
	in->len -= n + 1;
	c->n = 0;
	for (char *w = strtok_r(line, " ", &save); w != NULL && c->n < 5; c->n++) {
		c->words[c->n] = w;
		w = strtok_r(NULL, c->n == 3 ? "" : " ", &save);
	}
	if (c->n == 0)
		free(line);
	return c->n > 0;
}

/* ---- read -------------------------------------------------------------------------------- */

struct reader {
	struct lines in;
	struct store_position pos[MAX_POSITIONS];
	unsigned n_pos;
	struct kafka_source *src;
	bool caught_up;
	int64_t slowest_ns;
};

static bool
position(void *ctx, const char *topic, int32_t part, struct store_position *ret)
{
	const struct reader *r = ctx;
	for (unsigned i = 0; i < r->n_pos; i++) {
		if (strcmp(r->pos[i].topic, topic) != 0 || r->pos[i].partition != part)
			continue;
		*ret = r->pos[i];
		return true;
	}
	return false;
}

static enum kafka_start
start_of(const char *word)
{
	return strcmp(word, "latest") == 0 ? KAFKA_LATEST : KAFKA_EARLIEST;
}

/* Left alone until "resume". */
static void
lost(void *ctx, const struct kafka_lost *l)
{
	const struct reader *r = ctx;
	printf("lost %s %d %lld %lld %lld %s\n", l->topic, l->partition, (long long)l->wanted,
	       (long long)l->low, (long long)l->high, l->anew ? "anew" : "deleted");
	kafka_source_leave_lost(r->src, l->topic, l->partition);
}

static void
resume(struct reader *r, const char *topic, int32_t part, enum kafka_start at)
{
	struct kafka_lost l;
	if (kafka_source_find_lost(r->src, topic, part, &l) < 0 ||
	    kafka_source_resume_lost(r->src, topic, part, at == KAFKA_LATEST ? l.high : l.low) < 0)
		printf("not lost\n");
}

/* Returns true on "go". */
static bool
obey_reader(struct reader *r, const struct command *c)
{
	if (strcmp(c->words[0], "go") == 0)
		return true;
	if (strcmp(c->words[0], "status") == 0)
		printf("status %d\n", r->caught_up);
	if (strcmp(c->words[0], "at") == 0 && c->n == 5 && r->n_pos < MAX_POSITIONS)
		r->pos[r->n_pos++] = (struct store_position){
			.topic = fm_strdup(c->words[1]), .partition = atoi(c->words[2]),
			.next_offset = atoll(c->words[3]), .last_hash = strtoull(c->words[4], NULL, 10),
		};
	if (strcmp(c->words[0], "resume") == 0 && c->n == 4)
		resume(r, c->words[1], atoi(c->words[2]), start_of(c->words[3]));
	return false;
}

static void
print_record(const struct kafka_record *rec)
{
	printf("record %s %d %lld %lld %llu %.*s\n", rec->topic, rec->partition,
	       (long long)rec->offset, (long long)(rec->ts.ns / FM_NS_PER_MS),
	       (unsigned long long)kafka_record_hash(rec->p, rec->len, rec->ts), (int)rec->len,
	       rec->p != NULL ? (const char *)rec->p : "");
}

/* One turn of a main loop, timed. */
static void
turn(struct reader *r)
{
	struct kafka_record rec;
	struct fm_time begin = now();
	kafka_source_tick(r->src, begin);
	int got = 1;
	for (int i = 0; i < 1000 && (got = kafka_source_next(r->src, &rec)) == 1; i++)
		print_record(&rec);
	bool up = kafka_source_caught_up(r->src);
	int64_t took = fm_time_diff(now(), begin).ns;
	r->slowest_ns = took > r->slowest_ns ? took : r->slowest_ns;
	if (up != r->caught_up)
		printf("caught-up %d\n", up);
	r->caught_up = up;
	wait_for(&r->in, kafka_source_fd(r->src), got == 1 ? 0 : 500);
}

static void
before_go(struct reader *r)
{
	struct command c;
	for (bool go = false; !go && !r->in.ended;) {
		wait_for(&r->in, -1, 1000);
		while (!go && next_command(&r->in, &c)) {
			go = obey_reader(r, &c);
			free(c.words[0]);
		}
	}
}

static int
read_all(int argc, char **argv)
{
	static struct reader r;
	struct fm_err err;
	before_go(&r);
	struct kafka_source_options opt = {
		.conf = {.brokers = argv[2], .client_id = "kafka_cat"},
		.topics = (const char *const *)(argv + 4), .n_topics = (unsigned)argc - 4,
		.start = start_of(argv[3]), .position = position, .lost = lost, .notice = notice,
		.ctx = &r,
	};
	if (kafka_source_new(&opt, &r.src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	while (!r.in.ended) {
		struct command c;
		turn(&r);
		while (next_command(&r.in, &c)) {
			obey_reader(&r, &c);
			free(c.words[0]);
		}
	}
	printf("slowest %lld\n", (long long)(r.slowest_ns / FM_NS_PER_US));
	kafka_source_free(r.src);
	for (unsigned i = 0; i < r.n_pos; i++)
		fm_freep(&r.pos[i].topic);
	return 0;
}

/* ---- write: a minimal outbox ------------------------------------------------------------- */

struct outbox {
	struct command pending[MAX_PENDING];    /* by sequence number - 1 */
	uint64_t n, offered, acked;
};

void
outbox_acked(struct sink *s, uint64_t seq)
{
	s->outbox->acked = seq;
	printf("acked %llu\n", (unsigned long long)seq);
}

void
outbox_ready(struct sink *s)
{
	(void)s;        /* every turn offers */
}

void
outbox_failed(struct sink *s, struct fm_time at, const char *why)
{
	(void)at;
	printf("failed %s\n", why);
	s->ops->reset(s);
	s->outbox->offered = s->outbox->acked;
}

static int
offer(struct sink *s, const struct command *c, uint64_t seq)
{
	enum transition_kind kind = TR_LOG;
	if (!transition_kind_parse(c->words[0], strlen(c->words[0]), &kind))
		fprintf(stderr, "no kind %s\n", c->words[0]);
	size_t alarm_len = strlen(c->words[3]);
	char *json = fm_asprintf("{\"seq\":%llu,\"alarm\":%s}", (unsigned long long)seq, c->words[3]);
	struct stored_transition tr = {
		.seq = seq, .kind = kind, .at = {1700000000LL * FM_NS_PER_S}, .alarm_id = c->words[1],
		.entity = c->words[2], .json = json, .len = strlen(json), .alarm_len = alarm_len,
	};
	int r = s->ops->offer(s, &tr);
	free(json);
	return r;
}

static int
write_all(char **argv)
{
	static struct outbox ob;
	static struct lines in;
	struct kafka_sink *ks;
	struct fm_err err;
	struct kafka_sink_options opt = {
		.conf = {.brokers = argv[2], .client_id = "kafka_cat"}, .alarms_topic = "fm.alarms",
		.transitions_topic = "fm.transitions", .quarantine_topic = "fm.quarantine",
		.stream = "s1", .source = "fmd/test/s1", .notice = notice,
	};
	if (kafka_sink_new(&opt, &ks, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	struct sink *s = kafka_sink_as_sink(ks);
	s->outbox = &ob;
	while (!in.ended) {
		wait_for(&in, kafka_sink_fd(ks), 200);
		while (ob.n < MAX_PENDING && next_command(&in, &ob.pending[ob.n]))
			ob.n += ob.pending[ob.n].n >= 4;
		while (ob.offered < ob.n && offer(s, &ob.pending[ob.offered], ob.offered + 1) == 0)
			ob.offered++;
		kafka_sink_poll(ks, now());
	}
	s->ops->close(s);
	for (uint64_t i = 0; i < ob.n; i++)
		free(ob.pending[i].words[0]);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[1], "read") == 0)
		return read_all(argc, argv);
	if (argc == 3 && strcmp(argv[1], "write") == 0)
		return write_all(argv);
	fprintf(stderr, "usage: kafka_cat read BROKERS earliest|latest TOPIC... | write BROKERS\n");
	return 2;
}
