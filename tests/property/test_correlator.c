/*
 * Properties of the core over random histories: its output depends on the inputs alone, neither on
 * when it was woken in between (cadence) nor on restarts (restore equivalence, at every cut), and
 * each alarm key is active at most once, with raise and clear alternating.
 *
 * LINK: fm_correlator fm_catload fm_alarm_json
 */
#include <criterion/criterion.h>

#include "alarm/alarm_json.h"
#include "tests/scenario/rows_copy.h"

#define N_INSTANCES 6
#define N_HOSTS 3
#define N_INPUTS 400

struct rng {
	uint64_t x;
};

static uint32_t
draw(struct rng *r, uint32_t n)
{
	r->x = r->x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((r->x >> 33) % n);
}

static const char *const host_name[N_HOSTS] = {"compute-0", "compute-1", "compute-2"};

struct history {
	struct event ev[N_INPUTS];
	bool pass[N_INPUTS];            /* libvirt's, of a kind that is not known */
};

static struct fm_str
a_host(struct rng *r)
{
	return fm_str_of(host_name[draw(r, N_HOSTS)]);
}

static void
nova_event(struct rng *r, struct event *ev)
{
	static const struct { enum nova_action action; enum nova_phase phase; } kinds[] = {
		{NOVA_UPDATE, PHASE_NONE}, {NOVA_UPDATE, PHASE_NONE}, {NOVA_EXISTS, PHASE_NONE},
		{NOVA_LIVE_MIGRATION_PRE, PHASE_START}, {NOVA_LIVE_MIGRATION_PRE, PHASE_END},
		{NOVA_LIVE_MIGRATION_POST, PHASE_END}, {NOVA_LIVE_MIGRATION_POST_DEST, PHASE_END},
		{NOVA_LIVE_MIGRATION_ROLLBACK, PHASE_START},
		{NOVA_LIVE_MIGRATION_ROLLBACK, PHASE_END},
		{NOVA_LIVE_MIGRATION_ABORT, PHASE_START}, {NOVA_EVACUATE, PHASE_NONE},
		{NOVA_REBUILD, PHASE_START}, {NOVA_REBUILD, PHASE_END},
		{NOVA_REBUILD, PHASE_ERROR}, {NOVA_RESIZE_PREP, PHASE_START},
		{NOVA_RESIZE_FINISH, PHASE_END}, {NOVA_RESIZE_REVERT, PHASE_START},
		{NOVA_PAUSE, PHASE_END}, {NOVA_UNPAUSE, PHASE_END}, {NOVA_POWER_OFF, PHASE_END},
		{NOVA_POWER_ON, PHASE_END}, {NOVA_REBOOT, PHASE_START}, {NOVA_REBOOT, PHASE_END},
	};
	static const enum vm_state states[] = {VM_ACTIVE, VM_ACTIVE, VM_ACTIVE, VM_PAUSED,
		VM_STOPPED, VM_ERROR, VM_RESIZED, VM_UNKNOWN};
	static const enum task_state tasks[] = {TASK_NONE, TASK_NONE, TASK_MIGRATING,
		TASK_REBOOTING, TASK_REBUILDING, TASK_RESIZING, TASK_RESIZE_REVERTING,
		TASK_UNKNOWN};
	static const int64_t limits[] = {EV_ABSENT, EV_ABSENT, 0, 60, 150, 200};
	const unsigned k = draw(r, FM_ARRAY_LEN(kinds));

	ev->origin = ORIGIN_NOVA;
	ev->name = FM_STR("nova");
	ev->host = a_host(r);
	ev->u.nova = (struct ev_nova){.action = kinds[k].action, .phase = kinds[k].phase,
		.versioned = draw(r, 2), .tenant = FM_STR("t1"), .instance_name = FM_STR("vm"),
		.publisher_host = a_host(r), .host = ev->host, .memory_mb = 2048,
		.vm_state = states[draw(r, FM_ARRAY_LEN(states))],
		.task = tasks[draw(r, FM_ARRAY_LEN(tasks))],
		.meta_timeout = limits[draw(r, FM_ARRAY_LEN(limits))],
		.flavor_timeout = EV_ABSENT, .image_timeout = EV_ABSENT,
		.meta_downtime = EV_ABSENT, .flavor_downtime = EV_ABSENT,
		.image_downtime = EV_ABSENT, .disk_gb = EV_ABSENT};
	if (draw(r, 60) == 0) {
		ev->u.nova.action = NOVA_DELETE;
		ev->u.nova.phase = PHASE_END;
	}
}

