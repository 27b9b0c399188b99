#!/bin/bash
# Builds fmd and shows a few minutes of cloud life at speed. Ends by itself; --stay keeps fmd up.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages $BUILD_PACKAGES $DEMO_PACKAGES libcriterion-dev python3

build=build/demo
echo "Building (once; a minute or two) ..."
if ! { cmake --preset dev -B "$build" -DFMD_BENCH=OFF &&
	cmake --build "$build" --target fmd fm kafka_feed; } >"/tmp/fmd-demo-build.$$" 2>&1; then
	tail -30 "/tmp/fmd-demo-build.$$"
	exit 1
fi
rm -f "/tmp/fmd-demo-build.$$"

dir=$(mktemp -d /tmp/fmd-demo.XXXXXX)
chmod 700 "$dir"
pids=
finish() {
	status=$?
	[ -z "$pids" ] || kill $pids 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
export COLUMNS=${COLUMNS:-110} FM_SOCKET=$dir/fmd.sock
fm="$build/fm/fm"
say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
fail() { echo "demo: $*" >&2; tail -5 "$dir/log" >&2; exit 1; }
count() { "$fm" --json alarm-list --include_suppress 2>/dev/null | jq length; }
until_true() {
	for _ in $(seq 150); do eval "$1" && return 0; sleep 0.2; done
	fail "waited in vain: $2"
}

port=$((20000 + $$ % 20000))
echo demo >"$dir/community"
chmod 600 "$dir/community"
printf 'authCommunity log demo\nformat2 %%v\\n\n' >"$dir/snmptrapd.conf"
SNMP_PERSISTENT_DIR=$dir/snmp snmptrapd -f -n -C -c "$dir/snmptrapd.conf" -m +ALL -M +mibs \
	-A -Lf "$dir/traps" "udp:127.0.0.1:$port" 2>/dev/null &
pids="$pids $!"
cat >"$dir/fmd.yaml" <<END
catalogue: $PWD/events.yaml
log: {level: notice}
snmp:
    targets:
        - {name: noc, address: "127.0.0.1:$port", version: 2c, inform: true,
           community_file: $dir/community}
END
"$build/fmd/fmd" --demo -c "$dir/fmd.yaml" --state-dir "$dir" 2>"$dir/log" &
pids="$pids $!"
until_true '"$fm" version >/dev/null 2>&1' "fmd to answer"
broker=$(cat "$dir/broker")
now=$(date +%s)000
say "fmd is up. Embedded Kafka broker: $broker (any client may produce to it)"

tell() { python3 scripts/demo/tell.py "$now" "$1" | "$build/tests/system/kafka_feed" "$broker"; }

tell migrations
until_true '"$fm" event-list -q alarm_id=700.301 --no-header 2>/dev/null | grep -q cache-1' "the migrations"
until_true '[ "$("$fm" --json event-list -q alarm_id=700.008 | jq length)" -ge 8 ]' "their ends"
say "A clean migration (web-1), one past 180 s and 800 s (db-1), one that stopped its guest 1.3 s (cache-1)"
"$fm" event-list --alarms --limit 20 --columns timestamp,state,event_log_id,severity,reason_text
tell down
until_true '[ "$(count)" -ge 13 ]' "a host alarm and its twelve guests"
say "Now: compute-3 is down. One alarm for the host; its twelve guests are stored below it"
"$fm" alarm-list
"$fm" alarm-summary --include_suppress
say "The same with --include_suppress: nothing is hidden, only not announced"
"$fm" alarm-list --include_suppress --limit 5

say "Why was db-1's migration alarm raised, changed and cleared?  fm explain"
key=$("$fm" --json event-list --limit 1000 --include_suppress |
	jq -r '[.[].alarm | select(.alarm_id == "700.008" and (.reason_text | test("db-1")))][0].uuid')
"$fm" explain "$key"

tell end
until_true '[ "$(count)" -le 1 ]' "the host to recover"
say "compute-3 is back: every alarm of its guests has gone with it"
"$fm" alarm-list

say "What the NOC saw, as snmptrapd decodes it: one trap for the host, none for its guests"
until_true 'grep -q compute-3 "$dir/traps"' "the traps"
tr '\t' '\n' <"$dir/traps" | grep -aE 'snmpTrapOID|731\.1\.1\.1\.1\.0\.|ReasonText|EntityInstanceId' | tail -12 || tail -4 "$dir/traps"
say "What other services read from fm.transitions (the last one)"
kcat -C -b "$broker" -t fm.transitions -o -1 -e -q 2>/dev/null | tail -1 | jq '{seq, kind, time, cause, alarm: (.alarm | {alarm_id, entity_instance_id, state, severity, reason_text})}'
say "Every record accounted for"
"$fm" ledger
if [ "${1:-}" = --stay ]; then
	say "fmd stays up: FM_SOCKET=$FM_SOCKET $fm alarm-list    broker $broker    Ctrl-C ends"
	wait
fi
say "Done"
