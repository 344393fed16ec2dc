"""What the deployer's real processes hear and say on a real broker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from murmur_events import Envelope, Event, to_record, topic_of


async def publish(brokers: str, event: Event) -> None:
    """As the registry, in a chain of its own."""
    topic = topic_of(event)
    record = to_record(
        Envelope(
            id=str(uuid4()),
            source="registry",
            topic=topic.name,
            key=topic.key_of(event),
            time=datetime.now(UTC),
            sequence=1,
            correlation_id=str(uuid4()),
            causation_id=None,
            event=event,
        )
    )
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await producer.start()
    await producer.send_and_wait(record.topic, record.value, key=record.key, headers=list(record.headers))
    await producer.stop()


@asynccontextmanager
async def heard(brokers: str, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    """From the oldest record on."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    yield consumer
    await consumer.stop()
