"""The whole monitor against a real broker: exact though it is killed, deaf to poison, right about drift."""

import asyncio
import os
import socket
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from label_facts import feedback
from monitor_facts import START, People, model_deployed, parquet_of, predictions, spread, workflow_applied

from murmur_events import Envelope, Event, Record, from_record, to_record, topic_of
from murmur_events.monitoring import DriftDetected
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.bus.kafka import KafkaSink, KafkaSource
from murmur_kernel.testing import eventually
from murmur_monitor.streams import GROUP, TOPIC

pytestmark = [pytest.mark.flock, pytest.mark.timeout(180)]

SLOW = 60.0
"""Seconds: a machine that is busy with other things needs a while to start Python, a consumer group and Faust."""


class Monitor:
    """The service as a process of its own, which a test may kill."""

    def __init__(self, home: Path, brokers: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.brokers = brokers
        self.artifacts = ArtifactStore(f"file://{home}/artifacts")
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._home.mkdir(exist_ok=True)
        environment = os.environ | {
            "MURMUR_HOME": str(self._home),
            "MURMUR_BROKERS": self.brokers,
            "MURMUR_SERVICE_PORT": str(self._port),
            "MURMUR_ANNOUNCE_SECONDS": "20",
            "MURMUR_WINDOW_SCAN_SECONDS": "0.1",
            "MURMUR_QUALITY_SECONDS": "0.2",
        }
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "murmur_monitor"], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def has_ended(self) -> bool:
        """By itself."""
        return self._process is not None and self._process.poll() is not None

    async def items(self, path: str) -> list[dict[str, Any]]:
        """Nothing while it cannot be reached. If it has ended by itself it is started anew, as a supervisor does."""
        if await self.has_ended():
            self.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}/v1") as client:
                answer = await client.get(path)
        except httpx.TransportError:
            return []
        found: list[dict[str, Any]] = answer.json()["items"] if answer.status_code == 200 else []
        return found

    async def labelled(self, deployment: str) -> dict[int, int]:
        """For each window with labels, by minutes after START: how many."""
        windows = await self.items(f"/deployments/{deployment}/windows")
        return {_minutes(window): window["labelled"] for window in windows if window["labelled"]}

    async def label_counts(self, deployment: str) -> dict[str, int]:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}/v1") as client:
            found: dict[str, int] = (await client.get(f"/deployments/{deployment}/labels")).json()
        return found

    async def rows(self, deployment: str) -> dict[int, int]:
        """For each window that was measured, by minutes after START: how many rows it has."""
        windows = await self.items(f"/deployments/{deployment}/windows")
        return {_minutes(window): window["rows"] for window in windows}

    async def watch(self, sink: KafkaSink, people: People, deployment: str) -> None:
        """Have version 1 of a deployment announced."""
        reference = await self.artifacts.put_bytes(parquet_of(people.rows(3000)), suffix=".parquet")
        applied = workflow_applied(deployment, label_delay=timedelta(days=10_000))  # they are about a day long ago
        await say(sink, applied, model_deployed(deployment, reference=reference))


def _minutes(window: dict[str, Any]) -> int:
    return round((datetime.fromisoformat(window["start"]) - START) / timedelta(minutes=1))


