"""Processes that are being ended: each may take its time, and nobody else waits for it."""

import asyncio
from collections.abc import Awaitable, Callable

_AT_ONCE = 0.05
"""Seconds: whoever ends within them is waited for."""


class Endings:
    """Ends under way, by the name of what ends. A restart of the deployer may forget them: they may be begun again."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._under_way

    async def begin(self, name: str, end: Callable[[], Awaitable[None]]) -> bool:
        """Whether it has ended by now; if not, `over` says so later. Begins nothing that is under way."""
        if name not in self._under_way:
            self._under_way[name] = asyncio.ensure_future(end())
        return await self.over(name)

    async def over(self, name: str) -> bool:
        """Whether it has ended by now. Raises what ending it raised: then it may be begun again."""
        ending = self._under_way[name]
        await asyncio.wait({ending}, timeout=_AT_ONCE)
        if not ending.done():
            return False
        del self._under_way[name]
        ending.result()
        return True
