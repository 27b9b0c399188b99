#!/usr/bin/env python3
"""A stand-in for fmd's control socket, for tests of the CLI without a daemon.

It answers each verb from a table of prepared rows, and can be told to answer with an error, to
hang up in the middle, or to talk nonsense. Requests are kept for the test to look at.

As a program: fake_fmd.py SOCKET serves the sample data until it is killed.
"""

import copy
import json
import os
import socket
import sys
import threading

UUIDS = ["0a1b2c3d-0000-5000-8000-%012d" % n for n in range(100)]
STREAM = "5e0f7c4e-5d7e-4e0b-9a53-0f3f2f6c9a11"

CODES = {"failed": 1, "usage": 2, "not-found": 3, "denied": 4, "unreachable": 5}


def alarm(n, **members):
    """An alarm in the JSON form of fmd, with sample values."""
    row = {
        "uuid": UUIDS[n],
        "id": n,
        "alarm_id": "100.103",
        "entity_type_id": "host",
        "entity_instance_id": "host=compute-%d" % n,
        "state": "active",
        "severity": "major",
        "reason_text": "Memory threshold exceeded; threshold 80.00%, actual 83.17%",
        "alarm_type": "operational-violation",
        "probable_cause": "threshold-crossed",
        "proposed_repair_action": "Monitor and if condition persists, contact next level of "
                                  "support; may require additional memory on Host.",
        "service_affecting": False,
        "suppression": True,
        "suppression_status": "unsuppressed",
        "suppressed_by": None,
        "mgmt_affecting": True,
        "degrade_affecting": False,
        "raised_at": "2026-11-23T10:15:%02d.118023Z" % n,
        "changed_at": "2026-11-23T10:15:%02d.118023Z" % n,
        "cleared_at": None,
        "count": 1,
        "operator_state": "none",
        "acked_by": None,
        "shelved_until": None,
        "maintenance_window": None,
        "root_cause": None,
        "children": 0,
        "attributes": {},
        "catalogue": "00c0ffee00c0ffee",
    }
    row.update(members)
    return row


def transition(seq, kind, al, **members):
    """A fm.transition/1 record about an alarm."""
    row = {
        "schema": "fm.transition/1",
        "stream": STREAM,
        "seq": seq,
        "kind": kind,
        "time": al["changed_at"],
        "notify": True,
        "previous": None,
        "cause": {
            "kind": "record",
            "topic": "versioned_notifications.info",
            "partition": 0,
            "offset": 1000 + seq,
            "event": "instance.live_migration_pre.start",
            "event_time": al["changed_at"],
            "rule": "700.008 While instance.migrating",
            "rule_line": 1204,
            "catalogue": "00c0ffee00c0ffee",
        },
        "alarm": al,
    }
    row.update(members)
    return row


ENTITY = ("tenant=7c150c59-89ef-4ac5-8e4c-6f2c4b4c2d8a"
          ".instance=2f9e1a4e-2f4b-4f6c-9a57-1c6e7f0a9f11")


def migration():
    """An alarm's life: raised, escalated by a deadline, acknowledged, cleared."""
    al = alarm(8, alarm_id="700.008", entity_instance_id=ENTITY, severity="warning",
               entity_type_id="tenant.instance", alarm_type="equipment",
               reason_text="Instance vm-1 owned by demo is live migrating from host compute-0 "
                           "to host compute-1")
    up = dict(al, severity="minor", changed_at="2026-11-23T10:18:08.118023Z")
    acked = dict(up, operator_state="acknowledged", acked_by="anna")
    gone = dict(acked, state="cleared", cleared_at="2026-11-23T10:20:01.000000Z")
    return [
        transition(17, "raise", al),
        transition(18, "change", up, previous={"severity": "warning"},
                   time="2026-11-23T10:18:08.118023Z",
                   cause={"kind": "deadline", "deadline": "migration.limit.soft",
                          "rule": "700.008 Escalate After 180 s", "rule_line": 1211}),
        transition(19, "ack", acked, time="2026-11-23T10:18:30.000000Z", notify=False,
                   cause={"kind": "command", "command": "alarm-ack", "user": "anna"}),
        transition(20, "clear", gone, time="2026-11-23T10:20:01.000000Z",
                   cause={"kind": "record", "topic": "versioned_notifications.info",
                          "partition": 0, "offset": 1044,
                          "event": "instance.live_migration_post.end",
                          "event_time": "2026-11-23T10:20:00.998000Z",
                          "rule": "700.008 While instance.migrating", "rule_line": 1204}),
    ]


