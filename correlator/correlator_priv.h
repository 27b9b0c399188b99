/*
 * correlator_priv: what the files of this folder share. One input passes through four stages,
 * each its own files, always in this order:
 *
 *   tracker    track_nova.c track_libvirt.c attempt.c host.c instance.c   facts about VMs, hosts
 *   rules      rules.c group.c                                            facts -> wanted alarms
 *   relations  relation.c reach.c storm.c                                 parents, suppression
 *   lifecycle  lifecycle.c                                                alarms -> transitions
 *
 * Iteration that reaches output is ordered (lists in arming or raise order, never hash buckets).
 */
#ifndef CORRELATOR_PRIV_H
#define CORRELATOR_PRIV_H

#include "correlator/correlator.h"

/* Seeded by nothing: a hash order never reaches output, and UUIDs are 16 bytes of mixed input. */
#define HASH_FUNCTION(key, len, hashv) ((hashv) = (unsigned)fm_hash64((key), (len), 0))
/* Memory exhaustion aborts, as in base. */
#define uthash_fatal(msg) fm_assert_failed((msg), __FILE__, __LINE__, __func__)
#include <uthash.h>
#include <utlist.h>

struct corr_alarm;
struct instance;
struct near_miss;
struct refused;

/* ---- deadlines (deadline.c) -------------------------------------------------------------- */

/* Kept by number in the store: append only. */
#define DEADLINES(X) \
	X(HOLD_ON, "hold-on") X(HOLD_OFF, "hold-off") X(STEP, "escalation") \
	X(NOTICE, "hold-notice") X(EXPIRE, "expiry") X(GRACE, "grace") \
	X(OVERDUE, "migration-limit") X(SETTLE, "migration-settle") X(TOMBSTONE, "tombstone") \
	X(PURGE, "purge") X(SHELF, "shelf") X(FLAP, "flapping") X(FADE, "group-window") \
	X(WINDOW, "maintenance") X(STORM, "storm-window")
enum deadline_kind {
#define FM_X(id, name) DL_##id,
	DEADLINES(FM_X)
#undef FM_X
	DL_N_KINDS
};

/* Embedded in its subject; the kind tells the type of owner. */
struct deadline {
	struct fm_heap_node node;       /* first */
	enum deadline_kind kind;
	bool kept;                      /* the store has a row for it */
	bool dirty;                     /* in corr->dirty_dl */
	void *owner;                    /* slot, corr_alarm, instance or correlator */
	struct deadline *next_dirty, *prev_dirty;
};

/* ---- facts and slots ---------------------------------------------------------------------- */

enum slot_phase { SLOT_PENDING, SLOT_RAISED, SLOT_LEAVING, SLOT_CLOSED, SLOT_IDLE };

/*
 * A "While" rule whose fact holds for one subject:
 *
 *   (enter) -1-> PENDING -2-> RAISED -3-> LEAVING -4-> (gone)
 *      |            |           ^  |         |
 *      |            +-5-> gone  |  +-7-> CLOSED -8-> gone
 *      +---------- 6 -----------+--- 9 ------+
 *
 * 1 hold-on given; 2 it fell due; 3 fact gone, hold-off given; 4 it fell due; 5 fact gone; 6 no
 * hold-on; 7 an operator cleared the alarm: stays closed while the fact holds; 8 fact gone; 9 the
 * fact is back within hold-off.
 *
 * With "Flap" the occurrences are counted: after 5 or 8 the slot waits as IDLE until the last one
 * is too old to count, and while it flaps it stays RAISED whatever the fact does.
 */
struct flap {
	unsigned n;                     /* occurrences that count, oldest first */
	int64_t at_ns[CAT_MAX_FLAP];
	bool on;                        /* it flaps: the alarm is held */
	bool gone;                      /* … and right now its fact does not hold */
	struct deadline timer;          /* FLAP: end of flapping, or the last one is too old */
};
struct slot {
	const struct cat_rule *rule;
	struct instance *inst;          /* or */
	struct host *host;
	enum slot_phase phase;
	struct fm_time since;           /* when the fact began to hold */
	struct corr_alarm *al;          /* RAISED, LEAVING */
	struct deadline timer;          /* HOLD_ON, HOLD_OFF */
	unsigned step;                  /* escalation steps taken */
	struct deadline next_step;
	struct flap *flap;              /* NULL: none counted */
	struct slot *next;              /* of the subject */
};

/* ---- hosts (host.c) ------------------------------------------------------------------------ */

