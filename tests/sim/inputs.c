/*
 * inputs: what the core was told, in order, and how much of it each commit made durable. The linker
 * puts these functions around the product's (--wrap); nothing changes by them but one row of meta,
 * the number of the commit, by which a process that starts tells which commit was the last.
 *
 * What was told after that has not happened: it is cut off here, and comes again or not. So the list
 * is the one order of inputs that the stored state claims to be the result of (P1, P2).
 */
#include "tests/sim/sim.h"

#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define MARK "sim.commit"
#define N_MARKS 4

struct input *input;
size_t n_inputs;
static size_t cap;
static bool paused, without_self;
static struct mark marks[N_MARKS];      /* of commit n: marks[n % N_MARKS] */
static uint64_t tried, returned, durable;
static uint64_t seq_synced, quarantine_put, quarantine_synced;
struct catalogue *catalogues[2];
int catalogue_now;

#define WRAP(type, name, ...) type __real_##name(__VA_ARGS__); type __wrap_##name(__VA_ARGS__)

WRAP(int, store_open, const struct store_options *opt, struct store **ret, struct fm_err *err);
WRAP(int, store_commit, struct store *st, struct fm_err *err);
WRAP(int, store_put_quarantine, struct store *st, struct store_quarantine *q, struct fm_err *err);
WRAP(enum corr_outcome, corr_apply, struct correlator *corr, const struct event *ev,
     transition_sink_f *sink, void *ctx);
WRAP(void, corr_pass, struct correlator *corr, const struct event *ev, transition_sink_f *sink,
     void *ctx);
WRAP(void, corr_advance, struct correlator *corr, struct fm_time now, transition_sink_f *sink,
     void *ctx);
WRAP(int, corr_operate, struct correlator *corr, const struct corr_command *cmd,
     transition_sink_f *sink, void *ctx, struct fm_err *err);
WRAP(void, corr_self, struct correlator *corr, struct fm_time at, const char *alarm_id,
     const char *entity, bool set, enum severity severity, const char *text,
     transition_sink_f *sink, void *ctx);
WRAP(void, corr_restored, struct correlator *corr, struct fm_time now);
WRAP(void, corr_set_deaf, struct correlator *corr, bool on);
WRAP(void, corr_missed, struct correlator *corr, struct fm_span missed);
WRAP(void, corr_stepped, struct correlator *corr, struct fm_span by);
WRAP(void, corr_swap_catalogue, struct correlator *corr, const struct catalogue *cat,
     struct fm_time now, transition_sink_f *sink, void *ctx);
WRAP(void, engine_transition, void *ctx, struct transition *tr);
WRAP(int, cat_load_buf, const char *name, const char *text, size_t len,
     struct cat_findings *findings, struct catalogue **ret, struct fm_err *err);
WRAP(void, cat_free, struct catalogue *cat);

/* ---- the list ------------------------------------------------------------------------------- */

static void
drop(struct input *in)
{
	free(in->user);
	free(in->verb);
	free(in->id);
	free(in->entity);
	free(in->text);
}

static struct input *
note(enum input_kind kind, struct fm_time at)
{
	static struct input ignored;

	if (paused) {
		drop(&ignored);
		ignored = (struct input){.kind = kind};
		return &ignored;
	}
	if (n_inputs == cap) {
		cap = cap > 0 ? 2 * cap : 256;
		input = fm_realloc(input, cap * sizeof(*input));
	}
	input[n_inputs] = (struct input){.kind = kind, .at = at};
	return &input[n_inputs++];
}

static char *
copy(const char *s)
{
	return s != NULL ? fm_strdup(s) : NULL;
}

void
inputs_format(bool no_self)
{
	for (size_t i = 0; i < n_inputs; i++)
		drop(&input[i]);
	n_inputs = 0;
	tried = returned = durable = 0;
	seq_synced = quarantine_put = quarantine_synced = 0;
	without_self = no_self;
	memset(marks, 0, sizeof(marks));
	catalogue_now = 0;
}

void
inputs_pause(bool on)
{
	paused = on;
}

