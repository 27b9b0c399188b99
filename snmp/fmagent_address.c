/*
 * Addresses of targets. Only numbers: looking a name up can block for many seconds, and a target
 * whose alarms depend on a name server is lost when it is needed most. Pure.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "snmp/fmagent_priv.h"

#define TRAP_PORT 162

/* -1 when it is no port. */
static int
port_of(const char *s)
{
	char *end;
	long port = strtol(s, &end, 10);

	return *s >= '0' && *s <= '9' && *end == '\0' && port > 0 && port <= 65535 ? (int)port : -1;
}

/* "[addr]", "[addr]:port" */
static bool
split_v6(const char *s, char *host, size_t cap, int *ret_port)
{
	const char *end = strchr(s, ']');
	size_t len = end != NULL ? (size_t)(end - s - 1) : 0;

	if (end == NULL || len >= cap || (end[1] != '\0' && end[1] != ':'))
		return false;
	memcpy(host, s + 1, len);
	host[len] = '\0';
	*ret_port = end[1] == ':' ? port_of(end + 2) : TRAP_PORT;
	return *ret_port > 0;
}

/* "addr", "addr:port" */
static bool
split_v4(const char *s, char *host, size_t cap, int *ret_port)
{
	size_t len = strcspn(s, ":");

	if (len >= cap)
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	*ret_port = s[len] == ':' ? port_of(s + len + 1) : TRAP_PORT;
	return *ret_port > 0;
}

int
fmagent_address(const char *s, char **ret, struct fm_err *err)
{
	const char *rest = s;
	char host[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	int port;

	if (strncmp(s, "udp:", 4) == 0)
		rest = s + 4;
	else if (strncmp(s, "udp6:", 5) == 0)
		rest = s + 5;

	if (rest - s != 4 && *rest == '[' && split_v6(rest, host, sizeof(host), &port)
	    && inet_pton(AF_INET6, host, &addr) == 1) {
		*ret = fm_asprintf("udp6:[%s]:%d", host, port);
		return 0;
	}
	if (rest - s != 5 && *rest != '[' && split_v4(rest, host, sizeof(host), &port)
	    && inet_pton(AF_INET, host, &addr) == 1) {
		*ret = fm_asprintf("udp:%s:%d", host, port);
		return 0;
	}
	return fm_fail(err, -EINVAL, "address \"%s\": must be numeric, like 192.0.2.1:162 or"
		       " udp6:[2001:db8::1]:162", s);
}
