"""The unit of work: all that handling one event, one call or one piece of a job changes, committed as one."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from murmur_events import Envelope, Event, topic_of
from murmur_kernel.documents import Kind, Page, Query, Scalar, as_field
from murmur_kernel.errors import Missing, PublishingForbidden
from murmur_kernel.limits import within_limits
from murmur_kernel.store import ChangeSet, DocumentWrite, Fence, JobRow, Store
from murmur_kernel.telemetry.tracing import OFF, Tracing

T = TypeVar("T")

_NAMESPACE = uuid.UUID("6d75726d-7572-4174-a96f-6e6576656e74")


@dataclass(frozen=True)
class Chain:
    """A place in a chain of events: whoever continues there keeps its correlation, names its cause, and goes on in its
    trace."""

    correlation_id: str
    causation_id: str | None
    traceparent: str | None = None

    def is_at(self, other: "Chain | None") -> bool:
        """The same place, whichever span leads there."""
        return other is not None and (self.correlation_id, self.causation_id) == (
            other.correlation_id,
            other.causation_id,
        )


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a unit of work comes from.

    id:    the event, call or attempt being handled; every id made here is derived from it, so that a second try makes
           the same ones
    chain: what it continues; None at a root
    forget_at: from when on the mark may be forgotten, None is never: see murmur_kernel.forgetting
    traceparent: the span in which a root begins
    """

    id: str
    source: str
    now: datetime
    chain: Chain | None = None
    cause: Envelope | None = None
    mark: str | None = None
    forget_at: datetime | None = None
    fence: Fence | None = None
    may_publish: bool = True
    traceparent: str | None = None
    tracing: Tracing = OFF


