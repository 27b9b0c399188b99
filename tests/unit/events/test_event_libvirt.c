/* libvirt records. */
#include "test_event.h"

#define UUID "96cbed4f-03c4-526b-b769-33568f8dfc9d"
#define SOURCE "\"seq\":7,\"boot\":\"b-1\",\"conn\":2,\"ts\":\"2026-11-22T19:39:39.058429Z\"," \
	"\"mono_ns\":1875648648852,\"host\":\"compute-0\",\"host_uuid\":\"h-1\""
#define DOMAIN "\"domain\":\"vm-1\",\"uuid\":\"" UUID "\",\"id\":-1"
#define EVENT(members) "{\"kind\":\"event\"," SOURCE "," DOMAIN "," members "}"
#define KIND(kind, members) "{\"kind\":\"" kind "\"," SOURCE members "}"

Test(event_libvirt, what_every_record_has_is_read)
{
	const struct ev_libvirt *lv;
	struct fm_uuid uuid;
	RIG;

	decoded(&rig, EVENT("\"event_id\":1,\"tenant\":\"t-1\",\"instance_name\":\"web\""));
	lv = &rig.ev.u.lv;
	cr_assert_eq(rig.ev.origin, ORIGIN_LIBVIRT);
	cr_assert_eq(lv->kind, LV_EVENT);
	cr_assert_eq(lv->event, LVE_REBOOT);
	assert_str(rig.ev.name, "reboot");
	cr_assert_eq(lv->seq, 7);
	cr_assert_eq(lv->conn, 2);
	assert_str(lv->boot, "b-1");
	assert_str(lv->host_uuid, "h-1");
	assert_str(lv->domain, "vm-1");
	assert_str(lv->tenant, "t-1");
	assert_str(lv->instance_name, "web");
	assert_str(rig.ev.host, "compute-0");
	cr_assert_eq(lv->mono_ns, 1875648648852);
	cr_assert_eq(rig.ev.stamp.ns, 1795376379058429000);
	cr_assert(fm_uuid_parse(UUID, 36, &uuid) && fm_uuid_eq(&uuid, &rig.ev.instance));
	cr_assert(rig.ev.has_instance);
	cr_assert_eq(lv->lifecycle, -1);
	cr_assert_eq(lv->detail, -1);
	cr_assert_eq(lv->downtime, EV_ABSENT);
	cr_assert_eq(rig.ev.id_hash, 0);
}

Test(event_libvirt, every_event_is_known_by_its_number_and_by_its_name)
{
	static const char *const names[] = {
#define FM_X(id, num, name) [num] = name,
		LV_EVENTS(FM_X)
#undef FM_X
	};
	RIG;

	for (int i = LVE_REBOOT; i < LVE_N; i++) {
		FM_CLEANUP(fm_freep) char *num = fm_asprintf(EVENT("\"event_id\":%d"), i);
		FM_CLEANUP(fm_freep) char *name = fm_asprintf(EVENT("\"event\":\"%s\""), names[i]);
		cr_assert_eq((int)decoded(&rig, num)->u.lv.event, i);
		assert_str(rig.ev.name, names[i]);
		cr_assert_eq((int)decoded(&rig, name)->u.lv.event, i);
	}
}

Test(event_libvirt, the_number_wins_over_the_name)
{
	RIG;

	decoded(&rig, EVENT("\"event_id\":0,\"event\":\"reboot\",\"lifecycle_code\":5,"
			    "\"lifecycle\":\"started\",\"detail_code\":3,\"detail\":\"booted\""));
	cr_assert_eq(rig.ev.u.lv.event, LVE_LIFECYCLE);
	assert_str(rig.ev.name, "lifecycle");
	cr_assert_eq(rig.ev.u.lv.lifecycle, LVL_STOPPED);
	cr_assert_eq(rig.ev.u.lv.detail, LVD_STOPPED_MIGRATED);
}

