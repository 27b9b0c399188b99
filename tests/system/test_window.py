#!/usr/bin/env python3
"""Maintenance windows of operators and of the catalogue, with a real daemon.

    python3 tests/system/test_window.py BUILD_DIR [unittest arguments]
"""
import contextlib
import datetime
import pathlib
import signal
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_daemon  # noqa: E402
from test_daemon import ROOT, wait  # noqa: E402


def stamp(hours):
    """On the clock of UTC."""
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return t.strftime("%Y-%m-%d %H:%M:%S")


class Base(test_daemon.Base):
    # An alarm of fmd's own that lasts: no disk has as much room as this wants.
    CONFIG = "kafka: {brokers: '127.0.0.1:1'}\nself: {disk_free: 1000000000000000000}\n"

    def begin(self, **more):
        self.conf = self.config(self.CONFIG, **more)
        self.fmd = self.start("-c", self.conf)
        self.addCleanup(self.kill)
        self.alarm = wait(lambda: self.shown("--include_suppress"), "the alarm")[0]

    def shown(self, *args):
        return [a for a in self.rows("alarm-list", *args) if a["alarm_id"] == "990.003"]

    def hidden_by(self):
        """The window, when the list does not show it; None when it does."""
        alarm = self.shown("--include_suppress")[0]
        self.assertEqual(alarm["uuid"], self.alarm["uuid"])
        self.assertEqual(bool(self.shown()), alarm["suppression_status"] == "unsuppressed")
        return alarm["maintenance_window"]

    def done(self, *args, code=0):
        out = self.fm(*args)
        self.assertEqual(out.returncode, code, out.stderr)
        return out.stdout if code == 0 else out.stderr

    def kill(self):
        self.fmd.kill()
        self.fmd.wait()

    def kill_and_start(self):
        self.kill()
        self.fmd = self.start("-c", self.conf)


