"""Compares a ledger with the topics themselves: what Kafka still holds must be there once, as it is."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from murmur_access import BrokerAccess
from murmur_cli.door import NotReachable
from murmur_events.catalog import CATALOG
from murmur_ledger.contents import Digest, Event, Place, Record, digest_of, encoded_record
from murmur_ledger.reader import LedgerReader


@dataclass(frozen=True)
class Difference:
    """`position` is 0 for a record that no entry holds."""

    what: str
    position: int
    topic: str
    partition: int
    offset: int


@dataclass
class Comparison:
    """events, digests: entries that say what Kafka says. gone: records that Kafka dropped. waiting: newer ones."""

    events: int = 0
    digests: int = 0
    digested: int = 0
    gone: int = 0
    waiting: int = 0
    faults: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    def document(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True)
class _Held:
    position: int
    content: Event | Digest

    @property
    def first(self) -> int:
        return self.content.first if isinstance(self.content, Digest) else self.content.record.offset

    @property
    def last(self) -> int:
        return self.content.last if isinstance(self.content, Digest) else self.content.record.offset


async def compare(ledger: Path, access: BrokerAccess) -> Comparison:
    """Every partition of the catalog. It holds one partition's entries in memory at a time. Raises NotReachable."""
    result = Comparison()
    held: dict[Place, list[_Held]] = defaultdict(list)
    for entry in LedgerReader(ledger).entries():
        match entry.content:
            case Event(record=record):
                held[record.place].append(_Held(entry.position, entry.content))
            case Digest(place=place):
                held[place].append(_Held(entry.position, entry.content))
            case _:
                continue
    consumer = AIOKafkaConsumer(**access.arguments(), enable_auto_commit=False)
    try:
        await consumer.start()
    except (KafkaError, OSError) as error:
        await consumer.stop()
        raise NotReachable(access.brokers, str(error) or type(error).__name__) from error
    try:
        places = [TopicPartition(topic.name, number) for topic in CATALOG for number in range(topic.partitions)]
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in places:
            await _partition(consumer, place, begins[place], ends[place], held, result)
    finally:
        await consumer.stop()
    return result


async def _partition(
    consumer: AIOKafkaConsumer,
    where: TopicPartition,
    begin: int,
    end: int,
    held: dict[Place, list[_Held]],
    result: Comparison,
) -> None:
    place = Place(*where)
    said = {record.offset: record async for record in _records(consumer, where, begin, end)}
    expected = min(said, default=0)
    for one in sorted(held.get(place, []), key=lambda one: one.first):
        if one.first < begin:
            result.gone += min(one.last, begin - 1) - one.first + 1
            expected = max(expected, one.last + 1)
            continue
        for offset in range(expected, one.first):
            if offset in said:
                result.faults.append(Difference("not in the ledger", 0, *place, offset))
        if one.first < expected:
            result.faults.append(Difference("twice in the ledger", one.position, *place, one.first))
            continue
        expected = one.last + 1
        _judge(one, [said[offset] for offset in range(one.first, one.last + 1) if offset in said], place, result)
    result.waiting += sum(1 for offset in said if offset >= expected)


def _judge(one: _Held, records: list[Record], place: Place, result: Comparison) -> None:
    content = one.content
    if not records:
        result.faults.append(Difference("not in Kafka", one.position, *place, one.first))
    elif isinstance(content, Event):
        if encoded_record(content.record) == encoded_record(records[0]):
            result.events += 1
        else:
            result.faults.append(Difference("another record in Kafka", one.position, *place, one.first))
    elif digest_of(records, content.at) == content:
        result.digests += 1
        result.digested += content.count
    else:
        result.faults.append(Difference("other records in Kafka than digested", one.position, *place, one.first))


async def _records(consumer: AIOKafkaConsumer, where: TopicPartition, begin: int, end: int) -> AsyncIterator[Record]:
    if begin >= end:
        return
    consumer.assign([where])
    consumer.seek(where, begin)
    while await consumer.position(where) < end:
        for message in (await consumer.getmany(where, timeout_ms=500)).get(where, ()):
            if message.offset < end:
                headers = tuple((name, value or b"") for name, value in message.headers)
                yield Record(
                    message.topic, message.partition, message.offset, message.key or b"", headers, message.value or b""
                )