def explained():
    """The same as "explain" tells it: kafka has all of it, a manager all but the last."""
    return [dict(row, truncated=False,
                 sinks=[{"name": "kafka", "delivery": "done"},
                        {"name": "snmp:noc-a", "delivery": "pending" if row["seq"] == 20 else
                         "done"}])
            for row in migration()]


def sample_rows():
    """Rows for every verb that has some."""
    alarms = [
        alarm(3, alarm_id="200.004", severity="critical", degrade_affecting=True,
              reason_text="compute-3 experienced a service-affecting failure. Auto-recovery in "
                          "progress. Manual Lock and Unlock may be required if auto-recovery is "
                          "unsuccessful."),
        alarm(2),
        migration()[1]["alarm"],
        alarm(1, alarm_id="700.001", severity="minor", suppression_status="masked",
              entity_instance_id=ENTITY, reason_text="Instance vm-1 owned by demo has failed"),
    ]
    log = transition(21, "log", alarm(9, alarm_id="700.156", state="log", severity="not-applicable",
                                      entity_instance_id=ENTITY,
                                      reason_text="Live-Migrate complete for instance vm-1 now "
                                                  "enabled on host compute-1"))
    history = migration()
    suppressions = [
        {"uuid": UUIDS[20], "alarm_id": "100.101", "status": "suppressed",
         "since": "2026-11-23T10:00:00.000000Z", "user": "anna"},
        {"uuid": UUIDS[21], "alarm_id": "100.103", "status": "unsuppressed", "since": None,
         "user": None},
    ]
    return {
        "alarm-list": alarms,
        "alarm-show": alarms[:1],
        "alarm-summary": [{"critical": 1, "major": 1, "minor": 2, "warnings": 0,
                           "status": "critical"}],
        "alarm-history": history,
        "event-list": [log] + history[::-1],
        "event-show": history[:1],
        "explain": explained(),
        "why-not": [{"reason": "no-state", "text": "instance.failed does not hold"}],
        "watch": history + [log],
        "stats": [
            {"section": "kafka", "name": "records", "value": 123456, "unit": "records"},
            {"section": "kafka", "name": "lag", "value": 0, "unit": "records"},
            {"section": "engine", "name": "cycle_p99", "value": 1.25, "unit": "ms"},
            {"section": "store", "name": "file_bytes", "value": 1048576, "unit": "bytes"},
        ],
        "quarantine-list": [
            {"id": 2, "topic": "libvirt.events", "partition": 0, "offset": 77,
             "time": "2026-11-23T10:11:12.000000Z", "reason": "not JSON: unexpected end",
             "length": 17, "excerpt": "{\"kind\":\"event\","},
        ],
        "audit-list": [
            {"id": 9, "time": "2026-11-23T10:11:12.000000Z", "user": "ann", "uid": 1000,
             "role": "reader", "verb": "alarm-clear",
             "args": {"alarm_id": "100.101", "entity": "host=c-1"}, "result": "not permitted"},
        ],
        "sink-list": [
            {"name": "kafka", "state": "up", "acked": 21, "last_seq": 21, "lag": 0,
             "delivered": 21, "refused": 0, "last_error": None},
            {"name": "snmp:noc-a", "state": "down", "acked": 12, "last_seq": 21, "lag": 9,
             "delivered": 12, "refused": 1,
             "last_error": "no answer from 192.0.2.10 to an inform in 30 s"},
        ],
        "ledger": [
            {"topic": "versioned_notifications.info", "partition": 0, "state": "reading",
             "since": "2026-11-23T10:00:00.000000Z", "read": 1048,
             "applied": 412, "no_effect": 600, "duplicate": 30, "late": 1, "unknown_type": 5,
             "quarantined": 0},
            {"topic": "libvirt.events", "partition": 0, "state": "lost",
             "since": "2026-11-23T10:00:00.000000Z", "read": 78, "applied": 70,
             "no_effect": 7, "duplicate": 0, "late": 0, "unknown_type": 0, "quarantined": 1},
        ],
        "shelf-list": [
            {"alarm_id": "100.103", "entity_instance_id": "host=compute-2", "user": "anna",
             "shelved_until": "2026-11-23T18:00:00.000000Z", "active": True},
        ],
        "window-list": [
            {"name": "night", "user": "anna", "open": True,
             "changes_at": "2026-11-23T18:00:00.000000Z", "alarms": "all",
             "entities": "host=compute-2", "logs": False,
             "when": "2026-11-23T16:00:00.000000Z to 2026-11-23T18:00:00.000000Z",
             "zone": "UTC"},
        ],
        "window-add": [
            {"name": "night", "user": "anna", "open": True,
             "changes_at": "2026-11-23T18:00:00.000000Z", "alarms": "all",
             "entities": "host=compute-2", "logs": False,
             "when": "2026-11-23T16:00:00.000000Z to 2026-11-23T18:00:00.000000Z",
             "zone": "UTC"},
        ],
        "event-suppress": suppressions, "event-unsuppress": suppressions,
        "event-unsuppress-all": suppressions, "event-suppress-list": suppressions,
        "version": [{"version": "0.1.0", "librdkafka": "2.0.2", "sqlite": "3.40.1",
                     "schema": 1, "stream": STREAM, "pid": 4711}],
    }


