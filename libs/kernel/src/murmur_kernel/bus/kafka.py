"""Kafka through aiokafka, the only module of the kernel that knows its API."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from murmur_access import BrokerAccess, broker_access
from murmur_events import LARGEST_RECORD, Record
from murmur_kernel.bus.base import OnRevoke, TopicPartition
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord

_FETCH_MS = 200
_MAX_RECORDS = 500
_LOOK_UP_SECONDS = 5.0


class KafkaSink:
    """An idempotent producer with acks=all. After a failure it starts anew, so that order per key is kept."""

    def __init__(self, brokers: BrokerAccess | str, client_id: str) -> None:
        self._access = broker_access(brokers)
        self._brokers = self._access.brokers
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """The connection is made with the first send, so that a service starts while the broker is away."""

    async def stop(self) -> None:
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def send(self, records: Sequence[Record]) -> None:
        try:
            producer = await self._connected()
            for portion in _portions(records):
                acknowledgements = [
                    await producer.send(record.topic, key=record.key, value=record.value, headers=[*record.headers])
                    for record in portion
                ]
                for acknowledgement in acknowledgements:
                    await acknowledgement
        except (KafkaError, OSError) as error:
            await self._forget()
            raise Transient(f"the broker at {self._brokers} did not acknowledge: {error!r}") from error

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._access.arguments(),
                client_id=self._client_id,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                request_timeout_ms=10_000,
                max_request_size=LARGEST_RECORD,
            )
            try:
                await producer.start()
            except BaseException:  # cancellation too: a producer that did not start still has tasks to end
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _forget(self) -> None:
        try:
            await self.stop()
        except (KafkaError, OSError):
            return  # a producer that cannot even be closed is dropped; the next send makes a new one


def _portions(records: Sequence[Record]) -> Iterator[list[Record]]:
    """In order, each about as large as the largest record at most: a broker reads no request of over 100 MiB."""
    portion: list[Record] = []
    size = 0
    for record in records:
        if portion and size + record.size > LARGEST_RECORD:
            yield portion
            portion, size = [], 0
        portion.append(record)
        size += record.size
    if portion:
        yield portion


def _digest(topics: Sequence[str]) -> str:
    return sha256(" ".join(sorted(topics)).encode()).hexdigest()[:8]


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """A member of a consumer group with manual commits. `instance` makes it come back to its partitions at once,
    unless it listens to other topics than before: Kafka gives a member that comes back what it had, and a newer release
    would never hear what is new to it. Then it is another member, and the former one's partitions wait until Kafka
    gives that one up, `session_timeout_ms`.

    exact_keys: a key that is no UTF-8 keeps its bytes, as surrogates; such a text fits into no store.
    """

    def __init__(
        self, brokers: BrokerAccess | str, group: str, topics: Sequence[str], *, instance: str, exact_keys: bool = False
    ) -> None:
        self._key_errors = "surrogateescape" if exact_keys else "replace"
        self._topics = topics
        access = broker_access(brokers)
        self._brokers = access.brokers
        self._on_revoke: OnRevoke | None = None
        self._consumer = AIOKafkaConsumer(
            **access.arguments(),
            group_id=group,
            group_instance_id=f"{instance}-{_digest(topics)}",
            client_id=instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=15_000,
            fetch_max_wait_ms=500,  # the broker answers as soon as there is a record: this only spares idle asking
        )

    async def start(self, on_revoke: OnRevoke) -> None:
        self._on_revoke = on_revoke
        try:
            await self._consumer.start()
            self._consumer.subscribe(self._topics, listener=self)
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise Transient(f"the broker at {self._brokers} does not answer: {error!r}") from error

    async def stop(self) -> None:
        """While the broker is away aiokafka can end this with the cancellation of a task of its own: not ours."""
        await asyncio.gather(self._consumer.stop(), return_exceptions=True)

    async def fetch(self) -> Sequence[RawRecord]:
        try:
            batches = await self._consumer.getmany(timeout_ms=_FETCH_MS, max_records=_MAX_RECORDS)
        except (KafkaError, OSError) as error:
            raise Transient(f"cannot read from {self._brokers}: {error!r}") from error
        return [_raw(message, self._key_errors) for messages in batches.values() for message in messages]

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        held = {KafkaPartition(*place): offset for place, offset in offsets.items() if self._holds(place)}
        try:
            if held:
                await self._consumer.commit(held)
        except (KafkaError, OSError) as error:
            raise Transient(f"cannot commit to {self._brokers}: {error!r}") from error

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if self._holds(partition):
            self._consumer.seek(KafkaPartition(*partition), offset)

    def pause(self, partition: TopicPartition) -> None:
        if self._holds(partition):
            self._consumer.pause(KafkaPartition(*partition))

    def resume(self, partition: TopicPartition) -> None:
        if self._holds(partition):
            self._consumer.resume(KafkaPartition(*partition))

    def _holds(self, partition: TopicPartition) -> bool:
        return KafkaPartition(*partition) in self._consumer.assignment()

    async def lag(self) -> int:
        total = 0
        for partition in self._consumer.assignment():
            highwater = self._consumer.highwater(partition)
            if highwater is not None:
                try:
                    total += max(0, highwater - await self._consumer.position(partition))
                except (KafkaError, OSError):
                    continue  # a partition without a position yet has no lag that can be told
        return total

    async def on_partitions_revoked(self, revoked: Iterable[KafkaPartition]) -> None:
        if self._on_revoke is not None:
            await self._on_revoke([TopicPartition(place.topic, place.partition) for place in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[KafkaPartition]) -> None:
        """The group's committed offsets are where reading starts; nothing else is to be done."""


class KafkaReader:
    """A connection of its own for each call: people look records up now and then, and nothing is held meanwhile."""

    def __init__(self, brokers: BrokerAccess | str, client_id: str) -> None:
        self._access = broker_access(brokers)
        self._client_id = client_id

    async def read(self, partition: TopicPartition, offset: int) -> RawRecord | None:
        consumer = AIOKafkaConsumer(
            **self._access.arguments(), client_id=self._client_id, enable_auto_commit=False, request_timeout_ms=5_000
        )
        try:
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                await consumer.start()
                return await _read_one(consumer, KafkaPartition(*partition), offset)
        except (KafkaError, OSError) as error:  # TimeoutError is one
            raise Transient(f"cannot read from {self._access.brokers}: {error!r}") from error
        finally:
            await asyncio.gather(consumer.stop(), return_exceptions=True)


async def _read_one(consumer: AIOKafkaConsumer, place: KafkaPartition, offset: int) -> RawRecord | None:
    consumer.assign([place])
    first, end = (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]
    if not first <= offset < end:
        return None
    consumer.seek(place, offset)
    message = await consumer.getone(place)
    return _raw(message, "replace") if message.offset == offset else None


def _raw(message: ConsumerRecord, key_errors: str) -> RawRecord:
    return RawRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=(message.key or b"").decode("utf-8", errors=key_errors),
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in message.headers),
    )
