#!/usr/bin/env python3
"""The demo's story as lines for demo_feed: topic, milliseconds, record.

    tell.py NOW CHAPTER          NOW is when the telling began, in milliseconds
    tell.py NOW --entity NAME    the alarms' entity of a guest: tenant=....instance=...

The first chapter is the quarter of an hour before NOW. fmd reads it as a backlog, in which time is
the records' time, so that limits of 180 s and 800 s pass at once and yet to the second. It is one
topic, because the order of records that arrive in several topics at the same moment is nobody's
promise. The other chapters happen as they are told, in the topics of their makers.
"""
import json
import pathlib
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/system"))
from story import Story  # noqa: E402

STARTED, SUSPENDED, RESUMED, STOPPED = 2, 3, 4, 5       # libvirt's lifecycle codes
MIGRATED = {STARTED: 1, SUSPENDED: 1, RESUMED: 1, STOPPED: 3}
TENANT = "blue"
LOST = "compute-3"
GUESTS = [f"app-{i}" for i in range(1, 13)]
BACKLOG_SECONDS = 900


def guest(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name + ".demo"))


class Tale(Story):
    """Every record of the story, in order, under the chapter that tells it."""

    def __init__(self, begin_ms):
        super().__init__(1, begin_ms, hosts=4, guests=0)
        self.begin = begin_ms
        self.chapter = None
        self.chapters = {}

    def add(self, topic, value):
        if self.chapter == "backlog":
            topic = "demo.backlog"
        record = (topic, self.now, json.dumps(value, separators=(",", ":")))
        self.chapters.setdefault(self.chapter, []).append(record)

    def at(self, second):
        self.now = self.begin + round(second * 1000)

    def live(self, chapter):
        self.chapter = chapter
        self.now = time.time_ns() // 1_000_000

    def state(self, event, name, host, publisher=None, task=None, **more):
        self.nova(event, guest(name), host, publisher, task, display_name=name,
                  tenant_id=TENANT, **more)

    def moved(self, host, name, code):
        self.lifecycle(host, guest(name), code, MIGRATED[code])

    def leave(self, name, source, destination):
        self.state("instance.live_migration_pre.start", name, source, destination, "migrating")
        self.moved(destination, name, STARTED)

    def arrive(self, name, source, destination, downtime_ms):
        self.moved(source, name, SUSPENDED)
        self.now += downtime_ms
        self.moved(destination, name, RESUMED)
        self.moved(source, name, STOPPED)
        self.libvirt(source, "job-completed", guest(name), event_id=21,
                     operation="migration_out",
                     params={"operation": 5, "time_elapsed": 4000, "downtime": downtime_ms + 4,
                             "downtime_net": downtime_ms})
        self.state("instance.live_migration_post_dest.end", name, destination)

    def backlog(self):
        self.chapter = "backlog"
        self.at(0)
        for name in GUESTS:
            self.state("instance.update", name, LOST)
        self.at(10)
        self.leave("web-1", "compute-0", "compute-1")
        self.at(14)
        self.arrive("web-1", "compute-0", "compute-1", 42)
        self.at(60)
        self.leave("db-1", "compute-0", "compute-2")
        self.at(300)
        self.leave("cache-1", "compute-1", "compute-2")
        self.at(306)
        self.arrive("cache-1", "compute-1", "compute-2", 1300)
        self.at(690)
        self.leave("mail-1", "compute-2", "compute-1")

    def platform(self, op):
        self.add("fm.requests", {"op": op, "alarm_id": "200.004",
                                 "entity_instance_id": "host=" + LOST})

    def fail(self, names):
        for name in names:
            self.state("instance.update", name, LOST, state="error")

    def tell(self):
        self.backlog()
        self.live("arrival")
        self.arrive("db-1", "compute-0", "compute-2", 180)
        self.arrive("mail-1", "compute-2", "compute-1", 95)
        self.live("symptoms")
        self.fail(GUESTS[:2])
        self.live("cause")
        self.platform("set")
        self.live("rest")
        self.fail(GUESTS[2:])
        self.live("recovery")
        for name in GUESTS:
            self.state("instance.update", name, LOST)
        self.platform("clear")
        return self.chapters


def main():
    now, what = int(sys.argv[1]), sys.argv[2]
    if what == "--entity":
        print(f"tenant={TENANT}.instance={guest(sys.argv[3])}")
        return
    for record in Tale(now - BACKLOG_SECONDS * 1000).tell()[what]:
        print(*record, sep="\t")


main()
