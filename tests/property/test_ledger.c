/*
 * The ledger over random streams: of each partition exactly what lies below its position is counted,
 * each record once and as what it is. The whole daemon reads them (tests/sim), is killed and ended at
 * any operation on its disk, finds the disk full, gets other catalogues; whenever it writes, and at
 * the end in the answer to "ledger", its figures have to be those of the records themselves.
 *
 * The oracle knows no core: what a record is, is decided when it is made, from what its own partition
 * has had before. So each partition has instances, alarms and a bridge of its own, and what comes
 * between from others makes no difference.
 *
 * LINK: fm_sim
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fmd/daemon_priv.h"
#include "tests/sim/sim.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 2
#else
#define SEEDS 8
#endif
#define RECORDS 700
#define MOST_STARTS 400
#define S FM_NS_PER_S
#define BACK 64                         /* repeated are only the last so many, as windows are finite */

/* Of one partition, after n records. */
struct count {
	uint64_t n[LEDGER_N];
	uint64_t lost;                  /* of its bridge's numbers */
};

enum form { F_NOVA, F_LIBVIRT };
struct sent {                           /* may be repeated */
	char *text;
	enum form form;
	bool unknown;
};

/* A partition, and what it has for itself. */
struct side {
	unsigned no;
	struct count *after;            /* [0]: nothing read; [n]: n records */
	size_t n;
	struct sent sent[BACK];
	unsigned n_sent;
	bool paused, runs;              /* the instance by Nova, that by libvirt */
	bool known, started;
	int64_t newest;                 /* stamp of the last of Nova's */
	unsigned alarms, first_up;      /* set so far; those before are cleared */
	unsigned boot;
	uint64_t seq, first, got;       /* of the boot */
	uint64_t lost_before;           /* of earlier boots */
	uint64_t hole;                  /* left out, and may yet come; 0: none */
};

static struct side side[MAX_PARTS];
static struct rng fate;
static int64_t told_at;
static unsigned ids;

/* ---- making records ------------------------------------------------------------------------- */

static void
put(struct side *sd, const char *text, size_t len, enum ledger_outcome is)
{
	sd->after = fm_realloc(sd->after, (sd->n + 2) * sizeof(*sd->after));
	sd->after[sd->n + 1] = sd->after[sd->n];
	sd->after[++sd->n].n[is]++;
	sd->after[sd->n].lost = sd->lost_before +
		(sd->got > 0 ? sd->seq - sd->first + 1 - sd->got : 0);
	broker_put(sd->no, text, len, told_at, told_at + draw(&fate, 3000) * FM_NS_PER_MS);
	told_at += draw(&fate, 40) == 0 ? draw_span(&fate, 300 * S) : draw_span(&fate, S / 5);
}

static void
remember(struct side *sd, char *text, enum form form, bool unknown)
{
	struct sent *old = &sd->sent[sd->n_sent++ % BACK];

	free(old->text);
	*old = (struct sent){text, form, unknown};
}

static void
nova(struct side *sd, const char *type, const char *state, int64_t stamp, enum ledger_outcome is)
{
	char time[FM_TIME_STR];
	char *text = fm_asprintf(
		"{\"message_id\":\"%08x-0000-4000-8000-000000000000\",\"publisher_id\":"
		"\"nova-compute:n%u\",\"event_type\":\"%s\",\"priority\":\"INFO\",\"timestamp\":"
		"\"%s\",\"payload\":{\"nova_object.name\":\"InstanceUpdatePayload\","
		"\"nova_object.namespace\":\"nova\",\"nova_object.version\":\"1.9\","
		"\"nova_object.data\":{\"uuid\":\"aaaaaaaa-0000-4000-8000-%012x\",\"tenant_id\":\"t\","
		"\"display_name\":\"vm\",\"host\":\"n%u\",\"node\":\"n%u\",\"state\":\"%s\","
		"\"task_state\":null,\"power_state\":\"running\",\"fault\":null}}}", ids++, sd->no,
		type, fm_time_format(sim_wall(stamp), time), sd->no, sd->no, sd->no, state);

	put(sd, text, strlen(text), is);
	if (is == LEDGER_UNKNOWN)
		free(text);             /* has left no trace: said again it is the same again */
	else
		remember(sd, text, F_NOVA, false);
}

static void
change_state(struct side *sd)
{
	sd->paused = !sd->paused;
	sd->known = true;
	sd->newest = told_at;
	nova(sd, "instance.update", sd->paused ? "paused" : "active", told_at, LEDGER_APPLIED);
}

