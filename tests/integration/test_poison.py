"""A topic full of what cannot be handled: the other topics go on, the memory stays, people are told, and it comes back.

MURMUR_POISON sets how many records (default 2,000).
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import httpx
import psutil
import pytest
import structlog

from contracts.examples import golden
from murmur_events import Envelope, Record, from_record, to_record
from murmur_events.runs import RunStarted
from murmur_events.training import TrainingRequested
from murmur_kernel.bus.kafka import KafkaSink
from murmur_kernel.consuming import project, react
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.testing import eventually
from murmur_kernel.unit_of_work import UnitOfWork
from murmur_runtime.testing import running_broker

POISON = int(os.environ.get("MURMUR_POISON", "2000"))
KEYS = 40
PROBES = 30

pytestmark = [pytest.mark.flock, pytest.mark.timeout(480)]


def example(topic: str) -> Envelope:
    found = next(one for one in golden() if one.topic == topic)
    return from_record(found.topic, found.wire_value, found.wire_headers)


ASKED, BEGUN = example("training.requested"), example("run.started")


@dataclass
class Patient:
    """A service with a bug in one handler: what it has handled, and when."""

    broken: bool = True

    def __post_init__(self) -> None:
        self.handled: dict[str, list[int]] = defaultdict(list)
        self.seen: dict[str, float] = {}

    async def ask(self, event: TrainingRequested, uow: UnitOfWork) -> None:
        if self.broken:
            raise RuntimeError("a bug that will be mended")
        assert uow.cause is not None
        self.handled[event.workflow].append(uow.cause.sequence)

    async def begin(self, event: RunStarted, uow: UnitOfWork) -> None:
        self.seen[event.run_id] = time.monotonic()


def poison() -> list[Record]:
    """Half of it bytes that are no event, half of it events that meet the bug, of many keys."""
    records: list[Record] = []
    for number in range(POISON):
        key = f"w{number % KEYS}"
        if number // KEYS % 2:
            records.append(Record("training.requested", key.encode(), b"\xff\x00garbage", ()))
        else:
            event = ASKED.event.model_copy(update={"workflow": key})
            envelope = replace(ASKED, id=f"asked-{number}", key=key, sequence=number + 1, event=event)
            records.append(to_record(envelope))
    return records


async def latencies(patient: Patient, sink: KafkaSink, prefix: str) -> list[float]:
    """Seconds from sending a healthy event of another topic until it is handled, one after the other."""
    found: list[float] = []
    for number in range(PROBES):
        run = f"{prefix}-{number}"
        envelope = replace(BEGUN, id=run, key=run, event=BEGUN.event.model_copy(update={"run_id": run}))
        sent = time.monotonic()
        await sink.send([to_record(envelope)])
        await eventually(lambda run=run: run in patient.seen, within=30)
        found.append(patient.seen[run] - sent)
    return found


@pytest.fixture(autouse=True)
def _logs_as_a_service_writes_them(tmp_path: Path) -> Iterator[None]:
    """Plain tracebacks in JSON lines; structlog's default draws each with its variables, which takes 0.4 s."""
    with (tmp_path / "log").open("w") as file:
        structlog.configure(
            processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
            logger_factory=structlog.WriteLoggerFactory(file),
        )
        yield
        structlog.reset_defaults()


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[str]:
    with running_broker(tmp_path / "kafka", within=150) as running:
        yield running


async def test_poison_in_one_topic_stops_no_other_and_comes_back_in_order_once_it_is_mended(
    tmp_path: Path, brokers: str
) -> None:
    patient = Patient()
    service = Service(
        "trainer",
        KernelSettings(home=tmp_path, brokers=brokers),
        unit_of_work=UnitOfWork,
        kinds=(),
        subscriptions=(react(TrainingRequested, patient.ask), project(RunStarted, patient.begin)),
    )
    transport = httpx.ASGITransport(app=service.app(title="Patient"))
    sink = KafkaSink(brokers, "poisoner")
    await sink.start()
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        calm = await latencies(patient, sink, "calm")
        before = psutil.Process().memory_info().rss
        flood = asyncio.create_task(sink.send(poison()))
        ill = await latencies(patient, sink, "ill")
        await flood

        async def all_dead() -> bool:
            return bool((await client.get("/readyz")).json()["dead_letters"] == POISON)

        await eventually(all_dead, within=120)
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        print(  # noqa: T201  # a measurement: pytest -s shows it
            f"median {median(calm) * 1000:.1f} ms calm, {median(ill) * 1000:.1f} ms ill, worst {max(ill):.2f} s;"
            f" {POISON} records, memory grew by {grown:.0f} MiB"
        )
        assert median(ill) < max(20 * median(calm), 0.5)
        assert max(ill) < 10
        assert grown < 150
        assert f"murmur_dead_letters {float(POISON)}" in (await client.get("/metrics")).text
        assert (await client.get("/v1/dead-letters")).json()["counts"] == {"training.requested": POISON}

        patient.broken = False
        body = {"error": "RuntimeError", "by": "olga", "reason": "the bug is mended", "limit": 1000}
        while (await client.post("/v1/dead-letters/redrive", json=body)).json()["left"]:
            pass

        async def all_handled() -> bool:
            return sum(map(len, patient.handled.values())) == POISON // 2

        await eventually(all_handled, within=120)
        for key, sequences in patient.handled.items():
            assert sequences == sorted(sequences), f"{key} was handled out of order"
        left = (await client.get("/v1/dead-letters", params={"limit": 200})).json()
        assert {letter["error"] for letter in left["items"]} == {"NotAnEnvelope"}
        assert left["counts"] == {"training.requested": POISON // 2}
    await sink.stop()
