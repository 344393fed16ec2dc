"""The flock's history as it stands in Kafka: every event from the beginning, and each new one as it happens."""

import asyncio
import math
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from murmur_access import BrokerAccess, broker_access
from murmur_cli.door import NotReachable
from murmur_cli.ordering import CausalOrder
from murmur_events import ContractError, Envelope, from_record
from murmur_events.catalog import CATALOG, topic_named

_MANY = ("prediction.logged", "feedback.recorded", "run.logged")
STORY_TOPICS = tuple(topic.name for topic in CATALOG if topic.name not in _MANY)
"""Everything but what models, runs and those who label say many times a second."""


async def events(
    brokers: BrokerAccess | str, *, topics: Collection[str] = STORY_TOPICS, follow: bool = False
) -> AsyncGenerator[Envelope]:
    """All envelopes since the beginning, by time, causes before effects; with `follow` it goes on as events arrive.

    Raises NotReachable when the broker does not answer. Records that are no events are left out.
    """
    access = broker_access(brokers)
    consumer = AIOKafkaConsumer(
        **access.arguments(), enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    try:
        await consumer.start()
    except (KafkaError, OSError) as error:
        await consumer.stop()
        raise NotReachable(access.brokers, str(error) or type(error).__name__) from error
    try:
        places = [
            TopicPartition(topic, partition) for topic in topics for partition in range(topic_named(topic).partitions)
        ]
        loop, order = asyncio.get_running_loop(), CausalOrder()
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for envelope in order.sorted(await _until(consumer, ends), math.inf):
            yield envelope
        while follow:
            for envelope in order.sorted(await _some(consumer), loop.time()):
                yield envelope
    finally:
        await consumer.stop()


async def past(brokers: BrokerAccess | str) -> list[Envelope]:
    """The whole story so far, ordered by time. Raises NotReachable."""
    async with aclosing(events(brokers)) as history:
        return [envelope async for envelope in history]


async def _until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[Envelope]:
    found: list[Envelope] = []
    while any([await consumer.position(place) < end for place, end in ends.items()]):
        found += await _some(consumer)
    return found


async def _some(consumer: AIOKafkaConsumer) -> list[Envelope]:
    try:
        batches = await consumer.getmany(timeout_ms=100)
    except KafkaError:
        await asyncio.sleep(0.2)
        return []
    found: list[Envelope] = []
    for messages in batches.values():
        for message in messages:
            try:
                found.append(from_record(message.topic, message.value, message.headers))
            except ContractError:
                continue  # its consumers have made a dead letter of it, with the reason
    return found
