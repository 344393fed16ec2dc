"""Everything that is said on any topic into the ledger: read, append, sync, and only then commit the offsets."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from murmur_audit.domain.recording import gaps
from murmur_audit.keeper import Keeper
from murmur_kernel.backoff import Backoff
from murmur_kernel.bus import Source, TopicPartition
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord
from murmur_ledger.contents import Place, Record
from murmur_ledger.errors import LedgerFailed

T = TypeVar("T")

log = structlog.get_logger()


class Intake:
    """A batch is what one read brings. A kill at any point repeats records; the ledger knows which ones it has.

    A full disk stops it, with the reason in readiness, until there is room for entries, index and checkpoints: nothing
    is skipped and nothing is lost.
    """

    def __init__(self, source: Callable[[], Source], keeper: Keeper) -> None:
        self._new_source = source
        self._keeper = keeper
        self._source: Source | None = None
        self._asked_again: set[Place] = set()
        self.connected = False
        self.trouble = ""

    async def run(self) -> None:
        await self._patiently(self._keeper.open)
        source = self._new_source()
        await source.start(self._leave)
        self._source, self.connected = source, True
        self._asked_again.clear()
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._take(source, await source.fetch())
                    self.connected = True
                    backoff.reset()
                except Transient as error:
                    self.connected = False
                    log.warning("broker unavailable", error=str(error))
                    await asyncio.sleep(backoff.next())
        finally:
            self.connected, self._source = False, None
            await source.stop()

    async def lag(self) -> int:
        return await self._source.lag() if self._source is not None else 0

    async def check(self) -> tuple[bool, str]:
        """Whether it takes what comes."""
        if self.trouble:
            return False, self.trouble
        if not self._keeper.is_open:
            return False, f"another process appends to the ledger in {str(self._keeper.folder.path)!r}"
        return True, f"{self._keeper.head.position} entries"

    async def _take(self, source: Source, records: Sequence[RawRecord]) -> None:
        taken = self._without_gaps(source, [_recorded(record) for record in records])
        if taken:
            await self._patiently(lambda: self._keeper.append(taken))
            ends = {one.place: one.offset + 1 for one in taken}
            unproven = self._keeper.unproven
            await source.commit({TopicPartition(*at): min(end, unproven.get(at, end)) for at, end in ends.items()})
        await self._patiently(lambda: self._keeper.sign(if_due=True))

    def _without_gaps(self, source: Source, records: list[Record]) -> list[Record]:
        """Before a gap is believed, the partition is asked once for what the ledger does not hold."""
        firsts: dict[Place, int] = {}
        for record in records:
            firsts.setdefault(record.place, record.offset)
        wanted = gaps(firsts, self._keeper.places)
        again = {place: offset for place, offset in wanted.items() if place not in self._asked_again}
        for place, offset in again.items():
            log.warning("gap: asking again", topic=place.topic, partition=place.partition, offset=offset)
            self._asked_again.add(place)
            source.seek(TopicPartition(*place), offset)
        return [record for record in records if record.place not in again]

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """What the disk refuses, again and again. Raises LedgerFailed where only opening the ledger anew can help."""
        backoff = Backoff()
        while True:
            try:
                done = await work()
            except LedgerFailed as error:
                if error.reopen:
                    raise
                self.trouble = str(error)
                log.error("ledger takes nothing", error=str(error))
                await asyncio.sleep(backoff.next())
            else:
                self.trouble = ""
                return done

    async def _leave(self, places: Sequence[TopicPartition]) -> None:
        """Nothing is under way between two reads that is not finished or will be read again."""


def _recorded(record: RawRecord) -> Record:
    key = record.key.encode("utf-8", errors="surrogateescape")
    return Record(record.topic, record.partition, record.offset, key, record.headers, record.value)
