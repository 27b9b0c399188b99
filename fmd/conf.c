/*
 * conf: the settings as a table, and the reading of fmd.yaml by it. Lists (inputs, targets) and
 * the map passed on to librdkafka have readers of their own.
 */
#include "base/file.h"
#include "fmd/conf_priv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <yaml.h>

enum kind { TEXT, NUMBER, SPAN, WORD };

static const char *const start_words[] = {"earliest", "latest", NULL};
static const char *const lost_words[] = {"resume", "stop", NULL};
static const char *const level_words[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const format_words[] = {"auto", "nova", "libvirt", "request", NULL};

struct setting {
	const char *path;
	enum kind kind;
	size_t offset;
	const char *preset;             /* NULL: none */
	uint64_t min, max;              /* of a text: its bytes; 0: any number of them */
	const char *const *words;
};
#define AT(field) offsetof(struct fmd_conf, field)
/* What a socket's address holds; the kernel is told no more, and libuv cuts the rest off. */
#define MAX_SOCKET (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static const struct setting settings[] = {
	{"state_dir", TEXT, AT(state_dir), "/var/lib/fmd", 1, PATH_MAX, NULL},
	{"catalogue", TEXT, AT(catalogue), FMD_SYSCONF "/events.yaml", 1, PATH_MAX, NULL},
	{"control.socket", TEXT, AT(socket), "/run/fmd/fmd.sock", 1, MAX_SOCKET, NULL},
	{"control.read_group", TEXT, AT(read_group), "fm", 0, 0, NULL},
	{"control.write_group", TEXT, AT(write_group), "fm-admin", 0, 0, NULL},
	{"kafka.brokers", TEXT, AT(brokers), "localhost:9092", 1, CONF_MAX_FILE, NULL},
	{"kafka.start", WORD, AT(start_latest), "latest", 0, 1, start_words},
	{"kafka.lost_position", WORD, AT(lost_stop), "resume", 0, 1, lost_words},
	{"kafka.outputs.alarms", TEXT, AT(out_alarms), "fm.alarms", 0, 0, NULL},
	{"kafka.outputs.transitions", TEXT, AT(out_transitions), "fm.transitions", 0, 0, NULL},
	{"kafka.outputs.quarantine", TEXT, AT(out_quarantine), "fm.quarantine", 0, 0, NULL},
	{"snmp.engine_id", TEXT, AT(engine_id), NULL, 0, 0, NULL},
	{"snmp.region", TEXT, AT(region), NULL, 0, 0, NULL},
	{"snmp.system", TEXT, AT(system), NULL, 0, 0, NULL},
	{"snmp.agentx", TEXT, AT(agentx), NULL, 0, 0, NULL},
	{"snmp.history", NUMBER, AT(history), "1000", 0, 10000, NULL},
	{"limits.record", NUMBER, AT(record), "65536", 1024, 1048576, NULL},
	{"limits.depth", NUMBER, AT(depth), "32", 8, 256, NULL},
	{"limits.cycle_records", NUMBER, AT(cycle_records), "50000", 1, 100000, NULL},
	{"limits.cycle_ms", NUMBER, AT(cycle_ms), "100", 1, 1000, NULL},
	{"limits.what_if", NUMBER, AT(what_if), "100000", 0, 10000000, NULL},
	{"limits.clients", NUMBER, AT(clients), "64", 1, 1024, NULL},
	{"limits.bad_records", NUMBER, AT(bad_records), "10", 0, SPOIL_WINDOW, NULL},
	{"limits.starts", NUMBER, AT(starts), "3", 0, 1000, NULL},
	{"retention.transitions", NUMBER, AT(keep_transitions), "1000000", 1000, 1000000000, NULL},
	{"retention.backlog", NUMBER, AT(keep_backlog), "1000000", 1000, 1000000000, NULL},
	{"retention.age", SPAN, AT(keep_age), "90d", 0, 0, NULL},
	{"retention.backup", SPAN, AT(backup), "1h", 0, 0, NULL},
	{"self.quiet", SPAN, AT(quiet), "10m", 0, 0, NULL},
	{"self.late", SPAN, AT(late), "60s", 0, 0, NULL},
	{"self.disk_free", NUMBER, AT(disk_free), "268435456", 0, UINT64_MAX >> 2, NULL},
	{"self.reserve", NUMBER, AT(reserve), "16777216", 0, UINT32_MAX, NULL},
	{"self.heartbeat", SPAN, AT(heartbeat), "5m", 0, 0, NULL},
	{"log.level", WORD, AT(log_level), "info", 0, 4, level_words},
	{"log.journal", TEXT, AT(journal), NULL, 0, 0, NULL},
	{"log.capture", TEXT, AT(capture), NULL, 0, 0, NULL},
	{"log.capture_size", NUMBER, AT(capture_size), "1073741824", 65536, UINT64_MAX >> 2, NULL},
};