#define HOST_F_DOWN 1u
#define HOST_F_DISABLED 2u
#define HOST_F_UNSEEN 4u
#define HOST_F_NOVA_BLIND 8u            /* Nova there cannot reach libvirtd */
#define HOST_F_CLOCK_OFF 16u
#define HOST_F_LINK_LOST 32u            /* libvirtd stopped answering; it did not end its link */
#define HOST_F_NOVA_SILENT 64u          /* Nova says itself that it does not hear its service there */

/* Which sequence numbers of one bridge arrived through one partition: an anti-replay window. */
struct seq_window {
	uint32_t topic;                 /* hash of its name */
	int32_t partition;
	uint64_t max;
	uint64_t bits[4];               /* bit i: max - i was seen */
};

struct host {
	UT_hash_handle hh;
	const char *name;               /* as first heard; the key */
	uint32_t name_len;
	char *aliases;                  /* other spellings, space-separated; NULL: none */
	char *host_uuid, *boot;
	unsigned flags;
	struct fm_time changed_at, last_heard;
	struct fm_time link_lost_at;    /* LINK_LOST: since when */
	struct fm_time nova_seen;       /* Nova's last sign of life of it, by Nova's clock */
	int64_t clock_offset_ns;        /* least (broker time - stamp) seen */
	uint32_t clock_samples;
	uint64_t seq_base, seq_max, seq_count;
	uint64_t seq_healed;            /* missing, but a snapshot has come since */
	struct fm_time lost_since;      /* 0: nothing is lost, or that was before the start */
	struct seq_window *win;
	unsigned n_win;
	struct slot *slots;
	struct corr_alarm *alarms, *alarms_tail;        /* active, on this host, in raise order */
	struct snapshot *snapshot;      /* being listed; NULL: none */
	bool snapshot_dirty;
	uint32_t guests;                /* instances that it owns, but for deleted ones */
	bool dirty, soft;               /* in corr->dirty_hosts / only softly */
	struct host *next_dirty;
};

#define HOST_MAX_ALIASES 16u
struct host_alias {                     /* another spelling */
	UT_hash_handle hh;
	const char *name;               /* interned; the key */
	struct host *host;              /* of a short name: NULL when several have it */
};

/* ---- instances (instance.c) ---------------------------------------------------------------- */

#define INST_F_NOVA 1u                  /* Nova has told of it */
#define INST_F_CRASHED 2u               /* died; not the same as stopped */
#define INST_F_NO_HOST 4u               /* failed to be scheduled */
#define INST_F_AGENT_LOST 8u
#define INST_F_IO_ERROR 16u
#define INST_F_PAUSED_BY_USER 32u       /* paused when its migration began */
#define INST_F_SPLIT 64u                /* another copy runs on a host that does not own it */

#define HELD_AGENT_LOST 1u              /* of instance.held_facts */
#define HELD_IO_ERROR 2u
#define HELD_MIGRATING 4u               /* beside a failure that is the main fact */
#define HELD_SPLIT 8u

/* What libvirt on the owner says. */
enum lv_run { RUN_UNKNOWN = 0, RUN_RUNNING, RUN_PAUSED, RUN_OFF, RUN_CRASHED, RUN_PMSUSPENDED };

/* The operation whose task state is ambiguous by itself. */
enum inst_op { OP_NONE = 0, OP_EVACUATE, OP_COLD_MIGRATE, OP_COLD_REVERT, OP_RESIZE,
	OP_RESIZE_REVERT };

/* ---- migration attempts (attempt.c, with the machine's diagram) ---------------------------- */

enum attempt_phase { AT_NONE = 0, AT_OPEN, AT_CLOSED };
enum attempt_outcome { AT_DONE, AT_CANCELLED, AT_FAILED, AT_SUPERSEDED };

#define AT_F_NOVA 1u                    /* Nova told of this attempt: its end decides */
#define AT_F_MOVED 2u                   /* libvirt: the guest runs on the destination */
#define AT_F_DEST_DIED 4u               /* libvirt: the incoming copy ended */
#define AT_F_QMP_CANCELLED 8u           /* QEMU, or the destination's libvirt, says so */
#define AT_F_QMP_FAILED 16u
#define AT_F_ABORT 32u                  /* an operator asked for the end */
#define AT_F_FORCED 64u
#define AT_F_OVERDUE 128u               /* the hard limit has passed */
#define AT_F_POSTCOPY 256u
#define AT_F_ROLLBACK 512u
#define AT_F_START_UNKNOWN 1024u        /* not judged by time */
#define AT_F_DOWNTIME_TOLD 2048u
#define AT_F_RESUMED_SRC 4096u          /* libvirt: the guest runs on the source again */
#define AT_F_NOVA_DUE 16384u            /* closed by libvirt; Nova has yet to say so */
#define AT_F_BROKEN 8192u               /* post-copy lost its link: neither side has it whole */

