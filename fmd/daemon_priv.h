/*
 * daemon_priv: the parts of the running daemon and who owns what. Everything here belongs to the
 * main thread; the SNMP thread and librdkafka's are behind fmagent.h and kafka.h.
 */
#ifndef FMD_DAEMON_PRIV_H
#define FMD_DAEMON_PRIV_H

#include "correlator/correlator.h"
#include "ctl/ctl.h"
#include "fmd/conf_priv.h"
#include "fmd/failpoint.h"
#include "notify/notify.h"

#include <uv.h>

#ifndef FMD_VERSION
#define FMD_VERSION "0.0.0"
#endif

/* Live, time follows the wall clock this much behind, for records that are still on their way. */
#define ENGINE_LATENESS_MS 500
/* Positions without effect are written at the latest after this. */
#define ENGINE_LAZY_MS 1000
/* Transitions are held in memory until their transaction is committed; more of them gain nothing. */
#define ENGINE_TRANSITIONS 1000
/* As in sysexits.h. Starting again may help after the first, not after the second. */
#define FMD_EXIT_IO 74
#define FMD_EXIT_LOCKED 73

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
void log_set_level(enum log_level level);
/* One line, controls escaped. Formats are literals. */
void log_line(enum log_level level, const char *subsystem, const char *fmt, ...) FM_PRINTF(3, 4);

/* Messages of which thousands may come. The first are said, then there is a summary a minute. */
enum log_class { LOG_QUARANTINED, LOG_CLIENT, LOG_UPKEEP, LOG_REFUSED, LOG_SINK, LOG_N_CLASSES };
struct log_budget {
	int64_t since;                  /* monotonic, when the interval began; 0: none runs */
	unsigned said;                  /* in this interval, and */
	uint64_t held;                  /* not said */
	uint64_t held_ever;
};
/* budget: of all classes. */
void log_often(struct log_budget *budget, enum log_class class, const char *fmt, ...)
	FM_PRINTF(3, 4);
const char *log_class_name(enum log_class class);
/* Says what was held back, when its interval is over or this is the last call. */
void log_tick(struct log_budget *budget, bool last);

/* The only clock reads of fmd. */
struct fm_time clock_wall(void);
int64_t clock_mono_ns(void);
int64_t clock_boot_ns(void);

enum input_state { INPUT_STARTING, INPUT_HELD, INPUT_WAITING, INPUT_READING, INPUT_LOST, INPUT_PAUSED, INPUT_UNUSED };

/* spoil.c: which of a partition's last records could not be read. */
#define SPOIL_ENTITY 300
enum spoil_state { SPOIL_WATCHED, SPOIL_PAUSED, SPOIL_RESUMED };
struct spoil {
	enum spoil_state state;
	bool dirty;                     /* state is not stored yet */
	unsigned n, n_bad;              /* in the window */
	unsigned at;                    /* where its next record goes */
	uint64_t was_bad[(SPOIL_WINDOW + 63) / 64];
};

/* One partition of one input topic: where we are and what became of its records. */
struct part {
	char *topic;
	int32_t partition;
	int64_t next_offset;            /* -1: nothing read yet */
	/* Of the last record read. Only last_ts given: what is not newer was read (input.c). */
	uint64_t last_hash;
	struct fm_time last_ts;
	uint64_t ledger[LEDGER_N];
	bool dirty, kept;               /* kept: the store has a position for it */
	/* input.c */
	enum input_state state;
	bool heard;                     /* it was reading since the source was opened */
	struct fm_time since;           /* of state, as of the last tick; 0: not looked at yet */
	struct kafka_lost lost;         /* while lost_new: to be settled by this cycle */
	bool lost_new, stopped;         /* stopped: until an operator's command */
	struct spoil spoil;
	int64_t lost_from;              /* the first one deleted since a record was read; -1: none */
};

struct client;
struct careful_file;

/* Who gives a command, as of its connection; the strings are borrowed. */
struct caller {
	const char *name, *role;        /* role: admin, reader or none */
	uint64_t uid;
};
/* No user has this number: (uid_t)-1. */
#define CALLER_SELF UINT32_MAX

/* Of refused commands, in this interval. */
struct audit_budget {
	int64_t since;                  /* monotonic; 0: none runs */
	unsigned kept;
	uint64_t held;
};

