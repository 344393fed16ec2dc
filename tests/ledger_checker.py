"""An auditor's own program: reads a ledger as its README says, and Kafka directly; it imports nothing of ours."""

import hashlib
import struct
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

Said = dict[tuple[str, int], list[tuple[int, bytes]]]
"""Topic and partition -> offset and the record in the form in which it is hashed, in order."""


def recorded(ledger: Path) -> tuple[Said, Said]:
    """The events of a ledger, and its digests (first offset; last, count, size, SHA-256). Raises AssertionError."""
    events: Said = {}
    digests: Said = {}
    previous, expected = hashlib.sha256((ledger / "ledger.json").read_bytes()).digest(), 1
    for path in sorted(ledger.glob("*.ledger")):
        data, cursor = path.read_bytes(), 0
        while cursor < len(data):
            magic, length = data[cursor : cursor + 4], int.from_bytes(data[cursor + 4 : cursor + 8], "big")
            content = data[cursor + 84 : cursor + 84 + length]
            hashed = hashlib.sha256(data[cursor + 8 : cursor + 52] + hashlib.sha256(content).digest()).digest()
            assert magic == b"MLE1", f"entry {expected} in {path.name} at byte {cursor}"
            assert int.from_bytes(data[cursor + 8 : cursor + 16], "big") == expected
            assert data[cursor + 20 : cursor + 52] == previous, f"entry {expected} does not follow"
            assert data[cursor + 52 : cursor + 84] == hashed, f"entry {expected} is not what was hashed"
            if content[0] in (1, 2):
                size = int.from_bytes(content[9:11], "big")
                topic = content[11 : 11 + size].decode()
                partition, offset = struct.unpack_from(">IQ", content, 11 + size)
                if content[0] == 1:
                    events.setdefault((topic, partition), []).append((offset, content[9:]))
                else:
                    digests.setdefault((topic, partition), []).append((offset, content[23 + size :]))
            previous, expected, cursor = hashed, expected + 1, cursor + 84 + length
    return events, digests


async def said(brokers: str) -> Said:
    """All records of all topics that Kafka holds now."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    found: Said = {}
    try:
        await admin.start()
        await consumer.start()
        names = [name for name in await admin.list_topics() if "." in name and not name.startswith(("_", "murmur"))]
        places = [
            TopicPartition(topic["topic"], one["partition"])
            for topic in await admin.describe_topics(names)
            for one in topic["partitions"]
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, messages in (await consumer.getmany(timeout_ms=500)).items():
                for message in messages:
                    found.setdefault(tuple(place), []).append((message.offset, _hashed(message)))
    finally:
        await consumer.stop()
        await admin.close()
    return found


def _hashed(message) -> bytes:  # type: ignore[no-untyped-def]  # aiokafka ships no types
    parts = [_text(message.topic), struct.pack(">IQ", message.partition, message.offset), _bytes(message.key)]
    parts.append(struct.pack(">H", len(message.headers)))
    for name, value in message.headers:
        parts += [_text(name), _bytes(value)]
    return b"".join([*parts, _bytes(message.value)])


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def _bytes(raw: bytes | None) -> bytes:
    return struct.pack(">I", len(raw or b"")) + (raw or b"")


def differences(kafka: Said, events: Said, digests: Said) -> list[str]:
    """What is not in the ledger exactly once, as Kafka has it."""
    found: list[str] = []
    for place, records in kafka.items():
        if place in digests:
            found += _against_digests(place, records, digests[place])
        elif events.get(place, []) != records:
            held = [offset for offset, _ in events.get(place, [])]
            found.append(f"{place}: Kafka has {[offset for offset, _ in records]}, the ledger {held}")
    found += [f"{place}: in the ledger only" for place in events.keys() | digests.keys() if place not in kafka]
    return found


def _against_digests(
    place: tuple[str, int], records: list[tuple[int, bytes]], digests: list[tuple[int, bytes]]
) -> list[str]:
    found, expected = [], 0
    for first, rest in digests:
        last, count, size, stated = struct.unpack(">QIQ32s", rest)
        batch = [raw for offset, raw in records if first <= offset <= last]
        if (first, len(batch)) != (expected, count) or hashlib.sha256(b"".join(batch)).digest() != stated:
            found.append(f"{place}: the digest of {first} to {last} is not of what Kafka has ({size} bytes)")
        expected = last + 1
    if expected != len(records):
        found.append(f"{place}: digests end at {expected}, Kafka at {len(records)}")
    return found
