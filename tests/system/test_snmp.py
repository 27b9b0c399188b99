#!/usr/bin/env python3
"""Traps and informs of fmagent against real receivers.

    python3 tests/system/test_snmp.py BUILD_DIR [unittest arguments]

Needs snmptrapd (net-snmp) and, for the independent decoder, pysnmp under this interpreter or
/usr/bin/python3; what is missing is skipped with a message.
"""

import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from snmp_peers import (MIB_DIR, Fmd, Pysnmp, RawUdp, Sender, Snmpd, Snmptrapd, User,  # noqa: E402
                        find_snmpd, find_snmptrapd, free_port, pysnmp_python, sender_program,
                        wait_for)

BUILD_DIR = None
ENGINE = "80001f8805a1b2c3d4e5f60718"
WRS = "1.3.6.1.4.1.731.1.1.1.1"
MAIN_LIMIT_US = 500_000
FROZEN_S = 5


def mib_objects(notification):
    """The OBJECTS clause of a notification, in order, as the module has it."""
    with open(os.path.join(MIB_DIR, "WRS-ALARM-MIB.txt"), encoding="utf-8") as f:
        clause = re.search(rf"\n{notification} NOTIFICATION-TYPE\s+OBJECTS\s+{{(.*?)}}",
                           f.read(), re.S)
    return clause[1].replace(",", " ").split()


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fmd-snmp-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.sender = Sender(BUILD_DIR, self.dir, ENGINE)
        self.addCleanup(self._end)

    def _end(self):
        """Also where a sanitizer has its say. 1: it refused to start."""
        self.assertIn(self.sender.stop(), (None, 0, 1))

    def peer(self, peer):
        self.addCleanup(peer.stop)
        return peer

    def trapd(self, name="trapd", users=(), **more):
        return self.peer(Snmptrapd(self.dir, name, users, ENGINE, **more).start())

    def assert_main_never_waited(self):
        """The bound is coarse on purpose: a blocking call would cost a time-out, seconds."""
        worst = self.sender.stats()["worst_us"]
        print(f"    longest call on the main thread: {worst / 1000:.1f} ms", flush=True)
        self.assertLess(worst, MAIN_LIMIT_US)


