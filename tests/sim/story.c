/*
 * story: a seeded stretch of cloud life, as fmd's input: migrations that arrive, roll back or take
 * too long, guests that crash or pause, hosts that die, fault requests, and records that nobody can
 * read. One order of telling; when each arrives is the log's business.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_HOSTS 8
#define MAX_GUESTS 64
#define TIME_TEXT 40

struct story {
	struct rng rng;
	const struct story_options *opt;
	int64_t now, last_arrival;
	unsigned told;
	unsigned where[MAX_GUESTS];
	uint64_t seq[MAX_HOSTS];
	struct fm_buf text, inner;
};

enum { TOPIC_LIBVIRT, TOPIC_NOVA, TOPIC_REQUEST };

/* ---- records -------------------------------------------------------------------------------- */

static unsigned
part_of(struct story *st, int topic)
{
	unsigned v[MAX_PARTS], n = 0;

	for (unsigned i = 0; i < n_log_parts; i++)
		if (log_part[i].topic_no == topic)
			v[n++] = i;
	return v[draw(&st->rng, n)];
}

static void
put(struct story *st, int topic, const char *text, size_t len)
{
	const struct story_options *o = st->opt;
	const int64_t jitter = o->jitter > 0 ?
		(int64_t)draw(&st->rng, (uint32_t)(o->jitter / FM_NS_PER_MS)) * FM_NS_PER_MS : 0;
	const int64_t arrives = st->now + o->latency + jitter;

	broker_put(part_of(st, topic), text, len, st->now, arrives);
	st->last_arrival = arrives > st->last_arrival ? arrives : st->last_arrival;
	st->told++;
	st->now += draw_span(&st->rng, o->mean_gap);
	if (chance(&st->rng, o->pauses))
		st->now += draw_span(&st->rng, o->pause);
}

static const char *
stamp(const struct story *st, char buf[TIME_TEXT])
{
	return fm_time_format(sim_wall(st->now), buf);
}

static void
uuid_text(unsigned guest, char buf[FM_UUID_STR])
{
	snprintf(buf, FM_UUID_STR, "%08x-5ce0-4a10-8000-%012x", 0x9e3779b9u * (guest + 1), guest);
}

static void
libvirt(struct story *st, unsigned host, const char *event, int guest, const char *more)
{
	char uuid[FM_UUID_STR], time[TIME_TEXT];
	struct fm_buf *b = &st->text;

	fm_buf_reset(b);
	st->seq[host] += chance(&st->rng, 10) ? 2 : 1;
	fm_buf_addf(b, "{\"kind\":\"event\",\"seq\":%llu,\"boot\":\"boot-%u\",\"conn\":1,"
		    "\"ts\":\"%s\",\"mono_ns\":%lld,\"host\":\"compute-%u\","
		    "\"host_uuid\":\"0a0a0a0a-0000-4000-8000-00000000000%u\",\"event\":\"%s\"",
		    (unsigned long long)st->seq[host], host, stamp(st, time), (long long)st->now,
		    host, host, event);
	if (guest >= 0) {
		uuid_text((unsigned)guest, uuid);
		fm_buf_addf(b, ",\"domain\":\"vm-%d\",\"uuid\":\"%s\",\"id\":7", guest, uuid);
	}
	fm_buf_addf(b, "%s}", more);
	put(st, TOPIC_LIBVIRT, b->s, b->len);
}

static void
lifecycle(struct story *st, unsigned host, unsigned guest, int code, int detail)
{
	static const char *const names[] = {"defined", "undefined", "started", "suspended",
		"resumed", "stopped", "shutdown"};
	char more[160];

	snprintf(more, sizeof(more), ",\"event_id\":0,\"lifecycle\":\"%s\",\"lifecycle_code\":%d,"
		 "\"detail\":\"\",\"detail_code\":%d", names[code], code, detail);
	libvirt(st, host, "lifecycle", (int)guest, more);
}

