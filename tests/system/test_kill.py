#!/usr/bin/env python3
"""kill -9 at random moments while records flow; afterwards everything is as if it had not been.

One Kafka (real when java and the jars are there, else skipped) holds a seeded story with time
stamps in the past. One fmd reads it undisturbed; another, with its own state directory, is killed
at least 200 times on the way. Then their transition logs, alarms, deadlines, instances, hosts,
ledgers and positions are compared row by row, and the output topic of the killed one must hold
every sequence number, and for one number never two different contents.
"""
import json
import os
import pathlib
import random
import shutil
import signal
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
KILLS = int(os.environ.get("FMD_KILLS", "200"))
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
limits: {{cycle_records: {cycle}}}
self: {{heartbeat: 0}}
log: {{level: warning}}
""")


def start(build, directory):
    log = open(directory / "log", "ab")
    return subprocess.Popen([build / "fmd" / "fmd", "-c", directory / "fmd.yaml"], stderr=log)


def wait_for_work(directory, fmd, moments):
    """Most kills hit while records are being applied, one in five anywhere in the start."""
    if moments.random() < 0.2:
        time.sleep(moments.uniform(0.0, 0.6))
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
    time.sleep(moments.uniform(0.0, 0.25))


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
        for t in TOPICS:
            # The story lies in the past: the broker must not take it for old.
            kafka.create_topic(t, config={"retention.ms": "-1"})
        for s in ("calm", "killed"):
            for t in ("alarms", "transitions", "quarantine"):
                kafka.create_topic(f"fm.{t}.{s}", config={"retention.ms": "-1"})
        records = story.Story(seed, int(time.time() * 1000) - 20 * 86400 * 1000).tell(RECORDS)
        lines = "".join(f"{t}\t{ms}\t{v}\n" for t, ms, v in records)
        subprocess.run([build / "tests/system/kafka_feed", kafka.address], input=lines, text=True,
                       check=True)
        ends = {t: sum(1 for r in records if r[0] == t) for t in TOPICS}
        configure(work / "calm", kafka.address, "calm", 5000)
        configure(work / "killed", kafka.address, "killed", 8)
        run_to_end(build, work / "calm", ends)
        moments, died, before = random.Random(seed), 0, {}
        while died < KILLS:
            fmd = start(build, work / "killed")
            wait_for_work(work / "killed", fmd, moments)
            if fmd.poll() is not None:
                print((work / "killed" / "log").read_text()[-2000:])
                raise SystemExit(f"fmd ended by itself with {fmd.returncode}")
            fmd.kill()
            fmd.wait()
            died += 1
            if (died % 20 == 0 or died == KILLS) and (work / "killed/state/fmd.db").exists():
                now = positions(work / "killed")
                for where, offset in before.items():
                    assert now.get(where, 0) >= offset, f"position of {where} moved back"
                before = now
        print(f"killed {died} times, then at {before}")
        assert sum(before.values()) > RECORDS // 20, "the kills hit no work"
        text = (work / "killed/fmd.yaml").read_text().replace("cycle_records: 8", "cycle_records: 500")
        (work / "killed/fmd.yaml").write_text(text)
        run_to_end(build, work / "killed", ends)
        calm, killed = content(work / "calm"), content(work / "killed")
        faults = compare(calm, killed)
        faults += check_output(kafka, "fm.transitions.killed", len(killed["transition"]))
        return 1 if faults else 0
    finally:
        kafka.stop()
        if os.environ.get("FMD_KEEP") is None:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
