"""The quick way through a ledger: every byte is hashed once; at the first thing out of place it stops and says so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.contents import EVENT, TOPIC_AT, Content, Digest, decoded
from murmur_ledger.errors import BadContent, NotALedger
from murmur_ledger.faults import Fault, FaultKind, Gap, Report
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.frames import CHAINED, CHAINED_AT, HEADER, LARGEST, STUB, WHOLE, frame_at
from murmur_ledger.part import Part

_PARTITION_END = TOPIC_AT + 2 + 4
"""Where the partition ends, plus the length of the topic."""

_CHAINED_END = CHAINED_AT + CHAINED.size
_HASH = 32
_CHUNK = 2**18
_EVENT = bytes([EVENT])


@dataclass
class Walked:
    """`broken`: something is out of place in the files; where and what is for `locate` to say."""

    report: Report
    faults: list[Fault] = field(default_factory=list)
    broken: bool = False


class _Marks:
    """The checkpoints, met in the order of their positions."""

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self._ahead = list(reversed(checkpoints))
        self.next = self._ahead[-1].position if self._ahead else 0

    def meet(self, position: int) -> list[Checkpoint]:
        met = []
        while self._ahead and self._ahead[-1].position <= position:
            met.append(self._ahead.pop())
        self.next = self._ahead[-1].position if self._ahead else 0
        return met

    def behind(self) -> list[Checkpoint]:
        return list(reversed(self._ahead))


class Walk:
    """One pass. It keeps the last offset of each partition, so that no record can be there twice."""

    def __init__(self, part: Part | None, previous: bytes, checkpoints: Sequence[Checkpoint]) -> None:
        self.report = Report(first=part.first if part else 1)
        self.faults: list[Fault] = []
        self.position = self.report.first - 1
        self.previous = previous
        self.marks = _Marks(checkpoints)
        self.stuck = False
        """Something was out of place, and not only unfinished."""
        self._places: dict[bytes, list[int]] = {}
        """Topic and partition as they are encoded -> the last offset, how many records."""
        for one in self.marks.meet(self.position):
            self._compare(one)

    def through(self, data: bytes) -> int:
        """As far as all is in its place: how many bytes. The loop that decides how fast a ledger is verified."""
        unpack, size, header, hashed, number_of = HEADER.unpack_from, len(data), HEADER.size, sha256, int.from_bytes
        position, previous, cursor, mark = self.position, self.previous, 0, self.marks.next
        places = self._places
        while cursor + header <= size:
            magic, length, number, _, before, stated = unpack(data, cursor)
            begin = cursor + header
            end = begin + length
            if before != previous or number != position + 1 or length > LARGEST:
                self.stuck = True
                break
            if end > size:
                break
            content = data[begin:end]
            if magic == WHOLE:
                inner = hashed(content).digest()
            elif magic == STUB and length == _HASH:
                inner, content = content, b""
            else:
                self.stuck = True
                break
            if hashed(data[cursor + CHAINED_AT : cursor + _CHAINED_END] + inner).digest() != stated:
                self.stuck = True
                break
            position, previous, cursor = number, stated, end
            if content[:1] == _EVENT:
                place_end = _PARTITION_END + (content[TOPIC_AT] << 8) + content[TOPIC_AT + 1]
                seen = places.get(content[TOPIC_AT:place_end])
                offset = number_of(content[place_end : place_end + 8], "big")
                if seen is not None and seen[0] + 1 == offset:
                    seen[0] = offset
                    seen[1] += 1
                else:
                    self._record(position, content[TOPIC_AT:place_end], offset, offset, 1)
            else:
                self._other(position, content)
            if position == mark:
                self.position, self.previous = position, previous
                for one in self.marks.meet(position):
                    self._compare(one)
                mark = self.marks.next
        self.position, self.previous = position, previous
        return cursor

    def _other(self, position: int, content: bytes) -> None:
        """An entry that is not one event."""
        if not content:
            self.report.left_out += 1
            return
        found = self._decoded(position, content)
        if isinstance(found, Digest):
            place = content[TOPIC_AT : _PARTITION_END + (content[TOPIC_AT] << 8) + content[TOPIC_AT + 1]]
            self.report.digests += 1
            self.report.digested += found.count
            self._record(position, place, found.first, found.last, found.count)

    def _record(self, position: int, place: bytes, first: int, last: int, count: int) -> None:
        """The first of a partition, or one that does not follow the last: each offset comes once, in order."""
        seen = self._places.get(place)
        if seen is None:
            self._places[place] = [last, count]
            return
        known, seen[0] = seen[0], last
        seen[1] += count
        topic, partition = _named(place)
        if first <= known:
            self.faults.append(
                Fault(
                    kind=FaultKind.REPEATED,
                    position=position,
                    until=position,
                    detail=f"offset {first} follows {known}",
                    topic=topic,
                    partition=partition,
                    offset=first,
                )
            )
        elif first > known + 1 and not self.report.left_out:
            self.report.gaps.append(Gap(topic=topic, partition=partition, first=known + 1, last=first - 1))

    def _decoded(self, position: int, content: bytes) -> Content | None:
        try:
            return decoded(content)
        except BadContent as error:
            detail = f"chained, but {error}"
            self.faults.append(Fault(kind=FaultKind.CHANGED, position=position, until=position, detail=detail))
            return None

    def _compare(self, one: Checkpoint) -> None:
        self.report.checkpoints += 1
        if one.position != self.position or one.head == self.previous.hex():
            self.report.anchored = max(self.report.anchored, min(one.position, self.position))
            return
        self.faults.append(rewritten(one, self.report.anchored))

    def finished(self) -> Report:
        report = self.report
        report.last, report.head = self.position, self.previous.hex()
        report.entries = max(0, self.position - report.first + 1)
        for place, (_, count) in sorted(self._places.items()):
            topic, _ = _named(place)
            report.topics[topic] = report.topics.get(topic, 0) + count
        report.events = sum(report.topics.values()) - report.digested
        return report


def walk(folder: LedgerFolder, part: Part | None, checkpoints: Sequence[Checkpoint], *, live: bool) -> Walked:
    """Whether everything is in its place, and how much of it there is."""
    try:
        genesis = folder.genesis()
    except NotALedger:
        return Walked(Report(), broken=True)
    walk = Walk(part, bytes.fromhex(part.previous) if part else genesis, checkpoints)
    segments = folder.segments()
    broken = False
    for number, path in enumerate(segments):
        size = path.stat().st_size
        if not size:
            continue
        consumed = _through(walk, path)
        walk.report.bytes += consumed
        if consumed < size:
            broken = not (live and number == len(segments) - 1 and _only_begun(path, consumed))
            break
    report = walk.finished()
    if part and (part.last, part.head) != (report.last, report.head):
        broken = True
    if not broken and part is None:
        walk.faults += [truncated(one, report.last) for one in walk.marks.behind()[-1:]]
    return Walked(report, walk.faults, broken)


def truncated(one: Checkpoint, last: int) -> Fault:
    detail = f"it ends at entry {last:,}; the checkpoint signed at {one.at} names entry {one.position:,}"
    return Fault(kind=FaultKind.TRUNCATED, position=last + 1, until=one.position, detail=detail)


def rewritten(one: Checkpoint, anchored: int) -> Fault:
    detail = f"the chain holds in itself, but its hash at {one.position:,} is not the one signed at {one.at}"
    return Fault(kind=FaultKind.REWRITTEN, position=anchored + 1, until=one.position, detail=detail)


def _through(walk: Walk, path: Path) -> int:
    """How many bytes of the file are in their place. In pieces that stay in the processor's cache."""
    consumed, rest = 0, b""
    with path.open("rb", buffering=0) as file:
        while not walk.stuck and (chunk := file.read(_CHUNK)):
            data = rest + chunk
            through = walk.through(data)
            consumed += through
            rest = data[through:]
    return consumed


def _only_begun(path: Path, offset: int) -> bool:
    """What a writer at work may leave for a moment: an entry that has not all its bytes yet."""
    with path.open("rb") as file:
        file.seek(offset)
        return frame_at(file.read(), 0) is None


def _named(place: bytes) -> tuple[str, int]:
    return place[2:-4].decode(errors="replace"), int.from_bytes(place[-4:], "big")
