/* Nova's notifications: types, states and where things lie in both formats. */
#include "test_event.h"

#define UUID "2d3c1f6a-5b0e-4b7e-8f0c-0a6b1d2e3f44"
#define HEAD(type) "{\"event_type\":\"" type "\",\"message_id\":\"m-1\"," \
	"\"timestamp\":\"2026-11-22 10:15:42.118023\",\"priority\":\"INFO\","
#define VERSIONED(type, members) HEAD(type) "\"publisher_id\":\"nova-compute:c-1.example.org\"," \
	"\"payload\":{\"nova_object.name\":\"X\",\"nova_object.data\":{" members "}}}"
#define LEGACY(type, members) HEAD(type) "\"publisher_id\":\"compute.c-1.example.org\"," \
	"\"payload\":{" members "}}"
#define VID "\"uuid\":\"" UUID "\""
#define LID "\"instance_id\":\"" UUID "\""
#define OBJECT(members) "{\"nova_object.version\":\"1.0\",\"nova_object.data\":{" members "}}"

static const struct ev_nova *
nova(struct rig *rig, const char *text)
{
	decoded(rig, text);
	cr_assert_eq(rig->ev.origin, ORIGIN_NOVA);
	return &rig->ev.u.nova;
}

/* ---- types --------------------------------------------------------------------------------- */

static const struct {
	enum nova_action action;
	const char *versioned, *legacy;
} actions[] = {
#define FM_X(id, versioned, legacy) {NOVA_##id, versioned, legacy},
	NOVA_ACTIONS(FM_X)
#undef FM_X
};
static const struct {
	const char *suffix;
	enum nova_phase phase;
} phases[] = {
	{"", PHASE_NONE}, {".start", PHASE_START}, {".end", PHASE_END}, {".error", PHASE_ERROR},
	{".progress", PHASE_PROGRESS},
};
#define ANY_ID VID "," LID ",\"instance_uuid\":\"" UUID "\",\"host\":\"c-1\""

Test(event_nova, every_versioned_type_is_known_in_every_phase)
{
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(actions); i++) {
		if (actions[i].action == NOVA_SERVICE)
			continue;
		cr_assert_str_eq(nova_action_name(actions[i].action), actions[i].versioned);
		for (unsigned j = 0; j < FM_ARRAY_LEN(phases); j++) {
			FM_CLEANUP(fm_freep) char *text = fm_asprintf(
				VERSIONED("%s%s", ANY_ID), actions[i].versioned, phases[j].suffix);
			cr_assert_eq(nova(&rig, text)->action, actions[i].action);
			cr_assert_eq(rig.ev.u.nova.phase, phases[j].phase);
			cr_assert(rig.ev.u.nova.versioned);
		}
	}
}

Test(event_nova, every_legacy_type_is_known_in_every_phase)
{
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(actions); i++) {
		if (actions[i].legacy[0] == '\0')
			continue;
		for (unsigned j = 0; j < FM_ARRAY_LEN(phases); j++) {
			FM_CLEANUP(fm_freep) char *text = fm_asprintf(
				LEGACY("compute.%s%s", ANY_ID), actions[i].legacy,
				phases[j].suffix);
			cr_assert_eq(nova(&rig, text)->action, actions[i].action);
			cr_assert_eq(rig.ev.u.nova.phase, phases[j].phase);
			cr_assert_not(rig.ev.u.nova.versioned);
		}
	}
}

