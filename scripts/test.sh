#!/bin/bash
# Installs what the tests need, builds, runs everything. The last line is the totals.
#
#   scripts/test.sh [PRESET]     dev (default) or asan
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/packages.sh
preset=${1:-dev}
build=build/$preset

need_packages $BUILD_PACKAGES $TEST_PACKAGES || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
log=$(mktemp -d) || exit 1
trap 'rm -rf "$log"' EXIT
if ! { cmake --preset "$preset" && cmake --build "$build"; } >"$log/build" 2>&1; then
	tail -60 "$log/build"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi

ctest --test-dir "$build" --output-on-failure --timeout 300 -j2 --output-junit "$log/ctest.xml" \
	2>&1 | grep -v -E '^ *Start +[0-9]+:'

# System tests: each is a program that takes the build directory; 77 means skipped.
passed=0 failed=0 skipped=0
for t in tests/system/test_*.py; do
	[ -e "$t" ] || continue
	echo "== $t"
	timeout 840 python3 "$t" "$build" >"$log/out" 2>&1
	case $? in
	0) passed=$((passed + 1)); tail -3 "$log/out" ;;
	77) skipped=$((skipped + 1)); tail -3 "$log/out" ;;
	*) failed=$((failed + 1)); tail -60 "$log/out" ;;
	esac
done
python3 scripts/totals.py "$log/ctest.xml" "$passed" "$failed" "$skipped"
