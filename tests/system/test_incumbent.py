#!/usr/bin/env python3
"""Where StarlingX FM is known to go wrong, fmd does not: one test each, against the real daemon.

Each test names its defect: "7.2 #3" is the third line of the list of defects seen in a build of
StarlingX FM (master of June 2026), "1.4" and "1.5" are what follows from how it sets, clears and
masks. docs/INCUMBENT.md has the list, with the scenarios that tell the same stories in full.

    python3 tests/system/test_incumbent.py BUILD_DIR [unittest arguments]
"""
import collections
import json
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from test_daemon import wait  # noqa: E402

INHIBIT = {"inhibit_alarms": True, "suppression": False}


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Base(test_daemon.Base):
    def setUp(self):
        super().setUp()
        self.options = ("--demo", "--state-dir", self.dir, "-c",
                        self.config(f"log: {{journal: {self.dir}/journal}}\n"))
        self.fmd = self.start(*self.options)

    def read(self):
        return sum(row["read"] for row in self.rows("ledger") if row["topic"] == "fm.requests")

    def send(self, *requests):
        """Fault requests as lines; back when fmd has read them."""
        before = self.read()
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
        subprocess.run(["kcat", "-P", "-b", (self.dir / "broker").read_text().strip(),
                        "-t", "fm.requests"], input=lines, text=True, check=True, timeout=60)
        wait(lambda: self.read() == before + len(requests), "the requests")

    def set(self, alarm_id, entity, **more):
        self.send({"op": "set", "alarm_id": alarm_id, "entity_instance_id": entity, **more})

    def clear(self, alarm_id, entity):
        self.send({"op": "clear", "alarm_id": alarm_id, "entity_instance_id": entity})

    def told(self, alarm_id):
        """Every change of the alarms of an id, oldest first."""
        return [row for row in reversed(self.rows("event-list", "--include-suppress"))
                if row["alarm"]["alarm_id"] == alarm_id]

    def journal(self):
        """What the journal sink has been told: whole lines only."""
        return [json.loads(line) for line in
                (self.dir / "journal").read_text().splitlines(True) if line.endswith("\n")]

    def active(self, alarm_id):
        return [row for row in self.rows("alarm-list", "--include-suppress")
                if row["alarm_id"] == alarm_id]

    def entities(self, alarm_id):
        return sorted(row["entity_instance_id"] for row in self.active(alarm_id))

    def statuses(self, alarm_id):
        return {row["entity_instance_id"]: row["suppression_status"]
                for row in self.active(alarm_id)}

    def done(self, *args):
        out = self.fm(*args)
        self.assertEqual(out.returncode, 0, out.stderr)


