#!/usr/bin/env python3
"""The daemon as its users meet it: what it says when something is wrong, and one alarm from a
record to a trap, to Kafka and to fm.

    python3 tests/system/test_daemon.py BUILD_DIR [unittest arguments]
"""
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from own import own  # noqa: E402
from snmp_peers import Snmptrapd, find_snmptrapd  # noqa: E402
from story import Story  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = None


def keeps_freed_memory():
    """The address sanitizer does, to find who still uses it: how much there is says nothing then."""
    return b"__asan_init" in (BUILD / "fmd" / "fmd").read_bytes()


def wait(condition, what, seconds=30):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fmd-daemon-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.running = []

    def config(self, text="", catalogue=None, name="fmd.yaml"):
        catalogue = catalogue or own(ROOT / "events.yaml", self.dir)
        path = self.dir / name
        path.write_text(f"state_dir: {self.dir}/state\ncatalogue: {catalogue}\n"
                        f"control: {{socket: {self.dir}/fmd.sock}}\n{text}")
        return path

    def run_fmd(self, *args, **more):
        return subprocess.run([BUILD / "fmd/fmd", *args], capture_output=True, text=True,
                              timeout=30, **more)

    def start(self, *args):
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen([BUILD / "fmd/fmd", *args], stderr=log)
        self.addCleanup(self.end, fmd)
        wait(lambda: fmd.poll() is not None or self.fm("version").returncode == 0, "fmd to answer")
        self.assertIsNone(fmd.poll(), self.log())
        return fmd

    def end(self, fmd):
        if fmd.poll() is None:
            fmd.send_signal(signal.SIGTERM)
            self.assertEqual(fmd.wait(20), 0, self.log())

    def log(self):
        return (self.dir / "log").read_text()

    def fm(self, *args):
        return subprocess.run([BUILD / "fm/fm", "--socket", self.socket, *args],
                              capture_output=True, text=True, timeout=30)

    def rows(self, *args):
        out = self.fm("--json", *args)
        self.assertEqual(out.returncode, 0, out.stderr)
        return json.loads(out.stdout)

    @property
    def socket(self):
        return str(self.dir / "fmd.sock")


# of an SNMP target
HAS = "name: n, address: '127.0.0.1:9'"
V3 = "version: 3, user: u, auth_file: /y, priv_file: /z"


