#!/usr/bin/env python3
"""bench/run --quick: every benchmark works and prints its figures, whatever they are here.

    test_bench.py BUILD_DIR
"""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = None


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (BUILD / "bench" / "bench_core").exists():
            raise unittest.SkipTest("no benchmarks in this build")
        cls.result = subprocess.run([ROOT / "bench" / "run", "--quick", "--no-build", BUILD],
                                 capture_output=True, text=True, timeout=900, check=False)

    def test_one_command_prints_the_whole_table_with_its_conditions(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)
        points = ["| compiler | ", "librdkafka ", "bench_core\n", "bench_decode\n", "bench_store\n",
                  "Restart after a crash", "| demo 0.1 % |", "| demo 100 % |", "load at the end"]
        if "no Kafka" not in self.result.stderr:
            points += ["| backlog 0.1 % |", "| backlog 2.5 % |", "| backlog 100 % |", "| latency ",
                       "produced p99 ms", "| memory ", "peak MiB", "| restart "]
        for point in points:
            self.assertIn(point, self.result.stdout)

    def test_quick_says_that_its_figures_mean_nothing(self):
        self.assertIn("--quick: the figures mean nothing", self.result.stdout)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