class Operators(Base):
    def setUp(self):
        super().setUp()
        self.begin()

    def test_a_window_survives_a_kill_and_names_itself(self):
        self.done("window-add", "more disks", "--alarm_id", "990.003", "--for", "8h")
        self.assertEqual(self.hidden_by(), "more disks")
        self.kill_and_start()
        self.assertEqual(self.hidden_by(), "more disks")
        row = self.rows("window-list")[0]
        self.assertEqual((row["name"], row["open"], row["alarms"], row["entities"], row["zone"]),
                         ("more disks", True, "990.003", "all", "UTC"))
        self.assertEqual(row["user"], self.rows("audit-list")[0]["user"])
        left = (datetime.datetime.fromisoformat(row["changes_at"].replace("Z", "+00:00")) -
                datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        self.assertTrue(7.9 * 3600 < left <= 8 * 3600, left)
        uuid = self.alarm["uuid"]
        self.assertIn('active, critical, maintenance "more disks"', self.done("explain", uuid))
        why = self.rows("explain", "--why-not", "990.003", self.alarm["entity_instance_id"])
        self.assertIn(("maintenance", 'the maintenance window "more disks" hides it'),
                      [(r["reason"], r["text"]) for r in why])
        self.done("window-delete", "more disks")
        self.assertIsNone(self.hidden_by())
        self.assertEqual(self.rows("window-list"), [])
        told = [(r["kind"], r["notify"]) for r in self.rows("alarm-history", uuid)]
        self.assertEqual(told, [("raise", True), ("suppress", True), ("unsuppress", False)])
        self.assertIn('maintenance "more disks" -> unsuppressed', self.done("explain", uuid))
        self.kill()
        with contextlib.closing(sqlite3.connect(self.dir / "state/fmd.db")) as db:
            rows = db.execute("SELECT verb, result FROM audit ORDER BY id").fetchall()
        self.assertEqual(rows, [("window-add", "done"), ("window-delete", "done")])

    def test_all_does_not_cover_what_fmd_says_of_itself(self):
        self.done("window-add", "all", "--alarm_id", "all", "--for", "1h")
        self.assertIsNone(self.hidden_by())
        self.assertTrue(self.rows("window-list")[0]["open"])

    def test_it_may_recur_in_any_zone(self):
        self.done("window-add", "nights", "--alarm_id", "all", "--entity", "host=c-1,host=c-2",
                  "--start", "2026-01-03", "--days", "sat,sun", "--at", "02:30", "--for", "4h",
                  "--zone", "Europe/Berlin")
        self.done("window-add", "months", "--alarm_id", "700.001", "--start", "2026-01-01 22:00",
                  "--rule", "FREQ=MONTHLY;BYDAY=2TU", "--for", "4h", "--zone", "Asia/Tokyo")
        rows = {r["name"]: r for r in self.rows("window-list")}
        self.assertEqual(rows["nights"]["when"], "every sat,sun at 02:30 from 2026-01-03 for 4h")
        self.assertEqual(rows["nights"]["entities"], "host=c-1,host=c-2")
        self.assertEqual(rows["months"]["when"],
                         "FREQ=MONTHLY;BYDAY=2TU from 2026-01-01 22:00 for 4h")
        changes = datetime.datetime.fromisoformat(
            rows["months"]["changes_at"].replace("Z", "+00:00"))
        self.assertEqual(changes.strftime("%M:%S"), "00:00")
        self.assertIn(changes.hour, (13, 17))

    def test_what_is_wrong_changes_nothing_and_says_why(self):
        add = ("window-add", "w", "--alarm_id", "700.001")
        for words, code, *args in (
                ("--alarm_id", 2, "window-add", "w", "--for", "1h"),
                ("did you mean 990.003?", 3, "window-add", "w", "--alarm_id", "990.03", "--for", "1h"),
                ("is a log", 3, "window-add", "w", "--alarm_id", "700.102", "--for", "1h"),
                ('did you mean "Europe/Berlin"?', 2, *add, "--start", "2026-01-01", "--at", "22:00",
                 "--for", "1h", "--zone", "Europe/Berlen"),
                ("until is not after from", 2, *add, "--from", "2026-01-02", "--until", "2026-01-01"),
                ("it is over already", 2, *add, "--from", "2026-01-01", "--until", "2026-01-02"),
                ("FREQ is DAILY", 2, *add, "--start", "2026-01-01", "--for", "1h", "--rule",
                 "FREQ=HOURLY"),
                ("no path", 2, *add, "--for", "1h", "--entity", "host=a,\x02"),
                ("no maintenance window", 3, "window-delete", "w")):
            with self.subTest(words=words):
                self.assertIn(words, self.done(*args, code=code))
        self.assertEqual(self.rows("window-list"), [])
        self.done(*add, "--for", "1h")
        self.assertIn("of that name", self.done(*add, "--for", "1h", code=1))


class Catalogue(Base):
    def write(self, *windows):
        text = (ROOT / "events.yaml").read_text(encoding="utf-8")
        if windows:
            text += "\nMaintenance:\n" + "".join(windows)
        (self.dir / "windows.yaml").write_text(text, encoding="utf-8")

    def window(self, name, alarms="[\"990.003\"]"):
        return (f"  - {{Name: {name}, Alarms: {alarms}, From: {stamp(-1)}, Until: {stamp(8)}}}\n")

    def reload(self):
        before = self.log().count("reloaded")
        self.fmd.send_signal(signal.SIGHUP)
        wait(lambda: self.log().count("reloaded") > before, "the reload")

    def test_a_reload_takes_windows_over(self):
        self.write(self.window("disks"))
        self.begin(catalogue=self.dir / "windows.yaml")
        self.assertEqual(self.hidden_by(), "disks")
        self.assertEqual([(r["name"], r["user"], r["open"]) for r in self.rows("window-list")],
                         [("disks", None, True)])
        self.assertIn("stands in the catalogue", self.done("window-delete", "disks", code=1))
        self.write(self.window("other"))
        self.reload()
        self.assertEqual(self.hidden_by(), "other")
        self.write()
        self.reload()
        self.assertIsNone(self.hidden_by())
        kinds = [(r["kind"], r["notify"], r["alarm"]["maintenance_window"])
                 for r in self.rows("alarm-history", self.alarm["uuid"])]
        self.assertEqual(kinds, [("raise", False, "disks"), ("suppress", False, "other"),
                                 ("unsuppress", True, None)])

    def test_a_start_with_another_file_takes_windows_over(self):
        self.write()
        self.begin(catalogue=self.dir / "windows.yaml")
        self.assertIsNone(self.hidden_by())
        self.write(self.window("disks"))
        self.kill_and_start()
        self.assertEqual(self.hidden_by(), "disks")
        self.kill_and_start()
        self.assertEqual(self.hidden_by(), "disks")
        self.write()
        self.kill_and_start()
        self.assertIsNone(self.hidden_by())


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
