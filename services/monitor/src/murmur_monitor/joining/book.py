"""The label book: one SQLite file that remembers predictions, labels and what came of them, and how far it has read."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from murmur_kernel.errors import StoreFull, StoreUnavailable
from murmur_monitor.domain.quality import LabelledRows
from murmur_monitor.domain.windows import Millis, Window
from murmur_monitor.joining.finding import Found, find
from murmur_monitor.joining.forgetting import Forgotten, beyond, forget_joined, forget_outdated, make_room
from murmur_monitor.joining.joins import Joins
from murmur_monitor.joining.rows import Labels, Predictions
from murmur_monitor.joining.sampling import labelled_rows
from murmur_monitor.joining.schema import prepare

R = TypeVar("R")
Place = tuple[str, int]

GENERATION_ROWS = 1_000_000
WINDOW_ROWS = 2_000_000
"""Of a window with more labels a part is measured, or a day of a busy deployment would not fit into memory."""
_BUSY_MS = 30_000
"""A backup holds the file for a moment."""
_CACHE_KIB = 128 * 1024
COUNTED = ("predictions", "received", "joined", "repeated", "corrected", "outdated", "too_late", "unmatched", "let_go")


@dataclass(frozen=True, order=True)
class Touch:
    """A second of a version in which a labelled prediction has changed."""

    deployment: str
    version: int
    second: int
    change: int


class LabelBook:
    """One writer, in a thread of its own: work that was cancelled goes on there, and what comes after it waits.

    Every method that waits raises StoreUnavailable, and then nothing of it has happened.
    """

    def __init__(
        self,
        path: Path,
        *,
        skew: Millis = 300_000,
        generation_rows: int = GENERATION_ROWS,
        window_rows: int = WINDOW_ROWS,
        forget_rows: int = 50_000,
    ) -> None:
        """forget_rows: labelled predictions that one transaction deletes."""
        self.path = path
        self._skew = skew
        self._size = generation_rows
        self._window_rows = window_rows
        self._forget_rows = forget_rows
        self._connection: sqlite3.Connection | None = None
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="label-book")

    async def open(self) -> dict[Place, int]:
        """Where reading goes on."""
        return await self._writing(
            lambda book: {(topic, part): after for topic, part, after in book.execute("SELECT * FROM places")}
        )

    async def close(self) -> None:
        """After what is under way."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._close)
        self._writer.shutdown()

    async def take(
        self,
        batches: Sequence[Predictions | Labels],
        places: Mapping[Place, int],
        *,
        delays: Mapping[str, Millis],
        now: Millis,
    ) -> None:
        """All of it, and `places` as where reading goes on, in one transaction."""

        def work(book: sqlite3.Connection) -> None:
            change = _next_change(book)
            joins = Joins(book, size=self._size, delays=delays, skew=self._skew, now=now, change=change)
            for batch in batches:
                match batch:
                    case Predictions():
                        joins.predicted(batch)
                    case Labels():
                        joins.labelled(batch)
            book.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?)", [(*place, after) for place, after in places.items()]
            )

        await self._writing(work)

    async def touched(self, limit: int) -> list[Touch]:
        """Those touched or put off longest ago first."""
        query = (
            "SELECT name, version, second, change FROM touched JOIN deployments ON id = deployment"
            " ORDER BY change LIMIT ?"
        )
        return await self._writing(lambda book: [Touch(*row) for row in book.execute(query, (limit,))])

    async def settle(self, done: Iterable[Touch], later: Iterable[Touch]) -> None:
        """Forget touches whose windows were measured, but those touched again meanwhile; put others at the end."""

        def work(book: sqlite3.Connection) -> None:
            same = (
                "version = ? AND second = ? AND change = ? AND deployment = (SELECT id FROM deployments WHERE name = ?)"
            )
            book.executemany(f"DELETE FROM touched WHERE {same}", [_named(one) for one in done])
            change = _next_change(book)
            book.executemany(f"UPDATE touched SET change = {change} WHERE {same}", [_named(one) for one in later])

        await self._writing(work)

    async def rows_of(self, deployment: str, version: int, window: Window) -> LabelledRows:
        """The labelled predictions of a window: see joining.sampling."""
        most = self._window_rows
        return await self._writing(lambda book: labelled_rows(book, deployment, version, window, most=most))

    async def deployments(self) -> list[str]:
        return await self._writing(lambda book: [name for (name,) in book.execute("SELECT name FROM deployments")])

    async def forget(
        self, *, before: Mapping[str, Millis], windows_before: Mapping[str, Millis], most_rows: int
    ) -> Forgotten:
        """Let go of what no label can join any more, and of the oldest where there is more than `most_rows`.

        before: predictions older than that no label can join. windows_before: windows that end by then are not measured
        again. In many short transactions; what a kill leaves undone is done by the next call.
        """
        size = self._size
        gone = await self._writing(partial(forget_outdated, size=size, before=before))
        await self._forget_joined(windows_before)
        while (much := await self._writing(partial(beyond, size=size, most_rows=most_rows))) is not None:
            await self._forget_joined({name: reach + 1 for name, reach in much.reach.items()})
            gone += await self._writing(partial(make_room, much=much, size=size))
        return gone

    async def _forget_joined(self, before: Mapping[str, Millis]) -> None:
        for name, moment in before.items():
            work = partial(forget_joined, deployment=name, before=moment, at_once=self._forget_rows)
            while await self._writing(work):
                pass

    async def counts(self, deployment: str) -> dict[str, int]:
        """Every name of COUNTED, 0 where nothing was counted, and `waiting`: labels whose prediction is not known."""

        def work(book: sqlite3.Connection) -> dict[str, int]:
            query = "SELECT what, rows FROM counts JOIN deployments ON id = deployment WHERE name = ?"
            return dict(book.execute(query, (deployment,)).fetchall())

        found = dict.fromkeys(COUNTED, 0) | (await self._reading(work) or {})
        known = ("repeated", "corrected", "outdated", "joined", "too_late", "unmatched")
        return found | {"waiting": found["received"] - sum(found[name] for name in known)}

    async def find(self, deployment: str, name: str) -> list[Found]:
        """The predictions of that name, newest first: see joining.finding."""
        return await self._reading(lambda book: find(book, deployment, name)) or []

    async def _reading(self, work: Callable[[sqlite3.Connection], R]) -> R | None:
        """Beside the writer, over the book as it stands at the beginning; None where there is no book yet."""

        def read() -> R | None:
            if not self.path.exists():
                return None
            with closing(self._connect()) as book:
                book.execute("BEGIN")
                made = book.execute("SELECT 1 FROM sqlite_master WHERE name = 'counts'").fetchone()
                return work(book) if made else None  # the file comes before its tables

        return await asyncio.to_thread(self._explained, read)

    async def _writing(self, work: Callable[[sqlite3.Connection], R]) -> R:
        done = partial(self._explained, lambda: self._write(work))
        return await asyncio.get_running_loop().run_in_executor(self._writer, done)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect()
            self._connection.execute("PRAGMA journal_mode = WAL")
            prepare(self._connection)
        with _transaction(self._connection):
            return work(self._connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # What a power cut takes back is read again: the place in the topics goes back with it.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _explained(self, work: Callable[[], R]) -> R:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise StoreFull(str(self.path), str(error)) from error
            raise StoreUnavailable(f"the label book {self.path} cannot be used: {error}") from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            connection.execute("ROLLBACK")
        raise


def _next_change(book: sqlite3.Connection) -> int:
    book.execute("INSERT INTO numbers VALUES ('change', 1) ON CONFLICT DO UPDATE SET value = value + 1")
    return int(book.execute("SELECT value FROM numbers WHERE name = 'change'").fetchone()[0])


def _named(touch: Touch) -> tuple[int, int, int, str]:
    return touch.version, touch.second, touch.change, touch.deployment
