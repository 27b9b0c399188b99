#include "rig.h"
#include "snmp/fmagent_net_priv.h"

static struct fmagent_notice
notice_of(enum transition_kind kind, enum severity sev)
{
	struct transition tr = rig_transition(kind, sev);
	struct fmagent_notice n;

	cr_assert_eq(rig_notice(&tr, &rig_all, &n), 0);
	return n;
}

static void
expect_name(const netsnmp_variable_list *v, const char *dotted)
{
	struct fm_buf b = {0};

	for (size_t i = 0; i < v->name_length; i++)
		fm_buf_addf(&b, "%s%lu", i > 0 ? "." : "", v->name[i]);
	cr_assert_str_eq(b.s, dotted);
	fm_buf_fini(&b);
}

static const netsnmp_variable_list *
expect_text(const netsnmp_variable_list *v, const char *name, const char *text)
{
	cr_assert_not_null(v);
	expect_name(v, name);
	cr_assert_eq(v->type, ASN_OCTET_STR);
	cr_assert_eq(v->val_len, strlen(text));
	cr_assert_arr_eq(v->val.string, text, v->val_len);
	return v->next_variable;
}

static const netsnmp_variable_list *
expect_int(const netsnmp_variable_list *v, const char *name, long num)
{
	cr_assert_not_null(v);
	expect_name(v, name);
	cr_assert_eq(v->type, ASN_INTEGER);
	cr_assert_eq(*v->val.integer, num);
	return v->next_variable;
}

static const netsnmp_variable_list *
expect_head(const netsnmp_pdu *pdu, unsigned long ticks, unsigned long trap)
{
	const netsnmp_variable_list *v = pdu->variables;

	cr_assert_not_null(v);
	expect_name(v, "1.3.6.1.2.1.1.3.0");
	cr_assert_eq(v->type, ASN_TIMETICKS);
	cr_assert_eq((unsigned long)*v->val.integer, ticks);
	v = v->next_variable;
	expect_name(v, "1.3.6.1.6.3.1.1.4.1.0");
	cr_assert_eq(v->type, ASN_OBJECT_ID);
	const oid want[] = {1, 3, 6, 1, 4, 1, 731, 1, 1, 1, 1, 0, trap};
	cr_assert_eq(v->val_len, sizeof(want));
	cr_assert_arr_eq(v->val.objid, want, sizeof(want));
	return v->next_variable;
}

#define ALARM "1.3.6.1.4.1.731.1.1.1.1.1.1."

Test(wrs, a_raise_has_the_eleven_columns_in_order)
{
	struct fmagent_notice n = notice_of(TR_RAISE, SEV_MAJOR);
	netsnmp_pdu *pdu = fmagent_wrs_pdu(&n, false, 4711);

	cr_assert_not_null(pdu);
	cr_assert_eq(pdu->command, SNMP_MSG_TRAP2);
	const netsnmp_variable_list *v = expect_head(pdu, 4711, 2);
	v = expect_text(v, ALARM "2.41", RIG_UUID);
	v = expect_text(v, ALARM "3.41", "700.008");
	v = expect_text(v, ALARM "4.41", "tenant=t1.instance=i1");
	expect_name(v, ALARM "5.41");
	cr_assert_eq(v->val_len, FMAGENT_DATE_LEN);
	v = v->next_variable;
	v = expect_int(v, ALARM "6.41", 3);
	v = expect_text(v, ALARM "7.41", "Instance i1 is live migrating");
	v = expect_int(v, ALARM "8.41", 3);
	v = expect_int(v, ALARM "9.41", 46);
	v = expect_text(v, ALARM "10.41", "No action required");
	v = expect_int(v, ALARM "11.41", 1);
	v = expect_int(v, ALARM "12.41", 0);
	cr_assert_null(v);
	snmp_free_pdu(pdu);
}

