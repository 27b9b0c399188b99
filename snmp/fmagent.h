/*
 * fmagent: SNMP for the NOC (INTERFACES §5): traps and informs, and the tables that a manager
 * walks through the machine's snmpd. Everything net-snmp runs on one thread of its own, because
 * net-snmp is not thread-safe for v3 and blocks for many seconds when a peer hangs; the main
 * thread talks to it through a bounded queue and hears acknowledgements through a file descriptor
 * (DESIGN §5).
 *
 * One sink per target, so one dead target stalls nobody. The names of this folder start with
 * fmagent_, since net-snmp exports over 2,000 un-prefixed symbols.
 *
 * Thread: main for every function here. Secrets are read from files whose mode is checked.
 */
#ifndef FM_FMAGENT_H
#define FM_FMAGENT_H

#include "notify/notify.h"

enum fmagent_version { FMAGENT_V2C, FMAGENT_V3 };
enum fmagent_profile { FMAGENT_WRS, FMAGENT_FM };
/* USM: usmHMAC192SHA256AuthProtocol (RFC 7860) and usmAesCfb128PrivProtocol (RFC 3826) default */
enum fmagent_auth { FMAGENT_AUTH_NONE, FMAGENT_AUTH_SHA1, FMAGENT_AUTH_SHA224,
	FMAGENT_AUTH_SHA256, FMAGENT_AUTH_SHA384, FMAGENT_AUTH_SHA512 };
enum fmagent_priv { FMAGENT_PRIV_NONE, FMAGENT_PRIV_AES128, FMAGENT_PRIV_AES192,
	FMAGENT_PRIV_AES256 };

struct fmagent_target {
	const char *name;               /* unique; the sink is "snmp:<name>" */
	const char *address;            /* numeric: "127.0.0.1:162", "udp6:[::1]:162" */
	enum fmagent_version version;
	enum fmagent_profile profile;
	bool inform;
	struct fm_span timeout;         /* of one inform try; 0: 2 s */
	/* v2c */
	const char *community_file;
	/* v3 */
	const char *user;
	enum fmagent_auth auth;
	enum fmagent_priv priv;
	const char *auth_file, *priv_file;      /* pass phrases, one line each */
	/* filter: what is not matched counts as delivered */
	enum severity min_severity;             /* SEV_NONE: all */
	bool logs;                              /* send log transitions too */
};

struct fmagent_options {
	const char *state_dir;          /* engineBoots and engine id live in state_dir/snmp */
	const char *engine_id;          /* hex text; NULL: made once and kept */
	const struct fmagent_target *targets;
	unsigned n_targets;
	const char *region, *system;    /* wrs: entity prefix region=.system=. ; may be NULL */
	const char *agentx;             /* path of snmpd's AgentX socket; NULL: no tables */
	unsigned history;               /* rows of the event table */
};

/* The same for one target; *ret_key: the member that is wrong, NULL when one is missing. Any thread. */
int fmagent_check_target(const struct fmagent_target *t, const char **ret_key, struct fm_err *err)
	FM_MUST_USE;
/* What can be refused without reading a file, the errors as of fmagent_new. Any thread. */
int fmagent_check(const struct fmagent_options *opt, struct fm_err *err) FM_MUST_USE;
/* The rest of it: reads the secrets and makes the keys, and forgets them. Main, before fmagent_new. */
int fmagent_check_secrets(const struct fmagent_options *opt, struct fm_err *err) FM_MUST_USE;

struct fmagent;
/*
 * Reads the secrets, counts one more boot of the engine (durably, before it returns), starts the
 * thread. One agent at a time in a process, and before other threads that read the environment,
 * from which it takes net-snmp's variables. Errors name the target and the file: -EINVAL (v3
 * without user, an address that is not numeric, a pass phrase shorter than 8, trap targets that
 * share a user but not its keys), -EACCES (a secret that others may read or write, or that is not
 * a regular file), -ENOTSUP (profile fm, or a protocol the library lacks), -EUCLEAN (the engine's
 * file is damaged), -ERANGE (its boots are used up).
 */
int fmagent_new(const struct fmagent_options *opt, struct fmagent **ret, struct fm_err *err)
	FM_MUST_USE;
unsigned fmagent_n_sinks(const struct fmagent *ag);
struct sink *fmagent_sink(struct fmagent *ag, unsigned i);      /* for outbox_add */
/* Readable when acknowledgements wait for fmagent_poll, which calls outbox_acked and the like. */
int fmagent_fd(const struct fmagent *ag);
void fmagent_poll(struct fmagent *ag, struct fm_time now);
/*
 * The tables of WRS-ALARM-MIB, which need options.agentx; without it these do nothing. At the start
 * they are filled with the alarms and the newest events, oldest first; then every committed
 * transition is told, with the active alarm that it is about as it stands now (NULL: there is none
 * any more). Events that were no news to anybody have no row, hidden alarms neither. Nothing is
 * seen outside before fmagent_publish, whose cost is a copy of one pointer a row, and only when
 * something changed.
 */
void fmagent_show_alarm(struct fmagent *ag, const struct alarm *al);
void fmagent_show_event(struct fmagent *ag, const struct stored_transition *tr);
void fmagent_committed(struct fmagent *ag, const struct stored_transition *tr,
		       const struct alarm *al);
void fmagent_publish(struct fmagent *ag);
/* One line for the log about the session with snmpd; false: no more. Comes with fmagent_fd. */
#define FMAGENT_MAX_NEWS 200
bool fmagent_news(struct fmagent *ag, char ret[FMAGENT_MAX_NEWS]);

/* After the outbox has been freed (its sinks' close stops deliveries): ends the thread. */
void fmagent_free(struct fmagent *ag);

struct fmagent_stats {
	uint64_t sent, acked, timeouts, errors;
	uint32_t engine_boots;
	uint64_t table_requests;
	bool tables_served;
};
void fmagent_get_stats(const struct fmagent *ag, struct fmagent_stats *ret);

#endif
