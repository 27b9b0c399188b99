/*
 * host: compute hosts by any of their names, their flags, what their bridge's sequence numbers
 * say, and how far their clock is from the broker's.
 *
 * Names: Nova's host, libvirt's hostname and publisher ids may be short or fully qualified. A
 * short name and an FQDN are one host while only one FQDN with that short name is known.
 */
#include "correlator/correlator_priv.h"

#include <stdlib.h>

#define CLOCK_MIN_SAMPLES 8u
/* The estimate is the least delay of so many records; then it is taken anew, so it can rise too. */
#define CLOCK_WINDOW 64u
/* From here on a clock counts as wrong, and below that as right again. */
#define CLOCK_OFF_NS FM_NS_PER_S
#define CLOCK_RIGHT_NS (FM_NS_PER_S / 2)
#define NOVA_DOWN_S 60                  /* Nova's service_down_time, by default */

void
host_soft(struct correlator *corr, struct host *h)
{
	if (h->dirty || h->soft)
		return;
	h->soft = true;
	h->next_dirty = corr->dirty_host;
	corr->dirty_host = h;
}

void
host_dirty(struct correlator *corr, struct host *h)
{
	host_soft(corr, h);
	h->dirty = true;
	corr->hard = true;
}

static size_t
short_len(const char *name, size_t len)
{
	const char *dot = memchr(name, '.', len);

	return dot != NULL ? (size_t)(dot - name) : len;
}

/*
 * The host of the other form of its name, short or FQDN. A short name that two FQDNs have is no
 * host's: it says no more than where they are alike.
 */
static struct host *
find_by_short(const struct correlator *corr, struct fm_str name)
{
	const size_t len = short_len(name.p, name.len);
	struct host_alias *a;
	struct host *h;

	if (len != name.len) {
		HASH_FIND(hh, corr->hosts, name.p, len, h);
		return h;
	}
	HASH_FIND(hh, corr->shorts, name.p, len, a);
	return a != NULL ? a->host : NULL;
}

static void
index_short(struct correlator *corr, struct host *h)
{
	const size_t len = short_len(h->name, h->name_len);
	struct host_alias *a;

	if (len == h->name_len)
		return;
	HASH_FIND(hh, corr->shorts, h->name, len, a);
	if (a != NULL) {
		a->host = NULL;
		return;
	}
	a = fm_calloc(1, sizeof(*a));
	a->host = h;
	a->name = fm_intern(&corr->names, h->name, len);
	HASH_ADD_KEYPTR(hh, corr->shorts, a->name, len, a);
}

static void
index_alias(struct correlator *corr, struct host *h, struct fm_str name)
{
	struct host_alias *a;

	HASH_FIND(hh, corr->aliases, name.p, name.len, a);
	if (a != NULL)
		return;
	a = fm_calloc(1, sizeof(*a));
	a->host = h;
	a->name = fm_intern(&corr->names, name.p, name.len);
	HASH_ADD_KEYPTR(hh, corr->aliases, a->name, name.len, a);
}

void
host_index_aliases(struct correlator *corr, struct host *h)
{
	for (const char *p = h->aliases; p != NULL && *p != '\0';) {
		const size_t n = strcspn(p, " ");

		index_alias(corr, h, (struct fm_str){p, (uint32_t)n});
		p += n + (p[n] == ' ');
	}
}

/* Short, full, by a second network: who needs more makes them up, and each is a row's bytes for ever. */
static bool
may_have_another(const struct host *h)
{
	unsigned n = 1;

	for (const char *p = h->aliases; p != NULL && (p = strchr(p, ' ')) != NULL; p++)
		n++;
	return h->aliases == NULL || n < HOST_MAX_ALIASES;
}

/* From now on this spelling is found by its hash. */
static void
add_alias(struct correlator *corr, struct host *h, struct fm_str name)
{
	struct fm_buf b = {0};

	if (!may_have_another(h))
		return;
	if (h->aliases != NULL)
		fm_buf_addf(&b, "%s ", h->aliases);
	fm_buf_add(&b, name.p, name.len);
	free(h->aliases);
	h->aliases = b.s;
	index_alias(corr, h, name);
	host_dirty(corr, h);
}

