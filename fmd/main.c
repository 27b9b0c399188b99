/* main: the command line of fmd. */
#include "base/file.h"
#include "fmd/capture_priv.h"
#include "offline/offline.h"

#include <argp.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* libc has to find it, and everything is hidden by default. */
__attribute__((visibility("default"))) const char *argp_program_version = "fmd " FMD_VERSION;

enum { OPT_DEMO = 0x100, OPT_STATE, OPT_CATALOGUE, OPT_CAPTURE, OPT_BROKER, OPT_TOPIC, OPT_FROM,
	OPT_TO };

#define DEMO_DIR "/tmp/fmd-demo-XXXXXX"

struct args {
	const char *file, *state_dir, *catalogue;
	bool check, verbose, demo;
	char own_dir[sizeof(DEMO_DIR)];
	bool owns_dir;                  /* it has been made, and goes at the end */
	/* capture */
	const char *capture, *broker, *topic[CONF_MAX_LIST];
	unsigned n_topics;
	struct fm_time from, to;
};

static const struct argp_option options[] = {
	{"config", 'c', "FILE", 0, "Configuration (default " FMD_SYSCONF "/fmd.yaml)", 0},
	{"check", 'n', NULL, 0, "Check configuration and catalogue, and end", 0},
	{"verbose", 'v', NULL, 0, "With -n: print the effective configuration and catalogue", 0},
	{"demo", OPT_DEMO, NULL, 0,
	 "Run with an embedded broker and no configuration, in a temporary state directory", 0},
	{"state-dir", OPT_STATE, "DIR", 0, "State directory instead of the configured one", 0},
	{"catalogue", OPT_CATALOGUE, "FILE", 0, "Catalogue instead of the configured one", 0},
	{"capture", OPT_CAPTURE, "FILE", 0,
	 "Write the input topics into a file for \"fm replay\" (-: standard output), and end", 1},
	{"broker", OPT_BROKER, "ADDRESS", 0, "With --capture: these brokers, no configuration needed",
	 1},
	{"topic", OPT_TOPIC, "NAME", 0, "With --capture: this topic instead of the configured ones; "
	 "may be given again", 1},
	{"from", OPT_FROM, "TIME", 0, "With --capture: from this time on (RFC 3339)", 1},
	{"to", OPT_TO, "TIME", 0, "With --capture: up to this time; up to the end if not given", 1},
	{NULL, 0, NULL, 0, NULL, 0},
};

static void
parse_time(const char *arg, struct fm_time *ret, const struct argp_state *state)
{
	if (fm_time_parse(arg, strlen(arg), ret) < 0)
		argp_error(state, "\"%s\" is not a time such as 2026-11-23T10:15:42Z", arg);
}

