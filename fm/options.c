/*
 * options: reading the command line with argp. argp's own messages know no suggestions and its
 * abbreviated options would change their meaning as options are added, so names are checked
 * before argp sees them.
 */
#include "fm/options_priv.h"

#include <argp.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "fm/suggest_priv.h"

#define DEFAULT_TIMEOUT_S 60
#define DEFAULT_RETENTION_S (90LL * 24 * 3600)  /* retention.age of fmd.yaml */
/* argp's keys of options without a letter: outside of what it takes for a letter. */
#define KEY_BASE 256

const struct option_def option_defs[N_OPTIONS] = {
#define FM_X(id, name, alias, letter, arg, doc) [OPT_##id] = {name, alias, letter, arg, doc},
	OPTIONS(FM_X)
#undef FM_X
};

/* ---- names --------------------------------------------------------------------------- */

static const struct option_def *
find_long(const char *name, size_t len)
{
	struct fm_str word = {name, (uint32_t)len};

	for (unsigned i = 0; i < N_OPTIONS && len > 0; i++) {
		const struct option_def *def = &option_defs[i];

		if (fm_str_is(word, def->name) || fm_str_is(word, def->alias))
			return def;
	}
	return NULL;
}

static const struct option_def *
find_letter(char letter)
{
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		if (option_defs[i].letter != 0 && option_defs[i].letter == letter)
			return &option_defs[i];
	}
	return NULL;
}

static int
unknown_option(const char *arg, size_t len, struct fm_err *err)
{
	const char *names[N_OPTIONS];

	for (unsigned i = 0; i < N_OPTIONS; i++)
		names[i] = option_defs[i].name;
	const char *near = suggest(arg + 2, len - 2, names, N_OPTIONS);
	if (near == NULL)
		return fm_fail(err, -EINVAL, "unknown option %.*s", (int)len, arg);
	return fm_fail(err, -EINVAL, "unknown option %.*s; did you mean --%s?", (int)len, arg,
		       near);
}

/* Returns the number of arguments it takes: 1, or 2 when the value follows. */
static int
check_long(const char *arg, const char *next, struct fm_err *err)
{
	size_t len = strcspn(arg, "=");
	const struct option_def *def = find_long(arg + 2, len - 2);

	if (def == NULL)
		return unknown_option(arg, len, err);
	if (def->arg == NULL && arg[len] == '=')
		return fm_fail(err, -EINVAL, "--%s takes no value", def->name);
	if (def->arg == NULL || arg[len] == '=')
		return 1;
	if (next == NULL)
		return fm_fail(err, -EINVAL, "--%s needs a value: %s", def->name, def->arg);
	return 2;
}

static int
check_letters(const char *arg, const char *next, struct fm_err *err)
{
	for (const char *p = arg + 1; *p != '\0'; p++) {
		const struct option_def *def = find_letter(*p);

		if (def == NULL)
			return fm_fail(err, -EINVAL, "unknown option -%c in %s", *p, arg);
		if (def->arg == NULL)
			continue;
		if (p[1] == '\0' && next == NULL)
			return fm_fail(err, -EINVAL, "-%c needs a value: %s", *p, def->arg);
		return p[1] == '\0' ? 2 : 1;
	}
	return 1;
}

/* Values and what stands behind "--" too: all of it may go to fmd, or be compared with its texts. */
static int
check_utf8(int argc, char **argv, struct fm_err *err)
{
	for (int i = 1; i < argc; i++) {
		if (!fm_utf8_valid(argv[i], strlen(argv[i])))
			return fm_fail(err, -EINVAL, "not UTF-8: %s", argv[i]);
	}
	return 0;
}

static int
check_names(int argc, char **argv, struct fm_err *err)
{
	for (int i = 1, n = 1; i < argc; i += n) {
		const char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;

		n = 1;
		if (strcmp(arg, "--") == 0)
			return 0;
		if (strncmp(arg, "--", 2) == 0)
			n = check_long(arg, next, err);
		else if (arg[0] == '-' && arg[1] != '\0')
			n = check_letters(arg, next, err);
		if (n < 0)
			return n;
	}
	return 0;
}

/* ---- values -------------------------------------------------------------------------- */

bool
parse_number(const char *s, uint64_t *ret)
{
	int64_t num = 0;

	for (const char *p = s; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(num, 10, &num) ||
		    __builtin_add_overflow(num, *p - '0', &num))
			return false;
	}
	*ret = (uint64_t)num;
	return *s != '\0';
}

static int
set_number(enum option_id id, const char *arg, uint64_t least, uint64_t *ret, struct fm_err *err)
{
	if (!parse_number(arg, ret) || *ret < least)
		return fm_fail(err, -EINVAL, "--%s: \"%s\" is not a number from %u",
			       option_defs[id].name, arg, (unsigned)least);
	return 0;
}

static int
set_color(const char *arg, enum color_mode *ret, struct fm_err *err)
{
	static const char *const words[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never",
	};

	for (unsigned i = 0; i < FM_ARRAY_LEN(words); i++) {
		if (strcmp(arg, words[i]) != 0)
			continue;
		*ret = (enum color_mode)i;
		return 0;
	}
	return fm_fail(err, -EINVAL, "--color: \"%s\" is not auto, always or never", arg);
}