Test(event_libvirt, every_lifecycle_detail_is_known_by_name)
{
	static const char *const lifecycles[] = {"defined", "undefined", "started", "suspended",
		"resumed", "stopped", "shutdown", "pmsuspended", "crashed"};
	static const char *const details[][10] = {
		{"added", "updated", "renamed", "from-snapshot"}, {"removed", "renamed"},
		{"booted", "migrated", "restored", "from-snapshot", "wakeup"},
		{"paused", "migrated", "ioerror", "watchdog", "restored", "from-snapshot",
		 "api-error", "postcopy", "postcopy-failed"},
		{"unpaused", "migrated", "from-snapshot", "postcopy", "postcopy-failed"},
		{"shutdown", "destroyed", "crashed", "migrated", "saved", "failed",
		 "from-snapshot"},
		{"finished", "guest", "host"}, {"memory", "disk"}, {"panicked", "crashloaded"},
	};
	RIG;

	for (int i = 0; i < (int)FM_ARRAY_LEN(lifecycles); i++) {
		for (int j = 0; details[i][j] != NULL; j++) {
			FM_CLEANUP(fm_freep) char *text = fm_asprintf(
				EVENT("\"event\":\"lifecycle\",\"lifecycle\":\"%s\","
				      "\"detail\":\"%s\""), lifecycles[i], details[i][j]);
			decoded(&rig, text);
			cr_assert_eq(rig.ev.u.lv.lifecycle, i);
			cr_assert_eq(rig.ev.u.lv.detail, j);
		}
	}
}

Test(event_libvirt, codes_beyond_what_libvirt_has_are_unknown)
{
	static const char *const texts[] = {
		EVENT("\"event_id\":27"), EVENT("\"event_id\":-1"),
		EVENT("\"event_id\":4294967296"),
		EVENT("\"event\":\"nic-mac-change\""), KIND("frobnicate", ""),
		EVENT("\"event_id\":0,\"lifecycle_code\":9,\"detail_code\":0"),
		EVENT("\"event_id\":0,\"lifecycle_code\":-1,\"detail_code\":0"),
		EVENT("\"event_id\":0,\"lifecycle_code\":2,\"detail_code\":-3"),
		EVENT("\"event_id\":0,\"lifecycle_code\":2,\"detail_code\":4294967297"),
		EVENT("\"event_id\":0,\"lifecycle\":\"ascended\",\"detail_code\":0"),
		EVENT("\"event_id\":0,\"lifecycle_code\":2,\"detail\":\"ascended\""),
		EVENT("\"event_id\":6,\"action_code\":99999"),
		EVENT("\"event_id\":3,\"action\":\"explode\""),
		KIND("snapshot", "," DOMAIN ",\"state_code\":8"),
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++) {
		cr_assert_eq(decode(&rig, texts[i]), 1, "%s: %s", texts[i], rig.err.msg);
		cr_assert_eq(rig.ev.origin, ORIGIN_LIBVIRT);
		cr_assert_gt(rig.ev.name.len, 0);
	}
	decode(&rig, EVENT("\"event_id\":28,\"event\":\"channel-lifecycle\""));
	assert_str(rig.ev.name, "channel-lifecycle");
}

Test(event_libvirt, what_is_unknown_has_its_place_in_the_sequence)
{
	static const char *const texts[] = {KIND("frobnicate", ""), EVENT("\"event_id\":28"),
		EVENT("\"event_id\":0,\"lifecycle_code\":9,\"detail_code\":0")};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(texts); i++) {
		cr_assert_eq(decode(&rig, texts[i]), 1);
		cr_assert_eq(rig.ev.u.lv.seq, 7);
		assert_str(rig.ev.u.lv.boot, "b-1");
		assert_str(rig.ev.host, "compute-0");
	}
	cr_assert_eq(decode(&rig, "{\"kind\":\"frobnicate\",\"seq\":\"x\",\"host\":\"h\"}"), 1);
	cr_assert_eq(rig.ev.host.len, 0);
	cr_assert_eq(rig.ev.u.lv.seq, 0);
}

Test(event_libvirt, a_later_detail_of_a_known_lifecycle_stays_a_number)
{
	RIG;

	decoded(&rig, EVENT("\"event_id\":0,\"lifecycle_code\":2,\"detail_code\":77"));
	cr_assert_eq(rig.ev.u.lv.detail, 77);
}

