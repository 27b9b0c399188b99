/*
 * conf_read: what the parts of the configuration's reader share: the table of settings (conf.c), the
 * lists and the map (conf_list.c), and printing (conf_print.c), which goes by the same tables.
 */
#ifndef FMD_CONF_READ_PRIV_H
#define FMD_CONF_READ_PRIV_H

#include "fmd/conf_priv.h"

#include <yaml.h>

enum conf_kind { CONF_TEXT, CONF_NUMBER, CONF_SPAN, CONF_WORD };
struct conf_setting {
	const char *path;
	enum conf_kind kind;
	size_t offset;
	const char *preset;             /* NULL: none */
	uint64_t min, max;              /* of a text: its bytes; 0: any number of them */
	const char *const *words;
};
extern const struct conf_setting conf_settings[];
extern const unsigned conf_n_settings;

/* Words by the number of what they mean; NULL ends them. */
extern const char *const conf_format_words[], *const conf_version_words[],
	*const conf_profile_words[], *const conf_auth_words[], *const conf_priv_words[],
	*const conf_bool_words[], *const conf_severity_words[];

struct conf_target_key {
	const char *name;
	size_t offset;
};
#define CONF_N_TARGET_TEXTS 6
extern const struct conf_target_key conf_target_texts[CONF_N_TARGET_TEXTS];

struct conf_reader {
	const char *file;
	yaml_document_t *doc;
	struct fmd_conf *conf;
	struct fm_err *err;
	/* where topics are named, for what is found when all of them are known */
	const yaml_node_t *input_at[CONF_MAX_LIST], *outputs_at;
};

/* The error with the place of the node. */
int conf_bad(const struct conf_reader *rd, const yaml_node_t *node, const char *fmt, ...)
	FM_PRINTF(3, 4);
struct conf_place conf_place_of(const yaml_node_t *node);
const char *conf_scalar(const yaml_node_t *node);       /* NULL: it is none */
yaml_node_t *conf_node(const struct conf_reader *rd, int id);
int conf_word_index(const char *const *words, const char *s);   /* -1: none of them */

/* What the values say together, and what has a form that the table does not know. */
int conf_check_values(const struct fmd_conf *conf, struct fm_err *err);

/* kafka.inputs (instead of what there is), kafka.librdkafka, snmp.targets. */
int conf_read_inputs(struct conf_reader *rd, const yaml_node_t *node);
int conf_read_librdkafka(struct conf_reader *rd, const yaml_node_t *node);
int conf_read_targets(struct conf_reader *rd, const yaml_node_t *node);
void conf_lists_free(struct fmd_conf *conf);

#endif