static void
same_state(struct side *sd)
{
	if (!sd->known)
		return;
	sd->newest = told_at;
	nova(sd, "instance.update", sd->paused ? "paused" : "active", told_at, LEDGER_NO_EFFECT);
}

static void
overtaken(struct side *sd)
{
	if (sd->known)
		nova(sd, "instance.update", sd->paused ? "active" : "paused",
		     sd->newest - (1 + (int64_t)draw(&fate, 500)) * S / 10, LEDGER_LATE);
}

static void
unheard_of(struct side *sd)
{
	nova(sd, "keypair.import.end", "active", told_at, LEDGER_UNKNOWN);
}

static void
request(struct side *sd, const char *op, const char *group, unsigned no, enum ledger_outcome is)
{
	char text[160];
	const int n = snprintf(text, sizeof(text), "{\"op\":\"%s\",\"alarm_id\":\"100.101\","
			       "\"entity_instance_id\":\"side=%u.%s=%u\"}", op, sd->no, group, no);

	put(sd, text, (size_t)n, is);
}

static void
set_alarm(struct side *sd)
{
	request(sd, "set", "alarm", sd->alarms++, LEDGER_APPLIED);
}

static void
clear_alarm(struct side *sd)
{
	if (sd->first_up < sd->alarms)
		request(sd, "clear", "alarm", sd->first_up++, LEDGER_APPLIED);
	else
		request(sd, "clear", "nothing", 0, LEDGER_NO_EFFECT);
}

static void
odd_request(struct side *sd)
{
	static const char text[] = "{\"op\":\"nonsense\"}";

	put(sd, text, strlen(text), LEDGER_UNKNOWN);
}

static void
poison(struct side *sd)
{
	static const char *const texts[] = {"{", "\xff\xfe", "[]", "",
		"{\"op\":\"set\",\"alarm_id\":7}"};
	const char *text = texts[draw(&fate, FM_ARRAY_LEN(texts))];

	if (draw(&fate, 5) == 0)
		put(sd, NULL, 0, LEDGER_QUARANTINED);
	else
		put(sd, text, strlen(text), LEDGER_QUARANTINED);
}

/* The bridge's next number: now and then one is left out, comes late after all, or it starts anew. */
static uint64_t
number(struct side *sd)
{
	const uint32_t luck = draw(&fate, 30);
	uint64_t seq;

	if (sd->hole != 0 && luck < 6) {
		seq = sd->hole;
		sd->hole = 0;
		sd->got++;
		return seq;
	}
	if (sd->got > 0 && luck == 29) {
		sd->lost_before += sd->seq - sd->first + 1 - sd->got;
		sd->boot++;
		sd->seq = sd->got = sd->hole = 0;
	}
	if (sd->got > 0 && luck > 26) {
		sd->hole = sd->seq + 1;
		sd->seq += 1 + draw(&fate, 3);
	}
	sd->seq++;
	if (sd->got++ == 0)
		sd->first = sd->seq;
	return sd->seq;
}

static void
libvirt(struct side *sd, const char *kind, const char *more, enum ledger_outcome is)
{
	const uint64_t seq = number(sd);
	char time[FM_TIME_STR];
	char *text = fm_asprintf("{\"kind\":\"%s\",\"seq\":%llu,\"boot\":\"boot-%u\",\"conn\":1,"
				 "\"ts\":\"%s\",\"mono_ns\":%lld,\"host\":\"b%u\"%s}", kind,
				 (unsigned long long)seq, sd->boot,
				 fm_time_format(sim_wall(told_at), time), (long long)told_at, sd->no,
				 more);

	put(sd, text, strlen(text), is);
	remember(sd, text, F_LIBVIRT, is == LEDGER_UNKNOWN);
}

static void
pause_guest(struct side *sd)
{
	char more[300];

	sd->runs = !sd->runs;
	snprintf(more, sizeof(more), ",\"event\":\"lifecycle\",\"event_id\":0,\"lifecycle\":\"%s\","
		 "\"lifecycle_code\":%d,\"detail\":\"\",\"detail_code\":0,\"domain\":\"vm\","
		 "\"uuid\":\"bbbbbbbb-0000-4000-8000-%012x\",\"id\":7",
		 sd->runs ? "resumed" : "suspended", sd->runs ? 4 : 3, sd->no);
	libvirt(sd, "event", more, LEDGER_APPLIED);
}

