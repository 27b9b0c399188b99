#!/bin/bash
# Builds fmd and plays a few minutes of cloud life at speed: the operator's lists at the telling
# moments, the traps as a real snmptrapd decodes them, the JSON, and why. It checks what it shows:
# an alarm or a trap that does not come makes it fail. Ends by itself; --stay keeps fmd up.
#
#   scripts/demo.sh [--stay]
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

case ${1:-} in
'' | --stay) stay=${1:-} ;;
*) echo "usage: scripts/demo.sh [--stay]" >&2; exit 2 ;;
esac

# A build that is there already (of the tests, say), instead of one for the demo.
build=${FMD_BUILD:-build/demo}
dir=$(mktemp -d "${TMPDIR:-/tmp}/fmd-demo.XXXXXX")
fmd= pids=
interrupted=130

finish() {
	status=$?
	trap '' INT TERM
	trap - EXIT
	[ -z "$pids" ] || kill $pids 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
	exit "$status"
}
trap finish EXIT
# One Ctrl-C can be seen twice, also by way of the child that it ended: the second must not end finish.
trap 'trap "" INT TERM; exit $interrupted' INT
trap 'trap "" INT TERM; exit 143' TERM

# ---- words ---------------------------------------------------------------------------------------

if [ -z "${COLUMNS:-}" ] && [ -t 1 ]; then COLUMNS=$(stty size <&1 | cut -d' ' -f2); fi
[ "${COLUMNS:-0}" -ge 40 ] 2>/dev/null || COLUMNS=100
[ "$COLUMNS" -le 120 ] || COLUMNS=120
export COLUMNS TZ=UTC FM_SOCKET="$dir/fmd.sock" PATH="$(realpath -m "$build")/fm:$PATH"

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi

say() { printf '%s\n' "$*" | fold -s -w "$COLUMNS" | sed 's/ *$//'; }
chapter() { printf '\n%s==== %s%s\n' "$bold" "$1" "$plain"; shift; say "$*"; }
command_line() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }
show() { command_line "$@"; "$@"; }

fail() {
	printf '\ndemo: %s\n' "$*" >&2
	for part in build fmd snmptrapd; do
		[ -s "$dir/$part.log" ] || continue
		printf 'The end of what %s said:\n' "$part" >&2
		tail -15 "$dir/$part.log" >&2
	done
	exit 1
}

# until_true WHAT COMMAND...: waits until the command succeeds.
until_true() {
	what=$1
	shift
	limit=$((SECONDS + 40))
	until "$@" >/dev/null 2>&1; do
		for pid in $pids; do
			kill -0 "$pid" 2>/dev/null || fail "fmd or snmptrapd has ended"
		done
		[ $SECONDS -lt $limit ] || fail "waited 40 s in vain for $what"
		sleep 0.1
	done
}

# ---- parts ---------------------------------------------------------------------------------------

make_programs() {
	echo "Building in $build (the first time takes a minute or two) ..."
	{ [ -n "${FMD_BUILD:-}" ] || cmake --preset dev -B "$build" -DFMD_TESTS=OFF \
		-DFMD_BENCH=OFF -DFMD_WERROR=OFF; } >"$dir/build.log" 2>&1 &&
		cmake --build "$build" --target fmd fm demo_feed >>"$dir/build.log" 2>&1 ||
		fail "the build has failed"
	rm "$dir/build.log"
}

