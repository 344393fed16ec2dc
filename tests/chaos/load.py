"""Producers under load, and the book they keep of what was acknowledged: what the broker promised must be there."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from aiokafka import AIOKafkaConsumer, TopicPartition

from murmur_access import BrokerAccess, broker_access
from murmur_events import Record
from murmur_kernel.backoff import Backoff
from murmur_kernel.bus.kafka import KafkaSink
from murmur_kernel.errors import Transient

_BATCH = 20


@dataclass
class Load:
    """Writers with the kernel's own sink, each with a key of its own, publishing as the outbox relay does: the next
    batch once this one is acknowledged, this one again while it is not."""

    brokers: BrokerAccess | str
    topic: str = "run.logged"
    writers: int = 4
    acknowledged: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)
    _done: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        async with asyncio.TaskGroup() as group:
            for number in range(self.writers):
                group.create_task(self._write(f"load-{number}"))
            try:
                yield self
            finally:
                self._done = True

    @property
    def total(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    async def _write(self, key: str) -> None:
        sink = KafkaSink(self.brokers, key)
        try:
            for first in count(0, _BATCH):
                if self._done:
                    return
                numbers = range(first, first + _BATCH)
                records = [Record(self.topic, key.encode(), b"%d" % number, ()) for number in numbers]
                await self._until_sent(sink, records)
                self.acknowledged[key] += numbers
        finally:
            await sink.stop()

    async def _until_sent(self, sink: KafkaSink, records: list[Record]) -> None:
        backoff = Backoff(longest=1)
        while True:
            try:
                return await sink.send(records)
            except Transient as error:
                self.failures.append(str(error))
                await asyncio.sleep(backoff.next())


async def written(brokers: BrokerAccess | str, topic: str, partitions: int) -> dict[str, list[int]]:
    """Every record of the load, by key, in the order of the log."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    access = broker_access(brokers)
    consumer = AIOKafkaConsumer(**access.arguments(), auto_offset_reset="earliest", enable_auto_commit=False)
    async with consumer:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for record in batch:
                    found[record.key.decode()].append(int(record.value))
    return dict(found)
