/* Which files are trusted, and how they are read. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* A group that Debian has and this process is not in. */
#define NOGROUP 65534

static char *
new_dir(void)
{
	char *dir = fm_strdup("/tmp/fm-test-file-XXXXXX");

	cr_assert_not_null(mkdtemp(dir));
	return dir;
}

static char *
new_file(const char *dir, const char *text, mode_t mode)
{
	char *path = fm_asprintf("%s/f", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static void
remove_all(char *dir, char *path)
{
	unlink(path);
	rmdir(dir);
	free(path);
	free(dir);
}

static void
expect(const char *path, enum fm_trust trust, int code, const char *words)
{
	struct fm_err err = {0};

	cr_assert_eq(fm_file_check(path, trust, &err), code, "%s", err.msg);
	if (code == 0)
		return;
	cr_assert_not_null(strstr(err.msg, path), "%s", err.msg);
	cr_assert_not_null(strstr(err.msg, words), "%s", err.msg);
}

static void
expect_modes(enum fm_trust trust, const mode_t *modes, size_t n, int code)
{
	char *dir = new_dir();
	char *path = new_file(dir, "x", 0600);

	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(chmod(path, modes[i]), 0);
		expect(path, trust, code, "mode");
	}
	remove_all(dir, path);
}

Test(file, a_configuration_is_written_by_its_owner_only)
{
	static const mode_t good[] = {0400, 0600, 0640, 0644, 0444, 0755};
	static const mode_t bad[] = {0620, 0664, 0602, 0646, 0666, 0777};

	expect_modes(FM_FILE_CONFIG, good, FM_ARRAY_LEN(good), 0);
	expect_modes(FM_FILE_CONFIG, bad, FM_ARRAY_LEN(bad), -EACCES);
	expect_modes(FM_FILE_ANY, bad, FM_ARRAY_LEN(bad), 0);
}

Test(file, a_secret_is_read_by_its_owner_only)
{
	static const mode_t good[] = {0400, 0600};
	static const mode_t bad[] = {0604, 0644, 0620, 0660, 0602, 0610, 0444};

	expect_modes(FM_FILE_SECRET, good, FM_ARRAY_LEN(good), 0);
	expect_modes(FM_FILE_SECRET, bad, FM_ARRAY_LEN(bad), -EACCES);
}

Test(file, a_group_reads_a_secret_only_when_it_is_roots_or_ours_and_root_says_so)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	char *dir = new_dir();
	char *path = new_file(dir, "x", 0640);

	expect(path, FM_FILE_SECRET, 0, "");
	cr_assert_eq(chown(path, 0, NOGROUP), 0);
	expect(path, FM_FILE_SECRET, -EACCES, "mode 0640");
	cr_assert_eq(chmod(dir, 0755), 0);
	/* As the daemon: a user of its own, whose group may read what root wrote. */
	cr_assert_eq(setegid(NOGROUP), 0);
	cr_assert_eq(seteuid(NOGROUP), 0);
	expect(path, FM_FILE_SECRET, 0, "");
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(chown(path, NOGROUP, NOGROUP), 0);
	cr_assert_eq(seteuid(NOGROUP), 0);
	expect(path, FM_FILE_SECRET, -EACCES, "mode 0640");
	cr_assert_eq(chmod(path, 0400), 0);
	expect(path, FM_FILE_SECRET, 0, "");
	cr_assert_eq(seteuid(0), 0);
	remove_all(dir, path);
}

Test(file, a_third_users_file_is_not_trusted)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	char *dir = new_dir();
	char *path = new_file(dir, "x", 0600);

	cr_assert_eq(chown(path, NOGROUP, 0), 0);
	expect(path, FM_FILE_CONFIG, -EACCES, "owned by uid 65534");
	expect(path, FM_FILE_SECRET, -EACCES, "owned by uid 65534");
	expect(path, FM_FILE_ANY, 0, "");
	remove_all(dir, path);
}

Test(file, what_is_no_regular_file_is_refused_without_waiting)
{
	char *dir = new_dir();
	char *path = new_file(dir, "x", 0600);
	char *link = fm_asprintf("%s/link", dir), *pipe = fm_asprintf("%s/pipe", dir);

	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(mkfifo(pipe, 0600), 0);
	expect(link, FM_FILE_CONFIG, -EACCES, "symbolic link");
	expect(link, FM_FILE_SECRET, -EACCES, "symbolic link");
	expect(link, FM_FILE_ANY, 0, "");
	expect(pipe, FM_FILE_ANY, -EINVAL, "regular");
	expect(dir, FM_FILE_CONFIG, -EINVAL, "regular");
	unlink(link);
	expect(link, FM_FILE_ANY, -ENOENT, "No such file");
	unlink(pipe);
	free(link);
	free(pipe);
	remove_all(dir, path);
}

Test(file, no_more_is_read_than_was_asked_for)
{
	char *dir = new_dir();
	char *path = new_file(dir, "0123456789", 0600);
	struct fm_buf b = {0};
	struct fm_err err;

	cr_assert_eq(fm_file_read(path, FM_FILE_CONFIG, 4, &b, &err), 0);
	cr_assert_eq(b.len, 4);
	fm_buf_reset(&b);
	cr_assert_eq(fm_file_read(path, FM_FILE_CONFIG, 100, &b, &err), 0);
	cr_assert_eq(b.len, 10);
	cr_assert_eq(memcmp(b.s, "0123456789", 10), 0);
	fm_buf_fini(&b);
	remove_all(dir, path);
}

Test(file, a_secret_fits_the_buffer_and_closes_the_memory)
{
	char *dir = new_dir();
	char *path = new_file(dir, "0123456789", 0600);
	struct fm_err err = {0};
	char buf[16];

	cr_assert_eq(prctl(PR_GET_DUMPABLE), 1);
	cr_assert_eq(fm_file_read_secret(path, buf, 11, &err), 10, "%s", err.msg);
	cr_assert_eq(prctl(PR_GET_DUMPABLE), 0);
	cr_assert_str_eq(buf, "0123456789");
	cr_assert_eq(fm_file_read_secret(path, buf, 10, &err), -EFBIG);
	cr_assert_not_null(strstr(err.msg, "longer than 9"), "%s", err.msg);
	cr_assert_null(strstr(err.msg, "0123"));
	remove_all(dir, path);
}
