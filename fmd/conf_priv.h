/*
 * conf: fmd.yaml as a value. Unknown keys, wrong types and values out of bounds are errors with
 * file:line:column; what the file does not say has the default given in conf.c's table.
 *
 * Thread: main. Ownership: the strings belong to the configuration.
 */
#ifndef FMD_CONF_PRIV_H
#define FMD_CONF_PRIV_H

#include "kafka/kafka.h"
#include "snmp/fmagent.h"

#define CONF_MAX_FILE 65536
#define CONF_MAX_LIST 64
/* Records of a partition among which limits.bad_records are counted (spoil.c). */
#define SPOIL_WINDOW 1000u

enum conf_format { FORMAT_AUTO, FORMAT_NOVA, FORMAT_LIBVIRT, FORMAT_REQUEST };
struct conf_input {
	char *topic;
	enum conf_format format;
};

/* In the file; line 0: it is not there. */
#define CONF_MAX_SETTINGS 64
struct conf_place {
	unsigned line, column;
};

struct fmd_conf {
	char *file;                     /* NULL: none was read */
	struct conf_place place[CONF_MAX_SETTINGS];     /* in the order of conf.c's table */
	struct conf_place target_place[CONF_MAX_LIST], librdkafka_place;
	char *state_dir, *catalogue;
	char *socket, *read_group, *write_group;
	char *brokers, *out_alarms, *out_transitions, *out_quarantine;
	struct conf_input input[CONF_MAX_LIST];
	unsigned n_inputs;
	uint64_t start_latest;          /* 0 or 1 */
	uint64_t lost_stop;             /* 0: goes on where a log now begins; 1: an operator says */
	struct kafka_setting setting[CONF_MAX_LIST];
	unsigned n_settings;
	char *engine_id, *region, *system, *agentx;
	uint64_t history;               /* rows of the SNMP event table */
	struct fmagent_target target[CONF_MAX_LIST];
	unsigned n_targets;
	uint64_t bad_records;           /* of a partition's last 1,000, then it is paused; 0: any */
	uint64_t starts;                /* that a record may end in vain; 0: any number */
	uint64_t record, depth, cycle_records, cycle_ms, clients, what_if;
	uint64_t keep_transitions;
	uint64_t keep_backlog;          /* for a slow sink, beyond the retention */
	struct fm_span keep_age;
	struct fm_span quiet, late;     /* of fmd's own alarms */
	struct fm_span heartbeat;       /* 0: none */
	uint64_t disk_free;             /* bytes */
	struct fm_span backup;          /* between two copies; 0: none */
	uint64_t reserve;               /* bytes; 0: none */
	uint64_t log_level;             /* enum log_level */
	char *journal;                  /* file of JSON lines; NULL: none */
	char *capture;                  /* file of records, as they are applied; NULL: none */
	uint64_t capture_size;          /* bytes; then it ends */
};

struct fmd_conf *conf_default(void);
int conf_load(const char *path, struct fmd_conf **ret, struct fm_err *err) FM_MUST_USE;
/*
 * What is not in the file alone: directories of files to be written; for a check also whether the
 * groups exist. A group that is not there is no reason not to start (it may come), so the daemon
 * warns. -EINVAL with the place.
 */
int conf_check_files(const struct fmd_conf *conf, struct fm_err *err) FM_MUST_USE;
int conf_check_groups(const struct fmd_conf *conf, struct fm_err *err) FM_MUST_USE;
/* fm_fail with a place of the file at its head, as far as there is one. */
int conf_fail(const struct fmd_conf *conf, struct conf_place at, struct fm_err *err, const char *fmt,
	      ...) FM_PRINTF(4, 5);
void conf_free(struct fmd_conf *conf);
/* The effective configuration as YAML; secrets appear as the names of their files. */
void conf_print(const struct fmd_conf *conf, struct fm_buf *ret);

#endif
