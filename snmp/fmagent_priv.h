/*
 * What the files of snmp/ share. Two threads meet here: main parses, filters and queues; the snmp
 * thread owns every net-snmp call once it runs. They share the rings, the generation and a few
 * counters of each target, and two eventfds; there is no lock (docs/adr/0003).
 */
#ifndef FM_FMAGENT_PRIV_H
#define FM_FMAGENT_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "snmp/fmagent.h"

struct fmagent_master;
struct fmagent_replica;

/* ---- ring: one producer, one consumer, elements by value (fmagent_ring.c) -------------- */

struct fmagent_ring {
	unsigned char *mem;
	size_t elem;
	uint32_t cap;                   /* a power of two */
	_Atomic uint32_t head;          /* next to write; the producer's */
	_Atomic uint32_t tail;          /* next to read; the consumer's */
};
void fmagent_ring_init(struct fmagent_ring *r, size_t elem, uint32_t cap);
void fmagent_ring_fini(struct fmagent_ring *r);
/* Producer: the slot to fill, NULL when full; then publish it. */
void *fmagent_ring_slot(struct fmagent_ring *r);
void fmagent_ring_push(struct fmagent_ring *r);
/* Consumer: the oldest element, NULL when empty; then drop it. */
void *fmagent_ring_peek(struct fmagent_ring *r);
void fmagent_ring_pop(struct fmagent_ring *r);

/* ---- notice: a transition as the wrs profile sends it (fmagent_notice.c) ---------------- */

/* Last arc of the notifications below wrsTrapPrefix. */
enum fmagent_trap {
	FMAGENT_TRAP_CRITICAL = 1,
	FMAGENT_TRAP_MAJOR = 2,
	FMAGENT_TRAP_MINOR = 3,
	FMAGENT_TRAP_WARNING = 4,
	FMAGENT_TRAP_MESSAGE = 5,
	FMAGENT_TRAP_CLEAR = 9,
};

#define FMAGENT_MAX_TEXT 255    /* SnmpAdminString */
#define FMAGENT_MAX_ID 7        /* WrsAlarmId is an OCTET STRING of 0..7 */
#define FMAGENT_DATE_LEN 11
#define FMAGENT_MAX_MESSAGE 1400        /* octets of one UDP payload: never a fragment */

struct fmagent_notice {
	uint64_t seq;
	uint32_t gen;                   /* of the target when it was offered */
	enum fmagent_trap trap;
	uint32_t index;                 /* row of the alarm table; 0: a message */
	char uuid[FM_UUID_STR];
	char alarm_id[FMAGENT_MAX_ID + 1];
	char entity[FMAGENT_MAX_TEXT + 1];
	char reason[FMAGENT_MAX_TEXT + 1];
	char repair[FMAGENT_MAX_TEXT + 1];
	uint8_t date[FMAGENT_DATE_LEN];
	int32_t severity, type, cause, service_affecting, suppressible;
};

/* What a target wants and how it names things; strings may be NULL. */
struct fmagent_filter {
	enum severity min_severity;
	bool logs;
	const char *region, *system;
};

/* What notifications and tables both say; strings are borrowed from the JSON or the alarm. */
struct fmagent_values {
	struct fm_uuid uuid;
	const char *alarm_id, *entity, *reason, *repair;
	struct fm_time at;
	int32_t severity, type, cause, service_affecting, suppressible;
};
struct json_t;
/* al: the member "alarm" of the transition's body. False: it is none. */
bool fmagent_values_json(const struct stored_transition *tr, const struct json_t *al,
			 struct fmagent_values *ret);
/* The MIB has words for transitions of this kind. */
bool fmagent_is_announcement(enum transition_kind kind);
/* WRS-ALARM-MIB ends at 10; what came later is "other". */
int32_t fmagent_type_wrs(int type);
/* Appends "region=<r>.system=<s>.<entity>", the incumbent's way of telling clouds apart. */
void fmagent_entity(struct fm_buf *ret, const char *entity, const struct fmagent_filter *f);

/* Returns 0 (to be sent, *ret is filled), 1 (not for this target) or -EBADMSG (body damaged). */
int fmagent_notice_make(const struct stored_transition *tr, const struct fmagent_filter *f,
			struct fmagent_notice *ret) FM_MUST_USE;
/* DateAndTime of SNMPv2-TC, eleven octets, UTC. */
void fmagent_date(struct fm_time t, uint8_t ret[FMAGENT_DATE_LEN]);
/* Copies at most cap - 1 octets of s, cut at a code point; what was cut ends in "...". */
void fmagent_copy_text(char *ret, size_t cap, const char *s, size_t len);
/* 1..2^31-1; ids beyond wrap, so that managers with signed sub-identifiers can follow. */
uint32_t fmagent_row_index(uint64_t id);

/* ---- wrs: a notice as varbinds (fmagent_wrs.c) ------------------------------------------ */

/* What len octets of content take in BER, definite lengths in their shortest form. */
size_t fmagent_tlv(size_t len);
/* An upper bound of the encoded varbinds, the two fixed ones included. */
size_t fmagent_wrs_size(const struct fmagent_notice *n);
/* Shortens repair action, then reason, until the varbinds need at most max octets. */
void fmagent_wrs_fit(struct fmagent_notice *n, size_t max);

/* ---- inputs from files (fmagent_secret.c, fmagent_engine.c) ----------------------------- */

/*
 * The one line of a secret file, to be freed with fmagent_secret_free. -EACCES when the file is
 * not regular, not root's or ours, or open to group or others; -EINVAL when empty or not a line.
 */
int fmagent_secret_read(const char *path, char **ret, struct fm_err *err) FM_MUST_USE;
void fmagent_secret_free(char *secret);

