"""MongoDB through motor: the one module that imports it, so that another client can take its place here."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import ReturnDocument
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.operations import DeleteOne, InsertOne, ReplaceOne
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from murmur_kernel.errors import StoreUnavailable, Unacceptable

Record = dict[str, Any]
Filter = Mapping[str, Any]
Write = InsertOne[Record] | ReplaceOne[Record] | DeleteOne
Order = Sequence[tuple[str, int]]

_DEFAULTS = {
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 15_000,
    "appname": "murmuration",
}
_MAJORITY = WriteConcern("majority")
_COMMIT_TRIES = 3
_DUPLICATE_KEY = 11000
_TOO_LARGE = {10334, 17419, 17420}


class Contended(Exception):
    """Somebody else changed the same things, or the connection broke: nothing of the transaction has happened."""


class ResultUnknown(Exception):
    """The commit was sent and not answered: it has happened, or it has not."""


class Transaction:
    """Reads and writes on one snapshot. Raises Contended, StoreUnavailable, Unacceptable."""

    def __init__(self, engine: "MongoEngine", session: AsyncIOMotorClientSession) -> None:
        self._engine = engine
        self._session = session

    async def find(self, collection: str, where: Filter, *, without: str = "") -> list[Record]:
        projection = {without: 0} if without else None
        with _as_contention(self._engine.address):
            cursor = self._engine.collection(collection).find(where, projection, session=self._session)
            return await cursor.to_list(None)

    async def write(self, collection: str, writes: Sequence[Write]) -> None:
        with _as_contention(self._engine.address):
            await self._engine.collection(collection).bulk_write(list(writes), session=self._session)

    async def commit(self) -> None:
        """A commit that is not answered is sent again: the server answers it alike. Raises ResultUnknown too."""
        for _ in range(_COMMIT_TRIES):
            try:
                return await self._session.commit_transaction()
            except PyMongoError as error:
                if not error.has_error_label("UnknownTransactionCommitResult"):
                    raise _contention(error, self._engine.address) from error
                unanswered = error
        raise ResultUnknown(str(unanswered)) from unanswered


class MongoEngine:
    """One database, with majority reads and writes. Whatever the server or the way to it does is StoreUnavailable."""

    def __init__(self, uri: str, database: str) -> None:
        """Raises ValueError for a URI that cannot be read."""
        try:
            parsed = parse_uri(uri, validate=True, warn=False)
        except (PyMongoError, ValueError) as error:
            raise ValueError(f"MURMUR_STORE={_hidden(uri)!r} cannot be read: {error}") from error
        given = {name.lower() for name in parsed["options"]}
        self._uri = uri
        self._options: dict[str, Any] = {name: value for name, value in _DEFAULTS.items() if name.lower() not in given}
        self.database = parsed["database"] or database
        self.address = f"{','.join(f'{host}:{port}' for host, port in parsed['nodelist'])}/{self.database}"
        self._client: AsyncIOMotorClient[Record] | None = None

    async def connect(self) -> None:
        """Raises StoreUnavailable when no primary answers within the server selection time."""
        client: AsyncIOMotorClient[Record] = AsyncIOMotorClient(self._uri, **self._options)
        try:
            await client.admin.command("ping")
        except PyMongoError as error:
            await asyncio.to_thread(client.close)
            raise _unavailable(error, self.address) from error
        self._client = client

    async def close(self) -> None:
        """In a thread: the client says good-bye to the server, and waits for an answer."""
        if self._client is not None:
            client, self._client = self._client, None
            await asyncio.to_thread(client.close)

    def collection(self, name: str) -> "AsyncIOMotorCollection[Record]":
        if self._client is None:
            raise StoreUnavailable(f"the store {self.address} is not open")
        return self._client[self.database].get_collection(
            name, read_concern=ReadConcern("majority"), write_concern=_MAJORITY
        )

    async def session(self) -> AsyncIOMotorClientSession:
        if self._client is None:
            raise StoreUnavailable(f"the store {self.address} is not open")
        with _reaching(self.address):
            return await self._client.start_session()

    @asynccontextmanager
    async def transaction(self, session: AsyncIOMotorClientSession) -> AsyncIterator[Transaction]:
        """Everything in it sees one snapshot. Left without a commit, nothing of it has happened."""
        session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=_MAJORITY)
        try:
            yield Transaction(self, session)
        finally:
            if session.in_transaction:  # type: ignore[truthy-function]  # a property, whatever motor's stub says
                with _reaching(self.address):
                    await session.abort_transaction()

    async def kill_sessions(self, sessions: Sequence[Any]) -> None:
        """Undo whatever transactions they have open; their owners begin anew."""
        assert self._client is not None
        with _reaching(self.address):
            await self._client.admin.command("killSessions", [{"id": session} for session in sessions])

    async def erase(self) -> None:
        """Drop the database, for tests."""
        assert self._client is not None
        with _reaching(self.address):
            await self._client.drop_database(self.database)

    async def create(self, collections: Sequence[str]) -> None:
        """Made where they are missing: transactions find everything in its place."""
        assert self._client is not None
        database = self._client[self.database]
        with _reaching(self.address):
            there = await database.list_collection_names()
            for name in set(collections) - set(there):
                try:
                    await database.create_collection(name)
                except PyMongoError:
                    if name not in await database.list_collection_names():  # else another replica was faster
                        raise

    async def index(self, collection: str, keys: Order) -> None:
        with _reaching(self.address):
            await self.collection(collection).create_index(list(keys))

    async def one(self, collection: str, where: Filter, *, order: Order | None = None) -> Record | None:
        with _reaching(self.address):
            return await self.collection(collection).find_one(where, sort=list(order) if order else None)

    async def some(
        self, collection: str, where: Filter, *, order: Order = (), limit: int = 0, without: str = ""
    ) -> list[Record]:
        with _reaching(self.address):
            cursor = self.collection(collection).find(where, {without: 0} if without else None, limit=limit)
            return await (cursor.sort(list(order)) if order else cursor).to_list(None)

    async def snapshot(self, collection: str, *, order: Order, limit: int) -> list[Record]:
        """Like `some`, but as of one moment: a scan alone sees what is committed behind its back and not before it."""
        if self._client is None:
            raise StoreUnavailable(f"the store {self.address} is not open")
        with _reaching(self.address):
            async with await self._client.start_session(snapshot=True) as session:
                cursor = self._client[self.database][collection].find({}, session=session)
                return await cursor.sort(list(order)).limit(limit).to_list(None)

    async def aggregate(self, collection: str, stages: list[dict[str, Any]]) -> list[Record]:
        with _reaching(self.address):
            return await self.collection(collection).aggregate(stages).to_list(None)

    async def count(self, collection: str, where: Filter) -> int:
        with _reaching(self.address):
            return await self.collection(collection).count_documents(where)

    async def count_by(self, collection: str, field: str) -> dict[str, int]:
        """How many records there are of each value of a field."""
        with _reaching(self.address):
            groups = self.collection(collection).aggregate([{"$group": {"_id": f"${field}", "count": {"$sum": 1}}}])
            return {group["_id"]: group["count"] for group in await groups.to_list(None)}

    async def update(self, collection: str, where: Filter, change: Filter, *, upsert: bool = False) -> bool:
        """Whether there was something to change, or (with `upsert`) it could be made."""
        with _reaching(self.address):
            try:
                result = await self.collection(collection).update_one(where, change, upsert=upsert)
            except DuplicateKeyError:
                return False
            return bool(result.matched_count or result.upserted_id is not None)

    async def update_first(self, collection: str, where: Filter, change: Filter, order: Order) -> Record | None:
        """The first one, as it is after the change."""
        with _reaching(self.address):
            found: Record | None = await self.collection(collection).find_one_and_update(
                where, change, sort=list(order), return_document=ReturnDocument.AFTER
            )
            return found

    async def update_all(self, collection: str, where: Filter, change: Filter) -> None:
        with _reaching(self.address):
            await self.collection(collection).update_many(where, change)

    async def delete_all(self, collection: str, where: Filter) -> int:
        """How many there were."""
        with _reaching(self.address):
            return (await self.collection(collection).delete_many(where)).deleted_count


class _reaching:  # noqa: N801  # used like a function, in `with`
    """Turns the client's errors into StoreUnavailable."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PyMongoError):
            raise self._translated(error) from error

    def _translated(self, error: PyMongoError) -> Exception:
        return _unavailable(error, self._address)


