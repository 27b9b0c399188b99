/*
 * Other people's data, read in place: recorded libvirt streams and Nova's notification samples.
 * jansson is the second opinion on what a record says. Skipped when the data is not there.
 */
#include <dirent.h>
#include <jansson.h>

#include "test_event.h"

typedef void each_f(struct rig *rig, const char *file, const char *text);

static bool
has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static void
each_line(struct rig *rig, const char *path, each_f *each)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	cr_assert_not_null(f, "%s", path);
	while ((n = getline(&line, &cap, f)) > 0)
		if (strspn(line, " \n") < (size_t)n)
			each(rig, path, line);
	free(line);
	fclose(f);
}

static void
whole_file(struct rig *rig, const char *path, each_f *each)
{
	json_t *root = json_load_file(path, 0, NULL);
	char *text = json_dumps(root, JSON_COMPACT);

	cr_assert_not_null(text, "%s", path);
	each(rig, path, text);
	free(text);
	json_decref(root);
}

/* Returns how many files there were; skips the test when there is no directory. */
static unsigned
each_file(struct rig *rig, const char *below, const char *suffix, const char *but,
	  void (*open_file)(struct rig *, const char *, each_f *), each_f *each)
{
	FM_CLEANUP(fm_freep) char *dir = shared_path(below);
	DIR *d = opendir(dir);
	unsigned n = 0;

	if (d == NULL)
		cr_skip_test("%s is not there", dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!has_suffix(e->d_name, suffix) || (but != NULL && has_suffix(e->d_name, but)))
			continue;
		FM_CLEANUP(fm_freep) char *path = fm_asprintf("%s/%s", dir, e->d_name);
		open_file(rig, path, each);
		n++;
	}
	closedir(d);
	return n;
}

static void
same_text(const char *place, struct fm_str got, const json_t *want)
{
	if (!json_is_string(want))
		return;
	cr_assert(fm_str_is(got, json_string_value(want)), "%s: \"%.*s\" is not \"%s\"", place,
		  (int)got.len, got.p != NULL ? got.p : "", json_string_value(want));
}

static void
same_number(const char *place, int64_t got, const json_t *want)
{
	if (json_is_integer(want))
		cr_assert_eq(got, json_integer_value(want), "%s", place);
}

/* ---- libvirt ------------------------------------------------------------------------------ */

static void
libvirt_line(struct rig *rig, const char *file, const char *text)
{
	json_t *o = json_loads(text, 0, NULL), *params = json_object_get(o, "params");
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const struct ev_libvirt *lv = &rig->ev.u.lv;
	int rc = decode(rig, text);

	if (strcmp(kind, "action") == 0) {
		cr_assert_eq(rc, 1);
		json_decref(o);
		return;
	}
	cr_assert_eq(rc, 0, "%s: %d %s: %s", file, rc, rig->err.msg, text);
	same_text(text, rig->ev.name, json_object_get(o, strcmp(kind, "event") == 0 ||
						      strcmp(kind, "qmp") == 0 ? "event" : "kind"));
	same_text(text, rig->ev.host, json_object_get(o, "host"));
	same_text(text, lv->boot, json_object_get(o, "boot"));
	same_text(text, lv->domain, json_object_get(o, "domain"));
	same_number(text, (int64_t)lv->seq, json_object_get(o, "seq"));
	same_number(text, lv->mono_ns, json_object_get(o, "mono_ns"));
	same_number(text, lv->lifecycle, json_object_get(o, "lifecycle_code"));
	same_number(text, lv->detail, json_object_get(o, "detail_code"));
	same_number(text, lv->iteration, json_object_get(o, "iteration"));
	same_number(text, lv->count, json_object_get(o, "count"));
	same_number(text, lv->downtime, json_object_get(params, "downtime"));
	same_number(text, lv->time_elapsed, json_object_get(params, "time_elapsed"));
	same_number(text, lv->operation, json_object_get(params, "operation"));
	if (strncmp(kind, "snapshot", 9) == 0 || strcmp(kind, "job") == 0)
		same_number(text, lv->state, json_object_get(o, "state_code"));
	cr_assert_neq(rig->ev.stamp.ns, 0);
	json_decref(o);
}

Test(event_recordings, every_recorded_libvirt_record_is_read_as_jansson_reads_it)
{
	RIG;

	cr_assert_geq(each_file(&rig, "data/libvirt-events", ".jsonl", ".actions.jsonl", each_line,
				libvirt_line), 70);
}