/* By the name it was first heard with; made when there is none. */
struct host *
host_exact(struct correlator *corr, struct fm_str name)
{
	struct host *h;

	HASH_FIND(hh, corr->hosts, name.p, name.len, h);
	if (h != NULL)
		return h;
	h = fm_calloc(1, sizeof(*h));
	h->name = fm_intern(&corr->names, name.p, name.len);
	h->name_len = name.len;
	h->changed_at = corr->now;
	HASH_ADD_KEYPTR(hh, corr->hosts, h->name, name.len, h);
	index_short(corr, h);
	corr->stats.hosts++;
	host_dirty(corr, h);
	return h;
}

/* NULL for an empty name, and one longer than FM_MAX_HOST. */
struct host *
host_get(struct correlator *corr, struct fm_str name)
{
	struct host_alias *a;
	struct host *h = corr->last_host;

	if (name.p == NULL || name.len == 0 || name.len > FM_MAX_HOST)
		return NULL;
	/* A record names its host up to three times. */
	if (h != NULL && h->name_len == name.len && memcmp(h->name, name.p, name.len) == 0)
		return h;
	HASH_FIND(hh, corr->hosts, name.p, name.len, h);
	if (h != NULL)
		return corr->last_host = h;
	HASH_FIND(hh, corr->aliases, name.p, name.len, a);
	if (a != NULL)
		return a->host;
	h = find_by_short(corr, name);
	if (h == NULL)
		return host_exact(corr, name);
	add_alias(corr, h, name);
	return h;
}

/* By any name it goes by; NULL when there is none, and none is made. */
struct host *
host_known(const struct correlator *corr, struct fm_str name)
{
	struct host_alias *a;
	struct host *h;

	if (name.p == NULL || name.len == 0)
		return NULL;
	HASH_FIND(hh, corr->hosts, name.p, name.len, h);
	if (h != NULL)
		return h;
	HASH_FIND(hh, corr->aliases, name.p, name.len, a);
	return a != NULL ? a->host : find_by_short(corr, name);
}

/*
 * A fact holds while all flags of one of its lines do; the first of these is the reason.
 *
 * That a host is down is never drawn from silence. Nova tells nothing of a compute service that stops
 * reporting, but whatever it tells of the service later says when it heard it last (compute-events
 * §3.2). Both that and libvirt's lost link are statements; neither becomes true by fmd not listening.
 * Each alone is less: a libvirtd that hangs, or a compute service that does.
 */
static const struct { enum fact_id fact; unsigned flags; const char *reason; } host_fact[] = {
	{FACT_HOST_DOWN, HOST_F_DOWN, "Nova has forced its compute service down"},
	{FACT_HOST_DOWN, HOST_F_LINK_LOST | HOST_F_NOVA_SILENT,
	 "its libvirt daemon stopped answering, and Nova has not heard its compute service for a minute"},
	{FACT_HOST_DISABLED, HOST_F_DISABLED, NULL},
	{FACT_HOST_UNSEEN, HOST_F_UNSEEN, "its libvirt daemon no longer reports"},
	{FACT_HOST_UNSEEN, HOST_F_NOVA_BLIND, "Nova there cannot reach its libvirt daemon"},
	{FACT_HOST_UNSEEN, HOST_F_NOVA_SILENT, "Nova does not hear its compute service"},
	{FACT_HOST_CLOCK_OFF, HOST_F_CLOCK_OFF, NULL},
};

/* The line that makes it hold; -1: it does not. */
static int
line_of(unsigned flags, enum fact_id fact)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(host_fact); i++)
		if (host_fact[i].fact == fact &&
		    (flags & host_fact[i].flags) == host_fact[i].flags)
			return (int)i;
	return -1;
}

static bool
is_first_of_fact(unsigned i)
{
	return i == 0 || host_fact[i - 1].fact != host_fact[i].fact;
}

bool
host_holds(const struct host *h, enum fact_id fact)
{
	return line_of(h->flags, fact) >= 0;
}

