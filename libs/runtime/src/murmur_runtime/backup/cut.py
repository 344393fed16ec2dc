"""One moment of many SQLite files: no store is seen before, and none after, a commit that another is seen without."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 30.0
"""How long a writer of ours may hold its file before the cut gives up."""


@contextmanager
def all_writers_held(stores: Sequence[Path]) -> Iterator[list[sqlite3.Connection]]:
    """Nobody commits to any of the stores inside; yields one reader a store, each fixed to this moment.

    The readers stay at this moment after the writers go on; their caller closes them.
    Raises sqlite3.OperationalError when a store stays locked by somebody else.
    """
    with ExitStack() as writers:
        for path in stores:
            writer = writers.enter_context(closing(_connect(path)))
            writer.execute("BEGIN IMMEDIATE")
        yield [_fixed_reader(path) for path in stores]


def copy_store(reader: sqlite3.Connection, to: Path) -> None:
    """The store as its fixed reader sees it, as one file. Closes the reader."""
    with closing(reader), closing(sqlite3.connect(to)) as target:
        reader.backup(target)
        target.execute("PRAGMA journal_mode = WAL")


def _fixed_reader(path: Path) -> sqlite3.Connection:
    reader = _connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # a deferred transaction begins with its first read
    return reader


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
