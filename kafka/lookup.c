/*
 * lookup: the thread that asks brokers what librdkafka only answers while its caller waits. Knows
 * nothing about what the answers are used for.
 */
#include "kafka/lookup_priv.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOKUP_TIMEOUT_MS 1000

struct lookup {
	/* immutable */
	rd_kafka_t *rk;
	int ask_fd, wake_fd;
	pthread_t thread;
	/* shared: the newest question and answer are the only ones that count */
	_Atomic(struct lookup_answer *) slot;
	_Atomic(struct lookup_extents *) question, extents;
	_Atomic(struct lookup_extent *) nudged;
	atomic_bool metadata_wanted, stop;
};

static void
poke(int fd)
{
	uint64_t one = 1;
	/* It can only fail when the counter is full, and then the reader is awake already. */
	ssize_t n = write(fd, &one, sizeof(one));
	(void)n;
}

void
lookup_answer_free(struct lookup_answer *a)
{
	if (a == NULL)
		return;
	if (a->md != NULL)
		rd_kafka_metadata_destroy(a->md);
	free(a);
}

static void
look_up(struct lookup *lk)
{
	struct lookup_answer *a = fm_calloc(1, sizeof(*a));
	a->code = rd_kafka_metadata(lk->rk, 0, NULL, &a->md, LOOKUP_TIMEOUT_MS);
	lookup_answer_free(atomic_exchange(&lk->slot, a));
	poke(lk->wake_fd);
}

/* After one that got no answer in time the rest would not either. */
static void
measure(struct lookup *lk, struct lookup_extents *x)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

	for (unsigned i = 0; i < x->n; i++) {
		struct lookup_extent *e = &x->v[i];
		if (code != RD_KAFKA_RESP_ERR__TIMED_OUT && !atomic_load(&lk->stop))
			code = rd_kafka_query_watermark_offsets(lk->rk, e->topic, e->partition,
								&e->low, &e->high,
								LOOKUP_TIMEOUT_MS);
		e->code = code;
	}
	free(atomic_exchange(&lk->extents, x));
	poke(lk->wake_fd);
}

/* The request goes through the thread of the partition's leader, which then looks at its queues. */
static void
nudge(struct lookup *lk)
{
	struct lookup_extent *e = atomic_exchange(&lk->nudged, NULL);
	if (e != NULL)
		(void)rd_kafka_query_watermark_offsets(lk->rk, e->topic, e->partition, &e->low,
						       &e->high, LOOKUP_TIMEOUT_MS);
	free(e);
}

static void *
run(void *arg)
{
	struct lookup *lk = arg;
	uint64_t n;
	while (read(lk->ask_fd, &n, sizeof(n)) == (ssize_t)sizeof(n) && !atomic_load(&lk->stop)) {
		nudge(lk);
		if (atomic_exchange(&lk->metadata_wanted, false))
			look_up(lk);
		struct lookup_extents *x = atomic_exchange(&lk->question, NULL);
		if (x != NULL)
			measure(lk, x);
	}
	return NULL;
}

/* Signals belong to the main thread: a new thread inherits the mask it is made under. */
static int
start_thread(struct lookup *lk)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&lk->thread, NULL, run, lk);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int
lookup_new(rd_kafka_t *rk, int wake_fd, struct lookup **ret, struct fm_err *err)
{
	struct lookup *lk = fm_calloc(1, sizeof(*lk));
	lk->rk = rk;
	lk->wake_fd = wake_fd;
	lk->ask_fd = eventfd(0, EFD_CLOEXEC);
	int r = lk->ask_fd < 0 ? -errno : start_thread(lk);
	if (r < 0) {
		if (lk->ask_fd >= 0)
			close(lk->ask_fd);
		free(lk);
		return fm_fail(err, r, "kafka: cannot start the metadata thread: %s", strerror(-r));
	}
	*ret = lk;
	return 0;
}

void
lookup_free(struct lookup *lk)
{
	if (lk == NULL)
		return;
	atomic_store(&lk->stop, true);
	poke(lk->ask_fd);
	pthread_join(lk->thread, NULL);
	close(lk->ask_fd);
	lookup_answer_free(atomic_load(&lk->slot));
	free(atomic_load(&lk->question));
	free(atomic_load(&lk->extents));
	free(atomic_load(&lk->nudged));
	free(lk);
}

void
lookup_ask(struct lookup *lk)
{
	atomic_store(&lk->metadata_wanted, true);
	poke(lk->ask_fd);
}

struct lookup_answer *
lookup_take(struct lookup *lk)
{
	return atomic_exchange(&lk->slot, NULL);
}

void
lookup_ask_extents(struct lookup *lk, struct lookup_extents *x)
{
	free(atomic_exchange(&lk->question, x));
	poke(lk->ask_fd);
}

struct lookup_extents *
lookup_take_extents(struct lookup *lk)
{
	return atomic_exchange(&lk->extents, NULL);
}

void
lookup_nudge(struct lookup *lk, const char *topic, int32_t partition)
{
	struct lookup_extent *e = fm_malloc(sizeof(*e));
	*e = (struct lookup_extent){.topic = topic, .partition = partition};
	free(atomic_exchange(&lk->nudged, e));
	poke(lk->ask_fd);
}
