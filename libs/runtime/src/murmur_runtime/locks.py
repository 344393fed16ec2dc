"""Locks between processes, released by the kernel when their holder dies, however it dies."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

_LOOK = 0.1


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Waits for the lock and holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def exclusive_turn(path: Path, *, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Like exclusive, without blocking the loop; `waiting` is called once if another process holds the lock."""
    held = try_exclusive(path)
    if held is None:
        waiting()
    while held is None:
        await asyncio.sleep(_LOOK)
        held = try_exclusive(path)
    with held:
        yield


def try_exclusive(path: Path) -> IO[str] | None:
    """The held lock, or None when another process holds it. Released by closing, or by the death of the holder.

    Children do not inherit it (Python opens files so): one that outlives its supervisor must not keep the next one out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