struct attempt {
	uint32_t no;
	enum attempt_phase phase;
	unsigned flags;
	struct host *src, *dst;
	struct fm_time start, end;              /* logical time */
	struct fm_time start_stamp, end_stamp;  /* the sources' own */
	struct fm_time suspended, resumed;      /* stamps of source and destination */
	struct fm_time paused_at;               /* the source's; 0: not paused before the switch */
	int64_t paused_ms;                      /* that it was, and is over */
	int64_t downtime_ms;
	char method;                            /* 'A'..'E', 0: not known */
	char *initiator, *reason;
	struct deadline overdue, settle;
};

struct twin {
	int64_t stamp_ms;
	uint16_t action;
	uint8_t phase;
	uint8_t pad[5];
};
#define INST_TWINS 4

/* What every record reads stands first, what most records write right behind it. */
struct instance {
	struct fm_uuid uuid;
	uint8_t vm_state, task, power, run, op;
	int8_t main;                    /* fact that holds, -1: none */
	uint8_t n_twins;
	uint8_t held_facts;             /* HELD_ */
	bool dirty, soft;
	uint16_t flags;
	int32_t memory_mb;
	uint32_t stamp_place;           /* in corr->stamps, + 1; 0: none yet */
	struct fm_time run_stamp, nova_stamp, deleted_at;
	struct host *owner;
	struct attempt *attempt;        /* the open or the last one; NULL: none yet */
	struct instance *next_dirty;
	char *name;
	const char *tenant, *tenant_name;       /* interned */
	int32_t limit_s;                /* per VM: -1 not given, 0 off */
	int32_t downtime_limit_ms;      /* per VM: -1 not given */
	struct fm_time state_since;
	char *fault;
	const char *pool;               /* storage behind its last I/O error; interned */
	struct slot *slots;
	struct corr_alarm *alarms;      /* about it, active or cleared, in raise order */
	struct deadline *tombstone;
	struct twin *twins;             /* the last Nova notifications: versioned/legacy pairs */
};

/* ---- alarms (lifecycle.c) ------------------------------------------------------------------ */

struct corr_alarm {
	struct alarm a;                 /* its strings belong to this object */
	UT_hash_handle hh;
	char *key;                      /* alarm_id "|" entity */
	const struct cat_record *rec;   /* NULL: the record has vanished */
	const struct cat_rule *rule;    /* NULL: set by request or by fmd */
	struct slot *slot;              /* While rules, as long as the fact holds */
	struct group *group;            /* NULL: none, or it is cleared; whose alarm is this one */
	struct instance *inst;          /* may be NULL */
	struct corr_alarm *inst_next;   /* of inst->alarms */
	struct host *host;              /* the host it was raised on; may be NULL */
	struct corr_alarm *host_next, *host_prev;
	struct corr_alarm *prev, *next; /* of all active, or of all cleared, in that order */
	struct alarm_kind *kind;        /* active: its id's (reach.c) */
	struct corr_alarm *kind_prev, *kind_next;
	struct corr_alarm *inh_prev, *inh_next;         /* of corr->inhibitors */
	struct corr_alarm *masker;      /* it is hidden by this active one, and not in its grace */
	struct corr_alarm *masked, *masked_prev, *masked_next;  /* those it hides; its masker's others */
	struct deadline notice, expire, grace;
	bool dirty;
	struct corr_alarm *prev_dirty, *next_dirty;
};
struct alarm_list {
	struct corr_alarm *head, *tail;
	uint64_t n;
};

struct alarm_kind {                     /* active alarms of one id (reach.c) */
	UT_hash_handle hh;
	char *alarm_id;
	struct corr_alarm *head;        /* in raise order */
	size_t n;
	struct alarm_kind **wide;       /* that are not empty and relate to all of this kind */
	unsigned n_wide;
};

/* ---- what operators put aside (shelf.c) ---------------------------------------------------- */

struct shelf {
	UT_hash_handle hh;
	char *key;                      /* of the alarm */
	char *user;
	struct deadline timer;          /* SHELF, always armed: its end */
};
struct muted_id {
	UT_hash_handle hh;
	char *alarm_id, *user;
	struct fm_time since;
	bool dirty;                     /* no row yet */
};
#define MUTED_NAME "muted|"             /* of its row; the alarm id follows */

/* ---- maintenance windows (window.c) ---------------------------------------------------------- */

