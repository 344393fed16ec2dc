"""The fake store: the same promises without a disk, for unit tests. It shares its contract suite with the real ones."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from murmur_events import Envelope
from murmur_events.catalog import topic_named
from murmur_kernel.documents import Document, Field, Page, Query
from murmur_kernel.errors import Conflict, Duplicate, LeaseLost
from murmur_kernel.store import cursor
from murmur_kernel.store.base import ChangeSet, DeadLetter, Fence, JobRow, JobState, LetterQuery, OutboxRow, Parked
from murmur_kernel.store.index import MemoryIndex, NoIndex


@dataclass
class _Entry:
    document: Document
    fields: dict[str, Field]
    order: int


@dataclass
class _Lease:
    owner: str
    until: datetime


class MemoryStore:
    """A store in dictionaries: durable until the process ends."""

    shared = True

    def __init__(self, index: MemoryIndex | None = None) -> None:
        self._index = index
        self.on_commit: Callable[[ChangeSet], None] = lambda change: None
        self._documents: dict[tuple[str, str], _Entry] = {}
        self._marks: dict[str, datetime | None] = {}
        self._answers: dict[str, str] = {}
        self._outbox: list[OutboxRow] = []
        self._sequences: dict[tuple[str, str], int] = {}
        self._positions = 0
        self._jobs: dict[str, JobRow] = {}
        self._ended_jobs: set[str] = set()
        self._leases: dict[str, _Lease] = {}
        self._parked: dict[str, Parked] = {}
        self._dead: dict[str, DeadLetter] = {}

    async def open(self, indexes: Mapping[str, Sequence[str]]) -> None: ...

    async def close(self) -> None: ...

    async def get(self, kind: str, document_id: str) -> Document | None:
        entry = self._documents.get((kind, document_id))
        return entry.document if entry else None

    async def get_many(self, kind: str, ids: Sequence[str]) -> Sequence[Document]:
        found = [self._documents.get((kind, document_id)) for document_id in ids]
        return [entry.document for entry in found if entry is not None]

    async def ask(self, question: object) -> Any:
        if self._index is None:
            raise NoIndex(question)
        return self._index.answer(question)

    async def find(self, kind: str, query: Query) -> Page[Document]:
        def sort_key(entry: _Entry) -> tuple[tuple[bool, Field], int]:
            value = entry.fields.get(query.order_by) if query.order_by else None
            return (value is not None, value if value is not None else ""), entry.order

        entries = [
            entry
            for (name, _), entry in self._documents.items()
            if name == kind and all(entry.fields.get(field) == value for field, value in query.where.items())
        ]
        entries.sort(key=sort_key, reverse=query.descending)
        if query.cursor:
            value, order = cursor.decode(query.cursor)
            place = ((value is not None, value if value is not None else ""), order)
            entries = [
                entry for entry in entries if (sort_key(entry) < place if query.descending else sort_key(entry) > place)
            ]
        page = entries[: query.limit]
        more = len(entries) > query.limit
        last = page[-1] if page and more else None
        value = last.fields.get(query.order_by) if last and query.order_by else None
        return Page(tuple(entry.document for entry in page), cursor.encode(value, last.order) if last else None)

    async def commit(self, change: ChangeSet) -> None:
        self._check(change)
        if change.mark:
            self._marks[change.mark] = change.forget_at
        for write in change.documents:
            before = self._documents.get((write.kind, write.id))
            order = before.order if before else len(self._documents)
            document = Document(write.kind, write.id, before.document.version + 1 if before else 1, write.body)
            self._documents[write.kind, write.id] = _Entry(document, write.fields, order)
            awaited = f"{write.kind}/{write.id}"
            self._parked.update(
                {name: replace(row, ready=True) for name, row in self._parked.items() if row.awaits == awaited}
            )
        for told in change.entries:
            assert self._index is not None, "a kind with entries belongs to a store with an index"
            self._index.keep(told)
        for envelope in change.envelopes:
            self._positions += 1
            self._outbox.append(OutboxRow(self._positions, replace(envelope, sequence=self._next_sequence(envelope))))
        for job in change.jobs:
            if job.id not in self._ended_jobs:
                self._jobs.setdefault(job.id, job)
        for job_id in change.cancelled:
            self._end(job_id)
        if change.fence and change.fence.completes:
            self._end(change.fence.job_id)
        if change.unparked:
            self._parked.pop(change.unparked, None)
        if change.parked:
            kind, _, document_id = change.parked.awaits.partition("/")
            present = (kind, document_id) in self._documents
            ready = change.parked.ready or not change.parked.awaits or present
            kept = self._parked.get(change.parked.id, change.parked)
            self._parked[kept.id] = replace(change.parked, ready=ready, record=kept.record, edits=kept.edits)
        if change.dead_letter:
            self._dead[change.dead_letter.id] = change.dead_letter
        if change.undead:
            self._dead.pop(change.undead, None)
        if change.answer:
            self._answers[change.answer[0]] = change.answer[1]
        self.on_commit(change)

    def _check(self, change: ChangeSet) -> None:
        if change.mark in self._marks:
            raise Duplicate(str(change.mark))
        if change.fence and not self._is_current(change.fence):
            raise LeaseLost(change.fence.job_id, change.fence.attempt)
        for write in change.documents:
            entry = self._documents.get((write.kind, write.id))
            if write.expected not in (None, entry.document.version if entry else 0):
                raise Conflict(write.kind, write.id)

    def _next_sequence(self, envelope: Envelope) -> int:
        counter = (topic_named(envelope.topic).aggregate, envelope.key)
        self._sequences[counter] = self._sequences.get(counter, 0) + 1
        return self._sequences[counter]

    def _end(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)
        self._leases.pop(f"job/{job_id}", None)
        self._ended_jobs.add(job_id)

    def _is_current(self, fence: Fence) -> bool:
        job = self._jobs.get(fence.job_id)
        return job is not None and job.state is JobState.RUNNING and job.attempt == fence.attempt

    async def handled(self, mark: str) -> bool:
        return mark in self._marks

    async def forget_marks(self, now: datetime, limit: int) -> int:
        kept = self._parked.keys() | self._dead.keys()
        due = [mark for mark, at in self._marks.items() if at is not None and at <= now and mark not in kept][:limit]
        for mark in due:
            del self._marks[mark]
            self._answers.pop(mark, None)
        return len(due)

    async def answer(self, key: str) -> str | None:
        return self._answers.get(key)

    async def outbox(self, limit: int) -> Sequence[OutboxRow]:
        return self._outbox[:limit]

    async def published(self, up_to: int) -> None:
        self._outbox = [row for row in self._outbox if row.position > up_to]

    async def outbox_depth(self) -> tuple[int, datetime | None]:
        return len(self._outbox), self._outbox[0].envelope.time if self._outbox else None

    async def lease(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        held = self._leases.get(name)
        if held and held.owner != owner and held.until > now:
            return False
        self._leases[name] = _Lease(owner, until)
        return True

    async def claim(self, kinds: Sequence[str], owner: str, now: datetime, until: datetime) -> JobRow | None:
        def free(job: JobRow) -> bool:
            lease = self._leases.get(f"job/{job.id}")
            return job.state is JobState.QUEUED or (job.state is JobState.RUNNING and (not lease or lease.until <= now))

        due = [job for job in self._jobs.values() if job.kind in kinds and job.due <= now and free(job)]
        if not due:
            return None
        first = min(due, key=lambda job: job.due)
        claimed = replace(first, attempt=first.attempt + 1, state=JobState.RUNNING)
        self._jobs[first.id] = claimed
        self._leases[f"job/{first.id}"] = _Lease(owner, until)
        return claimed

    async def extend(self, fence: Fence, until: datetime) -> bool:
        lease = self._leases.get(f"job/{fence.job_id}")
        if not self._is_current(fence) or lease is None:
            return False
        lease.until = until
        return True

    async def postpone(self, fence: Fence, due: datetime, error: str, *, spent: bool = True) -> None:
        if self._is_current(fence):
            job = self._jobs[fence.job_id]
            returned = job.returned + (not spent)
            self._jobs[fence.job_id] = replace(job, state=JobState.QUEUED, due=due, error=error, returned=returned)

    async def give_up(self, fence: Fence, error: str) -> None:
        if self._is_current(fence):
            self._jobs[fence.job_id] = replace(self._jobs[fence.job_id], state=JobState.FAILED, error=error)

    async def disown(self, owner: str, *, on_purpose: bool = False) -> None:
        held = [name for name, lease in self._leases.items() if lease.owner == owner and name.startswith("job/")]
        for name in held:
            del self._leases[name]
            job = self._jobs[name.removeprefix("job/")]
            if on_purpose and job.state is JobState.RUNNING:
                self._jobs[job.id] = replace(job, returned=job.returned + 1)

    async def jobs(self, state: JobState | None = None) -> Sequence[JobRow]:
        return [job for job in self._jobs.values() if state is None or job.state is state]

    async def blocked(self, topic: str, key: str) -> bool:
        return any((row.record.topic, row.record.key) == (topic, key) for row in self._parked.values())

    async def parked(self, *, ready: bool | None = None) -> Sequence[Parked]:
        return [row for row in self._parked.values() if ready is None or row.ready is ready]

    async def count_parked(self, *, expired_at: datetime | None = None) -> int:
        return sum(expired_at is None or one.deadline <= expired_at for one in self._parked.values())

    async def dead_letters(self) -> Sequence[DeadLetter]:
        return list(self._dead.values())

    async def letter(self, letter_id: str) -> DeadLetter | None:
        return self._dead.get(letter_id)

    async def letters(self, query: LetterQuery) -> Page[DeadLetter]:
        backwards = query.order == "time"

        def place_of(letter: DeadLetter) -> list[str | float]:
            record = letter.record
            at = letter.at.timestamp()
            return [at, letter.id] if backwards else [record.topic, record.partition, record.offset, letter.id]

        found = sorted((letter for letter in self._dead.values() if _fits(letter, query)), key=place_of)
        if backwards:
            found.reverse()
        if query.cursor:
            last = cursor.decode_place(query.cursor, 2 if backwards else 4)
            found = [one for one in found if (place_of(one) < last if backwards else place_of(one) > last)]
        page = found[: query.limit]
        return Page(tuple(page), cursor.encode_place(place_of(page[-1])) if len(found) > query.limit else None)

    async def letter_counts(self) -> Mapping[str, int]:
        return Counter(letter.record.topic for letter in self._dead.values())


def _fits(letter: DeadLetter, query: LetterQuery) -> bool:
    return (
        query.topic in (None, letter.record.topic)
        and query.error in (None, letter.error)
        and (query.since is None or letter.at >= query.since)
        and (query.until is None or letter.at < query.until)
    )
