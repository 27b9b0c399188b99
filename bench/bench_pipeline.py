#!/usr/bin/env python3
"""The whole pipeline: libvirt records in Kafka, fmd reading, storing and telling, Kafka again.

    bench/bench_pipeline.py BUILD_DIR [--json] [--quick] [--only NAME[,NAME...]] [--profile DIR]
                                      [--librdkafka KEY=VALUE ...]

backlog  records per second through a backlog of which 0.1 %, 2.5 % and 100 % cause a transition,
         from a real Apache Kafka (skipped without java and the jars)
demo     the same from the embedded broker of "fmd --demo", fed in step since it keeps little
latency  10,000 records per second, live: from produce to the notification in fm.transitions
memory   100,000 instances and 10,000, then 100,000 active alarms
restart  with 100,000 active alarms: from exec to the first record applied

--quick does the same with little, to see that everything works: its figures mean nothing.

A record that causes a transition says that a guest's disk failed, or that the guest runs again: it
raises or clears 700.302, one transition each. The others are what bridges send all day: lifecycle
events that repeat the present state, job polls, migration iterations, heartbeats.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))
import kafka_server  # noqa: E402
from own import own  # noqa: E402

TOPIC = "libvirt.events"
HOSTS, GUESTS = 100, 2000
SHARES = ((0.001, 1_500_000), (0.025, 800_000), (1.0, 60_000))
QUICK_SHARES = ((0.001, 20_000), (0.025, 20_000), (1.0, 4_000))
POLL_S = 0.05
TICK = os.sysconf("SC_CLK_TCK")


# -- records -------------------------------------------------------------------------------------

class Bridges:
    """libvirt records of many hosts; the sequence of each host has no holes."""

    def __init__(self, guests):
        self.seq = [0] * HOSTS
        self.boot = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"boot-{h}")) for h in range(HOSTS)]
        self.guest = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"guest-{g}")) for g in range(guests)]
        self.failed = [False] * guests
        self.second, self.stamp = None, None

    def _time(self, ms):
        if ms // 1000 != self.second:
            self.second = ms // 1000
            self.stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.second))
        return f"{self.stamp}.{ms % 1000:03d}000Z"

    def _record(self, kind, ms, g, rest):
        h = g % HOSTS
        self.seq[h] += 1
        return (f'{TOPIC}\t{ms}\t{{"kind":"{kind}","seq":{self.seq[h]},"boot":"{self.boot[h]}",'
                f'"conn":1,"ts":"{self._time(ms)}","mono_ns":{ms * 1000000},'
                f'"host":"compute-{h}"{rest}}}\n')

    def _domain(self, g):
        return f',"domain":"instance-{g:08x}","uuid":"{self.guest[g]}","id":{g + 1}'

    def lifecycle(self, ms, g, code, detail, words):
        return self._record("event", ms, g, f',"event_id":0,"event":"lifecycle"{self._domain(g)},'
                            f'"lifecycle":"{words[0]}","lifecycle_code":{code},'
                            f'"detail":"{words[1]}","detail_code":{detail}')

    def running(self, ms, g):
        self.failed[g] = False
        return self.lifecycle(ms, g, 4, 0, ("resumed", "unpaused"))

    def io_error(self, ms, g):
        self.failed[g] = True
        return self.lifecycle(ms, g, 3, 2, ("suspended", "ioerror"))

    def transition(self, ms, g):
        return self.running(ms, g) if self.failed[g] else self.io_error(ms, g)

    def quiet(self, ms, i, g):
        """A record that changes nothing; i chooses its kind."""
        if i % 4 == 0:
            return self.io_error(ms, g) if self.failed[g] else self.running(ms, g)
        if i % 4 == 1:
            return self._record("job", ms, g, f'{self._domain(g)},"state":"running","state_code":1,'
                                '"reason_code":1,"operation":"backup","job_type":1,"params":'
                                '{"operation":9,"time_elapsed":1234,"data_total":268967936}')
        if i % 4 == 2:
            return self._record("event", ms, g, ',"event_id":20,"event":"migration-iteration"'
                                f'{self._domain(g)},"iteration":{i % 30}')
        return self._record("heartbeat", ms, g, '')

    def mixed(self, share, count, begin_ms, per_ms=10):
        """count records of which that share, evenly spread, cause a transition."""
        due = 0.0
        for i in range(count):
            ms = begin_ms + i // per_ms
            due += share
            if due >= 1.0 - 1e-9:
                due -= 1.0
                yield self.transition(ms, i % len(self.guest))
            else:
                quiet = i % len(self.guest)
                # A poll of a guest whose disk failed would say "paused"; these run.
                yield self.quiet(ms, 3 if self.failed[quiet] and i % 4 == 1 else i, quiet)

    def introduce(self, begin_ms, per_ms=10):
        for g in range(len(self.guest)):
            yield self.lifecycle(begin_ms + g // per_ms, g, 2, 0, ("started", "booted"))


# -- the other processes ---------------------------------------------------------------------------

class Feed:
    """bench_feed: every line given is in Kafka once end() has returned."""

    def __init__(self, build, brokers):
        self.process = subprocess.Popen([build / "bench" / "bench_feed", brokers],
                                        stdin=subprocess.PIPE)

    def put(self, lines):
        self.process.stdin.write("".join(lines).encode())
        self.process.stdin.flush()

    def put_all(self, lines, chunk=5000):
        some = []
        for line in lines:
            some.append(line)
            if len(some) == chunk:
                self.put(some)
                some = []
        self.put(some)

    def end(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit("bench_feed did not deliver everything")


class Fmd:
    """A running fmd and one connection to its control socket."""

    def __init__(self, build, directory, brokers=None, profile=None, settings=()):
        self.directory = directory
        self.socket_path = directory / "state" / "fmd.sock"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "state").mkdir(exist_ok=True)
        (directory / "fmd.yaml").write_text(
            f"state_dir: {directory}/state\ncatalogue: {own(ROOT / 'events.yaml', directory)}\n"
            f"control: {{socket: {self.socket_path}}}\n"
            f"kafka:\n  brokers: {brokers or 'localhost:9092'}\n  start: earliest\n"
            f"  inputs: [{{topic: {TOPIC}, format: libvirt}}]\n"
            "  librdkafka: {" + ", ".join(f'{key}: "{value}"' for key, value in settings) + "}\n"
            "log: {level: warning}\n")
        demo = [] if brokers else ["--demo", f"--state-dir={directory}/state"]
        self.link = None
        with open(directory / "log", "ab") as log:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                [build / "fmd" / "fmd", *demo, "-c", directory / "fmd.yaml"], stderr=log)
        self.perf = None
        if profile is not None:
            self.perf = subprocess.Popen(
                ["perf", "record", "-q", "-F", "499", "-g", "-p", str(self.process.pid), "-o",
                 str(profile)], stderr=subprocess.DEVNULL)

    def connect(self, timeout=30):
        deadline = time.monotonic() + timeout
        while self.link is None:
            try:
                link = socket.socket(socket.AF_UNIX)
                link.connect(str(self.socket_path))
                self.link, self.lines = link, link.makefile("r")
            except OSError:
                link.close()
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise SystemExit("fmd did not start: " + (self.directory / "log").read_text())
                time.sleep(0.002)

    def ask(self, verb):
        self.connect()
        self.link.sendall(json.dumps({"id": 1, "verb": verb}).encode() + b"\n")
        rows = []
        while True:
            answer = json.loads(self.lines.readline())
            if "done" in answer:
                return rows
            rows.append(answer["row"])

    def read(self):
        """Records of the topic read so far."""
        return sum(row["read"] for row in self.ask("ledger") if row["topic"] == TOPIC)

    def stats(self):
        return {(row["section"], row["name"]): row["value"] for row in self.ask("stats")}

    def last_seq(self):
        return self.stats()["store", "last sequence"]

    def written(self):
        """Commits and rows of the store since the start."""
        stats = self.stats()
        return stats["store", "commits"], stats["store", "rows written"]

    def alarms(self):
        stats = self.stats()
        return sum(stats["alarms", s] for s in ("critical", "major", "minor", "warning"))

    def wait_read(self, count, timeout=120, poll_s=POLL_S):
        deadline = time.monotonic() + timeout
        while (n := self.read()) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"fmd read {n} of {count} records within {timeout} s")
            time.sleep(poll_s)

    def memory_mib(self, field):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu(self):
        """CPU seconds of the whole process and of its main thread."""
        def seconds(path):
            fields = path.read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / TICK
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        return seconds(proc / "stat"), seconds(proc / "task" / str(self.process.pid) / "stat")

    def end(self):
        if self.link is not None:
            self.lines.close()
            self.link.close()
            self.link = None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.perf is not None:
            self.perf.wait()


# -- the measurements ------------------------------------------------------------------------------

class Bench:
    def __init__(self, args):
        self.build = args.build.resolve()
        self.profile = args.profile
        self.quick = args.quick
        self.shares = QUICK_SHARES if args.quick else SHARES
        self.only = args.only.split(",") if args.only else None
        self.settings = [word.split("=", 1) for word in args.librdkafka]
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="fmd-bench-"))
        self.rows = []
        self.json = args.json

    def wants(self, name):
        return self.only is None or name in self.only

    def note(self, bench, point, target, **figures):
        row = {"bench": bench, "point": point, "target": target, **figures}
        self.rows.append(row)
        if self.json:
            print(json.dumps(row), flush=True)
        else:
            text = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in figures.items())
            print(f"| {bench} {point} | {target or '-'} | {text} |", flush=True)

    def fmd(self, directory, brokers, profile=None):
        return Fmd(self.build, directory, brokers, self.perf_file(profile) if profile else None,
                   self.settings)

    def perf_file(self, name):
        if self.profile is None:
            return None
        self.profile.mkdir(parents=True, exist_ok=True)
        return self.profile / f"{name}.perf"

    def kafka(self, name):
        """A Kafka of its own for each point, so that nothing of another one is in its caches."""
        kafka = kafka_server.KafkaServer(self.work / name / "kafka", heap_mb=512).start()
        for topic in (TOPIC, "fm.alarms", "fm.transitions", "fm.quarantine"):
            kafka.create_topic(topic)
        return kafka

    def feed(self, brokers, lines):
        feed = Feed(self.build, brokers)
        feed.put_all(lines)
        feed.end()

    def through(self, fmd, first, last):
        """Figures of the records between the first sample at or beyond first and the last one."""
        fmd.wait_read(first, poll_s=0.005)
        n0, t0, cpu0, seq0 = fmd.read(), time.monotonic(), fmd.cpu(), fmd.last_seq()
        store0 = fmd.written()
        fmd.wait_read(last)
        spent = max(time.monotonic() - t0, 1e-3)
        cpu, n = fmd.cpu(), last - n0
        seq, store = fmd.last_seq() - seq0, fmd.written()
        whole, main = cpu[0] - cpu0[0], max(cpu[1] - cpu0[1], 1 / TICK)
        return {"records": n, "seconds": round(spent, 2), "records_per_s": round(n / spent),
                "transitions": seq, "transitions_per_s": round(seq / spent),
                "peak_MiB": round(fmd.memory_mib("VmHWM")), "cpu_s": round(whole, 2),
                "main_thread_cpu_s": round(main, 2),
                "records_per_main_thread_cpu_s": round(n / main),
                "commits": store[0] - store0[0], "rows_written": store[1] - store0[1]}

    def backlog(self):
        for share, count in self.shares:
            name = f"backlog-{share * 100:g}"
            kafka = self.kafka(name)
            bridges, begin = Bridges(GUESTS), (int(time.time()) - 3600) * 1000
            fmd = None
            try:
                self.feed(kafka.address, bridges.introduce(begin))
                self.feed(kafka.address, bridges.mixed(share, count, begin + 1000))
                fmd = self.fmd(self.work / name / "fmd", kafka.address, name)
                figures = self.through(fmd, GUESTS, GUESTS + count)
            finally:
                if fmd is not None:
                    fmd.end()
                kafka.remove()
            target = {0.001: "300,000 records/s", 0.025: "100,000 records/s"}.get(share)
            self.note("backlog", f"{share * 100:g} %", target, **figures)

    def demo(self):
        for share, count in self.shares:
            count = max(count // 20, 15_000)
            fmd = self.fmd(self.work / f"demo-{share}", None, f"demo-{share * 100:g}")
            try:
                fmd.connect()
                brokers = (fmd.directory / "state" / "broker").read_text().strip()
                bridges, begin = Bridges(GUESTS), (int(time.time()) - 3600) * 1000
                feeder = threading.Thread(target=self.feed_in_step,
                                          args=(brokers, bridges, share, count, begin))
                self.fed, self.seen = 0, 0
                feeder.start()
                figures = self.through_in_step(fmd, GUESTS, GUESTS + count)
                feeder.join()
            finally:
                fmd.end()
            self.note("demo", f"{share * 100:g} %", None, **figures)

    def feed_in_step(self, brokers, bridges, share, count, begin, chunk=2500):
        feed = Feed(self.build, brokers)
        lines = list(bridges.introduce(begin)) + list(bridges.mixed(share, count, begin + 1000))
        for at in range(0, len(lines), chunk):
            while self.seen < at - 2 * chunk:
                time.sleep(0.001)
            feed.put(lines[at:at + chunk])
        feed.end()

    def through_in_step(self, fmd, first, last):
        """As through(), while the feeder follows what has been read."""
        t0 = n0 = cpu0 = seq0 = None
        deadline = time.monotonic() + 120
        while self.seen < last:
            self.seen = fmd.read()
            if t0 is None and self.seen >= first:
                n0, t0, cpu0, seq0 = self.seen, time.monotonic(), fmd.cpu(), fmd.last_seq()
            if time.monotonic() > deadline:
                raise SystemExit(f"fmd read {self.seen} of {last} records")
            time.sleep(0.002)
        spent, cpu = time.monotonic() - t0, fmd.cpu()
        n, seq, whole = last - n0, fmd.last_seq() - seq0, cpu[0] - cpu0[0]
        return {"records": n, "seconds": round(spent, 2), "records_per_s": round(n / spent),
                "transitions": seq, "transitions_per_s": round(seq / spent),
                "peak_MiB": round(fmd.memory_mib("VmHWM")), "cpu_s": round(whole, 2)}

    def latency(self, rate, seconds, share=0.01):
        kafka = self.kafka("latency")
        bridges = Bridges(GUESTS)
        fmd = cat = None
        try:
            self.feed(kafka.address, bridges.introduce(int(time.time() * 1000)))
            fmd = self.fmd(self.work / "latency" / "fmd", kafka.address, "latency")
            fmd.wait_read(GUESTS)
            arrived = []
            cat = subprocess.Popen(["kcat", "-C", "-q", "-u", "-b", kafka.address, "-t",
                                    "fm.transitions", "-o", "end", "-f", "%T %s\n"],
                                   stdout=subprocess.PIPE, text=True)

            def listen():
                for line in cat.stdout:
                    arrived.append((time.time() * 1000, line))
            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            time.sleep(3)       # kcat has found the end of the topic, fmd follows the wall clock
            stamps = self.pace(kafka.address, bridges, rate, seconds, share)
            fmd.wait_read(GUESTS + rate * seconds)
            time.sleep(1)
        finally:
            if cat is not None:
                cat.terminate()
                cat.wait()
            if fmd is not None:
                fmd.end()
            kafka.remove()
        told, heard = [], []
        for when, line in arrived:
            created, text = line.split(" ", 1)
            cause = json.loads(text).get("cause") or {}
            stamp = stamps.get(cause.get("offset"))
            if cause.get("topic") == TOPIC and stamp is not None:
                told.append(int(created) - stamp)
                heard.append(when - stamp)
        self.note("latency", f"{rate}/s", "p99 < 50 ms", transitions=len(told),
                  produced_p50_ms=quantile(told, 0.5), produced_p99_ms=quantile(told, 0.99),
                  produced_max_ms=quantile(told, 1), consumed_p50_ms=quantile(heard, 0.5),
                  consumed_p99_ms=quantile(heard, 0.99), late_feeds=self.late_feeds)

    def pace(self, brokers, bridges, rate, seconds, share):
        """Feeds so many records a second; returns the time stamp of each offset."""
        feed, stamps, offset, due = Feed(self.build, brokers), {}, GUESTS, 0.0
        tick, self.late_feeds = 0.005, 0
        begin = time.monotonic()
        for turn in range(int(seconds / tick)):
            ahead = begin + turn * tick - time.monotonic()
            self.late_feeds += ahead < -tick
            time.sleep(max(0, ahead))
            ms, lines = int(time.time() * 1000), []
            for i in range(int(rate * tick)):
                due += share
                guest = offset % GUESTS
                if due >= 1:
                    due -= 1
                    lines.append(bridges.transition(ms, guest))
                else:
                    lines.append(bridges.quiet(ms, 3 if bridges.failed[guest] else i, guest))
                stamps[offset] = ms
                offset += 1
            feed.put(lines)
        feed.end()
        return stamps

    def memory_and_restart(self, instances):
        few = instances // 10
        kafka = self.kafka("memory")
        bridges, begin = Bridges(instances), (int(time.time()) - 3600) * 1000
        directory, fmd = self.work / "memory" / "fmd", None
        try:
            self.feed(kafka.address, bridges.introduce(begin))
            self.feed(kafka.address, (bridges.io_error(begin + 20_000 + g // 10, g)
                                      for g in range(few)))
            fmd = self.fmd(directory, kafka.address)
            fmd.wait_read(instances + few)
            peak, alarms = fmd.memory_mib("VmHWM"), fmd.alarms()
            fmd.end()
            fmd = self.restart(kafka, directory, bridges, begin + 40_000)[0]
            time.sleep(15)      # what the start took is given back when fmd is quiet
            self.note("memory", f"{instances} instances, {alarms} alarms", "128 MiB",
                      after_restart_MiB=round(fmd.memory_mib("VmRSS")),
                      peak_on_the_backlog_MiB=round(peak))
            self.feed(kafka.address, (bridges.io_error(begin + 50_000 + g // 10, g)
                                      for g in range(few, instances)))
            fmd.wait_read(2 * instances + 1)
            time.sleep(15)
            self.note("memory", f"{instances} instances, {fmd.alarms()} alarms", None,
                      rss_MiB=round(fmd.memory_mib("VmRSS")),
                      peak_MiB=round(fmd.memory_mib("VmHWM")))
            fmd.end()
            for turn in range(1 if self.quick else 3):
                fmd, ready, first, cpu = self.restart(kafka, directory, bridges,
                                                      begin + 70_000 + turn)
                self.note("restart", f"{fmd.alarms()} alarms, turn {turn + 1}", "< 1 s",
                          control_socket_s=round(ready, 3), first_record_s=round(first, 3),
                          cpu_s=round(cpu, 2), peak_MiB=round(fmd.memory_mib("VmHWM")))
                fmd.end()
            fmd = None
        finally:
            if fmd is not None:
                fmd.end()
            kafka.remove()

    def restart(self, kafka, directory, bridges, ms):
        """Starts fmd with one record waiting; seconds from exec until it answers and applies it."""
        self.feed(kafka.address, [bridges.quiet(ms, 3, 0)])
        total = sum(bridges.seq)
        fmd = self.fmd(directory, kafka.address, "restart")
        fmd.connect()
        fmd.ask("version")
        ready = time.monotonic() - fmd.began
        fmd.wait_read(total, poll_s=0.005)
        return fmd, ready, time.monotonic() - fmd.began, fmd.cpu()[0]

    def run(self):
        try:
            if not self.json:
                print("| point | target | figures |\n|---|---|---|")
            if self.wants("demo"):
                self.demo()
            try:
                if self.wants("backlog"):
                    self.backlog()
                if self.wants("latency"):
                    self.latency(*((1000, 2) if self.quick else (10_000, 10)))
                if self.wants("memory"):
                    self.memory_and_restart(2000 if self.quick else 100_000)
            except kafka_server.KafkaUnavailable as why:
                print(f"no Kafka: {why}", file=sys.stderr)
        finally:
            shutil.rmtree(self.work, ignore_errors=True)


def quantile(values, q):
    values = sorted(values)
    return round(values[min(len(values) - 1, int(q * len(values)))], 1) if values else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--only", help="of demo, backlog, latency, memory (with restart)")
    parser.add_argument("--librdkafka", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting that fmd passes on to librdkafka")
    parser.add_argument("--profile", type=pathlib.Path, help="perf record into this directory")
    args = parser.parse_args()
    # So that the broker and fmd end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    Bench(args).run()


if __name__ == "__main__":
    main()
