"""How each service is: asked again and again, the last answer kept for when it stops answering."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from murmur_console.clients import DoorError, FrontDoor
from murmur_events.catalog import SERVICES
from murmur_kernel.dead_letters_api import DeadLetterPage, DeadLetterView
from murmur_kernel.health import Readiness

ASKED = (*SERVICES, "audit")
"""All that answer for themselves: those that decide, and the one that records."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a service last said of itself, and when; `trouble` says why it does not answer now."""

    service: str
    readiness: Readiness | None = None
    letters: tuple[DeadLetterView, ...] = ()
    """The newest of its dead letters."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """All of them, by topic."""
    seen: datetime | None = None
    trouble: str | None = None

    @property
    def is_unwell(self) -> bool:
        """Known to be: a service that was not asked yet is neither well nor unwell."""
        return self.trouble is not None or (self.readiness is not None and not self.readiness.ready)

    @property
    def is_well(self) -> bool:
        return self.readiness is not None and not self.is_unwell


class Roster:
    """Written by its own task, read by every page. `revision` grows with each round."""

    def __init__(self, door: FrontDoor, *, every: float) -> None:
        self._door = door
        self._every = every
        self.standings = {service: Standing(service=service) for service in ASKED}
        self.revision = 0

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Ask all services at once."""
        for standing in await asyncio.gather(*(self._ask(service) for service in ASKED)):
            self.standings[standing.service] = standing
        self.revision += 1

    async def _ask(self, service: str) -> Standing:
        known = self.standings[service]
        try:
            readiness = await self._door.readiness(service)
            page = await self._door.dead_letters(service) if readiness.dead_letters else DeadLetterPage(items=[])
        except DoorError as error:
            return Standing(
                service=service,
                readiness=known.readiness,
                letters=known.letters,
                counts=known.counts,
                seen=known.seen,
                trouble=str(error),
            )
        return Standing(
            service=service,
            readiness=readiness,
            letters=tuple(page.items),
            counts=page.counts,
            seen=datetime.now(UTC),
        )
