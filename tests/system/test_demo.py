#!/usr/bin/env python3
"""scripts/demo.sh as a newcomer meets it: without a terminal, in a narrow one, stopped by Ctrl-C.

    python3 tests/system/test_demo.py BUILD_DIR [unittest arguments]

The demo checks what it shows; here it is asked to end well and to leave nothing behind.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from snmp_peers import find_snmptrapd  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = None


class Demo(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fmd-test-demo-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def start(self, *args, **environment):
        """In a session of its own, like a login's, so that Ctrl-C reaches the demo and no more."""
        env = dict(os.environ, TMPDIR=str(self.dir), FMD_BUILD=str(BUILD), **environment)
        demo = subprocess.Popen(
            [ROOT / "scripts/demo.sh", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=env, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(demo.stdout.close)
        self.addCleanup(lambda: demo.poll() is None and os.killpg(demo.pid, signal.SIGKILL))
        return demo

    def read_until(self, demo, text):
        seen = ""
        for line in demo.stdout:
            seen += line
            if text in line:
                return seen
        self.fail(f"the demo ended without {text!r}:\n{seen}")

    def assert_nothing_left(self, demo):
        self.assertEqual(list(self.dir.iterdir()), [])
        with self.assertRaises(ProcessLookupError):
            os.killpg(demo.pid, 0)

    def test_it_tells_its_story_and_ends_by_itself(self):
        demo = self.start(COLUMNS="70")
        out, _ = demo.communicate(timeout=300)
        self.assertEqual(demo.returncode, 0, out)
        self.assert_nothing_left(demo)
        self.assertNotIn("\033", out)
        self.assertRegex(out, r"embedded Kafka broker at 127\.0\.0\.1:\d+")
        for said in ("limit is 800 s", "1300 ms", "held", "masked", "S(700.001)",
                     "the deadline escalation fell due", '"alarm_id": "200.004"'):
            self.assertIn(said, re.sub(r"\s*\|\n.*?\|\s+", " ", out))
        tables = [line for line in out.splitlines() if line.startswith(("+", "|"))]
        self.assertTrue(tables)
        self.assertLessEqual(max(map(len, tables)), 70)
        # Names, not numbers.
        self.assertIn("= wrsAlarmCritical", out)
        self.assertNotIn("1.3.6.1", out)
        self.assertNotIn("iso.", out)

    def test_ctrl_c_stops_it_and_leaves_nothing(self):
        demo = self.start()
        self.read_until(demo, "embedded Kafka broker")
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 130)
        self.assert_nothing_left(demo)

    def test_stay_keeps_it_up_for_any_client(self):
        demo = self.start("--stay")
        out = self.read_until(demo, "stays up until Ctrl-C")
        out += self.read_until(demo, "fm/fm watch")
        broker = re.search(r"broker at (\S+)", out)[1]
        socket = re.search(r"FM_SOCKET=(\S+)", out)[1]
        self.assertEqual(pathlib.Path(socket).with_name("broker").read_text().strip(), broker)
        subprocess.run(["kcat", "-P", "-b", broker, "-t", "fm.requests"], check=True, timeout=60,
                       input='{"op":"set","alarm_id":"200.004","entity_instance_id":"host=mine"}',
                       text=True)
        limit = time.monotonic() + 60
        while "host=mine" not in subprocess.run(
                [BUILD / "fm/fm", "--socket", socket, "--csv", "alarm-list"], check=True,
                capture_output=True, text=True, timeout=60).stdout:
            self.assertLess(time.monotonic(), limit, "the alarm did not come")
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 0)
        self.assert_nothing_left(demo)

    def test_wrong_usage_is_refused(self):
        demo = self.start("--stray")
        out, _ = demo.communicate(timeout=30)
        self.assertEqual(demo.returncode, 2)
        self.assertIn("usage:", out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    missing = [p for p in ("kcat", "jq") if shutil.which(p) is None]
    if missing or find_snmptrapd() is None:
        print("skipped: the demo needs kcat, jq and snmptrapd")
        sys.exit(77)
    unittest.main()
