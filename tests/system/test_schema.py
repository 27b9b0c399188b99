#!/usr/bin/env python3
"""What fmd really says, held against docs/schema: its Kafka topics with headers, keys and
tombstones, the journal, and every line of the control protocol.

    python3 tests/system/test_schema.py BUILD_DIR [unittest arguments]
"""
import functools
import json
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import story  # noqa: E402
import test_daemon  # noqa: E402
from test_daemon import ROOT, wait  # noqa: E402

try:
    import jsonschema
except ImportError:
    print("skipped: needs python3-jsonschema")
    sys.exit(77)

SCHEMAS = ROOT / "docs/schema"
RECORDS = 1000
# Kinds that fmd sends of itself; the others are for later (INTERFACES: add freely).
KINDS = {"raise", "change", "clear", "ack", "unack", "shelve", "unshelve", "suppress", "unsuppress", "purge", "log", "heartbeat"}
NOT_ALARMS = {"log", "gap", "list-rebuilt", "heartbeat"}


@functools.lru_cache
def validator(name, part=""):
    """A validator of a schema, or of a part of it such as "/$defs/rows/stats"."""
    base = (SCHEMAS / name).as_uri()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"{base}#{part}"}
    resolver = jsonschema.RefResolver("", schema)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


class Base(test_daemon.Base):
    def check(self, schema, value, what=""):
        for fault in schema.iter_errors(value):
            deepest = jsonschema.exceptions.best_match([fault])
            self.fail(f"{what}: {'/'.join(map(str, deepest.absolute_path))}: {deepest.message}"
                      f"\nin {json.dumps(value)[:3000]}")

    def consume(self, topic):
        """(key, headers, value or None) of every record."""
        out = subprocess.run(["kcat", "-C", "-b", self.broker, "-t", topic, "-e", "-q", "-J"],
                             capture_output=True, text=True, timeout=60, check=True)
        for line in out.stdout.splitlines():
            record = json.loads(line)
            names = record["headers"][::2]
            self.assertEqual(len(names), len(set(names)))
            yield record["key"], dict(zip(names, record["headers"][1::2])), record["payload"]


