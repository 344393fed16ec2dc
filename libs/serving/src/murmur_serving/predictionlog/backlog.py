"""What of one directory is not shipped yet, cut into batches whose borders never move."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

import structlog

from murmur_serving.predictionlog.blocks import MARK, Block, blocks_in, size_at
from murmur_serving.predictionlog.position import Position, PositionFile
from murmur_serving.predictionlog.segments import LogDirectory

MAX_ROWS = 1000
MAX_BYTES = 512 * 1024
"""Of blocks in a batch: in the event a number has up to three times as many. One block may be longer."""
MAX_CELLS = 2**18
"""Rows times columns of a batch: a row that was refused is short, and has in the event a null for each column."""

log = structlog.get_logger(__name__)


def most_rows(columns: int) -> int:
    """Of a batch, and so of a block."""
    return max(1, min(MAX_ROWS, MAX_CELLS // max(1, columns)))


@dataclass(frozen=True)
class Batch:
    """Consecutive blocks of one segment; offset counts rows from the segment's start."""

    segment: str
    offset: int
    blocks: tuple[Block, ...]

    @cached_property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)


class Backlog:
    """Reads the rows of a directory in order.

    A batch is sealed on disk before it is handed out, so that whoever sends it again after a crash sends the same rows
    under the same event id.
    """

    def __init__(self, directory: LogDirectory) -> None:
        self.directory = directory
        self._file = PositionFile(directory.path / "position.json")
        self._position = self._file.read()
        self._columns = len(directory.origin.columns)

    def next_batch(self) -> Batch | None:
        """The sealed batch again, or a new one; None when every row on disk is shipped."""
        while True:
            content = self._content()
            if not content:
                if not self._next_segment():
                    return None
                continue
            blocks = self._of_a_batch(content)
            if sum(block.end - block.begin for block in blocks) < (blocks[-1].end if blocks else len(content)):
                self.directory.mark_damaged(self._position.segment)
            if not blocks:
                self._pass_over(content)
                continue
            if not self._position.sealed:
                self._move(replace(self._position, sealed=blocks[-1].end))
            return Batch(self.directory.segment_name(self._position.segment), self._position.offset, tuple(blocks))

    def shipped(self, batch: Batch) -> None:
        """The broker has acknowledged `batch`, which must be the one handed out last."""
        self._move(
            replace(
                self._position,
                offset=batch.offset + batch.rows,
                byte=self._position.byte + self._position.sealed,
                sealed=0,
            )
        )

    def close(self) -> None:
        self._file.close()

    def _content(self) -> bytes:
        """Of the sealed batch, or enough for the next one; nothing at the segment's end."""
        sealed = self._position.sealed
        try:
            with self.directory.segment_path(self._position.segment).open("rb") as file:
                file.seek(self._position.byte)
                content = file.read(sealed or MAX_BYTES)
                return content if sealed else content + file.read(max(0, size_at(content) - len(content)))
        except FileNotFoundError:
            return b""

    def _of_a_batch(self, content: bytes) -> list[Block]:
        found = blocks_in(content, self._columns)
        return list(found if self._position.sealed else takewhile(_room_for(most_rows(self._columns)), found))

    def _pass_over(self, content: bytes) -> None:
        """A mark may lie across the end of what was read, unless that is the segment's."""
        step = len(content) if len(content) < MAX_BYTES else len(content) - len(MARK) + 1
        about = {"directory": self.directory.path.name, "segment": self._position.segment}
        log.error("prediction_log_unreadable", byte=self._position.byte, bytes=len(content), **about)
        self._move(replace(self._position, byte=self._position.byte + step, sealed=0))

    def _next_segment(self) -> bool:
        """Deletes the segment that is shipped to its end and goes on to the next one, if there is one.

        One in which something could not be read is kept for whoever can.
        """
        later = [number for number in self.directory.segments() if number > self._position.segment]
        if not later:
            return False
        finished = self._position.segment
        self._move(Position(segment=later[0]))
        if finished not in self.directory.damaged:
            self.directory.segment_path(finished).unlink(missing_ok=True)
        return True

    def _move(self, position: Position) -> None:
        self._file.write(position)
        self._position = position


def _room_for(most: int) -> Callable[[Block], bool]:
    """Whether a block fits with those that were asked about before it; the first always does."""
    rows = 0

    def fits(block: Block) -> bool:
        nonlocal rows
        rows += block.rows
        return rows <= max(most, block.rows)

    return fits