/* Without its numbers, a record's names must lead to the same numbers. */
static void
names_only(struct rig *rig, const char *file, const char *text)
{
	static const char *const codes[] = {"event_id", "lifecycle_code", "detail_code",
		"action_code", "status_code", "type_code"};
	json_t *o = json_loads(text, 0, NULL);
	struct ev_libvirt want;
	struct event before;
	char *bare;

	(void)file;
	if (decode(rig, text) != 0 || rig->ev.u.lv.kind != LV_EVENT ||
	    json_object_get(o, "nsuri") != NULL) {
		json_decref(o);
		return;
	}
	before = rig->ev;
	want = before.u.lv;
	for (unsigned i = 0; i < FM_ARRAY_LEN(codes); i++)
		json_object_del(o, codes[i]);
	bare = json_dumps(o, JSON_COMPACT);
	decoded(rig, bare);
	cr_assert_eq(rig->ev.u.lv.event, want.event, "%s", bare);
	cr_assert_eq(rig->ev.u.lv.lifecycle, want.lifecycle, "%s", bare);
	cr_assert_eq(rig->ev.u.lv.detail, want.detail, "%s", bare);
	cr_assert_eq(rig->ev.u.lv.action, want.action, "%s", bare);
	cr_assert_eq(rig->ev.u.lv.status, want.status, "%s", bare);
	cr_assert_eq(rig->ev.u.lv.type, want.type, "%s", bare);
	free(bare);
	json_decref(o);
}

Test(event_recordings, recorded_names_lead_to_the_recorded_numbers)
{
	RIG;

	each_file(&rig, "data/libvirt-events", ".jsonl", ".actions.jsonl", each_line, names_only);
}

/* ---- Nova ---------------------------------------------------------------------------------- */

/* Types that are no event of ours: -1 in the samples' own words. */
static bool
is_foreign(const char *type)
{
	return strncmp(type, "metrics.", 8) == 0 || strncmp(type, "scheduler.", 10) == 0 ||
		strncmp(type, "server_group.", 13) == 0;
}

static const char *
word(const char *s)
{
	return s != NULL ? s : "unknown";
}

static void
check_instance(struct rig *rig, const json_t *data)
{
	const struct ev_nova *nova = &rig->ev.u.nova;
	const json_t *flavor = json_object_get(json_object_get(data, "flavor"),
					       "nova_object.data");
	const json_t *fault = json_object_get(json_object_get(data, "fault"), "nova_object.data");
	const json_t *update = json_object_get(json_object_get(data, "state_update"),
					       "nova_object.data");
	const json_t *state = json_object_get(update != NULL ? update : data, "state");
	const char *place = rig->ev.name.p;
	char uuid[FM_UUID_STR];

	fm_uuid_format(&rig->ev.instance, uuid);
	cr_assert_str_eq(uuid, json_string_value(json_object_get(data, "uuid")));
	same_text(place, nova->tenant, json_object_get(data, "tenant_id"));
	same_text(place, nova->instance_name, json_object_get(data, "display_name"));
	same_text(place, nova->host, json_object_get(data, "host"));
	same_text(place, nova->node, json_object_get(data, "node"));
	same_text(place, nova->image, json_object_get(data, "image_uuid"));
	same_text(place, nova->flavor, json_object_get(flavor, "name"));
	same_number(place, nova->memory_mb, json_object_get(flavor, "memory_mb"));
	same_text(place, nova->exception, json_object_get(fault, "exception"));
	same_text(place, nova->fault, json_object_get(fault, "exception_message"));
	same_text(place, nova->initiator_user, json_object_get(data, "action_initiator_user"));
	cr_assert_str_eq(vm_state_name(nova->vm_state), word(json_string_value(state)), "%s",
			 place);
	cr_assert_eq(nova->task == TASK_NONE,
		     json_is_null(json_object_get(update != NULL ? update : data,
						  update != NULL ? "new_task_state"
						  : "task_state")), "%s", place);
	cr_assert_neq(nova->task, TASK_UNKNOWN);
	cr_assert_eq(nova->audit_period,
		     json_is_object(json_object_get(data, "audit_period")), "%s", place);
}

