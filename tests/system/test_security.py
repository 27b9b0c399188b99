#!/usr/bin/env python3
"""What fmd keeps to itself, whom it trusts, and what it does when it must not trust: TLS and SASL with
a real Apache Kafka, secrets, the environment, the sandbox.

    python3 tests/system/test_security.py BUILD_DIR [unittest arguments]
"""
import json
import os
import pathlib
import re
import shutil
import socket
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sandbox  # noqa: E402
import test_daemon  # noqa: E402
from kafka_server import KafkaServer, KafkaUnavailable  # noqa: E402
from test_daemon import ROOT, wait  # noqa: E402

WAIT = 60
KEY_PASS, LOGIN_PASS = "key-pass-OHThah7e", "login-pass-Aeng8ohb"
NEW_PASS = "login-pass-ieGh4xai"


class Authority:
    """A CA and what it has signed, made by openssl; files of one directory."""

    def __init__(self, directory, name="ca"):
        self.dir, self.name = pathlib.Path(directory), name
        self.file = self.dir / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout",
                      self.dir / f"{name}.key", "-out", self.file)

    def _openssl(self, *args):
        run = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True,
                             timeout=60)
        if run.returncode != 0:
            raise AssertionError(f"openssl {args}: {run.stderr}")

    def issue(self, name, alternative=None, passphrase=None):
        """Returns the paths of certificate and key."""
        key, request, cert = (self.dir / f"{name}.{end}" for end in ("key", "csr", "crt"))
        extension = self.dir / f"{name}.ext"
        extension.write_text(f"subjectAltName={alternative}\n" if alternative else "")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-days", "2", "-CA", self.file, "-CAkey",
                      self.dir / f"{self.name}.key", "-set_serial", str(time.time_ns()),
                      "-extfile", extension, "-out", cert)
        if passphrase:
            plain = key.rename(f"{key}.plain")
            self._openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", plain, "-out", key,
                          "-passout", f"pass:{passphrase}")
        key.chmod(0o600)
        return cert, key

    def store(self, name, **more):
        """Certificate and key as Kafka's PEM keystore."""
        cert, key = self.issue(name, **more)
        path = self.dir / f"{name}.store"
        path.write_text(key.read_text() + cert.read_text())
        return path


def listener(name, store, **more):
    prefix = f"listener.name.{name.lower()}."
    settings = {"ssl.keystore.type": "PEM", "ssl.keystore.location": store, **more}
    return {prefix + key.replace("__", "."): value for key, value in settings.items()}


