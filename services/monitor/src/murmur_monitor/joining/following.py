"""Reads predictions and feedback into the label book, in order and without a gap; has measured what that touched."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from murmur_events import ContractError, from_record, topic_of
from murmur_events.serving import FeedbackRecorded
from murmur_kernel.backoff import Backoff
from murmur_kernel.bus import Source, TopicPartition
from murmur_kernel.clock import Clock
from murmur_kernel.consuming import Dead
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord
from murmur_monitor.domain.windows import Millis, as_millis
from murmur_monitor.joining.book import LabelBook
from murmur_monitor.joining.measuring import QualityScan
from murmur_monitor.joining.rows import Labels, NotJoinable, Predictions, labels_of, predictions_of

FEEDBACK = topic_of(FeedbackRecorded).name
_BACKLOG = 250
"""Records that come at once only when there are many more: then reading goes before measuring."""

Bury = Callable[[RawRecord, Dead], Awaitable[None]]
Delays = Callable[[str], Awaitable[timedelta]]
"""How long labels of a deployment may take. Raises Transient."""

log = structlog.get_logger()


class LabelFollower:
    """Runs in one replica at a time: what is joined lies in a file beside it. A successor elsewhere reads the topics
    from where its own file ends, or from their beginning.

    No offset is ever committed to the broker: only the book says how far it has read, and a book that is lost or older
    than it was is filled again.
    """

    def __init__(
        self,
        source: Callable[[], Source],
        book: LabelBook,
        scan: QualityScan,
        delays: Delays,
        bury: Bury,
        clock: Clock,
        *,
        clock_skew: timedelta,
        every: timedelta,
    ) -> None:
        """clock_skew: how far in the future a label's time may lie."""
        self._new_source = source
        self._book = book
        self._scan = scan
        self._delays = delays
        self._bury = bury
        self._clock = clock
        self._clock_skew = round(clock_skew.total_seconds() * 1000)
        self._every = every.total_seconds()
        self._next: dict[TopicPartition, int] = {}
        self._asked: set[tuple[TopicPartition, int]] = set()
        self.connected = False

    async def run(self) -> None:
        """Until cancelled. Raises StoreUnavailable or another Transient, after which it may be run again."""
        self._next = {TopicPartition(*place): after for place, after in (await self._book.open()).items()}
        self._asked.clear()
        source = self._new_source()
        await source.start(self._leave)
        self.connected = True
        try:
            await self._follow(source)
        finally:
            self.connected = False
            await source.stop()

    async def check(self) -> tuple[bool, str]:
        """For readiness."""
        return self.connected, "joins labels" if self.connected else "waits for the broker, or for its file"

    async def _follow(self, source: Source) -> None:
        loop, backoff = asyncio.get_running_loop(), Backoff()
        due = loop.time() + self._every
        while True:
            try:
                records = await source.fetch()
                self.connected = True
                backoff.reset()
            except Transient as error:
                self.connected = False
                log.warning("broker_unavailable", error=str(error))
                await asyncio.sleep(backoff.next())
                continue
            await self.take(source, records)
            if loop.time() >= due and len(records) < _BACKLOG:
                await self._scan.scan()
                due = loop.time() + self._every

    async def take(self, source: Source, records: Sequence[RawRecord]) -> None:
        """What is new among the records, into the book."""
        fresh = self._in_their_turn(source, records)
        if not fresh:
            return
        batches = [batch for record in fresh if (batch := await self._batch(record)) is not None]
        places = {(record.topic, record.partition): record.offset + 1 for record in fresh}
        await self._book.take(batches, places, delays=await self._delays_of(batches), now=self._now())

    def _in_their_turn(self, source: Source, records: Sequence[RawRecord]) -> list[RawRecord]:
        """Those that the book has not read and that stand next in their partitions.

        Elsewhere the partition is asked, once, for what does: after a start, when reading begins at the topic's oldest
        record, and before a gap is believed.
        """
        fresh: list[RawRecord] = []
        again: set[TopicPartition] = set()
        for record in records:
            place = TopicPartition(record.topic, record.partition)
            expected = self._next.get(place, 0)
            if place in again:
                continue
            if record.offset != expected and (place, expected) not in self._asked:
                self._asked.add((place, expected))
                source.seek(place, expected)
                again.add(place)
            elif record.offset >= expected:
                if record.offset > expected:
                    log.warning("records_gone", topic=place.topic, partition=place.partition, offset=expected)
                fresh.append(record)
                self._next[place] = record.offset + 1
        return fresh

    async def _batch(self, record: RawRecord) -> Predictions | Labels | None:
        """None for what cannot be read. Feedback becomes a dead letter; the windows' intake says so of predictions."""
        if record.topic != FEEDBACK:
            try:
                return await asyncio.to_thread(predictions_of, record.value, (record.partition, record.offset))
            except ValueError as error:
                log.warning("predictions_not_joinable", offset=record.offset, error=str(error)[:200])
                return None
        try:
            envelope = from_record(record.topic, record.value, record.headers)
            assert isinstance(envelope.event, FeedbackRecorded)
            arrived = as_millis(envelope.time)
            return labels_of(envelope.event, arrived, latest=min(arrived, self._now()) + self._clock_skew)
        except (ContractError, NotJoinable) as error:
            await self._bury(record, Dead(type(error).__name__, str(error)))
            return None

    async def _delays_of(self, batches: Sequence[Predictions | Labels]) -> Mapping[str, Millis]:
        names = {batch.deployment for batch in batches}
        return {name: round((await self._delays(name)).total_seconds() * 1000) for name in names}

    def _now(self) -> Millis:
        return as_millis(self._clock.now())

    async def _leave(self, places: Sequence[TopicPartition]) -> None:
        """Nothing is under way between two reads that is not finished or will be read again."""
