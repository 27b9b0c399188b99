#!/usr/bin/env python3
"""The control socket's server: many clients, slow ones, gone ones, and who may do what.

    python3 tests/system/test_control.py BUILD_DIR [unittest arguments]
"""
import datetime
import json
import os
import pathlib
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from test_daemon import wait  # noqa: E402

ALARMS = 3000


class Client:
    """One connection; reads only when asked to."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def ask(self, verb, ident=1, **args):
        line = json.dumps({"id": ident, "verb": verb, "args": args}).encode() + b"\n"
        self.socket.sendall(line)

    def next(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def answer(self):
        """All rows and the end."""
        rows = []
        while "row" in (line := self.next()):
            rows.append(line["row"])
        return rows, line

    def close(self):
        self.lines.close()
        self.socket.close()


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Server(test_daemon.Base):
    LIMIT = 4

    def setUp(self):
        super().setUp()
        self.fmd = self.start("--demo", "--state-dir", self.dir, "-c",
                              self.config(f"limits: {{clients: {self.LIMIT}}}\n"))
        self.broker = (self.dir / "broker").read_text().strip()

    def connect(self):
        client = Client(self.socket)
        self.addCleanup(client.close)
        return client

    def produce(self, begin, end):
        """An alarm for each number, with a text that makes it long."""
        lines = "".join(json.dumps({"op": "set", "alarm_id": "100.101", "reason_text": "x" * 900,
                                    "entity_instance_id": f"host=c{n}"}) + "\n"
                        for n in range(begin, end))
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", "fm.requests"], input=lines,
                       text=True, check=True, timeout=60)
        wait(lambda: [r for r in self.rows("ledger") if r["topic"] == "fm.requests" and
                      r["read"] >= end], "the records")

    def alone(self):
        """A connection that has seen itself to be the only one: fmd has heard that others went."""
        def try_it():
            client = Client(self.socket)
            try:
                client.ask("stats")
                rows, _ = client.answer()
            except (BrokenPipeError, ConnectionResetError, TypeError):
                rows = []               # turned away
            if [r["value"] for r in rows if r["name"] == "clients"] == [1]:
                return client
            client.close()
            return None
        client = wait(try_it, "the others to be forgotten")
        self.addCleanup(client.close)
        return client

    def test_a_watcher_that_does_not_read_costs_no_memory_and_loses_nothing(self):
        self.produce(0, 100)
        watchers = [self.connect() for _ in range(3)]
        for watcher in watchers:
            watcher.ask("watch", after=0)
            self.assertEqual(watcher.next()["row"]["seq"], 1)
        self.produce(100, ALARMS)
        # What waits for them does not depend on how far they are behind.
        unread = [r["value"] for r in self.rows("stats") if r["name"] == "unread"][0]
        self.assertGreater(unread, 0)
        self.assertLess(unread, len(watchers) * 2 * 65536 + 65536)
        last = self.rows("sink-list")[0]["last_seq"]
        self.assertGreater(last, ALARMS - 1)
        for watcher in watchers:
            seqs = [watcher.next()["row"]["seq"] for _ in range(last - 1)]
            self.assertEqual(seqs, list(range(2, last + 1)))
        self.produce(ALARMS, ALARMS + 1)
        self.assertEqual(watchers[0].next()["row"]["seq"], last + 1)

    def test_a_long_answer_comes_whole_while_others_are_served(self):
        self.produce(0, ALARMS)
        slow = self.connect()
        slow.ask("alarm-list")
        slow.ask("event-list", ident=2, limit=10 * ALARMS)
        slow.ask("stats", ident=3)
        for _ in range(10):
            self.assertEqual(self.fm("version").returncode, 0)
        self.assertEqual(self.fm("alarm-clear", "100.101", "host=c0").returncode, 0)
        rows, end = slow.answer()
        self.assertEqual((end["id"], end["code"]), (1, 0))
        numbers = [row["id"] for row in rows]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreaterEqual(len(rows), ALARMS - 1)
        rows, end = slow.answer()
        self.assertEqual((end["id"], end["code"], len(rows)), (2, 0, rows[0]["seq"]))
        self.assertEqual([row["seq"] for row in rows], list(range(len(rows), 0, -1)))
        self.assertEqual(slow.answer()[1], {"id": 3, "done": True, "code": 0})

    def test_a_query_that_finds_nothing_ends(self):
        self.produce(0, 1200)
        for verb in ("alarm-list", "event-list", "alarm-summary"):
            client = self.connect()
            client.ask(verb, query="alarm_id=no")
            rows, end = client.answer()
            self.assertEqual((len(rows), end["code"]), (1 if verb == "alarm-summary" else 0, 0))

    def test_who_has_asked_all_and_waits_is_answered(self):
        self.produce(0, 1000)
        client = self.connect()
        client.ask("alarm-list")
        client.ask("event-list", ident=2)
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(len(client.answer()[0]), 1000)
        self.assertEqual(client.answer()[1]["code"], 0)
        self.assertIsNone(client.next())
        watcher = self.connect()
        watcher.ask("watch", after=0)
        watcher.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(watcher.next()["row"]["seq"], 1)

    def test_who_has_gone_takes_no_place(self):
        for _ in range(5 * self.LIMIT):
            client = Client(self.socket)
            client.ask("watch")
            client.close()
        self.alone()

    def test_too_many_are_told_so(self):
        # We are fmd's own user, who may write: eight more than the limit get in.
        inside = [self.alone()] + [self.connect() for _ in range(self.LIMIT + 7)]
        for client in inside:
            client.ask("version")
            self.assertEqual(client.answer()[1]["code"], 0)
        out = self.fm("alarm-list")
        self.assertEqual(out.returncode, 1)
        self.assertIn("too many clients are connected (limits.clients)", out.stderr)
        inside.pop().close()
        wait(lambda: self.fm("alarm-list").returncode == 0, "the place")

    def test_a_number_beyond_the_last_is_refused_by_watch(self):
        self.produce(0, 1)
        out = self.fm("watch", "--after", "1000")
        self.assertEqual(out.returncode, 3)
        self.assertRegex(out.stderr, r"after 1000: the last transition is \d+")

    def test_one_connection_watches_once(self):
        client = self.connect()
        client.ask("watch")
        client.ask("watch", ident=2)
        self.assertEqual((client.next()["code"]), 2)
        client.ask("version", ident=3)
        self.assertEqual(client.answer()[1], {"id": 3, "done": True, "code": 0})

    def test_half_an_alarm_history_key_is_refused(self):
        client = self.connect()
        client.ask("alarm-history", alarm_id="100.101")
        self.assertEqual(client.answer()[1]["code"], 2)

    def test_a_line_without_end_is_refused_and_the_connection_closed(self):
        client = self.connect()
        client.socket.sendall(b"x" * 136000)
        self.assertEqual(client.next()["code"], 2)
        self.assertIsNone(client.next())


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Members(test_daemon.Base):
    """An alarm about several instances names them."""

    def setUp(self):
        super().setUp()
        self.start("--demo", "--state-dir", self.dir, "-c", self.config("self: {heartbeat: 0}\n"))
        self.broker = (self.dir / "broker").read_text().strip()
        self.seq = 0

    def record(self, n, **more):
        self.seq += 1
        return json.dumps({"kind": "event", "seq": self.seq, "boot": "b", "host": "compute-9",
                           "event": "lifecycle", "domain": f"vm-{n}",
                           "uuid": f"aaaaaaaa-0000-4000-8000-{n:012x}", **more}) + "\n"

    def crash(self, numbers):
        lines = "".join(self.record(n, **event) for event in (
            {"lifecycle": "started", "detail": "booted"},
            {"lifecycle": "stopped", "detail": "failed"}) for n in numbers)
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", "libvirt.events", "-p", "0"],
                       input=lines, text=True, check=True, timeout=60)
        wait(lambda: [r for r in self.rows("ledger") if r["read"] >= self.seq and
                      (r["topic"], r["partition"]) == ("libvirt.events", 0)], "the records")

    def test_explain_has_them_now_and_as_they_were(self):
        self.crash(range(1, 5))
        key = ("270.302", "host=compute-9")
        rows = self.rows("explain", *key)
        self.assertEqual([m["name"] for m in rows[0]["members"]], ["vm-1", "vm-2", "vm-3", "vm-4"])
        self.assertEqual(rows[0]["alarm"]["attributes"]["members"],
                         " ".join(m["instance"] for m in rows[0]["members"][:3]))
        self.assertEqual(rows[0]["members_total"], 4)
        self.assertNotIn("members", rows[-1] if len(rows) > 1 else {})
        text = self.fm("explain", *key).stdout
        self.assertIn("4 in the group at present:", text)
        self.crash(range(5, 301))
        rows = self.rows("explain", *key)
        self.assertEqual((len(rows[0]["members"]), rows[0]["members_total"]), (256, 300))


class Aside(test_daemon.Base):
    """What operators put aside, through fm, a kill and the audit trail."""

    def setUp(self):
        super().setUp()
        # An alarm of fmd's own that lasts: no disk has as much room as this wants.
        self.conf = self.config("kafka: {brokers: '127.0.0.1:1'}\n"
                                "self: {disk_free: 1000000000000000000}\n")
        self.fmd = self.start("-c", self.conf)
        self.alarm = wait(self.shown, "the alarm")[0]

    def shown(self, *args):
        return [a for a in self.rows("alarm-list", *args) if a["alarm_id"] == "990.003"]

    def done(self, *args):
        out = self.fm(*args)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout

    def kill_and_start(self):
        self.fmd.kill()
        self.fmd.wait()
        self.fmd = self.start("-c", self.conf)

    def audited(self):
        self.end(self.fmd)
        db = sqlite3.connect(self.dir / "state/fmd.db")
        rows = db.execute("SELECT verb, args, result FROM audit ORDER BY id").fetchall()
        db.close()
        return rows

    def test_a_shelf_survives_a_kill_and_is_shown_on_demand(self):
        uuid = self.alarm["uuid"]
        self.done("alarm-shelve", uuid, "--for", "8h")
        self.assertEqual(self.shown(), [])
        self.kill_and_start()
        self.assertEqual(self.shown(), [])
        shelved = self.shown("--include_suppress")[0]
        self.assertEqual((shelved["uuid"], shelved["suppression_status"]), (uuid, "shelved"))
        left = (datetime.datetime.fromisoformat(shelved["shelved_until"].replace("Z", "+00:00")) -
                datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        self.assertTrue(7.9 * 3600 < left <= 8 * 3600, left)
        self.assertIn("S(990.003)", self.done("alarm-list", "--include_suppress"))
        shelf = self.rows("shelf-list")[0]
        self.assertEqual((shelf["alarm_id"], shelf["active"], shelf["shelved_until"]),
                         ("990.003", True, shelved["shelved_until"]))
        self.done("alarm-unshelve", shelf["alarm_id"], shelf["entity_instance_id"])
        self.assertEqual(len(self.shown()), 1)
        self.assertEqual(self.fm("alarm-unshelve", uuid).returncode, 3)
        kinds = [r["kind"] for r in self.rows("alarm-history", uuid)]
        self.assertEqual(kinds, ["raise", "shelve", "unshelve"])
        verbs = [(verb, result) for verb, _, result in self.audited()]
        self.assertEqual(verbs, [("alarm-shelve", "done"), ("alarm-unshelve", "done"),
                                 ("alarm-unshelve", "no such alarm is shelved")])

    def test_suppressed_ids_survive_a_kill_and_come_back(self):
        rows = json.loads(self.done("event-suppress", "--alarm_id", "990.003,100.101", "--json"))
        self.assertEqual([(r["alarm_id"], r["status"]) for r in rows],
                         [("990.003", "suppressed"), ("100.101", "suppressed")])
        self.kill_and_start()
        self.assertEqual(self.shown(), [])
        self.assertEqual(self.shown("--include_suppress")[0]["suppression_status"], "suppressed")
        self.assertEqual([r["alarm_id"] for r in self.rows("event-suppress-list")],
                         ["100.101", "990.003"])
        self.assertGreater(len(self.rows("event-suppress-list", "--include-unsuppressed")), 100)
        # An unknown id changes nothing; a repetition is no error.
        out = self.fm("event-unsuppress", "--alarm_id", "990.003,no.such")
        self.assertEqual(out.returncode, 3)
        self.assertIn("no.such", out.stderr)
        self.assertEqual(len(self.rows("event-suppress-list")), 2)
        self.done("event-suppress", "--alarm_id", "990.003")
        self.done("event-unsuppress-all")
        self.assertEqual(self.rows("event-suppress-list"), [])
        self.assertEqual(len(self.shown()), 1)
        self.assertEqual(len(self.audited()), 4)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
class Groups(test_daemon.Base):
    """Who may do what, by the groups of the process that asks."""

    # Groups that every Debian has and nobody is in.
    READ, WRITE, OTHER = "games", "lp", "news"

    def setUp(self):
        super().setUp()
        self.dir.chmod(0o755)
        conf = self.config("kafka: {brokers: '127.0.0.1:1'}\n")
        conf.write_text(conf.read_text().replace(
            "fmd.sock}", f"fmd.sock, read_group: {self.READ}, write_group: {self.WRITE}}}"))
        self.conf = conf
        self.fmd = self.start("-c", conf)

    def ask_as(self, groups, verb, times=1, rows=False, **args):
        """The end of an answer (or its rows) to a nobody with these groups, or what connect said."""
        request = json.dumps({"id": 1, "verb": verb, "args": args})
        script = ("import socket, sys\n"
                  "s = socket.socket(socket.AF_UNIX)\n"
                  "try:\n    s.connect(sys.argv[1])\n"
                  "except PermissionError:\n    sys.exit('EACCES')\n"
                  "lines = s.makefile()\n"
                  "for _ in range(int(sys.argv[3])):\n"
                  "    s.sendall(sys.argv[2].encode() + b'\\n')\n"
                  "    for line in lines:\n"
                  "        print(line)\n"
                  "        if '\"done\":true' in line:\n            break\n")
        keep = ["--groups=" + ",".join(groups)] if groups else ["--clear-groups"]
        out = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", *keep,
                              "/usr/bin/python3", "-c", script, self.socket, request, str(times)],
                             capture_output=True, text=True, timeout=60)
        lines = [json.loads(line) for line in out.stdout.splitlines() if line]
        if rows:
            return [line["row"] for line in lines if "row" in line]
        return lines[-1] if lines else out.stderr.strip()

    def test_supplementary_groups_count(self):
        zero = "00000000-0000-4000-8000-000000000000"
        self.assertEqual(self.ask_as([], "version"), "EACCES")
        self.assertEqual(self.ask_as([self.OTHER], "version"), "EACCES")
        self.assertEqual(self.ask_as([self.WRITE], "version"), "EACCES")
        self.assertEqual(self.ask_as([self.READ], "version")["code"], 0)
        end = self.ask_as([self.READ], "alarm-ack", uuid=zero)
        self.assertEqual(end["code"], 4)
        self.assertIn(f"needs root or the group {self.WRITE}", end["error"])
        self.assertEqual(self.ask_as([self.READ, self.WRITE], "alarm-ack", uuid=zero)["code"], 3)

    def trail(self, **args):
        """As (user, role, verb, args, result), oldest first; asked for by a reader."""
        rows = self.ask_as([self.READ], "audit-list", rows=True, **args)
        return [(r["user"], r["uid"], r["role"], r["verb"], r["args"], r["result"])
                for r in reversed(rows)]

    def test_every_command_leaves_a_row_whatever_came_of_it(self):
        zero = "00000000-0000-4000-8000-000000000000"
        both = [self.READ, self.WRITE]
        who = (pwd.getpwuid(65534).pw_name, 65534)
        self.ask_as([self.READ], "alarm-clear", alarm_id="100.101", entity="host=" + "x" * 4000)
        self.ask_as(both, "alarm-ack", uuid=zero)
        self.ask_as(both, "alarm-ack", uuid="nonsense")
        self.ask_as(both, "alarm-shelve", uuid=zero, **{"for": 0})
        self.ask_as(both, "event-suppress", alarm_id="100.101")
        self.ask_as(both, "event-suppress", alarm_id="")
        self.ask_as(both, "event-suppress", alarm_id="no.such")
        self.ask_as(both, "input-resume", topic="nothing", partition=0, at="noon")
        expected = [
            (*who, "reader", "alarm-clear", {"alarm_id": "100.101",
             "entity": ("host=" + "x" * 4000)[:256] + "\u2026"}, "not permitted"),
            (*who, "admin", "alarm-ack", {"uuid": zero}, "no such active alarm"),
            (*who, "admin", "alarm-ack", {"uuid": "nonsense"}, "not a UUID"),
            (*who, "admin", "alarm-shelve", {"uuid": zero, "for": 0},
             "for: from a second to 30 days"),
            (*who, "admin", "event-suppress", {"alarm_id": "100.101"}, "done"),
            (*who, "admin", "event-suppress", {"alarm_id": ""},
             "alarm_id: one or more ids, joined by commas"),
            (*who, "admin", "event-suppress", {"alarm_id": "no.such"},
             "there is no alarm no.such, neither in the catalogue nor active"),
            (*who, "admin", "input-resume", {"topic": "nothing", "partition": 0, "at": "noon"},
             "at is earliest or latest"),
        ]
        self.assertEqual(self.trail(), expected)
        self.fmd.kill()                         # what was answered is durable
        self.fmd.wait()
        self.start("-c", self.conf)
        self.assertEqual(self.trail(), expected)
        self.assertEqual(self.trail(limit=2), expected[-2:])
        self.assertIn("not permitted", self.fm("audit-list", "-q", "role=reader").stdout)

    def test_who_is_refused_again_and_again_pushes_nobody_out_of_the_trail(self):
        self.ask_as([self.READ, self.WRITE], "event-suppress", alarm_id="100.101")
        self.ask_as([self.READ], "alarm-clear", times=200, alarm_id="100.101", entity="host=c")
        rows = self.trail(limit=1000)
        self.assertEqual(rows[0][3:], ("event-suppress", {"alarm_id": "100.101"}, "done"))
        self.assertTrue(60 <= len(rows) - 1 < 200, len(rows))   # another minute may have begun
        self.end(self.fmd)
        self.start("-c", self.conf)
        kept = [r for r in self.trail(limit=1000) if r[3] == "alarm-clear"]
        more = [int(r[5].split()[0]) for r in self.trail(limit=1000) if r[0] == "fmd"]
        self.assertEqual(len(kept) + sum(more), 200)

    def test_descriptors_that_a_client_sends_are_not_taken(self):
        before = len(os.listdir(f"/proc/{self.fmd.pid}/fd"))
        client = Client(self.socket)
        self.addCleanup(client.close)
        with open("/dev/null", "rb") as null:
            for _ in range(10):
                line = json.dumps({"id": 1, "verb": "version"}).encode() + b"\n"
                socket.send_fds(client.socket, [line], [null.fileno()] * 5)
                self.assertEqual(client.answer()[1]["code"], 0)
        self.assertLessEqual(len(os.listdir(f"/proc/{self.fmd.pid}/fd")), before + 1)

    def test_one_reader_does_not_take_the_places_of_the_others(self):
        self.end(self.fmd)
        self.conf.write_text(self.conf.read_text() + "limits: {clients: 8}\n")
        self.start("-c", self.conf)
        script = ("import json, socket, sys\n"
                  "kept = []\n"
                  "for _ in range(4):\n"
                  "    s = socket.socket(socket.AF_UNIX)\n"
                  "    s.connect(sys.argv[1])\n"
                  "    try:\n        s.sendall(b'{\"id\":1,\"verb\":\"version\"}\\n')\n"
                  "    except OSError:\n        pass                # turned away already\n"
                  "    kept.append(s)\n"
                  "    print(next(json.loads(line)['code'] for line in s.makefile()\n"
                  "               if 'done' in line), flush=True)\n"
                  "sys.stdin.read()\n")
        def reader(uid):
            process = subprocess.Popen(
                ["setpriv", f"--reuid={uid}", "--regid=65534", "--groups=" + self.READ,
                 "/usr/bin/python3", "-c", script, self.socket], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True)
            self.addCleanup(process.communicate)
            return [int(process.stdout.readline()) for _ in range(4)]
        self.assertEqual(reader(65534), [0, 0, 1, 1])
        self.assertEqual(reader(65533), [0, 0, 1, 1])
        self.assertEqual(self.fm("version").returncode, 0)

    def test_a_group_that_does_not_exist_is_said_at_the_start(self):
        conf = self.config("kafka: {brokers: '127.0.0.1:1'}\n", name="second.yaml")
        conf.write_text(conf.read_text().replace("/state\n", "/state2\n").replace(
            "fmd.sock}", "second.sock, read_group: no-such-group}"))
        with open(self.dir / "second.log", "w") as log:
            fmd = subprocess.Popen([test_daemon.BUILD / "fmd/fmd", "-c", conf], stderr=log)
        self.addCleanup(self.end, fmd)
        wait(lambda: "group no-such-group (control.read_group) does not exist" in
             (self.dir / "second.log").read_text(), "the warning")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
