/*
 * secure: settings by which the library would load code, run commands, tell secrets or trust
 * anybody. Knows what is refused, what is a secret, and what an operator is to be warned of.
 */
#include "base/file.h"
#include "kafka/conf_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SCRAM_FIXED_IN 0x02060100
#define MAX_SECRET 8192

/* A trailing dot matches by prefix; value NULL: any. */
static const struct {
	const char *key, *value, *why;
} unsafe[] = {
	{"plugin.library.paths", NULL, "it would load code"},
	{"ssl.engine.location", NULL, "it would load code"},
	{"ssl.engine.id", NULL, "it would load code"},
	{"ssl.providers", NULL, "it would load code"},
	{"sasl.kerberos.", NULL, "the library would run kinit through a shell"},
	{"sasl.mechanisms", "GSSAPI", "the library would run kinit through a shell"},
	{"sasl.mechanism", "GSSAPI", "the library would run kinit through a shell"},
	{"enable.ssl.certificate.verification", "false", "anybody would pass for the broker; give "
	 "ssl.ca.location"},
	{"enable.sasl.oauthbearer.unsecure.jwt", "true", "its tokens are not signed"},
};

static const char *const secrets[] = {
	"sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem",
	"sasl.oauthbearer.client.secret", "sasl.oauthbearer.config",
};

/* Files that the library reads by itself. */
static const char *const secret_paths[] = {"ssl.key.location", "ssl.keystore.location"};

/*
 * What debug may ask for; the library takes words in any case. Not security, conf and all, which
 * print the configuration and the handshakes.
 */
static const char *const debug_words[] = {
	"generic", "broker", "topic", "metadata", "feature", "queue", "msg", "protocol", "cgrp",
	"fetch", "interceptor", "plugin", "consumer", "admin", "eos", "mock", "assignor",
};

static bool
is_one_of(const char *const *words, size_t n, const char *word, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], word, len) == 0)
			return true;
	return false;
}

static int
check_debug(const char *value, struct fm_err *err)
{
	for (const char *p = value; *p != '\0'; p += strspn(p, ", \t")) {
		const size_t len = strcspn(p, ", \t");

		if (len > 0 && !is_one_of(debug_words, FM_ARRAY_LEN(debug_words), p, len))
			return fm_fail(err, -EINVAL, "librdkafka: debug cannot be %.*s: not known, "
				       "or it could print secrets", (int)len, p);
		p += len;
	}
	return 0;
}

bool
conf_is_secret(const char *key)
{
	return is_one_of(secrets, FM_ARRAY_LEN(secrets), key, strlen(key));
}

int
conf_check_safe(const char *key, const char *value, struct fm_err *err)
{
	struct fm_err cause = {0};

	for (size_t i = 0; i < FM_ARRAY_LEN(unsafe); i++)
		if (conf_key_matches(unsafe[i].key, key) &&
		    (unsafe[i].value == NULL || strcasecmp(unsafe[i].value, value) == 0))
			return fm_fail(err, -EINVAL, "librdkafka: %s cannot be %s: %s", key,
				       unsafe[i].value != NULL ? value : "set", unsafe[i].why);
	if (conf_is_secret(key))
		return fm_fail(err, -EINVAL, "librdkafka: %s is a secret: give %s" CONF_FILE_SUFFIX
			       " with the path of a file that holds it", key, key);
	if (is_one_of(secret_paths, FM_ARRAY_LEN(secret_paths), key, strlen(key))) {
		int r = fm_file_check(value, FM_FILE_SECRET, &cause);
		return r < 0 ? fm_fail(err, r, "librdkafka: %s: %s", key, cause.msg) : 0;
	}
	return strcmp(key, "debug") == 0 ? check_debug(value, err) : 0;
}

