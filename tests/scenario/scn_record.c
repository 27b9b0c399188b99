/*
 * scn_record: steps to the JSON that Nova, a libvirt bridge or a fault producer would send.
 */
#include "scn.h"

#include <jansson.h>
#include <stdlib.h>

#include "events/event.h"

static void
put(json_t *o, const char *name, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, name, json_string(value));
}

static void
put_int(json_t *o, const struct scn_step *step, unsigned first, const char *name)
{
	const char *v = scn_opt(step, first, name, NULL);

	if (v != NULL)
		json_object_set_new(o, name, json_integer(strtoll(v, NULL, 10)));
}

static void
put_or_null(json_t *o, const char *name, const char *value)
{
	if (strcmp(value, "-") == 0)
		return;                 /* left out */
	json_object_set_new(o, name, strcmp(value, "null") == 0 ? json_null() : json_string(value));
}

/* The source's own time: that of the step, shifted by stamp=. */
static const char *
stamp(struct scn *s, const struct scn_step *step, unsigned first, struct fm_time base)
{
	const char *v = scn_opt(step, first, "stamp", "0s");
	struct fm_span d;
	char buf[FM_TIME_STR];

	if (fm_span_parse(v, strlen(v), &d) < 0)
		scn_die(s, step, "stamp=%s is not a span", v);
	fm_time_format(fm_time_add(fm_time_add(base, step->at), d), buf);
	return fm_arena_strndup(&s->arena, buf, strlen(buf));
}

static unsigned
note_tenant(struct scn *s, const char *uuid, const char *tenant)
{
	const unsigned long n = uuid[0] == 'U' ? strtoul(uuid + 1, NULL, 10) : 0;

	if (n > 0 && n < 100 && tenant != NULL)
		s->tenant[n] = fm_arena_strndup(&s->arena, tenant, strlen(tenant));
	return n < 100 ? (unsigned)n : 0;
}

/* ---- Nova ------------------------------------------------------------------------------------- */

static json_t *
versioned(const char *name, json_t *data)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "nova_object.name", name, "nova_object.namespace",
			 "nova", "nova_object.version", "1.0", "nova_object.data", data);
}

/* "meta.live_migration_timeout=180" and the like, by prefix. */
static json_t *
specs(const struct scn_step *step, const char *prefix, const char *spelled)
{
	json_t *o = json_object();
	const size_t n = strlen(prefix);

	for (unsigned i = 1; i < step->n_words; i++) {
		const char *eq = strchr(step->word[i], '=');
		char name[80];

		if (strncmp(step->word[i], prefix, n) != 0 || eq == NULL)
			continue;
		snprintf(name, sizeof(name), "%s%.*s", spelled,
			 (int)(eq - step->word[i] - (ptrdiff_t)n), step->word[i] + n);
		put(o, name, eq + 1);
	}
	return o;
}

static json_t *
flavor(const char *name, const char *memory, json_t *extra)
{
	return versioned("FlavorPayload", json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:o}",
		"name", name, "flavorid", name, "memory_mb", atoi(memory), "root_gb", 0,
		"ephemeral_gb", 0, "swap", 0, "extra_specs", extra));
}

static json_t *
fault(const struct scn_step *step)
{
	const char *text = scn_opt(step, 1, "fault", NULL);

	if (text == NULL)
		return json_null();
	return versioned("ExceptionPayload", json_pack("{s:s, s:s}", "exception",
		scn_opt(step, 1, "exception", "NovaException"), "exception_message", text));
}

static void
state_update(const struct scn_step *step, json_t *data)
{
	json_t *u = json_object();

	put_or_null(u, "old_state", scn_opt(step, 1, "old_state", "active"));
	put_or_null(u, "state", scn_opt(step, 1, "state", "active"));
	put_or_null(u, "old_task_state", scn_opt(step, 1, "old_task", "null"));
	put_or_null(u, "new_task_state", scn_opt(step, 1, "task", "null"));
	json_object_set_new(data, "state_update", versioned("InstanceStateUpdatePayload", u));
}