Test(event_nova, a_service_is_created_updated_or_deleted)
{
	static const char *const types[] = {"service.create", "service.update", "service.delete"};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(types); i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			VERSIONED("%s", "\"host\":\"c-9\",\"binary\":\"nova-compute\","
				  "\"disabled\":true,\"disabled_reason\":\"drain\","
				  "\"forced_down\":true,\"uuid\":\"" UUID "\","
				  "\"last_seen_up\":\"2012-10-29T13:42:05Z\""), types[i]);
		const struct ev_nova *n = nova(&rig, text);
		cr_assert_eq(n->action, NOVA_SERVICE);
		cr_assert_eq(n->phase, PHASE_NONE);
		assert_str(n->host, "c-9");
		assert_str(rig.ev.host, "c-9");
		assert_str(n->binary, "nova-compute");
		assert_str(n->disabled_reason, "drain");
		cr_assert(n->disabled);
		cr_assert(n->forced_down);
		cr_assert_eq(n->last_seen_up.ns, 1351518125000000000);
		cr_assert_not(rig.ev.has_instance, "the UUID is the service's");
	}
	cr_assert_eq(decode(&rig, VERSIONED("service", "\"host\":\"c-9\"")), 1);
	cr_assert_eq(decode(&rig, VERSIONED("service.start", "\"host\":\"c-9\"")), 1);
	refused(&rig, -EBADMSG, "member payload.nova_object.data.host: missing",
		VERSIONED("service.update", "\"binary\":\"x\""));
}

Test(event_nova, other_instance_types_are_read_without_an_action)
{
	RIG;

	cr_assert_eq(nova(&rig, VERSIONED("instance.lock", VID))->action, NOVA_OTHER);
	cr_assert_eq(nova(&rig, VERSIONED("instance.share_attach.error", VID))->action,
		     NOVA_OTHER);
	cr_assert_eq(rig.ev.u.nova.phase, PHASE_ERROR);
	cr_assert(rig.ev.has_instance);
	cr_assert_eq(nova(&rig, LEGACY("compute.instance.booting", LID))->action, NOVA_OTHER);
}

Test(event_nova, types_of_other_things_are_unknown)
{
	static const char *const texts[] = {
		VERSIONED("scheduler.select_destinations.start", ""),
		VERSIONED("metrics.update", ""),
		VERSIONED("server_group.create", VID), VERSIONED("compute.instance.pause.end", VID),
		LEGACY("instance.pause.end", LID), LEGACY("compute.build_and_run", LID),
		LEGACY("live_migration", "\"exception\":\"x\",\"args\":{}"),
		VERSIONED("instance", VID), VERSIONED(".end", VID), VERSIONED("x", VID),
		LEGACY("compute.", LID), LEGACY("compute.service.update", LID),
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++) {
		cr_assert_eq(decode(&rig, texts[i]), 1, "%s %s", texts[i], rig.err.msg);
		cr_assert_eq(rig.ev.origin, ORIGIN_NOVA);
		cr_assert_gt(rig.ev.name.len, 0);
	}
}

Test(event_nova, the_schedulers_failures_are_read_in_both_forms)
{
	const struct ev_nova *n;
	RIG;

	n = nova(&rig, VERSIONED("compute_task.migrate_server.error", "\"instance_uuid\":\"" UUID
				 "\",\"state\":\"active\",\"reason\":"
				 OBJECT("\"exception\":\"NoValidHost\","
					"\"exception_message\":\"none\"")));
	cr_assert_eq(n->action, NOVA_MIGRATE_SERVER);
	cr_assert(rig.ev.has_instance);
	cr_assert_eq(n->vm_state, VM_ACTIVE);
	assert_str(n->exception, "NoValidHost");
	assert_str(n->fault, "none");
	n = nova(&rig, LEGACY("compute_task.build_instances", LID ",\"state\":\"error\","
			      "\"reason\":\"No valid host\""));
	cr_assert_eq(n->action, NOVA_BUILD_INSTANCES);
	cr_assert_eq(n->phase, PHASE_ERROR);
	cr_assert_eq(n->vm_state, VM_ERROR);
	assert_str(n->fault, "No valid host");
}