/* buf has room for MAX_SECRET + 1 bytes. A key in PEM has many lines. */
static int
read_secret(const char *key, const char *path, char *buf, struct fm_err *err)
{
	struct fm_err cause = {0};
	int len = fm_file_read_secret(path, buf, MAX_SECRET + 1, &cause);

	if (len < 0)
		return fm_fail(err, len, "librdkafka: %s" CONF_FILE_SUFFIX ": %s", key, cause.msg);
	while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == '\r'))
		len--;
	buf[len] = '\0';
	return len > 0 ? 0 : fm_fail(err, -EINVAL, "librdkafka: %s" CONF_FILE_SUFFIX ": %s: empty",
				     key, path);
}

int
conf_set_secret(rd_kafka_conf_t *conf, const char *key, const char *path, struct fm_err *err)
{
	char value[MAX_SECRET + 1], why[256];
	int r = read_secret(key, path, value, err);

	/* What the library says of a value may quote it. */
	if (r == 0 && rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		r = fm_fail(err, -EINVAL, "librdkafka: %s" CONF_FILE_SUFFIX ": the library does "
			    "not accept the content", key);
	explicit_bzero(value, sizeof(value));
	explicit_bzero(why, sizeof(why));
	return r;
}

/* ---- settings together --------------------------------------------------------------------- */

/* The last one counts, as with the library; "" when it is not given. */
static const char *
value_of(const struct kafka_conf *conf, const char *key)
{
	const char *value = "";

	for (unsigned i = 0; i < conf->n_settings; i++)
		if (strcmp(conf->settings[i].key, key) == 0)
			value = conf->settings[i].value;
	return value;
}

static bool
logs_in(const struct kafka_conf *conf)
{
	return strncasecmp(value_of(conf, "security.protocol"), "sasl_", 5) == 0;
}

static const char *
mechanism(const struct kafka_conf *conf)
{
	const char *one = value_of(conf, "sasl.mechanism");

	return *one != '\0' ? one : value_of(conf, "sasl.mechanisms");
}

int
conf_check_login(const struct kafka_conf *conf, struct fm_err *err)
{
	if (logs_in(conf) && *mechanism(conf) == '\0')
		return fm_fail(err, -EINVAL, "librdkafka: security.protocol %s needs "
			       "sasl.mechanisms", value_of(conf, "security.protocol"));
	return 0;
}

static bool
scram_too_old(const struct kafka_conf *conf)
{
	return rd_kafka_version() < SCRAM_FIXED_IN && logs_in(conf) &&
		strncasecmp(mechanism(conf), "SCRAM-", 6) == 0;
}

static bool
in_clear(const struct kafka_conf *conf)
{
	return strcasecmp(value_of(conf, "security.protocol"), "sasl_plaintext") == 0;
}

static bool
any_name(const struct kafka_conf *conf)
{
	return strcasecmp(value_of(conf, "ssl.endpoint.identification.algorithm"), "none") == 0;
}

static const struct {
	bool (*holds)(const struct kafka_conf *);
	const char *text;
} doubts[] = {
	{scram_too_old, "this librdkafka cannot log in to Kafka 4 with SASL/SCRAM; 2.6.1 can"},
	{in_clear, "security.protocol is sasl_plaintext: whoever is on the way can read and change "
	 "everything, with PLAIN the password too"},
	{any_name, "ssl.endpoint.identification.algorithm is none: whoever has any certificate of "
	 "the same authority passes for the broker"},
};

const char *
kafka_conf_doubt(const struct kafka_conf *conf, unsigned i)
{
	for (size_t k = 0; k < FM_ARRAY_LEN(doubts); k++)
		if (doubts[k].holds(conf) && i-- == 0)
			return doubts[k].text;
	return NULL;
}

/* ---- what came of them ------------------------------------------------------------------------ */

enum kafka_notice
conf_error_kind(rd_kafka_resp_err_t error, const char *text)
{
	static const rd_kafka_resp_err_t refusals[] = {
		RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR__AUTHENTICATION,
		RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(refusals); i++)
		if (error == refusals[i])
			return KAFKA_REFUSED;
	/* A broker that wants our certificate says so after the handshake, in an alert (RFC 8446
	 * §6.2), which the library takes for trouble of the connection. */
	return strstr(text, "SSL alert") != NULL ? KAFKA_REFUSED : KAFKA_WARNING;
}