struct reader {
	const char *file;
	yaml_document_t *doc;
	struct fmd_conf *conf;
	struct fm_err *err;
	/* where topics are named, for what is found when all of them are known */
	const yaml_node_t *input_at[CONF_MAX_LIST], *outputs_at;
};

static int FM_PRINTF(3, 4)
bad(const struct reader *rd, const yaml_node_t *node, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fm_fail(rd->err, -EINVAL, "%s:%zu:%zu: %s", rd->file, node->start_mark.line + 1,
		       node->start_mark.column + 1, text);
}

static const char *
scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int
word_index(const char *const *words, const char *s)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], s) == 0)
			return i;
	return -1;
}

/* -1: not a value of its kind. */
static int
assign(struct fmd_conf *conf, const struct setting *st, const char *value)
{
	char *at = (char *)conf + st->offset, *end;
	struct fm_span span;
	uint64_t n;
	int w;

	switch (st->kind) {
	case TEXT:
		if (st->max > 0 && (strlen(value) < st->min || strlen(value) > st->max))
			return -1;
		fm_freep(at);
		*(char **)(void *)at = fm_strdup(value);
		return 0;
	case NUMBER:
		n = strtoull(value, &end, 10);
		if (*value < '0' || *value > '9' || *end != '\0' || n < st->min || n > st->max)
			return -1;
		*(uint64_t *)(void *)at = n;
		return 0;
	case SPAN:
		if (fm_span_parse(value, strlen(value), &span) < 0 || span.ns < 0)
			return -1;
		*(struct fm_span *)(void *)at = span;
		return 0;
	case WORD:
		w = word_index(st->words, value);
		if (w < 0)
			return -1;
		*(uint64_t *)(void *)at = (uint64_t)w;
		return 0;
	}
	return -1;
}

static int
read_setting(struct reader *rd, const struct setting *st, const yaml_node_t *node)
{
	char bounds[128] = "";
	const char *value = scalar(node);

	if (value == NULL)
		return bad(rd, node, "%s: a single value is needed", st->path);
	if (assign(rd->conf, st, value) == 0)
		return 0;
	if (st->kind == NUMBER)
		snprintf(bounds, sizeof(bounds), "a number from %llu to %llu",
			 (unsigned long long)st->min, (unsigned long long)st->max);
	else if (st->kind == TEXT)
		snprintf(bounds, sizeof(bounds), "a text of %llu to %llu bytes",
			 (unsigned long long)st->min, (unsigned long long)st->max);
	else if (st->kind == SPAN)
		snprintf(bounds, sizeof(bounds), "a time such as 30s, 12h or 90d");
	else
		for (int i = 0; st->words[i] != NULL; i++)
			snprintf(bounds + strlen(bounds), sizeof(bounds) - strlen(bounds), "%s%s",
				 i > 0 ? ", " : "one of ", st->words[i]);
	return bad(rd, node, "%s: not %s", st->path, bounds);
}

/* ---- lists ------------------------------------------------------------------------------------- */

static yaml_node_t *
node_of(const struct reader *rd, int id)
{
	return yaml_document_get_node(rd->doc, id);
}

