/*
 * capture: what is written comes back, whatever the bytes.
 */
#include "offline/offline.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static struct capture *
reopen(const struct fm_buf *b)
{
	char path[] = "/tmp/fm-capture-XXXXXX";
	struct capture *cap = NULL;
	struct fm_err err;
	const int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, b->s, b->len), (ssize_t)b->len);
	close(fd);
	cr_assert_eq(capture_open(path, &cap, &err), 0, "%s", err.msg);
	unlink(path);
	return cap;
}

static void
comes_back(const void *p, size_t len)
{
	const struct offline_record rec = {.topic = "a \"topic\"\n\\", .partition = 7,
		.offset = INT64_MAX, .ts = {1767225600123 * FM_NS_PER_MS}, .p = p, .len = len};
	struct offline_record got;
	struct fm_buf b = {0};
	struct fm_err err;

	capture_put(&b, &rec);
	capture_put(&b, &rec);
	cr_assert_null(memchr(b.s, '\0', b.len));
	struct capture *cap = reopen(&b);

	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(capture_next(cap, &got, &err), 1, "%s", err.msg);
		cr_assert_str_eq(got.topic, rec.topic);
		cr_assert_eq(got.partition, 7);
		cr_assert_eq(got.offset, INT64_MAX);
		cr_assert_eq(got.ts.ns, rec.ts.ns);
		cr_assert_eq(got.p == NULL, p == NULL);
		cr_assert_eq(got.len, len);
		cr_assert(len == 0 || memcmp(got.p, p, len) == 0);
	}
	cr_assert_eq(capture_next(cap, &got, &err), 0);
	capture_close(cap);
	fm_buf_fini(&b);
}

Test(capture, keeps_texts)
{
	static const char *const texts[] = {"", "{}", "{\"a\":\"b\\\\c\"}", "\x01\x1f\t\r\n\x7f",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\\u0041", "\"", "\\"};

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++)
		comes_back(texts[i], strlen(texts[i]));
}

Test(capture, keeps_bytes_of_every_value_and_length)
{
	uint8_t bytes[300];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 200);
	for (size_t len = 0; len <= sizeof(bytes); len++)
		comes_back(bytes, len);
	comes_back("a\0b", 3);
	comes_back("\xff\0", 2);
}

Test(capture, keeps_a_tombstone_apart_from_an_empty_value)
{
	comes_back(NULL, 0);
	comes_back("", 0);
}

Test(capture, understands_every_escape_of_json)
{
	static const char line[] = "{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"ts\":0,"
		"\"payload\":\"\\u00e9\\uD83D\\ude00\\/\\b\\f\\n\\r\\t\\\"\"}\n";
	struct offline_record got;
	struct fm_buf b = {0};
	struct fm_err err;

	fm_buf_adds(&b, line);
	struct capture *cap = reopen(&b);

	cr_assert_eq(capture_next(cap, &got, &err), 1);
	cr_assert_str_eq(got.p, "\xc3\xa9\xf0\x9f\x98\x80/\b\f\n\r\t\"");
	capture_close(cap);
	fm_buf_fini(&b);
}