const struct mark *
inputs_mark(void)
{
	return &marks[durable % N_MARKS];
}

static void
cut(size_t n)
{
	while (n_inputs > n) {
		struct input *in = &input[--n_inputs];

		if (in->kind == IN_COMMAND)
			commands_note(in->user, false);
		drop(in);
	}
	for (size_t i = 0; i < n_inputs; i++)
		if (input[i].kind == IN_COMMAND)
			commands_note(input[i].user, true);
}

static void
crate_put_text(struct crate *s, const char *text)
{
	const size_t len = text != NULL ? strlen(text) + 1 : 0;

	crate_put(s, &len, sizeof(len));
	crate_put(s, text, len);
}

static char *
crate_take_text(struct crate *s)
{
	size_t len;
	char *text;

	crate_take(s, &len, sizeof(len));
	text = len > 0 ? fm_malloc(len) : NULL;
	crate_take(s, text, len);
	return text;
}

/* What was told before the last commit stays as it is. */
void
inputs_save(struct crate *s)
{
	const size_t from = inputs_mark()->n;

	crate_put(s, &from, sizeof(from));
	crate_put(s, &n_inputs, sizeof(n_inputs));
	for (size_t i = from; i < n_inputs; i++) {
		crate_put(s, &input[i], sizeof(input[i]));
		crate_put_text(s, input[i].user);
		crate_put_text(s, input[i].verb);
		crate_put_text(s, input[i].id);
		crate_put_text(s, input[i].entity);
		crate_put_text(s, input[i].text);
	}
	crate_put(s, marks, sizeof(marks));
	crate_put(s, &tried, sizeof(tried));
	crate_put(s, &returned, sizeof(returned));
	crate_put(s, &durable, sizeof(durable));
	crate_put(s, &seq_synced, sizeof(seq_synced));
	crate_put(s, &quarantine_put, sizeof(quarantine_put));
	crate_put(s, &quarantine_synced, sizeof(quarantine_synced));
}

static void
restore_input(struct crate *s, struct input *in)
{
	crate_take(s, in, sizeof(*in));
	in->user = crate_take_text(s);
	in->verb = crate_take_text(s);
	in->id = crate_take_text(s);
	in->entity = crate_take_text(s);
	in->text = crate_take_text(s);
}

void
inputs_restore(struct crate *s)
{
	size_t n, from;

	crate_take(s, &from, sizeof(from));
	crate_take(s, &n, sizeof(n));
	while (n_inputs > from)
		drop(&input[--n_inputs]);
	while (n_inputs < n)
		restore_input(s, &input[n_inputs++]);
	crate_take(s, marks, sizeof(marks));
	crate_take(s, &tried, sizeof(tried));
	crate_take(s, &returned, sizeof(returned));
	crate_take(s, &durable, sizeof(durable));
	crate_take(s, &seq_synced, sizeof(seq_synced));
	crate_take(s, &quarantine_put, sizeof(quarantine_put));
	crate_take(s, &quarantine_synced, sizeof(quarantine_synced));
}

/* ---- commits -------------------------------------------------------------------------------- */

static void
found(struct store *st)
{
	char *text = NULL;
	uint64_t n = 0;

	if (store_meta(st, MARK, &text) == 0)
		n = strtoull(text, NULL, 10);
	free(text);
	if (n < returned || n > tried)
		wrong("P5", "commit %llu had succeeded; after the restart the last one is %llu",
		      (unsigned long long)returned, (unsigned long long)n);
	if (store_last_seq(st) < wires_highest())
		wrong("P5", "a sink has %llu; after the restart the last one is %llu",
		      (unsigned long long)wires_highest(), (unsigned long long)store_last_seq(st));
	durable = returned = n;
	seq_synced = store_last_seq(st);
	quarantine_synced = quarantine_put = store_quarantine_count(st);
}

