/* journal: whole lines, in order, whatever it writes to. */
#include "notify/notify.h"
#include "tests/unit/store/store_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct rig {
	struct store_rig store;
	struct outbox *ob;
	char path[128];
};

static struct rig
rig_new(void)
{
	struct rig rig = {.store = rig_unopened()};

	rig_open(&rig.store);
	rig.ob = outbox_new(rig.store.st);
	snprintf(rig.path, sizeof(rig.path), "%s/journal", rig.store.dir);
	return rig;
}

static void
rig_end(struct rig *rig)
{
	outbox_free(rig->ob);
	rig_fini(&rig->store);
}

static int
open_journal(struct rig *rig, int mode)
{
	int fd = open(rig->path, mode | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	outbox_add(rig->ob, journal_sink_new(fd), false);
	return fd;
}

static void
pump_all(struct rig *rig, struct fm_time now)
{
	while (outbox_pump(rig->ob, now))
		;
}

/* Reads lines from f; each is a record, and they go from seq first on. Returns how many. */
static uint64_t
expect_lines(FILE *f, uint64_t first)
{
	char *line = NULL, want[128];
	size_t cap = 0;
	ssize_t len;
	uint64_t n = 0;

	while ((len = getline(&line, &cap, f)) > 0) {
		snprintf(want, sizeof(want), "\"seq\":%llu,", (unsigned long long)(first + n));
		cr_assert(strncmp(line, "{\"schema\":", 10) == 0, "%s", line);
		cr_assert(strstr(line, want) != NULL, "%s not in %s", want, line);
		cr_assert_eq(line[len - 1], '\n');
		cr_assert_eq(line[len - 2], '}');
		n++;
	}
	free(line);
	return n;
}

static uint64_t
expect_file(struct rig *rig, uint64_t first)
{
	FILE *f = fopen(rig->path, "re");
	uint64_t n = expect_lines(f, first);

	fclose(f);
	return n;
}

Test(journal, writes_a_line_a_transition_even_if_its_text_has_two)
{
	struct rig rig = rig_new();
	int fd = open_journal(&rig, O_RDWR);

	rig_raise(&rig.store, 1, 300);
	pump_all(&rig, (struct fm_time){1});
	cr_expect_eq(outbox_floor(rig.ob), 300);
	cr_expect_eq(expect_file(&rig, 1), 300);
	rig_end(&rig);
	close(fd);
}

/* What the file has before the records 1 and 2. */
static void
expect_before(const char *before, int mode, const char *stays)
{
	struct rig rig = rig_new();
	char line[64] = "", *got = line;
	FILE *f = fopen(rig.path, "ae");

	fputs(before, f);
	fclose(f);
	int fd = open_journal(&rig, mode);
	rig_raise(&rig.store, 1, 2);
	pump_all(&rig, (struct fm_time){1});
	f = fopen(rig.path, "re");
	for (size_t i = 0; i < strlen(stays); i++)
		*got++ = (char)getc(f);
	cr_expect_str_eq(line, stays);
	cr_expect_eq(expect_lines(f, 1), 2);
	fclose(f);
	rig_end(&rig);
	close(fd);
}

Test(journal, cuts_off_the_line_that_a_crash_tore)
{
	expect_before("{\"schema\":\"fm.trans", O_RDWR, "");
	expect_before("{\"a\":1}\n{\"schema\":\"fm.trans", O_RDWR, "{\"a\":1}\n");
	expect_before("{\"a\":1}\n", O_RDWR, "{\"a\":1}\n");
}

Test(journal, ends_it_when_it_is_no_record_or_may_not_be_read)
{
	expect_before("not of ours", O_RDWR, "not of ours\n");
	expect_before("{\"schema\":\"fm.trans", O_WRONLY, "{\"schema\":\"fm.trans\n");
}

static void
set_file_limit(rlim_t bytes)
{
	struct rlimit lim;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void
expect_waiting(void *ctx, const struct sink_stats *s)
{
	(void)ctx;
	cr_expect_str_eq(s->state, "waiting for the disk");
	cr_expect_not_null(s->last_error);
}

/* As on a full disk: of the line that does not fit there is nothing, and it comes whole. */
Test(journal, leaves_nothing_of_a_line_that_does_not_fit)
{
	struct rig rig = rig_new();
	struct fm_time now = {1};
	int fd = open_journal(&rig, O_RDWR);
	struct stat st;

	(void)signal(SIGXFSZ, SIG_IGN);
	rig_raise(&rig.store, 1, 1);
	pump_all(&rig, now);
	cr_assert_eq(fstat(fd, &st), 0);
	rig_raise(&rig.store, 2, 3);
	set_file_limit((rlim_t)st.st_size + 100);
	pump_all(&rig, now);
	cr_expect_eq(outbox_floor(rig.ob), 1);
	cr_expect_eq(expect_file(&rig, 1), 1);
	outbox_each(rig.ob, expect_waiting, NULL);
	set_file_limit(RLIM_INFINITY);
	cr_assert(outbox_next_retry(rig.ob, &now));
	pump_all(&rig, now);
	cr_expect_eq(outbox_floor(rig.ob), 3);
	cr_expect_eq(expect_file(&rig, 1), 3);
	rig_end(&rig);
	close(fd);
}

/* A pipe takes a line whole or not at all unless it is longer than PIPE_BUF. */
static void
raise_long(struct rig *rig, unsigned n)
{
	char text[FM_MAX_TEXT];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	MUST(store_begin(rig->store.st, &err));
	for (unsigned i = 0; i < n; i++) {
		char entity[64];
		struct transition tr = rig_transition(entity, i, TR_RAISE);
		tr.alarm.reason_text = text;
		MUST(store_put_transition(rig->store.st, &tr, &err));
	}
	MUST(store_commit(rig->store.st, &err));
}

/* Moves what is in the pipe, at most len bytes, to where it can be read by lines. */
static void
move(int from, FILE *to, size_t len)
{
	char buf[8192];
	ssize_t n = read(from, buf, len < sizeof(buf) ? len : sizeof(buf));

	if (n > 0)
		cr_assert_eq(fwrite(buf, 1, (size_t)n, to), (size_t)n);
}

Test(journal, goes_on_within_a_line_when_a_full_pipe_is_read)
{
	struct rig rig = rig_new();
	struct fm_time now = {FM_NS_PER_S};
	int fd[2];

	cr_assert_eq(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
	cr_assert_gt(fcntl(fd[1], F_SETPIPE_SZ, 4096), 0);
	outbox_add(rig.ob, journal_sink_new(fd[1]), false);
	raise_long(&rig, 20);
	FILE *copy = fopen(rig.path, "we+");
	for (int i = 0; i < 500 && outbox_floor(rig.ob) < 20; i++) {
		pump_all(&rig, now);
		move(fd[0], copy, 700);
		(void)outbox_next_retry(rig.ob, &now);
	}
	move(fd[0], copy, 8192);
	rewind(copy);
	cr_expect_eq(expect_lines(copy, 1), 20);
	fclose(copy);
	rig_end(&rig);
	close(fd[0]);
	close(fd[1]);
}

static void
expect_error(void *ctx, const struct sink_stats *s)
{
	(void)ctx;
	cr_expect_eq(s->acked, 0);
	cr_expect_not_null(s->last_error);
	cr_expect_str_eq(s->state, "writing");
}

Test(journal, keeps_what_it_cannot_write)
{
	struct rig rig = rig_new();
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	outbox_add(rig.ob, journal_sink_new(fd), false);
	rig_raise(&rig.store, 1, 2);
	pump_all(&rig, (struct fm_time){1});
	outbox_each(rig.ob, expect_error, NULL);
	rig_end(&rig);
	close(fd);
}
