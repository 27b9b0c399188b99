/*
 * member: which groups an instance is in. What the alarm of a group does to alarms of its members is
 * looked for here, from the member, and not among all groups or all alarms: both may be many.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

static struct member *
find(const struct correlator *corr, const struct fm_uuid *uuid)
{
	struct member *m;

	HASH_FIND(hh, corr->members, uuid, sizeof(*uuid), m);
	return m;
}

static unsigned
place_of(const struct member *m, const struct group *g)
{
	unsigned i = 0;

	while (i < m->n && m->in[i] != g)
		i++;
	return i;
}

void
member_joined(struct correlator *corr, struct group *g, const struct fm_uuid *uuid)
{
	struct member *m = find(corr, uuid);

	if (m == NULL) {
		m = fm_calloc(1, sizeof(*m));
		m->uuid = *uuid;
		HASH_ADD(hh, corr->members, uuid, sizeof(m->uuid), m);
	}
	if (place_of(m, g) < m->n)
		return;         /* events count as often as they come */
	m->in = fm_realloc(m->in, (m->n + 1) * sizeof(struct group *));
	m->in[m->n++] = g;
}

void
member_left(struct correlator *corr, const struct group *g, const struct fm_uuid *uuid)
{
	struct member *m = find(corr, uuid);
	const unsigned i = m != NULL ? place_of(m, g) : 0;

	if (m == NULL || i == m->n)
		return;
	m->in[i] = m->in[--m->n];
	if (m->n > 0)
		return;
	HASH_DEL(corr->members, m);
	free(m->in);
	free(m);
}

unsigned
member_groups(const struct correlator *corr, const struct fm_uuid *uuid, struct group *const **ret)
{
	const struct member *m = find(corr, uuid);

	if (m == NULL)
		return 0;
	*ret = m->in;
	return m->n;
}