const char *
host_reason(const struct host *h, enum fact_id fact)
{
	const int line = line_of(h->flags, fact);

	return line >= 0 ? host_fact[line].reason : NULL;
}

static void
change_flags(struct correlator *corr, struct host *h, unsigned flags, struct fm_time since)
{
	const unsigned was = h->flags;

	if (flags == was)
		return;
	h->flags = flags;
	h->changed_at = corr->now;
	host_dirty(corr, h);
	corr->effect = true;
	for (unsigned i = 0; i < FM_ARRAY_LEN(host_fact); i++) {
		const enum fact_id fact = host_fact[i].fact;
		const int before = line_of(was, fact), after = line_of(flags, fact);

		if (!is_first_of_fact(i) || before == after)
			continue;
		if (before < 0)
			rules_enter(corr, fact, NULL, h, since);
		else if (after < 0)
			rules_leave(corr, fact, NULL, h);
		else
			rules_reason(corr, fact, h);
	}
}

void
host_set_flag(struct correlator *corr, struct host *h, unsigned flag, bool on)
{
	change_flags(corr, h, on ? h->flags | flag : h->flags & ~flag, corr->now);
}

void
host_enter_held(struct correlator *corr, struct host *h)
{
	for (unsigned i = 0; i < FM_ARRAY_LEN(host_fact); i++)
		if (is_first_of_fact(i) && host_holds(h, host_fact[i].fact))
			rules_enter(corr, host_fact[i].fact, NULL, h, h->changed_at);
}

/* ---- whether Nova hears it ------------------------------------------------------------------- */

void
host_link_lost(struct correlator *corr, struct host *h)
{
	if (!(h->flags & HOST_F_LINK_LOST))
		h->link_lost_at = corr->now;
	host_set_flag(corr, h, HOST_F_LINK_LOST, true);
}

/* From then on Nova itself takes a service for down. */
static struct fm_time
given_up_at(const struct host *h)
{
	return fm_time_add(h->nova_seen, fm_span_s(NOVA_DOWN_S));
}

/*
 * Both times of the record are by the same clock, so it does not matter when it is read. Since when
 * the host is down: the later of the two, for its instances may have failed before Nova told.
 */
void
host_nova_seen(struct correlator *corr, struct host *h, const struct event *ev)
{
	const struct fm_time seen = ev->u.nova.last_seen_up;

	if (seen.ns == 0 || ev->stamp.ns == 0 || seen.ns < h->nova_seen.ns)
		return;
	if (seen.ns != h->nova_seen.ns) {
		h->nova_seen = seen;
		host_dirty(corr, h);
	}
	const struct fm_span past = fm_time_diff(ev->stamp, given_up_at(h));
	const struct fm_time since = fm_time_sub(corr->now, past);

	if (past.ns > 0)
		change_flags(corr, h, h->flags | HOST_F_NOVA_SILENT,
			     h->flags & HOST_F_LINK_LOST ? fm_time_max(since, h->link_lost_at) :
			     since);
	else
		host_set_flag(corr, h, HOST_F_NOVA_SILENT, false);
}

/* What it sent before it was given up may still be on its way. */
void
host_nova_lives(struct correlator *corr, struct host *h, struct fm_time stamp)
{
	if ((h->flags & HOST_F_NOVA_SILENT) && stamp.ns > given_up_at(h).ns)
		host_set_flag(corr, h, HOST_F_NOVA_SILENT, false);
}

static bool
explains_failures(const struct corr_alarm *al)
{
	for (unsigned i = 0; al->rec != NULL && i < al->rec->n_relations; i++) {
		const struct cat_relation *rel = &al->rec->relations[i];

		if (rel->effect == EFFECT_SUPPRESS && rel->where == WHERE_INSTANCE_HOST &&
		    al->a.severity >= rel->at_least && al->a.severity == SEV_CRITICAL)
			return true;
	}
	return false;
}

