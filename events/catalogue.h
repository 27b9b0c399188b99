/*
 * catalogue: events.yaml as a frozen, linked value. Loads StarlingX's own file unchanged (every
 * irregular shape is a finding, none is refused) and our additional "Correlation" block.
 *
 * Load = parse with limits -> check -> link -> freeze. A catalogue never changes after loading,
 * so it may be shared; a reload makes a new one.
 *
 * Thread: any for queries (pure); loading reads a file. Ownership: everything a query returns
 * lives as long as the catalogue.
 */
#ifndef FM_CATALOGUE_H
#define FM_CATALOGUE_H

#include "alarm/alarm.h"

enum fact_id {
#define FACT_STATE(id, name, subject) FACT_##id,
#include "events/facts.def"
	FACT_N_STATES,
	FACT_BEFORE_EVENTS = FACT_N_STATES - 1,
#define FACT_EVENT(id, name, subject) FACT_##id,
#include "events/facts.def"
	FACT_N
};
enum fact_subject { SUBJECT_INSTANCE, SUBJECT_HOST };
enum fact_attr {
#define FACT_ATTR(id, name, kind) ATTR_##id,
#include "events/facts.def"
	ATTR_N
};
const char *fact_name(enum fact_id f);                  /* "instance.migrating" */
bool fact_is_state(enum fact_id f);
enum fact_subject fact_subject_of(enum fact_id f);
const char *fact_attr_name(enum fact_attr a);
bool fact_attr_is_int(enum fact_attr a);
/* Whether the fact can have a value for it (cat_carries.c). */
bool cat_fact_carries(enum fact_id fact, enum fact_attr attr);
bool fact_parse(const char *s, size_t len, enum fact_id *ret);
/* A placeholder's or attribute's name as people write it, aliases too; -1: unknown. */
int fact_attr_parse(const char *s, size_t len);

/* ---- records ----------------------------------------------------------------------- */

/* A text with placeholders, split once at load. attr -1: literal text. */
struct cat_text_part {
	const char *text;       /* literal, or the placeholder as written, "<host_name>" */
	int attr;               /* enum fact_attr */
};
struct cat_text {
	const char *source;     /* as written */
	const struct cat_text_part *part;
	unsigned n;
};

#define CAT_CONTEXTS(X) X(NONE, "none") X(STARLINGX, "starlingx") X(OPENSTACK, "openstack") \
	X(FMD, "fmd")
enum cat_context {
#define FM_X(id, name) CONTEXT_##id,
	CAT_CONTEXTS(FM_X)
#undef FM_X
	CONTEXT_N
};

/* Where the hard and soft limits of a step come from. */
enum cat_after { AFTER_SPAN, AFTER_SOFT_LIMIT, AFTER_HARD_LIMIT, AFTER_UNKNOWN_LIMIT,
	AFTER_POSTCOPY };               /* no time: when the migration enters post-copy */

/* "Escalate": when the state has held for this long, severity (and text) become these. */
struct cat_step {
	enum cat_after after;
	struct fm_span span;            /* AFTER_SPAN */
	enum severity severity;         /* SEV_NONE: unchanged */
	const struct cat_text *text;    /* NULL: unchanged */
	uint32_t line;
};

/*
 * "Threshold": severity by the value of an attribute, optionally divided by another. The worst
 * severity whose bound the value exceeds; when it exceeds none, the rule does not fire.
 */
struct cat_threshold {
	int of;                         /* enum fact_attr, INT; -1: no threshold */
	int per;                        /* enum fact_attr, INT; -1: none */
	bool given[FM_N_SEVERITIES];
	bool or_equal[FM_N_SEVERITIES]; /* ">=" rather than ">" */
	double above[FM_N_SEVERITIES];
};

/*
 * "If": a condition over what the fact carries. A comparison with an attribute that is not known, or
 * an empty text, is false, whatever the operator.
 */
enum cat_cond_op { COND_EQ, COND_NE, COND_LT, COND_LE, COND_GT, COND_GE,
	COND_HAS,                       /* "~": the text has the value in it */
	COND_AND, COND_OR, COND_NOT };
struct cat_cond {
	enum cat_cond_op op;
	const struct cat_cond *left, *right;    /* COND_AND, COND_OR; COND_NOT: left */
	int attr;                       /* enum fact_attr */
	int other;                      /* enum fact_attr, compared with it; -1: with a value */
	int64_t num;                    /* INT, in the attribute's unit */
	const char *text;               /* TEXT */
};
struct cat_if {
	const char *source;             /* as written; NULL: there is none */
	const struct cat_cond *root;
	uint32_t line;
};
/* "Clear": an event that ends what an On rule has raised for the same entity. */
struct cat_clear {
	enum fact_id fact;
	struct cat_if when;
};

