/*
 * conf_list: the lists of fmd.yaml (inputs, targets) and the map that is passed on to librdkafka.
 */
#include "fmd/conf_read_priv.h"

#include <stdlib.h>

const char *const conf_format_words[] = {"auto", "nova", "libvirt", "request", NULL};

static int
read_input(struct conf_reader *rd, const yaml_node_t *map)
{
	struct conf_input *in = &rd->conf->input[rd->conf->n_inputs];

	if (map->type != YAML_MAPPING_NODE)
		return conf_bad(rd, map, "kafka.inputs: each is {topic: NAME, format: auto}");
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = conf_node(rd, p->key), *val = conf_node(rd, p->value);
		const char *k = conf_scalar(key), *v = conf_scalar(val);
		int w;

		if (k != NULL && strcmp(k, "topic") == 0 && v != NULL) {
			fm_freep(&in->topic);
			in->topic = fm_strdup(v);
		} else if (k != NULL && strcmp(k, "format") == 0 && v != NULL) {
			w = conf_word_index(conf_format_words, v);
			if (w < 0)
				return conf_bad(rd, val, "kafka.inputs: format %s is not one of auto, "
					   "nova, libvirt, request", v);
			in->format = (enum conf_format)w;
		} else {
			return conf_bad(rd, key, "kafka.inputs: unknown key %s", k ? k : "");
		}
	}
	if (in->topic == NULL)
		return conf_bad(rd, map, "kafka.inputs: topic is missing");
	rd->input_at[rd->conf->n_inputs++] = map;
	return 0;
}

#define TAT(field) offsetof(struct fmagent_target, field)
const struct conf_target_key conf_target_texts[CONF_N_TARGET_TEXTS] = {
	{"name", TAT(name)}, {"address", TAT(address)}, {"community_file", TAT(community_file)},
	{"user", TAT(user)}, {"auth_file", TAT(auth_file)}, {"priv_file", TAT(priv_file)},
};
const char *const conf_version_words[] = {"2c", "3", NULL};
const char *const conf_profile_words[] = {"wrs", "fm", NULL};
const char *const conf_auth_words[] = {"none", "sha1", "sha224", "sha256", "sha384", "sha512",
	NULL};
const char *const conf_priv_words[] = {"none", "aes128", "aes192", "aes256", NULL};
const char *const conf_bool_words[] = {"false", "true", NULL};
const char *const conf_severity_words[] = {"any", "warning", "minor", "major", "critical", NULL};

/* 1: not a key of this kind. */
static int
target_word(struct fmagent_target *t, const char *k, const char *v)
{
	const struct {
		const char *name;
		const char *const *words;
	} key[] = {{"version", conf_version_words}, {"profile", conf_profile_words}, {"auth", conf_auth_words},
		{"priv", conf_priv_words}, {"inform", conf_bool_words}, {"logs", conf_bool_words},
		{"min_severity", conf_severity_words}};
	unsigned i = 0;
	int w;

	while (i < FM_ARRAY_LEN(key) && strcmp(key[i].name, k) != 0)
		i++;
	if (i == FM_ARRAY_LEN(key))
		return 1;
	w = conf_word_index(key[i].words, v);
	if (w < 0)
		return -1;
	switch (i) {
	case 0: t->version = (enum fmagent_version)w; break;
	case 1: t->profile = (enum fmagent_profile)w; break;
	case 2: t->auth = (enum fmagent_auth)w; break;
	case 3: t->priv = (enum fmagent_priv)w; break;
	case 4: t->inform = w; break;
	case 5: t->logs = w; break;
	case 6: t->min_severity = (enum severity)w; break;
	}
	return 0;
}

/* 0 is no time to wait for an answer. */
static bool
target_timeout(const char *s, struct fm_span *ret)
{
	return fm_span_parse(s, strlen(s), ret) == 0 && ret->ns >= fm_span_ms(1).ns &&
	       ret->ns <= fm_span_s(300).ns;
}

static int
target_key(struct conf_reader *rd, struct fmagent_target *t, const yaml_node_t *key,
	   const yaml_node_t *val)
{
	const char *k = conf_scalar(key), *v = conf_scalar(val);
	int r;

	if (k == NULL || v == NULL)
		return conf_bad(rd, val, "snmp.targets: a single value is needed");
	for (unsigned i = 0; i < CONF_N_TARGET_TEXTS; i++) {
		const char **at = (const char **)(void *)((char *)t + conf_target_texts[i].offset);

		if (strcmp(conf_target_texts[i].name, k) != 0)
			continue;
		free((void *)(uintptr_t)*at);
		*at = fm_strdup(v);
		return 0;
	}
	if (strcmp(k, "timeout") == 0)
		return target_timeout(v, &t->timeout) ? 0 :
			conf_bad(rd, val, "snmp.targets: timeout must be from 1ms to 5m, such as 2s");
	r = target_word(t, k, v);
	if (r > 0)
		return conf_bad(rd, key, "snmp.targets: unknown key %s", k);
	return r < 0 ? conf_bad(rd, val, "snmp.targets: %s cannot be %s", k, v) : 0;
}

/* The value of a key; NULL: it is not there. */
static const yaml_node_t *
value_of(const struct conf_reader *rd, const yaml_node_t *map, const char *key)
{
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const char *k = conf_scalar(conf_node(rd, p->key));

		if (k != NULL && strcmp(k, key) == 0)
			return conf_node(rd, p->value);
	}
	return NULL;
}

