"""Reads the whole ledger again from time to time, as anybody else could, and keeps what was found."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from murmur_kernel.clock import Clock
from murmur_ledger.errors import NotALedger
from murmur_ledger.faults import Report
from murmur_ledger.verify import verify

log = structlog.get_logger()


@dataclass(frozen=True)
class Finding:
    """What a verification found, and when it began."""

    at: datetime
    report: Report = field(default_factory=Report)


class Inspector:
    """`last` is None until the first time."""

    def __init__(self, ledger: Path, clock: Clock, *, every: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._every = every
        self.last: Finding | None = None

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        began = self._clock.now()
        try:
            report = await asyncio.to_thread(verify, self._ledger)
        except NotALedger:
            return
        self.last = Finding(began, report)
        if not report.ok:
            first = report.faults[0]
            log.error("ledger is not what was appended", faults=len(report.faults), kind=first.kind, where=first.where)
