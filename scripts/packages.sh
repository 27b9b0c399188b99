# Sourced: what Debian 12 has to provide, and how it gets here. Usage: need_packages NAME...
# A root shell made by plain "su" lacks the sbin folders, where snmptrapd and dpkg's helpers are.
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8

BUILD_PACKAGES="gcc g++ cmake ninja-build pkg-config librdkafka-dev libjansson-dev libyaml-dev
	libsqlite3-dev libsnmp-dev libuv1-dev uthash-dev uuid-dev libsmartcols-dev libsimdjson-dev
	libsystemd-dev libical-dev tzdata"
DEMO_PACKAGES="snmptrapd kcat jq python3"
TEST_PACKAGES="libcriterion-dev snmp snmpd snmptrapd kcat jq procps python3 python3-yaml
	python3-jsonschema python3-pysnmp4 python3-pyasn1 sqlite3 default-jre-headless maven
	ca-certificates openssl man-db binutils strace systemd"

missing_packages() {
	for p in "$@"; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || echo "$p"
	done
}

need_packages() {
	if ! command -v dpkg-query >/dev/null; then
		echo "not a Debian system: going on with what is installed" >&2
		return 0
	fi
	missing=$(missing_packages "$@" | xargs)
	[ -z "$missing" ] && return 0
	if [ "$(id -u)" != 0 ]; then
		echo "missing packages, install them as root: $missing" >&2
		return 1
	fi
	echo "Installing $missing ..." | fold -s -w 100
	apt_log=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get update -q && apt-get install -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 $missing; } </dev/null >"$apt_log" 2>&1
	then
		tail -20 "$apt_log" >&2
		rm -f "$apt_log"
		return 1
	fi
	rm -f "$apt_log"
}
