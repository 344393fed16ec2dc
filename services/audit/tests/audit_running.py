"""An audit service over the fake broker, alive for as long as a test wants it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from murmur_audit.app import TOPICS, build
from murmur_audit.context import Audit
from murmur_audit.settings import Settings
from murmur_events import Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import ManualClock, eventually


@dataclass
class RunningAudit:
    """`say` returns once the ledger holds as many entries more as were said."""

    audit: Audit
    broker: MemoryBroker
    client: httpx.AsyncClient
    clock: ManualClock

    async def say(self, *records: Record) -> None:
        await MemorySink(self.broker).send(records)
        await self.caught_up()

    async def caught_up(self) -> None:
        def held() -> bool:
            keeper = self.audit.keeper
            ends = {place: len(log) - 1 for place, log in self.broker.log.items() if log}
            return keeper.is_open and all(keeper.places.get(place) == end for place, end in ends.items())  # type: ignore[call-overload]  # places are tuples alike

        await eventually(held)


Starting = Callable[[], AbstractAsyncContextManager[RunningAudit]]


def lives_of(home: Path, broker: MemoryBroker) -> Starting:
    """Each life of the service finds the ledger of the one before, and the same broker."""

    @asynccontextmanager
    async def starting() -> AsyncIterator[RunningAudit]:
        clock = ManualClock()
        audit, app = build(
            Settings(home=home, brokers="127.0.0.1:1", audit_checkpoint_entries=10, audit_verify_seconds=0.05),
            store=MemoryStore(),
            source=lambda: MemorySource(broker, "murmur-audit", TOPICS, wait=0.01),
            clock=clock,
        )
        transport = httpx.ASGITransport(app=app)
        async with (
            audit.service.lifespan(),
            httpx.AsyncClient(transport=transport, base_url="http://audit/v1") as client,
        ):
            yield RunningAudit(audit, broker, client, clock)

    return starting