static void
service_event(struct rng *r, struct event *ev)
{
	ev->origin = ORIGIN_NOVA;
	ev->name = FM_STR("service.update");
	ev->has_instance = false;
	ev->host = a_host(r);
	ev->u.nova = (struct ev_nova){.action = NOVA_SERVICE, .host = ev->host,
		.binary = FM_STR("nova-compute"), .forced_down = draw(r, 3) == 0};
}

static void
lv_event(struct rng *r, struct event *ev)
{
	static const struct { int8_t lifecycle, detail; } kinds[] = {
		{LVL_STARTED, LVD_STARTED_BOOTED}, {LVL_STARTED, LVD_STARTED_MIGRATED},
		{LVL_STARTED, LVD_STARTED_MIGRATED}, {LVL_SUSPENDED, LVD_SUSPENDED_MIGRATED},
		{LVL_SUSPENDED, LVD_SUSPENDED_PAUSED}, {LVL_SUSPENDED, LVD_SUSPENDED_POSTCOPY},
		{LVL_SUSPENDED, LVD_SUSPENDED_IOERROR}, {LVL_RESUMED, LVD_RESUMED_UNPAUSED},
		{LVL_RESUMED, LVD_RESUMED_MIGRATED}, {LVL_RESUMED, LVD_RESUMED_MIGRATED},
		{LVL_RESUMED, LVD_RESUMED_POSTCOPY}, {LVL_STOPPED, LVD_STOPPED_MIGRATED},
		{LVL_STOPPED, LVD_STOPPED_FAILED}, {LVL_STOPPED, LVD_STOPPED_SHUTDOWN},
		{LVL_STOPPED, LVD_STOPPED_DESTROYED}, {LVL_CRASHED, 0},
	};
	const unsigned k = draw(r, FM_ARRAY_LEN(kinds));
	struct ev_libvirt *lv = &ev->u.lv;

	ev->origin = ORIGIN_LIBVIRT;
	ev->name = FM_STR("lifecycle");
	ev->host = a_host(r);
	*lv = (struct ev_libvirt){.kind = LV_EVENT, .event = LVE_LIFECYCLE,
		.boot = fm_str_of(draw(r, 200) == 0 ? "boot-2" : "boot-1"),
		.domain = FM_STR("instance-1"), .lifecycle = kinds[k].lifecycle,
		.detail = kinds[k].detail, .operation = EV_ABSENT, .job_type = EV_ABSENT,
		.time_elapsed = EV_ABSENT, .downtime = EV_ABSENT, .downtime_net = EV_ABSENT,
		.state = -1, .reason = -1, .status = -1, .type = -1, .count = EV_ABSENT,
		.close = LVC_UNKNOWN};
	if (draw(r, 8) == 0) {
		lv->event = LVE_JOB_COMPLETED;
		lv->operation = LVJ_OP_MIGRATION_OUT;
		lv->time_elapsed = draw(r, 60000);
		lv->downtime_net = draw(r, 6000);
	} else if (draw(r, 10) == 0) {
		lv->event = LVE_AGENT_LIFECYCLE;
		lv->status = 1 + (int)draw(r, 2);
		lv->type = 2;
	} else if (draw(r, 10) == 0) {
		lv->kind = LV_QMP;
		lv->qmp = draw(r, 2) ? QMP_MIGRATION_CANCELLED : QMP_MIGRATION_FAILED;
	} else if (draw(r, 20) == 0) {
		ev->has_instance = false;
		lv->kind = draw(r, 2) ? LV_CLOSE : LV_CONNECT;
	}
}

