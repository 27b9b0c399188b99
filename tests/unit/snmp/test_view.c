#include "table_rig.h"

#include <pthread.h>

static void
expect_alarms(const struct fmagent_view *view, const uint32_t *want, size_t n)
{
	cr_assert_eq(view->n_alarms, n);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(view->alarms[i]->index, want[i], "row %zu is %u", i,
			     view->alarms[i]->index);
}
#define EXPECT_ALARMS(view, ...) expect_alarms(view, (const uint32_t[]){__VA_ARGS__}, \
	FM_ARRAY_LEN(((const uint32_t[]){__VA_ARGS__})))

Test(view, has_the_alarms_in_the_order_of_their_rows)
{
	struct fmagent_replica rep;
	struct fmagent_view *view;

	fmagent_replica_init(&rep, 0);
	for (size_t i = 0; i < 5; i++)
		rig_show_alarm(&rep, (const uint64_t[]){7, 3, 9, 1, 8}[i]);
	view = rig_view(&rep, NULL);
	EXPECT_ALARMS(view, 1, 3, 7, 8, 9);
	fmagent_replica_remove(&rep, 7);
	fmagent_replica_remove(&rep, 4);
	rig_show_alarm(&rep, 2);
	view = rig_view(&rep, view);
	EXPECT_ALARMS(view, 1, 2, 3, 8, 9);
	fmagent_replica_fini(&rep, view);
}

Test(view, is_handed_over_only_when_something_has_changed)
{
	struct fmagent_replica rep;

	fmagent_replica_init(&rep, 4);
	cr_assert(fmagent_replica_publish(&rep), "an empty table is news at first");
	cr_assert_not(fmagent_replica_publish(&rep));
	rig_show_alarm(&rep, 1);
	cr_assert(fmagent_replica_publish(&rep));
	fmagent_replica_remove(&rep, 2);
	cr_assert_not(fmagent_replica_publish(&rep));
	rig_show_event(&rep, 1);
	cr_assert(fmagent_replica_publish(&rep));
	fmagent_replica_fini(&rep, NULL);
}

Test(view, stays_as_it_was_when_taken)
{
	struct fmagent_replica rep;
	struct fmagent_view *view;
	struct transition tr = rig_nth(5);

	fmagent_replica_init(&rep, 1);
	rig_show_alarm(&rep, 5);
	rig_show_alarm(&rep, 6);
	rig_show_event(&rep, 5);
	view = rig_view(&rep, NULL);
	const struct fmagent_row *row = view->alarms[0];
	const struct fmagent_event *ev = view->events[0];

	tr.alarm.reason_text = "another";
	fmagent_replica_alarm(&rep, &tr.alarm, &rig_names);
	fmagent_replica_remove(&rep, 6);
	rig_show_event(&rep, 6);
	cr_assert(fmagent_replica_publish(&rep));
	cr_assert(!fmagent_replica_publish(&rep));
	EXPECT_ALARMS(view, 5, 6);
	cr_assert_eq(view->alarms[0], row);
	cr_assert_eq(row->v[FMAGENT_REASON].len, strlen("Instance i1 is live migrating"));
	cr_assert_eq(ev->index, 5);
	cr_assert_eq(rep.n_dead, 3, "what the view holds is not freed under it");
	view = fmagent_replica_take(&rep, view);
	EXPECT_ALARMS(view, 5);
	cr_assert_eq(view->alarms[0]->v[FMAGENT_REASON].len, strlen("another"));
	cr_assert_not(fmagent_replica_publish(&rep));
	cr_assert_eq(rep.n_dead, 0, "and is freed when the view is gone");
	fmagent_replica_fini(&rep, view);
}

Test(view, of_what_came_and_went_unseen_nothing_is_kept)
{
	struct fmagent_replica rep;
	struct fmagent_view *view;

	fmagent_replica_init(&rep, 2);
	view = rig_view(&rep, NULL);
	for (uint64_t n = 1; n < 1000; n++) {
		rig_show_alarm(&rep, n);
		rig_show_event(&rep, n);
		fmagent_replica_remove(&rep, n);
	}
	cr_assert_eq(rep.n_dead, 0);
	view = rig_view(&rep, view);
	cr_assert_eq(view->n_alarms, 0);
	cr_assert_eq(view->n_events, 2);
	cr_assert_eq(view->events[0]->index, 998);
	cr_assert_eq(view->events[1]->index, 999);
	fmagent_replica_fini(&rep, view);
}

