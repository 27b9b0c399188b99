/* Starting the agent, and what it refuses. Delivery is tested with real receivers: tests/system. */
#include "rig.h"

/* net-snmp loses a table of its MIB parser when it is brought up a second time. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *
__lsan_default_suppressions(void)
{
	return "leak:netsnmp_init_mib_internals\n";
}

struct rig {
	char *dir, *good, *open, *tiny;
	struct fmagent_target t[2];
	struct fmagent_options opt;
};

static struct rig
rig_new(void)
{
	struct rig r = {.dir = rig_dir()};

	r.good = rig_file(r.dir, "good", "maplesyrup\n", 0600);
	r.open = rig_file(r.dir, "open", "maplesyrup\n", 0644);
	r.tiny = rig_file(r.dir, "tiny", "seven77\n", 0600);
	r.t[0] = (struct fmagent_target){.name = "noc-1", .address = "127.0.0.1:1162",
		.version = FMAGENT_V3, .user = "fmd", .auth = FMAGENT_AUTH_SHA256,
		.priv = FMAGENT_PRIV_AES128, .auth_file = r.good, .priv_file = r.good};
	r.t[1] = (struct fmagent_target){.name = "noc-2", .address = "127.0.0.1:1163",
		.version = FMAGENT_V2C, .community_file = r.good};
	return r;
}

static void
rig_free(struct rig *r)
{
	char *engine = fm_asprintf("%s/snmp/engine", r->dir);
	char *dir = fm_asprintf("%s/snmp", r->dir);
	char *certs = fm_asprintf("%s/snmp/cert_indexes", r->dir);
	char *const files[] = {engine, r->good, r->open, r->tiny};

	for (size_t i = 0; i < FM_ARRAY_LEN(files); i++) {
		unlink(files[i]);
		free(files[i]);
	}
	rmdir(certs);
	rmdir(dir);
	free(certs);
	cr_assert_eq(rmdir(r->dir), 0, "the library left files in the state directory");
	free(dir);
	free(r->dir);
}

static int
start(struct rig *r, struct fmagent **ret, struct fm_err *err)
{
	const struct fmagent_options opt = {.state_dir = r->dir, .targets = r->t, .n_targets = 2};

	return fmagent_new(&opt, ret, err);
}

static void
expect_refused(struct rig *r, int code, const char *words)
{
	struct fmagent *ag = NULL;
	struct fm_err err = {0};

	cr_assert_eq(start(r, &ag, &err), code, "%s", err.msg);
	cr_assert_null(ag);
	cr_assert_not_null(strstr(err.msg, words), "%s", err.msg);
}

Test(fmagent, starts_and_ends_and_starts_again)
{
	struct rig r = rig_new();

	for (uint32_t boots = 1; boots < 4; boots++) {
		struct fmagent *ag = NULL;
		struct fm_err err = {0};
		struct fmagent_stats st;

		cr_assert_eq(start(&r, &ag, &err), 0, "%s", err.msg);
		cr_assert_eq(fmagent_n_sinks(ag), 2);
		cr_assert_str_eq(fmagent_sink(ag, 0)->name, "snmp:noc-1");
		cr_assert_str_eq(fmagent_sink(ag, 1)->name, "snmp:noc-2");
		struct sink *second = fmagent_sink(ag, 1);
		cr_assert_str_eq(second->ops->state(second), "no session");
		fmagent_get_stats(ag, &st);
		cr_assert_eq(st.engine_boots, boots);
		fmagent_free(ag);
	}
	rig_free(&r);
}

Test(fmagent, the_profile_of_a_later_version_is_refused)
{
	struct rig r = rig_new();

	r.t[1].profile = FMAGENT_FM;
	expect_refused(&r, -ENOTSUP, "target noc-2: profile fm is not in this version");
	rig_free(&r);
}

Test(fmagent, targets_that_cannot_work_are_refused_by_name)
{
	struct rig good = rig_new(), r = good;

	r.t[0].user = NULL;
	expect_refused(&r, -EINVAL, "target noc-1: v3 needs a user");
	r = good;
	r.t[0].auth = FMAGENT_AUTH_NONE;
	expect_refused(&r, -EINVAL, "no privacy without");
	r = good;
	r.t[0].auth_file = NULL;
	expect_refused(&r, -EINVAL, "authentication pass phrase");
	r = good;
	r.t[1].community_file = NULL;
	expect_refused(&r, -EINVAL, "target noc-2: v2c needs");
	r = good;
	r.t[1].name = "noc-1";
	expect_refused(&r, -EINVAL, "target noc-1: given twice");
	r = good;
	r.t[1].address = "noc.example.com";
	expect_refused(&r, -EINVAL, "target noc-2: address \"noc.example.com\"");
	rig_free(&good);
}

Test(fmagent, secrets_that_are_none_are_refused_with_target_and_file)
{
	struct rig good = rig_new(), r = good;

	r.t[0].priv_file = r.open;
	expect_refused(&r, -EACCES, "target noc-1: ");
	expect_refused(&r, -EACCES, r.open);
	r = good;
	r.t[0].auth_file = r.tiny;
	expect_refused(&r, -EINVAL, "shorter than 8");
	r = good;
	r.t[1].community_file = r.open;
	expect_refused(&r, -EACCES, "target noc-2: ");
	rig_free(&good);
}

Test(fmagent, one_user_with_two_pass_phrases_is_refused_for_traps)
{
	struct rig r = rig_new();
	char *other = rig_file(r.dir, "other", "another phrase\n", 0600);
	struct fmagent *ag = NULL;
	struct fm_err err = {0};

	r.t[1] = r.t[0];
	r.t[1].name = "noc-2";
	r.t[1].auth_file = other;
	expect_refused(&r, -EINVAL, "targets noc-1 and noc-2");

	/* Informs use each receiver's own engine, so there it is two users. */
	r.t[1].inform = true;
	cr_assert_eq(start(&r, &ag, &err), 0, "%s", err.msg);
	fmagent_free(ag);
	unlink(other);
	free(other);
	rig_free(&r);
}