@unittest.skipUnless(find_snmptrapd(), "snmptrapd is not installed")
class AtSnmptrapd(Base):
    def test_v2c_trap_has_the_varbinds_of_the_mib_uuid_first(self):
        trapd = self.trapd()
        self.sender.config.update(region="RegionOne", system="cloud-7")
        self.sender.add_v2c("noc", trapd.address)
        self.sender.start().send("raise", "critical")
        trap = trapd.wait_traps(1)[0]
        self.assertTrue(trap["how"].startswith("TRAP2, SNMP v2c"), trap["how"])
        names = [name for name, _ in trap["varbinds"]]
        columns = [f".{WRS}.1.1.{column}.1" for column in range(2, 13)]
        self.assertEqual(names, [".1.3.6.1.2.1.1.3.0", ".1.3.6.1.6.3.1.1.4.1.0"] + columns)
        values = dict(trap["varbinds"])
        self.assertEqual(values[".1.3.6.1.6.3.1.1.4.1.0"], f"OID: .{WRS}.0.1")
        self.assertEqual(values[columns[1]], 'STRING: "200.004"')
        self.assertEqual(values[columns[2]],
                         'STRING: "region=RegionOne.system=cloud-7.host=compute-1"')
        self.assertRegex(values[columns[3]], r"^Hex-STRING: ([0-9A-F]{2} ){8}2B 00 00")
        self.assertEqual(values[columns[4]], "INTEGER: 4")
        self.assertEqual(values[columns[7]], "INTEGER: 15")
        self.assertEqual(values[columns[9]], "INTEGER: 1")

    def test_the_mib_gives_names_to_everything(self):
        trapd = self.trapd(mib="WRS-ALARM-MIB")
        self.sender.add_v2c("noc", trapd.address, logs=True)
        self.sender.start().send("raise")
        self.sender.send("log", "critical")
        up, log = trapd.wait_traps(2)
        self.assertEqual(up["varbinds"][1][1], "OID: WRS-ALARM-MIB::wrsAlarmMajor")
        self.assertIn(("WRS-ALARM-MIB::wrsAlarmActiveProbableCause.1",
                       "INTEGER: equipment-malfunction(15)"), up["varbinds"])
        self.assertEqual(log["varbinds"][1][1], "OID: WRS-ALARM-MIB::wrsAlarmMessage")
        for trap, row in ((up, 1), (log, 0)):
            self.assertEqual([name for name, _ in trap["varbinds"][2:]],
                             [f"WRS-ALARM-MIB::{column}.{row}" for column in mib_objects(
                                 trap["varbinds"][1][1].rsplit(":", 1)[1])])

    def test_each_kind_arrives_under_its_own_notification(self):
        trapd = self.trapd()
        self.sender.add_v2c("noc", trapd.address, logs=True)
        self.sender.start()
        for kind, severity in (("raise", "critical"), ("change", "major"), ("raise", "minor"),
                               ("unsuppress", "warning"), ("log", "critical"),
                               ("clear", "major"), ("ack", "major"), ("suppress", "major"),
                               ("purge", "major")):
            self.sender.send(kind, severity)
        self.sender.wait_acked("noc")
        oids = [t["varbinds"][1][1] for t in trapd.wait_traps(6)]
        self.assertEqual(oids, [f"OID: .{WRS}.0.{n}" for n in (1, 2, 3, 4, 5, 9)])

    def test_v2c_informs_are_acknowledged(self):
        trapd = self.trapd()
        self.sender.add_v2c("noc", trapd.address, inform=True)
        last = self.sender.start().send("raise", count=20)
        self.assertEqual(trapd.wait_index(last), list(range(1, 21)))
        self.sender.wait_acked("noc")
        self.assertEqual(self.sender.stats()["acked"], 20)
        self.assertTrue(trapd.traps()[0]["how"].startswith("INFORM, SNMP v2c"))

    def _v3(self, user, inform):
        trapd = self.trapd(users=[user])
        self.sender.add_v3("noc", trapd.address, user, inform=inform)
        last = self.sender.start().send("raise", count=5)
        self.assertEqual(trapd.wait_index(last), list(range(1, 6)))
        self.sender.wait_acked("noc")
        self.assertIn(f"SNMP v3, user {user.name}", trapd.traps()[0]["how"])

    def test_v3_trap_with_sha256_and_aes128(self):
        self._v3(User("fmd"), False)

    def test_v3_inform_with_sha256_and_aes128(self):
        self._v3(User("fmd"), True)

    def test_v3_trap_with_sha512_and_aes256(self):
        self._v3(User("fmd", "sha512", "aes256"), False)

    def test_v3_inform_with_sha384_and_aes192(self):
        self._v3(User("fmd", "sha384", "aes192"), True)

    def test_v3_inform_with_sha1_and_aes128(self):
        self._v3(User("fmd", "sha1"), True)

    def test_filter_keeps_lower_severities_and_logs_away(self):
        trapd = self.trapd()
        self.sender.add_v2c("noc", trapd.address, min_severity="major")
        self.sender.start()
        self.sender.send("raise", "minor")
        self.sender.send("log", "critical")
        self.sender.send("raise", "major")
        self.sender.send("change", "minor", previous_severity="major", id=3)
        self.sender.send("clear", "minor", id=3)
        last = self.sender.send("raise", "critical")
        trapd.wait_index(last)
        self.sender.wait_acked("noc")
        oids = [t["varbinds"][1][1] for t in trapd.traps()]
        self.assertEqual(oids, [f"OID: .{WRS}.0.{n}" for n in (2, 9, 1)])