struct window {
	const struct cat_window *w;
	struct cat_window own;          /* an operator's: w points here */
	struct fm_arena arena;          /* of own */
	char *user;                     /* NULL: one of the catalogue */
	bool open, dirty;               /* dirty: no row yet */
};
struct windows {
	struct window **v;              /* those of the catalogue, then operators' by name */
	unsigned n, n_open;
};
#define WINDOW_NAME "window|"           /* of an operator's row; its name follows */

/* ---- groups (group.c) ------------------------------------------------------------------------ */

struct group_member {                   /* as it lies in a row */
	struct fm_uuid uuid;
	int64_t at_ns;
};
#define GROUP_PAGE 32u
struct group_page {                     /* member.c */
	struct group *group;
	struct group_page *prev, *next;
	uint64_t no;
	unsigned n;                     /* at least one */
	bool dirty;
	struct group_page *prev_dirty, *next_dirty;
	struct group_member m[GROUP_PAGE];
};
struct group {
	UT_hash_handle hh;
	char *name;                     /* the key, and the name of its row */
	const struct cat_rule *rule;
	struct host *host, *peer;       /* as far as the rule groups by them */
	struct fm_uuid uuid;
	const char *pool;
	struct group_page *pages;       /* of members, in the order of their entry */
	unsigned n;                     /* of members */
	struct member *const *members;  /* of all groups */
	unsigned most;                  /* at once since it has no alarm, and when; not kept */
	struct fm_time most_at;
	struct corr_alarm *al;          /* its group is this one; cleared: only while it is being cleared */
	struct deadline fade;           /* the oldest member is too old */
	bool dirty;
	struct group *prev_dirty, *next_dirty;
};

#define GROUP_ALARM_NAME "group-alarm|" /* of the row that says which is its alarm; its name follows */

#define GROUP_PAGE_NAME "group-page|"   /* of the row of a page; its number and the group's name follow */

/* For p, a page, and m, a member: each of them in the order of their entry. */
#define EACH_MEMBER(g, p, m) \
	for ((p) = (g)->pages; (p) != NULL; (p) = (p)->next) \
		for ((m) = (p)->m; (m) < (p)->m + (p)->n; (m)++)

struct membership {
	struct group *group;
	struct group_page *page;        /* where it came in last */
	unsigned n;                     /* how often; of a state once */
};
struct member {                         /* member.c */
	UT_hash_handle hh;
	struct fm_uuid uuid;            /* of the instance; the key */
	struct membership *in;          /* at least one */
	unsigned n;
};

/* ---- stamps (stamps.c) ----------------------------------------------------------------------- */

struct stamps {
	struct stamp_page **page;
	uint32_t n_pages;
	uint32_t free_from;             /* every place below it is taken */
	uint32_t dirty;                 /* number of the first changed page + 1; 0: none */
};

/* ---- storms (storm.c) --------------------------------------------------------------------------- */

struct storm {
	bool on;
	bool letting_out;               /* what is told now was asked for in its time */
	bool dirty;
	int64_t window;                 /* number of the window of logical time that is counted */
	uint64_t n, last;               /* announcements asked for in it and in the one before */
	struct storm_class *classes;    /* while on: by alarm id */
	struct deadline tick;           /* STORM, armed while on */
};
#define STORM_NAME "storm"              /* of its row */

/* ---- the shard -------------------------------------------------------------------------------- */

#define ID_CACHE_CHUNK 512
#define ID_CACHE_CHUNKS 128
#define TOMBSTONE_LIFE (24LL * 3600 * FM_NS_PER_S)
#define TWIN_WINDOW_MS 2000

struct forgotten {                      /* a kept row to delete */
	struct forgotten *next;
	enum row_kind kind;
	enum deadline_kind dl;          /* ROW_DEADLINE */
	char *k1, *k2;                  /* key columns; k2 for ROW_ALARM: the entity */
};

