"""Takes the files of a run or a logged model: streamed, their sha256 compared with that of what arrived."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import unquote

from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.shapes import File
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.tally import Kind, Tally
from murmur_cli.mlflow_import.wire import TROUBLES

Opened = Callable[[str], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""From a file's path to its bytes at the source."""

_EMPTY = hashlib.sha256().hexdigest()


class _Read:
    """Counts and digests what passes."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0

    async def through(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self.digest.update(piece)
            self.size += len(piece)
            yield piece


class Files:
    def __init__(self, sink: Sink, tally: Tally) -> None:
        self._sink = sink
        self._tally = tally

    async def listed(self, owner: str, files: AsyncIterator[File]) -> tuple[list[File], list[str]]:
        """The files of an owner, and why they are not all. Raises Lost."""
        found: list[File] = []
        try:
            async for file in files:
                found.append(file)
                self._tally.finds(Kind.FILE)
        except Refusal as refusal:
            self._tally.leaves(Kind.FILE, f"{owner}/…", f"they cannot be listed: {refusal}")
            return found, [f"its files cannot be listed: {refusal}"]
        return found, []

    async def take(self, owner: str, files: list[File], root: str, opened: Opened, *, fresh: bool) -> list[str]:
        """Why files are left, one reason a file. `fresh`: nothing of this owner can be here yet. Raises Lost."""
        here = {} if fresh else {one.path: one.size async for one in self._sink.files(root)}
        reasons = []
        for file in files:
            if file.path in here and here[file.path] == file.size:
                self._tally.has(Kind.FILE)
                continue
            try:
                if unquote(file.path) != file.path:
                    raise Refusal(
                        400, "", "its name holds a %-escape, which would be read as the sign that it stands for"
                    )
                await self._copy(file, root, opened)
            except Refusal as refusal:
                reasons.append(f"file {file.path!r}: {refusal}")
                self._tally.leaves(Kind.FILE, f"{owner}/{file.path}", str(refusal))
            else:
                self._tally.takes(Kind.FILE)
        return reasons

    async def _copy(self, file: File, root: str, opened: Opened) -> None:
        """Raises Refusal, Lost. A connection that is cut begins the file anew."""
        attempt = 0
        while True:
            attempt += 1
            read = _Read()
            try:
                async with opened(file.path) as pieces:
                    await self._sink.put(root, file.path, read.through(pieces))
                break
            except TROUBLES as error:
                await self._sink.wire.pause(attempt, error)
        if wrong := await self._wrong(file, root, read):
            await self._sink.drop(root, file.path)  # by its size it would be taken for the right one the next time
            raise Refusal(200, "", wrong)
        self._tally.bytes += read.size

    async def _wrong(self, file: File, root: str, read: _Read) -> str | None:
        sent = read.digest.hexdigest()
        if file.size is not None and read.size != file.size:
            return f"the source lists {file.size:,} bytes and gave {read.size:,}: it changed meanwhile"
        if sent != _EMPTY and (kept := await self._sink.sha256(root, file.path)) != sent:
            return f"sha256 {sent} was sent, and {kept} is kept"
        return None
