/* The command line: what is understood, and how mistakes are named. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "fm/options_priv.h"

static struct options opt;
static struct fm_err err;
static char *words;             /* options borrow from them */

static void
end(void)
{
	free(words);
}

TestSuite(options, .fini = end);

static int
parse(const char *line)
{
	char *argv[20], *save = NULL;
	int argc = 0;

	free(words);
	words = fm_asprintf("fm %s", line);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	err.msg[0] = '\0';
	return options_parse(argc, argv, &opt, &err);
}

Test(options, stand_before_or_after_the_verb)
{
	cr_assert_eq(parse("--limit 5 alarm-list --json -q severity=major"), 0);
	cr_assert_eq(opt.n_words, 1);
	cr_assert_str_eq(opt.word[0], "alarm-list");
	cr_assert_eq(opt.limit, 5);
	cr_assert_str_eq(opt.query, "severity=major");
	cr_assert_eq(opt.given, BIT(LIMIT) | BIT(JSON) | BIT(QUERY));
}

Test(options, have_the_spellings_of_the_incumbent_and_hyphens)
{
	cr_assert_eq(parse("x --include_suppress --mgmt_affecting --degrade_affecting"), 0);
	uint32_t given = opt.given;
	cr_assert_eq(parse("x --include-suppress --mgmt-affecting --degrade-affecting"), 0);
	cr_assert_eq(opt.given, given);
	cr_assert_eq(given, BIT(INCLUDE_SUPPRESS) | BIT(MGMT_AFFECTING) | BIT(DEGRADE_AFFECTING));
}

Test(options, values_may_follow_an_equals_sign_or_a_letter)
{
	cr_assert_eq(parse("x --limit=7 -qa=b --color=always --timeout=2m"), 0);
	cr_assert_eq(opt.limit, 7);
	cr_assert_str_eq(opt.query, "a=b");
	cr_assert_eq(opt.color, COLOR_ALWAYS);
	cr_assert_eq(opt.timeout.ns, fm_span_s(120).ns);
}

Test(options, words_after_two_hyphens_are_arguments)
{
	cr_assert_eq(parse("alarm-clear -- --json -x"), 0);
	cr_assert_eq(opt.n_words, 3);
	cr_assert_str_eq(opt.word[1], "--json");
	cr_assert_eq(opt.given, 0);
}

Test(options, the_socket_comes_from_the_option_the_environment_or_the_default)
{
	unsetenv("FM_SOCKET");
	cr_assert_eq(parse("x"), 0);
	cr_assert_str_eq(opt.socket, CTL_DEFAULT_SOCKET);
	setenv("FM_SOCKET", "/env", 1);
	cr_assert_eq(parse("x"), 0);
	cr_assert_str_eq(opt.socket, "/env");
	cr_assert_eq(parse("x --socket /opt"), 0);
	cr_assert_str_eq(opt.socket, "/opt");
}

static void
assert_refused(const char *line, const char *names)
{
	cr_assert_eq(parse(line), -EINVAL, "%s", line);
	cr_assert_not_null(strstr(err.msg, names), "%s: %s", line, err.msg);
}

Test(options, mistakes_are_named)
{
	assert_refused("x --jsn", "unknown option --jsn; did you mean --json?");
	assert_refused("x --frobnicate", "unknown option --frobnicate");
	assert_refused("x --colour=always", "unknown option --colour; did you mean --color?");
	assert_refused("x --include_sup", "did you mean --include_suppress?");
	assert_refused("x -z", "unknown option -z");
	assert_refused("x --json=1", "--json takes no value");
	assert_refused("x --limit", "--limit needs a value");
	assert_refused("x -q", "-q needs a value");
	assert_refused("x --limit ten", "--limit: \"ten\"");
	assert_refused("x --limit 0", "--limit");
	assert_refused("x --limit -5", "--limit");
	assert_refused("x --limit 99999999999999999999", "--limit");
	assert_refused("x --after 1.5", "--after");
	assert_refused("x --color blue", "--color: \"blue\"");
	assert_refused("x --timeout soon", "--timeout");
	assert_refused("x --timeout -1s", "--timeout");
	assert_refused("1 2 3 4 5 6 7 8 9", "too many arguments: 9");
	assert_refused("x \xff", "not UTF-8");
}