struct correlator {
	const struct catalogue *cat, *next_cat;         /* next: while swapping */
	const struct catalogue *prev_cat;       /* while what holds is entered anew; else NULL */
	struct fm_time now;
	struct fm_map instances;        /* by uuid */
	struct fm_pool instance_pool;
	uint64_t expected;              /* hash of the instance that comes next */
	struct stamps stamps;
	struct host *hosts;             /* by name */
	struct host_alias *aliases;     /* by name */
	struct host_alias *shorts;      /* of hosts known by an FQDN, by what is before its first dot */
	struct group *groups;           /* by name */
	struct member *members;         /* of groups, by uuid */
	struct host *last_host;         /* found last; never freed while the shard lives */
	const char *last_topic;         /* of the last libvirt record, and its hash */
	uint32_t last_topic_hash;
	struct fm_intern names;
	struct fm_heap heap;
	uint64_t next_order, next_alarm_id;
	struct corr_alarm *alarms;      /* by key, active and cleared */
	struct alarm_list active, cleared;
	struct alarm_kind *kinds;       /* by alarm id */
	struct corr_alarm *inhibitors;  /* active alarms that inhibit, in raise order */
	struct fm_map by_uuid;          /* active alarms */
	struct shelf *shelves;          /* by key */
	struct muted_id *muted;         /* by alarm id */
	struct windows windows;
	struct deadline boundary;       /* WINDOW: the next time that one opens or closes */
	struct refused *refused;        /* a ring (refused_priv.h); NULL: nothing yet */
	uint64_t n_refused;             /* ever added; slot = n % REFUSED_MAX */
	struct near_miss *missed;       /* likewise */
	uint64_t n_missed;
	struct deadline purge;
	struct storm storm;
	/* id cache: a ring of the last 65,536 message ids */
	struct fm_map ids;              /* of the ring's entries, by themselves */
	uint64_t *ring;
	uint64_t ring_n;                /* ever added; slot = n % size */
	uint64_t ring_flushed;
	/* changed since the last flush */
	struct instance *dirty_inst;
	struct host *dirty_host;
	struct corr_alarm *dirty_alarm;
	struct group *dirty_group;
	struct group_page *dirty_page;
	struct deadline *dirty_dl;
	struct forgotten *forgotten;
	struct fm_buf closed;           /* names of newly closed slots, a line each */
	bool hard, meta_dirty;
	bool deaf;                      /* part of the input is not read (silence.c) */
	/* the input being worked on */
	transition_sink_f *sink;
	void *sink_ctx;
	struct transition_cause cause;
	bool effect;                    /* it changed something */
	struct fm_buf scratch, text;
	struct fm_arena rows;           /* of the row that is being restored */
	struct fm_buf event_name;       /* NUL-terminated copy for the cause */
	struct corr_stats stats;
};

/* Values a text, a threshold or an attribute may ask for. */
struct fact_values {
	struct instance *inst;
	struct host *host;
	struct attempt *at;
	struct host *peer;              /* of a group of host pairs */
	const char *reason, *initiator, *old_name, *pool;
	const struct corr_alarm *root;  /* the alarm that explains it; NULL: none */
	int64_t count;                  /* EV_ABSENT: none */
	int64_t iterations;             /* of a downtime: passes over the memory; 0: not known */
	int64_t moved;                  /* of facts of hosts: instances that have left since */
};

/* deadline.c */
void dl_arm(struct correlator *corr, struct deadline *dl, enum deadline_kind kind, void *owner,
	    struct fm_time due);
void dl_cancel(struct correlator *corr, struct deadline *dl);
static inline bool dl_armed(const struct deadline *dl) { return dl->node.pos != 0; }
void dl_fire_until(struct correlator *corr, struct fm_time now);
const char *dl_name(enum deadline_kind kind);
/* All of the heap, as they would fire; to be freed. */
struct fm_heap_node **dl_in_order(const struct correlator *corr);

/* silence.c: true when dl, which is due, has been moved instead. */
bool dl_put_off(struct correlator *corr, struct deadline *dl, struct fm_time now);

#include "correlator/tracker_priv.h"

/* flap.c */
struct alarm_spec;
bool flap_is_on(const struct slot *slot);
bool flap_is_gone(const struct slot *slot);
/* A raise, which may be the one from which it flaps. */
void flap_count(struct correlator *corr, struct slot *slot);
void flap_mark(struct correlator *corr, const struct slot *slot, struct alarm_spec *spec);
void flap_turn(struct correlator *corr, struct slot *slot, bool gone);
void flap_free(struct correlator *corr, struct slot *slot);
void flap_to_text(const struct slot *slot, struct fm_buf *b);
void flap_restore(struct slot *slot, const char *text);

/* rules.c */
void rules_enter(struct correlator *corr, enum fact_id fact, struct instance *inst,
		 struct host *host, struct fm_time since);
void rules_leave(struct correlator *corr, enum fact_id fact, struct instance *inst,
		 struct host *host);
/* What the text of its alarm would be by now; NULL: it is no longer the rule's. In a scratch buffer. */
const char *rules_text(struct correlator *corr, const struct corr_alarm *al);
/* It goes on to hold, for another reason. */
void rules_reason(struct correlator *corr, enum fact_id fact, struct host *host);
void rules_event(struct correlator *corr, enum fact_id fact, const struct fact_values *v);
/* By the rule's Threshold if it has one; SEV_NONE: below all bounds. */
enum severity rules_severity(const struct correlator *corr, const struct cat_rule *rule,
			     const struct fact_values *v);
