/*
 * sim: the whole daemon in one process and one thread, with nothing real below it. daemon_run is the
 * product's, and so is all it calls; what is replaced, at link time, are the seams:
 *
 *   disk.c      SQLite's files: sectors, what was synced, faults at numbered operations
 *   loop.c      libuv and the clock: virtual time
 *   broker.c    kafka.h's source over logs in memory
 *   wires.c     kafka.h's sink and fmagent.h: deliveries that are late, lost, repeated
 *   inputs.c    not a seam: notes each input of the core, and with which commit it became durable
 *
 * A death is a longjmp out of an operation of the disk; what the process held is left lying, as a
 * killed one's memory is. The parts of sim outlive it: they are the world.
 */
#ifndef FM_TEST_SIM_H
#define FM_TEST_SIM_H

#include "correlator/correlator.h"
#include "kafka/kafka.h"

#include <setjmp.h>

/* ---- chance --------------------------------------------------------------------------------- */

struct rng {
	uint64_t x;
};
uint32_t draw(struct rng *r, uint32_t n);               /* 0 .. n-1 */
bool chance(struct rng *r, uint32_t in_thousand);
/* Around mean, never 0. */
int64_t draw_span(struct rng *r, int64_t mean);

/* ---- verdict -------------------------------------------------------------------------------- */

/* What is wrong with a run: printed once, and the run counts as failed. */
void wrong(const char *promise, const char *fmt, ...) FM_PRINTF(2, 3);
bool is_wrong(void);
void forgive(void);                     /* the next run begins without */
extern bool verbose;
void say(const char *fmt, ...) FM_PRINTF(1, 2);         /* only then */

/* ---- snapshots of the world -------------------------------------------------------------------- */

/* Each part puts its state into a buffer, and takes it back in the same order. */
struct crate {
	struct fm_buf b;
	size_t at;
};
void crate_put(struct crate *s, const void *p, size_t n);
void crate_take(struct crate *s, void *p, size_t n);
void disk_save(struct crate *s);
void disk_restore(struct crate *s);
void loop_save(struct crate *s);
void loop_restore(struct crate *s);
void broker_save(struct crate *s);
void broker_restore(struct crate *s);
void wires_save(struct crate *s);
void wires_restore(struct crate *s);
void inputs_save(struct crate *s);
void inputs_restore(struct crate *s);
void commands_save(struct crate *s);
void commands_restore(struct crate *s);

/* ---- disk.c --------------------------------------------------------------------------------- */

enum disk_op { DISK_WRITE, DISK_SYNC, DISK_TRUNCATE, DISK_DELETE, DISK_READ, DISK_N_OPS };
/*
 * KILL: the process ends within the operation. POWER: likewise, and what was not synced survives
 * sector by sector or not. FULL: no write succeeds until disk_heal. ERROR: the operation fails, and
 * all that follow (or only this one); when the process has ended, the power goes.
 */
enum fault { FAULT_NONE, FAULT_KILL, FAULT_POWER, FAULT_FULL, FAULT_ERROR, FAULT_N };
extern const char *const fault_name[FAULT_N];
extern const char *const disk_op_name[DISK_N_OPS];

void disk_install(void);                /* as SQLite's default */
void disk_format(void);                 /* empty, and ops from 0 */
void disk_heal(void);
void disk_lose_power(void);
/* The next process finds what this one wrote; with pending errors, what is left of it. */
void disk_process_ended(void);
bool disk_log_synced(void);             /* nothing of the write-ahead log is unsynced */
uint64_t disk_hash(void);
void disk_empty_others(void);           /* of directories that are not watched */
/* Faults happen, and operations count, only to files in this directory. */
void disk_watch(const char *dir);
/* Before each counted operation; sets disk_plan if something is to happen to it. */
extern void (*disk_on_op)(enum disk_op op, uint64_t number);
void disk_plan(enum fault f, uint64_t seed);
extern int64_t disk_sync_ns;            /* what an fsync takes */
uint64_t disk_ops(void);
bool disk_is_full(void);
/* As if the process had died in the operation at hand, which then has not happened yet. */
void disk_die(enum fault f);

