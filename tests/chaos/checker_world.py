"""What the checker knows of a flock: records, stores, processes. It can be kept as JSON and read again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    """One record of a topic, as it lies there."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    source: str
    sequence: int
    correlation: str
    cause: str | None
    body: Json
    digest: str
    """Of the key, the value and all headers: two deliveries of one event are the same to the byte."""

    @property
    def publisher(self) -> str:
        return self.source.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.topic} {self.key} #{self.sequence} ({self.id[:8]}, offset {self.partition}/{self.offset})"


@dataclass(frozen=True)
class Memory:
    """What one service's store holds. sequences: (aggregate, key, last number given)."""

    service: str
    documents: dict[str, list[Json]] = field(default_factory=dict)
    inbox: frozenset[str] = frozenset()
    outbox: tuple[str, ...] = ()
    sequences: tuple[tuple[str, str, int], ...] = ()
    jobs: tuple[Json, ...] = ()
    parked: tuple[str, ...] = ()
    dead_letters: tuple[str, ...] = ()


@dataclass(frozen=True)
class World:
    """facts: by partition and offset. channels: topic -> (owner, field that is the key). orphans, ledger: None where
    nobody was asked to look."""

    facts: tuple[Fact, ...]
    memories: tuple[Memory, ...]
    channels: Mapping[str, tuple[str, str]]
    unreadable: tuple[str, ...] = ()
    orphans: tuple[str, ...] | None = None
    ledger: str | None = None
    now: float = 0.0

    def of(self, *topics: str) -> Iterator[Fact]:
        """First occurrences only: a repeat under the same id is the same event."""
        seen: set[str] = set()
        for fact in self.facts:
            if fact.topic in topics and fact.id not in seen:
                seen.add(fact.id)
                yield fact

    def memory(self, service: str) -> Memory | None:
        return next((memory for memory in self.memories if memory.service == service), None)


def dump(world: World) -> str:
    return json.dumps(asdict(world), default=sorted, indent=1)


def load(text: str) -> World:
    fields = json.loads(text)
    memories = tuple(_memory(each) for each in fields.pop("memories"))
    facts = tuple(Fact(**each) for each in fields.pop("facts"))
    channels = {topic: (owner, key) for topic, (owner, key) in fields.pop("channels").items()}
    unreadable, orphans = tuple(fields.pop("unreadable")), fields.pop("orphans")
    return World(
        facts,
        memories,
        channels,
        unreadable,
        None if orphans is None else tuple(orphans),
        fields["ledger"],
        fields["now"],
    )


def _memory(fields: Json) -> Memory:
    return Memory(
        service=fields["service"],
        documents=fields["documents"],
        inbox=frozenset(fields["inbox"]),
        outbox=tuple(fields["outbox"]),
        sequences=tuple((aggregate, key, value) for aggregate, key, value in fields["sequences"]),
        jobs=tuple(fields["jobs"]),
        parked=tuple(fields["parked"]),
        dead_letters=tuple(fields["dead_letters"]),
    )
