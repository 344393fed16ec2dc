"""Looks after parked records: tries those that were released, and buries those that waited too long."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from murmur_kernel import letters
from murmur_kernel.consuming import Dead, Dispatcher, Park, Retry
from murmur_kernel.errors import Transient
from murmur_kernel.leases import Lease

log = structlog.get_logger()

_SWEEP_SECONDS = 1.0
_TURN = timedelta(seconds=30)


class ParkingAttendant:
    """Releases in the order of parking, one at a time, so that records of one key keep their order.

    Nothing is given up before the attendant has run for the patience itself: while the service was down, nobody could
    hear what came.
    """

    def __init__(self, dispatcher: Dispatcher[Any], owner: str = "") -> None:
        self._dispatcher = dispatcher
        self._turn = Lease(dispatcher.store, dispatcher.clock, "parking", owner, _TURN)
        self._wake = asyncio.Event()
        self._patient_until = datetime.min.replace(tzinfo=UTC)

    def wake(self) -> None:
        """A document was saved, or a dead letter redriven."""
        self._wake.set()

    async def run(self) -> None:
        self._patient_until = self._dispatcher.clock.now() + self._dispatcher.patience
        while True:
            self._wake.clear()
            try:
                await self._take_turn()
            except Transient as error:
                log.warning("parked events wait", error=str(error))
            try:
                async with asyncio.timeout(_SWEEP_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _take_turn(self) -> None:
        """Any replica may, one at a time: whoever saved the document is the first to know."""
        if await self._dispatcher.store.count_parked() and await self._turn.hold():
            try:
                await self.look_after()
            finally:
                await self._turn.give_back()

    async def look_after(self) -> None:
        """One round. A record that must go on waiting holds back those of its topic and key behind it; when it is given
        up, the next one is tried in the next round."""
        held: set[tuple[str, str]] = set()
        for parked in await self._dispatcher.store.parked():
            line = (parked.record.topic, parked.record.key)
            if line in held:
                continue
            if not parked.ready or isinstance(await letters.settle(self._dispatcher, parked), Park | Retry):
                held.add(line)
        now = self._dispatcher.clock.now()
        for parked in await self._dispatcher.store.parked(ready=False):
            until = max(parked.deadline, self._patient_until)
            if until <= now:
                reason = f"{parked.awaits} never came: waited until {until.isoformat()}"
                log.error("parked event expired", topic=parked.record.topic, awaits=parked.awaits)
                await letters.bury(self._dispatcher, parked.record, Dead("Expired", reason), unparked=parked)
                self.wake()
