/*
 * As much of Criterion as the threaded tests use, for builds with ThreadSanitizer: Criterion's own
 * memory lies where the sanitizer has its shadow, so that it ends before the first test. Every test
 * runs in a process of its own, as there. For one source file a program: main is in here.
 */
#ifndef FMD_TSAN_CRITERION_H
#define FMD_TSAN_CRITERION_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct cr_entry {
	const char *suite, *name;       /* name: NULL for what holds for a suite */
	void (*run)(void), (*init)(void), (*fini)(void);
	double timeout;                 /* seconds */
	int signal;                     /* by which it has to end */
	struct cr_entry *next;
};

static struct cr_entry *cr_entries;
static int cr_failures;

static inline void
cr_register(struct cr_entry *e)
{
	struct cr_entry **at = &cr_entries;

	while (*at != NULL)
		at = &(*at)->next;
	*at = e;
}

#define CR_ENTRY(id, ...)                                                                          \
	static struct cr_entry id = {__VA_ARGS__};                                                 \
	static void __attribute__((constructor)) id##_register(void)                              \
	{                                                                                          \
		cr_register(&id);                                                                  \
	}
#define Test(s, n, ...)                                                                            \
	static void s##_##n##_run(void);                                                           \
	CR_ENTRY(s##_##n##_entry, .suite = #s, .name = #n, .run = s##_##n##_run, __VA_ARGS__)      \
	static void s##_##n##_run(void)
#define TestSuite(s, ...) CR_ENTRY(s##_suite_entry, .suite = #s, __VA_ARGS__)

/* The first format is ours, the second, perhaps empty, the test's. */
static inline void __attribute__((format(printf, 4, 5)))
cr_complain(const char *file, int line, const char *what, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: %s ", file, line, what);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	cr_failures++;
}

#define CR_CHECK(fatal, holds, what, ...)                                                          \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			cr_complain(__FILE__, __LINE__, what, "" __VA_ARGS__);                     \
			if (fatal)                                                                 \
				exit(1);                                                           \
		}                                                                                  \
	} while (0)
#define CR_BINARY(fatal, a, op, b, ...) CR_CHECK(fatal, (a)op(b), #a " " #op " " #b, __VA_ARGS__)
#define CR_STRINGS(fatal, a, op, b, ...)                                                           \
	CR_CHECK(fatal, strcmp(a, b) op 0, #a " " #op " " #b, __VA_ARGS__)

#define cr_assert(a, ...) CR_CHECK(true, a, #a, __VA_ARGS__)
#define cr_assert_not(a, ...) CR_CHECK(true, !(a), "not " #a, __VA_ARGS__)
#define cr_assert_null(a, ...) CR_BINARY(true, a, ==, NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...) CR_BINARY(true, a, !=, NULL, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) CR_BINARY(true, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) CR_BINARY(true, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) CR_BINARY(true, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) CR_BINARY(true, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) CR_BINARY(true, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) CR_BINARY(true, a, >=, b, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) CR_STRINGS(true, a, ==, b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) CR_STRINGS(true, a, !=, b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                                             \
	CR_CHECK(true, memcmp(a, b, n) == 0, #a " == " #b, __VA_ARGS__)
#define cr_assert_fail(...) CR_CHECK(true, false, "failed:", __VA_ARGS__)

#define cr_expect(a, ...) CR_CHECK(false, a, #a, __VA_ARGS__)
#define cr_expect_not(a, ...) CR_CHECK(false, !(a), "not " #a, __VA_ARGS__)
#define cr_expect_null(a, ...) CR_BINARY(false, a, ==, NULL, __VA_ARGS__)
#define cr_expect_not_null(a, ...) CR_BINARY(false, a, !=, NULL, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) CR_BINARY(false, a, ==, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) CR_BINARY(false, a, !=, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) CR_BINARY(false, a, <, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) CR_BINARY(false, a, <=, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) CR_BINARY(false, a, >, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) CR_BINARY(false, a, >=, b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) CR_STRINGS(false, a, ==, b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) CR_STRINGS(false, a, !=, b, __VA_ARGS__)

#define cr_log_info(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#define cr_skip_test(...)                                                                          \
	do {                                                                                       \
		fprintf(stderr, "skipped: " __VA_ARGS__);                                          \
		fputc('\n', stderr);                                                               \
		exit(0);                                                                           \
	} while (0)

static inline void
cr_call(void (*f)(void))
{
	if (f != NULL)
		f();
}

static inline void
cr_run(const struct cr_entry *e, const struct cr_entry *suite)
{
	double timeout = e->timeout > 0 ? e->timeout : suite != NULL ? suite->timeout : 0;

	alarm((unsigned)timeout);
	cr_call(suite != NULL ? suite->init : NULL);
	cr_call(e->init);
	e->run();
	cr_call(e->fini);
	cr_call(suite != NULL ? suite->fini : NULL);
	exit(cr_failures > 0);
}

static inline const struct cr_entry *
cr_suite_of(const struct cr_entry *e)
{
	const struct cr_entry *s = cr_entries;

	while (s != NULL && (s->name != NULL || strcmp(s->suite, e->suite) != 0))
		s = s->next;
	return s;
}

int
main(void)
{
	int tests = 0, failed = 0, status = 0;

	for (const struct cr_entry *e = cr_entries; e != NULL; e = e->next) {
		if (e->name == NULL)
			continue;
		fflush(NULL);
		pid_t child = fork();

		if (child == 0)
			cr_run(e, cr_suite_of(e));
		if (child < 0 || waitpid(child, &status, 0) < 0)
			return 1;
		tests++;
		if (e->signal != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == e->signal
				   : WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		failed++;
		fprintf(stderr, "FAILED %s::%s (status 0x%x)\n", e->suite, e->name,
			(unsigned)status);
	}
	fprintf(stderr, "%d tests, %d failed\n", tests, failed);
	return failed > 0;
}

#endif