class _as_contention(_reaching):  # noqa: N801
    """The same inside a transaction, where some of them only mean: begin anew."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PyMongoError | BSONError):
            raise _contention(error, self._address) from error


def _contention(error: Exception, address: str) -> Exception:
    if isinstance(error, DocumentTooLarge | BSONError) or _codes(error) & _TOO_LARGE:
        return Unacceptable(_told(error))
    if isinstance(error, ServerSelectionTimeoutError):
        return _unavailable(error, address)
    if isinstance(error, PyMongoError) and (
        error.has_error_label("TransientTransactionError")
        or isinstance(error, ConnectionFailure)
        or _DUPLICATE_KEY in _codes(error)  # somebody else inserted it after this snapshot was taken
    ):
        return Contended(_told(error))
    return _unavailable(error, address)


def _unavailable(error: Exception, address: str) -> StoreUnavailable:
    return StoreUnavailable(f"the store {address} does not answer: {_told(error)}")


def _codes(error: Exception) -> set[Any]:
    return {failed.get("code") for failed in _failed_writes(error)} | {getattr(error, "code", None)}


def _told(error: Exception) -> str:
    """Without the documents that a failed write carries: they are nobody's business in a log."""
    return "; ".join(str(failed.get("errmsg")) for failed in _failed_writes(error)) or str(error)[:500]


def _failed_writes(error: Exception) -> list[dict[str, Any]]:
    details = error.details if isinstance(error, OperationFailure) else None
    return (details or {}).get("writeErrors") or []


def _hidden(uri: str) -> str:
    """Without the password that it may hold."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
