"""Where a damaged ledger was changed: follow the chain backwards from its end, and see what stands beside it."""

from collections.abc import Sequence

from murmur_ledger.chain import rewritten, truncated
from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.errors import NotALedger
from murmur_ledger.faults import Fault, FaultKind
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.part import Part
from murmur_ledger.pieces import Piece, out_of_order, pieces_of


def locate(
    folder: LedgerFolder, part: Part | None, checkpoints: Sequence[Checkpoint], *, live: bool = False
) -> list[Fault]:
    """Every fault that can be told apart. It holds the headers of the whole ledger in memory while it looks."""
    return _Locator(folder, part, checkpoints, live).faults()


class _Locator:
    """What the chain names is on it; whatever else lies there was changed, put in, or damaged beyond reading."""

    def __init__(self, folder: LedgerFolder, part: Part | None, checkpoints: Sequence[Checkpoint], live: bool) -> None:
        self._folder = folder
        self._part = part
        self._checkpoints = checkpoints
        self._live = live
        self._pieces = pieces_of(folder)
        self._by_hash: dict[bytes, Piece] = {}
        for piece in sorted(self._pieces, key=lambda one: not one.intact):
            if piece.frame is not None:
                self._by_hash.setdefault(piece.frame.hash, piece)
        self._chain: dict[int, Piece] = {}
        self._used: set[int] = set()
        self._found: list[Fault] = []

    def faults(self) -> list[Fault]:
        head = self._head()
        if head is not None:
            self._follow(head)
        end = max(self._chain, default=(self._part.first - 1 if self._part else 0))
        self._judge_ends(end)
        self._judge_rest(end)
        for piece in out_of_order([piece for piece in self._pieces if self._chain.get(piece.guess) is piece]):
            self._tell(FaultKind.REORDERED, piece.guess, piece.guess, "stands elsewhere than its position says", piece)
        self._judge_checkpoints(end)
        return self._found

    def _head(self) -> Piece | None:
        """Where the chain ends: of those that claim the last position, the one whose predecessor is there."""
        intact = [piece for piece in self._pieces if piece.intact]
        last = max((piece.guess for piece in intact), default=0)
        claim = [piece for piece in intact if piece.guess == last]
        signed = {one.head for one in self._checkpoints if one.position == last}

        def worth(piece: Piece) -> tuple[bool, bool, bool]:
            frame = piece.frame
            assert frame is not None, "an intact piece has a frame"
            before = self._by_hash.get(frame.previous)
            return frame.hash.hex() in signed, before is not None and before.guess == last - 1, True

        return max(claim, key=worth, default=None)

    def _follow(self, piece: Piece) -> None:
        """Back to the beginning, across whatever is missing or changed."""
        first = self._part.first if self._part else 1
        cursor: Piece | None = piece
        while cursor is not None and cursor.frame is not None:
            position = cursor.guess
            self._chain[position] = cursor
            self._used.add(cursor.number)
            if position <= first:
                return
            before = self._by_hash.get(cursor.frame.previous)
            if before is None and not cursor.intact:  # the damage may be in what it says of the one before
                before = next((one for one in self._pieces if one.intact and one.guess == position - 1), None)
            if before is not None and before.guess == position - 1 and before.number not in self._used:
                if not before.intact:
                    self._changed(before.guess, before)
                cursor = before
            else:
                cursor = self._across(cursor, position, first)

    def _across(self, after: Piece, position: int, first: int) -> Piece | None:
        """The next entry below that can be believed; what should stand between was changed or removed."""
        there = [
            piece
            for piece in self._pieces
            if piece.intact and first <= piece.guess < position and piece.number not in self._used
        ]
        claims = [piece for piece in there if piece.guess == position - 1]
        below = [piece for piece in there if piece.guess < position - 1]
        resume = max(below, key=lambda one: (one.guess, self._leads_on(one)), default=None)
        strangers = self._strangers(after, resume, first, position)
        if claims and strangers == []:
            liar = claims[0]
            assert liar.frame is not None, "an intact piece has a frame"
            self._changed(position - 1, liar, "another entry stands in its place")
            self._used.add(liar.number)
            truth = self._by_hash.get(liar.frame.previous)
            return truth if truth is not None and truth.guess == position - 2 else resume
        lowest = (resume.guess if resume else first - 1) + 1
        self._fill(lowest, position - 1, strangers)
        return resume

    def _leads_on(self, piece: Piece) -> bool:
        return piece.frame is not None and piece.frame.previous in self._by_hash

    def _strangers(self, after: Piece, resume: Piece | None, first: int, position: int) -> list[Piece]:
        """Unreadable or broken pieces that may be what is missing between: by what they claim, or by where they lie."""
        low = resume.number if resume else -1
        return [
            piece
            for piece in self._pieces
            if not piece.intact
            and piece.number not in self._used
            and (low < piece.number < after.number or first <= piece.guess == position - 1)
        ]

    def _fill(self, lowest: int, highest: int, strangers: list[Piece]) -> None:
        missing = list(range(lowest, highest + 1))
        for piece in [one for one in strangers if one.guess in missing]:
            missing.remove(piece.guess)
            self._used.add(piece.number)
            self._changed(piece.guess, piece)
        unnamed = [one for one in strangers if one.number not in self._used]
        for piece, position in zip(unnamed, list(missing), strict=False):
            missing.remove(position)
            self._used.add(piece.number)
            self._changed(position, piece, "cannot be read any more")
        for begin, end in _runs(missing):
            many = "entries are" if end > begin else "the entry is"
            self._tell(FaultKind.REMOVED, begin, end, f"{many} not there")

    def _judge_ends(self, end: int) -> None:
        """The beginning must follow ledger.json, and a part must be as long as it says."""
        first = self._part.first if self._part else 1
        begin = self._chain.get(first)
        try:
            genesis = self._folder.genesis()
        except NotALedger as error:
            self._tell(FaultKind.MANIFEST, 0, 0, str(error), file=self._folder.manifest.name)
            return
        expected = bytes.fromhex(self._part.previous) if self._part else genesis
        if begin is not None and begin.frame is not None and begin.frame.previous != expected and begin.intact:
            name = self._folder.part.name if self._part else self._folder.manifest.name
            detail = f"{name} is not what the first entry is chained to"
            self._tell(FaultKind.MANIFEST, 0, 0, detail, file=name)
        last = self._chain.get(end)
        if self._part is None or last is None or last.frame is None:
            return
        if self._part.last > end:
            self._tell(FaultKind.TRUNCATED, end + 1, self._part.last, "part.json names entries behind the end")
        elif (self._part.last, self._part.head) != (end, last.frame.hash.hex()):
            self._tell(FaultKind.MANIFEST, 0, 0, "part.json states another end", file=self._folder.part.name)

    def _judge_rest(self, end: int) -> None:
        """Whatever the chain does not name."""
        hashes = {piece.frame.hash for piece in self._chain.values() if piece.frame is not None}
        for piece in self._pieces:
            if piece.number in self._used:
                continue
            after = max((one.guess for one in self._chain.values() if one.number < piece.number), default=0)
            at_the_end = piece.number == len(self._pieces) - 1 and not piece.intact and after == end
            if at_the_end and piece.frame is None:
                if not self._live:
                    self._tell(FaultKind.TORN, end + 1, end + 1, f"{piece.size} bytes that are no whole entry", piece)
            elif at_the_end:
                self._changed(end + 1, piece)
            elif piece.frame is not None and piece.intact and piece.frame.hash in hashes:
                self._tell(FaultKind.INSERTED, piece.guess, piece.guess, f"a copy of it stands after {after}", piece)
            else:
                self._tell(FaultKind.INSERTED, after + 1, after + 1, f"stands after {after}, and is not chained", piece)

    def _judge_checkpoints(self, end: int) -> None:
        known = {fault.position for fault in self._found}
        anchored = 0
        for one in self._checkpoints:
            piece = self._chain.get(one.position)
            if piece is not None and piece.frame is not None:
                if piece.frame.hash.hex() == one.head:
                    anchored = one.position
                elif one.position not in known:
                    self._found.append(rewritten(one, anchored))
        last = self._checkpoints[-1] if self._checkpoints else None
        if last is not None and self._part is None and last.position > end and end + 1 not in known:
            self._found.append(truncated(last, end))

    def _changed(self, position: int, piece: Piece, detail: str = "its bytes are not those that were appended") -> None:
        self._tell(FaultKind.CHANGED, position, position, detail, piece)

    def _tell(
        self, kind: FaultKind, position: int, until: int, detail: str, piece: Piece | None = None, *, file: str = ""
    ) -> None:
        record = piece.record() if piece else {}
        self._found.append(
            Fault(
                kind=kind,
                position=position,
                until=until,
                detail=detail,
                file=f"{piece.file} at byte {piece.at_byte}" if piece else file,
                topic=str(record.get("topic", "")),
                partition=_number(record.get("partition")),
                offset=_number(record.get("offset")),
            )
        )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Neighbours put together: [3, 4, 5, 9] -> (3, 5), (9, 9)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
