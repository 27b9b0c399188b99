/*
 * frozen: what is done when the disk gives errors again and again. One error ends the process, for
 * after a failed fsync nothing but the files is to be trusted (ADR 0009); that helps against an error
 * that passes. Against one that stays, fmd would be up for moments only, and nobody could ask it.
 *
 *                ends for its store,                     the next start
 *     RUNNING ---------------------> 1, 2, 3 in a row ------------------> FROZEN
 *        ^      self.late without                                           |
 *        +----- that: from 0 again                 ends with 74 after 5 minutes, or by SIGHUP;
 *        +------------------------------------------ the start after that is a try
 *
 * Frozen: the database is opened for reading only, nothing is written, no input is read and nobody told
 * anything; "fm" and the SNMP tables show what was stored, and 990.003, which is of this process only.
 * How often it ended stands beside the control socket, on a file system in memory; and that the state
 * was removed under it, which the state cannot tell.
 */
#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_FAILURES 3
#define FREEZE_NS (300 * FM_NS_PER_S)

/* As it lies in the file. */
struct tally {
	uint64_t failures;              /* in a row */
	int64_t last;                   /* CLOCK_BOOTTIME: the file does not outlive the boot */
	char gone[SELF_NOTE];           /* the last one: what of the state was removed; "": nothing */
};

static char *
tally_path(const struct daemon *d)
{
	return fm_asprintf("%s.failures", d->conf->socket);
}

static struct tally
read_tally(const struct daemon *d)
{
	FM_CLEANUP(fm_freep) char *path = tally_path(d);
	struct tally t = {0}, none = {0};
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const bool whole = fd >= 0 && read(fd, &t, sizeof(t)) == (ssize_t)sizeof(t);

	if (fd >= 0)
		close(fd);
	t.gone[sizeof(t.gone) - 1] = '\0';
	return whole ? t : none;
}

static void
write_tally(const struct daemon *d, const struct tally *t)
{
	FM_CLEANUP(fm_freep) char *path = tally_path(d);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return;
	(void)!write(fd, t, sizeof(*t));
	close(fd);
}

void
frozen_count(const struct daemon *d)
{
	const struct tally t = {.failures = read_tally(d).failures + 1, .last = clock_boot_ns()};

	write_tally(d, &t);
}

/* No error of the disk, and nothing that a frozen fmd could show: not counted. */
void
frozen_note_gone(const struct daemon *d)
{
	struct tally t = read_tally(d);

	snprintf(t.gone, sizeof(t.gone), "%s", d->err.msg);
	write_tally(d, &t);
}

static bool
is_due(const struct tally *t)
{
	return t->failures >= MOST_FAILURES && clock_boot_ns() - t->last < FREEZE_NS;
}

void
frozen_decide(struct daemon *d)
{
	const struct tally t = read_tally(d);

	d->frozen.counted = t.failures > 0 || t.gone[0] != '\0';
	memcpy(d->frozen.gone, t.gone, sizeof(t.gone));
	d->frozen.started = clock_mono_ns();
	d->hold.frozen = d->hold.on = d->hold.dry = is_due(&t);
}

static void
tell_nobody(void *ctx, struct transition *tr)
{
	(void)ctx;
	(void)tr;
}

void
frozen_tell(struct daemon *d)
{
	static const char what[] = "The disk gave errors again and again: fmd is frozen, shows what was "
		"stored, reads no input and tells nobody";
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};

	fm_buf_adds(&text, what);
	if (d->self.failure[0] != '\0')
		fm_buf_addf(&text, "; the last error: %s", d->self.failure);
	corr_self(d->corr, corr_now(d->corr), "990.003", SELF_STORAGE, true, SEV_NONE, text.s, tell_nobody,
		  NULL);
	log_line(LOG_ERROR, "store", "%s", text.s);
	tell_manager("STATUS=The disk gives errors: frozen");
}

void
frozen_end(struct daemon *d)
{
	const struct tally t = {.failures = MOST_FAILURES, .last = -FREEZE_NS};

	write_tally(d, &t);
	log_line(LOG_NOTICE, "store", "ending, for a start that tries the disk again");
	d->exit_code = FMD_EXIT_IO;
	d->stopping = true;
	uv_stop(&d->loop);
}

void
frozen_tick(struct daemon *d)
{
	const int64_t up = clock_mono_ns() - d->frozen.started;

	if (d->hold.frozen && up >= FREEZE_NS)
		frozen_end(d);
	if (d->hold.on || !d->frozen.counted || up < d->conf->late.ns)
		return;
	FM_CLEANUP(fm_freep) char *path = tally_path(d);

	(void)unlink(path);
	d->frozen.counted = false;
}