class BadInput(Base):
    CASES = (
        ("kafak: {}\n", ":4:1: unknown key kafak"),
        ("limits:\n    record: lots\n", ":5:13: limits.record: not a number"),
        ("kafka: {inputs: [{topic: x, fromat: auto}]}\n", ":4:29: kafka.inputs: unknown key"),
        ("kafka: {lost_position: maybe}\n", ":4:24: kafka.lost_position: not one of resume"),
        ("log: {level: loud}\n", ":4:14: log.level: not one of"),
        ("retention: {age: ever}\n", ":4:18: retention.age"),
        ("log: [\n", "fmd.yaml:"),
        ("log: {level: info, level: info}\n", "given twice"),
        ("kafka: {librdkafka: {enable.auto.commit: true}}\n", ":4:22: librdkafka: enable.auto.commit"),
        ("kafka:\n    librdkafka:\n        plugin.library.paths: /tmp/x.so\n",
         ":6:9: librdkafka: plugin.library.paths cannot be set: it would load code"),
        ("kafka: {librdkafka: {ssl.engine.location: /tmp/x.so}}\n", ":4:22: librdkafka: ssl.engine"),
        ("kafka: {librdkafka: {enable.ssl.certificate.verification: false}}\n",
         ":4:22: librdkafka: enable.ssl.certificate.verification cannot be false: anybody would"),
        ("kafka: {librdkafka: {debug: 'broker,Security'}}\n", ":4:22: librdkafka: debug cannot be"),
        ("kafka: {librdkafka: {sasl.password: hunter2}}\n", ":4:22: librdkafka: sasl.password is a "
         "secret: give sasl.password.file"),
        ("kafka: {librdkafka: {sasl.password.file: /nowhere}}\n", ":4:22: librdkafka: "
         "sasl.password.file: /nowhere: No such file"),
        ("kafka: {librdkafka: {fetch.wiat.max.ms: 5}}\n", ":4:22: librdkafka: fetch.wiat.max.ms"),
        ("kafka: {librdkafka: {security.protocol: sasl_ssl}}\n", "needs sasl.mechanisms"),
        ("kafka: {librdkafka: {security.protocol: ssl, ssl.ca.location: /nowhere}}\n",
         "ssl.ca.location"),
        ("snmp: {targets: [{name: n, address: '127.0.0.1:9', version: 3}]}\n", "needs a user"),
        ("[" * 200 + "\n", "deeper"),
        ("kafka: {librdkafka: {no.such.key: 1}}\n", "no.such.key"),
        ("kafka: {librdkafka: {session.timeout.ms: soon}}\n", "session.timeout.ms"),
        ("kafka: {brokers: ''}\n", ":4:18: kafka.brokers: not a text of 1 to"),
        ("kafka: {inputs: []}\n", ":1:1: kafka.inputs: at least one topic"),
        ("kafka: {inputs: [{topic: ''}]}\n", ":4:18: kafka.inputs: \"\" cannot be the name"),
        ("kafka: {inputs: [{topic: a b}]}\n", ":4:18: kafka.inputs: \"a b\" cannot be"),
        ("kafka: {inputs: [{topic: a}, {topic: a}]}\n", ":4:30: kafka.inputs: a is given twice"),
        ("kafka: {outputs: {alarms: ../x}}\n", ":4:18: kafka.outputs: \"../x\" cannot be"),
        ("kafka: {outputs: {alarms: x, transitions: x}}\n", ":4:18: kafka.outputs: x is given"),
        # what fmd writes it would read, and write about that again
        ("kafka: {inputs: [{topic: a}], outputs: {quarantine: a}}\n",
         ":4:40: kafka.outputs: a is read, too"),
        ("kafka: {inputs: [{topic: fm.transitions}]}\n", "fm.transitions is read, too"),
        # what nothing can come of
        ("kafka: {brokers: ' , '}\n", ":4:18: kafka.brokers: names no broker"),
        ("kafka: {brokers: 'a:9092,b:99999'}\n", ":4:18: kafka.brokers: b:99999: a port is a number "
         "from 1 to 65535"),
        ("kafka: {brokers: 'SSL://[::1]:0'}\n", ":4:18: kafka.brokers: SSL://[::1]:0: a port is"),
        ("kafka: {brokers: 'a:kafka'}\n", ":4:18: kafka.brokers: a:kafka: a port is"),
        ("log: {journal: ''}\n", ":4:16: log.journal: not a text of 1 to"),
        ("log: {capture: ''}\n", ":4:16: log.capture: not a text of 1 to"),
        ("log: {journal: /tmp}\n", ":4:16: log.journal: /tmp is a directory: name a file in it"),
        ("log: {journal: /nowhere/j}\n", ":4:16: log.journal: there is no directory /nowhere: make "
         "it, or name another"),
        ("log: {level: info, capture: /nowhere/j}\n", ":4:29: log.capture: there is no directory"),
        ("log: {journal: /tmp/x, capture: /tmp/x}\n", ":4:33: log.capture: the same file as "
         "log.journal: name another"),
        ("log: {journal: /tmp/x, capture: /tmp/../tmp/./x}\n", ":4:33: log.capture: the same file"),
        # once a key, in every mapping
        ("snmp: {targets: [{name: a, name: b, address: '127.0.0.1:9', community_file: /x}]}\n",
         ":4:28: name is given twice"),
        ("kafka: {inputs: [{topic: a, topic: b}]}\n", ":4:29: topic is given twice"),
        ("kafka: {librdkafka: {client.rack: x, client.rack: y}}\n",
         ":4:38: client.rack is given twice"),
        # a value would end there
        ('log: {journal: "/tmp/a\\0b"}\n', ":4:16: a NUL is no part of any value"),
        ('kafka: {librdkafka: {client.rack: "a\\0b"}}\n', ":4:35: a NUL is no part of any value"),
        ('"log\\0": {level: info}\n', ":4:1: a NUL is no part of any value"),
        ("log: {level: info}\n---\nlog: {level: debug}\n", ":6:1: more than one YAML document"),
    )

    def test_a_wrong_configuration_is_refused_with_its_place(self):
        for text, words in self.CASES:
            for args in ([], ["-n"]):
                with self.subTest(words, args=args):
                    out = self.run_fmd("-c", self.config(text), *args)
                    self.assertEqual(out.returncode, 1, out.stderr)
                    self.assertIn(words, out.stderr)
                    self.assertNotIn("hunter2", out.stderr)
                    self.assertNotIn("u{a}", out.stderr)

    def test_a_socket_whose_owner_does_not_answer_is_left_alone(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.socket)
            listener.listen(0)
            waiting = []
            try:
                while len(waiting) < 16:
                    waiting.append(socket.socket(socket.AF_UNIX))
                    waiting[-1].setblocking(False)
                    waiting[-1].connect(self.socket)
            except BlockingIOError:
                pass
            out = self.run_fmd("-c", self.config())
            for client in waiting:
                client.close()
        self.assertEqual(out.returncode, 73, out.stderr)
        self.assertIn("fmd.sock: somebody listens on this socket, and does not answer", out.stderr)
        self.assertTrue(pathlib.Path(self.socket).is_socket())

    def test_a_socket_that_no_client_could_name_is_refused(self):
        conf = self.config("")
        conf.write_text(conf.read_text().replace(self.socket, "/tmp/" + "x" * 103))
        out = self.run_fmd("-c", conf, "-n")
        self.assertEqual(out.returncode, 1, out.stderr)
        self.assertIn("control.socket: not a text of 1 to 107 bytes", out.stderr)

    SNMP = (
        ("{targets: [{name: n, address: '127.0.0.1:9', community_file: /x, profile: fm}]}",
         "target n: profile fm is not in this version, use wrs"),
        ("{targets: [{name: n, address: '127.0.0.1:9', version: 3}]}", "needs a user"),
        ("{targets: [{name: n, address: noc.example, community_file: /x}]}", "must be numeric"),
        ("{agentx: 'tcp:127.0.0.1:705'}", "must be the path of snmpd's socket"),
        ("{history: 10001}", "snmp.history: not"),
        ("{targets: [{name: n, address: '127.0.0.1:9', community_file: /x}]}",
         "target n: /x: No such file"),
        ("{targets: [{name: n, address: '127.0.0.1:9', version: 3, user: u, auth_file: /y,"
         " priv_file: /z}]}", "target n: /y: No such file"),
    )

    PLACES = (      # the place is that of ^
        ("agentx: ^''", "snmp.agentx: AgentX address \"\": must be the path"),
        (f"targets: [^{{{HAS}}}]", "target n: v2c needs community_file"),
        (f"targets: [^{{{HAS}, version: 3}}]", "target n: v3 needs a user"),
        (f"targets: [^{{{HAS}, version: 3, user: u, priv: none}}]", "target n: needs auth_file"),
        (f"targets: [{{{HAS}, version: 3, user: u, auth: none, priv: ^aes128}}]",
         "target n: v3 has no privacy without"),
        (f"targets: [{{{HAS}, version: 3, user: ^''}}]", "target n: v3 needs a user"),
        ("targets: [{name: ^'', address: '127.0.0.1:9', community_file: /x}]",
         "a target without a name"),
        ("targets: [{name: n, address: ^noc.example, community_file: /x}]",
         "target n: address \"noc.example\": must be numeric"),
        (f"targets: [{{{HAS}, community_file: /x, profile: ^fm}}]", "target n: profile fm"),
        *((f"targets: [{{{HAS}, community_file: /x, timeout: ^{time}}}]",
           "timeout must be from 1ms to 5m") for time in ("-1s", "0", "0s", "6m", "soon")),
        (f"targets: [{{{HAS}, community_file: /x}}, {{{HAS.replace('n,', '^n,')}, "
         "community_file: /x}]", "target n: given twice"),
        *((f"targets: [{{{HAS}, community_file: /x, {key}: ^{value}}}]",
           f"{key} goes with version 3: leave it out, or write version: 3")
          for key, value in (("user", "u"), ("auth_file", "/nope"), ("priv_file", "/nope"),
                             ("auth", "sha256"), ("priv", "aes128"))),
        (f"targets: [{{{HAS}, {V3}, community_file: ^/x}}]",
         "community_file goes with version 2c: leave it out, or write version: 2c"),
    )

    def test_what_is_wrong_with_snmp_has_a_place(self):
        for text, words in self.PLACES:
            with self.subTest(text):
                line = f"snmp: {{{text}}}"
                out = self.run_fmd("-n", "-c", self.config(line.replace("^", "") + "\n"))
                self.assertEqual(out.returncode, 1, out.stderr)
                self.assertIn(f"fmd.yaml:4:{line.index('^') + 1}: snmp.", out.stderr)
                self.assertIn(words, out.stderr)

    def test_a_secret_that_cannot_be_read_has_the_place_of_its_target(self):
        out = self.run_fmd("-n", "-c", self.config(
            f"snmp:\n  targets:\n  - {{{HAS}, community_file: /x}}\n"))
        self.assertEqual(out.returncode, 1)
        self.assertIn(":6:5: snmp.targets: target n: /x: No such file", out.stderr)

    def test_what_the_library_refuses_as_a_whole_has_the_place_of_its_map(self):
        out = self.run_fmd("-n", "-c", self.config(
            "kafka:\n  librdkafka: {security.protocol: ssl, ssl.ca.location: /nowhere}\n"))
        self.assertEqual(out.returncode, 1)
        self.assertIn(":5:15: librdkafka: ", out.stderr)

    def grouped(self, text):
        config = self.config()
        config.write_text(config.read_text().replace("fmd.sock}", f"fmd.sock, {text}}}"))
        return self.run_fmd("-n", "-c", config)

    def test_a_group_that_does_not_exist_is_refused_by_the_check(self):
        for key in ("read_group", "write_group"):
            out = self.grouped(f"{key}: ''")
            self.assertEqual(out.returncode, 1)
            self.assertRegex(out.stderr, rf":3:\d+: control.{key}: not a text of 1 to")
            out = self.grouped(f"{key}: no-such-group")
            self.assertEqual(out.returncode, 1)
            self.assertRegex(out.stderr, rf":3:\d+: control.{key}: there is no group no-such-group: "
                             "make it, or name another")
        out = self.grouped("read_group: root, write_group: root")
        self.assertEqual(out.returncode, 0, out.stderr)

    def test_what_has_worked_goes_on_to_work(self):
        state = self.dir / "state"
        for text in ("kafka: {brokers: 'a:9092, b , c:9092,'}\n", "kafka: {brokers: '::1,[::1]:9'}\n",
                     "kafka: {brokers: 'PLAINTEXT://a:9092'}\n",
                     # directories that fmd and the service manager make
                     "log: {journal: /var/log/fmd/transitions.jsonl}\n",
                     f"log: {{journal: {state}/journal, capture: {state}/capture}}\n",
                     f"log: {{journal: {self.dir}/x, capture: {self.dir}/y}}\n"):
            out = self.run_fmd("-n", "-c", self.config(text))
            self.assertEqual(out.returncode, 0, out.stderr)

    def test_what_snmp_would_refuse_is_found_by_the_check_too(self):
        for text, words in self.SNMP:
            for args in ([], ["-n"]):
                with self.subTest(words, args=args):
                    out = self.run_fmd(*args, "-c", self.config(f"snmp: {text}\n"))
                    self.assertEqual(out.returncode, 1, out.stderr)
                    self.assertIn(words, out.stderr)

    def refused(self, words, *args):
        for more in ([], ["-n"]):
            out = self.run_fmd(*more, *args)
            self.assertEqual(out.returncode, 1, out.stderr)
            self.assertIn(words, out.stderr)

    def test_a_file_that_others_can_write_is_not_obeyed(self):
        catalogue = self.dir / "events.yaml"
        shutil.copyfile(ROOT / "events.yaml", catalogue)
        config = self.config("kafka: {brokers: '127.0.0.1:1'}\n", catalogue=catalogue)
        for file in (config, catalogue):
            with self.subTest(file.name):
                file.chmod(0o664)
                self.refused(f"{file}: mode 0664 lets others", "-c", config)
                file.chmod(0o644)
        link = self.dir / "link.yaml"
        link.symlink_to(config)
        self.refused(f"{link}: a symbolic link", "-c", link)
        self.assertEqual(self.run_fmd("-n", "-c", config).returncode, 0)
        # Whoever only checks a file may have any.
        catalogue.chmod(0o666)
        self.assertEqual(self.fm("catalog-check", str(catalogue)).returncode, 0)

    def test_wrong_arguments_are_usage_errors(self):
        for args in (["-x"], ["extra"], ["--config"]):
            self.assertEqual(self.run_fmd(*args).returncode, 2)

    def test_a_wrong_catalogue_is_refused_with_its_place(self):
        bad = self.dir / "events.yaml"
        bad.write_text((ROOT / "events.yaml").read_text().replace("While: instance.paused",
                                                                   "While: instance.pausd"))
        for args in ([], ["-n"]):
            out = self.run_fmd(*args, "-c", self.config(catalogue=bad))
            self.assertEqual(out.returncode, 1)
            self.assertIn('did you mean "instance.paused"', out.stderr)
            self.assertRegex(out.stderr, r"events\.yaml:\d+:\d+: ")
        self.assertRegex(out.stderr, r"\nfmd: .*events\.yaml: 1 error, 0 warnings, \d+ notes; "
                                     r"0 of 0 examples hold\n$")

    def test_the_check_ends_with_what_it_found(self):
        out = self.run_fmd("-n", "-c", self.config())
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertRegex(out.stderr, r"\nfmd: .*events\.yaml: 0 errors, 0 warnings, (\d+) notes; "
                                     r"(\d+) of \2 examples hold\n$")
        notes = re.search(r"(\d+) notes", out.stderr).group(1)
        self.assertEqual(len(re.findall(r": note F\d+: ", out.stderr)), int(notes))

    def test_the_effective_configuration_loads_back(self):
        first = self.run_fmd("-nv", "-c", self.config("limits: {cycle_ms: 7}\n"))
        self.assertEqual(first.returncode, 0, first.stderr)
        conf, _, catalogue = first.stdout.partition("---\n")
        (self.dir / "again.yaml").write_text(conf)
        second = self.run_fmd("-nv", "-c", self.dir / "again.yaml")
        self.assertEqual(second.stdout, first.stdout)
        self.assertIn("cycle_ms: 7", conf)
        self.assertIn("700.008", catalogue)

    def test_a_directory_without_permission_is_named(self):
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            self.skipTest("needs root and setpriv")
        self.dir.chmod(0o755)
        config = self.config()
        out = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                              BUILD / "fmd/fmd", "-c", config], capture_output=True, text=True)
        if "Permission denied" in out.stderr and "fmd/fmd" in out.stderr.split(":")[0]:
            self.skipTest("the build directory cannot be reached by another user")
        self.assertNotEqual(out.returncode, 0)
        self.assertIn("state", out.stderr)