static void
job(struct story *st, unsigned host, unsigned guest, unsigned downtime)
{
	char more[200];

	snprintf(more, sizeof(more), ",\"event_id\":21,\"operation\":\"migration_out\","
		 "\"params\":{\"operation\":5,\"time_elapsed\":4000,\"downtime\":%u,"
		 "\"downtime_net\":%u}", downtime + 3, downtime);
	libvirt(st, host, "job-completed", (int)guest, more);
}

static void
quote(const struct fm_buf *in, struct fm_buf *out)
{
	for (size_t i = 0; i < in->len; i++) {
		if (in->s[i] == '"' || in->s[i] == '\\')
			fm_buf_add(out, "\\", 1);
		fm_buf_add(out, &in->s[i], 1);
	}
}

static void
nova(struct story *st, const char *type, unsigned guest, unsigned host, const char *task,
     const char *state)
{
	char uuid[FM_UUID_STR], time[TIME_TEXT];
	struct fm_buf *b = &st->inner;
	const unsigned id = chance(&st->rng, 30) && st->told > 0 ? st->told - 1 : st->told;

	uuid_text(guest, uuid);
	fm_buf_reset(b);
	fm_buf_addf(b, "{\"message_id\":\"%08x-0000-4000-8000-000000000000\",\"publisher_id\":"
		    "\"nova-compute:compute-%u\",\"event_type\":\"%s\",\"priority\":\"INFO\","
		    "\"timestamp\":\"%s\",\"payload\":{\"nova_object.name\":"
		    "\"InstanceActionPayload\",\"nova_object.namespace\":\"nova\","
		    "\"nova_object.version\":\"1.9\",\"nova_object.data\":{\"uuid\":\"%s\","
		    "\"tenant_id\":\"tenant-%u\",\"display_name\":\"vm-%u\","
		    "\"host\":\"compute-%u\",\"node\":\"compute-%u\",\"state\":\"%s\",", id, host,
		    type, stamp(st, time), uuid, guest % 3, guest, host, host, state);
	if (task != NULL)
		fm_buf_addf(b, "\"task_state\":\"%s\",", task);
	else
		fm_buf_adds(b, "\"task_state\":null,");
	fm_buf_adds(b, "\"power_state\":\"running\",\"fault\":null,"
		    "\"action_initiator_user\":\"admin\"}}}");
	fm_buf_reset(&st->text);
	fm_buf_adds(&st->text, "{\"oslo.version\":\"2.0\",\"oslo.message\":\"");
	quote(b, &st->text);
	fm_buf_adds(&st->text, "\"}");
	put(st, TOPIC_NOVA, st->text.s, st->text.len);
}

static void
request(struct story *st, const char *op, const char *id, unsigned host)
{
	char text[160];
	const int n = snprintf(text, sizeof(text), "{\"op\":\"%s\",\"alarm_id\":\"%s\","
			       "\"entity_instance_id\":\"host=compute-%u\"}", op, id, host);

	put(st, TOPIC_REQUEST, text, (size_t)n);
}

/* ---- what happens --------------------------------------------------------------------------- */

static unsigned
a_guest(struct story *st)
{
	return draw(&st->rng, st->opt->guests);
}

static void
roll_back(struct story *st, unsigned guest, unsigned src, unsigned dst)
{
	lifecycle(st, dst, guest, 5, 5);
	nova(st, "instance.live_migration_rollback.start", guest, src, "migrating", "active");
	nova(st, "instance.live_migration_rollback.end", guest, src, NULL, "active");
}

static void
migrate(struct story *st)
{
	static const unsigned times[] = {40, 90, 400, 1300, 7000};
	const unsigned guest = a_guest(st), src = st->where[guest];
	const unsigned dst = (src + 1 + draw(&st->rng, st->opt->hosts - 1)) % st->opt->hosts;

	nova(st, "instance.live_migration_pre.start", guest, src, "migrating", "active");
	lifecycle(st, dst, guest, 2, 1);
	if (chance(&st->rng, st->opt->slow))
		st->now += (draw(&st->rng, 2) ? 200 : 900) * FM_NS_PER_S;
	if (chance(&st->rng, 300)) {
		roll_back(st, guest, src, dst);
		return;
	}
	lifecycle(st, src, guest, 3, 1);
	lifecycle(st, dst, guest, 4, 1);
	job(st, src, guest, times[draw(&st->rng, FM_ARRAY_LEN(times))]);
	nova(st, "instance.live_migration_post_dest.end", guest, dst, NULL, "active");
	st->where[guest] = dst;
}

