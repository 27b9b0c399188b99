/*
 * Who we are in SNMPv3: an engine id for life and a count of our starts. A receiver refuses an
 * engine whose time runs backwards, and ours starts at zero with every process, so the count must
 * be larger after every start, a killed one's successor included (RFC 3414 §2.2). Therefore it is
 * on disk, synced, before the first v3 message can leave.
 *
 * A file of our own rather than net-snmp's persistent store, which ignores the errors of writing.
 * Main thread, at the start only.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snmp/fmagent_priv.h"

#define MAX_BOOTS INT32_MAX     /* 2^31-1 is "latched": the engine must be configured anew */
#define FILE_FORM "fmd-engine 1\nid %s\nboots %" PRIu32 "\n"

static void
closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* RFC 3411: 5 to 32 octets, neither all zero nor all ones. */
static int
parse_id(const char *hex, struct fmagent_engine *ret)
{
	size_t digits = strlen(hex);
	struct fmagent_engine eng = {.len = digits / 2};
	unsigned all_or = 0, all_and = 0xff;

	if (digits % 2 != 0 || digits < 10 || digits > 2 * sizeof(eng.id)
	    || strspn(hex, "0123456789abcdefABCDEF") != digits)
		return -EINVAL;
	for (size_t i = 0; i < eng.len; i++) {
		const char octet[] = {hex[2 * i], hex[2 * i + 1], '\0'};

		eng.id[i] = (uint8_t)strtoul(octet, NULL, 16);
		all_or |= eng.id[i];
		all_and &= eng.id[i];
	}
	if (all_or == 0 || all_and == 0xff)
		return -EINVAL;
	*ret = eng;
	return 0;
}

static void
format_id(const struct fmagent_engine *eng, char hex[2 * FMAGENT_MAX_ENGINE_ID + 1])
{
	for (size_t i = 0; i < eng->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", eng->id[i]);
}

/*
 * Twelve random octets behind the fixed head of the SNMPv3 form: enterprise 8072 (net-snmp's,
 * whose library it is) and format 5, "octets as the administrator likes".
 */
static int
make_id(struct fmagent_engine *ret, struct fm_err *err)
{
	static const uint8_t head[] = {0x80, 0x00, 0x1f, 0x88, 0x05};
	struct fmagent_engine eng = {.len = sizeof(head) + 12};

	memcpy(eng.id, head, sizeof(head));
	if (getrandom(eng.id + sizeof(head), 12, 0) != 12)
		return fm_fail(err, -EIO, "random numbers for the SNMP engine id: %m");
	*ret = eng;
	return 0;
}

/* 1: there is no file yet. */
static int
load(const char *path, struct fmagent_engine *ret, struct fm_err *err)
{
	char buf[256], hex[2 * FMAGENT_MAX_ENGINE_ID + 1] = "", again[256];
	uint32_t boots = 0;
	FM_CLEANUP(closep) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1 : fm_fail(err, -errno, "%s: %m", path);

	ssize_t got = read(fd, buf, sizeof(buf) - 1);
	if (got < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	buf[got] = '\0';

	/* Printed again it must be the same text: nothing missing, nothing behind. */
	if (sscanf(buf, "fmd-engine 1\nid %64[0-9a-f]\nboots %" SCNu32, hex, &boots) == 2)
		snprintf(again, sizeof(again), FILE_FORM, hex, boots);
	else
		again[0] = '\0';
	if (got == 0 || strcmp(buf, again) != 0 || parse_id(hex, ret) < 0)
		return fm_fail(err, -EUCLEAN, "%s: damaged; restore it, or remove it to take a new"
			       " SNMP engine id", path);
	ret->boots = boots;
	return 0;
}

static int
write_synced(const char *path, const char *text, struct fm_err *err)
{
	FM_CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
					 | O_NOFOLLOW, 0600);
	size_t len = strlen(text);

	if (fd < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	ssize_t done = write(fd, text, len);
	if (done >= 0 && (size_t)done != len)
		return fm_fail(err, -ENOSPC, "%s: written in part only", path);
	if (done < 0 || fsync(fd) < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	return 0;
}

/* The old file or the new one, never half of one, whatever happens. */
static int
save(const char *dir, const char *path, const struct fmagent_engine *eng, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *tmp = fm_asprintf("%s.new", path);
	char hex[2 * FMAGENT_MAX_ENGINE_ID + 1];
	format_id(eng, hex);
	FM_CLEANUP(fm_freep) char *text = fm_asprintf(FILE_FORM, hex, eng->boots);

	int rc = write_synced(tmp, text, err);
	if (rc < 0)
		return rc;
	if (rename(tmp, path) < 0)
		return fm_fail(err, -errno, "%s: %m", path);

	FM_CLEANUP(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return fm_fail(err, -errno, "%s: %m", dir);
	return 0;
}

/* A configured id that differs from the kept one is another engine: its boots start again. */
static int
choose_id(const char *hex_id, bool have, struct fmagent_engine *eng, struct fm_err *err)
{
	struct fmagent_engine wanted;

	if (hex_id == NULL)
		return have ? 0 : make_id(eng, err);
	if (parse_id(hex_id, &wanted) < 0)
		return fm_fail(err, -EINVAL, "SNMP engine id \"%s\": must be 5 to 32 octets in"
			       " hexadecimal, not all zero nor all ones", hex_id);
	if (!have || wanted.len != eng->len || memcmp(wanted.id, eng->id, eng->len) != 0)
		*eng = wanted;
	return 0;
}

int
fmagent_engine_boot(const char *dir, const char *hex_id, struct fmagent_engine *ret,
		    struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *path = fm_asprintf("%s/engine", dir);
	struct fmagent_engine eng = {0};

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fm_fail(err, -errno, "%s: %m", dir);
	int rc = load(path, &eng, err);
	if (rc < 0)
		return rc;
	rc = choose_id(hex_id, rc == 0, &eng, err);
	if (rc < 0)
		return rc;
	if (eng.boots >= MAX_BOOTS - 1)
		return fm_fail(err, -ERANGE, "%s: the count of starts is used up; give the SNMP"
			       " engine a new id", path);
	eng.boots++;
	rc = save(dir, path, &eng, err);
	if (rc == 0)
		*ret = eng;
	return rc;
}