static int
read_input(struct reader *rd, const yaml_node_t *map)
{
	struct conf_input *in = &rd->conf->input[rd->conf->n_inputs];

	if (map->type != YAML_MAPPING_NODE)
		return bad(rd, map, "kafka.inputs: each is {topic: NAME, format: auto}");
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = node_of(rd, p->key), *val = node_of(rd, p->value);
		const char *k = scalar(key), *v = scalar(val);
		int w;

		if (k != NULL && strcmp(k, "topic") == 0 && v != NULL) {
			fm_freep(&in->topic);
			in->topic = fm_strdup(v);
		} else if (k != NULL && strcmp(k, "format") == 0 && v != NULL) {
			w = word_index(format_words, v);
			if (w < 0)
				return bad(rd, val, "kafka.inputs: format %s is not one of auto, "
					   "nova, libvirt, request", v);
			in->format = (enum conf_format)w;
		} else {
			return bad(rd, key, "kafka.inputs: unknown key %s", k ? k : "");
		}
	}
	if (in->topic == NULL)
		return bad(rd, map, "kafka.inputs: topic is missing");
	rd->input_at[rd->conf->n_inputs++] = map;
	return 0;
}

struct target_key {
	const char *name;
	size_t offset;
};
#define TAT(field) offsetof(struct fmagent_target, field)
static const struct target_key target_texts[] = {
	{"name", TAT(name)}, {"address", TAT(address)}, {"community_file", TAT(community_file)},
	{"user", TAT(user)}, {"auth_file", TAT(auth_file)}, {"priv_file", TAT(priv_file)},
};
static const char *const version_words[] = {"2c", "3", NULL};
static const char *const profile_words[] = {"wrs", "fm", NULL};
static const char *const auth_words[] = {"none", "sha1", "sha224", "sha256", "sha384", "sha512",
	NULL};
static const char *const priv_words[] = {"none", "aes128", "aes192", "aes256", NULL};
static const char *const bool_words[] = {"false", "true", NULL};
static const char *const severity_words[] = {"any", "warning", "minor", "major", "critical", NULL};

/* 1: not a key of this kind. */
static int
target_word(struct fmagent_target *t, const char *k, const char *v)
{
	const struct {
		const char *name;
		const char *const *words;
	} key[] = {{"version", version_words}, {"profile", profile_words}, {"auth", auth_words},
		{"priv", priv_words}, {"inform", bool_words}, {"logs", bool_words},
		{"min_severity", severity_words}};
	unsigned i = 0;
	int w;

	while (i < FM_ARRAY_LEN(key) && strcmp(key[i].name, k) != 0)
		i++;
	if (i == FM_ARRAY_LEN(key))
		return 1;
	w = word_index(key[i].words, v);
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

static int
target_key(struct reader *rd, struct fmagent_target *t, const yaml_node_t *key,
	   const yaml_node_t *val)
{
	const char *k = scalar(key), *v = scalar(val);
	int r;

	if (k == NULL || v == NULL)
		return bad(rd, val, "snmp.targets: a single value is needed");
	for (unsigned i = 0; i < FM_ARRAY_LEN(target_texts); i++) {
		const char **at = (const char **)(void *)((char *)t + target_texts[i].offset);

		if (strcmp(target_texts[i].name, k) != 0)
			continue;
		free((void *)(uintptr_t)*at);
		*at = fm_strdup(v);
		return 0;
	}
	if (strcmp(k, "timeout") == 0)
		return fm_span_parse(v, strlen(v), &t->timeout) == 0 ? 0 :
			bad(rd, val, "snmp.targets: timeout %s is not a time such as 2s", v);
	r = target_word(t, k, v);
	if (r > 0)
		return bad(rd, key, "snmp.targets: unknown key %s", k);
	return r < 0 ? bad(rd, val, "snmp.targets: %s cannot be %s", k, v) : 0;
}

static int
read_target(struct reader *rd, const yaml_node_t *map)
{
	struct fmagent_target *t = &rd->conf->target[rd->conf->n_targets];
	int r = 0;

	if (map->type != YAML_MAPPING_NODE)
		return bad(rd, map, "snmp.targets: each is a mapping");
	rd->conf->n_targets++;
	t->auth = FMAGENT_AUTH_SHA256;
	t->priv = FMAGENT_PRIV_AES128;
	t->profile = FMAGENT_WRS;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     r == 0 && p < map->data.mapping.pairs.top; p++)
		r = target_key(rd, t, node_of(rd, p->key), node_of(rd, p->value));
	if (r == 0 && (t->name == NULL || t->address == NULL))
		return bad(rd, map, "snmp.targets: name and address are needed");
	return r;
}

