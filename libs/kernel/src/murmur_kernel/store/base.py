"""The port behind which every store stands: nothing more general than the kernel needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from murmur_events import Envelope
from murmur_kernel.documents import Document, Field, Page, Query


class JobState(StrEnum):
    QUEUED = "queued"
    """Waits for a worker, or for its date."""
    RUNNING = "running"
    """Leased by a worker; once the lease has expired it may be claimed again."""
    FAILED = "failed"
    """Given up after its last attempt; kept to be looked at."""


@dataclass(frozen=True, kw_only=True)
class DocumentWrite:
    """A save. `expected` is the version that was read: 0 must be new, None overwrites whatever is there."""

    kind: str
    id: str
    body: str
    fields: dict[str, Field]
    expected: int | None


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """Work to be done once, at or after `due`; `attempt` counts how often it was begun."""

    id: str
    kind: str
    payload: str
    due: datetime
    correlation_id: str
    causation_id: str | None
    attempt: int = 0
    state: JobState = JobState.QUEUED
    error: str = ""


@dataclass(frozen=True)
class Fence:
    """Commit only if this attempt of the job is still the current one; `completes` removes the job."""

    job_id: str
    attempt: int
    completes: bool = False


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """A record as it came from the broker, kept untouched for a later try."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, kw_only=True)
class Parked:
    """A record that waits for a document to be saved. Parked again under its id, it keeps its place in the line."""

    id: str
    record: RawRecord
    awaits: str = field(metadata={"form": "kind/id"})
    deadline: datetime
    ready: bool = False


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A record that went no further, and why."""

    id: str
    record: RawRecord
    error: str
    reason: str
    at: datetime


@dataclass(kw_only=True)
class ChangeSet:
    """All that one unit of work changes. It is applied as a whole or not at all.

    mark:      recorded in the inbox; a second change under the same mark raises Duplicate
    envelopes: to be published, in this order; their sequence is assigned when they are committed
    answer:    (key, body) kept to answer a repeated REST call alike
    unparked / undead: ids of parked records and dead letters that this change deals with
    """

    mark: str | None = None
    documents: list[DocumentWrite] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    fence: Fence | None = None
    parked: Parked | None = None
    unparked: str | None = None
    dead_letter: DeadLetter | None = None
    undead: str | None = None
    answer: tuple[str, str] | None = None


@dataclass(frozen=True)
class OutboxRow:
    """A committed event on its way out; `position` is the order of commits."""

    position: int
    envelope: Envelope


class Store(Protocol):
    """One service's own memory.

    Guarantees: a commit is durable when it returns, applied whole or not at all; commits are totally ordered, and the
    outbox is in that order. Errors: Conflict, Duplicate, LeaseLost from `commit`; StoreUnavailable from anything.
    """

    on_commit: Callable[[ChangeSet], None]
    """Called in the event loop after each commit, so that relay, workers and parking need not poll."""

    @property
    def shared(self) -> bool:
        """Whether several replicas of a service may work with it at once."""
        ...

    async def open(self, indexes: Mapping[str, Sequence[str]]) -> None:
        """Bring the schema up to date; `indexes` names the fields by which documents of a kind are found."""
        ...

    async def close(self) -> None: ...

    async def get(self, kind: str, document_id: str) -> Document | None: ...
    async def find(self, kind: str, query: Query) -> Page[Document]: ...
    async def commit(self, change: ChangeSet) -> None: ...
    async def handled(self, mark: str) -> bool: ...
    async def answer(self, key: str) -> str | None: ...

    async def outbox(self, limit: int) -> Sequence[OutboxRow]: ...
    async def published(self, up_to: int) -> None: ...
    async def outbox_depth(self) -> tuple[int, datetime | None]:
        """How many events wait, and since when the oldest."""
        ...

    async def lease(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take or extend the lease `name`; False while another owner's has not expired."""
        ...

    async def claim(self, kinds: Sequence[str], owner: str, now: datetime, until: datetime) -> JobRow | None:
        """Begin the next attempt of the due job that waited longest; None when there is none."""
        ...

    async def extend(self, fence: Fence, until: datetime) -> bool:
        """Keep a job's lease; False when the attempt is no longer the current one."""
        ...

    async def postpone(self, fence: Fence, due: datetime, error: str) -> None: ...
    async def give_up(self, fence: Fence, error: str) -> None: ...
    async def disown(self, owner: str) -> None:
        """Let others (or the next life of `owner`) claim the jobs that it holds at once."""
        ...

    async def jobs(self, state: JobState | None = None) -> Sequence[JobRow]: ...

    async def blocked(self, topic: str, key: str) -> str | None:
        """What the last parked record of that topic and key awaits; None when nothing of it is parked."""
        ...

    async def parked(self, *, ready: bool | None = None) -> Sequence[Parked]:
        """In the order in which they were parked."""
        ...

    async def release(self, parked_id: str) -> None: ...

    async def dead_letters(self) -> Sequence[DeadLetter]: ...
