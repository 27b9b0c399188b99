/*
 * filter: "-q" for rows that fmd does not select itself. The same language as its own (ctl.h), the
 * keys being the row's columns.
 */
#ifndef FM_FILTER_PRIV_H
#define FM_FILTER_PRIV_H

#include "fm/columns_priv.h"

struct filter;
/* columns outlive the filter. -EINVAL: err names the term. */
int filter_parse(const struct column *columns, const char *text, struct filter **ret,
		 struct fm_err *err) FM_MUST_USE;
void filter_free(struct filter *f);
/* NULL passes everything. */
bool filter_passes(const struct filter *f, const json_t *row);

#endif
