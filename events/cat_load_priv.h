/*
 * cat_load_priv: what the files of the loader share. One load passes through:
 *
 *   cat_bytes.c     encoding, directives, comments
 *   cat_yaml.c      bytes -> a tree of nodes, within limits          (the only user of libyaml)
 *   cat_load.c      file, top level, order of the steps, freezing
 *   cat_record.c    the fields of StarlingX's format                 cat_field.c, cat_text.c
 *   cat_shape.c     oddities of texts and entities (notes, warnings)
 *   cat_rule.c      the Correlation block                            cat_rule_keys.c, cat_step.c
 *   cat_cond.c      If                                               cat_clear.c: Clear
 *   cat_carries.c   what facts carry                                 cat_sense.c: rules without effect
 *   cat_relation.c  Suppresses, Causes and Outdates, cycles
 *   cat_example.c   Examples
 *   cat_limits.c    Limits
 *   cat_window.c    when a maintenance window is open                cat_calendar.c: zones, recurrence
 *   cat_maintenance.c  Maintenance
 *   cat_findings.c  what was found                                   cat_words.c: words, spelling
 */
#ifndef CAT_LOAD_PRIV_H
#define CAT_LOAD_PRIV_H

#include "events/cat_priv.h"

/* ---- nodes (cat_yaml.c) -------------------------------------------------------------- */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };
enum node_style { STYLE_PLAIN, STYLE_QUOTED, STYLE_BLOCK };

/* A YAML value with its place. Lists and mappings hold their items as a linked list. */
struct node {
	enum node_kind kind;
	enum node_style style;          /* scalars */
	uint32_t line, column;          /* 1-based */
	uint32_t end_line;
	const char *text;               /* scalars: NUL-terminated, no other NUL in it */
	uint32_t len;
	uint32_t n;                     /* items of a list, pairs of a mapping */
	struct node *first, *last;      /* items; of a mapping: its keys */
	struct node *next;
	struct node *value;             /* of a key */
};

/* Everything that one load knows. */
struct load {
	const char *name;               /* of the file, for messages */
	const char *bytes;
	size_t len;
	struct catalogue *cat;          /* being built */
	struct fm_arena tmp;            /* freed when the load is over */
	struct cat_findings *findings;
	unsigned n_others;              /* findings listed that are not errors */
	bool too_big;                   /* a limit was broken: -E2BIG */
	const char *id;                 /* of the record at work, for findings */
};

/* What must hold before the parser may start (cat_bytes.c). */
bool cat_look_at_bytes(struct load *ld);
uint32_t cat_line_of(const char *s, size_t offset);

/* Reads ld->bytes. NULL: findings say why. The tree lives in ld->tmp. */
struct node *cat_yaml_read(struct load *ld);

/* The value of a key, NULL when it is not there. */
const struct node *node_get(const struct node *map, const char *key);
/* Nothing written, "~" or "null". */
bool node_is_null(const struct node *n);
static inline struct fm_str node_str(const struct node *n)
{
	return (struct fm_str){n->text, n->len};
}

/* ---- findings (cat_findings.c) ------------------------------------------------------- */

enum finding_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTE };
enum finding_kind {
#define FINDING(number, level, id, meaning) FND_##id,
#include "events/cat_findings.def"
	FND_N
};
/* at may be NULL: the file as a whole. */
void cat_find_at(struct load *ld, enum finding_kind kind, const struct node *at, const char *fmt,
		 ...) FM_PRINTF(4, 5);
void cat_find_line(struct load *ld, enum finding_kind kind, uint32_t line, uint32_t column,
		   const char *fmt, ...) FM_PRINTF(5, 6);
/* A file's text made safe for a message: escaped, at most 60 bytes of it. Lives in ld->tmp. */
const char *cat_quote(struct load *ld, struct fm_str s);

/* ---- words (cat_words.c) ------------------------------------------------------------- */

#define N_SEVERITY_WORDS 4
extern const char *const cat_severity_words[N_SEVERITY_WORDS];          /* as in records */
extern const char *const cat_bound_words[FM_N_SEVERITIES];              /* as in Threshold */
extern const char *const cat_context_words[CONTEXT_N];
#define N_AFTER_WORDS (AFTER_POSTCOPY + 1)
extern const char *const cat_after_words[N_AFTER_WORDS];                /* AFTER_SPAN: "" */
#define N_WHERE_WORDS (WHERE_MEMBERS + 1)
extern const char *const cat_where_words[N_WHERE_WORDS];
#define N_EFFECTS (EFFECT_OUTDATE + 1)
extern const char *const cat_effect_words[N_EFFECTS];
extern const char *const cat_group_words[GROUP_N];                      /* GROUP_NONE: "" */

