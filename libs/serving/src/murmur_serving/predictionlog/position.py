"""Up to where a directory is shipped, in a file that is written in place."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import structlog

_SIZE = 128
"""Bytes, always: written by one call within one page, so that whoever is killed leaves the old or the new."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Position:
    """`sealed` bytes beyond it are a batch that was, or is about to be, sent."""

    segment: int = 1
    offset: int = 0
    byte: int = 0
    sealed: int = 0


class PositionFile:
    """A file that is renamed into place would be safe against a power cut too; but then the file system puts it on the
    disk at once, and whoever waits for an answer waits with it.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        self._path = path
        if not os.fstat(self._file).st_size:  # room for it is taken now: the disk may be full when it is wanted
            self.write(Position())

    def read(self) -> Position:
        """The beginning where a power cut has garbled it: rows are then shipped again."""
        content = os.pread(self._file, _SIZE, 0)
        try:
            return Position(**orjson.loads(content))
        except (orjson.JSONDecodeError, TypeError):
            log.warning("prediction_log_position_lost", file=str(self._path), content=repr(content[:40]))
            return Position()

    def write(self, position: Position) -> None:
        os.pwrite(self._file, orjson.dumps(asdict(position)).ljust(_SIZE), 0)

    def close(self) -> None:
        """Says nothing when said twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