start_snmptrapd() {
	port=$(python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	(umask 077 && echo demo >"$dir/community")
	printf 'authCommunity log demo\nformat2 %%v\\n\n' >"$dir/snmptrapd.conf"
	# The modules are ours only: Debian has the standard ones outside of main.
	SNMP_PERSISTENT_DIR=$dir/snmp snmptrapd -f -C -c "$dir/snmptrapd.conf" -n -A -OQs \
		-m WRS-ALARM-MIB:SNMPv2-MIB -M "$PWD/mibs:$PWD/scripts/demo/mibs" \
		-Lf "$dir/traps" "udp:127.0.0.1:$port" >"$dir/snmptrapd.log" 2>&1 &
	pids="$pids $!"
	until_true "snmptrapd to listen" test -s "$dir/traps"
}

start_fmd() {
	umask 022       # a configuration that a group may write is not obeyed
	cat >"$dir/fmd.yaml" <<-END
		catalogue: $PWD/events.yaml
		kafka:
		    inputs: [{topic: demo.backlog}, {topic: versioned_notifications.info},
		             {topic: libvirt.events}, {topic: fm.requests}]
		snmp:
		    targets:
		        - {name: noc, address: "127.0.0.1:$port", version: 2c, inform: true,
		           community_file: $dir/community}
		log: {level: notice}
	END
	"$build/fmd/fmd" --demo -c "$dir/fmd.yaml" --state-dir "$dir" 2>"$dir/fmd.log" &
	pids="$pids $!"
	until_true "fmd to answer" fm version
	broker=$(cat "$dir/broker")
}

tell() {
	python3 scripts/demo/tell.py "$now" "$1" >"$dir/records"
	"$build/scripts/demo/demo_feed" "$broker" <"$dir/records" || fail "\"$1\" was not delivered"
	told=$((told + $(wc -l <"$dir/records")))
}

# Questions to fmd and to the others; each succeeds when it is so. FILTER is jq's, for one alarm or event.
active() { fm --json alarm-list --include_suppress | jq -e "map(select($2)) | length == $1"; }
happened() { fm --json event-list --include_suppress | jq -e "any(.[]; $1)"; }
traps() { python3 scripts/demo/traps.py "$dir/traps" "$@"; }
trapped() { COLUMNS=1000 traps | grep "$1" >/dev/null; }
transitions() { kcat -C -b "$broker" -t fm.transitions -o beginning -e -q 2>/dev/null; }
published() { transitions | jq -s "$gapless and (map(.alarm) | any($1))" | grep -q true; }
gapless='map(.seq) == [range(1; length + 1)]'
accounted() { fm --json ledger | jq -e "map(.read) | add == $told"; }

# ---- the story -----------------------------------------------------------------------------------

need_packages $BUILD_PACKAGES $DEMO_PACKAGES || exit 1
make_programs
start_snmptrapd
start_fmd
now=$(date +%s%3N)
told=0

chapter "fmd is up, with an embedded Kafka broker at $broker" \
	"kcat or any other client can produce to that address, which is also in $dir/broker."

tell backlog
until_true "a second limit and a first one" active 2 '.alarm_id == "700.008" and
	(.severity == "major" or .severity == "minor")'
until_true "a short migration" happened '.kind == "clear" and
	(.alarm.reason_text | test("web-1"))'
until_true "a long standstill" active 1 '.alarm_id == "700.301"'
chapter "1. A clean migration" "The last quarter of an hour is read first, in the time of its" \
	"records: web-1 moved in four seconds, so nobody has to do anything."
show fm event-list -q reason_text~web-1 --columns timestamp,state,event_log_id,reason_text

chapter "2. One that does not end" "db-1's is overdue at 180 s and again at 800 s; mail-1's has" \
	"passed its first limit."
show fm event-list --alarms -q reason_text~db-1 --columns timestamp,state,severity,reason_text
show fm alarm-list -q alarm_id=700.008 --columns alarm_id,severity,reason_text

tell arrival
until_true "the two to arrive" active 0 '.alarm_id == "700.008"'
db=$(python3 scripts/demo/tell.py "$now" --entity db-1)
chapter "Why was that?" "Both have arrived by now. Each change names its record and its rule."
show fm explain 700.008 "$db"

chapter "3. One that stopped its guest" "cache-1 stood still for 1.3 s; that stays for an hour, or until" \
	"somebody clears it."
show fm alarm-list --columns alarm_id,severity,reason_text

tell symptoms
until_true "two guests to fail" active 2 '.alarm_id == "700.001" and
	.suppression_status == "held"'
chapter "4. Symptoms come first" "Two guests of compute-3 fail: alarms at once, but not announced" \
	"for 15 s, in case they are only symptoms."
show fm alarm-list -q alarm_id=700.001 --columns alarm_id,severity,suppression_status,reason_text

tell cause
until_true "the cause" active 2 '.alarm_id == "700.001" and .suppression_status == "masked"'
tell rest
until_true "all twelve guests" active 12 '.alarm_id == "700.001" and
	.suppression_status == "masked"'
chapter "5. The cause" "They are: compute-3 has failed, and ten more guests with it. The operator" \
	"sees one alarm; what is below it is kept, and marked S."
show fm alarm-list -q alarm_id=200.004 --columns alarm_id,severity,children,reason_text
show fm alarm-list --include_suppress -q alarm_id=700.001 --limit 3 \
	--columns alarm_id,suppression_status,reason_text

tell recovery
until_true "the recovery" active 0 '.alarm_id != "700.301"'
chapter "6. The recovery" "compute-3 is back, and every alarm of its guests has gone with it."
show fm alarm-list --columns alarm_id,severity,reason_text

until_true "the last trap" trapped 'wrsAlarmClear *200.004'
for trap in 'Minor *700.008 .*db-1' 'Major *700.008 .*db-1' 'Minor *700.301' 'Critical *200.004'; do
	trapped "wrsAlarm$trap" || fail "no trap wrsAlarm$trap"
done
! trapped 700.001 || fail "a guest of compute-3 was announced"
chapter "What the NOC got" "Acknowledged informs, decoded by snmptrapd; twelve guests failed and" \
	"not one of them is here."
printf '\n'
traps
chapter "One of them whole" "With the names of mibs/WRS-ALARM-MIB.txt."
printf '\n'
traps 200.004

until_true "the last transition on Kafka" published '.alarm_id == "200.004" and .state == "cleared"'
chapter "What other services got" "$(transitions | wc -l) transitions on the topic" \
	"fm.transitions, without a gap in their numbers; this one announced the host's failure."
printf '\n'
transitions | jq -s 'map(select(.alarm.alarm_id == "200.004"))[0] | {seq, kind, time, cause,
	alarm: (.alarm | {alarm_id, entity_instance_id, severity, state, reason_text})}'

until_true "all records to be accounted for" accounted
chapter "Every record is accounted for" "$told were told; read = applied + no effect + duplicate +" \
	"late + unknown + quarantined."
show fm ledger --columns topic,read,applied,no_effect,duplicate,late,unknown_type,quarantined

if [ -n "$stay" ]; then
	chapter "fmd stays up until Ctrl-C" "Broker $broker. In another terminal, in $PWD:"
	printf '\n    export FM_SOCKET=%s\n    %s/fm/fm watch\n' "$FM_SOCKET" "$build"
	interrupted=0
	wait -n $pids || true
	fail "fmd or snmptrapd has ended"
fi
chapter "The end" "Every alarm, trap and record that the story promises has come."