class Start(Base):
    def test_signals_during_it_are_heard_after_it(self):
        config = self.config("kafka: {brokers: '127.0.0.1:1'}\n")
        for number in (signal.SIGTERM, signal.SIGINT):
            shutil.rmtree(self.dir / "state", ignore_errors=True)
            with open(self.dir / "log", "ab") as log:
                fmd = subprocess.Popen([BUILD / "fmd/fmd", "-c", config], stderr=log)
            while not (self.dir / "state/lock").exists():       # it has only just begun
                self.assertIsNone(fmd.poll(), self.log())
            fmd.send_signal(signal.SIGHUP)
            fmd.send_signal(number)
            self.assertEqual(fmd.wait(30), 0, self.log())
            self.assertIn(f"{number.name}: ending", self.log())

    def test_ctrl_c_ends_a_capture(self):
        fmd = subprocess.Popen([BUILD / "fmd/fmd", "--capture", self.dir / "out", "--broker",
                                "127.0.0.1:1", "--topic", "t"], stderr=subprocess.DEVNULL)
        wait((self.dir / "out").exists, "the capture to begin")
        fmd.send_signal(signal.SIGINT)
        self.assertEqual(fmd.wait(30), -signal.SIGINT)


class Demo(Base):
    def test_its_own_directory_goes_with_it(self):
        with open(self.dir / "log", "wb") as log:
            fmd = subprocess.Popen([BUILD / "fmd/fmd", "--demo", "--catalogue",
                                    own(ROOT / "events.yaml", self.dir)], stderr=log)
        self.addCleanup(self.end, fmd)
        place = pathlib.Path(wait(lambda: re.search(r"state in (/tmp/fmd-demo-\w+)", self.log()),
                                  "the demo")[1])
        wait((place / "broker").exists, "its broker")
        self.end(fmd)
        self.assertFalse(place.exists())
        place = pathlib.Path(re.search(r"state_dir: (\S+)", self.run_fmd("--demo", "-n", "-v").stdout)[1])
        self.assertFalse(place.exists())

    def test_a_broker_that_has_gone_is_not_written_down(self):
        broker = self.dir / "broker"
        broker.write_text("127.0.0.1:1\n")
        fmd = self.start("--demo", "--state-dir", self.dir, "-c", self.config())
        self.assertNotEqual(broker.read_text(), "127.0.0.1:1\n")
        self.end(fmd)
        self.assertFalse(broker.exists())


