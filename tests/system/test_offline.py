#!/usr/bin/env python3
"""What fm does without a daemon: checking catalogues, and replaying what a daemon has read.

    python3 tests/system/test_offline.py BUILD_DIR [unittest arguments]
"""
import base64
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from own import own
from story import Story

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("FMD_SHARED", ROOT.parent / "shared"))
BUILD = None

RECORD = """"700.002":
  Type: Alarm
  Description: Instance <instance_name> stands still
  Entity_Instance_ID: tenant=<tenant_uuid>.instance=<instance_uuid>
  Severity: critical
  Proposed_Repair_Action: Unpause it
  Maintenance_Action:
  Inhibit_Alarms: False
  Alarm_Type: processing-error
  Probable_Cause: procedural-error
  Service_Affecting: True
  Suppression: True
  Management_Affecting_Severity: warning
  Degrade_Affecting_Severity: none
  Context: openstack
  Correlation: {While: instance.paused, Hold_On: 10s}
"""
EXAMPLE = """  Examples:
    paused:
      - 0s nova instance.pause.end state=paused
      - %s raise critical
"""


def fm(*args, code=0):
    answer = subprocess.run([BUILD / "fm/fm", *map(str, args)], capture_output=True, text=True,
                            timeout=120)
    assert answer.returncode == code, (args, answer.returncode, answer.stderr)
    return answer


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Offline(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="fm-offline-")
        self.addCleanup(holder.cleanup)
        self.dir = pathlib.Path(holder.name)

    def file(self, text, name="events.yaml"):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def capture(self, *records):
        return self.file("".join(line(r, i) for i, r in enumerate(records)), "capture")


class Check(Offline):
    def test_the_shipped_catalogue_has_neither_errors_nor_warnings(self):
        answer = fm("catalog-check", ROOT / "events.yaml")
        self.assertIn(" 0 errors, 0 warnings", answer.stderr)

    def test_a_good_file_gives_0_and_no_line(self):
        answer = fm("catalog-check", self.file(RECORD + EXAMPLE % "10s"))
        self.assertEqual(answer.stdout, "")
        self.assertIn("1 of 1 examples hold", answer.stderr)

    def test_an_error_gives_1_and_its_place(self):
        path = self.file(RECORD.replace("instance.paused", "instance.pausd"))
        answer = fm("catalog-check", path, code=1)
        self.assertEqual(answer.stdout, f'{path}:16:24: error F403: 700.002: "instance.pausd" is not '
                         'a fact; did you mean "instance.paused"?\n')

    def test_an_example_that_fails_gives_1_and_its_place(self):
        path = self.file(RECORD + EXAMPLE % "9s")
        answer = fm("catalog-check", path, code=1)
        self.assertIn(f'{path}:20:9: error F704: 700.002: example "paused": ', answer.stdout)
        self.assertIn("0 of 1 examples hold", answer.stderr)

    def test_warnings_give_0(self):
        path = self.file(RECORD.replace("Context: openstack", "Context: opnstack"))
        answer = fm("catalog-check", path)
        self.assertIn(" warning F213: ", answer.stdout)

    def test_a_missing_file_gives_3_and_wrong_use_2(self):
        self.assertIn("No such file", fm("catalog-check", self.dir / "none", code=3).stderr)
        fm("catalog-check", "a", "b", code=2)
        fm("catalog-check", "--retention", "long", "a", code=2)

    def test_json_says_the_same(self):
        path = self.file(RECORD.replace("paused, Hold_On", "pausd, Hold_On"))
        got = json.loads(fm("catalog-check", "--json", path, code=1).stdout)
        self.assertEqual((got["errors"], got["warnings"], got["examples"]), (1, 0, 0))
        self.assertEqual(got["findings"], [{
            "number": "F403", "level": "error", "line": 16, "column": 24, "alarm_id": "700.002",
            "text": '"instance.pausd" is not a fact; did you mean "instance.paused"?'}])

    def test_retention_is_compared(self):
        path = self.file("Limits: {Keep_Cleared: 100d}\n" + RECORD)
        self.assertIn(":1:9: warning F605: ", fm("catalog-check", path).stdout)
        self.assertEqual(fm("catalog-check", "--retention", "0", path).stdout, "")

    def test_the_daemon_checks_the_same(self):
        path = self.file(RECORD + EXAMPLE % "9s")
        conf = self.file(f"state_dir: {self.dir}/state\ncatalogue: {path}\n"
                         "kafka: {brokers: 'localhost:1', inputs: [{topic: a}]}\n"
                         "retention: {age: 30m}\n", "fmd.yaml")
        answer = subprocess.run([BUILD / "fmd/fmd", "-n", "-c", conf], capture_output=True,
                                text=True, timeout=60)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn(":20:9: error F704: 700.002: ", answer.stderr)
        self.assertIn(" warning F605: Keep_Cleared is 1h", answer.stderr)

    def test_starlingx_own_file_has_no_errors(self):
        path = SHARED / "data/starlingx-events.yaml"
        if not path.exists():
            self.skipTest(f"no {path} (set FMD_SHARED)")
        self.assertIn(" 0 errors", fm("catalog-check", path).stderr)


