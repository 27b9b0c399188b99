/*
 * Targets as configured: what can be refused at the start is refused here, with the name of the
 * target and of the file. Pass phrases become USM keys at once and are wiped; the keys stay,
 * because a session is opened anew after trouble. Main thread, before the snmp thread runs.
 */
#include "snmp/fmagent_net_priv.h"
#include "snmp/fmagent_table_priv.h"

#define MIN_PASS_PHRASE 8       /* RFC 3414 §11.2 */
#define MAX_USER 32             /* SnmpAdminString (SIZE (1..32)) of usmUserSecurityName */

static const int auth_types[] = {
	[FMAGENT_AUTH_NONE] = NETSNMP_USMAUTH_NOAUTH,
	[FMAGENT_AUTH_SHA1] = NETSNMP_USMAUTH_HMACSHA1,
	[FMAGENT_AUTH_SHA224] = NETSNMP_USMAUTH_HMAC128SHA224,
	[FMAGENT_AUTH_SHA256] = NETSNMP_USMAUTH_HMAC192SHA256,
	[FMAGENT_AUTH_SHA384] = NETSNMP_USMAUTH_HMAC256SHA384,
	[FMAGENT_AUTH_SHA512] = NETSNMP_USMAUTH_HMAC384SHA512,
};

static const int priv_types[] = {
	[FMAGENT_PRIV_NONE] = USM_CREATE_USER_PRIV_NONE,
	[FMAGENT_PRIV_AES128] = USM_CREATE_USER_PRIV_AES,
	[FMAGENT_PRIV_AES192] = USM_CREATE_USER_PRIV_AES192,
	[FMAGENT_PRIV_AES256] = USM_CREATE_USER_PRIV_AES256,
};

const oid *
fmagent_auth_oid(enum fmagent_auth auth, size_t *ret_len)
{
	return sc_get_auth_oid(auth_types[auth], ret_len);
}

const oid *
fmagent_priv_oid(enum fmagent_priv priv, size_t *ret_len)
{
	return sc_get_priv_oid(priv_types[priv], ret_len);
}

/* ---- checks without files ----------------------------------------------------------------- */

/* The key that is wrong goes to *ret_key; NULL while one is missing. */
static int
check_v3(const struct fmagent_target *t, const char **ret_key, struct fm_err *err)
{
	size_t len;

	*ret_key = t->user != NULL ? "user" : NULL;
	if (t->user == NULL || t->user[0] == '\0')
		return fm_fail(err, -EINVAL, "target %s: v3 needs a user", t->name);
	if (strlen(t->user) > MAX_USER)
		return fm_fail(err, -EINVAL, "target %s: user longer than %d octets", t->name,
			       MAX_USER);
	*ret_key = "priv";
	if (t->auth == FMAGENT_AUTH_NONE && t->priv != FMAGENT_PRIV_NONE)
		return fm_fail(err, -EINVAL, "target %s: v3 has no privacy without"
			       " authentication", t->name);
	*ret_key = NULL;
	if (t->auth != FMAGENT_AUTH_NONE && t->auth_file == NULL)
		return fm_fail(err, -EINVAL, "target %s: needs auth_file, a file with the"
			       " authentication pass phrase", t->name);
	if (t->priv != FMAGENT_PRIV_NONE && t->priv_file == NULL)
		return fm_fail(err, -EINVAL, "target %s: needs priv_file, a file with the privacy"
			       " pass phrase", t->name);
	if (fmagent_auth_oid(t->auth, &len) == NULL || fmagent_priv_oid(t->priv, &len) == NULL)
		return fm_fail(err, -ENOTSUP, "target %s: the net-snmp library of this machine"
			       " lacks the authentication or privacy protocol", t->name);
	return 0;
}

static int
check_address(const struct fmagent_target *t, struct fm_err *err)
{
	FM_CLEANUP(fm_freep) char *address = NULL;
	struct fm_err cause = {0};

	if (t->address == NULL)
		return fm_fail(err, -EINVAL, "target %s: needs an address", t->name);
	int rc = fmagent_address(t->address, &address, &cause);
	return rc < 0 ? fm_fail(err, rc, "target %s: %s", t->name, cause.msg) : 0;
}

