#!/usr/bin/env python3
"""Input that means harm, through the programs: a compressed record that inflates to a thousand times
its size, a configuration that wants the terminal or the memory, a database with values that fmd does not
write.

    python3 tests/system/test_hostile.py BUILD_DIR [unittest arguments]
"""
import pathlib
import random
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from test_faults import Faults  # noqa: E402
from test_self import Self, request  # noqa: E402
from test_daemon import Base, wait  # noqa: E402

# What a terminal obeys: C0 but for the line's end, DEL, and C1 as code points.
OBEYED = {chr(c) for c in (*range(0x20), 0x7f, *range(0x80, 0xa0))} - {"\n"}
BOMB_MIB = 100


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Bomb(Self):
    def memory_mib(self, fmd, name):
        lines = pathlib.Path(f"/proc/{fmd.pid}/status").read_text().splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith(name)][0] / 1024

    def test_a_gzip_bomb_costs_its_size_once_and_reading_goes_on(self):
        fmd = self.demo()
        (self.dir / "bomb").write_bytes(b"a" * (BOMB_MIB << 20))
        subprocess.run(["kcat", "-P", "-z", "gzip", "-X", "message.max.bytes=1000000000", "-X",
                        "batch.size=900000000", "-b", self.broker, "-t", "fm.requests",
                        str(self.dir / "bomb")], check=True, timeout=120)
        self.produce("fm.requests", request())
        self.raised("200.004", 60)
        self.raised("990.001")
        record = self.rows("quarantine-list")[0]
        self.assertIn(f"{BOMB_MIB << 20} bytes, at most 65536", str(record))
        print(f"a record of {BOMB_MIB} MiB: VmHWM {self.memory_mib(fmd, 'VmHWM'):.0f} MiB, then VmRSS "
              f"{self.memory_mib(fmd, 'VmRSS'):.0f} MiB", flush=True)
        if not test_daemon.keeps_freed_memory():
            wait(lambda: self.memory_mib(fmd, "VmRSS") < BOMB_MIB, "the memory to be given back")


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class BombInBounds(Faults):
    """There is less memory than the bomb needs, as by the unit's MemoryMax."""
    BOUND = 256 << 20

    def begin(self, config):
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen([test_daemon.BUILD / "fmd/fmd", "-c", config], stderr=log,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (self.BOUND,) * 2))
        self.addCleanup(self.end, fmd)
        return fmd

    def test_it_ends_fmd_each_time_and_nothing_is_lost_or_blamed(self):
        if b"__asan_init" in (test_daemon.BUILD / "fmd/fmd").read_bytes():
            self.skipTest("AddressSanitizer needs more room than any bomb")
        config = self.conf("limits: {starts: 1}\n")
        self.produce("fm.requests", request(entity="host=before"))
        fmd = self.begin(config)                # there is enough for everything else
        wait(lambda: self.fm("version").returncode == 0 and self.hosts(), "the record before")
        (self.dir / "bomb").write_bytes(b"a" * self.BOUND)
        subprocess.run(["kcat", "-P", "-z", "gzip", "-X", "message.max.bytes=1000000000", "-X",
                        "batch.size=900000000", "-b", self.broker, "-t", "fm.requests",
                        str(self.dir / "bomb")], check=True, timeout=120)
        self.produce("fm.requests", request(entity="host=behind"))
        self.assertEqual(fmd.wait(60), -signal.SIGABRT)
        self.assertEqual(self.begin(config).wait(60), -signal.SIGABRT)     # none is at hand, none to blame
        self.start("-c", config)
        wait(lambda: "host=behind" in self.hosts(), "the record behind", 60)
        self.assertEqual(self.hosts(), {"host=before": 1, "host=behind": 1})
        self.assertEqual(self.active("990.013"), [])
        row, = [r for r in self.rows("ledger") if r["topic"] == "fm.requests"]
        self.assertEqual([row[k] for k in ("read", "applied", "quarantined")], [3, 2, 1])


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Peers(Self):
    """A manager and a master agent that send anything."""

    @staticmethod
    def mutants(packet, n, seed):
        """Cut, stretched, with bytes changed, and noise."""
        dice = random.Random(seed)
        for i in range(n):
            kind = i % 4
            if kind == 0:
                yield packet[:dice.randrange(len(packet))]
            elif kind == 1:
                yield packet + dice.randbytes(dice.randrange(1, 1200))
            elif kind == 2:
                yield dice.randbytes(dice.randrange(1, 1500))
            else:
                changed = bytearray(packet)
                for _ in range(dice.randrange(1, 6)):
                    changed[dice.randrange(len(changed))] = dice.randrange(256)
                yield bytes(changed)

    def lag(self):
        return [s["lag"] for s in self.rows("sink-list") if s["name"] == "snmp:t"][0]

    def test_answers_to_informs_can_be_anything(self):
        manager = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(("127.0.0.1", 0))
        manager.settimeout(30)
        (self.dir / "community").write_text("alarms-here\n")
        (self.dir / "community").chmod(0o600)
        fmd = self.demo(f"snmp: {{targets: [{{name: t, address: '127.0.0.1:{manager.getsockname()[1]}', "
                        f"version: 2c, inform: true, timeout: 1s, community_file: {self.dir}/community}}]}}\n")
        self.produce("fm.requests", request())
        inform, fmd_address = manager.recvfrom(65536)
        place = inform.index(b"alarms-here") + len("alarms-here")
        self.assertEqual(inform[place], 0xa6)
        answer = inform[:place] + b"\xa2" + inform[place + 1:]
        other = bytearray(answer)               # of another request
        other[place + 6] ^= 0x55
        for packet in (bytes(other), *self.mutants(inform[:place] + b"\xa8" + inform[place + 1:], 400, 1)):
            if packet:
                manager.sendto(packet, fmd_address)
        self.assertEqual(self.fm("version").returncode, 0)
        self.assertGreater(self.lag(), 0)       # none of it was an acknowledgement
        wait(lambda: self.acknowledged(manager), "the inform to be acknowledged")
        self.assertIsNone(fmd.poll())

    def acknowledged(self, manager):
        manager.settimeout(1)
        try:
            packet, address = manager.recvfrom(65536)
            place = packet.index(b"alarms-here") + len("alarms-here")
            manager.sendto(packet[:place] + b"\xa2" + packet[place + 1:], address)
        except TimeoutError:
            pass                                # it is, perhaps
        return self.lag() == 0

    def test_a_master_agent_can_send_anything(self):
        path = self.dir / "master"
        master = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(master.close)
        master.bind(str(path))
        master.listen(4)
        master.settimeout(60)
        fmd = self.demo(f"snmp: {{agentx: {path}}}\n")
        big = bytes([1, 5, 0x10, 0]) + bytes(12) + (0xfffffff0).to_bytes(4, "big")
        for noise in (big, b"".join(self.mutants(big, 40, 2))):
            connection, _ = master.accept()
            with connection:
                connection.settimeout(30)
                opening = connection.recv(65536)
                self.assertEqual(opening[:2], b"\x01\x01")      # version 1, Open
                try:
                    connection.sendall(noise)
                    self.assertEqual(connection.recv(1), b"", "fmd has not hung up")
                except ConnectionError:
                    pass                        # that is how it does
            self.assertEqual(self.fm("version").returncode, 0)
        connection, _ = master.accept()         # and tries again
        connection.close()
        self.assertIsNone(fmd.poll())


