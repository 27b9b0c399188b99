#include "rig.h"

static void
expect_refused(const char *path, int code, const char *words)
{
	struct fm_err err = {0};
	char *got = NULL;

	cr_assert_eq(fmagent_secret_read(path, &got, &err), code, "%s", err.msg);
	cr_assert_not_null(strstr(err.msg, path), "%s", err.msg);
	cr_assert_not_null(strstr(err.msg, words), "%s", err.msg);
	cr_assert_null(got);
}

Test(secret, the_line_is_read_without_its_end)
{
	char *dir = rig_dir();
	char *path = rig_file(dir, "s", "correct horse\n", 0400);
	struct fm_err err = {0};
	char *got = NULL;

	cr_assert_eq(fmagent_secret_read(path, &got, &err), 0, "%s", err.msg);
	cr_assert_str_eq(got, "correct horse");
	fmagent_secret_free(got);
	unlink(path);
	rmdir(dir);
	free(path);
	free(dir);
}

Test(secret, a_file_open_to_others_is_refused)
{
	static const mode_t modes[] = {0644, 0604, 0620, 0602, 0610, 0444};
	char *dir = rig_dir();

	for (size_t i = 0; i < FM_ARRAY_LEN(modes); i++) {
		char *path = rig_file(dir, "s", "correct horse\n", modes[i]);

		expect_refused(path, -EACCES, "mode");
		unlink(path);
		free(path);
	}
	rmdir(dir);
	free(dir);
}

Test(secret, what_is_not_a_regular_file_is_refused)
{
	char *dir = rig_dir();
	char *path = rig_file(dir, "s", "correct horse\n", 0600);
	char *link = fm_asprintf("%s/link", dir);
	char *pipe = fm_asprintf("%s/pipe", dir);

	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(mkfifo(pipe, 0600), 0);
	expect_refused(link, -EACCES, "symbolic link");
	expect_refused(pipe, -EINVAL, "regular");
	expect_refused(dir, -EINVAL, "regular");
	unlink(path);
	expect_refused(path, -ENOENT, "No such file");
	unlink(link);
	unlink(pipe);
	rmdir(dir);
	free(path);
	free(link);
	free(pipe);
	free(dir);
}

Test(secret, only_one_line_of_text_will_do)
{
	char long_line[300];
	memset(long_line, 'x', sizeof(long_line) - 1);
	long_line[sizeof(long_line) - 1] = '\0';
	const struct { const char *text; int code; const char *words; } bad[] = {
		{"", -EINVAL, "empty"}, {"\n", -EINVAL, "empty"},
		{"one\ntwo\n", -EINVAL, "one line"}, {"tab\there", -EINVAL, "control"},
		{"dos\r\n", -EINVAL, "control"}, {long_line, -EFBIG, "longer"},
	};
	char *dir = rig_dir();

	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++) {
		char *path = rig_file(dir, "s", bad[i].text, 0600);

		expect_refused(path, bad[i].code, bad[i].words);
		unlink(path);
		free(path);
	}
	rmdir(dir);
	free(dir);
}
