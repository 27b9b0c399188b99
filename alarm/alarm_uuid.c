/*
 * alarm_uuid: the identity of one occurrence of an alarm. A version 5 UUID (RFC 4122 §4.3), so
 * that a replay of the same records gives the same identities.
 */
#include "alarm/alarm.h"

#include <inttypes.h>
#include <uuid/uuid.h>

/* The name space of fmd's occurrences; changing it changes every UUID of every replay. */
static const uuid_t name_space = {
	0x6f, 0x0a, 0x3c, 0x52, 0x91, 0x7d, 0x4b, 0x1e,
	0xa4, 0x08, 0x5d, 0xc3, 0x77, 0x2b, 0x90, 0xee,
};

struct fm_uuid
alarm_uuid(const char *alarm_id, const char *entity, struct fm_time raised_at, uint64_t occurrence)
{
	/* The entity comes last: it is the only part that may hold the mark itself. */
	FM_CLEANUP(fm_freep) char *name = fm_asprintf("%" PRId64 "|%" PRIu64 "|%s|%s", raised_at.ns,
						      occurrence, alarm_id, entity);
	struct fm_uuid u;
	uuid_generate_sha1(u.b, name_space, name, strlen(name));
	return u;
}