class Set(Base):
    def test_setting_again_is_no_news(self):
        """7.2 #1, 1.4: two sets, two UUIDs, two history rows, two traps; the raise time is lost."""
        self.set("100.101", "host=compute-0", reason_text="full")
        first, = self.active("100.101")
        self.set("100.101", "host=compute-0", reason_text="full")
        again, = self.active("100.101")
        self.assertEqual(len(self.told("100.101")), 1)
        self.assertEqual([again[k] for k in ("uuid", "raised_at")],
                         [first[k] for k in ("uuid", "raised_at")])
        self.assertEqual((first["count"], again["count"]), (1, 2))

    def test_a_change_is_told_as_a_change(self):
        """1.4: history shows set, set, clear; what changed, and that it is one alarm, is lost."""
        self.set("100.101", "host=compute-0", severity="major")
        self.set("100.101", "host=compute-0", severity="critical")
        self.clear("100.101", "host=compute-0")
        told = self.told("100.101")
        self.assertEqual([t["kind"] for t in told], ["raise", "change", "clear"])
        self.assertEqual(told[1]["previous"]["severity"], "major")
        self.assertEqual(len({t["alarm"]["uuid"] for t in told}), 1)
        self.assertEqual(len({t["alarm"]["raised_at"] for t in told}), 1)

    def test_keep_existing_tells_nothing_that_was_not_done(self):
        """7.2 #2: the row is kept; history and trap claim the refused severity, text and UUID."""
        self.set("100.101", "host=compute-0", severity="major", reason_text="kept")
        self.set("100.101", "host=compute-0", severity="critical", reason_text="refused",
                 keep_existing_alarm=True)
        alarm, = self.active("100.101")
        self.assertEqual((alarm["severity"], alarm["reason_text"]), ("major", "kept"))
        told, = self.told("100.101")
        self.assertEqual(told["alarm"]["uuid"], alarm["uuid"])
        # A later change stands behind all that was told before it.
        self.set("100.103", "host=compute-0")
        wait(lambda: [t for t in self.journal() if t["alarm"]["alarm_id"] == "100.103"],
             "the journal")
        self.assertNotIn("refused", (self.dir / "journal").read_text())

    def test_a_set_that_clears_is_refused(self):
        """7.2 #18: set with state clear leaves a live row in state clear."""
        self.set("100.101", "host=compute-0", alarm_state="clear")
        self.set("100.101", "host=compute-1", severity="clear")
        self.assertEqual([a for a in self.active("100.101") if a["state"] != "active"], [])
        self.assertEqual(self.entities("100.101"), ["host=compute-0"])
        refused, = self.rows("quarantine-list")
        self.assertIn("severity", refused["reason"])

    def test_texts_are_only_texts(self):
        """7.2 #10, #12, #13: %n ends the daemon; a quote or a cut character refuses the alarm."""
        entity = "host=compute-0.process=o'brien\"; DROP TABLE alarm"
        text = "%n%s%n " + "x" * 246 + "é" * 40
        self.set("100.103", entity, reason_text=text)
        alarm, = self.active("100.103")
        self.assertEqual((alarm["entity_instance_id"], alarm["reason_text"]), (entity, text))
        self.assertIsNone(self.fmd.poll())

    def test_every_probable_cause_is_kept(self):
        """7.2 #15: certificate-expiration is stored as not-applicable."""
        self.set("100.101", "host=compute-0", probable_cause="certificate-expiration")
        self.assertEqual(self.active("100.101")[0]["probable_cause"], "certificate-expiration")

    def test_one_uuid_whoever_asks(self):
        """7.2 #14, 1.4: get_faults and the SNMP table give the suppression's UUID."""
        self.set("100.101", "host=compute-0")
        listed, = self.active("100.101")
        told, = self.told("100.101")
        shown = self.rows("alarm-show", listed["uuid"])
        line = wait(lambda: [t for t in self.journal() if t["seq"] == told["seq"]], "the journal")
        self.assertEqual({shown["uuid"], told["alarm"]["uuid"], line[0]["alarm"]["uuid"]},
                         {listed["uuid"]})


class Clear(Base):
    def test_a_clear_is_of_one_alarm(self):
        """7.2 #3, 1.4: a clear of host=compute-1 clears host=compute-10; _ and % match anything."""
        for host in ("compute-1", "compute-10", "compute_1", "compute%"):
            self.set("100.101", "host=" + host)
        self.set("100.101", "host=compute-1.filesystem=/")
        self.clear("100.101", "host=compute%")
        self.clear("100.101", "host=compute_1")
        self.assertEqual(self.entities("100.101"), [
            "host=compute-1", "host=compute-1.filesystem=/", "host=compute-10"])
        self.clear("100.101", "host=compute-1")
        self.assertEqual(self.entities("100.101"),
                         ["host=compute-1.filesystem=/", "host=compute-10"])

    def test_clear_all_goes_by_segments_and_tells_each(self):
        """7.2 #6: one history row for N alarms, with an empty id, severity and alarm."""
        keys = [("100.101", "host=compute-1"), ("100.103", "host=compute-1.process=x")]
        for alarm_id, entity in [*keys, ("100.101", "host=compute-10")]:
            self.set(alarm_id, entity)
        raised = {a["uuid"] for a, in (self.active("100.103"),)}
        self.send({"op": "clear_all", "entity_instance_id": "host=compute-1"})
        cleared = [t for t in self.told("100.101") + self.told("100.103") if t["kind"] == "clear"]
        self.assertEqual([(t["alarm"]["alarm_id"], t["alarm"]["entity_instance_id"])
                          for t in cleared], keys)
        self.assertEqual({t["notify"] for t in cleared}, {True})
        self.assertIn(cleared[1]["alarm"]["uuid"], raised)
        self.assertEqual(self.entities("100.101"), ["host=compute-10"])

    def test_a_clear_belongs_to_its_raise(self):
        """1.4: set and clear have UUIDs of their own; a clear carries no time but the manager's."""
        self.set("100.101", "host=compute-0")
        self.clear("100.101", "host=compute-0")
        raised, cleared = self.told("100.101")
        self.assertEqual(raised["alarm"]["uuid"], cleared["alarm"]["uuid"])
        # The record that cleared it can be found, and has a time.
        self.assertEqual([cleared["cause"][k] for k in ("kind", "topic")],
                         ["record", "fm.requests"])
        self.assertGreater(cleared["cause"]["offset"], raised["cause"]["offset"])


