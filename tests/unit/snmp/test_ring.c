#include "rig.h"

#include <pthread.h>
#include <sched.h>

enum { PASSED = 100000 };

Test(ring, gives_back_what_it_took_in_order_and_never_more_than_it_holds)
{
	struct fmagent_ring r;
	int *slot;

	fmagent_ring_init(&r, sizeof(int), 4);
	cr_assert_null(fmagent_ring_peek(&r));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			slot = fmagent_ring_slot(&r);
			cr_assert_not_null(slot);
			*slot = 10 * round + i;
			fmagent_ring_push(&r);
		}
		cr_assert_null(fmagent_ring_slot(&r));
		for (int i = 0; i < 4; i++) {
			slot = fmagent_ring_peek(&r);
			cr_assert_eq(*slot, 10 * round + i);
			fmagent_ring_pop(&r);
		}
		cr_assert_null(fmagent_ring_peek(&r));
	}
	fmagent_ring_fini(&r);
}

Test(ring, positions_survive_the_wrap_of_their_type)
{
	struct fmagent_ring r;

	fmagent_ring_init(&r, sizeof(int), 2);
	atomic_store(&r.head, UINT32_MAX);
	atomic_store(&r.tail, UINT32_MAX);
	for (int i = 0; i < 2; i++) {
		*(int *)fmagent_ring_slot(&r) = i;
		fmagent_ring_push(&r);
	}
	cr_assert_null(fmagent_ring_slot(&r));
	cr_assert_eq(*(int *)fmagent_ring_peek(&r), 0);
	fmagent_ring_pop(&r);
	cr_assert_eq(*(int *)fmagent_ring_peek(&r), 1);
	fmagent_ring_fini(&r);
}

static void *
push_all(void *arg)
{
	struct fmagent_ring *r = arg;
	int *slot;

	for (int i = 0; i < PASSED; i++) {
		while ((slot = fmagent_ring_slot(r)) == NULL)
			sched_yield();
		*slot = i;
		fmagent_ring_push(r);
	}
	return NULL;
}

/* With ThreadSanitizer this also asks whether the positions carry the elements across. */
Test(ring, one_thread_gets_in_order_what_another_puts_in, .timeout = 60)
{
	struct fmagent_ring r;
	pthread_t thread;
	int *slot;

	fmagent_ring_init(&r, sizeof(int), 8);
	cr_assert_eq(pthread_create(&thread, NULL, push_all, &r), 0);
	for (int i = 0; i < PASSED; i++) {
		while ((slot = fmagent_ring_peek(&r)) == NULL)
			sched_yield();
		cr_assert_eq(*slot, i);
		fmagent_ring_pop(&r);
	}
	cr_assert_null(fmagent_ring_peek(&r));
	pthread_join(thread, NULL);
	fmagent_ring_fini(&r);
}
