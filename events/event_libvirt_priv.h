/*
 * event_libvirt_priv: members of the nested objects of libvirt records.
 */
#ifndef FM_EVENT_LIBVIRT_PRIV_H
#define FM_EVENT_LIBVIRT_PRIV_H

#include "events/event_priv.h"

/* params: a job's statistics, as libvirt calls them */
#define LV_PARAMS(X) X(OPERATION, "operation") X(TIME_ELAPSED, "time_elapsed") \
	X(DOWNTIME, "downtime") X(DOWNTIME_NET, "downtime_net") \
	X(MEMORY_ITERATION, "memory_iteration") X(POSTCOPY_REQUESTS, "memory_postcopy_requests")
/* data: of a QEMU monitor event */
#define LV_DATA(X) X(STATUS, "status") X(PASS, "pass") X(DEVICE, "device") X(ACTION, "action") \
	X(REASON, "reason") X(NOSPACE, "nospace")
enum {
#define FM_X(id, name) P_##id,
	LV_PARAMS(FM_X)
#undef FM_X
	P_N
};
enum {
#define FM_X(id, name) Q_##id,
	LV_DATA(FM_X)
#undef FM_X
	Q_N
};

#endif
