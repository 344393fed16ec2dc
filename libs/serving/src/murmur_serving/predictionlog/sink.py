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
    """An idempotent producer, acks=all. A failure costs the producer: the next `send` starts with a new one."""

    def __init__(self, brokers: BrokerAccess | str, *, client_id: str) -> None:
        self._access = broker_access(brokers)
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def send(self, record: Record) -> None:
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                producer = await self._started()
                await producer.send_and_wait(
                    record.topic, value=record.value, key=record.key, headers=list(record.headers)
                )
        except (KafkaError, TimeoutError, OSError, AccessError) as error:
            await self.close()
            raise SinkAway(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(1.0):
                await producer.stop()
        except (KafkaError, TimeoutError, OSError):
            return  # the broker is gone, so is everything that stopping politely would have told it

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._access.arguments(),
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=int(_SEND_TIMEOUT * 1000),
                max_request_size=LARGEST_RECORD,
            )
            self._producer = producer
            await producer.start()
        return self._producer


def sink_for(brokers: BrokerAccess | None, *, client_id: str) -> Sink | None:
    """None without brokers: rows then stay on disk."""
    return KafkaSink(brokers, client_id=client_id) if brokers else None
