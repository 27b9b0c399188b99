#!/usr/bin/env python3
"""What fmd does when what it stands on fails: the disk, the database, the clock, its input. One class
a kind of fault; docs/FAULTS.md says which test shows which line of its table.

    python3 tests/system/test_faults.py BUILD_DIR [unittest arguments]
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
import test_self  # noqa: E402
from test_daemon import Base, wait  # noqa: E402
from test_self import request  # noqa: E402


class Faults(test_self.Self):
    """fmd reads from the broker of another fmd, which keeps what it has through all of it."""

    def setUp(self):
        super().setUp()
        self.there = Base("run")
        self.there.setUp()
        self.addCleanup(self.there.doCleanups)
        self.there.start("--demo", "--state-dir", self.there.dir, "-c", self.there.config(
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
        return list(told.values())

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
        self.start("-c", config)
        self.assertEqual(self.hosts(), {h: 1 for h in self.sent})

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


if __name__ == "__main__":
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
