/*
 * window: the options of "window-add" and "what-if window" as arguments of a request. What can be
 * seen to be missing is said here, by the names of the options; fmd has the arguments' names.
 */
#include "fm/verbs_priv.h"

#define ONCE (BIT(FROM) | BIT(UNTIL))
#define BY_DAY (BIT(DAYS) | BIT(AT))
#define RECURS (BIT(RULE) | BY_DAY)

static int
missing(enum option_id id, const char *why, struct fm_err *err)
{
	return fm_fail(err, -EINVAL, "--%s TIME is needed: %s", option_defs[id].name, why);
}

static int
check_once(uint64_t given, struct fm_err *err)
{
	static const enum option_id others[] = {OPT_START, OPT_FOR, OPT_RULE, OPT_DAYS, OPT_AT};

	for (unsigned i = 0; i < FM_ARRAY_LEN(others); i++) {
		if (given & UINT64_C(1) << others[i])
			return fm_fail(err, -EINVAL, "--%s does not go with --from and --until",
				       option_defs[others[i]].name);
	}
	if ((given & ONCE) == ONCE)
		return 0;
	return missing(given & BIT(FROM) ? OPT_UNTIL : OPT_FROM, "once, --from and --until", err);
}

static int
check_when(uint64_t given, struct fm_err *err)
{
	if (given & ONCE)
		return check_once(given, err);
	if (!(given & (BIT(START) | BIT(FOR) | RECURS)))
		return fm_fail(err, -EINVAL, "when? --for TIME alone opens it now; --from and --until "
			       "once; --start and --for with --rule, --days or --at again and again");
	if (!(given & BIT(FOR)))
		return missing(OPT_FOR, "how long it is open each time", err);
	if (!(given & (BIT(START) | RECURS)))
		return 0;
	if (!(given & BIT(START)))
		return missing(OPT_START, "it recurs, and not before that time or day", err);
	if (!(given & RECURS))
		return fm_fail(err, -EINVAL, "how does it recur? --rule, --days or --at is needed");
	if (given & BIT(RULE) && given & BY_DAY)
		return fm_fail(err, -EINVAL, "--rule does not go with --days and --at");
	return 0;
}

static bool
has_item(const char *list, const char *item)
{
	const size_t n = strlen(item);

	for (const char *p = list; ; p += strcspn(p, ",") + 1) {
		const size_t len = strcspn(p, ",");

		if (len == n && memcmp(p, item, n) == 0)
			return true;
		if (p[len] == '\0')
			return false;
	}
}

/* What it covers has to be said: a window over everything by a slip is no help. */
static int
check_alarms(const char *alarms, struct fm_err *err)
{
	if (alarms == NULL)
		return fm_fail(err, -EINVAL, "--alarm_id A,B or --alarm_id all is needed");
	if (strcmp(alarms, "all") != 0 && has_item(alarms, "all"))
		return fm_fail(err, -EINVAL, "--alarm_id: all stands alone, it covers every alarm");
	return 0;
}

int
window_args(const struct options *opt, json_t *args, struct fm_err *err)
{
	static const struct { enum option_id id; const char *arg; } parts[] = {
		{OPT_ENTITY, "entities"}, {OPT_FROM, "from"}, {OPT_UNTIL, "until"},
		{OPT_START, "start"}, {OPT_RULE, "rule"}, {OPT_DAYS, "days"}, {OPT_AT, "at"},
		{OPT_ZONE, "zone"},
	};
	int r = check_alarms(opt->alarm_id, err);

	if (r == 0)
		r = check_when(opt->given, err);
	if (r < 0)
		return r;
	put_text(args, "alarms", opt->alarm_id);
	for (unsigned i = 0; i < FM_ARRAY_LEN(parts); i++)
		if (opt->text[parts[i].id] != NULL)
			put_text(args, parts[i].arg, opt->text[parts[i].id]);
	if (opt->given & BIT(LOGS))
		json_object_set_new(args, "logs", json_true());
	if (opt->given & BIT(FOR))
		json_object_set_new(args, "for", json_integer(opt->for_time.ns / FM_NS_PER_S));
	return 0;
}