static void
request_event(struct rng *r, struct event *ev)
{
	static const char *const ids[] = {"200.004", "100.101", "100.103", "999.1"};

	ev->origin = ORIGIN_REQUEST;
	ev->name = FM_STR("request");
	ev->has_instance = false;
	ev->u.rq = (struct ev_request){.op = draw(r, 10) == 0 ? REQ_CLEAR_ALL :
			draw(r, 2) ? REQ_SET : REQ_CLEAR,
		.alarm_id = fm_str_of(ids[draw(r, 4)]),
		.entity = fm_str_of(draw(r, 2) ? "host=compute-0" : "host=compute-1"),
		.reason_text = fm_str_of(draw(r, 2) ? "a" : "b"),
		.severity = draw(r, 2) ? -1 : (int)(1 + draw(r, 4)), .alarm_type = -1, .cause = -1,
		.service_affecting = -1, .suppression = -1,
		.inhibit = draw(r, 6) == 0 ? 1 : -1, .keep_existing = -1};
	if (ev->u.rq.op == REQ_CLEAR_ALL)
		ev->u.rq.alarm_id = (struct fm_str){0};
}

static struct history *
make_history(uint64_t seed)
{
	struct history *h = fm_calloc(1, sizeof(*h));
	struct rng r = {seed};
	struct fm_time t = {1767225600 * FM_NS_PER_S};
	uint64_t seq[N_HOSTS] = {0};

	for (unsigned i = 0; i < N_INPUTS; i++) {
		struct event *ev = &h->ev[i];
		const uint32_t kind = draw(&r, 20);

		t = fm_time_add(t, fm_span_ms(draw(&r, 6) == 0 ? draw(&r, 200000) : draw(&r, 3000)));
		ev->at = t;
		ev->stamp = fm_time_sub(t, fm_span_ms(draw(&r, 4) == 0 ? draw(&r, 4000) : 5));
		ev->pos = (struct record_pos){.topic = "random", .offset = i};
		ev->has_instance = true;
		memset(ev->instance.b, 7, sizeof(ev->instance.b));
		ev->instance.b[15] = (uint8_t)draw(&r, N_INSTANCES);
		ev->id_hash = draw(&r, 12) == 0 && i > 0 ? h->ev[i - 1].id_hash : 1000 + i;
		if (kind < 9)
			nova_event(&r, ev);
		else if (kind < 17)
			lv_event(&r, ev);
		else if (kind < 18)
			service_event(&r, ev);
		else
			request_event(&r, ev);
		if (ev->origin == ORIGIN_LIBVIRT) {
			const unsigned host = (unsigned)(ev->host.p[ev->host.len - 1] - '0');

			seq[host] += draw(&r, 15) == 0 ? 2 : draw(&r, 15) == 0 ? 0 : 1;
			ev->u.lv.seq = seq[host] > 0 ? seq[host] : 1;
			ev->id_hash = 0;
			h->pass[i] = draw(&r, 25) == 0;
		}
	}
	return h;
}

/* ---- runs -------------------------------------------------------------------------------------- */

struct run {
	struct catalogue *cat;
	struct correlator *corr;
	struct rows_copy rows;
	struct fm_buf out;
};

static void
take(void *ctx, struct transition *tr)
{
	struct run *run = ctx;
	size_t len, alarm_len;
	char *json = transition_to_json(tr, "test", &len, &alarm_len);

	fm_buf_add(&run->out, json, len);
	fm_buf_add(&run->out, "\n", 1);
	free(json);
}

struct pick {
	uint32_t skip;
	struct fm_uuid uuid;
	bool found;
};

static bool
pick_alarm(void *ctx, const struct alarm *al)
{
	struct pick *pick = ctx;

	pick->uuid = al->uuid;
	pick->found = true;
	return pick->skip-- > 0;
}

static void
window_command(struct correlator *corr, struct corr_command *cmd, struct rng *r,
	       transition_sink_f *sink, void *ctx)
{
	static const char *const names[] = {"a", "b", "c"};
	static const char *const alarms[] = {"all", "700.001,100.101", "700.008"};
	static const char *const entities[] = {"host=compute-0", "tenant=t1", NULL};
	char from[FM_TIME_STR], until[FM_TIME_STR];
	const struct fm_time begin = fm_time_add(cmd->at, fm_span_s(draw(r, 2) ? 0 : draw(r, 300)));
	const struct cat_window_text text = {.name = names[draw(r, 3)], .alarms = alarms[draw(r, 3)],
		.entities = entities[draw(r, 3)], .part = {
			[WINDOW_FROM] = fm_time_format(begin, from),
			[WINDOW_UNTIL] = fm_time_format(fm_time_add(cmd->until, fm_span_s(300)), until)}};
	struct cat_window window;
	struct fm_arena arena;
	struct fm_err err = {0};
	bool more;

	fm_arena_init(&arena);
	cr_assert_eq(cat_window_make(&text, cmd->at, 4, &arena, &window, &more, &err), 0, "%s",
		     err.msg);
	cmd->name = text.name;
	cmd->window = &window;
	(void)!corr_operate(corr, cmd, sink, ctx, &err);
	fm_arena_fini(&arena);
}

