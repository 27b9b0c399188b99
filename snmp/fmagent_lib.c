/*
 * Bringing the net-snmp library up so that only we configure it. By itself it would read files
 * below /etc/snmp and the home directory, load MIB modules, take hints from the environment, keep
 * state under /var/lib/snmp and change the process's locale. Main thread; the snmp thread is not
 * running then.
 */
#include <locale.h>
#include <stdlib.h>

#include "snmp/fmagent_net_priv.h"

static void
clear_environment(void)
{
	static const char *const names[] = {
		"SNMPCONFPATH", "SNMP_PERSISTENT_FILE", "SNMP_PERSISTENT_DIR", "SNMPDLMODPATH",
		"MIBDIRS", "MIBFILES", "MIBS", "MIB_FILE_SUFFIX", "PREFIX", "SNMP_OPTIONS",
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

void
fmagent_lib_up(const char *dir, const struct fmagent_engine *eng)
{
	static const int flags[] = {
		NETSNMP_DS_LIB_DONT_READ_CONFIGS, NETSNMP_DS_LIB_DONT_PERSIST_STATE,
		NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE,
	};
	FM_CLEANUP(fm_freep) char *locale = fm_strdup(setlocale(LC_CTYPE, NULL));

	clear_environment();
	for (size_t i = 0; i < FM_ARRAY_LEN(flags); i++)
		netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, flags[i], 1);
	/* No directory, no module: OIDs are numbers here. What the library says goes nowhere. */
	netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_MIBDIRS, "");
	/* Its search for certificates looks there too; all it makes is an empty cert_indexes. */
	set_persistent_directory(dir);
	set_configuration_directory(dir);
	snmp_enable_calllog();
	init_snmp("fmd");
	setlocale(LC_CTYPE, locale);

	set_enginetime(eng->id, (u_int)eng->len, eng->boots,
		       (u_int)snmpv3_local_snmpEngineTime(), TRUE);
}

void
fmagent_lib_down(void)
{
	snmp_shutdown("fmd");
}
