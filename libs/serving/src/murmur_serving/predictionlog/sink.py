"""Where batches go: Kafka, through a producer that is made when it is needed and thrown away when it fails."""

import asyncio
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from murmur_access import AccessError, BrokerAccess, broker_access
from murmur_events import LARGEST_RECORD, Record
from murmur_serving.errors import SinkAway

_SEND_TIMEOUT = 10.0


class Sink(Protocol):
    """Takes records one after the other; implemented by KafkaSink, and by a list in tests."""

    async def send(self, record: Record) -> None:
        """Returns once the record is stored for good. Raises SinkAway: it may be stored or not, send it again."""

    async def close(self) -> None: ...


class KafkaSink:
    """An idempotent producer, acks=all. Where a broker does not answer in time the record stays with the producer,
    which goes on trying by itself: `send` of that record, said again, waits for it. A refusal costs the producer.
    """

    def __init__(self, brokers: BrokerAccess | str, *, client_id: str, timeout: float = _SEND_TIMEOUT) -> None:
        self._access = broker_access(brokers)
        self._client_id = client_id
        self._timeout = timeout
        self._producer: AIOKafkaProducer | None = None
        self._sent: tuple[Record, asyncio.Future[object]] | None = None

    async def send(self, record: Record) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.shield(await self._stored(record))
        except TimeoutError as error:
            raise SinkAway(f"no answer for {self._timeout:g} s") from error
        except (KafkaError, OSError, AccessError) as error:
            await self.close()
            raise SinkAway(f"{type(error).__name__}: {error}") from error
        self._sent = None

    async def close(self) -> None:
        """What is not acknowledged by then is given up here; whoever asked has it still."""
        producer, self._producer = self._producer, None
        self._sent = None
        if producer is not None:
            await _abandon(producer)

    async def _stored(self, record: Record) -> "asyncio.Future[object]":
        """Ends when the record is stored for good."""
        if self._sent is None or self._sent[0] is not record:
            producer = await self._started()
            self._sent = (
                record,
                await producer.send(record.topic, value=record.value, key=record.key, headers=list(record.headers)),
            )
        return self._sent[1]

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._access.arguments(),
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=int(self._timeout * 1000),
                max_request_size=LARGEST_RECORD,
            )
            try:
                await producer.start()
            except BaseException:
                await _abandon(producer)
                raise
            self._producer = producer
        return self._producer


async def _abandon(producer: AIOKafkaProducer) -> None:
    """`stop` would wait for what it still holds, which without a broker is for ever."""
    await producer._sender.close()
    await producer.client.close()
    producer._closed = True


def sink_for(brokers: BrokerAccess | None, *, client_id: str) -> Sink | None:
    """None without brokers: rows then stay on disk."""
    return KafkaSink(brokers, client_id=client_id) if brokers else None
