/*
 * list: the verbs that give many rows. JSON and CSV go out as the rows come, unless they are to
 * be ordered; a table is printed when all its rows are known.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fm/filter_priv.h"
#include "fm/session_priv.h"
#include "fm/table_priv.h"
#include "fm/text_priv.h"
#include "fm/verbs_priv.h"

enum list_form { LIST_TABLE, LIST_CSV, LIST_JSON };

struct kept_row {
	struct sort_key key;
	size_t order;           /* of arrival: equal keys stay in it */
	char **cell;            /* tables: one text per column */
	char *line;             /* CSV and JSON: as it will be printed */
};

struct list {
	const struct options *opt;
	struct selection sel;
	enum list_form form;
	struct filter *filter;  /* NULL: fmd selects the rows */
	struct kept_row *row;
	size_t n, cap;
	size_t n_printed;
};

/* ---- one row --------------------------------------------------------------------------- */

static char **
render_cells(const struct selection *sel, const json_t *row)
{
	char **cell = fm_calloc(sel->n, sizeof(*cell));

	for (unsigned i = 0; i < sel->n; i++) {
		struct fm_buf text = {0};

		fm_buf_adds(&text, "");
		cell_text(&text, sel->col[i], row, FORM_TABLE);
		cell[i] = text.s;
	}
	return cell;
}

static char *
render_csv(const struct selection *sel, const json_t *row)
{
	struct fm_buf line = {0};

	for (unsigned i = 0; i < sel->n; i++) {
		const struct column *col = sel->col[i];
		struct fm_buf text = {0};

		fm_buf_adds(&text, "");
		cell_text(&text, col, row, FORM_CSV);
		fm_buf_adds(&line, i > 0 ? "," : "");
		/* A number may begin with a minus; only text can smuggle a formula. */
		text_csv(&line, text.s, col->kind == CELL_NUMBER &&
			 json_is_number(row_value(row, col->path)) ? CSV_PLAIN : CSV_GUARDED);
		fm_buf_fini(&text);
	}
	return line.s;
}

/* The row as it came, or only the members that --columns names. */
static char *
render_json(const struct list *list, const char *text, size_t len, const json_t *row)
{
	struct fm_buf safe = {0};

	if (list->opt->columns == NULL) {
		text_json(&safe, text, len);
		return safe.s;
	}
	json_t *some = json_object();
	for (unsigned i = 0; i < list->sel.n; i++) {
		const json_t *value = row_value(row, list->sel.col[i]->path);

		json_object_set_new(some, list->sel.col[i]->key,
				    value != NULL ? json_deep_copy(value) : json_null());
	}
	char *json = json_dumps(some, JSON_COMPACT);
	fm_assert(json != NULL);
	text_json(&safe, json, strlen(json));
	free(json);
	json_decref(some);
	return safe.s;
}

static struct kept_row
render(const struct list *list, const char *text, size_t len, const json_t *row)
{
	struct kept_row kept = {.order = list->n};

	if (list->sel.sort != NULL)
		cell_sort_key(list->sel.sort, row, &kept.key);
	if (list->form == LIST_TABLE)
		kept.cell = render_cells(&list->sel, row);
	else
		kept.line = list->form == LIST_CSV ? render_csv(&list->sel, row)
						   : render_json(list, text, len, row);
	return kept;
}

static void
kept_row_fini(struct kept_row *kept, unsigned n_cells)
{
	for (unsigned i = 0; i < n_cells && kept->cell != NULL; i++)
		free(kept->cell[i]);
	free(kept->cell);
	free(kept->line);
	free(kept->key.text);
}

/* ---- output ---------------------------------------------------------------------------- */

static void
print_csv_header(const struct list *list)
{
	if (list->opt->given & BIT(NO_HEADER))
		return;
	for (unsigned i = 0; i < list->sel.n; i++)
		printf("%s%s", i > 0 ? "," : "", list->sel.col[i]->key);
	fputs("\r\n", stdout);
}

/* What stands before, between and after the lines of CSV and JSON. */
static void
print_line(struct list *list, const char *line)
{
	if (list->opt->limit > 0 && list->n_printed == list->opt->limit)
		return;
	if (list->form == LIST_JSON)
		printf("%s%s", list->n_printed > 0 ? ",\n" : "[\n", line);
	else
		printf("%s\r\n", line);
	list->n_printed++;
}

static void
print_end(const struct list *list)
{
	if (list->form == LIST_JSON)
		fputs(list->n_printed > 0 ? "\n]\n" : "[]\n", stdout);
}

