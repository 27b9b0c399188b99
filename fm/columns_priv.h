/*
 * columns: which member of a row stands in which column, under which heading. The headings and
 * the order of alarm-list, alarm-summary and event-list are StarlingX's, to the letter.
 */
#ifndef FM_COLUMNS_PRIV_H
#define FM_COLUMNS_PRIV_H

#include <jansson.h>

#include "fm/options_priv.h"

enum cell_kind {
	CELL_TEXT,              /* any value; a nested one as JSON */
	CELL_NUMBER,            /* right-aligned, ordered by value */
	CELL_SEVERITY,          /* coloured, ordered by weight */
	CELL_TIME,              /* local time in tables */
	CELL_ALARM_ID,          /* S(id) in tables, when its alarm is suppressed */
	CELL_STATE,             /* a transition's kind in the incumbent's words */
	CELL_CAUSE,             /* a transition's cause in a few words */
};

#define COL_DEFAULT 1u          /* shown unless --columns says otherwise */
#define COL_WRAP 2u             /* may be broken into lines */
#define COL_GROUP 4u            /* in tables, blank where equal to the row above */
#define COL_NEWEST 8u           /* without --sort, rows are ordered by this time, newest first */

struct column {
	const char *key;        /* for --columns and --sort */
	const char *heading;
	const char *path;       /* members from the row inwards, joined by dots */
	enum cell_kind kind;
	unsigned flags;
};

/* All the columns of one kind of row, ended by a NULL key. */
extern const struct column alarm_columns[], alarm_properties[], event_columns[],
	event_properties[], history_columns[], summary_columns[], stats_columns[], sink_columns[],
	ledger_columns[], quarantine_columns[], audit_columns[], shelf_columns[], window_columns[], what_if_event_columns[],
	what_if_alarm_columns[], suppress_columns[],
	version_properties[];

#define MAX_COLUMNS 40
struct selection {
	const struct column *col[MAX_COLUMNS];
	unsigned n;
	const struct column *sort;      /* NULL: as the rows come */
	bool descending;
};

/* What the options ask to see of these columns. -EINVAL names an unknown one. */
int columns_select(const struct column *all, const struct options *opt, struct selection *ret,
		   struct fm_err *err) FM_MUST_USE;

/* The value at a path; NULL when there is none. */
const json_t *row_value(const json_t *row, const char *path);
/* The text at a path; "" when there is none. */
const char *row_text(const json_t *row, const char *path);

enum cell_form { FORM_TABLE, FORM_PROPERTY, FORM_CSV };
/* Appends the escaped text of a cell. */
void cell_text(struct fm_buf *b, const struct column *col, const json_t *row, enum cell_form form);

/* What a row is ordered by: num first, then text. */
struct sort_key {
	double num;
	char *text;             /* owned; NULL for a column of numbers */
};
void cell_sort_key(const struct column *col, const json_t *row, struct sort_key *ret);
int sort_key_compare(const struct sort_key *a, const struct sort_key *b);

/* Weight of a severity's word: 4 for critical, 0 for what is none. */
unsigned severity_weight(const char *word);

#endif
