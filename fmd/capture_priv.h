/* capture: a part of the input topics as a file, "fmd --capture". */
#ifndef FMD_CAPTURE_PRIV_H
#define FMD_CAPTURE_PRIV_H

#include "fmd/daemon_priv.h"

struct capture_options {
	const char *path;               /* "-": standard output */
	struct kafka_conf conf;
	const char *const *topics;
	unsigned n_topics;
	struct fm_time from, to;        /* both included; to 0: up to the end that there is now */
};
/* Ends at the end of all partitions. -ETIMEDOUT: no broker answers. */
int capture_run(const struct capture_options *opt, struct fm_err *err) FM_MUST_USE;

#endif
