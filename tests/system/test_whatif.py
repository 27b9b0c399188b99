#!/usr/bin/env python3
"""fm what-if: what it says comes true, and asking changes nothing. With a real daemon.

    python3 tests/system/test_whatif.py BUILD_DIR [unittest arguments]
"""
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from test_daemon import ROOT, wait  # noqa: E402

STORY = """\
at 0s nova instance.update uuid=U1 host=compute-0
at 1s nova instance.update uuid=U1 host=compute-0 state=error
at 2s nova instance.update uuid=U2 host=compute-1 state=error
"""


def request(op, entity, text="x", **more):
    return json.dumps({"op": op, "alarm_id": "100.101", "entity_instance_id": entity,
                       "reason_text": text, **more})


def is_own(transition):
    """What fmd says of itself, whenever it has to."""
    return transition["alarm"]["alarm_id"].startswith("990.")


class Base(test_daemon.Base):
    CONFIG = ""

    def begin(self, *args):
        self.args = ("--demo", "--state-dir", str(self.dir),
                     "-c", str(self.config("self: {heartbeat: 0}\n" + self.CONFIG)))
        self.fmd = self.start(*self.args)
        self.addCleanup(self.kill)
        self.broker = (self.dir / "broker").read_text().strip()

    def kill(self):
        self.fmd.kill()
        self.fmd.wait()

    def produce(self, *lines):
        before = self.read()
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", "fm.requests"],
                       input="\n".join(lines) + "\n", text=True, check=True, timeout=60)
        wait(lambda: self.read() == before + len(lines), "the records")

    def read(self):
        return sum(r["read"] for r in self.rows("ledger") if r["topic"] == "fm.requests")

    def ask(self, *args):
        return self.rows("what-if", *args)

    def file(self, *lines):
        path = self.dir / "records"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    def records(self):
        path = self.dir / "story.scn"
        path.write_text(STORY, encoding="utf-8")
        env = dict(os.environ, FMD_SOURCE=str(ROOT))
        out = subprocess.run([test_daemon.BUILD / "tests/scenario/run_scenario", "--records", path],
                             capture_output=True, text=True, check=True, env=env, timeout=60)
        return [json.loads(line)["value"] for line in out.stdout.splitlines()]


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Events(Base):
    def setUp(self):
        super().setUp()
        self.begin()

    def test_what_it_says_is_what_happens(self):
        self.produce(request("set", "host=c1"), request("set", "host=c2"))
        lines = [request("set", "host=c3", "new"), request("clear", "host=c1"),
                 request("set", "host=c2", "other", severity="minor"), request("clear", "host=c9")]
        said = self.ask("event", self.file(*lines))
        self.assertEqual([(r["line"], r["kind"]) for r in said if r["what"] == "record"],
                         [(1, "applied"), (2, "applied"), (3, "applied"), (4, "no-effect")])
        changes = [r for r in said if r["what"] == "transition"]
        self.assertEqual(said[-1]["changes"], len(changes))
        last = self.rows("sink-list")[0]["last_seq"]
        self.produce(*lines)
        came = [t for t in reversed(self.rows("event-list", "--include_suppress"))
                if t["seq"] > last and not is_own(t)]
        members = ("alarm_id", "entity_instance_id", "severity", "state", "reason_text")
        self.assertEqual([(c["kind"], c["notify"], *(c["alarm"][m] for m in members))
                          for c in changes],
                         [(t["kind"], t["notify"], *(t["alarm"][m] for m in members)) for t in came])
        self.assertEqual([c["kind"] for c in changes], ["raise", "clear", "change"])

    def test_time_may_pass(self):
        path = self.file(*self.records())
        now = self.ask("event", path)
        held = [r for r in now if r["what"] == "transition" and r["kind"] == "raise"]
        self.assertEqual([(r["line"], r["alarm"]["alarm_id"], r["alarm"]["suppression_status"],
                           r["notify"]) for r in held],
                         [(2, "700.001", "held", False), (3, "700.001", "held", False)])
        deadlines = [r for r in now if r["what"] == "deadline" and r["kind"] == "hold-notice"]
        self.assertEqual([d["text"] for d in deadlines],
                         [f"700.001|{r['alarm']['entity_instance_id']}" for r in held])
        later = self.ask("event", path, "--for", "1m")
        told = [r for r in later if r["what"] == "transition" and r["line"] is None]
        self.assertEqual([(r["kind"], r["notify"]) for r in told], [("unsuppress", True)] * 2)
        table = self.fm("what-if", "event", path, "--for", "1m").stdout
        self.assertIn("hold-notice", table)
        self.assertIn("3 records, ", table)
        self.assertEqual(self.rows("alarm-list"), [])

    def test_standard_input_and_what_cannot_be_read(self):
        run = [test_daemon.BUILD / "fm/fm", "--socket", self.socket, "--json", "what-if", "event", "-"]
        out = subprocess.run(run, input=request("set", "host=c1") + "\n", capture_output=True,
                             text=True, timeout=30)
        self.assertEqual([r["kind"] for r in json.loads(out.stdout)][:2], ["applied", "raise"])
        for words, *lines in (("line 2: ", request("set", "host=c1"), "{"),
                              ("line 3: ", request("set", "host=c1"), "", '{"op": "set"}'),
                              ("no records", ""),
                              ("more than 65536 bytes", request("set", "host=c1", "y" * 70000))):
            out = self.fm("what-if", "event", self.file(*lines))
            self.assertEqual(out.returncode, 2, out.stderr)
            self.assertIn(words, out.stderr)
        for args in ((), ("shelves",), ("event",), ("shelf", "a"), ("shelf", "a", "b"),
                     ("event", self.file(""), "--zone", "UTC")):
            self.assertEqual(self.fm("what-if", *args).returncode, 2, args)
        self.assertEqual(self.fm("what-if", "event", "/no/such").returncode, 3)

    def test_records_of_64_kib_are_taken(self):
        line = request("set", "host=c1", "y" * 200) + "\n"
        lines = (line * (65536 // len(line))).ljust(65536, "\n")
        path = self.dir / "records"
        path.write_text(lines, encoding="utf-8")
        rows = self.ask("event", str(path))
        self.assertEqual(rows[-1]["records"], 65536 // len(line))


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Hiding(Base):
    def setUp(self):
        super().setUp()
        self.begin()
        self.produce(*(request("set", f"host=c{n}") for n in range(4)))

    def effects(self, rows):
        return {r["entity_instance_id"]: (r["effect"], r["becomes"]) for r in rows
                if r["what"] == "alarm"}

    def test_a_shelf(self):
        rows = self.ask("shelf", "100.101", "host=c1", "--for", "1h")
        stays = ("stays", "unsuppressed")
        self.assertEqual(self.effects(rows), {"host=c0": stays, "host=c1": ("hidden", "shelved"),
                                              "host=c2": stays, "host=c3": stays})
        self.assertEqual((rows[-1]["hidden"], rows[-1]["stays"]), (1, 3))
        self.assertEqual(self.fm("what-if", "shelf", "100.101", "host=c9", "--for", "1h").returncode,
                         3)

    def test_a_window_that_opens_later(self):
        self.assertEqual(self.fm("alarm-shelve", "100.101", "host=c3", "--for", "1h").returncode, 0)
        args = ("window", "night", "--alarm_id", "all", "--entity", "host=c1,host=c3", "--start",
                "2026-01-03", "--days", "sat", "--at", "02:30", "--for", "4h", "--zone",
                "Europe/Berlin")
        rows = self.ask(*args)
        stays = ("stays", "unsuppressed")
        self.assertEqual(self.effects(rows),
                         {"host=c0": stays, "host=c1": ("hidden", "maintenance"),
                          "host=c2": stays, "host=c3": ("already hidden", "shelved")})
        self.assertIn("1 would be hidden, 2 stay, 1 are hidden already",
                      self.fm("what-if", *args).stdout.replace("\n", " "))
        self.assertEqual(self.rows("window-list"), [])
        self.assertEqual(self.fm("what-if", "window", "w", "--alarm_id", "1.2", "--for",
                                 "1h").returncode, 3)

    def test_asking_changes_nothing(self):
        def live():
            # Whether a partition is heard right now is not the core's.
            ledger = [{k: v for k, v in row.items() if k not in ("state", "since")}
                      for row in self.rows("ledger")]
            return [self.rows(*verb) for verb in
                    (("alarm-list", "--include_suppress"), ("event-list", "--include_suppress"),
                     ("shelf-list",), ("window-list",), ("audit-list",))] + \
                [ledger] + [r["last_seq"] for r in self.rows("sink-list")] + \
                [r for r in self.rows("stats") if r["section"] in ("alarms", "correlator")]

        def ask_all():
            for args in (("event", self.file(*self.records(), request("set", "host=c9"),
                                             request("clear_all", "host=c1")), "--for", "1h"),
                         ("shelf", "100.101", "host=c1", "--for", "1h"),
                         ("window", "w", "--alarm_id", "all", "--for", "1h")):
                self.assertGreater(len(self.ask(*args)), 3)

        def stored():
            self.kill()
            with contextlib.closing(sqlite3.connect(self.dir / "fmd.db")) as db:
                rows = [db.execute(f"SELECT * FROM {table}").fetchall() for table in
                        ("instance", "host", "position", "ledger", "audit", "quarantine",
                         "alarm WHERE alarm_id NOT LIKE '990.%'",
                         "transition WHERE alarm_id NOT LIKE '990.%'",
                         "deadline WHERE subject NOT LIKE '990.%'",
                         "kept WHERE name NOT IN ('now', 'next_alarm_id', 'next_order')")]
            self.fmd = self.start(*self.args)
            return rows

        # Under load fmd may have something to say of itself meanwhile.
        for _ in range(5):
            before = live()
            ask_all()
            after = live()
            if not any(is_own(t) for t in after[1] if t not in before[1]):
                break
        self.assertEqual(after, before)
        # The demo's broker is new with each start, so this compares what the store alone has.
        rows = stored()
        ask_all()
        again = stored()
        self.assertEqual(again, rows)


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Limits(Base):
    CONFIG = "limits: {what_if: 2}\n"

    def test_what_would_take_too_long_is_refused(self):
        self.begin()
        self.produce(request("set", "host=c0"), request("set", "host=c1"))
        args = ("what-if", "shelf", "100.101", "host=c1", "--for", "1h")
        self.assertEqual(self.fm(*args).returncode, 0)
        self.produce(request("set", "host=c2"))
        out = self.fm(*args)
        self.assertEqual(out.returncode, 1)
        self.assertIn("there are 3 instances and alarms, and limits.what_if is 2", out.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
