"""A monitor with a label book over a broker in memory, for tests to speak to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from monitor_facts import START

from murmur_events import Event, Record
from murmur_events.monitoring import WindowMeasured
from murmur_kernel import letters
from murmur_kernel.bus import TopicPartition
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consuming import Dead
from murmur_kernel.store import RawRecord
from murmur_kernel.testing import Harness
from murmur_monitor import joining, views
from murmur_monitor.domain.measured import NotCompared, Statistics
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.joining.book import LabelBook
from murmur_monitor.joining.following import LabelFollower
from murmur_monitor.joining.measuring import QualityScan
from murmur_monitor.quality_findings import WindowLabelled, record_quality
from murmur_monitor.repository import MonitorUnitOfWork

Monitor = Harness[MonitorUnitOfWork]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Desk:
    """A monitor with a label book; what a test says goes over a broker in memory, and time stands still."""

    def __init__(
        self,
        monitor: Monitor,
        folder: Path,
        *,
        generation_rows: int = 1000,
        most_rows: int = 10_000,
        window_rows: int = 10_000,
        labels_a_second: int = 1_000,
        forget_rows: int = 7,
    ) -> None:
        self.monitor = monitor
        self.broker = MemoryBroker()
        self.path = folder / "labels.db"
        self._rows = generation_rows
        self._most_rows = most_rows
        self._window_rows = window_rows
        self._forget_rows = forget_rows
        self._labels_a_second = labels_a_second
        self.open()

    def open(self) -> None:
        """As after a restart: a new book over the same file, a new member of the group."""
        self.book = LabelBook(
            self.path,
            generation_rows=self._rows,
            window_rows=self._window_rows,
            forget_rows=self._forget_rows,
        )
        self.source = MemorySource(self.broker, "labels", joining.TOPICS, wait=0.01)
        self.scan = QualityScan(
            self.book,
            lambda name: self.monitor.read(views.watched, name),
            lambda query: self.monitor.read(views.is_recorded, query),
            self._record,
            self.monitor.clock,
            grace=timedelta(seconds=2),
            forget_every=timedelta(0),
            most_rows=self._most_rows,
            labels_a_second=self._labels_a_second,
        )
        self.follower = LabelFollower(
            lambda: self.source,
            self.book,
            self.scan,
            lambda name: self.monitor.read(views.label_delay_of, name),
            self._bury,
            self.monitor.clock,
            clock_skew=timedelta(minutes=5),
            every=timedelta(0),
        )

    async def say(self, *events: Event) -> None:
        for event in events:
            raw = self.monitor.record_of(event)
            await MemorySink(self.broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])

    async def read(self) -> None:
        """All that was said so far, into the book."""
        self.follower._next = {TopicPartition(*place): after for place, after in (await self.book.open()).items()}
        while records := await self.source.fetch():
            await self.follower.take(self.source, records)

    async def heard(self, *events: Event) -> None:
        await self.say(*events)
        await self.read()

    async def measured(self, *, at: datetime = START + 2 * HOUR) -> list[WindowMeasured]:
        """What a scan at that time publishes."""
        self.monitor.clock.advance(max(0.0, (at - self.monitor.clock.now()).total_seconds()))
        self.monitor.take_published()
        await self.scan.scan()
        return [event for event in self.monitor.take_published() if isinstance(event, WindowMeasured)]

    async def closed(self, *, window: int = 0, version: int = 1, rows: int = 500) -> None:
        """The windows' part of the monitor has closed one of five minutes."""
        start = as_millis(START + timedelta(minutes=5 * window))
        numbers = Statistics(rows, 0, rows / 300, 2.0, 9.0, 0.25)
        finding = WindowClosed(
            "credit", "credit", version, Window(start, start + 300_000), numbers, NotCompared("only its labels matter")
        )
        await self.monitor.change(record_window, finding)

    async def counts(self) -> dict[str, int]:
        return {what: rows for what, rows in (await self.book.counts("credit")).items() if rows}

    async def labelled_rows(self) -> int:
        """Of version 1, as many as the book has; its own count of all must agree."""
        always = Window(0, as_millis(START + timedelta(days=10_000)))
        rows = (await self.book.rows_of("credit", 1, always)).known
        counted = await self.book._writing(lambda book: book.execute("SELECT value FROM numbers WHERE name = 'joined'"))
        assert counted.fetchone() == (rows,)
        return rows

    async def _record(self, finding: WindowLabelled) -> int:
        return await self.monitor.change(record_quality, finding)

    async def _bury(self, record: RawRecord, dead: Dead) -> None:
        await letters.bury(self.monitor.dispatcher, record, dead)


MakeDesk = Callable[..., Desk]