class Collection(Generic[T]):
    """The documents of one kind, as one unit of work sees them: with its own saves."""

    def __init__(self, unit: "UnitOfWork", kind: Kind[T]) -> None:
        self._unit = unit
        self._kind = kind

    async def get(self, document_id: str) -> T | None:
        """The document, or None."""
        return await self._unit._load(self._kind, document_id)

    async def get_many(self, ids: Sequence[str]) -> list[T]:
        """Those that are there, in the order of `ids`, as they are committed."""
        return await self._unit._load_many(self._kind, ids)

    async def require(self, document_id: str) -> T:
        """The document. Raises Missing: an event then waits for it, a caller hears 404."""
        found = await self.get(document_id)
        if found is None:
            raise Missing(self._kind.name, document_id)
        return found

    def save(self, entity: T) -> None:
        """Keep it in place of the version that this unit has read, or of whatever is there if it has read none."""
        self._unit._save(self._kind, entity)

    async def find(
        self,
        *,
        where: Mapping[str, Scalar] | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[T]:
        """One page of committed documents whose indexes equal `where`; None values in `where` match absent ones."""
        query = Query(
            where={name: as_field(value) for name, value in (where or {}).items()},
            order_by=order_by,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )
        return await self._unit._find(self._kind, query)


class UnitOfWork:
    """Loads, saves and publishes; commits all of it or nothing. A service's own one adds a property per collection."""

    def __init__(self, store: Store, origin: Origin) -> None:
        self._store = store
        self._origin = origin
        self._chain = origin.chain
        self._change = ChangeSet(mark=origin.mark, forget_at=origin.forget_at, fence=origin.fence)
        self._versions: dict[tuple[str, str], int] = {}
        self._loaded: dict[tuple[str, str], Any] = {}
        self._saved: dict[tuple[str, str], tuple[Kind[Any], Any]] = {}

    @property
    def now(self) -> datetime:
        """When this unit of work began, UTC."""
        return self._origin.now

    @property
    def source(self) -> str:
        """The service whose unit of work this is."""
        return self._origin.source

    @property
    def cause(self) -> Envelope | None:
        """The event being handled, if it is one."""
        return self._origin.cause

    @property
    def chain(self) -> Chain:
        """Where the next event would continue. At a root, before anything was published, a chain of its own begins."""
        if self._chain is None:
            self._chain = Chain(self.new_id("correlation"), None, self._origin.traceparent)
        return self._chain

    @property
    def change(self) -> ChangeSet:
        """What would be committed now."""
        documents = [self._write(kind, entity) for kind, entity in self._saved.values()]
        entries = [
            kind.entry(self._loaded.get((kind.name, kind.key(entity))), entity)
            for kind, entity in self._saved.values()
            if kind.entry
        ]
        return replace(self._change, documents=documents, entries=entries)

    @property
    def said(self) -> Sequence[Envelope]:
        """What it publishes."""
        return self._change.envelopes

    def collection(self, kind: Kind[T]) -> Collection[T]:
        return Collection(self, kind)

    def new_id(self, purpose: str) -> str:
        """An id that is the same whenever this same unit of work is tried again."""
        return str(uuid.uuid5(_NAMESPACE, f"{self._origin.id}/{purpose}"))

    def resume(self, chain: Chain) -> None:
        """Continue an earlier chain, in a unit of work that handles no event: what it publishes belongs there.

        Where the unit already stands there, its own span stays the nearer cause.
        """
        if not chain.is_at(self._chain):
            self._chain = chain

    async def ask(self, question: object) -> Any:
        """What the service's search index answers, from what is committed."""
        return await self._store.ask(question)

    def publish(self, event: Event) -> Chain:
        """Say it when this unit commits. Returns the place in the chain from which its effects continue.

        Raises PublishingForbidden in a projection, EventTooLarge where no broker would take it.
        """
        if not self._origin.may_publish:
            raise PublishingForbidden(type(event).__name__)
        topic = topic_of(event)
        return self.publish_as(topic.name, topic.key_of(event), event)

    def publish_as(self, topic: str, key: str, event: Event) -> Chain:
        """Like publish, for events whose topic does not follow from their type. Raises EventTooLarge."""
        chain = self.chain
        event_id = self.new_id(f"{topic}/{key}/{len(self._change.envelopes)}")
        envelope = Envelope(
            id=event_id,
            source=self._origin.source,
            topic=topic,
            key=key,
            time=self.now,
            sequence=0,
            correlation_id=chain.correlation_id,
            causation_id=chain.causation_id,
            event=event,
            traceparent=chain.traceparent,
        )
        self._change.envelopes.append(within_limits(envelope))
        traceparent = self._origin.tracing.of_event(chain.traceparent, chain.correlation_id, event_id)
        continued = Chain(chain.correlation_id, event_id, traceparent)
        if self._origin.chain is None and len(self._change.envelopes) == 1:
            self._chain = continued
        return continued

    def enqueue(
        self,
        kind: str,
        *,
        job_id: str,
        payload: Mapping[str, object] | None = None,
        due: datetime | None = None,
        chain: Chain | None = None,
    ) -> None:
        """A job to be done once, now or at `due`. An id that was ever used makes no second job.

        chain: to which the job belongs, if not to the one of this unit.
        """
        chain = chain or self.chain
        self._change.jobs.append(
            JobRow(
                id=job_id,
                kind=kind,
                payload=json.dumps(payload or {}),
                due=due or self.now,
                correlation_id=chain.correlation_id,
                causation_id=chain.causation_id,
                traceparent=chain.traceparent,
            )
        )

    def cancel(self, job_id: str) -> None:
        """A job or timer that is no longer wanted; one that runs loses its lease."""
        self._change.cancelled.append(job_id)

    def remember_answer(self, key: str, body: str) -> None:
        self._change.answer = (key, body)

    async def commit(self) -> None:
        """Raises Conflict, Duplicate, LeaseLost, StoreUnavailable; then nothing of it has happened.

        A unit that changes nothing has nothing to commit, and nothing for a fence to guard: it costs no disk write.
        """
        change = self.change
        if change.says_anything:
            await self._store.commit(change)

    async def _load(self, kind: Kind[T], document_id: str) -> T | None:
        name = (kind.name, document_id)
        if name in self._saved:
            entity: T = self._saved[name][1]
            return entity
        document = await self._store.get(kind.name, document_id)
        self._versions[name] = document.version if document else 0
        if document is None:
            return None
        loaded = kind.load(document.body)
        if kind.entry:
            self._loaded[name] = loaded
        return loaded

    async def _load_many(self, kind: Kind[T], ids: Sequence[str]) -> list[T]:
        return [kind.load(document.body) for document in await self._store.get_many(kind.name, ids)]

    def _save(self, kind: Kind[T], entity: T) -> None:
        self._saved[kind.name, kind.key(entity)] = (kind, entity)

    async def _find(self, kind: Kind[T], query: Query) -> Page[T]:
        page = await self._store.find(kind.name, query)
        for document in page.items:
            self._versions.setdefault((document.kind, document.id), document.version)
        return Page(tuple(kind.load(document.body) for document in page.items), page.next)

    def _write(self, kind: Kind[Any], entity: Any) -> DocumentWrite:
        name = (kind.name, kind.key(entity))
        return DocumentWrite(
            kind=kind.name,
            id=name[1],
            body=kind.dump(entity),
            fields=kind.fields(entity),
            expected=self._versions.get(name),
        )