/* One input and, now and then, an operator's command about what is active then. */
static void
feed(struct correlator *corr, const struct history *h, unsigned i, transition_sink_f *sink,
     void *ctx)
{
	static const enum corr_command_kind kinds[] = {CORR_CMD_SHELVE, CORR_CMD_SHELVE,
		CORR_CMD_UNSHELVE, CORR_CMD_SUPPRESS, CORR_CMD_UNSUPPRESS, CORR_CMD_ACK,
		CORR_CMD_CLEAR, CORR_CMD_WINDOW_ADD, CORR_CMD_WINDOW_ADD, CORR_CMD_WINDOW_DELETE};
	static const char *const ids[] = {"700.001", "100.101", "700.008"};
	struct rng r = {(uint64_t)h->ev[i].at.ns + i};
	struct pick pick = {.skip = draw(&r, 4)};
	struct corr_command cmd = {.kind = kinds[draw(&r, FM_ARRAY_LEN(kinds))],
		.at = h->ev[i].at, .user = "operator", .verb = "command"};
	struct fm_err err;

	if (h->pass[i])
		corr_pass(corr, &h->ev[i], sink, ctx);
	else
		corr_apply(corr, &h->ev[i], sink, ctx);
	if (draw(&r, 5) != 0)
		return;
	cmd.until = fm_time_add(cmd.at, fm_span_s(1 + draw(&r, 400)));
	corr_each_alarm(corr, true, pick_alarm, &pick);
	if (cmd.kind == CORR_CMD_WINDOW_ADD || cmd.kind == CORR_CMD_WINDOW_DELETE) {
		window_command(corr, &cmd, &r, sink, ctx);
		return;
	}
	if (cmd.kind == CORR_CMD_SUPPRESS || cmd.kind == CORR_CMD_UNSUPPRESS)
		cmd.alarm_id = ids[draw(&r, FM_ARRAY_LEN(ids))];
	else if (pick.found)
		cmd.uuid = &pick.uuid;
	else
		return;
	(void)!corr_operate(corr, &cmd, sink, ctx, &err);
}

/* The shipped catalogue, with windows over the time that histories take. */
static const char windows[] = "\nMaintenance:\n"
	"  - {Name: first, Alarms: all, Entities: [host=compute-0], From: 2026-01-01 00:10,"
	" Until: 2026-01-01 00:25}\n"
	"  - {Name: second, Alarms: [\"700.001\", \"700.008\"], From: 2026-01-01 00:20,"
	" Until: 2026-01-01 00:45}\n"
	"  - {Name: third, Alarms: all, Logs: True, From: 2026-01-01 00:45,"
	" Until: 2026-01-01 00:50}\n"
	"  - {Name: fourth, Alarms: [\"100.101\"], Entities: [host=compute-0, host=compute-1],"
	" Start: 2026-01-01, For: 30m, Every: {At: '01:10'}}\n";

/* What the shipped one has no rule for. */
#define RECORD(id) "\"" id "\":\n  Type: Alarm\n  Severity: minor\n  Description: of a test\n" \
	"  Entity_Instance_ID: tenant=<tenant_uuid>.instance=<instance_uuid>\n  Correlation:\n"
static const char conditions[] =
	RECORD("950.001") "    On: migration.started\n    If: source_host = compute-0\n"
	"    Clear: [instance.fault, {On: migration.done, If: destination_host != compute-1}]\n"
	RECORD("950.002") "    While: instance.paused\n    If: not host_name = compute-1\n"
	"    Hold_Off: 5s\n";

static struct catalogue *
load_catalogue(void)
{
	const char *source = getenv("FMD_SOURCE");
	char *path = fm_asprintf("%s/events.yaml", source != NULL ? source : ".");
	FM_CLEANUP(fm_buf_fini) struct fm_buf text = {0};
	struct catalogue *cat = NULL;
	struct fm_err err = {0};
	FILE *f = fopen(path, "re");
	char chunk[65536];
	size_t n;

	cr_assert_not_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		fm_buf_add(&text, chunk, n);
	fclose(f);
	free(path);
	fm_buf_adds(&text, windows);
	fm_buf_adds(&text, conditions);
	cr_assert_eq(cat_load_buf("events.yaml", text.s, text.len, NULL, &cat, &err), 0, "%s",
		     err.msg);
	return cat;
}