Test(event_nova, a_lost_hypervisor_is_the_publishers)
{
	const struct ev_nova *n;
	RIG;

	n = nova(&rig, VERSIONED("libvirt.connect.error", "\"ip\":\"10.0.2.15\",\"reason\":"
				 OBJECT("\"exception\":\"libvirtError\"")));
	cr_assert_eq(n->action, NOVA_LIBVIRT_CONNECT);
	assert_str(rig.ev.host, "c-1.example.org");
	assert_str(n->exception, "libvirtError");
	n = nova(&rig, LEGACY("compute.libvirt.error", "\"ip\":\"10.0.2.15\","
			      "\"exception\":\"gone\""));
	cr_assert_eq(n->action, NOVA_LIBVIRT_CONNECT);
	assert_str(rig.ev.host, "c-1.example.org");
	assert_str(n->fault, "gone");
	cr_assert_not(rig.ev.has_instance);
}

/* ---- members ------------------------------------------------------------------------------- */

Test(event_nova, a_versioned_instance_is_read_in_full)
{
	const struct ev_nova *n;
	RIG;

	n = nova(&rig, VERSIONED("instance.live_migration_rollback.end", VID ","
		"\"tenant_id\":\"t-1\",\"display_name\":\"web\",\"host\":\"c-0\",\"node\":\"n-0\","
		"\"state\":\"active\",\"task_state\":null,\"power_state\":\"running\","
		"\"image_uuid\":\"i-1\",\"request_id\":\"req-1\","
		"\"action_initiator_user\":\"ann\",\"action_initiator_project\":\"ops\","
		"\"audit_period\":" OBJECT("") ",\"fault\":"
		OBJECT("\"exception\":\"E\",\"exception_message\":\"it broke\"") ",\"metadata\":{"
		"\"hw:wrs:live_migration_timeout\":\"300\"},\"flavor\":"
		OBJECT("\"name\":\"m1\",\"memory_mb\":4096,\"root_gb\":20,\"ephemeral_gb\":5,"
		       "\"swap\":0,\"extra_specs\":{\"hw:wrs:live_migration_max_downtime\":\"400\","
		       "\"hw:wrs:live_migration_timeout\":\"200\"}")));
	assert_str(rig.ev.name, "instance.live_migration_rollback.end");
	cr_assert_eq(rig.ev.stamp.ns, 1795342542118023000);
	cr_assert_eq(rig.ev.id_hash, fm_hash64("m-1", 3, 0));
	assert_str(rig.ev.host, "c-0");
	assert_str(n->message_id, "m-1");
	assert_str(n->publisher_host, "c-1.example.org");
	assert_str(n->request_id, "req-1");
	assert_str(n->tenant, "t-1");
	assert_str(n->instance_name, "web");
	assert_str(n->host, "c-0");
	assert_str(n->node, "n-0");
	assert_str(n->image, "i-1");
	assert_str(n->flavor, "m1");
	assert_str(n->exception, "E");
	assert_str(n->fault, "it broke");
	assert_str(n->initiator_user, "ann");
	assert_str(n->initiator_project, "ops");
	cr_assert_eq(n->vm_state, VM_ACTIVE);
	cr_assert_eq(n->task, TASK_NONE);
	cr_assert_eq(n->power, POWER_RUNNING);
	cr_assert_eq(n->memory_mb, 4096);
	cr_assert_eq(n->disk_gb, 25);
	cr_assert(n->has_local_disk);
	cr_assert(n->audit_period);
	cr_assert_eq(n->meta_timeout, 300);
	cr_assert_eq(n->meta_downtime, EV_ABSENT);
	cr_assert_eq(n->flavor_timeout, 200);
	cr_assert_eq(n->flavor_downtime, 400);
	cr_assert_eq(n->image_timeout, EV_ABSENT);
}