@unittest.skipUnless(find_snmptrapd(), "snmptrapd is not installed")
class Trouble(Base):
    def test_the_reason_of_a_v3_refusal_is_told_and_delivery_resumes_when_it_is_cured(self):
        user = User("fmd")
        trapd = self.trapd(users=[User("someone-else")])
        self.sender.add_v3("noc", trapd.address, user, inform=True)
        last = self.sender.start().send("raise", count=3)
        self.sender.wait_error("noc", "target noc: usmStatsUnknownUserNames: "
                               "the receiver does not know user fmd")
        trapd.stop()
        trapd.configure([user], ENGINE)
        trapd.start()
        self.assertEqual(trapd.wait_index(last), [1, 2, 3])

    def test_wrong_pass_phrases_are_told_apart(self):
        trapd = self.trapd(users=[User("a"), User("p")])
        self.sender.add_v3("bad-auth", trapd.address, User("a", auth_pass="not this one"),
                           inform=True)
        self.sender.add_v3("bad-priv", trapd.address, User("p", priv_pass="not this one"),
                           inform=True)
        self.sender.start().send("raise")
        self.sender.wait_error("bad-auth", "usmStatsWrongDigests")
        # AES cannot tell, so the receiver is silent and fmagent can only guess.
        self.sender.wait_error("bad-priv", "though it answered the discovery: does it have the "
                               "same privacy pass phrase")

    def test_the_hint_of_a_silent_target_fits_its_version_and_what_is_known(self):
        trapd = self.trapd(users=[User("a"), User("quiet", may_log=False)])
        dead = f"127.0.0.1:{free_port()}"
        # The settings of v3 have defaults, so a v2c target carries them too.
        self.sender.add_v2c("dead2", dead, inform=True, timeout_ms=200, auth="sha256",
                            priv="aes128")
        self.sender.add_v2c("community", trapd.address, community="another", inform=True,
                            timeout_ms=200)
        self.sender.add_v3("dead3", dead, User("a"), inform=True, timeout_ms=200)
        self.sender.add_v3("quiet", trapd.address, User("quiet", priv="none"), inform=True,
                           timeout_ms=200)
        self.sender.start().send("raise")
        hints = {"dead2": "inform within 200 ms; is it up, and does it take informs with this "
                          "community?",
                 "community": "inform within 200 ms; is it up, and does it take informs with this "
                              "community?",
                 "dead3": "engine discovery within 200 ms; is it up, and does it speak SNMPv3?",
                 "quiet": "inform within 200 ms, though it answered the discovery: may the user "
                          "send informs?"}
        for name, hint in hints.items():
            self.sender.wait_error(name, f"target {name}: no answer to the {hint}")
            self.assertTrue(self.sender.sink(name)["last_error"].endswith(hint))

    def test_a_target_that_had_understood_gets_no_hint(self):
        trapd = self.trapd()
        self.sender.add_v2c("noc", trapd.address, inform=True, timeout_ms=200)
        self.sender.start().send("raise")
        self.sender.wait_acked("noc")
        trapd.signal(signal.SIGSTOP)
        self.sender.send("raise")
        self.sender.wait_error("noc", "no answer to the inform within 200 ms")
        self.assertTrue(self.sender.sink("noc")["last_error"].endswith("within 200 ms"))

    def test_a_stopped_target_delays_nobody(self):
        user = User("fmd")
        stopped2, stopped3 = self.trapd("stopped2"), self.trapd("stopped3", [user])
        good2, good3 = self.trapd("good2"), self.trapd("good3", [user])
        self.sender.add_v2c("stopped2", stopped2.address, inform=True, timeout_ms=1000)
        self.sender.add_v3("stopped3", stopped3.address, user, inform=True, timeout_ms=1000)
        self.sender.add_v2c("good2", good2.address, inform=True)
        self.sender.add_v3("good3", good3.address, user, inform=True)
        stopped2.signal(signal.SIGSTOP)
        stopped3.signal(signal.SIGSTOP)
        last = self.sender.start().send("raise", count=100)
        # The good ones have everything while the others have not even answered once.
        self.assertEqual(good2.wait_index(last), list(range(1, 101)))
        self.assertEqual(good3.wait_index(last), list(range(1, 101)))
        self.assertEqual(self.sender.sink("stopped2")["acked"], 0)
        self.assertEqual(self.sender.sink("stopped3")["acked"], 0)
        self.sender.wait_error("stopped2", "no answer to the inform within 1000 ms")
        self.sender.wait_error("stopped3", "no answer to the engine discovery within 1000 ms")
        self.assert_main_never_waited()
        stopped2.signal(signal.SIGCONT)
        stopped3.signal(signal.SIGCONT)
        for trapd in (stopped2, stopped3):
            trapd.wait_index(last)
            self.assert_in_order(trapd.indices(), 100)

    def assert_in_order(self, indices, n):
        """Everything is there, first arrivals in order; repetitions are allowed."""
        first = list(dict.fromkeys(indices))
        self.assertEqual(first, list(range(1, n + 1)))

    def test_a_target_that_was_down_gets_all_informs_in_order(self):
        trapd = self.trapd()
        self.sender.add_v2c("noc", trapd.address, inform=True, timeout_ms=300)
        self.sender.start().send("raise", count=10)
        trapd.wait_index(10)
        trapd.stop()
        for _ in range(4):
            last = self.sender.send("raise", count=10)
        self.sender.wait_error("noc", "no answer to the inform")
        trapd.start()
        trapd.wait_index(last)
        self.sender.wait_acked("noc")
        self.assert_in_order(trapd.indices(), 50)

    def test_a_replaced_receiver_is_discovered_anew(self):
        user = User("fmd")
        trapd = self.trapd(users=[user])
        self.sender.add_v3("noc", trapd.address, user, inform=True, timeout_ms=500)
        self.sender.start().send("raise")
        trapd.wait_index(1)
        trapd.stop()
        trapd.forget_engine()
        trapd.start()
        self.sender.send("raise")
        self.assertEqual(list(dict.fromkeys(trapd.wait_index(2))), [1, 2])

    def test_v3_traps_are_accepted_after_every_kill(self):
        user = User("fmd")
        trapd = self.trapd(users=[user])
        self.sender.add_v3("noc", trapd.address, user)
        for boots in range(1, 5):
            self.sender.start()
            last = self.sender.send("raise")
            trapd.wait_index(last)
            self.assertEqual(self.sender.stats()["boots"], boots)
            self.sender.kill()

    def test_nothing_is_lost_or_disordered_by_kills_of_the_sender(self):
        user = User("fmd")
        trapd = self.trapd(users=[user])
        self.sender.add_v3("noc", trapd.address, user, inform=True)
        for _ in range(4):
            self.sender.start()
            last = self.sender.send("raise", count=50)
            wait_for("half of them", lambda: last - 25 in trapd.indices())
            self.sender.kill()
        self.sender.start()
        trapd.wait_index(last)
        self.assert_in_order_over_restarts(trapd.indices(), 200)

    def assert_in_order_over_restarts(self, indices, n):
        self.assertEqual(sorted(set(indices)), list(range(1, n + 1)))
        for before, after in zip(indices, indices[1:]):
            self.assertLessEqual(after, before + 1, "a gap before it was filled")

    def test_a_clean_end_leaves_nothing_to_repeat(self):
        trapd = self.trapd()
        self.sender.add_v2c("noc", trapd.address, inform=True)
        last = self.sender.start().send("raise", count=5)
        self.sender.wait_acked("noc")
        self.assertEqual(self.sender.stop(), 0)
        self.sender.start()
        last = self.sender.send("raise")
        self.assertEqual(trapd.wait_index(last), [1, 2, 3, 4, 5, 6])

    def test_a_secret_that_others_may_read_stops_the_start(self):
        self.sender.add_v2c("noc", "127.0.0.1:162")
        path = self.sender.secret("noc.community", "alarms", 0o644)
        self.sender.start()
        self.assertIn(f"target noc: {path}: mode 0644", self.sender.answer["text"])


