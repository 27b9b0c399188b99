/*
 * The SNMP side without the daemon: a store, an outbox and an fmagent in a loop like the daemon's,
 * told by JSON lines on standard input what to do and answering on standard output.
 *
 * LINK: fm_snmp fm_alarm_json dep_jansson
 *
 *   snmp_send STATE_DIR CONFIG      CONFIG: {"targets": [{"name": …, "address": …, …}], …}
 *   {"kind": "raise", "id": 1, "severity": "major", …, "count": 3}    commit three, ids 1, 2, 3
 *   {"cmd": "stats"}                                                  answered with one line
 *
 * Ends at the end of its input, as the daemon does: closes the sinks, stores the cursors.
 */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "alarm/alarm_json.h"
#include "snmp/fmagent.h"

#define MAX_TARGETS 8

struct rig {
	struct store *st;
	struct outbox *ob;
	struct fmagent *ag;
	struct fm_buf in;
	bool eof;
	int64_t worst_ns;               /* the longest call into the outbox or the agent */
};

static void
must(int rc, const struct fm_err *err)
{
	if (rc >= 0)
		return;
	printf("{\"error\": %d, \"text\": \"%s\"}\n", rc, err->msg);
	exit(1);
}

static int64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * FM_NS_PER_S + ts.tv_nsec;
}

static struct fm_time
wall(void)
{
	return (struct fm_time){clock_ns(CLOCK_REALTIME)};
}

/* ---- configuration -------------------------------------------------------------------------- */

static const char *
text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static int
word_of(const json_t *o, const char *name, const char *const words[], int n)
{
	const char *s = text_of(o, name);

	for (int i = 0; s != NULL && i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return i;
	return 0;
}

static struct fmagent_target
target_of(const json_t *o)
{
	static const char *const versions[] = {"v2c", "v3"};
	static const char *const profiles[] = {"wrs", "fm"};
	static const char *const auths[] = {"none", "sha1", "sha224", "sha256", "sha384", "sha512"};
	static const char *const privs[] = {"none", "aes128", "aes192", "aes256"};
	static const char *const severities[] = {"none", "warning", "minor", "major", "critical"};

	return (struct fmagent_target){
		.name = text_of(o, "name"),
		.address = text_of(o, "address"),
		.version = (enum fmagent_version)word_of(o, "version", versions, 2),
		.profile = (enum fmagent_profile)word_of(o, "profile", profiles, 2),
		.inform = json_is_true(json_object_get(o, "inform")),
		.timeout = fm_span_ms(json_integer_value(json_object_get(o, "timeout_ms"))),
		.community_file = text_of(o, "community_file"),
		.user = text_of(o, "user"),
		.auth = (enum fmagent_auth)word_of(o, "auth", auths, 6),
		.priv = (enum fmagent_priv)word_of(o, "priv", privs, 4),
		.auth_file = text_of(o, "auth_file"),
		.priv_file = text_of(o, "priv_file"),
		.min_severity = (enum severity)word_of(o, "min_severity", severities, 5),
		.logs = json_is_true(json_object_get(o, "logs")),
	};
}

static void
start(struct rig *r, const char *dir, const char *config)
{
	struct fm_err err = {0};
	json_t *conf = json_load_file(config, 0, NULL);
	const json_t *list = json_object_get(conf, "targets");
	struct fmagent_target targets[MAX_TARGETS];
	const struct fmagent_options opt = {.state_dir = dir, .targets = targets,
		.n_targets = (unsigned)json_array_size(list), .region = text_of(conf, "region"),
		.system = text_of(conf, "system"), .engine_id = text_of(conf, "engine_id"),
		.agentx = text_of(conf, "agentx"), .history = 1000};

	fm_assert(conf != NULL && opt.n_targets <= MAX_TARGETS);
	for (unsigned i = 0; i < opt.n_targets; i++)
		targets[i] = target_of(json_array_get(list, i));
	must(store_open(&(struct store_options){.dir = dir}, &r->st, &err), &err);
	must(fmagent_new(&opt, &r->ag, &err), &err);
	r->ob = outbox_new(r->st);
	for (unsigned i = 0; i < fmagent_n_sinks(r->ag); i++)
		outbox_add(r->ob, fmagent_sink(r->ag, i), false);
	json_decref(conf);
	printf("{\"started\": true}\n");
}

/* ---- commands -------------------------------------------------------------------------------- */

static struct transition
transition_of(const json_t *o, int64_t nth)
{
	struct transition tr = {.at = wall(), .notify = true, .cause = {.kind = CAUSE_SELF}};
	const char *kind = text_of(o, "kind"), *sev = text_of(o, "severity");
	const char *was = text_of(o, "previous_severity");
	struct alarm *al = &tr.alarm;

	fm_assert(transition_kind_parse(kind, strlen(kind), &tr.kind));
	fm_assert(severity_parse(sev, strlen(sev), &al->severity));
	if (was != NULL && severity_parse(was, strlen(was), &tr.prev_severity))
		tr.prev_mask = PREV_SEVERITY;
	al->id = (uint64_t)(json_integer_value(json_object_get(o, "id")) + nth);
	al->alarm_id = text_of(o, "alarm_id");
	al->entity_type_id = "host";
	al->entity = text_of(o, "entity");
	al->reason_text = text_of(o, "reason");
	al->repair = text_of(o, "repair");
	al->type = 4;
	al->cause = 15;
	al->service_affecting = true;
	al->raised_at = al->changed_at = tr.at;
	al->cleared = tr.kind == TR_CLEAR;
	if (al->cleared)
		al->cleared_at = tr.at;
	al->uuid = alarm_uuid(al->alarm_id, al->entity, (struct fm_time){1}, al->id);
	return tr;
}

static void
tell_outbox(struct rig *r, const struct transition *tr)
{
	struct stored_transition st = {.seq = tr->seq, .kind = tr->kind, .notify = tr->notify,
		.at = tr->at, .alarm_id = tr->alarm.alarm_id, .entity = tr->alarm.entity,
		.uuid = tr->alarm.uuid};
	char *json = transition_to_json(tr, store_stream(r->st), &st.len, &st.alarm_len);

	st.json = json;
	outbox_committed(r->ob, &st);
	fmagent_committed(r->ag, &st, tr->kind == TR_CLEAR ? NULL : &tr->alarm);
	fmagent_publish(r->ag);
	free(json);
}

static void
commit(struct rig *r, const json_t *o)
{
	json_int_t count = json_integer_value(json_object_get(o, "count"));
	size_t n = count > 0 ? (size_t)count : 1;
	struct transition *tr = fm_calloc(n, sizeof(*tr));
	struct fm_err err = {0};

	must(store_begin(r->st, &err), &err);
	for (size_t i = 0; i < n; i++) {
		tr[i] = transition_of(o, (int64_t)i);
		must(store_put_transition(r->st, &tr[i], &err), &err);
	}
	must(store_commit(r->st, &err), &err);
	for (size_t i = 0; i < n; i++)
		tell_outbox(r, &tr[i]);
	free(tr);
}

static void
add_sink(void *ctx, const struct sink_stats *s)
{
	json_array_append_new(ctx, json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:s?}",
		"name", s->name, "state", s->state, "acked", (json_int_t)s->acked,
		"offered", (json_int_t)s->offered, "last_seq", (json_int_t)s->last_seq,
		"resets", (json_int_t)s->resets, "last_error", s->last_error));
}