static int
set_timeout(const char *arg, struct fm_span *ret, struct fm_err *err)
{
	if (fm_span_parse(arg, strlen(arg), ret) < 0 || ret->ns < 0 ||
	    ret->ns > fm_span_s(24 * 3600).ns)
		return fm_fail(err, -EINVAL, "--timeout: \"%s\" is not a time of up to a day", arg);
	return 0;
}

static int
set_retention(const char *arg, struct fm_span *ret, struct fm_err *err)
{
	if (fm_span_parse(arg, strlen(arg), ret) < 0 || ret->ns < 0)
		return fm_fail(err, -EINVAL, "--retention: \"%s\" is not a time such as 90d", arg);
	return 0;
}

static int
set_for(const char *arg, struct fm_span *ret, struct fm_err *err)
{
	if (fm_span_parse(arg, strlen(arg), ret) < 0 || ret->ns < fm_span_s(1).ns ||
	    ret->ns > fm_span_s(30 * 24 * 3600).ns)
		return fm_fail(err, -EINVAL, "--for: \"%s\" is not a time from a second to 30 days",
			       arg);
	return 0;
}

int
options_until(const struct options *opt, struct fm_time *ret_at, struct fm_span *ret_after,
	      struct fm_err *err)
{
	const char *arg = opt->text[OPT_UNTIL];

	*ret_at = (struct fm_time){0};
	*ret_after = (struct fm_span){0};
	if (arg == NULL || fm_time_parse(arg, strlen(arg), ret_at) == 0)
		return 0;
	if (fm_span_parse(arg, strlen(arg), ret_after) == 0 && ret_after->ns >= 0)
		return 0;
	return fm_fail(err, -EINVAL, "--until: \"%s\" is neither a time such as "
		       "2026-11-23T10:15:42Z nor a span such as 30m", arg);
}

static int
set_option(struct options *opt, enum option_id id, const char *arg, struct fm_err *err)
{
	opt->given |= UINT64_C(1) << id;
	opt->text[id] = arg;
	if (id == OPT_LIMIT)
		return set_number(id, arg, 1, &opt->limit, err);
	if (id == OPT_AFTER)
		return set_number(id, arg, 0, &opt->after, err);
	if (id == OPT_COLOR)
		return set_color(arg, &opt->color, err);
	if (id == OPT_TIMEOUT)
		return set_timeout(arg, &opt->timeout, err);
	if (id == OPT_RETENTION)
		return set_retention(arg, &opt->retention, err);
	if (id == OPT_FOR)
		return set_for(arg, &opt->for_time, err);
	if (id == OPT_QUERY)
		opt->query = arg;
	else if (id == OPT_CATALOG)
		opt->catalog = arg;
	else if (id == OPT_DIFF)
		opt->diff = arg;
	else if (id == OPT_SORT)
		opt->sort = arg;
	else if (id == OPT_COLUMNS)
		opt->columns = arg;
	else if (id == OPT_ALARM_ID)
		opt->alarm_id = arg;
	else if (id == OPT_SOCKET)
		opt->socket = arg;
	return 0;
}

/* ---- argp ---------------------------------------------------------------------------- */

struct parse {
	struct options *opt;
	struct fm_err *err;
};

static error_t
add_word(struct parse *p, const char *word)
{
	if (p->opt->n_words == MAX_WORDS)
		return -fm_fail(p->err, -EINVAL, "too many arguments: %s", word);
	p->opt->word[p->opt->n_words++] = word;
	return 0;
}

static error_t
on_key(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;

	if (key == ARGP_KEY_ARG)
		return add_word(p, arg);
	if (key >= KEY_BASE && key < KEY_BASE + N_OPTIONS)
		return -set_option(p->opt, (enum option_id)(key - KEY_BASE), arg, p->err);
	const struct option_def *def = key > 0 && key < KEY_BASE ? find_letter((char)key) : NULL;
	if (def == NULL)
		return ARGP_ERR_UNKNOWN;
	return -set_option(p->opt, (enum option_id)(def - option_defs), arg, p->err);
}

static void
fill_argp_options(struct argp_option ret[])
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_OPTIONS; i++) {
		const struct option_def *def = &option_defs[i];
		int key = def->letter != 0 ? def->letter : KEY_BASE + (int)i;

		ret[n++] = (struct argp_option){.name = def->name, .key = key, .arg = def->arg};
		if (def->alias[0] != '\0')
			ret[n++] = (struct argp_option){.name = def->alias, .flags = OPTION_ALIAS};
	}
	ret[n] = (struct argp_option){0};
}

int
options_parse(int argc, char **argv, struct options *ret, struct fm_err *err)
{
	struct argp_option argp_options[2 * N_OPTIONS + 1];
	struct options opt = {.timeout = fm_span_s(DEFAULT_TIMEOUT_S),
		.retention = fm_span_s(DEFAULT_RETENTION_S)};
	struct parse p = {&opt, err};
	struct argp argp = {.options = argp_options, .parser = on_key};

	int r = check_utf8(argc, argv, err);
	if (r == 0)
		r = check_names(argc, argv, err);
	if (r < 0)
		return r;

	const char *from_env = getenv("FM_SOCKET");
	opt.socket = from_env != NULL && from_env[0] != '\0' ? from_env : CTL_DEFAULT_SOCKET;
	fill_argp_options(argp_options);
	/* What on_key refuses it has named in err; names have been checked above. */
	r = argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_ERRS | ARGP_NO_EXIT, NULL, &p);
	if (r != 0)
		return -EINVAL;
	*ret = opt;
	return 0;
}