static void
heartbeat(struct side *sd)
{
	libvirt(sd, "heartbeat", "", LEDGER_NO_EFFECT);
}

static void
odd_libvirt(struct side *sd)
{
	libvirt(sd, "event", ",\"event\":\"heartbeat-like\"", LEDGER_UNKNOWN);
}

/* A bridge's of another boot would be a bridge that has started anew. */
static void
repeat(struct side *sd)
{
	const struct sent *old = &sd->sent[draw(&fate, BACK)];
	char boot[30];

	snprintf(boot, sizeof(boot), "\"boot\":\"boot-%u\"", sd->boot);
	if (old->text == NULL || (old->form == F_LIBVIRT && strstr(old->text, boot) == NULL))
		return;
	put(sd, old->text, strlen(old->text), old->unknown ? LEDGER_UNKNOWN : LEDGER_DUPLICATE);
}

static void
tell_all(unsigned records)
{
	static void (*const things[])(struct side *sd) = {change_state, same_state, overtaken,
		unheard_of, set_alarm, clear_alarm, odd_request, poison, pause_guest, heartbeat, odd_libvirt,
		repeat, repeat};

	told_at = sim_now() + S;
	ids = 1;
	for (unsigned i = 0; i < n_log_parts; i++)
		side[i] = (struct side){.no = i, .after = fm_calloc(1, sizeof(struct count))};
	for (unsigned i = 0; i < records; i++)
		things[draw(&fate, FM_ARRAY_LEN(things))](&side[draw(&fate, n_log_parts)]);
}

/* ---- at any moment --------------------------------------------------------------------------- */

static struct side *
side_of(const struct part *p)
{
	return &side[broker_part_of(p->topic, p->partition)];
}

static void
check_part(const struct part *p, const struct count *want)
{
	for (unsigned o = 0; o < LEDGER_N; o++)
		if (p->ledger[o] != want->n[o])
			wrong("ledger", "%s/%d has read up to %lld: %s %llu, but there were %llu",
			      p->topic, p->partition, (long long)p->next_offset,
			      ledger_outcome_name((enum ledger_outcome)o),
			      (unsigned long long)p->ledger[o], (unsigned long long)want->n[o]);
}

/* Also called from within an operation of the disk: whatever the daemon is just doing. */
static void
check_now(void)
{
	const struct daemon *d = sim.d;
	struct corr_stats s;
	uint64_t lost = 0;

	if (d == NULL || d->hold.on || d->source == NULL)       /* the last: it is shutting down */
		return;
	for (unsigned i = 0; i < d->n_parts; i++) {
		const struct part *p = &d->part[i];
		const int64_t next = p->next_offset > 0 ? p->next_offset : 0;

		check_part(p, &side_of(p)->after[next]);
		lost += side_of(p)->after[next].lost;
	}
	corr_get_stats(d->corr, &s);
	if (s.lost_upstream != lost)
		wrong("ledger", "%llu lost upstream, but there were %llu",
		      (unsigned long long)s.lost_upstream, (unsigned long long)lost);
}

static unsigned ops_left;
static enum fault next_fault;
static int64_t full_until, next_trouble;

static void
on_op(enum disk_op op, uint64_t number_of)
{
	(void)number_of;
	if (op == DISK_SYNC)
		check_now();
	if (next_fault == FAULT_NONE || ops_left-- > 0 || op == DISK_READ)
		return;
	disk_plan(next_fault, fate.x);
	if (next_fault == FAULT_FULL)
		full_until = sim_now() + draw_span(&fate, 30 * S);
	next_fault = FAULT_NONE;
}

static int64_t
more_next(void)
{
	return disk_is_full() && full_until < next_trouble ? full_until : next_trouble;
}

static void
make_room(void)
{
	if (disk_is_full() && full_until <= sim_now())
		disk_heal();
}

static void
more_act(void)
{
	static const enum fault faults[] = {FAULT_KILL, FAULT_KILL, FAULT_POWER, FAULT_FULL};

	check_now();
	make_room();
	if (next_trouble > sim_now())
		return;
	next_trouble = sim_now() < told_at ? sim_now() + draw_span(&fate, 30 * S) : SIM_NEVER;
	if (next_trouble == SIM_NEVER || draw(&fate, 4) == 0) {
		catalogue_now = next_trouble == SIM_NEVER ? 0 : (int)draw(&fate, 3) - 1;
		sim_signal(SIGHUP);
	} else if (draw(&fate, 4) == 0) {
		sim_signal(SIGTERM);
	} else {
		next_fault = faults[draw(&fate, FM_ARRAY_LEN(faults))];
		ops_left = draw(&fate, 40);
	}
}