Test(event_nova, a_legacy_instance_is_read_in_full)
{
	const struct ev_nova *n;
	RIG;

	n = nova(&rig, LEGACY("compute.instance.live_migration._rollback.start", LID ","
		"\"tenant_id\":\"t-1\",\"display_name\":\"web\",\"host\":\"c-0\",\"node\":\"n-0\","
		"\"state\":\"active\",\"state_description\":\"migrating\",\"memory_mb\":4096,"
		"\"disk_gb\":25,\"root_gb\":20,\"ephemeral_gb\":5,\"instance_type\":\"m1\","
		"\"image_ref_url\":\"http://image:9292/images/i-1\","
		"\"exception\":\"Live migration timeout after 180 sec\","
		"\"audit_period_beginning\":\"2026-11-01\","
		"\"image_meta\":{\"hw_wrs_live_migration_timeout\":\"240\","
		"\"hw:wrs:live_migration_max_downtime\":600},"
		"\"metadata\":[{\"key\":\"role\",\"value\":\"web\"},"
		"{\"key\":\"hw_wrs_live_migration_max_downtime\",\"value\":\"700\"}]"));
	cr_assert_eq(n->action, NOVA_LIVE_MIGRATION_ROLLBACK);
	cr_assert_eq(n->phase, PHASE_START);
	assert_str(n->publisher_host, "c-1.example.org");
	assert_str(n->instance_name, "web");
	assert_str(rig.ev.host, "c-0");
	assert_str(n->image, "i-1");
	assert_str(n->flavor, "m1");
	assert_str(n->exception, "Live migration timeout after 180 sec");
	assert_str(n->fault, "Live migration timeout after 180 sec");
	cr_assert_eq(n->task, TASK_MIGRATING);
	cr_assert_eq(n->memory_mb, 4096);
	cr_assert_eq(n->disk_gb, 25);
	cr_assert(n->has_local_disk);
	cr_assert(n->audit_period);
	cr_assert_eq(n->image_timeout, 240);
	cr_assert_eq(n->image_downtime, 600);
	cr_assert_eq(n->meta_timeout, EV_ABSENT);
	cr_assert_eq(n->meta_downtime, 700);
	cr_assert_eq(n->flavor_timeout, EV_ABSENT);
}

Test(event_nova, the_instance_may_be_called_uuid_instance_id_or_instance_uuid)
{
	static const char *const names[] = {"uuid", "instance_id", "instance_uuid"};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(names); i++) {
		FM_CLEANUP(fm_freep) char *versioned = fm_asprintf(
			VERSIONED("instance.pause.end", "\"%s\":\"" UUID "\""), names[i]);
		FM_CLEANUP(fm_freep) char *legacy = fm_asprintf(
			LEGACY("compute.instance.pause.end", "\"%s\":\"" UUID "\""), names[i]);
		char uuid[FM_UUID_STR];
		decoded(&rig, versioned);
		cr_assert_str_eq(fm_uuid_format(&rig.ev.instance, uuid), UUID);
		decoded(&rig, legacy);
		cr_assert_str_eq(fm_uuid_format(&rig.ev.instance, uuid), UUID);
	}
}

Test(event_nova, every_vm_state_is_known)
{
	static const char *const names[] = {
#define FM_X(id, name) [VM_##id] = name,
		VM_STATES(FM_X)
#undef FM_X
	};
	RIG;

	for (int i = VM_UNKNOWN + 1; i < VM_N; i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			VERSIONED("instance.exists", VID ",\"state\":\"%s\""), names[i]);
		cr_assert_eq((int)nova(&rig, text)->vm_state, i);
		cr_assert_str_eq(vm_state_name((enum vm_state)i), names[i]);
	}
	cr_assert_eq(nova(&rig, VERSIONED("instance.exists", VID ",\"state\":\"new\""))->vm_state,
		     VM_UNKNOWN);
	cr_assert_str_eq(vm_state_name(VM_UNKNOWN), "unknown");
}

