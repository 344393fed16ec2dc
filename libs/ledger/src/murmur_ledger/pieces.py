"""A damaged ledger taken apart: each stretch of its files as an entry, or as something that is none."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from murmur_ledger.contents import Digest, Event, decoded
from murmur_ledger.errors import BadContent
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.frames import STUB, WHOLE, Frame, frame_at, next_intact


@dataclass(frozen=True)
class Piece:
    """`frame` is what its header says, None where no header can be read; believe it only if `intact`."""

    number: int
    file: str
    at_byte: int
    size: int
    frame: Frame | None
    intact: bool
    last_in_file: bool

    @property
    def guess(self) -> int:
        """The position that it claims; 0 when it claims none."""
        return self.frame.position if self.frame else 0

    def record(self) -> dict[str, str | int | None]:
        """Topic, partition and offset of what it holds, as far as they can be read."""
        if self.frame is None or self.frame.stub:
            return {}
        try:
            content = decoded(self.frame.content)
        except BadContent:
            return {}
        match content:
            case Event(record=record):
                return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            case Digest(place=place, first=first):
                return {"topic": place.topic, "partition": place.partition, "offset": first}
            case _:
                return {}


def pieces_of(folder: LedgerFolder) -> list[Piece]:
    """In the order in which they lie in the files."""
    found: list[Piece] = []
    for path in folder.segments():
        data = path.read_bytes()
        for begin, end in _stretches(data):
            frame = frame_at(data[:end], begin)
            whole = frame is not None and begin + frame.size == end
            intact = whole and frame is not None and frame.intact
            found.append(Piece(len(found), path.name, begin, end - begin, frame, intact, end == len(data)))
    return found


def _stretches(data: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each. Past damage one finds the way by the next entry that is intact: a damaged length may well
    lead to the begin of a later one."""
    cursor = 0
    while cursor < len(data):
        frame = frame_at(data, cursor)
        end = cursor + frame.size if frame else 0
        if frame is None or not frame.intact:
            intact = next_intact(data, cursor + 1) or len(data)
            end = min(end, intact) if frame and _may_begin(data, end) else intact
        yield cursor, end
        cursor = end


def _may_begin(data: bytes, offset: int) -> bool:
    return offset == len(data) or data[offset : offset + 4] in (WHOLE, STUB)


def out_of_order(pieces: list[Piece]) -> list[Piece]:
    """The fewest pieces that must be moved so that all positions rise (all but a longest rising run)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for index, piece in enumerate(pieces):
        length = bisect_right(tails, piece.guess)
        before.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(piece.guess)
            ends.append(index)
        else:
            tails[length], ends[length] = piece.guess, index
    keep: set[int] = set()
    cursor = ends[-1] if ends else None
    while cursor is not None:
        keep.add(cursor)
        cursor = before[cursor]
    return [piece for index, piece in enumerate(pieces) if index not in keep]