static json_t *
versioned_instance(struct scn *s, const struct scn_step *step, const char *name)
{
	json_t *d = json_object();
	const char *memory = scn_opt(step, 1, "memory_mb", "2048");

	put(d, "uuid", scn_uuid(s, scn_opt(step, 1, "uuid", "")));
	put_or_null(d, "tenant_id", scn_opt(step, 1, "tenant", "t1"));
	put(d, "display_name", name);
	put_or_null(d, "host", scn_opt(step, 1, "host", "null"));
	put_or_null(d, "node", scn_opt(step, 1, "host", "null"));
	put_or_null(d, "state", scn_opt(step, 1, "state", "active"));
	put_or_null(d, "task_state", scn_opt(step, 1, "task", "null"));
	put_or_null(d, "power_state", scn_opt(step, 1, "power", "running"));
	put(d, "action_initiator_user", scn_opt(step, 1, "initiator", NULL));
	put(d, "old_display_name", scn_opt(step, 1, "old_name", NULL));
	json_object_set_new(d, "metadata", specs(step, "meta.", "hw:wrs:"));
	json_object_set_new(d, "flavor", flavor(scn_opt(step, 1, "flavor", "m1.small"), memory,
						specs(step, "flavor.", "hw:wrs:")));
	json_object_set_new(d, "fault", fault(step));
	if (scn_opt(step, 1, "new_flavor", NULL) != NULL)
		json_object_set_new(d, "new_flavor", flavor(scn_opt(step, 1, "new_flavor", ""),
							    memory, json_object()));
	if (strcmp(step->word[0], "instance.update") == 0)
		state_update(step, d);
	return versioned("InstanceActionPayload", d);
}

static json_t *
legacy_instance(struct scn *s, const struct scn_step *step, const char *name)
{
	const char *task = scn_opt(step, 1, "task", "");
	json_t *d = json_object();

	put(d, "instance_id", scn_uuid(s, scn_opt(step, 1, "uuid", "")));
	put_or_null(d, "tenant_id", scn_opt(step, 1, "tenant", "t1"));
	put(d, "display_name", name);
	put_or_null(d, "host", scn_opt(step, 1, "host", "null"));
	put_or_null(d, "state", scn_opt(step, 1, "state", "active"));
	put(d, "state_description", strcmp(task, "null") == 0 ? "" : task);
	put(d, "instance_type", scn_opt(step, 1, "flavor", "m1.small"));
	put(d, "new_instance_type", scn_opt(step, 1, "new_flavor", NULL));
	put(d, "exception", scn_opt(step, 1, "fault", NULL));
	json_object_set_new(d, "memory_mb",
			    json_integer(atoi(scn_opt(step, 1, "memory_mb", "2048"))));
	json_object_set_new(d, "metadata", specs(step, "meta.", "hw:wrs:"));
	json_object_set_new(d, "image_meta", specs(step, "image.", "hw_wrs_"));
	if (strcmp(step->word[0], "instance.update") == 0) {
		put_or_null(d, "old_state", scn_opt(step, 1, "old_state", "active"));
		put_or_null(d, "new_task_state", scn_opt(step, 1, "task", "null"));
	}
	return d;
}

static json_t *
service(const struct scn_step *step)
{
	return versioned("ServiceStatusPayload", json_pack("{s:s, s:s, s:b, s:b}",
		"host", scn_opt(step, 1, "host", ""),
		"binary", scn_opt(step, 1, "binary", "nova-compute"),
		"disabled", atoi(scn_opt(step, 1, "disabled", "0")),
		"forced_down", atoi(scn_opt(step, 1, "forced_down", "0"))));
}

static json_t *
compute_task(struct scn *s, const struct scn_step *step)
{
	return versioned("ComputeTaskPayload", json_pack("{s:s, s:s, s:o}",
		"instance_uuid", scn_uuid(s, scn_opt(step, 1, "uuid", "")),
		"state", scn_opt(step, 1, "state", "active"), "reason", fault(step)));
}

/* "instance.live_migration_pre.start" -> "compute.instance.live_migration.pre.start" */
static const char *
legacy_type(struct scn *s, const struct scn_step *step)
{
	static const struct { const char *versioned, *legacy; } names[] = {
#define FM_X(id, v, l) {v, l},
		NOVA_ACTIONS(FM_X)
#undef FM_X
	};
	const char *type = step->word[0], *dot = strrchr(type, '.');

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		const size_t n = strlen(names[i].versioned);

		if (strncmp(names[i].versioned, type, n) == 0 &&
		    (type[n] == '\0' || type + n == dot))
			return fm_arena_printf(&s->arena, "compute.%s%s", names[i].legacy, type + n);
	}
	scn_die(s, step, "%s has no legacy form", type);
}

