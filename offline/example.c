/*
 * example: plays the examples of a catalogue: records go through the daemon's decoder into its
 * core, under the very catalogue that is checked, and what comes out is compared with the steps.
 *
 * A step is "TIME WHAT WORDS": a record (nova, libvirt, request, record), a transition that is
 * expected (raise, log, clear, …), or "nothing", which lets time pass. Only transitions of the
 * record that has the example, and of those that its steps name, are looked at: all of them have
 * to be expected, at their time and in their order. So an example stays true when other records
 * get rules.
 */
#include "offline/offline_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define USUAL_UUID "U1"
#define USUAL_HOST "compute-0"
#define ZERO_S 1767225600LL             /* 2026-01-01T00:00:00Z */
#define MAX_WATCHED 16
#define SHOWN 160                       /* bytes of a text in a message */

enum { F_STEP = 702, F_TIME, F_FAILS, F_RECORD, F_EMPTY };

/* One transition, copied. */
struct seen {
	struct seen *next;
	struct fm_time at;
	enum transition_kind kind;
	enum severity severity;
	enum suppression_status status;
	const char *id, *entity, *text;
	struct attr attrs[FM_ALARM_MAX_ATTRS];
	unsigned n_attrs;
};

struct play {
	const struct catalogue *cat;
	const struct cat_record *rec;
	const struct cat_example *ex;
	const struct cat_example_step *step;    /* at work */
	struct cat_findings *findings;
	struct fm_arena arena;
	struct record_maker *mk;
	struct decoder *dec;
	struct correlator *corr;
	struct fm_time now;
	int64_t offset;
	const char *watched[MAX_WATCHED];       /* ids; the record's own first */
	unsigned n_watched, n_expected;
	struct seen *head, **tail;
	bool failed;
};

static void fail(struct play *p, unsigned number, const char *fmt, ...) FM_PRINTF(3, 4);

