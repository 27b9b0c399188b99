#!/usr/bin/env python3
"""A storm through the daemon and a real Apache Kafka: many records over many entities, critical alarms
among them. Every record is accounted for, memory stays within its bound, critical alarms are announced
while minor ones are held, one alarm says so, and after it everything is as before; twice.

    python3 tests/system/test_storm.py BUILD_DIR [unittest arguments]
    FMD_STORM=1000000 FMD_STORM_RATE=20000 python3 tests/system/test_storm.py BUILD_DIR   # the full size

FMD_STORM: records (ten for each entity); FMD_STORM_RATE: so many a second (0: as fast as they go). Prints
what docs/BENCHMARKS.md quotes. Skipped without java and the jars (kafka_server.py).
"""
import collections
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from kafka_server import KafkaServer, KafkaUnavailable  # noqa: E402
from test_daemon import Base, wait  # noqa: E402

RECORDS = int(os.environ.get("FMD_STORM", 60_000))
RATE = int(os.environ.get("FMD_STORM_RATE", 0))
TURNS = ("a", "a", "a", "b", "b", "b", "b", "b", "b", None)     # texts of each entity; None: clear
CRITICAL_EVERY = 500
LAST = 30                       # minor alarms that stay to be announced afterwards
PATIENCE = 120 + RECORDS // 1000
BOUND_MIB = 256


def request(op, alarm_id, entity, severity, text):
    return json.dumps({"op": op, "alarm_id": alarm_id, "entity_instance_id": entity,
                       "severity": severity, "reason_text": text}, separators=(",", ":"))


class Flood:
    """The records of one storm, and what has to come of them."""

    def __init__(self, name, records):
        self.name, self.entities = name, records // len(TURNS)
        self.sets = collections.Counter()
        self.produced, self.critical = 0, 0

    def one(self, op, alarm_id, entity, severity, text):
        self.produced += 1
        self.sets[alarm_id] += op == "set"
        return request(op, alarm_id, entity, severity, text)

    def records(self):
        for turn, text in enumerate(TURNS):
            for e in range(self.entities):
                if self.produced % CRITICAL_EVERY == 0:
                    yield self.one("set", "200.004", f"host={self.name}-{self.critical}",
                                   "critical", "gone")
                    self.critical += 1
                # The last ones: the first were announced before there was a storm.
                stays = text is None and e >= self.entities - LAST
                yield self.one("clear" if text is None and not stays else "set", f"100.10{1 + e % 3}",
                               f"tenant=t.instance={e}", ("minor", "warning")[e % 2],
                               "b" if stays else text or "")

    def end(self):
        for e in range(self.entities - LAST, self.entities):
            yield self.one("clear", f"100.10{1 + e % 3}", f"tenant=t.instance={e}", "minor", "")
        for c in range(self.critical):
            yield self.one("clear", "200.004", f"host={self.name}-{c}", "critical", "")


