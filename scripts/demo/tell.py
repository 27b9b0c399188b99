#!/usr/bin/env python3
"""The demo's story as lines for kafka_feed: topic, milliseconds, record. Arguments: when it
ends (ms) and the chapter.

Seventeen minutes of a small cloud. While fmd reads it, time is the records' time, so limits of
180 s and 800 s pass in a second.
"""
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/system"))
from story import Story  # noqa: E402


def guest(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class Tale(Story):
    def at(self, second):
        self.now = self.begin + second * 1000

    def name(self, g):
        return self.names.get(g, g)

    def nova(self, event, g, host, publisher=None, task=None, state="active", **more):
        super().nova(event, g, host, publisher, task, state, display_name=self.name(g),
                     tenant_id="blue", **more)

    def clean(self, g, src, dst, downtime):
        self.nova("instance.live_migration_pre.start", g, src, dst, "migrating")
        self.lifecycle(dst, g, 2, 1)
        self.now += 3000
        self.finish(g, src, dst, downtime)

    def finish(self, g, src, dst, downtime):
        self.lifecycle(src, g, 3, 1)
        self.lifecycle(dst, g, 4, 1)
        self.libvirt(src, "job-completed", g, event_id=21, operation="migration_out",
                     params={"operation": 5, "time_elapsed": 4000, "downtime": downtime + 4,
                             "downtime_net": downtime})
        self.nova("instance.live_migration_post_dest.end", g, dst)

    def tale(self):
        web, db, cache = (guest(n) for n in ("web-1", "db-1", "cache-1"))
        self.names = {web: "web-1", db: "db-1", cache: "cache-1"}
        self.at(0)
        self.clean(web, "compute-0", "compute-1", 42)
        self.at(30)
        self.nova("instance.live_migration_pre.start", db, "compute-0", "compute-2", "migrating")
        self.lifecycle("compute-2", db, 2, 1)
        self.at(60)
        self.clean(cache, "compute-1", "compute-2", 1300)
        self.at(850)
        self.finish(db, "compute-0", "compute-2", 180)
        self.at(900)
        guests = [guest(f"app-{i}") for i in range(12)]
        self.names.update({g: f"app-{i}" for i, g in enumerate(guests)})
        self.add("fm.requests", {"op": "set", "alarm_id": "200.004",
                                 "entity_instance_id": "host=compute-3"})
        for g in guests:
            self.nova("instance.update", g, "compute-3", state="error")
        self.at(960)
        for g in guests:
            self.nova("instance.update", g, "compute-3", state="active")
        self.add("fm.requests", {"op": "clear", "alarm_id": "200.004",
                                 "entity_instance_id": "host=compute-3"})
        return self.records


CHAPTERS = {"migrations": (0, 895), "down": (895, 955), "end": (955, 10 ** 6)}


def main():
    tale = Tale(1, int(sys.argv[1]) - 1000 * 1000, hosts=4)
    tale.begin = tale.now
    first, last = CHAPTERS[sys.argv[2]]
    for _, ms, text in tale.tale():
        if first <= (ms - tale.begin) / 1000 < last:
            print(f"libvirt.events\t{ms}\t{text}")     # any topic may carry any format


main()
