/*
 * conf: the settings as a table, and the reading of fmd.yaml by it. Lists (inputs, targets) and
 * the map passed on to librdkafka have readers of their own.
 */
#include "base/file.h"
#include "fmd/conf_read_priv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

static const char *const start_words[] = {"earliest", "latest", NULL};
static const char *const lost_words[] = {"resume", "stop", NULL};
static const char *const level_words[] = {"error", "warning", "notice", "info", "debug", NULL};

#define AT(field) offsetof(struct fmd_conf, field)
/* What a socket's address holds; the kernel is told no more, and libuv cuts the rest off. */
#define MAX_SOCKET (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

#define MAX_GROUP 255

const struct conf_setting conf_settings[] = {
	{"state_dir", CONF_TEXT, AT(state_dir), "/var/lib/fmd", 1, PATH_MAX, NULL},
	{"catalogue", CONF_TEXT, AT(catalogue), FMD_SYSCONF "/events.yaml", 1, PATH_MAX, NULL},
	{"control.socket", CONF_TEXT, AT(socket), "/run/fmd/fmd.sock", 1, MAX_SOCKET, NULL},
	{"control.read_group", CONF_TEXT, AT(read_group), "fm", 1, MAX_GROUP, NULL},
	{"control.write_group", CONF_TEXT, AT(write_group), "fm-admin", 1, MAX_GROUP, NULL},
	{"kafka.brokers", CONF_TEXT, AT(brokers), "localhost:9092", 1, CONF_MAX_FILE, NULL},
	{"kafka.start", CONF_WORD, AT(start_latest), "latest", 0, 1, start_words},
	{"kafka.lost_position", CONF_WORD, AT(lost_stop), "resume", 0, 1, lost_words},
	{"kafka.outputs.alarms", CONF_TEXT, AT(out_alarms), "fm.alarms", 0, 0, NULL},
	{"kafka.outputs.transitions", CONF_TEXT, AT(out_transitions), "fm.transitions", 0, 0, NULL},
	{"kafka.outputs.quarantine", CONF_TEXT, AT(out_quarantine), "fm.quarantine", 0, 0, NULL},
	{"snmp.engine_id", CONF_TEXT, AT(engine_id), NULL, 0, 0, NULL},
	{"snmp.region", CONF_TEXT, AT(region), NULL, 0, 0, NULL},
	{"snmp.system", CONF_TEXT, AT(system), NULL, 0, 0, NULL},
	{"snmp.agentx", CONF_TEXT, AT(agentx), NULL, 0, 0, NULL},
	{"snmp.history", CONF_NUMBER, AT(history), "1000", 0, 10000, NULL},
	{"limits.record", CONF_NUMBER, AT(record), "65536", 1024, 1048576, NULL},
	{"limits.depth", CONF_NUMBER, AT(depth), "32", 8, 256, NULL},
	{"limits.cycle_records", CONF_NUMBER, AT(cycle_records), "50000", 1, 100000, NULL},
	{"limits.cycle_ms", CONF_NUMBER, AT(cycle_ms), "100", 1, 1000, NULL},
	{"limits.what_if", CONF_NUMBER, AT(what_if), "100000", 0, 10000000, NULL},
	{"limits.clients", CONF_NUMBER, AT(clients), "64", 1, 1024, NULL},
	{"limits.bad_records", CONF_NUMBER, AT(bad_records), "10", 0, SPOIL_WINDOW, NULL},
	{"limits.starts", CONF_NUMBER, AT(starts), "3", 0, 1000, NULL},
	{"retention.transitions", CONF_NUMBER, AT(keep_transitions), "1000000", 1000, 1000000000, NULL},
	{"retention.backlog", CONF_NUMBER, AT(keep_backlog), "1000000", 1000, 1000000000, NULL},
	{"retention.age", CONF_SPAN, AT(keep_age), "90d", 0, 0, NULL},
	{"retention.backup", CONF_SPAN, AT(backup), "1h", 0, 0, NULL},
	{"self.quiet", CONF_SPAN, AT(quiet), "10m", 0, 0, NULL},
	{"self.late", CONF_SPAN, AT(late), "60s", 0, 0, NULL},
	{"self.disk_free", CONF_NUMBER, AT(disk_free), "268435456", 0, UINT64_MAX >> 2, NULL},
	{"self.reserve", CONF_NUMBER, AT(reserve), "16777216", 0, UINT32_MAX, NULL},
	{"self.heartbeat", CONF_SPAN, AT(heartbeat), "5m", 0, 0, NULL},
	{"log.level", CONF_WORD, AT(log_level), "info", 0, 4, level_words},
	{"log.journal", CONF_TEXT, AT(journal), NULL, 1, PATH_MAX, NULL},
	{"log.capture", CONF_TEXT, AT(capture), NULL, 1, PATH_MAX, NULL},
	{"log.capture_size", CONF_NUMBER, AT(capture_size), "1073741824", 65536, UINT64_MAX >> 2, NULL},
};

