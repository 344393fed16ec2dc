"""Large things, kept under the sha256 of their bytes: written once, verified whenever they are read."""

import asyncio
import errno
import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import fsspec

from murmur_events.values import Artifact
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, NoSpace, Transient

_CHUNK = 2**20


class ArtifactStore:
    """A folder of any file system that fsspec knows: `file:///path` or `s3://bucket/prefix`."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        self._files, self._base = fsspec.core.url_to_fs(self._root)

    async def put_bytes(self, data: bytes, *, suffix: str = "") -> Artifact:
        """Store bytes; storing the same again changes nothing, or mends what was damaged.

        Raises NoSpace when the disk is full, Transient when the file system refuses otherwise; then nothing is left.
        """
        return await asyncio.to_thread(self._put, data, suffix)

    async def put_file(self, path: Path) -> Artifact:
        """Store a file under its own suffix. Raises Transient when the file system refuses."""
        return await asyncio.to_thread(lambda: self._put(path.read_bytes(), path.suffix))

    async def read_bytes(self, artifact: Artifact) -> bytes:
        """Its bytes. Raises ArtifactMissing or ArtifactCorrupt."""
        return await asyncio.to_thread(self._read, artifact)

    async def fetch(self, artifact: Artifact, to: Path) -> Path:
        """A local copy at `to`. Raises ArtifactMissing or ArtifactCorrupt; then nothing is at `to`."""
        data = await self.read_bytes(artifact)
        await asyncio.to_thread(_write_whole, to, data)
        return to

    def _put(self, data: bytes, suffix: str) -> Artifact:
        digest = hashlib.sha256(data).hexdigest()
        name = f"{digest[:2]}/{digest}{suffix}"
        path = f"{self._base}/{name}"
        try:
            if not self._holds(path, digest):
                temporary = f"{path}.{uuid.uuid4().hex}.part"
                self._files.makedirs(os.path.dirname(path), exist_ok=True)
                try:
                    with self._files.open(temporary, "wb") as stream:
                        stream.write(data)
                        _to_disk(stream)
                    self._files.mv(temporary, path)
                except OSError:
                    self._discard(temporary)
                    raise
        except OSError as error:
            kind = NoSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else Transient
            raise kind(f"cannot store an artifact of {len(data)} bytes under {self._root}: {error}") from error
        return Artifact(uri=f"{self._root}/{name}", sha256=digest, size=len(data))

    def _discard(self, temporary: str) -> None:
        """What could not be written whole would keep a full disk full."""
        with suppress(OSError):
            self._files.rm_file(temporary)

    def _holds(self, path: str, digest: str) -> bool:
        """Whether those bytes are there unchanged: storing what was damaged mends it."""
        return self._files.exists(path) and hashlib.sha256(self._files.cat_file(path)).hexdigest() == digest

    def _read(self, artifact: Artifact) -> bytes:
        files, path = fsspec.core.url_to_fs(artifact.uri)
        try:
            data: bytes = files.cat_file(path)
        except FileNotFoundError:
            raise ArtifactMissing(artifact.uri) from None
        except OSError as error:
            raise Transient(f"cannot read {artifact.uri}: {error}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != artifact.sha256:
            raise ArtifactCorrupt(artifact.uri, artifact.sha256, found)
        return data


def _to_disk(stream: BinaryIO) -> None:
    """Flush to the disk where the file system is a local one."""
    stream.flush()
    try:
        os.fsync(stream.fileno())
    except (OSError, AttributeError):
        return  # a remote object has no descriptor: its close is its durability


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    temporary.write_bytes(data)
    temporary.replace(path)
