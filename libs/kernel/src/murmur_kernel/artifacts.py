"""Large things, kept under the sha256 of their bytes: written once, verified whenever they are read."""

import asyncio
import hashlib
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from murmur_events.values import Artifact
from murmur_kernel import artifact_streams
from murmur_kernel.artifact_files import BLOCK, PIECE, UNWILLING, file_system, is_local, refused, to_disk
from murmur_kernel.artifact_streams import Incoming
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, Transient


class ArtifactStore:
    """A folder of any file system that fsspec knows: `file:///path`, or `s3://bucket/prefix` with the extra [s3].

    The S3 client reads AWS_ENDPOINT_URL and its credentials from the environment, as all of its kind do. The bucket
    must exist.
    """

    def __init__(self, root: str) -> None:
        """Raises ImportError where the file system's client is not installed, ValueError for an unknown one."""
        self._root = root.rstrip("/")
        self._files, self._base = file_system(self._root)

    async def put_bytes(self, data: bytes, *, suffix: str = "") -> Artifact:
        """Store bytes; storing the same again changes nothing, or mends what was damaged.

        Raises NoSpace when the disk is full, Transient when the file system refuses otherwise; then nothing is left.
        """
        return await asyncio.to_thread(self._put, data, suffix)

    async def put_file(self, path: Path) -> Artifact:
        """Store a file under its own suffix, piece by piece: it may be larger than memory. Raises as put_bytes does."""
        return await asyncio.to_thread(self._put, path, path.suffix)

    def receive(self) -> Incoming:
        """For bytes that arrive piece by piece and whose digest is known once they are all there."""
        return Incoming(self._files, self._root, self._base)

    async def sweep(self) -> int:
        """Take away what killed processes have left half received; how many that were. Raises Transient."""
        return await asyncio.to_thread(artifact_streams.sweep, self._files, self._base)

    def own(self, artifact: Artifact, *, suffix: str) -> Artifact:
        """Where this store keeps those bytes, if it has them: a URI that somebody outside names might lead anywhere."""
        name = _name(artifact.sha256, artifact.sha256 + suffix)
        return artifact.model_copy(update={"uri": f"{self._root}/{name}"})

    async def read_bytes(self, artifact: Artifact) -> bytes:
        """Its bytes. Raises ArtifactMissing or ArtifactCorrupt."""
        return await asyncio.to_thread(self._read, artifact)

    def pieces(self, artifact: Artifact, *, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Its bytes from `begin` up to, not including, `end`: see artifact_streams.pieces."""
        stop = artifact.size if end is None else end
        return artifact_streams.pieces(lambda: self._opened(artifact), artifact, begin, stop)

    async def fetch(self, artifact: Artifact, to: Path) -> Path:
        """A local copy at `to`, made piece by piece. Raises ArtifactMissing, ArtifactCorrupt; then nothing is there."""
        await asyncio.to_thread(self._fetch, artifact, to)
        return to

    async def check(self, artifact: Artifact) -> None:
        """Whether it is there as it was stored, read piece by piece. Raises ArtifactMissing or ArtifactCorrupt."""
        await asyncio.to_thread(self._check, artifact)

    def _put(self, content: bytes | Path, suffix: str) -> Artifact:
        digest, size = _measured(content)
        name = _name(digest, digest + suffix)
        path = f"{self._base}/{name}"
        try:
            if not self._holds(path, digest):
                self._write(path, content)
        except UNWILLING as error:
            raise refused(error, f"cannot store an artifact of {size} bytes under {self._root}") from error
        return Artifact(uri=f"{self._root}/{name}", sha256=digest, size=size)

    def _write(self, path: str, content: bytes | Path) -> None:
        """All of it or nothing, whoever else writes the same meanwhile: an object of S3 is there once it is whole."""
        if not is_local(self._files):
            if isinstance(content, Path):
                self._files.put_file(str(content), path)
            else:
                self._files.pipe_file(path, content)
            return
        temporary = f"{path}.{uuid.uuid4().hex}.part"
        self._files.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with self._files.open(temporary, "wb") as stream:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, stream, PIECE)
                else:
                    stream.write(content)
                to_disk(stream)
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
            with self._files.open(path, "rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == digest
        except FileNotFoundError:
            return False

    def _fetch(self, artifact: Artifact, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        temporary = to.with_name(f"{to.name}.{uuid.uuid4().hex}.part")
        try:
            with temporary.open("wb") as copy:
                self._copy(artifact, copy)
            temporary.replace(to)
        finally:
            temporary.unlink(missing_ok=True)

    def _check(self, artifact: Artifact) -> None:
        with open(os.devnull, "wb") as nowhere:
            self._copy(artifact, nowhere)

    def _copy(self, artifact: Artifact, copy: BinaryIO) -> None:
        """Raises ArtifactCorrupt when all of it was copied and is not what was stored."""
        digest = hashlib.sha256()
        try:
            with self._opened(artifact) as source:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    copy.write(piece)
        except FileNotFoundError:
            raise ArtifactMissing(artifact.uri) from None
        except UNWILLING as error:
            raise Transient(f"cannot copy {artifact.uri} to {copy.name}: {error}") from error
        if digest.hexdigest() != artifact.sha256:
            raise ArtifactCorrupt(artifact.uri, artifact.sha256, digest.hexdigest())

    def _read(self, artifact: Artifact) -> bytes:
        try:
            data = self._load(artifact)
        except FileNotFoundError:
            raise ArtifactMissing(artifact.uri) from None
        except UNWILLING as error:
            raise Transient(f"cannot read {artifact.uri}: {error}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != artifact.sha256:
            raise ArtifactCorrupt(artifact.uri, artifact.sha256, found)
        return data

    def _opened(self, artifact: Artifact) -> Any:
        """As `_load` finds it."""
        try:
            return self._files.open(f"{self._base}/{_name(artifact.sha256, artifact.uri)}", "rb", block_size=BLOCK)
        except FileNotFoundError:
            files, path = file_system(artifact.uri)
            return files.open(path, "rb", block_size=BLOCK)

    def _load(self, artifact: Artifact) -> bytes:
        """From under this root if it is there, wherever it was written: the flock may have been restored elsewhere."""
        try:
            data: bytes = self._files.cat_file(f"{self._base}/{_name(artifact.sha256, artifact.uri)}")
        except FileNotFoundError:
            files, path = file_system(artifact.uri)
            data = files.cat_file(path)
        return data


def _name(digest: str, file: str) -> str:
    return f"{digest[:2]}/{os.path.basename(file)}"


def _measured(content: bytes | Path) -> tuple[str, int]:
    """Digest and size."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest(), len(content)
    with content.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return digest, content.stat().st_size
