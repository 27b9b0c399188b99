/*
 * run_scenario: runs scenario files in this process with virtual time: records go through the
 * real decoder into the correlator, and what comes out is compared with what is expected.
 *
 * Each file is run in three ways that must not differ in a single byte of output: as it stands,
 * with a restart after every step, and with time advanced in small steps between the inputs.
 *
 *   run_scenario FILE…             check; prints nothing when all is well
 *   run_scenario --dump FILE       print the transitions as "expect" lines
 *   run_scenario --records FILE    print the inputs as JSON lines
 *   run_scenario --journal FILE    print the transitions as JSON lines, as fmd would store them
 *   run_scenario --catalogue FILE  print the catalogue that it runs under
 *
 * Times of --records, --journal and --catalogue are relative to $FMD_SCENARIO_ZERO.
 */
#include "scn.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdlib.h>

#include "alarm/alarm_json.h"
#include "rows_copy.h"

#define FINE_STEP_MS 700
#define MAX_FINE_STEPS 20000

enum way { WAY_PLAIN, WAY_RESTARTS, WAY_FINE, WAY_N };
static const char *const way_name[] = {"plain", "restart after every step", "fine steps"};

/* One transition, copied. */
struct seen {
	enum transition_kind kind;
	struct fm_time at;
	bool notify;
	char *id, *entity, *text;
	enum severity severity, was;    /* was: SEV_NONE when it is not said */
	enum suppression_status status;
	struct fm_uuid root;
	struct seen *next;
};

struct run {
	struct scn *s;
	enum way way;
	bool dump, deaf;
	struct fm_time base;
	struct catalogue *cat;
	struct correlator *corr;
	struct decoder *dec;
	struct rows_copy rows;
	struct seen *head, **tail;      /* not yet expected */
	const char *allow[32];
	unsigned n_allow;
	int64_t offset;
	struct fm_buf journal;          /* every transition as JSON, a line each */
};

/* ---- output of the correlator ------------------------------------------------------------------ */

static bool
is_allowed(const struct run *run, const char *id)
{
	for (unsigned i = 0; i < run->n_allow; i++)
		if (fnmatch(run->allow[i], id, 0) == 0)
			return true;
	return false;
}

static void
print_span(FILE *f, struct fm_time at, struct fm_time base)
{
	char buf[FM_SPAN_STR];

	fputs(fm_span_format(fm_time_diff(at, base), buf), f);
}

static void
print_seen(FILE *f, const struct run *run, const struct seen *t)
{
	fprintf(f, "at ");
	print_span(f, t->at, run->base);
	fprintf(f, " expect %s %s %s %s text~\"%s\"%s", transition_kind_name(t->kind), t->id,
		t->entity, severity_name(t->severity), t->text, t->notify ? "" : " notify=0");
	if (t->status != SUPPR_NONE)
		fprintf(f, " status=%s", suppression_status_name(t->status));
}

static void
take(void *ctx, struct transition *tr)
{
	struct run *run = ctx;
	struct seen *t = fm_calloc(1, sizeof(*t));
	size_t len, alarm_len;
	char *json = transition_to_json(tr, "test", &len, &alarm_len);

	fm_buf_add(&run->journal, json, len);
	fm_buf_add(&run->journal, "\n", 1);
	free(json);
	*t = (struct seen){.kind = tr->kind, .at = tr->at, .notify = tr->notify,
		.id = fm_strdup(tr->alarm.alarm_id), .entity = fm_strdup(tr->alarm.entity),
		.text = fm_strdup(tr->alarm.reason_text), .severity = tr->alarm.severity,
		.was = tr->prev_mask & PREV_SEVERITY ? tr->prev_severity : SEV_NONE,
		.status = tr->alarm.status, .root = tr->alarm.root_cause};
	if (run->dump) {
		print_seen(stdout, run, t);
		putchar('\n');
	}
	*run->tail = t;
	run->tail = &t->next;
}

static struct seen *
next_seen(struct run *run)
{
	struct seen *t = run->head;

	if (t == NULL)
		return NULL;
	run->head = t->next;
	if (run->head == NULL)
		run->tail = &run->head;
	return t;
}

static void
free_seen(struct seen *t)
{
	free(t->id);
	free(t->entity);
	free(t->text);
	free(t);
}

static void
drop_allowed(struct run *run)
{
	while (run->head != NULL && (run->dump || is_allowed(run, run->head->id)))
		free_seen(next_seen(run));
}

