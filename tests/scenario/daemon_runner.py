#!/usr/bin/env python3
"""Plays scenarios against the real daemon: records through a broker with their own time stamps, what
it decided from its store.

    python3 tests/scenario/daemon_runner.py BUILD_DIR [--broker ADDRESS] FILE.scn...

Without --broker the embedded broker of a second "fmd --demo" is used. All records between two
restarts are in the topic before the daemon starts, so that it reads them as a backlog and runs on
their time. Expectations of transitions are compared in order; commands and questions about the
state in between (operate, active, list, ...) are the in-process runner's.
"""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"raise", "change", "clear", "ack", "unack", "suppress", "unsuppress", "purge", "log"}


def wait(condition, what, seconds=60):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise SystemExit(f"waited {seconds} s for {what}")


def steps_of(build, path, zero):
    env = dict(os.environ, FMD_SCENARIO_ZERO=zero.strftime("%Y-%m-%dT%H:%M:%SZ"))
    out = subprocess.run([build / "tests/scenario/run_scenario", "--records", path], env=env,
                         check=True, capture_output=True, text=True)
    return [json.loads(line) for line in out.stdout.splitlines()]


class Daemon:
    def __init__(self, build, directory, broker, topic):
        self.build, self.dir = build, directory
        self.config = directory / "fmd.yaml"
        self.config.write_text(
            f"state_dir: {directory}/state\ncatalogue: {ROOT}/events.yaml\n"
            f"control: {{socket: {directory}/fmd.sock}}\n"
            f"kafka:\n  brokers: '{broker}'\n  start: earliest\n"
            f"  inputs: [{{topic: {topic}, format: auto}}]\n")
        self.process = None

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen([self.build / "fmd/fmd", "-c", self.config],
                                            stderr=log)

    def stop(self, kill=False):
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait(40)

    def transitions(self):
        db = sqlite3.connect(self.dir / "state/fmd.db")
        rows = [json.loads(r[0]) for r in db.execute("SELECT json FROM transition ORDER BY seq")]
        db.close()
        return [t for t in rows if not t["alarm"]["alarm_id"].startswith("990.")]


def feed(build, broker, topic, steps, zero_ms):
    lines = [f"{topic}\t{zero_ms + s['at_ms']}\t{s['value']}\n" for s in steps if "value" in s]
    subprocess.run([build / "tests/system/kafka_feed", broker], input="".join(lines), text=True,
                   check=True, timeout=60)


def is_caught_up(build, daemon):
    out = subprocess.run([build / "fm/fm", "--socket", daemon.dir / "fmd.sock", "--json", "stats"],
                         capture_output=True, text=True)
    if out.returncode != 0:
        return False
    figures = {r["name"]: int(r["value"]) for r in json.loads(out.stdout)
               if str(r.get("value", "")).isdigit()}
    return 0 < figures.get("partitions", 0) == figures.get("partitions caught up")


def compare(path, steps, got, zero):
    allow = [s["allow"][0] for s in steps if "allow" in s]
    last = max(s["at_ms"] for s in steps)
    seen = []
    for t in got:
        at = datetime.datetime.fromisoformat(t["time"].replace("Z", "+00:00"))
        ms = round((at - zero).total_seconds() * 1000)
        if ms <= last and not any(fnmatch.fnmatch(t["alarm"]["alarm_id"], a) for a in allow):
            seen.append((ms, t["kind"], t["alarm"]["alarm_id"], t["alarm"]["entity_instance_id"]))
    want = [(s["at_ms"], *s["expect"][:3]) for s in steps
            if "expect" in s and s["expect"][0] in KINDS]
    for i in range(max(len(seen), len(want))):
        a = want[i] if i < len(want) else None
        b = seen[i] if i < len(seen) else None
        if a != b:
            print(f"{path}: expected {a}, the daemon has {b}")
            return False
    return True


def play(build, broker, path):
    last = max(s["at_ms"] for s in steps_of(build, path, datetime.datetime.now()))
    zero = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) \
        - datetime.timedelta(milliseconds=last + 60000)
    steps = steps_of(build, path, zero)
    if any("operate" in s or "catalogue" in s for s in steps):
        print(f"{path}: skipped, has commands or another catalogue")
        return True
    topic = "scenario-" + uuid.uuid4().hex[:8]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fmd-scenario-"))
    daemon = Daemon(build, directory, broker, topic)
    parts = [[]]
    for s in steps:
        parts[-1].append(s)
        if "restart" in s or "kill" in s:
            parts.append([])
    try:
        # A restart in the middle of the backlog, wherever the daemon has got to.
        feed(build, broker, topic, steps, int(zero.timestamp() * 1000))
        daemon.start()
        for part in parts[:-1]:
            time.sleep(0.5)
            daemon.stop(kill="kill" in part[-1])
            daemon.start()
        wait(lambda: is_caught_up(build, daemon), f"the end of {path}")
        daemon.stop()
        return compare(path, steps, daemon.transitions(), zero)
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("build", type=pathlib.Path)
    args.add_argument("--broker")
    args.add_argument("files", nargs="+", type=pathlib.Path)
    opt = args.parse_args()
    holder, directory = None, pathlib.Path(tempfile.mkdtemp(prefix="fmd-broker-"))
    if opt.broker is None:
        holder = subprocess.Popen([opt.build / "fmd/fmd", "--demo", "--state-dir", directory],
                                  stderr=subprocess.DEVNULL)
        wait((directory / "broker").exists, "the embedded broker")
        time.sleep(0.5)
        opt.broker = (directory / "broker").read_text().strip()
    try:
        good = [play(opt.build, opt.broker, f) for f in opt.files]
    finally:
        if holder is not None:
            holder.terminate()
            holder.wait(40)
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{sum(good)} of {len(good)} scenarios as expected")
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
