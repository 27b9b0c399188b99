/*
 * bench_decode: records per second of event_decode for each form, beside the JSON libraries alone
 * on the same bytes: simdjson's DOM (parsed, not read; an envelope's two layers both) and jansson
 * (json_loadb, the same members fetched, an envelope parsed twice).
 *
 * Records are synthetic, our own, 64 different ones per form. Times are CPU time of one thread;
 * readers take turns so that a disturbance hits all, and the median of the rounds counts.
 *
 *	bench_decode [--json] [--rounds N]
 *
 * LINK: fm_events dep_jansson dep_simdjson
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench_decode.h"
#include "events/event.h"

#define VARIANTS 64
#define MAX_ROUNDS 99
#define ROUND_NS 60000000LL

struct form {
	const char *name;
	void (*make)(struct fm_buf *to, unsigned variant);
	bool envelope;
	const char *const *members;     /* dotted below the root of the inner document */
	struct fm_buf record[VARIANTS];
};

/* ---- records ---------------------------------------------------------------------------- */

static void
add_source(struct fm_buf *to, unsigned v)
{
	fm_buf_addf(to, "{\"seq\":%u,\"boot\":\"0c4f5d1e-8f2b-4a57-9b0a-3d1f7a62c9%02x\","
		    "\"conn\":1,\"kind\":\"event\",\"ts\":\"2026-11-22T19:39:%02u.%06uZ\",\"mono_ns\":%u,"
		    "\"host\":\"compute-%u\",", 1000 + v, v, v % 60, 58429 + v, 1875648648u + v, v);
}

static void
make_lifecycle(struct fm_buf *to, unsigned v)
{
	add_source(to, v);
	fm_buf_addf(to, "\"event_id\":0,\"domain\":\"instance-%08x\","
		    "\"uuid\":\"5b1c9e52-90a4-4a07-8c1e-7f27d35f00%02x\",\"id\":%u,"
		    "\"lifecycle_code\":%u,\"detail_code\":1}", v, v, v, 2 + v % 3);
}

static void
make_job_completed(struct fm_buf *to, unsigned v)
{
	add_source(to, v);
	fm_buf_addf(to, "\"host_uuid\":\"a3a3a3a3-0000-4000-8000-0000000000%02x\",\"event_id\":21,"
		    "\"event\":\"job-completed\",\"domain\":\"instance-%08x\","
		    "\"uuid\":\"5b1c9e52-90a4-4a07-8c1e-7f27d35f00%02x\",\"id\":-1,"
		    "\"operation\":\"migration_out\",\"params\":{\"operation\":5,"
		    "\"time_elapsed\":%u,\"time_elapsed_net\":4496,\"downtime\":%u,"
		    "\"downtime_net\":115,\"setup_time\":3,\"data_total\":268967936,"
		    "\"data_processed\":147737294,\"data_remaining\":0,"
		    "\"memory_total\":268967936,\"memory_processed\":147737294,"
		    "\"memory_remaining\":0,\"memory_bps\":52877577,\"memory_constant\":33411,"
		    "\"memory_normal\":35925,\"memory_normal_bytes\":147148800,"
		    "\"memory_dirty_rate\":0,\"memory_iteration\":5,"
		    "\"memory_postcopy_requests\":0,\"memory_page_size\":4096,\"disk_total\":0,"
		    "\"disk_processed\":0,\"disk_remaining\":0}}", v, v, v, 4500 + v, 100 + v);
}

#define OBJ(name) "\"nova_object.name\":\"" name "\",\"nova_object.namespace\":\"nova\"," \
	"\"nova_object.version\":\"1.9\",\"nova_object.data\":"