__attribute__((noreturn, format(printf, 3, 4))) static void
fail(const struct run *run, const struct scn_step *step, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s:%u: (%s) %s\n", run->s->path, step != NULL ? step->line : 0,
		way_name[run->way], why);
	for (const struct seen *t = run->head; t != NULL; t = t->next) {
		fprintf(stderr, "  not expected: ");
		print_seen(stderr, run, t);
		fputc('\n', stderr);
	}
	exit(1);
}

/* ---- time ---------------------------------------------------------------------------------------- */

static void
advance(struct run *run, struct fm_time to)
{
	struct fm_time t = corr_now(run->corr);

	if (run->way == WAY_FINE && t.ns != 0)
		for (unsigned i = 0; i < MAX_FINE_STEPS; i++) {
			t = fm_time_add(t, fm_span_ms(FINE_STEP_MS));
			if (t.ns >= to.ns)
				break;
			corr_advance(run->corr, t, take, run);
		}
	corr_advance(run->corr, to, take, run);
}

static void
restart(struct run *run)
{
	run->corr = rows_copy_restart(&run->rows, run->corr, run->cat);
	corr_set_deaf(run->corr, run->deaf);
}

/* ---- inputs ----------------------------------------------------------------------------------------- */

static const char *
feed(struct run *run, const struct scn_step *step, const char *text)
{
	static const char *const outcome[] = {"applied", "no-effect", "duplicate", "late"};
	struct event ev;
	struct fm_err err;
	const int rc = event_decode(run->dec, text, strlen(text), &ev, &err);

	if (rc < 0) {
		if (step->verb != SCN_RECORD && scn_opt(step, 1, "outcome", NULL) == NULL)
			fail(run, step, "refused by the decoder: %s\n%s", err.msg, text);
		return "refused";
	}
	ev.at = fm_time_add(run->base, step->at);
	ev.pos = (struct record_pos){.topic = "scenario", .offset = run->offset++,
		.partition = atoi(scn_opt(step, 1, "partition", "0"))};
	if (rc == 1) {
		corr_pass(run->corr, &ev, take, run);
		return "unknown";
	}
	return outcome[corr_apply(run->corr, &ev, take, run)];
}

static void
input(struct run *run, const struct scn_step *step)
{
	char *text = scn_record(run->s, step, run->base);
	const char *want = scn_opt(step, 1, "outcome", NULL);
	const char *got;

	if (run->way == WAY_FINE)
		advance(run, fm_time_sub(fm_time_add(run->base, step->at), fm_span_ms(1)));
	got = feed(run, step, text);
	if (want != NULL && strcmp(want, got) != 0 && !run->dump)
		fail(run, step, "the outcome is %s, not %s", got, want);
	free(text);
}

/* Open at once, for=SECONDS long; alarms= and entities= as in the catalogue. */
static void
make_window(const struct run *run, const struct scn_step *step, const struct corr_command *cmd,
	    struct cat_window *ret, struct fm_arena *arena)
{
	char from[FM_TIME_STR], until[FM_TIME_STR];
	struct fm_err err;
	bool more;
	const struct cat_window_text text = {.name = step->word[1],
		.alarms = scn_opt(step, 2, "alarms", "all"),
		.entities = scn_opt(step, 2, "entities", NULL),
		.part = {[WINDOW_FROM] = fm_time_format(cmd->at, from),
			 [WINDOW_UNTIL] = fm_time_format(cmd->until, until)}};

	if (cat_window_make(&text, cmd->at, 8, arena, ret, &more, &err) < 0)
		fail(run, step, "%s", err.msg);
}