Test(wrs, a_clear_repeats_uuid_id_entity_time_and_text)
{
	struct fmagent_notice n = notice_of(TR_CLEAR, SEV_MAJOR);
	netsnmp_pdu *pdu = fmagent_wrs_pdu(&n, true, 0);

	cr_assert_eq(pdu->command, SNMP_MSG_INFORM);
	const netsnmp_variable_list *v = expect_head(pdu, 0, 9);
	v = expect_text(v, ALARM "2.41", RIG_UUID);
	v = expect_text(v, ALARM "3.41", "700.008");
	v = expect_text(v, ALARM "4.41", "tenant=t1.instance=i1");
	expect_name(v, ALARM "5.41");
	v = expect_text(v->next_variable, ALARM "7.41", "Instance i1 is live migrating");
	cr_assert_null(v);
	snmp_free_pdu(pdu);
}

Test(wrs, a_log_uses_the_columns_of_alarms_and_no_row)
{
	struct fmagent_notice n = notice_of(TR_LOG, SEV_CRITICAL);
	netsnmp_pdu *pdu = fmagent_wrs_pdu(&n, false, 0);

	const netsnmp_variable_list *v = expect_head(pdu, 0, 5);
	v = expect_text(v, ALARM "2.0", RIG_UUID);
	v = expect_text(v, ALARM "3.0", "700.008");
	v = expect_text(v, ALARM "4.0", "tenant=t1.instance=i1");
	expect_name(v, ALARM "5.0");
	v = expect_int(v->next_variable, ALARM "6.0", 4);
	v = expect_text(v, ALARM "7.0", "Instance i1 is live migrating");
	v = expect_int(v, ALARM "8.0", 3);
	v = expect_int(v, ALARM "9.0", 46);
	v = expect_text(v, ALARM "10.0", "No action required");
	v = expect_int(v, ALARM "11.0", 1);
	v = expect_int(v, ALARM "12.0", 0);
	cr_assert_null(v);
	snmp_free_pdu(pdu);
}

/* Every text as long as it gets. */
static struct fmagent_notice
fat_notice(void)
{
	struct fmagent_notice n = notice_of(TR_RAISE, SEV_MAJOR);

	n.index = INT32_MAX;
	memset(n.entity, 'e', FMAGENT_MAX_TEXT);
	memset(n.reason, 'r', FMAGENT_MAX_TEXT);
	memset(n.repair, 'p', FMAGENT_MAX_TEXT);
	return n;
}

static size_t
encoded_len(const struct fmagent_notice *n)
{
	netsnmp_pdu *pdu = fmagent_wrs_pdu(n, false, UINT32_MAX);
	size_t len = 8192, size = len;
	u_char *buf = fm_malloc(size);
	size_t offset = 0;

	cr_assert_eq(snmp_pdu_realloc_rbuild(&buf, &len, &offset, pdu), 1);
	snmp_free_pdu(pdu);
	free(buf);
	return offset;
}

Test(wrs, the_counted_size_is_never_below_the_encoded_one)
{
	struct fmagent_notice n = fat_notice();
	/* The PDU's own header, request id and error fields: 4 + 6 + 3 + 3 + 4 */
	cr_assert_leq(encoded_len(&n), fmagent_wrs_size(&n) + 20);

	n = notice_of(TR_CLEAR, SEV_MINOR);
	cr_assert_leq(encoded_len(&n), fmagent_wrs_size(&n) + 20);
}

Test(wrs, what_is_too_long_loses_repair_text_first_and_is_marked)
{
	struct fmagent_notice n = fat_notice();
	size_t full = fmagent_wrs_size(&n);

	fmagent_wrs_fit(&n, full);
	cr_assert_eq(fmagent_wrs_size(&n), full);

	fmagent_wrs_fit(&n, full - 100);
	cr_assert_leq(fmagent_wrs_size(&n), full - 100);
	cr_assert_eq(strlen(n.repair), FMAGENT_MAX_TEXT - 100);
	cr_assert_str_eq(n.repair + strlen(n.repair) - 3, "...");
	cr_assert_eq(strlen(n.reason), FMAGENT_MAX_TEXT);

	fmagent_wrs_fit(&n, full - 400);
	cr_assert_leq(fmagent_wrs_size(&n), full - 400);
	cr_assert_str_eq(n.repair, "");
	cr_assert_str_eq(n.reason + strlen(n.reason) - 3, "...");
	cr_assert_eq(strlen(n.entity), FMAGENT_MAX_TEXT);
}
