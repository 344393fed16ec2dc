"""What may be done with artifacts: put under a name, looked up, read, listed, deleted."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import PurePosixPath
from typing import TypeVar

from murmur_events.values import Artifact
from murmur_kernel.artifact_files import UNWILLING, refused
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.clock import Clock, SystemClock
from murmur_mlflow.refusals import BadValue, NoSuchThing, TooLarge
from murmur_tracking.mlflow_api.artifacts.claims import Claim, Entry, Names, NameTaken, claim_of

R = TypeVar("R")

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}")


class Shelf:
    """Names of one flock. Every path is safe (see paths) and relative to its workspace.

    A name is there once its bytes are: a killed process leaves the former one, or none. Bytes stay when their last name
    goes: a registered model, or a run of the trainer's, may stand on the same ones.
    """

    def __init__(self, store: ArtifactStore, names: Names, *, largest: int, clock: Clock | None = None) -> None:
        """largest: bytes of one file."""
        self._store = store
        self._names = names
        self._clock = clock or SystemClock()
        self.largest = largest

    async def put(self, workspace: str, path: str, pieces: AsyncIterator[bytes], *, announced: int | None) -> Claim:
        """On the disk when this returns. Raises Refusal, NoSpace, Transient; then nothing has changed.

        announced: how many bytes will come, where the client says so
        """
        if not path:
            raise BadValue("a file needs a name: end the path with it")
        self._refuse_large(path, announced or 0)
        async with self._store.receive() as incoming:
            async for piece in pieces:
                self._refuse_large(path, incoming.size + len(piece))
                await incoming.write(piece)
            artifact = await incoming.keep(suffix=_suffix(path))
        return await self.name(workspace, path, artifact)

    async def name(self, workspace: str, path: str, artifact: Artifact) -> Claim:
        """A name for bytes that the store has already. Raises as `put` does."""
        claim = claim_of(artifact, self._clock.now())
        try:
            await self._ask(f"cannot name {path!r}", lambda: self._names.put(f"{workspace}/{path}", claim))
        except NameTaken:
            raise BadValue(
                f"{path!r} cannot be a file here: it, or a part of its path, is a folder or a file already; delete that"
                f" first or choose another name"
            ) from None
        return claim

    async def find(self, workspace: str, path: str) -> Claim:
        """Raises Refusal, Transient."""
        place = f"{workspace}/{path}"
        if not path:
            raise BadValue("Artifact path refers to a directory, not a file: ''")
        claim = await self._ask(f"cannot look up {path!r}", lambda: self._names.get(place))
        if claim is None:
            if await self._ask(f"cannot look up {path!r}", lambda: self._names.is_folder(place)):
                raise BadValue(f"Artifact path refers to a directory, not a file: {path!r}")
            raise NoSuchThing(f"No such artifact: {path!r}")
        return claim

    async def entries(self, workspace: str, path: str) -> list[Entry]:
        """By name; none where there is no such folder. Raises Transient."""
        return await self._ask(f"cannot list {path!r}", lambda: self._names.entries(f"{workspace}/{path}".rstrip("/")))

    async def delete(self, workspace: str, path: str) -> None:
        """A file, or a folder with all in it; nothing happens where there is none. Raises Transient."""
        await self._ask(f"cannot delete {path!r}", lambda: self._names.delete(f"{workspace}/{path}".rstrip("/")))

    async def drop(self, workspace: str) -> None:
        """All names of a workspace. Raises Transient."""
        await self.delete(workspace, "")

    async def read(self, claim: Claim) -> bytes:
        """All of it, checked: for what is small. Raises ArtifactError, Transient."""
        return await self._store.read_bytes(claim.artifact)

    def pieces(self, claim: Claim, begin: int, end: int) -> AsyncIterator[bytes]:
        return self._store.pieces(claim.artifact, begin=begin, end=end)

    def _refuse_large(self, path: str, size: int) -> None:
        if size > self.largest:
            raise TooLarge(
                f"{path!r} is too large: {size:,} bytes or more, and this server takes {self.largest:,} a file"
                f" (MURMUR_LARGEST_ARTIFACT)"
            )

    async def _ask(self, what: str, names: Callable[[], R]) -> R:
        try:
            return await asyncio.to_thread(names)
        except UNWILLING as error:
            raise refused(error, what) from error


def _suffix(path: str) -> str:
    """By which those who load a model know its format. `.part` is what backups leave out."""
    suffix = PurePosixPath(path).suffix
    return suffix if _SUFFIX.fullmatch(suffix) and suffix != ".part" else ""