static json_t *
nova_payload(struct scn *s, const struct scn_step *step, bool legacy)
{
	const char *uuid = scn_opt(step, 1, "uuid", "");
	const char *tenant = scn_opt(step, 1, "tenant", "t1");
	const bool task = strncmp(step->word[0], "compute_task.", 13) == 0;
	unsigned n;

	if (strncmp(step->word[0], "service.", 8) == 0)
		return service(step);
	n = note_tenant(s, uuid, !task && strcmp(tenant, "-") != 0 ? tenant : NULL);
	if (task)
		return compute_task(s, step);
	const char *name = scn_opt(step, 1, "name", fm_arena_printf(&s->arena, "vm-%u", n));

	return legacy ? legacy_instance(s, step, name) : versioned_instance(s, step, name);
}

static json_t *
enveloped(json_t *inner)
{
	char *text = json_dumps(inner, JSON_COMPACT);
	json_t *o = json_pack("{s:s, s:s}", "oslo.version", "2.0", "oslo.message", text);

	free(text);
	json_decref(inner);
	return o;
}

static json_t *
nova(struct scn *s, const struct scn_step *step, struct fm_time base)
{
	const bool legacy = strcmp(scn_opt(step, 1, "legacy", "0"), "1") == 0;
	const char *host = scn_opt(step, 1, "publisher", scn_opt(step, 1, "host", "api"));
	const char *id = scn_opt(step, 1, "id", fm_arena_printf(&s->arena, "m-%u", ++s->serial));
	json_t *o = json_object();

	put(o, "message_id", id);
	put(o, "publisher_id", fm_arena_printf(&s->arena, "%s%s",
					       legacy ? "compute." : "nova-compute:", host));
	put(o, "event_type", legacy ? legacy_type(s, step) : step->word[0]);
	put(o, "priority", strstr(step->word[0], ".error") != NULL ? "ERROR" : "INFO");
	put(o, "timestamp", stamp(s, step, 1, base));
	json_object_set_new(o, "payload", nova_payload(s, step, legacy));
	return strcmp(scn_opt(step, 1, "envelope", "1"), "0") == 0 ? o : enveloped(o);
}

/* ---- libvirt ------------------------------------------------------------------------------------- */

static unsigned
next_seq(struct scn *s, const struct scn_step *step, const char *boot)
{
	unsigned i = 0;

	while (i < FM_ARRAY_LEN(s->bridge) && s->bridge[i] != NULL &&
	       strcmp(s->bridge[i], boot) != 0)
		i++;
	if (i == FM_ARRAY_LEN(s->bridge))
		scn_die(s, step, "too many bridges");
	if (s->bridge[i] == NULL)
		s->bridge[i] = fm_arena_strndup(&s->arena, boot, strlen(boot));
	const char *given = scn_opt(step, 1, "seq", NULL);

	s->seq_of[i] = given != NULL ? (unsigned)atoi(given) : s->seq_of[i] + 1;
	return s->seq_of[i];
}

static bool
is_kind(const char *word)
{
	static const char *const kinds[] = {
#define FM_X(id, name) name,
		LV_KINDS(FM_X)
#undef FM_X
	};

	for (unsigned i = 0; i < FM_ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], word) == 0)
			return true;
	return false;
}

static int
event_number(const char *word)
{
	static const char *const names[] = {
#define FM_X(id, num, name) [num] = name,
		LV_EVENTS(FM_X)
#undef FM_X
	};

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++)
		if (strcmp(names[i], word) == 0)
			return (int)i;
	return -1;
}

static void
lv_params(const struct scn_step *step, json_t *o)
{
	static const char *const names[] = {"operation", "time_elapsed", "downtime",
		"downtime_net", "memory_iteration", "memory_postcopy_requests"};
	json_t *p = json_object();

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++)
		put_int(p, step, 1, names[i]);
	json_object_set_new(o, "params", p);
	put_int(o, step, 1, "job_type");
}

