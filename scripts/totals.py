#!/usr/bin/env python3
"""Adds up ctest's JUnit report and the system tests; prints the totals; exits 1 on a failure."""
import sys
import xml.etree.ElementTree as ET


def main():
    passed, failed, skipped = map(int, sys.argv[2:5])
    try:
        suite = ET.parse(sys.argv[1]).getroot()
    except (OSError, ET.ParseError) as why:
        print(f"no report of ctest: {why}")
        print(f"{passed} passed, {failed + 1} failed, {skipped} skipped")
        return 1
    cases = suite.findall("testcase")
    bad = [c for c in cases if c.get("status") == "fail"]
    odd = [c for c in cases if c.get("status") not in ("fail", "run")]
    for case in bad:
        print("failed:", case.get("name"))
    failed += len(bad)
    skipped += len(odd)
    passed += len(cases) - len(bad) - len(odd)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not cases else 0


sys.exit(main())