int
fmagent_check_target(const struct fmagent_target *t, const char **ret_key, struct fm_err *err)
{
	int rc = 0;

	*ret_key = "name";
	if (t->name == NULL || t->name[0] == '\0')
		return fm_fail(err, -EINVAL, "a target without a name");
	*ret_key = "profile";
	if (t->profile != FMAGENT_WRS)
		return fm_fail(err, -ENOTSUP, "target %s: profile fm is not in this version, use"
			       " wrs", t->name);
	*ret_key = "timeout";
	if (t->timeout.ns < 0 || t->timeout.ns > fm_span_s(300).ns)
		return fm_fail(err, -EINVAL, "target %s: timeout must be from 0 to 5 minutes", t->name);
	*ret_key = NULL;
	if (t->version == FMAGENT_V2C && t->community_file == NULL)
		return fm_fail(err, -EINVAL, "target %s: v2c needs community_file, a file with the"
			       " community", t->name);
	if (t->version == FMAGENT_V3)
		rc = check_v3(t, ret_key, err);
	if (rc < 0)
		return rc;
	*ret_key = "address";
	return check_address(t, err);
}

int
fmagent_check(const struct fmagent_options *opt, struct fm_err *err)
{
	const char *path, *key;

	for (unsigned i = 0; i < opt->n_targets; i++) {
		int rc = fmagent_check_target(&opt->targets[i], &key, err);

		if (rc < 0)
			return rc;
		for (unsigned j = 0; j < i; j++)
			if (strcmp(opt->targets[i].name, opt->targets[j].name) == 0)
				return fm_fail(err, -EINVAL, "target %s: given twice",
					       opt->targets[i].name);
	}
	return opt->agentx != NULL ? fmagent_master_path(opt->agentx, &path, err) : 0;
}

/* ---- secrets --------------------------------------------------------------------------------- */

/* The key Ku of RFC 3414 §2.6; each engine's own is derived from it when it is known. */
static int
make_key(const struct fmagent_target *t, const char *path, uint8_t *key, size_t *ret_len,
	 struct fm_err *err)
{
	struct fm_err cause = {0};
	char *pass = NULL;
	size_t oid_len = 0, len = FMAGENT_MAX_KEY;
	const oid *hash = fmagent_auth_oid(t->auth, &oid_len);

	int rc = fmagent_secret_read(path, &pass, &cause);
	if (rc < 0)
		return fm_fail(err, rc, "target %s: %s", t->name, cause.msg);
	if (strlen(pass) < MIN_PASS_PHRASE)
		rc = fm_fail(err, -EINVAL, "target %s: %s: pass phrase shorter than %d octets",
			     t->name, path, MIN_PASS_PHRASE);
	else if (generate_Ku(hash, (u_int)oid_len, (const u_char *)pass, strlen(pass), key, &len)
		 != SNMPERR_SUCCESS)
		rc = fm_fail(err, -EIO, "target %s: %s: the library made no key of it", t->name,
			     path);
	else
		*ret_len = len;
	fmagent_secret_free(pass);
	return rc;
}

static int
read_v3(struct fmagent_conf *c, const struct fmagent_target *t, struct fm_err *err)
{
	int rc = 0;

	c->user = fm_strdup(t->user);
	if (t->auth != FMAGENT_AUTH_NONE)
		rc = make_key(t, t->auth_file, c->auth_key, &c->auth_key_len, err);
	if (rc == 0 && t->priv != FMAGENT_PRIV_NONE)
		rc = make_key(t, t->priv_file, c->priv_key, &c->priv_key_len, err);
	return rc;
}

