"""The relay: brings what was committed to the broker, in the order of the commits, right after each commit."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import structlog

from murmur_events import to_record
from murmur_kernel.backoff import Backoff
from murmur_kernel.bus import Sink
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient
from murmur_kernel.leases import Lease
from murmur_kernel.store import OutboxRow, Store
from murmur_kernel.telemetry import metrics
from murmur_kernel.telemetry.tracing import OFF, Tracing

log = structlog.get_logger()

_BATCH = 500
_SLICE = 100
_SWEEP_SECONDS = 1.0
_REFUSED_SECONDS = 0.05
_GATHERING_SECONDS = 0.25
_LEASE = timedelta(seconds=10)


class OutboxRelay:
    """Publishes at least once: a crash between the acknowledgement and its note repeats events with the same ids.

    One relay a store holds the lease, and gives it back when nothing is left: whoever commits next publishes at once.
    What it holds when it dies is free after ten seconds.

    The lease only spares repetitions. Order rests on this: a relay sends what the outbox holds from its beginning on,
    in order, and marks no more than that; and an event never becomes visible there after a later one. So whatever
    precedes an event of its key was sent before it, by this relay or another, even while two believe that they lead.
    """

    def __init__(self, store: Store, sink: Sink, clock: Clock, owner: str, tracing: Tracing = OFF) -> None:
        self._store = store
        self._sink = sink
        self._lease = Lease(store, clock, "relay", owner, _LEASE)
        self._refused = False
        self._tracing = tracing
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()

    def wake(self, *, hurry: bool = True) -> None:
        """Something was committed. Without hurry it may wait a moment for more to travel with, whose cost it shares."""
        self._wake.set()
        if hurry:
            self._hurry.set()

    async def run(self) -> None:
        await self._sink.start()
        backoff = Backoff()
        try:
            while True:
                self._wake.clear()
                self._hurry.clear()
                try:
                    more = await self.publish_some()
                    backoff.reset()
                except Transient as error:
                    log.warning("events not published yet", error=str(error))
                    await asyncio.sleep(backoff.next())
                    continue
                if not more:
                    await self._woken()
                if self._wake.is_set():
                    await self._gathered()
        finally:
            await self._sink.stop()
            with contextlib.suppress(Transient):
                await self._lease.give_back()

    async def publish_some(self) -> bool:
        """One batch; True when it was published. Raises Transient; then nothing is lost."""
        rows = await self._store.outbox(_BATCH)
        self._refused = False
        if not rows:
            if self._store.shared:
                await self._lease.give_back()
            return False
        for first in range(0, len(rows), _SLICE):
            if not await self._lease.hold():
                self._refused = True
                return False
            await self._publish(rows[first : first + _SLICE])
        return True

    async def _publish(self, rows: Sequence[OutboxRow]) -> None:
        with self._tracing.publishing([row.envelope for row in rows]) as envelopes:
            await self._sink.send([to_record(envelope) for envelope in envelopes])
        await self._store.published(rows[-1].position)
        for row in rows:
            metrics.published.labels(row.envelope.topic).inc()

    async def _gathered(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHERING_SECONDS):
                await self._hurry.wait()

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(_REFUSED_SECONDS if self._refused else _SWEEP_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return  # the sweep: leftovers of a crash, or of another relay whose lease expired