static void
check_nova(struct rig *rig, int rc, const json_t *inner)
{
	const char *type = json_string_value(json_object_get(inner, "event_type"));
	const json_t *data = json_object_get(json_object_get(inner, "payload"),
					     "nova_object.data");

	cr_assert_eq(rc, is_foreign(type) ? 1 : 0, "%s: %d %s", type, rc, rig->err.msg);
	cr_assert_eq(rig->ev.origin, ORIGIN_NOVA);
	cr_assert(fm_str_is(rig->ev.name, type));
	if (rc != 0)
		return;
	cr_assert(rig->ev.u.nova.versioned);
	cr_assert_eq(rig->ev.stamp.ns, 1795342542118023000);
	assert_str(rig->ev.u.nova.message_id, "6b2f0c9e-3c55-4c0e-9d53-7a1b0c6e2f10");
	if (strncmp(type, "instance.", 9) == 0)
		check_instance(rig, data);
}

static void
nova_sample(struct rig *rig, const char *file, const char *text)
{
	json_t *inner = json_loads(text, 0, NULL);
	json_t *outer = json_object();
	char *bare, *wrapped, *odd;

	(void)file;
	json_object_set_new(inner, "message_id",
			    json_string("6b2f0c9e-3c55-4c0e-9d53-7a1b0c6e2f10"));
	json_object_set_new(inner, "timestamp", json_string("2026-11-22 10:15:42.118023"));
	bare = json_dumps(inner, JSON_ENSURE_ASCII);
	check_nova(rig, decode(rig, bare), inner);
	json_object_set_new(outer, "oslo.version", json_string("2.0"));
	json_object_set_new(outer, "oslo.message", json_string(bare));
	wrapped = json_dumps(outer, JSON_ENSURE_ASCII);
	check_nova(rig, decode(rig, wrapped), inner);
	json_object_set_new(outer, "zzz", json_null());
	odd = json_dumps(outer, JSON_ENSURE_ASCII | JSON_INDENT(1));
	check_nova(rig, decode(rig, odd), inner);
	free(bare);
	free(wrapped);
	free(odd);
	json_decref(inner);
	json_decref(outer);
}

Test(event_recordings, every_sample_of_nova_is_read_bare_and_in_both_envelopes)
{
	RIG;

	cr_assert_eq(each_file(&rig, "data/nova-notifications", ".json", NULL, whole_file,
			       nova_sample), 115);
}

static const struct event *
sample(struct rig *rig, const char *name)
{
	FM_CLEANUP(fm_freep) char *below = fm_asprintf("data/nova-notifications/%s.json", name);
	FM_CLEANUP(fm_freep) char *path = shared_path(below);
	json_t *root = json_load_file(path, 0, NULL);
	char *text;

	if (root == NULL)
		cr_skip_test("%s is not there", path);
	text = json_dumps(root, JSON_COMPACT);
	decoded(rig, text);
	free(text);
	json_decref(root);
	return &rig->ev;
}

Test(event_recordings, the_samples_that_matter_say_what_they_should)
{
	const struct ev_nova *nova;
	RIG;

	nova = &rig.ev.u.nova;
	sample(&rig, "instance-live_migration_post_dest-end");
	cr_assert_eq(nova->action, NOVA_LIVE_MIGRATION_POST_DEST);
	cr_assert_eq(nova->phase, PHASE_END);
	assert_str(rig.ev.host, "host2");
	assert_str(nova->publisher_host, "host2");
	sample(&rig, "compute_task-migrate_server-error");
	cr_assert_eq(nova->action, NOVA_MIGRATE_SERVER);
	cr_assert_eq(nova->phase, PHASE_ERROR);
	assert_str(nova->exception, "NoValidHost");
	cr_assert(rig.ev.has_instance);
	sample(&rig, "service-update");
	cr_assert_eq(nova->action, NOVA_SERVICE);
	cr_assert_not(rig.ev.has_instance);
	assert_str(rig.ev.host, "host1");
	assert_str(nova->binary, "nova-compute");
	cr_assert_eq(nova->last_seen_up.ns, 1351518125000000000);
	sample(&rig, "compute-exception");
	cr_assert_eq(nova->action, NOVA_COMPUTE_EXCEPTION);
	assert_str(nova->exception, "AggregateNameExists");
	cr_assert_not(rig.ev.has_instance);
	sample(&rig, "libvirt-connect-error");
	cr_assert_eq(nova->action, NOVA_LIBVIRT_CONNECT);
	assert_str(rig.ev.host, "compute");
	assert_str(nova->exception, "libvirtError");
}
