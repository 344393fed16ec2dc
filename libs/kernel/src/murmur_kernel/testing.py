"""What tests of services are written with: a clock to turn, a harness to speak to, and conditions to wait for."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from murmur_events import Envelope, Event, to_record, topic_of
from murmur_events.catalog import Topic, topic_of_service
from murmur_events.troubles import TroubleReported
from murmur_kernel import letters
from murmur_kernel.commands import Commands
from murmur_kernel.consuming import Ack, Dead, Dispatcher, Outcome, Park, Retry, Subscriptions
from murmur_kernel.documents import Kind
from murmur_kernel.jobs import JobRunner, Jobs
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.store import MongoStore, RawRecord, SearchIndex, SqliteStore, Store, open_store
from murmur_kernel.telemetry.tracing import OFF, Tracing
from murmur_kernel.troubles import TROUBLES
from murmur_kernel.unit_of_work import Chain, Origin, UnitOfWork

U = TypeVar("U", bound=UnitOfWork)
C = TypeVar("C")
R = TypeVar("R")
T = TypeVar("T")

StoreName = str
"""`memory`, `sqlite`, or the URI of a MongoDB server, in which a database of the test's own is used."""

STORES: tuple[StoreName, ...] = ("memory", "sqlite", *filter(None, [os.environ.get("MURMUR_TEST_MONGODB")]))
"""Every scenario runs against the fake store and the real one; against MongoDB too where its URI is given. The kernel's
own suite does so always, by the fixture `any_store`."""


class ManualClock:
    """Time stands still until a test moves it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


async def eventually(condition: Callable[[], Awaitable[T]] | Callable[[], T], *, within: float = 10) -> T:
    """The first true value of `condition`, asked again and again. Raises AssertionError when none came in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        value: Any = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            result: T = value
            return result
        if loop.time() > deadline:
            raise AssertionError(f"{getattr(condition, '__name__', condition)!r} did not come true within {within} s")
        await asyncio.sleep(0.02)


@asynccontextmanager
async def opened_store(
    name: StoreName, kinds: Sequence[Kind[Any]] = (), index: SearchIndex | None = None
) -> AsyncIterator[Store]:
    """A fresh store, thrown away afterwards. name: memory, sqlite, sqlite-bulk, or a URL."""
    with tempfile.TemporaryDirectory() as folder:
        urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/test.db"}
        store: Store
        if name == "sqlite-bulk":
            store = SqliteStore(f"{folder}/test.db", index.sqlite() if index else None, bulk=True)
        else:
            store = open_store(urls.get(name, name), f"test_{uuid.uuid4().hex}", index)
        await store.open({kind.name: kind.indexes for kind in kinds})
        try:
            yield store
        finally:
            await store.close()
            if isinstance(store, MongoStore) and name == os.environ.get("MURMUR_TEST_MONGODB"):
                await store.engine.connect()
                await store.engine.erase()
                await store.engine.close()


