"""What of one directory is not shipped yet, cut into batches whose borders never move."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from murmur_serving.predictionlog.segments import LogDirectory

MAX_ROWS = 500
MAX_BYTES = 512 * 1024
"""Of lines in a batch: their event stays far below the largest record that Kafka takes. One row may be longer."""
MAX_CELLS = 2**18
"""Rows times columns of a batch: a row that was refused has a short line, and in the event a null for each column."""


@dataclass(frozen=True)
class Position:
    """Up to where a directory is shipped. `sealed` bytes beyond it are a batch that was, or is about to be, sent."""

    segment: int = 1
    offset: int = 0
    byte: int = 0
    sealed: int = 0


@dataclass(frozen=True)
class Batch:
    """Consecutive lines of one segment; offset counts rows from the segment's start."""

    segment: str
    offset: int
    lines: tuple[bytes, ...]


class Backlog:
    """Reads the rows of a directory in order.

    A batch is sealed on disk before it is handed out, so that whoever sends it again after a crash sends the same rows
    under the same event id.
    """

    def __init__(self, directory: LogDirectory) -> None:
        self.directory = directory
        self._file = directory.path / "position.json"
        self._position = _read(self._file)
        self._most_rows = max(1, min(MAX_ROWS, MAX_CELLS // max(1, len(directory.origin.columns))))

    def next_batch(self) -> Batch | None:
        """The sealed batch again, or a new one; None when every row on disk is shipped."""
        while True:
            lines = self._lines()
            if lines:
                if not self._position.sealed:
                    self._move(replace(self._position, sealed=sum(map(len, lines))))
                name = self.directory.segment_name(self._position.segment)
                return Batch(name, self._position.offset, tuple(lines))
            if not self._next_segment():
                return None

    def shipped(self, batch: Batch) -> None:
        """The broker has acknowledged `batch`, which must be the one handed out last."""
        self._move(
            replace(
                self._position,
                offset=batch.offset + len(batch.lines),
                byte=self._position.byte + self._position.sealed,
                sealed=0,
            )
        )

    def _lines(self) -> list[bytes]:
        """Whole lines from the position on; a torn last line, which a power cut may leave, is none."""
        limit = self._position.sealed or MAX_BYTES
        try:
            with self.directory.segment_path(self._position.segment).open("rb") as file:
                file.seek(self._position.byte)
                content = file.read(limit)
                if content and b"\n" not in content:
                    content += file.readline()
        except FileNotFoundError:
            return []
        lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
        return lines if self._position.sealed else lines[: self._most_rows]

    def _next_segment(self) -> bool:
        """Deletes the segment that is shipped to its end and goes on to the next one, if there is one."""
        later = [number for number in self.directory.segments() if number > self._position.segment]
        if not later:
            return False
        finished = self._position.segment
        self._move(Position(segment=later[0]))
        self.directory.segment_path(finished).unlink(missing_ok=True)
        return True

    def _move(self, position: Position) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(orjson.dumps(asdict(position)))
        os.replace(draft, self._file)
        self._position = position


def _read(file: Path) -> Position:
    try:
        return Position(**orjson.loads(file.read_bytes()))
    except FileNotFoundError:
        return Position()