static void
add_devices(struct fm_buf *to, unsigned v)
{
	fm_buf_adds(to, "\"block_devices\":[");
	for (unsigned i = 0; i < 2; i++)
		fm_buf_addf(to, "%s{" OBJ("BlockDevicePayload") "{\"boot_index\":null,"
			    "\"delete_on_termination\":false,\"device_name\":\"/dev/vd%c\","
			    "\"tag\":null,"
			    "\"volume_id\":\"77aa1dc2-1151-4e7d-a0cc-cd24a3f1%02x%02x\"}}",
			    i > 0 ? "," : "", 'b' + (int)i, i, v);
	fm_buf_adds(to, "],\"ip_addresses\":[");
	for (unsigned i = 0; i < 2; i++)
		fm_buf_addf(to, "%s{" OBJ("IpPayload") "{\"address\":\"192.168.%u.%u\","
			    "\"device_name\":\"tap55e531f9-1%u\",\"label\":\"net-%u\","
			    "\"mac\":\"fa:16:3e:4c:2c:%02x\",\"meta\":{},"
			    "\"port_uuid\":\"de531f90-199f-48c0-816c-13e38010b4%02x\","
			    "\"version\":4}}", i > 0 ? "," : "", i, v, i, i, v, v);
	fm_buf_adds(to, "],");
}

static void
make_bare(struct fm_buf *to, unsigned v)
{
	fm_buf_addf(to, "{\"message_id\":\"6b2f0c9e-3c55-4c0e-9d53-7a1b0c6e2f%02x\","
		    "\"publisher_id\":\"nova-compute:compute-%u\","
		    "\"event_type\":\"instance.live_migration_%s\",\"priority\":\"INFO\","
		    "\"payload\":{" OBJ("InstanceActionPayload")
		    "{\"action_initiator_project\":\"b4c5d6e7f8091a2b3c4d5e6f70819203\","
		    "\"action_initiator_user\":\"operator\",\"architecture\":\"x86_64\","
		    "\"auto_disk_config\":\"MANUAL\",\"availability_zone\":\"nova\",", v, v,
		    v % 2 == 0 ? "pre.start" : "post_dest.end");
	add_devices(to, v);
	fm_buf_addf(to, "\"created_at\":\"2026-11-20T13:42:11Z\",\"deleted_at\":null,"
		    "\"display_description\":\"web front end %u\",\"display_name\":\"web-%u\","
		    "\"fault\":null,\"flavor\":{" OBJ("FlavorPayload") "{\"description\":null,"
		    "\"disabled\":false,\"ephemeral_gb\":0,\"extra_specs\":{"
		    "\"hw:wrs:live_migration_timeout\":\"300\",\"hw:cpu_policy\":\"dedicated\"},"
		    "\"flavorid\":\"c33d5517-147c-4147-a0d1-e698df5cd4e3\",\"is_public\":true,"
		    "\"memory_mb\":4096,\"name\":\"m1.medium\",\"projects\":null,\"root_gb\":20,"
		    "\"rxtx_factor\":1.0,\"swap\":0,\"vcpu_weight\":0,\"vcpus\":2}},"
		    "\"host\":\"compute-%u\",\"host_name\":\"web-%u\","
		    "\"image_uuid\":\"255d900f-4e14-4e4c-a73d-069cbf4541e6\",\"kernel_id\":\"\","
		    "\"key_name\":\"my-key\",\"launched_at\":\"2026-11-20T13:42:11Z\","
		    "\"locked\":false,\"locked_reason\":null,\"metadata\":{\"role\":\"web\"},"
		    "\"node\":\"compute-%u\",\"os_type\":null,\"power_state\":\"running\","
		    "\"progress\":0,\"ramdisk_id\":\"\","
		    "\"request_id\":\"req-5b6c791d-5709-4f36-8fbe-c3e02869e35d\","
		    "\"reservation_id\":\"r-npxv0e40\",\"shares\":[],\"state\":\"active\","
		    "\"task_state\":%s,\"tenant_id\":\"b4c5d6e7f8091a2b3c4d5e6f70819203\","
		    "\"terminated_at\":null,\"updated_at\":\"2026-11-22T13:42:11Z\","
		    "\"user_id\":\"operator\","
		    "\"uuid\":\"2d3c1f6a-5b0e-4b7e-8f0c-0a6b1d2e3f%02x\"}},"
		    "\"timestamp\":\"2026-11-22 10:15:%02u.118023\",\"_context\":{"
		    "\"request_id\":\"req-5b6c791d-5709-4f36-8fbe-c3e02869e35d\","
		    "\"user_id\":\"operator\",\"project_id\":\"b4c5d6e7f8091a2b3c4d5e6f70819203\","
		    "\"project_name\":\"web\"}}", v, v, v, v, v,
		    v % 2 == 0 ? "\"migrating\"" : "null", v, v % 60);
}

