#!/usr/bin/env python3
"""check_no_bugs.py NM SOURCE WITH WITHOUT: the first program has the deliberate faults, the other has
nothing of them: no symbol, and none of their names or words."""
import re
import subprocess
import sys
from pathlib import Path


def traces(nm, words, program):
    symbols = subprocess.run([nm, program], capture_output=True, text=True, check=True).stdout
    found = [line for line in symbols.splitlines() if re.search(r"\bfm_bug\b", line)]
    image = Path(program).read_bytes()
    return found + [w for w in words if w.encode() in image]


def main():
    nm, source, having, lacking = sys.argv[1:]
    table = re.findall(r'^BUG\((\w+), "(.*)"\)', Path(source, "base/bugs.def").read_text(), re.M)
    words = [word for pair in table for word in pair]
    there, left = traces(nm, words, having), traces(nm, words, lacking)
    print(f"{len(table)} faults: {len(there)} traces of them where they are, {len(left)} in {lacking}")
    for line in left:
        print("  " + line)
    all_there = len({w for w in there if w in words}) == len(words) and len(there) > len(words)
    return 1 if left or not all_there or len(table) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