class Guide(Offline):
    """The alarms that docs/CATALOG.md adds by way of example do what it says."""

    def setUp(self):
        super().setUp()
        doc = (ROOT / "docs/CATALOG.md").read_text(encoding="utf-8")
        self.blocks = re.findall(r"^```yaml\n(.*?)^```$", doc, re.S | re.M)
        self.shipped = (ROOT / "events.yaml").read_text(encoding="utf-8")

    def check(self, blocks, code=0):
        path = self.file(self.shipped + "\n" + "\n".join(blocks))
        return json.loads(fm("catalog-check", "--json", path, code=code).stdout)

    def test_each_loads_beside_the_shipped_ones_and_its_examples_hold(self):
        before = self.check([])["examples"]
        self.assertEqual(len(self.blocks), 4)
        for block in self.blocks:
            with self.subTest(block=block[:10]):
                got = self.check([block])
                self.assertEqual((got["errors"], got["warnings"]), (0, 0), got["findings"])
                self.assertGreater(got["examples"], before)
        self.assertEqual(self.check(self.blocks)["errors"], 0)

    def test_their_examples_notice_when_the_rule_is_another(self):
        for block, was, becomes in zip([*self.blocks, self.blocks[-1]],
                                       ("Expire: 24h", "Hold_On: 4h", "At_Least: 2",
                                        " and not initiator", "- reboot.done"),
                                       ("Expire: 23h", "Hold_On: 2h", "At_Least: 3",
                                        " or not initiator", "- reboot.started")):
            with self.subTest(becomes=becomes):
                self.assertIn(was, block)
                got = self.check([block.replace(was, becomes)], code=1)
                self.assertEqual({f["number"] for f in got["findings"] if f["level"] == "error"},
                                 {"F704"})


class Windows(Offline):
    """The catalogue with a maintenance window in docs/CATALOG.md does what it says."""

    def setUp(self):
        super().setUp()
        doc = (ROOT / "docs/CATALOG.md").read_text(encoding="utf-8")
        self.blocks = re.findall(r"^```yaml window\n(.*?)^```$", doc, re.S | re.M)

    def check(self, text, code=0):
        return json.loads(fm("catalog-check", "--json", self.file(text), code=code).stdout)

    def test_its_examples_hold(self):
        self.assertEqual(len(self.blocks), 1)
        got = self.check(self.blocks[0])
        self.assertEqual((got["errors"], got["warnings"], got["examples"]), (0, 0, 2),
                         got["findings"])

    def test_its_examples_notice_when_the_window_is_another(self):
        for was, becomes in (("00:10:00Z", "00:11:00Z"), ("host=compute-0", "host=compute-7"),
                             ("Alarms: all", "Alarms: [\"950.005\"]")):
            with self.subTest(becomes=becomes):
                head, window = self.blocks[0].split("Maintenance:\n")
                other = head.replace("950.004", "950.005") \
                    .replace("  Correlation:\n    While: instance.failed\n", "") \
                    .split("  Examples:")[0]
                text = head + other + "Maintenance:\n" + window.replace(was, becomes)
                got = self.check(text, code=1)
                self.assertEqual({f["number"] for f in got["findings"] if f["level"] == "error"},
                                 {"F704"})

    def test_an_unknown_zone_is_refused_at_its_place(self):
        text = self.blocks[0] + "    Zone: Europe/Berlen\n"
        out = fm("catalog-check", self.file(text), code=1).stdout
        line = text.count("\n")
        self.assertIn(f":{line}:11: error F805: this system knows no such time zone; "
                      "did you mean \"Europe/Berlin\"?", out)