class Documents(unittest.TestCase):
    def test_each_is_a_schema_and_what_it_refers_to_is_there(self):
        for path in sorted(SCHEMAS.glob("*.json")):
            with self.subTest(path.name):
                schema = json.loads(path.read_text())
                jsonschema.Draft202012Validator.check_schema(schema)
                resolver = jsonschema.RefResolver(path.as_uri(), schema)
                for target in re.findall(r'"\$ref": "([^"]+)"', path.read_text()):
                    resolver.resolve(target)

    def test_verbs_and_their_arguments_are_those_of_the_table(self):
        text = (ROOT / "ctl/ctl.h").read_text()
        table = re.search(r"#define CTL_VERBS\(X\).*?\n\n", text, re.S).group(0)
        schema = json.loads((SCHEMAS / "control.schema.json").read_text())["$defs"]
        types = {"s": {"$ref": "#/$defs/text"}, "u": {"$ref": "#/$defs/number"},
                 "b": {"type": "boolean"}, "t": {"type": "string"}}
        verbs = {}
        for verb, args in re.findall(r'X\(\w+, "([^"]+)", \w+,[\s\\]*"([^"]*)"\)', table):
            words = [arg.split(":") for arg in args.split()]
            verbs[verb] = ({name: types[kind[0]] for name, kind in words},
                           [name for name, kind in words if kind.endswith("!")])
        self.assertEqual(schema["request"]["properties"]["verb"]["enum"], list(verbs))
        self.assertEqual({verb: (args.get("properties", {}), args.get("required", []))
                          for verb, args in schema["args"].items()}, verbs)
        self.assertEqual(list(schema["rows"]), list(verbs))

    def test_words_are_those_of_the_tables(self):
        words = (ROOT / "alarm/words.def").read_text()
        schema = json.loads((SCHEMAS / "fm.alarm.schema.json").read_text())["$defs"]
        members = schema["members"]["properties"]
        for name, enum in (("SEVERITIES", schema["severity"]),
                           ("SUPPRESSION_STATUSES", schema["suppression_status"]),
                           ("ALARM_TYPES", members["alarm_type"]),
                           ("PROBABLE_CAUSES", members["probable_cause"]),
                           ("OPERATOR_STATES", members["operator_state"])):
            table = re.search(rf"#define {name}\(X\)(.*?)(?:\n\n|\Z)", words, re.S).group(1)
            self.assertEqual(enum["enum"], re.findall(r'"([^"]+)"', table), name)
        kinds = re.search(r"#define TRANSITION_KINDS.*?\n\n", (ROOT / "alarm/alarm.h").read_text(),
                          re.S).group(0)
        schema = json.loads((SCHEMAS / "fm.transition.schema.json").read_text())
        members = schema["$defs"]["members"]
        self.assertEqual(members["properties"]["kind"]["enum"], re.findall(r'"([^"]+)"', kinds))
        self.assertEqual(schema["propertyNames"]["enum"], members["required"])
        self.assertEqual(members["required"], list(members["properties"]))


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Output(Base):
    """One daemon with a story behind it, looked at from every side."""

    def setUp(self):
        super().setUp()
        catalogue = self.dir / "events.yaml"
        # Cleared alarms are kept in a small number, so that there are purges.
        catalogue.write_text((ROOT / "events.yaml").read_text()
                             .replace("Max_Cleared: 20000", "Max_Cleared: 20"))
        self.conf = self.config(f"log: {{journal: {self.dir}/journal}}\nretention: {{transitions: 1000}}\n"
                                "self: {heartbeat: 1s}\n",
                                catalogue)
        self.open()

    def open(self):
        self.fmd = self.start("--demo", "--state-dir", self.dir, "-c", self.conf)
        self.broker = (self.dir / "broker").read_text().strip()

    def feed(self, records):
        subprocess.run([test_daemon.BUILD / "tests/system/kafka_feed", self.broker], text=True,
                       input="".join(f"{t}\t{ms}\t{v}\n" for t, ms, v in records), check=True,
                       timeout=60)

    def delivered(self):
        sinks = self.rows("sink-list")
        return sinks[0]["last_seq"] > 0 and all(s["lag"] == 0 for s in sinks)

    def tell(self):
        """A story, and an operator at work in it."""
        now = int(time.time() * 1000)
        told = story.Story(7, now - 86400 * 1000)
        told.tell(RECORDS)
        # An inhibitor over an alarm that stays, one that ends, and a log.
        for op, alarm_id, entity, more in (
                ("set", "100.101", "host=compute-0", {}),
                ("set", "200.001", "host=compute-0", {}),
                ("set", "100.103", "host=compute-0", {}),
                ("clear", "200.001", "host=compute-0", {}),
                ("log", "200.020", "host=compute-0", {}),
                ("set", "100.101", "host=compute-1", {}),
                ("set", "100.101", "host=compute-1", {"severity": "major"})):
            told.add("fm.requests", {"op": op, "alarm_id": alarm_id, "entity_instance_id": entity,
                                     **more})
        told.add("fm.requests", "\udcff}{ broken \u001b[31m".encode("utf-8", "replace").decode())
        self.feed(told.records)
        wait(lambda: sum(r["read"] for r in self.rows("ledger")) >= len(told.records), "the story")
        alarm = [a for a in self.rows("alarm-list") if a["alarm_id"] == "100.101"][0]
        for verb in ("alarm-ack", "alarm-unack", "alarm-ack"):
            self.assertEqual(self.fm(verb, alarm["uuid"]).returncode, 0)
        for words in (["alarm-clear", "100.103", "host=compute-0"],
                      ["event-suppress", "--alarm_id", "100.101"],
                      ["alarm-shelve", alarm["uuid"], "--for", "1h"],
                      ["alarm-unshelve", alarm["uuid"]], ["event-unsuppress-all"]):
            self.assertEqual(self.fm(*words).returncode, 0, words)
        wait(lambda: '"heartbeat"' in (self.dir / "journal").read_text(), "a heartbeat")
        wait(self.delivered, "the sinks")

    def check_transitions(self, last):
        schema = validator("fm.transition.schema.json")
        headers = validator("fm.headers.schema.json", "/$defs/transitions")
        seen, seqs = set(), []
        for key, head, text in self.consume("fm.transitions"):
            record = json.loads(text)
            alarm = record["alarm"]
            self.check(schema, record, "fm.transitions")
            self.check(headers, head, "headers of fm.transitions")
            self.assertEqual(key, f"{alarm['alarm_id']}|{alarm['entity_instance_id']}")
            self.assertEqual((head["ce_subject"], head["ce_id"], head["ce_time"], head["ce_type"]),
                             (key, f"{record['stream']}/{record['seq']}", record["time"],
                              "fm.transition." + record["kind"]))
            seen.add(record["kind"])
            seqs.append(record["seq"])
        self.assertEqual(seqs, list(range(1, max(last, len(seqs)) + 1)))
        self.assertEqual(seen, KINDS)

    def table(self):
        """What compaction leaves of fm.alarms, each record checked; and the number of tombstones."""
        schema = validator("fm.alarm.schema.json")
        headers = validator("fm.headers.schema.json", "/$defs/alarms")
        table, tombstones = {}, 0
        for key, head, text in self.consume("fm.alarms"):
            self.check(headers, head, "headers of fm.alarms")
            self.assertEqual(text is None, head["ce_type"] == "fm.alarm.purge")
            if text is None:
                tombstones += 1
                del table[key]
                continue
            alarm = json.loads(text)
            self.check(schema, alarm, "fm.alarms")
            self.assertEqual(key, f"{alarm['alarm_id']}|{alarm['entity_instance_id']}")
            table[key] = alarm
        return table, tombstones

    def agrees(self):
        active = {a["uuid"] for a in self.table()[0].values() if a["state"] == "active"}
        return active == {a["uuid"] for a in self.rows("alarm-list", "--include_suppress")}

    def check_alarms(self):
        """That is the active alarms and those not yet purged."""
        self.assertGreater(self.table()[1], 0)
        # The demo's time goes on a while after the story, and clears what expires.
        wait(self.agrees, "fm.alarms to hold what is listed")

    def check_quarantine(self):
        headers = validator("fm.headers.schema.json", "/$defs/quarantine")
        records = list(self.consume("fm.quarantine"))
        self.assertEqual(len(records), len(self.rows("quarantine-list")))
        self.assertGreater(len(records), 0)
        for key, head, _ in records:
            self.check(headers, head, "headers of fm.quarantine")
            self.assertEqual(key, f"{head['fm_topic']}/{head['fm_partition']}/{head['fm_offset']}")

    def check_journal(self, last):
        schema = validator("fm.transition.schema.json")
        lines = (self.dir / "journal").read_text().splitlines()
        seqs = [json.loads(line)["seq"] for line in lines]
        self.assertEqual(seqs, list(range(1, max(last, len(seqs)) + 1)))
        for line in lines:
            self.check(schema, json.loads(line), "the journal")

    def test_a_story_is_told_as_the_schemas_say(self):
        self.tell()
        last = self.rows("sink-list")[0]["last_seq"]
        self.check_transitions(last)
        self.check_alarms()
        self.check_quarantine()
        self.check_journal(last)
        self.check_explained()
        self.check_verbs()
        self.check_refusals()
        self.check_gap()

    def check_gap(self):
        """What retention took from a reader is said in its place."""
        wait(lambda: self.figure("oldest sequence") > 1, "the retention")
        self.end(self.fmd)
        db = sqlite3.connect(self.dir / "fmd.db")
        db.execute("UPDATE sink SET acked=0 WHERE name='kafka'")
        db.commit()
        db.close()
        self.open()
        wait(self.delivered, "the sinks")
        key, head, text = next(self.consume("fm.transitions"))
        record = json.loads(text)
        self.check(validator("fm.transition.schema.json"), record)
        self.check(validator("fm.headers.schema.json", "/$defs/transitions"), head)
        self.assertEqual((key, record["kind"]), ("|", "gap"))

    def figure(self, name):
        return [r["value"] for r in self.rows("stats") if r["name"] == name][0]

    # ---- the control protocol -------------------------------------------------------------

    def ask(self, verb, **args):
        """The rows and the end of an answer, each line checked."""
        request = {"id": 7, "verb": verb, "args": args}
        self.check(validator("control.schema.json", "/$defs/request"), request)
        lines = []
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.socket)
            s.sendall(json.dumps(request).encode() + b"\n")
            for line in s.makefile("rb"):
                lines.append(json.loads(line))
                if "done" in lines[-1]:
                    break
        for line in lines:
            self.check(validator("control.schema.json"), line, verb)
        rows = validator("control.schema.json", f"/$defs/rows/{verb}")
        for line in lines[:-1]:
            self.check(rows, line["row"], f"row of {verb}")
        return [line["row"] for line in lines[:-1]], lines[-1]

    def check_verbs(self):
        alarms, _ = self.ask("alarm-list", include_suppressed=True, cleared=True)
        events, _ = self.ask("event-list", include_suppressed=True, limit=200)
        key = {"alarm_id": alarms[0]["alarm_id"], "entity": alarms[0]["entity_instance_id"]}
        uuid = {"uuid": alarms[0]["uuid"]}
        answered = {"alarm-list", "event-list", "watch"}
        for verb, args in (("alarm-show", uuid), ("alarm-ack", uuid), ("alarm-unack", uuid),
                           ("alarm-shelve", {**uuid, "for": 60}), ("shelf-list", {}),
                           ("alarm-unshelve", uuid),
                           ("window-add", {"name": "w", "alarms": "100.101", "for": 60}),
                           ("window-add", {"name": "v", "alarms": "all", "entities": "host=no.such",
                                           "logs": True, "start": "2026-01-03 02:30",
                                           "rule": "FREQ=WEEKLY", "for": 60, "zone": "Asia/Tokyo"}),
                           ("window-list", {}), ("window-delete", {"name": "w"}),
                           ("event-suppress", {"alarm_id": "100.101"}),
                           ("event-suppress-list", {}),
                           ("event-unsuppress", {"alarm_id": "100.101"}),
                           ("event-suppress", {"alarm_id": "100.101,100.103"}),
                           ("event-unsuppress-all", {}),
                           ("event-suppress-list", {"include_unsuppressed": True}),
                           ("alarm-summary", {}), ("alarm-history", key), ("explain", uuid),
                           ("why-not", key),
                           ("what-if-event", {"records": json.dumps(
                               {"op": "set", "alarm_id": "100.101", "reason_text": "x",
                                "entity_instance_id": "host=what-if"}), "for": 60}),
                           ("what-if-shelf", {**key, "for": 60}),
                           ("what-if-window", {"name": "u", "alarms": "all", "for": 60}),
                           ("event-show", {"seq": events[0]["seq"]}), ("stats", {}),
                           ("quarantine-list", {}), ("audit-list", {}), ("sink-list", {}), ("ledger", {}),
                           ("version", {}), ("alarm-clear", key)):
            rows, end = self.ask(verb, **args)
            expected = (0, 1) if verb == "alarm-ack" else (0,)
            self.assertIn(end["code"], expected, f"{verb}: {end}")
            if verb == "window-delete":
                self.assertEqual(rows, [])
            elif not verb.startswith("alarm-") or verb in ("alarm-show", "alarm-summary",
                                                         "alarm-history"):
                self.assertGreater(len(rows), 0, verb)
            answered.add(verb)
        self.ask("alarm-delete", uuid=alarms[1]["uuid"])
        _, end = self.ask("input-resume", topic="fm.requests", partition=0)     # it reads already
        self.assertNotEqual(end["code"], 0)
        answered |= {"alarm-delete", "input-resume"}
        schema = json.loads((SCHEMAS / "control.schema.json").read_text())
        self.assertEqual(answered, set(schema["$defs"]["args"]))

    def check_explained(self):
        """Alarms that are active, cleared, purged, and those whose beginning is gone."""
        events, _ = self.ask("event-list", include_suppressed=True, limit=100000)
        alarms, _ = self.ask("alarm-list", include_suppressed=True, cleared=True)
        kinds = {}
        for event in reversed(events):
            kinds.setdefault(event["alarm"]["uuid"], []).append(event["kind"])
        purged = [u for u, k in kinds.items() if k[0] == "raise" and k[-1] == "purge"]
        headless = [u for u, k in kinds.items() if k[0] not in ("raise", "log")]
        kept = [a["uuid"] for s in ("active", "cleared") for a in alarms
                if a["state"] == s and a["uuid"] in kinds]
        self.assertTrue(purged and headless and kept)
        # Retention goes on with every heartbeat, so not the oldest.
        for uuid in (purged[-1], headless[len(headless) // 2], headless[-1], kept[0], kept[-1]):
            rows, _ = self.ask("explain", uuid=uuid)
            self.assertEqual([r["kind"] for r in rows], kinds[uuid])
            self.assertEqual([r["truncated"] for r in rows],
                             [uuid in headless] + [False] * (len(rows) - 1))
            self.assertEqual({s["delivery"] for r in rows for s in r["sinks"]}, {"done"})

    def check_refusals(self):
        zeros = "00000000-0000-4000-8000-000000000000"
        for verb, args, code in (("alarm-show", {"uuid": zeros}, 3), ("event-show", {"seq": 1 << 40}, 3),
                                 ("event-show", {"seq": 0}, 3),
                                 ("alarm-clear", {"alarm_id": "1", "entity": "a=b"}, 3),
                                 ("alarm-list", {"query": "colour=red"}, 2),
                                 ("alarm-show", {"uuid": "x"}, 2),
                                 ("alarm-shelve", {"uuid": zeros, "for": 60}, 3),
                                 ("alarm-shelve", {"uuid": zeros, "for": 1 << 40}, 2),
                                 ("alarm-unshelve", {"uuid": zeros}, 3),
                                 ("event-suppress", {"alarm_id": "100.101,nope"}, 3),
                                 ("event-suppress", {"alarm_id": ","}, 2),
                                 ("window-add", {"name": "x", "alarms": "1.2", "for": 60}, 3),
                                 ("window-add", {"name": "x", "alarms": "all"}, 2),
                                 ("window-delete", {"name": "x"}, 3),
                                 ("what-if-event", {"records": "{"}, 2),
                                 ("what-if-shelf", {"alarm_id": "1", "entity": "a=b", "for": 60}, 3),
                                 ("what-if-window", {"name": "v", "alarms": "all"}, 2)):
            rows, end = self.ask(verb, **args)
            self.assertEqual((rows, end["code"]), ([], code))
            self.assertTrue(end["error"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(warnings="ignore")         # RefResolver has a successor that Debian 12 lacks