static void
crash(struct story *st)
{
	const unsigned guest = a_guest(st), host = st->where[guest];

	lifecycle(st, host, guest, 5, 5);
	if (chance(&st->rng, 800)) {
		lifecycle(st, host, guest, 4, 0);
		lifecycle(st, host, guest, 2, 0);
	}
}

static void
pause_guest(struct story *st)
{
	const unsigned guest = a_guest(st), host = st->where[guest];

	nova(st, "instance.pause.end", guest, host, NULL, "paused");
	st->now += (draw(&st->rng, 2) ? 2 : 60) * FM_NS_PER_S;
	nova(st, "instance.unpause.end", guest, host, NULL, "active");
}

static void
host_dies(struct story *st)
{
	const unsigned host = draw(&st->rng, st->opt->hosts);

	request(st, "set", "200.004", host);
	for (unsigned g = 0, n = 0; g < st->opt->guests && n < 4; g++)
		if (st->where[g] == host && ++n)
			nova(st, "instance.update", g, host, NULL, "error");
	for (unsigned g = 0, n = 0; g < st->opt->guests && n < 4; g++)
		if (st->where[g] == host && ++n)
			nova(st, "instance.update", g, host, NULL, "active");
	request(st, "clear", "200.004", host);
}

static void
some_request(struct story *st)
{
	static const char *const ids[] = {"100.101", "100.103", "100.104"};

	request(st, draw(&st->rng, 2) ? "set" : "clear", ids[draw(&st->rng, 3)],
		draw(&st->rng, st->opt->hosts));
}

static void
poison(struct story *st)
{
	static const char *const texts[] = {"{\"op\":\"nonsense\"}", "{", "\xff\xfe", "[]",
		"{\"op\":\"set\",\"alarm_id\":7}"};
	const char *text = texts[draw(&st->rng, FM_ARRAY_LEN(texts))];

	if (chance(&st->rng, 100))
		put(st, (int)draw(&st->rng, 3), NULL, 0);
	else
		put(st, (int)draw(&st->rng, 3), text, strlen(text));
}

/* Beyond the decoder's limit, and beyond what quarantine keeps of it. */
static void
huge(struct story *st)
{
	const size_t len = 80000 + draw(&st->rng, 40000);
	char *text = fm_malloc(len);

	memset(text, 'x', len);
	put(st, TOPIC_NOVA, text, len);
	free(text);
}

static void
something(struct story *st)
{
	static void (*const things[])(struct story *) = {migrate, crash, pause_guest, some_request,
		host_dies};
	static const unsigned weights[] = {35, 20, 20, 20, 5};
	unsigned pick = draw(&st->rng, 100), i = 0;

	if (chance(&st->rng, st->opt->poison)) {
		poison(st);
	} else if (chance(&st->rng, st->opt->huge)) {
		huge(st);
	} else if (chance(&st->rng, 100)) {
		libvirt(st, draw(&st->rng, st->opt->hosts), "heartbeat-like", -1, "");
	} else {
		while (pick >= weights[i])
			pick -= weights[i++];
		things[i](st);
	}
}

int64_t
story_tell(const struct story_options *opt)
{
	struct story st = {.rng = {opt->seed}, .opt = opt, .now = sim_now() + FM_NS_PER_S};

	fm_assert(opt->hosts <= MAX_HOSTS && opt->guests <= MAX_GUESTS);
	for (unsigned g = 0; g < opt->guests; g++)
		st.where[g] = draw(&st.rng, opt->hosts);
	while (st.told < opt->records)
		something(&st);
	fm_buf_fini(&st.text);
	fm_buf_fini(&st.inner);
	return st.last_arrival;
}
