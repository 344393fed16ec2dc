"""Looks after parked records: tries those that were released, and buries those that waited too long."""

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from murmur_kernel import letters
from murmur_kernel.consuming import Dead, Dispatcher, Park, Retry
from murmur_kernel.errors import Transient
from murmur_kernel.leases import Lease
from murmur_kernel.store import RawRecord

log = structlog.get_logger()

_SWEEP_SECONDS = 1.0
_TURN = timedelta(seconds=30)


class ParkingAttendant:
    """Releases in the order of parking, one at a time, so that records of one key keep their order."""

    def __init__(self, dispatcher: Dispatcher[Any], owner: str = "") -> None:
        self._dispatcher = dispatcher
        self._turn = Lease(dispatcher.store, dispatcher.clock, "parking", owner, _TURN)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A document was saved, or a dead letter redriven."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._take_turn()
            except Transient as error:
                log.warning("parked events wait", error=str(error))
            try:
                await asyncio.wait_for(self._wake.wait(), _SWEEP_SECONDS)
            except TimeoutError:
                continue

    async def _take_turn(self) -> None:
        """Any replica may, one at a time: whoever saved the document is the first to know."""
        if await self._dispatcher.store.parked() and await self._turn.hold():
            try:
                await self.look_after()
            finally:
                await self._turn.give_back()

    async def look_after(self) -> None:
        """One round. A record that must go on waiting holds back those of its topic and key behind it."""
        held: set[tuple[str, str]] = set()
        for parked in await self._dispatcher.store.parked():
            line = (parked.record.topic, parked.record.key)
            if line in held:
                continue
            if not parked.ready or isinstance(await letters.settle(self._dispatcher, parked), Park | Retry):
                held.add(line)
        now = self._dispatcher.clock.now()
        for parked in await self._dispatcher.store.parked(ready=False):
            if parked.deadline <= now:
                reason = f"{parked.awaits} never came: waited until {parked.deadline.isoformat()}"
                log.error("parked event expired", topic=parked.record.topic, awaits=parked.awaits)
                await letters.bury(self._dispatcher, parked.record, Dead("Expired", reason), unparked=parked.id)
                await self._release_next(parked.record)

    async def _release_next(self, gone: RawRecord) -> None:
        """What stood behind a record that is given up may never have waited for anything but its turn."""
        for parked in await self._dispatcher.store.parked():
            if (parked.record.topic, parked.record.key) == (gone.topic, gone.key):
                await self._dispatcher.store.release(parked.id)
                self.wake()
                return