/* What the other version has would be ignored: a pass phrase that protects nothing. */
static int
check_version(const struct conf_reader *rd, const struct fmagent_target *t, const yaml_node_t *map)
{
	static const struct {
		const char *key;
		enum fmagent_version version;
	} of[] = {{"community_file", FMAGENT_V2C}, {"user", FMAGENT_V3}, {"auth", FMAGENT_V3},
		{"auth_file", FMAGENT_V3}, {"priv", FMAGENT_V3}, {"priv_file", FMAGENT_V3}};

	for (unsigned i = 0; i < FM_ARRAY_LEN(of); i++) {
		const yaml_node_t *val = value_of(rd, map, of[i].key);
		const char *version = conf_version_words[of[i].version];

		/* "auth: none" says what is so */
		if (val == NULL || t->version == of[i].version || strcmp(conf_scalar(val), "none") == 0)
			continue;
		return conf_bad(rd, val, "snmp.targets: %s goes with version %s: leave it out, or "
				"write version: %s", of[i].key, version, version);
	}
	return 0;
}

static int
check_target(const struct conf_reader *rd, const struct fmagent_target *t, const yaml_node_t *map)
{
	const unsigned n = rd->conf->n_targets - 1;
	const yaml_node_t *at;
	struct fm_err cause = {0};
	const char *key;
	int r = check_version(rd, t, map);

	if (r < 0)
		return r;
	if (fmagent_check_target(t, &key, &cause) < 0) {
		at = key != NULL ? value_of(rd, map, key) : NULL;
		return conf_bad(rd, at != NULL ? at : map, "snmp.targets: %s", cause.msg);
	}
	for (unsigned i = 0; i < n; i++)
		if (strcmp(rd->conf->target[i].name, t->name) == 0)
			return conf_bad(rd, value_of(rd, map, "name"),
					"snmp.targets: target %.100s: given twice", t->name);
	return 0;
}

static int
read_target(struct conf_reader *rd, const yaml_node_t *map)
{
	struct fmagent_target *t = &rd->conf->target[rd->conf->n_targets];
	int r = 0;

	if (map->type != YAML_MAPPING_NODE)
		return conf_bad(rd, map, "snmp.targets: each is a mapping");
	rd->conf->target_place[rd->conf->n_targets++] = conf_place_of(map);
	t->auth = FMAGENT_AUTH_SHA256;
	t->priv = FMAGENT_PRIV_AES128;
	t->profile = FMAGENT_WRS;
	t->timeout = fm_span_s(2);
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     r == 0 && p < map->data.mapping.pairs.top; p++)
		r = target_key(rd, t, conf_node(rd, p->key), conf_node(rd, p->value));
	if (r == 0 && (t->name == NULL || t->address == NULL))
		return conf_bad(rd, map, "snmp.targets: name and address are needed");
	return r == 0 ? check_target(rd, t, map) : r;
}

static int
read_list(struct conf_reader *rd, const char *path, const yaml_node_t *node,
	  int (*read_one)(struct conf_reader *, const yaml_node_t *), unsigned *n)
{
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return conf_bad(rd, node, "%s: a list is needed", path);
	for (const yaml_node_item_t *it = node->data.sequence.items.start;
	     r == 0 && it < node->data.sequence.items.top; it++) {
		if (*n >= CONF_MAX_LIST)
			return conf_bad(rd, node, "%s: too many entries", path);
		r = read_one(rd, conf_node(rd, *it));
	}
	return r;
}

static void
clear_inputs(struct fmd_conf *conf)
{
	for (unsigned i = 0; i < conf->n_inputs; i++)
		free(conf->input[i].topic);
	memset(conf->input, 0, sizeof(conf->input));
	conf->n_inputs = 0;
}

int
conf_read_librdkafka(struct conf_reader *rd, const yaml_node_t *node)
{
	struct fm_err cause = {0};

	if (node->type != YAML_MAPPING_NODE)
		return conf_bad(rd, node, "kafka.librdkafka: a mapping is needed");
	rd->conf->librdkafka_place = conf_place_of(node);
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = conf_node(rd, p->key), *val = conf_node(rd, p->value);

		if (conf_scalar(key) == NULL || conf_scalar(val) == NULL ||
		    rd->conf->n_settings == CONF_MAX_LIST)
			return conf_bad(rd, key, "kafka.librdkafka: single values only");
		const struct kafka_setting s = {conf_scalar(key), conf_scalar(val)};

		if (kafka_setting_check(&s, &cause) < 0)
			return conf_bad(rd, key, "%s", cause.msg);
		rd->conf->setting[rd->conf->n_settings++] = (struct kafka_setting){
			fm_strdup(s.key), fm_strdup(s.value)};
	}
	return 0;
}

int
conf_read_inputs(struct conf_reader *rd, const yaml_node_t *node)
{
	clear_inputs(rd->conf);
	return read_list(rd, "kafka.inputs", node, read_input, &rd->conf->n_inputs);
}

int
conf_read_targets(struct conf_reader *rd, const yaml_node_t *node)
{
	return read_list(rd, "snmp.targets", node, read_target, &rd->conf->n_targets);
}

void
conf_lists_free(struct fmd_conf *conf)
{
	clear_inputs(conf);
	for (unsigned i = 0; i < conf->n_settings; i++) {
		free((void *)(uintptr_t)conf->setting[i].key);
		free((void *)(uintptr_t)conf->setting[i].value);
	}
	for (unsigned i = 0; i < conf->n_targets; i++)
		for (unsigned k = 0; k < CONF_N_TARGET_TEXTS; k++)
			free((void *)(uintptr_t)*(const char **)(void *)
			     ((char *)&conf->target[i] + conf_target_texts[k].offset));
}
