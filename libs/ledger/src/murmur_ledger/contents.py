"""What an entry says: one record, the digest of a batch of records, or where every partition stands."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from murmur_ledger.errors import BadContent

EVENT, DIGEST, PLACES = 1, 2, 3
"""The first byte of a content."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KIND = struct.Struct(">BQ")
_PLACE = struct.Struct(">IQ")
_BATCH = struct.Struct(">QIQ32s")
_U16, _U32 = struct.Struct(">H"), struct.Struct(">I")

TOPIC_AT = _KIND.size


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Record(NamedTuple):
    """A record as the broker holds it. An absent key, header value or value counts as empty."""

    topic: str
    partition: int
    offset: int
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def place(self) -> Place:
        return Place(self.topic, self.partition)

    def header(self, name: str) -> str:
        """The first header of that name as text; empty when there is none."""
        return next((value.decode(errors="replace") for key, value in self.headers if key == name), "")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One record, whole. at: when it was appended, to the microsecond."""

    at: datetime
    record: Record

    def encoded(self) -> bytes:
        return _KIND.pack(EVENT, _micros(self.at)) + encoded_record(self.record)


@dataclass(frozen=True, kw_only=True)
class Digest:
    """Some records of one partition that follow one another. size: bytes that were hashed."""

    at: datetime
    place: Place
    first: int
    last: int
    count: int
    size: int
    sha256: bytes

    def encoded(self) -> bytes:
        topic, partition = self.place
        return (
            _KIND.pack(DIGEST, _micros(self.at))
            + _text(topic)
            + _PLACE.pack(partition, self.first)
            + _BATCH.pack(self.last, self.count, self.size, self.sha256)
        )


@dataclass(frozen=True, kw_only=True)
class Places:
    """The last offset appended of each partition. It begins every file, so that a start reads the last file only."""

    at: datetime
    offsets: Mapping[Place, int]

    def encoded(self) -> bytes:
        rows = [
            _text(topic) + _PLACE.pack(partition, last) for (topic, partition), last in sorted(self.offsets.items())
        ]
        return _KIND.pack(PLACES, _micros(self.at)) + _U32.pack(len(rows)) + b"".join(rows)


Content = Event | Digest | Places


def encoded_record(record: Record) -> bytes:
    """The record in the one form in which it is hashed, alone or in a batch."""
    parts = [
        _text(record.topic),
        _PLACE.pack(record.partition, record.offset),
        _U32.pack(len(record.key)),
        record.key,
        _U16.pack(len(record.headers)),
    ]
    for name, value in record.headers:
        parts += (_text(name), _U32.pack(len(value)), value)
    parts += (_U32.pack(len(record.value)), record.value)
    return b"".join(parts)


def digest_of(records: Sequence[Record], at: datetime) -> Digest:
    """Of records of one partition, in the order of their offsets, at least one."""
    hashed, size = sha256(), 0
    for record in records:
        encoded = encoded_record(record)
        hashed.update(encoded)
        size += len(encoded)
    first, last = records[0], records[-1]
    return Digest(
        at=at,
        place=first.place,
        first=first.offset,
        last=last.offset,
        count=len(records),
        size=size,
        sha256=hashed.digest(),
    )


def decoded(content: bytes) -> Content:
    """Raises BadContent."""
    try:
        kind, micros = _KIND.unpack_from(content)
        at = _EPOCH + timedelta(microseconds=micros)
        match kind:
            case 1:
                found: Content
                found, end = _event(content, at)
            case 2:
                found, end = _digest(content, at)
            case 3:
                found, end = _places(content, at)
            case _:
                raise BadContent(f"kind {kind} is none that is known here")
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise BadContent(str(error)) from None
    if end != len(content):
        raise BadContent(f"{len(content) - end} bytes are left over")
    return found


def _event(content: bytes, at: datetime) -> tuple[Event, int]:
    topic, cursor = _read_text(content, TOPIC_AT)
    partition, offset = _PLACE.unpack_from(content, cursor)
    key, cursor = _read_bytes(content, cursor + _PLACE.size)
    (number,) = _U16.unpack_from(content, cursor)
    cursor += _U16.size
    headers = []
    for _ in range(number):
        name, cursor = _read_text(content, cursor)
        raw, cursor = _read_bytes(content, cursor)
        headers.append((name, raw))
    value, cursor = _read_bytes(content, cursor)
    return Event(at=at, record=Record(topic, partition, offset, key, tuple(headers), value)), cursor


def _digest(content: bytes, at: datetime) -> tuple[Digest, int]:
    topic, cursor = _read_text(content, TOPIC_AT)
    partition, first = _PLACE.unpack_from(content, cursor)
    cursor += _PLACE.size
    last, count, size, hashed = _BATCH.unpack_from(content, cursor)
    place = Place(topic, partition)
    found = Digest(at=at, place=place, first=first, last=last, count=count, size=size, sha256=hashed)
    return found, cursor + _BATCH.size


def _places(content: bytes, at: datetime) -> tuple[Places, int]:
    (number,) = _U32.unpack_from(content, TOPIC_AT)
    cursor = TOPIC_AT + _U32.size
    offsets: dict[Place, int] = {}
    for _ in range(number):
        topic, cursor = _read_text(content, cursor)
        partition, last = _PLACE.unpack_from(content, cursor)
        cursor += _PLACE.size
        offsets[Place(topic, partition)] = last
    return Places(at=at, offsets=offsets), cursor


def advanced(offsets: dict[Place, int], contents: Iterable[Content]) -> None:
    """Bring `offsets` to where these contents leave each partition."""
    for content in contents:
        match content:
            case Event(record=record):
                offsets[record.place] = record.offset
            case Digest(place=place, last=last):
                offsets[place] = last
            case Places(offsets=stated):
                offsets.update(stated)


def _text(value: str) -> bytes:
    raw = value.encode()
    return _U16.pack(len(raw)) + raw


def _read_text(content: bytes, cursor: int) -> tuple[str, int]:
    (length,) = _U16.unpack_from(content, cursor)
    begin = cursor + _U16.size
    return _slice(content, begin, length).decode(), begin + length


def _read_bytes(content: bytes, cursor: int) -> tuple[bytes, int]:
    (length,) = _U32.unpack_from(content, cursor)
    begin = cursor + _U32.size
    return _slice(content, begin, length), begin + length


def _slice(content: bytes, begin: int, length: int) -> bytes:
    if begin + length > len(content):
        raise IndexError(f"{length} bytes at {begin} reach behind the end")
    return content[begin : begin + length]


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