class OneState(Base):
    def test_a_second_fmd_on_the_same_state_is_refused(self):
        config = self.config("kafka: {brokers: '127.0.0.1:1'}\n")
        self.start("-c", config)
        out = self.run_fmd("-c", config)
        self.assertEqual(out.returncode, 73)
        self.assertIn("in use by another fmd", out.stderr)

    def test_a_database_of_a_newer_version_is_refused(self):
        config = self.config("kafka: {brokers: '127.0.0.1:1'}\n")
        self.end(self.start("-c", config))
        db = sqlite3.connect(self.dir / "state/fmd.db")
        db.execute("PRAGMA user_version=99")
        db.commit()
        db.close()
        out = self.run_fmd("-c", config)
        self.assertEqual(out.returncode, 1)
        self.assertIn("99", out.stderr)

    def test_reload_keeps_the_old_catalogue_when_the_new_one_is_wrong(self):
        file = self.dir / "events.yaml"
        good = (ROOT / "events.yaml").read_text()
        file.write_text(good)
        fmd = self.start("-c", self.config("kafka: {brokers: '127.0.0.1:1'}\n", file))
        file.write_text(good.replace("While: instance.paused", "While: instance.pausd"))
        fmd.send_signal(signal.SIGHUP)
        wait(lambda: "kept the old one" in self.log(), "the refusal")
        self.assertEqual([a["alarm_id"] for a in self.rows("alarm-list")
                          if a["alarm_id"] == "990.005"], ["990.005"])
        file.write_text(good + "\n")
        fmd.send_signal(signal.SIGHUP)
        wait(lambda: not [a for a in self.rows("alarm-list") if a["alarm_id"] == "990.005"],
             "the clear")
        wait(lambda: "before); nothing differs" in self.log(), "the line in the log")

    def test_a_reload_says_what_differs(self):
        file = self.dir / "events.yaml"
        good = (ROOT / "events.yaml").read_text()
        file.write_text(good)
        fmd = self.start("-c", self.config("kafka: {brokers: '127.0.0.1:1'}\n", file))
        file.write_text(good.replace("While: instance.paused", "While: instance.suspended", 1) +
                        '"999.001": {Type: Alarm}\n')
        fmd.send_signal(signal.SIGHUP)
        wait(lambda: "before); new: 999.001; changed: 700.00" in self.log(), "the difference")
        self.assertIn(" (rules)", self.log())