@unittest.skipUnless(shutil.which("openssl") and shutil.which("kcat"), "needs openssl and kcat")
class Kafka(test_daemon.Base):
    """One broker with a listener for each way of coming in; one topic a test."""

    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="fmd-security-"))
        cls.addClassCleanup(shutil.rmtree, cls.keys, ignore_errors=True)
        cls.ca, cls.other_ca = Authority(cls.keys), Authority(cls.keys, "other-ca")
        here = cls.ca.store("broker", alternative="IP:127.0.0.1")
        elsewhere = cls.ca.store("elsewhere", alternative="DNS:elsewhere.example")
        trust = {"ssl.truststore.type": "PEM", "ssl.truststore.location": cls.ca.file}
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required "
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        login = {"sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
                 "plain.sasl.jaas.config": f'{plain}user_fmd="{LOGIN_PASS}";',
                 "scram-sha-512.sasl.jaas.config": scram}
        config = {**listener("TLS", here), **listener("ELSEWHERE", elsewhere),
                  **listener("MUTUAL", here, **trust, **{"ssl.client.auth": "required"}),
                  **listener("LOGIN", here, **login), "auto.create.topics.enable": "true",
                  # What has no access list is open to all.
                  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                  "allow.everyone.if.no.acl.found": "true", "super.users": "User:ANONYMOUS"}
        try:
            cls.kafka = KafkaServer(cls.keys / "kafka", config=config, listeners={
                "TLS": "SSL", "ELSEWHERE": "SSL", "MUTUAL": "SSL", "LOGIN": "SASL_SSL"})
        except KafkaUnavailable as why:
            raise unittest.SkipTest(str(why)) from None
        cls.addClassCleanup(cls.kafka.remove)
        cls.kafka.start()
        cls.kafka.set_scram_password("fmd", LOGIN_PASS)
        for name, value in (("login", LOGIN_PASS), ("key-pass", KEY_PASS), ("wrong", NEW_PASS)):
            (cls.keys / name).write_text(value + "\n")
            (cls.keys / name).chmod(0o600)

    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[1][-60:]
        self.out = f"{self.topic}.out"
        self.hosts = 0

    def kcat(self, *args, **more):
        """By the listener that asks nothing. A topic that is not there yet has no output."""
        return subprocess.run(["kcat", "-b", self.kafka.address, *args], capture_output=True,
                              text=True, timeout=WAIT, **more).stdout

    def through(self, name, ca=None, **settings):
        """A configuration that comes in by this listener."""
        settings = {"ssl.ca.location": ca or self.ca.file, **settings}
        settings.setdefault("security.protocol", "ssl")
        passed = "".join(f"        {k.replace('__', '.')}: '{v}'\n" for k, v in settings.items())
        return self.config(
            f"kafka:\n    brokers: '{self.kafka.listeners[name]}'\n    start: earliest\n"
            f"    inputs: [{{topic: {self.topic}}}]\n"
            f"    outputs: {{transitions: {self.out}}}\n    librdkafka:\n{passed}")

    def login(self, mechanism, file="login"):
        return {"security.protocol": "sasl_ssl", "sasl.mechanisms": mechanism,
                "sasl.username": "fmd", "sasl.password.file": self.keys / file}

    def say(self):
        self.hosts += 1
        self.kcat("-P", "-t", self.topic, input='{"op":"set","alarm_id":"200.004",'
                  f'"entity_instance_id":"host=h{self.hosts}"}}\n')

    def told(self):
        return {r["alarm"]["entity_instance_id"] for line in self.kcat(
            "-C", "-t", self.out, "-o", "beginning", "-e", "-q").splitlines()
            if (r := json.loads(line))["alarm"]["alarm_id"] == "200.004"}

    def until_told(self):
        """Each record is an alarm, and the other topic has it: both directions work."""
        hosts = {f"host=h{i + 1}" for i in range(self.hosts)}
        wait(lambda: {a["entity_instance_id"] for a in self.rows("alarm-list")
                      if a["alarm_id"] == "200.004"} == hosts, "the alarms", WAIT)
        wait(lambda: self.told() == hosts, f"{hosts} on {self.out}", WAIT)

    def until_refused(self, words):
        """It says so and goes on answering."""
        wait(lambda: re.search(words, self.log()), words, WAIT)
        self.assertEqual(self.rows("ledger"), [])

    def unreachable(self):
        return [a["reason_text"] for a in self.rows("alarm-list") if a["alarm_id"] == "990.002"]

    def end(self, fmd):
        """What it holds for topics that it cannot reach is not waited for."""
        fmd.kill()
        fmd.wait()
        for secret in (LOGIN_PASS, KEY_PASS, NEW_PASS):
            self.assertNotIn(secret, self.log())

    def test_tls(self):
        self.say()
        self.start("-c", self.through("TLS"))
        self.until_told()

    def test_mutual_tls_with_an_encrypted_key(self):
        cert, key = self.ca.issue("fmd", passphrase=KEY_PASS)
        settings = {"ssl.certificate.location": cert, "ssl.key.location": key}
        config = self.through("MUTUAL", **settings, **{"ssl.key.password.file": self.keys / "wrong"})
        for args in ([], ["-n"]):
            out = self.run_fmd(*args, "-c", config)
            self.assertEqual(out.returncode, 1)
            self.assertIn("ssl.key.location failed", out.stderr)
            self.assertNotIn(NEW_PASS, out.stderr)
        self.say()
        fmd = self.start("-c", self.through("MUTUAL"))         # without a certificate of its own
        self.until_refused("alert (bad certificate|certificate required)")
        self.end(fmd)
        self.start("-c", self.through("MUTUAL", **settings,
                                      **{"ssl.key.password.file": self.keys / "key-pass"}))
        self.until_told()

    def test_a_login_with_plain(self):
        self.say()
        self.start("-c", self.through("LOGIN", **self.login("PLAIN")))
        self.until_told()

    def test_a_wrong_password_is_said_and_waited_out(self):
        self.kafka.set_scram_password("fmd", NEW_PASS)
        self.say()
        self.start("-c", self.through("LOGIN", **self.login("SCRAM-SHA-512")))
        self.until_refused("SASL authentication error")
        # The alarm says why, and that nothing else is wrong.
        text, = wait(self.unreachable, "990.002", WAIT)
        self.assertIn("SASL authentication error: Authentication failed", text)
        self.kafka.set_scram_password("fmd", LOGIN_PASS)        # the broker's was the wrong one
        self.say()
        self.until_told()
        wait(lambda: not self.unreachable(), "the end of 990.002", WAIT)

    def test_the_access_that_security_md_asks_for_is_enough(self):
        alarms, quarantine = f"{self.topic}.alarms", f"{self.topic}.quarantine"
        self.kafka.allow("fmd", ["Read", "Describe"], "--topic", self.topic)
        self.kafka.allow("fmd", ["Write", "Describe"], *(
            word for name in (self.out, alarms, quarantine) for word in ("--topic", name)))
        self.kafka.allow("fmd", ["Describe"], "--group", "fmd")
        self.kafka.allow("somebody", ["All"], "--group", "*", "--cluster")      # not to fmd
        for name in (self.out, alarms, quarantine):
            self.kcat("-L", "-t", name)          # asking creates it
        self.say()
        config = self.through("LOGIN", **self.login("PLAIN"))
        config.write_text(config.read_text().replace(
            "outputs: {", f"outputs: {{alarms: {alarms}, quarantine: {quarantine}, "))
        self.start("-c", config)
        self.until_told()
        wait(lambda: all(s["lag"] == 0 for s in self.rows("sink-list")), "the sinks", WAIT)
        self.assertNotIn("authorization failed", self.log())

    def test_the_wrong_authority_is_not_believed(self):
        self.say()
        fmd = self.start("-c", self.through("TLS", ca=self.other_ca.file))
        self.until_refused("certificate verify failed")
        self.end(fmd)
        self.say()
        self.start("-c", self.through("TLS"))
        self.until_told()

    def test_the_certificate_of_another_host_is_not_believed(self):
        self.say()
        fmd = self.start("-c", self.through("ELSEWHERE"))
        self.until_refused("certificate verify failed")
        self.end(fmd)
        self.start("-c", self.through("ELSEWHERE",
                                      **{"ssl.endpoint.identification.algorithm": "none"}))
        self.until_told()
        self.assertIn("any certificate of the same authority passes for the broker", self.log())