class Storm(Base):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="fmd-storm-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, True)
        try:
            cls.kafka = KafkaServer(cls.directory)
        except KafkaUnavailable as why:
            raise unittest.SkipTest(str(why)) from None
        cls.kafka.start()
        cls.addClassCleanup(cls.kafka.remove)
        for topic in ("fm.requests", "fm.transitions", "fm.alarms", "fm.quarantine"):
            cls.kafka.create_topic(topic)

    def feed(self, records):
        program = next(pathlib.Path(test_daemon.BUILD).rglob("kafka_feed"))
        feed = subprocess.Popen([str(program), self.kafka.address], stdin=subprocess.PIPE, text=True)
        begin = time.monotonic()
        for n, record in enumerate(records):
            if RATE and n % 100 == 0:
                time.sleep(max(0, begin + n / RATE - time.monotonic()))
            feed.stdin.write(f"fm.requests\t{time.time() * 1000:.0f}\t{record}\n")
        feed.stdin.close()
        self.assertEqual(feed.wait(PATIENCE), 0)

    def ledger(self):
        total = collections.Counter()
        for row in self.rows("ledger"):
            total.update({k: v for k, v in row.items() if isinstance(v, int) and k != "partition"})
        return total

    def accounted(self):
        return sum(self.ledger()[k] for k in ("applied", "no_effect", "duplicate", "late",
                                              "unknown_type", "quarantined"))

    def listen(self):
        """The announcements of critical alarms as they come: (entity, ms from record to notification)."""
        cat = subprocess.Popen(["kcat", "-C", "-q", "-u", "-b", self.kafka.address, "-t",
                                "fm.transitions", "-o", "beginning", "-f", "%T %s\n"],
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(cat.stdout.close)
        self.addCleanup(cat.wait)
        self.addCleanup(cat.terminate)
        heard = {}

        def read():
            for line in cat.stdout:
                if '"alarm_id":"200.004"' in line and '"kind":"raise"' in line:
                    created, text = line.split(" ", 1)
                    told = json.loads(text)
                    raised = told["alarm"]["raised_at"].rstrip("Z")
                    seconds, fraction = raised.split(".")
                    begin = (time.mktime(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) - time.timezone)
                    heard[told["alarm"]["entity_instance_id"]] = (
                        told["notify"], int(created) - begin * 1000 - int(fraction) / 1000)
        threading.Thread(target=read, daemon=True).start()
        return heard

    def memory_mib(self, fmd, name="VmHWM"):
        for line in pathlib.Path(f"/proc/{fmd.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        self.fail(name)

    def active(self, *more):
        return self.rows("alarm-list", "--include_suppress", *more)

    def storm(self, fmd, flood, before, heard):
        begin = time.monotonic()
        self.feed(flood.records())
        fed = time.monotonic()
        wait(lambda: self.accounted() == before + flood.produced, "all to be read", PATIENCE)
        read = time.monotonic()
        wait(lambda: len([e for e in heard if flood.name in e]) == flood.critical,
             "all critical alarms to be announced", PATIENCE)
        wait(lambda: not [a for a in self.active() if a["suppression_status"] == "held"],
             "what was held to be announced", PATIENCE)
        wait(lambda: not self.active("-q", "alarm_id=990.020"), "the storm to be over", PATIENCE)
        left = collections.Counter(a["alarm_id"][:3] for a in self.active())
        self.assertEqual(left, {"100": LAST, "200": flood.critical})
        self.feed(flood.end())
        wait(lambda: not self.active(), "the list to be empty", PATIENCE)
        self.assertEqual(self.accounted(), before + flood.produced)
        late = sorted(ms for e, (_, ms) in heard.items() if flood.name in e)
        print(f"storm {flood.name}: {flood.produced} records, {flood.entities} entities, fed in "
              f"{fed - begin:.1f} s, read {read - fed:.1f} s later; {flood.critical} critical alarms, "
              f"record to notification p50 {late[len(late) // 2]:.0f} ms, p99 "
              f"{late[len(late) * 99 // 100]:.0f} ms, most {late[-1]:.0f} ms; VmHWM "
              f"{self.memory_mib(fmd):.0f} MiB, VmRSS {self.memory_mib(fmd, 'VmRSS'):.0f} MiB",
              flush=True)

    def stored(self, sql):
        db = sqlite3.connect(self.dir / "state" / "fmd.db")
        self.addCleanup(db.close)
        return db.execute(sql).fetchall()

    def test_two_storms(self):
        config = self.config(f"kafka: {{brokers: '{self.kafka.address}', start: earliest, inputs: "
                             "[{topic: fm.requests}]}\nretention: {transitions: 100000000}\n")
        fmd, heard = self.start("-c", config), self.listen()
        floods = [Flood(name, RECORDS) for name in ("first", "second")]
        peaks, before = [], 0
        for flood in floods:
            self.storm(fmd, flood, before, heard)
            before += flood.produced
            peaks.append(self.memory_mib(fmd))
        self.assertTrue(all(notify for notify, _ in heard.values()))
        self.assertEqual(self.ledger()["quarantined"], 0)
        if not test_daemon.keeps_freed_memory():
            self.assertLess(peaks[1], BOUND_MIB)
            self.assertLess(peaks[1], peaks[0] * 1.2 + 16)
        self.end(fmd)
        self.check_store(floods)

    def check_store(self, floods):
        alarm = "json_extract(json, '$.alarm.{}')".format
        # Each set is counted in exactly one occurrence, and each occurrence ended.
        counts = dict(self.stored(f"select alarm_id, sum({alarm('count')}) from transition where "
                                  "json_extract(json, '$.kind') = 'clear' group by alarm_id"))
        sets = sum((f.sets for f in floods), collections.Counter())
        self.assertEqual({k: v for k, v in counts.items() if k[0] != "9"}, sets)
        kinds = "select json_extract(json, '$.kind'), count(*) from transition where {} group by 1".format
        # One alarm for a storm; at the full size the clears at its end are another.
        said = dict(self.stored(kinds("alarm_id = '990.020' and notify")))
        self.assertEqual(said["raise"], said["clear"])
        self.assertIn(said["raise"], range(len(floods), 2 * len(floods) + 1))
        held = f"{alarm('suppression_status')} = 'held'"
        # Some were held and never announced, and nothing that is major or worse was held.
        self.assertGreater(dict(self.stored(kinds(held)))["raise"], RECORDS // len(TURNS) // 2)
        self.assertGreater(dict(self.stored(kinds("alarm_id < '2' and not notify")))["clear"], 0)
        self.assertEqual(self.stored(kinds(f"{held} and {alarm('severity')} in ('major', 'critical')")),
                         [])
        self.assertEqual(self.stored("select count(*) from transition where notify and " + held), [(0,)])


if __name__ == "__main__":
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