/* ---- what the operator is told ------------------------------------------------------------------ */

static json_int_t
figure(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

static void
check_row(const json_t *row)
{
	const char *topic = json_string_value(json_object_get(row, "topic"));
	const struct side *sd = &side[broker_part_of(topic, (int)figure(row, "partition"))];
	json_int_t sum = 0;

	for (unsigned o = 0; o < LEDGER_N; o++) {
		const char *name = ledger_outcome_name((enum ledger_outcome)o);

		sum += figure(row, name);
		if (figure(row, name) != (json_int_t)sd->after[sd->n].n[o])
			wrong("ledger", "%s: answered %lld %s", topic, (long long)figure(row, name),
			      name);
	}
	if (figure(row, "read") != (json_int_t)sd->n || sum != (json_int_t)sd->n)
		wrong("ledger", "%s: %lld read of %zu, in columns %lld", topic,
		      (long long)figure(row, "read"), sd->n, (long long)sum);
}

static bool asked;

static void
ask(void)
{
	static const char line[] = "{\"id\":1,\"verb\":\"ledger\",\"args\":{}}";
	FM_CLEANUP(fm_buf_fini) struct fm_buf out = {0};
	const struct caller who = {.name = "ann", .role = "viewer", .uid = 1000};
	struct ctl_request rq;
	struct verb_call *call;
	struct fm_err err;
	unsigned rows = 0;

	fm_assert(ctl_request_parse(line, strlen(line), &rq, &err) == 0);
	call = verb_begin(sim.d, &who, &rq);
	while (verb_go_on(call, &out) == VERB_GOES_ON)
		;
	verb_end(call);
	for (char *rest = out.s, *l; (l = strsep(&rest, "\n")) != NULL;) {
		json_t *answer = json_loads(l, 0, NULL);
		const json_t *row = json_object_get(answer, "row");

		if (row != NULL) {
			check_row(row);
			rows++;
		}
		json_decref(answer);
	}
	if (rows != n_log_parts)
		wrong("ledger", "%u of %u partitions in the answer", rows, n_log_parts);
	asked = true;
}

/* The last thing before the orderly end of the last process. */
static bool
may_end(void)
{
	if (!world_is_quiet())
		return false;
	check_now();
	ask();
	return true;
}

/* ---- a world --------------------------------------------------------------------------------- */

static int
live(uint64_t seed)
{
	fate = (struct rng){seed * 7919 + 5};
	const struct world_options world = {.seed = seed, .n_agents = draw(&fate, 2),
		.cycle_records = 1 + draw(&fate, draw(&fate, 2) ? 5 : 200),
		.reserve = draw(&fate, 2) ? 4096 : 0};

	world_format(&world);
	inputs_format(false);
	tell_all(RECORDS);
	sim.end = told_at + 10 * S;
	next_trouble = 5 * S;
	full_until = SIM_NEVER;
	next_fault = FAULT_NONE;
	asked = false;
	disk_on_op = on_op;
	sim.more_next = more_next;
	sim.more_act = more_act;
	sim.may_end = may_end;
	while (!(world_live() && asked) && !is_wrong()) {
		if (sim.starts > MOST_STARTS)
			wrong("ledger", "%d starts, and no end", MOST_STARTS);
		catalogue_now = catalogue_now < 0 ? 0 : catalogue_now;
		sim_sleep_until(sim_now() + draw_span(&fate, 2 * S));
		broker_note_arrivals();
		make_room();
	}
	if (sim.starts < 5)
		wrong("ledger", "only %llu starts: nothing happened",
		      (unsigned long long)sim.starts);
	return is_wrong();
}

/* In a process of its own: what a dead fmd leaves lying goes with it. */
static int
live_apart(uint64_t seed)
{
	const pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		const int r = live(seed);

		fflush(stdout);
		_exit(r);
	}
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	return status;
}

Test(ledger, each_record_below_the_position_is_counted_once_and_as_what_it_is)
{
	const char *source = getenv("FMD_SOURCE");
	uint64_t seed = 0;
	int status = 0;

	world_open(source != NULL ? source : ".");
	while (status == 0 && seed < SEEDS)
		status = live_apart(++seed);
	world_close();
	cr_assert_eq(status, 0, "seed %llu ended with %d", (unsigned long long)seed, status);
}
