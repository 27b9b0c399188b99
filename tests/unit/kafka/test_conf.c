/* Settings: what fmd must own is refused by name, secrets come from files, the rest passes. */
#include "kafka/kafka.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const topics[] = {"in"};

static int
try_setting(const char *key, const char *value, struct fm_err *err)
{
	struct kafka_setting s = {key, value};
	struct kafka_source_options opt = {
		.conf = {.brokers = "127.0.0.1:1", .settings = &s, .n_settings = 1},
		.topics = topics, .n_topics = 1,
	};
	struct kafka_source *src = NULL;
	int r = kafka_source_new(&opt, &src, err);
	kafka_source_free(src);
	return r;
}

static void
assert_refused(const char *key, const char *value)
{
	struct fm_err err = {0};
	cr_assert_eq(try_setting(key, value, &err), -EINVAL, "%s=%s was accepted", key, value);
	cr_assert_not_null(strstr(err.msg, key), "%s does not name %s", err.msg, key);
}

Test(conf, keys_that_carry_promises_are_refused_by_name)
{
	static const char *const keys[] = {
		"enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
		"enable.idempotence", "enable.partition.eof", "group.id", "group.instance.id", "acks",
		"request.required.acks", "isolation.level", "check.crcs", "transactional.id",
		"bootstrap.servers", "metadata.broker.list", "client.id", "plugin.library.paths",
		"ssl.engine.location", "sasl.kerberos.kinit.cmd", "statistics.interval.ms", "log.queue",
		"test.mock.num.brokers", "allow.auto.create.topics", "queue.buffering.max.messages",
	};
	for (size_t i = 0; i < FM_ARRAY_LEN(keys); i++)
		assert_refused(keys[i], "1");
}

Test(conf, debug_that_could_print_secrets_is_refused)
{
	struct fm_err err;
	assert_refused("debug", "security");
	assert_refused("debug", "broker,conf");
	assert_refused("debug", "all");
	assert_refused("debug", "SECURITY");
	assert_refused("debug", "consumer, Conf");
	assert_refused("debug", "nonsense");
	cr_assert_eq(try_setting("debug", "Broker, fetch", &err), 0, "%s", err.msg);
	cr_assert_eq(try_setting("debug", "consumer", &err), 0);
}

Test(conf, code_commands_and_blind_trust_are_refused)
{
	struct fm_err err;

	assert_refused("ssl.providers", "legacy");
	assert_refused("ssl.engine.id", "x");
	assert_refused("sasl.kerberos.keytab", "/etc/x");
	assert_refused("sasl.mechanisms", "gssapi");
	assert_refused("sasl.mechanism", "GSSAPI");
	assert_refused("enable.ssl.certificate.verification", "False");
	assert_refused("enable.sasl.oauthbearer.unsecure.jwt", "true");
	cr_assert_eq(try_setting("enable.ssl.certificate.verification", "true", &err), 0, "%s",
		     err.msg);
}

Test(conf, a_key_or_value_that_librdkafka_does_not_know_is_named)
{
	assert_refused("fetch.wiat.max.ms", "5");
	assert_refused("fetch.wait.max.ms", "soon");
}

Test(conf, other_settings_pass)
{
	struct fm_err err;
	cr_assert_eq(try_setting("fetch.wait.max.ms", "50", &err), 0, "%s", err.msg);
	cr_assert_eq(try_setting("compression.type", "zstd", &err), 0, "%s", err.msg);
}

Test(conf, a_secret_in_the_map_is_refused_with_a_hint_and_not_repeated)
{
	struct fm_err err;
	cr_assert_eq(try_setting("sasl.password", "hunter2", &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "sasl.password.file"));
	cr_assert_null(strstr(err.msg, "hunter2"));
	assert_refused("ssl.key.password", "x");
	assert_refused("ssl.key.pem", "x");
}

struct secret {
	char path[64];
};

