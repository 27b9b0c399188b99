/*
 * record: words to the JSON that Nova, a libvirt bridge or a fault producer would send. The
 * shortest line makes a record that the decoder takes.
 */
#include "offline/offline_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_SHORT 100           /* U1 … U99 */
#define MAX_BRIDGES 16

struct record_maker {
	struct fm_arena arena;
	const char *usual_uuid, *usual_host;
	const char *tenant[MAX_SHORT];  /* of U1 … U99, as far as told yet */
	const char *bridge[MAX_BRIDGES];
	unsigned seq_of[MAX_BRIDGES];   /* last sequence number of each bridge */
	unsigned serial;                /* of records, for message ids */
	/* of the record being made */
	struct fm_time at;
	struct fm_err err;              /* the first thing that is wrong; code 0: nothing */
};

struct record_maker *
record_maker_new(const char *usual_uuid, const char *usual_host)
{
	struct record_maker *mk = fm_calloc(1, sizeof(*mk));

	fm_arena_init(&mk->arena);
	mk->usual_uuid = usual_uuid;
	mk->usual_host = usual_host;
	return mk;
}

void
record_maker_free(struct record_maker *mk)
{
	if (mk == NULL)
		return;
	fm_arena_fini(&mk->arena);
	free(mk);
}

static void wrong(struct record_maker *mk, const char *fmt, ...) FM_PRINTF(2, 3);

/* A record is made to its end even so: one place looks at what was wrong. */
static void
wrong(struct record_maker *mk, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (mk->err.code == 0)
		(void)fm_fail(&mk->err, -EINVAL, "%s", text);
}

/* ---- short names --------------------------------------------------------------------------- */

/* 7 for "U7", 0 for what is no short name. */
static unsigned
number_of(const char *word)
{
	unsigned n = 0;

	if (*word++ != 'U' || *word == '\0' || *word == '0')
		return 0;
	for (; *word >= '0' && *word <= '9' && n < MAX_SHORT; word++)
		n = n * 10 + (unsigned)(*word - '0');
	return *word == '\0' && n < MAX_SHORT ? n : 0;
}

static const char *
uuid_of(struct record_maker *mk, const char *word)
{
	const unsigned n = number_of(word);

	if (n == 0)
		return word;
	return fm_arena_printf(&mk->arena, "%08x-5ce0-4a10-8000-%012x", 0x9e3779b9u * n, n);
}

const char *
record_entity(struct record_maker *mk, const char *word)
{
	const char *inst = strstr(word, "instance=U");
	unsigned n;

	if (strncmp(word, "vm=", 3) == 0 && (n = number_of(word + 3)) > 0) {
		if (mk->tenant[n] == NULL)
			return fm_arena_printf(&mk->arena, "instance=%s", uuid_of(mk, word + 3));
		return fm_arena_printf(&mk->arena, "tenant=%s.instance=%s", mk->tenant[n],
				       uuid_of(mk, word + 3));
	}
	if (inst == NULL || number_of(inst + strlen("instance=")) == 0)
		return word;
	return fm_arena_printf(&mk->arena, "%.*sinstance=%s", (int)(inst - word), word,
			       uuid_of(mk, inst + strlen("instance=")));
}

/* ---- members ------------------------------------------------------------------------------- */

static void
put(json_t *o, const char *name, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, name, json_string(value));
}

