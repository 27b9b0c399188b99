#!/usr/bin/env python3
"""kafka/, and fmd where it loses its place, against a real Apache Kafka, with Kafka's own console
tools on the other side.

    python3 tests/system/test_kafka_real.py BUILD_DIR [unittest arguments]

Needs java, and mvn or the jars (see kafka_server.py); skipped with a message without them.
"""

import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
from kafka_server import KafkaServer, KafkaUnavailable  # noqa: E402

BUILD_DIR = None
NOTICES = re.findall(r"KAFKA_\w+", re.search(r"enum kafka_notice \{([^}]*)\}", (
    pathlib.Path(__file__).resolve().parents[2] / "kafka/kafka.h").read_text())[1])
REACHABLE, UNREACHABLE, MISSING, FOUND, LOST = (NOTICES.index("KAFKA_" + name) for name in (
    "REACHABLE", "UNREACHABLE", "TOPIC_MISSING", "TOPIC_FOUND", "POSITION_LOST"))
WAIT = 60
# Far above what a loaded machine adds, far below a look-up that waits for a broker (1 s).
TURN_LIMIT_US = 100_000


class Cat:
    """kafka_cat with its lines read in the background."""

    def __init__(self, *arguments):
        program = next(pathlib.Path(BUILD_DIR).rglob("kafka_cat"))
        self.process = subprocess.Popen([str(program), *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def until(self, start, wait=WAIT):
        """The next line that begins with start; those passed over stay in seen."""
        deadline = time.monotonic() + wait
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {start!r} within {wait} s; seen: {self.seen[-20:]}") from None
            self.seen.append(line)
            if line.startswith(start):
                return line

    def until_all(self, *starts):
        """Lines that begin with each of starts, in any order."""
        missing = set(starts)
        while missing:
            line = self.until(tuple(missing))
            missing = {start for start in missing if not line.startswith(start)}

    def until_caught_up(self):
        """Whether it has just become so or has been all the time."""
        for _ in range(WAIT * 2):
            self.say("status")
            if self.until("status").endswith("1"):
                return
            time.sleep(0.5)
        raise AssertionError(f"not caught up; seen: {self.seen[-20:]}")

    def end(self):
        """Returns the lines that had not been waited for."""
        if self.process.stdin.closed:
            return []
        self.process.stdin.close()
        if self.process.wait(WAIT) != 0:
            raise AssertionError(f"kafka_cat ended with {self.process.returncode}")
        self.reader.join()
        self.process.stdout.close()
        rest = []
        while not self.lines.empty():
            rest.append(self.lines.get())
        return rest


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="fmd-kafka-")
        try:
            cls.kafka = KafkaServer(cls.directory)
        except KafkaUnavailable as why:
            raise unittest.SkipTest(str(why)) from None
        cls.addClassCleanup(cls.kafka.remove)
        cls.kafka.start()

    def cat(self, *arguments):
        cat = Cat(*arguments)
        self.addCleanup(cat.end)
        return cat

    def read(self, *topics, start="earliest", at=()):
        cat = self.cat("read", self.kafka.address, start, *topics)
        for position in at:
            cat.say("at " + " ".join(str(word) for word in position))
        cat.say("go")
        return cat


def texts(lines):
    return [line.split(" ", 6)[6] for line in lines if line.startswith("record ")]


class Source(Base):
    def test_reads_all_partitions_to_their_ends(self):
        self.kafka.create_topic("all", partitions=3)
        self.kafka.produce("all", [f"v{i}" for i in range(200)], [f"k{i}" for i in range(200)])
        cat = self.read("all")
        cat.until("caught-up 1")
        self.assertEqual(sorted(texts(cat.seen)), sorted(f"v{i}" for i in range(200)))
        stamps = [int(line.split()[4]) for line in cat.seen if line.startswith("record ")]
        self.assertEqual(stamps, sorted(stamps))

    def test_goes_on_where_it_was(self):
        self.kafka.create_topic("onward")
        self.kafka.produce("onward", ["a", "b", "c"])
        cat = self.read("onward")
        cat.until("caught-up 1")
        b = next(line for line in cat.seen if line.endswith(" b")).split()
        again = self.read("onward", at=[("onward", 0, int(b[3]) + 1, b[5])])
        again.until("caught-up 1")
        self.assertEqual(texts(again.seen), ["c"])

    def test_what_retention_deleted_unread_is_a_lost_position(self):
        self.kafka.create_topic("expired")
        self.kafka.produce("expired", ["a", "b", "c", "d"])
        cat = self.read("expired")
        cat.until("caught-up 1")
        hashes = [line.split()[5] for line in cat.seen if line.startswith("record ")]
        self.kafka.delete_records("expired", 0, 2)

        # The record before the position is gone, the one at it is not: nothing was missed.
        good = self.read("expired", at=[("expired", 0, 2, hashes[1])])
        good.until("caught-up 1")
        self.assertEqual(texts(good.seen), ["c", "d"])

        lost = self.read("expired", at=[("expired", 0, 1, hashes[0])])
        lost.until(f"notice {LOST} expired 0")
        self.assertEqual(lost.until("lost expired 0"), "lost expired 0 1 2 4 deleted")
        lost.say("resume expired 0 earliest")
        lost.until("record expired 0 2")

    def test_a_topic_made_anew_is_recognised(self):
        self.kafka.create_topic("anew")
        self.kafka.produce("anew", ["a", "b"])
        cat = self.read("anew")
        cat.until("caught-up 1")
        a = next(line for line in cat.seen if line.endswith(" a")).split()
        cat.end()
        self.kafka.delete_topic("anew")
        self.kafka.create_topic("anew")
        self.kafka.produce("anew", ["x", "y"])
        again = self.read("anew", at=[("anew", 0, 1, a[5])])
        self.assertEqual(again.until("lost anew 0"), "lost anew 0 1 0 2 anew")
        again.say("resume anew 0 latest")
        self.kafka.produce("anew", ["z"])
        self.assertEqual(again.until("record anew 0").split()[6], "z")

    def test_a_missing_topic_is_waited_for(self):
        cat = self.read("later", start="latest")
        cat.until(f"notice {MISSING} later")
        cat.until_caught_up()
        self.kafka.create_topic("later")
        self.kafka.produce("later", ["first"])
        self.assertEqual(cat.until("record later 0 0").split()[6], "first")

    def test_a_deleted_topic_no_longer_holds_time_back_and_is_read_again(self):
        self.kafka.create_topic("deleted")
        self.kafka.create_topic("stays")
        cat = self.read("deleted", "stays")
        cat.until("caught-up 1")
        self.kafka.delete_topic("deleted")
        cat.until(f"notice {MISSING} deleted", wait=90)
        cat.until_caught_up()
        self.kafka.create_topic("deleted")
        self.kafka.produce("deleted", ["reborn"])
        cat.until("record deleted 0 0")

    def test_new_partitions_are_found(self):
        self.kafka.create_topic("grows")
        cat = self.read("grows", start="latest")
        cat.until("caught-up 1")
        self.kafka.add_partitions("grows", 4)
        self.kafka.produce("grows", [f"v{i}" for i in range(50)], [f"k{i}" for i in range(50)])
        for _ in range(50):
            cat.until("record grows")
        self.assertEqual(sorted(texts(cat.seen)), sorted(f"v{i}" for i in range(50)))


class Outage(Base):
    """Tests that stop the server have one of their own."""

    def test_a_killed_broker(self):
        self.kafka.create_topic("outage", partitions=2)
        self.kafka.produce("outage", ["before"])
        cat = self.read("outage")
        cat.until("caught-up 1")
        self.kafka.kill()
        cat.until_all("caught-up 0", f"notice {UNREACHABLE}")
        self.kafka.start()
        cat.until_all("caught-up 1", f"notice {REACHABLE}")
        self.kafka.produce("outage", ["after"])
        cat.until("record outage")
        slowest = int(cat.end()[-1].split()[1])
        self.assertEqual(texts(cat.seen), ["before", "after"])
        print(f"slowest turn of the main loop over an outage: {slowest} us")
        self.assertLess(slowest, TURN_LIMIT_US)

    def test_a_broker_that_hangs(self):
        self.kafka.create_topic("hang")
        cat = self.read("hang")
        cat.until("caught-up 1")
        self.kafka.freeze()
        self.addCleanup(lambda: self.kafka.process and self.kafka.thaw())
        cat.until("caught-up 0", wait=10)
        self.kafka.thaw()
        cat.until("caught-up 1")


class Sink(Base):
    def topics(self, *names):
        for name in names:
            compact = {"cleanup.policy": "compact"} if name == "fm.alarms" else None
            self.kafka.create_topic(name, partitions=2, config=compact)

    def test_waits_for_its_topics_then_delivers_in_cloudevents_form(self):
        cat = self.cat("write", self.kafka.address)
        cat.say('raise 700.001 instance=a {"n":1}')
        cat.say('heartbeat - - {"n":2}')
        cat.say('purge 700.001 instance=a {"n":3}')
        cat.until(f"notice {MISSING}")
        self.topics("fm.alarms", "fm.transitions")
        cat.until("acked 3")
        self.assertFalse([line for line in cat.seen if line.startswith("failed")])

        transitions = sorted(self.kafka.consume("fm.transitions", 3), key=lambda r: r.value)
        self.assertEqual([r.headers["ce_type"] for r in transitions],
                         ["fm.transition.raise", "fm.transition.heartbeat", "fm.transition.purge"])
        self.assertEqual(transitions[0].key, "700.001|instance=a")
        self.assertEqual(transitions[0].value, '{"seq":1,"alarm":{"n":1}}')
        self.assertEqual(transitions[0].headers["ce_id"], "s1/1")
        self.assertEqual(transitions[0].headers["ce_time"], "2023-11-14T22:13:20.000000Z")
        alarms = self.kafka.consume("fm.alarms", 2)
        self.assertEqual([r.value for r in alarms], ['{"n":1}', None])
        self.assertEqual({r.key for r in alarms}, {"700.001|instance=a"})

        # Idempotence needs a broker that checks sequence numbers: the embedded one does not.
        for i in range(4, 1004):
            cat.say('log 700.100 instance=b {"n":%d}' % i)
            if i == 500:
                self.kafka.kill()
                self.kafka.start()
        cat.until("acked 1003")
        self.assertEqual(sum(self.kafka.end_offsets("fm.transitions").values()), 1003)


class LostPositions(Base, test_daemon.Base):
    """The whole daemon, where input vanished. One topic a test, one alarm a record."""

    def setUp(self):
        test_daemon.Base.setUp(self)
        self.topic = self.id().rsplit(".", 1)[1][-60:]
        self.kafka.create_topic(self.topic)

    def say(self, *hosts):
        self.kafka.produce(self.topic, [
            '{"op":"set","alarm_id":"200.004","entity_instance_id":"host=%s"}' % host
            for host in hosts])

    def run_with(self, policy):
        return self.start("-c", self.config(
            f"kafka: {{brokers: '{self.kafka.address}', start: earliest, lost_position: {policy}, "
            f"inputs: [{{topic: {self.topic}}}]}}\n"))

    def end(self, fmd):
        """What it holds for output topics that are not there is not waited for."""
        fmd.kill()
        fmd.wait()

    def until_hosts(self, *hosts):
        test_daemon.wait(lambda: self.hosts() == sorted(hosts), f"alarms of {hosts}", WAIT)

    def hosts(self):
        return sorted(a["entity_instance_id"].partition("=")[2] for a in self.rows("alarm-list")
                      if a["alarm_id"] == "200.004")

    def lost(self):
        return [a for a in self.rows("alarm-list") if a["alarm_id"] == "990.008"]

    def until_lost(self):
        return test_daemon.wait(self.lost, "990.008", WAIT)[0]

    def ledger(self):
        return self.rows("ledger")[0]

    def read_two_then_delete_two_unread(self, policy):
        self.say("a", "b")
        fmd = self.run_with(policy)
        self.until_hosts("a", "b")
        self.end(fmd)
        self.say("c", "d", "e", "f")
        self.kafka.delete_records(self.topic, 0, 4)

    def test_deleted_unread_resume(self):
        self.read_two_then_delete_two_unread("resume")
        fmd = self.run_with("resume")
        self.until_hosts("a", "b", "e", "f")
        alarm = self.until_lost()
        self.assertIn("offsets 2 to 3 were deleted unread; reading goes on at offset 4",
                      alarm["reason_text"])
        self.assertEqual(alarm["severity"], "critical")
        self.end(fmd)
        self.say("g")
        self.run_with("resume")
        self.until_hosts("a", "b", "e", "f", "g")
        self.assertEqual((self.lost()[0]["uuid"], self.lost()[0]["count"]), (alarm["uuid"], 1))
        self.assertEqual((self.ledger()["read"], self.ledger()["applied"]), (5, 5))

    def test_deleted_unread_stop(self):
        self.read_two_then_delete_two_unread("stop")
        fmd = self.run_with("stop")
        alarm = self.until_lost()
        self.assertIn("offsets 2 to 3 were deleted unread; reading has stopped",
                      alarm["reason_text"])
        self.end(fmd)
        self.kafka.delete_records(self.topic, 0, 5)
        fmd = self.run_with("stop")
        test_daemon.wait(lambda: "offsets 2 to 4" in self.until_lost()["reason_text"], "the news",
                         WAIT)
        self.assertEqual(self.hosts(), ["a", "b"])
        out = self.fm("input-resume", self.topic, "0")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.end(fmd)
        self.run_with("stop")
        self.until_hosts("a", "b", "f")
        self.assertEqual(self.lost()[0]["uuid"], alarm["uuid"])
        self.assertEqual(self.ledger()["read"], 3)

    def make_anew(self):
        self.kafka.delete_topic(self.topic)
        self.kafka.create_topic(self.topic)

    def test_made_anew_resume(self):
        self.say("a", "b")
        fmd = self.run_with("resume")
        self.until_hosts("a", "b")
        self.end(fmd)
        self.make_anew()
        self.say("x", "y", "z")         # longer than the old one: only the record tells
        self.run_with("resume")
        self.until_hosts("a", "b", "x", "y", "z")
        self.assertIn("made anew or cut short, what followed offset 1 is lost; reading goes on at "
                      "offset 0", self.until_lost()["reason_text"])
        self.assertEqual((self.ledger()["read"], self.ledger()["applied"]), (5, 5))

    def test_made_anew_under_a_running_fmd(self):
        self.say("a", "b")
        fmd = self.run_with("resume")
        self.until_hosts("a", "b")
        self.make_anew()
        self.say("x", "y", "z")
        self.until_hosts("a", "b", "x", "y", "z")
        self.assertEqual(self.until_lost()["count"], 1)
        self.assertIsNone(fmd.poll())

    def test_made_anew_stop(self):
        self.say("a", "b")
        fmd = self.run_with("stop")
        self.until_hosts("a", "b")
        self.end(fmd)
        self.make_anew()
        self.say("x", "y", "z")
        self.run_with("stop")
        self.until_lost()
        out = self.fm("input-resume", self.topic, "0", "latest")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.say("n")
        self.until_hosts("a", "b", "n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BUILD_DIR = sys.argv.pop(1)
    test_daemon.BUILD = pathlib.Path(BUILD_DIR).resolve()
    unittest.main(verbosity=2)