/* A suspicion drawn from the instances themselves (a group) proves nothing about the host. */
const struct corr_alarm *
host_failure(const struct host *h)
{
	for (const struct corr_alarm *al = h->alarms; al != NULL; al = al->host_next)
		if (al->group == NULL && explains_failures(al))
			return al;
	return NULL;
}

bool
host_is_failed(const struct host *h)
{
	return host_holds(h, FACT_HOST_DOWN) || host_failure(h) != NULL;
}

/* ---- sequence windows ----------------------------------------------------------------------- */

/* Topics are few and their names stable: the last one's hash is remembered. */
static uint32_t
topic_hash(struct correlator *corr, const char *topic)
{
	if (topic != corr->last_topic) {
		corr->last_topic = topic;
		corr->last_topic_hash = topic != NULL ?
			(uint32_t)fm_hash64(topic, strlen(topic), 0) : 0;
	}
	return corr->last_topic_hash;
}

static struct seq_window *
window_get(struct correlator *corr, struct host *h, const struct record_pos *pos)
{
	const uint32_t topic = topic_hash(corr, pos->topic);

	for (unsigned i = 0; i < h->n_win; i++)
		if (h->win[i].topic == topic && h->win[i].partition == pos->partition)
			return &h->win[i];
	h->win = fm_realloc(h->win, (h->n_win + 1) * sizeof(*h->win));
	memset(&h->win[h->n_win], 0, sizeof(*h->win));
	h->win[h->n_win].topic = topic;
	h->win[h->n_win].partition = pos->partition;
	return &h->win[h->n_win++];
}

static void
window_shift(struct seq_window *w, uint64_t by)
{
	while (by >= 64) {
		memmove(w->bits + 1, w->bits, 3 * sizeof(w->bits[0]));
		w->bits[0] = 0;
		by -= 64;
	}
	for (int i = 3; i >= 0 && by > 0; i--)
		w->bits[i] = w->bits[i] << by | (i > 0 ? w->bits[i - 1] >> (64 - by) : 0);
}

/* True when seq is new. What lies below the window is taken as new: state heals by level. */
static bool
window_add(struct seq_window *w, uint64_t seq)
{
	if (w->max == 0 || seq > w->max) {
		const uint64_t by = w->max == 0 ? 256 : seq - w->max;

		window_shift(w, by > 256 ? 256 : by);
		w->max = seq;
		w->bits[0] |= 1;
		return true;
	}
	const uint64_t back = w->max - seq;

	if (back >= 256)
		return true;
	if (w->bits[back / 64] >> (back % 64) & 1)
		return false;
	w->bits[back / 64] |= 1ULL << (back % 64);
	return true;
}

/* A new bridge process counts from 1 again. */
static void
new_boot(struct host *h, struct fm_str boot, uint64_t seq)
{
	free(h->boot);
	h->boot = fm_strndup(boot.p, boot.len);
	free(h->win);
	h->win = NULL;
	h->n_win = 0;
	h->seq_base = seq;
	h->seq_max = seq - 1;
	h->seq_count = h->seq_healed = 0;
	h->lost_since = (struct fm_time){0};
}

static uint64_t
missing(const struct host *h)
{
	const uint64_t n = h->seq_max - h->seq_base + 1 - h->seq_count;

	/* One that comes again from below the window is counted twice. */
	return h->boot == NULL || n > INT64_MAX ? 0 : n;
}

/* A late record fills a gap; which one does not matter. */
static void
note_missing(struct correlator *corr, struct host *h)
{
	const uint64_t n = missing(h);

	h->seq_healed = h->seq_healed < n ? h->seq_healed : n;
	if (h->seq_healed == n)
		h->lost_since = (struct fm_time){0};
	else if (h->lost_since.ns == 0)
		h->lost_since = corr->now;
}

static void
count_seq(struct correlator *corr, struct host *h, uint64_t seq)
{
	const uint64_t was = missing(h);

	if (seq < h->seq_base)
		h->seq_base = seq;
	if (seq > h->seq_max)
		h->seq_max = seq;
	h->seq_count++;
	corr->stats.lost_upstream += missing(h) - was;  /* goes down when a gap fills */
	note_missing(corr, h);
}