static void
fail(struct play *p, unsigned number, const char *fmt, ...)
{
	const struct cat_place at = {p->rec->id, p->step->line, p->step->column};
	FM_CLEANUP(fm_buf_fini) struct fm_buf title = {0}, text = {0};
	char why[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	fm_escape(&title, p->ex->title, strlen(p->ex->title));
	fm_escape(&text, why, strlen(why));
	cat_findings_add(p->findings, number, at, "example \"%s\": %s", title.s, text.s);
	p->failed = true;
}

/* ---- what comes out --------------------------------------------------------------------------- */

static const char *
copy(struct play *p, const char *s)
{
	return s != NULL ? fm_arena_strndup(&p->arena, s, strlen(s)) : NULL;
}

static void
take(void *ctx, struct transition *tr)
{
	struct play *p = ctx;
	const struct alarm *al = &tr->alarm;
	unsigned i = 0;

	while (i < p->n_watched && strcmp(p->watched[i], al->alarm_id) != 0)
		i++;
	if (i == p->n_watched || tr->kind == TR_PURGE)
		return;
	struct seen *t = fm_arena_alloc(&p->arena, sizeof(*t));

	*t = (struct seen){.at = tr->at, .kind = tr->kind, .severity = al->severity,
		.status = al->status, .id = copy(p, al->alarm_id), .entity = copy(p, al->entity),
		.text = copy(p, al->reason_text), .n_attrs = al->n_attrs};
	for (i = 0; i < al->n_attrs; i++)
		t->attrs[i] = (struct attr){copy(p, al->attrs[i].name), copy(p, al->attrs[i].text),
			al->attrs[i].num};
	*p->tail = t;
	p->tail = &t->next;
}

static struct fm_time
zero(void)
{
	return fm_time_add((struct fm_time){0}, fm_span_s(ZERO_S));
}

/* The way a step would have to say it. */
static void
print_seen(struct fm_buf *b, const struct seen *t)
{
	char span[FM_SPAN_STR];
	const size_t len = fm_utf8_cut(t->text, strlen(t->text), SHOWN);

	fm_buf_addf(b, "%s %s %s %s %s", fm_span_format(fm_time_diff(t->at, zero()), span),
		    transition_kind_name(t->kind), t->id, t->entity, severity_name(t->severity));
	if (t->status == SUPPR_HELD || t->status == SUPPR_PARENT || t->status == SUPPR_WINDOW)
		fm_buf_addf(b, " %s", suppression_status_name(t->status));
	fm_buf_addf(b, " text~\"%.*s\"", (int)len, t->text);
}

static void
fail_with(struct play *p, const char *why, const char *word)
{
	struct fm_buf b = {0};

	if (p->head != NULL)
		print_seen(&b, p->head);
	fail(p, F_FAILS, "%s%s%s%s", why, word, b.len > 0 ? "; next comes: " : "",
	     b.len > 0 ? b.s : "");
	fm_buf_fini(&b);
}

/* ---- records ---------------------------------------------------------------------------------- */

static void
feed(struct play *p, const char *text, size_t len)
{
	struct fm_err err = {0};
	struct event ev;
	const int r = event_decode(p->dec, text, len, &ev, &err);

	if (r < 0) {
		fail(p, F_RECORD, "the record cannot be decoded: %s", err.msg);
		return;
	}
	if (r > 0) {
		fail(p, F_RECORD, "fmd does not know such a record; its type is %.*s",
		     (int)ev.name.len, ev.name.p);
		return;
	}
	ev.at = p->now;
	ev.pos = (struct record_pos){.topic = "example", .offset = p->offset++};
	(void)corr_apply(p->corr, &ev, take, p);
}

static void
put_record(struct play *p, enum offline_form form, const struct offline_words *w)
{
	struct fm_err err = {0};
	char *text = NULL;

	if (record_make(p->mk, form, w, p->now, &text, &err) < 0) {
		fail(p, F_STEP, "%s", err.msg);
		return;
	}
	feed(p, text, strlen(text));
	free(text);
}

/* ---- expectations ----------------------------------------------------------------------------- */

static bool
is_id(const char *word)
{
	return word[0] >= '0' && word[0] <= '9' && strchr(word, '.') != NULL &&
		strchr(word, '=') == NULL;
}

static bool
is_status(const char *word, enum suppression_status *ret)
{
	static const enum suppression_status known[] = {SUPPR_NONE, SUPPR_HELD, SUPPR_PARENT,
		SUPPR_WINDOW};

	for (unsigned i = 0; i < FM_ARRAY_LEN(known); i++) {
		if (strcmp(word, suppression_status_name(known[i])) != 0)
			continue;
		*ret = known[i];
		return true;
	}
	return false;
}

static bool
attr_is(const struct seen *t, const char *word)
{
	const size_t len = strcspn(word, "=");
	char num[32];

	for (unsigned i = 0; i < t->n_attrs; i++) {
		const struct attr *a = &t->attrs[i];

		if (strlen(a->name) != len || memcmp(a->name, word, len) != 0)
			continue;
		snprintf(num, sizeof(num), "%lld", (long long)a->num);
		return strcmp(a->text != NULL ? a->text : num, word + len + 1) == 0;
	}
	return word[len + 1] == '\0';
}

enum verdict { SAME, OTHER, UNREADABLE };

static enum verdict
compare_word(struct play *p, const struct seen *t, const char *word)
{
	enum suppression_status status;
	enum severity sev;

	if (severity_parse(word, strlen(word), &sev) && sev != SEV_NONE)
		return sev == t->severity ? SAME : OTHER;
	if (is_status(word, &status))
		return status == t->status ? SAME : OTHER;
	if (strncmp(word, "text~", 5) == 0)
		return strstr(t->text, word + 5) != NULL ? SAME : OTHER;
	if (is_id(word))
		return strcmp(word, t->id) == 0 ? SAME : OTHER;
	if (strncmp(word, "attr.", 5) == 0 && strchr(word, '=') != NULL)
		return attr_is(t, word + 5) ? SAME : OTHER;
	if (strchr(word, '=') != NULL)
		return strcmp(record_entity(p->mk, word), t->entity) == 0 ? SAME : OTHER;
	return UNREADABLE;
}

/* The id that a step is about: the one it names, else the record's own. */
static const char *
id_of(const struct play *p, const struct offline_words *w)
{
	for (unsigned i = 2; i < w->n; i++)
		if (is_id(w->v[i]))
			return w->v[i];
	return p->rec->id;
}

static void
fail_word(struct play *p, const char *word)
{
	static const char *const words[] = {"critical", "major", "minor", "warning", "held",
		"masked", "maintenance", "unsuppressed"};
	const char *near = cat_nearest(fm_str_of(word), words, FM_ARRAY_LEN(words));

	fail(p, F_STEP, "%s is no severity, status, alarm id, entity, text~ or attr.%s%s%s", word,
	     near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	     near != NULL ? "?" : "");
}

static void
expect(struct play *p, enum transition_kind kind, const struct offline_words *w)
{
	const struct seen *t = p->head;

	const char *id = id_of(p, w);

	if (t == NULL || t->at.ns != p->now.ns || t->kind != kind || strcmp(id, t->id) != 0) {
		const bool there = cat_find(p->cat, id) != NULL;

		fail_with(p, there ? "this does not happen" :
			  "this does not happen; the catalogue has no ", there ? "" : id);
		return;
	}
	for (unsigned i = 2; i < w->n && !p->failed; i++) {
		const enum verdict v = compare_word(p, t, w->v[i]);

		if (v == UNREADABLE)
			fail_word(p, w->v[i]);
		else if (v == OTHER)
			fail_with(p, "not so: ", w->v[i]);
	}
	p->n_expected++;
	p->head = t->next;
	if (p->head == NULL)
		p->tail = &p->head;
}

/* ---- steps ------------------------------------------------------------------------------------ */

static void
unknown_verb(struct play *p, const char *word)
{
	const char *words[5 + TR_N_KINDS] = {"nova", "libvirt", "request", "record", "nothing"};

	for (unsigned i = 0; i < TR_N_KINDS; i++)
		words[5 + i] = transition_kind_name((enum transition_kind)i);
	const char *near = cat_nearest(fm_str_of(word), words, FM_ARRAY_LEN(words));

	fail(p, F_STEP, "%s is neither a record nor a transition%s%s%s", word,
	     near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	     near != NULL ? "?" : "");
}

/* The raw text behind the second word. */
static const char *
rest_of(const char *text)
{
	for (unsigned i = 0; i < 2; i++) {
		text += strspn(text, " \t\n");
		text += strcspn(text, " \t\n");
	}
	return text + strspn(text, " \t\n");
}

static void
do_record(struct play *p, const struct offline_words *w)
{
	static const char *const forms[] = {
		[OFFLINE_NOVA] = "nova", [OFFLINE_LIBVIRT] = "libvirt",
		[OFFLINE_REQUEST] = "request",
	};
	struct offline_words rest = {.n = w->n - 2};
	unsigned form = 0;

	if (p->head != NULL) {
		fail_with(p, "something happens before this record", "");
		return;
	}
	if (strcmp(w->v[1], "record") == 0) {
		const char *json = rest_of(p->step->text);

		feed(p, json, strlen(json));
		return;
	}
	while (form < FM_ARRAY_LEN(forms) && strcmp(forms[form], w->v[1]) != 0)
		form++;
	memcpy(rest.v, w->v + 2, rest.n * sizeof(rest.v[0]));
	if (form == FM_ARRAY_LEN(forms))
		unknown_verb(p, w->v[1]);
	else
		put_record(p, (enum offline_form)form, &rest);
}

/* False: the step has no time to stand at. */
static bool
step_time(struct play *p, const struct offline_words *w)
{
	struct fm_span at;

	if (w->n < 2) {
		fail(p, F_STEP, "a step is a time and what happens then, such as \"10s clear\"");
		return false;
	}
	if (fm_span_parse(w->v[0], strlen(w->v[0]), &at) < 0 || at.ns < 0 ||
	    at.ns > fm_span_s(366LL * 24 * 3600).ns) {
		fail(p, F_STEP, "%s is not a time of up to a year", w->v[0]);
		return false;
	}
	if (fm_time_add(zero(), at).ns < p->now.ns) {
		fail(p, F_TIME, "%s is before the step above", w->v[0]);
		return false;
	}
	p->now = fm_time_add(zero(), at);
	return true;
}

static void
do_step(struct play *p)
{
	struct offline_words w;
	struct fm_err err = {0};
	enum transition_kind kind;

	/* JSON has quotes of its own. */
	const char *text = p->step->text;
	const bool raw = strncmp(text + strcspn(text, " \t"), " record ", 8) == 0;

	if (raw) {
		text = fm_arena_printf(&p->arena, "%.*s record", (int)strcspn(text, " \t"), text);
	}
	if (offline_split(&p->arena, text, &w, &err) < 0) {
		fail(p, F_STEP, "%s", err.msg);
		return;
	}
	if (!step_time(p, &w))
		return;
	if (transition_kind_parse(w.v[1], strlen(w.v[1]), &kind)) {
		corr_advance(p->corr, p->now, take, p);
		expect(p, kind, &w);
	} else if (strcmp(w.v[1], "nothing") == 0 && w.n > 2) {
		fail(p, F_STEP, "nothing stands alone, without %s", w.v[2]);
	} else if (strcmp(w.v[1], "nothing") == 0) {
		corr_advance(p->corr, p->now, take, p);
		p->n_expected++;
		if (p->head != NULL)
			fail_with(p, "something happens", "");
	} else {
		corr_advance(p->corr, fm_time_sub(p->now, (struct fm_span){1}), take, p);
		do_record(p, &w);
	}
}

/* ---- an example ------------------------------------------------------------------------------- */

static void
watch(struct play *p, const char *id)
{
	for (unsigned i = 0; i < p->n_watched; i++)
		if (strcmp(p->watched[i], id) == 0)
			return;
	if (p->n_watched < MAX_WATCHED)
		p->watched[p->n_watched++] = id;
}

/* Every id that a step expects something of. Steps that cannot be read are reported when played. */
static void
watch_all(struct play *p)
{
	watch(p, p->rec->id);
	for (unsigned i = 0; i < p->ex->n_steps; i++) {
		struct offline_words w;
		enum transition_kind kind;

		if (offline_split(&p->arena, p->ex->steps[i].text, &w, NULL) == 0 && w.n > 2 &&
		    transition_kind_parse(w.v[1], strlen(w.v[1]), &kind))
			watch(p, id_of(p, &w));
	}
}

static bool
play(const struct catalogue *cat, const struct cat_record *rec, const struct cat_example *ex,
     struct cat_findings *findings)
{
	struct play p = {.cat = cat, .rec = rec, .ex = ex, .step = ex->steps,
		.findings = findings, .now = zero()};

	fm_arena_init(&p.arena);
	p.tail = &p.head;
	p.mk = record_maker_new(USUAL_UUID, USUAL_HOST);
	p.dec = decoder_new(NULL);
	p.corr = corr_new(cat);
	watch_all(&p);
	corr_advance(p.corr, p.now, take, &p);
	for (unsigned i = 0; i < ex->n_steps && !p.failed; i++) {
		p.step = &ex->steps[i];
		do_step(&p);
	}
	if (!p.failed && p.head != NULL)
		fail_with(&p, "more happens than the steps expect", "");
	p.step = &(struct cat_example_step){.line = ex->line, .column = ex->column};
	if (!p.failed && p.n_expected == 0)
		fail(&p, F_EMPTY, "it expects nothing; add what comes, or \"1h nothing\"");
	corr_free(p.corr);
	decoder_free(p.dec);
	record_maker_free(p.mk);
	fm_arena_fini(&p.arena);
	return !p.failed;
}

void
offline_play(const struct catalogue *cat, struct cat_findings *findings,
	     struct offline_checked *ret)
{
	*ret = (struct offline_checked){0};
	for (unsigned i = 0; i < cat_count(cat); i++) {
		const struct cat_record *rec = cat_at(cat, i);

		for (unsigned j = 0; j < rec->n_examples; j++) {
			ret->examples++;
			ret->failed += !play(cat, rec, &rec->examples[j], findings);
		}
	}
	cat_findings_sort(findings);
}
