"""The prediction log of one replica: appends before the answer leaves, ships behind its back."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import structlog

from murmur_serving import metrics
from murmur_serving.predictionlog.backlog import MAX_ROWS, Backlog
from murmur_serving.predictionlog.rows import Entry, Origin, Row, encode
from murmur_serving.predictionlog.segments import LogDirectory, SegmentWriter, leftovers
from murmur_serving.predictionlog.shipper import Shipper
from murmur_serving.predictionlog.sink import Sink

FLUSH_AFTER = 0.2
"""Seconds that a row may wait for company."""
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
        self._waiting = 0
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
        request_id: str,
        at: datetime,
        latency_ms: float,
        *,
        status: int,
        trace: str = "",
        features: Sequence[Row] | None = None,
        outputs: Sequence[float] | None = None,
        batch: bool = False,
    ) -> None:
        """Writes the rows of one request; they survive the process from here on. Raises LogUnwritable."""
        lines, rows = encode(
            request_id,
            at,
            latency_ms,
            status=status,
            trace=trace,
            features=features,
            outputs=outputs,
            batch=batch,
        )
        self._append(lines, rows)

    def append_answers(self, entries: Sequence[Entry], at: datetime) -> None:
        """Writes the rows of requests that were answered together: of all, or of none. Raises LogUnwritable."""
        written = [
            encode(
                one.request_id,
                at,
                one.seconds * 1000,
                status=200,
                trace=one.trace,
                features=one.rows,
                outputs=one.outputs,
                batch=one.batch,
            )
            for one in entries
        ]
        if written:
            self._append(b"".join([lines for lines, _ in written]), sum([rows for _, rows in written]))

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
        if not again:
            self._backlog_gauge.dec(self._waiting)
        if self._waiting:
            self._directory.release()
        else:
            self._directory.remove()

    async def _run(self, sink: Sink) -> None:
        shipper = Shipper(sink)
        while not self._closing.is_set():
            try:
                await self._ship_leftovers(shipper)
                await self._company()
                await shipper.ship(self._backlog, shipped=lambda rows: self._count(-rows))
            except Exception:  # predictions go on without their shipping: rows wait on disk and are tried again
                log.exception("prediction_log_failed", directory=str(self._directory.path))
                await asyncio.sleep(_RESTART_PAUSE)
        await shipper.ship(self._backlog, shipped=lambda rows: self._count(-rows))

    async def _ship_leftovers(self, shipper: Shipper) -> None:
        for path in leftovers(self._parent):
            directory = None if path == self._directory.path else LogDirectory.take_over(path)
            if directory is None:
                continue
            try:
                await shipper.ship(Backlog(directory), shipped=lambda rows: None)
            except BaseException:
                directory.release()
                raise
            log.info("prediction_log_inherited", replica=directory.origin.replica, directory=path.name)
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

    def _append(self, lines: bytes, rows: int) -> None:
        self._writer.append(lines)
        self._count(rows)
        self._appended.set()
        if self._waiting >= MAX_ROWS:
            self._full.set()

    def _count(self, rows: int) -> None:
        self._waiting += rows
        self._backlog_gauge.inc(rows)  # several versions of a deployment may be in this process