def line(record, offset=0, **more):
    topic, ms, value = record
    return json.dumps({"topic": topic, "partition": 0, "offset": offset, "ts": ms, "payload": value,
                       **more}) + "\n"


BEGIN = 1767225600000


def pause(at, state, uuid="9e3779b9-5ce0-4a10-8000-000000000001"):
    data = {"uuid": uuid, "tenant_id": "t1", "display_name": "vm-1", "host": "compute-0",
            "state": state}
    inner = {"message_id": f"m-{at}-{uuid}", "publisher_id": "nova-compute:compute-0",
             "event_type": "instance.pause.end" if state == "paused" else "instance.unpause.end",
             "timestamp": "2026-01-01 00:00:00",
             "payload": {"nova_object.name": "InstanceActionPayload",
                         "nova_object.namespace": "nova", "nova_object.version": "1.9",
                         "nova_object.data": data}}
    return "nova", BEGIN + at * 1000, json.dumps(inner)


class Replay(Offline):
    def replay(self, *args):
        return [json.loads(s) for s in fm("replay", "--json", *args).stdout.splitlines()]

    def test_records_become_transitions_at_the_records_time(self):
        capture = self.capture(pause(0, "paused"), pause(80, "active"))
        got = self.replay(capture, "--catalog", self.file(RECORD))
        self.assertEqual([(t["seq"], t["kind"], t["time"]) for t in got],
                         [(1, "raise", "2026-01-01T00:00:10.000000Z"),
                          (2, "clear", "2026-01-01T00:01:20.000000Z")])
        self.assertEqual(got[0]["cause"]["kind"], "deadline")
        self.assertEqual((got[1]["cause"]["topic"], got[1]["cause"]["offset"]), ("nova", 1))

    def test_time_ends_with_the_last_record_or_later(self):
        capture, catalogue = self.capture(pause(0, "paused")), self.file(RECORD)
        for until, n in ((), 0), (("--until", "9s"), 0), (("--until", "10s"), 1), \
                (("--until", "2026-01-01T00:00:10Z"), 1):
            with self.subTest(until=until):
                self.assertEqual(len(self.replay(capture, "--catalog", catalogue, *until)), n)

    def test_the_text_form_is_one_line_each(self):
        answer = fm("replay", self.capture(pause(0, "paused")), "--until", "1m", "--catalog",
                    self.file(RECORD))
        self.assertRegex(answer.stdout, r"^2026-01-01T00:00:10.000000Z +1  raise +critical  700.002  "
                         r"tenant=t1.instance=\S+  Instance vm-1 stands still\n$")
        self.assertIn("1 records: 1 applied", answer.stderr)

    def test_what_kcat_prints_is_a_capture(self):
        record = json.loads(line(pause(0, "paused")))
        kcat = {"topic": record["topic"], "partition": 0, "offset": 0, "tstype": "create",
                "ts": record["ts"], "broker": 0, "headers": ["a", "}b\\"], "key": None,
                "payload": record["payload"]}
        path = self.file(json.dumps(kcat) + "\n\n", "kcat")
        self.assertEqual(len(self.replay(path, "--until", "1m", "--catalog", self.file(RECORD))), 1)

    def test_standard_input_is_a_capture_too(self):
        answer = subprocess.run([BUILD / "fm/fm", "replay", "-", "--until", "1m", "--catalog",
                                 self.file(RECORD)], input=line(pause(0, "paused")),
                                capture_output=True, text=True, timeout=60)
        self.assertEqual((answer.returncode, answer.stdout.count("\n")), (0, 1), answer.stderr)

    def test_values_that_are_no_text_are_quarantined_as_the_daemon_does(self):
        bad = json.loads(line(("t", BEGIN, "")))
        del bad["payload"]
        bad["payload_base64"] = base64.b64encode(b"\xff\xfe").decode()
        gone = dict(bad, payload=None)
        del gone["payload_base64"]
        path = self.file(json.dumps(bad) + "\n" + json.dumps(gone) + "\n", "capture")
        self.assertIn("2 not readable", fm("replay", path, "--catalog", self.file(RECORD)).stderr)

    def test_a_broken_line_is_named(self):
        good = line(pause(0, "paused"))
        for bad in ("{", "[]", good[:-2], '{"topic":"t"}', good.replace('"ts"', '"tz"'),
                    good.replace('"partition": 0', '"partition": -1'), good.strip() + "x",
                    good.replace('"offset": 0', '"offset": 1.5'),
                    good.replace('"payload": "', '"payload": "\\ud800')):
            with self.subTest(bad=bad[:60]):
                path = self.file(good + bad + "\n", "capture")
                self.assertIn(f"{path}:2: ", fm("replay", path, "--catalog", self.file(RECORD),
                                                code=1).stderr)

    def test_wrong_use_and_missing_files(self):
        fm("replay", code=2)
        fm("replay", "a", "--until", "soon", code=2)
        fm("replay", "-", "--diff", "b", code=2)
        fm("replay", self.dir / "none", "--catalog", self.file(RECORD), code=3)
        fm("replay", self.capture(), "--catalog", self.dir / "none", code=3)
        fm("replay", self.capture(), "--catalog", self.file("x: y\n", "bad"), code=1)

    def test_a_time_before_the_last_record_is_said_to_have_no_effect(self):
        capture = self.capture(pause(0, "paused"), pause(80, "active"))
        for until, said in (("2020-01-01T00:00:00Z", True), ("2030-01-01T00:00:00Z", False)):
            answer = fm("replay", capture, "--until", until, "--catalog", self.file(RECORD))
            self.assertEqual("--until is before the last record, of " in answer.stderr, said)

    def test_records_out_of_order_are_mentioned(self):
        capture = self.capture(pause(80, "active"), pause(0, "paused"))
        self.assertIn("1 records are older", fm("replay", capture, "--catalog",
                                                self.file(RECORD)).stderr)