class FakeFmd:
    """Serves one Unix socket from a thread. Change `rows`, `error` and the rest between requests."""

    def __init__(self, path):
        self.path = path
        self.rows = sample_rows()
        self.error = {}         # verb -> (code, text or None)
        self.hang_up_after = None       # rows, then the connection is closed
        self.raw = None         # bytes sent instead of any answer
        self.turn_away = None   # (code, text) at once, then the connection is closed
        self.silent = False     # never answer
        self.follow = False     # "watch" stays open after its rows
        self.requests = []
        self.connected = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(16)
        self._clients = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        """Stops listening and hangs up."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join()
        os.unlink(self.path)

    def hang_up(self):
        """Ends every open connection."""
        for client in self._clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.turn_away is not None:
                code, text = self.turn_away
                self._send(client, {"id": 0, "done": True, "code": code, "error": text})
                client.close()
                continue
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client, client.makefile("rb") as lines:
                for line in lines:
                    if not self._answer(client, line):
                        return
        except OSError:
            pass

    def _answer(self, client, line):
        """One request. False: hang up."""
        request = json.loads(line)
        self.requests.append(request)
        if self.raw is not None:
            client.sendall(self.raw)
            return False
        if self.silent:
            return True
        verb, ident = request["verb"], request["id"]
        rows = [] if verb in self.error else copy.deepcopy(self.rows.get(verb, []))
        if request["args"].get("limit", 0) > 0:
            rows = rows[:request["args"]["limit"]]
        for n, row in enumerate(rows):
            if n == self.hang_up_after:
                return False
            self._send(client, {"id": ident, "row": row})
        self.connected.set()
        if verb == "watch" and self.follow:
            return True
        if self.hang_up_after is not None:
            return False
        code, text = self.error.get(verb, (0, None))
        done = {"id": ident, "done": True, "code": code}
        if text is not None:
            done["error"] = text
        self._send(client, done)
        return True

    @staticmethod
    def _send(client, value):
        line = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        client.sendall(line.encode("utf-8", "surrogateescape") + b"\n")


if __name__ == "__main__":
    FakeFmd(sys.argv[1])
    threading.Event().wait()