const unsigned conf_n_settings = FM_ARRAY_LEN(conf_settings);
_Static_assert(FM_ARRAY_LEN(conf_settings) <= CONF_MAX_SETTINGS, "each has a place");

int
conf_bad(const struct conf_reader *rd, const yaml_node_t *node, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fm_fail(rd->err, -EINVAL, "%s:%zu:%zu: %s", rd->file, node->start_mark.line + 1,
		       node->start_mark.column + 1, text);
}

const char *
conf_scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

struct conf_place
conf_place_of(const yaml_node_t *node)
{
	return (struct conf_place){(unsigned)node->start_mark.line + 1,
		(unsigned)node->start_mark.column + 1};
}

yaml_node_t *
conf_node(const struct conf_reader *rd, int id)
{
	return yaml_document_get_node(rd->doc, id);
}

int
conf_word_index(const char *const *words, const char *s)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], s) == 0)
			return i;
	return -1;
}

/* -1: not a value of its kind. */
static int
assign(struct fmd_conf *conf, const struct conf_setting *st, const char *value)
{
	char *at = (char *)conf + st->offset, *end;
	struct fm_span span;
	uint64_t n;
	int w;

	switch (st->kind) {
	case CONF_TEXT:
		if (st->max > 0 && (strlen(value) < st->min || strlen(value) > st->max))
			return -1;
		fm_freep(at);
		*(char **)(void *)at = fm_strdup(value);
		return 0;
	case CONF_NUMBER:
		n = strtoull(value, &end, 10);
		if (*value < '0' || *value > '9' || *end != '\0' || n < st->min || n > st->max)
			return -1;
		*(uint64_t *)(void *)at = n;
		return 0;
	case CONF_SPAN:
		if (fm_span_parse(value, strlen(value), &span) < 0 || span.ns < 0)
			return -1;
		*(struct fm_span *)(void *)at = span;
		return 0;
	case CONF_WORD:
		w = conf_word_index(st->words, value);
		if (w < 0)
			return -1;
		*(uint64_t *)(void *)at = (uint64_t)w;
		return 0;
	}
	return -1;
}

static int
read_setting(struct conf_reader *rd, const struct conf_setting *st, const yaml_node_t *node)
{
	char bounds[128] = "";
	const char *value = conf_scalar(node);

	if (value == NULL)
		return conf_bad(rd, node, "%s: a single value is needed", st->path);
	rd->conf->place[st - conf_settings] = conf_place_of(node);
	if (assign(rd->conf, st, value) == 0)
		return 0;
	if (st->kind == CONF_NUMBER)
		snprintf(bounds, sizeof(bounds), "a number from %llu to %llu",
			 (unsigned long long)st->min, (unsigned long long)st->max);
	else if (st->kind == CONF_TEXT)
		snprintf(bounds, sizeof(bounds), "a text of %llu to %llu bytes",
			 (unsigned long long)st->min, (unsigned long long)st->max);
	else if (st->kind == CONF_SPAN)
		snprintf(bounds, sizeof(bounds), "a time such as 30s, 12h or 90d");
	else
		for (int i = 0; st->words[i] != NULL; i++)
			snprintf(bounds + strlen(bounds), sizeof(bounds) - strlen(bounds), "%s%s",
				 i > 0 ? ", " : "one of ", st->words[i]);
	return conf_bad(rd, node, "%s: not %s", st->path, bounds);
}

