/*
 * yaml: what libyaml could be harmed by is refused before it can, and what other YAML features
 * there are is refused by name. Work is bounded by construction; the tests below would take minutes
 * if it were not, and ctest would end them.
 */
#include "cat_test.h"

static void
refuses(const char *text, size_t len, unsigned number, int rc)
{
	struct loaded l = load_bytes(text, len);
	struct fm_buf b = {0};
	cr_assert_eq(l.rc, rc, "rc %d, %s", l.rc, findings_text(&l, &b));
	cr_assert_null(l.cat);
	cr_assert_not_null(finding(&l, number), "F%u expected, not %s", number,
			   findings_text(&l, &b));
	fm_buf_fini(&b);
	unload(&l);
}

static void
refuses_repeated(const char *piece, size_t size, unsigned number, int rc)
{
	size_t n = strlen(piece);
	char *text = malloc(size);
	for (size_t i = 0; i < size; i++)
		text[i] = piece[i % n];
	refuses(text, size, number, rc);
	free(text);
}

Test(yaml, deep_flow_nesting_is_refused_at_once)
{
	refuses_repeated("[", 160000, 103, -E2BIG);
	refuses_repeated("[", CAT_MAX_FILE, 103, -E2BIG);
	refuses_repeated("{", CAT_MAX_FILE, 110, -EINVAL);
	refuses_repeated("[\n", CAT_MAX_FILE, 103, -E2BIG);
	refuses_repeated("{a: ", CAT_MAX_FILE, 103, -E2BIG);
}

Test(yaml, deep_block_nesting_is_refused_at_once)
{
	refuses_repeated("- ", CAT_MAX_FILE, 103, -E2BIG);
	refuses_repeated("? ", CAT_MAX_FILE, 110, -EINVAL);
}

Test(yaml, sixteen_levels_are_allowed_and_seventeen_are_not)
{
	refuses("a: [[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]", 34, 114, -EINVAL);
	refuses("a: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]", 36, 103, -E2BIG);
}

Test(yaml, many_values_are_refused)
{
	refuses_repeated("- a\n", 4 * (CAT_MAX_NODES + 10), 104, -E2BIG);
}

Test(yaml, a_file_of_the_largest_size_is_read_and_a_larger_one_is_not)
{
	struct fm_buf b = {0};
	fm_buf_adds(&b, ALARM("100.001", "major"));
	while (b.len < CAT_MAX_FILE)
		fm_buf_adds(&b, "#");
	struct loaded l = load_bytes(b.s, b.len);
	cr_assert_eq(l.rc, 0, "%s", l.err.msg);
	unload(&l);
	fm_buf_adds(&b, "#");
	refuses(b.s, b.len, 102, -E2BIG);
	fm_buf_fini(&b);
}

Test(yaml, many_tag_directives_are_refused_at_once)
{
	struct fm_buf b = {0};
	for (unsigned i = 0; b.len < CAT_MAX_FILE - 64; i++)
		fm_buf_addf(&b, "%%TAG !a%u! b\n", i);
	refuses(b.s, b.len, 108, -EINVAL);
	fm_buf_fini(&b);
}

Test(yaml, a_directive_is_seen_behind_every_line_break_of_yaml)
{
	static const char *const breaks[] = {"\n", "\r", "\r\n", "\xc2\x85", "\xe2\x80\xa8",
		"\xe2\x80\xa9"};
	for (unsigned i = 0; i < FM_ARRAY_LEN(breaks); i++) {
		char text[64];
		int n = snprintf(text, sizeof(text), "# x%s%%YAML 1.1\n---\na: b\n", breaks[i]);
		refuses(text, (size_t)n, 108, -EINVAL);
	}
	refuses("\xef\xbb\xbf%YAML 1.1\n---\na: b\n", 22, 108, -EINVAL);
}

Test(yaml, aliases_anchors_and_tags_are_refused)
{
	refuses("a: &x b\n", 8, 105, -EINVAL);
	refuses("a: *x\n", 6, 105, -EINVAL);
	refuses("a: &a [*a]\n", 11, 105, -EINVAL);
	refuses("a: !!str b\n", 11, 106, -EINVAL);
	refuses("a: ! b\n", 7, 106, -EINVAL);
}

Test(yaml, many_keys_that_are_all_wrong_are_counted_not_listed)
{
	struct fm_buf b = {0};
	for (unsigned i = 0; i < 150000; i++)
		fm_buf_addf(&b, "k%u: 1\n", i);
	struct loaded l = load_bytes(b.s, b.len);
	cr_assert_eq(l.rc, -EINVAL);
	cr_assert_eq(l.findings.n_errors, 150000);
	cr_assert_eq(count_findings(&l, 114), CAT_MAX_FINDINGS);
	cr_assert_eq(count_findings(&l, 115), 1);
	unload(&l);
	fm_buf_fini(&b);
}

Test(yaml, one_document_may_be_marked_but_not_be_followed_by_another)
{
	struct loaded l = load_good("---\n" ALARM("100.001", "major") "...\n");
	cr_assert_eq(cat_count(l.cat), 1);
	unload(&l);
	refuses("---\na: b\n---\na: b\n", 18, 107, -EINVAL);
}

Test(yaml, a_byte_order_mark_is_accepted)
{
	struct loaded l = load_good("\xef\xbb\xbf" ALARM("100.001", "major"));
	cr_assert_eq(cat_count(l.cat), 1);
	unload(&l);
}

Test(yaml, other_encodings_are_refused_by_line)
{
	struct loaded l = load_text("a: b\nc: \xff\xfe\n");
	cr_assert_eq(l.rc, -EINVAL);
	cr_assert_eq(finding(&l, 112)->line, 2);
	unload(&l);
}

Test(yaml, escapes_cannot_smuggle_control_characters_in)
{
	refuses("a: \"x\\x1b[2J\"\n", 14, 113, -EINVAL);
	refuses("a: \"x\\0y\"\n", 10, 113, -EINVAL);
	refuses("a: \"x\\N\"\n", 9, 113, -EINVAL);
	refuses("\"\\x07\": y\n", 10, 113, -EINVAL);
}

Test(yaml, syntax_errors_name_line_and_column)
{
	struct loaded l = load_text("a: b\nc: [d\n");
	cr_assert_eq(l.rc, -EINVAL);
	cr_assert_not_null(finding(&l, 101));
	cr_assert_eq(finding(&l, 101)->line, 3);
	cr_assert(strncmp(l.err.msg, "test.yaml:3:1: error F101: ", 27) == 0, "%s", l.err.msg);
	unload(&l);
}

Test(yaml, a_file_without_records_is_no_catalogue)
{
	refuses("", 0, 109, -EINVAL);
	refuses("# nothing\n", 10, 109, -EINVAL);
	refuses("- a\n", 4, 109, -EINVAL);
	refuses("text\n", 5, 109, -EINVAL);
}

Test(yaml, a_missing_file_and_a_directory_are_told_apart_from_bad_content)
{
	struct catalogue *cat = NULL;
	struct fm_err err;
	cr_assert_eq(cat_load("/nonexistent/events.yaml", NULL, &cat, &err), -ENOENT);
	cr_assert(strstr(err.msg, "/nonexistent/events.yaml") != NULL);
	cr_assert_eq(cat_load("/", NULL, &cat, &err), -EINVAL);
	cr_assert_null(cat);
}

Test(yaml, a_device_that_never_ends_is_not_read)
{
	struct catalogue *cat = NULL;
	struct fm_err err;
	cr_assert_eq(cat_load("/dev/zero", NULL, &cat, &err), -EINVAL);
}
