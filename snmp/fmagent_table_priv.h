/*
 * The tables of WRS-ALARM-MIB as the NOC walks them. Main keeps a replica of what is active and
 * of the newest events and hands immutable views of it to the snmp thread, which answers snmpd's
 * requests from them by AgentX (RFC 2741). Views are shared by one atomic pointer, and a row is
 * freed when an atomic number says that no view with it is in use any more (docs/adr/0012).
 */
#ifndef FM_FMAGENT_TABLE_PRIV_H
#define FM_FMAGENT_TABLE_PRIV_H

#include "snmp/fmagent_priv.h"

/* ---- row: one alarm or event, ready to be asked for (fmagent_row.c) ----------------------- */

enum fmagent_field {
	FMAGENT_UUID, FMAGENT_ID, FMAGENT_STATE, FMAGENT_ENTITY, FMAGENT_DATE, FMAGENT_SEVERITY,
	FMAGENT_REASON, FMAGENT_TYPE, FMAGENT_CAUSE, FMAGENT_REPAIR, FMAGENT_SERVICE_AFFECTING,
	FMAGENT_SUPPRESSION, FMAGENT_N_FIELDS
};

struct fmagent_value {
	const void *text;               /* NULL: the value is num */
	uint32_t len;
	int32_t num;
};

/* Immutable once made. */
struct fmagent_row {
	uint64_t born;                  /* the first view that can hold it */
	uint32_t index;
	struct fmagent_value v[FMAGENT_N_FIELDS];
	char mem[];
};
/* The caller frees it. Texts are whole, unlike those of notifications. */
struct fmagent_row *fmagent_row_of_alarm(const struct alarm *al, const struct fmagent_filter *f);
/* NULL when the body is damaged. */
struct fmagent_row *fmagent_row_of_event(const struct stored_transition *tr,
					 const struct fmagent_filter *f);
/* The id of the alarm it is about. */
uint64_t fmagent_alarm_number(const struct stored_transition *tr);
/* Whether the table of events has it: what was announced, of kinds that the MIB has words for. */
bool fmagent_is_event(const struct stored_transition *tr);

/* ---- view and replica (fmagent_view.c) ---------------------------------------------------- */

/* A transition as committed; its JSON is read when somebody asks for the row. */
struct fmagent_event {
	uint64_t born;
	uint32_t index;
	struct stored_transition tr;
	char mem[];
};

struct fmagent_view {
	uint64_t gen;                   /* counts from 1 */
	size_t n_alarms, n_events;
	const struct fmagent_row *const *alarms;        /* by index */
	const struct fmagent_event *const *events;      /* by index */
	void *mem[];
};

struct fmagent_dead {
	uint64_t gen;                   /* the first view without it */
	void *mem;
};

struct fmagent_replica {
	/* main thread */
	struct fmagent_row **alarms;    /* by index */
	size_t n_alarms, cap_alarms;
	struct fmagent_event **events;  /* a ring, oldest at first_event */
	size_t n_events, first_event, max_events;
	struct fmagent_dead *dead;      /* in order of gen */
	size_t n_dead, cap_dead;
	uint64_t gen;                   /* of the last view handed over */
	bool dirty;
	/* shared */
	_Atomic(struct fmagent_view *) next;    /* handed over, not taken yet */
	_Atomic uint64_t in_use;        /* views before this one are gone */
};
void fmagent_replica_init(struct fmagent_replica *rep, size_t max_events);
/* Ends with the snmp thread gone; view is the one it had, or NULL. */
void fmagent_replica_fini(struct fmagent_replica *rep, struct fmagent_view *view);
/* Main. An alarm that is over or hidden leaves the table. */
void fmagent_replica_alarm(struct fmagent_replica *rep, const struct alarm *al,
			   const struct fmagent_filter *f);
void fmagent_replica_remove(struct fmagent_replica *rep, uint64_t id);
void fmagent_replica_event(struct fmagent_replica *rep, const struct stored_transition *tr);
/* Main: hands a view over when something has changed; true when it did. */
bool fmagent_replica_publish(struct fmagent_replica *rep);
/* The snmp thread: the newest view; cur, which may be NULL, is given up for it. */
struct fmagent_view *fmagent_replica_take(struct fmagent_replica *rep, struct fmagent_view *cur);

/* ---- mib: object identifiers over a view (fmagent_mib.c) ----------------------------------- */

#define FMAGENT_MAX_ARCS 128u   /* RFC 2578 §3.5 */
struct fmagent_oid {
	uint32_t arc[FMAGENT_MAX_ARCS];
	unsigned n;
	bool include;                   /* of the start of a range: itself is part of it */
};
int fmagent_oid_cmp(const struct fmagent_oid *a, const struct fmagent_oid *b);

/* One instance of a column. */
struct fmagent_place {
	unsigned table, col;
	size_t row;
};
enum fmagent_found { FMAGENT_FOUND, FMAGENT_NO_OBJECT, FMAGENT_NO_INSTANCE, FMAGENT_END };
#define FMAGENT_N_TABLES 2u
/* The root of a table, for its registration. */
void fmagent_mib_root(unsigned table, struct fmagent_oid *ret);
enum fmagent_found fmagent_mib_get(const struct fmagent_view *view, const struct fmagent_oid *name,
				   struct fmagent_place *ret);
