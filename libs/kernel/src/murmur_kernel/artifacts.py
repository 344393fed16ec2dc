"""Large things, kept under the sha256 of their bytes: written once, verified whenever they are read."""

import asyncio
import errno
import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import fsspec

from murmur_events.values import Artifact
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, NoSpace, Transient

try:  # what the S3 client raises for a network that fails is no OSError; there is none without the extra [s3]
    from botocore.exceptions import BotoCoreError
except ModuleNotFoundError:
    _UNWILLING: tuple[type[Exception], ...] = (OSError,)
else:
    _UNWILLING = (OSError, BotoCoreError)


class ArtifactStore:
    """A folder of any file system that fsspec knows: `file:///path`, or `s3://bucket/prefix` with the extra [s3].

    The S3 client reads AWS_ENDPOINT_URL and its credentials from the environment, as all of its kind do. The bucket
    must exist.
    """

    def __init__(self, root: str) -> None:
        """Raises ImportError where the file system's client is not installed, ValueError for an unknown one."""
        self._root = root.rstrip("/")
        self._files, self._base = _file_system(self._root)

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
        name = _name(digest, digest + suffix)
        path = f"{self._base}/{name}"
        try:
            if not self._holds(path, digest):
                self._write(path, data)
        except _UNWILLING as error:
            full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            kind = NoSpace if full else Transient
            raise kind(f"cannot store an artifact of {len(data)} bytes under {self._root}: {error}") from error
        return Artifact(uri=f"{self._root}/{name}", sha256=digest, size=len(data))

    def _write(self, path: str, data: bytes) -> None:
        """All of it or nothing, whoever else writes the same meanwhile: an object of S3 is there once it is whole."""
        if "file" not in self._files.protocol:
            self._files.pipe_file(path, data)
            return
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

    def _discard(self, temporary: str) -> None:
        """What could not be written whole would keep a full disk full."""
        with suppress(OSError):
            self._files.rm_file(temporary)

    def _holds(self, path: str, digest: str) -> bool:
        """Whether those bytes are there unchanged: storing what was damaged mends it."""
        try:
            return hashlib.sha256(self._files.cat_file(path)).hexdigest() == digest
        except FileNotFoundError:
            return False

    def _read(self, artifact: Artifact) -> bytes:
        try:
            data = self._load(artifact)
        except FileNotFoundError:
            raise ArtifactMissing(artifact.uri) from None
        except _UNWILLING as error:
            raise Transient(f"cannot read {artifact.uri}: {error}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != artifact.sha256:
            raise ArtifactCorrupt(artifact.uri, artifact.sha256, found)
        return data

    def _load(self, artifact: Artifact) -> bytes:
        """From under this root if it is there, wherever it was written: the flock may have been restored elsewhere."""
        try:
            data: bytes = self._files.cat_file(f"{self._base}/{_name(artifact.sha256, artifact.uri)}")
        except FileNotFoundError:
            files, path = _file_system(artifact.uri)
            data = files.cat_file(path)
        return data


def _name(digest: str, file: str) -> str:
    return f"{digest[:2]}/{os.path.basename(file)}"


def _file_system(url: str) -> tuple[Any, str]:
    """Without a cache of listings: other processes write to the same place."""
    files, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return files, path


def _to_disk(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    temporary.write_bytes(data)
    temporary.replace(path)