/* "; did you mean \"While\"?" or "" . Lives in ld->tmp. */
const char *cat_suggest(struct load *ld, struct fm_str s, const char *const *words, unsigned n);
const char *cat_suggest_fact(struct load *ld, struct fm_str s);
const char *cat_suggest_attr(struct load *ld, struct fm_str s);
const char *cat_suggest_id(struct load *ld, struct fm_str s);
/* "none", "None", …: words that stand for nothing. */
bool cat_is_null_word(struct fm_str s);

/* These report what is wrong with n under field and return false. */
bool cat_want_text(struct load *ld, enum finding_kind kind, const struct node *n,
		   const char *field);
bool cat_read_severity(struct load *ld, const struct node *n, enum severity *ret);
bool cat_read_bool(struct load *ld, const struct node *n, const char *field, bool *ret);
/* A span within [min, max]. */
bool cat_read_span(struct load *ld, enum finding_kind kind, const struct node *n,
		   const char *field, struct fm_span min, struct fm_span max,
		   struct fm_span *ret);
bool cat_read_count(struct load *ld, enum finding_kind kind, const struct node *n,
		    const char *field, unsigned min, unsigned max, unsigned *ret);

/* ---- texts (cat_text.c) -------------------------------------------------------------- */

enum alternative_mode {
	BY_LINES,                       /* a line that is "OR" or "or" */
	BY_WORDS,                       /* "OR" anywhere between white space: entities */
};
/*
 * Takes the next alternative off rest, trimmed. False when nothing is left. *lower is set when
 * the separator behind it was "or".
 */
bool cat_next_alternative(struct fm_str *rest, enum alternative_mode mode, struct fm_str *ret,
			  bool *lower);
unsigned cat_count_alternatives(struct fm_str s, enum alternative_mode mode, bool *lower);
/* Source as written (copied), parts from the first alternative. */
void cat_text_make(struct load *ld, struct fm_str source, struct cat_text *ret);
/* The length of the placeholder s begins with, 0: none. */
size_t cat_placeholder(struct fm_str s);
/* True for a part that is a placeholder which is no attribute. */
bool cat_part_is_unknown(const struct cat_text_part *part);
/* Copies into the catalogue. */
const char *cat_keep(struct load *ld, struct fm_str s);

/* ---- entity forms (cat_entity.c) ----------------------------------------------------- */

/* Takes the next segment off rest: dots within <> do not count. */
bool cat_next_segment(struct fm_str *rest, struct fm_str *ret_key, struct fm_str *ret_value);
bool cat_form_has_key(const char *form, const char *key);
/* Reports what an entity form cannot contain that is built from this rule's subject. */
void cat_check_form(struct load *ld, const struct node *at, const char *form,
		    const struct cat_rule *rule);

/* ---- records (cat_record.c, cat_field.c, cat_shape.c) --------------------------------- */

/* A record while it is read. */
struct reading {
	struct cat_record *rec;
	const struct node *node;        /* its mapping */
	const struct node *key;         /* its id */
	enum severity listed[FM_N_SEVERITIES];          /* in the order of the file */
	unsigned n_listed;
	bool severity_is_list;
	unsigned n_text_alternatives, n_entity_alternatives;
	unsigned list_len;              /* of the first list seen; 0: none yet */
};
void cat_read_record(struct load *ld, struct reading *rd);

void cat_read_examples(struct load *ld, struct reading *rd, const struct node *n);

/* Spreads a field's text, list or dictionary over v[severity]; v[SEV_NONE]: all others. */
void cat_spread(struct load *ld, struct reading *rd, const char *field, const struct node *n,
		const struct node *v[FM_N_SEVERITIES]);
/* Warns when the lists of one record differ in length. */
void cat_check_list_length(struct load *ld, struct reading *rd, const char *field,
			   const struct node *n);
bool cat_lists_severity(const struct cat_record *rec, enum severity sev);

void cat_shape_text(struct load *ld, const struct node *n, const char *field);
void cat_shape_entity(struct load *ld, const struct node *n);
void cat_shape_record(struct load *ld, const struct reading *rd);
void cat_shape_id(struct load *ld, const struct node *key, const struct node *previous);

/* ---- rules (cat_rule.c, cat_rule_keys.c, cat_relation.c) ------------------------------- */