Test(event_nova, every_task_state_belongs_to_its_group)
{
	static const struct {
		const char *name;
		enum task_state task;
	} cases[] = {
		{"null", TASK_NONE}, {"\"\"", TASK_NONE}, {"\"migrating\"", TASK_MIGRATING},
		{"\"rebooting\"", TASK_REBOOTING}, {"\"reboot_pending\"", TASK_REBOOTING},
		{"\"reboot_started\"", TASK_REBOOTING}, {"\"rebooting_hard\"", TASK_REBOOTING},
		{"\"reboot_pending_hard\"", TASK_REBOOTING},
		{"\"reboot_started_hard\"", TASK_REBOOTING}, {"\"rebuilding\"", TASK_REBUILDING},
		{"\"rebuild_block_device_mapping\"", TASK_REBUILDING},
		{"\"rebuild_spawning\"", TASK_REBUILDING}, {"\"resize_prep\"", TASK_RESIZING},
		{"\"resize_migrating\"", TASK_RESIZING}, {"\"resize_migrated\"", TASK_RESIZING},
		{"\"resize_finish\"", TASK_RESIZING},
		{"\"resize_reverting\"", TASK_RESIZE_REVERTING},
		{"\"resize_confirming\"", TASK_RESIZE_CONFIRMING}, {"\"pausing\"", TASK_PAUSING},
		{"\"unpausing\"", TASK_UNPAUSING}, {"\"suspending\"", TASK_SUSPENDING},
		{"\"resuming\"", TASK_RESUMING}, {"\"powering-off\"", TASK_POWERING_OFF},
		{"\"powering-on\"", TASK_POWERING_ON}, {"\"deleting\"", TASK_DELETING},
		{"\"soft-deleting\"", TASK_DELETING}, {"\"scheduling\"", TASK_SPAWNING},
		{"\"block_device_mapping\"", TASK_SPAWNING}, {"\"networking\"", TASK_SPAWNING},
		{"\"spawning\"", TASK_SPAWNING}, {"\"rescuing\"", TASK_OTHER},
		{"\"shelving\"", TASK_OTHER}, {"\"image_snapshot\"", TASK_OTHER},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		FM_CLEANUP(fm_freep) char *versioned = fm_asprintf(
			VERSIONED("instance.exists", VID ",\"task_state\":%s"), cases[i].name);
		FM_CLEANUP(fm_freep) char *legacy = fm_asprintf(
			LEGACY("compute.instance.exists", LID ",\"state_description\":%s"),
			cases[i].name);
		cr_assert_eq(nova(&rig, versioned)->task, cases[i].task, "%s", cases[i].name);
		cr_assert_eq(nova(&rig, legacy)->task, cases[i].task, "%s", cases[i].name);
	}
	cr_assert_eq(nova(&rig, VERSIONED("instance.exists", VID))->task, TASK_UNKNOWN);
}

Test(event_nova, the_power_state_is_a_word_or_novas_number)
{
	static const struct {
		const char *value;
		enum power_state power;
	} cases[] = {
		{"\"pending\"", POWER_NOSTATE}, {"\"running\"", POWER_RUNNING},
		{"\"paused\"", POWER_PAUSED}, {"\"shutdown\"", POWER_SHUTDOWN},
		{"\"crashed\"", POWER_CRASHED}, {"\"suspended\"", POWER_SUSPENDED},
		{"0", POWER_NOSTATE}, {"1", POWER_RUNNING}, {"2", POWER_UNKNOWN},
		{"3", POWER_PAUSED}, {"4", POWER_SHUTDOWN}, {"6", POWER_CRASHED},
		{"7", POWER_SUSPENDED}, {"8", POWER_UNKNOWN}, {"-1", POWER_UNKNOWN},
		{"null", POWER_UNKNOWN}, {"\"asleep\"", POWER_UNKNOWN},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			VERSIONED("instance.exists", VID ",\"power_state\":%s"), cases[i].value);
		cr_assert_eq(nova(&rig, text)->power, cases[i].power, "%s", cases[i].value);
	}
}

