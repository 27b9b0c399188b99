/*
 * failpoint: places where a test can have the daemon killed as if by SIGKILL from outside. Which one,
 * and at the how-manieth pass, says the environment variable FMD_FAILPOINT ("commit.rows:7"). Only in
 * builds with tests; in what is shipped the macro is nothing and the variable is not read.
 *
 * Thread: main.
 */
#ifndef FM_FAILPOINT_H
#define FM_FAILPOINT_H

#include <stdint.h>

/* tests/system/test_kill.py reads the names from here. */
#define FAILPOINTS(X) \
	X(START_RESTORED, "start.restored")     /* state read, nothing opened yet */ \
	X(START_OPENED, "start.opened")         /* all open, the loop not begun */ \
	X(RECORD_AT_HAND, "record.at_hand")     /* a record come, nothing done with it */ \
	X(CYCLE_DRAINED, "cycle.drained")       /* records applied, deadlines not yet fired */ \
	X(CYCLE_ADVANCED, "cycle.advanced")     /* and those, too */ \
	X(COMMIT_BEGUN, "commit.begun")         /* transitions written, no row */ \
	X(COMMIT_ROWS, "commit.rows")           /* rows, no position */ \
	X(COMMIT_POSITIONS, "commit.positions") /* positions and ledger, no cursor */ \
	X(COMMIT_CURSORS, "commit.cursors")     /* everything but the commit itself */ \
	X(COMMIT_DONE, "commit.done")           /* durable, told to nobody */ \
	X(PUBLISH_FIRST, "publish.first")       /* one transition given to the sinks, of several */ \
	X(CYCLE_PUMPED, "cycle.pumped")         /* sinks have been offered what they take */ \
	X(QUARANTINE_KEPT, "quarantine.kept")   /* a bad record written, not committed */ \
	X(COMMAND_APPLIED, "command.applied")   /* an operator's, not committed */ \
	X(COMMAND_DONE, "command.done")         /* committed, not answered */ \
	X(RELOAD_SWAPPED, "reload.swapped")     /* new catalogue in the core, not committed */ \
	X(LOG_MOVED, "log.moved")               /* write-ahead log moved into the database */ \
	X(TRIMMED, "trimmed")                   /* old transitions deleted */ \
	X(STOP_COMMITTED, "stop.committed")     /* last commit of an orderly end */

enum failpoint_id {
#define FM_X(id, name) FP_##id,
	FAILPOINTS(FM_X)
#undef FM_X
	FP_N
};

struct failpoint {
	int id;                 /* -1: none */
	uint64_t passes;        /* left until it strikes */
};

#ifdef FMD_FAILPOINTS
void failpoint_init(struct failpoint *fp);
void failpoint_pass(struct failpoint *fp, enum failpoint_id id);
#define FAILPOINT(d, name) failpoint_pass(&(d)->failpoint, FP_##name)
#else
#define FAILPOINT(d, name) ((void)0)
#endif

#endif
