"""Finds entries of the ledger: an SQLite file that holds nothing of its own and may be deleted at any time."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from murmur_ledger.contents import Digest, Event, Place, Record
from murmur_ledger.reader import Entry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    position INTEGER PRIMARY KEY, hash BLOB NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL, time REAL NOT NULL,
    topic TEXT NOT NULL, partition INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    count INTEGER NOT NULL, key TEXT NOT NULL, event_id TEXT NOT NULL, correlation TEXT NOT NULL,
    causation TEXT NOT NULL, source TEXT NOT NULL, segment INTEGER NOT NULL, at_byte INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_topic ON entries (topic, position);
CREATE INDEX IF NOT EXISTS by_key ON entries (key, position);
CREATE INDEX IF NOT EXISTS by_correlation ON entries (correlation, position);
CREATE INDEX IF NOT EXISTS by_event ON entries (event_id);
CREATE INDEX IF NOT EXISTS by_time ON entries (time);
CREATE INDEX IF NOT EXISTS by_place ON entries (topic, partition, last);
"""
_COLUMNS = 17


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of an entry without reading it. `time` is the event's own, or that of its appending."""

    position: int
    hash: bytes
    kind: str
    at: datetime
    time: datetime
    topic: str
    partition: int
    first: int
    last: int
    count: int
    key: str
    event_id: str
    correlation: str
    causation: str
    source: str
    segment: int
    at_byte: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which entries: each that is given must fit. `correlation` and `event_id` may be the beginning of one."""

    topic: str = ""
    key: str = ""
    correlation: str = ""
    event_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    below: int | None = None
    limit: int = 50


class Index:
    """To be used by one thread. Raises sqlite3.DatabaseError when its file is broken: delete it then."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # it can be made again from the ledger
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def add(self, entries: Iterable[Entry]) -> None:
        """All or none. Raises sqlite3.OperationalError where the disk is full or somebody else has locked the file."""
        rows = [_row(entry) for entry in entries]
        with self._transaction():
            self._connection.executemany(f"INSERT OR REPLACE INTO entries VALUES ({'?,' * (_COLUMNS - 1)}?)", rows)

    def clear(self) -> None:
        self._connection.execute("DELETE FROM entries")

    def last(self) -> Row | None:
        return self._first("ORDER BY position DESC LIMIT 1", ())

    def at(self, position: int) -> Row | None:
        return self._first("WHERE position = ?", (position,))

    def holding(self, place: Place, offset: int) -> Row | None:
        """The entry that holds this offset; of several the newest."""
        clause = "WHERE topic = ? AND partition = ? AND last >= ? AND first <= ? ORDER BY last, position DESC LIMIT 1"
        return self._first(clause, (*place, offset, offset))

    def find(self, wanted: Wanted) -> Sequence[Row]:
        """Newest first."""
        tests: list[tuple[str, object]] = [
            ("topic = ?", wanted.topic or None),
            ("key = ?", wanted.key or None),
            ("position < ?", wanted.below),
            ("time >= ?", wanted.since.timestamp() if wanted.since else None),
            ("time <= ?", wanted.until.timestamp() if wanted.until else None),
        ]
        for column, beginning in (("correlation", wanted.correlation), ("event_id", wanted.event_id)):
            if beginning:
                tests += [(f"{column} >= ?", beginning), (f"{column} < ?", beginning + chr(0x10FFFF))]
        chosen = [(test, value) for test, value in tests if value is not None]
        where = f"WHERE {' AND '.join(test for test, _ in chosen)} " if chosen else ""
        values = (*(value for _, value in chosen), wanted.limit)
        return [_read(row) for row in self._select(f"{where}ORDER BY position DESC LIMIT ?", values)]

    def counts(self) -> dict[str, tuple[int, int]]:
        """By kind: how many entries, how many records."""
        rows = self._connection.execute("SELECT kind, count(*), sum(count) FROM entries GROUP BY kind")
        return {kind: (entries, records) for kind, entries, records in rows}

    def _first(self, clause: str, values: tuple[object, ...]) -> Row | None:
        row = next(iter(self._select(clause, values)), None)
        return _read(row) if row else None

    def _select(self, clause: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        return self._connection.execute(f"SELECT * FROM entries {clause}", values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have ended it already
                self._connection.execute("ROLLBACK")
            raise


def shown(key: bytes) -> str:
    """A key as text that any store and any page can hold."""
    return key.decode(errors="replace")


def _row(entry: Entry) -> tuple[object, ...]:
    place = (entry.segment, entry.at_byte)
    head = (entry.position, entry.frame.hash)
    match entry.content:
        case Event(at=at, record=record):
            told = (_time(record, at), record.topic, record.partition, record.offset, record.offset, 1)
            names = ("ce_id", "ce_correlationid", "ce_causationid", "ce_source")
            return (*head, "event", at.timestamp(), *told, shown(record.key), *map(record.header, names), *place)
        case Digest(at=at, place=(topic, partition), first=first, last=last, count=count):
            told = (at.timestamp(), topic, partition, first, last, count)
            return (*head, "digest", at.timestamp(), *told, "", "", "", "", "", *place)
        case other:
            at = other.at if other else datetime.fromtimestamp(0, UTC)
            return (*head, "places", at.timestamp(), at.timestamp(), "", 0, 0, 0, 0, "", "", "", "", "", *place)


def _time(record: Record, otherwise: datetime) -> float:
    try:
        return datetime.fromisoformat(record.header("ce_time")).timestamp()
    except (ValueError, OverflowError):
        return otherwise.timestamp()


def _read(row: tuple[object, ...]) -> Row:
    values = dict(zip(Row.__dataclass_fields__, row, strict=True))
    for name in ("at", "time"):
        values[name] = datetime.fromtimestamp(float(str(values[name])), UTC)
    return Row(**values)  # type: ignore[arg-type]  # sqlite3 gives back what was put in
