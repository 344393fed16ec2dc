"""Kills a process at a named point of its work, once: parts of a service, wrapped so that they watch for the point."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from murmur_events import Record
from murmur_kernel.bus import Sink, Source, TopicPartition
from murmur_kernel.bus.base import OnRevoke
from murmur_kernel.store import ChangeSet, OutboxRow, RawRecord, Store


class Point(StrEnum):
    COMMITTING = "about to commit"
    """All is done that belongs to a unit of work, and nothing of it is recorded."""
    COMMITTED = "committed but unpublished"
    PUBLISHED = "published but unmarked"
    """The broker has acknowledged; the outbox does not know it yet."""
    HANDLED = "handled but uncommitted offset"
    CLAIMED = "job leased"
    LEASED = "relay lease held"
    PRODUCING = "during produce"
    """The request is on its way; nobody has acknowledged it."""


PROCESS = os.environ.get("MURMUR_PROCESS", "")
"""As the supervisor calls this process; a service takes it out of its environment, so that no child passes for it."""


@dataclass(frozen=True)
class Arm:
    """Which reach of a point kills whom. topic: only work with events of it; kind: only jobs or documents of it."""

    point: Point
    topic: str = ""
    kind: str = ""
    reach: int = 1
    victim: str = "itself"

    def meets(self, point: Point, topics: Collection[str], kinds: Collection[str]) -> bool:
        wanted = (not self.topic or self.topic in topics) and (not self.kind or self.kind in kinds)
        return point is self.point and wanted


@dataclass(frozen=True)
class Fired:
    """What a fuse left behind: the proof that the point was reached, and what was under way there."""

    arm: Arm
    process: str
    pid: int
    at: float
    ids: tuple[str, ...] = ()


@dataclass
class Fuse:
    """Watches the file in which the suite arms it; the arm is gone once it has fired, so it fires once."""

    folder: Path
    process: str
    _seen: dict[Arm, int] = field(default_factory=dict)

    @property
    def _armed(self) -> Path:
        return self.folder / f"{self.process}.armed.json"

    def due(self, point: Point, topics: Collection[str], kinds: Collection[str] = ()) -> Arm | None:
        """The arm, if this is the reach that it waits for."""
        arm = read_arm(self._armed)
        if arm is None or not arm.meets(point, topics, kinds):
            return None
        self._seen[arm] = self._seen.get(arm, 0) + 1
        return arm if self._seen[arm] == arm.reach else None

    def fire(self, arm: Arm, ids: Sequence[str] = ()) -> bool:
        """Notes it, then SIGKILL for this process; False, without a kill, where another replica was first.

        Where the victim is another process it is the caller who kills it.
        """
        try:
            self._armed.unlink()
        except FileNotFoundError:
            return False
        fired = Fired(arm, PROCESS, os.getpid(), time.time(), tuple(ids))
        path = self.folder / f"{self.process}.fired.json"
        path.with_suffix(".part").write_text(json.dumps(asdict(fired)))
        path.with_suffix(".part").replace(path)
        if arm.victim == "itself":
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def reach(
        self, point: Point, topics: Collection[str], kinds: Collection[str] = (), ids: Sequence[str] = ()
    ) -> None:
        arm = self.due(point, topics, kinds)
        if arm is not None:
            self.fire(arm, ids)


def read_arm(path: Path) -> Arm | None:
    try:
        fields = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return Arm(**{**fields, "point": Point(fields["point"])})


class FusedStore:
    """A store that dies before or after its work; everything else is the real one's."""

    def __init__(self, inner: Store, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse
        self._leads = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def on_commit(self) -> Callable[[ChangeSet], None]:
        return self._inner.on_commit

    @on_commit.setter
    def on_commit(self, call: Callable[[ChangeSet], None]) -> None:
        self._inner.on_commit = call

    async def commit(self, change: ChangeSet) -> None:
        topics = {envelope.topic for envelope in change.envelopes}
        kinds = {write.kind for write in change.documents} if change.fence else set()
        ids = [envelope.id for envelope in change.envelopes]
        self._fuse.reach(Point.COMMITTING, topics, kinds, ids)
        await self._inner.commit(change)
        self._fuse.reach(Point.COMMITTED, topics, kinds, ids)

    async def published(self, up_to: int) -> None:
        rows = [row.envelope for row in await self._inner.outbox(500) if row.position <= up_to]
        self._fuse.reach(Point.PUBLISHED, {row.topic for row in rows}, ids=[row.id for row in rows])
        await self._inner.published(up_to)

    async def lease(self, name: str, owner: str, now: Any, until: Any) -> bool:
        granted = await self._inner.lease(name, owner, now, until)
        if name == "relay":
            self._leads = granted and until > now
            await self.outbox(500)
        return granted

    async def outbox(self, limit: int) -> Sequence[OutboxRow]:
        """What the relay is about to publish: it asks for its lease again only when a part of it is gone."""
        rows = await self._inner.outbox(limit)
        if self._leads:
            self._fuse.reach(Point.LEASED, {row.envelope.topic for row in rows}, ids=[row.envelope.id for row in rows])
        return rows

    async def claim(self, kinds: Sequence[str], owner: str, now: Any, until: Any) -> Any:
        row = await self._inner.claim(kinds, owner, now, until)
        if row is not None:
            self._fuse.reach(Point.CLAIMED, (), {row.kind}, [row.id])
        return row


class FusedSink:
    """A sink whose broker is killed while a request is under way: stopped first, so that it cannot acknowledge."""

    def __init__(self, inner: Sink, fuse: Fuse, pid_of: Callable[[str], int]) -> None:
        self._inner = inner
        self._fuse = fuse
        self._pid_of = pid_of

    async def start(self) -> None:
        await self._inner.start()

    async def stop(self) -> None:
        await self._inner.stop()

    async def send(self, records: Sequence[Record]) -> None:
        arm = self._fuse.due(Point.PRODUCING, {record.topic for record in records})
        if arm is None:
            await self._inner.send(records)
            return
        broker = self._pid_of(arm.victim)
        os.kill(broker, signal.SIGSTOP)
        sending = asyncio.create_task(self._inner.send(records))
        await asyncio.sleep(0.1)  # the request is in the stopped broker's socket now
        self._fuse.fire(
            arm, [value.decode() for record in records for name, value in record.headers if name == "ce_id"]
        )
        os.kill(broker, signal.SIGKILL)
        await sending


class FusedSource:
    """A source that dies where offsets would be committed. `make` gives a fresh one at each start."""

    def __init__(self, make: Callable[[], Source], fuse: Fuse) -> None:
        self._make = make
        self._fuse = fuse
        self._inner: Source | None = None

    @property
    def _real(self) -> Source:
        assert self._inner is not None, "a source is started before it is used"
        return self._inner

    async def start(self, on_revoke: OnRevoke) -> None:
        self._inner = self._make()
        await self._inner.start(on_revoke)

    async def stop(self) -> None:
        await self._real.stop()

    async def fetch(self) -> Sequence[RawRecord]:
        return await self._real.fetch()

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        places = [f"{place.topic}/{place.partition}@{offset}" for place, offset in offsets.items()]
        self._fuse.reach(Point.HANDLED, {place.topic for place in offsets}, ids=places)
        await self._real.commit(offsets)

    def pause(self, partition: TopicPartition) -> None:
        self._real.pause(partition)

    def resume(self, partition: TopicPartition) -> None:
        self._real.resume(partition)

    async def lag(self) -> int:
        return await self._real.lag()
