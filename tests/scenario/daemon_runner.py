#!/usr/bin/env python3
"""Plays scenarios against the real daemon: records through a broker with their own time stamps, what
it decided from its store.

    python3 tests/scenario/daemon_runner.py BUILD_DIR [--broker ADDRESS] [--jobs N] FILE.scn...

Each scenario has a daemon and a topic of its own. All its records are in the topic before the daemon
starts, so that it reads them as a backlog and runs on their time; "restart" and "kill" end it somewhere
on the way. What it stores must be what the in-process runner has (run_scenario --journal, which has
met all expectations of the file): every transition with every member, down to uuids and causes; only
what the store adds (stream, seq) and the name of the topic are its own. In the end the alarms in the
store must be those that the transitions lead to.

What cannot be played from a backlog is skipped: commands of operators, which come at the time they are
given, and times when nothing can be read.
Without --broker the embedded broker of a second "fmd --demo" is used.
"""
import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from own import own  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Wrong(Exception):
    """A scenario does not go as it should."""


def wait(condition, what, seconds=60):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise Wrong(f"waited {seconds} s for {what}")


def output_of(build, what, path, zero):
    env = dict(os.environ, FMD_SOURCE=str(ROOT), FMD_SCENARIO_ZERO=zero)
    out = subprocess.run([build / "tests/scenario/run_scenario", what, path], env=env, timeout=120,
                         capture_output=True, text=True)
    if out.returncode != 0:
        raise Wrong(out.stderr)
    return out.stdout


def run_scenario(build, what, path, zero):
    return [json.loads(line) for line in output_of(build, what, path, zero).splitlines()]


