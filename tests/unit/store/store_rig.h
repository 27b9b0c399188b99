/*
 * store_rig: a store in a directory of its own, and short ways to write and to count, for the tests
 * of store/ and of what stands on it.
 */
#ifndef STORE_RIG_H
#define STORE_RIG_H

#include "store/store_priv.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct store_rig {
	char dir[64];
	struct store_options opt;
	struct store *st;
};

#define MUST(expr) \
	do { \
		struct fm_err err = {0}; \
		int r_ = (expr); \
		cr_assert_geq(r_, 0, "%s: %d %s", #expr, r_, err.msg); \
	} while (0)

static inline void
rig_open(struct store_rig *rig)
{
	rig->opt.dir = rig->dir;
	MUST(store_open(&rig->opt, &rig->st, &err));
}

static inline void
rig_close(struct store_rig *rig)
{
	store_close(rig->st);
	rig->st = NULL;
}

static inline struct store_rig
rig_unopened(void)
{
	struct store_rig rig = {.dir = "/tmp/fmd-test-XXXXXX"};

	cr_assert_not_null(mkdtemp(rig.dir));
	rig.opt.dir = rig.dir;
	return rig;
}

static inline void
rig_remove_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

static inline void
rig_fini(struct store_rig *rig)
{
	rig_close(rig);
	rig_remove_dir(rig->dir);
}

/* An alarm of its own for every n. */
static inline struct transition
rig_transition(char entity[64], uint64_t n, enum transition_kind kind)
{
	struct transition tr = {.kind = kind, .at = {(int64_t)n * FM_NS_PER_S}, .notify = true};

	snprintf(entity, 64, "host=compute-%llu", (unsigned long long)n);
	tr.alarm.alarm_id = "200.004";
	tr.alarm.entity = entity;
	tr.alarm.severity = SEV_MAJOR;
	tr.alarm.reason_text = "first line\nsecond line";
	tr.alarm.uuid = alarm_uuid(tr.alarm.alarm_id, entity, (struct fm_time){1}, 1);
	tr.cause.kind = CAUSE_SELF;
	return tr;
}

/* Inside a cycle: one transition of the alarm n. Returns its seq. */
static inline uint64_t
rig_put(struct store_rig *rig, uint64_t n, enum transition_kind kind)
{
	char entity[64];
	struct transition tr = rig_transition(entity, n, kind);

	MUST(store_put_transition(rig->st, &tr, &err));
	return tr.seq;
}

/* One cycle with raises of the alarms from..to. */
static inline void
rig_raise(struct store_rig *rig, uint64_t from, uint64_t to)
{
	MUST(store_begin(rig->st, &err));
	for (uint64_t n = from; n <= to; n++)
		rig_put(rig, n, TR_RAISE);
	MUST(store_commit(rig->st, &err));
}

struct rig_seqs {
	uint64_t v[4096];
	size_t n;
	size_t stop_at;                 /* 0: never */
};

static inline bool
rig_take_seq(void *ctx, const struct stored_transition *tr)
{
	struct rig_seqs *seqs = ctx;

	cr_assert_lt(seqs->n, FM_ARRAY_LEN(seqs->v));
	seqs->v[seqs->n++] = tr->seq;
	return seqs->n != seqs->stop_at;
}

static inline struct rig_seqs
rig_query(struct store_rig *rig, struct store_query q)
{
	struct rig_seqs seqs = {.n = 0};

	MUST(store_transitions(rig->st, &q, rig_take_seq, &seqs, &err));
	return seqs;
}

/* Runs fn in a process that ends without closing anything, as a crash would. */
static inline void
rig_crash(struct store_rig *rig, void (*fn)(struct store_rig *rig))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn(rig);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
