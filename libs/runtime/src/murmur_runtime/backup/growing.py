"""Copies a folder of files that only grow while they are written to: Kafka's log, the audit ledger."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_REBUILT = (".index", ".timeindex", ".txnindex", ".snapshot", ".deleted", ".cleaned", ".swap", ".part", ".tmp")
"""Kafka makes these anew from the log when it starts after a crash, or drops them."""

_CLEAN = ".kafka_cleanshutdown"
"""Says that no recovery is needed: a copy of a running broker needs one."""

_CHUNK = 2**20


class _Seen(NamedTuple):
    inode: int
    size: int


class GrowingFolder:
    """Two passes: one while writers go on, a short one while they are held, which copies only what was added since.

    The copy is what a crash at the second pass would have left: whole files, at most the last one torn at its end.
    """

    def __init__(self, source: Path, to: Path) -> None:
        self._source = source
        self._to = to
        self._seen: dict[Path, _Seen] = {}

    def copy(self) -> int:
        """The bytes copied by this pass. What has gone from the source since the last pass goes from the copy too."""
        copied = 0
        present = set()
        for path in _files(self._source):
            present.add(path)
            copied += self._bring(path)
        for path in set(self._seen) - present:
            self._forget(path)
        return copied

    def _bring(self, path: Path) -> int:
        source, target = self._source / path, self._to / path
        try:
            with source.open("rb") as stream:
                now = _Seen(*_inode_and_size(stream.fileno()))
                before = self._seen.get(path)
                appends = before is not None and before.inode == now.inode and _only_grows(path)
                begin = before.size if before and appends and now.size >= before.size else 0
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("ab" if begin else "wb") as copy:
                    stream.seek(begin)
                    _copy_bytes(stream, copy, now.size - begin)
        except FileNotFoundError:
            self._forget(path)  # the cleaner or retention took it between the listing and now
            return 0
        self._seen[path] = now
        return now.size - begin

    def _forget(self, path: Path) -> None:
        self._seen.pop(path, None)
        (self._to / path).unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    """Checkpoints before logs: a checkpoint must never promise more than the log that was copied after it."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and not _passing(path))
    yield from sorted(found, key=lambda path: (_only_grows(path), path))


def _only_grows(path: Path) -> bool:
    return path.suffix in (".log", ".ledger")


def _passing(path: Path) -> bool:
    if path.name.startswith("index.db"):
        return True  # audit makes it anew from its ledger
    return path.suffix in _REBUILT or path.name in (_CLEAN, ".lock") or path.parent.name.endswith("-delete")


def _inode_and_size(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_ino, status.st_size


def _copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count and (chunk := source.read(min(_CHUNK, count))):
        target.write(chunk)
        count -= len(chunk)