/* "udp:192.0.2.1:162" or "udp6:[2001:db8::1]:162" from what a person writes; -EINVAL otherwise. */
int fmagent_address(const char *s, char **ret, struct fm_err *err) FM_MUST_USE;

#define FMAGENT_MAX_ENGINE_ID 32
struct fmagent_engine {
	uint8_t id[FMAGENT_MAX_ENGINE_ID];
	size_t len;
	uint32_t boots;
};
/*
 * Counts one more boot of the engine kept in dir (made, 0700) and makes that durable before it
 * returns. hex_id: the configured engine id or NULL. -EINVAL (hex_id), -EUCLEAN (file damaged),
 * -ERANGE (boots used up, RFC 3414 §2.2.2), or the error of the file system.
 */
int fmagent_engine_boot(const char *dir, const char *hex_id, struct fmagent_engine *ret,
			struct fm_err *err) FM_MUST_USE;

/* ---- destination: a configured target at work ------------------------------------------- */

#define FMAGENT_WINDOW 16u      /* transitions taken and not yet reported, for each target */
#define FMAGENT_MAX_KEY 64u     /* net-snmp's USM_AUTH_KU_LEN and USM_PRIV_KU_LEN */

enum fmagent_phase {
	FMAGENT_CLOSED,
	FMAGENT_DISCOVERING,
	FMAGENT_READY,
	FMAGENT_WAITING,
};

struct fmagent_report {
	uint64_t seq;
	uint32_t gen;
	bool failed;
	char why[240];
};

/* How to reach a destination. Immutable once the thread runs, owned. */
struct fmagent_conf {
	char *name, *address, *community, *user;
	enum fmagent_version version;
	enum fmagent_auth auth;
	enum fmagent_priv priv;
	bool inform;
	struct fm_span timeout;
	uint8_t auth_key[FMAGENT_MAX_KEY], priv_key[FMAGENT_MAX_KEY];
	size_t auth_key_len, priv_key_len;
	size_t max_varbinds;            /* octets left for varbinds in FMAGENT_MAX_MESSAGE */
};

/* The session with it; the snmp thread's. */
struct fmagent_peer {
	void *session;                  /* of net-snmp's single-session API */
	bool broken;                    /* to be closed, which its callbacks must not */
	bool proven;                    /* an inform was understood in this session */
	uint64_t sent_seq;              /* of the inform in flight */
	uint32_t sent_gen;
	bool has_dead;
	uint32_t dead_gen;              /* of a failure: what else came with it is dropped */
	int64_t next_send;              /* monotonic ns, pacing of traps */
};

struct fmagent_dest {
	struct sink sink;               /* first */
	struct fmagent *ag;
	/* immutable after fmagent_new */
	struct fmagent_conf conf;
	struct fmagent_filter filter;
	char *sink_name;
	/* main thread */
	uint32_t taken;                 /* offered and not reported */
	bool starved;                   /* an offer was refused for want of room */
	/* shared */
	_Atomic uint32_t gen;           /* main counts it up to disown everything queued */
	_Atomic int phase;              /* enum fmagent_phase, for fmagent_sink's state */
	struct fmagent_ring in;         /* struct fmagent_notice, main to snmp */
	struct fmagent_ring out;        /* struct fmagent_report, snmp to main */
	/* snmp thread */
	struct fmagent_peer peer;
};

struct fmagent {
	/* immutable after fmagent_new */
	struct fmagent_dest *dests;
	unsigned n_dests;
	char *region, *system;
	struct fmagent_engine engine;
	int wake_fd;                    /* eventfd: work for the snmp thread */
	int done_fd;                    /* eventfd: reports for main */
	int64_t started;                /* monotonic ns: sysUpTime counts from here */
	pthread_t thread;
	struct fmagent_filter names;    /* region and system alone */
	struct fmagent_master *master;  /* the tables' session with snmpd, most of it the thread's */
	/* main thread */
	bool lib_up, thread_up;
	int64_t close_by;               /* 0, or when the sinks' closes stop waiting */
	/* shared */
	struct fmagent_replica *replica;        /* of the tables, by rules of its own */
	_Atomic bool stop;
	_Atomic uint64_t sent, acked, timeouts, errors;
};

/* Reads the clock that never steps; the only clock of this folder. */
int64_t fmagent_monotonic(void);
void fmagent_signal(int eventfd);
void fmagent_count(_Atomic uint64_t *counter);

/* Reads the secrets, makes the keys. Main, library up. On failure ret needs fmagent_conf_fini. */
int fmagent_conf_init(struct fmagent_conf *ret, const struct fmagent_target *src,
		      struct fm_err *err) FM_MUST_USE;
void fmagent_conf_fini(struct fmagent_conf *c);
/* One engine knows a user once: trap targets that share a user must share its keys too. */
int fmagent_conf_conflict(const struct fmagent_conf *a, const struct fmagent_conf *b,
			  struct fm_err *err) FM_MUST_USE;

/* The library of net-snmp; dir is the only one it may use (fmagent_lib.c). Main. */
void fmagent_lib_up(const char *dir, const struct fmagent_engine *eng);
void fmagent_lib_down(void);

/* The thread (fmagent_thread.c): arg is the agent. */
void *fmagent_thread(void *arg);

/* One destination on the snmp thread (fmagent_peer.c). */
void fmagent_peer_run(struct fmagent_dest *d, int64_t now);
void fmagent_peer_close(struct fmagent_dest *d);
/* When the pacing of traps lets the next one go; INT64_MAX: nothing waits for that. */
int64_t fmagent_peer_due(struct fmagent_dest *d);

#endif