static void
operate(struct run *run, const struct scn_step *step)
{
	static const struct {
		const char *word, *verb;
		enum corr_command_kind kind;
		unsigned n_words;       /* of them ALARM_ID, ENTITY */
	} cmds[] = {
		{"clear", "alarm-clear", CORR_CMD_CLEAR, 3}, {"ack", "alarm-ack", CORR_CMD_ACK, 3},
		{"unack", "alarm-unack", CORR_CMD_UNACK, 3},
		{"shelve", "alarm-shelve", CORR_CMD_SHELVE, 3},
		{"unshelve", "alarm-unshelve", CORR_CMD_UNSHELVE, 3},
		{"suppress", "event-suppress", CORR_CMD_SUPPRESS, 2},
		{"unsuppress", "event-unsuppress", CORR_CMD_UNSUPPRESS, 2},
		{"window-add", "window-add", CORR_CMD_WINDOW_ADD, 2},
		{"window-delete", "window-delete", CORR_CMD_WINDOW_DELETE, 2},
	};
	struct corr_command cmd = {.at = fm_time_add(run->base, step->at), .user = "operator"};
	struct cat_window window;
	struct fm_arena arena;
	struct fm_err err;
	unsigned i = 0;
	int rc;

	while (i < FM_ARRAY_LEN(cmds) && strcmp(cmds[i].word, step->word[0]) != 0)
		i++;
	if (i == FM_ARRAY_LEN(cmds) || step->n_words < cmds[i].n_words) {
		fail(run, step, "operate clear|ack|unack|shelve|unshelve ALARM_ID ENTITY, "
		     "suppress|unsuppress ALARM_ID, window-add|window-delete NAME");
		return;
	}
	fm_arena_init(&arena);
	cmd.kind = cmds[i].kind;
	cmd.verb = cmds[i].verb;
	cmd.alarm_id = step->word[1];
	cmd.entity = cmds[i].n_words > 2 ? scn_entity(run->s, step->word[2]) : NULL;
	cmd.until = fm_time_add(cmd.at, fm_span_s(atoi(scn_opt(step, cmds[i].n_words, "for", "0"))));
	if (cmd.kind == CORR_CMD_WINDOW_ADD)
		make_window(run, step, &cmd, &window, &arena);
	cmd.window = &window;
	cmd.name = step->word[1];
	rc = corr_operate(run->corr, &cmd, take, run, &err);
	fm_arena_fini(&arena);
	if ((rc < 0) != (scn_opt(step, cmds[i].n_words, "error", NULL) != NULL))
		fail(run, step, "%s", rc < 0 ? err.msg : "it was not refused");
}

static void
silence(struct run *run, const struct scn_step *step)
{
	const char *w = step->n_words == 1 ? step->word[0] : "";
	struct fm_span span;

	advance(run, fm_time_add(run->base, step->at));
	if (step->verb == SCN_DEAF) {
		run->deaf = strcmp(w, "on") == 0;
		corr_set_deaf(run->corr, run->deaf);
	} else if (fm_span_parse(w, strlen(w), &span) < 0) {
		fail(run, step, "SPAN");
	} else if (step->verb == SCN_STEPPED) {
		corr_stepped(run->corr, span);
	} else {
		corr_missed(run->corr, span);
	}
}

/* ---- expectations --------------------------------------------------------------------------------------- */

/* The first thing about the alarm or transition that is not as the words say; NULL: all is. */
static const char *
differs(const struct scn_step *step, enum severity sev, const char *text, bool notify,
	enum suppression_status status)
{
	for (unsigned i = 3; i < step->n_words; i++) {
		const char *w = step->word[i];
		enum severity want;

		if (severity_parse(w, strlen(w), &want)) {
			if (want != sev)
				return w;
		} else if (strncmp(w, "text~", 5) == 0) {
			if (strstr(text, w + 5) == NULL)
				return w;
		} else if (strncmp(w, "notify=", 7) == 0) {
			if ((w[7] == '1') != notify)
				return w;
		} else if (strncmp(w, "status=", 7) == 0) {
			if (strcmp(w + 7, suppression_status_name(status)) != 0)
				return w;
		}
	}
	return NULL;
}

/* root=ALARM_ID|ENTITY, an alarm that is known; "root=" none. */
static bool
is_root(const struct run *run, const struct fm_uuid *uuid, const char *key)
{
	char id[FM_MAX_ALARM_ID + 1];
	const size_t len = strcspn(key, "|");
	const struct alarm *al;

	if (key[0] == '\0')
		return fm_uuid_is_null(uuid);
	if (key[len] == '\0' || len >= sizeof(id))
		return false;
	snprintf(id, sizeof(id), "%.*s", (int)len, key);
	al = corr_find_alarm(run->corr, id, scn_entity(run->s, key + len + 1));
	return al != NULL && fm_uuid_eq(&al->uuid, uuid);
}

