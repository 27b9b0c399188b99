/*
 * C11's threads by POSIX's, for builds with ThreadSanitizer: it follows pthread_create and its kin
 * and knows nothing of thrd_create, by which librdkafka starts its threads, so that these ran into
 * a state that they do not have. Linked into every program, in front of glibc. glibc's own types are
 * POSIX's in disguise; the sizes are checked below.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#pragma GCC visibility push(default)

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "mtx_t");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "cnd_t");

struct start {
	thrd_start_t run;
	void *arg;
};

static int
result(int error)
{
	switch (error) {
	case 0: return thrd_success;
	case EBUSY: return thrd_busy;
	case ETIMEDOUT: return thrd_timedout;
	case ENOMEM: return thrd_nomem;
	}
	return thrd_error;
}

static void *
begin(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	return (void *)(intptr_t)start.run(start.arg);
}

int
thrd_create(thrd_t *thread, thrd_start_t run, void *arg)
{
	struct start *start = malloc(sizeof(*start));
	int r;

	if (start == NULL)
		return thrd_nomem;
	*start = (struct start){run, arg};
	r = pthread_create(thread, NULL, begin, start);
	if (r != 0)
		free(start);
	return result(r);
}

int
thrd_join(thrd_t thread, int *ret)
{
	void *value = NULL;
	int r = pthread_join(thread, &value);

	if (r == 0 && ret != NULL)
		*ret = (int)(intptr_t)value;
	return result(r);
}

int
thrd_detach(thrd_t thread)
{
	return result(pthread_detach(thread));
}

int
mtx_init(mtx_t *mutex, int type)
{
	pthread_mutexattr_t attr;
	int r;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE
								     : PTHREAD_MUTEX_NORMAL);
	r = pthread_mutex_init((pthread_mutex_t *)mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return result(r);
}

int
mtx_lock(mtx_t *mutex)
{
	return result(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int
mtx_trylock(mtx_t *mutex)
{
	return result(pthread_mutex_trylock((pthread_mutex_t *)mutex));
}

int
mtx_timedlock(mtx_t *mutex, const struct timespec *until)
{
	return result(pthread_mutex_timedlock((pthread_mutex_t *)mutex, until));
}

int
mtx_unlock(mtx_t *mutex)
{
	return result(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void
mtx_destroy(mtx_t *mutex)
{
	pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int
cnd_init(cnd_t *cond)
{
	return result(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

int
cnd_signal(cnd_t *cond)
{
	return result(pthread_cond_signal((pthread_cond_t *)cond));
}

int
cnd_broadcast(cnd_t *cond)
{
	return result(pthread_cond_broadcast((pthread_cond_t *)cond));
}

int
cnd_wait(cnd_t *cond, mtx_t *mutex)
{
	return result(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex));
}

int
cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
	return result(pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex,
					     until));
}

void
cnd_destroy(cnd_t *cond)
{
	pthread_cond_destroy((pthread_cond_t *)cond);
}

#pragma GCC visibility pop