/* "Suppresses", "Causes", "Outdates": a relation to other alarms. */
enum cat_effect {
	EFFECT_SUPPRESS,                /* they are not announced, and this one is their parent */
	EFFECT_CAUSE,                   /* this one is their parent */
	EFFECT_OUTDATE,                 /* what is known of those that were raised before may be old */
};
enum cat_where {
	WHERE_INSTANCE_HOST,            /* "instance.host == host" */
	WHERE_HOST,                     /* "host == host": alarms whose entity is on that host */
	WHERE_BELOW,                    /* "below": the entity path covers theirs */
	WHERE_ALL,                      /* "all": wherever they are */
	WHERE_MEMBERS,                  /* "members": of the instances that this group counts */
};
struct cat_relation {
	const char *const *alarms;      /* ids, sorted */
	unsigned n_alarms;
	enum cat_where where;
	enum cat_effect effect;
	/* Window around the raise of this alarm, both >= 0; not of "Outdates". */
	struct fm_span before, after;
	struct fm_span grace;           /* after it cleared, before they resurface; "Suppresses" */
	enum severity at_least;         /* this alarm must be this severe; SEV_NONE: any */
	uint32_t line, column;
};

/*
 * "Group": one alarm for what its members have in common when enough of them entered the state
 * (While) or enough events came (On) within a time.
 */
#define CAT_GROUPS(X) X(HOST, "host") X(HOST_PAIR, "host_pair") X(INSTANCE, "instance") \
	X(POOL, "pool") X(ALL, "all")
enum cat_group_by {
	GROUP_NONE = 0,
#define FM_X(id, name) GROUP_##id,
	CAT_GROUPS(FM_X)
#undef FM_X
	GROUP_N
};
struct cat_group {
	enum cat_group_by by;
	unsigned at_least;
	struct fm_span within;
};

/*
 * "Flap": the state came this often within a time, so the alarm stays until nothing has changed for
 * the quiet time. What holds by then decides whether it clears.
 */
struct cat_flap {
	unsigned count;                 /* 0: no damping */
	struct fm_span within, quiet;
};

struct cat_rule {
	enum fact_id fact;              /* While: a state; On: an event */
	enum severity severity;         /* base; with a threshold the least it can give */
	struct fm_span hold_on;         /* state must hold this long; raise time is back-dated */
	struct fm_span hold_off;        /* state must be gone this long before the clear */
	struct fm_span hold_notice;     /* not announced before, so that a cause can show first */
	struct fm_span expire;          /* On: cleared after this; 0: stays until cleared by hand */
	struct cat_if when;             /* the rule does nothing where this is false */
	const struct cat_clear *clears; /* On */
	unsigned n_clears;
	struct cat_threshold threshold;
	struct cat_group group;
	struct cat_flap flap;
	int cause;                      /* probable cause of its own; -1: the record's */
	const struct cat_text *text;    /* of its own; NULL: the record's */
	const struct cat_step *steps;   /* in the order of their limits */
	unsigned n_steps;
	uint32_t line, column;
	const struct cat_record *record;
};

/* "Examples": a story, as lines of text; who reads them is offline/. */
struct cat_example_step {
	const char *text;
	uint32_t line, column;
};
struct cat_example {
	const char *title;
	const struct cat_example_step *steps;
	unsigned n_steps;
	uint32_t line, column;
};

struct cat_record {
	const char *id;                 /* text: "700.010" is not "700.01" */
	bool is_log;
	struct cat_text text[FM_N_SEVERITIES];          /* by severity; [SEV_NONE]: for all others */
	const char *entity_form;                        /* first alternative */
	unsigned severities;                            /* bit 1 << severity */
	enum severity severity;                         /* the worst listed */
	const char *repair[FM_N_SEVERITIES];            /* as text; may be NULL */
	const char *maintenance[FM_N_SEVERITIES];
	bool inhibits;
	int type, cause;
	bool service_affecting[FM_N_SEVERITIES];
	bool suppressible;
	enum severity mgmt_threshold, degrade_threshold;
	enum cat_context context;
	uint32_t line;
	const struct cat_rule *rules;                   /* usually none or one */
	unsigned n_rules;
	const struct cat_relation *relations;           /* what this alarm does to others */
	unsigned n_relations;
	const struct cat_example *examples;             /* in the order of the file */
	unsigned n_examples;
};