class OnTheWire(Base):
    @staticmethod
    def _row(datagram):
        """The row index behind the first column's OID."""
        column = bytes([0x2b, 6, 1, 4, 1, 0x85, 0x5b, 1, 1, 1, 1, 1, 1, 2])
        rest, index = datagram[datagram.index(column) + len(column):], 0
        for octet in rest:
            index = index << 7 | octet & 0x7f
            if octet < 0x80:
                return index
        raise AssertionError("the datagram ends within an OID")

    def _biggest(self, user):
        """All texts, names and engine ids as long as they get, so that some must give."""
        raw = self.peer(RawUdp())
        if user:
            self.sender.config["engine_id"] = ENGINE + "77" * 19
            self.sender.add_v3("noc", raw.address, user)
        else:
            self.sender.add_v2c("noc", raw.address, community="c" * 255)
        self.sender.start().send("raise", entity="host=" + "e" * 400, reason="\u00fc" * 900,
                                 repair="\u20ac" * 900, id=2**31 - 1)
        size = len(raw.receive())
        print(f"    biggest message: {size} octets", flush=True)
        self.assertGreater(size, 1350)
        self.assertLessEqual(size, 1400)

    def test_the_biggest_v2c_trap_fits_one_datagram(self):
        self._biggest(None)

    def test_the_biggest_v3_trap_fits_one_datagram(self):
        self._biggest(User("u" * 32, "sha512", "aes256"))

    def test_a_target_with_an_ipv6_address(self):
        try:
            raw = self.peer(RawUdp(socket.AF_INET6))
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        self.sender.add_v2c("noc", raw.address)
        self.sender.start().send("raise")
        self.assertEqual(self._row(raw.receive()), 1)

    def test_after_a_local_send_error_nothing_later_is_tried(self):
        # The broadcast address needs a socket option that fmagent does not set.
        self.sender.add_v2c("noc", "255.255.255.255:162")
        self.sender.start().send("raise", count=10)
        self.sender.wait_error("noc", "target noc: cannot send: Permission denied")
        wait_for("another try", lambda: self.sender.sink("noc")["resets"] > 1)
        stats = self.sender.stats()
        self.assertEqual(stats["errors"], stats["sinks"][0]["resets"])
        self.assertEqual(stats["sinks"][0]["acked"], 0)

    def test_a_storm_of_traps_is_paced_and_complete(self):
        raw = self.peer(RawUdp())
        self.sender.add_v2c("noc", raw.address)
        self.sender.start().send("raise", count=1000)
        got = [self._row(raw.receive()) for _ in range(1000)]
        self.assertEqual(got, list(range(1, 1001)))
        self.sender.wait_acked("noc")
        self.assert_main_never_waited()


@unittest.skipUnless(find_snmpd(), "snmpd is not installed")
class AtSnmpd(Base):
    """The tables without the daemon; with a build that watches threads, the one that matters."""

    def test_tables_are_right_while_every_commit_makes_a_view(self):
        snmpd = self.peer(Snmpd(self.dir)).start()
        self.sender.config.update(agentx=snmpd.socket)
        self.sender.start()
        raised = cleared = 0
        for _ in range(20):
            raised = self.sender.send("raise", count=60)
            self.sender.send("clear", count=40, id=cleared + 1)
            cleared += 40
            self.sender.next_id = raised + 1
            rows = [place[3] for place, _ in snmpd.walk(".1.1.2", "snmpwalk")]
            self.assertEqual(rows, sorted(set(rows)))
        wait_for("the last view", lambda: [place[3] for place, _ in snmpd.walk(".1.1.2")]
                 == list(range(cleared + 1, raised + 1)))
        self.assertEqual(sorted(snmpd.table(4)), list(range(1001, 2001)))