/* The newest transition there was at a time. */
struct sink_mark {
	uint64_t seq;
	int64_t at;                     /* monotonic; 0: no mark yet */
	bool failing;                   /* as was said last */
};

/* What fmd's own alarms rest on beside the alarms themselves. */
#define SELF_NOTE 512
struct self {
	struct fm_time quarantine_quiet;        /* when 990.001 clears; 0: not set */
	bool unreachable;
	char refusal[160];              /* why the broker and we do not come together; "": unknown */
	int64_t unreachable_since;      /* monotonic, like the next two */
	int64_t failure_until, look_at_hosts;
	int64_t last_beat;              /* monotonic; 0: none in this run */
	char failure[SELF_NOTE + 1];    /* how the last run ended; "": well */
	int failure_fd;
	struct sink_mark mark[CONF_MAX_LIST + 2];       /* SNMP targets, Kafka, journal */
};

/* steady.c */
struct steady {
	struct fm_time time;            /* as of the last look */
	int64_t boot;                   /* CLOCK_BOOTTIME, then */
	int64_t ahead;                  /* of the wall clock, then */
	bool lived;                     /* all input was heard once in this run */
	int64_t quiet_at;               /* monotonic, when 990.012 may clear; 0: not known yet */
};

/* hold.c */
struct hold {
	bool on, dry, reserved;
	bool frozen;                    /* on and dry for good (frozen.c) */
	int64_t next_try;               /* monotonic */
};

/* frozen.c */
struct frozen {
	bool counted;                   /* there is a file of failures */
	char gone[SELF_NOTE];           /* why the last run ended: this was removed. "": it was not */
	int64_t started;                /* monotonic */
};

/* listen.c */
struct listening {
	uv_pipe_t *pipe;                /* NULL: it cannot be made */
	uint64_t dev, ino;              /* of its file */
	int64_t next_try;               /* monotonic */
	bool told;                      /* why it cannot be made */
};

struct daemon {
	struct fmd_conf *conf;
	bool demo;
	/* the pipeline */
	struct store *store;
	struct catalogue *cat;
	struct correlator *corr;
	struct decoder *decoder;
	struct outbox *outbox;
	struct kafka_broker *broker;    /* demo only */
	struct kafka_source *source;    /* NULL: no input is read (hold.c), or not yet */
	int64_t source_opened;          /* monotonic */
	struct kafka_sink *ksink;
	struct fmagent *agent;
	int journal_fd;
	struct recorder *recorder;      /* NULL: none */
	const char *topics[CONF_MAX_LIST];
	char *source_name;
	/* the cycle */
	struct part *part;
	unsigned n_parts;
	struct fm_time lazy_due;        /* of unwritten positions; 0: none */
	bool in_txn;
	uint64_t transitions;           /* in this transaction */
	uint64_t commits, commits_at_tick;
	int failed;                     /* first error of the store in this cycle */
	struct fm_err err;
	bool more;                      /* the last cycle stopped at a bound */
	bool lost_new;                  /* some partition's */
	struct fm_time missed_until;    /* wall clock: not listened to before, and accounted for */
	uint64_t quarantine_offered;    /* highest id handed to the Kafka sink */
	struct steady steady;
	struct hold hold;
	struct frozen frozen;
	struct careful_file *careful;   /* mapped; NULL: none */
	uint64_t careful_left;          /* records to be read one by one */
	bool careful_skip;              /* this start found records that are not to be read */
	int64_t backup_due;             /* monotonic; 0: not decided yet */
	struct self self;
	struct log_budget log[LOG_N_CLASSES];
	struct audit_budget refusals;
	struct fm_time record_ts;       /* of the record at hand */
	int64_t record_mono;            /* demo: when the last one came */
	/* the loop */
	uv_loop_t loop;
	uv_poll_t *poll_source;         /* comes and goes with the source */
	uv_poll_t poll_sink, poll_agent;
	uv_timer_t tick, wake;
	int64_t give_back_due;          /* monotonic: when unused memory is looked at again */
	size_t given_back;              /* how much was unused then */
	uv_idle_t busy;                 /* runs while a cycle left work behind */
	uv_signal_t sig_term, sig_int, sig_hup;
	struct listening listen;
	struct client *clients;
	unsigned n_clients;
	uv_idle_t answering;            /* runs while a client can be given more */
	uint64_t pieces;                /* of answers, so far */
	bool stopping;
	int exit_code;
#ifdef FMD_FAILPOINTS
	struct failpoint failpoint;
#endif
};

