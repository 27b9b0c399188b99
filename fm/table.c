/*
 * table: fitting, wrapping and framing. A table that must be narrower than its text gives way in
 * stages, the reason and entity first; the stages are in fit().
 */
#include "fm/table_priv.h"

#include <langinfo.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fm/text_priv.h"

/* libsmartcols must never shorten: what fits has been decided before it sees a cell. */
#define UNLIMITED_WIDTH 1000000

struct table {
	struct table_column col[TABLE_MAX_COLUMNS];
	unsigned n_cols;
	char **cell;            /* n_rows * n_cols; the first row is the headings */
	size_t n_rows, cap_rows;
	unsigned natural[TABLE_MAX_COLUMNS];    /* the widest cell or heading */
	unsigned body[TABLE_MAX_COLUMNS];       /* the widest cell */
};

/* How one table is going to be printed. */
struct layout {
	unsigned width[TABLE_MAX_COLUMNS];
	unsigned pad;           /* blanks beside each separator */
	unsigned *lines;        /* of each row */
	bool wrapped;           /* some row has several lines */
};

/* ---- look ---------------------------------------------------------------------------- */

static unsigned
terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	uint64_t n;

	if (columns != NULL && parse_number(columns, &n) && n > 0 && n < UNLIMITED_WIDTH)
		return (unsigned)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	return 0;
}

static bool
wants_color(enum color_mode mode)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	if (no_color != NULL && no_color[0] != '\0')
		return false;
	return isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

/* The user's own locale: the one in use has been made UTF-8 for measuring. */
static bool
terminal_is_utf8(void)
{
	locale_t user = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	if (user == (locale_t)0)
		return false;
	bool utf8 = strcmp(nl_langinfo_l(CODESET, user), "UTF-8") == 0;
	freelocale(user);
	return utf8;
}

struct look
look_of(const struct options *opt)
{
	return (struct look){
		.color = wants_color(opt->color),
		.box = isatty(STDOUT_FILENO) && terminal_is_utf8(),
		.width = opt->given & BIT(NOWRAP) ? 0 : terminal_width(),
	};
}

const char *
severity_color(const char *word)
{
	static const struct {
		const char *word, *color;
	} colors[] = {
		{"critical", "\033[1;31m"}, {"major", "\033[31m"}, {"minor", "\033[33m"},
		{"warning", "\033[36m"},
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(colors); i++) {
		if (strcmp(word, colors[i].word) == 0)
			return colors[i].color;
	}
	return "";
}

/* ---- rows ---------------------------------------------------------------------------- */

static void
add_row(struct table *t, char *const cells[])
{
	if (t->n_rows == t->cap_rows) {
		t->cap_rows = t->cap_rows > 0 ? 2 * t->cap_rows : 64;
		t->cell = fm_realloc(t->cell, t->cap_rows * t->n_cols * sizeof(*t->cell));
	}
	for (unsigned i = 0; i < t->n_cols; i++) {
		unsigned width = text_width(cells[i], strlen(cells[i]));

		t->natural[i] = width > t->natural[i] ? width : t->natural[i];
		if (t->n_rows > 0 && width > t->body[i])
			t->body[i] = width;
		t->cell[t->n_rows * t->n_cols + i] = fm_strdup(cells[i]);
	}
	t->n_rows++;
}

struct table *
table_new(const struct table_column *cols, unsigned n)
{
	struct table *t = fm_calloc(1, sizeof(*t));
	char *headings[TABLE_MAX_COLUMNS];

	fm_assert(n > 0 && n <= TABLE_MAX_COLUMNS);
	memcpy(t->col, cols, n * sizeof(*cols));
	t->n_cols = n;
	for (unsigned i = 0; i < n; i++)
		headings[i] = fm_strdup(cols[i].heading);
	add_row(t, headings);
	for (unsigned i = 0; i < n; i++)
		free(headings[i]);
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_rows * t->n_cols; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}

void
table_add(struct table *t, char *const cells[])
{
	add_row(t, cells);
}

/* ---- fitting ------------------------------------------------------------------------- */

/* A frame takes a bar per column and one more, with pad blanks on both sides of a cell. */
static unsigned
full_width(const struct table *t, const struct layout *lay)
{
	unsigned width = 1;

	for (unsigned i = 0; i < t->n_cols; i++)
		width += lay->width[i] + 2 * lay->pad + 1;
	return width;
}

static unsigned
longest_word(const char *heading)
{
	unsigned longest = 0;

	for (const char *p = heading; *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		unsigned width = text_width(p, len);

		longest = width > longest ? width : longest;
		p += len;
	}
	return longest;
}

/* What a stage of fitting takes width from, and what it leaves at least. */
enum stage_of { STAGE_TEXTS, STAGE_TIMES, STAGE_WORDS, STAGE_HEADINGS };
struct stage {
	enum stage_of of;
	unsigned floor;
};