Test(event_libvirt, a_completed_job_has_its_statistics)
{
	const struct ev_libvirt *lv;
	RIG;

	decoded(&rig, EVENT("\"event_id\":21,\"operation\":\"migration_out\",\"params\":{"
			    "\"operation\":5,\"time_elapsed\":4500,\"downtime\":119,"
			    "\"downtime_net\":115,\"memory_iteration\":5,"
			    "\"memory_postcopy_requests\":3,\"errmsg\":\"x\"}"));
	lv = &rig.ev.u.lv;
	cr_assert_eq(lv->operation, LVJ_OP_MIGRATION_OUT);
	cr_assert_eq(lv->time_elapsed, 4500);
	cr_assert_eq(lv->downtime, 119);
	cr_assert_eq(lv->downtime_net, 115);
	cr_assert_eq(lv->memory_iteration, 5);
	cr_assert_eq(lv->postcopy_requests, 3);
	decoded(&rig, EVENT("\"event_id\":21,\"operation\":\"migration-out\",\"params\":{}"));
	cr_assert_eq(rig.ev.u.lv.operation, LVJ_OP_MIGRATION_OUT);
	cr_assert_eq(rig.ev.u.lv.downtime, EV_ABSENT);
	decoded(&rig, EVENT("\"event_id\":21,\"operation\":8"));
	cr_assert_eq(rig.ev.u.lv.operation, LVJ_OP_DUMP);
	decoded(&rig, EVENT("\"event_id\":21"));
	cr_assert_eq(rig.ev.u.lv.operation, EV_ABSENT);
	refused(&rig, -EBADMSG, "member params.downtime: not a 64-bit integer",
		EVENT("\"event_id\":21,\"params\":{\"downtime\":1.5}"));
	refused(&rig, -EBADMSG, "member params: not an object",
		EVENT("\"event_id\":21,\"params\":[]"));
}

Test(event_libvirt, a_duration_nobody_can_have_waited_is_not_known)
{
	const struct ev_libvirt *lv;
	char text[512];
	RIG;

	snprintf(text, sizeof(text), EVENT("\"event_id\":21,\"params\":{\"time_elapsed\":%lld,"
					   "\"downtime\":%lld,\"downtime_net\":-1}"),
		 EV_MAX_MS, EV_MAX_MS + 1);
	decoded(&rig, text);
	lv = &rig.ev.u.lv;
	cr_assert_eq(lv->time_elapsed, EV_MAX_MS);
	cr_assert_eq(lv->downtime, EV_ABSENT);
	cr_assert_eq(lv->downtime_net, EV_ABSENT);
}

Test(event_libvirt, disk_events_name_the_disk)
{
	const struct ev_libvirt *lv = NULL;
	RIG;

	decoded(&rig, EVENT("\"event_id\":6,\"src\":\"/d.raw\",\"device\":\"virtio-disk0\","
			    "\"action_code\":1,\"action\":\"pause\",\"reason\":\"enospc\""));
	lv = &rig.ev.u.lv;
	assert_str(lv->src, "/d.raw");
	assert_str(lv->device, "virtio-disk0");
	assert_str(lv->io_reason, "enospc");
	cr_assert_eq(lv->action, 1);
	decoded(&rig, EVENT("\"event_id\":16,\"disk\":\"vda\",\"type\":\"active-commit\","
			    "\"status\":\"failed\""));
	assert_str(lv->device, "vda");
	cr_assert_eq(lv->type, 4);
	cr_assert_eq(lv->status, 1);
	decoded(&rig, EVENT("\"event_id\":16,\"disk\":\"vda\",\"type\":2,\"status\":3"));
	cr_assert_eq(lv->type, 2);
	cr_assert_eq(lv->status, 3);
}

Test(event_libvirt, the_other_events_have_their_members)
{
	const struct ev_libvirt *lv = &(struct ev_libvirt){0};
	RIG;

	lv = &rig.ev.u.lv;
	decoded(&rig, EVENT("\"event_id\":3,\"action\":\"poweroff\""));
	cr_assert_eq(lv->action, 3);
	decoded(&rig, EVENT("\"event_id\":18,\"state\":\"disconnected\",\"reason\":\"channel\""));
	cr_assert_eq(lv->status, 2);
	cr_assert_eq(lv->type, 2);
	cr_assert_eq(lv->state, -1);
	decoded(&rig, EVENT("\"event_id\":20,\"iteration\":12"));
	cr_assert_eq(lv->iteration, 12);
	decoded(&rig, EVENT("\"event_id\":25,\"recipient\":\"hypervisor\",\"action\":\"fatal\""));
	cr_assert_eq(lv->type, 0);
	cr_assert_eq(lv->action, 2);
}

Test(event_libvirt, the_other_kinds_are_read)
{
	const struct ev_libvirt *lv;
	RIG;

	lv = &rig.ev.u.lv;
	decoded(&rig, KIND("connect", ",\"uri\":\"qemu:///system\""));
	cr_assert_eq(lv->kind, LV_CONNECT);
	cr_assert_not(rig.ev.has_instance);
	decoded(&rig, KIND("connect-failed", ""));
	cr_assert_eq(lv->kind, LV_CONNECT_FAILED);
	decoded(&rig, KIND("disconnect", ""));
	cr_assert_eq(lv->kind, LV_DISCONNECT);
	decoded(&rig, KIND("heartbeat", ""));
	cr_assert_eq(lv->kind, LV_HEARTBEAT);
	decoded(&rig, KIND("snapshot-end", ",\"count\":3"));
	cr_assert_eq(lv->count, 3);
	decoded(&rig, KIND("gap", ",\"count\":41"));
	cr_assert_eq(lv->kind, LV_GAP);
	cr_assert_eq(lv->count, 41);
	assert_str(rig.ev.name, "gap");
}