@unittest.skipUnless(shutil.which("kcat"), "needs kcat")
class Hostile(test_daemon.Base):
    """Text that would forge lines, move the cursor or turn what stands around it."""

    TEXT = ("\x1b]0;pwned\x07\x1b[2J\u202egnp.exe\u2066\u200b\x9b31m\u061c\r\n"
            "2026-11-27T00:00:00.000000Z error fmd: forged\t%n%s\x7f\u2028\U000e0041")
    # Controls but the newline, bidi and invisible characters.
    FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e"
                           "\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
    LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \w+ [\w.]+: \S.*")

    def assert_tame(self, where, text):
        found = self.FORBIDDEN.search(text)
        self.assertIsNone(found, f"{where}: {text[max(0, found.start() - 80):][:160]!r}" if found
                          else "")

    def test_it_stays_text_in_log_journal_and_answers(self):
        journal = self.dir / "journal"
        self.start("--demo", "--state-dir", self.dir, "-c",
                   self.config(f"log: {{level: debug, journal: {journal}}}\n"))
        broker = (self.dir / "broker").read_text().strip()
        asked = {"op": "set", "alarm_id": "200.004", "entity_instance_id": "host=c",
                 "reason_text": self.TEXT, "proposed_repair_action": self.TEXT}
        records = [json.dumps(asked), json.dumps(asked | {"entity_instance_id": "host=d"},
                                                 ensure_ascii=False),
                   json.dumps(asked | {"entity_instance_id": "host=" + self.TEXT}),
                   json.dumps(asked | {"alarm_id": self.TEXT}),
                   json.dumps(asked | {"op": self.TEXT, self.TEXT: self.TEXT}), self.TEXT,
                   json.dumps({"kind": "event", "event": self.TEXT, "host": self.TEXT})]
        for record in records:
            subprocess.run(["kcat", "-P", "-b", broker, "-t", "fm.requests", "-D", "\x01"],
                           input=record, text=True, check=True, timeout=30)
        wait(lambda: sum(r["read"] for r in self.rows("ledger")) == len(records), "the records")
        wait(lambda: '"host=c"' in journal.read_text(), "the journal")
        self.fm("alarm-clear", self.TEXT, self.TEXT)
        self.fm("input-resume", self.TEXT, "0")
        for verb in ("alarm-list", "event-list", "quarantine-list", "audit-list", "ledger"):
            for form in ([], ["--json"], ["--csv"]):
                out = self.fm(verb, *form)
                self.assertEqual(out.returncode, 0, out.stderr)
                self.assert_tame(verb, out.stdout.replace("\r\n", "\n"))
        self.assert_tame("journal", journal.read_text())
        for line in journal.read_text().splitlines():
            json.loads(line)
        self.assert_tame("log", self.log())
        for line in self.log().splitlines():
            self.assertRegex(line, self.LINE)
            self.assertNotRegex(line, "^2026-11-27T00:00:00.000000Z error fmd: forged")

    # What can be asked of an alarm with a hostile text; the last three read files, no daemon.
    KEY = ("200.004", "host=c")
    VERBS = {"alarm-show": None, "alarm-clear": KEY, "alarm-delete": None, "alarm-ack": KEY, "alarm-unack": KEY,
             "alarm-shelve": (*KEY, "--for", "1h"), "alarm-unshelve": KEY, "alarm-history": KEY,
             "explain": KEY, "event-show": ("1",), "event-suppress": ("--alarm_id", TEXT, "--yes"),
             "event-unsuppress": ("--alarm_id", TEXT, "--yes"), "event-unsuppress-all": ("--yes",),
             "window-add": (TEXT, "--alarms", "200.004", "--for", "1h"), "window-delete": (TEXT,),
             "input-resume": (TEXT, "0"), "what-if": ("shelve", TEXT), "watch": ("--after", "0"),
             "help": (TEXT,), "catalog-check": None, "replay": None}
    LISTS = ("alarm-list", "alarm-summary", "event-list", "event-suppress-list", "shelf-list", "window-list",
             "stats", "sink-list", "ledger", "quarantine-list", "audit-list", "version")

    def outputs(self, verb, args):
        """Each form that the verb has; which it has, it says itself."""
        for form in ([], ["--json"], ["--csv"], ["--nowrap"]):
            if verb == "watch":
                out = subprocess.run(["timeout", "-s", "INT", "1", test_daemon.BUILD / "fm/fm", "--socket",
                                      self.dir / "fmd.sock", verb, *form, *args],
                                     capture_output=True, timeout=60)
                text = (out.stdout + out.stderr).decode()
            else:
                out = self.fm(verb, *form, *args)
                text = out.stdout + out.stderr
            yield text

    def test_every_verb_and_form_keeps_it_text_and_so_do_topics_and_traps(self):
        known = re.findall(r'^\t\{"([a-z-]+)", run_', (ROOT / "fm/verbs.c").read_text(), re.M)
        self.assertEqual(set(known), {*self.VERBS, *self.LISTS})
        traps = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(traps.close)
        traps.bind(("127.0.0.1", 0))
        (self.dir / "community").write_text("alarms-here\n")
        (self.dir / "community").chmod(0o600)
        self.start("--demo", "--state-dir", self.dir, "-c", self.config(
            f"snmp: {{targets: [{{name: t, address: '127.0.0.1:{traps.getsockname()[1]}', version: 2c, "
            f"community_file: {self.dir}/community}}]}}\n"))
        broker = (self.dir / "broker").read_text().strip()
        asked = {"op": "set", "alarm_id": "200.004", "entity_instance_id": "host=c",
                 "proposed_repair_action": self.TEXT}
        long = json.dumps(asked | {"reason_text": (self.TEXT[4:8] + "\u202e\x9b31m" + "x" * 40) * 1200},
                          ensure_ascii=False).encode()
        self.assertLess(60000, len(long))
        records = [long, json.dumps(asked | {"entity_instance_id": "host=d", "reason_text": self.TEXT}).encode(),
                   b'{"op":"set","alarm_id":"200.004","entity_instance_id":"host=\xff\xfe\x9b"}',
                   json.dumps(asked | {"op": self.TEXT}).encode()]
        for record in records:
            subprocess.run(["kcat", "-P", "-b", broker, "-t", "fm.requests", "-D", "\x01"], input=record,
                           check=True, timeout=30)
        wait(lambda: sum(r["read"] for r in self.rows("ledger")) == len(records), "the records")
        told = [t for t in self.rows("event-list") if t["alarm"]["alarm_id"] == "200.004"]
        self.assertEqual(len(told), 2)
        for verb in self.LISTS:
            for text in self.outputs(verb, []):
                self.assert_tame(verb, text.replace("\r\n", "\n"))
        for verb, args in self.VERBS.items():
            for text in self.outputs(verb, args or (self.TEXT,)):
                self.assert_tame(verb, text.replace("\r\n", "\n"))
        for topic in ("fm.transitions", "fm.alarms"):
            out = subprocess.run(["kcat", "-C", "-b", broker, "-t", topic, "-e", "-q"], capture_output=True,
                                 timeout=60).stdout.decode()
            self.assertIn("host=c", out)
            self.assert_tame(topic, out)
            for line in out.splitlines():
                json.loads(line)
        traps.settimeout(30)
        for _ in told:
            self.assertLessEqual(len(traps.recv(65536)), 1400)


