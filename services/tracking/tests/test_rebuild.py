"""What tracking keeps is made again from a ledger, and answers every question alike."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from tracking_facts import completed, failed, logged, started

from murmur_events import Event
from murmur_kernel import letters
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consuming import Dispatcher, Park
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.rebuilding import Rebuilder
from murmur_kernel.store import RawRecord, SqliteStore
from murmur_kernel.testing import Harness
from murmur_ledger.batching import contents_of
from murmur_ledger.contents import Event as Recorded
from murmur_ledger.contents import Record
from murmur_ledger.reader import LedgerReader
from murmur_ledger.writer import LedgerWriter
from murmur_tracking.app import build
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.repository import KINDS, TrackingUnitOfWork
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings

STORY: tuple[Event, ...] = (
    logged("a", step=1, value=0.7, lines=("round 1",)),  # before its run is known
    started("a"),
    logged("a", step=2, value=float("nan"), lines=("round 2",)),
    completed("a"),
    started("b", begin=100, workflow="fraud"),
    logged("b", step=1),
    started("b", begin=100, attempt=2, workflow="fraud"),
    logged("b", step=1, attempt=2, value=0.9),
    logged("b", step=9, attempt=1, value=0.1),  # of a worker that was replaced
    failed("b", attempt=2, begin=100),
    started("c", begin=200),
)
QUESTIONS = (
    *("/runs", "/runs?sort=workflow&status=completed", "/compare?run=a&run=b&run=c"),
    *(f"/runs/{run}{part}" for run in "abc" for part in ("", "/metrics", "/lines")),
)


def record_in_a_ledger(path: Path, told: list[RawRecord]) -> None:
    """As audit would have heard them: order holds within a topic only."""
    topics = sorted({record.topic for record in told})
    random.Random(7).shuffle(topics)
    offsets = dict.fromkeys(topics, 0)
    with LedgerWriter(path, clock=lambda: datetime.now(UTC)) as writer:
        for topic in topics:
            batch = []
            for record in (one for one in told if one.topic == topic):
                batch.append(Record(topic, 0, offsets[topic], record.key.encode(), record.headers, record.value))
                offsets[topic] += 1
            writer.append(contents_of(batch, writer.places, digested=(), at=datetime.now(UTC)))


def history(path: Path) -> list[tuple[datetime, RawRecord]]:
    return [
        (
            entry.content.at,
            RawRecord(
                topic=entry.content.record.topic,
                partition=entry.content.record.partition,
                offset=entry.content.record.offset,
                key=entry.content.record.key.decode(),
                value=entry.content.record.value,
                headers=entry.content.record.headers,
            ),
        )
        for entry in LedgerReader(path).entries()
        if isinstance(entry.content, Recorded)
    ]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(path), INDEX.sqlite())
    store.on_commit = lambda change: None
    await store.open({kind.name: kind.indexes for kind in KINDS})
    try:
        yield store
    finally:
        await store.close()


async def deliver(dispatcher: Dispatcher[TrackingUnitOfWork], record: RawRecord) -> None:
    """As in production: what must wait is parked, and released by what it awaits."""
    outcome = await dispatcher.handle(record)
    if isinstance(outcome, Park):
        await letters.park(dispatcher, record, outcome.awaits)
    await ParkingAttendant(dispatcher).look_after()


async def answers(home: Path, path: Path) -> dict[str, object]:
    """All that tracking says over this store."""
    broker = MemoryBroker()
    service, app = build(
        Settings(home=home, brokers="127.0.0.1:1"),
        store=SqliteStore(str(path), INDEX.sqlite()),
        sink=MemorySink(broker),
        source=MemorySource(broker, "tracking", (), wait=0.01),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://tracking/v1") as client:
        return {question: (await client.get(question)).json() for question in QUESTIONS}


async def test_history_rebuilt_from_the_ledger_answers_as_before_and_publishes_nothing(tmp_path: Path) -> None:
    maker: Harness[TrackingUnitOfWork] = Harness(TrackingUnitOfWork, kinds=KINDS, index=INDEX)
    told = [maker.record_of(event) for event in STORY]
    async with opened(tmp_path / "before.db") as store:
        dispatcher = Dispatcher("tracking", store, maker.clock, TrackingUnitOfWork, SUBSCRIPTIONS)
        for record in told:
            await deliver(dispatcher, record)
    record_in_a_ledger(tmp_path / "ledger", told)
    async with opened(tmp_path / "rebuilt.db") as store:
        rebuilder = Rebuilder(
            "tracking", store, TrackingUnitOfWork, SUBSCRIPTIONS, start=datetime(2026, 1, 1, tzinfo=UTC)
        )
        result = await rebuilder.replay(history(tmp_path / "ledger"))
        assert await store.outbox(10) == []
    assert (result.handled, result.waiting, result.dead) == (len(STORY), [], {})
    before = await answers(tmp_path, tmp_path / "before.db")
    assert await answers(tmp_path, tmp_path / "rebuilt.db") == before
    assert len(str(before)) > 5_000, "the questions were answered"