Test(event_libvirt, a_snapshot_and_a_poll_have_state_reason_and_job)
{
	const struct ev_libvirt *lv;
	RIG;

	lv = &rig.ev.u.lv;
	decoded(&rig, KIND("snapshot", "," DOMAIN ",\"state_code\":3,\"reason_code\":2,"
			   "\"job_type\":2,\"params\":{\"operation\":5,\"time_elapsed\":387865}"));
	cr_assert_eq(lv->kind, LV_SNAPSHOT);
	cr_assert_eq(lv->state, LVS_PAUSED);
	cr_assert_eq(lv->reason, 2);
	cr_assert_eq(lv->job_type, 2);
	cr_assert_eq(lv->operation, LVJ_OP_MIGRATION_OUT);
	cr_assert_eq(lv->time_elapsed, 387865);
	cr_assert(rig.ev.has_instance);
	decoded(&rig, KIND("snapshot", "," DOMAIN ",\"state\":\"running\",\"reason\":1"));
	cr_assert_eq(lv->state, LVS_RUNNING);
	cr_assert_eq(lv->reason, 1);
	decoded(&rig, KIND("job", "," DOMAIN ",\"job_type\":2,\"operation\":\"save\""));
	cr_assert_eq(lv->operation, LVJ_OP_SAVE);
}

Test(event_libvirt, a_close_says_why)
{
	RIG;

	cr_assert_eq(decoded(&rig, KIND("close", ",\"reason_code\":2"))->u.lv.close, LVC_KEEPALIVE);
	cr_assert_eq(decoded(&rig, KIND("close", ",\"reason\":\"eof\""))->u.lv.close, LVC_EOF);
	cr_assert_eq(decoded(&rig, KIND("close", ",\"reason_code\":9"))->u.lv.close, LVC_UNKNOWN);
	cr_assert_eq(decoded(&rig, KIND("close", ""))->u.lv.close, LVC_UNKNOWN);
}

Test(event_libvirt, a_monitor_event_has_QEMUs_name_status_and_clock)
{
	static const struct {
		const char *status;
		enum lv_qmp qmp;
	} cases[] = {
		{"setup", QMP_MIGRATION_SETUP}, {"active", QMP_MIGRATION_ACTIVE},
		{"pre-switchover", QMP_MIGRATION_PRE_SWITCHOVER}, {"device", QMP_MIGRATION_DEVICE},
		{"postcopy-active", QMP_MIGRATION_POSTCOPY_ACTIVE},
		{"postcopy-paused", QMP_MIGRATION_POSTCOPY_PAUSED},
		{"completed", QMP_MIGRATION_COMPLETED}, {"failed", QMP_MIGRATION_FAILED},
		{"cancelling", QMP_MIGRATION_CANCELLING}, {"cancelled", QMP_MIGRATION_CANCELLED},
		{"postcopy-recover", QMP_MIGRATION_OTHER}, {"none", QMP_MIGRATION_OTHER},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		FM_CLEANUP(fm_freep) char *text = fm_asprintf(
			KIND("qmp", "," DOMAIN ",\"event\":\"MIGRATION\",\"qemu_sec\":1795376379,"
			     "\"qemu_usec\":46409,\"data\":{\"status\":\"%s\"}"), cases[i].status);
		cr_assert_eq(decoded(&rig, text)->u.lv.qmp, cases[i].qmp);
		assert_str(rig.ev.name, "MIGRATION");
		cr_assert_eq(rig.ev.stamp.ns, 1795376379046409000);
	}
	decoded(&rig, KIND("qmp", "," DOMAIN ",\"event\":\"STOP\",\"data\":null"));
	cr_assert_eq(rig.ev.u.lv.qmp, QMP_STOP);
	cr_assert_eq(rig.ev.stamp.ns, 1795376379058429000, "the bridge's, without QEMU's");
	decoded(&rig, KIND("qmp", "," DOMAIN ",\"event\":\"RESUME\""));
	cr_assert_eq(rig.ev.u.lv.qmp, QMP_RESUME);
	decoded(&rig, KIND("qmp", "," DOMAIN ",\"event\":\"MIGRATION_PASS\","
			   "\"data\":{\"pass\":4}"));
	cr_assert_eq(rig.ev.u.lv.qmp, QMP_MIGRATION_PASS);
	cr_assert_eq(rig.ev.u.lv.iteration, 4);
	decoded(&rig, KIND("qmp", "," DOMAIN ",\"event\":\"VSERPORT_CHANGE\",\"data\":{}"));
	cr_assert_eq(rig.ev.u.lv.qmp, QMP_OTHER);
}

