"""Two replicas of one service over one MongoDB database and a real broker: one is killed, or stopped and continued."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from counting import requested
from replica_process import TALLIES, Tally

from murmur_events import Envelope, Record, from_record, to_record
from murmur_events.training import TrainingSkipped
from murmur_kernel.bus.kafka import KafkaSink, KafkaSource
from murmur_kernel.clock import SystemClock
from murmur_kernel.documents import Query
from murmur_kernel.store import MongoStore
from murmur_kernel.testing import eventually

EVENTS, KEYS = 500, 50
HERE = Path(__file__).parent

pytestmark = pytest.mark.flock


def question(number: int) -> Record:
    workflow = f"w{number % KEYS}"
    return to_record(
        Envelope(
            id=f"q{number}",
            source="client",
            topic="training.requested",
            key=workflow,
            time=SystemClock().now(),
            sequence=number,
            correlation_id="c",
            causation_id=None,
            event=requested(workflow, reason=f"{number // KEYS}"),
        )
    )


@asynccontextmanager
async def replica(number: int, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        HERE / "replica_process.py",
        env={**os.environ, **environment, "PYTHONPATH": str(HERE), "MURMUR_REPLICA": f"{number}"},
        stdout=PIPE,
    )
    assert process.stdout is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        while b'"ready"' not in (line := await process.stdout.readline()):
            assert line, "the replica ended before it was ready"
        drain = asyncio.create_task(process.stdout.read())
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if drain is not None:
            await drain


async def answers(brokers: str, group: str) -> AsyncIterator[list[TrainingSkipped]]:
    """All that was published so far, first occurrences only, then again and again."""
    source = KafkaSource(brokers, group, ["training.skipped"], instance=group)
    await source.start(_nothing)
    ids: Counter[str] = Counter()
    events: list[TrainingSkipped] = []
    try:
        while True:
            for record in await source.fetch():
                envelope = from_record(record.topic, record.value, record.headers)
                ids[envelope.id] += 1
                if ids[envelope.id] == 1:
                    assert isinstance(envelope.event, TrainingSkipped)
                    events.append(envelope.event)
            yield events
    finally:
        await source.stop()


async def _nothing(places: Sequence[object]) -> None: ...


@pytest.mark.timeout(180)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
async def test_each_event_is_handled_once_and_in_order_whatever_happens_to_a_replica(
    own_brokers: str, mongodb: str, blow: signal.Signals
) -> None:
    database = f"test_replicas_{blow.name}_{os.getpid()}"
    uri = mongodb.replace("/?", f"/{database}?")
    environment = {"MURMUR_STORE": uri, "MURMUR_BROKERS": own_brokers, "MURMUR_LOG_LEVEL": "warning"}
    store = MongoStore(uri, "")
    await store.open({TALLIES.name: TALLIES.indexes})
    sink = KafkaSink(own_brokers, "client")
    try:
        async with replica(0, environment) as first, replica(1, environment):
            await sink.send([question(number) for number in range(EVENTS // 2)])
            await eventually(lambda: _handled(store, EVENTS // 5), within=60)
            first.send_signal(blow)
            await sink.send([question(number) for number in range(EVENTS // 2, EVENTS)])
            await eventually(lambda: _handled(store, EVENTS * 3 // 4), within=90)
            if blow is signal.SIGSTOP:
                first.send_signal(signal.SIGCONT)
            await eventually(lambda: _handled(store, EVENTS), within=60)
            expected = [f"{number}" for number in range(EVENTS // KEYS)]
            assert {key: list(tally.handled) for key, tally in (await _tallies(store)).items()} == {
                f"w{key}": expected for key in range(KEYS)
            }
            published = await _published(own_brokers, f"look-{blow.name}")
            for key in _keys():
                assert [event.detail for event in published if event.workflow == key] == expected
    finally:
        await sink.stop()
        await store.close()


def _keys() -> list[str]:
    return [f"w{number}" for number in range(KEYS)]


async def _published(brokers: str, group: str) -> list[TrainingSkipped]:
    async with asyncio.timeout(30):
        async for events in answers(brokers, group):
            if len(events) >= EVENTS:
                return events
    raise AssertionError


async def _tallies(store: MongoStore) -> dict[str, Tally]:
    page = await store.find(TALLIES.name, Query(limit=KEYS))
    return {document.id: TALLIES.load(document.body) for document in page.items}


async def _handled(store: MongoStore, count: int) -> bool:
    return sum(len(tally.handled) for tally in (await _tallies(store)).values()) >= count