class Inhibit(Base):
    def test_a_child_that_comes_late_is_masked(self):
        """7.2 #4, 1.5: a child raised after the inhibitor is shown and trapped; a set unmasks."""
        self.set("500.001", "host=compute-1", **INHIBIT)
        self.set("100.101", "host=compute-1")
        self.set("100.101", "host=compute-10")
        self.set("100.101", "host=compute-1", reason_text="set again")
        self.assertEqual(self.statuses("100.101"),
                         {"host=compute-1": "masked", "host=compute-10": "unsuppressed"})
        self.assertEqual([t["notify"] for t in self.told("100.101")], [False, True, False])

    def test_of_two_inhibitors_the_other_one_holds(self):
        """7.2 #5, 1.5: clearing one of two inhibitors unmasks; no change of the mask is told."""
        self.set("100.101", "host=compute-1")
        for alarm_id in ("500.001", "500.002"):
            self.set(alarm_id, "host=compute-1", **INHIBIT)
        self.clear("500.001", "host=compute-1")
        self.assertEqual(self.statuses("100.101"), {"host=compute-1": "masked"})
        self.clear("500.002", "host=compute-1")
        self.assertEqual(self.statuses("100.101"), {"host=compute-1": "unsuppressed"})
        told = self.told("100.101")
        self.assertEqual([t["kind"] for t in told], ["raise", "suppress", "suppress", "unsuppress"])
        self.assertEqual(told[1]["cause"]["parent"], self.told("500.001")[0]["alarm"]["uuid"])
        self.assertEqual(told[2]["cause"]["parent"], self.told("500.002")[0]["alarm"]["uuid"])

    def test_an_operator_who_deletes_the_inhibitor_unmasks(self):
        """1.4, 1.5: REST DELETE writes the tables by itself: no trap, and the mask stays."""
        self.set("100.101", "host=compute-1")
        self.set("500.001", "host=compute-1", **INHIBIT)
        inhibitor, = self.active("500.001")
        self.done("alarm-delete", "--yes", inhibitor["uuid"])
        self.assertEqual(self.statuses("100.101"), {"host=compute-1": "unsuppressed"})

    def test_an_operator_suppresses_by_name_and_says_who(self):
        """1.5: no user, no time, no reason; ids it does not know are ignored."""
        self.set("100.101", "host=compute-1")
        self.done("event-suppress", "--yes", "--alarm_id", "100.101")
        self.set("100.101", "host=compute-2")
        self.assertEqual(set(self.statuses("100.101").values()), {"suppressed"})
        row, = self.rows("event-suppress-list")
        self.assertTrue(row["user"] and row["since"])
        self.assertEqual([t["notify"] for t in self.told("100.101")], [True, True, False])
        self.assertEqual(self.fm("event-suppress", "--yes", "--alarm_id", "100.999").returncode, 3)


