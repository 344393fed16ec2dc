"""Where a service keeps its documents, inbox, outbox, jobs, parked events and dead letters, in one transaction."""

from murmur_kernel.store.base import (
    ChangeSet,
    DeadLetter,
    DocumentWrite,
    Fence,
    JobRow,
    JobState,
    LetterEdit,
    LetterQuery,
    OutboxRow,
    Parked,
    RawRecord,
    Store,
)
from murmur_kernel.store.index import MemoryIndex, MongoIndex, SearchIndex, SqliteIndex
from murmur_kernel.store.memory import MemoryStore
from murmur_kernel.store.mongo import MongoStore
from murmur_kernel.store.sqlite import SqliteStore
from murmur_kernel.store.sqlite_carry import carry_over

__all__ = [
    "ChangeSet",
    "DeadLetter",
    "DocumentWrite",
    "Fence",
    "JobRow",
    "JobState",
    "LetterEdit",
    "LetterQuery",
    "MemoryIndex",
    "MemoryStore",
    "MongoIndex",
    "MongoStore",
    "OutboxRow",
    "Parked",
    "RawRecord",
    "SearchIndex",
    "SqliteIndex",
    "SqliteStore",
    "Store",
    "carry_over",
    "open_store",
]


def open_store(url: str, service: str, index: SearchIndex | None = None) -> Store:
    """The store that a URL names: `sqlite:///absolute/path.db`, `memory:`, or `mongodb://host:port/?replicaSet=name`.

    Without a database in it, a MongoDB URL means `murmur_<service>`, so that one URL does for all services.
    """
    if url == "memory:":
        return MemoryStore(index.memory() if index else None)
    if url.startswith(("mongodb://", "mongodb+srv://")):
        return MongoStore(url, f"murmur_{service}", index=index.mongo() if index else None)
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and path:
        return SqliteStore("/" + path.lstrip("/"), index.sqlite() if index else None)
    raise ValueError(
        f"MURMUR_STORE={url!r} names no store known here: write sqlite:///absolute/path.db,"
        f" or mongodb://host:port/?replicaSet=name"
    )
