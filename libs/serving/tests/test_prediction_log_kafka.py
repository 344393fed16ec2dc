"""The prediction log against a real broker."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer

from murmur_events import LARGEST_RECORD, Record, from_record
from murmur_serving.errors import SinkAway
from murmur_serving.predictionlog import KafkaSink, Origin, PredictionLog, Rows, sink_for

pytestmark = pytest.mark.flock


async def test_rows_reach_kafka_in_order_once_each(brokers: str, tmp_path: Path) -> None:
    origin = Origin("kafka-test", "credit", 3, "a" * 64, "credit-v3-1", 0, ("limit",))
    log = PredictionLog.open(tmp_path, origin, sink_for(brokers, client_id="credit-v3-1"))
    sent = [f"r-{number}" for number in range(1700)]
    for request_id in sent:
        log.append(Rows.of_request(request_id, 0.001), datetime.now(UTC), features=np.ones((1, 1)), outputs=[0.5])
        await asyncio.sleep(0)
    await log.close()
    assert log.waiting == 0

    consumer = AIOKafkaConsumer("prediction.logged", bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    received: list[str] = []
    ids: list[str] = []
    async with asyncio.timeout(20):
        while len(received) < len(sent):
            record = await consumer.getone()
            envelope = from_record(record.topic, record.value, record.headers)
            if envelope.key == origin.deployment:
                ids.append(envelope.id)
                received += envelope.event.request_ids
    await consumer.stop()
    assert received == sent
    assert len(set(ids)) == len(ids)


async def test_a_broker_that_is_away_is_said_and_closing_is_quick() -> None:
    sink = KafkaSink("127.0.0.1:1", client_id="x")
    with pytest.raises(SinkAway, match="Kafka"):
        await sink.send(Record("prediction.logged", b"k", b"v", ()))
    async with asyncio.timeout(2):
        await sink.close()


async def test_a_row_of_megabytes_is_shipped(brokers: str) -> None:
    sink = KafkaSink(brokers, client_id="wide")
    record = Record("prediction.logged", b"wide", b"", ())
    await sink.send(record._replace(value=b"x" * (LARGEST_RECORD - record.size)))
    await sink.close()