/* Top level "Limits" (defaults: compute-events §2). */
struct cat_limits {
	uint32_t line, column;          /* of the block; 0: there is none */
	int64_t soft_s, hard_s;         /* 180, 800 */
	int64_t min_s, max_s;           /* clamp of a per-VM value: 120, 800 */
	bool per_gib;                   /* limit is multiplied by max(2, GiB); default false */
	int64_t unknown_s;              /* outcome unknown after max(2 * hard, this): 960 */
	int64_t downtime_ms;            /* 500 */
	int64_t downtime_min_ms;        /* smaller per-VM values are ignored: 100 */
	struct fm_span settle;          /* how long one source's end waits for the other: 60 s */
	struct fm_span keep_cleared;    /* before a cleared alarm is purged: 1 h */
	unsigned max_cleared;           /* at most so many: 20,000 */
	unsigned max_alarms;            /* active: 200,000 */
	unsigned storm;                 /* announcements in a window that are a storm: 1,000; 0: never */
	struct fm_span storm_window;    /* 10 s */
	unsigned storm_pass;            /* of an id, announced in a window of it all the same: 10 */
};

/*
 * "Maintenance": windows in which alarms are not announced. When it is open was worked out at load:
 * half-open intervals in order, apart from each other.
 */
struct cat_interval {
	struct fm_time begin, end;
};
/* What says when, as written (cat_window.c has their names). */
enum cat_window_part { WINDOW_FROM, WINDOW_UNTIL, WINDOW_START, WINDOW_FOR, WINDOW_RULE,
	WINDOW_DAYS, WINDOW_AT, WINDOW_ZONE, WINDOW_N_PARTS };
struct cat_window {
	const char *name;
	const char *const *alarms;      /* ids, sorted; none: all but fmd's own */
	unsigned n_alarms;
	const char *const *entities;    /* paths; none: all */
	unsigned n_entities;
	bool logs;                      /* logs are not announced either */
	const char *part[WINDOW_N_PARTS];       /* NULL: not given */
	const struct cat_interval *at;
	unsigned n;
	uint32_t line, column;          /* 0: not of the catalogue */
};
/* True while it is open. */
bool cat_window_open(const struct cat_window *w, struct fm_time t);
/* When it opens or closes next, after t; false: never. */
bool cat_window_next(const struct cat_window *w, struct fm_time t, struct fm_time *ret);

struct catalogue;
unsigned cat_windows(const struct catalogue *cat, const struct cat_window **ret);
const struct cat_record *cat_find(const struct catalogue *cat, const char *id);
const struct cat_limits *cat_limits(const struct catalogue *cat);
/* Of the file's bytes, and of when its windows are open, which the zones' database decides too. */
uint64_t cat_hash(const struct catalogue *cat);
unsigned cat_count(const struct catalogue *cat);
const struct cat_record *cat_at(const struct catalogue *cat, unsigned i);       /* by id order */
/* All rules on a fact, in id order; those of one record in the order of the file, the first that applies. */
unsigned cat_rules_on(const struct catalogue *cat, enum fact_id fact,
		      const struct cat_rule *const **ret);
/* All that an event clears, in the order of the rules' ids. */
struct cat_clearing {
	const struct cat_rule *rule;
	const struct cat_clear *clear;
};
unsigned cat_clears_on(const struct catalogue *cat, enum fact_id fact,
		       const struct cat_clearing **ret);
/* The text for a severity (falls back to [SEV_NONE], then to any). Never NULL. */
const struct cat_text *cat_text_for(const struct cat_record *rec, enum severity sev);
const char *cat_repair_for(const struct cat_record *rec, enum severity sev);   /* may be NULL */
bool cat_service_affecting_for(const struct cat_record *rec, enum severity sev);

/* ---- load ----------------------------------------------------------------------------- */

