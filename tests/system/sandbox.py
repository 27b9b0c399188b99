#!/usr/bin/env python3
"""Runs a program under what a systemd unit says, as far as that goes without systemd: its user's rights
(another user, no capabilities, no new privileges), a file system of which only some directories can
be written, limits, umask, and a seccomp filter made of SystemCallFilter, RestrictAddressFamilies and
MemoryDenyWriteExecute. x86-64, and root to begin with.

    python3 tests/system/sandbox.py UNIT WRITABLE[:WRITABLE…] PROGRAM [ARGUMENT…]
"""
import ctypes
import os
import re
import resource
import socket
import struct
import subprocess
import sys

NOBODY = 65534
HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
CLONE_NEWNS, MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    0x20000, 1, 32, 4096, 16384, 1 << 18)
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_DROP, FILTER = 38, 22, 24, 2
X86_64 = 0xC000003E
ALLOW, KILL = 0x7FFF0000, 0x80000000
libc = ctypes.CDLL(None, use_errno=True)


def values(unit, name):
    return re.findall(rf"^{name}=(.*)", unit, re.M)


def groups():
    """All of systemd's sets of system calls."""
    found, name = {}, None
    for line in subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        if line.startswith("@"):
            found[name := line.strip()] = []
        elif name and (word := line.strip()) and not word.startswith("#"):
            found[name].append(word)
    return found


def allowed_calls(unit):
    """Names, by SystemCallFilter as an allow list."""
    sets = groups()

    def calls(word):
        return {word} if word[0] != "@" else set().union(*map(calls, sets[word]))
    result = calls("@default")
    for words in values(unit, "SystemCallFilter"):
        for word in words.lstrip("~").split():
            result = result - calls(word) if words[0] == "~" else result | calls(word)
    return result


# ---- the filter: classic BPF over (number, architecture, instruction, arguments) -------------------

def op(code, k, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, k)


def load(offset):
    return op(0x20, offset)


def equal(k, yes, no):
    return op(0x15, k, yes, no)


def give(k):
    return op(0x06, k)


def refuse(error):
    return give(0x00050000 | error)


def argument(number, index, mask, bad, error):
    """Refuses a call whose argument has, under a mask, one of the bad values."""
    body = load(16 + 8 * index) + op(0x54, mask)
    body += b"".join(equal(value, 0, 1) + refuse(error) for value in bad)
    body += load(0)
    return equal(number, 0, len(body) // 8) + body


def families(number, good, error):
    body = load(16) + b"".join(equal(value, 0, 1) + give(ALLOW) for value in good) + refuse(error)
    return equal(number, 0, len(body) // 8) + body


def make_filter(unit):
    numbers = dict(re.findall(r"^#define __NR_(\w+) (\d+)", open(HEADER).read(), re.M))
    program = load(4) + equal(X86_64, 1, 0) + give(KILL) + load(0)
    if values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        program += argument(int(numbers["mmap"]), 2, 6, [6], 1)
        program += argument(int(numbers["mprotect"]), 2, 4, [4], 1)
    names = values(unit, "RestrictAddressFamilies")[0].split()
    program += families(int(numbers["socket"]), [getattr(socket, name) for name in names], 97)
    for name in sorted(allowed_calls(unit)):
        if name in numbers:
            program += equal(int(numbers[name]), 0, 1) + give(ALLOW)
    return program + refuse(1)


# ---- doing it ----------------------------------------------------------------------------------------

def must(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def mount(source, target, flags):
    must(libc.mount(source and source.encode(), target.encode(), None, flags, None), f"mount {target}")


def read_only(writable):
    must(libc.unshare(CLONE_NEWNS), "unshare")
    mount(None, "/", MS_REC | MS_PRIVATE)
    for path in writable:
        mount(path, path, MS_BIND)
    for path in ["/"] + [line.split()[1] for line in open("/proc/mounts")
                         if line.split()[1] == "/tmp"]:
        mount(None, path, MS_REMOUNT | MS_BIND | MS_RDONLY)


def give_up_rights():
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")


def filter_calls(program):
    class Program(ctypes.Structure):
        _fields_ = [("n", ctypes.c_ushort), ("code", ctypes.c_char_p)]
    made = Program(len(program) // 8, program)
    must(libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(made), 0, 0), "seccomp")


def main(unit_path, writable, *command):
    unit = open(unit_path).read()
    program = make_filter(unit)
    read_only(writable.split(":"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(values(unit, "LimitNOFILE")[0]),) * 2)
    os.umask(int(values(unit, "UMask")[0], 8))
    give_up_rights()
    filter_calls(program)
    os.execv(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