static void
add_topic(struct args *args, const char *arg, const struct argp_state *state)
{
	if (args->n_topics == CONF_MAX_LIST)
		argp_error(state, "more than %u topics", CONF_MAX_LIST);
	else
		args->topic[args->n_topics++] = arg;
}

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'c': args->file = arg; return 0;
	case 'n': args->check = true; return 0;
	case 'v': args->verbose = true; return 0;
	case OPT_DEMO: args->demo = true; return 0;
	case OPT_STATE: args->state_dir = arg; return 0;
	case OPT_CATALOGUE: args->catalogue = arg; return 0;
	case OPT_CAPTURE: args->capture = arg; return 0;
	case OPT_BROKER: args->broker = arg; return 0;
	case OPT_TOPIC: add_topic(args, arg, state); return 0;
	case OPT_FROM: parse_time(arg, &args->from, state); return 0;
	case OPT_TO: parse_time(arg, &args->to, state); return 0;
	case ARGP_KEY_END:
		if (args->capture == NULL && (args->broker != NULL || args->n_topics > 0 ||
					      args->from.ns != 0 || args->to.ns != 0))
			argp_error(state, "--broker, --topic, --from and --to go with --capture");
		if (args->from.ns != 0 && args->to.ns != 0 && args->to.ns < args->from.ns)
			argp_error(state, "--to is before --from: nothing lies between");
		return 0;
	case ARGP_KEY_ARG: argp_error(state, "unexpected argument \"%s\"", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

/* The text may quote a file, and the file may want to rule the terminal. */
static void
complain(const char *text)
{
	struct fm_buf safe = {0};

	fm_escape(&safe, text, strlen(text));
	fprintf(stderr, "fmd: %s\n", safe.s != NULL ? safe.s : "");
	fm_buf_fini(&safe);
}

static void
replace(char **field, const char *value)
{
	free(*field);
	*field = fm_strdup(value);
}

/* Installed, beside the source, or as named. */
static const char *
demo_catalogue(void)
{
	struct stat st;

	return stat(FMD_SYSCONF "/events.yaml", &st) == 0 ? FMD_SYSCONF "/events.yaml"
							  : FMD_SOURCE_CATALOGUE;
}

/* A check changes nothing: it makes no directory either. */
static int
demo_conf(struct args *args, struct fmd_conf **ret, struct fm_err *err)
{
	struct fmd_conf *conf = NULL;
	char *dir = args->own_dir, *socket;
	int r = 0;

	if (args->file != NULL)
		r = conf_load(args->file, &conf, err);
	else
		conf = conf_default();
	if (r < 0)
		return r;
	args->owns_dir = args->state_dir == NULL && !args->check;
	if (args->owns_dir && mkdtemp(dir) == NULL) {
		args->owns_dir = false;
		conf_free(conf);
		return fm_fail(err, -errno, "%s: %m", dir);
	}
	replace(&conf->state_dir, args->state_dir != NULL ? args->state_dir : dir);
	if (args->file == NULL)
		replace(&conf->catalogue, demo_catalogue());
	socket = fm_asprintf("%s/fmd.sock", conf->state_dir);
	replace(&conf->socket, socket);
	free(socket);
	conf->start_latest = 0;
	*ret = conf;
	return 0;
}

/* By the configuration, or by the command line alone when that names brokers. */
static int
capture(const struct args *args, struct fm_err *err)
{
	struct fmd_conf *conf = NULL;
	const char *topics[CONF_MAX_LIST];
	int r = 0;

	if (args->broker != NULL && args->file == NULL)
		conf = conf_default();
	else
		r = conf_load(args->file != NULL ? args->file : FMD_SYSCONF "/fmd.yaml", &conf, err);
	if (r < 0)
		return r;
	struct capture_options opt = {.path = args->capture, .topics = args->topic,
		.n_topics = args->n_topics, .from = args->from, .to = args->to,
		.conf = {.brokers = args->broker != NULL ? args->broker : conf->brokers,
			.client_id = "fmd-capture", .settings = conf->setting,
			.n_settings = conf->n_settings}};

	if (opt.n_topics == 0) {
		for (unsigned i = 0; i < conf->n_inputs; i++)
			topics[i] = conf->input[i].topic;
		opt.topics = topics;
		opt.n_topics = conf->n_inputs;
	}
	r = capture_run(&opt, err);
	conf_free(conf);
	return r;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void
remove_dir(const char *path)
{
	(void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int
load_conf(struct args *args, struct fmd_conf **ret, struct fm_err *err)
{
	int r;

	if (args->demo)
		r = demo_conf(args, ret, err);
	else
		r = conf_load(args->file != NULL ? args->file : FMD_SYSCONF "/fmd.yaml", ret, err);
	if (r == 0 && args->state_dir != NULL)
		replace(&(*ret)->state_dir, args->state_dir);
	if (r == 0 && args->catalogue != NULL)
		replace(&(*ret)->catalogue, args->catalogue);
	return r;
}

static int
check_secrets(const struct fmd_conf *conf, struct fm_err *err)
{
	struct fmagent_options snmp = agent_options(conf);
	struct fm_err cause = {0};

	for (unsigned i = 0; i < conf->n_targets; i++) {
		snmp.targets = &conf->target[i];
		snmp.n_targets = 1;
		if (fmagent_check_secrets(&snmp, &cause) < 0)
			return conf_fail(conf, conf->target_place[i], err, "snmp.targets: %s", cause.msg);
	}
	return 0;
}

/* What the start would refuse, but for what it finds in the state directory and on the network. */
static int
check_conf(const struct fmd_conf *conf, struct fm_err *err)
{
	const struct kafka_conf kafka = kafka_conf_of(conf);
	struct fm_err cause = {0};
	int r = conf_check_groups(conf, err);

	r = r == 0 ? check_secrets(conf, err) : r;
	if (r == 0 && kafka_conf_check(&kafka, &cause) < 0)
		r = conf_fail(conf, conf->librdkafka_place, err, "%s", cause.msg);
	return r == 0 ? fm_file_check(conf->catalogue, FM_FILE_CONFIG, err) : r;
}

static int
check(const struct fmd_conf *conf, bool verbose)
{
	struct cat_findings findings;
	struct offline_checked checked;
	struct catalogue *cat = NULL;
	struct fm_err err = {0};
	struct fm_buf out = {0};
	const char *doubt;
	int r;

	const struct kafka_conf kafka = kafka_conf_of(conf);

	if (check_conf(conf, &err) < 0) {
		complain(err.msg);
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; (doubt = kafka_conf_doubt(&kafka, i)) != NULL; i++)
		fprintf(stderr, "fmd: warning: %s\n", doubt);
	cat_findings_init(&findings);
	r = offline_check(conf->catalogue, conf->keep_age, &findings, &checked, &cat, &err);
	for (unsigned i = 0; i < findings.n; i++) {
		fm_buf_reset(&out);
		(void)cat_finding_print(&findings.v[i], conf->catalogue, &out);
		fprintf(stderr, "%s\n", out.s);
	}
	fm_buf_reset(&out);
	if (r == 0 || findings.n_errors > 0)
		offline_summary(conf->catalogue, &findings, &checked, &out);
	complain(out.s != NULL && out.len > 0 ? out.s : err.msg);
	fm_buf_reset(&out);
	if (r == 0 && verbose) {
		conf_print(conf, &out);
		fm_buf_adds(&out, "---\n");
		cat_print(cat, &out);
		fputs(out.s, stdout);
	}
	fm_buf_fini(&out);
	cat_findings_fini(&findings);
	cat_free(cat);
	return r < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The service manager tries again after FMD_EXIT_IO only (packaging/fmd.service). */
static int
exit_code_of(int error)
{
	switch (-error) {
	case EBUSY:
	case EADDRINUSE: return FMD_EXIT_LOCKED;
	case EIO:
	case ENOSPC:
	case EDQUOT:
	case ENOMEM: return FMD_EXIT_IO;
	}
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	daemon_hold_signals(true);      /* what comes during a start is heard after it */

	const struct argp argp = {.options = options, .parser = parse_option,
		.doc = "Fault management and alarm correlation for clouds that run virtual "
		       "machines\vSee fmd(8). SIGTERM ends fmd, SIGHUP reloads the catalogue."};
	struct args args = {.own_dir = DEMO_DIR};
	struct fmd_conf *conf = NULL;
	struct fm_err err = {0};
	int r;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.capture != NULL || args.check)
		daemon_hold_signals(false);
	if (args.capture != NULL) {
		r = capture(&args, &err);
		if (r < 0)
			complain(err.msg);
		return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	if (load_conf(&args, &conf, &err) < 0 || conf_check_files(conf, &err) < 0) {
		complain(err.msg);
		conf_free(conf);
		return EXIT_FAILURE;
	}
	if (args.check) {
		r = check(conf, args.verbose);
	} else {
		r = daemon_run(conf, args.demo, &err);
		if (r < 0) {
			complain(err.msg);
			r = exit_code_of(r);
		}
	}
	if (args.owns_dir)
		remove_dir(args.own_dir);
	conf_free(conf);
	return r;
}
