"""The port behind which every store stands: nothing more general than the kernel needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

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
    """Work to be done once, at or after `due`.

    attempt:  how often it was begun, which is its fence: it only grows
    returned: how many of these attempts were given back unspent: their worker was told to stop, or what it depends on
              was away
    """

    id: str
    kind: str
    payload: str
    due: datetime
    correlation_id: str
    causation_id: str | None
    traceparent: str | None = None
    attempt: int = 0
    returned: int = 0
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
class LetterEdit:
    """A person's correction of a dead letter's value; `before` is the value that it replaced."""

    at: datetime
    by: str
    reason: str
    before: bytes


@dataclass(frozen=True, kw_only=True)
class Parked:
    """A record that waits for a document to be saved, or only for its turn.

    Parked again under its id, it keeps its place in the line, its record and its edits: what the broker delivers once
    more must not undo a correction.

    awaits: empty where it only stands behind another one of its topic and key; it is ready then
    edits:  of a dead letter that was handed in again
    """

    id: str
    record: RawRecord
    awaits: str = field(metadata={"form": "kind/id"})
    deadline: datetime
    ready: bool = False
    edits: tuple[LetterEdit, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A record that went no further, and why; `edits` are the corrections of its value, oldest first."""

    id: str
    record: RawRecord
    error: str
    reason: str
    at: datetime
    edits: tuple[LetterEdit, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LetterQuery:
    """One page of the dead letters that fit; `since` is included, `until` is not.

    order: "time", the newest first; or "place", by topic, partition and offset, the order in which they were published
    """

    topic: str | None = None
    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    order: Literal["time", "place"] = "time"
    limit: int = 50
    cursor: str | None = None


@dataclass(kw_only=True)
class ChangeSet:
    """All that one unit of work changes. It is applied as a whole or not at all.

    mark:      recorded in the inbox; a second change under the same mark raises Duplicate
    forget_at: from when on the mark may be forgotten; None is never
    envelopes: to be published, in this order; their sequence is assigned when they are committed
    answer:    (key, body) kept to answer a repeated REST call alike
    entries:   what the service's search index is told: see murmur_kernel.store.index
    unparked / undead: ids of parked records and dead letters that this change deals with
    """

    mark: str | None = None
    forget_at: datetime | None = None
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
    entries: list[object] = field(default_factory=list)

    @property
    def says_anything(self) -> bool:
        """False for a change that leaves everything as it is."""
        ends_job = self.fence is not None and self.fence.completes
        return ends_job or replace(self, fence=None) != ChangeSet()


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
    async def get_many(self, kind: str, ids: Sequence[str]) -> Sequence[Document]:
        """Those that are there, in the order of `ids`."""
        ...

    async def ask(self, question: object) -> Any:
        """What the service's search index answers. Raises what it raises, or StoreUnavailable."""
        ...

    async def find(self, kind: str, query: Query) -> Page[Document]: ...
    async def commit(self, change: ChangeSet) -> None: ...
    async def handled(self, mark: str) -> bool: ...
    async def forget_marks(self, now: datetime, limit: int) -> int:
        """Forget up to `limit` marks whose time has come, each with the answer kept under it; how many.

        A mark whose record is parked or a dead letter stays: that record may be handed in again.
        """
        ...

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

    async def postpone(self, fence: Fence, due: datetime, error: str, *, spent: bool = True) -> None:
        """Back into the queue until `due`; an attempt that is not `spent` counts as returned."""
        ...

    async def give_up(self, fence: Fence, error: str) -> None: ...
    async def disown(self, owner: str, *, on_purpose: bool = False) -> None:
        """Let others (or the next life of `owner`) claim the jobs that it holds at once; they have no owner then.

        `on_purpose`: each attempt that it gives up counts as returned, for it did not fail.
        """
        ...

    async def jobs(self, state: JobState | None = None) -> Sequence[JobRow]: ...

    async def blocked(self, topic: str, key: str) -> bool:
        """Whether a record of that topic and key is parked: those that come after it stand behind it."""
        ...

    async def parked(self, *, ready: bool | None = None) -> Sequence[Parked]:
        """In the order in which they were parked."""
        ...

    async def count_parked(self, *, expired_at: datetime | None = None) -> int:
        """All of them, or those whose deadline had passed by then."""
        ...

    async def dead_letters(self) -> Sequence[DeadLetter]:
        """All of them, oldest first: for tests and small numbers."""
        ...

    async def letter(self, letter_id: str) -> DeadLetter | None: ...
    async def letters(self, query: LetterQuery) -> Page[DeadLetter]: ...
    async def letter_counts(self) -> Mapping[str, int]:
        """How many dead letters there are, by the topic they came from; topics without any are left out."""
        ...
