"""A seeded stretch of cloud life as fmd's input: (topic, milliseconds, text of a record)."""
import json
import random
import uuid


class Story:
    def __init__(self, seed, begin_ms, hosts=8, guests=120):
        self.random = random.Random(seed)
        self.now = begin_ms
        self.hosts = [f"compute-{i}" for i in range(hosts)]
        self.seq = {h: 0 for h in self.hosts}
        self.guests = [str(uuid.UUID(int=self.random.getrandbits(128), version=4))
                       for _ in range(guests)]
        self.where = {g: self.random.choice(self.hosts) for g in self.guests}
        self.records = []

    def stamp(self):
        s, ms = divmod(self.now, 1000)
        import time
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(s)) + f".{ms:03d}000Z"

    def add(self, topic, value):
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        self.records.append((topic, self.now, text))
        self.now += self.random.randrange(5, 900)

    def libvirt(self, host, event, guest=None, **more):
        self.seq[host] += 1
        record = {"kind": "event", "seq": self.seq[host], "boot": f"boot-{host}", "conn": 1,
                  "ts": self.stamp(), "mono_ns": self.now * 1000000, "host": host,
                  "host_uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, host)), "event": event}
        if guest is not None:
            record.update(domain="vm-" + guest[:8], uuid=guest, id=7)
        record.update(more)
        self.add("libvirt.events", record)

    def lifecycle(self, host, guest, code, detail):
        names = ["defined", "undefined", "started", "suspended", "resumed", "stopped", "shutdown"]
        self.libvirt(host, "lifecycle", guest, event_id=0, lifecycle=names[code],
                     lifecycle_code=code, detail="", detail_code=detail)

    def nova(self, event, guest, host, publisher=None, task=None, state="active", **more):
        data = {"uuid": guest, "tenant_id": "tenant-" + guest[:4], "display_name": "vm-" + guest[:8],
                "host": host, "node": host, "state": state, "task_state": task,
                "power_state": "running", "fault": None,
                "action_initiator_user": "admin", **more}
        inner = {"message_id": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
                 "publisher_id": "nova-compute:" + (publisher or host), "event_type": event,
                 "priority": "INFO", "timestamp": self.stamp().replace("T", " ").rstrip("Z"),
                 "payload": {"nova_object.name": "InstanceActionPayload",
                             "nova_object.namespace": "nova", "nova_object.version": "1.9",
                             "nova_object.data": data}}
        self.add("versioned_notifications.info",
                 {"oslo.version": "2.0", "oslo.message": json.dumps(inner)})

    def migrate(self, guest):
        src = self.where[guest]
        dst = self.random.choice([h for h in self.hosts if h != src])
        self.nova("instance.live_migration_pre.start", guest, src, dst, "migrating")
        self.lifecycle(dst, guest, 2, 1)
        if self.random.random() < 0.3:
            self.now += self.random.choice((200_000, 900_000))
        if self.random.random() < 0.3:
            self.lifecycle(dst, guest, 5, 5)
            self.nova("instance.live_migration_rollback.start", guest, src, src, "migrating")
            self.nova("instance.live_migration_rollback.end", guest, src)
            return
        self.lifecycle(src, guest, 3, 1)
        self.lifecycle(dst, guest, 4, 1)
        downtime = self.random.choice((40, 90, 400, 1300, 7000))
        self.libvirt(src, "job-completed", guest, event_id=21, operation="migration_out",
                     params={"operation": 5, "time_elapsed": 4000, "downtime": downtime + 3,
                             "downtime_net": downtime})
        self.nova("instance.live_migration_post_dest.end", guest, dst)
        self.where[guest] = dst

    def crash(self, guest):
        host = self.where[guest]
        self.lifecycle(host, guest, 5, 5)
        if self.random.random() < 0.8:
            self.lifecycle(host, guest, 4, 0)
            self.lifecycle(host, guest, 2, 0)

    def host_dies(self):
        host = self.random.choice(self.hosts)
        self.add("fm.requests", {"op": "set", "alarm_id": "200.004",
                                 "entity_instance_id": "host=" + host})
        for guest in [g for g, h in self.where.items() if h == host][:12]:
            self.nova("instance.update", guest, host, state="error")
        for guest in [g for g, h in self.where.items() if h == host][:12]:
            self.nova("instance.update", guest, host, state="active")
        self.add("fm.requests", {"op": "clear", "alarm_id": "200.004",
                                 "entity_instance_id": "host=" + host})

    def pause(self, guest):
        host = self.where[guest]
        self.nova("instance.pause.end", guest, host, state="paused")
        self.now += self.random.choice((2_000, 60_000))
        self.nova("instance.unpause.end", guest, host, state="active")

    def tell(self, records):
        """Goes on until there are that many records."""
        while len(self.records) < records:
            guest = self.random.choice(self.guests)
            self.random.choices((lambda: self.migrate(guest), lambda: self.crash(guest),
                                 lambda: self.pause(guest), self.host_dies,
                                 lambda: self.add("fm.requests", '{"op":"nonsense"}'),
                                 lambda: self.libvirt(self.where[guest], "heartbeat-like")),
                                (40, 20, 20, 2, 1, 30))[0]()
        return self.records