static int
read_v2c(struct fmagent_conf *c, const struct fmagent_target *t, struct fm_err *err)
{
	struct fm_err cause = {0};
	int rc = fmagent_secret_read(t->community_file, &c->community, &cause);

	if (rc == 0 && (strcmp(c->community, "public") == 0 ||
			strcmp(c->community, "private") == 0))
		rc = fm_fail(&cause, -EINVAL, "%s: a community that everybody knows", t->community_file);
	return rc < 0 ? fm_fail(err, rc, "target %s: %s", t->name, cause.msg) : 0;
}

/*
 * What of FMAGENT_MAX_MESSAGE the wrapping takes at most, in the order of the message. The PDU:
 * header, request id, two error fields, list of varbinds.
 */
#define PDU_LEN (4 + 6 + 3 + 3 + 4)

static size_t
overhead(const struct fmagent_conf *c)
{
	size_t engine = fmagent_tlv(FMAGENT_MAX_ENGINE_ID);

	/* RFC 1901: sequence, version, community */
	if (c->version == FMAGENT_V2C)
		return 4 + 3 + fmagent_tlv(strlen(c->community)) + PDU_LEN;
	/* RFC 3412 §6: sequence, version, id, size, flags, model in a sequence */
	return 4 + 3 + fmagent_tlv(6 + 5 + 3 + 3)
		/* RFC 3414 §2.4: two headers, engine, boots, time, user, digest, salt */
		+ 3 + 3 + engine + 6 + 6 + fmagent_tlv(strlen(c->user)) + fmagent_tlv(48)
		+ fmagent_tlv(8)
		/* encrypted scoped PDU: two headers, context engine, context name */
		+ 4 + 4 + engine + fmagent_tlv(0) + PDU_LEN;
}

int
fmagent_conf_init(struct fmagent_conf *ret, const struct fmagent_target *t, struct fm_err *err)
{
	struct fm_err cause = {0};

	ret->name = fm_strdup(t->name);
	ret->version = t->version;
	ret->auth = t->auth;
	ret->priv = t->priv;
	ret->inform = t->inform;
	ret->timeout = t->timeout.ns != 0 ? t->timeout : fm_span_s(2);
	int rc = fmagent_address(t->address, &ret->address, &cause);
	if (rc < 0)
		return fm_fail(err, rc, "target %s: %s", t->name, cause.msg);
	rc = t->version == FMAGENT_V3 ? read_v3(ret, t, err) : read_v2c(ret, t, err);
	if (rc == 0)
		ret->max_varbinds = FMAGENT_MAX_MESSAGE - overhead(ret);
	return rc;
}

void
fmagent_conf_fini(struct fmagent_conf *c)
{
	fmagent_secret_free(c->community);
	fm_freep(&c->name);
	fm_freep(&c->address);
	fm_freep(&c->user);
	explicit_bzero(c, sizeof(*c));
}

int
fmagent_check_secrets(const struct fmagent_options *opt, struct fm_err *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < opt->n_targets; i++) {
		struct fmagent_conf c = {0};

		rc = fmagent_conf_init(&c, &opt->targets[i], err);
		fmagent_conf_fini(&c);
	}
	return rc;
}

static bool
same_keys(const struct fmagent_conf *a, const struct fmagent_conf *b)
{
	return a->auth == b->auth && a->priv == b->priv
		&& a->auth_key_len == b->auth_key_len && a->priv_key_len == b->priv_key_len
		&& memcmp(a->auth_key, b->auth_key, a->auth_key_len) == 0
		&& memcmp(a->priv_key, b->priv_key, a->priv_key_len) == 0;
}

static bool
sends_v3_traps(const struct fmagent_conf *c)
{
	return c->version == FMAGENT_V3 && !c->inform;
}

int
fmagent_conf_conflict(const struct fmagent_conf *a, const struct fmagent_conf *b,
		      struct fm_err *err)
{
	if (!sends_v3_traps(a) || !sends_v3_traps(b) || strcmp(a->user, b->user) != 0
	    || same_keys(a, b))
		return 0;
	return fm_fail(err, -EINVAL, "targets %s and %s: both send v3 traps as user %s but with"
		       " different protocols or pass phrases; give one of them another user",
		       a->name, b->name, a->user);
}