static int
read_list(struct reader *rd, const char *path, const yaml_node_t *node,
	  int (*read_one)(struct reader *, const yaml_node_t *), unsigned *n)
{
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return bad(rd, node, "%s: a list is needed", path);
	for (const yaml_node_item_t *it = node->data.sequence.items.start;
	     r == 0 && it < node->data.sequence.items.top; it++) {
		if (*n >= CONF_MAX_LIST)
			return bad(rd, node, "%s: too many entries", path);
		r = read_one(rd, node_of(rd, *it));
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

static int
read_map(struct reader *rd, const yaml_node_t *node)
{
	struct fm_err cause = {0};

	if (node->type != YAML_MAPPING_NODE)
		return bad(rd, node, "kafka.librdkafka: a mapping is needed");
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = node_of(rd, p->key), *val = node_of(rd, p->value);

		if (scalar(key) == NULL || scalar(val) == NULL ||
		    rd->conf->n_settings == CONF_MAX_LIST)
			return bad(rd, key, "kafka.librdkafka: single values only");
		const struct kafka_setting s = {scalar(key), scalar(val)};

		if (kafka_setting_check(&s, &cause) < 0)
			return bad(rd, key, "%s", cause.msg);
		rd->conf->setting[rd->conf->n_settings++] = (struct kafka_setting){
			fm_strdup(s.key), fm_strdup(s.value)};
	}
	return 0;
}

/* ---- the tree ------------------------------------------------------------------------------------ */

static int read_section(struct reader *rd, const char *prefix, const yaml_node_t *map);

static const struct setting *
find_setting(const char *path)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].path, path) == 0)
			return &settings[i];
	return NULL;
}

static bool
is_section(const char *path)
{
	const size_t n = strlen(path);

	for (unsigned i = 0; i < FM_ARRAY_LEN(settings); i++)
		if (strncmp(settings[i].path, path, n) == 0 && settings[i].path[n] == '.')
			return true;
	return false;
}

static int
read_member(struct reader *rd, const char *path, const yaml_node_t *key, const yaml_node_t *val)
{
	const struct setting *st = find_setting(path);

	if (st != NULL)
		return read_setting(rd, st, val);
	if (strcmp(path, "kafka.inputs") == 0) {
		clear_inputs(rd->conf);
		return read_list(rd, path, val, read_input, &rd->conf->n_inputs);
	}
	if (strcmp(path, "kafka.librdkafka") == 0)
		return read_map(rd, val);
	if (strcmp(path, "snmp.targets") == 0)
		return read_list(rd, path, val, read_target, &rd->conf->n_targets);
	if (strcmp(path, "kafka.outputs") == 0)
		rd->outputs_at = val;
	if (is_section(path))
		return read_section(rd, path, val);
	return bad(rd, key, "unknown key %s (see fmd.yaml(5))", path);
}

static int
read_section(struct reader *rd, const char *prefix, const yaml_node_t *map)
{
	char seen[CONF_MAX_LIST][64];
	unsigned n = 0;
	int r = 0;

	if (map->type != YAML_MAPPING_NODE)
		return bad(rd, map, "%s: a mapping is needed", *prefix ? prefix : "the file");
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     r == 0 && p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = node_of(rd, p->key);
		char path[64];

		if (scalar(key) == NULL || n == CONF_MAX_LIST)
			return bad(rd, key, "a key must be a word");
		snprintf(path, sizeof(path), "%s%s%.40s", prefix, *prefix ? "." : "", scalar(key));
		for (unsigned i = 0; i < n; i++)
			if (strcmp(seen[i], path) == 0)
				return bad(rd, key, "%s is given twice", path);
		memcpy(seen[n++], path, sizeof(path));
		r = read_member(rd, path, key, node_of(rd, p->value));
	}
	return r;
}

/* ---- topics -------------------------------------------------------------------------------------- */

/* What Kafka takes for a name. */
static bool
is_topic(const char *name)
{
	const size_t n = strlen(name);

	return n > 0 && n <= 249 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
		== n;
}

