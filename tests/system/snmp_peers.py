"""Peers for the tests of the SNMP side: real receivers on loopback ports and the sending program.

Snmptrapd   net-snmp's trap daemon with a configuration of its own, in a directory of its own
Snmpd       net-snmp's agent as AgentX master, likewise
Pysnmp      an independent decoder: another SNMP stack, in another process
RawUdp      a socket that keeps datagrams as they came
Sender      tests/system/snmp_send.c: store, outbox and fmagent without the daemon
Fmd         the daemon and fm; Fmd.demo() is one with a broker inside

Nothing here waits a fixed time: everything is polled until it is there or a deadline passes.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from own import own

DEADLINE = 30.0
MIB_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "mibs")


def wait_for(what, condition, deadline=DEADLINE):
    """Returns the first true value of condition()."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class User:
    """A USM user with its pass phrases; proto and priv are fmagent's words."""

    AUTH = {"sha1": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384",
            "sha512": "SHA-512"}
    PRIV = {"aes128": "AES", "aes192": "AES-192", "aes256": "AES-256"}

    def __init__(self, name, auth="sha256", priv="aes128", auth_pass="correct horse battery",
                 priv_pass="staple of privacy", may_log=True):
        self.name, self.auth, self.priv = name, auth, priv
        self.auth_pass, self.priv_pass = auth_pass, priv_pass
        self.may_log = may_log

    def create_user(self, engine_id=None):
        engine = f"-e 0x{engine_id} " if engine_id else ""
        priv = f' {self.PRIV[self.priv]} "{self.priv_pass}"' if self.priv != "none" else ""
        level = "priv" if priv else "auth"
        allowed = f"authUser log {self.name} {level}\n" if self.may_log else ""
        return (f'createUser {engine}{self.name} {self.AUTH[self.auth]} "{self.auth_pass}"{priv}\n'
                + allowed)


# ---- snmptrapd --------------------------------------------------------------------------------