static void
make_legacy(struct fm_buf *to, unsigned v)
{
	fm_buf_addf(to, "{\"message_id\":\"7c2f0c9e-3c55-4c0e-9d53-7a1b0c6e2f%02x\","
		    "\"publisher_id\":\"compute.compute-%u\","
		    "\"event_type\":\"compute.instance.live_migration.%s\","
		    "\"priority\":\"INFO\",\"payload\":{"
		    "\"tenant_id\":\"b4c5d6e7f8091a2b3c4d5e6f70819203\",\"user_id\":\"operator\","
		    "\"instance_id\":\"2d3c1f6a-5b0e-4b7e-8f0c-0a6b1d2e3f%02x\","
		    "\"display_name\":\"web-%u\",\"reservation_id\":\"r-npxv0e40\","
		    "\"hostname\":\"web-%u\",\"instance_type\":\"m1.medium\","
		    "\"instance_type_id\":5,\"instance_flavor_id\":\"3\",\"architecture\":null,"
		    "\"memory_mb\":4096,\"disk_gb\":20,\"vcpus\":2,\"root_gb\":20,"
		    "\"ephemeral_gb\":0,\"host\":\"compute-%u\",\"node\":\"compute-%u\","
		    "\"availability_zone\":\"nova\",\"cell_name\":\"\","
		    "\"created_at\":\"2026-11-20 13:42:11+00:00\",\"terminated_at\":\"\","
		    "\"deleted_at\":\"\",\"launched_at\":\"2026-11-20T13:42:11.000000\","
		    "\"image_ref_url\":\"http://image:9292/images/255d900f-4e14-4e4c-a73d-"
		    "069cbf4541e6\",\"os_type\":null,\"kernel_id\":\"\",\"ramdisk_id\":\"\","
		    "\"state\":\"active\",\"state_description\":\"%s\",\"progress\":\"\","
		    "\"access_ip_v4\":null,\"access_ip_v6\":null,\"image_meta\":{\"min_ram\":\"0\","
		    "\"min_disk\":\"20\",\"hw_wrs_live_migration_timeout\":\"240\","
		    "\"base_image_ref\":\"255d900f-4e14-4e4c-a73d-069cbf4541e6\"},"
		    "\"metadata\":{\"role\":\"web\"}},"
		    "\"timestamp\":\"2026-11-22 10:15:%02u.118023\",\"_context\":{"
		    "\"request_id\":\"req-5b6c791d-5709-4f36-8fbe-c3e02869e35d\","
		    "\"user_id\":\"operator\",\"project_id\":\"b4c5d6e7f8091a2b3c4d5e6f70819203\","
		    "\"project_name\":\"web\"}}", v, v, v % 2 == 0 ? "pre.start" : "post.dest.end",
		    v, v, v, v, v, v % 2 == 0 ? "migrating" : "", v % 60);
}

/* As oslo.messaging writes it: the inner document as a string. */
static void
wrap(struct fm_buf *to, const struct fm_buf *inner)
{
	fm_buf_adds(to, "{\"oslo.version\": \"2.0\", \"oslo.message\": \"");
	for (size_t i = 0; i < inner->len; i++) {
		if (inner->s[i] == '"' || inner->s[i] == '\\')
			fm_buf_adds(to, "\\");
		fm_buf_add(to, &inner->s[i], 1);
	}
	fm_buf_adds(to, "\"}");
}

static void
make_envelope(struct fm_buf *to, unsigned v)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf inner = {0};

	make_bare(&inner, v);
	wrap(to, &inner);
}

static void
make_legacy_envelope(struct fm_buf *to, unsigned v)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf inner = {0};

	make_legacy(&inner, v);
	wrap(to, &inner);
}

static void
make_request(struct fm_buf *to, unsigned v)
{
	fm_buf_addf(to, "{\"op\":\"set\",\"alarm_id\":\"200.004\","
		    "\"entity_instance_id\":\"host=compute-%u\",\"severity\":\"critical\","
		    "\"reason_text\":\"compute-%u experienced a service-affecting failure.\","
		    "\"alarm_type\":\"operational-violation\",\"service_affecting\":true,"
		    "\"timestamp\":\"2026-11-22T10:15:%02uZ\",\"request_id\":\"hb-%u\"}", v, v,
		    v % 60, v);
}