void rules_hold_on(struct correlator *corr, struct slot *slot);
void rules_hold_off(struct correlator *corr, struct slot *slot);
void rules_step(struct correlator *corr, struct slot *slot);
void rules_quiet(struct correlator *corr, struct slot *slot);
/* The instance's migration has other limits or another start than when its slot was armed. */
void rules_rearm(struct correlator *corr, struct instance *inst);
void rules_closed(struct correlator *corr, struct corr_alarm *al);
/* What its If sees of a state. */
struct fact_values rules_values(const struct cat_rule *rule, struct instance *inst,
				struct host *host);
struct slot *slot_new(struct correlator *corr, const struct cat_rule *rule, struct instance *inst,
		      struct host *host, struct fm_time since);
void slot_free(struct correlator *corr, struct slot *slot);
void rules_arm_step(struct correlator *corr, struct slot *slot);
const struct cat_rule *rules_find(const struct correlator *corr, const char *alarm_id,
				  int64_t index);
int64_t rules_index(const struct cat_rule *rule);

/* cond.c */
/* True when there is no condition. */
bool cond_holds(const struct correlator *corr, const struct cat_if *when,
		const struct fact_values *v);
/* Of the rules on a fact those of one record stand together: where those of rule[first] end. */
unsigned cond_alternatives(const struct cat_rule *const *rule, unsigned n, unsigned first);
/* The first of them that applies; NULL: none. */
const struct cat_rule *cond_first(const struct correlator *corr, const struct cat_rule *const *rule,
				  unsigned n, const struct fact_values *v);

/* group.c */
void group_enter(struct correlator *corr, const struct cat_rule *rule, struct instance *inst);
void group_leave(struct correlator *corr, const struct cat_rule *rule, struct instance *inst);
void group_event(struct correlator *corr, const struct cat_rule *rule,
		 const struct fact_values *v, enum severity sev);
/* The name of the group that such a subject belongs to; false: it has not what the group goes by. */
bool group_name(const struct cat_rule *rule, const struct fact_values *v, struct fm_buf *ret);
struct group *group_find(const struct correlator *corr, const char *name);
void group_fade(struct correlator *corr, struct group *g);
struct group *group_named(struct correlator *corr, const char *name);
void group_restore(struct correlator *corr, const struct row_kept *row);
void group_restore_alarm(struct correlator *corr, const struct row_kept *row);
void group_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void group_each_row(const struct group *g, row_sink_f *sink, void *ctx);
void group_free_all(struct correlator *corr);
/* The active alarm of a group; NULL: it has none. */
struct corr_alarm *group_alarm(const struct group *g);
/* An alarm has been cleared: it is no group's any more. */
void group_cleared(struct correlator *corr, struct corr_alarm *al);
/* moved gives the rule in the next catalogue, NULL when it has vanished. */
void group_relink_all(struct correlator *corr,
		      const struct cat_rule *(*moved)(const struct correlator *corr,
						      const struct cat_rule *rule));

/* member.c. The groups are in no order. */
void member_add(struct correlator *corr, struct group *g, const struct fm_uuid *uuid,
		struct fm_time at);
void member_remove(struct correlator *corr, struct group *g, const struct fm_uuid *uuid);
void member_drop_oldest(struct correlator *corr, struct group *g);
void member_drop_all(struct correlator *corr, struct group *g, bool keep);
/* Its name is about to change: under the new one all rows are to be written. */
void member_forget_rows(struct correlator *corr, struct group *g);
unsigned member_groups(const struct correlator *corr, const struct fm_uuid *uuid,
		       const struct membership **ret);
bool group_has(const struct group *g, const struct fm_uuid *uuid);
void member_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void member_each_row(const struct group *g, row_sink_f *sink, void *ctx);
void member_restore(struct correlator *corr, const struct row_kept *row);

/* text.c */
void text_render(const struct cat_text *text, const struct fact_values *v,
		 const struct correlator *corr, struct fm_buf *ret);
bool text_entity(const char *form, const struct fact_values *v, struct fm_buf *ret);
int64_t value_int(const struct correlator *corr, const struct fact_values *v, int attr);
const char *value_text(const struct fact_values *v, int attr, char buf[FM_UUID_STR]);
unsigned fact_attrs(const struct correlator *corr, enum fact_id fact,
		    const struct fact_values *v, struct attr ret[FM_ALARM_MAX_ATTRS]);

