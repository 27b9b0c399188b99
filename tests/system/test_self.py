#!/usr/bin/env python3
"""fmd's own alarms (990.xxx), each raised and cleared by its real cause, as fm and the topic of
transitions show it; and what belongs to them: a dead sink, a full disk, a flood of log lines, an end
with guests paused.

    python3 tests/system/test_self.py BUILD_DIR [unittest arguments]
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from snmp_peers import Snmptrapd, find_snmptrapd  # noqa: E402
from story import Story  # noqa: E402
from test_daemon import ROOT, Base, wait  # noqa: E402

QUICK = "self: {quiet: 1s, late: 2s}\n"
NO_BROKER = "kafka: {brokers: '127.0.0.1:1'}\n"


def event(seq, kind="heartbeat", boot="b1", host="compute-1", **more):
    return {"kind": kind, "seq": seq, "boot": boot, "conn": 1, "host": host,
            "ts": "2026-11-24T10:00:00.000000Z", "mono_ns": seq, **more}


def suspended(seq, uuid):
    return event(seq, "event", event_id=0, event="lifecycle", domain=f"instance-{seq}", uuid=uuid,
                 id=seq, lifecycle="suspended", lifecycle_code=3, detail="paused", detail_code=0)


def request(op="set", entity="host=compute-9", alarm="200.004", **more):
    return {"op": op, "alarm_id": alarm, "entity_instance_id": entity, **more}


class Self(Base):
    def demo(self, text=QUICK, **more):
        fmd = self.start("--demo", "--state-dir", self.dir, "-c", self.config(text, **more))
        self.broker = (self.dir / "broker").read_text().strip()
        return fmd

    def produce(self, topic, *records):
        text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", topic], input=text, text=True,
                       check=True, timeout=60)

    def produced(self, alarm, entity):
        out = subprocess.run(["kcat", "-C", "-b", self.broker, "-t", "fm.transitions", "-e", "-q"],
                             capture_output=True, text=True, timeout=60)
        all_ = [json.loads(line) for line in out.stdout.splitlines()]
        return [t["kind"] for t in all_ if t["alarm"]["alarm_id"] == alarm and
                entity in t["alarm"]["entity_instance_id"]]

    def active(self, alarm):
        return [a for a in self.rows("alarm-list") if a["alarm_id"] == alarm]

    def raised(self, alarm, seconds=30):
        return wait(lambda: self.active(alarm), f"{alarm} to be raised", seconds)[0]

    def cleared(self, alarm, seconds=30):
        wait(lambda: not self.active(alarm), f"{alarm} to be cleared", seconds)

    def told(self, alarm, entity=""):
        wait(lambda: self.produced(alarm, entity) == ["raise", "clear"], f"{alarm} on the topic")

    def figure(self, section, name):
        return [f["value"] for f in self.rows("stats")
                if (f["section"], f["name"]) == (section, name)][0]

    def catalogue_with(self, *changes):
        text = (ROOT / "events.yaml").read_text()
        for old, new in changes:
            self.assertEqual(len(re.findall(old, text)), 1, old)
            text = re.sub(old, new, text)
        path = self.dir / "catalogue.yaml"
        path.write_text(text)
        return path


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Input(Self):
    def test_001_records_that_cannot_be_read(self):
        self.demo()
        self.produce("fm.requests", *["}{"] * 500)
        self.assertEqual(self.raised("990.001")["entity_instance_id"],
                         "service=fmd.topic=quarantine")
        self.cleared("990.001")
        self.told("990.001")

    def test_001_is_cleared_by_the_next_run(self):
        config = self.config("self: {quiet: 2s}\n")
        fmd = self.start("--demo", "--state-dir", self.dir, "-c", config)
        self.broker = (self.dir / "broker").read_text().strip()
        self.produce("fm.requests", "}{")
        self.raised("990.001")
        self.end(fmd)
        self.start("--demo", "--state-dir", self.dir, "-c", config)
        self.cleared("990.001")

    def test_a_deadline_of_the_last_run_keeps_no_demo_busy(self):
        catalogue = self.catalogue_with((r"Hold_On: 10s  # migrations and", "Hold_On: 1s  # and"))
        config = self.config("", catalogue=catalogue)
        fmd = self.start("--demo", "--state-dir", self.dir, "-c", config)
        self.broker = (self.dir / "broker").read_text().strip()
        story = Story(1, int(time.time() * 1000))
        story.nova("instance.pause.end", story.guests[0], "compute-0", state="paused")
        self.produce("fm.requests", story.records[0][2])
        wait(lambda: self.figure("tracker", "deadlines"), "a deadline")
        fmd.kill()
        fmd.wait()
        over = time.time() + 2
        wait(lambda: time.time() > over, "it to be due")
        fmd = self.start("--demo", "--state-dir", self.dir, "-c", config)
        wait(lambda: {r["state"] for r in self.rows("ledger")} == {"reading"}, "its broker")
        heard = time.time() + 2
        wait(lambda: time.time() > heard, "the ends to be reported")
        self.assertEqual(self.fm("version").returncode, 0)
        self.end(fmd)

    def test_a_flood_of_bad_records_is_one_line_and_a_count(self):
        fmd = self.demo(QUICK + "limits: {bad_records: 0}\n")
        self.produce("fm.requests", *["}{"] * 500)
        wait(lambda: self.figure("store", "quarantined ever") == 500, "all to be counted")
        self.assertEqual(self.figure("log lines held back", "records quarantined"), 499)
        self.assertEqual(self.log().count("; quarantined"), 1)
        self.end(fmd)
        self.assertRegex(self.log(), r"decode: 499 more records quarantined in \d+ s")

    def test_005_a_wrong_catalogue(self):
        good = self.catalogue_with()
        text = good.read_text()
        fmd = self.demo(catalogue=good)
        good.write_text(text.replace("While: instance.paused", "While: instance.pausd"))
        fmd.send_signal(signal.SIGHUP)
        self.raised("990.005")
        good.write_text(text)
        fmd.send_signal(signal.SIGHUP)
        self.cleared("990.005")
        self.told("990.005")

    def test_005_is_cleared_by_the_next_run(self):
        good = self.catalogue_with()
        text = good.read_text()
        config = self.config(NO_BROKER, catalogue=good)
        fmd = self.start("-c", config)
        good.write_text("wrong: [\n")
        fmd.send_signal(signal.SIGHUP)
        self.raised("990.005")
        self.end(fmd)
        good.write_text(text)
        self.start("-c", config)
        self.cleared("990.005")

    def test_006_events_lost_on_their_way(self):
        self.demo()
        self.produce("libvirt.events", event(1), event(2), event(9), event(3, host="compute-2"))
        alarm = self.raised("990.006")
        self.assertEqual(alarm["entity_instance_id"], "host=compute-1")
        self.assertIn("6 libvirt events of compute-1", alarm["reason_text"])
        uuid = "6a1ba6a1-4b6e-4a3f-9d2c-%012d"
        told = [event(11 + i, "snapshot", domain=f"d{i}", uuid=uuid % i, id=i, state="running",
                      state_code=1, reason="booted", reason_code=1) for i in range(2)]
        self.produce("libvirt.events", event(10, "connect"), told[0],
                     event(13, "snapshot-end", count=2))       # one of two is missing
        self.produce("fm.requests", request())
        self.raised("200.004")
        self.assertTrue(self.active("990.006"))
        self.produce("libvirt.events", event(14, "connect"), *[dict(t, seq=t["seq"] + 4)
                     for t in told], event(17, "snapshot-end", count=2))
        self.cleared("990.006")
        self.told("990.006")

    def test_006_is_not_raised_for_what_comes_late(self):
        self.demo("self: {late: 4s}\n")
        self.produce("libvirt.events", event(1), event(3))
        wait(lambda: self.figure("events", "lost upstream") == 1, "the gap to be seen")
        self.produce("libvirt.events", event(2))
        self.produce("libvirt.events", event(1, host="compute-2"), event(5, host="compute-2"))
        self.assertEqual(self.raised("990.006")["entity_instance_id"], "host=compute-2")
        self.assertEqual(len(self.active("990.006")), 1)

    def test_007_a_full_table(self):
        few = self.catalogue_with((r"Max_Alarms: 200000 .*", "Max_Alarms: 20"))
        self.demo(catalogue=few)
        names = [f"host=compute-{i}" for i in range(25)]
        self.produce("fm.requests", *[request(entity=n, severity="minor") for n in names])
        self.raised("990.007")
        self.assertGreaterEqual(self.figure("events", "requests refused"), 5)
        self.produce("fm.requests", *[request("clear", n) for n in names[:10]])
        self.cleared("990.007")
        self.told("990.007")


class Brokers(Self):
    """The broker is another fmd's, stopped and continued by signals."""

    def two(self):
        there = Base("run")
        there.setUp()
        self.addCleanup(there.doCleanups)
        broker = there.start("--demo", "--state-dir", there.dir, "-c", there.config())
        self.addCleanup(broker.send_signal, signal.SIGCONT)
        address = (there.dir / "broker").read_text().strip()
        self.conf = self.config(f"kafka: {{brokers: '{address}'}}\n")
        fmd = self.start("-c", self.conf)
        wait(lambda: self.figure("kafka", "reachable") == 1, "the broker to be read")
        return broker, fmd

    def test_002_no_broker(self):
        broker, fmd = self.two()
        self.assertFalse(self.active("990.002"))
        broker.send_signal(signal.SIGSTOP)
        self.raised("990.002", 60)
        self.end(fmd)
        broker.send_signal(signal.SIGCONT)
        self.start("-c", self.conf)             # one that has not seen it go clears it too
        self.cleared("990.002", 60)
        kinds = [t["kind"] for t in self.rows("alarm-history", "990.002", "service=fmd.input=kafka")]
        self.assertEqual(kinds, ["raise", "clear"])

    def test_an_end_while_the_broker_comes_back(self):
        broker, fmd = self.two()
        broker.send_signal(signal.SIGSTOP)
        self.raised("990.002", 60)
        fmd.send_signal(signal.SIGTERM)
        wait(lambda: "SIGTERM: ending" in self.log(), "the end to begin")
        broker.send_signal(signal.SIGCONT)      # reports may come while all is being closed
        self.assertEqual(fmd.wait(60), 0, self.log())
        self.assertNotIn("Sanitizer", self.log())