static void
print_stats(struct rig *r)
{
	struct fmagent_stats st;
	json_t *sinks = json_array();

	fmagent_get_stats(r->ag, &st);
	outbox_each(r->ob, add_sink, sinks);
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"sent", (json_int_t)st.sent, "acked", (json_int_t)st.acked,
		"timeouts", (json_int_t)st.timeouts, "errors", (json_int_t)st.errors,
		"boots", (json_int_t)st.engine_boots, "worst_us", (json_int_t)(r->worst_ns / 1000),
		"sinks", sinks);
	char *text = json_dumps(o, JSON_COMPACT);

	puts(text);
	free(text);
	json_decref(o);
}

static void
obey(struct rig *r, const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, 0, NULL);

	fm_assert(o != NULL);
	if (text_of(o, "cmd") != NULL)
		print_stats(r);
	else
		commit(r, o);
	json_decref(o);
}

/* ---- loop ------------------------------------------------------------------------------------ */

static void
read_commands(struct rig *r)
{
	char buf[4096];
	ssize_t got = read(STDIN_FILENO, buf, sizeof(buf));

	if (got <= 0) {
		r->eof = true;
		return;
	}
	fm_buf_add(&r->in, buf, (size_t)got);
	for (char *end; (end = memchr(r->in.s, '\n', r->in.len)) != NULL;) {
		size_t len = (size_t)(end - r->in.s) + 1;

		obey(r, r->in.s, len);
		memmove(r->in.s, r->in.s + len, r->in.len - len + 1);
		r->in.len -= len;
	}
}

static int
timeout_ms(const struct rig *r, bool more)
{
	struct fm_time due;

	if (more)
		return 0;
	if (!outbox_next_retry(r->ob, &due))
		return -1;
	int64_t ms = fm_time_diff(due, wall()).ns / FM_NS_PER_MS + 1;
	return ms < 0 ? 0 : (int)ms;
}

static bool
deliver(struct rig *r)
{
	int64_t t0 = clock_ns(CLOCK_MONOTONIC);
	fmagent_poll(r->ag, wall());
	bool more = outbox_pump(r->ob, wall());
	int64_t took = clock_ns(CLOCK_MONOTONIC) - t0;

	if (took > r->worst_ns)
		r->worst_ns = took;
	return more;
}

static void
store_cursors(struct rig *r)
{
	struct fm_err err = {0};

	if (!outbox_dirty(r->ob))
		return;
	must(store_begin(r->st, &err), &err);
	must(outbox_store_cursors(r->ob, &err), &err);
	must(store_commit(r->st, &err), &err);
}

static void
run(struct rig *r)
{
	while (!r->eof) {
		bool more = deliver(r);
		store_cursors(r);
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = fmagent_fd(r->ag), .events = POLLIN}};

		if (poll(fds, 2, timeout_ms(r, more)) > 0 && fds[0].revents != 0)
			read_commands(r);
	}
}

int
main(int argc, char **argv)
{
	struct rig r = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: snmp_send STATE_DIR CONFIG\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	start(&r, argv[1], argv[2]);
	run(&r);
	store_cursors(&r);
	outbox_free(r.ob);
	fmagent_free(r.ag);
	store_close(r.st);
	fm_buf_fini(&r.in);
	return 0;
}
