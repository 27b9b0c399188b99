/*
 * conf_check: what is wrong with a configuration whose values are each of their kind, but would come
 * to nothing: with its place in the file and a word on what to write instead.
 */
#include "fmd/conf_read_priv.h"

#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>

int
conf_fail(const struct fmd_conf *conf, struct conf_place at, struct fm_err *err, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (conf->file == NULL || at.line == 0)
		return fm_fail(err, -EINVAL, "%s%s%s", conf->file != NULL ? conf->file : "",
			       conf->file != NULL ? ": " : "", text);
	return fm_fail(err, -EINVAL, "%s:%u:%u: %s", conf->file, at.line, at.column, text);
}

static unsigned
index_of(const char *path)
{
	unsigned i = 0;

	while (strcmp(conf_settings[i].path, path) != 0)
		i++;
	return i;
}

static struct conf_place
place_of(const struct fmd_conf *conf, const char *path)
{
	return conf->place[index_of(path)];
}

/* ---- of the file alone -------------------------------------------------------------------- */

/* The directory that a file is in; the caller frees. */
static char *
directory_of(const char *path)
{
	FM_CLEANUP(fm_freep) char *copy = fm_strdup(path);

	return fm_strdup(dirname(copy));
}

static bool
same_inode(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static bool
same_file(const char *a, const char *b)
{
	FM_CLEANUP(fm_freep) char *dir_a = directory_of(a);
	FM_CLEANUP(fm_freep) char *dir_b = directory_of(b);
	FM_CLEANUP(fm_freep) char *copy_a = fm_strdup(a);
	FM_CLEANUP(fm_freep) char *copy_b = fm_strdup(b);

	if (strcmp(a, b) == 0 || same_inode(a, b))
		return true;
	return same_inode(dir_a, dir_b) && strcmp(basename(copy_a), basename(copy_b)) == 0;
}

int
conf_check_values(const struct fmd_conf *conf, struct fm_err *err)
{
	const struct fmagent_options snmp = {.agentx = conf->agentx};
	struct fm_err cause = {0};

	if (kafka_brokers_check(conf->brokers, &cause) < 0)
		return conf_fail(conf, place_of(conf, "kafka.brokers"), err, "kafka.brokers: %s",
				 cause.msg);
	if (fmagent_check(&snmp, &cause) < 0)
		return conf_fail(conf, place_of(conf, "snmp.agentx"), err, "snmp.agentx: %s",
				 cause.msg);
	if (conf->journal != NULL && conf->capture != NULL && same_file(conf->journal, conf->capture))
		return conf_fail(conf, place_of(conf, "log.capture"), err,
				 "log.capture: the same file as log.journal: name another");
	return 0;
}

/* ---- of the machine ------------------------------------------------------------------------ */

/* Of the unit file (LogsDirectory=): the service manager makes it before the first start. */
#define LOGS_DIRECTORY "/var/log/fmd"

/* fmd makes its state directory itself, before it writes anything. */
static bool
will_be_made(const struct fmd_conf *conf, const char *dir)
{
	size_t len = strlen(conf->state_dir);

	while (len > 1 && conf->state_dir[len - 1] == '/')
		len--;
	return strcmp(dir, LOGS_DIRECTORY) == 0 ||
	       (strlen(dir) == len && memcmp(dir, conf->state_dir, len) == 0);
}

static int
check_file(const struct fmd_conf *conf, const char *key, const char *path, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *dir = path != NULL ? directory_of(path) : NULL;
	struct stat st;

	if (path == NULL)
		return 0;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return conf_fail(conf, place_of(conf, key), err,
				 "%s: %s is a directory: name a file in it", key, path);
	/* Whether it may be entered is for fmd's user to see, who need not be the one that checks. */
	if (stat(dir, &st) == 0 ? S_ISDIR(st.st_mode) : errno != ENOENT && errno != ENOTDIR)
		return 0;
	if (will_be_made(conf, dir))
		return 0;
	return conf_fail(conf, place_of(conf, key), err,
			 "%s: there is no directory %s: make it, or name another", key, dir);
}

int
conf_check_files(const struct fmd_conf *conf, struct fm_err *err)
{
	int r = check_file(conf, "log.journal", conf->journal, err);

	return r == 0 ? check_file(conf, "log.capture", conf->capture, err) : r;
}

/* Of the default's name it may be missing: who has not installed fmd's groups is root. */
static int
check_group(const struct fmd_conf *conf, const char *key, const char *name, struct fm_err *err)
{
	const struct conf_setting *st = &conf_settings[index_of(key)];

	if (strcmp(name, st->preset) == 0 || getgrnam(name) != NULL)
		return 0;
	return conf_fail(conf, place_of(conf, key), err,
			 "%s: there is no group %s: make it, or name another", key, name);
}

int
conf_check_groups(const struct fmd_conf *conf, struct fm_err *err)
{
	int r = check_group(conf, "control.read_group", conf->read_group, err);

	return r == 0 ? check_group(conf, "control.write_group", conf->write_group, err) : r;
}