/* word[1] is the event or kind, what follows without "=" are its words. */
static void
lv_words(const struct scn_step *step, json_t *o)
{
	const char *what = step->word[1];
	const char *w2 = step->n_words > 2 ? step->word[2] : "";
	const char *w3 = step->n_words > 3 ? step->word[3] : "";

	if (strcmp(what, "lifecycle") == 0) {
		put(o, "lifecycle", w2);
		put(o, "detail", w3);
	} else if (strcmp(what, "agent-lifecycle") == 0) {
		put(o, "state", w2);
		put(o, "reason", w3);
	} else if (strcmp(what, "qmp") == 0) {
		put(o, "event", w2);
		json_object_set_new(o, "data", json_pack("{s:s}", "status",
							 scn_opt(step, 2, "status", "")));
	} else if (strcmp(what, "snapshot") == 0 || strcmp(what, "job") == 0) {
		put(o, "state", scn_opt(step, 2, "state", "running"));
		lv_params(step, o);
	} else if (strcmp(what, "job-completed") == 0) {
		lv_params(step, o);
	} else if (strcmp(what, "close") == 0 || strncmp(what, "io-error", 8) == 0) {
		put(o, "reason", scn_opt(step, 2, "reason", ""));
	}
}

static json_t *
libvirt(struct scn *s, const struct scn_step *step, struct fm_time base)
{
	const char *host, *what, *uuid, *boot;
	json_t *o = json_object();

	if (step->n_words < 2)
		scn_die(s, step, "libvirt HOST EVENT");
	host = step->word[0];
	what = step->word[1];
	uuid = scn_opt(step, 2, "uuid", NULL);
	boot = scn_opt(step, 2, "boot", fm_arena_printf(&s->arena, "boot-of-%s", host));
	json_object_set_new(o, "seq", json_integer(next_seq(s, step, boot)));
	put(o, "boot", boot);
	put(o, "kind", is_kind(what) ? what : "event");
	put(o, "ts", stamp(s, step, 2, base));
	put(o, "host", host);
	if (!is_kind(what)) {
		if (event_number(what) < 0)
			scn_die(s, step, "unknown event %s", what);
		json_object_set_new(o, "event_id", json_integer(event_number(what)));
		put(o, "event", what);
	}
	if (uuid != NULL) {
		put(o, "uuid", scn_uuid(s, uuid));
		put(o, "domain", fm_arena_printf(&s->arena, "instance-%s", uuid));
		put(o, "tenant", scn_opt(step, 2, "tenant", NULL));
		put(o, "instance_name", scn_opt(step, 2, "name", NULL));
		note_tenant(s, uuid, scn_opt(step, 2, "tenant", NULL));
	}
	put_int(o, step, 2, "count");
	put_int(o, step, 2, "iteration");
	put(o, "disk", scn_opt(step, 2, "disk", NULL));
	lv_words(step, o);
	return o;
}

/* ---- requests --------------------------------------------------------------------------------------- */

static json_t *
request(struct scn *s, const struct scn_step *step)
{
	static const char *const bools[] = {"service_affecting", "suppression", "inhibit_alarms",
		"keep_existing_alarm"};
	static const char *const texts[] = {"severity", "reason_text", "alarm_type",
		"probable_cause", "proposed_repair_action", "entity_type_id", "timestamp",
		"request_id", "alarm_id"};
	const bool all = step->n_words > 0 && strcmp(step->word[0], "clear_all") == 0;
	const unsigned first = all ? 2 : 3;
	json_t *o = json_object();

	if (step->n_words < first)
		scn_die(s, step, "request OP ALARM_ID ENTITY, or request clear_all ENTITY");
	put(o, "op", step->word[0]);
	if (!all)
		put(o, "alarm_id", step->word[1]);
	put(o, "entity_instance_id", scn_entity(s, step->word[first - 1]));
	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++)
		put(o, texts[i], scn_opt(step, first, texts[i], NULL));
	for (unsigned i = 0; i < FM_ARRAY_LEN(bools); i++) {
		const char *v = scn_opt(step, first, bools[i], NULL);

		if (v != NULL)
			json_object_set_new(o, bools[i], json_boolean(v[0] == '1'));
	}
	return o;
}

char *
scn_record(struct scn *s, const struct scn_step *step, struct fm_time base)
{
	json_t *o = NULL;
	char *text;

	if (step->verb == SCN_RECORD)
		return fm_strdup(step->raw);
	if (step->n_words == 0)
		scn_die(s, step, "what?");
	if (step->verb == SCN_NOVA)
		o = nova(s, step, base);
	else if (step->verb == SCN_LIBVIRT)
		o = libvirt(s, step, base);
	else
		o = request(s, step);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		scn_die(s, step, "the record is not valid UTF-8");
	return text;
}
