/*
 * replay_main: runs a fuzz target over stored inputs, with any compiler. Arguments are directories
 * of inputs or single files; the empty input is always run. A crash or a failed assertion of the
 * target is the failure.
 */
#include "base/base.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fail(const char *path)
{
	perror(path);
	exit(1);
}

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "re");
	if (f == NULL)
		fail(path);
	struct fm_buf input = {0};
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		fm_buf_add(&input, chunk, n);
	if (ferror(f))
		fail(path);
	fclose(f);

	/* A copy of exactly its size, so that AddressSanitizer sees a read past the end. */
	uint8_t *data = fm_malloc(input.len);
	if (input.len != 0)
		memcpy(data, input.s, input.len);
	LLVMFuzzerTestOneInput(data, input.len);
	free(data);
	fm_buf_fini(&input);
}

static unsigned
replay_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		fail(path);

	unsigned files = 0;
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			char *file = fm_asprintf("%s/%s", path, entries[i]->d_name);
			replay_file(file);
			free(file);
			files++;
		}
		free(entries[i]);
	}
	free(entries);
	return files;
}

int
main(int argc, char **argv)
{
	static const uint8_t nothing[1];
	unsigned files = 0;
	LLVMFuzzerTestOneInput(nothing, 0);
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (stat(argv[i], &st) < 0)
			fail(argv[i]);
		if (S_ISDIR(st.st_mode)) {
			files += replay_directory(argv[i]);
		} else {
			replay_file(argv[i]);
			files++;
		}
	}
	printf("%u inputs replayed\n", files);
	return 0;
}