static int
check_inputs(const struct reader *rd, const yaml_node_t *root)
{
	const struct fmd_conf *c = rd->conf;

	if (c->n_inputs == 0)
		return bad(rd, root, "kafka.inputs: at least one topic is needed");
	for (unsigned i = 0; i < c->n_inputs; i++) {
		const yaml_node_t *at = rd->input_at[i] != NULL ? rd->input_at[i] : root;

		if (!is_topic(c->input[i].topic))
			return bad(rd, at, "kafka.inputs: \"%.64s\" cannot be the name of a topic",
				   c->input[i].topic);
		for (unsigned j = 0; j < i; j++)
			if (strcmp(c->input[i].topic, c->input[j].topic) == 0)
				return bad(rd, at, "kafka.inputs: %s is given twice",
					   c->input[i].topic);
	}
	return 0;
}

/* fmd would read what it writes, and write about what it has read, for ever. */
static int
check_outputs(const struct reader *rd, const yaml_node_t *root)
{
	const struct fmd_conf *c = rd->conf;
	const yaml_node_t *at = rd->outputs_at != NULL ? rd->outputs_at : root;
	const char *const out[] = {c->out_alarms, c->out_transitions, c->out_quarantine};

	for (unsigned i = 0; i < FM_ARRAY_LEN(out); i++) {
		if (!is_topic(out[i]))
			return bad(rd, at, "kafka.outputs: \"%.64s\" cannot be the name of a topic",
				   out[i]);
		for (unsigned j = 0; j < i; j++)
			if (strcmp(out[i], out[j]) == 0)
				return bad(rd, at, "kafka.outputs: %s is given twice", out[i]);
		for (unsigned j = 0; j < c->n_inputs; j++)
			if (strcmp(out[i], c->input[j].topic) == 0)
				return bad(rd, at, "kafka.outputs: %s is read, too: fmd would feed "
					   "itself", out[i]);
	}
	return 0;
}

/* ---- the file -------------------------------------------------------------------------------------- */

/* libyaml's cost grows with the square of the nesting: refuse it before it is parsed. */
static bool
too_deep(const char *s, size_t len)
{
	int depth = 0, most = 0;

	for (size_t i = 0; i < len; i++) {
		depth += s[i] == '[' || s[i] == '{';
		depth -= s[i] == ']' || s[i] == '}';
		most = depth > most ? depth : most;
	}
	return most > 16;
}

static int
read_file(const char *path, struct fm_buf *ret, struct fm_err *err)
{
	int r = fm_file_read(path, FM_FILE_CONFIG, CONF_MAX_FILE + 1, ret, err);

	if (r < 0)
		return r;
	if (ret->len > CONF_MAX_FILE || (ret->len > 0 && too_deep(ret->s, ret->len)))
		return fm_fail(err, -E2BIG, "%s:1:1: larger or deeper than a configuration may be",
			       path);
	return 0;
}

static int
not_yaml(const char *path, const yaml_parser_t *parser, struct fm_err *err)
{
	return fm_fail(err, -EINVAL, "%s:%zu:%zu: %s", path, parser->problem_mark.line + 1,
		       parser->problem_mark.column + 1,
		       parser->problem != NULL ? parser->problem : "not YAML");
}

/* What stands behind a line of "---" would be read by nobody. */
static int
parse_rest(struct reader *rd, yaml_parser_t *parser)
{
	yaml_document_t doc;
	const yaml_node_t *root;
	int r = 0;

	if (!yaml_parser_load(parser, &doc))
		return not_yaml(rd->file, parser, rd->err);
	root = yaml_document_get_root_node(&doc);
	if (root != NULL)
		r = bad(rd, root, "more than one YAML document");
	yaml_document_delete(&doc);
	return r;
}

static int
parse(const char *path, const struct fm_buf *text, struct fmd_conf *conf, struct fm_err *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct reader rd = {.file = path, .doc = &doc, .conf = conf, .err = err};
	const yaml_node_t *root;
	int r = 0;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)(text->s ? text->s : ""),
				     text->len);
	if (!yaml_parser_load(&parser, &doc)) {
		r = not_yaml(path, &parser, err);
		yaml_parser_delete(&parser);
		return r;
	}
	root = yaml_document_get_root_node(&doc);
	if (root != NULL) {
		r = read_section(&rd, "", root);
		r = r == 0 ? check_inputs(&rd, root) : r;
		r = r == 0 ? check_outputs(&rd, root) : r;
		r = r == 0 ? parse_rest(&rd, &parser) : r;
	}
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return r;
}