@unittest.skipUnless(pysnmp_python(), "pysnmp is not installed (python3-pysnmp4)")
class AtPysnmp(Base):
    TYPES = ["TimeTicks", "ObjectIdentifier"] + ["OctetString"] * 4 + ["Integer", "OctetString",
             "Integer", "Integer", "OctetString", "Integer", "Integer"]

    def _check_raise(self, trap, index):
        names = [name for name, _, _ in trap["varbinds"]]
        self.assertEqual(names, ["1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"] +
                         [f"{WRS}.1.1.{column}.{index}" for column in range(2, 13)])
        types = [kind.replace("Integer32", "Integer") for _, kind, _ in trap["varbinds"]]
        self.assertEqual(types, self.TYPES)
        values = [value for _, _, value in trap["varbinds"]]
        self.assertEqual(values[1], f"{WRS}.0.2")
        self.assertEqual(len(bytes.fromhex(values[2])), 36)
        self.assertEqual(bytes.fromhex(values[3]), b"200.004")
        date = bytes.fromhex(values[5])
        self.assertEqual(len(date), 11)
        self.assertTrue(2020 < int.from_bytes(date[:2], "big") < 2100)
        self.assertTrue(1 <= date[2] <= 12 and 1 <= date[3] <= 31 and date[7] <= 9)
        self.assertEqual(date[8:], b"+\0\0")
        self.assertEqual(values[6:7] + values[8:10] + values[11:], [3, 4, 15, 1, 0])

    def test_v2c_trap_and_clear_and_log(self):
        peer = self.peer(Pysnmp())
        self.sender.add_v2c("noc", peer.address, logs=True)
        self.sender.start().send("raise")
        self.sender.send("clear", id=1)
        self.sender.send("log", "critical")
        up, clear, log = peer.wait_traps(3)
        self._check_raise(up, 1)
        self.assertEqual([name for name, _, _ in clear["varbinds"]][2:],
                         [f"{WRS}.1.1.{column}.1" for column in (2, 3, 4, 5, 7)])
        self.assertEqual(clear["varbinds"][1][2], f"{WRS}.0.9")
        self.assertEqual(clear["varbinds"][2:5], up["varbinds"][2:5])
        self.assertEqual([name for name, _, _ in log["varbinds"]][2:],
                         [f"{WRS}.1.1.{column}.0" for column in range(2, 13)])
        self.assertEqual(log["varbinds"][1][2], f"{WRS}.0.5")

    def test_v2c_inform(self):
        peer = self.peer(Pysnmp())
        self.sender.add_v2c("noc", peer.address, inform=True)
        self.sender.start().send("raise", count=3)
        self._check_raise(peer.wait_traps(3)[2], 3)
        self.sender.wait_acked("noc")

    def test_v3_trap(self):
        user = User("fmd")
        peer = self.peer(Pysnmp(user, ENGINE))
        self.sender.add_v3("noc", peer.address, user)
        self.sender.start().send("raise", count=3)
        self._check_raise(peer.wait_traps(3)[2], 3)

    def test_v3_inform(self):
        user = User("fmd", "sha512", "aes256")
        peer = self.peer(Pysnmp(user))
        self.sender.add_v3("noc", peer.address, user, inform=True)
        self.sender.start().send("raise", count=3)
        self._check_raise(peer.wait_traps(3)[2], 3)
        self.sender.wait_acked("noc")


@unittest.skipUnless(find_snmptrapd() and pysnmp_python() and shutil.which("kcat"),
                     "needs snmptrapd, pysnmp and kcat")
class ThroughTheDaemon(unittest.TestCase):
    """From a request on Kafka to three receivers at once: v3 informs and v2c informs at snmptrapd,
    v3 traps at pysnmp."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fmd-snmp-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.v3 = Snmptrapd(self.dir, "v3", [User("informs")], ENGINE).start()
        self.addCleanup(self.v3.stop)
        self.v2c = Snmptrapd(self.dir, "v2c").start()
        self.addCleanup(self.v2c.stop)
        self.pysnmp = Pysnmp(User("traps"), ENGINE)
        self.addCleanup(self.pysnmp.stop)
        self.broker = Fmd.demo(BUILD_DIR, os.path.join(self.dir, "broker")).start()
        self.addCleanup(self._end, self.broker)
        self.fmd = Fmd(BUILD_DIR, os.path.join(self.dir, "fmd"), self._config()).start()
        self.addCleanup(self._end, self.fmd)

    def _end(self, fmd):
        self.assertIn(fmd.stop(), (None, 0), fmd.log())

    def _secret(self, name, text):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(text + "\n")
        return path

    def _config(self):
        user = User("any")
        keys = (f"auth: sha256, priv: aes128, auth_file: {self._secret('auth', user.auth_pass)}, "
                f"priv_file: {self._secret('priv', user.priv_pass)}")
        community = self._secret("community", "alarms")
        return f"""kafka:
    brokers: {self.broker.broker}
    start: earliest
    inputs: [{{topic: fm.requests}}]
    outputs: {{alarms: a, transitions: t, quarantine: q}}