/* lifecycle.c */
struct alarm_spec {
	const struct cat_record *rec;
	const struct cat_rule *rule;
	const char *alarm_id, *entity, *entity_type, *text, *repair;
	enum severity severity;
	int type, cause;
	bool service_affecting, suppressible, inhibits, keep_existing;
	enum alarm_origin origin;
	struct instance *inst;
	struct host *host;
	struct fm_uuid root_cause;      /* of a log, which has no relations */
	struct fm_time raised_at;
	struct attr attrs[FM_ALARM_MAX_ATTRS];
	unsigned n_attrs;
};
struct corr_alarm *al_find(const struct correlator *corr, const char *alarm_id,
			   const char *entity);
/* It is up, and that of a group or of another subject than slot's. */
bool al_is_of_another(const struct correlator *corr, const struct alarm_spec *spec,
		      const struct slot *slot);
/* rules.c. Entity and text lie in the correlator's scratch buffers until the next call. */
bool spec_from_rule(struct correlator *corr, const struct cat_rule *rule, enum severity sev,
		    const struct cat_text *text, const struct fact_values *v,
		    struct alarm_spec *ret);
/* Fills what comes from the record for this severity. */
void spec_from_record(struct alarm_spec *spec, const struct cat_record *rec, enum severity sev);
struct corr_alarm *al_set(struct correlator *corr, const struct alarm_spec *spec);
void al_change(struct correlator *corr, struct corr_alarm *al, enum severity sev,
	       const char *text);
/* Of which nobody is notified. text NULL: as it was; tr says what else was before. */
void al_quiet_change(struct correlator *corr, struct corr_alarm *al, const char *text,
		     struct transition *tr);
void al_clear(struct correlator *corr, struct corr_alarm *al);
void al_since_told(const struct corr_alarm *al, struct transition *tr);
/* What is known by now that was not at the raise. */
void al_set_advice(struct corr_alarm *al, const struct cat_record *rec, enum severity sev);
void al_set_attrs(struct correlator *corr, struct corr_alarm *al, const struct fact_values *v,
		  enum fact_id fact);
/* NULL: it has no such attribute. */
const struct attr *al_attr(const struct corr_alarm *al, const char *name);
/* Sets one attribute, or takes it away. */
void al_mark(struct correlator *corr, struct corr_alarm *al, const struct attr *attr);
void al_unmark(struct correlator *corr, struct corr_alarm *al, const char *attr);
void al_log(struct correlator *corr, const struct alarm_spec *spec);
void al_expire(struct correlator *corr, struct corr_alarm *al);
void al_arm_expire(struct correlator *corr, struct corr_alarm *al);
void al_purge_due(struct correlator *corr);
void al_dirty(struct correlator *corr, struct corr_alarm *al);
void al_emit(struct correlator *corr, struct corr_alarm *al, enum transition_kind kind,
	     struct transition *tr);
void al_free(struct correlator *corr, struct corr_alarm *al);
void al_link_active(struct correlator *corr, struct corr_alarm *al);
void al_link_host(struct corr_alarm *al);
/* It is about this instance from now on, or about none. */
void al_link_inst(struct corr_alarm *al, struct instance *inst);
struct corr_alarm *al_alloc(struct correlator *corr, const char *alarm_id, const char *entity);

/* relation.c */
void rel_raised(struct correlator *corr, struct corr_alarm *al);        /* before it is emitted */
void rel_spread(struct correlator *corr, struct corr_alarm *al);        /* after: to the others */
/* To what those already have that the group of this alarm counts, or only the one that joined. */
void rel_spread_members(struct correlator *corr, struct corr_alarm *al);
void rel_spread_member(struct correlator *corr, struct corr_alarm *al, const struct fm_uuid *uuid);
void rel_cleared(struct correlator *corr, struct corr_alarm *al);
/* There is news of it. */
void rel_fresh(struct correlator *corr, struct corr_alarm *al);
void rel_notice(struct correlator *corr, struct corr_alarm *al);
void rel_grace(struct correlator *corr, struct corr_alarm *al);
/* The oldest active alarm that suppresses this one, as of now; NULL: none. */
struct corr_alarm *rel_suppressor(const struct correlator *corr, const struct corr_alarm *child);
/* It has another severity than was. */
void rel_severity(struct correlator *corr, struct corr_alarm *al, enum severity was);
/* It is active no more. What it hides still knows it until rel_cleared. */
void rel_unlink(struct correlator *corr, struct corr_alarm *al);
/* It is freed: nothing refers to it. */
void rel_forget(struct corr_alarm *al);
/* After the last row. */
void rel_restored(struct correlator *corr);

