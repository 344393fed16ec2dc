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
from murmur_kernel.store.memory import MemoryStore
from murmur_kernel.store.sqlite import SqliteStore

__all__ = [
    "ChangeSet",
    "DeadLetter",
    "DocumentWrite",
    "Fence",
    "JobRow",
    "JobState",
    "LetterEdit",
    "LetterQuery",
    "MemoryStore",
    "OutboxRow",
    "Parked",
    "RawRecord",
    "SqliteStore",
    "Store",
    "open_store",
]


def open_store(url: str) -> Store:
    """The store that a URL names: `sqlite:///absolute/path.db` or `memory:`."""
    if url == "memory:":
        return MemoryStore()
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and path:
        return SqliteStore("/" + path.lstrip("/"))
    raise ValueError(f"MURMUR_STORE={url!r} names no store known here: write sqlite:///absolute/path.db")