class Harness(Generic[U]):
    """A service's handlers and jobs over a real unit of work, without a broker and without a web server.

    Use it as an async context manager.
    """

    def __init__(
        self,
        unit_of_work: Callable[[Store, Origin], U],
        *,
        kinds: Sequence[Kind[Any]],
        subscriptions: Subscriptions[U] = (),
        jobs: Jobs[U] | None = None,
        store: StoreName = "memory",
        service: str = "registry",
        tracing: Tracing = OFF,
        index: SearchIndex | None = None,
    ) -> None:
        self._index = index
        self.clock = ManualClock()
        self._unit_of_work = unit_of_work
        self._kinds = (*kinds, TROUBLES)
        self._subscriptions = subscriptions
        self._jobs = jobs or {}
        self._store_name = store
        self._service = service
        self._tracing = tracing
        self._offset = 0

    async def __aenter__(self) -> "Harness[U]":
        self._opened = opened_store(self._store_name, self._kinds, self._index)
        self.store = await self._opened.__aenter__()
        parts = (self._service, self.store, self.clock, self._unit_of_work)
        self.dispatcher = Dispatcher(*parts, self._subscriptions, tracing=self._tracing)
        self._commands = Commands(*parts, self._tracing)
        self._runner = JobRunner(*parts, self._jobs, owner="harness", tracing=self._tracing)
        self.store.on_commit = lambda change: None
        self.envelopes: list[Envelope] = []
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._opened.__aexit__(None, None, None)

    @property
    def published(self) -> list[Event]:
        """All events since the start or the last `take_published`, in the order of their commits."""
        return [envelope.event for envelope in self.envelopes]

    def take_published(self) -> list[Event]:
        events = self.published
        self.envelopes = []
        return events

    async def given(self, *entities: object) -> None:
        """Documents that are there before the test begins."""
        for entity in entities:
            kind = next(kind for kind in self._kinds if isinstance(entity, kind.type))
            origin = Origin(id=str(uuid.uuid4()), source=self._service, now=self.clock.now())
            unit = self._unit_of_work(self.store, origin)
            await unit.collection(kind).get(kind.key(entity))
            unit.collection(kind).save(entity)
            await unit.commit()

    async def receives(self, event: Event, *, event_id: str | None = None, chain: Chain | None = None) -> Outcome:
        """Deliver an event. Parked and dead ones are kept as in production; then released ones get their turn."""
        outcome = await self._deliver(self.record_of(event, event_id=event_id, chain=chain))
        await self._collect()
        return outcome

    def record_of(self, event: Event, *, event_id: str | None = None, chain: Chain | None = None) -> RawRecord:
        """The event as a broker would hand it over."""
        topic = topic_of_service(type(event), event.service) if isinstance(event, TroubleReported) else topic_of(event)
        self._offset += 1
        record = to_record(
            Envelope(
                id=event_id or str(uuid.uuid4()),
                source=self._source_of(topic),
                topic=topic.name,
                key=topic.key_of(event),
                time=self.clock.now(),
                sequence=self._offset,
                correlation_id=chain.correlation_id if chain else str(uuid.uuid4()),
                causation_id=chain.causation_id if chain else None,
                event=event,
                traceparent=chain.traceparent if chain else None,
            )
        )
        return RawRecord(
            topic=record.topic,
            partition=0,
            offset=self._offset,
            key=record.key.decode(),
            value=record.value,
            headers=record.headers,
        )

    def _source_of(self, topic: Topic) -> str:
        """Its owner; an earlier life where the service would pass its own events by."""
        relearned = {each.topic for each in self._subscriptions if each.relearns}
        return "an earlier life" if topic.name in relearned and topic.owner == self._service else topic.owner

    async def receives_record(self, record: RawRecord) -> Outcome:
        """Deliver a record as it is: broken ones too."""
        outcome = await self._deliver(record)
        await self._collect()
        return outcome

    async def receives_in_turn(self, record: RawRecord) -> Outcome:
        """Deliver a record as the consumer does: it is parked where one of its topic and key is parked already."""
        if not await letters.stands_behind(self.store, record):
            return await self.receives_record(record)
        await letters.park(self.dispatcher, record, "")
        await self._collect()
        return Park("")

    async def run_jobs(self, *, collect: bool = True) -> int:
        """Every job and timer that is due by the harness's clock, until none is left; how many attempts were made.

        Without `collect`, what was said stays in the outbox, for a relay.
        """
        count = await self._runner.run_due()
        if collect:
            await self._collect()
        return count

    async def change(
        self, handler: Callable[[C, U], Awaitable[R]], command: C, *, key: str | None = None, collect: bool = True
    ) -> R:
        result: Any = await self._commands.change(handler, command, answer=Any, key=key)
        if collect:
            await self._collect()
        answer: R = result
        return answer

    async def read(self, handler: Callable[[C, U], Awaitable[R]], query: C) -> R:
        return await self._commands.read(handler, query)

    async def get(self, kind: Kind[T], document_id: str) -> T | None:
        document = await self.store.get(kind.name, document_id)
        return kind.load(document.body) if document else None

    async def _deliver(self, record: RawRecord) -> Outcome:
        outcome = await self.dispatcher.handle(record)
        match outcome:
            case Park(awaits):
                await letters.park(self.dispatcher, record, awaits)
            case Dead():
                await letters.bury(self.dispatcher, record, outcome)
            case Ack() | Retry():
                pass
        return outcome

    async def _collect(self) -> None:
        await ParkingAttendant(self.dispatcher).look_after()
        while rows := await self.store.outbox(500):
            self.envelopes += [row.envelope for row in rows if not row.envelope.topic.endswith(".dead-letters")]
            await self.store.published(rows[-1].position)
