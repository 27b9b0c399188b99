/*
 * backoff: when to try a failed sink again: 1, 2, 4 … s up to five minutes, each up to a quarter
 * longer. The extra part comes from the sink's name and the count, not from chance: sinks that
 * failed together do not come back together, and a test sees the same moments every time.
 */
#include "notify/notify_priv.h"

/* With this many failures the cap is reached. */
#define STEPS 9

void
backoff_failed(struct backoff *b, const char *name, struct fm_time now)
{
	unsigned step = b->failures < STEPS ? b->failures : STEPS;
	int64_t base = ((int64_t)BACKOFF_FIRST_S << step) * FM_NS_PER_S;
	uint64_t hash = fm_hash64(name, strlen(name), b->failures);
	int64_t extra = (int64_t)(hash % (uint64_t)(base / 4));
	int64_t most = BACKOFF_MOST_S * FM_NS_PER_S;

	b->failures++;
	b->until.ns = now.ns + (base + extra < most ? base + extra : most);
}

void
backoff_succeeded(struct backoff *b)
{
	*b = (struct backoff){0};
}

bool
backoff_waiting(const struct backoff *b, struct fm_time now)
{
	struct fm_span left = fm_time_diff(b->until, now);

	return left.ns > 0 && left.ns <= BACKOFF_MOST_S * FM_NS_PER_S;
}
