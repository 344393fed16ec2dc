"""A broker that listens and says nothing costs the model server nothing but patience."""

import asyncio
import contextlib
import signal
import socket

import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from log_fixtures import NOON, ORIGIN

from murmur_events import Record
from murmur_runtime.testing import listening_at
from murmur_serving.errors import SinkAway
from murmur_serving.predictionlog import KafkaSink, Rows
from murmur_serving.predictionlog.blocks import blocks_in, pack
from murmur_serving.predictionlog.rows import to_batch


def record() -> Record:
    refused = {"features": None, "outputs": None}
    content = pack(Rows.of_request("r-1", 0.001), NOON, status=400, batch=False, most_rows=9, **refused)
    return to_batch(ORIGIN, "s/000001", 0, list(blocks_in(content, 2)))


async def until_stored(sink: KafkaSink, record: Record) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(SinkAway):
                return await sink.send(record)


async def test_a_silent_broker_leaks_neither_tasks_nor_sockets() -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # connected to by the kernel, accepted by nobody
    sink = KafkaSink(f"127.0.0.1:{listener.getsockname()[1]}", client_id="test", timeout=0.1)
    sent, process = record(), psutil.Process()
    with listener:
        before = None
        for _ in range(10):
            with pytest.raises(SinkAway):
                await sink.send(sent)
            await asyncio.sleep(0)
            known = (len(asyncio.all_tasks()), process.num_fds())
            before = before or known
        await sink.close()
    assert known[0] <= before[0] + 1
    assert known[1] <= before[1] + 2


@pytest.mark.flock
async def test_a_record_that_was_not_acknowledged_in_time_waits_with_its_producer(
    own_brokers: str,
) -> None:
    """Sent again and again while the broker sleeps, and stored once when it wakes."""
    sink, sent = KafkaSink(own_brokers, client_id="test", timeout=2.0), record()
    await until_stored(sink, sent)
    stopped = listening_at(own_brokers)
    stopped.send_signal(signal.SIGSTOP)
    try:
        again, tasks = record(), set()
        for _ in range(3):
            with pytest.raises(SinkAway):
                await sink.send(again)
            tasks.add(len(asyncio.all_tasks()))
    finally:
        stopped.send_signal(signal.SIGCONT)
    await until_stored(sink, again)
    await sink.close()
    assert max(tasks) - min(tasks) <= 1
    consumer = AIOKafkaConsumer(sent.topic, bootstrap_servers=own_brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found = await consumer.getmany(timeout_ms=5000)
        assert sum(map(len, found.values())) == 2
    finally:
        await consumer.stop()