/* The core is as the store is: at the start, and when fmd has waited for room on the disk. */
void
__wrap_corr_restored(struct correlator *corr, struct fm_time now)
{
	__real_corr_restored(corr, now);
	if (paused)
		return;
	tried = returned;
	cut(inputs_mark()->n);
	for (unsigned i = 0; i < n_log_parts; i++) {
		log_part[i].next = inputs_mark()->next[i];
		log_part[i].handed = inputs_mark()->handed[i];
	}
	note(IN_DEAF, (struct fm_time){0});
}

int
__wrap_store_open(const struct store_options *opt, struct store **ret, struct fm_err *err)
{
	const int r = __real_store_open(opt, ret, err);

	if (r == 0 && !paused)
		found(*ret);
	return r;
}

/* A commit may say what it wants: what counts is whether the log was synced after it. */
static void
note_synced(const struct store *st)
{
	if (!disk_log_synced())
		return;
	seq_synced = store_last_seq(st);
	quarantine_synced = quarantine_put;
}

uint64_t
inputs_synced_seq(void)
{
	return seq_synced;
}

uint64_t
inputs_synced_quarantine(void)
{
	return quarantine_synced;
}

int
__wrap_store_commit(struct store *st, struct fm_err *err)
{
	struct mark *m;
	char text[24];
	int r;

	if (paused)
		return __real_store_commit(st, err);
	m = &marks[++tried % N_MARKS];
	m->n = n_inputs;
	for (unsigned i = 0; i < n_log_parts; i++) {
		m->next[i] = log_part[i].next;
		m->handed[i] = log_part[i].handed;
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)tried);
	(void)!store_put_meta(st, MARK, text, err);
	r = __real_store_commit(st, err);
	if (r < 0)
		return r;
	durable = returned = tried;
	note_synced(st);
	return 0;
}

/* ---- inputs --------------------------------------------------------------------------------- */

static struct input *
note_record(enum input_kind kind, struct fm_time at, const char *topic, int32_t partition,
	    int64_t offset)
{
	struct input *in = note(kind, at);

	in->part = paused ? 0 : broker_part_of(topic, partition);
	in->offset = offset;
	in->epoch = log_part[in->part].epoch;
	return in;
}

int
__wrap_store_put_quarantine(struct store *st, struct store_quarantine *q, struct fm_err *err)
{
	int r;

	note_record(IN_QUARANTINE, q->at, q->topic, q->partition, q->offset);
	r = __real_store_put_quarantine(st, q, err);
	if (r == 0 && !paused)
		quarantine_put = q->id;
	return r;
}

enum corr_outcome
__wrap_corr_apply(struct correlator *corr, const struct event *ev, transition_sink_f *sink,
		  void *ctx)
{
	const size_t i = n_inputs;

	note_record(IN_RECORD, ev->at, ev->pos.topic, ev->pos.partition, ev->pos.offset);
	const enum corr_outcome outcome = __real_corr_apply(corr, ev, sink, ctx);

	if (!paused)
		input[i].outcome = outcome;
	return outcome;
}

void
__wrap_corr_pass(struct correlator *corr, const struct event *ev, transition_sink_f *sink,
		 void *ctx)
{
	note_record(IN_PASS, ev->at, ev->pos.topic, ev->pos.partition, ev->pos.offset);
	__real_corr_pass(corr, ev, sink, ctx);
}

/*
 * Of several in a row only the last: when the core is woken must not matter. Time that is not a
 * record's may only pass while all there is has been read.
 */
void
__wrap_corr_advance(struct correlator *corr, struct fm_time now, transition_sink_f *sink, void *ctx)
{
	if (!paused && now.ns > corr_now(corr).ns && !broker_heard_to_end())
		wrong("P8", "time goes on while nobody listens");
	if (!paused && n_inputs > marks[tried % N_MARKS].n && n_inputs > 0 &&
	    input[n_inputs - 1].kind == IN_ADVANCE)
		input[n_inputs - 1].at = now;
	else
		note(IN_ADVANCE, now);
	__real_corr_advance(corr, now, sink, ctx);
}

