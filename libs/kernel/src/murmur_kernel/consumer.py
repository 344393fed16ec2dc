"""Reads what a service subscribes to and has it handled: in order per key, many keys at once, nothing skipped."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import structlog

from murmur_kernel import letters
from murmur_kernel.backoff import Backoff
from murmur_kernel.bus import Source, TopicPartition
from murmur_kernel.consuming import Ack, Dead, Dispatcher, Outcome, Park, Retry
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord
from murmur_kernel.telemetry import metrics

log = structlog.get_logger()

Lane = tuple[str, int, str]


class Progress:
    """Which offsets of one partition are done. Only the prefix without a gap may be committed."""

    def __init__(self) -> None:
        self._pending: deque[int] = deque()
        self._done: set[int] = set()
        self.committable: int | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, offset: int) -> None:
        self._pending.append(offset)

    def finish(self, offset: int) -> None:
        self._done.add(offset)
        while self._pending and self._pending[0] in self._done:
            finished = self._pending.popleft()
            self._done.discard(finished)
            self.committable = finished + 1


class Consumer:
    """One member of the service's group.

    A record's outcome is stored before its offset counts as done; offsets are committed behind that, every
    `commit_seconds` and on leaving, so that a crash repeats records and never skips one. `concurrency` bounds the
    handlers of one topic that run at once, so that a flood of one topic takes no turns of another; a partition with
    more than `high_water` records under way is paused until half of them are done.
    """

    def __init__(
        self,
        source: Source,
        dispatcher: Dispatcher[Any],
        *,
        concurrency: int = 16,
        high_water: int = 1000,
        drain_seconds: float = 10,
        commit_seconds: float = 0.2,
    ) -> None:
        self._source = source
        self._dispatcher = dispatcher
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrency))
        self._high_water = high_water
        self._drain_seconds = drain_seconds
        self._commit_seconds = commit_seconds
        self._next_commit = 0.0
        self._progress: dict[TopicPartition, Progress] = defaultdict(Progress)
        self._lanes: dict[Lane, deque[RawRecord]] = {}
        self._workers: dict[Lane, asyncio.Task[None]] = {}
        self._paused: set[TopicPartition] = set()
        self._broken: BaseException | None = None
        self.connected = False

    async def run(self) -> None:
        """Until cancelled; then what is under way is finished within `drain_seconds` and committed."""
        await self._source.start(self._leave)
        self.connected = True
        backoff = Backoff()
        try:
            while True:
                if self._broken is not None:
                    raise self._broken
                try:
                    for record in await self._source.fetch():
                        self._accept(record)
                    self._regulate()
                    await self._commit_now_and_then()
                    self.connected = True
                    backoff.reset()
                except Transient as error:
                    self.connected = False
                    log.warning("broker unavailable", error=str(error))
                    await asyncio.sleep(backoff.next())
        finally:
            self.connected = False
            await self._leave(list(self._progress))
            await self._source.stop()

    async def lag(self) -> int:
        """Records not handled yet: unread ones and those under way."""
        return await self._source.lag() + sum(len(progress) for progress in self._progress.values())

    def _accept(self, record: RawRecord) -> None:
        self._progress[_place(record)].begin(record.offset)
        lane = (record.topic, record.partition, record.key)
        if lane in self._lanes:
            self._lanes[lane].append(record)
            return
        self._lanes[lane] = deque([record])
        worker = asyncio.create_task(self._work(lane))
        worker.add_done_callback(self._notice)
        self._workers[lane] = worker

    def _notice(self, worker: asyncio.Task[None]) -> None:
        """A lane that dies of anything but cancellation is a bug: the consumer dies with it, and is seen to."""
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._broken = error

    async def _work(self, lane: Lane) -> None:
        queue = self._lanes[lane]
        try:
            while queue:
                record = queue[0]
                await self._finish(record)
                self._progress[_place(record)].finish(record.offset)
                queue.popleft()
        finally:
            del self._lanes[lane]
            del self._workers[lane]

    async def _finish(self, record: RawRecord) -> None:
        """Until the record has an outcome that is stored."""
        backoff = Backoff()
        while True:
            try:
                async with self._slots[record.topic]:
                    with metrics.handling(record.topic):
                        outcome = await self._settle(record)
            except Transient as error:
                outcome = Retry(str(error))
            metrics.outcomes.labels(record.topic, type(outcome).__name__.lower()).inc()
            if not isinstance(outcome, Retry):
                return
            log.info("handler will be tried again", topic=record.topic, key=record.key, why=outcome.why)
            await asyncio.sleep(backoff.next())

    async def _settle(self, record: RawRecord) -> Outcome:
        waits = not self._dispatcher.passes_by(record) and await letters.stands_behind(self._dispatcher.store, record)
        outcome = Park("") if waits else await self._dispatcher.handle(record)
        match outcome:
            case Park(awaits):
                log.info("event parked", topic=record.topic, key=record.key, awaits=awaits)
                await letters.park(self._dispatcher, record, awaits)
            case Dead():
                log.error("dead letter", topic=record.topic, key=record.key, reason=outcome.reason)
                await letters.bury(self._dispatcher, record, outcome)
            case Ack() | Retry():
                pass
        return outcome

    def _regulate(self) -> None:
        for place, progress in self._progress.items():
            if len(progress) > self._high_water and place not in self._paused:
                self._source.pause(place)
                self._paused.add(place)
            elif len(progress) <= self._high_water // 2 and place in self._paused:
                self._source.resume(place)
                self._paused.discard(place)

    async def _commit_now_and_then(self) -> None:
        """Not with every record: the commit of an offset costs the broker as much as an event, and keeps the next
        record waiting. What a crash repeats meanwhile, the inbox knows."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_commit:
            self._next_commit = now + self._commit_seconds
            await self._commit()

    async def _commit(self) -> None:
        offsets = {
            place: progress.committable
            for place, progress in self._progress.items()
            if progress.committable is not None
        }
        if offsets:
            await self._source.commit(offsets)
            for place, offset in offsets.items():
                if self._progress[place].committable == offset:
                    self._progress[place].committable = None

    async def _leave(self, places: Sequence[TopicPartition]) -> None:
        """Give partitions up: finish what is under way, drop what is not, commit what is done."""
        leaving = [task for (topic, number, _), task in self._workers.items() if (topic, number) in set(places)]
        for lane, queue in self._lanes.items():
            if lane[:2] in set(places):
                while len(queue) > 1:
                    queue.pop()
        if leaving:
            _, late = await asyncio.wait(leaving, timeout=self._drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self._commit()
        except Transient as error:
            log.warning("offsets not committed", error=str(error))
        for place in places:
            self._progress.pop(place, None)
            self._paused.discard(place)


def _place(record: RawRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