Test(view, cleared_and_hidden_alarms_leave_and_held_ones_stay)
{
	struct fmagent_replica rep;
	struct fmagent_view *view = NULL;
	struct transition tr = rig_nth(1);
	const enum suppression_status hiding[] = {SUPPR_PARENT, SUPPR_SHELVED, SUPPR_OPERATOR};

	fmagent_replica_init(&rep, 0);
	for (size_t i = 0; i < FM_ARRAY_LEN(hiding); i++) {
		tr.alarm.status = SUPPR_HELD;
		fmagent_replica_alarm(&rep, &tr.alarm, &rig_names);
		view = rig_view(&rep, view);
		cr_assert_eq(view->n_alarms, 1);
		tr.alarm.status = hiding[i];
		fmagent_replica_alarm(&rep, &tr.alarm, &rig_names);
		view = rig_view(&rep, view);
		cr_assert_eq(view->n_alarms, 0);
	}
	tr.alarm.status = SUPPR_NONE;
	fmagent_replica_alarm(&rep, &tr.alarm, &rig_names);
	tr.alarm.cleared = true;
	fmagent_replica_alarm(&rep, &tr.alarm, &rig_names);
	view = rig_view(&rep, view);
	cr_assert_eq(view->n_alarms, 0);
	fmagent_replica_fini(&rep, view);
}

Test(view, events_stay_in_order_when_row_numbers_begin_anew)
{
	struct fmagent_replica rep;
	struct fmagent_view *view;

	fmagent_replica_init(&rep, 4);
	for (uint64_t i = 0; i < 6; i++)
		rig_show_event(&rep, (uint64_t)INT32_MAX - 3 + i);
	view = rig_view(&rep, NULL);
	const uint32_t want[] = {1, 2, INT32_MAX - 1, INT32_MAX};

	cr_assert_eq(view->n_events, 4);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(view->events[i]->index, want[i]);
	fmagent_replica_fini(&rep, view);
}

Test(view, only_news_become_events)
{
	struct fmagent_replica rep;
	struct fmagent_view *view;

	fmagent_replica_init(&rep, 32);
	for (int kind = 0; kind < TR_N_KINDS; kind++) {
		struct transition tr = rig_transition((enum transition_kind)kind, SEV_MINOR);

		tr.seq = (uint64_t)kind + 1;
		for (int notify = 0; notify < 2; notify++) {
			tr.notify = notify;
			struct stored_transition st = rig_stored(&tr);

			fmagent_replica_event(&rep, &st);
			free((void *)(uintptr_t)st.json);
		}
	}
	view = rig_view(&rep, NULL);
	const enum transition_kind want[] = {TR_RAISE, TR_CHANGE, TR_CLEAR, TR_UNSHELVE,
		TR_UNSUPPRESS, TR_LOG};
	cr_assert_eq(view->n_events, FM_ARRAY_LEN(want));
	for (size_t i = 0; i < FM_ARRAY_LEN(want); i++)
		cr_assert_eq(view->events[i]->tr.kind, want[i]);
	fmagent_replica_fini(&rep, view);
}

/* The other thread: reads every row of every view it gets, until it sees the last one. */
static void *
read_views(void *arg)
{
	struct fmagent_replica *rep = arg;
	struct fmagent_view *view = NULL;
	bool last = false;

	while (!last) {
		view = fmagent_replica_take(rep, view);
		for (size_t i = 0; view != NULL && i < view->n_alarms; i++) {
			cr_assert(i == 0 || view->alarms[i - 1]->index < view->alarms[i]->index);
			cr_assert_eq(view->alarms[i]->v[FMAGENT_SEVERITY].num,
				     (int32_t)(1 + view->alarms[i]->index % 4));
			last = view->alarms[i]->index == 20000;
		}
	}
	return view;
}

Test(view, can_be_read_while_main_goes_on)
{
	struct fmagent_replica rep;
	pthread_t reader;
	void *view;

	fmagent_replica_init(&rep, 0);
	cr_assert_eq(pthread_create(&reader, NULL, read_views, &rep), 0);
	for (uint64_t n = 1; n <= 20000; n++) {
		rig_show_alarm(&rep, n);
		if (n > 64)
			fmagent_replica_remove(&rep, n - 64);
		if (n % 3 == 0)
			(void)fmagent_replica_publish(&rep);
	}
	(void)fmagent_replica_publish(&rep);
	cr_assert_eq(pthread_join(reader, &view), 0);
	fmagent_replica_fini(&rep, view);
}
