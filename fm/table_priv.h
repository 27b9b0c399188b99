/*
 * table: rows of cells on a terminal. Widths and line breaks are decided here, because a reason
 * should break between words; libsmartcols lays the cells out.
 */
#ifndef FM_TABLE_PRIV_H
#define FM_TABLE_PRIV_H

#include "fm/options_priv.h"

/* How this process's output looks; decided once. */
struct look {
	bool color;
	bool box;               /* line drawing characters, else + - | */
	unsigned width;         /* of the terminal; 0: do not fit */
};
struct look look_of(const struct options *opt);

#define TABLE_MAX_COLUMNS 40

enum column_flex {
	FLEX_NONE,
	FLEX_TIME,              /* breaks between date and time when it must */
	FLEX_WORD,              /* one word with a hyphen: breaks there as the last resort */
	FLEX_WRAP,
};

struct table_column {
	const char *heading;
	enum column_flex flex;
	bool right;             /* aligned */
	bool severity;          /* its cells are coloured by their word */
};

struct table;
struct table *table_new(const struct table_column *cols, unsigned n);
void table_free(struct table *t);
/* cells: text of text_safe, one per column; copied. */
void table_add(struct table *t, char *const cells[]);

enum table_header { HEADER_SHOWN, HEADER_NONE };
/* Whether rows are kept apart by rules as soon as one of them has several lines. */
enum table_rows { ROWS_APART, ROWS_TOGETHER };
/* To stdout. Once: it leaves the cells broken into lines. */
void table_print(struct table *t, const struct look *look, enum table_header header,
		 enum table_rows rows);

/* The sequence that starts the colour of a severity ("" for none); COLOR_END ends it. */
const char *severity_color(const char *word);
#define COLOR_END "\033[0m"
#define COLOR_BOLD "\033[1m"
#define COLOR_DIM "\033[2m"

#endif
