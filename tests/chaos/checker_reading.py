"""Reads what the checker judges: every record of Kafka, the stores as they lie on the disk, the processes of /proc."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from checker_world import Fact, Json, Memory

_ASYNCAPI = Path(__file__).parents[2] / "contracts" / "asyncapi.yaml"
_AT_ONCE = 5000


def channels() -> dict[str, tuple[str, str]]:
    """topic -> (owner, key field), as the published contract says."""
    document = json.loads(_ASYNCAPI.read_text())
    return {name: (channel["x-owner"], channel["x-key"]) for name, channel in document["channels"].items()}


async def read_topics(brokers: str, topics: Mapping[str, object]) -> tuple[list[Fact], list[str]]:
    """(events, complaints about records that are none), each partition whole and in order."""
    places = [TopicPartition(topic, number) for topic, number in await _partitions(brokers, sorted(topics))]
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        facts: list[Fact] = []
        wrong: list[str] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=200, max_records=_AT_ONCE)
            for message in (message for messages in batches.values() for message in messages):
                try:
                    facts.append(_fact(message))
                except (KeyError, ValueError) as error:
                    wrong.append(f"{message.topic} {message.partition}/{message.offset}: {error!r}")
    finally:
        await consumer.stop()
    return sorted(facts, key=lambda fact: (fact.topic, fact.partition, fact.offset)), wrong


async def _partitions(brokers: str, topics: list[str]) -> list[tuple[str, int]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        found = await admin.describe_topics(topics)
    finally:
        await admin.close()
    return [(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]


def _fact(message: Any) -> Fact:
    headers = {name: (value or b"").decode() for name, value in message.headers}
    value, key = message.value or b"", message.key or b""
    whole = repr((key, value, sorted(message.headers))).encode()
    return Fact(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=key.decode(),
        id=headers["ce_id"],
        source=headers["ce_source"],
        sequence=int(headers["ce_sequence"]),
        correlation=headers["ce_correlationid"],
        cause=headers.get("ce_causationid"),
        body=json.loads(value),
        digest=hashlib.sha256(whole).hexdigest(),
    )


def read_sqlite(home: Path) -> list[Memory]:
    """One memory a service; tables that a store does not have (another kind of service) make no memory."""
    return [memory for path in sorted((home / "stores").glob("*.db")) if (memory := _sqlite(path)) is not None]


def _sqlite(path: Path) -> Memory | None:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"documents", "inbox", "outbox", "sequences", "jobs"} <= tables:
            return None
        connection.execute("BEGIN")  # one moment for all of it
        documents: dict[str, list[Json]] = {}
        for kind, body in connection.execute("SELECT kind, body FROM documents"):
            documents.setdefault(kind, []).append(json.loads(body))
        return Memory(
            service=path.stem,
            documents=documents,
            inbox=frozenset(mark for (mark,) in connection.execute("SELECT mark FROM inbox")),
            outbox=tuple(told(text) for (text,) in connection.execute("SELECT envelope FROM outbox")),
            sequences=tuple(connection.execute("SELECT aggregate, key, value FROM sequences")),
            jobs=tuple(_jobs(connection)),
            parked=tuple(
                f"{topic} {key} for {awaits}"
                for topic, key, awaits in connection.execute("SELECT topic, key, awaits FROM parked")
            ),
            dead_letters=tuple(
                f"{error}: {reason}" for error, reason in connection.execute("SELECT error, reason FROM dead_letters")
            ),
        )
    finally:
        connection.close()


def _jobs(connection: sqlite3.Connection) -> Iterator[Json]:
    names = ("id", "state", "attempt", "due", "error")
    sql = "SELECT id, state, attempt, due, error FROM jobs WHERE state != 'ended'"
    return (dict(zip(names, row, strict=True)) for row in connection.execute(sql))


def told(text: str) -> str:
    """An envelope of an outbox in a few words."""
    envelope = json.loads(text)
    return f"{envelope['topic']} {envelope['key']} ({envelope['id'][:8]})"


def tagged_processes(tag: str) -> tuple[str, ...]:
    """Living processes with MURMUR_FLOCK=<tag> in their environment, this one and its ancestors left out."""
    spared, pid = set(), os.getpid()
    while pid > 1:
        spared.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if f"MURMUR_FLOCK={tag}".encode() in environment and line and int(folder.name) not in spared:
            found.append(f"pid {folder.name}: {line[:120]}")
    return tuple(found)
