"""When an inbox mark may be forgotten, and the task that forgets: an inbox that only grows fills every disk at last.

Failure model: the broker hands an event out again only while it keeps it, which is its topic's retention (counted from
when it was appended, so not later than it was first handled), plus what it takes to delete a segment. A mark is kept a
month longer than the longest retention that ends. Records that wait in our own store, parked or as dead letters, may be
handed in at any time: their marks stay. So do the marks of topics that are kept for ever: a consumer group that begins
anew reads those from their first event on.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from murmur_events import UnknownTopic
from murmur_events.catalog import CATALOG, FOR_EVER, topic_named
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient
from murmur_kernel.store import Store

log = structlog.get_logger()

MARGIN = timedelta(days=30)
KEPT = max(topic.retention for topic in CATALOG if topic.retention != FOR_EVER) + MARGIN
"""How long a mark is kept that need not be kept for ever."""

_BATCH = 500
_EVERY_SECONDS = 3600.0


def forget_event_at(topic: str, handled_at: datetime) -> datetime | None:
    """From when on the broker cannot hand out an event of `topic` again; None where it always can."""
    try:
        retention = topic_named(topic).retention
    except UnknownTopic:  # of an earlier catalog, from a record that waited in our store: nobody reads that topic now
        return handled_at + KEPT
    return None if retention == FOR_EVER else handled_at + KEPT


def forget_call_at(answered_at: datetime) -> datetime:
    """From when on a repeated Idempotency-Key is a new call."""
    return answered_at + KEPT


class Forgetter:
    """Forgets in small batches, so that nobody waits long for the store; any number of replicas may do it at once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        while True:
            try:
                if forgotten := await self.forget():
                    log.info("inbox marks forgotten", marks=forgotten)
            except Transient as error:
                log.warning("inbox marks not forgotten yet", error=str(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def forget(self) -> int:
        """Everything that is due; how many."""
        count = 0
        while forgotten := await self._store.forget_marks(self._clock.now(), _BATCH):
            count += forgotten
            await asyncio.sleep(0)
        return count
