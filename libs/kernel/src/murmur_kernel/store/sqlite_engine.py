"""One SQLite file driven from asyncio: a writer thread that commits whole groups at once, a reader thread for what may
take long, and looks at single rows in the event loop itself.

Group commit: all writes that wait while a commit is on its way to the disk share the next one. Each runs in a savepoint
of its own, so that one that fails takes nothing with it.
"""

import asyncio
import contextlib
import queue
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from murmur_kernel.errors import StoreFull, StoreUnavailable

R = TypeVar("R")
Work = Callable[[sqlite3.Connection], object]

_GROUP = 256
_SWITCH_SECONDS = 0.0005
"""The writer lets go of the interpreter at every statement, and would wait the usual 5 ms for a busy event loop to give
it back."""
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


@dataclass(frozen=True)
class _Waiting:
    """What is to be written, and the future of whoever waits for it."""

    work: Work
    future: asyncio.Future[Any]


@dataclass(frozen=True)
class _Answer:
    result: Any = None
    error: BaseException | None = None


class SqliteEngine:
    """Runs functions over a connection, in order, durably: synchronous=FULL in WAL mode."""

    def __init__(self, path: str, migrations: tuple[str, ...]) -> None:
        self.path = path
        self._migrations = migrations
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-reader")
        self._read_connection: sqlite3.Connection | None = None
        self._look_connection: sqlite3.Connection | None = None
        self._writer: threading.Thread | None = None

    async def open(self, indexes: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> None:
        """Migrates, makes the indexes that are missing (SQL statements), starts the writer.

        more: migrations of a search index beside, counted by themselves.

        Raises StoreUnavailable when the file cannot be opened, or is of a newer schema than this code."""
        await asyncio.to_thread(self._prepare, indexes, more)
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._writer = threading.Thread(target=self._write_groups, name="sqlite-writer", daemon=True)
        self._writer.start()

    async def close(self) -> None:
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None
        if self._read_connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._reader, self._read_connection.close)
            self._read_connection = None
        self._reader.shutdown()
        if self._look_connection is not None:
            self._look_connection.close()
            self._look_connection = None

    async def write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Returns when the group that `work` was part of is on the disk."""
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
        result: R = await waiting.future
        return result

    async def read(self, work: Callable[[sqlite3.Connection], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, work)

    def look(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """A read of a row or a few by their key, at once: handing it to a thread takes ten times as long as it does."""
        if self._look_connection is None:
            self._look_connection = self._connect()
            self._look_connection.execute("PRAGMA busy_timeout = 50")  # no longer may the event loop stand still
        return self._reading(self._look_connection, work)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepare(self, indexes: tuple[str, ...], more: tuple[str, ...]) -> None:
        try:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            connection = self._connect()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                done = int(connection.execute("PRAGMA user_version").fetchone()[0])
                if done > len(self._migrations):
                    raise StoreUnavailable(
                        f"{self.path} has schema {done}, this release knows {len(self._migrations)}:"
                        f" use the newer release"
                    )
                for number, script in enumerate(self._migrations[done:], start=done + 1):
                    connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
                for statement in indexes:
                    connection.execute(statement)
                if more:
                    _migrate_beside(connection, more)
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"cannot open the store {self.path}: {error}") from error

    def _read(self, work: Callable[[sqlite3.Connection], R]) -> R:
        if self._read_connection is None:
            self._read_connection = self._connect()
        return self._reading(self._read_connection, work)

    def _reading(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
        try:
            return work(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"cannot read the store {self.path}: {error}") from error

    def _write_groups(self) -> None:
        connection = self._connect()
        connection.execute("PRAGMA temp_store = MEMORY")  # what savepoints need in order to go back
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # 16 MB: pages that change again and again go once
        open_for_work = True
        while open_for_work:
            group = [self._queue.get()]
            while len(group) < _GROUP and not self._queue.empty():
                group.append(self._queue.get())
            open_for_work = None not in group
            waiting = [one for one in group if one is not None and not one.future.cancelled()]
            if waiting:
                self._write_group(connection, waiting)
        connection.close()

    def _write_group(self, connection: sqlite3.Connection, group: list[_Waiting]) -> None:
        """Whoever waits is told when all of the group is on the disk, or that none of it is."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            answers = [in_savepoint(connection, one.work) for one in group]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            answers = [_Answer(error=unavailable(self.path, error))] * len(group)
        loop = group[0].future.get_loop()
        with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever waited with it
            loop.call_soon_threadsafe(_answer, group, answers)


def in_savepoint(connection: sqlite3.Connection, work: Work) -> _Answer:
    """What came of it: an error that is not the store's undoes it alone."""
    connection.execute("SAVEPOINT work")
    try:
        result = work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001  # handed to whoever awaits this piece of work; the others go on
        connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        return _Answer(error=error)
    connection.execute("RELEASE work")
    return _Answer(result)


def _answer(group: list[_Waiting], answers: list[_Answer]) -> None:
    for one, answer in zip(group, answers, strict=True):
        if one.future.done():
            continue  # cancelled: it was written all the same
        if answer.error is not None:
            one.future.set_exception(answer.error)
        else:
            one.future.set_result(answer.result)


def _migrate_beside(connection: sqlite3.Connection, scripts: tuple[str, ...]) -> None:
    """Each script once; how many were is kept in a table, since the file's own number is the store's."""
    connection.execute("CREATE TABLE IF NOT EXISTS search_schema (applied INTEGER NOT NULL)")
    ((done,),) = connection.execute("SELECT coalesce(max(applied), 0) FROM search_schema").fetchall()
    for number, script in enumerate(scripts[done:], start=done + 1):
        connection.executescript(f"BEGIN; {script}; INSERT INTO search_schema VALUES ({number}); COMMIT;")


def unavailable(path: str, error: sqlite3.Error) -> StoreUnavailable:
    """What an error of SQLite's while writing means."""
    if getattr(error, "sqlite_errorcode", None) in _FULL:
        return StoreFull(path, str(error))
    return StoreUnavailable(f"cannot write the store {path}: {error}")
