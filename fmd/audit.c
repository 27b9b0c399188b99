/*
 * audit: who gave which command, with which result. What was carried out is recorded in the
 * transaction of its effect (verbs_write.c); what was refused has no effect and gets a transaction
 * of its own, here.
 *
 * Whoever may connect can be refused by the thousand, and the trail keeps a number of rows: of
 * refusals a few are recorded in each interval and the others counted, so that nobody pushes out
 * what others did, or keeps the disk busy.
 */
#include "fmd/daemon_priv.h"

#include <stdio.h>

#define INTERVAL_S 60
#define BURST 60
/* Of each argument of a refused command. What was carried out is recorded whole. */
#define MAX_REFUSED_TEXT 256

static void
put(struct daemon *d, const struct caller *who, const char *verb, const char *args,
    const char *result)
{
	const struct store_audit audit = {.at = clock_wall(), .user = who->name, .uid = who->uid,
		.role = who->role, .verb = verb, .args = args, .result = result};

	(void)engine_end(d, &audit);
}

void
audit_refused(struct daemon *d, const struct caller *who, const struct ctl_request *rq,
	      const char *why)
{
	struct audit_budget *b = &d->refusals;
	FM_CLEANUP(fm_buf_fini) struct fm_buf args = {0};

	if (b->since == 0)
		b->since = clock_mono_ns();
	if (b->kept == BURST || d->hold.dry) {  /* or nothing can be stored: counted until it can */
		b->held++;
		return;
	}
	b->kept++;
	ctl_request_args(rq, MAX_REFUSED_TEXT, &args);
	put(d, who, ctl_verb_name(rq->verb), args.s, why);
}

void
audit_tick(struct daemon *d, bool last)
{
	static const struct caller self = {.name = "fmd", .uid = CALLER_SELF, .role = "none"};
	const int64_t now = clock_mono_ns();
	const struct audit_budget was = d->refusals;
	char result[80];

	if (was.since == 0 || d->hold.dry || (!last && now - was.since < INTERVAL_S * FM_NS_PER_S))
		return;
	d->refusals = (struct audit_budget){0};
	if (was.held == 0)
		return;
	snprintf(result, sizeof(result), "%llu more commands refused in %lld s",
		 (unsigned long long)was.held, (long long)((now - was.since) / FM_NS_PER_S));
	put(d, &self, "", "{}", result);
}
