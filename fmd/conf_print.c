/* conf_print: the effective configuration as YAML that loads back to the same ("fmd -nv"). */
#include "fmd/conf_read_priv.h"

#include <stdio.h>

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
print_value(const struct fmd_conf *conf, const struct conf_setting *st, struct fm_buf *b)
{
	const char *at = (const char *)conf + st->offset;
	char span[FM_SPAN_STR];

	switch (st->kind) {
	case CONF_TEXT:
		print_text(b, *(const char *const *)(const void *)at);
		return;
	case CONF_NUMBER:
		fm_buf_addf(b, "%llu\n", (unsigned long long)*(const uint64_t *)(const void *)at);
		return;
	case CONF_SPAN:
		fm_buf_addf(b, "%s\n",
			    fm_span_format(*(const struct fm_span *)(const void *)at, span));
		return;
	case CONF_WORD:
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
		fm_buf_addf(b, ", format: %s}\n", conf_format_words[conf->input[i].format]);
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
	for (unsigned i = 0; i < conf_n_settings; i++) {
		if (strncmp(conf_settings[i].path, "snmp.", 5) != 0)
			continue;
		if (conf_settings[i].kind != CONF_TEXT || *(const char *const *)(const void *)
		    ((const char *)conf + conf_settings[i].offset) != NULL) {
			fm_buf_addf(b, "    %s: ", conf_settings[i].path + 5);
			print_value(conf, &conf_settings[i], b);
		}
	}
	fm_buf_adds(b, conf->n_targets > 0 ? "    targets:\n" : "    targets: []\n");
	for (unsigned i = 0; i < conf->n_targets; i++) {
		const struct fmagent_target *t = &conf->target[i];
		char span[FM_SPAN_STR];

		fm_buf_addf(b, "        - version: %s\n          profile: %s\n",
			    conf_version_words[t->version], conf_profile_words[t->profile]);
		if (t->version == FMAGENT_V3)
			fm_buf_addf(b, "          auth: %s\n          priv: %s\n",
				    conf_auth_words[t->auth], conf_priv_words[t->priv]);
		fm_buf_addf(b, "          inform: %s\n          logs: %s\n          min_severity: %s\n"
			    "          timeout: %s\n", conf_bool_words[t->inform],
			    conf_bool_words[t->logs], conf_severity_words[t->min_severity],
			    fm_span_format(t->timeout, span));
		for (unsigned k = 0; k < CONF_N_TARGET_TEXTS; k++) {
			const char *v = *(const char *const *)(const void *)((const char *)t +
				conf_target_texts[k].offset);

			if (v == NULL)
				continue;
			fm_buf_addf(b, "          %s: ", conf_target_texts[k].name);
			print_text(b, v);
		}
	}
}

void
conf_print(const struct fmd_conf *conf, struct fm_buf *ret)
{
	char last[64] = "";

	for (unsigned i = 0; i < conf_n_settings; i++) {
		const struct conf_setting *st = &conf_settings[i];
		const char *at = (const char *)conf + st->offset;

		if (strncmp(st->path, "snmp.", 5) == 0 ||
		    (st->kind == CONF_TEXT && *(const char *const *)(const void *)at == NULL))
			continue;
		(void)print_headings(ret, st->path, last);
		print_value(conf, st, ret);
		if (strcmp(st->path, "kafka.outputs.quarantine") == 0)
			print_inputs(conf, ret);
	}
	print_targets(conf, ret);
}