/* reach.c. Lists of active alarms; relink: they, or their records, are others. */
typedef bool tie_f(const struct corr_alarm *parent, const struct corr_alarm *child);
void reach_link(struct correlator *corr, struct corr_alarm *al);
void reach_unlink(struct correlator *corr, struct corr_alarm *al);
void reach_relink(struct correlator *corr);
void reach_free(struct correlator *corr);
/* The active alarm of that UUID; NULL: none. */
struct corr_alarm *reach_uuid(const struct correlator *corr, const struct fm_uuid *uuid);
bool reach_names(const struct cat_relation *rel, const char *alarm_id);
/* The oldest with this tie among those that name the child by Where: all; NULL: none. */
struct corr_alarm *reach_parent(const struct corr_alarm *child, tie_f *tie);
/* What relations with these effects and Wheres (bits) name, active, in raise order; to be freed. */
struct reach_ask {
	unsigned effects, wheres;
};
struct corr_alarm **reach_children(const struct correlator *corr, const struct corr_alarm *al,
				   const struct reach_ask *ask, size_t *ret_n);
int reach_by_id(const void *a, const void *b);  /* pointers to pointers to alarms */

/* Announces what is held. */
void rel_show(struct correlator *corr, struct corr_alarm *al);

/*
 * A shelf, a suppressed id or a window has come or gone: kind is told if its status is another one
 * now.
 */
void rel_review(struct correlator *corr, struct corr_alarm *al, enum transition_kind kind);

/* storm.c. told: an announcement goes out. holds: this one must wait, and is counted. */
void storm_told(struct correlator *corr, const struct corr_alarm *al);
bool storm_holds(struct correlator *corr, const struct corr_alarm *al);
bool storm_is_held(const struct corr_alarm *al);
void storm_tick(struct correlator *corr);
void storm_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void storm_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx);     /* for a copy */
void storm_restore(struct correlator *corr, const struct row_kept *r);
void storm_free(struct correlator *corr);

/* correlator.c: the catalogue before did not have it. */
bool rule_is_new(const struct correlator *corr, const struct cat_rule *rule);

/* correlator.c: sets an alarm of fmd's own; severity SEV_NONE: the record's. */
void self_alarm(struct correlator *corr, const char *alarm_id, const char *entity,
		enum severity severity, const char *text);

/* shelf.c */
struct shelf *shelf_find(const struct correlator *corr, const char *key);
struct muted_id *muted_find(const struct correlator *corr, const char *alarm_id);
void shelf_put(struct correlator *corr, struct corr_alarm *al, struct fm_time until,
	       const char *user);
void shelf_take(struct correlator *corr, struct shelf *s);
void shelf_due(struct correlator *corr, struct shelf *s);
void shelf_restore(struct correlator *corr, const struct row_deadline *r);
void shelf_free_all(struct correlator *corr);
void muted_put(struct correlator *corr, const char *alarm_id, const char *user);
void muted_take(struct correlator *corr, struct muted_id *m);
void muted_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void muted_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx);
void muted_restore(struct correlator *corr, const struct row_kept *r);

/* window.c */
/* The open window that covers it, the first of several; NULL: none. */
const struct window *window_over(const struct correlator *corr, const struct corr_alarm *al);
/* The same for a log. */
const struct window *window_over_log(const struct correlator *corr, const struct corr_alarm *al);
void window_begin(struct correlator *corr, struct fm_time at);
void window_due(struct correlator *corr);
/* Another catalogue: its windows instead of the old one's. */
void window_relink(struct correlator *corr);
int window_operate(struct correlator *corr, const struct corr_command *cmd, struct fm_err *err);
void window_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void window_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx);
void window_restore(struct correlator *corr, const struct row_kept *r);
void window_restored(struct correlator *corr);
void window_free_all(struct correlator *corr);

/* dedupe.c */
bool ids_seen(struct correlator *corr, uint64_t hash);   /* adds it when new */
void ids_restore(struct correlator *corr, const struct row_kept *row);
void ids_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void ids_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx);
void ids_free(struct correlator *corr);
bool twin_seen(struct correlator *corr, struct instance *inst, const struct event *ev);

/* restore.c: what is held is what is kept, so nothing has changed. */
void corr_clean(struct correlator *corr);

/* keep.c */
void forget(struct correlator *corr, enum row_kind kind, const char *k1, const char *k2);
void forget_deadline(struct correlator *corr, const struct deadline *dl);
void keep_no_pool(struct correlator *corr, const struct instance *inst);
void keep_closed(struct correlator *corr, const struct slot *slot, bool closed);

#endif