static void
run_init(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->cat = load_catalogue();
	run->corr = corr_new(run->cat);
	fm_buf_adds(&run->out, "");
}

static void
run_fini(struct run *run)
{
	corr_free(run->corr);
	cat_free(run->cat);
	rows_copy_fini(&run->rows);
	fm_buf_fini(&run->out);
}

static bool
add_alarm(void *ctx, const struct alarm *al)
{
	struct run *run = ctx;
	size_t len;
	char *json = alarm_to_json(al, &len);

	fm_buf_addf(&run->out, "at the end: %s\n", json);
	free(json);
	return true;
}

static void
finish(struct run *run)
{
	struct fm_time due;

	corr_each_alarm(run->corr, true, add_alarm, run);
	while (corr_next_deadline(run->corr, &due) &&
	       due.ns < corr_now(run->corr).ns + 7200 * FM_NS_PER_S)
		corr_advance(run->corr, due, take, run);
	corr_each_alarm(run->corr, true, add_alarm, run);
}

static void
restart(struct run *run)
{
	run->corr = rows_copy_restart(&run->rows, run->corr, run->cat);
}

static char *
plain_output(const struct history *h)
{
	struct run run;

	run_init(&run);
	for (unsigned i = 0; i < N_INPUTS; i++)
		feed(run.corr, h, i, take, &run);
	finish(&run);
	char *out = FM_STEAL(run.out.s);

	run_fini(&run);
	return out;
}

static void
assert_same(const char *want, const char *got, uint64_t seed, unsigned cut)
{
	size_t i = 0, line = 0;

	while (want[i] != '\0' && want[i] == got[i]) {
		if (want[i] == '\n')
			line = i + 1;
		i++;
	}
	cr_assert(want[i] == got[i], "seed %llu, cut %u:\n%.*s\nnot\n%.*s",
		  (unsigned long long)seed, cut, (int)strcspn(got + line, "\n"), got + line,
		  (int)strcspn(want + line, "\n"), want + line);
}

#define SEEDS 12

Test(correlator, output_does_not_depend_on_when_it_is_woken)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct history *h = make_history(seed);
		char *want = plain_output(h);
		struct run run;

		run_init(&run);
		for (unsigned i = 0; i < N_INPUTS; i++) {
			struct fm_time t = corr_now(run.corr);

			while (t.ns != 0 && (t.ns += 777 * FM_NS_PER_MS) < h->ev[i].at.ns)
				corr_advance(run.corr, t, take, &run);
			feed(run.corr, h, i, take, &run);
		}
		finish(&run);
		assert_same(want, run.out.s, seed, 0);
		run_fini(&run);
		free(want);
		free(h);
	}
}

Test(correlator, a_restart_at_any_cut_changes_nothing)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct history *h = make_history(seed);
		char *want = plain_output(h);

		for (unsigned cut = 0; cut < N_INPUTS; cut += 13) {
			struct run run;

			run_init(&run);
			for (unsigned i = 0; i < N_INPUTS; i++) {
				if (i == cut)
					restart(&run);
				feed(run.corr, h, i, take, &run);
			}
			finish(&run);
			assert_same(want, run.out.s, seed, cut);
			run_fini(&run);
		}
		free(want);
		free(h);
	}
}

Test(correlator, restarts_at_every_cut_change_nothing)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct history *h = make_history(seed);
		char *want = plain_output(h);
		struct run run;

		run_init(&run);
		for (unsigned i = 0; i < N_INPUTS; i++) {
			restart(&run);
			feed(run.corr, h, i, take, &run);
		}
		restart(&run);
		finish(&run);
		assert_same(want, run.out.s, seed, N_INPUTS);
		run_fini(&run);
		free(want);
		free(h);
	}
}

