#!/usr/bin/env python3
"""kill -9 while records flow; afterwards everything is as if it had not been.

One Kafka (real when java and the jars are there, else skipped) holds a seeded story with time
stamps in the past. One fmd reads it undisturbed. Others, each with a state directory and output
topics of its own, are killed a thousand times on the way: half at random moments, half by
themselves at the named places of fmd/failpoint.h. Then transition logs, alarms, deadlines, instances,
hosts, ledgers and positions are compared row by row, the ledger must add up, and the output topics
of the killed ones must hold every sequence number, and for one number never two different contents.

    FMD_KILLS, FMD_KILL_RECORDS, FMD_SEED: other sizes, the same run again; FMD_KEEP: keep what it leaves
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kafka_server
import story
from own import own

ROOT = pathlib.Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("FMD_KILLS", "1000"))
LANES = 4
CYCLE = 3       # records at most, so that there is work to the last kill
RECORDS = int(os.environ.get("FMD_KILL_RECORDS", "24000"))
TOPICS = ("libvirt.events", "versioned_notifications.info", "fm.requests")


def configure(directory, brokers, suffix, cycle):
    directory.mkdir(parents=True)
    inputs = "\n".join(f"    - {{topic: {t}}}" for t in TOPICS)
    (directory / "fmd.yaml").write_text(f"""
state_dir: {directory}/state
catalogue: {own(ROOT / 'events.yaml', directory)}
control: {{socket: {directory}/fmd.sock}}
kafka:
  brokers: {brokers}
  start: earliest
  inputs:
{inputs}
  outputs: {{alarms: fm.alarms.{suffix}, transitions: fm.transitions.{suffix}, quarantine: fm.quarantine.{suffix}}}
limits: {{cycle_records: {cycle}, starts: 0, bad_records: 0}}    # no record is to blame for these kills
self: {{heartbeat: 0}}
log: {{level: warning}}
""")


def start(build, directory, failpoint=None):
    env = dict(os.environ, FMD_FAILPOINT=failpoint) if failpoint else None
    with open(directory / "log", "ab") as log:
        return subprocess.Popen([build / "fmd" / "fmd", "-c", directory / "fmd.yaml"], stderr=log,
                                env=env)


def failpoints():
    text = (ROOT / "fmd/failpoint.h").read_text()
    return re.findall(r'X\([A-Z_]+, "([a-z.]+)"\)', text)


def wait_for_work(directory, fmd, moments):
    """Most kills hit while records are being applied, one in five anywhere in the start."""
    if moments.random() < 0.2:
        time.sleep(moments.uniform(0.0, 0.4))
        return
    wal = directory / "state" / "fmd.db-wal"
    limit = time.monotonic() + 5
    first = None
    while time.monotonic() < limit and fmd.poll() is None:
        now = wal.stat().st_mtime_ns if wal.exists() else 0
        first = now if first is None else first
        if now != first:
            break
        time.sleep(0.01)
    time.sleep(moments.uniform(0.0, 0.08))


def positions(directory):
    """Read beside the running daemon is refused (exclusive lock): only for one that has ended."""
    with tempfile.TemporaryDirectory() as copy:
        for f in (directory / "state").glob("fmd.db*"):
            shutil.copy(f, copy)
        db = sqlite3.connect(f"{copy}/fmd.db")
        return {(t, p): n for t, p, n in db.execute("SELECT topic, part, next_offset FROM position")}


def finished(build, directory, ends):
    out = subprocess.run([build / "fm" / "fm", "--socket", directory / "fmd.sock", "--json",
                          "ledger"], capture_output=True, text=True)
    if out.returncode != 0:
        return False
    rows = {r["topic"]: r["read"] for r in json.loads(out.stdout)}
    if any(rows.get(t, 0) < n for t, n in ends.items()):
        return False
    out = subprocess.run([build / "fm" / "fm", "--socket", directory / "fmd.sock", "--json",
                          "sink-list"], capture_output=True, text=True)
    return out.returncode == 0 and all(s["lag"] == 0 for s in json.loads(out.stdout))


def run_to_end(build, directory, ends, seconds=240):
    fmd = start(build, directory)
    limit = time.monotonic() + seconds
    while not finished(build, directory, ends):
        if time.monotonic() > limit or fmd.poll() is not None:
            fmd.kill()
            raise SystemExit(f"{directory.name} did not finish: " +
                             (directory / "log").read_text()[-2000:])
        time.sleep(0.3)
    time.sleep(1.5)     # time has caught up with the wall clock: the last deadlines have fired
    fmd.send_signal(signal.SIGTERM)
    fmd.wait(30)


def content(directory):
    """Everything kept, without what must differ: the stream's own UUID and real-time noise."""
    db = sqlite3.connect(directory / "state" / "fmd.db")
    stream = db.execute("SELECT json_extract(json, '$.stream') FROM transition LIMIT 1").fetchone()[0]
    tables = {"transition": [b.replace(stream, "STREAM") for (b,) in
                             db.execute("SELECT json FROM transition ORDER BY seq")]}
    for name in ("instance", "alarm", "deadline", "ledger", "host"):
        # host: which bridge was heard last and how its clock stood is soft, but exact all the same
        tables[name] = db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
    # a page of stamps: the instance's UUID and when Nova and libvirt last spoke of it, 120 times
    tables["stamps"] = sorted(entry for (body,) in db.execute(
        "SELECT body FROM kept WHERE name LIKE 'stamps|%'") for entry in
        struct.iter_unpack("=16sqq", body))
    tables["position"] = db.execute("SELECT topic, part, next_offset FROM position"
                                    " ORDER BY 1, 2").fetchall()
    return tables