class Talkative(test_daemon.Base):
    """Secrets of all kinds in one fmd that talks as much as it can."""

    SECRETS = {"community": "commun-Xoo5aiph", "auth": "auth-phrase-eiW3ohgh",
               "priv": "priv-phrase-Oow8ahph", "login": LOGIN_PASS, "key-pass": KEY_PASS}

    def setUp(self):
        super().setUp()
        self.file = {name: self.dir / name for name in self.SECRETS}
        for name, value in self.SECRETS.items():
            self.file[name].write_text(value + "\n")
            self.file[name].chmod(0o600)
        ca = Authority(self.dir)
        cert, key = ca.issue("fmd", passphrase=KEY_PASS)
        self.conf = self.config(
            "kafka:\n    brokers: '127.0.0.1:1'\n    librdkafka:\n"
            "        security.protocol: sasl_ssl\n        sasl.mechanisms: PLAIN\n"
            "        sasl.username: fmd\n        debug: 'generic,broker,feature'\n"
            f"        sasl.password.file: {self.file['login']}\n"
            f"        ssl.ca.location: {ca.file}\n        ssl.certificate.location: {cert}\n"
            f"        ssl.key.location: {key}\n        ssl.key.password.file: "
            f"{self.file['key-pass']}\n"
            "snmp: {targets: [{name: old, address: '127.0.0.1:9', version: 2c, timeout: 100ms, "
            f"inform: true, community_file: {self.file['community']}}}, {{name: new, address: '127.0.0.1:9', "
            f"version: 3, timeout: 100ms, user: fmd, auth_file: {self.file['auth']}, inform: true, "
            f"priv_file: {self.file['priv']}}}]}}\n"
            "self: {disk_free: 1000000000000000000}\n"
            f"log: {{level: debug, journal: {self.dir}/journal}}\n")

    def end(self, fmd):
        fmd.kill()
        fmd.wait()

    def until_snmp_works(self):
        wait(lambda: [s for s in self.rows("sink-list") if s["name"] == "snmp:new" and
                      s["last_error"]], "an error of SNMP")


