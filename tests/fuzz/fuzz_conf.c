/*
 * fuzz_conf: any bytes as fmd.yaml. What is taken prints to something that is taken again and
 * prints the same, with no byte in it that a terminal would obey; what is not taken says where.
 *
 * LINK: fm_fmd
 */
#include "fmd/conf_priv.h"
#include "tests/fuzz/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_harmless(const struct fm_buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		fm_assert(b->s[i] == '\n' || ((unsigned char)b->s[i] >= 0x20 && b->s[i] != 0x7f));
	fm_assert(fm_utf8_valid(b->s, b->len));
}

static void
check_round_trip(const struct fmd_conf *conf)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf first = {0}, second = {0};
	struct fmd_conf *again = NULL;
	struct fm_err err;

	conf_print(conf, &first);
	check_harmless(&first);
	/* Printing may make a file longer than may be read. */
	if (first.len > CONF_MAX_FILE)
		return;
	FM_CLEANUP(fm_freep) char *path = feed_file("again", first.s, first.len);
	const int r = conf_load(path, &again, &err);

	fm_assert(r == 0);
	conf_print(again, &second);
	fm_assert(first.len == second.len && memcmp(first.s, second.s, first.len) == 0);
	conf_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FM_CLEANUP(fm_freep) char *path = feed_file("in", data, size);
	struct fmd_conf *conf = NULL;
	struct fm_err err = {0};

	if (conf_load(path, &conf, &err) < 0)
		fm_assert(strstr(err.msg, "/in:") != NULL);
	else
		check_round_trip(conf);
	conf_free(conf);
	return 0;
}