#define CAT_MAX_FILE (4u << 20)
#define CAT_MAX_DEPTH 16
#define CAT_MAX_NODES 400000u
#define CAT_MAX_GROUP 256u      /* members a group rule can ask for */
#define CAT_MAX_FLAP 16u        /* occurrences a Flap can ask for */
#define CAT_MAX_STEPS 16u       /* of one Escalate */
#define CAT_MAX_MAPPINGS 64u    /* of one Correlation */
#define CAT_MAX_RELATIONS 64u   /* of one record, of all its mappings */
#define CAT_MAX_COMPARISONS 32u /* of one If */
#define CAT_MAX_COND_DEPTH 8u   /* of ( ) and not in one If */
#define CAT_MAX_CLEARS 16u      /* events of one Clear */
#define CAT_MAX_EXAMPLES 16u    /* of one record */
#define CAT_MAX_EXAMPLE_STEPS 64u       /* of one example */
#define CAT_MAX_WINDOWS 64u     /* of the catalogue, and as many of operators */
#define CAT_MAX_WINDOW_NAME 64u /* bytes */
#define CAT_MAX_WINDOW_ITEMS 256u       /* ids, and entities, of one */
#define CAT_MAX_OPEN 10000u     /* times that one window of the catalogue is open */
/* Nothing recurs from here on: 2038-01-01T00:00:00Z (cat_calendar.c says why). */
#define CAT_WINDOW_HORIZON_S 2145916800LL
#define CAT_MAX_FINDINGS 2000u  /* listed, of errors and of others each; the rest is counted */

struct cat_finding {
	unsigned number;        /* stable: F101 … see docs */
	bool error;             /* errors make the load fail; warnings and notes do not */
	uint32_t line, column;  /* 1-based */
	const char *id;         /* of the record; may be NULL */
	const char *text;       /* what, with a hint */
};
struct cat_findings {
	struct cat_finding *v;
	unsigned n, n_errors;
	struct fm_arena arena;
};
void cat_findings_init(struct cat_findings *f);
void cat_findings_fini(struct cat_findings *f);
/* What a check beyond the loader found. number is one of the kinds; id may be NULL. */
struct cat_place {
	const char *id;
	uint32_t line, column;
};
void cat_findings_add(struct cat_findings *f, unsigned number, struct cat_place at,
		      const char *fmt, ...) FM_PRINTF(4, 5);
/* By line, column, number: to be called after the last one was added. */
void cat_findings_sort(struct cat_findings *f);
/* "error", "warning", "note" */
const char *cat_finding_level(const struct cat_finding *f);
/* Adds "file:line:col: warning F123: text" without a newline. Returns the bytes added. */
int cat_finding_print(const struct cat_finding *f, const char *file, struct fm_buf *ret);

/* The one of n words that s, misspelt, was probably meant to be; NULL when none is near. */
const char *cat_nearest(struct fm_str s, const char *const *words, unsigned n);

/* The kinds of findings there are, in the order of their numbers (docs/CATALOG.md lists them). */
struct cat_finding_kind {
	unsigned number;
	const char *level;      /* "error", "warning", "note" */
	const char *meaning;
};
unsigned cat_finding_kinds(void);
const struct cat_finding_kind *cat_finding_kind_at(unsigned i);

/*
 * Load and check a file or a buffer (name is used in messages). findings may be NULL. On failure
 * err names file:line:column of the first error; *ret is untouched. -E2BIG: beyond a limit,
 * -EINVAL: errors were found, else what reading the file gave.
 */
int cat_load(const char *path, struct cat_findings *findings, struct catalogue **ret,
	     struct fm_err *err) FM_MUST_USE;
int cat_load_buf(const char *name, const char *text, size_t len, struct cat_findings *findings,
		 struct catalogue **ret, struct fm_err *err) FM_MUST_USE;
void cat_free(struct catalogue *cat);

/*
 * A window from texts, outside of a catalogue; lists are joined by commas, "all" for alarms. Only what
 * ends after now is worked out, at most max times; *ret_more: there are others. All of *ret lives
 * in arena. -EINVAL: err says what is wrong. Whether there are such alarms is not looked at.
 */
struct cat_window_text {
	const char *name, *alarms, *entities;   /* entities may be NULL */
	bool logs;
	const char *part[WINDOW_N_PARTS];
};
int cat_window_make(const struct cat_window_text *text, struct fm_time now, unsigned max,
		    struct fm_arena *arena, struct cat_window *ret, bool *ret_more,
		    struct fm_err *err) FM_MUST_USE;
/* Times of the catalogue that are longer than history is kept (fmd.yaml, retention.age; 0: for ever). */
void cat_check_retention(const struct catalogue *cat, struct fm_span keep, struct cat_findings *ret);
/* Canonical YAML that loads back to the same catalogue ("fmd -nv"). */
void cat_print(const struct catalogue *cat, struct fm_buf *ret);
/*
 * What differs between two of them, for a line of the log: records that are new, gone, and changed in
 * what; at most ten of each are named.
 */
void cat_diff(const struct catalogue *was, const struct catalogue *is, struct fm_buf *ret);

#endif
