"""The broker stops answering while a real server is under load: no request fails, and no row is lost or doubled.

`MURMUR_AWAY_SECONDS=60` for as long as the promise says; shorter here.
"""

import asyncio
import os
import signal
from itertools import count

import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from replicas import Replica, start_replica

from murmur_access import BrokerAccess
from murmur_events import from_record
from murmur_runtime.testing import eventually, listening_at

pytestmark = pytest.mark.flock

AWAY = float(os.environ.get("MURMUR_AWAY_SECONDS", "12"))
CALLERS = 4
MEMORY = 64 * 2**20
"""Bytes that the server may grow by meanwhile."""


async def calling(
    replica: Replica, row: list[float], answered: list[str], numbers: "count[int]", end: asyncio.Event
) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{replica.ports.http}", timeout=30) as client:
        while not end.is_set():
            request_id = f"r-{next(numbers)}"
            tensor = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": row}
            response = await client.post("/v2/models/credit/infer", json={"id": request_id, "inputs": [tensor]})
            assert response.status_code == 200, response.text
            answered.append(request_id)


async def shipped(brokers: str, wanted: set[str]) -> list[str]:
    """Request ids in the topic, those of an event that is there twice once."""
    consumer = AIOKafkaConsumer("prediction.logged", bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    events: dict[str, tuple[str, ...]] = {}
    try:
        async with asyncio.timeout(60):
            while not wanted <= {one for ids in events.values() for one in ids}:
                record = await consumer.getone()
                envelope = from_record(record.topic, record.value, record.headers)
                events[envelope.id] = envelope.event.request_ids
    finally:
        await consumer.stop()
    return [one for ids in events.values() for one in ids]


@pytest.mark.timeout(300)
async def test_nothing_is_lost_while_the_broker_does_not_answer(own_brokers: str, model, tmp_path) -> None:
    stopped = listening_at(own_brokers)
    replica = start_replica(model, tmp_path, brokers=BrokerAccess(brokers=own_brokers))
    try:
        await asyncio.to_thread(replica.until_ready)
        answered: list[str] = []
        end, numbers = asyncio.Event(), count()
        row = model.rows[0].tolist()
        callers = [asyncio.create_task(calling(replica, row, answered, numbers, end)) for _ in range(CALLERS)]
        await eventually(lambda: len(answered) > 200, within=30)
        before, memory = len(answered), psutil.Process(replica.process.pid).memory_info().rss
        stopped.send_signal(signal.SIGSTOP)
        await asyncio.sleep(AWAY)  # that long it is away: what is waited for is the time itself
        meanwhile, grown = len(answered) - before, psutil.Process(replica.process.pid).memory_info().rss - memory
        waiting = replica.metrics()["murmur_serving_log_backlog_rows"]
        stopped.send_signal(signal.SIGCONT)
        back = len(answered)
        await eventually(lambda: len(answered) > back + 50, within=30)
        end.set()
        await asyncio.gather(*callers)
        found = await shipped(own_brokers, set(answered))
    finally:
        stopped.send_signal(signal.SIGCONT)
        replica.process.kill()
        replica.process.wait()
    assert meanwhile > 50
    assert waiting > 0.5 * meanwhile
    assert grown < MEMORY
    assert sorted(found) == sorted(answered)
