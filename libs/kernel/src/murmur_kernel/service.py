"""A whole service, put together: store, bus, consumer, relay, jobs, parking and the web application around them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from fastapi import APIRouter, FastAPI

from murmur_access import TokenFile
from murmur_events.catalog import topic_named
from murmur_kernel import disk
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.attention import Attention
from murmur_kernel.auth import Gate, check_routes
from murmur_kernel.bus import Sink, Source
from murmur_kernel.bus.kafka import KafkaSink, KafkaSource
from murmur_kernel.clock import Clock, SystemClock
from murmur_kernel.commands import Commands, R
from murmur_kernel.consumer import Consumer
from murmur_kernel.consuming import Dispatcher, Subscriptions
from murmur_kernel.documents import Kind
from murmur_kernel.forgetting import Forgetter
from murmur_kernel.health import Check, Health
from murmur_kernel.jobs import JobRunner, Jobs
from murmur_kernel.leases import Leadership, Lease
from murmur_kernel.outbox import OutboxRelay
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.settings import KernelSettings
from murmur_kernel.store import ChangeSet, SearchIndex, Store, open_store
from murmur_kernel.tasks import WatchedTasks
from murmur_kernel.telemetry.otlp import Exported
from murmur_kernel.telemetry.tracing import Tracing
from murmur_kernel.troubles import TROUBLES
from murmur_kernel.unit_of_work import Origin, UnitOfWork
from murmur_kernel.web import build_app

U = TypeVar("U", bound=UnitOfWork)
C = TypeVar("C")

log = structlog.get_logger()

_EXCLUSIVE = timedelta(seconds=10)


class Service(Generic[U]):
    """The one object that a service's `app.py` composes.

    A crash of any of its tasks fails /livez and ends the process, so that whoever supervises it starts it anew.
    """

    def __init__(
        self,
        name: str,
        settings: KernelSettings,
        *,
        unit_of_work: Callable[[Store, Origin], U],
        kinds: Sequence[Kind[Any]],
        subscriptions: Subscriptions[U] = (),
        jobs: Jobs[U] | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        sink: Sink | None = None,
        source: Source | None = None,
        tracing: Tracing | None = None,
        index: SearchIndex | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock or SystemClock()
        self.index = index
        self.store = store or open_store(settings.store_url(name), name, index)
        self.artifacts = ArtifactStore(settings.artifacts_url)
        self.kinds = (*kinds, TROUBLES)
        self.unit_of_work = unit_of_work
        self.subscriptions = subscriptions
        self._source = source
        self._instance = f"{name}-{settings.replica}"
        self._exported = Exported(name, self._instance, settings)
        self.tracing = tracing or self._exported.tracing
        self._dispatcher = Dispatcher(
            name,
            self.store,
            self.clock,
            unit_of_work,
            subscriptions,
            patience=timedelta(seconds=settings.patience_seconds),
            tracing=self.tracing,
        )
        self._relay = OutboxRelay(
            self.store,
            sink or KafkaSink(settings.broker_access, self._instance),
            self.clock,
            self._instance,
            self.tracing,
        )
        self._runner = JobRunner(
            name,
            self.store,
            self.clock,
            unit_of_work,
            jobs or {},
            owner=self._instance,
            lease=timedelta(seconds=settings.job_lease_seconds),
            tracing=self.tracing,
        )
        self._parking = ParkingAttendant(self._dispatcher, self._instance)
        self._attention = Attention(name, self.store, self.clock)
        self._forgetter = Forgetter(self.store, self.clock)
        self._commands = Commands(name, self.store, self.clock, unit_of_work, self.tracing)
        self._tasks = WatchedTasks(self._end)
        self._backgrounds: dict[str, Callable[[], Awaitable[None]]] = {}
        self._leaderships: dict[str, Leadership] = {}
        self._resources: list[AbstractAsyncContextManager[Any]] = []
        self._has_jobs = bool(jobs)
        self.health = Health(name, self.store, self._tasks)
        self.check("disk", partial(disk.has_room, settings.home))
        tokens = settings.tokens_file
        self.gate = Gate(TokenFile(tokens, now=self.clock.now) if tokens else None)
        self.store.on_commit = self._committed

    def background(self, name: str, run: Callable[[], Awaitable[None]], *, exclusive: bool = False) -> None:
        """A watched task of the service's own, that never returns; an exclusive one runs in one replica at a time."""
        if exclusive and self.store.shared:
            lease = Lease(self.store, self.clock, f"background/{name}", self._instance, _EXCLUSIVE)
            self._leaderships[name] = Leadership(lease)
            run = partial(self._leaderships[name].run, run)
        self._backgrounds[name] = run

    def follows(self, name: str) -> bool:
        """Whether another replica is known to be at that exclusive task."""
        return name in self._leaderships and self._leaderships[name].follows

    def resource(self, manager: AbstractAsyncContextManager[Any]) -> None:
        """Entered when the service starts, after the store; left when it stops, before the store."""
        self._resources.append(manager)

    def check(self, name: str, check: Check) -> None:
        """Something that readiness depends on."""
        self.health.checks[name] = check

    async def change(
        self, handler: Callable[[C, U], Awaitable[R]], command: C, *, answer: type[R], key: str | None = None
    ) -> R:
        """Run a command in a unit of work of its own; see Commands.change."""
        return await self._commands.change(handler, command, answer=answer, key=key)

    async def read(self, handler: Callable[[C, U], Awaitable[R]], query: C) -> R:
        """Run a query; whatever it would save or publish is refused: see Commands.read."""
        return await self._commands.read(handler, query)

    @property
    def dispatcher(self) -> Dispatcher[U]:
        """For findings that come from elsewhere than the consumer: see murmur_kernel.letters.bury."""
        return self._dispatcher

    def app(
        self,
        *,
        title: str,
        routers: Sequence[APIRouter] = (),
        problems: Mapping[type[Exception], int] | None = None,
    ) -> FastAPI:
        """The web application: its lifespan is the service's life. Raises RouteWithoutRole."""
        return build_app(self, title=title, routers=routers, problems=problems or {}, lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI | None = None) -> AsyncIterator[None]:
        if app is not None:
            check_routes(app)  # those added since it was built, too
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._exported.lifespan())
            await self.store.open({kind.name: kind.indexes for kind in self.kinds})
            stack.push_async_callback(self.store.close)
            for resource in self._resources:
                await stack.enter_async_context(resource)
            stack.push_async_callback(self._tasks.stop)
            self._tasks.start("relay", self._relay.run)
            if self._has_jobs:
                self._tasks.start("jobs", self._runner.run)
            if self._dispatcher.topics:
                self._tasks.start("parking", self._parking.run)
                self._tasks.start("consumer", self._consume)
                self._tasks.start("attention", self._attention.run)
            self._tasks.start("forgetter", self._forgetter.run)
            for name, run in self._backgrounds.items():
                self._tasks.start(name, run)
            self._tasks.start("broker-watch", self.health.watch_broker(self.settings.brokers))
            log.info("service started", replica=self.settings.replica)
            yield
            log.info("service stopping")

    async def _consume(self) -> None:
        source = self._source or KafkaSource(
            self.settings.broker_access, f"murmur-{self.name}", self._dispatcher.topics, instance=self._instance
        )
        consumer = Consumer(source, self._dispatcher)
        self.health.consumer = consumer
        await consumer.run()

    def _committed(self, change: ChangeSet) -> None:
        if change.envelopes:
            self._relay.wake(hurry=any(topic_named(one.topic).is_waited_for(one.source) for one in change.envelopes))
        if change.jobs:
            self._runner.wake()
        if change.documents or change.parked or change.unparked:
            self._parking.wake()

    def _end(self, task: str) -> None:
        """End the process in good order, whatever server runs it; should that hang, at once."""
        log.critical("ending because a task died", task=task)
        loop = asyncio.get_running_loop()
        loop.call_later(15, os._exit, 70)
        signal.raise_signal(signal.SIGTERM)