/* ---- readers ---------------------------------------------------------------------------- */

#define ENVELOPE_MEMBERS "message_id", "publisher_id", "event_type", "timestamp", \
	"_context.request_id", "_context.user_id", "_context.project_id", "_context.project_name"
static const char *const lifecycle_members[] = {"kind", "seq", "boot", "conn", "ts", "mono_ns",
	"host", "event_id", "domain", "uuid", "lifecycle_code", "detail_code", NULL};
static const char *const job_members[] = {"kind", "seq", "boot", "conn", "ts", "mono_ns", "host",
	"host_uuid", "event_id", "domain", "uuid", "params.operation", "params.time_elapsed",
	"params.downtime", "params.downtime_net", "params.memory_iteration",
	"params.memory_postcopy_requests", NULL};
#define D "payload/nova_object.data/"
static const char *const versioned_members[] = {ENVELOPE_MEMBERS, D "uuid", D "tenant_id",
	D "display_name", D "host", D "node", D "state", D "task_state", D "power_state",
	D "image_uuid", D "action_initiator_user", D "action_initiator_project", D "fault",
	D "flavor/nova_object.data/name", D "flavor/nova_object.data/memory_mb",
	D "flavor/nova_object.data/root_gb", D "flavor/nova_object.data/ephemeral_gb",
	D "flavor/nova_object.data/extra_specs/hw:wrs:live_migration_timeout",
	D "metadata/hw:wrs:live_migration_timeout", NULL};
static const char *const legacy_members[] = {ENVELOPE_MEMBERS, "payload/instance_id",
	"payload/tenant_id", "payload/display_name", "payload/host", "payload/node",
	"payload/state", "payload/state_description", "payload/memory_mb", "payload/disk_gb",
	"payload/root_gb", "payload/ephemeral_gb", "payload/instance_type", "payload/exception",
	"payload/image_meta/base_image_ref", "payload/image_meta/hw_wrs_live_migration_timeout",
	"payload/metadata/hw:wrs:live_migration_timeout", NULL};
static const char *const request_members[] = {"op", "alarm_id", "entity_instance_id", "severity",
	"reason_text", "alarm_type", "probable_cause", "service_affecting", "suppression",
	"timestamp", "request_id", NULL};

/* Paths are split at slashes, or at dots where there is no slash. */
static const json_t *
fetch(const json_t *root, const char *path)
{
	char sep = strchr(path, '/') != NULL ? '/' : '.';
	char name[128];

	while (root != NULL) {
		const char *end = strchr(path, sep);
		size_t n = end != NULL ? (size_t)(end - path) : strlen(path);
		memcpy(name, path, n);
		name[n] = '\0';
		root = json_object_get(root, name);
		if (end == NULL)
			return root;
		path = end + 1;
	}
	return NULL;
}

static bool
read_jansson(const struct form *f, const struct fm_buf *record)
{
	json_t *root = json_loadb(record->s, record->len, 0, NULL);
	size_t found = 0;

	if (root != NULL && f->envelope) {
		const json_t *message = json_object_get(root, "oslo.message");
		json_t *inner = json_loadb(json_string_value(message),
					   json_string_length(message), 0, NULL);
		json_decref(root);
		root = inner;
	}
	if (root == NULL)
		return false;
	for (const char *const *m = f->members; *m != NULL; m++)
		found += fetch(root, *m) != NULL;
	json_decref(root);
	return found > 0;
}

enum reader { READ_FMD, READ_DOM, READ_JANSSON, N_READERS };
static const char *const reader_names[N_READERS] = {"event_decode", "simdjson DOM", "jansson"};

struct tools {
	struct decoder *decoder;
	struct bench_dom *dom;
	struct event event;
};

static bool
read_one(struct tools *t, enum reader reader, const struct form *f, const struct fm_buf *record)
{
	switch (reader) {
	case READ_FMD:
		return event_decode(t->decoder, record->s, record->len, &t->event, NULL) == 0;
	case READ_DOM:
		return bench_dom_parse(t->dom, record->s, record->len, f->envelope);
	case READ_JANSSON:
		return read_jansson(f, record);
	case N_READERS:
		return false;
	}
	return false;
}