@unittest.skipUnless(shutil.which("kcat") and find_snmptrapd(), "needs kcat and snmptrapd")
class Sinks(Self):
    KEPT = 1000

    def test_004_009_a_target_that_stays_away(self):
        secret = self.dir / "community"
        secret.write_text("alarms\n")
        secret.chmod(0o600)
        peer = Snmptrapd(str(self.dir), "far")
        self.addCleanup(peer.stop)
        peer.start()
        self.demo(QUICK + f"retention: {{transitions: {self.KEPT}, backlog: {self.KEPT}}}\n"
                  f"snmp: {{targets: [{{name: far, address: '{peer.address}', version: 2c,"
                  f" community_file: {secret}, inform: true, timeout: 1s}}]}}\n")
        self.produce("fm.requests", request(entity="host=known"))
        wait(lambda: len(peer.traps()) == 1, "the first inform")
        peer.signal(signal.SIGSTOP)
        self.produce("fm.requests", request("clear", "host=known"), request(entity="host=early"),
                     *[request(entity=f"host=h{i % 7}", reason_text=f"change {i}")
                       for i in range(4 * self.KEPT)])
        self.raised("990.004")
        wait(lambda: [a for a in self.active("990.009") if
                      a["entity_instance_id"] == "service=fmd.sink=snmp:far"], "990.009")
        wait(lambda: self.figure("store", "last sequence") > 4 * self.KEPT and
             self.figure("store", "oldest sequence") > self.figure("store", "last sequence") -
             self.KEPT - 10, "the log to be cut")
        self.assertLess(self.figure("store", "backlog of slow sinks"), 50)
        peer.signal(signal.SIGCONT)
        self.cleared("990.009", 120)
        self.cleared("990.004", 120)
        for alarm in ("990.004", "990.009"):
            self.told(alarm, "snmp:far")        # others may be late on a busy machine
        wait(lambda: self.rows("sink-list", "--sort", "name")[-1]["lag"] == 0, "all delivered", 60)
        text = json.dumps([str(t) for t in peer.traps()])
        self.assertEqual(len(set(re.findall(r"host=(known|early|h\d)", text))), 9)
        self.assertGreaterEqual(text.count("host=known"), 2)    # its clear as well


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Heartbeat(Self):
    def all_produced(self):
        out = subprocess.run(["kcat", "-C", "-b", self.broker, "-t", "fm.transitions", "-e", "-q"],
                             capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def test_the_next_number_comes_when_nothing_happens(self):
        self.demo("self: {heartbeat: 1s}\n")
        self.produce("fm.requests", request())
        self.raised("200.004")
        wait(lambda: [t["kind"] for t in self.all_produced()].count("heartbeat") >= 2,
             "two heartbeats")
        told = self.all_produced()
        self.assertEqual([t["seq"] for t in told], list(range(1, len(told) + 1)))
        self.assertEqual({t["kind"] for t in told}, {"raise", "heartbeat"})
        self.assertEqual(told[-1]["alarm"]["reason_text"], "1 alarms are active")
        listed = self.rows("event-list", "--include_suppress")
        self.assertEqual([t["kind"] for t in listed], ["raise"])

    def test_zero_is_never(self):
        self.demo("self: {heartbeat: 0, late: 1s, quiet: 1s}\n")
        self.produce("fm.requests", "not a record")
        self.raised("990.001")
        self.cleared("990.001")         # two seconds at least
        self.assertNotIn("heartbeat", [t["kind"] for t in self.all_produced()])


class Storage(Self):
    def small_disk(self, size):
        place = self.dir / "state"
        place.mkdir()
        if os.geteuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place],
                capture_output=True).returncode != 0:
            self.skipTest("needs to mount a small file system")
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        return place

    def test_003_a_disk_that_is_nearly_full(self):
        place = self.small_disk("64m")
        self.start("-c", self.config(NO_BROKER + f"self: {{disk_free: {16 << 20}, reserve: 0}}\n"))
        self.assertFalse(self.active("990.003"))
        (place / "ballast").write_bytes(bytes(50 << 20))
        self.assertIn("MiB are free", self.raised("990.003")["reason_text"])
        (place / "ballast").unlink()
        self.cleared("990.003")

    def test_003_how_the_last_run_ended(self):
        config = self.config(NO_BROKER + "self: {disk_free: 0, late: 3s}\n")
        fmd = self.start("-c", config)
        self.end(fmd)
        with open(self.dir / "state/failure", "r+b") as note:  # as a run leaves it that cannot write
            note.write(b"disk I/O error")
        self.start("-c", config)
        self.assertIn("disk I/O error", self.raised("990.003")["reason_text"])
        self.cleared("990.003")


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class End(Self):
    def test_an_end_with_two_guests_paused(self):
        fmd = self.demo()
        self.produce("libvirt.events", event(1, "connect"),
                     *[suspended(n, f"6a1ba6a1-4b6e-4a3f-9d2c-00000000000{n}") for n in (2, 3)])
        wait(lambda: len([a for a in self.rows("alarm-list") if "instance=6a1ba6a1" in
                          a["entity_instance_id"]]) == 2, "both to be paused")
        fmd.send_signal(signal.SIGTERM)
        self.assertEqual(fmd.wait(60), 0, self.log())
        self.assertNotIn("Sanitizer", self.log())
        self.assertNotIn("runtime error", self.log())


if __name__ == "__main__":
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