Test(event_nova, an_update_says_from_what_to_what)
{
	const struct ev_nova *n;
	RIG;

	n = nova(&rig, VERSIONED("instance.update", VID ",\"state\":\"active\","
		"\"task_state\":\"migrating\",\"old_display_name\":\"old\",\"state_update\":"
		OBJECT("\"old_state\":\"active\",\"state\":\"error\","
		       "\"old_task_state\":\"migrating\",\"new_task_state\":null")));
	cr_assert_eq(n->vm_state, VM_ERROR);
	cr_assert_eq(n->old_vm_state, VM_ACTIVE);
	cr_assert_eq(n->task, TASK_NONE);
	cr_assert_eq(n->old_task, TASK_MIGRATING);
	assert_str(n->old_instance_name, "old");
	n = nova(&rig, VERSIONED("instance.update", VID ",\"state\":\"active\","
		"\"task_state\":\"migrating\",\"state_update\":" OBJECT("\"state\":null")));
	cr_assert_eq(n->vm_state, VM_ACTIVE);
	cr_assert_eq(n->task, TASK_MIGRATING);
	n = nova(&rig, LEGACY("compute.instance.update", LID ",\"state\":\"stopped\","
		"\"state_description\":\"\",\"old_state\":\"active\","
		"\"old_task_state\":\"powering-off\",\"new_task_state\":null"));
	cr_assert_eq(n->vm_state, VM_STOPPED);
	cr_assert_eq(n->old_vm_state, VM_ACTIVE);
	cr_assert_eq(n->task, TASK_NONE);
	cr_assert_eq(n->old_task, TASK_POWERING_OFF);
}

Test(event_nova, the_context_is_a_dict_or_flattened_members)
{
	static const char *const texts[] = {
		HEAD("compute.instance.pause.end") "\"_context\":{\"request_id\":\"req-9\","
		"\"user_id\":\"ann\",\"project_id\":\"t-1\",\"project_name\":\"web\"},"
		"\"payload\":{" LID ",\"tenant_id\":\"t-1\"}}",
		HEAD("compute.instance.pause.end") "\"_context\":{\"request_id\":\"req-9\","
		"\"user\":\"ann\",\"tenant\":\"t-1\",\"project_name\":\"web\"},"
		"\"payload\":{" LID ",\"tenant_id\":\"t-1\"}}",
		HEAD("compute.instance.pause.end") "\"_unique_id\":\"u\","
		"\"_context_request_id\":\"req-9\",\"_context_user_id\":\"ann\","
		"\"_context_project_id\":\"t-1\",\"_context_project_name\":\"web\","
		"\"payload\":{" LID ",\"tenant_id\":\"t-1\"}}",
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++) {
		const struct ev_nova *n = nova(&rig, texts[i]);
		assert_str(n->request_id, "req-9");
		assert_str(n->initiator_user, "ann");
		assert_str(n->initiator_project, "t-1");
		assert_str(n->tenant_name, "web");
	}
}

Test(event_nova, the_requesters_project_names_the_tenant_only_when_it_is_the_owner)
{
	RIG;

	nova(&rig, HEAD("compute.instance.pause.end") "\"_context\":{\"project_id\":\"admin\","
	     "\"project_name\":\"admin\"},\"payload\":{" LID ",\"tenant_id\":\"t-1\"}}");
	cr_assert_null(rig.ev.u.nova.tenant_name.p);
	assert_str(rig.ev.u.nova.initiator_project, "admin");
}

Test(event_nova, a_resize_in_preparation_names_the_flavor_to_come)
{
	RIG;

	nova(&rig, VERSIONED("instance.resize_prep.start", VID ",\"flavor\":"
			     OBJECT("\"name\":\"m1\"") ",\"new_flavor\":"
			     OBJECT("\"name\":\"m2\"")));
	assert_str(rig.ev.u.nova.flavor, "m1");
	assert_str(rig.ev.u.nova.new_flavor, "m2");
	nova(&rig, LEGACY("compute.instance.resize.prep.end", LID ",\"instance_type\":\"m1\","
			  "\"new_instance_type\":\"m2\""));
	assert_str(rig.ev.u.nova.flavor, "m1");
	assert_str(rig.ev.u.nova.new_flavor, "m2");
	nova(&rig, VERSIONED("instance.resize_prep.start", VID));
	cr_assert_null(rig.ev.u.nova.new_flavor.p);
}

