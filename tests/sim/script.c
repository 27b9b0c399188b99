/*
 * script: the operators. Commands go through the daemon's own verbs, as if a client had sent the
 * line. Each is given until it is in the store, once: an operator who got no answer looks first.
 */
#include "tests/sim/sim.h"

#include "fmd/daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>

struct command *command;
unsigned n_commands;
static unsigned first_open;             /* those before are done */

void
commands_format(void)
{
	free(command);
	command = NULL;
	n_commands = first_open = 0;
}

void
commands_add(int64_t at, uint64_t seed)
{
	command = fm_realloc(command, (n_commands + 1) * sizeof(*command));
	command[n_commands++] = (struct command){.at = at, .seed = seed};
}

void
commands_note(const char *user, bool is_durable)
{
	const unsigned n = (unsigned)atoi(user + strlen("op-"));

	fm_assert(n < n_commands);
	if (command[n].answered && !is_durable)
		wrong("P5", "command %u was answered, and is not in the store", n);
	command[n].done = is_durable;
	if (!is_durable && n < first_open)
		first_open = n;
}

int64_t
commands_next(void)
{
	while (first_open < n_commands && command[first_open].done)
		first_open++;
	if (sim.d == NULL || first_open == n_commands)
		return SIM_NEVER;
	return command[first_open].at > sim_now() ? command[first_open].at : sim_now();
}

void
commands_save(struct crate *s)
{
	crate_put(s, &first_open, sizeof(first_open));
	crate_put(s, command, n_commands * sizeof(*command));
}

void
commands_restore(struct crate *s)
{
	crate_take(s, &first_open, sizeof(first_open));
	crate_take(s, command, n_commands * sizeof(*command));
}

/* ---- one command ---------------------------------------------------------------------------- */

struct pick {
	uint32_t skip;
	struct fm_uuid uuid;
	bool found;
};

static bool
pick_alarm(void *ctx, const struct alarm *al)
{
	struct pick *p = ctx;

	p->uuid = al->uuid;
	p->found = true;
	return p->skip-- > 0;
}

static void
make_line(struct command *c, char *line, size_t size)
{
	static const char *const verbs[] = {"alarm-ack", "alarm-unack", "alarm-shelve",
		"alarm-unshelve", "alarm-delete", "event-suppress", "event-unsuppress"};
	static const char *const ids[] = {"700.001", "100.101", "700.008"};
	struct rng r = {c->seed};
	struct pick p = {.skip = draw(&r, 4)};
	const unsigned verb = draw(&r, FM_ARRAY_LEN(verbs));
	char uuid[FM_UUID_STR];

	corr_each_alarm(sim.d->corr, false, pick_alarm, &p);
	fm_uuid_format(&p.uuid, uuid);
	if (verb >= 5)
		snprintf(line, size, "{\"id\":1,\"verb\":\"%s\",\"args\":{\"alarm_id\":\"%s\"}}",
			 verbs[verb], ids[draw(&r, 3)]);
	else if (verb == 2)
		snprintf(line, size, "{\"id\":1,\"verb\":\"%s\",\"args\":{\"uuid\":\"%s\","
			 "\"for\":%u}}", verbs[verb], uuid, 10 + draw(&r, 500));
	else
		snprintf(line, size, "{\"id\":1,\"verb\":\"%s\",\"args\":{\"uuid\":\"%s\"}}",
			 verbs[verb], uuid);
}

/* A partition whose loss waits for an operator comes first. */
static void
resume_line(int part, char *line, size_t size)
{
	snprintf(line, size, "{\"id\":1,\"verb\":\"input-resume\",\"args\":{\"topic\":\"%s\","
		 "\"partition\":%d}}", log_part[part].topic, log_part[part].no);
}

static bool
give(const char *user, const char *line)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf out = {0};
	const struct caller who = {.name = user, .role = "admin", .uid = 1000};
	struct ctl_request rq;
	struct verb_call *call;
	struct fm_err err;
	bool stored;

	fm_assert(ctl_request_parse(line, strlen(line), &rq, &err) == 0);
	call = verb_begin(sim.d, &who, &rq);
	while (verb_go_on(call, &out) == VERB_GOES_ON)
		;
	verb_end(call);
	stored = strstr(out.s, "could not be stored") == NULL &&
		strstr(out.s, "nothing was changed") == NULL;
	say("%s: %s -> %s", user, line, out.s);
	return stored;
}

void
commands_resume(int part)
{
	char line[200];

	resume_line(part, line, sizeof(line));
	(void)give("resumer", line);
}

/*
 * About what is there when it is carried out, as verbs_write.c does: what falls due by then has fallen
 * due before a restart too, and the alarm that is picked is the same.
 */
void
commands_act(void)
{
	struct command *c = &command[first_open];
	char user[24], line[300];

	if (!sim.d->hold.dry && !sim.d->stopping)
		engine_begin(sim.d);
	snprintf(user, sizeof(user), "op-%u", first_open);
	make_line(c, line, sizeof(line));
	if (!give(user, line)) {
		if (!sim.d->stopping)
			c->at = sim_now() + 5 * FM_NS_PER_S;
		return;
	}
	c->done = c->answered = true;
}

/* ---- control.h: the socket, which is not there -------------------------------------------------- */

int
control_start(struct daemon *d, struct fm_err *err)
{
	(void)err;
	world_started(d);
	return 0;
}

void
control_tick(struct daemon *d)
{
	(void)d;
}

void
control_stop(struct daemon *d)
{
	(void)d;
}

void
control_committed(struct daemon *d)
{
	(void)d;
}

uint64_t
control_unread(const struct daemon *d)
{
	(void)d;
	return 0;
}