snmp:
    engine_id: {ENGINE}
    targets:
        - {{name: v3, address: '{self.v3.address}', version: 3, user: informs, {keys},
           inform: true, timeout: {FROZEN_S}s}}
        - {{name: v2c, address: '{self.v2c.address}', version: 2c, community_file: {community},
           inform: true, timeout: {FROZEN_S}s}}
        - {{name: pysnmp, address: '{self.pysnmp.address}', version: 3, user: traps, {keys}}}
"""

    def _request(self, op, numbers):
        self.broker.request(*({"op": op, "alarm_id": "200.004",
                               "entity_instance_id": f"host=compute-{n}"} for n in numbers))

    def _decided(self):
        """What every receiver must get: notification and UUID, in order."""
        arc = {"critical": 1, "major": 2, "minor": 3, "warning": 4}
        return [(9 if tr["kind"] == "clear" else arc[tr["alarm"]["severity"]],
                 tr["alarm"]["uuid"]) for tr in self.fmd.transitions()]

    @staticmethod
    def _at_snmptrapd(trapd):
        return [(int(t["varbinds"][1][1].rsplit(".", 1)[1]), t["varbinds"][2][1].split('"')[1])
                for t in trapd.traps()]

    def _at_pysnmp(self):
        return [(int(t["varbinds"][1][2].rsplit(".", 1)[1]),
                 bytes.fromhex(t["varbinds"][2][2]).decode()) for t in self.pysnmp.traps()]

    def _ask(self):
        """The longest of some verbs, in seconds."""
        worst = 0
        for verb in (["alarm-list"], ["sink-list"], ["alarm-summary"], ["version"]):
            begin = time.monotonic()
            self.assertEqual(self.fmd.fm(*verb).returncode, 0)
            worst = max(worst, time.monotonic() - begin)
        return worst

    def _check(self, name, got, want):
        """All of it, nothing else, nothing before what comes before it, repeated or not."""
        self.assertEqual(list(dict.fromkeys(got)), want, name)
        place = [want.index(item) for item in got]
        for before, after in zip(place, place[1:]):
            self.assertLessEqual(after, before + 1, f"{name}: a gap before it was filled")
        print(f"    {name}: {len(want)} notifications, {len(got) - len(want)} repeated", flush=True)

    def test_all_receivers_get_everything_in_order_over_a_frozen_target_and_a_kill(self):
        self.v2c.signal(signal.SIGSTOP)
        self._request("set", range(24))
        slow = self._ask()
        # Somewhere in the middle: the frozen one has none, the others have some or all.
        wait_for("the others begin", lambda: len(self.v3.traps()) >= 5)
        self.fmd.kill()
        self._request("set", range(24, 36))
        self._request("clear", range(12))
        self.fmd.start()
        wait_for("everything is decided", lambda: len(self._decided()) == 48)
        slow = max(slow, self._ask())
        want = self._decided()
        wait_for("v3 has all", lambda: set(self._at_snmptrapd(self.v3)) >= set(want))
        wait_for("pysnmp has all", lambda: set(self._at_pysnmp()) >= set(want))
        self.assertEqual(self._at_snmptrapd(self.v2c), [])
        self.assertGreater(self.fmd.sink("v2c")["lag"], 0)
        slow = max(slow, self._ask())
        self.v2c.signal(signal.SIGCONT)
        wait_for("v2c has all", lambda: set(self._at_snmptrapd(self.v2c)) >= set(want), 90)
        wait_for("v2c is done", lambda: self.fmd.sink("v2c")["lag"] == 0, 90)
        for name, got in (("v3", self._at_snmptrapd(self.v3)),
                          ("v2c", self._at_snmptrapd(self.v2c)), ("pysnmp", self._at_pysnmp())):
            self._check(name, got, want)
        print(f"    slowest verb: {slow * 1000:.0f} ms", flush=True)
        # Coarse on purpose: a main thread that waited for the frozen one would take a time-out.
        self.assertLess(slow, FROZEN_S / 2)


@unittest.skipUnless(find_snmpd() and find_snmptrapd() and shutil.which("kcat"),
                     "needs snmpd, snmptrapd and kcat")
class Tables(unittest.TestCase):
    """What a manager reads from snmpd is what fm shows."""

    TYPES = {"other": 0, "equipment": 4, "operational-violation": 7}
    SEVERITIES = {"warning": 1, "minor": 2, "major": 3, "critical": 4}
    CAUSES = {"unknown": 0, "application-subsystem-failure": 2, "unspecified-reason": 65}

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fmd-snmp-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.snmpd = Snmpd(self.dir).start()
        self.addCleanup(self.snmpd.stop)
        self.trapd = Snmptrapd(self.dir, "trapd").start()
        self.addCleanup(self.trapd.stop)
        self.broker = Fmd.demo(BUILD_DIR, os.path.join(self.dir, "broker")).start()
        self.addCleanup(self._end, self.broker)
        community = os.path.join(self.dir, "community")
        with open(os.open(community, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("alarms\n")
        self.fmd = Fmd(BUILD_DIR, os.path.join(self.dir, "fmd"), f"""kafka:
    brokers: {self.broker.broker}
    start: earliest
    inputs: [{{topic: fm.requests}}]
    outputs: {{alarms: a, transitions: t, quarantine: q}}
