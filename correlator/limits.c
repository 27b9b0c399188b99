/*
 * limits: how long one live migration may take and how long its guest may stop. The arithmetic
 * is that of StarlingX VIM and stx-nova: timeout = the smallest non-zero of instance metadata,
 * flavor and image, each clamped; all given and all zero means off; none given means the
 * defaults. Downtime: flavor before instance before image (stx-nova), too small values ignored.
 */
#include "correlator/correlator_priv.h"

static int64_t
clamp(const struct cat_limits *lim, int64_t v)
{
	return v < lim->min_s ? lim->min_s : v > lim->max_s ? lim->max_s : v;
}

/* Seconds; 0: off; -1: the VM says nothing. Negative values count as not given. */
int32_t
limit_timeout(const struct cat_limits *lim, const struct ev_nova *nova)
{
	const int64_t given[] = {nova->meta_timeout, nova->flavor_timeout, nova->image_timeout};
	int64_t best = -1;

	for (unsigned i = 0; i < FM_ARRAY_LEN(given); i++) {
		if (given[i] == EV_ABSENT || given[i] < 0)
			continue;
		if (given[i] == 0 && best < 0)
			best = 0;
		else if (given[i] > 0 && (best <= 0 || given[i] < best))
			best = given[i];
	}
	return (int32_t)(best > 0 ? clamp(lim, best) : best);
}

int32_t
limit_downtime(const struct cat_limits *lim, const struct ev_nova *nova)
{
	const int64_t given[] = {nova->flavor_downtime, nova->meta_downtime, nova->image_downtime};

	for (unsigned i = 0; i < FM_ARRAY_LEN(given); i++)
		if (given[i] != EV_ABSENT && given[i] >= lim->downtime_min_ms)
			return given[i] > INT32_MAX ? INT32_MAX : (int32_t)given[i];
	return -1;
}
