/*
 * filter: terms over columns. Numbers, times and severities have an order, texts have "contains";
 * what a column cannot be asked is refused by name.
 */
#include "fm/filter_priv.h"

#include <math.h>
#include <stdlib.h>

#include "ctl/ctl.h"

enum op { OP_NE, OP_LE, OP_GE, OP_EQ, OP_LT, OP_GT, OP_HAS };

/* The two-character operators come before the ones they begin with. */
static const char *const op_names[] = {
	[OP_NE] = "!=", [OP_LE] = "<=", [OP_GE] = ">=", [OP_EQ] = "=", [OP_LT] = "<",
	[OP_GT] = ">", [OP_HAS] = "~",
};

struct term {
	const struct column *col;
	enum op op;
	double num;             /* of an ordered column */
	char *text;             /* of the others */
};

struct filter {
	struct term term[CTL_MAX_TERMS];
	unsigned n;
};

static bool
is_ordered(const struct column *col)
{
	return col->kind == CELL_NUMBER || col->kind == CELL_TIME || col->kind == CELL_SEVERITY;
}

static struct fm_str
trimmed(const char *p, size_t len)
{
	while (len > 0 && *p == ' ') {
		p++;
		len--;
	}
	while (len > 0 && p[len - 1] == ' ')
		len--;
	return (struct fm_str){p, (uint32_t)len};
}

/* ---- values ---------------------------------------------------------------------------- */

/* The order of a column's text; false when it has no place in it. */
static bool
text_order(const struct column *col, const char *text, double *ret)
{
	struct fm_time time;
	enum severity sev;
	char *end;

	if (col->kind == CELL_SEVERITY && severity_parse(text, strlen(text), &sev)) {
		*ret = sev;
		return true;
	}
	if (col->kind == CELL_TIME && fm_time_parse(text, strlen(text), &time) == 0) {
		*ret = (double)time.ns;
		return true;
	}
	if (col->kind != CELL_NUMBER)
		return false;
	*ret = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*ret);
}

static bool
row_order(const struct column *col, const json_t *row, double *ret)
{
	const json_t *value = row_value(row, col->path);

	if (json_is_number(value)) {
		*ret = json_number_value(value);
		return true;
	}
	return json_is_string(value) && text_order(col, json_string_value(value), ret);
}

/* ---- parsing --------------------------------------------------------------------------- */

static int
find_column(const struct column *columns, struct fm_str key, const struct column **ret,
	    struct fm_err *err)
{
	struct fm_buf keys = {0};

	fm_buf_adds(&keys, "");
	for (const struct column *col = columns; col->key != NULL; col++) {
		if (fm_str_is(key, col->key)) {
			fm_buf_fini(&keys);
			*ret = col;
			return 0;
		}
		fm_buf_addf(&keys, "%s%s", col == columns ? "" : ", ", col->key);
	}
	int r = fm_fail(err, -EINVAL, "query: unknown key \"%.*s\"; there are %s", (int)key.len,
			key.p, keys.s);
	fm_buf_fini(&keys);
	return r;
}

static bool
find_op(const char *p, size_t len, enum op *ret)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(op_names); i++) {
		size_t n = strlen(op_names[i]);

		if (n > len || memcmp(p, op_names[i], n) != 0)
			continue;
		*ret = (enum op)i;
		return true;
	}
	return false;
}

static bool
op_fits(const struct column *col, enum op op)
{
	if (op == OP_EQ || op == OP_NE)
		return true;
	return (op == OP_HAS) != is_ordered(col);
}

static int
parse_term(const struct column *columns, const char *p, size_t len, struct term *ret,
	   struct fm_err *err)
{
	size_t key_len = 0;
	struct term t = {0};

	while (key_len < len && strchr("=!<>~", p[key_len]) == NULL)
		key_len++;
	int r = find_column(columns, trimmed(p, key_len), &t.col, err);
	if (r < 0)
		return r;
	if (!find_op(p + key_len, len - key_len, &t.op))
		return fm_fail(err, -EINVAL, "query: %s: one of = != < <= > >= ~ must follow",
			       t.col->key);
	if (!op_fits(t.col, t.op))
		return fm_fail(err, -EINVAL, "query: %s cannot be asked with %s", t.col->key,
			       op_names[t.op]);
	const char *from = p + key_len + strlen(op_names[t.op]);
	struct fm_str value = trimmed(from, len - (size_t)(from - p));
	t.text = fm_strndup(value.p, value.len);
	if (is_ordered(t.col) && !text_order(t.col, t.text, &t.num)) {
		r = fm_fail(err, -EINVAL, "query: %s: \"%s\" is no value of it", t.col->key,
			    t.text);
		free(t.text);
		return r;
	}
	*ret = t;
	return 0;
}

static int
parse_terms(const struct column *columns, const char *text, struct filter *f, struct fm_err *err)
{
	for (const char *p = text; *p != '\0'; p += *p == ';') {
		size_t len = strcspn(p, ";");

		if (trimmed(p, len).len > 0) {
			if (f->n == CTL_MAX_TERMS)
				return fm_fail(err, -EINVAL, "query: more than %d terms",
					       CTL_MAX_TERMS);
			int r = parse_term(columns, p, len, &f->term[f->n], err);
			if (r < 0)
				return r;
			f->n++;
		}
		p += len;
	}
	return f->n > 0 ? 0 : fm_fail(err, -EINVAL, "query: empty");
}

int
filter_parse(const struct column *columns, const char *text, struct filter **ret,
	     struct fm_err *err)
{
	struct filter *f = fm_calloc(1, sizeof(*f));
	int r = parse_terms(columns, text, f, err);

	if (r < 0) {
		filter_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void
filter_free(struct filter *f)
{
	for (unsigned i = 0; f != NULL && i < f->n; i++)
		free(f->term[i].text);
	free(f);
}

/* ---- matching -------------------------------------------------------------------------- */

static bool
order_holds(enum op op, double a, double b)
{
	switch (op) {
	case OP_EQ:
		return a >= b && a <= b;
	case OP_NE:
		return a < b || a > b;
	case OP_LE:
		return a <= b;
	case OP_GE:
		return a >= b;
	case OP_LT:
		return a < b;
	case OP_GT:
		return a > b;
	case OP_HAS:
		break;          /* op_fits leaves it to texts */
	}
	return false;
}

static bool
text_holds(const struct term *t, const json_t *row)
{
	const json_t *value = row_value(row, t->col->path);
	char *json = NULL;
	const char *s = "";

	if (json_is_string(value))
		s = json_string_value(value);
	else if (value != NULL && !json_is_null(value))
		s = json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	fm_assert(s != NULL);
	bool holds = t->op == OP_HAS ? strstr(s, t->text) != NULL
				     : (strcmp(s, t->text) == 0) == (t->op == OP_EQ);
	free(json);
	return holds;
}

/* What the row does not have is different from every value, and neither more nor less. */
static bool
term_holds(const struct term *t, const json_t *row)
{
	double num;

	if (!is_ordered(t->col))
		return text_holds(t, row);
	if (!row_order(t->col, row, &num))
		return t->op == OP_NE;
	return order_holds(t->op, num, t->num);
}

bool
filter_passes(const struct filter *f, const json_t *row)
{
	for (unsigned i = 0; f != NULL && i < f->n; i++) {
		if (!term_holds(&f->term[i], row))
			return false;
	}
	return true;
}