/* ---- the tree ------------------------------------------------------------------------------------ */

static int read_section(struct conf_reader *rd, const char *prefix, const yaml_node_t *map);

static const struct conf_setting *
find_setting(const char *path)
{
	for (unsigned i = 0; i < conf_n_settings; i++)
		if (strcmp(conf_settings[i].path, path) == 0)
			return &conf_settings[i];
	return NULL;
}

static bool
is_section(const char *path)
{
	const size_t n = strlen(path);

	for (unsigned i = 0; i < conf_n_settings; i++)
		if (strncmp(conf_settings[i].path, path, n) == 0 && conf_settings[i].path[n] == '.')
			return true;
	return false;
}

static int
read_member(struct conf_reader *rd, const char *path, const yaml_node_t *key, const yaml_node_t *val)
{
	const struct conf_setting *st = find_setting(path);

	if (st != NULL)
		return read_setting(rd, st, val);
	if (strcmp(path, "kafka.inputs") == 0)
		return conf_read_inputs(rd, val);
	if (strcmp(path, "kafka.librdkafka") == 0)
		return conf_read_librdkafka(rd, val);
	if (strcmp(path, "snmp.targets") == 0)
		return conf_read_targets(rd, val);
	if (strcmp(path, "kafka.outputs") == 0)
		rd->outputs_at = val;
	if (is_section(path))
		return read_section(rd, path, val);
	return conf_bad(rd, key, "unknown key %s (see fmd.yaml(5))", path);
}