Test(event_nova, both_spellings_of_a_limit_count_everywhere)
{
	static const char *const spellings[] = {"hw:wrs:live_migration_timeout",
						"hw_wrs_live_migration_timeout"};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(spellings); i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			VERSIONED("instance.exists", VID ",\"metadata\":{\"%s\":\"200\"},"
				  "\"image_meta\":{\"%s\":201},\"flavor\":"
				  OBJECT("\"extra_specs\":{\"%s\":\"202\"}")),
			spellings[i], spellings[i], spellings[i]);
		const struct ev_nova *n = nova(&rig, text);
		cr_assert_eq(n->meta_timeout, 200);
		cr_assert_eq(n->image_timeout, 201);
		cr_assert_eq(n->flavor_timeout, 202);
	}
}

Test(event_nova, a_limit_that_is_no_number_counts_as_not_given)
{
	static const struct {
		const char *value;
		int64_t seconds;
	} cases[] = {
		{"\"0\"", 0}, {"0", 0}, {"\"2147483647\"", INT32_MAX}, {"2147483648", EV_ABSENT},
		{"\"2147483648\"", EV_ABSENT}, {"\"99999999999\"", EV_ABSENT}, {"-1", EV_ABSENT},
		{"\"-1\"", EV_ABSENT}, {"\"abc\"", EV_ABSENT}, {"\"\"", EV_ABSENT},
		{"\"18 \"", EV_ABSENT}, {"null", EV_ABSENT}, {"1.5", EV_ABSENT}, {"[]", EV_ABSENT},
		{"{}", EV_ABSENT}, {"true", EV_ABSENT},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			LEGACY("compute.instance.exists", LID
			       ",\"metadata\":{\"hw:wrs:live_migration_timeout\":%s}"),
			cases[i].value);
		cr_assert_eq(nova(&rig, text)->meta_timeout, cases[i].seconds, "%s",
			     cases[i].value);
	}
}

Test(event_nova, a_disk_is_local_when_it_is_not_a_volume)
{
#define FLAVOR(root, ephemeral, swap) "\"flavor\":" OBJECT("\"root_gb\":" root \
		",\"ephemeral_gb\":" ephemeral ",\"swap\":" swap)
	RIG;

	cr_assert(nova(&rig, VERSIONED("instance.exists", VID ",\"image_uuid\":\"i\","
				       FLAVOR("1", "0", "0")))->has_local_disk);
	cr_assert_not(nova(&rig, VERSIONED("instance.exists", VID ",\"image_uuid\":\"\","
					   FLAVOR("1", "0", "0")))->has_local_disk);
	cr_assert(nova(&rig, VERSIONED("instance.exists", VID "," FLAVOR("0", "2", "0")))
		  ->has_local_disk);
	cr_assert(nova(&rig, VERSIONED("instance.exists", VID "," FLAVOR("0", "0", "64")))
		  ->has_local_disk);
	cr_assert_not(nova(&rig, VERSIONED("instance.exists", VID))->has_local_disk);
	cr_assert_eq(rig.ev.u.nova.disk_gb, EV_ABSENT);
	nova(&rig, VERSIONED("instance.exists", VID ","
			     FLAVOR("9223372036854775807", "9223372036854775807", "0")));
	cr_assert_eq(rig.ev.u.nova.disk_gb, EV_ABSENT, "an overflow is no size");
}

/* ---- robustness ----------------------------------------------------------------------------- */

Test(event_nova, what_tenants_write_cannot_have_a_record_refused)
{
	static const char *const texts[] = {
		VERSIONED("instance.exists", VID ",\"display_name\":\"a\\u0000b\""),
		VERSIONED("instance.exists", VID ",\"display_name\":7,\"metadata\":\"x\""),
		VERSIONED("instance.exists", VID ",\"metadata\":{\"key\":1,\"value\":[]}"),
		LEGACY("compute.instance.exists", LID ",\"metadata\":[1,null,[],{\"key\":{}}]"),
		LEGACY("compute.instance.exists", LID ",\"image_meta\":[],\"exception\":{\"a\":1}"),
		LEGACY("compute.instance.exists", LID ",\"metadata\":[{\"key\":\"x\\u0000\"}]"),
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++)
		decoded(&rig, texts[i]);
}

