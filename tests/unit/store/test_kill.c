/* A writer killed at any moment: what it had committed is there, whole, and nothing else. */
#include "tests/unit/store/store_rig.h"

#include <signal.h>

#define ROUNDS 18

static uint64_t
next_random(uint64_t *state)
{
	*state = fm_hash64(state, sizeof(*state), 1);
	return *state;
}

/*
 * Every cycle: one to seven transitions, a row and a position that both name the last of them. Each
 * commit is told to the parent; some are followed by a checkpoint or a trim.
 */
static void
write_cycles(struct store_rig *rig, int told_fd, uint64_t seed)
{
	rig->opt.max_transitions = 150;
	rig_open(rig);
	for (;;) {
		uint64_t last = 0, n = next_random(&seed) % 7 + 1;
		MUST(store_begin(rig->st, &err));
		for (uint64_t i = 0; i < n; i++)
			last = rig_put(rig, next_random(&seed) % 40, TR_RAISE);
		struct row row = {
			.kind = ROW_KEPT, .u.kept = {.name = "last", .num = (int64_t)last},
		};
		struct store_position pos = {"topic", 0, (int64_t)last, last, {1}};
		MUST(store_put_row(rig->st, &row, &err));
		MUST(store_put_position(rig->st, &pos, &err));
		MUST(store_commit(rig->st, &err));
		if (write(told_fd, &last, sizeof(last)) != (ssize_t)sizeof(last))
			_exit(1);
		if (next_random(&seed) % 16 == 0)
			MUST(store_checkpoint_now(rig->st, &err));
		if (next_random(&seed) % 16 == 0)
			MUST(store_trim(rig->st, (struct fm_time){1}, &(struct store_readers){0}, 1000,
					&err));
	}
}

/* Kills the writer some commits on. Returns the last seq it told of. */
static uint64_t
kill_a_writer(struct store_rig *rig, uint64_t *seed)
{
	uint64_t told = 0, commits = next_random(seed) % 60 + 1, child_seed = next_random(seed);
	int pipe_fd[2];

	cr_assert_eq(pipe(pipe_fd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(pipe_fd[0]);
		write_cycles(rig, pipe_fd[1], child_seed);
	}
	close(pipe_fd[1]);
	for (uint64_t i = 0; i < commits; i++)
		cr_assert_eq(read(pipe_fd[0], &told, sizeof(told)), (ssize_t)sizeof(told));
	/* Let it get somewhere between two commits: by work, for a sleep would end near one. */
	for (uint64_t i = next_random(seed) % 200000; i > 0; i--)
		next_random(seed);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	while (read(pipe_fd[0], &told, sizeof(told)) == (ssize_t)sizeof(told))
		;
	close(pipe_fd[0]);
	return told;
}

static void
expect_next_offset(void *ctx, const struct store_position *pos)
{
	cr_expect_eq((uint64_t)pos->next_offset, store_last_seq(ctx));
}

static void
expect_last(void *ctx, const struct row *row)
{
	cr_expect_eq((uint64_t)row->u.kept.num, store_last_seq(ctx));
}

/* By the chains: every transition kept is found under its alarm, and none twice. */
static size_t
count_by_alarm(struct store_rig *rig)
{
	size_t n = 0;

	for (uint64_t i = 0; i < 40; i++) {
		char entity[64];
		struct transition tr = rig_transition(entity, i, TR_RAISE);
		n += rig_query(rig, (struct store_query){.kind = -1, .entity = entity,
				.alarm_id = tr.alarm.alarm_id}).n;
	}
	return n;
}

Test(kill, at_any_moment_leaves_whole_cycles_and_all_that_were_told_of, .timeout = 120)
{
	struct store_rig rig = rig_unopened();
	uint64_t seed = 20261124;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t told = kill_a_writer(&rig, &seed);
		rig_open(&rig);
		cr_expect_geq(store_last_seq(rig.st), told);
		struct rig_seqs seqs = rig_query(&rig, (struct store_query){.kind = -1});
		cr_assert_gt(seqs.n, 0);
		for (size_t i = 0; i < seqs.n; i++)
			cr_assert_eq(seqs.v[i], seqs.v[0] + i);
		cr_expect_eq(seqs.v[0], store_oldest_seq(rig.st));
		cr_expect_eq(seqs.v[seqs.n - 1], store_last_seq(rig.st));
		cr_expect_eq(count_by_alarm(&rig), seqs.n);
		MUST(store_each_position(rig.st, expect_next_offset, rig.st, &err));
		MUST(store_each_row(rig.st, expect_last, rig.st, &err));
		rig_close(&rig);
	}
	rig_fini(&rig);
}