/* A copy in the middle is the same core: it goes on as the original does, and leaves it alone. */
Test(correlator, a_copy_at_any_cut_behaves_as_the_original)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct history *h = make_history(seed);
		char *want = plain_output(h);

		for (unsigned cut = 1; cut < N_INPUTS; cut += 31) {
			struct run run, other;
			size_t before;

			run_init(&run);
			for (unsigned i = 0; i < cut; i++)
				feed(run.corr, h, i, take, &run);
			before = run.out.len;
			other = run;
			other.out = (struct fm_buf){0};
			other.rows = (struct rows_copy){0};
			other.corr = corr_copy(run.corr);
			for (unsigned i = cut; i < N_INPUTS; i++)
				feed(other.corr, h, i, take, &other);
			finish(&other);
			for (unsigned i = cut; i < N_INPUTS; i++)
				feed(run.corr, h, i, take, &run);
			finish(&run);
			assert_same(want, run.out.s, seed, cut);
			assert_same(run.out.s + before, other.out.s, seed, cut);
			corr_free(other.corr);
			fm_buf_fini(&other.out);
			run_fini(&run);
		}
		free(want);
		free(h);
	}
}

#define SHOW_U64(f) fm_buf_addf(b, " %llu", (unsigned long long)(f))
#define SHOW_I64(f) fm_buf_addf(b, " %lld", (long long)(f))
#define SHOW_TEXT(f) fm_buf_addf(b, " %s", (f) != NULL ? (f) : "-")
#define SHOW_BLOB(f) fm_buf_addf(b, " %llx", (unsigned long long)fm_hash64((f).p, (f).len, (f).len))
#define SHOW(kind, name) SHOW_##kind(r->name);

static void
show_row(struct fm_buf *b, const struct row *row)
{
	switch (row->kind) {
	case ROW_INSTANCE: { const struct row_instance *r = &row->u.instance; FM_ROW_INSTANCE(SHOW) break; }
	case ROW_HOST: { const struct row_host *r = &row->u.host; FM_ROW_HOST(SHOW) break; }
	case ROW_ALARM: { const struct row_alarm *r = &row->u.alarm; FM_ROW_ALARM(SHOW) break; }
	case ROW_DEADLINE: { const struct row_deadline *r = &row->u.deadline; FM_ROW_DEADLINE(SHOW) break; }
	case ROW_KEPT: { const struct row_kept *r = &row->u.kept; FM_ROW_KEPT(SHOW) break; }
	case ROW_N_KINDS: break;
	}
	fm_buf_adds(b, "\n");
}

/* Every row handed over for a copy is the one in the store, and none is missing. */
Test(correlator, the_rows_of_a_copy_are_those_of_the_store)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct history *h = make_history(seed);
		struct fm_buf a = {0}, b = {0};
		struct rows_copy all = {0};
		struct run run;

		run_init(&run);
		for (unsigned i = 0; i < N_INPUTS; i++) {
			feed(run.corr, h, i, take, &run);
			if (i % 37 != 0)
				continue;
			corr_flush(run.corr, rows_copy_put, &run.rows);
			corr_each_row(run.corr, rows_copy_put, &all);
			fm_buf_reset(&a);
			fm_buf_reset(&b);
			for (size_t j = 0; j < run.rows.n; j++)
				show_row(&a, &run.rows.v[j].row);
			for (size_t j = 0; j < all.n; j++)
				show_row(&b, &all.v[j].row);
			assert_same(a.s, b.s, seed, i);
			rows_copy_fini(&all);
		}
		run_fini(&run);
		fm_buf_fini(&a);
		fm_buf_fini(&b);
		free(h);
	}
}

/* Flushing now and then without a restart must not lose rows that a later restart needs. */
Test(correlator, a_restart_after_many_flushes_changes_nothing)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct history *h = make_history(seed);
		char *want = plain_output(h);
		struct run run;

		run_init(&run);
		for (unsigned i = 0; i < N_INPUTS; i++) {
			if (i % 5 == 0)
				corr_flush(run.corr, rows_copy_put, &run.rows);
			if (i % 97 == 96)
				restart(&run);
			feed(run.corr, h, i, take, &run);
		}
		finish(&run);
		assert_same(want, run.out.s, seed, 97);
		run_fini(&run);
		free(want);
		free(h);
	}
}

