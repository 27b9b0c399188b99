/*
 * The part of snmp/ that sees net-snmp's types. Its headers need a few of our warnings off.
 */
#ifndef FM_FMAGENT_NET_PRIV_H
#define FM_FMAGENT_NET_PRIV_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>
#pragma GCC diagnostic pop

#include "snmp/fmagent_priv.h"

/* The notification of a notice, sysUpTime.0 and snmpTrapOID.0 first; NULL: out of memory. */
netsnmp_pdu *fmagent_wrs_pdu(const struct fmagent_notice *n, bool inform, uint32_t uptime);

/* The protocols' names for the library; NULL when it was built without them. */
const oid *fmagent_auth_oid(enum fmagent_auth auth, size_t *ret_len);
const oid *fmagent_priv_oid(enum fmagent_priv priv, size_t *ret_len);

#endif