static int64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * FM_NS_PER_S + ts.tv_nsec;
}

/* Nanoseconds per record over about ROUND_NS of CPU. */
static double
run_round(struct tools *t, enum reader reader, const struct form *f)
{
	int64_t start = cpu_ns(), spent = 0;
	unsigned n = 0;

	while (spent < ROUND_NS) {
		for (unsigned i = 0; i < VARIANTS; i++) {
			if (!read_one(t, reader, f, &f->record[i])) {
				fprintf(stderr, "%s does not read %s\n", reader_names[reader],
					f->record[i].s);
				exit(1);
			}
		}
		n += VARIANTS;
		spent = cpu_ns() - start;
	}
	return (double)spent / n;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(struct tools *t, const struct form *f, unsigned rounds, double ret_ns[N_READERS])
{
	double ns[N_READERS][MAX_ROUNDS];

	for (unsigned round = 0; round < rounds; round++)
		for (int r = 0; r < N_READERS; r++)
			ns[r][round] = run_round(t, (enum reader)r, f);
	for (int r = 0; r < N_READERS; r++) {
		qsort(ns[r], rounds, sizeof(double), by_value);
		ret_ns[r] = ns[r][rounds / 2];
	}
}

/* ---- output ----------------------------------------------------------------------------- */

static double
mean_size(const struct form *f)
{
	double sum = 0;

	for (unsigned i = 0; i < VARIANTS; i++)
		sum += (double)f->record[i].len;
	return sum / VARIANTS;
}

static void
print_form(const struct form *f, const double ns[N_READERS], bool json)
{
	double size = mean_size(f);

	if (!json)
		printf("%-24s %6.0f", f->name, size);
	for (int r = 0; r < N_READERS; r++) {
		double rate = 1e9 / ns[r], mb = size * rate / 1e6;
		if (json)
			printf("{\"bench\":\"decode\",\"form\":\"%s\",\"reader\":\"%s\","
			       "\"bytes\":%.0f,\"ns\":%.1f,\"records_per_s\":%.0f,"
			       "\"mb_per_s\":%.1f}\n", f->name, reader_names[r], size, ns[r],
			       rate, mb);
		else
			printf(" %10.0f %7.0f", rate, mb);
	}
	if (!json)
		printf("\n");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static struct form forms[] = {
		{"libvirt lifecycle", make_lifecycle, false, lifecycle_members, {{0}}},
		{"libvirt job-completed", make_job_completed, false, job_members, {{0}}},
		{"nova versioned envelope", make_envelope, true, versioned_members, {{0}}},
		{"nova versioned bare", make_bare, false, versioned_members, {{0}}},
		{"nova legacy envelope", make_legacy_envelope, true, legacy_members, {{0}}},
		{"request", make_request, false, request_members, {{0}}},
	};
	struct tools t = {.decoder = decoder_new(NULL), .dom = bench_dom_new(FM_MAX_RECORD)};
	unsigned rounds = 9;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = (unsigned)strtoul(argv[++i], NULL, 10) % (MAX_ROUNDS + 1);
	}
	if (rounds == 0)
		rounds = 1;
	if (!json)
		printf("%-24s %6s %18s %18s %18s\n%-24s %6s %10s %7s %10s %7s %10s %7s\n", "",
		       "", reader_names[0], reader_names[1], reader_names[2], "form", "bytes",
		       "records/s", "MB/s", "records/s", "MB/s", "records/s", "MB/s");
	for (unsigned f = 0; f < FM_ARRAY_LEN(forms); f++) {
		double ns[N_READERS];
		for (unsigned v = 0; v < VARIANTS; v++)
			forms[f].make(&forms[f].record[v], v);
		measure(&t, &forms[f], rounds, ns);
		print_form(&forms[f], ns, json);
		for (unsigned v = 0; v < VARIANTS; v++)
			fm_buf_fini(&forms[f].record[v]);
	}
	bench_dom_free(t.dom);
	decoder_free(t.decoder);
	return 0;
}