class Diff(Offline):
    def changes(self, before, after, *records, until="1h"):
        answer = fm("replay", self.capture(*records), "--catalog", self.file(before, "a.yaml"),
                    "--diff", self.file(after, "b.yaml"), "--json", "--until", until)
        return json.loads(answer.stdout)

    def one(self, before, after, *records):
        got = self.changes(before, after, *records)
        self.assertEqual(len(got["changes"]), 1, got)
        change = got["changes"][0]
        self.assertEqual(got["summary"][change["change"]], 1)
        return change

    def test_the_same_catalogue_changes_nothing(self):
        got = self.changes(RECORD, RECORD + "# a comment\n", pause(0, "paused"), pause(80, "active"))
        self.assertEqual((got["changes"], got["records"]), ([], 2))

    def test_an_alarm_appears_or_vanishes(self):
        without = RECORD.replace("Hold_On: 10s", "Hold_On: 2m")
        records = pause(0, "paused"), pause(80, "active")
        change = self.one(without, RECORD, *records)
        self.assertEqual((change["change"], change["before"], change["after"]),
                         ("appears", "", "critical"))
        self.assertEqual(change["time"], "2026-01-01T00:00:10.000000Z")
        self.assertEqual(self.one(RECORD, without, *records)["change"], "vanishes")

    def test_an_alarm_changes_severity(self):
        change = self.one(RECORD, RECORD.replace("Severity: critical", "Severity: major"),
                          pause(0, "paused"), pause(80, "active"))
        self.assertEqual((change["change"], change["before"], change["after"]),
                         ("severity", "critical", "major"))

    def test_an_alarm_comes_earlier_or_later(self):
        sooner = RECORD.replace("Hold_On: 10s", "Hold_On: 5s")
        records = pause(0, "paused"), pause(80, "active")
        change = self.one(RECORD, sooner, *records)
        self.assertEqual((change["change"], change["before"], change["after"]),
                         ("earlier", "2026-01-01T00:00:10.000000Z", "2026-01-01T00:00:05.000000Z"))
        self.assertEqual(self.one(sooner, RECORD, *records)["change"], "later")

    def test_an_alarm_ends_later(self):
        change = self.one(RECORD, RECORD.replace("Hold_On: 10s", "Hold_On: 10s, Hold_Off: 1m"),
                          pause(0, "paused"), pause(80, "active"))
        self.assertEqual((change["change"], change["after"]),
                         ("ends-later", "2026-01-01T00:02:20.000000Z"))

    HOST = RECORD.replace("700.002", "200.004").replace(
        "tenant=<tenant_uuid>.instance=<instance_uuid>", "host=<host_name>").replace(
        "<instance_name>", "it").replace("{While: instance.paused, Hold_On: 10s}", "{%s: {Alarms: "
                                         "[700.002], Where: instance.host == host}}")

    def test_an_alarm_gets_a_parent_and_is_hidden(self):
        down = "fm", BEGIN, json.dumps({"op": "set", "alarm_id": "200.004",
                                        "entity_instance_id": "host=compute-0"})
        alone = RECORD + self.HOST.replace("Alarms: [700.002]", "Alarms: [200.005]") % "Causes" + \
            self.HOST.replace("200.004", "200.005").split("  Correlation")[0]
        change = self.one(alone, RECORD + self.HOST % "Causes", down, pause(0, "paused"))
        self.assertEqual((change["change"], change["before"], change["after"]),
                         ("parent", "", "200.004 host=compute-0"))
        got = self.changes(alone, RECORD + self.HOST % "Suppresses", down, pause(0, "paused"))
        self.assertEqual([c["change"] for c in got["changes"] if c["alarm_id"] == "700.002"],
                         ["hidden", "parent"])

    def test_the_table_says_the_same(self):
        capture = self.capture(pause(0, "paused"), pause(80, "active"))
        answer = fm("replay", capture, "--catalog", self.file(RECORD), "--diff",
                    self.file(RECORD.replace("critical", "major"), "b.yaml"), "--nowrap")
        self.assertIn("| severity | 700.002  | tenant=t1.instance=", answer.stdout)
        self.assertIn("1 differences: 1 severity", answer.stderr)


