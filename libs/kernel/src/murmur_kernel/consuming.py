"""From a record to its outcome: the table of subscriptions, and the dispatcher that runs the right handler once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog

from murmur_events import ContractError, Envelope, Event, from_record, topic_of
from murmur_events.catalog import topic_of_service
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Conflict, Duplicate, EventTooLarge, Missing, Transient
from murmur_kernel.forgetting import forget_event_at
from murmur_kernel.limits import shortened
from murmur_kernel.store import RawRecord, Store
from murmur_kernel.telemetry.tracing import OFF, Tracing, current_traceparent, failed
from murmur_kernel.unit_of_work import Chain, Origin, UnitOfWork

U = TypeVar("U", bound=UnitOfWork)
E = TypeVar("E", bound=Event)

Handler = Callable[[E, U], Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Subscription(Generic[U]):
    """One line of a service's table: which event, what is done, and whether doing it may publish.

    told_by: for events that have a topic a service, such as TroubleReported: which service's
    said_by: whose events alone are its business, of a topic that several write
    relearns: what this service has published itself was kept when it was said: only a rebuild hears it
    retells: all that it keeps it says in events that this service's projections keep, too, so that a rebuild lacks
        nothing of it
    """

    event: type[Event]
    handler: Callable[[Any, U], Awaitable[None]]
    publishes: bool
    told_by: str | None = None
    said_by: str | None = None
    relearns: bool = False
    retells: bool = False

    @property
    def decides(self) -> bool:
        """Whether it keeps what no rebuild would find."""
        return self.publishes and not self.retells

    @property
    def topic(self) -> str:
        return (topic_of(self.event) if self.told_by is None else topic_of_service(self.event, self.told_by)).name


Subscriptions = Sequence[Subscription[U]]


def react(
    event: type[E],
    handler: Handler[E, U],
    *,
    told_by: str | None = None,
    said_by: str | None = None,
    retells: bool = False,
) -> Subscription[U]:
    """The handler decides something: it may publish. Never replayed."""
    return Subscription(event, handler, publishes=True, told_by=told_by, said_by=said_by, retells=retells)


def project(event: type[E], handler: Handler[E, U], *, relearns: bool = False) -> Subscription[U]:
    """The handler only keeps what the event says: it may be replayed at will, and publishing is refused."""
    return Subscription(event, handler, publishes=False, relearns=relearns)


@dataclass(frozen=True)
class Ack:
    """Done, or done before."""


@dataclass(frozen=True)
class Park:
    """Wait until the document `kind/id` is saved, after the deadline it becomes a dead letter; or, where that is empty,
    only until those of its topic and key before it are gone."""

    awaits: str


@dataclass(frozen=True)
class Retry:
    """The infrastructure failed or somebody else was faster: again, with backoff, in place."""

    why: str


@dataclass(frozen=True)
class Dead:
    """It will never succeed as it is."""

    error: str
    reason: str


Outcome = Ack | Park | Retry | Dead


class Dispatcher(Generic[U]):
    """Runs the handler of a record inside a unit of work. A second delivery of an event changes nothing."""

    def __init__(
        self,
        service: str,
        store: Store,
        clock: Clock,
        unit_of_work: Callable[[Store, Origin], U],
        subscriptions: Subscriptions[U],
        *,
        patience: timedelta = timedelta(minutes=5),
        tracing: Tracing = OFF,
        replays: bool = False,
    ) -> None:
        """replays: the service's own events are heard too."""
        self.service = service
        self.store = store
        self.clock = clock
        self.patience = patience
        """How long a parked record waits before it becomes a dead letter."""
        self._unit_of_work = unit_of_work
        self._tracing = tracing
        self._table = {subscription.topic: subscription for subscription in subscriptions}
        told = {topic for topic, subscription in self._table.items() if subscription.relearns}
        self._own = frozenset() if replays else frozenset(told)
        if len(self._table) != len(subscriptions):
            raise ValueError(f"{service} subscribes twice to the same event: one handler an event")

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._table)

    async def handle(self, record: RawRecord) -> Outcome:
        """The outcome of one try; nothing is raised but cancellation."""
        if self.passes_by(record):
            return Ack()
        try:
            envelope = from_record(record.topic, record.value, record.headers)
        except ContractError as error:
            return Dead(type(error).__name__, shortened(str(error)))
        with (
            structlog.contextvars.bound_contextvars(
                topic=record.topic, event_id=envelope.id, key=envelope.key, correlation_id=envelope.correlation_id
            ),
            self._tracing.handling(envelope) as span,
        ):
            outcome = await self._outcome(envelope)
            span.set_attribute("murmur.outcome", type(outcome).__name__.lower())
            match outcome:
                case Park(awaits):
                    span.set_attribute("murmur.awaits", awaits)
                case Retry(why) | Dead(reason=why):
                    failed(span, why)
                case Ack():
                    pass
            return outcome

    def passes_by(self, record: RawRecord) -> bool:
        """Whether it is no business of this service, by its headers alone: where clients log, there are thousands."""
        if record.topic in self._own:
            return ("ce_source", self.service.encode()) in record.headers
        subscription = self._table.get(record.topic)
        if subscription is None or subscription.said_by is None:
            return False
        return ("ce_source", subscription.said_by.encode()) not in record.headers

    async def _outcome(self, envelope: Envelope) -> Outcome:
        subscription = self._table.get(envelope.topic)
        if subscription is None:
            return Dead("NoHandler", f"{self.service} has no handler for {envelope.topic}: it reads it elsewhere")
        return await self._run(subscription, envelope)

    async def _run(self, subscription: Subscription[U], envelope: Envelope) -> Outcome:
        try:
            if await self.store.handled(envelope.id):
                return Ack()
            unit = self._unit_of_work(self.store, self._origin(subscription, envelope))
            await subscription.handler(envelope.event, unit)
            await unit.commit()
        except Duplicate:
            return Ack()
        except Missing as error:
            return Park(f"{error.kind}/{error.document_id}")
        except (Conflict, Transient) as error:
            return Retry(str(error))
        except EventTooLarge as error:  # its traceback would show the whole of it
            return Dead(type(error).__name__, str(error))
        except Exception as error:  # a bug in a handler: the record is kept, the others go on
            log.exception("handler failed", handler=getattr(subscription.handler, "__name__", "handler"))
            return Dead(type(error).__name__, shortened(str(error) or repr(error)))
        return Ack()

    def _origin(self, subscription: Subscription[U], envelope: Envelope) -> Origin:
        now = self.clock.now()
        return Origin(
            id=envelope.id,
            source=self.service,
            now=now,
            chain=Chain(envelope.correlation_id, envelope.id, current_traceparent()),
            cause=envelope,
            mark=envelope.id,
            forget_at=forget_event_at(envelope.topic, now),
            may_publish=subscription.publishes,
            tracing=self._tracing,
        )