/* What a mapping under Correlation is about; bits, so that a key can say where it belongs. */
enum rule_form {
	FORM_NONE = 1,                  /* no While or On: relations only */
	FORM_WHILE = 2,
	FORM_ON = 4,
	FORM_LOG = 8,
};
struct rule_reading {
	struct cat_record *rec;
	const struct node *record;      /* its fields */
	const struct node *node;        /* this mapping */
	enum rule_form form;
	struct cat_rule *rule;
};
void cat_read_rules(struct load *ld, struct cat_record *rec, const struct node *record);
/* After the rules are indexed: alarms that always come together. */
void cat_check_twins(struct load *ld);
/* Reads the keys that rr's form may have; reports the others. */
void cat_read_rule_keys(struct load *ld, const struct rule_reading *rr);
void cat_read_threshold(struct load *ld, const struct rule_reading *rr, const struct node *n);
void cat_read_steps(struct load *ld, const struct rule_reading *rr, const struct node *n);
/* Order and severities of the steps, once the base severity is known. */
void cat_check_steps(struct load *ld, const struct rule_reading *rr);
void cat_read_flap(struct load *ld, const struct rule_reading *rr, const struct node *n);
void cat_read_group(struct load *ld, const struct rule_reading *rr, const struct node *n);
/* Whether a text of the rule can have it filled in. */
bool cat_rule_fills(const struct cat_rule *rule, enum fact_attr attr);
/* If and Clear of a rule whose fact is known (cat_cond.c, cat_clear.c). */
void cat_read_if(struct load *ld, enum fact_id fact, const struct node *n, struct cat_if *ret);
/* Both ask the same in the same order; no condition is one, too. */
bool cat_same_if(const struct cat_if *a, const struct cat_if *b);
void cat_read_clear(struct load *ld, struct cat_rule *rule, const struct node *n);
/* What can be read and still does nothing (cat_sense.c): a rule, relations of any mapping. */
void cat_check_sense(struct load *ld, const struct rule_reading *rr);
void cat_check_targets(struct load *ld, const struct rule_reading *rr);
/* True when the record lists the severity; reports it otherwise. */
bool cat_want_listed(struct load *ld, const struct cat_record *rec, const struct node *n,
		     enum severity sev);
/* Unknown keys of a mapping inside the block; false when n is no mapping. */
bool cat_check_keys(struct load *ld, const struct node *n, const char *what,
		    const char *const *keys, unsigned n_keys);
/* The items of a list, or a single value: the first, and the one behind an item. */
const struct node *cat_first_of(const struct node *n);
const struct node *cat_next_of(const struct node *list, const struct node *item);
/* All items of all Correlation mappings of one record, in the order of enum cat_effect. */
void cat_read_relations(struct load *ld, struct cat_record *rec, const struct node *correlation);
/* After all records are read: ids, targets, cycles. */
void cat_check_relations(struct load *ld);

/* ---- maintenance windows (cat_window.c, cat_maintenance.c) ---------------------------- */

extern const char *const cat_window_words[WINDOW_N_PARTS];      /* keys of the file */
struct cat_window_wrong {
	bool of_operator;               /* given: text is in the words of the command, not the file */
	enum finding_kind kind;
	enum cat_window_part part;      /* WINDOW_N_PARTS: the whole */
	char text[200];
};
/*
 * Works out when w, of which the parts are given, is open: what ends after now, at most max times.
 * *ret_more, *ret_overlap: it would be more often, it overlaps itself. False: wrong says why.
 */
struct cat_window_found {
	bool more, overlap;
};
bool cat_window_times(struct cat_window *w, struct fm_time now, unsigned max,
		      struct fm_arena *arena, struct cat_window_found *ret,
		      struct cat_window_wrong *wrong);
/* Sorts texts and takes out doubles; true when there were some. */
bool cat_window_sort(const char **v, unsigned *n);
void cat_read_windows(struct load *ld, const struct node *n);

/* ---- pieces of the canonical form (cat_print.c) ---------------------------------------- */

enum cat_part { PART_FIELDS, PART_RULES, PART_EXAMPLES, PART_N };
void cat_print_part(const struct cat_record *rec, enum cat_part part, struct fm_buf *ret);
void cat_print_limits(const struct cat_limits *lim, struct fm_buf *ret);
void cat_print_windows(const struct catalogue *cat, struct fm_buf *ret);

void cat_limits_default(struct cat_limits *lim);
void cat_read_limits(struct load *ld, const struct node *n);

#endif
