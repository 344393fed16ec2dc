"""Artifacts that pass through in pieces, however large: the memory that they take does not grow with them."""

import asyncio
import fcntl
import hashlib
import shutil
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from fsspec.spec import AbstractBufferedFile

from murmur_events.values import Artifact
from murmur_kernel.artifact_files import (
    BLOCK,
    INCOMING,
    PIECE,
    UNWILLING,
    folder_to_disk,
    is_local,
    make_folders,
    refused,
    to_disk,
)
from murmur_kernel.disk import RESERVE
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, NoSpace, Transient

_ABANDONED_SECONDS = 24 * 3600
"""After which what an object store still holds as incoming has no writer any more."""


class Incoming:
    """An artifact on its way in: `write` its pieces, then `keep` it. Left without `keep`, nothing of it stays.

    Until it is whole it lies under a name that nobody reads. Killed in the middle, the process leaves that part behind,
    and `sweep` takes it away.
    """

    def __init__(self, files: Any, root: str, base: str) -> None:
        self.size = 0
        self._files = files
        self._root = root
        self._base = base
        self._temporary = f"{base}/{INCOMING}/{uuid.uuid4().hex}.part"
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._stream: BinaryIO | None = None
        self._turn = threading.Lock()  # a call that is cancelled leaves its thread at work
        self._over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._over:
            await asyncio.to_thread(self._discard)

    async def write(self, piece: bytes) -> None:
        """Raises NoSpace before the disk has no room left for the stores beside it, Transient when it refuses."""
        self.size += len(piece)
        self._buffer += piece
        if len(self._buffer) >= PIECE:
            await asyncio.to_thread(self._guarded, self._flush)

    async def keep(self, *, suffix: str = "") -> Artifact:
        """On the disk, under the digest of its bytes, when this returns. Raises as `write` does."""
        return await asyncio.to_thread(self._keep, suffix)

    def _keep(self, suffix: str) -> Artifact:
        self._guarded(self._flush)
        digest = self._digest.hexdigest()
        name = f"{digest[:2]}/{digest}{suffix}"
        self._guarded(lambda: self._publish(name))
        return Artifact(uri=f"{self._root}/{name}", sha256=digest, size=self.size)

    def _guarded(self, do: Callable[[], None]) -> None:
        with self._turn:
            if self._over:
                return
            try:
                do()
            except UNWILLING as error:
                raise refused(error, f"cannot store an artifact under {self._root}") from error

    def _flush(self) -> None:
        if self._stream is None:
            self._stream = self._opened()
        if is_local(self._files):
            self._leave_room()
        self._digest.update(self._buffer)
        self._stream.write(self._buffer)
        self._buffer = bytearray()

    def _opened(self) -> BinaryIO:
        if is_local(self._files):
            make_folders(Path(self._temporary).parent)
        stream: BinaryIO = self._files.open(self._temporary, "wb", block_size=BLOCK)
        if is_local(self._files):
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX)  # which a killed process lets go of: see sweep
        return stream

    def _leave_room(self) -> None:
        free = shutil.disk_usage(Path(self._temporary).parent).free
        if free - len(self._buffer) < RESERVE:
            raise NoSpace(
                f"cannot store an artifact under {self._root}: its disk has {free / 2**20:.1f} MiB left after"
                f" {self.size:,} bytes of it, and the stores beside it need {RESERVE / 2**20:.0f}: make room and repeat"
            )

    def _publish(self, name: str) -> None:
        """Over what may be there under the same digest: were that damaged, it is mended."""
        assert self._stream is not None
        final = f"{self._base}/{name}"
        if is_local(self._files):
            folder = Path(final).parent
            make_folders(folder)
            to_disk(self._stream)
            Path(self._temporary).replace(final)
            folder_to_disk(folder)
            self._stream.close()
        else:
            self._stream.close()
            self._files.mv(self._temporary, final)
        self._over = True

    def _discard(self) -> None:
        with self._turn:
            self._over = True
            if self._stream is None:
                return
            with suppress(*UNWILLING):
                _close_without_completing(self._stream)
            with suppress(*UNWILLING):
                self._files.rm_file(self._temporary)


def _close_without_completing(stream: BinaryIO) -> None:
    """Closed in the usual way, the upload to an object store would become an object."""
    if isinstance(stream, AbstractBufferedFile):
        stream.discard()
        stream.closed = True
    else:
        stream.close()


def sweep(files: Any, base: str) -> int:
    """Takes away what killed processes have left half written; how many that were. Nobody who still writes is hit."""
    if not is_local(files):
        return _sweep_objects(files, f"{base}/{INCOMING}")
    swept = 0
    for part in Path(base, INCOMING).glob("*.part"):
        with suppress(OSError), part.open("rb") as stream:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
            swept += 1
    return swept


def _sweep_objects(files: Any, folder: str) -> int:
    """What an upload has not completed is no object yet: a rule of the bucket ends those."""
    swept = 0
    try:
        for part in files.ls(folder, detail=True):
            written = part.get("LastModified") or part.get("created")
            if written is not None and time.time() - written.timestamp() > _ABANDONED_SECONDS:
                files.rm_file(part["name"])
                swept += 1
    except FileNotFoundError:
        return 0
    except UNWILLING as error:
        raise refused(error, f"cannot tidy {folder}") from error
    return swept


async def pieces(opened: Callable[[], BinaryIO], artifact: Artifact, begin: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `begin` up to, not including, `end`.

    All of it is checked as it goes: the last piece of a changed artifact is never given. A part cannot be checked.
    Raises ArtifactMissing, ArtifactCorrupt, Transient.
    """
    try:
        stream = await asyncio.to_thread(opened)
    except FileNotFoundError:
        raise ArtifactMissing(artifact.uri) from None
    except UNWILLING as error:
        raise Transient(f"cannot read {artifact.uri}: {error}") from error
    digest, left, held = hashlib.sha256(), end - begin, b""

    def read() -> bytes:
        try:
            piece = stream.read(min(PIECE, left))
        except UNWILLING as error:
            raise Transient(f"cannot read {artifact.uri}: {error}") from error
        digest.update(piece)
        return piece

    try:
        if begin:
            await asyncio.to_thread(stream.seek, begin)
        while left and (piece := await asyncio.to_thread(read)):
            if held:
                yield held
            held, left = piece, left - len(piece)
        whole = end - begin == artifact.size
        if left or (whole and digest.hexdigest() != artifact.sha256):
            raise ArtifactCorrupt(artifact.uri, artifact.sha256, digest.hexdigest())
        if held:
            yield held
    finally:
        stream.close()
