"""Calls that stand on what another service has said: they may come before the event, and wait for it, not for long."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from murmur_mlflow.refusals import NotHeard

T = TypeVar("T")

_OTHERS = 0.1
"""Seconds: what another replica has heard wakes nobody here, so that a shared store is looked at again."""


class Hearing:
    """seconds: how long a call waits at most. shared: other replicas hear for this one, too."""

    def __init__(self, seconds: float, *, shared: bool) -> None:
        self._seconds = seconds
        self._shared = shared
        self._next = asyncio.Event()

    def heard(self) -> None:
        """Something that calls may wait for was committed."""
        self._next.set()
        self._next = asyncio.Event()

    async def once_heard(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What the attempt returns, as soon as it has heard enough. Raises what it raises, at the end of patience the
        refusal that its NotHeard holds."""
        began = _now()
        while True:
            news = self._next  # before the look, so that nothing is missed
            try:
                return await attempt()
            except NotHeard as error:
                left = began + self._seconds * error.patience - _now()
                if left <= 0:
                    raise error.refusal from None
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), min(left, _OTHERS) if self._shared else left)


def _now() -> float:
    return asyncio.get_running_loop().time()
