"""Sends what a backlog holds, again and again until the broker has acknowledged it."""

import asyncio
import time
from collections.abc import Callable
from math import inf

import structlog

from murmur_events import LARGEST_RECORD
from murmur_serving import metrics
from murmur_serving.errors import SinkAway
from murmur_serving.predictionlog.backlog import Backlog, Batch
from murmur_serving.predictionlog.rows import to_batch
from murmur_serving.predictionlog.sink import Sink

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_COMPLAIN_EVERY = 30.0

log = structlog.get_logger(__name__)


class Shipper:
    """One batch in flight at a time, so that rows arrive in their order."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._away_since: float | None = None
        self._complained = 0.0

    async def ship(self, backlog: Backlog, *, shipped: Callable[[int], None], at_most: int | None = None) -> None:
        """Returns when nothing is left on disk, or a batch has brought the rows to `at_most`.

        Calls `shipped` with the number of rows of every acknowledged batch.
        """
        left = inf if at_most is None else at_most
        while left > 0 and (batch := backlog.next_batch()) is not None:
            delivered = await self._deliver(backlog, batch)
            backlog.shipped(batch)
            shipped(batch.rows)
            left -= batch.rows
            counted = metrics.LOG_SHIPPED if delivered else metrics.LOG_DROPPED
            counted.labels(backlog.directory.origin.deployment).inc(batch.rows)

    async def _deliver(self, backlog: Backlog, batch: Batch) -> bool:
        """False: no broker would ever take it, and the rows behind it must not wait for ever."""
        record = to_batch(backlog.directory.origin, batch.segment, batch.offset, batch.blocks)
        if record.size > LARGEST_RECORD:
            log.error("prediction_log_too_large", segment=batch.segment, offset=batch.offset, bytes=record.size)
            return False
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._sink.send(record)
            except SinkAway as error:
                metrics.LOG_RETRIES.labels(backlog.directory.origin.deployment).inc()
                self._complain(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self._rejoice()
                return True

    def _complain(self, error: SinkAway) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._complained >= _COMPLAIN_EVERY:
            self._complained = now
            log.warning("prediction_log_waits", reason=str(error), seconds=round(now - self._away_since, 1))

    def _rejoice(self) -> None:
        if self._away_since is not None:
            log.info("prediction_log_resumed", seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
            self._complained = 0.0