/* ---- loop.c --------------------------------------------------------------------------------- */

#define SIM_FD_SOURCE 100001
#define SIM_FD_SINK 100002
#define SIM_FD_AGENT 100003
#define SIM_NEVER INT64_MAX

void loop_format(void);                 /* the begin of time */
int64_t sim_now(void);                  /* ns since the begin of the world; never goes back */
void sim_sleep_until(int64_t at);       /* while no process runs */
struct fm_time sim_wall(int64_t at);    /* true time */
void sim_step_clock(struct fm_span by); /* fmd's wall clock, from now on */
void sim_signal(int number);
void loop_close_all(void);              /* a process has ended without doing so */

/* ---- broker.c ------------------------------------------------------------------------------- */

#define MAX_PARTS 8
struct log_record {
	char *p;
	size_t len;
	int64_t made, arrives;          /* sim_now; arrives does not go back in a partition */
};
struct log_part {
	const char *topic;
	int topic_no, no;
	struct log_record *v;
	size_t n, low, cap;
	uint64_t handed;                /* records given to processes; in marks */
	int64_t next;                   /* the process's; -1: none */
	uint32_t epoch;                 /* raised when the log is made anew */
};
extern struct log_part log_part[MAX_PARTS];
extern unsigned n_log_parts;

void broker_format(const char *const *topics, const unsigned *partitions, unsigned n_topics);
void broker_put(unsigned part, const char *text, size_t len, int64_t made, int64_t arrives);
extern int64_t broker_connect_ns;       /* what a process needs to hear the broker */
void broker_away_until(int64_t until);
bool broker_is_away(void);
/* Deletes what lies before that offset. */
void broker_cut(unsigned part, size_t low);
int64_t broker_next_arrival(void);
void broker_note_arrivals(void);
bool broker_all_read(void);
bool broker_heard_to_end(void);         /* by the process, now */
unsigned broker_part_of(const char *topic, int32_t partition);
void broker_process_ended(void);
/* A lost partition that waits for an operator; -1: none. */
int broker_left_part(void);

/* ---- wires.c -------------------------------------------------------------------------------- */

struct weather {
	uint32_t latency_ms;
	uint32_t lost, twice, refused;  /* of a thousand: lost: the answer, not the record */
	unsigned window;
};
extern struct weather weather;
#define MAX_WIRES 3
void wires_format(unsigned n_agents);
void wires_away_until(unsigned wire, int64_t until);
void wires_process_ended(void);         /* what is on its way may still arrive */
int64_t wires_next(unsigned *ret_fd);
bool wires_idle(void);
uint64_t wires_highest(void);           /* seq that any sink has */
uint64_t wires_highest_quarantine(void);
unsigned wires_count(void);
const char *wires_name(unsigned wire);
/* Whether the sink has it, or was told that it is missing. */
bool wires_has(unsigned wire, uint64_t seq);
bool wires_was_given(unsigned wire, uint64_t seq);
bool wires_has_quarantined(uint64_t id);
/* What the sinks were given as seq; 0: none has it. */
uint64_t wires_content(uint64_t seq);

/* ---- inputs.c ------------------------------------------------------------------------------- */

enum input_kind { IN_RECORD, IN_PASS, IN_QUARANTINE, IN_ADVANCE, IN_COMMAND, IN_SELF, IN_MISSED, IN_STEPPED,
	IN_DEAF, IN_SWAP, IN_BEAT };
struct input {
	enum input_kind kind;
	struct fm_time at;
	/* record, pass, quarantine */
	unsigned part;
	uint32_t epoch;
	int64_t offset;
	enum corr_outcome outcome;
	/* command, self */
	int what;                       /* kind of command; severity; catalogue; on */
	bool set;
	struct fm_span span;
	struct fm_time until;
	struct fm_uuid uuid;
	char *user, *verb, *id, *entity, *text;
};
extern struct input *input;
extern size_t n_inputs;
/* As they stood when the commit that is durable now was made. */
struct mark {
	size_t n;
	int64_t next[MAX_PARTS];
	uint64_t handed[MAX_PARTS];
};
void inputs_format(bool without_self);
const struct mark *inputs_mark(void);
/* The highest that a power loss cannot take any more. */
uint64_t inputs_synced_seq(void);
uint64_t inputs_synced_quarantine(void);
void inputs_pause(bool on);             /* while the model runs */
extern struct catalogue *catalogues[2];
void catalogues_load(const char *source);
extern int catalogue_now;               /* which the file holds; -1: one that does not load */

