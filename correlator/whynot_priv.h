/*
 * whynot_priv: what whynot.c and whynot_group.c share.
 */
#ifndef WHYNOT_PRIV_H
#define WHYNOT_PRIV_H

#include "correlator/refused_priv.h"

struct asking {
	const struct correlator *corr;
	const struct cat_record *rec;
	const char *entity;
	corr_reason_f *f;
	void *ctx;
	char text[1600];                /* the last one told */
};

void whynot_tell(struct asking *q, const char *code, const char *fmt, ...) FM_PRINTF(3, 4);
/* By the name as first heard. */
const struct host *whynot_find_host(const struct asking *q, struct fm_str name);
/* What the entity names; NULL: the reason has been told. */
const struct host *whynot_host(struct asking *q);
struct instance *whynot_instance(struct asking *q);
/* How much of an If is shown. */
int whynot_shown(const char *source);

/* whynot_group.c */
void whynot_group(struct asking *q, const struct cat_rule *rule);

#endif