@unittest.skipUnless(shutil.which("kcat") and find_snmptrapd(), "needs kcat and snmptrapd")
class EndToEnd(Base):
    HOST = '{"op":"%s","alarm_id":"200.004","entity_instance_id":"host=compute-1"%s}'

    def setUp(self):
        super().setUp()
        secret = self.dir / "community"
        secret.write_text("alarms\n")
        secret.chmod(0o600)
        self.live, self.frozen = (Snmptrapd(str(self.dir), n) for n in ("live", "frozen"))
        for peer in (self.live, self.frozen):
            self.addCleanup(peer.stop)
            peer.start()
        targets = ", ".join(
            f"{{name: {n}, address: '{p.address}', version: 2c, community_file: {secret},"
            f" inform: true, timeout: 1s}}" for n, p in (("live", self.live),
                                                         ("frozen", self.frozen)))
        self.fmd = self.start("--demo", "--state-dir", self.dir, "-c",
                              self.config(f"snmp: {{targets: [{targets}]}}\n"))
        self.broker = (self.dir / "broker").read_text().strip()

    def produce(self, topic, text):
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", topic], input=text + "\n",
                       text=True, check=True, timeout=30)

    def produced(self, topic):
        out = subprocess.run(["kcat", "-C", "-b", self.broker, "-t", topic, "-e", "-q"],
                             capture_output=True, text=True, timeout=30)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def test_one_alarm_reaches_everyone_once_and_goes(self):
        self.produce("fm.requests", self.HOST % ("set", ""))
        alarm = wait(lambda: self.rows("alarm-list"), "the alarm")[0]
        self.assertEqual((alarm["alarm_id"], alarm["severity"]), ("200.004", "critical"))
        self.produce("fm.requests", self.HOST % ("set", ""))        # the same again: no news
        wait(lambda: self.rows("alarm-list")[0]["count"] == 2, "the second set to be counted")
        out = self.fm("alarm-clear", "200.004", "host=compute-1")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(self.rows("alarm-list"), [])
        self.assertEqual(self.fm("alarm-clear", "200.004", "host=compute-1").returncode, 3)
        traps = wait(lambda: [t for t in self.live.traps()] if len(self.live.traps()) >= 2
                     else None, "raise and clear at snmptrapd")
        self.assertEqual(len(traps), 2)
        kinds = wait(lambda: [t["kind"] for t in self.produced("fm.transitions")]
                     if len(self.produced("fm.transitions")) >= 2 else None, "the topic")
        self.assertEqual(kinds, ["raise", "clear"])
        raised, cleared = self.produced("fm.transitions")
        self.assertEqual(raised["alarm"]["uuid"], cleared["alarm"]["uuid"])
        why = self.rows("explain", "200.004", "host=compute-1")
        self.assertEqual([w["cause"]["kind"] for w in why], ["record", "command"])
        self.assertEqual(why[0]["cause"]["topic"], "fm.requests")
        self.assertEqual([w["truncated"] for w in why], [False, False])
        self.assertEqual([w["truncated"] for w in why], [False, False])
        self.assertEqual([w["seq"] for w in self.rows("explain", raised["alarm"]["uuid"])],
                         [w["seq"] for w in why])

    def test_bad_records_are_put_aside_and_reading_goes_on(self):
        self.produce("fm.requests", "}{")
        self.produce("fm.requests", self.HOST % ("set", ',"severity":"awful"'))
        self.produce("fm.requests", self.HOST % ("set", ""))
        wait(lambda: [a for a in self.rows("alarm-list") if a["alarm_id"] == "200.004"], "alarm")
        bad = self.rows("quarantine-list")
        self.assertEqual(sorted((q["topic"], q["offset"]) for q in bad),
                         [("fm.requests", 0), ("fm.requests", 1)])
        ledger = [r for r in self.rows("ledger") if r["topic"] == "fm.requests"][0]
        self.assertEqual((ledger["read"], ledger["quarantined"], ledger["applied"]), (3, 2, 1))

    def test_a_frozen_target_holds_up_nobody(self):
        self.frozen.signal(signal.SIGSTOP)
        for i in range(20):
            self.produce("fm.requests", self.HOST % ("set", f',"reason_text":"change {i}"'))
        wait(lambda: len(self.live.traps()) >= 20, "20 traps at the live target")
        sinks = {s["name"]: s for s in self.rows("sink-list")}
        self.assertEqual(sinks["snmp:live"]["lag"], 0)
        self.assertGreater(sinks["snmp:frozen"]["lag"], 0)
        last = self.rows("explain", "200.004", "host=compute-1")[-1]
        self.assertEqual({s["name"]: s["delivery"] for s in last["sinks"] if "snmp" in s["name"]},
                         {"snmp:live": "done", "snmp:frozen": "pending"})
        self.frozen.signal(signal.SIGCONT)
        wait(lambda: {s["name"]: s for s in self.rows("sink-list")}["snmp:frozen"]["lag"] == 0,
             "the thawed target to be served", 90)


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Lost(Base):
    """Input that vanished: a second fmd --demo is the broker, so that it can be younger than what
    the fmd under test has stored."""

    SET = '{"op":"set","alarm_id":"200.004","entity_instance_id":"host=%s"}'
    ENTITY = "service=fmd.topic=fm.requests.partition=0"

    def broker(self, name):
        """Returns the process and the address."""
        home = self.dir / name
        home.mkdir()
        with open(home / "log", "ab") as log:
            fmd = subprocess.Popen([BUILD / "fmd/fmd", "--demo", "--state-dir", home], stderr=log)
        self.addCleanup(self.kill, fmd)
        file = home / "broker"
        return fmd, wait(lambda: file.exists() and file.read_text().strip(), "a broker")

    def kill(self, fmd):
        fmd.kill()
        fmd.wait()

    def produce(self, address, *texts):
        subprocess.run(["kcat", "-P", "-b", address, "-t", "fm.requests"], input="\n".join(texts),
                       text=True, check=True, timeout=30)

    def of_request(self, address, policy):
        return self.config(f"kafka: {{brokers: '{address}', start: earliest, inputs: "
                           f"[{{topic: fm.requests}}], lost_position: {policy}}}\n")

    def hosts(self):
        return sorted(a["entity_instance_id"] for a in self.rows("alarm-list")
                      if a["alarm_id"] == "200.004")

    def lost(self):
        return [a for a in self.rows("alarm-list") if a["alarm_id"] == "990.008"]

    def ledger(self):
        return [r for r in self.rows("ledger") if r["topic"] == "fm.requests"][0]

    def in_stats(self):
        return [r["unit"] for r in self.rows("stats") if r["name"] == "fm.requests/0"][0]

    def read_three_then_a_younger_broker(self, policy):
        old, address = self.broker("old")
        self.produce(address, *(self.SET % f"old-{i}" for i in range(3)))
        fmd = self.start("-c", self.of_request(address, policy))
        wait(lambda: len(self.hosts()) == 3, "three alarms")
        wait(lambda: self.in_stats() == "next offset, reading", "the state")
        self.end(fmd)
        self.kill(old)
        _, address = self.broker("young")
        self.produce(address, self.SET % "young-0")
        return self.of_request(address, policy), address

    def test_reading_goes_on_with_what_there_is_and_says_what_is_gone(self):
        config, address = self.read_three_then_a_younger_broker("resume")
        fmd = self.start("-c", config)
        wait(lambda: "host=young-0" in self.hosts(), "the new topic to be read")
        self.assertEqual(len(self.hosts()), 4)
        alarm, = self.lost()
        self.assertEqual(alarm["entity_instance_id"], self.ENTITY)
        self.assertIn("made anew or cut short, what followed offset 2 is lost; reading goes on at "
                      "offset 0", alarm["reason_text"])
        row = self.ledger()
        self.assertEqual((row["read"], row["applied"]), (4, 4))
        # Once settled it is settled: no loss is found again, and the alarm stays.
        self.kill(fmd)
        fmd = self.start("-c", config)
        self.produce(address, self.SET % "young-1")
        wait(lambda: len(self.hosts()) == 5, "the next record")
        after, = self.lost()
        self.assertEqual((after["uuid"], after["count"], after["reason_text"]),
                         (alarm["uuid"], 1, alarm["reason_text"]))
        self.assertEqual(self.ledger()["read"], 5)
        self.assertEqual(self.fm("alarm-delete", "--yes", alarm["uuid"]).returncode, 0)
        self.assertEqual(self.lost(), [])

    def test_what_was_read_before_is_not_applied_again(self):
        old, address = self.broker("old")
        stamps = [time.time_ns() // 1_000_000 - 5000 + i for i in range(5)]
        fill = next(path for path in BUILD.rglob("kafka_feed") if path.is_file())

        def feed(address, records):
            subprocess.run([fill, address], input="".join(
                f"fm.requests\t{ms}\t{self.SET % host}\n" for ms, host in records), text=True,
                check=True, timeout=30)
        feed(address, [(stamps[i], f"h-{i}") for i in range(4)])
        fmd = self.start("-c", self.of_request(address, "resume"))
        wait(lambda: len(self.hosts()) == 4, "four alarms")
        self.end(fmd)
        self.kill(old)
        # The same log without its last records, as an unclean election leaves it, and a new one.
        _, address = self.broker("young")
        feed(address, [(stamps[0], "h-0"), (stamps[1], "h-1"), (stamps[4], "h-4")])
        self.start("-c", self.of_request(address, "resume"))
        wait(lambda: len(self.hosts()) == 5, "the new record")
        row = self.ledger()
        self.assertEqual((row["read"], row["applied"], row["duplicate"]), (7, 5, 2))
        self.assertEqual({a["count"] for a in self.rows("alarm-list")}, {1})
        self.assertIn("was read before", self.lost()[0]["reason_text"])

    def test_with_stop_an_operator_says_where_to_go_on(self):
        config, address = self.read_three_then_a_younger_broker("stop")
        fmd = self.start("-c", config)
        alarm, = wait(self.lost, "the alarm")
        self.assertIn("reading has stopped", alarm["reason_text"])
        wait(lambda: self.ledger()["state"] == "lost", "the state")
        self.assertEqual(self.in_stats(), "next offset, lost")
        since = self.ledger()["since"]
        # A kill between loss and command: the same loss, no news.
        self.kill(fmd)
        fmd = self.start("-c", config)
        wait(lambda: self.ledger()["state"] == "lost", "the state again")
        again, = self.lost()
        self.assertEqual((again["uuid"], again["count"]), (alarm["uuid"], 1))
        self.assertEqual(self.ledger()["since"], since)
        self.assertEqual(len(self.hosts()), 3)

        self.assertEqual(self.fm("input-resume", "fm.requests", "7").returncode, 3)
        self.assertEqual(self.fm("input-resume", "nothing", "0").returncode, 3)
        out = self.fm("input-resume", "fm.requests", "0")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.kill(fmd)                          # the answer is durable
        fmd = self.start("-c", config)
        wait(lambda: len(self.hosts()) == 4, "the new topic to be read")
        self.assertIn("reading goes on at offset 0", self.lost()[0]["reason_text"])
        self.assertEqual(self.ledger()["read"], 4)
        # All may have been read before the kill: that says nothing of the source of this process.
        wait(lambda: self.ledger()["state"] == "reading", "the partition to be read")
        out = self.fm("input-resume", "fm.requests", "0")
        self.assertEqual(out.returncode, 1)
        self.assertIn("has not lost", out.stderr)
        self.end(fmd)
        db = sqlite3.connect(self.dir / "state/fmd.db")
        rows = db.execute("SELECT verb, args, result FROM audit ORDER BY id").fetchall()
        db.close()
        self.assertEqual([r[2] for r in rows if r[0] == "input-resume"],
                         ["no such input partition"] * 2 +
                         ["done", "this partition has not lost its position"])
        self.assertEqual([json.loads(r[1]) for r in rows if r[2] == "done"],
                         [{"topic": "fm.requests", "partition": 0}])

    def test_latest_skips_what_is_there(self):
        config, address = self.read_three_then_a_younger_broker("stop")
        self.start("-c", config)
        wait(self.lost, "the alarm")
        out = self.fm("input-resume", "fm.requests", "0", "latest")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertIn("offsets 0 to 0 were skipped by command; reading goes on at offset 1",
                      self.lost()[0]["reason_text"])
        self.produce(address, self.SET % "young-1")
        wait(lambda: "host=young-1" in self.hosts(), "the next record")
        self.assertNotIn("host=young-0", self.hosts())

    def test_time_that_was_missed_raises_nothing(self):
        old, address = self.broker("old")
        began = time.time()
        story = Story(1, int(began * 1000))
        story.nova("instance.pause.end", story.guests[0], "compute-0", state="paused")
        self.produce(address, story.records[0][2])
        fmd = self.start("-c", self.of_request(address, "resume"))
        wait(lambda: [r for r in self.rows("ledger") if r["applied"]], "the pause")
        self.kill(fmd)
        self.kill(old)
        _, address = self.broker("young")
        self.produce(address, self.SET % "young-0")
        gone = time.time()
        wait(lambda: time.time() - gone > 5, "some seconds of an outage")
        # Paused for ten seconds is an alarm; whether it was, nobody heard.
        missed = time.time() - gone
        self.start("-c", self.of_request(address, "resume"))
        paused, = wait(lambda: [a for a in self.rows("alarm-list") if a["alarm_id"] == "700.002"],
                       "the alarm, later")
        heard, = self.rows("alarm-history", paused["uuid"])
        held = datetime.datetime.fromisoformat(heard["time"]).timestamp() - began
        self.assertGreater(held, 10 + missed)

    def test_the_demo_starts_again_on_a_kept_state(self):
        demo = ("--demo", "--state-dir", self.dir, "-c", self.config())
        for round_no in range(3):
            fmd = self.start(*demo)
            address = (self.dir / "broker").read_text().strip()
            self.produce(address, self.SET % f"host-{round_no}")
            wait(lambda: len(self.hosts()) == round_no + 1, "the alarms of all rounds")
            self.assertEqual(self.ledger()["applied"], round_no + 1)
            (self.end if round_no == 0 else self.kill)(fmd)
        self.start(*demo)
        self.assertEqual(self.hosts(), [f"host=host-{i}" for i in range(3)])
        wait(lambda: self.ledger()["state"] == "reading", "the state")
        self.assertEqual(self.lost(), [])


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
