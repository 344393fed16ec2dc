"""Keeps the ledger: appends, signs, finds. One thread does all of it, so that nothing happens at the same time."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog

from murmur_audit.comparing import Comparer
from murmur_audit.domain.recording import DIGESTED
from murmur_audit.index import Index, Row, Wanted
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient
from murmur_ledger.batching import contents_of
from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.contents import Place, Record
from murmur_ledger.errors import LedgerBusy, LedgerFailed
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.reader import Entry, LedgerReader
from murmur_ledger.signing import Notary
from murmur_ledger.writer import Head, LedgerWriter

T = TypeVar("T")

log = structlog.get_logger()

_INDEXED_AT_ONCE = 2000
_BUSY_SECONDS = 0.5


class NotTheWriter(Transient):
    """Another replica holds the ledger."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another process appends to the ledger in {str(path)!r}; this one waits until it ends")


@dataclass
class _Open:
    """unindexed: entries of the ledger that the index has not taken yet: a full disk, mostly."""

    writer: LedgerWriter
    notary: Notary
    index: Index
    comparer: Comparer
    signed: Checkpoint | None
    unindexed: list[Entry] = field(default_factory=list)


class Keeper:
    """One replica has the ledger, by a lock of its folder that the operating system frees when the process ends."""

    def __init__(self, folder: Path, signing_key: Path, clock: Clock, *, every: int, seconds: float) -> None:
        """A checkpoint is signed after `every` entries, or after `seconds` if there is a new one."""
        self.folder = LedgerFolder(folder)
        self._signing_key = signing_key
        self._clock = clock
        self._every = every
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._opened: _Open | None = None
        self._reader = LedgerReader(folder)

    async def open(self) -> None:
        """Returns once this process has the ledger. Raises LedgerFailed; LedgerDamaged, BadKey: somebody must look."""
        while self._opened is None:
            try:
                await self._do(self._open)
            except LedgerBusy:
                await asyncio.sleep(_BUSY_SECONDS)

    async def close(self) -> None:
        await self._do(self._close)
        self._thread.shutdown()

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    @property
    def head(self) -> Head:
        return self._held.writer.head

    @property
    def genesis(self) -> bytes:
        return self._held.writer.genesis

    @property
    def public_key(self) -> bytes:
        return self._held.notary.public_key

    @property
    def places(self) -> dict[Place, int]:
        return dict(self._held.writer.places)

    @property
    def unproven(self) -> dict[Place, int]:
        """From which offset on a partition's offsets must not be committed yet: see Comparer."""
        return self._held.comparer.unproven

    @property
    def signed(self) -> Checkpoint | None:
        """The newest checkpoint."""
        return self._held.signed

    async def append(self, records: Sequence[Record]) -> int:
        """How many entries were made of them, all on the disk. Raises LedgerFailed, LedgerDamaged.

        To be repeated after LedgerFailed: what it has done already is not done again.
        """
        return await self._do(lambda: self._append(records))

    async def sign(self, *, if_due: bool = False) -> Checkpoint | None:
        """A checkpoint of the head; the newest one when nothing came since. None while the ledger is empty.

        Raises LedgerFailed.
        """
        return await self._do(lambda: self._sign(if_due))

    async def find(self, wanted: Wanted) -> Sequence[Row]:
        return await self._do(lambda: self._held.index.find(wanted))

    async def counts(self) -> dict[str, tuple[int, int]]:
        return await self._do(lambda: self._held.index.counts())

    async def checkpoints(self) -> list[Checkpoint]:
        return await self._do(lambda: self._held.notary.known())

    async def entry(self, position: int) -> tuple[Row, Entry] | None:
        return await self._do(lambda: self._entry(position))

    async def entries(self, start: int, stop: int) -> list[Entry]:
        return await self._do(lambda: list(self._reader.entries(start, stop)))

    @property
    def _held(self) -> _Open:
        if self._opened is None:
            raise NotTheWriter(self.folder.path)
        return self._opened

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        with self._disk():
            writer = LedgerWriter(self.folder.path, clock=self._clock.now)
            try:
                notary = Notary(self.folder, self._signing_key)
                known = notary.known()
                index = self._indexed()
            except BaseException:
                writer.close()
                raise
        if writer.cut:
            log.warning("torn tail cut", bytes=writer.cut, position=writer.head.position)
        comparer = Comparer(self.folder.path, index, self._reader)
        self._opened = _Open(writer, notary, index, comparer, known[-1] if known else None)
        log.info("ledger opened", position=writer.head.position, head=writer.head.hash.hex())

    def _indexed(self) -> Index:
        """The index, brought up to the head; made anew when it is broken or of another ledger."""
        path = self.folder.path / "index.db"
        try:
            index = Index(path)
            last = index.last()
            entry = self._reader.entry(last.position) if last else None
            if last and (entry is None or entry.frame.hash != last.hash):
                index.clear()
        except sqlite3.DatabaseError:
            for file in self.folder.path.glob("index.db*"):
                file.unlink()
            index = Index(path)
        known = index.last()
        batch: list[Entry] = []
        for one in self._reader.entries(known.position + 1 if known else 1):
            batch.append(one)
            if len(batch) == _INDEXED_AT_ONCE:
                index.add(batch)
                batch = []
        index.add(batch)
        return index

    def _close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened.index.close()
            opened.writer.close()

    def _append(self, records: Sequence[Record]) -> int:
        held = self._held
        self._catch_up(held)
        for record in records:
            held.comparer.look_at(record, held.writer.places)
        contents = contents_of(records, held.writer.places, digested=DIGESTED, at=self._clock.now())
        appended = held.writer.append(contents)
        held.unindexed += [Entry(one.frame, one.content, one.segment, one.at_byte) for one in appended]
        self._catch_up(held)
        return len(appended)

    def _catch_up(self, held: _Open) -> None:
        if held.unindexed:
            with self._disk():
                held.index.add(held.unindexed)
            held.unindexed.clear()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """What a disk that is full refuses may succeed later."""
        try:
            yield
        except (OSError, sqlite3.OperationalError) as error:
            raise LedgerFailed(self.folder.path, str(error), reopen=False) from error

    def _sign(self, if_due: bool) -> Checkpoint | None:
        held, now = self._held, self._clock.now()
        head, before = held.writer.head, held.signed
        news = head.position - (before.position if before else 0)
        if not news:
            return before
        due = news >= self._every or before is None or _age(before, now) >= self._seconds
        if due or not if_due:
            held.signed = held.notary.sign(ledger=self.genesis, position=head.position, head=head.hash, at=now)
        return held.signed

    def _entry(self, position: int) -> tuple[Row, Entry] | None:
        row = self._held.index.at(position)
        entry = self._reader.at(row.segment, row.at_byte) if row else None
        return (row, entry) if row and entry else None


def _age(checkpoint: Checkpoint, now: datetime) -> float:
    return (now - datetime.fromisoformat(checkpoint.at)).total_seconds()
