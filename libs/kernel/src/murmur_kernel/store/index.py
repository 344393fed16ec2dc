"""A service's own search index: derived from its documents, changed in their commits, one adapter an engine.

Documents are found by a few declared fields. A service that must answer more keeps an index beside them, in the same
store: tables of its own in SQLite, collections of its own in MongoDB. What it is told (`Kind.entry`) and what it is
asked are its own types; the kernel only carries them into the transaction and into the store.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from murmur_kernel.store.mongo_engine import MongoEngine

Place = tuple[str, str]
"""A collection of the index, and the id of a record in it."""


class SqliteIndex(Protocol):
    """migrations: scripts, append only; each is applied once."""

    @property
    def migrations(self) -> Sequence[str]: ...

    def keep(self, connection: sqlite3.Connection, entry: Any) -> None:
        """Inside of the transaction that saves the document."""
        ...

    def answer(self, connection: sqlite3.Connection, question: Any) -> Any: ...


class MongoIndex(Protocol):
    """collections: with the indexes of each, as lists of (field, direction).
    optional: indexes that make questions faster where the server has such, as an older one may not.
    """

    @property
    def collections(self) -> Mapping[str, Sequence[Sequence[tuple[str, int]]]]: ...

    @property
    def optional(self) -> Mapping[str, Sequence[Sequence[tuple[str, int]]]]: ...

    def records(self, entry: Any) -> Iterable[tuple[Place, dict[str, Any] | None]]:
        """The records that the entry puts in place of those before; None for one that goes."""
        ...

    async def answer(self, engine: MongoEngine, question: Any) -> Any: ...


class MemoryIndex(Protocol):
    """For the fake store: the meaning of all questions, without any haste."""

    def keep(self, entry: Any) -> None: ...

    def answer(self, question: Any) -> Any: ...


@dataclass(frozen=True)
class SearchIndex:
    """One adapter an engine; all three answer alike."""

    sqlite: type[SqliteIndex]
    mongo: type[MongoIndex]
    memory: type[MemoryIndex]


class NoIndex(LookupError):
    """A question to a store that was opened without an index: a bug of whoever composed the service."""

    def __init__(self, question: object) -> None:
        super().__init__(f"the store has no search index that could answer {type(question).__name__}")
