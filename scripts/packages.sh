# Sourced: what Debian 12 has to provide, and how it gets here. Usage: need_packages NAME...
BUILD_PACKAGES="gcc g++ cmake ninja-build pkg-config librdkafka-dev libjansson-dev libyaml-dev
	libsqlite3-dev libsnmp-dev libuv1-dev uthash-dev uuid-dev libsmartcols-dev libsimdjson-dev
	libsystemd-dev ca-certificates"
DEMO_PACKAGES="snmp snmptrapd kcat jq procps"
TEST_PACKAGES="libcriterion-dev snmp snmpd snmptrapd kcat jq procps python3 python3-yaml
	python3-jsonschema python3-pysnmp4 python3-pyasn1 sqlite3 default-jre-headless maven man-db"

need_packages() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $p"
	done
	[ -z "$missing" ] && return 0
	if [ "$(id -u)" != 0 ]; then
		echo "missing packages, install them as root:$missing" >&2
		return 1
	fi
	echo "installing:$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
