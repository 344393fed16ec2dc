"""Small ledgers to look at and to damage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from murmur_ledger.batching import contents_of
from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.contents import Content, Record
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.signing import Notary
from murmur_ledger.writer import LedgerWriter

BUSY = ("prediction.logged",)
TOPICS = ("run.started", "run.completed", "model.registered", *BUSY)


class Clock:
    """A second passes each time it is looked at."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def records(*, start: int = 0, partitions: int = 2) -> Iterator[Record]:
    """Without end, over all topics and partitions, offsets in order."""
    for number in count(start):
        turn, topic = divmod(number, len(TOPICS))
        offset, partition = divmod(turn, partitions)
        yield record(TOPICS[topic], partition, offset, correlation=f"chain-{turn % 5}")


def record(topic: str, partition: int, offset: int, *, correlation: str = "chain-0", value: bytes = b"") -> Record:
    headers = (("ce_id", f"{topic}/{partition}/{offset}".encode()), ("ce_correlationid", correlation.encode()))
    body = value or b'{"said": "%d of %d"}' % (offset, partition)
    return Record(topic, partition, offset, f"key-{partition}".encode(), headers, body)


def append(writer: LedgerWriter, batch: Sequence[Record], at: datetime) -> int:
    """How many entries were made."""
    contents: list[Content] = contents_of(batch, writer.places, digested=BUSY, at=at)
    return len(writer.append(contents))


@dataclass(frozen=True)
class Made:
    """A ledger, and the newest checkpoint as somebody else keeps it."""

    path: Path
    kept: Checkpoint
    notary: Notary


def make(path: Path, *, batches: int = 12, batch: int = 7, segment_bytes: int = 4_000, sign_every: int = 3) -> Made:
    """Several files, events and digests, a checkpoint every few batches and one at the end."""
    clock, source = Clock(), records()
    folder = LedgerFolder(path / "ledger")
    with LedgerWriter(folder.path, clock=clock, segment_bytes=segment_bytes) as writer:
        notary = Notary(folder, path / "secrets" / "key.pem")
        for number in range(1, batches + 1):
            append(writer, [next(source) for _ in range(batch)], clock())
            if number % sign_every == 0 or number == batches:
                at = clock()
                kept = notary.sign(ledger=writer.genesis, position=writer.head.position, head=writer.head.hash, at=at)
    return Made(folder.path, kept, notary)