/* engine.c */
int engine_restore(struct daemon *d, struct fm_err *err) FM_MUST_USE;
int engine_start(struct daemon *d, struct fm_err *err) FM_MUST_USE;
void engine_cycle(struct daemon *d);
/* The time that waiting goes by (steady.c), up to date. */
struct fm_time engine_look(struct daemon *d);
/* For commands: brings time up, collects transitions; engine_end commits. 0 or an error. */
void engine_begin(struct daemon *d);
int engine_end(struct daemon *d, const struct store_audit *audit);
/* While nothing runs yet: what failed is the caller's to judge. */
int engine_commit(struct daemon *d) FM_MUST_USE;
transition_sink_f engine_transition;
struct fm_time engine_time(const struct daemon *d);
void engine_arm(struct daemon *d);
void engine_reload(struct daemon *d);
bool engine_position(void *ctx, const char *topic, int32_t partition, struct store_position *ret);
bool engine_held(void *ctx, const char *topic, int32_t partition);
/* A full disk is waited for (hold.c), anything else ends the process. */
void engine_fail(struct daemon *d, int code, const char *what);
/* Core and positions as they are stored, whatever was read since. 0, or -EIO: cannot be read. */
int engine_start_over(struct daemon *d) FM_MUST_USE;
/* Applies a catalogue that the kept state does not know yet. */
int engine_catch_up_catalogue(struct daemon *d) FM_MUST_USE;

struct part *engine_part(struct daemon *d, const char *topic, int32_t partition);
struct part *engine_find_part(const struct daemon *d, const char *topic, int32_t partition);
/* Something is to be written, though not at once. */
void engine_note_lazy(struct daemon *d);

/* recorder.c: what is applied, for a replay */
struct recorder;
/* mark: what recorder_mark gave to the last commit; NULL: nothing yet. -EEXIST: another's file. */
int recorder_open(const char *path, const char *mark, uint64_t most, struct recorder **ret,
		  struct fm_err *err) FM_MUST_USE;
void recorder_close(struct recorder *rc);
/* now: the time of the core once it has the record. */
void recorder_put(struct recorder *rc, const struct kafka_record *rec, struct fm_time now);
/* To be kept with each commit; everything up to there is written. Borrowed until the next call. */
const char *recorder_mark(struct recorder *rc);
/* That commit succeeded. */
void recorder_kept(struct recorder *rc);
/* Back to the last commit that did, as the core goes. */
void recorder_rewind(struct recorder *rc);

/* input.c */
const char *input_state_name(const struct part *p);
bool input_read_before(const struct part *p, const struct kafka_record *rec);
void input_lost(void *ctx, const struct kafka_lost *lost);
void input_settle(struct daemon *d);
struct input_request {
	const char *topic, *user;
	int32_t partition;
	bool latest;
};
/* -ENOENT: no such partition; -EALREADY: not lost; -EAGAIN: not known yet what it has. */
int input_resume(struct daemon *d, const struct input_request *rq, struct fm_err *err) FM_MUST_USE;
void input_tick(struct daemon *d, struct fm_time now);
void input_forget(struct daemon *d);
/* Tells the core whether some partition stands still. */
void input_update_deaf(struct daemon *d);

/* spoil.c */
void spoil_restore(struct daemon *d, struct part *p);
/* Within a transaction: 0 or an error of the store. */
int spoil_keep(struct daemon *d, struct part *p) FM_MUST_USE;
/* A bad record is at hand. True: the partition is paused before it, and it is to be left unread. */
bool spoil_pauses(struct daemon *d, struct part *p, int64_t offset, const char *why);
/* A record was read. */
void spoil_note(struct daemon *d, struct part *p, bool bad);
struct fm_time spoil_since(const struct daemon *d, const struct part *p);
/* By an operator: alarm and state; reading on is the caller's. */
void spoil_resume(struct daemon *d, struct part *p);
void spoil_tick(struct daemon *d, const struct part *p);

