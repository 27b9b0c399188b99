/*
 * window: maintenance windows. While one is open, the alarms that it covers are raised, counted and
 * cleared as ever and only not announced; relation.c derives their status from what is here. When it
 * closes, what is still active is announced.
 *
 *   closed -1-> open -2-> closed … -3-> gone
 *
 * 1 begin of an interval; 2 its end; 3 an operator's window has no further one, or was deleted.
 *
 * When a window is open was worked out before it came here (events/cat_window.c), so that this needs
 * no calendar: one deadline stands at the next instant at which any of them opens or closes. A new core
 * looks for it with its first input; what is before that has happened to no alarm.
 *
 * An operator's window is kept as a named piece, with its intervals.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

/* ---- whom it covers -------------------------------------------------------------------------- */

static int
by_text(const void *key, const void *elem)
{
	return strcmp(key, *(const char *const *)elem);
}

/* "all" leaves out what fmd says of itself: that it cannot do its work is news at any time. */
static bool
names(const struct cat_window *w, const struct alarm *al)
{
	if (w->n_alarms == 0)
		return al->origin != ALARM_BY_SELF;
	return bsearch(al->alarm_id, w->alarms, w->n_alarms, sizeof(w->alarms[0]), by_text) != NULL;
}

/* "host=NAME" alone covers the instances on that host too. */
static bool
is_their_host(const struct correlator *corr, const char *path, const struct corr_alarm *al)
{
	struct entity_segment seg[FM_MAX_SEGMENTS];

	if (al->inst == NULL || al->host == NULL ||
	    entity_parse(path, strlen(path), seg) != 1 || !fm_str_is(seg[0].key, "host"))
		return false;
	return host_known(corr, seg[0].value) == al->host;
}

static bool
covers(const struct correlator *corr, const struct cat_window *w, const struct corr_alarm *al)
{
	if (!names(w, &al->a))
		return false;
	for (unsigned i = 0; i < w->n_entities; i++)
		if (entity_covers(w->entities[i], al->a.entity) ||
		    is_their_host(corr, w->entities[i], al))
			return true;
	return w->n_entities == 0;
}

static const struct window *
first_over(const struct correlator *corr, const struct corr_alarm *al, bool log)
{
	const struct windows *ws = &corr->windows;

	for (unsigned i = 0; ws->n_open > 0 && i < ws->n; i++)
		if (ws->v[i]->open && (!log || ws->v[i]->w->logs) && covers(corr, ws->v[i]->w, al))
			return ws->v[i];
	return NULL;
}

const struct window *
window_over(const struct correlator *corr, const struct corr_alarm *al)
{
	return first_over(corr, al, false);
}

const struct window *
window_over_log(const struct correlator *corr, const struct corr_alarm *al)
{
	return first_over(corr, al, true);
}

/* ---- when ------------------------------------------------------------------------------------ */

/* At one instant, without a word to the alarms. */
static void
look(struct correlator *corr, struct fm_time at)
{
	struct fm_time next, due = {INT64_MAX};

	corr->windows.n_open = 0;
	for (unsigned i = 0; i < corr->windows.n; i++) {
		struct window *win = corr->windows.v[i];

		win->open = cat_window_open(win->w, at);
		corr->windows.n_open += win->open;
		if (cat_window_next(win->w, at, &next) && next.ns < due.ns)
			due = next;
	}
	if (due.ns != INT64_MAX)
		dl_arm(corr, &corr->boundary, DL_WINDOW, corr, due);
	else
		dl_cancel(corr, &corr->boundary);
}

void
window_begin(struct correlator *corr, struct fm_time at)
{
	if (corr->now.ns == 0 && corr->windows.n > 0 && !dl_armed(&corr->boundary))
		look(corr, at);
}

/* Windows have changed: what is covered now, and what is no longer, is told. */
static void
review(struct correlator *corr)
{
	look(corr, corr->now);
	for (struct corr_alarm *al = corr->active.head; al != NULL; al = al->next)
		if (al->a.status == SUPPR_WINDOW || corr->windows.n_open > 0)
			rel_review(corr, al, window_over(corr, al) != NULL ? TR_SUPPRESS :
				   TR_UNSUPPRESS);
}

/* ---- those there are --------------------------------------------------------------------------- */

static void
window_free(struct window *win)
{
	fm_arena_fini(&win->arena);
	free(win->user);
	free(win);
}

/* Behind those of the catalogue, by name. */
static void
insert(struct windows *ws, struct window *win)
{
	unsigned i = ws->n;

	ws->v = fm_realloc(ws->v, (ws->n + 1) * sizeof(struct window *));
	for (; i > 0 && (win->user == NULL ? ws->v[i - 1]->user != NULL :
			 ws->v[i - 1]->user != NULL &&
			 strcmp(ws->v[i - 1]->w->name, win->w->name) > 0); i--)
		ws->v[i] = ws->v[i - 1];
	ws->v[i] = win;
	ws->n++;
}

