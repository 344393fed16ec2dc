"""Which replica's turn it is: names that one at a time holds, until it gives them back or is not heard of any more."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient
from murmur_kernel.store import Store

log = structlog.get_logger()


class Lease:
    """A lease spares work; it guards nothing. Whoever is stopped while it holds one goes on when it wakes, beside its
    successor, until it looks again: what is done under a lease must bear to be done by two for a while.
    """

    def __init__(self, store: Store, clock: Clock, name: str, owner: str, length: timedelta) -> None:
        self.name = name
        self.length = length
        self._store = store
        self._clock = clock
        self._owner = owner
        self._until: datetime | None = None

    async def hold(self) -> bool:
        """Take or keep it; asks the store only when a third of its length is gone. Raises StoreUnavailable."""
        now = self._clock.now()
        if self._until is not None and now < self._until - self.length * 2 / 3:
            return True
        until = now + self.length
        held = await self._store.lease(self.name, self._owner, now, until)
        self._until = until if held else None
        return held

    async def give_back(self) -> None:
        """Others need not wait for its end. Raises StoreUnavailable."""
        if self._until is not None:
            self._until = None
            now = self._clock.now()
            await self._store.lease(self.name, self._owner, now, now)


class Leadership:
    """Runs something that never returns in one replica at a time; another one begins it when that one is gone."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._beat = lease.length.total_seconds() / 3
        self.follows = False

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Raises what `work` raises, and StoreUnavailable."""
        while True:
            self.follows = not await self._lease.hold()
            if not self.follows:
                log.info("leads", work=self._lease.name)
                await self._lead(work)
            await asyncio.sleep(self._beat / 2)

    async def _lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Until the lease is lost, or `work` ends by itself."""
        task = asyncio.ensure_future(work())
        try:
            while await self._lease.hold():
                await asyncio.wait([task], timeout=self._beat)
                if task.done():
                    return task.result()
            log.warning("leads no longer", work=self._lease.name)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(Transient):
                await self._lease.give_back()
