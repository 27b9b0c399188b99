/*
 * replay: recorded events under one catalogue, as transitions, or under two, as what changes. The
 * same capture and catalogue give the same output to the byte: times are in UTC, and nothing comes
 * from this machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alarm/alarm_json.h"
#include "fm/table_priv.h"
#include "fm/text_priv.h"
#include "fm/verbs_priv.h"
#include "offline/offline.h"

#define STREAM "replay"

struct output {
	const struct options *opt;
	struct fm_buf line;
	/* of a comparison */
	struct table *table;
	json_t *changes;
	uint64_t n[CHANGE_N];
};

/* ---- transitions ------------------------------------------------------------------------------ */

static void
print_json(struct output *out, const struct transition *tr)
{
	size_t len, alarm_len;
	char *text = transition_to_json(tr, STREAM, &len, &alarm_len);

	text_json(&out->line, text, len);
	free(text);
}

static void
print_text(struct output *out, const struct transition *tr)
{
	const struct alarm *al = &tr->alarm;
	const char *status = al->status == SUPPR_NONE ? "" : suppression_status_name(al->status);
	char at[FM_TIME_STR];

	fm_buf_addf(&out->line, "%s  %8" PRIu64 "  %-10s  %-8s  %-7s  ", fm_time_format(tr->at, at),
		    tr->seq, transition_kind_name(tr->kind), severity_name(al->severity),
		    al->alarm_id);
	text_safe(&out->line, al->entity, strlen(al->entity));
	fm_buf_addf(&out->line, "%s%s%s  ", *status != '\0' ? "  (" : "", status,
		    *status != '\0' ? ")" : "");
	text_safe(&out->line, al->reason_text, strlen(al->reason_text));
}

static void
on_transition(void *ctx, struct transition *tr)
{
	struct output *out = ctx;

	fm_buf_reset(&out->line);
	if (out->opt->given & BIT(JSON))
		print_json(out, tr);
	else
		print_text(out, tr);
	fm_buf_adds(&out->line, "\n");
	fwrite(out->line.s, 1, out->line.len, stdout);
}

static void
say_stats(const struct replay_stats *st, const struct replay_until *until)
{
	char last[FM_TIME_STR];

	complain("%" PRIu64 " records: %" PRIu64 " applied, %" PRIu64 " without effect, %" PRIu64
		 " repeated, %" PRIu64 " late, %" PRIu64 " of unknown type, %" PRIu64
		 " not readable; %" PRIu64 " transitions", st->records, st->applied, st->no_effect,
		 st->duplicate, st->late, st->unknown, st->quarantined, st->transitions);
	if (until->at.ns != 0 && until->at.ns < st->last.ns)
		complain("--until is before the last record, of %s: it has no effect",
			 fm_time_format(st->last, last));
	if (st->backwards > 0)
		complain("%" PRIu64 " records are older than one before them: fmd reads partitions "
			 "merged by time, as \"fmd --capture\" writes them", st->backwards);
}

/* ---- differences -------------------------------------------------------------------------------- */

static void
add_row(struct output *out, const struct offline_change *c, const char *at)
{
	const char *texts[] = {offline_change_name(c->kind), c->alarm_id, c->entity, at, c->was,
		c->is};
	char *cells[FM_ARRAY_LEN(texts)];

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++) {
		struct fm_buf safe = {0};

		fm_buf_adds(&safe, "");
		text_safe(&safe, texts[i], strlen(texts[i]));
		cells[i] = safe.s;
	}
	table_add(out->table, cells);
	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++)
		free(cells[i]);
}

static void
on_change(void *ctx, const struct offline_change *c)
{
	struct output *out = ctx;
	char at[FM_TIME_STR];

	fm_time_format(c->at, at);
	out->n[c->kind]++;
	if (out->table != NULL)
		add_row(out, c, at);
	else
		json_array_append_new(out->changes, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
			"change", offline_change_name(c->kind), "alarm_id", c->alarm_id,
			"entity_instance_id", c->entity, "time", at, "before", c->was, "after",
			c->is));
}