static bool
on_row(void *ctx, const char *text, size_t len, const json_t *row)
{
	struct list *list = ctx;

	if (!filter_passes(list->filter, row))
		return true;
	struct kept_row kept = render(list, text, len, row);

	if (list->form != LIST_TABLE && list->sel.sort == NULL) {
		if (list->form == LIST_CSV && list->n_printed == 0)
			print_csv_header(list);
		print_line(list, kept.line);
		kept_row_fini(&kept, 0);
		return true;
	}
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? 2 * list->cap : 64;
		list->row = fm_realloc(list->row, list->cap * sizeof(*list->row));
	}
	list->row[list->n++] = kept;
	return true;
}

static int
compare_rows(const void *a, const void *b, void *ctx)
{
	const struct kept_row *ra = a, *rb = b;
	const struct list *list = ctx;
	int r = sort_key_compare(&ra->key, &rb->key);

	if (r == 0)
		return ra->order < rb->order ? -1 : 1;
	return list->sel.descending ? -r : r;
}

static enum column_flex
flex_of(const struct column *col)
{
	if (col->kind == CELL_TIME)
		return FLEX_TIME;
	if (col->kind == CELL_SEVERITY)
		return FLEX_WORD;
	return col->flags & COL_WRAP ? FLEX_WRAP : FLEX_NONE;
}

static struct table *
make_table(const struct selection *sel)
{
	struct table_column cols[MAX_COLUMNS];

	for (unsigned i = 0; i < sel->n; i++) {
		const struct column *col = sel->col[i];

		cols[i] = (struct table_column){
			.heading = col->heading,
			.flex = flex_of(col),
			.right = col->kind == CELL_NUMBER,
			.severity = col->kind == CELL_SEVERITY,
		};
	}
	return table_new(cols, sel->n);
}

static void
print_table(struct list *list, size_t n)
{
	struct look look = look_of(list->opt);
	struct table *t = make_table(&list->sel);
	enum table_rows rows = ROWS_APART;

	for (size_t r = 0; r < n; r++) {
		char *cells[MAX_COLUMNS], blank[] = "";

		for (unsigned i = 0; i < list->sel.n; i++) {
			/* what is left blank belongs to the row above, and a rule would part them */
			if (list->sel.col[i]->flags & COL_GROUP)
				rows = ROWS_TOGETHER;
			bool again = (list->sel.col[i]->flags & COL_GROUP) && r > 0 &&
				     strcmp(list->row[r].cell[i], list->row[r - 1].cell[i]) == 0;

			cells[i] = again ? blank : list->row[r].cell[i];
		}
		table_add(t, cells);
	}
	table_print(t, &look, list->opt->given & BIT(NO_HEADER) ? HEADER_NONE : HEADER_SHOWN,
		    rows);
	table_free(t);
}

static void
finish(struct list *list)
{
	size_t n = list->opt->limit > 0 && list->opt->limit < list->n ? list->opt->limit : list->n;

	if (list->sel.sort != NULL && list->n > 0)
		qsort_r(list->row, list->n, sizeof(*list->row), compare_rows, list);
	if (list->form == LIST_TABLE) {
		print_table(list, n);
		return;
	}
	if (list->form == LIST_CSV && list->n_printed == 0)
		print_csv_header(list);
	for (size_t i = 0; i < n; i++)
		print_line(list, list->row[i].line);
	print_end(list);
}

enum ctl_code
run_list(const struct verb *verb, const struct options *opt)
{
	struct list list = {.opt = opt};
	json_t *args;
	struct fm_err err;

	if (columns_select(verb->columns, opt, &list.sel, &err) < 0)
		return usage_error(verb, err.msg);
	if (opt->query != NULL && !ctl_verb_takes(verb->ctl, "query") &&
	    filter_parse(verb->columns, opt->query, &list.filter, &err) < 0)
		return usage_error(verb, err.msg);
	const int r = verb_args(verb, opt, &args, &err);
	if (r < 0) {
		filter_free(list.filter);
		return args_error(verb, r, err.msg);
	}
	if (opt->given & BIT(JSON))
		list.form = LIST_JSON;
	else if (opt->given & BIT(CSV))
		list.form = LIST_CSV;
	enum ctl_code code = session_ask(opt, verb->ctl, args, on_row, &list);
	if (code == CTL_OK)
		finish(&list);
	for (size_t i = 0; i < list.n; i++)
		kept_row_fini(&list.row[i], list.sel.n);
	free(list.row);
	filter_free(list.filter);
	return code;
}