static struct secret
secret_file(const char *text, mode_t mode)
{
	struct secret s = {"/tmp/fmd-test-secret-XXXXXX"};
	int fd = mkstemp(s.path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
	return s;
}

Test(conf, a_secret_is_read_from_a_file_that_others_cannot_read)
{
	struct fm_err err;
	struct secret s = secret_file("hunter2\n", 0600);
	cr_assert_eq(try_setting("sasl.password.file", s.path, &err), 0, "%s", err.msg);
	unlink(s.path);
	cr_assert_eq(try_setting("sasl.password.file", s.path, &err), -ENOENT);
	cr_assert_not_null(strstr(err.msg, "sasl.password.file"));
}

Test(conf, a_secret_file_open_to_others_is_refused)
{
	struct fm_err err;
	struct secret s = secret_file("hunter2", 0644);
	cr_assert_eq(try_setting("sasl.password.file", s.path, &err), -EACCES);
	cr_assert_not_null(strstr(err.msg, s.path));
	chmod(s.path, 0660);
	cr_assert_eq(try_setting("sasl.password.file", s.path, &err), -EACCES);
	unlink(s.path);
	cr_assert_eq(try_setting("sasl.password.file", "/tmp", &err), -EINVAL);
}

Test(conf, only_secrets_come_from_a_file)
{
	assert_refused("fetch.wait.max.ms.file", "/etc/hostname");
}

Test(conf, without_brokers_there_is_no_client)
{
	struct fm_err err;
	struct kafka_source *src;
	struct kafka_source_options opt = {.conf = {.brokers = ""}, .topics = topics, .n_topics = 1};
	cr_assert_eq(kafka_source_new(&opt, &src, &err), -EINVAL);
}

static bool
doubts(const struct kafka_setting *s, unsigned n, const char *words)
{
	const struct kafka_conf conf = {.brokers = "127.0.0.1:1", .settings = s, .n_settings = n};
	const char *text;

	for (unsigned i = 0; (text = kafka_conf_doubt(&conf, i)) != NULL; i++)
		if (strstr(text, words) != NULL)
			return true;
	return false;
}

Test(conf, scram_needs_a_newer_library_than_debian_12_has)
{
	const struct kafka_setting plain[] = {{"security.protocol", "sasl_ssl"},
		{"sasl.mechanisms", "PLAIN"}};
	const struct kafka_setting scram[] = {{"security.protocol", "sasl_ssl"},
		{"sasl.mechanism", "SCRAM-SHA-512"}};
	bool old = strncmp(kafka_library_version(), "2.6.1", 5) < 0;

	cr_assert_not(doubts(plain, 2, "SCRAM"));
	cr_assert_eq(doubts(scram, 2, "SCRAM"), old);
}

Test(conf, what_weakens_tls_is_warned_of)
{
	const struct kafka_setting clear[] = {{"security.protocol", "SASL_PLAINTEXT"}};
	const struct kafka_setting any[] = {{"ssl.endpoint.identification.algorithm", "none"}};
	const struct kafka_setting good[] = {{"security.protocol", "ssl"},
		{"ssl.endpoint.identification.algorithm", "https"}};

	cr_assert(doubts(clear, 1, "sasl_plaintext"));
	cr_assert(doubts(any, 1, "passes for the broker"));
	cr_assert_not(doubts(good, 2, ""));
}

Test(conf, a_login_needs_its_mechanism_named)
{
	const struct kafka_setting s[] = {{"security.protocol", "sasl_ssl"},
		{"sasl.mechanisms", "PLAIN"}, {"sasl.username", "u"}};
	struct kafka_conf conf = {.brokers = "127.0.0.1:1", .settings = s, .n_settings = 1};
	struct fm_err err = {0};

	cr_assert_eq(kafka_conf_check(&conf, &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "needs sasl.mechanisms"), "%s", err.msg);
	conf.settings = s + 1;
	conf.n_settings = 2;
	cr_assert_eq(kafka_conf_check(&conf, &err), 0, "%s", err.msg);
}

Test(conf, a_private_key_that_others_can_read_is_refused)
{
	struct fm_err err = {0};
	struct secret s = secret_file("key", 0644);

	cr_assert_eq(try_setting("ssl.key.location", s.path, &err), -EACCES);
	cr_assert_not_null(strstr(err.msg, s.path), "%s", err.msg);
	cr_assert_eq(try_setting("ssl.keystore.location", s.path, &err), -EACCES);
	unlink(s.path);
}

Test(conf, an_empty_secret_is_refused)
{
	struct fm_err err = {0};
	struct secret s = secret_file("\n", 0600);

	cr_assert_eq(try_setting("sasl.password.file", s.path, &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "empty"), "%s", err.msg);
	unlink(s.path);
}
