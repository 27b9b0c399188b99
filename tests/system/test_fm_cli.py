#!/usr/bin/env python3
"""The CLI against a stand-in for fmd: every verb, every form of output, every exit code.

    python3 tests/system/test_fm_cli.py BUILD_DIR [unittest arguments]
"""

import csv
import fcntl
import grp
import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_fmd  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FM = None
UUID = fake_fmd.UUIDS[3]
KEY = ["700.008", fake_fmd.ENTITY]

# verb -> arguments it needs
LISTS = {"alarm-list": [], "alarm-summary": [], "alarm-history": KEY, "event-list": [],
         "stats": [], "sink-list": [], "ledger": [], "quarantine-list": [], "audit-list": [], "shelf-list": [],
         "window-list": [], "window-add": ["night", "--alarm_id", "all", "--for", "2h"],
         "event-suppress-list": [], "event-suppress": ["--alarm_id", "100.101,100.103"],
         "event-unsuppress": ["--alarm_id", "100.101"], "event-unsuppress-all": []}
SHOWS = {"alarm-show": [UUID], "event-show": ["17"], "version": []}
COMMANDS = {"alarm-delete": ["--yes", UUID], "alarm-clear": KEY, "alarm-ack": [UUID],
            "alarm-unack": [UUID], "alarm-shelve": [*KEY, "--for", "8h"],
            "alarm-unshelve": [UUID], "window-delete": ["night"], "input-resume": ["libvirt.events", "0", "latest"]}
STORIES = {"explain": KEY, "watch": []}
ALL = {**LISTS, **SHOWS, **COMMANDS, **STORIES}

STATUSES = ["unsuppressed", "held", "masked", "shelved", "suppressed", "maintenance"]

HOSTILE = "\x1b]0;pwned\x07\x1b[2J\u202egnp.exe\u2066\u200b\x9b31m\u061c\r\nfake line\t%n%s\x7f\u2028"
# What may never leave fm: controls but the newline, bidi and invisible characters.
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069"
                       "\ufeff]")


