"""Appends to a ledger: one writer, whole batches, synced before they count; a torn tail is cut when it is opened."""

import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from murmur_ledger.contents import Content, Place, Places, advanced
from murmur_ledger.errors import LedgerBusy, LedgerFailed
from murmur_ledger.folder import LedgerFolder, sync_folder, write_all
from murmur_ledger.frames import Frame, chained
from murmur_ledger.recovery import End, find_end

SEGMENT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Head:
    """The newest entry: its position (0: none yet) and its hash."""

    position: int
    hash: bytes


@dataclass(frozen=True)
class Appended:
    """An entry and where it lies."""

    frame: Frame
    content: Content
    segment: int
    at_byte: int


class LedgerWriter:
    """Use it as a context manager: it holds the folder's lock, which ends with the process however that ends.

    Guarantee: what `append` returned outlives kill -9 and a loss of power; what it did not return is there whole, in
    its order, or not at all, once the ledger is opened again. Raises LedgerBusy, NotALedger, LedgerDamaged.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        segment_bytes: int = SEGMENT_BYTES,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        """sync: brings what was written through a file descriptor to the disk, or raises OSError."""
        self.folder = LedgerFolder(path)
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._sync = sync
        path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._file = -1
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise LedgerBusy(path) from None
        try:
            if not self.folder.manifest.exists() and not self.folder.segments():
                self.folder.create(clock())
            self.genesis = self.folder.genesis()
            self._continue_from(find_end(self.folder))
        except BaseException:
            self.close()
            raise

    def _continue_from(self, end: End) -> None:
        self.head = Head(end.position, end.hash)
        self.places: dict[Place, int] = end.places
        """The last offset appended of each partition."""
        self.cut = end.cut
        """Bytes of a torn tail that were cut when this was opened."""
        self._segment = end.segment
        self._size = end.size
        if end.segment:
            self._file = os.open(self.folder.segment(end.segment), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def __enter__(self) -> "LedgerWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for handle in (self._file, self._lock):
            if handle >= 0:
                os.close(handle)
        self._file = self._lock = -1

    def append(self, contents: Sequence[Content]) -> list[Appended]:
        """All of them as one batch: one write, one sync. Raises LedgerFailed; then none of them counts."""
        if not contents:
            return []
        rolls = not 0 < self._size < self._segment_bytes
        if rolls:
            self._begin_segment()
        all_contents = [Places(at=self._clock(), offsets=dict(self.places)), *contents] if rolls else contents
        entries, parts, previous, at_byte = [], [], self.head.hash, self._size
        for index, content in enumerate(all_contents):
            frame = chained(self.head.position + 1 + index, index, previous, content.encoded())
            entries.append(Appended(frame, content, self._segment, at_byte))
            parts.append(frame.packed())
            previous, at_byte = frame.hash, at_byte + frame.size
        self._write(b"".join(parts))
        self._size = at_byte
        self.head = Head(self.head.position + len(entries), previous)
        advanced(self.places, contents)
        return entries

    def _begin_segment(self) -> None:
        first = self.head.position + 1
        path = self.folder.segment(first)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            handle = os.open(path, flags, 0o644)
            sync_folder(self.folder.path)
        except OSError as error:
            raise LedgerFailed(self.folder.path, str(error), reopen=False) from error
        if self._file >= 0:
            os.close(self._file)
        self._file, self._segment, self._size = handle, first, 0

    def _write(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
        except OSError as error:
            self._undo(error)
            raise LedgerFailed(self.folder.path, str(error), reopen=False) from error
        try:
            self._sync(self._file)
        except OSError as error:  # after this nobody knows what the disk holds
            raise LedgerFailed(self.folder.path, f"the sync failed: {error}", reopen=True) from error

    def _undo(self, error: OSError) -> None:
        """A full disk: cut what was written of the batch, so that the next one follows the chain."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            raise LedgerFailed(self.folder.path, f"{error}, and what was begun cannot be cut", reopen=True) from error