/* ---- story.c -------------------------------------------------------------------------------- */

struct story_options {
	uint64_t seed;
	unsigned records, hosts, guests;
	int64_t latency, jitter;        /* of arrival, ns */
	int64_t mean_gap, pause;        /* between records, and now and then */
	uint32_t pauses, poison, huge;  /* of a thousand */
	uint32_t slow;                  /* migrations, of a thousand */
};
/* Fills the logs; returns when the last record arrives. */
int64_t story_tell(const struct story_options *opt);

/* ---- script.c: what happens beside records ---------------------------------------------------- */

struct command {
	int64_t at;
	uint64_t seed;
	bool done, answered;
};
extern struct command *command;
extern unsigned n_commands;
void commands_format(void);
void commands_add(int64_t at, uint64_t seed);
int64_t commands_next(void);
void commands_act(void);
void commands_resume(int part);         /* has an operator say where a lost partition goes on */
/* By the number in the user's name. */
void commands_note(const char *user, bool durable);

/* ---- verify.c ------------------------------------------------------------------------------- */

/* All that is kept, as text, one line a row; what may differ between good runs is left out. */
void dump_store(const char *dir, struct fm_buf *ret);
void verify_world(const char *dir);     /* sinks, positions, ledger against the store */
void verify_model(const char *dir);     /* the store against a core that was never interrupted */
bool verify_same(const struct fm_buf *want, const struct fm_buf *got);

/* ---- world.c -------------------------------------------------------------------------------- */

struct daemon;
extern struct sim {
	char dir[64];                   /* of the process's trifles: lock, failure note */
	char state[80], model[80];
	jmp_buf life;
	bool alive;
	struct daemon *d;               /* while alive and open */
	struct fmd_conf *conf;
	int64_t end;                    /* not before this; then when all is quiet */
	int64_t stretch;                /* ticks may be so late in quiet times */
	uint64_t starts, deaths, failures;
	bool has_traces;                /* a store has been open (world_save) */
	uint64_t keep_backlog;
	bool away_refuses;              /* a target that is away says so, and is not only silent */
	uint64_t free_bytes;
	/* what happens beside records and commands; NULL: nothing */
	int64_t (*more_next)(void);
	void (*more_act)(void);
	bool (*may_end)(void);
} sim;

double wall_seconds(void);              /* of the real world, since some time */
void world_open(const char *source);    /* once a process */
void world_close(void);                 /* its files; at the end by itself, where exit is called */
/* What fmd.yaml says; the rest is as by default. */
struct world_options {
	uint64_t seed;                  /* of the partitions */
	unsigned n_agents, cycle_records;
	uint64_t keep_transitions, keep_backlog;        /* 0: for ever */
	uint64_t reserve;               /* bytes; 0: none */
	bool lost_stop;
	int64_t heartbeat;              /* ns; 0: none */
	bool away_refuses;
	uint64_t bad_records;
};
void world_format(const struct world_options *opt);
/*
 * All but logs and configuration, which stay. Also from within an operation of the disk: another
 * process may live and end then, and when the world is restored, the one that is at work goes on.
 */
void world_save(struct crate *s);
void world_restore(struct crate *s);
/* Runs one process to its end. True: by SIGTERM, and well. */
bool world_live(void);
const char *world_last_end(void);       /* why the last one that did so ended by itself */
void world_die(void) __attribute__((noreturn));
/* For one that died otherwise. */
void world_process_ended(void);
bool world_is_quiet(void);
const char *world_waits_for(void);      /* NULL: nothing */
void world_started(struct daemon *d);

int find_main(int argc, char **argv);
int simulate_main(int argc, char **argv);
int enumerate_main(int argc, char **argv);

#endif
