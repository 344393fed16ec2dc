"""Records that come again are compared with what the ledger holds: others at their offsets mean a topic made anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from murmur_audit.index import Index
from murmur_ledger.contents import Digest, Event, Place, Record, digest_of
from murmur_ledger.errors import LedgerDamaged
from murmur_ledger.reader import LedgerReader


@dataclass
class _Digested:
    """A digest, and its records as far as they have come again."""

    digest: Digest
    records: list[Record]

    def has(self, record: Record) -> bool:
        """Whether it has come already: a batch is given once more after a full disk."""
        behind = record.offset - self.digest.first
        return 0 <= behind < len(self.records) and self.records[behind] == record

    def goes_on_with(self, record: Record) -> bool:
        return record.offset == self.records[-1].offset + 1 <= self.digest.last


class Comparer:
    """To be given every record that is read, in the order of its partition, before it is appended.

    A single record cannot be held against a digest: they are kept until the digest's last one has come, and `unproven`
    tells from which offset on. Whoever commits offsets stops there, so that what is read next begins at a digest again.
    """

    def __init__(self, ledger: Path, index: Index, reader: LedgerReader) -> None:
        self._ledger = ledger
        self._index = index
        self._reader = reader
        self._digested: dict[Place, _Digested] = {}

    @property
    def unproven(self) -> dict[Place, int]:
        """The first offset of a digest whose records have not all come again yet."""
        return {place: one.digest.first for place, one in self._digested.items()}

    def look_at(self, record: Record, held: Mapping[Place, int]) -> None:
        """held: the last offset of each partition that the ledger has. Raises LedgerDamaged."""
        begun = self._digested.get(record.place)
        if begun is not None and begun.has(record):
            return
        if begun is not None and begun.goes_on_with(record):
            begun.records.append(record)
            self._conclude(begun)
            return
        self._digested.pop(record.place, None)  # read from elsewhere, or Kafka has dropped what is between
        if record.offset <= held.get(record.place, -1):
            self._compare(record)

    def _compare(self, record: Record) -> None:
        row = self._index.holding(record.place, record.offset)
        if row is None:
            raise self._made_anew(record, "a record where Kafka had none before")
        entry = self._reader.at(row.segment, row.at_byte)
        match entry.content if entry else None:
            case Event(record=known):
                if known != record:
                    raise self._made_anew(record, "another record")
            case Digest() as digest:
                if digest.first == record.offset:
                    self._digested[record.place] = _Digested(digest, [record])
                    self._conclude(self._digested[record.place])
            case _:
                return  # unreadable: the verification of the ledger tells of it

    def _conclude(self, begun: _Digested) -> None:
        last, digest = begun.records[-1], begun.digest
        if last.offset == digest.last:
            del self._digested[digest.place]
            if digest_of(begun.records, digest.at) != digest:
                raise self._made_anew(last, f"other records from offset {digest.first} to the one")

    def _made_anew(self, record: Record, what: str) -> LedgerDamaged:
        why = f"{record.topic}/{record.partition} has {what} at offset {record.offset}: was it made anew?"
        return LedgerDamaged(self._ledger, why)
