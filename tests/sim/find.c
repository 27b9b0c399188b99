/*
 * find: does the harness find what is wrong? Each deliberate fault (base/bugs.def) gets a process in
 * which it is at work, histories stopped at some of their operations and simulated worlds by turns,
 * until one of them comes out wrong. In a program of its own, fmd_sim_bugs.
 *
 *   fmd_sim_bugs find [NAME…]
 */
#ifdef FMD_SEEDED_BUGS
#include "tests/sim/sim.h"

#include "base/bug.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIVE_UP_S 600

enum fm_bug fm_bug;

static const char *const bug_name[] = {
	"",
#define BUG(id, what) #id,
#include "base/bugs.def"
#undef BUG
};
static const char *const bug_what[] = {
	"",
#define BUG(id, what) what,
#include "base/bugs.def"
#undef BUG
};

static int
call(int (*f)(int, char **), char *line)
{
	char *words[16], *rest = line, *w;
	int n = 0;

	while (n < 16 && (w = strsep(&rest, " ")) != NULL)
		words[n++] = w;
	return f(n, words);
}

/* Both by turns: every sixteenth operation of one history more, one world more. */
static void
search(void)
{
	char line[120];

	for (unsigned i = 1;; i++) {
		snprintf(line, sizeof(line), "enumerate --records 14 --seeds 1 --first %u "
			 "--shard %u/16", i, i);
		if (call(enumerate_main, line) != 0)
			_exit(1);
		snprintf(line, sizeof(line), "simulate --seed %u", i);
		if (call(simulate_main, line) != 0)
			_exit(2);
	}
}

/* The first line that says what is wrong. */
static void
read_reason(int fd, char *ret, size_t size)
{
	FILE *f = fdopen(fd, "r");

	*ret = '\0';
	rewind(f);
	while (fgets(ret, (int)size, f) != NULL)
		if (strchr(ret, ':') != NULL && *ret != ' ')
			break;
	ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
}

static bool
find(enum fm_bug bug)
{
	static const char *const by[] = {"not found", "enumerate", "simulate"};
	const double begin = wall_seconds();
	const int fd = memfd_create("out", MFD_CLOEXEC);
	char reason[100];
	int status;
	pid_t pid;

	fm_assert(fd >= 0);
	fflush(stdout);
	pid = fork();
	fm_assert(pid >= 0);
	if (pid == 0) {
		dup2(fd, 1);
		fm_bug = bug;
		alarm(GIVE_UP_S);
		search();
	}
	fm_assert(waitpid(pid, &status, 0) == pid);
	const bool crashed = WIFSIGNALED(status) &&
		(WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV);
	const int how = WIFEXITED(status) ? WEXITSTATUS(status) : crashed;

	read_reason(fd, reason, sizeof(reason));
	printf("%-18s | %6.1f s | %-9s | %s\n", bug_name[bug], wall_seconds() - begin,
	       how < 3 ? by[how] : by[0], crashed ? "a crash" : reason);
	return how == 1 || how == 2;
}

/* By name; without names, all are. */
static bool
is_asked_for(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

int
find_main(int argc, char **argv)
{
	unsigned missed = 0;

	for (int b = BUG_NONE + 1; b < BUG_N; b++)
		if (is_asked_for(bug_name[b], argc, argv) && !find((enum fm_bug)b)) {
			printf("NOT FOUND: %s\n", bug_what[b]);
			missed++;
		}
	return missed > 0;
}
#endif