static void
take_out(struct windows *ws, unsigned i)
{
	window_free(ws->v[i]);
	memmove(&ws->v[i], &ws->v[i + 1], (--ws->n - i) * sizeof(struct window *));
}

static void
forget_window(struct correlator *corr, unsigned i)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};

	fm_buf_addf(&name, WINDOW_NAME "%s", corr->windows.v[i]->w->name);
	forget(corr, ROW_KEPT, name.s, NULL);
	take_out(&corr->windows, i);
}

/* Operators' windows that will not open any more. */
static void
drop_past(struct correlator *corr)
{
	struct fm_time next;

	for (unsigned i = corr->windows.n; i-- > 0;)
		if (corr->windows.v[i]->user != NULL &&
		    !cat_window_next(corr->windows.v[i]->w, corr->now, &next))
			forget_window(corr, i);
}

void
window_due(struct correlator *corr)
{
	drop_past(corr);
	review(corr);
}

void
window_relink(struct correlator *corr)
{
	const struct cat_window *w;
	const unsigned n = cat_windows(corr->cat, &w);

	for (unsigned i = corr->windows.n; i-- > 0;)
		if (corr->windows.v[i]->user == NULL)
			take_out(&corr->windows, i);
	for (unsigned i = 0; i < n; i++) {
		struct window *win = fm_calloc(1, sizeof(*win));

		fm_arena_init(&win->arena);
		win->w = &w[i];
		insert(&corr->windows, win);
	}
	if (corr->now.ns != 0)
		review(corr);
}

void
window_restored(struct correlator *corr)
{
	corr->windows.n_open = 0;
	for (unsigned i = 0; i < corr->windows.n; i++) {
		struct window *win = corr->windows.v[i];

		win->open = corr->now.ns != 0 && cat_window_open(win->w, corr->now);
		corr->windows.n_open += win->open;
	}
}

void
window_free_all(struct correlator *corr)
{
	for (unsigned i = 0; i < corr->windows.n; i++)
		window_free(corr->windows.v[i]);
	free(corr->windows.v);
	corr->windows = (struct windows){0};
}

/* ---- commands --------------------------------------------------------------------------------- */

static unsigned
find(const struct windows *ws, const char *name)
{
	unsigned i = 0;

	while (i < ws->n && strcmp(ws->v[i]->w->name, name) != 0)
		i++;
	return i;
}

static const char *const *
copy_texts(struct fm_arena *arena, const char *const *v, unsigned n)
{
	const char **copy = fm_arena_alloc(arena, (n + 1) * sizeof(copy[0]));

	for (unsigned i = 0; i < n; i++)
		copy[i] = fm_arena_strndup(arena, v[i], strlen(v[i]));
	return copy;
}

static struct window *
window_copy(const struct cat_window *w, const char *user)
{
	struct window *win = fm_calloc(1, sizeof(*win));
	struct fm_arena *arena = &win->arena;
	struct cat_interval *at;

	fm_arena_init(arena);
	at = fm_arena_alloc(arena, (w->n + 1) * sizeof(at[0]));
	memcpy(at, w->at, w->n * sizeof(at[0]));
	win->own = *w;
	win->own.name = fm_arena_strndup(arena, w->name, strlen(w->name));
	win->own.alarms = copy_texts(arena, w->alarms, w->n_alarms);
	win->own.entities = copy_texts(arena, w->entities, w->n_entities);
	for (unsigned i = 0; i < WINDOW_N_PARTS; i++)
		if (w->part[i] != NULL)
			win->own.part[i] = fm_arena_strndup(arena, w->part[i], strlen(w->part[i]));
	win->own.at = at;
	win->w = &win->own;
	win->user = fm_strdup(user);
	return win;
}

static int
add(struct correlator *corr, const struct corr_command *cmd, struct fm_err *err)
{
	struct windows *ws = &corr->windows;
	struct window *win;
	struct fm_time next;
	unsigned operators = 0;

	for (unsigned i = 0; i < ws->n; i++)
		operators += ws->v[i]->user != NULL;
	if (find(ws, cmd->window->name) < ws->n)
		return fm_fail(err, -EEXIST, "there is a maintenance window of that name");
	if (operators == CAT_MAX_WINDOWS)
		return fm_fail(err, -ENOSPC, "there are %u maintenance windows already",
			       CAT_MAX_WINDOWS);
	if (!cat_window_next(cmd->window, corr->now, &next))
		return fm_fail(err, -EINVAL, "the window is over already");
	win = window_copy(cmd->window, cmd->user);
	win->dirty = true;
	insert(ws, win);
	corr->hard = true;
	review(corr);
	return 0;
}

int
window_operate(struct correlator *corr, const struct corr_command *cmd, struct fm_err *err)
{
	unsigned i;

	if (cmd->kind == CORR_CMD_WINDOW_ADD)
		return add(corr, cmd, err);
	i = find(&corr->windows, cmd->name);
	if (i == corr->windows.n)
		return fm_fail(err, -ENOENT, "there is no maintenance window of that name");
	if (corr->windows.v[i]->user == NULL)
		return fm_fail(err, -EPERM, "this maintenance window stands in the catalogue: change it "
			       "there");
	forget_window(corr, i);
	review(corr);
	return 0;
}

