#include "rig.h"

struct rig {
	char *base, *dir, *path;
};

static struct rig
rig_new(void)
{
	struct rig r = {.base = rig_dir()};

	r.dir = fm_asprintf("%s/snmp", r.base);
	r.path = fm_asprintf("%s/engine", r.dir);
	return r;
}

static void
rig_free(struct rig *r)
{
	unlink(r->path);
	rmdir(r->dir);
	rmdir(r->base);
	free(r->path);
	free(r->dir);
	free(r->base);
}

static struct fmagent_engine
boot(struct rig *r, const char *id)
{
	struct fmagent_engine eng;
	struct fm_err err = {0};

	cr_assert_eq(fmagent_engine_boot(r->dir, id, &eng, &err), 0, "%s", err.msg);
	return eng;
}

Test(engine, the_id_is_made_once_and_the_boots_count_every_start)
{
	struct rig r = rig_new();
	struct fmagent_engine first = boot(&r, NULL);
	struct stat sb;

	cr_assert_eq(first.boots, 1);
	cr_assert_eq(first.len, 17);
	cr_assert_eq(first.id[0], 0x80);
	for (uint32_t i = 2; i < 5; i++) {
		struct fmagent_engine next = boot(&r, NULL);

		cr_assert_eq(next.boots, i);
		cr_assert_eq(next.len, first.len);
		cr_assert_arr_eq(next.id, first.id, first.len);
	}
	cr_assert_eq(stat(r.dir, &sb), 0);
	cr_assert_eq(sb.st_mode & 0777, 0700);
	rig_free(&r);
}

Test(engine, two_engines_never_share_an_id)
{
	struct rig a = rig_new(), b = rig_new();
	struct fmagent_engine ea = boot(&a, NULL), eb = boot(&b, NULL);

	cr_assert_neq(memcmp(ea.id, eb.id, ea.len), 0);
	rig_free(&a);
	rig_free(&b);
}

Test(engine, a_configured_id_is_taken_and_another_one_starts_at_one)
{
	struct rig r = rig_new();

	cr_assert_eq(boot(&r, "80001F8805aabbcc").boots, 1);
	cr_assert_eq(boot(&r, "80001f8805AABBCC").boots, 2);
	struct fmagent_engine eng = boot(&r, "80001f8805aabbcd");
	cr_assert_eq(eng.boots, 1);
	cr_assert_eq(eng.len, 8);
	cr_assert_eq(eng.id[7], 0xcd);
	rig_free(&r);
}

Test(engine, ids_that_rfc_3411_excludes_are_refused)
{
	static const char *const bad[] = {"", "80001f88", "80001f880", "80001f88zz", "0000000000",
		"ffffffffff",
		"80001f8800112233445566778899aabbccddeeff00112233445566778899aabbcc"};
	struct rig r = rig_new();

	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++) {
		struct fmagent_engine eng;
		struct fm_err err = {0};

		cr_assert_eq(fmagent_engine_boot(r.dir, bad[i], &eng, &err), -EINVAL, "%s", bad[i]);
	}
	rig_free(&r);
}

static void
expect_error(struct rig *r, const char *text, int code)
{
	struct fmagent_engine eng;
	struct fm_err err = {0};

	free(rig_file(r->dir, "engine", text, 0600));
	cr_assert_eq(fmagent_engine_boot(r->dir, NULL, &eng, &err), code, "\"%s\": %s", text,
		     err.msg);
	cr_assert_not_null(strstr(err.msg, r->path), "%s", err.msg);
}

Test(engine, a_damaged_file_stops_the_start_and_is_kept)
{
	struct rig r = rig_new();

	boot(&r, NULL);
	expect_error(&r, "", -EUCLEAN);
	expect_error(&r, "fmd-engine 1\nid 80001f8805aabbcc\n", -EUCLEAN);
	expect_error(&r, "fmd-engine 1\nid 80001f8805aabbcc\nboots 7", -EUCLEAN);
	expect_error(&r, "fmd-engine 1\nid 80001f8805aabbcc\nboots 7\nx", -EUCLEAN);
	expect_error(&r, "fmd-engine 1\nid 80001f88\nboots 7\n", -EUCLEAN);
	expect_error(&r, "fmd-engine 2\nid 80001f8805aabbcc\nboots 7\n", -EUCLEAN);
	cr_assert_eq(access(r.path, F_OK), 0);
	rig_free(&r);
}

Test(engine, used_up_boots_stop_the_start)
{
	struct rig r = rig_new();

	boot(&r, NULL);
	expect_error(&r, "fmd-engine 1\nid 80001f8805aabbcc\nboots 2147483646\n", -ERANGE);
	rig_free(&r);
}

Test(engine, a_half_written_new_file_does_no_harm)
{
	struct rig r = rig_new();
	boot(&r, NULL);
	char *torn = rig_file(r.dir, "engine.new", "fmd-eng", 0600);

	cr_assert_eq(boot(&r, NULL).boots, 2);
	cr_assert_neq(access(torn, F_OK), 0);
	free(torn);
	rig_free(&r);
}