def compare(calm, killed):
    faults = 0
    for name, rows in calm.items():
        other = killed[name]
        if rows == other:
            print(f"  {name}: {len(rows)} rows, the same")
            continue
        faults += 1
        print(f"  {name}: {len(rows)} rows against {len(other)}")
        for a, b in zip(rows, other):
            if a != b:
                print(f"    undisturbed: {a}\n    killed:      {b}")
                break
    return faults


def check_output(kafka, topic, transitions):
    seen = {}
    total = sum(kafka.end_offsets(topic).values())
    for record in kafka.consume(topic, total, timeout=60):
        seq = json.loads(record.value)["seq"]
        if seen.setdefault(seq, record.value) != record.value:
            print(f"  {topic}: two contents for sequence {seq}")
            return 1
    missing = set(range(1, transitions + 1)) - set(seen)
    print(f"  {topic}: {len(seen)} sequence numbers in {total} records, {len(missing)} missing")
    return 1 if missing else 0


class Lane:
    """One daemon that is killed again and again, beside others."""

    def __init__(self, build, directory, seed, kills):
        self.build, self.dir, self.kills = build, directory, kills
        self.moments = random.Random(seed)
        self.struck, self.before = collections.Counter(), {}
        self.answered = 0

    def ask(self, *words):
        out = subprocess.run([self.build / "fm/fm", "--socket", self.dir / "fmd.sock", *words],
                             capture_output=True, text=True)
        self.answered += out.returncode == 0
        return out.returncode == 0

    def wait_until_up(self, fmd):
        """It listens, or has ended. How long that takes depends on the machine and the build."""
        until = time.monotonic() + 60
        while fmd.poll() is None and time.monotonic() < until:
            with socket.socket(socket.AF_UNIX) as link:
                if link.connect_ex(str(self.dir / "fmd.sock")) == 0:
                    return
            time.sleep(0.01)

    def nudge(self, fmd, what):
        """What reaches the places that a stream of records does not."""
        self.wait_until_up(fmd)
        time.sleep(self.moments.uniform(0, 0.2))
        if what == "command":
            self.ask(self.moments.choice(("event-suppress", "event-unsuppress")), "--alarm_id", "100.118")
        elif fmd.poll() is None:
            fmd.send_signal(signal.SIGHUP if what == "reload" else signal.SIGTERM)

    def at_a_failpoint(self, name):
        """True when it was killed there, false when it was not met and it ended in another way."""
        often = name.startswith(("cycle.", "commit.", "publish."))
        passes = self.moments.choice((1, 2, 3, 8, 20)) if often else 1
        fmd = start(self.build, self.dir, f"{name}:{passes}")
        kind = name.partition(".")[0]
        if kind in ("reload", "command", "stop"):
            self.nudge(fmd, kind)
        try:
            fmd.wait(4)
        except subprocess.TimeoutExpired:
            fmd.kill()
            fmd.wait()
            return False
        if fmd.returncode in (0, -signal.SIGTERM, -signal.SIGHUP):
            return False        # the nudge came first, perhaps before main did
        self.must_be_killed(fmd)
        return True

    def at_random(self):
        fmd = start(self.build, self.dir)
        wait_for_work(self.dir, fmd, self.moments)
        if fmd.poll() is not None:
            self.must_be_killed(fmd)
        fmd.kill()
        fmd.wait()

    def must_be_killed(self, fmd):
        if fmd.returncode != -signal.SIGKILL:
            raise SystemExit(f"fmd ended by itself with {fmd.returncode}: " +
                             (self.dir / "log").read_text()[-2000:])

    def run(self):
        names = failpoints()
        for n in range(self.kills):
            name = names[n // 2 % len(names)] if n % 2 else None
            if name is None:
                self.at_random()
                self.struck["at random"] += 1
            else:
                self.struck[name if self.at_a_failpoint(name) else "at random"] += 1
            if (n % 20 == 19 or n == self.kills - 1) and (self.dir / "state/fmd.db").exists():
                now = positions(self.dir)
                for where, offset in self.before.items():
                    assert now.get(where, 0) >= offset, f"position of {where} moved back"
                self.before = now
        return self

    def finish(self, ends):
        text = (self.dir / "fmd.yaml").read_text()
        (self.dir / "fmd.yaml").write_text(re.sub("cycle_records: [0-9]+", "cycle_records: 500", text))
        run_to_end(self.build, self.dir, ends)
        return content(self.dir)

    def audited(self):
        """P5: what was answered as done is in the audit, so it was durable before."""
        db = sqlite3.connect(self.dir / "state/fmd.db")
        return db.execute("SELECT count(*) FROM audit WHERE result = 'done'").fetchone()[0]


def check_ledger(rows, ends):
    """Each record that was produced has one outcome; the killed ones' ledgers equal this one."""
    faults = 0
    for topic, part, *outcomes in rows:
        if ends.pop(topic) != sum(outcomes):
            faults += 1
            print(f"  ledger of {topic}/{part}: {sum(outcomes)} accounted for")
    return faults + len(ends)


def check_lane(kafka, lane, calm, killed):
    name = lane.dir.name
    print(f"{name}: at {sum(lane.before.values())} after the last kill")
    faults = compare(calm, killed)
    faults += check_output(kafka, f"fm.transitions.{name}", len(killed["transition"]))
    if lane.answered > lane.audited():
        faults += 1
        print(f"  {lane.answered} commands were answered, {lane.audited()} are in the audit")
    return faults


def play(build, work, kafka, seed):
    names = [f"killed{i}" for i in range(LANES)]
    for t in TOPICS:
        # The story lies in the past: the broker must not take it for old.
        kafka.create_topic(t, config={"retention.ms": "-1"})
    for s in ["calm", *names]:
        for t in ("alarms", "transitions", "quarantine"):
            kafka.create_topic(f"fm.{t}.{s}", config={"retention.ms": "-1"})
    records = story.Story(seed, int(time.time() * 1000) - 20 * 86400 * 1000).tell(RECORDS)
    # The story has few bad records: one in forty, so that one is met in each short life.
    records = [r for i, told in enumerate(records) for r in
               ([told] if i % 40 else [told, ("fm.requests", told[1], "not a record")])]
    lines = "".join(f"{t}\t{ms}\t{v}\n" for t, ms, v in records)
    subprocess.run([build / "tests/system/kafka_feed", kafka.address], input=lines, text=True,
                   check=True)
    ends = {t: sum(1 for r in records if r[0] == t) for t in TOPICS}
    configure(work / "calm", kafka.address, "calm", 5000)
    lanes = []
    for i, name in enumerate(names):
        configure(work / name, kafka.address, name, CYCLE)
        lanes.append(Lane(build, work / name, seed + i, KILLS // LANES))
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        lanes = list(pool.map(Lane.run, lanes))
        struck = sum((lane.struck for lane in lanes), collections.Counter())
        print(f"killed {sum(struck.values())} times:",
              ", ".join(f"{n} {k}" for k, n in sorted(struck.items())))
        read = [sum(lane.before.values()) for lane in lanes]
        assert min(read) > RECORDS // 20, f"the kills hit no work: {read}"
        missed = [name for name in failpoints() if not struck[name]]
        assert not missed or KILLS < 500, f"never killed at {missed}"
        run_to_end(build, work / "calm", ends)
        ended = list(pool.map(lambda lane: lane.finish(ends), lanes))
    calm = content(work / "calm")
    faults = check_ledger(calm["ledger"], ends)
    for lane, killed in zip(lanes, ended):
        faults += check_lane(kafka, lane, calm, killed)
    return faults


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    work = pathlib.Path(tempfile.mkdtemp(prefix="fmd-kill-"))
    seed = int(os.environ.get("FMD_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}, {KILLS} kills, {RECORDS} records")
    try:
        kafka = kafka_server.KafkaServer(work / "kafka")
        kafka.start()
    except kafka_server.KafkaUnavailable as why:
        print("skipped:", why)
        return 77
    try:
        faults = play(build, work, kafka, seed)
        print(f"{KILLS} kills, {faults} faults")
        return 1 if faults else 0
    finally:
        kafka.stop()
        if os.environ.get("FMD_KEEP") is None:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