@pytest.fixture(scope="module")
def monitor(own_brokers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    monitor = Monitor(tmp_path_factory.mktemp("monitor"), own_brokers)
    monitor.start()
    yield monitor
    monitor.kill()


@pytest.fixture
async def sink(own_brokers: str) -> AsyncIterator[KafkaSink]:
    sink = KafkaSink(own_brokers, "test")
    yield sink
    await sink.stop()


async def say(sink: KafkaSink, *events: Event) -> None:
    await sink.send([record_of(event) for event in events])


def record_of(event: Event) -> Record:
    topic = topic_of(event)
    return to_record(
        Envelope(
            id=str(uuid.uuid4()),
            source="test",
            topic=topic.name,
            key=topic.key_of(event),
            time=START,
            sequence=1,
            correlation_id="test",
            causation_id=None,
            event=event,
        )
    )


async def heard(brokers: str, event: type[Event], key: str) -> list[Event]:
    """All events of a kind and key that are on their topic."""
    source = KafkaSource(brokers, f"test-{uuid.uuid4()}", [topic_of(event).name], instance=f"test-{uuid.uuid4()}")

    async def leave(places: object) -> None: ...

    await source.start(leave)
    try:
        found: list[Event] = []
        for _ in range(50):
            records = await source.fetch()
            found += [from_record(r.topic, r.value, r.headers).event for r in records if r.key == key]
            if found and not records:
                break
        return found
    finally:
        await source.stop()


async def test_shifted_data_drifts_and_stable_data_does_not(monitor: Monitor, sink: KafkaSink) -> None:
    people = People(31)
    await monitor.watch(sink, people, "credit")
    for window, shift in enumerate((0.0, 0.6, 0.0)):
        for part in range(4):
            moments = spread(150, start=START + timedelta(minutes=5 * window))
            await say(
                sink, predictions(people.rows(150, shift=shift), moments, offset=150 * part, segment=f"w{window}")
            )

    async def measured() -> bool:
        return await monitor.rows("credit") == {0: 600, 5: 600, 10: 600}

    await eventually(measured, within=SLOW)
    outcomes = [window["outcome"] for window in await monitor.items("/deployments/credit/windows")]
    assert outcomes == ["stable", "drift", "stable"]
    (drift,) = await heard(monitor.brokers, DriftDetected, "credit")
    assert isinstance(drift, DriftDetected)
    assert {column.feature for column in drift.features if column.drifted} == {"amount", "prediction"}
    (episode,) = await monitor.items("/drifts?deployment=credit")
    assert (episode["episode"], episode["status"]) == (drift.episode, "closed")


async def test_poison_becomes_dead_letters_and_the_stream_goes_on(monitor: Monitor, sink: KafkaSink) -> None:
    people = People(32)
    await monitor.watch(sink, people, "fraud")
    good = predictions(people.rows(100), spread(100), name="fraud")
    odd = good.model_copy(update={"statuses": (200,), "segment": "odd"})
    poison = record_of(good)._replace(value=b"\x00 not json")
    nothing = record_of(good)._replace(value=b"")
    naked = record_of(good)._replace(headers=())
    rest = predictions(people.rows(50), spread(50), name="fraud", offset=100)
    await sink.send([record_of(good), poison, nothing, naked, record_of(odd), record_of(rest)])

    async def went_on() -> bool:
        return await monitor.rows("fraud") == {0: 150}

    await eventually(went_on, within=SLOW)
    letters = [letter for letter in await monitor.items("/dead-letters") if letter["key"] == "fraud"]
    assert sorted(letter["error"] for letter in letters) == [
        "InvalidPayload",
        "InvalidPayload",
        "NotAnEnvelope",
        "NotFoldable",
    ]
    assert {letter["topic"] for letter in letters} == {"prediction.logged"}


async def test_counts_are_exact_though_it_is_killed_in_mid_stream(monitor: Monitor, sink: KafkaSink) -> None:
    people, rows = People(33), 100
    await monitor.watch(sink, people, "churn")
    sent: Counter[int] = Counter()
    enough = asyncio.Event()

    async def predict() -> None:
        """Batches in four windows; every tenth is sent twice, as a model server does that lost an acknowledgement."""
        for number in count():
            if enough.is_set():
                break
            minute = 5 * (number % 4)
            moments = spread(rows, start=START + timedelta(minutes=minute))
            batch = predictions(people.rows(rows), moments, name="churn", offset=rows * number)
            await say(sink, *([batch] * (2 if number % 10 == 0 else 1)))
            sent[minute] += rows
            await asyncio.sleep(0.05)

    async def goes_on(beyond: int) -> bool:
        return sum((await monitor.rows("churn")).values()) > beyond

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(predict())
        beyond = 10 * rows
        for _ in range(2):
            await eventually(partial(goes_on, beyond), within=SLOW)
            beyond = sent.total()
            monitor.kill()
            monitor.start()
        await eventually(partial(goes_on, beyond), within=SLOW)
        enough.set()
    end = spread(rows, start=START + timedelta(minutes=25))
    await say(sink, predictions(people.rows(rows), end, name="churn", segment="last"))

    async def ended() -> bool:
        return 25 in await monitor.rows("churn")

    await eventually(ended, within=SLOW)
    assert await monitor.rows("churn") == {**sent, 25: rows}


async def test_what_was_never_handed_on_is_not_folded_over(monitor: Monitor, sink: KafkaSink) -> None:
    """Faust throws away what its queues hold when partitions move. Here the group's offset leaps over three records."""
    people, rows = People(35), 100
    await monitor.watch(sink, people, "lending")

    async def more(first: int, count: int) -> None:
        for number in range(first, first + count):
            await say(sink, predictions(people.rows(rows), spread(rows), name="lending", offset=rows * number))

    async def counted(expected: int) -> bool:
        return await monitor.rows("lending") == {0: expected * rows}

    await more(0, 4)
    await eventually(partial(counted, 4), within=SLOW)
    monitor.kill()
    await more(4, 3)
    async with group(monitor.brokers) as (consumer, places):
        there = {place: await consumer.committed(place) or 0 for place in places}
        ends = await consumer.end_offsets(places)
        await eventually(partial(committed, consumer, ends), within=SLOW)
    monitor.start()
    await more(7, 1)
    await eventually(monitor.has_ended, within=SLOW)
    async with group(monitor.brokers) as (consumer, _):
        await eventually(partial(committed, consumer, there), within=SLOW)
    await eventually(partial(counted, 8), within=SLOW)


@asynccontextmanager
async def group(brokers: str) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """The monitor's consumer group without a member of it, and the places it reads."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, group_id=GROUP, enable_auto_commit=False)
    places = [TopicPartition(TOPIC.name, partition) for partition in range(TOPIC.partitions)]
    await consumer.start()
    try:
        consumer.assign(places)
        yield consumer, places
    finally:
        await consumer.stop()


async def committed(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> bool:
    """Once the group has no members; the broker believes in one that was killed for another ten seconds."""
    try:
        await consumer.commit(offsets)
    except KafkaError:
        return False
    return True


async def test_labels_are_joined_exactly_though_it_is_killed_in_mid_stream(monitor: Monitor, sink: KafkaSink) -> None:
    people, rows = People(34), 100
    await monitor.watch(sink, people, "scoring")
    labelled: Counter[int] = Counter()
    enough = asyncio.Event()

    async def predict_and_label() -> None:
        """Labels come before and after their predictions, every fifth lot twice; a tenth of them corrected."""
        for number in count():
            if enough.is_set():
                break
            minute = 5 * (number % 4)
            moments = spread(rows, start=START + timedelta(minutes=minute))
            batch = predictions(people.rows(rows), moments, name="scoring", segment="scoring/1", offset=rows * number)
            labels = feedback(batch.request_ids, [1.0, 0.0] * (rows // 2), name="scoring")
            corrected = feedback(batch.request_ids[:10], [0.0] * 10, known=START + timedelta(hours=2), name="scoring")
            told: list[Event] = [batch, labels] if number % 2 else [labels, batch]
            await say(sink, *told, *([labels] * (number % 5 == 0)), corrected)
            labelled[minute] += rows
            await asyncio.sleep(0.05)

    async def goes_on(beyond: int) -> bool:
        return sum((await monitor.labelled("scoring")).values()) > beyond

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(predict_and_label())
        beyond = 5 * rows
        for _ in range(2):
            await eventually(partial(goes_on, beyond), within=SLOW)
            beyond = labelled.total()
            monitor.kill()
            monitor.start()
        await eventually(partial(goes_on, beyond), within=SLOW)
        enough.set()

    async def all_joined() -> bool:
        return await monitor.labelled("scoring") == dict(labelled)

    await eventually(all_joined, within=SLOW)
    counts = await monitor.label_counts("scoring")
    assert (counts["joined"], counts["waiting"], counts["too_late"]) == (labelled.total(), 0, 0)
    assert counts["predictions"] == labelled.total()
