"""Background tasks that somebody watches: when one dies, the process is unwell, says so, and ends."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from murmur_kernel.backoff import Backoff
from murmur_kernel.errors import Transient

log = structlog.get_logger()

_WELL_SECONDS = 30
"""A task that ran so long was well: its next failure is a new one."""


class WatchedTasks:
    """Runs functions that never return. The death of any of them is kept in `failed` and reported to `on_failure`.

    A task that ends with Transient (the broker is away) is begun again with backoff; every other end is a failure.
    """

    def __init__(self, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self.failed: dict[str, str] = {}

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self._tasks[name] = asyncio.create_task(self._watch(name, run), name=name)

    async def stop(self) -> None:
        """Cancels all and waits for them; each may take its time to drain."""
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _watch(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        loop, backoff = asyncio.get_running_loop(), Backoff()
        while True:
            began = loop.time()
            try:
                await run()
                why = "it returned, and it should run for ever"
            except Transient as error:
                if loop.time() - began > _WELL_SECONDS:
                    backoff.reset()
                log.warning("task begins again", task=name, error=str(error))
                await asyncio.sleep(backoff.next())
                continue
            except asyncio.CancelledError:
                if self._stopping:
                    raise
                why = "it was cancelled by something that it waited for"
            except Exception as error:  # the last place where a dying task can be seen
                log.exception("task died", task=name)
                why = repr(error)
            if not self._stopping:
                self.failed[name] = why
                self._on_failure(name)
            return
