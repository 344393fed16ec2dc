"""Reads a ledger's entries, also while somebody appends to it: an entry that is not whole yet is the end."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from murmur_ledger.contents import Content, decoded
from murmur_ledger.errors import BadContent
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.frames import HEADER, LARGEST, STUB, WHOLE, Frame


@dataclass(frozen=True)
class Entry:
    """A frame, what it says (None: left out of this export, or unreadable), and where it lies."""

    frame: Frame
    content: Content | None
    segment: int
    at_byte: int

    @property
    def position(self) -> int:
        return self.frame.position


class LedgerReader:
    """Nothing is verified here but what is shown as intact by `Frame.intact`."""

    def __init__(self, path: Path) -> None:
        self.folder = LedgerFolder(path)

    def entries(self, start: int = 1, stop: int | None = None) -> Iterator[Entry]:
        """From position `start` to `stop`, both included."""
        for path in self._segments_from(start):
            for entry in _entries_of(path):
                if stop is not None and entry.position > stop:
                    return
                if entry.position >= start:
                    yield entry

    def at(self, segment: int, at_byte: int) -> Entry | None:
        """The entry at a place that is known."""
        return next(_entries_of(self.folder.segment(segment), at_byte), None)

    def entry(self, position: int) -> Entry | None:
        found = next(self.entries(position, position), None)
        return found if found is not None and found.position == position else None

    def _segments_from(self, position: int) -> list[Path]:
        segments = self.folder.segments()
        firsts = [int(path.stem) for path in segments]
        return segments[max(0, bisect_right(firsts, position) - 1) :]


def _entries_of(path: Path, cursor: int = 0) -> Iterator[Entry]:
    with path.open("rb") as file:
        file.seek(cursor)
        while len(header := file.read(HEADER.size)) == HEADER.size:
            magic, length, position, in_batch, previous, hashed = HEADER.unpack(header)
            if magic not in (WHOLE, STUB) or length > LARGEST:
                return
            raw = file.read(length)
            if len(raw) < length:
                return
            frame = Frame(position, in_batch, previous, hashed, raw, magic == STUB)
            yield Entry(frame, _said(frame), int(path.stem), cursor)
            cursor += frame.size


def _said(frame: Frame) -> Content | None:
    if frame.stub:
        return None
    try:
        return decoded(frame.content)
    except BadContent:
        return None
