/* journal: whole lines, in order, whatever it writes to. */
#include "notify/notify.h"
#include "tests/unit/store/store_rig.h"

#include <fcntl.h>

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

static void
append_torn_line(struct rig *rig)
{
	FILE *f = fopen(rig->path, "ae");

	fputs("{\"schema\":\"fm.trans", f);
	fclose(f);
}

static void
expect_torn_line_apart(int mode)
{
	struct rig rig = rig_new();
	char line[64] = "";

	append_torn_line(&rig);
	int fd = open_journal(&rig, mode);
	rig_raise(&rig.store, 1, 2);
	pump_all(&rig, (struct fm_time){1});
	FILE *f = fopen(rig.path, "re");
	cr_assert_not_null(fgets(line, sizeof(line), f));
	cr_expect_str_eq(line, "{\"schema\":\"fm.trans\n");
	cr_expect_eq(expect_lines(f, 1), 2);
	fclose(f);
	rig_end(&rig);
	close(fd);
}

Test(journal, ends_the_line_that_a_crash_tore)
{
	expect_torn_line_apart(O_RDWR);
}

Test(journal, ends_it_when_it_may_not_read_either)
{
	expect_torn_line_apart(O_WRONLY);
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