class OneWritePath(Base):
    def test_a_command_is_told_as_a_record_is(self):
        """1.4, table: REST DELETE clears the row and writes history; no trap, nobody is told."""
        self.set("100.101", "host=compute-0")
        alarm, = self.active("100.101")
        self.done("alarm-delete", "--yes", alarm["uuid"])
        cleared = self.told("100.101")[-1]
        self.assertEqual((cleared["kind"], cleared["notify"], cleared["cause"]["command"]),
                         ("clear", True, "alarm-delete"))
        journal = wait(lambda: [t for t in self.journal() if t["seq"] == cleared["seq"]],
                       "the journal")
        self.assertEqual(journal, [cleared])

    def test_no_two_alarms_of_one_key(self):
        """1.1, 1.4: no unique key; REST POST inserts without looking, duplicates are possible."""
        self.send(*[{"op": "set", "alarm_id": "100.101", "entity_instance_id": "host=compute-0",
                     "severity": s} for s in ("major", "critical", "major")])
        self.assertEqual([a["severity"] for a in self.active("100.101")], ["major"])

    def test_what_was_answered_survives_a_kill_and_numbers_are_never_reused(self):
        """7.2 #7, #16: after the reply history and trap are lost for good; integer ids recycle."""
        self.set("100.101", "host=compute-0")
        alarm, = self.active("100.101")
        self.done("alarm-ack", alarm["uuid"])
        before = self.rows("event-list", "--include-suppress")
        self.fmd.kill()
        self.fmd.wait()
        self.fmd = self.start(*self.options)
        after = self.rows("event-list", "--include-suppress")
        self.assertEqual(after[-len(before):], before)
        self.assertEqual(self.active("100.101")[0]["state"], alarm["state"])
        numbers = [t["seq"] for t in after]
        self.assertEqual(numbers, list(range(len(numbers), 0, -1)))

    def test_what_could_not_be_stored_is_not_said_to_be_done(self):
        """7.2 #17: the database is stopped, the answer is an error, the alarm appears later."""
        self.set("100.101", "host=compute-0")
        alarm, = self.active("100.101")
        self.fmd.kill()
        self.fmd.wait()
        self.assertEqual(self.fm("alarm-ack", alarm["uuid"]).returncode, 5)
        self.fmd = self.start(*self.options)
        self.assertEqual(self.active("100.101")[0]["acked_by"], None)

    def test_one_program_writes(self):
        """1.4: manager and REST service write the same tables; a second writer is kept out."""
        second = self.run_fmd(*self.options)
        self.assertEqual(second.returncode, 73, second.stderr)
        db = sqlite3.connect(next(self.dir.rglob("fmd.db")), timeout=0)
        self.addCleanup(db.close)
        with self.assertRaises(sqlite3.OperationalError):
            db.execute("DELETE FROM alarm")


class Clients(Base):
    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        client.connect(self.socket)
        self.addCleanup(client.close)
        return client

    def test_bytes_that_are_no_request_end_nobody(self):
        """7.2 #9: a length of 0xffffffff aborts the daemon."""
        client = self.connect()
        client.sendall(b"\xff\xff\xff\xff" * 8 + b"\n")
        self.assertIn(b'"code":2', client.recv(4096))
        self.assertEqual(self.fm("version").returncode, 0)

    def test_half_a_request_holds_up_nobody(self):
        """7.2 #11: a half-sent frame makes all clients wait for five seconds."""
        half = [self.connect() for _ in range(3)]
        for client in half:
            client.sendall(b'{"id":1,"verb":"ver')
        self.assertEqual(self.fm("version").returncode, 0)
        for client in half:
            client.sendall(b'sion"}\n')
            with client.makefile("rb") as lines:
                self.assertIn(b'"row":', lines.readline())
                self.assertIn(b'"done":true,"code":0', lines.readline())


class TheList(unittest.TestCase):
    def test_every_defect_is_in_the_document(self):
        text = (test_daemon.ROOT / "docs/INCUMBENT.md").read_text()
        tests = [name for case in (Set, Clear, Inhibit, OneWritePath, Clients)
                 for name in vars(case) if name.startswith("test_")]
        counted = collections.Counter({name: text.count(f"`{name}`") for name in tests})
        self.assertEqual([name for name in tests if counted[name] == 0], [])
        for path in {word for word in text.split("`") if word.endswith((".scn", ".py"))}:
            self.assertTrue((test_daemon.ROOT / path).exists(), path)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
