"""The directory of one incarnation's log: who holds it, the segment that is written, where each segment lies."""

import contextlib
import fcntl
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Self

import orjson

from murmur_serving.errors import LogUnwritable
from murmur_serving.predictionlog.rows import Origin

MAX_SEGMENT_BYTES = 4 * 2**20
"""Small, since a segment is deleted between answers."""
_HIDDEN = "."
"""How the names of directories begin in which nobody looks for rows: those that are being made, and the next two."""
_SHIPPED, _DAMAGED = ".shipped-", ".damaged-"


class LogDirectory:
    """A held directory: no other process ships from it until `release`, or until this process ends, however it ends."""

    def __init__(self, path: Path, origin: Origin, lock: int) -> None:
        self.path = path
        self.origin = origin
        self._lock = lock

    @classmethod
    def create(cls, parent: Path, origin: Origin) -> Self:
        """A new incarnation below `parent`. Raises LogUnwritable."""
        for half_deleted in parent.glob(f"{_SHIPPED}*"):
            shutil.rmtree(half_deleted, ignore_errors=True)
        name = f"{time.time_ns():020d}-{origin.replica}"
        draft = parent / f"{_HIDDEN}{name}"
        try:
            draft.mkdir(parents=True)
            lock = _try_lock(draft)
            assert lock is not None, "nobody else knows a directory that was made just now"
            (draft / "origin.json").write_bytes(orjson.dumps(asdict(origin)))
            return cls(draft.rename(parent / name), origin, lock)
        except OSError as error:
            raise LogUnwritable(parent, error) from error

    @classmethod
    def take_over(cls, path: Path) -> Self | None:
        """The directory of a dead replica; None while its owner lives or once somebody has shipped it.

        Raises an error of reading where a power cut has garbled whose it is.
        """
        try:
            lock = _try_lock(path)
        except OSError:
            return None
        if lock is None:
            return None
        try:
            raw = orjson.loads((path / "origin.json").read_bytes())
            return cls(path, Origin(**(raw | {"columns": tuple(raw["columns"])})), lock)
        except FileNotFoundError:  # shipped and removed by another while we opened it
            os.close(lock)
            return None
        except BaseException:  # whatever is wrong with it: what this process cannot read, others may
            os.close(lock)
            raise

    def segment_path(self, number: int) -> Path:
        return self.path / f"{number:06d}.rows"

    def segment_name(self, number: int) -> str:
        """Names the segment for ever, whoever ships it: directory names are never used twice."""
        return f"{self.path.name}/{number:06d}"

    def segments(self) -> list[int]:
        """Numbers of the segments on disk, oldest first."""
        return sorted(int(path.stem) for path in self.path.glob("*.rows"))

    @property
    def damaged(self) -> list[int]:
        """Numbers of the segments in which something could not be read, whichever process has found that."""
        return sorted(int(path.stem) for path in self.path.glob("*.damaged"))

    def mark_damaged(self, number: int) -> None:
        """The segment is kept from here on, for whoever can read it. May be said again."""
        self.segment_path(number).with_suffix(".damaged").touch()

    def release(self) -> None:
        """Lets a successor ship from here; says nothing when said twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def remove(self) -> None:
        """Deletes everything; for a directory whose rows are all shipped."""
        shipped = self._hide(_SHIPPED)  # at once: whoever finds a half of it would ship that again
        shutil.rmtree(shipped, ignore_errors=True)
        self.release()

    def set_aside(self) -> Path:
        """Leaves everything where nobody looks for rows to ship; where that is."""
        hidden = self._hide(_DAMAGED)
        self.release()
        return hidden

    def _hide(self, prefix: str) -> Path:
        hidden = self.path.with_name(f"{prefix}{self.path.name}")
        with contextlib.suppress(FileNotFoundError):  # hidden before
            self.path.rename(hidden)
        return hidden


def leftovers(parent: Path) -> list[Path]:
    """Directories of all incarnations below `parent`, living ones included, oldest first."""
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(_HIDDEN))


class SegmentWriter:
    """Appends whole blocks to the newest segment of a directory."""

    def __init__(self, directory: LogDirectory, *, max_bytes: int = MAX_SEGMENT_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._number = 0
        self._file = -1
        self._size = 0

    def append(self, blocks: bytes) -> None:
        """All of `blocks` or nothing. Raises LogUnwritable."""
        try:
            if self._file < 0 or self._size >= self._max_bytes:
                self._rotate()
            written = os.write(self._file, blocks)
            if written < len(blocks):  # the disk is full
                os.ftruncate(self._file, self._size)
                raise OSError(28, "No space left on device")
            self._size += written
        except OSError as error:
            raise LogUnwritable(self._directory.path, error) from error

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _rotate(self) -> None:
        self.close()
        self._number += 1
        path = self._directory.segment_path(self._number)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o640)
        self._size = 0


def _try_lock(directory: Path) -> int | None:
    file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