class Kept(Talkative):
    def search(self, where, data):
        for name, value in self.SECRETS.items():
            self.assertNotIn(value.encode(), data, f"{name} in {where}")

    def test_nothing_that_fmd_says_or_writes_holds_a_secret(self):
        out = self.run_fmd("-nv", "-c", self.conf)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertIn(str(self.file["login"]), out.stdout)
        self.search("fmd -nv", (out.stdout + out.stderr).encode())
        fmd = self.start("-c", self.conf)
        self.until_snmp_works()
        for verb in ("alarm-list", "event-list", "stats", "sink-list", "ledger", "version",
                     "quarantine-list", "audit-list", "shelf-list", "event-suppress-list"):
            self.search(verb, self.fm("--json", verb).stdout.encode())
        for path in [self.dir / "state", *(self.dir / "state").rglob("*")]:
            self.assertEqual(path.stat().st_mode & 0o007, 0, path)
        for name in ("cmdline", "environ", "status", "limits"):
            self.search(name, pathlib.Path(f"/proc/{fmd.pid}/{name}").read_bytes())
        self.end(fmd)
        files = [p for p in self.dir.rglob("*") if p.is_file() and p not in self.file.values()]
        self.assertTrue({"fmd.db", "engine", "journal", "log"} <= {p.name for p in files})
        for path in files:
            self.search(path, path.read_bytes())

    def test_a_process_with_a_secret_gives_no_image_of_itself(self):
        fmd = self.start("-c", self.conf)
        limits = pathlib.Path(f"/proc/{fmd.pid}/limits").read_text()
        self.assertRegex(limits, r"(?m)^Max core file size +0 +0 ")
        # Not dumpable: what shows memory belongs to root, whoever fmd is.
        if os.geteuid() != 0:
            self.assertEqual(os.stat(f"/proc/{fmd.pid}/mem").st_uid, 0)

    def test_engine_boots_that_cannot_be_kept_stop_the_start(self):
        """A receiver would take what follows for a repetition, and drop it."""
        (self.dir / "state/snmp/engine.new").mkdir(parents=True)
        out = self.run_fmd("-c", self.conf)
        self.assertEqual(out.returncode, 1)
        self.assertIn("engine.new: Is a directory", out.stderr)

    def test_a_community_that_everybody_knows_is_no_secret(self):
        self.file["community"].write_text("public\n")
        for args in ([], ["-n"]):
            out = self.run_fmd(*args, "-c", self.conf)
            self.assertEqual(out.returncode, 1)
            self.assertIn(f"{self.file['community']}: a community that everybody knows", out.stderr)

    def test_the_environment_does_not_lead_net_snmp_elsewhere(self):
        trap = self.dir / "elsewhere"
        trap.mkdir()
        for name in ("snmp.conf", "fmd.conf", "snmp.local.conf", "fmd.local.conf", "X-MIB.txt"):
            os.mkfifo(trap / name)              # whoever opens one waits
        environ = {name: str(trap) for name in ("SNMPCONFPATH", "SNMP_PERSISTENT_DIR", "MIBDIRS")}
        environ |= {"SNMP_PERSISTENT_FILE": str(trap / "fmd.conf"), "MIBS": "ALL",
                    "MIBFILES": str(trap / "X-MIB.txt")}
        with unittest.mock.patch.dict(os.environ, environ):
            self.start("-c", self.conf)
        self.until_snmp_works()
        self.assertEqual(len(list(trap.iterdir())), 5)


