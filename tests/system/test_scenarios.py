#!/usr/bin/env python3
"""Every scenario against the real daemon: what it stores is what the in-process runner has.

    python3 tests/system/test_scenarios.py BUILD_DIR [unittest arguments]
"""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/scenario"))
import daemon_runner  # noqa: E402

BUILD = None
# Those with commands of operators, reloads, with times when nothing can be read, or with clocks that step.
NOT_PLAYED = {"alternatives-reload", "circle", "clock-step", "flapping-and-operator",
              "group-and-reload", "group-of-events", "host-named-by-uuid", "maintenance-commands", "operator",
              "reload-of-groups", "reload-with-new-group", "shared-entity-and-reload", "shelving",
              "silence", "suppressed-ids"}


class Scenarios(unittest.TestCase):
    def test_the_daemon_decides_as_the_core_does(self):
        paths = sorted((ROOT / "tests/scenario").glob("*.scn"))
        with daemon_runner.embedded_broker(BUILD) as broker:
            results = daemon_runner.play_all(BUILD, broker, paths, jobs=4)
        for path, result in results:
            with self.subTest(scenario=path.stem):
                if result not in (True, False):
                    self.fail(result)
        self.assertEqual({path.stem for path, result in results if result is False}, NOT_PLAYED)

    def test_all_cases_of_the_design_are_there(self):
        numbers = {path.name[:2] for path in (ROOT / "tests/scenario").glob("[0-9][0-9]-*.scn")}
        self.assertEqual(numbers, {f"{n:02d}" for n in range(1, 34)})


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
