/*
 * cat_test: what the tests of the catalogue share: records to start from, loading, looking up
 * findings, the files next to the sources.
 */
#ifndef CAT_TEST_H
#define CAT_TEST_H

#include "events/catalogue.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Records without any finding, to be followed by more fields or records. */
#define FIELDS_OF(severity, entity) \
	"  Type: Alarm\n" \
	"  Description: Instance <instance_name> has a problem\n" \
	"  Entity_Instance_ID: " entity "\n" \
	"  Severity: " severity "\n" \
	"  Proposed_Repair_Action: Repair it\n" \
	"  Maintenance_Action:\n" \
	"  Inhibit_Alarms: False\n" \
	"  Alarm_Type: processing-error\n" \
	"  Probable_Cause: software-error\n" \
	"  Service_Affecting: True\n" \
	"  Suppression: True\n" \
	"  Management_Affecting_Severity: warning\n" \
	"  Degrade_Affecting_Severity: none\n" \
	"  Context: openstack\n"
#define INSTANCE "tenant=<tenant_uuid>.instance=<instance_uuid>"
#define ALARM(id, severity) "\"" id "\":\n" FIELDS_OF(severity, INSTANCE)
#define HOST_ALARM(id, severity) \
	"\"" id "\":\n" \
	"  Type: Alarm\n" \
	"  Description: Host <host_name> has a problem\n" \
	"  Entity_Instance_ID: host=<host_name>\n" \
	"  Severity: " severity "\n" \
	"  Proposed_Repair_Action: Repair it\n" \
	"  Alarm_Type: equipment\n" \
	"  Probable_Cause: equipment-malfunction\n" \
	"  Service_Affecting: True\n" \
	"  Suppression: True\n" \
	"  Management_Affecting_Severity: warning\n" \
	"  Degrade_Affecting_Severity: none\n" \
	"  Context: starlingx\n"
#define LOG(id, severity) \
	"\"" id "\":\n" \
	"  Type: Log\n" \
	"  Description: Instance <instance_name> did something\n" \
	"  Entity_Instance_ID: " INSTANCE "\n" \
	"  Severity: " severity "\n" \
	"  Alarm_Type: equipment\n" \
	"  Probable_Cause: unspecified-reason\n" \
	"  Service_Affecting: False\n" \
	"  Context: openstack\n"
#define RULE(lines) "  Correlation:\n" lines

/* A load and everything that came out of it. */
struct loaded {
	struct catalogue *cat;          /* NULL: refused */
	struct cat_findings findings;
	struct fm_err err;
	int rc;
};

static inline struct loaded
load_bytes(const char *text, size_t len)
{
	struct loaded l = {0};
	cat_findings_init(&l.findings);
	l.rc = cat_load_buf("test.yaml", text, len, &l.findings, &l.cat, &l.err);
	return l;
}

static inline struct loaded
load_text(const char *text)
{
	return load_bytes(text, strlen(text));
}

static inline void
unload(struct loaded *l)
{
	cat_free(l->cat);
	cat_findings_fini(&l->findings);
}

/* The first finding with this number; NULL: none. */
static inline const struct cat_finding *
finding(const struct loaded *l, unsigned number)
{
	for (unsigned i = 0; i < l->findings.n; i++)
		if (l->findings.v[i].number == number)
			return &l->findings.v[i];
	return NULL;
}

static inline unsigned
count_findings(const struct loaded *l, unsigned number)
{
	unsigned n = 0;
	for (unsigned i = 0; i < l->findings.n; i++)
		n += l->findings.v[i].number == number;
	return n;
}

/* All findings as text, for messages. */
static inline const char *
findings_text(const struct loaded *l, struct fm_buf *b)
{
	fm_buf_adds(b, "");
	for (unsigned i = 0; i < l->findings.n; i++) {
		cat_finding_print(&l->findings.v[i], "test.yaml", b);
		fm_buf_adds(b, "\n");
	}
	return b->s;
}

/* Loads what must load; clean: without as much as a note. */
static inline struct loaded
load_good(const char *text)
{
	struct loaded l = load_text(text);
	cr_assert_eq(l.rc, 0, "%s", l.err.msg);
	return l;
}

static inline struct loaded
load_clean(const char *text)
{
	struct loaded l = load_good(text);
	struct fm_buf b = {0};
	cr_assert_eq(l.findings.n, 0, "%s", findings_text(&l, &b));
	fm_buf_fini(&b);
	return l;
}

/* A file below the source root, or below the shared data (FMD_SHARED). */
static inline void
source_path(const char *name, char *path, size_t size)
{
	const char *root = getenv("FMD_SOURCE");
	snprintf(path, size, "%s/%s", root != NULL ? root : ".", name);
}

static inline void
shared_path(const char *name, char *path, size_t size)
{
	const char *root = getenv("FMD_SHARED");
	snprintf(path, size, "%s/%s", root != NULL ? root : "../shared", name);
}

static inline struct fm_buf
read_whole(const char *path)
{
	struct fm_buf b = {0};
	char chunk[4096];
	FILE *f = fopen(path, "re");
	cr_assert_not_null(f, "%s", path);
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) != 0;)
		fm_buf_add(&b, chunk, n);
	fclose(f);
	return b;
}

#endif