/* Lost before they were numbered: as if fewer had come of those that were. */
void
host_lost(struct correlator *corr, struct host *h, uint64_t n)
{
	h->seq_count -= n;
	corr->stats.lost_upstream += n;
	host_soft(corr, h);
	note_missing(corr, h);
}

uint64_t
host_missing(const struct host *h)
{
	return missing(h);
}

/* Levels heal: what was missing when a whole snapshot began does not matter any more. */
void
host_told_all(struct correlator *corr, struct host *h, uint64_t missing_then)
{
	if (missing_then > h->seq_healed)
		h->seq_healed = missing_then;
	host_soft(corr, h);
	note_missing(corr, h);
}

/* Behind most others: a slow way to the broker is slow for more than one. */
static bool
is_behind(const struct correlator *corr, int64_t off)
{
	const struct host *h, *tmp;
	unsigned known = 0, earlier = 0;

	if (off <= CLOCK_OFF_NS)
		return false;
	HASH_ITER(hh, corr->hosts, h, tmp) {
		known += h->clock_samples >= CLOCK_MIN_SAMPLES;
		earlier += h->clock_samples >= CLOCK_MIN_SAMPLES &&
			h->clock_offset_ns < off - CLOCK_OFF_NS;
	}
	return 2 * earlier > known;
}

/*
 * A clock that is ahead shows soon: records cannot come before they were made. One that is behind
 * looks like a slow way, so a whole window has to be late, and later than those of other hosts.
 */
static void
judge_clock(struct correlator *corr, struct host *h)
{
	const uint32_t n = h->clock_samples % CLOCK_WINDOW;
	const int64_t off = h->clock_offset_ns;

	if (n != CLOCK_MIN_SAMPLES && n != 0)
		return;
	if (off < -CLOCK_OFF_NS || (n == 0 && is_behind(corr, off)))
		host_set_flag(corr, h, HOST_F_CLOCK_OFF, true);
	else if (llabs(off) < CLOCK_RIGHT_NS)
		host_set_flag(corr, h, HOST_F_CLOCK_OFF, false);
}

static void
learn_clock(struct correlator *corr, struct host *h, const struct event *ev)
{
	const int64_t off = ev->at.ns - ev->stamp.ns;

	if (ev->stamp.ns == 0 || ev->u.lv.kind == LV_QMP)
		return;
	if (h->clock_samples % CLOCK_WINDOW == 0 || off < h->clock_offset_ns)
		h->clock_offset_ns = off;
	h->clock_samples++;
	judge_clock(corr, h);
}

bool
host_heard(struct correlator *corr, struct host *h, const struct event *ev)
{
	const struct ev_libvirt *lv = &ev->u.lv;

	if (lv->boot.p == NULL || lv->seq == 0)
		return true;
	if (h->boot == NULL || strncmp(h->boot, lv->boot.p, lv->boot.len) != 0 ||
	    h->boot[lv->boot.len] != '\0')
		new_boot(h, lv->boot, lv->seq);
	host_soft(corr, h);
	if (!window_add(window_get(corr, h, &ev->pos), lv->seq))
		return false;
	count_seq(corr, h, lv->seq);
	h->last_heard = ev->at;
	learn_clock(corr, h, ev);
	return true;
}

bool
host_clock_diff(const struct host *a, const struct host *b, int64_t *ret_ns)
{
	if (a == NULL || b == NULL || a->clock_samples < CLOCK_MIN_SAMPLES ||
	    b->clock_samples < CLOCK_MIN_SAMPLES)
		return false;
	*ret_ns = a->clock_offset_ns - b->clock_offset_ns;
	return true;
}

void
corr_each_host(const struct correlator *corr, host_visit_f *f, void *ctx)
{
	struct host *h, *tmp;

	HASH_ITER(hh, corr->hosts, h, tmp) {
		const struct corr_host host = {.name = h->name, .last_heard = h->last_heard,
			.lost = missing(h) - h->seq_healed,
			.lost_since = h->lost_since};

		f(ctx, &host);
	}
}
