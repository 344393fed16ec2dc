"""What a change does to the records of a MongoDB store: a pure function over those that were read before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from murmur_events import Envelope
from murmur_events.catalog import topic_named
from murmur_kernel.errors import Conflict, Duplicate, LeaseLost
from murmur_kernel.store.base import ChangeSet, DocumentWrite, Fence, JobRow, JobState, Parked
from murmur_kernel.store.codec import dump_edits, dump_envelope, dump_record
from murmur_kernel.store.index import MongoIndex
from murmur_kernel.store.mongo_letters import letter_record

Record = dict[str, Any]
Name = tuple[str, Any]
"""A collection, and the id of a record in it."""

HEAD: Name = ("counters", "head")
"""The last number that was given. Documents, parked records and events are numbered from this one counter, so whoever
numbers something conflicts with whoever else does: numbers become visible in their order."""

ENDED = "ended"


def names_of(change: ChangeSet) -> Iterator[Name]:
    """What must be read before the change can be decided."""
    if change.mark:
        yield "inbox", change.mark
    if change.fence:
        yield "jobs", change.fence.job_id
    for write in change.documents:
        yield "documents", _id(write)
    for envelope in change.envelopes:
        yield _sequence(envelope)
    for job_id in (*(job.id for job in change.jobs), *change.cancelled):
        yield "jobs", job_id
    if change.parked:
        yield "parked", change.parked.id
    if change.documents or change.envelopes or change.parked:
        yield HEAD


class Records:
    """Records as they were read, and what was changed since. A change that fails leaves no trace."""

    def __init__(self, read: Mapping[Name, Record]) -> None:
        self._read = read
        self.changed: dict[Name, Record | None] = {}

    def apply(self, change: ChangeSet, index: MongoIndex | None = None) -> None:
        """Raises Duplicate, LeaseLost, Conflict; then nothing of it has happened."""
        before = dict(self.changed)
        try:
            self._apply(change)
            for entry in change.entries:
                assert index is not None, "a kind with entries belongs to a store with an index"
                self.changed.update(index.records(entry))
        except (Duplicate, LeaseLost, Conflict):
            self.changed = before
            raise

    def _apply(self, change: ChangeSet) -> None:
        if change.mark:
            if self._get(("inbox", change.mark)) is not None:
                raise Duplicate(change.mark)
            self.changed["inbox", change.mark] = {
                "forget_at": change.forget_at.timestamp() if change.forget_at else None
            }
        if change.fence:
            self._check_fence(change.fence)
        for write in change.documents:
            self._save(write)
        for envelope in change.envelopes:
            self._enqueue(envelope)
        for job in change.jobs:
            if self._get(("jobs", job.id)) is None:
                self.changed["jobs", job.id] = _job(job)
        for job_id in change.cancelled:
            self._end(job_id)
        if change.unparked:
            self.changed["parked", change.unparked] = None
        if change.parked:
            self._park(change.parked)
        if letter := change.dead_letter:
            self.changed["dead_letters", letter.id] = letter_record(letter)
        if change.undead:
            self.changed["dead_letters", change.undead] = None
        if change.answer:
            self.changed["answers", change.answer[0]] = {"body": change.answer[1]}

    def _check_fence(self, fence: Fence) -> None:
        """A fence is written even where it only holds: else a claim of the next attempt would not conflict with it."""
        job = self._get(("jobs", fence.job_id))
        if job is None or (job["state"], job["attempt"]) != (JobState.RUNNING.value, fence.attempt):
            raise LeaseLost(fence.job_id, fence.attempt)
        if fence.completes:
            self._end(fence.job_id)
        else:
            self.changed["jobs", fence.job_id] = {**job, "recorded": job.get("recorded", 0) + 1}

    def _end(self, job_id: str) -> None:
        """It stays as a record without a payload, so that its id is never taken for new work."""
        if (job := self._get(("jobs", job_id))) is not None:
            self.changed["jobs", job_id] = {**job, "state": ENDED, "payload": ""}

    def _save(self, write: DocumentWrite) -> None:
        before = self._get(("documents", _id(write)))
        version = before["version"] if before else 0
        if write.expected not in (None, version):
            raise Conflict(write.kind, write.id)
        self.changed["documents", _id(write)] = {
            "kind": write.kind,
            "id": write.id,
            "version": version + 1,
            "number": before["number"] if before else self._next(HEAD),
            "fields": write.fields,
            "body": write.body,
        }

    def _enqueue(self, envelope: Envelope) -> None:
        numbered = replace(envelope, sequence=self._next(_sequence(envelope)))
        self.changed["outbox", self._next(HEAD)] = {
            "envelope": dump_envelope(numbered),
            "time": envelope.time.isoformat(),
        }

    def _park(self, parked: Parked) -> None:
        before = self._get(("parked", parked.id))
        self.changed["parked", parked.id] = {
            "number": before["number"] if before else self._next(HEAD),
            "topic": parked.record.topic,
            "key": parked.record.key,
            "record": before["record"] if before else dump_record(parked.record),
            "awaits": parked.awaits,
            "deadline": parked.deadline.timestamp(),
            "ready": parked.ready or not parked.awaits,
            "edits": before["edits"] if before else dump_edits(parked.edits),
        }

    def _next(self, counter: Name) -> int:
        value = int((self._get(counter) or {"value": 0})["value"]) + 1
        self.changed[counter] = {"value": value}
        return value

    def _get(self, name: Name) -> Record | None:
        return self.changed[name] if name in self.changed else self._read.get(name)


def by_collection(names: Iterable[Name]) -> dict[str, list[Any]]:
    """Ids by their collection, each once."""
    found: dict[str, list[Any]] = {}
    for collection, record_id in dict.fromkeys(names):
        found.setdefault(collection, []).append(record_id)
    return found


def _id(write: DocumentWrite) -> str:
    return f"{write.kind}/{write.id}"


def _sequence(envelope: Envelope) -> Name:
    return "counters", f"sequence/{topic_named(envelope.topic).aggregate}/{envelope.key}"


def _job(job: JobRow) -> Record:
    fields = {name: value for name, value in vars(job).items() if name != "id"}
    return {**fields, "due": job.due.timestamp(), "state": job.state.value, "owner": "", "lease_until": 0.0}