static void
put_int(json_t *o, const struct offline_words *w, unsigned first, const char *name)
{
	const char *v = words_opt(w, first, name, NULL);

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

/* The record's time, shifted by what is said under this name. */
static const char *
shifted(struct record_maker *mk, const struct offline_words *w, unsigned first, const char *name)
{
	const char *v = words_opt(w, first, name, "0s");
	struct fm_span d;
	char buf[FM_TIME_STR];

	if (fm_span_parse(v, strlen(v), &d) < 0) {
		wrong(mk, "%s=%s is not a time such as -3s", name, v);
		d = (struct fm_span){0};
	}
	fm_time_format(fm_time_add(mk->at, d), buf);
	return fm_arena_strndup(&mk->arena, buf, strlen(buf));
}

/* The source's own time. */
static const char *
stamp(struct record_maker *mk, const struct offline_words *w, unsigned first)
{
	return shifted(mk, w, first, "stamp");
}

static void
note_tenant(struct record_maker *mk, const char *uuid, const char *tenant)
{
	if (tenant != NULL && strcmp(tenant, "-") != 0)
		mk->tenant[number_of(uuid)] =
			fm_arena_strndup(&mk->arena, tenant, strlen(tenant));
}

/* What the record says, else what such records are about. */
static const char *
uuid_word(const struct record_maker *mk, const struct offline_words *w, unsigned first)
{
	return words_opt(w, first, "uuid", mk->usual_uuid != NULL ? mk->usual_uuid : "");
}

static const char *
host_word(const struct record_maker *mk, const struct offline_words *w, const char *def)
{
	return words_opt(w, 1, "host", mk->usual_host != NULL ? mk->usual_host : def);
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
specs(const struct offline_words *w, const char *prefix, const char *spelled)
{
	json_t *o = json_object();
	const size_t n = strlen(prefix);

	for (unsigned i = 1; i < w->n; i++) {
		const char *eq = strchr(w->v[i], '=');
		char name[80];

		if (strncmp(w->v[i], prefix, n) != 0 || eq == NULL)
			continue;
		snprintf(name, sizeof(name), "%s%.*s", spelled,
			 (int)(eq - w->v[i] - (ptrdiff_t)n), w->v[i] + n);
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
fault(const struct offline_words *w)
{
	const char *text = words_opt(w, 1, "fault", NULL);

	if (text == NULL)
		return json_null();
	return versioned("ExceptionPayload", json_pack("{s:s, s:s}", "exception",
		words_opt(w, 1, "exception", "NovaException"), "exception_message", text));
}

static void
state_update(const struct offline_words *w, json_t *data)
{
	json_t *u = json_object();

	put_or_null(u, "old_state", words_opt(w, 1, "old_state", "active"));
	put_or_null(u, "state", words_opt(w, 1, "state", "active"));
	put_or_null(u, "old_task_state", words_opt(w, 1, "old_task", "null"));
	put_or_null(u, "new_task_state", words_opt(w, 1, "task", "null"));
	json_object_set_new(data, "state_update", versioned("InstanceStateUpdatePayload", u));
}

static json_t *
versioned_instance(struct record_maker *mk, const struct offline_words *w, const char *name)
{
	json_t *d = json_object();
	const char *memory = words_opt(w, 1, "memory_mb", "2048");

	put(d, "uuid", uuid_of(mk, uuid_word(mk, w, 1)));
	put_or_null(d, "tenant_id", words_opt(w, 1, "tenant", "t1"));
	put(d, "display_name", name);
	put_or_null(d, "host", host_word(mk, w, "null"));
	put_or_null(d, "node", host_word(mk, w, "null"));
	put_or_null(d, "state", words_opt(w, 1, "state", "active"));
	put_or_null(d, "task_state", words_opt(w, 1, "task", "null"));
	put_or_null(d, "power_state", words_opt(w, 1, "power", "running"));
	put(d, "action_initiator_user", words_opt(w, 1, "initiator", NULL));
	put(d, "old_display_name", words_opt(w, 1, "old_name", NULL));
	json_object_set_new(d, "metadata", specs(w, "meta.", "hw:wrs:"));
	json_object_set_new(d, "flavor", flavor(words_opt(w, 1, "flavor", "m1.small"), memory,
						specs(w, "flavor.", "hw:wrs:")));
	json_object_set_new(d, "fault", fault(w));
	if (words_opt(w, 1, "new_flavor", NULL) != NULL)
		json_object_set_new(d, "new_flavor", flavor(words_opt(w, 1, "new_flavor", ""),
							    memory, json_object()));
	if (strcmp(w->v[0], "instance.update") == 0)
		state_update(w, d);
	return versioned("InstanceActionPayload", d);
}

static json_t *
legacy_instance(struct record_maker *mk, const struct offline_words *w, const char *name)
{
	const char *task = words_opt(w, 1, "task", "");
	json_t *d = json_object();

	put(d, "instance_id", uuid_of(mk, uuid_word(mk, w, 1)));
	put_or_null(d, "tenant_id", words_opt(w, 1, "tenant", "t1"));
	put(d, "display_name", name);
	put_or_null(d, "host", host_word(mk, w, "null"));
	put_or_null(d, "state", words_opt(w, 1, "state", "active"));
	put(d, "state_description", strcmp(task, "null") == 0 ? "" : task);
	put(d, "instance_type", words_opt(w, 1, "flavor", "m1.small"));
	put(d, "new_instance_type", words_opt(w, 1, "new_flavor", NULL));
	put(d, "exception", words_opt(w, 1, "fault", NULL));
	json_object_set_new(d, "memory_mb",
			    json_integer(atoi(words_opt(w, 1, "memory_mb", "2048"))));
	json_object_set_new(d, "metadata", specs(w, "meta.", "hw:wrs:"));
	json_object_set_new(d, "image_meta", specs(w, "image.", "hw_wrs_"));
	if (strcmp(w->v[0], "instance.update") == 0) {
		put_or_null(d, "old_state", words_opt(w, 1, "old_state", "active"));
		put_or_null(d, "new_task_state", words_opt(w, 1, "task", "null"));
	}
	return d;
}

static json_t *
service(struct record_maker *mk, const struct offline_words *w)
{
	json_t *d = json_pack("{s:s, s:s, s:b, s:b}",
		"host", host_word(mk, w, ""),
		"binary", words_opt(w, 1, "binary", "nova-compute"),
		"disabled", atoi(words_opt(w, 1, "disabled", "0")),
		"forced_down", atoi(words_opt(w, 1, "forced_down", "0")));

	if (words_opt(w, 1, "last_seen", NULL) != NULL)
		put(d, "last_seen_up", shifted(mk, w, 1, "last_seen"));
	return versioned("ServiceStatusPayload", d);
}

static json_t *
compute_task(struct record_maker *mk, const struct offline_words *w)
{
	return versioned("ComputeTaskPayload", json_pack("{s:s, s:s, s:o}",
		"instance_uuid", uuid_of(mk, uuid_word(mk, w, 1)),
		"state", words_opt(w, 1, "state", "active"), "reason", fault(w)));
}

/* "instance.live_migration_pre.start" -> "compute.instance.live_migration.pre.start" */
static const char *
legacy_type(struct record_maker *mk, const struct offline_words *w)
{
	static const struct { const char *versioned, *legacy; } names[] = {
#define FM_X(id, v, l) {v, l},
		NOVA_ACTIONS(FM_X)
#undef FM_X
	};
	const char *type = w->v[0], *dot = strrchr(type, '.');

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		const size_t n = strlen(names[i].versioned);

		if (strncmp(names[i].versioned, type, n) == 0 &&
		    (type[n] == '\0' || type + n == dot))
			return fm_arena_printf(&mk->arena, "compute.%s%s", names[i].legacy, type + n);
	}
	wrong(mk, "%s has no legacy form", type);
	return type;
}

static json_t *
nova_payload(struct record_maker *mk, const struct offline_words *w, bool legacy)
{
	const bool task = strncmp(w->v[0], "compute_task.", 13) == 0;
	const char *uuid = uuid_word(mk, w, 1), *name;

	if (strncmp(w->v[0], "service.", 8) == 0)
		return service(mk, w);
	if (strncmp(w->v[0], "libvirt.", 8) == 0)
		return versioned("LibvirtErrorPayload", json_pack("{s:s, s:o}", "ip", "10.0.0.1",
								  "reason", fault(w)));
	if (task)
		return compute_task(mk, w);
	note_tenant(mk, uuid, words_opt(w, 1, "tenant", "t1"));
	name = words_opt(w, 1, "name", fm_arena_printf(&mk->arena, "vm-%u", number_of(uuid)));
	return legacy ? legacy_instance(mk, w, name) : versioned_instance(mk, w, name);
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
nova(struct record_maker *mk, const struct offline_words *w)
{
	const bool legacy = strcmp(words_opt(w, 1, "legacy", "0"), "1") == 0;
	const char *host = words_opt(w, 1, "publisher", host_word(mk, w, "api"));
	const char *id = words_opt(w, 1, "id", fm_arena_printf(&mk->arena, "m-%u", ++mk->serial));
	json_t *o = json_object();

	put(o, "message_id", id);
	put(o, "publisher_id", fm_arena_printf(&mk->arena, "%s%s",
					       legacy ? "compute." : "nova-compute:", host));
	put(o, "event_type", legacy ? legacy_type(mk, w) : w->v[0]);
	put(o, "priority", strstr(w->v[0], ".error") != NULL ? "ERROR" : "INFO");
	put(o, "timestamp", stamp(mk, w, 1));
	json_object_set_new(o, "payload", nova_payload(mk, w, legacy));
	return strcmp(words_opt(w, 1, "envelope", "1"), "0") == 0 ? o : enveloped(o);
}

/* ---- libvirt ------------------------------------------------------------------------------------- */

static unsigned
next_seq(struct record_maker *mk, const struct offline_words *w, const char *boot)
{
	unsigned i = 0;

	while (i < MAX_BRIDGES && mk->bridge[i] != NULL && strcmp(mk->bridge[i], boot) != 0)
		i++;
	if (i == MAX_BRIDGES) {
		wrong(mk, "more than %u bridges", MAX_BRIDGES);
		return 0;
	}
	if (mk->bridge[i] == NULL)
		mk->bridge[i] = fm_arena_strndup(&mk->arena, boot, strlen(boot));
	const char *given = words_opt(w, 1, "seq", NULL);

	mk->seq_of[i] = given != NULL ? (unsigned)atoi(given) : mk->seq_of[i] + 1;
	return mk->seq_of[i];
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
lv_params(const struct offline_words *w, json_t *o)
{
	static const char *const names[] = {"operation", "time_elapsed", "downtime",
		"downtime_net", "memory_iteration", "memory_postcopy_requests"};
	json_t *p = json_object();

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++)
		put_int(p, w, 1, names[i]);
	json_object_set_new(o, "params", p);
	put_int(o, w, 1, "job_type");
}

/* word[1] is the event or kind, what follows without "=" are its words. */
static void
lv_words(const struct offline_words *w, json_t *o)
{
	const char *what = w->v[1];
	const char *w2 = w->n > 2 ? w->v[2] : "";
	const char *w3 = w->n > 3 ? w->v[3] : "";

	if (strcmp(what, "lifecycle") == 0) {
		put(o, "lifecycle", w2);
		put(o, "detail", w3);
	} else if (strcmp(what, "agent-lifecycle") == 0) {
		put(o, "state", w2);
		put(o, "reason", w3);
	} else if (strcmp(what, "qmp") == 0) {
		put(o, "event", w2);
		json_object_set_new(o, "data", json_pack("{s:s}", "status",
							 words_opt(w, 2, "status", "")));
	} else if (strcmp(what, "snapshot") == 0 || strcmp(what, "job") == 0) {
		put(o, "state", words_opt(w, 2, "state", "running"));
		lv_params(w, o);
	} else if (strcmp(what, "job-completed") == 0) {
		lv_params(w, o);
	} else if (strcmp(what, "close") == 0 || strncmp(what, "io-error", 8) == 0) {
		put(o, "reason", words_opt(w, 2, "reason", ""));
		put(o, "src", words_opt(w, 2, "src", NULL));
	} else if (strcmp(what, "watchdog") == 0) {
		put(o, "action", w2);
	} else if (strcmp(what, "memory-failure") == 0) {
		put(o, "recipient", w2);
		put(o, "action", w3);
	}
}

/* Kinds and events that are about a domain; the others are about the bridge or its host. */
static bool
is_about_domain(const char *what)
{
	return !is_kind(what) || strcmp(what, "snapshot") == 0 || strcmp(what, "job") == 0 ||
		strcmp(what, "qmp") == 0 || strcmp(what, "event") == 0;
}

static void
lv_domain(struct record_maker *mk, const struct offline_words *w, json_t *o, const char *uuid)
{
	const char *tenant = words_opt(w, 2, "tenant", NULL);

	put(o, "uuid", uuid_of(mk, uuid));
	put(o, "domain", fm_arena_printf(&mk->arena, "instance-%s", uuid));
	put(o, "tenant", tenant);
	put(o, "instance_name", words_opt(w, 2, "name", NULL));
	note_tenant(mk, uuid, tenant);
}

static json_t *
libvirt(struct record_maker *mk, const struct offline_words *w)
{
	json_t *o = json_object();

	if (w->n < 2) {
		wrong(mk, "libvirt HOST EVENT");
		return o;
	}
	const char *host = w->v[0], *what = w->v[1];
	const char *uuid = words_opt(w, 2, "uuid", is_about_domain(what) ? mk->usual_uuid : NULL);
	const char *boot = words_opt(w, 2, "boot",
				     fm_arena_printf(&mk->arena, "boot-of-%s", host));

	json_object_set_new(o, "seq", json_integer(next_seq(mk, w, boot)));
	put(o, "boot", boot);
	put(o, "kind", is_kind(what) ? what : "event");
	put(o, "ts", stamp(mk, w, 2));
	put(o, "host", host);
	if (!is_kind(what)) {
		if (event_number(what) < 0)
			wrong(mk, "%s is neither an event of libvirt nor a kind of record", what);
		json_object_set_new(o, "event_id", json_integer(event_number(what)));
		put(o, "event", what);
	}
	if (uuid != NULL)
		lv_domain(mk, w, o, uuid);
	put_int(o, w, 2, "count");
	put_int(o, w, 2, "conn");
	put_int(o, w, 2, "iteration");
	put(o, "disk", words_opt(w, 2, "disk", NULL));
	lv_words(w, o);
	return o;
}

/* ---- requests --------------------------------------------------------------------------------------- */

static json_t *
request(struct record_maker *mk, const struct offline_words *w)
{
	static const char *const bools[] = {"service_affecting", "suppression", "inhibit_alarms",
		"keep_existing_alarm"};
	static const char *const texts[] = {"severity", "reason_text", "alarm_type",
		"probable_cause", "proposed_repair_action", "entity_type_id", "timestamp",
		"request_id", "alarm_id"};
	const bool all = w->n > 0 && strcmp(w->v[0], "clear_all") == 0;
	const unsigned first = all ? 2 : 3;
	json_t *o = json_object();

	if (w->n < first) {
		wrong(mk, "request OP ALARM_ID ENTITY, or request clear_all ENTITY");
		return o;
	}
	put(o, "op", w->v[0]);
	if (!all)
		put(o, "alarm_id", w->v[1]);
	put(o, "entity_instance_id", record_entity(mk, w->v[first - 1]));
	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++)
		put(o, texts[i], words_opt(w, first, texts[i], NULL));
	for (unsigned i = 0; i < FM_ARRAY_LEN(bools); i++) {
		const char *v = words_opt(w, first, bools[i], NULL);

		if (v != NULL)
			json_object_set_new(o, bools[i], json_boolean(v[0] == '1'));
	}
	return o;
}

/* ---- any --------------------------------------------------------------------------------------- */

/* The names that stand before "=", and where they begin; "meta.…" is any name that begins so. */
static const struct {
	unsigned first;
	const char *name[32];           /* ends with NULL */
} names_of[] = {
	[OFFLINE_NOVA] = {1, {"uuid", "host", "publisher", "tenant", "name", "state", "task", "power",
		"memory_mb", "flavor", "new_flavor", "fault", "exception", "initiator", "old_state",
		"old_task", "old_name", "legacy", "envelope", "id", "stamp", "binary", "disabled",
		"forced_down", "last_seen", "meta.", "flavor.", "image."}},
	[OFFLINE_LIBVIRT] = {2, {"uuid", "tenant", "name", "seq", "boot", "state", "operation",
		"job_type", "time_elapsed", "downtime", "downtime_net", "memory_iteration",
		"memory_postcopy_requests", "count", "conn", "reason", "src", "status", "iteration",
		"disk", "stamp"}},
	[OFFLINE_REQUEST] = {2, {"severity", "reason_text", "alarm_type", "probable_cause",
		"proposed_repair_action", "entity_type_id", "timestamp", "request_id", "alarm_id",
		"service_affecting", "suppression", "inhibit_alarms", "keep_existing_alarm"}},
};

static bool
is_name(const char *name, const char *word, size_t len)
{
	const size_t n = strlen(name);

	return name[n - 1] == '.' ? strncmp(word, name, n) == 0 :
		n == len && memcmp(name, word, n) == 0;
}

/* How many words without "=" an event or kind of libvirt has, right behind it (lv_words). */
static unsigned
bare_words(enum offline_form form, const struct offline_words *w)
{
	static const struct {
		const char *what;
		unsigned n;
	} of[] = {
		{"lifecycle", 2}, {"agent-lifecycle", 2}, {"memory-failure", 2}, {"watchdog", 1},
		{"qmp", 1},
	};

	for (unsigned i = 0; form == OFFLINE_LIBVIRT && w->n > 1 && i < FM_ARRAY_LEN(of); i++)
		if (strcmp(of[i].what, w->v[1]) == 0)
			return of[i].n;
	return 0;
}

static void
check_names(struct record_maker *mk, enum offline_form form, const struct offline_words *w)
{
	const char *const *names = names_of[form].name;
	/* The entity of a request is no name: it stands third, for clear_all second. */
	const unsigned first = form == OFFLINE_REQUEST && strcmp(w->v[0], "clear_all") != 0 ? 3 :
		names_of[form].first;
	const unsigned bare = bare_words(form, w);
	unsigned n_bare = 0;

	for (unsigned i = first; i < w->n; i++) {
		const size_t len = strcspn(w->v[i], "=");
		unsigned n = 0;

		if (w->v[i][len] == '\0') {
			if (n_bare < bare && i == first + n_bare)
				n_bare++;
			else
				wrong(mk, "%s is no name=value", w->v[i]);
			continue;
		}
		while (names[n] != NULL && !is_name(names[n], w->v[i], len))
			n++;
		if (names[n] != NULL)
			continue;
		const char *near = cat_nearest((struct fm_str){w->v[i], (uint32_t)len}, names, n);

		wrong(mk, "unknown name %.*s=%s%s%s", (int)len, w->v[i],
		      near != NULL ? "; did you mean " : "", near != NULL ? near : "",
		      near != NULL ? "=?" : "");
	}
}

int
record_make(struct record_maker *mk, enum offline_form form, const struct offline_words *words,
	    struct fm_time at, char **ret, struct fm_err *err)
{
	json_t *o = NULL;
	char *text;

	if (words->n == 0)
		return fm_fail(err, -EINVAL, "there is nothing behind the kind of record");
	mk->at = at;
	mk->err = (struct fm_err){0};
	check_names(mk, form, words);
	switch (form) {
	case OFFLINE_NOVA:
		o = nova(mk, words);
		break;
	case OFFLINE_LIBVIRT:
		o = libvirt(mk, words);
		break;
	case OFFLINE_REQUEST:
		o = request(mk, words);
		break;
	}
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		wrong(mk, "a word is not UTF-8");
	if (mk->err.code != 0) {
		free(text);
		return fm_fail(err, mk->err.code, "%s", mk->err.msg);
	}
	*ret = text;
	return 0;
}
