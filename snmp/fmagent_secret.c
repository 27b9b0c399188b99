/*
 * Secrets from files: one line each; what is read is wiped when it has served. Main thread.
 */
#include "base/file.h"
#include "snmp/fmagent_priv.h"

#define MAX_SECRET 256

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
	char buf[MAX_SECRET + 2];
	int rc = fm_file_read_secret(path, buf, sizeof(buf), err);

	if (rc >= 0)
		rc = one_line(buf, (size_t)rc, path, err);
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