class Configuration(Base):
    HOSTILE = r"\e[31m\a\x7f\u009b2J\n\u202e"

    def harmless(self, text):
        self.assertFalse(OBEYED & set(text) or "\u202e" in text, repr(text))

    def test_what_is_wrong_is_said_without_being_obeyed(self):
        for text in (f'"{self.HOSTILE}": 1\n', f'kafka: {{inputs: [{{topic: "{self.HOSTILE}"}}]}}\n',
                     f'log: {{level: "{self.HOSTILE}"}}\n', f'catalogue: "/x{self.HOSTILE}"\n'):
            with self.subTest(text):
                path = self.dir / "hostile.yaml"
                path.write_text(text)
                out = self.run_fmd("-n", "-c", path)
                self.assertEqual(out.returncode, 1)
                self.harmless(out.stderr)

    def test_what_is_right_is_printed_without_being_obeyed_and_loads_again(self):
        text = f'kafka: {{outputs: {{}}}}\nsnmp: {{region: "a{self.HOSTILE}b\'"}}\n'
        first = self.run_fmd("-nv", "-c", self.config(text))
        self.assertEqual(first.returncode, 0, first.stderr)
        self.harmless(first.stdout)
        self.assertIn("U0000202e", first.stdout.replace("U0000202E", "U0000202e"))
        path = self.dir / "again.yaml"
        path.write_text(first.stdout.split("---\n")[0])
        self.assertEqual(self.run_fmd("-nv", "-c", path).stdout, first.stdout)

    def test_it_has_an_edge_in_bytes_and_in_entries(self):
        def inputs(n):
            return "kafka: {inputs: [" + ", ".join(f"{{topic: t{i}}}" for i in range(n)) + "]}\n"

        def padded(n):
            plain = len(self.config("").read_bytes())
            return "#" * (n - plain - 1) + "\n"
        for fits, over in ((inputs(64), inputs(65)), (padded(65536), padded(65537))):
            out = self.run_fmd("-n", "-c", self.config(fits))
            self.assertEqual(out.returncode, 0, out.stderr)
            out = self.run_fmd("-n", "-c", self.config(over))
            self.assertEqual(out.returncode, 1, over[:80])
            self.assertIn("fmd.yaml", out.stderr)

    def test_a_bomb_of_aliases_is_refused_at_once(self):
        lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]"
                                      for i in range(1, 30)]
        path = self.dir / "bomb.yaml"
        for text in ("\n".join(lines), "a: &a [*a]", "[" * 60000, "{a: " * 60000, "- " * 30000):
            path.write_text(text)
            out = self.run_fmd("-n", "-c", path)
            self.assertEqual(out.returncode, 1, text[:80])
            self.assertIn("bomb.yaml", out.stderr)


class Damaged(Base):
    def test_a_value_that_fmd_does_not_write_is_refused_by_name(self):
        config = self.config("kafka: {brokers: '127.0.0.1:1'}\nself: {late: 1s}\n")
        fmd = self.start("-c", config)
        wait(lambda: self.rows("alarm-list"), "an alarm of fmd's own", 60)
        self.end(fmd)
        db = sqlite3.connect(self.dir / "state" / "fmd.db")
        with db:
            db.execute("update alarm set severity = 99")
        db.close()
        out = self.run_fmd("-c", config)
        self.assertNotEqual(out.returncode, 0)
        self.assertIn("damaged: a row of kind", out.stderr)


if __name__ == "__main__":
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