static void
expect_transition(struct run *run, const struct scn_step *step)
{
	const struct fm_time at = fm_time_add(run->base, step->at);
	const struct seen *t = run->head;
	const char *entity, *diff;

	if (step->n_words < 3)
		fail(run, step, "expect KIND ALARM_ID ENTITY …");
	entity = scn_entity(run->s, step->word[2]);
	if (t == NULL)
		fail(run, step, "nothing happened");
	if (t->at.ns != at.ns || strcmp(step->word[0], transition_kind_name(t->kind)) != 0 ||
	    strcmp(step->word[1], t->id) != 0 || strcmp(entity, t->entity) != 0)
		fail(run, step, "something else happened");
	diff = differs(step, t->severity, t->text, t->notify, t->status);
	if (diff == NULL && scn_opt(step, 3, "was", NULL) != NULL &&
	    strcmp(scn_opt(step, 3, "was", ""), t->was != SEV_NONE ? severity_name(t->was) : "") != 0)
		diff = "was";
	if (diff == NULL && scn_opt(step, 3, "root", NULL) != NULL &&
	    !is_root(run, &t->root, scn_opt(step, 3, "root", "")))
		diff = "root";
	if (diff != NULL)
		fail(run, step, "not as expected: %s", diff);
	free_seen(next_seen(run));
}

static const char *
attr_value(const struct alarm *al, const char *name, char buf[32])
{
	for (unsigned i = 0; i < al->n_attrs; i++) {
		if (strcmp(al->attrs[i].name, name) != 0)
			continue;
		if (al->attrs[i].text != NULL)
			return al->attrs[i].text;
		snprintf(buf, 32, "%lld", (long long)al->attrs[i].num);
		return buf;
	}
	return "";
}

static const char *
alarm_value(const struct alarm *al, const char *name, char buf[32])
{
	if (strncmp(name, "attr.", 5) == 0)
		return attr_value(al, name + 5, buf);
	if (strcmp(name, "count") == 0)
		snprintf(buf, 32, "%llu", (unsigned long long)al->count);
	else if (strcmp(name, "children") == 0)
		snprintf(buf, 32, "%u", al->children);
	else if (strcmp(name, "acked_by") == 0)
		return al->acked_by != NULL ? al->acked_by : "";
	else
		return NULL;
	return buf;
}

/* "@200s" is the time of day that it is then. */
static const char *
wanted(const struct run *run, const struct scn_step *step, const char *word, char buf[FM_TIME_STR])
{
	struct fm_span span;

	if (word[0] != '@')
		return word;
	if (fm_span_parse(word + 1, strlen(word + 1), &span) < 0)
		scn_die(run->s, step, "%s is no time", word);
	fm_time_format(fm_time_add(run->base, span), buf);
	return buf;
}

static void
expect_active(struct run *run, const struct scn_step *step)
{
	const char *entity = scn_entity(run->s, step->word[2]);
	const struct alarm *al = corr_find_alarm(run->corr, step->word[1], entity);
	const char *diff;
	char name[32], buf[32], time[FM_TIME_STR];

	if (al == NULL || al->cleared)
		fail(run, step, "%s %s is not active", step->word[1], entity);
	diff = differs(step, al->severity, al->reason_text, al->announced, al->status);
	if (diff != NULL)
		fail(run, step, "not as expected: %s; it is %s, %s, \"%s\"", diff,
		     severity_name(al->severity), suppression_status_name(al->status),
		     al->reason_text);
	for (unsigned i = 3; i < step->n_words; i++) {
		const char *eq = strchr(step->word[i], '=');
		const char *value;

		if (eq == NULL || (size_t)(eq - step->word[i]) >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(eq - step->word[i]), step->word[i]);
		value = alarm_value(al, name, buf);
		if (value != NULL && strcmp(value, wanted(run, step, eq + 1, time)) != 0)
			fail(run, step, "%s is \"%s\"", name, value);
	}
}

static bool
count_alarm(void *ctx, const struct alarm *al)
{
	(void)al;
	++*(unsigned *)ctx;
	return true;
}

static void
expect_stat(struct run *run, const struct scn_step *step)
{
	struct corr_stats st;
	uint64_t got;

	corr_get_stats(run->corr, &st);
	if (strcmp(step->word[1], "lost") == 0)
		got = st.lost_upstream;
	else if (strcmp(step->word[1], "suppressed") == 0)
		got = st.suppressed;
	else if (strcmp(step->word[1], "hosts") == 0)
		got = st.hosts;
	else if (strcmp(step->word[1], "instances") == 0)
		got = st.instances;
	else if (strcmp(step->word[1], "open") == 0)
		got = st.open_attempts;
	else
		fail(run, step, "unknown statistic %s", step->word[1]);
	if (got != strtoull(step->word[2], NULL, 10))
		fail(run, step, "%s is %llu", step->word[1], (unsigned long long)got);
}

