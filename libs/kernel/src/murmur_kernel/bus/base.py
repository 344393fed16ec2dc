"""The ports to the broker. The real ones speak to Kafka, the fake ones to a list in memory."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from murmur_events import Record
from murmur_kernel.store import RawRecord


class TopicPartition(NamedTuple):
    topic: str
    partition: int


OnRevoke = Callable[[Sequence[TopicPartition]], Awaitable[None]]


class Sink(Protocol):
    """Where records are appended."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        """Returns when all are acknowledged, in order per topic and key. Raises Transient; then a repeat is safe."""
        ...


class Source(Protocol):
    """What one member of a consumer group reads."""

    async def start(self, on_revoke: OnRevoke) -> None: ...
    async def stop(self) -> None: ...

    async def fetch(self) -> Sequence[RawRecord]:
        """Some records, in order per partition; empty after a while without any. Raises Transient."""
        ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Where a successor goes on, per partition. Raises Transient."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from there; from the oldest record that is kept, where that one is gone."""
        ...

    def pause(self, partition: TopicPartition) -> None: ...
    def resume(self, partition: TopicPartition) -> None: ...

    async def lag(self) -> int:
        """How many records of its partitions have not been fetched yet."""
        ...


class Reader(Protocol):
    """Looks single records up, as a member of no group: it takes nothing away from anybody and leaves no mark."""

    async def read(self, partition: TopicPartition, offset: int) -> RawRecord | None:
        """None where the broker does not keep that record, or never had it. Raises Transient."""
        ...
