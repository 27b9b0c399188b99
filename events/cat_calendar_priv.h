/*
 * cat_calendar_priv: zones and recurrence, in seconds since 1970. Thread: one at a time; libical
 * keeps the zones it has read for the whole process.
 */
#ifndef CAT_CALENDAR_PRIV_H
#define CAT_CALENDAR_PRIV_H

#include "events/catalogue.h"

struct cat_zone;
/* NULL: the system's database has no such zone. */
struct cat_zone *cat_zone_open(const char *name);
void cat_zone_free(struct cat_zone *zone);
/* The zone that was probably meant; NULL: none is near. */
const char *cat_zone_near(const char *name);
/* A time on the face of that zone's clock to an instant (RFC 5545 §3.3.5). */
int64_t cat_zone_utc(struct cat_zone *zone, int64_t local_s);

/* False: enough. */
typedef bool cat_occurrence_f(void *ctx, int64_t at_s);
/*
 * Calls f for each occurrence in order, up to CAT_WINDOW_HORIZON_S. start_s: on the clock's face.
 * Returns what is wrong with the rule, or NULL.
 */
const char *cat_rule_each(const char *rule, struct cat_zone *zone, int64_t start_s,
			  cat_occurrence_f *f, void *ctx);

#endif