/* self.c: fmd's own alarms */
#define SELF_STORAGE "service=fmd.storage=state_dir"       /* what 990.003 is about */
void self_set(struct daemon *d, const char *id, const char *entity, bool on, const char *text);
/* Only when it is not so already. */
void self_level(struct daemon *d, const char *id, const char *entity, bool on, const char *text);
void self_notice(void *ctx, enum kafka_notice what, const char *topic, int32_t partition,
		 const char *text);
void self_quarantined(struct daemon *d);
/* Once, when all is open and nothing runs yet. */
void self_start(struct daemon *d);
void self_tick(struct daemon *d, struct fm_time now);
/* Reads how the last run ended and makes room for how this one will; once, with the state. */
void self_open_failure_note(struct daemon *d);
void self_note_failure(struct daemon *d, const char *text);

/* hold.c */
uint64_t hold_disk_free(const struct daemon *d);
void hold_start(struct daemon *d);
void hold_release(struct daemon *d);
bool hold_begin(struct daemon *d);
void hold_tick(struct daemon *d);
/* Why nothing is stored, for whoever gives a command. */
const char *hold_reason(const struct daemon *d);

/* frozen.c */
void frozen_decide(struct daemon *d);           /* at the very start */
void frozen_count(const struct daemon *d);      /* this run ends because of its store */
void frozen_note_gone(const struct daemon *d);  /* or because the store has been removed */
void frozen_tell(struct daemon *d);             /* when the state is there */
void frozen_end(struct daemon *d);
void frozen_tick(struct daemon *d);

/* careful.c */
void careful_start(struct daemon *d);
void careful_stop(struct daemon *d);
void careful_take(struct daemon *d, const struct kafka_record *rec);
void careful_taken(struct daemon *d);
void careful_done(struct daemon *d);
bool careful_one_by_one(struct daemon *d);
bool careful_skips(const struct daemon *d, const struct kafka_record *rec);
void careful_skipped(struct daemon *d, const struct kafka_record *rec);

/* steady.c */
void steady_start(struct daemon *d);
struct fm_span steady_gap(const struct daemon *d);
/* heard: all input is, now. Between cycles. */
void steady_look(struct daemon *d, bool heard);
void steady_tick(struct daemon *d);

/* backup.c */
void backup_tick(struct daemon *d);
int backup_tell_restored(struct daemon *d) FM_MUST_USE;

/* control.c */
int control_start(struct daemon *d, struct fm_err *err) FM_MUST_USE;
void control_stop(struct daemon *d);
void control_tick(struct daemon *d);
/* For listen.c: somebody did. */
void control_connected(uv_stream_t *listener, int status);
/* There are new transitions in the store. */
void control_committed(struct daemon *d);
/* Bytes that clients have been given and have not read. */
uint64_t control_unread(const struct daemon *d);

/* listen.c: the socket's file */
int listen_start(struct daemon *d, struct fm_err *err) FM_MUST_USE;
void listen_stop(struct daemon *d);
void listen_tick(struct daemon *d);

/* audit.c: a command that was not carried out, and what there were too many of */
void audit_refused(struct daemon *d, const struct caller *who, const struct ctl_request *rq,
		   const char *why);
void audit_tick(struct daemon *d, bool last);

/* verbs.c: an answer, made piece by piece */
struct verb_call;
enum verb_state { VERB_GOES_ON, VERB_WAITS, VERB_DONE };
/* Takes rq's content; who is borrowed until verb_end. */
struct verb_call *verb_begin(struct daemon *d, const struct caller *who, struct ctl_request *rq);
/* Appends the next piece, with VERB_DONE its end. VERB_WAITS: a watch that has told all there is. */
enum verb_state verb_go_on(struct verb_call *call, struct fm_buf *out);
void verb_end(struct verb_call *call);

/* daemon.c */
void tell_manager(const char *state);
int daemon_open_source(struct daemon *d, struct fm_err *err) FM_MUST_USE;
void daemon_close_source(struct daemon *d);
/* SIGTERM, SIGINT and SIGHUP wait until this is taken back, as daemon_run does once it handles them. */
void daemon_hold_signals(bool on);
int daemon_run(struct fmd_conf *conf, bool demo, struct fm_err *err);
struct fmagent_options agent_options(const struct fmd_conf *conf);
struct kafka_conf kafka_conf_of(const struct fmd_conf *conf);
int catalogue_open(const struct daemon *d, struct catalogue **ret, struct fm_err *err) FM_MUST_USE;

#endif