def is_sanitized():
    return b"__asan_init" in (test_daemon.BUILD / "fmd/fmd").read_bytes() or \
        b"__tsan_init" in (test_daemon.BUILD / "fmd/fmd").read_bytes()


@unittest.skipUnless(os.geteuid() == 0 and os.uname().machine == "x86_64" and
                     pathlib.Path(sandbox.HEADER).exists() and shutil.which("systemd-analyze"),
                     "needs root, systemd-analyze and x86-64 with its headers")
class Sandbox(Talkative):
    """The same fmd under what packaging/fmd.service says."""

    UNIT = ROOT / "packaging/fmd.service"

    def setUp(self):
        super().setUp()
        if is_sanitized():
            self.skipTest("sanitizers do what the unit forbids")
        self.dir.chmod(0o755)
        for path in self.dir.rglob("*"):
            shutil.chown(path, sandbox.NOBODY, sandbox.NOBODY)
        self.writable = self.dir / "rw"
        self.writable.mkdir()
        shutil.chown(self.writable, sandbox.NOBODY, sandbox.NOBODY)
        self.conf.write_text(self.conf.read_text().replace(f"{self.dir}/state", f"{self.writable}/state")
                             .replace(f"{self.dir}/fmd.sock", self.socket)
                             .replace(f"{self.dir}/journal", f"{self.writable}/journal"))

    @property
    def socket(self):
        return str(self.dir / "rw/fmd.sock")

    def boxed(self, *command):
        return [sys.executable, ROOT / "tests/system/sandbox.py", self.UNIT, self.writable, *command]

    def test_it_runs_in_the_sandbox_of_the_unit(self):
        with open(self.dir / "log", "ab") as log:
            fmd = subprocess.Popen(self.boxed(test_daemon.BUILD / "fmd/fmd", "-c", self.conf),
                                   stderr=log)
        self.addCleanup(lambda: fmd.poll() is None and fmd.kill())
        wait(lambda: fmd.poll() is not None or self.fm("version").returncode == 0, "fmd to answer")
        self.assertIsNone(fmd.poll(), self.log())
        status = pathlib.Path(f"/proc/{fmd.pid}/status").read_text()
        for line in (r"Uid:\t65534", r"NoNewPrivs:\t1", r"Seccomp:\t2", r"CapEff:\t0+$",
                     r"CapBnd:\t0+$"):
            self.assertRegex(status, f"(?m)^{line}")
        self.assertEqual(os.stat(f"/proc/{fmd.pid}/mem").st_uid, 0)     # not dumpable
        alarm = wait(lambda: [a for a in self.rows("alarm-list") if a["alarm_id"] == "990.003"],
                     "an alarm")[0]
        self.assertEqual(self.fm("alarm-ack", alarm["uuid"]).returncode, 0)
        self.until_snmp_works()
        fmd.send_signal(signal.SIGHUP)
        wait(lambda: "reloaded" in self.log(), "the reload")
        fmd.send_signal(signal.SIGTERM)
        self.assertEqual(fmd.wait(60), 0, self.log())
        self.assertNotRegex(self.log(), "not permitted|Read-only")

    def test_the_sandbox_is_one(self):
        """What the program above is kept from, shown by one that tries."""
        script = ("import os, socket, mmap\n"
                  "def refused(f, *a, **k):\n"
                  "    try:\n        f(*a, **k)\n"
                  "    except OSError:\n        return True\n    return False\n"
                  "print(refused(open, '/etc/x', 'w'), refused(socket.socket, socket.AF_NETLINK),\n"
                  "      refused(mmap.mmap, -1, 4096, prot=7), refused(os.nice, -1),\n"
                  "      refused(os.setuid, 0), refused(os.chroot, '/'),\n"
                  f"      refused(open, '{self.writable}/x', 'w'))\n")
        out = subprocess.run(self.boxed("/usr/bin/python3", "-c", script), capture_output=True,
                             text=True, timeout=30)
        self.assertEqual(out.stdout.split(), ["True"] * 6 + ["False"], out.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    test_daemon.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