int
__wrap_corr_operate(struct correlator *corr, const struct corr_command *cmd,
		    transition_sink_f *sink, void *ctx, struct fm_err *err)
{
	struct input *in = note(IN_COMMAND, cmd->at);

	in->what = (int)cmd->kind;
	in->user = copy(cmd->user);
	in->verb = copy(cmd->verb);
	in->id = copy(cmd->alarm_id);
	in->entity = copy(cmd->entity);
	in->set = cmd->uuid != NULL;
	if (cmd->uuid != NULL)
		in->uuid = *cmd->uuid;
	in->until = cmd->until;
	return __real_corr_operate(corr, cmd, sink, ctx, err);
}

void
__wrap_corr_self(struct correlator *corr, struct fm_time at, const char *alarm_id,
		 const char *entity, bool set, enum severity severity, const char *text,
		 transition_sink_f *sink, void *ctx)
{
	struct input *in;

	if (without_self && !paused)
		return;
	in = note(IN_SELF, at);
	in->id = copy(alarm_id);
	in->entity = copy(entity);
	in->text = copy(text);
	in->set = set;
	in->what = (int)severity;
	__real_corr_self(corr, at, alarm_id, entity, set, severity, text, sink, ctx);
}

void
__wrap_corr_set_deaf(struct correlator *corr, bool on)
{
	note(IN_DEAF, (struct fm_time){0})->set = on;
	__real_corr_set_deaf(corr, on);
}

void
__wrap_corr_missed(struct correlator *corr, struct fm_span missed)
{
	note(IN_MISSED, (struct fm_time){0})->span = missed;
	__real_corr_missed(corr, missed);
}

void
__wrap_corr_stepped(struct correlator *corr, struct fm_span by)
{
	note(IN_STEPPED, (struct fm_time){0})->span = by;
	__real_corr_stepped(corr, by);
}

void
__wrap_corr_swap_catalogue(struct correlator *corr, const struct catalogue *cat,
			   struct fm_time now, transition_sink_f *sink, void *ctx)
{
	note(IN_SWAP, now)->what = cat == catalogues[1];
	__real_corr_swap_catalogue(corr, cat, now, sink, ctx);
}

/* Heartbeats go past the core. */
void
__wrap_engine_transition(void *ctx, struct transition *tr)
{
	if (tr->kind == TR_HEARTBEAT)
		note(IN_BEAT, tr->at)->text = copy(tr->alarm.reason_text);
	__real_engine_transition(ctx, tr);
}

/* ---- catalogues: read once, since reading takes longer than all the rest ---------------------- */

static char *
read_text(const char *path)
{
	struct fm_buf b = {0};
	char piece[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	fm_assert(f != NULL);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		fm_buf_add(&b, piece, n);
	fclose(f);
	return b.s;
}

/* The shipped one with other limits. */
static void
change(char *text)
{
	static const char *const edits[][2] = {{"Hard: 800s", "Hard: 600s"},
		{"Downtime: 500ms", "Downtime: 900ms"}, {"Keep_Cleared: 1h", "Keep_Cleared: 9m"}};

	for (unsigned i = 0; i < FM_ARRAY_LEN(edits); i++) {
		char *at = strstr(text, edits[i][0]);

		fm_assert(at != NULL);
		memcpy(at, edits[i][1], strlen(edits[i][1]));
	}
}

static void
load(int which, const char *text)
{
	struct fm_err err = {0};

	if (__real_cat_load_buf("events.yaml", text, strlen(text), NULL, &catalogues[which],
				&err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(2);
	}
}

void
catalogues_load(const char *source)
{
	char *path = fm_asprintf("%s/events.yaml", source), *text = read_text(path);

	load(0, text);
	change(text);
	load(1, text);
	free(path);
	free(text);
}

int
__wrap_cat_load_buf(const char *name, const char *text, size_t len, struct cat_findings *findings,
		    struct catalogue **ret, struct fm_err *err)
{
	(void)name, (void)text, (void)len, (void)findings;
	if (catalogue_now < 0)
		return fm_fail(err, -EINVAL, "a catalogue that does not load");
	*ret = catalogues[catalogue_now];
	return 0;
}

void
__wrap_cat_free(struct catalogue *cat)
{
	(void)cat;
}
