/*
 * file: files that are trusted for what they say, or for what they keep to themselves. The
 * descriptor is examined, not the path, so nobody can swap the file between check and use. Not
 * part of fm_base, which is pure.
 *
 * Thread: any.
 */
#ifndef FM_FILE_H
#define FM_FILE_H

#include "base/base.h"

#define FM_MAX_SECRET 65536            /* the largest cap */

enum fm_trust {
	/* a regular file, whoever wrote it */
	FM_FILE_ANY,
	/* Of root or of this process's user, and only they write it. No symbolic link. */
	FM_FILE_CONFIG,
	/*
	 * As FM_FILE_CONFIG, and nobody else reads it. A file of root's may also be read by the
	 * group root and by this process's group: 0640 root:fmd is how an administrator gives a
	 * secret to a daemon that is not to change it, and a credential of systemd's shows its
	 * access list's mask in the group's bits.
	 */
	FM_FILE_SECRET,
};
/*
 * Appends the first max bytes of the file to ret; who has a limit asks for one byte more. -EACCES:
 * not such a file; -EINVAL: not a regular one; else the errno. err names path and what is wrong.
 */
int fm_file_read(const char *path, enum fm_trust trust, size_t max, struct fm_buf *ret,
		 struct fm_err *err) FM_MUST_USE;
/* Whether fm_file_read would have it, for a check that ends without reading. */
int fm_file_check(const char *path, enum fm_trust trust, struct fm_err *err) FM_MUST_USE;
/*
 * A secret into the caller's buffer, which the caller wipes: NUL behind it, nothing of it anywhere
 * else; the process leaves no core dump any more. Returns its length; -EFBIG when it needs more than cap - 1 bytes.
 */
int fm_file_read_secret(const char *path, char *buf, size_t cap, struct fm_err *err)
	FM_MUST_USE;

#endif