static int
read_section(struct conf_reader *rd, const char *prefix, const yaml_node_t *map)
{
	int r = 0;

	if (map->type != YAML_MAPPING_NODE)
		return conf_bad(rd, map, "%s: a mapping is needed", *prefix ? prefix : "the file");
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     r == 0 && p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = conf_node(rd, p->key);
		char path[64];

		if (conf_scalar(key) == NULL)
			return conf_bad(rd, key, "a key must be a word");
		snprintf(path, sizeof(path), "%s%s%.40s", prefix, *prefix ? "." : "", conf_scalar(key));
		r = read_member(rd, path, key, conf_node(rd, p->value));
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
check_inputs(const struct conf_reader *rd, const yaml_node_t *root)
{
	const struct fmd_conf *c = rd->conf;

	if (c->n_inputs == 0)
		return conf_bad(rd, root, "kafka.inputs: at least one topic is needed");
	for (unsigned i = 0; i < c->n_inputs; i++) {
		const yaml_node_t *at = rd->input_at[i] != NULL ? rd->input_at[i] : root;

		if (!is_topic(c->input[i].topic))
			return conf_bad(rd, at, "kafka.inputs: \"%.64s\" cannot be the name of a topic",
				   c->input[i].topic);
		for (unsigned j = 0; j < i; j++)
			if (strcmp(c->input[i].topic, c->input[j].topic) == 0)
				return conf_bad(rd, at, "kafka.inputs: %s is given twice",
					   c->input[i].topic);
	}
	return 0;
}

/* fmd would read what it writes, and write about what it has read, for ever. */
static int
check_outputs(const struct conf_reader *rd, const yaml_node_t *root)
{
	const struct fmd_conf *c = rd->conf;
	const yaml_node_t *at = rd->outputs_at != NULL ? rd->outputs_at : root;
	const char *const out[] = {c->out_alarms, c->out_transitions, c->out_quarantine};

	for (unsigned i = 0; i < FM_ARRAY_LEN(out); i++) {
		if (!is_topic(out[i]))
			return conf_bad(rd, at, "kafka.outputs: \"%.64s\" cannot be the name of a topic",
				   out[i]);
		for (unsigned j = 0; j < i; j++)
			if (strcmp(out[i], out[j]) == 0)
				return conf_bad(rd, at, "kafka.outputs: %s is given twice", out[i]);
		for (unsigned j = 0; j < c->n_inputs; j++)
			if (strcmp(out[i], c->input[j].topic) == 0)
				return conf_bad(rd, at, "kafka.outputs: %s is read, too: fmd would feed "
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

/* ---- what holds for every node ------------------------------------------------------------------- */

static int
check_keys(const struct conf_reader *rd, const yaml_node_t *map)
{
	const yaml_node_pair_t *const first = map->data.mapping.pairs.start;

	if (map->data.mapping.pairs.top - first > CONF_MAX_LIST)
		return conf_bad(rd, map, "more than %d keys", CONF_MAX_LIST);
	for (const yaml_node_pair_t *p = first; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = conf_node(rd, p->key);

		for (const yaml_node_pair_t *q = first; q < p && conf_scalar(key) != NULL; q++) {
			const char *before = conf_scalar(conf_node(rd, q->key));

			if (before != NULL && strcmp(before, conf_scalar(key)) == 0)
				return conf_bad(rd, key, "%s is given twice", before);
		}
	}
	return 0;
}

/* A value would end at a NUL, and a key that is given twice would have its last value. */
static int
check_nodes(const struct conf_reader *rd)
{
	int r = 0;

	for (const yaml_node_t *n = rd->doc->nodes.start; r == 0 && n < rd->doc->nodes.top; n++) {
		if (n->type == YAML_SCALAR_NODE &&
		    memchr(n->data.scalar.value, '\0', n->data.scalar.length) != NULL)
			r = conf_bad(rd, n, "a NUL is no part of any value");
		else if (n->type == YAML_MAPPING_NODE)
			r = check_keys(rd, n);
	}
	return r;
}

/* What stands behind a line of "---" would be read by nobody. */
static int
parse_rest(struct conf_reader *rd, yaml_parser_t *parser)
{
	yaml_document_t doc;
	const yaml_node_t *root;
	int r = 0;

	if (!yaml_parser_load(parser, &doc))
		return not_yaml(rd->file, parser, rd->err);
	root = yaml_document_get_root_node(&doc);
	if (root != NULL)
		r = conf_bad(rd, root, "more than one YAML document");
	yaml_document_delete(&doc);
	return r;
}

static int
parse(const char *path, const struct fm_buf *text, struct fmd_conf *conf, struct fm_err *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct conf_reader rd = {.file = path, .doc = &doc, .conf = conf, .err = err};
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
		r = check_nodes(&rd);
		r = r == 0 ? read_section(&rd, "", root) : r;
		r = r == 0 ? check_inputs(&rd, root) : r;
		r = r == 0 ? check_outputs(&rd, root) : r;
		r = r == 0 ? conf_check_values(conf, err) : r;
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

	for (unsigned i = 0; i < conf_n_settings; i++)
		if (conf_settings[i].preset != NULL)
			fm_assert(assign(conf, &conf_settings[i], conf_settings[i].preset) == 0);
	for (unsigned i = 0; i < FM_ARRAY_LEN(topics); i++)
		conf->input[conf->n_inputs++].topic = fm_strdup(topics[i]);
	return conf;
}

int
conf_load(const char *path, struct fmd_conf **ret, struct fm_err *err)
{
	struct fmd_conf *conf = conf_default();
	struct fm_buf text = {0};

	conf->file = fm_strdup(path);
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
	for (unsigned i = 0; i < conf_n_settings; i++)
		if (conf_settings[i].kind == CONF_TEXT)
			fm_freep((char *)conf + conf_settings[i].offset);
	conf_lists_free(conf);
	free(conf->file);
	free(conf);
}
