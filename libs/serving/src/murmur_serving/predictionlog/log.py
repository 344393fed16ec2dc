"""The prediction log of one replica: appends before the answer leaves, ships behind its back."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Self

import structlog

from murmur_serving import metrics
from murmur_serving.predictionlog.backlog import MAX_ROWS, Backlog, most_rows
from murmur_serving.predictionlog.blocks import Features, Rows, pack
from murmur_serving.predictionlog.rows import Origin
from murmur_serving.predictionlog.segments import LogDirectory, SegmentWriter, leftovers
from murmur_serving.predictionlog.shipper import Shipper
from murmur_serving.predictionlog.sink import Sink

FLUSH_AFTER = 0.2
"""Seconds that a row may wait for company."""
_AT_ONCE = 20 * MAX_ROWS
"""Rows that are shipped before others get their turn: what dead replicas left, and company for the next batch."""
_LOOK_FOR_LEFTOVERS = 5.0
_RESTART_PAUSE = 1.0

log = structlog.get_logger(__name__)


class PredictionLog:
    """Rows of this replica, and of dead ones beside it, go to the sink in the order in which they were appended.

    Memory does not grow with the backlog: rows live in files alone. Without a sink they stay there.
    """

    def __init__(self, parent: Path, directory: LogDirectory, sink: Sink | None, *, flush_after: float) -> None:
        self._parent = parent
        self._directory = directory
        self._writer = SegmentWriter(directory)
        self._backlog = Backlog(directory)
        self._sink = sink
        self._flush_after = flush_after
        self._most_rows = most_rows(len(directory.origin.columns))
        self._waiting = 0
        self._unreadable: set[Path] = set()
        self._backlog_gauge = metrics.LOG_BACKLOG.labels(directory.origin.deployment)
        self._appended = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = None if sink is None else asyncio.create_task(self._run(sink), name="prediction-log")

    @classmethod
    def open(cls, parent: Path, origin: Origin, sink: Sink | None, *, flush_after: float = FLUSH_AFTER) -> Self:
        """A new incarnation below `parent`, shipping at once what dead ones left there. Raises LogUnwritable."""
        return cls(parent, LogDirectory.create(parent, origin), sink, flush_after=flush_after)

    @property
    def waiting(self) -> int:
        """Rows of this incarnation that are not yet acknowledged."""
        return self._waiting

    def append(
        self,
        rows: Rows,
        at: datetime,
        *,
        status: int = 200,
        batch: bool = False,
        features: Features | None = None,
        outputs: Sequence[float] | None = None,
    ) -> None:
        """Writes the rows of requests that were answered together: of all, or of none. Raises LogUnwritable.

        They survive the process from here on. batch: they were asked for a batch. features, outputs: of these rows;
        None: nothing was predicted.
        """
        if not rows.request_ids:
            return
        blocks = pack(
            rows, at, status=status, batch=batch, features=features, outputs=outputs, most_rows=self._most_rows
        )
        self._writer.append(blocks)
        self._count(len(rows.request_ids))
        self._appended.set()
        if self._waiting >= MAX_ROWS:
            self._full.set()

    async def close(self, *, timeout: float = 5.0) -> None:
        """Ships the rest for at most `timeout` seconds; what is left is shipped by the next replica. Idempotent."""
        again = self._closing.is_set()
        self._closing.set()
        task, self._task = self._task, None
        if task is not None:
            try:
                async with asyncio.timeout(timeout):
                    await task
            except TimeoutError:
                log.warning("prediction_log_left_behind", rows=self._waiting, directory=str(self._directory.path))
        if self._sink is not None:
            await self._sink.close()
        self._writer.close()
        self._backlog.close()
        if not again:
            self._backlog_gauge.dec(self._waiting)
        if self._waiting:
            self._directory.release()
        elif self._directory.damaged:
            self._directory.set_aside()
        else:
            self._directory.remove()

    async def _run(self, sink: Sink) -> None:
        shipper = Shipper(sink)
        while not self._closing.is_set():
            try:
                await self._ship_leftovers(shipper)
                await self._company()
                await shipper.ship(self._backlog, shipped=self._shipped, at_most=min(self._waiting, _AT_ONCE))
            except Exception:  # predictions go on without their shipping: rows wait on disk and are tried again
                log.exception("prediction_log_failed", directory=str(self._directory.path))
                await asyncio.sleep(_RESTART_PAUSE)
        await shipper.ship(self._backlog, shipped=self._shipped)

    async def _ship_leftovers(self, shipper: Shipper) -> None:
        for path in leftovers(self._parent):
            if path == self._directory.path or path in self._unreadable:
                continue
            try:
                if (directory := LogDirectory.take_over(path)) is not None:
                    await self._ship_leftover(shipper, directory)
            except OSError as error:  # what others left must not hold up one's own rows
                log.warning("prediction_log_left_alone", directory=str(path), reason=str(error))
            except (ValueError, TypeError):  # a power cut has garbled whose it is
                self._unreadable.add(path)
                log.exception("prediction_log_unreadable", directory=str(path))

    async def _ship_leftover(self, shipper: Shipper, directory: LogDirectory) -> None:
        try:
            with closing(Backlog(directory)) as backlog:
                await shipper.ship(backlog, shipped=lambda rows: None)
        except BaseException:
            directory.release()
            raise
        about = {"replica": directory.origin.replica, "directory": directory.path.name}
        if damaged := directory.damaged:
            log.error("prediction_log_damaged", segments=damaged, kept=str(directory.set_aside()), **about)
        else:
            log.info("prediction_log_inherited", **about)
            directory.remove()

    async def _company(self) -> None:
        """Waits for a first row and then a little for others; returns early when the batch is full or on closing."""
        self._full.clear()
        if not await self._either(self._appended, timeout=_LOOK_FOR_LEFTOVERS):
            return
        self._appended.clear()
        if self._waiting < MAX_ROWS:
            await self._either(self._full, timeout=self._flush_after)

    async def _either(self, event: asyncio.Event, *, timeout: float) -> bool:
        waits = [asyncio.create_task(each.wait()) for each in (event, self._closing)]
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return event.is_set()

    def _shipped(self, rows: int) -> None:
        self._count(-rows)

    def _count(self, rows: int) -> None:
        self._waiting += rows
        self._backlog_gauge.inc(rows)  # several versions of a deployment may be in this process