Test(event_libvirt, an_io_error_of_the_monitor_reads_like_libvirts)
{
	RIG;

	decoded(&rig, KIND("qmp", "," DOMAIN ",\"event\":\"BLOCK_IO_ERROR\",\"data\":{"
			   "\"device\":\"drive0\",\"action\":\"stop\",\"nospace\":true,"
			   "\"reason\":\"No space left on device\"}"));
	cr_assert_eq(rig.ev.u.lv.qmp, QMP_BLOCK_IO_ERROR);
	assert_str(rig.ev.u.lv.device, "drive0");
	assert_str(rig.ev.u.lv.io_reason, "enospc");
	cr_assert_eq(rig.ev.u.lv.action, 1);
	decoded(&rig, KIND("qmp", "," DOMAIN ",\"event\":\"BLOCK_IO_ERROR\",\"data\":{"
			   "\"action\":\"report\",\"reason\":\"Input/output error\"}"));
	assert_str(rig.ev.u.lv.io_reason, "Input/output error");
	cr_assert_eq(rig.ev.u.lv.action, 2);
}

Test(event_libvirt, a_host_may_have_a_name_of_255_bytes_but_no_more)
{
	RIG;
	char text[600];
	char name[FM_MAX_HOST + 2] = {0};

	memset(name, 'h', FM_MAX_HOST);
	snprintf(text, sizeof(text), "{\"kind\":\"heartbeat\",\"seq\":1,\"host\":\"%s\"}", name);
	cr_assert_eq(decoded(&rig, text)->host.len, FM_MAX_HOST);
	name[FM_MAX_HOST] = 'h';
	snprintf(text, sizeof(text), "{\"kind\":\"heartbeat\",\"seq\":1,\"host\":\"%s\"}", name);
	refused(&rig, -EBADMSG, "member host: longer than 255 bytes", text);
}

Test(event_libvirt, missing_and_wrong_members_are_refused_by_name)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"{\"kind\":\"event\",\"event_id\":1}", "member host: missing"},
		{"{\"kind\":\"event\",\"event_id\":1,\"host\":\"\"}", "member host: missing"},
		{KIND("event", ",\"event_id\":1"), "member uuid: missing"},
		{KIND("snapshot", ""), "member uuid: missing"},
		{KIND("job", ""), "member uuid: missing"},
		{KIND("qmp", ",\"event\":\"STOP\""), "member uuid: missing"},
		{KIND("event", ""), "member event_id: missing"},
		{KIND("qmp", "," DOMAIN), "member event: missing"},
		{KIND("event", ",\"event_id\":1,\"uuid\":\"x\""), "member uuid: not a UUID"},
		{EVENT("\"event_id\":\"1\""), "member event_id: not a 64-bit integer"},
		{EVENT("\"event_id\":1.0"), "member event_id: not a 64-bit integer"},
		{EVENT("\"event_id\":0"), "member lifecycle_code: missing"},
		{EVENT("\"event_id\":0,\"lifecycle_code\":1"), "member detail_code: missing"},
		{EVENT("\"event_id\":20,\"iteration\":\"1\""), "member iteration: not a 64-bit"},
		{"{\"kind\":\"connect\",\"host\":\"c\",\"seq\":-1}", "member seq: negative"},
		{"{\"kind\":\"connect\",\"host\":\"c\",\"seq\":18446744073709551615}",
		 "member seq: not a 64-bit integer"},
		{"{\"kind\":\"connect\",\"host\":\"c\",\"ts\":\"now\"}", "member ts: not a time"},
		{"{\"kind\":1}", "member kind: not a string"},
		{"{\"kind\":null}", "member kind: missing"},
		{KIND("qmp", "," DOMAIN ",\"event\":\"STOP\",\"qemu_sec\":9223372036854775807"),
		 "member qemu_sec: not a time"},
		{KIND("qmp", "," DOMAIN ",\"event\":\"STOP\",\"qemu_sec\":1,\"qemu_usec\":1000000"),
		 "member qemu_usec: not 0 to 999999"},
		{KIND("qmp", "," DOMAIN ",\"event\":\"STOP\",\"data\":[]"),
		 "member data: not an object"},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++)
		refused(&rig, -EBADMSG, cases[i].words, cases[i].text);
}
