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
system="tests/system/test_*.py"
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

# System tests: each is a program that takes the build directory; 77 means skipped.
passed=0 failed=0 skipped=0
for t in $system; do
	timeout 840 python3 "$t" "$build" >"$log/out" 2>&1 </dev/null
	case $? in
	0) passed=$((passed + 1)) result=passed ;;
	77) skipped=$((skipped + 1)) result=skipped ;;
	*) failed=$((failed + 1)) result=FAILED; tail -60 "$log/out" ;;
	esac
	# What unittest says of itself, else the program's last words.
	if grep -q '^Ran [0-9]* test' "$log/out"; then
		words=$(grep -E '^(Ran [0-9]+ test|OK|FAILED)' "$log/out" | tail -2 | paste -sd' ')
	else
		words=$(tail -1 "$log/out" | sed "s/^ *//")
	fi
	part $result "$t: $words"
done
python3 scripts/totals.py "$log/ctest.xml" "$passed" "$failed" "$skipped"