def wait(condition, what, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.1)


class Live(Offline):
    """What a daemon made of a story, and what a replay of its topics makes of it."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="fm-offline-")
        cls.addClassCleanup(holder.cleanup)
        cls.state = pathlib.Path(holder.name)
        cls.broker = subprocess.Popen([BUILD / "fmd/fmd", "--demo", "--state-dir", cls.state / "b"],
                                      stderr=subprocess.DEVNULL)
        cls.addClassCleanup(stop, cls.broker)
        wait((cls.state / "b/broker").exists, "the embedded broker")
        cls.address = (cls.state / "b/broker").read_text().strip()
        # Long ago enough to lie behind the daemon's clock with all its jumps.
        story = Story(7, (int(time.time()) - 3 * 86400) * 1000)
        # What cannot be read makes the live daemon speak of itself, which no topic holds.
        cls.records = [r for r in story.tell(1500) if "nonsense" not in r[2]]
        assert story.now < time.time() * 1000
        text = "".join(f"{t}\t{ms}\t{value}\n" for t, ms, value in cls.records)
        subprocess.run([BUILD / "tests/system/kafka_feed", cls.address], input=text, text=True,
                       check=True, timeout=120)
        cls.live = cls.run_daemon()

    @classmethod
    def run_daemon(cls):
        topics = sorted({r[0] for r in cls.records})
        cls.conf = cls.state / "fmd.yaml"
        cls.conf.write_text(
            f"state_dir: {cls.state}/live\ncatalogue: {own(ROOT / 'events.yaml', cls.state)}\n"
            f"control: {{socket: {cls.state}/fmd.sock}}\n"
            f"kafka:\n  brokers: '{cls.address}'\n  start: earliest\n  inputs:\n" +
            "".join(f"    - {{topic: {t}, format: auto}}\n" for t in topics))
        with open(cls.state / "log", "wb") as log:
            daemon = subprocess.Popen([BUILD / "fmd/fmd", "-c", cls.conf], stderr=log)
        try:
            wait(cls.caught_up, "the daemon to catch up")
        finally:
            stop(daemon)
        db = sqlite3.connect(cls.state / "live/fmd.db")
        rows = [json.loads(r[0]) for r in db.execute("SELECT json FROM transition ORDER BY seq")]
        db.close()
        return rows

    @classmethod
    def caught_up(cls):
        answer = subprocess.run([BUILD / "fm/fm", "--socket", cls.state / "fmd.sock", "--json",
                                 "ledger"], capture_output=True, text=True)
        if answer.returncode != 0:
            return False
        outcomes = ("applied", "no_effect", "duplicate", "late", "unknown_type", "quarantined")
        read = sum(row[k] for row in json.loads(answer.stdout) for k in outcomes)
        return read >= len(cls.records)

    def capture(self, *args):
        path = self.dir / "capture"
        subprocess.run([BUILD / "fmd/fmd", "-c", self.conf, "--capture", path, *args], check=True,
                       timeout=120, capture_output=True)
        return path

    def test_the_replay_makes_the_very_same_transitions(self):
        path = self.capture()
        records = [json.loads(s) for s in path.read_text().splitlines()]
        self.assertEqual(sorted(r["payload"] for r in records), sorted(r[2] for r in self.records))
        text = fm("replay", path, "--catalog", ROOT / "events.yaml", "--json").stdout
        self.assertEqual(text, fm("replay", path, "--catalog", ROOT / "events.yaml",
                                  "--json").stdout)
        got = [json.loads(s) for s in text.splitlines()]
        self.assertGreater(len(got), 500)
        live = self.live[:len(got)]
        self.assertTrue(all(t["time"] > got[-1]["time"] for t in self.live[len(got):]))
        for t in got + live:
            del t["stream"]
        for mine, theirs in zip(got, live):
            self.assertEqual(mine, theirs)
        self.assertEqual(len(got), len(live))

    def test_a_part_is_taken_by_time(self):
        times = sorted(r[1] for r in self.records)
        begin, end = times[200], times[300]
        stamp = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t // 1000)) + f".{t % 1000:03d}Z"
                 for t in (begin, end)]
        path = self.capture("--from", stamp[0], "--to", stamp[1])
        got = [json.loads(s)["ts"] for s in path.read_text().splitlines()]
        self.assertEqual(got, sorted(t for t in times if begin <= t <= end))

    def test_brokers_and_topics_need_no_configuration(self):
        out = subprocess.run([BUILD / "fmd/fmd", "--capture", "-", "--broker", self.address,
                              "--topic", "fm.requests"], check=True, timeout=120,
                             capture_output=True, text=True).stdout
        self.assertEqual([json.loads(s)["payload"] for s in out.splitlines()],
                         [r[2] for r in self.records if r[0] == "fm.requests"])

    def test_wrong_use_is_refused(self):
        for args in (["--topic", "a"], ["--from", "2026-01-01T00:00:00Z"],
                     ["--capture", "-", "--from", "yesterday"],
                     ["--capture", "-", "--broker", "127.0.0.1:1", "--from",
                      "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"]):
            answer = subprocess.run([BUILD / "fmd/fmd", *args], capture_output=True, timeout=60)
            self.assertEqual(answer.returncode, 2, answer.stderr)


class Recording(Offline):
    """A daemon that records what it reads, as it comes."""

    def setUp(self):
        super().setUp()
        broker = subprocess.Popen([BUILD / "fmd/fmd", "--demo", "--state-dir", self.dir / "b"],
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(stop, broker)
        wait((self.dir / "b/broker").exists, "the embedded broker")
        self.address = (self.dir / "b/broker").read_text().strip()

    def recorder(self):
        conf = self.dir / "recorder.yaml"
        conf.write_text(
            f"state_dir: {self.dir}/state\ncatalogue: {own(ROOT / 'events.yaml', self.dir)}\n"
            f"control: {{socket: {self.dir}/fmd.sock}}\n"
            f"kafka: {{brokers: '{self.address}', start: earliest, inputs: [{{topic: fm.requests}},"
            " {topic: libvirt.events}]}\n"
            f"log: {{capture: {self.dir}/recording}}\n")
        with open(self.dir / "log", "ab") as log:
            return subprocess.Popen([BUILD / "fmd/fmd", "-c", conf], stderr=log)

    def read_so_far(self):
        answer = subprocess.run([BUILD / "fm/fm", "--socket", self.dir / "fmd.sock", "--json",
                                 "ledger"], capture_output=True, text=True)
        rows = json.loads(answer.stdout) if answer.returncode == 0 else []
        return sum(r["read"] for r in rows) if all(r["state"] == "reading" for r in rows) else -1

    def race(self, begin, end):
        """One record at a time, in turn of two topics, one of which is late."""
        for i in range(begin, end):
            now = int(time.time() * 1000) - (0 if i % 2 else 2000)
            topic, value = ("fm.requests", json.dumps(
                {"op": "set" if i % 4 == 0 else "clear", "alarm_id": "200.004",
                 "entity_instance_id": "host=compute-1"})) if i % 2 == 0 else (
                "libvirt.events", json.dumps(
                    {"kind": "event", "seq": i // 2 + 1, "boot": "b", "ts": "2026-01-01T00:00:00Z",
                     "host": "compute-1", "event": "lifecycle", "event_id": 0, "domain": "vm",
                     "uuid": "6c1f5a0e-9d5b-4a57-8a35-0d9a1c3f7b21", "tenant": "t",
                     "lifecycle_code": 2 if i % 4 == 1 else 5, "detail_code": 0 if i % 4 == 1 else 5}))
            subprocess.run([BUILD / "tests/system/kafka_feed", self.address], check=True, timeout=60,
                           input=f"{topic}\t{now}\t{value}\n", text=True)
            wait(lambda: self.read_so_far() >= i + 1, f"record {i}")

    def test_a_recording_holds_the_order_of_arrival_beyond_a_kill(self):
        daemon = self.recorder()
        try:
            wait(lambda: self.read_so_far() == 0, "the daemon to read")
            self.race(0, 12)
            daemon.kill()
            daemon.wait()
            with open(self.dir / "recording", "ab") as f:
                f.write(b'{"topic":"what a kill cut off')
            daemon = self.recorder()
            wait(lambda: self.read_so_far() == 12, "the daemon to read on")
            self.race(12, 24)
        finally:
            stop(daemon)
        db = sqlite3.connect(self.dir / "state/fmd.db")
        live = [json.loads(r[0]) for r in db.execute("SELECT json FROM transition ORDER BY seq")]
        db.close()
        got = [json.loads(s) for s in fm("replay", self.dir / "recording", "--catalog",
                                         ROOT / "events.yaml", "--json").stdout.splitlines()]
        self.assertGreater(len(got), 20)
        for t in got + live:
            del t["stream"]
        self.assertEqual(got, live[:len(got)])
        self.assertTrue(all(t["time"] > got[-1]["time"] for t in live[len(got):]))

    def test_a_recording_of_another_is_left_alone(self):
        (self.dir / "recording").write_text("mine\n")
        daemon = self.recorder()
        self.assertEqual(daemon.wait(60), 1)
        self.assertIn(f"{self.dir}/recording: not a recording of this state directory",
                      (self.dir / "log").read_text())
        self.assertEqual((self.dir / "recording").read_text(), "mine\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
