"""Looks at what a service cannot get over by itself (dead letters, jobs given up) and has people told of it.

Level-triggered: it compares what is with what was told, so that a restart misses nothing and a flood of dead letters
from one topic is one trouble, which ends when the last of them is redriven or discarded.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from murmur_kernel import troubles
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Conflict, Transient
from murmur_kernel.store import JobState, LetterQuery, Store
from murmur_kernel.troubles import Severity
from murmur_kernel.unit_of_work import Origin, UnitOfWork

log = structlog.get_logger()

_PREFIX = "unattended/"
_EVERY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class _Unattended:
    about: str
    title: str
    detail: str
    severity: Severity = "warning"


class Attention:
    """Any number of replicas may look: who tells second finds it told."""

    def __init__(self, service: str, store: Store, clock: Clock) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._told: frozenset[str] | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except (Conflict, Transient) as error:
                self._told = None
                log.info("troubles not told yet", error=str(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Tell of everything that began or ended since the last look."""
        found = await self._found()
        if self._told == found.keys():
            return
        now = self._clock.now()
        for trouble in await troubles.open_troubles(self._unit("look", now), _PREFIX):
            if trouble.id not in found:
                unit = self._unit(f"{trouble.id}/{now.isoformat()}", now)
                unit.resume(trouble.chain)
                await troubles.end(unit, trouble.id, "nothing of it is left")
                await unit.commit()
        for trouble_id, one in found.items():
            unit = self._unit(f"{trouble_id}/{now.isoformat()}", now)
            await troubles.begin(
                unit, trouble_id, about=one.about, title=one.title, detail=one.detail, severity=one.severity
            )
            await unit.commit()
        self._told = frozenset(found)

    async def _found(self) -> dict[str, _Unattended]:
        found: dict[str, _Unattended] = {}
        for topic, number in (await self._store.letter_counts()).items():
            trouble_id = f"{_PREFIX}dead-letters/{topic}"
            told = self._told is not None and trouble_id in self._told
            newest = () if told else (await self._store.letters(LetterQuery(topic=topic, limit=1))).items
            found[trouble_id] = _Unattended(
                about=topic,
                title=f"{self._service} could not handle {number} of {topic}",
                detail=f"{newest[0].error}: {newest[0].reason}" if newest else "",
            )
        for job in await self._store.jobs(JobState.FAILED):
            found[f"{_PREFIX}failed-job/{job.id}"] = _Unattended(
                about=job.kind,
                title=f"{self._service} gave up the job {job.id}",
                detail=f"after {job.attempt} attempts, the last with: {job.error}",
                severity="critical",
            )
        return found

    def _unit(self, purpose: str, now: datetime) -> UnitOfWork:
        return UnitOfWork(self._store, Origin(id=f"attention/{purpose}", source=self._service, now=now))