/* The same file read again: what it does not change must not be forgotten. */
static char *
reloaded_output(const struct history *h, bool restarts)
{
	struct catalogue *again = load_catalogue();
	struct run run;

	run_init(&run);
	for (unsigned i = 0; i < N_INPUTS; i++) {
		corr_flush(run.corr, rows_copy_put, &run.rows);
		if (i == N_INPUTS / 2) {
			corr_swap_catalogue(run.corr, again, corr_now(run.corr), take, &run);
			cat_free(run.cat);
			run.cat = again;
		}
		if (restarts && i >= N_INPUTS / 2 && i % 20 == 0)
			restart(&run);
		feed(run.corr, h, i, take, &run);
	}
	finish(&run);
	char *out = FM_STEAL(run.out.s);

	run_fini(&run);
	return out;
}

Test(correlator, a_restart_after_a_reload_changes_nothing)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct history *h = make_history(seed);
		char *want = reloaded_output(h, false), *got = reloaded_output(h, true);

		assert_same(want, got, seed, N_INPUTS / 2);
		free(want);
		free(got);
		free(h);
	}
}

/* ---- causes ---------------------------------------------------------------------------------- */

static void
note_offset(void *ctx, struct transition *tr)
{
	int64_t *offset = ctx;

	*offset = tr->cause.kind == CAUSE_RECORD ? tr->cause.offset : -1;
}

/* Records of one host whose clock is so far off, each at its own time. */
static void
hear(struct run *run, unsigned i, int64_t off_s, bool known, int64_t *offset)
{
	struct rng r = {i};
	struct event ev = {.at = {(1767225600 + i) * FM_NS_PER_S}, .has_instance = false,
		.pos = {.topic = "t", .offset = i}};

	lv_event(&r, &ev);
	ev.has_instance = false;
	ev.host = FM_STR("compute-0");
	ev.stamp = fm_time_add(ev.at, fm_span_s(off_s));
	ev.u.lv.kind = LV_EVENT;
	ev.u.lv.event = LVE_LIFECYCLE;
	ev.u.lv.boot = FM_STR("boot-1");
	ev.u.lv.seq = i + 1;
	if (known)
		corr_apply(run->corr, &ev, note_offset, offset);
	else
		corr_pass(run->corr, &ev, note_offset, offset);
}

Test(correlator, what_a_record_of_an_unknown_kind_brings_about_names_it)
{
	struct run run;
	unsigned i = 0;
	int64_t offset = -2;

	run_init(&run);
	for (; i < 100; i++)
		hear(&run, i, 30, true, &offset);
	cr_assert_neq(offset, -2, "no alarm for a clock that is wrong");
	offset = -2;
	for (; i < 1000 && offset == -2; i++)
		hear(&run, i, 0, false, &offset);
	cr_assert_eq(offset, (int64_t)i - 1);
	run_fini(&run);
}

/* ---- alternation --------------------------------------------------------------------------------- */

struct keys {
	char *key[4096];
	unsigned n;
};

static void
watch(void *ctx, struct transition *tr)
{
	struct keys *k = ctx;
	char *key = fm_asprintf("%s|%s", tr->alarm.alarm_id, tr->alarm.entity);
	unsigned i = 0;

	while (i < k->n && strcmp(k->key[i], key) != 0)
		i++;
	if (tr->kind == TR_RAISE) {
		cr_assert_eq(i, k->n, "raised twice: %s", key);
		k->key[k->n++] = FM_STEAL(key);
	} else if (tr->kind == TR_CLEAR) {
		cr_assert(i < k->n, "cleared without a raise: %s", key);
		free(k->key[i]);
		k->key[i] = k->key[--k->n];
	} else if (tr->kind == TR_CHANGE || tr->kind == TR_SUPPRESS || tr->kind == TR_UNSUPPRESS ||
		   tr->kind == TR_SHELVE || tr->kind == TR_UNSHELVE) {
		cr_assert(i < k->n, "%s of what is not active: %s",
			  transition_kind_name(tr->kind), key);
	}
	free(key);
}

Test(correlator, each_key_is_active_at_most_once)
{
	for (uint64_t seed = 100; seed < 130; seed++) {
		struct history *h = make_history(seed);
		struct keys k = {.n = 0};
		struct run run;

		run_init(&run);
		for (unsigned i = 0; i < N_INPUTS; i++)
			feed(run.corr, h, i, watch, &k);
		for (unsigned i = 0; i < k.n; i++)
			free(k.key[i]);
		run_fini(&run);
		free(h);
	}
}
