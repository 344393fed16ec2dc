"""A broker in a list, for unit tests. It shares its contract suite with Kafka."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from zlib import crc32

from murmur_events import Record
from murmur_events.catalog import topic_named
from murmur_kernel.bus.base import OnRevoke, TopicPartition
from murmur_kernel.store import RawRecord


class MemoryBroker:
    """Topics with partitions, and one member a group."""

    def __init__(self) -> None:
        self.log: dict[TopicPartition, list[RawRecord]] = defaultdict(list)
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self.appended = asyncio.Condition()

    async def append(self, record: Record) -> None:
        partition = crc32(record.key) % topic_named(record.topic).partitions
        place = TopicPartition(record.topic, partition)
        self.log[place].append(
            RawRecord(
                topic=record.topic,
                partition=partition,
                offset=len(self.log[place]),
                key=record.key.decode(),
                value=record.value,
                headers=record.headers,
            )
        )
        async with self.appended:
            self.appended.notify_all()

    def records(self, topic: str) -> list[RawRecord]:
        return [record for place, records in self.log.items() if place.topic == topic for record in records]


class MemorySink:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        for record in records:
            await self._broker.append(record)


class MemorySource:
    def __init__(self, broker: MemoryBroker, group: str, topics: Sequence[str], *, wait: float = 0.2) -> None:
        self._broker = broker
        self._group = group
        self._topics = frozenset(topics)
        self._wait = wait
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._on_revoke: OnRevoke | None = None

    async def start(self, on_revoke: OnRevoke) -> None:
        self._on_revoke = on_revoke

    async def stop(self) -> None:
        if self._on_revoke:
            await self._on_revoke(list(self._positions))

    async def fetch(self) -> Sequence[RawRecord]:
        if not (found := self._take()):
            async with self._broker.appended:
                try:
                    async with asyncio.timeout(self._wait):
                        await self._broker.appended.wait()
                except TimeoutError:
                    return []
            found = self._take()
        return found

    def _take(self) -> list[RawRecord]:
        found: list[RawRecord] = []
        for place, records in self._broker.log.items():
            if place.topic in self._topics and place not in self._paused:
                start = self._positions.get(place, self._broker.committed.get((self._group, place), 0))
                found += records[start:]
                self._positions[place] = len(records)
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        for place, offset in offsets.items():
            self._broker.committed[self._group, place] = offset

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    def pause(self, partition: TopicPartition) -> None:
        self._paused.add(partition)

    def resume(self, partition: TopicPartition) -> None:
        self._paused.discard(partition)

    async def lag(self) -> int:
        return sum(
            len(records) - self._positions.get(place, self._broker.committed.get((self._group, place), 0))
            for place, records in self._broker.log.items()
            if place.topic in self._topics
        )


class MemoryReader:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def read(self, partition: TopicPartition, offset: int) -> RawRecord | None:
        return next((record for record in self._broker.log[partition] if record.offset == offset), None)