static unsigned
floor_in(const struct table *t, unsigned i, struct stage stage)
{
	enum column_flex flex = t->col[i].flex;
	unsigned word = longest_word(t->col[i].heading);

	if (stage.of == STAGE_HEADINGS && flex != FLEX_WRAP)
		return word > t->body[i] ? word : t->body[i];
	if ((stage.of == STAGE_TEXTS && flex == FLEX_WRAP) ||
	    (stage.of == STAGE_TIMES && flex == FLEX_TIME) ||
	    (stage.of == STAGE_WORDS && flex == FLEX_WORD))
		return word > stage.floor ? word : stage.floor;
	return UINT32_MAX;
}

/* Takes the columns of a stage down, the widest first, until the table fits or all are at floor. */
static void
shrink(const struct table *t, struct layout *lay, struct stage stage, unsigned limit)
{
	unsigned full = full_width(t, lay), floor[TABLE_MAX_COLUMNS];

	for (unsigned i = 0; i < t->n_cols; i++)
		floor[i] = floor_in(t, i, stage);
	while (full > limit) {
		unsigned *widest = NULL;

		for (unsigned i = 0; i < t->n_cols; i++) {
			if (lay->width[i] > floor[i] && (widest == NULL || lay->width[i] > *widest))
				widest = &lay->width[i];
		}
		if (widest == NULL)
			return;
		(*widest)--;
		full--;
	}
}

static void
shrink_all(const struct table *t, struct layout *lay, const struct stage *stages, size_t n,
	   unsigned limit)
{
	for (unsigned i = 0; i < t->n_cols; i++)
		lay->width[i] = t->natural[i];
	for (size_t i = 0; i < n; i++)
		shrink(t, lay, stages[i], limit);
}

/* Times break into "2026-11-23" and, below it, "11:15:42+01:00". */
#define TIME_WIDTH 14

static void
fit(const struct table *t, struct layout *lay, unsigned limit)
{
	static const struct stage airy[] = {
		{STAGE_TEXTS, 28}, {STAGE_TIMES, TIME_WIDTH}, {STAGE_HEADINGS, 0},
		{STAGE_TEXTS, 14},
	};
	/* Too narrow for air: the blanks beside the bars go to the text. */
	static const struct stage tight[] = {
		{STAGE_HEADINGS, 0}, {STAGE_TEXTS, 16}, {STAGE_TIMES, TIME_WIDTH},
		{STAGE_TEXTS, 12}, {STAGE_WORDS, 10}, {STAGE_TEXTS, 7},
	};

	shrink_all(t, lay, airy, FM_ARRAY_LEN(airy), limit);
	if (full_width(t, lay) <= limit)
		return;
	lay->pad = 0;
	shrink_all(t, lay, tight, FM_ARRAY_LEN(tight), limit);
}

static struct layout
plan(const struct table *t, const struct look *look)
{
	struct layout lay = {.pad = 1};

	for (unsigned i = 0; i < t->n_cols; i++)
		lay.width[i] = t->natural[i];
	if (look->width > 0)
		fit(t, &lay, look->width);
	lay.lines = fm_calloc(t->n_rows, sizeof(*lay.lines));
	return lay;
}

static unsigned
widest_line(const char *text)
{
	unsigned widest = 0;

	for (const char *p = text; *p != '\0'; p += *p == '\n') {
		size_t len = strcspn(p, "\n");
		unsigned width = text_width(p, len);

		widest = width > widest ? width : widest;
		p += len;
	}
	return widest;
}

/* Breaks every cell. A column ends up as wide as its widest line: maybe less than planned. */
static void
wrap_cells(struct table *t, struct layout *lay)
{
	unsigned settled[TABLE_MAX_COLUMNS] = {0};

	for (size_t n = 0; n < t->n_rows * t->n_cols; n++) {
		unsigned i = (unsigned)(n % t->n_cols), *lines = &lay->lines[n / t->n_cols];
		struct fm_buf wrapped = {0};
		unsigned cell_lines = text_wrap(&wrapped, t->cell[n], lay->width[i]);
		unsigned width = widest_line(wrapped.s);

		free(t->cell[n]);
		t->cell[n] = wrapped.s;
		*lines = cell_lines > *lines ? cell_lines : *lines;
		settled[i] = width > settled[i] ? width : settled[i];
		lay->wrapped |= cell_lines > 1 && n >= t->n_cols;
	}
	memcpy(lay->width, settled, sizeof(settled));
}

/* ---- handing over to libsmartcols ---------------------------------------------------- */

static void
check(int r)
{
	/* libsmartcols fails for want of memory only, as used here. */
	fm_assert(r == 0);
}

static void
add_columns(struct libscols_table *tb, const struct table *t)
{
	for (unsigned i = 0; i < t->n_cols; i++) {
		int flags = SCOLS_FL_WRAP | (t->col[i].right ? SCOLS_FL_RIGHT : 0);
		struct libscols_column *cl = scols_table_new_column(tb, NULL, 0, flags);

		fm_assert(cl != NULL);
		check(scols_column_set_wrapfunc(cl, scols_wrapnl_chunksize, scols_wrapnl_nextchunk,
						NULL));
		check(scols_column_set_safechars(cl, "\n"));
	}
}

