/* diff_priv: what timeline.c collects and diff.c compares. */
#ifndef OFFLINE_DIFF_PRIV_H
#define OFFLINE_DIFF_PRIV_H

#include "offline/offline_priv.h"

/* One occurrence of an alarm, or one log. */
struct occurrence {
	const char *alarm_id, *entity;  /* NULL: there is none of this number */
	uint64_t id;
	struct fm_uuid uuid, parent;
	struct fm_time came, told, ended;       /* told, ended: 0 for never */
	enum severity worst;
	bool is_log;
};

struct timeline {
	struct occurrence *v;           /* by the number of the alarm, until it is compared */
	size_t n, cap;
	struct fm_intern names;
};

#endif
