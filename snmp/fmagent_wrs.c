/*
 * The wrs profile: a notice as the varbinds of WRS-ALARM-MIB. The columns are one table; the
 * sizes are counted from it before anything is encoded, so that no notification ever needs a
 * second UDP fragment. Of the network it knows nothing.
 */
#include "snmp/fmagent_net_priv.h"

static const oid sysuptime_0[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
static const oid snmptrapoid_0[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};
/* wrsAlarmObjects; below it .0 notifications, .1.1 columns of alarms */
#define WRS_OBJECTS 1, 3, 6, 1, 4, 1, 731, 1, 1, 1, 1
#define WRS_ALARM_TABLE 1

/*
 * The order of the incumbent's sender: the UUID, then the OBJECTS of the MIB. Messages carry the
 * columns of alarms too (docs/adr/0011).
 */
static const struct wrs_field {
	uint8_t col;
	bool in_clear;
	u_char type;
	uint8_t fixed_len;              /* 0: a string */
	size_t off;
} wrs_fields[] = {
	{2, true, ASN_OCTET_STR, 0, offsetof(struct fmagent_notice, uuid)},
	{3, true, ASN_OCTET_STR, 0, offsetof(struct fmagent_notice, alarm_id)},
	{4, true, ASN_OCTET_STR, 0, offsetof(struct fmagent_notice, entity)},
	{5, true, ASN_OCTET_STR, FMAGENT_DATE_LEN, offsetof(struct fmagent_notice, date)},
	{6, false, ASN_INTEGER, 4, offsetof(struct fmagent_notice, severity)},
	{7, true, ASN_OCTET_STR, 0, offsetof(struct fmagent_notice, reason)},
	{8, false, ASN_INTEGER, 4, offsetof(struct fmagent_notice, type)},
	{9, false, ASN_INTEGER, 4, offsetof(struct fmagent_notice, cause)},
	{10, false, ASN_OCTET_STR, 0, offsetof(struct fmagent_notice, repair)},
	{11, false, ASN_INTEGER, 4, offsetof(struct fmagent_notice, service_affecting)},
	{12, false, ASN_INTEGER, 4, offsetof(struct fmagent_notice, suppressible)},
};

static bool
is_sent(const struct wrs_field *f, const struct fmagent_notice *n)
{
	return f->in_clear || n->trap != FMAGENT_TRAP_CLEAR;
}

static const void *
value_of(const struct wrs_field *f, const struct fmagent_notice *n)
{
	return (const char *)n + f->off;
}

static size_t
len_of(const struct wrs_field *f, const struct fmagent_notice *n)
{
	return f->fixed_len != 0 ? f->fixed_len : strlen(value_of(f, n));
}

/* Octets of the column's OID: 1.3 in one, 731 in two, the row in up to five, the others in one. */
#define COLUMN_OID_LEN (1 + 4 + 2 + 4 + 3 + 5)
#define TRAP_OID_LEN (1 + 4 + 2 + 4 + 2)

size_t
fmagent_tlv(size_t len)
{
	return len + (len < 128 ? 2 : len < 256 ? 3 : 4);
}

/* sysUpTime.0 and snmpTrapOID.0 */
static size_t
fixed_size(void)
{
	size_t uptime = fmagent_tlv(FM_ARRAY_LEN(sysuptime_0) - 1) + fmagent_tlv(5);
	size_t trap = fmagent_tlv(FM_ARRAY_LEN(snmptrapoid_0) - 1) + fmagent_tlv(TRAP_OID_LEN);

	return fmagent_tlv(uptime) + fmagent_tlv(trap);
}

size_t
fmagent_wrs_size(const struct fmagent_notice *n)
{
	size_t size = fixed_size();

	for (size_t i = 0; i < FM_ARRAY_LEN(wrs_fields); i++)
		if (is_sent(&wrs_fields[i], n))
			size += fmagent_tlv(fmagent_tlv(COLUMN_OID_LEN)
					    + fmagent_tlv(len_of(&wrs_fields[i], n)));
	return size;
}

/* Takes at least by octets off text, as far as there is that much. */
static void
shorten(char *text, size_t by)
{
	char old[FMAGENT_MAX_TEXT + 1];
	size_t len = strlen(text);
	/* Below the mark's own length there is nothing left worth marking. */
	size_t cap = len > by + 4 ? len - by + 1 : 0;

	if (cap == 0) {
		text[0] = '\0';
		return;
	}
	memcpy(old, text, len + 1);
	fmagent_copy_text(text, cap, old, len);
}

void
fmagent_wrs_fit(struct fmagent_notice *n, size_t max)
{
	char *const texts[] = {n->repair, n->reason};

	for (size_t i = 0; i < FM_ARRAY_LEN(texts); i++) {
		size_t size = fmagent_wrs_size(n);

		if (size > max)
			shorten(texts[i], size - max);
	}
}

static int
add_field(netsnmp_pdu *pdu, const struct wrs_field *f, const struct fmagent_notice *n)
{
	const oid name[] = {WRS_OBJECTS, WRS_ALARM_TABLE, 1, f->col, n->index};
	const void *val = value_of(f, n);
	long num = 0;

	if (f->type == ASN_INTEGER) {
		int32_t small;
		memcpy(&small, val, sizeof(small));
		num = small;
		val = &num;
	}
	return snmp_pdu_add_variable(pdu, name, FM_ARRAY_LEN(name), f->type, val,
		f->type == ASN_INTEGER ? sizeof(num) : len_of(f, n)) != NULL ? 0 : -ENOMEM;
}

netsnmp_pdu *
fmagent_wrs_pdu(const struct fmagent_notice *n, bool inform, uint32_t uptime)
{
	const oid trap[] = {WRS_OBJECTS, 0, (oid)n->trap};
	u_long ticks = uptime;
	netsnmp_pdu *pdu = snmp_pdu_create(inform ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2);
	if (pdu == NULL)
		return NULL;

	bool ok = snmp_pdu_add_variable(pdu, sysuptime_0, FM_ARRAY_LEN(sysuptime_0),
			ASN_TIMETICKS, &ticks, sizeof(ticks)) != NULL
		&& snmp_pdu_add_variable(pdu, snmptrapoid_0, FM_ARRAY_LEN(snmptrapoid_0),
			ASN_OBJECT_ID, trap, sizeof(trap)) != NULL;
	for (size_t i = 0; ok && i < FM_ARRAY_LEN(wrs_fields); i++)
		if (is_sent(&wrs_fields[i], n))
			ok = add_field(pdu, &wrs_fields[i], n) == 0;
	if (!ok) {
		snmp_free_pdu(pdu);
		return NULL;
	}
	return pdu;
}
