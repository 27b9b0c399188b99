/*
 * options: the command line. Options are global: they stand before or after the verb, and the
 * verb's row in the verbs table says which of them it takes.
 */
#ifndef FM_OPTIONS_PRIV_H
#define FM_OPTIONS_PRIV_H

#include "base/base.h"

/*
 * id, name, second spelling ("": none), letter (0: none), value (NULL: none), what it does.
 * The incumbent's spellings come first; help prints the table in this order.
 */
#define OPTIONS(X) \
	X(QUERY, "query", "", 'q', "Q", "only rows for which Q holds: key[op]value;…, op one of " \
	  "= != < <= > >= ~") \
	X(LIMIT, "limit", "", 'l', "N", "at most N rows") \
	X(SORT, "sort", "", 0, "COL[:desc]", "order by a column") \
	X(COLUMNS, "columns", "", 0, "A,B", "these columns, in this order") \
	X(UUID, "uuid", "", 0, NULL, "also the UUID") \
	X(INCLUDE_SUPPRESS, "include_suppress", "include-suppress", 0, NULL, \
	  "also suppressed alarms, shown as S(id)") \
	X(MGMT_AFFECTING, "mgmt_affecting", "mgmt-affecting", 0, NULL, \
	  "also whether management is affected") \
	X(DEGRADE_AFFECTING, "degrade_affecting", "degrade-affecting", 0, NULL, \
	  "also whether the host is degraded") \
	X(ALARMS, "alarms", "", 0, NULL, "only alarm events") \
	X(LOGS, "logs", "", 0, NULL, "only logs; with a window: logs too") \
	X(AFTER, "after", "", 0, "SEQ", "resume after this sequence number") \
	X(CATALOG, "catalog", "catalogue", 0, "FILE", "this catalogue instead of the installed one") \
	X(DIFF, "diff", "", 0, "FILE", "what changes under this catalogue") \
	X(UNTIL, "until", "", 0, "TIME", "go on to this time, or for this long behind the last record; of " \
	  "a window its end") \
	X(RETENTION, "retention", "", 0, "TIME", "how long fmd keeps history: 90d (default), 0 for ever") \
	X(FOR, "for", "", 0, "TIME", "for how long: 30m, 8h, 2d; at most 30d") \
	X(ALARM_ID, "alarm_id", "alarm-id", 0, "A,B", "these alarm ids; with a window also \"all\"") \
	X(ENTITY, "entity", "", 0, "A,B", "these entities and what is below them") \
	X(FROM, "from", "", 0, "TIME", "once, from this time until --until") \
	X(START, "start", "", 0, "TIME", "recurring, not before this time or day") \
	X(RULE, "rule", "", 0, "RRULE", "recurring by this rule: FREQ=MONTHLY;BYDAY=2TU") \
	X(DAYS, "days", "", 0, "A,B", "recurring on these days: sat,sun") \
	X(AT, "at", "", 0, "HH:MM", "recurring at this time of the day") \
	X(ZONE, "zone", "", 0, "NAME", "whose clock is meant: Europe/Berlin; UTC by default") \
	X(INCLUDE_UNSUPPRESSED, "include-unsuppressed", "include_unsuppressed", 0, NULL, \
	  "all alarm ids, not only suppressed ones") \
	X(WHY_NOT, "why-not", "", 0, NULL, "why there is no such alarm: ALARM_ID ENTITY") \
	X(YES, "yes", "", 'y', NULL, "do not ask") \
	X(JSON, "json", "", 0, NULL, "JSON: an array, an object, or for watch a line per row") \
	X(CSV, "csv", "", 0, NULL, "comma-separated values (RFC 4180)") \
	X(NO_HEADER, "no-header", "", 0, NULL, "rows only") \
	X(NOWRAP, "nowrap", "", 0, NULL, "do not fit the table to the terminal") \
	X(NOPAGING, "nopaging", "", 0, NULL, "accepted; fm never pages") \
	X(COLOR, "color", "", 0, "WHEN", "auto (default), always or never") \
	X(SOCKET, "socket", "", 0, "PATH", "fmd's control socket, instead of $FM_SOCKET") \
	X(TIMEOUT, "timeout", "", 0, "TIME", "wait this long for an answer: 60s, 2m, 0 for ever") \
	X(HELP, "help", "", 'h', NULL, "this help") \
	X(VERSION, "version", "", 'V', NULL, "the version of fm")

enum option_id {
#define FM_X(id, name, alias, letter, arg, doc) OPT_##id,
	OPTIONS(FM_X)
#undef FM_X
	N_OPTIONS
};

/* A set of options. */
#define BIT(id) (UINT64_C(1) << OPT_##id)
/* What every verb takes. */
#define OPTIONS_ALWAYS (BIT(NOPAGING) | BIT(COLOR) | BIT(SOCKET) | BIT(TIMEOUT) | BIT(HELP) | \
			BIT(VERSION))

struct option_def {
	const char *name, *alias;
	char letter;
	const char *arg;
	const char *doc;
};
extern const struct option_def option_defs[N_OPTIONS];

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#define MAX_WORDS 8
struct options {
	uint64_t given;
	const char *text[N_OPTIONS];                    /* as written; borrowed from argv, as: */
	const char *query, *sort, *columns, *socket, *alarm_id;
	uint64_t limit;                                 /* 0: no limit */
	uint64_t after;
	struct fm_span retention;
	struct fm_span timeout, for_time;               /* 0: none given */
	const char *catalog, *diff;                     /* borrowed from argv */
	enum color_mode color;
	const char *word[MAX_WORDS];                    /* the verb and its arguments */
	unsigned n_words;
};

/* Fills *ret from the command line, and from FM_SOCKET. -EINVAL: err names the argument. */
int options_parse(int argc, char **argv, struct options *ret, struct fm_err *err) FM_MUST_USE;

/* Reads --until as a replay takes it, a time or a span. -EINVAL: it is neither. */
int options_until(const struct options *opt, struct fm_time *ret_at, struct fm_span *ret_after,
		  struct fm_err *err) FM_MUST_USE;

/* A decimal number; signs, blanks and what lies beyond int64 are refused. */
bool parse_number(const char *s, uint64_t *ret);

#endif
