"""A real Apache Kafka for the system tests: one KRaft node on 127.0.0.1.

The jars are fetched once with the ordinary `mvn` and its configured settings into
${XDG_CACHE_HOME:-~/.cache}/fmd-tests/kafka-<version>; a directory with the jars already there can
be named by FMD_KAFKA_LIBS. The console tools are Kafka's own, so that the other side of every test
shares no code with fmd.

    with KafkaServer(directory) as kafka:
        kafka.create_topic("fm.alarms", partitions=3, config={"cleanup.policy": "compact"})
        kafka.produce("notifications.info", [b"{}"])
        for record in kafka.consume("fm.alarms", count=1): print(record.key, record.value)
"""
import base64
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
POM = HERE / "pom.xml"
NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"
# The field separator of the console consumer: a byte that JSON and alarm keys cannot hold.
FIELD = "\x1f"
TOMBSTONE = "\x1etombstone"


class KafkaError(Exception):
    """A tool failed, or the server did not come up; carries its last words."""


class KafkaUnavailable(KafkaError):
    """The machine cannot run it (no java, no mvn and no jars): a reason to skip."""


@dataclasses.dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    timestamp_ms: int
    headers: dict
    key: str | None
    value: str | None  # None: a tombstone


def kafka_version():
    root = xml.etree.ElementTree.parse(POM).getroot()
    return root.findtext(f"{NAMESPACE}properties/{NAMESPACE}kafka.version")