def find_snmptrapd():
    return shutil.which("snmptrapd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Snmptrapd:
    """traps() gives what it logged: {"how": "TRAP2, SNMP v3, user …", "varbinds": [(oid, text)]}"""

    def __init__(self, directory, name, users=(), sender_engine=None, community="alarms",
                 mib=None):
        self.dir = os.path.join(directory, name)
        self.port = free_port()
        # Numbers, unless a module is to give them names.
        self.naming = (["-m", mib, "-M", MIB_DIR] if mib else
                       ["-On", "-m", "", "-M", self.dir])
        self.log = os.path.join(self.dir, "log")
        self.proc = None
        os.makedirs(self.dir, exist_ok=True)
        self.configure(users, sender_engine, community)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def configure(self, users, sender_engine=None, community="alarms"):
        """Users are known for traps (the sender's engine) and for informs (its own engine)."""
        with open(os.path.join(self.dir, "conf"), "w", encoding="utf-8") as f:
            f.write(f"authCommunity log {community}\n")
            f.write("format2 %P\\t%v\\n\nformat1 %P\\t%v\\n\n")
            for user in users:
                f.write(user.create_user())
                if sender_engine:
                    f.write(user.create_user(sender_engine))

    def start(self):
        env = dict(os.environ, SNMPCONFPATH=self.dir, SNMP_PERSISTENT_DIR=self.dir)
        self.proc = subprocess.Popen(
            [find_snmptrapd(), "-f", "-n", "-C", "-c", os.path.join(self.dir, "conf"),
             "-A", "-Lf", self.log, *self.naming, f"udp:{self.address}"],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("snmptrapd listens", self._listens)
        return self

    def _listens(self):
        if self.proc.poll() is not None:
            raise AssertionError(f"snmptrapd ended: {self._text()}")
        want = f"0100007F:{self.port:04X}"
        with open("/proc/net/udp", encoding="ascii") as f:
            return any(line.split()[1] == want for line in f.readlines()[1:])

    def signal(self, number):
        self.proc.send_signal(number)

    def stop(self):
        if self.proc is not None:
            self.proc.send_signal(signal.SIGCONT)
            self.proc.kill()
            self.proc.wait()
            self.proc = None

    def forget_engine(self):
        """The next start is another SNMP engine, as after a reinstallation."""
        for root, _, files in os.walk(self.dir):
            for name in files:
                if name.startswith("snmptrapd.conf"):
                    os.unlink(os.path.join(root, name))

    def _text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def traps(self):
        found = []
        for line in self._text().splitlines():
            fields = line.split("\t")
            if not fields[0].startswith(("TRAP2", "INFORM")):
                continue
            varbinds = [tuple(f.split(" = ", 1)) for f in fields[1:] if " = " in f]
            found.append({"how": fields[0], "varbinds": varbinds})
        return found

    def wait_traps(self, n):
        wait_for(f"{n} traps in {self.log}", lambda: len(self.traps()) >= n)
        return self.traps()

    def indices(self):
        """The row index of every trap, in order of arrival."""
        return [int(t["varbinds"][2][0].rsplit(".", 1)[1]) for t in self.traps()]

    def wait_index(self, index):
        wait_for(f"index {index} in {self.log}", lambda: index in self.indices())
        return self.indices()


# ---- snmpd --------------------------------------------------------------------------------------


def find_snmpd():
    return shutil.which("snmpd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Snmpd:
    """A master agent. Community noc may read all, tables only the table of alarms, system only the
    system group, and rw may write all."""

    TABLES = ".1.3.6.1.4.1.731.1.1.1.1"

    def __init__(self, directory):
        self.dir = os.path.join(directory, "snmpd")
        self.port = free_port()
        self.socket = os.path.join(self.dir, "agentx")
        self.proc = None
        # It overwrites its configuration when that lies in the persistent directory.
        os.makedirs(os.path.join(self.dir, "state"))
        with open(os.path.join(self.dir, "conf"), "w", encoding="utf-8") as f:
            f.write(f"agentAddress udp:127.0.0.1:{self.port}\nmaster agentx\n"
                    f"agentXSocket {self.socket}\nrocommunity noc 127.0.0.1\n"
                    f"rocommunity tables 127.0.0.1 {self.TABLES}.1\n"
                    f"rocommunity system 127.0.0.1 .1.3.6.1.2.1.1\n"
                    f"rwcommunity rw 127.0.0.1\n")

    def start(self):
        env = dict(os.environ, MIBS="", SNMP_PERSISTENT_DIR=os.path.join(self.dir, "state"))
        self.proc = subprocess.Popen(
            [find_snmpd(), "-f", "-C", "-c", os.path.join(self.dir, "conf"),
             "-Lf", os.path.join(self.dir, "log"), "-p", os.path.join(self.dir, "pid")],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("snmpd answers", lambda: self.proc.poll() is not None or self._run(
            "snmpget", ".1.3.6.1.2.1.1.3.0", "-r0", "-t1").returncode == 0)
        assert self.proc.poll() is None
        return self

    def _run(self, tool, oid, *args, community="noc"):
        return subprocess.run([tool, "-v2c", "-c", community, "-m", "", "-OnqxUe", *args,
                               f"127.0.0.1:{self.port}", *oid.split()], capture_output=True,
                              text=True, timeout=120, check=False)

    def set(self, oid, kind, value, community):
        return self._run("snmpset", f"{oid} {kind} {value}", community=community)

    def walk(self, under, tool="snmpbulkwalk", community="noc", args=()):
        """[(oid below TABLES as numbers, value)]; octets as bytes."""
        out = self._run(tool, self.TABLES + under, "-t5", *args, community=community)
        assert out.returncode == 0, out.stderr
        lines = []
        for line in out.stdout.splitlines():
            if line.startswith(".1."):
                lines.append(line)
            elif lines:
                lines[-1] += " " + line
        found = []
        for line in lines:
            name, _, text = line.partition(" ")
            if text.startswith(("No Such", "No more")):
                continue
            place = tuple(int(arc) for arc in name[len(self.TABLES) + 1:].split("."))
            value = (bytes.fromhex(text.strip('" ').replace(" ", "")) if text.startswith('"')
                     else int(text))
            found.append((place, value))
        return found

    def table(self, arc, **more):
        """{row: {column: value}}"""
        rows = {}
        for (_, _, column, row), value in self.walk(f".{arc}", **more):
            rows.setdefault(row, {})[column] = value
        return rows

    def signal(self, number):
        self.proc.send_signal(number)

    def stop(self):
        if self.proc is not None:
            self.proc.send_signal(signal.SIGCONT)
            self.proc.kill()
            self.proc.wait()
            self.proc = None


# ---- pysnmp -------------------------------------------------------------------------------------


def pysnmp_python():
    """An interpreter that has pysnmp, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        probe = "import pysnmp.entity.rfc3413.ntfrcv, pysnmp.carrier.asyncore.dgram.udp"
        if python and os.path.exists(python) and subprocess.run(
                [python, "-W", "ignore", "-c", probe], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    return None


class Pysnmp:
    """traps() gives {"version": 1|3, "varbinds": [[oid, type, value]]}; octets are hexadecimal."""

    def __init__(self, user=None, sender_engine=None, community="alarms"):
        self.port = free_port()
        args = {"port": self.port, "community": community, "engine": sender_engine,
                "user": vars(user) if user else None}
        self.found = []
        self.proc = subprocess.Popen(
            [pysnmp_python(), "-W", "ignore", os.path.abspath(__file__), json.dumps(args)],
            stdout=subprocess.PIPE, text=True)
        assert self.proc.stdout.readline() == "ready\n"
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _read(self):
        for line in self.proc.stdout:
            self.found.append(json.loads(line))

    def traps(self):
        return list(self.found)

    def wait_traps(self, n):
        wait_for(f"{n} traps at pysnmp", lambda: len(self.found) >= n)
        return self.traps()

    def stop(self):
        self.proc.kill()
        self.proc.wait()
        self.thread.join()
        self.proc.stdout.close()


def _receive(args):
    """The process behind Pysnmp: prints one JSON line for each notification."""
    from pysnmp.carrier.asyncore.dgram import udp
    from pysnmp.entity import config, engine
    from pysnmp.entity.rfc3413 import ntfrcv
    from pysnmp.proto.api import v2c

    snmp = engine.SnmpEngine()
    transport = udp.UdpTransport().openServerMode(("127.0.0.1", args["port"]))
    _grow_buffer(transport.socket)
    config.addTransport(snmp, udp.domainName, transport)
    config.addV1System(snmp, "area", args["community"])
    if args["user"]:
        _add_user(config, v2c, snmp, args["user"], args["engine"])

    def on_notification(_engine, _ref, _ctx_engine, _ctx_name, varbinds, ctx):
        info = ctx["version"]
        print(json.dumps({"version": info, "varbinds": [_plain(n, v) for n, v in varbinds]}),
              flush=True)

    context = {"version": 3 if args["user"] else 1}
    ntfrcv.NotificationReceiver(snmp, on_notification, context)
    snmp.transportDispatcher.jobStarted(1)
    print("ready", flush=True)
    snmp.transportDispatcher.runDispatcher()


def _grow_buffer(sock):
    """It decodes slower than traps come, and the kernel drops what does not fit."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)        # SO_RCVBUFFORCE
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)


def _add_user(config, v2c, snmp, user, engine):
    auth = {"sha1": config.usmHMACSHAAuthProtocol, "sha256": config.usmHMAC192SHA256AuthProtocol,
            "sha512": config.usmHMAC384SHA512AuthProtocol}[user["auth"]]
    priv = {"aes128": config.usmAesCfb128Protocol,
            "aes256": config.usmAesBlumenthalCfb256Protocol}[user["priv"]]
    keys = (user["name"], auth, user["auth_pass"], priv, user["priv_pass"])
    config.addV3User(snmp, *keys)
    if engine:
        config.addV3User(snmp, *keys, securityEngineId=v2c.OctetString(hexValue=engine))


def _plain(name, value):
    kind = type(value).__name__
    if hasattr(value, "asOctets") and kind != "ObjectIdentifier":
        return [str(name), kind, value.asOctets().hex()]
    return [str(name), kind, str(value) if kind == "ObjectIdentifier" else int(value)]


# ---- raw UDP ------------------------------------------------------------------------------------


class RawUdp:
    """Keeps datagrams; answers nothing."""

    def __init__(self, family=socket.AF_INET):
        self.host = "127.0.0.1" if family == socket.AF_INET else "::1"
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((self.host, 0))
        self.sock.settimeout(DEADLINE)
        self.port = self.sock.getsockname()[1]

    @property
    def address(self):
        if ":" in self.host:
            return f"udp6:[{self.host}]:{self.port}"
        return f"{self.host}:{self.port}"

    def receive(self):
        return self.sock.recv(65536)

    def stop(self):
        self.sock.close()


# ---- the sender ---------------------------------------------------------------------------------


def sender_program(build_dir):
    return os.path.join(build_dir, "tests", "system", "snmp_send")


class Sender:
    """The sending program. Its state directory survives kill() and start()."""

    def __init__(self, build_dir, directory, engine_id=None):
        self.program = sender_program(build_dir)
        self.dir = os.path.join(directory, "sender")
        self.config = {"targets": []}
        if engine_id:
            self.config["engine_id"] = engine_id
        self.next_id = 1
        self.proc = None
        os.makedirs(self.dir, mode=0o700, exist_ok=True)

    def secret(self, name, text, mode=0o600):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(text + "\n")
            os.fchmod(f.fileno(), mode)
        return path

    def add_v2c(self, name, address, community="alarms", **more):
        self.config["targets"].append(dict(
            name=name, address=address, version="v2c",
            community_file=self.secret(f"{name}.community", community), **more))

    def add_v3(self, name, address, user, **more):
        self.config["targets"].append(dict(
            name=name, address=address, version="v3", user=user.name, auth=user.auth,
            priv=user.priv, auth_file=self.secret(f"{name}.auth", user.auth_pass),
            priv_file=self.secret(f"{name}.priv", user.priv_pass), **more))

    def start(self):
        path = os.path.join(self.dir, "config.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.config, f)
        self.proc = subprocess.Popen([self.program, os.path.join(self.dir, "state"), path],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer = json.loads(self.proc.stdout.readline())
        return self

    def send(self, kind, severity="major", count=1, **more):
        """Commits count transitions with ids of their own; returns the last id."""
        command = dict(kind=kind, severity=severity, count=count, alarm_id="200.004",
                       entity="host=compute-1", reason="compute-1 experienced a failure",
                       repair="If problem persists contact next level of support.")
        command["id"] = self.next_id
        self.next_id += count
        command.update(more)
        self._write(command)
        return self.next_id - 1

    def _write(self, command):
        self.proc.stdin.write(json.dumps(command) + "\n")
        self.proc.stdin.flush()

    def stats(self):
        self._write({"cmd": "stats"})
        return json.loads(self.proc.stdout.readline())

    def sink(self, name):
        return next(s for s in self.stats()["sinks"] if s["name"] == f"snmp:{name}")

    def wait_acked(self, name):
        """Until the sink has delivered everything committed."""
        def done():
            sink = self.sink(name)
            return sink["acked"] == sink["last_seq"]
        wait_for(f"{name} has acknowledged everything", done)

    def wait_error(self, name, words):
        return wait_for(f'{name} fails with "{words}"',
                        lambda: words in (self.sink(name)["last_error"] or ""))

    def kill(self):
        self._end(self.proc.kill)

    def stop(self):
        """A clean end; returns the exit code."""
        return self._end(lambda: None) if self.proc else None

    def _end(self, how):
        how()
        self.proc.stdin.close()
        code = self.proc.wait(timeout=DEADLINE)
        self.proc.stdout.close()
        self.proc = None
        return code


# ---- the daemon ---------------------------------------------------------------------------------


class Fmd:
    """A daemon with a directory of its own, which survives kill() and start()."""

    def __init__(self, build_dir, directory, text):
        self.build, self.dir = build_dir, directory
        self.args = ["-c", os.path.join(directory, "fmd.yaml")]
        self.socket = os.path.join(directory, "fmd.sock")
        self.journal = os.path.join(directory, "journal")
        self.proc = None
        os.makedirs(directory, mode=0o755, exist_ok=True)
        catalogue = own(os.path.join(MIB_DIR, "..", "events.yaml"), directory)
        # The tests count what they ask for: no summary of a storm, nothing held for one.
        catalogue.write_text(catalogue.read_text().replace("Storm: 1000", "Storm: 0"))
        with open(self.args[1], "w", encoding="utf-8") as f:
            f.write(f"state_dir: {directory}/state\ncatalogue: {catalogue}\n"
                    f"control: {{socket: {self.socket}}}\n"
                    f"log: {{journal: {self.journal}}}\n{text}")

    @classmethod
    def demo(cls, build_dir, directory):
        """A daemon whose broker others use."""
        fmd = cls(build_dir, directory, "")
        fmd.args = ["--demo", "--state-dir", directory, *fmd.args]
        return fmd

    @property
    def broker(self):
        with open(os.path.join(self.dir, "broker"), encoding="ascii") as f:
            return f.read().strip()

    def start(self):
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.proc = subprocess.Popen([os.path.join(self.build, "fmd", "fmd"), *self.args],
                                         stderr=log)
        wait_for("fmd answers", lambda: self.proc.poll() is not None
                 or self.fm("version").returncode == 0)
        assert self.proc.poll() is None, self.log()
        return self

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8") as f:
            return f.read()

    def fm(self, *args):
        return subprocess.run([os.path.join(self.build, "fm", "fm"), "--socket", self.socket,
                               *args], capture_output=True, text=True, timeout=DEADLINE,
                              check=False)

    def rows(self, *args):
        out = self.fm("--json", *args)
        assert out.returncode == 0, out.stderr
        return json.loads(out.stdout)

    def sink(self, name):
        return next(s for s in self.rows("sink-list") if s["name"] == f"snmp:{name}")

    def request(self, *requests):
        """Puts fault requests on its broker's topic fm.requests."""
        text = "".join(json.dumps(r) + "\n" for r in requests)
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", "fm.requests"], input=text,
                       text=True, check=True, timeout=DEADLINE)

    def last_seq(self):
        return next(s["value"] for s in self.rows("stats") if s["name"] == "last sequence")

    def transitions(self):
        """What it decided, in order, each sequence number once."""
        found = {}
        with open(self.journal, encoding="utf-8") as f:
            for line in f:
                if line.endswith("}\n"):
                    tr = json.loads(line)
                    found[tr["seq"]] = tr
        return [found[seq] for seq in sorted(found)]

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self.proc = None

    def stop(self):
        """A clean end; returns the exit code."""
        if self.proc is None:
            return None
        self.proc.terminate()
        code = self.proc.wait(timeout=DEADLINE)
        self.proc = None
        return code


if __name__ == "__main__":
    try:
        _receive(json.loads(sys.argv[1]))
    except KeyboardInterrupt:
        pass
