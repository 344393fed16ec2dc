"""The store of many replicas: one MongoDB database a service, a replica set with transactions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from murmur_kernel.clock import Clock, SystemClock
from murmur_kernel.documents import Document, Page, Query
from murmur_kernel.store import mongo_schema
from murmur_kernel.store.base import ChangeSet, DeadLetter, Fence, JobRow, JobState, LetterQuery, OutboxRow, Parked
from murmur_kernel.store.codec import load_edits, load_envelope, load_record
from murmur_kernel.store.index import MongoIndex, NoIndex
from murmur_kernel.store.mongo_committer import Committer
from murmur_kernel.store.mongo_engine import MongoEngine
from murmur_kernel.store.mongo_find import find_documents
from murmur_kernel.store.mongo_letters import find_letters, letter_of
from murmur_kernel.store.mongo_records import ENDED


class MongoStore:
    """Every commit is acknowledged by the majority of the replica set."""

    shared = True

    def __init__(self, uri: str, database: str, clock: Clock | None = None, *, index: MongoIndex | None = None) -> None:
        """`database` is used where the URI names none. Raises ValueError for a URI that cannot be read."""
        self.on_commit: Callable[[ChangeSet], None] = lambda change: None
        self.engine = MongoEngine(uri, database)
        self._index = index
        self._committer = Committer(self.engine, index)
        self._clock = clock or SystemClock()

    async def open(self, indexes: Mapping[str, Sequence[str]]) -> None:
        await self.engine.connect()
        await mongo_schema.migrate(self.engine, self._clock)
        await mongo_schema.index(self.engine, indexes)
        if self._index:
            await mongo_schema.index_beside(self.engine, self._index)
        await self._committer.open()

    async def close(self) -> None:
        await self._committer.close()
        await self.engine.close()

    async def get(self, kind: str, document_id: str) -> Document | None:
        found = await self.engine.one("documents", {"_id": f"{kind}/{document_id}"})
        return Document(found["kind"], found["id"], found["version"], found["body"]) if found else None

    async def get_many(self, kind: str, ids: Sequence[str]) -> Sequence[Document]:
        names = [f"{kind}/{document_id}" for document_id in ids]
        found = {one["_id"]: one for one in await self.engine.some("documents", {"_id": {"$in": names}})}
        there = [found[name] for name in names if name in found]
        return [Document(one["kind"], one["id"], one["version"], one["body"]) for one in there]

    async def ask(self, question: object) -> Any:
        if self._index is None:
            raise NoIndex(question)
        return await self._index.answer(self.engine, question)

    async def find(self, kind: str, query: Query) -> Page[Document]:
        return await find_documents(self.engine, kind, query)

    async def commit(self, change: ChangeSet) -> None:
        await self._committer.commit(change)
        self.on_commit(change)

    async def handled(self, mark: str) -> bool:
        return await self.engine.one("inbox", {"_id": mark}) is not None

    async def forget_marks(self, now: datetime, limit: int) -> int:
        waiting = [*await self._ids("parked"), *await self._ids("dead_letters")]
        due = {"forget_at": {"$lte": now.timestamp()}, "_id": {"$nin": waiting}}
        marks = [found["_id"] for found in await self.engine.some("inbox", due, order=[("forget_at", 1)], limit=limit)]
        await self.engine.delete_all("answers", {"_id": {"$in": marks}})
        return await self.engine.delete_all("inbox", {"_id": {"$in": marks}})

    async def _ids(self, collection: str) -> list[str]:
        return [found["_id"] for found in await self.engine.some(collection, {}, without="record")]

    async def answer(self, key: str) -> str | None:
        found = await self.engine.one("answers", {"_id": key})
        return found["body"] if found else None

    async def outbox(self, limit: int) -> Sequence[OutboxRow]:
        rows = await self.engine.snapshot("outbox", order=[("_id", 1)], limit=limit)
        return [OutboxRow(row["_id"], load_envelope(row["envelope"])) for row in rows]

    async def published(self, up_to: int) -> None:
        await self.engine.delete_all("outbox", {"_id": {"$lte": up_to}})

    async def outbox_depth(self) -> tuple[int, datetime | None]:
        oldest = await self.engine.one("outbox", {}, order=[("_id", 1)])
        if oldest is None:
            return 0, None
        return await self.engine.count("outbox", {}), datetime.fromisoformat(oldest["time"])

    async def lease(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        free = {"_id": name, "$or": [{"owner": owner}, {"until": {"$lte": now.timestamp()}}]}
        taken = {"$set": {"owner": owner, "until": until.timestamp()}}
        return await self.engine.update("leases", free, taken, upsert=True)

    async def claim(self, kinds: Sequence[str], owner: str, now: datetime, until: datetime) -> JobRow | None:
        moment = now.timestamp()
        abandoned = {"state": JobState.RUNNING.value, "lease_until": {"$lte": moment}}
        free = {
            "kind": {"$in": list(kinds)},
            "due": {"$lte": moment},
            "$or": [{"state": JobState.QUEUED.value}, abandoned],
        }
        begun = {
            "$inc": {"attempt": 1},
            "$set": {"state": JobState.RUNNING.value, "owner": owner, "lease_until": until.timestamp()},
        }
        job = await self.engine.update_first("jobs", free, begun, order=[("due", 1)])
        return _job(job) if job else None

    async def extend(self, fence: Fence, until: datetime) -> bool:
        return await self._update_job(fence, {"lease_until": until.timestamp()})

    async def postpone(self, fence: Fence, due: datetime, error: str, *, spent: bool = True) -> None:
        waiting = {"state": JobState.QUEUED.value, "due": due.timestamp(), "error": error}
        await self._update_job(fence, waiting, returned=int(not spent))

    async def give_up(self, fence: Fence, error: str) -> None:
        await self._update_job(fence, {"state": JobState.FAILED.value, "error": error})

    async def _update_job(self, fence: Fence, values: dict[str, Any], *, returned: int = 0) -> bool:
        current = {"_id": fence.job_id, "attempt": fence.attempt, "state": JobState.RUNNING.value}
        return await self.engine.update("jobs", current, {"$set": values, "$inc": {"returned": returned}})

    async def disown(self, owner: str, *, on_purpose: bool = False) -> None:
        theirs = {"owner": owner, "state": JobState.RUNNING.value}
        free = {"$set": {"lease_until": 0.0, "owner": ""}, "$inc": {"returned": int(on_purpose)}}
        await self.engine.update_all("jobs", theirs, free)

    async def jobs(self, state: JobState | None = None) -> Sequence[JobRow]:
        where = {"state": {"$ne": ENDED}} if state is None else {"state": state.value}
        return [_job(job) for job in await self.engine.some("jobs", where, order=[("due", 1)])]

    async def blocked(self, topic: str, key: str) -> bool:
        return await self.engine.one("parked", {"topic": topic, "key": key}) is not None

    async def parked(self, *, ready: bool | None = None) -> Sequence[Parked]:
        """Ready is what was released, or whose document is there by now.

        That is looked up at every reading: the save of a document and the parking of what awaits it may overlap in two
        replicas, and neither would see the other.
        """
        rows = await self.engine.some("parked", {}, order=[("number", 1)])
        awaited = {"_id": {"$in": [row["awaits"] for row in rows if not row["ready"]]}}
        present = {found["_id"] for found in await self.engine.some("documents", awaited, without="body")}
        all_parked = [_parked(row, ready=row["ready"] or row["awaits"] in present) for row in rows]
        return [one for one in all_parked if ready is None or one.ready is ready]

    async def count_parked(self, *, expired_at: datetime | None = None) -> int:
        return await self.engine.count("parked", {"deadline": {"$lte": expired_at.timestamp()}} if expired_at else {})

    async def dead_letters(self) -> Sequence[DeadLetter]:
        return [letter_of(found) for found in await self.engine.some("dead_letters", {}, order=[("at", 1)])]

    async def letter(self, letter_id: str) -> DeadLetter | None:
        found = await self.engine.one("dead_letters", {"_id": letter_id})
        return letter_of(found) if found else None

    async def letters(self, query: LetterQuery) -> Page[DeadLetter]:
        return await find_letters(self.engine, query)

    async def letter_counts(self) -> Mapping[str, int]:
        return await self.engine.count_by("dead_letters", "topic")


def _job(job: dict[str, Any]) -> JobRow:
    plain = {field.name: job[field.name] for field in fields(JobRow) if field.name in job}
    due = datetime.fromtimestamp(job["due"], UTC)
    return JobRow(**{**plain, "id": job["_id"], "due": due, "state": JobState(job["state"])})


def _parked(row: dict[str, Any], *, ready: bool) -> Parked:
    return Parked(
        id=row["_id"],
        record=load_record(row["record"]),
        awaits=row["awaits"],
        deadline=datetime.fromtimestamp(row["deadline"], UTC),
        ready=ready,
        edits=load_edits(row["edits"]),
    )