def width_of(line):
    """Columns that a line takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def framed(text):
    """The cells of a framed table, a list per line of text."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("|")]


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fm-cli-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.fmd = fake_fmd.FakeFmd(os.path.join(self.dir, "s"))
        self.addCleanup(self.fmd.close)

    def environment(self, **more):
        env = {"FM_SOCKET": self.fmd.path, "TZ": "CET-1CEST,M3.5.0,M10.5.0/3", "LANG": "C.UTF-8",
               "TERM": "xterm"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(more)
        return env

    def fm(self, *args, code=0, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **env):
        """Runs fm; checks its code, and that an error says something on stderr."""
        done = subprocess.run([FM, *args], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                              env=self.environment(**env), timeout=60)
        err = done.stderr.decode()
        self.assertEqual(done.returncode, code, f"fm {' '.join(map(str, args))}: {err}")
        self.assertNotIn("Sanitizer", err)
        if code == 0:
            self.assertEqual(err, "")
        else:
            self.assertTrue(err.startswith("fm: "), err)
        self.err = err
        # not universal newlines: what CSV ends its lines with is part of the test
        return (done.stdout or b"").decode()

    def on_terminal(self, *args, columns=100, **env):
        """Runs fm on a terminal of its own and returns what that would show."""
        main, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen([FM, *args], stdin=child, stdout=child, stderr=child,
                                   env=self.environment(**env))
        os.close(child)
        text = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:         # EIO: the other end is closed
                break
            if not piece:
                break
            text += piece
        os.close(main)
        self.assertEqual(process.wait(60), 0)
        return text.decode().replace("\r\n", "\n")

    def heading(self, *args, **env):
        return framed(self.fm(*args, **env))[0]


class Requests(Base):
    def last(self, *args):
        self.fm(*args)
        return self.fmd.requests[-1]

    def test_every_verb_asks_for_itself(self):
        for verb, args in ALL.items():
            self.fmd.hang_up_after = 99 if verb == "watch" else None
            self.fm(verb, *args, code=5 if verb == "watch" else 0)
            self.assertEqual(self.fmd.requests[-1]["verb"], verb)

    def test_words_become_arguments(self):
        self.assertEqual(self.last("alarm-show", UUID.upper())["args"], {"uuid": UUID})
        self.assertEqual(self.last("input-resume", "libvirt.events", "2")["args"],
                         {"topic": "libvirt.events", "partition": 2})
        self.assertEqual(self.last("input-resume", "libvirt.events", "2", "latest")["args"],
                         {"topic": "libvirt.events", "partition": 2, "at": "latest"})
        self.assertEqual(self.last("alarm-clear", *KEY)["args"],
                         {"alarm_id": KEY[0], "entity": KEY[1]})
        self.assertEqual(self.last("event-show", "17")["args"], {"seq": 17})
        self.assertEqual(self.last("event-show", UUID)["args"], {"uuid": UUID})
        self.assertEqual(self.last("explain", UUID)["args"], {"uuid": UUID})
        self.assertEqual(self.last("alarm-shelve", UUID, "--for", "90m")["args"],
                         {"uuid": UUID, "for": 5400})
        self.assertEqual(self.last("window-add", "night", "--alarm-id", "all", "--entity", "host=a",
                                   "--start", "2026-01-03", "--days", "sat", "--at", "02:30",
                                   "--for", "4h", "--zone", "Europe/Berlin", "--logs")["args"],
                         {"name": "night", "alarms": "all", "entities": "host=a", "for": 14400,
                          "start": "2026-01-03", "days": "sat", "at": "02:30", "logs": True,
                          "zone": "Europe/Berlin"})
        self.assertEqual(self.last("window-add", "w", "--alarm_id", "1.2", "--from", "2026-12-05 22:00",
                                   "--until", "2026-12-06")["args"],
                         {"name": "w", "alarms": "1.2", "from": "2026-12-05 22:00",
                          "until": "2026-12-06"})
        self.assertEqual(self.last("window-delete", "w")["args"], {"name": "w"})
        self.assertEqual(self.last("event-suppress", "--yes", "--alarm-id", "1.2,3.4")["args"],
                         {"alarm_id": "1.2,3.4"})
        self.assertEqual(self.last("event-suppress-list", "--include-unsuppressed")["args"],
                         {"include_unsuppressed": True})
        self.assertEqual(self.last("alarm-history", *KEY, "--limit", "3")["args"],
                         {"alarm_id": KEY[0], "entity": KEY[1], "limit": 3})

    def test_what_if_asks_one_of_three(self):
        path = os.path.join(self.dir, "records")
        with open(path, "w", encoding="utf-8") as f:
            f.write('{"op": "set"}\n')
        for verb, args, expected in (
                ("event", (path, "--for", "1m"), {"records": '{"op": "set"}\n', "for": 60}),
                ("shelf", (*KEY, "--for", "8h"),
                 {"alarm_id": KEY[0], "entity": KEY[1], "for": 28800}),
                ("window", ("night", "--alarm_id", "all", "--from", "2026-12-05", "--until", "2026-12-06"),
                 {"name": "night", "alarms": "all", "from": "2026-12-05", "until": "2026-12-06"})):
            request = self.last("what-if", verb, *args)
            self.assertEqual((request["verb"], request["args"]), (f"what-if-{verb}", expected))

    def test_options_become_arguments(self):
        args = self.last("event-list", "-q", "severity>=major", "--include_suppress", "-l", "5")
        self.assertEqual(args["args"], {"query": "severity>=major", "include_suppressed": True,
                                        "limit": 5})
        self.assertEqual(self.last("event-list", "--alarms")["args"], {"alarms": True})
        self.assertEqual(self.last("event-list", "--logs")["args"], {"logs": True})
        self.assertEqual(self.last("event-list", "--logs", "--alarms")["args"], {})
        self.assertEqual(self.last("--include-suppress", "alarm-summary")["args"],
                         {"include_suppressed": True})

    def test_active_alarms_are_limited_when_all_are_here(self):
        text = self.fm("alarm-list", "--sort", "severity", "--limit", "1", "--json")
        self.assertEqual(self.fmd.requests[-1]["args"], {})
        self.assertEqual([row["severity"] for row in json.loads(text)], ["minor"])
        text = self.fm("alarm-list", "--limit", "1", "--json")
        self.assertEqual([row["alarm_id"] for row in json.loads(text)], ["700.008"])


class Lists(Base):
    def test_headings_are_those_of_the_incumbent(self):
        alarm = ["Alarm ID", "Reason Text", "Entity ID", "Severity", "Time Stamp"]
        mgmt, degrade = "Management Affecting", "Degrade Affecting"
        self.assertEqual(self.heading("alarm-list"), alarm)
        self.assertEqual(self.heading("alarm-list", "--uuid"), ["UUID"] + alarm)
        self.assertEqual(self.heading("alarm-list", "--mgmt_affecting"),
                         alarm[:4] + [mgmt] + alarm[4:])
        self.assertEqual(self.heading("alarm-list", "--degrade_affecting"), alarm + [degrade])
        self.assertEqual(self.heading("alarm-list", "--mgmt_affecting", "--degrade_affecting"),
                         alarm[:4] + [mgmt, degrade] + alarm[4:])
        self.assertEqual(self.heading("alarm-list", "--mgmt_affecting", "--uuid"),
                         ["UUID"] + alarm[:3] + [mgmt] + alarm[3:])
        self.assertEqual(self.heading("alarm-summary"),
                         ["Critical Alarms", "Major Alarms", "Minor Alarms", "Warnings"])
        event = ["Time Stamp", "State", "Event Log ID", "Reason Text", "Entity Instance ID",
                 "Severity"]
        self.assertEqual(self.heading("event-list"), event)
        self.assertEqual(self.heading("event-list", "--uuid"), ["UUID"] + event)
        self.assertEqual(framed(self.fm("alarm-show", UUID))[0], ["Property", "Value"])
        for verb, args in (("event-suppress-list", []), ("event-suppress", ["--alarm_id", "1"]),
                           ("event-unsuppress", ["--alarm_id", "1"]), ("event-unsuppress-all", [])):
            self.assertEqual(self.heading(verb, *args, "--nopaging"), ["Event ID", "Status"])
            self.assertEqual(self.heading(verb, *args, "--uuid", "--nowrap"),
                             ["UUID", "Event ID", "Status"])

    def test_alarms_come_newest_first(self):
        self.fmd.rows["alarm-list"].reverse()
        for args in ([], ["--json"], ["--csv"]):
            text = self.fm("alarm-list", *args)
            ids = re.findall(r"\b(?:200\.004|100\.103|700\.008|700\.001)\b", text)
            self.assertEqual(ids, ["700.008", "200.004", "100.103", "700.001"])
        rows = framed(self.fm("alarm-list"))[1:]
        self.assertEqual(rows[1][3:], ["critical", "2026-11-23 11:15:03+01:00"])

    def test_suppressed_alarms_are_marked_and_held_ones_are_not(self):
        self.fmd.rows["alarm-list"] = [fake_fmd.alarm(60 - n, suppression_status=status)
                                       for n, status in enumerate(STATUSES)]
        rows = framed(self.fm("alarm-list"))[1:]
        self.assertEqual([row[0].startswith("S(") for row in rows],
                         [False, False, True, True, True, True])

    def test_other_rows_are_in_the_order_of_fmd(self):
        self.fmd.rows["stats"].reverse()
        rows = framed(self.fm("stats"))[1:]
        self.assertEqual([row[1] for row in rows], ["file_bytes", "cycle_p99", "lag", "records"])

    def test_states_of_events_are_the_incumbents_words(self):
        rows = framed(self.fm("event-list"))[1:]
        self.assertEqual([row[1] for row in rows], ["log", "clear", "ack", "change", "set"])

    def test_a_table_fits_every_width_and_loses_no_text(self):
        for columns in (60, 80, 100, 200):
            for verb, args in LISTS.items():
                text = self.fm(verb, *args, COLUMNS=str(columns))
                with self.subTest(verb=verb, columns=columns):
                    self.assertEqual(len({width_of(line) for line in text.splitlines()}), 1, text)
                    self.assertLessEqual(width_of(text.splitlines()[0]), columns, text)
        cells = framed(self.fm("alarm-list", COLUMNS="60"))
        reason = "".join(row[1] for row in cells[1:]).replace(" ", "")
        self.assertIn(self.fmd.rows["alarm-list"][0]["reason_text"].replace(" ", ""), reason)

    def test_what_no_width_is_enough_for_stands_upright(self):
        rows = framed(self.fm("ledger", COLUMNS="60"))
        self.assertEqual(rows[0], ["Property", "Value"])
        first = self.fmd.rows["ledger"][0]
        self.assertEqual(rows[1:3], [["Topic", first["topic"]], ["Part", str(first["partition"])]])
        self.assertEqual([r[1] for r in rows if r[0] == "Quarantined"],
                         [str(row["quarantined"]) for row in self.fmd.rows["ledger"]])
        self.assertEqual(framed(self.fm("ledger", COLUMNS="80"))[0][0], "Topic")

    def test_nothing_wraps_without_a_terminal_or_with_nowrap(self):
        for args, env in (([], {}), (["--nowrap"], {"COLUMNS": "60"})):
            rows = framed(self.fm("alarm-list", *args, **env))[1:]
            self.assertEqual(rows[1][1], self.fmd.rows["alarm-list"][0]["reason_text"])

    def test_wide_characters_keep_the_frame_straight(self):
        rows = self.fmd.rows["alarm-list"]
        rows[0]["reason_text"] = "ディスクの空き容量が不足しています 🙂 " * 3
        rows[1]["reason_text"] = "Größe e\u0301te\u0301 " * 5
        for columns in ("60", "80", "200"):
            text = self.fm("alarm-list", COLUMNS=columns)
            self.assertEqual(len({width_of(line) for line in text.splitlines()}), 1, text)
        self.fm("alarm-list", COLUMNS="80", LANG="C")
        self.fm("alarm-list", COLUMNS="80", LC_ALL="no_SUCH.locale")

    def test_an_empty_list_has_headings_only(self):
        self.fmd.rows = {}
        self.assertEqual(len(framed(self.fm("alarm-list"))), 1)
        self.assertEqual(self.fm("alarm-list", "--json"), "[]\n")
        self.assertEqual(self.fm("ledger", "--csv"), "topic,partition,state,read,applied,"
                         "no_effect,duplicate,late,unknown_type,quarantined\r\n")
        self.assertEqual(self.fm("alarm-list", "--csv", "--no-header"), "")

    def test_no_header(self):
        rows = framed(self.fm("alarm-list", "--no-header"))
        self.assertEqual(rows[0][0], "700.008")
        self.assertEqual(len(rows), 4)

    def test_columns_in_the_order_asked_for(self):
        self.assertEqual(self.heading("alarm-list", "--columns", "severity,uuid,count"),
                         ["Severity", "UUID", "Count"])
        rows = json.loads(self.fm("alarm-list", "--columns", "severity,uuid", "--json"))
        self.assertEqual(list(rows[0]), ["severity", "uuid"])

    def test_sort_by_weight_by_number_by_text_both_ways(self):
        def column(key, sort):
            rows = json.loads(self.fm("alarm-list", "--sort", sort, "--json"))
            return [row[key] for row in rows]
        self.assertEqual(column("severity", "severity:desc"),
                         ["critical", "major", "minor", "minor"])
        self.assertEqual(column("severity", "severity"), ["minor", "minor", "major", "critical"])
        self.assertEqual(column("alarm_id", "alarm_id:asc"),
                         ["100.103", "200.004", "700.001", "700.008"])
        # equal keys stay in the order of fmd
        self.assertEqual(column("alarm_id", "count:desc"),
                         [row["alarm_id"] for row in self.fmd.rows["alarm-list"]])

    def test_limit_holds_even_where_the_protocol_has_none(self):
        self.assertEqual(len(json.loads(self.fm("stats", "--limit", "2", "--json"))), 2)
        self.assertEqual(len(framed(self.fm("stats", "--limit", "2"))), 3)

    def test_a_query_selects_rows_of_every_list(self):
        for verb, args, query, path, left in (
                ("stats", [], "name=lag", "name", ["lag"]),
                ("stats", [], "value>1;value<2", "name", ["cycle_p99"]),
                ("stats", [], "section!=kafka; unit~ms", "name", ["cycle_p99"]),
                ("sink-list", [], "lag>0", "name", ["snmp:noc-a"]),
                ("sink-list", [], "last_error=", "name", ["kafka"]),
                ("ledger", [], "topic~libvirt", "read", [78]),
                ("quarantine-list", [], "time>=2026-11-23T10:11:12Z", "id", [2]),
                ("quarantine-list", [], "time>2026-11-23T10:11:12Z", "id", []),
                ("alarm-history", KEY, "kind=ack", "seq", [19]),
                ("alarm-history", KEY, "severity>warning;user!=anna", "seq", [18, 20])):
            rows = json.loads(self.fm(verb, *args, "-q", query, "--json"))
            self.assertEqual([row[path] for row in rows], left, (verb, query))
            self.assertNotIn("query", self.fmd.requests[-1]["args"])
        # a limit counts what was selected
        rows = json.loads(self.fm("alarm-history", *KEY, "-q", "seq>17", "-l", "1", "--json"))
        self.assertEqual([row["seq"] for row in rows], [18])
        self.assertEqual(self.fmd.requests[-1]["args"]["limit"], 0)

    def test_a_query_of_alarms_and_events_is_answered_by_fmd(self):
        for verb in ("alarm-list", "alarm-summary", "event-list"):
            self.fm(verb, "-q", "severity>=major")
            self.assertEqual(self.fmd.requests[-1]["args"], {"query": "severity>=major"})

    def test_json_is_what_fmd_sent(self):
        for verb, args in LISTS.items():
            rows = json.loads(self.fm(verb, *args, "--json"))
            self.assertCountEqual(rows, self.fmd.rows[verb])
        text = self.fm("alarm-list", "--json", "--color", "always")
        self.assertNotIn("\x1b", text)
        self.assertEqual(list(json.loads(text)[0]), list(self.fmd.rows["alarm-list"][0]))
        self.assertEqual(json.loads(self.fm("stats", "--json")), self.fmd.rows["stats"])

    def test_csv_is_rfc_4180(self):
        for verb, args in LISTS.items():
            text = self.fm(verb, *args, "--csv", "--color", "always")
            self.assertTrue(text.endswith("\r\n"))
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
            self.assertEqual({len(row) for row in rows}, {len(rows[0])})
            self.assertEqual(len(rows), 1 + len(self.fmd.rows[verb]))
        rows = list(csv.DictReader(io.StringIO(self.fm("alarm-list", "--csv"), newline="")))
        self.assertEqual(rows[3]["alarm_id"], "700.001")
        self.assertEqual(rows[3]["timestamp"], "2026-11-23T10:15:01.118023Z")

    def test_csv_disarms_formulas(self):
        self.fmd.rows["alarm-list"][0]["reason_text"] = '=HYPERLINK("http://x","y")'
        rows = list(csv.DictReader(io.StringIO(self.fm("alarm-list", "--csv"), newline="")))
        self.assertEqual(rows[1]["reason_text"], "'=HYPERLINK(\"http://x\",\"y\")")

    def test_sections_of_the_figures_are_named_once(self):
        rows = framed(self.fm("stats"))[1:]
        self.assertEqual([row[0] for row in rows], ["kafka", "", "engine", "store"])
        rows = list(csv.reader(io.StringIO(self.fm("stats", "--csv", "--no-header"), newline="")))
        self.assertEqual([row[0] for row in rows], ["kafka", "kafka", "engine", "store"])

    def test_many_rows(self):
        self.fmd.rows["alarm-list"] = [fake_fmd.alarm(n % 60) for n in range(3000)]
        self.assertEqual(len(json.loads(self.fm("alarm-list", "--json"))), 3000)
        self.assertEqual(len(framed(self.fm("alarm-list"))), 3001)


class Shows(Base):
    def properties(self, *args, **env):
        found = {}
        for row in framed(self.fm(*args, **env))[1:]:
            found.setdefault(row[0], row[1])
        return found

    def test_properties_of_an_alarm(self):
        found = self.properties("alarm-show", UUID)
        self.assertEqual(found["alarm_id"], "200.004")
        self.assertEqual(found["alarm_state"], "active")
        self.assertEqual(found["timestamp"], "2026-11-23 11:15:03.118+01:00")
        self.assertEqual(found["service_affecting"], "False")

    def test_properties_of_an_event(self):
        found = self.properties("event-show", "17")
        self.assertEqual(found["event_log_id"], "700.008")
        self.assertEqual(found["state"], "set")
        self.assertEqual(found["seq"], "17")

    def test_values_wrap_at_the_terminal(self):
        for columns in (60, 80, 200):
            text = self.fm("alarm-show", UUID, COLUMNS=str(columns))
            self.assertLessEqual(max(width_of(line) for line in text.splitlines()), columns)

    def test_json_is_one_object(self):
        for verb, args in SHOWS.items():
            self.assertEqual(json.loads(self.fm(verb, *args, "--json")), self.fmd.rows[verb][0])

    def test_no_row_is_a_failure(self):
        self.fmd.rows = {}
        self.fm("alarm-show", UUID, code=1)


class Stories(Base):
    def test_explain_tells_each_change_and_why(self):
        text = self.fm("explain", *KEY)
        self.assertTrue(text.startswith("700.008  " + fake_fmd.ENTITY))
        for line in ("cleared, minor, acknowledged by anna, uuid " + fake_fmd.UUIDS[8],
                     "2026-11-23 11:15:08.118+01:00  raise  severity warning  (sequence 17)",
                     "2026-11-23 11:18:08.118+01:00  change  severity warning -> minor",
                     "because    instance.live_migration_pre.start of 2026-11-23 11:15:08.118+01:00,"
                     " record versioned_notifications.info partition 0 offset 1017",
                     "because    the deadline migration.limit.soft fell due",
                     "rule       700.008 Escalate After 180 s (catalogue line 1211)",
                     "because    the command alarm-ack by anna",
                     "announced  yes", "announced  no"):
            self.assertIn(line, text)
        self.assertLess(text.index("  raise"), text.index("  change"))
        self.assertNotIn("no longer kept", text)

    def test_explain_says_why_there_is_none(self):
        self.assertEqual(self.fm("explain", "--why-not", *KEY), "instance.failed does not hold\n")
        self.assertEqual(self.fmd.requests[-1]["verb"], "why-not")
        self.assertEqual(self.fmd.requests[-1]["args"], {"alarm_id": KEY[0], "entity": KEY[1]})
        self.assertEqual(json.loads(self.fm("explain", "--why-not", "--json", *KEY)),
                         [{"reason": "no-state", "text": "instance.failed does not hold"}])

    def test_explain_marks_a_beginning_that_is_gone(self):
        del self.fmd.rows["explain"][0]
        self.fmd.rows["explain"][0]["truncated"] = True
        self.assertIn("(history before 2026-11-23 11:18:08.118+01:00 is no longer kept)",
                      self.fm("explain", UUID))

    def test_explain_says_why_it_is_not_announced_and_under_whom(self):
        row = self.fmd.rows["explain"][0]
        row["notify"] = False
        row["alarm"].update(suppression_status="masked", suppressed_by=UUID)
        self.fmd.rows["explain"] = [row]
        text = self.fm("explain", UUID)
        self.assertIn("active, warning, masked, uuid", text)
        self.assertIn("announced  no: masked", text)
        self.assertIn("parent     alarm " + UUID, text)

    def test_explain_says_what_may_be_out_of_date(self):
        row = self.fmd.rows["explain"][0]
        row["alarm"]["attributes"] = {"stale_since": "2026-11-24T02:48:57.526000Z"}
        self.fmd.rows["explain"] = [row]
        self.assertIn("may be out of date since 2026-11-24", self.fm("explain", UUID))
        row["alarm"]["attributes"] = {}
        row["previous"] = {"stale_since": "2026-11-24T02:48:57.526000Z"}
        self.assertIn("up to date again", self.fm("explain", UUID))

    def test_explain_says_how_far_each_sink_is(self):
        text = self.fm("explain", *KEY)
        self.assertEqual(re.findall(r"^    sinks +(.*)$", text, re.M),
                         ["done: kafka, snmp:noc-a"] * 3 + ["done: kafka; pending: snmp:noc-a"])
        for row in self.fmd.rows["explain"]:
            row["sinks"] = []
        self.assertNotIn("sinks", self.fm("explain", *KEY))

    def test_explain_lists_the_members_of_a_group(self):
        row = self.fmd.rows["explain"][0]
        row["alarm"]["attributes"] = {"count": 2, "members": fake_fmd.UUIDS[1] + " " + fake_fmd.UUIDS[2]}
        self.assertNotIn("at present", self.fm("explain", *KEY))
        row["members"] = [{"instance": fake_fmd.UUIDS[1], "name": "vm-\x1b1",
                           "since": "2026-11-23T10:15:08.118000Z"}] + 24 * [
                         {"instance": fake_fmd.UUIDS[2], "name": None,
                          "since": "2026-11-23T10:15:09.118000Z"}]
        text = self.fm("explain", *KEY)
        self.assertIn("25 in the group at present:\n", text)
        self.assertIn(f"member     {fake_fmd.UUIDS[1]} vm-\\u{{1b}}1 since 2026-11-23 11:15:08.118+01:00\n",
                      text)
        self.assertEqual(text.count("    member "), 20)
        self.assertIn("and 5 more; --json has them all\n", text)
        row["members_total"] = 300
        many = self.fm("explain", *KEY)
        self.assertIn("300 in the group at present:\n", many)
        self.assertIn("and 280 more; --json has more of them\n", many)
        self.assertEqual(re.findall(r"^    members +(.*)$", text, re.M),
                         [row["alarm"]["attributes"]["members"]])

    def test_explain_keeps_occurrences_apart(self):
        again = fake_fmd.transition(30, "raise", fake_fmd.alarm(40, alarm_id="700.008"))
        self.fmd.rows["explain"].append(again)
        text = self.fm("explain", *KEY)
        self.assertEqual(len(re.findall(r"^700\.008  ", text, re.M)), 2)

    def test_explain_fits_the_terminal(self):
        text = self.fm("explain", *KEY, COLUMNS="80")
        self.assertTrue(all(width_of(line) <= 80 for line in text.splitlines()[1:] if
                            line.startswith("    ")))

    def test_explain_of_nothing_is_not_found(self):
        self.fmd.rows = {}
        self.fm("explain", UUID, code=3)

    def test_explain_as_json_is_the_records(self):
        rows = json.loads(self.fm("explain", UUID, "--json"))
        self.assertEqual(rows, self.fmd.rows["explain"])


class Watch(Base):
    def start(self, *args):
        self.fmd.follow = True
        return subprocess.Popen([FM, "watch", *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.environment())

    def test_prints_a_line_per_change_as_it_comes(self):
        watch = self.start()
        lines = [watch.stdout.readline().decode() for _ in range(5)]
        self.assertEqual([line.split()[2] for line in lines], ["17", "18", "19", "20", "21"])
        self.assertEqual(lines[1].split()[:7],
                         ["2026-11-23", "11:18:08.118+01:00", "18", "change", "minor", "700.008",
                          fake_fmd.ENTITY])
        watch.send_signal(signal.SIGINT)
        out, err = watch.communicate(timeout=30)
        self.assertEqual((watch.returncode, out, err), (0, b"", b""))

    def test_json_is_a_record_per_line(self):
        watch = self.start("--json")
        rows = [json.loads(watch.stdout.readline()) for _ in range(5)]
        self.assertEqual(rows, self.fmd.rows["watch"])
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=30)
        self.assertEqual(watch.returncode, 0)

    def test_a_lost_connection_names_where_to_resume(self):
        watch = self.start()
        for _ in range(5):
            watch.stdout.readline()
        self.fmd.hang_up()
        _, err = watch.communicate(timeout=30)
        self.assertEqual(watch.returncode, 5)
        self.assertIn(b"resume with: fm watch --after 21", err)

    def test_an_answer_that_ends_is_a_lost_connection_too(self):
        self.fm("watch", code=5)
        self.assertIn("--after 21", self.err)

    def test_a_hole_is_told(self):
        del self.fmd.rows["watch"][1:3]
        self.fm("watch", code=5)
        self.assertIn("changes 18 to 19 are no longer kept", self.err)
        self.fm("watch", "--after", "12", code=5)
        self.assertIn("changes 13 to 16 are no longer kept", self.err)

    def test_resumes_after_a_sequence_number(self):
        self.fmd.rows["watch"] = []
        self.fm("watch", "--after", "12", code=5)
        self.assertEqual(self.fmd.requests[-1]["args"], {"after": 12})
        self.assertIn("--after 12", self.err)

    def test_a_refusal_is_told_with_its_code(self):
        self.fmd.error["watch"] = (4, "not for you")
        self.fm("watch", code=4)
        self.assertIn("not for you", self.err)

    def test_a_full_output_ends_it(self):
        with open("/dev/full", "w") as full:
            watch = subprocess.run([FM, "watch"], stdout=full, stderr=subprocess.PIPE,
                                   env=self.environment(), timeout=60)
        self.assertEqual(watch.returncode, 1)


class Terminal(Base):
    def test_a_terminal_gets_lines_and_colours(self):
        text = self.on_terminal("alarm-list")
        self.assertIn("│", text)
        self.assertIn("\x1b[1;31mcritical\x1b[0m", text)
        bare = re.sub("\x1b\\[[0-9;]*m", "", text)
        self.assertEqual({width_of(line) for line in bare.splitlines()}, {100})

    def test_its_width_is_asked_for(self):
        text = re.sub("\x1b\\[[0-9;]*m", "", self.on_terminal("alarm-list", columns=80))
        self.assertEqual({width_of(line) for line in text.splitlines()}, {80})

    def test_colours_can_be_declined(self):
        self.assertNotIn("\x1b", self.on_terminal("alarm-list", NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_terminal("alarm-list", TERM="dumb"))
        self.assertNotIn("\x1b", self.on_terminal("alarm-list", "--color", "never"))
        self.assertIn("\x1b", self.on_terminal("alarm-list", "--color", "always", NO_COLOR="1"))

    def test_a_pipe_gets_neither_unless_asked(self):
        text = self.fm("alarm-list")
        self.assertNotIn("\x1b", text)
        self.assertTrue(text.startswith("+--"))
        self.assertIn("\x1b[1;31mcritical", self.fm("alarm-list", "--color", "always"))

    def test_a_terminal_without_utf8_gets_ascii_frames(self):
        self.assertTrue(self.on_terminal("stats", LANG="C").startswith("+--"))


class Commands(Base):
    def test_success_is_silent(self):
        for verb, args in COMMANDS.items():
            self.assertEqual(self.fm(verb, *args), "")

    def delete_at_terminal(self, answer, *args):
        main, child = pty.openpty()
        process = subprocess.Popen([FM, "alarm-delete", *args, UUID], stdin=child,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment())
        os.close(child)
        os.write(main, answer)
        _, err = process.communicate(timeout=30)
        os.close(main)
        return process.returncode, err

    def test_a_person_is_asked_before_a_deletion(self):
        self.assertEqual(self.delete_at_terminal(b"n\n")[0], 1)
        self.assertEqual(self.delete_at_terminal(b"\n")[0], 1)
        self.assertEqual(self.fmd.requests, [])
        code, err = self.delete_at_terminal(b"y\n")
        self.assertEqual(code, 0)
        self.assertIn(b"Delete alarm " + UUID.encode(), err)
        self.assertEqual(len(self.fmd.requests), 1)

    def test_yes_asks_nobody(self):
        code, err = self.delete_at_terminal(b"", "--yes")
        self.assertEqual((code, err), (0, b""))

    def test_a_script_is_not_asked(self):
        self.fm("alarm-delete", UUID)
        self.assertEqual(len(self.fmd.requests), 1)


class Errors(Base):
    def test_the_code_is_the_servers(self):
        for verb, args in ALL.items():
            for code in (1, 2, 3, 4, 5):
                self.fmd.error = {verb: (code, "because of this")}
                self.assertEqual(self.fm(verb, *args, code=code), "")
                self.assertIn("because of this", self.err)
        self.fmd.error = {"stats": (1, None)}
        self.fm("stats", code=1)

    def test_wrong_usage_is_two_and_asks_nobody(self):
        wrong = [[], ["alarm-lst"], ["alarm-list", "--jsn"], ["alarm-list", "extra"],
                 ["alarm-show"], ["alarm-show", "not-a-uuid"], ["alarm-show", UUID, UUID],
                 ["alarm-clear", "100.103"], ["alarm-clear", "", "host=a"],
                 ["input-resume", "libvirt.events"], ["input-resume", "t", "0", "middle"],
                 ["input-resume", "t", "-1"], ["input-resume", "t", "0", "latest", "x"],
                 ["explain"], ["explain", "a", "b", "c"], ["explain", "--why-not", "200.004", ""],
                 ["alarm-list", "--json", "--csv"], ["alarm-list", "--columns", "nonsense"],
                 ["alarm-list", "--columns", ""], ["alarm-list", "--sort", "nonsense"],
                 ["alarm-list", "--sort", "severity:up"], ["alarm-list", "-q", "severity~major"],
                 ["alarm-list", "-q", "nonsense=1"], ["alarm-list", "--limit", "none"],
                 ["alarm-show", UUID, "--csv"], ["alarm-ack", UUID, "--json"],
                 ["stats", "-q", "count=1"], ["watch", "--after", "x"], ["help", "nonsense"],
                 ["event-show", "-5"], ["stats", "--yes"], ["ledger", "-q", "topic>a"],
                 ["alarm-shelve", UUID], ["alarm-shelve", UUID, "--for", "31d"],
                 ["alarm-shelve", UUID, "--for", "0s"], ["alarm-shelve", "--for", "1h"],
                 ["event-suppress"], ["event-suppress", "100.101"], ["event-unsuppress"],
                 ["ledger", "-q", "read=many"], ["sink-list", "-q", "lag~1"],
                 ["sink-list", "-q", "lag"], ["sink-list", "-q", ";"],
                 ["alarm-history", *KEY, "-q", "severity=awful"]]
        for args in wrong:
            with self.subTest(args=args):
                self.assertEqual(self.fm(*args, code=2), "")
        self.assertEqual(self.fmd.requests, [])

    def test_usage_names_the_question_too(self):
        for question, words in (("event", "FILE"), ("shelf", "ALARM_ID ENTITY"), ("window", "NAME")):
            self.fm("what-if", question, code=2)
            self.assertIn(f"usage: fm what-if {question} {words}\n", self.err)

    def test_what_is_not_utf8_is_named_wherever_it_stands(self):
        bad = b"\xff"
        for args in (["alarm-list", "-q", b"alarm_id=" + bad], ["event-list", b"-qalarm_id=" + bad],
                     ["alarm-summary", b"--query=alarm_id=" + bad], ["ledger", "-q", b"topic=" + bad],
                     *(["window-add", "w", "--for", "1h", "--alarm_id", "all", option, bad]
                       for option in ("--alarm_id", "--entity", "--from", "--start", "--days",
                                      "--at", "--zone")),
                     ["event-suppress", "--alarm_id", bad], ["window-delete", "--", bad],
                     ["alarm-clear", "--", bad, "x"], ["alarm-clear", "x", bad],
                     ["what-if", "window", "w", "--alarm_id", "all", "--entity", bad, "--for", "1h"]):
            with self.subTest(args=args):
                self.fm(*args, code=2)
                self.assertIn(r"not UTF-8: ", self.err)
                self.assertIn(r"\x{ff}", self.err)
        self.assertEqual(self.fmd.requests, [])

    def test_what_is_too_long_for_fmd_is_wrong_usage(self):
        fits, long = "a" * 4096, "a" * 4097
        self.fm("alarm-clear", fits, fits)
        self.fm("alarm-list", "-q", f"alarm_id={'a' * 65536}", code=2)
        self.assertIn("query: longer than 4096 bytes", self.err)
        for args in (["alarm-clear", long, "x"], ["window-delete", long],
                     ["event-suppress", "--alarm_id", long], ["explain", "--why-not", "1", long],
                     # fits, but not as JSON has it
                     ["window-add", "\x01" * 4096, "--for", "1h",
                      *(word for option in ("alarm_id", "entity", "start", "days", "at", "zone")
                        for word in ("--" + option, "\x01" * 4096))]):
            self.fm(*args, code=2)
            self.assertIn("longer than", self.err)
        self.assertEqual(len(self.fmd.requests), 1)

    def records(self, data):
        path = os.path.join(self.dir, "records")
        with open(path, "wb") as f:
            f.write(data)
        return path

    def test_records_have_64_kib_as_they_stand_in_the_file(self):
        record = b'{"op": "set", "entity_instance_id": "host=\\"a\\""}\n'
        most = record * (65536 // len(record))
        most += b"\n" * (65536 - len(most))             # of JSON, the longest: two bytes each
        for data in (most, b"\n" * 65536, b'"' * 65536):
            self.fm("what-if", "event", self.records(data))
            self.assertEqual(self.fmd.requests[-1]["args"]["records"].encode(), data)
        self.fm("what-if", "event", self.records(most + b"\n"), code=2)
        self.assertIn("more than 65536 bytes", self.err)
        self.fm("what-if", "event", self.records(b"{}\n{\0}\n"), code=2)
        self.assertIn("records:2: no text: byte 0x00", self.err)
        self.fm("what-if", "event", self.records(b"{}\n\n\xff\n"), code=2)
        self.assertIn("records: not UTF-8", self.err)
        self.assertEqual(len(self.fmd.requests), 3)

    def test_a_file_that_cannot_be_read_is_the_same_for_every_verb(self):
        for verb in (["what-if", "event"], ["replay", "--catalog", SOURCE + "/events.yaml"],
                     ["catalog-check"]):
            self.fm(*verb, self.dir + "/none", code=3)
            self.assertIn(self.dir + "/none: No such file", self.err)
            self.fm(*verb, self.fmd.path + "/none", code=3)
            self.fm(*verb, self.dir, code=1)
            self.assertRegex(self.err, "Is a directory|not a regular file")
        self.assertEqual(self.fmd.requests, [])

    def test_when_a_window_is_open_is_asked_for_by_the_options(self):
        once, recurring = ("--from", "2026-12-05", "--until", "2026-12-06"), ("--start", "2026-12-05")
        for args, said in (((), "--for TIME alone opens it now"),
                           (once[:2], "--until TIME is needed"), (once[2:], "--from TIME is needed"),
                           ((*once, "--for", "1h"), "--for does not go with --from and --until"),
                           ((*once, "--days", "sat"), "--days does not go with"),
                           ((*recurring, "--days", "sat"), "--for TIME is needed"),
                           (("--days", "sat", "--for", "1h"), "--start TIME is needed"),
                           ((*recurring, "--for", "1h"), "--rule, --days or --at is needed"),
                           ((*recurring, "--for", "1h", "--rule", "FREQ=DAILY", "--at", "02:00"),
                            "--rule does not go with --days and --at")):
            for verb in (["window-add"], ["what-if", "window"]):
                with self.subTest(verb=verb, args=args):
                    self.fm(*verb, "w", "--alarm_id", "all", *args, code=2)
                    self.assertIn(said, self.err)
                    self.assertNotRegex(self.err, "From|Until|Start|Every|Days|Rule")
        self.fm("window-add", "w", "--alarm_id", "all,200.004", "--for", "1h", code=2)
        self.assertIn("--alarm_id: all stands alone", self.err)
        self.assertEqual(self.fmd.requests, [])
        for args in (("--for", "1h"), ("--for", "1h", "--zone", "UTC"), once,
                     (*recurring, "--for", "1h", "--at", "02:30", "--days", "sat"),
                     (*recurring, "--for", "1h", "--rule", "FREQ=DAILY")):
            self.fm("window-add", "w", "--alarm_id", "all", *args)

    def test_a_suggestion_is_made(self):
        self.fm("alarm-lst", code=2)
        self.assertIn("did you mean alarm-list?", self.err)
        self.fm("alarm-list", "--quiery=x", code=2)
        self.assertIn("did you mean --query?", self.err)
        self.fm("alarm-list", "--columns", "severty", code=2)
        self.assertIn("did you mean severity?", self.err)

    def test_no_fmd_is_five(self):
        for verb, args in ALL.items():
            self.fm(verb, *args, "--socket", self.dir + "/none", code=5)
            self.assertIn(self.dir + "/none", self.err)

    def fm_for_everybody(self):
        """A copy: only root reaches a build below /root."""
        place = tempfile.mkdtemp(prefix="fm-")
        self.addCleanup(shutil.rmtree, place)
        os.chmod(place, 0o755)
        return shutil.copy(FM, place)

    def test_a_forbidden_socket_is_four(self):
        os.chmod(self.dir, 0o755)
        os.chmod(self.fmd.path, 0)
        # root may open every socket
        nobody = {"user": 65534} if os.geteuid() == 0 else {}
        fm = self.fm_for_everybody()
        done = subprocess.run([fm, "stats"], stderr=subprocess.PIPE, env=self.environment(),
                              timeout=60, **nobody)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"only root and", done.stderr)

    def test_a_socket_of_a_group_names_the_group(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to give the socket away")
        os.chmod(self.dir, 0o755)
        os.chmod(self.fmd.path, 0o660)
        fm = self.fm_for_everybody()
        name = grp.getgrgid(1).gr_name
        os.chown(self.fmd.path, 0, 1)
        done = subprocess.run([fm, "stats"], stderr=subprocess.PIPE, env=self.environment(),
                              timeout=60, user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 4)
        self.assertIn(f"members of the group {name} may connect".encode(), done.stderr)
        os.chmod(self.dir, 0o700)
        done = subprocess.run([fm, "stats"], stderr=subprocess.PIPE, env=self.environment(),
                              timeout=60, user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"may not be entered", done.stderr)

    def test_who_is_turned_away_is_told_why(self):
        self.fmd.turn_away = (1, "too many clients are connected")
        for _ in range(20):             # the answer may be there before the question
            self.fm("stats", code=1)
            self.assertIn("too many clients", self.err)

    def test_no_answer_is_five_after_the_timeout(self):
        self.fmd.silent = True
        self.fm("stats", "--timeout", "50ms", code=5)
        self.assertIn("does not answer", self.err)

    def test_nobody_who_accepts_is_five_after_the_timeout(self):
        path = self.dir + "/full"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(0)
        for _ in range(16):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.setblocking(False)
            try:
                client.connect(path)
            except BlockingIOError:
                break
        for verb in ("stats", "watch"):
            self.fm(verb, "--socket", path, "--timeout", "50ms", code=5)
            self.assertIn("full does not answer", self.err)

    def test_a_connection_lost_in_the_middle_is_five(self):
        self.fmd.hang_up_after = 1
        for verb in ("alarm-list", "event-list", "stats"):
            for form in ([], ["--json"], ["--csv"]):
                self.fm(verb, *form, code=5)

    def test_what_is_not_fmd_is_five(self):
        for raw in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\n", b"{}\n", b"\x00\xff\n",
                    b'{"id":1,"row":{"a":}}\n', b'{"id":1,"row":{"a":"\xff"}}\n',
                    b'{"id":1,"row":{}}{}}\n', b"x" * (2 << 20)):
            self.fmd.raw = raw
            for verb, args in (("stats", []), ("alarm-show", [UUID]), ("explain", [UUID])):
                self.fm(verb, *args, code=5)

    def test_rows_of_any_shape_are_survived(self):
        for row in ({}, {"uuid": 5, "severity": None, "alarm": []}, {"alarm": {"uuid": {}}},
                    {"time": "soon", "seq": -1, "kind": [], "cause": 7, "previous": "x"},
                    {"severity": {"a": "b"}, "changed_at": "", "count": "many", "value": 1e300}):
            for verb, args in {**LISTS, **SHOWS, **STORIES}.items():
                self.fmd.rows[verb] = [row]
                for form in ([], ["--json"]):
                    self.fm(verb, *args, *form, code=5 if verb == "watch" else 0)

    def test_an_output_that_cannot_be_written_is_one(self):
        for args in (["stats"], ["stats", "--json"], ["stats", "--csv"], ["alarm-show", UUID],
                     ["explain", UUID], ["help"], ["--version"]):
            with open("/dev/full", "w") as full:
                self.fm(*args, code=1, stdout=full)
            closed = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', FM, *args],
                                    stderr=subprocess.PIPE, env=self.environment(), timeout=60)
            self.assertEqual(closed.returncode, 1, args)
            self.assertIn(b"could not be written", closed.stderr)

    def test_nothing_is_sent_to_fmd_through_a_closed_descriptor(self):
        subprocess.run(["sh", "-c", 'exec "$0" stats <&- >&- 2>&-', FM], env=self.environment(),
                       timeout=60)
        self.assertEqual(len(self.fmd.requests), 1)

    def test_a_reader_that_goes_away_is_no_success(self):
        self.fmd.rows["alarm-list"] = [fake_fmd.alarm(n % 60) for n in range(2000)]
        fm = subprocess.Popen([FM, "alarm-list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment())
        fm.stdout.close()
        fm.stderr.read()
        fm.stderr.close()
        self.assertNotEqual(fm.wait(60), 0)


class Hostile(Base):
    def poison(self):
        """Every text of every row, to its leaves."""
        def spoil(value):
            if isinstance(value, dict):
                return {name: spoil(inner) for name, inner in value.items()}
            if isinstance(value, list):
                return [spoil(inner) for inner in value]
            return value + HOSTILE if isinstance(value, str) else value
        self.fmd.rows = {verb: [spoil(row) for row in rows]
                         for verb, rows in self.fmd.rows.items()}

    def assert_tame(self, text, what):
        self.assertIsNone(FORBIDDEN.search(text.replace("\r\n", "\n")), what)

    def test_no_text_of_a_row_controls_the_terminal(self):
        self.poison()
        for verb, args in {**LISTS, **SHOWS, **STORIES}.items():
            for env in ({}, {"COLUMNS": "60"}, {"LANG": "C"}):
                text = self.fm(verb, *args, code=5 if verb == "watch" else 0, **env)
                self.assert_tame(text, verb)
                self.assertNotIn("\nfake line", text)

    def test_nor_does_json_or_csv(self):
        self.poison()
        for verb, args in {**LISTS, **SHOWS, **STORIES}.items():
            text = self.fm(verb, *args, "--json", code=5 if verb == "watch" else 0)
            self.assert_tame(text, verb)
        for verb, args in LISTS.items():
            self.assert_tame(self.fm(verb, *args, "--csv"), verb)
        self.assertCountEqual(json.loads(self.fm("alarm-list", "--json")),
                              self.fmd.rows["alarm-list"])

    def test_nor_does_an_error_of_the_server(self):
        self.fmd.error["stats"] = (1, HOSTILE)
        self.fm("stats", code=1)
        self.assert_tame(self.err, "stderr")
        self.assertEqual(self.err.count("\n"), 1)

    def test_nor_do_the_arguments(self):
        for args in (["\x1b[2J"], ["stats", "--\x1b[2J"], ["alarm-show", HOSTILE],
                     ["alarm-list", "-q", HOSTILE + "=1"], ["alarm-list", "--columns", HOSTILE]):
            self.fm(*args, code=2)
            self.assert_tame(self.err, args)


class Help(Base):
    def test_lists_every_verb(self):
        text = self.fm("help")
        for verb in [*ALL, "help"]:
            self.assertIn(f"\n  {verb} ", text)
        self.assertEqual(self.fm("--help"), text)
        self.assertEqual(self.fmd.requests, [])

    def test_of_a_verb_lists_its_options(self):
        text = self.fm("help", "alarm-list")
        self.assertIn("--include_suppress", text)
        self.assertNotIn("--logs", text)
        self.assertEqual(self.fm("alarm-list", "--help"), text)

    def test_every_verb_has_its_own(self):
        verbs = re.findall(r"^  ([a-z-]+)  ", self.fm("help"), re.MULTILINE)
        self.assertIn("what-if", verbs)
        for verb in verbs:
            text = self.fm("help", verb)
            self.assertTrue(text.startswith(f"usage: fm {verb}"), text)
            if verb != "help":      # of that, the list
                self.assertEqual(self.fm(verb, "--help"), text)
            self.assertEqual("--columns" in text, "\nColumns" in text, text)
        text = self.fm("help", "what-if")
        for question in ("event", "shelf", "window"):
            self.assertIn(f"\nColumns of what-if {question}:\n", text)
            self.assertEqual(self.fm("what-if", question, "-h"), text)

    def test_version_of_fm_itself(self):
        self.assertRegex(self.fm("--version"), r"^fm \d+\.\d+\.\d+\n$")

    def test_completion_and_manual_know_every_verb_and_option(self):
        options = set()
        verbs = re.findall(r"^  ([a-z-]+)  ", self.fm("help"), re.MULTILINE)
        for verb in verbs:
            options |= set(re.findall(r"--([a-z_-]+)", self.fm("help", verb)))
        for name in ("packaging/fm.bash-completion", "docs/man/fm.1"):
            with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
                text = file.read().replace("\\-", "-")
            for word in [*verbs, *("--" + option for option in options)]:
                self.assertRegex(text, re.escape(word) + r"(?![a-z_-])", name)

    def test_completion_has_the_options_of_each_verb_and_knows_which_have_values(self):
        script = os.path.join(SOURCE, "packaging/fm.bash-completion")
        with open(script, encoding="utf-8") as file:
            skipped = re.search(r"case \$\{COMP_WORDS\[i\]\} in(.*?)\)\n", file.read(), re.DOTALL)[1]
        verbs = re.findall(r"^  ([a-z-]+)  ", self.fm("help"), re.MULTILINE)
        line = f'source {script}; for v in {" ".join(verbs)}; do echo $(_fm_options $v); done'
        done = subprocess.run(["bash", "-c", line], stdout=subprocess.PIPE, check=True, text=True)
        with_value = set()
        for verb, offered in zip(verbs, done.stdout.splitlines(), strict=True):
            taken = re.findall(r"^  (?:-\w, |    )(--[a-z_-]+)( \S)?", self.fm("help", verb),
                               re.MULTILINE)
            self.assertCountEqual(offered.split(), [name for name, _ in taken], verb)
            with_value |= {name for name, value in taken if value.strip()}
        self.assertEqual(set(re.findall("--[a-z_-]+", skipped)), with_value)

    def test_completion_offers_verbs_and_options(self):
        script = os.path.join(SOURCE, "packaging/fm.bash-completion")

        def complete(*words):
            line = (f'source {script}; COMP_WORDS=({" ".join(words)}); '
                    f"COMP_CWORD={len(words) - 1}; _fm; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
            done = subprocess.run(["bash", "-c", line], stdout=subprocess.PIPE, check=True)
            return done.stdout.decode().split()
        self.assertEqual(sorted(complete("fm", "alarm-s")), ["alarm-shelve", "alarm-show", "alarm-summary"])
        self.assertIn("--include_suppress", complete("fm", "alarm-list", "--"))
        self.assertNotIn("--logs", complete("fm", "alarm-list", "--"))
        self.assertIn("--logs", complete("fm", "event-list", "--l"))
        self.assertEqual(complete("fm", "stats", "--color", "a"), ["auto", "always"])
        self.assertEqual(complete("fm", "help", "wa"), ["watch"])


def main():
    global FM
    if len(sys.argv) < 2:
        sys.exit("usage: test_fm_cli.py BUILD_DIR [unittest arguments]")
    FM = os.path.join(sys.argv.pop(1), "fm", "fm")
    if not os.path.exists(FM):
        print("test_fm_cli: skipped, the build has no fm/fm")
        return
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