static void
print_diff_json(struct output *out, uint64_t records)
{
	json_t *summary = json_object();

	for (unsigned i = 0; i < CHANGE_N; i++)
		json_object_set_new(summary, offline_change_name((enum offline_change_kind)i),
				    json_integer((json_int_t)out->n[i]));
	print_indented(json_pack("{s:I, s:o, s:o}", "records", (json_int_t)records, "summary",
				 summary, "changes", out->changes));
}

static void
print_diff_table(struct output *out)
{
	const struct look look = look_of(out->opt);
	struct fm_buf sum = {0};
	uint64_t total = 0;

	for (unsigned i = 0; i < CHANGE_N; i++) {
		if (out->n[i] > 0)
			fm_buf_addf(&sum, "%s%" PRIu64 " %s", total > 0 ? ", " : ": ", out->n[i],
				    offline_change_name((enum offline_change_kind)i));
		total += out->n[i];
	}
	if (total > 0)
		table_print(out->table, &look, out->opt->given & BIT(NO_HEADER) ? HEADER_NONE :
			    HEADER_SHOWN, ROWS_APART);
	(void)fflush(stdout);
	complain("%" PRIu64 " differences%s", total, sum.len > 0 ? sum.s : "");
	fm_buf_fini(&sum);
}

static void
compare(struct output *out, struct timeline *was, struct timeline *is, uint64_t records)
{
	static const struct table_column cols[] = {
		{.heading = "Change", .flex = FLEX_WORD}, {.heading = "Alarm ID"},
		{.heading = "Entity ID", .flex = FLEX_WRAP},
		{.heading = "Time", .flex = FLEX_WRAP}, {.heading = "Before", .flex = FLEX_WRAP},
		{.heading = "After", .flex = FLEX_WRAP},
	};

	if (out->opt->given & BIT(JSON))
		out->changes = json_array();
	else
		out->table = table_new(cols, FM_ARRAY_LEN(cols));
	offline_diff(was, is, on_change, out);
	if (out->table != NULL)
		print_diff_table(out);
	else
		print_diff_json(out, records);
	table_free(out->table);
}

/* ---- the verb ----------------------------------------------------------------------------------- */

static int
replay_into(const char *capture, const char *catalogue, const struct replay_until *until,
	    transition_sink_f *sink, void *ctx, struct replay_stats *ret, struct fm_err *err)
{
	struct catalogue *cat = NULL;
	int r = cat_load(catalogue, NULL, &cat, err);

	if (r == 0)
		r = offline_replay(capture, cat, *until, sink, ctx, ret, err);
	cat_free(cat);
	return r;
}

static int
run_diff(struct output *out, const char *catalogue, const struct replay_until *until,
	 struct fm_err *err)
{
	struct timeline *was = timeline_new(), *is = timeline_new();
	struct replay_stats st;
	int r;

	r = replay_into(out->opt->word[1], catalogue, until, timeline_take, was, &st, err);
	if (r == 0)
		r = replay_into(out->opt->word[1], out->opt->diff, until, timeline_take, is, &st, err);
	if (r == 0) {
		say_stats(&st, until);
		compare(out, was, is, st.records);
	}
	timeline_free(was);
	timeline_free(is);
	return r;
}

enum ctl_code
run_replay(const struct verb *verb, const struct options *opt)
{
	const char *catalogue = opt->catalog != NULL ? opt->catalog : FM_CATALOGUE;
	struct output out = {.opt = opt};
	struct replay_until until;
	struct replay_stats st;
	struct fm_err err = {0};
	int r;

	if (opt->n_words != 2)
		return usage_error(verb, "one capture is needed");
	if (options_until(opt, &until.at, &until.after, &err) < 0)
		return usage_error(verb, err.msg);
	if (opt->diff != NULL && strcmp(opt->word[1], "-") == 0)
		return usage_error(verb, "--diff reads the capture twice: it cannot be standard input");
	if (opt->diff != NULL) {
		r = run_diff(&out, catalogue, &until, &err);
	} else {
		r = replay_into(opt->word[1], catalogue, &until, on_transition, &out, &st, &err);
		(void)fflush(stdout);
		if (r == 0)
			say_stats(&st, &until);
	}
	if (r < 0)
		complain("%s", err.msg);
	fm_buf_fini(&out.line);
	return code_of(r);
}
