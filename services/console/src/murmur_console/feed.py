"""Where the console hears the flock from: all topics of the catalog, from their beginning, without a consumer group."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from murmur_access import BrokerAccess, broker_access
from murmur_console.memory import FeedState, Memory
from murmur_events import CATALOG, ContractError, from_record
from murmur_kernel.backoff import Backoff

log = structlog.get_logger()

TOPICS = tuple(topic for topic in CATALOG if topic.name not in ("prediction.logged", "feedback.recorded"))
_CLIENTS = {topic.name: ("ce_source", topic.also.encode()) for topic in TOPICS if topic.also}
"""How clients' runs are known, which are not heard: their pages ask tracking, and here they would take the place of all
else, since there may be thousands an hour."""

_FETCH_MS = 200
_AT_ONCE = 50
"""Records: about ten milliseconds, so that pages are answered while a long history is read."""

_PROBE_SECONDS = 0.5
_PATIENCE_SECONDS = 2.0


class Feed(Protocol):
    """Tells a memory all that happened and then all that happens; never returns. `source` is where from, in words."""

    source: str

    async def run(self, memory: Memory) -> None: ...


class KafkaFeed:
    """Reads on where it stopped when the broker comes back. Never commits: the console owns no place in any log."""

    def __init__(self, brokers: BrokerAccess | str) -> None:
        self._access = broker_access(brokers)
        self._brokers = self._access.brokers
        self.source = f"the broker at {self._brokers}"
        self._next: dict[TopicPartition, int] = {}
        self._backoff = Backoff(longest=2.0)

    async def run(self, memory: Memory) -> None:
        while True:
            try:
                async with self._consumer() as consumer:
                    await self._read(consumer, memory)
            except (KafkaError, OSError) as error:
                memory.feed_is(FeedState.AWAY, f"{self.source} does not answer")
                log.warning("broker unavailable", error=repr(error))
                await asyncio.sleep(self._backoff.next())

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self._access.arguments(),
            client_id="console",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH_MS,
            request_timeout_ms=5_000,
        )
        try:
            await consumer.start()
            places = [
                TopicPartition(topic.name, partition) for topic in TOPICS for partition in range(topic.partitions)
            ]
            consumer.assign(places)
            for place, offset in self._next.items():  # those never read begin at the earliest
                consumer.seek(place, offset)
            yield consumer
        finally:
            # While its broker is away, stop() lets the cancellation of a task of its own through; it is not ours.
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    async def _read(self, consumer: AIOKafkaConsumer, memory: Memory) -> None:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        memory.feed_is(FeedState.READING_PAST)
        probe = asyncio.create_task(self._probe(), name="broker-probe")
        try:
            while not probe.done():
                for messages in (await consumer.getmany(timeout_ms=_FETCH_MS, max_records=_AT_ONCE)).values():
                    self._hear(messages, memory)
                await asyncio.sleep(0)
                if memory.feed.state is not FeedState.LIVE and await _has_passed(consumer, ends):
                    memory.feed_is(FeedState.LIVE)
                    self._backoff.reset()
            probe.result()
        finally:
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)

    def _hear(self, messages: Sequence[object], memory: Memory) -> None:
        for message in messages:
            topic, partition, offset = message.topic, message.partition, message.offset  # type: ignore[attr-defined]
            self._next[TopicPartition(topic, partition)] = offset + 1
            if _CLIENTS.get(topic) in message.headers:  # type: ignore[attr-defined]
                continue
            try:
                memory.hear(from_record(topic, message.value, message.headers))  # type: ignore[attr-defined]
            except ContractError as error:  # its consumers make a dead letter of it, which is shown
                log.warning("record is no event", topic=topic, partition=partition, offset=offset, why=str(error))

    async def _probe(self) -> None:
        """Raises OSError once no broker takes connections: the client alone would wait for it in silence."""
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            await _reach(self._brokers)


async def _reach(brokers: str) -> None:
    """Raises OSError when none of the comma-separated addresses takes a connection."""
    failure: OSError = OSError(f"{brokers!r} names no broker")
    for broker in brokers.split(","):
        host, _, port = broker.rpartition(":")
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), _PATIENCE_SECONDS)
        except OSError as error:  # TimeoutError is one
            failure = error
            continue
        writer.close()
        return
    raise failure


async def _has_passed(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    for place, end in ends.items():
        if await consumer.position(place) < end:
            return False
    return True