def libs_directory():
    """The directory of jars, fetched when it is not there yet."""
    if os.environ.get("FMD_KAFKA_LIBS"):
        return pathlib.Path(os.environ["FMD_KAFKA_LIBS"])
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    libs = cache / "fmd-tests" / f"kafka-{kafka_version()}-{digest}"
    if libs.is_dir():
        return libs
    if shutil.which("mvn") is None:
        raise KafkaUnavailable("mvn is not installed, and no jars in " + str(libs))
    libs.parent.mkdir(parents=True, exist_ok=True)
    # Two test runs may fetch at once: each into its own directory, the first rename wins.
    partial = libs.with_name(f"{libs.name}.{os.getpid()}")
    run = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies",
         f"-DoutputDirectory={partial}"], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise KafkaUnavailable("mvn could not fetch Kafka: " + (run.stdout + run.stderr)[-800:])
    try:
        partial.rename(libs)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
    return libs


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class KafkaServer:
    """start() and stop() may alternate; the port and the data stay until remove()."""

    def __init__(self, directory, config=None, heap_mb=384, listeners=None):
        """listeners: name -> protocol of more of them; their addresses are in .listeners."""
        if shutil.which("java") is None:
            raise KafkaUnavailable("java is not installed")
        self.directory = pathlib.Path(directory)
        self.heap_mb = heap_mb
        self.libs = libs_directory()
        self.port, controller, *more = free_ports(2 + len(listeners or {}))
        self.protocols = dict(listeners or {})
        self.listeners = {name: f"127.0.0.1:{port}" for name, port in zip(self.protocols, more)}
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_config(controller, config or {})
        self._format()

    # -- life ------------------------------------------------------------------------------

    def _write_config(self, controller, config):
        more = "".join(f",{name}://{address}" for name, address in self.listeners.items())
        protocols = "".join(f",{name}:{protocol}" for name, protocol in self.protocols.items())
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}{more}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}{more}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": 
                f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}",
            "log.dirs": str(self.directory / "data"),
            "auto.create.topics.enable": "false",
            "delete.topic.enable": "true",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.dedupe.buffer.size": "8388608",
            "num.network.threads": "2",
            "num.io.threads": "2",
            **config,
        }
        lines = [f"{key}={value}\n" for key, value in settings.items()]
        (self.directory / "server.properties").write_text("".join(lines))
        (self.directory / "log4j.properties").write_text(
            "log4j.rootLogger=WARN, out\n"
            "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.target=System.err\n"
            "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
            "log4j.appender.out.layout.ConversionPattern=%d %p %c %m%n\n")

    def _java(self, main, *arguments, heap_mb=96):
        log4j = self.directory / "log4j.properties"
        return ["java", f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                f"-Dlog4j.configuration=file:{log4j}", "-cp", f"{self.libs}/*", main, *arguments]

    def _format(self):
        if (self.directory / "data" / "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # A cluster id that begins with a dash would be taken for an option.
        cluster = "A" + cluster[1:] if cluster[0] == "-" else cluster
        self._tool("kafka.tools.StorageTool", "format", "-t", cluster, "-c",
                   str(self.directory / "server.properties"))

    def start(self, timeout=60):
        log = open(self.directory / "server.log", "ab")
        with log:
            self.process = subprocess.Popen(
                self._java("kafka.Kafka", str(self.directory / "server.properties"),
                           heap_mb=self.heap_mb),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise KafkaError("Kafka did not start: " + self.log_tail())
            time.sleep(0.1)
        return self

    def _answers(self):
        """True once the broker answers an ApiVersions request (key 18, version 0)."""
        request = b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(request)
                return len(link.recv(4)) == 4
        except OSError:
            return False

    def stop(self, timeout=30):
        """An orderly shutdown; what was acknowledged is on disk."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self):
        """The broker keeps its connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        return self.start()

    def remove(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self, size=2000):
        path = self.directory / "server.log"
        return path.read_text(errors="replace")[-size:] if path.exists() else "(no log)"

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    # -- Kafka's own tools -----------------------------------------------------------------

    def _tool(self, main, *arguments, stdin=b"", timeout=120):
        run = subprocess.run(self._java(main, *arguments), input=stdin, capture_output=True,
                             timeout=timeout, check=False)
        if run.returncode != 0:
            raise KafkaError(f"{main}: " + (run.stdout + run.stderr).decode(errors="replace")[-800:])
        return run.stdout

    def _topic_tool(self, *arguments):
        return self._tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address,
                          *arguments)

    def create_topic(self, name, partitions=1, config=None):
        options = [word for key, value in (config or {}).items()
                   for word in ("--config", f"{key}={value}")]
        self._topic_tool("--create", "--topic", name, "--partitions", str(partitions),
                         "--replication-factor", "1", *options)

    def allow(self, user, operations, *resource):
        """resource: as the tool has it, such as "--topic", "x"."""
        words = [word for one in operations for word in ("--operation", one)]
        self._tool("kafka.admin.AclCommand", "--bootstrap-server", self.address, "--add",
                   "--allow-principal", f"User:{user}", *words, *resource)

    def set_scram_password(self, user, password, mechanism="SCRAM-SHA-512"):
        self._tool("kafka.admin.ConfigCommand", "--bootstrap-server", self.address, "--alter",
                   "--entity-type", "users", "--entity-name", user,
                   "--add-config", f"{mechanism}=[password={password}]")

    def add_partitions(self, name, partitions):
        self._topic_tool("--alter", "--topic", name, "--partitions", str(partitions))

    def delete_topic(self, name):
        self._topic_tool("--delete", "--topic", name)

    def list_topics(self):
        return self._topic_tool("--list").decode().split()

    def delete_records(self, name, partition, before):
        """Forgets what lies before an offset, as retention does."""
        path = self.directory / "delete-records.json"
        path.write_text(json.dumps({"version": 1, "partitions": [
            {"topic": name, "partition": partition, "offset": before}]}))
        self._tool("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", self.address,
                   "--offset-json-file", str(path))

    def end_offsets(self, name):
        out = self._tool("org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", self.address,
                         "--topic", name).decode()
        rows = [line.rsplit(":", 2) for line in out.split()]
        return {int(partition): int(offset) for _, partition, offset in rows}

    def produce(self, topic, values, keys=None):
        """Values (and keys) are str or bytes without newline or tab."""
        rows = [_bytes(value) for value in values]
        options = []
        if keys is not None:
            rows = [_bytes(key) + b"\t" + row for key, row in zip(keys, rows, strict=True)]
            options = ["--property", "parse.key=true"]
        self._tool("kafka.tools.ConsoleProducer", "--bootstrap-server", self.address,
                   "--topic", topic, "--request-required-acks", "all", *options,
                   stdin=b"".join(row + b"\n" for row in rows))

    def consume(self, topic, count, timeout=30):
        """The first count records of all partitions; fewer when no more come within timeout."""
        properties = {
            "print.partition": "true", "print.offset": "true", "print.timestamp": "true",
            "print.headers": "true", "print.key": "true", "key.separator": FIELD,
            "headers.separator": "\x1d", "null.literal": TOMBSTONE,
        }
        options = [word for key, value in properties.items()
                   for word in ("--property", f"{key}={value}")]
        out = self._tool(
            "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", self.address,
            "--topic", topic, "--from-beginning", "--max-messages", str(count),
            "--timeout-ms", str(int(timeout * 1000)), "--isolation-level", "read_committed",
            *options, timeout=timeout + 60)
        return [_record(line) for line in out.decode().split("\n") if FIELD in line]


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


def _headers(text):
    if text in ("NO_HEADERS", ""):
        return {}
    return dict(one.split(":", 1) for one in text.split("\x1d"))


def _optional(text):
    return None if text in (TOMBSTONE, "null") else text


def _record(line):
    stamp, partition, offset, headers, key, value = line.split(FIELD, 5)
    return Record(
        partition=int(partition.split(":")[1]), offset=int(offset.split(":")[1]),
        timestamp_ms=int(stamp.split(":")[1]), headers=_headers(headers), key=_optional(key),
        value=_optional(value))