static void
add_line(struct libscols_table *tb, const struct table *t, size_t row, bool color)
{
	struct libscols_line *ln = scols_table_new_line(tb, NULL);

	fm_assert(ln != NULL);
	for (unsigned i = 0; i < t->n_cols; i++) {
		const char *text = t->cell[row * t->n_cols + i];
		const char *sequence = t->col[i].severity ? severity_color(text) : "";

		check(scols_line_set_data(ln, i, text));
		if (color && *sequence != '\0')
			check(scols_cell_set_color(scols_line_get_cell(ln, i), sequence));
	}
}

/* The table without its frame: the lines of each row, the headings first. */
static char *
lay_out(const struct table *t, const struct layout *lay, const struct look *look)
{
	struct libscols_table *tb = scols_new_table();
	const char *bar = look->box ? "│" : "|";
	char separator[16], *text = NULL;

	fm_assert(tb != NULL);
	snprintf(separator, sizeof(separator), "%*s%s%*s", (int)lay->pad, "", bar,
		 (int)lay->pad, "");
	check(scols_table_enable_noencoding(tb, 1));
	check(scols_table_set_column_separator(tb, separator));
	check(scols_table_set_termforce(tb, SCOLS_TERMFORCE_ALWAYS));
	check(scols_table_set_termwidth(tb, UNLIMITED_WIDTH));
	check(scols_table_enable_noheadings(tb, 1));
	check(scols_table_enable_colors(tb, look->color));
	add_columns(tb, t);
	for (size_t row = 0; row < t->n_rows; row++)
		add_line(tb, t, row, look->color);
	check(scols_print_table_to_string(tb, &text));
	scols_unref_table(tb);
	return text;
}

/* ---- frame --------------------------------------------------------------------------- */

struct frame {
	const char *line, *left, *cross, *right;
};
static const struct frame box_frames[] = {
	{"─", "┌", "┬", "┐"}, {"─", "├", "┼", "┤"}, {"─", "└", "┴", "┘"},
};
static const struct frame ascii_frame = {"-", "+", "+", "+"};
enum frame_place { FRAME_TOP, FRAME_MIDDLE, FRAME_BOTTOM };

static void
print_rule(const struct table *t, const struct layout *lay, const struct look *look,
	   enum frame_place place)
{
	const struct frame *f = look->box ? &box_frames[place] : &ascii_frame;

	fputs(f->left, stdout);
	for (unsigned i = 0; i < t->n_cols; i++) {
		for (unsigned n = lay->width[i] + 2 * lay->pad; n > 0; n--)
			fputs(f->line, stdout);
		fputs(i + 1 < t->n_cols ? f->cross : f->right, stdout);
	}
	putchar('\n');
}

static const char *
next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

/* libsmartcols leaves the last column without padding. Returns the line after this one. */
static const char *
print_line(const char *line, const struct layout *lay, const struct look *look, unsigned full)
{
	size_t len = strcspn(line, "\n");
	const char *bar = look->box ? "│" : "|";
	unsigned used = text_width(line, len) + 2 * lay->pad + 2;

	printf("%s%*s%.*s%*s%s\n", bar, (int)lay->pad, "", (int)len, line,
	       (int)(lay->pad + (full > used ? full - used : 0)), "", bar);
	return next_line(line);
}

/* No width is left to take away: each row from top to bottom, its headings on the left. */
static void
print_upright(const struct table *t, const struct look *look)
{
	static const struct table_column cols[] = {{.heading = "Property"},
		{.heading = "Value", .flex = FLEX_WRAP}};
	struct table *up = table_new(cols, FM_ARRAY_LEN(cols));

	for (size_t n = t->n_cols; n < t->n_rows * t->n_cols; n++) {
		char empty[] = "", *const apart[] = {empty, empty};
		char *const cells[] = {t->cell[n % t->n_cols], t->cell[n]};

		if (n > t->n_cols && n % t->n_cols == 0)
			table_add(up, apart);
		table_add(up, cells);
	}
	table_print(up, look, HEADER_SHOWN, ROWS_TOGETHER);
	table_free(up);
}

void
table_print(struct table *t, const struct look *look, enum table_header header,
	    enum table_rows rows)
{
	struct layout lay = plan(t, look);

	if (look->width > 0 && full_width(t, &lay) > look->width && t->n_cols > 2 && t->n_rows > 1) {
		free(lay.lines);
		print_upright(t, look);
		return;
	}
	wrap_cells(t, &lay);
	char *text = lay_out(t, &lay, look);
	const char *line = text;
	unsigned full = full_width(t, &lay);
	/* Rows of several lines would run into one another. */
	bool ruled = lay.wrapped && rows == ROWS_APART;

	print_rule(t, &lay, look, FRAME_TOP);
	for (size_t row = 0; row < t->n_rows; row++) {
		bool hidden = row == 0 && header == HEADER_NONE;

		for (unsigned n = 0; n < lay.lines[row]; n++)
			line = hidden ? next_line(line) : print_line(line, &lay, look, full);
		if ((row == 0 && !hidden) || (row > 0 && ruled && row + 1 < t->n_rows))
			print_rule(t, &lay, look, FRAME_MIDDLE);
	}
	print_rule(t, &lay, look, FRAME_BOTTOM);
	free(text);
	free(lay.lines);
}
