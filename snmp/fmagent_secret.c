/*
 * Secrets from files. The descriptor is examined, not the path, so nobody can swap the file
 * between check and use; what is read is wiped when it has served. Main thread.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snmp/fmagent_priv.h"

#define MAX_SECRET 256

static void
closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int
check_file(int fd, const char *path, struct fm_err *err)
{
	struct stat sb;

	if (fstat(fd, &sb) < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	if (!S_ISREG(sb.st_mode))
		return fm_fail(err, -EACCES, "%s: not a regular file", path);
	if (sb.st_uid != 0 && sb.st_uid != geteuid())
		return fm_fail(err, -EACCES, "%s: owned by uid %u, must be root's or fmd's", path,
			       (unsigned)sb.st_uid);
	if ((sb.st_mode & 077) != 0)
		return fm_fail(err, -EACCES, "%s: mode %04o lets others read or write the secret,"
			       " must be 0600 or less", path, (unsigned)(sb.st_mode & 07777));
	return 0;
}

/* The length of the one line in buf, without its line end. */
static int
one_line(const char *buf, size_t len, const char *path, struct fm_err *err)
{
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (len == 0)
		return fm_fail(err, -EINVAL, "%s: empty", path);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)buf[i] < ' ')
			return fm_fail(err, -EINVAL,
				       "%s: must be one line without control characters", path);
	return (int)len;
}

int
fmagent_secret_read(const char *path, char **ret, struct fm_err *err)
{
	/* O_NONBLOCK: a pipe with the name of the file must not hold up the start. */
	FM_CLEANUP(closep) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return fm_fail(err, -EACCES, "%s: a symbolic link, must be a regular file", path);
	if (fd < 0)
		return fm_fail(err, -errno, "%s: %m", path);
	int rc = check_file(fd, path, err);
	if (rc < 0)
		return rc;

	char buf[MAX_SECRET + 2];
	ssize_t got = read(fd, buf, sizeof(buf));
	if (got < 0)
		rc = fm_fail(err, -errno, "%s: %m", path);
	else if (got > MAX_SECRET)
		rc = fm_fail(err, -EINVAL, "%s: longer than %d octets", path, MAX_SECRET - 1);
	else
		rc = one_line(buf, (size_t)got, path, err);
	if (rc > 0)
		*ret = fm_strndup(buf, (size_t)rc);
	explicit_bzero(buf, sizeof(buf));
	return rc < 0 ? rc : 0;
}

void
fmagent_secret_free(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	fm_freep(&secret);
}
