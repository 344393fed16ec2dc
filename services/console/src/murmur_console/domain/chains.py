"""One chain of events: ordered so that causes stand before effects, with the works and waits in it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from murmur_console.domain.facts import Fact, Tone, Work


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A work from the fact that began it to the fact that ended it; open while nobody has ended it."""

    work: Work
    opened: Fact
    closed: Fact | None


class Chain:
    """All facts that share one correlation id. Facts may be added late and out of order."""

    def __init__(self, correlation_id: str) -> None:
        self.correlation_id = correlation_id
        self._facts: dict[str, Fact] = {}
        self._ordered: tuple[Fact, ...] | None = ()

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> None:
        self._facts[fact.id] = fact
        self._ordered = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """In order of time; where clocks disagree, causes before effects; of one instant, what begins a work last."""
        if self._ordered is None:
            self._ordered = _in_order(self._facts)
        return self._ordered

    @property
    def root(self) -> Fact:
        return self.facts[0]

    @property
    def last(self) -> Fact:
        return self.facts[-1]

    @property
    def workflow(self) -> str | None:
        return next((fact.workflow for fact in self.facts if fact.workflow), None)

    @property
    def is_telling(self) -> bool:
        """More than one mark's worth: a chain of nothing but measured windows is no story."""
        return any(fact.repeats is None for fact in self._facts.values())

    def get(self, fact_id: str) -> Fact | None:
        return self._facts.get(fact_id)

    def effects_of(self, fact_id: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.causation_id == fact_id]

    def depths(self) -> dict[str, int]:
        """How many causes stand before each fact, inside this chain."""
        depths: dict[str, int] = {}
        for fact in self.facts:
            depths[fact.id] = depths.get(fact.causation_id or "", -1) + 1
        return depths

    @property
    def bars(self) -> list[Bar]:
        """In order of their beginning."""
        return pair(self.facts)

    @property
    def open_bars(self) -> list[Bar]:
        return [bar for bar in self.bars if bar.closed is None]

    @property
    def tone(self) -> Tone:
        """Of the last fact that says something new."""
        return next((fact.tone for fact in reversed(self.facts) if fact.repeats is None), Tone.PLAIN)

    @property
    def outcome(self) -> Fact:
        """The last fact that is not one of many alike."""
        return next((fact for fact in reversed(self.facts) if fact.repeats is None), self.last)


def pair(facts: Sequence[Fact]) -> list[Bar]:
    """Each work from its opening to its closing. Opened again while open (a later attempt): the first ends there."""
    running: dict[Work, Fact] = {}
    bars: list[Bar] = []
    for fact in facts:
        for work in fact.closes:
            if work in running:
                bars.append(Bar(work=work, opened=running.pop(work), closed=fact))
        for work in fact.opens:
            if work in running:
                bars.append(Bar(work=work, opened=running.pop(work), closed=fact))
            running[work] = fact
    bars += [Bar(work=work, opened=fact, closed=None) for work, fact in running.items()]
    place = {fact.id: index for index, fact in enumerate(facts)}
    return sorted(bars, key=lambda bar: place[bar.opened.id])


def clusters(facts: Sequence[Fact]) -> list[tuple[Fact, ...]]:
    """Facts that follow one another and tell the same, together; all others alone."""
    groups: list[list[Fact]] = []
    for fact in facts:
        if groups and fact.repeats is not None and groups[-1][-1].repeats == fact.repeats:
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return [tuple(group) for group in groups]


def _in_order(facts: dict[str, Fact]) -> tuple[Fact, ...]:
    effects: dict[str | None, list[Fact]] = defaultdict(list)
    for fact in facts.values():
        effects[fact.causation_id if fact.causation_id in facts else None].append(fact)
    not_before: dict[str, tuple[datetime, int]] = {}
    waiting = [(root, root.time, 0) for root in effects[None]]
    while waiting:
        fact, earliest, depth = waiting.pop()
        time = max(fact.time, earliest)
        not_before[fact.id] = (time, depth)
        waiting += [(effect, time, depth + 1) for effect in effects[fact.id]]
    alone = (datetime.max.replace(tzinfo=UTC), 0)  # facts that name each other as causes: nonsense, but shown
    return tuple(
        sorted(
            facts.values(),
            key=lambda fact: (*not_before.get(fact.id, alone), len(fact.opens), fact.sequence, fact.id),
        )
    )
