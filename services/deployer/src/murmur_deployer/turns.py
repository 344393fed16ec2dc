"""One at a time, whichever replica of the deployer it is: all of them change the processes and files of one machine."""

import asyncio
import fcntl
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import IO, TypeAlias
from urllib.parse import quote

_LOOK_EVERY = 0.02

Turn: TypeAlias = AbstractAsyncContextManager[object]


class FileTurn:
    """A lock between tasks and processes, to be entered again and again; it is free when its holder dies, however."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tasks = asyncio.Lock()
        self._held: IO[str] | None = None

    async def __aenter__(self) -> None:
        await self._tasks.acquire()
        try:
            while (held := self._try()) is None:  # noqa: ASYNC110  another process wakes nobody here
                await asyncio.sleep(_LOOK_EVERY)
        except BaseException:
            self._tasks.release()
            raise
        self._held = held

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._held is not None
        self._held.close()
        self._held = None
        self._tasks.release()

    def _try(self) -> IO[str] | None:
        """Model servers do not inherit the open file: one that outlives its deployer must not keep the next one out."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file


class Turns:
    """A turn for each name, in one folder that all replicas share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns: dict[str, FileTurn] = {}

    def __call__(self, name: str) -> FileTurn:
        if name not in self._turns:
            self._turns[name] = FileTurn(self._folder / f"{quote(name, safe='')}.lock")
        return self._turns[name]
