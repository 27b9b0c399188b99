/*
 * What the tests of the tables share: a replica with alarms and events of given numbers, and the
 * view of it. Alarm n is raised with severity 1 + n % 4; event n is its raise.
 */
#ifndef FM_TEST_SNMP_TABLE_RIG_H
#define FM_TEST_SNMP_TABLE_RIG_H

#include "rig.h"
#include "snmp/fmagent_table_priv.h"

static const struct fmagent_filter rig_names = {.region = NULL};

static inline struct transition
rig_nth(uint64_t n)
{
	struct transition tr = rig_transition(TR_RAISE, (enum severity)(1 + n % 4));

	tr.seq = tr.alarm.id = n;
	return tr;
}

static inline void
rig_show_alarm(struct fmagent_replica *rep, uint64_t n)
{
	struct transition tr = rig_nth(n);

	fmagent_replica_alarm(rep, &tr.alarm, &rig_names);
}

static inline void
rig_show_event(struct fmagent_replica *rep, uint64_t n)
{
	struct transition tr = rig_nth(n);
	struct stored_transition st = rig_stored(&tr);

	fmagent_replica_event(rep, &st);
	free((void *)(uintptr_t)st.json);
}

/* Hands over and takes. */
static inline struct fmagent_view *
rig_view(struct fmagent_replica *rep, struct fmagent_view *cur)
{
	(void)fmagent_replica_publish(rep);
	return fmagent_replica_take(rep, cur);
}

#endif