class Daemon:
    def __init__(self, build, directory, broker, topic, catalogue):
        self.build, self.dir = build, directory
        self.config = directory / "fmd.yaml"
        self.config.write_text(
            f"state_dir: {directory}/state\ncatalogue: {catalogue}\n"
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

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(40)

    def figures(self):
        if self.process.poll() is not None:
            raise Wrong("fmd ended:\n" + (self.dir / "log").read_text())
        out = subprocess.run([self.build / "fm/fm", "--socket", self.dir / "fmd.sock", "--json",
                              "stats"], capture_output=True, text=True, timeout=60)
        if out.returncode != 0:
            return {}
        return {r["name"]: int(r["value"]) for r in json.loads(out.stdout)
                if str(r.get("value", "")).isdigit()}

    def is_caught_up(self):
        f = self.figures()
        return 0 < f.get("partitions", 0) == f.get("partitions caught up")

    def rows(self, query):
        with contextlib.closing(sqlite3.connect(self.dir / "state/fmd.db")) as db:
            return db.execute(query).fetchall()

    def transitions(self):
        return [json.loads(row[0]) for row in self.rows("SELECT json FROM transition ORDER BY seq")]


def is_own(transition):
    """What the daemon says of itself; of storms the core speaks."""
    return transition["alarm"]["alarm_id"].startswith("990.") and \
        transition["alarm"]["alarm_id"] != "990.020"


class Names:
    """uuids and numbers by the order in which they come: fmd's own alarms take some of both."""

    def __init__(self):
        self.seen = {}

    def of(self, value):
        return None if value is None else self.seen.setdefault(value, f"#{len(self.seen)}")


def comparable(transition, names):
    t = json.loads(json.dumps(transition))
    del t["stream"], t["seq"]
    t["cause"].pop("topic", None)
    t["alarm"]["id"] = names.of("id %d" % t["alarm"]["id"])
    for holder in (t["alarm"], t["previous"] or {}, t["cause"]):
        for member in ("uuid", "suppressed_by", "root_cause", "parent"):
            if member in holder:
                holder[member] = names.of(holder[member])
    return t


def compare_transitions(want, got):
    got = [t for t in got if not is_own(t)]
    here, there = Names(), Names()
    for i, transition in enumerate(want):
        if i == len(got):
            raise Wrong(f"transition {i} is missing: {json.dumps(transition)}")
        a, b = comparable(transition, here), comparable(got[i], there)
        if a != b:
            raise Wrong(f"transition {i}:\nexpected {json.dumps(a, sort_keys=True)}\n"
                        f"fmd has  {json.dumps(b, sort_keys=True)}")


def compare_alarms(daemon):
    """The alarms in the store are those that the transitions lead to."""
    want = {}
    for t in daemon.transitions():
        alarm = t["alarm"]
        key = alarm["alarm_id"], alarm["entity_instance_id"]
        if t["kind"] == "purge":
            del want[key]
        elif t["kind"] != "log":
            want[key] = alarm["uuid"], alarm["state"] == "cleared", alarm["reason_text"]
    got = {(r[0], r[1]): (r[2], bool(r[3]), r[4]) for r in
           daemon.rows("SELECT alarm_id, entity, uuid, cleared, reason_text FROM alarm")}
    if want != got:
        raise Wrong(f"alarms by the transitions: {want}\nin the store: {got}")


def feed(build, broker, topic, steps, zero_ms):
    lines = [f"{topic}\t{zero_ms + s['at_ms']}\t{s['value']}\n" for s in steps if "value" in s]
    subprocess.run([build / "tests/system/kafka_feed", broker], input="".join(lines), text=True,
                   check=True, timeout=60)


def play(build, broker, path):
    """Returns False for a scenario that this runner cannot play; raises Wrong."""
    steps = run_scenario(build, "--records", path, "2026-01-01T00:00:00Z")
    if any("operate" in s for s in steps):
        return False
    last = max(s["at_ms"] for s in steps)
    # At a whole minute, as in process: some rules count in fixed windows of the clock.
    zero = (datetime.datetime.now(datetime.timezone.utc)
            - datetime.timedelta(milliseconds=last + 60000)).replace(second=0, microsecond=0)
    zero_text = zero.strftime("%Y-%m-%dT%H:%M:%SZ")
    steps = run_scenario(build, "--records", path, zero_text)
    want = run_scenario(build, "--journal", path, zero_text)
    topic = "scenario-" + uuid.uuid4().hex[:8]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fmd-scenario-"))
    catalogue = directory / "events.yaml"
    catalogue.write_text(output_of(build, "--catalogue", path, zero_text), encoding="utf-8")
    daemon = Daemon(build, directory, broker, topic, own(catalogue, directory))
    try:
        feed(build, broker, topic, steps, int(zero.timestamp() * 1000))
        daemon.start()
        for step in steps:
            if "restart" in step or "kill" in step:
                wait(daemon.figures, f"the socket of fmd for {path}")
                daemon.stop(kill="kill" in step)
                daemon.start()
        wait(daemon.is_caught_up, f"the end of {path}")
        daemon.stop()
        compare_transitions(want, daemon.transitions())
        compare_alarms(daemon)
    finally:
        daemon.end()
        shutil.rmtree(directory, ignore_errors=True)
    return True


@contextlib.contextmanager
def embedded_broker(build):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fmd-broker-"))
    with open(directory / "log", "wb") as log:
        holder = subprocess.Popen([build / "fmd/fmd", "--demo", "--state-dir", directory],
                                  stderr=log)

    def address():
        file = directory / "broker"
        return file.read_text().strip() if file.exists() else ""

    try:
        yield wait(address, "the embedded broker")
    finally:
        holder.terminate()
        holder.wait(40)
        shutil.rmtree(directory, ignore_errors=True)


def play_all(build, broker, paths, jobs):
    """[(path, True: as expected, False: not to be played here, or what is wrong)]"""
    def one(path):
        try:
            return path, play(build, broker, path)
        except Wrong as wrong:
            return path, str(wrong)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, paths))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("build", type=pathlib.Path)
    args.add_argument("--broker")
    args.add_argument("--jobs", type=int, default=4)
    args.add_argument("files", nargs="+", type=pathlib.Path)
    opt = args.parse_args()
    build = opt.build.resolve()
    with contextlib.ExitStack() as stack:
        broker = opt.broker or stack.enter_context(embedded_broker(build))
        results = play_all(build, broker, opt.files, opt.jobs)
    for path, result in results:
        if result is not True:
            print(f"{path}: {result or 'skipped, cannot be played from a backlog'}")
    good = sum(result is True or result is False for _, result in results)
    print(f"{good} of {len(results)} scenarios as expected")
    raise SystemExit(0 if good == len(results) else 1)


if __name__ == "__main__":
    main()
