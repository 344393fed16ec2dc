"""Commits to MongoDB, one transaction at a time a process, each exactly once, whatever happens to its answer.

Changes that wait while a transaction is under way share the next one. It reads first, decides in memory which changes
hold (mongo_records.py), and writes those: MongoDB has no savepoints, and an error of one statement undoes them all.
The counter from which everything is numbered is written last, so that other replicas wait for it the shortest time.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from pymongo.operations import DeleteOne, InsertOne, ReplaceOne

from murmur_kernel.backoff import Backoff
from murmur_kernel.errors import Conflict, Duplicate, LeaseLost, StoreUnavailable, Unacceptable
from murmur_kernel.store.base import ChangeSet
from murmur_kernel.store.index import MongoIndex
from murmur_kernel.store.mongo_engine import Contended, MongoEngine, ResultUnknown, Transaction, Write
from murmur_kernel.store.mongo_records import HEAD, Name, Records, by_collection, names_of

log = structlog.get_logger()

_GROUP = 64
_PATIENCE_SECONDS = 15.0
_STUCK_SECONDS = 2.0
"""A transaction holds what others want for some milliseconds; longer, and its owner was killed or stopped inside it."""
_FORGET_SECONDS = 24 * 3600

Outcome = Exception | None
"""Why a change was refused; None when it is committed."""


class Committer:
    """The one that writes of a process.

    Its record in `committers` names its session, so that others can undo a transaction that its death left open, and
    holds the receipt of its last transaction, written in that same transaction: so it can be told whether a commit
    that was never answered has happened.
    """

    def __init__(self, engine: MongoEngine, index: MongoIndex | None = None) -> None:
        self._engine = engine
        self._index = index
        self._queue: asyncio.Queue[tuple[ChangeSet, asyncio.Future[None]] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._session: Any = None
        self._receipts = 0

    async def open(self) -> None:
        self._session = await self._engine.session()
        await self._free_others()
        await self._engine.delete_all("committers", {"at": {"$lt": time.time() - _FORGET_SECONDS}})
        self._task = asyncio.create_task(self._run(), name="mongo-committer")

    async def close(self) -> None:
        """What waits is committed first."""
        if self._task is not None:
            self._queue.put_nowait(None)
            await self._task
            self._task = None
            await self._session.end_session()

    async def commit(self, change: ChangeSet) -> None:
        """Conflict, Duplicate, LeaseLost, Unacceptable: nothing has happened. StoreUnavailable: it may have."""
        if self._task is None:
            raise StoreUnavailable(f"the store {self._engine.address} is not open")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((change, future))
        await future

    async def _run(self) -> None:
        going_on = True
        while going_on:
            group = [await self._queue.get()]
            while len(group) < _GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            going_on = None not in group
            await self._settle([item for item in group if item is not None and not item[1].done()])

    async def _settle(self, group: list[tuple[ChangeSet, asyncio.Future[None]]]) -> None:
        if not group:
            return
        try:
            outcomes = await self._commit_surely([change for change, _ in group])
        except Unacceptable as error:
            if len(group) > 1:  # one of them: the others must not suffer for it
                for item in group:
                    await self._settle([item])
                return
            outcomes = [error]
        except Exception as error:  # noqa: BLE001  # handed to those who wait for this group; the next one is tried anew
            outcomes = [error] * len(group)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():
                continue
            if outcome is None:
                future.set_result(None)
            else:
                future.set_exception(outcome)

    async def _commit_surely(self, changes: Sequence[ChangeSet]) -> Sequence[Outcome]:
        """Until it is known what became of it, or patience ends."""
        self._receipts += 1
        began = looked = time.monotonic()
        backoff = Backoff(first=0.004, longest=0.25)
        unsure: Sequence[Outcome] | None = None
        while True:
            outcomes: Sequence[Outcome] = []
            try:
                async with self._engine.transaction(self._session) as transaction:
                    if unsure is not None and await self._is_receipted(transaction):
                        return unsure
                    outcomes = await self._apply(transaction, changes)
                    await transaction.commit()
                    return outcomes
            except ResultUnknown as error:
                unsure, why = outcomes, str(error)
                log.warning("commit not answered", store=self._engine.address, error=why)
            except Contended as error:
                why = str(error)
            now = time.monotonic()
            if now - began > _PATIENCE_SECONDS:
                raise StoreUnavailable(
                    f"the store {self._engine.address} did not commit in {_PATIENCE_SECONDS} s: {why[:500]}"
                )
            if now - looked > _STUCK_SECONDS:
                looked = now
                await self._free_others()
            await asyncio.sleep(backoff.next())

    async def _apply(self, transaction: Transaction, changes: Sequence[ChangeSet]) -> Sequence[Outcome]:
        read: dict[Name, dict[str, Any]] = {}
        for collection, ids in by_collection(name for change in changes for name in names_of(change)).items():
            body = "body" if collection == "documents" else ""
            found = await transaction.find(collection, {"_id": {"$in": ids}}, without=body)
            read.update({(collection, record["_id"]): record for record in found})
        records = Records(read)
        outcomes: list[Outcome] = []
        for change in changes:
            try:
                records.apply(change, self._index)
                outcomes.append(None)
            except (Conflict, Duplicate, LeaseLost) as error:
                outcomes.append(error)
        if records.changed:
            await self._write(transaction, records)
        return outcomes

    async def _write(self, transaction: Transaction, records: Records) -> None:
        names = sorted(records.changed, key=lambda name: (name[0] == HEAD[0], name == HEAD))
        receipt = {"receipt": self._receipts, "at": time.time()}
        await transaction.write("committers", [ReplaceOne({"_id": self._id}, receipt, upsert=True)])
        for collection, ids in by_collection(names).items():
            await transaction.write(collection, [_write(collection, one, records.changed) for one in ids])

    async def _is_receipted(self, transaction: Transaction) -> bool:
        found = await transaction.find("committers", {"_id": self._id})
        return bool(found) and found[0]["receipt"] == self._receipts

    async def _free_others(self) -> None:
        """Undo transactions that were left open: whoever lives begins his anew and loses nothing."""
        others = await self._engine.some("committers", {"_id": {"$ne": self._id}})
        if others:
            log.info("transactions of other replicas undone", store=self._engine.address, replicas=len(others))
            await self._engine.kill_sessions([other["_id"] for other in others])

    @property
    def _id(self) -> Any:
        return self._session.session_id["id"]


def _write(collection: str, record_id: Any, changed: dict[Name, dict[str, Any] | None]) -> Write:
    record = changed[collection, record_id]
    if record is None:
        return DeleteOne({"_id": record_id})
    if collection == "outbox":  # a position is given once
        return InsertOne({**record, "_id": record_id})
    return ReplaceOne({"_id": record_id}, {**record, "_id": record_id}, upsert=True)
