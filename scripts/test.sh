#!/bin/bash
# Installs what the tests need, builds, runs everything. A line for each part with its seconds, more
# for what fails; the last line is the totals.
#
#   scripts/test.sh [PRESET]     dev (default), asan, or tsan: the threaded tests only
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/packages.sh
preset=${1:-dev}
build=build/$preset
first="tests/system/test_kafka_real.py tests/system/test_kill.py tests/system/test_self.py"
system="$first $(ls tests/system/test_*.py | grep -vxF "$(printf '%s\n' $first)")"
if [ "$preset" = tsan ]; then
	system="tests/system/test_snmp.py tests/system/test_daemon.py"
	export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/tsan/suppressions"
fi

log=$(mktemp -d) || exit 1
trap 'rm -rf "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
clock=$SECONDS
# part RESULT NAME [WORDS]: a line, with the seconds since the last one.
part() { printf '%-7s %5d s  %s\n' "$1" $((SECONDS - clock)) "${*:2}"; clock=$SECONDS; }
give_up() {
	part FAILED "$1"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

need_packages $BUILD_PACKAGES $TEST_PACKAGES || give_up packages
part ok packages
if ! { cmake --preset "$preset" && cmake --build "$build"; } >"$log/build" 2>&1; then
	tail -60 "$log/build"
	give_up "build ($preset)"
fi
part ok "build ($preset)"

# Those that are labelled "system" come below.
if ctest --preset "$preset" -LE system -j"$(nproc)" --timeout 300 --output-junit "$log/ctest.xml" \
	>"$log/ctest" 2>&1; then result=passed; else
	result=FAILED
	grep -v -E '^ *Start +[0-9]+:| Passed +[0-9.]+ sec' "$log/ctest"
fi
part $result "$(grep -E 'tests passed' "$log/ctest" || echo ctest)"

# System tests: each is a program that takes the build directory; 77 means skipped. Most of their
# time is waiting, so there are as many at a time as processors, those that take longest first.
system_test() {
	begin=$SECONDS out=$log/$(basename "$1")
	timeout 840 python3 "$1" "$build" >"$out" 2>&1 </dev/null
	case $? in
	0) result=passed ;;
	77) result=skipped ;;
	*) result=FAILED ;;
	esac
	# What unittest says of itself, else the program's last words.
	if grep -q '^Ran [0-9]* test' "$out"; then
		words=$(grep -E '^(Ran [0-9]+ test|OK|FAILED)' "$out" | tail -2 | paste -sd' ')
	else
		words=$(tail -1 "$out" | sed "s/^ *//")
	fi
	echo $result >>"$log/results"
	exec 9>"$log/lock" && flock 9
	[ $result != FAILED ] || tail -60 "$out"
	clock=$begin
	part $result "$1: $words"
}
export -f system_test part
export log build
touch "$log/results"
printf '%s\n' $system | xargs -P "$(nproc)" -I{} bash -c 'system_test {}'
count() { grep -cx "$1" "$log/results"; }
passed=$(count passed) skipped=$(count skipped)
failed=$(($(printf '%s\n' $system | wc -l) - passed - skipped))    # one without a result, too
python3 scripts/totals.py "$log/ctest.xml" "$passed" "$failed" "$skipped"