struct fmd_conf *
conf_default(void)
{
	static const char *const topics[] = {"notifications.info", "notifications.error",
		"versioned_notifications.info", "versioned_notifications.error", "libvirt.events",
		"fm.requests"};
	struct fmd_conf *conf = fm_calloc(1, sizeof(*conf));

	for (unsigned i = 0; i < FM_ARRAY_LEN(settings); i++)
		if (settings[i].preset != NULL)
			fm_assert(assign(conf, &settings[i], settings[i].preset) == 0);
	for (unsigned i = 0; i < FM_ARRAY_LEN(topics); i++)
		conf->input[conf->n_inputs++].topic = fm_strdup(topics[i]);
	return conf;
}

int
conf_load(const char *path, struct fmd_conf **ret, struct fm_err *err)
{
	struct fmd_conf *conf = conf_default();
	struct fm_buf text = {0};
	int r = read_file(path, &text, err);

	if (r == 0)
		r = parse(path, &text, conf, err);
	fm_buf_fini(&text);
	if (r < 0) {
		conf_free(conf);
		return r;
	}
	*ret = conf;
	return 0;
}

void
conf_free(struct fmd_conf *conf)
{
	if (conf == NULL)
		return;
	for (unsigned i = 0; i < FM_ARRAY_LEN(settings); i++)
		if (settings[i].kind == TEXT)
			fm_freep((char *)conf + settings[i].offset);
	clear_inputs(conf);
	for (unsigned i = 0; i < conf->n_settings; i++) {
		free((void *)(uintptr_t)conf->setting[i].key);
		free((void *)(uintptr_t)conf->setting[i].value);
	}
	for (unsigned i = 0; i < conf->n_targets; i++)
		for (unsigned k = 0; k < FM_ARRAY_LEN(target_texts); k++)
			free((void *)(uintptr_t)*(const char **)(void *)
			     ((char *)&conf->target[i] + target_texts[k].offset));
	free(conf);
}

/* ---- printing ---------------------------------------------------------------------------------------- */

/* What a terminal would obey, or a plain scalar not keep, stands as an escape of YAML. */
static void
add_escaped(struct fm_buf *b, const char *s)
{
	fm_buf_adds(b, "\"");
	for (size_t n, len = strlen(s); len > 0; s += n, len -= n) {
		uint32_t cp = 0;

		n = fm_utf8_decode(s, len, &cp);
		fm_assert(n > 0);       /* libyaml takes nothing else */
		if (cp == '"' || cp == '\\')
			fm_buf_addf(b, "\\%c", (char)cp);
		else if (cp >= 0x20 && cp < 0x7f)
			fm_buf_add(b, s, n);
		else
			fm_buf_addf(b, "\\U%08x", (unsigned)cp);
	}
	fm_buf_adds(b, "\"");
}

static bool
is_plain(const char *s)
{
	while (*s >= 0x20 && *s < 0x7f)
		s++;
	return *s == '\0';
}

static void
add_text(struct fm_buf *b, const char *s)
{
	if (!is_plain(s)) {
		add_escaped(b, s);
		return;
	}
	fm_buf_adds(b, "'");
	for (; *s != '\0'; s++)
		if (*s == '\'')
			fm_buf_adds(b, "''");
		else
			fm_buf_add(b, s, 1);
	fm_buf_adds(b, "'");
}

static void
print_text(struct fm_buf *b, const char *s)
{
	add_text(b, s);
	fm_buf_adds(b, "\n");
}

static void
print_value(const struct fmd_conf *conf, const struct setting *st, struct fm_buf *b)
{
	const char *at = (const char *)conf + st->offset;
	char span[FM_SPAN_STR];

	switch (st->kind) {
	case TEXT:
		print_text(b, *(const char *const *)(const void *)at);
		return;
	case NUMBER:
		fm_buf_addf(b, "%llu\n", (unsigned long long)*(const uint64_t *)(const void *)at);
		return;
	case SPAN:
		fm_buf_addf(b, "%s\n",
			    fm_span_format(*(const struct fm_span *)(const void *)at, span));
		return;
	case WORD:
		fm_buf_addf(b, "%s\n", st->words[*(const uint64_t *)(const void *)at]);
		return;
	}
}

