"""One SQLite file filled by one reader of a history, who begins again where it is interrupted."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from murmur_kernel.errors import StoreUnavailable
from murmur_kernel.store.sqlite_engine import SqliteEngine, in_savepoint, unavailable

R = TypeVar("R")

_TRANSACTION = 1_000


class BulkEngine(SqliteEngine):
    """Everything in the event loop, over one connection, a thousand pieces of work a transaction.

    Each is alone in its savepoint, and seen by what comes after it, as in the engine of a service; but on the disk
    it is when the engine is closed, and not before. What dies meanwhile leaves a file that is of no use; and so does an
    error of SQLite's, which may have undone what was answered before: everything is refused from then on.
    """

    _connection: sqlite3.Connection
    _pending = 0
    _broken: StoreUnavailable | None = None

    async def open(self, indexes: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> None:
        self._prepare(indexes, more)
        self._connection = self._connect()
        self._connection.execute("PRAGMA synchronous = NORMAL")  # waits for the disk at checkpoints only
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute("PRAGMA wal_autocheckpoint = 16000")
        self._connection.execute("PRAGMA cache_size = -64000")

    async def close(self) -> None:
        """Raises StoreUnavailable."""
        try:
            if self._broken is None:
                self._commit()
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error
        finally:
            self._connection.close()

    async def write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Raises StoreUnavailable, and whatever `work` raises; then nothing of it has happened."""
        if self._broken is not None:
            raise self._broken
        try:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            answer = in_savepoint(self._connection, work)
            self._pending += 1
            if self._pending == _TRANSACTION:
                self._commit()
                await asyncio.sleep(0)
        except sqlite3.Error as error:
            self._broken = unavailable(self.path, error)
            raise self._broken from error
        if answer.error is not None:
            raise answer.error
        result: R = answer.result
        return result

    async def read(self, work: Callable[[sqlite3.Connection], R]) -> R:
        return self.look(work)

    def look(self, work: Callable[[sqlite3.Connection], R]) -> R:
        return self._reading(self._connection, work)

    def _commit(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        self._pending = 0
