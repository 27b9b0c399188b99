#!/usr/bin/env python3
"""What fmd does when what it stands on fails: the disk, the database, the clock, its input. One class
a kind of fault; docs/FAULTS.md says which test shows which line of its table.

    python3 tests/system/test_faults.py BUILD_DIR [unittest arguments]
"""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
import test_self  # noqa: E402
from test_daemon import Base, wait  # noqa: E402
from test_self import request  # noqa: E402
from story import Story  # noqa: E402


class Faults(test_self.Self):
    """fmd reads from the broker of another fmd, which keeps what it has through all of it."""

    def setUp(self):
        super().setUp()
        self.there = Base("run")
        self.there.setUp()
        self.addCleanup(self.there.doCleanups)
        self.there.fmd = self.there.start("--demo", "--state-dir", self.there.dir, "-c", self.there.config(
            "kafka: {outputs: {alarms: there.a, transitions: there.t, quarantine: there.q}}\n"))
        self.broker = (self.there.dir / "broker").read_text().strip()

    def conf(self, text="", topics=("fm.requests",)):
        inputs = ", ".join(f"{{topic: {t}}}" for t in topics)
        return self.config(f"kafka: {{brokers: '{self.broker}', start: earliest,"
                           f" inputs: [{inputs}]}}\n{text}")

    def transitions(self):
        out = subprocess.run(["kcat", "-C", "-b", self.broker, "-t", "fm.transitions", "-e", "-q"],
                             capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def told_once(self):
        """By sequence number; a delivery may be repeated, but only as it was."""
        told = {}
        for t in self.transitions():
            self.assertEqual(told.setdefault((t["stream"], t["seq"]), t), t)
        return sorted(told.values(), key=lambda t: t["seq"])      # the topic has partitions

    def states(self, want):
        """Waits until the input partitions that are read at all are said to be so."""
        wait(lambda: {r["state"] for r in self.rows("ledger")} - {"not read"} == want, want)

    def hosts(self):
        return {a["entity_instance_id"]: a["count"] for a in self.rows("alarm-list")
                if a["alarm_id"] == "200.004"}


# ---- the disk -----------------------------------------------------------------------------------

def fill(path):
    """Writes path until the disk is full to the last block."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


@unittest.skipUnless(shutil.which("kcat") and os.geteuid() == 0, "needs kcat, and root for mounts")
class FullDisk(Faults):
    SIZE = 48

    def mount(self, *args):
        place = self.dir / "state"
        place.mkdir()
        if subprocess.run(["mount", *args, place], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a small file system")
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        return place

    def on_tmpfs(self):
        return self.mount("-t", "tmpfs", "-o", f"size={self.SIZE}m", "none")

    def on_loop(self):
        image = self.dir / "image"
        with open(image, "wb") as file:
            file.truncate(self.SIZE << 20)
        if not shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin:/bin"):
            self.skipTest("needs mkfs.ext4")
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True,
                       env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
        return self.mount("-o", "loop", str(image))

    def produce_until_held(self):
        for i in range(200):
            self.produce("fm.requests", *[request(entity=f"host=h{i}-{j}", reason_text="x" * 200)
                                          for j in range(20)])
            self.sent += [f"host=h{i}-{j}" for j in range(20)]
            if self.figure("store", "held by a full disk"):
                self.states({"held"})
                return
        self.fail("the disk did not become full")

    def tell_full_and_recover(self, place):
        config = self.conf("self: {disk_free: 0, reserve: 4194304}\n")
        fmd = self.start("-c", config)
        self.sent = ["host=first"]
        self.produce("fm.requests", request(entity="host=first"))
        wait(self.hosts, "the first alarm")
        fill(place / "ballast")
        self.produce_until_held()

        # From the reserve: fmd's own alarm by the common road, and commands.
        self.assertIn("disk is full", self.raised("990.003")["reason_text"])
        wait(lambda: "raise" in self.produced("990.003", "state_dir"), "990.003 on the topic")
        known = self.hosts()
        self.assertIn("host=first", known)
        first = [a for a in self.active("200.004") if a["entity_instance_id"] == "host=first"][0]
        self.assertEqual(self.fm("alarm-ack", first["uuid"]).returncode, 0)

        # Without it: reads go on, what would have to be stored is refused with the reason.
        fill(place / "ballast-2")
        verbs = ["alarm-unack", "alarm-ack"]

        def refused():
            verbs.reverse()
            return "disk is full" in self.fm(verbs[0], first["uuid"]).stderr
        wait(refused, "a command to be refused", 60)
        told = {(t["stream"], t["seq"]) for t in self.told_once()}
        shown = self.rows("alarm-show", first["uuid"])["acked_by"]
        self.assertEqual(self.hosts(), known)
        self.produce("fm.requests", request(entity="host=last"))
        self.sent.append("host=last")
        self.assertEqual({(t["stream"], t["seq"]) for t in self.told_once()}, told)

        # Room: by itself, every record once, no number twice or missing.
        (place / "ballast").unlink()
        (place / "ballast-2").unlink()
        self.cleared("990.003")
        self.states({"reading"})
        wait(lambda: len(self.hosts()) == len(self.sent), "all that was sent")
        self.assertEqual(self.hosts(), {h: 1 for h in self.sent})
        self.assertEqual(self.rows("alarm-show", first["uuid"])["acked_by"], shown)
        self.assertEqual(fmd.poll(), None)
        self.assertTrue((place / "reserve").exists())
        last = self.figure("store", "last sequence")
        wait(lambda: len(self.told_once()) >= last, "all to be told")
        numbers = sorted(t["seq"] for t in self.told_once())
        self.assertEqual(numbers[:last], list(range(1, last + 1)))
        row, = [r for r in self.rows("ledger") if r["topic"] == "fm.requests"]
        self.assertEqual((row["read"], row["applied"]), (len(self.sent), len(self.sent)))
        self.assertEqual(sorted(t["alarm"]["entity_instance_id"] for t in self.told_once()
                                if (t["kind"], t["alarm"]["alarm_id"]) == ("raise", "200.004")),
                         sorted(self.sent))
        fmd.kill()                              # what is shown is what is stored
        fmd.wait()
        self.there.fmd.send_signal(signal.SIGSTOP)
        self.addCleanup(self.there.fmd.send_signal, signal.SIGCONT)
        self.start("-c", config)
        self.assertEqual(self.hosts(), {h: 1 for h in self.sent})
        self.states({"starting"})               # no broker has said anything
        self.there.fmd.send_signal(signal.SIGCONT)
        self.states({"reading"})

    def test_on_tmpfs_fmd_waits_for_room_and_loses_nothing(self):
        self.tell_full_and_recover(self.on_tmpfs())

    def test_on_ext4_fmd_waits_for_room_and_loses_nothing(self):
        self.tell_full_and_recover(self.on_loop())

    def test_an_end_and_a_start_on_a_full_disk(self):
        place = self.on_tmpfs()
        config = self.conf("self: {disk_free: 0, reserve: 4194304}\n")
        fmd = self.start("-c", config)
        self.sent = []
        fill(place / "ballast")
        self.produce_until_held()
        fill(place / "ballast-2")
        self.end(fmd)
        out = self.run_fmd("-c", config)        # cannot even note that it runs
        self.assertEqual(out.returncode, 74, out.stderr)
        (place / "ballast").unlink()
        self.start("-c", config)
        wait(lambda: len(self.hosts()) == len(self.sent), "all that was sent")
        self.assertEqual(set(self.hosts().values()), {1})


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class BadDisk(Faults):
    """No sync of the database succeeds, by a library preloaded into fmd."""

    def setUp(self):
        super().setUp()
        self.bad = self.dir / "bad"
        self.bad.write_text("0")
        self.env = dict(os.environ, LD_PRELOAD=str(next(test_daemon.BUILD.rglob("bad_disk.so"))),
                        FMD_TEST_DISK=str(self.bad),
                        ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")

    def begin(self, config):
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen([test_daemon.BUILD / "fmd/fmd", "-c", config], stderr=log,
                                   env=self.env)
        self.addCleanup(self.end, fmd)
        wait(lambda: fmd.poll() is not None or self.fm("version").returncode == 0, "fmd to answer")
        return fmd

    def fail_three_times(self, config):
        fmd = self.begin(config)
        self.produce("fm.requests", request(entity="host=a"))
        wait(self.hosts, "a")
        self.bad.write_text("1")
        self.produce("fm.requests", request(entity="host=b"))
        self.assertEqual(fmd.wait(30), 74)
        for _ in range(2):
            self.assertEqual(self.begin(config).wait(30), 74)

    def state(self):
        return {p.name: p.read_bytes() for p in (self.dir / "state").glob("fmd.db*")}

    def test_errors_again_and_again_freeze_it_until_a_try_succeeds(self):
        config = self.conf()
        self.fail_three_times(config)
        before = self.state()
        fmd = self.begin(config)
        self.assertIsNone(fmd.poll(), self.log())
        self.assertEqual(self.hosts()["host=a"], 1)     # b, too, when the file has it after all
        self.assertIn("fmd is frozen", self.raised("990.003")["reason_text"])
        first = self.active("200.004")[0]
        self.assertEqual(self.rows("alarm-history", first["uuid"])[0]["kind"], "raise")
        out = self.fm("alarm-ack", first["uuid"])
        self.assertEqual(out.returncode, 1)
        self.assertIn("the disk gives errors, and fmd is frozen", out.stderr)
        self.assertEqual(self.figure("store", "frozen by errors"), 1)
        self.assertEqual(self.figure("store", "held by a full disk"), 0)
        self.states({"held"})
        # A try that fails freezes the next start again.
        fmd.send_signal(signal.SIGHUP)
        self.assertEqual(fmd.wait(30), 74)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.begin(config).wait(30), 74)
        fmd = self.begin(config)
        self.assertEqual(self.figure("store", "frozen by errors"), 1)
        fmd.kill()                              # an orderly end would not write either
        fmd.wait()
        self.bad.write_text("0")
        fmd = self.begin(config)
        fmd.send_signal(signal.SIGHUP)
        self.assertEqual(fmd.wait(30), 74)
        self.begin(config)
        wait(lambda: len(self.hosts()) == 2, "b")
        self.assertEqual(self.hosts(), {"host=a": 1, "host=b": 1})
        self.assertIn("could not store", self.raised("990.003")["reason_text"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root for mounts")
    def test_a_read_only_file_system_freezes_it_too(self):
        place = self.dir / "state"
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "none", place], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a small file system")
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        config = self.conf()
        fmd = self.begin(config)
        self.produce("fm.requests", request(entity="host=a"))
        wait(self.hosts, "a")
        fmd.kill()
        fmd.wait()
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        for _ in range(3):
            self.assertEqual(self.begin(config).wait(30), 74)
        self.begin(config)
        self.assertEqual(self.hosts(), {"host=a": 1})
        self.assertEqual(self.figure("store", "frozen by errors"), 1)

    def test_failures_are_in_a_row_when_nothing_lies_between(self):
        config = self.conf("self: {late: 1s}\n")
        fmd = self.begin(config)
        self.produce("fm.requests", request(entity="host=a"))
        wait(self.hosts, "a")
        tally = self.dir / "fmd.sock.failures"
        self.bad.write_text("1")
        self.produce("fm.requests", request(entity="host=b"))
        self.assertEqual(fmd.wait(30), 74)
        self.assertTrue(tally.exists())
        self.bad.write_text("0")
        self.begin(config)
        wait(lambda: not tally.exists(), "a second without a failure")


# ---- the database --------------------------------------------------------------------------------

def damage(path):
    """Every third page but the first two."""
    with open(path, "r+b") as file:
        for page in range(2, path.stat().st_size // 4096, 3):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Database(Faults):
    def evidence(self):
        return sorted(p.name for p in (self.dir / "state").glob("fmd.db.corrupt-*")
                      if not p.name.endswith("-wal"))

    def kill(self, fmd):
        fmd.kill()
        fmd.wait()

    def copied(self):
        """Waits for a copy that was begun after this call."""
        names = [self.dir / "state/fmd.backup", self.dir / "state/fmd.backup.1"]

        def ids():
            return [n.stat().st_ino if n.exists() else 0 for n in names]
        for _ in range(2):
            was = ids()
            wait(lambda: ids() != was, "a copy")

    def damaged_after(self, text=""):
        """Alarms a (in the copy) and b (behind it), told; an end by a kill, then damage."""
        config = self.conf("retention: {backup: 1s}\n" + text)
        fmd = self.start("-c", config)
        self.produce("fm.requests", request(entity="host=a"))
        wait(self.hosts, "a")
        self.copied()
        self.end(fmd)
        fmd = self.start("-c", self.conf("retention: {backup: 0}\n" + text))
        self.produce("fm.requests", request(entity="host=b"))
        wait(lambda: len(self.hosts()) == 2, "b")
        wait(lambda: len(self.told_once()) >= self.figure("store", "last sequence"), "all told")
        self.kill(fmd)
        damage(self.dir / "state/fmd.db")
        return config

    def test_damage_is_put_aside_and_a_copy_goes_on_from_where_it_was(self):
        config = self.damaged_after()
        before = self.told_once()
        old = before[0]["stream"]
        self.start("-c", config)
        wait(lambda: len(self.hosts()) == 2, "b to be read again")
        self.assertEqual(self.hosts(), {"host=a": 1, "host=b": 1})
        alarm = self.raised("990.010")
        self.assertIn("made anew from a copy of 20", alarm["reason_text"])
        self.assertEqual(len(self.evidence()), 1)
        # The stream is another one, begins with what happened and has no hole; old numbers stay.
        last = self.figure("store", "last sequence")
        wait(lambda: any(t["seq"] == last and t["stream"] != old for t in self.told_once()), "all")
        new = [t for t in self.told_once() if t["stream"] != old]
        self.assertEqual({t["stream"] for t in new}, {new[0]["stream"]})
        self.assertEqual(new[0]["kind"], "list-rebuilt")
        self.assertEqual([t["seq"] for t in new], list(range(new[0]["seq"], last + 1)))
        self.assertEqual([t for t in self.told_once() if t["stream"] == old], before)
        self.assertIn("host=b", [t["alarm"]["entity_instance_id"] for t in new])
        self.assertIn("from a copy of 20", self.fm("event-list", "--include_suppress").stdout)

    def test_it_is_told_once_and_stays_until_an_operator_has_seen_it(self):
        config = self.damaged_after()
        self.kill(self.start("-c", config))
        self.start("-c", config)
        alarm = self.raised("990.010")
        self.assertEqual(alarm["count"], 1)
        last = self.figure("store", "last sequence")
        wait(lambda: self.told_once()[-1]["seq"] >= last, "all to be told")
        self.assertEqual([t["kind"] for t in self.told_once()].count("list-rebuilt"), 1)
        self.assertEqual(self.fm("alarm-delete", "--yes", alarm["uuid"]).returncode, 0)
        self.assertEqual(self.active("990.010"), [])

    def test_without_a_copy_fmd_does_not_begin_with_nothing(self):
        config = self.conf("retention: {backup: 0}\n")
        fmd = self.start("-c", config)
        self.produce("fm.requests", request(entity="host=a"))
        wait(self.hosts, "a")
        self.kill(fmd)
        for name in ("fmd.db", "fmd.db-wal"):
            path = self.dir / "state" / name
            path.write_bytes(b"\xa5" * path.stat().st_size)
        out = self.run_fmd("-c", config)
        self.assertEqual(out.returncode, 1, out.stderr)
        self.assertIn("no whole copy", out.stderr)
        self.assertEqual(self.evidence(), [])

    def test_an_emptied_or_missing_one_is_no_first_start(self):
        config = self.conf("retention: {backup: 0}\n")
        state = self.dir / "state"
        self.kill(self.start("-c", config))
        kept = sorted(p.name for p in state.iterdir() if not p.name.startswith("fmd.db"))
        for what in ("empty", "missing"):
            for path in state.glob("fmd.db*"):
                path.unlink()
            if what == "empty":
                (state / "fmd.db").touch()
            with self.subTest(what):
                out = self.run_fmd("-c", config)
                self.assertEqual(out.returncode, 1, out.stderr)
                self.assertRegex(out.stderr, "state/fmd.db: missing or empty beside failure; there is no"
                                             " whole copy")
                self.assertEqual([p.stat().st_size for p in state.glob("fmd.db*")],
                                 [0] if what == "empty" else [])
        for name in kept:                       # by RECOVERY: to begin with nothing
            if name != "snmp":
                (state / name).unlink()
        self.start("-c", config)

    def lose(self, remove):
        """a is known; then remove() under the running fmd, which has to end for it."""
        config = self.conf("retention: {backup: 0}\n")
        fmd = self.start("-c", config)
        self.produce("fm.requests", request(entity="host=a"))
        wait(self.hosts, "a")
        remove(self.dir / "state")
        self.assertEqual(fmd.wait(30), 74, self.log())
        return config

    def test_a_directory_removed_under_fmd_ends_it_and_the_next_start_says_so(self):
        config = self.lose(shutil.rmtree)
        self.assertIn("state/fmd.db: removed while in use; ending", self.log())
        self.assertFalse((self.dir / "state").exists())
        self.kill(self.start("-c", config))
        self.start("-c", config)
        alarm = self.raised("990.010")
        self.assertIn("All that was stored is gone", alarm["reason_text"])
        self.assertIn("state/fmd.db: removed while in use", alarm["reason_text"])
        self.assertEqual(alarm["count"], 1)
        wait(lambda: "host=a" in self.hosts(), "a to be read again")
        self.assertEqual([t["kind"] for t in self.rows("event-list", "--include_suppress")
                          ].count("list-rebuilt"), 1)
        self.assertEqual(self.fm("alarm-delete", "--yes", alarm["uuid"]).returncode, 0)

    def test_a_database_removed_under_fmd_is_not_begun_anew(self):
        config = self.lose(lambda state: (state / "fmd.db").unlink())
        out = self.run_fmd("-c", config)
        self.assertEqual(out.returncode, 1, out.stderr)
        self.assertIn("missing or empty beside failure", out.stderr)

    def test_a_copy_that_cannot_be_made_is_an_alarm(self):
        config = self.conf("retention: {backup: 1s}\n")
        (self.dir / "state").mkdir()
        (self.dir / "state/fmd.backup.part").mkdir()
        self.start("-c", config)
        self.raised("990.011")
        (self.dir / "state/fmd.backup.part").rmdir()
        self.cleared("990.011")


# ---- the control socket ---------------------------------------------------------------------------


class Socket(Base):
    def begin(self, name):
        """One more fmd, with a state of its own, on the same socket. Returns it when it listens."""
        config = self.config("kafka: {brokers: '127.0.0.1:1'}\n", name=f"{name}.yaml")
        config.write_text(config.read_text().replace(f"{self.dir}/state", f"{self.dir}/{name}"))
        return self.start("-c", config)

    def answers(self):
        return self.fm("version").returncode == 0

    def said(self, words):
        wait(lambda: words in self.log(), words)

    def test_one_that_is_removed_is_made_again(self):
        self.begin("a")
        os.unlink(self.socket)
        wait(self.answers, "the socket")
        self.said("fmd.sock: was removed or replaced, and is made anew")

    def test_nobody_removes_that_of_another(self):
        a = self.begin("a")
        os.unlink(self.socket)
        a.send_signal(signal.SIGSTOP)           # its tick would be first
        b = self.begin("b")
        a.send_signal(signal.SIGCONT)
        self.said("nobody can connect: " + self.socket + ": another fmd answers")
        self.end(a)
        self.assertTrue(self.answers())
        a = self.run_fmd("-c", self.dir / "a.yaml")
        self.assertEqual(a.returncode, 73)
        self.assertTrue(self.answers())
        self.end(b)
        self.assertFalse(os.path.exists(self.socket))

    def test_a_directory_that_is_missing_is_named(self):
        config = self.config()
        config.write_text(config.read_text().replace("fmd.sock", "nowhere/fmd.sock"))
        out = self.run_fmd("-c", config)
        self.assertEqual(out.returncode, 1)
        self.assertIn(f"{self.dir}/nowhere: No such file or directory", out.stderr)


# ---- time ------------------------------------------------------------------------------------------

HOUR = 3600
PAUSED = "700.002"                              # held on for 10 s


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Clock(Faults):
    """fmd with a library preloaded that moves its clocks; the brokers' stay as they are."""

    def setUp(self):
        super().setUp()
        self.story = Story(1, 0)

    def start(self, *args):
        library = next(test_daemon.BUILD.rglob("clock_shift.so"))
        self.clock = self.dir / "clock"
        if not self.clock.exists():
            self.shift()
        env = dict(os.environ, LD_PRELOAD=str(library), FMD_TEST_CLOCK=str(self.clock),
                   ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen([test_daemon.BUILD / "fmd/fmd", *args], stderr=log, env=env)
        self.addCleanup(self.end, fmd)
        self.addCleanup(fmd.send_signal, signal.SIGCONT)
        wait(lambda: fmd.poll() is not None or self.fm("version").returncode == 0, "fmd to answer")
        self.assertIsNone(fmd.poll(), self.log())
        return fmd

    def shift(self, wall=0, boot=0):
        """In place, for fmd has it mapped."""
        with open(self.clock, "r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("=qq", wall * 10**9, boot * 10**9))

    def guest(self, event, state):
        self.story.now = int(time.time() * 1000)
        self.story.nova(event, self.story.guests[0], "compute-0", state=state)
        self.produce("fm.requests", self.story.records[-1][2])

    def applied(self, n):
        wait(lambda: sum(r["applied"] + r["no_effect"] for r in self.rows("ledger")) >= n,
             f"{n} records")

    def began(self, text="self: {quiet: 2s}\n"):
        """fmd is up to date and has read that a guest is paused. Returns fmd and when that was."""
        fmd = self.start("-c", self.conf(text))
        self.produce("fm.requests", request(entity="host=first"))
        self.applied(1)
        wait(lambda: self.figure("time", "all input heard once"), "fmd to be up to date")
        at = time.monotonic()
        self.guest("instance.pause.end", "paused")
        self.applied(2)
        return fmd, at

    def history(self, alarm):
        return [t["kind"] for t in self.rows("event-list", "--include_suppress")
                if t["alarm"]["alarm_id"] == alarm and t["kind"] != "log"]

    def test_a_step_forward_fires_nothing_early(self):
        _, at = self.began()
        self.shift(wall=HOUR)
        self.assertIn("set forward by 3600 s", self.raised("990.012")["reason_text"])
        raised = self.raised(PAUSED, 60)
        self.assertGreater(time.monotonic() - at, 10)
        self.cleared("990.012")
        self.assertGreater(raised["raised_at"], time.strftime("%Y-%m-%dT%H:%M:%S",
                                                              time.gmtime(time.time() + HOUR - 99)))
        self.assertEqual(self.history(PAUSED), ["raise"])

    def test_a_step_back_holds_nothing_up(self):
        fmd, at = self.began()
        self.shift(wall=-HOUR)
        self.assertIn("set back by 3", self.raised("990.012")["reason_text"])
        self.raised(PAUSED, 60)                 # not in an hour
        self.assertGreater(time.monotonic() - at, 10)
        self.produce("fm.requests", request(entity="host=second"))
        wait(lambda: "host=second" in self.hosts(), "a record after it")
        self.kill_and_start(fmd)
        self.assertEqual(self.history(PAUSED), ["raise"])
        self.produce("fm.requests", request(entity="host=third"))
        wait(lambda: "host=third" in self.hosts(), "a record after the restart")
        self.raised("990.012")                  # for as long as fmd's time is ahead
        self.shift()
        self.cleared("990.012", 60)

    def kill_and_start(self, fmd):
        fmd.kill()
        fmd.wait()
        return self.start("-c", self.conf("self: {quiet: 2s}\n"))

    def test_a_suspend_is_time_in_which_nobody_listened(self):
        fmd, _ = self.began()
        fmd.send_signal(signal.SIGSTOP)
        self.guest("instance.unpause.end", "active")
        self.shift(24 * HOUR, 24 * HOUR)
        fmd.send_signal(signal.SIGCONT)
        self.applied(3)
        self.guest("instance.pause.end", "paused")      # that it was caught up is seen by the next
        self.applied(4)
        self.assertEqual(self.history(PAUSED), [])
        self.raised(PAUSED, 60)
        self.assertEqual(self.history("990.012"), [])

    def test_a_day_without_a_broker_raises_nothing_and_costs_no_memory(self):
        fmd, _ = self.began()
        broker = self.there.fmd
        broker.send_signal(signal.SIGSTOP)
        self.addCleanup(broker.send_signal, signal.SIGCONT)
        wait(lambda: not self.figure("kafka", "reachable"), "fmd to notice", 60)
        used = self.rss(fmd)
        self.shift(24 * HOUR, 24 * HOUR)
        self.raised("990.002", 60)              # ten seconds of it, so the guest's are over too
        self.assertEqual(self.history(PAUSED), [])
        self.assertLess(self.rss(fmd), used + 8192)
        broker.send_signal(signal.SIGCONT)
        self.produce("fm.requests", *[request(entity=f"host=n{i}") for i in range(50)])
        wait(lambda: len(self.hosts()) == 51, "what came meanwhile", 60)
        self.cleared("990.002", 60)
        self.raised(PAUSED, 60)                 # now it is known that nothing has ended it
        self.assertEqual(self.history(PAUSED), ["raise"])

    def rss(self, fmd):
        text = pathlib.Path(f"/proc/{fmd.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    def test_beyond_2038_all_is_as_ever(self):
        self.clock = self.dir / "clock"
        ahead = 2208988800 - int(time.time())   # 2040-01-01
        self.shift(wall=ahead)
        config = self.conf("self: {quiet: 2s}\n")
        fmd = self.start("-c", config)
        feed = next(p for p in test_daemon.BUILD.rglob("kafka_feed") if p.is_file())
        lines = [f"fm.requests\t{(2208988800 + i) * 1000}\t{json.dumps(request(entity=f'host=h{i}'))}"
                 for i in range(3)]
        subprocess.run([feed, self.broker], input="\n".join(lines) + "\n", text=True, check=True,
                       timeout=30)
        wait(lambda: len(self.hosts()) == 3, "three alarms")
        for alarm in self.active("200.004"):
            self.assertEqual(alarm["raised_at"][:10], "2040-01-01")
        self.assertEqual(self.fm("alarm-shelve", "--for", "60s", alarm["uuid"]).returncode, 0)
        fmd.kill()
        fmd.wait()
        self.start("-c", config)
        self.assertEqual(len(self.hosts()), 2)
        self.guest("instance.pause.end", "paused")
        self.assertEqual(self.raised(PAUSED, 60)["raised_at"][:7], "2040-01")
        self.assertEqual(self.history("990.012"), [])


# ---- records that end fmd --------------------------------------------------------------------------

# ---- libraries -----------------------------------------------------------------------------------

@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Library(Faults):
    """A thread of librdkafka's own crashes, by a library preloaded into fmd."""

    def begin(self, config):
        env = dict(os.environ, LD_PRELOAD=str(next(test_daemon.BUILD.rglob("crash.so"))),
                   FMD_TEST_CRASH=str(self.dir / "crash"),
                   ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:handle_segv=0")
        (self.dir / "crash").write_text("0")
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen([test_daemon.BUILD / "fmd/fmd", "-c", config], stderr=log, env=env)
        self.addCleanup(self.end, fmd)
        wait(lambda: fmd.poll() is not None or self.fm("version").returncode == 0, "fmd to answer")
        return fmd

    def test_a_crash_of_one_loses_and_doubles_nothing(self):
        config = self.conf("limits: {cycle_records: 50}\n")
        sent = 0
        for _ in range(4):
            fmd = self.begin(config)
            self.produce("fm.requests", *[request(entity=f"host=h{i}") for i in range(sent, sent + 300)])
            sent += 300
            wait(lambda: len(self.hosts()) > sent - 300, "some of them")
            (self.dir / "crash").write_text("1")
            self.produce("fm.requests", request(entity="host=one"))
            self.assertEqual(fmd.wait(30), -signal.SIGSEGV)
        self.start("-c", config)
        wait(lambda: len(self.hosts()) == sent + 1 and self.hosts()["host=one"] >= 4, "all that was sent")
        hosts = self.hosts()
        self.assertEqual(hosts.pop("host=one"), 4)
        self.assertEqual(set(hosts.values()), {1})
        last = self.figure("store", "last sequence")
        wait(lambda: len(self.told_once()) >= last, "all to be told")
        self.assertEqual([t["seq"] for t in self.told_once()][:last], list(range(1, last + 1)))


# ---- records that cannot be read ------------------------------------------------------------------

@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Spoilt(Faults):
    """A producer that has changed its format, beside one that has not."""

    def setUp(self):
        super().setUp()
        subprocess.run(["kcat", "-L", "-b", self.broker], capture_output=True, check=True)
        self.config_ = self.conf("limits: {bad_records: 3}\n", ("fm.requests", "libvirt.events"))

    def input(self, topic="fm.requests"):
        return [r for r in self.rows("ledger") if r["topic"] == topic][0]

    def paused(self):
        wait(lambda: any(r["topic"] == "fm.requests" and r["state"] == "paused"
                         for r in self.rows("ledger")), "the partition to be paused")

    def pause(self):
        self.produce("fm.requests", request(entity="host=before"), *[f"bad-{i}" for i in range(5)],
                     request(entity="host=behind"))
        fmd = self.start("-c", self.config_)
        self.paused()
        return fmd

    def assert_paused(self):
        self.assertEqual([self.input()[k] for k in ("read", "applied", "quarantined", "state")],
                         [4, 1, 3, "paused"])
        self.assertEqual(self.hosts(), {"host=before": 1})

    def test_a_partition_is_paused_and_nothing_is_lost(self):
        fmd = self.pause()
        alarm = self.raised("990.014")
        self.assertIn("3 of the last 4 records could not be read, nor can that at offset 4",
                      alarm["reason_text"])
        self.assert_paused()
        since = self.input()["since"]
        fmd.kill()
        fmd.wait()
        fmd = self.start("-c", self.config_)
        self.paused()
        # Others are read as ever. What an operator deletes while it holds comes back.
        self.produce("libvirt.events", request(entity="host=beside"))
        wait(lambda: "host=beside" in self.hosts(), "the other topic")
        self.assertEqual(self.input()["since"], since)
        self.assertEqual(self.raised("990.014")["count"], 1)
        self.assertEqual(self.fm("alarm-delete", "--yes", alarm["uuid"]).returncode, 0)
        self.raised("990.014")

        out = self.fm("input-resume", "fm.requests", "0")
        self.assertEqual(out.returncode, 0, out.stderr)
        fmd.kill()                              # the answer is durable
        fmd.wait()
        self.start("-c", self.config_)
        wait(lambda: "host=behind" in self.hosts(), "what lay behind")
        self.assertEqual(self.active("990.014"), [])
        row = self.input()
        self.assertEqual([row[k] for k in ("read", "applied", "quarantined")], [7, 2, 5])
        wait(lambda: self.input()["state"] == "reading", "the tick that looks at it")
        self.assertEqual(set(self.hosts().values()), {1})
        self.produce("fm.requests", *[f"worse-{i}" for i in range(5)])  # who resumed has looked
        wait(lambda: self.input()["quarantined"] == 10, "all of them")
        self.assertEqual(self.input()["state"], "reading")
        out = self.fm("input-resume", "fm.requests", "0")
        self.assertEqual(out.returncode, 1)

    def test_it_watches_again_after_a_thousand_good_ones(self):
        self.pause()
        self.assertEqual(self.fm("input-resume", "fm.requests", "0").returncode, 0)
        wait(lambda: "host=behind" in self.hosts(), "what lay behind")
        self.produce("fm.requests", *[request(entity="host=behind") for _ in range(1000)])
        wait(lambda: self.hosts()["host=behind"] == 1001, "a thousand", 60)
        self.cleared("990.014")
        self.produce("fm.requests", *[f"worse-{i}" for i in range(4)])
        self.raised("990.014")
        self.assertEqual(self.input()["quarantined"], 8)

    def test_latest_skips_and_says_what(self):
        self.pause()

        def skipped():
            return self.fm("input-resume", "fm.requests", "0", "latest").returncode == 0
        wait(skipped, "the broker to say what there is")
        self.assertIn("offsets 4 to 6 were skipped by command; reading goes on at offset 7",
                      self.raised("990.008")["reason_text"])
        self.cleared("990.014")
        self.produce("fm.requests", request(entity="host=new"))
        wait(lambda: "host=new" in self.hosts(), "the next record")
        self.assertEqual(self.hosts(), {"host=before": 1, "host=new": 1})


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class CrashLoop(Faults):
    """A failpoint kills fmd at the first record that it reads in each run."""

    def run_until_killed(self, config, fail="record.at_hand:1"):
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen([test_daemon.BUILD / "fmd/fmd", "-c", config], stderr=log,
                                   env=dict(os.environ, FMD_FAILPOINT=fail))
        self.addCleanup(self.end, fmd)
        wait(lambda: fmd.poll() is not None or self.in_quarantine() == self.expected,
             "fmd to be killed, or to read on")
        return fmd.poll() is not None

    def in_quarantine(self):
        out = self.fm("--json", "quarantine-list")
        return len(json.loads(out.stdout)) if out.returncode == 0 else -1

    def sent(self, n):
        self.produce("fm.requests", *[request(entity=f"host=h{i}") for i in range(n)])
        return self.conf("", ("fm.requests",))

    def setUp(self):
        super().setUp()
        subprocess.run(["kcat", "-L", "-b", self.broker], capture_output=True, check=True)

    def test_the_third_start_puts_the_record_aside(self):
        config = self.sent(3)
        self.expected = 1
        for _ in range(3):
            self.assertTrue(self.run_until_killed(config))
        fmd = self.start("-c", config)
        wait(lambda: len(self.hosts()) == 2, "the others")
        self.assertEqual(self.in_quarantine(), 1)
        alarm = self.raised("990.013")
        self.assertIn("1 records", alarm["reason_text"])
        fmd.kill()                              # once settled it is settled
        fmd.wait()
        self.start("-c", config)
        self.assertEqual((len(self.hosts()), self.in_quarantine()), (2, 1))
        self.produce("fm.requests", request(entity="host=next"))
        wait(lambda: len(self.hosts()) == 3, "the next")
        self.assertEqual(self.raised("990.013")["count"], 1)

    def test_then_two_four_eight_at_a_time(self):
        config = self.sent(7)
        self.expected = 7
        starts = 1
        while self.run_until_killed(config):
            starts += 1
            self.assertLess(starts, 10)
        self.assertEqual(starts, 6)             # 3 in vain; 1, 2 and 4 put aside
        self.assertEqual(self.hosts(), {})
        ledger, = [r for r in self.rows("ledger") if r["topic"] == "fm.requests"]
        self.assertEqual((ledger["read"], ledger["quarantined"]), (7, 7))

    def test_kills_elsewhere_put_nothing_aside(self):
        config = self.sent(5)
        self.expected = -2
        for _ in range(5):
            self.assertTrue(self.run_until_killed(config, "start.opened:1"))
        self.start("-c", config)
        wait(lambda: len(self.hosts()) == 5, "all")
        self.assertEqual(self.in_quarantine(), 0)


if __name__ == "__main__":
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