void
corr_each_window(const struct correlator *corr, window_visit_f *f, void *ctx)
{
	for (unsigned i = 0; i < corr->windows.n; i++)
		f(ctx, corr->windows.v[i]->w, corr->windows.v[i]->user, corr->windows.v[i]->open);
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void
put_texts(struct fm_buf *b, const char *const *v, unsigned n)
{
	fm_buf_addf(b, "%u\n", n);
	for (unsigned i = 0; i < n; i++)
		fm_buf_addf(b, "%s\n", v[i]);
}

/* A line each; no text of a window holds a line's end. */
static void
put_window(struct fm_buf *b, const struct window *win)
{
	const struct cat_window *w = win->w;

	fm_buf_addf(b, "%s\n%d\n", win->user, w->logs);
	for (unsigned i = 0; i < WINDOW_N_PARTS; i++)
		fm_buf_addf(b, "%s\n", w->part[i] != NULL ? w->part[i] : "");
	put_texts(b, w->alarms, w->n_alarms);
	put_texts(b, w->entities, w->n_entities);
	fm_buf_addf(b, "%u\n", w->n);
	for (unsigned i = 0; i < w->n; i++)
		fm_buf_addf(b, "%lld\n%lld\n", (long long)w->at[i].begin.ns,
			    (long long)w->at[i].end.ns);
}

static void
put_row(const struct window *win, row_sink_f *sink, void *ctx)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf name = {0};
	FM_CLEANUP(fm_buf_fini) struct fm_buf body = {0};

	fm_buf_addf(&name, WINDOW_NAME "%s", win->w->name);
	put_window(&body, win);
	const struct row row = {.kind = ROW_KEPT, .u.kept = {.name = name.s,
		.body = {body.s, (uint32_t)body.len}}};

	sink(ctx, &row);
}

void
window_flush(struct correlator *corr, row_sink_f *sink, void *ctx)
{
	for (unsigned i = 0; i < corr->windows.n; i++) {
		if (corr->windows.v[i]->dirty)
			put_row(corr->windows.v[i], sink, ctx);
		corr->windows.v[i]->dirty = false;
	}
}

void
window_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx)
{
	for (unsigned i = 0; i < corr->windows.n; i++)
		if (corr->windows.v[i]->user != NULL)
			put_row(corr->windows.v[i], sink, ctx);
}

/* The next line, which is cut out of *p; "" at the end. */
static const char *
line_of(char **p)
{
	char *line = *p, *end = strchr(line, '\n');

	if (end == NULL) {
		*p = line + strlen(line);
		return line;
	}
	*end = '\0';
	*p = end + 1;
	return line;
}

static unsigned
count_of(char **p, unsigned max)
{
	const unsigned long n = strtoul(line_of(p), NULL, 10);

	return n <= max ? (unsigned)n : max;
}

static const char *const *
texts_of(struct fm_arena *arena, char **p, unsigned *ret_n)
{
	const char **v = fm_arena_alloc(arena, (CAT_MAX_WINDOW_ITEMS + 1) * sizeof(v[0]));

	*ret_n = count_of(p, CAT_MAX_WINDOW_ITEMS);
	for (unsigned i = 0; i < *ret_n; i++)
		v[i] = line_of(p);
	return v;
}

static void
times_of(struct fm_arena *arena, char **p, struct cat_window *w)
{
	struct cat_interval *at;

	w->n = count_of(p, CAT_MAX_OPEN);
	at = fm_arena_alloc(arena, (w->n + 1) * sizeof(at[0]));
	for (unsigned i = 0; i < w->n; i++) {
		at[i].begin.ns = strtoll(line_of(p), NULL, 10);
		at[i].end.ns = strtoll(line_of(p), NULL, 10);
	}
	w->at = at;
}

void
window_restore(struct correlator *corr, const struct row_kept *r)
{
	struct window *win = fm_calloc(1, sizeof(*win));
	struct cat_window *w = &win->own;
	const char *name = r->name + strlen(WINDOW_NAME);
	char *p;

	fm_arena_init(&win->arena);
	p = fm_arena_strndup(&win->arena, r->body.p, r->body.len);
	w->name = fm_arena_strndup(&win->arena, name, strlen(name));
	win->user = fm_strdup(line_of(&p));
	w->logs = strcmp(line_of(&p), "1") == 0;
	for (unsigned i = 0; i < WINDOW_N_PARTS; i++) {
		const char *part = line_of(&p);

		w->part[i] = *part != '\0' ? part : NULL;
	}
	w->alarms = texts_of(&win->arena, &p, &w->n_alarms);
	w->entities = texts_of(&win->arena, &p, &w->n_entities);
	times_of(&win->arena, &p, w);
	win->w = w;
	insert(&corr->windows, win);
}
