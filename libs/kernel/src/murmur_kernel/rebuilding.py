"""Rebuilds what a service's projections keep, from the history of events, into a fresh store: nothing is published."""

import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from murmur_kernel.clock import Clock, SystemClock
from murmur_kernel.consuming import Ack, Dead, Dispatcher, Outcome, Park, Retry, Subscriptions
from murmur_kernel.documents import Document, Kind, Query
from murmur_kernel.errors import Refused, Transient
from murmur_kernel.letters import bury, park, record_id
from murmur_kernel.store import ChangeSet, RawRecord, Store
from murmur_kernel.troubles import TROUBLES
from murmur_kernel.unit_of_work import Origin, UnitOfWork

U = TypeVar("U", bound=UnitOfWork)

_TRIES = 5
_PAGE = 500


@dataclass
class Rebuilt:
    """handled: records replayed. waiting: whose prerequisite never came. dead: that their handler refused, and why."""

    handled: int = 0
    waiting: list[str] = field(default_factory=list)
    dead: dict[str, str] = field(default_factory=dict)


@dataclass
class Difference:
    """Documents of the kinds that projections keep: kind/id each."""

    same: int = 0
    different: list[str] = field(default_factory=list)
    only_before: list[str] = field(default_factory=list)
    only_rebuilt: list[str] = field(default_factory=list)

    @property
    def none(self) -> bool:
        return not (self.different or self.only_before or self.only_rebuilt)


@dataclass
class _Line:
    """Records of one topic and key that wait in their order; `awaits` is what the first of them needs."""

    place: tuple[str, str]
    records: deque[RawRecord] = field(default_factory=deque)
    awaits: str = ""


class _Then:
    """The clock of a replay: it is when the record being replayed was recorded."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class Rebuilder(Generic[U]):
    """Replays projections only. A subscription that reacts owns state that events do not carry: it is not touched."""

    def __init__(
        self,
        service: str,
        store: Store,
        unit_of_work: Callable[[Store, Origin], U],
        subscriptions: Subscriptions[U],
        *,
        start: datetime,
        clock: Clock | None = None,
    ) -> None:
        """store: fresh and open. clock: of the present. Raises Refused for a service without projections."""
        projections = [subscription for subscription in subscriptions if not subscription.publishes]
        if not projections:
            raise Refused(f"{service!r} has no projections: all that it keeps, it decided itself")
        self._store = store
        self._clock = _Then(start)
        self._dispatcher = Dispatcher(service, store, self._clock, unit_of_work, projections, replays=True)
        self._present = clock or SystemClock()
        self._lines: dict[tuple[str, str], _Line] = {}
        self._awaiting: defaultdict[str, list[_Line]] = defaultdict(list)
        self._released: deque[_Line] = deque()
        self._result = Rebuilt()
        store.on_commit = self._release

    @property
    def topics(self) -> tuple[str, ...]:
        return self._dispatcher.topics

    async def replay(self, history: Iterable[tuple[datetime, RawRecord]]) -> Rebuilt:
        """In the order given; one that waits for another is tried again behind it, its key's followers behind that.

        Those whose prerequisite is not in history are parked as the service itself would, from now on.
        Raises Refused when a projection left a job: swapped in, the store would act on it.
        """
        for moment, record in history:
            if record.topic in self.topics:
                self._clock.moment = moment
                await self._take(record)
        self._clock.moment = self._present.now()
        for line in self._lines.values():
            for place, record in enumerate(line.records):
                await park(self._dispatcher, record, line.awaits if place == 0 else "")
                self._result.waiting.append(record_id(record))
        if jobs := await self._store.jobs():
            raise Refused(f"a projection asks for work ({jobs[0].kind!r}): that is a reaction, and is not rebuilt")
        return self._result

    async def _take(self, record: RawRecord) -> None:
        place = (record.topic, record.key)
        line = self._lines.setdefault(place, _Line(place))
        line.records.append(record)
        if len(line.records) > 1:
            return
        await self._advance(line)
        while self._released:
            await self._advance(self._released.popleft())

    async def _advance(self, line: _Line) -> None:
        """As far along a line as goes."""
        while line.records:
            record = line.records[0]
            match await self._handle(record):
                case Park(awaits):
                    line.awaits = awaits
                    self._awaiting[awaits].append(line)
                    return
                case Dead(reason=reason) as dead:
                    self._result.dead[record_id(record)] = reason
                    await bury(self._dispatcher, record, dead, announced=False)
                case Ack() | Retry():
                    self._result.handled += 1
            line.records.popleft()
        del self._lines[line.place]

    def _release(self, change: ChangeSet) -> None:
        """Those that wait for what was just saved go on, once the line that saved it has come as far as it can."""
        for document in change.documents:
            self._released += self._awaiting.pop(f"{document.kind}/{document.id}", ())

    async def _handle(self, record: RawRecord) -> Outcome:
        why = ""
        for _ in range(_TRIES):
            outcome = await self._dispatcher.handle(record)
            if not isinstance(outcome, Retry):
                return outcome
            why = outcome.why
        raise Transient(f"{record.topic} {record.key!r} failed {_TRIES} times: {why}")


async def compare(before: Store, rebuilt: Store, kinds: Sequence[Kind[Any]], *, only_projections: bool) -> Difference:
    """only_projections: every kind is theirs; else they have those kinds of which the rebuilt store has documents.

    Troubles are no projection: the kernel keeps what it has told.
    """
    difference = Difference()
    for kind in (kind for kind in kinds if kind != TROUBLES):
        made = False
        async for new in _pages(rebuilt, kind):
            made = True
            old = {one.id: one for one in await before.get_many(kind.name, [one.id for one in new])}
            for document in new:
                name = f"{kind.name}/{document.id}"
                if document.id not in old:
                    difference.only_rebuilt.append(name)
                elif _alike(old[document.id].body, document.body):
                    difference.same += 1
                else:
                    difference.different.append(name)
        if made or only_projections:
            async for old_page in _pages(before, kind):
                ids = [one.id for one in old_page]
                there = {one.id for one in await rebuilt.get_many(kind.name, ids)}
                difference.only_before += [f"{kind.name}/{one}" for one in ids if one not in there]
    return difference


def _alike(one: str, other: str) -> bool:
    return one == other or json.loads(one) == json.loads(other)


async def _pages(store: Store, kind: Kind[Any]) -> AsyncIterator[Sequence[Document]]:
    cursor: str | None = None
    while True:
        page = await store.find(kind.name, Query(limit=_PAGE, cursor=cursor))
        if page.items:
            yield page.items
        if (cursor := page.next) is None:
            return