/* The first instance behind start, or at it when start.include. */
enum fmagent_found fmagent_mib_next(const struct fmagent_view *view,
				    const struct fmagent_oid *start, struct fmagent_place *ret);
void fmagent_mib_name(const struct fmagent_view *view, const struct fmagent_place *at,
		      struct fmagent_oid *ret);

/* Reads values; keeps the event it read last, because a manager asks for its columns one by one. */
struct fmagent_reader {
	const struct fmagent_view *view;
	struct fmagent_filter names;    /* region and system */
	struct fmagent_row *event;
	uint32_t event_index;
};
/* Forgets what was kept of an older view. */
void fmagent_reader_set(struct fmagent_reader *rd, const struct fmagent_view *view);
void fmagent_mib_value(struct fmagent_reader *rd, const struct fmagent_place *at,
		       struct fmagent_value *ret);

/* ---- agentx: the messages of RFC 2741 (fmagent_agentx.c) ----------------------------------- */

#define FMAGENT_AX_HEAD 20u
#define FMAGENT_AX_MAX (256u << 10)     /* payload that is read; SNMP over UDP has 64 KiB */
enum fmagent_ax_type {
	FMAGENT_AX_OPEN = 1,
	FMAGENT_AX_CLOSE = 2,
	FMAGENT_AX_REGISTER = 3,
	FMAGENT_AX_GET = 5,
	FMAGENT_AX_GETNEXT = 6,
	FMAGENT_AX_GETBULK = 7,
	FMAGENT_AX_TESTSET = 8,
	FMAGENT_AX_COMMITSET = 9,
	FMAGENT_AX_UNDOSET = 10,
	FMAGENT_AX_CLEANUPSET = 11,
	FMAGENT_AX_PING = 13,
	FMAGENT_AX_RESPONSE = 18,
};
struct fmagent_ax_head {
	uint8_t type, flags;            /* type as received: any octet */
	uint32_t session, transaction, packet, len;
};
/* -EBADMSG: not a header of AgentX version 1, or longer than FMAGENT_AX_MAX. */
int fmagent_ax_head(const uint8_t p[FMAGENT_AX_HEAD], struct fmagent_ax_head *ret) FM_MUST_USE;
/* The error of a response; -EBADMSG when it is cut short. */
int fmagent_ax_result(const struct fmagent_ax_head *h, const uint8_t *payload) FM_MUST_USE;

void fmagent_ax_open(struct fm_buf *out, uint32_t packet);
void fmagent_ax_register(struct fm_buf *out, uint32_t session, uint32_t packet,
			 const struct fmagent_oid *root);
void fmagent_ax_ping(struct fm_buf *out, uint32_t session, uint32_t packet);
void fmagent_ax_close(struct fm_buf *out, uint32_t session, uint32_t packet);
/*
 * Answers a request of the master in session; sets are refused. -EBADMSG: the payload is no such
 * request, nothing was appended.
 */
int fmagent_ax_answer(struct fmagent_reader *rd, uint32_t session, const struct fmagent_ax_head *h,
		      const uint8_t *payload, struct fm_buf *out) FM_MUST_USE;

/* ---- master: the session with snmpd (fmagent_master.c) ------------------------------------- */

enum fmagent_master_phase {
	FMAGENT_MASTER_AWAY,
	FMAGENT_MASTER_OPENING,
	FMAGENT_MASTER_REGISTERING,
	FMAGENT_MASTER_SERVING,
};

struct fmagent_master {
	/* immutable once the thread runs */
	char *path;                     /* of snmpd's socket; NULL: no tables */
	/* the snmp thread's */
	int fd;                         /* -1: none */
	struct fm_buf in, out;
	size_t sent;                    /* of out */
	uint32_t session, packet;
	bool asked;                     /* an answer of the master is due */
	int64_t due;                    /* monotonic ns: give up, ask for life, or try again */
	int64_t backoff;
	unsigned n_registered;
	bool told;                      /* that the master is away */
	struct fmagent_view *view;
	struct fmagent_reader rd;
	/* shared */
	_Atomic int phase;              /* enum fmagent_master_phase, for stats */
	_Atomic uint64_t requests;
	struct fmagent_ring news;       /* struct fmagent_news, snmp to main */
};
struct fmagent_news {
	char text[FMAGENT_MAX_NEWS];
};

void fmagent_master_init(struct fmagent_master *m, const char *path);
void fmagent_master_fini(struct fmagent_master *m);
/* A path, with or without "unix:"; -EINVAL otherwise. */
int fmagent_master_path(const char *s, const char **ret, struct fm_err *err) FM_MUST_USE;
/* The snmp thread: whatever can be done without waiting. */
void fmagent_master_run(struct fmagent *ag, int64_t now);
/* Closes the session with a word. */
void fmagent_master_close(struct fmagent *ag);
/* When to run again without being told; INT64_MAX: never. */
int64_t fmagent_master_due(const struct fmagent_master *m);
/* What to wait for on fd. */
bool fmagent_master_reads(const struct fmagent_master *m);
bool fmagent_master_writes(const struct fmagent_master *m);

#endif