snmp:
    agentx: {self.snmpd.socket}
    history: 50
    region: RegionOne
    targets: [{{name: noc, address: '{self.trapd.address}', version: 2c, inform: true,
               community_file: {community}}}]
""").start()
        self.addCleanup(self._end, self.fmd)
        self._served(1)

    def _end(self, fmd):
        self.assertIn(fmd.stop(), (None, 0), fmd.log())

    def _served(self, times):
        wait_for("the tables are served",
                 lambda: self.fmd.log().count("tables are served through") >= times)

    def _request(self, op, entities, alarm_id="200.004", **more):
        self.broker.request(*({"op": op, "alarm_id": alarm_id, "entity_instance_id": e, **more}
                              for e in entities))

    @staticmethod
    def _hosts(*args):
        return [f"host=compute-{n}" for n in range(*args)]

    @staticmethod
    def _date(text):
        """DateAndTime of what RFC 3339 says."""
        date, clock = text.rstrip("Z").split("T")
        year, month, day = (int(n) for n in date.split("-"))
        hour, minute, second = clock.split(":")
        return bytes([year >> 8, year & 255, month, day, int(hour), int(minute),
                      int(second[:2]), int(second[3]), ord("+"), 0, 0])

    def _columns(self, al, date):
        return [al["uuid"].encode(), al["alarm_id"].encode(),
                b"region=RegionOne." + al["entity_instance_id"].encode(), self._date(date),
                self.SEVERITIES[al["severity"]], al["reason_text"].encode(),
                self.TYPES[al["alarm_type"]], self.CAUSES[al["probable_cause"]],
                (al["proposed_repair_action"] or "").encode(), int(al["service_affecting"]),
                int(al["suppression"])]

    def _alarms_of_fm(self):
        return {al["id"]: dict(zip(range(2, 13), self._columns(al, al["raised_at"])))
                for al in self.fmd.rows("alarm-list")}

    def _events_of_fm(self, limit):
        states = {"raise": 1, "change": 1, "unsuppress": 1, "unshelve": 1, "clear": 0, "log": 3}
        when = {"clear": "cleared_at", "change": "changed_at"}
        rows = {}
        for tr in self.fmd.rows("event-list", "--limit", str(limit)):
            al = tr["alarm"]
            date = tr["time"] if tr["kind"] == "log" else al[when.get(tr["kind"], "raised_at")]
            values = self._columns(al, date)
            values.insert(2, states[tr["kind"]])
            rows[tr["seq"]] = dict(zip(range(2, 14), values))
        return rows

    def _in_step(self, n, **more):
        wait_for(f"{n} alarms in the table, as fm shows them",
                 lambda: len(self.snmpd.table(1, **more)) == n
                 and self.snmpd.table(1, **more) == self._alarms_of_fm())

    def test_both_tables_say_what_fm_says(self):
        self._request("set", self._hosts(20))
        self._request("set", self._hosts(5, 8), "200.006", severity="minor",
                      reason_text="K\u00fcrzer " + "lang " * 300)
        self._request("set", self._hosts(3), severity="major", reason_text="changed")
        self._request("clear", self._hosts(10, 15))
        self._request("log", self._hosts(1), "200.022", reason_text="was here")
        wait_for("everything is decided", lambda: self.fmd.last_seq() >= 32)
        for tool in ("snmpbulkwalk", "snmpwalk"):
            self._in_step(18, tool=tool)
        wait_for("the table of events is what fm shows",
                 lambda: self.snmpd.table(4) == self._events_of_fm(50))
        self.assertEqual(sorted({e[4] for e in self.snmpd.table(4).values()}), [0, 1, 3])
        self._request("clear", self._hosts(20))
        self._request("clear", self._hosts(20), "200.006")
        self._in_step(0)

    def test_the_table_of_events_holds_the_newest_and_outlives_a_restart(self):
        self._request("set", self._hosts(60))
        wait_for("everything is decided", lambda: self.fmd.last_seq() == 60)
        wait_for("the newest 50", lambda: sorted(self.snmpd.table(4)) == list(range(11, 61)))
        alarms, events = self.snmpd.table(1), self.snmpd.table(4)
        self.fmd.kill()
        wait_for("snmpd has noticed", lambda: self.snmpd.walk("") == [])
        self.fmd.start()
        self._served(2)
        self._in_step(60)
        self.assertEqual(self.snmpd.table(1), alarms)
        self.assertEqual(self.snmpd.table(4), events)

    def test_nothing_can_be_written_and_views_are_kept(self):
        self._request("set", self._hosts(3))
        self._in_step(3)
        before = self.snmpd.walk("")
        name = f"{Snmpd.TABLES}.1.1.7.1"
        for oid in (name, f"{Snmpd.TABLES}.1.1.7.9", f"{Snmpd.TABLES}.4.1.8.1"):
            out = self.snmpd.set(oid, "s", "mine", "rw")
            self.assertEqual(out.returncode, 2, out.stdout)
            self.assertIn("notWritable", out.stderr)
        self.assertIn("noAccess", self.snmpd.set(name, "s", "mine", "noc").stderr)
        self.assertEqual(self.snmpd.walk(""), before)
        self.assertEqual(self.snmpd.walk("", community="system"), [])
        self.assertEqual(self.snmpd.walk("", community="tables"),
                         [row for row in before if row[0][0] == 1])

    def test_ten_thousand_alarms_are_walked_in_order_while_fm_answers(self):
        n = 10_000
        self._request("set", self._hosts(n))
        wait_for("everything is decided", lambda: self.fmd.last_seq() == n, 300)
        wait_for("the last row is there", lambda: self.snmpd.walk(f".1.1.6.{n}", "snmpget"))
        worst, done = [0.0], threading.Event()

        def ask():
            while not done.is_set():
                begin = time.monotonic()
                self.assertEqual(self.fmd.fm("version").returncode, 0)
                worst[0] = max(worst[0], time.monotonic() - begin)

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            begin = time.monotonic()
            bulk = self.snmpd.walk(".1", args=("-Cr50",))
            took = time.monotonic() - begin
            begin = time.monotonic()
            column = self.snmpd.walk(".1.1.2", "snmpwalk")
            took_one = time.monotonic() - begin
        finally:
            done.set()
            asker.join()
        places = [place for place, _ in bulk]
        self.assertEqual(places, [(1, 1, col, row) for col in range(2, 13)
                                  for row in range(1, n + 1)])
        self.assertEqual(column, bulk[:n])
        print(f"    {len(bulk)} values by GETBULK in {took:.1f} s, {n} by GETNEXT in "
              f"{took_one:.1f} s; slowest verb meanwhile {worst[0] * 1000:.0f} ms", flush=True)
        self.assertLess(worst[0], 2)

    def test_a_walk_while_alarms_come_and_go_misses_and_repeats_nothing_that_stays(self):
        self._request("set", self._hosts(300))
        wait_for("the table is full", lambda: len(self.snmpd.walk(".1.1.2")) == 300)
        stay = {row for row in range(1, 301) if row % 3}
        leave = [f"host=compute-{row - 1}" for row in range(1, 301) if row % 3 == 0]
        changes = threading.Thread(target=lambda: [
            self._request(op, entities) for _ in range(5)
            for op, entities in (("clear", leave), ("set", leave))])
        changes.start()
        walks = 0
        while changes.is_alive() or walks < 3:
            rows = [place[3] for place, _ in self.snmpd.walk(".1.1.2", "snmpwalk")]
            self.assertEqual(rows, sorted(set(rows)))
            self.assertLessEqual(stay, set(rows))
            walks += 1
        changes.join()
        wait_for("everything is decided", lambda: self.fmd.last_seq() == 1300)
        self._in_step(300)

    def test_a_stopped_or_killed_snmpd_costs_nobody_else_and_is_found_again(self):
        self._request("set", self._hosts(1))
        self._in_step(1)
        self.snmpd.signal(signal.SIGSTOP)
        slow = 0
        for n in range(2, 6):
            self._request("set", self._hosts(n - 1, n))
            self.trapd.wait_index(n)
            begin = time.monotonic()
            self.assertEqual(len(self.fmd.rows("alarm-list")), n)
            slow = max(slow, time.monotonic() - begin)
        # The ping is due after 15 s of silence, and then it waits 5 s for the answer.
        wait_for("fmd gives the session up",
                 lambda: "the master agent does not answer" in self.fmd.log(), 60)
        self._request("set", self._hosts(5, 6))
        self.trapd.wait_index(6)
        self.snmpd.signal(signal.SIGCONT)
        self._served(2)
        self._in_step(6)
        self.snmpd.stop()
        wait_for("fmd notices the end", lambda: "the master agent has ended" in self.fmd.log())
        self._request("set", self._hosts(6, 7))
        self.trapd.wait_index(7)
        self.snmpd.start()
        self._served(3)
        self._in_step(7)
        print(f"    slowest verb while snmpd was stopped: {slow * 1000:.0f} ms", flush=True)
        self.assertLess(slow, 2)

    def test_without_snmpd_everything_else_works(self):
        self.snmpd.stop()
        self.fmd.stop()
        os.unlink(self.snmpd.socket)
        self.fmd.start()
        wait_for("it is said", lambda: "No such file or directory" in self.fmd.log())
        self._request("set", self._hosts(1))
        self.trapd.wait_index(1)


def main():
    global BUILD_DIR
    if len(sys.argv) < 2:
        sys.exit("usage: test_snmp.py BUILD_DIR [unittest arguments]")
    BUILD_DIR = sys.argv.pop(1)
    if not os.path.exists(sender_program(BUILD_DIR)):
        print("test_snmp: skipped, the build has no tests/system/snmp_send")
        return
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
