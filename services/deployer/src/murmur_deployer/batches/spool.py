"""What batches under way have on this machine's disk: the input, and the parts of the output that are written so far.

A part counts once the batch's record says so; the record holds a digest over all parts, so that what was lost with a
disk, or changed, is scored again instead of being believed.
"""

import hashlib
import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

from murmur_deployer.batches.chunks import Scored
from murmur_deployer.batches.rows import join_parts, write_part
from murmur_deployer.disks import room_for
from murmur_deployer.domain.batch import Progress, chained
from murmur_kernel.errors import NoSpace

_PASSING, _PREFIX = "passing", "of-"
_KEPT_SECONDS = 24 * 3600
"""A file that passes through is gone when its call is; what a killed process left is removed after a day."""


class Spool:
    """A folder a batch. All calls block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def input(self, batch: str) -> Path:
        return self._of(batch) / "input.parquet"

    def write(self, batch: str, number: int, first_row: int, scored: Scored, output: str) -> str:
        """On the disk when this returns; its digest. Raises NoSpace, and then nothing of it is left; OSError."""
        path = self._part(batch, number)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            with room_for(f"a part of batch {batch!r}"):
                write_part(draft, first_row, scored, output)
                digest = _flushed(draft)
                draft.replace(path)
                _sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)
        return digest

    def holds(self, batch: str, progress: Progress) -> bool:
        """Whether every part is there as it was recorded."""
        digest = ""
        for number in range(progress.chunks_done):
            path = self._part(batch, number)
            if not path.exists():
                return False
            with path.open("rb") as part:
                digest = chained(digest, hashlib.file_digest(part, "sha256").hexdigest())
        return digest == progress.digest

    def join(self, batch: str, parts: int) -> Path:
        """The whole output. Raises NoSpace, and then nothing of it is left."""
        path = self._of(batch) / "output.parquet"
        try:
            with room_for(f"the output of batch {batch!r}"):
                join_parts([self._part(batch, number) for number in range(parts)], path)
        except NoSpace:
            path.unlink(missing_ok=True)
            raise
        return path

    def remove(self, batch: str) -> None:
        shutil.rmtree(self._of(batch), ignore_errors=True)

    def batches(self) -> list[str]:
        """Those that have something here."""
        return [path.name.removeprefix(_PREFIX) for path in self._folder.glob(f"{_PREFIX}*")]

    def passing(self, suffix: str) -> Path:
        """The name of a file that is wanted for one call only; whoever asks removes it."""
        folder = self._folder / _PASSING
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            with suppress(FileNotFoundError):  # another call has ended meanwhile, and taken its file with it
                if old.stat().st_mtime < time.time() - _KEPT_SECONDS:
                    old.unlink()
        return folder / f"{uuid.uuid4().hex}{suffix}"

    def _of(self, batch: str) -> Path:
        return self._folder / f"{_PREFIX}{batch}"

    def _part(self, batch: str, number: int) -> Path:
        return self._of(batch) / f"{number:06d}.parquet"


def _flushed(path: Path) -> str:
    with path.open("rb") as part:
        os.fsync(part.fileno())
        return hashlib.file_digest(part, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