Test(event_nova, more_metadata_than_anyone_has_is_read_up_to_a_limit)
{
	struct fm_buf b = {0};
	RIG;

	fm_buf_adds(&b, HEAD("compute.instance.exists") "\"payload\":{" LID ",\"metadata\":[");
	for (unsigned i = 0; i < 127; i++)
		fm_buf_adds(&b, "{\"key\":\"x\",\"value\":\"1\"},");
	fm_buf_adds(&b, "{\"key\":\"hw:wrs:live_migration_timeout\",\"value\":\"300\"},"
		    "{\"key\":\"hw:wrs:live_migration_max_downtime\",\"value\":\"300\"}]}}");
	nova(&rig, b.s);
	cr_assert_eq(rig.ev.u.nova.meta_timeout, 300, "the 128th");
	cr_assert_eq(rig.ev.u.nova.meta_downtime, EV_ABSENT, "the 129th");
	fm_buf_fini(&b);
}

Test(event_nova, missing_and_wrong_members_are_refused_by_name)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"{\"event_type\":\"instance.pause.end\"}", "member payload: not an object"},
		{"{\"event_type\":\"instance.pause.end\",\"payload\":[]}",
		 "member payload: not an object"},
		{"{\"event_type\":5,\"payload\":{}}", "member event_type: not a string"},
		{"{\"event_type\":null,\"payload\":{}}", "member event_type: missing"},
		{"{\"event_type\":\"\",\"payload\":{}}", "member event_type: missing"},
		{VERSIONED("instance.pause.end", ""),
		 "member payload.nova_object.data.uuid: missing"},
		{VERSIONED("instance.pause.end", "\"uuid\":\"x\""),
		 "member payload.nova_object.data.uuid: not a UUID"},
		{LEGACY("compute.instance.pause.end", "\"host\":\"c\""),
		 "member payload.instance_id: missing"},
		{VERSIONED("compute_task.migrate_server.error", ""),
		 "member payload.nova_object.data.instance_uuid: missing"},
		{VERSIONED("instance.pause.end", VID ",\"host\":5"),
		 "member payload.nova_object.data.host: not a string"},
		{VERSIONED("instance.pause.end", VID ",\"state\":{}"),
		 "member payload.nova_object.data.state: not a string"},
		{VERSIONED("instance.pause.end", VID ",\"flavor\":5"),
		 "member payload.nova_object.data.flavor: not an object"},
		{VERSIONED("instance.pause.end", VID ",\"flavor\":" OBJECT("\"memory_mb\":\"1\"")),
		 "member payload.nova_object.data.flavor.nova_object.data.memory_mb: not a 64-bit"},
		{VERSIONED("instance.pause.end", VID ",\"fault\":" OBJECT("\"exception\":1")),
		 "member payload.nova_object.data.fault.nova_object.data.exception: not a string"},
		{VERSIONED("instance.pause.end", VID "," VID),
		 "member payload.nova_object.data.uuid: given twice"},
		{VERSIONED("service.update", "\"host\":\"c\",\"disabled\":\"no\""),
		 "member payload.nova_object.data.disabled: neither true nor false"},
		{VERSIONED("service.update", "\"host\":\"c\",\"last_seen_up\":\"never\""),
		 "member payload.nova_object.data.last_seen_up: not a time"},
		{"{\"event_type\":\"instance.lock\",\"timestamp\":\"never\",\"payload\":"
		 OBJECT(VID) "}", "member timestamp: not a time"},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++)
		refused(&rig, -EBADMSG, cases[i].words, cases[i].text);
}