static void
expect(struct run *run, const struct scn_step *step)
{
	const char *what = step->n_words > 0 ? step->word[0] : "";
	const struct alarm *al;
	unsigned n = 0;

	advance(run, fm_time_add(run->base, step->at));
	drop_allowed(run);
	if (run->dump)
		return;
	if (strcmp(what, "active") == 0 && step->n_words > 2) {
		expect_active(run, step);
	} else if (strcmp(what, "no-alarm") == 0 && step->n_words > 2) {
		al = corr_find_alarm(run->corr, step->word[1],
				     scn_entity(run->s, step->word[2]));
		if (al != NULL && !al->cleared)
			fail(run, step, "%s is active", step->word[1]);
	} else if (strcmp(what, "list") == 0 && step->n_words > 1) {
		corr_each_alarm(run->corr, false, count_alarm, &n);
		if (n != strtoul(step->word[1], NULL, 10))
			fail(run, step, "%u alarms are active", n);
	} else if (strcmp(what, "stat") == 0 && step->n_words > 2) {
		expect_stat(run, step);
	} else if (strcmp(what, "none") == 0) {
		if (run->head != NULL)
			fail(run, step, "something happened");
	} else {
		expect_transition(run, step);
	}
	drop_allowed(run);
}

/* ---- a run ------------------------------------------------------------------------------------------------ */

static struct catalogue *
load_catalogue(const struct run *run, bool windows, const char *other)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	struct catalogue *cat = NULL;
	struct fm_err err;

	scn_catalogue(run->s, run->base, windows, other, &text);
	if (cat_load_buf("catalogue", text.s, text.len, NULL, &cat, &err) < 0)
		scn_die(run->s, NULL, "%s", err.msg);
	return cat;
}

static void
open_run(struct run *run)
{
	run->cat = load_catalogue(run, true, NULL);
	run->tail = &run->head;
	run->dec = decoder_new(NULL);
	run->corr = corr_new(run->cat);
}

/* The catalogue, or another one, without the windows of this scenario. */
static void
reload(struct run *run, const struct scn_step *step)
{
	struct catalogue *next = load_catalogue(run, false,
						step->n_words > 0 ? step->word[0] : NULL);

	corr_swap_catalogue(run->corr, next, fm_time_add(run->base, step->at), take, run);
	cat_free(run->cat);
	run->cat = next;
}

static void
one_step(struct run *run, const struct scn_step *step)
{
	if (run->dump) {
		advance(run, fm_time_sub(fm_time_add(run->base, step->at), (struct fm_span){1}));
		printf("# line %u\n", step->line);
	}
	if (step->verb != SCN_EXPECT && step->verb != SCN_ALLOW) {
		drop_allowed(run);
		if (run->head != NULL)
			fail(run, step, "before this step");
	}
	switch (step->verb) {
	case SCN_NOVA:
	case SCN_LIBVIRT:
	case SCN_REQUEST:
	case SCN_RECORD:
		input(run, step);
		break;
	case SCN_OPERATE:
		operate(run, step);
		break;
	case SCN_DEAF:
	case SCN_MISSED:
	case SCN_STEPPED:
		silence(run, step);
		break;
	case SCN_EXPECT:
		expect(run, step);
		break;
	case SCN_RESTART:
	case SCN_KILL:
		advance(run, fm_time_add(run->base, step->at));
		restart(run);
		break;
	case SCN_ALLOW:
		if (run->n_allow < FM_ARRAY_LEN(run->allow) && step->n_words > 0)
			run->allow[run->n_allow++] = step->word[0];
		break;
	case SCN_RELOAD:
		reload(run, step);
		break;
	case SCN_CATALOGUE:
	case SCN_WINDOW:
	case SCN_N_VERBS:
		break;
	}
	if (run->way == WAY_RESTARTS)
		restart(run);
}

static void
run_way(struct scn *s, enum way way, bool dump, struct fm_time base, struct fm_buf *ret_journal)
{
	struct run run = {.s = s, .way = way, .dump = dump, .base = base};

	scn_rewind(s);
	open_run(&run);
	for (unsigned i = 0; i < s->n; i++)
		one_step(&run, &s->step[i]);
	drop_allowed(&run);
	if (run.head != NULL)
		fail(&run, NULL, "at the end");
	corr_free(run.corr);
	decoder_free(run.dec);
	cat_free(run.cat);
	rows_copy_fini(&run.rows);
	*ret_journal = run.journal;
}

