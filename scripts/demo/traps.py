#!/usr/bin/env python3
"""What snmptrapd wrote to its log, fitted to $COLUMNS.

    traps.py LOG             a line for each notification: name, alarm, text
    traps.py LOG TEXT        the first notification with TEXT in it, whole
"""
import os
import sys
import textwrap

COLUMNS = int(os.environ.get("COLUMNS", "100"))


def notifications(path):
    """Each is a list of (name, value); what is no notification has no snmpTrapOID."""
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            pairs = [part.partition(" = ") for part in line.rstrip("\n").split("\t")]
            pairs = [(name.strip(), value.strip()) for name, _, value in pairs]
            if any(name.startswith("snmpTrapOID") for name, _ in pairs):
                yield pairs


def value(pairs, what):
    return next((v.strip('"') for name, v in pairs if what in name), "?")


def line(pairs):
    text = f"{value(pairs, 'snmpTrapOID'):<16}  {value(pairs, 'AlarmId'):<7}  "
    rest = max(COLUMNS - len(text), 20)
    return text + textwrap.shorten(value(pairs, "ReasonText"), rest, placeholder=" ...")


def whole(pairs):
    left = max(len(name) for name, _ in pairs)
    for name, v in pairs:
        rest = textwrap.wrap(v, max(COLUMNS - left - 3, 20)) or [""]
        yield f"{name:<{left}} = {rest[0]}"
        yield from (" " * (left + 3) + more for more in rest[1:])


def main():
    for pairs in notifications(sys.argv[1]):
        if len(sys.argv) == 2:
            print(line(pairs))
        elif any(sys.argv[2] in v for _, v in pairs):
            print("\n".join(whole(pairs)))
            return


main()
