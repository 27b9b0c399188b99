#!/usr/bin/env python3
"""What fm does without a daemon: checking catalogues.

    python3 tests/system/test_offline.py BUILD_DIR [unittest arguments]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

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


class Offline(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="fm-offline-")
        self.addCleanup(holder.cleanup)
        self.dir = pathlib.Path(holder.name)

    def file(self, text, name="events.yaml"):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path


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


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