static int
check(const char *path, struct fm_time base)
{
	struct fm_buf first = {0}, other;
	struct scn s;
	int rc = 0;

	scn_load(&s, path);
	run_way(&s, WAY_PLAIN, false, base, &first);
	for (enum way way = WAY_RESTARTS; way < WAY_N; way++) {
		run_way(&s, way, false, base, &other);
		if (first.len != other.len ||
		    (first.len > 0 && memcmp(first.s, other.s, first.len) != 0)) {
			fprintf(stderr, "%s: %s gives another output\n--- plain\n%s--- other\n%s",
				path, way_name[way], first.s, other.s);
			rc = 1;
		}
		fm_buf_fini(&other);
	}
	fm_buf_fini(&first);
	scn_fini(&s);
	return rc;
}

/* ---- for other runners ---------------------------------------------------------------------------------------- */

static json_t *
words_json(struct scn *s, const struct scn_step *step)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < step->n_words; i++)
		json_array_append_new(a, json_string(i == 2 ? scn_entity(s, step->word[i]) :
						     step->word[i]));
	return a;
}

static void
print_records(const char *path, struct fm_time base)
{
	struct scn s;

	scn_load(&s, path);
	for (unsigned i = 0; i < s.n; i++) {
		const struct scn_step *step = &s.step[i];
		json_t *o = json_pack("{s:I, s:i}", "at_ms",
				      (json_int_t)(step->at.ns / FM_NS_PER_MS), "line",
				      (int)step->line);

		if (step->verb <= SCN_RECORD) {
			char *text = scn_record(&s, step, base);

			json_object_set_new(o, "value", json_string(text));
			free(text);
		} else if (step->verb == SCN_RESTART || step->verb == SCN_KILL) {
			json_object_set_new(o, step->verb == SCN_KILL ? "kill" : "restart",
					    json_true());
		} else if (step->verb == SCN_CATALOGUE || step->verb == SCN_WINDOW) {
			json_object_set_new(o, "catalogue", json_true());
		} else if (step->verb == SCN_RELOAD) {
			json_object_set_new(o, "operate", json_string("reload"));
		} else {
			json_object_set_new(o, step->verb == SCN_EXPECT ? "expect" :
					    step->verb == SCN_ALLOW ? "allow" : "operate",
					    words_json(&s, step));
		}
		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	}
	scn_fini(&s);
}

static void
print_catalogue(const char *path, struct fm_time base)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	struct scn s;

	scn_load(&s, path);
	scn_catalogue(&s, base, true, NULL, &text);
	fputs(text.s, stdout);
	scn_fini(&s);
}

static void
print_run(const char *path, bool dump, struct fm_time base)
{
	struct fm_buf journal = {0};
	struct scn s;

	scn_load(&s, path);
	run_way(&s, WAY_PLAIN, dump, base, &journal);
	if (!dump && journal.len > 0)
		fputs(journal.s, stdout);
	fm_buf_fini(&journal);
	scn_fini(&s);
}

int
main(int argc, char **argv)
{
	const char *zero = getenv("FMD_SCENARIO_ZERO");
	const char *what = argc > 1 ? argv[1] : "-";
	struct fm_time base;
	int rc = 0;

	if (zero == NULL)
		zero = "2026-01-01T00:00:00Z";
	if (fm_time_parse(zero, strlen(zero), &base) < 0) {
		fprintf(stderr, "FMD_SCENARIO_ZERO is not a time\n");
		return 2;
	}
	if (argc == 3 && strcmp(what, "--records") == 0) {
		print_records(argv[2], base);
	} else if (argc == 3 && strcmp(what, "--catalogue") == 0) {
		print_catalogue(argv[2], base);
	} else if (argc == 3 && (strcmp(what, "--dump") == 0 || strcmp(what, "--journal") == 0)) {
		print_run(argv[2], strcmp(what, "--dump") == 0, base);
	} else if (what[0] != '-') {
		for (int i = 1; i < argc; i++)
			rc |= check(argv[i], base);
	} else {
		fprintf(stderr, "usage: run_scenario [--dump | --journal | --records | --catalogue] FILE\n");
		rc = 2;
	}
	return rc;
}
