/*
 * main: fm, the command line of fmd. From words to a verb's function, and the promise that no
 * error ends in 0: not even an output that could not be written.
 */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fm/text_priv.h"
#include "fm/verbs_priv.h"

/*
 * A descriptor 0 to 2 that was closed would be given to the next socket, and the output would be
 * sent to fmd. The places are taken in a way that still fails: stdout is opened for reading.
 */
static void
occupy_standard_files(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(CTL_FAILED);
	}
}

/* Texts are UTF-8 whatever the locale says; widths and classes of characters are needed for it. */
static void
set_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int
check_options(const struct verb *verb, const struct options *opt, struct fm_err *err)
{
	uint64_t refused = opt->given & ~(verb->takes | OPTIONS_ALWAYS);

	for (unsigned i = 0; i < N_OPTIONS; i++) {
		if (refused & UINT64_C(1) << i)
			return fm_fail(err, -EINVAL, "--%s is not for this verb",
				       option_defs[i].name);
	}
	if ((opt->given & BIT(JSON)) && (opt->given & BIT(CSV)))
		return fm_fail(err, -EINVAL, "--json and --csv exclude each other");
	return 0;
}

static enum ctl_code
run(const struct options *opt)
{
	struct fm_err err;

	if (opt->given & BIT(VERSION)) {
		printf("fm %s\n", FM_VERSION);
		return CTL_OK;
	}
	if (opt->n_words == 0 && opt->given & BIT(HELP))
		return run_help(NULL, opt);
	if (opt->n_words == 0) {
		complain("a verb is needed; \"fm help\" lists them");
		return CTL_USAGE;
	}
	const struct verb *verb = verb_find(opt->word[0]);
	if (verb == NULL)
		return unknown_verb(opt->word[0]);
	if (opt->given & BIT(HELP))
		return run_help(verb, opt);
	if (check_options(verb, opt, &err) < 0)
		return usage_error(verb, err.msg);
	return verb->run(verb, opt);
}

int
main(int argc, char **argv)
{
	struct options opt;
	struct fm_err err = {0};
	enum ctl_code code = CTL_USAGE;

	occupy_standard_files();
	set_locale();
	if (options_parse(argc, argv, &opt, &err) < 0)
		complain("%s", err.msg);
	else
		code = run(&opt);

	bool failed = ferror(stdout) != 0;
	if ((fclose(stdout) != 0 || failed) && code == CTL_OK) {
		complain("the output could not be written");
		code = CTL_FAILED;
	}
	return (int)code;
}