/* Headings for what is new in path against the last one printed; returns the member's name. */
static const char *
print_headings(struct fm_buf *b, const char *path, char last[64])
{
	const char *name = path, *dot;
	unsigned depth = 0;

	for (; (dot = strchr(name, '.')) != NULL; name = dot + 1, depth++)
		if (strncmp(last, path, (size_t)(dot - path) + 1) != 0)
			fm_buf_addf(b, "%*s%.*s:\n", (int)depth * 4, "", (int)(dot - name), name);
	snprintf(last, 64, "%s", path);
	fm_buf_addf(b, "%*s%s: ", (int)depth * 4, "", name);
	return name;
}

static void
print_inputs(const struct fmd_conf *conf, struct fm_buf *b)
{
	fm_buf_adds(b, "    inputs:\n");
	for (unsigned i = 0; i < conf->n_inputs; i++) {
		fm_buf_adds(b, "        - {topic: ");
		add_text(b, conf->input[i].topic);
		fm_buf_addf(b, ", format: %s}\n", format_words[conf->input[i].format]);
	}
	if (conf->n_settings > 0)
		fm_buf_adds(b, "    librdkafka:\n");
	for (unsigned i = 0; i < conf->n_settings; i++) {
		const char *key = conf->setting[i].key;

		fm_buf_adds(b, "        ");
		if (*key != '\0' && strspn(key, "abcdefghijklmnopqrstuvwxyz.") == strlen(key))
			fm_buf_adds(b, key);
		else
			add_text(b, key);
		fm_buf_adds(b, ": ");
		print_text(b, conf->setting[i].value);
	}
}

static void
print_targets(const struct fmd_conf *conf, struct fm_buf *b)
{
	fm_buf_adds(b, "snmp:\n");
	for (unsigned i = 0; i < FM_ARRAY_LEN(settings); i++) {
		if (strncmp(settings[i].path, "snmp.", 5) != 0)
			continue;
		if (settings[i].kind != TEXT || *(const char *const *)(const void *)
		    ((const char *)conf + settings[i].offset) != NULL) {
			fm_buf_addf(b, "    %s: ", settings[i].path + 5);
			print_value(conf, &settings[i], b);
		}
	}
	fm_buf_adds(b, conf->n_targets > 0 ? "    targets:\n" : "    targets: []\n");
	for (unsigned i = 0; i < conf->n_targets; i++) {
		const struct fmagent_target *t = &conf->target[i];
		char span[FM_SPAN_STR];

		fm_buf_addf(b, "        - version: %s\n          profile: %s\n          auth: %s\n"
			    "          priv: %s\n          inform: %s\n          logs: %s\n"
			    "          min_severity: %s\n          timeout: %s\n",
			    version_words[t->version], profile_words[t->profile],
			    auth_words[t->auth], priv_words[t->priv], bool_words[t->inform],
			    bool_words[t->logs], severity_words[t->min_severity],
			    fm_span_format(t->timeout, span));
		for (unsigned k = 0; k < FM_ARRAY_LEN(target_texts); k++) {
			const char *v = *(const char *const *)(const void *)((const char *)t +
				target_texts[k].offset);

			if (v == NULL)
				continue;
			fm_buf_addf(b, "          %s: ", target_texts[k].name);
			print_text(b, v);
		}
	}
}

void
conf_print(const struct fmd_conf *conf, struct fm_buf *ret)
{
	char last[64] = "";

	for (unsigned i = 0; i < FM_ARRAY_LEN(settings); i++) {
		const struct setting *st = &settings[i];
		const char *at = (const char *)conf + st->offset;

		if (strncmp(st->path, "snmp.", 5) == 0 ||
		    (st->kind == TEXT && *(const char *const *)(const void *)at == NULL))
			continue;
		(void)print_headings(ret, st->path, last);
		print_value(conf, st, ret);
		if (strcmp(st->path, "kafka.outputs.quarantine") == 0)
			print_inputs(conf, ret);
	}
	print_targets(conf, ret);
}
