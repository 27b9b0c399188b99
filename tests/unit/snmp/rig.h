/*
 * What the tests of snmp/ share: a transition as the store hands it out, and a directory of one's
 * own for files.
 */
#ifndef FM_TEST_SNMP_RIG_H
#define FM_TEST_SNMP_RIG_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alarm/alarm_json.h"
#include "snmp/fmagent_priv.h"

/* 2026-11-24T10:15:42.718023Z */
#define RIG_TIME ((struct fm_time){1795515342718023000LL})
#define RIG_UUID "0d9ac1d1-5a28-5e2c-9d0e-000000000001"

static inline struct transition
rig_transition(enum transition_kind kind, enum severity sev)
{
	struct transition tr = {.seq = 77, .kind = kind, .at = RIG_TIME, .notify = true};
	struct alarm *al = &tr.alarm;

	al->id = 41;
	cr_assert(fm_uuid_parse(RIG_UUID, 36, &al->uuid));
	al->alarm_id = "700.008";
	al->entity_type_id = "tenant.instance";
	al->entity = "tenant=t1.instance=i1";
	al->severity = sev;
	al->reason_text = "Instance i1 is live migrating";
	al->type = 3;
	al->cause = 46;
	al->repair = "No action required";
	al->service_affecting = true;
	al->raised_at = al->changed_at = RIG_TIME;
	al->cleared = kind == TR_CLEAR;
	if (al->cleared)
		al->cleared_at = RIG_TIME;
	return tr;
}

/* The caller frees json. */
static inline struct stored_transition
rig_stored(const struct transition *tr)
{
	struct stored_transition st = {.seq = tr->seq, .kind = tr->kind, .notify = tr->notify,
		.at = tr->at, .alarm_id = tr->alarm.alarm_id, .entity = tr->alarm.entity,
		.uuid = tr->alarm.uuid};

	st.json = transition_to_json(tr, "stream-1", &st.len, &st.alarm_len);
	return st;
}

static inline int
rig_notice(const struct transition *tr, const struct fmagent_filter *f, struct fmagent_notice *ret)
{
	struct stored_transition st = rig_stored(tr);
	int rc = fmagent_notice_make(&st, f, ret);

	free((void *)(uintptr_t)st.json);
	return rc;
}

static const struct fmagent_filter rig_all = {.logs = true};

/* A fresh directory; left to the system's cleaning of temporary files when a test fails. */
static inline char *
rig_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = fm_asprintf("%s/fmd-snmp-XXXXXX", base != NULL ? base : "/tmp");

	cr_assert_not_null(mkdtemp(dir));
	return dir;
}

static inline char *
rig_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char *path = fm_asprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

#endif
