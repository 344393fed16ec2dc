"""The relay: brings what was committed to the broker, in the order of the commits, right after each commit."""

import asyncio
from datetime import timedelta

import structlog

from murmur_events import to_record
from murmur_kernel.backoff import Backoff
from murmur_kernel.bus import Sink
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient
from murmur_kernel.store import Store
from murmur_kernel.telemetry import metrics
from murmur_kernel.telemetry.tracing import OFF, Tracing

log = structlog.get_logger()

_BATCH = 500
_SWEEP_SECONDS = 1.0
_LEASE = timedelta(seconds=10)


class OutboxRelay:
    """Publishes at least once: a crash between the acknowledgement and its note repeats events with the same ids.

    One relay a store holds the lease; the others wait, and take over when it expires.
    """

    def __init__(self, store: Store, sink: Sink, clock: Clock, owner: str, tracing: Tracing = OFF) -> None:
        self._store = store
        self._sink = sink
        self._clock = clock
        self._owner = owner
        self._tracing = tracing
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def run(self) -> None:
        await self._sink.start()
        backoff = Backoff()
        try:
            while True:
                self._wake.clear()
                try:
                    more = await self.publish_some()
                    backoff.reset()
                except Transient as error:
                    log.warning("events not published yet", error=str(error))
                    await asyncio.sleep(backoff.next())
                    continue
                if not more:
                    await self._woken()
        finally:
            await self._sink.stop()

    async def publish_some(self) -> bool:
        """One batch; True when there was something. Raises Transient; then nothing is lost."""
        rows = await self._store.outbox(_BATCH)
        if not rows:
            return False
        now = self._clock.now()
        if not await self._store.lease("relay", self._owner, now, now + _LEASE):
            return False
        with self._tracing.publishing([row.envelope for row in rows]) as envelopes:
            await self._sink.send([to_record(envelope) for envelope in envelopes])
        await self._store.published(rows[-1].position)
        for row in rows:
            metrics.published.labels(row.envelope.topic).inc()
        return True

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(_SWEEP_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return  # the sweep: leftovers of a crash, or of another relay whose lease expired
